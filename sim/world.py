"""A seeded world: members of one line in one process, under a virtual clock, a lossy network, crashes and restores.

The law: everything that chance decides is drawn from one seed; the nodes, their hands, sessions and journals are the
real ones, only clock, network and disk are ours. After every step the world looks at every copy of every logbook.
Key material of sessions is drawn by the crypto library and differs from run to run; nothing that happens depends on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import shake_256
from heapq import heappop, heappush
from random import Random

import msgspec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.signing import SigningKey

from keepclear.host.hands import Group, Hands, recover
from keepclear.host.journal import Journal, MemoryJournal
from keepclear.host.journal_error import JournalFailed
from keepclear.line.air import IP_BYTES
from keepclear.line.offer import Ends
from keepclear.line.pace import radio
from keepclear.line.paths import BOX, RADIO, UDP
from keepclear.line.session import Noise, Opened, Reason, Reply, Session, Up
from keepclear.node import inputs
from keepclear.node.assessment import Finding, assess
from keepclear.node.effects import Alarm, Assess, Show, Want
from keepclear.node.inputs import AnyInput, Assessed, Receive, Settings, Stamp, Start, Tick
from keepclear.node.node import Node
from keepclear.record.genesis import Genesis
from sim.invariants import Watch

AGAIN = {Reason.REPLAY, Reason.OLD, Reason.UNKNOWN}  # what the slower of two copies is
START_WALL_MS = 1_537_207_200_000
SESSION_TICK_MS = 100
COMMIT_AFTER_MS = 5
IDLE_COMMIT_AFTER_MS = 100  # of a group that nothing waits for: heartbeats and ticks alone
MAX_GROUP = 100
REBOOT_CHANCE = 0.5  # of a start
SNAPSHOT_CHANCE = 0.03  # of a group


@dataclass(frozen=True)
class Weather:
    """What the network and the disks do. Chances are of one datagram or one group."""

    loss: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    delay_ms: tuple[int, int] = (1, 20)
    disk_ms: tuple[int, int] = (0, 8)
    box_delay_ms: tuple[int, int] = (60, 700)
    rate_bps: int = 0  # of each way, IP's headers and all; 0 is no limit
    queue_ms: int = 5_000  # what would wait longer for the rate is dropped


CALM = Weather()


@dataclass
class Log:
    """What a member's officer was shown and called for."""

    shown: list[tuple[int, Show]] = field(default_factory=list)
    alarms: list[tuple[int, Alarm]] = field(default_factory=list)


class Keys:
    """A member's node keys. `watched` hears of every message before it is signed."""

    def __init__(
        self,
        ed25519: SigningKey,
        mldsa: MLDSA44PrivateKey,
        watched: Callable[[bytes], None] = lambda _message: None,
    ) -> None:
        self._ed25519, self._mldsa, self._watched = ed25519, mldsa, watched

    def watch(self, watched: Callable[[bytes], None]) -> "Keys":
        """The same keys under a watch."""
        return Keys(self._ed25519, self._mldsa, watched)

    def sign(self, message: bytes) -> bytes:
        self._watched(message)
        return self._ed25519.sign(message).signature

    def sign_mldsa(self, message: bytes) -> bytes:
        return self._mldsa.sign(message)


