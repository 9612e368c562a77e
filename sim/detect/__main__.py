"""The campaign: `python -m sim.detect --pairs 1000000`.

The law: a fault is told with the command that shows it again; the exit status is 1 if there was one. Every engine that
is installed is asked the same, and must answer the same.
"""

import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

import click
import numpy as np

from keepclear.geo.conflict import conflicts
from keepclear.geo.encounter import Encounters, encounters
from keepclear.geo.kernel import LOADED, Kernel
from keepclear.geo.overlap import overlaps
from sim.detect import bodies, compare, compare_areas
from sim.detect.cases import H_M, KINDS, V_CM
from sim.detect.compare import Tally

ENGINES: dict[str, Kernel | None] = {"numpy": None} | ({"kernel": LOADED} if LOADED is not None else {})
AREAS, VOLUMES = "areas", "volumes"
BATCH = dict.fromkeys(KINDS, 4000) | {AREAS: 1_200, VOLUMES: 4 * 1_035}
"""Pairs in one picture, or in a few scenes of volumes."""

FLAT_M = 1e-6
"""Two that pass each other at 1 m/s and 5 NM are as much farther apart 0.14 s later, at 300 m/s after half a ms."""

Unit = tuple[str, int]
Whose = tuple[str, str]


def one(kind: str, seed: int) -> dict[str, Tally]:
    """One seed of a kind: every engine's answer compared with what is true."""
    rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    judge = {AREAS: _areas, VOLUMES: _volumes}.get(kind, _tracks)
    tallies = judge(rng, kind)
    for name, tally in tallies.items():
        again = f"python -m sim.detect --kind '{kind}' --first {seed} --pairs 1"
        tally.faults = [f"{name}: {fault}\n  {again}" for fault in tally.faults]
    return tallies


def _tracks(rng: np.random.Generator, kind: str) -> dict[str, Tally]:
    picture = KINDS[kind][1](rng, BATCH[kind])
    true, tracks = compare.truth(picture), picture.flights.tracks()
    told = {name: conflicts(tracks, H_M, V_CM / 100, picture.ahead_ms, 0, kernel) for name, kernel in ENGINES.items()}
    return _with_equality({name: compare.compare(picture, true, found) for name, found in told.items()}, told)


def _areas(rng: np.random.Generator, kind: str) -> dict[str, Tally]:
    of = compare_areas.scene(rng, BATCH[kind])
    volumes, tracks = [aim.volume for aim in of.aims], of.flights.tracks()
    told = {name: encounters(tracks, volumes, 0, of.ahead_ms, kernel=kernel) for name, kernel in ENGINES.items()}
    tallies = _with_differences({name: compare_areas.compare(of, found) for name, found in told.items()}, told)
    error_m = float(rng.choice([50.0, 500.0, 5_000.0, 30_000.0]))
    doubtful = replace(tracks, pos_err_m=np.full(len(tracks), error_m))
    for name, kernel in ENGINES.items():
        found = encounters(doubtful, volumes, 0, of.ahead_ms, kernel=kernel)
        tallies[name].add(compare_areas.compare_ranges(of, found, error_m))
    return tallies


def _volumes(rng: np.random.Generator, _kind: str) -> dict[str, Tally]:
    tallies = {name: Tally() for name in ENGINES}
    for _ in range(4):
        scene = bodies.scene(rng)
        said = [body.volume for body in scene]
        told = {name: overlaps(said, kernel=kernel) for name, kernel in ENGINES.items()}
        for name, tally in _with_equality(bodies.compare(scene, told), told).items():
            tallies[name].add(tally)
    return tallies


