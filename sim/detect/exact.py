"""Exact: whether the interiors of two rings meet, in rational arithmetic on the doubles as they are given.

The law: no float, no tolerance. Both rings are cut into slabs at the heights of all their corners; in a slab each is a
row of trapezia between straight sides. Two trapezia meet if at some height inside the slab the left side of each is
left of the right side of the other: two linear inequalities.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

Point = tuple[Fraction, Fraction]
Trapezium = tuple[Fraction, Fraction, Fraction, Fraction]


def ring(points: Sequence[tuple[float, float]]) -> list[Point]:
    """A ring of doubles as exact numbers."""
    return [(Fraction(x), Fraction(y)) for x, y in points]


def interiors_meet(one: list[Point], other: list[Point]) -> bool:
    """Whether two simple rings, closed or not, have an inner point in common."""
    if not _boxes_meet(one, other):
        return False
    heights = sorted({y for _, y in (*one, *other)})
    for low, high in pairwise(heights):
        theirs = list(_trapezia(other, low, high))
        for mine in _trapezia(one, low, high):
            if any(_meet(mine, their) for their in theirs):
                return True
    return False


def _boxes_meet(one: list[Point], other: list[Point]) -> bool:
    return all(
        max(min(p[axis] for p in one), min(p[axis] for p in other))
        < min(max(p[axis] for p in one), max(p[axis] for p in other))
        for axis in (0, 1)
    )


def _trapezia(points: list[Point], low: Fraction, high: Fraction) -> Iterator[Trapezium]:
    """Left and right, at the bottom and at the top of the slab, of what is inside the ring there."""
    sides = []
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        if min(ay, by) <= low and max(ay, by) >= high and ay != by:
            slope = (bx - ax) / (by - ay)
            sides.append((ax + (low - ay) * slope, ax + (high - ay) * slope))
    sides.sort(key=lambda side: (side[0] + side[1], side[0]))
    for left, right in zip(sides[::2], sides[1::2], strict=True):
        yield left[0], left[1], right[0], right[1]


def _meet(one: Trapezium, other: Trapezium) -> bool:
    """Whether both of right - left of the other, linear from the bottom (0) to the top (1), are above 0 at once."""
    first, last = Fraction(0), Fraction(1)
    for bottom, top in ((one[2] - other[0], one[3] - other[1]), (other[2] - one[0], other[3] - one[1])):
        if bottom <= 0 and top <= 0:
            return False
        if bottom < 0:
            first = max(first, bottom / (bottom - top))
        elif top < 0:
            last = min(last, bottom / (bottom - top))
    return first < last
