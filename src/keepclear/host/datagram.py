"""The datagram path: one UDP socket, sending to configured addresses and to no other.

The law: it binds to loopback unless told otherwise. Where a datagram came from decides nothing but its share of what is
looked at; an answer goes to the address that was configured, so nobody can make us a sender to a third party.
Addresses are numbers: a name server is one more thing that fails or lies. There is no queue here: what the socket does
not take at once, or the rate limit forbids, is dropped and counted, and the line says it again if it still matters.
No error of the network is raised; the line finds out by what is not echoed.
"""

import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from keepclear.host import socket_filter
from keepclear.line.bucket import Bucket
from keepclear.line.part import MAX_DATAGRAM
from keepclear.line.sorter import STRANGERS

LOOPBACK: Final = ("127.0.0.1", 0)
DATAGRAMS_PER_SECOND: Final = 20_000  # about 200 Mbit/s: more than one core can seal and open
BURST: Final = 5_000  # a quarter of a second: the 64 KiB entries of a reconciliation in one go
BUFFER_BYTES: Final = 4 * 1_024 * 1_024  # what arrives while nobody reads for 0.1 s at the full rate

Address = tuple[str, int]


class BadAddress(ValueError):
    """An address that this path cannot use; the text says whose and why."""


@dataclass
class Counts:
    """What became of datagrams since the start of the process."""

    sent: int = 0
    received: int = 0
    from_elsewhere: int = 0
    over_rate: int = 0
    not_taken: int = 0
    errors: int = 0


class DatagramPath:
    """A bound UDP socket, and the peers by their number: the first address of `peers` is 1."""

    def __init__(
        self,
        made: socket.socket,
        peers: Sequence[Address],
        datagrams_per_second: int = DATAGRAMS_PER_SECOND,
        burst: int = BURST,
    ) -> None:
        self.counts = Counts()
        self._socket = made
        self._socket.setblocking(False)
        self._allowance = Bucket(datagrams_per_second, burst)
        self._peers = list(peers)
        self._numbers = {address: number for number, address in enumerate(self._peers, 1)}

    def fileno(self) -> int:
        """The socket, to wait for."""
        return self._socket.fileno()

    def let_pass(self, sessions: Collection[bytes], ends: Collection[int]) -> None:
        """Has the system drop what belongs to no such session, and begins none between such members."""
        socket_filter.attach(self._socket, socket_filter.program(sessions, ends))

    def unread(self) -> int:
        """How many datagrams the system has dropped before they could be read."""
        return socket_filter.dropped(self._socket)

    def send(self, number: int, datagram: bytes, flash: bool, now_ms: int) -> bool:
        """Whether a datagram went out to a peer. FLASH is counted by the rate limit but never held by it."""
        if not self._allowance.take(now_ms) and not flash:
            self.counts.over_rate += 1
            return False
        try:
            self._socket.sendto(datagram, self._peers[number - 1])
        except BlockingIOError:
            self.counts.not_taken += 1
            return False
        except OSError:  # no route, a closed port's answer, a firewall: the line sees that nothing comes back
            self.counts.errors += 1
            return False
        self.counts.sent += 1
        return True

    def read(self, most: int) -> Iterator[tuple[bytes, int, str]]:
        """What has come, at most so much at once: each with the number of the peer whose address it came from, else
        STRANGERS, and the host that it came from.
        """
        numbers, counts, receive = self._numbers, self.counts, self._socket.recvfrom
        for _ in range(most):
            try:
                datagram, address = receive(MAX_DATAGRAM + 1)  # one more, so that too long is seen
            except BlockingIOError:
                return
            except OSError:  # a closed port's answer to something sent before
                counts.errors += 1
                continue
            number = numbers.get(address[:2], STRANGERS)
            counts.received += 1
            counts.from_elsewhere += number == STRANGERS
            yield datagram, number, address[0]


def bound(address: Address = LOOPBACK) -> socket.socket:
    """A UDP socket that listens there. Raises BadAddress for what cannot be, OSError for what is taken."""
    family, (host, port) = _checked("bind", address)
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        # The system may give less than is asked for; a smaller buffer costs datagrams, not truth.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def reached(made: socket.socket, peers: Mapping[str, Address]) -> list[Address]:
    """The peers' addresses in their sequence, as a socket's datagrams name them. Raises BadAddress."""
    return [_checked(name, address, made.family)[1] for name, address in peers.items()]


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
