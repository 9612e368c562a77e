"""One method on one input, in a process of its own: started, stopped, and its answer read.

The law: ours run in the product's environment, everything else in .venv-bench. What a method could not do in the time
and memory that it is given is said as such, never left out; any other failure ends the run.
"""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.detection_child import OVER_MEMORY, STOP_BYTES, STOP_S
from keepclear.geo.kernel import LOADED

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS: Final = ROOT / ".venv-bench" / "bin" / "python"
OURS: Final = ("keepclear kernel", "keepclear numpy") if LOADED else ("keepclear numpy",)


@dataclass(frozen=True)
class Run:
    """What one method did with one input; `stopped` says why there are no figures."""

    ms: float = np.nan
    peak_mb: float = np.nan
    rows: frozenset[tuple[int, int]] = frozenset()
    stopped: str = ""


def run(method: str, arrays: dict[str, Any], folder: Path) -> Run:
    """One method on arrays, in its own process."""
    done, saved = child(method, arrays, folder)
    if done.returncode == -signal.SIGALRM:
        return Run(stopped=f"> {STOP_S} s")
    if done.returncode in (OVER_MEMORY, -signal.SIGABRT, -signal.SIGKILL):
        return Run(stopped=f"> {STOP_BYTES // 2**30} GB")
    if done.returncode != 0:
        raise RuntimeError(f"{method} failed\n{done.stderr}")
    figures = json.loads(done.stdout.splitlines()[-1])
    with np.load(saved) as held:
        rows = held["rows"]
    return Run(figures["ms"], figures["peak_mb"], frozenset(map(tuple, rows.tolist())))


def child(method: str, arrays: dict[str, Any], folder: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    source, target = folder / "in.npz", folder / "out.npz"
    np.savez(source, **arrays)
    target.unlink(missing_ok=True)
    ours = method.startswith("keepclear")
    module = "bench.detection_ours" if ours else "bench.detection_peers"
    command = [sys.executable if ours else str(PEERS), "-m", module, method, str(source), str(target)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False), target
