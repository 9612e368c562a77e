"""Working out what the matters in force mean for own flights: snapshot in, findings out, in integers at both ends.

The law: pure, and heavy; the hands run it beside the node, and its findings come back as an input under the digest
of the snapshot. The floats of geo stay inside; times are rounded to ms and distances to cm before they leave.
What is found by the limits themselves raises an advisory; what only wider ones find (geo/alert.py) holds one that
stands. Each reading of a doubted flight is reckoned with, and the one that comes first is told.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import msgspec
import numpy as np

from keepclear.geo import alert, conflict, encounter, geodesy, margin, staleness
from keepclear.geo import plan as geo_plan
from keepclear.geo.encounter import Encounters
from keepclear.geo.margin import Reaction
from keepclear.geo.track import Tracks, position_error_m
from keepclear.geo.units import NEVER_MS, FloatArray
from keepclear.interop.position import Plan
from keepclear.node.held import Held, held
from keepclear.node.rows import SPEED, read, ref, tracks_of
from keepclear.node.snapshot import Snapshot, Watched

ACTIVITY, PLANNED_FLIGHT, PAIR = "area", "plan", "pair"
NEAR, PERHAPS_NEAR = "separation", "separation, perhaps"
ROUGH_SHARE = 0.05  # of the horizontal limit: a lesser error is within what holds an alert
ROUGHEST_M = 20_000.0  # a place worse known than this is not held against others: it would be near all of them
_KEPT_PLANS = 10_000  # twice as many as are held


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """One flight and one matter (or, for a pair, two flights and no matter). None is not known or not in sight.

    `raises`: by the limits themselves, so that it is advised of; else it only holds what is advised of already.
    """

    what: str
    flight: str
    other: str
    leaf: bytes
    inside: bool
    unknown_area: bool
    case: str
    enter_ms: int | None
    clear_ms: int | None
    margin_ms: int | None
    margin_low_ms: int | None
    margin_high_ms: int | None
    way_out_ms: int | None
    h_min_cm: int | None = None
    v_min_cm: int | None = None
    reason: str = ""
    raises: bool = True


def assess(data: bytes) -> tuple[Finding, ...]:
    """The findings for a snapshot's bytes, sorted by what they are about."""
    snapshot = msgspec.msgpack.decode(data, type=Snapshot)
    kept, tracks = held(snapshot.matters), tracks_of(read(snapshot.rows))
    wide = staleness.widened(tracks, snapshot.now_ms)
    found = [
        *_areas(snapshot, kept, wide),
        *_plans(snapshot, kept),
        *_pairs(snapshot, tracks, position_error_m(wide, snapshot.now_ms)),
    ]
    return tuple(sorted(found, key=lambda f: (f.what, f.flight, f.other, f.leaf)))


def _areas(snapshot: Snapshot, kept: Held, tracks: Tracks) -> Iterator[Finding]:
    if not len(kept.owner) or not len(tracks):
        return
    tracks = replace(tracks, pos_err_m=tracks.pos_err_m + kept.err_cm / 100)
    ahead_ms = snapshot.look_ahead_ms + alert.USUAL.longer_ms
    rows = encounter.encounters(tracks, kept.at(snapshot.now_ms), snapshot.now_ms, ahead_ms)
    first: dict[tuple[str, int], int] = {}
    for row in np.nonzero(rows.clear_latest_ms > snapshot.now_ms)[0].tolist():
        _keep_first(first, (snapshot.flights[rows.track[row]], int(kept.owner[rows.volume[row]])), rows, row)
    speeds, errors = tracks.ground_speed_mps, position_error_m(tracks, snapshot.now_ms)
    for (flight, owner), row in first.items():
        at = rows.track[row]
        yield _finding(
            snapshot, ACTIVITY, flight, kept.watched[owner], rows, row, _cm(speeds[at]), int(np.ceil(100 * errors[at])),
            not kept.unknown[rows.volume[row]],
        )  # fmt: skip


