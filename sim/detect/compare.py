"""Compare: what geo told of a picture, beside what is true of it.

The law: every pair that was meant and every pair that was told is judged. A loss of separation that is not told is
missed; one that is told and does not come about is spurious, and by how much it is over the limit is kept. Between
them lie the losses by less than geo's own declared epsilons, 1 mm and 1 micrometre: they may be told or not.
"""

from dataclasses import dataclass, field

import numpy as np

from keepclear.geo.conflict import Conflicts
from keepclear.geo.units import NEVER_MS
from sim.detect.cases import H_M, V_CM, Picture
from sim.detect.flights import Bools, Flights, Floats, Ints
from sim.detect.judge import Nearest, Window, nearest, window

DECLARED_M = 1.1e-3
"""The declared millimetre, and a tenth of one for the chord that stands for the arc, and for the least distance of a
formation whose distance hardly changes."""
DECLARED_HEIGHT_M = 2e-6
SPURIOUS_SHARE = 0.001


@dataclass
class Tally:
    """What came of some pairs: counts, the worst of each error (m unless it says otherwise), and faults in words."""

    counts: dict[str, int] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def count(self, what: str, number: int) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def error(self, what: str, values: Floats) -> None:
        if values.size:
            self.worst[what] = max(self.worst.get(what, 0.0), float(np.max(values)))

    def add(self, other: "Tally") -> None:
        for what, number in other.counts.items():
            self.count(what, number)
        for what, value in other.worst.items():
            self.error(what, np.array([value]))
        self.faults += other.faults


@dataclass(frozen=True)
class Truth:
    """The pairs of a picture and what is true of them; more pairs are judged when they are told."""

    i: Ints
    j: Ints
    when: Window
    near: Nearest


def truth(picture: Picture) -> Truth:
    """What is true of the pairs that are meant."""
    return _truth(picture, np.minimum(picture.i, picture.j), np.maximum(picture.i, picture.j))


def _truth(picture: Picture, i: Ints, j: Ints) -> Truth:
    when = window(picture.flights, i, j, V_CM, picture.ahead_ms)
    return Truth(i, j, when, nearest(picture.flights, i, j, when, H_M))


def compare(picture: Picture, meant: Truth, told: Conflicts) -> Tally:
    """The tally of one engine's answer."""
    tally = Tally()
    key, told_key = meant.i * len(picture.flights) + meant.j, told.i * len(picture.flights) + told.j
    if len(np.unique(told_key)) != len(told_key) or np.any(told.i >= told.j):
        tally.faults.append("a pair was told twice, or in the wrong order")
    _missed(tally, picture, meant, ~np.isin(key, told_key))
    rows = np.nonzero(~np.isin(told_key, key))[0]
    further = _truth(picture, told.i[rows], told.j[rows])
    _told(tally, picture, further, _rows(told, rows))
    place, row = np.nonzero(np.isin(key, told_key))[0], np.nonzero(np.isin(told_key, key))[0]
    place, row = place[np.argsort(key[place])], row[np.argsort(told_key[row])]
    _told(tally, picture, _some(meant, place), _rows(told, row))
    lost = meant.near.apart_m < H_M
    tally.count("pairs", len(meant.i) + len(rows))
    tally.count("losses", int(lost.sum() + (further.near.apart_m < H_M).sum()))
    tally.count("within a thousandth", int(meant.near.settled.sum() + further.near.settled.sum()))
    return tally


def _rows(told: Conflicts, rows: Ints) -> Conflicts:
    return Conflicts(**{name: getattr(told, name)[rows] for name in Conflicts.__slots__})


def _some(of: Truth, index: Ints) -> Truth:
    near = Nearest(**{name: getattr(of.near, name)[..., index] for name in Nearest.__dataclass_fields__})
    return Truth(of.i[index], of.j[index], of.when.take(index), near)


def _missed(tally: Tally, picture: Picture, meant: Truth, untold: Bools) -> None:
    lost = np.nonzero(untold & (meant.near.apart_m < H_M))[0]
    i, j = meant.i[lost], meant.j[lost]
    sure = window(picture.flights, i, j, V_CM, picture.ahead_ms, DECLARED_HEIGHT_M)
    missed = nearest(picture.flights, i, j, sure, H_M).apart_m < H_M - DECLARED_M
    tally.count("missed", int(missed.sum()))
    tally.count("losses within the epsilons, not told", int((~missed).sum()))
    tally.faults += [f"missed: {_words(picture, meant, k)}" for k in lost[missed]]


