"""Sorting reports by time in bounded memory, whatever their number and sequence; and cutting them into pictures.

Law: every report comes out once, by time, those of one time as they came in. Up to RUN reports are sorted in memory;
more are written to a temporary file as sorted runs and merged from there, so that a recording by flight needs no more
memory than one by time. The file has about 130 bytes a report and no name; it is gone when the program ends.
"""

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, Final

import numpy as np

from keepclear.host.cli_errors import Failure
from keepclear.interop.reports import NONE, REPORT, Reports
from keepclear.interop.tally import Doubt, Tally

RUN: Final = 400_000
"""Reports in memory before they are written: about 50 MB, twice that while they are sorted."""
MERGED: Final = 400_000
"""Reports in memory while runs are merged, of all of them together."""
MAX_PICTURE: Final = 100_000
"""More aircraft at one time than there are in the air anywhere: a file of these has something else as its timestamp."""


class Sorter:
    """Takes reports in any sequence, gives them back in pictures."""

    def __init__(self, tally: Tally, run: int = RUN, merged: int = MERGED) -> None:
        self._tally = tally
        self._merged_rows = merged
        self._run = run
        self._waiting: list[Reports] = []
        self._count = 0
        self._latest_ms = -1
        self._file: IO[bytes] | None = None
        self._ends = [0]

    def __len__(self) -> int:
        return self._ends[-1] + self._count

    def add(self, reports: Reports) -> None:
        """Takes reports in; those earlier than one before them are counted in the tally."""
        if not len(reports):
            return
        latest = np.maximum(np.maximum.accumulate(reports["at_ms"]), self._latest_ms)
        self._tally.enter_where(Doubt.UNSORTED, reports["at_ms"] < latest, reports["place"])
        self._latest_ms = int(latest[-1])
        self._waiting.append(reports)
        self._count += len(reports)
        if self._count >= self._run:
            self._write()

    def pictures(self) -> Iterator[tuple[int, Reports]]:
        """All reports by time: each time with those of it. Raises Failure for a picture of over MAX_PICTURE."""
        held = NONE
        for part in self._merged():
            held = np.concatenate([held, part])
            cuts = np.nonzero(np.diff(held["at_ms"]))[0] + 1
            for begin, end in pairwise([0, *cuts.tolist()]):
                yield _picture(held[begin:end])
            held = held[cuts[-1] if len(cuts) else 0 :]
            _check_size(held)
        if len(held):
            yield _picture(held)

    def _sorted(self) -> Reports:
        reports = np.concatenate([NONE, *self._waiting])
        self._waiting, self._count = [], 0
        return reports[np.argsort(reports["at_ms"], kind="stable")]

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="keepclear-")  # noqa: SIM115 - as long as the sorter
        reports = self._sorted()
        reports.tofile(self._file)
        self._ends.append(self._ends[-1] + len(reports))

    def _merged(self) -> Iterator[Reports]:
        if self._file is None:
            yield self._sorted()
            return
        if self._count:
            self._write()
        self._file.flush()
        share = max(self._merged_rows // (len(self._ends) - 1), 1)
        runs = [_Run(self._file, begin, end, share) for begin, end in pairwise(self._ends)]
        while runs:
            for run in runs:
                run.fill()
            # Up to the least of the last times held nothing is missing, but of that time itself more may come.
            limit_ms = min((run.last_ms for run in runs if run.more), default=None)
            parts = np.concatenate([run.until(limit_ms) for run in runs])
            if not len(parts):
                for run in runs:
                    run.widen(limit_ms)
            yield parts[np.argsort(parts["at_ms"], kind="stable")]
            runs = [run for run in runs if run.more or run.held.size]


class _Run:
    """One sorted run of the file, read a share at a time."""

    def __init__(self, file: IO[bytes], begin: int, end: int, share: int) -> None:
        self._file, self._next, self._end, self._share = file, begin, end, share
        self.held = NONE

    @property
    def more(self) -> bool:
        """Whether the file has more of it than is held."""
        return self._next < self._end

    @property
    def last_ms(self) -> int:
        """The latest time held."""
        return int(self.held["at_ms"][-1])

    def fill(self) -> None:
        """Reads a share if nothing is held."""
        if not self.held.size and self.more:
            self._read()

    def widen(self, limit_ms: int | None) -> None:
        """Reads a share more if what is held ends with the time that holds the others up."""
        if self.more and self.last_ms == limit_ms:
            self._read()

    def until(self, limit_ms: int | None) -> Reports:
        """Takes out what is before a time; all if there is none."""
        cut = len(self.held) if limit_ms is None else int(np.searchsorted(self.held["at_ms"], limit_ms))
        taken, self.held = self.held[:cut], self.held[cut:]
        return taken

    def _read(self) -> None:
        count = min(self._share, self._end - self._next)
        self._file.seek(self._next * REPORT.itemsize)
        self.held = np.concatenate([self.held, np.fromfile(self._file, REPORT, count)])
        self._next += count
        _check_size(self.held[self.held["at_ms"] == self.last_ms])


def _picture(reports: Reports) -> tuple[int, Reports]:
    _check_size(reports)
    return int(reports["at_ms"][0]), reports


def _check_size(reports: Reports) -> None:
    if len(reports) > MAX_PICTURE:
        raise Failure(
            f"one picture of over {len(reports) - 1} rows with the same timestamp, at most {MAX_PICTURE} are checked",
            "look at the column timestamp: is it the time of the report, or the day?",
        )
