"""The Merkle tree of RFC 6962 section 2.1 over SHA-256, grown leaf by leaf.

The law: a `Frontier` keeps only the roots of the perfect subtrees on the right edge, so that a logbook of any length
costs a few hundred bytes, and its root at the present size is what RFC 6962 says.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

import msgspec

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier(msgspec.Struct, array_like=True):
    """A growing tree: the number of leaves, and the perfect subtrees from the largest to the smallest."""

    size: int = 0
    peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Adds the hash of the next leaf."""
        peaks, size = self.peaks, self.size
        while size & 1:
            leaf = node_hash(peaks.pop(), leaf)
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree at its present size."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def roots_at(leaves: Sequence[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """The roots of the tree over the first n leaf hashes, for each n of `sizes` that there are leaves for."""
    frontier = Frontier(0, [])
    out = {}
    for size in sorted(set(sizes)):
        if 0 <= size <= len(leaves):
            for leaf in leaves[frontier.size : size]:
                frontier.append(leaf)
            out[size] = frontier.root()
    return out


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over the given leaf hashes, level by level: for a body's few leaves, faster than a Frontier."""
    level = list(leaves)
    while len(level) > 1:
        rest = iter(level)
        upper = [sha256(b"\x01" + left + right).digest() for left, right in zip(rest, rest)]  # noqa: B905 - in pairs
        level = upper + level[-1:] if len(level) & 1 else upper
    return level[0] if level else EMPTY_ROOT


def path_of(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion path of a leaf in the tree over the given leaf hashes (RFC 6962 section 2.1.1), leaf side first."""
    out, level, at = [], list(leaves), index
    while len(level) > 1:
        sibling = at ^ 1
        if sibling < len(level):
            out.append(level[sibling])
        upper = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = upper + level[-1:] if len(level) & 1 else upper
        at >>= 1
    return out


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of the tree of `size` leaves that has `leaf` at `index`, by its inclusion path; None if it cannot be."""
    if not 0 <= index < size:
        return None
    root, at, last, left = leaf, index, size - 1, list(path)
    while last:
        if at & 1 or at < last:
            if not left:
                return None
            other = left.pop(0)
            root = node_hash(other, root) if at & 1 else node_hash(root, other)
        at, last = at >> 1, last >> 1
    return None if left else root
