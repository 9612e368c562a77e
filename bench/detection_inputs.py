"""The pictures and areas that detection is measured on: seeded, plain arrays, the same for every method.

The law: whoever reads them needs nothing of keepclear. Altitudes are whole flight levels said in metres, as callers say
them; an area is a ring of (longitude, latitude) with a band and a window. Metres, degrees, and ms from the instant of
the picture.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from geographiclib.geodesic import Geodesic

NM_M: Final = 1_852.0
DEGREE_M: Final = 111_195.0  # of a sphere of 6 371 km
HORIZONTAL_M: Final = 5 * NM_M
VERTICAL_M: Final = 304.8
FLIGHT_LEVEL_M: Final = 30.48
PAIRS_AHEAD_S: Final = 300.0
AREAS_AHEAD_S: Final = 900.0
BOX: Final = (-10.0, 35.0, 30.0, 60.0)  # west, south, east, north
DAY_MS: Final = 86_400_000
_AREAS_DEG: Final = 480 / 60, 700 / 60 / float(np.cos(np.radians(47)))  # 480 NM from south to north, 700 across
AREAS_BOX: Final = (8 - _AREAS_DEG[1] / 2, 47 - _AREAS_DEG[0] / 2, 8 + _AREAS_DEG[1] / 2, 47 + _AREAS_DEG[0] / 2)

Arrays = dict[str, Any]
Aircraft = tuple[float, float, float, float, float, float]  # lat, lon, altitude, speed, course, climb
Pair = tuple[Aircraft, Aircraft]
COLUMNS: Final = ("lat_deg", "lon_deg", "alt_m", "speed_mps", "course_deg", "climb_mps")


def picture(count: int) -> Arrays:
    """Aircraft uniform over 35-60N 10W-30E, FL100-FL400, 290-505 kt, two in five climbing or descending."""
    draw = np.random.default_rng(count)
    west, south, east, north = BOX
    return {
        "lat_deg": draw.uniform(south, north, count),
        "lon_deg": draw.uniform(west, east, count),
        "alt_m": draw.integers(100, 400, count) * FLIGHT_LEVEL_M,
        "speed_mps": draw.uniform(150, 260, count),
        "course_deg": draw.uniform(0, 360, count),
        "climb_mps": draw.choice([-10.0, 0.0, 0.0, 0.0, 8.0], count),
    }


def picture_over_areas(count: int) -> Arrays:
    """The same aircraft, over where the areas lie."""
    made = picture(count)
    for column, low, high in (("lat_deg", 1, 3), ("lon_deg", 0, 2)):
        share = (made[column] - BOX[low]) / (BOX[high] - BOX[low])
        made[column] = AREAS_BOX[low] + share * (AREAS_BOX[high] - AREAS_BOX[low])
    return made


def areas(count: int, seed: int = 1, within: tuple[float, float, float, float] = AREAS_BOX) -> Arrays:
    """Rings of 3-12 corners, 2-20 NM across, 10-90 min within 24 h, 3 000 ft thick; over 700 x 480 NM at 47N 8E."""
    draw = np.random.default_rng([seed, count])
    west, south, east, north = within
    lat, lon = draw.uniform(south, north, count), draw.uniform(west, east, count)
    radius_deg = draw.uniform(1, 10, count) / 60
    corners = draw.integers(3, 13, count)
    rings = [_ring(draw, *each) for each in zip(lon, lat, radius_deg, corners, strict=True)]
    lower = draw.integers(0, 120, count) * 100 * 0.3048
    start = draw.integers(0, DAY_MS, count)
    return {
        "points": np.concatenate(rings) if rings else np.empty((0, 2)),
        "first": np.cumsum([0, *corners]),
        "lower_m": lower,
        "upper_m": lower + 3_000 * 0.3048,
        "start_ms": start,
        "end_ms": start + draw.integers(10 * 60_000, 90 * 60_000, count),
    }


def _ring(draw: np.random.Generator, lon: float, lat: float, radius_deg: float, corners: int) -> Any:
    """A ring about a place, seldom convex, never crossing itself: its corners go round in order."""
    angle = 2 * np.pi * (np.arange(corners) + draw.uniform(0.1, 0.9, corners)) / corners
    far = radius_deg * draw.uniform(0.5, 1, corners)
    return np.stack([lon + far * np.sin(angle) / np.cos(np.radians(lat)), lat + far * np.cos(angle)], axis=1)


def cases() -> tuple[Arrays, list[tuple[str, bool, int, int]]]:
    """Pairs with a known answer, a pair a row; and for each kind its name, the answer, and its rows from and to."""
    rows: list[Pair] = []
    kinds = []
    for name, is_loss, make in _KINDS:
        made = make()
        kinds.append((name, is_loss, len(rows), len(rows) + len(made)))
        rows += made
    columns = np.array(rows, dtype=np.float64)
    arrays = {name: columns[:, :, at] for at, name in enumerate(COLUMNS)}
    return arrays | {"case": np.arange(len(rows))}, kinds


def _thousand_feet() -> list[Pair]:
    low = [((47.0, 8.0, level * FLIGHT_LEVEL_M, 230.0, 90.0, 0.0)) for level in range(601)]
    high = [((47.0, 8.01, (level + 10) * FLIGHT_LEVEL_M, 220.0, 270.0, 0.0)) for level in range(601)]
    return [*zip(low, high, strict=True), *zip(high, low, strict=True)]


def _beside(apart_m: float) -> list[Pair]:
    """So far apart now, and no nearer after: one hovers, the other flies across the line between them."""
    made = []
    for lat, lon, azimuth in zip(*_spread(300), strict=True):
        there = Geodesic.WGS84.Direct(lat, lon, azimuth, apart_m)
        across = (there["lat2"], there["lon2"], 9_144.0, 200.0, (there["azi2"] + 90) % 360, 0.0)
        made.append(((lat, lon, 9_144.0, 0.0, 0.0, 0.0), across))
    return made


def _closing(loss_at_s: float) -> list[Pair]:
    """Two head-on along one geodesic, 5 NM apart after so many seconds."""
    made = []
    for lat, lon, azimuth in zip(*_spread(100), strict=True):
        way = Geodesic.WGS84.Direct(lat, lon, azimuth, HORIZONTAL_M + 2 * 230.0 * loss_at_s)
        one = (lat, lon, 9_144.0, 230.0, azimuth, 0.0)
        made.append((one, (way["lat2"], way["lon2"], 9_144.0, 230.0, (way["azi2"] + 180) % 360, 0.0)))
    return made


def _spread(count: int) -> tuple[list[float], list[float], list[float]]:
    draw = np.random.default_rng(count)
    low, high = [-70, -170, 0], [70, 170, 360]
    lat, lon, azimuth = draw.uniform(low, high, (count, 3)).T.tolist()
    return lat, lon, azimuth


def _formation() -> list[Pair]:
    """One velocity, 0.4 NM abeam, on every tenth course."""
    return [
        ((47.0, 8.0, 6_096.0, 200.0, float(course), 0.0), (47.0 + 0.4 / 60, 8.0, 6_096.0, 200.0, float(course), 0.0))
        for course in range(0, 360, 10)
    ]


def _antimeridian() -> list[Pair]:
    return [
        ((float(lat), 179.8, 9_144.0, 230.0, 90.0, 0.0), (float(lat), -179.8, 9_144.0, 230.0, 270.0, 0.0))
        for lat in range(-80, 81, 5)
    ]


def _poles() -> list[Pair]:
    """Head-on over a pole from half a degree away on either side, on every tenth meridian."""
    return [
        ((lat, float(lon), 9_144.0, 230.0, course, 0.0), (lat, float(lon) - 180, 9_144.0, 230.0, course, 0.0))
        for lat, course in ((89.5, 0.0), (-89.5, 180.0))
        for lon in range(0, 180, 10)
    ]


def _hovering() -> list[Pair]:
    return [
        ((float(lat), 8.0, 300.0, 0.0, 0.0, 0.0), (lat + 1 / 60, 8.0, 300.0, 0.0, 0.0, 0.0))
        for lat in range(-80, 81, 10)
    ]


def _onto_each_other() -> list[Pair]:
    """Both hover half a mile apart, 3 000 ft between them, one descends at 1 500 ft/min."""
    return [
        ((float(lat), 8.0, 300.0, 0.0, 0.0, 0.0), (lat + 0.5 / 60, 8.0, 300.0 + 914.4, 0.0, 0.0, -7.62))
        for lat in range(-80, 81, 10)
    ]


_KINDS: Final[tuple[tuple[str, bool, Callable[[], list[Pair]]], ...]] = (
    ("exactly 1000 ft apart, FL0 to FL600, each way round", False, _thousand_feet),
    ("exactly 5 NM apart", False, lambda: _beside(HORIZONTAL_M)),
    ("5 NM less 10 m", True, lambda: _beside(HORIZONTAL_M - 10)),
    ("5 NM and 10 m", False, lambda: _beside(HORIZONTAL_M + 10)),
    ("head-on, 5 NM apart after 299.9 s", True, lambda: _closing(PAIRS_AHEAD_S - 0.1)),
    ("head-on, 5 NM apart after 300.1 s", False, lambda: _closing(PAIRS_AHEAD_S + 0.1)),
    ("formation, one velocity, 0.4 NM", True, _formation),
    ("head-on across the antimeridian", True, _antimeridian),
    ("head-on over a pole", True, _poles),
    ("both hover, 1 NM apart", True, _hovering),
    ("both hover, one comes down onto the other", True, _onto_each_other),
)
