"""A sample of `make rig` without root: real nodes over UDP on loopback, through the same link, judged the same."""

from pathlib import Path

from sim.rig import storm
from sim.rig.schedule import What

FIRST = (What.WEATHER, What.KILL, What.CUT, What.PAUSE, What.CLOCK)
SEED = 4


def test_nothing_acknowledged_is_lost_or_doubled_in_a_storm(tmp_path: Path) -> None:
    told = storm.weather_out(tmp_path / "line", SEED, 12, FIRST, relay=True)
    assert told.faults == []
    assert {event.what for event in told.events} >= set(FIRST)
    assert (told.verdict.lost, told.verdict.doubled) == (0, 0)
    assert told.verdict.confirmed > 0
    assert told.verdict.receipted >= told.verdict.confirmed
    assert told.lost > 0
