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
    read = _read(core, data.batch, Position, "malformed track batch", _NOT_NOW)
    latest_ms = core.wall_ms + MAX_AHEAD_MS
    due = [p for p in read if p.at_ms <= latest_ms]
    if len(due) < len(read):
        core.count_noise(_NOT_NOW, len(read) - len(due))
    suspects: list[doubts.Suspect] = []
    found: dict[str, int] = {}
    for reports in _rounds(due):
        _take(core, reports, suspects, found)
    if suspects or found:
        doubts.judge(core, suspects, found)
    core.state.advice.dirty = True


def _rounds(reports: list[Position]) -> Iterator[list[Position]]:
    """The reports in their sequence, cut so that no flight is there twice in one round."""
    seen: set[str] = set()
    begin = 0
    if len({p.flight for p in reports}) < len(reports):
        for k, p in enumerate(reports):
            if p.flight in seen:
                yield reports[begin:k]
                begin, seen = k, set()
            seen.add(p.flight)
    yield reports[begin:]


def _take(core: Core, reports: list[Position], suspects: list[doubts.Suspect], found: dict[str, int]) -> None:
    """Takes reports of as many flights, and adds what is to be doubted of them."""
    own = core.state.advice
    known = [p for p in reports if p.flight in own.positions]
    taken = [p for p in reports if p.flight not in own.positions and _admit(core, p)]
    table = rows.table_of(taken)
    if known:
        newer, more = _take_newer(core, known, suspects, found)
        taken, table = taken + newer, np.concatenate([table, more])
    own.positions |= {p.flight: p for p in taken}
    own.received |= dict.fromkeys([p.flight for p in taken], core.mono_ms)
    alone = hygiene.of_itself(rows.tracks_of(table), core.wall_ms, np.array([p.on_ground for p in taken], dtype=bool))
    for k in np.nonzero(alone)[0].tolist():
        found[taken[k].flight] = found.get(taken[k].flight, 0) | int(alone[k])


def _admit(core: Core, report: Position) -> bool:
    """Takes a flight that is not held, if there is place: whether there was. One that was lost is heard again."""
    own = core.state.advice
    if report.flight in own.lost:
        lost.heard_again(core, report.flight)
    elif len(own.positions) + len(own.lost) >= MAX_POSITIONS:
        core.count_noise("flight beyond the limit")
        return False
    own.positions[report.flight] = report
    return True


def _take_newer(
    core: Core, reports: list[Position], suspects: list[doubts.Suspect], found: dict[str, int]
) -> tuple[list[Position], IntArray]:
    """Those of the reports of flights that are held that are newer than what is held, and their rows."""
    before = [core.state.advice.positions[p.flight] for p in reports]
    held, new = (table.T for table in core.picture.positions.exchange(before, reports))
    newer = _is_newer(core, held[rows.AT], new[rows.AT])
    for k in np.nonzero(~newer & (held[rows.AT] - new[rows.AT] > BACKWARD_MS))[0].tolist():
        if before[k].source == reports[k].source:
            found[reports[k].flight] = found.get(reports[k].flight, 0) | Doubt.TIME_BACK
    at = np.nonzero(newer)[0]
    before, reports = [before[k] for k in at.tolist()], [reports[k] for k in at.tolist()]
    suspects += doubts.suspects(core, before, reports, held[:, at], new[:, at])
    return reports, new[:, at].T


def _is_newer(core: Core, held_ms: IntArray, new_ms: IntArray) -> BoolArray:
    stepped_back = held_ms > core.wall_ms + STEPPED_BACK_MS
    newer: BoolArray = (held_ms < new_ms) | (stepped_back & (held_ms != new_ms))
    return newer


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
