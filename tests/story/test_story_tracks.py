"""What B's own tracks are worth: stale, lost, doubted, and never gone without a word."""

import msgspec
from tests.story.line import MINUTE, A, B, Line, hazard, notice

from keepclear.accord import statement
from keepclear.geo.hygiene import Doubt
from keepclear.interop.position import Position
from keepclear.node.inputs import LetGo, Settings, Tracks

WEST_OF_AREA = (34.0, 34.7)


def heading_in(settings: Settings | None = None) -> tuple[Line, bytes]:
    """A line with a hazard, and a flight of B's that will enter it, and has been advised."""
    line = Line(settings=settings)
    leaf = line.say(A, notice(line.wall_ms - MINUTE))
    line.see(B, "RFR714", *WEST_OF_AREA, 200.0, 90.0)
    line.see(B, "OTHER", 40.0, 35.0, 0.0, 90.0, source="adsb")
    line.run(2_000)
    assert len(line.shown(B, "advisory", leaf)) == 1
    return line, leaf


def quiet(line: Line, seconds: int) -> None:
    """Only the other flight, of the other source, goes on being reported."""
    for _ in range(seconds):
        line.see(B, "OTHER", 40.0, 35.0, 0.0, 90.0, source="adsb")
        line.run(1_000)


def test_a_track_that_stops_is_said_to_be_stale_and_lost_and_its_advisory_stands() -> None:
    line, leaf = heading_in(Settings(track_kept_ms=2 * MINUTE))
    quiet(line, 16)
    own = line.member(B).node.state.advice
    assert list(own.stale) == ["RFR714"]
    [standing] = own.advisories.values()
    assert "; RFR714 last heard " in standing.text
    quiet(line, 48)
    assert (list(own.fleet.places), list(own.lost), list(own.stale)) == (["OTHER"], ["RFR714"], [])
    [told] = line.shown(B, "lost")
    assert "track of RFR714 lost, not known to be clear" in told.text
    [standing] = own.advisories.values()
    assert "; RFR714 LOST, last heard " in standing.text
    quiet(line, 30)
    assert not line.shown(B, "cleared"), "what is lost is kept, long after it would have been cleared"
    quiet(line, 40)
    assert not own.lost
    [cleared] = line.shown(B, "cleared", leaf)
    assert cleared.text.startswith("RFR714: track of RFR714 let go")
    assert cleared.text.endswith("not known to be clear")


def test_a_lost_track_that_is_heard_again_goes_on_with_its_advisory() -> None:
    line, leaf = heading_in()
    quiet(line, 64)
    line.see(B, "RFR714", 34.0, 34.85, 200.0, 90.0)
    line.run(2_000)
    own = line.member(B).node.state.advice
    assert "RFR714" in own.fleet
    assert not own.lost
    assert [s.facts for s in line.shown(B, "track")][-1] == ("heard", "RFR714")
    assert not line.shown(B, "cleared", leaf)
    [standing] = own.advisories.values()
    assert "LOST" not in standing.text


def test_an_officer_lets_lost_tracks_go_and_no_others() -> None:
    line, leaf = heading_in()
    quiet(line, 64)
    member = line.member(B)
    member.take(LetGo(member.stamp(), ("OTHER", "RFR714", "NOBODY")))
    own = member.node.state.advice
    assert (list(own.fleet.places), list(own.lost)) == (["OTHER"], [])
    assert [s.text for s in line.shown(B, "cleared", leaf)] == [
        "RFR714: track of RFR714 let go by an officer, not known to be clear"
    ]


def test_what_is_over_ends_for_a_lost_flight_as_for_any() -> None:
    line, leaf = heading_in()
    quiet(line, 64)
    line.say(A, statement.Ended(at_ms=line.wall_ms), refs=(leaf,))
    quiet(line, 20)
    assert [s.text for s in line.shown(B, "cleared", leaf)] == ["RFR714: ALFA's NOTICE is ended"]


