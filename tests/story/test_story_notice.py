"""A tells B what will happen; B's officer has it, says so, and all three hold the same record."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord import readback, statement
from keepclear.accord.statement import Kind, Precedence, Step
from keepclear.node import receipts


def test_a_flash_notice_is_shown_receipted_and_acknowledged() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE, line.wall_ms + 60 * MINUTE))
    line.run(1_000)
    [shown] = line.shown(B, "statement", leaf)
    assert "hazardous activity" in shown.text
    assert "This gives no permission." in shown.text
    assert line.alarms(B, "flash")
    rung = line.matter(A, leaf).ladder
    assert set(rung) == {B, OBSERVER}
    assert rung[B].durable_ms is not None
    assert rung[B].shown_ms is not None
    assert rung[B].read_ms is None, "displayed is not read"

    line.say(B, statement.Acknowledgement(step=Step.READ), refs=(leaf,))
    line.run(1_000)
    assert line.matter(A, leaf).ladder[B].read_ms is not None
    assert line.matter(A, leaf).ladder[B].read_back == ""
    assert len(line.joint()) == 1


def test_delivered_is_not_displayed_when_nobody_is_there_to_see_it() -> None:
    line = Line()
    line.member(B).attended = False
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    rung = line.matter(A, leaf).ladder[B]
    assert rung.durable_ms is not None
    assert rung.shown_ms is None


def test_a_read_back_is_held_against_what_was_said() -> None:
    line = Line()
    body = notice(line.wall_ms + 30 * MINUTE, line.wall_ms + 60 * MINUTE)
    leaf = line.say(A, body)
    line.run(500)
    end_ms, upper_cm, word = readback.expected(body)
    wrong = statement.Acknowledgement(step=Step.READ_BACK, end_ms=end_ms, upper_cm=100_000, area=word)
    line.say(B, wrong, refs=(leaf,))
    line.run(500)
    assert line.matter(A, leaf).ladder[B].read_back == "not met"
    right = statement.Acknowledgement(step=Step.READ_BACK, end_ms=end_ms, upper_cm=upper_cm, area=word)
    line.say(B, right, refs=(leaf,))
    line.run(500)
    assert line.matter(A, leaf).ladder[B].read_back == "met"


def test_who_does_not_acknowledge_in_time_is_to_be_treated_as_not_notified() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(29_000)
    assert not line.alarms(A, "not acknowledged")
    line.run(2_000)
    assert line.alarms(A, "not acknowledged") == ["NOT ACKNOWLEDGED by BRAVO: treat as not notified"]
    assert line.alarms(B, "owed"), "and the one who owes it is called, too"


def test_a_quiet_line_is_quiet() -> None:
    """Receipts are owed for statements, not for receipts: after the last statement the record stops growing."""
    line = Line()
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(5_000)
    before = len(line.member(A).node.books.by_leaf)
    line.run(60_000)
    assert len(line.member(A).node.books.by_leaf) == before
    kinds = [e.header.kind for e in line.member(A).node.books.by_leaf.values()]
    assert kinds.count(Kind.RECEIPT) <= 4


def test_an_amendment_replaces_and_a_cancellation_ends() -> None:
    line = Line()
    first = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    amended = line.say(
        A,
        statement.Amend(
            activity=4, volumes=notice(0).volumes, start_ms=line.wall_ms + 40 * MINUTE, end_ms=None, text="later"
        ),
        replaces=first,
    )
    line.run(1_000)
    assert line.matter(B, first).status == "superseded"
    assert line.matter(B, amended).status == "planned"
    line.say(A, statement.Activated(at_ms=line.wall_ms), refs=(amended,))
    line.run(500)
    assert line.matter(B, amended).status == "active"
    line.say(A, statement.Cancel(), Precedence.IMMEDIATE, replaces=amended)
    line.run(500)
    assert line.matter(B, amended).status == "cancelled"


def test_two_successors_of_one_statement_are_both_in_force() -> None:
    line = Line()
    first = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    leaves = [
        line.say(
            A,
            statement.Amend(activity=4, volumes=notice(0).volumes, start_ms=line.wall_ms + i * MINUTE, end_ms=None),
            replaces=first,
        )
        for i in (40, 50)
    ]
    line.run(1_000)
    assert [line.matter(B, leaf).status for leaf in leaves] == ["planned", "planned"]
    assert line.shown(B, "two successors", first)
    amended = statement.Amend(activity=4, volumes=notice(0).volumes, start_ms=line.wall_ms + 45 * MINUTE, end_ms=None)
    joined = line.say(A, amended, replaces=leaves[0], refs=(leaves[1],))
    line.run(1_000)
    assert [line.matter(B, leaf).status for leaf in leaves] == ["superseded", "superseded"], "it cites both"
    assert line.matter(B, joined).status == "planned"


def test_nothing_ends_by_itself() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 1_000, line.wall_ms + 5_000))
    line.say(A, statement.Activated(at_ms=line.wall_ms), refs=(leaf,))
    line.run(10 * MINUTE)
    assert line.matter(B, leaf).status == "active", "its window is over and nobody has said ENDED"
    line.say(B, statement.Ended(at_ms=line.wall_ms), refs=(leaf,))
    line.run(1_000)
    assert line.matter(A, leaf).status == "active", "B cannot end what is A's"
    line.say(A, statement.Ended(at_ms=line.wall_ms), refs=(leaf,))
    line.run(1_000)
    assert line.matter(B, leaf).status == "ended"


def test_everybody_counts_who_holds_an_entry() -> None:
    line = Line()
    line.world.cut = {(A, OBSERVER), (B, OBSERVER)}
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    core = line.member(A).node.core
    entry = core.books.by_leaf[leaf]
    book = core.books.books[entry.slot[:2]]
    assert receipts.holders(core, book, entry.header.seq) == (1 << A) | (1 << B)
    line.world.cut = set()
    line.run(10_000)
    assert receipts.holders(core, book, entry.header.seq) == 0b111
    assert len(line.joint()) == 1
