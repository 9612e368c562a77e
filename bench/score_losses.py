"""What truly happened, and what a predictor by brute force would have said a minute before.

The law: the judge shares nothing with the engine. Distances and ways flown are PROJ's; every pair of every picture is
looked at; the predictor tries every second. A loss is nearer than H and nearer than V less 10 ft at the instant of a
picture. Altitudes are compared in the feet they came in, steps of 25, so that the 10 ft decide nothing by themselves;
once in metres they keep exactly 1000 ft from being called a loss. A pair apart for less than a minute has one loss.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyproj

from bench.score_pictures import Picture
from keepclear.geo.units import FloatArray

EPSILON_FT: Final = 10.0
APART_MS: Final = 60_000
_FOOT_M: Final = 0.3048
_NM_M: Final = 1_852.0
_WGS84: Final = pyproj.Geod(ellps="WGS84")

Pair = tuple[int, int]


@dataclass(frozen=True)
class Separation:
    """What must be kept, and is lost when both are not."""

    horizontal_nm: float
    vertical_ft: float

    @property
    def horizontal_m(self) -> float:
        """In metres."""
        return self.horizontal_nm * _NM_M

    @property
    def vertical_m(self) -> float:
        """In metres, less the 10 ft."""
        return (self.vertical_ft - EPSILON_FT) * _FOOT_M


@dataclass(frozen=True)
class Loss:
    """A pair of flights (numbers, in order), the first and last picture of its loss, and since when both were seen."""

    pair: Pair
    begin_ms: int
    end_ms: int
    seen_ms: int


def losses(pictures: Iterable[Picture], kept: Separation, epsilon_ft: float = EPSILON_FT) -> list[Loss]:
    """Every loss of separation of a recording, by time, then pair."""
    when: defaultdict[Pair, list[int]] = defaultdict(list)
    first_seen: dict[int, int] = {}
    for picture in pictures:
        for flight in picture.flight.tolist():
            first_seen.setdefault(flight, picture.now_ms)
        for pair in _lost_now(picture, kept.horizontal_m, kept.vertical_ft - epsilon_ft):
            when[pair].append(picture.now_ms)
    found = [
        Loss(pair, run[0], run[-1], max(first_seen[pair[0]], first_seen[pair[1]]))
        for pair, times in when.items()
        for run in _runs(times)
    ]
    return sorted(found, key=lambda loss: (loss.begin_ms, loss.pair))


def _lost_now(picture: Picture, horizontal_m: float, vertical_ft: float) -> list[Pair]:
    lat, lon, alt_ft = picture.true.T
    i, j = np.triu_indices(len(picture.flight), 1)
    near = np.nonzero(np.abs(alt_ft[i] - alt_ft[j]) < vertical_ft)[0]
    i, j = i[near], j[near]
    apart_m = _WGS84.inv(lon[i], lat[i], lon[j], lat[j])[2]
    lost = np.nonzero(apart_m < horizontal_m)[0]
    return list(zip(picture.flight[i[lost]].tolist(), picture.flight[j[lost]].tolist(), strict=True))


def _runs(times: Sequence[int]) -> list[list[int]]:
    runs = [[times[0]]]
    for now_ms in times[1:]:
        if now_ms - runs[-1][-1] > APART_MS:
            runs.append([now_ms])
        else:
            runs[-1].append(now_ms)
    return runs


def predicted(picture: Picture, pair: Pair, kept: Separation, look_ahead_ms: int) -> bool:
    """Whether a pair of this picture, each flying straight on as it was heard, loses separation; tried every second."""
    rows = np.searchsorted(picture.flight, pair)
    if not np.array_equal(picture.flight[np.minimum(rows, len(picture.flight) - 1)], pair):
        return False
    second = np.arange(look_ahead_ms // 1000)
    (lat, lon, alt), (lat2, lon2, alt2) = (_flown(picture, row, second) for row in rows)
    apart_m = _WGS84.inv(lon, lat, lon2, lat2)[2]
    return bool(np.any((apart_m < kept.horizontal_m) & (np.abs(alt - alt2) < kept.vertical_m)))


def _flown(picture: Picture, row: Any, second: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    tracks = picture.tracks
    ahead_s = second + (picture.now_ms - tracks.at_ms[row]) / 1000
    lat, lon, course, speed = (
        np.full(len(second), column[row])
        for column in (tracks.lat_deg, tracks.lon_deg, tracks.track_deg, tracks.ground_speed_mps)
    )
    there_lon, there_lat, _ = _WGS84.fwd(lon, lat, course, speed * ahead_s)
    return there_lat, there_lon, tracks.alt_m[row] + tracks.vertical_rate_mps[row] * ahead_s
