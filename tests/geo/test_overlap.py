"""Overlap: stories of two volumes, then many against shapely and GeographicLib one pair at a time, both engines."""

import math
from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.geo import oracle

from keepclear.geo.altitude import AltRef
from keepclear.geo.kernel import LOADED
from keepclear.geo.overlap import overlaps
from keepclear.geo.standing import Standing, against
from keepclear.geo.volume import Circle, Corridor, Everywhere, Polygon, Volume, validate
from keepclear.geo.volumes import Volumes

HOUR = 3_600_000
ENGINES = [
    pytest.param(None, id="numpy"),
    pytest.param(LOADED, id="kernel", marks=pytest.mark.skipif(LOADED is None, reason="no kernel here: make kernel")),
]
both_engines = pytest.mark.parametrize("kernel", ENGINES)


def box(west, south, east, north):
    return Polygon(((west, south), (east, south), (east, north), (west, north)))


SQUARE = box(35.0, 34.0, 35.1, 34.1)


def wedge(west):
    """A triangle with one corner in the west."""
    return Polygon(((west, 34.05), (35.2, 34.0), (35.2, 34.1)))


def pairs(found):
    return list(zip(found.i.tolist(), found.j.tolist(), strict=True))


def meet(a, b, kernel):
    """Whether two volumes meet, and whether only perhaps; the same whichever is asked about the other."""
    a, b = (one if isinstance(one, Volume) else Volume(one) for one in (a, b))
    found, turned = overlaps([a, b], kernel=kernel), overlaps([b], [a], kernel=kernel)
    assert (len(found), found.undecidable.tolist()) == (len(turned), turned.undecidable.tolist())
    return len(found) > 0, bool(found.undecidable.any())


# Two volumes.


@both_engines
def test_what_touches_does_not_meet_and_one_unit_of_the_wire_more_does(kernel):
    unit = 1e-7
    for other, one_more in [
        (box(35.1, 34.0, 35.2, 34.1), box(35.1 - unit, 34.0, 35.2, 34.1)),
        (box(35.1, 34.1, 35.2, 34.2), box(35.1 - unit, 34.1 - unit, 35.2, 34.2)),
        (box(34.9, 34.1, 35.3, 34.2), box(34.9, 34.1 - unit, 35.3, 34.2)),
        (wedge(35.1), wedge(35.1 - unit)),
    ]:
        assert meet(SQUARE, other, kernel) == (False, False)
        assert meet(SQUARE, one_more, kernel) == (True, False)


@both_engines
def test_a_corner_on_a_slanting_edge_is_told_on_the_wire_s_grid_and_not_by_its_floats(kernel):
    slanting = Polygon(((34.7, 35.1), (35.3, 35.4), (34.7, 35.4)))
    for k in range(1, 60):
        lon, lat = round(34.7 + k / 100, 7), round(35.1 + k / 200, 7)
        below = Polygon(((lon, lat), (lon, round(lat - 0.1, 7)), (round(lon + 0.05, 7), round(lat - 0.1, 7))))
        above = Polygon(((lon, round(lat + 1e-7, 7)), *below.ring[1:]))
        assert meet(slanting, below, kernel) == (False, False)
        assert meet(slanting, above, kernel) == (True, False)


@both_engines
def test_identical_ones_and_one_inside_the_other_meet(kernel):
    inner = box(35.04, 34.04, 35.06, 34.06)
    against_the_clock = Polygon(SQUARE.ring[::-1])
    for other in (SQUARE, against_the_clock, Polygon((*SQUARE.ring[2:], *SQUARE.ring[:2])), inner):
        assert meet(SQUARE, other, kernel) == (True, False)
    # Inside and touching: at a corner, along a side, with all corners on the border.
    for other in (
        box(35.0, 34.0, 35.01, 34.01),
        box(35.0, 34.03, 35.1, 34.06),
        Polygon(((35.05, 34.0), (35.1, 34.05), (35.05, 34.1), (35.0, 34.05))),
    ):
        assert meet(SQUARE, other, kernel) == (True, False)


