"""What a node reads from the record does not depend on the sequence in which it came."""

from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.node.solo import ALFA, BRAVO, WITNESS, Solo

from keepclear.accord import statement
from keepclear.accord.shape import UNKNOWN_VOLUME
from keepclear.accord.statement import Body, Kind, Precedence
from keepclear.node import matters
from keepclear.node.inputs import Say
from keepclear.record.entry import Draft
from sim import founding, officers
from sim.invariants import reading


def say(solo: Solo, body: Body, refs: tuple[bytes, ...] = (), replaces: bytes | None = None) -> bytes:
    """The hash of the entry that a member's officer says."""
    draft = Draft(
        body.kind, Precedence.PRIORITY, replaces, refs, solo.node.core.genesis.everyone, "duty",
        solo.stamp().wall_ms, None, statement.to_bytes(body),
    )  # fmt: skip
    solo.mono_ms += 1_000
    solo.take(Say(solo.stamp(), draft, 0, bytes(32), ()))
    return solo.node.books.books[solo.me, solo.node.state.author.incarnation].entries[-1].leaf


def notice(**changes: Any) -> statement.Notice:
    return statement.Notice(
        **{"activity": 3, "volumes": (UNKNOWN_VOLUME,), "start_ms": None, "end_ms": None, **changes}
    )


def amend() -> statement.Amend:
    return statement.Amend(activity=3, volumes=(UNKNOWN_VOLUME,), start_ms=None, end_ms=None)


def status(solo: Solo, leaf: bytes) -> str:
    return solo.node.state.situation.matters[leaf].status


def put_back(author: Solo) -> Solo:
    """The author, its disk put back to before it ever started, with all that it had said adopted from the others."""
    again = Solo(author.me)
    again.mono_ms, again.starts = author.mono_ms, author.starts
    again.start()
    for raw in author.kept:
        again.hear_entry(WITNESS, raw)
    return again


def script(seed: int) -> list[bytes]:
    """What two authors said, one of them put back in between, about each other's statements."""
    draw = Random(seed)
    authors = [Solo(ALFA).start(), Solo(BRAVO).start()]
    for step in range(14):
        one, other = draw.sample(authors, 2)
        one.mono_ms = max(a.mono_ms for a in authors) + 500
        name = founding.NAMES[one.me]
        one.take(officers.say(draw, one.node, one.stamp(), name, draw.randbytes(32)))
        for raw in one.kept:
            other.hear_entry(one.me, raw)
        if step == 7:
            authors = [put_back(authors[0]), authors[1]]
    return list(dict.fromkeys([*authors[0].kept, *authors[1].kept]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False))
def test_every_sequence_of_arrival_reads_the_same(seed: int, shuffle: Random) -> None:
    said = script(seed)
    first, second = Solo(WITNESS).start(), Solo(WITNESS).start()
    for raw in said:
        first.hear_entry(BRAVO, raw)
    shuffle.shuffle(said)
    for raw in said:
        second.hear_entry(BRAVO, raw)
    assert reading(second.node.state) == reading(first.node.state)


def test_an_end_said_after_the_disk_was_put_back_is_the_later_word() -> None:
    before = Solo(BRAVO).start().start().start()
    begun = say(before, notice())
    say(before, statement.Activated(at_ms=0), (begun,))
    after = put_back(before)
    assert after.node.state.author.start < before.node.state.author.start
    say(after, statement.Ended(at_ms=0), (begun,))
    reader = Solo(ALFA).start()
    for raw in after.kept:
        reader.hear_entry(BRAVO, raw)
    assert status(reader, begun) == status(after, begun) == matters.ENDED


def test_a_hazard_ends_by_all_clear_alone() -> None:
    solo = Solo().start()
    hazard = say(solo, statement.Hazard(hazard=1, source=1, volumes=(UNKNOWN_VOLUME,), since_ms=None))
    say(solo, statement.Ended(at_ms=0), (hazard,))
    say(solo, statement.Cancel(), replaces=hazard)
    say(solo, amend(), replaces=hazard)
    assert status(solo, hazard) == matters.ACTIVE
    say(solo, statement.AllClear(at_ms=0), (hazard,))
    assert status(solo, hazard) == matters.ENDED


def test_an_end_that_leaves_a_hazard_leaves_the_matter_in_force() -> None:
    solo = Solo().start()
    firing = say(solo, notice())
    say(solo, statement.Ended(at_ms=0, residual=True), (firing,))
    assert status(solo, firing) == matters.ACTIVE
    say(solo, statement.AllClear(at_ms=0), (firing,))
    assert status(solo, firing) == matters.ENDED


