"""What a mailbox holds: sealed datagrams under opaque names, in memory, each bounded in number, size, age and rate.

The law: nothing is asked of a datagram but its size, and nothing of a name but its length: they are not read, and are
on no disk. Reading takes nothing out, so that whoever learns a name can read sealed bytes and not keep its owner from
them; what is held goes by age, and by what comes after it. What is over a bound is not taken, counted, and told in a
number. Times come in as arguments.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

import msgspec

from keepclear.line.box import NAME_BYTES
from keepclear.line.bucket import Bucket
from keepclear.line.part import HEADER_BYTES, MAX_DATAGRAM

MAX_BODY: Final = 131_072  # of one request: a whole frame of the longest entry with its parts' names
MAX_ITEMS: Final = 256  # datagrams in one request or answer
MAX_BOXES_ASKED: Final = 64  # in one request: a line has five members
MAX_WAIT_MS: Final = 25_000
RUN_BYTES: Final = 8

Item = tuple[bytes, bytes]  # box, datagram


class Put(msgspec.Struct, frozen=True, array_like=True):
    """Datagrams to be put into boxes."""

    items: list[Item]


class Fetch(msgspec.Struct, frozen=True, array_like=True):
    """Boxes to be read, each from a place on; an answer may wait so long for something to come."""

    wait_ms: int
    boxes: list[Item]  # box, place


class Found(msgspec.Struct, frozen=True, array_like=True):
    """What is in one box from a place on, and the place after it."""

    place: bytes
    datagrams: list[bytes]


@dataclass(frozen=True)
class Bounds:
    """How much is held, for how long, and how fast it may come. For five members each bound is a hundred times over.

    What is older than a minute is of no use to a session; a box that nobody touches for ten goes.
    """

    boxes: int = 1_024
    boxes_of_address: int = 64
    datagrams_in_box: int = 4_096
    bytes_in_box: int = 1_048_576
    bytes_in_all: int = 67_108_864
    age_ms: int = 60_000
    idle_ms: int = 600_000
    datagrams_per_s: int = 2_000  # of one box
    requests_per_s: int = 500  # of one address
    addresses: int = 4_096


@dataclass
class Box:
    """One box: (place, when it came, datagram), oldest first."""

    owner: str
    allowance: Bucket
    used_ms: int
    held: deque[tuple[int, int, bytes]] = field(default_factory=deque)
    size: int = 0
    next: int = 0


class Store:
    """All boxes of one run of a mailbox; `run` is 8 bytes that no other run has."""

    def __init__(self, run: bytes, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.counts: Counter[str] = Counter()
        self.size = 0
        self._run = run
        self._boxes: dict[bytes, Box] = {}
        self._owned: Counter[str] = Counter()
        self._addresses: dict[str, Bucket] = {}

    def __len__(self) -> int:
        """How many boxes there are."""
        return len(self._boxes)

    def may_ask(self, address: str, now_ms: int) -> bool:
        """Whether one more request of an address is taken; it is counted."""
        bucket = self._addresses.pop(address, None)
        if bucket is None:
            if len(self._addresses) >= self.bounds.addresses:
                del self._addresses[next(iter(self._addresses))]  # the one that has been silent for longest
            bucket = Bucket(self.bounds.requests_per_s, 2 * self.bounds.requests_per_s)
        self._addresses[address] = bucket
        if bucket.take(now_ms):
            return True
        self.counts["requests over the rate"] += 1
        return False

    def put(self, items: Iterable[Item], address: str, now_ms: int) -> list[bytes]:
        """Takes datagrams in; the name of the box of each one that was taken."""
        return [name for name, datagram in items if self._put(name, datagram, address, now_ms)]

    def fetch(self, asked: Iterable[Item], address: str, now_ms: int) -> list[Found]:
        """What is in each box from its place on, together at most MAX_ITEMS datagrams and MAX_BODY bytes.

        An empty place is the one after all that is there. A place of another run is the beginning of this one.
        """
        room, items = MAX_BODY, MAX_ITEMS
        out = []
        for name, place in asked:
            box = self._box(name, address, now_ms)
            if box is None:
                out.append(Found(place, []))
                continue
            self._let_go(box, now_ms)
            at = self._read(place, box)
            found: list[bytes] = []
            for number, _, datagram in box.held:
                if number < at:
                    continue
                if not items or len(datagram) > room:
                    break
                at, room, items = number + 1, room - len(datagram), items - 1
                found.append(datagram)
            else:
                at = box.next
            self.counts["datagrams fetched"] += len(found)
            out.append(Found(self._run + at.to_bytes(8, "big"), found))
        return out

    def sweep(self, now_ms: int) -> None:
        """Lets go of what is too old, and of boxes that nobody uses."""
        for name, box in list(self._boxes.items()):
            self._let_go(box, now_ms)
            if now_ms - box.used_ms > self.bounds.idle_ms:
                del self._boxes[name]
                self._owned -= Counter({box.owner: 1})

    def _put(self, name: bytes, datagram: bytes, address: str, now_ms: int) -> bool:
        if not HEADER_BYTES <= len(datagram) <= MAX_DATAGRAM:
            return self._not_taken("datagrams of no size")
        box = self._box(name, address, now_ms)
        if box is None:
            return False
        if not box.allowance.take(now_ms):
            return self._not_taken("datagrams over the rate")
        if self.size + len(datagram) > self.bounds.bytes_in_all:
            return self._not_taken("datagrams without room")
        box.held.append((box.next, now_ms, datagram))
        box.next += 1
        box.size += len(datagram)
        self.size += len(datagram)
        self.counts["datagrams put"] += 1
        self._let_go(box, now_ms)
        return True

    def _not_taken(self, why: str) -> bool:
        self.counts[why] += 1
        return False

    def _box(self, name: bytes, address: str, now_ms: int) -> Box | None:
        """The box of a name, made if there is room for another one."""
        box = self._boxes.get(name)
        if box is None:
            full = len(self._boxes) >= self.bounds.boxes or self._owned[address] >= self.bounds.boxes_of_address
            if len(name) != NAME_BYTES or full:
                self._not_taken("boxes too many")
                return None
            allowance = Bucket(self.bounds.datagrams_per_s, 2 * self.bounds.datagrams_per_s)
            box = self._boxes[name] = Box(address, allowance, now_ms)
            self._owned[address] += 1
        box.used_ms = now_ms
        return box

    def _let_go(self, box: Box, now_ms: int) -> None:
        bounds, held = self.bounds, box.held
        while held and (
            len(held) > bounds.datagrams_in_box
            or box.size > bounds.bytes_in_box
            or now_ms - held[0][1] > bounds.age_ms
        ):  # fmt: skip
            size = len(held.popleft()[2])
            box.size -= size
            self.size -= size

    def _read(self, place: bytes, box: Box) -> int:
        if not place:
            return box.next
        at = int.from_bytes(place[RUN_BYTES:], "big")
        return at if place[:RUN_BYTES] == self._run and at <= box.next else 0


def address_of(host: str) -> str:
    """Whose allowance a request is from: an IPv4 number, or the 64 bits of an IPv6 number that one user has."""
    try:
        number = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if number.version == 6:
        mapped = number.ipv4_mapped
        return str(mapped) if mapped else number.packed[:8].hex()
    return str(number)
