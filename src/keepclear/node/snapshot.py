"""Snapshot: the picture as the worker gets it: own positions as rows of integers, the matters they are held against.

The law: everything that findings depend on is in it, and nothing else. Parts that seldom change are bytes of their own,
so that the worker may keep what it has made of them for as long as the bytes are the same. Whether a matter is active
or over at the snapshot's time is reckoned by the worker: time alone changes no bytes.
"""

import struct
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from keepclear.accord.shape import AltRef, Volume
from keepclear.geo import altitude
from keepclear.geo.hygiene import TAXI_MPS
from keepclear.geo.track import Tracks
from keepclear.geo.units import E7_PER_DEGREE, FloatArray, IntArray
from keepclear.interop.position import Plan, Position

TAXI_CMPS: Final = int(100 * TAXI_MPS)
NOT_KNOWN: Final = -(2**62)
_ROW: Final = struct.Struct("<10q")
SPEED: Final = 6  # of the columns


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
    """What was made of the state for the last picture, to be made anew only where that has changed."""

    watched: dict[bytes, tuple[Any, Watched | None]] = field(default_factory=dict)
    areas: tuple[Volume, ...] = ()
    matters: bytes = b""
    plans: bytes = b""
    plans_of: list[Plan] = field(default_factory=list)


def part(value: Any) -> bytes:
    """A part of a snapshot as bytes."""
    return msgspec.msgpack.encode(value)


def is_flying(position: Position) -> bool:
    """Whether it is to be taken as flying: what moves faster than anything taxies is not on the ground."""
    return not position.on_ground or (position.speed_cmps or 0) > TAXI_CMPS


def row(p: Position) -> bytes:
    """A position as the worker reads it."""
    return _ROW.pack(
        p.lat_e7,
        p.lon_e7,
        NOT_KNOWN if p.alt_cm is None else p.alt_cm,
        p.alt_ref,
        p.alt_err_cm,
        p.pos_err_cm,
        NOT_KNOWN if p.speed_cmps is None else p.speed_cmps,
        NOT_KNOWN if p.track_cdeg is None else p.track_cdeg,
        NOT_KNOWN if p.climb_cmps is None else p.climb_cmps,
        p.at_ms,
    )


def columns(rows: bytes) -> IntArray:
    """The columns (10, n) of rows."""
    return np.frombuffer(rows, dtype="<i8").reshape(-1, 10).T


def ref(number: int) -> altitude.AltRef:
    """The altitude reference as geo numbers it; an unknown one is read as AGL, which meets everything."""
    return altitude.AltRef[AltRef(number).name] if number in tuple(AltRef) else altitude.AltRef.AGL


_REFS: Final = np.array([ref(number) for number in range(256)], dtype=np.int64)


def tracks(rows: bytes) -> Tracks:
    """The rows as geo takes them."""
    lat, lon, alt, said_ref, alt_err, pos_err, speed, course, climb, at_ms = columns(rows)
    return Tracks(
        lat_deg=lat / E7_PER_DEGREE,
        lon_deg=lon / E7_PER_DEGREE,
        alt_m=_hundredths(alt),
        alt_ref=_REFS[said_ref],
        alt_err_m=_hundredths(alt_err),
        pos_err_m=_hundredths(pos_err),
        ground_speed_mps=_hundredths(speed),
        track_deg=_hundredths(course),
        vertical_rate_mps=_hundredths(climb),
        at_ms=at_ms.astype(np.int64),
    )


def _hundredths(column: IntArray) -> FloatArray:
    return np.where(column == NOT_KNOWN, np.nan, column / 100)
