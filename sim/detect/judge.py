"""Judge: which pairs of flights truly lose separation, by brute force on true geodesic distances.

The law: that a pair stays apart is proved, never sampled. Its distance can change no faster than L, both ground speeds
together, and bend no more than L**2 over itself (second variation of arc, on a surface that bends one way only). With
both, a distance known at two instants bounds it between them from below, and instants are added until the bound is
clear of the limit by a twentieth of a percent. That a pair loses separation is shown by an instant at which it does.
What comes within a thousandth of the limit is searched at 33 instants, by golden section, and settled in extended
precision. Heights are decided in integers.
"""

from dataclasses import dataclass

import numpy as np

from sim.detect import precise
from sim.detect.flights import Bools, Flights, Floats, Ints

NEAR = 0.001
_CLEAR = 0.0005
_PLACES = 33
_GOLDEN = (np.sqrt(5) - 1) / 2
_GOLDEN_ROUNDS = 38
_POLISH_S = 0.02
_MAX_ROUNDS = 60
_CHUNK = 200_000


@dataclass(frozen=True)
class Window:
    """From when until when (s) each pair is nearer than a height; `open` says whether at any instant at all."""

    first: Floats
    last: Floats
    open: Bools

    def take(self, index: Ints | Bools) -> "Window":
        return Window(self.first[index], self.last[index], self.open[index])


@dataclass(frozen=True)
class Nearest:
    """How near pairs come while near in height: m and when; inf where they are proved to stay apart, NaN if never.

    `settled` is whether it was found in extended precision. `times`, `apart_m`: what was looked at besides, (33, n).
    """

    apart_m: Floats
    time_s: Floats
    settled: Bools
    looked_s: Floats
    looked_m: Floats


def window(flights: Flights, i: Ints, j: Ints, vertical_cm: int, ahead_ms: int, less_m: float = 0.0) -> Window:
    """When pairs are nearer than a height within [0, ahead]; if less_m is 0, whether ever is decided in integers."""
    apart = flights.height_now_cm()[i] - flights.height_now_cm()[j]  # thousandths of a centimetre
    climb = flights.climb_cmps[i] - flights.climb_cmps[j]
    end, limit = apart + climb * ahead_ms, vertical_cm * 1000
    least = np.where(np.sign(apart) * np.sign(end) <= 0, 0, np.minimum(np.abs(apart), np.abs(end)))
    known = flights.has_height[i] & flights.has_height[j]
    is_open = ~known | (least < limit - less_m * 1e5)
    apart_m, climb_mps, limit_m = apart / 1e5, climb / 100, vertical_cm / 100 - less_m
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (-limit_m - apart_m) / climb_mps, (limit_m - apart_m) / climb_mps
    always = ~known | (climb == 0)
    first = np.where(always, 0.0, np.clip(np.minimum(one, two), 0, ahead_ms / 1000))
    last = np.where(always, ahead_ms / 1000, np.clip(np.maximum(one, two), 0, ahead_ms / 1000))
    return Window(np.minimum(first, last), last, is_open)


