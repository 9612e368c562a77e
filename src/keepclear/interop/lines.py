"""Bytes to lines, and the account of the lines that were not understood.

The law: whatever arrives, memory stays bounded and nothing is raised. A line ends with LF or CR LF; what has not ended
is never read, so a line cut short by a broken connection is not taken for a shorter one.
"""

from collections import Counter, deque
from typing import Final

import msgspec

MAX_RECENT: Final = 32  # refusals kept to be shown; the counts are complete
MAX_EXCERPT: Final = 120  # characters of a refused line shown with its refusal: a line of a console
MAX_REASON: Final = 300  # a reason may quote a key of any length


class Refusal(msgspec.Struct, frozen=True):
    """A line that was not taken: `code` is counted, `reason` and `hint` are for a person, `excerpt` is its start."""

    code: str
    reason: str
    hint: str
    excerpt: str


class Refused(Exception):
    """Raised and caught inside a reader, to leave a line at the first thing wrong with it."""

    def __init__(self, code: str, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.code, self.reason, self.hint = code, reason, hint


class Account:
    """How many lines were refused, by code, and the latest of them with reason and hint."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.recent: deque[Refusal] = deque(maxlen=MAX_RECENT)

    def enter(self, fault: Refused, line: bytes = b"") -> None:
        """Count a refused line and keep its beginning, unprintable bytes escaped."""
        excerpt = line[:MAX_EXCERPT].decode("ascii", "backslashreplace")[:MAX_EXCERPT]
        self.refused[fault.code] += 1
        self.recent.append(Refusal(fault.code, _printable(fault.reason[:MAX_REASON]), fault.hint, _printable(excerpt)))


def _printable(text: str) -> str:
    """Text that came from outside, fit to be shown: what a terminal might obey is replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class LineSplitter:
    """Cuts a stream of bytes into lines of at most `max_bytes`; a longer one is dropped up to its end."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._skipping = False

    @property
    def held_bytes(self) -> int:
        """Bytes of a line that has not ended yet."""
        return len(self._held)

    def feed(self, data: bytes) -> tuple[list[bytes], int]:
        """The lines that ended in `data`, without their ends, and how many too long ones began to be dropped."""
        *ended, rest = data.split(b"\n")
        lines: list[bytes] = []
        overlong = 0
        for part in ended:
            overlong += self._hold(part)
            if not self._skipping:
                lines.append(bytes(self._held.removesuffix(b"\r")))
            self._held.clear()
            self._skipping = False
        overlong += self._hold(rest)
        return lines, overlong

    def _hold(self, part: bytes) -> bool:
        """Add to the line under way; true when this is what makes it too long."""
        if self._skipping:
            return False
        if len(self._held) + len(part) > self._max_bytes:
            self._held.clear()
            self._skipping = True
            return True
        self._held += part
        return False
