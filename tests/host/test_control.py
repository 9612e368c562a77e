"""The control socket: a statement is confirmed when it is on disk, and requests need not wait for each other."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from keepclear.accord import statement
from keepclear.accord.statement import Notice, Precedence
from keepclear.host import ceremony
from keepclear.host.client import SOCKET, short
from keepclear.host.clock import Clock
from keepclear.host.config import read_config
from keepclear.host.config_example import example_config
from keepclear.host.control import Control
from keepclear.host.hands import Group
from keepclear.host.identity import load_identity
from keepclear.host.journal_error import JournalFailed
from keepclear.host.service import Service
from keepclear.interop.position import Position
from keepclear.node.inputs import Settings, Tracks
from keepclear.record.entry import SEED_BYTES, Draft
from keepclear.record.genesis import Role

USUAL = Settings()


class Door:
    """A node with a disk that can be held up or fail, and a connection to its control socket."""

    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.service, self._reader, self._writer = service, reader, writer
        self.free, self.at_work, self.fails = Event(), Event(), False
        self.free.set()
        self._write = service.hands.make_durable
        service.hands.make_durable = self._make_durable  # type: ignore[method-assign]

    def ask(self, **request: Any) -> None:
        self._writer.write(json.dumps(request).encode() + b"\n")

    def say(self, text: str, precedence: int) -> None:
        body = statement.to_bytes(
            Notice(activity=statement.Activity.FLIGHT, volumes=(), start_ms=None, end_ms=None, text=text)
        )
        core = self.service.node.core
        draft = Draft(statement.Kind.NOTICE, precedence, None, (), core.genesis.everyone, "", 0, None, body)
        encoded = msgspec.msgpack.encode(draft).hex()
        self.ask(do="say", draft=encoded, epoch=0, seed=secrets.token_hex(SEED_BYTES), releases=[])

    async def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self._reader.readline())
        return found

    async def other_answer(self, do: str) -> dict[str, Any]:
        """What another client is answered."""
        reader, writer = await asyncio.open_unix_connection(short(self.service.config.dir / SOCKET))
        writer.write(json.dumps({"do": do}).encode() + b"\n")
        found: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        return found

    def _make_durable(self, group: Group, wall_ms: int) -> None:
        self.at_work.set()
        self.free.wait()
        if self.fails:
            raise JournalFailed("disk I/O error")
        self._write(group, wall_ms)


def at_a_node(directory: Path, story: Callable[[Door], Awaitable[None]], settings: Settings = USUAL) -> None:
    """Tells a story at the door of a running node."""

    async def run(home: Path) -> None:
        (home / "node.toml").write_text(
            example_config("A", ".", {}, listen="127.0.0.1:0", tracks="127.0.0.1:0"), encoding="utf-8"
        )
        service = Service(read_config(home / "node.toml"), load_identity(home), Clock(), settings)
        control = Control(service, lambda: None)
        service.start()
        server = await control.start()
        door = Door(service, *await asyncio.open_unix_connection(short(home / SOCKET)))
        try:
            await story(door)
        finally:
            door.free.set()
            server.close()
            await service.stop()

    home, _ = ceremony.make_exercise_line(directory, [("A", Role.PARTY, ()), ("B", Role.PARTY, ())], 0)
    asyncio.run(run(home))


def test_a_statement_is_confirmed_when_it_is_on_disk_and_not_before(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        door.free.clear()
        door.say("held up", Precedence.PRIORITY)
        await asyncio.to_thread(door.at_work.wait)  # the group with it, or one before it, is being written
        answer = asyncio.create_task(door.answer())
        while not any(entry.header.kind == statement.Kind.NOTICE for entry in door.service.node.books.by_leaf.values()):
            await asyncio.sleep(0)
        for _ in range(5):  # the node has had its turns, and has nothing more to wait for than the disk
            assert (await door.other_answer("facts"))["ok"]
        assert not answer.done()
        door.free.set()
        assert (await answer)["durable"]
        assert door.service.journal.last_n >= 3, "the answer came after the start, the statement and its signature"

    at_a_node(tmp_path, story)


def test_requests_that_follow_each_other_are_answered_in_their_sequence(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for i in range(40):
            door.say(f"number {i}", Precedence.ROUTINE)
        door.ask(do="facts")
        door.ask(do="nonsense")
        answers = [await door.answer() for _ in range(42)]
        assert [answer["seq"] for answer in answers[:40]] == list(range(40))
        assert answers[40]["names"] == ["A", "B"]
        assert not answers[41]["ok"]

    at_a_node(tmp_path, story)


@pytest.mark.parametrize("precedence", [Precedence.FLASH, Precedence.PRIORITY])
def test_on_a_failed_disk_only_flash_is_confirmed_and_says_so(tmp_path: Path, precedence: Precedence) -> None:
    async def story(door: Door) -> None:
        door.fails = True
        door.say("over a failed disk", precedence)
        answer = await door.answer()
        assert answer["ok"] == (precedence == Precedence.FLASH)
        assert "disk has failed" in answer["error"] if not answer["ok"] else answer["durable"] is False

    at_a_node(tmp_path, story)


def test_a_lost_track_is_let_go_by_its_name_and_no_other(tmp_path: Path) -> None:
    def seen(door: Door, flight: str) -> None:
        stamp = door.service.stamp()
        report = Position(
            source="radar", flight=flight, icao24="", lat_e7=0, lon_e7=0, alt_cm=None, alt_ref=4, alt_err_cm=0,
            pos_err_cm=0, speed_cmps=None, track_cdeg=None, climb_cmps=None, at_ms=stamp.wall_ms,
        )  # fmt: skip
        door.service.take(Tracks(stamp, msgspec.msgpack.encode([report])))

    async def story(door: Door) -> None:
        seen(door, "GONE")
        while "GONE" not in door.service.node.state.advice.lost:
            await asyncio.sleep(0)
            seen(door, "HEARD")
        door.ask(do="let-go", flights=["GONE", "HEARD"])
        refused = await door.answer()
        assert "'HEARD' is no lost track" in refused["error"]
        assert "GONE" in door.service.node.state.advice.lost, "all of them or none"
        door.ask(do="let-go", flights=["GONE"])
        assert (await door.answer())["ok"]
        assert "GONE" not in door.service.node.state.advice.lost
        assert "HEARD" in door.service.node.state.advice.fleet

    at_a_node(tmp_path, story, Settings(assess_every_ms=0, track_stale_ms=1, track_lost_ms=1))
