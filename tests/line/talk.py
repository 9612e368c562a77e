"""Two members and the path between their sessions, for the tests of this room."""

import random
from collections import Counter
from collections.abc import Callable

from nacl.signing import SigningKey

from keepclear.line import part
from keepclear.line.offer import Ends
from keepclear.line.pace import Pace
from keepclear.line.session import Event, Noise, Opened, Reason, Reply, Session, Up

LINE = bytes(range(32))
KEYS = [SigningKey(bytes([i + 1]) * 32) for i in range(3)]
TAG_KEY = bytes(range(32, 64))
PUBLIC = [bytes(key.verify_key) for key in KEYS]


def signer(member: int) -> Callable[[bytes], bytes]:
    return lambda message: KEYS[member].sign(message).signature


def member(own: int, seed: int = 0, line: bytes = LINE, pace: Pace | None = None) -> Session:
    """One start of alfa (0) or bravo (1): another seed is another start."""
    fresh = random.Random(f"{own} {seed}").randbytes
    return Session(Ends(line, own, 1 - own, PUBLIC[1 - own], TAG_KEY), signer(own), fresh, pace)


class Talk:
    """Alfa and bravo with a path between them that does as it is told; the state is looked at after every step."""

    def __init__(
        self, seed: int = 0, loss: float = 0, twice: float = 0, late: float = 0, spoilt: float = 0,
        pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self.ends = [member(0, seed, pace=pace), member(1, seed, pace=pace)]
        self.now_ms = 0
        self.delay_ms = 20
        self.opened: list[list[bytes]] = [[], []]
        self.ups: list[list[bytes]] = [[], []]
        self.noise: list[Counter[Reason]] = [Counter(), Counter()]
        self.everything: list[tuple[int, bytes]] = []
        self.deaf: set[int] = set()
        self._chance = random.Random(seed)
        self._rates = (loss, twice, late, spoilt)
        self._under_way: list[tuple[int, int, bytes]] = []

    def send(self, to: int, datagrams: list[bytes]) -> None:
        loss, twice, late, spoilt = self._rates
        for datagram in datagrams:
            assert len(datagram) <= part.MAX_DATAGRAM
            self.everything.append((to, datagram))
            for _ in range(2 if self._chance.random() < twice else 1):
                if self._chance.random() < loss:
                    continue
                delay_ms = self._chance.randrange(0, 2_000) if self._chance.random() < late else self.delay_ms
                carried = self._spoil(datagram) if self._chance.random() < spoilt else datagram
                self._under_way.append((self.now_ms + delay_ms, to, carried))

    def run(self, until_ms: int, says: Callable[[int, int], bytes | None] = lambda _member, _now_ms: None) -> None:
        """Lets time pass in steps of 10 ms: ticks, what `says(member, now)` gives each member to say, arrivals."""
        while self.now_ms < until_ms:
            self.now_ms += 10
            for own, session in enumerate(self.ends):
                self.send(1 - own, session.tick(self.now_ms))
                if frame := says(own, self.now_ms):
                    self.send(1 - own, session.seal(frame, self.now_ms))
            arrived = [(to, datagram) for at, to, datagram in self._under_way if at <= self.now_ms]
            self._under_way = [item for item in self._under_way if item[0] > self.now_ms]
            for to, datagram in arrived:
                if to not in self.deaf:
                    self.deliver(to, datagram)

    def deliver(self, to: int, datagram: bytes) -> list[Event]:
        session = self.ends[to]
        before = session.up
        events = session.receive(datagram, self.now_ms)
        for event in events:
            match event:
                case Opened(frame):
                    self.opened[to].append(frame)
                case Up(name):
                    assert name == session.up
                    self.ups[to].append(name)
                case Reply(datagrams):
                    self.send(1 - to, datagrams)
                case Noise(reason):
                    self.noise[to][reason] += 1
        assert (session.up != before) == any(isinstance(event, Up) for event in events)
        return events

    def start(self) -> "Talk":
        for own, session in enumerate(self.ends):
            self.send(1 - own, session.hello(self.now_ms))
        return self

    def restart(self, own: int, seed: int, pace: Pace | None = None) -> None:
        self.ends[own] = member(own, seed, pace=pace)
        self.send(1 - own, self.ends[own].hello(self.now_ms))

    @property
    def is_up(self) -> bool:
        return self.ends[0].up is not None and self.ends[0].up == self.ends[1].up

    def _spoil(self, datagram: bytes) -> bytes:
        raw = bytearray(datagram)
        raw[self._chance.randrange(len(raw))] ^= 1 << self._chance.randrange(8)
        return bytes(raw)


def heartbeat(own: int, now_ms: int) -> bytes | None:
    return b"%d beats at %d" % (own, now_ms) if now_ms % 250 == 0 else None


def up(seed: int = 0) -> Talk:
    talk = Talk(seed).start()
    talk.run(100)
    assert talk.is_up
    return talk
