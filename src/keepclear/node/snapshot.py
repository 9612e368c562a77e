"""Snapshot: the picture as the worker gets it: own positions as rows of integers, the matters they are held against.

The law: everything that findings depend on is in it, and nothing else. Parts that seldom change are bytes of their own,
so that the worker may keep what it has made of them for as long as the bytes are the same. Whether a matter is active
or over at the snapshot's time is reckoned by the worker: time alone changes no bytes.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from keepclear.accord.shape import Volume
from keepclear.interop.position import Plan


class Watched(msgspec.Struct, frozen=True, array_like=True):
    """A matter in force that flights are held against. `end_ms` None: until its author says so.

    `active`: its author has said that it has begun, or it is a hazard; else it is active from its start. `agreed`: its
    author keeps to the agreed areas, so where it has said no area it is in one of them.
    """

    leaf: bytes
    active: bool
    start_ms: int | None
    end_ms: int | None
    volumes: tuple[Volume, ...]
    agreed: bool = False


class Matters(msgspec.Struct, frozen=True, array_like=True):
    """What flights are held against. `areas` are those agreed for activities; none: nothing was agreed."""

    watched: tuple[Watched, ...]
    areas: tuple[Volume, ...]


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """The picture at one time. matters: `Matters`; rows: `row` of each flight named, in that sequence; plans: `Plan`s.

    A flight may be there more than once: each reading of a doubted one.
    """

    now_ms: int
    look_ahead_ms: int
    alert_ahead_ms: int
    horizontal_cm: int
    vertical_cm: int
    reaction: tuple[int, int, int]
    matters: bytes
    flights: tuple[str, ...]
    rows: bytes
    plans: bytes


@dataclass
class Kept:
    """What was made of the state for the last picture, to be made anew only where that has changed.

    `changed` are the leaves of matters of which something has been said since, in that sequence; None: all of them.
    `watched` are all matters in the sequence in which they came, whether flights are held against them or not.
    """

    changed: dict[bytes, None] | None = None
    watched: dict[bytes, Watched | None] = field(default_factory=dict)
    areas: tuple[Volume, ...] = ()
    matters: bytes = b""
    plans: bytes = b""
    plans_of: list[Plan] = field(default_factory=list)


def part(value: Any) -> bytes:
    """A part of a snapshot as bytes."""
    return msgspec.msgpack.encode(value)
