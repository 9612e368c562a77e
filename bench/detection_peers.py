"""How others find conflicts: BlueSky as it comes, and a tree with flat arithmetic, as detection is often written.

The law: runs in .venv-bench only, in a process of its own, and imports nothing of keepclear. BlueSky's detection is
called as BlueSky calls it, with its traffic arrays; only the package that would load the whole simulator is stepped
round. The trees are ours to write, so they are written with care for their speed: every filter before the closest
approach, and a guard of a micrometre so that no float calls exactly 1000 ft a loss. `reference` is no peer: it is the
judge, by PROJ's geodesics and whole centimetres, slow and sure.
"""

import sys
from functools import partial
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import numpy as np
import pyproj
import shapely
from scipy.spatial import cKDTree

from bench import detection_peer_areas as areas
from bench.detection_child import Arrays, Prepare, Read, Work, pairs, serve

HORIZONTAL_M: Final = 9_260.0
VERTICAL_M: Final = 304.8
AHEAD_S: Final = 300.0
DEGREE_M: Final = 111_195.0
RADIUS_M: Final = 6_371_000.0
ROUNDING_M: Final = 1e-6
UNDECIDED_M: Final = 1e-3  # of horizontal distance: nearer to the limit than this either answer is right
GOLDEN: Final = (5**0.5 - 1) / 2


def _bluesky(compiled: bool, arrays: Arrays) -> tuple[Work, Read]:
    # bluesky.traffic would load the simulator; its detection needs none of it.
    spec = find_spec("bluesky")
    assert spec is not None
    assert spec.submodule_search_locations
    traffic = ModuleType("bluesky.traffic")
    traffic.__path__ = [f"{spec.submodule_search_locations[0]}/traffic"]
    sys.modules.setdefault("bluesky.traffic", traffic)
    from bluesky.traffic.asas import cstatebased, statebased  # noqa: PLC0415  in .venv-bench only

    count = len(arrays["lat_deg"])
    aircraft = SimpleNamespace(
        ntraf=count, id=list(range(count)), lat=arrays["lat_deg"], lon=arrays["lon_deg"], trk=arrays["course_deg"],
        gs=arrays["speed_mps"], alt=arrays["alt_m"], vs=arrays["climb_mps"],
    )  # fmt: skip
    limits = [np.full(count, limit) for limit in (HORIZONTAL_M, VERTICAL_M, AHEAD_S)]
    detect = cstatebased.detect if compiled else partial(statebased.StateBased.detect, None)
    return lambda: detect(aircraft, aircraft, *limits), lambda answer: pairs(*_columns(answer[0]))


def _columns(found: list[tuple[int, int]]) -> Any:
    return np.array(found, dtype=np.int64).reshape(-1, 2).T


def _tree(arrays: Arrays) -> tuple[Work, Read]:
    """shapely's STRtree over boxes about the ways flown."""
    return lambda: _tree_pairs(arrays), lambda found: pairs(*found)


def _tree_pairs(arrays: Arrays) -> tuple[Any, Any]:
    lon, lat, east, north = _flat(arrays)
    wide = HORIZONTAL_M / DEGREE_M / np.cos(np.radians(lat)) / 2
    high = HORIZONTAL_M / DEGREE_M / 2
    end_lon, end_lat = lon + east * AHEAD_S, lat + north * AHEAD_S
    boxes = shapely.box(
        np.minimum(lon, end_lon) - wide, np.minimum(lat, end_lat) - high,
        np.maximum(lon, end_lon) + wide, np.maximum(lat, end_lat) + high,
    )  # fmt: skip
    i, j = shapely.STRtree(boxes).query(boxes)
    first = i < j
    return _flat_losses(arrays, i[first], j[first])


def _kdtree(arrays: Arrays) -> tuple[Work, Read]:
    """scipy's cKDTree over the places half way, on a sphere, so that its candidates have no seam."""
    return lambda: _kdtree_pairs(arrays), lambda found: pairs(*found)


