"""kill -9 on real nodes under load: `python -m sim.kill --kills 1000`, or `make kill-test`.

A world is three nodes on loopback with fresh keys, the usual settings and the machine's own clock and disk. Officers
of A and B say statements of mixed precedence all the time, while random nodes are killed at random moments and started
again at once, some of them before they had come up. Then the nodes come to rest, and their records and journals are
read. After some dozen kills the next world begins: its starts are quick, and what is judged is judged whole.

The law: what `say` has confirmed to its officer is in every record, once. What it had not answered when its node was
killed may be there or not, but not twice. All records are identical and without fault or dispute, and every journal
replays to the identical effects. The seed decides victims and pauses; the machine decides the rest. A machine that is
busy is given time: a line that does not open is a fault by the processor time that its nodes have had.
"""

import shutil
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

import click

from keepclear.accord.statement import Notice, Precedence
from keepclear.host import hands, officer
from keepclear.host.client import NodeError
from keepclear.host.hands import Diverged
from keepclear.host.journal import Journal
from keepclear.line.liveness import LineState
from keepclear.node.node import Node as Mind
from keepclear.record import compare, verify
from keepclear.record.compare import Sameness
from keepclear.record.entry import read_body
from keepclear.record.genesis import Role
from keepclear.record.verify import Report
from sim import processes, trials
from sim.processes import SEATS, Node, notice
from sim.trials import Campaign, Done

MEMBERS: Final = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY, "WITNESS": Role.OBSERVER}
OFFICERS: Final = 2  # at each party, each waiting for its answer before it speaks again
PAUSE_S: Final = 0.04  # between two statements of one officer, on average: about 50 a second together
PATIENT: Final = 0.7  # of the kills come after all lines were open; the others hit what has just been killed, too
KILL_PAUSE_S: Final = (0.0, 1.0)
WATCH_S: Final = 0.1  # between two questions whether a line is open yet
KILLS_EACH: Final = 25  # of one world
OPEN_WORK_S: Final = 30.0  # of its processor time in which a node has to open a line: twenty starts, or one long replay
PATIENCE_S: Final = 1_200.0  # for a line to open or come to rest on a machine that does something else
MAX_TOLD: Final = 20
HOMES: Final = Path("out/kill")
GONE: Final = ("no node answers", "the node has gone away", "the node does not answer", "not signed and on disk")
PRECEDENCES: Final = (
    Precedence.FLASH, *[Precedence.IMMEDIATE] * 3, *[Precedence.PRIORITY] * 10, *[Precedence.ROUTINE] * 6,
)  # fmt: skip


