"""Side: plain lines, ends, corners, hairpins and spirals; then thousands against a curve's own height and shapely."""

import numpy as np
import pytest
import shapely
from tests.geo import oracle

from keepclear.geo import geodesy
from keepclear.geo.reading import Reading, at_least
from keepclear.geo.side import ACCURACY_M, Polyline, sides
from keepclear.geo.turn import LEFT, RIGHT

MET, OPEN, NOT = Reading.MET, Reading.UNDECIDABLE, Reading.NOT_MET


def one(points, lat, lon, error_m=0.0):
    found = sides(Polyline.of(points), lat, lon, error_m)
    return {name: getattr(found, name)[0] for name in found.__slots__}


def test_north_of_an_eastbound_line_is_left():
    east = ((10.0, 50.0), (11.0, 50.0))
    north, south = one(east, 50.1, 10.5), one(east, 49.9, 10.5)
    assert (north["side"], south["side"]) == (LEFT, RIGHT)
    assert north["certain"]
    # The edge is the parallel, not the geodesic.
    assert north["distance_m"] == pytest.approx(geodesy.distance_m(50.1, 10.5, 50.0, 10.5), abs=0.01)
    assert one(east[::-1], 50.1, 10.5)["side"] == RIGHT
    assert sides(Polyline.of(east), 50.1, 10.5).are_on(LEFT) == [MET]
    assert sides(Polyline.of(east), 50.1, 10.5).are_on(RIGHT) == [NOT]


def test_the_error_leaves_it_open_and_so_does_the_line_itself():
    east = ((10.0, 50.0), (11.0, 50.0))
    for away, error, expected in (
        (500, 400, MET),
        (500, 499.9, MET),
        (500, 500.1, OPEN),
        (-500, 400, NOT),
        (0, 0, OPEN),
    ):
        lat, lon, _ = geodesy.direct(50, 10.5, 0, away)
        found = sides(Polyline.of(east), lat, lon, error)
        assert found.are_on(LEFT) == [expected]
        assert at_least(found.distance_m, 450.0, found.error_m) == [NOT if away == 0 else MET if error < 50 else OPEN]
    assert one(east, 50.0, 10.5)["side"] == 0


@pytest.mark.parametrize("turn", [0, 360, -360])
def test_past_an_end_nothing_is_divided(turn):
    line = ((179.0, 10.0), (-179.0 + turn, 10.0))
    after, before, beside = one(line, 10.1, -178.9), one(line, 9.9, 178.9), one(line, 10.1, -179.1)
    assert (after["beyond"], before["beyond"], beside["beyond"]) == (1, -1, 0)
    assert (after["side"], before["side"], beside["side"]) == (LEFT, RIGHT, LEFT)
    assert (after["certain"], before["certain"], beside["certain"]) == (False, False, True)
    # 11 km beside it and as far from the end: 3 km of error reach past the end, 300 m do not.
    assert not one(line, 10.1, -179.1, 3_000)["certain"]
    assert one(line, 10.1, -179.1, 300)["certain"]


def test_a_corner_has_an_inside_and_an_outside():
    corner = ((0.0, 0.0), (1.0, 0.0), (0.2, 0.3))
    for lat, lon, side in (
        (0.0, 1.1, RIGHT),
        (0.2, 1.1, RIGHT),
        (-0.1, 1.01, RIGHT),
        (0.05, 0.7, LEFT),
        (0.3, 0.6, RIGHT),
    ):
        assert one(corner, lat, lon, 100)["side"] == side
        assert one(corner, lat, lon, 100)["certain"]


def test_a_hairpin_seen_from_afar_is_no_doubt_and_within_a_spiral_is():
    zigzag = [(x / 100, 0.002 * (x % 2)) for x in range(101)]
    assert one(zigzag, 0.05, 0.5, 2_000)["certain"]
    assert one(zigzag, 0.05, 0.5, 2_000)["side"] == LEFT
    turn = np.linspace(0, 6 * np.pi, 200)
    spiral = list(zip((turn * np.cos(turn) / 100).tolist(), (turn * np.sin(turn) / 100).tolist(), strict=True))
    between = 4.5 * np.pi / 100
    assert not one(spiral, 0.005, -between * 1.06, 4_000)["certain"]
    near = one(spiral, 0.0, 0.06 * np.pi + 0.005, 100)
    assert (near["side"], near["certain"]) == (RIGHT, False) or near["beyond"] != 0


def test_a_line_that_crosses_itself_is_never_certain():
    eight = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, -1.0))
    assert not one(eight, 0.5, 0.2)["certain"]


def test_what_makes_no_line_is_said_and_what_is_no_point_is_open():
    for points, reason in (
        (((1, 1), (1, 1)), "1 different points"),
        (((1, 1), (1, 91)), "no place"),
        (((1, 1), (181, 1)), "180 degrees"),
        (tuple((x, 0) for x in range(0, 281, 40)), "280 degrees"),
    ):
        with pytest.raises(ValueError, match=reason):
            Polyline.of(points)
    found = sides(Polyline.of(((0, 0), (1, 0))), [np.nan, 1.0], [0.5, 0.5])
    assert found.are_on(LEFT).tolist() == [OPEN, MET]
    assert np.isnan(found.distance_m[0])


