"""Geodesics: against the published rows of GeographicLib and its own Python code, within 1 micrometre."""

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geo import earth, geodesy

MICROMETRE = 1e-6
# lat1, lon1, azi1, lat2, lon2, azi2, s12: rows of Karney's GeodTest set, as GeographicLib's own suite quotes them.
ROWS = [
    (35.60777, -139.44815, 111.098748429560326, -11.17491, -69.95921, 129.289270889708762, 8935244.5604818305),
    (55.52454, 106.05087, 22.020059880982801, 77.03196, 197.18234, 109.112041110671519, 4105086.1713924406),
    (-21.97856, 142.59065, -32.44456876433189, 41.84138, 98.56635, -41.84359951440466, 8394328.894657671),
    (-66.99028, 112.2363, 173.73491240878403, -12.70631, 285.90344, 2.512956620913668, 11150344.2312080241),
    (-17.42761, 173.34268, -159.033557661192928, -15.84784, 5.93557, -20.787484651536988, 16076603.1631180673),
]


def shipped_rows():
    suite = pytest.importorskip("geographiclib.test.test_geodesic")
    return [tuple(row[:7]) for row in suite.GeodesicTest.testcases]


def apart_m(lat1, lon1, lat2, lon2):
    rows = zip(*(np.ravel(value).tolist() for value in np.broadcast_arrays(lat1, lon1, lat2, lon2)), strict=True)
    return max(Geodesic.WGS84.Inverse(*row)["s12"] for row in rows)


def turned(a, b):
    return np.abs((np.asarray(a) - b + 180) % 360 - 180)


@pytest.mark.parametrize("rows", [ROWS, None], ids=["cited", "shipped"])
def test_published_rows(rows):
    lat1, lon1, azi1, lat2, lon2, azi2, s12 = np.array(rows or shipped_rows()).T
    distance, begin, end = geodesy.inverse(lat1, lon1, lat2, lon2)
    assert np.abs(distance - s12).max() < MICROMETRE
    assert max(turned(begin, azi1).max(), turned(end, azi2).max()) < 1e-12 * 90
    lat, lon, azimuth = geodesy.direct(lat1, lon1, azi1, s12)
    assert apart_m(lat, lon, lat2, lon2) < MICROMETRE
    assert turned(azimuth, azi2).max() < 1e-12 * 90
    lat, lon, _ = geodesy.direct(lat2, lon2, azi2, -s12)
    assert apart_m(lat, lon, lat1, lon1) < MICROMETRE


def awkward_points(rng, count):
    lat = rng.uniform(-90, 90, count)
    lon = rng.uniform(-180, 180, count)
    for value, share in ((90.0, 0.05), (-90.0, 0.05), (0.0, 0.1)):
        lat = np.where(rng.random(count) < share, value, lat)
    return lat, np.where(rng.random(count) < 0.2, rng.choice([-180.0, 180.0, 0.0], count), lon)


def test_direct_is_geographiclibs_to_a_micrometre_from_metres_to_half_the_earth():
    rng = np.random.default_rng(1)
    lat, lon = awkward_points(rng, 600)
    course = np.where(rng.random(600) < 0.3, rng.choice([0.0, 90.0, 180.0, -90.0], 600), rng.uniform(-180, 180, 600))
    way = 10 ** rng.uniform(-1, 7.3, 600)
    lat2, lon2, _ = geodesy.direct(lat, lon, course, way)
    theirs = [
        Geodesic.WGS84.Direct(*row)
        for row in zip(lat.tolist(), lon.tolist(), course.tolist(), way.tolist(), strict=True)
    ]
    assert apart_m(lat2, lon2, [row["lat2"] for row in theirs], [row["lon2"] for row in theirs]) < MICROMETRE
    point, along = geodesy.Line.of(lat, lon, course).ecef(way)
    assert np.abs(point - earth.to_ecef(lat2, lon2)).max() < 1e-6
    ahead, _ = geodesy.Line.of(lat, lon, course).ecef(way + 0.5)
    behind, _ = geodesy.Line.of(lat, lon, course).ecef(way - 0.5)
    assert np.abs(ahead - behind - along).max() < 1e-6


