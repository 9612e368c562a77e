"""The hands of a node: they step it, sign for it, make its inputs durable, and then perform what had to wait.

The law: make durable, then speak. Inputs are stepped in memory and gathered in a group; signatures that a step asks
for are made inside the open group and stepped at once; `Show` and `Alarm` are performed at once; a `Send` that carries
something new waits until its group is on disk. When the disk fails or hangs, only FLASH goes on being sent.
The simulator uses these same hands, with other ports.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Protocol

import msgspec

from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalDamaged, JournalFailed
from keepclear.host.journal_records import Note, Row, Snapshot
from keepclear.node import effects as fx
from keepclear.node import inputs
from keepclear.node.effects import Alarm, Assess, Effect, Keep, KeepNote, Mark, Send, Show, Sign, Wake, Want
from keepclear.node.inputs import (
    AnyInput,
    DiskFailed,
    DiskHangs,
    Displayed,
    Durable,
    Holds,
    Plans,
    Signed,
    Stamp,
    Tracks,
)
from keepclear.node.node import VERSION, Node
from keepclear.record.key_book import SESSION_KEYS

DIGEST_BYTES = 16


class Signer(Protocol):
    """The node's keys."""

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature."""

    def sign_mldsa(self, message: bytes) -> bytes:
        """An ML-DSA-44 signature."""


class Ports(Protocol):
    """What hands reach out to. Each verb returns at once."""

    def stamp(self) -> Stamp:
        """The time now."""

    def send(self, peer: int, frame: bytes, flash: bool, path: str) -> None:
        """Seals a frame for a peer and sends it, by one path or ("") by all; drops it when there is no session."""

    def show(self, shown: Show) -> bool:
        """Puts something before the officer; whether somebody is there to see it."""

    def alarm(self, alarm: Alarm) -> None:
        """Calls the officer."""

    def assess(self, wanted: Assess) -> None:
        """Has a snapshot worked out; the findings come back as an input."""

    def want(self, wanted: Want) -> None:
        """Looks for an attached file, and fetches it; what becomes of it comes back as an input."""

    def wake(self, mono_ms: int) -> None:
        """Ticks at that time or before."""


@dataclass
class Group:
    """Inputs that become durable together, and what waits for that."""

    rows: list[Row] = field(default_factory=list)
    entries: list[tuple[bytes, bytes]] = field(default_factory=list)
    batches: list[tuple[bytes, bytes]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    marked: bool = False
    flash: bool = False
    snapshot: Snapshot | None = None


class Diverged(Exception):
    """Replay has not had the effects that the journal says: the code or the journal is not what it was."""


class Hands:
    """One node's hands."""

    def __init__(self, node: Node, journal: Journal, signer: Signer, ports: Ports) -> None:
        self.node = node
        self._journal = journal
        self._signer = signer
        self._signers: Mapping[bytes, Signer] = {}
        self._ports = ports
        self._inbox: deque[AnyInput] = deque()
        self._group = Group()
        self._working = False
        self.disk_failed = False
        self.disk_hangs = False

    @property
    def waiting(self) -> Group:
        """The open group."""
        return self._group

    def use(self, signers: Mapping[bytes, Signer]) -> None:
        """These are the node's keys, by their Ed25519 half; before a start."""
        self._signers = signers

    def hold(self, signers: Mapping[bytes, Signer], documents: tuple[bytes, ...]) -> None:
        """From now on these are the node's keys, and the node is given these key lists; while it runs."""
        self.use(signers)
        self.take(Holds(self._ports.stamp(), tuple(sorted(signers)), documents))

    def signs(self) -> list[Callable[[bytes], bytes]]:
        """What signs a new session: our node keys, the newest first, as far as they are held."""
        core = self.node.core
        own = [] if core.watches else [key.ed25519 for key in core.keys.node_keys(core.me)]
        held: list[Callable[[bytes], bytes]]
        held = [self._signers[key].sign for key in reversed(own) if key in self._signers]
        return held[:SESSION_KEYS] or [self._signer.sign]

    def take(self, data: AnyInput) -> None:
        """Steps an input, and at once whatever inputs it gives rise to (signatures, what has been displayed)."""
        self._inbox.append(data)
        if self._working:
            return
        self._working = True
        try:
            while self._inbox:
                self._step(self._inbox.popleft())
        finally:
            self._working = False

    def close_group(self, snapshot: bool = False) -> Group:
        """Takes the open group out, to be made durable; with a snapshot of the state after it, if asked for."""
        group, self._group = self._group, Group()
        if snapshot:
            group.snapshot = Snapshot(self.node.state.n, VERSION, self.node.snapshot())
        return group

    def make_durable(self, group: Group, wall_ms: int) -> None:
        """Writes a group; may be called from another thread. Raises JournalFailed."""
        self._journal.append(
            group.rows,
            wall_ms,
            entries=group.entries,
            batches=group.batches,
            notes=group.notes,
            snapshot=group.snapshot,
        )

    def perform(self, group: Group) -> None:
        """Performs what had waited for a group that is now durable."""
        for send in group.sends:
            self._ports.send(send.peer, send.frame, send.flash, send.path)
        if group.marked:
            self.take(Durable(self._ports.stamp(), group.rows[-1].n))

    def fail(self, group: Group, reason: str) -> None:
        """The group could not be written: nothing more becomes durable. Warnings go on, FLASH goes out."""
        if not self.disk_failed:
            self.disk_failed = True
            self._drop_flash(group)
            self.take(DiskFailed(self._ports.stamp(), reason))
            self._send_flash(self._group)
        self._send_flash(group)

    def hang(self, group: Group, waited_ms: int) -> None:
        """The commit of a group has not returned for so long: it is told, and FLASH waits no longer."""
        if not self.disk_hangs:
            self.disk_hangs = True
            self._drop_flash(group)
            self.take(DiskHangs(self._ports.stamp(), waited_ms))

    def returned(self) -> None:
        """A commit has returned."""
        if self.disk_hangs:
            self.disk_hangs = False
            self.take(DiskHangs(self._ports.stamp(), 0))

    def _drop_flash(self, group: Group) -> None:
        """Of a group that is not written, and of the open one: the node has what was FLASH sent anew, marked."""
        for one in (group, self._group):
            one.sends = [send for send in one.sends if not send.flash]

    def _send_flash(self, group: Group) -> None:
        for send in group.sends:
            if send.flash:
                self._ports.send(send.peer, send.frame, True, send.path)
        group.sends = [send for send in group.sends if not send.flash]

    def commit(self, snapshot: bool = False) -> None:
        """Closes the group, makes it durable and performs it, in one go."""
        group = self.close_group(snapshot)
        if not group.rows and group.snapshot is None:
            return
        try:
            if self.disk_failed:
                raise JournalFailed("the disk has failed before")
            self.make_durable(group, self._ports.stamp().wall_ms)
        except JournalFailed as error:
            self.fail(group, str(error))
        else:
            self.perform(group)

    def _step(self, data: AnyInput) -> None:
        effects = self.node.step(data)
        row_input, batch = to_journal(data)
        group = self._group
        group.rows.append(Row(self.node.state.n, row_input, fx.digest(effects)))
        if batch is not None:
            group.batches.append(batch)
        shown = [leaf for effect in effects if (leaf := self._perform_now(effect)) is not None]
        if shown:
            self._inbox.append(Displayed(self._ports.stamp(), tuple(shown)))

    def _perform_now(self, effect: Effect) -> bytes | None:
        """Performs or puts by one effect; the leaf of an entry that has just been put before an officer."""
        group, ports = self._group, self._ports
        match effect:
            case Send(durable=True) if not (self.disk_hangs and effect.flash):
                group.sends.append(effect)
                group.flash = group.flash or effect.flash
            case Send():
                ports.send(effect.peer, effect.frame, effect.flash, effect.path)
            case Sign():
                signer = self._signers.get(effect.key, self._signer)
                mldsa = effect.algorithm == fx.MLDSA
                signature = signer.sign_mldsa(effect.message) if mldsa else signer.sign(effect.message)
                self._inbox.append(Signed(ports.stamp(), effect.token, signature))
            case Keep():
                group.entries.append((effect.leaf, effect.raw))
            case KeepNote():
                group.notes.append(Note(effect.origin, effect.size, effect.raw.decode()))
            case Mark():
                group.marked = True
            case Show():
                seen = ports.show(effect)
                return effect.leaf if seen and effect.what in ("statement", "raw") else None
            case Alarm():
                ports.alarm(effect)
            case Assess():
                ports.assess(effect)
            case Want():
                ports.want(effect)
            case Wake():
                ports.wake(effect.mono_ms)
        return None


