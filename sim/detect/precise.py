"""Precise: the distance of two flights in extended precision (64 bits of mantissa), for what is close to a limit.

The law: no series. A geodesic is a great circle of the auxiliary sphere (Bessel 1825): on it, with k2 = e'2
cos2(alpha0), the way is b times the integral of sqrt(1 + k2 sin2 sigma), the longitude omega less f sin(alpha0) times
the integral of (2 - f) / (1 + (1 - f) sqrt(1 + k2 sin2 sigma)); both are summed by Gauss at 16 places. PROJ's distance,
a nanometre or so off, is then corrected by what its end misses. Right to about 1e-11 m where a long double has 64 bits
of mantissa; where it has not, it is another double and no better than PROJ's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.detect.flights import Flights, Floats, Ints, inverse

Long = Any  # arrays of np.longdouble

REAL = np.longdouble
F = 1 / REAL("298.257223563")
A = REAL(6_378_137)
B = A * (1 - F)
EP2 = F * (2 - F) / (1 - F) ** 2
_PLACES = 16


def _gauss(count: int) -> tuple[Long, Long]:
    """Places and weights of Gauss and Legendre on [-1, 1], improved from double by Newton."""
    x = np.polynomial.legendre.leggauss(count)[0].astype(REAL)
    for _ in range(3):
        before, value = np.ones_like(x), x
        for n in range(2, count + 1):
            before, value = value, ((2 * n - 1) * x * value - (n - 1) * before) / n
        slope = count * (before - x * value) / (1 - x * x)
        x = x - value / slope
    return x, 2 / ((1 - x * x) * slope**2)


_X, _W = _gauss(_PLACES)


@dataclass(frozen=True)
class Place:
    """Where on the ellipsoid: reduced latitude as sine and cosine, longitude in radians, and the unit course there."""

    sin_b: Long
    cos_b: Long
    lon: Long
    sin_c: Long
    cos_c: Long

    def ecef(self) -> Long:
        """Earth-centred metres, x, y, z in front."""
        return np.stack([A * self.cos_b * np.cos(self.lon), A * self.cos_b * np.sin(self.lon), B * self.sin_b])

    def along(self) -> Long:
        """The course as an earth-centred unit vector."""
        norm = np.hypot((1 - F) * self.cos_b, self.sin_b)
        sin_lat, cos_lat = self.sin_b / norm, (1 - F) * self.cos_b / norm
        sin_l, cos_l = np.sin(self.lon), np.cos(self.lon)
        east = np.stack([-sin_l, cos_l, 0 * sin_l])
        north = np.stack([-sin_lat * cos_l, -sin_lat * sin_l, cos_lat])
        return self.sin_c * east + self.cos_c * north

    def degrees(self) -> tuple[Floats, Floats]:
        """Latitude and longitude as doubles."""
        lat = np.arctan2(self.sin_b, (1 - F) * self.cos_b)
        return (lat * 180 / _PI).astype(np.float64), (self.lon * 180 / _PI).astype(np.float64)


_PI = 4 * np.arctan(REAL(1))


def sin_cos(degrees: Long) -> tuple[Long, Long]:
    """Sine and cosine of degrees, exact at quarters."""
    quarter = np.round(degrees / 90)
    rest = (degrees - 90 * quarter) * _PI / 180
    s, c, turn = np.sin(rest), np.cos(rest), np.mod(quarter, 4)
    sine = np.where(turn == 0, s, np.where(turn == 1, c, np.where(turn == 2, -s, -c)))
    return sine, np.where(turn == 0, c, np.where(turn == 1, -s, np.where(turn == 2, -c, s)))


def place(lat: Floats, lon: Floats, course: Floats) -> Place:
    """A report's place and course, from doubles in degrees."""
    sin_lat, cos_lat = sin_cos(np.asarray(lat, dtype=REAL))
    # A hair of cosine at a pole, so that the course still picks a meridian.
    y, x = (1 - F) * sin_lat, np.maximum(np.abs(cos_lat), REAL("1e-300"))
    norm = np.hypot(y, x)
    sin_c, cos_c = sin_cos(np.asarray(course, dtype=REAL))
    return Place(y / norm, x / norm, np.asarray(lon, dtype=REAL) * _PI / 180, sin_c, cos_c)


def direct(start: Place, way_m: Long) -> Place:
    """Where geodesics end after way_m, up to about a quarter round the earth either way."""
    sin_0 = start.sin_c * start.cos_b
    cos_0 = np.hypot(start.cos_c, start.sin_c * start.sin_b)
    level = (start.sin_b == 0) & (start.cos_c == 0)
    sin_1, cos_1 = start.sin_b, np.where(level, 1, start.cos_b * start.cos_c)
    norm = np.hypot(sin_1, cos_1)
    sin_1, cos_1 = sin_1 / norm, cos_1 / norm
    begin = np.arctan2(sin_1, cos_1)
    k2 = EP2 * cos_0**2
    arc = way_m / B
    for _ in range(3):
        at = begin + arc * (1 + _X.reshape(-1, *[1] * np.ndim(arc))) / 2
        summed = np.tensordot(_W, np.sqrt(1 + k2 * np.sin(at) ** 2), 1) * arc / 2
        arc = arc - (summed - way_m / B) / np.sqrt(1 + k2 * np.sin(begin + arc) ** 2)
    at = begin + arc * (1 + _X.reshape(-1, *[1] * np.ndim(arc))) / 2
    inner = np.tensordot(_W, (2 - F) / (1 + (1 - F) * np.sqrt(1 + k2 * np.sin(at) ** 2)), 1) * arc / 2
    sin_2, cos_2 = sin_1 * np.cos(arc) + cos_1 * np.sin(arc), cos_1 * np.cos(arc) - sin_1 * np.sin(arc)
    omega = np.arctan2(sin_0 * sin_2, cos_2) - np.arctan2(sin_0 * sin_1, cos_1)
    cos_b = np.maximum(np.hypot(sin_0, cos_0 * cos_2), REAL("1e-300"))
    return Place(cos_0 * sin_2, cos_b, start.lon + omega - F * sin_0 * inner, sin_0 / cos_b, cos_0 * cos_2 / cos_b)


def apart_m(flights: Flights, i: Ints, j: Ints, time_s: Floats) -> Long:
    """Metres between flights i and j at times (doubles, one shape), as long doubles."""
    one, two = _there(flights, i, time_s), _there(flights, j, time_s)
    lat, lon = one.degrees()
    near, course = inverse(lat, lon, *two.degrees())
    sin_c, cos_c = sin_cos(course.astype(REAL))
    end = direct(Place(one.sin_b, one.cos_b, one.lon, sin_c, cos_c), near.astype(REAL))
    return near + ((two.ecef() - end.ecef()) * end.along()).sum(axis=0)


def _there(flights: Flights, index: Ints, time_s: Floats) -> Place:
    start = place(flights.lat[index], flights.lon[index], flights.course[index])
    age_s = np.asarray(time_s, dtype=REAL) - flights.at_ms[index].astype(REAL) / 1000
    return direct(start, flights.speed_mps[index].astype(REAL) * age_s)