def curve(rng, lat, lon, wide):
    """A meandering line that goes east all the way: which side a point is on is a matter of its height alone."""
    count = int(rng.integers(2, 40))
    lons = lon + np.sort(rng.uniform(0, wide, count)) * np.linspace(1, 1.001, count)
    lats = lat + rng.uniform(-1, 1, count) * wide * rng.choice([0.02, 0.2, 0.5])
    return lons, lats


@pytest.mark.parametrize(
    ("lat", "lon", "wide"), [(0, 179, 2), (50, 10, 1), (-75, -180.5, 3), (34, 35, 0.05), (60, 0, 12)]
)
def test_ten_thousand_points_beside_meandering_lines(lat, lon, wide):
    rng = np.random.default_rng(int(lat + 100))
    certain = 0
    for _ in range(20):
        lons, lats = curve(rng, lat, lon, wide)
        line = Polyline.of(list(zip(geodesy.wrap_deg(lons).tolist(), lats.tolist(), strict=True)))
        x = rng.uniform(lons[0], lons[-1], 100)
        y = np.interp(x, lons, lats) + rng.normal(0, 1, 100) * wide * 10 ** rng.uniform(-5, -0.5, 100)
        error = 111_000 * wide * 10 ** rng.uniform(-6, -1, 100)
        above = np.where(y > np.interp(x, lons, lats), LEFT, RIGHT)
        sharp = sides(line, y, geodesy.wrap_deg(x))
        assert np.array_equal(sharp.side[sharp.certain], above[sharp.certain])
        unsure = sides(line, y, geodesy.wrap_deg(x), error)
        certain += unsure.certain.sum()
        assert np.array_equal(unsure.side[unsure.certain], above[unsure.certain])
        assert np.all(sharp.certain | ~unsure.certain)
        # Wherever within the error it may truly be, a certain side is its side.
        for _ in range(3):
            lat2, lon2, _ = geodesy.direct(y, x, rng.uniform(0, 360, 100), error * np.sqrt(rng.random(100)))
            x2 = x + geodesy.wrap_deg(lon2 - x)
            there = np.where(lat2 > np.interp(x2, lons, lats), LEFT, RIGHT)
            held = unsure.certain
            assert np.array_equal(there[held], unsure.side[held])
            assert np.all(sides(line, lat2[held], lon2[held]).beyond == 0)
    assert certain > 500


def test_ten_thousand_points_about_rings_that_are_cut_open_by_shapely():
    rng = np.random.default_rng(7)
    compared = 0
    for _ in range(100):
        lat, lon = rng.uniform(-70, 70), rng.uniform(-180, 180)
        ring = oracle.unrolled(oracle.star(rng, lat, lon, 0.5, int(rng.integers(4, 14))).ring)
        body = shapely.Polygon(ring)
        if not body.is_valid:
            continue
        inside = LEFT if body.exterior.is_ccw else RIGHT
        x, y = (
            ring[:, 0].mean() + rng.normal(0, 0.6, 100),
            np.clip(ring[:, 1].mean() + rng.normal(0, 0.4, 100), -85, 85),
        )
        found = sides(Polyline.of([tuple(p) for p in ring.tolist()]), y, x, rng.uniform(0, 500, 100))
        # The ring lacks its last edge: what looks through the gap sees the other side.
        gap = shapely.LineString([ring[-1], ring[0]])
        near_x = x + geodesy.wrap_deg(found.lon_deg - x)
        sight = shapely.linestrings(np.stack([np.stack([x, y]), np.stack([near_x, found.lat_deg])]).transpose(2, 0, 1))
        told = found.certain & ~shapely.intersects(sight, gap)
        true = np.where(shapely.contains_xy(body, x, y), inside, -inside)
        assert np.array_equal(found.side[told], true[told])
        compared += told.sum()
    assert compared > 5_000


@pytest.mark.parametrize(("lat", "lon", "wide"), [(0, 179, 2), (52, 10, 1), (-75, -180.5, 3), (60, 0, 9)])
def test_the_distance_is_that_of_the_nearest_place(lat, lon, wide):
    rng = np.random.default_rng(int(lat + 200))
    for _ in range(2):
        lons, lats = curve(rng, lat, lon, wide)
        line = Polyline.of(list(zip(geodesy.wrap_deg(lons).tolist(), lats.tolist(), strict=True)))
        x, y = rng.uniform(lons[0] - wide / 9, lons[-1] + wide / 9, 30), lat + rng.normal(0, wide / 3, 30)
        found = sides(line, y, geodesy.wrap_deg(x))
        # On an edge under some 100 km the distance has one least value: thirds.
        cuts = 1 + int(wide)
        lons, lats = (np.interp(np.linspace(0, len(lons) - 1, (len(lons) - 1) * cuts + 1), np.arange(len(lons)), v)
                      for v in (lons, lats))  # fmt: skip
        low, high = np.zeros((30, len(lons) - 1)), np.ones((30, len(lons) - 1))
        for _ in range(40):
            thirds = [low + (high - low) * k / 3 for k in (1, 2)]
            one_m, two_m = (
                geodesy.distance_m(y[:, None], x[:, None], lats[:-1] + u * np.diff(lats), lons[:-1] + u * np.diff(lons))
                for u in thirds
            )
            low, high = np.where(one_m > two_m, thirds[0], low), np.where(one_m > two_m, high, thirds[1])
        least = np.minimum(one_m, two_m).min(axis=1)
        assert np.all(np.abs(found.distance_m - least) <= ACCURACY_M + 1e-5 * np.maximum(least - 300_000, 0))
