"""The datagram path: one UDP socket in the run loop, sending to configured addresses and to no other.

The law: it binds to loopback unless told otherwise. Where a datagram came from decides nothing but its allowance of
signature checks; an answer goes to the address that was configured, so nobody can make us a sender to a third party.
Addresses are numbers: a name server is one more thing that fails or lies. There is no queue here: what the socket does
not take at once, or the rate limit forbids, is dropped and counted, and the line says it again if it still matters.
No error of the network is raised; the line finds out by what is not echoed.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from keepclear.line.bucket import Bucket
from keepclear.line.part import MAX_DATAGRAM

LOOPBACK: Final = ("127.0.0.1", 0)
DATAGRAMS_PER_SECOND: Final = 20_000  # about 200 Mbit/s: more than one core can seal and open
BURST: Final = 5_000  # a quarter of a second: the 64 KiB entries of a reconciliation in one go
BUFFER_BYTES: Final = 4 * 1_024 * 1_024  # what arrives while a step takes 150 ms at the full rate
READS_AT_ONCE: Final = 8  # about 8 ms of work; then the loop's other work has its turn, however much arrives
UNKNOWN: Final = ""

Address = tuple[str, int]


class BadAddress(ValueError):
    """An address that this path cannot use; the text says whose and why."""


@dataclass
class Counts:
    """What became of datagrams since the start."""

    sent: int = 0
    received: int = 0
    from_elsewhere: int = 0
    over_rate: int = 0
    not_taken: int = 0
    errors: int = 0


class DatagramPath:
    """A UDP socket in a running loop. `heard(datagram, source)` is called for each arrival: source is the peer's name
    if the address is one configured, else UNKNOWN.
    """

    def __init__(
        self,
        heard: Callable[[bytes, str], None],
        peers: Mapping[str, Address],
        bind: Address = LOOPBACK,
        datagrams_per_second: int = DATAGRAMS_PER_SECOND,
        burst: int = BURST,
    ) -> None:
        """Opens the socket and begins to listen. Raises BadAddress for what cannot be, OSError for what is taken."""
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._allowance = Bucket(datagrams_per_second, burst)
        self.counts = Counts()
        family, bind = _checked("bind", bind)
        self._peers = {name: _checked(name, address, family)[1] for name, address in peers.items()}
        self._names = {address: name for name, address in self._peers.items()}
        self._socket = _bound(family, bind)
        self._loop.add_reader(self._socket, self._read)

    @property
    def address(self) -> Address:
        """Where it listens: the address and the port that was given or found."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def configure(self, name: str, address: Address) -> None:
        """Where a peer is reached from now on. Raises BadAddress."""
        _, checked = _checked(name, address, self._socket.family)
        self._names.pop(self._peers.get(name, checked), None)
        self._peers[name] = checked
        self._names[checked] = name

    def send(self, name: str, datagrams: Sequence[bytes], flash: bool = False) -> int:
        """How many of the datagrams went out to the peer. FLASH is counted by the rate limit but never held by it."""
        now_ms = int(self._loop.time() * 1_000)
        sent = 0
        for datagram in datagrams:
            if not self._allowance.take(now_ms) and not flash:
                self.counts.over_rate += 1
            elif self._send(datagram, self._peers[name]):
                sent += 1
        self.counts.sent += sent
        return sent

    def close(self) -> None:
        """Stops listening; once is enough, twice does no harm."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _send(self, datagram: bytes, address: Address) -> bool:
        try:
            self._socket.sendto(datagram, address)
        except BlockingIOError:
            self.counts.not_taken += 1
            return False
        except OSError:  # no route, a closed port's answer, a firewall: the line sees that nothing comes back
            self.counts.errors += 1
            return False
        return True

    def _read(self) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                datagram, address = self._socket.recvfrom(MAX_DATAGRAM + 1)  # one more, so that too long is seen
            except BlockingIOError:
                return
            except OSError:  # a closed port's answer to something sent before
                self.counts.errors += 1
                continue
            source = self._names.get((address[0], address[1]), UNKNOWN)
            self.counts.received += 1
            self.counts.from_elsewhere += source == UNKNOWN
            self._heard(datagram, source)
            if self._socket.fileno() < 0:  # the listener may have closed us
                return


def _checked(name: str, address: Address, family: int | None = None) -> tuple[int, Address]:
    host, port = address
    try:
        number = ip_address(host)
    except ValueError as error:
        raise BadAddress(f"{name}: {host!r} is not an IP address: write the number, names are not looked up") from error
    found = socket.AF_INET6 if number.version == 6 else socket.AF_INET
    if family is not None and family != found:
        raise BadAddress(f"{name}: {host} is IPv{number.version}, the path is bound to the other kind: use two paths")
    if not 0 <= port <= 65_535 or (family is not None and port == 0):
        raise BadAddress(f"{name}: port {port}, possible are 1 to 65535")
    return found, (str(number), port)


def _bound(family: int, address: Address) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        # The system may give less than is asked for; a smaller buffer costs datagrams, not truth.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made
