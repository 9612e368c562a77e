"""What is watched of the others, beside what they say: how much, what does not come, whose copies differ.

The law: as all state: no float, no set, bounded.
"""

import msgspec

from keepclear.line.bucket import Bucket
from keepclear.line.peer import BookKey, SlotKey


class Quota(msgspec.Struct, array_like=True):
    """What one peer brings of one author's: an allowance for each sort, and what waits at the peer.

    `waiting` are slots that were not taken, by sort; `told_ms` is when that was last told (None: nothing to tell).
    """

    allowances: dict[str, Bucket] = {}
    waiting: dict[SlotKey, str] = {}
    told_ms: int | None = None


class Gap(msgspec.Struct, array_like=True):
    """Where a logbook ends while later entries are here, since when, and whether that was told."""

    size: int
    since_ms: int
    told: bool = False


class Copy(msgspec.Struct, array_like=True):
    """What a member's newest receipt says of its copy of another's logbook: the receipt's hash, size and root.

    `alike` is the size up to which it was as ours; `due_ms` when ours is shown to it again, None if it need not be.
    """

    leaf: bytes
    size: int
    root: bytes
    alike: int = 0
    tries: int = 0
    due_ms: int | None = None


class Watched(msgspec.Struct, array_like=True):
    """`quotas` by bringer and author (two bytes), `gaps` by logbook, `copies` by holder and logbook.

    `receipts` are by receipting start, then by receipted logbook, the receipt of most: (number, size, hash).
    `notes` by peer.
    """

    quotas: dict[bytes, Quota] = {}
    notes: dict[int, Bucket] = {}
    gaps: dict[BookKey, Gap] = {}
    copies: dict[bytes, Copy] = {}
    receipts: dict[BookKey, dict[BookKey, tuple[int, int, bytes]]] = {}
