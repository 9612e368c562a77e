import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.accord.shape import AltRef
from keepclear.interop.lines import MAX_RECENT
from keepclear.interop.position import DEFAULT_ALT_ERR_CM, DEFAULT_POS_ERR_CM, Plan, Position, Waypoint
from keepclear.interop.sbs import SbsReader
from keepclear.interop.track_lines import (
    AHEAD_MAX_MS,
    MAX_PLAN_BYTES,
    MAX_POSITION_BYTES,
    TrackLineReader,
    _PositionLine,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operate" / "tracks.md"
AT_MS = 1_537_209_600_000  # 2018-09-17T18:40:00Z
POSITION = {"type": "position", "flight": "RFR714", "lat": 35.516, "lon": 34.797, "at": AT_MS}
WAYPOINT = {"lat": 35.5, "lon": 34.8, "alt_m": 6000, "alt_ref": "AMSL", "at": AT_MS}
PLAN = {"flight": "RFR714", "tolerance_m": 1852, "tolerance_s": 120, "waypoints": [WAYPOINT]}


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def read(**changes: Any) -> Position:
    reader = TrackLineReader("radar")
    (position,) = reader.feed(line(POSITION | changes), AT_MS)
    assert isinstance(position, Position)
    return position


def refusal(data: bytes) -> tuple[str, str, str]:
    reader = TrackLineReader("radar")
    assert reader.feed(data, AT_MS) == []
    (fault,) = reader.account.recent
    assert reader.account.refused == {fault.code: 1}
    return fault.code, fault.reason, fault.hint


def examples(language: str) -> list[str]:
    blocks = PAGE.read_text().split(f"```{language}\n")[1:]
    return [block.partition("```")[0] for block in blocks]


def test_the_operators_page_examples_are_what_it_says() -> None:
    reader = TrackLineReader("port")
    feet, metres, plan, withdrawn = reader.feed("".join(examples("json")).encode(), AT_MS)
    assert feet == Position(
        source="port",
        flight="RFR714",
        icao24="",
        lat_e7=355_160_000,
        lon_e7=347_970_000,
        alt_cm=609_600,
        alt_ref=AltRef.STD,
        alt_err_cm=DEFAULT_ALT_ERR_CM,
        pos_err_cm=DEFAULT_POS_ERR_CM,
        speed_cmps=15_948,
        track_cdeg=8_750,
        climb_cmps=-254,
        at_ms=AT_MS,
        velocity_age_ms=0,
    )
    assert isinstance(metres, Position)
    assert (metres.source, metres.icao24, metres.alt_cm, metres.at_ms) == ("radar-2", "151d3a", 609_600, AT_MS)
    assert (metres.alt_err_cm, metres.pos_err_cm) == (3_000, 15_000)
    assert (metres.speed_cmps, metres.climb_cmps) == (15_944, -250)
    assert isinstance(plan, Plan)
    assert [(w.alt_cm, w.alt_ref) for w in plan.waypoints] == [(609_600, AltRef.STD), (152_400, AltRef.AMSL)]
    assert plan.waypoints[1].at_ms - plan.waypoints[0].at_ms == 18 * 60_000
    assert withdrawn == Plan(flight="RFR714", waypoints=(), tolerance_cm=185_200, tolerance_ms=120_000)
    (sbs,) = SbsReader("adsb").feed("".join(examples("sbs")).encode(), AT_MS)
    assert (sbs.flight, sbs.velocity_age_ms, sbs.alt_cm) == ("KLM1023", 100, 1_158_240)


def test_the_operators_page_lists_every_key_and_every_code() -> None:
    page = PAGE.read_text()
    assert PAGE.name in refusal(line(POSITION | {"speed": 1}))[2]
    assert [key for key in _PositionLine.__struct_fields__ if f"`{key}`" not in page] == []
    promised = f"{TrackLineReader.feed.__doc__} {SbsReader.feed.__doc__}".replace("\n", " ").split(" under: ")[1:]
    codes = {code.strip() for text in promised for code in text.partition(".")[0].split(",")}
    assert {"not_json", "field_count"} < codes
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


def test_what_is_not_said_is_not_known() -> None:
    bare = read()
    assert (bare.source, bare.alt_cm, bare.speed_cmps, bare.track_cdeg) == ("radar", None, None, None)
    assert (bare.climb_cmps, bare.velocity_age_ms, bare.on_ground) == (None, None, False)
    nameless = read(flight=None, icao24="151D3A")
    assert (nameless.flight, nameless.icao24) == ("151d3a", "151d3a")
    assert read(on_ground=True).on_ground


def test_the_ports_own_errors_stand_where_a_line_states_none() -> None:
    reader = TrackLineReader("radar", pos_err_cm=50_000, alt_err_cm=1_000)
    default, stated = reader.feed(line(POSITION) + line(POSITION | {"pos_err_m": 0, "alt_err_ft": 0}), AT_MS)
    assert isinstance(default, Position)
    assert isinstance(stated, Position)
    assert (default.pos_err_cm, default.alt_err_cm) == (50_000, 1_000)
    assert (stated.pos_err_cm, stated.alt_err_cm) == (0, 0)


@pytest.mark.parametrize(
    ("at", "at_ms"),
    [
        ("2018-09-17T18:40:00Z", AT_MS),
        ("2018-09-17T21:40:00+03:00", AT_MS),
        ("2018-09-17T18:39:59.9996Z", AT_MS - 1),
        (AT_MS + AHEAD_MAX_MS, AT_MS + AHEAD_MAX_MS),
    ],
)
def test_times(at: str | int, at_ms: int) -> None:
    assert read(at=at).at_ms == at_ms


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"at": "2018-09-17T18:40:00"}, "schema", "Expected `datetime` with a timezone component - at `$.at`"),
        ({"at": AT_MS // 1_000}, "time", "at is 1537209600 ms since 1970, believed from 946684800000"),
        ({"at": AT_MS + 40_000}, "time", "a position is dated 40000 ms ahead of this node's clock, at most 5000"),
        ({"at": None}, "schema", "got `null` - at `$.at`"),
        ({"lat": 90.1}, "schema", "Expected `float` <= 90.0 - at `$.lat`"),
        ({"lon": "34"}, "schema", "Expected `float`, got `str` - at `$.lon`"),
        ({"lat": True}, "schema", "Expected `float`, got `bool` - at `$.lat`"),
        ({"type": "track"}, "schema", "Invalid enum value 'track' - at `$.type`"),
        ({"altitude": 3}, "schema", "Object contains unknown field `altitude`"),
        ({"flight": ""}, "schema", "at `$.flight`"),
        ({"flight": "RFR714\n"}, "schema", "at `$.flight`"),
        ({"icao24": "151d3"}, "schema", "at `$.icao24`"),
        ({"icao24": "151d3a\n"}, "schema", "at `$.icao24`"),
        ({"flight": None}, "identity", "a position names no flight"),
        ({"alt_ft": 20_000}, "altitude", "an altitude without its reference"),
        ({"alt_ref": "STD"}, "altitude", "alt_ref without an altitude"),
        ({"alt_ft": 1, "alt_m": 2, "alt_ref": "STD"}, "altitude", "both alt_ft 1 and alt_m 2"),
        ({"alt_ft": 1, "alt_ref": "QFE"}, "schema", "Invalid enum value 'QFE' - at `$.alt_ref`"),
        ({"alt_err_ft": 1, "alt_err_m": 2}, "altitude", "both alt_err_ft 1 and alt_err_m 2"),
        ({"gs_kt": 310}, "velocity", "a velocity lacks a track"),
        ({"track": 0}, "velocity", "a velocity lacks a ground speed (gs_kt or gs_kmh)"),
        ({"gs_kt": 1, "gs_kmh": 2, "track": 0}, "velocity", "both gs_kt 1 and gs_kmh 2"),
        ({"vs_fpm": 1, "vs_mps": 2}, "velocity", "both vs_fpm 1 and vs_mps 2"),
    ],
)
def test_a_bad_position_is_refused_with_its_reason(changes: dict[str, Any], code: str, reason: str) -> None:
    said_code, said_reason, hint = refusal(line(POSITION | changes))
    assert (said_code, reason in said_reason) == (code, True), said_reason
    assert hint


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"waypoints": [WAYPOINT, WAYPOINT]}, "plan_times", f"waypoint 2 of RFR714 is at {AT_MS}, the one before it"),
        ({"waypoints": [WAYPOINT | {"alt_ref": None}]}, "altitude", "an altitude without its reference"),
        ({"waypoints": [WAYPOINT | {"name": "LIMRA"}]}, "schema", "unknown field `name` - at `$.plan.waypoints[0]`"),
        ({"waypoints": [WAYPOINT | {"at": 5}]}, "time", "at is 5 ms since 1970"),
        ({"waypoints": [WAYPOINT] * 513}, "schema", "length <= 512"),
        ({"tolerance_s": -1}, "schema", "at `$.plan.tolerance_s`"),
        ({"tolerance_m": None}, "schema", "at `$.plan.tolerance_m`"),
    ],
)
def test_a_bad_plan_is_refused_with_its_reason(changes: dict[str, Any], code: str, reason: str) -> None:
    said_code, said_reason, _ = refusal(line({"plan": PLAN | changes}))
    assert (said_code, reason in said_reason) == (code, True), said_reason


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"MSG,3,1,1,40621D\n", "not_json"),
        (b'{"type": "position"\n', "not_json"),
        (b'{"type": "position", "flight": "\xff"}\n', "not_json"),
        (b"[" * 4_000 + b"\n", "schema"),
        (b'{"type":' + b"[" * 4_000 + b"\n", "schema"),
        (b"7\n", "schema"),
        (line({"plan": PLAN, "type": "plan"}), "schema"),
        (line(POSITION | {"flight": "x" * MAX_POSITION_BYTES}), "line_too_long"),
        (line({"plan": "x" * MAX_PLAN_BYTES}), "line_too_long"),
    ],
)
def test_what_is_not_a_line_of_ours(data: bytes, code: str) -> None:
    assert refusal(data)[0] == code


