"""What comes in by a path, sorted before the node sees it: what goes on, in which sequence, what is dropped and why.

The law: it holds no key by which anything could be read or made but that of the tags; it judges by what stands in the
clear, by copies, and by how much of it there is, and never says that something is authentic. What belongs to a session
in use goes before handshakes, and every source, a configured peer each and all strangers together, has its own queues
and rates and its turn: so one that floods takes from itself. Everything that is kept has a bound in number.

      a datagram ---> SHAPE? ---> FRAME, HELD, BLOB: session in use? too old? a copy? --> over rate? full? --> frames
                             \\--> HELLO, KEY, PIECES: to us? tagged? said just now? --> over rate? full? --> handshakes
"""

from collections import Counter, deque
from collections.abc import Collection, Hashable, KeysView, Mapping
from enum import StrEnum
from typing import Final

from keepclear.line import part, tag
from keepclear.line.bucket import Bucket

STRANGERS: Final = 0  # the source of all that comes from no configured address
PLACES: Final = 256  # that strangers are told apart by; two addresses may share one
FRAMES_PER_SECOND: Final = 20_000  # of a peer: what it may send
FRAMES_BURST: Final = 5_000
STRANGE_FRAMES_PER_SECOND: Final = 2_000  # of all strangers: a peer whose address has changed says less
STRANGE_FRAMES_BURST: Final = 500
PLACE_FRAMES_PER_SECOND: Final = 1_000
PLACE_FRAMES_BURST: Final = 250
# Two datagrams a message, at most ten messages a second of one offer: a peer whose address floods keeps a tenth.
HANDSHAKES_PER_SECOND: Final = 100
HANDSHAKES_BURST: Final = 100
PLACE_HANDSHAKES_PER_SECOND: Final = 20
PLACE_HANDSHAKES_BURST: Final = 20
QUEUE_FRAMES: Final = 2_048  # of one source: a tenth of a second of what it may send
QUEUE_HANDSHAKES: Final = 64
MEMORY: Final = 32_768  # datagrams remembered twice over, so that a copy is known: more than 1.6 s of the full rate
WINDOW: Final = 65_536  # counters that the node remembers of a session; what is older it would refuse
AGAIN_MS: Final = 95  # a handshake that is said again is said 100 ms later or more
OFTEN: Final = 20  # how often a handshake goes on so soon; one that is not answered by then may be an old one repeated
SELDOM_MS: Final = 1_000
MESSAGES: Final = 4_096  # handshake datagrams remembered
HANDSHAKE_TURN: Final = 16  # one in so many given is a handshake, however many frames wait


class Drop(StrEnum):
    """Why a datagram has not gone on."""

    SHAPE = "no datagram of this line by size or header"
    UNKNOWN = "a session that is not in use"
    OLD = "a counter too old to be opened"
    COPY = "a copy of what went on before"
    ADDRESS = "a handshake between other members"
    STRANGER = "a handshake by somebody without the genesis of this line"
    RATE = "more than its source may send"
    FULL = "no room: the node takes less than comes"


class _Source:
    def __init__(self, known: bool) -> None:
        self.frames: deque[bytes] = deque()
        self.handshakes: deque[bytes] = deque()
        rates = (FRAMES_PER_SECOND, FRAMES_BURST) if known else (STRANGE_FRAMES_PER_SECOND, STRANGE_FRAMES_BURST)
        self.frame_rate = Bucket(*rates)
        self.handshake_rate = Bucket(HANDSHAKES_PER_SECOND, HANDSHAKES_BURST)


class _Place:
    def __init__(self) -> None:
        self.frame_rate = Bucket(PLACE_FRAMES_PER_SECOND, PLACE_FRAMES_BURST)
        self.handshake_rate = Bucket(PLACE_HANDSHAKES_PER_SECOND, PLACE_HANDSHAKES_BURST)


