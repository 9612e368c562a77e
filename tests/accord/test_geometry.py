"""From what was said to what is reckoned with: the same place, moved only outward, and never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accord.tell import volume

from keepclear.accord import shape
from keepclear.accord.geometry import geometry_faults, pos_err_m, to_geo, unusable
from keepclear.accord.shape import GROUND, UNLIMITED, Altitude, AltRef, Volume
from keepclear.geo import altitude
from keepclear.geo import volume as geo

SQUARE = "polygon 35,35 35,35.1 35.1,35.1 35.1,35"


def test_a_volume_keeps_its_numbers() -> None:
    said = volume(SQUARE, "1500m", "FL100", pos_err_cm=5_000)
    reckoned = to_geo(said, 1_000, 2_000)
    assert reckoned.shape == geo.Polygon(((35.0, 35.0), (35.1, 35.0), (35.1, 35.1), (35.0, 35.1)))
    assert (reckoned.lower_m, reckoned.lower_ref) == (1500.0, altitude.AltRef.AMSL)
    assert (reckoned.upper_m, reckoned.upper_ref) == (3048.0, altitude.AltRef.STD)
    assert (reckoned.start_ms, reckoned.end_ms, pos_err_m(said)) == (1_000, 2_000, 50.0)
    assert to_geo(volume("circle 35.4,35.9 20nm"), None, None).shape == geo.Circle(35.9, 35.4, 37_040.0)
    corridor = to_geo(volume("corridor 4nm 35,35 36,35"), None, None).shape
    assert corridor == geo.Corridor(((35.0, 35.0), (35.0, 36.0)), 7_408.0)


def test_limits_move_outward_by_their_error_and_the_unlimited_has_none() -> None:
    said = Volume((0,), lower=Altitude(100_000, AltRef.AMSL, 5_000), upper=Altitude(300_000, AltRef.WGS84, 5_000))
    reckoned = to_geo(said, None, None)
    assert (reckoned.lower_m, reckoned.upper_m) == (950.0, 3_050.0)
    assert to_geo(Volume((0,), lower=GROUND, upper=UNLIMITED), None, None).upper_m is None
    assert to_geo(Volume((0,), lower=GROUND), None, None).lower_m == 0


@pytest.mark.parametrize("ref", AltRef)
def test_every_reference_is_the_one_of_its_name(ref: AltRef) -> None:
    assert to_geo(Volume((0,), upper=Altitude(0, ref)), None, None).upper_ref.name == ref.name


def test_an_area_said_to_be_unknown_is_everywhere_and_no_fault() -> None:
    assert to_geo(shape.UNKNOWN_VOLUME, None, None).shape == geo.Everywhere()
    assert geometry_faults((shape.UNKNOWN_VOLUME,)) == []
    assert geometry_faults(()) == []


def test_a_bow_tie_is_unusable_and_says_which_volume_it_is() -> None:
    faults = geometry_faults((volume(SQUARE), volume("polygon 35,35 35.1,35.1 35,35.1 35.1,35")))
    assert unusable(faults)
    assert [fault.reason.split(":")[0] for fault in faults if fault.widens] == ["volume 2"]


def test_long_edges_are_advice_and_leave_the_volume_usable() -> None:
    faults = geometry_faults((volume("polygon 35,35 35,37 37,37 37,35"),))
    assert faults
    assert not unusable(faults)


def test_a_band_upside_down_and_a_window_backwards_are_found() -> None:
    assert unusable(geometry_faults((volume(SQUARE, "FL200", "FL100"),)))
    assert unusable(geometry_faults((volume(SQUARE),), 2_000, 1_000))
    assert not unusable(geometry_faults((volume(SQUARE),), 1_000, 2_000))


def test_an_outline_of_too_many_points_is_read_as_everywhere() -> None:
    area = (1, 0, 0, *(1, 1) * shape.MAX_VERTICES_ROUTINE)
    assert to_geo(Volume(area), None, None).shape == geo.Everywhere()
    assert "2001 points, at most 2000" in geometry_faults((Volume(area),))[0].reason


wire = st.integers(-(2**53) + 1, 2**53 - 1)
limits = st.none() | st.builds(Altitude, cm=wire, ref=st.integers(-1, 6), err_cm=wire)
kinds = st.lists(st.integers(0, 4), max_size=1)
areas = st.builds(
    lambda kind, numbers: (*kind, *numbers), kinds, st.lists(wire | st.integers(-(10**9), 10**9), max_size=9)
)


@settings(max_examples=300, deadline=None)
@given(st.builds(Volume, area=areas, pos_err_cm=wire, lower=limits, upper=limits), st.none() | wire, st.none() | wire)
def test_whatever_is_sent_is_reckoned_with(said: Volume, start_ms: int | None, end_ms: int | None) -> None:
    """What has no meaning is everywhere and named; what geo cannot use is named by geo."""
    reckoned = to_geo(said, start_ms, end_ms)
    faults = geometry_faults((said,), start_ms, end_ms)
    if reckoned.shape == geo.Everywhere():
        assert said.area[:1] == (0,) or any(fault.widens == "area" for fault in faults)
    assert pos_err_m(said) >= 0
    assert all(fault.reason and fault.hint for fault in faults)
