"""Zulu in and out: every time the standard library knows comes out the same, and every integer has a rendering."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.accord.outcome import Refused
from keepclear.accord.times import DAY_MS, hours_apart, month_of, parse_time, span, to_second, zulu

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WIRE = st.integers(-(2**53) + 1, 2**53 - 1)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_what_the_standard_library_says(moment: datetime) -> None:
    ms = (moment - EPOCH) // timedelta(milliseconds=1)
    assert zulu(ms)[:19] == moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%d %H:%M:%S")
    assert month_of(ms) == zulu(ms)[:7]
    assert parse_time(zulu(ms).replace(" ", "T")) == ms


@given(WIRE)
def test_every_integer_has_a_rendering_and_the_date_is_left_out_only_on_its_own_day(ms: int) -> None:
    assert zulu(ms).endswith("Z")
    assert zulu(ms) == f"{zulu(ms).split(' ')[0]} {zulu(ms, ms)}"
    assert zulu(ms, ms + DAY_MS) == zulu(ms)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2018-09-17T18:39:00+03:00", "not in Zulu"),
        ("2018-09-17T18:39:00", "not in Zulu"),
        ("2018-02-29T00:00:00Z", "no such date"),
        ("2018-13-01T00:00:00Z", "no such date"),
        ("2018-09-17T24:00:00Z", "no such time"),
        ("2016-12-31T23:59:60Z", "no such time"),
        ("2018-09-17T18:39:00.0001Z", "finer than a millisecond"),
        ("18:39", "no time"),
        ("", "no time"),
    ],
)
def test_what_could_be_misread_is_refused_with_a_hint(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        parse_time(text)
    assert refused.value.hint


def test_a_leap_day_and_thousandths_are_exact() -> None:
    assert zulu(parse_time("2016-02-29T23:59:59.250Z")) == "2016-02-29 23:59:59.250Z"
    assert parse_time("2016-02-29t23:59:59.25z") == parse_time("2016-02-29T23:59:59.250Z")


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (37_000, "37 s"), (600_000, "600 s"), (250, "0.250 s"), (-1_500, "-1.500 s"), (71 * 3_600_000, "71 h"),
        (7_260_000, "2 h 1 min"), (7_200_001, "7200.001 s"), (-7_200_000, "-2 h"), (0, "0 s"),
    ],
)  # fmt: skip
def test_a_span_loses_no_millisecond(ms: int, text: str) -> None:
    assert span(ms) == text


def test_what_is_told_to_the_second_is_never_later() -> None:
    assert [to_second(ms) for ms in (1_999, 2_000, -1)] == [1_000, 2_000, -1_000]


def test_two_accounts_an_hour_apart_are_one_time_in_two_zones() -> None:
    """Of one loss of contact one text says 23:00, another 22:07: an hour, give or take seven minutes."""
    first, second = parse_time("2018-09-17T19:07:00Z"), parse_time("2018-09-17T20:00:00Z")
    assert hours_apart(first, second, tolerance_ms=8 * 60_000) == 1
    assert hours_apart(second, first, tolerance_ms=8 * 60_000) == -1
    assert hours_apart(first, second, tolerance_ms=6 * 60_000) is None


@given(st.integers(-30, 30), st.integers(0, 29 * 60_000), st.integers(-(29 * 60_000), 29 * 60_000), WIRE)
def test_exactly_whole_hours_within_the_tolerance_are_found(hours: int, tolerance: int, off: int, a_ms: int) -> None:
    found = hours_apart(a_ms, a_ms + hours * 3_600_000 + off, tolerance)
    assert found == (hours if 1 <= abs(hours) <= 14 and abs(off) <= tolerance else None)


def test_a_tolerance_that_fits_every_time_is_refused() -> None:
    with pytest.raises(Refused, match="1800000 ms"):
        hours_apart(0, 1, 1_800_000)
