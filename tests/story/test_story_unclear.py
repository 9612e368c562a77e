"""A notice that is late, vague or impossible: it goes out, it is shown, it is marked, and B is asked to ask."""

import pytest
from tests.story.line import MINUTE, A, B, Line, notice

from keepclear.accord import statement, understanding
from keepclear.accord.statement import Doubt, Precedence
from keepclear.accord.tally import tally
from keepclear.node.situation import said_of


@pytest.fixture
def agreed() -> Line:
    line = Line()
    body = statement.Understanding(
        name="standard",
        version=1,
        effective_ms=line.wall_ms,
        rules=understanding.to_wire(understanding.standard_rules()),
    )
    leaf = line.say(A, body, Precedence.PRIORITY)
    line.run(1_000)
    assert line.member(A).node.state.situation.understandings == 0, "one party's word is no agreement"
    line.say(B, statement.Accept(), Precedence.PRIORITY, refs=(leaf,))
    line.run(1_000)
    assert [m.node.state.situation.understandings for m in line.world.members] == [1, 1, 1]
    return line


def test_late_and_vague_is_delivered_flash_and_marked(agreed: Line) -> None:
    line = agreed
    leaf = line.say(A, notice(line.wall_ms + MINUTE, area="unknown"))
    line.run(500)
    matter = line.matter(B, leaf)
    assert matter.marks == ["LATE", "VAGUE", "INCOMPLETE"]
    assert {rule: outcome for _, rule, outcome, _ in matter.findings}["min_notice"] == "not met"
    assert line.alarms(B, "flash")
    [draft] = line.shown(B, "draft", leaf)
    assert draft.facts[0] & Doubt.AREA
    assert not line.shown(A, "draft", leaf), "the author knows what it meant"
    line.run(61_000)
    [banner] = line.shown(B, "unclear", leaf)
    assert "AREA UNKNOWN: treat the whole understanding area as affected" in banner.text


def test_a_start_not_stated_is_undecidable_never_late(agreed: Line) -> None:
    leaf = agreed.say(A, notice(None, area="unknown"))
    agreed.run(500)
    matter = agreed.matter(B, leaf)
    assert "LATE" not in matter.marks
    assert {rule: outcome for _, rule, outcome, _ in matter.findings}["min_notice"] == "undecidable"


def test_an_answer_stops_the_clock(agreed: Line) -> None:
    line = agreed
    leaf = line.say(A, notice(line.wall_ms + 20 * MINUTE, line.wall_ms + 40 * MINUTE, area="unknown"))
    line.run(500)
    asked = line.say(B, statement.Clarify(doubts=Doubt.AREA), Precedence.IMMEDIATE, refs=(leaf,))
    line.run(500)
    line.say(A, statement.Answer(volumes=notice(0).volumes), Precedence.IMMEDIATE, refs=(asked,))
    line.run(70_000)
    assert not line.shown(B, "unclear", leaf)


def test_an_answer_that_says_nothing_does_not_stop_it(agreed: Line) -> None:
    line = agreed
    leaf = line.say(A, notice(line.wall_ms + 20 * MINUTE, area="unknown"))
    line.run(500)
    line.say(A, statement.Answer(text="will call you"), Precedence.IMMEDIATE, refs=(leaf,))
    line.run(70_000)
    assert "AREA UNKNOWN" in line.shown(B, "unclear", leaf)[0].text


def test_a_shape_that_cannot_be_used_is_shown_as_an_unusable_warning(agreed: Line) -> None:
    line = agreed
    body = notice(line.wall_ms + 20 * MINUTE, area="polygon 34.0,35.0 35.0,36.0 34.0,36.0 35.0,35.0")
    leaf = line.say(A, body)
    line.run(500)
    assert "UNUSABLE GEOMETRY" in line.matter(B, leaf).marks
    assert line.shown(B, "statement", leaf)


def test_both_sides_count_the_same(agreed: Line) -> None:
    line = agreed
    line.say(A, notice(line.wall_ms + MINUTE, area="unknown"))
    line.say(B, notice(line.wall_ms + 60 * MINUTE, line.wall_ms + 90 * MINUTE))
    line.run(3_000)
    counted = []
    for member in line.world.members:
        said = [said_of(e) for book in member.node.books.all() for e in book.entries]
        counted.append(tally(said, frozenset(line.world.genesis.parties())))
    assert counted[0].digest == counted[1].digest == counted[2].digest
    assert sum(row.late for row in counted[0].rows) == 1
    assert sum(row.given for row in counted[0].rows) == 2
