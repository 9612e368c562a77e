"""Encounter: stories of one flight and one volume, then many against small steps of time."""

from functools import partial

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import encounter, geodesy
from keepclear.geo.altitude import AltRef
from keepclear.geo.encounter import plan_encounters
from keepclear.geo.plan import Plan
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS
from keepclear.geo.volume import Circle, Corridor, Everywhere, Polygon, Volume, validate
from keepclear.geo.volumes import Volumes

NOW = 1_537_209_540_000
QUARTER = 900_000
METRES_A_DEGREE = geodesy.distance_m(0, 0, 0, 1)
BOX = Polygon(((0.5, -0.2), (1.0, -0.2), (1.0, 0.2), (0.5, 0.2)))


def eastbound(**changes):
    """One track on the equator at 200 m/s; the west side of BOX is 278 s ahead, its east side 557 s."""
    usual = {"lat_deg": 0, "lon_deg": 0, "alt_m": 5000, "ground_speed_mps": 200, "track_deg": 90, "at_ms": NOW}
    return Tracks.of(**{**usual, **changes})


def reach_ms(degrees, speed=200.0):
    return NOW + 1000 * degrees * METRES_A_DEGREE / speed


def only(found):
    assert len(found) == 1
    return {name: getattr(found, name)[0] for name in found.__slots__}


@pytest.fixture
def encounters(kernel):
    return partial(encounter.encounters, kernel=kernel)


@pytest.fixture
def ask(encounters):
    """What is found of one eastbound track and one volume."""

    def found(volume, look_ahead_ms=QUARTER, **changes):
        return encounters(eastbound(**changes), [volume], NOW, look_ahead_ms)

    return found


@pytest.fixture
def ask_all(encounters):
    return lambda volumes, **changes: encounters(eastbound(**changes), volumes, NOW, QUARTER)


def test_a_flight_comes_in_and_goes_out(ask):
    row = only(ask(Volume(BOX)))
    assert not row["inside_now"]
    assert row["enter_ms"] == int(np.floor(reach_ms(0.5)))
    assert row["clear_ms"] == int(np.ceil(reach_ms(1.0)))
    assert (row["enter_earliest_ms"], row["clear_latest_ms"]) == (row["enter_ms"], row["clear_ms"])
    assert row["distance_out_m"] < 0.01
    assert only(ask(Volume(BOX), look_ahead_ms=400_000))["clear_ms"] == NEVER_MS
    assert len(ask(Volume(BOX), look_ahead_ms=270_000)) == 0


def test_the_error_of_the_position_makes_it_a_range(ask):
    row = only(ask(Volume(BOX), pos_err_m=2_000))
    early_ms, late_ms = row["enter_ms"] - row["enter_earliest_ms"], row["clear_latest_ms"] - row["clear_ms"]
    assert 10_000 <= early_ms <= 10_200
    assert 10_000 <= late_ms <= 10_200


def test_a_flight_that_comes_in_only_with_its_error_has_a_row_too(ask):
    beside = ask(Volume(BOX), lat_deg=0.21, track_deg=90, pos_err_m=2_000)
    row = only(beside)
    assert (row["enter_ms"], row["clear_ms"], row["inside_now"]) == (NEVER_MS, NEVER_MS, False)
    assert row["enter_earliest_ms"] == pytest.approx(reach_ms(0.5) - 1000 * np.sqrt(2_000**2 - 1_106**2) / 200, abs=150)
    assert len(ask(Volume(BOX), lat_deg=0.21, pos_err_m=1_000)) == 0


def test_a_flight_inside_has_a_way_out_and_a_time_to_be_clear(ask):
    row = only(ask(Volume(BOX), lon_deg=0.9))
    assert row["inside_now"]
    assert row["enter_ms"] == NOW
    assert row["clear_ms"] == pytest.approx(reach_ms(0.1), abs=1)
    assert row["distance_out_m"] == pytest.approx(0.1 * METRES_A_DEGREE, abs=0.5)


def test_an_error_that_is_not_known_hides_no_flight(ask):
    for unknown in ({"alt_err_m": np.nan}, {"pos_err_m": np.nan}, {"alt_err_m": np.nan, "pos_err_m": 100}):
        assert only(ask(Volume(BOX, 0, 6000, AltRef.STD, AltRef.STD), **unknown))["enter_ms"] == int(reach_ms(0.5))


def test_standing_still_inside_and_outside(ask):
    assert only(ask(Volume(BOX), lon_deg=0.9, ground_speed_mps=0))["clear_ms"] == NEVER_MS
    assert len(ask(Volume(BOX), lon_deg=0.49, ground_speed_mps=0)) == 0
    near = only(ask(Volume(BOX), lon_deg=0.49, ground_speed_mps=0, pos_err_m=1_500))
    assert (near["enter_ms"], near["enter_earliest_ms"]) == (NEVER_MS, NOW)


