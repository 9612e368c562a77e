"""The files that a record's statements name: how many, and which of them lie in a folder as their hashes say."""

from dataclasses import dataclass
from pathlib import Path

from keepclear.accord import attached, statement
from keepclear.host.cli_errors import Failure
from keepclear.record import entry as entries
from keepclear.record.verify import Report


@dataclass(frozen=True)
class Looked:
    """How many files are named; how many of them are whole, not there, not as their hashes say. None: not looked."""

    named: int
    whole: int | None = None
    missing: int | None = None
    damaged: int | None = None

    def words(self) -> str:
        """The counts in words."""
        if self.whole is None:
            return f"{self.named} named; --blobs DIR holds them against their hashes"
        return f"{self.named} named: {self.whole} whole, {self.missing} not there, {self.damaged} DAMAGED"


def look(report: Report, folder: Path | None) -> Looked:
    """Counts the files that a record names and, given a folder in which each lies under its hash, checks them.

    Raises Failure for a folder that is none.
    """
    named = _named(report)
    if folder is None:
        return Looked(len(named))
    if not folder.is_dir():
        raise Failure(f"{folder}: is no directory", "give the directory blobs of a node, or a copy of it")
    found = [_is_whole(folder / digest.hex(), digest, size) for digest, size in sorted(named)]
    return Looked(len(named), found.count(True), found.count(None), found.count(False))


def _named(report: Report) -> set[tuple[bytes, int]]:
    found = set()
    for book in report.logbooks.all():
        for entry in (*book.entries, *book.held.values()):
            try:
                one = attached.attached(entries.read_body(entry.header.kind, entry.body))
            except statement.Unreadable:
                continue
            if one is not None:
                found.add((one.digest, one.size))
    return found


def _is_whole(path: Path, digest: bytes, size: int) -> bool | None:
    try:
        with path.open("rb") as file:
            data = file.read(attached.MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}", "look at the disk") from error
    return len(data) == size and attached.digest(data) == digest
