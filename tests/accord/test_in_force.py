"""Two lists of what is in force, held against each other."""

import pytest

from keepclear.accord import in_force
from keepclear.accord.in_force import Difference
from keepclear.accord.statement import InForceList

ONE, TWO, THREE, FOUR = (bytes((n,)) * 32 for n in range(1, 5))


@pytest.mark.parametrize(
    ("theirs", "ours", "found"),
    [
        ((), (), Difference((), (), False)),
        ((TWO, ONE), (ONE, TWO), Difference((), (), False)),
        ((ONE, TWO), (TWO, THREE), Difference((ONE,), (THREE,), False)),
        ((), (THREE,), Difference((), (THREE,), False)),
    ],
)
def test_what_only_one_of_two_holds(theirs: tuple[bytes, ...], ours: tuple[bytes, ...], found: Difference) -> None:
    assert in_force.compare(in_force.make(theirs, 1_000), ours) == found


def test_a_list_that_had_not_room_for_all_says_no_more_than_it_knows() -> None:
    made = in_force.make((ONE, TWO, THREE, FOUR), 2 * in_force.LEAF_BYTES)
    assert (made.count, made.leaves) == (4, (ONE, TWO))
    assert in_force.compare(made, (ONE, TWO, THREE, FOUR)) == Difference((), (), False), "the digest is over all"
    assert in_force.compare(made, (ONE, THREE)) == Difference((TWO,), (), True)
    assert in_force.compare(made, (TWO, FOUR, bytes(32))) == Difference((ONE,), (bytes(32),), True)


def test_a_list_whose_hash_is_not_that_of_its_hashes_is_not_taken_for_equal() -> None:
    forged = InForceList(count=1, digest=bytes(32), leaves=(ONE,))
    assert in_force.compare(forged, (ONE,)) == Difference((), (), True)
