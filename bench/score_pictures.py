"""Recorded traffic as a detector would have seen it, picture by picture, and as it truly flew.

The law: a flight is an airframe under a callsign, cut where it is silent for over 10 minutes. A picture has what had
been heard by then and nothing later: each flight's newest report, if it is not older than the sample allows. Where a
flight truly was at that instant is told apart: its report, or the straight line between two reports a minute apart at
most. The `switzerland` sample has a report each 10 s, so there a picture is the reports of its instant and nothing is
interpolated; `calfire` has one each half minute or so. Both lie in the wheel that host/recorded.py fetches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from keepclear.geo.track import Tracks
from keepclear.geo.units import FloatArray, IntArray, fpm_to_mps, knots_to_mps
from keepclear.host.recorded import GAP_MS, SAMPLE, Row, read

STEP_MS: Final = 10_000
BETWEEN_MS: Final = 60_000
SAMPLES: Final = {
    "switzerland": SAMPLE,
    "calfire": "traffic/data/samples/firefighting/calfire.json.gz",
}
HELD_MS: Final = {"switzerland": 0, "calfire": 60_000}
_FOOT_M: Final = 0.3048


@dataclass(frozen=True)
class Picture:
    """One instant: who was heard (numbers of flights, in order), what was heard, and where they truly were.

    true: latitude, longitude (degrees) and altitude (ft), a row a track; NaN where the recording does not tell.
    """

    now_ms: int
    flight: IntArray
    tracks: Tracks
    true: FloatArray


@dataclass(frozen=True)
class Recording:
    """A recording cut into flights, each by time; `names` tells them apart."""

    names: Sequence[str]
    flights: Sequence[Sequence[Row]]
    held_ms: int

    @property
    def flight_hours(self) -> float:
        """How long all flights together were heard."""
        return sum(flight[-1].timestamp - flight[0].timestamp for flight in self.flights) / 3_600_000

    def between(self, begin_ms: int, end_ms: int) -> "Recording":
        """What was reported from one instant until before another."""
        cut = [[r for r in flight if begin_ms <= r.timestamp < end_ms] for flight in self.flights]
        names = [name for name, flight in zip(self.names, cut, strict=True) if flight]
        return Recording(names, [flight for flight in cut if flight], self.held_ms)


def recorded(sample: str) -> Recording:
    """A sample of the wheel. Raises NotFetched."""
    return recording_of(read(SAMPLES[sample]), HELD_MS[sample])


def recording_of(reports: Sequence[Row], held_ms: int) -> Recording:
    """Reports in any sequence, as flights; of two reports of one flight and instant the first is kept."""
    flights: list[list[Row]] = []
    for report in sorted(reports, key=lambda r: (r.icao24, r.callsign, r.timestamp)):
        last = flights[-1][-1] if flights else None
        same = last is not None and (last.icao24, last.callsign) == (report.icao24, report.callsign)
        if last is None or not same or report.timestamp - last.timestamp > GAP_MS:
            flights.append([report])
        elif report.timestamp > last.timestamp:
            flights[-1].append(report)
    flights.sort(key=lambda flight: (flight[0].timestamp, flight[0].icao24, flight[0].callsign))
    names = [f"{f[0].callsign.strip() or f[0].icao24}/{at}" for at, f in enumerate(flights)]
    return Recording(names, flights, held_ms)


def pictures(recording: Recording) -> Iterator[Picture]:
    """Every picture with anybody in it, 10 s apart on whole 10 s."""
    rows = [_rows(at, flight, recording.held_ms) for at, flight in enumerate(recording.flights)]
    table = np.concatenate(rows, axis=1)
    table = table[:, np.lexsort((table[1], table[0]))]
    instants, first = np.unique(table[0], return_index=True)
    for now_ms, begin, end in zip(instants, first, [*first[1:], table.shape[1]], strict=True):
        _, flight, at_ms, lat, lon, alt_ft, speed, course, climb, *true = table[:, begin:end]
        tracks = Tracks.of(
            lat_deg=lat, lon_deg=lon, alt_m=alt_ft * _FOOT_M, ground_speed_mps=knots_to_mps(speed), track_deg=course,
            vertical_rate_mps=fpm_to_mps(climb), at_ms=at_ms.astype(np.int64),
        )  # fmt: skip
        yield Picture(int(now_ms), flight.astype(np.int64), tracks, np.array(true).T)


def _rows(number: int, flight: Sequence[Row], held_ms: int) -> FloatArray:
    """Of one flight, for each picture it is in: the instant, its number, what was heard, where it truly was."""
    at = np.array([r.timestamp for r in flight], dtype=np.float64)
    columns = ("latitude", "longitude", "altitude", "groundspeed", "track", "vertical_rate")
    said = np.array([[getattr(r, name) for name in columns] for r in flight], dtype=np.float64).T
    now = np.arange(-(-at[0] // STEP_MS) * STEP_MS, at[-1] + held_ms + 1, STEP_MS)
    newest = np.searchsorted(at, now, side="right") - 1
    fresh = now - at[newest] <= held_ms
    now, newest = now[fresh], newest[fresh]
    return np.concatenate([[now, np.full(len(now), number), at[newest]], said[:, newest], _true(at, said[:3], now)])


def _true(at: FloatArray, place: FloatArray, now: FloatArray) -> Any:
    """Latitude, longitude and altitude between the reports about each instant; no sample crosses the antimeridian."""
    before = np.searchsorted(at, now, side="right") - 1
    after = np.minimum(np.searchsorted(at, now, side="left"), len(at) - 1)
    known = (at[after] >= now) & (at[after] - at[before] <= BETWEEN_MS)
    return np.where(known, [np.interp(now, at, row) for row in place], np.nan)
