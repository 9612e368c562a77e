"""A member that says it holds less of another's logbook than it had said before, in one start of it.

The law: what a process holds only grows, so one start of a member never says less. A new start may: its disk may be an
older one. Both signed things are kept as evidence.
"""

from typing import Final

from keepclear.accord.said import Said
from keepclear.accord.statement import Receipt
from keepclear.line import peer as peers
from keepclear.node import disputes
from keepclear.node.core import Core
from keepclear.record import entry as entries
from keepclear.record.entry import Entry
from keepclear.record.logbook import Contradiction
from keepclear.record.sequence import others

MAX_RECEIPTS: Final = 2_000  # pairs of start and logbook whose receipt of most is remembered
WHY: Final = "it says that it holds less than it had said"


def heard(core: Core, entry: Entry) -> None:
    """Holds what a header has seen against its neighbours in its logbook and the author's receipts before it."""
    book, seq = core.books.books[entry.slot[:2]], entry.header.seq
    for before, after in ((book.get(seq - 1), entry), (entry, book.get(seq + 1))):
        if before is not None and after is not None and _fell(before, after):
            disputes.dispute(core, entry.header.party, Contradiction(WHY, before.raw, after.raw))
    receipts = core.state.watched.receipts
    for member, seen in zip(others(entry.header.party, len(core.genesis.names)), entry.header.seen, strict=True):
        if seen is None:
            continue
        key = peers.book_key(*entry.slot[:2]) + peers.book_key(member, seen.incarnation)
        receipt = core.books.by_leaf.get(receipts.get(key, b""))
        if receipt is not None and receipt.header.seq < seq and _size(receipt) > seen.size:
            disputes.dispute(core, entry.header.party, Contradiction(WHY, receipt.raw, entry.raw))


def receipt(core: Core, said: Said) -> None:
    """Holds a receipt against the one of most that its start has given before."""
    body = said.body
    if not isinstance(body, Receipt) or not 0 <= body.party < len(core.genesis.names):
        return
    receipts, entry = core.state.watched.receipts, core.books.by_leaf[said.leaf]
    key = peers.book_key(said.party, said.incarnation) + peers.book_key(body.party, body.incarnation)
    most = core.books.by_leaf.get(receipts.get(key, b""))
    if most is None:
        if len(receipts) < MAX_RECEIPTS:
            receipts[key] = said.leaf
        return
    size = _size(most)
    if (size - body.size) * (said.seq - most.header.seq) > 0:
        first, second = (most, entry) if most.header.seq < said.seq else (entry, most)
        disputes.dispute(core, said.party, Contradiction(WHY, first.raw, second.raw))
    elif size == body.size and _root(most) != body.root:
        why = "it has receipted two different logbooks of one size"
        disputes.dispute(core, said.party, Contradiction(why, most.raw, entry.raw))
    if body.size > size:
        receipts[key] = said.leaf


def _fell(before: Entry, after: Entry) -> bool:
    pairs = zip(before.header.seen, after.header.seen, strict=True)
    return any(one and other and one.incarnation == other.incarnation and other.size < one.size for one, other in pairs)


def _size(entry: Entry) -> int:
    body = entries.read_body(entry.header.kind, entry.body)
    assert isinstance(body, Receipt)
    return body.size


def _root(entry: Entry) -> bytes:
    body = entries.read_body(entry.header.kind, entry.body)
    assert isinstance(body, Receipt)
    return body.root
