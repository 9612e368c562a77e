"""How much the reconstruction's doubt moves the answers: the same assessment over many draws of the points.

The law: drawn from a fixed seed, so that two people get the same range; the nodes see the nominal track, this only
tells how far to believe a minute.
"""

from random import Random
from typing import Any, Final

import msgspec

from keepclear.host import nominal, scenario
from keepclear.host.scenario import Day, Scenario, Track
from keepclear.interop.position import Position
from keepclear.interop.track_lines import TrackLineReader
from keepclear.node.assessment import assess
from keepclear.node.rows import table_of, to_bytes
from keepclear.node.snapshot import Matters, Snapshot, Watched, part

SEED: Final = 20_180_917
MAX_RUNS: Final = 100_000
CASES: Final = (
    ("hazard box, at 18:51Z", "RU", "hazard", "18:51"),
    ("act 3's notice, at 18:22Z", "STORYBOARD", "notice", "18:22"),
)


def ranges(data: Scenario, runs: int) -> list[dict[str, Any]]:
    """For each case least, middle and most of margin and time to clear over the draws, and how many are affected."""
    random = Random(SEED)
    return [_range(data, case, min(runs, MAX_RUNS), random) for case in CASES]


def rows(summary: dict[str, Any]) -> list[list[str]]:
    """The ranges as a table's rows."""
    out = []
    for case in summary["spread"]:
        for what in ("time_to_clear_s", "margin_s"):
            if case[what]:
                out.append(
                    [f"{case['case']}: {what}, {case['affected']} of {case['runs']} affected", *map(str, case[what])]
                )
    return out


def _range(data: Scenario, case: tuple[str, str, str, str], runs: int, random: Random) -> dict[str, Any]:
    words, layer, name, z = case
    number, play = next((i, play) for i, play in enumerate(data.play) if play.layer == layer)
    day = Day(data.scenario.date, number)
    event = next(event for event in play.event if event.id == name)
    track = next(track for track in nominal.tracks_of(data, layer) if track.flight == "IL20")
    clear, margin, affected = [], [], 0
    for _ in range(runs):
        finding = _assess(track, day, day.ms(z), event, random)
        if finding is not None:
            affected += 1
            clear += [] if finding.clear_ms is None else [(finding.clear_ms - day.ms(z)) // 1_000]
            margin += [] if finding.margin_ms is None else [finding.margin_ms // 1_000]
    return {
        "case": words, "runs": runs, "affected": affected,
        "time_to_clear_s": _three(clear), "margin_s": _three(margin),
    }  # fmt: skip


def _assess(track: Track, day: Day, at_ms: int, event: scenario.Event, random: Random) -> Any:
    fix = nominal.fix(track, day, at_ms, nominal.draw_shifts(track, random))
    if fix is None:
        return None
    line = msgspec.json.encode(nominal.line_of(fix)) + b"\n"
    position = next(p for p in TrackLineReader("spread").feed(line, at_ms) if isinstance(p, Position))
    hazard = event.say == "HAZARD"
    start_ms = at_ms if hazard else day.ms(event.start)
    watched = Watched(b"", hazard, start_ms, None, scenario.volumes_of(event))
    snapshot = Snapshot(
        at_ms, 1_800_000, 120_000, 926_000, 30_480, (30_000, 60_000, 60_000), part(Matters((watched,), ())),
        (position.flight,), to_bytes(table_of([position])), part(()),
    )  # fmt: skip
    return next(iter(assess(msgspec.msgpack.encode(snapshot))), None)


def _three(values: list[int]) -> list[int]:
    values = sorted(values)
    return [values[0], values[len(values) // 2], values[-1]] if values else []