def test_a_source_that_falls_silent_is_said_once_with_its_tracks() -> None:
    line = Line()
    for number in range(30):
        line.see(B, f"OWN{number}", 45.0 + number, 35.0, 100.0, 90.0, source="radar-2")
    quiet(line, 70)
    [told] = line.shown(B, "source")
    assert told.text == "the track source 'radar-2' is silent for 15 s: its 30 tracks are stale"
    assert line.alarms(B, "source") == [told.text]
    assert not line.shown(B, "track"), "none of them is told one by one"
    [lost] = line.shown(B, "lost")
    assert "OWN4 and 25 more" in lost.text
    assert len(line.member(B).node.state.advice.lost) == 30, "they are counted"
    line.see(B, "OWN3", 48.0, 35.0, 100.0, 90.0, source="radar-2")
    quiet(line, 2)
    assert [s.facts for s in line.shown(B, "source")][1:] == [("heard", "radar-2")]


def test_a_track_that_leaps_is_doubted_and_reckoned_with_at_both_places() -> None:
    line, leaf = heading_in()
    line.see(B, "RFR714", 50.0, 10.0, 200.0, 90.0)
    line.run(2_000)
    [doubt] = line.shown(B, "doubt")
    assert doubt.text == "the track of RFR714 from 'radar' is doubted: impossible speed"
    quiet(line, 25)
    assert not line.shown(B, "cleared", leaf), "where it was it may still be"
    [standing] = line.member(B).node.state.advice.advisories.values()
    assert standing.text.endswith("; track of RFR714 doubted: impossible speed")
    for number in range(64):
        line.see(B, "RFR714", 50.0, 10.0 + number * 0.0028, 200.0, 90.0)
        quiet(line, 1)
    assert line.shown(B, "cleared", leaf)
    assert not line.member(B).node.state.advice.doubts


def test_what_is_doubted_is_advised_of_all_the_same() -> None:
    line = Line()
    leaf = line.say(B, hazard(line.wall_ms))
    line.see(B, "RFR714", 45.0, 10.0, 200.0, 90.0)
    line.run(2_000)
    line.see(B, "RFR714", 34.0, 35.5, 20.0, 90.0, alt_cm=1_000_000)
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", leaf)
    assert "RFR714 is INSIDE" in advisory.text
    assert "doubted: impossible speed" in advisory.text
    assert "too slow for its height" in advisory.text


def test_many_that_leap_to_one_point_are_told_in_few_lines() -> None:
    line = Line()
    for number in range(12):
        line.see(B, f"OWN{number:02}", 40.0 + number, 35.0, 200.0, 90.0)
    line.run(2_000)
    for number in range(12):
        line.see(B, f"OWN{number:02}", 33.82, 35.488, 200.0, 90.0, alt_cm=600_000 + 30_000 * number)
    line.run(2_000)
    doubts = line.member(B).node.state.advice.doubts
    assert len(doubts) == 12
    assert all(each.doubts & Doubt.SPEED for each in doubts.values())
    assert all(each.doubts & Doubt.ONE_POINT for each in doubts.values())


def test_a_frozen_place_a_clock_that_jumps_and_a_flag_that_is_stuck_are_doubted() -> None:
    line = Line()
    for _ in range(14):
        line.see(B, "FROZEN", 40.0, 35.0, 200.0, 90.0)
        line.see(B, "SOUND", 42.0, 35.0, 0.0, 90.0)
        line.see(B, "STUCK", 44.0, 35.0, 200.0, 90.0, on_ground=True)
        line.run(1_000)
    line.see(B, "SOUND", 42.0, 35.0, 0.0, 90.0, at_ms=line.wall_ms - 30_000)
    line.see(B, "AHEAD", 46.0, 35.0, 0.0, 90.0, at_ms=line.wall_ms + 30_000)
    doubts = {flight: each.doubts for flight, each in line.member(B).node.state.advice.doubts.items()}
    assert doubts == {
        "STUCK": Doubt.GROUND | Doubt.FROZEN, "FROZEN": Doubt.FROZEN, "SOUND": Doubt.TIME_BACK,
        "AHEAD": Doubt.TIME_AHEAD,
    }  # fmt: skip


