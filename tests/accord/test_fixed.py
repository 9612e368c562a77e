"""Within or not, in integers: exact for rings in rings, never wrong against geodesics, undecidable only in between."""

import math
from fractions import Fraction

import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keepclear.accord import fixed, shape
from keepclear.accord.fixed import Extent, extent, reference_bound_cm, within
from keepclear.accord.outcome import Outcome
from keepclear.accord.shape import AltRef
from keepclear.geo import altitude

DEGREE = 10_000_000
BOX = shape.polygon(
    [(35 * DEGREE, 34 * DEGREE), (37 * DEGREE, 34 * DEGREE), (37 * DEGREE, 36 * DEGREE), (35 * DEGREE, 36 * DEGREE)]
)
MET, NOT_MET, UNDECIDABLE = Outcome.MET, Outcome.NOT_MET, Outcome.UNDECIDABLE


def of(area: tuple[int, ...]) -> Extent:
    found = extent(area)
    assert found is not None
    return found


def ring(*points: tuple[int, int], unit: int = 1) -> Extent:
    return of(shape.polygon([(x * unit, y * unit) for x, y in points]))


def metres_apart(a: tuple[int, int], b: tuple[int, int]) -> float:
    result = Geodesic.WGS84.Inverse(a[1] / DEGREE, a[0] / DEGREE, b[1] / DEGREE, b[0] / DEGREE)
    return float(result["s12"])


def test_a_ring_lies_within_itself_and_one_unit_more_does_not() -> None:
    assert within(of(BOX), of(BOX), 0) is MET
    wider = shape.polygon([(35 * DEGREE, 34 * DEGREE), (37 * DEGREE + 1, 34 * DEGREE), (37 * DEGREE, 36 * DEGREE)])
    assert within(of(wider), of(BOX), 0) is NOT_MET


def test_an_error_widens_what_cannot_be_decided_and_nothing_else() -> None:
    """An area that ends 1 km inside the border, then on it, then 1 km outside; 500 m of position error."""
    km = 90_000  # of latitude, in 1e-7 degree, is a little under a kilometre
    for north, outcome in ((-km, MET), (0, UNDECIDABLE), (km, NOT_MET)):
        points = [(36 * DEGREE, 35 * DEGREE), (36 * DEGREE + km, 35 * DEGREE), (36 * DEGREE, 36 * DEGREE + north)]
        assert within(of(shape.polygon(points)), of(BOX), 50_000) is outcome


def test_outside_by_less_than_the_error_is_undecidable() -> None:
    """A circle of 1 km whose centre is 3 km north of the border: it reaches 4 km out."""
    north = round(Geodesic.WGS84.Direct(36, 36, 0, 3_000)["lat2"] * DEGREE)
    circle = of(shape.circle(36 * DEGREE, north, 100_000))
    for err_m, outcome in ((0, NOT_MET), (3_950, NOT_MET), (4_050, UNDECIDABLE)):
        assert within(circle, of(BOX), 100 * err_m) is outcome


def test_the_way_round_the_back_may_be_the_shorter() -> None:
    """A ring almost round the earth, and an area in its gap of 2 degrees, 11 km from either side of it."""
    lons = (-179, -90, 0, 90, 179)
    agreed = ring(*((lon, -5) for lon in lons), *((lon, 5) for lon in reversed(lons)), unit=DEGREE)
    gap = of(shape.polygon([(1_791_000_000, 0), (1_809_000_000, 0), (1_800_000_000, 1_000)]))
    assert within(gap, agreed, 10_000_000) is NOT_MET  # its middle is 111 km from both
    assert within(gap, agreed, 15_000_000) is UNDECIDABLE


def test_a_bridge_over_a_notch_is_outside_although_its_corners_are_inside() -> None:
    notched = ring((0, 0), (10, 0), (10, 10), (6, 10), (5, 3), (4, 10), (0, 10), unit=DEGREE)
    assert within(ring((1, 5), (9, 5), (9, 6), (1, 6), unit=DEGREE), notched, 0) is NOT_MET
    assert within(ring((1, 1), (9, 1), (5, 3), unit=DEGREE), notched, 0) is MET
    assert within(ring((1, 8), (2, 8), (2, 9), unit=DEGREE), notched, 0) is MET


