"""Intent: tracks that are going to turn or to level off, as legs.

Law: what is not intended goes on as it does (track.py). An intent that cannot be flown as it is said is not guessed at:
the track is taken as it flies, and it is told which these are. An intent is somebody's word: whoever warns asks for the
track as it flies, too.

A turn is a circle at the present ground speed (turn.py), laid in chords that leave it by TURN_SAG_M at most; the
position error of these legs is so much larger. After it a flight keeps to its new course, and after a waypoint to the
course on which it came there. A level-off keeps to its altitude exactly, so that 1000 ft above another it is separated.

Accuracy: that of `conflicts` and `encounters`, and TURN_SAG_M on a turn; a turn begins and ends, and a climb ends, at
whole milliseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from keepclear.geo import conflict, encounter, geodesy
from keepclear.geo.conflict import FIVE_NM_M, THOUSAND_FT_M, Conflicts
from keepclear.geo.earth import dot
from keepclear.geo.encounter import Encounters
from keepclear.geo.motion import Legs
from keepclear.geo.track import Tracks, legs_of
from keepclear.geo.turn import LEFT, RIGHT, SHORT_WAY, Circles, steps_of
from keepclear.geo.units import NEVER_MS, BoolArray, FloatArray, IntArray
from keepclear.geo.volume import Volume
from keepclear.geo.volumes import Volumes, expand

TURN_SAG_M = 5.0
_NEAR_M = 10.0
_BLOCK_PAIRS = 1_000_000


@dataclass(frozen=True, slots=True)
class Intents:
    """What tracks are going to do, one element a track; NaN is "nothing". `of` builds it.

    course_deg: turn onto this course; lat_deg, lon_deg: or turn until facing this waypoint. turn_dps: degrees a second,
    above 0. side: RIGHT, LEFT, or SHORT_WAY. turn_at_ms: when the turn begins (epoch; earlier than now: now).
    level_m: climb or descend at the present rate to this altitude, of the track's own reference, and stay there.
    """

    course_deg: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    turn_dps: FloatArray
    side: IntArray
    turn_at_ms: IntArray
    level_m: FloatArray

    @classmethod
    def of(
        cls,
        *,
        course_deg: npt.ArrayLike = np.nan,
        lat_deg: npt.ArrayLike = np.nan,
        lon_deg: npt.ArrayLike = np.nan,
        turn_dps: npt.ArrayLike = np.nan,
        side: npt.ArrayLike = SHORT_WAY,
        turn_at_ms: npt.ArrayLike = 0,
        level_m: npt.ArrayLike = np.nan,
    ) -> Self:
        """Intents from anything that broadcasts to one dimension."""
        floats = [np.asarray(value, dtype=np.float64) for value in (course_deg, lat_deg, lon_deg, turn_dps, level_m)]
        whole = [np.asarray(value, dtype=np.int64) for value in (side, turn_at_ms)]
        shaped = [np.array(value) for value in np.broadcast_arrays(np.empty(1), *floats, *whole)[1:]]
        course, lat, lon, rate, level, sides, at = shaped
        return cls(course, lat, lon, rate, sides, at, level)

    def take(self, index: npt.ArrayLike) -> Self:
        """The intents at an index array or mask."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    @property
    def turns(self) -> BoolArray:
        """Which speak of a turn."""
        return np.isfinite(self.course_deg) | np.isfinite(self.lat_deg) | np.isfinite(self.lon_deg)

    @property
    def levels(self) -> BoolArray:
        """Which speak of a level-off."""
        return np.isfinite(self.level_m)


@dataclass(frozen=True, slots=True)
class _Flown:
    """Each leg's track with its intent worked out: seconds from now, inf where there is none."""

    legs: Legs
    circles: Circles
    swept_deg: FloatArray
    turn_s: FloatArray
    straight_s: FloatArray
    onward: geodesy.Line
    level_s: FloatArray
    level_m: FloatArray


