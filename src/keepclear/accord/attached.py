"""Attached: the file that a statement names by its hash. The bytes go beside the record and are no part of it.

The law: what was said is the hash, the size and the type as the author gave them. The hash alone decides which bytes
they are; the type is a word of the author's and nobody acts on it. Whoever reads a leaf that names no file shows the
statement all the same.
"""

from hashlib import sha256
from typing import Any, Final

import msgspec

from keepclear.accord.figures import clean
from keepclear.accord.statement import Body

MAX_BYTES: Final = 8 * 1_024 * 1_024  # on a line of 1 Mbit/s that others use as well, two minutes
MAX_TYPE_BYTES: Final = 40
HASH_BYTES: Final = 32
PLAIN_TYPE: Final = "application/octet-stream"


class Attached(msgspec.Struct, frozen=True):
    """A file by its SHA-256, its size in bytes and its media type."""

    digest: bytes
    size: int
    media: str = PLAIN_TYPE

    def leaf(self) -> tuple[Any, ...]:
        """As it stands in a body's leaf `blob`."""
        return self.digest, self.size, self.media


def attached(body: Body | None) -> Attached | None:
    """What a statement names; None if it names nothing, or nothing that can be a file of this version."""
    leaf = body.blob if body is not None else None
    if leaf is None or len(leaf) < 3:
        return None
    hashed, size, media = leaf[:3]
    if not (isinstance(hashed, bytes) and len(hashed) == HASH_BYTES):
        return None
    if not (isinstance(size, int) and not isinstance(size, bool) and 0 < size <= MAX_BYTES):
        return None
    if not (isinstance(media, str) and 0 < len(media.encode()) <= MAX_TYPE_BYTES):
        return None
    return Attached(hashed, size, media)


def digest(data: bytes) -> bytes:
    """The hash by which a statement names these bytes."""
    return sha256(data).digest()


def words(found: Attached) -> str:
    """A file in words: `12 KB image/png`."""
    return f"{amount(found.size)} {clean(found.media)}"


def amount(size: int) -> str:
    """So many bytes in words: up to a thousand of them as they are, then in KB of 1 000 bytes, rounded up."""
    return f"{size} bytes" if size < 1_000 else f"{-(-size // 1_000)} KB"
