"""What the signatures of a member show, the worst first."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.node import authentic, disputes
from keepclear.node.authentic import Authentic
from keepclear.record.logbook import Contradiction


def seen(line: Line, who: int = A, member: int = B) -> Authentic:
    return authentic.state(line.member(who).node.core, member)


def test_a_member_is_authentic_once_our_own_time_has_come_back_from_it() -> None:
    line = Line()
    assert seen(line) is Authentic.AUTHENTIC
    line.world.cut = {(B, A)}
    line.member(A).crash()
    line.member(A).start()
    line.run(1_000)
    assert seen(line) is Authentic.UNHEARD, "what it signed before is here; that it is there now nobody knows"


def test_a_start_that_nobody_has_answered_is_not_reconciled_until_its_link() -> None:
    line = Line()
    line.member(B).crash()
    line.member(B).start()
    line.run(1_000)
    line.world.cut = {(A, B), (OBSERVER, B)}
    line.member(B).crash()
    line.member(B).start()
    line.say(B, notice(line.wall_ms + 30 * MINUTE))
    line.run(300)
    line.world.cut = {(OBSERVER, B)}
    while not line.member(B).node.state.peers[A].session:
        line.run(1)
    line.run(40)
    states = [seen(line)]
    line.world.cut = set()
    line.run(8_000)
    assert [*states, seen(line)] == [Authentic.UNRECONCILED, Authentic.AUTHENTIC]


def test_who_contradicts_itself_is_disputed_whatever_else_it_is() -> None:
    line = Line()
    line.world.cut = {(B, A)}
    line.member(A).crash()
    line.member(A).start()
    assert seen(line) is Authentic.UNHEARD
    disputes.dispute(line.member(A).node.core, B, Contradiction("two entries in one slot", b"one", b"other"))
    assert seen(line) is Authentic.DISPUTED
    assert seen(line, OBSERVER) is Authentic.AUTHENTIC, "the observer has not been shown it"
