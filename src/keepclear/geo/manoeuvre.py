"""Manoeuvre: how long a flight needs to be clear of a volume by the best of what it may do.

Law: the answer is a time, never a direction: nobody is told which way to turn. It is never earlier than the flight can
truly be clear within the limits of its class, and stays clear for the rest of the look-ahead. Errors of position and
altitude are against the flight. A volume that says no area has no answer; an altitude that is not known rules out
climb and descent; so does a floor that is not given for a descent, since no terrain is held. The window of the volume
is not looked at: whoever asks wants to know how long it takes to be out of it.

Each manoeuvre begins after the response of its class and is flown alone: straight on as it is; a turn to either side by
up to 180 degrees in steps of 15, then straight; faster along the same path, or to a stop before the border for those
who can; climb or descent along the same path. Over the ground and without wind; the turn is a circle at the present
ground speed (turn.py), its bank and rate both within the limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from keepclear.geo import geodesy, sieve
from keepclear.geo.crossing import spans_inside
from keepclear.geo.motion import Legs
from keepclear.geo.performance import LIMITS, FlightClass, Limits
from keepclear.geo.track import Tracks, legs_of
from keepclear.geo.turn import LEFT, RIGHT, Circles
from keepclear.geo.units import NEVER_MS, FloatArray, IntArray
from keepclear.geo.volume import Volume
from keepclear.geo.volumes import Volumes

GRAVITY_MPS2 = 9.80665
_CHORD_DEG = 7.5
_CHORDS = 24
_CHORDS_A_COURSE = 2
_BORDER_M = 2.0
"""More than the border's own error (crossing.py), in all directions."""
_LEAST_S = 1e-3
_BLOCK_PAIRS = 512


@dataclass(frozen=True, slots=True)
class WaysOut:
    """For each pair the milliseconds until it is clear by each manoeuvre; 0: never inside, NEVER_MS: not by this one.

    `best_ms` is the least. A turn is the better of both sides, and does not say which.
    """

    straight_ms: IntArray
    turn_ms: IntArray
    speed_ms: IntArray
    climb_ms: IntArray
    descent_ms: IntArray

    @property
    def best_ms(self) -> IntArray:
        """The least of all."""
        best: IntArray = np.min([getattr(self, name) for name in self.__slots__], axis=0)
        return best


@dataclass(frozen=True, slots=True)
class _Flights:
    """The flights of some pairs, and each limit as an array."""

    legs: Legs
    lat: FloatArray
    lon: FloatArray
    course: FloatArray
    limits: dict[str, FloatArray]
    lowest_m: FloatArray
    length_s: float


