"""Turn: the circle that a flight flies over the ground when it turns at a constant rate.

Law: a turn keeps the ground speed; its path is a circle about a fixed point, at a geodesic distance of speed over rate
from it. Wind is not known, so over the ground a true turn is a circle moved along; the position error is for that.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from keepclear.geo import geodesy
from keepclear.geo.earth import wrap_deg
from keepclear.geo.units import FloatArray, IntArray

RIGHT, LEFT, SHORT_WAY = 1, -1, 0
_FACING_DEG = 1e-3


@dataclass(frozen=True, slots=True)
class Circles:
    """Turns, one an element: the centre, the radius, the bearing from the centre at which each begins, and its side."""

    lat_deg: FloatArray
    lon_deg: FloatArray
    radius_m: FloatArray
    bearing_deg: FloatArray
    side: IntArray

    @classmethod
    def of(
        cls, lat_deg: FloatArray, lon_deg: FloatArray, course_deg: FloatArray, radius_m: FloatArray, side: IntArray
    ) -> Self:
        """The circles that leave places on their courses to a side: RIGHT or LEFT."""
        lat, lon, inward = geodesy.direct(lat_deg, lon_deg, course_deg + 90 * side, radius_m)
        return cls(lat, lon, radius_m, inward + 180, side)

    def take(self, index: npt.ArrayLike) -> "Circles":
        """The circles at an index array or mask."""
        return Circles(*(getattr(self, name)[index] for name in self.__slots__))

    def at(self, swept_deg: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Latitude, longitude and course (degrees) after a turn of swept_deg."""
        bearing = self.bearing_deg + self.side * swept_deg
        lat, lon, outward = geodesy.direct(self.lat_deg, self.lon_deg, bearing, self.radius_m)
        return lat, lon, outward + 90 * self.side

    def until_course(self, course_deg: FloatArray) -> FloatArray:
        """How many degrees are turned until the course is this one, in [0, 360)."""
        _, _, first = self.at(np.zeros_like(course_deg))
        swept = np.mod(self.side * (course_deg - first), 360)
        for _ in range(6):  # north turns on the way: hundredths of a degree, degrees near a pole
            _, _, there = self.at(swept)
            swept = swept + self.side * wrap_deg(course_deg - there)
        return np.maximum(swept, 0.0)

    def until_facing(self, lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
        """How many degrees are turned until the course leads to a place, in [0, 360); NaN for a place in the circle."""
        away, bearing, _ = geodesy.inverse(self.lat_deg, self.lon_deg, lat_deg, lon_deg)
        reached = away > self.radius_m
        opening = np.degrees(np.arccos(np.where(reached, self.radius_m / np.where(reached, away, 1.0), 1.0)))
        swept = np.mod(self.side * (bearing - self.bearing_deg) - opening, 360)
        # A flight that already faces the place turns nothing, not a whole circle.
        return np.where(reached, np.where(swept > 360 - _FACING_DEG, 0.0, swept), np.nan)


def steps_of(swept_deg: FloatArray, radius_m: FloatArray, sag_m: float) -> IntArray:
    """Into how many equal chords a turn is laid so that none is farther than sag_m from the circle; 360 at most."""
    share = np.minimum(sag_m / np.maximum(radius_m, sag_m), 1.0)
    chord_deg = np.maximum(np.degrees(2 * np.arccos(1 - share)), 1.0)
    steps: IntArray = np.ceil(swept_deg / chord_deg).astype(np.int64)
    return steps
