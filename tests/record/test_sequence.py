"""One sequence of all entries, whatever the clocks say, and no circle of entries that each heard the other first."""

from hypothesis import given
from hypothesis import strategies as st
from tests.record.build import START_MS, Line, notice

from keepclear.record.entry import Seen
from keepclear.record.logbook import Logbooks
from keepclear.record.sequence import merge, others

# Who speaks next, how far its clock is off just then (in minutes), and who hears it at once.
stories = st.lists(st.tuples(st.integers(0, 2), st.integers(-600, 600), st.booleans()), min_size=1, max_size=14)


def told(story: list[tuple[int, int, bool]]) -> Line:
    line = Line()
    for n, (author, off_min, heard) in enumerate(story):
        line.clock_ms = START_MS + n * 1_000 + off_min * 60_000
        line.say(author, notice(f"Number {n}"), heard_by=None if heard else ())
        if n % 5 == 4:
            line.restart(author)
    return line


@given(stories, st.randoms())
def test_nobody_speaks_of_what_has_not_been_said(story: list[tuple[int, int, bool]], chance: object) -> None:
    line = told(story)
    everything = Logbooks()
    for author in range(3):
        for said in line.entries(author):
            everything.add(said)
    merged = merge(everything.books.values())
    assert merged.circles == []
    assert len(merged.entries) == len(story)
    done: dict[tuple[int, bytes], int] = {}
    for said in merged.entries:
        assert said.header.seq == done.get(said.slot[:2], 0)
        for member, seen in zip(others(said.header.party, 3), said.header.seen, strict=True):
            assert seen is None or done.get((member, seen.incarnation), 0) >= seen.size
        done[said.slot[:2]] = said.header.seq + 1
    shuffled = [*line.entries(0), *line.entries(1), *line.entries(2)]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again = Logbooks()
    for said in shuffled:
        again.add(said)
    assert merge(again.books.values()) == merged


def test_an_answer_stands_after_its_question_though_the_clock_says_otherwise() -> None:
    line = Line()
    question = line.say(0, notice())
    line.clock_ms -= 3_600_000
    answer = line.say(1, notice("Seen"))
    assert [e.leaf for e in merge(line.views[0].books.values()).entries] == [question.leaf, answer.leaf]


def test_entries_that_each_heard_the_other_first_are_a_circle() -> None:
    """ALFA's, BRAVO's and the observer's first entries name each other round; a fourth waits on them in vain."""
    line = Line()
    first = [line.incarnation(member) for member in range(3)]
    seen = {0: (Seen(first[1], 1, 0), None), 1: (None, Seen(first[2], 1, 0)), 2: (Seen(first[0], 1, 0), None)}
    for member in range(3):
        line.say(member, notice(), headers={"seen": seen[member]}, heard_by=())
    line.say(0, notice("After"), heard_by=())
    everything = Logbooks()
    for member in range(3):
        for said in line.entries(member):
            everything.add(said)
    merged = merge(everything.books.values())
    assert len(merged.entries) == 4
    assert [{e.slot for e in circle} for circle in merged.circles] == [{(m, first[m], 0) for m in range(3)}]


def test_what_is_named_but_not_here_is_not_waited_for() -> None:
    line = Line()
    line.say(1, notice(), headers={"seen": (Seen(bytes(8), 9, 0), None)})
    assert len(merge(line.views[0].books.values()).entries) == 1
