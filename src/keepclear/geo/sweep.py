"""Sweep: which legs may come near each other, from their reaches alone.

Law: no pair that may be nearer than H and nearer than V at one instant is left out; what is told too much is dropped
by the exact verdict. Legs have one window. Memory is linear in their number.

Bounds: a leg is never farther from the straight line through its middle than it bends (motion.py), and a chord is
shorter than its arc; so boxes about those lines, grown by the bend and H / 2, overlap on each earth-centred axis. Bands
of altitude of the reference that most legs have are grown by V / 2, those of another by all that a reference bound can
come to with the highest altitude there is; what has no bound against it, and what is not known, meets every band.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from keepclear.geo.altitude import GEOID_M, PRESSURE_M, PRESSURE_SHARE, AltRef
from keepclear.geo.earth import dot
from keepclear.geo.motion import Legs
from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volumes import expand

_SLACK_M = 1.0
"""More than all rounding."""
_MOST_SLABS = 4096
_BLOCK_PAIRS = 250_000
"""Pairs looked at in one go, so that they stay in the processor's own memory."""


def near_pairs(legs: Legs, horizontal_m: float, vertical_m: float) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs i < j of legs of one window that may be lost within it, block by block; at least one block."""
    place, velocity, bend_m = legs.tangents
    thick_m = bend_m + horizontal_m / 2 + _SLACK_M
    grown_m = np.abs(velocity) * (legs.length_s / 2) + thick_m
    bottom, top = _bands(legs, vertical_m)
    low, high = np.stack([*(place - grown_m), bottom]), np.stack([*(place + grown_m), top])
    # What is so fast that it has no place would have all the others in one slab.
    real = np.nonzero(np.isfinite(high[:3] - low[:3]).all(axis=0))[0]
    if len(real) < 2:
        yield real[:0], real[:0]
        return
    low, high = low[:, real], high[:, real]
    for one, other in _boxes_meet(low, high):
        i, j = real[one], real[other]
        near = np.nonzero(_lines_meet(place, velocity, legs.length_s / 2, thick_m, i, j))[0]
        yield np.minimum(i[near], j[near]), np.maximum(i[near], j[near])


def _boxes_meet(low: FloatArray, high: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of boxes x, y, z, altitude that overlap, in any order, block by block."""
    # What is spread most is swept, what is spread second most is cut in slabs as wide as a box is on average: then
    # there are two slabs a box, whatever their sizes.
    third, across, along = np.argsort(np.ptp(low[:3], axis=1), kind="stable")
    width = max(float(np.mean(high[across] - low[across])), float(np.ptp(low[across])) / _MOST_SLABS, 1.0)
    begins, ends = (np.floor((side[across] - low[across].min()) / width).astype(np.int64) for side in (low, high))
    box, slab = expand(begins, np.minimum(ends, begins.max()) + 1)
    # Slabs are laid one after another on one line, farther apart than anything is long.
    origin = low[along].min()
    apart = high[along].max() - origin + _SLACK_M
    key = slab * apart + (low[along] - origin)[box]
    order = np.argsort(key, kind="stable")
    key, box, slab = key[order], box[order], slab[order]
    every = np.arange(len(box))
    last = np.searchsorted(key, slab * apart + (high[along] - origin)[box], side="right")
    for first, end in _blocks(last - every - 1):
        row, other = expand(every[first:end] + 1, last[first:end])
        one = first + row
        i, j = box[one], box[other]
        near = np.nonzero(slab[one] == np.maximum(begins[i], begins[j]))[0]
        yield _overlapping(low, high, i[near], j[near], (3, across, third))


def _blocks(counts: IntArray) -> Iterator[tuple[int, int]]:
    """Ranges of rows with about _BLOCK_PAIRS pairs each, of how many each row has."""
    total = np.cumsum(counts)
    full = np.searchsorted(total, np.arange(_BLOCK_PAIRS, total[-1], _BLOCK_PAIRS))
    yield from pairwise(np.unique([0, *(full + 1), len(counts)]).tolist())


def _bands(legs: Legs, vertical_m: float) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest that legs are, grown; unbounded where that is not known."""
    end_m = legs.alt_m + legs.rate_mps * legs.length_s
    usual = np.argmax(np.bincount(legs.alt_ref, minlength=len(AltRef)))
    highest_m = max(np.max(np.abs(m), where=np.isfinite(m), initial=0.0) for m in (legs.alt_m, end_m))
    widest_m = PRESSURE_M + GEOID_M + PRESSURE_SHARE * highest_m
    more_m = vertical_m / 2 + _SLACK_M + np.where(legs.alt_ref == usual, 0.0, widest_m)
    known = np.isfinite(end_m) & ((legs.alt_ref == AltRef.AGL) == (usual == AltRef.AGL))
    bottom = np.where(known, np.minimum(legs.alt_m, end_m) - more_m, -np.inf)
    return bottom, np.where(known, np.maximum(legs.alt_m, end_m) + more_m, np.inf)


def _overlapping(
    low: FloatArray, high: FloatArray, i: IntArray, j: IntArray, axes: tuple[int, ...]
) -> tuple[IntArray, IntArray]:
    for axis in axes:
        near = np.nonzero((low[axis][i] <= high[axis][j]) & (low[axis][j] <= high[axis][i]))[0]
        i, j = i[near], j[near]
    return i, j


def _lines_meet(
    place: FloatArray, velocity: FloatArray, half_s: FloatArray, thick_m: FloatArray, i: IntArray, j: IntArray
) -> BoolArray:
    """Whether two straight movers, each with its thickness about it, come together."""
    apart, closing = place[:, i] - place[:, j], velocity[:, i] - velocity[:, j]
    time = np.clip(-dot(apart, closing) / np.maximum(dot(closing, closing), 1e-12), -half_s[i], half_s[i])
    apart = apart + closing * time
    near: BoolArray = dot(apart, apart) <= (thick_m[i] + thick_m[j]) ** 2
    return near
