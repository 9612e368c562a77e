"""Kernel: conflicts by numpy and by the kernel, pair for pair, on pictures made to tell them apart."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepclear.geo import geodesy, kernel
from keepclear.geo.altitude import AltRef, reference_bound_m
from keepclear.geo.conflict import Conflicts, conflicts
from keepclear.geo.track import Tracks, advance
from keepclear.geo.units import NEVER_MS, flight_level_to_cm

LOADED = kernel.LOADED
pytestmark = pytest.mark.skipif(LOADED is None, reason="the kernel is not installed; hint: make kernel")

DRAWN = settings(max_examples=300, deadline=None)
WITHIN_M = 1e-5


def compare(tracks, horizontal_m=9_260.0, vertical_m=304.8, look_ahead_ms=600_000, now_ms=0):
    """Asserts that both engines tell the same rows; how many."""
    one = conflicts(tracks, horizontal_m, vertical_m, look_ahead_ms, now_ms, kernel=None)
    two = conflicts(tracks, horizontal_m, vertical_m, look_ahead_ms, now_ms, kernel=LOADED)
    assert list(zip(one.i, one.j, strict=True)) == list(zip(two.i, two.j, strict=True))
    for field in fields(Conflicts):
        a, b = getattr(one, field.name), getattr(two, field.name)
        assert a.dtype == b.dtype
        if field.name.startswith("t_"):
            assert np.array_equal(a == NEVER_MS, b == NEVER_MS), field.name
            assert np.all(np.abs(a - b) <= 1), field.name
        else:
            np.testing.assert_allclose(a, b, rtol=0, atol=WITHIN_M, err_msg=field.name)
    return len(one)


def some(column, values):
    """A column, now and then one of the values that make trouble."""
    return st.one_of(column, st.sampled_from(values))


# Places of a hundred kilometres about a point, so that most pictures have losses.
NEAR = st.floats(-0.5, 0.5)
CENTRES = [(0, 0), (47, 8), (0, 180), (60, -179.9), (89.9, 10), (90, 0), (-90, 0), (-89.99, 179), (0, 90), (-45, -90)]
ROW = st.tuples(
    NEAR,
    NEAR,
    some(st.floats(0, 12_000), [np.nan, np.inf, 0.0, 3048.0, 3352.8, 3352.799, 3048.0 + 304.8 - 1e-7]),
    st.sampled_from([AltRef.STD] * 6 + [AltRef.AMSL, AltRef.WGS84, AltRef.AGL]),
    some(st.floats(0, 400), [np.nan, 0.0, 250.0, 1e-7, 900.0, -50.0, np.inf]),
    some(st.floats(0, 360), [np.nan, 0.0, 90.0, 180.0, 45.0]),
    some(st.floats(-30, 30), [np.nan, 0.0, 1e-10, 5.0]),
    some(st.integers(-60_000, 10_000), [0, -3_600_000]),
)


@DRAWN
@given(st.sampled_from(CENTRES), st.lists(ROW, min_size=2, max_size=12), st.sampled_from([1, 60_000, 900_000]))
def test_any_picture_has_the_same_rows(centre, rows, look_ahead_ms):
    lat, lon, alt, ref, speed, course, rate, at = zip(*rows, strict=True)
    wide = 1 / max(np.cos(np.radians(centre[0])), 0.02)
    tracks = Tracks.of(
        lat_deg=np.clip(centre[0] + np.array(lat), -90, 90),
        lon_deg=geodesy.wrap_deg(centre[1] + wide * np.array(lon)),
        alt_m=alt,
        alt_ref=ref,
        ground_speed_mps=speed,
        track_deg=course,
        vertical_rate_mps=rate,
        at_ms=at,
    )
    compare(tracks, look_ahead_ms=look_ahead_ms)


@DRAWN
@given(
    st.sampled_from(CENTRES),
    st.floats(0, 360),
    st.sampled_from([9_259.9, 9_259.998, 9_260.0, 9_260.001, 5.0, 0.0]),
    st.sampled_from([0.0, 100.0, 250.0]),
    st.floats(0, 360),
)
def test_the_same_velocity_and_exactly_five_miles(centre, course, gap_m, speed, bearing):
    lat2, lon2, _ = geodesy.direct(*centre, bearing, gap_m)
    tracks = Tracks.of(
        lat_deg=[centre[0], lat2], lon_deg=[centre[1], lon2], ground_speed_mps=speed, track_deg=course, alt_m=9_000
    )
    compare(tracks)


@pytest.mark.parametrize("climb", [0.0, 7.5])
def test_exactly_a_thousand_feet_at_every_flight_level(climb):
    level = np.arange(601)
    alt_cm = np.concatenate([flight_level_to_cm(level), flight_level_to_cm(level + 10)])
    tracks = Tracks.of(
        lat_deg=34,
        lon_deg=np.concatenate([level, level + 0.01]) / 2,
        alt_m=alt_cm / 100,
        ground_speed_mps=np.repeat([230.0, 180.0], 601),
        track_deg=90,
        vertical_rate_mps=climb,
    )
    assert compare(tracks, look_ahead_ms=10_000) == 0
    assert compare(tracks, vertical_m=304.81, look_ahead_ms=10_000) == 601


def picture(seed, count, lat, lon, size_deg, fastest_mps=300.0):
    draw = np.random.default_rng(abs(seed))
    return Tracks.of(
        lat_deg=np.clip(draw.uniform(lat - size_deg, lat + size_deg, count), -90, 90),
        lon_deg=geodesy.wrap_deg(draw.uniform(lon - size_deg, lon + size_deg, count)),
        alt_m=np.where(draw.random(count) < 0.01, np.nan, draw.integers(0, 400, count) * 30.48),
        alt_ref=np.where(draw.random(count) < 0.05, draw.integers(0, 4, count), AltRef.STD),
        ground_speed_mps=np.where(draw.random(count) < 0.1, 0.0, draw.uniform(0, fastest_mps, count)),
        track_deg=draw.uniform(0, 360, count),
        vertical_rate_mps=draw.choice([-10.0, 0.0, 0.0, 8.0], count),
        at_ms=draw.integers(-30_000, 1, count),
    )


@pytest.mark.parametrize(
    ("lat", "lon", "size_deg"), [(47, 10, 12), (0, 180, 10), (0, 90, 10), (90, 0, 180), (-88, 0, 3), (0, 0, 180)]
)
def test_large_pictures_have_the_same_rows(lat, lon, size_deg):
    assert compare(picture(int(lat + lon), 4_000, lat, lon, size_deg), look_ahead_ms=300_000) > 10


def test_what_flies_farther_than_a_series_reaches_has_the_same_rows():
    fast = picture(7, 600, 30, 30, 5, fastest_mps=2_000.0)
    assert compare(fast, look_ahead_ms=1_200_000) > 100
    assert compare(advance(fast, -600_000), look_ahead_ms=60_000) > 5


def test_none_and_one():
    assert compare(Tracks.of(lat_deg=[], lon_deg=[])) == 0
    assert compare(Tracks.of(lat_deg=[1], lon_deg=[2])) == 0
    assert compare(Tracks.of(lat_deg=[np.nan, np.nan, 91], lon_deg=[2, 2, 2])) == 0


def test_the_bounds_between_references_are_the_same():
    every = [AltRef.WGS84, AltRef.AMSL, AltRef.AGL, AltRef.STD]
    for one in every:
        for other in every:
            tracks = Tracks.of(lat_deg=10, lon_deg=[10, 10.001], alt_m=[4_000, 4_100], alt_ref=[one, other])
            assert compare(tracks) == 1
            found = conflicts(tracks, kernel=LOADED)
            assert found.v_bound_m[0] == reference_bound_m(one, other, 4_100)


def test_a_wrong_column_is_told():
    tracks = Tracks.of(lat_deg=[1, 2], lon_deg=[1, 2], alt_ref=9)
    with pytest.raises(ValueError, match="alt_ref 9 is no altitude reference; they are 0 to 3"):
        conflicts(tracks, kernel=LOADED)
