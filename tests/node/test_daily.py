"""What a node does once a day, without anybody asking."""

from tests.node.solo import Solo

from keepclear.accord.in_force import digest
from keepclear.accord.statement import InForceList, Kind
from keepclear.accord.times import DAY_MS
from keepclear.node import situation
from keepclear.node.inputs import Tick


def lists(solo: Solo) -> list[InForceList]:
    said = [situation.said_of(entry) for entry in solo.node.books.by_leaf.values()]
    return [one.body for one in said if one.kind == Kind.IN_FORCE_LIST and isinstance(one.body, InForceList)]


def test_a_list_of_what_is_in_force_is_said_each_day_that_the_node_runs() -> None:
    solo = Solo().start()
    for _ in range(3):
        solo.mono_ms += DAY_MS - 1_000
        solo.take(Tick(solo.stamp()))
        before = len(lists(solo))
        solo.mono_ms += 1_000
        solo.take(Tick(solo.stamp()))
        assert len(lists(solo)) == before + 1
    assert lists(solo)[-1] == InForceList(count=0, digest=digest(()))


def test_a_start_after_days_says_one_list_and_not_one_for_each_day() -> None:
    solo = Solo().start()
    solo.mono_ms += DAY_MS * 5
    solo.start()
    for _ in range(3):
        solo.take(Tick(solo.stamp()))
    assert len(lists(solo)) == 1
