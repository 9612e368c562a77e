"""Rows: own positions as twelve integers each, for all that is reckoned with many of them at once.

The law: a row says what the position says, in its units; nothing is rounded, either way. Whose position it is and who
says so stands beside it. The worker gets the first ten columns, which is what is reckoned with.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from keepclear.accord.shape import AltRef
from keepclear.geo import altitude
from keepclear.geo.hygiene import TAXI_MPS
from keepclear.geo.track import Tracks
from keepclear.geo.units import E7_PER_DEGREE, BoolArray, FloatArray, IntArray
from keepclear.interop.position import Position

NOT_KNOWN: Final = -(2**62)
LAT, LON, ALT, REF, ALT_ERR, POS_ERR, SPEED, COURSE, CLIMB, AT, VELOCITY_AGE, ON_GROUND = range(12)
"""The columns."""
WIDTH: Final = 12
_RECKONED: Final = 10
_ROW: Final = struct.Struct("<12q")
_TAXI_CMPS: Final = int(100 * TAXI_MPS)


def table_of(positions: Sequence[Position]) -> IntArray:
    """The rows (n, 12) of positions."""
    return view(b"".join([_packed(p) for p in positions]))


def view(data: bytes | bytearray) -> IntArray:
    """The rows (n, 12) that bytes are; those of a bytearray are written to in place."""
    return np.frombuffer(data, dtype="<i8").reshape(-1, WIDTH)


def _packed(p: Position) -> bytes:
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
        NOT_KNOWN if p.velocity_age_ms is None else p.velocity_age_ms,
        p.on_ground,
    )


def position_of(row: IntArray, flight: str, source: str, icao24: str) -> Position:
    """The position that a row was made of."""
    said: list[int] = row.tolist()
    alt, speed, course, climb, age = (
        None if said[column] == NOT_KNOWN else said[column] for column in (ALT, SPEED, COURSE, CLIMB, VELOCITY_AGE)
    )
    return Position(
        source=source, flight=flight, icao24=icao24, lat_e7=said[LAT], lon_e7=said[LON], alt_cm=alt, alt_ref=said[REF],
        alt_err_cm=said[ALT_ERR], pos_err_cm=said[POS_ERR], speed_cmps=speed, track_cdeg=course, climb_cmps=climb,
        at_ms=said[AT], velocity_age_ms=age, on_ground=bool(said[ON_GROUND]),
    )  # fmt: skip


def is_flying(table: IntArray) -> BoolArray:
    """Which are to be taken as flying: what moves faster than anything taxies is not on the ground."""
    flying: BoolArray = (table[:, ON_GROUND] == 0) | (table[:, SPEED] > _TAXI_CMPS)
    return flying


def to_bytes(table: IntArray) -> bytes:
    """Rows as the worker gets them."""
    return np.ascontiguousarray(table[:, :_RECKONED]).tobytes()


def read(data: bytes) -> IntArray:
    """The rows (n, 10) that were made bytes for the worker."""
    return np.frombuffer(data, dtype="<i8").reshape(-1, _RECKONED)


def ref(number: int) -> altitude.AltRef:
    """The altitude reference as geo numbers it; an unknown one is read as AGL, which meets everything."""
    return altitude.AltRef[AltRef(number).name] if number in tuple(AltRef) else altitude.AltRef.AGL


_REFS: Final = np.array([ref(number) for number in range(256)], dtype=np.int64)


def tracks_of(table: IntArray) -> Tracks:
    """Rows as geo takes them."""
    lat, lon, alt, said_ref, alt_err, pos_err, speed, course, climb, at_ms = table.T[:_RECKONED]
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
