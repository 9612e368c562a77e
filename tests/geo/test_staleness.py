"""Staleness: the bound holds for everything that flies, and nothing vanishes."""

import numpy as np
import pytest

from keepclear.geo import geodesy
from keepclear.geo.staleness import VERTICAL_MPS, reach_m, silent_sources, widened
from keepclear.geo.track import Tracks, advance, position_error_m


def test_a_source_is_silent_when_none_of_its_tracks_is_heard():
    heard = [("radar", 1_000), ("adsb", 1_000), ("radar", 20_000), ("adsb", 4_000), ("mlat", 19_000)]
    assert silent_sources(heard, 20_000) == {"adsb": 4_000}
    assert silent_sources(heard, 34_000) == {"adsb": 4_000, "mlat": 19_000}
    assert silent_sources([], 0) == {}


def test_the_reach_holds_every_turn_that_may_have_been_flown_and_is_nearly_reached():
    """Seeded flights that turn as they like, at 3 degrees a second at most, second by second in a plane."""
    random = np.random.default_rng(3)
    speed, flights, seconds, step_s = 250.0, 2_000, 180, 0.25
    steps = int(seconds / step_s)
    # Each turns hard for a while, one way or the other, and then as it likes.
    hard = random.uniform(0, 120, flights)[:, None] > np.arange(steps) * step_s
    rate = np.where(hard, random.choice([-3.0, 3.0], flights)[:, None], random.uniform(-3, 3, (flights, steps)))
    course = np.radians(np.cumsum(rate * step_s, axis=1) - rate * step_s / 2)
    along = np.cumsum(speed * step_s * np.cos(course), axis=1)
    across = np.cumsum(speed * step_s * np.sin(course), axis=1)
    age = np.arange(1, steps + 1) * step_s
    off = np.hypot(along - speed * age, across)
    bound = reach_m(speed, age)
    assert (off <= bound * 1.0001 + 0.1).all()
    assert (off.max(axis=0)[40:] > 0.8 * bound[40:]).all(), "a bound that nobody comes near is no bound"
    assert reach_m(speed, 1e4) < 2 * speed * 1e4


def test_a_bound_grows_and_never_shrinks_with_age_speed_and_turn():
    age = np.linspace(0, 600, 1_000)
    assert (np.diff(reach_m(200, age)) > 0).all()
    assert (np.diff(reach_m(np.linspace(0, 700, 50), 60)) > 0).all()
    assert (np.diff(reach_m(200, 30, np.linspace(0.1, 20, 50))) > 0).all()
    assert reach_m(0, 600) == 0


@pytest.mark.parametrize("age_s", [0, 15, 16, 40, 60, 300, 1_800])
def test_a_stale_track_that_turns_round_is_still_within_its_error(age_s: int):
    tracks = Tracks.of(
        lat_deg=47,
        lon_deg=8,
        alt_m=9_000,
        ground_speed_mps=220,
        track_deg=[0.0, 90.0, np.nan],
        pos_err_m=185,
        alt_err_m=38,
    )
    now_ms = 1_000 * age_s
    wide = widened(tracks, now_ms)
    straight, error = advance(tracks, now_ms), position_error_m(wide, now_ms)
    turned_s = max(0, age_s - 15 - 60)  # flown back on the course it came from, after half a turn of a minute
    if turned_s:
        for k in (0, 1):
            lat, lon, course = geodesy.direct(47.0, 8.0, tracks.track_deg[k], 220 * 15)
            lat, lon, course = geodesy.direct(lat, lon, course + 90, 2 * 220 * 60 / np.pi)
            lat, lon, _ = geodesy.direct(lat, lon, course + 90, 220 * turned_s)
            assert geodesy.distance_m(lat, lon, straight.lat_deg[k], straight.lon_deg[k]) < error[k]
    assert (error >= position_error_m(tracks, now_ms)).all(), "never more certain than before"
    assert error[2] >= 185 + 220 * age_s, "without a course it may have gone anywhere"
    assert wide.alt_err_m[0] == pytest.approx(38 + VERTICAL_MPS * max(0, age_s - 15))
    if age_s <= 15:
        assert error[:2].tolist() == [185, 185]