@dataclass
class Words:
    """What one officer has said: by its text, the leaf that was confirmed, or None when no answer came."""

    name: str
    said: dict[str, bytes | None] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What a world has shown; `faults` is empty when nothing was wrong."""

    kills: int = 0
    unopened: int = 0
    confirmed: int = 0
    in_doubt: int = 0
    in_doubt_said: int = 0
    lost: int = 0
    doubled: int = 0
    entries: int = 0
    inputs: int = 0
    open_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """An outcome as it is kept; `together` and `sectors` are of power cuts: of all three at once, and what was lost."""

    seed: int
    kills: int
    unopened: int
    confirmed: int
    in_doubt: int
    in_doubt_said: int
    lost: int
    doubled: int
    entries: int
    inputs: int
    open_s: list[float]
    fault: str
    together: int = 0
    sectors: int = 0


class Run:
    """One line, its officers, and who kills its nodes."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.draw, self.seed = Random(f"kill {seed}"), seed
        self.directory = directory
        self.nodes = processes.found(directory, MEMBERS)
        self.outcome = Outcome()
        self.words: list[Words] = []
        self._calm, self._over = threading.Event(), threading.Event()
        self._opened: dict[str, float] = {}  # the start of each node whose line has last been seen open

    def go(self, kills: int) -> Outcome:
        """The whole run; ends all processes. Raises TimeoutError for a line that does not open or come to rest."""
        try:
            for node in self.nodes:
                node.start()
            speaking = self._begin()
            self._kill(kills)
            self._calm.set()
            for thread in speaking:
                thread.join(PATIENCE_S)
            self._come_to_rest()
            self._write_records()
            self._over.set()
            for node in self.nodes:
                node.stop()
        finally:
            self._calm.set()
            self._over.set()
            for node in self.nodes:
                node.kill()
        self._judge()
        return self.outcome

    # -- the storm ---------------------------------------------------------------------------------------------------

    def _begin(self) -> list[threading.Thread]:
        """Sets officers and onlookers to work; answers the officers, who end when it is calm."""
        speaking = []
        for node in self.nodes:
            threading.Thread(target=self._watch, args=(node,), daemon=True).start()
        for node in self.nodes[:2]:
            threading.Thread(target=self._follow, args=(node,), daemon=True).start()
            for i in range(OFFICERS):
                self.words.append(Words(f"{node.name} {i}"))
                speaking.append(threading.Thread(target=self._speak, args=(node, self.words[-1]), daemon=True))
        for thread in speaking:
            thread.start()
        return speaking

    def _kill(self, kills: int) -> None:
        for _ in range(kills):
            if self.draw.random() < PATIENT:
                self._wait_open()
            time.sleep(self.draw.uniform(*KILL_PAUSE_S))
            victim = self.draw.choice(self.nodes)
            self.outcome.unopened += self._opened.get(victim.name) != victim.started_s
            self._end(victim)
            self.outcome.kills += 1

    def _end(self, victim: Node) -> None:
        """What befalls a node: here it is killed, and started again at once."""
        victim.kill()
        victim.start()

    def _wait_open(self) -> None:
        """Waits until each node has had a line open since its start. Raises TimeoutError with what each has done."""
        began_s = time.monotonic()
        while waiting := [node for node in self.nodes if self._opened.get(node.name) != node.started_s]:
            ended = [node.name for node in waiting if not node.is_running()]
            idle = [node.name for node in waiting if node.worked_s() > OPEN_WORK_S]
            if ended or idle or time.monotonic() - began_s > PATIENCE_S:
                told = "; ".join(
                    f"{node.name} {'runs' if node.is_running() else 'has ended'}, started"
                    f" {time.monotonic() - node.started_s:.0f} s ago, {node.worked_s():.1f} s of the processor,"
                    f" {node.lines()}"
                    for node in self.nodes
                )
                raise TimeoutError(f"no open line of {', '.join(node.name for node in waiting)}: {told}")
            time.sleep(processes.POLL_S)

    def _watch(self, node: Node) -> None:
        """Takes down how long each start takes until the line to a peer is open."""
        while not self._over.wait(WATCH_S):
            started_s = node.started_s
            if self._opened.get(node.name) == started_s:
                continue
            try:
                is_open = any(peer["state"] == LineState.OPEN for peer in node.status()["peers"])
            except NodeError:
                continue
            if is_open and started_s == node.started_s:
                self._opened[node.name] = started_s
                self.outcome.open_s.append(time.monotonic() - started_s)

    def _speak(self, node: Node, words: Words) -> None:
        """Says one statement after the other; what gets no answer is in doubt."""
        draw = Random(f"kill {self.seed} {words.name}")
        while not self._calm.is_set():
            try:
                with node.client() as client:
                    while not self._calm.wait(draw.expovariate(1 / PAUSE_S)):
                        text = f"{words.name}: {len(words.said)}"
                        words.said[text] = None
                        said = officer.say(client, node.identity, SEATS, notice(text), draw.choice(PRECEDENCES))
                        words.said[text] = said.leaf
            except NodeError as error:
                if not str(error).startswith(GONE):
                    words.refused.append(f"{words.name}: {error}")

    def _follow(self, node: Node) -> None:
        """Looks on, so that what is shown counts as displayed."""
        while not self._over.is_set():
            with suppress(NodeError), node.client() as client:
                deque(client.follow(), maxlen=0)

    # -- at rest -----------------------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        for node, state in zip(self.nodes, processes.come_to_rest(self.nodes, PATIENCE_S), strict=True):
            self.outcome.faults += [f"{node.name}: {party} is disputed: {why}" for party, why in state["disputes"]]

    def _write_records(self) -> None:
        for node in self.nodes:
            with node.client() as client:
                client.ask("record", path=str(self._record(node).resolve()))

    def _record(self, node: Node) -> Path:
        return self.directory / f"{node.name}.record"

    # -- what is left ------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        out = self.outcome
        records = [self._record(node).read_bytes() for node in self.nodes]
        verified = {record: verify.verify([record]) for record in set(records)}  # the same bytes are judged once
        reports = [verified[record] for record in records]
        found = compare.compare(reports, [node.name for node in self.nodes])
        if found.sameness != Sameness.IDENTICAL:
            out.faults.append(f"the records are {found.sameness.value}: {'; '.join(found.differences)}")
        for node, report in zip(self.nodes, reports, strict=True):
            wrong = [report.unreadable, *report.faults, *report.contradictions]
            out.faults += [f"{node.name}'s record: {one.text}" for one in wrong if one is not None]
            self._weigh(node, report)
        out.entries = reports[0].entries
        for node, report in zip(self.nodes, reports, strict=True):
            self._replay(node, report)
        out.faults += [fault for words in self.words for fault in words.refused]
        out.faults += [f"{node.name} printed: {node.output()[-2_000:]}" for node in self.nodes if node.output()]

    def _weigh(self, node: Node, report: Report) -> None:
        """Holds what was said against one record."""
        leaves: dict[str, list[bytes]] = {}
        for leaf, entry in report.logbooks.by_leaf.items():
            body = read_body(entry.header.kind, entry.body)
            if isinstance(body, Notice):
                leaves.setdefault(body.text, []).append(leaf)
        said = {text: leaf for words in self.words for text, leaf in words.said.items()}
        confirmed = {text: leaf for text, leaf in said.items() if leaf is not None}
        doubtful = [text for text in said if text not in confirmed]
        lost = [text for text, leaf in confirmed.items() if leaf not in leaves.get(text, [])]
        doubled = [text for text, found in leaves.items() if len(found) > 1]
        strange = [text for text in leaves if text not in said]
        for what, texts in (("lost", lost), ("doubled", doubled), ("never said", strange)):
            self.outcome.faults += [f"{node.name}'s record: {what}: {text}" for text in texts]
        out = self.outcome
        out.confirmed, out.in_doubt = len(confirmed), len(doubtful)
        out.in_doubt_said = sum(text in leaves for text in doubtful)
        out.lost, out.doubled = max(out.lost, len(lost)), max(out.doubled, len(doubled))

    def _replay(self, node: Node, report: Report) -> None:
        """Steps a journal again, from its oldest snapshot and as recovery does, and compares."""
        journal = Journal.open(node.home / "journal.db")
        try:
            again, recovered = (Mind(node.identity.genesis, node.identity.member) for _ in range(2))
            oldest = journal.segments()[0].after_n
            hands.load(again, journal, journal.snapshot(oldest))
            hands.replay(again, journal, journal.read(oldest + 1))
            hands.recover(recovered, journal)
            self.outcome.inputs += journal.last_n - oldest
        except Diverged as error:
            self.outcome.faults.append(f"{node.name}'s journal: {error}")
            return
        finally:
            journal.close()
        if again.snapshot() != recovered.snapshot():
            self.outcome.faults.append(f"{node.name}'s journal: recovery ends in another state than replay")
        if again.books.by_leaf.keys() != report.logbooks.by_leaf.keys():
            self.outcome.faults.append(f"{node.name}'s journal: replay ends in another record than the one written")


