"""What a running node knows of its watchdogs: its own, which it starts beside itself, and those started by hand.

The law: a watchdog asks, and the node answers from its own loop, so that an answer proves the loop. Who has not asked
for 3 s is no watchdog any more, and the officer is told: nothing would sound then if this node stopped. When the node
ends in good order it says so to all of them; when it does not, it says nothing.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keepclear.host.config import Config
from keepclear.host.watchdog import DOOR, SILENT_S

LOOK_S: Final = 0.5
START_S: Final = 10.0  # that a watchdog's process may take to ask for the first time, on a busy machine
MAX_HANDS: Final = 8  # watchdogs by hand that are remembered

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Told = Callable[[bool, str], None]  # whether it works, and in words


@dataclass
class Asked:
    """One watchdog, as it has last asked."""

    pid: int
    at_s: float
    paged: str = ""
    trouble: str = ""


class Watchdogs:
    """The watchdogs of one node."""

    def __init__(self) -> None:
        self.own: Asked | None = None
        self.hands: dict[int, Asked] = {}
        self._settled_s = asyncio.get_running_loop().time()
        self._told = ""
        self._began_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._config: Config | None = None

    async def start(self, config: Config, serve: Serve) -> "asyncio.Task[None]":
        """Starts the node's own watchdog; `serve` answers it as whoever asks over the control socket."""
        ours, theirs = socket.socketpair()
        with theirs:
            given = {"fd": theirs.fileno(), "dir": str(config.dir), "name": config.member, "sound": config.sound}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "keepclear.host.watchdog", json.dumps(given)],
                stdin=subprocess.DEVNULL, stdout=2, pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        self._began_s, self._config = asyncio.get_running_loop().time(), config
        reader, writer = await asyncio.open_connection(sock=ours)
        self.attend(writer)  # it may not have asked yet when the node ends
        return asyncio.create_task(_run(serve(reader, writer)))

    def asked(self, request: dict[str, Any]) -> None:
        """A watchdog has asked how the node is."""
        now_s = asyncio.get_running_loop().time()
        one = Asked(int(request["pid"]), now_s, str(request.get("paged", "")), str(request.get("trouble", "")))
        if request.get("own"):
            self.own = one
        elif one.pid in self.hands or len(self.hands) < MAX_HANDS:
            self.hands[one.pid] = one

    def settled(self, _upto: int, _durable: bool) -> None:
        """The disk has taken, or refused, what it was given."""
        self._settled_s = asyncio.get_running_loop().time()

    def disk_s(self) -> float:
        """For how long it has done neither. A node always has something to write: it ticks."""
        return asyncio.get_running_loop().time() - self._settled_s

    def attend(self, writer: asyncio.StreamWriter) -> None:
        """A watchdog is at the other end of this; it is told when the node ends in good order."""
        if writer not in self._writers:
            self._writers.append(writer)

    async def look(self, tell: Told) -> None:
        """Looks after the node's own watchdog for as long as the node runs, and tells once what has changed."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = asyncio.get_running_loop().time()
            self.hands = {pid: one for pid, one in self.hands.items() if now_s - one.at_s < SILENT_S}
            wrong = self._wrong(now_s)
            if wrong and wrong != self._told:
                tell(False, f"{wrong}: until it is mended nothing sounds if this node stops; start another one:"
                     " keepclear watchdog --node DIR")  # fmt: skip
            elif self._told and not wrong:
                tell(True, "the watchdog works again")
            self._told = wrong

    def view(self) -> dict[str, Any] | None:
        """How they are, for the status; None if this node was started without one and none was started by hand."""
        if self._process is None and not self.hands:
            return None
        now_s = asyncio.get_running_loop().time()
        own = self._process is not None
        return {
            "own": own, "asked": self.own is not None, "error": self._wrong(now_s) if own else "",
            "paged": self.own.paged if self.own else "", "pid": self._process.pid if self._process else None,
            "by_hand": len(self.hands),
        }  # fmt: skip

    async def farewell(self) -> None:
        """The node ends in good order: its watchdogs have nothing more to sound for."""
        for writer in self._writers:
            with suppress(ConnectionError):
                writer.write(b'{"bye":true}\n')
                await writer.drain()
        if self._process is not None and self._config is not None:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, LOOK_S * 2)
                Path(self._config.dir / DOOR).unlink(missing_ok=True)

    def _wrong(self, now_s: float) -> str:
        if self._process is None:
            return ""
        if (code := self._process.poll()) is not None:
            return f"the watchdog has ended ({code})"
        if self.own is None:
            return "" if now_s - self._began_s < START_S else "the watchdog has never asked"
        if now_s - self.own.at_s >= SILENT_S:
            return "the watchdog has stopped asking"
        return f"the watchdog cannot sound: {self.own.trouble}" if self.own.trouble else ""


async def _run(served: Awaitable[None]) -> None:
    await served
