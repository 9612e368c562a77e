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
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from keepclear.accord.statement import Precedence
from keepclear.host import carried, view_attached, views
from keepclear.host.client import SOCKET, short
from keepclear.host.follower import Follower
from keepclear.host.identity import IdentityError
from keepclear.host.keys import KeyFileError
from keepclear.host.letter import LetterError
from keepclear.host.service import Service
from keepclear.node.blobs import key
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import AnyInput, Close, LetGo, Say, Stamp
from keepclear.node.named import Whereabouts
from keepclear.record import key_list
from keepclear.record.entry import Draft, Release
from keepclear.record.genesis import Mode
from keepclear.record.key_list import BadList

MAX_REQUEST: Final = 1_048_576
MAX_CLIENTS: Final = 16
MAX_PIPELINED: Final = 500  # requests of one client that are answered at the same time; half of what a signer may owe
SAY_TIMEOUT_S: Final = 10.0
READ_BYTES: Final = 65_536
AT_ONCE: Final = 16  # requests taken, and answers handed on, before others have their turn: some 8 ms

TOKEN_BYTES: Final = 16

Answer = dict[str, Any]
Words = Callable[[Show, bool], Answer]
Said = tuple[Show, bool]  # what became of a statement or of what was brought, and whether it is on disk


class Promised(NamedTuple):
    """An answer that waits for the disk: what comes of it is known by the token; its words, and those if it is late."""

    token: bytes
    waiting: "asyncio.Future[Said]"
    until_s: float
    words: Words
    late: views.Unanswerable


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
        self._followers = [follower for follower in self._followers if follower.put(line, now_s)]
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
        answers: asyncio.Queue[Answer | Promised] = asyncio.Queue(MAX_PIPELINED)
        writing = asyncio.create_task(self._write_answers(answers, writer))
        try:
            if self._clients <= MAX_CLIENTS:
                await self._take_requests(reader, writer, answers)
            await answers.join()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # the other end is gone, its line was beyond the limit, or the node ends
        finally:
            self._clients -= 1
            writing.cancel()
            writer.close()

    async def _take_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: "asyncio.Queue[Answer | Promised]"
    ) -> None:
        rest = b""
        while data := await reader.read(READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            if max(map(len, (rest, *lines))) > MAX_REQUEST:
                return
            for number, line in enumerate(lines, 1):
                request = _parsed(line)
                if request.get("do") == "follow":
                    await answers.join()
                    await self._follow(writer)
                    return
                if request.get("do") == "pulse":
                    self._service.watchdogs.attend(writer)
                await answers.put(self._answered(request))
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)  # the line and the disk have their turn

    async def _write_answers(self, answers: "asyncio.Queue[Answer | Promised]", writer: asyncio.StreamWriter) -> None:
        """Hands on what has been answered: together, but nothing waits for an answer that is not here yet."""
        ready: list[bytes] = []
        while True:
            if len(ready) >= AT_ONCE or answers.empty():
                await _hand_on(ready, answers, writer)
            answer = await answers.get()
            if isinstance(answer, Promised):
                if not answer.waiting.done():
                    await _hand_on(ready, answers, writer)
                answer = await self._kept(answer)
            ready.append(msgspec.json.encode(answer))

    async def _follow(self, writer: asyncio.StreamWriter) -> None:
        follower = Follower()
        self._followers.append(follower)
        try:
            await follower.hand_on(writer)
        finally:
            if follower in self._followers:
                self._followers.remove(follower)

    def _answered(self, request: dict[str, Any]) -> "Answer | Promised":
        try:
            return self._answer(request)
        except Exception as error:
            self._service.end(error)
            return _refusal("the node ends", "look why; start it again")

    def _answer(self, request: dict[str, Any]) -> "Answer | Promised":
        verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "facts": lambda _: views.facts(self._service),
            "status": lambda _: views.status(self._service),
            "matters": self._matters,
            "entry": lambda r: views.entry(self._service, str(r.get("leaf", ""))),
            "record": lambda r: views.write_record(self._service, Path(str(r.get("path", "")))),
            "tally": lambda _: views.tally(self._service),
            "lacking": lambda r: carried.lacking(self._service, r.get("member")),
            "entries": lambda r: carried.entries(self._service, r),
            "blobs": lambda r: view_attached.listed(self._service, str(r.get("sha256", ""))),
            "blob-want": self._want_blob,
            "pulse": self._pulse,
            "tests": lambda _: views.tests(self._service),
            "dispute": lambda r: views.dispute(self._service, int(r["number"])),
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
                return self._say(request)
            if what == "bring":
                return self._bring(request)
            if what not in verbs:
                return _refusal(f"{what!r} is no request", f"known are follow, say, bring, {', '.join(verbs)}")
            return {"ok": True, **verbs[what](request)}
        except views.Unanswerable as error:
            return _refusal(str(error), error.hint)
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
            return _refusal(f"{what}: {error}", "see keepclear --help")

    def _say(self, request: dict[str, Any]) -> "Promised":
        draft = msgspec.msgpack.decode(bytes.fromhex(request["draft"]), type=Draft)
        seed = bytes.fromhex(request["seed"])
        releases = tuple([Release(int(key), bytes.fromhex(signature)) for key, signature in request["releases"]])
        said = Say(self._service.stamp(), draft, int(request["epoch"]), seed, releases)

        def words(shown: Show, durable: bool) -> Answer:
            if shown.what == "refused" or shown.leaf is None:
                raise views.Unanswerable(shown.text, "nothing was written; mend it and say it again")
            if not durable and draft.precedence != Precedence.FLASH:
                text = "signed and shown here, but neither on disk nor sent: the disk has failed, only FLASH goes out"
                hint = "say it by other means; look at the disk, then end the node and start anew"
                raise views.Unanswerable(text, hint)
            return {"leaf": shown.leaf.hex(), "seq": shown.facts[1], "durable": durable}

        late = f"not signed and on disk within {SAY_TIMEOUT_S:.0f} s; it may have been said all the same"
        return self._promise(seed, said, words, late, "look with keepclear status before it is said again")

    def _bring(self, request: dict[str, Any]) -> "Promised":
        token = secrets.token_bytes(TOKEN_BYTES)

        def words(shown: Show, durable: bool) -> Answer:
            if not durable:
                text = "shown here, but not on disk: the disk has failed, nothing is receipted"
                raise views.Unanswerable(text, "look at the disk, end the node and start anew, then bring it again")
            _, new, known, refused = shown.facts
            return {"new": new, "known": known, "refused": refused}

        late = f"not on disk within {SAY_TIMEOUT_S:.0f} s; it is shown all the same"
        brought = carried.brought(self._service.stamp(), token, request)
        return self._promise(token, brought, words, late, "bring it again: what is here already is known")

    def _promise(self, token: bytes, data: AnyInput, words: Words, late: str, hint: str) -> "Promised":
        loop = asyncio.get_running_loop()
        waiting = self._waiting[token] = loop.create_future()
        self._service.take(data)
        return Promised(token, waiting, loop.time() + SAY_TIMEOUT_S, words, views.Unanswerable(late, hint))

    async def _kept(self, promised: "Promised") -> Answer:
        """What was promised, when it is known."""
        waiting = promised.waiting
        try:
            if not waiting.done():
                await asyncio.wait((waiting,), timeout=promised.until_s - asyncio.get_running_loop().time())
            if not waiting.done():
                raise promised.late
            return {"ok": True, **promised.words(*waiting.result())}
        except views.Unanswerable as error:
            return _refusal(str(error), error.hint)
        finally:
            self._waiting.pop(promised.token, None)

    def _matters(self, request: dict[str, Any]) -> Answer:
        view = views.matters(self._service, bool(request.get("all")), request.get("first"))
        if request.get("displayed"):
            self._service.listed([bytes.fromhex(matter["leaf"]) for matter in view["matters"]])
        return view

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

    def _want_blob(self, request: dict[str, Any]) -> Answer:
        """Has a file fetched by whatever way there is; or, with `again`, looked for on our disk anew."""
        digest, size = bytes.fromhex(request["sha256"]), int(request["size"])
        one = self._service.node.state.blobs.files.get(key(digest, size))
        if one is None:
            raise views.Unanswerable(
                f"no statement names {size} bytes of hash {digest.hex()[:8]}", "keepclear blob list shows what is named"
            )
        files = self._service.attachments.files
        if request.get("again"):
            files.look_again(digest, size)
        else:
            files.want(digest, size, one.precedence, one.where == Whereabouts.HERE, by_hand=True)
        return {"where": view_attached.where(self._service, digest, one)}

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


async def _hand_on(
    ready: list[bytes], answers: "asyncio.Queue[Answer | Promised]", writer: asyncio.StreamWriter
) -> None:
    if not ready:
        return
    try:
        writer.write(b"\n".join((*ready, b"")))
        await writer.drain()
    except ConnectionError:
        pass  # the other end is gone; what it asked for is done all the same
    for _ in ready:
        answers.task_done()
    ready.clear()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"do": None}


def _refusal(error: str, hint: str) -> Answer:
    return {"ok": False, "error": error, "hint": hint}
