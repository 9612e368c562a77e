"""Working out what the matters in force mean for own flights: snapshot in, findings out, in integers at both ends.

The law: pure, and heavy; the hands run it beside the node, and its findings come back as an input under the digest
of the snapshot. The floats of geo stay inside; times are rounded to ms and distances to cm before they leave.
A notice of unknown area is read as widely as the understanding reaches, else as everywhere. A hazard keeps to no
understanding, and a faulty shape says nothing of where: both are everywhere.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from keepclear.accord import geometry
from keepclear.accord.shape import UNKNOWN_VOLUME, AltRef, AreaKind, Volume
from keepclear.geo import altitude, conflict, encounter, geodesy, margin
from keepclear.geo import plan as geo_plan
from keepclear.geo import volume as geo_volume
from keepclear.geo.encounter import Encounters
from keepclear.geo.margin import Reaction
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS
from keepclear.interop.position import Plan, Position

ACTIVITY, PLANNED_FLIGHT, PAIR = "area", "plan", "pair"


class Watched(msgspec.Struct, frozen=True, array_like=True):
    """A matter in force that flights are held against. `end_ms` None: until its author says so.

    `agreed`: its author keeps to the agreed areas, so where it has said no area it is in one of them.
    """

    leaf: bytes
    active: bool
    start_ms: int | None
    end_ms: int | None
    volumes: tuple[Volume, ...]
    agreed: bool = False


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """The picture at one time. `areas` are those agreed for activities; none: nothing was agreed."""

    now_ms: int
    look_ahead_ms: int
    alert_ahead_ms: int
    horizontal_cm: int
    vertical_cm: int
    reaction: tuple[int, int, int]
    watched: tuple[Watched, ...]
    areas: tuple[Volume, ...]
    positions: tuple[Position, ...]
    plans: tuple[Plan, ...]


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """One flight and one matter (or, for a pair, two flights and no matter). None is not known or not in sight."""

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


def assess(data: bytes) -> tuple[Finding, ...]:
    """The findings for a snapshot's bytes, sorted by what they are about."""
    snapshot = msgspec.msgpack.decode(data, type=Snapshot)
    flying = [p for p in snapshot.positions if not p.on_ground]
    found = [
        *_areas(snapshot, flying),
        *(finding for plan in snapshot.plans for finding in _plan(snapshot, plan)),
        *_pairs(snapshot, flying),
    ]
    return tuple(sorted(found, key=lambda f: (f.what, f.flight, f.other, f.leaf)))


def _areas(snapshot: Snapshot, flying: Sequence[Position]) -> Iterator[Finding]:
    volumes, owners, unknown = _volumes(snapshot)
    if not volumes or not flying:
        return
    said_err_cm = _said_err_cm(snapshot)
    rows = encounter.encounters(_tracks(flying, said_err_cm), volumes, snapshot.now_ms, snapshot.look_ahead_ms)
    for (at, owner), row in _first_rows(rows, owners, after_ms=snapshot.now_ms).items():
        speed, err_cm = flying[at].speed_cmps, flying[at].pos_err_cm + said_err_cm
        known = not unknown[rows.volume[row]]
        yield _finding(snapshot, ACTIVITY, flying[at].flight, owner, rows, row, speed, err_cm, known)


def _plan(snapshot: Snapshot, plan: Plan) -> Iterator[Finding]:
    volumes, owners, unknown = _volumes(snapshot)
    if not volumes or len(plan.waypoints) < 2:
        return
    err_cm = plan.tolerance_cm + _said_err_cm(snapshot)
    rows = encounter.plan_encounters(_geo_plan(plan, err_cm), volumes)
    for (_, owner), row in _first_rows(rows, owners, after_ms=snapshot.now_ms, by_track=False).items():
        leg = int(rows.track[row])
        now = next((p.speed_cmps for p in snapshot.positions if p.flight == plan.flight), None)
        speed = max(now or 0, _speed(plan, leg))  # what it is seen to fly it can fly to get clear
        known = not unknown[rows.volume[row]]
        yield _finding(snapshot, PLANNED_FLIGHT, plan.flight, owner, rows, row, speed, err_cm, known)


def _pairs(snapshot: Snapshot, flying: Sequence[Position]) -> Iterator[Finding]:
    if len(flying) < 2:
        return
    found = conflict.conflicts(
        _tracks(flying),
        snapshot.horizontal_cm / 100,
        snapshot.vertical_cm / 100,
        snapshot.alert_ahead_ms,
        snapshot.now_ms,
    )
    for k in range(len(found)):
        one, other = sorted((flying[found.i[k]].flight, flying[found.j[k]].flight))
        if one != other:
            yield Finding(
                what=PAIR, flight=one, other=other, leaf=b"", inside=bool(found.t_in_ms[k] <= snapshot.now_ms),
                unknown_area=False, case="separation", enter_ms=int(found.t_in_ms[k]),
                clear_ms=_time(found.t_out_ms[k]), margin_ms=None, margin_low_ms=None,
                margin_high_ms=None, way_out_ms=None, h_min_cm=_cm(found.h_min_m[k]), v_min_cm=_cm(found.v_min_m[k]),
            )  # fmt: skip


