"""The air of a slow path: what waits to go out by it, in which sequence, how fast, and which pieces go again.

The law: never more than AHEAD_MS of the path's rate is given to the modem at once, so that a FLASH said now waits for
no more than that. The session's own needs come first, then FLASH, then the rest, short before long; what waits is
bounded. A frame of several pieces is kept until the peer has named all of them; only those that it has not named go
again, in the very bytes that were sealed once.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from struct import Struct
from typing import Final, Generic, TypeVar

from keepclear.line import part

IP_BYTES: Final = 28  # of IP and UDP headers, which take air as well
AHEAD_MS: Final = 300
WORD_BYTES: Final = 100  # words on pieces and proofs are shorter, and go before HELLO and KEY
MAX_WAIT_MS: Final = 15_000  # of air: what is not FLASH and would wait longer is dropped, and said again by the node
KEPT_MS: Final = 60_000  # a frame of which nothing more arrives is given up; the node says its entries again
LONG: Final = 16  # pieces; a longer frame like one on its way is taken for that one, said again
MAX_KEPT: Final = 64
FIRST_WORD_MS: Final = 1_500  # from a frame's last piece to the peer's word on it, until one has been measured
WORD_SLACK_MS: Final = 300
QUIET_MS: Final = 600  # of an unfinished frame: then the peer is told what there is of it
TELL_MS: Final = 300  # the peer is not told more often
PIECES_MS: Final = 5_000  # how long a word on a HELLO or KEY is believed
MAX_PIECES: Final = 16
MAX_TOLD: Final = 16  # frames that one word names

MAX_LAST: Final = 16  # datagrams that wait until there is nothing else to say; more are dropped

CONTROL, FLASH, REST, SPARE, LAST = range(5)

_NAMED = Struct(">QB")
Name = TypeVar("Name", int, bytes)


class _Kept:
    """A frame of which the peer has not named all pieces."""

    def __init__(self, pieces: list[bytes], rank: int, now_ms: int) -> None:
        self.pieces, self.rank, self.since_ms = pieces, rank, now_ms
        self.left = dict.fromkeys(range(len(pieces)))  # in the sequence in which they go
        self.queued: set[int] = set()
        self.sent_ms: dict[int, int] = {}
        self.again = False  # whether any piece has gone twice


class Air:
    """What goes out to one peer by a path of `rate_bps` bits a second."""

    def __init__(self, rate_bps: int) -> None:
        self._rate_bps = rate_bps
        self._queue: list[tuple[int, int, int, bytes, int | None, int]] = []
        self._number = 0
        self._control: set[bytes] = set()
        self._waiting_bytes = 0  # of what is not FLASH and not the session's own
        self._kept: dict[int, _Kept] = {}
        self._pieces: dict[bytes, tuple[int, int]] = {}
        self._free_ms = 0  # when the modem will have sent what it was given
        self._word_ms: int | None = None  # smoothed, from a last piece to the word on it
        self._least_ms: int | None = None
        self.dropped = 0

    @property
    def control_waits(self) -> bool:
        """Whether something of the session's own has not gone out yet."""
        return bool(self._control)

    def renew(self) -> None:
        """Forgets all that waits: another session has begun, and nothing of the one before it is of use."""
        self._queue, self._control, self._kept, self._waiting_bytes = [], set(), {}, 0

    def put_control(self, datagrams: list[bytes]) -> None:
        """Adds what the session itself has to say; what waits already is not added again."""
        for datagram in datagrams:
            if datagram not in self._control:
                self._control.add(datagram)
                self._push(CONTROL, len(datagram) > WORD_BYTES, datagram)

    def put(self, datagrams: list[bytes], flash: bool, now_ms: int) -> None:
        """Adds the pieces of a frame, or drops and counts them when too much waits."""
        rank = FLASH if flash else REST
        if not flash and self._air_ms(self._waiting_bytes) > MAX_WAIT_MS:
            self.dropped += 1
            return
        first = part.read(datagrams[0])
        if len(datagrams) == 1 or first is None:
            self._push(rank, 1, datagrams[0])
            return
        if len(datagrams) > LONG and any(abs(len(k.pieces) - len(datagrams)) < 2 for k in self._kept.values()):
            return
        if len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[first.counter] = _Kept(datagrams, rank, now_ms)
        self._queue_left(first.counter, self._kept[first.counter])

    def put_last(self, datagrams: list[bytes]) -> None:
        """Adds datagrams that go when there is nothing else; each stands alone. They are dropped when many wait."""
        for datagram in datagrams:
            if sum(rank == LAST for rank, *_ in self._queue) >= MAX_LAST:
                self.dropped += 1
            else:
                self._push(LAST, 1, datagram)

    def due(self, now_ms: int) -> list[bytes]:
        """The datagrams to give to the modem now."""
        self._repeat(now_ms)
        out = []
        while self._queue and self._free_ms - now_ms < AHEAD_MS:
            rank, _, _, datagram, name, nth = heappop(self._queue)
            self._control.discard(datagram)
            self._waiting_bytes -= len(datagram) + IP_BYTES if rank == REST else 0
            kept = self._kept.get(name) if name is not None else None
            if kept is not None and rank != SPARE:
                kept.queued.discard(nth)
            if name is not None and (kept is None or nth not in kept.left):
                continue  # it has been named, or given up, while it waited
            if rank == CONTROL and self._is_there(datagram, now_ms):
                continue
            self._free_ms = max(self._free_ms, now_ms) + self._air_ms(len(datagram) + IP_BYTES)
            if kept is not None and rank != SPARE:
                kept.again = kept.again or nth in kept.sent_ms
                kept.sent_ms[nth] = self._free_ms
            out.append(datagram)
        return out

    def hear(self, word: bytes, now_ms: int) -> None:
        """Takes the peer's word on what it has; what it should have and has not goes again."""
        for first, total, mask in read_word(word):
            kept = self._kept.get(first)
            if kept is None or len(kept.pieces) != total:
                continue
            for nth in [nth for nth in kept.left if mask >> nth & 1]:
                del kept.left[nth]
                kept.since_ms = now_ms
            if not kept.left:
                del self._kept[first]
                if not kept.again and len(kept.sent_ms) == total:
                    self._learn(now_ms - max(kept.sent_ms.values()))
                continue
            long_ago_ms = now_ms - (FIRST_WORD_MS // 2 if self._least_ms is None else self._least_ms)
            for nth in kept.left:
                if nth not in kept.queued and kept.sent_ms.get(nth, now_ms) <= long_ago_ms:
                    self._queue_piece(first, kept, nth)

    def hear_pieces(self, name: bytes, mask: int, now_ms: int) -> None:
        """Takes a word on the pieces of a HELLO or KEY of ours. Anybody may have said it, so it holds for a while."""
        self._pieces.pop(name, None)
        if len(self._pieces) >= MAX_PIECES:
            del self._pieces[next(iter(self._pieces))]
        self._pieces[name] = (mask, now_ms)

    def _is_there(self, datagram: bytes, now_ms: int) -> bool:
        header = part.read(datagram)
        mask, at_ms = self._pieces.get(header.session, (0, 0)) if header else (0, 0)
        return header is not None and now_ms - at_ms < PIECES_MS and bool(mask >> header.nth & 1)

    def _repeat(self, now_ms: int) -> None:
        wait_ms = FIRST_WORD_MS if self._word_ms is None else self._word_ms + WORD_SLACK_MS
        for first, kept in list(self._kept.items()):
            if not kept.queued and now_ms - kept.since_ms > KEPT_MS:
                del self._kept[first]
            elif not kept.queued and now_ms - max(kept.sent_ms.values()) >= wait_ms:
                self._queue_left(first, kept)

    def _queue_left(self, first: int, kept: _Kept) -> None:
        for nth in kept.left:
            self._queue_piece(first, kept, nth)

    def _queue_piece(self, first: int, kept: _Kept, nth: int) -> None:
        kept.queued.add(nth)
        self._push(kept.rank, len(kept.pieces), kept.pieces[nth], first, nth)
        if kept.rank == FLASH:  # once more when there is nothing else to say: a word on it takes longer than a piece
            self._push(SPARE, len(kept.pieces), kept.pieces[nth], first, nth)

    def _push(self, rank: int, length: int, datagram: bytes, name: int | None = None, nth: int = 0) -> None:
        self._number += 1
        self._waiting_bytes += len(datagram) + IP_BYTES if rank == REST else 0
        heappush(self._queue, (rank, length, self._number, datagram, name, nth))

    def _learn(self, took_ms: int) -> None:
        self._least_ms = took_ms if self._least_ms is None else min(self._least_ms, took_ms)
        self._word_ms = took_ms if self._word_ms is None else (7 * self._word_ms + took_ms) // 8

    def _air_ms(self, octets: int) -> int:
        return -(-8_000 * octets // self._rate_bps)


class _Heard:
    def __init__(self, total: int) -> None:
        self.total, self.mask = total, 0
        self.due_ms: int | None = None


class Heard(Generic[Name]):
    """What has come of the peer's messages of several pieces, by name, and what of that it is to be told."""

    def __init__(self) -> None:
        self._frames: dict[Name, _Heard] = {}
        self._told_ms: int | None = None

    def note(self, name: Name, header: part.Header, now_ms: int) -> None:
        """A piece has come, for the first time or again."""
        frame = self._frames.pop(name, None) or _Heard(header.total)
        if len(self._frames) >= MAX_KEPT:
            del self._frames[next(iter(self._frames))]
        self._frames[name] = frame
        again = frame.mask >> header.nth & 1
        frame.mask |= 1 << header.nth
        whole = frame.mask == (1 << frame.total) - 1
        soon = again or whole or header.nth == frame.total - 1
        frame.due_ms = now_ms if soon else now_ms + QUIET_MS

    def spoil(self, name: Name) -> None:
        """What has come of a message is of no use: nothing of it is there."""
        if name in self._frames:
            self._frames[name].mask = 0

    def forget(self, name: Name) -> None:
        """A message has been told of as whole and is not kept: if it comes again, it comes anew."""
        self._frames.pop(name, None)

    def due(self, now_ms: int) -> list[tuple[Name, int, int]]:
        """What the peer is to be told now, if anything is due: name, number of pieces, mask of those that are there."""
        due = [frame for frame in self._frames.values() if frame.due_ms is not None and frame.due_ms <= now_ms]
        if not due or (self._told_ms is not None and now_ms - self._told_ms < TELL_MS):
            return []
        self._told_ms = now_ms
        told = [(name, frame) for name, frame in self._frames.items() if frame.due_ms is not None][:MAX_TOLD]
        for _, frame in told:
            frame.due_ms = None
        return [(name, frame.total, frame.mask) for name, frame in told]


def word(told: list[tuple[int, int, int]]) -> bytes:
    """The word on frames: of each its first counter, how many pieces it has, and the mask of those that are there."""
    return b"".join(_NAMED.pack(first, total) + mask.to_bytes((total + 7) // 8, "big") for first, total, mask in told)


def read_word(word: bytes) -> Iterator[tuple[int, int, int]]:
    """First counter, number of pieces, and mask of those that are there, for each frame that a word names whole."""
    at = 0
    while at + _NAMED.size < len(word):
        first, total = _NAMED.unpack_from(word, at)
        end = at + _NAMED.size + (total + 7) // 8
        if end > len(word):
            return
        yield first, total, int.from_bytes(word[at + _NAMED.size : end], "big")
        at = end