@both_engines
def test_a_notch_that_is_filled_exactly_does_not_meet_its_filling(kernel):
    notched = Polygon(((0, 0), (3, 0), (3, 3), (2, 3), (1.5, 1), (1, 3), (0, 3)))
    wedge = Polygon(((1, 3), (1.5, 1), (2, 3)))
    assert meet(notched, wedge, kernel) == (False, False)
    assert meet(notched, Polygon(((1, 3), (1.5, 0.9999999), (2, 3))), kernel) == (True, False)
    assert meet(notched, Polygon(((1, 3), (1.5, 1.0000001), (2, 3))), kernel) == (False, False)
    # A needle through the corner of the notch and nowhere else: it goes on into the area.
    assert meet(notched, Polygon(((1.4999999, 3), (1.5, 0.5), (1.5000001, 3))), kernel) == (True, False)


@both_engines
def test_all_sides_shared_and_nothing_in_common(kernel):
    ring = Polygon(((0, 0), (4, 0), (4, 4), (2.1, 4), (2.1, 3), (3, 3), (3, 1), (1, 1), (1, 3), (2, 3), (2, 4), (0, 4)))
    core = box(1, 1, 3, 3)
    assert meet(ring, core, kernel) == (False, False)
    assert meet(ring, box(1, 1, 3, 3.0000001), kernel) == (True, False)


@both_engines
def test_bands_and_windows_are_half_open(kernel):
    here = Volume(SQUARE, 1000, 2000, start_ms=0, end_ms=HOUR)
    assert meet(here, Volume(SQUARE, 2000, 3000), kernel) == (False, False)
    assert meet(here, Volume(SQUARE, 1999.99, 3000), kernel) == (True, False)
    assert meet(here, Volume(SQUARE, upper_m=1000), kernel) == (False, False)
    assert meet(here, Volume(SQUARE, start_ms=HOUR), kernel) == (False, False)
    assert meet(here, Volume(SQUARE, start_ms=HOUR - 1), kernel) == (True, False)
    assert meet(here, Volume(SQUARE, end_ms=0), kernel) == (False, False)
    for level in range(0, 601):
        limit = level * 3048 / 100
        one, two = (Volume(SQUARE, limit - 304.8, limit), Volume(SQUARE, limit, limit + 304.8))
        assert len(overlaps([one, two], kernel=kernel)) == 0


@both_engines
def test_a_pair_that_its_references_leave_open_is_told_so(kernel):
    here = Volume(SQUARE, 1000, 2000)
    wgs = AltRef.WGS84
    assert meet(here, Volume(SQUARE, 2105, 3000, wgs, wgs), kernel) == (True, True)
    assert meet(here, Volume(SQUARE, 1895, 3000, wgs, wgs), kernel) == (True, True)
    assert meet(here, Volume(SQUARE, 1885, 3000, wgs, wgs), kernel) == (True, False)
    assert meet(here, Volume(SQUARE, 2111, 3000, wgs, wgs), kernel) == (False, False)
    std = AltRef.STD
    # 750 m and 12 % of the greater height: 3 129.5 - 750 - 375.54 is above 2 000, 3 124 - 750 - 374.88 is not.
    assert meet(here, Volume(SQUARE, 3129.6, 9000, std, std), kernel) == (False, False)
    assert meet(here, Volume(SQUARE, 3124.0, 9000, std, std), kernel) == (True, True)
    assert meet(here, Volume(SQUARE, 0, 100, AltRef.AGL, AltRef.AGL), kernel) == (True, True)
    assert meet(here, Volume(SQUARE, None, 100, AltRef.AGL, AltRef.AGL), kernel) == (True, True)
    assert meet(here, Volume(SQUARE), kernel) == (True, False)
    assert meet(
        Volume(SQUARE, 5, 10, AltRef.AGL, AltRef.AGL), Volume(SQUARE, 9, 20, AltRef.AGL, AltRef.AGL), kernel
    ) == (
        True,
        False,
    )


@both_engines
def test_what_is_unusable_is_everywhere_and_everywhere_meets_everything(kernel):
    bow_tie = Polygon(((0, 0), (1, 1), (1, 0), (0, 1)))
    far = Circle(-120.0, -60.0, 10.0)
    assert meet(bow_tie, far, kernel) == (True, False)
    assert meet(Everywhere(), Everywhere(), kernel) == (True, False)
    assert meet(Everywhere(), Corridor(((179.9, 0), (-179.9, 0.05)), 1000), kernel) == (True, False)
    assert meet(Volume(Everywhere(), start_ms=5), Volume(far, end_ms=5), kernel) == (False, False)
    assert meet(Volume(SQUARE, 2000, 1000), Volume(SQUARE, 5000, 6000), kernel) == (True, False)
    holed = Polygon(box(0, 0, 3, 3).ring, (box(1, 1, 2, 2).ring,))
    assert meet(holed, box(1.2, 1.2, 1.3, 1.3), kernel) == (True, False)