def _with_equality(tallies: dict[str, Tally], told: dict[str, Any]) -> dict[str, Tally]:
    """The tallies, with a fault wherever an engine's pairs are not the reference's, or its times by over 1 ms.

    Where a loss grazes the limit by less than a centimetre its times hang on the last bits, and are not compared; nor
    is the time of the closest approach of two that keep their distance so well that both are as near (FLAT_M).
    """
    reference = told["numpy"]
    for name, found in told.items():
        if len(found) != len(reference):
            tallies[name].faults.append(f"{len(found)} rows, numpy has {len(reference)}")
            continue
        clear = getattr(reference, "h_min_m", np.zeros(len(found))) < H_M - 0.01
        for column in type(found).__slots__:
            one, other = getattr(reference, column), getattr(found, column)
            exact = column in ("i", "j", "undecidable")
            some = slice(None) if exact else clear
            if column == "t_cpa_ms":
                some = clear & ((one == other) | (np.abs(reference.h_min_m - found.h_min_m) > FLAT_M))
            within = 0.0 if exact else 1.0 if column.endswith("_ms") else 0.05
            if not np.allclose(one[some], other[some], rtol=0, atol=within, equal_nan=True):
                tallies[name].faults.append(f"{column} is not numpy's")
    return tallies


def _with_differences(tallies: dict[str, Tally], told: dict[str, Encounters]) -> dict[str, Tally]:
    """The tallies, with the number of flights and areas that have other numbers of rows than the reference has.

    No fault: flights on a border to a nanometre are inside or not by the last bit, and every row is judged anyway.
    """
    reference = Counter(zip(told["numpy"].track.tolist(), told["numpy"].volume.tolist(), strict=True))
    for name, found in told.items():
        rows = Counter(zip(found.track.tolist(), found.volume.tolist(), strict=True))
        other = sum(rows[pair] != reference[pair] for pair in rows | reference)
        tallies[name].count("with rows otherwise than numpy's", other)
    return tallies


def units(pairs: dict[str, int], first: int) -> Iterator[Unit]:
    """Kinds and seeds for so many pairs of each kind."""
    for kind, number in pairs.items():
        for seed in range(first, first + int(np.ceil(number / BATCH[kind]))):
            yield kind, seed


def shares(pairs: int) -> dict[str, int]:
    """How many pairs of each kind: tracks by their shares, a fiftieth as many with areas, a tenth as many volumes."""
    return {kind: int(pairs * share) for kind, (share, _) in KINDS.items()} | {AREAS: pairs // 50, VOLUMES: pairs // 10}


@click.command()
@click.option(
    "--pairs", default=1_000_000, show_default=True, help="Pairs of tracks; further ones of areas and volumes."
)
@click.option("--kind", type=click.Choice(list(BATCH)), help="Only this kind.")
@click.option("--first", default=0, show_default=True, help="The first seed.")
@click.option("--jobs", default=2, show_default=True)
def main(pairs: int, kind: str | None, first: int, jobs: int) -> None:
    """Judges by brute force what geo finds: tracks with tracks, tracks with areas, volumes with volumes."""
    began = time.monotonic()
    tallies: dict[Whose, Tally] = {}
    with ProcessPoolExecutor(jobs) as pool:
        wanted = {kind: pairs} if kind else shares(pairs)
        futures = {pool.submit(one, *unit): unit for unit in units(wanted, first)}
        for future in as_completed(futures):
            what, _ = futures[future]
            for name, tally in future.result().items():
                tallies.setdefault((what, name), Tally()).add(tally)
    _tell(tallies)
    faults = sum(len(tally.faults) for tally in tallies.values())
    judged = sum(tally.counts["pairs"] for (_, name), tally in tallies.items() if name == "numpy")
    click.echo(f"{judged} pairs, {' and '.join(ENGINES)}: {faults} faults; {time.monotonic() - began:.0f} s")
    sys.exit(1 if faults else 0)


def _tell(tallies: dict[Whose, Tally]) -> None:
    for (what, name), tally in sorted(tallies.items()):
        click.echo(f"{what}, {name}: " + ", ".join(f"{number} {word}" for word, number in tally.counts.items()))
        for error, value in sorted(tally.worst.items()):
            click.echo(f"    {error}: {value:.3g}")
        for fault in tally.faults[:5]:
            click.echo(f"FAULT {fault}")


if __name__ == "__main__":
    main()
