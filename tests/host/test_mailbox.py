"""A mailbox and who uses it, over real sockets: datagrams go both ways, and nothing that it does harms a node."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from click.testing import CliRunner
from tests.host import certificates

from keepclear.host import mailbox_door, mailbox_path, mailbox_server
from keepclear.host.cli import main
from keepclear.host.config import ConfigError, MailboxAt
from keepclear.host.mailbox_path import MailboxPath
from keepclear.host.mailbox_server import Mailbox, MailboxError
from keepclear.host.mailbox_store import MAX_ITEMS, Bounds, Fetch, Found, Put

WAIT_S = 20  # only how long a failing test takes to say so
TO_A, TO_B = b"a" * 32, b"b" * 32
HERE = ("127.0.0.1", 0)


class Ear:
    """What a node hears, and a way to wait for it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._news = asyncio.Event()

    def __call__(self, datagram: bytes, source: str) -> None:
        assert source == "peer"
        self.heard.append(datagram)
        self._news.set()

    async def until(self, datagram: bytes) -> None:
        while datagram not in self.heard:
            self._news.clear()
            await self._news.wait()


class User:
    """One node's half of the path, at work."""

    def __init__(self, url: str, out: bytes, into: bytes, ca: Path | None = None, name: str = "") -> None:
        self.ear = Ear()
        self.path = MailboxPath(self.ear, MailboxAt(url, ca, name, ("peer",)), {"peer": out}, {"peer": into})
        self._works = [asyncio.create_task(work()) for work in self.path.works()]

    def say(self, *datagrams: bytes, urgent: bool = False) -> None:
        self.path.send("peer", [pad(datagram) for datagram in datagrams], urgent)

    async def until_hears(self, datagram: bytes) -> None:
        await self.ear.until(pad(datagram))

    async def until_listening(self) -> None:
        await self.until(lambda: self.path.error == "" and b"" not in self.path._places.values())

    async def until(self, so: Callable[[], bool]) -> None:
        while not so():
            self._alive()
            await asyncio.sleep(0)

    def _alive(self) -> None:
        for work in self._works:
            if work.done():
                work.result()

    async def close(self) -> None:
        self._alive()
        for work in self._works:
            work.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)
        await self.path.close()


def pad(datagram: bytes) -> bytes:
    return datagram.ljust(19, b".")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_path, "RETRY_S", (0.01, 0.02))


@asynccontextmanager
async def pair(
    url: str, ca: Path | None = None, name: str = "", listening: bool = True
) -> AsyncIterator[tuple[User, User]]:
    users = User(url, TO_B, TO_A, ca, name), User(url, TO_A, TO_B, ca, name)
    try:
        async with asyncio.timeout(WAIT_S):
            for user in users if listening else ():
                await user.until_listening()
            yield users
    finally:
        for user in users:
            await user.close()


@asynccontextmanager
async def opened(*given: Path, bounds: Bounds | None = None) -> AsyncIterator[Mailbox]:
    box = Mailbox(HERE, *given, bounds=bounds)
    await box.open()
    try:
        yield box
    finally:
        await box.close()


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


def test_datagrams_go_both_ways_and_each_is_heard_once_in_sequence() -> None:
    async def story() -> None:
        async with opened() as box, pair(box.url) as (a, b):
            said = [b"%d" % n for n in range(1_000)]
            for n in range(0, 1_000, 100):
                a.say(*said[n : n + 100])
            b.say(b"back")
            await b.until_hears(b"999")
            await a.until_hears(b"back")
            assert b.ear.heard == [pad(one) for one in said]
            assert a.path.counts.put == b.path.counts.fetched == 1_000
            assert a.path.counts.requests < 60, "many in one request"

    run(story)


def test_what_was_there_before_a_start_belongs_to_sessions_that_are_over_and_is_not_fetched() -> None:
    async def story() -> None:
        async with opened() as box:
            box.store.put([(TO_B, pad(b"old"))], "127.0.0.1", 0)
            async with pair(box.url) as (a, b):
                a.say(b"new")
                await b.until_hears(b"new")
                assert b.ear.heard == [pad(b"new")]

    run(story)


def test_urgent_ones_do_not_wait_behind_the_others() -> None:
    async def story() -> None:
        async with opened() as box, pair(box.url) as (a, b):
            a.say(*[b"%d" % n for n in range(1_000)])
            a.say(b"flash", urgent=True)
            await b.until_hears(b"flash")
            assert b.ear.heard.index(pad(b"flash")) <= 2 * mailbox_path.BATCH_ITEMS

    run(story)


def test_over_tls_with_the_certificate_that_was_given_and_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "other").mkdir()
        certificate, key = certificates.make(tmp_path)
        other, _ = certificates.make(tmp_path / "other")
        async with opened(certificate, key) as box:
            assert box.url.startswith("https://127.0.0.1:")
            async with pair(box.url, certificate) as (a, b):
                a.say(b"sealed twice")
                await b.until_hears(b"sealed twice")
            for ca in (other, None):
                async with pair(box.url, ca, listening=False) as (a, b):
                    a.say(b"to whom")
                    await a.until(lambda a=a: a.path.counts.failures > 2)  # type: ignore[misc]
                    assert "certificate" in a.path.error.lower()
                    assert b.ear.heard == []

    run(story)


