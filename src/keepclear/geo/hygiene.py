"""Hygiene: what in a report cannot be so, or is doubted, said beside it.

Law: flags, and nothing else. What is flagged is not dropped, since it may be all that is known of an aircraft, and not
believed, since it says what no aircraft does. A flag says what was found, never why: a spoofed receiver, a mixed-up
address and a broken clock look alike from here.

Every limit is one that no aircraft in service passes, and errors are allowed for first: both stated position errors,
CLOCK_S for when a report was true, and a place that is repeated counts as old as its first report. So a flag is a
fault of the data, or an aircraft beyond the limits; what is not flagged may still be wrong.
"""

from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt

from keepclear.geo.circling import circling, runs
from keepclear.geo.earth import chord_to_arc_m, dot, sin_cos_deg, to_ecef
from keepclear.geo.track import Tracks
from keepclear.geo.units import BoolArray, FloatArray, IntArray

CLOCK_S: Final = 1.0
"""How far off the time of a report may be: many sources stamp whole seconds, at reception."""
AHEAD_MS: Final = 5_000
"""A report from later than this ahead of our clock was stamped by a clock that is wrong."""
MAX_SPEED_MPS: Final = 700.0
"""1 360 kt: Mach 2 at height with a strong wind behind."""
MAX_ACCELERATION_MPS2: Final = 30.0
"""3 g along or across the way, held between two reports."""
MAX_CLIMB_MPS: Final = 260.0
"""51 000 ft/min: what a fighter without stores has at low level."""
MAX_LIFT_MPS2: Final = 20.0
"""2 g up or down, held between two reports."""
TAXI_MPS: Final = 50.0
"""97 kt: faster than this nothing taxies."""
SLOW_MPS: Final = 36.0
HIGH_M: Final = 9_000.0
"""Slower than 70 kt above this nothing flies but balloons, and gliders in a wave."""
FROZEN_S: Final = 10.0
"""A place repeated for as long by an aircraft that says it moves: two turns of an approach radar."""
BASE_S: Final = 10.0
"""Velocity and way are compared over at least this, so that errors of position do not decide."""
BASE_MAX_S: Final = 30.0
"""And over no more than this: what happened between is not known."""


STACK_M: Final = 600.0
"""Three aircraft over one place are a formation unless they are as far apart in height."""
_CELL_DEG: Final = 0.005


class Doubt(IntFlag):
    """What is doubted in a report."""

    TIME_BACK = 1
    TIME_AHEAD = 2
    TWO_PLACES = 4
    SPEED = 8
    ACCELERATION = 16
    CLIMB = 32
    VELOCITY = 64
    FROZEN = 128
    SLOW = 256
    GHOST = 512
    DUPLICATE = 1024
    ONE_POINT = 2048
    CIRCLE = 4096
    HEIGHT = 8192
    GROUND = 16384


WORDS: Final = {
    Doubt.TIME_BACK: "time runs backwards",
    Doubt.TIME_AHEAD: "time from the future",
    Doubt.TWO_PLACES: "in two places at one time",
    Doubt.SPEED: "impossible speed",
    Doubt.ACCELERATION: "impossible acceleration",
    Doubt.CLIMB: "impossible climb",
    Doubt.VELOCITY: "moves otherwise than it says",
    Doubt.HEIGHT: "climbs otherwise than it says",
    Doubt.FROZEN: "position frozen",
    Doubt.SLOW: "too slow for its height",
    Doubt.GROUND: "too fast for the ground it says it is on",
    Doubt.GHOST: "a place off its way for one report",
    Doubt.DUPLICATE: "the same aircraft from two sources",
    Doubt.ONE_POINT: "several aircraft in one place",
    Doubt.CIRCLE: "several aircraft circle about one point",
}
UNPLACED: Final = (
    Doubt.TWO_PLACES | Doubt.SPEED | Doubt.FROZEN | Doubt.SLOW | Doubt.GHOST | Doubt.ONE_POINT | Doubt.CIRCLE
)
"""Doubts of the place itself."""


