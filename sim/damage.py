"""Damaged disks: `python -m sim.damage --images 1000`, or `make damage`.

Three real nodes under a virtual clock, one of them with its journal in a real file. It lives through statements and a
restart; then it ends, its files are damaged as the seed says, the others go on talking, and it is started again.

The law: it starts, or refuses with a reason and a hint and starts without its journal. What a peer holds is not lost,
nothing is said twice, no changed byte is served, all end with one record and read the same from it; what only the
damaged disk held may be gone, and is then told. The mended journal is whole and replays.
"""

import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import click

from keepclear.accord.statement import BY_RULE
from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalDamaged, JournalError, JournalFailed
from keepclear.host.mend import open_node
from keepclear.host.scrub import Finding, Scrub, remedy
from keepclear.node.inputs import Damaged
from sim import replaying, trials
from sim.invariants import Broken
from sim.run import GENESIS, Fate, Run
from sim.trials import Campaign
from sim.world import START_WALL_MS, Keys, Member, World

SECTOR: Final = 512
PAGE: Final = 4_096
LIFE_MS: Final = (4_000, 8_000)
DOWN_MS: Final = 1_500
SUFFIXES: Final = ("", "-wal", "-held")
FAST: Final = Path("/dev/shm")
Harm = Callable[[Path, Path, Random], None]


class OnFile(Member):
    """A member whose journal is in a file."""

    def __init__(self, world: World, index: int, keys: Keys, path: Path) -> None:
        super().__init__(world, index, keys)
        self.path = path
        self.told: tuple[str, ...] = ()

    def image(self) -> bytes:
        return b""

    def crash(self) -> None:
        """The process ends. What SQLite would do at the end, a process that is killed does not."""
        self._process += 1
        self.hands, self.sessions = None, {}
        copy = [(at, at.read_bytes()) for at in _files(self.path)]
        self.journal.close()
        for at in _files(self.path):
            at.unlink()
        for at, data in copy:
            at.write_bytes(data)
            at.chmod(0o600)

    def start(self) -> None:
        """As a node starts: the journal as it is, or mended."""
        wall_ms = START_WALL_MS + self.world.now
        opened = open_node(self.path, GENESIS, self.index, wall_ms)
        opened.journal.close()
        self.told = (*self.told, *opened.told)
        self.journal = Journal.open(self.path)
        self.world.watch.put_back(self)
        super().start()
        for text in opened.told:
            self.take(Damaged(self.stamp(), text))