def test_a_certificate_of_a_name_is_held_against_the_name_that_was_configured(tmp_path: Path) -> None:
    async def story() -> None:
        certificate, key = certificates.make(tmp_path, "mailbox.example")
        async with opened(certificate, key) as box:
            async with pair(box.url, certificate, "mailbox.example") as (a, b):
                a.say(b"named")
                await b.until_hears(b"named")
            async with pair(box.url, certificate, "another.example", listening=False) as (a, _):
                a.say(b"lost")
                await a.until(lambda: a.path.counts.failures > 2)
                assert "another.example" in a.path.error

    run(story)


def test_a_mailbox_that_dies_is_told_of_and_used_again_when_it_is_back() -> None:
    async def story() -> None:
        first = Mailbox(HERE)
        await first.open()
        port = int(first.url.rpartition(":")[2])
        async with pair(first.url) as (a, b):
            a.say(b"one")
            await b.until_hears(b"one")
            await first.close()
            a.say(b"while it is away")
            await a.until(lambda: "Cannot connect" in a.path.error)
            await b.until(lambda: "Cannot connect" in b.path.error)
            again = Mailbox(("127.0.0.1", port))
            await again.open()
            await b.until(lambda: b.path.error == "")
            a.say(b"two")
            await b.until_hears(b"two")
            assert b.ear.heard.count(pad(b"one")) == 1, "the new one has not got it"
            await again.close()

    run(story)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(bytes(65_536))


async def _silent(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def _says(body: bytes, status: int = 200, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return answer


FOUND = msgspec.msgpack.encode([Found(b"p" * 16, [b"\xff" * 40] * 200)])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_says(b"no"), "mailbox|Expected|int|array"),
        (_says(b"", 500), "answers 500"),
        (_says(b"", 302, Location="http://127.0.0.1:9/put"), "answers 302"),
        (_says(msgspec.msgpack.encode([])), "0 answers on 1 boxes|Expected"),
        (_endless, "more than 262144 bytes"),
        (_silent, "Timeout|timeout"),
    ],
    ids=["garbage", "error", "redirect", "short", "endless", "silent"],
)
def test_whatever_a_mailbox_answers_the_path_goes_on_and_says_what_is_wrong(
    answer: Answer, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_path, "ANSWER_S", 0.05)
    monkeypatch.setattr(mailbox_path, "WAIT_MS", 10)

    async def story() -> None:
        async with hostile(answer) as url, pair(url, listening=False) as (a, b):
            errors: list[str] = []
            while a.path.counts.failures < 5 or b.path.counts.failures < 5:
                a.say(b"any")
                errors.append(b.path.error)
                a._alive()
                await asyncio.sleep(0)
            assert any(word in one for one in errors for word in error.split("|")), set(errors)
            assert a.ear.heard == []

    run(story)


@asynccontextmanager
async def hostile(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{what}", answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def test_a_flood_from_the_mailbox_is_read_by_allowance_and_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailbox_path, "PACE_S", 0)
    monkeypatch.setattr(mailbox_path, "READS_PER_SECOND", 1_000)

    async def story() -> None:
        async with hostile(_says(FOUND)) as url, pair(url, listening=False) as (_, b):
            turns = 0
            before = asyncio.get_running_loop().time()
            while b.path.counts.over_rate < 2_000:
                turns += 1
                await asyncio.sleep(0)
            took_s = asyncio.get_running_loop().time() - before
            assert b.path.counts.fetched <= 1_000 * (took_s + 1) + 200
            assert turns > 2_000 // mailbox_path.READS_AT_ONCE

    run(story)


def test_a_queue_that_cannot_be_put_keeps_the_newest() -> None:
    async def story() -> None:
        path = MailboxPath(Ear(), MailboxAt("http://127.0.0.1:9", None, "", ()), {"peer": TO_B}, {})
        path.send("peer", [b"%d" % n for n in range(3_000)])
        path.send("stranger", [b"no box"])
        assert path.counts.dropped == 3_000 - mailbox_path.MAX_QUEUE
        assert path._batch(path._bulk)[0][1] == b"%d" % (3_000 - mailbox_path.MAX_QUEUE)
        path._bulk.appendleft((path._now_ms() - mailbox_path.STALE_MS - 1, TO_B, b"too late"))
        assert path._batch(path._bulk)[0][1] != b"too late"
        await path.close()

    run(story)


async def asked(url: str, body: bytes) -> int:
    async with aiohttp.ClientSession() as http, http.post(url, data=body) as answer:
        return answer.status


def test_what_is_malformed_too_much_or_too_often_is_refused_and_others_are_served() -> None:
    async def story() -> None:
        encode = msgspec.msgpack.encode
        async with opened() as box:
            assert await asked(box.url + "/put", b"\xc1") == 400
            assert await asked(box.url + "/put", encode([["text", 1]])) == 400
            assert await asked(box.url + "/put", encode(Put([(TO_A, bytes(40))] * (MAX_ITEMS + 1)))) == 400
            assert await asked(box.url + "/put", bytes(200_000)) == 413
            assert await asked(box.url + "/fetch", encode(Fetch(30_000, []))) == 400
            assert await asked(box.url + "/fetch", encode(Fetch(0, [(TO_A, b"")] * 65))) == 400
            assert await asked(box.url + "/", b"") == 404
            assert await asked(box.url + "/put", encode(Put([(TO_A, bytes(40))] * MAX_ITEMS))) == 200
        async with opened(bounds=Bounds(requests_per_s=2)) as box:
            codes = [await asked(box.url + "/put", encode(Put([]))) for _ in range(20)]
            assert codes.count(429) >= 10
            assert codes[:4] == [200] * 4

    run(story)


def test_only_so_many_may_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_server, "WAITING_OF_ADDRESS", 2)

    async def story() -> None:
        async with opened() as box:
            place = msgspec.convert(box.store.fetch([(TO_A, b"")], "127.0.0.1", 0)[0], Found).place
            body = msgspec.msgpack.encode(Fetch(20_000, [(TO_A, place)]))
            waiting = [asyncio.create_task(asked(box.url + "/fetch", body)) for _ in range(5)]
            while sum(one.done() for one in waiting) < 3:
                await asyncio.sleep(0)
            assert {one.result() for one in waiting if one.done()} == {503}
            await asked(box.url + "/put", msgspec.msgpack.encode(Put([(TO_A, bytes(40))])))
            async with asyncio.timeout(WAIT_S):
                assert sorted(await asyncio.gather(*waiting)) == [200, 200, 503, 503, 503]
            assert not box._waiting
            assert not box._waits

    run(story)