def test_an_edge_through_two_corners_of_the_border_is_tried_between_them() -> None:
    toothed = ring((0, 0), (8, 0), (8, 4), (6, 2), (4, 4), (2, 2), (0, 4), unit=100)
    assert within(ring((0, 0), (8, 0), (8, 2), (0, 2), unit=100), toothed, 0) is MET
    assert within(ring((0, 0), (8, 0), (8, 4), (0, 4), unit=100), toothed, 0) is NOT_MET


def star(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The points as a ring round their middle: simple, often concave, for most choices of points."""
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sorted(points, key=lambda p: math.atan2(p[1] - y, p[0] - x))


stars = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=3, max_size=8, unique=True).map(star)


@settings(max_examples=400, deadline=None)
@given(stars, stars)
def test_rings_within_rings_as_shapely_has_it(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    """On a small grid, where shapely's own floats are exact enough, and touching is common."""
    assume(shapely.Polygon(a).is_valid and shapely.Polygon(b).is_valid)
    assert not fixed.crosses_itself(a)
    covered = shapely.Polygon(b).buffer(1e-9).covers(shapely.Polygon(a))
    assert within(ring(*a), ring(*b), 0) is (MET if covered else NOT_MET)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=7, unique=True))
def test_a_ring_whose_edges_cross_is_found(points: list[tuple[int, int]]) -> None:
    simple = shapely.LinearRing(points).is_simple
    neighbours_fold_back = any(
        shapely.LineString([a, b]).covers(shapely.Point(c)) or shapely.LineString([b, c]).covers(shapely.Point(a))
        for a, b, c in zip(points, points[1:] + points[:1], points[2:] + points[:2], strict=True)
    )
    assume(not neighbours_fold_back)
    assert fixed.crosses_itself(points) is not simple


latitudes = st.integers(-89 * DEGREE, 89 * DEGREE)
longitudes = st.integers(-180 * DEGREE, 180 * DEGREE)


@settings(max_examples=300, deadline=None)
@given(
    longitudes, latitudes, st.integers(0, 359), st.integers(1, 300_000), st.integers(1, 300_000), st.integers(0, 5_000)
)
def test_circles_in_circles_are_never_wrong(
    lon: int, lat: int, azimuth: int, distance_m: int, radius_m: int, err_m: int
) -> None:
    """Against GeographicLib: the farthest point of the inner circle is its centre's distance and its radius away."""
    there = Geodesic.WGS84.Direct(lat / DEGREE, lon / DEGREE, azimuth, distance_m)
    inner = shape.circle(round(there["lon2"] * DEGREE), round(there["lat2"] * DEGREE), 100 * radius_m)
    true_m = metres_apart((lon, lat), (inner[1], inner[2]))
    for outer_m in (radius_m + distance_m - err_m - 50, radius_m + distance_m, radius_m + distance_m + err_m + 50):
        if outer_m <= 0:
            continue
        outcome = within(of(inner), of(shape.circle(lon, lat, 100 * outer_m)), 100 * err_m)
        room_m = outer_m - radius_m - true_m
        assert outcome is not MET or room_m >= err_m - 0.01
        assert outcome is not NOT_MET or room_m < -err_m + 0.01


def test_the_bounds_are_sharp_enough_to_be_of_use() -> None:
    """A circle 40 km off in one of 55 km: decided to within 0.3 % of the distance on either side."""
    outer = of(shape.circle(387_000_000, 335_000_000, 5_500_000))
    there = Geodesic.WGS84.Direct(33.5, 38.7, 45, 40_000)
    centre = round(there["lon2"] * DEGREE), round(there["lat2"] * DEGREE)
    assert within(of(shape.circle(*centre, 1_488_000)), outer, 0) is MET
    assert within(of(shape.circle(*centre, 1_512_000)), outer, 0) is NOT_MET


def test_a_circle_in_a_ring_needs_its_radius_to_the_border() -> None:
    """20 km from the northern border; the bounds leave 1 % between them."""
    north = Geodesic.WGS84.Direct(36, 36, 180, 20_000)["lat2"]
    for radius_cm, outcome in ((1_980_000, MET), (2_000_000, UNDECIDABLE), (2_020_000, NOT_MET)):
        assert within(of(shape.circle(36 * DEGREE, round(north * DEGREE), radius_cm)), of(BOX), 0) is outcome