def _finding(
    snapshot: Snapshot, what: str, flight: str, owner: Watched, rows: Encounters, row: int, speed: int | None,
    err_cm: int, known: bool,
) -> Finding:  # fmt: skip
    inside = bool(rows.inside_now[row]) and what == ACTIVITY
    answer = margin.margin(
        active=owner.active,
        inside=inside,
        now_ms=snapshot.now_ms,
        activity_start_ms=owner.start_ms,
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
    )  # fmt: skip


def _volumes(snapshot: Snapshot) -> tuple[list[geo_volume.Volume], list[Watched], list[bool]]:
    """All volumes as geo takes them, whose they are, and which of them stand for an area that is not known."""
    volumes, owners, unknown = [], [], []
    for watched in snapshot.watched:
        for volume in watched.volumes or (UNKNOWN_VOLUME,):
            for said, lost in _readings(snapshot, watched, volume):
                volumes.append(geometry.to_geo(said, watched.start_ms, watched.end_ms))
                owners.append(watched)
                unknown.append(lost)
    return volumes, owners, unknown


def _readings(snapshot: Snapshot, watched: Watched, volume: Volume) -> list[tuple[Volume, bool]]:
    """What a volume that was said is read as, each with whether it stands for an area that is not known."""
    unsaid = volume.area[:1] in ((), (AreaKind.UNKNOWN,))
    if not unsaid and not _is_faulty(volume):
        return [(volume, False)]
    agreed = unsaid and watched.agreed and not any(_is_faulty(area) for area in snapshot.areas)
    return [(area, True) for area in snapshot.areas if agreed] or [(UNKNOWN_VOLUME, True)]


def _is_faulty(volume: Volume) -> bool:
    return any(fault.widens == "area" for fault in geometry.geometry_faults((volume,)))


def _said_err_cm(snapshot: Snapshot) -> int:
    """The largest error that any volume in the picture declares for its points."""
    said = [volume for watched in snapshot.watched for volume in watched.volumes]
    return max((abs(volume.pos_err_cm) for volume in (*said, *snapshot.areas)), default=0)


def _first_rows(
    rows: Encounters, owners: list[Watched], *, after_ms: int, by_track: bool = True
) -> dict[tuple[int, Watched], int]:
    """The row that comes first, of those not over, for each flight and matter: inside now, else the earliest entry."""
    first: dict[tuple[int, bytes], int] = {}
    for row in np.nonzero(rows.clear_latest_ms > after_ms)[0].tolist():
        key = (int(rows.track[row]) if by_track else 0, owners[rows.volume[row]].leaf)
        if key not in first or rows.enter_earliest_ms[row] < rows.enter_earliest_ms[first[key]]:
            first[key] = row
    return {(at, owners[rows.volume[row]]): row for (at, _), row in first.items()}


def _tracks(positions: Sequence[Position], further_err_cm: int = 0) -> Tracks:
    return Tracks.from_wire(
        lat_e7=[p.lat_e7 for p in positions],
        lon_e7=[p.lon_e7 for p in positions],
        alt_cm=[p.alt_cm for p in positions],
        alt_ref=[_ref(p.alt_ref) for p in positions],
        alt_err_cm=[p.alt_err_cm for p in positions],
        pos_err_cm=[p.pos_err_cm + further_err_cm for p in positions],
        ground_speed_cmps=[p.speed_cmps for p in positions],
        track_e7=[None if p.track_cdeg is None else p.track_cdeg * 100_000 for p in positions],
        vertical_rate_cmps=[p.climb_cmps for p in positions],
        at_ms=[p.at_ms for p in positions],
    )


def _geo_plan(plan: Plan, err_cm: int) -> geo_plan.Plan:
    return geo_plan.Plan(
        lat_deg=[w.lat_e7 / 1e7 for w in plan.waypoints],
        lon_deg=[w.lon_e7 / 1e7 for w in plan.waypoints],
        alt_m=[np.nan if w.alt_cm is None else w.alt_cm / 100 for w in plan.waypoints],
        at_ms=[w.at_ms for w in plan.waypoints],
        alt_ref=[_ref(w.alt_ref) for w in plan.waypoints],
        tolerance_m=err_cm / 100,
        tolerance_ms=plan.tolerance_ms,
    )


def _speed(plan: Plan, leg: int) -> int:
    """Ground speed on one leg of a plan, cm/s."""
    one, other = plan.waypoints[leg], plan.waypoints[leg + 1]
    way_m, _, _ = geodesy.inverse(one.lat_e7 / 1e7, one.lon_e7 / 1e7, other.lat_e7 / 1e7, other.lon_e7 / 1e7)
    return round(float(np.ravel(way_m)[0]) * 100_000 / max(1, other.at_ms - one.at_ms))


def _ref(number: int) -> altitude.AltRef:
    """The reference as geo numbers it; an unknown one is read as AGL, which meets everything."""
    return altitude.AltRef[AltRef(number).name] if number in tuple(AltRef) else altitude.AltRef.AGL


def _time(ms: np.int64) -> int | None:
    return None if ms >= NEVER_MS else int(ms)


def _cm(metres: np.float64) -> int | None:
    return None if np.isnan(metres) else round(float(metres) * 100)
