"""A storm over three real nodes, and what their records show of it afterwards.

The law: officers of both parties speak all the while; nodes are killed, stopped and given other clocks, ways are cut
and spoiled, as the seed says. Then the weather clears, each officer speaks once more, the nodes come to rest, and the
records are judged. `python -m sim.rig storm --seed 7` is the same storm again.
"""

import threading
import time
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.client import Client, NodeError
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import SEATS, Node, notice
from sim.rig import history, schedule
from sim.rig.history import Verdict
from sim.rig.line import CALM, Line, line
from sim.rig.schedule import WEATHERS, Event, What

MEMBERS: Final = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY, "WITNESS": Role.OBSERVER}
OFFICERS: Final = 2  # at each party
PAUSE_S: Final = 0.05  # between two statements of one officer, on average
LAST_WORD_S: Final = 30.0
GONE: Final = ("no node answers", "the node has gone away", "the node does not answer", "not signed and on disk")
PRECEDENCES: Final = (Precedence.FLASH, *[Precedence.PRIORITY] * 3, *[Precedence.ROUTINE] * 6)


class Told(msgspec.Struct):
    """What a storm has shown: the verdict, what happened, and what went over the link."""

    verdict: Verdict
    events: list[Event]
    skipped: int
    datagrams: int
    lost: int
    faults: list[str]

    def __str__(self) -> str:
        count = {what: sum(event.what is what for event in self.events) for what in What}
        seen = self.verdict
        return (
            f"{count[What.KILL]} kills, {count[What.PAUSE]} stops, {count[What.CUT]} cuts of one way,"
            f" {count[What.WEATHER]} changes of weather, {count[What.CLOCK]} clock steps ({self.skipped} not taken);"
            f" {self.datagrams} datagrams, {self.lost} lost; {seen.statements} statements, {seen.confirmed} confirmed,"
            f" {seen.in_doubt} in doubt; {seen.entries} entries in each record, {seen.receipted} receipted;"
            f" {seen.lost} lost, {seen.doubled} doubled; {len(self.faults)} faults"
        )


class Officer:
    """Says one statement after the other; in each, which of those before it got no answer."""

    def __init__(self, node: Node, name: str, seed: int) -> None:
        self.node, self.name = node, name
        self.refused: list[str] = []
        self._draw = Random(f"officer {seed} {name}")
        self._n = 0
        self._doubtful: list[int] = []

    def speak_until(self, calm: threading.Event) -> None:
        """Speaks until it is calm."""
        while not calm.wait(self._draw.expovariate(1 / PAUSE_S)):
            self.speak()

    def last_word(self) -> None:
        """Speaks until once more he has got an answer. Raises TimeoutError."""
        deadline_s = time.monotonic() + LAST_WORD_S
        while not self.speak():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{self.name} has got no answer for {LAST_WORD_S:.0f} s")
            time.sleep(processes.POLL_S)

    def speak(self) -> bool:
        """Whether the node has confirmed it. What it refuses was not said, and its number is used again."""
        said = notice(history.words(self.name, self._n, self._doubtful))
        try:
            with Client(self.node.home) as client:
                officer.say(client, self.node.identity, SEATS, said, self._draw.choice(PRECEDENCES))
        except NodeError as error:
            if str(error).startswith(GONE):
                if not str(error).startswith(GONE[0]):
                    self._doubtful.append(self._n)
                    self._n += 1
            else:
                self.refused.append(f"{self.name}: {error}")
            return False
        self._n += 1
        self._doubtful = []
        return True


def weather_out(folder: Path, seed: int, length_s: float, first: tuple[What, ...] = (), relay: bool = False) -> Told:
    """The whole storm. Raises TimeoutError for a line that does not open or come to rest."""
    events = schedule.storm(seed, length_s, list(MEMBERS), first)
    with line(folder, str(seed), CALM, MEMBERS, relay=relay) as up:
        up.wait_open()
        officers = [
            Officer(up.by_name[party], f"{party} {i}", seed)
            for party, role in MEMBERS.items()
            if role is Role.PARTY
            for i in range(OFFICERS)
        ]
        calm = threading.Event()
        speaking = [threading.Thread(target=one.speak_until, args=(calm,), daemon=True) for one in officers]
        for thread in speaking:
            thread.start()
        try:
            skipped = _happen(up, events)
        finally:
            calm.set()
        for thread in speaking:
            thread.join(processes.START_TIMEOUT_S)
        up.net.set_all(CALM)
        for one in officers:
            one.last_word()
        states = processes.come_to_rest(up.nodes)
        faults = [f"{s['member']}: {party} is disputed: {why}" for s in states for party, why in s["disputes"]]
        faults += [refused for one in officers for refused in one.refused]
        records = up.records(folder)
        counts = up.net.counts().values()
        for node in up.nodes:
            node.stop()
        faults += up.printed()
    verdict = history.judge(records)
    datagrams, lost = (sum(way[what] for way in counts) for what in ("datagrams", "lost"))
    return Told(verdict, events, skipped, datagrams, lost, verdict.faults + faults)


def _happen(up: Line, events: list[Event]) -> int:
    """Has it all happen at its time; how many clock steps were not taken, because the node was not there."""
    began_s, skipped = time.monotonic(), 0
    cuts: dict[tuple[str, str], int] = {}  # of each way, how many that are begun and not ended
    for event in events:
        time.sleep(max(0.0, began_s + event.at_s - time.monotonic()))
        node = up.by_name[event.node]
        match event.what:
            case What.KILL:
                node.kill()
                node.start()
            case What.PAUSE:
                up.pause(event.node)
            case What.GO_ON:
                up.go_on(event.node)
            case What.CUT | What.MEND:
                way = event.node, event.other
                cuts[way] = cuts.get(way, 0) + (1 if event.what is What.CUT else -1)
                up.net.cut(*way, cuts[way] > 0)
            case What.WEATHER:
                cut = up.net.weather(event.node, event.other).cut
                up.net.set(event.node, event.other, msgspec.structs.replace(WEATHERS[event.weather], cut=cut))
            case What.CLOCK:
                skipped += not step_clock(node, event.step_ms)
    return skipped


def step_clock(node: Node, step_ms: int) -> bool:
    """Whether the node has taken another wall clock, that of a scenario, which it offers on a line not LIVE.

    The first step of a start, and each one back, leaves its monotonic clock alone; a later one ahead takes it along.
    """
    try:
        with Client(node.home) as client:
            wall_ms = client.ask("facts")["wall_ms"] + step_ms
            client.ask("clock", anchor_ns=time.monotonic_ns(), wall_ms=wall_ms)
    except NodeError:
        return False
    return True
