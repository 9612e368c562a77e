"""A member that says it holds less of another's logbook than it had said before, in one start of it.

The law: what a process holds only grows, so one start of a member never says less. A new start may: its disk may be an
older one. Both signed things are kept as evidence.
"""

from typing import Final

from keepclear.accord.said import Said
from keepclear.accord.statement import Receipt
from keepclear.line import peer as peers
from keepclear.line.peer import BookKey
from keepclear.node import disputes
from keepclear.node.core import Core
from keepclear.record import entry as entries
from keepclear.record.entry import Entry
from keepclear.record.logbook import Contradiction
from keepclear.record.sequence import others

MAX_STARTS: Final = 200  # of which receipts are remembered
MAX_RECEIPTED: Final = 200  # logbooks of each
WHY: Final = "it says that it holds less than it had said"


def heard(core: Core, entry: Entry) -> None:
    """Holds what a header has seen against its neighbours in its logbook and the author's receipts before it."""
    header = entry.header
    book, seq = core.books.books[header.party, header.incarnation], header.seq
    before, after = book.get(seq - 1), book.get(seq + 1)
    if before is not None and _fell(before, entry):
        disputes.dispute(core, header.party, Contradiction(WHY, before.raw, entry.raw))
    if after is not None and _fell(entry, after):
        disputes.dispute(core, header.party, Contradiction(WHY, entry.raw, after.raw))
    receipts = core.state.watched.receipts.get(peers.book_key(header.party, header.incarnation))
    if receipts is not None:
        _hold_against(core, entry, receipts)


def _hold_against(core: Core, entry: Entry, receipts: dict[BookKey, tuple[int, int, bytes]]) -> None:
    header = entry.header
    for member, seen in zip(others(header.party, len(core.genesis.names)), header.seen, strict=True):
        most = None if seen is None else receipts.get(peers.book_key(member, seen.incarnation))
        if seen is not None and most is not None and most[0] < header.seq and most[1] > seen.size:
            said = core.books.by_leaf[most[2]]
            disputes.dispute(core, header.party, Contradiction(WHY, said.raw, entry.raw))


def receipt(core: Core, said: Said) -> None:
    """Holds a receipt against the one of most that its start has given before."""
    body = said.body
    if not isinstance(body, Receipt) or not 0 <= body.party < len(core.genesis.names):
        return
    receipts, start = core.state.watched.receipts, peers.book_key(said.party, said.incarnation)
    if start not in receipts and len(receipts) >= MAX_STARTS:
        del receipts[next(iter(receipts))]  # the oldest start is the least likely to speak
    own, key = receipts.setdefault(start, {}), peers.book_key(body.party, body.incarnation)
    most = own.get(key)
    if most is None:
        if len(own) < MAX_RECEIPTED:
            own[key] = (said.seq, body.size, said.leaf)
        return
    seq, size, leaf = most
    known, entry = core.books.by_leaf[leaf], core.books.by_leaf[said.leaf]
    if (size - body.size) * (said.seq - seq) > 0:
        first, second = (known, entry) if seq < said.seq else (entry, known)
        disputes.dispute(core, said.party, Contradiction(WHY, first.raw, second.raw))
    elif size == body.size and _root(known) != body.root:
        why = "it has receipted two different logbooks of one size"
        disputes.dispute(core, said.party, Contradiction(why, known.raw, entry.raw))
    if body.size > size:
        own[key] = (said.seq, body.size, said.leaf)


def _fell(before: Entry, after: Entry) -> bool:
    if before.header.seen == after.header.seen:
        return False
    pairs = zip(before.header.seen, after.header.seen, strict=True)
    return any(one and other and one.incarnation == other.incarnation and other.size < one.size for one, other in pairs)


def _root(entry: Entry) -> bytes:
    body = entries.read_body(entry.header.kind, entry.body)
    assert isinstance(body, Receipt)
    return body.root
