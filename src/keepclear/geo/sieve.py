"""Sieve: which volumes legs may come near, before anything exact is asked.

Law: what is sifted out cannot meet; what is left may. Nothing is as large as legs times volumes in memory.

First go the volumes whose window is shut during all legs: of a day's notices nearly all. The rest is held as sets of
bits, one set for each of some hundred steps along the three earth-centred axes and in height: which volumes begin at
or before the step, and which end at or after it. A leg is a box; eight sets, and-ed, are the volumes whose boxes meet
it. Then each pair's time in band and window is reckoned, and whether the leg, as a straight line as thick as it bends,
is in the volume's ball within that time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from keepclear.geo.altitude import ALTITUDE_EPSILON_M, AltRef, reference_bound_m
from keepclear.geo.course import METRES_PER_DEGREE
from keepclear.geo.earth import MEAN_M, dot
from keepclear.geo.motion import Legs
from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volumes import Volumes

SAG_M = 1.0
"""How far a piece of a leg may bend from a straight line in (longitude, latitude)."""
MAX_PIECE_M = 20_000.0
NEAR_M = 10.0
"""Further than every error of a place or of a cut in metres."""
_LEVEL_MPS = 1e-9
_STILL_MPS2 = 1e-12
_STEPS = 256
_BLOCK_WORDS = 1 << 20
"""Words of bits looked at in one go: 8 MB for each of the arrays."""

BitArray = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Legs against volumes, one pair an element, by leg, then volume, with their times in the leg (s).

    first, last: height and clock are in band and window; first_perhaps, last_perhaps: the same with the errors of
    altitude and of a plan's times against the flight; upside down if never. near_from, near_until: outside of this part
    of the second the leg is not in the volume's ball.
    """

    leg: IntArray
    volume: IntArray
    first: FloatArray
    last: FloatArray
    first_perhaps: FloatArray
    last_perhaps: FloatArray
    near_from: FloatArray
    near_until: FloatArray

    def __len__(self) -> int:
        return len(self.leg)

    def take(self, index: IntArray | BoolArray) -> "Pairs":
        """The pairs at an index array or mask."""
        return Pairs(*(getattr(self, name)[index] for name in self.__slots__))


def candidates(legs: Legs, volumes: Volumes) -> Pairs:
    """All pairs that can meet, and some that do not."""
    open_ = _open(legs, volumes)
    place, velocity, bend_m = legs.tangents
    thick_m = bend_m + padded_m(legs.pos_err_m, top_deg(legs, np.arange(len(legs)))) + NEAR_M
    kept = [
        _timed(legs, volumes, (place, velocity, thick_m), leg, open_[number])
        for leg, number in _meeting_boxes(legs, volumes, open_, (place, velocity, thick_m))
    ]
    columns = zip(*([getattr(pairs, name) for name in Pairs.__slots__] for pairs in kept), strict=True)
    return Pairs(*(np.concatenate(column) for column in columns))


def top_deg(legs: Legs, leg: IntArray) -> FloatArray:
    """A latitude, without its sign, that each of some legs does not exceed; 89.99 at most."""
    half_s = legs.length_s[leg] / 2
    lat, _ = legs.position(leg, half_s)
    top: FloatArray = np.minimum(np.abs(lat) + np.abs(legs.speed_mps[leg]) * half_s / METRES_PER_DEGREE, 89.99)
    return top


