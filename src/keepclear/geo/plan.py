"""Plan: where an own flight is going to be.

Law: the same arithmetic as for tracks; a plan is legs, each a geodesic at constant speed between two waypoints. A leg
whose ends are measured from different references has no known altitude between them and meets every band.

A plan may also be said as a sequence of volumes, each with its band and window. It is then no `Plan`: its volumes are
held against notices as volumes are against volumes, two lists against each other (`overlaps` of overlap.py), and the
first row by the window is where it comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.altitude import AltRef
from keepclear.geo.motion import Legs

_SHORTEST_MS = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """An own flight plan: waypoints in order of time, and how far from them the flight may be.

    lat_deg, lon_deg, alt_m (NaN: not known), at_ms: one value a waypoint; alt_ref: one a waypoint, or one for all.
    tolerance_m: how far beside its place; tolerance_ms: how early or late; alt_err_m: how far above or below. A leg
    that takes no time, or is out of order, is given one millisecond.
    """

    lat_deg: Sequence[float]
    lon_deg: Sequence[float]
    alt_m: Sequence[float]
    at_ms: Sequence[int]
    alt_ref: AltRef | Sequence[AltRef] = AltRef.STD
    tolerance_m: float = 0.0
    tolerance_ms: int = 0
    alt_err_m: float = 0.0


def legs_of_plan(plan: Plan) -> Legs:
    """The legs between the waypoints, all of one owner; none for fewer than two waypoints."""
    lat, lon, alt = (np.asarray(value, dtype=np.float64) for value in (plan.lat_deg, plan.lon_deg, plan.alt_m))
    at_ms = np.maximum.accumulate(np.asarray(plan.at_ms, dtype=np.int64))
    way_m, azimuth, _ = geodesy.inverse(lat[:-1], lon[:-1], lat[1:], lon[1:])
    length_s = np.maximum(np.diff(at_ms), _SHORTEST_MS) / 1000
    ref = np.broadcast_to(np.asarray(plan.alt_ref, dtype=np.int64), alt.shape)
    climb_m = np.where(ref[:-1] == ref[1:], np.diff(alt), np.nan)
    zero = np.zeros(len(way_m))
    return Legs(
        owner=np.zeros(len(way_m), dtype=np.int64),
        track=np.arange(len(way_m)),
        begin_ms=at_ms[:-1],
        length_s=length_s,
        line=geodesy.Line.of(lat[:-1], lon[:-1], azimuth),
        lead_m=zero,
        speed_mps=way_m / length_s,
        alt_m=np.where(np.isnan(climb_m), np.nan, alt[:-1]),
        rate_mps=climb_m / length_s,
        alt_ref=ref[:-1],
        alt_err_m=zero + plan.alt_err_m,
        pos_err_m=zero + plan.tolerance_m,
        slack_ms=np.full(len(way_m), plan.tolerance_ms, dtype=np.int64),
    )
