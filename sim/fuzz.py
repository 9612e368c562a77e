"""A node with its line up, given whatever a harmful peer, a careless officer or a broken track source might send.

The law: nothing raises out of the step; what is dropped is counted; every validly signed warning is shown; the state
stays serialisable, within its bounds, and replays to the same bytes; what the node says itself is sound. A chunk of
examples has one seed and one node, and is shown again by `python -m sim.fuzz --first <chunk> --examples 1`.
"""

import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from random import Random
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import track

from keepclear.line import frame as frames
from keepclear.node import effects as fx
from keepclear.node import inputs
from keepclear.node.assessment import assess
from keepclear.node.effects import Assess, Effect, Mark, Send, Show, Sign
from keepclear.node.inputs import AnyInput, Assessed, Displayed, Durable, Receive, Session, Signed, Stamp, Start, Tick
from keepclear.node.node import Node
from keepclear.record import entry as entries
from sim import founding, officers, sayings
from sim.bounds import bounds
from sim.malice import Villain

GENESIS: Final = founding.found()
KEYS: Final = [founding.node_keys(name) for name in founding.NAMES]
SETTINGS: Final = inputs.Settings(checkpoint_every_ms=5_000, receipt_every_ms=200)
CHUNK: Final = 1_000
WALL_MS: Final = 1_537_207_200_000
ME, PEER, OTHER = 0, 1, 2
WORK_LOOKED_AT: Final = 97  # every so many inputs the calls made in a step are counted
MAX_CALLS: Final = 400_000  # in one step; the most seen is below half of it


class Wrong(AssertionError):
    """The node did what it must not; the text says which chunk and example."""


