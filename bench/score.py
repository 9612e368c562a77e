"""`make score`: what our alerts are worth on recorded traffic: warned in time, late, missed, valid, nuisance, flicker.

The law: the losses are those that truly happened, the judge is not the engine (score_losses.py), and every setting is
scored on the same findings. The whole recording also goes through the engine as it runs, timed, by the kernel
where it is built and by numpy. Prints tables, and writes them with a plot to docs.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import median, quantiles
from typing import Final

from bench import Table, figure
from bench.chart import Axis, Chart, Curve
from bench.page import DOCS, where_seen, write_section
from bench.score_alerts import Score, Seen, Setting, episodes, foreseen, look, run, score
from bench.score_losses import Loss, Separation, losses
from bench.score_pictures import STEP_MS, Picture, Recording, pictures, recorded
from keepclear.geo.alert import USUAL
from keepclear.geo.kernel import LOADED, Kernel
from keepclear.host.recorded import NotFetched

AHEAD_S: Final = 120
AHEADS_S: Final = (30, 45, 60, 75, 90, 120, 150, 180, 240, 300)
LABELLED_S: Final = (45, 60, 90, 120, 180, 300)
NO_HYSTERESIS: Final = replace(USUAL, hold_ms=0, wider=1.0, longer_ms=0)
RULES: Final = {
    "no debounce": USUAL,
    "debounce 10 s": replace(USUAL, confirm_ms=10_000),
    "debounce 20 s": replace(USUAL, confirm_ms=20_000),
}
PLOT: Final = "score.svg"


@dataclass(frozen=True)
class Sample:
    """A recording and what its aircraft should keep."""

    name: str
    title: str
    kept: Separation


SAMPLES: Final = (
    Sample("switzerland", "Switzerland, 1 August 2018, 05-22 UTC, above FL300: 5 NM and 1000 ft", Separation(5, 1000)),
    Sample("calfire", "Fire-fighting, American west, 8-15 September 2020: 1 NM and 500 ft", Separation(1, 500)),
)


@dataclass(frozen=True)
class Case:
    """A sample made ready: its pictures, what the engine finds in each (narrow: no hysteresis), what truly was lost."""

    sample: Sample
    recording: Recording
    pictures: Sequence[Picture]
    seen: Sequence[Seen]
    seen_narrow: Sequence[Seen]
    lost: Sequence[Loss]

    @classmethod
    def of(cls, sample: Sample) -> "Case":
        recording = recorded(sample.name)
        all_pictures = list(pictures(recording))
        seen = look(all_pictures, sample.kept, USUAL.wider)
        narrow = [Seen(one.now_ms, one.near, one.near) for one in seen]
        return cls(sample, recording, all_pictures, seen, narrow, losses(all_pictures, sample.kept))

    def score(self, setting: Setting) -> Score:
        by_time = {picture.now_ms: picture for picture in self.pictures}
        flagged = foreseen(self.lost, by_time, self.sample.kept, setting.look_ahead_ms)
        seen = self.seen if setting.rule.wider > 1 else self.seen_narrow
        return score(episodes(seen, setting), self.lost, flagged, self.recording.flight_hours)


def settings() -> Iterator[tuple[str, Setting]]:
    """What the table shows."""
    for ahead_s in (60, 90, 120, 180, 300):
        yield f"{ahead_s} s", Setting(1000 * ahead_s, USUAL)
    yield f"{AHEAD_S} s, debounce 20 s", Setting(1000 * AHEAD_S, RULES["debounce 20 s"])
    yield f"{AHEAD_S} s, no hysteresis", Setting(1000 * AHEAD_S, NO_HYSTERESIS)


def worth_table(case: Case) -> Table:
    """What alerts were worth, by setting."""
    rows = [_worth_row(name, case.score(setting)) for name, setting in settings()]
    columns = [
        "look-ahead", "losses", "warned >= 120 s", ">= 60 s", "30-60 s", "late < 30 s", "missed", "never", "median",
        "alerts", "valid /h", "nuisance /h", "episodes a pair",
    ]  # fmt: skip
    return Table(case.sample.title, columns, rows)


def _worth_row(name: str, worth: Score) -> list[str]:
    minute, half = worth.warned(60_000), worth.warned(30_000)
    hour = worth.flight_hours
    return [
        name, str(len(worth.lead_ms)), str(worth.warned(120_000)), str(minute), str(half - minute),
        str(worth.warned(0) - half), str(worth.missed), str(worth.never), f"{worth.median_ms / 1000:.0f} s",
        str(worth.alerts),
        f"{(worth.valid + worth.with_loss) / hour:.2f}", f"{worth.nuisance / hour:.2f}", f"{worth.flicker:.2f}",
    ]  # fmt: skip


def said(case: Case) -> str:
    """What the table does not show."""
    worth = case.score(Setting(1000 * AHEAD_S, USUAL))
    heard = sum(len(picture.flight) for picture in case.pictures)
    late = len(worth.late_foreseen)
    return (
        f"{len(case.recording.flights):,} flights, {worth.flight_hours:.0f} flight-hours, {len(case.pictures):,} "
        f"pictures each {STEP_MS // 1000} s with {heard:,} positions. {len(case.lost)} losses; {worth.surprises} are "
        f"of pairs in sight together for less than a minute and not in the table ({worth.surprises_warned} warned of "
        f"all the same). Flying every aircraft straight on, second by second, from the picture 60 s before flags "
        f"{worth.foreseen} of the losses within {AHEAD_S} s; {worth.foreseen - late} of them were warned of 60 s "
        f"before or more, {late} were not."
    )


def pace_table(cases: Sequence[Case]) -> Table:
    """What a picture costs, and how much faster than the traffic the recording goes through."""
    engines: dict[str, Kernel | None] = ({"kernel": LOADED} if LOADED else {}) | {"numpy": None}
    rows = [_pace_row(case, name, kernel) for case in cases for name, kernel in engines.items()]
    columns = ["", "engine", "pictures", "median ms", "p99 ms", "times real time"]
    return Table("From tracks to alerts that stand, cleared and counted", columns, rows)


def _pace_row(case: Case, engine: str, kernel: Kernel | None) -> list[str]:
    setting = Setting(1000 * AHEAD_S, USUAL)
    pace = run(case.pictures, case.recording.names, case.sample.kept, setting, kernel)
    if list(pace.episodes) != episodes(case.seen, setting):
        raise RuntimeError(f"{engine} as it runs gave other alerts than those that were scored")
    p50, p99 = median(pace.picture_ms), quantiles(pace.picture_ms, n=100)[98]
    times = [figure(p50), figure(p99), f"{pace.times_real:,.0f}"]
    return [case.sample.name, engine, f"{len(case.pictures):,}", *times]


def plot(case: Case) -> str:
    """Losses warned of in time against nuisance, over look-ahead and debounce."""
    curves = []
    for name, rule in [*RULES.items(), ("no hysteresis", NO_HYSTERESIS)]:
        worths = [case.score(Setting(1000 * ahead_s, rule)) for ahead_s in AHEADS_S]
        points = [(w.nuisance / w.flight_hours, 100 * w.warned(60_000) / len(w.lead_ms)) for w in worths]
        labels = [f"{ahead_s} s" if ahead_s in LABELLED_S else "" for ahead_s in AHEADS_S] if rule is USUAL else []
        curves.append(Curve(name, points, labels=labels, dashed=rule is NO_HYSTERESIS))
    most = max(x for curve in curves for x, _ in curve.points)
    chart = Chart(
        "Losses warned of 60 s before or more, against nuisance alerts, by look-ahead",
        Axis("nuisance alerts a flight-hour", 0, ceil(2 * most) / 2),
        Axis("% of the losses that could be warned of", 0, 100),
        curves,
    )
    return chart.svg()


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.score", description=__doc__.partition("\n")[0])
    parser.parse_args(arguments)
    try:
        cases = [_case(sample) for sample in SAMPLES]
    except NotFetched as fault:
        print(f"keepclear: {fault}\nhint: make data", file=sys.stderr)
        return 3
    (DOCS / PLOT).write_text(plot(cases[0]))
    parts = [f"{worth_table(case)}\n\n{said(case)}" for case in cases]
    text = "\n\n".join([*parts, f"{pace_table(cases)}", f"{where_seen()}."])
    print(text)
    write_section("score", text)
    return 0


def _case(sample: Sample) -> Case:
    print(f"  {sample.name}", file=sys.stderr, flush=True)
    return Case.of(sample)


if __name__ == "__main__":
    sys.exit(main())
