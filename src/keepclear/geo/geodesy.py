"""Geodesics on WGS-84, for arrays.

Law: distances, courses and positions are those of the geodesic on the WGS-84 ellipsoid at height zero; there is no
seam at the antimeridian and no hole at the poles. Everything broadcasts; NaN in, NaN out; nothing raises.

Theory: the series of C. F. F. Karney, "Algorithms for geodesics", J. Geodesy 87 (2013) 43-55, equations 15-25, to
the fourth order in epsilon (the first term left out is 1e-14 of the arc, under a micrometre). `Line` holds a
geodesic's constants and answers any point of it without iteration. `inverse` iterates the longitude on the
auxiliary sphere; where that does not settle (within about half a degree of the antipode) GeographicLib answers,
one pair at a time. Measured against GeographicLib: direct and inverse within 1 micrometre anywhere.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from keepclear.geo.earth import EP2, EQUATOR_M, FLATTENING, POLAR_M, sin_cos_deg, wrap_deg
from keepclear.geo.units import BoolArray, FloatArray

_N = FLATTENING / (2 - FLATTENING)
_TINY = 1e-300
_SETTLED_RAD = 1e-14
_ROUNDS = 20

# Rows are l = 1..4, columns the powers 0..4 of epsilon.
_A3 = np.array([1.0, -(0.5 - _N / 2), -(0.25 + _N / 8 - 3 * _N**2 / 8), -(1 / 16 + 3 * _N / 16), -3 / 64])
_C3 = np.array(
    [
        [0.0, 0.25 - _N / 4, 1 / 8 - _N**2 / 8, 3 / 64 + 3 * _N / 64, 5 / 128],
        [0.0, 0.0, 1 / 16 - 3 * _N / 32 + _N**2 / 32, 3 / 64 - _N / 32 - 3 * _N**2 / 64, 3 / 128],
        [0.0, 0.0, 0.0, 5 / 192 - 3 * _N / 64 + 5 * _N**2 / 192, 3 / 128],
        [0.0, 0.0, 0.0, 0.0, 7 / 512],
    ]
)
_C1 = np.array(
    [
        [0.0, -1 / 2, 0.0, 3 / 16, 0.0],
        [0.0, 0.0, -1 / 16, 0.0, 1 / 32],
        [0.0, 0.0, 0.0, -1 / 48, 0.0],
        [0.0, 0.0, 0.0, 0.0, -5 / 512],
    ]
)
_C1P = np.array(
    [
        [0.0, 1 / 2, 0.0, -9 / 32, 0.0],
        [0.0, 0.0, 5 / 16, 0.0, -37 / 96],
        [0.0, 0.0, 0.0, 29 / 96, 0.0],
        [0.0, 0.0, 0.0, 0.0, 539 / 1536],
    ]
)
_SERIES = np.concatenate([_C1, _C3, _A3[None], _C1P])


def _series(epsilon: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """C1, C3, A3 and C1' of epsilon, the index l in front."""
    e2 = epsilon * epsilon
    powers = np.stack([np.ones_like(epsilon), epsilon, e2, e2 * epsilon, e2 * e2])
    rows = np.asarray(np.tensordot(_SERIES, powers, 1), dtype=np.float64)
    return rows[0:4], rows[4:8], rows[8], rows[9:13]


def _sine_sum(c: FloatArray, sin_x: FloatArray, cos_x: FloatArray) -> FloatArray:
    """Sum of c[l] sin(2 l x), l = 1..4, by Clenshaw."""
    two_cos = 2 * (cos_x - sin_x) * (cos_x + sin_x)
    b3 = c[2] + two_cos * c[3]
    b2 = c[1] + two_cos * b3 - c[3]
    b1 = c[0] + two_cos * b2 - b3
    result: FloatArray = 2 * sin_x * cos_x * b1
    return result


def _epsilon(cos_alpha0: FloatArray) -> FloatArray:
    k2 = EP2 * cos_alpha0**2
    return k2 / (2 * (1 + np.sqrt(1 + k2)) + k2)


