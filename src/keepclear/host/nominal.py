"""Nominal tracks of a scenario: positions between the reconstruction's points, as a track source would send them.

The law: a position lies on the straight way (in longitude and latitude) between two points, with 100 m of stated
error; the points' own sigma is the doubt of the reconstruction and enters only through a spread, drawn from a seed.
"""

from math import atan2, cos, degrees, hypot, radians
from random import Random
from typing import Any, Final

import msgspec

from keepclear.host.scenario import Day, PlanFiled, Scenario, Track

EARTH_KM_PER_DEGREE: Final = 111.195
POS_ERR_M: Final = 100
ALT_ERR_M: Final = 100


class Fix(msgspec.Struct, frozen=True):
    """Where a nominal flight is at one time; speed in m/s over the ground, course in degrees."""

    flight: str
    at_ms: int
    lat: float
    lon: float
    alt_m: float
    speed_mps: float
    course_deg: float


def tracks_of(data: Scenario, layer: str) -> list[Track]:
    """The tracks of a layer: its own, and those of all layers whose flight it does not have itself."""
    own = [track for track in data.track if layer in track.layers]
    mine = {track.flight for track in own}
    return own + [track for track in data.track if not track.layers and track.flight not in mine]


def fix(track: Track, day: Day, at_ms: int, shifts: tuple[tuple[float, float, float], ...] | None = None) -> Fix | None:
    """The flight's nominal position at a time, or None when it is not flying then.

    `shifts` moves each point by (km north, km east, metres up).
    """
    times = [day.ms(point[0]) for point in track.points]
    if not times[0] <= at_ms <= times[-1]:
        return None
    k = max(i for i, time in enumerate(times) if time <= at_ms)
    k = min(k, len(times) - 2)
    one, other = (_moved(track, i, shifts) for i in (k, k + 1))
    span_s = (times[k + 1] - times[k]) / 1_000
    share = (at_ms - times[k]) / (times[k + 1] - times[k])
    lat, lon, alt = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    north_m = (other[0] - one[0]) * EARTH_KM_PER_DEGREE * 1_000
    east_m = (other[1] - one[1]) * EARTH_KM_PER_DEGREE * 1_000 * cos(radians(lat))
    speed = max(hypot(north_m, east_m) / span_s, track.cruise_kmh / 3.6 if alt > 1_000 else 0)
    return Fix(track.flight, at_ms, lat, lon, alt, speed, degrees(atan2(east_m, north_m)) % 360)


def draw_shifts(track: Track, random: Random) -> tuple[tuple[float, float, float], ...]:
    """One draw of the reconstruction's doubt: a shift for each point, by its sigma."""
    return tuple((random.gauss(0, s), random.gauss(0, s), random.gauss(0, sa)) for *_, s, sa, _ in track.points)


def line_of(at: Fix) -> dict[str, Any]:
    """The fix as a JSON line of the track port."""
    return {
        "type": "position", "flight": at.flight, "lat": round(at.lat, 6), "lon": round(at.lon, 6),
        "alt_m": round(at.alt_m), "alt_ref": "AMSL", "gs_kmh": round(at.speed_mps * 3.6, 1),
        "track": round(at.course_deg, 1) % 360, "pos_err_m": POS_ERR_M, "alt_err_m": ALT_ERR_M, "at": at.at_ms,
    }  # fmt: skip


def plan_line(plan: PlanFiled, day: Day) -> dict[str, Any]:
    """A plan as a JSON line of the track port."""
    waypoints = [
        {"lat": lat, "lon": lon, "alt_m": alt_m, "alt_ref": "AMSL", "at": day.ms(z)}
        for z, lat, lon, alt_m in plan.points
    ]
    return {
        "plan": {
            "flight": plan.flight, "tolerance_m": plan.tolerance_m, "tolerance_s": 30, "waypoints": waypoints,
        }
    }  # fmt: skip


def _moved(track: Track, i: int, shifts: tuple[tuple[float, float, float], ...] | None) -> tuple[float, float, float]:
    _, lat, lon, alt, *_ = track.points[i]
    if shifts is None:
        return lat, lon, float(alt)
    north_km, east_km, up_m = shifts[i]
    return (
        lat + north_km / EARTH_KM_PER_DEGREE,
        lon + east_km / (EARTH_KM_PER_DEGREE * cos(radians(lat))),
        max(0.0, alt + up_m),
    )
