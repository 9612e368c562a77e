"""Staleness: what is still known of an aircraft whose reports have stopped.

Law: a track never vanishes. Up to FRESH_MS a report is as good as its stated error. Then it is stale, and where the
aircraft may be grows with the time gone by, as far as its speed and its turn can take it from the course it was on.
When it is lost, and who lets it go, node/lost.py says. A source that has fallen silent makes all its tracks stale at
once, and is said once, not once a track.

The bound: an aircraft at speed v that turns at a rate w, at most, is never farther from where it would be flying
straight on than the sum of what its velocity can have changed: (4 v / w) (1 - cos(w s / 2)) after s seconds, until it
has turned round, and 2 v for each second after that. Where that is less than v s, v s stands, as in track.py. Height
goes with VERTICAL_MPS. Exact for what turns at w or less and keeps its speed; what speeds up is farther.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from keepclear.geo.track import FRESH_MS, Tracks
from keepclear.geo.units import FloatArray

SILENT_MS: Final = FRESH_MS
"""A source that has one aircraft only, and turns in 12 s, is silent for no longer than this."""
TURN_DPS: Final = 3.0
"""The standard rate of turn, by which procedures are drawn; a fast jet may turn three times as hard."""
VERTICAL_MPS: Final = 30.48
"""6000 ft/min: an emergency descent."""


def silent_sources(heard: Iterable[tuple[str, int]], now_ms: int, silent_ms: int = SILENT_MS) -> dict[str, int]:
    """The sources that have fallen silent, with the time of their newest report; of (source, report's time)."""
    newest: dict[str, int] = {}
    for source, at_ms in heard:
        if at_ms > newest.get(source, at_ms - 1):
            newest[source] = at_ms
    return {source: at_ms for source, at_ms in sorted(newest.items()) if now_ms - at_ms >= silent_ms}


def reach_m(speed_mps: npt.ArrayLike, age_s: npt.ArrayLike, turn_dps: npt.ArrayLike = TURN_DPS) -> FloatArray:
    """How far (m) from its straight course an aircraft may be after age_s, turning at turn_dps at most; broadcasts."""
    speed, age = np.asarray(speed_mps, dtype=np.float64), np.maximum(np.asarray(age_s, dtype=np.float64), 0.0)
    rate = np.radians(np.maximum(np.asarray(turn_dps, dtype=np.float64), 1e-6))
    turned = np.minimum(rate * age, np.pi)
    return np.asarray(speed * (4 / rate * (1 - np.cos(turned / 2)) + 2 * (age - turned / rate)), dtype=np.float64)


def widened(tracks: Tracks, now_ms: int, turn_dps: npt.ArrayLike = TURN_DPS) -> Tracks:
    """The same tracks with errors that hold wherever a turn, a climb or a descent since the last report has led.

    `track.position_error_m` adds its own share of age to what is added here, and the two together are the bound. An
    aircraft of unknown course is taken to go anywhere at its speed.
    """
    age_s = np.maximum(now_ms - tracks.at_ms, 0) / 1000
    stale_s = np.maximum(age_s - FRESH_MS / 1000, 0.0)
    speed = np.nan_to_num(tracks.ground_speed_mps)
    known = np.isfinite(tracks.track_deg)
    counted = np.where(known, speed * stale_s, 0.0)
    reach = np.where(known, reach_m(speed, stale_s, turn_dps), speed * age_s)
    return replace(
        tracks,
        pos_err_m=tracks.pos_err_m + np.maximum(reach - counted, 0.0),
        alt_err_m=tracks.alt_err_m + VERTICAL_MPS * stale_s,
    )
