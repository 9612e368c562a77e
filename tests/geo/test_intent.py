"""Intent: level-offs and turns make and remove conflicts and encounters; thousands against small steps of time."""

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import geodesy
from keepclear.geo.conflict import conflicts
from keepclear.geo.encounter import encounters
from keepclear.geo.intent import TURN_SAG_M, Intents, conflicts_with_intent, encounters_with_intent, legs_with_intent
from keepclear.geo.track import Tracks, advance
from keepclear.geo.turn import LEFT, RIGHT
from keepclear.geo.units import NEVER_MS
from keepclear.geo.volume import Circle, Volume

NOW = 1_537_209_540_000
MINUTES_10 = 600_000
V = 304.8


def fly(count=2, **changes):
    usual = {"lat_deg": np.zeros(count), "lon_deg": 0.0, "alt_m": 9000, "ground_speed_mps": 200, "track_deg": 90}
    return Tracks.of(**{**usual, "at_ms": NOW, **changes})


def none(count=2, **changes):
    return Intents.of(**{"course_deg": np.full(count, np.nan), **changes})


def places(legs, owner, times_ms):
    """Latitude, longitude and altitude of one owner at times, by its legs."""
    mine = np.nonzero(legs.owner == owner)[0]
    leg = mine[np.searchsorted(legs.begin_ms[mine], times_ms, side="right") - 1]
    ahead = (times_ms - legs.begin_ms[leg]) / 1000
    lat, lon = legs.position(leg, ahead)
    return lat, lon, legs.alt_m[leg] + legs.rate_mps[leg] * ahead


def test_without_intent_nothing_is_changed():
    rng = np.random.default_rng(1)
    tracks = oracle.random_tracks(rng, 40, 50, 8, spread_deg=0.3)
    tracks.alt_m[:] = 9000
    tracks.lat_deg[3] = np.nan
    usual, same = (
        conflicts(tracks, look_ahead_ms=MINUTES_10, now_ms=20_000),
        conflicts_with_intent(tracks, none(40), 20_000, MINUTES_10),
    )
    assert len(usual) > 50
    for name in usual.__slots__:
        assert np.array_equal(getattr(usual, name), getattr(same, name), equal_nan=True)
    legs, flown = legs_with_intent(tracks, none(40), 20_000, MINUTES_10)
    assert len(legs) == 39
    assert flown.all()


def test_a_level_off_takes_away_a_conflict_that_the_climb_has():
    # The lower one climbs through the upper, unless it stops 1000 ft below, exactly.
    tracks = fly(lon_deg=[0, 0.01], alt_m=[8000, 9000], vertical_rate_mps=[10, 0])
    assert len(conflicts(tracks, look_ahead_ms=MINUTES_10, now_ms=NOW)) == 1
    for level, expected in ((9000 - V, 0), (9000 - V + 0.01, 1), (9000 - V - 0.01, 0)):
        found = conflicts_with_intent(tracks, none(level_m=[level, np.nan]), NOW, MINUTES_10)
        assert len(found) == expected
    assert found.t_in_ms.size == 0
    kept = conflicts_with_intent(tracks, none(level_m=[9000 - V + 1, np.nan]), NOW, MINUTES_10)
    assert kept.t_in_ms == pytest.approx(NOW + 69_520, abs=2)
    assert (kept.t_out_ms, kept.v_min_m) == (NEVER_MS, pytest.approx(V - 1))


def test_a_level_off_makes_a_conflict_that_the_climb_has_not_for_long():
    tracks = fly(lon_deg=[0, 0.01], alt_m=[8000, 9000], vertical_rate_mps=[10, 0])
    through = conflicts(tracks, look_ahead_ms=MINUTES_10, now_ms=NOW)
    stays = conflicts_with_intent(tracks, none(level_m=[9000, np.nan]), NOW, MINUTES_10)
    assert through.t_out_ms == pytest.approx(NOW + 130_480, abs=2)
    assert stays.t_out_ms == NEVER_MS
    assert stays.t_in_ms == through.t_in_ms


def test_a_turn_makes_a_conflict_and_another_takes_one_away():
    # Two pass each other 15 NM apart, unless the southern turns north.
    beside = fly(lat_deg=[0, 0.25], lon_deg=[0, 0.3], track_deg=[90, 270])
    assert len(conflicts(beside, look_ahead_ms=MINUTES_10, now_ms=NOW)) == 0
    crossing = none(course_deg=[0, np.nan], turn_dps=3.0, turn_at_ms=NOW + 30_000)
    made = conflicts_with_intent(beside, crossing, NOW, MINUTES_10)
    assert (made.i.tolist(), made.j.tolist()) == ([0], [1])
    assert NOW + 30_000 < made.t_in_ms < made.t_cpa_ms < made.t_out_ms < NOW + MINUTES_10
    # Two head-on; one turns away at 25 NM.
    head_on = fly(lon_deg=[0, 0.7], track_deg=[90, 270])
    assert len(conflicts(head_on, look_ahead_ms=MINUTES_10, now_ms=NOW)) == 1
    away = conflicts_with_intent(head_on, none(course_deg=[200, np.nan], turn_dps=3.0, side=RIGHT), NOW, MINUTES_10)
    assert len(away) == 0
    late = none(course_deg=[200, np.nan], turn_dps=3.0, turn_at_ms=NOW + 180_000)
    assert len(conflicts_with_intent(head_on, late, NOW, MINUTES_10)) == 1


