"""A frame: what one node tells another at one time, the same over every path; sealed and opened by the hands.

The law: every frame names its path, gives its sender's monotonic and wall time, and echoes the newest time it heard
from the receiver with how long it held it; that alone is a heartbeat. Items ride along: entries, what is durably
held, questions and answers about it, checkpoint notes. An item of unknown kind is skipped, never an error.
"""

from contextlib import suppress
from enum import IntEnum
from typing import Any, Final

import msgspec

from keepclear.accord import canonical
from keepclear.accord.canonical import Int, Text

MAX_FRAME_BYTES: Final = 131_072  # the largest entry, 64 KiB, with room for what rides along
DATAGRAM_BYTES: Final = 1_100  # what several small items are bundled to, so that a frame stays one datagram
MAX_PATH_BYTES: Final = 4
MAX_BEYOND: Final = 64  # slots past a gap that one HAVE names
MAX_BOOKS: Final = 1_000  # logbooks that one VECTOR lists
MAX_VECTOR_BYTES: Final = 100_000  # of one VECTOR, roughly reckoned: a frame has room for it
MAX_ITEMS: Final = 1_000  # of one frame; a datagram's worth of the smallest is 100
NONCE_BYTES: Final = 16


class EntryItem(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """An entry's bytes; `undurable` when its sender's disk has failed and nobody's disk may hold it."""

    raw: bytes
    undurable: bool = False


class Have(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """What the sender holds durably of one incarnation: without a gap, and past the first gap."""

    party: Int
    incarnation: bytes
    size: Int
    beyond: tuple[Int, ...] = ()


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Asks for the receiver's durable vector; the nonce makes the answer fresh."""

    nonce: bytes


class Book(msgspec.Struct, frozen=True, array_like=True):
    """One incarnation in a vector: what is held of it, durably."""

    party: Int
    incarnation: bytes
    start: Int
    size: Int
    root: bytes
    beyond: tuple[tuple[Int, bytes], ...] = ()


class Vector(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The answer to an ASK: every incarnation that the sender holds anything of."""

    nonce: bytes
    books: tuple[Book, ...]


class Note(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """A checkpoint as a signed note's bytes."""

    raw: bytes


class Ailing(IntEnum):
    """What ails the sender's disk."""

    NOTHING = 0
    HANGS = 1
    FAILED = 2


class Disk(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """The sender's disk takes nothing: what is sent there is shown, and neither recorded nor receipted."""

    ailing: Ailing


Item = EntryItem | Have | Ask | Vector | Note | Disk


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed: path, sender's times, echo, items (each still as it was decoded)."""

    path: Text
    mono_ms: Int
    wall_ms: Int
    echo_ms: Int | None
    hold_ms: Int
    items: tuple[Any, ...] = ()


class _Known(Frame, frozen=True, array_like=True):
    """A frame of which every item is of a known kind."""

    items: tuple[Item, ...] = ()


_KNOWN: Final = msgspec.msgpack.Decoder(_Known)


class BadFrame(ValueError):
    """The plaintext is no frame: the peer's software is at fault, since the seal was right."""


def to_bytes(frame: Frame) -> bytes:
    """The plaintext of a frame."""
    return msgspec.msgpack.encode(frame)


def read(data: bytes) -> tuple[Frame, list[Item], int]:
    """The frame, its readable items, and how many items were not readable. Raises BadFrame."""
    try:
        frame, items = _read(data)
    except (canonical.NotCanonical, msgspec.ValidationError, ValueError) as error:
        raise BadFrame(f"not a frame: {error}") from error
    if len(frame.path.encode()) > MAX_PATH_BYTES or frame.mono_ms < 0 or frame.hold_ms < 0:
        raise BadFrame("path of more than 4 bytes, or a negative time")
    return frame, items, len(frame.items) - len(items)


def _read(data: bytes) -> tuple[Frame, list[Item]]:
    try:
        known = canonical.decode_as(data, _KNOWN, MAX_FRAME_BYTES)
        return known, list(known.items[:MAX_ITEMS])
    except msgspec.ValidationError:  # an item of a newer version: it alone is passed over
        frame = msgspec.convert(canonical.decode(data, MAX_FRAME_BYTES), Frame)
    items: list[Item] = []
    for item in frame.items[:MAX_ITEMS]:
        with suppress(msgspec.ValidationError):
            items.append(msgspec.convert(item, Item))
    return frame, items
