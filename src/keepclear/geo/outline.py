"""Outline: the edge of one shape, made ready for arithmetic.

Law: an outline holds its shape and never less. A polygon's outline is the polygon, a circle's the circle; both are
exact. A corridor's is a polygon round it that exceeds it by at most 0.5 % of its half width and 5 m. Longitudes run
on across the antimeridian, so that an edge is a straight line between its two numbers.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.earth import E2, MEAN_M, sin_cos_deg, to_ecef, wrap_deg
from keepclear.geo.units import FloatArray, IntArray
from keepclear.geo.volume import Circle, Corridor, LonLat, Polygon, Shape, Volume, open_ring, unwrapped, widest_reading

STEP_M = 5_000.0
"""Edges are cut to this length where they are measured against straight chords: 0.5 m tan(latitude) off at most."""
KEPT = 1 << 15
"""Readings kept: more than a busy day's notices, at 1 to 2 kB each, so that one change does not have all read anew."""
_CAP_SIDES = 96
_METRES_PER_DEGREE = 111_700.0
_WIDE_DEG = 60.0


@dataclass(frozen=True, slots=True)
class Outline:
    """Edges (ax, ay)-(bx, by) in degrees, the same cut to STEP_M or less, a circle, and a ball round it all.

    A point is inside the edges if a line from it crosses them an odd number of times. `centre` and `reach_m` are an
    earth-centred ball that holds the area (inf: it may be anywhere). The circle's radius is NaN if there is none.
    """

    edges: FloatArray
    pieces: FloatArray
    centre: FloatArray
    reach_m: float
    lat_deg: float = np.nan
    lon_deg: float = np.nan
    radius_m: float = np.nan


_NO_EDGES = np.empty((4, 0))
_NO_CENTRE = np.zeros(3)


@lru_cache(maxsize=KEPT)
def read(volume: Volume) -> tuple[Volume, Outline]:
    """The widest reading of a volume, and the outline of its shape; kept for the KEPT volumes used last."""
    volume = widest_reading(volume)
    return volume, outline_of(volume.shape)


@lru_cache(maxsize=KEPT)
def outline_of(shape: Shape) -> Outline:
    """The outline of a shape in which `validate` finds nothing that widens the area."""
    match shape:
        case Polygon():
            return _of_rings([unwrapped([*open_ring(shape.ring), open_ring(shape.ring)[0]])])
        case Corridor():
            return _of_rings(_corridor_rings(shape))
        case Circle():
            centre = to_ecef(shape.lat_deg, shape.lon_deg)
            return Outline(_NO_EDGES, _NO_EDGES, centre, shape.radius_m, shape.lat_deg, shape.lon_deg, shape.radius_m)
        case _:
            return Outline(_NO_EDGES, _NO_EDGES, _NO_CENTRE, np.inf)


def _of_rings(rings: list[list[LonLat]]) -> Outline:
    corners = [(*a, *b) for ring in rings for a, b in pairwise(ring)]
    edges = np.array(corners, dtype=np.float64).T
    pieces = cut(edges, STEP_M)
    points = to_ecef(pieces[1], pieces[0])
    centre = points.mean(axis=1)
    reach = float(np.sqrt(((points - centre[:, None]) ** 2).sum(axis=0)).max()) + STEP_M
    return Outline(edges, pieces, centre, np.inf if is_wide(edges) else reach)


def is_wide(edges: FloatArray) -> bool:
    """Whether the ball round the border of so large a ring may leave out some of the bulge of the area between."""
    return bool(np.ptp(edges[0]) > _WIDE_DEG or np.ptp(edges[1]) > _WIDE_DEG)


def parts_of(edges: FloatArray, step_m: float) -> IntArray:
    """Into how many equal parts edges (4, n) are cut, so that none is longer than step_m."""
    ax, ay, bx, by = edges
    nearest = np.where(ay * by < 0, 0.0, np.minimum(np.abs(ay), np.abs(by)))
    length = _METRES_PER_DEGREE * np.hypot(by - ay, (bx - ax) * np.cos(np.radians(nearest)))
    parts: IntArray = np.maximum(np.ceil(length / step_m), 1).astype(np.int64)
    return parts


def cut(edges: FloatArray, step_m: float) -> FloatArray:
    """Edges (4, n) cut into `parts_of` each, in order."""
    ax, ay, bx, by = edges
    parts = parts_of(edges, step_m)
    which = np.repeat(np.arange(len(parts)), parts)
    part = np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)
    u, v = part / parts[which], (part + 1) / parts[which]
    dx, dy = (bx - ax)[which], (by - ay)[which]
    return np.stack([ax[which] + u * dx, ay[which] + u * dy, ax[which] + v * dx, ay[which] + v * dy])


def _corridor_rings(shape: Corridor) -> list[list[LonLat]]:
    import shapely  # noqa: PLC0415  0.2 s to import, and only corridors need it here

    line = np.array(unwrapped(shape.points)).T
    line = line[:, np.concatenate([[True], np.any(np.diff(line) != 0, axis=0)])]
    half_m = shape.width_m / 2 * 1.001 + 1
    legs = np.concatenate([line[:, :-1], line[:, 1:]])
    parts = [_strip(cut(legs[:, k : k + 1], STEP_M), half_m) for k in range(legs.shape[1])]
    parts += [_cap(lon, lat, half_m) for lon, lat in line.T]
    union: Any = shapely.union_all([shapely.Polygon(part.T) for part in parts])
    bodies = [body for body in shapely.get_parts(union) if body.area > 0]
    return [list(ring.coords) for body in bodies for ring in (body.exterior, *body.interiors)]


def _strip(pieces: FloatArray, half_m: float) -> FloatArray:
    """The ring half_m to the left and right of one straight leg given in pieces, as (lon, lat)."""
    lon = np.append(pieces[0], pieces[2, -1])
    lat = np.append(pieces[1], pieces[3, -1])
    sin_lat, cos_lat = sin_cos_deg(lat)
    # Radii of curvature: the prime vertical over the meridian's is (1 - e2 sin2) / (1 - e2).
    flat = (1 - E2 * sin_lat**2) / (1 - E2)
    course = np.degrees(np.arctan2((pieces[2, 0] - pieces[0, 0]) * cos_lat * flat, pieces[3, 0] - pieces[1, 0]))
    left = _beside(lon, lat, course - 90, half_m)
    right = _beside(lon, lat, course + 90, half_m)
    return np.concatenate([left, right[:, ::-1]], axis=1)


def _cap(lon: float, lat: float, half_m: float) -> FloatArray:
    """A ring outside the circle of half_m about a point: its sides, straight in (lon, lat), touch it from without."""
    side_m = 2 * np.pi * half_m / _CAP_SIDES
    reach_deg = min(abs(lat) + half_m / 110_000, 89.0)
    sag_m = side_m**2 * np.tan(np.radians(reach_deg)) / (8 * MEAN_M)
    course = np.linspace(0.0, 360.0, _CAP_SIDES, endpoint=False, dtype=np.float64)
    return _beside(
        np.full(_CAP_SIDES, lon), np.full(_CAP_SIDES, lat), course, (half_m + sag_m) / np.cos(np.pi / _CAP_SIDES)
    )


def _beside(lon: FloatArray, lat: FloatArray, course: FloatArray, away_m: float) -> FloatArray:
    """Points away_m from others on a course, their longitudes running on from those given."""
    lat2, lon2, _ = geodesy.direct(lat, lon, course, away_m)
    return np.stack([lon + wrap_deg(lon2 - lon), lat2])