def test_an_amendment_of_what_has_begun_has_begun_and_ends_with_it() -> None:
    solo = Solo().start()
    first = say(solo, notice())
    say(solo, statement.Activated(at_ms=0), (first,))
    second = say(solo, amend(), replaces=first)
    assert (status(solo, first), status(solo, second)) == (matters.SUPERSEDED, matters.ACTIVE)
    say(solo, statement.Ended(at_ms=0), (first,))
    assert status(solo, second) == matters.ENDED


def test_two_amendments_of_one_notice_are_both_in_force() -> None:
    solo = Solo().start()
    first = say(solo, notice())
    both = [say(solo, amend(), replaces=first) for _ in range(2)]
    assert [status(solo, leaf) for leaf in both] == [matters.PLANNED] * 2
    assert [shown.leaf for shown in solo.shows("two successors")] == [first]
    say(solo, statement.Cancel(), replaces=first)
    assert [status(solo, leaf) for leaf in both] == [matters.CANCELLED] * 2


def test_nobody_ends_or_amends_what_another_has_said() -> None:
    author, reader = Solo(BRAVO).start(), Solo(ALFA).start()
    firing = say(author, notice())
    reader.hear_entry(BRAVO, author.kept[-1])
    say(reader, statement.Ended(at_ms=0), (firing,))
    say(reader, amend(), replaces=firing)
    say(reader, statement.Cancel(), replaces=firing)
    assert status(reader, firing) == matters.PLANNED


def test_a_statement_is_judged_by_what_comes_later_too() -> None:
    """An AMEND that arrives before its notice is judged anew, by the notice, when that comes."""
    author, reader = Solo(BRAVO).start(), Solo(ALFA).start()
    start_ms = author.stamp().wall_ms + 3_600_000
    rules = (("N1", "min_notice", ((3, 900_000),), ""),)
    agreed = statement.Understanding(name="x", version=1, effective_ms=0, rules=rules)
    proposal = say(author, agreed)
    reader.hear_entry(BRAVO, author.kept[-1])
    say(reader, statement.Accept(), (proposal,))
    author.hear_entry(ALFA, reader.kept[-1])
    first = say(author, notice(start_ms=start_ms, end_ms=start_ms + 60_000))
    given = author.kept[-1]
    author.mono_ms += 3_000_000
    body = statement.Amend(activity=3, volumes=(UNKNOWN_VOLUME,), start_ms=start_ms, end_ms=start_ms + 50_000)
    second = say(author, body, replaces=first)
    reader.hear_entry(BRAVO, author.kept[-1])
    assert "LATE" in reader.node.state.situation.matters[second].marks
    reader.hear_entry(BRAVO, given)
    assert "LATE" not in reader.node.state.situation.matters[second].marks
    assert [shown.leaf for shown in reader.shows("judged anew")] == [second]
    assert Kind(reader.node.books.by_leaf[second].header.kind) == Kind.AMEND


def test_an_answer_finds_its_notice_through_the_question_in_any_sequence() -> None:
    author, asker = Solo(BRAVO).start(), Solo(ALFA).start()
    firing = say(author, notice())
    asker.hear_entry(BRAVO, author.kept[-1])
    question = say(asker, statement.Clarify(doubts=1), (firing,))
    author.hear_entry(ALFA, asker.kept[-1])
    answer = say(author, statement.Answer(start_ms=0), (question,))
    three = [author.node.books.by_leaf[leaf].raw for leaf in (firing, question, answer)]
    for sequence in permutations(three):
        reader = Solo(WITNESS).start()
        for raw in sequence:
            reader.hear_entry(BRAVO, raw)
        assert reader.node.state.situation.matters[firing].answer == answer


@pytest.mark.parametrize("second", [amend(), statement.Cancel()], ids=["amend", "cancel"])
def test_what_joins_two_successors_replaces_both_in_any_sequence(second: Body) -> None:
    author = Solo(BRAVO).start()
    first = say(author, notice())
    one = say(author, second, replaces=first)
    other = say(author, amend(), replaces=first)
    joined = say(author, amend(), (other,), replaces=one)
    four = [author.node.books.by_leaf[leaf].raw for leaf in (first, one, other, joined)]
    for sequence in permutations(four):
        reader = Solo(ALFA).start()
        for raw in sequence:
            reader.hear_entry(BRAVO, raw)
        found = reader.node.state.situation.matters
        assert {found[leaf].status for leaf in (first, one, other) if leaf in found} == {matters.SUPERSEDED}
        assert status(reader, joined) == matters.PLANNED
