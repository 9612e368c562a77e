"""Processes end, disks are put back, paths are cut: what was said stays said, and the line says what it is."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord.statement import Kind, Precedence
from keepclear.line.liveness import LineState
from keepclear.node import inputs
from keepclear.node.effects import Sign
from keepclear.node.inputs import Say, Start
from keepclear.node.node import Node
from sim.world import CALM, Weather


def books(line: Line, who: int, party: int) -> list[int]:
    return [book.size for book in line.member(who).node.books.of(party)]


def test_a_crash_opens_a_new_incarnation_that_names_the_old_one() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(2_000)
    old = line.member(A).node.state.author.incarnation
    line.member(A).crash()
    line.run(5_000)
    line.member(A).start()
    line.run(5_000)
    node = line.member(A).node
    assert node.state.author.incarnation != old
    assert node.state.author.start == 1
    assert leaf in node.books.by_leaf
    [first, second] = node.books.of(A)
    assert second.entries[0].header.kind == Kind.LINK
    line.say(A, notice(line.wall_ms + 30 * MINUTE, text="after the start"))
    line.run(3_000)
    assert first.size > 0
    assert len(line.joint()) == 1


def test_a_disk_put_back_gets_its_own_entries_from_those_who_hold_them() -> None:
    line = Line()
    line.run(1_000)
    older = line.member(A).journal.image()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    line.member(A).restore(older)
    line.member(A).start()
    assert leaf not in line.member(A).node.books.by_leaf, "the older disk knows nothing of it"
    line.run(6_000)
    assert leaf in line.member(A).node.books.by_leaf
    assert line.matter(A, leaf).status == "planned"
    assert not line.member(B).node.state.disputes, "what comes back late is no contradiction"
    assert len(line.joint()) == 1


def test_before_its_first_link_an_author_is_marked_as_not_reconciled() -> None:
    line = Line()
    line.member(A).crash()
    line.run(1_000)
    # Nothing reaches A, so nobody answers its question; what it says reaches B all the same.
    line.member(A).start()
    line.run(1_000)
    line.world.cut = {(B, A), (OBSERVER, A)}
    line.member(A).crash()
    line.member(A).start()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.world.cut = set()
    line.run(6_000)
    [shown] = line.shown(B, "statement", leaf)
    assert "AUTHOR NOT YET RECONCILED" in shown.facts[3]


def test_a_flash_overtakes_what_waits_and_is_marked_until_the_chain_is_whole() -> None:
    line = Line()
    line.world.cut = {(A, B), (OBSERVER, B)}
    for i in range(300):
        line.say(A, notice(line.wall_ms + 60 * MINUTE, text=f"routine {i}"), Precedence.ROUTINE)
    leaf = line.say(A, notice(line.wall_ms + 20 * MINUTE, text="urgent"))
    line.run(500)
    line.world.weather = Weather(delay_ms=(20, 20))
    line.world.cut = set()
    line.run(20_000)
    order = [s.leaf for s in line.shown(B, "statement")]
    assert order.index(leaf) < 270, "it did not wait behind the others"
    assert "OUT OF SEQUENCE" in line.shown(B, "statement", leaf)[0].facts[3]
    line.world.weather = CALM
    line.run(10_000)
    assert len(line.joint()) == 1


def test_a_cut_line_is_suspect_then_dead_at_both_ends_and_opens_again() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(2_000)
    line.world.cut = {(A, B)}  # one way only
    line.run(3_000)
    states = [line.member(A).node.state.peers[B].live.state, line.member(B).node.state.peers[A].live.state]
    assert states == [LineState.SUSPECT, LineState.SUSPECT], "both ends know, though only one direction is cut"
    line.run(2_500)
    states = [line.member(A).node.state.peers[B].live.state, line.member(B).node.state.peers[A].live.state]
    assert states == [LineState.DEAD, LineState.DEAD]
    assert line.alarms(B, "line dead"), "a notice is in force"
    assert line.matter(B, leaf).status == "planned"
    line.world.cut = set()
    line.run(5_000)
    assert line.member(A).node.state.peers[B].live.state == LineState.OPEN
    assert line.member(B).node.state.peers[A].live.state == LineState.OPEN


def test_the_observer_relays_between_parties_that_do_not_reach_each_other() -> None:
    line = Line()
    line.world.cut = {(A, B), (B, A)}
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(5_000)
    assert line.shown(B, "statement", leaf)
    assert line.matter(A, leaf).ladder[B].shown_ms is not None, "the receipt came back the same way"


def test_a_statement_released_but_not_signed_is_said_anew_after_a_crash() -> None:
    """A signer that takes its time: the journal ends between SAY and SIGNED."""
    line = Line()
    member = line.member(A)
    before = len(member.node.books.by_leaf)
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="slow card"))
    # Play the journal up to the SAY alone, then start: the node asks for the signature in its new incarnation.
    member.flush()
    rows = list(member.journal.read(1))
    node = Node(line.world.genesis, A)
    for row in rows:
        data = inputs.read(row.input)
        effects = node.step(data)
        if isinstance(data, Say):
            break
    assert any(isinstance(e, Sign) for e in effects)
    assert len(node.books.by_leaf) == before
    start = Start(member.stamp(), "boot", line.world.fresh(8), line.world.fresh(32), "test", line.world.settings)
    effects = node.step(start)
    [sign] = [e for e in effects if isinstance(e, Sign)]
    assert leaf in line.member(A).node.books.by_leaf
    assert b"slow card" in node.state.author.pending[0].body
    assert node.state.author.pending[0].token == sign.token
