"""Tree: boxes in any number of dimensions, packed so that those which meet a given box are found quickly.

Law: an answer is all boxes that meet, sharing more than a side. Time and height are dimensions as good as any:
boxes are halved, again and again, across the dimension in which they lie farthest apart for their size, so that the
order serves whichever tells them apart best. Infinite sides are allowed. Memory is linear in the boxes, and an
answer comes in blocks, so that a crowd costs time and not memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volumes import expand

_LEAF = 16
"""A leaf has more than half as many boxes and no more; the only one has what there is."""
_FAN_BITS = 3
_BLOCK_QUERIES = 2_048
_BLOCK_PAIRS = 1_000_000
"""Pairs looked at in one go: about 50 MB."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Boxes in packed order: `order` is the caller's number of each; low and high have the dimension in front.

    levels: boxes of the nodes, root first; a node's children are 2^step together on the next level, `steps` of them.
    first: the leaves' first boxes, and the end.
    """

    order: IntArray
    low: FloatArray
    high: FloatArray
    levels: tuple[tuple[FloatArray, FloatArray], ...]
    steps: tuple[int, ...]
    first: IntArray

    @classmethod
    def of(cls, low: FloatArray, high: FloatArray) -> Self:
        """The tree of boxes (dimensions, count)."""
        count = low.shape[1]
        depth = max(int(np.ceil(np.log2(max(count, 1) / _LEAF))), 0)
        order = _packed(low, high, depth)
        low, high = low[:, order], high[:, order]
        depths = [*range(depth % _FAN_BITS, depth, _FAN_BITS), depth] if count else []
        depths = [0, *depths] if depths and depths[0] else depths
        bounds = [_bounds(count, at) for at in depths]
        return cls(
            order=order,
            low=low,
            high=high,
            levels=tuple(
                (np.minimum.reduceat(low, b[:-1], axis=1), np.maximum.reduceat(high, b[:-1], axis=1)) for b in bounds
            ),
            steps=tuple(b - a for a, b in pairwise(depths)),
            first=_bounds(count, depth),
        )

    @property
    def span(self) -> tuple[FloatArray, FloatArray]:
        """The box that holds them all; upside down if there are none."""
        if not self.levels:
            return np.full(len(self.low), np.inf), np.full(len(self.low), -np.inf)
        low, high = self.levels[0]
        return low[:, 0], high[:, 0]

    def meeting(
        self, low: FloatArray, high: FloatArray, after: IntArray | None = None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        """Blocks of (number of a given box, place in the packed order) that meet; only places beyond `after` if given.

        A place is beyond after[k] for box k: with the places themselves, each pair of the tree's own is told once.
        """
        for begin in range(0, low.shape[1] if self.levels else 0, _BLOCK_QUERIES):
            query = np.arange(begin, min(begin + _BLOCK_QUERIES, low.shape[1]))
            yield from self._met(low, high, query, after)

    def _met(
        self, low: FloatArray, high: FloatArray, query: IntArray, after: IntArray | None
    ) -> Iterator[tuple[IntArray, IntArray]]:
        node = np.zeros_like(query)
        query, node = _narrowed(low, high, query, *self.levels[0], node)
        for step, level in zip(self.steps, self.levels[1:], strict=True):
            fan = 1 << step
            query, node = np.repeat(query, fan), (node[:, None] * fan + np.arange(fan)).ravel()
            query, node = _narrowed(low, high, query, *level, node)
        if after is not None:
            beyond = self.first[node + 1] > after[query] + 1
            query, node = query[beyond], node[beyond]
        per_block = _BLOCK_PAIRS // _LEAF
        for begin in range(0, len(query), per_block):
            part = slice(begin, begin + per_block)
            row, place = expand(self.first[node[part]], self.first[node[part] + 1])
            which = query[part][row]
            if after is not None:
                beyond = place > after[which]
                which, place = which[beyond], place[beyond]
            yield _narrowed(low, high, which, self.low, self.high, place)


def _bounds(count: int, depth: int) -> IntArray:
    return count * np.arange((1 << depth) + 1) >> depth


def _narrowed(
    low: FloatArray, high: FloatArray, i: IntArray, lows: FloatArray, highs: FloatArray, j: IntArray
) -> tuple[IntArray, IntArray]:
    """The pairs (i of the first boxes, j of the second) that meet; each dimension asks what the ones before left."""
    for row in reversed(range(len(low))):
        meet: BoolArray = (low[row][i] < highs[row][j]) & (lows[row][j] < high[row][i])
        i, j = i[meet], j[meet]
    return i, j


def _packed(low: FloatArray, high: FloatArray, depth: int) -> IntArray:
    count = low.shape[1]
    order = np.arange(count)
    if not depth:
        return order
    low, high = _finite(low, high)
    middle, size = (low + high) / 2, high - low
    size = size + 1e-9 * np.maximum(size.max(axis=1), 1e-300)[:, None]
    for level in range(depth):
        bounds = _bounds(count, level)
        first, counts = bounds[:-1], np.diff(bounds)
        ordered = middle[:, order]
        spread = np.maximum.reduceat(ordered, first, axis=1) - np.minimum.reduceat(ordered, first, axis=1)
        axis = np.argmax(spread * counts / np.add.reduceat(size[:, order], first, axis=1), axis=0)
        segment = np.repeat(np.arange(len(first)), counts)
        order = order[np.lexsort((ordered[axis[segment], np.arange(count)], segment))]
    return order


def _finite(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The boxes cut to what the finite sides span, for their order alone."""
    sides = np.concatenate([low, high], axis=1)
    real = np.isfinite(sides)
    least = np.where(real, sides, np.inf).min(axis=1, keepdims=True)
    most = np.where(real, sides, -np.inf).max(axis=1, keepdims=True)
    none = ~real.any(axis=1, keepdims=True)
    least, most = np.where(none, 0.0, least), np.where(none, 0.0, most)
    return np.clip(low, least, most), np.clip(high, least, most)
