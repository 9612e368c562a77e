"""The timeline: every entry in one sequence, with its author's clock and the clocks of those who received it.

The law: a row shows facts and whose they are: when its author says it spoke, and since when each receiver says that
it held it and had it displayed. No clock is corrected here, and no time is inferred.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

import msgspec

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Receipt
from keepclear.record.entry import Entry, read_body
from keepclear.record.key_book import Beyond, KeyBook
from keepclear.record.logbook import BookId, Logbooks
from keepclear.record.sequence import merge

Span = tuple[int, int, int]  # first seq, seq after the last, time in ms


class Arrival(msgspec.Struct, frozen=True):
    """What one receiver has said of one entry, by its own wall clock; None for what it has not said."""

    member: int
    durable_ms: int | None
    shown_ms: int | None


class Row(msgspec.Struct, frozen=True):
    """One entry, and who has said that it arrived. `held` is true for one past a gap in its logbook; `past` are the
    signatures on it that are past the end of their key.
    """

    entry: Entry
    held: bool
    arrivals: tuple[Arrival, ...]
    past: tuple[Beyond, ...] = ()


def rows(logbooks: Logbooks, keys: KeyBook | None = None) -> list[Row]:
    """The timeline of all that the logbooks hold, in the sequence of sequence.merge, by the key lists known."""
    books = logbooks.all()
    entries = merge(books).entries
    sizes = {book.id: book.size for book in books}
    durable, shown = _times(entries, {book.id: max([book.size, *(s + 1 for s in book.held)]) for book in books})
    out = []
    for entry in entries:
        slot = entry.slot
        members = sorted({m for m, times in (*durable.items(), *shown.items()) if slot in times})
        arrivals = (Arrival(m, durable.get(m, {}).get(slot), shown.get(m, {}).get(slot)) for m in members)
        past = keys.beyond(entry) if keys is not None else ()
        out.append(Row(entry, slot[2] >= sizes[slot[:2]], tuple(arrivals), past))
    return out


def receipts(entries: Iterable[Entry]) -> list[tuple[Entry, Receipt]]:
    """The readable receipts among the entries."""
    out = []
    for entry in entries:
        if entry.header.kind == Kind.RECEIPT:
            try:
                body = read_body(Kind.RECEIPT, entry.body)
            except statement.Unreadable:
                continue
            if isinstance(body, Receipt):
                out.append((entry, body))
    return out


Slots = dict[tuple[int, bytes, int], int]


def _times(entries: Iterable[Entry], limits: dict[BookId, int]) -> tuple[dict[int, Slots], dict[int, Slots]]:
    """For each receiver, the earliest durable and the earliest shown time it has given for each slot."""
    durable: dict[tuple[int, BookId], list[Span]] = {}
    shown: dict[tuple[int, BookId], list[Span]] = {}
    for entry, body in receipts(entries):
        key = entry.header.party, (body.party, body.incarnation)
        for first, count, durable_ms, shown_ms in body.ranges:
            durable.setdefault(key, []).append((first, first + count, durable_ms))
            if shown_ms is not None:
                shown.setdefault(key, []).append((first, first + count, shown_ms))
        for seq, _, durable_ms in body.beyond:
            durable.setdefault(key, []).append((seq, seq + 1, durable_ms))
    return _by_member(durable, limits), _by_member(shown, limits)


def _by_member(spans: dict[tuple[int, BookId], list[Span]], limits: dict[BookId, int]) -> dict[int, Slots]:
    out: dict[int, Slots] = {}
    for (member, book), given in spans.items():
        times = earliest(given, limits.get(book, 0))
        out.setdefault(member, {}).update({(*book, seq): ms for seq, ms in times.items()})
    return out


def earliest(spans: list[Span], limit: int) -> dict[int, int]:
    """The least time of the spans that cover each seq below the limit, in O(n log n) however they overlap."""
    out: dict[int, int] = {}
    todo, active = sorted(spans, reverse=True), list[tuple[int, int]]()
    seq = 0
    while seq < limit and (todo or active):
        if not active:
            seq = max(seq, todo[-1][0])
        while todo and todo[-1][0] <= seq:
            _, end, ms = todo.pop()
            heappush(active, (ms, end))
        while active and active[0][1] <= seq:
            heappop(active)
        if active and seq < limit:
            out[seq] = active[0][0]
            seq += 1
    return out
