"""The process between the nodes: takes datagrams from one, and gives them to another when the way says so.

The law: it reads no datagram, it only moves it. Packets come from a TUN device in each node's network, or, without
root, as UDP on loopback from one socket for each pair. Commands come as JSON lines on its standard input, each is
answered by one line; when the input ends, so does it.

    {"set": ["ALFA", "BRAVO"], "weather": {"loss": 0.3}}      {}
    {"counts": true}                                          {"ALFA>BRAVO": {"datagrams": 12, ...}, ...}
"""

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from typing import Any, Final

import msgspec

from sim.rig.way import Way, Weather

MTU: Final = 1_500
IP_HEADER: Final = 20
UDP_OVERHEAD: Final = 28  # of a datagram on the relay, to count what the packet would have
READS_AT_ONCE: Final = 64
IPV4: Final = 4


class Plan(msgspec.Struct):
    """What the carrier is told at its start, as one JSON argument. A way is named by both its ends.

    `tuns` are file descriptors by node, `addresses` where the nodes are; or `sockets` are file descriptors by pair:
    what a node sends to the socket of (itself, another), the other hears from the socket of (other, itself).
    """

    seed: str
    ways: dict[str, Weather]
    tuns: dict[str, int] = {}
    addresses: dict[str, str] = {}
    sockets: dict[str, int] = {}
    listen: dict[str, tuple[str, int]] = {}


@dataclass(order=True)
class Parcel:
    """What is on its way: when it comes out, its number, and how it is delivered."""

    due_ms: float
    n: int
    deliver: Callable[[], None]


class Carrier:
    """The ways between all nodes of one line."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.ways = {name: Way(name, plan.seed, weather) for name, weather in plan.ways.items()}
        self._parcels: list[Parcel] = []
        self._n = 0
        self._selector = selectors.DefaultSelector()
        by_address = {socket.inet_aton(address): name for name, address in plan.addresses.items()}
        for name, tun in plan.tuns.items():
            self._add(tun, partial(self._from_tun, name, tun, by_address))
        self._sockets = {pair: socket.socket(fileno=fd) for pair, fd in plan.sockets.items()}
        for pair, one in self._sockets.items():
            self._add(one.fileno(), partial(self._from_socket, pair, one))
        self._add(sys.stdin.fileno(), self._command)
        self._typed = b""
        self.over = False

    def run(self) -> None:
        """Carries until the input ends."""
        while not self.over:
            wait_s = max(0.0, self._parcels[0].due_ms - now_ms()) / 1_000 if self._parcels else None
            for key, _ in self._selector.select(wait_s):
                key.data()
            while self._parcels and self._parcels[0].due_ms <= now_ms():
                heappop(self._parcels).deliver()

    def _add(self, fd: int, read: Callable[[], None]) -> None:
        os.set_blocking(fd, False)
        self._selector.register(fd, selectors.EVENT_READ, read)

    def _put(self, way: str, octets: int, deliver: Callable[[], None]) -> None:
        for due_ms in self.ways[way].put(now_ms(), octets):
            self._n += 1
            heappush(self._parcels, Parcel(due_ms, self._n, deliver))

    def _from_tun(self, name: str, tun: int, by_address: dict[bytes, str]) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                packet = os.read(tun, MTU)
            except BlockingIOError:
                return
            to = by_address.get(packet[16:20]) if len(packet) > IP_HEADER and packet[0] >> 4 == IPV4 else None
            if to is not None and to != name:
                self._put(f"{name}>{to}", len(packet), partial(_write, self._plan.tuns[to], packet))

    def _from_socket(self, pair: str, one: socket.socket) -> None:
        name, _, to = pair.partition(">")
        back, address = self._sockets[f"{to}>{name}"], self._plan.listen[to]
        for _ in range(READS_AT_ONCE):
            try:
                data = one.recv(MTU)
            except BlockingIOError:
                return
            except OSError:  # a closed port's answer: the node is not there now
                continue
            self._put(pair, len(data) + UDP_OVERHEAD, partial(_send, back, data, address))

    def _command(self) -> None:
        typed = os.read(sys.stdin.fileno(), 65_536)
        self.over = not typed
        *lines, self._typed = (self._typed + typed).split(b"\n")
        for line in lines:
            print(json.dumps(self._answer(json.loads(line))), flush=True)

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        if "set" in command:
            one, other = command["set"]
            self.ways[f"{one}>{other}"].weather = msgspec.convert(command["weather"], Weather)
            return {}
        return {name: msgspec.to_builtins(way.counts) for name, way in self.ways.items()}


def now_ms() -> float:
    return time.monotonic_ns() / 1e6


def _write(tun: int, packet: bytes) -> None:
    try:
        os.write(tun, packet)
    except OSError:  # a full queue, or a device that is going: dropped, as on any network
        return


def _send(one: socket.socket, data: bytes, address: tuple[str, int]) -> None:
    try:
        one.sendto(data, address)
    except OSError:
        return


if __name__ == "__main__":
    Carrier(msgspec.json.decode(sys.argv[1], type=Plan)).run()
