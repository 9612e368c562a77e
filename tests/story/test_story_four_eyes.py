"""Four eyes: agreed is what a second seat releases; both ends read the same, nothing is held back."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, hazard, notice

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Precedence
from keepclear.accord.understanding import TwoSeats, standard_rules, to_wire


def agreed() -> Line:
    """A line on which hazards, and what is cancelled, need a second seat."""
    line = Line()
    pairs = ((int(Kind.HAZARD), int(Precedence.ROUTINE)), (int(Kind.CANCEL), int(Precedence.ROUTINE)))
    rules = to_wire((*standard_rules(), TwoSeats("F1", "Two seats release a hazard and a cancellation.", pairs)))
    proposal = statement.Understanding(name="coast", version=1, effective_ms=line.wall_ms, rules=rules)
    leaf = line.say(A, proposal, Precedence.PRIORITY)
    line.run(2_000)
    line.say(B, statement.Accept(), Precedence.PRIORITY, refs=(leaf,))
    line.run(2_000)
    return line


def outcomes(line: Line, who: int, leaf: bytes) -> list[tuple[str, str]]:
    return [(kind, outcome) for _, kind, outcome, _ in line.matter(who, leaf).findings if kind == "two_seats"]


def test_a_hazard_by_one_seat_goes_out_at_once_and_is_marked_at_both_ends() -> None:
    line = agreed()
    one = line.say(A, hazard(line.wall_ms))
    line.run(300)
    for who in (A, B, OBSERVER):
        assert line.shown(who, "statement", one), "what is not met stops nothing"
        assert outcomes(line, who, one) == [("two_seats", "not met")]
        assert "SECOND SEAT MISSING" in line.matter(who, one).marks
    two = line.say(A, hazard(line.wall_ms), seats=("duty", "chief"))
    line.run(1_000)
    for who in (A, B, OBSERVER):
        assert outcomes(line, who, two) == [("two_seats", "met")]
        assert "SECOND SEAT MISSING" not in line.matter(who, two).marks


def test_a_cancellation_by_one_seat_takes_effect_and_says_what_is_missing() -> None:
    line = agreed()
    leaf = line.say(A, notice(line.wall_ms + 60 * MINUTE, line.wall_ms + 90 * MINUTE), Precedence.PRIORITY)
    line.run(1_000)
    gone = line.say(A, statement.Cancel(), Precedence.PRIORITY, replaces=leaf)
    line.run(1_000)
    for who in (A, B):
        assert line.matter(who, leaf).status == "cancelled"
        [shown] = line.shown(who, "statement", gone)
        assert "Rule F1 not met: released by 1 seat, agreed 2" in shown.text
        assert outcomes(line, who, leaf) == [], "nothing was agreed of notices"
