"""Conflict: when two tracks come too near each other.

Law: a loss of separation is nearer than H and nearer than V at one instant, strictly: exactly 1000 ft or 5 NM is
separated. Each track keeps to its own geodesic. A pair is reported once, whether it closes, crosses or flies in
formation. Altitudes that are not known are near; different altitude references widen V (altitude.py). Positions are
taken as reported: `h_err_m` says what their errors come to.

Accuracy: "strictly" is to within 1.1 mm horizontally (for H up to 40 km) and 1 micrometre vertically, so that no float
decides what whole centimetres leave equal. Distances are within 0.001 % of themselves up to 1000 km, times within
1 ms and the rounding: t_in_ms down, t_out_ms up, t_cpa_ms to the nearest. Of two that keep their distance to a
micrometre for a while, t_cpa_ms is any time of these.

Theory: each track's reach over the look-ahead is a box in the earth-centred frame, which has no antimeridian and no
poles, and in altitude. Boxes are laid in slabs across one axis, sorted along another and swept. Pairs that meet are
taken as straight movers, as thick as their paths bend, then in height, and what is left gets the exact closest
approach. kernel/src/tracks.rs does the same, and argues each bound.
"""

from dataclasses import dataclass

import numpy as np

from keepclear.geo.altitude import ALTITUDE_EPSILON_M, reference_bound_m
from keepclear.geo.earth import arc_to_chord_m, chord_to_arc_m, dot
from keepclear.geo.kernel import LOADED, Kernel
from keepclear.geo.motion import Legs, Relative, time_of_least, times_within
from keepclear.geo.sweep import near_pairs
from keepclear.geo.track import Tracks, legs_of, position_error_m
from keepclear.geo.units import NEVER_MS, FloatArray, IntArray

