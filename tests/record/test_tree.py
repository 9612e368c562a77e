"""The tree is RFC 6962's: the published roots, and the definition of section 2.1 written down as it stands there."""

from hypothesis import given
from hypothesis import strategies as st
from spec.make_vectors import CT_LEAVES, CT_ROOTS

from keepclear.record import tree

leaf_lists = st.lists(st.binary(min_size=32, max_size=32), max_size=70)


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 over leaf hashes: split at the largest power of two below n."""
    if not leaves:
        return tree.EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return tree.node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


def test_the_published_roots() -> None:
    leaves = [tree.leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]
    assert [tree.root_of(leaves[:n]).hex() for n in range(9)] == list(CT_ROOTS)


@given(leaf_lists)
def test_the_frontier_has_the_defined_root_at_every_size(leaves: list[bytes]) -> None:
    frontier = tree.Frontier(0, [])
    for n, leaf in enumerate(leaves):
        assert frontier.root() == defined_root(leaves[:n])
        frontier.append(leaf)
    assert frontier.root() == tree.root_of(leaves) == defined_root(leaves)
    assert len(frontier.peaks) == len(leaves).bit_count()


@given(leaf_lists, st.lists(st.integers(-2, 80), max_size=10))
def test_roots_at_many_sizes_at_once(leaves: list[bytes], sizes: list[int]) -> None:
    expected = {size: defined_root(leaves[:size]) for size in sizes if 0 <= size <= len(leaves)}
    assert tree.roots_at(leaves, sizes) == expected
