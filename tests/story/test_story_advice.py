"""What a notice means for B's own flights, told to B alone."""

from tests.story.line import MINUTE, A, B, Line, hazard, notice

from keepclear.accord import people, statement, understanding
from keepclear.accord.shape import Volume
from keepclear.accord.statement import Precedence
from keepclear.accord.understanding import WithinArea
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


def test_an_activity_that_begins_before_its_announced_start_is_advised_of_from_then_on() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 40 * MINUTE, line.wall_ms + 100 * MINUTE))
    line.say(A, statement.Activated(at_ms=line.wall_ms), refs=(leaf,))
    line.run(500)
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.see(B, "AMONG", 34.0, 35.5, 100.0, 90.0)
    line.run(2_000)
    cases = {s.facts[1]: s.facts[6] for s in line.shown(B, "advisory", leaf)}
    assert cases == {"RFR714": "active, flight outside", "AMONG": "active, flight inside"}
    assert any("AMONG is INSIDE" in text for text in line.alarms(B, "advisory"))


def test_what_remains_after_an_end_outlasts_the_announced_window() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - MINUTE, line.wall_ms + 2 * MINUTE))
    line.say(A, statement.Ended(at_ms=line.wall_ms, residual=True), refs=(leaf,))
    line.run(500)
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)  # enters in 4 min 36 s
    line.run(2_000)
    assert [s.facts[1] for s in line.shown(B, "advisory", leaf)] == ["RFR714"]


def test_each_turn_for_the_worse_is_alarmed_and_a_standing_one_is_not() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - MINUTE))
    told = []
    for lon in (34.7, 34.71, 35.25, 35.251, 35.5, 35.501):
        line.see(B, "RFR714", 34.0, lon, 200.0, 90.0)
        line.run(2_000)
        told.append(len(line.alarms(B, "advisory")))
    # a margin of 2 min; too late to turn; inside
    assert told == [0, 0, 1, 1, 2, 2]


def test_two_own_flights_are_alarmed_again_when_they_have_come_too_near() -> None:
    line = Line()
    for west, east in ((35.0, 35.2), (35.05, 35.15), (35.05, 35.15)):
        line.see(B, "ONE", 34.0, west, 200.0, 90.0)
        line.see(B, "TWO", 34.0, east, 200.0, 270.0)
        line.run(2_000)
    assert ["have lost separation" in text for text in line.alarms(B, "advisory")] == [False, True]


def test_an_entry_that_creeps_nearer_is_told_again_by_what_was_last_told() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - MINUTE))
    for step in range(40):
        line.see(B, "RFR714", *WEST_OF_AREA, 60.0 + 3 * step, 90.0)
        line.run(1_000)
    times = [s.facts[3] for s in line.shown(B, "advisory")]
    [standing] = line.member(B).node.state.advice.advisories.values()
    last_ms = 55_300 * 1_000 // (60 + 3 * 39)  # to the border, at the speed of the last report
    assert len(times) > 3
    assert standing.enter_ms is not None
    assert abs(standing.enter_ms - line.wall_ms - last_ms) < 62_000, "what was last told is never off by more"


def test_a_margin_that_is_used_up_by_time_alone_is_not_told_again() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - MINUTE))
    for step in range(75):
        line.see(B, "RFR714", 34.0, 34.0 + step * 200 / 92_460, 200.0, 90.0)
        line.run(1_000)
    assert len(line.shown(B, "advisory")) == 1


def test_a_notice_without_an_area_is_in_one_of_the_agreed_areas_a_hazard_or_a_bad_shape_anywhere() -> None:
    line = Line()
    agree(line, "circle 34.0,35.5 10nm", "circle 38.0,35.5 10nm")
    vague = line.say(A, notice(line.wall_ms - MINUTE, area="unknown"))
    somewhere = line.say(A, hazard(line.wall_ms, area="unknown"))
    crossed = line.say(A, notice(line.wall_ms - MINUTE, area="polygon 35.0,34.0 36.0,35.0 35.0,35.0 36.0,34.0"))
    for flight, lat in (("SOUTH", 34.0), ("NORTH", 38.0), ("OUTSIDE", 42.0)):
        line.see(B, flight, lat, 35.5, 100.0, 90.0)
    line.run(2_000)
    advised = {leaf: {s.facts[1] for s in line.shown(B, "advisory", leaf)} for leaf in (vague, somewhere, crossed)}
    everyone = {"SOUTH", "NORTH", "OUTSIDE"}
    assert advised == {vague: {"SOUTH", "NORTH"}, somewhere: everyone, crossed: everyone}
    assert all("no safe side derivable" in s.text for s in line.shown(B, "advisory"))


def test_when_our_clock_is_put_back_positions_are_taken_and_grow_old_all_the_same() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - 10 * MINUTE))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0, at_ms=line.wall_ms + 50_000)  # of a clock that was ahead
    line.see(B, "RFR714", 34.0, 35.5, 100.0, 90.0)
    line.run(2_000)
    own = line.member(B).node.state.advice
    assert own.fleet.report("RFR714").lon_e7 == 355_000_000
    line.see(B, "RFR714", 34.0, 35.5, 100.0, 90.0, at_ms=line.wall_ms + 55_000)
    line.run(62_000)  # 7 s after the time that it bears
    assert not own.fleet
    assert list(own.lost) == ["RFR714"]


def test_an_advisory_that_ends_never_says_that_a_flight_is_clear() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - MINUTE))
    gone = line.say(A, notice(line.wall_ms - MINUTE, area="circle 36.0,35.5 10nm"))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.see(B, "RFR715", 36.0, 34.7, 200.0, 90.0)
    line.run(2_000)
    line.say(A, statement.Ended(at_ms=line.wall_ms), refs=(gone,))
    for _ in range(25):
        line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 270.0)
        line.see(B, "RFR715", 36.0, 34.7, 200.0, 90.0)
        line.run(1_000)
    assert [s.text for s in line.shown(B, "cleared", leaf)] == ["RFR714: no longer found near ALFA's NOTICE"]
    assert [s.text for s in line.shown(B, "cleared", gone)] == ["RFR715: ALFA's NOTICE is ended"]


def agree(line: Line, *areas: str) -> None:
    """Both parties sign that activities stay within each of the areas."""
    within = [
        WithinArea(f"W{number}", "Activities stay within.", Volume(people.parse_area(area)))
        for number, area in enumerate(areas, 1)
    ]
    body = statement.Understanding(
        name="areas", version=1, effective_ms=line.wall_ms, rules=understanding.to_wire(tuple(within))
    )
    leaf = line.say(A, body, Precedence.PRIORITY)
    line.run(1_000)
    line.say(B, statement.Accept(), Precedence.PRIORITY, refs=(leaf,))
    line.run(1_000)
