"""The power goes: `python -m sim.power --cuts 50`, or `make power`. Needs gcc.

Three real nodes under load as in sim/kill.py, each on a disk of its own (sim/shim/disk.c, preloaded): a write is lost
unless its file was synced after it. At a cut the process is killed, and of what it had not synced a part that the seed
decides is taken back, sector by sector and in no sequence; at some cuts all three go at once.

The law is that of sim/kill.py: what was confirmed to an officer is in every record, once. And a power cut is no damage:
no journal has to be mended after one.
"""

import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import click
import msgspec

from sim import kill, trials
from sim.kill import Result, Run
from sim.processes import Node
from sim.trials import Campaign

SOURCE: Final = Path(__file__).with_name("shim") / "disk.c"
SECTOR: Final = 512
HEAD: Final = struct.Struct("=6q")
CUTS_EACH: Final = 10  # of one world
HOMES: Final = Path("out/power")
TOGETHER: Final = 0.3  # of the cuts are of the whole region's power
KEPT: Final = (0.0, 0.2, 0.5, 0.8, 0.97)  # of the sectors that were not synced


class Change(msgspec.Struct):
    """A write (W) or truncation (T) that was not synced: where, how long, what was there, the file's size before."""

    kind: str
    offset: int
    length: int
    old: bytes
    size: int


def build(folder: Path) -> Path:
    """Compiles the disk. Raises FileNotFoundError without gcc, subprocess.CalledProcessError."""
    gcc = shutil.which("gcc")
    if gcc is None:
        raise FileNotFoundError("gcc was not found: install it (apt-get install gcc) to cut the power")
    made = folder / "disk.so"
    command = [gcc, "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return made.resolve()


def environment(shim: Path, folder: Path, disk: Path) -> dict[str, str]:
    """What a process is given so that its journal in a folder is on such a disk."""
    disk.mkdir(exist_ok=True)
    return {"LD_PRELOAD": str(shim), "DISK_DIR": str(folder.resolve()), "DISK_UNDO": str(disk.resolve() / "undo")}


def cut(disk: Path, draw: Random) -> int:
    """Takes back a part of what was not synced, after the process has gone; how many sectors were lost."""
    at = disk / "undo"
    if not at.exists():
        return 0
    lost = 0
    for path, changes in unsynced(at.read_bytes()).items():
        if changes and Path(path).exists():
            now = Path(path).read_bytes()
            then, count = after_cut(now, changes, draw, draw.choice(KEPT))
            Path(path).write_bytes(then)
            lost += count
    at.unlink()
    return lost


def unsynced(log: bytes) -> dict[str, list[Change]]:
    """By file, what was changed since its last sync, in sequence."""
    out: dict[str, list[Change]] = {}
    at = 0
    while at + HEAD.size <= len(log):
        kind, path_bytes, offset, length, kept, size = HEAD.unpack_from(log, at)
        at += HEAD.size
        path = log[at : at + path_bytes].decode()
        old = log[at + path_bytes : at + path_bytes + kept]
        at += path_bytes + kept
        if chr(kind) == "S":
            out[path] = []
        else:
            out.setdefault(path, []).append(Change(chr(kind), offset, length, old, size))
    return out


def after_cut(now: bytes, changes: list[Change], draw: Random, kept: float) -> tuple[bytes, int]:
    """What is on the disk when a part of the changes never came there, and how many written sectors are not."""
    data = bytearray(now)
    new: list[bytes] = []
    for change in reversed(changes):  # back to what is certain, learning what each one wrote
        new.append(bytes(data[change.offset : change.offset + change.length]))
        data[change.offset : change.offset + len(change.old)] = change.old
        data[change.size :] = b""
        data.extend(bytes(change.size - len(data)))
    lost = 0
    for change, written in zip(changes, reversed(new), strict=True):
        if change.kind == "T":
            if draw.random() < kept:
                data[change.offset :] = b""
                data.extend(bytes(change.offset - len(data)))
            continue
        for start, piece in sectors(change.offset, written):
            if draw.random() >= kept:
                lost += 1
                continue
            data.extend(bytes(max(0, start - len(data))))
            data[start : start + len(piece)] = piece
    return bytes(data), lost


def sectors(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    """A write as (offset, bytes) within each sector that it touches."""
    out, at = [], offset
    while at < offset + len(data):
        end = min(offset + len(data), (at // SECTOR + 1) * SECTOR)
        out.append((at, data[at - offset : end - offset]))
        at = end
    return out


class Power(Run):
    """A world in which the power goes instead of the process."""

    def __init__(self, directory: Path, seed: int) -> None:
        super().__init__(directory, seed)
        self.lost = self.together = 0
        shim = build(directory)
        for node in self.nodes:
            node.environment = environment(shim, node.home, self._disk(node))

    def _disk(self, node: Node) -> Path:
        return self.directory / f"{node.name}.disk"

    def _end(self, victim: Node) -> None:
        together = self.draw.random() < TOGETHER
        self.together += together
        hit = self.nodes if together else [victim]
        for node in hit:
            node.kill()
        for node in hit:
            self.lost += cut(self._disk(node), self.draw)
        for node in hit:
            node.start()

    def _judge(self) -> None:
        super()._judge()
        mended = [str(path) for node in self.nodes for path in node.home.glob("journal.damaged-*")]
        self.outcome.faults += [f"{path}: a power cut was taken for damage" for path in mended]


def one(seed: int, cuts: int) -> Result:
    """One world."""
    run = Power(trials.home(HOMES, seed), seed)
    return replace(kill.result(seed, run, cuts), together=run.together, sectors=run.lost)


@click.command()
@click.option("--cuts", default=50, show_default=True)
@trials.options
def main(cuts: int, first: int, jobs: int, only: int | None, results: Path | None) -> None:
    """Cuts the power of three real nodes under load, again and again, and looks for what was lost."""
    each = min(cuts, CUTS_EACH)
    again = f"python -m sim.power --cuts {each} --only"
    campaign = Campaign("power", Result, partial(one, cuts=each), lambda seed: f"{again} {seed}", {"each": each})
    done = campaign.run(range(first, first + -(-cuts // each)), jobs, only, results)
    cuts_told = f"{done.total('together')} of them of all three, {done.total('sectors')} sectors lost"
    click.echo(f"power cuts, {cuts_told}: {kill.summary(done)}")
    sys.exit(1 if done.faults else 0)


if __name__ == "__main__":
    main()
