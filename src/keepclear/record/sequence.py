"""All entries of a line in one sequence, in which nobody speaks of what has not been said.

The law: within an incarnation by seq; an entry stands after all that its author names as seen; what is left open is
settled by the author's wall time, then party, start and incarnation. The same entries give the same sequence,
whatever order they came in and however wrong the clocks are. Entries that name each other in a circle cannot be: no
clock or path explains them.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

import msgspec

from keepclear.record.entry import Entry
from keepclear.record.logbook import BookId, Incarnation

MAX_CIRCLES: Final = 16  # each is proof enough; a hostile record could hold one an entry

Rank = tuple[int, int, int, bytes, int]


class Merged(msgspec.Struct, frozen=True):
    """All entries in sequence; and, where there are such, entries that each name the next as seen, in a circle."""

    entries: list[Entry]
    circles: list[list[Entry]]


def merge(books: Iterable[Incarnation]) -> Merged:
    """The entries of all logbooks, those held past a gap included, in one sequence; in O(n log n)."""
    return _Merge(books).run()


def others(party: int, members: int) -> list[int]:
    """The members that the places of a header's `seen` stand for."""
    return [member for member in range(members) if member != party]


class _Merge:
    """The heads of all logbooks: each ready to be taken, or waiting until another logbook has been taken so far."""

    def __init__(self, books: Iterable[Incarnation]) -> None:
        self.chains: dict[BookId, list[Entry]] = {}
        self.sizes: dict[BookId, int] = {}
        for book in books:
            self.chains[book.id] = [*book.entries, *(book.held[seq] for seq in book.beyond())]
            self.sizes[book.id] = book.size
        self.done = dict.fromkeys(self.chains, 0)
        self.ready: list[tuple[Rank, BookId]] = []
        self.waiting: dict[BookId, BookId] = {}
        self.waiters: dict[BookId, list[tuple[int, BookId, int]]] = {}
        self.out = Merged([], [])

    def run(self) -> Merged:
        for book in sorted(self.chains):
            self._offer(book)
        while self.ready or self.waiting:
            if not self.ready:
                self._break_a_circle()
            _, book = heappop(self.ready)
            self.out.entries.append(self.chains[book][self.done[book]])
            self.done[book] += 1
            self._offer(book)
            self._wake(book)
        return self.out

    def _offer(self, book: BookId) -> None:
        """The next entry of a logbook becomes ready, or waits for the first logbook that it names more of."""
        if self.done[book] >= len(self.chains[book]):
            return
        head = self.chains[book][self.done[book]]
        for member, seen in zip(others(head.header.party, len(head.header.seen) + 1), head.header.seen, strict=True):
            if seen is not None:
                named = member, seen.incarnation
                need = min(seen.size, self.sizes.get(named, 0))
                if self.done.get(named, 0) < need:
                    self.waiting[book] = named
                    heappush(self.waiters.setdefault(named, []), (need, book, self.done[book]))
                    return
        heappush(self.ready, (_rank(head), book))

    def _wake(self, book: BookId) -> None:
        queue = self.waiters.get(book, [])
        while queue and queue[0][0] <= self.done[book]:
            _, waiter, at = heappop(queue)
            if self.done[waiter] == at and self.waiting.pop(waiter, None) is not None:
                self._offer(waiter)

    def _break_a_circle(self) -> None:
        """Everybody waits: follows who waits for whom to a circle, and lets its earliest entry go first."""
        at, path = next(iter(self.waiting)), dict[BookId, None]()
        while at not in path:
            path[at] = None
            at = self.waiting[at]
        circle = list(path)[list(path).index(at) :]
        heads = [self.chains[book][self.done[book]] for book in circle]
        if len(self.out.circles) < MAX_CIRCLES:
            self.out.circles.append(heads)
        rank, book = min(zip(map(_rank, heads), circle, strict=True))
        del self.waiting[book]
        heappush(self.ready, (rank, book))


def _rank(entry: Entry) -> Rank:
    header = entry.header
    return header.wall_ms, header.party, header.start, header.incarnation, header.seq
