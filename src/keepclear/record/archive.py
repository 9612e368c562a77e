"""The record file: one file with all that a verifier needs, the same bytes from everybody who holds the same.

The law: the line `keepclear-record/1`, then items, each a 4-byte big-endian length and the canonical bytes of
[type, data]. Type 0 is the genesis document, first and once; type 1 an entry, by party, start, incarnation and seq;
type 2 a checkpoint note, by origin, size and text. There is no other byte. A file cut between two items is a shorter
record, not a damaged one. What the items say is verify.py's business.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.record import note
from keepclear.record.entry import Entry
from keepclear.record.genesis import Genesis

MAGIC: Final = b"keepclear-record/1\n"
LENGTH_BYTES: Final = 4
MAX_ITEM_BYTES: Final = canonical.MAX_BYTES + 7  # the largest data, its length, the type and the array of the two


class ItemKind(IntEnum):
    """What an item of a record file is."""

    GENESIS = 0
    ENTRY = 1
    NOTE = 2


class Item(msgspec.Struct, frozen=True):
    """One item: the byte position of its length in the file, its kind, its data."""

    at: int
    kind: ItemKind
    data: bytes


class Unreadable(ValueError):
    """From this byte on the bytes are no record file; the text says why."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(f"byte {at}: {text}")
        self.at = at


def write(genesis: Genesis, entries: Iterable[Entry], notes: Iterable[bytes]) -> Iterator[bytes]:
    """The record file of a line, in pieces: the same for the same sets of entries and notes.

    Notes are taken as `checkpoint.Verified.raw` gives them, one for each text: merging is the holder's business.
    """
    yield MAGIC + _item(ItemKind.GENESIS, genesis.document)
    places = {entry.raw: entry_place(entry) for entry in entries}
    for data in sorted(places, key=lambda raw: (places[raw], raw)):
        yield _item(ItemKind.ENTRY, data)
    for data in sorted(set(notes), key=note_place):
        yield _item(ItemKind.NOTE, data)


def entry_place(entry: Entry) -> tuple[int, int, bytes, int, bytes]:
    """Where an entry stands among the entries of a record. Two in one slot, a contradiction, stand by leaf hash."""
    header = entry.header
    return header.party, header.start, header.incarnation, header.seq, entry.leaf


def note_place(data: bytes) -> tuple[str, int, str]:
    """Where a note stands among the notes of a record. Raises note.BadNote for bytes that are no checkpoint note."""
    text = note.parse(data).text
    first, _, rest = text.partition("\n")
    size = rest.partition("\n")[0]
    if not (size.isascii() and size.isdigit() and len(size) <= 16):
        raise note.BadNote(f"the second line of a checkpoint is its size, not {size[:20]!r}")
    return first, int(size), text


def read(chunks: Iterable[bytes]) -> Iterator[Item]:
    """The items of a record file, as its bytes come in, holding one item at a time. Raises Unreadable."""
    buffer, at = bytearray(), 0
    magic_seen = False
    for chunk in chunks:
        buffer += chunk
        if not magic_seen:
            if len(buffer) < len(MAGIC):
                continue
            _take_magic(buffer)
            at, magic_seen = len(MAGIC), True
        used = 0
        while (item := _next(buffer, used, at)) is not None:
            yield item[0]
            used, at = used + item[1], at + item[1]
        del buffer[:used]
    if not magic_seen:
        _take_magic(buffer)
    if buffer:
        raise Unreadable(at, f"ends inside an item, after {len(buffer)} bytes of it")


def _item(kind: ItemKind, data: bytes) -> bytes:
    body = msgspec.msgpack.encode((kind, data))  # canonical by its shape; may be longer than canonical.encode takes
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def _take_magic(buffer: bytearray) -> None:
    if not buffer.startswith(MAGIC):
        raise Unreadable(0, f"a record file begins with {MAGIC.decode().strip()!r}")
    del buffer[: len(MAGIC)]


def _next(buffer: bytearray, start: int, at: int) -> tuple[Item, int] | None:
    """The item at `start` of the buffer and how many bytes it takes, or None when it is not all there."""
    if len(buffer) - start < LENGTH_BYTES:
        return None
    length = int.from_bytes(buffer[start : start + LENGTH_BYTES], "big")
    if length > MAX_ITEM_BYTES:
        raise Unreadable(at, f"an item of {length} bytes, at most {MAX_ITEM_BYTES}")
    end = start + LENGTH_BYTES + length
    if len(buffer) < end:
        return None
    body = bytes(buffer[start + LENGTH_BYTES : end])
    try:
        canonical.check(body, MAX_ITEM_BYTES)
        kind, data = msgspec.msgpack.decode(body, type=tuple[int, bytes])
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise Unreadable(at, f"not an item: {error}") from error
    if kind not in tuple(ItemKind):
        raise Unreadable(at, f"an item of type {kind}, which this version does not know")
    return Item(at, ItemKind(kind), data), LENGTH_BYTES + length
