"""A flood on an officer's screen: the first whole, the rest as a number, nothing lost, each FLASH with its line."""

from keepclear.accord.statement import Kind, Precedence
from keepclear.host.gathering import WHOLE, WINDOW_MS, Gathering
from keepclear.node.effects import Alarm, Show


def statement(number: int, member: int = 1, precedence: int = Precedence.ROUTINE) -> Show:
    return Show(
        "statement", number.to_bytes(32, "big"), precedence, f"number {number}", (member, Kind.NOTICE, number, ())
    )


def test_the_first_are_whole_and_the_rest_is_told_as_a_number() -> None:
    gathering = Gathering(("ALFA", "BRAVO", "WITNESS"))
    counted = [gathering.counts(statement(number), 100 * number) for number in range(50)]
    assert counted == [False] * WHOLE + [True] * (50 - WHOLE)
    assert gathering.due(WINDOW_MS - 1) == []
    [total] = gathering.due(WINDOW_MS)
    assert total.text.startswith(f"and {50 - WHOLE} more of BRAVO's ROUTINE NOTICE statements in 10 s")
    assert total.facts == (1, 50 - WHOLE)
    assert not gathering.counting
    assert not gathering.counts(statement(50), WINDOW_MS), "then it begins anew"


def test_one_members_flood_hides_nothing_of_anothers_or_of_another_urgency() -> None:
    gathering = Gathering(("ALFA", "BRAVO", "WITNESS"))
    for number in range(50):
        gathering.counts(statement(number), 0)
    assert not gathering.counts(statement(51, member=2), 0)
    assert not gathering.counts(statement(52, precedence=Precedence.IMMEDIATE), 0)


def test_a_flash_always_has_its_line_and_only_its_bell_is_counted() -> None:
    gathering = Gathering(("ALFA", "BRAVO", "WITNESS"))
    for number in range(500):
        assert not gathering.counts(statement(number, precedence=Precedence.FLASH), 0)
    rung = [gathering.counts(Alarm("flash", f"FLASH {number}"), 0) for number in range(20)]
    assert rung == [False] * WHOLE + [True] * (20 - WHOLE)
    for what in ("disputed", "line dead", "quota", "gap", "unlike", "clone", "disk", "advisory"):
        assert not any(gathering.counts(Alarm(what, "this must be heard"), 0) for _ in range(30))


def test_what_was_only_counted_is_displayed_when_it_is_listed() -> None:
    gathering = Gathering(("ALFA", "BRAVO"))
    for number in range(15):
        gathering.counts(statement(number), 0)
    leaves = [number.to_bytes(32, "big") for number in range(15)]
    assert gathering.listed(leaves) == tuple(leaves[WHOLE:])
    assert gathering.listed(leaves) == ()
