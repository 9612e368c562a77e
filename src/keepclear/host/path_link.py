"""What a running node knows of a path process: it starts it, talks with it, and starts it anew when it dies or hangs.

The law: the node never waits for it. What is to be sent waits in a bounded queue, FLASH before all else; what has come
is taken in a few datagrams at a time, so that ticks, officers and other paths have their turn. A process that ends, or
does not answer for 3 s, is told to the officer and started anew; meanwhile nothing goes by this path, and the line
finds that out as it finds a cut.
"""

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from os import getpid
from typing import Any, Final

from keepclear.host import path_wire as wire
from keepclear.host.path_wire import End, Given, Gone

LOOK_S: Final = 0.5
SILENT_S: Final = 3.0
START_S: Final = 10.0  # that a process may take to its first answer, on a busy machine
OVERSLEPT_S: Final = 1.0  # that this process itself was kept from looking: then the wait begins anew
AGAIN_S: Final = 1.0  # between two starts of one that ends at once
TAKEN_AT_ONCE: Final = 8  # about 8 ms of work at its slowest; then the loop's other work has its turn
MAX_QUEUE: Final = 5_000  # datagrams to be sent; the line says it again if it still matters
END_S: Final = 1.0
STEP: Final = 4_096  # counters that a session goes on before its path is told: few, of the window's 65 536

Heard = Callable[[bytes, int], None]
Told = Callable[[bool, str], None]  # whether it works, and in words


