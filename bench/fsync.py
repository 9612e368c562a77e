"""How fast the journal makes inputs durable, beside what the disk and a plain SQLite file can do.

The law: all of it in one folder on the disk of the checkout, in one run. The peer is SQLite as the journal has it
(WAL, synchronous=FULL, one transaction a group) with the same bytes in one table, and nothing else: no checks of the
bytes, no numbering, no lock against a second process.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from bench import Table, figure, median_ms
from keepclear.host.journal import Journal
from keepclear.host.journal_records import Row, Snapshot

OUT: Final = Path("out")
INPUT_BYTES: Final = 1_024  # a frame with one entry
DIGEST: Final = bytes(16)
SINGLE: Final = 500
GROUPS: Final = 100
GROUP_ROWS: Final = 100  # what the node's hands put in one group at most
PAGE: Final = bytes(4_096)


def fsync_ms(folder: Path) -> float:
    """The median time that the disk takes for 4 KiB more of a file and an fsync, in ms."""
    with (folder / "fsync").open("wb", buffering=0) as file:

        def once() -> None:
            file.write(PAGE)
            os.fsync(file.fileno())

        return median_ms(once, runs=200)


def tables() -> Iterator[Table]:
    """Commits and rows a second, of one input each and of groups."""
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=OUT) as name:
        folder = Path(name)
        disk_ms = fsync_ms(folder)
        rows = [
            _row("single inputs", _rates(folder, SINGLE, 1), disk_ms),
            _row(f"groups of {GROUP_ROWS}", _rates(folder, GROUPS, GROUP_ROWS), disk_ms),
        ]
    yield Table(
        f"journal: inputs of {INPUT_BYTES} bytes made durable, against plain SQLite (WAL, synchronous=FULL)",
        ["", "fsync ms", "commits/s", "inputs/s", "plain commits/s", "plain inputs/s", "ours / plain"],
        rows,
    )


def _row(what: str, rates: tuple[float, float, int], disk_ms: float) -> list[str]:
    ours, plain, rows = rates
    figures = [disk_ms, ours, ours * rows, plain, plain * rows, ours / plain]
    return [what, *map(figure, figures)]


def _rates(folder: Path, groups: int, rows: int) -> tuple[float, float, int]:
    """Commits a second of the journal and of plain SQLite, and the rows in each."""
    with TemporaryDirectory(dir=folder) as name:
        journal = Journal.open(Path(name) / "private" / "journal")
        journal.append([], 0, snapshot=Snapshot(0, "bench", b""))
        ours = _per_second(lambda n: _append(journal, n * rows, rows), groups)
        journal.close()
        plain = _plain(Path(name) / "plain")
        peer = _per_second(lambda _: _insert(plain, rows), groups)
        plain.close()
    return ours, peer, rows


def _per_second(commit: Callable[[int], None], times: int) -> float:
    began = perf_counter()
    for n in range(times):
        commit(n)
    return times / (perf_counter() - began)


def _append(journal: Journal, before: int, rows: int) -> None:
    journal.append([Row(before + i, os.urandom(INPUT_BYTES), DIGEST) for i in range(1, rows + 1)], 0)


def _plain(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE rows (n INTEGER PRIMARY KEY, input)"
    )
    return db


def _insert(db: sqlite3.Connection, rows: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO rows (input) VALUES (?)", [(os.urandom(INPUT_BYTES),) for _ in range(rows)])
    db.execute("COMMIT")