def words(doubts: int) -> tuple[str, ...]:
    """What is doubted, in words, in the sequence of WORDS."""
    return tuple(text for doubt, text in WORDS.items() if doubts & doubt)


def of_itself(tracks: Tracks, now_ms: int | None = None, on_ground: npt.ArrayLike = False) -> IntArray:
    """The doubts that a report bears alone; its time is judged if our own is given."""
    slow = (tracks.ground_speed_mps < SLOW_MPS) & (tracks.alt_m > HIGH_M)
    doubts = np.where(slow, int(Doubt.SLOW), 0)
    doubts |= np.where(np.asarray(on_ground) & (tracks.ground_speed_mps > TAXI_MPS), int(Doubt.GROUND), 0)
    if now_ms is not None:
        doubts |= np.where(tracks.at_ms - now_ms > AHEAD_MS, int(Doubt.TIME_AHEAD), 0)
    return doubts


def between(before: Tracks, after: Tracks) -> IntArray:
    """For each pair of reports of one aircraft, in the sequence they came: what the later one cannot have done."""
    gap_s = (after.at_ms - before.at_ms) / 1000
    held_s = np.maximum(gap_s, 0.0) + CLOCK_S
    error = before.pos_err_m + after.pos_err_m
    apart = _apart_m(before, after)
    same = (before.lat_deg == after.lat_deg) & (before.lon_deg == after.lon_deg)
    speed = np.fmax(np.nan_to_num(before.ground_speed_mps), np.nan_to_num(after.ground_speed_mps))
    climbed = np.abs(after.alt_m - before.alt_m) - before.alt_err_m - after.alt_err_m
    quicker = np.abs(after.ground_speed_mps - before.ground_speed_mps)
    forth = gap_s >= 0
    found = {
        Doubt.TIME_BACK: ~forth,
        Doubt.TWO_PLACES: (gap_s == 0) & (apart > error + MAX_SPEED_MPS * CLOCK_S),
        Doubt.SPEED: forth & (apart - error > MAX_SPEED_MPS * held_s),
        Doubt.ACCELERATION: forth & (quicker > MAX_ACCELERATION_MPS2 * held_s),
        Doubt.CLIMB: forth & (before.alt_ref == after.alt_ref) & (climbed > MAX_CLIMB_MPS * held_s),
        Doubt.HEIGHT: forth & (gap_s <= BASE_MAX_S) & _is_higher(before, after, gap_s),
        Doubt.VELOCITY: ~same & (gap_s >= BASE_S) & (gap_s <= BASE_MAX_S) & _is_elsewhere(before, after, gap_s),
        Doubt.FROZEN: same & (gap_s >= FROZEN_S) & (speed * gap_s > error + SLOW_MPS * FROZEN_S),
    }
    return _together(found, len(after))


def among(tracks: Tracks, names: npt.ArrayLike, sources: npt.ArrayLike, unplaced: npt.ArrayLike = 0) -> IntArray:
    """The doubts of the tracks of one picture about each other.

    names: whose track it is (one aircraft has one name); sources: who says so. Two tracks of one name are a duplicate
    if they can be one aircraft, whichever source they are from; if they cannot, it is in two places. `unplaced` are
    doubts known already: three aircraft or more that stand in one place at different heights, or two that have jumped
    there, are at one point.
    """
    _, name = np.unique(np.asarray(names), return_inverse=True)
    _, source = np.unique(np.asarray(sources), return_inverse=True)
    doubted = np.broadcast_to((np.asarray(unplaced, dtype=np.int64) & int(UNPLACED)) > 0, len(tracks))
    doubts = np.zeros(len(tracks), dtype=np.int64)
    order = np.argsort(name, kind="stable")
    for step in range(1, 1 + int(np.bincount(name).max(initial=1) - 1)):
        one, other = order[:-step], order[step:]
        pair = name[one] == name[other]
        one, other = one[pair], other[pair]
        first, second = tracks.take(one), tracks.take(other)
        gap_s = np.abs(second.at_ms - first.at_ms) / 1000 + CLOCK_S
        apart = _apart_m(first, second) > first.pos_err_m + second.pos_err_m + MAX_SPEED_MPS * gap_s
        doubt = np.where(apart, int(Doubt.TWO_PLACES), np.where(source[one] != source[other], int(Doubt.DUPLICATE), 0))
        np.bitwise_or.at(doubts, one, doubt)
        np.bitwise_or.at(doubts, other, doubt)
    return doubts | np.where(_at_one_point(tracks, name, doubted), int(Doubt.ONE_POINT), 0)


