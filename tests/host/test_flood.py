"""Two real nodes, one of them flooded: what is said is receipted, the line stays, and what was dropped is counted."""

import json
import random
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from typing import Any

import msgspec

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.config import read_config
from keepclear.host.mailbox_store import Put
from keepclear.line import box, part
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
        until(lambda: bravo.status()["datagrams"]["from_elsewhere"] > RATE)
        before = bravo.status()
        say_and_have_receipted(alfa, looks[0], 5)
        say_and_have_receipted(bravo, looks[1], 5)
        assert on.is_on
        took = before["datagrams"]["received"] + RATE
        until(lambda: bravo.status()["datagrams"]["received"] > took)
        found = bravo.status()
        on.end()
        dropped = found["datagrams"]["sorted_out"]
        assert {Drop.SHAPE, Drop.UNKNOWN, Drop.STRANGER, Drop.RATE} <= dropped.keys()
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
            for node in (alfa, bravo):
                path = node.home / "node.toml"
                head, _, _ = path.read_text(encoding="utf-8").partition("[peers.")
                other = {"ALFA": "BRAVO", "BRAVO": "ALFA"}[node.name]
                path.write_text(f"{head}[mailbox]\nurl = {json.dumps(url)}\n\n[peers.{other}]\n", encoding="utf-8")
            start(alfa, bravo)
            genesis = alfa.identity.genesis
            keys = [genesis.keys[genesis.node_key(node.identity.member)].key.ed25519 for node in (alfa, bravo)]
            fill = _Filler(url, box.name(genesis.line, keys[0], keys[1]))
            fill.start()
            until(lambda: bravo.status()["mailbox"]["sorted_out"].get(Drop.UNKNOWN, 0) > 1_000)
            say_and_have_receipted(alfa, Onlooker(alfa), 5)
            fill.over = True
            fill.join()
            found = bravo.status()
            assert found["peers"][0]["state"] == "open"
            assert found["mailbox"]["given"] < sum(found["mailbox"]["sorted_out"].values())
        finally:
            mailbox.terminate()


class _Filler(threading.Thread):
    """Puts frames of no session into a box, for as long as it is let."""

    def __init__(self, url: str, name: bytes) -> None:
        super().__init__(daemon=True)
        self.over = False
        self._url, self._name, self._draw = url, name, random.Random(6)

    def run(self) -> None:
        while not self.over:
            items = [
                (self._name, part.Header(part.FRAME, self._draw.randbytes(8), n, 0, 1).encode() + bytes(40))
                for n in range(100)
            ]
            body = msgspec.msgpack.encode(Put(items))
            urllib.request.urlopen(urllib.request.Request(self._url + "/put", body), timeout=WAIT_S).close()
