"""The timeline: who said what when by its own clock, and since when the others say that they had it."""

from hypothesis import given
from hypothesis import strategies as st
from tests.record.build import START_MS, Line, notice
from tests.record.listed import stolen_line

from keepclear.accord import statement
from keepclear.record import verify
from keepclear.record.timeline import Arrival, earliest, rows

spans = st.lists(st.tuples(st.integers(-3, 30), st.integers(-3, 40), st.integers(0, 9)), max_size=12)


def test_rows_show_both_clocks() -> None:
    line = Line()
    said = line.say(0, notice())
    line.clock_ms = START_MS + 700
    line.receipt(1, 0, shown=False)
    line.clock_ms = START_MS + 900
    line.receipt(1, 0)
    line.receipt(2, 0, shown=False)
    table = rows(line.views[0])
    assert table[0].entry.leaf == said.leaf
    assert table[0].entry.header.wall_ms == START_MS
    assert table[0].arrivals == (
        Arrival(1, START_MS + 700, START_MS + 1_900),
        Arrival(2, START_MS + 900, None),
    )
    assert [row.arrivals for row in table[1:]] == [(), (), ()]


def test_an_entry_past_a_gap_is_shown_as_such_with_its_receipt() -> None:
    line = Line()
    line.say(0, notice("Lost"), heard_by=())
    late = line.say(0, notice("Got through"), heard_by=(1,))
    line.receipt(1, 0)
    [row] = [row for row in rows(line.views[1]) if row.entry.leaf == late.leaf]
    assert row.held
    assert row.arrivals == (Arrival(1, START_MS, None),)


def test_a_receipt_for_more_than_there_can_be_costs_nothing() -> None:
    line = Line()
    line.say(0, notice())
    book = line.book(0, 1)
    body = statement.Receipt(
        party=0, incarnation=book.incarnation, size=1, root=book.frontier.root(), ranges=((0, 2**53 - 1, 5, None),)
    )
    line.say(1, body)
    assert rows(line.views[1])[0].arrivals == (Arrival(1, 5, None),)


@given(spans, st.integers(0, 35))
def test_the_earliest_time_for_each_slot(given_spans: list[tuple[int, int, int]], limit: int) -> None:
    slots = {seq: [ms for first, end, ms in given_spans if first <= seq < end] for seq in range(limit)}
    assert earliest(given_spans, limit) == {seq: min(times) for seq, times in slots.items() if times}


def test_what_is_past_the_end_of_its_key_is_in_the_timeline_and_marked() -> None:
    line, past = stolen_line()
    report = verify.verify([line.record()])
    marked = [row for row in rows(report.logbooks, report.keys) if row.past]
    assert [
        [row.entry.header.party, row.entry.header.incarnation.hex(), row.entry.header.seq] for row in marked
    ] == past
    assert "was good for 1 entries of this start (key list 1)" in marked[0].past[0].text
    assert len(rows(report.logbooks)) == len(rows(report.logbooks, report.keys))