def legs_with_intent(tracks: Tracks, intents: Intents, now_ms: int, look_ahead_ms: int) -> tuple[Legs, BoolArray]:
    """The legs of all tracks with a position in [now, now + look-ahead), and for each track if its intent is flown.

    Legs are in order of the track (their `owner` and `track`), then of time, without gaps. A track without any intent
    counts as flown.
    """
    plain = legs_of(tracks, now_ms, look_ahead_ms)
    intents = intents.take(plain.owner)
    turns = intents.turns & (plain.speed_mps > 0) & (intents.turn_dps > 0)
    circles, swept = _turns(plain, intents, now_ms)
    turns &= np.isfinite(swept)
    with np.errstate(divide="ignore", invalid="ignore"):
        level_s = (intents.level_m - plain.alt_m) / plain.rate_mps
    levels = intents.levels & ((level_s >= 0) & np.isfinite(level_s) | (intents.level_m == plain.alt_m))
    flown = np.ones(len(tracks), dtype=bool)
    flown[plain.owner] = (turns | ~intents.turns) & (levels | ~intents.levels)
    use = flown[plain.owner]
    turns, levels = turns & use, levels & use
    start = np.maximum(intents.turn_at_ms - now_ms, 0) / 1000
    begin = np.where(turns, start, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        end = np.where(turns, np.rint(1000 * (start + swept / intents.turn_dps)) / 1000, np.inf)
    swept = np.where(turns, swept, 0.0)
    lat, lon, course = circles.at(swept)
    to_lat, to_lon = np.where(turns, intents.lat_deg, np.nan), np.where(turns, intents.lon_deg, np.nan)
    _, facing, _ = geodesy.inverse(lat, lon, to_lat, to_lon)
    course = np.where(
        np.isfinite(facing), facing, np.where(np.isfinite(intents.course_deg), intents.course_deg, course)
    )
    onward = geodesy.Line.of(lat, lon, course)
    level_s = np.where(levels, np.floor(1000 * np.nan_to_num(level_s)) / 1000, np.inf)
    work = _Flown(plain, circles, swept, begin, end, onward, level_s, intents.level_m)
    return _laid(work, now_ms), flown


def _turns(plain: Legs, intents: Intents, now_ms: int) -> tuple[Circles, FloatArray]:
    """The circle of each turn and how far it goes, in degrees; NaN if it leads nowhere."""
    start = np.maximum(intents.turn_at_ms - now_ms, 0) / 1000
    lat, lon, course = plain.line.position(plain.lead_m + plain.speed_mps * start)
    rate = np.where(intents.turn_dps > 0, np.radians(intents.turn_dps), np.inf)
    radius = np.where(np.isfinite(rate), plain.speed_mps / rate, 1.0)
    found = []
    for side in (RIGHT, LEFT):
        circles = Circles.of(lat, lon, course, radius, np.full(len(lat), side))
        to_course, to_place = circles.until_course(intents.course_deg), circles.until_facing(*_waypoint(intents))
        swept = np.where(np.isfinite(intents.course_deg), to_course, to_place)
        found.append((circles, np.where(intents.side == -side, np.nan, swept)))
    (right, swept_right), (left, swept_left) = found
    rightward = ~(np.nan_to_num(swept_left, nan=np.inf) < np.nan_to_num(swept_right, nan=np.inf))
    both = {name: np.where(rightward, getattr(right, name), getattr(left, name)) for name in Circles.__slots__}
    return Circles(**both), np.where(rightward, swept_right, swept_left)


def _waypoint(intents: Intents) -> tuple[FloatArray, FloatArray]:
    return intents.lat_deg, intents.lon_deg


def _laid(flown: _Flown, now_ms: int) -> Legs:
    """The legs between the times at which anything changes."""
    plain = flown.legs
    count = len(plain)
    turning = np.isfinite(flown.turn_s)
    steps = np.where(turning, np.maximum(steps_of(flown.swept_deg, flown.circles.radius_m, TURN_SAG_M), 1), 0)
    owner, step = expand(np.zeros(count, dtype=np.int64), steps + 1)
    with np.errstate(invalid="ignore"):
        length = flown.straight_s - flown.turn_s
        on_turn = flown.turn_s[owner] + length[owner] * step / np.maximum(steps[owner], 1)
    every = np.arange(count)
    who = np.concatenate([every, every, every, owner])
    when = np.concatenate([np.zeros(count), plain.length_s, flown.level_s, np.where(turning[owner], on_turn, np.inf)])
    kept = when <= plain.length_s[who]
    # Whole milliseconds, so that legs end where the next begins.
    ms, who = np.rint(1000 * when[kept]).astype(np.int64), who[kept]
    order = np.lexsort((ms, who))
    ms, who = ms[order], who[order]
    leg = np.nonzero((who[1:] == who[:-1]) & (ms[1:] > ms[:-1]))[0]
    return _legs(flown, who[leg], ms[leg], ms[leg + 1], now_ms)


def _legs(flown: _Flown, who: IntArray, begin_ms: IntArray, end_ms: IntArray, now_ms: int) -> Legs:
    begin, end = begin_ms / 1000, end_ms / 1000
    plain, middle = flown.legs, (begin + end) / 2
    before, after = middle < flown.turn_s[who], middle > flown.straight_s[who]
    turning = np.nonzero(~before & ~after)[0]
    lead = plain.lead_m[who] + plain.speed_mps[who] * begin
    lead = np.where(after, plain.speed_mps[who] * (begin - np.where(after, flown.straight_s[who], 0.0)), lead)
    speed, error = plain.speed_mps[who], plain.pos_err_m[who]
    lines = {
        name: np.where(after, getattr(flown.onward, name)[..., who], getattr(plain.line, name)[..., who])
        for name in geodesy.Line.__slots__
    }
    if turning.size:
        chords, chord_m = _chords(flown, who[turning], begin[turning], end[turning])
        for name, values in lines.items():
            values[..., turning] = getattr(chords, name)
        lead[turning] = 0.0
        speed[turning] = chord_m / (end - begin)[turning]
        error[turning] += TURN_SAG_M
    level = middle > flown.level_s[who]
    return Legs(
        owner=plain.owner[who],
        track=plain.track[who],
        begin_ms=now_ms + begin_ms,
        length_s=end - begin,
        line=geodesy.Line(**lines),
        lead_m=lead,
        speed_mps=speed,
        alt_m=np.where(level, flown.level_m[who], plain.alt_m[who] + plain.rate_mps[who] * begin),
        rate_mps=np.where(level, 0.0, plain.rate_mps[who]),
        alt_ref=plain.alt_ref[who],
        alt_err_m=plain.alt_err_m[who],
        pos_err_m=error,
        slack_ms=plain.slack_ms[who],
    )


def _chords(flown: _Flown, who: IntArray, begin: FloatArray, end: FloatArray) -> tuple[geodesy.Line, FloatArray]:
    """Straight ways between two times of a turn, and their lengths."""
    circles, first = flown.circles.take(who), flown.turn_s[who]
    rate = flown.swept_deg[who] / (flown.straight_s[who] - first)
    lat, lon, _ = circles.at(rate * (begin - first))
    to_lat, to_lon, _ = circles.at(rate * (end - first))
    way_m, azimuth, _ = geodesy.inverse(lat, lon, to_lat, to_lon)
    return geodesy.Line.of(lat, lon, azimuth), way_m


def conflicts_with_intent(
    tracks: Tracks,
    intents: Intents,
    now_ms: int,
    look_ahead_ms: int = 300_000,
    horizontal_m: float = FIVE_NM_M,
    vertical_m: float = THOUSAND_FT_M,
) -> Conflicts:
    """The losses of separation in [now, now + look-ahead) if the tracks do what they intend; see `conflicts`.

    A pair that parts and meets again has a row for each loss, in order of time. On a turn h_err_m has its sag.
    """
    legs, flown = legs_with_intent(tracks, intents, now_ms, look_ahead_ms)
    intending = flown & (intents.turns | intents.levels)
    usual = conflict.conflicts(tracks, horizontal_m, vertical_m, look_ahead_ms=look_ahead_ms, now_ms=now_ms)
    usual = _take(usual, ~(intending[usual.i] | intending[usual.j]))
    parts = [usual]
    for one, other in _near_owners(tracks, intending, now_ms, look_ahead_ms, horizontal_m):
        parts.append(_losses_of_owners(legs, one, other, horizontal_m, vertical_m))
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Conflicts.__slots__}
    found = Conflicts(**columns)
    return _joined(_take(found, np.lexsort((found.t_in_ms, found.j, found.i))), now_ms + max(look_ahead_ms, 1))


