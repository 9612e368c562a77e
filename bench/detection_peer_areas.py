"""How others find which areas meet and which aircraft enter them: shapely's STRtree in two dimensions, the rest after.

The law: as detection_peers.py; the polygons stand ready before the clock starts, their tree for all pairs does not.
Edges are straight in (longitude, latitude) for both sides, so what shapely says of two areas is exact and judges ours.
`judge` says who is right about an aircraft and an area: PROJ's geodesic, tried 500 times a second.
"""

from typing import Any, Final

import numpy as np
import pyproj
import shapely

from bench.detection_child import Arrays, Read, Work, pairs

DEGREE_M: Final = 111_195.0
AHEAD_S: Final = 900.0
TRIED_S: Final = (0.1, 0.002)  # the second only where the first finds nothing: 0.5 m at 500 kt
ROUNDING_M: Final = 1e-6  # a limit exactly at a limit is no meeting, whatever a float makes of it
INSIDE: Final = "T********"  # the interiors have something in common


def areas_meet(arrays: Arrays) -> tuple[Work, Read]:
    """All pairs of areas that meet."""
    polygons = _polygons(arrays, "")
    return lambda: _meeting(arrays, polygons), lambda found: pairs(*found)


def _meeting(arrays: Arrays, polygons: Any) -> tuple[Any, Any]:
    i, j = shapely.STRtree(polygons).query(polygons)
    first = i < j
    i, j = i[first], j[first]
    both = _bands_meet(arrays, i, arrays, j, "")
    i, j = i[both], j[both]
    return _exactly(polygons, i, polygons, j)


def one_against_many(arrays: Arrays) -> tuple[Work, Read]:
    """Each new area against those that stand, one after another; their tree stands too."""
    standing, new = _polygons(arrays, ""), _polygons(arrays, "new_")
    tree = shapely.STRtree(standing)

    def ask() -> list[Any]:
        found = []
        for k in range(len(new)):
            i = tree.query(new[k])
            both = _bands_meet(arrays, i, arrays, np.full(len(i), k), "new_")
            found.append(_exactly(standing, i[both], new, np.full(np.count_nonzero(both), k)))
        return found

    return ask, lambda found: np.concatenate([np.stack(columns, axis=1) for columns in found])


def entries(arrays: Arrays) -> tuple[Work, Read]:
    """Which aircraft enter which areas: straight ways cut by shapely, then height and time at both ends of the cut."""
    polygons = _polygons(arrays, "")
    tree = shapely.STRtree(polygons)
    return lambda: _entered(arrays, polygons, tree), lambda rows: rows


def _entered(arrays: Arrays, polygons: Any, tree: Any) -> Any:
    course, lat, lon = np.radians(arrays["course_deg"]), arrays["lat_deg"], arrays["lon_deg"]
    speed, alt, climb = arrays["speed_mps"], arrays["alt_m"], arrays["climb_mps"]
    end_lon = lon + speed * np.sin(course) * AHEAD_S / (DEGREE_M * np.cos(np.radians(lat)))
    end_lat = lat + speed * np.cos(course) * AHEAD_S / DEGREE_M
    ways = shapely.linestrings(np.stack([np.stack([lon, lat], -1), np.stack([end_lon, end_lat], -1)], axis=1))
    i, j = tree.query(ways)
    low, up = np.minimum(alt, alt + climb * AHEAD_S), np.maximum(alt, alt + climb * AHEAD_S)
    near = (low[i] < arrays["upper_m"][j]) & (up[i] >= arrays["lower_m"][j])
    near &= (arrays["start_ms"][j] < 1000 * AHEAD_S) & (arrays["end_ms"][j] > 0)
    i, j = i[near], j[near]
    cross = shapely.intersects(ways[i], polygons[j])
    i, j = i[cross], j[cross]
    cuts = shapely.intersection(ways[i], polygons[j])
    part, of = shapely.get_parts(cuts, return_index=True)
    i, j = i[of], j[of]
    whole = shapely.length(ways[i])
    begin = shapely.line_locate_point(ways[i], shapely.get_point(part, 0)) / whole * AHEAD_S
    end = shapely.line_locate_point(ways[i], shapely.get_point(part, -1)) / whole * AHEAD_S
    begin = np.maximum(begin, arrays["start_ms"][j] / 1000)
    end = np.minimum(end, arrays["end_ms"][j] / 1000)
    first, last = alt[i] + climb[i] * begin, alt[i] + climb[i] * end
    inside = (begin < end) & (np.minimum(first, last) < arrays["upper_m"][j])
    inside &= np.maximum(first, last) >= arrays["lower_m"][j]
    return np.unique(np.stack([i[inside], j[inside]], axis=1), axis=0)


def judge(arrays: Arrays) -> tuple[Work, Read]:
    """Of the aircraft and areas in `asked`, those that truly meet."""
    return lambda: _truly(arrays), lambda rows: rows


def _truly(arrays: Arrays) -> Any:
    polygons = _polygons(arrays, "")
    asked = arrays["asked"].tolist()
    met = [(i, j) for i, j in asked if any(_inside(arrays, i, j, polygons[j], tried_s) for tried_s in TRIED_S)]
    return np.array(met, dtype=np.int64).reshape(-1, 2)


def _inside(arrays: Arrays, i: int, j: int, polygon: Any, tried_s: float) -> bool:
    time = np.arange(0.0, AHEAD_S, tried_s)
    alt = arrays["alt_m"][i] + arrays["climb_mps"][i] * time
    within = (arrays["lower_m"][j] <= alt + ROUNDING_M) & (alt < arrays["upper_m"][j] - ROUNDING_M)
    within &= (arrays["start_ms"][j] <= 1000 * time) & (1000 * time < arrays["end_ms"][j])
    time = time[within]
    at = [np.full(len(time), arrays[name][i]) for name in ("lon_deg", "lat_deg", "course_deg")]
    lon, lat, _ = pyproj.Geod(ellps="WGS84").fwd(*at, arrays["speed_mps"][i] * time)
    return bool(np.any(shapely.contains_xy(polygon, lon, lat)))


def _polygons(arrays: Arrays, prefix: str) -> Any:
    points, first = arrays[f"{prefix}points"], arrays[f"{prefix}first"]
    counts = np.diff(first)
    ring = np.repeat(np.arange(len(counts)), counts)
    return shapely.polygons(shapely.linearrings(points, indices=ring))


def _bands_meet(a: Arrays, i: Any, b: Arrays, j: Any, prefix: str) -> Any:
    meet = (a["start_ms"][i] < b[f"{prefix}end_ms"][j]) & (b[f"{prefix}start_ms"][j] < a["end_ms"][i])
    low = np.maximum(a["lower_m"][i], b[f"{prefix}lower_m"][j])
    up = np.minimum(a["upper_m"][i], b[f"{prefix}upper_m"][j])
    return meet & (low < up - ROUNDING_M)


def _exactly(a: Any, i: Any, b: Any, j: Any) -> tuple[Any, Any]:
    touch = shapely.intersects(a[i], b[j])
    i, j = i[touch], j[touch]
    meet = shapely.relate_pattern(a[i], b[j], INSIDE)
    return i[meet], j[meet]
