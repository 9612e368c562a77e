"""Two paths to every peer: what is said arrives while either lives, and both ends see which one does."""

from typing import Any

import pytest
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.line.liveness import LineState
from keepclear.line.paths import BOX, UDP
from keepclear.node.inputs import Settings

BOTH = (UDP, BOX)
EVERYWHERE = [(a, b) for a in (A, B, OBSERVER) for b in (A, B, OBSERVER) if a != b]


def cut(path: str) -> set[tuple[int, int, str]]:
    return {(a, b, path) for a, b in EVERYWHERE}


def state(line: Line, who: int, peer: int) -> tuple[str, dict[str, str]]:
    found = line.member(who).node.state.peers[peer]
    return str(found.live.state), {name: str(path.live.state) for name, path in found.paths.items()}


def told(line: Line, who: int, peer: int) -> list[tuple[Any, ...]]:
    """What its officer was told of the line to a peer: the state, and the paths by which nothing comes back."""
    return [s.facts[1:] for s in line.shown(who, "line") if s.facts[0] == peer]


def test_open_with_both_and_a_start_is_told_once() -> None:
    line = Line(paths=BOTH)
    line.run(2_000)  # the mailbox takes up to 1.4 s there and back
    for who, peer in EVERYWHERE:
        assert state(line, who, peer) == ("open", {UDP: "open", BOX: "open"})
        assert told(line, who, peer) == [("open",)]


@pytest.mark.parametrize("lost", BOTH)
def test_one_path_cut_is_degraded_at_both_ends_within_five_seconds_and_everything_arrives(lost: str) -> None:
    line = Line(paths=BOTH)
    line.run(3_000)
    line.world.cut_paths = cut(lost)
    line.run(5_000)
    for who, peer in EVERYWHERE:
        assert state(line, who, peer)[0] == "degraded"
        assert told(line, who, peer)[-1] == ("degraded", lost)
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(4_000)
    assert line.shown(B, "statement", leaf)
    ladder = line.matter(A, leaf).ladder[B]
    assert ladder.durable_ms is not None
    assert ladder.shown_ms is not None
    line.run(30_000)
    assert len(line.joint()) == 1
    assert all(told(line, who, peer) == [("open",), ("degraded", lost)] for who, peer in EVERYWHERE), "told once"
    assert not line.alarms(A, "line dead"), "a path lives"
    line.world.cut_paths = set()
    line.run(3_000)
    assert all(told(line, who, peer)[-1] == ("open",) for who, peer in EVERYWHERE)


@pytest.mark.parametrize("lost", BOTH)
def test_a_path_that_carries_one_way_only_is_lost_at_both_ends(lost: str) -> None:
    line = Line(paths=BOTH)
    line.world.cut_paths = {(A, B, lost)}
    line.run(6_000)
    assert state(line, A, B)[1][lost] == "dead"
    assert state(line, B, A)[1][lost] == "dead", "B hears A by it, and A does not know"
    assert told(line, A, B)[-1] == told(line, B, A)[-1] == ("degraded", lost)
    assert state(line, A, OBSERVER)[0] == "open"


def test_both_cut_is_dead_with_horn_and_opens_by_whichever_comes_back() -> None:
    line = Line(paths=BOTH)
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    line.world.cut_paths = cut(UDP) | cut(BOX)
    line.run(6_000)
    assert state(line, A, B)[0] == state(line, B, A)[0] == LineState.DEAD
    assert sum("BRAVO" in text for text in line.alarms(A, "line dead")) == 1
    leaf = line.say(B, notice(line.wall_ms + 40 * MINUTE))
    line.run(30_000)
    line.world.cut_paths = cut(UDP)
    line.run(15_000)
    assert told(line, A, B)[-1] == told(line, B, A)[-1] == ("degraded", UDP)
    assert line.shown(A, "statement", leaf)
    line.world.cut_paths = set()
    line.run(15_000)
    assert told(line, A, B)[-1] == ("open",)
    assert len(line.joint()) == 1


def test_a_peer_with_the_mailbox_alone_is_open_by_it() -> None:
    line = Line(paths=(BOX,))
    line.run(3_000)
    assert state(line, A, B) == ("open", {BOX: "open"})
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(4_000)
    assert line.matter(A, leaf).ladder[B].shown_ms is not None
    line.world.cut_paths = cut(BOX)
    line.run(6_000)
    assert told(line, A, B)[-1] == told(line, B, A)[-1] == ("dead",)


def test_a_node_that_starts_on_one_path_is_degraded_and_says_so_when_the_other_is_overdue() -> None:
    line = Line(paths=BOTH)
    line.world.cut_paths = cut(BOX)
    line.member(A).crash()
    line.run(10_000)
    line.member(A).log.shown.clear()
    line.member(A).start()
    line.run(2_000)
    assert state(line, A, B)[0] == "degraded"
    assert told(line, A, B) == [], "the mailbox may still answer"
    line.run(3_000)
    assert told(line, A, B) == [("degraded", BOX)]
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    assert line.shown(B, "statement", leaf)


def test_what_goes_by_both_paths_is_stepped_once_and_is_no_noise() -> None:
    line = Line(paths=BOTH)
    line.run(20_000)
    before = line.world.steps
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(10_000)
    assert line.shown(B, "statement", leaf)
    assert len(line.shown(B, "statement", leaf)) == 1
    assert all(not line.member(who).node.state.noise for who in (A, B, OBSERVER))
    alone = Line()
    alone.run(20_000)
    alone_before = alone.world.steps
    alone.say(A, notice(alone.wall_ms + 30 * MINUTE))
    alone.run(10_000)
    beats = 10_000 // Settings().box_heartbeat_ms * len(EVERYWHERE)
    assert line.world.steps - before < alone.world.steps - alone_before + beats * 3 // 2


def test_a_frame_that_names_another_path_than_it_came_by_proves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hosts the mailbox could carry what it holds to our socket, and make a cut path look alive."""
    line = Line(paths=BOTH)
    deliver = line.world._delivery
    monkeypatch.setattr(line.world, "_delivery", lambda a, b, data, _path: deliver(a, b, data, UDP))
    line.world.cut_paths = cut(UDP)
    line.run(6_000)
    assert state(line, A, B) == ("dead", {UDP: "dead", BOX: "dead"})
    monkeypatch.undo()
    line.run(3_000)
    assert state(line, A, B)[0] == "degraded"


def test_a_busy_line_proves_each_path_all_the_same() -> None:
    line = Line(paths=BOTH)
    for _ in range(20):
        line.say(A, notice(line.wall_ms + 30 * MINUTE))
        line.run(400)
        assert state(line, A, B) == ("open", {UDP: "open", BOX: "open"})


def test_a_peer_that_starts_anew_at_once_has_lost_no_path() -> None:
    line = Line(paths=BOTH)
    line.run(2_000)
    line.member(B).crash()
    line.run(200)
    line.member(B).start()
    line.run(6_000)
    assert state(line, A, B) == ("open", {UDP: "open", BOX: "open"})
    assert told(line, A, B) == [("open",)], "no silence of 4 s on either path, in two sessions"