def to_journal(data: AnyInput) -> tuple[bytes, tuple[bytes, bytes] | None]:
    """The journal's form of an input, and the batch that is kept beside it."""
    if not isinstance(data, Tracks | Plans):
        return inputs.to_bytes(data), None
    digest = blake2b(data.batch, digest_size=DIGEST_BYTES).digest()
    return inputs.to_bytes(msgspec.structs.replace(data, batch=digest)), (digest, data.batch)


class Batches(Protocol):
    """Where the batches of inputs are: a journal, or what is left of one."""

    def batch(self, digest: bytes) -> bytes | None:
        """The batch with a digest; None when it is not there."""


def from_journal(journal: Batches, row: Row) -> AnyInput:
    """The input in a row, with its batch. Raises LookupError if the batch is no longer kept."""
    data = inputs.read(row.input)
    if not isinstance(data, Tracks | Plans):
        return data
    batch = journal.batch(data.batch)
    if batch is None:
        raise LookupError(f"the track batch of input {row.n} is no longer kept")
    return msgspec.structs.replace(data, batch=batch)


def replay(
    node: Node, journal: Batches, rows: Iterable[Row], each: Callable[[AnyInput, list[Effect]], None] | None = None
) -> None:
    """Steps the journal's inputs again and compares the effects. Raises Diverged at the first difference."""
    for row in rows:
        data = from_journal(journal, row)
        effects = node.step(data)
        if fx.digest(effects) != row.effects_digest or node.state.n != row.n:
            raise Diverged(f"input {row.n} ({type(data).__name__.lower()}) has other effects than the journal says")
        if each is not None:
            each(data, effects)


