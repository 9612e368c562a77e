"""`make bench-detection`: how fast detection is, how much memory it takes and what it gets wrong, beside its peers.

The law: one run, the same arrays for all, each method in a process of its own (detection_child.py), the peers in their
own environment, .venv-bench. What is right is told by neither: by PROJ's geodesics for random pictures, by construction
for the cases. Prints tables, and writes them with a plot to docs.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from math import log
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from bench import Table, figure
from bench.chart import Axis, Chart, Curve
from bench.detection_areas import area_tables
from bench.detection_inputs import cases, picture
from bench.detection_run import OURS, PEERS, Run, child, run
from bench.page import DOCS, where_seen, write_section
from keepclear import geo

COUNTS: Final = (100, 1_000, 3_000, 10_000, 30_000, 100_000)
METHODS: Final = (*OURS, "cKDTree + numpy", "STRtree + numpy", "BlueSky compiled", "BlueSky numpy")
FLOOR_MS: Final = {10_000: 1.25, 100_000: 50.0}
"""One core: the tracks sorted once, and 42 ns for each pair that has to be looked at exactly."""
GROWTH_FROM: Final = 1_000
GEO: Final = Path(geo.__file__).parent
IMPORTS: Final = 7
PLOT: Final = "detection.svg"


class NoPeers(Exception):
    """The peers' environment is not there."""


def pictures(counts: Sequence[int], folder: Path) -> dict[int, dict[str, Run]]:
    """Every method at every count; a method that was stopped once is not tried at more."""
    found: dict[int, dict[str, Run]] = {}
    stopped: dict[str, str] = {}
    for count in counts:
        arrays = picture(count)
        found[count] = {"reference": run("reference", arrays, folder)}
        for method in METHODS:
            found[count][method] = Run(stopped=stopped[method]) if method in stopped else run(method, arrays, folder)
            if found[count][method].stopped:
                stopped[method] = found[count][method].stopped
            _say(f"{count:>7,} {method:<17} {_cell(found[count][method])}")
    return found


def speed_table(found: dict[int, dict[str, Run]]) -> Table:
    """Milliseconds by method and count, with the growth."""
    counts = list(found)
    rows = [
        [method, *(_cell(found[count][method]) for count in counts), growth([(n, found[n][method].ms) for n in counts])]
        for method in METHODS
    ]
    floor = ["floor, one core", *(figure(FLOOR_MS[n]) if n in FLOOR_MS else "" for n in counts), ""]
    return Table("milliseconds for N aircraft", ["", *(f"{n:,}" for n in counts), "growth"], [*rows, floor])


def memory_table(found: dict[int, dict[str, Run]]) -> Table:
    """Peak memory above the inputs, by method and count."""
    counts = list(found)
    rows = [
        [
            method,
            *(found[n][method].stopped or figure(max(found[n][method].peak_mb, 0.1)) for n in counts),
            growth([(n, found[n][method].peak_mb) for n in counts]),
        ]
        for method in METHODS
    ]
    return Table("peak memory beyond the inputs, MB", ["", *(f"{n:,}" for n in counts), "growth"], rows)


def pairs_table(found: dict[int, dict[str, Run]]) -> Table:
    """Pairs found, missed and invented, against the reference."""
    counts = list(found)
    rows = [["reference (PROJ)", *(f"{len(_lost(found[n])):,}" for n in counts)]]
    rows += [[method, *(_against(found[n], method) for n in counts)] for method in METHODS]
    return Table("pairs found (missed / invented)", ["", *(f"{n:,}" for n in counts)], rows)


def _lost(runs: dict[str, Run]) -> frozenset[tuple[int, int]]:
    return frozenset((i, j) for i, j in runs["reference"].rows if i >= 0)


