"""Areas: volumes as the columns that are needed to set them against each other.

Law: an area is one or more rings, or a circle, or everywhere; a point is inside its rings if a line from it crosses
them an odd number of times. Corners are counted in units of the wire, 1e-7 degree: a corner within 22 nanometres of
a whole unit is at it, so that what touches on the wire touches here, and a turn of 360 degrees is a whole number and
exact. Other corners are within 3 nanometres of where they were said.

The box of an area holds it, in degrees; its west side is in [-180, 180) and its east side runs on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from keepclear.geo.units import E7_PER_DEGREE, BoolArray, FloatArray, IntArray
from keepclear.geo.volumes import Volumes, expand

TURN = 360.0 * E7_PER_DEGREE
_ON_GRID = 2e-6
"""Units: a whole unit divided into degrees, turned by 360 and multiplied again is off by less (1e-6)."""
_BOX_PAD_DEG = 1e-9
_METRES_PER_LAT_DEG = 110_500.0
"""Less than the shortest degree of latitude."""
_METRES_PER_LON_DEG = 111_300.0
"""Less than a degree of longitude at the equator; elsewhere the cosine of latitude makes it less than it is."""
_POLAR_DEG = 89.9


@dataclass(frozen=True, slots=True)
class Areas:
    """One area with its band and window an element.

    Of rings, those of area k are first_ring[k] to first_ring[k + 1]; of corners, those of ring r are ring[r] to
    ring[r + 1]; rings are not closed. Circles have a radius, all others NaN. box: west, south, east, north.
    """

    lower_m: FloatArray
    upper_m: FloatArray
    lower_ref: IntArray
    upper_ref: IntArray
    start_ms: IntArray
    end_ms: IntArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    radius_m: FloatArray
    box: FloatArray
    x: FloatArray
    y: FloatArray
    ring: IntArray
    first_ring: IntArray

    def __len__(self) -> int:
        return len(self.lower_m)

    @classmethod
    def of(cls, volumes: Volumes) -> Self:
        """The areas of volumes, in their order."""
        edges, first = volumes.edges, volumes.first
        # A ring ends with its area, or where the next edge does not go on from it.
        begins = np.zeros(edges.shape[1] + 1, dtype=bool)
        begins[1:-1] = (edges[2, :-1] != edges[0, 1:]) | (edges[3, :-1] != edges[1, 1:])
        begins[first] = True
        ring = np.nonzero(begins)[0] if edges.shape[1] else np.zeros(1, dtype=np.int64)
        return cls(
            lower_m=volumes.lower_m,
            upper_m=volumes.upper_m,
            lower_ref=volumes.lower_ref,
            upper_ref=volumes.upper_ref,
            start_ms=volumes.start_ms,
            end_ms=volumes.end_ms,
            lat_deg=volumes.lat_deg,
            lon_deg=volumes.lon_deg,
            radius_m=volumes.radius_m,
            box=_boxes(volumes),
            x=on_grid(edges[0]),
            y=on_grid(edges[1]),
            ring=ring,
            first_ring=np.searchsorted(ring, first),
        )

    @property
    def is_round(self) -> BoolArray:
        """Which are circles."""
        return np.isfinite(self.radius_m)

    @property
    def has_rings(self) -> BoolArray:
        """Which have rings; what is neither is everywhere."""
        return np.diff(self.first_ring) > 0

    def take(self, index: IntArray) -> Self:
        """The areas at an index array, in its order."""
        area, ring = expand(self.first_ring[index], self.first_ring[index + 1])
        part, corner = expand(self.ring[ring], self.ring[ring + 1])
        columns: dict[str, Any] = {name: np.take(getattr(self, name), index, axis=-1) for name in _PLAIN}
        columns |= {"x": self.x[corner], "y": self.y[corner]}
        return type(self)(**columns, ring=_starts(part, len(ring)), first_ring=_starts(area, len(index)))


_PLAIN = (
    "lower_m", "upper_m", "lower_ref", "upper_ref", "start_ms", "end_ms", "lat_deg", "lon_deg", "radius_m", "box",
)  # fmt: skip


def together(many: Sequence[Areas]) -> Areas:
    """All areas in one, in order; at least one list of them."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(areas, name) for areas in many], axis=-1) for name in (*_PLAIN, "x", "y")
    }
    ring, first_ring = (_bounds_of_all([getattr(areas, name) for areas in many]) for name in ("ring", "first_ring"))
    return Areas(**columns, ring=ring, first_ring=first_ring)


def _bounds_of_all(many: list[IntArray]) -> IntArray:
    ends = np.cumsum([0, *(bounds[-1] for bounds in many)])
    return np.concatenate([[0], *(bounds[1:] + end for bounds, end in zip(many, ends[:-1], strict=True))])


def on_grid(degrees: FloatArray) -> FloatArray:
    """Degrees in units of 1e-7 degree, those within 2e-6 of a whole unit at it."""
    units = degrees * E7_PER_DEGREE
    whole = np.rint(units)
    return np.where(np.abs(units - whole) <= _ON_GRID, whole, units)


def _starts(of: IntArray, count: int) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))])


def _boxes(volumes: Volumes) -> FloatArray:
    box = np.empty((4, len(volumes)))
    box[:] = np.array([-180.0, -90.0, 180.0, 90.0])[:, None]
    edged, disc = np.nonzero(volumes.has_edges)[0], np.nonzero(volumes.is_round)[0]
    box[:, edged] = volumes.box[:, edged]
    box[:, disc] = _boxes_of_circles(volumes.lat_deg[disc], volumes.lon_deg[disc], volumes.radius_m[disc])
    box += np.array([-_BOX_PAD_DEG, -_BOX_PAD_DEG, _BOX_PAD_DEG, _BOX_PAD_DEG])[:, None]
    turn = 360 * np.floor((box[0] + 180) / 360)
    turn[box[2] - box[0] >= 360] = 0.0
    box[[0, 2]] -= turn
    return box


def _boxes_of_circles(lat: FloatArray, lon: FloatArray, radius_m: FloatArray) -> FloatArray:
    """A way of radius_m stays within these latitudes, and turns longitude fastest at the one nearest a pole."""
    high = radius_m / _METRES_PER_LAT_DEG
    top = np.abs(lat) + high
    wide = radius_m / (_METRES_PER_LON_DEG * np.cos(np.radians(np.minimum(top, _POLAR_DEG))))
    all_round = (top >= _POLAR_DEG) | (wide >= 180)
    west, east = np.where(all_round, -180.0, lon - wide), np.where(all_round, 180.0, lon + wide)
    return np.stack([west, np.maximum(lat - high, -90.0), east, np.minimum(lat + high, 90.0)])
