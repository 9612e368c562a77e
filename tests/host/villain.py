"""A member over a real socket that signs and sends what it likes, in the place of its node."""

import os
import select
import socket
import time
from collections.abc import Callable
from typing import Final

from keepclear.accord import canonical, statement
from keepclear.accord.statement import BY_RULE, Body, Kind, Precedence
from keepclear.host.identity import Identity
from keepclear.line import frame as frames
from keepclear.line.frame import Ask, EntryItem, Frame, Have, Item, Vector
from keepclear.line.offer import Ends
from keepclear.line.session import Opened, Reply, Session, Up
from keepclear.record import entry as entries
from keepclear.record.entry import NO_PREV, Entry, Header

DEADLINE_S: Final = 60.0
ECHO_S: Final = 0.2


class Villain:
    """Its socket, its session with one peer, and the logbook that it makes up as it goes."""

    def __init__(self, identity: Identity, peer: int, listen: str, to: str) -> None:
        genesis = self.genesis = identity.genesis
        self.identity, self.peer, self.to = identity, peer, _address(to)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(_address(listen))
        key = genesis.keys[genesis.node_key(peer)].key.ed25519
        self.session = Session(
            Ends(genesis.line, identity.member, peer, key, genesis.tag_key), identity.node.sign, os.urandom
        )
        self.heard: dict[bytes, Entry] = {}
        self.holds = 0
        self.is_up = False
        self.incarnation = os.urandom(8)
        self.last: Entry | None = None
        self._echo: int | None = None
        self._beat_s = 0.0
        self._transmit(self.session.hello(_now_ms()))

    def close(self) -> None:
        self.socket.close()

    def until(self, holds: Callable[[], bool]) -> None:
        """Answers its peer until something holds."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline_s, "the villain waits in vain"
            self._turn()

    def sign(self, body: Body | bytes, after: Entry | None, kind: int, precedence: int = Precedence.ROUTINE) -> Entry:
        """An entry of its own, in the place after another."""
        data = body if isinstance(body, bytes) else statement.to_bytes(body)
        seed, genesis, now_ms = os.urandom(32), self.genesis, time.time_ns() // 1_000_000
        header = Header(
            suite=1, line=genesis.line, epoch=0, party=self.identity.member, incarnation=self.incarnation, start=0,
            seq=0 if after is None else after.header.seq + 1, prev=NO_PREV if after is None else after.leaf,
            seen=(None,) * (len(genesis.names) - 1), wall_ms=now_ms, wall_err_ms=50, precedence=precedence, kind=kind,
            replaces=None, refs=(), to=genesis.everyone, seat="" if kind in BY_RULE else "duty", valid_from_ms=now_ms,
            expiry_ms=None, body_root=entries.body_root(seed, data), releases_hash=None,
            key=genesis.node_key(self.identity.member),
        )  # fmt: skip
        head = canonical.encode(header)
        raw = entries.assemble(head, self.identity.node.sign(entries.signing_message(head)), (), seed, data)
        return entries.read(raw, canonical.MAX_BYTES)

    def say(self, body: Body, precedence: int = Precedence.ROUTINE) -> Entry:
        """Says something, as an honest member would."""
        self.last = self.sign(body, self.last, body.kind, precedence)
        self.send(EntryItem(self.last.raw))
        return self.last

    def send(self, *items: Item) -> None:
        now_ms, wall_ms = _now_ms(), time.time_ns() // 1_000_000
        frame = frames.to_bytes(Frame("udp", now_ms, wall_ms, self._echo, 0, items))
        self._transmit(self.session.seal(frame, now_ms))

    def own_kind(self, kind: Kind) -> list[Entry]:
        """What its peer has said of a kind, by number."""
        return sorted((e for e in self.heard.values() if e.header.kind == kind), key=lambda entry: entry.header.seq)

    def _turn(self) -> None:
        self._transmit(self.session.tick(_now_ms()))
        if self.is_up and time.monotonic() - self._beat_s > ECHO_S:
            self._beat_s = time.monotonic()
            self.send()
        while select.select([self.socket], [], [], 0.02)[0]:
            for event in self.session.receive(self.socket.recv(2_048), _now_ms(), "peer"):
                match event:
                    case Reply(datagrams):
                        self._transmit(datagrams)
                    case Up():
                        self.is_up = True
                    case Opened(frame):
                        self._take(frame)

    def _take(self, data: bytes) -> None:
        frame, items, _ = frames.read(data)
        self._echo = frame.mono_ms
        for item in items:
            if isinstance(item, EntryItem):
                entry = entries.read(item.raw, canonical.MAX_BYTES)
                self.heard[entry.leaf] = entry
            elif isinstance(item, Ask):
                self.send(Vector(item.nonce, ()))
            elif isinstance(item, Have) and (item.party, item.incarnation) == (self.identity.member, self.incarnation):
                self.holds = max(self.holds, item.size)

    def _transmit(self, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            self.socket.sendto(datagram, self.to)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
