"""The watchdog: what it sounds for and when, as its own process with the test for a node, and beside real nodes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from keepclear.host.client import Client
from keepclear.host.config import ConfigError, read_config
from keepclear.host.watchdog import REPEAT_S, SILENT_S, Judge, Watch, ask_door
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import Node

DEADLINE_S = 60.0  # two busy cores; nothing is asserted about how long it takes
WELL: dict[str, Any] = {
    "n": 1,
    "in_force": False,
    "horn_s": 15.0,
    "lines": [["BRAVO", "open"]],
    "disk": "",
    "disk_s": 0.1,
}


def until(what: Callable[[], Any]) -> Any:
    """Asks until there is an answer."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (found := what()):
        assert time.monotonic() < deadline_s, "it does not come to that"
        time.sleep(0.02)
    return found


# -- what it sounds for ------------------------------------------------------------------------------------------------


def judged(**pulse: Any) -> Judge:
    """A node that has been well for ten seconds, and then answers so."""
    judge = Judge(0.0)
    for second in range(10):
        judge.hear({**WELL, "n": second}, float(second))
    judge.hear({**WELL, "n": 10, **pulse}, 10.0)
    return judge


@pytest.mark.parametrize(
    ("pulse", "after_s", "expected"),
    [
        ({}, 0.0, {}),
        ({}, SILENT_S - 0.1, {}),
        ({}, SILENT_S, {"silent"}),
        ({"disk": "no space left"}, 0.0, {"disk"}),
        ({"disk_s": 2.9}, 0.0, set()),
        ({"disk_s": 3.1}, 0.0, {"disk"}),
        ({"lines": [["BRAVO", "suspect"]]}, 1.0, set()),
        ({"lines": [["BRAVO", "dead"]]}, 1.0, set()),
        ({"lines": [["BRAVO", "dead"]], "in_force": True}, 0.0, {"line BRAVO"}),
    ],
)
def test_what_is_wrong(pulse: dict[str, Any], after_s: float, expected: set[str]) -> None:
    assert set(judged(**pulse).causes(10.0 + after_s)) == set(expected)


def test_a_dead_line_sounds_after_fifteen_seconds_when_nothing_is_in_force() -> None:
    judge = judged(lines=[["BRAVO", "dead"]])
    for second in range(11, 26):
        assert not judge.causes(second - 0.1)
        judge.hear({**WELL, "n": second, "lines": [["BRAVO", "dead"]]}, float(second))
    assert judge.causes(25.0) == {"line BRAVO": "the line to BRAVO is dead: use another way to reach it"}


def test_a_node_that_answers_and_takes_nothing_in_is_not_alive() -> None:
    judge = judged()
    for tenth in range(1, 31):
        judge.hear({**WELL, "n": 10}, 10.0 + tenth / 10)
    [text] = judge.causes(13.0).values()
    assert text.startswith("the node answers, and has taken in nothing for 3.0 s")


def test_a_disk_is_not_blamed_for_what_was_stopped_with_its_node() -> None:
    judge = judged()
    judge.hear({**WELL, "n": 11, "disk_s": 60.0}, 70.0)  # the node was stopped for a minute, and goes on
    assert not judge.causes(70.1)
    judge.hear({**WELL, "n": 12, "disk_s": 63.1}, 70.6)
    assert not judge.causes(70.7)


def test_who_was_kept_from_looking_blames_nobody() -> None:
    judge = judged()
    judge.excuse(100.0)
    assert not judge.causes(100.0 + SILENT_S - 0.1)
    assert set(judge.causes(100.0 + SILENT_S)) == {"silent"}


def test_what_was_acknowledged_is_quiet_until_something_new() -> None:
    watch = Watch()
    assert watch.look({"a": "one"}, 0.0) == (["one"], [])
    assert watch.look({"a": "one"}, REPEAT_S - 0.1) == ([], []), "said once, and again after a while"
    assert watch.look({"a": "one"}, REPEAT_S) == (["one"], [])
    assert watch.look({"a": "one"}, 3 * REPEAT_S - 0.1) == ([], []), "and then after twice as long"
    assert watch.look({"a": "one"}, 3 * REPEAT_S) == (["one"], [])
    assert watch.acknowledge() == ["one"]
    assert watch.look({"a": "one"}, 99 * REPEAT_S) == ([], [])
    assert watch.look({"a": "one", "b": "two"}, 99 * REPEAT_S) == (["two"], [])
    assert watch.look({"b": "two"}, 99 * REPEAT_S) == ([], ["over: one"])
    assert watch.look({"a": "one", "b": "two"}, 99 * REPEAT_S) == (["one", "two"], []), "what was over begins anew"


