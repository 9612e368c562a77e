"""A sample of the campaign that judges detection, and that the judge is not blind: a spoilt answer is a fault."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from keepclear.geo.conflict import conflicts
from keepclear.geo.encounter import encounters
from keepclear.geo.overlap import Overlaps, overlaps
from keepclear.geo.units import NEVER_MS
from sim.detect import __main__ as campaign
from sim.detect import areas, bodies, compare, compare_areas, exact, judge, precise
from sim.detect.cases import H_M, KINDS, V_CM, Picture
from sim.detect.flights import Flights, direct, inverse

EXTENDED = bool(np.finfo(np.longdouble).eps < 1e-18)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_tracks_has_nothing_missed_and_nothing_added(kind, monkeypatch):
    monkeypatch.setitem(campaign.BATCH, kind, 300)
    for name, tally in campaign.one(kind, 1).items():
        assert not tally.faults, name
        assert tally.counts["pairs"] >= 250
        assert tally.counts.get("missed", 0) == tally.counts.get("missed in part", 0) == 0
        assert tally.worst.get("spurious, share of the limit", 0.0) < 1e-5


def test_a_sample_of_volumes_is_right_to_the_last_pair():
    scene = bodies.scene(np.random.default_rng(3))[:24]
    volumes = [body.volume for body in scene]
    answers = {name: overlaps(volumes, kernel=kernel) for name, kernel in campaign.ENGINES.items()}
    for name, tally in bodies.compare(scene, answers).items():
        assert not tally.faults, name
        assert tally.counts["meeting"] > 10


def picture():
    return KINDS["crossing"][1](np.random.default_rng(5), 400)


def test_a_loss_that_is_not_told_is_missed_and_one_that_is_not_there_is_spurious():
    one = picture()
    true, told = compare.truth(one), conflicts(one.flights.tracks(), H_M, V_CM / 100, one.ahead_ms, 0)
    clear = int(np.argmin(told.h_min_m))
    rest = compare._rows(told, np.delete(np.arange(len(told)), clear))
    spoilt = compare.compare(one, true, rest)
    assert spoilt.counts["missed"] == 1
    assert f"{told.h_min_m[clear]:.3f}"[:-2] in spoilt.faults[0]
    wider = conflicts(one.flights.tracks(), H_M * 1.05, V_CM / 100, one.ahead_ms, 0)
    assert any("spurious by" in fault for fault in compare.compare(one, true, wider).faults)
    higher = conflicts(one.flights.tracks(), H_M, V_CM / 100 * 1.05, one.ahead_ms, 0)
    assert any("spurious by" in fault for fault in compare.compare(one, true, higher).faults)
    late = replace(told, t_in_ms=told.t_in_ms + np.where(told.t_in_ms > 0, 1_000, 0))
    assert compare.compare(one, true, late).worst["begins late"] > 1
    short = replace(told, t_out_ms=np.minimum(told.t_out_ms, told.t_in_ms + 1))
    assert compare.compare(one, true, short).counts["missed in part"] > 0


def still(lat, lon, course, speed, height_cm=900_000):
    zero = np.zeros(len(lat), dtype=np.int64)
    columns = (np.asarray(value, dtype=np.float64) for value in (lat, lon, course, speed))
    return Flights(*columns, zero + height_cm, zero, zero, zero == 0)


@pytest.mark.parametrize(("gap_m", "lost"), [(9_259.99, True), (9_260.01, False), (18_000.0, False)])
def test_the_judge_knows_a_pair_by_hand(gap_m, lost):
    lat, lon, course = direct(*np.array([[60.0], [179.99], [90.0], [gap_m]]))
    flights = still([60.0, *lat], [179.99, *lon], [90.0, *course], [200.0, 200.0])
    one = Picture(flights, np.array([0]), np.array([1]), 60_000)
    near = compare.truth(one).near
    assert bool(near.apart_m[0] < H_M) is lost
    if abs(gap_m - H_M) < 1:
        assert near.settled[0]
        assert near.apart_m[0] == pytest.approx(gap_m, abs=1e-7)
    else:
        assert np.isinf(near.apart_m[0])


def test_a_thousand_feet_are_decided_in_integers():
    flights = still([10.0, 10.0], [20.0, 20.0], [0, 0], [0, 0])
    for apart_cm, is_open in ((30_480, False), (30_479, True), (-30_480, False)):
        flights.height_cm[1] = flights.height_cm[0] + apart_cm
        assert judge.window(flights, np.array([0]), np.array([1]), V_CM, 300_000).open[0] == is_open


@pytest.mark.skipif(not EXTENDED, reason="long double is a double here: nothing more precise to compare with")
def test_the_precise_distance_is_projs_to_some_nanometres():
    rng = np.random.default_rng(6)
    lat, lon = np.append(rng.uniform(-90, 90, 300), [90.0, -90.0, 0.0]), rng.uniform(-180, 180, 303)
    lat2, lon2, course = direct(lat, lon, rng.uniform(0, 360, 303), 10 ** rng.uniform(0, 5.5, 303))
    both = still(np.append(lat, lat2), np.append(lon, lon2), np.append(course, course + 77), np.full(606, 250.0))
    i, time_s = np.arange(303), rng.uniform(-300, 300, 303)
    assert np.abs(precise.apart_m(both, i, i + 303, time_s) - both.apart_m(i, i + 303, time_s)).max() < 1e-8


def test_exact_rings_touch_and_meet():
    square = exact.ring([(0, 0), (1, 0), (1, 1), (0, 1)])
    for other, meet in (
        ([(1, 0), (2, 0), (2, 1), (1, 1)], False),
        ([(1, 1), (2, 1), (2, 2)], False),
        ([(1 - 2**-50, 0.5), (2, 0), (2, 1)], True),
        ([(0.25, 0.25), (0.5, 0.25), (0.5, 0.5)], True),
        ([(-1, -1), (2, -1), (2, 2), (1, 2), (1, 0), (0, 0), (0, 1), (1, 2), (-1, 2)], False),
        ([(0, 1), (1, 1), (1, 0), (0, 0)], True),
    ):
        assert exact.interiors_meet(square, exact.ring(other)) == meet
        assert exact.interiors_meet(exact.ring(other), square) == meet


def test_a_wrong_pair_of_volumes_is_a_fault():
    scene = bodies.scene(np.random.default_rng(4))[:16]
    told = overlaps([body.volume for body in scene])
    less = Overlaps(told.i[1:], told.j[1:], told.undecidable[1:])
    assert "missed" in bodies.compare(scene, {"spoilt": less})["spoilt"].faults[0]


def test_a_flight_that_is_not_told_to_be_inside_is_missed():
    rng = np.random.default_rng(8)
    of = compare_areas.scene(rng, 120)
    volumes, tracks = [aim.volume for aim in of.aims], of.flights.tracks()
    told = encounters(tracks, volumes, 0, of.ahead_ms)
    longest = int(np.argmax(np.minimum(told.clear_ms, of.ahead_ms) - told.enter_ms))
    whole, keep = compare_areas.compare(of, told), np.arange(len(told)) != longest
    spoilt = type(told)(*(getattr(told, name)[keep] for name in told.__slots__))
    assert compare_areas.compare(of, spoilt).counts["missed"] == whole.counts["missed"] + 1
    endless = replace(told, clear_ms=np.full(len(told), NEVER_MS))
    assert len(compare_areas.compare(of, endless).faults) > len(whole.faults)


def test_what_an_error_allows_is_looked_for():
    of = compare_areas.scene(np.random.default_rng(8), 72)
    volumes, tracks = [aim.volume for aim in of.aims], of.flights.tracks()
    doubtful = replace(tracks, pos_err_m=np.full(len(tracks), 5_000.0))
    told = encounters(doubtful, volumes, 0, of.ahead_ms)
    assert not compare_areas.compare_ranges(of, told, 5_000.0).faults
    sure = encounters(tracks, volumes, 0, of.ahead_ms)
    assert compare_areas.compare_ranges(of, sure, 5_000.0).counts["of which left out"] > 100


def test_the_judge_of_areas_knows_a_box_by_hand():
    box = areas.Ring.of(np.array([[179.5, -1.0], [-179.5, -1.0], [-179.5, 1.0], [179.5, 1.0], [179.5, -1.0]]))
    flights = still([0.0], [179.0], [90.0], [100.0])
    found = areas.stretches(box, flights, np.array([0]), np.array([0.0]), np.array([2_000.0]))
    way = inverse(*np.array([[0.0], [179.0], [0.0], [179.5]]))[0][0]
    inside = found.inside & found.proved
    assert found.begin[inside].min() == pytest.approx(way / 100, abs=0.3)
    assert found.end[inside].max() == pytest.approx(3 * way / 100, abs=0.3)
    assert (found.end - found.begin).sum() == pytest.approx(2_000)


def test_the_command_tells_what_it_judged(monkeypatch):
    monkeypatch.setitem(campaign.BATCH, "ends", 100)
    said = CliRunner().invoke(campaign.main, ["--kind", "ends", "--pairs", "100", "--jobs", "1"])
    assert said.exit_code == 0
    assert "ends, numpy: " in said.stdout
    assert "0 faults" in said.stdout
