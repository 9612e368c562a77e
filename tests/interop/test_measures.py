from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from keepclear.interop import measures


@given(st.integers(-2_000, 400_000))
def test_whole_feet_are_exact_to_the_nearest_centimetre(feet: int) -> None:
    assert measures.cm_from_ft(feet) == round(Fraction(feet) * 3_048 / 100)


def test_flight_levels_and_metres_are_exact() -> None:
    assert [measures.cm_from_ft(level * 100) for level in range(0, 600)] == [level * 3_048 for level in range(0, 600)]
    assert measures.cm_from_m(6_096) == measures.cm_from_ft(20_000) == 609_600


def test_speeds() -> None:
    assert measures.cmps_from_kt(9) == 463
    assert measures.cmps_from_kmh(36) == 1_000
    assert measures.cmps_from_fpm(-1_000) == -508
    assert measures.cmps_from_mps(-5.08) == -508


def test_a_full_turn_is_north() -> None:
    assert [measures.cdeg(deg) for deg in (0, 90.5, 359.994, 359.996, 360)] == [0, 9_050, 35_999, 0, 0]
