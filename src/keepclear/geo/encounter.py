"""Encounter: when a track or a plan is inside a volume.

Law: conservative candidates first, the exact verdict after; one row for each interval inside, so that a concave volume
gives several. Area, band and window must hold at once; all are half-open in time. Nothing known to be possible is left
out: with the errors of position, altitude and plan against the flight there is a range about each interval, and an
interval that comes about only so has a row too, with enter_ms NEVER_MS.

Accuracy: the border within 1 m (crossing.py), so the times within 1 m by the ground speed across the border, and 1 ms
of rounding. enter_ms and enter_earliest_ms are rounded down, clear_ms and clear_latest_ms up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keepclear.geo.crossing import spans_inside
from keepclear.geo.interval import Spans, holder, merged
from keepclear.geo.kernel import LOADED, Kernel
from keepclear.geo.motion import Legs
from keepclear.geo.plan import Plan, legs_of_plan
from keepclear.geo.sieve import Pairs, candidates
from keepclear.geo.track import Tracks, legs_of
from keepclear.geo.units import NEVER_MS, BoolArray, FloatArray, IntArray
from keepclear.geo.volume import Volume
from keepclear.geo.volumes import Volumes

_TOUCH_MS = 1e-3


@dataclass(frozen=True, slots=True)
class Encounters:
    """Intervals inside volumes, one an element, by track, volume, time; times in epoch ms, NEVER_MS if never.

    track: index of the track (of a plan: of the leg it enters on); volume: index of the volume. inside_now: inside
    area, band and window now. enter_ms: first instant inside (now if inside_now), NEVER_MS if the flight comes in only
    when its error is against it. clear_ms: first instant outside after it, NEVER_MS if not within the look-ahead.
    enter_earliest_ms, clear_latest_ms: the same with every error against the flight. distance_out_m: the shortest
    horizontal way out from where the flight is at enter_ms, 0 if it never is, NaN if the volume has no border.
    """

    track: IntArray
    volume: IntArray
    inside_now: BoolArray
    enter_ms: IntArray
    clear_ms: IntArray
    enter_earliest_ms: IntArray
    clear_latest_ms: IntArray
    distance_out_m: FloatArray

    def __len__(self) -> int:
        return len(self.track)


def encounters(
    tracks: Tracks,
    volumes: Sequence[Volume] | Volumes,
    now_ms: int,
    look_ahead_ms: int,
    kernel: Kernel | None = LOADED,
) -> Encounters:
    """When each track, going on as it does, is inside each volume in [now, now + look-ahead).

    Whoever asks more than once for the same volumes makes `Volumes` of them first and keeps it.
    """
    held = volumes if isinstance(volumes, Volumes) else Volumes.of(volumes)
    if kernel is not None:
        return Encounters(*kernel.encounters(tracks, held, now_ms, look_ahead_ms))
    return encounters_of_legs(legs_of(tracks, now_ms, look_ahead_ms), held, now_ms, now_ms + look_ahead_ms)


def plan_encounters(plan: Plan, volumes: Sequence[Volume] | Volumes) -> Encounters:
    """When a plan is inside each volume; `track` is the leg on which it enters, `inside_now` inside at its start.

    A plan of fewer than two waypoints flies nowhere and has no rows. There is no compiled twin: a plan is asked for
    when it is filed, and again when volumes change.
    """
    held = volumes if isinstance(volumes, Volumes) else Volumes.of(volumes)
    legs = legs_of_plan(plan)
    begin_ms = int(np.min(legs.begin_ms, initial=NEVER_MS))
    return encounters_of_legs(
        legs, held, begin_ms, int(np.max(legs.begin_ms + np.rint(1000 * legs.length_s), initial=begin_ms))
    )


def encounters_of_legs(
    legs: Legs, volumes: Volumes, begin_ms: int, end_ms: int, pairs: Pairs | None = None
) -> Encounters:
    """When legs are inside volumes, those of one owner one after the other; now is begin_ms, and no leg passes end_ms.

    With `pairs`, of these alone (`sieve.candidates` of the same legs and volumes, or some of them).
    """
    pairs = candidates(legs, volumes) if pairs is None else pairs
    sure, perhaps = spans_inside(legs, volumes, pairs)
    sure = sure.within(pairs.first[sure.key], pairs.last[sure.key])
    perhaps = perhaps.within(pairs.first_perhaps[perhaps.key], pairs.last_perhaps[perhaps.key])
    sure = _of_owners(legs, volumes, pairs, sure, begin_ms)
    sure = merged(_in_window(volumes, sure, begin_ms), _TOUCH_MS)
    perhaps = _early_and_late(legs, _of_owners(legs, volumes, pairs, perhaps, begin_ms))
    perhaps = merged(_in_window(volumes, perhaps, begin_ms), _TOUCH_MS)
    return _rows(legs, volumes, sure, perhaps, begin_ms, end_ms)


def _of_owners(legs: Legs, volumes: Volumes, pairs: Pairs, spans: Spans, begin_ms: int) -> Spans:
    """Spans keyed by owner and volume, in ms from begin_ms instead of seconds from the leg's beginning."""
    key = legs.owner[spans.leg] * len(volumes) + pairs.volume[spans.key]
    offset = legs.begin_ms[spans.leg] - begin_ms
    return Spans(key, offset + 1000 * spans.begin, offset + 1000 * spans.end, spans.leg, spans.crossed)


