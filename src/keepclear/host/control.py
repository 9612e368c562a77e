"""How the command line talks to a running node: JSON lines over a Unix socket in the node's private directory.

The law: whoever can enter the directory (0700) is the node's own people. A request is one object with a `do`; the
answer is one object with `ok`, and `error` and `hint` when it is false. After `follow` the connection turns into a
stream of what is shown and alarmed, and counts as somebody who sees it while it takes what it is sent. A statement is
confirmed when it is signed and on disk: what `say` has answered, no crash takes back. Requests may follow each other
without waiting for the answers, which come in the sequence of the requests.
"""

import asyncio
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from keepclear.accord.statement import Precedence
from keepclear.host import carried, views
from keepclear.host.client import SOCKET, short
from keepclear.host.identity import IdentityError
from keepclear.host.keys import KeyFileError
from keepclear.host.letter import LetterError
from keepclear.host.service import Service
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Brought, Close, LetGo, Say, Stamp
from keepclear.record import key_list
from keepclear.record.entry import Draft, Release
from keepclear.record.genesis import Mode
from keepclear.record.key_list import BadList

MAX_REQUEST: Final = 1_048_576
MAX_CLIENTS: Final = 16
MAX_QUEUED: Final = 10_000  # lines that a follower may lag behind before it is cut off, and then sees so
MAX_PIPELINED: Final = 500  # requests of one client that are answered at the same time; half of what a signer may owe
SAY_TIMEOUT_S: Final = 10.0
STALLED_S: Final = 1.0  # a follower that has taken nothing for so long while something waits sees nothing
FOLLOWER_BYTES: Final = 8_192  # that the system may hold for a follower: what lies there nobody has seen

TOKEN_BYTES: Final = 16

Answer = dict[str, Any]
Said = tuple[Show, bool]  # what became of a statement or of what was brought, and whether it is on disk


