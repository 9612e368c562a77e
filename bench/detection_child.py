"""One method of detection in a process of its own: its time, its memory and what it found.

The law: every method gets the same arrays from the same file and is measured by this code, ours and the peers' alike.
What counts is the call from arrays to findings; reading the file, building a method's own input objects and turning its
findings into one form do not. A method that takes longer than STOP_S at one call, or would take more memory than
STOP_BYTES, is stopped there. Nothing but numpy and the standard library is imported here.

    python -m bench.detection_ours METHOD INPUT.npz OUTPUT.npz      and bench.detection_peers alike
"""

import json
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import numpy as np

STOP_S: Final = 30
STOP_BYTES: Final = 8 * 2**30
OVER_MEMORY: Final = 3  # exit code
RUNS: Final = 9
RUNS_S: Final = 6.0  # as many runs as come in that time, three at least

Arrays = Mapping[str, Any]
Work = Callable[[], Any]
Read = Callable[[Any], Any]
Prepare = Callable[[Arrays], tuple[Work, Read]]
"""From arrays: the call that is measured, and what turns its answer into rows of two indices, in order."""


def serve(methods: Mapping[str, Prepare], cases: frozenset[str] = frozenset()) -> None:
    """Run the method of the command line; print its figures as one JSON line, save its rows."""
    name, source, target = sys.argv[1:4]
    with np.load(source) as held:
        arrays = dict(held)
    resource.setrlimit(resource.RLIMIT_AS, (STOP_BYTES, STOP_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        if name in cases and "case" in arrays:
            np.savez(target, found=_verdicts(methods[name], arrays))
        else:
            figures, rows = _measured(methods[name], arrays)
            np.savez(target, rows=rows)
            print(json.dumps(figures))
    except MemoryError:
        sys.exit(OVER_MEMORY)


def _measured(prepare: Prepare, arrays: Arrays) -> tuple[dict[str, float], Any]:
    work, read = prepare(arrays)
    before = _status_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, whatever compiled code it is in
    signal.setitimer(signal.ITIMER_REAL, STOP_S)
    began = perf_counter()
    answer = work()
    first = perf_counter() - began
    signal.setitimer(signal.ITIMER_REAL, 0)
    peak = _status_bytes("VmHWM") - before
    times = [first] if first > RUNS_S / 3 else []
    spent = first
    while len(times) < RUNS and (spent < RUNS_S or len(times) < (1 if first > RUNS_S / 3 else 3)):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
        spent += times[-1]
    figures = {"ms": 1000 * median(times), "first_ms": 1000 * first, "peak_mb": peak / 2**20, "runs": len(times)}
    return figures, read(answer)


def _verdicts(prepare: Prepare, arrays: Arrays) -> Any:
    """For each case, a pair of aircraft a row, whether the method finds it."""
    names = [name for name in arrays if name != "case"]
    found = np.zeros(len(arrays["case"]), dtype=bool)
    for row in range(len(found)):
        work, read = prepare({name: np.ascontiguousarray(arrays[name][row]) for name in names})
        found[row] = len(read(work())) > 0
    return found


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def pairs(i: Any, j: Any) -> Any:
    """Unordered pairs as rows i < j, each once, in order."""
    i, j = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    return np.unique(np.stack([np.minimum(i, j), np.maximum(i, j)], axis=1), axis=0).reshape(-1, 2)
