"""Cases: pairs of flights that detectors are known to get wrong, and pairs as they come.

The law: a pair is built backwards from its closest approach, by PROJ: where, when, how near, at which courses and
speeds; then both are flown back to now and to the time of their reports. A case says what it means to hit; what truly
comes of it is for the judge.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.detect.flights import Bools, Flights, Floats, Ints, direct, together

H_M = 9_260.0
V_CM = 30_480
LEVEL_CM = 3_048
Rng = np.random.Generator


@dataclass(frozen=True)
class Picture:
    """Flights with the pairs of them that are meant, and the look-ahead that geo is asked with."""

    flights: Flights
    i: Ints
    j: Ints
    ahead_ms: int


def places(rng: Rng, n: int) -> tuple[Floats, Floats]:
    """Latitude and longitude: anywhere, at the antimeridian, the poles, the equator, on whole degrees."""
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    lon = rng.uniform(-180, 180, n)
    kind = rng.integers(40, size=n)
    lon = np.where(kind < 4, 180 + rng.normal(0, 0.1, n), lon)
    lon = np.where(kind % 10 == 4, rng.choice([-180.0, 0.0, 180.0, 90.0], n), lon)
    lat = np.where(kind % 20 == 5, rng.choice([-1, 1], n) * (90 - rng.exponential(0.5, n)), lat)
    lat = np.where(kind == 6, rng.choice([-90.0, 90.0], n), lat)
    lat = np.where(kind % 10 == 7, rng.normal(0, 0.05, n) * rng.integers(2, size=n), lat)
    lat, lon = np.where(kind % 10 == 8, np.round(lat), lat), np.where(kind % 10 == 8, np.round(lon), lon)
    return np.clip(lat, -90, 90), np.mod(lon + 180, 360) - 180


def courses(rng: Rng, n: int) -> Floats:
    """Courses, a quarter of them along meridians and parallels."""
    return np.where(rng.random(n) < 0.25, rng.choice([0.0, 90.0, 180.0, 270.0], n), rng.uniform(0, 360, n))


def heights(rng: Rng, n: int, ahead_ms: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Heights now and climbs of both (cm, cm/s): together, a thousand feet apart or nearly, or through each other."""
    one = rng.integers(0, 451, n) * LEVEL_CM
    climb = np.where(rng.random(n) < 0.5, 0, rng.integers(-3_000, 3_000, n))
    kind = rng.integers(6, size=n)
    apart = rng.choice([-1, 1], n) * np.where(kind == 0, V_CM, np.where(kind == 1, V_CM - 1, V_CM + 1))
    apart = np.where(kind == 3, rng.integers(-40_000, 40_000, n), np.where(kind > 3, 0, apart))
    other_climb = np.where(rng.random(n) < 0.5, climb, rng.integers(-3_000, 3_000, n))
    # As far apart as meant at a whole second within the look-ahead, so that the limit is met exactly then.
    second = np.where(rng.random(n) < 0.5, 0, rng.integers(0, max(ahead_ms // 1000, 1), n))
    return one, climb, one + apart + (climb - other_climb) * second, other_climb


def meeting(
    rng: Rng, ahead_ms: int, miss_m: Floats, when_s: Floats, speed: Floats, other_speed: Floats,
    lat: Floats, lon: Floats, course: Floats, turn: Floats,
) -> Picture:  # fmt: skip
    """Pairs that come miss_m near at when_s, the other `turn` degrees to the right of the one's course."""
    n = len(miss_m)
    # The shortest line between them is square to their relative velocity.
    east, north = other_speed * np.sin(np.radians(turn)), other_speed * np.cos(np.radians(turn)) - speed
    square = np.degrees(np.arctan2(east, north)) + rng.choice([-90, 90], n)
    lat2, lon2, there = direct(lat, lon, course + square, miss_m)
    other_course = there - square + turn
    one_cm, climb, other_cm, other_climb = heights(rng, n, ahead_ms)
    known = rng.random((2, n)) > 0.01

    def flown(where: tuple[Floats, Floats, Floats], fast: Floats, now_cm: Ints, up: Ints, has: Bools) -> Flights:
        """A flight as reported up to 12 s ago, at a whole second if it climbs, so that heights stay whole."""
        at_ms = np.where(rng.random(n) < 0.5, 0, rng.integers(-12_000, 1_000, n))
        at_ms = np.where(up == 0, at_ms, at_ms // 1000 * 1000)
        lat, lon, course = direct(*where, fast * (at_ms / 1000 - when_s))
        return Flights(lat, lon, np.mod(course, 360), fast, now_cm + up * at_ms // 1000, up, at_ms, has)

    one = flown((lat, lon, course), speed, one_cm, climb, known[0])
    other = flown((lat2, lon2, other_course), other_speed, other_cm, other_climb, known[1])
    return Picture(together(one, other), np.arange(n), np.arange(n) + n, ahead_ms)


def misses(rng: Rng, n: int) -> Floats:
    """How near: anywhere to twice the limit, and within a thousandth down to a nanometre of it on either side."""
    close = H_M * (1 + rng.choice([-1, 1], n) * 10 ** rng.uniform(-13, -3, n))
    return np.where(rng.random(n) < 0.5, close, np.where(rng.random(n) < 0.1, 0.0, rng.uniform(0, 2 * H_M, n)))


def speeds(rng: Rng, n: int) -> tuple[Floats, Floats]:
    """Both ground speeds, m/s: airliners, some alike, some standing, some drifting."""
    one, other = rng.uniform(60, 320, n), rng.uniform(60, 320, n)
    kind = rng.integers(12, size=n)
    other = np.where(kind < 3, one, other)
    other = np.where(kind == 3, 0.0, np.where(kind == 4, rng.uniform(0, 3, n), other))
    one = np.where(kind == 5, 0.0, np.where(kind == 6, np.round(one, 1), one))
    return one, other


def crossing(rng: Rng, n: int) -> Picture:
    """Any angle, any miss, any time, some of it before now and beyond the look-ahead."""
    ahead_ms = int(rng.choice([60_000, 300_000, 300_000, 600_000, 1_200_000]))
    when_s = rng.uniform(-0.1, 1.1, n) * ahead_ms / 1000
    when_s = np.where(rng.random(n) < 0.1, rng.choice([0.0, ahead_ms / 1000], n), when_s)
    turn = np.where(rng.random(n) < 0.3, rng.choice([0.0, 180.0, 90.0, 1e-3, 179.999], n), rng.uniform(0, 360, n))
    return meeting(rng, ahead_ms, misses(rng, n), when_s, *speeds(rng, n), *places(rng, n), courses(rng, n), turn)


def formation(rng: Rng, n: int) -> Picture:
    """The same speed and the same or nearly the same course, abreast, in trail and between."""
    ahead_ms = int(rng.choice([120_000, 300_000, 900_000]))
    speed = np.where(rng.random(n) < 0.1, 0.0, rng.uniform(20, 300, n))
    turn = np.where(rng.random(n) < 0.7, 0.0, rng.normal(0, 1e-3, n))
    when_s = rng.uniform(-1, 2, n) * ahead_ms / 1000
    picture = meeting(rng, ahead_ms, misses(rng, n), when_s, speed, speed, *places(rng, n), courses(rng, n), turn)
    return picture if rng.random() < 0.5 else in_trail(rng, n)


def in_trail(rng: Rng, n: int) -> Picture:
    """On one geodesic at one speed, their distance the same for ever: often exactly the limit."""
    lat, lon = places(rng, n)
    course, (speed, _) = courses(rng, n), speeds(rng, n)
    gap = np.where(rng.random(n) < 0.3, H_M, misses(rng, n))
    lat2, lon2, course2 = direct(lat, lon, course, gap)
    one_cm, climb, other_cm, other_climb = heights(rng, n, 300_000)
    zero, yes = np.zeros(n, dtype=np.int64), np.ones(n, dtype=bool)
    one = Flights(lat, lon, course, speed, one_cm, climb, zero, yes)
    other = Flights(lat2, lon2, np.mod(course2, 360), speed, other_cm, other_climb, zero, yes)
    return Picture(together(one, other), np.arange(n), np.arange(n) + n, 300_000)


def at_the_ends(rng: Rng, n: int) -> Picture:
    """The limit is crossed a moment before or after the end of the look-ahead, or before or after now."""
    ahead_ms = int(rng.choice([60_000, 300_000]))
    speed, other_speed = rng.uniform(60, 320, n), rng.uniform(60, 320, n)
    turn, miss = rng.uniform(5, 355, n), rng.uniform(0, 0.999 * H_M, n)
    relative = np.hypot(speed - other_speed * np.cos(np.radians(turn)), other_speed * np.sin(np.radians(turn)))
    half_s = np.sqrt(H_M**2 - miss**2) / relative
    moment_s = rng.choice([-1, 1], n) * rng.choice([0.0, 1e-4, 1e-3, 1e-2, 1.0], n)
    when_s = np.where(rng.random(n) < 0.7, ahead_ms / 1000 + half_s, -half_s) + moment_s
    return meeting(rng, ahead_ms, miss, when_s, speed, other_speed, *places(rng, n), courses(rng, n), turn)


def a_thousand_feet(rng: Rng, n: int) -> Picture:
    """Over each other, exactly a thousand feet apart (or a centimetre less or more) at every flight level."""
    level = np.arange(n) % 601
    lat, lon = places(rng, n)
    side = np.arange(n) // 601 % 2 * 2 - 1
    apart = V_CM + np.where(rng.random(n) < 0.6, 0, rng.choice([-1, 1], n))
    climb = np.where(rng.random(n) < 0.5, 0, rng.integers(-2_000, 2_000, n))
    speed, other_speed = speeds(rng, n)
    lat2, lon2, _ = direct(lat, lon, rng.uniform(0, 360, n), rng.uniform(0, 5_000, n))
    zero, yes = np.zeros(n, dtype=np.int64), np.ones(n, dtype=bool)
    one = Flights(lat, lon, courses(rng, n), speed, level * LEVEL_CM, climb, zero, yes)
    other = Flights(lat2, lon2, courses(rng, n), other_speed, level * LEVEL_CM + side * apart, climb, zero, yes)
    return Picture(together(one, other), np.arange(n), np.arange(n) + n, 60_000)


def fast(rng: Rng, n: int) -> Picture:
    """Up to three kilometres a second, and long looks ahead, within 9000 km flown."""
    ahead_ms = int(rng.choice([300_000, 1_800_000, 3_000_000]))
    top = min(3_000.0, 9e9 / ahead_ms)
    speed, other_speed = rng.uniform(0, top, n), rng.uniform(0, top, n)
    when_s = rng.uniform(0, 1, n) * ahead_ms / 1000
    turn = rng.uniform(0, 360, n)
    return meeting(rng, ahead_ms, misses(rng, n), when_s, speed, other_speed, *places(rng, n), courses(rng, n), turn)


def crowd(rng: Rng, n: int) -> Picture:
    """All against all in one region, heights on the levels between FL200 and FL220."""
    count = max(int(np.sqrt(2 * n)), 2)
    (lat,), (lon,) = places(rng, 1)
    reach = rng.choice([20_000.0, 60_000.0, 150_000.0])
    here = np.full(count, lat), np.full(count, lon)
    lat, lon, course = direct(*here, rng.uniform(0, 360, count), rng.uniform(0, reach, count))
    speed, _ = speeds(rng, count)
    climb = np.where(rng.random(count) < 0.6, 0, rng.integers(-1_500, 1_500, count))
    at_ms = np.where(climb == 0, rng.integers(-12_000, 1, count), rng.integers(-12, 1, count) * 1000)
    height = rng.integers(200, 221, count) * LEVEL_CM
    yes = rng.random(count) > 0.01
    course = np.where(rng.random(count) < 0.5, course, courses(rng, count))
    flights = Flights(lat, lon, np.mod(course, 360), speed, height, climb, at_ms, yes)
    return Picture(flights, *np.triu_indices(count, 1), 300_000)


KINDS: dict[str, tuple[float, Callable[[Rng, int], Picture]]] = {
    "crowd": (0.40, crowd),
    "crossing": (0.28, crossing),
    "formation": (0.12, formation),
    "ends": (0.10, at_the_ends),
    "1000 ft": (0.05, a_thousand_feet),
    "fast": (0.05, fast),
}
"""Kinds of pictures, with their share of all pairs."""