# -- its own process, with the test for a node -------------------------------------------------------------------------


class Dog:
    """A watchdog's process; the test is the node at the other end."""

    def __init__(self, at: Path, *sound: str) -> None:
        self.at, self.out = at, at / "out.txt"
        self.node, theirs = socket.socketpair()
        given = {"fd": theirs.fileno(), "dir": str(at), "name": "ALFA", "sound": sound}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "keepclear.host.watchdog", json.dumps(given)],
                stdin=subprocess.DEVNULL, stderr=out, pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        theirs.close()
        self.asks = self.node.makefile("rb")
        self.steps = 0

    def answer(self, **pulse: Any) -> dict[str, Any]:
        """Waits for the next question, answers it, and tells what it was."""
        asked: dict[str, Any] = json.loads(self.asks.readline())
        self.steps += 1
        self.node.sendall(json.dumps({"ok": True, **WELL, "n": self.steps, **pulse}).encode() + b"\n")
        return asked

    def told(self, words: str) -> str:
        """Waits until it has said that."""
        return str(until(lambda: text if words in (text := self.out.read_text()) else ""))

    def door(self, word: str) -> list[str]:
        """Says a word at its door."""
        here = Path.cwd()
        os.chdir(self.at)
        try:
            return ask_door("watchdog.sock", word)
        finally:
            os.chdir(here)

    def close(self) -> None:
        self.asks.close()
        self.node.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def dogs(tmp_path: Path) -> Iterator[Callable[..., Dog]]:
    made: list[Dog] = []

    def make(*sound: str) -> Dog:
        made.append(Dog(tmp_path, *sound))
        return made[-1]

    yield make
    for dog in made:
        dog.close()


def program(at: Path, text: str) -> str:
    path = at / "horn"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_no_answer_sounds_and_an_acknowledged_alarm_is_quiet(dogs: Callable[..., Dog]) -> None:
    dog = dogs()
    asked = dog.answer(in_force=True)
    assert (asked["do"], asked["own"], asked["pid"]) == ("pulse", True, dog.process.pid)
    text = dog.told("ALARM      ALFA  watchdog: the node has given no sign of life for ")
    assert "while something is in force" in text
    [quiet] = dog.door("acknowledge")
    assert quiet.startswith("the node has given no sign of life")
    dog.answer()
    dog.answer()
    dog.told("IMMEDIATE  ALFA  watchdog: over: the node has given no sign of life")


def test_a_node_that_ends_in_good_order_is_not_missed_and_one_that_does_not_is(dogs: Callable[..., Dog]) -> None:
    good = dogs()
    good.answer()
    good.node.sendall(b'{"bye":true}\n')
    assert good.process.wait(DEADLINE_S) == 0
    assert good.out.read_text() == ""

    bad = dogs()
    bad.answer()
    bad.asks.close()
    bad.node.close()
    bad.told("the node has ended, and not in good order: nothing warns here until it is started anew")
    assert bad.door("acknowledge")
    assert bad.process.wait(DEADLINE_S) == 0, "it was heard, and there is nothing left to watch"


def test_the_watchdog_of_a_new_start_takes_over(dogs: Callable[..., Dog]) -> None:
    old = dogs()
    old.answer()
    old.asks.close()
    old.node.close()
    old.told("has ended, and not in good order")
    new = dogs()
    new.answer()
    assert old.process.wait(DEADLINE_S) == 0
    assert new.door("acknowledge") == []


def test_a_dead_line_and_a_disk_that_takes_nothing_are_sounded(dogs: Callable[..., Dog]) -> None:
    dog = dogs()
    for _ in range(8):  # four seconds in which it answered
        dog.answer()
    dog.answer(lines=[["BRAVO", "dead"]], in_force=True, disk_s=4.0)
    dog.told("the line to BRAVO is dead while something is in force: use another way to reach it")
    dog.told("the disk has taken nothing for 4.0 s")


