"""Two real nodes, one of them flooded: what is said is receipted, the line stays, and what was dropped is counted."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from typing import Any

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.config import read_config
from keepclear.line.sorter import Drop
from keepclear.record.genesis import Role
from sim import flood, processes
from sim.processes import SEATS, Node, notice
from sim.rig.line import Onlooker

WAIT_S = 90.0  # two busy cores; nothing is asserted about how long it takes
RATE = 5_000


@contextmanager
def line(folder: Path) -> Iterator[tuple[Node, Node]]:
    nodes = processes.found(folder / "line", {"ALFA": Role.PARTY, "BRAVO": Role.PARTY})
    try:
        yield nodes[0], nodes[1]
    finally:
        for node in nodes:
            node.kill()


def start(*nodes: Node) -> None:
    for node in nodes:
        node.start()
    until(lambda: all(node.status()["peers"][0]["state"] == "open" for node in nodes))


def until(so: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while not so():
        assert time.monotonic() < deadline
        time.sleep(processes.POLL_S)


def say_and_have_receipted(node: Node, look: Onlooker, count: int) -> None:
    with node.client() as client:
        for nth in range(count):
            said = officer.say(client, node.identity, SEATS, notice(f"flash {nth}"), Precedence.FLASH)
            assert look.wait_receipt(said.leaf.hex(), time.monotonic() + WAIT_S), f"flash {nth} has no receipt"


def test_a_flood_of_everything_is_dropped_beside_the_node_and_flash_is_receipted(tmp_path: Path) -> None:
    with line(tmp_path) as (alfa, bravo):
        start(alfa, bravo)
        looks, draw = [Onlooker(alfa), Onlooker(bravo)], random.Random(5)
        key, ends = alfa.identity.genesis.tag_key, (alfa.identity.member, bravo.identity.member)
        everything = [
            *flood.garbage(draw), *flood.handshakes(draw, bytes(32), *ends), *flood.handshakes(draw, key, *ends),
        ]  # fmt: skip
        draw.shuffle(everything)
        on = flood.Flood(tmp_path, everything, read_config(bravo.home / "node.toml").listen[1], RATE, WAIT_S)
        until(lambda: bravo.status()["datagrams"]["unread"] > RATE)
        before = bravo.status()
        say_and_have_receipted(alfa, looks[0], 5)
        say_and_have_receipted(bravo, looks[1], 5)
        assert on.is_on
        took = before["datagrams"]["received"] + RATE
        until(lambda: bravo.status()["datagrams"]["received"] > took)
        found = bravo.status()
        on.end()
        dropped = found["datagrams"]["sorted_out"]
        assert {Drop.STRANGER, Drop.RATE} <= dropped.keys()
        given = found["datagrams"]["given"] - before["datagrams"]["given"]
        assert given < RATE / 5, "what a flood costs is borne beside the node"
        assert found["peers"][0]["state"] == "open"
        assert not found["disputes"]
        assert [state for look in looks for _, state in look.told] == []
        for node in (alfa, bravo):
            node.stop()
            assert node.output() == ""


def test_a_box_full_of_garbage_does_not_keep_the_line_from_its_peer(tmp_path: Path) -> None:
    command = [executable, "-m", "keepclear", "mailbox", "--listen", "127.0.0.1:0"]
    with line(tmp_path) as (alfa, bravo), Popen(command, stdout=PIPE, text=True) as mailbox:
        try:
            assert mailbox.stdout is not None
            url = mailbox.stdout.readline().partition(";")[0].rpartition(" at ")[2]
            flood.by_mailbox_alone(url, alfa, bravo)
            start(alfa, bravo)
            fill = flood.Filler(url, alfa, bravo)
            until(lambda: bravo.status()["mailbox"]["sorted_out"].get(Drop.UNKNOWN, 0) > 1_000)
            say_and_have_receipted(alfa, Onlooker(alfa), 5)
            assert fill.end() > 1_000
            found = bravo.status()
            assert found["peers"][0]["state"] == "open"
            assert found["mailbox"]["given"] < sum(found["mailbox"]["sorted_out"].values())
        finally:
            mailbox.terminate()
            mailbox.communicate()