def encounters_with_intent(
    tracks: Tracks, intents: Intents, volumes: Sequence[Volume] | Volumes, now_ms: int, look_ahead_ms: int
) -> Encounters:
    """When each track, doing what it intends, is inside each volume in [now, now + look-ahead); see `encounters`."""
    legs, _ = legs_with_intent(tracks, intents, now_ms, look_ahead_ms)
    held = volumes if isinstance(volumes, Volumes) else Volumes.of(volumes)
    return encounter.encounters_of_legs(legs, held, now_ms, now_ms + look_ahead_ms)


def _take(rows: Conflicts, index: IntArray | BoolArray) -> Conflicts:
    return Conflicts(**{name: getattr(rows, name)[index] for name in Conflicts.__slots__})


def _near_owners(
    tracks: Tracks, intending: BoolArray, now_ms: int, look_ahead_ms: int, horizontal_m: float
) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs i < j of tracks, one of them intending something, that can come near each other however they turn."""
    plain = legs_of(tracks, now_ms, look_ahead_ms)
    place, _ = plain.movers(slice(None)).at(np.zeros(len(plain)))
    reach = plain.speed_mps * plain.length_s + horizontal_m / 2 + _NEAR_M
    acts = intending[plain.owner]
    rows = np.nonzero(acts)[0]
    for block in np.array_split(rows, max(1, -(-len(rows) * len(plain) // _BLOCK_PAIRS))):
        apart = place[:, block, None] - place[:, None, :]
        near = dot(apart, apart) <= (reach[block, None] + reach) ** 2
        near &= ~acts | (np.arange(len(plain)) > block[:, None])
        near[np.arange(len(block)), block] = False
        one, other = np.nonzero(near)
        i, j = plain.owner[block[one]], plain.owner[other]
        yield np.minimum(i, j), np.maximum(i, j)


def _losses_of_owners(legs: Legs, one: IntArray, other: IntArray, horizontal_m: float, vertical_m: float) -> Conflicts:
    """The losses of pairs of owners, each for every stretch of time in which both are on one leg."""
    row, p = expand(np.searchsorted(legs.owner, one), np.searchsorted(legs.owner, one, side="right"))
    origin = int(legs.begin_ms.min(initial=NEVER_MS))
    begin = legs.begin_ms - origin
    end = begin + np.rint(1000 * legs.length_s).astype(np.int64)
    lift = int(end.max(initial=0)) + 1
    first = np.searchsorted(legs.owner * lift + end, other[row] * lift + begin[p], side="right")
    last = np.searchsorted(legs.owner * lift + begin, other[row] * lift + end[p])
    at, q = expand(first, last)
    p = p[at]
    begin, end = np.maximum(begin[p], begin[q]) + origin, np.minimum(end[p], end[q]) + origin
    a, b = _cut(legs, p, begin, end), _cut(legs, q, begin, end)
    half = a.length_s / 2
    (place_a, _), (place_b, _) = (part.movers(slice(None)).at(half) for part in (a, b))
    apart = place_a - place_b
    near = dot(apart, apart) <= ((a.speed_mps + b.speed_mps) * half + horizontal_m + _NEAR_M) ** 2
    count = int(near.sum())
    together = _cut(legs, np.concatenate([p[near], q[near]]), np.tile(begin[near], 2), np.tile(end[near], 2))
    pair = np.arange(count)
    numbered = replace(together, owner=np.arange(2 * count), track=np.arange(2 * count))
    found = conflict.losses(numbered, pair, pair + count, horizontal_m, vertical_m, 0)
    from_ms, until_ms = begin[near][found.i], end[near][found.i]
    return replace(
        found,
        i=together.owner[found.i],
        j=together.owner[found.j],
        t_in_ms=from_ms + found.t_in_ms,
        t_out_ms=np.where(found.t_out_ms == NEVER_MS, until_ms, from_ms + found.t_out_ms),
        t_cpa_ms=from_ms + found.t_cpa_ms,
    )


def _cut(legs: Legs, index: IntArray, begin_ms: IntArray, end_ms: IntArray) -> Legs:
    """Parts of legs between times."""
    offset = (begin_ms - legs.begin_ms[index]) / 1000
    values = {field.name: getattr(legs, field.name) for field in fields(Legs)}
    part = {name: value.take(index) if name == "line" else value[index] for name, value in values.items()}
    part["lead_m"] = part["lead_m"] + part["speed_mps"] * offset
    part["alt_m"] = part["alt_m"] + part["rate_mps"] * offset
    return Legs(**{**part, "begin_ms": begin_ms, "length_s": (end_ms - begin_ms) / 1000})


def _joined(rows: Conflicts, end_ms: int) -> Conflicts:
    """Rows in order of pair and time, those of one pair that follow each other without a gap made one."""
    if not len(rows):
        return rows
    last_ms = np.minimum(rows.t_out_ms, end_ms)
    same = (rows.i[1:] == rows.i[:-1]) & (rows.j[1:] == rows.j[:-1]) & (rows.t_in_ms[1:] <= last_ms[:-1])
    start = np.nonzero(np.concatenate([[True], ~same]))[0]
    group = np.cumsum(np.concatenate([[True], ~same])) - 1
    # The row of a group in which the distance is least: the first in order of group, then distance.
    nearest = np.lexsort((rows.h_min_m, group))[start]
    out = np.maximum.reduceat(last_ms, start)
    return replace(
        _take(rows, start),
        t_out_ms=np.where(out >= end_ms, NEVER_MS, out),
        t_cpa_ms=rows.t_cpa_ms[nearest],
        h_min_m=rows.h_min_m[nearest],
        v_min_m=np.minimum.reduceat(rows.v_min_m, start),
        h_err_m=np.maximum.reduceat(rows.h_err_m, start),
        v_bound_m=np.maximum.reduceat(rows.v_bound_m, start),
    )