class Follower:
    """One who is sent what is shown: the lines that wait for it, and since when it has taken none of them."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._owed = 0
        self._taken_s = 0.0

    def put(self, line: bytes, now_s: float) -> None:
        """Another line for it."""
        if not self._owed:
            self._taken_s = now_s
        self._owed += 1
        self.lines.put_nowait(line)

    def took(self, now_s: float) -> None:
        """It has taken a line."""
        self._owed -= 1
        self._taken_s = now_s

    def sees(self, now_s: float) -> bool:
        """Whether it takes what it is sent."""
        return not self._owed or now_s - self._taken_s < STALLED_S


class Control:
    """The control socket of a service."""

    def __init__(self, service: Service, flush: Callable[[], None]) -> None:
        """`flush` hands on what the track ports have gathered."""
        self._service = service
        self._flush = flush
        self._followers: list[Follower] = []
        self._waiting: dict[bytes, asyncio.Future[Said]] = {}
        self._wet: deque[tuple[int, asyncio.Future[Said], Show]] = deque()
        self._clients = 0
        service.listeners.append(self._told)
        service.settled.append(self._settled)

    async def start(self) -> asyncio.Server:
        """Opens the socket; one left behind by a process that ended is replaced."""
        path = self._service.config.dir / SOCKET
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self.serve, path=short(path), limit=MAX_REQUEST)
        os.chmod(path, 0o600)
        return server

    def _told(self, told: Show | Alarm, stamp: Stamp) -> bool:
        if isinstance(told, Show) and told.what in ("said", "brought", "refused") and told.facts:
            waiting = self._waiting.pop(told.facts[0], None)
            if waiting is not None and self._goes_on_no_disk(told) and not waiting.done():
                waiting.set_result((told, False))
            elif waiting is not None and told.what != "refused":
                self._wet.append((self._service.node.state.n, waiting, told))
            elif waiting is not None and not waiting.done():
                waiting.set_result((told, False))
        line = msgspec.json.encode(views.event(self._service, told, stamp)) + b"\n" if self._followers else b""
        now_s = asyncio.get_running_loop().time()
        seen = any(follower.sees(now_s) for follower in self._followers)
        for follower in list(self._followers):
            if follower.lines.qsize() >= MAX_QUEUED:
                self._followers.remove(follower)
                follower.lines.put_nowait(None)
            else:
                follower.put(line, now_s)
        return seen

    def _goes_on_no_disk(self, told: Show) -> bool:
        """Whether it is a FLASH that has gone out although the disk hangs: its officer does not wait for the disk."""
        return told.what == "said" and told.precedence == Precedence.FLASH and self._service.hands.disk_hangs

    def _settled(self, upto: int, durable: bool) -> None:
        while self._wet and self._wet[0][0] <= upto:
            _, waiting, told = self._wet.popleft()
            if not waiting.done():
                waiting.set_result((told, durable))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one who asks, until he goes."""
        self._clients += 1
        answers: asyncio.Queue[asyncio.Task[Answer]] = asyncio.Queue(MAX_PIPELINED)
        writing = asyncio.create_task(self._write_answers(answers, writer))
        try:
            while self._clients <= MAX_CLIENTS and (line := await reader.readline()):
                request = _parsed(line)
                if request.get("do") == "follow":
                    await answers.join()
                    await self._follow(writer)
                    return
                if request.get("do") == "pulse":
                    self._service.watchdogs.attend(writer)
                await answers.put(asyncio.create_task(self._answer(request)))
            await answers.join()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # the other end is gone, its line was beyond the limit, or the node ends
        finally:
            self._clients -= 1
            writing.cancel()
            writer.close()

    async def _write_answers(
        self, answers: "asyncio.Queue[asyncio.Task[Answer]]", writer: asyncio.StreamWriter
    ) -> None:
        while True:
            answer = await answers.get()
            try:
                writer.write(msgspec.json.encode(await answer) + b"\n")
                await writer.drain()
            except ConnectionError:
                pass  # the other end is gone; what it asked for is done all the same
            except Exception as error:
                self._service.end(error)
            finally:
                answers.task_done()

    async def _follow(self, writer: asyncio.StreamWriter) -> None:
        follower, loop = Follower(), asyncio.get_running_loop()
        writer.transport.set_write_buffer_limits(0)  # so that drained means handed to the system
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, FOLLOWER_BYTES)
        self._followers.append(follower)
        try:
            writer.write(b'{"event": "following"}\n')
            while (line := await follower.lines.get()) is not None:
                writer.write(line)
                await writer.drain()
                follower.took(loop.time())
        finally:
            if follower in self._followers:
                self._followers.remove(follower)

    async def _answer(self, request: dict[str, Any]) -> Answer:
        verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "facts": lambda _: views.facts(self._service),
            "status": lambda _: views.status(self._service),
            "matters": lambda r: views.matters(self._service, bool(r.get("all"))),
            "entry": lambda r: views.entry(self._service, str(r.get("leaf", ""))),
            "record": lambda r: views.write_record(self._service, Path(str(r.get("path", "")))),
            "tally": lambda _: views.tally(self._service),
            "lacking": lambda r: carried.lacking(self._service, r.get("member")),
            "entries": lambda r: carried.entries(self._service, r),
            "pulse": self._pulse,
            "tests": lambda _: views.tests(self._service),
            "let-go": self._let_go,
            "clock": self._clock,
            "settle": self._settle,
            "keys": lambda _: views.keys(self._service),
            "announce": self._announce,
            "checkpoint": self._checkpoint,
        }
        what = request.get("do")
        try:
            if what == "say":
                return {"ok": True, **await self._say(request)}
            if what == "bring":
                return {"ok": True, **await self._bring(request)}
            if what not in verbs:
                return _refusal(f"{what!r} is no request", f"known are follow, say, bring, {', '.join(verbs)}")
            return {"ok": True, **verbs[what](request)}
        except views.Unanswerable as error:
            return _refusal(str(error), error.hint)
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
            return _refusal(f"{what}: {error}", "see keepclear --help")

    async def _say(self, request: dict[str, Any]) -> Answer:
        draft = msgspec.msgpack.decode(bytes.fromhex(request["draft"]), type=Draft)
        seed = bytes.fromhex(request["seed"])
        releases = tuple(Release(int(key), bytes.fromhex(signature)) for key, signature in request["releases"])
        text = f"not signed and on disk within {SAY_TIMEOUT_S:.0f} s; it may have been said all the same"
        late = views.Unanswerable(text, "look with keepclear status before it is said again")
        taken = Say(self._service.stamp(), draft, int(request["epoch"]), seed, releases)
        shown, durable = await self._outcome(seed, taken, late)
        if shown.what == "refused" or shown.leaf is None:
            raise views.Unanswerable(shown.text, "nothing was written; mend it and say it again")
        if not durable and draft.precedence != Precedence.FLASH:
            text = "signed and shown here, but neither on disk nor sent: the disk has failed, only FLASH goes out"
            raise views.Unanswerable(text, "say it by other means; look at the disk, then end the node and start anew")
        return {"leaf": shown.leaf.hex(), "seq": shown.facts[1], "durable": durable}

    async def _bring(self, request: dict[str, Any]) -> Answer:
        token = secrets.token_bytes(TOKEN_BYTES)
        text = f"not on disk within {SAY_TIMEOUT_S:.0f} s; it is shown all the same"
        late = views.Unanswerable(text, "bring it again: what is here already is known")
        taken = carried.brought(self._service.stamp(), token, request)
        shown, durable = await self._outcome(token, taken, late)
        if not durable:
            text = "shown here, but not on disk: the disk has failed, nothing is receipted"
            raise views.Unanswerable(text, "look at the disk, end the node and start anew, then bring it again")
        _, new, known, refused = shown.facts
        return {"new": new, "known": known, "refused": refused}

    async def _outcome(self, name: bytes, taken: Say | Brought, late: views.Unanswerable) -> Said:
        """What has become of an input, by the name that it carries: what was shown, and whether it is on disk."""
        waiting = self._waiting[name] = asyncio.get_running_loop().create_future()
        self._service.take(taken)
        try:
            return await asyncio.wait_for(waiting, SAY_TIMEOUT_S)
        except TimeoutError:
            raise late from None
        finally:
            self._waiting.pop(name, None)

    def _let_go(self, request: dict[str, Any]) -> Answer:
        flights = tuple(str(flight) for flight in request["flights"])
        lost = self._service.node.state.advice.lost
        if unknown := [flight for flight in flights if flight not in lost]:
            text = f"{', '.join(map(repr, unknown))} is no lost track"
            raise views.Unanswerable(text, "keepclear status lists them; a track that is heard of cannot be let go")
        self._service.take(LetGo(self._service.stamp(), flights))
        return {"lost": len(lost)}

    def _pulse(self, request: dict[str, Any]) -> Answer:
        self._service.watchdogs.asked(request)
        return views.pulse(self._service)

    def _clock(self, request: dict[str, Any]) -> Answer:
        if self._service.identity.genesis.mode is Mode.LIVE:
            raise views.Unanswerable("a LIVE line keeps real time", "make a line in mode EXERCISE for a scenario")
        self._service.jump(int(request["anchor_ns"]), int(request["wall_ms"]))
        return {}

    def _settle(self, _: dict[str, Any]) -> Answer:
        self._flush()
        return {"busy": views.is_busy(self._service)}

    def _announce(self, request: dict[str, Any]) -> Answer:
        document = bytes.fromhex(str(request["document"]))
        try:
            one = key_list.read(document, self._service.identity.genesis)
            self._service.hold((document,))
        except (BadList, IdentityError, KeyFileError, LetterError) as error:
            raise views.Unanswerable(str(error), "docs/operate/keys.md explains the steps") from error
        return {"member": one.body.member, "number": one.body.number, **views.keys(self._service)}

    def _checkpoint(self, _: dict[str, Any]) -> Answer:
        self._service.take(Close(self._service.stamp()))
        return {}


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"do": None}


def _refusal(error: str, hint: str) -> Answer:
    return {"ok": False, "error": error, "hint": hint}
