"""Where a watch finds bundles: a folder that it looks through, and a link of datagrams that has no way back.

The law: reading only. What has come in parts waits until it is whole, within bounds; the oldest gives way. Anybody can
put a file there or send a datagram: what is no part of a bundle of this line is passed over and counted; a file that
stays damaged is told once.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keepclear.host import bundle as bundles
from keepclear.host.config import Address
from keepclear.record import parts
from keepclear.record.bundle import BadBundle
from keepclear.record.parts import Part

MAX_WAITING: Final = 64  # bundles that are not whole yet
MAX_WAITING_BYTES: Final = 67_108_864
MAX_DONE: Final = 10_000  # bundles that are remembered as taken; one more that comes again costs only work
MAX_FILES: Final = 10_000
MAX_DATAGRAM: Final = 65_535
OVERDUE_S: Final = 60.0  # a bundle of which no more parts come: what is missing is told
READ_AT_ONCE: Final = 1_000  # datagrams, before others have their turn

Marks = tuple[int, int]  # size and time of the last change of a file


class Inbox:
    """Parts by the bundle that they belong to. `dropped` counts what was no part of this line's bundles."""

    def __init__(self, line: bytes) -> None:
        self._line = line[: parts.LINE_BYTES]
        self._waiting: dict[bytes, dict[int, Part]] = {}
        self._bytes = 0
        self._done: dict[bytes, bool] = {}
        self._grown_s: dict[bytes, float] = {}
        self.dropped = 0

    def hear(self, datagram: bytes, now_s: float) -> None:
        """Takes in a part from a datagram, or counts it."""
        try:
            self.add(parts.read(datagram), now_s)
        except BadBundle:
            self.dropped += 1

    def add(self, part: Part, now_s: float) -> None:
        """Takes in a part, unless its bundle has been taken or it is here."""
        if part.line != self._line:
            self.dropped += 1
            return
        if part.name in self._done:
            return
        found = self._waiting.setdefault(part.name, {})
        if part.nth not in found:
            found[part.nth] = part
            self._bytes += len(part.share)
            self._grown_s[part.name] = now_s
        while len(self._waiting) > MAX_WAITING or self._bytes > MAX_WAITING_BYTES:
            self._forget(next(iter(self._waiting)))

    def whole(self) -> list[list[Part]]:
        """Takes out the bundles of which all parts are here."""
        names = [name for name, found in self._waiting.items() if len(found) >= next(iter(found.values())).of]
        out = []
        for name in names:
            out.append(list(self._waiting[name].values()))
            self._forget(name)
            self._done[name] = True
            if len(self._done) > MAX_DONE:
                del self._done[next(iter(self._done))]
        return out

    def overdue(self, now_s: float) -> list[str]:
        """Which parts are missing of bundles that have not grown for a while; each is told once, until it grows."""
        out = []
        for name in [name for name, grown_s in self._grown_s.items() if now_s - grown_s >= OVERDUE_S]:
            del self._grown_s[name]
            try:
                parts.join(self._waiting[name].values())
            except BadBundle as error:
                out.append(f"{error}; {error.hint}")
        return out

    def _forget(self, name: bytes) -> None:
        self._bytes -= sum(len(part.share) for part in self._waiting.pop(name).values())
        self._grown_s.pop(name, None)


class Folder:
    """A folder that others put bundles into. It is never written to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, Marks] = {}
        self._bad: dict[str, Marks] = {}
        self._faults: list[str] = []
        self._gone = ""

    def look(self) -> list[Part]:
        """The parts in files that are new or have changed since the last look."""
        try:
            with os.scandir(self._path) as listed:
                files = sorted(
                    (one for _, one in zip(range(MAX_FILES), listed, strict=False)), key=lambda one: one.name
                )
                marks = {one.name: _marks(one) for one in files if one.is_file() and not one.name.startswith(".")}
        except OSError as error:
            if self._gone != str(error):
                self._gone = str(error)
                self._faults.append(f"{self._path}: the folder cannot be read: {error.strerror}")
            return []
        self._gone = ""
        self._read = {name: mark for name, mark in self._read.items() if marks.get(name) == mark}
        self._bad = {name: mark for name, mark in self._bad.items() if name in marks}
        out = []
        for name, mark in marks.items():
            if name not in self._read and (part := self._part(name, mark)) is not None:
                out.append(part)
        return out

    def faults(self) -> list[str]:
        """What has been found wrong since it was last asked for, each once."""
        found, self._faults = self._faults, []
        return found

    def _part(self, name: str, mark: Marks) -> Part | None:
        try:
            part = bundles.read_part(self._path / name)
        except BadBundle as error:
            if self._bad.get(name) == mark:  # it has not changed between two looks: nobody is writing it
                self._read[name] = mark
                self._faults.append(f"{error}; {error.hint}")
            self._bad[name] = mark
            return None
        self._read[name] = mark
        return part


class OneWay:
    """A socket that datagrams come to. Nothing here writes to it."""

    def __init__(self, address: Address) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
        self._socket.bind(address)

    @property
    def address(self) -> Address:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def listen(self, heard: Callable[[bytes], None]) -> None:
        """Gives every datagram from now on to `heard`."""
        asyncio.get_running_loop().add_reader(self._socket, self._ready, heard)

    def close(self) -> None:
        """Listens no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _ready(self, heard: Callable[[bytes], None]) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                heard(self._socket.recv(MAX_DATAGRAM))
            except OSError:  # nothing more for now
                return


def _marks(entry: "os.DirEntry[str]") -> Marks:
    status = entry.stat()
    return status.st_size, status.st_mtime_ns
