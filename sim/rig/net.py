"""What the nodes of one line are joined by: a network of its own for each, or sockets of loopback; our link between.

The law: in both forms the same carrier moves the datagrams by the same ways. A namespace holds one node, a TUN device
and nothing else, so that what the link does not bring does not come. Only what was made here is taken away here.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from itertools import count, permutations
from typing import Any, Final

import msgspec

from sim import processes
from sim.processes import Places
from sim.rig.carrier import Plan
from sim.rig.way import Weather

TUN: Final = "/dev/net/tun"
TUNSETIFF: Final = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
NETWORK: Final = "198.18.0"  # of the range that RFC 2544 keeps for tests
PORT: Final = 47_001
TRACKS: Final = "127.0.0.1:47101"
BUFFER_BYTES: Final = 4 * 1_024 * 1_024

_numbers = count()


class NoNamespaces(Exception):
    """This machine or this user cannot have them; the text says what was refused."""


class Net:
    """The networks of one line's nodes. `prefixes` are what to start each node by."""

    def __init__(self, members: Sequence[str], places: Places, prefixes: dict[str, tuple[str, ...]]) -> None:
        self.members, self.places, self.prefixes = tuple(members), places, prefixes
        self.namespaces: list[str] = []
        self._carrier: subprocess.Popen[bytes] | None = None

    def carry(self, plan: Plan, fds: Sequence[int]) -> None:
        """Starts the carrier, which takes over the file descriptors."""
        self._carrier = subprocess.Popen(
            [sys.executable, "-m", "sim.rig.carrier", msgspec.json.encode(plan).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
        )
        for fd in fds:
            os.close(fd)
        self._weather = dict(plan.ways)

    def weather(self, one: str, other: str) -> Weather:
        """The weather from one to another."""
        return self._weather[f"{one}>{other}"]

    def set(self, one: str, other: str, weather: Weather) -> None:
        """The weather from one to another, from now on."""
        self._weather[f"{one}>{other}"] = weather
        self._tell({"set": [one, other], "weather": msgspec.to_builtins(weather)})

    def set_all(self, weather: Weather) -> None:
        """The weather of every way, from now on."""
        for one, other in permutations(self.members, 2):
            self.set(one, other, weather)

    def cut(self, one: str, other: str, cut: bool = True) -> None:
        """Cuts or mends one way."""
        self.set(one, other, msgspec.structs.replace(self.weather(one, other), cut=cut))

    def cut_all(self, cut: bool = True) -> None:
        """Cuts or mends every way."""
        for one, other in permutations(self.members, 2):
            self.cut(one, other, cut)

    def counts(self) -> dict[str, dict[str, int]]:
        """What was put on each way, and what became of it."""
        return self._tell({"counts": True})

    def close(self) -> None:
        """Ends the carrier and takes the namespaces away."""
        if self._carrier is not None and self._carrier.stdin is not None:
            self._carrier.stdin.close()
            self._carrier.wait()
        for name in self.namespaces:
            _ip("netns", "del", name)

    def _tell(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._carrier is not None
        assert self._carrier.stdin is not None
        assert self._carrier.stdout is not None
        self._carrier.stdin.write(json.dumps(command).encode() + b"\n")
        self._carrier.stdin.flush()
        answer: dict[str, Any] = json.loads(self._carrier.stdout.readline())
        return answer


def in_namespaces(members: Sequence[str], seed: str, weather: Weather) -> Net:
    """A network namespace for each, joined by TUN devices. Raises NoNamespaces."""
    refuse()
    addresses = {name: f"{NETWORK}.{i + 1}" for i, name in enumerate(members)}
    listen = {name: f"{address}:{PORT}" for name, address in addresses.items()}
    peers = {name: {other: listen[other] for other in members if other != name} for name in members}
    net = Net(members, Places(listen, dict.fromkeys(members, TRACKS), peers), {})
    tuns: dict[str, int] = {}
    try:
        for name in members:
            space = f"keepclear-{os.getpid()}-{next(_numbers)}"
            _ip("netns", "add", space)
            net.namespaces.append(space)
            net.prefixes[name] = ("ip", "netns", "exec", space)
            tuns[name] = _tun(space, addresses[name])
        plan = Plan(seed, _ways(members, weather), tuns=tuns, addresses=addresses)
        net.carry(plan, list(tuns.values()))
    except BaseException:
        net.close()
        raise
    return net


def on_loopback(members: Sequence[str], seed: str, weather: Weather) -> Net:
    """The same without root: each node's peers are sockets of the carrier."""
    places = processes.on_this_machine(members)
    sockets: dict[str, socket.socket] = {}
    peers: dict[str, dict[str, str]] = {name: {} for name in members}
    for one, other in permutations(members, 2):
        made = sockets[f"{one}>{other}"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        made.bind(("127.0.0.1", 0))
        peers[one][other] = f"127.0.0.1:{made.getsockname()[1]}"
    net = Net(members, Places(places.listen, places.tracks, peers), dict.fromkeys(members, ()))
    fds = {pair: made.detach() for pair, made in sockets.items()}
    listen = {name: ("127.0.0.1", int(address.rpartition(":")[2])) for name, address in places.listen.items()}
    net.carry(Plan(seed, _ways(members, weather), sockets=fds, listen=listen), list(fds.values()))
    return net


def refuse() -> None:
    """Raises NoNamespaces when something is missing for them, and says what."""
    if os.geteuid() != 0:
        raise NoNamespaces("network namespaces need root")
    if shutil.which("ip") is None:
        raise NoNamespaces("there is no ip (iproute2)")
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError as error:
        raise NoNamespaces(f"{TUN}: {error.strerror}") from error


def _ways(members: Sequence[str], weather: Weather) -> dict[str, Weather]:
    return {f"{one}>{other}": weather for one, other in permutations(members, 2)}


def _tun(space: str, address: str) -> int:
    """A TUN device that is made here and moved into the namespace; it lives as long as its file descriptor."""
    fd = os.open(TUN, os.O_RDWR)
    name = f"kc{os.getpid()}t{next(_numbers)}"
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        os.close(fd)
        raise NoNamespaces(f"{TUN}: a device is refused: {error.strerror}") from error
    _ip("link", "set", name, "netns", space)
    _ip("-n", space, "address", "add", f"{address}/24", "dev", name)
    _ip("-n", space, "link", "set", "lo", "up")
    _ip("-n", space, "link", "set", name, "txqueuelen", "5000", "up")
    return fd


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(words)}: {done.stderr.strip()}")
