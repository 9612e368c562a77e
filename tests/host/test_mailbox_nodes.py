"""Three nodes and a mailbox as processes of the operating system: either path is cut, and what is said arrives."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
from tests.host import certificates
from tests.host.relay import Relay

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.config import read_config
from keepclear.record import compare, verify
from keepclear.record.compare import Sameness
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import SEATS, Node, notice

MEMBERS = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY, "WITNESS": Role.OBSERVER}
DEADLINE_S = 60.0  # two busy cores; nothing is asserted about how long it takes


class Box:
    """The mailbox's process, on one port over all its starts."""

    def __init__(self, directory: Path) -> None:
        self.certificate, self._key = certificates.make(directory)
        self._out: TextIO = (directory / "mailbox.txt").open("a")
        self.port = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "keepclear", "mailbox", "--listen", f"127.0.0.1:{self.port}",
                "--cert", str(self.certificate), "--key", str(self._key),
            ],
            stdout=subprocess.PIPE, stderr=self._out, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        assert told.startswith("a mailbox at https://127.0.0.1:"), told
        self.port = int(told.partition(";")[0].rpartition(":")[2])

    def stop(self) -> str:
        self.process.terminate()
        return self.process.communicate(timeout=processes.STOP_TIMEOUT_S)[0]

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._out.close()


class Scene:
    """The line, its network and its mailbox."""

    def __init__(self, directory: Path) -> None:
        self.nodes = processes.found(directory / "line", MEMBERS)
        self.box = Box(directory)
        listen = [read_config(node.home / "node.toml").listen for node in self.nodes]
        self.relay = Relay(listen)
        self.relay.start()
        for node in self.nodes:
            path = node.home / "node.toml"
            head, peers = path.read_text(encoding="utf-8").split("[peers.", 1)
            for target, port in self.relay.ports.items():
                peers = peers.replace(f'"127.0.0.1:{target[1]}"', f'"127.0.0.1:{port}"')
            box = (
                f'[mailbox]\nurl = "https://127.0.0.1:{self.box.port}"\nca = {json.dumps(str(self.box.certificate))}\n'
            )
            path.write_text(f"{head}{box}[peers.{peers}", encoding="utf-8")
            node.start()

    def until(self, so: Callable[[list[dict[str, Any]]], bool]) -> None:
        """Asks all nodes for their state until it is so."""
        deadline = time.monotonic() + DEADLINE_S
        while not so(found := [node.status() for node in self.nodes]):
            assert time.monotonic() < deadline, [[peer["paths"] for peer in one["peers"]] for one in found]
            time.sleep(processes.POLL_S)

    def until_all_are(self, state: str, **paths: str) -> None:
        """Until the line is so between all, at both ends, and each of its paths."""

        def so(peer: dict[str, Any]) -> bool:
            found = {name: path["state"] for name, path in peer["paths"].items()}
            return bool(peer["state"] == state and found == paths)

        self.until(lambda found: all(so(peer) for one in found for peer in one["peers"]))

    def say_and_have_receipted(self, node: Node, text: str) -> None:
        """An officer says a notice, and all others have it on their disks."""
        with node.client() as client:
            said = officer.say(client, node.identity, SEATS, notice(text), Precedence.FLASH)
            deadline = time.monotonic() + DEADLINE_S
            while True:
                matters = client.ask("matters", all=True)["matters"]
                [ladder] = [one["ladder"] for one in matters if one["leaf"] == said.leaf.hex()]
                if all(
                    other.name in ladder and ladder[other.name]["delivered_ms"]
                    for other in self.nodes
                    if other is not node
                ):
                    return
                assert time.monotonic() < deadline, ladder
                time.sleep(processes.POLL_S)

    def close(self) -> None:
        for node in self.nodes:
            node.kill()
        self.box.close()
        self.relay.over = True
        self.relay.join()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_either_path_is_cut_and_what_is_said_arrives_and_both_ends_see_it(scene: Scene, tmp_path: Path) -> None:
    alfa, bravo, witness = scene.nodes
    scene.until_all_are("open", udp="open", box="open")
    scene.say_and_have_receipted(alfa, "over both")

    scene.relay.loss = 1
    scene.until_all_are("degraded", udp="dead", box="open")
    scene.say_and_have_receipted(alfa, "over the mailbox alone")
    scene.say_and_have_receipted(bravo, "and the other way")

    witness.kill()
    scene.nodes = [alfa, bravo]
    witness.start()  # a new session is made over the mailbox alone
    scene.nodes = [alfa, bravo, witness]
    scene.until_all_are("degraded", udp="dead", box="open")
    scene.say_and_have_receipted(alfa, "to one that has started anew")

    scene.relay.loss = 0
    scene.until_all_are("open", udp="open", box="open")
    assert "datagrams put" in scene.box.stop()
    scene.until_all_are("degraded", udp="open", box="dead")
    assert all("Cannot connect" in node.status()["mailbox"]["error"] for node in scene.nodes)
    scene.say_and_have_receipted(bravo, "over datagrams alone")

    scene.relay.loss = 1
    scene.until_all_are("dead", udp="dead", box="dead")
    scene.box.start()
    scene.until_all_are("degraded", udp="dead", box="open")
    scene.relay.loss = 0
    scene.until_all_are("open", udp="open", box="open")

    assert all(not node.status()["noise"] and not node.status()["disputes"] for node in (alfa, bravo))
    for node in scene.nodes:
        with node.client() as client:
            client.ask("record", path=str(tmp_path / f"{node.name}.record"))
    reports = [verify.verify([(tmp_path / f"{node.name}.record").read_bytes()]) for node in scene.nodes]
    assert compare.compare(reports, list(MEMBERS)).sameness in (Sameness.IDENTICAL, Sameness.PREFIX)
