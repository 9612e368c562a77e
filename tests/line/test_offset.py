"""The bounds of a peer's clock hold whatever its clock, its drift and the paths' delays are."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line.offset import DRIFT_PPM, HOUR_MS, Offset, jump_ms, narrowed, whole_hours

PPM = st.integers(-DRIFT_PPM, DRIFT_PPM)
DELAYS = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000), st.integers(1, 10**7)), min_size=1)


@given(PPM, st.integers(-(10**9), 10**9), DELAYS)
def test_the_true_difference_is_within_the_bounds_after_every_exchange(
    ppm: int, offset_ms: int, exchanges: list[tuple[int, int, int]]
) -> None:
    def true_ms(now_ms: int) -> int:
        return offset_ms + now_ms * ppm // 1_000_000

    known, now_ms = None, 0
    for there_ms, back_ms, pause_ms in exchanges:
        written_ms = now_ms + there_ms
        theirs, came_ms = written_ms + true_ms(written_ms), written_ms + back_ms
        new = Offset(theirs - came_ms, theirs - now_ms, came_ms)
        if known is not None:
            assert abs(jump_ms(known, new)) <= 2, "whole milliseconds round, clocks do not jump"
        known = narrowed(known, new)
        low_ms, high_ms = known.at(came_ms)
        drift_ms = (there_ms + back_ms) * DRIFT_PPM // 1_000_000 + 2
        assert low_ms - drift_ms <= true_ms(came_ms) <= high_ms + drift_ms
        now_ms = came_ms + pause_ms


def test_exchanges_narrow_and_an_outage_widens() -> None:
    known = narrowed(Offset(-100, 100, 0), Offset(20, 300, 0))
    assert known.at(0) == (20, 100)
    assert known.at(10_000_000) == (20 - 2_000, 100 + 2_000)
    assert narrowed(known, Offset(-5_000, 5_000, 10_000_000)).at(10_000_000) == (-1_980, 2_100)


@pytest.mark.parametrize(("by_ms", "told_ms"), [(0, 0), (150, 0), (3_600_000, 3_599_800), (-700, -500)])
def test_a_jump_is_told_by_what_the_bounds_leave_between_them(by_ms: int, told_ms: int) -> None:
    assert jump_ms(Offset(-100, 100, 0), Offset(by_ms - 100, by_ms + 100, 0)) == told_ms


def test_after_a_jump_the_new_bounds_stand() -> None:
    new = Offset(5_000, 5_200, 10)
    assert narrowed(Offset(-100, 100, 0), new) == new


def test_whole_hours_are_told_and_nothing_else() -> None:
    draw = random.Random(1)
    for hours in (-14, -1, 1, 2, 12):
        off_ms = hours * HOUR_MS + draw.randint(-20_000, 20_000)
        assert whole_hours(off_ms - 200, off_ms + 200) == hours
    for off_ms in (0, 29 * 60_000, 90 * 60_000, -45 * 60_000, 27 * HOUR_MS):
        assert whole_hours(off_ms - 200, off_ms + 200) == 0
    assert whole_hours(-HOUR_MS, 3 * HOUR_MS) == 0, "nothing is known so well"
