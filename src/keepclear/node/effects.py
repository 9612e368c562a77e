"""Everything that a node wants done. The hands do it; the journal keeps a digest of it.

The law: effects are values, in integers, in a sequence that depends on the inputs alone. `Send` waits for the disk
if `durable`; `Show` and `Alarm` never wait.
"""

from hashlib import blake2b
from typing import Any, Final

import msgspec

ED25519: Final = 1
MLDSA: Final = 2


class Send(msgspec.Struct, frozen=True, array_like=True, tag="send"):
    """Send a frame to a peer; with `durable`, not before this input is on disk. `flash` may go when the disk fails.

    `path` is the only one that it goes by; "" for every path there is.
    """

    peer: int
    frame: bytes
    durable: bool
    flash: bool
    path: str = ""


class Sign(msgspec.Struct, frozen=True, array_like=True, tag="sign"):
    """Sign a message with the node's key and bring the signature back under the token, before anything else.

    `key` is the Ed25519 half of the pair that is meant.
    """

    token: int
    algorithm: int
    message: bytes
    key: bytes


class Show(msgspec.Struct, frozen=True, array_like=True, tag="show"):
    """Put something before the officer. `leaf` is the entry it is about, if it is about one."""

    what: str
    leaf: bytes | None
    precedence: int
    text: str
    facts: tuple[Any, ...] = ()


class Alarm(msgspec.Struct, frozen=True, array_like=True, tag="alarm"):
    """Make a noise: something needs an officer now."""

    what: str
    text: str


class Mark(msgspec.Struct, frozen=True, array_like=True, tag="mark"):
    """Say so (Durable) when this input is on disk."""


class Keep(msgspec.Struct, frozen=True, array_like=True, tag="keep"):
    """Keep an entry with this input: it has become part of the record."""

    leaf: bytes
    raw: bytes


class KeepNote(msgspec.Struct, frozen=True, array_like=True, tag="keep-note"):
    """Keep a checkpoint note, in the place of an older one of the same origin and size."""

    origin: str
    size: int
    raw: bytes


class Assess(msgspec.Struct, frozen=True, array_like=True, tag="assess"):
    """Work out the picture in the snapshot, and bring the findings back under its digest by the deadline."""

    digest: bytes
    snapshot: bytes
    deadline_ms: int


class Want(msgspec.Struct, frozen=True, array_like=True, tag="want"):
    """Have a file that a statement names, by hash and size; `here` if it was by the last word on it."""

    digest: bytes
    size: int
    precedence: int
    here: bool


class Wake(msgspec.Struct, frozen=True, array_like=True, tag="wake"):
    """Tick at this monotonic time, or earlier."""

    mono_ms: int


Effect = Send | Sign | Show | Alarm | Mark | Keep | KeepNote | Assess | Want | Wake

_encoder: Final = msgspec.msgpack.Encoder()


def digest(effects: list[Effect]) -> bytes:
    """Sixteen bytes that two equal lists of effects share."""
    return blake2b(_encoder.encode(effects), digest_size=16).digest()
