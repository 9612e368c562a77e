"""Own flights: taking in positions and plans, as far as they can be.

The law: these come from the party's own sources, come in here and go nowhere else. A number outside what the earth and
its aircraft allow is counted and dropped, and so is a position from the future: it would hold its flight in place for
as long as it lies ahead. Where our own clock has stepped back, what is held lies ahead and gives way to what comes.
Everything else is left to the reckoning.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, TypeVar

import msgspec
import numpy as np

from keepclear.accord.statement import Precedence
from keepclear.geo import hygiene
from keepclear.geo.hygiene import Doubt
from keepclear.geo.units import BoolArray, IntArray
from keepclear.interop.position import Plan, Position
from keepclear.node import advice, doubts, lost, rows
from keepclear.node.core import Core
from keepclear.node.doubts import Suspects
from keepclear.node.inputs import Plans, Tracks

MAX_POSITIONS: Final = 20_000
MAX_PLANS: Final = 5_000
MAX_AHEAD_MS: Final = 60_000  # of our own clock: receivers' clocks are off by seconds
STEPPED_BACK_MS: Final = 5_000  # held further ahead of our clock than this: the clock was put back
BACKWARD_MS: Final = 5_000  # a source that says something older than this has a clock that jumps
_NOT_NOW: Final = "position out of range or from the future"
_NO_PLAN: Final = "plan out of range or out of sequence"

_Flight = TypeVar("_Flight", Position, Plan)


def take_tracks(core: Core, data: Tracks) -> None:
    """Takes a batch of positions, the newest of each flight, and doubts what cannot be so."""
    reports = _read(core, data.batch, Position, "malformed track batch", _NOT_NOW)
    table = rows.table_of(reports)
    due = table[:, rows.AT] <= core.wall_ms + MAX_AHEAD_MS
    if not due.all():
        core.count_noise(_NOT_NOW, int(np.count_nonzero(~due)))
        reports, table = _among(reports, np.nonzero(due)[0]), table[due]
    suspects: list[Suspects] = []
    found: dict[str, int] = {}
    for one in _rounds([p.flight for p in reports]):
        suspects.append(_take(core, reports[one], table[one], found))
    doubts.judge(core, suspects, found)
    core.state.advice.dirty = True


def _rounds(flights: list[str]) -> Iterator[slice]:
    """The reports in their sequence, cut so that no flight is there twice in one round."""
    seen: set[str] = set()
    begin = 0
    if len(set(flights)) < len(flights):
        for k, flight in enumerate(flights):
            if flight in seen:
                yield slice(begin, k)
                begin, seen = k, set()
            seen.add(flight)
    yield slice(begin, len(flights))


def _take(core: Core, reports: list[Position], table: IntArray, found: dict[str, int]) -> Suspects:
    """Takes reports of as many flights; adds what is doubted of each alone, and picks what may be doubted by others."""
    fleet = core.state.advice.fleet
    at = fleet.find([p.flight for p in reports])
    newer = _newer(core, reports, table, at, found)
    suspects = doubts.suspects(core, at[newer], table[newer])
    fleet.renew(at[newer], _among(reports, newer), table[newer], core.mono_ms)
    new = _admitted(core, reports, np.nonzero(at < 0)[0])
    fleet.hold(_among(reports, new), table[new], core.mono_ms)
    taken = np.concatenate([new, newer])
    alone = hygiene.of_itself(rows.tracks_of(table[taken]), core.wall_ms, table[taken, rows.ON_GROUND] > 0)
    for k in np.nonzero(alone)[0].tolist():
        _add(found, reports[taken[k]].flight, int(alone[k]))
    return suspects


def _newer(core: Core, reports: list[Position], table: IntArray, at: IntArray, found: dict[str, int]) -> IntArray:
    """Which reports are of flights that are held, and newer than what is held; doubts those that run back."""
    fleet = core.state.advice.fleet
    known = np.nonzero(at >= 0)[0]
    held_ms, new_ms = fleet.reports()[at[known], rows.AT], table[known, rows.AT]
    newer = _is_newer(core, held_ms, new_ms)
    for k in known[~newer & (held_ms - new_ms > BACKWARD_MS)].tolist():
        if fleet.source(reports[k].flight) == reports[k].source:
            _add(found, reports[k].flight, Doubt.TIME_BACK)
    return known[newer]


def _is_newer(core: Core, held_ms: IntArray, new_ms: IntArray) -> BoolArray:
    stepped_back = held_ms > core.wall_ms + STEPPED_BACK_MS
    newer: BoolArray = (held_ms < new_ms) | (stepped_back & (held_ms != new_ms))
    return newer


def _admitted(core: Core, reports: list[Position], new: IntArray) -> IntArray:
    """Of reports of flights that are not held those for which there is place; one that was lost is heard again."""
    own = core.state.advice
    room = MAX_POSITIONS - len(own.fleet) - len(own.lost)
    admitted = []
    for k in new.tolist():
        if reports[k].flight in own.lost:
            lost.heard_again(core, reports[k].flight)
        elif room > 0:
            room -= 1
        else:
            core.count_noise("flight beyond the limit")
            continue
        admitted.append(k)
    return np.array(admitted, dtype=np.int64)


def _among(reports: list[Position], which: IntArray) -> list[Position]:
    return [reports[k] for k in which.tolist()]


def _add(found: dict[str, int], flight: str, doubt: int) -> None:
    found[flight] = found.get(flight, 0) | int(doubt)


def take_plans(core: Core, data: Plans) -> None:
    """Takes own plans; a plan without waypoints withdraws the flight's."""
    own = core.state.advice
    advice.forget_flown(core)
    for plan in _read(core, data.batch, Plan, "malformed plan batch", _NO_PLAN):
        if not plan.waypoints:
            advice.withdraw(core, plan.flight, "plan withdrawn")
        elif not _is_in_sequence(plan):
            core.count_noise(_NO_PLAN)
        elif plan.flight in own.plans or len(own.plans) < MAX_PLANS:
            own.plans[plan.flight] = plan
        else:
            _refuse(core, plan)
    own.full = own.full and len(own.plans) >= MAX_PLANS
    own.dirty = True


