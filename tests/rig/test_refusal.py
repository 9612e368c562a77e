"""Without root the rig says what it lacks and what to do, and touches nothing."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.rig.__main__ import main


def test_without_root_it_refuses_with_the_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    told = CliRunner().invoke(main, ["--out", str(tmp_path / "rig")])
    assert told.exit_code == 3
    assert "the rig cannot run here: network namespaces need root" in told.output
    assert "hint: sudo make rig" in told.output
    assert not (tmp_path / "rig").exists()


def test_the_relay_is_for_the_storm_alone(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["flash", "--relay", "--out", str(tmp_path / "rig")])
    assert told.exit_code == 2
    assert not (tmp_path / "rig").exists()
