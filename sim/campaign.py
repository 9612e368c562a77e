"""Many seeded runs: `python -m sim.campaign --runs 10000 --seconds 60 --jobs 2`, or `make sim`.

The law: a fault is one line with the seed and the command that shows it again; the exit status is 1 if there was one.
"""

import sys
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from keepclear.line.paths import BOX, UDP
from sim import trials
from sim.run import Run
from sim.trials import Campaign


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
@click.option("--runs", default=10_000, show_default=True)
@click.option("--seconds", default=60, show_default=True, help="Simulated seconds of bad weather in each run.")
@click.option("--two-paths", is_flag=True, help="With a mailbox beside the datagrams.")
@trials.options
def main(
    runs: int, seconds: int, two_paths: bool, first: int, jobs: int, only: int | None, results: Path | None
) -> None:
    """Runs seeded worlds of three members and looks for a broken promise."""
    campaign = Campaign(
        "sim",
        Result,
        partial(one, seconds=seconds, two_paths=two_paths),
        lambda seed: f"python -m sim.campaign --seconds {seconds}{' --two-paths' * two_paths} --only {seed}",
        {"seconds": seconds, "two_paths": two_paths},
    )
    done = campaign.run(range(first, first + runs), jobs, only, results)
    click.echo(
        f"{len(done.results)} runs of {seconds} s: {done.faults} faults; {done.total('steps')} steps,"
        f" {done.total('said')} statements, {done.total('entries')} entries, {done.total('starts')} starts,"
        f" {done.total('put_back')} disks put back; {done.ending()}"
    )
    sys.exit(1 if done.faults else 0)


if __name__ == "__main__":
    main()
