"""Margin: the three cases, every unknown, and rounding against the flight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geo.margin import Case, Margin, Reaction, margin, time_for_ms
from keepclear.geo.units import NEVER_MS

NOW = 1_537_209_540_000
MINUTE = 60_000


def ask(**changes):
    usual = {
        "active": False, "inside": False, "now_ms": NOW, "activity_start_ms": NOW + 10 * MINUTE, "enter_ms": None,
        "clear_ms": None, "distance_out_cm": 0, "speed_cmps": 20_000,
    }  # fmt: skip
    return margin(**{**usual, **changes})


def test_an_area_about_to_be_active_leaves_the_time_until_then_less_reaction_and_way_out():
    # 10 min until active, 2.5 min to react, 20 km at 200 m/s is 100 s.
    found = ask(inside=True, enter_ms=NOW + 10 * MINUTE, distance_out_cm=2_000_000)
    assert found == Margin(Case.NOT_YET_ACTIVE, 350_000, 350_000, 350_000, way_out_ms=100_000)


def test_a_flight_that_comes_in_later_has_until_then():
    found = ask(enter_ms=NOW + 15 * MINUTE, enter_earliest_ms=NOW + 14 * MINUTE)
    assert (found.margin_ms, found.margin_low_ms, found.margin_high_ms) == (750_000, 690_000, 810_000)


def test_one_minutes_notice_is_a_negative_margin():
    found = ask(
        inside=True,
        activity_start_ms=NOW + MINUTE,
        enter_ms=NOW + MINUTE,
        distance_out_cm=1_000_000,
        pos_err_cm=200_000,
    )
    assert (found.margin_ms, found.margin_low_ms) == (-140_000, -150_000)


def test_an_active_area_ahead():
    found = ask(active=True, enter_ms=NOW + 5 * MINUTE, enter_earliest_ms=NOW + 290_000)
    assert found == Margin(Case.ACTIVE_OUTSIDE, 150_000, 140_000, 160_000)


def test_an_active_area_all_round_has_no_margin_only_a_way_out():
    found = ask(active=True, inside=True, enter_ms=NOW, clear_ms=NOW + 61_000, distance_out_cm=500_001)
    assert (found.case, found.margin_ms, found.margin_low_ms, found.margin_high_ms) == (
        Case.ACTIVE_INSIDE,
        None,
        None,
        None,
    )
    assert (found.to_clear_ms, found.minutes_to_clear, found.way_out_ms) == (61_000, 2, 25_001)


def test_a_flight_inside_that_does_not_leave_says_so():
    found = ask(
        active=True, inside=True, enter_ms=NOW, clear_ms=NEVER_MS, clear_latest_ms=NEVER_MS, distance_out_cm=None
    )
    assert (found.to_clear_ms, found.minutes_to_clear, found.way_out_ms) == (None, None, None)
    assert "does not leave within the look-ahead" in found.reason


@pytest.mark.parametrize(
    ("changes", "reason", "low_ms"),
    [
        ({"activity_start_ms": None, "inside": True}, "start of the activity is not known", -150_000),
        ({"inside": True, "speed_cmps": 0, "distance_out_cm": 100}, "time to clear is not known", None),
        ({"inside": True, "speed_cmps": None, "distance_out_cm": 100}, "time to clear is not known", None),
        ({"inside": True, "distance_out_cm": None}, "time to clear is not known", None),
        ({"enter_ms": NEVER_MS, "enter_earliest_ms": NOW + 11 * MINUTE}, "position error is against it", 510_000),
        ({}, "does not enter within the look-ahead", None),
        ({"active": True}, "does not enter within the look-ahead", None),
        ({"active": True, "enter_earliest_ms": NOW + MINUTE}, "position error is against it", -90_000),
    ],
)
def test_what_is_not_known_gives_a_reason_and_never_a_number(changes, reason, low_ms):
    found = ask(**changes)
    assert found.margin_ms is None
    assert found.margin_high_ms is None
    assert reason in found.reason
    assert found.margin_low_ms == low_ms


def test_the_understanding_may_agree_other_times():
    slow = Reaction(acknowledge_ms=60_000, relay_ms=120_000, crew_ms=0)
    assert slow.total_ms == 180_000
    assert ask(active=True, enter_ms=NOW + 5 * MINUTE, reaction=slow).margin_ms == 120_000


def test_the_time_of_the_best_manoeuvre_takes_the_place_of_the_shortest_way_out():
    at = {"inside": True, "enter_ms": NOW + 10 * MINUTE, "distance_out_cm": 2_000_000, "pos_err_cm": 200_000}
    assert ask(**at).way_out_ms == 100_000
    turned = ask(**at, manoeuvre_ms=140_000)
    assert (turned.margin_ms, turned.margin_low_ms, turned.way_out_ms) == (310_000, 310_000, 140_000)
    # A climb may be quicker than the way to the side.
    assert ask(**at, manoeuvre_ms=30_000).margin_ms == 420_000
    active = ask(**{**at, "active": True, "enter_ms": NOW}, clear_ms=NOW + MINUTE, manoeuvre_ms=45_000)
    assert (active.case, active.margin_ms, active.way_out_ms) == (Case.ACTIVE_INSIDE, None, 45_000)
    outside = {"active": True, "enter_ms": NOW + 5 * MINUTE}
    assert ask(**outside, manoeuvre_ms=45_000) == ask(**outside)


def test_no_manoeuvre_out_is_a_reason_and_never_a_number():
    at = {"inside": True, "enter_ms": NOW + 10 * MINUTE, "distance_out_cm": 2_000_000}
    none = ask(**at, manoeuvre_ms=NEVER_MS)
    assert (none.margin_ms, none.margin_low_ms, none.margin_high_ms, none.way_out_ms) == (None,) * 4
    assert "no manoeuvre" in none.reason


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_time_for_a_way_is_rounded_up(distance_cm, speed_cmps):
    found = time_for_ms(distance_cm, speed_cmps)
    assert found * speed_cmps >= distance_cm * 1000 > (found - 1) * speed_cmps


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**7), st.booleans())
def test_a_later_notice_is_never_a_better_margin(start, enter, delay, distance, inside):
    at = {"inside": inside, "activity_start_ms": NOW + start, "enter_ms": NOW + enter, "distance_out_cm": distance}
    assert ask(**at, now_ms=NOW + delay).margin_ms == ask(**at).margin_ms - delay
    assert ask(**at, pos_err_cm=1000).margin_low_ms <= ask(**at).margin_ms
