"""Manoeuvre: the time to be clear, never earlier than small steps of time along the true path show."""

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import geodesy
from keepclear.geo.manoeuvre import WaysOut, ways_out
from keepclear.geo.performance import LIMITS, FlightClass
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS
from keepclear.geo.volume import Circle, Everywhere, Polygon, Volume

AHEAD_MS = 900_000
STEP_S = 1.0
TIMES = np.arange(0, AHEAD_MS / 1000, STEP_S)
BOX = Polygon(((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)))


def fly(**changes):
    usual = {"lat_deg": 0, "lon_deg": 0, "alt_m": 5000, "ground_speed_mps": 200, "track_deg": 90}
    return Tracks.of(**{**usual, **changes})


def ask(tracks, kind, volume, **more):
    found = ways_out(tracks, kind, [volume], np.arange(len(tracks)), np.zeros(len(tracks), int), 0, AHEAD_MS, **more)
    return {name: getattr(found, name)[0] for name in (*WaysOut.__slots__, "best_ms")}


def test_an_airliner_inside_a_box_has_its_choice():
    found = ask(fly(lon_deg=0.4), FlightClass.AIRLINER, Volume(BOX, 4_500, 6_000, 3, 3), lowest_m=1_000)
    # 11.1 km to the east side, 61 km to the west, 55 km to the north and south.
    assert found["straight_ms"] == pytest.approx(11_132 / 0.2, abs=30)
    assert found["turn_ms"] > found["straight_ms"]
    assert found["straight_ms"] * 200 / 230 < found["speed_ms"] < found["straight_ms"]
    assert found["climb_ms"] == found["descent_ms"] == found["straight_ms"]
    assert found["best_ms"] == found["speed_ms"]
    middle = ask(fly(), FlightClass.AIRLINER, Volume(BOX, 4_900, 5_500, 3, 3), lowest_m=1_000)
    assert middle["descent_ms"] == pytest.approx(1000 * (10 + 100 / 2.3), abs=20)
    assert middle["climb_ms"] == pytest.approx(1000 * (10 + 500 / 3.8), abs=20)
    assert middle["best_ms"] == middle["descent_ms"]


def test_without_a_floor_a_ceiling_or_an_altitude_there_is_no_such_way():
    thin = Volume(BOX, 4_900, 5_500, 3, 3)
    assert ask(fly(), FlightClass.AIRLINER, thin)["descent_ms"] == NEVER_MS
    assert ask(fly(), FlightClass.AIRLINER, thin, lowest_m=4_950)["descent_ms"] > 200_000
    unknown = ask(fly(alt_m=np.nan), FlightClass.AIRLINER, thin, lowest_m=0)
    assert unknown["climb_ms"] == unknown["descent_ms"] == NEVER_MS
    assert unknown["straight_ms"] < NEVER_MS
    assert ask(fly(), FlightClass.GLIDER, thin)["climb_ms"] == NEVER_MS
    assert ask(fly(alt_m=4_500), FlightClass.LIGHT, Volume(BOX))["climb_ms"] == NEVER_MS


def test_a_flight_that_will_enter_may_turn_away_at_once():
    ahead = ask(fly(lon_deg=-0.8), FlightClass.LIGHT, Volume(BOX))
    assert ahead["turn_ms"] == ahead["best_ms"] == 0
    assert ahead["straight_ms"] > 500_000
    beside = ask(fly(lon_deg=-0.8, track_deg=270), FlightClass.LIGHT, Volume(BOX))
    assert beside["straight_ms"] == 0


def test_who_can_stop_need_not_enter():
    near = fly(lon_deg=-0.51, ground_speed_mps=30)
    assert ask(near, FlightClass.HELICOPTER, Volume(BOX))["speed_ms"] == 0
    assert ask(near, FlightClass.LIGHT, Volume(BOX))["speed_ms"] == NEVER_MS
    too_near = fly(lon_deg=-0.508, ground_speed_mps=30)
    assert ask(too_near, FlightClass.HELICOPTER, Volume(BOX))["speed_ms"] == NEVER_MS


