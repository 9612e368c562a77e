"""The folded state of a node: small, serialisable, and equal after replay byte for byte.

The law: no float, no set, no object identity. Dictionaries keep the sequence in which inputs filled them, which
replay repeats. The entries themselves are not in here; they are the record, kept beside it.
"""

from typing import Final

import msgspec

from keepclear.geo.alert import Life
from keepclear.interop.position import Plan, Position
from keepclear.line.frame import Ailing
from keepclear.line.offset import Offset
from keepclear.line.peer import BookKey, Peer, SlotKey
from keepclear.node.facts import Facts
from keepclear.node.fleet import Fleet
from keepclear.node.inputs import Settings, Stamp
from keepclear.node.named import Blobs
from keepclear.node.watched import Watched
from keepclear.record.entry import Release

MAX_DISPUTES: Final = 100
MAX_NOISE_KINDS: Final = 64


class Pending(msgspec.Struct, array_like=True):
    """An entry whose header is fixed and whose signature has been asked for."""

    token: int
    header: bytes
    releases: tuple[Release, ...]
    seed: bytes
    body: bytes


class Signing(msgspec.Struct, array_like=True):
    """A signature on a checkpoint that has been asked for: by which type of key, over what, at which time, and under
    which key list of ours.
    """

    token: int
    key_type: int
    party: int
    incarnation: bytes
    size: int
    root: bytes
    time_s: int
    epoch: int = 0


class Arrival(msgspec.Struct, array_like=True):
    """An entry of another member that a receipt may be owed for. Times are our wall clock; None: not yet."""

    seq: int
    leaf: bytes
    precedence: int
    durable_ms: int | None = None
    shown_ms: int | None = None
    told_durable: bool = False


class Owed(msgspec.Struct, array_like=True):
    """The receipts owed for one logbook: what has arrived and is to be told of, and the last receipt.

    `unshown` has been told of as durable and has not been put before an officer: it comes back when it is.
    """

    arrivals: dict[int, Arrival] = {}
    said_ms: int | None = None
    unshown: dict[int, Arrival] = {}


class Author(msgspec.Struct, array_like=True):
    """What the node needs to sign the next entry of its own incarnation. `ended` says why it signs no more, if so."""

    incarnation: bytes = b""
    start: int = 0
    secret: bytes = b""
    seeds: int = 0
    next_seq: int = 0
    last: bytes = b""
    tokens: int = 0
    pending: list[Pending] = []
    signing: list[Signing] = []
    ended: str = ""


class Reconciling(msgspec.Struct, array_like=True):
    """How far the present incarnation is joined to the earlier ones: who answered, what they hold of us."""

    answered: int = 0
    linked: int = 0
    due: bool = False
    links: int = 0
    since_ms: int = 0
    wanted: dict[BookKey, int] = {}
    echoed: int = 0  # the mask of the members that have echoed a time of this start to which it has not come


class Unlisted(msgspec.Struct, frozen=True, array_like=True):
    """An entry that waits for the key list that it names: its author, who brought it (None: by bundle), its bytes."""

    party: int
    peer: int | None
    raw: bytes


class KeyState(msgspec.Struct, array_like=True):
    """The list under which this node signs, node keys that the hands hold, lists that they brought.

    `said` are the ids of those that were said. `cosigned` is how much of each start other members have cosigned;
    `alarmed` are starts of which it was told that they sign past the end of a key.
    """

    epoch: int = 0
    held: list[bytes] = []
    given: list[bytes] = []
    said: list[bytes] = []
    cosigned: dict[BookKey, int] = {}
    unlisted: list[Unlisted] = []
    alarmed: list[BookKey] = []


class Checkpointing(msgspec.Struct, array_like=True):
    """The newest own checkpoint, when it was last offered, and by origin the newest note.

    `waiting` are notes over more than is here: (party, incarnation, size, note).
    """

    size: int = 0
    made_ms: int = 0
    offered_ms: int = 0
    notes: dict[str, bytes] = {}
    waiting: dict[str, tuple[int, bytes, int, bytes]] = {}


class Dispute(msgspec.Struct, array_like=True):
    """A contradiction of an authenticated member, with both pieces of evidence."""

    party: int
    reason: str
    one: bytes
    other: bytes


class Twins(msgspec.Struct, frozen=True, array_like=True):
    """Two starts of one member that were at work at the same time."""

    party: int
    one: bytes
    other: bytes


class Ladder(msgspec.Struct, array_like=True):
    """How far one statement of ours has come with one member; different facts, never one. None: not yet.

    Times are the member's wall clock. `read_back` is the outcome of its newest read-back, "" before there is one.
    """

    durable_ms: int | None = None
    shown_ms: int | None = None
    read_ms: int | None = None
    read_back: str = ""
    read_back_ms: int = 0


