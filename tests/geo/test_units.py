"""Units: exact where people say a round number, to the nearest elsewhere."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geo import units


def test_the_figures_of_separation_are_exact():
    assert units.feet_to_cm(1_000) == 30_480
    assert units.nm_to_cm(5) == 926_000
    assert [units.flight_level_to_cm(level) for level in (0, 1, 195, 600)] == [0, 3_048, 594_360, 1_828_800]
    for level in range(601):
        assert units.flight_level_to_cm(level + 10) - units.flight_level_to_cm(level) == 30_480
        assert units.cm_to_flight_level(units.flight_level_to_cm(level)) == level


def test_rounding_is_to_the_nearest_and_ties_go_to_the_even_number():
    assert units.feet_to_cm(1) == 30
    assert [units.divide_nearest(n, 2) for n in (1, 3, -1, -3, 5)] == [0, 2, 0, -2, 2]
    assert [units.divide_nearest(n, 10) for n in (14, 15, 16, 25, -14, -16)] == [1, 2, 2, 2, -1, -2]


@given(st.integers(-100_000, 100_000))
def test_feet_survive_the_wire(feet):
    assert units.cm_to_feet(units.feet_to_cm(feet)) == feet


@given(st.integers(-1_800_000_000, 1_800_000_000))
def test_degrees_survive_the_screen(e7):
    assert units.degrees_to_e7(units.e7_to_degrees(e7)) == e7


@pytest.mark.parametrize("nowhere", [math.nan, math.inf, -math.inf])
def test_an_angle_that_is_no_number_is_refused_with_a_hint(nowhere):
    with pytest.raises(ValueError, match="an unknown angle is None"):
        units.degrees_to_e7(nowhere)


def test_speeds_and_rates():
    assert units.knots_to_mps(3600.0) == 1852.0
    assert units.fpm_to_mps(60_000.0) == pytest.approx(304.8, abs=1e-12)
    assert units.mps_to_knots(units.knots_to_mps(250.0)) == pytest.approx(250, abs=1e-12)
    assert units.mps_to_fpm(units.fpm_to_mps(-1_500.0)) == pytest.approx(-1500, abs=1e-9)
    assert units.cm_to_nm(926_000) == 5.0
