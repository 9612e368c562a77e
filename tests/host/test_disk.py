"""A real node on a disk that hangs, fails or is full: it says so, shows what comes in, and FLASH goes out.

The disk is sim/shim/disk.c, preloaded into the process of one of two nodes; gcc makes it.
"""

import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.client import NodeError
from keepclear.record.genesis import Role
from sim import power, processes
from sim.processes import SEATS, Node, notice

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="NOT TESTED: storage faults need gcc to make the disk")
DEADLINE_S = 60.0


class Line:
    """Two nodes, the first on a disk of ours, and all that they show."""

    def __init__(self, at: Path) -> None:
        self.north, self.south = processes.found(at, {"NORTH": Role.PARTY, "SOUTH": Role.PARTY})
        self.disk = at / "disk"
        self.north.environment = power.environment(power.build(at), self.north.home, self.disk)
        self.shown: dict[str, queue.Queue[dict[str, Any]]] = {}
        for node in (self.north, self.south):
            self.start(node)
        self.until(lambda: all(self.is_open(node) for node in (self.north, self.south)))

    def start(self, node: Node) -> None:
        node.start()
        events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.shown[node.name] = events
        client = node.client()
        following = threading.Event()

        def follow() -> None:
            with suppress(NodeError), client:
                for event in client.follow():
                    following.set()
                    events.put(event)

        threading.Thread(target=follow, daemon=True).start()
        assert following.wait(DEADLINE_S)

    def is_open(self, node: Node) -> bool:
        return all(peer["state"] == "open" for peer in node.status()["peers"])

    def until(self, what: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not what():
            assert time.monotonic() < deadline_s
            time.sleep(processes.POLL_S)

    def sees(self, node: Node, *words: str) -> dict[str, Any]:
        """The next thing that a node shows with these words."""
        while True:
            event = self.shown[node.name].get(timeout=DEADLINE_S)
            if "text" in event and all(word in f"{event['what']}: {event['text']}" for word in words):
                return event

    def say(self, node: Node, text: str, precedence: Precedence) -> None:
        with node.client() as client:
            officer.say(client, node.identity, SEATS, notice(text), precedence)

    def tell(self, what: str) -> None:
        (self.disk / what).touch()

    def mend(self, what: str) -> None:
        (self.disk / what).unlink()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    try:
        yield made
    finally:
        for node in (made.north, made.south):
            node.kill()


def test_a_disk_that_hangs_is_told_and_silences_no_warning(line: Line) -> None:
    line.tell("hang")
    line.sees(line.north, "disk: the disk has taken nothing for 2 s", "only FLASH goes out")
    line.sees(line.south, "disk: the disk of NORTH takes nothing", "neither recorded nor receipted")
    assert line.south.status()["peers"][0]["disk"] == "hangs"
    line.say(line.south, "while the other's disk hangs", Precedence.IMMEDIATE)
    line.sees(line.north, "statement", "while the other's disk hangs")
    line.say(line.north, "urgent, on no disk", Precedence.FLASH)
    assert "ON NO DISK OF ITS SENDER" in line.sees(line.south, "statement", "urgent, on no disk")["facts"][3]
    assert (line.disk / "hang").exists()
    line.mend("hang")
    line.sees(line.north, "disk: the disk takes what it is given again")
    line.sees(line.south, "disk: the disk of NORTH takes what it is given again")
    line.say(line.north, "and on the disk", Precedence.ROUTINE)
    line.sees(line.south, "statement", "and on the disk")


@pytest.mark.parametrize("what", ["fail", "full"])
def test_a_disk_that_fails_or_is_full_is_told_and_what_went_out_comes_back(line: Line, what: str) -> None:
    line.tell(what)
    line.sees(line.north, "disk: the disk has failed", "warnings go on")
    line.sees(line.south, "disk: the disk of NORTH has failed")
    line.say(line.south, "still seen", Precedence.ROUTINE)
    line.sees(line.north, "statement", "still seen")
    line.say(line.north, "urgent, on no disk", Precedence.FLASH)
    line.sees(line.south, "statement", "urgent, on no disk")
    with pytest.raises(NodeError, match="neither on disk nor sent"):
        line.say(line.north, "not urgent", Precedence.ROUTINE)
    line.north.kill()
    power.cut(line.disk, power.Random(0))
    if what == "full":  # a start does not wait for room: it warns, and says what is the matter
        line.start(line.north)
        line.until(lambda: "full" in line.north.status()["disk_failed"])
        line.north.kill()
    line.mend(what)
    line.start(line.north)
    line.until(lambda: line.north.status()["joint_checkpoint"] == line.south.status()["joint_checkpoint"])
    with line.north.client() as client:
        told = str(client.ask("matters", all=True))
    assert "urgent, on no disk" in told
    assert "still seen" in told
    assert "not urgent" not in told
    assert not list(line.north.home.glob("journal.damaged-*")), "a disk that takes nothing damages nothing"
