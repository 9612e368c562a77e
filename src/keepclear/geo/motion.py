"""Motion: legs flown at constant ground speed along geodesics, and two of them relative to each other.

Law: a leg is where somebody says he will be; its errors lie beside it and never move it. Times within a leg are
seconds from its beginning. Separation is measured between the points on the ellipsoid below the aircraft.

Two movers are compared through the straight chord between them: its square is smooth, has no seam at the
antimeridian and none at the poles, and grows with the geodesic distance. While neither flies more than a quarter
round the earth it has one least value, so that the time nearer than a limit is one interval.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.geodesy import Line
from keepclear.geo.units import BoolArray, FloatArray, IntArray

Relative = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Times (n) to the chord vector and its rate of change, each (3, n)."""

_LEAST_ROUNDS = 10
_ROOT_ROUNDS = 40
_STILL_MPS2 = 1e-12
_SETTLED_S = 1e-7


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

    def relative_to_legs(self, leg: IntArray, others: "Legs", other: IntArray) -> Relative:
        """How legs move as seen from other legs that begin at the same time."""
        line_a, line_b = self.line.take(leg), others.line.take(other)

        def relative(time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
            here, velocity = _state(line_a, self.lead_m[leg], self.speed_mps[leg], time_s)
            there, other_velocity = _state(line_b, others.lead_m[other], others.speed_mps[other], time_s)
            return here - there, velocity - other_velocity

        return relative

    def relative_to_points(self, leg: IntArray, point: FloatArray) -> Relative:
        """How legs move as seen from fixed earth-centred points (3, n)."""
        line = self.line.take(leg)

        def relative(time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
            here, velocity = _state(line, self.lead_m[leg], self.speed_mps[leg], time_s)
            return here - point, velocity

        return relative


def _state(line: Line, lead_m: FloatArray, speed_mps: FloatArray, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    lat, lon, azimuth = line.position(lead_m + speed_mps * time_s)
    return geodesy.to_ecef(lat, lon), speed_mps * geodesy.heading_ecef(lat, lon, azimuth)


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Scalar product over the first axis."""
    product: FloatArray = np.einsum("i...,i...->...", a, b)
    return product


def time_of_least(relative: Relative, length_s: FloatArray) -> FloatArray:
    """When in [0, length] the chord is shortest; the first such time for movers that keep their distance."""
    begin = np.zeros_like(length_s)
    time = begin
    for _ in range(_LEAST_ROUNDS):
        chord, rate = relative(time)
        speed2 = dot(rate, rate)
        step = np.where(speed2 > _STILL_MPS2, -dot(chord, rate) / np.maximum(speed2, _STILL_MPS2), 0.0)
        following = np.clip(time + step, 0.0, length_s)
        if np.all(np.abs(following - time) <= _SETTLED_S):
            break
        time = following
    tries = np.stack([begin, time, length_s])
    gaps = np.stack([dot(chord, chord) for chord, _ in map(relative, tries)])
    # Nearly equal gaps are a formation: its nearest time is the first.
    best = np.argmax(gaps <= gaps.min(axis=0) + 1e-6, axis=0)
    least: FloatArray = np.take_along_axis(tries, best[None], axis=0)[0]
    return least


def times_within(
    relative: Relative, least_s: FloatArray, length_s: FloatArray, chord_m: FloatArray
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Whether, from when and until when in [0, length] the chord is shorter than chord_m, about its least."""
    gap, rate = relative(least_s)
    short2 = chord_m**2 - dot(gap, gap)
    within = short2 > 0
    guess = np.sqrt(np.maximum(short2, 0) / np.maximum(dot(rate, rate), _STILL_MPS2))
    enter = _root(relative, np.where(within, 0.0, least_s), least_s, least_s - guess, chord_m)
    leave = _root(relative, np.where(within, length_s, least_s), least_s, least_s + guess, chord_m)
    return within, enter, leave


def _root(relative: Relative, far: FloatArray, near: FloatArray, guess: FloatArray, chord_m: FloatArray) -> FloatArray:
    """Between a far time and a near one, where the chord is chord_m; the far time if it is shorter even there."""
    outer, inner = far, near
    gap, _ = relative(far)
    always = (dot(gap, gap) < chord_m**2) | (far == near)
    time = np.where(always, far, np.clip(guess, np.minimum(far, near), np.maximum(far, near)))
    for _ in range(_ROOT_ROUNDS):
        gap, rate = relative(time)
        excess, slope = dot(gap, gap) - chord_m**2, 2 * dot(gap, rate)
        outer, inner = np.where(excess >= 0, time, outer), np.where(excess < 0, time, inner)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = time - excess / slope
        low, high = np.minimum(outer, inner), np.maximum(outer, inner)
        following = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        following = np.where(always, far, following)
        if np.all(np.abs(following - time) <= _SETTLED_S):
            return following
        time = following
    return time
