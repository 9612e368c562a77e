"""Areas: when flights are truly inside areas, by brute force: PROJ for where they are, shapely for which side.

The law: a stretch of flight counts as inside or outside only if it is proved to touch no border: a box about its
middle, as large as the flight can go from there, holds none (of circles and corridors: the distance to the border is
longer than the way). Stretches are halved until they are, or are shorter than 20 m: those are looked at place by place.
Edges are straight in (longitude, latitude).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely

from sim.detect.flights import Bools, Flights, Floats, Ints, inverse

SHORT_M = 20.0
SHORT_S = 1e-3
_LEAST_DEGREE_M = 110_500.0
_LEAST_PARALLEL_M = 111_300.0
_ROUNDS = 40
_GOLDEN = (np.sqrt(5) - 1) / 2
_PLACES = np.linspace(0, 1, 17)[:, None, None]


class Area(Protocol):
    """An area as the judge holds it."""

    def inside(self, lat: Floats, lon: Floats) -> Bools:
        """Which points are inside."""

    def clear_of_border(self, lat: Floats, lon: Floats, way_m: Floats) -> Bools:
        """At which points it is proved that the border is farther than way_m."""

    def to_border_m(self, lat: Floats, lon: Floats) -> Floats:
        """Metres to the border, never too few, and right to a percent within a few kilometres of it."""


def run_on(lon: Floats) -> Floats:
    """Longitudes that run on across the antimeridian, each the short way from the one before; whole turns only."""
    return lon - 360 * np.cumsum(np.round(np.diff(lon, prepend=lon[0]) / 360))


@dataclass(frozen=True)
class Ring:
    """A polygon: a shapely polygon in degrees that runs on across the antimeridian."""

    polygon: Any
    border: Any
    middle: float

    @classmethod
    def of(cls, points: Floats) -> "Ring":
        """From (n, 2) longitudes and latitudes, the short way from each to the next."""
        lon = run_on(points[:, 0])
        polygon = shapely.Polygon(np.stack([lon, points[:, 1]], axis=1))
        border = polygon.boundary
        shapely.prepare(polygon)
        shapely.prepare(border)
        return cls(polygon, border, float(lon.min() + lon.max()) / 2)

    def _turns(self, lon: Floats) -> tuple[Floats, Floats]:
        """The longitudes next to the polygon, on either side of it."""
        near = lon + 360 * np.round((self.middle - lon) / 360)
        return near, np.where(near > self.middle, near - 360, near + 360)

    def inside(self, lat: Floats, lon: Floats) -> Bools:
        one, two = self._turns(lon)
        result: Bools = shapely.contains_xy(self.polygon, one, lat) | shapely.contains_xy(self.polygon, two, lat)
        return result

    def clear_of_border(self, lat: Floats, lon: Floats, way_m: Floats) -> Bools:
        high = way_m / _LEAST_DEGREE_M + 1e-12
        top = np.minimum(np.abs(lat) + high, 90.0)
        wide = np.minimum(way_m / (_LEAST_PARALLEL_M * np.maximum(np.cos(np.radians(top)), 1e-9)) + 1e-12, 360.0)
        low_x, low_y, high_x, high_y = self.polygon.bounds
        clear = np.ones(len(lat), dtype=bool)
        for turned in self._turns(lon):
            meets = (
                (turned + wide >= low_x) & (turned - wide <= high_x) & (lat + high >= low_y) & (lat - high <= high_y)
            )
            k = np.nonzero(meets)[0]
            box = shapely.box(turned[k] - wide[k], lat[k] - high[k], turned[k] + wide[k], lat[k] + high[k])
            clear[k] &= ~shapely.intersects(self.border, box)
        return clear

    def to_border_m(self, lat: Floats, lon: Floats) -> Floats:
        corners = shapely.get_coordinates(self.border)
        ax, ay, bx, by = (column[:, None] for column in (*corners[:-1].T, *corners[1:].T))
        least = np.full(len(lat), np.inf)
        for turned in self._turns(lon):
            # Longitudes shrunk as they are at the point, so that near is near.
            shrink = np.maximum(np.cos(np.radians(lat)), 1e-6)
            ex, ey, px, py = (bx - ax) * shrink, by - ay, (turned - ax) * shrink, lat - ay
            u = np.clip((px * ex + py * ey) / np.maximum(ex**2 + ey**2, 1e-300), 0, 1)
            best = np.argmin(np.hypot(px - u * ex, py - u * ey), axis=0)
            u = u[best, np.arange(len(lat))]
            x, y = (a[best, 0] + u * (b - a)[best, 0] for a, b in ((ax, bx), (ay, by)))
            least = np.minimum(least, inverse(lat, lon, y, x)[0])
        return least


@dataclass(frozen=True)
class Disc:
    """A circle of geodesic metres."""

    lat: float
    lon: float
    radius_m: float

    def _away_m(self, lat: Floats, lon: Floats) -> Floats:
        return inverse(np.full(len(lat), self.lat), np.full(len(lat), self.lon), lat, lon)[0]

    def inside(self, lat: Floats, lon: Floats) -> Bools:
        return self._away_m(lat, lon) < self.radius_m

    def clear_of_border(self, lat: Floats, lon: Floats, way_m: Floats) -> Bools:
        return np.abs(self._away_m(lat, lon) - self.radius_m) > way_m

    def to_border_m(self, lat: Floats, lon: Floats) -> Floats:
        return np.abs(self._away_m(lat, lon) - self.radius_m)


@dataclass(frozen=True)
class Strip:
    """A corridor: nearer than half its width to a line that is straight in degrees between its points."""

    points: Floats
    half_m: float

    def _legs(self, lat: Floats, lon: Floats, u: Floats) -> Floats:
        """Metres from points to the places u along each leg; u broadcasts to (.., legs, points)."""
        x, y = run_on(self.points[:, 0])[:, None], self.points[:, 1:]
        return inverse(lat, lon, y[:-1] + u * (y[1:] - y[:-1]), x[:-1] + u * (x[1:] - x[:-1]))[0]

    def _away_m(self, lat: Floats, lon: Floats) -> Floats:
        """Metres to the line: on each leg by golden section about the nearest of 17 places."""
        shape = len(self.points) - 1, len(lat)
        best = np.argmin(self._legs(lat, lon, np.broadcast_to(_PLACES, (17, *shape))), axis=0)
        low, high = np.maximum(best - 1, 0) / 16, np.minimum(best + 1, 16) / 16
        one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        at_one, at_two = self._legs(lat, lon, one), self._legs(lat, lon, two)
        for _ in range(24):
            left = at_one < at_two
            low, high = np.where(left, low, one), np.where(left, two, high)
            fresh = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
            at_fresh = self._legs(lat, lon, fresh)
            one, two = np.where(left, fresh, two), np.where(left, one, fresh)
            at_one, at_two = np.where(left, at_fresh, at_two), np.where(left, at_one, at_fresh)
        ends = self._legs(lat, lon, np.stack([np.zeros(shape), np.ones(shape)]))
        result: Floats = np.concatenate([[np.minimum(at_one, at_two)], ends]).min(axis=(0, 1))
        return result

    def inside(self, lat: Floats, lon: Floats) -> Bools:
        return self._away_m(lat, lon) < self.half_m

    def clear_of_border(self, lat: Floats, lon: Floats, way_m: Floats) -> Bools:
        # The line is nowhere farther than this from one of its places, so that most need no finer search.
        step = (
            self._legs(
                self.points[:-1, 1][:, None], self.points[:-1, :1], np.full((len(self.points) - 1, 1), 1 / 32)
            ).max()
            * 1.2
        )
        rough = self._legs(lat, lon, np.broadcast_to(_PLACES, (17, len(self.points) - 1, len(lat)))).min(axis=(0, 1))
        clear = rough - step - self.half_m > way_m
        k = np.nonzero(~clear)[0]
        clear[k] = np.abs(self._away_m(lat[k], lon[k]) - self.half_m) > way_m[k]
        return clear

    def to_border_m(self, lat: Floats, lon: Floats) -> Floats:
        return np.abs(self._away_m(lat, lon) - self.half_m)


@dataclass(frozen=True)
class Stretches:
    """Stretches of flights beside one area (s), in no order: inside or outside, and proved or too short to tell."""

    flight: Ints
    begin: Floats
    end: Floats
    inside: Bools
    proved: Bools


def stretches(area: Area, flights: Flights, flight: Ints, first: Floats, last: Floats) -> Stretches:
    """The flights of a list between times, in stretches; those with first >= last have none."""
    real = first < last
    flight, begin, end = flight[real], first[real], last[real]
    done: list[tuple[Ints, Floats, Floats, Bools, Bools]] = []
    for _ in range(_ROUNDS):
        middle = (begin + end) / 2
        lat, lon = flights.at(flight, middle)
        way = flights.speed_mps[flight] * (end - begin)
        proved = area.clear_of_border(lat, lon, way / 2)
        settled = proved | (way < SHORT_M) | (end - begin < SHORT_S)
        where = np.nonzero(settled)[0]
        done.append((flight[where], begin[where], end[where], area.inside(lat[where], lon[where]), proved[where]))
        go = np.nonzero(~settled)[0]
        if not go.size:
            break
        flight, begin, middle, end = np.tile(flight[go], 2), begin[go], middle[go], end[go]
        begin, end = np.concatenate([begin, middle]), np.concatenate([middle, end])
    else:
        raise RuntimeError(f"{len(flight)} stretches were not settled")
    return Stretches(*(np.concatenate(column) for column in zip(*done, strict=True)))
