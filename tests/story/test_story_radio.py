"""A line by slow radio: 9 600 bit/s each way, 300 ms, three datagrams in ten lost."""

import pytest
from tests.story.line import MINUTE, A, B, Line, notice

from keepclear.line.liveness import LineState
from keepclear.line.paths import RADIO
from keepclear.record import checkpoint
from sim.world import Weather

BAD = Weather(loss=0.3, delay_ms=(300, 300), rate_bps=9_600, queue_ms=2_000)
PAIR = ("ALFA", "BRAVO")


def states(line: Line) -> list[LineState]:
    return [line.member(who).node.state.peers[1 - who].live.state for who in (A, B)]


def until_open(line: Line, within_ms: int) -> None:
    deadline_ms = line.world.now + within_ms
    while states(line) != [LineState.OPEN] * 2:
        line.run(100)
        assert line.world.now < deadline_ms, states(line)


def by_radio(seed: int) -> Line:
    line = Line(seed, paths=(RADIO,), weather=BAD, names=PAIR)
    until_open(line, 40_000)
    return line


def receipt_ms(line: Line, text: str) -> int:
    """How long until A knows that B holds a FLASH of A's and has shown it."""
    began_ms = line.world.now
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE, text=text))
    ladder = line.matter(A, leaf).ladder
    while B not in ladder or ladder[B].shown_ms is None:
        line.run(50)
        assert line.world.now - began_ms < 60_000
    return line.world.now - began_ms


@pytest.mark.parametrize("seed", range(3))
def test_every_flash_and_its_receipt_cross_within_twenty_seconds_and_the_modem_is_never_overfull(seed: int) -> None:
    line = by_radio(seed)
    opened_ms, carried = line.world.now, dict(line.world.carried)
    for n in range(10):
        assert receipt_ms(line, f"keep clear {n}") <= 20_000
        line.run(1_000)
    line.run(30_000)
    assert line.world.overflows == 0
    for way, octets in line.world.carried.items():
        assert (octets - carried[way]) * 8_000 // (line.world.now - opened_ms) < 7_000, "air is left for others"
    assert [s.facts[1] for who in (A, B) for s in line.shown(who, "line")] == ["open", "open"], "no false alarm"
    assert len(line.joint()) == 1


def test_checkpoints_and_routine_statements_let_a_flash_pass() -> None:
    line = by_radio(3)
    for n in range(8):
        line.say(A, notice(line.wall_ms + 30 * MINUTE, text=f"later {n}"), precedence=4)
    line.run(61_000)  # checkpoints of both, with their signatures, are on their way
    assert receipt_ms(line, "now") <= 20_000
    line.run(4 * MINUTE)
    assert len(line.joint()) == 1
    for who in (A, B):
        notes = line.member(who).node.state.checkpointing.notes.values()
        assert [len(checkpoint.verify(line.world.genesis, note).signers) for note in notes] == [4, 4], "both by both"


def test_a_cut_is_told_at_both_ends_in_half_a_minute_and_mended_in_as_long() -> None:
    line = by_radio(4)
    line.run(5_000)
    line.world.cut = {(A, B), (B, A)}
    line.run(27_000)
    assert states(line) == [LineState.DEAD] * 2
    line.world.cut = set()
    until_open(line, 40_000)


def test_a_peer_that_is_started_anew_is_heard_again_and_holds_all_that_was_said() -> None:
    line = by_radio(5)
    receipt_ms(line, "before")
    line.member(B).crash()
    line.run(2_000)
    line.member(B).start()
    line.run(1_000)
    until_open(line, 60_000)
    assert receipt_ms(line, "after") <= 60_000
    line.run(40_000)
    assert len(line.joint()) == 1


def test_a_flash_does_not_wait_until_the_peer_has_said_what_it_holds() -> None:
    line = Line(6, paths=(RADIO,), weather=BAD, names=PAIR)
    to_b = line.member(A).node.state.peers
    while not to_b[B].session:
        line.run(50)
    line.world.cut = {(B, A)}
    assert not to_b[B].answered
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(8_000)
    assert not to_b[B].answered
    assert line.shown(B, "statement", leaf)
