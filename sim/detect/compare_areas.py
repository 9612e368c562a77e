"""Compare areas: when geo tells flights to be inside areas, beside when they are.

The law: a stretch proved inside must lie in the told intervals, one proved outside must not, where it is deeper than
the metre that geo declares for a border (a corridor is held by an outline that may be 0.5 % of its half width and 5 m
larger). A told interval may be a millisecond longer at either end, and no longer than band and window.
"""

from dataclasses import dataclass, replace

import numpy as np

from keepclear.geo.encounter import Encounters
from keepclear.geo.units import NEVER_MS
from sim.detect.area_cases import FLIGHTS, Aimed, aimed, held
from sim.detect.areas import Stretches, Strip, stretches
from sim.detect.cases import Rng
from sim.detect.compare import Tally
from sim.detect.flights import Flights, Floats, Ints, together

DECLARED_M = 1.05
_MS = 1.1e-3
_HEIGHT_S = 2.5e-4
"""A micrometre of height at the slowest climb, 1 cm/s, and room."""
_LOOKS = 9
_BORDERS_ASKED = 40
_INSTANTS = 31


@dataclass(frozen=True)
class Scene:
    """Volumes, the flights aimed at each in their order, and the look-ahead."""

    aims: list[Aimed]
    flights: Flights
    ahead_ms: int


