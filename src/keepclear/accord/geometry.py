"""Geometry: the bridge from a volume as it was said to one that geo reckons with, and what is wrong with it.

The law: nothing here raises for what came from outside. What has no meaning as an area is everywhere, and named as a
fault. The shape is taken as said; limits are moved outward by their error. The position error stays apart
(`pos_err_m`), for the reckoning to add to that of the tracks.
"""

from keepclear.accord import shape
from keepclear.accord.shape import UNLIMITED, Altitude, AreaKind, LonLat, Volume
from keepclear.geo import altitude
from keepclear.geo import volume as geo
from keepclear.geo.volume import VolumeFault

_REFS = {ref: altitude.AltRef[ref.name] for ref in shape.AltRef}
_E7 = 10_000_000


def to_geo(volume: Volume, start_ms: int | None, end_ms: int | None) -> geo.Volume:
    """The volume in degrees and metres over a window; an area without meaning becomes Everywhere, a bad limit None."""
    lower_m, lower_ref = _limit(volume.lower, -1)
    upper_m, upper_ref = _limit(volume.upper, 1)
    return geo.Volume(_shape(volume.area), lower_m, upper_m, lower_ref, upper_ref, start_ms, end_ms)


def pos_err_m(volume: Volume) -> float:
    """The declared error of every point of the volume, in metres."""
    return abs(volume.pos_err_cm) / 100


def geometry_faults(
    volumes: tuple[Volume, ...], start_ms: int | None = None, end_ms: int | None = None
) -> list[VolumeFault]:
    """What is wrong with the volumes and their window, each with a hint and the number of the volume if there are more.

    A fault that `widens` nothing is advice and leaves the volume usable. An area said to be unknown is no fault.
    """
    faults = []
    for number, volume in enumerate(volumes, 1):
        prefix = f"volume {number}: " if len(volumes) > 1 else ""
        found = _wire_faults(volume) or geo.validate(to_geo(volume, start_ms, end_ms))
        faults += [VolumeFault(prefix + fault.reason, fault.hint, fault.widens) for fault in found]
    return faults


def unusable(faults: list[VolumeFault]) -> bool:
    """Whether any of the faults makes a part of a volume unusable, to be read at its widest."""
    return any(fault.widens for fault in faults)


def _wire_faults(volume: Volume) -> list[VolumeFault]:
    faults = []
    if volume.area[:1] != (AreaKind.UNKNOWN,) and _meaningless(volume.area):
        reason = f"the area is {len(volume.area)} numbers that make no polygon, circle or corridor"
        faults.append(VolumeFault(reason, "give pairs of longitude and latitude, or the area as unknown", "area"))
    if len(points := shape.points(volume.area)) > shape.MAX_VERTICES_ROUTINE:
        reason = f"the area has {len(points)} points, at most {shape.MAX_VERTICES_ROUTINE} are read"
        faults.append(VolumeFault(reason, "give a coarser outline that holds all of it", "area"))
    for name, limit in (("lower", volume.lower), ("upper", volume.upper)):
        if limit is not None and limit.ref not in _REFS:
            reason = f"the {name} limit has the altitude reference {limit.ref}, known are 1 to {len(_REFS)}"
            faults.append(VolumeFault(reason, "give it on AMSL, AGL, WGS-84 or standard pressure", "band"))
    return faults


def _meaningless(area: tuple[int, ...]) -> bool:
    match area[:1]:
        case (AreaKind.POLYGON,):
            return len(area) % 2 == 0 or len(area) < 3
        case (AreaKind.CIRCLE,):
            return len(area) != 4
        case (AreaKind.CORRIDOR,):
            return len(area) % 2 == 1 or len(area) < 4
    return True


def _shape(area: tuple[int, ...]) -> geo.Shape:
    if _meaningless(area) or len(area) > 2 * shape.MAX_VERTICES_ROUTINE + 2:
        return geo.Everywhere()
    points = tuple(_degrees(point) for point in shape.points(area))
    if area[0] == AreaKind.CIRCLE:
        return geo.Circle(*points[0], area[3] / 100)
    if area[0] == AreaKind.CORRIDOR:
        return geo.Corridor(points, area[1] / 100)
    return geo.Polygon(points)


def _degrees(point: LonLat) -> tuple[float, float]:
    return point[0] / _E7, point[1] / _E7


def _limit(limit: Altitude | None, outward: int) -> tuple[float | None, altitude.AltRef]:
    if limit is None or limit == UNLIMITED or limit.ref not in _REFS:
        return None, altitude.AltRef.AMSL
    return (limit.cm + outward * abs(limit.err_cm)) / 100, _REFS[shape.AltRef(limit.ref)]
