"""The mailbox path: what goes to peers is put into their boxes, what is in ours is fetched, in the run loop.

The law: it carries the same sealed datagrams as the datagram path, and believes the mailbox nothing: what comes in is
opened by the session or dropped. It never holds the node up: queues are bounded, the newest is kept, what waited too
long is dropped (the line says it again if it still matters); answers are bounded in size and read a few at a time; a
mailbox that does not answer is asked again after a growing pause, for ever. It raises nothing for what the network or
the mailbox does. Urgent datagrams (FLASH, heartbeats, handshakes) have a queue and a request of their own.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import aiohttp
import msgspec

from keepclear.host.config import MailboxAt, certificates
from keepclear.host.mailbox_store import Fetch, Found, Put
from keepclear.line.bucket import Bucket

MAX_QUEUE: Final = 1_024  # datagrams waiting to be put, in each queue
STALE_MS: Final = 5_000  # what has waited so long has been said again since
BATCH_ITEMS: Final = 128
BATCH_BYTES: Final = 65_536  # half a second at 1 Mbit/s
WAIT_MS: Final = 3_000  # how long the mailbox may hold a question for something to come
ANSWER_S: Final = 5.0  # beyond that
CONNECT_S: Final = 5.0
PACE_S: Final = 0.02  # between two requests of one sort: 200 a second in all
RETRY_S: Final = (0.25, 5.0)
MAX_ANSWER: Final = 262_144
READS_AT_ONCE: Final = 64  # then the loop's other work has its turn
READS_PER_SECOND: Final = 5_000

Waiting = deque[tuple[int, bytes, bytes]]  # when it came, box, datagram
Work = Callable[[], Coroutine[None, None, None]]
T = TypeVar("T")


class Unheard(Exception):
    """The mailbox has not answered as it should; the text says how."""


@dataclass
class Counts:
    """What became of datagrams and requests since the start."""

    put: int = 0
    fetched: int = 0
    dropped: int = 0
    over_rate: int = 0
    requests: int = 0
    failures: int = 0


class MailboxPath:
    """A mailbox in use. `boxes_out` and `boxes_in` are the names of the boxes to and from each peer. `heard(datagram,
    peer)` is called for each datagram, with the name of the peer whose box it was in.

    Raises ConfigError when no certificates can be read from the file that is configured.
    """

    def __init__(
        self,
        heard: Callable[[bytes, str], None],
        at: MailboxAt,
        boxes_out: Mapping[str, bytes],
        boxes_in: Mapping[str, bytes],
    ) -> None:
        self.counts = Counts()
        self.error = "not asked yet"
        self._heard = heard
        self._url = at.url
        self._name = at.name or None
        self._out = dict(boxes_out)
        self._places = dict.fromkeys(boxes_in.values(), b"")
        self._names = {box: name for name, box in boxes_in.items()}
        self._allowance = Bucket(READS_PER_SECOND, READS_PER_SECOND)
        self._urgent: Waiting = deque(maxlen=MAX_QUEUE)
        self._bulk: Waiting = deque(maxlen=MAX_QUEUE)
        self._wanted = {id(self._urgent): asyncio.Event(), id(self._bulk): asyncio.Event()}
        # No proxy, no redirect, no cookie, nothing unpacked: the address is the one that was configured.
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=8, ssl=certificates(at) or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "keepclear", "Accept-Encoding": "identity"},
            auto_decompress=False,
        )

    def works(self) -> tuple[Work, ...]:
        """What has to go on for as long as the path is used.

        Urgent ones are put by two at once: one that waits for its answer does not hold the next heartbeat.
        """
        urgent = [lambda: self._put(self._urgent)] * 2
        return (*urgent, lambda: self._put(self._bulk), self._fetch)

    def send(self, name: str, datagrams: Sequence[bytes], urgent: bool = False) -> None:
        """Queues datagrams for a peer that has a box. When the queue is full, the oldest give way."""
        box = self._out.get(name)
        if box is None:
            return
        queue, now_ms = self._urgent if urgent else self._bulk, self._now_ms()
        self.counts.dropped += max(0, len(queue) + len(datagrams) - MAX_QUEUE)
        queue.extend((now_ms, box, datagram) for datagram in datagrams)
        self._wanted[id(queue)].set()

    async def close(self) -> None:
        """Lets go of all connections."""
        await self._http.close()

    async def _put(self, queue: Waiting) -> None:
        wanted = self._wanted[id(queue)]
        pause_s = RETRY_S[0]
        while True:
            await wanted.wait()
            batch = self._batch(queue)
            if not queue:
                wanted.clear()
            if not batch:
                continue
            try:
                taken = await self._ask("/put", Put(batch), int, 0.0)
            except Unheard as error:
                pause_s = await self._rest(error, pause_s)
            else:
                self.counts.put += taken
                self.counts.dropped += max(0, len(batch) - taken)
                pause_s = RETRY_S[0]
                await asyncio.sleep(PACE_S)

    async def _fetch(self) -> None:
        pause_s = RETRY_S[0]
        while self._places:
            asked = list(self._places.items())
            try:
                found = await self._ask("/fetch", Fetch(WAIT_MS, asked), list[Found], WAIT_MS / 1_000)
                if len(found) != len(asked):
                    raise Unheard(f"{len(found)} answers on {len(asked)} boxes")
            except Unheard as error:
                pause_s = await self._rest(error, pause_s)
                continue
            pause_s = RETRY_S[0]
            for (box, _), one in zip(asked, found, strict=True):
                self._places[box] = one.place[:64]
                await self._take(one.datagrams, self._names[box])
            await asyncio.sleep(PACE_S)

    async def _take(self, datagrams: list[bytes], name: str) -> None:
        for number, datagram in enumerate(datagrams, 1):
            if not self._allowance.take(self._now_ms()):
                self.counts.over_rate += 1
                continue
            self.counts.fetched += 1
            self._heard(datagram, name)
            if number % READS_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _rest(self, error: Unheard, pause_s: float) -> float:
        """Waits before the next attempt; how long to wait after that one."""
        self.error = str(error)
        self.counts.failures += 1
        await asyncio.sleep(pause_s)
        return min(2 * pause_s, RETRY_S[1])

    def _batch(self, queue: Waiting) -> list[tuple[bytes, bytes]]:
        oldest_ms, size = self._now_ms() - STALE_MS, 0
        out: list[tuple[bytes, bytes]] = []
        while queue and len(out) < BATCH_ITEMS and size < BATCH_BYTES:
            came_ms, box, datagram = queue.popleft()
            if came_ms < oldest_ms:
                self.counts.dropped += 1
                continue
            out.append((box, datagram))
            size += len(datagram)
        return out

    async def _ask(self, what: str, question: Put | Fetch, kind: type[T], wait_s: float) -> T:
        """One question and its answer. Raises Unheard."""
        self.counts.requests += 1
        times = aiohttp.ClientTimeout(
            total=CONNECT_S + wait_s + ANSWER_S, connect=CONNECT_S, sock_read=wait_s + ANSWER_S
        )
        try:
            async with self._http.post(
                self._url + what, data=msgspec.msgpack.encode(question), timeout=times, allow_redirects=False,
                server_hostname=self._name,
            ) as answer:  # fmt: skip
                if answer.status != 200:
                    raise Unheard(f"{self._url} answers {answer.status}")
                data = await _bounded(answer.content)
            decoded = msgspec.msgpack.decode(data, type=kind)
        except (aiohttp.ClientError, OSError, msgspec.MsgspecError) as error:  # a TimeoutError is an OSError
            raise Unheard(f"{self._url}: {str(error) or type(error).__name__}") from error
        self.error = ""
        return decoded

    @staticmethod
    def _now_ms() -> int:
        return int(asyncio.get_running_loop().time() * 1_000)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    data = bytearray()
    async for chunk in content.iter_any():
        data += chunk
        if len(data) > MAX_ANSWER:
            raise Unheard(f"an answer of more than {MAX_ANSWER} bytes")
    return bytes(data)