def test_a_circle_back_to_another_is_a_second_loss():
    # A stands; the other flies past it, turns round to the opposite course, and comes back beside.
    tracks = fly(lon_deg=[0, 0.2], ground_speed_mps=[200, 0])
    back = none(course_deg=[270, np.nan], turn_dps=3.0, turn_at_ms=NOW + 200_000)
    found = conflicts_with_intent(tracks, back, NOW, MINUTES_10)
    assert found.i.tolist() == [0, 0]
    assert found.t_out_ms[0] < found.t_in_ms[1]
    assert len(conflicts(tracks, look_ahead_ms=MINUTES_10, now_ms=NOW)) == 1


def test_a_turn_to_a_waypoint_comes_there_and_goes_on():
    for lat, lon in ((0.0, 0.0), (60.0, 179.9), (-80.0, 10.0)):
        for bearing in (10, 100, 200, 300):
            to_lat, to_lon, _ = geodesy.direct(lat, lon, bearing, 60_000)
            tracks = fly(1, lat_deg=lat, lon_deg=lon)
            legs, flown = legs_with_intent(
                tracks, Intents.of(lat_deg=to_lat, lon_deg=to_lon, turn_dps=1.5), NOW, 900_000
            )
            assert flown.all()
            times = np.arange(NOW, NOW + 900_000, 1_000)
            path = places(legs, 0, times)
            assert geodesy.distance_m(path[0], path[1], to_lat, to_lon).min() < 110
            ways = geodesy.distance_m(path[0][1:], path[1][1:], path[0][:-1], path[1][:-1])
            assert np.all(np.abs(ways - 200) < 0.5)


def test_what_cannot_be_flown_is_told_and_taken_as_it_flies():
    tracks = fly(7, ground_speed_mps=[200, 200, 0, 200, 200, 200, 200], vertical_rate_mps=[0, 0, 0, 0, 5, 5, 5])
    tracks.alt_m[6] = np.nan
    near_lat, near_lon, _ = geodesy.direct(0, 0, 180, 3_000)
    intents = Intents.of(
        course_deg=[10, np.nan, 10, 10, np.nan, np.nan, np.nan],
        lat_deg=[np.nan, near_lat, *[np.nan] * 5],
        lon_deg=[np.nan, near_lon, *[np.nan] * 5],
        turn_dps=[3, 3, 3, 0, np.nan, np.nan, np.nan],
        level_m=[np.nan, np.nan, np.nan, np.nan, 8000, 9500, 9500],
        side=[0, RIGHT, 0, 0, 0, 0, 0],
    )
    legs, flown = legs_with_intent(tracks, intents, NOW, MINUTES_10)
    assert flown.tolist() == [True, False, False, False, False, True, False]
    assert np.bincount(legs.owner).tolist()[1:] == [1, 1, 1, 1, 2, 1]
    # The same place is reached by a turn to the other side.
    assert legs_with_intent(
        tracks, Intents.of(lat_deg=[near_lat] * 7, lon_deg=near_lon, turn_dps=3, side=LEFT), NOW, 1
    )[1][1]


def test_an_encounter_is_as_intended():
    area = Volume(Circle(0.3, 0.3, 15_000.0))
    tracks = fly(1)
    assert len(encounters(tracks, [area], NOW, MINUTES_10)) == 0
    north = Intents.of(course_deg=0, turn_dps=3, turn_at_ms=NOW + 150_000)
    found = encounters_with_intent(tracks, north, [area], NOW, MINUTES_10)
    assert len(found) == 1
    times = np.arange(NOW, NOW + MINUTES_10, 500)
    legs, _ = legs_with_intent(tracks, north, NOW, MINUTES_10)
    lat, lon, _ = places(legs, 0, times)
    inside = times[oracle.in_shape(area.shape, lat, lon)]
    assert found.enter_ms == pytest.approx(inside[0], abs=500)
    assert found.clear_ms == pytest.approx(inside[-1], abs=500)


