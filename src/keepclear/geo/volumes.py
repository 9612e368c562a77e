"""Volumes: many volumes held as arrays, and points tested against them.

Law: everything is asked for (volume, point) pairs, so that one call answers for many of both. Inside is the interior:
the border belongs to nobody. Of what cannot be used the widest reading is held (volume.py).

Distances are geodesic metres, 0.3 m off at most where they come from a chord (CHORD_M). To a polygon they are found on
the nearest 5 km of border along straight chords and then refined on the true edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.earth import chord_to_arc_m, dot, to_ecef
from keepclear.geo.readings import readings
from keepclear.geo.units import NEVER_MS, BoolArray, FloatArray, IntArray
from keepclear.geo.volume import Volume

CHORD_M = 300_000.0
"""Up to here a distance is told from its chord, 0.3 m off at most; beyond, by the geodesic itself."""


@dataclass(frozen=True, slots=True)
class Volumes:
    """Volumes as arrays, one an element of the last axis; of edges, those of volume v are first[v] to first[v + 1]."""

    lower_m: FloatArray
    upper_m: FloatArray
    lower_ref: IntArray
    upper_ref: IntArray
    start_ms: IntArray
    end_ms: IntArray
    centre: FloatArray
    reach_m: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    radius_m: FloatArray
    box: FloatArray
    edges: FloatArray
    edge_box: FloatArray
    first: IntArray
    pieces: FloatArray
    first_piece: IntArray

    def __len__(self) -> int:
        return len(self.lower_m)

    @classmethod
    def of(cls, volumes: Sequence[Volume]) -> Self:
        """The widest readings of volumes, in their order."""
        read = readings(volumes)
        said, outlines = [reading[0] for reading in read], [reading[1] for reading in read]
        edges = np.concatenate([np.empty((4, 0)), *(o.edges for o in outlines)], axis=1)
        return cls(
            lower_m=np.array([-np.inf if v.lower_m is None else v.lower_m for v in said], dtype=np.float64),
            upper_m=np.array([np.inf if v.upper_m is None else v.upper_m for v in said], dtype=np.float64),
            lower_ref=np.array([v.lower_ref for v in said], dtype=np.int64),
            upper_ref=np.array([v.upper_ref for v in said], dtype=np.int64),
            start_ms=np.array([-NEVER_MS if v.start_ms is None else v.start_ms for v in said], dtype=np.int64),
            end_ms=np.array([NEVER_MS if v.end_ms is None else v.end_ms for v in said], dtype=np.int64),
            centre=np.array([o.centre for o in outlines], dtype=np.float64).reshape(-1, 3).T.copy(),
            reach_m=np.array([o.reach_m for o in outlines], dtype=np.float64),
            lat_deg=np.array([o.lat_deg for o in outlines], dtype=np.float64),
            lon_deg=np.array([o.lon_deg for o in outlines], dtype=np.float64),
            radius_m=np.array([o.radius_m for o in outlines], dtype=np.float64),
            box=np.array([_box(o.edges) for o in outlines], dtype=np.float64).reshape(-1, 4).T.copy(),
            edges=edges,
            edge_box=np.concatenate([np.minimum(edges[:2], edges[2:]), np.maximum(edges[:2], edges[2:])]),
            first=np.cumsum([0, *(o.edges.shape[1] for o in outlines)]),
            pieces=np.concatenate([np.empty((4, 0)), *(o.pieces for o in outlines)], axis=1),
            first_piece=np.cumsum([0, *(o.pieces.shape[1] for o in outlines)]),
        )

    @property
    def is_round(self) -> BoolArray:
        """Which are circles."""
        return np.isfinite(self.radius_m)

    @property
    def has_edges(self) -> BoolArray:
        """Which have straight edges; what is neither is everywhere."""
        return np.diff(self.first) > 0

    def contain(self, volume: IntArray, lat_deg: FloatArray, lon_deg: FloatArray) -> BoolArray:
        """For each (volume, point): is the point inside the area."""
        inside = ~(self.has_edges | self.is_round)[volume]
        edged = np.nonzero(self.has_edges[volume])[0]
        if edged.size:
            inside[edged] = self._within_edges(volume[edged], lat_deg[edged], lon_deg[edged])
        disc = np.nonzero(self.is_round[volume])[0]
        if disc.size:
            inside[disc] = self._to_centre(volume[disc], lat_deg[disc], lon_deg[disc]) < self.radius_m[volume[disc]]
        return inside

    def to_border_m(self, volume: IntArray, lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
        """For each (volume, point): metres to the nearest point of the border, from within or without; NaN if none."""
        result = np.full(len(volume), np.nan)
        disc = np.nonzero(self.is_round[volume])[0]
        if disc.size:
            away = self._to_centre(volume[disc], lat_deg[disc], lon_deg[disc])
            result[disc] = np.abs(away - self.radius_m[volume[disc]])
        edged = np.nonzero(self.has_edges[volume])[0]
        if edged.size:
            result[edged] = self._to_edges(volume[edged], lat_deg[edged], lon_deg[edged])
        return result

    def near_volume(self, volume: IntArray, lon_deg: FloatArray) -> FloatArray:
        """Longitudes turned to within half a turn of the middle of each volume's box."""
        middle = (self.box[0] + self.box[2])[volume] / 2
        turned: FloatArray = lon_deg + 360 * np.round((middle - lon_deg) / 360)
        return turned

    def _within_edges(self, volume: IntArray, lat: FloatArray, lon: FloatArray) -> BoolArray:
        lon = self.near_volume(volume, lon)
        row, edge = expand(self.first[volume], self.first[volume + 1])
        ax, ay, bx, by = self.edges[:, edge]
        y = lat[row]
        spans = (ay <= y) != (by <= y)
        row, y = row[spans], y[spans]
        ax, ay, bx, by = ax[spans], ay[spans], bx[spans], by[spans]
        crossed = lon[row] < ax + (y - ay) / (by - ay) * (bx - ax)
        odd: BoolArray = np.bincount(row[crossed], minlength=len(volume)) % 2 == 1
        return odd

    def _to_centre(self, volume: IntArray, lat: FloatArray, lon: FloatArray) -> FloatArray:
        return _distance_m(self.lat_deg[volume], self.lon_deg[volume], lat, lon)

    def _to_edges(self, volume: IntArray, lat: FloatArray, lon: FloatArray) -> FloatArray:
        point = to_ecef(lat, lon)
        row, piece = expand(self.first_piece[volume], self.first_piece[volume + 1])
        ends = self.pieces[:, piece]
        a = to_ecef(ends[1], ends[0])
        along = to_ecef(ends[3], ends[2]) - a
        off = point[:, row] - a
        u = np.clip(dot(off, along) / np.maximum(dot(along, along), 1e-12), 0, 1)
        off = off - u * along
        gap2 = dot(off, off)
        best = _least_of_each(row, gap2)
        return _refined(point, lat, lon, self.pieces[:, piece[best]], u[best])


