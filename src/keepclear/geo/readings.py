"""Readings: many volumes read at once, each as `outline.read` would.

Law: what comes out for a volume is its widest reading and its outline, whoever reads it. Plain rings, of which nothing
is to be widened, are looked at and cut together, which is eight times as fast as one by one; every other volume, and
every ring about which there is any doubt, is read by itself. What was read last is kept.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from keepclear.geo.earth import to_ecef
from keepclear.geo.outline import KEPT, STEP_M, Outline, cut, is_wide, parts_of, read
from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volume import MAX_ALTITUDE_M, MAX_EXTENT_DEG, MIN_AREA_DEG2, LonLat, Polygon, Volume

Reading = tuple[Volume, Outline]

_SHORTEST_RING = 3
_HALF_TURN_DEG = 180 - 1e-9
_kept: dict[Volume, Reading] = {}


def readings(volumes: Sequence[Volume]) -> list[Reading]:
    """The widest reading and the outline of each volume, in their order."""
    found = {volume: _kept.get(volume) for volume in volumes}
    unread = [volume for volume, reading in found.items() if reading is None]
    for volume, outline in _outlines(unread):
        found[volume] = _kept[volume] = (volume, outline)
    for volume in unread:
        if found[volume] is None:
            found[volume] = _kept[volume] = read(volume)
    for volume in list(_kept)[: max(len(_kept) - KEPT, 0)]:
        del _kept[volume]
    return [reading for volume in volumes if (reading := found[volume]) is not None]


def _outlines(volumes: Sequence[Volume]) -> list[tuple[Volume, Outline]]:
    """The volumes that are surely plain rings, with their outlines."""
    rings = [(volume, ring) for volume in volumes if (ring := _ring(volume))]
    if not rings:
        return []
    first = np.cumsum([0, *(len(ring) for _, ring in rings)])
    points = np.fromiter(chain.from_iterable(chain.from_iterable(ring for _, ring in rings)), np.float64)
    lon, lat = points[0::2], points[1::2]
    ahead = np.arange(1, len(lon) + 1)
    ahead[first[1:] - 1] = first[:-1]
    turns = np.round((lon - lon[ahead]) / 360)
    # Longitudes run on from the first of each ring.
    whole = np.cumsum(turns) - turns
    whole -= np.repeat(whole[first[:-1]], np.diff(first))
    edges = np.stack([lon + 360 * whole, lat, lon[ahead] + 360 * (whole + turns), lat[ahead]])
    plain = np.nonzero(_plain(edges, turns, first))[0]
    edges = edges[:, np.repeat(np.isin(np.arange(len(rings)), plain), np.diff(first))]
    first = np.cumsum([0, *np.diff(first)[plain]])
    return [(rings[k][0], outline) for k, outline in zip(plain.tolist(), _cut(edges, first), strict=True)]


def _ring(volume: Volume) -> Sequence[LonLat] | None:
    """The ring, open, of a volume whose band and window are plain; None of any other."""
    shape, lower, upper, start, end = volume.shape, volume.lower_m, volume.upper_m, volume.start_ms, volume.end_ms
    if not isinstance(shape, Polygon) or shape.holes or volume.lower_ref != volume.upper_ref:
        return None
    if not all(limit is None or abs(limit) <= MAX_ALTITUDE_M for limit in (lower, upper)):
        return None
    if (lower is not None and upper is not None and lower >= upper) or (
        start is not None and end is not None and start >= end
    ):
        return None
    ring = shape.ring[:-1] if shape.ring and shape.ring[0] == shape.ring[-1] else shape.ring
    return ring if len(ring) >= _SHORTEST_RING and all(len(point) == 2 for point in ring) else None


def _plain(edges: FloatArray, turns: FloatArray, first: IntArray) -> BoolArray:
    """Which rings have nothing in them that `validate` would widen for; of edges on to the next point of each."""
    import shapely  # noqa: PLC0415  0.2 s to import, and only rings need it

    lon, lat, next_lon, next_lat = edges
    with np.errstate(invalid="ignore"):
        good = (np.abs(lat) <= 90) & (np.abs(next_lon - lon) < _HALF_TURN_DEG) & ((next_lon != lon) | (next_lat != lat))
    widest = np.maximum.reduceat(lon, first[:-1]) - np.minimum.reduceat(lon, first[:-1])
    plain: BoolArray = np.logical_and.reduceat(good, first[:-1]) & (widest <= MAX_EXTENT_DEG)
    plain &= np.add.reduceat(turns, first[:-1]) == 0
    which = np.nonzero(plain)[0]
    if which.size:
        in_plain = np.repeat(plain, np.diff(first))
        index = np.repeat(np.arange(which.size), np.diff(first)[which])
        polygons = shapely.polygons(shapely.linearrings(lon[in_plain], lat[in_plain], indices=index))
        plain[which] = shapely.is_valid(polygons) & (shapely.area(polygons) > 2 * MIN_AREA_DEG2)
    return plain


def _cut(edges: FloatArray, first: IntArray) -> list[Outline]:
    """The outlines of rings, whose edges are those from first[k] to first[k + 1]."""
    if len(first) == 1:
        return []
    pieces = cut(edges, STEP_M)
    first_piece = np.concatenate([[0], np.cumsum(parts_of(edges, STEP_M))])[first]
    count = np.diff(first_piece)
    points = to_ecef(pieces[1], pieces[0])
    centre = np.add.reduceat(points, first_piece[:-1], axis=1) / count
    off = points - np.repeat(centre, count, axis=1)
    reach = np.sqrt(np.maximum.reduceat((off**2).sum(axis=0), first_piece[:-1])) + STEP_M
    outlines = []
    for k, away in enumerate(reach.tolist()):
        own = edges[:, first[k] : first[k + 1]].copy()
        cuts = pieces[:, first_piece[k] : first_piece[k + 1]].copy()
        outlines.append(Outline(own, cuts, centre[:, k].copy(), np.inf if is_wide(own) else away))
    return outlines
