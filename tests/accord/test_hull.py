"""A coarse outline holds all of the fine one, has at most eight corners, and is never larger than its box."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepclear.accord import fixed, shape
from keepclear.accord.fixed import extent, within
from keepclear.accord.hull import containing_octagon
from keepclear.accord.outcome import Outcome, Refused

DEGREE = 10_000_000
wide = st.tuples(st.integers(-80 * DEGREE, 80 * DEGREE), st.integers(-90 * DEGREE, 90 * DEGREE))
small = st.tuples(st.integers(179 * DEGREE, 181 * DEGREE), st.integers(-DEGREE, DEGREE))


@given(st.lists(wide, min_size=3, max_size=12) | st.lists(small, min_size=3, max_size=12))
def test_all_of_the_fine_outline_is_in_the_coarse_one(points: list[tuple[int, int]]) -> None:
    fine = extent(shape.polygon(points))
    assume(fine is not None)
    area = containing_octagon(shape.polygon(points))
    coarse = extent(area)
    assert coarse is not None
    assert within(fine, coarse, 0) is Outcome.MET
    assert len(coarse.points) <= shape.MAX_VERTICES
    assert not fixed.crosses_itself(coarse.points)
    assert all(-180 * DEGREE <= lon <= 180 * DEGREE for lon, _ in shape.points(area))
    for axis in (0, 1):
        ranges = [max(p[axis] for p in e.points) - min(p[axis] for p in e.points) for e in (fine, coarse)]
        assert ranges[0] == ranges[1]


def test_a_box_is_its_own_outline() -> None:
    box = shape.polygon([(0, 0), (5, 0), (5, 5), (0, 5)])
    assert set(shape.points(containing_octagon(box))) == set(shape.points(box))


def test_half_the_earth_has_no_outline_of_eight_edges() -> None:
    with pytest.raises(Refused, match="spans 200 degrees, under 180"):
        containing_octagon(shape.polygon([(0, 0), (100 * DEGREE, 5), (200 * DEGREE, 0), (100 * DEGREE, -5)]))


@pytest.mark.parametrize("area", [(0,), (2, 0, 0, 5), (3, 5, 0, 0, 5, 5), (1, 0, 0)])
def test_what_is_no_polygon_is_refused(area: tuple[int, ...]) -> None:
    with pytest.raises(Refused, match="only a polygon"):
        containing_octagon(area)