def histories(tracks: Tracks, names: npt.ArrayLike) -> IntArray:
    """The doubts of whole histories: reports in the sequence they came, names saying which aircraft each is of."""
    _, name = np.unique(np.asarray(names), return_inverse=True)
    placed = np.nonzero(tracks.placed)[0]
    order = placed[np.argsort(name[placed], kind="stable")]
    result = of_itself(tracks)
    tracks, name = tracks.take(order), name[order]
    every, doubts = np.arange(len(tracks)), np.zeros(len(tracks), dtype=np.int64)
    follows = np.nonzero(name[1:] == name[:-1])[0] + 1
    doubts[follows] |= _between(tracks, follows - 1, follows, ~(Doubt.SPEED | Doubt.VELOCITY | Doubt.FROZEN))
    moved = np.ones(len(tracks), dtype=bool)
    moved[follows] = (np.diff(tracks.lat_deg) != 0)[follows - 1] | (np.diff(tracks.lon_deg) != 0)[follows - 1]
    since = np.maximum.accumulate(np.where(moved, every, 0))
    doubts |= _between(tracks, since, every, Doubt.FROZEN)
    step = np.intersect1d(follows, np.nonzero(moved)[0])
    doubts[step] |= _between(tracks, since[step - 1], step, Doubt.SPEED)
    doubts[_ghosts(tracks, name, since, step, doubts)] |= int(Doubt.GHOST)
    base = _base(tracks, name)
    based = np.nonzero(moved & (base >= 0))[0]
    doubts[based] |= _between(tracks, since[base[based]], based, Doubt.VELOCITY)
    doubts |= np.where(circling(tracks, name, every[moved]), int(Doubt.CIRCLE), 0)
    result[order] |= doubts
    return result


def _between(tracks: Tracks, before: IntArray, after: IntArray, only: Doubt) -> IntArray:
    doubts: IntArray = between(tracks.take(before), tracks.take(after)) & int(only)
    return doubts


def _ghosts(tracks: Tracks, name: IntArray, since: IntArray, step: IntArray, doubts: IntArray) -> IntArray:
    """Of the steps, those that leap away to a place from which the next one comes back."""
    away, back = step[:-1], step[1:]
    leaps = (doubts[away] & doubts[back] & int(Doubt.SPEED)) > 0
    away, back = away[leaps], back[leaps]
    whole = name[away] == name[back]
    away, back = away[whole], back[whole]
    fits = _between(tracks, since[away - 1], back, Doubt.SPEED) == 0
    ghosts: IntArray = away[fits]
    return ghosts


def _base(tracks: Tracks, name: IntArray) -> IntArray:
    """For each report the newest one of the same aircraft that is BASE_S older; -1 where there is none."""
    base = np.full(len(tracks), -1)
    for begin, end in runs(name):
        at_ms = np.maximum.accumulate(tracks.at_ms[begin:end])
        found = np.searchsorted(at_ms, tracks.at_ms[begin:end] - int(1000 * BASE_S), side="right") - 1
        base[begin:end] = np.where(found >= 0, begin + found, -1)
    return base


