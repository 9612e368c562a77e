"""Bodies: whether two areas have something in common, exactly.

Law: two areas meet if their interiors do: a side, an edge or a corner in common is not meeting. Rings are compared in
the plane of (longitude, latitude), every comparison with the exact sign (GEOS, by shapely 2.1; the kernel decides
alike by exact predicates of its own). A circle meets rings if its centre is inside or nearer than its radius to an
edge as it lies on the ellipsoid, straight in (longitude, latitude); two circles if their centres are nearer than both
radii. Everywhere meets everything.

Accuracy: distances to edges are geodesic, 0.1 mm off at most up to 1000 km and 0.2 millionths of themselves beyond.
Borders of circles that are within 1 mm (`TOUCH_M`; half the radius of a smaller one, if that is less) touch, so that
no float decides what whole centimetres leave equal.

Theory: an edge is compared by the chord between its ends. No point of it is farther from its chord than an eighth of
the greatest second derivative along it; where that and the bounds of chord against arc (the least and the greatest
radius of curvature of WGS-84, by Schur's comparison) do not decide, the edge is halved, and at last the geodesic to
its nearest point decides.
"""

from functools import partial
from typing import Any

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.areas import TURN, Areas
from keepclear.geo.earth import EQUATOR_M, MOST_CURVED_M, POLAR_M, dot, to_ecef
from keepclear.geo.units import E7_PER_DEGREE, BoolArray, FloatArray, IntArray
from keepclear.geo.volumes import expand

TOUCH_M = 1e-3
_LEAST_CURVED_M = EQUATOR_M**2 / POLAR_M
_SAG_M = 1e-4
_MAX_HALVINGS = 60
_FARTHEST_M = 6_400_000.0
"""More than the distance of any point of the ellipsoid from the centre, and than any of its radii of curvature."""
_CHORD_SHARE = 1e-6
"""How much longer than its plane arc's a geodesic's chord can be, for its torsion: a tenth of this at 10 000 km."""


def areas_meet(a: Areas, i: IntArray, b: Areas, j: IntArray) -> BoolArray:
    """For each pair of areas a[i], b[j]: whether they meet."""
    meet = np.ones(len(i), dtype=bool)
    ring_a, ring_b, round_a, round_b = a.has_rings[i], b.has_rings[j], a.is_round[i], b.is_round[j]
    for kind, one, p, two, q, ask in (
        (round_a & round_b, a, i, b, j, _circles_meet),
        (ring_a & round_b, a, i, b, j, _ring_meets_circle),
        (round_a & ring_b, b, j, a, i, _ring_meets_circle),
        (ring_a & ring_b, a, i, b, j, _rings_meet),
    ):
        chosen = np.nonzero(kind)[0]
        if chosen.size:
            meet[chosen] = ask(one, p[chosen], two, q[chosen])
    return meet


def _nearer_than(radius_m: FloatArray, smaller_m: FloatArray) -> FloatArray:
    return radius_m - np.minimum(TOUCH_M, smaller_m / 2)


