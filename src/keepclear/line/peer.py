"""One peer's state machine: what it durably holds, what it still lacks, and what is on its way to it.

The law: what a peer is sent is decided by what it says it holds since its start, never by old receipts. Sending is
idempotent and selective, in the sequence of precedence; a FLASH overtakes whatever waits, and so that it does not
stand behind what is on its way already, no more than a tenth of a second of the peer's work or of the path's rate is.
The volatile state of one session: it starts empty with every session and every start of this node, but for how long
we have not been heard.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

import msgspec

from keepclear.line import liveness
from keepclear.line import paths as ways
from keepclear.line.frame import Ailing
from keepclear.line.liveness import Liveness
from keepclear.line.paths import Path
from keepclear.record.logbook import MAX_HELD_URGENT, MAX_SEQ

WINDOW: Final = 256  # entries on their way to one peer at most; PEERS' fixed window of datagrams
WINDOW_FIRST: Final = 32
WINDOW_LEAST: Final = 4
QUEUED_MS: Final = 100  # how much longer the round trip may be for what we have on its way
MARGIN_MS: Final = 40  # a group of inputs, the disk, a tick
RELAY_AFTER_MS: Final = 1_000  # an entry of somebody else is relayed only if its author has not brought it by then
ASK_AGAIN_MS: Final = 500
SLOW_ASK_AGAIN_MS: Final = 1_500
SLOW_TELL_AGAIN_MS: Final = 15_000  # of more logbooks than fit one piece: the session sends its pieces again
TELL_AGAIN_MS: Final = 100  # a vector is long; a question is repeated after ASK_AGAIN_MS and not sooner
LEAST_MS: Final = 80
RESEND_MOST_MS: Final = 5_000
SLOW_WINDOW: Final = 8  # by radio; ten seconds of air
SLOW_RELAY_AFTER_MS: Final = 30_000
SLOW_PATIENCE_MS: Final = 10_000  # the session sends lost pieces again by itself; this is for what it gave up
FLASH_MOST_MS: Final = 1_000  # a line that comes back is told of it within that
WORD_MOST_MS: Final = 1_000  # a busy peer is given more time, but a FLASH that was lost does not wait longer for that
AHEAD: Final = 2_048  # how far past a peer's first gap we send, half of how far it holds; a FLASH goes anyway
MAX_STRANGE_BOOKS: Final = 2_000  # logbooks that only the peer has named so far; a vector lists 1 000

BookKey = bytes
SlotKey = bytes


def book_key(party: int, incarnation: bytes) -> BookKey:
    """A logbook as one byte string, for use in state: party, incarnation."""
    return bytes((party,)) + incarnation


def slot_key(party: int, incarnation: bytes, seq: int) -> SlotKey:
    """A slot as one byte string: party, incarnation, seq."""
    return bytes((party,)) + incarnation + seq.to_bytes(6, "big")


def split_slot(slot: SlotKey) -> tuple[int, bytes, int]:
    """Party, incarnation and seq of a slot."""
    return slot[0], slot[1:9], int.from_bytes(slot[9:], "big")


class Holding(msgspec.Struct, array_like=True):
    """What the peer says it holds of one logbook."""

    size: int = 0
    beyond: dict[int, bool] = {}


class Flight(msgspec.Struct, array_like=True):
    """An entry on its way: precedence, when it was last sent, how often."""

    precedence: int
    sent_ms: int
    tries: int


class Peer(msgspec.Struct, array_like=True):
    """A peer in one session. `queue` is a heap of (precedence, number of arrival, slot) not yet sent.

    `flight` is in the sequence of the last sending, `later` in that of the time to relay: what is due is at the front.
    `far` are heaps of (seq, precedence, number) that wait until the peer's gap has come near, `tell` the slots of each
    logbook that the peer is to be told of.
    """

    index: int
    session: bytes = b""
    live: Liveness = msgspec.field(default_factory=Liveness)
    ask: bytes = b""
    asked_ms: int | None = None
    answered: bool = False
    holds: dict[BookKey, Holding] = {}
    queue: list[tuple[int, int, SlotKey]] = []
    flight: dict[SlotKey, Flight] = {}
    later: list[tuple[int, SlotKey]] = []
    far: dict[BookKey, list[tuple[int, int, int]]] = {}
    tell: dict[BookKey, list[int]] = {}
    sent_ms: int = 0
    strange: int = 0
    ahead: bool = False  # it has said that it holds more of this start of ours than we have said
    told_ms: int | None = None
    word_ms: int | None = None  # from sending an entry to the peer's word on it: its queue and its disk are in this
    paths: dict[str, Path] = {}  # by name, each with its own proof of life
    window: int = WINDOW_FIRST  # how many entries may be on their way, FLASH aside
    routine: int = 0  # how many are, FLASH aside
    most: int = 0  # how many were at once, since the window was fitted
    calm_ms: int | None = None  # the round trip while little of ours is on its way
    paced_ms: int = 0  # when the window was last fitted to the round trip
    due_ms: int | None = None  # before this nothing on its way is due again
    waited_ms: int = 0  # the patience that this was reckoned with
    repeated: bool = False  # a FLASH of the peer has come again: our word on it, and our receipt, may be lost
    ailing: Ailing = Ailing.NOTHING  # its disk, as it says itself
    ailed_ms: int | None = None  # the newest of its times with a word on that, or none
    noted_ms: int | None = None  # when our newest checkpoint last went to it by radio


def begin(peer: Peer, session: bytes, nonce: bytes) -> Peer:
    """The peer as it is at the start of a session."""
    live = liveness.renew(peer.live)
    return Peer(
        index=peer.index, session=session, live=live, ask=nonce, strange=peer.strange, ahead=peer.ahead,
        paths=ways.renew(peer.paths), ailing=peer.ailing,
    )  # fmt: skip


def has(peer: Peer, slot: SlotKey) -> bool:
    """Whether the peer has said that it durably holds the entry in a slot."""
    holding = peer.holds.get(slot[:9])
    if holding is None:
        return False
    seq = int.from_bytes(slot[9:], "big")
    return seq < holding.size or seq in holding.beyond


def hold(peer: Peer, book: BookKey, size: int, beyond: list[int], now_ms: int | None = None) -> None:
    """Takes the peer's word on what it holds of a logbook. It never shrinks within a session.

    With `now_ms`, a word in answer to what was sent, from which its pace is learnt.
    """
    holding = peer.holds.setdefault(book, Holding())
    named = dict.fromkeys(beyond)  # a peer may name one slot twice
    new = [seq for seq in named if holding.size <= seq < MAX_SEQ and seq not in holding.beyond]
    new = new[: MAX_HELD_URGENT - len(holding.beyond)]
    holding.beyond.update(dict.fromkeys(new, True))
    arrived = [_slot(book, seq) for seq in new if _slot(book, seq) in peer.flight]
    if size > holding.size:
        holding.size = size
        holding.beyond = {seq: True for seq in holding.beyond if seq >= size}
        arrived = [slot for slot in peer.flight if slot[:9] == book and has(peer, slot)]
        _come_near(peer, book, size)
    for slot in arrived:
        flight = peer.flight.pop(slot)
        peer.routine -= flight.precedence > 1
        if now_ms is not None and flight.tries == 0:  # of one sent twice it is not known which sending is answered
            _learn_pace(peer, now_ms - flight.sent_ms)


def _slot(book: BookKey, seq: int) -> SlotKey:
    return book + seq.to_bytes(6, "big")


def _is_far(peer: Peer, slot: SlotKey) -> bool:
    holding = peer.holds.get(slot[:9])
    return int.from_bytes(slot[9:], "big") >= (holding.size if holding else 0) + AHEAD


def _come_near(peer: Peer, book: BookKey, size: int) -> None:
    """Queues what had been too far past the gap, and is not any more."""
    far = peer.far.get(book, [])
    while far and far[0][0] < size + AHEAD:
        seq, precedence, number = heappop(far)
        heappush(peer.queue, (precedence, number, _slot(book, seq)))
    if not far:
        peer.far.pop(book, None)


def _learn_pace(peer: Peer, took_ms: int) -> None:
    """Falls at once and rises slowly: a word that was lost and came with the next one is not the peer's pace."""
    known = peer.word_ms
    peer.word_ms = took_ms if known is None or took_ms < known else (15 * known + took_ms) // 16


