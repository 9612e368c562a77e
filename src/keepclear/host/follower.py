"""One who follows what a node shows: the lines that wait for it, and whether it takes them.

The law: what lies in a buffer of ours or of the system nobody has seen; so both are kept small, and who has taken
nothing for a while does not count as somebody who sees. Lines that wait together are handed on together.
"""

import asyncio
import socket
from typing import Final

MAX_QUEUED: Final = 10_000  # lines that a follower may lag behind before it is cut off, and then sees so
STALLED_S: Final = 1.0  # a follower that has taken nothing for so long while something waits sees nothing
FOLLOWER_BYTES: Final = 8_192  # that the system may hold for a follower: what lies there nobody has seen
AT_ONCE: Final = 16  # lines handed on together: about as many as the system holds


class Follower:
    """One who is sent what is shown: the lines that wait for it, and since when it has taken none of them."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._owed = 0
        self._taken_s = 0.0

    def put(self, line: bytes, now_s: float) -> bool:
        """Another line for it; False if it lags too far behind: then it gets no more, and is cut off after these."""
        if self._lines.qsize() >= MAX_QUEUED:
            self._lines.put_nowait(None)
            return False
        if not self._owed:
            self._taken_s = now_s
        self._owed += 1
        self._lines.put_nowait(line)
        return True

    def sees(self, now_s: float) -> bool:
        """Whether it takes what it is sent."""
        return not self._owed or now_s - self._taken_s < STALLED_S

    async def hand_on(self, writer: asyncio.StreamWriter) -> None:
        """Writes line after line until it is cut off or gone. Raises ConnectionError when it is gone."""
        loop = asyncio.get_running_loop()
        writer.transport.set_write_buffer_limits(0)  # so that drained means handed to the system
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, FOLLOWER_BYTES)
        writer.write(b'{"event": "following"}\n')
        last = False
        while not last and (line := await self._lines.get()) is not None:
            lines = [line]
            while len(lines) < AT_ONCE and not last and not self._lines.empty():
                more = self._lines.get_nowait()
                last = more is None
                lines += [] if more is None else [more]
            writer.write(b"".join(lines))
            await writer.drain()
            self._owed -= len(lines)
            self._taken_s = loop.time()
