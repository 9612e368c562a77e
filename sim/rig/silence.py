"""How soon a dead line is shown, and how often one is shown that is not dead; how soon a started node's line is open.

The law: nothing here passes or fails; what misses its goal says so with its figure. A cause is timed from just before
it is set off until the onlooker was told "dead": at both ends where both live, else at the one that does. Round trips
are up to 0.5 s.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from keepclear.line.liveness import LineState
from sim.rig.figures import Row, Times
from sim.rig.line import DISK, Line, line
from sim.rig.storm import step_clock
from sim.rig.way import Weather

SHAKEN: Final = Weather(delay_ms=20, jitter_ms=300, loss=0.1)
NEAR: Final = Weather(delay_ms=20)
DELAYS_MS: Final = (1.0, 250.0)
DEAD_S: Final = 5.0
OPEN_S: Final = 3.0
DEAD_WITHIN_S: Final = 15.0  # after that it counts as missed
SETTLE_S: Final = (1.0, 2.0)
STEP_MS: Final = 60_000


def deaths(folder: Path, seed: str, trials: int, cause: str) -> list[Row]:
    """How long until a dead line, or a hung disk, is shown; for a killed peer also how soon its line is open again."""
    told = DISK if cause == HUNG else LineState.DEAD
    draw, shown, opened = Random(f"deaths {seed} {cause}"), Times([]), Times([])
    with line(folder, seed, NEAR, disks=cause == HUNG) as up:
        for _ in range(trials):
            up.wait_open()
            up.net.set_all(Weather(delay_ms=draw.uniform(*DELAYS_MS)))
            time.sleep(draw.uniform(*SETTLE_S))
            victim, other = draw.sample(sorted(up.by_name), 2)
            began_s = time.monotonic()
            for name in CAUSES[cause](up, victim, other):
                at_s = up.onlookers[name].wait_told(told, began_s, began_s + DEAD_WITHIN_S)
                if at_s is None:
                    shown.missed += 1
                else:
                    shown.found.append(at_s - began_s)
            if cause == KILLED:
                opened.found.append(_start(up, victim))
            up.net.set_all(NEAR)
            up.go_on(victim)
    rows = [
        Row(
            cause if cause == HUNG else f"dead line shown: {cause}",
            "<= 5 s, none missed",
            str(shown),
            f"{trials}",
            shown.worst <= DEAD_S,
        )
    ]
    if opened.count:
        what = "start to open line, few entries"
        rows.append(Row(what, "<= 3 s", str(opened), f"{opened.count}", opened.worst <= OPEN_S))
    return rows


def shaken(folder: Path, seed: str, seconds: float) -> list[Row]:
    """How often a line is told dead that only shakes."""
    with line(folder, seed, SHAKEN) as up:
        up.wait_open()
        began_s = time.monotonic()
        time.sleep(seconds)
        return [false_alarms(up, "10 % loss, 300 ms jitter", began_s)]


def false_alarms(up: Line, where: str, since_s: float) -> Row:
    """How often either end has told of a dead or suspect line since then."""
    ends, minutes = list(up.onlookers.values()), (time.monotonic() - since_s) / 60
    dead, suspect = (sum(one.count(state, since_s) for one in ends) for state in (LineState.DEAD, LineState.SUSPECT))
    return Row(
        f"false alarms, {where}", "0 in 24 h", f"{dead} dead ({suspect} suspect)", f"{minutes:.1f} min", dead == 0
    )


def _start(up: Line, victim: str) -> float:
    """Starts a node on a good link; how long until both ends told of an open line."""
    up.net.set_all(NEAR)
    began_s = time.monotonic()
    up.by_name[victim].start()
    up.wait_open()
    return time.monotonic() - began_s


def _cut(up: Line, _victim: str, _other: str) -> Sequence[str]:
    up.net.cut_all()
    return tuple(up.by_name)


def _cut_one_way(up: Line, victim: str, other: str) -> Sequence[str]:
    up.net.cut(victim, other)
    return tuple(up.by_name)


def _stop(up: Line, victim: str, other: str) -> Sequence[str]:
    up.pause(victim)
    return (other,)


def _kill(up: Line, victim: str, other: str) -> Sequence[str]:
    up.by_name[victim].kill()
    return (other,)


def _cut_and_step(up: Line, victim: str, _other: str) -> Sequence[str]:
    up.net.cut_all()
    if not step_clock(up.by_name[victim], -STEP_MS):
        raise RuntimeError(f"{victim} has not taken another clock")
    return tuple(up.by_name)


def _hang(up: Line, victim: str, _other: str) -> Sequence[str]:
    up.hang(victim)
    return tuple(up.by_name)


HUNG: Final = "hung disk shown, at both ends"
KILLED: Final = "peer killed, at the other end"
CAUSES: Final[dict[str, Callable[[Line, str, str], Sequence[str]]]] = {
    "cable cut, at both ends": _cut,
    "one-way loss, at both ends": _cut_one_way,
    "peer stopped, at the other end": _stop,
    KILLED: _kill,
    "cable cut and a clock put back by a minute, at both ends": _cut_and_step,
    HUNG: _hang,
}
