"""One seeded run: bad weather, crashes, disks put back, statements of all kinds; then calm; then all is compared.

The law: the seed decides everything. A fault is told with the seed, the simulated time, and the command that shows it
again.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from keepclear.host.journal import MemoryJournal
from keepclear.line.paths import UDP
from keepclear.node.inputs import Settings
from sim import couriers, founding, officers, replaying
from sim.invariants import Broken
from sim.world import CALM, Member, Weather, World

SETTINGS: Final = Settings(checkpoint_every_ms=10_000, checkpoint_every_entries=40, clarify_ms=20_000)
BEATS_MS: Final = (
    250,
    1_000,
    1_000,
    1_000,
)  # most lines beat seldom: a beat costs as much as a statement, and says less
GENESIS: Final = founding.found()
KEYS: Final = [founding.node_keys(name) for name in founding.NAMES]
QUIET_MS: Final = 3_000  # nothing new for so long, after what waits for a timer has been said
CALM_MOST_MS: Final = 60_000  # by then the line has to have come to rest
BACK_AFTER_MS: Final = (20, 5_000)
COURIERS: Final = 0.2  # chance of one second


@dataclass(frozen=True)
class Fate:
    """What the seed has in store for a run: chances are of one second."""

    loss: float
    corrupt: float
    duplicate: float
    delay_ms: int
    statements: float
    crashes: float
    crash_chance: float
    restores: int
    double: bool
    disk_fails: bool
    flights: bool

    @classmethod
    def drawn(cls, draw: Random) -> "Fate":
        return cls(
            loss=draw.choice((0.0, 0.3, 0.3, 0.3, 0.6)),
            corrupt=draw.choice((0.0, 0.1, 0.1)),
            duplicate=draw.choice((0.0, 0.1, 0.3)),
            delay_ms=draw.choice((20, 200, 200, 1_500)),
            statements=draw.choice((0.1, 0.5, 0.5, 1.5)),
            crashes=draw.choice((0.0, 0.05, 0.05, 0.2)),
            crash_chance=draw.choice((0.0, 0.002, 0.01)),
            restores=draw.choice((0, 1, 1, 2, 4)),
            double=draw.random() < 0.08,
            disk_fails=draw.random() < 0.1,
            flights=draw.random() < 0.3,
        )


class Run:
    """A run of three members, two parties and an observer."""

    def __init__(self, seed: int, seconds: int, paths: tuple[str, ...] = (UDP,)) -> None:
        self.seed, self.seconds = seed, seconds
        self.draw = Random(f"run {seed}")
        self.courier = Random(f"courier {seed}")  # of its own: older seeds tell the same stories with bundles beside
        self.fate = Fate.drawn(self.draw)
        beat_ms = Random(f"beat {seed}").choice(BEATS_MS)
        settings = msgspec.structs.replace(SETTINGS, heartbeat_ms=beat_ms)
        self.world = World(seed, GENESIS, KEYS, settings, paths)
        self.said = self.put_back = 0
        self.calm = False

    def go(self) -> None:
        """The whole run. Raises Broken, or whatever a node raises, which none should."""
        self._storm()
        self._settle()
        self.world.watch.at_rest()
        for member in self.world.members:
            member.flush()
            replaying.check(member)

    def _storm(self) -> None:
        world, fate = self.world, self.fate
        world.crash_chance, world.on_crash = fate.crash_chance, self._crash
        world.start_all()
        times = [self.draw.randrange(self.seconds * 1_000) for _ in range(fate.restores)]
        for at_ms in times:
            world.after(at_ms, self._restore)
        if fate.double:
            world.after(self.draw.randrange(self.seconds * 500), self._double)
        if fate.disk_fails:
            world.after(self.draw.randrange(self.seconds * 1_000), self._disk_fails)
        self._each_second()
        world.run(self.seconds * 1_000)

    def _each_second(self) -> None:
        """Draws what happens in the next second."""
        if self.calm:
            return
        world, draw, fate = self.world, self.draw, self.fate
        self._weather()
        whole = int(fate.statements) + (draw.random() < fate.statements % 1)
        for _ in range(whole):
            world.after(draw.randrange(1_000), self._say)
        if draw.random() < fate.crashes:
            world.after(draw.randrange(1_000), lambda: self._crash(draw.choice(world.members)))
        if draw.random() < 0.4:
            member = draw.choice(world.members)
            member.older.append(member.image())
        if draw.random() < 0.1:
            draw.choice(world.members).attended ^= True
        if draw.random() < 0.05:
            draw.choice(world.members).skew_ms = draw.randint(-30_000, 30_000)
        if fate.flights and draw.random() < 0.3:
            world.after(draw.randrange(1_000), self._fly)
        if self.courier.random() < COURIERS:
            world.after(self.courier.randrange(1_000), self._carry)
        if world.doubles and draw.random() < 0.5:
            self._switch_double()
        world.after(1_000, self._each_second)

    def _weather(self) -> None:
        world, draw, fate = self.world, self.draw, self.fate
        good = draw.random() < 0.2
        world.weather = (
            CALM
            if good
            else Weather(fate.loss, fate.duplicate, fate.corrupt, (1, fate.delay_ms), (0, draw.choice((2, 8, 60))))
        )
        if draw.random() < 0.1:
            one, other = draw.sample(range(len(world.members)), 2)
            world.cut ^= draw.choice(({(one, other)}, {(one, other), (other, one)}))
        if len(world.paths) > 1 and draw.random() < 0.3:
            one, other = draw.sample(range(len(world.members)), 2)
            path = draw.choice(world.paths)
            world.cut_paths ^= {(one, other, path), (other, one, path)}

    # -- what happens ------------------------------------------------------------------------------------------------

    def _say(self) -> None:
        up = [member for member in self.world.processes() if member.hands is not None]
        if self.calm or not up:
            return
        member = self.draw.choice(up)
        name = founding.NAMES[member.index]
        self.said += 1
        member.take(officers.say(self.draw, member.node, member.stamp(), name, self.world.fresh(32)))

    def _fly(self) -> None:
        member = self.draw.choice(self.world.members[:2])
        if member.hands is not None and not self.calm:
            fly = self.draw.random() < 0.7
            stamp = member.stamp()
            member.take(officers.tracks(self.draw, stamp, 4) if fly else officers.plans(self.draw, stamp))

    def _carry(self) -> None:
        """A courier leaves with what one member lacks; it comes late, twice, or to a disk put back meanwhile."""
        up = [member for member in self.world.members if member.hands is not None]
        if self.calm or not up:
            return
        sender, reader = self.courier.choice(up), self.courier.choice(self.world.members)
        bundle = couriers.packed(sender, reader.index)
        for _ in range(self.courier.choice((1, 1, 2))):
            token = self.courier.randbytes(16)
            self.world.after(self.courier.randrange(20_000), lambda token=token: self._arrive(reader, bundle, token))

    def _arrive(self, reader: Member, bundle: couriers.Packed, token: bytes) -> None:
        if reader.hands is not None and not self.calm:
            couriers.bring(reader, bundle, token)

    def _crash(self, member: Member) -> None:
        if member.hands is not None and not self.calm:
            member.crash()
            self._come_back(member)

    def _come_back(self, member: Member) -> None:
        starts = member.starts

        def start() -> None:
            if member.hands is None and member.starts == starts and member in self.world.processes():
                member.start()

        self.world.after(self.draw.randint(*BACK_AFTER_MS), start)

    def _restore(self) -> None:
        """Now and then two members' disks are put back at once."""
        kept = [member for member in self.world.members if member.older]
        for member in self.draw.sample(kept, min(len(kept), self.draw.choice((1, 1, 2)))):
            member.restore(self.draw.choice(member.older))
            self.put_back += 1
            self._come_back(member)

    def _double(self) -> None:
        index = self.draw.randrange(len(self.world.members))
        self.world.double(index)

    def _switch_double(self) -> None:
        """The other of two copies is heard from now on; the one before it may go on sending."""
        world = self.world
        for index in world.doubles:
            if self.draw.random() < 0.7:
                world.hear_double(index, index not in world.heard_by_double)
            else:
                world.unplugged = set()
                world.heard_by_double ^= {index}

    def _disk_fails(self) -> None:
        member = self.draw.choice(self.world.members)
        disk = member.journal
        assert isinstance(disk, MemoryJournal)
        disk.fail_next(kept=self.draw.random() < 0.5)
        self.world.after(self.draw.randint(500, 5_000), lambda: self._replace_disk(member))

    def _replace_disk(self, member: Member) -> None:
        """The process of a failed disk has to end; what the disk has kept is found at the next start."""
        if member.hands is None or not member.hands.disk_failed:
            return
        member.crash()
        self.world.watch.put_back(member)
        self._come_back(member)

    # -- calm --------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Calm weather, everybody up, until nothing new has been said for a while and nothing is on its way."""
        world = self.world
        self.calm = True
        world.weather, world.crash_chance, world.cut, world.cut_paths = CALM, 0.0, set(), set()
        for index in list(world.doubles):
            world.end_double(index)
        for member in world.members:
            self._bring_up(member)
        until_ms, quiet_since_ms, size = world.now + CALM_MOST_MS, world.now, -1
        while world.now - quiet_since_ms < QUIET_MS:
            if world.now >= until_ms:
                raise Broken(
                    f"seed {self.seed}, {world.now} ms: not at rest {CALM_MOST_MS} ms after the storm: {busy(world)}"
                )
            world.run(world.now + 500)
            now = sum(len(member.node.books.by_leaf) for member in world.members if member.is_up)
            if now != size or busy(world):
                size, quiet_since_ms = now, world.now

    def _bring_up(self, member: Member) -> None:
        member.attended = True
        if member.hands is not None and member.hands.disk_failed:
            member.crash()
            self.world.watch.put_back(member)
        if member.hands is None:
            member.start()


def busy(world: World) -> str:
    """What is still on its way somewhere; "" when nothing is."""
    for member in world.members:
        if not member.is_up:  # its failed disk is being replaced
            return f"{member.index} is down"
        state = member.node.state
        for peer in state.peers.values():
            if not peer.answered or peer.queue or peer.flight or peer.later:
                return f"{member.index} to {peer.index}: {len(peer.queue)}, {len(peer.flight)}, {len(peer.later)}"
        if state.undurable or state.author.pending or state.author.signing:
            return f"{member.index} has something that is not on disk or not signed"
        if state.reconciling.due and not state.reconciling.linked:
            return f"{member.index} has not said its LINK"
    return ""
