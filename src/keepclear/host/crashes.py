"""What has crashed the node: digests of the items at work, so that a second time is noticed after a restart."""

import os
from pathlib import Path
from typing import Final

MAX_REMEMBERED: Final = 1_000
LINE_BYTES: Final = 33


class Crashes:
    """A small file of hex digests, one a line, newest last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, digest: bytes) -> None:
        """Remembers one crash, durably; past the limit no more are, until somebody has looked."""
        if len(self._lines()) >= MAX_REMEMBERED:
            return
        with self._path.open("a", encoding="ascii") as file:
            file.write(digest.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def repeated(self) -> list[bytes]:
        """What has crashed the node twice or more, in the sequence of the first time."""
        lines = self._lines()
        return [bytes.fromhex(line) for line in dict.fromkeys(lines) if lines.count(line) >= 2]

    def _lines(self) -> list[str]:
        try:
            data = self._path.read_bytes()[: MAX_REMEMBERED * LINE_BYTES]
        except FileNotFoundError:
            return []
        return [line for line in data.decode("ascii", "ignore").split("\n") if len(line) == LINE_BYTES - 1]