@both_engines
def test_the_antimeridian_is_no_border(kernel):
    wide, small = box(179, -1, -179, 1), box(-179.9, 0, -179.8, 0.1)
    assert meet(wide, small, kernel) == (True, False)
    assert meet(box(178, 0, 179.9, 1), small, kernel) == (False, False)
    assert meet(box(179, 0, 180, 1), box(-180, 0, -179, 1), kernel) == (False, False)
    assert meet(box(179, 0, -179.9999999, 1), box(-180, 0, -179, 1), kernel) == (True, False)
    assert meet(Polygon(((-179.5, 0), (179.5, 0), (180, 1))), Polygon(((-180, 1), (179, 2), (-179, 2))), kernel) == (
        False,
        False,
    )
    assert meet(wide, Circle(-179.95, 0, 10), kernel) == (True, False)
    assert meet(Circle(179.99, 0, 2000), Circle(-179.99, 0, 2000), kernel) == (True, False)
    assert meet(Corridor(((179.9, 0.05), (-179.85, 0.05)), 1000), small, kernel) == (True, False)
    other_half = Polygon(((125, -1), (-125, -1), (-125, 1), (125, 1)))
    assert meet(broad(130), other_half, kernel) == (True, False)
    assert meet(broad(125), other_half, kernel) == (False, False)
    assert meet(broad(130), broad(130), kernel) == (True, False)


def broad(lon):
    """A ring from west to east of Greenwich, by way of it."""
    return Polygon(((-lon, -5), (0, -5), (lon, -5), (lon, 5), (0, 5), (-lon, 5)))


@both_engines
@pytest.mark.parametrize("pole", [90, -90])
def test_at_the_poles(kernel, pole):
    lat = math.copysign(1, pole)
    cap = Circle(77, pole, 200_000)
    sector = Polygon(((100, 88.3 * lat), (101, 88.3 * lat), (101, 88.5 * lat), (100, 88.5 * lat)))
    farther = Polygon(((100, 88.0 * lat), (101, 88.0 * lat), (101, 88.1 * lat), (100, 88.1 * lat)))
    to_the_pole = Polygon(((10, 85 * lat), (40, 85 * lat), (25, pole)))
    assert meet(cap, sector, kernel) == (True, False)
    assert meet(cap, farther, kernel) == (False, False)
    assert meet(Circle(-100, pole, 1), to_the_pole, kernel) == (True, False)
    assert meet(Circle(-100, 89.999 * lat, 150), to_the_pole, kernel) == (True, False)
    assert meet(Circle(-100, 89.999 * lat, 100), to_the_pole, kernel) == (False, False)
    assert meet(Circle(0, 89.9 * lat, 12_000), Circle(180, 89.9 * lat, 12_000), kernel) == (True, False)
    assert meet(Circle(0, 89.9 * lat, 11_000), Circle(180, 89.9 * lat, 11_000), kernel) == (False, False)


# Circles against GeographicLib.


def away_m(lat, lon, shape, step_deg=0.05):
    """Geodesic metres from a point outside to a ring: every edge in steps, then the nearest places narrowed down."""

    def to(x, y):
        return Geodesic.WGS84.Inverse(lat, lon, y, x, Geodesic.DISTANCE)["s12"]

    ring = oracle.unrolled([*shape.ring, shape.ring[0]])
    steps = []
    for a, b in pairwise(ring):
        long_m = 112_000 * math.hypot(b[1] - a[1], (b[0] - a[0]) * max(np.cos(np.radians([a[1], b[1]]))))
        count = int(long_m / (112_000 * step_deg)) + 1
        corners = a + np.linspace(0, 1, count + 1)[:, None] * (b - a)
        metres = [to(*corner) for corner in corners]
        steps += [(min(metres[k : k + 2]), long_m / count, *corners[k], *corners[k + 1]) for k in range(count)]
    nearest = math.inf
    for at_ends, long_m, ax, ay, bx, by in sorted(steps):
        if at_ends - long_m > nearest:
            continue
        low, high = 0.0, 1.0
        for _ in range(32):
            third = (high - low) / 3
            one, two = (to(ax + v * (bx - ax), ay + v * (by - ay)) for v in (low + third, high - third))
            low, high = (low, high - third) if one < two else (low + third, high)
        nearest = min(nearest, at_ends, to(ax + low * (bx - ax), ay + low * (by - ay)))
    return nearest