def test_no_usable_volume_no_answer_and_none_without_a_position():
    everything = (Volume(Everywhere()), Volume(Everywhere(), 4_900, 5_100, 3, 3), Volume(Polygon(((0, 0), (1, 1)))))
    for nowhere in everything:
        assert set(ask(fly(), FlightClass.FAST_JET, nowhere, lowest_m=0).values()) == {NEVER_MS}
    assert set(ask(fly(lat_deg=np.nan), FlightClass.LIGHT, Volume(BOX)).values()) == {NEVER_MS}
    still = ask(fly(ground_speed_mps=0, alt_m=2_000), FlightClass.HELICOPTER, Volume(BOX, 1_900, 2_100, 3, 3))
    assert (still["straight_ms"], still["turn_ms"], still["speed_ms"]) == (NEVER_MS,) * 3
    assert still["climb_ms"] < NEVER_MS


def test_the_window_does_not_matter_and_the_error_is_against_the_flight():
    later = Volume(BOX, start_ms=10**9, end_ms=2 * 10**9)
    usual = ask(fly(lon_deg=0.4), FlightClass.AIRLINER, Volume(BOX))
    assert ask(fly(lon_deg=0.4), FlightClass.AIRLINER, later) == usual
    unsure = ask(fly(lon_deg=0.4, pos_err_m=2_000), FlightClass.AIRLINER, Volume(BOX))
    assert unsure["straight_ms"] - usual["straight_ms"] == pytest.approx(10_000, abs=200)
    assert unsure["turn_ms"] > usual["turn_ms"]


def test_an_unknown_aircraft_is_the_slowest_of_all():
    unknown = LIMITS[FlightClass.UNKNOWN]
    for kind in FlightClass:
        known = LIMITS[kind]
        assert unknown.bank_deg <= known.bank_deg
        assert unknown.turn_dps <= known.turn_dps
        assert unknown.response_s >= known.response_s
        assert unknown.slowest_mps >= known.slowest_mps
        assert unknown.fastest_mps <= known.fastest_mps
        assert unknown.climb_mps <= known.climb_mps
        assert unknown.descent_mps <= known.descent_mps
    for kind in FlightClass:
        if kind not in (FlightClass.UNKNOWN, FlightClass.SMALL_DRONE):
            tracks = fly(lon_deg=0.3, ground_speed_mps=60)
            best = ask(tracks, kind, Volume(BOX, 4_000, 5_500, 3, 3), lowest_m=0)
            assert best["best_ms"] <= ask(tracks, 0, Volume(BOX, 4_000, 5_500, 3, 3), lowest_m=0)["best_ms"] + 1_000


def paths(track, limits, *, turn=(0.0,), side=0, sign=0, faster=False, stopping=False, lowest=np.nan):
    """Latitude, longitude and altitude (way, step) of true manoeuvres, by small steps along the course."""
    turn = np.array(turn, dtype=float)
    speed, course, alt = track.ground_speed_mps[0], track.track_deg[0] + 0 * turn, track.alt_m[0] + 0 * turn
    lat, lon, rate = track.lat_deg[0] + 0 * turn, track.lon_deg[0] + 0 * turn, track.vertical_rate_mps[0]
    rows = []
    dps = min(limits.turn_dps, np.degrees(9.80665 * np.tan(np.radians(limits.bank_deg)) / max(speed, 1e-9)))
    for time in TIMES:
        rows.append((lat, lon, alt))
        acts = time >= limits.response_s
        turned = np.minimum(turn, dps * STEP_S) if acts else 0 * turn
        turn = turn - turned
        if acts and faster:
            speed = max(speed, min(speed + limits.faster_mps2 * STEP_S, limits.fastest_mps))
        if acts and stopping:
            speed = max(0.0, speed - limits.faster_mps2 * STEP_S)
        if acts and sign:
            rate = sign * max(limits.climb_mps if sign > 0 else limits.descent_mps, sign * rate)
            if (limits.ceiling_m if sign > 0 else -lowest) <= sign * alt[0]:
                rate = 0.0
        lat, lon, course = geodesy.direct(lat, lon, course + side * turned / 2, speed * STEP_S)
        course = course + side * turned / 2
        alt = alt + rate * STEP_S
    return np.moveaxis(np.array(rows), 0, 2)


