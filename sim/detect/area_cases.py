"""Cases of areas: shapes that detectors are known to get wrong, and flights aimed at their borders.

The law: every shape is one that `validate` finds nothing to widen in; flights are aimed backwards from a place and a
time, as in cases.py, and many of them at corners, along edges, and a metre or a hand's breadth beside them.
"""

from dataclasses import dataclass

import numpy as np

from keepclear.geo.altitude import AltRef
from keepclear.geo.volume import Circle, Corridor, Polygon, Shape, Volume, validate
from sim.detect.areas import Area, Disc, Ring, Strip
from sim.detect.cases import LEVEL_CM, Rng, places, speeds
from sim.detect.flights import Flights, Floats, Ints, direct, inverse

FLIGHTS = 24
"""Flights aimed at each area."""


@dataclass(frozen=True)
class Aimed:
    """One volume as geo has it and as the judge has it, its band (cm) and window (ms), and flights aimed at it."""

    volume: Volume
    area: Area
    lower_cm: int | None
    upper_cm: int | None
    start_ms: int | None
    end_ms: int | None
    flights: Flights


def aimed(rng: Rng, ahead_ms: int) -> Aimed:
    """One volume and the flights aimed at it."""
    while True:
        shape, area, border = _shape(rng)
        if not any(fault.widens for fault in validate(Volume(shape))):
            break
    lower, upper = np.sort(rng.integers(0, 451, 2)) * LEVEL_CM
    start, end = np.sort(rng.integers(0, ahead_ms, 2))
    said = rng.random(4) < (0.3, 0.3, 0.15, 0.15)
    limits = [
        int(limit) if tell else None
        for limit, tell in zip((lower, upper + LEVEL_CM, start, end + 1), said, strict=True)
    ]
    volume = Volume(
        shape,
        *(None if limit is None else limit / 100 for limit in limits[:2]),
        lower_ref=AltRef.STD,
        upper_ref=AltRef.STD,
        start_ms=limits[2],
        end_ms=limits[3],
    )
    return Aimed(volume, area, limits[0], limits[1], limits[2], limits[3], _flights(rng, border, limits[:2], ahead_ms))


def _shape(rng: Rng) -> tuple[Shape, Area, Floats]:
    """A shape, the judge's reading of it, and points (lon, lat) of its border in their order."""
    (lat,), (lon,) = places(rng, 1)
    kind = int(rng.choice(20)) // 2
    if kind == 0:
        radius = float(10 ** rng.uniform(0, 6.6))
        border = direct(
            np.full(48, lat), np.full(48, lon), np.linspace(0, 360, 48, endpoint=False), np.full(48, radius)
        )
        return Circle(float(lon), float(lat), radius), Disc(lat, lon, radius), np.stack([border[1], border[0]], axis=1)
    lat = float(np.clip(lat, -85, 85))
    wide = 1 / np.cos(np.radians(lat))
    size = 10 ** rng.uniform(-5, 0.3)  # degrees
    if kind == 9 and rng.random() < 0.5:
        turns = np.cumsum(rng.uniform(-1, 1, (int(rng.integers(2, 5)), 2)) * size, axis=0)
        points = _wrapped(turns * [wide, 1] + [lon, lat])
        width = float(np.clip(size * 10 ** rng.uniform(3, 5), 20, 100_000))
        return Corridor(_points(points), width), Strip(points, width / 2), points
    if kind < 3:  # long and thin: a sliver a few metres wide and up to 200 km long
        thin, angle = 10 ** rng.uniform(-6, -3.5), rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        corners = [-along, along, along + across * thin / size, -along + across * thin / size]
        offset = np.array(corners) * size
    elif kind < 5:  # a comb: many ways in
        teeth = int(rng.integers(3, 20))
        x = np.linspace(-1, 1, 2 * teeth + 1)
        y = np.where(np.arange(2 * teeth + 1) % 2, rng.uniform(-0.8, 0.5), 0.8)
        offset = np.concatenate([np.stack([x, y], axis=1), [[1, 1], [-1, 1]]]) * size
    elif kind == 5:  # straight along parallels and meridians, as people draw
        offset = np.array([[-1, -0.5], [1, -0.5], [1, 0.5], [0.2, 0.5], [0.2, 0], [-1, 0]]) * size
        lon, lat = np.round(lon, 1), np.round(lat, 1)
    else:  # a star, concave
        corners = int(rng.integers(3, 13))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        far = size * rng.uniform(0.15, 1, corners)
        offset = np.stack([far * np.cos(angle), far * np.sin(angle)], axis=1)
    points = _wrapped(offset * [wide, 1] + [lon, lat])
    return Polygon(_points(points)), Ring.of(np.concatenate([points, points[:1]])), points