def test_a_corridor_in_a_corridor() -> None:
    agreed = of(
        shape.corridor([(35 * DEGREE, 35 * DEGREE), (36 * DEGREE, 35 * DEGREE), (36 * DEGREE, 36 * DEGREE)], 2_000_000)
    )
    inside = shape.corridor([(351_000_000, 350_100_000), (359_000_000, 349_900_000)], 1_000_000)
    assert within(of(inside), agreed, 0) is MET
    assert within(of(inside), agreed, 1_000_000) is UNDECIDABLE
    assert (
        within(of(shape.corridor([(35 * DEGREE, 35 * DEGREE), (36 * DEGREE, 36 * DEGREE)], 1_000)), agreed, 0)
        is UNDECIDABLE
    )
    assert within(of(shape.circle(35 * DEGREE, 36 * DEGREE, 1_000)), agreed, 0) is NOT_MET


@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_the_antimeridian_is_no_border(turn: int) -> None:
    agreed = ring((179, -1), (-179, -1), (-179, 1), (179, 1), unit=DEGREE)
    small = Extent(((180 + turn, 0),), ring=False, reach_cm=10_000)
    small = small._replace(points=((small.points[0][0] * DEGREE, 0),))
    assert within(small, agreed, 100) is MET
    assert within(ring((178, 0), (-179, 0), (-180, 1), unit=DEGREE), agreed, 0) is NOT_MET


@pytest.mark.parametrize(
    "area",
    [
        (), (0,), (7, 1, 2), (1,), (1, 5), (1, 0, 0, 5, 5), (2, 1, 2), (2, 0, 0, 0), (2, 0, 0, -5), (3, 100, 0, 0),
        (3, 0, 0, 0, 5, 5), (1, 0, 0, 1, 1, 1, 1), (2, 0, 950_000_000, 5), (1, 0, 0, 1, 2, 3),
        (1, 0, 800_000_000, 1_200_000_000, 0, 1_200_000_000, 0), (1, 0, 0, 1_800_000_000, 0, 0, 5),
        (2, 2**53, 0, 5),
    ],
)  # fmt: skip
def test_numbers_that_make_no_area_are_none(area: tuple[int, ...]) -> None:
    assert extent(area) is None


@given(st.lists(st.integers(-(2**53), 2**53), max_size=12), st.integers(0, 2**40))
def test_whatever_is_sent_has_an_answer(numbers: list[int], err_cm: int) -> None:
    found = extent(tuple(numbers))
    if found is not None:
        assert within(found, of(BOX), err_cm) in Outcome
        assert within(of(BOX), found, err_cm) in Outcome


@given(latitudes)
def test_scales_hold_the_ellipsoid(lat: int) -> None:
    """A thousandth of a degree each way, by GeographicLib, lies between the two scales of its band."""
    low, high = fixed.scales(lat, lat + 10_000)
    north_nm = metres_apart((0, lat), (0, lat + 10_000)) * 1e9 / 10_000
    east_nm = metres_apart((0, lat), (10_000, lat)) * 1e9 / 10_000
    assert low.lat - 2 <= north_nm <= high.lat + 2
    assert low.lon - 2 <= east_nm <= high.lon + 2


@given(st.sampled_from(AltRef), st.sampled_from(AltRef), st.integers(-100_000, 10_000_000))
def test_references_are_as_far_apart_as_in_geo(a: AltRef, b: AltRef, cm: int) -> None:
    bound_cm = reference_bound_cm(a, b, cm)
    bound_m = float(altitude.reference_bound_m(altitude.AltRef[a.name], altitude.AltRef[b.name], cm / 100))
    if bound_cm is None:
        assert bound_m == float("inf")
    else:
        assert Fraction(bound_cm, 100) >= Fraction(bound_m) - Fraction(1, 10**6)
        assert bound_cm / 100 < bound_m + 0.011


def test_more_edges_than_can_be_tried_in_time_are_undecidable() -> None:
    def outline(corners: int, reach: int) -> Extent:
        turns = [2 * math.pi * i / corners for i in range(corners)]
        return ring(*((int(reach * math.cos(t)), int(reach * math.sin(t))) for t in turns))

    agreed = outline(100, 2 * DEGREE)
    assert within(outline(500, DEGREE), agreed, 0) is MET
    assert within(outline(501, DEGREE), agreed, 0) is UNDECIDABLE