class Member:
    """One member in the world: its journal outlives its process, which starts and crashes.

    A double is a second computer with a copy of the first one's disk and keys: same index, another disk. One that is
    unplugged goes on, and neither hears nor is heard.
    """

    def __init__(self, world: "World", index: int, keys: Keys, image: bytes | None = None) -> None:
        self.world, self.index, self.keys = world, index, keys
        self.journal: Journal = MemoryJournal(image)
        self.older: list[bytes] = []
        self.shown: set[bytes] = set()
        self.log = Log()
        self.starts = 0
        self.skew_ms = 0
        self.hands: Hands | None = None
        self.sessions: dict[int, Session] = {}
        self.noise = 0
        self.attended = True
        self.held: dict[bytes, Keys] = {}
        self.documents: tuple[bytes, ...] = ()
        self._keys_version = 0
        self._process = 0
        self._booted_ms = 0
        self._closing: Group | None = None
        self._commit_due_ms: int | None = None
        self._wakes: set[int] = set()

    @property
    def is_up(self) -> bool:
        """Whether the process lives."""
        return self.hands is not None

    @property
    def node(self) -> Node:
        assert self.hands is not None
        return self.hands.node

    def start(self) -> None:
        world = self.world
        self.starts += 1
        self._process += 1
        if world.random.random() < REBOOT_CHANCE:  # the machine began anew, and its monotonic clock with it
            self._booted_ms = world.now
        node = Node(world.genesis, self.index)
        recover(node, self.journal)
        self.hands = Hands(node, self.journal, self.keys, self)
        self._closing, self._commit_due_ms, self._wakes, self._keys_version = None, None, set(), -1
        others = [i for i in range(len(world.genesis.names)) if i != self.index]
        self.sessions = {
            peer: Session(
                Ends(world.genesis.line, self.index, peer, world.node_key(peer), world.genesis.tag_key),
                self.keys.sign,
                world.fresh,
                radio(world.weather.rate_bps) if RADIO in world.paths else None,
            )
            for peer in others
        }
        self.hands.use(self.held)
        self._follow_keys()
        fresh, secret, held = world.fresh(8), world.fresh(32), tuple(sorted(self.held))
        name, settings, paths = f"boot{self.starts}", world.settings, self._paths()
        self.take(Start(self.stamp(), name, fresh, secret, "sim", settings, paths, held, self.documents))
        for peer, session in self.sessions.items():
            self._transmit(peer, session.hello(world.now))
        process = self._process
        world.every(SESSION_TICK_MS, self._session_tick, lambda: self._process == process)
        world.every(world.settings.heartbeat_ms, self._tick, lambda: self._process == process)

    def hold(self, held: "dict[bytes, Keys]", documents: tuple[bytes, ...]) -> None:
        """Its owner puts node keys (by their Ed25519 half) and key lists into its directory."""
        self.held = {public: keys.watch(self.world.watch.signed) for public, keys in held.items()}
        self.documents = documents
        if self.hands is not None:
            self.hands.hold(self.held, documents)
            self.world.watch.after_step(self)
            self._follow_keys()
            self._schedule_commit()

    def _follow_keys(self) -> None:
        """A key list has come: sessions are begun by other keys."""
        if self.hands is None or self.node.core.keys.version == self._keys_version:
            return
        known = self.node.core.keys
        self._keys_version = known.version
        for peer, session in self.sessions.items():
            session.use_keys(*known.session_keys(peer))
            session.sign_with(*self.hands.signs())

    def crash(self) -> None:
        """The process ends; what was not committed is gone."""
        self._process += 1
        self.hands = None
        self.sessions = {}
        self.journal = MemoryJournal(self.image())

    def image(self) -> bytes:
        """The disk as it is now."""
        assert isinstance(self.journal, MemoryJournal)
        return self.journal.image()

    def restore(self, image: bytes) -> None:
        """The process ends, and its disk is put back to an older state."""
        self.crash()
        self.journal = MemoryJournal(image)
        self.world.watch.put_back(self)

    def set_back(self, ms: int) -> None:
        """Its memory is put back by so long, as far as a peer can see: its monotonic clock is."""
        self._booted_ms += ms

    def flush(self) -> None:
        """What waits is made durable and performed at once."""
        assert self.hands is not None
        while self._closing is not None or self.hands.waiting.rows:
            group = self._closing or self.hands.close_group()
            self._closing = group
            self._written(self._process)

    # -- the node's ports --------------------------------------------------------------------------------------------

    def stamp(self) -> Stamp:
        return Stamp(self.world.now - self._booted_ms, START_WALL_MS + self.world.now + self.skew_ms, 50)

    def send(self, peer: int, frame: bytes, flash: bool, path: str) -> None:
        self.world.watch.sent(self, frame, flash)
        self._transmit(peer, self.sessions[peer].seal(frame, self.world.now, flash), path)

    def _paths(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        paths = self.world.paths
        return () if paths == (UDP,) else tuple((peer, paths) for peer in self.sessions)

    def show(self, shown: Show) -> bool:
        self.log.shown.append((self.world.now, shown))
        if shown.leaf is not None and shown.what == "statement":
            self.shown.add(shown.leaf)
        return self.attended

    def alarm(self, alarm: Alarm) -> None:
        self.log.alarms.append((self.world.now, alarm))

    def assess(self, wanted: Assess) -> None:
        process, found = self._process, self.world.assessor(wanted.snapshot)

        def answer() -> None:
            if self._process == process:
                findings = tuple(msgspec.to_builtins(f, builtin_types=(bytes,)) for f in found())
                self.take(Assessed(self.stamp(), wanted.digest, findings))

        self.world.after(self.world.assessed_after_ms, answer)

    def want(self, wanted: Want) -> None:
        raise AssertionError(f"nothing is attached in this world, and {wanted.digest.hex()} is wanted")

    def wake(self, mono_ms: int) -> None:
        if mono_ms in self._wakes:
            return
        self._wakes.add(mono_ms)
        process = self._process

        def ring() -> None:
            self._wakes.discard(mono_ms)
            if self._process == process:
                self._tick()

        self.world.after(max(1, mono_ms + self._booted_ms - self.world.now), ring)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def take(self, data: AnyInput) -> None:
        """Feeds an input; its group becomes durable a little later, if the process lives."""
        assert self.hands is not None
        self.world.steps += 1
        self.hands.take(data)
        self.world.watch.after_step(self)
        self._follow_keys()
        self._schedule_commit()

    def receive(self, sender: int, datagram: bytes, path: str = UDP) -> None:
        """A datagram has come in by a path."""
        if self.hands is None or self in self.world.unplugged:
            return
        session = self.sessions[sender]
        for event in session.receive(datagram, self.world.now, str(sender)):
            match event:
                case Up(name):
                    self.take(inputs.Session(self.stamp(), sender, name, self.world.fresh(16)))
                case Opened(frame):
                    if session.up is not None:
                        self.take(Receive(self.stamp(), sender, session.up, frame, path))
                case Reply(datagrams):
                    self._transmit(sender, datagrams)
                case Noise(reason):
                    self.noise += len(self.world.paths) == 1 or reason not in AGAIN
            if not self.is_up:
                return

    def _tick(self) -> None:
        noise, self.noise = self.noise, 0
        self.take(Tick(self.stamp(), noise))

    def _session_tick(self) -> None:
        for peer, session in self.sessions.items():
            self._transmit(peer, session.tick(self.world.now))

    def _transmit(self, peer: int, datagrams: list[bytes], path: str = "") -> None:
        for datagram in datagrams if self not in self.world.unplugged else ():
            for way in (path,) if path else self.world.paths:
                self.world.transmit(self.index, peer, datagram, way)

    def _schedule_commit(self) -> None:
        assert self.hands is not None
        group = self.hands.waiting
        if self._closing is not None or not group.rows:
            return
        urgent = group.flash or len(group.rows) >= MAX_GROUP
        waited_for = group.sends or group.marked
        delay_ms = 0 if urgent else COMMIT_AFTER_MS if waited_for else self.world.idle_commit_after_ms
        due_ms = self.world.now + delay_ms
        if self._commit_due_ms is not None and self._commit_due_ms <= due_ms:
            return
        self._commit_due_ms = due_ms
        process = self._process
        self.world.after(delay_ms, lambda: self._close_group(process, due_ms))

    def _close_group(self, process: int, due_ms: int) -> None:
        if self._process != process or self.hands is None or self._commit_due_ms != due_ms:
            return
        self._commit_due_ms = None
        if self.world.dies_now(self):  # the group was never written
            return
        self._closing = self.hands.close_group(snapshot=self.world.random.random() < self.world.snapshot_chance)
        self.world.after(self.world.random.randint(*self.world.weather.disk_ms), lambda: self._written(process))

    def _written(self, process: int) -> None:
        group = self._closing
        if self._process != process or self.hands is None or group is None:
            return
        self._closing = None
        try:
            if self.hands.disk_failed:
                raise JournalFailed("the disk has failed before")
            self.hands.make_durable(group, START_WALL_MS + self.world.now)
        except JournalFailed as error:
            self.hands.fail(group, str(error))
        else:
            self.world.watch.kept(self, group)
            if self.world.dies_now(self):  # the process ends between the disk and the first word about it
                return
            self.hands.perform(group)
        self.world.watch.after_step(self)
        self._schedule_commit()


class World:
    """The members, the clock, the network."""

    def __init__(
        self,
        seed: int,
        genesis: Genesis,
        keys: list[Keys],
        settings: Settings | None = None,
        paths: tuple[str, ...] = (UDP,),
        hostile: Mapping[int, type[Member]] | None = None,
    ) -> None:
        self.seed = seed
        self.paths = paths
        self.random = Random(seed)
        self.genesis = genesis
        self.settings = settings or Settings()
        self.weather = CALM
        self.now = 0
        self.steps = 0
        self.cut: set[tuple[int, int]] = set()
        self.cut_paths: set[tuple[int, int, str]] = set()
        self.carried: dict[tuple[int, int], int] = {}
        self.overflows = 0
        self._free_ms: dict[tuple[int, int], int] = {}
        self.doubles: dict[int, Member] = {}
        self.heard_by_double: set[int] = set()
        self.unplugged: set[Member] = set()
        self.crash_chance = 0.0
        self.idle_commit_after_ms = IDLE_COMMIT_AFTER_MS
        self.snapshot_chance = SNAPSHOT_CHANCE
        self.assessed_after_ms = 30
        self.assessor: Callable[[bytes], Callable[[], tuple[Finding, ...]]] = lambda data: lambda: assess(data)
        self.on_crash: Callable[[Member], None] = lambda _member: None
        self.watch = Watch(self)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._fresh = 0
        kinds = hostile or {}
        self.hostile = frozenset(kinds)
        self.members = [
            kinds[i](self, i, key) if i in kinds else Member(self, i, key.watch(self.watch.signed))
            for i, key in enumerate(keys)
        ]

    def node_key(self, member: int) -> bytes:
        return self.genesis.keys[self.genesis.node_key(member)].key.ed25519

    def fresh(self, size: int) -> bytes:
        """Bytes that nobody has seen before, from the seed."""
        self._fresh += 1
        return shake_256(f"{self.seed}/{self._fresh}".encode()).digest(size)

    def after(self, delay_ms: int, what: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._events, (self.now + delay_ms, self._count, what))

    def every(self, period_ms: int, what: Callable[[], None], alive: Callable[[], bool]) -> None:
        """Does something periodically, with a phase of its own, as long as it lives."""

        def again() -> None:
            if alive():
                what()
                self.after(period_ms, again)

        self.after(self.random.randint(1, period_ms), again)

    def transmit(self, sender: int, receiver: int, datagram: bytes, path: str = UDP) -> None:
        weather, draw = self.weather, self.random
        if (sender, receiver) in self.cut or (sender, receiver, path) in self.cut_paths:
            return
        if path == BOX:  # it is carried whole, once and late, or not at all
            if draw.random() >= weather.loss / 4:
                self.after(draw.randint(*weather.box_delay_ms), self._delivery(sender, receiver, datagram, path))
            return
        waited_ms = self._wait_for_rate(sender, receiver, len(datagram))
        if waited_ms is None or draw.random() < weather.loss:
            return
        for _ in range(2 if draw.random() < weather.duplicate else 1):
            data = datagram
            if draw.random() < weather.corrupt:
                flipped = bytearray(data)
                flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
                data = bytes(flipped)
            self.after(waited_ms + draw.randint(*weather.delay_ms), self._delivery(sender, receiver, data, path))

    def _wait_for_rate(self, sender: int, receiver: int, octets: int) -> int | None:
        """How long until a datagram has been sent at the rate; None when too much waits before it."""
        weather, way = self.weather, (sender, receiver)
        if not weather.rate_bps:
            return 0
        begins_ms = max(self.now, self._free_ms.get(way, 0))
        if begins_ms - self.now > weather.queue_ms:
            self.overflows += 1
            return None
        self.carried[way] = self.carried.get(way, 0) + octets + IP_BYTES
        self._free_ms[way] = begins_ms + 8_000 * (octets + IP_BYTES) // weather.rate_bps
        return self._free_ms[way] - self.now

    def _delivery(self, sender: int, receiver: int, data: bytes, path: str) -> Callable[[], None]:
        def arrive() -> None:
            double = self.doubles.get(receiver)
            (double if double and receiver in self.heard_by_double else self.members[receiver]).receive(
                sender, data, path
            )

        return arrive

    def processes(self) -> list[Member]:
        """Every member, and the doubles."""
        return [*self.members, *self.doubles.values()]

    def hear_double(self, index: int, heard: bool) -> None:
        """From now on the double is on the network in the original's place, or the original again."""
        original, twin = self.members[index], self.doubles[index]
        (self.heard_by_double.add if heard else self.heard_by_double.discard)(index)
        self.unplugged = self.unplugged - {original, twin} | {original if heard else twin}

    def double(self, index: int) -> Member:
        """Starts a second process of a member, from a copy of its disk as it is now."""
        original = self.members[index]
        twin = self.doubles[index] = Member(self, index, original.keys, original.image())
        twin.starts, twin.shown = 1_000, set(original.shown)
        self.watch.put_back(twin)
        self.watch.doubled.add(index)
        twin.start()
        return twin

    def end_double(self, index: int) -> None:
        """The second computer is switched off for ever; its disk counts no longer."""
        twin = self.doubles.pop(index)
        self.unplugged -= {twin, self.members[index]}
        twin.crash()
        self.watch.gone(twin)

    def dies_now(self, member: Member) -> bool:
        """Whether the member's process ends just here."""
        if self.random.random() >= self.crash_chance:
            return False
        self.on_crash(member)
        return True

    def run(self, until_ms: int) -> None:
        """Lets the world go on until a time."""
        while self._events and self._events[0][0] <= until_ms:
            self.now, _, what = heappop(self._events)
            what()
        self.now = until_ms

    def start_all(self) -> None:
        for member in self.members:
            member.start()