class Word(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What an author said of a matter's status: when and where it said so, and of which statement."""

    wall_ms: int
    start: int
    incarnation: bytes
    seq: int
    status: str
    about: bytes


class Matter(msgspec.Struct, array_like=True):
    """One statement that others have to act upon (notice, hazard, cease-now, distress) and what became of it.

    `born` is the statement's own place; `words` are its author's on its status, sorted, with those on what it replaces.
    `bracket`: by its author's clock, when it can have been said at the earliest and at the latest, as measured here.
    `came_ms` is our wall clock when it came, `by_bundle` whether that was in one.
    """

    leaf: bytes
    party: int
    kind: int
    precedence: int
    wall_ms: int
    status: str
    born: Word
    came_ms: int
    marks: list[str] = []
    findings: list[tuple[str, str, str, str]] = []
    words: list[Word] = []
    successors: list[bytes] = []
    superseded: bool = False
    answer: bytes | None = None
    clarified: bool = False
    ladder: dict[int, Ladder] = {}
    bracket: tuple[int | None, int | None] = (None, None)
    by_bundle: bool = False


class PeerClock(msgspec.Struct, array_like=True):
    """What we have measured of a peer's wall clock. None: nothing yet.

    `other` contradicts `offset` and has not been confirmed; `apart`: that it differs was told; `claim_ms` is our
    monotonic time when a claim of its was last told of that cannot be so.
    """

    offset: Offset | None = None
    other: Offset | None = None
    apart: bool = False
    claim_ms: int | None = None


class Timer(msgspec.Struct, array_like=True):
    """Something to be looked at again at a monotonic time, `wait_ms` after the wall clock showed `set_ms`."""

    due_ms: int
    what: str
    leaf: bytes
    set_ms: int
    wait_ms: int


class Situation(msgspec.Struct, array_like=True):
    """What the record says now. `waiting` holds statements whose referent has not come yet, by its leaf hash.

    `understandings` is how many have come into force. `linked` is each start's newest LINK. `waits` is how many of them
    are whose. `unmatched` are receipts for entries of ours that are not here. Before `due_ms` no timer runs out.
    """

    understandings: int = 0
    agreements: list[bytes] = []
    linked: dict[BookKey, bytes] = {}
    matters: dict[bytes, Matter] = {}
    waiting: dict[bytes, list[bytes]] = {}
    waits: dict[int, int] = {}
    unmatched: dict[BookKey, list[bytes]] = {}
    timers: list[Timer] = []
    due_ms: int | None = None


class Advisory(msgspec.Struct, array_like=True):
    """What the officer is being told about one flight and one matter, or about two flights. Times are wall clock.

    Figures and `urgent` (why it was alarmed) are those last told, at `told_ms`; `text` is of the newest findings that
    raise it, `life` of all.
    """

    key: str
    flight: str
    other: str
    leaf: bytes
    case: str
    enter_ms: int | None
    clear_ms: int | None
    margin_ms: int | None
    margin_low_ms: int | None
    text: str
    life: Life
    told_ms: int
    urgent: tuple[str, ...] = ()


class Doubted(msgspec.Struct, array_like=True):
    """What is doubted of a flight's track (`hygiene.Doubt`, all that was found since), and when that was last found.

    `before` is the row of its last report before its place was doubted, as long as that one may be the right one.
    """

    doubts: int
    since_ms: int
    found_ms: int
    before: bytes = b""


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """A flight that is not reported any more: its last report, and our monotonic time when that came."""

    report: Position
    heard_ms: int


class Advice(msgspec.Struct, array_like=True):
    """Own picture: own flights and plans, what is being worked out, what is being advised.

    `fleet` are the flights that are reported, `lost` those that stopped long ago, `stale` those that have just stopped,
    `silent` the sources (and when they were last heard); `doubts` what was found of them; `full` since a plan had no
    place.
    """

    fleet: Fleet = msgspec.field(default_factory=Fleet)
    plans: dict[str, Plan] = {}
    full: bool = False
    dirty: bool = False
    asked: bytes = b""
    asked_ms: int | None = None
    advisories: dict[str, Advisory] = {}
    missed: int = 0
    stale: dict[str, bool] = {}
    lost: dict[str, Lost] = {}
    silent: dict[str, int] = {}
    doubts: dict[str, Doubted] = {}


class Bundles(msgspec.Struct, array_like=True):
    """The last bundle that came: our monotonic time (None: none since the start), our wall clock, who made it, when.

    `alarmed` once it has been told that the next one does not come. `starts` has the newest bundle of each member: when
    it was made, in which start.
    """

    at_ms: int | None = None
    wall_ms: int | None = None
    sender: int = 0
    made_ms: int = 0
    alarmed: bool = False
    starts: dict[int, tuple[int, bytes]] = {}


class State(msgspec.Struct, array_like=True):
    """Everything that a node knows beside the record."""

    n: int = 0
    boot: str = ""
    now: Stamp = msgspec.field(default_factory=lambda: Stamp(0, 0, 0))
    settings: Settings = msgspec.field(default_factory=Settings)
    author: Author = msgspec.field(default_factory=Author)
    peers: dict[int, Peer] = {}
    undurable: dict[SlotKey, int] = {}
    owed: dict[BookKey, Owed] = {}
    reconciling: Reconciling = msgspec.field(default_factory=Reconciling)
    checkpointing: Checkpointing = msgspec.field(default_factory=Checkpointing)
    heard: dict[int, int] = {}
    newest: dict[int, bytes] = {}
    disputes: list[Dispute] = []
    twins: list[Twins] = []
    noise: dict[str, int] = {}
    aside: list[bytes] = []
    outside: list[bytes] = []
    disk_failed: str = ""
    disk_hangs: bool = False
    arrivals: int = 0
    kept: int = 0
    situation: Situation = msgspec.field(default_factory=Situation)
    advice: Advice = msgspec.field(default_factory=Advice)
    clocks: dict[int, PeerClock] = {}
    bundles: Bundles = msgspec.field(default_factory=Bundles)
    facts: Facts = msgspec.field(default_factory=Facts)
    watched: Watched = msgspec.field(default_factory=Watched)
    keys: KeyState = msgspec.field(default_factory=KeyState)
    blobs: Blobs = msgspec.field(default_factory=Blobs)

    @property
    def ailing(self) -> Ailing:
        """What ails our own disk."""
        return Ailing.FAILED if self.disk_failed else Ailing.HANGS if self.disk_hangs else Ailing.NOTHING