def test_who_flies_with_the_ground_flag_set_is_advised() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms - MINUTE))
    line.see(B, "STUCK", *WEST_OF_AREA, 200.0, 90.0, on_ground=True)
    line.see(B, "TAXIES", *WEST_OF_AREA, 10.0, 90.0, on_ground=True)
    line.run(2_000)
    assert [s.facts[1] for s in line.shown(B, "advisory", leaf)] == ["STUCK"]


def test_one_aircraft_under_two_names_is_alerted_and_said_to_be_perhaps_one() -> None:
    line = Line()
    line.see(B, "RFR714", 34.0, 35.0, 200.0, 90.0, icao24="151d3a")
    line.see(B, "151D3A", 34.001, 35.0, 200.0, 90.0, icao24="151d3a", source="adsb")
    line.run(2_000)
    [alert] = line.shown(B, "advisory")
    assert alert.text.endswith("; both have the address 151d3a: they may be one aircraft")


def test_an_alert_of_two_flights_is_held_by_wider_limits_and_does_not_flicker() -> None:
    line = Line()
    for number in range(40):
        lat = 34.0 + (9_100 if number % 2 else 9_500) / 110_922  # within 5 NM of the other each second time
        line.see(B, "ONE", 34.0, 35.0, 0.0, 90.0, pos_err_cm=0)
        line.see(B, "TWO", lat, 35.0, 0.0, 90.0, pos_err_cm=0)
        line.run(20_000 if number % 10 == 9 else 1_000)
    assert len(line.shown(B, "advisory")) == 1
    assert not line.shown(B, "cleared")
    for _ in range(20):
        line.see(B, "ONE", 34.0, 35.0, 0.0, 90.0, pos_err_cm=0)
        line.see(B, "TWO", 34.2, 35.0, 0.0, 90.0, pos_err_cm=0)
        line.run(1_000)
    assert len(line.shown(B, "cleared")) == 1


def test_two_whose_places_are_badly_known_may_be_too_near_and_that_is_no_alarm() -> None:
    line = Line()
    line.see(B, "ONE", 34.0, 35.0, 0.0, 90.0, pos_err_cm=300_000)
    line.see(B, "TWO", 34.1, 35.0, 0.0, 90.0, pos_err_cm=10_000)
    line.see(B, "FAR", 34.5, 35.0, 0.0, 90.0, pos_err_cm=300_000)
    line.run(2_000)
    [advisory] = line.shown(B, "advisory")
    assert advisory.text.startswith("ONE and TWO may come too near, as far as their places are known: least 11092 m")
    assert not line.alarms(B, "advisory")


def test_a_batch_is_worked_through_the_same_after_a_snapshot() -> None:
    line = Line()
    member = line.member(B)
    positions = [
        Position(
            source="radar", flight=f"OWN{number}", icao24="", lat_e7=400_000_000, lon_e7=350_000_000 + number * 10**7,
            alt_cm=900_000, alt_ref=4, alt_err_cm=0, pos_err_cm=0, speed_cmps=20_000, track_cdeg=0, climb_cmps=0,
            at_ms=line.wall_ms,
        )
        for number in range(5)
    ]  # fmt: skip
    member.take(Tracks(member.stamp(), msgspec.msgpack.encode(positions)))
    line.run(1_000)
    leapt = [msgspec.structs.replace(p, lat_e7=100_000_000, at_ms=line.wall_ms) for p in positions]
    member.take(Tracks(member.stamp(), msgspec.msgpack.encode(leapt)))
    before = member.node.snapshot()
    member.node.restore(before, lambda kept: [e.raw for e in list(member.node.books.by_leaf.values())[:kept]])
    assert member.node.snapshot() == before
    assert len(member.node.state.advice.doubts) == 5
