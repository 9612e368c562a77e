"""What a notice means for B's own plans: all of a plan is held against it, for as long as the plan is to be flown."""

import msgspec
from tests.story.line import MINUTE, A, B, Line, notice

from keepclear.accord import people, statement
from keepclear.accord.shape import AltRef, Volume
from keepclear.interop.position import Plan, Waypoint
from keepclear.node import flights
from keepclear.node.inputs import Plans

WEST, EAST, FAR_EAST = 34.7, 36.3, 36.35


def test_of_a_plan_that_crosses_twice_the_crossing_that_is_to_come_is_advised() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - 60 * MINUTE))
    t = line.wall_ms
    over = (point(WEST, t - 40 * MINUTE), point(EAST, t - 20 * MINUTE))
    file(line, planned("SHUTTLE", *over, point(FAR_EAST, t + 10 * MINUTE), point(WEST, t + 30 * MINUTE)))
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", leaf)
    assert 10 * MINUTE < advisory.facts[3] < 20 * MINUTE


def test_a_plan_is_held_off_by_the_error_that_an_area_declares() -> None:
    line = Line()
    area = people.parse_area("circle 34.0,35.5 10nm")
    volume = Volume(area, 5_000_000, people.parse_altitude("GND"), people.parse_altitude("10000m"))
    leaf = line.say(A, notice(line.wall_ms, volumes=(volume,)))
    t = line.wall_ms
    # 38.8 km to the north of the centre: 20.3 km outside of the area as drawn, whose points are good to 50 km
    file(line, planned("NEAR", point(WEST, t + 10 * MINUTE, lat=34.35), point(EAST, t + 30 * MINUTE, lat=34.35)))
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", leaf)
    assert "only if its error is against it" in advisory.text


def test_each_leg_of_a_plan_is_read_on_its_own_altitude_reference() -> None:
    """At flight level 180 the band of 5 600 to 5 800 m AMSL may be met; the airfield's AMSL altitude says otherwise."""
    for first in (AltRef.STD, AltRef.AMSL):
        line = Line()
        leaf = line.say(A, banded("5600m AMSL", "5800m AMSL", line.wall_ms))
        t = line.wall_ms
        climb = point(34.0, t + MINUTE, alt_cm=30_000, ref=first)
        level = [point(lon, t + at, alt_cm=548_600, ref=AltRef.STD) for lon, at in ((WEST, 600_000), (EAST, 1_800_000))]
        file(line, planned("LEVEL", climb, *level))
        line.run(2_000)
        assert [s.facts[1] for s in line.shown(B, "advisory", leaf)] == ["LEVEL"], first.name


def test_between_two_references_a_plan_may_be_at_any_altitude() -> None:
    line = Line()
    leaf = line.say(A, banded("9000m AMSL", "9500m AMSL", line.wall_ms))
    t = line.wall_ms
    mixed = point(WEST, t + 10 * MINUTE, alt_cm=30_000, ref=AltRef.AMSL), point(EAST, t + 30 * MINUTE, ref=AltRef.STD)
    same = point(WEST, t + 10 * MINUTE, alt_cm=30_000, ref=AltRef.AMSL), point(EAST, t + 30 * MINUTE, ref=AltRef.AMSL)
    file(line, planned("MIXED", *mixed), planned("SAME", *same))
    line.run(2_000)
    assert [s.facts[1] for s in line.shown(B, "advisory", leaf)] == ["MIXED"]


def test_what_was_advised_by_a_plan_ends_with_it_even_if_it_was_the_last() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - MINUTE))
    t = line.wall_ms
    file(line, planned("BACK", point(35.3, t - MINUTE), point(EAST, t + 30 * MINUTE)))
    file(line, planned("SOON", point(35.3, t - MINUTE), point(35.4, t + 10_000), tolerance_ms=20_000))
    line.run(2_000)
    assert len(line.shown(B, "advisory", leaf)) == 2
    file(line, planned("BACK"))
    assert [s.text for s in line.shown(B, "cleared", leaf)] == ["BACK: plan withdrawn"]
    line.run(25_000)
    assert "SOON" in line.member(B).node.state.advice.plans, "late as it may be, it is still to be flown"
    line.run(15_000)
    assert [s.text for s in line.shown(B, "cleared", leaf)][1:] == ["SOON: its plan has ended"]
    own = line.member(B).node.state.advice
    assert not own.plans
    assert not own.advisories


def test_plans_that_were_flown_make_place_and_a_full_house_is_alarmed_once() -> None:
    line = Line()
    t = line.wall_ms
    old = [planned(f"OLD{n}", point(10.0, t - 90 * MINUTE), point(11.0, t - 80 * MINUTE)) for n in range(3_000)]
    file(line, *old)
    held = [planned(f"HELD{n}", point(10.0, t), point(11.0, t + 80 * MINUTE)) for n in range(flights.MAX_PLANS)]
    file(line, *held[:2_500])
    file(line, *held[2_500:])
    own = line.member(B).node.state.advice
    assert list(own.plans) == [plan.flight for plan in held]
    assert not line.alarms(B, "plans full")
    for _ in range(2):
        file(line, planned("NEW1", point(10.0, t), point(11.0, t + MINUTE)))
        file(line, planned("NEW2", point(10.0, t), point(11.0, t + MINUTE)))
    [text] = line.alarms(B, "plans full")
    assert "the plan of NEW1 is not watched: 5000 plans are held" in text
    assert line.shown(B, "plans full")


def planned(flight: str, *waypoints: Waypoint, tolerance_ms: int = 0) -> Plan:
    return Plan(flight=flight, waypoints=waypoints, tolerance_cm=10_000, tolerance_ms=tolerance_ms)


def point(lon: float, at_ms: int, lat: float = 34.0, alt_cm: int = 600_000, ref: AltRef = AltRef.AMSL) -> Waypoint:
    return Waypoint(lat_e7=round(lat * 1e7), lon_e7=round(lon * 1e7), alt_cm=alt_cm, alt_ref=int(ref), at_ms=at_ms)


def file(line: Line, *plans: Plan) -> None:
    """B's own planner tells its node."""
    member = line.member(B)
    member.take(Plans(member.stamp(), msgspec.msgpack.encode(plans)))


def banded(lower: str, upper: str, start_ms: int) -> statement.Notice:
    volume = Volume(
        people.parse_area("circle 34.0,35.5 10nm"), 10_000, people.parse_altitude(lower), people.parse_altitude(upper)
    )
    return notice(start_ms, volumes=(volume,))
