"""What the rig tells of a measure: a row of the table, and times with their percentiles."""

from math import ceil, inf

import msgspec


class Row(msgspec.Struct, frozen=True):
    """What was measured, what it should be, what it was, out of how many, and whether the goal is met.

    `met` is None where too little was seen to say.
    """

    what: str
    goal: str
    seen: str
    trials: str
    met: bool | None


class Times(msgspec.Struct):
    """The times in s of what came, and how many did not come; these are in every percentile as infinitely late."""

    found: list[float]
    missed: int = 0

    @property
    def count(self) -> int:
        """How many in all."""
        return len(self.found) + self.missed

    @property
    def worst(self) -> float:
        """The longest."""
        return self.at(1.0)

    def at(self, share: float) -> float:
        """The time that this share of all kept; infinite when so many did not come, or there is none."""
        nth = max(0, ceil(share * self.count) - 1)
        return sorted(self.found)[nth] if nth < len(self.found) else inf

    def __str__(self) -> str:
        missed = f"; {self.missed} without" if self.missed else ""
        return f"p50 {_seconds(self.at(0.5))}, p99 {_seconds(self.at(0.99))}, max {_seconds(self.worst)}{missed}"


def _seconds(value: float) -> str:
    return "none" if value == inf else f"{value:.2f} s"