def ways_out(
    tracks: Tracks,
    classes: npt.ArrayLike,
    volumes: Sequence[Volume] | Volumes,
    flight: npt.ArrayLike,
    volume: npt.ArrayLike,
    now_ms: int,
    look_ahead_ms: int = 900_000,
    lowest_m: npt.ArrayLike = np.nan,
) -> WaysOut:
    """For each pair (flight[k], volume[k]): how long until it is clear, if each manoeuvre begins now.

    classes: a FlightClass a track; lowest_m: how low each track may go, of its own reference (NaN: not known, so that a
    descent is not counted). Ask with the tracks at another time (`advance`) for manoeuvres that begin later.
    """
    held = volumes if isinstance(volumes, Volumes) else Volumes.of(volumes)
    always = replace(held, start_ms=np.full(len(held), -NEVER_MS), end_ms=np.full(len(held), NEVER_MS))
    which, area = np.ravel(np.asarray(flight, dtype=np.int64)), np.ravel(np.asarray(volume, dtype=np.int64))
    kind = np.broadcast_to(np.asarray(classes, dtype=np.int64), (len(tracks),))[which]
    lowest = np.broadcast_to(np.asarray(lowest_m, dtype=np.float64), (len(tracks),))[which]
    result = WaysOut(*(np.full(len(which), NEVER_MS) for _ in WaysOut.__slots__))
    asked = np.nonzero(tracks.placed[which] & (held.has_edges | held.is_round)[area])[0]
    for part in np.array_split(asked, max(1, -(-len(asked) // _BLOCK_PAIRS))):
        if part.size:
            flights = _flights(tracks.take(which[part]), kind[part], lowest[part], now_ms, look_ahead_ms)
            found = _ways(flights, always, area[part])
            for name, seconds in zip(WaysOut.__slots__, found, strict=True):
                whole = np.ceil(1000 * np.where(np.isfinite(seconds), seconds, 0.0)).astype(np.int64)
                getattr(result, name)[part] = np.where(np.isfinite(seconds), whole, NEVER_MS)
    return result


def _flights(tracks: Tracks, kind: IntArray, lowest_m: FloatArray, now_ms: int, look_ahead_ms: int) -> _Flights:
    legs = legs_of(tracks, now_ms, look_ahead_ms)
    lat, lon, course = legs.line.position(legs.lead_m)
    limits = {
        name: np.array([getattr(LIMITS[FlightClass(k)], name) for k in kind.tolist()])
        for name in (field.name for field in fields(Limits))
    }
    return _Flights(legs, lat, lon, course, limits, lowest_m, max(look_ahead_ms, 1) / 1000)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of paths, one an element: of which pair, from where and on which course, when (s from now), how high."""

    pair: IntArray
    lat: FloatArray
    lon: FloatArray
    course: FloatArray
    begin_s: FloatArray
    end_s: FloatArray
    speed_mps: FloatArray
    alt_m: FloatArray
    rate_mps: FloatArray
    sag_m: FloatArray


def _ways(flights: _Flights, volumes: Volumes, area: IntArray) -> list[FloatArray]:
    """Seconds until clear, inf for never: straight on, turn, speed, climb, descent."""
    response = np.minimum(flights.limits["response_s"], flights.length_s)
    zero = np.zeros_like(response)
    straight = _inside(flights, volumes, area, _along(flights, zero, zero + flights.length_s))[1]
    before = _inside(flights, volumes, area, _along(flights, zero, response))[1]
    return [
        _clear(straight, flights.length_s),
        _turned(flights, volumes, area, response, before),
        _sped(flights, volumes, area),
        _climbed(flights, volumes, area, response, before, 1),
        _climbed(flights, volumes, area, response, before, -1),
    ]


def _clear(last_s: FloatArray, length_s: float) -> FloatArray:
    """When it is clear that was last inside then: at once if never, never if still inside at the end."""
    return np.where(last_s >= length_s - _LEAST_S, np.inf, np.maximum(last_s, 0.0))


def _along(flights: _Flights, begin_s: FloatArray, end_s: FloatArray) -> _Parts:
    """The present path from begin to end."""
    legs = flights.legs
    begin_m = legs.speed_mps * begin_s
    lat, lon, course = legs.line.position(legs.lead_m + begin_m)
    alt = legs.alt_m + legs.rate_mps * begin_s
    none = np.zeros(len(legs))
    return _Parts(np.arange(len(legs)), lat, lon, course, begin_s, end_s, legs.speed_mps, alt, legs.rate_mps, none)


def _inside(flights: _Flights, volumes: Volumes, area: IntArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    """When each part is first and last inside, every error against it: seconds from now; inf and -inf if never."""
    first, last = np.full(len(parts.pair), np.inf), np.full(len(parts.pair), -np.inf)
    real = np.nonzero(parts.end_s - parts.begin_s >= _LEAST_S)[0]
    pair, legs = parts.pair[real], flights.legs
    laid = Legs(
        owner=np.arange(len(real)),
        track=np.arange(len(real)),
        begin_ms=legs.begin_ms[pair],
        length_s=(parts.end_s - parts.begin_s)[real],
        line=geodesy.Line.of(parts.lat[real], parts.lon[real], parts.course[real]),
        lead_m=np.zeros(len(real)),
        speed_mps=parts.speed_mps[real],
        alt_m=parts.alt_m[real],
        rate_mps=parts.rate_mps[real],
        alt_ref=legs.alt_ref[pair],
        alt_err_m=legs.alt_err_m[pair],
        pos_err_m=legs.pos_err_m[pair] + parts.sag_m[real] + _BORDER_M,
        slack_ms=np.zeros(len(real), dtype=np.int64),
    )
    pairs = sieve.candidates(laid, volumes)
    pairs = pairs.take(pairs.volume == area[pair[pairs.leg]])
    _, perhaps = spans_inside(laid, volumes, pairs)
    perhaps = perhaps.within(pairs.first_perhaps[perhaps.key], pairs.last_perhaps[perhaps.key])
    part = real[perhaps.leg]
    np.minimum.at(first, part, parts.begin_s[part] + perhaps.begin)
    np.maximum.at(last, part, parts.begin_s[part] + perhaps.end)
    return first, last


def _turned(
    flights: _Flights, volumes: Volumes, area: IntArray, response: FloatArray, before: FloatArray
) -> FloatArray:
    speed = flights.legs.speed_mps
    best = np.full(len(speed), np.inf)
    able = np.nonzero(speed > 0)[0]
    if not able.size:
        return best
    bank = np.tan(np.radians(flights.limits["bank_deg"][able]))
    rate = np.minimum(flights.limits["turn_dps"][able], np.degrees(GRAVITY_MPS2 * bank / speed[able]))
    radius = speed[able] / np.radians(rate)
    start = _along(flights, response, response)
    step = np.arange(_CHORDS + 1)
    when = response[able, None] + step * _CHORD_DEG / rate[:, None]
    for side in (RIGHT, LEFT):
        circles = Circles.of(
            start.lat[able], start.lon[able], start.course[able], radius, np.full(len(able), side)
        ).take(np.repeat(np.arange(len(able)), len(step)))
        swept = np.tile(step * _CHORD_DEG, len(able))
        lat, lon, course = (value.reshape(len(able), -1) for value in circles.at(swept))
        arcs = _arcs(flights, able, lat, lon, when, radius)
        turning = _inside(flights, volumes, area, arcs)[1].reshape(len(able), _CHORDS)
        out = slice(_CHORDS_A_COURSE, None, _CHORDS_A_COURSE)
        tails = _tails(flights, able, lat[:, out], lon[:, out], course[:, out], when[:, out])
        after = _inside(flights, volumes, area, tails)[1].reshape(len(able), -1)
        so_far = np.maximum.accumulate(turning, axis=1)[:, _CHORDS_A_COURSE - 1 :: _CHORDS_A_COURSE]
        last = np.maximum(np.maximum(after, so_far), before[able, None])
        clear = np.where(when[:, out] < flights.length_s, _clear(last, flights.length_s), np.inf)
        best[able] = np.minimum(best[able], clear.min(axis=1))
    return best


def _arcs(
    flights: _Flights, able: IntArray, lat: FloatArray, lon: FloatArray, when: FloatArray, radius: FloatArray
) -> _Parts:
    """The chords of turns: one part a chord, in order of pair, then time."""
    way_m, azimuth, _ = geodesy.inverse(lat[:, :-1], lon[:, :-1], lat[:, 1:], lon[:, 1:])
    begin, end = when[:, :-1], when[:, 1:]
    sag = radius * (1 - np.cos(np.radians(_CHORD_DEG / 2)))
    columns = (lat[:, :-1], lon[:, :-1], azimuth, begin, np.minimum(end, flights.length_s), way_m / (end - begin))
    return _parts(flights, able, columns, np.repeat(sag, _CHORDS))


def _tails(
    flights: _Flights, able: IntArray, lat: FloatArray, lon: FloatArray, course: FloatArray, when: FloatArray
) -> _Parts:
    """The straight ways after turns, until the end of the look-ahead."""
    speed = np.broadcast_to(flights.legs.speed_mps[able, None], lat.shape)
    columns = (lat, lon, course, when, np.full(lat.shape, flights.length_s), speed)
    return _parts(flights, able, columns, np.zeros(lat.size))


def _parts(flights: _Flights, able: IntArray, columns: tuple[FloatArray, ...], sag_m: FloatArray) -> _Parts:
    lat, lon, course, begin, end, speed = (np.ravel(column) for column in columns)
    pair = np.repeat(able, columns[0].shape[1])
    rate = flights.legs.rate_mps[pair]
    return _Parts(pair, lat, lon, course, begin, end, speed, flights.legs.alt_m[pair] + rate * begin, rate, sag_m)


def _sped(flights: _Flights, volumes: Volumes, area: IntArray) -> FloatArray:
    """Faster along the present path whatever the height, so that the height of another time is no matter; or a stop."""
    limits, now = flights.limits, flights.legs.speed_mps
    fastest = np.maximum(now, limits["fastest_mps"])
    none = np.zeros_like(now)
    path = _along(flights, none, none + flights.length_s)
    first, last = _inside(
        flights, volumes, area, replace(path, speed_mps=fastest, alt_m=np.full_like(now, np.nan), rate_mps=none)
    )
    gain, response = limits["faster_mps2"], limits["response_s"]
    rest = np.maximum(last * fastest - now * response, 0.0)
    gaining_m = (fastest**2 - now**2) / (2 * gain)
    slower = (np.sqrt(now**2 + 2 * gain * np.minimum(rest, gaining_m)) - now) / gain
    time = response + slower + np.maximum(rest - gaining_m, 0.0) / fastest
    out = (last < flights.length_s - _LEAST_S) & (time < flights.length_s)
    stop_m = now * response + now**2 / (2 * gain)
    stops = (limits["slowest_mps"] == 0) & (first * fastest > stop_m)
    clear = np.where(np.isneginf(last) | stops, 0.0, np.where(out, time, np.inf))
    return np.where(now > 0, clear, np.inf)


def _climbed(
    flights: _Flights, volumes: Volumes, area: IntArray, response: FloatArray, before: FloatArray, sign: int
) -> FloatArray:
    """Up (sign 1) or down (-1) along the present path at the rate of the class, or the present one if that is more."""
    usual = flights.limits["climb_mps" if sign > 0 else "descent_mps"]
    rate = sign * np.where(usual > 0, np.maximum(usual, sign * flights.legs.rate_mps), 0.0)
    limit = flights.limits["ceiling_m"] if sign > 0 else flights.lowest_m
    path = _along(flights, response, np.full_like(response, flights.length_s))
    with np.errstate(divide="ignore", invalid="ignore"):
        until = response + (limit - path.alt_m) / rate
    able = np.isfinite(until) & (until > response)
    until = np.clip(np.where(able, until, 0.0), response, flights.length_s)
    changing = _inside(flights, volumes, area, replace(path, rate_mps=rate, end_s=until))[1]
    level = replace(
        _along(flights, until, path.end_s), alt_m=path.alt_m + rate * (until - response), rate_mps=np.zeros_like(rate)
    )
    last = np.maximum(np.maximum(before, changing), _inside(flights, volumes, area, level)[1])
    return np.where(able, _clear(last, flights.length_s), np.inf)
