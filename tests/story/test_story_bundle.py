"""A line that is cut for good, and couriers: what was said comes, is receipted, and in the end all hold one record."""

from random import Random

import pytest
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord.statement import Precedence
from keepclear.line.liveness import LineState
from sim import couriers

MEMBERS = (A, B, OBSERVER)


def cut(line: Line) -> None:
    """Nothing comes through any more, to anybody."""
    line.world.cut = {(one, other) for one in MEMBERS for other in MEMBERS if one != other}
    line.run(20_000)


def carry(line: Line, sender: int, reader: int) -> int:
    """A courier goes from one to the other; how many entries it carried."""
    bundle = couriers.packed(line.member(sender), reader)
    couriers.bring(line.member(reader), bundle, bytes(16))
    line.run(3_000)
    return len(bundle[-1])


def test_a_notice_goes_and_its_receipt_comes_back_while_the_line_stays_dead() -> None:
    line = Line()
    cut(line)
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE, line.wall_ms + 60 * MINUTE))
    line.run(5_000)
    assert not line.matter(A, leaf).ladder
    carry(line, A, B)
    [shown] = line.shown(B, "statement", leaf)
    assert "BY BUNDLE" in shown.facts[3]
    carry(line, B, A)
    assert line.matter(A, leaf).ladder[B].shown_ms is not None
    for member in MEMBERS:
        peers = line.member(member).node.state.peers.values()
        assert {peer.live.state for peer in peers} == {LineState.DEAD}


def test_what_a_bundle_has_brought_is_not_carried_again_but_for_receipts() -> None:
    line = Line()
    cut(line)
    for _ in range(20):
        line.say(A, notice(None, None), Precedence.ROUTINE)
    line.run(1_000)
    first = carry(line, A, B)
    carry(line, B, A)
    line.say(A, notice(None, None), Precedence.ROUTINE)
    line.run(1_000)
    assert first >= 20
    assert carry(line, A, B) <= 4, "the new one, and what nobody receipts: LINKs and the last receipts"


@pytest.mark.parametrize("seed", range(6))
def test_by_couriers_alone_nothing_is_lost_and_nothing_doubled(seed: int) -> None:
    """Bundles that come late, twice and out of sequence, to nodes that crash and to a disk that is put back."""
    draw, line = Random(f"couriers {seed}"), Line(seed)
    cut(line)
    said, under_way = [], []
    image = line.member(B).image()
    for turn in range(60):
        if draw.random() < 0.6:
            urgency = draw.choice((Precedence.FLASH, Precedence.PRIORITY, Precedence.ROUTINE))
            author = draw.choice((A, B))
            said.append(line.say(author, notice(None, None), urgency))
            line.member(author).flush()  # then it has been confirmed to whoever said it
        line.run(draw.randrange(2_000))
        if draw.random() < 0.5:
            under_way.append((draw.choice(MEMBERS), couriers.packed(line.member(draw.choice(MEMBERS)), None)))
        if under_way and draw.random() < 0.6:
            reader, bundle = draw.choice(under_way)
            couriers.bring(line.member(reader), bundle, bytes(16))
        if draw.random() < 0.1:
            crashed = line.member(draw.choice(MEMBERS))
            crashed.crash()
            crashed.start()
        if turn == 40:
            for reader in (A, OBSERVER):  # what only B's disk holds goes with it
                couriers.bring(line.member(reader), couriers.packed(line.member(B), None), bytes(16))
            line.run(1_000)
            line.member(B).restore(image)
            line.member(B).start()
    for _ in range(8):
        for sender in MEMBERS:
            for reader in MEMBERS:
                if sender != reader:
                    couriers.bring(line.member(reader), couriers.packed(line.member(sender), reader), bytes(16))
        line.run(2_000)
    for member in MEMBERS:
        node = line.member(member).node
        assert not node.state.disputes
        assert [leaf for leaf in said if leaf not in node.books.by_leaf] == []
    assert len(line.joint()) == 1