def _early_and_late(legs: Legs, spans: Spans) -> Spans:
    """Spans made longer by how early and late the flight may be."""
    slack = legs.slack_ms[spans.leg]
    return replace(spans, begin=spans.begin - slack, end=spans.end + slack)


def _in_window(volumes: Volumes, spans: Spans, begin_ms: int) -> Spans:
    """Spans within the windows to the millisecond, whatever seconds have made of it."""
    volume = spans.key % len(volumes)
    opens, closes = volumes.start_ms[volume] - begin_ms, volumes.end_ms[volume] - begin_ms
    return spans.within(opens.astype(np.float64), closes.astype(np.float64))


def _rows(legs: Legs, volumes: Volumes, sure: Spans, perhaps: Spans, begin_ms: int, end_ms: int) -> Encounters:
    about = holder(sure, perhaps)
    lonely = perhaps.take(np.setdiff1d(np.arange(len(perhaps)), about))
    never = np.full(len(lonely), np.inf)
    leg = np.concatenate([sure.leg, lonely.leg])
    volume = np.concatenate([sure.key, lonely.key]) % len(volumes)
    begin = np.concatenate([sure.begin, lonely.begin])
    earliest = np.concatenate([perhaps.begin[about], lonely.begin])
    latest = np.concatenate([perhaps.end[about], lonely.end])
    order = np.lexsort((begin, volume, legs.owner[leg]))
    horizon = end_ms - begin_ms
    return Encounters(
        track=legs.track[leg][order],
        volume=volume[order],
        inside_now=np.concatenate([sure.begin <= 0, np.zeros(len(lonely), dtype=bool)])[order],
        enter_ms=_whole(np.floor(np.concatenate([sure.begin, never])), np.inf, begin_ms)[order],
        clear_ms=_whole(np.ceil(np.concatenate([sure.end, never])), horizon, begin_ms)[order],
        enter_earliest_ms=_whole(np.floor(earliest), np.inf, begin_ms)[order],
        clear_latest_ms=_whole(np.ceil(latest), horizon, begin_ms)[order],
        distance_out_m=np.concatenate([_way_out_m(legs, volumes, sure, begin_ms), np.zeros(len(lonely))])[order],
    )


def _way_out_m(legs: Legs, volumes: Volumes, spans: Spans, begin_ms: int) -> FloatArray:
    """How far the border is from where each span begins: nothing if it begins by crossing it."""
    away = np.zeros(len(spans))
    within = np.nonzero(~spans.crossed)[0]
    leg = spans.leg[within]
    lat, lon = legs.position(leg, (begin_ms + spans.begin[within] - legs.begin_ms[leg]) / 1000)
    away[within] = volumes.to_border_m(spans.key[within] % len(volumes), lat, lon)
    return away


def _whole(time_ms: FloatArray, never_from: float, begin_ms: int) -> IntArray:
    """Milliseconds of the epoch of times from begin_ms; NEVER_MS for those at or after never_from."""
    come = time_ms < never_from
    return np.where(come, begin_ms + np.where(come, time_ms, 0.0).astype(np.int64), NEVER_MS)
