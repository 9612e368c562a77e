"""Logbooks: all that one party has said on a line, as a sorted set of incarnations, each a gapless chain.

The law: a slot (party, incarnation, seq) takes one header. Entries past a gap are held, out of sequence, until the
gap is filled; what cannot be (another header in a taken slot, a chain that does not join) is a contradiction, kept
with both headers as evidence that anybody can verify.
"""

from enum import Enum
from typing import Final

import msgspec

from keepclear.accord.statement import Precedence
from keepclear.record import tree
from keepclear.record.entry import NO_PREV, Entry

MAX_HELD: Final = 4_096  # how far past a gap entries are held, per incarnation: four minutes of a flood, 4 MB
MAX_HELD_URGENT: Final = 2 * MAX_HELD  # how many with FLASH, which is held however far past the gap it is
MAX_SEQ: Final = 2**48  # of an entry held so far off
MAX_INCARNATIONS: Final = 100_000  # starts of one party: one a minute for ten weeks

BookId = tuple[int, bytes]


class Verdict(Enum):
    """What became of an entry."""

    APPENDED = "appended"
    HELD = "held out of sequence"
    KNOWN = "already here"
    FULL = "too far ahead to hold"
    CONTRADICTION = "contradicts what its author signed before"


class Contradiction(msgspec.Struct, frozen=True, array_like=True):
    """Two entries, both validly signed by one author, that cannot both be in one logbook."""

    reason: str
    one: bytes
    other: bytes


class Incarnation:
    """One incarnation of one party: its chain, its tree, and what is held past the first gap."""

    def __init__(self, party: int, incarnation: bytes, start: int) -> None:
        self.party = party
        self.incarnation = incarnation
        self.start = start
        self.entries: list[Entry] = []
        self.frontier = tree.Frontier(0, [])
        self.roots: list[bytes] = [tree.EMPTY_ROOT]
        self.held: dict[int, Entry] = {}

    @property
    def id(self) -> BookId:
        """Party and incarnation."""
        return self.party, self.incarnation

    @property
    def size(self) -> int:
        """How many entries are here without a gap."""
        return len(self.entries)

    def root(self, size: int) -> bytes:
        """The root of the tree when it had `size` leaves, at most as many as are here."""
        return self.roots[size]

    @property
    def last(self) -> bytes:
        """The leaf hash that the next entry's `prev` has to name."""
        return self.entries[-1].leaf if self.entries else NO_PREV

    def get(self, seq: int) -> Entry | None:
        """The entry in a slot, in or out of sequence."""
        return self.entries[seq] if 0 <= seq < len(self.entries) else self.held.get(seq)

    def beyond(self) -> list[int]:
        """The slots held past the first gap, sorted."""
        return sorted(self.held)

    def holes(self) -> list[tuple[int, int]]:
        """The gaps below the furthest held entry, as (first seq, count)."""
        out, at = [], self.size
        for seq in self.beyond():
            if seq > at:
                out.append((at, seq - at))
            at = seq + 1
        return out

    def add(self, entry: Entry, max_held: int = MAX_HELD) -> tuple[Verdict, Contradiction | None]:
        """Takes an entry of this incarnation whose signature has been checked."""
        seq = entry.header.seq
        if known := self.get(seq):
            if known.leaf == entry.leaf:  # another signature over the same header is no other entry
                return Verdict.KNOWN, None
            return Verdict.CONTRADICTION, Contradiction("two entries in one slot", known.raw, entry.raw)
        if entry.header.start != self.start:
            return Verdict.CONTRADICTION, Contradiction(
                "two start numbers in one incarnation", (self.entries or list(self.held.values()))[0].raw, entry.raw
            )
        if seq > self.size:
            if seq - self.size > max_held and not self._holds_far(entry):
                return Verdict.FULL, None
            self.held[seq] = entry
            return Verdict.HELD, None
        if entry.header.prev != self.last:
            return Verdict.CONTRADICTION, Contradiction(
                "the chain does not join", self.entries[-1].raw if self.entries else b"", entry.raw
            )
        self._append(entry)
        return Verdict.APPENDED, self._drain()

    def _holds_far(self, entry: Entry) -> bool:
        header = entry.header
        return header.precedence == Precedence.FLASH and header.seq < MAX_SEQ and len(self.held) < MAX_HELD_URGENT

    def _append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.frontier.append(entry.leaf)
        self.roots.append(self.frontier.root())

    def _drain(self) -> Contradiction | None:
        while (entry := self.held.get(self.size)) is not None:
            if entry.header.prev != self.last:
                return Contradiction("the chain does not join", self.entries[-1].raw, entry.raw)
            del self.held[self.size]
            self._append(entry)
        return None


class Logbooks:
    """Every incarnation of every member that this node holds, and all entries by their leaf hash."""

    def __init__(self) -> None:
        self.books: dict[BookId, Incarnation] = {}
        self.by_leaf: dict[bytes, Entry] = {}
        self.starts: dict[int, int] = {}  # how many incarnations of each party are here

    def add(self, entry: Entry, max_held: int = MAX_HELD) -> tuple[Verdict, Contradiction | None]:
        """Takes an entry whose signature has been checked, opening its incarnation if it is new.

        At most `max_held` past a gap: how far is asked of what peers send, not of what has been kept here.
        """
        header = entry.header
        book = self.books.get((header.party, header.incarnation))
        if book is None:
            if self.starts.get(header.party, 0) >= MAX_INCARNATIONS:
                return Verdict.FULL, None
            self.starts[header.party] = self.starts.get(header.party, 0) + 1
            book = Incarnation(header.party, header.incarnation, header.start)
            self.books[book.id] = book
        verdict, contradiction = book.add(entry, max_held)
        if verdict in (Verdict.APPENDED, Verdict.HELD):
            self.by_leaf[entry.leaf] = entry
        return verdict, contradiction

    def of(self, party: int) -> list[Incarnation]:
        """One party's incarnations, by start number and then by id."""
        mine = [book for book in self.books.values() if book.party == party]
        return sorted(mine, key=lambda book: (book.start, book.incarnation))

    def all(self) -> list[Incarnation]:
        """Every incarnation, by party, start number and id."""
        return sorted(self.books.values(), key=lambda book: (book.party, book.start, book.incarnation))

    def newest_start(self, party: int) -> int:
        """The highest start number known of a party; -1 when it has said nothing here."""
        return max((book.start for book in self.books.values() if book.party == party), default=-1)
