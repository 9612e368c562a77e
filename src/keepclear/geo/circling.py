"""Circling: aircraft whose positions go round and round one point, as those of a spoofed satellite signal may.

Law: one aircraft alone proves nothing: gliders, patrols and surveys circle. Two that keep to one circle, more than
once round, are told of; that they have a reason for it is not known from here.

Circles are fitted by least squares (Kasa 1976) in the plane that touches the earth at the first point.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from keepclear.geo.earth import to_ecef, wrap_deg
from keepclear.geo.track import Tracks
from keepclear.geo.units import BoolArray, FloatArray, IntArray

CIRCLE_POINTS: Final = 12
CIRCLE_ROUND: Final = 0.05
"""How far from its mean radius a point may be, of the radius."""
CIRCLE_TURNS: Final = 1.5
CIRCLE_SAME_M: Final = 500.0
CIRCLE_MAX_M: Final = 50_000.0


def runs(name: IntArray) -> list[tuple[int, int]]:
    """Where each stretch of equal numbers begins and ends."""
    cuts = np.nonzero(np.diff(name))[0] + 1
    return list(zip([0, *cuts.tolist()], [*cuts.tolist(), len(name)], strict=True)) if len(name) else []


@dataclass(frozen=True, slots=True)
class _Circle:
    run: tuple[int, int]
    centre: FloatArray
    radius_m: float


def circling(tracks: Tracks, name: IntArray, moved: IntArray) -> BoolArray:
    """Which reports are of aircraft that go round and round one point that another one goes round as well.

    One alone proves nothing: gliders, patrols and surveys circle. Of an aircraft the longest stretch that begins with
    any of a few of its reports is tried.
    """
    circles = [
        circle
        for begin, end in runs(name[moved])
        if _winds(tracks, moved[begin:end])
        for first in range(begin, end, max(CIRCLE_POINTS, (end - begin) // 20))
        if (circle := _circle(tracks, moved, first, end)) is not None
    ]
    result = np.zeros(len(tracks), dtype=bool)
    for circle in circles:
        begin, end = circle.run
        shared = any(
            name[other.run[0]] != name[begin]
            and np.linalg.norm(other.centre - circle.centre) < CIRCLE_SAME_M
            and abs(other.radius_m - circle.radius_m) < CIRCLE_SAME_M
            for other in circles
        )
        result[begin : end + 1] |= shared
    return result


def _winds(tracks: Tracks, moved: IntArray) -> bool:
    """Whether a way turns, one side's turns less the other's, as far round as a circle would have it."""
    north = np.diff(tracks.lat_deg[moved])
    east = wrap_deg(np.diff(tracks.lon_deg[moved])) * np.cos(np.radians(tracks.lat_deg[moved[1:]]))
    course = np.unwrap(np.arctan2(east, north))
    return bool(np.ptp(course) > CIRCLE_TURNS * np.pi) if len(course) else False


def _circle(tracks: Tracks, moved: IntArray, first: int, end: int) -> _Circle | None:
    """The circle that the reports from moved[first] on keep to, if they do for long enough."""
    points = to_ecef(tracks.lat_deg[moved[first:end]], tracks.lon_deg[moved[first:end]])
    if points.shape[1] < CIRCLE_POINTS:
        return None
    spot, up = points[:, 0], points[:, 0] / np.linalg.norm(points[:, 0])
    east = np.cross([0.0, 0.0, 1.0], up)
    east = east / np.linalg.norm(east) if np.any(east) else np.array([1.0, 0.0, 0.0])
    plane = np.stack([east, np.cross(up, east)]) @ (points - spot[:, None])
    count = _kept(plane)
    if count < CIRCLE_POINTS:
        return None
    x, y, radius = _fit(plane[:, :count])
    turned = np.unwrap(np.arctan2(plane[1, :count] - y, plane[0, :count] - x))
    if abs(turned[-1] - turned[0]) < CIRCLE_TURNS * 2 * np.pi:
        return None
    centre = spot + np.stack([east, np.cross(up, east)]).T @ np.array([x, y])
    return _Circle((int(moved[first]), int(moved[first + count - 1])), centre, radius)


def _kept(plane: FloatArray) -> int:
    """How many points from the first on keep to one circle, by doubling."""
    count = CIRCLE_POINTS
    while count <= plane.shape[1]:
        x, y, radius = _fit(plane[:, :count])
        off = np.abs(np.hypot(plane[0, :count] - x, plane[1, :count] - y) - radius)
        if not 0 < radius < CIRCLE_MAX_M or np.max(off) > CIRCLE_ROUND * radius:
            return count // 2
        if count == plane.shape[1]:
            return count
        count = min(2 * count, plane.shape[1])
    return 0


def _fit(plane: FloatArray) -> tuple[float, float, float]:
    """Centre and radius of the circle nearest to points of a plane, by least squares (Kasa)."""
    x, y = plane
    found, *_ = np.linalg.lstsq(np.stack([x, y, np.ones_like(x)], axis=1), x**2 + y**2, rcond=None)
    cx, cy = float(found[0] / 2), float(found[1] / 2)
    return cx, cy, float(np.sqrt(max(found[2] + cx**2 + cy**2, 0.0)))
