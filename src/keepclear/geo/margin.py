"""Margin: the time an affected flight has, less the time it needs, to be clear.

Law: whole milliseconds in and out, no float. Every rounding goes against the flight. What is not known makes the
margin None with a reason, never a number that looks better than it is; a warning is given all the same.

Three cases. Not yet active: the time until the activity is active, or until the flight enters if that is later,
less the reaction, less the time to clear by the shortest way out. Active, flight outside: the time until it enters,
less the reaction. Active, flight inside: there is no margin, only the time to be clear.

The shortest way out at the present speed counts no turn and knows no climb. Where the time by the best of the
manoeuvres is known (manoeuvre.py) it takes that place; every error is against the flight in it already.
"""

from dataclasses import dataclass
from enum import StrEnum

from keepclear.geo.units import NEVER_MS


class Case(StrEnum):
    """Which of the three questions a margin answers."""

    NOT_YET_ACTIVE = "not yet active"
    ACTIVE_OUTSIDE = "active, flight outside"
    ACTIVE_INSIDE = "active, flight inside"


@dataclass(frozen=True, slots=True)
class Reaction:
    """How long it takes from the screen to the aircraft's turn; the understanding may agree other figures."""

    acknowledge_ms: int = 30_000
    relay_ms: int = 60_000
    crew_ms: int = 60_000

    @property
    def total_ms(self) -> int:
        """All three, one after the other."""
        return self.acknowledge_ms + self.relay_ms + self.crew_ms


USUAL_REACTION = Reaction()


@dataclass(frozen=True, slots=True)
class Margin:
    """An answer: the case, the margin and its range over the position error, or why there is none.

    `margin_low_ms` is the careful end and may be known when the margin is not. For a flight inside, `to_clear_ms`
    is the time until it leaves on its present course and `way_out_ms` the time by the best manoeuvre, or if that was
    not asked the shortest way out at its present speed, the turn not counted; each is None when it is not known or not
    within the look-ahead.
    """

    case: Case
    margin_ms: int | None
    margin_low_ms: int | None
    margin_high_ms: int | None
    to_clear_ms: int | None = None
    way_out_ms: int | None = None
    reason: str = ""

    @property
    def minutes_to_clear(self) -> int | None:
        """Whole minutes on the present course until the flight is out, rounded up: "inside, N min to clear"."""
        return None if self.to_clear_ms is None else -(-self.to_clear_ms // 60_000)


def time_for_ms(distance_cm: int | None, speed_cmps: int | None) -> int | None:
    """Milliseconds for a distance at a speed, rounded up; None if either is not known or nothing moves."""
    if distance_cm is None:
        return None
    if distance_cm <= 0:
        return 0
    return -(-distance_cm * 1000 // speed_cmps) if speed_cmps else None


def margin(
    *,
    active: bool,
    inside: bool,
    now_ms: int,
    activity_start_ms: int | None,
    enter_ms: int | None,
    clear_ms: int | None,
    distance_out_cm: int | None,
    speed_cmps: int | None,
    reaction: Reaction = USUAL_REACTION,
    enter_earliest_ms: int | None = None,
    clear_latest_ms: int | None = None,
    pos_err_cm: int = 0,
    manoeuvre_ms: int | None = None,
) -> Margin:
    """The margin of one flight and one volume, from a row of `encounters` and what is known of the activity.

    `inside` is about the area and band alone, whatever the clock says. `distance_out_cm` is the shortest way out from
    where the flight is, or will be when it is first inside an active volume. None and NEVER_MS are "not known" and
    "not within the look-ahead". The high end of a range mirrors the low one about the margin.

    `manoeuvre_ms`: how long the flight needs from there to be clear by the best of its manoeuvres (`ways_out`), in the
    place of distance_out_cm, speed_cmps and pos_err_cm; NEVER_MS: by none of them. None: it was not asked.
    """
    enter, earliest = _known(enter_ms), _known(enter_earliest_ms)
    earliest = enter if earliest is None else earliest
    way_out = time_for_ms(distance_out_cm, speed_cmps)
    farther = None if distance_out_cm is None else distance_out_cm + pos_err_cm
    farther_out = time_for_ms(farther, speed_cmps)
    if manoeuvre_ms is not None:
        way_out = farther_out = _known(manoeuvre_ms)
    if active and inside:
        return _inside(now_ms, _known(clear_ms), _known(clear_latest_ms), way_out)
    if active:
        return _outside(now_ms + reaction.total_ms, enter, earliest)
    if inside:
        enter, earliest = now_ms if enter is None else enter, now_ms if earliest is None else earliest
    if enter is None and earliest is None:
        return Margin(Case.NOT_YET_ACTIVE, None, None, None, reason="the flight does not enter within the look-ahead")
    starts = now_ms if activity_start_ms is None else activity_start_ms
    needs_from = now_ms + reaction.total_ms
    low = value = None
    if earliest is not None and farther_out is not None:
        low = max(starts, earliest) - needs_from - farther_out
    if enter is not None and way_out is not None and activity_start_ms is not None:
        value = max(starts, enter) - needs_from - way_out
    high = None if value is None or low is None else 2 * value - low
    reason = _why_undecided(activity_start_ms, enter, way_out, asked=manoeuvre_ms is not None)
    return Margin(Case.NOT_YET_ACTIVE, value, low, high, way_out_ms=way_out, reason=reason)


def _known(time_ms: int | None) -> int | None:
    return None if time_ms is None or time_ms >= NEVER_MS else time_ms


def _inside(now_ms: int, clear: int | None, latest: int | None, way_out: int | None) -> Margin:
    leaves = latest if clear is None else clear
    to_clear = None if leaves is None else leaves - now_ms
    reason = "" if to_clear is not None else "the flight does not leave within the look-ahead on its present course"
    return Margin(Case.ACTIVE_INSIDE, None, None, None, to_clear, way_out, reason)


def _outside(ready_ms: int, enter: int | None, earliest: int | None) -> Margin:
    low = None if earliest is None else earliest - ready_ms
    if enter is None:
        reason = "the flight enters only if its position error is against it"
        if earliest is None:
            reason = "the flight does not enter within the look-ahead"
        return Margin(Case.ACTIVE_OUTSIDE, None, low, None, reason=reason)
    value = enter - ready_ms
    return Margin(Case.ACTIVE_OUTSIDE, value, low, value + (value - low if low is not None else 0))


def _why_undecided(start: int | None, enter: int | None, way_out: int | None, *, asked: bool) -> str:
    if start is None:
        return "the start of the activity is not known; the low end takes it as now"
    if enter is None:
        return "the flight enters only if its position error is against it"
    if way_out is None and asked:
        return "no manoeuvre of its class leads out within the look-ahead"
    if way_out is None:
        return "the time to clear is not known: no speed, or no edge to fly to"
    return ""
