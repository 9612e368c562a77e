"""Volume: what is wrong with one, its widest reading, distance to it, and which volumes meet."""

import math

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import geodesy
from keepclear.geo.altitude import AltRef, reference_bound_m
from keepclear.geo.volume import Circle, Corridor, Everywhere, Polygon, Volume, validate, widest_reading
from keepclear.geo.volumes import Volumes

HOUR = 3_600_000
SQUARE = Polygon(((35.0, 34.0), (35.1, 34.0), (35.1, 34.1), (35.0, 34.1)))


def box(west, south, east, north):
    return Polygon(((west, south), (east, south), (east, north), (west, north)))


def test_a_usual_volume_has_no_fault():
    assert validate(Volume(SQUARE, 1000, 3000, start_ms=0, end_ms=HOUR)) == []
    assert validate(Volume(Circle(179.99, 89.9, 50_000))) == []
    assert validate(Volume(Corridor(((35.0, 34.0), (35.1, 34.1)), 2_000))) == []
    assert validate(Volume()) == []
    assert validate(Volume(Polygon((*SQUARE.ring, SQUARE.ring[0])))) == []


BAD_AREAS = [
    (Polygon(((0, 0), (1, 1), (1, 0), (0, 1))), "crosses or touches itself", "in their order"),
    (Polygon(((0, 0), (1, 1))), "2 different points, at least 3", "circle"),
    (Polygon(()), "0 different points", "circle"),
    (Polygon(((0, 0), (0, 0), (0, 0))), "1 different points", "circle"),
    (Polygon(((0, 0), (0.1, 0.1), (0.2, 0.2))), "encloses no area", "corridor"),
    (Polygon(((0, 0), (180, 0), (90, 10))), "edge 1 spans 180 degrees", "use a circle"),
    (Polygon(((0, 80), (90, 80), (180, 80), (-90, 80))), "runs round a pole", "circle about the pole"),
    (
        Polygon(((0, 0), (100, 0), (-160, 0), (-80, 0), (-80, 1), (-160, 1), (100, 1), (0, 1))),
        "280 degrees of longitude",
        "several",
    ),
    (Polygon(((0, 0), (math.nan, 0), (1, 1))), "point 2 is (nan, 0)", "latitude within"),
    (Polygon(((0, 0), (181, 0), (1, 1))), "point 2 is (181, 0)", "longitude within"),
    (Polygon(((0, 0), (1, 91), (1, 1))), "point 2 is (1, 91)", "latitude within"),
    (Circle(0, 0, 0), "radius is 0 m", "above 0"),
    (Circle(0, 0, math.nan), "radius is nan m", "above 0"),
    (Circle(0, 0, 6e6), "radius is 6000000.0 m", "at most 5000000"),
    (Circle(0, math.inf, 1), "point 1 is (0, inf)", "latitude within"),
    (Corridor(((0, 0), (0, 0)), 100), "1 different points, at least 2", "circle"),
    (Corridor(((0, 0), (0, 1)), -1), "-1 m wide", "above 0"),
    (Corridor(((0, 0), (0, 1)), math.inf), "inf m wide", "at most 200000"),
    (Corridor(((0, 87.5), (1, 87.9)), 50_000), "reaches latitude 88.1", "circles near a pole"),
]


@pytest.mark.parametrize(("shape", "reason", "hint"), BAD_AREAS)
def test_an_area_that_is_none_is_said_so_and_read_as_everywhere(shape, reason, hint):
    volume = Volume(shape, 0, 100, start_ms=5, end_ms=9)
    faults = [fault for fault in validate(volume) if fault.widens]
    assert [fault.widens for fault in faults] == ["area"]
    assert reason in faults[0].reason
    assert hint in faults[0].hint
    assert widest_reading(volume) == Volume(Everywhere(), 0, 100, start_ms=5, end_ms=9)


@pytest.mark.parametrize(
    ("volume", "reason", "widest"),
    [
        (Volume(SQUARE, 3000, 1000), "lower limit 3000 m is not below the upper limit 1000 m", Volume(SQUARE)),
        (Volume(SQUARE, 1000, 1000), "lower limit 1000 m is not below", Volume(SQUARE)),
        (Volume(SQUARE, math.nan, 1000), "lower limit is nan m", Volume(SQUARE)),
        (Volume(SQUARE, 0, math.inf), "upper limit is inf m", Volume(SQUARE)),
        (Volume(SQUARE, start_ms=9, end_ms=4), "ends 5 ms before it begins", Volume(SQUARE)),
        (Volume(SQUARE, start_ms=9, end_ms=9), "window has no length", Volume(SQUARE)),
        (Volume(Polygon(SQUARE.ring, (SQUARE.ring,))), "has 1 holes, none is allowed", Volume(SQUARE)),
    ],
)
def test_a_part_that_is_upside_down_is_left_open(volume, reason, widest):
    (fault,) = validate(volume)
    assert reason in fault.reason
    assert widest_reading(volume) == widest


