"""Rows: own positions as ten integers each, for all that is reckoned with many of them at once.

The law: a row says what the position says, in its units; nothing is rounded on the way in. What is kept of rows is
known by the very positions that they were made of, so that it can never be another's.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from keepclear.accord.shape import AltRef
from keepclear.geo import altitude
from keepclear.geo.track import Tracks
from keepclear.geo.units import E7_PER_DEGREE, FloatArray, IntArray
from keepclear.interop.position import Position

NOT_KNOWN: Final = -(2**62)
LAT, LON, ALT, ALT_ERR, SPEED, CLIMB, AT = 0, 1, 2, 4, 6, 8, 9
"""Some of the ten columns."""
_ROW: Final = struct.Struct("<10q")
_MOST_KEPT: Final = 1 << 16  # flights; then all are forgotten, and made again as they are asked for


def table_of(positions: Sequence[Position]) -> IntArray:
    """The rows (n, 10) of positions."""
    return read(b"".join([_packed(p) for p in positions]))


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
    )


def to_bytes(table: IntArray) -> bytes:
    """Rows as the worker gets them."""
    return table.tobytes()


def read(data: bytes) -> IntArray:
    """The rows (n, 10) that were made bytes."""
    return np.frombuffer(data, dtype="<i8").reshape(-1, 10)


def ref(number: int) -> altitude.AltRef:
    """The altitude reference as geo numbers it; an unknown one is read as AGL, which meets everything."""
    return altitude.AltRef[AltRef(number).name] if number in tuple(AltRef) else altitude.AltRef.AGL


_REFS: Final = np.array([ref(number) for number in range(256)], dtype=np.int64)


def tracks_of(table: IntArray) -> Tracks:
    """Rows as geo takes them."""
    lat, lon, alt, said_ref, alt_err, pos_err, speed, course, climb, at_ms = table.T
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


class Rows:
    """The rows of flights' positions, each kept until another position of its flight is asked for."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._made_of: list[Position | None] = []
        self._table = np.empty((0, 10), dtype=np.int64)

    def of(self, positions: Sequence[Position]) -> IntArray:
        """The rows (n, 10) of positions, of as many flights."""
        at = self._places(positions)
        self._fill(at, positions)
        return self._table[at]

    def exchange(self, before: Sequence[Position], after: Sequence[Position]) -> tuple[IntArray, IntArray]:
        """The rows of positions and of later ones of the same flights; those of the later ones are kept."""
        at = self._places(after)
        self._fill(at, before)
        held = self._table[at]
        self._fill(at, after)
        return held, self._table[at]

    def _places(self, positions: Sequence[Position]) -> IntArray:
        if len(self._slots) > _MOST_KEPT:
            self.__init__()  # type: ignore[misc]
        slots = self._slots
        at = [slots.setdefault(p.flight, len(slots)) for p in positions]
        self._grow()
        return np.array(at, dtype=np.int64)

    def _fill(self, at: IntArray, positions: Sequence[Position]) -> None:
        """Makes the rows at places those of positions, where they are not yet."""
        made_of, places = self._made_of, at.tolist()
        new = [k for k, (slot, p) in enumerate(zip(places, positions, strict=True)) if made_of[slot] is not p]
        if new:
            self._table[at[new]] = table_of([positions[k] for k in new])
            for k in new:
                made_of[places[k]] = positions[k]

    def _grow(self) -> None:
        lacking = len(self._slots) - len(self._made_of)
        self._made_of += [None] * lacking
        if len(self._slots) > len(self._table):
            more = np.empty((2 * len(self._slots) - len(self._table), 10), dtype=np.int64)
            self._table = np.concatenate([self._table, more])
