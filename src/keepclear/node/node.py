"""One party's mind: `step(input) -> effects`, the same effects for the same inputs, for ever.

The law: no clock, no randomness, no signature is made here; they come in. Nothing that came from outside raises.
The hands step in memory, commit the input with the digest of its effects, then perform what has to wait for that.
Replaying the journal is stepping the same inputs again and comparing.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, Final

import msgspec
import msgspec.inspect

from keepclear.line import liveness, paths
from keepclear.line.liveness import LineState, Liveness
from keepclear.line.peer import Peer
from keepclear.node import (
    advice,
    author,
    blobs,
    clocks,
    courier,
    disk,
    duties,
    flights,
    keys,
    own_keys,
    rebuild,
    receipts,
    reception,
    reconcile,
    resumed,
    situation,
    watching,
    witness,
)
from keepclear.node.core import Core
from keepclear.node.effects import Effect, Sign
from keepclear.node.inputs import (
    AnyInput,
    Aside,
    Assessed,
    BlobSeen,
    Brought,
    Close,
    Damaged,
    DiskFailed,
    DiskHangs,
    Displayed,
    Durable,
    Holds,
    LetGo,
    PathProcess,
    Plans,
    PutBack,
    Receive,
    Say,
    Session,
    Signed,
    Start,
    Tick,
    Tracks,
    Watchdog,
)
from keepclear.node.snapshot import Kept
from keepclear.node.state import Owed, Reconciling, State
from keepclear.record import entry as entries
from keepclear.record.genesis import Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import MAX_SEQ, Logbooks

FOLD: Final = 16  # to be raised when the same inputs give another state or other effects
TAKEN_IN: Final = frozenset({Receive, Brought, Tracks, Plans})  # after which a picture may be due


def _shape(kind: Any) -> str:
    """What a state of this code looks like, as text without addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(msgspec.inspect.type_info(kind)))


VERSION: Final = f"{FOLD}-{blake2b(_shape(State).encode(), digest_size=4).hexdigest()}"
"""Of the fold and of the state's shape: a snapshot of another version is not loaded."""


