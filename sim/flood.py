"""Floods of datagrams against one node, from other addresses than its peers': garbage, handshakes, copies, forgeries.

The law: what is sent is made before the sending begins, from a seed, so that the sender is as fast as the machine lets
it be. `python -m sim.flood FILE HOST PORT RATE SECONDS` sends what stands in a file, each behind its length of two
bytes, over and over; it prints how many a second went out. Loopback only: the senders' addresses are 127.1.0.1 and on.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from keepclear.host.mailbox_store import Put
from keepclear.line import box, part, tag
from sim.processes import Node

ADDRESSES: Final = 200
BURST_S: Final = 0.002
MOST: Final = 500  # at once, so that it ends when it is told to
PREPARED: Final = 5_000
NICE: Final = 5
FILL: Final = 100
WAIT_S: Final = 60.0


def garbage(draw: Random) -> list[bytes]:
    """Random bytes of random lengths; every fifth begins as a datagram of a line may."""
    found = [draw.randbytes(draw.randrange(1, part.MAX_DATAGRAM + 1)) for _ in range(PREPARED)]
    return [part.Header(part.FRAME, one[:8].ljust(8), nth, 0, 1).encode() + one[27:] if nth % 5 == 0 else one
            for nth, one in enumerate(found)]  # fmt: skip


def handshakes(draw: Random, key: bytes, sender: int, receiver: int) -> list[bytes]:
    """HELLOs in two parts that nobody has signed, each another, tagged with a key."""
    found = []
    for _ in range(PREPARED // 2):
        name = draw.randbytes(8)
        for nth in range(2):
            header = part.Header(part.HELLO, name, tag.ends(sender, receiver), nth, 2)
            found.append(tag.tagged(key, header, draw.randbytes(1_181 if nth == 0 else 212)))
    return found


def forgeries(draw: Random, recorded: Iterable[bytes]) -> list[bytes]:
    """Datagrams of the sessions that stand in recorded ones, with counters to come and seals that are not good."""
    sessions = {}
    for one in recorded:
        header = part.read(one)
        if header is not None and header.kind == part.FRAME:
            sessions[header.session] = header.counter
    kinds = list(sessions.items())
    found = []
    for nth in range(PREPARED if kinds else 0):
        session, counter = kinds[nth % len(kinds)]
        found.append(part.Header(part.FRAME, session, counter + nth, 0, 1).encode() + draw.randbytes(300))
    return found


class Flood:
    """A flood that is on, from a process that is nicer than the nodes."""

    def __init__(self, folder: Path, datagrams: list[bytes], port: int, rate: int, seconds: float) -> None:
        path = folder / "flood"
        path.write_bytes(b"".join(len(one).to_bytes(2, "big") + one for one in datagrams))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sim.flood", str(path), "127.0.0.1", str(port), str(rate), str(seconds)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def is_on(self) -> bool:
        """Whether it still sends."""
        return self._process.poll() is None

    def end(self) -> float:
        """Ends it, if it has not ended; how many datagrams a second it has sent."""
        self._process.terminate()
        return float(self._process.communicate()[0] or 0)


class Filler(threading.Thread):
    """Puts frames of no session into the box from one node to another, as fast as the mailbox answers."""

    def __init__(self, url: str, sender: Node, receiver: Node) -> None:
        super().__init__(daemon=True)
        genesis = sender.identity.genesis
        keys = [genesis.keys[genesis.node_key(node.identity.member)].key.ed25519 for node in (sender, receiver)]
        self._url, self._name, self._draw = url, box.name(genesis.line, keys[0], keys[1]), Random(6)
        self._put, self._over, self._began_s = 0, False, time.monotonic()
        self.start()

    def run(self) -> None:
        """Puts until it is ended."""
        while not self._over:
            headers = (part.Header(part.FRAME, self._draw.randbytes(8), nth, 0, 1) for nth in range(FILL))
            body = msgspec.msgpack.encode(Put([(self._name, header.encode() + bytes(40)) for header in headers]))
            request = urllib.request.Request(self._url + "/put", body)
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                self._put += msgspec.msgpack.decode(answer.read(), type=int)

    def end(self) -> float:
        """Ends it; how many datagrams a second the box has taken."""
        self._over = True
        self.join()
        return self._put / (time.monotonic() - self._began_s)


def by_mailbox_alone(url: str, *nodes: Node) -> None:
    """Makes the configurations of two nodes reach each other by a mailbox and nothing else."""
    for node, other in zip(nodes, reversed(nodes), strict=True):
        path = node.home / "node.toml"
        head, _, _ = path.read_text(encoding="utf-8").partition("[peers.")
        path.write_text(f'{head}[mailbox]\nurl = "{url}"\n\n[peers.{other.name}]\n', encoding="utf-8")


def _send(path: Path, target: tuple[str, int], rate: int, seconds: float) -> float:
    data, datagrams, at = path.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        datagrams.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    senders = []
    for nth in range(ADDRESSES):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((f"127.1.{nth // 250}.{nth % 250 + 1}", 0))
        made.connect(target)
        senders.append(made)
    ended: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    pairs, sent, began_s = zip(cycle(senders), cycle(datagrams), strict=False), 0, time.monotonic()
    while (now_s := time.monotonic() - began_s) < seconds and not ended:
        for _ in range(min(MOST, int(now_s * rate) - sent)):
            sender, datagram = next(pairs)
            try:
                sender.send(datagram)
            except OSError:  # full, or a closed port's answer: a flood does not care
                continue
            finally:
                sent += 1
        time.sleep(BURST_S)
    return sent / now_s


def main(arguments: list[str]) -> None:
    file, host, port, rate, seconds = arguments
    os.nice(NICE)
    print(_send(Path(file), (host, int(port)), int(rate), float(seconds)))


if __name__ == "__main__":
    main(sys.argv[1:])
