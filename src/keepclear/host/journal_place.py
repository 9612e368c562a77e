"""Where a journal lies: whose it is now, whether it was closed in good time, and where a damaged one goes.

The law: one process holds the place, from before anything in it is looked at until it is closed. A damaged journal is
never changed or removed: it goes, with its `-wal`, into a directory beside, and only when what takes its place is whole
and on the disk. However often that is cut off, the next opening finishes it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from keepclear.host import keys, wal
from keepclear.host.journal_error import ASIDE, JournalBusy, JournalDamaged

WAL: Final = "-wal"
HELD: Final = "-held"  # locked by whoever has the journal open; it says "open" until the journal is closed
MENDED: Final = "-mended"  # whole, and about to take the journal's place
MAX_ASIDE: Final = 9
GONE: Final = "the journal is not there, though one was: a new one is begun, and the record is asked of the peers"
OPEN: Final = b"open"
SPOILT: Final = b"bad!"  # damage was found in its tables while it was open: it is to be mended at the next opening


def beside(path: Path, suffix: str) -> Path:
    """A file that belongs to the journal."""
    return path.with_name(path.name + suffix)


class Place:
    """A journal's place, held by this process."""

    def __init__(self, path: Path) -> None:
        """Holds it. Raises JournalBusy while another one does, OSError."""
        self.path = path
        self._was_here = beside(path, HELD).exists()
        self._file = os.open(beside(path, HELD), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._said = os.pread(self._file, len(OPEN), 0)
            self._data: int | None = None
            self._finish()
        except BlockingIOError as error:
            os.close(self._file)
            text = f"{path}: another process has it open: end that one first, or give each its own directory"
            raise JournalBusy(text) from error
        except BaseException:
            os.close(self._file)
            raise

    def look(self) -> tuple[str, ...]:
        """What is doubted of the journal before it is made, or SQLite opens it. Raises JournalDamaged, OSError."""
        if not self.path.exists():
            if beside(self.path, WAL).exists():
                raise JournalDamaged(f"{self.path}: damaged: it is gone and its -wal is there: {ASIDE}")
            return (GONE,) if self._was_here else ()
        if self._said == SPOILT:
            raise JournalDamaged(f"{self.path}: damaged: its tables do not fit each other: {ASIDE}")
        found = wal.look(beside(self.path, WAL))
        if found.damaged:
            raise JournalDamaged(f"{self.path}: damaged: {found.damaged}: {ASIDE}")
        if self._said == OPEN and not beside(self.path, WAL).exists():
            return (wal.LOST,)
        return (wal.TORN,) if found.torn else ()

    def opened(self) -> None:
        """The journal is in use from now on: its -wal may not go missing. On a full disk that cannot be written."""
        self._data = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)  # to be closed only after SQLite: POSIX locks
        with suppress(OSError):
            self._say(OPEN)
            keys.sync_directory(self.path.parent)

    def spoilt(self) -> None:
        """Damage was found that cannot be mended while the journal is open: the next opening has to."""
        self._said = SPOILT
        with suppress(OSError):
            self._say(SPOILT)

    def forget(self) -> None:
        """Has the system read the file from the disk again, not from what it remembers of it."""
        if self._data is not None:
            os.posix_fadvise(self._data, 0, 0, os.POSIX_FADV_DONTNEED)

    def _say(self, word: bytes) -> None:
        os.pwrite(self._file, word, 0)
        os.fsync(self._file)

    def close(self) -> None:
        """Lets go of it; in good time, if SQLite has taken its -wal away."""
        with suppress(OSError):
            if self._said != SPOILT and not beside(self.path, WAL).exists():
                os.ftruncate(self._file, 0)
        for one in (self._data, self._file):
            if one is not None:
                os.close(one)

    def set_aside(self, mended: Path) -> Path:
        """Puts a mended journal in the place of the damaged one; answers where that one now is.

        Raises JournalDamaged when too many lie there already, OSError.
        """
        place = next((one for one in self._asides() if not one.exists() or not os.listdir(one)), None)
        if place is None:
            text = f"{self.path}: damaged, and {MAX_ASIDE} damaged ones lie beside it: look at the disk, replace it"
            raise JournalDamaged(text)
        place.mkdir(mode=0o700, exist_ok=True)
        os.replace(mended, beside(self.path, MENDED))
        keys.sync_directory(self.path.parent)
        self._finish()
        return place

    def _finish(self) -> None:
        mended = beside(self.path, MENDED)
        if not mended.exists():
            return
        place = [one for one in self._asides() if one.exists()][-1]
        for one in (self.path, beside(self.path, WAL)):
            if one.exists():
                os.replace(one, place / one.name)
        keys.sync_directory(place)
        os.ftruncate(self._file, 0)
        self._said = b""
        os.replace(mended, self.path)
        keys.sync_directory(self.path.parent)

    def _asides(self) -> list[Path]:
        return [self.path.with_name(f"{self.path.stem}.damaged-{i}") for i in range(1, MAX_ASIDE + 1)]


@contextmanager
def held(path: Path) -> Iterator[Place]:
    """The place of a journal that is not open."""
    place = Place(path)
    try:
        yield place
    finally:
        place.close()
