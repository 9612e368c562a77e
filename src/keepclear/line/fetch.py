"""Fetching one file from one holder, piece by piece: what to ask for now, what has come, how fast.

The law: pieces are asked for from the front, so that what has come is always a beginning and can be gone on with after
anything. A few are on their way at a time. Loss changes nothing of that, since a bad line has loss without being full;
a round trip that grows does: then we are what fills it, and fewer are asked for. What was not asked for is dropped.
"""

from typing import Final

FIRST_WINDOW: Final = 4
MAX_WINDOW: Final = 32  # 32 KB on their way: 160 KB a second at a round trip of 0.2 s
QUEUED_MS: Final = 50  # how much longer a round trip may be for what we have on its way
FIRST_WAIT_MS: Final = 1_000
LEAST_WAIT_MS: Final = 200
MOST_WAIT_MS: Final = 8_000
MAX_AHEAD: Final = 64  # pieces past one that is missing: a crash takes those away
JUDGED: Final = 16  # pieces that came or were lost: of a bad line, half of them are
MAX_BACK_OFF: Final = 8  # of a holder that says nothing: each wait up to so many times as long


class Fetch:
    """One file of `size` bytes, of which the first `got` are here."""

    def __init__(
        self, size: int, got: int, piece_bytes: int, most: int = MAX_WINDOW, least_wait_ms: int = LEAST_WAIT_MS
    ) -> None:
        """`most` pieces are on their way at a time; none is asked for again in less than `least_wait_ms`."""
        self.size, self.got = size, got
        self.piece_bytes = piece_bytes
        self._most, self._least_wait_ms = most, least_wait_ms
        self._asked: dict[int, tuple[int, int, int]] = {}  # place: when first, when last, how often again
        self._early: dict[int, bytes] = {}
        self._next = got
        self._window = min(FIRST_WINDOW, most)
        self._fresh = 0  # pieces in time since the window was last changed
        self._base_ms: int | None = None
        self._trip_ms: int | None = None
        self._mute = 0  # waits in a row in which nothing has come
        self._tried = self._lost = 0
        self._poked_ms: int | None = None
        self.heard_ms: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all bytes are here; which bytes, only their hash says."""
        return self.got >= self.size

    @property
    def on_its_way(self) -> int:
        """How many bytes have been asked for and have not come."""
        return len(self._asked) * self.piece_bytes

    def due(self, now_ms: int, most: int) -> list[int]:
        """The places to ask for now, at most so many: those that were lost, then new ones."""
        wait_ms = self._wait_ms()
        lost = [p for p, (_, ms, again) in self._asked.items() if now_ms - ms >= wait_ms * (1 + min(again // 2, 3))]
        live = len(self._asked) - len(lost)
        lost = lost[: max(0, min(most, self._window - live))]
        if lost and (self.heard_ms is None or now_ms - self.heard_ms >= wait_ms):
            if self._poked_ms is not None and now_ms - self._poked_ms < wait_ms:
                return []
            self._poked_ms, self._mute = now_ms, min(MAX_BACK_OFF, self._mute + 1)
            lost = lost[:1]  # one is enough to find out whether somebody is there
        for place in lost:
            first_ms, _, again = self._asked[place]
            self._asked[place] = first_ms, now_ms, again + 1
            self._count(lost=1)
        end = min(self.size, self.got + MAX_AHEAD * self.piece_bytes)
        while len(lost) < most and len(self._asked) < self._window and self._next < end:
            self._asked[self._next] = now_ms, now_ms, 0
            lost.append(self._next)
            self._next += self.piece_bytes
        return lost

    def hear(self, place: int, data: bytes, now_ms: int) -> bytes:
        """Takes a piece; answers the bytes that now follow on those that were here."""
        asked = self._asked.get(place)
        if asked is None or len(data) != min(self.piece_bytes, self.size - place):
            return b""
        del self._asked[place]
        self.heard_ms, self._mute = now_ms, 0
        first_ms, last_ms, again = asked
        self._count(lost=0)
        # Of one asked for again it is not known which asking is answered, unless it comes sooner than any answer can.
        if not again or (self._base_ms is not None and now_ms - last_ms < self._base_ms):
            self._learn(now_ms - first_ms)
        self._early[place] = data
        run = []
        while self.got in self._early:
            run.append(self._early.pop(self.got))
            self.got += len(run[-1])
        return b"".join(run)

    def _count(self, lost: int) -> None:
        """Where nearly all is lost it is not the line's loss: too much is on its way."""
        self._tried, self._lost = self._tried + 1, self._lost + lost
        if self._tried >= JUDGED:
            if self._lost * 5 >= self._tried * 4:
                self._window = max(1, self._window // 2)
            self._tried = self._lost = 0

    def _learn(self, trip_ms: int) -> None:
        self._base_ms = trip_ms if self._base_ms is None else min(self._base_ms, trip_ms)
        self._trip_ms = trip_ms if self._trip_ms is None else (7 * self._trip_ms + trip_ms) // 8
        self._fresh += 1
        if self._fresh < self._window:
            return
        self._fresh = 0
        if self._trip_ms > self._base_ms + 2 * QUEUED_MS + self._base_ms // 2:
            if self._window == 1:
                self._base_ms = self._trip_ms  # with so little on its way it is the path's own: it goes another way now
            self._window = max(1, self._window // 2)
        elif self._trip_ms <= self._base_ms + QUEUED_MS + self._base_ms // 4:
            self._window = min(self._most, self._window + max(1, self._window // 4))

    def _wait_ms(self) -> int:
        wait_ms = FIRST_WAIT_MS if self._trip_ms is None else 2 * self._trip_ms + QUEUED_MS
        wait_ms = max(self._least_wait_ms, wait_ms) * (1 + self._mute)
        return min(wait_ms, max(MOST_WAIT_MS, 2 * self._least_wait_ms))
