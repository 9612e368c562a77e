"""The journal's file: made whole, private, held by one process, and its errors in words.

The law: the file is 0600 in a directory of 0700, is renamed to its name only when its tables are in it, and is locked
from opening to closing, so that no second process, and no tool, reads or writes it meanwhile. The process that has it
opens it in no other way: closing any descriptor of the file would drop POSIX locks.
"""

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from keepclear.host import keys
from keepclear.host.journal_error import ASIDE, JournalBusy, JournalDamaged, JournalError
from keepclear.host.journal_place import Place

CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def connect(path: Path, schema: str) -> tuple[sqlite3.Connection, Place, tuple[str, ...]]:
    """A connection that alone has the file until it is closed, the place to be closed after it, and what is doubted.

    The file is made with the schema if there is none. Raises JournalBusy, JournalDamaged or JournalError.
    """
    try:
        keys.private_directory(path.parent)
        place = Place(path)
    except keys.KeyFileError as error:
        raise JournalError(str(error)) from error
    except OSError as error:
        raise _unmade(path, error) from error
    try:
        doubts = place.look()
        if not path.exists():
            _create(path, schema)
        _check_mode(path)
        db = _opened(path)
        place.opened()
    except OSError as error:
        place.close()
        raise _unmade(path, error) from error
    except BaseException:
        place.close()
        raise
    return db, place, doubts


def _unmade(path: Path, error: OSError) -> JournalError:
    return JournalError(f"{path}: cannot be made: {error.strerror}: free the disk or choose another")


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        _hold(db, path)
    except BaseException as error:
        db.close()
        if isinstance(error, sqlite3.Error):
            raise explained(str(path), error) from error
        raise
    return db


def _hold(db: sqlite3.Connection, path: Path) -> None:
    """Locks the file until the connection closes, and makes a commit mean that the bytes are on the disk."""
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    db.execute("PRAGMA synchronous = FULL")
    if mode != "wal" or db.execute("PRAGMA synchronous").fetchone()[0] != 2:
        raise JournalError(f"{path}: this disk cannot do WAL with full syncing, mode {mode}: choose a local disk")
    db.execute("BEGIN EXCLUSIVE")
    db.execute("COMMIT")


def _create(path: Path, schema: str) -> None:
    """An empty journal under its name, whole: a file of no bytes is then always damage. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(temporary)
    try:
        db.executescript(f"PRAGMA synchronous = FULL; BEGIN; {schema} COMMIT;")
    except sqlite3.Error as error:
        raise explained(str(path), error) from error
    finally:
        db.close()
    with suppress(FileExistsError):  # another process was first; which of the two has it, the lock decides
        os.link(temporary, path)
    temporary.unlink()
    keys.sync_directory(path.parent)


def _check_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise JournalError(f"{path}: mode {mode:04o} lets others read it, 0600 expected: run chmod 600 {path}")


def explained(name: str, error: sqlite3.Error) -> JournalError:
    """What an error of SQLite, met outside a transaction of ours, means for the journal."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code; the upper bytes say where
    if code == sqlite3.SQLITE_BUSY:
        return JournalBusy(f"{name}: another process has it open: end that one first, or give each its own directory")
    if code in CORRUPT:
        return JournalDamaged(f"{name}: damaged: {error}: {ASIDE}")
    return JournalError(f"{name}: cannot be used: {words(error)}")


def words(error: sqlite3.Error) -> str:
    """An error of SQLite in words, with its code and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full: free some of it, then start anew"
    return f"{error} ({getattr(error, 'sqlite_errorname', 'no code')}): look at the disk, then start anew"