def _distance_scale(epsilon: FloatArray) -> FloatArray:
    """Metres of arc for a radian of sigma: b A1."""
    e2 = epsilon**2
    return POLAR_M * (1 + e2 / 4 + e2**2 / 64) / (1 - epsilon)


@dataclass(frozen=True, slots=True)
class Line:
    """Geodesics from a point on a course: the constants of each, as arrays of one shape. `of` builds it."""

    lon_deg: FloatArray
    sin_alpha0: FloatArray
    cos_alpha0: FloatArray
    omega1: FloatArray
    scale: FloatArray
    tau1: FloatArray
    c1p: FloatArray
    c3: FloatArray
    lon_scale: FloatArray
    i3_1: FloatArray

    @classmethod
    def of(cls, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, azimuth_deg: npt.ArrayLike) -> Self:
        """Geodesics from (lat, lon) on an azimuth clockwise from north, all in degrees; the three broadcast."""
        lat, lon, azimuth = np.broadcast_arrays(
            *(np.asarray(value, dtype=np.float64) for value in (lat_deg, lon_deg, azimuth_deg))
        )
        sin_lat, cos_lat = sin_cos_deg(lat)
        sin_a, cos_a = sin_cos_deg(azimuth)
        # At a pole the reduced latitude keeps a hair of cosine, so that the course still picks a meridian.
        sin_b, cos_b = _unit((1 - FLATTENING) * sin_lat, np.maximum(np.abs(cos_lat), _TINY))
        sin_alpha0, cos_alpha0 = sin_a * cos_b, np.hypot(cos_a, sin_a * sin_b)
        sin_s, cos_s = _unit(sin_b, np.where((sin_b == 0) & (cos_a == 0), 1.0, cos_b * cos_a))
        epsilon = _epsilon(cos_alpha0)
        c1, c3, a3, c1p = _series(epsilon)
        sigma1 = np.arctan2(sin_s, cos_s)
        return cls(
            lon_deg=lon,
            sin_alpha0=sin_alpha0,
            cos_alpha0=cos_alpha0,
            omega1=np.arctan2(sin_alpha0 * sin_s, cos_s),
            scale=_distance_scale(epsilon),
            tau1=sigma1 + _sine_sum(c1, sin_s, cos_s),
            c1p=c1p,
            c3=c3,
            lon_scale=-FLATTENING * sin_alpha0 * a3,
            i3_1=sigma1 + _sine_sum(c3, sin_s, cos_s),
        )

    def take(self, index: npt.ArrayLike | slice) -> "Line":
        """The lines at an index array, for lines held in one dimension."""
        values = {name: getattr(self, name)[..., index] for name in self.__slots__}
        return Line(**values)

    def position(self, distance_m: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Latitude, longitude in [-180, 180) and azimuth there (degrees) after distance_m; negative goes back."""
        sin_s, cos_s, lon = self._arc(distance_m)
        sin_beta = self.cos_alpha0 * sin_s
        cos_beta = np.hypot(self.sin_alpha0, self.cos_alpha0 * cos_s)
        lat = np.degrees(np.arctan2(sin_beta, (1 - FLATTENING) * cos_beta))
        azimuth = np.degrees(np.arctan2(self.sin_alpha0, self.cos_alpha0 * cos_s))
        return lat, wrap_deg(self.lon_deg + np.degrees(lon)), azimuth

    def ecef(self, distance_m: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """The same points earth-centred (m), and the unit vectors along the geodesics there: x, y, z in front."""
        sin_s, cos_s, lon = self._arc(distance_m)
        sin_beta = self.cos_alpha0 * sin_s
        cos_beta = np.maximum(np.hypot(self.sin_alpha0, self.cos_alpha0 * cos_s), _TINY)
        sin_lat, cos_lat = _unit(sin_beta, (1 - FLATTENING) * cos_beta)
        east, north = self.sin_alpha0 / cos_beta, self.cos_alpha0 * cos_s / cos_beta
        lon = np.radians(self.lon_deg) + lon
        sin_lon, cos_lon = np.sin(lon), np.cos(lon)
        point = np.stack([EQUATOR_M * cos_beta * cos_lon, EQUATOR_M * cos_beta * sin_lon, POLAR_M * sin_beta])
        inward = north * sin_lat
        along = np.stack([-east * sin_lon - inward * cos_lon, east * cos_lon - inward * sin_lon, north * cos_lat])
        return point, along

    def _arc(self, distance_m: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Sine and cosine of sigma after distance_m, and the longitude gone by in radians."""
        # tau = sigma + B1(sigma); the reverted series gives sigma of tau (eqs 7, 20, 21).
        tau = np.asarray(distance_m, dtype=np.float64) / self.scale + self.tau1
        sigma = tau + _sine_sum(self.c1p, np.sin(tau), np.cos(tau))
        sin_s, cos_s = np.sin(sigma), np.cos(sigma)
        omega = np.arctan2(self.sin_alpha0 * sin_s, cos_s)
        i3 = sigma + _sine_sum(self.c3, sin_s, cos_s)
        return sin_s, cos_s, omega - self.omega1 + self.lon_scale * (i3 - self.i3_1)


def _unit(y: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    length = np.hypot(y, x)
    return y / length, x / length


def direct(
    lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, azimuth_deg: npt.ArrayLike, distance_m: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where a geodesic from (lat, lon) on an azimuth ends after distance_m: latitude, longitude, azimuth (degrees)."""
    return Line.of(lat_deg, lon_deg, azimuth_deg).position(distance_m)


def inverse(
    lat1_deg: npt.ArrayLike, lon1_deg: npt.ArrayLike, lat2_deg: npt.ArrayLike, lon2_deg: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shortest geodesic between points: metres, azimuth at the first and at the second point (degrees); broadcasts."""
    lat1, lon1, lat2, lon2 = (
        np.array(value, dtype=np.float64) for value in np.broadcast_arrays(lat1_deg, lon1_deg, lat2_deg, lon2_deg)
    )
    sin_b1, cos_b1 = _reduced(lat1)
    sin_b2, cos_b2 = _reduced(lat2)
    lon12 = np.radians(wrap_deg(lon2 - lon1))
    omega, settled = lon12, np.zeros(lat1.shape, dtype=bool)
    for _ in range(_ROUNDS):
        spherical = _sphere(sin_b1, cos_b1, sin_b2, cos_b2, omega)
        following = lon12 - spherical.lon_minus_omega
        settled = np.abs(following - omega) < _SETTLED_RAD
        omega = following
        if np.all(settled | np.isnan(lon12)):
            break
    spherical = _sphere(sin_b1, cos_b1, sin_b2, cos_b2, omega)
    result = spherical.distance_m, np.degrees(spherical.azimuth1), np.degrees(spherical.azimuth2)
    # A longitude driven past half a turn is another geodesic than the shortest.
    doubtful = ~(settled & (np.abs(omega) <= np.pi)) & np.isfinite(lat1 + lon1 + lat2 + lon2)
    return _by_geographiclib(doubtful, (lat1, lon1, lat2, lon2), result)


def distance_m(
    lat1_deg: npt.ArrayLike, lon1_deg: npt.ArrayLike, lat2_deg: npt.ArrayLike, lon2_deg: npt.ArrayLike
) -> FloatArray:
    """Metres of the shortest geodesic between points; broadcasts."""
    return inverse(lat1_deg, lon1_deg, lat2_deg, lon2_deg)[0]


@dataclass(frozen=True, slots=True)
class _Spherical:
    lon_minus_omega: FloatArray
    distance_m: FloatArray
    azimuth1: FloatArray
    azimuth2: FloatArray


def _reduced(lat_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    sin_lat, cos_lat = sin_cos_deg(lat_deg)
    return _unit((1 - FLATTENING) * sin_lat, np.maximum(np.abs(cos_lat), _TINY))


def _sphere(
    sin_b1: FloatArray, cos_b1: FloatArray, sin_b2: FloatArray, cos_b2: FloatArray, omega: FloatArray
) -> _Spherical:
    """The triangle on the auxiliary sphere for a longitude difference omega, and what it means on the ellipsoid."""
    sin_o, cos_o = np.sin(omega), np.cos(omega)
    # cos_b1 sin_b2 - sin_b1 cos_b2 cos_o without the cancellation for near points.
    versed = 2 * np.sin(omega / 2) ** 2
    across = sin_b2 * cos_b1 - cos_b2 * sin_b1
    y1, x1 = cos_b2 * sin_o, across + sin_b1 * cos_b2 * versed
    y2, x2 = cos_b1 * sin_o, across - cos_b1 * sin_b2 * versed
    sin_s12 = np.hypot(y1, x1)
    cos_s12 = sin_b1 * sin_b2 + cos_b1 * cos_b2 * cos_o
    same = sin_s12 == 0
    # Two equal points: any course will do; north keeps the numbers finite.
    sin_a1, cos_a1 = _unit(np.where(same, 0.0, y1), np.where(same, 1.0, x1))
    sin_alpha0 = sin_a1 * cos_b1
    cos_alpha0 = np.hypot(cos_a1, sin_a1 * sin_b1)
    sin_s1, cos_s1 = _unit(sin_b1, np.where((sin_b1 == 0) & (cos_a1 == 0), 1.0, cos_b1 * cos_a1))
    s12 = np.arctan2(sin_s12, cos_s12)
    sin_s2 = sin_s1 * cos_s12 + cos_s1 * sin_s12
    cos_s2 = cos_s1 * cos_s12 - sin_s1 * sin_s12
    epsilon = _epsilon(cos_alpha0)
    c1, c3, a3, _ = _series(epsilon)
    b1 = _sine_sum(c1, sin_s2, cos_s2) - _sine_sum(c1, sin_s1, cos_s1)
    b3 = _sine_sum(c3, sin_s2, cos_s2) - _sine_sum(c3, sin_s1, cos_s1)
    return _Spherical(
        lon_minus_omega=-FLATTENING * sin_alpha0 * a3 * (s12 + b3),
        distance_m=_distance_scale(epsilon) * (s12 + b1),
        azimuth1=np.arctan2(sin_a1, cos_a1),
        azimuth2=np.where(same, 0.0, np.arctan2(y2, x2)),
    )


def _by_geographiclib(
    doubtful: BoolArray, points: tuple[FloatArray, ...], result: tuple[FloatArray, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    answer = tuple(np.array(value, dtype=np.float64) for value in result)
    for place in zip(*np.nonzero(np.atleast_1d(doubtful)), strict=True):
        at = place if doubtful.ndim else ()
        found = _geographiclib().Inverse(*(float(value[at]) for value in points))
        for value, name in zip(answer, ("s12", "azi1", "azi2"), strict=True):
            value[at] = found[name]
    return answer[0], answer[1], answer[2]


@cache
def _geographiclib() -> Any:
    from geographiclib.geodesic import Geodesic  # noqa: PLC0415  paid for only near an antipode

    return Geodesic.WGS84


def to_plane(
    lat0_deg: npt.ArrayLike, lon0_deg: npt.ArrayLike, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """East and north metres in the azimuthal equidistant plane about (lat0, lon0).

    Distance and course from the centre are exact. A distance between two points at most d from the centre is long
    by at most 0.17 (d / R)**2 of itself: 0.0004 % at 30 km, 0.005 % at 100 km, 0.42 % at 1000 km.
    """
    distance, azimuth, _ = inverse(lat0_deg, lon0_deg, lat_deg, lon_deg)
    sin_a, cos_a = sin_cos_deg(azimuth)
    return distance * sin_a, distance * cos_a


def from_plane(
    lat0_deg: npt.ArrayLike, lon0_deg: npt.ArrayLike, east_m: npt.ArrayLike, north_m: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude (degrees) of a point of the plane of `to_plane`."""
    east, north = np.asarray(east_m, dtype=np.float64), np.asarray(north_m, dtype=np.float64)
    lat, lon, _ = direct(lat0_deg, lon0_deg, np.degrees(np.arctan2(east, north)), np.hypot(east, north))
    return lat, lon