def _chord_bounds(arc_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The shortest and the longest chord of a geodesic, up to 10 000 km; a micrometre to spare."""
    low = 2 * MOST_CURVED_M * np.sin(arc_m / (2 * MOST_CURVED_M))
    high = 2 * _LEAST_CURVED_M * np.sin(arc_m / (2 * _LEAST_CURVED_M))
    return low - 1e-6, high * (1 + _CHORD_SHARE) + 1e-6


def _circles_meet(a: Areas, i: IntArray, b: Areas, j: IntArray) -> BoolArray:
    limit = _nearer_than(a.radius_m[i] + b.radius_m[j], np.minimum(a.radius_m[i], b.radius_m[j]))
    apart = to_ecef(a.lat_deg[i], a.lon_deg[i]) - to_ecef(b.lat_deg[j], b.lon_deg[j])
    chord = np.sqrt(dot(apart, apart))
    low, high = _chord_bounds(limit)
    meet: BoolArray = chord < low
    unsure = np.nonzero(~meet & (chord <= high))[0]
    p, q = i[unsure], j[unsure]
    meet[unsure] = geodesy.distance_m(a.lat_deg[p], a.lon_deg[p], b.lat_deg[q], b.lon_deg[q]) < limit[unsure]
    return meet


def _ring_meets_circle(a: Areas, i: IntArray, b: Areas, j: IntArray) -> BoolArray:
    limit = _nearer_than(b.radius_m[j], b.radius_m[j])
    meet = _holds_centre(a, i, b, j)
    outside = np.nonzero(~meet)[0]
    pair, start, end = _edges_of(a, i[outside])
    pair = outside[pair]
    near = _in_reach(start, end, b.box[:, j[pair]])
    pair, edge = pair[near], np.concatenate([start, end])[:, near] / E7_PER_DEGREE
    meet[_edges_in_reach(pair, edge, b.lat_deg[j], b.lon_deg[j], limit)] = True
    return meet


def _edges_of(areas: Areas, index: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """For each area of a list its edges: the place in the list, and both ends in units."""
    row, ring = expand(areas.first_ring[index], areas.first_ring[index + 1])
    part, corner = expand(areas.ring[ring], areas.ring[ring + 1])
    following = np.where(corner + 1 < areas.ring[ring + 1][part], corner + 1, areas.ring[ring][part])
    start, end = (np.stack([areas.x[at], areas.y[at]]) for at in (corner, following))
    return row[part], start, end


def _holds_centre(a: Areas, i: IntArray, b: Areas, j: IntArray) -> BoolArray:
    middle = (a.box[0] + a.box[2])[i] / 2
    pair, start, end = _edges_of(a, i)
    # The box may be a turn away from the ring: the centre is turned to where the ring is.
    ring_middle = middle + 360 * np.round((start[0][np.searchsorted(pair, np.arange(len(i)))] / 1e7 - middle) / 360)
    lon = b.lon_deg[j]
    x = (lon + 360 * np.round((ring_middle - lon) / 360))[pair] * E7_PER_DEGREE
    y = b.lat_deg[j][pair] * E7_PER_DEGREE
    spans = (start[1] <= y) != (end[1] <= y)
    pair, x, y, start, end = pair[spans], x[spans], y[spans], start[:, spans], end[:, spans]
    crossed = x < start[0] + (y - start[1]) / (end[1] - start[1]) * (end[0] - start[0])
    odd: BoolArray = np.bincount(pair[crossed], minlength=len(i)) % 2 == 1
    return odd


def _in_reach(start: FloatArray, end: FloatArray, box: FloatArray) -> BoolArray:
    """Which edges (units) are not outside the boxes (degrees) of circles."""
    low, high = np.minimum(start, end) / E7_PER_DEGREE, np.maximum(start, end) / E7_PER_DEGREE
    between = (low[0] + high[0] - box[0] - box[2]) / 2
    reach = (high[0] - low[0] + box[2] - box[0]) / 2
    near: BoolArray = (low[1] <= box[3]) & (high[1] >= box[1])
    near &= np.abs(between - 360 * np.round(between / 360)) <= reach
    return near


def _edges_in_reach(
    pair: IntArray, edge: FloatArray, lat_deg: FloatArray, lon_deg: FloatArray, limit_m: FloatArray
) -> IntArray:
    """The pairs of which an edge (lon, lat, lon, lat) is nearer than limit_m to the point; points one a pair."""
    sure: list[IntArray] = []
    low, high = _chord_bounds(limit_m)
    for _ in range(_MAX_HALVINGS):
        if not pair.size:
            break
        away, u = _to_chord(to_ecef(lat_deg[pair], lon_deg[pair]), edge)
        sag = _sag_m(edge)
        near, perhaps = away + sag < low[pair], away - sag <= high[pair]
        sure.append(np.unique(pair[near]))
        small = np.nonzero(perhaps & ~near & (sag < _SAG_M))[0]
        lon, lat = edge[:2, small] + u[small] * (edge[2:, small] - edge[:2, small])
        which = pair[small]
        sure.append(which[geodesy.distance_m(lat_deg[which], lon_deg[which], lat, lon) < limit_m[which]])
        rest = np.nonzero(perhaps & (sag >= _SAG_M) & ~np.isin(pair, np.concatenate(sure)))[0]
        pair, edge = np.tile(pair[rest], 2), _halved(edge[:, rest])
    return np.concatenate([*sure, pair])


def _halved(edge: FloatArray) -> FloatArray:
    middle = (edge[:2] + edge[2:]) / 2
    return np.concatenate([np.concatenate([edge[:2], middle]), np.concatenate([middle, edge[2:]])], axis=1)


def _to_chord(point: FloatArray, edge: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Straight metres from points to the chords of edges, and how far along (0 to 1) the nearest place is."""
    start = to_ecef(edge[1], edge[0])
    along, off = to_ecef(edge[3], edge[2]) - start, point - start
    u = np.clip(dot(off, along) / np.maximum(dot(along, along), 1e-12), 0, 1)
    off = off - u * along
    return np.sqrt(dot(off, off)), u


def _sag_m(edge: FloatArray) -> FloatArray:
    """How far an edge is from its chord at most: an eighth of its greatest second derivative."""
    turn, climb = np.radians(np.abs(edge[2] - edge[0])), np.radians(np.abs(edge[3] - edge[1]))
    # The cosine of the latitude nearest the equator, and 1 for the sine.
    nearest = np.where(edge[1] * edge[3] < 0, 0.0, np.minimum(np.abs(edge[1]), np.abs(edge[3])))
    bend = climb**2 + 2 * turn * climb + turn**2 * np.cos(np.radians(nearest))
    sag: FloatArray = 1.02 * _FARTHEST_M * bend / 8
    return sag


def _rings_meet(a: Areas, i: IntArray, b: Areas, j: IntArray) -> BoolArray:
    import shapely  # noqa: PLC0415  0.2 s to import, and only rings need it

    (bodies, p), (others, q) = _polygons(a, i), _polygons(b, j)
    box, other_box = shapely.bounds(bodies)[p], shapely.bounds(others)[q]
    meet = np.zeros(len(i), dtype=bool)
    for turn in (-TURN, 0.0, TURN):
        west, east = other_box[:, 0] + turn, other_box[:, 2] + turn
        near = (box[:, 0] < east) & (west < box[:, 2]) & (box[:, 1] < other_box[:, 3]) & (other_box[:, 1] < box[:, 3])
        near = np.nonzero(near & ~meet)[0]
        if near.size:
            body, other = bodies[p[near]], others[q[near]]
            if turn:
                other = shapely.transform(other, partial(np.add, [turn, 0.0]))
            meet[near] = shapely.intersects(body, other) & ~shapely.touches(body, other)
    return meet


def _polygons(areas: Areas, index: IntArray) -> tuple[Any, IntArray]:
    """The areas of a list as shapely polygons in units, each made once, and for each of the list which is its own."""
    import shapely  # noqa: PLC0415  0.2 s to import, and only rings need it

    some, place = np.unique(index, return_inverse=True)
    body, ring = expand(areas.first_ring[some], areas.first_ring[some + 1])
    part, corner = expand(areas.ring[ring], areas.ring[ring + 1])
    rings = shapely.polygons(shapely.linearrings(areas.x[corner], areas.y[corner], indices=part))
    if len(rings) == len(some):
        return rings, place
    bodies = rings[np.searchsorted(body, np.arange(len(some)))]
    for k in np.nonzero(body[1:] == body[:-1])[0]:
        bodies[body[k]] = shapely.symmetric_difference(bodies[body[k]], rings[k + 1])
    return bodies, place
