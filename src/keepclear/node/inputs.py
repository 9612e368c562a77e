"""Everything that a node takes in. The journal holds these, in this encoding, and replay feeds them back.

The law: time, randomness and signatures enter only here. `Stamp` is the first field of each input: monotonic
milliseconds since the boot that START names, wall clock in milliseconds and its error. Integers only.
"""

from typing import Any, Final

import msgspec

from keepclear.line.paths import UDP
from keepclear.record.entry import Draft, Release


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """When the hands took the input in."""

    mono_ms: int
    wall_ms: int
    wall_err_ms: int


class Settings(msgspec.Struct, frozen=True, array_like=True):
    """What a node is set to do, fixed for one start and journalled with it. Times in ms, lengths in cm.

    `bundle_within_ms` is how long a watch waits for the next bundle before it calls; 0: it does not.
    """

    heartbeat_ms: int = 250
    suspect_after_ms: int = 2_000
    dead_after_ms: int = 4_000
    receipt_every_ms: int = 1_000
    checkpoint_every_ms: int = 60_000
    checkpoint_every_entries: int = 1_000
    assess_every_ms: int = 1_000
    assess_deadline_ms: int = 5_000
    look_ahead_ms: int = 1_800_000
    alert_ahead_ms: int = 120_000
    horizontal_cm: int = 926_000
    vertical_cm: int = 30_480
    alert_hold_ms: int = 15_000
    track_lost_ms: int = 60_000
    clarify_ms: int = 60_000
    horn_after_ms: int = 15_000
    track_kept_ms: int = 600_000
    track_stale_ms: int = 15_000
    box_heartbeat_ms: int = 500
    bundle_within_ms: int = 0
    radio_heartbeat_ms: int = 1_000
    radio_suspect_after_ms: int = 12_000
    radio_dead_after_ms: int = 24_000


class Input(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """What all inputs have."""

    stamp: Stamp


class Start(Input, frozen=True, array_like=True, tag="start"):
    """The process has begun: eight bytes and a secret freshly drawn from the operating system after that.

    `paths` are the names of the paths to each peer that has others than datagrams alone; `keys` the node keys (Ed25519)
    that the hands hold, where they are not just that of the genesis, and `documents` the key lists in their directory.
    A watch has neither: it signs nothing.
    """

    boot: str
    fresh: bytes
    secret: bytes
    version: str
    settings: Settings
    paths: tuple[tuple[int, tuple[str, ...]], ...] = ()
    keys: tuple[bytes, ...] = ()
    documents: tuple[bytes, ...] = ()


class Tick(Input, frozen=True, array_like=True, tag="tick"):
    """Time has passed; `noise` counts datagrams that no session opened since the last one."""

    noise: int = 0


class Session(Input, frozen=True, array_like=True, tag="session"):
    """The hands have a new session with a peer; the nonce is fresh."""

    peer: int
    session: bytes
    nonce: bytes


class Receive(Input, frozen=True, array_like=True, tag="receive"):
    """A frame from a peer, opened by the hands under the named session, and the path by which it came."""

    peer: int
    session: bytes
    frame: bytes
    path: str = UDP


class Brought(Input, frozen=True, array_like=True, tag="brought"):
    """Entries that came by bundle: who made it, as its signature shows, in which start and when; which share.

    `token` is fresh, and comes back in what is shown of the share.
    """

    token: bytes
    sender: int
    incarnation: bytes
    made_ms: int
    nth: int
    of: int
    entries: tuple[bytes, ...]


class Say(Input, frozen=True, array_like=True, tag="say"):
    """An officer has released a statement: the draft, the epoch it was released in, body seed, seats' signatures."""

    draft: Draft
    epoch: int
    seed: bytes
    releases: tuple[Release, ...]


class Signed(Input, frozen=True, array_like=True, tag="signed"):
    """The signature that a SIGN effect asked for."""

    token: int
    signature: bytes


class Durable(Input, frozen=True, array_like=True, tag="durable"):
    """All inputs numbered up to `upto` are on disk."""

    upto: int


class Displayed(Input, frozen=True, array_like=True, tag="displayed"):
    """These entries have been put before an officer."""

    leaves: tuple[bytes, ...]


class Tracks(Input, frozen=True, array_like=True, tag="tracks"):
    """A batch of own or received positions, as interop.position.Position arrays; held beside the journal."""

    batch: bytes


class Plans(Input, frozen=True, array_like=True, tag="plans"):
    """Own flight plans, private, as interop.position.Plan arrays."""

    batch: bytes


class LetGo(Input, frozen=True, array_like=True, tag="let-go"):
    """An officer lets lost tracks go, by their flights' names."""

    flights: tuple[str, ...]


class Assessed(Input, frozen=True, array_like=True, tag="assessed"):
    """What the worker found for the snapshot with this digest; None if it missed its deadline."""

    digest: bytes
    findings: tuple[Any, ...] | None


class Close(Input, frozen=True, array_like=True, tag="close"):
    """The hands are about to end in good time: a last checkpoint is to be made."""


class Aside(Input, frozen=True, array_like=True, tag="aside"):
    """An item that has crashed this node twice: to be kept out, by digest, and alarmed."""

    digest: bytes


class DiskFailed(Input, frozen=True, array_like=True, tag="disk-failed"):
    """A commit has failed: nothing more is receipted; display and warnings go on."""

    reason: str


class DiskHangs(Input, frozen=True, array_like=True, tag="disk-hangs"):
    """A commit has not returned for so long; 0: the disk takes what it is given again."""

    waited_ms: int


class Damaged(Input, frozen=True, array_like=True, tag="damaged"):
    """Something that was on the disk is not as it was written: what, and what has been done about it."""

    text: str


class BlobSeen(Input, frozen=True, array_like=True, tag="blob-seen"):
    """What the hands have found of an attached file, by hash and size: a Whereabouts."""

    digest: bytes
    size: int
    where: int


class PutBack(Input, frozen=True, array_like=True, tag="put-back"):
    """The machine says that its memory was put back to an earlier state, or copied while this process ran."""


class Holds(Input, frozen=True, array_like=True, tag="holds"):
    """While it runs, the hands come to hold these node keys (Ed25519) and are given these key lists."""

    keys: tuple[bytes, ...]
    documents: tuple[bytes, ...]


class Watchdog(Input, frozen=True, array_like=True, tag="watchdog"):
    """What has become of the process that sounds when this one does not: whether it works, and in words."""

    works: bool
    text: str


class PathProcess(Input, frozen=True, array_like=True, tag="path-process"):
    """What has become of a process that stands between a path and this one: whether it works, and in words."""

    works: bool
    text: str


AnyInput = (
    Start
    | Tick
    | Session
    | Receive
    | Brought
    | Say
    | Signed
    | Durable
    | Displayed
    | Tracks
    | Plans
    | Assessed
    | LetGo
    | Aside
    | Close
    | DiskFailed
    | DiskHangs
    | Damaged
    | BlobSeen
    | Watchdog
    | PathProcess
    | PutBack
    | Holds
)

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final[msgspec.msgpack.Decoder[AnyInput]] = msgspec.msgpack.Decoder(AnyInput)


def to_bytes(data: AnyInput) -> bytes:
    """The journal's form of an input."""
    return _encoder.encode(data)


def read(data: bytes) -> AnyInput:
    """An input from the journal. Raises msgspec.DecodeError for bytes that this version did not write."""
    return _decoder.decode(data)
