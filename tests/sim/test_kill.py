"""A sample of the kill-test: five times kill -9 on three real nodes under load. `make kill-test` does a thousand."""

from pathlib import Path

from sim.kill import Outcome, Run


def told(directory: Path, kills: int) -> Outcome:
    return Run(directory, 0).go(kills)


def test_nothing_confirmed_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    outcome = told(tmp_path, 5)
    assert outcome.faults == []
    assert (outcome.kills, outcome.lost, outcome.doubled) == (5, 0, 0)
    assert outcome.confirmed > 0
    assert outcome.entries >= outcome.confirmed + outcome.in_doubt_said
