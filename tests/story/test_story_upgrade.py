"""A node started with other code on the journal of the old: the record is read anew, nothing said is said twice."""

import pytest
from tests.story.line import MINUTE, A, B, Line, notice

from keepclear.host import hands
from keepclear.host.hands import recover
from keepclear.host.journal import MemoryJournal
from keepclear.node.node import VERSION, Node


def test_the_version_follows_the_shape_of_the_state() -> None:
    fold, _, shape = VERSION.partition("-")
    assert fold.isdigit()
    assert len(shape) == 8


def test_another_version_begins_again_from_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(5_000)
    member = line.member(B)
    before = member.node.state
    receipts = [e for e in member.node.books.by_leaf.values() if e.header.party == B]
    member.flush()
    last_n = member.journal.last_n
    member.crash()

    monkeypatch.setattr(hands, "VERSION", "another")
    image = member.journal.image()
    node = Node(line.world.genesis, B)
    recover(node, MemoryJournal(image))
    assert node.state.situation.matters[leaf].status == before.situation.matters[leaf].status
    assert node.state.n == last_n
    assert {e.leaf for e in node.books.by_leaf.values()} >= {e.leaf for e in receipts}
    assert not any(owed.arrivals for owed in node.state.owed.values()), "what was receipted is not receipted again"

    member.start()
    line.run(8_000)
    assert len(line.joint()) == 1
    more = line.say(A, notice(line.wall_ms + 40 * MINUTE))
    line.run(3_000)
    assert line.shown(B, "statement", more)
    segments = member.journal.segments()
    assert [segment.version for segment in segments if segment.after_n >= last_n][:1] == ["another"]
