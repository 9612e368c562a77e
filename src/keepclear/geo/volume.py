"""Volume: where, how high and when something happens, and what is wrong with one that somebody sent.

Law: a volume is what was said, unjudged; nothing here raises for its content. `validate` names what is wrong with
it, each with what its author can do. What cannot be used is read at its widest (`widest_reading`): an area that is
no area is everywhere, a band or window upside down is unbounded. None always means "not known" and is the widest.

Edges of polygons and the centre lines of corridors are straight in (longitude, latitude), the short way round;
radii and widths are geodesic metres on WGS-84. Bands and windows are half-open: the lower limit and the start
belong to the volume, the upper limit and the end do not.
"""

from dataclasses import dataclass

from keepclear.geo.altitude import AltRef

MAX_EDGE_KM = 20.0
MAX_WIDTH_DEG = 270.0
MAX_RADIUS_M = 5_000_000.0
MAX_ABS_ALTITUDE_M = 1_000_000.0
CORRIDOR_MAX_LAT_DEG = 89.0
_KM_PER_DEGREE = 111.7
"""The longest degree on WGS-84, of latitude at a pole, in km."""

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
