"""Lines of a file, numbered, many at a time.

Law: what a line is and what to do with one that never ends is as in lines.py; but here a line cut short by the end of
the file counts as one, since a file need not end with a line end.
"""

from typing import Final

from keepclear.interop.tally import Fault, Tally

MAX_LINE_BYTES: Final = 65_536  # two hundred times a row


class NumberedLines:
    """Cuts bytes into lines without their ends; a line that is too long is refused in the tally."""

    def __init__(self, tally: Tally) -> None:
        self.done = 0
        self._tally = tally
        self._held = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ended in `data`; the last of them is line `done` of the file."""
        return self.block(data).split(b"\n")[:-1]

    def block(self, data: bytes) -> bytes:
        """The same lines in one piece, with their ends."""
        if self._skipping:
            _, end, data = data.partition(b"\n")
            if not end:
                return b""
            self._skipping = False
            self.done += 1
        whole, end, self._held = (self._held + data).rpartition(b"\n")
        whole += end
        self.done += whole.count(b"\n")
        if len(self._held) > MAX_LINE_BYTES:
            self._held, self._skipping = b"", True
            self._tally.rows += 1
            self._tally.enter(Fault.TOO_LONG, [self.done + 1])
        return whole

    def close(self) -> list[bytes]:
        """The last line, if it did not end."""
        rest, self._held = self._held, b""
        self.done += bool(rest)
        return [rest] if rest else []