@both_engines
@pytest.mark.parametrize(("lat", "lon"), [(34, 35), (0, 179.99), (-60, -179.9), (80, 10), (-88, 100)])
@pytest.mark.parametrize("size_deg", [0.001, 0.3, 4.0])
def test_a_circle_meets_a_ring_from_its_geodesic_distance_on(kernel, lat, lon, size_deg):
    rng = np.random.default_rng(abs(int(lat + 10 * lon + 1000 * size_deg)))
    tight = min(size_deg, 1.5)
    ring = usable_star(rng, lat, lon, tight)
    for _ in range(3):
        bearing, far = rng.uniform(0, 360), tight * 111_000 * rng.uniform(1.1, 3)
        at = Geodesic.WGS84.Direct(lat, lon, bearing, far)
        away = away_m(at["lat2"], at["lon2"], ring)
        for radius_m, expected in ((away + 0.003, True), (away + 0.0005, False), (away - 0.003, False)):
            assert meet(Circle(at["lon2"], at["lat2"], radius_m), ring, kernel) == (expected, False)


def usable_star(rng, lat, lon, size_deg):
    ring = oracle.star(rng, lat, lon, size_deg, 5)
    return ring if not any(f.widens for f in validate(Volume(ring))) else usable_star(rng, lat, lon, size_deg)


@both_engines
@pytest.mark.parametrize("far_m", [0.01, 100.0, 30_000.0, 299_000.0, 1_500_000.0, 7_000_000.0])
def test_circles_meet_from_the_sum_of_their_radii_on(kernel, far_m):
    rng = np.random.default_rng(int(far_m))
    for lat, lon in [(34, 35), (0, 180), (-89.9, 20), (60, -179.999)]:
        at = Geodesic.WGS84.Direct(lat, lon, rng.uniform(0, 360), far_m)
        share = rng.uniform(0.3, 0.7)
        other = Circle(at["lon2"], at["lat2"], far_m * share)
        for more_m, expected in ((0.003, True), (0.0, False), (-0.003, False)):
            own_m = far_m * (1 - share) + more_m
            if own_m > 0:
                assert meet(Circle(lon, lat, own_m), other, kernel) == (expected, False)
    speck = Circle(35, 34, 1e-4)
    assert meet(speck, speck, kernel) == (True, False)
    assert meet(speck, SQUARE, kernel) == (True, False)
    assert meet(Circle(34.9999999, 34.05, 1e-4), SQUARE, kernel) == (False, False)
    assert meet(Circle(35.05, 34.05, 1e-4), SQUARE, kernel) == (True, False)


@both_engines
def test_a_wide_circle_and_a_long_edge(kernel):
    ring = Polygon(((-20, 50), (20, 50), (20, 60), (-20, 60)))
    away = away_m(30, 3, ring, step_deg=0.5)
    for more_m, expected in ((1, True), (-1, False)):
        assert meet(Circle(3, 30, away + more_m), ring, kernel) == (expected, False)


# Many against shapely.

small_rings = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=6, unique=True)
cells = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=8)


def cell(x, y, kind):
    """A square of the grid, or one of its halves."""
    corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]
    return shapely.Polygon(corners if kind == 0 else corners[:3] if kind == 1 else [*corners[2:], corners[0]])


def blocks(chosen):
    """The outer ring of the largest body that some cells make."""
    union = shapely.union_all([cell(*one) for one in chosen])
    body = max(shapely.get_parts(union), key=lambda part: part.area)
    return [(round(x), round(y)) for x, y in body.exterior.coords[:-1]]


grid_ring = st.one_of(small_rings, cells.map(blocks)).filter(
    lambda ring: shapely.Polygon(ring).area > 0 and shapely.Polygon(ring).is_valid
)


