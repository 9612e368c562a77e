"""Whether a person is there, who uses the channel, what holds while the line is dead, whether both hold the same."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, hazard, notice

from keepclear.accord import channel, in_force, line_test, statement
from keepclear.accord.line_test import Staffed
from keepclear.accord.statement import Channel, Kind, Precedence
from keepclear.accord.understanding import DeadLine, DeadLineAction, LineTesting, to_wire
from keepclear.node import folding, listing, situation, staffed
from keepclear.node.inputs import Settings
from keepclear.node.state import Matter

EVERY = 10 * MINUTE
TESTING = LineTesting("T1", "A person tests the line every ten minutes.", EVERY, MINUTE)
SLOW = Settings(heartbeat_ms=1_000, suspect_after_ms=6_000, dead_after_ms=12_000)  # for stories of many minutes
KEEP_CLEAR = DeadLine("D1", "Nothing has ended.", 60_000, DeadLineAction.KEEP_CLEAR)


def agreed(line: Line, *rules: LineTesting | DeadLine) -> None:
    """A proposes rules and B accepts them; they are in force."""
    body = statement.Understanding(name="people", version=1, effective_ms=line.wall_ms, rules=to_wire(rules))
    leaf = line.say(A, body, Precedence.PRIORITY)
    line.run(500)
    line.say(B, statement.Accept(), Precedence.PRIORITY, refs=(leaf,))
    line.run(2_000)


def until(line: Line, ms_past_due: int) -> None:
    """Lets time pass to so long after the next due time, which is not farther than the next but one."""
    line.run(EVERY - (line.wall_ms - ms_past_due) % EVERY)


def ask(line: Line, who: int) -> bytes:
    return line.say(who, statement.LineTest(nonce=line.world.fresh(8)), Precedence.IMMEDIATE)


def answer(line: Line, who: int, test: bytes, words: str | None = None, seats: tuple[str, ...] = ("duty",)) -> bytes:
    nonce = line.member(who).node.state.facts.tests[test].nonce
    body = statement.LineReply(words=line_test.words(nonce) if words is None else words)
    return line.say(who, body, Precedence.IMMEDIATE, refs=(test,), seats=seats)


def shown_to_be(line: Line, who: int, member: int) -> Staffed:
    return staffed.state(line.member(who).node.core, member, EVERY)


def test_a_person_answers_a_line_test_and_both_ends_read_the_same_of_it() -> None:
    line = Line()
    assert shown_to_be(line, A, B) is Staffed.UNTESTED
    test = ask(line, A)
    line.run(1_000)
    [call] = line.alarms(B, "line test")
    assert line_test.words(line.member(B).node.state.facts.tests[test].nonce) in call
    assert shown_to_be(line, A, B) is Staffed.UNTESTED, "delivered and displayed is nobody"
    line.run(40_000)
    answer(line, B, test)
    line.run(1_000)
    assert shown_to_be(line, A, B) is shown_to_be(line, B, A) is Staffed.STAFFED
    assert "in the words asked for" in line.shown(A, "line test")[-1].text
    line.run(2 * MINUTE)
    assert len(line.alarms(A, "line test")) == 0, "nothing was missed"
    told = [line.member(who).node.state.facts.tests for who in (A, B, OBSERVER)]
    assert told[0] == told[1] == told[2]


def test_a_wrong_answer_and_one_that_no_seat_has_released_show_nobody() -> None:
    line = Line()
    test = ask(line, A)
    line.run(1_000)
    answer(line, B, test, "acorn acorn acorn")
    answer(line, B, test, seats=())
    line.run(1_000)
    assert shown_to_be(line, A, B) is Staffed.UNTESTED
    assert [show.facts for show in line.shown(A, "line test")] == [(B, False), (B, False)]
    line.run(2 * MINUTE)
    assert shown_to_be(line, A, B) is Staffed.UNANSWERED
    answer(line, B, test)
    line.run(1_000)
    assert shown_to_be(line, A, B) is Staffed.STAFFED


def test_an_unanswered_test_shows_both_readings_and_what_was_before() -> None:
    line = Line(settings=SLOW)
    test = ask(line, A)
    line.run(1_000)
    answer(line, B, test)
    line.run(4 * MINUTE)
    ask(line, A)
    line.run(119_000)
    assert not line.alarms(A, "line test")
    line.run(3_000)
    [missed] = line.alarms(A, "line test")
    assert "BRAVO has not answered our test" in missed
    assert "Either nobody is there, or the line does not reach a person. The link is open" in missed
    assert "1 of our last 2 tests were answered" in missed
    assert line.alarms(B, "owed"), "and the one who was asked is called again"


def test_tests_are_due_in_turn_and_whoever_does_not_test_is_missed_at_both_ends() -> None:
    line = Line(settings=SLOW)
    agreed(line, TESTING)
    until(line, -30_000)
    reminded = [who for who in (A, B) if line.shown(who, "line test")]
    assert len(reminded) == 1, "the one whose turn it is, before it is due"
    [first] = reminded
    second = B if first == A else A
    test = ask(line, first)
    line.run(1_000)
    answer(line, second, test)
    until(line, 55_000)
    assert not line.alarms(first, "line test"), "a test that came before its due time is that of this due time"
    until(line, 55_000)
    assert "our line test" in line.alarms(second, "line test")[-1]
    [missed] = line.alarms(first, "line test")
    assert f"{line.member(first).node.core.name(second)}'s test of" in missed
    assert shown_to_be(line, first, second) is Staffed.UNANSWERED
    assert not line.alarms(OBSERVER, "line test"), "an observer owes none and is owed none"


def test_no_test_is_due_on_a_line_of_mode_test_where_none_was_agreed() -> None:
    line = Line(settings=SLOW)
    until(line, 55_000)
    assert not line.alarms(A, "line test")
    assert not line.alarms(B, "line test")


def test_a_suspended_channel_marks_what_is_said_and_stops_nothing() -> None:
    line = Line()
    before = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    line.say(B, statement.ChannelState(state=Channel.SUSPENDED, contact="+1 555"), Precedence.IMMEDIATE)
    line.run(1_000)
    assert line.shown(A, "channel")[-1].facts == line.shown(B, "channel")[-1].facts == (B,)
    assert line.alarms(A, "channel")
    during = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    danger = line.say(A, hazard(line.wall_ms))
    test = ask(line, A)
    line.run(1_000)
    for who in (A, B, OBSERVER):
        marks = [line.matter(who, leaf).marks for leaf in (before, during, danger)]
        assert ["CHANNEL SUSPENDED" in one for one in marks] == [False, True, False]
    assert line.shown(B, "statement", during), "it is displayed all the same"
    assert line.matter(A, during).ladder[B].shown_ms is not None
    answer(line, B, test)
    line.say(B, statement.ChannelState(state=Channel.OPEN), Precedence.IMMEDIATE)
    line.run(1_000)
    after = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    assert "CHANNEL SUSPENDED" not in line.matter(B, after).marks
    assert line.shown(A, "channel")[-1].facts == ()
    assert shown_to_be(line, A, B) is Staffed.STAFFED


def test_the_rules_for_a_dead_line_are_told_at_both_ends_without_a_message() -> None:
    line = Line()
    agreed(line, KEEP_CLEAR)
    line.say(A, notice(line.wall_ms + 1_000, line.wall_ms + 5_000))
    line.run(10_000)
    cut = line.world.now
    line.world.cut = {(A, B), (A, OBSERVER)}
    line.run(58_000)
    assert not line.shown(A, "dead line")
    line.run(4_000)
    at = []
    for who in (A, B):
        [(told_ms, show)] = [one for one in line.member(who).log.shown if one[1].what == "dead line"]
        assert "rule D1: keep clear of all that was in force" in show.text
        assert "1 matters are in force here" in show.text
        assert line.alarms(who, "dead line")
        at.append(told_ms - cut)
    assert all(58_000 <= ms <= 61_000 for ms in at)
    assert abs(at[A] - at[B]) <= 2_500, "the suspect threshold and a round trip"
    line.world.cut = set()
    line.run(5_000)
    for who in (A, B):
        assert "D1 for a dead line ends here" in line.shown(who, "dead line")[-1].text
    assert not line.shown(OBSERVER, "dead line"), "an observer that hears nothing does not speak for the parties"


def lists(line: Line, who: int) -> list[statement.InForceList]:
    """The lists of one member that are in the record, oldest first."""
    core = line.member(who).node.core
    found = [e for book in core.books.of(who) for e in book.entries if e.header.kind == Kind.IN_FORCE_LIST]
    return [statement.read(e.header.kind, e.body) for e in found]  # type: ignore[misc]


def test_each_party_says_what_it_holds_in_force_when_the_line_comes_back() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    line.world.cut = {(A, B), (A, OBSERVER), (B, OBSERVER)}
    line.run(10_000)
    other = line.say(B, notice(line.wall_ms + 30 * MINUTE))
    assert lists(line, A) == lists(line, B) == []
    line.world.cut = set()
    line.run(10_000)
    for who in (A, B):
        [one] = lists(line, who)
        assert one.leaves == tuple(sorted((leaf, other)))
        assert one.digest == in_force.digest((leaf, other))
    line.say(A, statement.Cancel(), Precedence.IMMEDIATE, replaces=leaf)
    new = line.say(B, notice(line.wall_ms + 30 * MINUTE))
    line.run(15_000)
    assert line.matter(B, leaf).status == "cancelled"
    assert new in situation.in_force_here(line.member(A).node.core), "later than the lists, and so no difference"
    assert not line.alarms(A, "in force")
    assert not line.alarms(B, "in force")
    assert lists(line, OBSERVER) == []


def test_what_one_holds_and_the_other_does_not_is_named_at_both_ends() -> None:
    """One node has lost a matter from its reading of the record, as a fault of code or of memory would make it."""
    line = Line()
    kept = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    lost = line.say(A, hazard(line.wall_ms))
    line.run(2 * MINUTE)
    gone: Matter = line.matter(B, lost)
    gone.status = "ended"
    line.world.cut = {(A, B)}
    line.run(10_000)
    line.world.cut = set()
    line.run(25_000)
    [at_a], [at_b] = line.alarms(A, "in force"), line.alarms(B, "in force")
    assert "we hold in force and BRAVO does not: ALFA" in at_a
    assert "HAZARD" in at_a
    assert "ALFA holds in force and we do not: ALFA" in at_b
    assert kept not in line.shown(A, "in force")[-1].facts
    found = listing.difference(line.member(A).node.core, B)
    assert found is not None
    assert found.ours == (lost,)


def test_who_says_much_of_the_channel_does_not_make_the_others_words_forgotten() -> None:
    line = Line()
    line.say(A, statement.ChannelState(state=Channel.SUSPENDED), Precedence.IMMEDIATE)
    for _ in range(folding.MAX_CHANNEL + 5):
        line.say(B, statement.ChannelState(state=Channel.OPEN), Precedence.IMMEDIATE)
    line.run(3_000)
    leaf = line.say(OBSERVER, statement.ChannelState(state=Channel.SUSPENDED), Precedence.IMMEDIATE)
    line.run(1_000)
    for who in (A, B, OBSERVER):
        core = line.member(who).node.core
        assert len(core.state.facts.channel) == folding.MAX_CHANNEL + 1
        assert channel.suspended_by(situation.channel_words(core)) == (A,)
        assert line.shown(who, "statement", leaf), "an observer's word is shown; it is not a party's"
