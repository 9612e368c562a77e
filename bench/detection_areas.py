"""The tables of areas: all pairs, a new one against many, and aircraft against areas.

The law: as detection.py, whose tables these follow. Who is right about two areas says shapely, exactly; about an
aircraft and an area, where ours and the plain way differ, PROJ (`judge`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import Table, figure
from bench.detection_inputs import DAY_MS, areas, picture_over_areas
from bench.detection_run import OURS, Run, run

COUNTS: Final = (1_000, 10_000, 100_000)
NEW: Final = 50
ENTRIES: Final = ((10_000, 1_000), (10_000, 10_000), (10_000, 100_000), (1_000, 10_000))
PROTOTYPE_MS: Final = {1_000: 0.8, 10_000: 23.0, 100_000: 1_700.0}
PROTOTYPE_ENTRIES_MS: Final = {(10_000, 1_000): "1.9", (10_000, 10_000): "13", (10_000, 100_000): "103"}
JUDGED: Final = 300
JUDGED_AT_ONCE: Final = 20  # the judge is slow, and stopped as everybody is

Arrays = dict[str, Any]
Rows = frozenset[tuple[int, int]]


def area_tables(folder: Path) -> Iterator[Table]:
    """All three."""
    yield Table(
        "areas against areas: 700 x 480 NM, 24 h, 2-20 NM, 10-90 min; milliseconds (pairs; missed / invented)",
        ["areas", *OURS, "STRtree, height and time after", "prototype, one core"],
        [_meeting_row(count, folder) for count in COUNTS],
    )
    yield Table(
        f"one new area against those that stand; milliseconds each of {NEW}, one after another",
        ["standing", *OURS, "STRtree, height and time after"],
        [_one_row(count, folder) for count in COUNTS],
    )
    yield Table(
        "aircraft against areas: when each enters and leaves within 900 s; milliseconds (entries)",
        ["aircraft", "areas", *OURS, "STRtree, straight ways cut", "differ", "we are right", "prototype, one core"],
        [_entries_row(tracks, count, folder) for tracks, count in ENTRIES],
    )


def _meeting_row(count: int, folder: Path) -> list[str]:
    arrays = areas(count)
    peer = run("STRtree areas", arrays, folder)
    ours = [run(f"{method} areas", arrays, folder) for method in OURS]
    return [f"{count:,}", *(_judged(one, peer) for one in ours), _cell(peer), figure(PROTOTYPE_MS[count])]


def _one_row(count: int, folder: Path) -> list[str]:
    arrays = areas(count) | {f"new_{name}": column for name, column in areas(NEW, seed=2).items()}
    peer = run("STRtree one", arrays, folder)
    ours = [run(f"{method} one", arrays, folder) for method in OURS]
    return [f"{count:,}", *(_judged(one, peer, NEW) for one in ours), _cell(peer, NEW)]


def _entries_row(tracks: int, count: int, folder: Path) -> list[str]:
    arrays = areas(count) | picture_over_areas(tracks)
    for name in ("start_ms", "end_ms"):
        arrays[name] = arrays[name] - DAY_MS // 2  # the picture is of noon
    peer = run("STRtree entries", arrays, folder)
    ours = [run(f"{method} entries", arrays, folder) for method in OURS]
    differ, right = ("", "") if peer.stopped else _judge(arrays, ours[0].rows, peer.rows, folder)
    return [
        f"{tracks:,}", f"{count:,}", *map(_cell, ours), _cell(peer), differ,
        right, PROTOTYPE_ENTRIES_MS.get((tracks, count), ""),
    ]  # fmt: skip


def _judge(arrays: Arrays, ours: Rows, theirs: Rows, folder: Path) -> tuple[str, str]:
    """How many differ, and how many of the first few hundred of those we have right."""
    differ = sorted(ours ^ theirs)
    asked = differ[:JUDGED]
    truly: set[tuple[int, int]] = set()
    for begin in range(0, len(asked), JUDGED_AT_ONCE):
        some = np.array(asked[begin : begin + JUDGED_AT_ONCE], dtype=np.int64)
        truly |= run("judge entries", arrays | {"asked": some}, folder).rows
    right = sum((pair in ours) == (pair in truly) for pair in asked)
    return f"{len(differ)}", f"{right} of {len(asked)}"


def _judged(one: Run, truth: Run, each: int = 1) -> str:
    if one.stopped or truth.stopped:
        return _cell(one, each)
    wrong = f"; {len(truth.rows - one.rows)} / {len(one.rows - truth.rows)}"
    return _cell(one, each)[:-1] + wrong + ")"


def _cell(one: Run, each: int = 1) -> str:
    return one.stopped or f"{figure(one.ms / each)} ({len(one.rows):,})"