@both_engines
@settings(max_examples=100, deadline=None)
@given(
    rings=st.lists(grid_ring, min_size=2, max_size=7),
    place=st.sampled_from([(34.7, 35.1), (179.8, -0.3), (-180.0, 60.2), (-0.25, 89.4)]),
    step=st.sampled_from([0.1, 0.000001, 0.07]),
)
def test_rings_on_a_coarse_grid_touch_and_overlap_in_every_way(kernel, rings, place, step):
    bodies = [shapely.Polygon(ring) for ring in rings]
    expected = [
        (i, j) for (i, a), (j, b) in combinations(enumerate(bodies), 2) if shapely.relate_pattern(a, b, "T********")
    ]

    def lon(x):
        return round((place[0] + x * step + 180) % 360 - 180, 7)

    volumes = [Volume(Polygon(tuple((lon(x), round(place[1] + y * step, 7)) for x, y in ring))) for ring in rings]
    assert not [fault for volume in volumes for fault in validate(volume) if fault.widens]
    assert pairs(overlaps(volumes, kernel=kernel)) == expected


@both_engines
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), lat=st.sampled_from([0.0, 47.0, -70.0]), lon=st.sampled_from([8.0, 179.9]))
def test_needles_specks_and_stars_meet_as_shapely_says(kernel, seed, lat, lon):
    rng = np.random.default_rng(seed)
    shapes = [strange(rng, lat, lon) for _ in range(14)]
    volumes = [Volume(shape) for shape in shapes if not any(f.widens for f in validate(Volume(shape)))]
    rings = [shapely.Polygon(oracle.unrolled(volume.shape.ring)) for volume in volumes]
    expected = [(i, j) for (i, a), (j, b) in combinations(enumerate(rings), 2) if rings_meet(a, b)]
    assert pairs(overlaps(volumes, kernel=kernel)) == expected


def rings_meet(a, b):
    turned = (shapely.transform(b, lambda c, by=by: c + np.array([by, 0.0])) for by in (-360, 0, 360))
    return any(shapely.intersection(a, other).area > 0 for other in turned)


def strange(rng, lat, lon):
    """A needle, a speck or a star about a place."""
    kind = rng.integers(3)
    x, y = lon + rng.uniform(-0.1, 0.1), lat + rng.uniform(-0.1, 0.1)
    if kind == 0:
        angle, far = rng.uniform(0, np.pi), rng.uniform(0.05, 0.3)
        dx, dy, wide = far * np.cos(angle), far * np.sin(angle), 10 ** rng.uniform(-6, -3)
        ring = ((x - dx, y - dy), (x + dx, y + dy), (x + wide, y - wide))
        return Polygon(tuple((float((v + 180) % 360 - 180), float(w)) for v, w in ring))
    size = 10 ** rng.uniform(-5, -3) if kind == 1 else rng.uniform(0.01, 0.2)
    return oracle.star(rng, y, float((x + 180) % 360 - 180), size, int(rng.integers(3, 12)))


@cache
def everything_at_once(lat, lon):
    """Volumes of all shapes, and the pairs that meet by `plainly`: the same for both engines, and slow to find."""
    rng = np.random.default_rng(abs(int(10 * lat + lon)))
    volumes = [oracle.random_volume(rng, lat, lon, 0.6) for _ in range(40)]
    volumes.append(Volume(Everywhere(), 0, 3000, AltRef.STD, AltRef.STD))
    volumes = [volume for volume in volumes if not any(fault.widens for fault in validate(volume))]
    held = Volumes.of(volumes)
    return volumes, held, [(i, j) for i, j in combinations(range(len(volumes)), 2) if plainly(volumes, held, i, j)]


@both_engines
@pytest.mark.parametrize(("lat", "lon"), [(35, 35), (0, 179.9), (60, -179.9), (-75, 10), (85.5, 0)])
def test_everything_at_once_is_what_each_pair_is(kernel, lat, lon):
    volumes, held, expected = everything_at_once(lat, lon)
    assert 30 < len(expected) < len(volumes) ** 2 / 3
    assert pairs(overlaps(held, kernel=kernel)) == expected
    half = len(volumes) // 2
    across = overlaps(volumes[:half], volumes[half:], kernel=kernel)
    assert pairs(across) == [(i, j - half) for i, j in expected if i < half <= j]