def padded_m(pos_err_m: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """The position error with the error of a flat chart that is as wide as it and a piece."""
    steep = np.tan(np.radians(np.minimum(np.abs(lat_deg), 89.9)))
    piece_m = np.minimum(np.sqrt(8 * MEAN_M * SAG_M / np.maximum(steep, 1e-6)), MAX_PIECE_M)
    share = 0.005 + (pos_err_m + piece_m) * (steep + 0.1) / MEAN_M
    padded: FloatArray = np.where(pos_err_m > 0, pos_err_m * (1 + share) + SAG_M, 0.0)
    return padded


def _open(legs: Legs, volumes: Volumes) -> IntArray:
    """The volumes whose window is open at some time of some leg."""
    if not len(legs):
        return np.empty(0, dtype=np.int64)
    begin_ms = (legs.begin_ms - legs.slack_ms).min()
    end_ms = (legs.begin_ms + np.ceil(1000 * legs.length_s).astype(np.int64) + legs.slack_ms).max()
    return np.nonzero((volumes.start_ms <= end_ms) & (volumes.end_ms >= begin_ms))[0]


def _meeting_boxes(
    legs: Legs, volumes: Volumes, open_: IntArray, lines: tuple[FloatArray, FloatArray, FloatArray]
) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs (leg, number in `open_`) whose boxes in space and height meet, block by block; at least one block."""
    place, velocity, thick_m = lines
    half_m = np.abs(velocity) * (legs.length_s / 2) + thick_m
    centre, reach = volumes.centre[:, open_], volumes.reach_m[open_]
    asked = [
        _asked(centre[axis] - reach, centre[axis] + reach, place[axis] - half_m[axis], place[axis] + half_m[axis])
        for axis in range(3)
    ]
    asked.append(_asked_in_height(legs, volumes, open_))
    words = -(-len(open_) // 64)
    block = max(_BLOCK_WORDS // max(words, 1), 1)
    for begin in range(0, max(len(legs), 1), block):
        part = slice(begin, begin + block)
        left = np.full((len(legs.owner[part]), words), ~np.uint64(0))
        for begun, by, ending, since in asked:
            left &= begun[by[part]]
            left &= ending[since[part]]
        row, word = np.nonzero(left)
        bits = np.unpackbits(left[row, word].astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
        hit, bit = np.nonzero(bits)
        yield begin + row[hit], 64 * word[hit] + bit


_Asked = tuple[BitArray, IntArray, BitArray, IntArray]


def _asked(low: FloatArray, high: FloatArray, leg_low: FloatArray, leg_high: FloatArray) -> _Asked:
    """The sets of volumes that begin by a step and that end since one, and which of them each leg asks for."""
    steps = _Steps(low, high)
    return steps.begun(low), steps.of(leg_high), steps.ending(high), steps.of(leg_low)


def _asked_in_height(legs: Legs, volumes: Volumes, open_: IntArray) -> _Asked:
    """The same of heights: a set for each reference an altitude may have, one after the other."""
    climb_m = np.nan_to_num(legs.rate_mps) * legs.length_s
    unknown = np.isnan(legs.alt_m)
    low = np.where(unknown, -np.inf, legs.alt_m + np.minimum(climb_m, 0) - legs.alt_err_m - 1)
    high = np.where(unknown, np.inf, legs.alt_m + np.maximum(climb_m, 0) + legs.alt_err_m + 1)
    bands = [_bands(volumes, open_, np.full(len(open_), ref)) for ref in AltRef]
    steps = _Steps(np.concatenate([band[0] for band in bands]), np.concatenate([band[1] for band in bands]))
    begun = np.concatenate([steps.begun(band[0]) for band in bands])
    ending = np.concatenate([steps.ending(band[1]) for band in bands])
    shift = legs.alt_ref * _STEPS
    return begun, steps.of(high) + shift, ending, steps.of(low) + shift


class _Steps:
    """Even steps from the least finite end of the volumes to the greatest."""

    def __init__(self, low: FloatArray, high: FloatArray) -> None:
        finite = np.concatenate([low[np.isfinite(low)], high[np.isfinite(high)]])
        self.least = float(finite.min()) if finite.size else 0.0
        span = float(np.ptp(finite)) if finite.size else 0.0
        self.a_unit = (_STEPS - 2) / max(span, 1.0)

    def of(self, value: FloatArray) -> IntArray:
        """The step of each value: never less for a greater one."""
        step = np.floor((value - self.least) * self.a_unit)
        return np.fmax(np.fmin(step, _STEPS - 2), -1).astype(np.int64) + 1

    def begun(self, low: FloatArray) -> BitArray:
        """For each step, those with a step of theirs at or before it."""
        return np.bitwise_or.accumulate(_bits(self.of(low)), axis=0)

    def ending(self, high: FloatArray) -> BitArray:
        """For each step, those with a step of theirs at or after it."""
        return np.bitwise_or.accumulate(_bits(self.of(high))[::-1], axis=0)[::-1]


def _bits(step: IntArray) -> BitArray:
    """For each step the set of those that have it."""
    words = -(-len(step) // 64)
    rows = np.zeros((_STEPS, 64 * words), dtype=np.uint8)
    rows[step, np.arange(len(step))] = 1
    return np.packbits(rows, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _bands(volumes: Volumes, volume: IntArray, ref: IntArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limits of volumes as read on references, wider by what these may be apart."""
    lower, upper = volumes.lower_m[volume], volumes.upper_m[volume]
    lower = lower - reference_bound_m(volumes.lower_ref[volume], ref, lower) - ALTITUDE_EPSILON_M
    upper = upper + reference_bound_m(volumes.upper_ref[volume], ref, upper) - ALTITUDE_EPSILON_M
    return lower, upper


def _timed(
    legs: Legs,
    volumes: Volumes,
    lines: tuple[FloatArray, FloatArray, FloatArray],
    leg: IntArray,
    volume: IntArray,
) -> Pairs:
    """The pairs that are at some time in band, in window and in the ball together, with their times."""
    perhaps = _held(legs, volumes, leg, volume, careful=True)
    possible = np.nonzero(perhaps[0] < perhaps[1])[0]
    leg, volume = leg[possible], volume[possible]
    first_perhaps, last_perhaps = perhaps[0][possible], perhaps[1][possible]
    place, velocity, thick_m = lines
    apart, velocity = volumes.centre[:, volume] - place[:, leg], velocity[:, leg]
    speed2 = dot(velocity, velocity)
    moves = speed2 > _STILL_MPS2
    speed2 = np.where(moves, speed2, 1.0)
    nearest = np.where(moves, dot(apart, velocity) / speed2, 0.0)
    off = apart - nearest * velocity
    short2 = (thick_m[leg] + volumes.reach_m[volume]) ** 2 - dot(off, off)
    half = np.where(moves, np.sqrt(np.maximum(short2, 0.0) / speed2), np.inf)
    middle = legs.length_s[leg] / 2 + nearest
    near_from, near_until = np.maximum(middle - half, first_perhaps), np.minimum(middle + half, last_perhaps)
    near = np.nonzero((short2 >= 0) & (near_from <= near_until))[0]
    leg, volume = leg[near], volume[near]
    first, last = _held(legs, volumes, leg, volume, careful=False)
    return Pairs(leg, volume, first, last, first_perhaps[near], last_perhaps[near], near_from[near], near_until[near])


def _held(
    legs: Legs, volumes: Volumes, leg: IntArray, volume: IntArray, *, careful: bool
) -> tuple[FloatArray, FloatArray]:
    """From when until when in the leg (s) height and clock are in band and window; upside down if never."""
    zero = np.zeros(len(leg))
    first, last = _within_band(legs, volumes, leg, volume, legs.alt_err_m[leg] if careful else zero)
    slack = legs.slack_ms[leg] if careful else zero
    opens = (volumes.start_ms[volume] - legs.begin_ms[leg] - slack) / 1000
    closes = (volumes.end_ms[volume] - legs.begin_ms[leg] + slack) / 1000
    return np.maximum(np.maximum(first, opens), 0.0), np.minimum(np.minimum(last, closes), legs.length_s[leg])


def _within_band(
    legs: Legs, volumes: Volumes, leg: IntArray, volume: IntArray, error_m: FloatArray
) -> tuple[FloatArray, FloatArray]:
    alt, rate = legs.alt_m[leg], np.nan_to_num(legs.rate_mps[leg])
    lower, upper = _bands(volumes, volume, legs.alt_ref[leg])
    lower, upper = lower - error_m, upper + error_m
    level = np.abs(rate) < _LEVEL_MPS
    safe = np.where(level, 1.0, rate)
    to_lower, to_upper = (lower - alt) / safe, (upper - alt) / safe
    always = np.isnan(alt) | (level & (alt >= lower) & (alt < upper))
    first = np.where(always, -np.inf, np.where(level, np.inf, np.minimum(to_lower, to_upper)))
    last = np.where(always, np.inf, np.where(level, -np.inf, np.maximum(to_lower, to_upper)))
    return first, last