class PathLink:
    """One path process and the talk with it. `name` is what an officer reads of it. `heard(datagram, number)` is called
    for each arrival; the number is that of the peer whose address or box it came from, 0 for none.

    `udp` is the socket it is to read and write: it is the node's too, so that it outlives the process.
    """

    def __init__(self, name: str, given: Given, heard: Heard, told: Told, udp: socket.socket | None = None) -> None:
        self.counts: dict[str, Any] = {}
        self.starts = 0
        self.unsent = 0
        self._name, self._given, self._heard, self._told, self._udp = name, given, heard, told, udp
        self._loop = asyncio.get_running_loop()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: End | None = None
        self._sessions: tuple[Mapping[bytes, int], Sequence[bytes]] = ({}, ())
        self._urgent: deque[tuple[int, bytes]] = deque()
        self._rest: deque[tuple[int, bytes]] = deque()
        self._flushing: asyncio.Handle | None = None
        self._full = False
        self._came: deque[tuple[int, bytes]] = deque()
        self._wrong = ""
        self._starter = ThreadPoolExecutor(1, "starter")
        self._answered = False
        self._began_s = self._answered_s = self._looked_s = self._loop.time()

    @property
    def pid(self) -> int | None:
        """The process's id, None before its start."""
        return self._process.pid if self._process else None

    @property
    def fault(self) -> str:
        """What is wrong with the process now, in words; "" when it works."""
        return self._wrong

    def start(self) -> None:
        """Starts the process. Raises OSError."""
        self._begin(*self._spawned())

    def _spawned(self) -> "tuple[End, subprocess.Popen[bytes]]":
        ours, theirs = wire.pair()
        program = "mailbox_process" if self._udp is None else "path_process"
        with theirs:
            kept = (theirs.fileno(), *(() if self._udp is None else (self._udp.fileno(),)))
            return ours, subprocess.Popen(
                [sys.executable, "-m", f"keepclear.host.{program}", *map(str, (getpid(), *kept))],
                stdin=subprocess.DEVNULL, stdout=2, pass_fds=kept, start_new_session=True,
            )  # fmt: skip

    def _begin(self, end: End, process: "subprocess.Popen[bytes]") -> None:
        self._end, self._process = end, process
        self.starts += 1
        self._began_s = self._loop.time()
        self._answered_s, self._answered = self._began_s, False
        self._put(wire.said(wire.GIVEN, self._given))
        self._put(wire.said(wire.SESSIONS, self._sessions))
        if self._end is not None:
            self._loop.add_reader(self._end, self._read)
        self._ask()

    def use(self, sessions: Mapping[bytes, int], slow: Sequence[bytes]) -> None:
        """Tells the path which sessions are in use, each with the newest counter opened, before anything goes out that
        could be answered under a new one.
        """
        known, known_slow = self._sessions
        same = sessions.keys() == known.keys() and slow == known_slow
        if same and all(newest - known[name] < STEP for name, newest in sessions.items()):
            return
        if self._put(wire.said(wire.SESSIONS, (sessions, slow))):
            self._sessions = (sessions, slow)

    def send(self, number: int, datagrams: Sequence[bytes], urgent: bool) -> None:
        """Queues datagrams for a peer: they go at the end of the loop's turn, what is urgent before the rest."""
        queue = self._urgent if urgent else self._rest
        over = len(queue) + len(datagrams) - MAX_QUEUE
        if over > 0 or self._end is None:
            self.unsent += len(datagrams)
            return
        queue.extend((number, datagram) for datagram in datagrams)
        if self._flushing is None and not self._full:
            self._flushing = self._loop.call_soon(self._flush)

    async def look(self) -> None:
        """Looks after the process for as long as the node runs."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = self._loop.time()
            if now_s - self._looked_s > OVERSLEPT_S:
                self._answered_s = now_s
            self._looked_s = now_s
            wrong = self._what_is_wrong(now_s)
            if not wrong:
                self._ask()
            elif now_s - self._began_s >= AGAIN_S:
                await self._renew(wrong)

    async def end(self) -> None:
        """Has the process send what it was given, and end."""
        self._flush()
        self._let_go()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, END_S)
        self.close()

    def close(self) -> None:
        """Ends the process if it is still there, and lets go of the socket; twice does no harm."""
        self._let_go()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._starter.shutdown(wait=False)
        if self._udp is not None:
            self._udp.close()

    def _what_is_wrong(self, now_s: float) -> str:
        assert self._process is not None
        if (code := self._process.poll()) is not None:
            return f"has ended ({code})"
        silent_s = now_s - self._answered_s
        if silent_s >= (SILENT_S if self._answered else START_S):
            return f"has not answered for {silent_s:.1f} s"
        return "has closed its end" if self._end is None else ""

    async def _renew(self, wrong: str) -> None:
        """Starts another process in the place of one that is gone or hangs, and tells it the first time.

        A program is read from a disk, which may hang; and a path process ends with the thread that started it. So that
        is a thread of its own, which ends with this process.
        """
        if not self._wrong:
            what = f"the process of {self._name} {wrong}: it is started anew; until then nothing goes or comes by it"
            self._told(False, what)
        self._wrong = wrong
        self._let_go()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._urgent.clear()
        self._rest.clear()
        try:
            self._begin(*await self._loop.run_in_executor(self._starter, self._spawned))
        except OSError as error:
            self._wrong, self._began_s = f"cannot be started: {error}", self._loop.time()

    def _let_go(self) -> None:
        if self._end is not None:
            self._loop.remove_reader(self._end)
            self._loop.remove_writer(self._end)
            self._end.close()
        self._end, self._full = None, False

    def _ask(self) -> None:
        self._put(wire.ASK)

    def _put(self, message: bytes) -> bool:
        if self._end is None:
            return False
        try:
            return self._end.put(message)
        except Gone:
            self._let_go()
            return False

    def _flush(self) -> None:
        """Hands over what is to be sent; what is not taken now goes when there is room."""
        self._flushing = None
        for kind, queue in ((wire.FLASH, self._urgent), (wire.SEND, self._rest)):
            while queue:
                message, count = wire.packed(kind, tuple(islice(queue, wire.MOST)))
                if not self._put(message):
                    self._wait_for_room()
                    return
                for _ in range(count):
                    queue.popleft()
        if self._full and self._end is not None:
            self._loop.remove_writer(self._end)
            self._full = False

    def _wait_for_room(self) -> None:
        if self._end is not None and not self._full:
            self._loop.add_writer(self._end, self._flush)
            self._full = True

    def _read(self) -> None:
        """Takes in one message; nothing more is read before all of it was heard."""
        try:
            assert self._end is not None
            message = self._end.take()
        except Gone:
            self._let_go()
            return
        if message is None:
            return
        if message[:1] == wire.TOLD:
            self._hear_told(wire.heard(message))
            return
        self._came.extend(wire.unpacked(message))
        if len(self._came) > TAKEN_AT_ONCE:
            self._loop.remove_reader(self._end)
            self._hear_some(self._end)
            return
        self._hear_some(None)

    def _hear_some(self, resting: End | None) -> None:
        for _ in range(min(TAKEN_AT_ONCE, len(self._came))):
            number, datagram = self._came.popleft()
            self._heard(datagram, number)
        if self._came:
            self._loop.call_soon(self._hear_some, resting)
        elif resting is not None and resting is self._end:
            self._loop.add_reader(resting, self._read)

    def _hear_told(self, counts: dict[str, Any]) -> None:
        self.counts, self._answered_s, self._answered = counts, self._loop.time(), True
        if self._wrong:
            self._wrong = ""
            self._told(True, f"the process of {self._name} works again")
