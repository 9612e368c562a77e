"""Many seeded runs: `python -m sim.campaign --runs 1000 --seconds 60 --jobs 2`.

The law: a fault is one line with the seed and the command that shows it again; the exit status is 1 if there was one.
"""

import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import click
from rich.console import Console
from rich.progress import track

from keepclear.line.paths import BOX, UDP
from sim.run import Run

REPORT_EVERY = 100  # runs, where there is no terminal to draw a bar on


@dataclass(frozen=True)
class Result:
    """What came of one seed; `fault` is "" if nothing was wrong."""

    seed: int
    steps: int
    said: int
    entries: int
    starts: int
    put_back: int
    fault: str


def one(seed: int, seconds: int, two_paths: bool = False) -> Result:
    """Runs one seed."""
    run = Run(seed, seconds, (UDP, BOX) if two_paths else (UDP,))
    fault = ""
    try:
        run.go()
    except Exception as error:  # whatever a node or the world raises is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        what = str(error) if str(error).startswith("seed ") else f"seed {seed}, {run.world.now} ms: {error!r}"
        fault = f"{what} [{last.name}, {last.filename.rsplit('/', 1)[-1]}:{last.lineno}]"
    starts = sum(member.starts for member in run.world.members)
    return Result(seed, run.world.steps, run.said, len(run.world.watch.originals), starts, run.put_back, fault)


@click.command()
@click.option("--runs", default=1_000, show_default=True)
@click.option("--seconds", default=60, show_default=True, help="Simulated seconds of bad weather in each run.")
@click.option("--first", default=0, show_default=True, help="The first seed.")
@click.option("--jobs", default=2, show_default=True)
@click.option("--two-paths", is_flag=True, help="With a mailbox beside the datagrams.")
def main(runs: int, seconds: int, first: int, jobs: int, two_paths: bool) -> None:
    """Runs seeded worlds of three members and looks for a broken promise."""
    console = Console(stderr=True)
    began = time.monotonic()
    results: list[Result] = []
    with ProcessPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, seed, seconds, two_paths) for seed in range(first, first + runs)]
        done, quiet = as_completed(futures), not console.is_terminal
        for future in track(done, "runs", len(futures), console=console, disable=quiet):
            result = future.result()
            results.append(result)
            if quiet and len(results) % REPORT_EVERY == 0:
                click.echo(f"{len(results)} of {runs} runs", err=True)
            if result.fault:
                again = f"--runs 1 --jobs 1 --seconds {seconds} --first {result.seed}{' --two-paths' * two_paths}"
                click.echo(f"FAULT {result.fault}\n  python -m sim.campaign {again}")
    faults = sum(bool(result.fault) for result in results)
    total = [
        sum(getattr(result, name) for result in results) for name in ("steps", "said", "entries", "starts", "put_back")
    ]
    took = time.monotonic() - began
    click.echo(
        f"{runs} runs of {seconds} s: {faults} faults; {total[0]} steps, {total[1]} statements, {total[2]} entries, "
        f"{total[3]} starts, {total[4]} disks put back; {took:.0f} s, {took * jobs / runs:.2f} s a run and core"
    )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
