"""What happens to whom and when in a storm: a list that follows from the seed alone.

The law: pure, and the same for the same seed, length and members. What is begun is ended again: who was stopped goes
on, what was cut is mended. A node is not stopped or killed while it is stopped; ways are cut and mended as they come.
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import permutations
from random import Random
from typing import Final

import msgspec

from sim.rig.way import Weather

GAPS_S: Final = (0.2, 2.8)  # between the beginnings of two happenings
SHORT_S: Final = (0.2, 3.0)  # under the time at which a line is dead
LONG_S: Final = (4.0, 9.0)  # beyond it
LONG: Final = 0.3
STEPS_MS: Final = (-3_600_000, -60_000, -1_500, 1_500, 60_000, 3_600_000)
WEATHERS: Final = (
    Weather(delay_ms=5, jitter_ms=5, loss=0.02),
    Weather(delay_ms=50, jitter_ms=20, loss=0.3),
    Weather(delay_ms=20, jitter_ms=300, loss=0.1, duplicate=0.1, reorder=0.2),
    Weather(delay_ms=400, jitter_ms=50, loss=0.1, duplicate=0.02),
    Weather(delay_ms=30, loss=0.05, rate_bps=256_000, queue_ms=500),
)


class What(StrEnum):
    """What happens."""

    KILL = "kill -9, and started again"
    PAUSE = "stopped"
    GO_ON = "goes on"
    CUT = "cut"
    MEND = "mended"
    WEATHER = "weather"
    CLOCK = "clock stepped"


WEIGHTS: Final = {What.KILL: 4, What.PAUSE: 2, What.CUT: 3, What.WEATHER: 3, What.CLOCK: 1}


class Event(msgspec.Struct, frozen=True, order=True):
    """At so many seconds, to one node, or on the way from one to the other, for so long or by so much."""

    at_s: float
    what: What
    node: str
    other: str = ""
    for_s: float = 0.0
    step_ms: int = 0
    weather: int = 0

    def __str__(self) -> str:
        where = f"{self.node} to {self.other}" if self.other else self.node
        more = f" by {self.step_ms} ms" if self.step_ms else f" for {self.for_s:.1f} s" if self.for_s else ""
        return f"{self.at_s:6.1f} s  {where}: {self.what.value}{more}"


def storm(seed: int, length_s: float, members: Sequence[str], first: Sequence[What] = ()) -> list[Event]:
    """All that happens, by time. `first` are what happens first, so that a short storm has it; then it is drawn."""
    draw = Random(f"storm {seed}")
    events: list[Event] = []
    busy = dict.fromkeys(members, 0.0)  # until when a node is stopped
    todo = list(first)
    at_s = draw.uniform(*GAPS_S)
    while at_s < length_s:
        what = todo.pop(0) if todo else draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        events += _happening(draw, at_s, what, members, busy)
        at_s += draw.uniform(*GAPS_S)
    return sorted(events)


def _happening(draw: Random, at_s: float, what: What, members: Sequence[str], busy: dict[str, float]) -> list[Event]:
    node = draw.choice([member for member in members if busy[member] <= at_s] or [""])
    one, other = draw.choice(list(permutations(members, 2)))
    for_s = draw.uniform(*(LONG_S if draw.random() < LONG else SHORT_S))
    step_ms, weather, both = draw.choice(STEPS_MS), draw.randrange(len(WEATHERS)), draw.random() < 0.5
    match what:
        case What.CUT:
            ways = [(one, other), (other, one)] if both else [(one, other)]
            begun = [Event(at_s, What.CUT, a, b, for_s) for a, b in ways]
            return begun + [Event(at_s + for_s, What.MEND, a, b) for a, b in ways]
        case What.WEATHER:
            return [Event(at_s, What.WEATHER, one, other, weather=weather)]
        case _ if not node:
            return []
        case What.PAUSE:
            busy[node] = at_s + for_s
            return [Event(at_s, What.PAUSE, node, for_s=for_s), Event(at_s + for_s, What.GO_ON, node)]
        case What.CLOCK:
            return [Event(at_s, What.CLOCK, node, step_ms=step_ms)]
    return [Event(at_s, What.KILL, node)]
