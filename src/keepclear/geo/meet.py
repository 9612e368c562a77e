"""Meet: which volumes have something in common.

Law: two volumes meet if their interiors do, in area, height and time at once; touching is not meeting. Of different
altitude references and of what cannot be used the widest reading holds (altitude.py, volume.py), so that "do not meet"
is certain. Rings are compared exactly, straight in (longitude, latitude); a circle and anything by geodesic distance,
0.3 m off at most (volumes.py); a corridor by its outline, which holds it (outline.py).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.altitude import ALTITUDE_EPSILON_M, reference_bound_m
from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volume import Volume
from keepclear.geo.volumes import Volumes, distance_outside_m

TOUCH_M = 1e-3
"""Circles whose borders are this near each other touch."""


def volumes_meet(a: Volume, b: Volume) -> bool:
    """Whether two volumes meet; for more than a few ask `meeting_pairs`."""
    return len(meeting_pairs([a], [b])[0]) > 0


def meeting_pairs(a: Sequence[Volume] | Volumes, b: Sequence[Volume] | Volumes) -> tuple[IntArray, IntArray]:
    """The indices (i, j) of all volumes a[i], b[j] that meet, in order of i, then j."""
    one = a if isinstance(a, Volumes) else Volumes.of(a)
    two = b if isinstance(b, Volumes) else Volumes.of(b)
    i, j = np.nonzero(_windows_meet(one, two) & _bands_meet(one, two) & _balls_meet(one, two))
    meet = _areas_meet(one, i, two, j)
    return i[meet], j[meet]


def _windows_meet(a: Volumes, b: Volumes) -> BoolArray:
    return (a.start_ms[:, None] < b.end_ms) & (b.start_ms < a.end_ms[:, None])


def _bands_meet(a: Volumes, b: Volumes) -> BoolArray:
    return _below(a.lower_m[:, None], a.lower_ref[:, None], b.upper_m, b.upper_ref) & _below(
        b.lower_m, b.lower_ref, a.upper_m[:, None], a.upper_ref[:, None]
    )


def _below(lower: FloatArray, lower_ref: IntArray, upper: FloatArray, upper_ref: IntArray) -> BoolArray:
    height = np.maximum(
        np.where(np.isfinite(lower), np.abs(lower), 0.0), np.where(np.isfinite(upper), np.abs(upper), 0.0)
    )
    below: BoolArray = lower - reference_bound_m(lower_ref, upper_ref, height) < upper - ALTITUDE_EPSILON_M
    return below


def _balls_meet(a: Volumes, b: Volumes) -> BoolArray:
    apart = a.centre[:, :, None] - b.centre[:, None, :]
    near: BoolArray = (apart**2).sum(axis=0) <= (a.reach_m[:, None] + b.reach_m) ** 2
    return near


def _areas_meet(a: Volumes, i: IntArray, b: Volumes, j: IntArray) -> BoolArray:
    meet = np.ones(len(i), dtype=bool)
    ring_a, ring_b, round_a, round_b = a.has_edges[i], b.has_edges[j], a.is_round[i], b.is_round[j]
    if (circles := round_a & round_b).any():
        p, q = i[circles], j[circles]
        apart = geodesy.distance_m(a.lat_deg[p], a.lon_deg[p], b.lat_deg[q], b.lon_deg[q])
        meet[circles] = apart < a.radius_m[p] + b.radius_m[q] - TOUCH_M
    for mixed, ring, k, disc, m in ((ring_a & round_b, a, i, b, j), (round_a & ring_b, b, j, a, i)):
        if mixed.any():
            p, q = k[mixed], m[mixed]
            outside = distance_outside_m(ring, p, disc.lat_deg[q], disc.lon_deg[q])
            meet[mixed] = outside < disc.radius_m[q] - TOUCH_M
    for place in np.nonzero(ring_a & ring_b)[0]:
        meet[place] = _rings_meet(_body(a, i[place]), _body(b, j[place]))
    return meet


def _body(volumes: Volumes, index: int) -> Any:
    """The area as a shapely polygon, holes and all."""
    import shapely  # noqa: PLC0415  0.2 s to import, and only rings need it

    edges = volumes.edges[:, volumes.first[index] : volumes.first[index + 1]]
    # A ring ends where the next edge does not go on from it.
    breaks = np.nonzero(np.any(edges[2:, :-1] != edges[:2, 1:], axis=0))[0] + 1
    rings = [shapely.Polygon(part.T) for part in np.split(edges[:2], breaks, axis=1)]
    body = rings[0]
    for ring in rings[1:]:
        body = shapely.symmetric_difference(body, ring)
    shapely.prepare(body)
    return body


def _rings_meet(body: Any, other: Any) -> bool:
    import shapely  # noqa: PLC0415  0.2 s to import, and only rings need it

    for turn_deg in (-360.0, 0.0, 360.0):
        turned = shapely.transform(other, partial(np.add, [turn_deg, 0.0]))
        if shapely.intersects(body, turned) and shapely.relate_pattern(body, turned, "T********"):
            return True
    return False
