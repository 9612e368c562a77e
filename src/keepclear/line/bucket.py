"""A token bucket in whole numbers: how often something may be done, with the clock as an argument.

The law: at most `burst` at once and `per_second` over time; no fraction is lost between two looks at the clock, and
a clock that steps back gives nothing and takes nothing.
"""

import msgspec


class Bucket(msgspec.Struct, array_like=True):
    """Full at the start. One token is a thousand parts, so that each millisecond adds `per_second` of them."""

    per_second: int
    burst: int
    spent: int = 0  # parts
    at_ms: int | None = None

    def take(self, now_ms: int) -> bool:
        """Whether one more may be done now; if so it is counted."""
        if not self.has(now_ms):
            return False
        self.spent += 1_000
        return True

    def has(self, now_ms: int) -> bool:
        """Whether one more may be done now; nothing is counted."""
        if self.at_ms is not None and now_ms > self.at_ms:
            self.spent = max(0, self.spent - (now_ms - self.at_ms) * self.per_second)
        self.at_ms = now_ms if self.at_ms is None else max(self.at_ms, now_ms)
        return self.spent + 1_000 <= self.burst * 1_000