def test_a_bad_line_does_not_stop_the_next() -> None:
    reader = TrackLineReader("radar")
    values = reader.feed(b"{}\n" + line(POSITION) + b"\n" + line({"plan": PLAN}) + b"nonsense\n", AT_MS)
    assert [type(value) for value in values] == [Position, Plan]
    assert reader.account.refused == {"schema": 1, "not_json": 1}


def test_a_plan_may_be_long() -> None:
    waypoints = [WAYPOINT | {"at": AT_MS + number} for number in range(512)]
    reader = TrackLineReader("radar")
    (plan,) = reader.feed(line({"plan": PLAN | {"waypoints": waypoints}}), AT_MS)
    assert isinstance(plan, Plan)
    assert len(plan.waypoints) == 512
    assert not reader.account.refused


CM = {"WGS84": 1, "AMSL": 2, "AGL": 3, "STD": 4}


@given(
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_800_000_000, 1_800_000_000),
    st.integers(-61_000, 12_200_000),
    st.sampled_from(sorted(CM)),
    st.integers(0, 35_999),
    st.integers(-AHEAD_MAX_MS * 1_000, AHEAD_MAX_MS),
)
def test_what_is_written_with_enough_digits_comes_back(
    lat_e7: int, lon_e7: int, alt_cm: int, ref: str, track_cdeg: int, offset_ms: int
) -> None:
    heard = read(
        lat=lat_e7 / 1e7,
        lon=lon_e7 / 1e7,
        alt_m=alt_cm / 100,
        alt_ref=ref,
        gs_kt=9,
        track=track_cdeg / 100,
        vs_mps=-1.27,
        at=AT_MS + offset_ms,
    )
    assert (heard.lat_e7, heard.lon_e7, heard.alt_cm, heard.alt_ref) == (lat_e7, lon_e7, alt_cm, CM[ref])
    assert (heard.speed_cmps, heard.track_cdeg, heard.climb_cmps) == (463, track_cdeg, -127)
    assert heard.at_ms == AT_MS + offset_ms


