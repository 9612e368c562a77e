"""What two hands tell each other about attached files: one asks for stretches, the other gives them or has it not.

The law: a message is one datagram, sealed in the session like a frame and not journalled, because nothing that was said
depends on it. The one who wants a file asks; nobody sends what was not asked for. Which bytes are right is decided by
the hash of the whole, at the end. A message of unknown kind is skipped.
"""

from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.accord.attached import HASH_BYTES, MAX_BYTES

PIECE_BYTES: Final = 1_024  # with what is round it 1 104 bytes, a datagram on IP
RADIO_PIECE_BYTES: Final = 192  # 271 bytes: a datagram on a slow radio
MAX_ASKED: Final = 16  # stretches in one message
MAX_MESSAGE: Final = 1_165


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Asks for the `length` bytes from each of these places on, or what there is of them before the end."""

    digest: bytes
    length: int
    places: tuple[int, ...]


class Piece(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The bytes of a file from a place on."""

    digest: bytes
    place: int
    data: bytes


class Lacking(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The sender has not got the file, or not whole, or nothing at that place."""

    digest: bytes


Message = Ask | Piece | Lacking


def to_bytes(message: Message) -> bytes:
    """A message as it is sealed."""
    return canonical.encode(message)


def read(data: bytes) -> Message | None:
    """The message in what a session opened; None for what is none of this version."""
    try:
        found = msgspec.convert(canonical.decode(data, MAX_MESSAGE), Message)
    except (canonical.NotCanonical, msgspec.ValidationError, ValueError):
        return None
    match found:
        case Ask(length=length, places=places):
            sound = 0 < length <= PIECE_BYTES and 0 < len(places) <= MAX_ASKED and all(map(_is_place, places))
        case Piece(place=place, data=piece):
            sound = _is_place(place) and 0 < len(piece) <= PIECE_BYTES
        case Lacking():
            sound = True
    return found if sound and len(found.digest) == HASH_BYTES else None


def _is_place(place: int) -> bool:
    return 0 <= place < MAX_BYTES
