"""A calm day of two nodes, and its replay: `python -m sim.day --hours 24`.

The law: one node's journal is the real one, in a file. It is replayed in two processes at the same time, with two
seeds of Python's hashing; every input's effects and the state at the end have to be those of the node that lived it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Precedence
from keepclear.host.journal import Journal
from keepclear.interop.position import Position
from keepclear.node.assessment import Finding, assess
from keepclear.node.inputs import Say, Settings, Tracks
from keepclear.record.entry import Draft
from sim import founding, officers
from sim.replay_journal import GENESIS, JOURNAL, Replayed, digests
from sim.world import START_WALL_MS, Member, World

NAMES: Final = ("ALFA", "BRAVO")
LIVED: Final = 0  # the member whose journal is in the file, and who has tracks
FLIGHTS: Final = 50
SPEED_CMPS: Final = 20_000
OPENINGS_AN_HOUR: Final = 21  # half of 500 a day; the other half ends them
IN_FORCE_MS: Final = (10 * 60_000, 50 * 60_000)
VAGUE: Final = 0.02  # of the statements say no area: then every flight is affected, as long as it is in force
ASSESSED_AFTER_MS: Final = 700
HASH_SEEDS: Final = ("1", "2")
ENDS: Final = {Kind.NOTICE: statement.Ended, Kind.HAZARD: statement.AllClear}


class Day:
    """Two nodes for some hours of calm weather."""

    def __init__(self, hours: float, folder: Path, seed: int = 0) -> None:
        genesis = founding.found(NAMES)
        (folder / GENESIS).write_bytes(genesis.document)
        self.until_ms = int(hours * 3_600_000)
        self.draw = Random(f"day {seed}")
        self.world = World(seed, genesis, [founding.node_keys(name) for name in NAMES], Settings())
        self.world.idle_commit_after_ms, self.world.snapshot_chance = 10_000, 0.001
        self.lived = self.world.members[LIVED]
        self.lived.journal = Journal.open(folder / JOURNAL)
        self.said = 0
        self._worker = ProcessPoolExecutor(1)
        self.world.assessed_after_ms, self.world.assessor = ASSESSED_AFTER_MS, self._assess
        self._ways = [(self.draw.randint(-5_000, 5_000), self.draw.randint(-5_000, 5_000)) for _ in range(FLIGHTS)]

    def live(self, progress: Progress) -> tuple[str, str]:
        """Lives the day; the digests of state and record at its end."""
        world = self.world
        world.start_all()
        world.after(500, self._fly)
        for _ in range(round(OPENINGS_AN_HOUR * self.until_ms / 3_600_000)):
            world.after(self.draw.randrange(self.until_ms), self._open)
        task = progress.add_task("minutes", total=self.until_ms // 60_000)
        while world.now < self.until_ms:
            world.run(min(self.until_ms, world.now + 60_000))
            progress.advance(task)
        self._worker.shutdown(cancel_futures=True)
        self.lived.flush()
        world.watch.at_rest()
        self.lived.journal.close()
        return digests(self.lived.node)

    def _assess(self, snapshot: bytes) -> Callable[[], tuple[Finding, ...]]:
        """Beside the node, as in the field."""
        return self._worker.submit(assess, snapshot).result

    def _fly(self) -> None:
        """A second of positions: flights on a grid a degree apart, to and fro over half a degree."""
        stamp = self.lived.stamp()
        batch = [self._position(i, stamp.wall_ms) for i in range(FLIGHTS)]
        self.lived.take(Tracks(stamp, msgspec.msgpack.encode(batch)))
        self.world.after(1_000, self._fly)

    def _position(self, i: int, wall_ms: int) -> Position:
        lon_way, lat_way = self._ways[i]
        second = (wall_ms - START_WALL_MS) // 1_000 % 1_000
        second = min(second, 1_000 - second)
        return Position(
            source="sim", flight=f"OWN{i}", icao24=f"{i:06x}",
            lat_e7=officers.LAT_E7 + (i // 7 - 3) * 10**7 + second * lat_way,
            lon_e7=officers.LON_E7 + (i % 7 - 3) * 10**7 + second * lon_way,
            alt_cm=900_000, alt_ref=4, alt_err_cm=3_810, pos_err_cm=18_520, speed_cmps=SPEED_CMPS,
            track_cdeg=i * 700, climb_cmps=0, at_ms=wall_ms, velocity_age_ms=0,
        )  # fmt: skip

    def _open(self) -> None:
        """Somebody gives notice, or warns of a hazard; after a while it ends."""
        member = self.draw.choice(self.world.members)
        kind = self.draw.choice(list(ENDS))
        now_ms = START_WALL_MS + self.world.now
        where = (officers.volume(self.draw, VAGUE),)
        body: statement.Body = statement.Hazard(hazard=1, source=1, volumes=where, since_ms=now_ms)
        if kind == Kind.NOTICE:
            start_ms, end_ms = now_ms + 900_000, now_ms + 3_600_000
            body = statement.Notice(activity=3, volumes=where, start_ms=start_ms, end_ms=end_ms)
        self._say(member, body, ())
        leaf = member.node.books.of(member.index)[-1].entries[-1].leaf
        self.world.after(self.draw.randint(*IN_FORCE_MS), lambda: self._say(member, ENDS[kind](at_ms=0), (leaf,)))

    def _say(self, member: Member, body: statement.Body, refs: tuple[bytes, ...]) -> None:
        stamp = member.stamp()
        precedence = Precedence.FLASH if body.kind in statement.ALWAYS_FLASH else Precedence.PRIORITY
        draft = Draft(
            body.kind, precedence, None, refs, member.node.core.genesis.everyone, "duty", stamp.wall_ms, None,
            statement.to_bytes(body),
        )  # fmt: skip
        member.take(Say(stamp, draft, 0, self.world.fresh(32), ()))
        self.said += 1


def replay_twice(folder: Path) -> list[Replayed]:
    """Replays the journal in a folder in two processes at once, each with a copy and its own seed of hashing."""
    started = []
    for seed in HASH_SEEDS:
        copy = folder / f"hash{seed}"
        copy.mkdir(mode=0o700)
        for name in (JOURNAL, GENESIS):
            copyfile(folder / name, copy / name)
            (copy / name).chmod(0o600)
        command = [sys.executable, "-m", "sim.replay_journal", str(copy), str(LIVED)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment))
    out = [process.communicate()[0] for process in started]
    if failed := [process.returncode for process in started if process.returncode]:
        raise click.ClickException(f"{len(failed)} of {len(started)} replays failed, see above")
    return [msgspec.json.decode(line, type=Replayed) for line in out]


@click.command()
@click.option("--hours", default=24.0, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(hours: float, seed: int) -> None:
    """Lives a day, replays it twice at once, and compares."""
    with TemporaryDirectory(prefix="keepclear-day-") as name:
        folder = Path(name)
        day = Day(hours, folder, seed)
        began = time.monotonic()
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            lived = day.live(progress)
        took = time.monotonic() - began
        inputs = day.lived.node.state.n
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        click.echo(f"lived {hours:g} h, {inputs} inputs, {day.said} statements, {size:.0f} MB: {took:.0f} s")
        for seed_of_hash, found in zip(HASH_SEEDS, replay_twice(folder), strict=True):
            same = (found.state, found.record) == lived
            rate = found.seconds * 1e6 / found.inputs
            click.echo(
                f"replayed with hash seed {seed_of_hash}: {found.inputs} inputs in {found.seconds:.1f} s, {rate:.0f} s "
                f"a million; every effect the same, state and record {'the same' if same else 'DIFFERENT'}"
            )
            if not same:
                raise click.ClickException("state or record at the end are not those of the node that lived it")


if __name__ == "__main__":
    main()
