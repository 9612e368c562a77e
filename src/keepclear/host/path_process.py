"""The path process: it stands between a path and the node, and takes in what the node has no time for.

The law: nothing that comes by a path reaches the node but through here, sorted (line/sorter.py) and as fast as the node
takes it; what the node has to send goes first. It holds no key of the line but that of the tags, reads and writes no
disk, and decides nothing about who spoke. It ends with its node, however that ends. The datagram path and the mailbox
have a process each, so that a flood of one does not starve the other either.
"""

import ctypes
import os
import select
import signal
import socket
import sys
import time
from typing import Any, Final

import msgspec

from keepclear.host import path_wire as wire
from keepclear.host.datagram import DatagramPath
from keepclear.host.path_wire import End, Given, Gone
from keepclear.line.sorter import Sorter

READS_AT_ONCE: Final = 256  # 1 ms of a flood; then the node's own datagrams have their turn
COMMANDS_AT_ONCE: Final = 64
PR_SET_PDEATHSIG: Final = 1


class Porter:
    """The half that all path processes share: what the node says to them, and what they give to it."""

    def __init__(self, end: End, given: Given) -> None:
        self._end = end
        self.sorter = Sorter(given.tag_key, given.own, given.peers, len(given.addresses or given.boxes.out))  # type: ignore[union-attr]
        self._kept: bytes | None = None
        self._asked = False

    @property
    def waits(self) -> bool:
        """Whether the node has not taken all yet."""
        return self._kept is not None or self.sorter.waits

    def orders(self) -> list[tuple[int, bytes, bool]]:
        """What the node wants sent: number of the peer, datagram, whether it is FLASH. Raises Gone."""
        out: list[tuple[int, bytes, bool]] = []
        for _ in range(COMMANDS_AT_ONCE):
            message = self._end.take()
            if message is None:
                break
            kind = message[:1]
            if kind in (wire.SEND, wire.FLASH):
                out += ((number, datagram, kind == wire.FLASH) for number, datagram in wire.unpacked(message))
            elif kind == wire.SESSIONS:
                sessions, slow = wire.heard(message)
                self.sorter.use(sessions, slow)
            elif kind == wire.ASK:
                self._asked = True
        return out

    def give(self, counts: dict[str, Any]) -> None:
        """Gives the node what it takes now: an answer if it has asked, and what has come. Raises Gone."""
        if self._asked:
            dropped = {str(why): number for why, number in self.sorter.dropped.items()}
            told = {**counts, "given": self.sorter.given, "sorted_out": dropped}
            self._asked = not self._end.put(wire.said(wire.TOLD, told))
        while self.waits:
            if self._kept is None:
                self._kept, _ = wire.packed(wire.HEARD, self.sorter.give(wire.MOST))
            if not self._end.put(self._kept):
                return
            self._kept = None


def carry_datagrams(end: End, given: Given, made: socket.socket) -> None:
    """Carries between a UDP socket and the node until the node is gone. Raises Gone."""
    porter = Porter(end, given)
    path = DatagramPath(made, given.addresses, given.datagrams_per_second)
    poll = select.poll()
    poll.register(path, select.POLLIN)
    wanted = 0
    while True:
        wants = select.POLLIN | (select.POLLOUT if porter.waits else 0)
        if wants != wanted:
            poll.register(end, wants)
            wanted = wants
        poll.poll()
        now_ms = time.monotonic_ns() // 1_000_000
        for number, datagram, flash in porter.orders():
            path.send(number, datagram, flash, now_ms)
        take = porter.sorter.take
        for datagram, number, host in path.read(READS_AT_ONCE):
            take(datagram, number, host, now_ms)
        porter.give(vars(path.counts))


def end_with(parent: int) -> None:
    """This process ends when its parent does, even if it is stopped itself."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before this was asked for
        sys.exit()


def main(parent: int, link: int, udp: int) -> None:
    """A path process, by the node's process, its end of the pair and, if it is not the mailbox's, the UDP socket."""
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = End(socket.socket(fileno=link))
    select.select([end], [], [])
    try:
        message = end.take()
        if message is None:
            return
        given = msgspec.msgpack.decode(memoryview(message)[1:], type=Given)
        if given.boxes is None:
            carry_datagrams(end, given, socket.socket(fileno=udp))
        else:
            from keepclear.host.mailbox_process import carry_boxes  # noqa: PLC0415 - 0.3 s, for those who have one

            carry_boxes(end, given)
    except Gone:
        return


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
