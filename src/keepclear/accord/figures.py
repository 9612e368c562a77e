"""Figures: positions, heights, distances, areas and volumes in words, and text from outside made safe to show.

The law: total and exact. Any numbers a peer may send have a rendering, none is rounded but nautical miles and feet,
and those stand beside exact kilometres and metres.
"""

from typing import Final

from keepclear.accord import shape
from keepclear.accord.shape import UNLIMITED, Altitude, AltRef, AreaKind, Volume
from keepclear.geo.units import cm_to_feet, divide_nearest

MAX_POINTS_SHOWN: Final = 12
BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS: Final = "\u200c\u200d"  # Persian and the scripts of India are not written without them
_REFS: Final = {
    AltRef.WGS84: "above the WGS-84 ellipsoid",
    AltRef.AMSL: "above mean sea level",
    AltRef.AGL: "above ground",
    AltRef.STD: "on standard pressure",
}


def clean(text: str) -> str:
    """Text from outside, what is invisible or changes the direction of reading replaced by a visible sign."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else "\N{REPLACEMENT CHARACTER}" for c in text)


def altitude(limit: Altitude | None) -> str:
    """A limit in feet or as a flight level, and in metres, with its reference and error."""
    if limit is None:
        return "not stated"
    if limit == UNLIMITED:
        return "unlimited"
    if limit == shape.GROUND:
        return "the ground"
    error = f", give or take {metres(limit.err_cm)}" if limit.err_cm else ""
    reference = _REFS[AltRef(limit.ref)] if limit.ref in _REFS else f"on unknown reference {limit.ref}"
    level, rest = divmod(limit.cm, 3_048)
    if limit.ref == AltRef.STD and rest == 0 and level >= 0:
        return f"FL{level:03d} ({metres(limit.cm)} {reference}{error})"
    return f"{cm_to_feet(limit.cm)} ft ({metres(limit.cm)}) {reference}{error}"


def metres(cm: int) -> str:
    """Centimetres as metres, exactly."""
    return f"{decimal(cm, 2, 0)} m"


def distance(cm: int) -> str:
    """A distance in nautical miles, to a hundredth, and kilometres, exactly."""
    return f"{decimal(divide_nearest(cm * 100, 185_200), 2, 0)} NM ({decimal(cm, 5, 0)} km)"


def position(lon_e7: int, lat_e7: int) -> str:
    """A position in degrees, exactly, at least two decimals: `35.40N 035.90E`."""
    lat, lon = decimal(abs(lat_e7), 7, 2), decimal(abs(lon_e7), 7, 2)
    lat, lon = "0" * (2 - lat.index(".")) + lat, "0" * (3 - lon.index(".")) + lon
    return f"{lat}{'S' if lat_e7 < 0 else 'N'} {lon}{'W' if lon_e7 < 0 else 'E'}"


def area(numbers: tuple[int, ...]) -> str:
    """An area in words and coordinates; at most twelve points, then the box that holds all."""
    points = shape.points(numbers)
    places = ", ".join(position(lon, lat) for lon, lat in points[:MAX_POINTS_SHOWN])
    if len(points) > MAX_POINTS_SHOWN:
        low = position(min(lon for lon, _ in points), min(lat for _, lat in points))
        high = position(max(lon for lon, _ in points), max(lat for _, lat in points))
        places += f" and {len(points) - MAX_POINTS_SHOWN} more, all between {low} and {high}"
    match numbers[:1]:
        case (AreaKind.UNKNOWN,) | ():
            return "area not stated"
        case (AreaKind.CIRCLE,) if points:
            return f"within {distance(numbers[3])} of {places}"
        case (AreaKind.CORRIDOR,) if points:
            return f"a corridor {distance(numbers[1])} wide along {places}"
        case (AreaKind.POLYGON,) if points:
            return f"a polygon with {len(points)} corners: {places}"
    return f"an area of unknown kind {numbers[0]}"


def volume(one: Volume) -> str:
    """A volume in words: area, position error, lower and upper limit."""
    error = f", give or take {metres(one.pos_err_cm)}" if one.pos_err_cm else ""
    if one.lower is None and one.upper is None:
        return f"{area(one.area)}{error}; altitudes not stated"
    return f"{area(one.area)}{error}; from {altitude(one.lower)} up to {altitude(one.upper)}"


def decimal(value: int, places: int, least: int) -> str:
    """An integer of 10**-places units as a decimal with no more places than it needs, and at least `least`."""
    whole, rest = divmod(abs(value), 10**places)
    digits = f"{rest:0{places}d}".rstrip("0").ljust(least, "0")
    return f"{'-' if value < 0 else ''}{whole}" + (f".{digits}" if digits else "")
