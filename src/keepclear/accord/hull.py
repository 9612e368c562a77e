"""Hull: a coarse outline that holds a fine one, for a statement that has to fit one datagram.

The law: nothing of the fine outline is left out, exactly, in integers. The outline is an octagon, the box of the points
with its corners cut at 45 degrees in longitude and latitude, so that its own corners are whole numbers too.
"""

from keepclear.accord import fixed, shape
from keepclear.accord.outcome import Refused
from keepclear.accord.shape import AreaKind, LonLat


def containing_octagon(area: tuple[int, ...]) -> tuple[int, ...]:
    """A polygon of at most 8 corners that holds all of a polygon. The exact one can go with the entry as a blob.

    Raises Refused for what is no usable polygon: a circle is short already, a corridor has a width to be thought of.
    """
    extent = fixed.extent(area)
    if extent is None or area[0] != AreaKind.POLYGON:
        raise Refused("only a polygon has a containing outline", "give a polygon, or a circle that holds all of it")
    points = extent.points
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    if 2 * (east - west) >= fixed.CIRCLE_E7:
        raise Refused(f"the polygon spans {(east - west) // 10_000_000} degrees, under 180 can be held", "use a circle")
    southwest, northeast = min(x + y for x, y in points), max(x + y for x, y in points)
    northwest, southeast = min(x - y for x, y in points), max(x - y for x, y in points)
    corners = [
        (southwest - south, south), (southeast + south, south), (east, east - southeast), (east, northeast - east),
        (northeast - north, north), (northwest + north, north), (west, west - northwest), (west, southwest - west),
    ]  # fmt: skip
    return shape.polygon([_wrapped(corner) for corner in dict.fromkeys(corners)])


def _wrapped(point: LonLat) -> LonLat:
    half = fixed.CIRCLE_E7 // 2
    return (point[0] + half) % fixed.CIRCLE_E7 - half, point[1]