def _refuse(core: Core, plan: Plan) -> None:
    """Says once, until there is place again, that plans are not watched."""
    core.count_noise("plan beyond the limit")
    if core.state.advice.full:
        return
    core.state.advice.full = True
    text = f"the plan of {plan.flight} is not watched: {MAX_PLANS} plans are held, at most {MAX_PLANS}; withdraw some"
    core.show("plans full", text, precedence=Precedence.IMMEDIATE)
    core.alarm("plans full", text)


def _read(core: Core, batch: bytes, of: type[_Flight], noise: str, one_noise: str) -> list[_Flight]:
    """What a batch holds; what cannot be read of it is counted and left out."""
    try:
        return msgspec.msgpack.decode(batch, type=list[of])  # type: ignore[valid-type]
    except (msgspec.DecodeError, ValueError, RecursionError):
        return list(_each(core, batch, of, noise, one_noise))


def _each(core: Core, batch: bytes, of: type[_Flight], noise: str, one_noise: str) -> Iterator[_Flight]:
    try:
        raws = msgspec.msgpack.decode(batch, type=list[msgspec.Raw])
    except (msgspec.DecodeError, ValueError, RecursionError):
        core.count_noise(noise)
        return
    for raw in raws:
        try:
            yield msgspec.msgpack.decode(raw, type=of)
        except (msgspec.DecodeError, ValueError, RecursionError):
            core.count_noise(one_noise)


def _is_in_sequence(plan: Plan) -> bool:
    return all(one.at_ms < other.at_ms for one, other in pairwise(plan.waypoints))