def _at_one_point(tracks: Tracks, name: IntArray, doubted: BoolArray) -> BoolArray:
    """Which tracks stand within 250 m of others (550 m at most), in four grids half a cell from each other."""
    result = np.zeros(len(tracks), dtype=bool)
    placed = np.nonzero(tracks.placed)[0]
    east = tracks.lon_deg[placed] * np.cos(np.radians(np.round(tracks.lat_deg[placed], 1)))
    for shift in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        cell = np.floor(np.stack([tracks.lat_deg[placed], east]) / _CELL_DEG + np.array(shift)[:, None])
        _, place = np.unique(cell, axis=1, return_inverse=True)
        crowded = np.nonzero(np.bincount(place.ravel())[place.ravel()] > 1)[0]
        for one in np.unique(place.ravel()[crowded]):
            here = placed[place.ravel() == one]
            height = tracks.alt_m[here]
            stacked = len(np.unique(name[here])) > 2 and np.nanmax(height, initial=-np.inf) - np.nanmin(
                height, initial=np.inf
            ) > STACK_M  # fmt: skip
            jumped = here[doubted[here]]
            result[here] |= stacked
            result[jumped] |= len(np.unique(name[jumped])) > 1
    return result


def _is_elsewhere(before: Tracks, after: Tracks, gap_s: FloatArray) -> BoolArray:
    """Whether the way made is another than the two velocities say, beyond all errors and MAX_ACCELERATION_MPS2 / 4."""
    here, there = to_ecef(before.lat_deg, before.lon_deg), to_ecef(after.lat_deg, after.lon_deg)
    say = (_velocity(before) + _velocity(after)) * gap_s / 2
    off = there - here - say
    speed = np.fmax(before.ground_speed_mps, after.ground_speed_mps)
    # Two ends of a way with the same velocity: it may have swung out between them, by a / 4 t2 at most.
    error = before.pos_err_m + after.pos_err_m + speed * CLOCK_S + MAX_ACCELERATION_MPS2 / 4 * gap_s**2
    elsewhere: BoolArray = np.sqrt(dot(off, off)) > error
    return elsewhere


def _is_higher(before: Tracks, after: Tracks, gap_s: FloatArray) -> BoolArray:
    """Whether the heights are apart by more, or less, than the two vertical rates say, errors allowed for."""
    say = (before.vertical_rate_mps + after.vertical_rate_mps) * gap_s / 2
    quickest = np.fmax(np.abs(before.vertical_rate_mps), np.abs(after.vertical_rate_mps))
    error = before.alt_err_m + after.alt_err_m + quickest * CLOCK_S + MAX_LIFT_MPS2 / 4 * gap_s**2
    higher: BoolArray = (before.alt_ref == after.alt_ref) & (np.abs(after.alt_m - before.alt_m - say) > error)
    return higher


def _velocity(tracks: Tracks) -> FloatArray:
    """Earth-centred velocity over ground (3, n); NaN where it is not known."""
    sin_c, cos_c = sin_cos_deg(tracks.track_deg)
    sin_lat, cos_lat = sin_cos_deg(tracks.lat_deg)
    sin_lon, cos_lon = sin_cos_deg(tracks.lon_deg)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat])
    east = np.stack([-sin_lon, cos_lon, np.zeros_like(cos_lon)])
    return tracks.ground_speed_mps * (sin_c * east + cos_c * north)


def _apart_m(one: Tracks, other: Tracks) -> FloatArray:
    gap = to_ecef(one.lat_deg, one.lon_deg) - to_ecef(other.lat_deg, other.lon_deg)
    return chord_to_arc_m(np.sqrt(dot(gap, gap)))


def _together(found: dict[Doubt, BoolArray], count: int) -> IntArray:
    doubts = np.zeros(count, dtype=np.int64)
    for doubt, holds in found.items():
        doubts |= np.where(holds, int(doubt), 0)
    return doubts