def plainly(volumes, held, i, j):
    """Whether two volumes of one reference meet, by shapely and GeographicLib; a corridor by its outline."""
    a, b = volumes[i], volumes[j]
    if not (spans(a.lower_m, a.upper_m, b.lower_m, b.upper_m) and spans(a.start_ms, a.end_ms, b.start_ms, b.end_ms)):
        return False
    if isinstance(a.shape, Everywhere) or isinstance(b.shape, Everywhere):
        return True
    if isinstance(a.shape, Circle) and isinstance(b.shape, Circle):
        apart = Geodesic.WGS84.Inverse(a.shape.lat_deg, a.shape.lon_deg, b.shape.lat_deg, b.shape.lon_deg)["s12"]
        return apart < a.shape.radius_m + b.shape.radius_m
    if isinstance(a.shape, Circle):
        i, j, a, b = j, i, b, a
    if isinstance(b.shape, Circle):
        (body,) = bodies_of(held, [i])
        points = [shapely.Point(b.shape.lon_deg + turn, b.shape.lat_deg) for turn in (-360, 0, 360)]
        if any(body.contains(point) for point in points):
            return True
        return nearer(b.shape, body.exterior.coords[:-1])
    return rings_meet(*bodies_of(held, [i, j]))


def nearer(circle, corners):
    """Whether a ring outside a circle's centre is nearer than its radius; the border is followed only if it must be."""
    lon, lat = corners[0]
    far = Geodesic.WGS84.Inverse(circle.lat_deg, circle.lon_deg, lat, lon)["s12"]
    if far < circle.radius_m:
        return True
    if far - 112_000 * np.hypot(*np.ptp(np.array(corners), axis=0)) > circle.radius_m:
        return False
    return away_m(circle.lat_deg, circle.lon_deg, Polygon(tuple(corners)), 0.2) < circle.radius_m


def bodies_of(held, places):
    """Areas with edges as shapely bodies, holes filled in by none of the shapes here."""
    rows = [held.edges[:, held.first[k] : held.first[k + 1]] for k in places]
    return [shapely.build_area(shapely.multilinestrings(edges.T.reshape(-1, 2, 2))) for edges in rows]


def spans(low, high, other_low, other_high):
    return (low is None or other_high is None or low < other_high) and (
        high is None or other_low is None or other_low < high
    )


def picture(rng, count):
    """Volumes as they are said in a busy day: many hexagons, some circles and corridors, one in a hundred unbounded."""
    rows = []
    for _ in range(count):
        lat, lon = rng.uniform(45, 53), rng.uniform(170, 187)
        lon = float((lon + 180) % 360 - 180)
        kind, size = rng.integers(10), rng.uniform(2, 20) / 60
        if kind < 8:
            shape = oracle.star(rng, lat, lon, size, int(rng.integers(4, 10)))
        else:
            shape = Circle(lon, lat, size * 111_000)
        start, lower = int(rng.integers(0, 86_400_000)), float(np.round(rng.uniform(0, 10_000), 2))
        ref = AltRef(int(rng.choice([1, 1, 1, 3, 3, 0, 2])))
        if rng.random() < 0.01:
            rows.append(Volume(shape, lower, None, ref, ref))
        else:
            end = start + int(rng.integers(600_000, 5_400_000))
            rows.append(Volume(shape, lower, lower + float(rng.uniform(300, 3000)), ref, ref, start, end))
    return rows


@pytest.mark.skipif(LOADED is None, reason="no kernel here: make kernel")
def test_both_engines_answer_alike_on_a_busy_day():
    held = Volumes.of(picture(np.random.default_rng(3), 3_000))
    by_numpy, by_kernel = overlaps(held, kernel=None), overlaps(held, kernel=LOADED)
    assert pairs(by_numpy) == pairs(by_kernel)
    assert (by_numpy.undecidable == by_kernel.undecidable).all()
    assert len(by_numpy) > 1_000
    assert 0 < by_numpy.undecidable.sum() < len(by_numpy)


# Long rings.


def gear(lon, lat, size_deg, teeth, depth=0.02):
    """A ring of four corners a tooth."""
    angle = np.linspace(0, 2 * np.pi, 4 * teeth, endpoint=False)
    far = size_deg * np.where(np.arange(4 * teeth) % 4 < 2, 1, 1 - depth)
    return Polygon(tuple(zip((lon + far * np.cos(angle)).tolist(), (lat + far * np.sin(angle)).tolist(), strict=True)))


