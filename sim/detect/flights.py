"""Flights: where aircraft truly are, by PROJ's C geodesic; heights in whole centimetres and centimetres a second.

The law: a flight keeps its ground speed along the geodesic of its report, and its climb; times are seconds from now,
which is 0. A flight without a height has no whole number for it: `has_height` is false.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from keepclear.geo.track import Tracks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EARTH = Geod(ellps="WGS84")


def direct(lat: Floats, lon: Floats, course: Floats, way_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Latitude, longitude and course (degrees) at the end of geodesics; all of one shape."""
    lat, lon, course, way_m = np.broadcast_arrays(lat, lon, course, way_m)
    lon2, lat2, back = EARTH.fwd(lon, lat, course, way_m)
    return np.asarray(lat2), np.asarray(lon2), np.asarray(back) + 180


def inverse(lat: Floats, lon: Floats, lat2: Floats, lon2: Floats) -> tuple[Floats, Floats]:
    """Metres between points and the course at the first of them."""
    lat, lon, lat2, lon2 = np.broadcast_arrays(lat, lon, lat2, lon2)
    course, _, way_m = EARTH.inv(lon, lat, lon2, lat2)
    return np.asarray(way_m), np.asarray(course)


@dataclass(frozen=True)
class Flights:
    """Reports of many flights, one an element."""

    lat: Floats
    lon: Floats
    course: Floats
    speed_mps: Floats
    height_cm: Ints
    climb_cmps: Ints
    at_ms: Ints
    has_height: Bools

    def __len__(self) -> int:
        return len(self.lat)

    def take(self, index: Ints | Bools) -> Self:
        """The flights at an index array or mask."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def at(self, index: Ints, time_s: Floats) -> tuple[Floats, Floats]:
        """Latitude and longitude of flights at times; index and time_s of one shape."""
        way_m = self.speed_mps[index] * (time_s - self.at_ms[index] / 1000)
        lat, lon, _ = direct(self.lat[index], self.lon[index], self.course[index], way_m)
        return lat, lon

    def apart_m(self, i: Ints, j: Ints, time_s: Floats) -> Floats:
        """True metres between flights i and j at times, all of one shape."""
        return inverse(*self.at(i, time_s), *self.at(j, time_s))[0]

    def height_now_cm(self) -> Ints:
        """Heights now, in thousandths of a centimetre, exactly."""
        return self.height_cm * 1000 - self.climb_cmps * self.at_ms

    def tracks(self) -> Tracks:
        """The same as geo is asked with it."""
        return Tracks.of(
            lat_deg=self.lat,
            lon_deg=self.lon,
            alt_m=np.where(self.has_height, self.height_cm / 100, np.nan),
            ground_speed_mps=self.speed_mps,
            track_deg=self.course,
            vertical_rate_mps=self.climb_cmps / 100,
            at_ms=self.at_ms,
        )


def together(*parts: Flights) -> Flights:
    """All flights in one."""
    return Flights(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Flights)})