def nearest(flights: Flights, i: Ints, j: Ints, when: Window, horizontal_m: float) -> Nearest:
    """How near pairs come in their windows; a bounded number of pairs at a time."""
    chunks = np.array_split(np.arange(len(i)), len(i) // _CHUNK + 1)
    parts = [_nearest(flights, i[some], j[some], when.take(some), horizontal_m) for some in chunks]
    names = Nearest.__dataclass_fields__
    return Nearest(**{name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names})


def _nearest(flights: Flights, i: Ints, j: Ints, when: Window, horizontal_m: float) -> Nearest:
    near = _not_proved_apart(flights, i, j, when, horizontal_m)
    apart, time = np.where(when.open, np.inf, np.nan), np.full(len(i), np.nan)
    settled = np.zeros(len(i), dtype=bool)
    looked_s, looked_m = np.full((_PLACES, len(i)), np.nan), np.full((_PLACES, len(i)), np.nan)
    if near.size:
        i, j, when = i[near], j[near], when.take(near)
        looked_s[:, near] = when.first + (when.last - when.first) * np.linspace(0, 1, _PLACES)[:, None]
        looked_m[:, near] = flights.apart_m(*_tall(i, j, _PLACES), looked_s[:, near])
        time[near], apart[near] = _golden(flights, i, j, looked_s[:, near], looked_m[:, near])
        close = near[np.abs(apart[near] - horizontal_m) < NEAR * horizontal_m]
        some = np.searchsorted(near, close)
        time[close], apart[close] = _polished(flights, i[some], j[some], when.take(some), time[close])
        settled[close] = True
    return Nearest(apart, time, settled, looked_s, looked_m)


def _not_proved_apart(flights: Flights, i: Ints, j: Ints, when: Window, horizontal_m: float) -> Ints:
    """The pairs that come within a thousandth of the limit, as far as is known; all others are proved not to."""
    pair = np.nonzero(when.open)[0]
    begin, end = when.first[pair], when.last[pair]
    far_begin, far_end = flights.apart_m(i[pair], j[pair], begin), flights.apart_m(i[pair], j[pair], end)
    found = np.zeros(len(i), dtype=bool)
    limit, clear = horizontal_m * (1 + NEAR), horizontal_m * (1 + _CLEAR)
    speed = flights.speed_mps[i] + flights.speed_mps[j]
    for _ in range(_MAX_ROUNDS):
        found[pair[(far_begin < limit) | (far_end < limit)]] = True
        way, less = speed[pair] * (end - begin), np.minimum(far_begin, far_end)
        least = (far_begin + far_end - way) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            bent = np.where(least > 0, less - way**2 / (8 * least), 0.0)
        go = np.nonzero((np.maximum(least, bent) < clear) & ~found[pair])[0]
        if not go.size:
            return np.nonzero(found)[0]
        pair, begin, end, far_begin, far_end = pair[go], begin[go], end[go], far_begin[go], far_end[go]
        middle = (begin + end) / 2
        far_middle = flights.apart_m(i[pair], j[pair], middle)
        pair = np.concatenate([pair, pair])
        begin, end = np.concatenate([begin, middle]), np.concatenate([middle, end])
        far_begin, far_end = np.concatenate([far_begin, far_middle]), np.concatenate([far_middle, far_end])
    raise RuntimeError(f"{len(np.unique(pair))} pairs were not settled in {_MAX_ROUNDS} rounds")


def _tall(i: Ints, j: Ints, rows: int) -> tuple[Ints, Ints]:
    return np.broadcast_to(i, (rows, len(i))), np.broadcast_to(j, (rows, len(j)))


def _golden(flights: Flights, i: Ints, j: Ints, times: Floats, apart: Floats) -> tuple[Floats, Floats]:
    """The least distance about the best of the instants looked at, and when."""
    column = np.arange(len(i))
    best = np.argmin(apart, axis=0)
    low = times[np.maximum(best - 1, 0), column]
    high = times[np.minimum(best + 1, len(times) - 1), column]
    one, two = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_one, at_two = flights.apart_m(i, j, one), flights.apart_m(i, j, two)
    for _ in range(_GOLDEN_ROUNDS):
        left = at_one < at_two
        low, high = np.where(left, low, one), np.where(left, two, high)
        fresh = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_fresh = flights.apart_m(i, j, fresh)
        one, two, at_one, at_two = (
            np.where(left, fresh, two), np.where(left, one, fresh),
            np.where(left, at_fresh, at_two), np.where(left, at_one, at_fresh),
        )  # fmt: skip
    tried = np.stack([times[best, column], one, two])
    found = np.stack([apart[best, column], at_one, at_two])
    least = np.argmin(found, axis=0)
    return tried[least, column], found[least, column]


def _polished(flights: Flights, i: Ints, j: Ints, when: Window, time: Floats) -> tuple[Floats, Floats]:
    """The least distance near a time in extended precision: of the time, two beside it, and the parabola's own."""
    column = np.arange(len(i))
    low, high = np.maximum(time - _POLISH_S, when.first), np.minimum(time + _POLISH_S, when.last)
    tried = np.stack([low, time, high])
    found = precise.apart_m(flights, *_tall(i, j, 3), tried)
    (t0, t1, t2), (d0, d1, d2) = tried.astype(precise.REAL), found
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, later = (d1 - d0) / (t1 - t0), (d2 - d1) / (t2 - t1)
        bend = (later - slope) / (t2 - t0)
        vertex = ((t0 + t1) / 2 - slope / (2 * bend)).astype(np.float64)
    vertex = np.clip(np.where(np.isfinite(vertex) & (bend > 0), vertex, time), when.first, when.last)
    tried = np.concatenate([tried, vertex[None]])
    found = np.concatenate([found, precise.apart_m(flights, i, j, vertex)[None]])
    least = np.argmin(found, axis=0)
    return tried[least, column], found[least, column].astype(np.float64)
