"""Probability: known answers, then thousands of drawn flights beside the closed form."""

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import geodesy
from keepclear.geo.conflict import conflicts
from keepclear.geo.probability import Spread, loss_probability
from keepclear.geo.track import Tracks

H, V = 9_260.0, 304.8
DRAWN = 16_000


def pairs_at(rng, count):
    """Pairs about one place of every kind: formations, near formations, standing, head-on, crossing, climbing."""
    kind = rng.integers(0, 6, count)
    course_a, course_b = rng.uniform(0, 360, (2, count))
    speed_a, speed_b = rng.choice([0.0, 20.0, 60.0, 120.0, 250.0], (2, count))
    alike = (kind == 0) | (kind == 1)
    course_b = np.where(alike, course_a, course_b) + np.where(kind == 1, rng.normal(0, 3, count), 0)
    speed_b = np.where(alike, speed_a, speed_b) + np.where(kind == 1, rng.uniform(0, 8, count), 0)
    course_b = np.where(kind == 2, course_a + 180, course_b)
    speed_a, speed_b = np.where(kind == 3, 0.0, speed_a), np.where(kind == 3, 0.0, speed_b)
    look_ahead_s = rng.choice([120, 300, 600, 1200])
    a, b = np.radians(course_a), np.radians(course_b)
    velocity = np.stack([speed_a * np.sin(a) - speed_b * np.sin(b), speed_a * np.cos(a) - speed_b * np.cos(b)])
    speed = np.hypot(*velocity)
    ahead = np.where(speed > 1, velocity / np.maximum(speed, 1e-9), np.stack([np.sin(a), np.cos(a)]))
    miss = rng.uniform(-2, 2, count) * H
    place = -velocity * rng.uniform(-0.3, 1.3, count) * look_ahead_s + miss * np.stack([ahead[1], -ahead[0]])
    climb = np.where(kind == 5, rng.uniform(-8, 8, count), 0.0)
    height = np.where(kind < 4, 0.0, rng.uniform(-2, 2, count) * V) - climb * look_ahead_s / 2 * (kind == 5)
    spread = [10 ** rng.uniform(1, 3, (2, count)), 10 ** rng.uniform(1, 3, (2, count)), rng.uniform(5, 150, (2, count))]
    spread += [rng.uniform(0, 8, (2, count)), rng.uniform(0, 2, (2, count)), rng.uniform(0, 0.3, (2, count))]
    still = rng.random(count) < 0.2
    spread[3:] = [np.where(still, 0.0, column) for column in spread[3:]]
    return look_ahead_s, (course_a, course_b), (speed_a, speed_b), place, velocity, climb, height, np.array(spread)


def asked(look_ahead_s, courses, speeds, place, velocity, climb, height, spread, lat=0.0, lon=179.99):
    """The same pairs as tracks: where they are nearest they are as the plane says, one of them at (lat, lon)."""
    nearest = np.clip(-(place * velocity).sum(0) / np.maximum((velocity**2).sum(0), 1e-9), 0, look_ahead_s)
    east, north = place + velocity * nearest
    lat_a, lon_a = geodesy.from_plane(lat, lon, east, north)
    away, azimuth, there = geodesy.inverse(lat, lon, lat_a, lon_a)
    turned = np.where(away > 0, there - azimuth, 0.0)
    tracks = []
    for k, (lat_k, lon_k, turn, alt, rate) in enumerate(
        [(lat_a, lon_a, turned, 9000 + height, climb), (lat + 0 * east, lon + 0 * east, 0.0, 9000.0, 0.0)]
    ):
        before = geodesy.direct(lat_k, lon_k, courses[k] + turn, -speeds[k] * nearest)
        tracks.append(
            Tracks.of(lat_deg=before[0], lon_deg=before[1], track_deg=before[2], ground_speed_mps=speeds[k], alt_m=alt,
                      vertical_rate_mps=rate)
        )  # fmt: skip
    return loss_probability(*tracks, Spread(*spread[:, 0]), Spread(*spread[:, 1]), 0, look_ahead_s * 1000)


def drawn(rng, look_ahead_s, courses, place, velocity, climb, height, spread):
    """The share of drawn flights that lose separation: both disc and height at one instant, without small steps."""
    place = np.repeat(place[:, None], DRAWN, axis=1)
    velocity = np.repeat(velocity[:, None], DRAWN, axis=1)
    heights, climbs = np.full(DRAWN, height), np.full(DRAWN, climb)
    for k, sign in ((0, 1), (1, -1)):
        sin, cos = np.sin(np.radians(courses[k])), np.cos(np.radians(courses[k]))
        along, cross, up, along_v, cross_v, up_v = spread[:, k, None] * rng.standard_normal((6, DRAWN)) * sign
        place = place + np.stack([along * sin + cross * cos, along * cos - cross * sin])
        velocity = velocity + np.stack([along_v * sin + cross_v * cos, along_v * cos - cross_v * sin])
        heights, climbs = heights + up, climbs + up_v
    a, b, c = (velocity**2).sum(0), (place * velocity).sum(0), (place**2).sum(0) - H**2
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(b * b - a * c, 0))
        still = a < 1e-12
        enter = np.where(still, np.where(c < 0, -np.inf, np.inf), np.where(b * b > a * c, (-b - root) / a, np.inf))
        leave = np.where(still, np.where(c < 0, np.inf, -np.inf), np.where(b * b > a * c, (-b + root) / a, -np.inf))
        one, two = (-V - heights) / climbs, (V - heights) / climbs
    level = np.abs(climbs) < 1e-12
    low = np.where(level, np.where(np.abs(heights) < V, -np.inf, np.inf), np.minimum(one, two))
    high = np.where(level, np.where(np.abs(heights) < V, np.inf, -np.inf), np.maximum(one, two))
    return (np.maximum(np.maximum(enter, low), 0) < np.minimum(np.minimum(leave, high), look_ahead_s)).mean()


