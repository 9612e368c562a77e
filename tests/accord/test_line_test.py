"""Line tests by table: whose turn it is, which due time a test is of, what both ends read of the answers."""

import pytest
from tests.accord.tell import PARTIES, A, B, Teller, z

from keepclear.accord import line_test
from keepclear.accord.statement import LineReply, LineTest
from keepclear.accord.understanding import DeadLine, LineTesting, Understanding, Unread, read_rules, standard_rules

RULE = LineTesting("T1", "hourly", 3_600_000, 120_000)
ASKED = line_test.words(bytes(8))


def story() -> Teller:
    """18:00 is the turn of A; 19:00 that of B, who forgets it; 20:00 is of A, and nobody answers."""
    teller = Teller()
    first = teller.say(A, "17:58:00", LineTest(nonce=bytes(8)), seat="duty", err_ms=50)
    teller.receive(B, "17:58:02", first, shown="17:58:01")
    teller.say(B, "17:58:41", LineReply(words=" Coconut  juniper VIOLET"), refs=(first.leaf,), seat="chief", err_ms=100)
    beside = teller.say(B, "18:20:00", LineTest(nonce=bytes(8)))
    teller.say(A, "18:21:00", LineReply(words="coconut juniper"), refs=(beside.leaf,))
    teller.say(B, "18:21:30", LineReply(words=ASKED), refs=(beside.leaf,))
    teller.say(A, "20:01:00", LineTest(nonce=bytes(8)))
    return teller


def test_the_history_is_the_same_whatever_the_sequence_and_names_what_was_missed() -> None:
    teller = story()
    until = z("20:06:00")
    found = line_test.history(teller.said, sorted(PARTIES), RULE, z("17:30:00"), until)
    assert found == line_test.history(reversed(teller.said), sorted(PARTIES), RULE, z("17:30:00"), until)
    assert [(one.party, one.due_ms, one.leaf is not None) for one in found] == [
        (A, z("18:00:00"), True),
        (B, None, True),
        (B, z("19:00:00"), False),
        (A, z("20:00:00"), True),
    ]
    [answer] = found[0].answers
    assert (answer.party, answer.seat, answer.agrees) == (B, "chief", True)
    assert (answer.took_ms, answer.err_ms, answer.after_display_ms) == (41_000, 150, 40_000)
    [wrong] = found[1].answers
    assert (wrong.party, wrong.agrees) == (A, False), "an answer to one's own test is none"
    assert found[3].answers == ()


def test_a_due_time_is_missed_five_minutes_after_the_hour_and_not_before() -> None:
    for minute, missed in (("19:04:59", 0), ("19:05:00", 1)):
        found = line_test.history([], sorted(PARTIES), RULE, z("18:30:00"), z(minute))
        assert len(found) == missed


@pytest.mark.parametrize(
    ("clock", "due"), [("17:30:00", "18:00:00"), ("18:29:59", "18:00:00"), ("18:30:00", "19:00:00")]
)
def test_a_test_is_of_the_due_time_that_it_is_nearest_to(clock: str, due: str) -> None:
    assert line_test.slot(z(clock), RULE.every_ms) * RULE.every_ms == z(due)


def test_parties_take_turns() -> None:
    assert [line_test.turn(number, (0, 2, 3)) for number in range(4)] == [0, 2, 3, 0]


def test_what_was_agreed_counts_and_only_a_live_line_has_a_usual_interval() -> None:
    often = LineTesting("T9", "", 600_000, 60_000)
    assert line_test.cadence((often,), live=True) == line_test.cadence((often,), live=False) == often
    assert line_test.cadence((), live=True) == line_test.HOURLY
    assert line_test.cadence((), live=False) is None
    assert RULE.every_ms in [rule.every_ms for rule in standard_rules() if isinstance(rule, LineTesting)]


@pytest.mark.parametrize(
    ("kind", "parameters", "readable"),
    [
        ("line_test", [600_000, 1], True),
        ("line_test", [599_999, 1], False),
        ("line_test", [600_000, 0], False),
        ("line_test", [600_000], False),
        ("dead_line", [60_000, 4], True),
        ("dead_line", [60_000, 5], False),
        ("dead_line", [9_999, 1], False),
        ("dead_line", ["60000", 1], False),
    ],
)
def test_a_rule_that_cannot_be_read_is_kept_and_says_what_it_needs(
    kind: str, parameters: list[object], readable: bool
) -> None:
    body = Understanding(name="x", version=1, effective_ms=0, rules=(("R", kind, parameters, "text"),))
    [rule] = read_rules(body)
    assert isinstance(rule, LineTesting | DeadLine if readable else Unread)
    assert readable or "at least" in rule.why  # type: ignore[union-attr]
