"""Conformance: flights on, beside, before and above their plan, and what an error leaves open."""

import numpy as np
import pytest

from keepclear.geo import geodesy
from keepclear.geo.altitude import AltRef
from keepclear.geo.conformance import conformance
from keepclear.geo.plan import Plan
from keepclear.geo.reading import Reading, all_of, at_least, at_most
from keepclear.geo.track import Tracks

MET, OPEN, NOT = Reading.MET, Reading.UNDECIDABLE, Reading.NOT_MET


def plan(**changes):
    """East along the equator at 200 m/s from the antimeridian's west, then north; level, then down at 5 m/s."""
    step = geodesy.distance_m(0, 0, 0, 0.5) / 0.2
    usual = {
        "lat_deg": [0, 0, 0.5], "lon_deg": [179.75, -179.75, -179.75], "alt_m": [5000, 5000, 3600],
        "at_ms": [0, round(step), round(step + 280_000)],
        "tolerance_m": 1_000.0, "tolerance_ms": 60_000, "alt_err_m": 100.0,
    }  # fmt: skip
    return Plan(**{**usual, **changes})


def report(**changes):
    return Tracks.of(**{"lat_deg": 0.0, "lon_deg": 180.0, "alt_m": 5000, "at_ms": 139_149, **changes})


def one(reports, held=None):
    found = conformance(reports, held or plan())
    return {name: getattr(found, name)[0] for name in (*found.__slots__, "conforms")}


def test_a_flight_on_its_plan_conforms():
    found = one(report())
    assert found["leg"] == 0
    assert found["across_m"] == pytest.approx(0, abs=0.01)
    assert found["late_ms"] == pytest.approx(0, abs=2)
    assert found["above_m"] == 0
    assert (found["across"], found["along"], found["vertical"], found["conforms"]) == (MET, MET, MET, MET)


def test_right_late_and_above_are_positive():
    south = one(report(lat_deg=-0.005, at_ms=149_149, alt_m=5_050))
    assert south["across_m"] == pytest.approx(geodesy.distance_m(0, 0, 0.005, 0), abs=0.1)
    assert south["late_ms"] == pytest.approx(10_000, abs=2)
    assert south["above_m"] == 50
    north = one(report(lat_deg=0.01, at_ms=129_149, alt_m=4_850))
    assert north["across_m"] == pytest.approx(-geodesy.distance_m(0, 0, 0.01, 0), abs=0.1)
    assert north["late_ms"] == pytest.approx(-10_000, abs=2)
    assert (north["across"], north["along"], north["vertical"], north["conforms"]) == (NOT, MET, NOT, NOT)
    assert one(report(at_ms=139_149 + 60_100))["along"] == NOT
    assert one(report(at_ms=139_149 - 59_900))["along"] == MET


@pytest.mark.parametrize(("pos_err_m", "expected"), [(0.0, MET), (90.0, MET), (110.0, OPEN), (2_500.0, OPEN)])
def test_the_error_of_the_place_leaves_it_open(pos_err_m, expected):
    beside, _, _ = geodesy.direct(0, 180, 180, 900)
    assert one(report(lat_deg=beside, pos_err_m=pos_err_m))["across"] == expected
    far, _, _ = geodesy.direct(0, 180, 180, 2_100)
    assert one(report(lat_deg=far, pos_err_m=pos_err_m))["across"] == (NOT if pos_err_m < 1_000 else OPEN)


def test_the_error_of_the_place_is_an_error_of_time_by_the_speed():
    found = one(report(at_ms=139_149 + 55_000, pos_err_m=900))
    assert found["late_err_ms"] == pytest.approx(4_502, abs=5)
    assert found["along"] == MET
    assert one(report(at_ms=139_149 + 55_000, pos_err_m=1_100))["along"] == OPEN


def test_what_is_not_known_of_height_is_open():
    assert one(report(alt_m=np.nan))["vertical"] == OPEN
    assert one(report(alt_ref=AltRef.AMSL))["vertical"] == OPEN
    assert one(report(alt_ref=AltRef.AGL, alt_m=0))["vertical"] == OPEN
    assert one(report(alt_ref=AltRef.AMSL, alt_m=9_000))["vertical"] == NOT
    assert one(report(alt_m=5_080, alt_err_m=30))["vertical"] == OPEN
    assert one(report(), plan(alt_m=[np.nan] * 3))["conforms"] == OPEN


