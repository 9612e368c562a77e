"""Own flights: taking in positions and plans, as far as they can be.

The law: these come from the party's own sources, come in here and go nowhere else. A number outside what the earth and
its aircraft allow is counted and dropped, and so is a position from the future: it would hold its flight in place for
as long as it lies ahead. Where our own clock has stepped back, what is held lies ahead and gives way to what comes.
Everything else is left to the reckoning.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, TypeVar

import msgspec

from keepclear.accord.statement import Precedence
from keepclear.geo.hygiene import Doubt
from keepclear.interop.position import Plan, Position
from keepclear.node import advice, doubts, lost
from keepclear.node.core import Core
from keepclear.node.inputs import Plans, Tracks

MAX_POSITIONS: Final = 20_000
MAX_PLANS: Final = 5_000
MAX_WAYPOINTS: Final = 1_000
MAX_NAME_CHARS: Final = 64  # of a flight; a callsign has seven, a flight of an exercise may be called by a sentence
MAX_AHEAD_MS: Final = 60_000  # of our own clock: receivers' clocks are off by seconds
STEPPED_BACK_MS: Final = 5_000  # held further ahead of our clock than this: the clock was put back
BACKWARD_MS: Final = 5_000  # a source that says something older than this has a clock that jumps
LAT_E7, LON_E7 = 900_000_000, 1_800_000_000
MAX_ALT_CM: Final = 10_000_000  # 100 km, in either direction
MAX_ERR_CM: Final = 100_000_000  # 1 000 km: a position that says so says nothing
MAX_SPEED_CMPS: Final = 1_200_000  # 12 km/s: faster than anything that stays
MAX_TIME_MS: Final = 2**53

_Flight = TypeVar("_Flight", Position, Plan)


def take_tracks(core: Core, data: Tracks) -> None:
    """Takes a batch of positions, the newest of each flight, and doubts what cannot be so."""
    own = core.state.advice
    suspects: list[doubts.Suspect] = []
    found: dict[str, int] = {}
    for position in _read(core, data.batch, tuple[Position, ...], "malformed track batch"):
        if not _is_position(position) or position.at_ms > core.wall_ms + MAX_AHEAD_MS:
            core.count_noise("position out of range or from the future")
            continue
        flight = position.flight
        known = own.positions.get(flight)
        if known is None and flight not in own.lost and len(own.positions) + len(own.lost) >= MAX_POSITIONS:
            core.count_noise("flight beyond the limit")
            continue
        if known is not None and not _is_newer(core, position, known):
            if known.at_ms - position.at_ms > BACKWARD_MS and known.source == position.source:
                found[flight] = found.get(flight, 0) | Doubt.TIME_BACK
            continue
        if flight in own.lost:
            lost.heard_again(core, flight)
        elif known is not None:
            suspects += doubts.suspect(core, known, position)
        own.positions[flight] = position
        own.received[flight] = core.mono_ms
        if alone := doubts.of_itself(core, position):
            found[flight] = found.get(flight, 0) | alone
    if suspects or found:
        doubts.judge(core, suspects, found)
    own.dirty = True


def _is_newer(core: Core, position: Position, known: Position) -> bool:
    stepped_back = known.at_ms > core.wall_ms + STEPPED_BACK_MS
    return known.at_ms < position.at_ms or (stepped_back and known.at_ms != position.at_ms)


def take_plans(core: Core, data: Plans) -> None:
    """Takes own plans; a plan without waypoints withdraws the flight's."""
    own = core.state.advice
    advice.forget_flown(core)
    for plan in _read(core, data.batch, tuple[Plan, ...], "malformed plan batch"):
        if not plan.waypoints:
            advice.withdraw(core, plan.flight, "plan withdrawn")
        elif not _is_plan(plan):
            core.count_noise("plan out of range or out of sequence")
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


def _read(core: Core, batch: bytes, of: type[tuple[_Flight, ...]], noise: str) -> Iterable[_Flight]:
    try:
        return msgspec.msgpack.decode(batch, type=of)
    except (msgspec.DecodeError, ValueError, RecursionError):
        core.count_noise(noise)
        return ()


def _is_position(p: Position) -> bool:
    return (
        len(p.flight) <= MAX_NAME_CHARS
        and len(p.source) <= MAX_NAME_CHARS
        and len(p.icao24) <= MAX_NAME_CHARS
        and _is_place(p.lat_e7, p.lon_e7, p.alt_cm)
        and 0 <= p.alt_err_cm <= MAX_ERR_CM
        and 0 <= p.pos_err_cm <= MAX_ERR_CM
        and (p.speed_cmps is None or 0 <= p.speed_cmps <= MAX_SPEED_CMPS)
        and (p.track_cdeg is None or 0 <= p.track_cdeg <= 36_000)
        and (p.climb_cmps is None or abs(p.climb_cmps) <= MAX_SPEED_CMPS)
        and (p.velocity_age_ms is None or 0 <= p.velocity_age_ms <= MAX_TIME_MS)
        and p.at_ms >= 0
        and _is_small(p.alt_ref)
    )


def _is_plan(plan: Plan) -> bool:
    points = plan.waypoints
    return (
        len(plan.flight) <= MAX_NAME_CHARS
        and len(points) <= MAX_WAYPOINTS
        and 0 <= plan.tolerance_cm <= MAX_ERR_CM
        and 0 <= plan.tolerance_ms <= MAX_TIME_MS
        and all(_is_place(w.lat_e7, w.lon_e7, w.alt_cm) and _is_small(w.alt_ref) for w in points)
        and all(one.at_ms < other.at_ms for one, other in pairwise(points))
        and 0 <= points[0].at_ms <= points[-1].at_ms <= MAX_TIME_MS
    )


def _is_place(lat_e7: int, lon_e7: int, alt_cm: int | None) -> bool:
    return abs(lat_e7) <= LAT_E7 and abs(lon_e7) <= LON_E7 and (alt_cm is None or abs(alt_cm) <= MAX_ALT_CM)


def _is_small(number: int) -> bool:
    return 0 <= number <= 255
