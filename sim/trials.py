"""Seeded trials, some at once, each told in a line of a file: what was interrupted goes on where it was.

The law: a trial is decided by its seed, its options and the code, and on a real machine by that. The file is lines of
JSON and only grows: a head says of which campaign, options, commit and code the trials below it are. Trials that are
there for the same options and the same code are not run again; those of other code count for nothing.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import track

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = Path("out/campaigns")
QUIET_S: Final = 60.0  # between two words on how far it is, where there is no terminal to draw a bar on
DECIDES: Final = ("src/keepclear", "sim")  # what a trial may depend on; of it, what this process has loaded


class Told(Protocol):
    """What came of one trial: `fault` is "" if nothing was wrong."""

    @property
    def seed(self) -> int:
        """What the trial was drawn from."""

    @property
    def fault(self) -> str:
        """What was wrong, in one line."""


R = TypeVar("R", bound=Told)


class Head(msgspec.Struct, frozen=True):
    """Of what the trials below it are."""

    campaign: str
    options: dict[str, Any]
    commit: str
    code: str

    def is_like(self, other: "Head") -> bool:
        """Whether a trial of the other is the same trial; commits that leave the code as it is do not matter."""
        return (self.campaign, self.options, self.code) == (other.campaign, other.options, other.code)


@dataclass(frozen=True)
class Done(Generic[R]):
    """The results of all seeds; so many of them were in the file before."""

    results: list[R]
    found: int
    took_s: float
    commit: str

    @property
    def faults(self) -> int:
        """How many trials found something wrong."""
        return sum(bool(result.fault) for result in self.results)

    def total(self, name: str) -> int:
        """One figure of all results, added up."""
        return sum(getattr(result, name) for result in self.results)

    def ending(self) -> str:
        """The end of the campaign's last line."""
        before = f", {self.found} of them done before" if self.found else ""
        return f"{self.took_s:.0f} s{before}; commit {self.commit}"


@dataclass(frozen=True)
class Campaign(Generic[R]):
    """A kind of trial: `one` runs a seed, `again` is the command that runs it again."""

    name: str
    result: type[R]
    one: Callable[[int], R]
    again: Callable[[int], str]
    options: dict[str, Any]

    def run(self, seeds: range, jobs: int, only: int | None = None, file: Path | None = None) -> Done[R]:
        """Runs what the file does not have yet, or `only` one seed in any case, and tells each fault when found."""
        began, wanted = time.monotonic(), list(seeds) if only is None else [only]
        file = file or FOLDER / f"{self.name}.jsonl"
        head = Head(self.name, self.options, _commit(), _code())
        known = {result.seed: result for result in self._known(file, head)} if only is None else {}
        before = [known[seed] for seed in wanted if seed in known]
        results = list(before)
        for result in results:
            self._tell(result)
        with _appending(file, head) as note:
            for result in self._running([seed for seed in wanted if seed not in known], jobs):
                note(result)
                self._tell(result)
                results.append(result)
        return Done(results, len(before), time.monotonic() - began, head.commit)

    def _running(self, seeds: list[int], jobs: int) -> Iterator[R]:
        console = Console(stderr=True)
        with ProcessPoolExecutor(jobs) as pool:
            futures = [pool.submit(self.one, seed) for seed in seeds]
            bar = track(as_completed(futures), self.name, len(futures), console=console, disable=_is_quiet(console))
            told_s = time.monotonic()
            try:
                for count, future in enumerate(bar, 1):
                    yield future.result()
                    if _is_quiet(console) and time.monotonic() - told_s >= QUIET_S:
                        told_s = time.monotonic()
                        click.echo(f"{self.name}: {count} of {len(seeds)}", err=True)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _tell(self, result: R) -> None:
        if result.fault:
            click.echo(f"FAULT {result.fault}\n  {self.again(result.seed)}")

    def _known(self, file: Path, head: Head) -> Iterator[R]:
        """The results of the same trials in a file; a line that was cut short at the end is none."""
        like = False
        for line in file.read_bytes().split(b"\n") if file.exists() else []:
            try:
                like = head.is_like(msgspec.json.decode(line, type=Head))
            except msgspec.DecodeError:
                if like:
                    yield from _read(line, self.result)


def _read(line: bytes, kind: type[R]) -> Iterator[R]:
    try:
        yield msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError:
        return


@contextmanager
def _appending(file: Path, head: Head) -> Iterator[Callable[[Told], None]]:
    """What adds results to a file below a head, each at once and on a line that begins anew, however the file ended."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as to:

        def put(line: Any) -> None:
            to.write(b"\n" + msgspec.json.encode(line))
            to.flush()

        put(head)
        yield put


def home(under: Path, seed: int) -> Path:
    """An empty place for what a trial needs on the disk."""
    place = under / str(seed)
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _is_quiet(console: Console) -> bool:
    return not console.is_terminal


def _commit() -> str:
    """The commit, with a + where the code is not the commit's; "none" outside a clone."""
    git = shutil.which("git")
    if git is None:
        return "none"

    def said(*words: str) -> str:
        done = subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = said("status", "--porcelain", "--", *DECIDES)
    return (said("rev-parse", "--short", "HEAD") or "none") + "+" * bool(changed)


def _code() -> str:
    """A digest of the code that decides a trial."""
    folders = [ROOT / folder for folder in DECIDES]
    loaded = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    digest = blake2b(digest_size=8)
    for path in sorted(path for path in loaded if any(path.is_relative_to(folder) for folder in folders)):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every campaign: where it begins, one seed alone, how many at once, and the file."""
    for option in (
        click.option(
            "--results", type=click.Path(path_type=Path), help="The file of trials.  [default: in out/campaigns]"
        ),
        click.option("--only", type=int, help="This seed alone, whether or not it is in the file."),
        click.option("--first", "--seed", default=0, show_default=True, help="The first seed."),
        click.option("--jobs", default=2, show_default=True, help="Trials at once."),
    ):
        command = option(command)
    return command
