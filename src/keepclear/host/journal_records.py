"""The journal's tables, what stands in them, and the check that every record carries.

The law: each record ends with a check over the name of its table and every other column that is not its place alone,
so that a record says of itself whether it is as it was written, wherever in the file, or in which copy of it, it is
found. What is missing is noticed by its number: inputs and entries are counted from 1 without a gap.
"""

from hashlib import blake2b
from typing import Any, Final

import msgspec

APPLICATION_ID: Final = 0x6B636A31  # "kcj1", which `file` and SQLite's own tools show
FORMAT: Final = 2
CHECK_BYTES: Final = 8
SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE rows (n INTEGER PRIMARY KEY, wall_ms INTEGER, input BLOB, effects_digest BLOB, chk BLOB);
CREATE TABLE snapshots (n INTEGER PRIMARY KEY, wall_ms INTEGER, version TEXT, state BLOB, chk BLOB);
CREATE TABLE entries (i INTEGER PRIMARY KEY, leaf BLOB UNIQUE, raw BLOB, chk BLOB);
CREATE TABLE batches (digest BLOB PRIMARY KEY, wall_ms INTEGER, data BLOB, chk BLOB);
CREATE INDEX batches_by_age ON batches (wall_ms);
CREATE TABLE notes (i INTEGER PRIMARY KEY, origin TEXT, size INTEGER, text TEXT, chk BLOB, UNIQUE (origin, size));
CREATE TABLE pins (incident TEXT PRIMARY KEY, from_ms INTEGER, to_ms INTEGER, chk BLOB);
"""
CHECKED: Final = {
    "rows": ("n", "wall_ms", "input", "effects_digest"),
    "snapshots": ("n", "wall_ms", "version", "state"),
    "entries": ("leaf", "raw"),
    "batches": ("digest", "wall_ms", "data"),
    "notes": ("origin", "size", "text"),
    "pins": ("incident", "from_ms", "to_ms"),
}
"""The columns of each table that its check covers, in the sequence in which it covers them."""


class Row(msgspec.Struct, frozen=True):
    """One input, by its number, and the 16-byte digest of the effects that it had."""

    n: int
    input: bytes
    effects_digest: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """The state after input n, and the version of the code whose state it is."""

    n: int
    version: str
    state: bytes


class Segment(msgspec.Struct, frozen=True):
    """Inputs after_n + 1 to last_n, all here, stepped by one version of the code from the snapshot at after_n."""

    after_n: int
    last_n: int
    version: str


class Note(msgspec.Struct, frozen=True):
    """A checkpoint note: the logbook that it is of, its size, the signed text."""

    origin: str
    size: int
    text: str


def check(table: str, *fields: Any) -> bytes:
    """The check of a record with these values in the columns that CHECKED names."""
    return blake2b(msgspec.msgpack.encode((table, *fields)), digest_size=CHECK_BYTES).digest()


def checked(table: str, *fields: Any) -> tuple[Any, ...]:
    """A record as it is written: its columns, and last its check."""
    return *fields, check(table, *fields)