def scene(rng: Rng, pairs: int) -> Scene:
    """As many volumes as make so many pairs of a volume and a flight aimed at it."""
    ahead_ms = int(rng.choice([120_000, 900_000]))
    aims = [aimed(rng, ahead_ms) for _ in range(max(pairs // FLIGHTS, 1))]
    return Scene(aims, together(*(one.flights for one in aims)), ahead_ms)


def compare(of: Scene, told: Encounters) -> Tally:
    """The tally of one engine's answer: the pairs that are meant, and those that are told besides."""
    tally = Tally()
    surely = told.enter_ms < NEVER_MS
    if not surely.all():
        tally.faults.append("an interval that comes about only by an error is told of flights without one")
    begin, end = told.enter_ms / 1000, np.minimum(told.clear_ms, of.ahead_ms) / 1000
    for v, aim in enumerate(of.aims):
        mine = np.nonzero((told.volume == v) & surely)[0]
        flight = np.union1d(np.arange(v * FLIGHTS, (v + 1) * FLIGHTS), told.track[mine])
        first, last = held(replace(aim, flights=of.flights), of.ahead_ms, flight)
        true = stretches(aim.area, of.flights, flight, first, last)
        tally.count("pairs", len(flight))
        tally.count("with a time inside", len(np.unique(true.flight[true.inside & true.proved])))
        rows = told.track[mine], begin[mine], end[mine]
        _within_band(tally, of, aim, rows, (flight, first, last))
        _judge(tally, of, aim, true, rows)
    _ways_out(tally, of, told, np.nonzero(told.inside_now & np.isfinite(told.distance_out_m))[0][:_BORDERS_ASKED])
    return tally


def _within_band(
    tally: Tally, of: Scene, aim: Aimed, rows: tuple[Ints, Floats, Floats], spans: tuple[Ints, Floats, Floats]
) -> None:
    flight, first, last = spans
    at = np.searchsorted(flight, rows[0])
    early, late = first[at] - rows[1], rows[2] - last[at]
    tally.error("told before or after band and window, s", np.maximum(early, late))
    for k in np.nonzero((early > _MS + _HEIGHT_S) | (late > _MS + _HEIGHT_S))[0]:
        tally.faults.append(
            f"told out of band or window by {max(early[k], late[k]):.6f} s: {_words(of, aim, rows[0][k])}"
        )


def _judge(tally: Tally, of: Scene, aim: Aimed, true: Stretches, rows: tuple[Ints, Floats, Floats]) -> None:
    covered = _covered(true, rows)
    beside = 1.0
    if isinstance(aim.area, Strip):
        beside = 6.0 + 0.005 * aim.area.half_m
    bare = np.nonzero((true.inside | ~true.proved) & (true.end - true.begin - covered > _HEIGHT_S))[0]
    over = np.nonzero((~true.inside | ~true.proved) & (covered > 2 * _MS))[0]
    for what, stretch, inside, limit_m in (
        ("missed", bare, True, DECLARED_M),
        ("spurious", over, False, beside + 0.05),
    ):
        flight, deep = _deepest(of, aim, true, stretch, rows, told=not inside)
        tally.error(f"{what}, m from the border{' (corridors)' if beside > 1 else ''}", deep)
        worst = np.unique(flight[deep > limit_m])
        tally.count(what, len(worst))
        for k in worst:
            far = deep[flight == k].max()
            tally.faults.append(f"{what}, {far:.2f} m from the border: {_words(of, aim, int(k))}")


def _covered(true: Stretches, rows: tuple[Ints, Floats, Floats]) -> Floats:
    """How much (s) of each stretch lies in told intervals."""
    result = np.zeros(len(true.flight))
    for flight, begin, end in zip(*rows, strict=True):
        mine = true.flight == flight
        result[mine] += np.maximum(np.minimum(true.end[mine], end) - np.maximum(true.begin[mine], begin), 0)
    return result


def _deepest(
    of: Scene, aim: Aimed, true: Stretches, stretch: Ints, rows: tuple[Ints, Floats, Floats], *, told: bool
) -> tuple[Ints, Floats]:
    """Of places in stretches that are told to be inside, or not, and are not so: how far they are from the border."""
    share = np.linspace(0, 1, _LOOKS)[:, None]
    at = (true.begin[stretch] + (true.end - true.begin)[stretch] * share).ravel()
    flight = np.tile(true.flight[stretch], _LOOKS)
    slack = -_MS if told else _HEIGHT_S
    inside = np.zeros(len(at), dtype=bool)
    for who, begin, end in zip(*rows, strict=True):
        inside |= (flight == who) & (at >= begin - slack) & (at <= end + slack)
    wrong = np.nonzero(inside == told)[0]
    lat, lon = of.flights.at(flight[wrong], at[wrong])
    wrong_too = aim.area.inside(lat, lon) != told
    return flight[wrong][wrong_too], aim.area.to_border_m(lat[wrong_too], lon[wrong_too])


def _ways_out(tally: Tally, of: Scene, told: Encounters, rows: Ints) -> None:
    """The shortest way out at the beginning of intervals."""
    for row in rows:
        area = of.aims[told.volume[row]].area
        lat, lon = of.flights.at(told.track[row : row + 1], told.enter_ms[row : row + 1] / 1000)
        true_m = area.to_border_m(lat, lon)[0]
        if isinstance(area, Strip):  # held by its outline
            continue
        tally.error(
            "way out, share of itself past 1 m",
            np.array([(abs(told.distance_out_m[row] - true_m) - 1) / max(true_m, 1)]),
        )


def compare_ranges(of: Scene, told: Encounters, error_m: float) -> Tally:
    """The tally of an answer for flights whose positions are error_m in doubt: whether what it allows is left out.

    Of each flight aimed at an area 31 instants in band and window are looked at.
    """
    tally = Tally()
    for v, aim in enumerate(of.aims):
        flight = np.arange(v * FLIGHTS, (v + 1) * FLIGHTS)
        first, last = held(replace(aim, flights=of.flights), of.ahead_ms, flight)
        at = (first + (last - first) * np.linspace(0, 1, _INSTANTS + 2)[1:-1, None])[:, last > first]
        who = np.broadcast_to(flight[last > first], at.shape).ravel()
        at = at.ravel()
        lat, lon = of.flights.at(who, at)
        near = aim.area.inside(lat, lon) | (aim.area.to_border_m(lat, lon) < error_m - DECLARED_M)
        inside = np.zeros(len(at), dtype=bool)
        for row in np.nonzero(told.volume == v)[0]:
            inside |= (
                (who == told.track[row])
                & (at >= told.enter_earliest_ms[row] / 1000 - _HEIGHT_S)
                & (at <= told.clear_latest_ms[row] / 1000 + _HEIGHT_S)
            )
        tally.count("instants within the error", int(near.sum()))
        tally.count("of which left out", int((near & ~inside).sum()))
        for k in np.unique(who[near & ~inside]):
            tally.faults.append(f"left out though within {error_m} m: {_words(of, aim, int(k))}")
    return tally


def _words(of: Scene, aim: Aimed, flight: int) -> str:
    one = of.flights.take(np.array([flight]))
    told = "; ".join(f"{name} {getattr(one, name).tolist()}" for name in Flights.__dataclass_fields__)
    return f"look-ahead {of.ahead_ms} ms; {told}; {aim.volume}"