def test_a_window_opens_round_a_flight_and_closes_again(ask):
    row = only(ask(Volume(BOX, start_ms=NOW + 60_000, end_ms=NOW + 100_000), lon_deg=0.6))
    assert (row["inside_now"], row["enter_ms"], row["clear_ms"]) == (False, NOW + 60_000, NOW + 100_000)
    # By the north side, 0.2 degrees of latitude away; the west side is 23 km behind.
    assert row["distance_out_m"] == pytest.approx(22_114.9, abs=0.1)
    assert len(ask(Volume(BOX, end_ms=NOW), lon_deg=0.6)) == 0
    assert only(ask(Volume(BOX, start_ms=NOW), lon_deg=0.6))["inside_now"]
    assert len(ask(Volume(BOX, start_ms=NOW + QUARTER), lon_deg=0.6, ground_speed_mps=0)) == 0


def test_every_row_has_its_own_range_at_whatever_millisecond_a_window_opens(ask_all):
    # 1001 / 1000 * 1000 is a hair less than 1001 in floats, 2007 / 1000 * 1000 a hair more.
    for after_ms in (1_000, 1_001, 2_007, 9_999):
        windows = [(after_ms, None), (None, after_ms), (after_ms, after_ms + 1), (300, 8_008)]
        volumes = [Volume(BOX, start_ms=s and NOW + s, end_ms=e and NOW + e) for s, e in windows]
        found = ask_all(volumes, lon_deg=0.6)
        assert found.enter_ms.tolist() == [NOW + after_ms, NOW, NOW + after_ms, NOW + 300]
        assert found.clear_ms.tolist()[1:] == [NOW + after_ms, NOW + after_ms + 1, NOW + 8_008]
        assert found.enter_earliest_ms.tolist() == found.enter_ms.tolist()
        assert found.clear_latest_ms.tolist() == found.clear_ms.tolist()


def test_a_band_is_climbed_into_and_out_of(ask):
    band = Volume(BOX, 6000, 7000, AltRef.STD, AltRef.STD)
    row = only(ask(band, lon_deg=0.6, vertical_rate_mps=10))
    assert (row["enter_ms"], row["clear_ms"]) == pytest.approx((NOW + 100_000, NOW + 200_000), abs=1)
    assert row["distance_out_m"] == pytest.approx(22_114.9, abs=0.1)
    unsure = only(ask(band, lon_deg=0.6, vertical_rate_mps=10, alt_err_m=200))
    assert unsure["enter_earliest_ms"] == pytest.approx(NOW + 80_000, abs=1)
    assert unsure["clear_latest_ms"] == pytest.approx(NOW + 220_000, abs=1)
    assert len(ask(band, lon_deg=0.6)) == 0
    assert only(ask(band, lon_deg=0.6, alt_err_m=1_001))["enter_ms"] == NEVER_MS
    assert only(ask(band, lon_deg=0.6, alt_m=np.nan))["inside_now"]


@pytest.mark.parametrize("level", [0, 10, 100, 103, 245, 600])
def test_limits_are_exact_the_lower_in_the_upper_out(level, ask):
    limit = level * 3048 / 100
    assert len(ask(Volume(BOX, upper_m=limit, upper_ref=AltRef.STD), alt_m=limit)) == 0
    assert len(ask(Volume(BOX, lower_m=limit, lower_ref=AltRef.STD), alt_m=limit)) == 1
    assert len(ask(Volume(BOX, lower_m=limit, lower_ref=AltRef.STD), alt_m=limit - 0.01)) == 0


def test_another_reference_widens_the_band_and_the_ground_is_undecidable(ask):
    assert len(ask(Volume(BOX, 6000, 7000), alt_m=6000 - 1_470)) == 1
    assert len(ask(Volume(BOX, 6000, 7000), alt_m=6000 - 1_471)) == 0
    assert len(ask(Volume(BOX, 0, 120, AltRef.AGL, AltRef.AGL), alt_m=12_000)) == 1


def test_a_comb_is_entered_as_often_as_it_has_teeth(encounters):
    teeth = [(x / 10, y) for k in range(5) for x, y in ((2 * k + 1, 0.1), (2 * k + 1.5, -0.1), (2 * k + 2, 0.1))]
    comb = Polygon((*teeth, (1.0, 0.3), (0.1, 0.3)))
    assert not [fault for fault in validate(Volume(comb)) if fault.widens]
    found = encounters(eastbound(lat_deg=0.05), [Volume(comb)], NOW, QUARTER)
    assert len(found) == 5
    assert (found.clear_ms > found.enter_ms).all()
    assert (found.enter_ms[1:] > found.clear_ms[:-1]).all()
    assert encounters(eastbound(lat_deg=-0.05), [Volume(comb)], NOW, QUARTER).enter_ms.size == 5


