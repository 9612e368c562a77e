"""The in-force list: what one node holds to be in force, so that two can see whether they hold the same.

The law: sorted hashes and a hash over them. Equal digests are equal lists; where they differ and not all hashes had
room, it is known that something differs, not what.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from keepclear.accord.statement import InForceList

LIST_DOMAIN: Final = b"keepclear/in-force/1\x00"
LEAF_BYTES: Final = 34  # one hash with its length, in the body
MAX_LISTED: Final = 1_500  # hashes in one list: 51 KB


class Difference(msgspec.Struct, frozen=True):
    """What differs: hashes that only the list has, that only we hold, and whether more may that it had no room for."""

    theirs: tuple[bytes, ...]
    ours: tuple[bytes, ...]
    more: bool


def digest(leaves: Iterable[bytes]) -> bytes:
    """The hash over the sorted hashes of what is in force."""
    return hashlib.sha256(LIST_DOMAIN + b"".join(sorted(leaves))).digest()


def make(leaves: Iterable[bytes], room_bytes: int) -> InForceList:
    """The list of what is in force, with as many hashes as there is room for."""
    found = sorted(leaves)
    most = min(MAX_LISTED, max(0, room_bytes // LEAF_BYTES))
    return InForceList(count=len(found), digest=digest(found), leaves=tuple(found[:most]))


def compare(theirs: InForceList, ours: Iterable[bytes]) -> Difference:
    """What differs between another's list and what we hold; of a list cut short, up to the last hash that it has."""
    held = set(ours)
    if theirs.digest == digest(held):
        return Difference((), (), False)
    listed = set(theirs.leaves)
    cut = len(theirs.leaves) < theirs.count
    strange = not cut and theirs.digest != digest(listed)  # its hash is not that of its hashes
    last = max(theirs.leaves, default=b"")
    only_ours = [leaf for leaf in held - listed if not cut or leaf <= last]
    return Difference(tuple(sorted(listed - held)), tuple(sorted(only_ours)), cut or strange)
