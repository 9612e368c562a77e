"""The campaign: `python -m sim.detect --pairs 1000000`.

The law: a fault is told with the command that shows it again; the exit status is 1 if there was one.
"""

import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

import click
import numpy as np

from keepclear.geo.conflict import Conflicts, conflicts
from sim.detect.cases import H_M, KINDS, V_CM, Picture
from sim.detect.compare import Tally, compare, truth

BATCH = 4_000
Engine = Callable[[Picture], Conflicts]
Unit = tuple[str, int, int]


def engines() -> dict[str, Engine]:
    """The engines that there are, by name."""

    def reference(picture: Picture) -> Conflicts:
        return conflicts(picture.flights.tracks(), H_M, V_CM / 100, picture.ahead_ms, 0)

    return {"numpy": reference}


def one(kind: str, seed: int, pairs: int) -> dict[str, Tally]:
    """One picture of a kind, judged, and every engine compared with it."""
    rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    picture = KINDS[kind][1](rng, pairs)
    true = truth(picture)
    result = {}
    for name, engine in engines().items():
        tally = compare(picture, true, engine(picture))
        tally.faults = [
            f"{name}: {fault}\n  python -m sim.detect --kind '{kind}' --first {seed} --pairs 1"
            for fault in tally.faults
        ]
        result[name] = tally
    return result


def units(pairs: int, first: int, only: str | None) -> Iterator[Unit]:
    for kind, (share, _) in KINDS.items():
        if only in (None, kind):
            batches = int(np.ceil(pairs * (1 if only else share) / BATCH))
            for seed in range(first, first + batches):
                yield kind, seed, BATCH


@click.command()
@click.option("--pairs", default=1_000_000, show_default=True)
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only this kind.")
@click.option("--first", default=0, show_default=True, help="The first seed.")
@click.option("--jobs", default=2, show_default=True)
def main(pairs: int, kind: str | None, first: int, jobs: int) -> None:
    """Judges what geo finds by brute force."""
    began = time.monotonic()
    tallies: dict[tuple[str, str], Tally] = {}
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(one, *unit): unit for unit in units(pairs, first, kind)}
        for future in as_completed(futures):
            for name, tally in future.result().items():
                tallies.setdefault((futures[future][0], name), Tally()).add(tally)
    total: dict[str, Tally] = {}
    for (what, name), tally in sorted(tallies.items()):
        click.echo(f"{what}, {name}: {tally.counts}")
        for error, value in sorted(tally.worst.items()):
            click.echo(f"    {error}: {value:.3g}")
        total.setdefault(name, Tally()).add(tally)
    for name, tally in total.items():
        for fault in tally.faults[:20]:
            click.echo(f"FAULT {fault}")
        click.echo(f"{name}: {tally.counts}; {len(tally.faults)} faults; {time.monotonic() - began:.0f} s")
    sys.exit(any(tally.faults for tally in total.values()))


if __name__ == "__main__":
    main()