@pytest.mark.parametrize("lon", [0.0, 179.6, -179.9])
def test_the_antimeridian_is_no_border(lon, ask):
    box = Polygon(tuple((float(geodesy.wrap_deg(x + lon)), y) for x, y in BOX.ring))
    row = only(ask(Volume(box), lon_deg=lon))
    assert row["enter_ms"] == pytest.approx(reach_ms(0.5), abs=1)
    assert row["clear_ms"] == pytest.approx(reach_ms(1.0), abs=1)
    corridor = Corridor(tuple((float(geodesy.wrap_deg(x + lon)), y) for x, y in ((0.75, -0.2), (0.75, 0.2))), 20_000)
    assert only(ask(Volume(corridor), lon_deg=lon))["enter_ms"] == pytest.approx(reach_ms(0.75) - 50_000, abs=100)


@pytest.mark.parametrize("pole", [90, -90])
def test_over_a_pole_through_a_circle_about_it(pole, ask):
    course = 0 if pole > 0 else 180
    away_m = float(geodesy.distance_m(pole, 0, pole * 0.99, 40))
    row = only(ask(Volume(Circle(77, pole, 50_000)), lat_deg=pole * 0.99, lon_deg=40, track_deg=course))
    assert row["enter_ms"] == pytest.approx(NOW + (away_m - 50_000) * 5, abs=2)
    assert row["clear_ms"] == pytest.approx(NOW + (away_m + 50_000) * 5, abs=2)


def test_from_the_size_of_a_point_to_two_thousand_kilometres(ask):
    speck = Polygon(((0.5, -1e-6), (0.500001, 0), (0.5, 1e-6)))
    row = only(ask(Volume(speck)))
    assert row["enter_ms"] == pytest.approx(reach_ms(0.5), abs=1)
    assert 1 <= row["clear_ms"] - row["enter_ms"] <= 2
    assert only(ask(Volume(Circle(0.5, 0, 0.01)), look_ahead_ms=QUARTER))["enter_ms"] == pytest.approx(
        reach_ms(0.5), abs=1
    )
    wide = Polygon(((0.5, -9), (18.5, -9), (18.5, 9), (0.5, 9)))
    assert only(ask(Volume(wide)))["enter_ms"] == pytest.approx(reach_ms(0.5), abs=1)
    for radius_m in (200_000, 1_000_000, 4_000_000):
        lat, lon, _ = geodesy.direct(0, 0, 60, radius_m + 30_000)
        row = only(ask(Volume(Circle(float(lon), float(lat), radius_m)), track_deg=60))
        assert row["enter_ms"] == pytest.approx(NOW + 150_000, abs=2)


def test_no_area_is_everywhere_and_has_no_way_out(ask):
    for volume in (Volume(), Volume(Polygon(((0, 0), (1, 1), (1, 0), (0, 1))))):
        row = only(ask(volume))
        assert row["inside_now"]
        assert row["clear_ms"] == NEVER_MS
        assert np.isnan(row["distance_out_m"])
    late = only(ask(Volume(Everywhere(), start_ms=NOW + 5)))
    assert (late["inside_now"], late["enter_ms"]) == (False, NOW + 5)


def test_a_stale_track_has_a_wide_range(ask):
    fresh, stale = (only(ask(Volume(BOX), at_ms=NOW - age_ms, pos_err_m=100)) for age_ms in (15_000, 75_000))
    assert fresh["enter_ms"] - stale["enter_ms"] == pytest.approx(60_000, abs=1)
    assert fresh["enter_ms"] - fresh["enter_earliest_ms"] < 600
    assert stale["enter_ms"] - stale["enter_earliest_ms"] >= 60_500


def test_rows_are_in_order_and_name_the_callers_tracks_and_volumes(encounters):
    tracks = Tracks.of(lat_deg=[np.nan, 0, 0], lon_deg=[0, 0.3, 0], ground_speed_mps=200, track_deg=90, at_ms=NOW)
    volumes = [Volume(Circle(0, 50, 1000)), Volume(BOX), Volume(Circle(0.6, 0, 1000))]
    found = encounters(tracks, volumes, NOW, QUARTER)
    assert list(zip(found.track.tolist(), found.volume.tolist(), strict=True)) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    held = encounters(tracks, Volumes.of(volumes), NOW, QUARTER)
    assert all((getattr(held, name) == getattr(found, name)).all() for name in found.__slots__)
    assert len(encounters(tracks, [], NOW, QUARTER)) == 0
    assert len(encounters(tracks.take([]), volumes, NOW, QUARTER)) == 0