async def _knock(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))


def test_one_address_has_a_share_of_the_connections_and_gets_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_door, "OF_ADDRESS", 3)

    async def story() -> None:
        async with opened() as box, asyncio.timeout(WAIT_S):
            assert box._door is not None
            held = [await _knock(box.url) for _ in range(3)]
            while box._door.within.total() < 3:
                await asyncio.sleep(0)
            refused, _ = await _knock(box.url)
            assert await refused.read() == b""
            assert box._door.refused == 1
            for _, writer in held:
                writer.close()
            while box._door.within:
                await asyncio.sleep(0)
            assert await asked(box.url + "/put", msgspec.msgpack.encode(Put([]))) == 200

    run(story)


def test_a_connection_that_asks_nothing_in_time_is_cut_off_and_one_that_has_asked_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailbox_door, "ASKS_WITHIN_S", 0.05)

    async def story() -> None:
        async with opened() as box, asyncio.timeout(WAIT_S):
            idle, writer = await _knock(box.url)
            writer.write(b"POST /put HTTP/1.1\r\nHost: a\r\nContent-Le")
            body = msgspec.msgpack.encode(Put([]))
            head = b"POST /put HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
            stays, other = await _knock(box.url)
            other.write(head + body)
            assert await stays.readuntil(b"\r\n\r\n")
            await stays.readexactly(1)
            assert await idle.read() == b""
            other.write(head + body)
            assert (await stays.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            other.close()

    run(story)


def test_the_command_says_what_is_wrong_and_what_to_do() -> None:
    for options, text, hint in [
        (
            ["--listen", "0.0.0.0:0"],
            "0.0.0.0 can be reached from other machines",
            "give --cert and --key, or 127.0.0.1",
        ),
        (
            ["--listen", "mailbox.example:1"],
            "--listen mailbox.example:1: no number and port",
            "write it as 192.0.2.9:47200",
        ),
        (["--listen", "127.0.0.1:0", "--cert", __file__], "no certificate and key could be read", "give PEM files"),
        (["--listen", "192.0.2.1:0", "--cert", __file__], "no certificate and key could be read", "give PEM files"),
    ]:
        done = CliRunner().invoke(main, ["mailbox", *options])
        assert done.exit_code == 2
        said, hinted = done.stderr.splitlines()
        assert text in said
        assert hinted.startswith(f"hint: {hint}")


def test_it_listens_in_the_open_only_with_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(MailboxError, match="can be reached from other machines: give --cert and --key"):
        Mailbox(("0.0.0.0", 0))
    (tmp_path / "no.pem").write_text("no certificate")
    with pytest.raises(MailboxError, match="no certificate and key could be read"):
        Mailbox(HERE, tmp_path / "no.pem")


def test_certificates_that_cannot_be_read_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    async def story() -> None:
        for ca in (tmp_path / "none.pem", Path(__file__)):
            with pytest.raises(ConfigError, match=r"mailbox\.ca: no certificate can be read from it"):
                MailboxPath(Ear(), MailboxAt("https://127.0.0.1:9", ca, "", ()), {}, {})

    run(story)
