"""A bundle: entries that one member carries to others by hand, radio or courier, named and signed as a whole.

The law: the line `keepclear-bundle/1`, then the header and each entry behind its 4-byte big-endian length, then the
node signature of the member that made it, over the hash of all before. Every entry is signed by its own author, so
that a bundle proves nothing that its entries do not; the signature says who made it and that nothing is missing.
A bundle is read whole or refused whole: what is damaged, cut short or of another line gives no entry.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.record import archive, entry, suite
from keepclear.record.entry import BadEntry, Entry
from keepclear.record.genesis import Genesis
from keepclear.record.key_book import KeyBook

MAGIC: Final = b"keepclear-bundle/1\n"
DOMAIN: Final = b"keepclear/bundle/1\x00"
LENGTH_BYTES: Final = 4
MAX_BYTES: Final = 16_777_216  # some 35 000 entries; more go into a second bundle
MAX_HEADER_BYTES: Final = 256


class BadBundle(ValueError):
    """The bytes are no bundle for this line; `hint` says what to do. Nothing of it has been taken."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


AGAIN: Final = "nothing of it was taken; have it brought again"


class Header(msgspec.Struct, frozen=True, array_like=True):
    """Which line, who made it (index of a member) in which start, when by its clock and its error, how many entries."""

    line: bytes
    sender: int
    incarnation: bytes
    wall_ms: int
    wall_err_ms: int
    count: int


class Bundle(msgspec.Struct, frozen=True):
    """A bundle that was found whole: its header and its entries, each checked."""

    header: Header
    entries: tuple[Entry, ...]


def body(header: Header, raws: Iterable[bytes]) -> bytes:
    """The bytes of a bundle before its signature. Entries are put in as they stand in a record."""
    return MAGIC + b"".join(_item(data) for data in (canonical.encode(header), *raws))


def signing_message(unsigned: bytes) -> bytes:
    """What the node of the member that makes the bundle signs."""
    return DOMAIN + suite.sha(unsigned)


def in_sequence(entries: Iterable[Entry]) -> list[Entry]:
    """Entries as a bundle holds them: each logbook by seq, so that no entry waits for the one before it."""
    return sorted(entries, key=archive.entry_place)


def read(data: bytes, genesis: Genesis) -> Bundle:
    """The bundle in the bytes, every signature in it checked. Raises BadBundle."""
    if not data.startswith(MAGIC):
        raise BadBundle(f"a bundle begins with {MAGIC.decode().strip()!r}, this does not", AGAIN)
    if len(data) > MAX_BYTES:
        raise BadBundle(f"a bundle of {len(data)} bytes, at most {MAX_BYTES}", "have it made in several")
    unsigned, signature = data[: -suite.ED25519_SIGNATURE_BYTES], data[-suite.ED25519_SIGNATURE_BYTES :]
    items = _items(unsigned)
    header = _header(next(items, b""), genesis)
    raws = list(items)
    if len(raws) != header.count:
        raise BadBundle(f"a bundle of {len(raws)} entries, {header.count} stand in its header", AGAIN)
    read = [_read(raw, nth, genesis) for nth, raw in enumerate(raws, 1)]
    lists = KeyBook(genesis)
    for one in read:
        lists.take(one)
    signer = (key.ed25519 for key in lists.node_keys(header.sender))
    if not any(suite.verify_ed25519(key, signing_message(unsigned), signature) for key in signer):
        who = genesis.names[header.sender]
        raise BadBundle(f"a bundle that says it is of {who}, whose signature it does not bear", AGAIN)
    for nth, one in enumerate(read, 1):
        _check(one, nth, genesis, lists)
    return Bundle(header, tuple(read))


def _item(data: bytes) -> bytes:
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _items(data: bytes) -> Iterator[bytes]:
    at = len(MAGIC)
    while at < len(data):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise BadBundle(f"ends at byte {len(data)}, inside an item that needs {at}", AGAIN)
        yield data[start:at]


def _header(data: bytes, genesis: Genesis) -> Header:
    try:
        header = msgspec.convert(canonical.decode(data, MAX_HEADER_BYTES), Header)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadBundle(f"the header is not one: {error}", AGAIN) from error
    if header.line != genesis.line:
        raise BadBundle(
            f"of line {header.line.hex()[:16]}, this line is {genesis.line.hex()[:16]}",
            "nothing of it was taken; bring it to a node of its own line",
        )
    if not 0 <= header.sender < len(genesis.names) or len(header.incarnation) != entry.INCARNATION_BYTES:
        raise BadBundle(f"made by member {header.sender} of {len(genesis.names)}, or in no start of it", AGAIN)
    return header


def _read(raw: bytes, nth: int, genesis: Genesis) -> Entry:
    try:
        return entry.read(raw, genesis.body.limits.entry_bytes)
    except BadEntry as error:
        raise BadBundle(f"entry {nth} of the bundle: {error}", AGAIN) from error


def _check(one: Entry, nth: int, genesis: Genesis, lists: KeyBook) -> None:
    try:
        entry.check(one, genesis, lists)
    except BadEntry as error:
        raise BadBundle(f"entry {nth} of the bundle: {error}", AGAIN) from error