class Node:
    """A member's node on one line; or a watch of the line, which is none of its members: `me` is then their number."""

    def __init__(self, genesis: Genesis, me: int) -> None:
        members = len(genesis.names)
        state = State(peers={i: Peer(index=i) for i in range(members) if i != me} if me < members else {})
        self.core = Core(genesis, me, state, Logbooks())

    @property
    def state(self) -> State:
        """The folded state; callers read it."""
        return self.core.state

    @property
    def books(self) -> Logbooks:
        """The record; callers read it."""
        return self.core.books

    def step(self, data: AnyInput) -> list[Effect]:
        """Folds one input in, and returns what is to be done, in sequence."""
        core = self.core
        core.effects, core.at_work, core.on_no_disk, core.by_bundle = [], b"", False, False
        core.state.n += 1
        core.state.now = data.stamp
        known = core.keys.version
        self._fold(data)
        if core.keys.version != known:
            reception.take_listed(core)
        duties.watch(core)
        courier.flush(core)
        if core.state.author.ended:
            core.effects = [effect for effect in core.effects if not isinstance(effect, Sign)]
        return core.effects

    def _fold(self, data: AnyInput) -> None:  # noqa: PLR0912 - one row for each kind of input
        core = self.core
        match data:
            case Receive():
                reception.receive(core, data)
            case Say():
                author.say(core, data)
            case Signed():
                if author.signed(core, data) is None:
                    witness.signed(core, data)
            case Durable():
                receipts.durable(core, data)
                receipts.say_due(core)
            case Displayed():
                receipts.displayed(core, data)
            case Brought():
                reception.bring(core, data)
            case Tick():
                self._tick(data)
            case Tracks():
                flights.take_tracks(core, data)
            case Plans():
                flights.take_plans(core, data)
            case Assessed():
                advice.take_findings(core, data)
            case LetGo(flights=names):
                advice.let_go(core, names)
            case Session():
                reconcile.begin(core, data)
            case Start():
                self._start(data)
            case Close():
                witness.make(core)
            case Aside(digest=digest):
                reception.set_aside(core, digest)
            case _:
                self._fold_machine(data)
        if type(data) in TAKEN_IN:
            advice.assess_if_due(core)

    def _fold_machine(self, data: AnyInput) -> None:
        """What the machine says of itself: its disk, its keys, its files, what stands beside the node."""
        core = self.core
        match data:
            case DiskFailed(reason=reason):
                disk.fails(core, reason)
            case DiskHangs(waited_ms=waited_ms):
                disk.hangs(core, waited_ms)
            case Damaged(text=text):
                core.alarm("damaged", text)
            case Holds():
                own_keys.hold(core, data)
            case BlobSeen():
                blobs.seen(core, data)
            case PutBack():
                resumed.put_back(core)
            case Watchdog() | PathProcess():
                tell = core.show if data.works else core.alarm
                tell("watchdog" if isinstance(data, Watchdog) else "path", data.text)

    def _start(self, data: Start) -> None:
        core, state = self.core, self.core.state
        state.boot, state.settings, state.disk_failed, state.disk_hangs = data.boot, data.settings, "", False
        live = {i: Liveness(since_ms=core.mono_ms) for i in state.peers}
        names = dict(data.paths)
        state.peers = {
            i: Peer(
                index=i, live=live[i], strange=p.strange, paths=paths.begin(names.get(i, (paths.UDP,)), core.mono_ms)
            )
            for i, p in state.peers.items()
        }
        state.undurable = {}  # what a start finds in the journal is on disk
        state.reconciling = Reconciling()
        state.bundles = msgspec.structs.replace(state.bundles, at_ms=None, alarmed=False)
        for owed in state.owed.values():
            _resume(owed, core.wall_ms)
        advice.begin(core)
        clocks.begin(core)
        duties.begin(core)
        before = state.author.pending
        author.begin(core, data.fresh, data.secret)
        own_keys.begin(core, data)
        author.say_anew(core, before)
        blobs.begin(core)
        witness.begin(core)

    def _tick(self, data: Tick) -> None:
        core = self.core
        if data.noise:
            core.count_noise("datagram that no session opens", data.noise)
        settings = core.state.settings
        for peer in core.state.peers.values():
            times = settings.suspect_after_ms, settings.dead_after_ms
            if paths.is_slow(peer.paths):
                times = settings.radio_suspect_after_ms, settings.radio_dead_after_ms
            if paths.judge(peer.live, peer.paths, core.mono_ms, *times):
                _show_line(core, peer)
            if liveness.owes_horn(peer.live):
                _sound_horn(core, peer)
            reconcile.ask(core, peer)
        if core.watches:
            watching.remind(core)
        else:
            reconcile.say_due(core)
            receipts.say_due(core)
            witness.make_due(core)
        duties.remind(core)
        advice.assess_if_due(core)
        for peer in core.state.peers.values():
            courier.heartbeat(core, peer)

    def snapshot(self) -> bytes:
        """The state as bytes; equal states give equal bytes."""
        return msgspec.msgpack.encode(self.core.state)

    def restore(self, snapshot: bytes, kept: Callable[[int], Iterable[bytes]]) -> None:
        """Takes up a snapshot; `kept(n)` gives the first n entries that were kept, in their sequence."""
        self.core.state = msgspec.msgpack.decode(snapshot, type=State)
        self.core.books, self.core.picture, self.core.keys = Logbooks(), Kept(), KeyBook(self.core.genesis)
        limit = self.core.genesis.body.limits.entry_bytes
        for raw in kept(self.core.state.kept):
            self.core.books.add(entries.read(raw, limit), MAX_SEQ)
        keys.restore(self.core)

    def rebuild(self, kept: Iterable[bytes], n: int) -> None:
        """Takes in the record, after n inputs, where the state is of another version or ends too early."""
        rebuild.rebuild(self.core, kept, n)


def _resume(owed: Owed, wall_ms: int) -> None:
    """After a start everything in the journal is durable; times of an earlier boot's monotonic clock are void."""
    owed.said_ms = None
    for arrival in owed.arrivals.values():
        if arrival.durable_ms is None:
            arrival.durable_ms = wall_ms


def _show_line(core: Core, peer: Peer) -> None:
    state = peer.live.state
    facts: tuple[Any, ...] = (peer.index, str(state))
    text = f"the line to {core.name(peer.index)} is {state}"
    if state is LineState.DEGRADED:
        facts = (*facts, *peer.live.lost)
        text += f": nothing comes back by {' and '.join(paths.NAMES.get(name, name) for name in peer.live.lost)}"
    core.show("line", text, precedence=2, facts=facts)


def _sound_horn(core: Core, peer: Peer) -> None:
    """At once if anything is in force, else when it has been dead for a while."""
    in_force = situation.anything_in_force(core)
    if in_force or core.mono_ms - peer.live.told_ms >= core.state.settings.horn_after_ms:
        peer.live.horned = True
        since = "while something is in force" if in_force else "and has not come back"
        core.alarm("line dead", f"the line to {core.name(peer.index)} is dead {since}: use another way to reach it")


__all__ = ["VERSION", "Node"]
