"""Attached files on the disk: a directory beside the journal, each file under its SHA-256, 0600.

The law: a file has its name only when it is whole, on disk, and as the name says; what is not whole yet has another
name and is only ever a beginning. Nothing is given out that does not fit its hash: such a file is put aside by its
name, never served. All that is here is bounded in total. Files are kept as long as the record that names them: nothing
here takes one away.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from keepclear.accord import attached
from keepclear.accord.attached import MAX_BYTES
from keepclear.host.keys import KeyFileError, private_directory, sync_directory, write_private

DIRECTORY: Final = "blobs"
MAX_TOTAL_BYTES: Final = 2 * 1_024**3  # of the files of all parties, of what is not whole, and of what is damaged


T = TypeVar("T")


class BlobError(Exception):
    """A file that cannot be kept or read; the hint says what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


class Blobs:
    """The attached files of one node. Its methods wait for the disk: the run loop calls them in a thread."""

    def __init__(self, directory: Path, most_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._directory = directory / DIRECTORY
        self._most_bytes = most_bytes

    def path(self, digest: bytes) -> Path:
        """Where a whole file lies, or would."""
        return self._directory / digest.hex()

    def read(self, digest: bytes) -> bytes | None:
        """The bytes of a file; None if it is not here whole. One that does not fit its hash is put aside."""
        try:
            data = _read(self.path(digest))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BlobError(f"{self.path(digest)}: cannot be read: {error.strerror}", "look at the disk") from error
        if attached.digest(data) == digest:
            return data
        self._act(lambda: os.replace(self.path(digest), self.path(digest).with_suffix(".damaged")))
        return None

    def add(self, data: bytes) -> bytes:
        """Keeps a file, whole and durable on return; its hash. Raises BlobError."""
        if not 0 < len(data) <= MAX_BYTES:
            raise BlobError(
                f"a file of {len(data)} bytes, 1 to {MAX_BYTES} can be attached",
                "attach a smaller one, or send it by other means",
            )
        digest = attached.digest(data)
        if self.read(digest) is None:
            self._make_room(len(data))
            try:
                write_private(self.path(digest), data)
            except KeyFileError as error:
                raise BlobError(str(error), "free the disk") from error
        return digest

    def begun(self, digest: bytes, size: int) -> int:
        """How many bytes of the beginning of a file are here."""
        try:
            return min(size, self._part(digest, size).stat().st_size)
        except OSError:
            return 0

    def go_on(self, digest: bytes, size: int, place: int, data: bytes) -> None:
        """Adds what follows on the first `place` bytes of a file that is not whole yet. Raises BlobError."""
        self._make_room(len(data))

        def write() -> None:
            fd = os.open(self._part(digest, size), os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.truncate(place)
                file.seek(place)
                file.write(data)

        self._act(write)

    def finish(self, digest: bytes, size: int) -> bool:
        """Gives a file its name if its bytes fit it, durable on return; else lets what there is go, and says False."""

        def settle() -> bool:
            try:
                data = _read(self._part(digest, size))
            except FileNotFoundError:
                return False
            if attached.digest(data) != digest:
                self._part(digest, size).unlink()
                return False
            with self._part(digest, size).open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self._part(digest, size), self.path(digest))
            sync_directory(self._directory)
            return True

        return self._act(settle)

    def total_bytes(self) -> int:
        """How much lies here."""
        try:
            return sum(file.stat().st_size for file in self._directory.iterdir())
        except FileNotFoundError:
            return 0

    def _make_room(self, size: int) -> None:
        try:
            private_directory(self._directory)
            there = self.total_bytes()
        except (KeyFileError, OSError) as error:
            raise BlobError(f"{self._directory}: {error}", "look at the disk") from error
        if there + size > self._most_bytes:
            raise BlobError(
                f"{there} bytes of attached files are here, at most {self._most_bytes} have room",
                f"move files that are not needed from {self._directory} to another disk",
            )

    def _part(self, digest: bytes, size: int) -> Path:
        """Whoever names a wrong size spoils no other's beginning."""
        return self.path(digest).with_suffix(f".{size}.part")

    def _act(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except OSError as error:
            raise BlobError(f"{self._directory}: {error.strerror}", "look at the disk") from error


def _read(path: Path) -> bytes:
    """What a file holds, up to one byte more than any file may be."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
