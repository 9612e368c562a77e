"""What more than one test needs and takes long to make."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Tests kill nodes, and a watchdog that outlives its node sounds until somebody hears it: tests that want one say so.
os.environ["KEEPCLEAR_WATCHDOG"] = "no"


@pytest.fixture(scope="session")
def il20_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the records (A, B and observer) of the il20 scenario, played once a session at full speed."""
    folder = tmp_path_factory.mktemp("il20")
    command: list[str | Path] = [
        Path(sys.executable).parent / "keepclear",
        "demo",
        "--scenario",
        "il20",
        "--speed",
        "max",
    ]
    done = subprocess.run(
        [*command, "--out", folder, "--exit"], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