def expand(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """For ranges first[k] to last[k]: every member of every range, with the number k of its range in front."""
    counts = last - first
    row = np.repeat(np.arange(len(counts)), counts)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts - first, counts)


def _box(edges: FloatArray) -> tuple[float, float, float, float]:
    if not edges.shape[1]:
        return -180.0, -90.0, 180.0, 90.0
    return edges[0].min(), edges[1].min(), edges[0].max(), edges[1].max()


def _least_of_each(row: IntArray, value: FloatArray) -> IntArray:
    """The index of the least value of each row; rows are numbered from 0, in order, and none is empty."""
    order = np.lexsort((value, row))
    return order[np.searchsorted(row, np.arange(row[-1] + 1))] if len(row) else order


def _refined(point: FloatArray, lat: FloatArray, lon: FloatArray, piece: FloatArray, u: FloatArray) -> FloatArray:
    """Distance to pieces of border straight in (longitude, latitude), from the place u along each as a first guess."""
    ax, ay, bx, by = piece
    for _ in range(2):
        here, ahead = np.maximum(u - 1e-3, 0), np.minimum(u + 1e-3, 1)
        back = to_ecef(ay + here * (by - ay), ax + here * (bx - ax))
        tangent = (to_ecef(ay + ahead * (by - ay), ax + ahead * (bx - ax)) - back) / (ahead - here)
        off = point - to_ecef(ay + u * (by - ay), ax + u * (bx - ax))
        u = np.clip(u + dot(off, tangent) / np.maximum(dot(tangent, tangent), 1e-12), 0, 1)
    return _distance_m(lat, lon, ay + u * (by - ay), ax + u * (bx - ax))


def _distance_m(lat1: FloatArray, lon1: FloatArray, lat2: FloatArray, lon2: FloatArray) -> FloatArray:
    """Geodesic metres, by the chord where it is short enough to tell."""
    apart = to_ecef(lat1, lon1) - to_ecef(lat2, lon2)
    chord = np.sqrt(dot(apart, apart))
    result = chord_to_arc_m(chord)
    far = np.nonzero(chord > CHORD_M)[0]
    if far.size:
        result[far] = geodesy.distance_m(lat1[far], lon1[far], lat2[far], lon2[far])
    return result
