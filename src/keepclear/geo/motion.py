"""Motion: legs flown at constant ground speed along geodesics, and two of them relative to each other.

Law: a leg is where somebody says he will be; its errors lie beside it and never move it. Times within a leg are
seconds from its beginning. Separation is measured between the points on the ellipsoid below the aircraft.

Two movers are compared through the straight chord between them: its square is smooth, has no seam at the
antimeridian and none at the poles, and grows with the geodesic distance. While neither flies more than a quarter
round the earth it has one least value, so that the time nearer than a limit is one interval. Side by side that is so
to the bulge between two great circles, g (s / R)^2 / 8 for a gap g and a way s: 16 cm at 5 NM in 75 km.

The searches are those of kernel/src/motion.rs, step by step, each pair by itself: no answer depends on what else is
asked in the same call.
"""

from dataclasses import dataclass

import numpy as np

from keepclear.geo.earth import EQUATOR_M, MOST_CURVED_M, POLAR_M, dot
from keepclear.geo.geodesy import Line
from keepclear.geo.units import BoolArray, FloatArray, IntArray

_ROUNDS = 40
_STILL_MPS2 = 1e-12
_SETTLED_S = 1e-4
"""Steps of Newton this small leave an error that is the square of it, far below the millisecond of the answer."""
_SAME_M = 1e-4
"""Distances this nearly equal are a formation: its nearest time is the first."""
_STRETCH = np.array([1.0, 1.0, (EQUATOR_M / POLAR_M) ** 2]).reshape(3, 1, 1)


