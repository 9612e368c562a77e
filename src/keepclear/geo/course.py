"""Course: where legs are, as polynomials of the time, for places asked for by the hundred thousand.

Law: a course is its leg's geodesic to within 1 mm; legs that no polynomial follows so closely (long ones, and those
near a pole) are answered by the geodesic itself. Longitudes run on within a leg, so that there is no seam in it.

Theory: latitude and longitude are the Hermite polynomial of the seventh degree through place and velocity at four
times. Its error falls with the eighth power of h / r, h being half the leg and r the least distance of the leg to a
pole, where longitude has no derivatives; at h = 0.11 r, the most allowed, 0.08 mm was the largest ever measured.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from keepclear.geo.earth import E2, EQUATOR_M, MEAN_M, sin_cos_deg, wrap_deg
from keepclear.geo.motion import Legs
from keepclear.geo.units import BoolArray, FloatArray, IntArray

SHARE_OF_POLE = 0.11
"""Half a leg may be this share of its least distance to a pole."""
METRES_PER_DEGREE = 110_500.0
"""Less than the shortest degree of latitude on WGS-84, so that a pad in degrees is never too small."""
_NODES = np.array([-1.0, -1 / 3, 1 / 3, 1.0])
_W0, _WIDE = 1 / 9, 8 / 9


@dataclass(frozen=True, slots=True)
class Courses:
    """The courses of some legs; `leg` names them, `follows` which of them are polynomials.

    The rows of lat and lon are the coefficients of E(x) and P(x), x = (u**2 - 1/9) / (8/9), of the value E + u P, where
    u runs from -1 at the leg's beginning to 1 at its end.
    """

    legs: Legs
    leg: IntArray
    follows: BoolArray
    lat: FloatArray
    lon: FloatArray

    @classmethod
    def of(cls, legs: Legs, leg: IntArray) -> Self:
        """The courses of the legs at an index array."""
        half_s = legs.length_s[leg] / 2
        line, lead, speed = legs.line.take(leg), legs.lead_m[leg], legs.speed_mps[leg]
        lat, lon, azimuth = line.position(lead + speed * (half_s * (1 + _NODES[:, None])))
        lon = lon[0] + wrap_deg(lon - lon[0])
        half_m = speed * half_s
        top_deg = np.abs(lat).max(axis=0) + np.abs(half_m) / METRES_PER_DEGREE
        follows = np.abs(half_m) / MEAN_M < SHARE_OF_POLE * np.radians(90 - top_deg)
        sin_lat, cos_lat = sin_cos_deg(lat)
        sin_a, cos_a = sin_cos_deg(azimuth)
        bend = 1 - E2 * sin_lat**2
        north = cos_a * bend**1.5 / (EQUATOR_M * (1 - E2))
        east = sin_a * np.sqrt(bend) / (EQUATOR_M * np.where(follows, cos_lat, 1.0))
        return cls(legs, leg, follows, _coefficients(lat, north * half_m), _coefficients(lon, east * half_m))

    def at(self, which: IntArray, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude (degrees) of courses, by number in `leg`, at times from their legs' beginnings."""
        u = 2 * time_s / self.legs.length_s[self.leg[which]] - 1
        x = (u * u - _W0) / _WIDE
        lat, lon = _value(self.lat, which, u, x), _value(self.lon, which, u, x)
        other = np.nonzero(~self.follows[which])[0]
        if other.size:
            lat[other], lon[other] = self.legs.position(self.leg[which[other]], time_s[other])
        return lat, lon


def _coefficients(value_deg: FloatArray, slope_rad: FloatArray) -> FloatArray:
    """Of values (degrees) and slopes (radians a unit of u) at the four nodes: the cubics E and P, even and odd."""
    slope = np.degrees(slope_rad)
    even, odd = (value_deg[[3, 2]] + value_deg[[0, 1]]) / 2, (value_deg[[3, 2]] - value_deg[[0, 1]]) / 2
    d_even, d_odd = (slope[[3, 2]] - slope[[0, 1]]) / 2, (slope[[3, 2]] + slope[[0, 1]]) / 2
    # By w = u**2: E' = dE/du / 2u, and O = u P gives P' = (dO/du - P) / 2w.
    e = _cubic(even[1], even[0], d_even[1] * 1.5, d_even[0] / 2)
    p = _cubic(3 * odd[1], odd[0], (d_odd[1] - 3 * odd[1]) * 4.5, (d_odd[0] - odd[0]) / 2)
    return np.concatenate([e, p])


def _cubic(begin: FloatArray, end: FloatArray, slope_begin: FloatArray, slope_end: FloatArray) -> FloatArray:
    """Coefficients in x of the cubic with these values and slopes by w at x = 0 and x = 1."""
    rise, m0, m1 = end - begin, slope_begin * _WIDE, slope_end * _WIDE
    return np.stack([begin, m0, 3 * rise - 2 * m0 - m1, m0 + m1 - 2 * rise])


def _value(rows: FloatArray, which: IntArray, u: FloatArray, x: FloatArray) -> FloatArray:
    e0, e1, e2, e3, p0, p1, p2, p3 = rows[:, which]
    value: FloatArray = e0 + x * (e1 + x * (e2 + x * e3)) + u * (p0 + x * (p1 + x * (p2 + x * p3)))
    return value
