"""Receipts, made by rule: what of another member's entries is durable here and has been shown here, and since when.

The law: a receipt names only what is on disk. At once for FLASH, else at most once a second for each logbook; owed
only for entries that are neither receipts nor links, so a quiet line stays quiet. Where there are more different
times than a receipt has room for, neighbours stand under the later one: a time told is never earlier than the true one.
"""

from typing import Final

from keepclear.accord.statement import Precedence, Receipt
from keepclear.line import peer as peers
from keepclear.node import author, courier
from keepclear.node.core import Core
from keepclear.node.inputs import Displayed, Durable
from keepclear.node.state import Arrival, Owed
from keepclear.record.logbook import Incarnation

MAX_BEYOND: Final = 8
MAX_RANGES: Final = 32
TOGETHER_MS: Final = (0, 8, 64, 512, 4_096)  # how far apart times may be that are told as one, the first that fits

Range = tuple[int, int, int, int | None]  # first seq, count, durable_ms, shown_ms


def durable(core: Core, data: Durable) -> None:
    """Marks what is now on disk, and has every peer told of it."""
    state = core.state
    dry = [slot for slot, n in state.undurable.items() if n <= data.upto]
    for slot in dry:
        del state.undurable[slot]
        courier.offer_durable(core, slot)
        party, incarnation, seq = peers.split_slot(slot)
        key = peers.book_key(party, incarnation)
        arrival = state.owed[key].arrivals.get(seq) if key in state.owed else None
        if arrival is not None:
            arrival.durable_ms = core.wall_ms
        for peer in state.peers.values():
            if peer.session:
                peer.tell.setdefault(key, []).append(seq)


def displayed(core: Core, data: Displayed) -> None:
    """Marks what has been put before an officer."""
    for leaf in data.leaves:
        entry = core.books.by_leaf.get(leaf)
        if entry is None or entry.header.party == core.me:
            continue
        party, incarnation, seq = entry.slot
        owed = core.state.owed.get(peers.book_key(party, incarnation))
        if owed is None:
            continue
        if seq in owed.unshown:
            owed.arrivals[seq] = owed.unshown.pop(seq)
        arrival = owed.arrivals.get(seq)
        if arrival is not None and arrival.shown_ms is None:
            arrival.shown_ms = core.wall_ms


def say_due(core: Core) -> None:
    """Says the receipts that are due."""
    if core.state.disk_failed or not core.state.author.incarnation:
        return
    for key, owed in core.state.owed.items():
        news = [a for a in owed.arrivals.values() if _may_be_news(a)]
        if not news:
            continue
        book = core.books.books[key[0], key[1:]]
        size = core.durable_size(book)
        fresh = [a for a in news if not a.told_durable or a.seq < size]
        if not fresh:
            continue
        urgent = min(a.precedence for a in fresh)
        waited = owed.said_ms is None or core.mono_ms - owed.said_ms >= core.state.settings.receipt_every_ms
        if urgent == Precedence.FLASH or waited:
            _say(core, book, owed, fresh, urgent)


def _may_be_news(arrival: Arrival) -> bool:
    """An entry is told of when it is durable, and again when it is shown; the latter only without a gap before it."""
    return arrival.durable_ms is not None and (not arrival.told_durable or arrival.shown_ms is not None)


def _say(core: Core, book: Incarnation, owed: Owed, fresh: list[Arrival], precedence: int) -> None:
    size, beyond_seqs = core.durable(book)
    ranges = _fitting(sorted((a for a in fresh if a.seq < size), key=lambda a: a.seq), precedence)
    told = {seq for first, count, _, _ in ranges for seq in range(first, first + count)}
    beyond = (a for a in fresh if a.seq >= size and a.seq in beyond_seqs)
    urgent_first = sorted(beyond, key=lambda a: (a.precedence > Precedence.FLASH, a.seq))[:MAX_BEYOND]
    held = sorted(urgent_first, key=lambda a: a.seq)
    if not ranges and not held:
        return
    body = Receipt(
        party=book.party,
        incarnation=book.incarnation,
        size=size,
        root=book.root(size),
        ranges=tuple(ranges),
        beyond=tuple((a.seq, a.leaf, a.durable_ms or 0) for a in held),
    )
    owed.said_ms = core.mono_ms
    _settle(owed, told, {a.seq for a in held})
    author.say_by_rule(core, body, precedence)


def _settle(owed: Owed, told: set[int], held: set[int]) -> None:
    for seq in sorted(told | held):
        arrival = owed.arrivals[seq]
        arrival.told_durable = True
        if seq in told:
            del owed.arrivals[seq]
        if seq in told and arrival.shown_ms is None:
            owed.unshown[seq] = arrival


def _fitting(arrivals: list[Arrival], precedence: int) -> list[Range]:
    """The arrivals as ranges, as exact as a receipt has room for; what is still too much is told the next time, and of
    that nothing that is as urgent as the receipt.
    """
    for within_ms in TOGETHER_MS:
        out = _ranges(arrivals, within_ms)
        if len(out) <= MAX_RANGES:
            return out
    urgent = {a.seq for a in arrivals if a.precedence <= precedence}
    first = sorted(out, key=lambda lot: urgent.isdisjoint(range(lot[0], lot[0] + lot[1])))[:MAX_RANGES]
    return sorted(first)


def _ranges(arrivals: list[Arrival], within_ms: int) -> list[Range]:
    """Neighbours whose times are at most so far apart, each lot under its latest times."""
    out: list[Range] = []
    first: Arrival | None = None  # of the lot
    for a in arrivals:
        if first is None or not _go_together(out[-1], first, a, within_ms):
            out.append((a.seq, 1, a.durable_ms or 0, a.shown_ms))
            first = a
        else:
            seq, count, durable_ms, shown_ms = out[-1]
            shown_ms = None if a.shown_ms is None or shown_ms is None else max(shown_ms, a.shown_ms)
            out[-1] = (seq, count + 1, max(durable_ms, a.durable_ms or 0), shown_ms)
    return out


def _go_together(lot: Range, first: Arrival, a: Arrival, within_ms: int) -> bool:
    if lot[0] + lot[1] != a.seq or (first.shown_ms is None) != (a.shown_ms is None):
        return False
    apart_ms = abs((a.durable_ms or 0) - (first.durable_ms or 0)), abs((a.shown_ms or 0) - (first.shown_ms or 0))
    return max(apart_ms) <= within_ms


def holders(core: Core, book: Incarnation, seq: int) -> int:
    """How many members durably hold an entry of ours, as they have said: the mask of their indices."""
    slot = peers.slot_key(book.party, book.incarnation, seq)
    mask = 0 if slot in core.state.undurable else 1 << core.me
    for peer in core.state.peers.values():
        if peers.has(peer, slot):
            mask |= 1 << peer.index
    return mask
