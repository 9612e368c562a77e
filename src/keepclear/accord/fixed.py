"""Fixed-point geometry: whether one area lies within another, in integers alone, so that every node reads the same.

The law: no float. Corners and edges are exact (straight in longitude and latitude, units of 1e-7 degree). Lengths
need the ellipsoid, and are bounded on both sides: within a band of latitudes the length of any path on WGS-84 lies
between those in two flat metrics, the scales of latitude and longitude taken at the band's ends (M rises and
N cos(lat) falls with the latitude). A linear scaling keeps straight edges straight, so both bounds are plain planar
distances. What lies between the bounds, or within the declared position errors, is undecidable.

The bounds are about 0.1 % of the length apart for lengths of 5 km at 35 degrees, and 1.5 % for 100 km.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Final, NamedTuple

from keepclear.accord import shape
from keepclear.accord.outcome import Outcome
from keepclear.accord.shape import AreaKind, LonLat

MAX_PAIRS: Final = 50_000  # edges of one times edges of the other, some tenths of a second; beyond it, undecidable
CIRCLE_E7: Final = 3_600_000_000
POLE_E7: Final = 900_000_000
NM_PER_CM: Final = 10_000_000  # nanometres
_ONE: Final = 10**20  # the fixed point of sines and of the ellipsoid's constants
_PI: Final = 314_159_265_358_979_323_846
_A_NM: Final = 6_378_137 * 10**9
_F: Final = Fraction(10**9, 298_257_223_563)
_E2: Final = int(_F * (2 - _F) * _ONE)

Edge = tuple[LonLat, LonLat]


class Extent(NamedTuple):
    """An area as a line of points, closed to a ring or not, and all that lies within a reach of it."""

    points: tuple[LonLat, ...]
    ring: bool
    reach_cm: int

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges; a single point is one edge of no length."""
        if self.ring:
            return tuple(pairwise((*self.points, self.points[0])))
        return tuple(pairwise(self.points)) or ((self.points[0], self.points[0]),)


class Scale(NamedTuple):
    """Nanometres for 1e-7 degree of longitude and of latitude."""

    lon: int
    lat: int


