"""Beginning again from the record alone, when the journal's state is of another version of this code, or is damaged.

A state that ends earlier than the record goes on from it: what it lacks is taken in.

The law: the record is for ever, the state is a reading of it. What only the state held (own tracks and plans, timers,
what was being sent) is lost and comes anew; a receipt that had been said is not said again; one that may not have been
is, with a time that is later than the true one, never earlier. What waited for a signature is not said anew: it was
confirmed to nobody, and it may be in the record already. Entries that were kept are taken in whatever is missing before
them.
"""

from collections.abc import Iterable

from keepclear.accord.statement import Kind, Receipt
from keepclear.line import peer as peers
from keepclear.node import ledger, situation
from keepclear.node.core import Core
from keepclear.node.state import Author
from keepclear.record import entry as entries
from keepclear.record.logbook import MAX_SEQ


def rebuild(core: Core, raws: Iterable[bytes], n: int) -> None:
    """Takes all kept entries into a core, in the sequence in which they were kept; `n` inputs were journalled."""
    core.state.author = Author()  # none is present: receipts of what is missing of its last one wait, as of any other
    limit = core.genesis.body.limits.entry_bytes
    for raw in raws:
        ledger.take(core, entries.read(raw, limit), core.me, MAX_SEQ)
    core.state.undurable = {}
    core.state.n = n
    for book in core.books.of(core.me):
        for entry in (*book.entries, *book.held.values()):
            body = situation.said_of(entry).body
            if entry.header.kind == Kind.RECEIPT and isinstance(body, Receipt):
                _receipted(core, body)
    core.effects = []


def _receipted(core: Core, body: Receipt) -> None:
    owed = core.state.owed.get(peers.book_key(body.party, body.incarnation))
    if owed is None:
        return
    for first, count, durable_ms, shown_ms in body.ranges:
        for seq in range(first, first + count):
            arrival = owed.arrivals.get(seq)
            if arrival is None:
                continue
            arrival.durable_ms, arrival.told_durable = durable_ms, True
            del owed.arrivals[seq]
            if shown_ms is None:
                owed.unshown[seq] = arrival
    for seq, _, durable_ms in body.beyond:
        if (arrival := owed.arrivals.get(seq)) is not None:
            arrival.durable_ms, arrival.told_durable = durable_ms, True
