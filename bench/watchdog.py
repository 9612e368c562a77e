"""How soon the watchdog sounds when its node's loop stands still, and when its node is killed.

The law: a real node with its watchdog, as `keepclear run` starts them; from the signal until the words stand in the
file that the watchdog writes to. No peer does this, so none stands beside.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from bench import Table
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import Node

TRIALS: Final = 20
PATIENCE_S: Final = 60.0
POLL_S: Final = 0.005


def tables() -> Iterator[Table]:
    """Seconds until it sounds: least, median, most, of twenty trials each."""
    with TemporaryDirectory() as name:
        node, _ = processes.found(Path(name) / "line", {"ALFA": Role.PARTY, "BRAVO": Role.PARTY})
        draw = Random(1)
        _begin(node)
        rows = [_row("own loop stopped (SIGSTOP)", [_stopped(node, draw) for _ in range(TRIALS)])]
        rows.append(_row("node killed (kill -9)", [_killed(node, draw) for _ in range(TRIALS)]))
        node.stop()
    yield Table("Watchdog", ("", "trials", "least s", "median s", "most s"), rows)


def _begin(node: Node) -> None:
    with (node.home / "output.txt").open("ab") as out:
        command = [sys.executable, "-m", "keepclear", "run", "--quiet", "--watchdog", str(node.home / "node.toml")]
        node.process = subprocess.Popen(command, stdout=out, stderr=out)
    _until(lambda: (dog := node.status()["watchdog"]) is not None and dog["asked"] and not dog["error"])


def _stopped(node: Node, draw: Random) -> float:
    assert node.process is not None
    time.sleep(draw.random())  # at any moment between two questions
    before, began_s = node.output().count("no sign of life"), time.monotonic()
    node.process.send_signal(signal.SIGSTOP)
    _until(lambda: node.output().count("no sign of life") > before)
    took_s = time.monotonic() - began_s
    overs = node.output().count("over: ")
    node.process.send_signal(signal.SIGCONT)
    _until(lambda: node.output().count("over: ") > overs)
    return took_s


def _killed(node: Node, draw: Random) -> float:
    time.sleep(draw.random())
    before, began_s = node.output().count("not in good order"), time.monotonic()
    node.kill()
    _until(lambda: node.output().count("not in good order") > before)
    took_s = time.monotonic() - began_s
    _begin(node)
    return took_s


def _until(so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > deadline_s:
            raise TimeoutError("the watchdog does not sound")
        time.sleep(POLL_S)


def _row(name: str, took_s: list[float]) -> tuple[str, ...]:
    ordered = sorted(took_s)
    figures = (ordered[0], ordered[len(ordered) // 2], ordered[-1])
    return (name, str(len(ordered)), *(f"{one:.2f}" for one in figures))
