"""Conformance: how far a flight is from its plan, report by report.

Law: a report is held against the place of the plan that is nearest to it, on the legs that could be flown at its time
with twice the tolerance (on all, if there is none): a flight whose path meets itself is not early by the loop between.
Across: metres beside that place, right positive. Along: milliseconds late there (below 0: early). Vertical: metres
above the plan's altitude there. Each has a bound, from the errors of the report; a place that could be on several legs
widens the bound of its time to all of them. The plan's tolerances are met, not met, or undecidable with these bounds.
An altitude that is not known, or is measured from the ground on one side alone, decides nothing.

Accuracy: 0.1 m across up to 1000 km from the plan; 1 ms, and 0.1 m by the speed, along.
"""

from dataclasses import dataclass

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.altitude import reference_bound_m
from keepclear.geo.earth import chord_to_arc_m, dot, to_ecef, wrap_deg
from keepclear.geo.motion import Legs, Relative, time_of_least
from keepclear.geo.plan import Plan, legs_of_plan
from keepclear.geo.reading import all_of, at_most
from keepclear.geo.track import Tracks
from keepclear.geo.units import FloatArray, IntArray

_PLACE_M = 0.1
_ROUND_MS = 1.0
_STILL_MPS = 1e-3
_BLOCK_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class Conformance:
    """For each report the leg it is held against (-1: none), deviations with bounds (NaN: not known), and readings."""

    leg: IntArray
    across_m: FloatArray
    across_err_m: FloatArray
    late_ms: FloatArray
    late_err_ms: FloatArray
    above_m: FloatArray
    above_err_m: FloatArray
    across: IntArray
    along: IntArray
    vertical: IntArray

    @property
    def conforms(self) -> IntArray:
        """The three together: MET if all are, NOT_MET if one is not, else UNDECIDABLE."""
        return all_of(self.across, self.along, self.vertical)


def conformance(reports: Tracks, plan: Plan) -> Conformance:
    """How each report stands to the plan; a report without a position, or a plan without legs, is undecidable."""
    legs = legs_of_plan(plan)
    count = len(reports)
    found = np.full((6, count), np.nan)
    leg = np.full(count, -1)
    asked = np.nonzero(reports.placed)[0] if len(legs) else np.empty(0, dtype=np.int64)
    for part in np.array_split(asked, max(1, -(-len(asked) * len(legs) // _BLOCK_PAIRS))):
        if part.size:
            leg[part], found[:, part] = _held(reports.take(part), legs, plan)
    across, across_err, late, late_err, above, above_err = found
    return Conformance(
        leg, across, across_err, late, late_err, above, above_err,
        across=at_most(np.abs(across), plan.tolerance_m, across_err),
        along=at_most(np.abs(late), plan.tolerance_ms, late_err),
        vertical=at_most(np.abs(above), plan.alt_err_m, above_err),
    )  # fmt: skip


def _held(reports: Tracks, legs: Legs, plan: Plan) -> tuple[IntArray, FloatArray]:
    shape = (len(reports), len(legs))
    row, leg = np.repeat(np.arange(shape[0]), shape[1]), np.tile(np.arange(shape[1]), shape[0])
    time = _nearest_s(reports, legs, row, leg)
    away_m = _away_m(reports, legs, row, leg, time).reshape(shape)
    late_ms = (reports.at_ms[row] - legs.begin_ms[leg] - 1000 * time).reshape(shape)
    error_m = np.nan_to_num(reports.pos_err_m, posinf=np.inf) + _PLACE_M
    early = reports.at_ms[:, None] - legs.begin_ms + 2 * plan.tolerance_ms
    over = reports.at_ms[:, None] - legs.begin_ms - 1000 * legs.length_s - 2 * plan.tolerance_ms
    timely = (early >= 0) & (over <= 0)
    timely |= ~timely.any(axis=1, keepdims=True)
    away_m = np.where(timely, away_m, np.inf)
    least = away_m.min(axis=1)[:, None]
    best = np.argmin(np.where(away_m <= least + _PLACE_M, np.abs(late_ms), np.inf), axis=1)
    at = np.arange(shape[0]), best
    time, late = time.reshape(shape)[at], late_ms[at]
    possible = away_m <= least + 2 * error_m[:, None]
    spread_ms = np.where(possible, np.abs(late_ms - late[:, None]), 0.0).max(axis=1)
    speed = legs.speed_mps[best]
    slip_s = np.where(speed > _STILL_MPS, error_m / np.maximum(speed, _STILL_MPS), 0.0)
    lat, lon, course = legs.line.take(best).position(legs.lead_m[best] + speed * time)
    away, bearing, _ = geodesy.inverse(lat, lon, reports.lat_deg, reports.lon_deg)
    across = np.where(wrap_deg(bearing - course) < 0, -away, away)
    above = reports.alt_m - legs.alt_m[best] - legs.rate_mps[best] * time
    height = np.fmax(np.abs(reports.alt_m), np.abs(legs.alt_m[best]))
    above_err = reports.alt_err_m + reference_bound_m(reports.alt_ref, legs.alt_ref[best], height)
    above_err = above_err + np.abs(np.nan_to_num(legs.rate_mps[best])) * np.maximum(slip_s, spread_ms / 1000)
    late_err = np.maximum(1000 * slip_s, spread_ms) + _ROUND_MS
    return best, np.stack([across, error_m, late, late_err, above, above_err])


def _nearest_s(reports: Tracks, legs: Legs, row: IntArray, leg: IntArray) -> FloatArray:
    """When in the leg (s) it is nearest to the report; where it stands still, as near to the report's time as it is."""
    points = to_ecef(reports.lat_deg, reports.lon_deg)[:, row]
    time = time_of_least(Relative(legs.movers(leg), points), legs.length_s[leg])
    since = (reports.at_ms[row] - legs.begin_ms[leg]) / 1000
    return np.where(legs.speed_mps[leg] > _STILL_MPS, time, np.clip(since, 0.0, legs.length_s[leg]))


def _away_m(reports: Tracks, legs: Legs, row: IntArray, leg: IntArray, time_s: FloatArray) -> FloatArray:
    place, _ = legs.movers(leg).at(time_s)
    apart = place - to_ecef(reports.lat_deg, reports.lon_deg)[:, row]
    return chord_to_arc_m(np.sqrt(dot(apart, apart)))
