"""A line is never silently dead, a disk never silently full, a peer's word never believed beyond what we have said."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.node.inputs import Session

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