@both_engines
def test_rings_of_ten_thousand_corners(kernel):
    wheel, hub = gear(10, 50, 1.0, 2_500), gear(10, 50, 0.979, 2_500)
    assert meet(wheel, wheel, kernel) == (True, False)
    assert meet(wheel, hub, kernel) == (True, False)
    assert meet(wheel, box(10.9, 50.9, 11, 51), kernel) == (False, False)
    comb, other = teeth(0.0), teeth(0.0001)
    assert meet(comb, other, kernel) == (False, False)
    assert meet(comb, teeth(0.0002), kernel) == (False, False)
    assert meet(comb, teeth(0.0002001), kernel) == (True, False)


def teeth(shift):
    """A comb of 2 500 teeth open to the north, or if shifted one open to the south whose teeth stand in the gaps."""
    wide, pitch = 0.0002, 0.0004
    k = np.arange(2_500)
    left = np.round(20 + k * pitch + (0 if shift == 0 else shift), 7)
    right = np.round(left + (wide if shift == 0 else pitch - wide), 7)
    left = left if shift == 0 else np.round(left + 0.0001, 7)
    right = right if shift == 0 else np.round(right - 0.0001 + 0.0001, 7)
    low, high, back = (40.0, 41.0, 39.9) if shift == 0 else (41.5, 40.1, 41.6)
    tips = np.stack([np.stack([left, right, right, left], 1), np.tile([high, high, low, low], (2_500, 1))], 2)
    order = [3, 0, 1, 2]
    points = tips[:, order].reshape(-1, 2)
    back_row = [(float(points[-1, 0]), back), (float(points[0, 0]), back)]
    return Polygon((*map(tuple, points.tolist()), *back_row))


# Standing volumes.


@both_engines
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_stands_answers_as_if_it_were_made_anew(kernel, seed):
    rng = np.random.default_rng(seed)
    living, standing = {}, Standing.of([], kernel=kernel)
    for _ in range(12):
        if living and rng.random() < 0.4:
            gone = rng.choice(list(living), min(int(rng.integers(1, 20)), len(living)), replace=False)
            standing = standing.without([*gone.tolist(), 999_999])
            living = {key: volume for key, volume in living.items() if key not in gone}
        else:
            keys = rng.choice(400, int(rng.integers(1, 40)), replace=False).tolist()
            fresh = picture(rng, len(keys))
            standing = standing.adding(keys, fresh)
            living |= dict(zip(keys, fresh, strict=True))
        assert len(standing) == len(living)
        asked = [Volume(box(178, 47, -178, 50), 0, 3000), *picture(rng, 2)]
        keys = sorted(living)
        expected = overlaps([living[key] for key in keys], asked, kernel=kernel)
        found = against(standing, asked)
        assert pairs(found) == [(keys[i], j) for i, j in pairs(expected)]
        assert found.undecidable.tolist() == expected.undecidable.tolist()
        assert pairs(against(standing, asked[0])) == [(i, j) for i, j in pairs(found) if j == 0]


@both_engines
def test_adding_and_removing_leave_the_old_as_it_was(kernel):
    one = Standing.of([Volume(SQUARE)], [7], kernel=kernel)
    two = one.adding([9], [Volume(SQUARE)])
    none = two.without([7, 9])
    assert [pairs(against(standing, Volume(SQUARE))) for standing in (one, two, none)] == [
        [(7, 0)],
        [(7, 0), (9, 0)],
        [],
    ]
    moved = two.adding([7], [Volume(box(0, 0, 1, 1))])
    assert pairs(against(moved, Volume(SQUARE))) == [(9, 0)]
    with pytest.raises(ValueError, match="2 volumes were given with 1 different keys"):
        one.adding([3, 3], [Volume(SQUARE), Volume(SQUARE)])


@both_engines
def test_nothing_meets_nothing(kernel):
    assert len(overlaps([], kernel=kernel)) == 0
    assert len(overlaps([], [Volume()], kernel=kernel)) == 0
    assert len(overlaps([Volume()], [], kernel=kernel)) == 0
    assert len(overlaps([Volume()], kernel=kernel)) == 0
    assert len(against(Standing.of([], kernel=kernel), Volume())) == 0