def clear_ms(volume, ways):
    """The best of some ways: when the last step inside ends, or never."""
    return min(clear_one_ms(volume, ways[:, k]) for k in range(ways.shape[1]))


def clear_one_ms(volume, places):
    lat, lon, alt = places
    inside = oracle.in_shape(volume.shape, lat, lon)
    inside &= (alt >= (-np.inf if volume.lower_m is None else volume.lower_m)) | np.isnan(alt)
    inside &= (alt < (np.inf if volume.upper_m is None else volume.upper_m)) | np.isnan(alt)
    if inside[-1]:
        return NEVER_MS
    return 0 if not inside.any() else int(1000 * TIMES[inside][-1])


@pytest.mark.parametrize("seed", range(3))
def test_small_steps_are_never_clear_later(seed):
    rng = np.random.default_rng(seed)
    lat, lon = [(35, 90), (60, 179.9), (-70, -20)][seed]
    answered = 0
    for _ in range(5):
        kind = FlightClass(int(rng.integers(0, 7)))
        limits = LIMITS[kind]
        track = Tracks.of(
            lat_deg=lat, lon_deg=lon, alt_m=rng.uniform(500, 4_000), track_deg=rng.uniform(0, 360),
            ground_speed_mps=rng.uniform(max(limits.slowest_mps, 5), limits.fastest_mps + 10),
            vertical_rate_mps=rng.choice([0.0, 0.0, 3.0, -2.0]),
        )  # fmt: skip
        reach_deg = track.ground_speed_mps[0] * 500 / 111_000
        shape = oracle.star(rng, lat + rng.uniform(-0.3, 0.3) * reach_deg, lon, reach_deg, int(rng.integers(4, 10)))
        if rng.random() < 0.3:
            shape = Circle(float(geodesy.wrap_deg(lon + 0.1)), lat, reach_deg * 50_000)
        alt = track.alt_m[0]
        band = (alt - rng.uniform(20, 600), alt + rng.uniform(20, 600)) if rng.random() < 0.6 else (None, None)
        volume = Volume(shape, *band, 3, 3)
        found = ask(track, kind, volume, lowest_m=100.0)
        step_ms = 1000 * STEP_S
        straight = clear_ms(volume, paths(track, limits))
        assert found["straight_ms"] >= straight
        assert straight == NEVER_MS or found["straight_ms"] <= straight + 2 * step_ms + 30_000
        stops = limits.slowest_mps == 0 and clear_ms(volume, paths(track, limits, stopping=True)) == 0
        assert found["speed_ms"] >= (0 if stops else clear_ms(volume, paths(track, limits, faster=True)))
        for name, sign in (("climb_ms", 1), ("descent_ms", -1)):
            if found[name] < NEVER_MS:
                true = clear_ms(volume, paths(track, limits, sign=sign, lowest=100.0))
                # The steps reach a floor or ceiling half a step late.
                assert found[name] >= true - step_ms
        every = range(15, 181, 15)
        turn = min(clear_ms(volume, paths(track, limits, turn=every, side=side)) for side in (-1, 1))
        assert found["turn_ms"] >= turn - step_ms
        assert turn == NEVER_MS or found["turn_ms"] <= turn + 60_000
        answered += found["turn_ms"] < NEVER_MS
    assert answered > 1
