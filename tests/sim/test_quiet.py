"""A sample of the hours in which nobody may be told in vain that a line is not open, and that it would be noticed."""

import pytest

from sim import quiet
from sim.quiet import WEATHERS, Hour
from sim.world import Weather

MINUTES_MS = 5 * 60_000


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_line_that_loses_and_delays_and_works_is_told_open_and_nothing_else(weather: str) -> None:
    hour = Hour(1_000, weather)
    hour.go(MINUTES_MS)
    assert [*hour.told(), *hour.alarms()] == []
    assert hour.world.members[0].node.state.situation.matters


def test_a_line_that_was_cut_for_five_seconds_is_counted_at_both_ends() -> None:
    hour = Hour(1_001, "near")
    world = hour.world
    world.after(100_000, lambda: world.cut.add((0, 1)))
    world.after(105_000, world.cut.clear)
    hour.go(MINUTES_MS)
    told = [words.split(": ", 1) for words in hour.told()]
    assert {words for _, words in told if "dead" in words} == {"the line to ALFA is dead", "the line to BRAVO is dead"}


def test_a_result_tells_what_was_told_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEATHERS, "near", Weather(loss=0.8, delay_ms=(20, 320)))
    result = quiet.one(1_002, "near", MINUTES_MS)
    assert result.told > 0
    assert f"seed 1002, near: {result.told} told, " in result.fault