@pytest.mark.parametrize(("lat", "lon"), [(35, 90), (60, -179.9), (-88, 20)])
def test_small_steps_of_time_find_nothing_else(lat, lon):
    rng = np.random.default_rng(abs(int(lat * 10 + lon)))
    rows = losses = 0
    for _ in range(2):
        tracks = oracle.random_tracks(rng, 20, lat, lon, spread_deg=0.3, fastest_mps=300)
        tracks.alt_m[:] = rng.integers(200, 212, 20) * 30.48
        intents = random_intents(rng, tracks)
        found = conflicts_with_intent(tracks, intents, 10_000, MINUTES_10)
        paths = exact_paths(tracks, intents)
        times = np.arange(10_000, 10_000 + MINUTES_10, oracle.STEP_MS)
        rows += len(found)
        legs, _ = legs_with_intent(tracks, intents, 10_000, MINUTES_10)
        for i in range(20):
            mine = places(legs, i, times)
            off_m = geodesy.distance_m(mine[0], mine[1], paths[0][i], paths[1][i]).max()
            assert off_m < TURN_SAG_M + (1 if abs(lat) < 80 else 10)
            assert np.abs(mine[2] - paths[2][i]).max() < 0.03
            for j in range(i + 1, 20):
                losses += compare(found, i, j, times, paths)
    assert losses > 15
    assert rows >= losses


def random_intents(rng, tracks):
    count = len(tracks)
    kind = rng.integers(0, 4, count)
    return Intents.of(
        course_deg=np.where(kind == 1, rng.uniform(0, 360, count), np.nan),
        turn_dps=np.where(kind == 1, rng.uniform(0.5, 5, count), np.nan),
        turn_at_ms=200 * rng.integers(-50, 1_000, count),
        side=rng.integers(-1, 2, count),
        level_m=np.where((kind >= 2), tracks.alt_m + tracks.vertical_rate_mps * rng.uniform(20, 200, count), np.nan),
    )


def exact_paths(tracks, intents):
    """By Euler's steps of 0.2 s along the course, turned as intended; nothing of the code asked is used."""
    now, step = 10_000, 200
    tracks = advance(tracks, now)
    lat, lon, course = tracks.lat_deg.copy(), tracks.lon_deg.copy(), tracks.track_deg.copy()
    left = np.where(np.isfinite(intents.course_deg), np.inf, 0.0)
    begun = np.zeros(len(tracks), dtype=bool)
    side = np.zeros(len(tracks))
    kept = []
    for time in range(now, now + MINUTES_10, step):
        if (time - now) % oracle.STEP_MS == 0:
            kept.append((lat, lon))
        starts = (left > 0) & ~begun & (time >= intents.turn_at_ms)
        short = np.mod(intents.course_deg - course, 360)
        side = np.where(starts, np.where(intents.side != 0, intents.side, np.where(short <= 180, 1, -1)), side)
        left = np.where(starts, np.mod(side * (intents.course_deg - course), 360), left)
        begun |= starts
        turn = np.where(begun & (tracks.ground_speed_mps > 0), np.minimum(left, intents.turn_dps * step / 1000), 0.0)
        turn = np.nan_to_num(turn)
        lat, lon, course = geodesy.direct(lat, lon, course + side * turn / 2, tracks.ground_speed_mps * step / 1000)
        course = course + side * turn / 2
        # North turns on the way: what is left is asked anew.
        again = np.mod(side * (intents.course_deg - course), 360)
        left = np.where(begun, np.where((turn >= left) | (again > 359.9), 0.0, again), left)
    times = np.arange(0, MINUTES_10, oracle.STEP_MS) / 1000
    alt = tracks.alt_m[:, None] + tracks.vertical_rate_mps[:, None] * times
    level = intents.level_m[:, None]
    rising = tracks.vertical_rate_mps[:, None] > 0
    alt = np.where(np.isnan(level), alt, np.where(rising, np.minimum(alt, level), np.maximum(alt, level)))
    return np.array([k[0] for k in kept]).T, np.array([k[1] for k in kept]).T, alt


def compare(found, i, j, times, paths):
    """What small steps see is told, but for the metres of the turn's chords and the steps' own error at the limits."""
    lat, lon, alt = paths
    apart_m, height_m = geodesy.distance_m(lat[i], lon[i], lat[j], lon[j]), np.abs(alt[i] - alt[j])
    mine = (found.i == i) & (found.j == j)
    begin, end = found.t_in_ms[mine, None], np.minimum(found.t_out_ms[mine, None], times[-1] + 1)
    told = np.any((times >= begin) & (times < end), axis=0)
    certainly = (apart_m < 9_260 - 20) & (height_m < V - 0.05)
    perhaps = (apart_m < 9_260 + 20) & (height_m < V + 0.05)
    assert not np.any(certainly & ~told), (i, j)
    assert not np.any(told & ~perhaps), (i, j)
    return bool(certainly.any())