def extent(area: tuple[int, ...]) -> Extent | None:
    """The area as an extent, longitudes running on the short way; None when its numbers make no area at all.

    A ring round a pole, and an edge of 180 degrees or more, are no area. Half of an odd width is rounded down.
    """
    points = _unwrapped(shape.points(area))
    if not points or any(abs(lat) > POLE_E7 for _, lat in points) or abs(points[0][0]) > CIRCLE_E7:
        return None
    if any(2 * abs(b[0] - a[0]) >= CIRCLE_E7 for a, b in pairwise(points)):
        return None
    kind = area[0]
    if kind == AreaKind.CIRCLE:
        return Extent((points[0],), ring=False, reach_cm=area[3]) if area[3] > 0 else None
    if kind == AreaKind.CORRIDOR:
        whole = len(area) % 2 == 0 and area[1] > 0 and len(points) > 1
        return Extent(points, ring=False, reach_cm=area[1] // 2) if whole else None
    if points[0] == points[-1]:
        points = points[:-1]
    whole = len(area) % 2 == 1 and len(points) > 2 and _twice_area(points) != 0
    whole = whole and 2 * abs(points[-1][0] - points[0][0]) < CIRCLE_E7
    return Extent(points, ring=True, reach_cm=0) if whole else None


def crosses_itself(ring: Sequence[LonLat]) -> bool:
    """Whether two edges of a ring that are no neighbours meet, exactly. Cost grows as the square of the corners."""
    edges = list(pairwise((*ring, ring[0])))
    last = len(edges) - 1
    return any(
        _touch(edges[i], edges[j])
        for i in range(len(edges))
        for j in range(i + 2, len(edges))
        if not (i == 0 and j == last)
    )


def within(inner: Extent, outer: Extent, err_cm: int) -> Outcome:
    """Whether all of `inner` lies in `outer` (its border included), each of their points off by at most err_cm.

    MET and NOT_MET are certain; all else is UNDECIDABLE. Without error, and for rings in rings, the answer is exact.
    """
    inner = _beside(inner, outer)
    if len(inner.edges) * len(outer.edges) > MAX_PAIRS:
        return Outcome.UNDECIDABLE
    if outer.ring:
        return _within_ring(inner, outer, err_cm)
    return _within_reach(inner, outer, err_cm)


def reference_bound_cm(ref_a: int, ref_b: int, cm: int) -> int | None:
    """How far one height can read apart on two references, in cm; None when no bound is declared (height above ground).

    The same bounds as geo.altitude: geoid 110 m, pressure 750 m and 12 % of the height, both together.
    """
    if ref_a == ref_b:
        return 0
    references = {ref_a, ref_b}
    geoid = 11_000 if shape.AltRef.WGS84 in references else 0
    pressure = 75_000 + -(-12 * abs(cm) // 100) if shape.AltRef.STD in references else 0
    known = references <= {shape.AltRef.WGS84, shape.AltRef.AMSL, shape.AltRef.STD}
    return geoid + pressure if known else None


def scales(low_e7: int, high_e7: int) -> tuple[Scale, Scale]:
    """The smallest and the largest scale in a band of latitudes: lengths in it lie between those in the two metrics."""
    nearest = 0 if low_e7 <= 0 <= high_e7 else min(abs(low_e7), abs(high_e7))
    farthest = min(max(abs(low_e7), abs(high_e7)), POLE_E7)
    near_lon, near_lat = _scale(min(nearest, POLE_E7))
    far_lon, far_lat = _scale(farthest)
    return Scale(max(far_lon - 1, 0), near_lat - 1), Scale(near_lon + 1, far_lat + 1)  # 1 nm covers the rounding


def _scale(lat_e7: int) -> Scale:
    """The scale at a latitude: N cos(lat) and M of the ellipsoid, for 1e-7 degree."""
    sine, cosine = _sine(lat_e7), _sine(POLE_E7 - lat_e7)
    w = isqrt((_ONE - _E2 * sine // _ONE * sine // _ONE) * _ONE)
    radius = _A_NM * cosine // w
    meridian = _A_NM * (_ONE - _E2) // w * _ONE // w * _ONE // w
    half_circle = _ONE * CIRCLE_E7 // 2
    return Scale(radius * _PI // half_circle, meridian * _PI // half_circle)


def _sine(angle_e7: int) -> int:
    """Sine of 0 to 90 degrees, in 1e-20, by its series: the last term left out is under 1e-20."""
    x = angle_e7 * _PI // (CIRCLE_E7 // 2)
    square = x * x // _ONE
    term = total = x
    for n in range(2, 28, 2):
        term = -(term * square) // (_ONE * n * (n + 1))
        total += term
    return total


def _within_ring(inner: Extent, outer: Extent, err_cm: int) -> Outcome:
    inside = _path_inside(inner, outer)
    if inside and _apart(inner.edges, outer.edges, inner.reach_cm + err_cm):
        return Outcome.MET
    if not inside and err_cm == 0:
        return Outcome.NOT_MET
    if inner.reach_cm > err_cm and _near(inner.edges, outer.edges, inner.reach_cm - err_cm):
        return Outcome.NOT_MET
    outside = [p for p in inner.points if not _holds(outer.points, p)]
    if any(_apart([(p, p)], outer.edges, err_cm - inner.reach_cm + 1) for p in outside):
        return Outcome.NOT_MET
    return Outcome.UNDECIDABLE


def _within_reach(inner: Extent, outer: Extent, err_cm: int) -> Outcome:
    """Within a circle or corridor: each edge within the reach of one edge of it is enough, as that reach is convex."""
    room_cm = outer.reach_cm - inner.reach_cm
    if all(any(_both_near(edge, other, room_cm - err_cm) for other in outer.edges) for edge in inner.edges):
        return Outcome.MET
    if any(_apart([(p, p)], outer.edges, room_cm + err_cm + 1) for p in inner.points):
        return Outcome.NOT_MET
    return Outcome.UNDECIDABLE


def _apart(edges: Sequence[Edge], others: Sequence[Edge], need_cm: int) -> bool:
    """Whether the two are certainly need_cm or more from each other; a need of nothing is always given."""
    if need_cm <= 0:
        return True
    need_nm = need_cm * NM_PER_CM
    low, _ = _band(edges, need_nm)
    return not _any_nearer(edges, others, low, need_nm)


def _near(edges: Sequence[Edge], others: Sequence[Edge], reach_cm: int) -> bool:
    """Whether the two certainly come nearer than reach_cm to each other."""
    reach_nm = reach_cm * NM_PER_CM
    _, high = _band(edges, reach_nm)
    return _any_nearer(edges, others, high, reach_nm)


def _any_nearer(edges: Sequence[Edge], others: Sequence[Edge], scale: Scale, need_nm: int) -> bool:
    """Whether any two edges are nearer than need_nm in a flat metric; boxes first, as most pairs are far apart."""
    points = [point for edge in edges for point in edge]
    low = min(lon for lon, _ in points), min(lat for _, lat in points)
    high = max(lon for lon, _ in points), max(lat for _, lat in points)
    close = [other for other in _around_the_earth(others) if not _boxes_apart((low, high), other, scale, need_nm)]
    return any(
        not _boxes_apart(edge, other, scale, need_nm)
        and (_touch(edge, other) or not _planar_at_least(edge, other, scale, need_nm))
        for edge in edges
        for other in close
    )


def _both_near(edge: Edge, other: Edge, room_cm: int) -> bool:
    """Whether both ends, and with them all of an edge, are certainly within room_cm of another edge."""
    if room_cm < 0:
        return False
    latitudes = [lat for _, lat in (*edge, *other)]
    _, high = scales(min(latitudes), max(latitudes))
    square = (room_cm * NM_PER_CM) ** 2
    for point in edge:
        numerator, denominator = _square_distance(point, other, high)
        if numerator > square * denominator:
            return False
    return True


def _band(edges: Sequence[Edge], reach_nm: int) -> tuple[Scale, Scale]:
    """The scales wherever a path of this length from the edges can lead."""
    reach_e7 = reach_nm // scales(0, 0)[0].lat + 1
    latitudes = [lat for edge in edges for _, lat in edge]
    return scales(min(latitudes) - reach_e7, max(latitudes) + reach_e7)


def _boxes_apart(edge: Edge, other: Edge, scale: Scale, need_nm: int) -> bool:
    """Whether two edges' boxes alone show that they are need_nm apart in a flat metric."""
    (ax, ay), (bx, by) = edge
    (cx, cy), (dx, dy) = other
    gap_lon = max(min(ax, bx) - max(cx, dx), min(cx, dx) - max(ax, bx), 0)
    gap_lat = max(min(ay, by) - max(cy, dy), min(cy, dy) - max(ay, by), 0)
    return gap_lon * scale.lon >= need_nm or gap_lat * scale.lat >= need_nm


def _planar_at_least(edge: Edge, other: Edge, scale: Scale, need_nm: int) -> bool:
    """Whether two edges that do not meet are need_nm or more apart in a flat metric: an end of one is nearest."""
    square = need_nm * need_nm
    for ends, line in ((edge, other), (other, edge)):
        for point in ends:
            numerator, denominator = _square_distance(point, line, scale)
            if numerator < square * denominator:
                return False
    return True


def _square_distance(point: LonLat, line: Edge, scale: Scale) -> tuple[int, int]:
    """The square of a point's distance from an edge in a flat metric, exactly, as numerator and denominator."""
    (ax, ay), (bx, by) = line
    dx, dy = (bx - ax) * scale.lon, (by - ay) * scale.lat
    px, py = (point[0] - ax) * scale.lon, (point[1] - ay) * scale.lat
    square = dx * dx + dy * dy
    along = px * dx + py * dy
    if along <= 0 or square == 0:
        return px * px + py * py, 1
    if along >= square:
        return (px - dx) ** 2 + (py - dy) ** 2, 1
    return (px * dy - py * dx) ** 2, square


def _path_inside(inner: Extent, ring: Extent) -> bool:
    """Whether every point of a line lies in a ring or on its border, exactly.

    An edge that touches the border is cut there, and the middle of each piece is tried; a line that never touches it
    is all inside or all outside.
    """
    close = _reachable(inner.points, ring.edges)
    touched = [(edge, [other for other in close if _touch(edge, other)]) for edge in inner.edges]
    if not any(others for _, others in touched):
        return _holds(ring.points, inner.points[0])
    for edge, others in touched:
        if not _holds(ring.points, edge[0]):
            return False
        cuts = sorted({Fraction(0), Fraction(1), *(cut for other in others for cut in _cuts(edge, other))})
        if others and not all(_holds(ring.points, _between(edge, (a + b) / 2)) for a, b in pairwise(cuts)):
            return False
    return True


def _reachable(points: Sequence[LonLat], edges: Sequence[Edge]) -> list[Edge]:
    """The edges whose boxes meet the box of the points: the only ones that a line through them can touch."""
    low = min(lon for lon, _ in points), min(lat for _, lat in points)
    high = max(lon for lon, _ in points), max(lat for _, lat in points)
    return [edge for edge in edges if not _boxes_apart((low, high), edge, Scale(1, 1), 1)]


def _holds(ring: Sequence[LonLat], point: tuple[int | Fraction, int | Fraction]) -> bool:
    """Whether a point lies in a ring or on its border, exactly, by the even-odd rule."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in pairwise((*ring, ring[0])):
        if (ay > y) == (by > y) and y not in (ay, by):
            continue
        side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if side == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
        if (ay > y) != (by > y) and (side > 0) == (by > ay) and side != 0:
            inside = not inside
    return inside


def _cuts(edge: Edge, other: Edge) -> Iterator[Fraction]:
    """Where along an edge, from 0 to 1, another one that it touches crosses it, or begins and ends upon it."""
    (ax, ay), (bx, by) = edge
    (cx, cy), (dx, dy) = other
    ux, uy, vx, vy = bx - ax, by - ay, dx - cx, dy - cy
    cross = ux * vy - uy * vx
    if cross:
        yield Fraction((cx - ax) * vy - (cy - ay) * vx, cross)
        return
    square = ux * ux + uy * uy
    for x, y in other:
        if square and 0 <= (along := (x - ax) * ux + (y - ay) * uy) <= square:
            yield Fraction(along, square)


def _touch(edge: Edge, other: Edge) -> bool:
    """Whether two edges have a point in common, exactly."""
    (ax, ay), (bx, by) = edge
    (cx, cy), (dx, dy) = other
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx) or max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return False
    c_side = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d_side = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    a_side = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    b_side = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    return c_side * d_side <= 0 and a_side * b_side <= 0


def _between(edge: Edge, share: Fraction) -> tuple[Fraction, Fraction]:
    (ax, ay), (bx, by) = edge
    return ax + share * (bx - ax), ay + share * (by - ay)


def _twice_area(points: Sequence[LonLat]) -> int:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise((*points, points[0])))


def _unwrapped(points: Sequence[LonLat]) -> tuple[LonLat, ...]:
    out: list[LonLat] = []
    for lon, lat in points:
        turns = (out[-1][0] - lon + CIRCLE_E7 // 2) // CIRCLE_E7 if out else 0
        out.append((lon + turns * CIRCLE_E7, lat))
    return tuple(out)


def _beside(inner: Extent, outer: Extent) -> Extent:
    """The same extent, by whole turns as near in longitude to the other as it goes."""
    middle = [min(lon for lon, _ in e.points) + max(lon for lon, _ in e.points) for e in (inner, outer)]
    turns = (middle[1] - middle[0] + CIRCLE_E7) // (2 * CIRCLE_E7)
    return inner._replace(points=tuple((lon + turns * CIRCLE_E7, lat) for lon, lat in inner.points))


def _around_the_earth(edges: Sequence[Edge]) -> Iterator[Edge]:
    """The edges, and the same a turn to the east and to the west: the way round the back may be the shorter."""
    for turn in (0, CIRCLE_E7, -CIRCLE_E7):
        for (ax, ay), (bx, by) in edges:
            yield (ax + turn, ay), (bx + turn, by)