class Damage(Run):
    """One life, one damage, one judgement."""

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(seed, 0)
        self.draw = Random(f"damage {seed}")
        statements, flights = self.draw.choice((1.0, 3.0, 8.0)), self.draw.random() < 0.5
        self.fate = Fate(
            loss=0.1, corrupt=0.0, duplicate=0.1, delay_ms=20, statements=statements, crashes=0.0, crash_chance=0.0,
            restores=0, double=False, disk_fails=False, flights=flights,
        )  # fmt: skip
        self.folder = folder
        index = self.draw.randrange(2)
        self.world.snapshot_chance = self.draw.choice((0.0, 0.01, 0.1))
        self.victim = OnFile(self.world, index, self.world.members[index].keys, folder / "live" / "journal.db")
        self.world.members[index] = self.victim
        self.kind = self.draw.choice(sorted(HARMS))
        self.refused = ""
        self.found: list[Finding] = []

    def _storm(self) -> None:
        world, draw, victim = self.world, self.draw, self.victim
        world.start_all()
        self._each_second()
        world.run(draw.randint(*LIFE_MS))
        if draw.random() < 0.7:
            victim.crash()
            if draw.random() < 0.5:  # as SQLite does on a start: the log goes into the file
                Journal.open(victim.path).close()
            victim.start()
        older = self.folder / "older"
        shutil.copytree(victim.path.parent, older)
        world.run(world.now + draw.randint(*LIFE_MS))
        victim.crash()
        if draw.random() < 0.3:
            Journal.open(victim.path).close()
        HARMS[self.kind](victim.path, older / victim.path.name, draw)
        world.run(world.now + DOWN_MS)
        try:
            victim.start()
        except JournalError as error:
            self.refused = str(error)
            if ": " not in self.refused:
                raise Broken(f"it refuses without a reason: {self.refused}") from error
            self._put_aside()
            victim.start()
        world.run(world.now + DOWN_MS)

    def _bring_up(self, member: Member) -> None:
        """A journal whose tables turn out not to fit is mended by the next start, which the alarm asks for."""
        if member is self.victim and member.hands is not None and member.hands.disk_failed:
            member.crash()
        super()._bring_up(member)

    def _put_aside(self) -> None:
        """What the refusal asks of an administrator."""
        for at in _files(self.victim.path):
            at.rename(self.folder / at.name)

    def go(self) -> None:
        self._storm()
        self._settle()
        if self._has_failed() or self._is_spoilt():  # a write or the looking has found it: mended by the next start
            self.victim.crash()
            self._bring_up(self.victim)
            self._settle()
        self.world.watch.at_rest()
        for member in self.world.members:
            member.flush()
            if not (member is self.victim and self.found):  # what nobody needs any more may still be damaged
                replaying.check(member)
        lost = self.world.watch.lost
        if lost and not (self.victim.told or self.refused or self.kind in SILENT):
            raise Broken(f"{len(lost)} entries that only the damaged disk held are gone, and nobody was told")
        self._judge_words()
        again = Scrub(self.victim.journal)
        while not again.rounds:
            if found := [one for one in again.bite() if one.table in ("entries", "notes")]:
                raise Broken(f"the journal is still damaged: {', '.join(map(str, found))}")
        if {leaf for leaf, _ in self.victim.journal.entries()} != set(self.victim.node.books.by_leaf):
            raise Broken("the journal keeps another record than the node holds")

    def _judge_words(self) -> None:
        """No release has become two statements, and no entry is another than its author signed."""
        for member in self.world.members:
            said = [e for e in member.node.books.by_leaf.values() if e.header.kind not in BY_RULE]
            seeds = Counter((e.header.party, e.seed) for e in said)
            if twice := [key for key, count in seeds.items() if count > 1]:
                raise Broken(f"{member.index} holds {len(twice)} statements twice")

    def _has_failed(self) -> bool:
        """A write has come upon the damage since the start: alarmed, and nothing is recorded any more."""
        return self.victim.hands is not None and self.victim.hands.disk_failed

    def _is_spoilt(self) -> bool:
        """Looks the journal over as a node does while it runs, and mends what can be mended then."""
        journal = self.victim.journal
        scrub = Scrub(journal)
        while not scrub.rounds:
            try:
                found = scrub.bite()
                cure = remedy(found, self.victim.node, journal.newest_n)
                cure.apply(journal, 0)
            except (JournalDamaged, JournalFailed):
                journal.spoil()
                return True
            self.found += found
            if cure.snapshot:
                raise Broken(f"a start needs what is damaged and did not notice: {cure.words}")
        return False


def _files(path: Path) -> list[Path]:
    return [at for suffix in SUFFIXES if (at := path.with_name(path.name + suffix)).exists()]


def _either(path: Path, draw: Random) -> Path:
    return draw.choice([at for at in _files(path)[:2] if at.stat().st_size])


def _change(at: Path, where: int, data: bytes) -> None:
    with at.open("r+b") as file:
        file.seek(where)
        file.write(data)


def _flip(at: Path, draw: Random) -> None:
    where = draw.randrange(at.stat().st_size)
    _change(at, where, bytes([at.read_bytes()[where] ^ 1 << draw.randrange(8)]))


