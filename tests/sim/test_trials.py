"""A campaign that goes on where it was interrupted, and counts nothing that other code or options have found."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim import trials
from sim.trials import Campaign


@dataclass(frozen=True)
class Result:
    seed: int
    size: int
    fault: str


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(trials, "ProcessPoolExecutor", ThreadPoolExecutor)
    return []


def campaign(ran: list[int], **options: int) -> Campaign[Result]:
    def one(seed: int) -> Result:
        ran.append(seed)
        return Result(seed, seed * 10, f"seed {seed} is bad" if seed == 3 else "")

    return Campaign("some", Result, one, lambda seed: f"again {seed}", options)


def test_what_is_in_the_file_is_not_run_again_and_counts(ran: list[int], tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    campaign(ran).run(range(2), 1, file=file)
    done = campaign(ran).run(range(5), 1, file=file)
    assert ran == [0, 1, 2, 3, 4]
    assert (done.found, len(done.results), done.total("size"), done.faults) == (2, 5, 100, 1)


def test_a_fault_is_told_with_its_command_each_time(
    ran: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.jsonl"
    for _ in range(2):
        campaign(ran).run(range(2, 4), 1, file=file)
        assert capsys.readouterr().out == "FAULT seed 3 is bad\n  again 3\n"
    assert ran == [2, 3]


def test_a_line_that_was_cut_short_is_run_again_and_what_comes_after_it_is_whole(
    ran: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "some.jsonl"
    campaign(ran).run(range(3), 1, file=file)
    file.write_bytes(file.read_bytes()[:-5])
    campaign(ran).run(range(3), 1, file=file)
    assert campaign(ran).run(range(3), 1, file=file).found == 3
    assert sorted(set(ran)) == [0, 1, 2]
    assert len(ran) == 4


def test_other_options_and_other_code_count_for_nothing(
    ran: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "some.jsonl"
    campaign(ran).run(range(1), 1, file=file)
    campaign(ran, far=1).run(range(1), 1, file=file)
    monkeypatch.setattr(trials, "_code", lambda: "another")
    campaign(ran).run(range(1), 1, file=file)
    assert ran == [0, 0, 0]


def test_one_seed_alone_is_run_whether_or_not_it_is_in_the_file(ran: list[int], tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    campaign(ran).run(range(3), 1, file=file)
    done = campaign(ran).run(range(3), 1, only=1, file=file)
    assert (ran, len(done.results)) == ([0, 1, 2, 1], 1)
