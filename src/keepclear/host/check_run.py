"""One pass over a file of reports: picture after picture through a detector, and what was found to whoever wants it.

Law: memory is bounded by the sorter and by one picture. A detector is geo's own function with its limits; a sink only
shows. What is found is handed on in pictures, by time.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import msgspec
import numpy as np

from keepclear.geo.altitude import AltRef
from keepclear.geo.conflict import conflicts
from keepclear.geo.encounter import encounters
from keepclear.geo.track import Tracks, advance
from keepclear.geo.volumes import Volumes
from keepclear.host.check_files import read_reports, size_of
from keepclear.host.check_progress import progress
from keepclear.host.check_sort import Sorter
from keepclear.interop.findings import Entry, Loss, Meeting, entries, losses
from keepclear.interop.geojson import NamedVolumes
from keepclear.interop.reports import distinct, names_of, tracks_of
from keepclear.interop.tally import Tally

Found = Sequence[Loss] | Sequence[Entry]

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Picture:
    """The tracks of one timestamp, with their names."""

    at_ms: int
    names: list[str]
    tracks: Tracks


def places_of(picture: Picture, names: Sequence[str], at_ms: int) -> list[tuple[float, float]]:
    """Where the tracks of those names are at a time, going on as they do in a picture."""
    index = [picture.names.index(name) for name in names]
    there = advance(picture.tracks.take(np.array(index)), at_ms)
    return list(zip(there.lon_deg.tolist(), there.lat_deg.tolist(), strict=True))


class Detector(Protocol):
    """What is asked of each picture."""

    def __call__(self, picture: Picture) -> Found:
        """What is found in it."""


class Sink(Protocol):
    """Whoever wants what was found."""

    def take(self, picture: Picture, found: Found) -> None:
        """Takes one picture and what was found in it."""


@dataclass(frozen=True, slots=True)
class Separation:
    """Tracks against each other."""

    horizontal_m: float
    vertical_m: float
    look_ahead_ms: int

    def __call__(self, picture: Picture) -> list[Loss]:
        """The losses of separation."""
        found = conflicts(picture.tracks, self.horizontal_m, self.vertical_m, self.look_ahead_ms, picture.at_ms)
        return losses(picture.at_ms, picture.names, found)


class Intrusion:
    """Tracks against volumes."""

    def __init__(self, named: NamedVolumes, look_ahead_ms: int) -> None:
        self._names = named.names
        self._owner = np.array(named.owner, dtype=np.int64)
        self._volumes = Volumes.of(named.volumes)
        self._look_ahead_ms = look_ahead_ms

    def __call__(self, picture: Picture) -> list[Entry]:
        """The ways into volumes."""
        found = encounters(picture.tracks, self._volumes, picture.at_ms, self._look_ahead_ms)
        return entries(picture.at_ms, picture.names, self._names, self._owner, found)


class JsonLines:
    """Writes what was found to standard output, a line each."""

    def take(self, picture: Picture, found: Found) -> None:  # noqa: ARG002 - a sink's
        """Writes one picture's."""
        write_lines(found)


def write_lines(found: Found | Sequence[Meeting]) -> None:
    """Writes findings to standard output as JSON, a line each."""
    if found:
        sys.stdout.write(_ENCODER.encode_lines(found).decode())


@dataclass(slots=True)
class Account:
    """What a pass has come to; `lonely` pictures hold one track, so that nothing in them is near another."""

    tally: Tally = field(default_factory=Tally)
    pictures: int = 0
    lonely: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    found: int = 0


def run(path: Path, alt_ref: AltRef, detect: Detector, sinks: Sequence[Sink]) -> Account:
    """Reads a file, sorts it, and asks the detector about each picture. Raises Failure or Refused."""
    account = Account()
    with progress(any(isinstance(sink, JsonLines) for sink in sinks)) as begin:
        sorter = Sorter(account.tally)
        for reports in read_reports(path, account.tally, begin(f"reading {path.name}", size_of(path))):
            sorter.add(reports)
        moved = begin("checking", len(sorter))
        for at_ms, reports in sorter.pictures():
            once = distinct(reports, account.tally)
            picture = Picture(at_ms, names_of(once), tracks_of(once, alt_ref))
            found = detect(picture)
            for sink in sinks:
                sink.take(picture, found)
            account.pictures += 1
            account.lonely += len(picture.names) == 1
            account.first_ms = at_ms if account.first_ms is None else account.first_ms
            account.last_ms = at_ms
            account.found += len(found)
            moved(len(reports))
    return account