class Sorter:
    """What comes in by one path of the member `own`; `peers` are the indices of the members that may begin a session,
    `sources` the number of configured addresses, which are called 1, 2 and so on.
    """

    def __init__(self, tag_key: bytes, own: int, peers: Collection[int], sources: int) -> None:
        self._tag_key = tag_key
        self.ends = frozenset(tag.ends(peer, own) for peer in peers)
        self._sources = [_Source(known=nth != STRANGERS) for nth in range(sources + 1)]
        self._places = [_Place() for _ in range(PLACES)]
        self._sessions: dict[bytes, int] = {}
        self._slow: frozenset[bytes] = frozenset()
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()
        self._said: dict[int, tuple[int, int]] = {}
        self._turn = 0
        self.given = 0
        self.frames_wait = 0
        self.handshakes_wait = 0
        self.dropped: Counter[Drop] = Counter()

    def use(self, sessions: Mapping[bytes, int], slow: Collection[bytes] = ()) -> None:
        """The sessions in use from now on, each with the newest counter opened; of `slow` ones a copy goes on too,
        because its receiver answers it.
        """
        self._sessions = dict(sessions)
        self._slow = frozenset(slow)

    @property
    def sessions(self) -> KeysView[bytes]:
        """The sessions in use."""
        return self._sessions.keys()

    @property
    def waits(self) -> bool:
        """Whether there is something to give on."""
        return self.frames_wait > 0 or self.handshakes_wait > 0

    def take(self, datagram: bytes, source: int, place: Hashable, now_ms: int) -> Drop | None:
        """Sorts a datagram in, or says why it was dropped; `place` is what tells one stranger from another."""
        drop = self._sort(datagram, source, place, now_ms)
        if drop is not None:
            self.dropped[drop] += 1
        return drop

    def give(self, most: int) -> list[tuple[int, bytes]]:
        """The next datagrams to go on, each with its source, at most so many."""
        out: list[tuple[int, bytes]] = []
        while len(out) < most and self.waits:
            frame = self.frames_wait and (not self.handshakes_wait or (self.given + 1) % HANDSHAKE_TURN)
            out.append(self._next(bool(frame)))
            self.given += 1
        return out

    def _next(self, frame: bool) -> tuple[int, bytes]:
        while True:
            self._turn = (self._turn + 1) % len(self._sources)
            source = self._sources[self._turn]
            queue = source.frames if frame else source.handshakes
            if queue:
                self.frames_wait -= frame
                self.handshakes_wait -= not frame
                return self._turn, queue.popleft()

    def _sort(self, datagram: bytes, source: int, place: Hashable, now_ms: int) -> Drop | None:
        if not part.HEADER_BYTES <= len(datagram) <= part.MAX_DATAGRAM or not datagram[17] < datagram[18]:
            return Drop.SHAPE
        if datagram[0] in part.SEALED:
            return self._sort_frame(datagram, source, place, now_ms)
        if datagram[0] in part.CLEAR:
            return self._sort_handshake(datagram, source, place, now_ms)
        return Drop.SHAPE

    def _sort_frame(self, datagram: bytes, source: int, place: Hashable, now_ms: int) -> Drop | None:
        session = datagram[1:9]
        newest = self._sessions.get(session)
        if newest is None:
            return Drop.UNKNOWN
        if int.from_bytes(datagram[9:17], "big") + WINDOW <= newest:
            return Drop.OLD
        # The whole of it: whoever sees a datagram on its way could be quicker with one that is like it only in part.
        name = hash(datagram)
        if (name in self._seen or name in self._seen_before) and session not in self._slow:
            return Drop.COPY
        one = self._sources[source]
        if source == STRANGERS and not self._place(place).frame_rate.take(now_ms):
            return Drop.RATE
        if not one.frame_rate.take(now_ms):
            return Drop.RATE
        if len(one.frames) >= QUEUE_FRAMES:
            return Drop.FULL
        self._remember(name)
        one.frames.append(datagram)
        self.frames_wait += 1
        return None

    def _sort_handshake(self, datagram: bytes, source: int, place: Hashable, now_ms: int) -> Drop | None:
        if int.from_bytes(datagram[tag.ENDS_AT : tag.ENDS_AT + 2], "big") not in self.ends:
            return Drop.ADDRESS
        if source == STRANGERS and not self._sources[STRANGERS].handshake_rate.has(now_ms):
            return Drop.RATE  # a hash is the dearest that is done here
        if not tag.is_tagged(self._tag_key, datagram):
            return Drop.STRANGER
        name = hash(datagram)
        at_ms, times = self._said.get(name, (None, 0))
        if at_ms is not None and now_ms - at_ms < (AGAIN_MS if times < OFTEN else SELDOM_MS):
            return Drop.COPY
        one = self._sources[source]
        if source == STRANGERS and not self._place(place).handshake_rate.take(now_ms):
            return Drop.RATE
        if not one.handshake_rate.take(now_ms):
            return Drop.RATE
        if len(one.handshakes) >= QUEUE_HANDSHAKES:
            return Drop.FULL
        self._said.pop(name, None)
        if len(self._said) >= MESSAGES:
            del self._said[next(iter(self._said))]
        self._said[name] = (now_ms, times + 1)
        one.handshakes.append(datagram)
        self.handshakes_wait += 1
        return None

    def _place(self, place: Hashable) -> _Place:
        return self._places[hash(place) % PLACES]

    def _remember(self, name: int) -> None:
        if len(self._seen) >= MEMORY:
            self._seen_before, self._seen = self._seen, set()
        self._seen.add(name)