def test_a_descent_is_held_where_the_flight_is():
    held = plan()
    lat = 0.25
    _, at_ms, end_ms = held.at_ms
    found = one(report(lat_deg=lat, lon_deg=-179.75, alt_m=4_300, at_ms=(at_ms + end_ms) // 2))
    assert found["leg"] == 1
    assert found["above_m"] == pytest.approx(0, abs=1)
    late = one(report(lat_deg=lat, lon_deg=-179.75, alt_m=4_300, at_ms=(at_ms + end_ms) // 2 + 30_000))
    assert (late["late_ms"], late["above_m"]) == (pytest.approx(30_000, abs=5), pytest.approx(0, abs=1))


def test_a_holding_is_not_early_by_a_loop():
    # Out and back over the same ground, 10 minutes apart, with tolerances of one minute.
    there = plan(lat_deg=[0, 0, 0], lon_deg=[0, 1, 0], alt_m=[5000] * 3, at_ms=[0, 600_000, 1_200_000])
    out = one(report(lat_deg=0, lon_deg=0.3, at_ms=190_000), there)
    back = one(report(lat_deg=0, lon_deg=0.3, at_ms=1_010_000), there)
    assert (out["leg"], back["leg"]) == (0, 1)
    assert (out["late_ms"], back["late_ms"]) == (pytest.approx(10_000, abs=2), pytest.approx(-10_000, abs=2))
    waits = plan(lat_deg=[0, 0], lon_deg=[10, 10], alt_m=[5000] * 2, at_ms=[0, 600_000])
    for at_ms, late_ms in ((-5_000, -5_000), (300_000, 0), (630_000, 30_000)):
        assert one(report(lat_deg=0, lon_deg=10, at_ms=at_ms), waits)["late_ms"] == late_ms


def test_many_reports_are_as_the_plan_was_shifted():
    rng = np.random.default_rng(4)
    held = plan(
        lat_deg=[60, 60.3, 60.1], lon_deg=[10, 10.5, 11.5], alt_m=[3000, 4000, 4500], at_ms=[0, 200_000, 500_000]
    )
    share = rng.uniform(0.1, 0.9, 500)
    leg = rng.integers(0, 2, 500)
    lat0, lon0 = np.array(held.lat_deg)[leg], np.array(held.lon_deg)[leg]
    way, azimuth, _ = geodesy.inverse(lat0, lon0, np.array(held.lat_deg)[leg + 1], np.array(held.lon_deg)[leg + 1])
    lat, lon, course = geodesy.direct(lat0, lon0, azimuth, share * way)
    across, late, above = rng.uniform(-900, 900, 500), rng.integers(-50_000, 50_000, 500), rng.uniform(-90, 90, 500)
    lat, lon, _ = geodesy.direct(lat, lon, course + 90, across)
    begin = np.array(held.at_ms)
    alt = np.array(held.alt_m)
    reports = Tracks.of(
        lat_deg=lat, lon_deg=lon, alt_m=alt[leg] + share * np.diff(alt)[leg] + above,
        at_ms=np.rint(begin[leg] + share * np.diff(begin)[leg]).astype(int) + late,
    )  # fmt: skip
    found = conformance(reports, held)
    assert np.all(found.conforms == MET)
    assert np.array_equal(found.leg, leg)
    assert found.across_m == pytest.approx(across, abs=0.05)
    assert found.late_ms == pytest.approx(late, abs=3)
    assert found.above_m == pytest.approx(above, abs=0.05)


def test_nothing_known_is_open():
    assert one(report(lat_deg=np.nan))["conforms"] == OPEN
    assert one(report(lat_deg=np.nan))["leg"] == -1
    assert one(report(), plan(lat_deg=[0], lon_deg=[0], alt_m=[0], at_ms=[0]))["conforms"] == OPEN
    assert len(conformance(report().take([]), plan()).leg) == 0


def test_readings_are_certain_or_open():
    value = np.array([1.0, 1.0, 2.0, np.nan, 3.0])
    assert at_most(value, 2.0, [1.0, 1.1, 0.0, 0.0, 0.5]).tolist() == [MET, OPEN, MET, OPEN, NOT]
    assert at_least(value, 2.0, [1.0, 0.9, 0.0, 0.0, 1.5]).tolist() == [OPEN, NOT, MET, OPEN, OPEN]
    assert all_of(np.array([MET, MET, OPEN]), np.array([MET, NOT, NOT])).tolist() == [MET, NOT, NOT]
