"""What is measured and against whom: `python -m bench` runs all of it, `python -m bench verify` one part.

The law: ours and the plain way stand in one run, on one machine, beside each other; what is compared is the ratio.
Every figure of something made durable has the disk's own fsync time beside it. A time is the median of several runs,
and nothing here passes or fails: tests decide what is right, this only says how long it takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Table:
    """One measurement, as people read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        padded = [[cell.rjust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
        head, *body = ["| " + " | ".join(cells) + " |" for cells in padded]
        rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
        return "\n".join([f"{self.title}\n", head, rule, *body])


def median_ms(work: Callable[[], object], runs: int = 7) -> float:
    """The median time that a piece of work takes, in ms, after one run that does not count."""
    work()
    times = []
    for _ in range(runs):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return 1000 * median(times)


def figure(value: float) -> str:
    """A figure with two digits that mean something, or whole from a hundred on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"