@dataclass(frozen=True, slots=True)
class Legs:
    """Legs, one an element: who flies it, from when for how long, where, how high, and how sure that is.

    `owner` numbers flights, `track` is what a row names: the track, or the leg of a plan. slack_ms: how early or late.
    """

    owner: IntArray
    track: IntArray
    begin_ms: IntArray
    length_s: FloatArray
    line: Line
    lead_m: FloatArray
    speed_mps: FloatArray
    alt_m: FloatArray
    rate_mps: FloatArray
    alt_ref: IntArray
    alt_err_m: FloatArray
    pos_err_m: FloatArray
    slack_ms: IntArray

    def __len__(self) -> int:
        return len(self.owner)

    def position(self, leg: IntArray, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude (degrees) of legs at times from their beginnings."""
        lat, lon, _ = self.line.take(leg).position(self.lead_m[leg] + self.speed_mps[leg] * time_s)
        return lat, lon

    def movers(self, leg: IntArray | slice) -> "Movers":
        """Legs as points that move."""
        return Movers(self.line.take(leg), self.lead_m[leg], self.speed_mps[leg])

    @property
    def tangents(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Earth-centred place and velocity (3, n) half way, and how far (m) the leg may bend away from that line."""
        half_s = self.length_s / 2
        place, velocity = self.movers(slice(None)).at(half_s)
        return place, velocity, (self.speed_mps * half_s) ** 2 / (2 * MOST_CURVED_M)


@dataclass(frozen=True, slots=True)
class Movers:
    """Points that move along geodesics, earth-centred."""

    line: Line
    lead_m: FloatArray
    speed_mps: FloatArray

    def at(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Places and velocities, x, y, z in front of the shape of time_s (.., n)."""
        place, along = self.line.ecef(self.lead_m + self.speed_mps * time_s)
        return place, self.speed_mps * along

    def take(self, index: IntArray) -> "Movers":
        """The movers at an index array."""
        return Movers(self.line.take(index), self.lead_m[index], self.speed_mps[index])


@dataclass(frozen=True, slots=True)
class Relative:
    """Movers as seen from other movers, or from fixed earth-centred points (3, n)."""

    movers: Movers
    others: Movers | FloatArray

    def at(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The chord vector and its rate of change, x, y, z in front of the shape of time_s (k, n)."""
        chord, rate, _ = self._at(time_s, bent=False)
        return chord, rate

    def growth(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How fast the squared chord grows, halved, and how fast that grows, at times (k, n)."""
        chord, rate, bend = self._at(time_s, bent=True)
        return dot(chord, rate), dot(rate, rate) + dot(chord, bend)

    def _at(self, time_s: FloatArray, *, bent: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
        place, velocity = self.movers.at(time_s)
        bend = pull(place, velocity) if bent else velocity
        if not isinstance(self.others, Movers):
            return place - self.others[:, None, :], velocity, bend
        other_place, other_velocity = self.others.at(time_s)
        if bent:
            bend = bend - pull(other_place, other_velocity)
        return place - other_place, velocity - other_velocity, bend

    def take(self, index: IntArray) -> "Relative":
        """The pairs at an index array."""
        others = self.others.take(index) if isinstance(self.others, Movers) else self.others[:, index]
        return Relative(self.movers.take(index), others)


def pull(place: FloatArray, velocity: FloatArray) -> FloatArray:
    """The acceleration (3, k, n) of what moves along a geodesic of the ellipsoid: along the normal, inwards."""
    normal = _STRETCH * place
    inwards: FloatArray = -dot(velocity, _STRETCH * velocity) / dot(normal, normal) * normal
    return inwards


def time_of_least(relative: Relative, length_s: FloatArray) -> FloatArray:
    """When in [0, length] the chord is shortest; the first such time for movers that keep their distance."""
    thirds = np.stack([np.zeros_like(length_s), length_s / 2, length_s])
    chord, rate = relative.at(thirds)
    gap2, growth = dot(chord, chord), dot(chord, rate)
    sinking = (growth[0] < 0) & (growth[1] >= 0)
    turning = np.nonzero(sinking | ((growth[1] < 0) & (growth[2] > 0)))[0]
    if turning.size:
        some, begin = relative.take(turning), np.where(sinking, 0, 1)[turning]
        time = _turn(some, thirds[begin, turning], thirds[begin + 1, turning], thirds[1, turning])
        chord, _ = some.at(time[None])
        thirds[1, turning], gap2[1, turning] = time, dot(chord, chord)[0]
    gap = np.sqrt(gap2)
    first = np.argmax(gap <= gap.min(axis=0) + _SAME_M, axis=0)
    least: FloatArray = np.take_along_axis(thirds, first[None], axis=0)[0]
    return least


def _turn(relative: Relative, low: FloatArray, high: FloatArray, time: FloatArray) -> FloatArray:
    """When between low, where the chord shrinks, and high, where it does not, it stops shrinking."""
    settled = np.zeros(len(time), dtype=bool)
    for _ in range(_ROUNDS):
        growth, slope = (column[0] for column in relative.growth(time[None]))
        low, high = np.where(growth < 0, time, low), np.where(growth < 0, high, time)
        time, settled = _next(time, growth, slope, (low, high), settled)
        if settled.all():
            break
    return time


def _next(
    time: FloatArray,
    value: FloatArray,
    slope: FloatArray,
    between: tuple[FloatArray, FloatArray],
    settled: BoolArray,
) -> tuple[FloatArray, BoolArray]:
    """A step of Newton toward value 0, or half the way where that leads out; and what is settled from then on."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        newton = time - value / slope
    safe = (newton >= np.minimum(*between)) & (newton <= np.maximum(*between))
    following = np.where(settled, time, np.where(safe, newton, (between[0] + between[1]) / 2))
    return following, settled | (np.abs(following - time) <= _SETTLED_S)


def times_within(
    relative: Relative, least_s: FloatArray, length_s: FloatArray, chord_m: FloatArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Which pairs come nearer than chord_m in [0, length], from when and until when; least_s of `time_of_least`."""
    gap, rate = relative.at(least_s[None])
    short2 = (chord_m**2 - dot(gap, gap))[0]
    within = np.nonzero(short2 > 0)[0]
    half = np.sqrt(short2[within] / np.maximum(dot(rate, rate)[0][within], _STILL_MPS2))
    near = least_s[within]
    far = np.stack([np.zeros(len(within)), length_s[within]])
    guess = np.clip(np.stack([near - half, near + half]), 0.0, length_s[within])
    enter, leave = _roots(relative.take(within), far, near, guess, chord_m[within])
    return within, enter, leave


def _roots(relative: Relative, far: FloatArray, near: FloatArray, guess: FloatArray, chord_m: FloatArray) -> FloatArray:
    """Between far times (2, n) and near ones, where the chord is chord_m; the far time if it is shorter even there."""
    gap, _ = relative.at(far)
    settled: BoolArray = (dot(gap, gap) < chord_m**2) | (far == near)
    outer, inner = far, np.broadcast_to(near, far.shape)
    time = np.where(settled, far, guess)
    for _ in range(_ROUNDS):
        if settled.all():
            break
        gap, rate = relative.at(time)
        excess, slope = dot(gap, gap) - chord_m**2, 2 * dot(gap, rate)
        outer, inner = np.where(excess >= 0, time, outer), np.where(excess < 0, time, inner)
        time, settled = _next(time, excess, slope, (outer, inner), settled)
    return time
