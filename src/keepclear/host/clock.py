"""The time that a node goes by: this machine's, or a scenario's on a line that is not LIVE.

The law: monotonic and wall time move together. A scenario's clock runs at the machine's rate from an anchor in the
machine's monotonic time, which processes on one machine share, so that all nodes that are given the same anchor
agree; it only ever jumps ahead.
"""

import time
from typing import Final

from keepclear.node.inputs import Stamp

NS_PER_MS: Final = 1_000_000


class Clock:
    """What a node reads as its time; `err_ms` is what is claimed about the wall clock's error."""

    def __init__(self, err_ms: int = 100) -> None:
        self._err_ms = err_ms
        self._start_ns = time.monotonic_ns()
        self._jumped_ms = 0
        self._anchor: tuple[int, int] | None = None

    def follow(self, anchor_ns: int, wall_ms: int) -> None:
        """From now on the wall clock read `wall_ms` when the machine's monotonic clock read `anchor_ns`.

        A jump ahead takes monotonic time along; the first time, or one that goes back, leaves it going on.
        """
        before = self.stamp().wall_ms
        first = self._anchor is None
        self._anchor = (anchor_ns, wall_ms)
        if not first:
            self._jumped_ms += max(0, self._wall_ms() - before)

    def stamp(self) -> Stamp:
        """The time now."""
        mono_ms = (time.monotonic_ns() - self._start_ns) // NS_PER_MS + self._jumped_ms
        return Stamp(mono_ms, self._wall_ms(), self._err_ms)

    def _wall_ms(self) -> int:
        if self._anchor is None:
            return time.time_ns() // NS_PER_MS
        anchor_ns, wall_ms = self._anchor
        return wall_ms + (time.monotonic_ns() - anchor_ns) // NS_PER_MS


def boot_id() -> str:
    """What names this boot of the machine: the kernel's own id, else the hour at which it started."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read(64).strip()
    except OSError:
        return f"hour-{(time.time_ns() - time.monotonic_ns()) // 3_600_000_000_000}"