def _told(tally: Tally, picture: Picture, true: Truth, told: Conflicts) -> None:
    apart = true.near.apart_m
    spurious = ~(apart < H_M)
    over = np.where(np.isnan(apart), _over_in_height(picture, true), apart / H_M - 1)
    tally.count("spurious", int(spurious.sum()))
    tally.error("spurious, share of the limit", over[spurious])
    # In height nothing may be over the limit: whole centimetres are decided exactly.
    wrong = spurious & ((over > SPURIOUS_SHARE) | np.isnan(apart))
    tally.faults += [f"spurious by {over[k]:.2%}: {_words(picture, true, k)}" for k in np.nonzero(wrong)[0]]
    real = np.nonzero(~spurious)[0]
    true, told = _some(true, real), _rows(told, real)
    _extent(tally, picture, true, told)
    _ends(tally, picture, true, told)
    tally.error("least distance", np.abs(told.h_min_m - true.near.apart_m))
    there = _apart(picture, true, told.t_cpa_ms / 1000)
    closing = (picture.flights.speed_mps[true.i] + picture.flights.speed_mps[true.j]) / 1000
    tally.error(
        "distance at the time of closest approach, past its half millisecond", there - true.near.apart_m - closing / 2
    )
    _least_height(tally, picture, true, told)


def _extent(tally: Tally, picture: Picture, true: Truth, told: Conflicts) -> None:
    """Of the instants looked at: those in a loss must lie in the told interval, those in it hardly outside a loss."""
    at_ms, apart = true.near.looked_s * 1000, true.near.looked_m
    inside = (at_ms >= told.t_in_ms - 0.2) & (at_ms <= told.t_out_ms + 0.2)
    left_out = np.any((apart < H_M - DECLARED_M) & ~inside, axis=0)
    tally.count("missed in part", int(left_out.sum()))
    tally.faults += [f"missed in part: {_words(picture, true, k)}" for k in np.nonzero(left_out)[0]]
    inner = (at_ms >= told.t_in_ms + 1) & (at_ms <= np.minimum(told.t_out_ms, picture.ahead_ms) - 1)
    tally.error("told inside a loss while over the limit", (np.where(inner, apart, 0.0) - H_M).max(axis=0, initial=0.0))


def _ends(tally: Tally, picture: Picture, true: Truth, told: Conflicts) -> None:
    """How deep the loss is when it is told to begin or end, and how far from the limit a millisecond inside of that."""
    first_ms, last_ms = true.when.first * 1000, true.when.last * 1000
    out_ms = np.minimum(told.t_out_ms, picture.ahead_ms)
    by_height_in, by_height_out = np.abs(told.t_in_ms - first_ms) < 2, np.abs(out_ms - last_ms) < 2
    tally.error("begins by height, ms", np.abs(told.t_in_ms - first_ms)[by_height_in])
    tally.error("ends by height, ms", np.abs(out_ms - last_ms)[by_height_out])
    for what, at_ms, inward, border in (
        ("begins", told.t_in_ms, 1, ~by_height_in),
        ("ends", out_ms, -1, ~by_height_out),
    ):
        some = _some(true, np.nonzero(border)[0])
        tally.error(
            f"{what} late" if inward > 0 else f"{what} early", H_M - _apart(picture, some, at_ms[border] / 1000)
        )
        within = _apart(picture, some, (at_ms[border] + inward) / 1000) - H_M
        tally.error(f"{what} too {'early' if inward > 0 else 'late'}, past its millisecond", within)
    beyond = (told.t_out_ms == NEVER_MS) & (last_ms < picture.ahead_ms - 1)
    tally.faults += [f"told to last though out of height: {_words(picture, true, k)}" for k in np.nonzero(beyond)[0]]


def _least_height(tally: Tally, picture: Picture, true: Truth, told: Conflicts) -> None:
    known = picture.flights.has_height[true.i] & picture.flights.has_height[true.j]
    if np.any(np.isnan(told.v_min_m) == known):
        tally.faults.append("a least height is told of heights that are not known, or is not told of known ones")
    apart = (picture.flights.height_now_cm()[true.i] - picture.flights.height_now_cm()[true.j]) / 1e5
    climb = (picture.flights.climb_cmps[true.i] - picture.flights.climb_cmps[true.j]) / 100
    ends = [apart + climb * ms / 1000 for ms in (told.t_in_ms, np.minimum(told.t_out_ms, picture.ahead_ms))]
    least = np.where(ends[0] * ends[1] < 0, 0.0, np.minimum(np.abs(ends[0]), np.abs(ends[1])))
    error = np.abs(told.v_min_m - least) - np.abs(climb) / 1000
    tally.error("least height, past a millisecond of climb", error[known])


def _apart(picture: Picture, true: Truth, time_s: Floats) -> Floats:
    return picture.flights.apart_m(true.i, true.j, time_s)


def _over_in_height(picture: Picture, true: Truth) -> Floats:
    flights = picture.flights
    apart = flights.height_now_cm()[true.i] - flights.height_now_cm()[true.j]
    end = apart + (flights.climb_cmps[true.i] - flights.climb_cmps[true.j]) * picture.ahead_ms
    least = np.minimum(np.abs(apart), np.abs(end)) / 1000
    return least / V_CM - 1


def _words(picture: Picture, true: Truth, k: int) -> str:
    flights: Flights = picture.flights.take(np.array([true.i[k], true.j[k]]))
    told = "; ".join(f"{name} {getattr(flights, name).tolist()}" for name in Flights.__dataclass_fields__)
    return f"{true.near.apart_m[k]:.6f} m at {true.near.time_s[k]:.6f} s, look-ahead {picture.ahead_ms} ms; {told}"
