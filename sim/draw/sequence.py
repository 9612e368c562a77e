"""Who tells whom what, downward in time: lanes, what goes from one to another, what happens at one.

The law: every arrow leaves and arrives where its times say; so a slope is a delay.
"""

from dataclasses import dataclass
from math import atan2, degrees, pi

from sim.draw.paper import Paper


@dataclass(frozen=True)
class Lane:
    """One who takes part: where, and with which colour."""

    x: float
    name: str
    kind: str = "soft"


class Sequence:
    """A sheet on which time runs downward from `top`, `per_ms` pixels a millisecond."""

    def __init__(self, paper: Paper, top: float, per_ms: float, until_ms: int, lanes: list[Lane]) -> None:
        self._paper, self._top, self._per_ms = paper, top, per_ms
        bottom = self.y(until_ms)
        for lane in lanes:
            paper.line([(lane.x, top - 16), (lane.x, bottom)], "rule", thick=2)
            paper.text((lane.x, top - 26), lane.name, lane.kind, "middle", bold=True)

    def y(self, at_ms: float) -> float:
        """Where a time is."""
        return self._top + at_ms * self._per_ms

    def tell(
        self, sent: tuple[float, float], came: tuple[float, float], words: str, kind: str,
        lost: bool = False, below: bool = False,
    ) -> None:  # fmt: skip
        """An arrow from (x, ms) to (x, ms) with words at its middle; one that is lost ends halfway."""
        (x0, t0), (x1, t1) = sent, came
        if lost:
            x1, t1 = (x0 + x1) / 2, (t0 + t1) / 2
        slope = atan2(self.y(t1) - self.y(t0), x1 - x0)
        turn = slope - pi if slope > pi / 2 else slope
        y = self.y((t0 + t1) / 2) + (16 if below else -6)
        self._paper.text(((x0 + x1) / 2, y), words, kind, "middle", 12, turn_deg=degrees(turn))
        self._paper.arrow([(x0, self.y(t0)), (x1, self.y(t1))], kind, lost=lost)

    def note(self, x: float, at_ms: float, words: list[str], anchor: str = "start", kind: str = "ink") -> None:
        """What happens at one lane; the first line stands at its time."""
        side = 12 if anchor == "start" else -12
        self._paper.lines((x + side, self.y(at_ms) + 4), words, kind, anchor, 12)
