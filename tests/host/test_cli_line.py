"""The command line at work: two parties and an observer as processes of the operating system, on free ports."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from tests.host.transcripts import told

from keepclear.host.client import Client

NAMES = ("A", "B", "OBS")


class Nodes:
    """The three nodes of a line in one directory."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *options: str) -> None:
        command = [sys.executable, "-m", "keepclear", "run", str(self.at / name / "node.toml"), *options]
        with (self.at / f"{name}.out").open("ab") as out:
            self.running[name] = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.at)

    def stop(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(told.DEADLINE_S)

    def printed(self, name: str) -> str:
        return (self.at / f"{name}.out").read_text(encoding="utf-8")

    def wait_open(self, name: str) -> None:
        peers = [other for other in NAMES if other != name]
        told.until(f"keepclear status --node {name} --json", '"ok":true')
        for peer in peers:
            told.until(f"keepclear status --node {name} --json", f'"name":"{peer}","state":"open"')


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    at = tmp_path_factory.mktemp("line")
    before = Path.cwd()
    os.chdir(at)
    found(at)
    for name in ("A", "B"):  # the chief's key is kept elsewhere
        (at / name / "seats" / "chief.key").rename(at / name / "chief.key")
    made = Nodes(at)
    try:
        for name in NAMES:
            made.start(name, *(["--quiet"] if name == "OBS" else []))
        for name in NAMES:
            made.wait_open(name)
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.wait()
        os.chdir(before)


def found(at: Path) -> None:
    """Founds the line on ports below those that the system gives out, tried until they are free."""
    for attempt in range(50):
        base = 20_000 + (os.getpid() * 7 + attempt * 311) % 9_000
        members = "--party A --party B --observer OBS --seat duty --seat chief"
        code, output = told.called(f"keepclear init exercise {at} {members} --port-base {base}")
        if code == 0:
            return
        assert "is not free" in output, output
    raise AssertionError("no free ports")


def test_an_officers_watch(nodes: Nodes) -> None:
    told.play("officer")
    shown = nodes.printed("B")
    assert "A on line" not in shown
    assert "IMMEDIATE  A  line: the line to A is open" in shown
    assert " PRIORITY   A  statement " in shown, "what A said, on B's terminal, in one line"
    assert "[INCOMPLETE]" in shown
    assert "ALARM" in nodes.printed("A"), "B's FLASH calls A's officer"
    assert nodes.printed("OBS") == ""


def test_people_test_the_line_and_suspend_the_channel(nodes: Nodes) -> None:
    told.play("people")
    assert "asks whether a person is there: answer with the words" in nodes.printed("B")
    assert "ALARM      A  channel: the channel is suspended by B" in nodes.printed("A")


def test_four_eyes_are_two_seats(nodes: Nodes) -> None:
    elsewhere, here = nodes.at / "A" / "chief.key", nodes.at / "A" / "seats" / "chief.key"
    elsewhere.rename(here)
    try:
        told.play("seats")
    finally:
        here.rename(elsewhere)


def test_both_parties_records_are_one_and_a_changed_byte_is_found(nodes: Nodes) -> None:
    at_rest(nodes)
    told.play("records")
    data = bytearray((nodes.at / "A.record").read_bytes())
    data[len(data) // 2] ^= 1
    (nodes.at / "changed.record").write_bytes(data)
    code, output = told.called("keepclear verify changed.record B.record")
    assert code in (1, 2), output  # a bit of an item's length makes the file unreadable, any other is a fault
    assert output.splitlines()[-1] in ("FAULT OR CONTRADICTION", "UNREADABLE")


def test_a_follower_sees_what_is_said_after_the_picture(nodes: Nodes) -> None:
    command = [sys.executable, "-m", "keepclear", "show", "--node", "A", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=nodes.at) as follower:
        timer = Timer(told.DEADLINE_S, follower.kill)  # then its lines end, and what is waited for is not among them
        timer.start()
        try:
            assert follower.stdout is not None
            lines = iter(follower.stdout.readline, b"")
            first = next(lines)  # the picture is printed once it is following
            assert first
            code, output = told.called("keepclear say notice --node A --activity works --text followed")
            assert code == 0, output
            assert any(b"statement" in line and b"followed" in line for line in lines)
        finally:
            timer.cancel()
            follower.kill()


def test_the_three_areas_are_asked_for_on_a_terminal_and_the_right_one_is_not_told(nodes: Nodes) -> None:
    code, output = told.called(
        "keepclear say notice --node A --activity flight --from +60m --until 2099-12-31T20:00:00Z"
        ' --area "circle 46,7 5nm" --lower GND --upper FL100'
    )
    assert code == 0, output
    leaf = output.split()[2].rstrip(",")
    told.until(f"keepclear ack {leaf} --node B --read-back --end none --upper none --area x", "none of the words")
    screen = Screen([sys.executable, "-m", "keepclear", "ack", leaf, "--node", "B", "--read-back"], nodes.at)
    try:
        screen.answer("when does it end", "2099-12-31T20:00:00Z")
        screen.answer("upper limit", "FL100")
        asked = screen.answer("its word", "nonsense")
        words = [line.split()[0] for line in asked.splitlines() if "within 5 NM" in line]
        assert len(words) == 3, asked
        right = [line.split()[0] for line in asked.splitlines() if "46.00N 007.00E" in line]
        screen.answer("its word", right[0])
        assert "agree with what was said" in screen.rest()
    finally:
        screen.close()


def test_a_directory_takes_one_node_at_a_time(nodes: Nodes) -> None:
    code, output = told.called("keepclear run A")
    assert code == 2
    assert output.startswith("keepclear: ")
    assert "another process has it open" in output
    assert "\nhint: end that one first" in output
    assert told.called("keepclear replay A") == (code, output)


def test_a_stopped_node_is_replayed_to_the_same_effects(nodes: Nodes) -> None:
    nodes.stop("A")
    told.play("stopped")
    code, output = told.called("keepclear replay A --json")
    assert code == 0
    assert '"what":"statement"' in output
    assert '"identical":true' in output.splitlines()[-1]


class Screen:
    """A command on a terminal of its own."""

    def __init__(self, command: list[str], at: Path) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=at)
        os.close(slave)

    def answer(self, question: str, text: str) -> str:
        """Waits for a question and types the answer; what stood on the screen since the last one."""
        seen = self._read(question)
        os.write(self.master, text.encode() + b"\n")
        return seen

    def rest(self) -> str:
        return self._read(None)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _read(self, until: str | None) -> str:
        seen, deadline = "", time.monotonic() + told.DEADLINE_S
        while until is None or until not in seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{until!r} does not come: {seen}"
            try:
                data = os.read(self.master, 4_096)
            except OSError:  # the terminal is closed when the process ends
                data = b""
            if not data:
                assert until is None, f"ended before {until!r}: {seen}"
                break
            seen += data.decode().replace("\r\n", "\n")
        return seen


def at_rest(nodes: Nodes) -> None:
    """Waits until both parties hold the same record and nothing more is on its way."""
    deadline = time.monotonic() + told.DEADLINE_S
    while True:
        found = [Client(nodes.at / name) for name in NAMES]
        joints = {client.ask("status")["joint_checkpoint"] for client in found}
        for client in found:
            client.close()
        if len(joints) == 1:
            return
        assert time.monotonic() < deadline, "the copies do not become equal"
        time.sleep(0.1)
