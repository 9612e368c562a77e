"""A token bucket in whole numbers: how often something may be done, with the clock as an argument.

The law: at most `burst` at once and `per_second` over time; no fraction is lost between two looks at the clock, and
a clock that steps back gives nothing and takes nothing.
"""


class Bucket:
    """Full at the start. One token is a thousand parts, so that each millisecond adds `per_second` of them."""

    def __init__(self, per_second: int, burst: int) -> None:
        self.per_second = per_second
        self._full = burst * 1_000
        self._parts = self._full
        self._at_ms: int | None = None

    def take(self, now_ms: int) -> bool:
        """Whether one more may be done now; if so it is counted."""
        if not self.has(now_ms):
            return False
        self._parts -= 1_000
        return True

    def has(self, now_ms: int) -> bool:
        """Whether one more may be done now; nothing is counted."""
        if self._at_ms is not None and now_ms > self._at_ms:
            self._parts = min(self._full, self._parts + (now_ms - self._at_ms) * self.per_second)
        self._at_ms = now_ms if self._at_ms is None else max(self._at_ms, now_ms)
        return self._parts >= 1_000
