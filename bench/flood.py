"""What a flood does to a line: FLASH receipts, the node's processor, and what its path process gave on and dropped.

The law: two real nodes on loopback; A says a FLASH a second, B is flooded from 200 other addresses by a nicer process,
as fast as is written and the machine lets it. A receipt's time is from when the FLASH was due until A's onlooker was
told of it. The sender shares the two cores with both nodes. No peer does this, so none stands beside.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench import Table
from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.config import read_config
from keepclear.line.liveness import LineState
from keepclear.record.genesis import Role
from sim import flood, processes
from sim.processes import SEATS, Node, notice
from sim.rig.line import Onlooker

SECONDS: Final = 30
MEMBERS: Final = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY}
RATE: Final = 50_000
PATIENCE_S: Final = 60.0
RECORDED: Final = 400
TICKS: Final = os.sysconf("SC_CLK_TCK")
OUT: Final = Path("out")


def tables() -> Iterator[Table]:
    """FLASH receipts before and during each flood."""
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=OUT) as name:
        yield Table(
            f"A FLASH a second for {SECONDS} s each, B flooded at up to {RATE:,} datagrams a second",
            ("flood", "sent/s", "unread/s", "sorted out/s", "given on/s", "receipts", "p50 ms", "p99 ms", "B's node %",
             "B's path %", "not open"),
            [*_rows(Path(name) / "udp"), *_box_rows(Path(name) / "box")],
        )  # fmt: skip


def _rows(folder: Path) -> Iterator[list[str]]:
    one, other = processes.found(folder, MEMBERS)
    scene, draw = _Scene(folder, one, other), Random(1)
    recorded = _recorded(scene.port)
    ends = (one.identity.member, other.identity.member)
    yield scene.row("none", [])
    yield scene.row("garbage", flood.garbage(draw))
    yield scene.row("handshakes by strangers", flood.handshakes(draw, bytes(32), *ends))
    tag_key = one.identity.genesis.tag_key
    yield scene.row("handshakes by one with the genesis", flood.handshakes(draw, tag_key, *ends))
    if recorded:
        yield scene.row("copies of true datagrams", recorded)
        yield scene.row("forgeries of the session in use", flood.forgeries(draw, recorded))
    yield scene.row("none, afterwards", [])
    scene.end()


def _box_rows(folder: Path) -> Iterator[list[str]]:
    one, other = processes.found(folder, MEMBERS)
    command = [sys.executable, "-m", "keepclear", "mailbox", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as mailbox:
        assert mailbox.stdout is not None
        url = mailbox.stdout.readline().partition(";")[0].rpartition(" at ")[2]
        flood.by_mailbox_alone(url, one, other)
        scene = _Scene(folder, one, other, "mailbox")
        yield scene.row("by the mailbox alone: none", [])
        yield scene.row("its box filled", [], lambda: flood.Filler(url, one, other))
        scene.end()
        mailbox.terminate()
        mailbox.communicate()


class _Scene:
    """The line, somebody who looks on at each end, and what is asked of both."""

    def __init__(self, folder: Path, one: Node, other: Node, path: str = "datagrams") -> None:
        self._folder, self._one, self._other, self._path = folder, one, other, path
        for node in (one, other):
            node.start()
        _until(lambda: all(node.status()["peers"][0]["state"] == LineState.OPEN for node in (one, other)))
        self._looks = [Onlooker(one), Onlooker(other)]
        self.port = read_config(other.home / "node.toml").listen[1]

    def end(self) -> None:
        """Ends both nodes."""
        for node in (self._one, self._other):
            node.stop()
            assert not node.output(), node.output()

    def row(self, name: str, datagrams: list[bytes], begin: Callable[[], flood.Filler] | None = None) -> list[str]:
        """One flood, of these datagrams or as it is begun, and what came of it."""
        began_s, before, spent = time.monotonic(), self._other.status()[self._path], self._spent()
        on: flood.Flood | flood.Filler | None = begin() if begin else None
        if datagrams:
            on = flood.Flood(self._folder, datagrams, self.port, RATE, SECONDS)
        times, missed = self._flashes(began_s)
        sent = on.end() if on else 0.0
        took_s = time.monotonic() - began_s
        after = self._other.status()[self._path]
        dropped = sum(after["sorted_out"].values()) - sum(before["sorted_out"].values())
        unread = after.get("unread", 0) - before.get("unread", 0)
        shares = [100 * (now - then) / took_s for now, then in zip(self._spent(), spent, strict=True)]
        counted = (unread, dropped, after["given"] - before["given"])
        figures = [sent, *(number / took_s for number in counted)]
        shut = sum(look.count(state, began_s) for look in self._looks for state in LineState if state != LineState.OPEN)
        return [
            name, *(f"{one:,.0f}" for one in figures), f"{len(times)} of {len(times) + missed}",
            *(f"{1_000 * times[len(times) * at // 100]:.0f}" for at in (50, 99)), *(f"{one:.0f}" for one in shares),
            str(shut),
        ]  # fmt: skip

    def _flashes(self, began_s: float) -> tuple[list[float], int]:
        """How long each receipt took, sorted, and how many did not come."""
        due: dict[str, float] = {}
        with self._one.client() as client:
            for nth in range(SECONDS):
                time.sleep(max(0.0, began_s + nth + 0.5 - time.monotonic()))
                said = officer.say(client, self._one.identity, SEATS, notice(f"flash {nth}"), Precedence.FLASH)
                due[said.leaf.hex()] = began_s + nth + 0.5
        until_s = time.monotonic() + PATIENCE_S
        came = {leaf: self._looks[0].wait_receipt(leaf, until_s) for leaf in due}
        times = sorted(at_s - due[leaf] for leaf, at_s in came.items() if at_s is not None)
        return times, len(due) - len(times)

    def _spent(self) -> tuple[float, float]:
        """Processor seconds of B's node and of its path process so far."""
        assert self._other.process is not None
        pids = (self._other.process.pid, self._other.status()[self._path]["pid"])
        own, path = (_processor_s(pid) for pid in pids)
        return own, path


def _processor_s(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, after_name[11:13])) / TICKS


def _recorded(port: int) -> list[bytes]:
    """Datagrams on their way to a port of loopback; none where the system does not let us see them."""
    try:
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    except PermissionError:
        return []
    found: list[bytes] = []
    with tap:
        tap.bind(("lo", 0x0800))
        while len(found) < RECORDED // 10:
            packet = tap.recv(65_536)
            size = 4 * (packet[0] & 15)
            if packet[9] == socket.IPPROTO_UDP and int.from_bytes(packet[size + 2 : size + 4], "big") == port:
                found.append(packet[size + 8 :])
    return found


def _until(so: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > deadline_s:
            raise TimeoutError("the line does not open")
        time.sleep(0.05)