def _kdtree_pairs(arrays: Arrays) -> tuple[Any, Any]:
    lon, lat, east, north = _flat(arrays)
    x, y = np.radians(lon + east * AHEAD_S / 2), np.radians(lat + north * AHEAD_S / 2)
    place = RADIUS_M * np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)
    reach = HORIZONTAL_M + AHEAD_S * arrays["speed_mps"].max()
    found = cKDTree(place).query_pairs(1.01 * reach, output_type="ndarray")
    return _flat_losses(arrays, found[:, 0], found[:, 1])


def _flat_losses(arrays: Arrays, i: Any, j: Any) -> tuple[Any, Any]:
    """Of candidates, those lost: height first, then the closest approach in a flat frame at the pair's own latitude."""
    apart = arrays["alt_m"][i] - arrays["alt_m"][j]
    climb = arrays["climb_mps"][i] - arrays["climb_mps"][j]
    near = np.minimum(np.abs(apart), np.abs(apart + climb * AHEAD_S)) < VERTICAL_M
    near = np.nonzero(near | (apart * (apart + climb * AHEAD_S) < 0))[0]
    i, j, apart, climb = i[near], j[near], apart[near], climb[near]
    low, up = _crossings(apart, climb, VERTICAL_M - ROUNDING_M)
    lon, lat, east, north = _flat(arrays)
    scale = DEGREE_M * np.cos(np.radians((lat[i] + lat[j]) / 2))
    x, y = (lon[i] - lon[j]) * scale, (lat[i] - lat[j]) * DEGREE_M
    u, v = (east[i] - east[j]) * scale, (north[i] - north[j]) * DEGREE_M
    a, b, c = np.maximum(u * u + v * v, 1e-12), x * u + y * v, x * x + y * y - HORIZONTAL_M**2
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    begin, end = np.maximum(np.maximum((-b - root) / a, low), 0.0), np.minimum(np.minimum((-b + root) / a, up), AHEAD_S)
    lost = (b * b > a * c) & (begin < end)
    return i[lost], j[lost]


def _crossings(apart: Any, climb: Any, limit_m: float) -> tuple[Any, Any]:
    """From when until when |apart + climb t| is below a limit."""
    level = climb == 0
    safe = np.where(level, 1.0, climb)
    one, two = (-limit_m - apart) / safe, (limit_m - apart) / safe
    near = np.abs(apart) < limit_m
    low = np.where(level, np.where(near, -np.inf, np.inf), np.minimum(one, two))
    return low, np.where(level, np.where(near, np.inf, -np.inf), np.maximum(one, two))


def _flat(arrays: Arrays) -> tuple[Any, Any, Any, Any]:
    """Positions in degrees and velocities in degrees a second, each at its own latitude."""
    course, lat, speed = np.radians(arrays["course_deg"]), arrays["lat_deg"], arrays["speed_mps"]
    east = speed * np.sin(course) / (DEGREE_M * np.cos(np.radians(lat)))
    return arrays["lon_deg"], lat, east, speed * np.cos(course) / DEGREE_M


def _reference(arrays: Arrays) -> tuple[Work, Read]:
    """Every loss, by PROJ: rows (i, j); those too near the limit to tell have their indices said as -1 - i, -1 - j."""
    return lambda: _reference_pairs(arrays), lambda rows: rows


def _reference_pairs(arrays: Arrays) -> Any:
    i, j = _candidates(arrays)
    high_cm, rate_cm = np.rint(100 * arrays["alt_m"]), np.rint(100 * arrays["climb_mps"])
    low, up = _crossings(high_cm[i] - high_cm[j], rate_cm[i] - rate_cm[j], 30_480.0)
    low, up = np.maximum(low, 0.0), np.minimum(up, AHEAD_S)
    both = low < up
    i, j, low, up = i[both], j[both], low[both], up[both]
    least = _least_m(arrays, i, j, low, up)
    lost, unsure = least < HORIZONTAL_M - UNDECIDED_M, np.abs(least - HORIZONTAL_M) <= UNDECIDED_M
    return np.concatenate([pairs(i[lost], j[lost]), -1 - pairs(i[unsure], j[unsure])])


