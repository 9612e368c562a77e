"""Slow and plain answers to set against the quick ones: small steps of time along exact geodesics."""

from itertools import pairwise

import numpy as np
import shapely

from keepclear.geo import geodesy
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS
from keepclear.geo.volume import Circle, Corridor, Everywhere, Polygon, Volume

STEP_MS = 1_000


def path_of(tracks, k, times_ms):
    """Latitude, longitude and altitude of one track at times."""
    ahead_s = (times_ms - tracks.at_ms[k]) / 1000
    speed, course = tracks.ground_speed_mps[k], tracks.track_deg[k]
    lat, lon, _ = geodesy.direct(tracks.lat_deg[k], tracks.lon_deg[k], course, speed * ahead_s)
    return lat, lon, tracks.alt_m[k] + tracks.vertical_rate_mps[k] * ahead_s


def unrolled(points):
    lons = np.degrees(np.unwrap(np.radians([lon for lon, _ in points])))
    return np.stack([lons, [lat for _, lat in points]], axis=1)


def border(shape, step_m=200.0):
    """Points of the border of a ring, or of the middle of a corridor, (lat, lon), closer together than step_m."""
    points = unrolled([*shape.ring, shape.ring[0]] if isinstance(shape, Polygon) else shape.points)
    rows = []
    for (x1, y1), (x2, y2) in pairwise(points):
        wide = (x2 - x1) * max(np.cos(np.radians([y1, y2])))
        count = int(np.hypot(wide, y2 - y1) * 112_000 / step_m) + 2
        u = np.linspace(0, 1, count)
        rows.append(np.stack([y1 + u * (y2 - y1), x1 + u * (x2 - x1)]))
    return np.concatenate(rows, axis=1)


def near_border_m(shape, lat, lon, step_m=200.0):
    """Distance of one point to `border`, to within step_m squared over eight times itself."""
    lats, lons = border(shape, step_m)
    return float(geodesy.distance_m(lat, lon, lats, lons).min())


def in_shape(shape, lat, lon):
    """Which points are inside, by shapely in (longitude, latitude) or by distance."""
    match shape:
        case Everywhere():
            return np.ones(len(lat), dtype=bool)
        case Circle():
            return geodesy.distance_m(shape.lat_deg, shape.lon_deg, lat, lon) < shape.radius_m
        case Polygon():
            ring = shapely.Polygon(unrolled(shape.ring))
            turns = (-360, 0, 360)
            return np.any([shapely.contains_xy(ring, lon + turn, lat) for turn in turns], axis=0)
        case Corridor():
            rows = [near_border_m(shape, *point, step_m=shape.width_m / 20) for point in zip(lat, lon, strict=True)]
            return np.array(rows) < shape.width_m / 2
    raise AssertionError(shape)


def in_rows(found, track, volume, times_ms, enter="enter_ms", clear="clear_ms"):
    """Which times lie in a row of this track and volume."""
    mine = (found.track == track) & (found.volume == volume)
    begin, end = getattr(found, enter)[mine], getattr(found, clear)[mine]
    real = begin < NEVER_MS
    return np.any((times_ms[:, None] >= begin[real]) & (times_ms[:, None] < end[real]), axis=1)


def random_tracks(rng, count, lat, lon, spread_deg=2.0, fastest_mps=400.0, error_m=0.0):
    """Tracks round a place; some stand still, some climb, some are of another time."""
    wide = spread_deg / max(np.cos(np.radians(lat)), 0.02)
    return Tracks.of(
        lat_deg=np.clip(lat + rng.uniform(-spread_deg, spread_deg, count), -90, 90),
        lon_deg=geodesy.wrap_deg(lon + rng.uniform(-wide, wide, count)),
        alt_m=np.round(rng.uniform(0, 12_000, count), 2),
        ground_speed_mps=np.where(rng.random(count) < 0.1, 0.0, rng.uniform(5, fastest_mps, count)),
        track_deg=rng.uniform(0, 360, count),
        vertical_rate_mps=np.where(rng.random(count) < 0.5, 0.0, rng.uniform(-20, 20, count)),
        at_ms=rng.integers(-10_000, 10_000, count),
        pos_err_m=error_m,
    )


def star(rng, lat, lon, size_deg, corners):
    """A ring about a place, not convex, its longitudes within -180..180."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners)) + np.linspace(0, 0.01, corners)
    far = size_deg * rng.uniform(0.2, 1, corners)
    lons = geodesy.wrap_deg(lon + far * np.cos(angle) / max(np.cos(np.radians(lat)), 0.02))
    lats = np.clip(lat + far * np.sin(angle), -89.9, 89.9)
    return Polygon(tuple(zip(lons.tolist(), lats.tolist(), strict=True)))


def random_volume(rng, lat, lon, size_deg=1.0):
    """A ring, circle or corridor about a place with a band and a window that may be open."""
    lat, lon = lat + rng.uniform(-0.5, 0.5), float(geodesy.wrap_deg(lon + rng.uniform(-0.5, 0.5)))
    kind = rng.integers(5)
    if kind == 0:
        shape = Circle(lon, float(np.clip(lat, -90, 90)), 10 ** rng.uniform(2, 5))
    elif kind == 1:
        wide = 1 / np.cos(np.radians(lat))
        ends = [(lon + rng.uniform(-1, 1) * wide, lat + rng.uniform(-1, 1)) for _ in range(3)]
        shape = Corridor(tuple((float(geodesy.wrap_deg(x)), y) for x, y in ends), 10 ** rng.uniform(2.5, 4.5))
    else:
        shape = star(rng, lat, lon, size_deg * rng.uniform(0.02, 1), int(rng.integers(3, 12)))
    lower, upper = np.sort(np.round(rng.uniform(0, 12_000, 2)))
    start, end = np.sort(rng.integers(0, 900_000, 2))
    return Volume(
        shape,
        lower_m=float(lower) if rng.random() < 0.5 else None,
        upper_m=float(upper) if rng.random() < 0.5 else None,
        lower_ref=3,
        upper_ref=3,
        start_ms=int(start) if rng.random() < 0.5 else None,
        end_ms=int(end) + 1 if rng.random() < 0.5 else None,
    )


def distance_outside_m(volumes, volume, lat_deg, lon_deg):
    """For each (volume index, point): metres from the point to the area, 0 inside; the three broadcast."""
    which, lat, lon = (np.ravel(value) for value in np.broadcast_arrays(volume, lat_deg, lon_deg))
    lat, lon = lat.astype(np.float64), lon.astype(np.float64)
    outside = ~volumes.contain(which, lat, lon)
    result = np.zeros(len(which))
    result[outside] = volumes.to_border_m(which[outside], lat[outside], lon[outside])
    return result
