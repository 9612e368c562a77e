"""What statements have attached, as the node knows it: named by whom, and whether the bytes are here.

The law: as all state: no float, no set, small. The bytes are the hands' business; here stands only what they said.
"""

from enum import IntEnum

import msgspec


class Whereabouts(IntEnum):
    """What the hands say of a file: not here yet, here and as its hash says, or nobody who was asked has it."""

    AWAY = 0
    HERE = 1
    NOWHERE = 2


class Named(msgspec.Struct, array_like=True):
    """A file that a statement names: its size, the entry that named it first, whose that is, where the bytes are.

    `over` when its author has named more than is fetched unasked.
    """

    size: int
    leaf: bytes
    party: int
    precedence: int
    where: int = Whereabouts.AWAY
    over: bool = False


class Blobs(msgspec.Struct, array_like=True):
    """All that has been named, by hash and size; of each party how many, and how many bytes, are fetched unasked."""

    files: dict[bytes, Named] = {}
    shares: dict[int, tuple[int, int]] = {}