class Bench:
    """A node, its hands as far as needed, and everything that it took in."""

    def __init__(self, chunk: int) -> None:
        self.chunk, self.draw = chunk, Random(f"fuzz {chunk}")
        self.node = Node(GENESIS, ME)
        self.rows: list[tuple[bytes, bytes]] = []
        self.kept: list[bytes] = []
        self.shown: set[bytes] = set()
        self.mono_ms, self.example = 1_000, 0
        self.most_calls = 0
        self.tally: Counter[str] = Counter()
        self.villain = Villain(self.draw, GENESIS, PEER, KEYS[PEER], WALL_MS)
        self.start()

    def stamp(self) -> Stamp:
        return Stamp(self.mono_ms, WALL_MS + self.mono_ms, 50)

    def start(self) -> None:
        self.take(Start(self.stamp(), "boot", self.draw.randbytes(8), self.draw.randbytes(32), "fuzz", SETTINGS))
        for peer in (PEER, OTHER):
            self.take(Session(self.stamp(), peer, bytes((peer,)) * 8, bytes(16)))

    def take(self, data: AnyInput) -> list[Effect]:
        """Steps an input, in the form in which the journal gives it back, and what it gives rise to."""
        raw = inputs.to_bytes(data)
        looked_at = len(self.rows) % WORK_LOOKED_AT == 0
        found = self._counted(inputs.read(raw)) if looked_at else self.node.step(inputs.read(raw))
        self.rows.append((raw, fx.digest(found)))
        for effect in found:
            self._perform(effect)
        return found

    def _counted(self, data: AnyInput) -> list[Effect]:
        calls = 0

        def count(_frame: Any, event: str, _arg: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            found = self.node.step(data)
        finally:
            sys.setprofile(None)
        self.most_calls = max(self.most_calls, calls)
        if calls > MAX_CALLS:
            raise self.wrong(f"{calls} calls in one step, {type(data).__name__}, at most {MAX_CALLS}")
        return found

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Sign():
                sign = KEYS[ME].sign_mldsa if effect.algorithm == fx.MLDSA else KEYS[ME].sign
                self.take(Signed(self.stamp(), effect.token, sign(effect.message)))
            case fx.Keep():
                self.kept.append(effect.raw)
                self._look_at_own(effect.raw)
            case Mark() if self.draw.random() < 0.3:
                self.take(Durable(self.stamp(), self.node.state.n))
            case Show(what="statement", leaf=bytes(leaf)):
                self.shown.add(leaf)
                if self.draw.random() < 0.5:
                    self.take(Displayed(self.stamp(), (leaf,)))
            case Send() if len(effect.frame) > frames.MAX_FRAME_BYTES:
                raise self.wrong(f"a frame of {len(effect.frame)} bytes")
            case Assess():
                findings: Any = tuple(msgspec.to_builtins(f, builtin_types=(bytes,)) for f in assess(effect.snapshot))
                self.take(Assessed(self.stamp(), effect.digest, findings))

    def _look_at_own(self, raw: bytes) -> None:
        entry = entries.read(raw, GENESIS.body.limits.entry_bytes)
        if entry.header.party == ME:
            entries.check(entry, GENESIS)

    # -- examples ----------------------------------------------------------------------------------------------------

    def one(self) -> None:
        """One example."""
        self.example += 1
        self.mono_ms += self.draw.choice((0, 1, 20, 300))
        self.villain.wall_ms = WALL_MS + self.mono_ms
        self.villain.books = list(self.node.books.books)[:50]
        match self.draw.choice("wwwwwffftspaSr"):
            case "w":
                self._entry()
            case "f":
                self._frame()
            case "t":
                self.take(Tick(self.stamp(), self.draw.choice((0, 3))))
            case "s":
                self.take(sayings.anything(self.draw, self.node, self.stamp()))
            case "p":
                self.take(sayings.any_batch(self.draw, self.stamp()))
            case "a":
                digest = self.draw.choice((b"", self.draw.randbytes(16), self.node.state.advice.asked))
                self.take(Assessed(self.stamp(), digest, sayings.any_findings(self.draw, self.node)))
            case "S":
                self.take(officers.say(self.draw, self.node, self.stamp(), founding.NAMES[ME], self.draw.randbytes(32)))
            case "r" if self.draw.random() < 0.05:
                self._restart()

    def _entry(self) -> None:
        """An entry in a frame of its own; shown, if it is a validly signed warning."""
        raw, warning = self.villain.entry()
        items = (frames.EntryItem(raw),)
        frame = frames.to_bytes(frames.Frame("udp", self.mono_ms, WALL_MS, self.mono_ms - 20, 5, items))
        before = self.noise()
        self.take(Receive(self.stamp(), PEER, bytes((PEER,)) * 8, frame))
        self.tally["warning" if warning else "entry"] += 1
        if warning:
            leaf = entries.read(raw, GENESIS.body.limits.entry_bytes).leaf
            if leaf not in self.shown:
                raise self.wrong(f"a validly signed warning was not shown, noise {self.noise() - before}")

    def _frame(self) -> None:
        frame = self.villain.frame(self.mono_ms, self.mono_ms - 20)
        session = bytes((PEER,)) * 8 if self.draw.random() < 0.95 else b"over"
        before = self.noise()
        self.take(Receive(self.stamp(), PEER, session, frame))
        self.tally["frame"] += 1
        try:
            frames.read(frame)
        except frames.BadFrame:
            if self.noise() == before:
                raise self.wrong("a malformed frame was not counted") from None

    def _restart(self) -> None:
        """The process ends and comes back from a snapshot."""
        node = Node(GENESIS, ME)
        snapshot = self.node.snapshot()
        node.restore(snapshot, lambda kept: self.kept[:kept])
        if node.snapshot() != snapshot:
            raise self.wrong("a snapshot taken up and given back is another")
        if [book.id for book in node.books.all()] != [book.id for book in self.node.books.all()]:
            raise self.wrong("a snapshot taken up has other logbooks")
        self.node = node
        self.start()

    def noise(self) -> int:
        return sum(self.node.state.noise.values())

    # -- what must hold ----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Looks at the bounds."""
        for name, number, most in bounds(self.node):
            if number > most:
                raise self.wrong(f"{number} of {name}, at most {most}")

    def replay(self) -> None:
        """Steps everything again into a fresh node, as replay does."""
        node = Node(GENESIS, ME)
        for number, (raw, digest) in enumerate(self.rows):
            if fx.digest(node.step(inputs.read(raw))) != digest:
                raise self.wrong(f"input {number + 1} of {len(self.rows)} has other effects when it is replayed")
        if node.snapshot() != self.node.snapshot():
            raise self.wrong("replayed, it ends in another state")

    def wrong(self, what: str) -> Wrong:
        return Wrong(f"chunk {self.chunk}, example {self.example}: {what}")


def run(chunk: int, examples: int = CHUNK) -> tuple[str, int, Counter[str]]:
    """Runs one chunk: what went wrong, "" if nothing; the most calls in a step; what was tried."""
    bench = Bench(chunk)
    try:
        for _ in range(examples):
            bench.one()
            if bench.example % 250 == 0:
                bench.look()
        bench.look()
        bench.replay()
    except Exception as error:
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        where = f"{at.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{at.tb_lineno}" if at else ""
        own = str(error).startswith("chunk ")
        text = str(error) if own else f"chunk {chunk}, example {bench.example}: {type(error).__name__}: {error}"
        return f"{text} [{where}]", bench.most_calls, bench.tally
    return "", bench.most_calls, bench.tally + Counter({f"noise: {k}": v for k, v in bench.node.state.noise.items()})


@click.command()
@click.option("--examples", default=100_000, show_default=True, help=f"Rounded up to chunks of {CHUNK}.")
@click.option("--first", default=0, show_default=True, help="The first chunk.")
@click.option("--jobs", default=2, show_default=True)
@click.option("--verbose", is_flag=True, help="Says what was tried and what was counted as noise.")
def main(examples: int, first: int, jobs: int, verbose: bool) -> None:
    """Tries to make a node raise, fall silent or grow."""
    console = Console(stderr=True)
    began = time.monotonic()
    faults, most, tally = 0, 0, Counter[str]()
    chunks = range(first, first + -(-examples // CHUNK))
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(run, chunk): chunk for chunk in chunks}
        done, quiet = as_completed(futures), not console.is_terminal
        for future in track(done, "chunks", len(futures), console=console, disable=quiet):
            fault, calls, tried = future.result()
            most, tally = max(most, calls), tally + tried
            if fault:
                faults += 1
                click.echo(f"FAULT {fault}\n  python -m sim.fuzz --examples 1 --jobs 1 --first {futures[future]}")
    if verbose:
        for name, count in sorted(tally.items()):
            click.echo(f"  {name}: {count}")
    took = time.monotonic() - began
    work = f"at most {most} calls in a step looked at"
    click.echo(f"{len(chunks) * CHUNK} examples: {faults} faults; {work}; {took:.0f} s")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
