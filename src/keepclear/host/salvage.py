"""Reading what is left of a damaged journal, page by page, without SQLite.

The law: only a record whose own check fits is taken, wherever it is found: in a page that nothing points to any more,
in the file or in the `-wal` beside it. Nothing is guessed and nothing is written. How SQLite lays out a page:
sqlite.org/fileformat2.html, sections 1.6 and 2.1.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from keepclear.host import wal
from keepclear.host.journal_records import CHECK_BYTES, CHECKED, Note, Row, check

LEAF_PAGE: Final = 0x0D  # of a table
MAX_RECORD_BYTES: Final = 1 << 28
INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # by serial type, in bytes
COLUMNS: Final = {"rows": 5, "snapshots": 5, "entries": 4, "batches": 4, "notes": 5}
BY_ROWID: Final = ("rows", "snapshots")  # whose first column is the rowid, which a record leaves out


class Kept(msgspec.Struct, frozen=True):
    """A snapshot that was found."""

    n: int
    wall_ms: int
    version: str
    state: bytes


class Left(msgspec.Struct):
    """What is left: entries by their number (its gaps are what is missing), notes, snapshots, inputs, batches."""

    entries: dict[int, tuple[bytes, bytes]] = {}
    notes: dict[tuple[str, int], Note] = {}
    snapshots: dict[int, Kept] = {}
    rows: dict[int, Row] = {}
    batches: dict[bytes, bytes] = {}
    last_n: int = 0

    def batch(self, digest: bytes) -> bytes | None:
        """As a journal answers."""
        return self.batches.get(digest)


def read(path: Path, after: Kept | None = None) -> Left:
    """What is whole of the journal in a file and of the `-wal` beside it; with `after`, the inputs since that, too.

    Without it the number of the last one is told, and no more: there may be a day of them. Raises OSError if the file
    cannot be opened.
    """
    left = Left()
    log = _log(path.with_name(f"{path.name}-wal"))
    with (path if path.exists() else Path(os.devnull)).open("rb") as file:
        pages = _Pages(file.fileno(), log)
        for found in pages.records():
            _take(left, after, *found)
    return left


def _log(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _take(left: Left, after: Kept | None, rowid: int, fields: tuple[Any, ...]) -> None:
    """Puts a record where it belongs, if its check fits that place. An older page does not replace what is there."""
    for table, count in COLUMNS.items():
        values = (rowid, *fields[1:-1]) if table in BY_ROWID else fields[count - 1 - len(CHECKED[table]) : -1]
        if len(fields) != count or fields[-1] != check(table, *values):
            continue
        match table:
            case "rows":
                left.last_n = max(left.last_n, rowid)
                if after is not None and rowid > after.n:
                    left.rows.setdefault(rowid, Row(rowid, values[2], values[3]))
            case "snapshots":
                left.last_n = max(left.last_n, rowid)
                if values[3] is not None:
                    left.snapshots.setdefault(rowid, Kept(rowid, *values[1:]))
            case "entries":
                left.entries.setdefault(rowid, (values[0], values[1]))
            case "batches" if after is not None and values[1] >= after.wall_ms:
                left.batches.setdefault(values[0], values[2])
            case "notes":
                left.notes.setdefault((values[0], values[1]), Note(*values))


class _Pages:
    """The pages of a file: first as they were last written, then older copies of them in the log."""

    def __init__(self, file: int, log: bytes) -> None:
        self._file = file
        head = self._bytes(0, 100)
        size = int.from_bytes(head[16:18], "big") if head[:6] == b"SQLite" else 0
        size = 65_536 if size == 1 else size
        self.size = size if size >= 512 and size & (size - 1) == 0 else wal.page_bytes(log)
        frames = list(wal.frames(log)) if wal.page_bytes(log) == self.size else []
        current = [frame for frame in frames if frame.salts == log[wal.SALTS]] or frames
        self._newest = {frame.page: frame.data for frame in current}
        self._older = [frame for frame in frames if self._newest.get(frame.page) is not frame.data]
        self._count = max((os.fstat(file).st_size + self.size - 1) // self.size, *self._newest, 0)

    def records(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Every record of a table, as its rowid and its columns, checked by nobody yet."""
        for number in range(1, self._count + 1):
            yield from self._of_page(number, self._page(number))
        for number in self._newest:  # what the file says where the log says something else
            yield from self._of_page(number, self._bytes((number - 1) * self.size, self.size))
        for frame in self._older:
            yield from self._of_page(frame.page, frame.data)

    def _page(self, number: int) -> bytes:
        return self._newest.get(number) or self._bytes((number - 1) * self.size, self.size)

    def _bytes(self, at: int, count: int) -> bytes:
        try:
            return os.pread(self._file, count, at).ljust(count, b"\0")
        except OSError:  # a sector that cannot be read
            return bytes(count)

    def _of_page(self, number: int, page: bytes) -> Iterator[tuple[int, tuple[Any, ...]]]:
        start = 100 if number == 1 else 0
        if page[start] != LEAF_PAGE:
            return
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        for i in range(min(cells, (self.size - 8) // 2)):
            at = int.from_bytes(page[start + 8 + 2 * i : start + 10 + 2 * i], "big")
            try:
                yield self._cell(page, at)
            except (IndexError, ValueError):  # no cell, or not a whole one
                continue

    def _cell(self, page: bytes, at: int) -> tuple[int, tuple[Any, ...]]:
        length, at = _varint(page, at)
        rowid, at = _varint(page, at)
        most = self.size - 35
        here = length
        if length > most:
            least = (self.size - 12) * 32 // 255 - 23
            here = least + (length - least) % (self.size - 4)
            here = here if here <= most else least
        payload = bytearray(page[at : at + here])
        if length > here:
            self._overflow(payload, int.from_bytes(page[at + here : at + here + 4], "big"), length)
        if len(payload) != length:
            raise ValueError("cut short")
        return rowid, _columns(bytes(payload))

    def _overflow(self, payload: bytearray, number: int, length: int) -> None:
        if length > MAX_RECORD_BYTES:
            raise ValueError("no record is that long")
        while len(payload) < length:
            if not 1 <= number <= self._count:
                raise ValueError("its next page is none")
            page = self._page(number)
            payload += page[4 : 4 + min(self.size - 4, length - len(payload))]
            number = int.from_bytes(page[:4], "big")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(8):
        byte = data[at + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, at + 9


def _columns(payload: bytes) -> tuple[Any, ...]:
    """The columns of a record. Raises ValueError for one that this file's tables cannot hold."""
    end, at = _varint(payload, 0)
    types = []
    while at < end:
        kind, at = _varint(payload, at)
        types.append(kind)
    if not 4 <= len(types) <= 5 or types[-1] != 12 + 2 * CHECK_BYTES:
        raise ValueError("no record with a check")
    return tuple(_values(payload, end, types))


def _values(payload: bytes, at: int, types: list[int]) -> Iterator[Any]:
    for kind in types:
        if kind in (0, 8, 9):
            yield None if kind == 0 else kind - 8
            continue
        size = INTEGERS.get(kind, (kind - 12) // 2)
        data = payload[at : at + size]
        if size < 0 or len(data) != size:
            raise ValueError("cut short")
        at += size
        if kind in INTEGERS:
            yield int.from_bytes(data, "big", signed=True)
        else:
            yield data.decode("utf-8", "replace") if kind % 2 else data
