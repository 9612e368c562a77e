"""A running node: one asyncio loop around its hands, with sockets, a writer thread and a worker thread.

The law: the loop never waits for the disk. Groups are written by one writer thread, one at a time, each gathered for
at most 5 ms or 100 inputs, a FLASH at once; geometry is worked out by one worker, and a picture that is not ready by
its deadline is reported as such. An input that crashes the node ends the process, which is started again by whoever
runs it; what has crashed it twice is set aside.
"""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from keepclear.host import mend
from keepclear.host.attachments import Attachments
from keepclear.host.clock import Clock, boot_id
from keepclear.host.config import Config
from keepclear.host.crashes import Crashes
from keepclear.host.gathering import WINDOW_MS, Gathering
from keepclear.host.hands import Group, Hands
from keepclear.host.identity import Identity, load_identity
from keepclear.host.journal_error import JournalDamaged, JournalFailed
from keepclear.host.paths import Paths
from keepclear.host.scrub import Scrub, remedy, structure
from keepclear.host.watchdog_link import Watchdogs
from keepclear.line.pace import radio
from keepclear.line.paths import RADIO
from keepclear.line.session import Noise, Opened, Posted, Reason, Reply, Up
from keepclear.line.sessions import Sessions
from keepclear.node import inputs
from keepclear.node.assessment import Finding, assess
from keepclear.node.effects import Alarm, Assess, Show, Want
from keepclear.node.inputs import (
    AnyInput,
    Aside,
    Assessed,
    Close,
    Damaged,
    Displayed,
    PathProcess,
    Receive,
    Settings,
    Stamp,
    Start,
    Tick,
)
from keepclear.node.node import Node

VERSION: Final = "0.1.0"
GROUP_MS: Final = 5
GROUP_INPUTS: Final = 100
SESSION_TICK_S: Final = 0.1
PRUNE_S: Final = 1.0
SCRUB_S: Final = 1.0
SUM_UP_S: Final = 1.0  # how often is looked whether a window has ended, while something is only counted
DISK_HANGS_S: Final = 2.0  # that a commit does not return: told then, and again after each as long
SNAPSHOT_INPUTS: Final = 20_000  # about an hour of a quiet line with two peers; a start replays at most as many
SNAPSHOT_S: Final = 1.0  # of work on inputs: a start does it again before it speaks, and has three seconds in all
LONG_REPLAY_INPUTS: Final = 2_000  # about a second of a start: after that a snapshot is made, the next start is soon

# With two paths the slower copy of each datagram comes after the other was taken, or its session is over.
AGAIN: Final = frozenset({Reason.REPLAY, Reason.OLD, Reason.UNKNOWN})

Listener = Callable[[Show | Alarm, Stamp], bool]
Settled = Callable[[int, bool], None]


class SignedElsewhere(Exception):
    """Another process signs with this node's key in this start of it, so that this one must sign nothing more."""