def test_a_waypoint_keeps_what_was_said() -> None:
    (plan,) = TrackLineReader("radar").feed(line({"plan": PLAN}), AT_MS)
    point = Waypoint(lat_e7=355_000_000, lon_e7=348_000_000, alt_cm=600_000, alt_ref=AltRef.AMSL, at_ms=AT_MS)
    assert plan == Plan(flight="RFR714", waypoints=(point,), tolerance_cm=185_200, tolerance_ms=120_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted({*POSITION, *PLAN, *WAYPOINT, "plan", "alt_ft", "gs_kt", "gs_kmh", "track", "vs_fpm", "alt_err_m"})


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3).map(lambda odd: line(POSITION | odd)[:-1]),
            st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3).map(lambda odd: line({"plan": PLAN | odd})[:-1]),
        ),
        max_size=6,
    ),
    st.integers(1, 100),
)
def test_whatever_comes_nothing_is_raised_and_the_next_line_is_read(lines: list[bytes], step: int) -> None:
    reader = TrackLineReader("radar")
    data = b"\n".join([*lines, line(POSITION)])
    found = [value for start in range(0, len(data), step) for value in reader.feed(data[start : start + step], AT_MS)]
    assert isinstance(found[-1], Position)
    assert len(found) + reader.account.refused.total() <= data.count(b"\n")
    assert len(reader.account.recent) <= MAX_RECENT
