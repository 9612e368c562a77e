"""Logbooks: whatever order entries come in, the chain is the same; an author that forks is shown with both entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.record.build import Line, notice

from keepclear.accord.statement import Precedence
from keepclear.record import logbook
from keepclear.record.entry import Entry
from keepclear.record.logbook import Incarnation, Logbooks, Verdict

LINE = Line()
CHAIN = [LINE.say(0, notice(f"Number {n}"), heard_by=()) for n in range(6)]


def empty() -> Incarnation:
    return Incarnation(0, LINE.incarnation(0), 0)


@given(st.permutations(CHAIN), st.integers(0, 5))
def test_order_of_arrival_does_not_matter(shuffled: list[Entry], repeated: int) -> None:
    book = empty()
    for said in [*shuffled[: repeated + 1], *shuffled]:
        book.add(said)
        assert book.size + len(book.held) == len({e.leaf for e in [*book.entries, *book.held.values()]})
        assert all(start >= book.size and count > 0 for start, count in book.holes())
    assert [e.leaf for e in book.entries] == [e.leaf for e in CHAIN]
    assert (book.beyond(), book.holes()) == ([], [])
    assert book.frontier.root() == LINE.book(0).frontier.root()


def test_what_is_past_a_gap_is_held_and_the_gap_is_named() -> None:
    book = empty()
    assert [book.add(CHAIN[n])[0] for n in (0, 2, 5, 0, 5)] == [
        Verdict.APPENDED, Verdict.HELD, Verdict.HELD, Verdict.KNOWN, Verdict.KNOWN,
    ]  # fmt: skip
    assert (book.size, book.beyond(), book.holes()) == (1, [2, 5], [(1, 1), (3, 2)])
    assert book.get(5) is CHAIN[5]
    assert book.get(1) is None


def forked(seq: int, **headers: object):
    """Another entry by the same author for a slot of the chain."""
    if "prev" not in headers:
        headers["prev"] = CHAIN[seq - 1].leaf if seq else bytes(32)
    return LINE.sign(0, LINE.draft(notice("Something else")), headers={"seq": seq, **headers})


def test_two_entries_in_one_slot_are_the_evidence_in_or_out_of_sequence() -> None:
    for first, second in ((CHAIN[0], forked(0)), (CHAIN[3], forked(3))):
        book = empty()
        book.add(first)
        verdict, found = book.add(second)
        assert verdict == Verdict.CONTRADICTION
        assert found is not None
        assert (found.one, found.other) == (first.raw, second.raw)


def test_a_chain_that_does_not_join_is_found_at_once_or_when_the_gap_closes() -> None:
    torn = forked(1, prev=b"\x01" * 32)
    book = empty()
    book.add(CHAIN[0])
    assert book.add(torn)[0] == Verdict.CONTRADICTION
    book = empty()
    assert book.add(torn)[0] == Verdict.HELD
    verdict, found = book.add(CHAIN[0])
    assert verdict == Verdict.APPENDED
    assert found is not None
    assert (found.one, found.other) == (CHAIN[0].raw, torn.raw)


def test_one_incarnation_has_one_start_number() -> None:
    book = empty()
    book.add(CHAIN[0])
    verdict, found = book.add(forked(1, start=3))
    assert verdict == Verdict.CONTRADICTION
    assert found is not None
    assert "start" in found.reason


def test_what_is_too_far_ahead_is_not_held() -> None:
    book = empty()
    assert book.add(forked(4_096, prev=bytes(31) + b"1"))[0] == Verdict.HELD
    assert book.add(forked(4_097, prev=bytes(31) + b"1"))[0] == Verdict.FULL


def test_a_flash_is_held_however_far_ahead_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    book, far = empty(), {"prev": bytes(31) + b"1", "precedence": Precedence.FLASH}
    assert book.add(forked(20_000, **far))[0] == Verdict.HELD
    assert book.add(forked(2**48, **far))[0] == Verdict.FULL, "a slot that the line cannot name"
    monkeypatch.setattr(logbook, "MAX_HELD_URGENT", 2)
    assert book.add(forked(30_000, **far))[0] == Verdict.HELD
    assert book.add(forked(40_000, **far))[0] == Verdict.FULL
    assert book.add(forked(4_096, **far))[0] == Verdict.HELD


def test_incarnations_stand_by_start_number() -> None:
    line = Line()
    for _ in range(3):
        line.say(0, notice())
        line.restart(0)
    line.say(1, notice())
    books = Logbooks()
    for said in reversed(line.entries(0)):
        books.add(said)
    assert [(book.party, book.start) for book in books.all()] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [books.newest_start(member) for member in range(3)] == [2, 0, -1]
    assert {e.leaf for e in line.entries(0)} == set(books.by_leaf)


def test_a_partys_incarnations_are_bounded_and_one_partys_do_not_count_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logbook, "MAX_INCARNATIONS", 2)
    line, books = Line(), Logbooks()
    verdicts = []
    for _ in range(3):
        verdicts.append(books.add(line.say(0, notice()))[0])
        verdicts.append(books.add(line.say(0, notice()))[0])
        line.restart(0)
    assert verdicts == [Verdict.APPENDED] * 4 + [Verdict.FULL] * 2
    assert books.add(line.say(1, notice()))[0] == Verdict.APPENDED