def _against(runs: dict[str, Run], method: str) -> str:
    if runs[method].stopped:
        return runs[method].stopped
    lost, rows = _lost(runs), runs[method].rows
    unsure = {(-1 - i, -1 - j) for i, j in runs["reference"].rows if i < 0}
    return f"{len(rows):,} ({len(lost - rows)} / {len(rows - lost - unsure)})"


def cases_table(folder: Path) -> Table:
    """How many of the cases with a known answer each method gets wrong."""
    arrays, kinds = cases()
    answers = {}
    for method in METHODS:
        done, saved = child(method, arrays, folder)
        if done.returncode != 0:
            raise RuntimeError(f"{method} failed at the cases\n{done.stderr}")
        with np.load(saved) as held:
            answers[method] = held["found"]
        _say(f"  cases {method}")
    rows = [
        [
            name,
            "a loss" if is_loss else "none",
            str(to - start),
            *(str(int(np.sum(answers[method][start:to] != is_loss))) for method in METHODS),
        ]
        for name, is_loss, start, to in kinds
    ]
    return Table("wrong answers", ["case", "truth", "cases", *METHODS], rows)


def import_table() -> Table:
    """How long Python takes to have all of keepclear.geo, and numpy alone, less its own start."""
    every = "import " + ", ".join(sorted(f"keepclear.geo.{path.stem}" for path in GEO.glob("[!_]*.py")))
    rows = [[name, figure(_imported_ms(code))] for name, code in (("numpy", "import numpy"), ("keepclear.geo", every))]
    return Table("imported, milliseconds", ["", "ms"], rows)


def _imported_ms(code: str) -> float:
    timed = f"import time; begin = time.perf_counter(); {code}; print(1000 * (time.perf_counter() - begin))"
    return median(float(subprocess.check_output([sys.executable, "-c", timed])) for _ in range(IMPORTS))


def growth(points: Sequence[tuple[int, float]]) -> str:
    """The exponent that fits a cost from 1 000 on, by least squares of the logarithms; nothing for a single point."""
    known = [(log(n), log(value)) for n, value in points if n >= GROWTH_FROM and value > 0 and not np.isnan(value)]
    if len(known) < 2:
        return ""
    return f"N^{float(np.polyfit(*zip(*known, strict=True), 1)[0]):.1f}"


def plot(found: dict[int, dict[str, Run]]) -> str:
    """Time by count, both logarithmic."""
    chart = Chart(
        "Conflicts among N aircraft, 5 NM and 1000 ft within 300 s",
        Axis("aircraft", 100, 100_000, log=True),
        Axis("milliseconds", 0.01, 100_000, log=True),
    )
    for method in METHODS:
        points = [(float(n), runs[method].ms) for n, runs in found.items() if not runs[method].stopped]
        if points:
            chart.curves.append(Curve(method, points, left=any(runs[method].stopped for runs in found.values())))
    points = [(float(n), ms) for n, ms in FLOOR_MS.items()]
    chart.curves.append(Curve("floor, one core", points, dashed=True))
    return chart.svg()


def _cell(one: Run) -> str:
    return one.stopped or figure(one.ms)


def measure(counts: Sequence[int] = COUNTS) -> tuple[list[Table], str]:
    """Every table, and the plot. Raises NoPeers."""
    if not PEERS.exists():
        raise NoPeers("the peers are not installed")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        found = pictures(counts, folder)
        tables_of = [speed_table(found), memory_table(found), pairs_table(found), cases_table(folder)]
        return [*tables_of, *area_tables(folder), import_table()], plot(found)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__.partition("\n")[0])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="how many aircraft; a short run has few")
    given = parser.parse_args(arguments)
    try:
        found, svg = measure(given.counts)
    except NoPeers as fault:
        print(f"keepclear: {fault}\nhint: make bench-detection installs them in .venv-bench", file=sys.stderr)
        return 3
    text = "\n\n".join([*map(str, found), f"{where_seen()}."])
    print(text)
    if tuple(given.counts) == COUNTS:
        (DOCS / PLOT).write_text(svg)
        write_section("detection", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
