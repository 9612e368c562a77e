"""The node's private journal: everything it took in, in one SQLite file that one process has open.

The law:
- A group is one transaction. When `append` returns, it is on the disk (WAL, synchronous=FULL); when it raises
  JournalFailed, the group may or may not be found on reopening, and this journal takes nothing more: after a failed
  fsync the system may report success for pages that it has thrown away. Reading goes on.
- Inputs are numbered from 1 without a gap. The first thing written is a snapshot, with n = 0 or, in place of a damaged
  journal, with the n that it had come to; a snapshot is of the state after the last input of its own group, and begins
  a segment: from there replay starts, under its code version.
- Entries and notes are kept for ever. Segments are removed whole, 24 h after they ended, batches after 72 h; what was
  taken in during an incident's window stays. The newest segment stays.
- Every record carries a check of its bytes, verified whenever it is read: SQLite itself notices only some damage.
  A cut `-wal` file cannot be told from an older copy of the journal; a new incarnation at each start is made for that,
  not this file. What is certain before SQLite opens the file (wal.py) is told in `doubts`, or raised.
- Nothing here reads a clock: wall times come in. No sequence comes from them; they only age.

`MemoryJournal` is the same on no disk, for the simulator.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, Final

from keepclear.host import journal_file, retention
from keepclear.host.journal_error import ASIDE, JournalDamaged, JournalError, JournalFailed
from keepclear.host.journal_place import Place
from keepclear.host.journal_records import (
    APPLICATION_ID,
    CHECKED,
    FORMAT,
    SCHEMA,
    Note,
    Row,
    Segment,
    Snapshot,
    check,
    checked,
)

READ_WAIT_S: Final = 2.0  # that a reader waits for whoever writes; longer is a disk that hangs
PAGE_ROWS: Final = 256  # read under the lock at once; at the largest entry 16 MB
DIGEST_BYTES: Final = 16
LOTS: Final = (64, 16, 4, 1)  # records inserted by one statement; few sizes, so that SQLite keeps them all prepared


class Journal:
    """An open journal. Every verb may be called from any thread, blocks, and excludes the others."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        """Takes over a connection to a database of this format. `Journal.open` is the way to a file."""
        self._db = connection
        self._name = name
        self._lock = Lock()
        connection.text_factory = _text
        self.failed = False
        self.doubts: tuple[str, ...] = ()
        self._place: Place | None = None
        with self._reading():
            self._check_format()
            self._begun = bool(self._query("SELECT count(*) FROM snapshots")[0][0])
            self.last_n = self._newest()
        newest = self.latest_snapshot()
        self.newest_n = newest.n if newest else 0

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """The journal in a file of mode 0600 in a directory of mode 0700; both are made when there is neither.

        Raises JournalBusy while another process has it open, JournalDamaged, or JournalError.
        """
        connection, place, doubts = journal_file.connect(path, SCHEMA)
        try:
            journal = cls(connection, str(path))
        except BaseException:
            connection.close()
            place.close()
            raise
        journal.doubts, journal._place = doubts, place
        return journal

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._db.close()
        place, self._place = self._place, None
        if place is not None:
            place.close()

    def append(
        self,
        rows: Sequence[Row],
        wall_ms: int,
        *,
        entries: Sequence[tuple[bytes, bytes]] = (),
        batches: Sequence[tuple[bytes, bytes]] = (),
        notes: Sequence[Note] = (),
        snapshot: Snapshot | None = None,
    ) -> None:
        """Makes a group durable: inputs, and what became known with them: entries as (leaf, raw), batches as
        (digest, data), notes, and at times the state after the last of the inputs.

        An entry that is here stays as it is; a note of the same origin and size is replaced (it gained a
        cosignature); a batch that comes again is as young as the newest time. Raises JournalFailed; ValueError when
        the caller broke the numbering.
        """
        last_n = self._checked(rows, snapshot)
        with self._writing() as db:
            _insert(db, "INSERT INTO rows VALUES", [_row_record(row, wall_ms) for row in rows])
            records = [checked("entries", leaf, raw) for leaf, raw in entries]
            _insert(db, "INSERT OR IGNORE INTO entries (leaf, raw, chk) VALUES", records)
            db.executemany(
                "INSERT INTO batches VALUES (?, ?, ?, ?)"
                " ON CONFLICT (digest) DO UPDATE SET wall_ms = excluded.wall_ms, chk = excluded.chk"
                " WHERE excluded.wall_ms > batches.wall_ms",
                [checked("batches", digest, wall_ms, data) for digest, data in batches],
            )
            db.executemany(
                "INSERT INTO notes (origin, size, text, chk) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (origin, size) DO UPDATE SET text = excluded.text, chk = excluded.chk",
                [checked("notes", note.origin, note.size, note.text) for note in notes],
            )
            if snapshot:
                record = checked("snapshots", snapshot.n, wall_ms, snapshot.version, snapshot.state)
                db.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)", record)
        self.last_n = last_n
        if snapshot:
            self.newest_n = snapshot.n
        self._begun = True

    def read(self, from_n: int, to_n: int | None = None) -> Iterator[Row]:
        """Inputs from_n to to_n (or to the last), every one. Raises LookupError for what is no longer kept."""
        end = self.last_n if to_n is None else to_n
        if from_n <= end:
            self._check_kept(from_n, end)
        while from_n <= end:
            found = self._page("rows", "WHERE n BETWEEN ? AND ? ORDER BY n LIMIT ?", (from_n, end, PAGE_ROWS))
            for _, n, _, data, digest in found:
                if n != from_n:
                    raise self._damaged(f"input {from_n} is missing, {n} is there")
                yield Row(n, data, digest)
                from_n += 1
            if not found:
                raise self._damaged(f"input {from_n} is missing, the last is {end}")

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Every entry as (leaf, raw), in the sequence in which they became known."""
        at = 0
        while found := self._page("entries", "WHERE i > ? ORDER BY i LIMIT ?", (at, PAGE_ROWS)):
            for i, leaf, raw in found:
                if i != at + 1:
                    raise self._damaged(f"entry {at + 1} of those kept is missing, {i} is there")
                at = i
                yield leaf, raw

    def notes(self) -> Iterator[Note]:
        """Every checkpoint note, in the sequence in which they became known."""
        at = 0
        while found := self._page("notes", "WHERE i > ? ORDER BY i LIMIT ?", (at, PAGE_ROWS)):
            for at, origin, size, text in found:  # noqa: B007 - where the next page begins
                yield Note(origin, size, text)

    def batch(self, digest: bytes) -> bytes | None:
        """The batch with a digest; None when it is not, or no longer, here."""
        found = self._page("batches", "WHERE digest = ?", (digest,))
        return found[0][3] if found else None

    def count_entries(self) -> int:
        """How many entries are kept, by the number of the last."""
        with self._reading():
            return int(self._query("SELECT ifnull(max(i), 0) FROM entries")[0][0])

    def latest_snapshot(self) -> Snapshot | None:
        """The snapshot from which recovery starts; None in a journal that nothing was written to."""
        found = self._page("snapshots", "ORDER BY n DESC LIMIT 1", ())
        return Snapshot(found[0][1], *found[0][3:]) if found else None

    def snapshot(self, n: int) -> Snapshot:
        """The snapshot at which a segment begins. Raises LookupError when it is no longer kept."""
        found = self._page("snapshots", "WHERE n = ? AND state IS NOT NULL", (n,))
        if not found:
            raise LookupError(f"no snapshot at input {n}: choose a segment that is kept")
        return Snapshot(n, *found[0][3:])

    def segments(self) -> list[Segment]:
        """What can be replayed, in sequence. Between two segments may lie inputs that are no longer kept."""
        with self._reading():
            found = self._query("SELECT n, version, state IS NOT NULL FROM snapshots ORDER BY n")
        ends = [*(n for n, _, _ in found[1:]), self.last_n]
        return [Segment(n, end, version) for (n, version, kept), end in zip(found, ends, strict=False) if kept]

    def pin(self, incident: str, from_ms: int, to_ms: int) -> None:
        """Keeps what was taken in between two wall times until the same incident is given another window."""
        if from_ms > to_ms:
            raise ValueError(f"an incident's window is from {from_ms} ms to a later time, {to_ms} ms given")
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)", checked("pins", incident, from_ms, to_ms))

    def prune(self, wall_ms: int) -> int:
        """Removes some of what is no longer to be kept, given the *earliest* that the time can be.

        A few hundred records go at a time: call it about once a second. Answers how many went. A wall clock that
        jumps ahead makes it remove early; hold it back while the clock is in doubt. Raises JournalFailed.
        """
        with self._writing() as db:
            return retention.prune(db, wall_ms)

    def begin_scrub(self) -> None:
        """Has what is examined from now on come from the disk, not from what SQLite or the system remember of it."""
        with self._reading():
            self._query("PRAGMA shrink_memory")
            if self._place is not None:
                self._place.forget()

    def examine(self, table: str, after: int, most: int) -> list[tuple[int, bool]]:
        """The next records of a table by their number (rowid), each with whether it is as it was written.

        Raises JournalDamaged when the table itself is not.
        """
        where = "WHERE rowid > ? ORDER BY rowid LIMIT ?"
        with self._reading():
            found = self._query(f"SELECT rowid, {', '.join(CHECKED[table])}, chk FROM {table} {where}", (after, most))
        return [(record[0], record[-1] == check(table, *record[1:-1])) for record in found]

    def write_anew(self, entries: Mapping[int, tuple[bytes, bytes]], notes: Sequence[int]) -> None:
        """Puts entries (leaf, raw) in the places of damaged ones and takes damaged notes away. Raises JournalFailed."""
        with self._writing() as db:
            db.executemany("DELETE FROM notes WHERE i = ?", [(i,) for i in notes])
            records = [(i, *checked("entries", leaf, raw)) for i, (leaf, raw) in entries.items()]
            db.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", records)

    def spoil(self) -> None:
        """Takes nothing more and has the next opening mend it: its tables do not fit each other."""
        self.failed = True
        if self._place is not None:
            self._place.spoilt()

    def _checked(self, rows: Sequence[Row], snapshot: Snapshot | None) -> int:
        """The number of the last input with these. Raises ValueError unless they continue the journal."""
        last_n = self.last_n + len(rows)
        if not self._begun and snapshot and not rows:
            return snapshot.n
        if [row.n for row in rows] != list(range(self.last_n + 1, last_n + 1)):
            raise ValueError(f"inputs {[row.n for row in rows]} do not continue from {self.last_n}")
        if any(len(row.effects_digest) != DIGEST_BYTES for row in rows):
            raise ValueError(f"a digest of effects is {DIGEST_BYTES} bytes")
        if snapshot and snapshot.n != last_n:
            raise ValueError(f"a snapshot at input {snapshot.n} in a group that ends with {last_n}")
        if not self._begun:
            raise ValueError("the first thing in a journal is a snapshot, n = 0 before any input")
        return last_n

    def _check_kept(self, from_n: int, to_n: int) -> None:
        at = from_n - 1
        for segment in self.segments():
            if segment.after_n <= at < segment.last_n:
                at = segment.last_n
        if at < to_n or from_n < 1:
            raise LookupError(f"of inputs {from_n} to {to_n}, {at + 1} is not kept: choose a segment that is")

    def _newest(self) -> int:
        sql = "SELECT max(ifnull((SELECT max(n) FROM rows), 0), ifnull((SELECT max(n) FROM snapshots), 0))"
        return int(self._query(sql)[0][0])

    def _check_format(self) -> None:
        application, version = (self._query(f"PRAGMA {name}")[0][0] for name in ("application_id", "user_version"))
        if application != APPLICATION_ID:
            raise self._damaged("this is no journal of keepclear")
        if version != FORMAT:
            raise JournalError(f"{self._name}: is of format {version}, this version reads {FORMAT}: use that version")

    def _page(self, table: str, where: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Records of a table, each as its rowid and the columns that its check covers. Raises JournalDamaged."""
        with self._reading():
            found = self._query(f"SELECT rowid, {', '.join(CHECKED[table])}, chk FROM {table} {where}", values)
        for record in found:
            if record[-1] != check(table, *record[1:-1]):
                raise self._damaged(f"record {record[0]} of {table} is not as it was written")
        return [record[:-1] for record in found]

    def _query(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=READ_WAIT_S):
            raise JournalError(f"{self._name}: the disk has not answered for {READ_WAIT_S:.0f} s: look at the disk")
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR:
                raise self._damaged(f"it cannot be read ({journal_file.words(error)})") from error
            raise journal_file.explained(self._name, error) from error
        finally:
            self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self.failed:
                raise JournalFailed(f"{self._name}: takes nothing more since the disk failed: end and start anew")
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._commit()
            except BaseException as error:
                with suppress(sqlite3.Error):
                    self._db.rollback()
                if isinstance(error, sqlite3.Error):
                    self.failed = True
                    if getattr(error, "sqlite_errorcode", 0) & 0xFF in journal_file.CORRUPT:
                        self.spoil()
                    raise JournalFailed(f"{self._name}: not written: {journal_file.words(error)}") from error
                raise

    def _commit(self) -> None:
        self._db.execute("COMMIT")

    def _damaged(self, what: str) -> JournalDamaged:
        return JournalDamaged(f"{self._name}: damaged: {what}: {ASIDE}")


class MemoryJournal(Journal):
    """The same journal on no disk. A crash is: take `image`, which holds all that was committed, forget this object,
    and make another with the image. A restore is the same with an older image.
    """

    def __init__(self, image: bytes | None = None) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if image is None:
            connection.executescript(SCHEMA)
        else:
            connection.deserialize(image)
        self._fault: bool | None = None
        super().__init__(connection, "journal in memory")

    def image(self) -> bytes:
        """All that was committed."""
        with self._lock:
            return self._db.serialize()

    def fail_next(self, kept: bool) -> None:
        """Lets the next group fail; whether it is found afterwards, as on a disk, is not the node's to know."""
        self._fault = kept

    def _commit(self) -> None:
        if self._fault is not False:
            super()._commit()
        if self._fault is not None:
            raise sqlite3.OperationalError("disk I/O error")


def _insert(db: sqlite3.Connection, into: str, records: Sequence[tuple[Any, ...]]) -> None:
    """Inserts records in sequence, many by one statement: Python's lock is given up, and waited for, once for each."""
    at = 0
    for lot in LOTS:
        while len(records) - at >= lot:
            values = ", ".join([f"({', '.join('?' * len(records[at]))})"] * lot)
            db.execute(f"{into} {values}", tuple(chain.from_iterable(records[at : at + lot])))
            at += lot


def _row_record(row: Row, wall_ms: int) -> tuple[Any, ...]:
    return checked("rows", row.n, wall_ms, row.input, row.effects_digest)


def _text(data: bytes) -> str:
    """Text as it is, or changed where it is no UTF-8: its check then says so."""
    return data.decode("utf-8", "replace")