def test_a_plan_is_its_legs_and_one_interval_may_span_several():
    lon = np.array([0.0, 0.6, 0.8, 1.4])
    at_ms = NOW + np.rint(1000 * lon * METRES_A_DEGREE / 200).astype(np.int64)
    plan = Plan([0, 0, 0, 0], lon, [5000] * 4, at_ms, tolerance_m=1_000, tolerance_ms=60_000)
    row = only(plan_encounters(plan, [Volume(BOX)]))
    assert (row["track"], row["inside_now"]) == (0, False)
    assert row["enter_ms"] == pytest.approx(reach_ms(0.5), abs=2)
    assert row["clear_ms"] == pytest.approx(reach_ms(1.0), abs=2)
    assert row["enter_ms"] - row["enter_earliest_ms"] == pytest.approx(65_030, abs=100)
    late = only(plan_encounters(plan, [Volume(BOX, start_ms=row["clear_ms"] + 30_000)]))
    assert (late["enter_ms"], late["enter_earliest_ms"]) == (NEVER_MS, row["clear_ms"] + 30_000)
    assert len(plan_encounters(plan, [Volume(BOX, start_ms=row["clear_ms"] + 70_000)])) == 0
    assert len(plan_encounters(Plan([0], [0.7], [5000], [NOW]), [Volume(BOX)])) == 0
    held = Plan([0, 0], [0.7, 0.7], [5000, np.nan], [NOW, NOW + 60_000])
    assert only(plan_encounters(held, [Volume(BOX, 8000, 9000)]))["inside_now"]


PLACES = [(35, 35), (0, 179.9), (60, -179.9), (-75, 10), (86, 0), (-88.5, 180), (89.5, 0)]


@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_small_steps_of_time_find_nothing_else(lat, lon, encounters):
    rng = np.random.default_rng(abs(int(10 * lat + lon)))
    inside = sum(compare_with_steps(encounters, rng, lat, lon) for _ in range(4))
    assert inside > 100


def compare_with_steps(encounters, rng, lat, lon):
    tracks = oracle.random_tracks(rng, 12, lat, lon, spread_deg=0.7)
    volumes = [volume for volume in (oracle.random_volume(rng, lat, lon) for _ in range(8)) if usable(volume)]
    held = Volumes.of(volumes)
    found = encounters(tracks, held, 0, QUARTER)
    times = np.arange(0, QUARTER, 2 * oracle.STEP_MS) + 500
    inside = 0
    for k in range(len(tracks)):
        lats, lons, alts = oracle.path_of(tracks, k, times)
        for v, volume in enumerate(volumes):
            if isinstance(volume.shape, Corridor):
                area = held.contain(np.full(len(times), v), lats, lons)
            else:
                area = oracle.in_shape(volume.shape, lats, lons)
            truly = area & held_by(volume, alts, times)
            wrong = truly != oracle.in_rows(found, k, v, times)
            border_m = held.to_border_m(np.full(wrong.sum(), v), lats[wrong], lons[wrong])
            assert np.all(border_m < 1.5), (k, volume)
            inside += int(truly.sum())
    return inside


@pytest.mark.parametrize("error_m", [300.0, 5_000.0])
@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_whatever_the_error_allows_is_in_the_range_and_little_more(lat, lon, error_m, encounters):
    rng = np.random.default_rng(abs(int(10 * lat + lon + error_m)))
    tracks = oracle.random_tracks(rng, 12, lat, lon, spread_deg=0.7, error_m=error_m)
    volumes = [volume for volume in (oracle.random_volume(rng, lat, lon) for _ in range(10)) if usable(volume)]
    held = Volumes.of(volumes)
    found = encounters(tracks, held, 0, QUARTER)
    times = np.arange(0, QUARTER, 15 * oracle.STEP_MS) + 500
    for k in range(len(tracks)):
        lats, lons, alts = oracle.path_of(tracks, k, times)
        for v, volume in enumerate(volumes):
            away_m = oracle.distance_outside_m(held, v, lats, lons)
            told = oracle.in_rows(found, k, v, times, "enter_earliest_ms", "clear_latest_ms")
            assert told[held_by(volume, alts, times) & (away_m < error_m - 1)].all(), (k, volume)
            if abs(lat) < 89:
                assert (away_m[told] < error_m * 1.1 + 10).all(), (k, volume)
            assert held_by(volume, alts, times)[told].all()


def usable(volume):
    return not any(fault.widens for fault in validate(volume))


def held_by(volume, alts, times):
    held = np.ones(len(times), dtype=bool)
    held &= alts >= (-np.inf if volume.lower_m is None else volume.lower_m)
    held &= alts < (np.inf if volume.upper_m is None else volume.upper_m)
    held &= times >= (-NEVER_MS if volume.start_ms is None else volume.start_ms)
    return held & (times < (NEVER_MS if volume.end_ms is None else volume.end_ms))