def recover(node: Node, journal: Journal, wall_ms: int = 0) -> int:
    """Brings a fresh node to where the journal ends; how many inputs were replayed for that.

    A journal of another version of the code is read for its record, and goes on as a new segment. Raises
    JournalDamaged, also when fewer or more entries are kept than the inputs have brought.
    """
    latest = journal.latest_snapshot()
    if latest is None:
        journal.append([], wall_ms, snapshot=Snapshot(0, VERSION, node.snapshot()))
        return 0
    if latest.version != VERSION:
        node.rebuild((raw for _, raw in journal.entries()), journal.last_n)
        journal.append([], wall_ms, snapshot=Snapshot(journal.last_n, VERSION, node.snapshot()))
        return 0
    load(node, journal, latest)
    try:
        replay(node, journal, journal.read(latest.n + 1))
    except LookupError as error:
        raise JournalDamaged(f"damaged: {error}, and it is needed") from error
    if node.state.kept != (kept := journal.count_entries()):
        raise JournalDamaged(f"damaged: {kept} entries are kept, by the inputs there are {node.state.kept}")
    return journal.last_n - latest.n


def load(node: Node, journal: Journal, snapshot: Snapshot) -> None:
    """Takes up a snapshot, with as many of the journal's entries as had been kept by then.

    The state before any input is every version's own. Raises Diverged for another one of another version.
    """
    if snapshot.version != VERSION:
        if snapshot.n:
            raise Diverged(f"the state after input {snapshot.n} is of version {snapshot.version}, this is {VERSION}")
        return
    node.restore(snapshot.state, lambda kept: _first(journal, kept))


def _first(journal: Journal, kept: int) -> list[bytes]:
    raws = [raw for _, raw in islice(journal.entries(), kept)]
    if len(raws) < kept:
        raise JournalDamaged(f"damaged: {len(raws)} entries are kept, {kept} were when its snapshot was made")
    return raws