FIVE_NM_M = 9_260.0
THOUSAND_FT_M = 304.8
DISTANCE_EPSILON_M = 1e-3
_LEVEL_MPS = 1e-9


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Losses of separation, one a pair of tracks i < j, in order; times in epoch ms.

    t_in_ms, t_out_ms: the loss begins (now if it is on) and ends (NEVER_MS if not within the look-ahead). t_cpa_ms,
    h_min_m: the least horizontal distance within the loss. v_min_m: the least vertical distance within it, NaN if an
    altitude is not known. h_err_m: both position errors together. v_bound_m: by how much different altitude references
    widened the vertical minimum (inf: undecidable).
    """

    i: IntArray
    j: IntArray
    t_in_ms: IntArray
    t_out_ms: IntArray
    t_cpa_ms: IntArray
    h_min_m: FloatArray
    v_min_m: FloatArray
    h_err_m: FloatArray
    v_bound_m: FloatArray

    def __len__(self) -> int:
        return len(self.i)


@dataclass(frozen=True, slots=True)
class Approaches:
    """Closest approaches, one an element: when, how near horizontally, how far apart vertically then (NaN: unknown)."""

    t_cpa_ms: IntArray
    h_min_m: FloatArray
    v_m: FloatArray


def conflicts(
    tracks: Tracks,
    horizontal_m: float = FIVE_NM_M,
    vertical_m: float = THOUSAND_FT_M,
    look_ahead_ms: int = 300_000,
    now_ms: int | None = None,
    kernel: Kernel | None = LOADED,
) -> Conflicts:
    """The losses of separation in [now, now + look-ahead); without now_ms, now is the time of the newest report.

    Give now_ms wherever reports come from more than one clock: one that is ahead would carry all others off with it.
    Neither track may fly more than 10 000 km within the look-ahead (each pair has one loss at most until then).
    """
    if now_ms is None:
        now_ms = int(np.max(tracks.at_ms, initial=-NEVER_MS)) if len(tracks) else 0
    if kernel is not None:
        rows = kernel.conflicts(tracks, horizontal_m, vertical_m, look_ahead_ms, now_ms)
        error_m = position_error_m(tracks, now_ms)
        return Conflicts(*rows[:7], h_err_m=error_m[rows[0]] + error_m[rows[1]], v_bound_m=rows[7])
    legs = legs_of(tracks, now_ms, look_ahead_ms)
    pairs = near_pairs(legs, horizontal_m, vertical_m)
    blocks = [losses(legs, i, j, horizontal_m, vertical_m, now_ms) for i, j in pairs]
    columns = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in Conflicts.__slots__}
    order = np.lexsort((columns["j"], columns["i"]))
    return Conflicts(**{name: column[order] for name, column in columns.items()})


def closest_approach(a: Tracks, b: Tracks, now_ms: int, look_ahead_ms: int) -> Approaches:
    """For each pair (a[k], b[k]) its least horizontal distance in [now, now + look-ahead].

    Of a pair without two positions the distances are NaN and the time NEVER_MS.
    """
    both = np.nonzero(a.placed & b.placed)[0]
    legs, others = legs_of(a.take(both), now_ms, look_ahead_ms), legs_of(b.take(both), now_ms, look_ahead_ms)
    every = np.arange(len(both))
    relative = Relative(legs.movers(every), others.movers(every))
    time = time_of_least(relative, legs.length_s)
    result = Approaches(np.full(len(a), NEVER_MS), np.full(len(a), np.nan), np.full(len(a), np.nan))
    chord, _ = relative.at(time[None])
    result.t_cpa_ms[both] = now_ms + np.rint(1000 * time).astype(np.int64)
    result.h_min_m[both] = chord_to_arc_m(np.sqrt(dot(chord, chord)[0]))
    result.v_m[both] = np.abs(legs.alt_m + legs.rate_mps * time - others.alt_m - others.rate_mps * time)
    return result


def losses(legs: Legs, i: IntArray, j: IntArray, horizontal_m: float, vertical_m: float, now_ms: int) -> Conflicts:
    """The losses of pairs of legs that begin at now_ms and last equally long; i and j of the rows are the legs' owners.

    Limits in metres; pairs are looked at one by one, near or not.
    """
    with np.errstate(invalid="ignore"):
        apart, climb = legs.alt_m[i] - legs.alt_m[j], legs.rate_mps[i] - legs.rate_mps[j]
    apart = np.where(np.isfinite(apart), apart, np.nan)
    bound = reference_bound_m(legs.alt_ref[i], legs.alt_ref[j], np.fmax(_highest_m(legs)[i], _highest_m(legs)[j]))
    first, last = _near_in_height(apart, climb, vertical_m + bound - ALTITUDE_EPSILON_M)
    first, last = np.maximum(first, 0.0), np.minimum(last, legs.length_s[i])
    high = np.nonzero(first < last)[0]
    length = legs.length_s[i[high]]
    relative = Relative(legs.movers(i[high]), legs.movers(j[high]))
    least = time_of_least(relative, length)
    limit = arc_to_chord_m(np.full(len(high), horizontal_m - DISTANCE_EPSILON_M))
    within, enter, leave = times_within(relative, least, length, limit)
    enter, leave = np.maximum(enter, first[high[within]]), np.minimum(leave, last[high[within]])
    both = np.nonzero(enter < leave)[0]
    within, enter, leave = within[both], enter[both], leave[both]
    nearest = np.clip(least[within], enter, leave)
    chord, _ = relative.take(within).at(nearest[None])
    out_ms = now_ms + np.ceil(1000 * leave).astype(np.int64)
    pair = high[within]
    return Conflicts(
        i=legs.owner[i[pair]],
        j=legs.owner[j[pair]],
        t_in_ms=now_ms + np.floor(1000 * enter).astype(np.int64),
        t_out_ms=np.where(leave >= length[within], NEVER_MS, out_ms),
        t_cpa_ms=now_ms + np.rint(1000 * nearest).astype(np.int64),
        h_min_m=chord_to_arc_m(np.sqrt(dot(chord, chord)[0])),
        v_min_m=_least_height(apart[pair] + climb[pair] * enter, apart[pair] + climb[pair] * leave),
        h_err_m=legs.pos_err_m[i[pair]] + legs.pos_err_m[j[pair]],
        v_bound_m=bound[pair],
    )


def _highest_m(legs: Legs) -> FloatArray:
    """The greatest size that the altitude of each leg has; NaN where it is not known."""
    return np.fmax(np.abs(legs.alt_m), np.abs(legs.alt_m + legs.rate_mps * legs.length_s))


def _near_in_height(apart: FloatArray, climb: FloatArray, limit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """From when until when |apart + climb t| < limit; unbounded for heights not known, upside down if never."""
    level = np.abs(climb) < _LEVEL_MPS
    safe = np.where(level, 1.0, climb)
    with np.errstate(invalid="ignore"):
        one, two = (-limit - apart) / safe, (limit - apart) / safe
    always = np.isnan(apart) | np.isinf(limit) | (level & (np.abs(apart) < limit))
    first = np.where(always, -np.inf, np.where(level, np.inf, np.minimum(one, two)))
    last = np.where(always, np.inf, np.where(level, -np.inf, np.maximum(one, two)))
    return first, last


def _least_height(begin_m: FloatArray, end_m: FloatArray) -> FloatArray:
    """The least size of a height that goes evenly from one value to the other."""
    return np.where(begin_m * end_m < 0, 0.0, np.minimum(np.abs(begin_m), np.abs(end_m)))
