"""A file goes with a statement between real processes: over loss, a kill, a FLASH, and its author gone."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.relay import Relay

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.blobs import DIRECTORY
from keepclear.host.config import read_config
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import SEATS, Node, notice

MEMBERS = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY, "WITNESS": Role.OBSERVER}
DEADLINE_S = 120.0  # two busy cores; nothing is asserted about how long it takes
LOSS = 0.2
SIZE = 700_000
AREA = ("--area", "circle 35.4,35.9 10nm", "--lower", "GND", "--upper", "FL100")
WINDOW = ("--activity", "live-fire", "--from", "+40m", "--until", "+80m")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Node]]:
    found = processes.found(tmp_path / "line", MEMBERS)
    relay = Relay([read_config(node.home / "node.toml").listen for node in found], LOSS)
    relay.start()
    for node in found:
        path = node.home / "node.toml"
        head, peers = path.read_text(encoding="utf-8").split("[peers.", 1)
        for target, port in relay.ports.items():
            peers = peers.replace(f'"127.0.0.1:{target[1]}"', f'"127.0.0.1:{port}"')
        path.write_text(f"{head}[peers.{peers}", encoding="utf-8")
    try:
        yield found
    finally:
        for node in found:
            node.kill()
        relay.over = True
        relay.join()


def keepclear(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "keepclear", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not (found := so()):
        assert time.monotonic() < deadline
        time.sleep(processes.POLL_S)
    return found


def file_at(node: Node) -> dict[str, Any]:
    """The one file that is named, as a node tells of it."""
    with node.client() as client:
        files = client.ask("blobs")["files"]
    return files[0] if files else {"state": "UNHEARD", "where": ""}


def begun_bytes(node: Node) -> int:
    return sum(path.stat().st_size for path in (node.home / DIRECTORY).glob("*.part"))


def test_a_file_comes_over_loss_a_kill_and_a_flash_and_from_another_when_its_author_is_gone(
    nodes: list[Node], tmp_path: Path
) -> None:
    alfa, bravo, witness = nodes
    alfa.start()
    bravo.start()
    alfa.status()  # as soon as it answers
    plan = tmp_path / "plan.png"
    plan.write_bytes(random.Random(5).randbytes(SIZE))
    said = keepclear("say", "notice", "--node", str(alfa.home), *WINDOW, *AREA, "--attach", str(plan))
    assert "with plan.png, 700 KB image/png" in said
    assert "Attached: 700 KB image/png" in said

    until(lambda: begun_bytes(bravo) > 100_000)
    bravo.kill()
    had = begun_bytes(bravo)
    assert 100_000 < had < SIZE
    assert not list((bravo.home / DIRECTORY).glob("?" * 64)), "what is not whole has no name"
    bravo.start()
    until(lambda: "KB of 700 KB" in file_at(bravo)["where"])
    assert begun_bytes(bravo) >= had, "what was here is gone on with"

    with alfa.client() as client:
        flash = officer.say(client, alfa.identity, SEATS, notice("while it is fetched"), Precedence.FLASH)
        until(
            lambda: next(
                m["ladder"].get("BRAVO", {}).get("delivered_ms")
                for m in client.ask("matters", all=True)["matters"]
                if m["leaf"] == flash.leaf.hex()
            )
        )
    until(lambda: file_at(bravo)["state"] == "HERE")
    assert "attached: 700 KB image/png, here" in keepclear("show", "--node", str(bravo.home))

    alfa.kill()
    witness.start()
    until(lambda: file_at(witness)["state"] == "HERE")
    out = tmp_path / "out.png"
    keepclear("blob", "get", file_at(witness)["sha256"][:8], str(out), "--node", str(witness.home))
    assert out.read_bytes() == plan.read_bytes()

    record = tmp_path / "witness.record"
    keepclear("record", str(record), "--node", str(witness.home))
    assert "1 named: 1 whole, 0 not there, 0 DAMAGED" in keepclear(
        "verify", str(record), "--blobs", str(witness.home / DIRECTORY)
    )
    (name,) = (witness.home / DIRECTORY).iterdir()
    name.write_bytes(plan.read_bytes()[:-1] + b"?")
    found = subprocess.run(
        [sys.executable, "-m", "keepclear", "verify", str(record), "--blobs", str(name.parent)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, "1 DAMAGED" in found.stdout) == (1, True)
    assert not any(node.output() for node in nodes)