class Service:
    """One node at work. `listeners` are told all that is shown and alarmed; each says whether somebody saw it.
    `settled` are told up to which input all is on disk or, with False, that the disk has failed.
    """

    def __init__(self, config: Config, identity: Identity, clock: Clock, settings: Settings) -> None:
        self.config, self.identity, self.clock, self.settings = config, identity, clock, settings
        self.listeners: list[Listener] = []
        self.settled: list[Settled] = []
        self.crashes = Crashes(config.dir / "crashes")
        opened = mend.open_node(config.dir / "journal.db", identity.genesis, identity.member, clock.stamp().wall_ms)
        self.journal, node, self.replayed = opened.journal, opened.node, opened.replayed
        self._damage = opened.told
        self._scrub = Scrub(self.journal)
        self.hands = Hands(node, self.journal, identity.node, self)
        self._names = identity.genesis.names
        self._writer = ThreadPoolExecutor(1, "writer")
        self._worker = ThreadPoolExecutor(1, "worker")
        self._work: asyncio.Event = asyncio.Event()
        self._urgent: asyncio.Event = asyncio.Event()
        self._noise_told = 0
        self._again = 0
        self.paths: Paths | None = None
        self._keys_version = -1
        self.watchdogs = Watchdogs()
        self.attachments = Attachments(self, config.dir)
        left = SNAPSHOT_INPUTS - self.replayed if self.replayed < LONG_REPLAY_INPUTS else 0
        self._snapshot_due_n = node.state.n + max(0, left)
        self._stepped_s = 0.0
        self._wake: asyncio.TimerHandle | None = None
        self.gathering = Gathering(self._names)
        self.counted = False  # whether what is being told now is only counted
        self._summing: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def node(self) -> Node:
        """The node; callers read it."""
        return self.hands.node

    def start(self) -> None:
        """Binds the socket, steps the start, begins sessions with all peers."""
        genesis, me = self.identity.genesis, self.identity.member
        members = {name: i for i, name in enumerate(self._names)}
        keys = {i: genesis.keys[genesis.node_key(i)].key.ed25519 for i in members.values() if i != me}
        paces = {members[name]: radio(bps) for name, bps in self.config.radio_bps.items() if name in members}
        self.hands.use(self.identity.pairs)
        self.sessions = Sessions(genesis.line, me, keys, genesis.tag_key, self.identity.node.sign, os.urandom, paces)
        self.paths = Paths(self.config, self.identity, self._heard, self._path_told)
        for link in self.paths.links:
            link.start()
        for digest in self.crashes.repeated():
            self.take(Aside(self.stamp(), digest))
        held, documents = tuple(sorted(self.identity.pairs)), self.identity.documents
        fresh, secret, paths = os.urandom(8), os.urandom(32), tuple(self.paths.names.items())
        self.take(Start(self.stamp(), boot_id(), fresh, secret, VERSION, self.settings, paths, held, documents))
        for text in self._damage:
            self.take(Damaged(self.stamp(), text))
        for peer, datagrams in self.sessions.hello(self._real_ms()).items():
            self._transmit(peer, datagrams)
        for work in (self._write, self._tick_sessions, self._tick_node, self._prune, self._look, self.attachments.tick):
            self._tasks.append(asyncio.get_running_loop().create_task(self._guard(work)))
        for link in self.paths.links:
            self._tasks.append(asyncio.get_running_loop().create_task(self._guard(link.look)))

    def _path_told(self, works: bool, text: str) -> None:
        self.guarded(PathProcess(self.stamp(), works, text))

    def hold(self, documents: tuple[bytes, ...]) -> None:
        """Takes up the keys that are in the directory by now, and gives the node key lists. Raises IdentityError."""
        self.identity = load_identity(self.config.dir)
        self.hands.hold(self.identity.pairs, (*self.identity.documents, *documents))
        self._follow_keys()
        self._work.set()

    def _follow_keys(self) -> None:
        """Begins new sessions by the keys of the lists that are known by now; those in use go on."""
        known = self.node.core.keys
        if known.version == self._keys_version:
            return
        self._keys_version = known.version
        for peer, session in self.sessions.by_peer.items():
            session.use_keys(*known.session_keys(peer))
            session.sign_with(*self.hands.signs())

    def _tell_sessions(self) -> None:
        """Tells the paths which sessions are in use."""
        if self.paths is not None:
            self.paths.use({peer: session.inbound() for peer, session in self.sessions.by_peer.items()})

    async def stop(self) -> None:
        """Ends in good time: a last checkpoint, everything on disk, sockets closed."""
        self._stopping = True
        writer, *others = self._tasks
        for task in others:
            task.cancel()
        if not self.ended.done() or self.ended.exception() is None:
            self.take(Close(self.stamp()))
        self._work.set()
        await asyncio.gather(*others, writer, return_exceptions=True)
        self.hands.commit(snapshot=True)
        if self.paths is not None:
            await self.paths.end()
        self.close()

    def close(self) -> None:
        """Lets go of sockets, threads and the journal."""
        if self.paths is not None:
            self.paths.close()
        self.attachments.close()
        self._writer.shutdown()
        self._worker.shutdown(cancel_futures=True)
        self.journal.close()

    # -- the node's ports --------------------------------------------------------------------------------------------

    def stamp(self) -> Stamp:
        """The time now."""
        return self.clock.stamp()

    def send(self, peer: int, frame: bytes, flash: bool, path: str) -> None:
        """Seals and sends a frame, by one path or by all."""
        datagrams = self.sessions.seal(peer, frame, self._real_ms(), flash)
        self._transmit(peer, datagrams, flash, path, urgent=flash or bool(path))

    def show(self, shown: Show) -> bool:
        """Tells all listeners; whether any of them says that somebody saw it. What is only counted nobody has seen."""
        return self._tell_all(shown) and not self.counted

    def alarm(self, alarm: Alarm) -> None:
        """Tells all listeners."""
        self._tell_all(alarm)

    def _tell_all(self, told: Show | Alarm) -> bool:
        stamp = self.stamp()
        self.counted = self.gathering.counts(told, stamp.mono_ms)
        if self.counted and self._summing is None:
            self._summing = asyncio.get_running_loop().call_later(WINDOW_MS / 1_000, self._sum_up)
        seen = [listener(told, stamp) for listener in list(self.listeners)]  # all are told, whoever has seen it
        return any(seen)

    def _sum_up(self) -> None:
        """Tells the numbers of what was only counted, as long as there are any."""
        self._summing, stamp = None, self.stamp()
        self.counted = False
        for total in self.gathering.due(stamp.mono_ms):
            for listener in list(self.listeners):
                listener(total, stamp)
        if self.gathering.counting:
            self._summing = asyncio.get_running_loop().call_later(SUM_UP_S, self._sum_up)

    def listed(self, leaves: list[bytes]) -> None:
        """An officer is shown these entries in a list: what was only counted before is displayed now."""
        if found := self.gathering.listed(leaves):
            self.take(Displayed(self.stamp(), found))

    def assess(self, wanted: Assess) -> None:
        """Has the worker work a snapshot out, by its deadline."""
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._worker, assess, wanted.snapshot)
        late = loop.call_later(wanted.deadline_ms / 1_000, self._not_assessed, wanted.digest)
        done.add_done_callback(lambda future: self._assessed(wanted.digest, late, future))

    def want(self, wanted: Want) -> None:
        """Has an attached file looked for, and fetched."""
        self.attachments.want(wanted)

    def post(self, peer: int, message: bytes, path: str) -> None:
        """Seals and sends a message about attached files, by one path."""
        self._transmit(peer, self.sessions.by_peer[peer].seal_blob(message, self._real_ms()), path=path, urgent=False)

    def wake(self, mono_ms: int) -> None:
        """Ticks at that time."""
        delay_s = max(0, mono_ms - self.stamp().mono_ms) / 1_000
        loop = asyncio.get_running_loop()
        if self._wake is None or self._wake.cancelled() or self._wake.when() > loop.time() + delay_s:
            if self._wake is not None:
                self._wake.cancel()
            self._wake = loop.call_later(delay_s, self._woken)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def take(self, data: AnyInput) -> None:
        """Feeds an input to the hands. What crashes the node is remembered, and ends the process."""
        began_s = time.thread_time()
        try:
            self.hands.take(data)
        except Exception:
            at_work = self.node.core.at_work or inputs.to_bytes(data)
            self.crashes.note(blake2b(at_work, digest_size=16).digest())
            raise
        self._stepped_s += time.thread_time() - began_s
        self._follow_keys()
        if self.node.state.author.ended:  # the alarm is out
            self.end(
                SignedElsewhere(f"{self.node.state.author.ended}: end the other copy; this one is to be started anew")
            )
        if self.hands.waiting.rows:
            self._work.set()
            if self.hands.waiting.flash or len(self.hands.waiting.rows) >= GROUP_INPUTS:
                self._urgent.set()

    def jump(self, anchor_ns: int, wall_ms: int) -> None:
        """Follows a scenario's clock to a new time."""
        self.clock.follow(anchor_ns, wall_ms)
        self._tick()

    def _heard(self, datagram: bytes, source: str, path: str) -> None:
        peer, events = self.sessions.receive(datagram, self._real_ms(), source)
        if self.paths is not None and self.paths.box is not None:
            self._again += sum(isinstance(event, Noise) and event.reason in AGAIN for event in events)
        if peer is None:
            return
        if any(isinstance(event, Up | Reply) for event in events):
            self._tell_sessions()  # before an answer goes out, to which the peer's may come under a new session
        for event in events:
            match event:
                case Opened(frame):
                    session = self.sessions.by_peer[peer].up
                    if session is not None:
                        by = RADIO if self._names[peer] in self.config.radio_bps else path
                        self.guarded(Receive(self.stamp(), peer, session, frame, by))
                case Posted(message):
                    self.attachments.heard(peer, message)
                case Up(name):
                    self.guarded(inputs.Session(self.stamp(), peer, name, os.urandom(16)))
                case Reply(datagrams):
                    self._transmit(peer, datagrams)

    def guarded(self, data: AnyInput) -> None:
        """Feeds an input; what crashes the node ends the process."""
        try:
            self.take(data)
        except Exception as error:
            self.end(error)

    def _transmit(
        self, peer: int, datagrams: list[bytes], flash: bool = False, path: str = "", urgent: bool = True
    ) -> None:
        """Sends by one path, or ("") by all that are configured; what is urgent overtakes in the mailbox's queue."""
        if datagrams and self.paths is not None:
            self.paths.send(peer, datagrams, path, flash, urgent)

    def _tick(self) -> None:
        noise = sum(self.sessions.noise.values()) - self._again
        told, self._noise_told = self._noise_told, noise
        self.take(Tick(self.stamp(), noise - told))

    def _woken(self) -> None:
        self._wake = None
        try:
            self._tick()
        except Exception as error:
            self.end(error)

    def _assessed(self, digest: bytes, late: asyncio.TimerHandle, done: "asyncio.Future[tuple[Finding, ...]]") -> None:
        if late.cancelled() or done.cancelled() or self.ended.done():
            return
        if error := done.exception():
            self.end(error)
            return
        late.cancel()
        findings = tuple(msgspec.to_builtins(f, builtin_types=(bytes,)) for f in done.result())
        self.guarded(Assessed(self.stamp(), digest, findings))

    def _not_assessed(self, digest: bytes) -> None:
        self.guarded(Assessed(self.stamp(), digest, None))

    # -- work that goes on ---------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            if not self._urgent.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._urgent.wait(), GROUP_MS / 1_000)
            self._work.clear()
            self._urgent.clear()
            group = self.hands.close_group(snapshot=self._wants_snapshot())
            if group.rows:
                await self._write_group(loop, group)
            if self._stopping and not self.hands.waiting.rows:
                return

    async def _write_group(self, loop: asyncio.AbstractEventLoop, group: Group) -> None:
        try:
            if self.hands.disk_failed:
                raise JournalFailed("the disk has failed before")
            writing = loop.run_in_executor(self._writer, self.hands.make_durable, group, self.stamp().wall_ms)
            await self._returned(group, writing)
        except Exception as error:
            # Whatever a journal says that has failed meanwhile, in pruning, is the same failure.
            if not isinstance(error, JournalFailed) and not self.hands.disk_failed:
                raise
            self.hands.fail(group, str(error))
        else:
            self.hands.perform(group)
            if self.hands.waiting.rows:
                self._work.set()
        for settled in self.settled:
            settled(group.rows[-1].n, not self.hands.disk_failed)

    async def _returned(self, group: Group, writing: "asyncio.Future[None]") -> None:
        """Waits for a commit; while it does not return, warnings and FLASH go on. Raises what it raises."""
        began_s = self._real_ms() / 1_000
        while not (await asyncio.wait((writing,), timeout=DISK_HANGS_S))[0]:
            self.hands.hang(group, int(self._real_ms() - began_s * 1_000))
        self.hands.returned()
        writing.result()

    def _wants_snapshot(self) -> bool:
        if self.node.state.n < self._snapshot_due_n and self._stepped_s < SNAPSHOT_S:
            return False
        self._snapshot_due_n, self._stepped_s = self.node.state.n + SNAPSHOT_INPUTS, 0.0
        return True

    async def _tick_sessions(self) -> None:
        while True:
            await asyncio.sleep(SESSION_TICK_S)
            self._tell_sessions()
            for peer, datagrams in self.sessions.tick(self._real_ms()).items():
                self._transmit(peer, datagrams)

    async def _tick_node(self) -> None:
        while True:
            await asyncio.sleep(min(250, self.settings.heartbeat_ms) / 1_000)
            self._tick()

    async def _prune(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PRUNE_S)
            if not self.hands.disk_failed:
                stamp = self.stamp()
                try:
                    await loop.run_in_executor(self._writer, self.journal.prune, stamp.wall_ms - stamp.wall_err_ms)
                except JournalFailed as error:
                    self.hands.fail(Group(), str(error))  # warnings go on

    async def _look(self) -> None:
        """Looks over the journal, a bite a second, and mends and tells what it finds."""
        loop = asyncio.get_running_loop()
        while not self.hands.disk_failed:
            await asyncio.sleep(SCRUB_S)
            try:
                found = await loop.run_in_executor(self._writer, self._scrub.bite)
                if found:
                    cure = remedy(found, self.node, self.journal.newest_n)
                    await loop.run_in_executor(self._writer, cure.apply, self.journal, self.stamp().wall_ms)
                    self._snapshot_due_n = 0 if cure.snapshot else self._snapshot_due_n
                    for text in cure.words:
                        self.take(Damaged(self.stamp(), text))
            except JournalDamaged as error:
                self.journal.spoil()
                self.hands.fail(Group(), structure(error))
            except JournalFailed as error:
                self.hands.fail(Group(), str(error))

    async def _guard(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.end(error)

    def end(self, error: BaseException) -> None:
        """Ends the process because of an error that is ours."""
        if not self.ended.done():
            self.ended.set_exception(error)

    @staticmethod
    def _real_ms() -> int:
        return int(asyncio.get_running_loop().time() * 1_000)


def settings_for(directory: Path) -> Settings:
    """The settings in a node's directory (`settings.json`), or the usual ones. Raises msgspec.ValidationError."""
    path = directory / "settings.json"
    if not path.exists():
        return Settings()
    return Settings(**msgspec.json.decode(path.read_bytes(), type=dict[str, int]))
