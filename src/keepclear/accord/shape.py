"""Where: areas, altitude limits and volumes as they stand on the wire, in integers.

The law: positions in 1e-7 degree, lengths in centimetres, every altitude with its reference, every position with its
error. A polygon or corridor is its first point followed by differences, so that a small area is small on the wire.
The structures are read leniently (any list of integers is an area); whether the geometry can be used is a separate
question, answered by `geometry`, because a warning with a bad shape is shown, never dropped.
"""

from enum import IntEnum
from typing import Final

import msgspec

MAX_VERTICES: Final = 8  # of a FLASH statement, which has to fit one datagram
MAX_VERTICES_ROUTINE: Final = 2_000
MAX_VOLUMES: Final = 8


class AltRef(IntEnum):
    """What an altitude is measured from. On the wire as its number."""

    WGS84 = 1
    AMSL = 2
    AGL = 3
    STD = 4


class AreaKind(IntEnum):
    """The first number of an area."""

    UNKNOWN = 0
    POLYGON = 1
    CIRCLE = 2
    CORRIDOR = 3


class Altitude(msgspec.Struct, frozen=True, array_like=True):
    """A limit: centimetres above (or below) a reference, give or take an error."""

    cm: int
    ref: int
    err_cm: int = 0


class Volume(msgspec.Struct, frozen=True, array_like=True):
    """An area between two altitude limits. A limit that is None is not known and is read as unlimited.

    `area` is [0] unknown, [1, lon, lat, dlon, dlat, ...] polygon, [2, lon, lat, radius_cm] circle or
    [3, width_cm, lon, lat, dlon, dlat, ...] corridor; `pos_err_cm` is the error of every point in it.
    """

    area: tuple[int, ...]
    pos_err_cm: int = 0
    lower: Altitude | None = None
    upper: Altitude | None = None


UNKNOWN_VOLUME: Final = Volume(area=(AreaKind.UNKNOWN,))
GROUND: Final = Altitude(0, AltRef.AGL)
UNLIMITED: Final = Altitude(10_000_000, AltRef.AMSL)  # 100 km: said to have no upper limit, where None says nothing

LonLat = tuple[int, int]


def polygon(points: list[LonLat]) -> tuple[int, ...]:
    """The area of a ring of (lon_e7, lat_e7) points; the last point is not repeated."""
    return (AreaKind.POLYGON, *_differences(points))


def circle(lon_e7: int, lat_e7: int, radius_cm: int) -> tuple[int, ...]:
    """The area within a radius of a point."""
    return (AreaKind.CIRCLE, lon_e7, lat_e7, radius_cm)


def corridor(points: list[LonLat], width_cm: int) -> tuple[int, ...]:
    """The area within half the width of a line of (lon_e7, lat_e7) points."""
    return (AreaKind.CORRIDOR, width_cm, *_differences(points))


def points(area: tuple[int, ...]) -> list[LonLat]:
    """The (lon_e7, lat_e7) points of a polygon or corridor, or the centre of a circle; none for an unknown area."""
    kind = area[0] if area else AreaKind.UNKNOWN
    if kind == AreaKind.CIRCLE:
        return [(area[1], area[2])] if len(area) == 4 else []
    if kind not in (AreaKind.POLYGON, AreaKind.CORRIDOR):
        return []
    numbers = area[1:] if kind == AreaKind.POLYGON else area[2:]
    lon = lat = 0
    out = []
    for step_lon, step_lat in zip(numbers[::2], numbers[1::2], strict=False):
        lon, lat = lon + step_lon, lat + step_lat
        out.append((lon, lat))
    return out


def is_known(volumes: tuple[Volume, ...]) -> bool:
    """Whether the volumes say where: at least one, and none of unknown area."""
    return bool(volumes) and all(v.area and v.area[0] != AreaKind.UNKNOWN for v in volumes)


def _differences(points: list[LonLat]) -> tuple[int, ...]:
    out: list[int] = []
    lon = lat = 0
    for next_lon, next_lat in points:
        out += (next_lon - lon, next_lat - lat)
        lon, lat = next_lon, next_lat
    return tuple(out)