def test_inverse_is_geographiclibs_everywhere_and_at_the_antipode():
    rng = np.random.default_rng(2)
    lat1, lon1 = awkward_points(rng, 600)
    lat2, lon2 = awkward_points(rng, 600)
    lat2[:150], lon2[:150] = (
        np.clip(-lat1[:150] + rng.normal(0, 0.3, 150), -90, 90),
        lon1[:150] + 180 + rng.normal(0, 0.3, 150),
    )
    lat2[150:300] = np.clip(lat1[150:300] + rng.normal(0, 1e-4, 150), -90, 90)
    lon2[150:300] = lon1[150:300] + rng.normal(0, 1e-4, 150)
    lat2[300:320], lon2[300:320] = lat1[300:320], lon1[300:320]
    theirs = [
        Geodesic.WGS84.Inverse(*row)["s12"]
        for row in zip(lat1.tolist(), lon1.tolist(), lat2.tolist(), lon2.tolist(), strict=True)
    ]
    distance, azimuth, _ = geodesy.inverse(lat1, lon1, lat2, lon2)
    assert np.abs(distance - theirs).max() < MICROMETRE
    lat, lon, _ = geodesy.direct(lat1, lon1, azimuth, distance)
    assert apart_m(lat, lon, lat2, lon2) < MICROMETRE


def test_what_is_not_known_stays_so_and_disturbs_nobody():
    distance, _, _ = geodesy.inverse([0.0, np.nan, 10.0], 0.0, [0.0, 1.0, np.nan], 1.0)
    assert distance[0] == pytest.approx(111_319.490793, abs=1e-6)
    assert np.isnan(distance[1:]).all()
    assert geodesy.inverse(np.empty(0), 0.0, 1.0, 1.0)[0].shape == (0,)
    assert geodesy.distance_m(0.0, 179.5, 0.0, -179.5) == pytest.approx(111_319.490793, abs=1e-6)


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_plane_gives_a_point_back(lat, lon, east, north):
    back = geodesy.to_plane(lat, lon, *geodesy.from_plane(lat, lon, east, north))
    # A course is lost in rounding at the centre, hence the millimetre.
    assert np.hypot(back[0] - east, back[1] - north) < 1e-3


def test_the_plane_keeps_its_bound():
    rng = np.random.default_rng(3)
    lat, lon = awkward_points(rng, 2_000)
    for reach in (3e4, 1e5, 1e6):
        east, north = rng.uniform(-reach, reach, (2, 2, 2_000))
        flat = np.hypot(east[0] - east[1], north[0] - north[1])
        one, two = (geodesy.from_plane(lat, lon, east[k], north[k]) for k in range(2))
        true = geodesy.distance_m(*one, *two)
        worst = 0.17 * (np.hypot(east, north).max(axis=0) / earth.MEAN_M) ** 2
        assert np.all(flat <= true * (1 + worst) + 1e-3)
        assert np.all(flat >= true * (1 - 1e-5) - 1e-3)


@pytest.mark.parametrize(("arc_m", "bound_m"), [(9_260, 1e-5), (100_000, 0.012), (300_000, 0.32), (1_000_000, 12)])
def test_a_chord_tells_its_arc_within_the_bound_stated(arc_m, bound_m):
    rng = np.random.default_rng(4)
    lat, lon = awkward_points(rng, 2_000)
    lat2, lon2, _ = geodesy.direct(lat, lon, rng.uniform(0, 360, 2_000), arc_m)
    chord = np.linalg.norm(earth.to_ecef(lat, lon) - earth.to_ecef(lat2, lon2), axis=0)
    assert np.abs(earth.chord_to_arc_m(chord) - arc_m).max() < bound_m
    assert earth.chord_to_arc_m(earth.arc_to_chord_m(arc_m)) == pytest.approx(arc_m, abs=1e-6)
