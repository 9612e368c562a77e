"""What a node and its path processes say to each other over a pair of local sockets: many datagrams in one message.

The law: neither end ever waits for the other. What the socket does not take is for its sender to keep or to drop, in a
queue that has a bound. The processes are one program: nothing here is judged, only taken apart. The key of the tags
goes over the pair and never by the command's arguments, which everybody on the machine may read.
"""

import errno
import socket
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any, Final

import msgspec

from keepclear.line.part import MAX_DATAGRAM

GIVEN: Final = b"G"  # to the path: what it is, once at its start
SESSIONS: Final = b"T"  # to the path: the sessions in use
SEND: Final = b"S"  # to the path: datagrams to send
FLASH: Final = b"F"  # to the path: the same, not held by the rate limit
ASK: Final = b"A"  # to the path: are you there
HEARD: Final = b"H"  # to the node: datagrams that came
TOLD: Final = b"O"  # to the node: the answer to ASK, with all counts

MESSAGE_BYTES: Final = 32_768
READ_BYTES: Final = 65_536
TO_NODE_BYTES: Final = 131_072  # what the kernel keeps between the two; what waits longer is to wait where it is sorted
TO_PATH_BYTES: Final = 1_048_576

_HEAD: Final = Struct(">BH")
MOST: Final = MESSAGE_BYTES // (_HEAD.size + MAX_DATAGRAM)  # datagrams that one message surely holds: 27
_EMPTY: Final = (errno.EAGAIN, errno.ENOBUFS, errno.EMSGSIZE)


class Gone(Exception):
    """The other end is closed."""


class Boxes(msgspec.Struct, frozen=True):
    """What the mailbox's path has besides: where it is, and the names of the boxes to and from each peer."""

    url: str
    ca: str
    name: str
    out: tuple[bytes, ...]
    into: tuple[bytes, ...]


class Given(msgspec.Struct, frozen=True):
    """What a path process is told at its start. `peers` are the members' indices; addresses or boxes are numbered from
    1 in their sequence, and named by that number in SEND and HEARD.
    """

    tag_key: bytes
    own: int
    peers: tuple[int, ...]
    addresses: tuple[tuple[str, int], ...] = ()
    datagrams_per_second: int = 0
    boxes: Boxes | None = None


class End:
    """One end of the pair."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The socket, to wait for."""
        return self._socket.fileno()

    def put(self, message: bytes) -> bool:
        """Whether the message was taken. Raises Gone."""
        try:
            self._socket.send(message)
        except OSError as error:
            if error.errno in _EMPTY:
                return False
            raise Gone from error
        return True

    def take(self) -> bytes | None:
        """The next message, or None when there is none now. Raises Gone."""
        try:
            message = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Gone from error
        if not message:
            raise Gone
        return message

    def close(self) -> None:
        """Lets go of it; twice does no harm."""
        self._socket.close()


def pair() -> tuple[End, socket.socket]:
    """The node's end, and the socket that is the path's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TO_PATH_BYTES)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TO_NODE_BYTES)
    return End(ours), theirs


def packed(kind: bytes, datagrams: Sequence[tuple[int, bytes]]) -> tuple[bytes, int]:
    """A message of the first datagrams, each with a number, and how many of them it holds."""
    parts, size, count = [kind], 0, 0
    for number, datagram in datagrams:
        size += _HEAD.size + len(datagram)
        if count and size > MESSAGE_BYTES:
            break
        parts += (_HEAD.pack(number, len(datagram)), datagram)
        count += 1
    return b"".join(parts), count


def unpacked(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The datagrams in a message, each with its number."""
    at = 1
    while at < len(message):
        number, size = _HEAD.unpack_from(message, at)
        at += _HEAD.size + size
        yield number, message[at - size : at]


def said(kind: bytes, value: object) -> bytes:
    """A message that is a value."""
    return kind + msgspec.msgpack.encode(value)


def heard(message: bytes) -> Any:
    """The value in a message."""
    return msgspec.msgpack.decode(memoryview(message)[1:])