def _block(at: Path, draw: Random, size: int, data: bytes) -> None:
    most = max(1, at.stat().st_size // size)
    _change(at, draw.randrange(most) * size, data)


def _one_bit(path: Path, _: Path, draw: Random) -> None:
    _flip(_either(path, draw), draw)


def _bits(path: Path, _: Path, draw: Random) -> None:
    for _i in range(draw.randint(2, 60)):
        _flip(_either(path, draw), draw)


def _log_bit(path: Path, _: Path, draw: Random) -> None:
    _flip(_files(path)[-2] if len(_files(path)) > 2 else path, draw)


def _zero_page(path: Path, _: Path, draw: Random) -> None:
    _block(_either(path, draw), draw, PAGE, bytes(PAGE))


def _zero_sectors(path: Path, _: Path, draw: Random) -> None:
    for _i in range(draw.randint(1, 8)):
        _block(_either(path, draw), draw, SECTOR, bytes(SECTOR))


def _noise_page(path: Path, _: Path, draw: Random) -> None:
    _block(_either(path, draw), draw, PAGE, draw.randbytes(PAGE))


def _swap(path: Path, _: Path, draw: Random) -> None:
    at = _either(path, draw)
    data = at.read_bytes()
    one, two = (draw.randrange(max(1, len(data) // PAGE)) * PAGE for _i in range(2))
    _change(at, one, data[two : two + PAGE])
    _change(at, two, data[one : one + PAGE])


def _cut(path: Path, _: Path, draw: Random) -> None:
    with path.open("r+b") as file:
        file.truncate(draw.randrange(path.stat().st_size))


def _cut_log(path: Path, _: Path, draw: Random) -> None:
    at = path.with_name(f"{path.name}-wal")
    if at.exists():
        with at.open("r+b") as file:
            file.truncate(draw.randrange(at.stat().st_size + 1))


def _no_log(path: Path, _: Path, _draw: Random) -> None:
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)


def _no_file(path: Path, _: Path, _draw: Random) -> None:
    path.unlink()


def _empty(path: Path, _: Path, _draw: Random) -> None:
    path.write_bytes(b"")


def _header(path: Path, _: Path, draw: Random) -> None:
    _change(path, draw.randrange(100), draw.randbytes(draw.randint(1, 40)))


def _stale(path: Path, older: Path, draw: Random) -> None:
    """The disk is put back, or a part of it is: its log, or the file without its log."""
    names = draw.choice((SUFFIXES, SUFFIXES, ("",), ("-wal",)))
    for suffix in names:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
        copy = older.with_name(older.name + suffix)
        if copy.exists():
            shutil.copy2(copy, path.with_name(path.name + suffix))


def _lost_write(path: Path, older: Path, draw: Random) -> None:
    """A page that the disk said it had written, and had not."""
    before = older.read_bytes()
    where = draw.randrange(max(1, len(before) // PAGE)) * PAGE
    _change(path, where, before[where : where + PAGE])


def _torn(path: Path, _: Path, draw: Random) -> None:
    """Of the last write to the log some sectors are not what they should be."""
    at = path.with_name(f"{path.name}-wal")
    if at.exists() and (size := at.stat().st_size) > PAGE:
        for _i in range(draw.randint(1, 4)):
            where = size - draw.randrange(1, 2 * PAGE // SECTOR) * SECTOR
            _change(at, where, draw.choice((bytes(SECTOR), b"\xff" * 9)))


HARMS: Final[dict[str, Harm]] = {
    "one bit": _one_bit, "many bits": _bits, "a bit of the log": _log_bit, "a page of zeros": _zero_page,
    "sectors of zeros": _zero_sectors, "a page of noise": _noise_page, "pages swapped": _swap, "cut": _cut,
    "log cut": _cut_log, "no log": _no_log, "no file": _no_file, "empty": _empty, "header": _header,
    "stale": _stale, "a lost write": _lost_write, "torn": _torn,
}  # fmt: skip
SILENT: Final = ("stale", "log cut")  # an older copy cannot be told from a journal; what it lacks comes from the peers


@dataclass(frozen=True)
class Result:
    """What came of one image; `fault` is "" if nothing was wrong."""

    seed: int
    kind: str
    entries: int
    lost: int
    told: bool
    found: bool
    refused: bool
    fault: str


def one(seed: int) -> Result:
    """Makes, damages and judges one disk."""
    base = FAST if FAST.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="keepclear-damage-", dir=base) as folder:
        run, fault = Damage(seed, Path(folder)), ""
        try:
            run.go()
        except Exception as error:  # whatever a node or the world raises is the finding
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.name}, {last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
            fault = f"seed {seed} ({run.kind}): {error!r} [{where}]"
        finally:
            run.victim.journal.close()
        watch = run.world.watch
        said, lost = len(watch.originals), len(watch.lost)
        return Result(seed, run.kind, said, lost, bool(run.victim.told), bool(run.found), bool(run.refused), fault)


@click.command()
@click.option("--images", default=1_000, show_default=True)
@trials.options
def main(images: int, first: int, jobs: int, only: int | None, results: Path | None) -> None:
    """Damages the disk of one of three nodes, again and again, and looks for what was lost, doubled or made up."""
    campaign = Campaign("damage", Result, one, lambda seed: f"python -m sim.damage --only {seed}", {})
    done = campaign.run(range(first, first + images), jobs, only, results)
    for kind, count in sorted(Counter(result.kind for result in done.results).items()):
        of = [result for result in done.results if result.kind == kind]
        told, found, refused, lost = (
            sum(getattr(r, name) for r in of) for name in ("told", "found", "refused", "lost")
        )
        click.echo(
            f"{kind:18s}{count:5d} images,{told:5d} told at the start,{found:5d} found by looking,"
            f"{refused:4d} refused,{lost:5d} entries that no peer held lost"
        )
    nothing = "" if done.faults else " 0 of those that a peer holds lost;"
    click.echo(
        f"{len(done.results)} damaged disks: {done.faults} faults; {done.total('entries')} entries said;"
        f"{nothing} {done.ending()}"
    )
    sys.exit(1 if done.faults else 0)


if __name__ == "__main__":
    main()
