"""Our own detection, measured as the peers are: a process of its own, from arrays to findings.

The law: `Tracks`, `Volumes` and `Standing` are built before the clock starts, since whoever asks holds them so; every
index over tracks is counted.
"""

from collections.abc import Mapping
from typing import Final

from bench.detection_child import Arrays, Prepare, Read, Work, pairs, serve
from keepclear.geo.conflict import conflicts
from keepclear.geo.track import Tracks

HORIZONTAL_M: Final = 9_260.0
VERTICAL_M: Final = 304.8
AHEAD_MS: Final = 300_000


def tracks_of(arrays: Arrays) -> Tracks:
    """The picture as the engine holds it."""
    return Tracks.of(
        lat_deg=arrays["lat_deg"],
        lon_deg=arrays["lon_deg"],
        alt_m=arrays["alt_m"],
        ground_speed_mps=arrays["speed_mps"],
        track_deg=arrays["course_deg"],
        vertical_rate_mps=arrays["climb_mps"],
    )


def _conflicts(arrays: Arrays) -> tuple[Work, Read]:
    tracks = tracks_of(arrays)
    return (
        lambda: conflicts(tracks, HORIZONTAL_M, VERTICAL_M, AHEAD_MS, 0),
        lambda found: pairs(found.i, found.j),
    )


METHODS: Final[Mapping[str, Prepare]] = {
    "keepclear numpy": _conflicts,
}

if __name__ == "__main__":
    serve(METHODS, cases=frozenset(METHODS))