def result(seed: int, run: Run, kills: int) -> Result:
    """Lives a world to its end and says what came of it; its homes are kept if that was a fault."""
    try:
        run.go(kills)
    except Exception as error:  # whatever keeps a world from its end is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        run.outcome.faults.append(f"{error!r} [{last.name}, {last.filename.rsplit('/', 1)[-1]}:{last.lineno}]")
        run.outcome.faults += [f"{node.name} printed: {node.output()[-2_000:]}" for node in run.nodes if node.output()]
    out = run.outcome
    if not out.faults:
        shutil.rmtree(run.directory)
    told = "; ".join(out.faults[:MAX_TOLD])
    return Result(
        seed, out.kills, out.unopened, out.confirmed, out.in_doubt, out.in_doubt_said, out.lost, out.doubled,
        out.entries, out.inputs, out.open_s, f"seed {seed}: {told}" if told else "",
    )  # fmt: skip


def one(seed: int, kills: int) -> Result:
    """One world."""
    return result(seed, Run(trials.home(HOMES, seed), seed), kills)


def summary(done: Done[Result]) -> str:
    """What a campaign of such worlds has come to."""
    open_s = [took for found in done.results for took in found.open_s]
    opened = f"{median(open_s):.1f}/{max(open_s):.1f} s" if open_s else "never"
    return (
        f"{done.total('kills')} kills ({done.total('unopened')} before the line was open again) in"
        f" {len(done.results)} worlds: {done.total('confirmed')} statements confirmed,"
        f" {done.total('in_doubt')} in doubt ({done.total('in_doubt_said')} of them said),"
        f" {done.total('lost')} lost, {done.total('doubled')} doubled;"
        f" {done.total('entries')} entries in each record, {done.total('inputs')} inputs replayed; start to open line"
        f" p50/max {opened}; {done.faults} faults; {done.ending()}"
    )


@click.command()
@click.option("--kills", default=1_000, show_default=True)
@trials.options
def main(kills: int, first: int, jobs: int, only: int | None, results: Path | None) -> None:
    """Kills three real nodes under load, again and again, world after world, and looks for what was lost."""
    each = min(kills, KILLS_EACH)
    again = f"python -m sim.kill --kills {each} --only"
    campaign = Campaign("kill", Result, partial(one, kills=each), lambda seed: f"{again} {seed}", {"each": each})
    done = campaign.run(range(first, first + -(-kills // each)), jobs, only, results)
    click.echo(summary(done))
    sys.exit(1 if done.faults else 0)


if __name__ == "__main__":
    main()
