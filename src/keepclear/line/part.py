"""Datagrams: the clear header, cutting what is longer than one, and putting the parts together again.

The law: a datagram is at most 1 200 bytes, so that no network on the way has to fragment it. Its clear header is 19
bytes and says enough to drop it before any cryptography: kind, session, counter, which part of how many. Parts of one
frame have successive counters and are sealed one by one, so `counter - nth` names the frame and no byte that is not
authentic is ever kept. Handshake parts come before there is a key: they are named by the hash of the whole message,
and a part that comes again replaces the one before it, so that one forged part does not spoil the message for good.
All that is kept has a bound in number, size and age.
"""

from collections.abc import Hashable
from struct import Struct
from typing import Final, NamedTuple

MAX_DATAGRAM: Final = 1_200  # with IP and UDP headers under 1 280, what every IPv6 network carries whole
HEADER_BYTES: Final = 19
TAG_BYTES: Final = 16
MAX_PARTS: Final = 128  # 64 KiB entries need 57; the double leaves room for the sealed body and the frame round it
MAX_UNFINISHED: Final = 32
# A mailbox brings what a datagram lost seconds later; a sender that has heard nothing for so long sends it all again.
MAX_AGE_MS: Final = 10_000
CLEAR_ROOM: Final = MAX_DATAGRAM - HEADER_BYTES
SEALED_ROOM: Final = CLEAR_ROOM - TAG_BYTES
MAX_FRAME: Final = MAX_PARTS * SEALED_ROOM

HELLO: Final = 1
KEY: Final = 2
FRAME: Final = 3
HELD: Final = 4
PIECES: Final = 5
BLOB: Final = 6
SEALED: Final = (FRAME, HELD, BLOB)  # what is in a session
CLEAR: Final = (HELLO, KEY, PIECES)  # what comes before there is a key, named by an address

_FORM = Struct(">B8sQBB")


class Header(NamedTuple):
    """The clear header. For HELLO and KEY, `session` is the message's name and `counter` its address."""

    kind: int
    session: bytes
    counter: int
    nth: int
    total: int

    def encode(self) -> bytes:
        """The 19 bytes on the wire."""
        return _FORM.pack(*self)


def read(datagram: bytes) -> Header | None:
    """The header of a datagram, or None if it is none of ours by its size, kind or part numbers."""
    if not HEADER_BYTES <= len(datagram) <= MAX_DATAGRAM:
        return None
    header = Header(*_FORM.unpack_from(datagram))
    if header.kind not in (*CLEAR, *SEALED) or not header.nth < header.total <= MAX_PARTS:
        return None
    return header


def cut(body: bytes, room: int) -> list[bytes]:
    """The body in pieces of `room` bytes, the last one shorter; one empty piece for an empty body.

    Raises ValueError for a body of more than MAX_PARTS pieces: that is the caller's mistake, before anything is sent.
    """
    if len(body) > MAX_PARTS * room:
        raise ValueError(f"{len(body)} bytes to send, at most {MAX_PARTS * room} fit {MAX_PARTS} parts: say it shorter")
    return [body[at : at + room] for at in range(0, len(body), room)] or [b""]


class _Unfinished:
    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms
        self.parts: dict[int, bytes] = {}


class Joiner:
    """Puts parts together: at most MAX_UNFINISHED messages, none older than `age_ms`; the oldest gives way."""

    def __init__(self, age_ms: int = MAX_AGE_MS) -> None:
        self._age_ms = age_ms
        self._unfinished: dict[Hashable, _Unfinished] = {}

    def __len__(self) -> int:
        """How many messages are unfinished."""
        return len(self._unfinished)

    def add(self, name: Hashable, nth: int, total: int, data: bytes, now_ms: int) -> bytes | None:
        """The whole message if this part completes it, else None. It is kept until `forget(name, total)`.

        A part that was there is replaced by the newer one. `name` and `total` together name the message.
        """
        self._drop_old(now_ms)
        key = (name, total)
        message = self._unfinished.get(key)
        if message is None:
            if len(self._unfinished) >= MAX_UNFINISHED:
                del self._unfinished[next(iter(self._unfinished))]
            message = self._unfinished[key] = _Unfinished(now_ms)
        message.parts[nth] = data
        if len(message.parts) < total:
            return None
        return b"".join(message.parts[i] for i in range(total))

    def forget(self, name: Hashable, total: int) -> None:
        """Lets go of a message that has been taken."""
        self._unfinished.pop((name, total), None)

    def _drop_old(self, now_ms: int) -> None:
        # Insertion is in sequence of time, so the oldest is always the first.
        for key, message in list(self._unfinished.items()):
            if now_ms - message.since_ms <= self._age_ms:
                return
            del self._unfinished[key]
