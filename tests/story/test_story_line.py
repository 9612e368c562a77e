"""A line is never silently dead, a disk never silently full, a peer's word never believed beyond what we have said."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Step
from keepclear.host import ceremony, follower, service
from keepclear.host.client import SOCKET, short
from keepclear.host.clock import Clock
from keepclear.host.config import read_config
from keepclear.host.config_example import example_config
from keepclear.host.control import Control
from keepclear.host.identity import load_identity
from keepclear.host.journal_error import JournalFailed
from keepclear.host.service import Service
from keepclear.line import frame as frames
from keepclear.line.frame import EntryItem, Frame, Have, Item
from keepclear.node import author
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Receive, Session, Settings, Stamp, Tick
from keepclear.record import entry as entries
from keepclear.record.genesis import Role
from sim import founding

SILENT = {(A, B), (B, A)}


def told(line: Line, who: int, peer: int) -> list[str]:
    """The states of the line to a peer that its officer was told, in sequence."""
    return [s.facts[1] for s in line.shown(who, "line") if s.facts[0] == peer]


def test_a_line_that_falls_silent_in_a_new_session_is_told_dead_and_told_again_when_it_opens() -> None:
    line = Line()
    assert told(line, A, B) == ["open"]
    line.world.cut = {(B, A)}
    line.run(1_000)
    member = line.member(A)
    member.take(Session(member.stamp(), B, bytes(8), bytes(16)))
    line.run(10_000)
    assert told(line, A, B) == ["open", "suspect", "dead"]
    assert not line.alarms(A, "line dead"), "nothing is in force: 15 s are given"
    line.run(10_000)
    assert len(line.alarms(A, "line dead")) == 1
    line.world.cut = set()
    line.member(B).crash()
    line.member(B).start()
    line.run(15_000)
    assert told(line, A, B)[-1] == "open"
    assert len(line.alarms(A, "line dead")) == 1, "once per death"


def test_a_peer_that_never_answers_a_start_is_told_dead() -> None:
    line = Line()
    line.member(A).crash()
    line.world.cut = SILENT
    line.member(A).log.shown.clear()
    line.member(A).start()
    line.run(3_500)
    assert told(line, A, B) == [], "it may still answer"
    line.run(1_000)
    assert told(line, A, B) == ["dead"]
    assert told(line, A, OBSERVER) == ["open"]
    line.run(16_000)
    assert len(line.alarms(A, "line dead")) == 1


def test_what_comes_into_force_on_a_dead_line_sounds_the_horn_at_once() -> None:
    line = Line()
    line.world.cut = SILENT
    line.run(6_000)
    assert told(line, A, B)[-1] == "dead"
    assert not line.alarms(A, "line dead")
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(500)
    [horn] = line.alarms(A, "line dead")
    assert "BRAVO is dead while something is in force" in horn


def signed_by(line: Line, who: int, body: statement.Body, kind: Kind) -> bytes:
    """An entry that the member's key signs behind its node's back, as the next of its logbook."""
    book = line.member(who).node.books.of(who)[-1]
    one, data = book.entries[-1], statement.to_bytes(body)
    header = msgspec.structs.replace(
        one.header, kind=kind, seq=book.size, prev=book.last, replaces=None, refs=(), releases_hash=None,
        body_root=entries.body_root(one.seed, data),
    )  # fmt: skip
    encoded = msgspec.msgpack.encode(header)
    name = line.world.genesis.names[who]
    signature = founding.signing_key(name, "node").sign(entries.signing_message(encoded)).signature
    return entries.assemble(encoded, signature, (), one.seed, data)


def give(line: Line, who: int, sender: int, *items: Item) -> None:
    member = line.member(who)
    frame = frames.to_bytes(Frame("udp", 10**9, line.wall_ms, None, 0, items))
    member.take(Receive(member.stamp(), sender, member.node.state.peers[sender].session, frame))


def test_a_peer_that_claims_more_than_we_have_said_is_sent_what_we_say_next() -> None:
    line = Line()
    incarnation = line.member(A).node.state.author.incarnation
    for _ in range(3):
        give(line, A, B, Have(A, incarnation, 1_000, (2_000,)))
    [alarm] = line.alarms(A, "ahead")
    assert "holds more of us than we have said: 2001 entries" in alarm
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    assert line.shown(B, "statement", leaf)
    assert not line.member(A).node.state.disputes, "a word without our signature proves nothing"


@pytest.mark.parametrize(
    ("size", "root"), [(0, bytes(32)), (0, b"\xee" * 32), (1_000, bytes(32)), (None, b"\xee" * 32)]
)
def test_a_receipt_that_is_not_of_our_entries_moves_no_ladder(size: int | None, root: bytes) -> None:
    line = Line()
    line.world.cut = SILENT
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    book = line.member(A).node.books.of(A)[-1]
    body = statement.Receipt(
        party=A, incarnation=book.incarnation, size=book.size if size is None else size, root=root,
        ranges=((0, book.size, line.wall_ms, line.wall_ms),), beyond=(),
    )  # fmt: skip
    raw = signed_by(line, B, body, Kind.RECEIPT)
    give(line, A, B, EntryItem(raw))
    assert B not in line.matter(A, leaf).ladder
    [dispute] = line.member(A).node.state.disputes
    assert (dispute.party, dispute.other) == (B, raw)
    assert "its receipt" in line.alarms(A, "disputed")[0]


@pytest.mark.parametrize("acknowledged", [True, False])
def test_that_it_is_over_is_to_be_acknowledged_too(acknowledged: bool) -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - MINUTE, line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    line.say(B, statement.Acknowledgement(step=Step.READ), refs=(leaf,))
    ended = line.say(A, statement.Ended(at_ms=line.wall_ms, residual=False), refs=(leaf,))
    line.run(1_000)
    if acknowledged:
        line.say(B, statement.Acknowledgement(step=Step.READ), refs=(ended,))
    line.run(2 * MINUTE)
    texts = [shown.text for shown in line.shown(A, "not acknowledged", ended)]
    assert texts == ([] if acknowledged else ["NOT ACKNOWLEDGED by BRAVO: treat as not notified"])
    assert bool(line.shown(B, "owed", ended)) is not acknowledged
    assert not line.shown(A, "not acknowledged", leaf)


def at_a_node(directory: Path, story: Callable[[Service], Awaitable[None]]) -> None:
    """Tells a story at a running process, which ends well."""

    async def run(home: Path) -> None:
        config = example_config("A", ".", {}, listen="127.0.0.1:0", tracks="127.0.0.1:0")
        (home / "node.toml").write_text(config, encoding="utf-8")
        node = Service(read_config(home / "node.toml"), load_identity(home), Clock(), Settings())
        node.start()
        try:
            await story(node)
        finally:
            await node.stop()

    home, _ = ceremony.make_exercise_line(directory, [("A", Role.PARTY, ()), ("B", Role.PARTY, ())], 0)
    asyncio.run(run(home))


def test_a_disk_that_fails_while_old_rows_go_is_told_and_warnings_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PRUNE_S", 0)

    def fails(_: int) -> int:
        raise JournalFailed("disk I/O error")

    async def story(node: Service) -> None:
        failed, alarms = asyncio.get_running_loop().create_future(), []

        def listen(told: Show | Alarm, _: Stamp) -> bool:
            if isinstance(told, Alarm) and told.what == "disk":
                alarms.append(told.text)
                failed.set_result(None)
            return True

        node.listeners.append(listen)
        node.journal.prune = fails  # type: ignore[method-assign]
        await asyncio.wait([failed, node.ended], return_when=asyncio.FIRST_COMPLETED)
        node.take(Tick(node.stamp()))
        await asyncio.gather(*[asyncio.sleep(0) for _ in range(20)])
        assert node.node.state.disk_failed == "disk I/O error"
        assert len(alarms) == 1
        assert not node.ended.done(), "the process goes on"

    at_a_node(tmp_path, story)


def test_after_a_second_of_work_a_snapshot_is_made_so_that_a_start_has_less_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(node: Service) -> None:
        async def written() -> int:
            settled, n = asyncio.Event(), node.node.state.n + 1
            node.settled.append(lambda upto, _: settled.set() if upto >= n else None)
            node.jump(0, 0)
            await settled.wait()
            return node.journal.newest_n

        first = node.journal.newest_n
        assert await written() == first, "an input that takes no time leaves it as it is"
        monkeypatch.setattr(service, "SNAPSHOT_S", 0)
        assert await written() > first

    at_a_node(tmp_path, story)


def test_who_follows_and_takes_nothing_does_not_count_as_somebody_who_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "STALLED_S", 0)

    async def story(node: Service) -> None:
        server = await Control(node, lambda: None).start()
        reader, writer = await asyncio.open_unix_connection(short(node.config.dir / SOCKET), limit=1_000)
        writer.write(b'{"do": "follow"}\n')
        assert b"following" in await reader.readline()
        long = Show("state", None, 4, "w" * 900)
        assert node.show(long)
        said = 1
        while node.show(long) or said < 10:
            said += 1
            assert said < 1_000, "what nobody takes counts as seen"
            for _ in range(50):  # as many turns as one who takes it needs
                await asyncio.sleep(0)
        taking = asyncio.create_task(reader.read(-1))
        while not node.show(Show("state", None, 4, "short")):
            for _ in range(2_000):
                await asyncio.sleep(0)
        writer.close()
        taking.cancel()
        server.close()

    at_a_node(tmp_path, story)


def test_a_process_whose_key_is_used_elsewhere_ends(tmp_path: Path) -> None:
    async def story(node: Service) -> None:
        author.end(node.node.core, "our key has signed elsewhere")
        node.take(Tick(node.stamp()))
        with pytest.raises(service.SignedElsewhere, match="end the other copy; this one is to be started anew"):
            await node.ended

    at_a_node(tmp_path, story)
