"""Overlap: which volumes have something in common: all of many, two lists, or a new one and those that stand.

Law: two volumes meet if their interiors do, in area, height and time at once. Touching is not meeting, an upper limit
is not in its band, an end not in its window. Areas are compared exactly (bodies.py has the law and the accuracy); a
corridor by its outline, which holds it (outline.py). Limits are compared to a micrometre (altitude.py). What cannot
be used is read at its widest, so that "do not meet" is certain.

Limits of different references are compared after widening by their declared bound, to the advantage of meeting. A
pair that would not meet were the bound against it is `undecidable`: it may or may not meet, and is told.

Theory: boxes of longitude, latitude, height and time are packed in a tree (tree.py; the kernel has its own), so that
all four serve to tell volumes apart; height in the most frequent reference, others widened to it. Memory is linear in
the volumes and the answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from keepclear.geo.altitude import ALTITUDE_EPSILON_M, AltRef, reference_bound_m
from keepclear.geo.areas import Areas
from keepclear.geo.bodies import areas_meet
from keepclear.geo.kernel import LOADED, Kernel, OverlapIndex
from keepclear.geo.tree import Tree
from keepclear.geo.units import NEVER_MS, BoolArray, FloatArray, IntArray
from keepclear.geo.volume import Volume
from keepclear.geo.volumes import Volumes

Pairs = tuple[IntArray, IntArray, BoolArray]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Pairs of volumes that meet, one an element, in order of i, then j; undecidable: only perhaps, by their limits."""

    i: IntArray
    j: IntArray
    undecidable: BoolArray

    def __len__(self) -> int:
        return len(self.i)


def overlaps(
    volumes: Sequence[Volume] | Volumes,
    others: Sequence[Volume] | Volumes | None = None,
    kernel: Kernel | None = LOADED,
) -> Overlaps:
    """All pairs i < j of volumes that meet; with others, all pairs of volumes[i] and others[j]."""
    index = index_of(areas_of(volumes), kernel)
    return Overlaps(*(index.pairs() if others is None else index.pairs_with(index_of(areas_of(others), kernel))))


def areas_of(volumes: Sequence[Volume] | Volumes) -> Areas:
    """The areas of volumes, held or not."""
    return Areas.of(volumes if isinstance(volumes, Volumes) else Volumes.of(volumes))


def index_of(areas: Areas, kernel: Kernel | None) -> OverlapIndex:
    """The index of areas, by the kernel or by numpy."""
    return PlainIndex.of(areas) if kernel is None else kernel.overlap_index(areas)


@dataclass(frozen=True, slots=True)
class PlainIndex:
    """The index by numpy and shapely: areas, and their boxes in a tree with heights in one reference."""

    areas: Areas
    reference: int
    tree: Tree

    @classmethod
    def of(cls, areas: Areas) -> Self:
        """The index of areas."""
        limits = np.concatenate([areas.lower_ref, areas.upper_ref])
        reference = int(np.argmax(np.bincount(limits, minlength=len(AltRef))))
        return cls(areas, reference, Tree.of(*_boxes(areas, reference)))

    def pairs(self) -> Pairs:
        """As the index says."""
        order, low, high = self.tree.order, self.tree.low, self.tree.high
        near = self._near(low, high, np.arange(len(order)))
        found = ((order[query], order[place]) for query, place in near)
        return _met(self.areas, self.areas, ((np.minimum(i, j), np.maximum(i, j)) for i, j in found))

    def pairs_with(self, others: Self) -> Pairs:
        """As the index says."""
        order, low, high = others.tree.order, others.tree.low, others.tree.high
        if others.reference != self.reference:
            low, high = (sides[:, order] for sides in _boxes(others.areas, self.reference))
        near = self._near(low, high)
        return _met(self.areas, others.areas, ((self.tree.order[place], order[query]) for query, place in near))

    def _near(
        self, low: FloatArray, high: FloatArray, after: IntArray | None = None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Blocks of (box, place in the tree) that meet as they are or one of them turned by 360 degrees, each once."""
        yield from self.tree.meeting(low, high, after)
        west, east = self.tree.low[0], self.tree.high[0]
        span_low, span_high = self.tree.span
        for turn in (-360.0, 360.0):
            some = np.nonzero((low[0] + turn < span_high[0]) & (span_low[0] < high[0] + turn))[0]
            if not some.size:
                continue
            turned_low, turned_high = low[:, some], high[:, some]
            turned_low[0] += turn
            turned_high[0] += turn
            for which, place in self.tree.meeting(turned_low, turned_high, None if after is None else after[some]):
                query = some[which]
                fresh = (low[0][query] >= east[place]) | (west[place] >= high[0][query])
                yield query[fresh], place[fresh]


def _boxes(areas: Areas, reference: int) -> tuple[FloatArray, FloatArray]:
    """Low and high corners (lon, lat, height, time): twice the bound away where another reference is meant.

    Twice, since a limit moved by a share of its height has a bound with a share of what it is then.
    """
    lower_by = 2 * reference_bound_m(areas.lower_ref, reference, areas.lower_m)
    upper_by = 2 * reference_bound_m(areas.upper_ref, reference, areas.upper_m)
    start = np.where(areas.start_ms <= -NEVER_MS, -np.inf, areas.start_ms)
    end = np.where(areas.end_ms >= NEVER_MS, np.inf, areas.end_ms)
    low = np.stack([areas.box[0], areas.box[1], areas.lower_m - lower_by, start])
    return low, np.stack([areas.box[2], areas.box[3], areas.upper_m + upper_by, end])


def _met(a: Areas, b: Areas, blocks: Iterable[tuple[IntArray, IntArray]]) -> Pairs:
    """Of candidates a[i], b[j] those that meet, in order, and which of them perhaps."""
    none = np.zeros(0, dtype=np.int64)
    found: list[Pairs] = [(none, none, none > 0)]
    for near_i, near_j in blocks:
        possible, sure = _bands_meet(a, near_i, b, near_j)
        i, j = near_i[possible], near_j[possible]
        meet = areas_meet(a, i, b, j)
        found.append((i[meet], j[meet], ~sure[possible][meet]))
    i, j, undecidable = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((j, i))
    return i[order], j[order], undecidable[order]


def _bands_meet(a: Areas, i: IntArray, b: Areas, j: IntArray) -> tuple[BoolArray, BoolArray]:
    """Whether bands meet with the bound of their references for it, and whether also with the bound against it."""
    one = _below(a.lower_m[i], a.lower_ref[i], b.upper_m[j], b.upper_ref[j])
    two = _below(b.lower_m[j], b.lower_ref[j], a.upper_m[i], a.upper_ref[i])
    return one[0] & two[0], one[1] & two[1]


def _below(
    lower: FloatArray, lower_ref: IntArray, upper: FloatArray, upper_ref: IntArray
) -> tuple[BoolArray, BoolArray]:
    """Whether a lower limit is perhaps, and is surely, below an upper one; an open limit is surely."""
    top = upper - ALTITUDE_EPSILON_M
    below: BoolArray = lower < top
    surely = below.copy()
    mixed = np.nonzero((lower_ref != upper_ref) & np.isfinite(lower) & np.isfinite(upper))[0]
    if mixed.size:
        height = np.maximum(np.abs(lower[mixed]), np.abs(upper[mixed]))
        bound = reference_bound_m(lower_ref[mixed], upper_ref[mixed], height)
        below[mixed] = lower[mixed] - bound < top[mixed]
        surely[mixed] = lower[mixed] + bound < top[mixed]
    return below, surely
