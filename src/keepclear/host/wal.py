"""What SQLite's write-ahead log beside a journal says of itself, looked at before SQLite opens it.

The law: SQLite takes such a file up to the first frame whose checksum does not fit and forgets the rest in silence.
After a power cut that is right: only the last transaction can be half there, because each was synced before the next
began. When whole transactions follow the frame that does not fit, something was damaged that had been on the disk.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

MAGIC: Final = (0x377F0682, 0x377F0683)
HEADER_BYTES: Final = 32
FRAME_BYTES: Final = 24
SALTS: Final = slice(16, 24)  # in the header; in a frame at 8
LOST: Final = "its -wal is not there though the node did not end in good time: what was last written may be gone"
TORN: Final = "the last words to its -wal are cut: what was taken in in the last moment before the end may be gone"


class Frame(msgspec.Struct, frozen=True):
    """One page as it was written: its number, the size of the database if it ends a transaction, else 0."""

    page: int
    commit: int
    data: bytes
    salts: bytes
    fits: bool


class Look(msgspec.Struct, frozen=True):
    """`damaged`: why it is certain that what was on the disk is not; `torn`: the last transaction is half there."""

    damaged: str = ""
    torn: bool = False


def page_bytes(data: bytes) -> int:
    """The page size in a header of this file, if it can be one; else SQLite's usual one."""
    size = int.from_bytes(data[8:12], "big") if len(data) >= HEADER_BYTES else 0
    return size if 512 <= size <= 65_536 and size & (size - 1) == 0 else 4_096


def frames(data: bytes) -> Iterator[Frame]:
    """Every frame in the file, also those that SQLite would not take any more."""
    size = page_bytes(data)
    order = ">" if data[:4] == MAGIC[1].to_bytes(4, "big") else "<"
    salts, known = data[SALTS], header_fits(data)
    sums = struct.unpack(">II", data[24:HEADER_BYTES]) if known else (0, 0)
    for at in range(HEADER_BYTES, len(data) - FRAME_BYTES - size + 1, FRAME_BYTES + size):
        head, page = data[at : at + FRAME_BYTES], data[at + FRAME_BYTES : at + FRAME_BYTES + size]
        fits = known and head[8:16] == salts
        if fits:
            sums = _checksum(head[:8] + page, order, sums)
            fits = known = sums == struct.unpack(">II", head[16:24])
        yield Frame(int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big"), page, head[8:16], fits)


def header_fits(data: bytes) -> bool:
    """Whether the file begins with a header that is as it was written."""
    if len(data) < HEADER_BYTES or int.from_bytes(data[:4], "big") not in MAGIC:
        return False
    order = ">" if data[:4] == MAGIC[1].to_bytes(4, "big") else "<"
    return _checksum(data[:24], order, (0, 0)) == struct.unpack(">II", data[24:HEADER_BYTES])


def look(path: Path) -> Look:
    """What the file says of itself. One that is not there, or holds nothing, is sound. Raises OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Look()
    if len(data) < HEADER_BYTES + FRAME_BYTES:
        return Look()
    if not header_fits(data):
        return Look(damaged="the header of its -wal does not fit, so that SQLite would forget all that is in it")
    ours = [frame for frame in frames(data) if frame.salts == data[SALTS]]
    wrong = next((i for i, frame in enumerate(ours) if not frame.fits), None)
    if wrong is None:
        return Look()
    ends = next((i for i, frame in enumerate(ours) if i >= wrong and frame.commit), len(ours))
    if ends + 1 < len(ours):
        return Look(damaged=f"frame {wrong + 1} of its -wal does not fit, and whole transactions follow it")
    return Look(torn=True)


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    one, two = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for i in range(0, len(words), 2):
        one = (one + words[i] + two) & 0xFFFFFFFF
        two = (two + words[i + 1] + one) & 0xFFFFFFFF
    return one, two