def _patience_ms(peer: Peer) -> int:
    """How long to wait for the peer's word on an entry before it is sent again."""
    if ways.is_slow(peer.paths):
        return max(liveness.patience_ms(peer.live), SLOW_PATIENCE_MS)
    word_ms = min(WORD_MOST_MS, (peer.word_ms or 0) * 3 // 2)
    return max(liveness.patience_ms(peer.live), word_ms)


def offer(peer: Peer, slot: SlotKey, precedence: int, number: int) -> None:
    """Puts an entry in the queue, unless the peer has it or it is on its way."""
    if slot not in peer.flight and not has(peer, slot):
        heappush(peer.queue, (precedence, number, slot))


def offer_later(peer: Peer, slot: SlotKey, now_ms: int) -> None:
    """Remembers to relay an entry, if by then the peer still lacks it."""
    if not has(peer, slot):
        after_ms = SLOW_RELAY_AFTER_MS if ways.is_slow(peer.paths) else RELAY_AFTER_MS
        peer.later.append((now_ms + after_ms, slot))


def due_relays(peer: Peer, now_ms: int) -> list[SlotKey]:
    """Takes out the entries whose time to be relayed has come and that the peer still lacks."""
    count = next((i for i, (at, _) in enumerate(peer.later) if at > now_ms), len(peer.later))
    due = [slot for _, slot in peer.later[:count]]
    del peer.later[:count]
    return [slot for slot in due if not has(peer, slot) and slot not in peer.flight]


def to_send(peer: Peer, now_ms: int) -> list[SlotKey]:
    """The entries to send now, most urgent first, each marked as on its way: overdue ones again, then new ones."""
    _fit_window(peer, now_ms)
    out = _overdue(peer, now_ms)
    window = SLOW_WINDOW if ways.is_slow(peer.paths) else peer.window
    while peer.queue and (peer.routine < window or peer.queue[0][0] == 1):
        precedence, number, slot = heappop(peer.queue)
        if slot in peer.flight or has(peer, slot):
            continue
        if precedence > 1 and _is_far(peer, slot):
            heappush(peer.far.setdefault(slot[:9], []), (int.from_bytes(slot[9:], "big"), precedence, number))
            continue
        peer.flight[slot] = flight = Flight(precedence, now_ms, 0)
        peer.routine += precedence > 1
        _awaits(peer, flight)
        out.append((precedence, slot))
    peer.most = max(peer.most, peer.routine)
    out.sort(key=lambda item: item[0])
    return [slot for _, slot in out]


def _fit_window(peer: Peer, now_ms: int) -> None:
    """Once in a round trip, makes the window what leaves the round trip near what it is when nothing waits.

    Loss says nothing of how much there is room for, and is not asked. At the least window, what the round trip is
    then is the path's own: so a jitter that came later does not keep it there.
    """
    trip_ms = peer.live.smooth_ms
    if trip_ms is None or now_ms - peer.paced_ms < trip_ms:
        return
    if peer.calm_ms is None:
        peer.calm_ms = trip_ms if peer.live.base_ms is None else peer.live.base_ms
    if trip_ms < peer.calm_ms or peer.most <= WINDOW_LEAST:
        peer.calm_ms = trip_ms
    peer.paced_ms, peer.most = now_ms, peer.routine
    fitting = peer.window * (peer.calm_ms + QUEUED_MS) // max(1, trip_ms)
    if fitting < peer.window or peer.queue:
        peer.window = min(WINDOW, max(WINDOW_LEAST, peer.window // 2, min(fitting, 2 * peer.window)))


def _overdue(peer: Peer, now_ms: int) -> list[tuple[int, SlotKey]]:
    """What is to be sent again, with its precedence; all that is on its way is looked at only when something may be."""
    if not peer.flight:
        peer.due_ms = None
    repeated, peer.repeated = peer.repeated and not ways.is_slow(peer.paths), False
    nothing_yet = peer.due_ms is None or (now_ms < peer.due_ms and 2 * _patience_ms(peer) >= peer.waited_ms)
    if nothing_yet and not repeated:
        return []
    arrived_ms = now_ms - max(LEAST_MS, (peer.live.smooth_ms or 0) // 2)  # what left later may still be on its way
    waits = _waits(peer)
    again = sorted(
        (f.precedence, slot)
        for slot, f in peer.flight.items()
        if f.sent_ms + waits(f.precedence, f.tries) <= now_ms
        or (repeated and f.precedence == 1 and f.sent_ms <= arrived_ms)
    )
    for precedence, slot in again:
        peer.flight[slot] = Flight(precedence, now_ms, peer.flight.pop(slot).tries + 1)
    peer.due_ms = min((f.sent_ms + waits(f.precedence, f.tries) for f in peer.flight.values()), default=None)
    if peer.flight:
        peer.waited_ms = _patience_ms(peer)
    return again


def _awaits(peer: Peer, flight: Flight) -> None:
    patience_ms = _patience_ms(peer)
    due_ms = flight.sent_ms + _wait_ms(peer, patience_ms, flight.precedence, flight.tries)
    peer.due_ms = due_ms if peer.due_ms is None else min(peer.due_ms, due_ms)
    peer.waited_ms = patience_ms


def _waits(peer: Peer) -> Callable[[int, int], int]:
    """`_wait_ms` at this moment, reckoned once for each precedence and number of tries: much may be on its way."""
    patience_ms, known = _patience_ms(peer), dict[tuple[int, int], int]()

    def wait_ms(precedence: int, tries: int) -> int:
        wait = known.get((precedence, tries))
        if wait is None:
            wait = known[precedence, tries] = _wait_ms(peer, patience_ms, precedence, tries)
        return wait

    return wait_ms


def next_resend_ms(peer: Peer) -> int | None:
    """The monotonic time before which nothing on its way is overdue; None when nothing is on its way."""
    return peer.due_ms if peer.flight else None


def _wait_ms(peer: Peer, patience_ms: int, precedence: int, tries: int) -> int:
    """How long something waits to be sent again: more with every other time, up to 5 s, for a FLASH up to 1 s."""
    if ways.is_slow(peer.paths):
        return patience_ms
    if precedence == 1:
        return _flash_wait_ms(peer, tries)
    return min(RESEND_MOST_MS, patience_ms * (1 + tries // 2))


def _flash_wait_ms(peer: Peer, tries: int) -> int:
    """A FLASH waits for no more than the round trip; once that has brought no word, it goes twice in each, so that a
    second loss does not cost a second round trip.
    """
    trip_ms = liveness.FIRST_ROUND_TRIP_MS if peer.live.smooth_ms is None else peer.live.smooth_ms
    word_ms = min(WORD_MOST_MS, (peer.word_ms or 0) * 3 // 2)
    if not tries:
        return max(LEAST_MS, trip_ms + trip_ms // 8 + MARGIN_MS, word_ms)
    wait_ms = max(LEAST_MS, trip_ms // 2 + MARGIN_MS, word_ms // 2)
    return min(wait_ms * (1 + tries // 2), max(wait_ms, FLASH_MOST_MS))
