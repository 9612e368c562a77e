"""Looking, slowly and all the time, whether what is on the disk is still what was written.

The law: one bite of records a second, so that nothing waits for it; each round begins with forgetting what is held in
caches. What is served comes from memory and never from what is found here. A damaged entry is written anew from memory,
where it has its author's signature; a damaged input that a start would need is made needless by a snapshot; what only
the disk held is told and left as it is. Damage to the tables themselves ends the journal: the next start mends it.
"""

from itertools import islice
from typing import Final

import msgspec

from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalDamaged
from keepclear.host.journal_records import CHECKED, Note
from keepclear.node.node import Node

BITE: Final = 500  # records at once: some milliseconds
NUMBERED: Final = ("rows", "entries")  # from 1 without a gap
FIRST: Final = -(2**63)  # the least number that a record can have
WHAT: Final = {
    "rows": "an input", "snapshots": "a snapshot", "entries": "an entry", "batches": "a batch of own tracks or plans",
    "notes": "a checkpoint note", "pins": "an incident's window",
}  # fmt: skip


class Finding(msgspec.Struct, frozen=True):
    """A record that is not as it was written, or not there, by its table and number."""

    table: str
    number: int

    def __str__(self) -> str:
        return f"{WHAT[self.table]} (number {self.number} of {self.table})"


class Scrub:
    """Where the looking is, and what has been told already."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tables = tuple(CHECKED)
        self._table, self._after = 0, FIRST
        self._told: set[Finding] = set()
        self.rounds = 0

    def bite(self) -> list[Finding]:
        """Looks at the next records; what is wrong with them that was not told before. Raises JournalDamaged."""
        table = self._tables[self._table]
        if not self._table and self._after == FIRST:
            self._journal.begin_scrub()
        found = self._journal.examine(table, self._after, BITE)
        wrong = [Finding(table, number) for number, sound in found if not sound]
        if table in NUMBERED:
            wrong += self._gaps(table, [number for number, _ in found])
        if found:
            self._after = found[-1][0]
        else:
            self._table, self._after = (self._table + 1) % len(self._tables), FIRST
            self.rounds += self._table == 0
        new = [one for one in wrong if one not in self._told]
        self._told.update(new)
        return new

    def _gaps(self, table: str, numbers: list[int]) -> list[Finding]:
        """The first number missing before each that is there, and numbers that cannot be.

        Inputs may be missing where they are no longer kept.
        """
        before = [max(0, number) for number in (self._after, *numbers)]
        gaps = [one + 1 for one, other in zip(before, numbers, strict=False) if other != one + 1]
        if table == "rows" and gaps:
            kept = self._journal.segments()
            gaps = [n for n in gaps if any(segment.after_n < n <= segment.last_n for segment in kept)]
        return [Finding(table, n) for n in gaps]


class Remedy(msgspec.Struct):
    """What is to be done about findings: entries and notes to write anew, and whether a snapshot is to be made."""

    entries: dict[int, tuple[bytes, bytes]] = {}
    notes: list[int] = []
    anew: tuple[Note, ...] = ()
    snapshot: bool = False
    words: tuple[str, ...] = ()

    def apply(self, journal: Journal, wall_ms: int) -> None:
        """Writes what is to be written. Raises JournalFailed."""
        if self.entries or self.notes:
            journal.write_anew(self.entries, self.notes)
        if self.anew:
            journal.append([], wall_ms, notes=self.anew)


def remedy(found: list[Finding], node: Node, latest_n: int) -> Remedy:
    """What can be done about findings, given the node and after which input its journal's newest snapshot is.

    Raises JournalDamaged for an entry where there can be none.
    """
    out = Remedy()
    for one in found:
        if one.table == "entries":
            if not 0 < one.number <= len(node.books.by_leaf):
                raise JournalDamaged(f"damaged: there is {one}, of {len(node.books.by_leaf)}")
            entry = next(islice(node.books.by_leaf.values(), one.number - 1, None))
            out.entries[one.number] = entry.leaf, entry.raw
            done = "it has been written anew from memory"
        elif one.table == "notes":
            out.notes.append(one.number)
            notes = node.state.checkpointing.notes
            out.anew = tuple(Note(origin, _size(raw), raw.decode()) for origin, raw in notes.items())
            done = "it has been taken away; its logbook's newest is kept, and the other members have theirs"
        elif (one.table == "snapshots" and one.number >= latest_n) or (one.table == "rows" and one.number > latest_n):
            out.snapshot = True
            done = "a snapshot is made, so that no start needs it; what was taken in then cannot be replayed"
        else:
            done = "no start needs it; what was taken in then cannot be replayed whole"
        out.words = (*out.words, f"{one} is not as it was written: {done}; look at the disk")
    return out


def _size(note: bytes) -> int:
    """The size that a checkpoint note names, in its second line."""
    return int(note.split(b"\n", 2)[1])


def structure(error: JournalDamaged) -> str:
    """What is told when the tables themselves are damaged."""
    return f"{error}: nothing more is written; end the node and start it: it mends its journal then"
