"""How far a peer's wall clock is from ours: bounds that hold, kept over an outage and narrowed by each exchange.

The law: a frame that answers ours was written after ours left and before it came, so the peer's wall clock in it bounds
the difference on both sides. Between exchanges the bounds widen by what two clocks can drift apart. Bounds that two
exchanges put beside each other, and not upon each other, are a jump of one of the clocks; which one cannot be told.
Differences are the peer's clock less ours, in ms; `at_ms` is our monotonic time.
"""

from typing import Final

import msgspec

DRIFT_PPM: Final = 200
"""Of one clock against another: 100 ppm each is twice what computers' quartz is sold with, cold or hot."""
HOUR_MS: Final = 3_600_000
HOURS_SLACK_MS: Final = 30_000
"""A clock set by hand to another zone's time is off by whole hours and what it was off before."""
MOST_HOURS: Final = 26
"""From UTC-12 to UTC+14."""


class Offset(msgspec.Struct, frozen=True, array_like=True):
    """Bounds of a peer's wall clock less ours, as they were at one monotonic time of ours."""

    low_ms: int
    high_ms: int
    at_ms: int

    def at(self, now_ms: int) -> tuple[int, int]:
        """The bounds at another time: as wide as the clocks may have drifted apart since."""
        drift_ms = -(-abs(now_ms - self.at_ms) * DRIFT_PPM // 1_000_000)
        return self.low_ms - drift_ms, self.high_ms + drift_ms


def narrowed(known: Offset | None, new: Offset) -> Offset:
    """What is known after one more exchange; of bounds that contradict each other the new ones."""
    if known is None:
        return new
    low_ms, high_ms = known.at(new.at_ms)
    low_ms, high_ms = max(low_ms, new.low_ms), min(high_ms, new.high_ms)
    return Offset(low_ms, high_ms, new.at_ms) if low_ms <= high_ms else new


def jump_ms(known: Offset, new: Offset) -> int:
    """By how much the clocks have come apart since, at least, with its sign; 0 if the bounds agree."""
    low_ms, high_ms = known.at(new.at_ms)
    return max(0, new.low_ms - high_ms) or min(0, new.high_ms - low_ms)


def whole_hours(low_ms: int, high_ms: int) -> int:
    """The whole hours that a difference within bounds amounts to, with its sign; 0 if it does not."""
    middle_ms = (low_ms + high_ms) // 2
    hours = (middle_ms + HOUR_MS // 2) // HOUR_MS
    is_near = low_ms - HOURS_SLACK_MS <= hours * HOUR_MS <= high_ms + HOURS_SLACK_MS
    return hours if is_near and high_ms - low_ms < HOUR_MS and 0 < abs(hours) <= MOST_HOURS else 0
