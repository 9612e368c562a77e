"""A fifth of an hour, lived and replayed in two processes."""

from pathlib import Path

from rich.progress import Progress

from keepclear.host.journal import Journal
from sim.day import Day, replay_twice
from sim.replay_journal import GENESIS, JOURNAL


def test_what_was_lived_is_replayed_the_same_in_two_processes(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    folder.mkdir(mode=0o700)
    day = Day(0.2, folder)
    with Progress(disable=True) as progress:
        lived = day.live(progress)
    assert day.said >= 4
    first, second = replay_twice(folder)
    assert (first.state, first.record) == (second.state, second.record) == lived
    assert first.inputs == second.inputs == day.lived.node.state.n > 7_000
    assert {path.name for path in folder.iterdir()} >= {JOURNAL, GENESIS}


def test_the_journal_holds_every_input_of_the_day(tmp_path: Path) -> None:
    day = Day(0.01, tmp_path / "node" if (tmp_path / "node").mkdir(mode=0o700) is None else tmp_path)
    with Progress(disable=True) as progress:
        day.live(progress)
    journal = Journal.open(tmp_path / "node" / JOURNAL)
    assert [row.n for row in journal.read(1)] == list(range(1, day.lived.node.state.n + 1))
    journal.close()