def _keep_first(first: dict[tuple[str, int], int], key: tuple[str, int], rows: Encounters, row: int) -> None:
    """Of the rows of one flight and matter, the one that comes first: inside now, else the earliest entry."""
    if key not in first or rows.enter_earliest_ms[row] < rows.enter_earliest_ms[first[key]]:
        first[key] = row


def _plans(snapshot: Snapshot, kept: Held) -> Iterator[Finding]:
    plans = _read_plans(snapshot.plans) if len(kept.owner) else ()
    if not plans:
        return
    speeds = dict(zip(snapshot.flights, read(snapshot.rows)[:, SPEED].tolist(), strict=True))
    over = kept.over(snapshot.now_ms)
    for plan in plans:
        rows = _plan_rows(plan, kept, over)
        if not len(rows):
            continue
        first: dict[tuple[str, int], int] = {}
        for row in np.nonzero(rows.clear_latest_ms > snapshot.now_ms)[0].tolist():
            _keep_first(first, (plan.flight, int(kept.owner[rows.volume[row]])), rows, row)
        for (flight, owner), row in first.items():
            # What it is seen to fly it can fly to get clear.
            speed = max(speeds.get(flight, 0), _speed(plan, int(rows.track[row])))
            yield _finding(
                snapshot, PLANNED_FLIGHT, flight, kept.watched[owner], rows, row, speed,
                plan.tolerance_cm + kept.err_cm, not kept.unknown[rows.volume[row]],
            )  # fmt: skip


@lru_cache(maxsize=2)
def _read_plans(plans: bytes) -> tuple[Plan, ...]:
    return tuple(plan for plan in msgspec.msgpack.decode(plans, type=list[Plan]) if len(plan.waypoints) > 1)


@lru_cache(maxsize=_KEPT_PLANS)
def _plan_rows(plan: Plan, kept: Held, over: int) -> Encounters:
    """All of a plan against the volumes held, of which so many windows are over: time alone changes nothing in it."""
    volumes = kept.at(int(kept.over_ms[over - 1])) if over else kept.volumes
    return encounter.plan_encounters(_geo_plan(plan, plan.tolerance_cm + kept.err_cm), volumes)


def _pairs(snapshot: Snapshot, tracks: Tracks, errors_m: FloatArray) -> Iterator[Finding]:
    if len(tracks) < 2:
        return
    limits = alert.Limits(snapshot.horizontal_cm / 100, snapshot.vertical_cm / 100, snapshot.alert_ahead_ms)
    found, wider = alert.graded(tracks, snapshot.now_ms, limits)
    rough = _rough(snapshot, tracks, errors_m, limits)
    pairs = _each_pair(snapshot, wider, NEAR, raises=False)
    if rough is not None:
        pairs |= _each_pair(snapshot, rough, PERHAPS_NEAR)
    yield from (pairs | _each_pair(snapshot, found, NEAR)).values()


def _each_pair(
    snapshot: Snapshot, rows: conflict.Conflicts, case: str, *, raises: bool = True
) -> dict[tuple[str, str], Finding]:
    """The row that comes first for each two flights."""
    first: dict[tuple[str, str], Finding] = {}
    for k in range(len(rows)):
        one, other = sorted((snapshot.flights[rows.i[k]], snapshot.flights[rows.j[k]]))
        enter_ms = int(rows.t_in_ms[k])
        known = first.get((one, other))
        if one == other or (known is not None and (known.enter_ms or 0) <= enter_ms):
            continue
        first[one, other] = Finding(
            what=PAIR, flight=one, other=other, leaf=b"", unknown_area=False, case=case,
            inside=enter_ms <= snapshot.now_ms and case == NEAR, enter_ms=enter_ms,
            clear_ms=_time(rows.t_out_ms[k]), margin_ms=None, margin_low_ms=None, margin_high_ms=None,
            way_out_ms=None, h_min_cm=_cm(rows.h_min_m[k]), v_min_cm=_cm(rows.v_min_m[k]), raises=raises,
        )  # fmt: skip
    return first