def _wrapped(points: Floats) -> Floats:
    return np.stack([np.mod(points[:, 0] + 180, 360) - 180, np.clip(points[:, 1], -89, 89)], axis=1)


def _points(points: Floats) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def _flights(rng: Rng, border: Floats, limits: list[int | None], ahead_ms: int) -> Flights:
    """Flights through places on the border, between two of its places, along an edge, beside it, and standing there."""
    n = FLIGHTS
    k = rng.integers(len(border), size=n)
    (ax, ay), (bx, by) = border[k].T, border[(k + 1) % len(border)].T
    bx = ax + np.mod(bx - ax + 180, 360) - 180
    u = np.where(rng.random(n) < 0.3, 0.0, rng.uniform(0, 1, n))
    lat, lon = ay + u * (by - ay), ax + u * (bx - ax)
    _, along = inverse(lat, lon, by + 1e-9 * (by == lat), bx)
    kind = rng.integers(10, size=n)
    course = np.where(
        kind < 3,
        along + rng.choice([0, 180], n) + rng.normal(0, 1, n) * rng.choice([0, 1e-3, 1], n),
        rng.uniform(0, 360, n),
    )
    other = rng.integers(len(border), size=n)
    across = inverse(lat, lon, border[other, 1], border[other, 0])[1]
    course = np.where(kind == 3, across, np.where(kind == 4, rng.choice([0.0, 90.0, 180.0, 270.0], n), course))
    beside = rng.choice([-1, 1], n) * np.where(rng.random(n) < 0.5, 10 ** rng.uniform(-2, 3, n), 0.0)
    lat, lon, turned = direct(lat, lon, course + 90, beside)
    course = turned - 90
    speed = np.where(kind == 9, 0.0, np.where(kind == 8, rng.uniform(1, 30, n), speeds(rng, n)[0]))
    when_s = rng.uniform(-0.05, 1.05, n) * ahead_ms / 1000
    when_s = np.where(rng.random(n) < 0.1, rng.choice([0.0, ahead_ms / 1000], n), when_s)
    at_ms = np.where(rng.random(n) < 0.5, 0, rng.integers(-12, 1, n) * 1000)
    lat, lon, course = direct(lat, lon, course, speed * (at_ms / 1000 - when_s))
    climb = np.where(rng.random(n) < 0.6, 0, rng.integers(-2_000, 2_000, n))
    known = [limit for limit in limits if limit is not None] or [0]
    meets = rng.choice(known, n) + rng.choice([0, -1, 1, 5_000, -5_000, 100_000, -100_000], n)
    height = (
        meets + climb * (at_ms // 1000) - climb * np.where(rng.random(n) < 0.5, 0, rng.integers(0, ahead_ms // 1000, n))
    )
    return Flights(lat, lon, np.mod(course, 360), speed, height, climb, at_ms, rng.random(n) > 0.02)


def held(one: Aimed, ahead_ms: int, index: Ints) -> tuple[Floats, Floats]:
    """From when until when (s) flights are in the band and window of a volume; whether ever is decided in integers."""
    flights = one.flights
    now, climb = flights.height_now_cm()[index], flights.climb_cmps[index]  # thousandths of a centimetre, cm/s
    first = np.full(len(index), max(one.start_ms or 0, 0) / 1000)
    last = np.full(len(index), min(ahead_ms if one.end_ms is None else one.end_ms, ahead_ms) / 1000)
    known = flights.has_height[index]
    for limit, above in ((one.lower_cm, True), (one.upper_cm, False)):
        if limit is None:
            continue
        level = now - limit * 1000
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = -level / climb / 1000
        rising = (climb > 0) == above
        first = np.where(known & (climb != 0) & rising, np.maximum(first, cross), first)
        last = np.where(known & (climb != 0) & ~rising, np.minimum(last, cross), last)
        out = known & (climb == 0) & ((level < 0) if above else (level >= 0))
        last = np.where(out, first, last)
    return first, last
