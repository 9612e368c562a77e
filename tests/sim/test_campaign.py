"""A sample of the campaign, and that a seed is all that it takes to see a fault again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from keepclear.line.liveness import LineState
from keepclear.line.paths import BOX, UDP
from keepclear.node import courier
from sim import campaign, trials
from sim.run import Run

SAMPLE = range(200, 206)


@pytest.mark.parametrize("seed", SAMPLE)
def test_a_storm_ends_in_equal_copies_and_equal_replays(seed: int) -> None:
    run = Run(seed, 30)
    run.go()
    assert run.said == 0 or run.world.watch.originals


@pytest.mark.parametrize("seed", SAMPLE)
def test_a_storm_over_two_paths_ends_in_equal_copies_and_every_line_open(seed: int) -> None:
    run = Run(seed, 30, (UDP, BOX))
    run.go()
    run.world.run(run.world.now + 5_000)
    states = [peer.live.state for member in run.world.members for peer in member.node.state.peers.values()]
    assert states == [LineState.OPEN] * 6


def trace(seed: int) -> list[object]:
    run = Run(seed, 15)
    run.go()
    shown = [[(at, shown.what, shown.text) for at, shown in member.log.shown] for member in run.world.members]
    return [run.world.now, run.world.steps, run.fate, shown, list(run.world.watch.originals.items())]


def test_a_seed_decides_everything() -> None:
    assert trace(3) == trace(3)
    assert trace(3) != trace(4)


def test_a_fault_is_told_with_the_command_that_shows_it_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(courier, "_is_wet", lambda _core, _slot: False)
    monkeypatch.setattr(trials, "ProcessPoolExecutor", ThreadPoolExecutor)
    file = str(tmp_path / "trials")
    said = CliRunner().invoke(campaign.main, ["--runs", "1", "--seconds", "10", "--first", "200", "--results", file])
    assert said.exit_code == 1
    assert "FAULT seed 200, " in said.stdout
    assert "python -m sim.campaign --seconds 10 --only 200" in said.stdout
    assert "1 runs of 10 s: 1 faults" in said.stdout
