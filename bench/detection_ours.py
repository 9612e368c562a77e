"""Our own detection, measured as the peers are: a process of its own, from arrays to findings.

The law: `Tracks`, `Volumes` and `Standing` are built before the clock starts, since whoever asks holds them so; every
index over tracks, and of volumes against one another, is counted. kernel=None is numpy.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np

from bench.detection_child import Arrays, Prepare, Read, Work, pairs, serve
from keepclear.geo.altitude import AltRef
from keepclear.geo.conflict import conflicts
from keepclear.geo.encounter import Encounters, encounters
from keepclear.geo.kernel import LOADED, Kernel
from keepclear.geo.overlap import overlaps
from keepclear.geo.standing import Standing, against
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS, IntArray
from keepclear.geo.volume import Polygon, Volume
from keepclear.geo.volumes import Volumes

HORIZONTAL_M: Final = 9_260.0
VERTICAL_M: Final = 304.8
AHEAD_MS: Final = 300_000
AREAS_AHEAD_MS: Final = 900_000

Engine = Callable[[Kernel | None, Arrays], tuple[Work, Read]]


def _tracks(arrays: Arrays) -> Tracks:
    return Tracks.of(
        lat_deg=arrays["lat_deg"],
        lon_deg=arrays["lon_deg"],
        alt_m=arrays["alt_m"],
        ground_speed_mps=arrays["speed_mps"],
        track_deg=arrays["course_deg"],
        vertical_rate_mps=arrays["climb_mps"],
    )


def _said(arrays: Arrays, prefix: str = "") -> list[Volume]:
    first, points = arrays[f"{prefix}first"], arrays[f"{prefix}points"].tolist()
    columns = [arrays[f"{prefix}{name}"].tolist() for name in ("lower_m", "upper_m", "start_ms", "end_ms")]
    rings = [tuple(map(tuple, points[begin:end])) for begin, end in pairwise(first)]
    return [
        Volume(Polygon(ring), lower, upper, AltRef.STD, AltRef.STD, start, end)
        for ring, lower, upper, start, end in zip(rings, *columns, strict=True)
    ]


def _conflicts(kernel: Kernel | None, arrays: Arrays) -> tuple[Work, Read]:
    tracks = _tracks(arrays)
    return (
        lambda: conflicts(tracks, HORIZONTAL_M, VERTICAL_M, AHEAD_MS, 0, kernel=kernel),
        lambda found: pairs(found.i, found.j),
    )


def _areas_meet(kernel: Kernel | None, arrays: Arrays) -> tuple[Work, Read]:
    volumes = Volumes.of(_said(arrays))
    return lambda: overlaps(volumes, kernel=kernel), lambda found: pairs(found.i, found.j)


def _one_against_many(kernel: Kernel | None, arrays: Arrays) -> tuple[Work, Read]:
    standing = Standing.of(_said(arrays), kernel=kernel)
    new = [Volumes.of([volume]) for volume in _said(arrays, "new_")]

    def rows(met: list[IntArray]) -> IntArray:
        return np.concatenate([np.stack([keys, np.full(len(keys), at)], axis=1) for at, keys in enumerate(met)])

    return lambda: [against(standing, volumes).i for volumes in new], rows


def _entries(kernel: Kernel | None, arrays: Arrays) -> tuple[Work, Read]:
    tracks, volumes = _tracks(arrays), Volumes.of(_said(arrays))

    def rows(found: Encounters) -> IntArray:
        come = found.enter_ms < NEVER_MS
        return np.unique(np.stack([found.track[come], found.volume[come]], axis=1), axis=0)

    return lambda: encounters(tracks, volumes, 0, AREAS_AHEAD_MS, kernel=kernel), rows


QUESTIONS: Final[dict[str, Engine]] = {
    "": _conflicts,
    " areas": _areas_meet,
    " one": _one_against_many,
    " entries": _entries,
}
METHODS: Final[dict[str, Prepare]] = {
    f"keepclear {engine}{question}": partial(work, kernel)
    for question, work in QUESTIONS.items()
    for engine, kernel in (("numpy", None), ("kernel", LOADED))
}

if __name__ == "__main__":
    serve(METHODS, cases=frozenset(METHODS))
