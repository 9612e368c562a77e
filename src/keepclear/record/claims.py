"""Claims: what somebody signs about a logbook, to be held against the entries themselves.

The law: a checkpoint, a receipt and a LINK each say that a logbook has a root at a size, or a leaf in a slot. Where
the entries are here, the claim is right or it is not; where they are not, it stays open, and says what is missing.
An author whose claim about its own logbook is not right has contradicted itself.
"""

from collections.abc import Iterable

import msgspec

from keepclear.accord.statement import Link, Receipt
from keepclear.record import tree
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import INCARNATION_BYTES, Entry
from keepclear.record.genesis import Genesis
from keepclear.record.logbook import BookId, Logbooks


class Place(msgspec.Struct, frozen=True):
    """Where in a record something stands: its byte position, whose it is (None for a note), and its bytes."""

    at: int
    party: int
    incarnation: bytes
    seq: int | None
    raw: bytes


class Claim(msgspec.Struct, frozen=True):
    """`rule` says by what: checkpoint, receipt, link. `count` entries have root `hash`, or slot `count` leaf `hash`."""

    rule: str
    place: Place
    book: BookId
    count: int
    hash: bytes
    of_root: bool

    @property
    def own(self) -> bool:
        """Whether the author speaks of its own logbook."""
        return self.place.party == self.book[0]

    @property
    def needs(self) -> int:
        """How many entries the logbook has to have for the claim to be looked at."""
        return self.count if self.of_root else self.count + 1


class Wrong(msgspec.Struct, frozen=True):
    """A claim that the entries belie, with the entry that does (None for a claim about an empty logbook)."""

    claim: Claim
    entry: Entry | None


def of_checkpoint(checkpoint: Checkpoint, place: Place) -> Claim:
    """The claim of a checkpoint."""
    book = checkpoint.party, checkpoint.incarnation
    return Claim("checkpoint", place, book, checkpoint.size, checkpoint.root, of_root=True)


def of_receipt(body: Receipt, place: Place, genesis: Genesis) -> tuple[list[Claim], list[str]]:
    """The claims of a receipt; and what in it cannot be, whatever the entries are."""
    faults = []
    if not 0 <= body.party < len(genesis.names) or body.party == place.party:
        faults.append(f"a receipt names another member, not {body.party}")
    faults += _impossible(body.incarnation, body.size, body.root, [(seq, leaf) for seq, leaf, _ in body.beyond])
    past = {seq for seq, _, _ in body.beyond}
    for first, count, _, _ in body.ranges:
        if first < 0 or count < 1 or (first + count > body.size and not (count == 1 and first in past)):
            faults.append(f"times for {count} entries from {first} on, held are {body.size} and {sorted(past)}")
    if faults:
        return [], faults
    book = body.party, body.incarnation
    claims = [Claim("receipt", place, book, body.size, body.root, of_root=True)]
    claims += [Claim("receipt", place, book, seq, leaf, of_root=False) for seq, leaf, _ in body.beyond]
    return claims, []


def of_link(body: Link, place: Place, genesis: Genesis) -> tuple[list[Claim], list[str]]:
    """The claims of a LINK; and what in it cannot be. Start numbers are hints: a clone's may be above our own."""
    claims, faults = [], []
    if not 0 <= body.answered <= genesis.everyone:
        faults.append(f"answered by {body.answered:#x}, all members are {genesis.everyone:#x}")
    for incarnation, number, size, root, beyond, holes in body.old:
        found = _impossible(incarnation, size, root, beyond)
        if incarnation == place.incarnation or number < 0:
            found.append(f"an earlier start is another incarnation and numbered from 0, not {number}")
        if any(first < size or count < 1 for first, count in holes):
            found.append(f"holes at {sorted(holes)}, below the size {size}")
        faults += found
        if not found:
            book = place.party, incarnation
            claims.append(Claim("link", place, book, size, root, of_root=True))
            claims += [Claim("link", place, book, seq, leaf, of_root=False) for seq, leaf in beyond]
    return claims, faults


def settle(claims: Iterable[Claim], logbooks: Logbooks) -> tuple[list[Wrong], list[Claim]]:
    """The claims that the entries belie, and those that stay open because the entries are not here."""
    wrong: list[Wrong] = []
    still_open: list[Claim] = []
    by_book: dict[BookId, list[Claim]] = {}
    for claim in claims:
        by_book.setdefault(claim.book, []).append(claim)
    for book, made in by_book.items():
        _settle_book(book, made, logbooks, wrong, still_open)
    return wrong, still_open


def _settle_book(
    book: BookId, made: list[Claim], logbooks: Logbooks, wrong: list[Wrong], still_open: list[Claim]
) -> None:
    held = logbooks.books.get(book)
    leaves = [entry.leaf for entry in held.entries] if held else []
    roots = tree.roots_at(leaves, (claim.count for claim in made if claim.of_root))
    for claim in made:
        if claim.of_root:
            entry = held.entries[claim.count - 1] if held and 0 < claim.count <= held.size else None
            truth = roots.get(claim.count)
        else:
            entry = held.get(claim.count) if held else None
            truth = entry.leaf if entry else None
        if truth is None:
            still_open.append(claim)
        elif truth != claim.hash:
            wrong.append(Wrong(claim, entry))


def _impossible(incarnation: bytes, size: int, root: bytes, beyond: Iterable[tuple[int, bytes]]) -> list[str]:
    out = []
    if len(incarnation) != INCARNATION_BYTES or size < 0 or len(root) != 32:
        out.append("an incarnation has 8 bytes, a root 32, and a size is not negative")
    if any(seq < size or len(leaf) != 32 for seq, leaf in beyond):
        out.append(f"held past a gap are {sorted(seq for seq, _ in beyond)}, yet {size} without a gap")
    return out