@pytest.mark.parametrize("seed", range(4))
def test_drawn_flights_agree_within_the_stated_error(seed):
    rng = np.random.default_rng(seed)
    look_ahead_s, courses, speeds, place, velocity, climb, height, spread = pairs_at(rng, 80)
    found = asked(look_ahead_s, courses, speeds, place, velocity, climb, height, spread)
    true = np.array(
        [
            drawn(rng, look_ahead_s, (courses[0][k], courses[1][k]), place[:, k], velocity[:, k], climb[k], height[k],
                  spread[:, :, k])
            for k in range(80)
        ]
    )  # fmt: skip
    own = np.sqrt((spread[3:5] ** 2).sum(axis=(0, 1)))
    hard = np.hypot(*velocity) < 3 * own
    wrong = np.abs(found - true)
    assert wrong[~hard].max() < 0.06
    assert wrong.max() < 0.08
    assert np.sqrt((wrong**2).mean()) < 0.015
    assert 0.1 < true.mean() < 0.9


SURE = Spread(0.0, 0.0, 0.0)


def two(**changes):
    usual = {"alt_m": 9000, "ground_speed_mps": 230.0, "track_deg": 90}
    both = Tracks.of(**{**usual, **changes})
    return both.take([0]), both.take([1])


def test_without_spread_it_is_the_verdict_of_conflicts():
    rng = np.random.default_rng(5)
    for lat, lon in ((0, 179.99), (47, 8), (-89.9, 20)):
        many = oracle.random_tracks(rng, 24, lat, lon, spread_deg=0.4)
        many.alt_m[:] = rng.integers(200, 212, 24) * 30.48
        many.ground_speed_mps[1], many.track_deg[1], many.at_ms[1] = many.ground_speed_mps[0], many.track_deg[0], 0
        lost = np.zeros((24, 24), dtype=bool)
        rows = conflicts(many, look_ahead_ms=300_000, now_ms=10_000)
        lost[rows.i, rows.j] = True
        i, j = np.triu_indices(24, 1)
        found = loss_probability(many.take(i), many.take(j), SURE, SURE, 10_000)
        assert np.all((found > 0.5) == lost[i, j])
        clear = np.abs(found - 0.5) > 0.49
        assert clear.mean() > 0.97
        assert lost.sum() > 10


def test_a_formation_on_the_limit_is_even_and_far_apart_is_sure():
    lat, _, _ = geodesy.direct(0, 0, 0, [9_260.0, 5_000.0, 15_000.0])
    for gap, expected in zip(lat, (0.49, 1.0, 0.0), strict=True):
        for speed in (0.0, 230.0):
            pair = two(lat_deg=[0, gap], lon_deg=0, ground_speed_mps=speed)
            found = loss_probability(*pair, Spread(100, 100, 10), Spread(100, 100, 10), 0)
            assert found == pytest.approx([expected], abs=0.01)


def test_height_is_a_matter_of_its_spread():
    pair = two(lat_deg=0, lon_deg=[0, 0.01], alt_m=[9000, 9000 + V])
    spread = Spread(50, 50, 30)
    assert loss_probability(*pair, spread, spread, 0) == pytest.approx([0.5], abs=1e-3)
    unknown = two(lat_deg=0, lon_deg=[0, 0.01], alt_m=[9000, np.nan])
    assert loss_probability(*unknown, spread, spread, 0) == pytest.approx([1.0], abs=1e-6)
    ground = two(lat_deg=0, lon_deg=[0, 0.01], alt_m=[9000, 0], alt_ref=[3, 2])
    assert loss_probability(*ground, spread, spread, 0) == pytest.approx([1.0], abs=1e-6)


def test_the_age_of_a_report_widens_it():
    fresh = two(lat_deg=[0, 0.085], lon_deg=0, at_ms=60_000)
    stale = two(lat_deg=[0, 0.085], lon_deg=0, at_ms=0)
    spread = Spread(20, 20, 10, 0, 3)
    now = loss_probability(*fresh, spread, spread, 60_000, 1_000)
    assert now == pytest.approx([0.0], abs=1e-6)
    assert loss_probability(*stale, spread, spread, 60_000, 1_000) > 0.2


def test_a_longer_look_ahead_is_never_less_likely_and_order_is_nothing():
    rng = np.random.default_rng(8)
    a = oracle.random_tracks(rng, 60, 50, 8, spread_deg=0.3)
    b = oracle.random_tracks(rng, 60, 50, 8, spread_deg=0.3)
    a.alt_m[:], b.alt_m[:] = 9000, 9100
    spread = Spread(100, 60, 300, 5, 1, 0.2)
    found = [loss_probability(a, b, spread, spread, 10_000, ahead) for ahead in (1_000, 120_000, 600_000)]
    assert np.all(found[0] <= found[1] + 0.02)
    assert np.all(found[1] <= found[2] + 0.02)
    assert loss_probability(b, a, spread, spread, 10_000, 600_000) == pytest.approx(found[2], abs=1e-3)
    assert found[2].max() > 0.4


def test_no_position_no_answer_and_none_asked_none_given():
    a, b = two(lat_deg=[np.nan, 0], lon_deg=0)
    assert np.isnan(loss_probability(a, b, SURE, SURE, 0)).all()
    assert len(loss_probability(a.take([]), b.take([]), SURE, SURE, 0)) == 0
