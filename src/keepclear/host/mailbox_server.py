"""A mailbox as a server: two questions over HTTPS, PUT these datagrams and FETCH what has come, asked as POST.

The law: over plain HTTP it listens on this machine alone. It keeps nothing on a disk, writes nothing down, and answers
each request from memory; it holds no key and cannot tell whose datagrams these are. Bodies, waiting requests and
connections have bounds; what is over one is answered 4xx or 503 and forgotten.
"""

import asyncio
import os
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from keepclear.host.config import Address
from keepclear.host.mailbox_door import Door
from keepclear.host.mailbox_store import (
    MAX_BODY,
    MAX_BOXES_ASKED,
    MAX_ITEMS,
    MAX_WAIT_MS,
    RUN_BYTES,
    Bounds,
    Fetch,
    Put,
    Store,
    address_of,
)

READ_S: Final = 5.0  # for a body to come in
SWEEP_S: Final = 1.0
WAITING_OF_ADDRESS: Final = 64
WAITING: Final = 512
IDLE_S: Final = 30.0  # a connection between two requests
HANDSHAKE_S: Final = 5.0
END_S: Final = 0.5  # for what is being answered when it ends

_encode: Final = msgspec.msgpack.Encoder().encode
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.Response]]


class MailboxError(Exception):
    """This mailbox cannot be opened; the text says why and what to do."""


class Mailbox:
    """One mailbox in the running loop. Raises MailboxError when it may not listen so, or has no certificate."""

    def __init__(
        self, listen: Address, certificate: Path | None = None, key: Path | None = None, bounds: Bounds | None = None
    ) -> None:
        if certificate is None and not ip_address(listen[0]).is_loopback:
            raise MailboxError(f"{listen[0]} can be reached from other machines: give --cert and --key, or 127.0.0.1")
        self._listen = listen
        self._ssl = None if certificate is None else _context(certificate, key)
        self.store = Store(os.urandom(RUN_BYTES), bounds)
        self._waiting: dict[bytes, set[asyncio.Event]] = {}
        self._waits: Counter[str] = Counter()
        self._door: Door | None = None
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{'https' if self._ssl else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    async def open(self) -> None:
        """Begins to listen. Raises OSError for an address that is taken."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_post("/put", self._put)
        app.router.add_post("/fetch", self._fetch)
        self._runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=IDLE_S, handler_cancellation=True, shutdown_timeout=END_S
        )
        await self._runner.setup()
        assert self._runner.server is not None
        self._door = Door(self._runner.server)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._door, *self._listen, ssl=self._ssl, ssl_handshake_timeout=HANDSHAKE_S if self._ssl else None
            )
        except OSError:
            await self._runner.cleanup()
            raise
        self._sweeper = loop.create_task(self._sweep())

    async def close(self) -> None:
        """Ends; whoever waits is let go."""
        if self._server is None or self._runner is None or self._sweeper is None:
            return
        self._sweeper.cancel()
        self._server.close()
        for events in self._waiting.values():
            for event in events:
                event.set()
        await self._runner.cleanup()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.store.sweep(_now_ms())

    async def _put(self, request: web.Request) -> web.Response:
        address, asked = await self._taken(request, Put)
        if len(asked.items) > MAX_ITEMS:
            raise _bad(f"{len(asked.items)} datagrams, at most {MAX_ITEMS}")
        taken = self.store.put(asked.items, address, _now_ms())
        for name in set(taken):
            for event in self._waiting.get(name, ()):
                event.set()
        return _answer(len(taken))

    async def _fetch(self, request: web.Request) -> web.Response:
        address, asked = await self._taken(request, Fetch)
        if not 0 <= asked.wait_ms <= MAX_WAIT_MS or len(asked.boxes) > MAX_BOXES_ASKED:
            raise _bad(f"at most {MAX_BOXES_ASKED} boxes and {MAX_WAIT_MS} ms")
        found = self.store.fetch(asked.boxes, address, _now_ms())
        news = any(one.datagrams for one in found) or not all(place for _, place in asked.boxes)
        if asked.wait_ms and not news:
            await self._wait({name for name, _ in asked.boxes}, asked.wait_ms, address)
            found = self.store.fetch(asked.boxes, address, _now_ms())
        return _answer(found)

    async def _wait(self, names: set[bytes], wait_ms: int, address: str) -> None:
        """Until something comes into one of the boxes."""
        if self._waits[address] >= WAITING_OF_ADDRESS or self._waits.total() >= WAITING:
            raise web.HTTPServiceUnavailable(text="too many wait here")
        event = asyncio.Event()
        self._waits[address] += 1
        for name in names:
            self._waiting.setdefault(name, set()).add(event)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), wait_ms / 1_000)
        finally:
            self._waits -= Counter({address: 1})
            for name in names:
                self._waiting[name].discard(event)
                if not self._waiting[name]:
                    del self._waiting[name]

    async def _taken(self, request: web.Request, kind: type[T]) -> tuple[str, T]:
        """Whose request this is, and what it asks; refused by its rate, its size or its shape."""
        if self._door is not None:
            self._door.asked(request.protocol)
        address = address_of(request.remote or "")
        if not self.store.may_ask(address, _now_ms()):
            raise web.HTTPTooManyRequests(text="more requests than are taken in a second")
        try:
            body = await asyncio.wait_for(request.read(), READ_S)
            return address, msgspec.msgpack.decode(body, type=kind)
        except TimeoutError as error:
            raise web.HTTPRequestTimeout from error
        except msgspec.MsgspecError as error:
            raise _bad("not of the form in spec/mailbox.md") from error


def _bad(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=text)


def _answer(value: object) -> web.Response:
    return web.Response(body=_encode(value), content_type="application/msgpack", headers={"Server": "keepclear"})


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1_000)


def _context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise MailboxError(
            f"{certificate}: no certificate and key could be read: {error}: give PEM files with --cert and --key"
        ) from error
    return context
