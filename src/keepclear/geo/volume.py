"""Volume: where, how high and when something happens, and what is wrong with one that somebody sent.

Law: a volume is what was said, unjudged; nothing here raises for its content. `validate` names what is wrong with
it, each with what its author can do. What cannot be used is read at its widest (`widest_reading`): an area that is
no area is everywhere, a band or window upside down is unbounded. None always means "not known" and is the widest.

Edges of polygons and the centre lines of corridors are straight in (longitude, latitude), the short way round;
radii and widths are geodesic metres on WGS-84. Bands and windows are half-open: the lower limit and the start
belong to the volume, the upper limit and the end do not.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from keepclear.geo.altitude import AltRef, reference_bound_m

MAX_EDGE_KM = 20.0
MAX_EXTENT_DEG = 270.0
"""A ring wider than this in longitude leaves too little room to tell its inside from the far side of the earth."""
MAX_RADIUS_M = 5_000_000.0
MAX_CORRIDOR_M = 200_000.0
MAX_CORRIDOR_LAT_DEG = 88.0
MAX_ALTITUDE_M = 1_000_000.0
MIN_AREA_DEG2 = 1e-14
"""A square of one unit of the wire, 1e-7 degree."""
_KM_PER_DEGREE = 111.7
"""The longest degree on WGS-84: of latitude, at a pole."""

LonLat = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Polygon:
    """A ring of (longitude, latitude) in degrees, closed or not, either way round; holes are refused by `validate`."""

    ring: tuple[LonLat, ...]
    holes: tuple[tuple[LonLat, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Circle:
    """All points nearer than radius_m (geodesic) to a centre; the only shape that may hold a pole."""

    lon_deg: float
    lat_deg: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Corridor:
    """All points nearer than half of width_m (the total width) to a line of (longitude, latitude); round ends."""

    points: tuple[LonLat, ...]
    width_m: float


@dataclass(frozen=True, slots=True)
class Everywhere:
    """No area is known: the widest reading."""


Shape = Polygon | Circle | Corridor | Everywhere


@dataclass(frozen=True, slots=True)
class Volume:
    """A shape, an altitude band [lower_m, upper_m) and a window [start_ms, end_ms) in epoch milliseconds."""

    shape: Shape = Everywhere()
    lower_m: float | None = None
    upper_m: float | None = None
    lower_ref: AltRef = AltRef.AMSL
    upper_ref: AltRef = AltRef.AMSL
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class VolumeFault:
    """What is wrong with a volume, what its author can do, and which part is read at its widest for it.

    `widens` is "area", "band" or "window", or "" for a fault that leaves the volume usable as it stands.
    """

    reason: str
    hint: str
    widens: str = ""


def validate(volume: Volume) -> list[VolumeFault]:
    """What is wrong with a volume, each with a hint; an empty list if nothing is. Never raises for content."""
    return [*_shape_faults(volume.shape), *_band_faults(volume), *_window_faults(volume)]


def widest_reading(volume: Volume) -> Volume:
    """The volume with every part that cannot be used left open, and holes filled in: what `encounters` works with."""
    widened = {fault.widens for fault in validate(volume)}
    shape = volume.shape
    if "area" in widened:
        shape = Everywhere()
    elif isinstance(shape, Polygon) and shape.holes:
        shape = Polygon(shape.ring)
    volume = replace(volume, shape=shape)
    if "band" in widened:
        volume = replace(volume, lower_m=None, upper_m=None)
    if "window" in widened:
        volume = replace(volume, start_ms=None, end_ms=None)
    return volume


def open_ring(ring: Sequence[LonLat]) -> list[LonLat]:
    """The ring without its closing point and without a point said twice in a row."""
    points = [point for index, point in enumerate(ring) if index == 0 or point != ring[index - 1]]
    return points[:-1] if len(points) > 1 and points[0] == points[-1] else points


def unwrapped(points: Sequence[LonLat]) -> list[LonLat]:
    """The same points with longitudes that run on across the antimeridian, each the short way from the one before."""
    result: list[LonLat] = []
    for lon, lat in points:
        turns = round((result[-1][0] - lon) / 360) if result else 0
        result.append((lon + 360 * turns, lat))
    return result


def _shape_faults(shape: Shape) -> list[VolumeFault]:
    match shape:
        case Polygon():
            return _polygon_faults(shape)
        case Circle():
            return _circle_faults(shape)
        case Corridor():
            return _corridor_faults(shape)
        case Everywhere():
            return []


def _area(reason: str, hint: str) -> VolumeFault:
    return VolumeFault(reason, hint, "area")


def _out_of_range(points: Sequence[LonLat]) -> list[VolumeFault]:
    return [
        _area(f"point {index + 1} is ({lon}, {lat})", "give longitude within -180..180 and latitude within -90..90")
        for index, (lon, lat) in enumerate(points)
        if not (-180 <= lon <= 180 and -90 <= lat <= 90)
    ]


def _edges(points: Sequence[LonLat]) -> Iterator[tuple[int, float, float]]:
    """For each edge its number, its longitude difference and a length in km that it does not exceed."""
    for index, ((lon1, lat1), (lon2, lat2)) in enumerate(pairwise(points)):
        turn = abs(math.remainder(lon2 - lon1, 360))
        cosine = max(math.cos(math.radians(lat1)), math.cos(math.radians(lat2)))
        cosine = 1.0 if lat1 * lat2 < 0 else cosine
        yield index + 1, turn, _KM_PER_DEGREE * math.hypot(lat2 - lat1, turn * cosine)


def _line_faults(points: Sequence[LonLat]) -> list[VolumeFault]:
    faults, long_edges = [], []
    for number, turn, length_km in _edges(points):
        if turn >= 180 - 1e-9:
            faults.append(
                _area(f"edge {number} spans {turn:g} degrees of longitude", "add a point between, or use a circle")
            )
        elif length_km > MAX_EDGE_KM:
            long_edges.append((number, length_km))
    if long_edges:
        number, length_km = max(long_edges, key=lambda edge: edge[1])
        reason = (
            f"{len(long_edges)} edges are longer than {MAX_EDGE_KM:g} km, edge {number} is about {length_km:.0f} km"
        )
        hint = "add points along the line you mean: edges are straight in (longitude, latitude)"
        faults.append(VolumeFault(reason, hint))
    lons = [lon for lon, _ in unwrapped(points)]
    if max(lons) - min(lons) > MAX_EXTENT_DEG:
        reason = f"it spans {max(lons) - min(lons):.0f} degrees of longitude, at most {MAX_EXTENT_DEG:g} can be held"
        faults.append(_area(reason, "use a circle, or several smaller volumes"))
    return faults


def _polygon_faults(shape: Polygon) -> list[VolumeFault]:
    faults = []
    if shape.holes:
        hint = "say the area as several volumes; until then the holes are read as part of it"
        faults.append(VolumeFault(f"the polygon has {len(shape.holes)} holes, none is allowed", hint))
    ring = open_ring(shape.ring)
    if bad := _out_of_range(ring):
        return faults + bad
    if len(set(ring)) < 3:
        reason = f"the ring has {len(set(ring))} different points, at least 3 are needed"
        return [*faults, _area(reason, "use a circle for a place and a corridor for a line")]
    closed = unwrapped([*ring, ring[0]])
    if abs(closed[-1][0] - closed[0][0]) > 180:
        return [*faults, _area("the ring runs round a pole", "use a circle about the pole")]
    faults += _line_faults([*ring, ring[0]])
    if any(fault.widens for fault in faults):
        return faults
    return faults + _crossing_faults(closed)


def _crossing_faults(closed: list[LonLat]) -> list[VolumeFault]:
    import shapely  # noqa: PLC0415  0.2 s to import, and only rings need it

    polygon = shapely.Polygon(closed)
    if polygon.convex_hull.area < MIN_AREA_DEG2:
        return [_area("the ring encloses no area", "use a circle for a place and a corridor for a line")]
    if not shapely.is_valid(polygon):
        reason = f"the ring crosses or touches itself ({shapely.is_valid_reason(polygon)})"
        return [_area(reason, "give the points in their order along the border, or split the area in two")]
    return []


def _circle_faults(shape: Circle) -> list[VolumeFault]:
    faults = _out_of_range([(shape.lon_deg, shape.lat_deg)])
    if not 0 < shape.radius_m <= MAX_RADIUS_M:
        reason = f"the radius is {shape.radius_m} m"
        faults.append(_area(reason, f"give a radius above 0 and at most {MAX_RADIUS_M:.0f} m"))
    return faults


def _corridor_faults(shape: Corridor) -> list[VolumeFault]:
    points = [point for index, point in enumerate(shape.points) if index == 0 or point != shape.points[index - 1]]
    if bad := _out_of_range(points):
        return bad
    if len(points) < 2:
        reason = f"the corridor has {len(points)} different points, at least 2 are needed"
        return [_area(reason, "use a circle for a place")]
    if not 0 < shape.width_m <= MAX_CORRIDOR_M:
        reason = f"the corridor is {shape.width_m} m wide"
        return [_area(reason, f"give a total width above 0 and at most {MAX_CORRIDOR_M:.0f} m, else a polygon")]
    reach_deg = max(abs(lat) for _, lat in points) + shape.width_m / 2000 / (_KM_PER_DEGREE - 2)
    if reach_deg > MAX_CORRIDOR_LAT_DEG:
        reason = f"the corridor reaches latitude {reach_deg:.1f}, at most {MAX_CORRIDOR_LAT_DEG:g} can be held"
        return [_area(reason, "use circles near a pole")]
    return _line_faults(points)


def _band_faults(volume: Volume) -> list[VolumeFault]:
    lower, upper = volume.lower_m, volume.upper_m
    limits = [("lower", lower), ("upper", upper)]
    faults = [
        VolumeFault(
            f"the {name} limit is {limit} m", f"give metres within {MAX_ALTITUDE_M:.0f} or leave it out", "band"
        )
        for name, limit in limits
        if limit is not None and not abs(limit) <= MAX_ALTITUDE_M
    ]
    if lower is None or upper is None or faults or lower < upper:  # a bound is never negative
        return faults
    if lower - float(reference_bound_m(volume.lower_ref, volume.upper_ref, lower)) >= upper:
        reason = f"the lower limit {lower:g} m is not below the upper limit {upper:g} m"
        faults.append(VolumeFault(reason, "give the lower limit first, then the upper", "band"))
    return faults


def _window_faults(volume: Volume) -> list[VolumeFault]:
    start, end = volume.start_ms, volume.end_ms
    if start is None or end is None or start < end:
        return []
    reason = f"the window ends {start - end} ms before it begins" if start > end else "the window has no length"
    return [VolumeFault(reason, "give the start first, then the end", "window")]