def _rough(snapshot: Snapshot, tracks: Tracks, errors_m: FloatArray, limits: alert.Limits) -> conflict.Conflicts | None:
    """The pairs that may come too near only because a place is so badly known, by stated error or by age."""
    known = np.nonzero(errors_m <= ROUGHEST_M)[0]
    errors = errors_m[known]
    rough = errors > ROUGH_SHARE * limits.horizontal_m
    if not rough.any():
        return None
    wide_m = limits.horizontal_m + 2 * float(np.max(errors))
    rows = conflict.conflicts(tracks.take(known), wide_m, limits.vertical_m, limits.look_ahead_ms, snapshot.now_ms)
    near = (rough[rows.i] | rough[rows.j]) & (rows.h_min_m - errors[rows.i] - errors[rows.j] < limits.horizontal_m)
    some = conflict.Conflicts(**{name: getattr(rows, name)[near] for name in conflict.Conflicts.__slots__})
    return replace(some, i=known[some.i], j=known[some.j])


def _finding(
    snapshot: Snapshot, what: str, flight: str, owner: Watched, rows: Encounters, row: int, speed: int | None,
    err_cm: int, known: bool,
) -> Finding:  # fmt: skip
    now_ms, start_ms = snapshot.now_ms, owner.start_ms
    active = owner.active or (start_ms is not None and start_ms <= now_ms)
    if active and owner.agreed and start_ms is not None:
        start_ms = min(start_ms, now_ms)  # ACTIVATED before the announced start
    inside = bool(rows.inside_now[row]) and what == ACTIVITY
    answer = margin.margin(
        active=active,
        inside=inside,
        now_ms=now_ms,
        activity_start_ms=start_ms,
        enter_ms=int(rows.enter_ms[row]),
        clear_ms=int(rows.clear_ms[row]),
        distance_out_cm=_cm(rows.distance_out_m[row]),
        speed_cmps=speed,
        reaction=Reaction(*snapshot.reaction),
        enter_earliest_ms=int(rows.enter_earliest_ms[row]),
        clear_latest_ms=int(rows.clear_latest_ms[row]),
        pos_err_cm=err_cm,
    )
    # Where the area is not known, every way out would be a safe side derived from nothing.
    return Finding(
        what=what, flight=flight, other="", leaf=owner.leaf, inside=inside, unknown_area=not known,
        case=str(answer.case), enter_ms=_time(rows.enter_ms[row]),
        clear_ms=_time(rows.clear_ms[row]) if known else None,
        margin_ms=answer.margin_ms if known else None, margin_low_ms=answer.margin_low_ms if known else None,
        margin_high_ms=answer.margin_high_ms if known else None, way_out_ms=answer.way_out_ms if known else None,
        reason=answer.reason if known else "the area is not known",
        raises=what == PLANNED_FLIGHT or bool(rows.enter_earliest_ms[row] < now_ms + snapshot.look_ahead_ms),
    )  # fmt: skip


def _geo_plan(plan: Plan, err_cm: int) -> geo_plan.Plan:
    return geo_plan.Plan(
        lat_deg=[w.lat_e7 / 1e7 for w in plan.waypoints],
        lon_deg=[w.lon_e7 / 1e7 for w in plan.waypoints],
        alt_m=[np.nan if w.alt_cm is None else w.alt_cm / 100 for w in plan.waypoints],
        at_ms=[w.at_ms for w in plan.waypoints],
        alt_ref=[ref(w.alt_ref) for w in plan.waypoints],
        tolerance_m=err_cm / 100,
        tolerance_ms=plan.tolerance_ms,
    )


def _speed(plan: Plan, leg: int) -> int:
    """Ground speed on one leg of a plan, cm/s."""
    one, other = plan.waypoints[leg], plan.waypoints[leg + 1]
    way_m, _, _ = geodesy.inverse(one.lat_e7 / 1e7, one.lon_e7 / 1e7, other.lat_e7 / 1e7, other.lon_e7 / 1e7)
    return round(float(np.ravel(way_m)[0]) * 100_000 / max(1, other.at_ms - one.at_ms))


def _time(ms: np.int64) -> int | None:
    return None if ms >= NEVER_MS else int(ms)


def _cm(metres: np.float64) -> int | None:
    return None if np.isnan(metres) else round(float(metres) * 100)
