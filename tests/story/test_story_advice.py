"""What a notice means for B's own flights, told to B alone."""

from tests.story.line import MINUTE, A, B, Line, hazard, notice

from keepclear.accord import statement
from keepclear.accord.statement import Precedence
from keepclear.node.inputs import Assessed, Settings

WEST_OF_AREA = (34.0, 34.7)


def test_a_flight_that_will_enter_is_advised_with_time_and_margin() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - MINUTE, line.wall_ms + 60 * MINUTE))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", leaf)
    _, flight, _, to_enter_ms, to_clear_ms, margin_ms, case, *_ = advisory.facts
    # 73.9 km to the centre, less 18.52 km of radius, at 200 m/s
    assert flight == "RFR714"
    assert abs(to_enter_ms - 276_500) < 3_000
    assert abs(to_clear_ms - to_enter_ms - 185_200) < 3_000
    assert abs(margin_ms - (to_enter_ms - 150_000)) < 3_000
    assert case == "active, flight outside"
    assert not any("RFR714" in s.text for _, s in line.member(A).log.shown), "own tracks never leave their node"


def test_a_flight_that_turns_away_is_cleared_after_a_while_not_at_once() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - MINUTE))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.run(2_000)
    for _ in range(12):
        line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 270.0)
        line.run(1_000)
    assert not line.shown(B, "cleared"), "a clearing is held back"
    for _ in range(8):
        line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 270.0)
        line.run(1_000)
    [cleared] = line.shown(B, "cleared")
    assert "RFR714" in cleared.text


def test_where_the_area_is_unknown_no_safe_side_is_derived() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + MINUTE, area="unknown"))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", leaf)
    assert "no safe side derivable" in advisory.text
    assert advisory.facts[5] is None, "no margin is reckoned against an area that is not known"


def test_a_hazard_advises_its_own_declarer_and_lasts_until_the_all_clear() -> None:
    line = Line()
    line.see(B, "RFR714", 34.0, 35.5, 100.0, 90.0)
    leaf = line.say(B, hazard(line.wall_ms))
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", leaf)
    assert "INSIDE" in advisory.text
    line.say(A, statement.AllClear(at_ms=line.wall_ms), Precedence.IMMEDIATE, refs=(leaf,))
    line.run(1_000)
    assert line.matter(B, leaf).status == "active", "only the one who declared it can clear it"
    line.say(B, statement.AllClear(at_ms=line.wall_ms), Precedence.IMMEDIATE, refs=(leaf,))
    for _ in range(25):
        line.see(B, "RFR714", 34.0, 35.5, 0.0, 90.0)
        line.run(1_000)
    assert line.shown(B, "cleared", leaf)


def test_two_own_flights_that_come_too_near_are_alerted_once() -> None:
    line = Line()
    for _ in range(5):
        line.see(B, "ONE", 34.0, 35.0, 200.0, 90.0)
        line.see(B, "TWO", 34.0, 35.4, 200.0, 270.0)
        line.run(1_000)
    alerts = [s for s in line.shown(B, "advisory") if s.facts[0] == "pair"]
    assert [(s.facts[1], s.facts[2]) for s in alerts] == [("ONE", "TWO")]


def test_a_lost_track_does_not_vanish_silently() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - MINUTE))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.see(B, "OTHER", 40.0, 35.0, 200.0, 90.0)
    line.run(2_000)
    for _ in range(70):
        line.see(B, "OTHER", 40.0, 35.0, 200.0, 90.0)
        line.run(1_000)
    assert any("lost, not known to be clear" in s.text for s in line.shown(B, "cleared"))


def test_findings_that_are_late_are_said_and_stale_ones_dropped() -> None:
    line = Line(settings=Settings(assess_every_ms=100_000))
    member = line.member(B)
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    digest = member.node.state.advice.asked
    assert digest
    member.take(Assessed(member.stamp(), b"another picture.", ()))
    assert member.node.state.advice.asked == digest
    assert member.node.state.noise["stale findings"] == 1
    member.take(Assessed(member.stamp(), digest, None))
    assert line.shown(B, "not assessed")
    assert line.alarms(B, "not assessed")
