"""What people type becomes exact integers, or is refused with a hint; nothing else ever happens."""

from contextlib import suppress
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.accord import shape
from keepclear.accord.outcome import Refused
from keepclear.accord.people import parse_altitude, parse_area, parse_distance, parse_position, parse_text
from keepclear.accord.shape import GROUND, UNLIMITED, Altitude, AltRef

LATTAKIA = (359_000_000, 354_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "35.4,35.9",
        " 35.4 , 35.9 ",
        "+35.40 35.90",
        "35.4N 35.9E",
        "35°24'00\"N 35°54'00\"E",
        "35°24'N,35°54'E",
        "35°24′00″n, 35°54′00″e",
        "352400N0355400E",
        "3524N 03554E",
        "352400.0N 0355400.0E",
        "٣٥.٤,٣٥.٩",
    ],
)
def test_one_place_in_every_way_it_is_written(text: str) -> None:
    assert parse_position(text) == LATTAKIA


@given(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))
def test_seven_decimals_are_exact(lat_e7: int, lon_e7: int) -> None:
    text = f"{Decimal(lat_e7).scaleb(-7):f},{Decimal(lon_e7).scaleb(-7):f}"
    assert parse_position(text) == (lon_e7, lat_e7)


@given(st.integers(0, 89), st.integers(0, 59), st.integers(0, 59), st.sampled_from("NS"))
def test_seconds_come_within_half_a_unit(degrees: int, minutes: int, seconds: int, side: str) -> None:
    _, lat_e7 = parse_position(f"{degrees:02d}{minutes:02d}{seconds:02d}{side}0000000E")
    exact = (Decimal(degrees * 3600 + minutes * 60 + seconds) * 10_000_000 / 3600).to_integral_value(ROUND_HALF_EVEN)
    assert lat_e7 == (int(exact) if side == "N" else -int(exact))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("91,0", "not on earth"),
        ("35.4,180.0000001", "not on earth"),
        ("35°60'N 35°54'E", "60 minutes"),
        ("35.5°30'N 35°54'E", "fraction before"),
        ("35,4 35,9", "no position"),
        ("35.4", "no position"),
        ("35.9E 35.4N", "no position"),
        ("nan,nan", "no position"),
        ("9" * 100 + ",1", "102 characters"),
    ],
)
def test_what_is_no_position_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        parse_position(text)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("FL100", Altitude(304_800, AltRef.STD)),
        ("fl 330", Altitude(1_005_840, AltRef.STD)),
        ("3000ft", Altitude(91_440, AltRef.AMSL)),
        ("1000 ft AGL", Altitude(30_480, AltRef.AGL)),
        ("1500m AMSL", Altitude(150_000, AltRef.AMSL)),
        ("1500.5m WGS84", Altitude(150_050, AltRef.WGS84)),
        ("-400m", Altitude(-40_000, AltRef.AMSL)),
        ("GND", GROUND),
        ("sfc", GROUND),
        ("UNL", UNLIMITED),
    ],
)
def test_an_altitude_keeps_its_reference(text: str, limit: Altitude) -> None:
    assert parse_altitude(text) == limit


@pytest.mark.parametrize("text", ["3000", "FL", "10km", "3000ft QFE", "1,000ft", ""])
def test_an_altitude_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no altitude"):
        parse_altitude(text)


@pytest.mark.parametrize(
    ("text", "cm"),
    [("20nm", 3_704_000), ("5 NM", 926_000), ("2.5nm", 463_000), ("1ft", 31), ("0.001m", 1), ("10km", 1_000_000)],
)
def test_a_distance_is_exact_or_rounded_up(text: str, cm: int) -> None:
    assert parse_distance(text) == cm


def test_areas() -> None:
    ring = [LATTAKIA, (359_000_000, 360_000_000), (365_000_000, 360_000_000)]
    typed = "polygon 35.4,35.9 36.0,35.9 36.0,36.5"
    assert parse_area(typed) == shape.polygon(ring)
    assert parse_area(typed + " 35.4,35.9") == shape.polygon(ring)
    assert parse_area("Circle 352400N0355400E 20nm") == shape.circle(*LATTAKIA, 3_704_000)
    assert parse_area("corridor 4nm 35.4,35.9 36.0,35.9") == shape.corridor(ring[:2], 740_800)
    assert parse_area("unknown") == (0,)


@pytest.mark.parametrize("text", ["", "north of Syria", "polygon 35.4,35.9 36.0,35.9", "circle 35.4,35.9", "unknown x"])
def test_words_are_no_area(text: str) -> None:
    with pytest.raises(Refused, match="no area") as refused:
        parse_area(text)
    assert "unknown" in refused.value.hint


@given(st.text(max_size=60) | st.text("0123456789.,-+NSEW°'\" FLftmAGSU", max_size=40))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for parse in (parse_position, parse_altitude, parse_distance, parse_area):
        with suppress(Refused):
            parse(text)


def test_text_is_composed_and_on_one_line() -> None:
    assert parse_text(" cafe\u0301\n\tnorth ") == "caf\u00e9 north"
