"""How long detection takes, beside shapely's tree with flat arithmetic in numpy.

The law: the same seeded aircraft and areas for both, each from arrays to findings. The peer reckons in one flat
frame with the longitude scaled at each pair's own latitude, as detection is often written, and answers less: the times
alone, no distances, no errors, no different altitude references, no antimeridian, no poles. Where the two differ on a
pair, GeographicLib says who is right.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely
from geographiclib.geodesic import Geodesic

from bench import Table, figure, median_ms
from keepclear.geo.altitude import AltRef
from keepclear.geo.conflict import conflicts
from keepclear.geo.encounter import encounters
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS, BoolArray, FloatArray
from keepclear.geo.volume import Polygon, Volume
from keepclear.geo.volumes import Volumes

COUNTS: Final = (50, 100, 500, 1_000, 5_000, 10_000)
AREAS: Final = 1_000
BOX: Final = (-10.0, 35.0, 30.0, 60.0)  # west, south, east, north
NM_M: Final = 1_852.0
DEGREE_M: Final = 111_195.0  # of a sphere of 6 371 km
HORIZONTAL_M: Final = 5 * NM_M
VERTICAL_M: Final = 304.8
ROUNDING_M: Final = 1e-6  # for the peer too: exactly 1000 ft is separated, whatever a float makes of it
PAIRS_AHEAD_MS: Final = 300_000
AREAS_AHEAD_MS: Final = 900_000


def tables() -> Iterator[Table]:
    """Tracks against tracks, and tracks against areas, by the number of tracks."""
    yield Table(
        f"tracks against tracks: 5 NM and 1000 ft within {PAIRS_AHEAD_MS // 1000} s, uniform over 35-60N 10W-30E",
        ["tracks", "ours ms", "tree + flat ms", "ours / flat", "pairs", "flat only", "ours only", "we are right"],
        [_pairs_row(count) for count in COUNTS],
    )
    areas = _areas()
    held = Volumes.of(areas)
    yield Table(
        f"tracks against {AREAS} areas of 2-20 NM, time to enter and to clear within {AREAS_AHEAD_MS // 1000} s "
        f"(taking the areas up: {figure(median_ms(lambda: Volumes.of(areas), runs=3))} ms, once)",
        ["tracks", "ours ms", "tree + flat ms", "ours / flat", "entries", "flat entries"],
        [_areas_row(count, areas, held) for count in COUNTS],
    )


def _pairs_row(count: int) -> list[str]:
    tracks = _tracks(count)
    ours = median_ms(lambda: conflicts(tracks, HORIZONTAL_M, VERTICAL_M, PAIRS_AHEAD_MS, 0))
    flat = median_ms(lambda: _flat_pairs(tracks))
    found, flat_found = _our_pairs(tracks), _flat_pairs(tracks)
    disputed = found ^ flat_found
    with_us = sum(((i, j) in found) == _is_loss(tracks, i, j) for i, j in disputed)
    return [
        f"{count:,}", figure(ours), figure(flat), figure(ours / flat),
        f"{len(found):,}", f"{len(flat_found - found)}", f"{len(found - flat_found)}", f"{with_us} of {len(disputed)}",
    ]  # fmt: skip


def _areas_row(count: int, areas: list[Volume], held: Volumes) -> list[str]:
    tracks = _tracks(count)
    rings = shapely.polygons([area.shape.ring for area in areas if isinstance(area.shape, Polygon)])
    tree = shapely.STRtree(rings)
    bands = np.array([[area.lower_m, area.upper_m] for area in areas], dtype=np.float64)
    ours = median_ms(lambda: encounters(tracks, held, 0, AREAS_AHEAD_MS))
    flat = median_ms(lambda: _flat_entries(tracks, tree, rings, bands))
    found = int(np.sum(encounters(tracks, held, 0, AREAS_AHEAD_MS).enter_ms < NEVER_MS))
    flat_found = _flat_entries(tracks, tree, rings, bands)
    return [f"{count:,}", figure(ours), figure(flat), figure(ours / flat), f"{found:,}", f"{flat_found:,}"]


def _tracks(count: int) -> Tracks:
    draw = np.random.default_rng(count)
    west, south, east, north = BOX
    return Tracks.of(
        lat_deg=draw.uniform(south, north, count),
        lon_deg=draw.uniform(west, east, count),
        alt_m=draw.integers(100, 400, count) * 30.48,
        ground_speed_mps=draw.uniform(150, 260, count),
        track_deg=draw.uniform(0, 360, count),
        vertical_rate_mps=draw.choice([-10.0, 0.0, 0.0, 0.0, 8.0], count),
    )


def _areas() -> list[Volume]:
    draw = np.random.default_rng(AREAS)
    west, south, east, north = BOX
    return [
        Volume(_hexagon(lon, lat, radius_nm * NM_M / DEGREE_M), low, low + 3_000, AltRef.STD, AltRef.STD)
        for lon, lat, radius_nm, low in zip(
            draw.uniform(west, east, AREAS),
            draw.uniform(south, north, AREAS),
            draw.uniform(2, 20, AREAS),
            draw.uniform(0, 9_000, AREAS),
            strict=True,
        )
    ]


def _hexagon(lon: float, lat: float, radius_deg: float) -> Polygon:
    angles = np.radians(np.arange(0, 360, 60))
    east, north = radius_deg * np.sin(angles) / np.cos(np.radians(lat)), radius_deg * np.cos(angles)
    return Polygon(tuple(zip((lon + east).tolist(), (lat + north).tolist(), strict=True)))


def _our_pairs(tracks: Tracks) -> set[tuple[int, int]]:
    found = conflicts(tracks, HORIZONTAL_M, VERTICAL_M, PAIRS_AHEAD_MS, 0)
    return set(zip(found.i.tolist(), found.j.tolist(), strict=True))


def _is_loss(tracks: Tracks, i: int, j: int) -> bool:
    """Whether a pair loses separation, by GeographicLib alone, looked at every half second."""
    lat, lon, course, speed, alt, climb = (
        column[[i, j]].tolist()
        for column in (
            tracks.lat_deg, tracks.lon_deg, tracks.track_deg, tracks.ground_speed_mps, tracks.alt_m,
            tracks.vertical_rate_mps,
        )
    )  # fmt: skip
    for half in range(PAIRS_AHEAD_MS // 500):
        s = half / 2
        at = [Geodesic.WGS84.Direct(lat[k], lon[k], course[k], speed[k] * s) for k in (0, 1)]
        apart_m = Geodesic.WGS84.Inverse(at[0]["lat2"], at[0]["lon2"], at[1]["lat2"], at[1]["lon2"])["s12"]
        high_m = abs(alt[0] - alt[1] + (climb[0] - climb[1]) * s)
        if apart_m < HORIZONTAL_M and high_m < VERTICAL_M - ROUNDING_M:
            return True
    return False


def _flat_pairs(tracks: Tracks) -> set[tuple[int, int]]:
    """The pairs that a tree of the ways flown and the closest approach in a flat frame find."""
    lon, lat, east, north = _flat(tracks)
    ahead_s = PAIRS_AHEAD_MS / 1000
    wide = HORIZONTAL_M / DEGREE_M / np.cos(np.radians(lat)) / 2
    high = HORIZONTAL_M / DEGREE_M / 2
    end_lon, end_lat = lon + east * ahead_s, lat + north * ahead_s
    boxes = shapely.box(
        np.minimum(lon, end_lon) - wide, np.minimum(lat, end_lat) - high,
        np.maximum(lon, end_lon) + wide, np.maximum(lat, end_lat) + high,
    )  # fmt: skip
    i, j = shapely.STRtree(boxes).query(boxes)
    i, j = i[i < j], j[i < j]
    scale = DEGREE_M * np.cos(np.radians((lat[i] + lat[j]) / 2))
    x, y = (lon[i] - lon[j]) * scale, (lat[i] - lat[j]) * DEGREE_M
    u, v = (east[i] - east[j]) * scale, (north[i] - north[j]) * DEGREE_M
    a, b, c = u * u + v * v, x * u + y * v, x * x + y * y - HORIZONTAL_M**2
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    within, begin, end = b * b > a * c, (-b - root) / a, (-b + root) / a
    apart, climb = tracks.alt_m[i] - tracks.alt_m[j], tracks.vertical_rate_mps[i] - tracks.vertical_rate_mps[j]
    low, up = _crossings(apart, climb, VERTICAL_M - ROUNDING_M)
    begin, end = np.maximum(np.maximum(begin, low), 0.0), np.minimum(np.minimum(end, up), ahead_s)
    lost = within & (begin < end)
    return set(zip(np.minimum(i, j)[lost].tolist(), np.maximum(i, j)[lost].tolist(), strict=True))


def _crossings(apart: FloatArray, climb: FloatArray, limit_m: float) -> tuple[FloatArray, FloatArray]:
    """From when until when |apart + climb t| is below a limit."""
    level: BoolArray = climb == 0
    safe = np.where(level, 1.0, climb)
    one, two = (-limit_m - apart) / safe, (limit_m - apart) / safe
    near = np.abs(apart) < limit_m
    low = np.where(level, np.where(near, -np.inf, np.inf), np.minimum(one, two))
    return low, np.where(level, np.where(near, np.inf, -np.inf), np.maximum(one, two))


def _flat_entries(tracks: Tracks, tree: Any, rings: Any, bands: FloatArray) -> int:
    """How many (track, area) meet: straight ways cut by shapely, then height at both ends of each cut."""
    lon, lat, east, north = _flat(tracks)
    ahead_s = AREAS_AHEAD_MS / 1000
    ways = shapely.linestrings(
        np.stack([lon, lon + east * ahead_s, lat, lat + north * ahead_s], -1).reshape(-1, 2, 2).swapaxes(1, 2)
    )
    i, area = tree.query(ways, predicate="intersects")
    cuts = shapely.intersection(ways[i], rings[area])
    whole = shapely.length(ways[i])
    begin = shapely.line_locate_point(ways[i], shapely.get_point(cuts, 0)) / whole * ahead_s
    end = shapely.line_locate_point(ways[i], shapely.get_point(cuts, -1)) / whole * ahead_s
    high = tracks.alt_m[i], tracks.alt_m[i] + tracks.vertical_rate_mps[i] * ahead_s
    first, last = (high[0] + (high[1] - high[0]) * t / ahead_s for t in (begin, end))
    low, up = bands[area].T
    return int(np.sum((begin < end) & (np.minimum(first, last) < up) & (np.maximum(first, last) >= low)))


def _flat(tracks: Tracks) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Positions in degrees and velocities in degrees a second, each at its own latitude."""
    course, lat = np.radians(tracks.track_deg), np.radians(tracks.lat_deg)
    east = tracks.ground_speed_mps * np.sin(course) / (DEGREE_M * np.cos(lat))
    return tracks.lon_deg, tracks.lat_deg, east, tracks.ground_speed_mps * np.cos(course) / DEGREE_M
