"""`python -m sim.rig [PART ...]`, or `make rig`: the storm, and what the line does on bad links; a table at the end.

The law: parts that measure time to the hundredth run alone; those that only wait run side by side, each on a line of
its own. Only a whole run writes docs/benchmarks.md. Without root it refuses, but for the storm with --relay. The exit
code is 1 when something was lost, doubled or disputed: a goal that is missed is a figure, not a fault.
"""

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import click
from bench import Table
from bench.page import where_seen, write_section

from sim.rig import delivery, silence, storm
from sim.rig.figures import Row
from sim.rig.net import NoNamespaces, refuse
from sim.rig.schedule import What
from sim.rig.silence import CAUSES

Part = Callable[[], list[Row]]
PARTS: Final = ("storm", "flash", "outage", "deaths", "far", "radio", "shaken")
ALONE: Final = ("storm", "flash", "outage")
FIRST: Final = (What.WEATHER, What.KILL, What.CUT, What.PAUSE, What.KILL, What.CLOCK)
COLUMNS: Final = ("", "goal", "seen", "trials", "met")
MAX_TOLD: Final = 20


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option(
    "--seed", default=0, show_default=True, help="Decides the storm, the victims, and the luck of each datagram."
)
@click.option(
    "--trials", default=6, show_default=True, help="Of each death; of FLASH 20 times, far and radio 3 times as many."
)
@click.option(
    "--minutes", default=1.0, show_default=True, help="How long the storm lasts, and how long the line is shaken."
)
@click.option("--outage", default=20.0, show_default=True, help="Seconds of the cut in which 10 000 entries gather.")
@click.option("--relay", is_flag=True, help="Without root: UDP on loopback in place of namespaces; the storm only.")
@click.option("--out", default=Path("out/rig"), type=click.Path(path_type=Path), help="Where the nodes live.")
def main(parts: tuple[str, ...], seed: int, trials: int, minutes: float, outage: float, relay: bool, out: Path) -> None:
    """Runs real nodes over bad links, and judges them by their signed records."""
    if not relay:
        try:
            refuse()
        except NoNamespaces as error:
            click.echo(f"keepclear: the rig cannot run here: {error}", err=True)
            click.echo("hint: sudo make rig; without root: python -m sim.rig storm --relay", err=True)
            sys.exit(3)
    elif parts != ("storm",):
        raise click.UsageError("--relay is for the storm: python -m sim.rig storm --relay")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    faults: list[str] = []
    wanted = parts or PARTS
    rows: list[Row] = []
    for name in ALONE:
        if name in wanted:
            click.echo(f"{name} ...", err=True)
            rows += _alone(name, out / name, seed, trials, minutes, outage, relay, faults)
    together = [part for name in wanted if name not in ALONE for part in _together(name, out, seed, trials, minutes)]
    if together:
        click.echo(f"{', '.join(name for name in wanted if name not in ALONE)} ...", err=True)
        with ThreadPoolExecutor(len(together)) as pool:
            rows += [row for part in pool.map(lambda part: part(), together) for row in part]
    table = str(Table(f"Seed {seed}", COLUMNS, [_cells(row) for row in rows]))
    click.echo(table)
    for fault in faults[:MAX_TOLD]:
        click.echo(f"FAULT {fault}")
    if not parts:
        write_section("rig", f"{table}\n\n{where_seen()}.")
    sys.exit(1 if faults else 0)


def _alone(
    name: str, out: Path, seed: int, trials: int, minutes: float, outage: float, relay: bool, faults: list[str]
) -> list[Row]:
    if name == "flash":
        return delivery.flash_lossy(out, str(seed), 20 * trials)
    if name == "outage":
        return delivery.outage(out, str(seed), outage)
    told = storm.weather_out(out, seed, 60 * minutes, FIRST, relay)
    for event in told.events:
        click.echo(str(event), err=True)
    click.echo(str(told))
    faults += told.faults
    seen = told.verdict
    what = f"acknowledged statements lost or doubled, a storm of {minutes:g} min"
    counted = f"{seen.lost} lost, {seen.doubled} doubled of {seen.confirmed:,} confirmed; {len(told.faults)} faults"
    return [Row(what, "0", counted, f"{len(told.events)} happenings", not told.faults)]


def _together(name: str, out: Path, seed: int, trials: int, minutes: float) -> list[Part]:
    text, few = str(seed), 3 * trials
    match name:
        case "deaths":
            return [partial(silence.deaths, out / f"death{i}", text, trials, cause) for i, cause in enumerate(CAUSES)]
        case "far":
            return [partial(delivery.far, out / "far", text, few)]
        case "radio":
            return [partial(delivery.radio, out / "radio", text, few)]
    return [partial(silence.shaken, out / "shaken", text, 60 * minutes)]


def _cells(row: Row) -> list[str]:
    met = "" if row.met is None else "yes" if row.met else "NO"
    return [row.what, row.goal, row.seen, row.trials, met]


if __name__ == "__main__":
    main()