def test_limits_of_two_references_are_upside_down_only_if_no_day_can_right_them():
    low = Volume(SQUARE, 3000, 2800, AltRef.STD, AltRef.AMSL)
    assert validate(low) == []
    assert validate(Volume(SQUARE, 9000, 1000, AltRef.STD, AltRef.AMSL))
    assert validate(Volume(SQUARE, 9000, 1000, AltRef.AGL, AltRef.AMSL)) == []


def test_long_edges_are_usable_and_get_a_hint():
    (fault,) = validate(Volume(box(10, 50, 11, 50.1)))
    assert "2 edges are longer than 20 km, edge 1 is about 72 km" in fault.reason
    assert "straight in (longitude, latitude)" in fault.hint
    assert widest_reading(Volume(box(10, 50, 11, 50.1))).shape == box(10, 50, 11, 50.1)


def test_references_are_apart_by_what_is_declared():
    assert reference_bound_m(AltRef.STD, AltRef.STD, 9000) == 0
    assert reference_bound_m(AltRef.WGS84, AltRef.AMSL, 9000) == 110
    assert reference_bound_m(AltRef.AMSL, AltRef.STD, -1000) == 870
    assert reference_bound_m(AltRef.STD, AltRef.WGS84, 10_000) == 2_060
    assert reference_bound_m(AltRef.AGL, AltRef.AGL, 0) == 0
    assert np.isinf(reference_bound_m([0, 1, 3], AltRef.AGL, np.nan)).all()


PLACES = [(34, 35), (0, 179.95), (-60, -179.95), (80, 10)]


@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_distance_to_rings_and_corridors_is_that_to_their_points(lat, lon):
    rng = np.random.default_rng(7)
    for seed in range(6):
        ring = oracle.star(rng, lat, lon, 0.5, 5 + seed)
        volumes = Volumes.of([Volume(ring)])
        points_lat = lat + rng.uniform(-1, 1, 20)
        points_lon = geodesy.wrap_deg(lon + rng.uniform(-1, 1, 20))
        inside = oracle.in_shape(ring, points_lat, points_lon)
        outside_m = oracle.distance_outside_m(volumes, 0, points_lat, points_lon)
        assert ((outside_m == 0) == inside).all()
        border_m = volumes.to_border_m(np.zeros(20, dtype=np.int64), points_lat, points_lon)
        plain_m = [oracle.near_border_m(ring, *point) for point in zip(points_lat, points_lon, strict=True)]
        assert np.all(border_m <= np.array(plain_m) + 0.5)
        # The plain answer is long by the gaps between its points.
        assert np.all(border_m >= np.array(plain_m) - np.minimum(100, 5_000 / np.maximum(border_m, 1)) - 0.5)


@pytest.mark.parametrize(("lat", "lon"), [*PLACES, (-86, 120)])
def test_a_corridors_outline_holds_it_and_little_more(lat, lon):
    rng = np.random.default_rng(8)
    for width_m in (2_000, 150_000):
        wide = 1 / math.cos(math.radians(lat))
        ends = [(geodesy.wrap_deg(lon + k * wide), lat + k / 2) for k in (-0.6, 0.0, 0.7)]
        line = Corridor(tuple((float(x), y) for x, y in ends), width_m)
        spread = width_m / 111_000
        points_lat = np.clip(lat + rng.uniform(-0.6 - spread, 0.6 + spread, 80), -89.9, 89.9)
        points_lon = geodesy.wrap_deg(lon + wide * rng.uniform(-0.9 - spread, 0.9 + spread, 80))
        inside = Volumes.of([Volume(line)]).contain(np.zeros(80, dtype=np.int64), points_lat, points_lon)
        from_line = np.array(
            [oracle.near_border_m(line, *point, step_m=100) for point in zip(points_lat, points_lon, strict=True)]
        )
        half_m = width_m / 2
        assert inside[from_line < half_m - 1].all()
        assert not inside[from_line > half_m * 1.005 + 5 + 3].any()