def _candidates(arrays: Arrays) -> tuple[Any, Any]:
    """Pairs that may come within 5 NM: places half way on a sphere, 1 % more than the way flown."""
    geod = pyproj.Geod(ellps="WGS84")
    speed = arrays["speed_mps"]
    lon, lat, _ = geod.fwd(arrays["lon_deg"], arrays["lat_deg"], arrays["course_deg"], speed * AHEAD_S / 2)
    x, y = np.radians(lon), np.radians(lat)
    place = RADIUS_M * np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)
    reach = HORIZONTAL_M + AHEAD_S * speed.max()
    found = cKDTree(place).query_pairs(1.01 * reach, output_type="ndarray")
    i, j = found[:, 0], found[:, 1]
    apart = np.linalg.norm(place[i] - place[j], axis=1)
    near = np.nonzero(apart <= 1.01 * (HORIZONTAL_M + AHEAD_S * (speed[i] + speed[j]) / 2))[0]
    i, j, apart = i[near], j[near], place[i[near]] - place[j[near]]
    # Straight movers through the places half way: 300 m more than the sphere's bend over 40 km, and 1 % of the way.
    velocity = _velocity(arrays, lon, lat, geod)
    closing = velocity[i] - velocity[j]
    speed2 = np.maximum(np.sum(closing**2, axis=1), 1e-12)
    time = np.clip(-np.sum(apart * closing, axis=1) / speed2, -AHEAD_S / 2, AHEAD_S / 2)
    least = np.linalg.norm(apart + closing * time[:, None], axis=1)
    near = np.nonzero(least <= HORIZONTAL_M + 300 + 0.01 * (speed[i] + speed[j]) * AHEAD_S)[0]
    return i[near], j[near]


def _velocity(arrays: Arrays, lon: Any, lat: Any, geod: Any) -> Any:
    back, _, _ = geod.inv(lon, lat, arrays["lon_deg"], arrays["lat_deg"])
    course = np.where(arrays["speed_mps"] > 0, np.radians(back + 180), 0.0)
    x, y = np.radians(lon), np.radians(lat)
    east = np.stack([-np.sin(x), np.cos(x), np.zeros_like(x)], axis=1)
    north = np.stack([-np.sin(y) * np.cos(x), -np.sin(y) * np.sin(x), np.cos(y)], axis=1)
    return arrays["speed_mps"][:, None] * (np.sin(course)[:, None] * east + np.cos(course)[:, None] * north)


def _least_m(arrays: Arrays, i: Any, j: Any, low: Any, up: Any) -> Any:
    """The least geodesic distance of each pair between two times, by golden section: it has one least value."""
    a, b = low.copy(), up.copy()
    c, d = b - GOLDEN * (b - a), a + GOLDEN * (b - a)
    at_c, at_d = _apart_m(arrays, i, j, c), _apart_m(arrays, i, j, d)
    for _ in range(34):  # 300 s * 0.618^34 is 24 microseconds
        left = at_c < at_d
        a, b = np.where(left, a, c), np.where(left, d, b)
        fresh = np.where(left, b - GOLDEN * (b - a), a + GOLDEN * (b - a))
        at_fresh = _apart_m(arrays, i, j, fresh)
        c, d = np.where(left, fresh, d), np.where(left, c, fresh)
        at_c, at_d = np.where(left, at_fresh, at_d), np.where(left, at_c, at_fresh)
    ends = np.minimum(_apart_m(arrays, i, j, low), _apart_m(arrays, i, j, up))
    return np.minimum(ends, np.minimum(at_c, at_d))


def _apart_m(arrays: Arrays, i: Any, j: Any, time_s: Any) -> Any:
    geod = pyproj.Geod(ellps="WGS84")
    ends = [
        geod.fwd(arrays["lon_deg"][k], arrays["lat_deg"][k], arrays["course_deg"][k], arrays["speed_mps"][k] * time_s)
        for k in (i, j)
    ]
    return geod.inv(ends[0][0], ends[0][1], ends[1][0], ends[1][1])[2]


METHODS: Final[dict[str, Prepare]] = {
    "BlueSky numpy": partial(_bluesky, False),
    "BlueSky compiled": partial(_bluesky, True),
    "STRtree + numpy": _tree,
    "cKDTree + numpy": _kdtree,
    "reference": _reference,
    "STRtree areas": areas.areas_meet,
    "STRtree one": areas.one_against_many,
    "STRtree entries": areas.entries,
    "judge entries": areas.judge,
}

if __name__ == "__main__":
    serve(METHODS, cases=frozenset(METHODS))
