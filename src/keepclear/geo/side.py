"""Side: on which side of a line points are, how far from it, and what their error leaves open.

Law: the edges of a line are straight in (longitude, latitude), the short way, as those of areas are. A point is on the
side on which it sees the nearest place of the line; at a corner, on the side of the corner's two edges in which it
lies. Past an end a line divides nothing: the side is then that of the last edge made longer, told as beyond. Certain
is a side when every point within the error has it and none of them is past an end. These are values and bounds; the
verdict of a rule is accord's, in integers.

Accuracy: the distance within 1 cm up to 300 km, 0.001 % beyond; the side wherever the distance is larger than that.

Theory: from one point to another, without crossing the line, the side of what is seen nearest can only change round an
end of it. So a side is certain if all of the line that might be nearest is one run of it, without its ends; or if from
each end a straight ray leads out, past all of the line and past all that might be nearest. Lines that cross themselves
have no certain sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from keepclear.geo import geodesy
from keepclear.geo.earth import E2, MEAN_M, dot, to_ecef, wrap_deg
from keepclear.geo.outline import STEP_M, cut
from keepclear.geo.reading import read
from keepclear.geo.turn import LEFT, RIGHT
from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volume import MAX_EXTENT_DEG, LonLat, unwrapped

ACCURACY_M = 0.01
_ACCURACY_SHARE = 1e-5
_CHORD_SHARE = 1e-4
"""Two chords of up to some thousand kilometres may stand in another order than their geodesics by this share."""
_RAYS = 64
_FAR_DEG = 1_000.0
_ROUNDS = 12
_AWAY_FROM_POLE_DEG = 89.9
_METRES_PER_DEGREE = 110_500.0
_MAX_REACH_M = 2_000_000.0
_BLOCK = 1_000_000
_SQUARE = 1e-9


@dataclass(frozen=True, slots=True)
class Polyline:
    """A line made ready: edges and pieces (4, n) as in outline.py; rays: the directions that lead out from each end."""

    edges: FloatArray
    pieces: FloatArray
    edge_of: IntArray
    rays: tuple[FloatArray, FloatArray]
    simple: bool

    @classmethod
    def of(cls, points: Sequence[LonLat]) -> Self:
        """A line through points (longitude, latitude) in degrees; ValueError if they make none."""
        line = unwrapped([point for k, point in enumerate(points) if k == 0 or point != points[k - 1]])
        _checked(line)
        edges = np.array([(*a, *b) for a, b in pairwise(line)]).T
        parts = [cut(edges[:, k : k + 1], STEP_M) for k in range(edges.shape[1])]
        edge_of = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        rays = _rays_out(edges, edges[:2, 0]), _rays_out(edges, edges[2:, -1])
        return cls(edges, np.concatenate(parts, axis=1), edge_of, rays, _is_simple(line))


@dataclass(frozen=True, slots=True)
class Sides:
    """One element a point: RIGHT, LEFT or 0 (on the line); the distance and what it may be off; the nearest place.

    beyond: -1 past the first end, 1 past the last, else 0. certain: every point within error_m is on this side.
    """

    side: IntArray
    distance_m: FloatArray
    error_m: FloatArray
    beyond: IntArray
    certain: BoolArray
    lat_deg: FloatArray
    lon_deg: FloatArray

    def are_on(self, wanted: int) -> IntArray:
        """Whether each point is on a side, RIGHT or LEFT: a Reading."""
        return read(self.certain & (self.side == wanted), self.certain & (self.side == -wanted))


def sides(line: Polyline, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, error_m: npt.ArrayLike = 0.0) -> Sides:
    """The sides of points (degrees), each off by error_m at most, the line's own error in it; a NaN point has none."""
    lat, lon, error = (
        np.array(value, dtype=np.float64).ravel()
        for value in np.broadcast_arrays(np.empty(1), lat_deg, lon_deg, error_m)[1:]
    )
    blocks = np.array_split(np.arange(len(lat)), max(1, -(-len(lat) * line.pieces.shape[1] // _BLOCK)))
    parts = [_sides(line, lat[block], lon[block], error[block]) for block in blocks]
    return Sides(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sides.__slots__))


def _checked(line: list[LonLat]) -> None:
    if len(line) < 2:
        raise ValueError(f"the line has {len(line)} different points, at least 2 are needed; give where it runs")
    lons, lats = np.array(line).T
    if not (np.isfinite(lons).all() and np.all(np.abs(lats) <= 90)):
        raise ValueError("a point of the line is no place; give longitude in degrees and latitude within -90..90")
    if np.abs(np.diff(lons)).max() >= 180 - 1e-9:
        raise ValueError("an edge of the line spans 180 degrees of longitude; add a point between")
    if np.ptp(lons) > MAX_EXTENT_DEG:
        raise ValueError(
            f"the line spans {np.ptp(lons):.0f} degrees of longitude, at most {MAX_EXTENT_DEG:g}; divide it"
        )


def _is_simple(line: list[LonLat]) -> bool:
    import shapely  # noqa: PLC0415  0.2 s to import

    return bool(shapely.LineString(line).is_simple)


def _rays_out(edges: FloatArray, end: FloatArray) -> FloatArray:
    """Directions (2, k) in which a ray from an end of the line meets none of its edges again."""
    turn = np.linspace(0.0, 2 * np.pi, _RAYS, endpoint=False)
    ray = np.stack([np.cos(turn), np.sin(turn)])[:, :, None]
    ax, ay, bx, by = edges[0] - end[0], edges[1] - end[1], edges[2] - end[0], edges[3] - end[1]
    first, last = ray[0] * ay - ray[1] * ax, ray[0] * by - ray[1] * bx
    ahead = np.maximum(ray[0] * ax + ray[1] * ay, ray[0] * bx + ray[1] * by) > 0
    starts = ((ax == 0) & (ay == 0)) | ((bx == 0) & (by == 0))
    # The edge of the end itself is met by a ray along it alone.
    met = np.where(starts, (np.abs(first) < _SQUARE) & (np.abs(last) < _SQUARE), first * last <= 0) & ahead
    return np.asarray(ray[:, ~met.any(axis=1), 0])


def _sides(line: Polyline, lat: FloatArray, lon: FloatArray, error: FloatArray) -> Sides:
    point = to_ecef(lat, lon)
    chord = _chords_m(line, point)
    steep = np.tan(np.radians(np.minimum(np.abs(line.pieces[[1, 3]]).max(), 89.0)))
    slack = ACCURACY_M + 2 * STEP_M**2 / (8 * MEAN_M) * (steep + 1) + _CHORD_SHARE * chord.min(axis=1)
    row, piece = np.nonzero(chord <= (chord.min(axis=1) + slack)[:, None])
    edge = line.edge_of[piece]
    along = _nearest(line.edges[:, edge], point[:, row], line.pieces[:, piece])
    q_lon, q_lat = _place(line.edges[:, edge], along)
    away, bearing, _ = geodesy.inverse(q_lat, q_lon, lat[row], lon[row])
    best = _first_least(row, away, len(lat))
    known = np.isfinite(lat + lon)
    away, bearing, along, edge = away[best], bearing[best], along[best], edge[best]
    q_lon, q_lat = q_lon[best], q_lat[best]
    side, beyond = _side(line, edge, along, q_lat, bearing)
    total = error + ACCURACY_M + _ACCURACY_SHARE * np.maximum(away - 300_000, 0.0)
    reach = away + 2 * total
    lifted = q_lon + wrap_deg(lon - q_lon)
    certain = known & line.simple & (away > total) & (beyond == 0) & _ends_apart(line, lat, lon, reach)
    certain &= _one_run(chord, reach + slack) | _rays_free(line, lat, lifted, reach)
    nan = np.where(known, 0.0, np.nan)
    return Sides(
        np.where(known & (away > 0), side, 0), away + nan, total, np.where(known, beyond, 0), certain, q_lat + nan,
        wrap_deg(q_lon) + nan,
    )  # fmt: skip


def _chords_m(line: Polyline, point: FloatArray) -> FloatArray:
    """From each point to each piece taken as straight; a point that is not known is far from all alike."""
    ax, ay, bx, by = line.pieces
    start, way = to_ecef(ay, ax), to_ecef(by, bx) - to_ecef(ay, ax)
    off = point[:, :, None] - start[:, None, :]
    u = np.clip(dot(off, way[:, None, :]) / np.maximum(dot(way, way), _SQUARE), 0, 1)
    off = off - u * way[:, None, :]
    return np.nan_to_num(np.sqrt(dot(off, off)), nan=1e9)


def _place(edges: FloatArray, along: FloatArray) -> tuple[FloatArray, FloatArray]:
    ax, ay, bx, by = edges
    return ax + along * (bx - ax), ay + along * (by - ay)


def _nearest(edges: FloatArray, point: FloatArray, piece: FloatArray) -> FloatArray:
    """Where along each edge (0 to 1) it is nearest to a point, by Newton from the middle of a piece of it."""
    ax, ay, bx, by = edges
    wide, high = bx - ax, by - ay
    flat = np.abs(wide) > np.abs(high)
    across = np.where(flat, wide, high)
    middle = np.where(flat, (piece[0] + piece[2]) / 2 - ax, (piece[1] + piece[3]) / 2 - ay)
    along = middle / across
    step = np.minimum(1e-3, 100 / (_METRES_PER_DEGREE * np.hypot(wide, high)))
    for _ in range(_ROUNDS):
        (lon0, lat0), (lon1, lat1), (lon, lat) = (_place(edges, along + k * step) for k in (-1, 1, 0))
        tangent = (to_ecef(lat1, lon1) - to_ecef(lat0, lon0)) / (2 * step)
        off = point - to_ecef(lat, lon)
        along = np.clip(along + dot(off, tangent) / np.maximum(dot(tangent, tangent), _SQUARE), 0.0, 1.0)
    nearest: FloatArray = np.nan_to_num(along)
    return nearest


def _first_least(row: IntArray, value: FloatArray, count: int) -> IntArray:
    order = np.lexsort((value, row))
    return order[np.searchsorted(row[order], np.arange(count))]


def _course(edges: FloatArray, lat: FloatArray) -> FloatArray:
    """The azimuth of edges where they are at a latitude, degrees."""
    ax, ay, bx, by = edges
    east = (bx - ax) * np.cos(np.radians(lat)) * (1 - E2 * np.sin(np.radians(lat)) ** 2) / (1 - E2)
    course: FloatArray = np.degrees(np.arctan2(east, by - ay))
    return course


def _side(
    line: Polyline, edge: IntArray, along: FloatArray, lat: FloatArray, bearing: FloatArray
) -> tuple[IntArray, IntArray]:
    """On which side of the place `along` an edge the bearing leads, and whether past an end of the line."""
    last = line.edges.shape[1] - 1
    before = np.where((along == 0) & (edge > 0), edge - 1, edge)
    after = np.where((along == 1) & (edge < last), edge + 1, edge)
    came, goes = _course(line.edges[:, before], lat), _course(line.edges[:, after], lat)
    # Right is clockwise from where the line goes on to where it came from.
    right = np.mod(bearing - goes, 360) < np.mod(came + 180 - goes, 360)
    side = np.where(right, RIGHT, LEFT)
    forward = np.cos(np.radians(bearing - goes))
    beyond = np.where((along == 1) & (edge == last) & (forward > _SQUARE), 1, 0)
    return side, np.where((along == 0) & (edge == 0) & (forward < -_SQUARE), -1, beyond)


def _ends_apart(line: Polyline, lat: FloatArray, lon: FloatArray, reach_m: FloatArray) -> BoolArray:
    """Whether both ends are farther than all that might be nearest."""
    apart = np.ones(len(lat), dtype=bool)
    for end_lon, end_lat in (line.edges[:2, 0], line.edges[2:, -1]):
        apart &= geodesy.distance_m(lat, lon, end_lat, end_lon) > reach_m
    return apart


def _one_run(chord: FloatArray, reach_m: FloatArray) -> BoolArray:
    """Whether the pieces within reach follow one another."""
    near = chord <= reach_m[:, None]
    first, last = np.argmax(near, axis=1), near.shape[1] - 1 - np.argmax(near[:, ::-1], axis=1)
    run: BoolArray = near.sum(axis=1) == last - first + 1
    return run


def _rays_free(line: Polyline, lat: FloatArray, lon: FloatArray, reach_m: FloatArray) -> BoolArray:
    """Whether from each end of the line a ray leads out that passes a box about all within reach."""
    high = reach_m / _METRES_PER_DEGREE
    top = np.abs(lat) + high
    sound = (top < _AWAY_FROM_POLE_DEG) & (reach_m < _MAX_REACH_M)
    wide = high / np.cos(np.radians(np.minimum(top, _AWAY_FROM_POLE_DEG)))
    free = sound
    for end, rays in zip((line.edges[:2, 0], line.edges[2:, -1]), line.rays, strict=True):
        x, y = lon[:, None] - end[0], lat[:, None] - end[1]
        passes = np.zeros((len(lat), rays.shape[1]), dtype=bool)
        enter, leave = np.zeros_like(passes, dtype=np.float64), np.full(passes.shape, _FAR_DEG)
        for middle, half, way in ((x, wide[:, None], rays[0]), (y, high[:, None], rays[1])):
            safe = np.where(np.abs(way) < _SQUARE, _SQUARE, way)
            one, two = (middle - half) / safe, (middle + half) / safe
            enter, leave = np.maximum(enter, np.minimum(one, two)), np.minimum(leave, np.maximum(one, two))
        passes = enter > leave
        free = free & passes.any(axis=1)
    return free
