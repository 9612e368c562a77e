"""A path process's half of the talk with its node: it stands between a path and the node, and takes in what the node
has no time for.

The law: nothing that comes by a path reaches the node but through here, sorted (line/sorter.py) and as fast as the node
takes it; what the node has to send goes first. A path process holds no key of the line but that of the tags, reads and
writes no disk, and decides nothing about who spoke. It ends with its node, however that ends. The datagrams and the
mailbox have a process each, so that a flood of one does not starve the other either.
"""

import ctypes
import os
import select
import signal
import socket
import sys
from typing import Any, Final

import msgspec

from keepclear.host import path_wire as wire
from keepclear.host.path_wire import End, Given
from keepclear.line.sorter import Sorter

COMMANDS_AT_ONCE: Final = 64
PR_SET_PDEATHSIG: Final = 1


class Porter:
    """What the node says to a path process, and what that gives to the node."""

    def __init__(self, end: End, given: Given) -> None:
        self._end = end
        sources = len(given.boxes.into if given.boxes else given.addresses)
        self.sorter = Sorter(given.tag_key, given.own, given.peers, sources)
        self._kept: bytes | None = None
        self._sessions_changed = False
        self.asked = False

    def sessions_changed(self) -> bool:
        """Whether the node has told of other sessions since this was last asked."""
        changed, self._sessions_changed = self._sessions_changed, False
        return changed

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
                self._sessions_changed = self._sessions_changed or self.sorter.sessions != sessions.keys()
                self.sorter.use(sessions, slow)
            elif kind == wire.ASK:
                self.asked = True
        return out

    def give(self, counts: dict[str, Any]) -> None:
        """Gives the node what it takes now: an answer if it has asked, and what has come. Raises Gone."""
        if self.asked:
            dropped = {str(why): number for why, number in self.sorter.dropped.items()}
            told = {**counts, "given": self.sorter.given, "sorted_out": dropped}
            self.asked = not self._end.put(wire.said(wire.TOLD, told))
        while self.waits:
            if self._kept is None:
                self._kept, _ = wire.packed(wire.HEARD, self.sorter.give(wire.MOST))
            if not self._end.put(self._kept):
                return
            self._kept = None


def begin(parent: int, link: int) -> tuple[End, Given]:
    """Makes this process end when its parent does, even if it is stopped itself; the pair's end, and what the node has
    given at the start. Raises Gone.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before this was asked for
        sys.exit()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end = End(socket.socket(fileno=link))
    while True:
        select.select([end], [], [])
        if message := end.take():
            return end, msgspec.msgpack.decode(memoryview(message)[1:], type=Given)