def test_a_command_sounds_and_one_that_fails_is_told_to_the_officer_and_to_the_node(
    dogs: Callable[..., Dog], tmp_path: Path
) -> None:
    dog = dogs(program(tmp_path, f'echo "$1 $KEEPCLEAR_ALARM" >> {tmp_path}/heard'), "a b; c")
    dog.answer()
    assert dog.door("try") == ["it sounds now: did you hear it?"]
    heard = until(lambda: (tmp_path / "heard").exists() and (tmp_path / "heard").read_text())
    assert heard.startswith("a b; c "), "its arguments as they stand, and no shell between"
    assert "this is how the watchdog sounds" in heard
    program(tmp_path, "exit 3")
    dog.door("try")
    while not (asked := dog.answer())["trouble"]:
        pass
    assert asked["trouble"] == f"the command {tmp_path}/horn ended with 3"
    dog.told("this watchdog cannot sound as it should")


def test_a_program_in_the_configuration_has_its_full_path(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text('[node]\nmember = "A"\ndir = "."\n[watchdog]\nsound = ["paplay", "alarm.wav"]\n')
    with pytest.raises(ConfigError, match=r"watchdog.sound: 'paplay', the full path of a program expected"):
        read_config(path)
    path.write_text('[node]\nmember = "A"\ndir = "."\n[watchdog]\nsound = ["/bin/paplay", "alarm.wav"]\n')
    assert read_config(path).sound == ("/bin/paplay", "alarm.wav")


# -- beside real nodes -------------------------------------------------------------------------------------------------


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """One node of a line, as `keepclear run` starts it, with its watchdog."""
    made, _ = processes.found(tmp_path / "line", {"ALFA": Role.PARTY, "BRAVO": Role.PARTY})
    begin(made)
    try:
        until(lambda: made.status()["watchdog"]["error"] == "" and (made.home / "watchdog.sock").exists())
        yield made
    finally:
        pids = {watchdog_of(made)}
        made.kill()
        for pid in filter(None, pids):
            os.kill(pid, signal.SIGKILL)


def begin(node: Node) -> None:
    with (node.home / "output.txt").open("ab") as out:
        command = [sys.executable, "-m", "keepclear", "run", "--quiet", "--watchdog", str(node.home / "node.toml")]
        node.process = subprocess.Popen(command, stdout=out, stderr=out)


def watchdog_of(node: Node) -> int | None:
    """The process of its watchdog, if it lives: by who holds the door."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            line = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if b"keepclear.host.watchdog" in line and str(node.home).encode() in line:
            return int(directory.name)
    return None


def test_a_stopped_node_is_sounded_and_heard_again(node: Node) -> None:
    assert node.process is not None
    node.process.send_signal(signal.SIGSTOP)
    until(lambda: "the node has given no sign of life" in node.output())
    node.process.send_signal(signal.SIGCONT)
    until(lambda: "over: the node has given no sign of life" in node.output())
    assert "disk" not in node.output()


def test_a_killed_node_is_sounded_until_the_next_start(node: Node) -> None:
    first = watchdog_of(node)
    node.kill()
    until(lambda: "the node has ended, and not in good order" in node.output())
    assert watchdog_of(node) == first, "it goes on, whoever is gone"
    begin(node)
    until(lambda: (found := watchdog_of(node)) and found != first)
    assert node.status()["watchdog"]["error"] == ""


def test_a_node_that_is_ended_takes_its_watchdog_along(node: Node) -> None:
    node.stop()
    until(lambda: watchdog_of(node) is None)
    assert node.output() == ""
    assert not (node.home / "watchdog.sock").exists()


def test_a_killed_watchdog_is_told_by_the_node(node: Node) -> None:
    with Client(node.home) as client:
        told = client.follow()
        next(told)
        pid = watchdog_of(node)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        alarm = next(one for one in told if one["what"] == "watchdog")
    assert alarm["event"] == "alarm"
    assert "nothing sounds if this node stops" in alarm["text"]
    assert node.status()["watchdog"]["error"] == "the watchdog has ended (-9)"


def test_a_watchdog_by_hand_counts_and_sounds_where_it_was_started(node: Node, tmp_path: Path) -> None:
    out = tmp_path / "hand.txt"
    with out.open("wb") as file:
        hand = subprocess.Popen(
            [sys.executable, "-m", "keepclear", "watchdog", "--node", str(node.home)],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        until(lambda: node.status()["watchdog"]["by_hand"] == 1)
        node.kill()
        until(lambda: "ended, and not in good order" in out.read_text())
        begin(node)
        until(lambda: "over: the node has ended" in out.read_text())
        node.stop()
        assert hand.wait(DEADLINE_S) == 0
        assert "the node has ended in good order" in out.read_text()
    finally:
        hand.kill()
        hand.wait()
