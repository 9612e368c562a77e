import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.accord.shape import AltRef
from keepclear.interop.lines import MAX_RECENT
from keepclear.interop.position import DEFAULT_ALT_ERR_CM, DEFAULT_POS_ERR_CM, Position
from keepclear.interop.sbs import (
    ALTITUDE_KEPT_MS,
    HELD_BACK_MAX_MS,
    MAX_LINE_BYTES,
    SILENCE_ENDS_FLIGHT_MS,
    VELOCITY_KEPT_MS,
    SbsReader,
)

NOW_MS = 1_800_000_000_000
STAMPS = ("2026/11/22", "17:09:54.098", "2026/11/22", "17:09:54.098")


def msg(
    kind: int,
    address: str = "40621D",
    *,
    stamps: tuple[str, str, str, str] = STAMPS,
    callsign: str = "",
    alt: str = "",
    speed: str = "",
    track: str = "",
    lat: str = "",
    lon: str = "",
    climb: str = "",
    ground: str = "0",
) -> bytes:
    fields = ["MSG", str(kind), "1", "1", address, "1", *stamps, callsign, alt, speed, track, lat, lon, climb]
    return ",".join([*fields, "", "", "", "", ground]).encode() + b"\r\n"


def placed(kind: int = 3, address: str = "40621D", *, alt: str = "38000", ground: str = "0") -> bytes:
    return msg(kind, address, alt=alt, lat="52.26578", lon="3.93891", ground=ground)


def one(reader: SbsReader, data: bytes, received_ms: int = NOW_MS) -> Position:
    (position,) = reader.feed(data, received_ms)
    return position


# What dump1090-mutability wrote for the frames in test_dump1090.py, byte for byte.
RECEIVED = (
    b"MSG,3,1,1,40621D,1,2026/11/22,17:09:53.898,2026/11/22,17:09:54.098,,38000,,,,,,,,,,0\r\n"
    b"MSG,3,1,1,40621D,1,2026/11/22,17:09:54.098,2026/11/22,17:09:54.098,,38000,,,52.26578,3.93891,,,,,,0\r\n"
    b"MSG,1,1,1,4840D6,1,2026/11/22,17:09:54.198,2026/11/22,17:09:54.299,KLM1023 ,,,,,,,,,,,0\r\n"
    b"MSG,4,1,1,485020,1,2026/11/22,17:09:54.399,2026/11/22,17:09:54.499,,,159,184,,,-832,,,,,0\r\n"
)


def test_real_lines() -> None:
    reader = SbsReader("adsb")
    assert reader.feed(RECEIVED, NOW_MS) == [
        Position(
            source="adsb",
            flight="40621d",
            icao24="40621d",
            lat_e7=522_657_800,
            lon_e7=39_389_100,
            alt_cm=1_158_240,
            alt_ref=AltRef.STD,
            alt_err_cm=DEFAULT_ALT_ERR_CM,
            pos_err_cm=DEFAULT_POS_ERR_CM,
            speed_cmps=None,
            track_cdeg=None,
            climb_cmps=None,
            at_ms=NOW_MS,
        )
    ]
    assert reader.aircraft_known == 3
    assert not reader.account.refused
    later = one(reader, placed(address="485020"), NOW_MS + 1_500)
    assert (later.speed_cmps, later.track_cdeg, later.climb_cmps) == (8_180, 18_400, -423)
    assert later.velocity_age_ms == 1_500 + 100  # the velocity line was held back for 100 ms


def test_every_message_type_contributes_what_it_holds() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(1, callsign="DLH8JW  ") + msg(4, speed="443.5", track="324.3", climb="960"), NOW_MS)
    reader.feed(msg(5, alt="34975") + msg(6) + msg(7) + msg(8), NOW_MS)
    heard = one(reader, placed(alt=""))
    assert (heard.flight, heard.icao24) == ("DLH8JW", "40621d")
    assert (heard.speed_cmps, heard.track_cdeg, heard.climb_cmps) == (22_816, 32_430, 488)
    assert (heard.alt_cm, heard.alt_err_cm) == (1_066_038, DEFAULT_ALT_ERR_CM)


def test_a_missing_altitude_stays_missing_once_the_last_is_too_old() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(5, alt="34975"), NOW_MS)
    in_time = one(reader, placed(alt=""), NOW_MS + ALTITUDE_KEPT_MS)
    assert in_time.alt_cm == 1_066_038
    assert in_time.alt_err_cm == DEFAULT_ALT_ERR_CM + 15_240  # 6000 ft/min for 5 s: 500 ft
    too_late = one(reader, placed(alt=""), NOW_MS + ALTITUDE_KEPT_MS + 1)
    assert (too_late.alt_cm, too_late.alt_err_cm) == (None, DEFAULT_ALT_ERR_CM)


def test_an_old_velocity_is_no_velocity() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(4, speed="443", track="324", climb="960"), NOW_MS)
    aged = one(reader, placed(), NOW_MS + VELOCITY_KEPT_MS)
    assert (aged.velocity_age_ms, aged.track_cdeg, aged.climb_cmps) == (VELOCITY_KEPT_MS, 32_400, 488)
    gone = one(reader, placed(), NOW_MS + VELOCITY_KEPT_MS + 1)
    assert (gone.velocity_age_ms, gone.speed_cmps, gone.track_cdeg, gone.climb_cmps) == (None, None, None, None)


def test_a_position_held_back_meets_a_newer_velocity_and_altitude() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(4, speed="443", track="324") + msg(5, alt="34975"), NOW_MS)
    stamps = (STAMPS[0], "17:09:50.098", *STAMPS[2:])
    held_back = one(reader, msg(3, stamps=stamps, lat="52.26578", lon="3.93891"))
    assert (held_back.at_ms, held_back.velocity_age_ms) == (NOW_MS - 4_000, 0)
    assert (held_back.alt_cm, held_back.alt_err_cm) == (1_066_038, DEFAULT_ALT_ERR_CM + 12_192)  # 6000 ft/min, 4 s


def test_a_speed_without_a_track_is_no_velocity() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(4, speed="443", climb="960"), NOW_MS)
    heard = one(reader, placed())
    assert (heard.speed_cmps, heard.track_cdeg, heard.velocity_age_ms, heard.climb_cmps) == (None, None, None, 488)


def test_an_aircraft_silent_for_ten_minutes_is_a_new_flight() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(1, callsign="SWR12"), NOW_MS)
    assert one(reader, placed(), NOW_MS + SILENCE_ENDS_FLIGHT_MS).flight == "SWR12"
    assert one(reader, placed(), NOW_MS + 2 * SILENCE_ENDS_FLIGHT_MS + 1).flight == "40621d"


def test_on_the_ground() -> None:
    reader = SbsReader("adsb")
    taxiing = one(reader, msg(2, lat="47.46", lon="8.55", speed="15", track="90"))
    assert (taxiing.on_ground, taxiing.alt_cm, taxiing.speed_cmps) == (True, None, 772)
    assert not one(reader, placed()).on_ground
    assert one(reader, placed(ground="-1")).on_ground


def test_a_height_marked_h_is_above_the_ellipsoid() -> None:
    heard = one(SbsReader("adsb"), placed(alt="30250H"))
    assert (heard.alt_cm, heard.alt_ref) == (922_020, AltRef.WGS84)


@pytest.mark.parametrize("zone", ["2026/11/22,17", "2026/11/23,04", "1999/12/31,23"])
def test_the_receivers_zone_and_clock_do_not_matter_only_how_long_it_held_the_line_back(zone: str) -> None:
    day, hour = zone.split(",")
    stamps = (day, f"{hour}:09:54.098", day, f"{hour}:14:54.348")
    reader = SbsReader("adsb")
    held_back = one(reader, msg(3, stamps=stamps, alt="38000", lat="52.26578", lon="3.93891"))
    assert held_back.at_ms == NOW_MS - 300_250
    assert reader.undated == 0


@pytest.mark.parametrize(
    "stamps",
    [
        ("", "", "", ""),
        ("2026/02/30", "17:09:54.098", "2026/02/30", "17:09:54.098"),
        ("2026/11/22", "17:09:54.098+01:00", *STAMPS[2:]),
        ("2026/11/22", "17:09:55.099", *STAMPS[2:]),
        ("2026/11/22", "16:54:54.097", *STAMPS[2:]),
    ],
    ids=["none", "no such day", "a zone", "logged over a second before it was generated", "held back over 15 minutes"],
)
def test_stamps_that_make_no_sense_date_the_position_when_it_came(stamps: tuple[str, str, str, str]) -> None:
    reader = SbsReader("adsb")
    heard = one(reader, msg(3, stamps=stamps, alt="38000", lat="52.26578", lon="3.93891"))
    assert (heard.at_ms, reader.undated) == (NOW_MS, 1)
    assert not reader.account.refused


@pytest.mark.parametrize(("generated", "held_ms"), [("16:54:54.098", HELD_BACK_MAX_MS), ("17:09:55.098", 0)])
def test_the_hold_backs_just_believed(generated: str, held_ms: int) -> None:
    stamps = ("2026/11/22", generated, *STAMPS[2:])
    reader = SbsReader("adsb")
    heard = one(reader, msg(3, stamps=stamps, alt="38000", lat="52.26578", lon="3.93891"))
    assert (heard.at_ms, reader.undated) == (NOW_MS - held_ms, 0)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"\x1a3\xff\x00beast\r\n", "not_text"),
        (b"*8D40621D58C382D690C8AC2863A7;\n", "not_sbs"),
        (b"MSG,3,1,1,40621D\n", "field_count"),
        (placed()[:-3] + b",0,0\r\n", "field_count"),
        (placed(address="40621"), "address"),
        (placed(address="40621G"), "address"),
        (msg(3, lat="52.2.6", lon="3.9"), "number"),
        (msg(3, lat="nan", lon="3.9"), "number"),
        (msg(3, lat="1e1", lon="3.9"), "number"),
        (msg(3, lat="5_2", lon="3.9"), "number"),
        (msg(3, lat="90.00001", lon="3.9"), "range"),
        (msg(3, lat="52", lon="-180.1"), "range"),
        (placed(alt="150001"), "range"),
        (msg(4, speed="-1", track="0"), "range"),
        (msg(4, speed="1", track="360.5"), "range"),
        (b"MSG," * MAX_LINE_BYTES + b"\n", "line_too_long"),
    ],
)
def test_a_bad_line_is_counted_and_the_next_one_is_read(line: bytes, code: str) -> None:
    reader = SbsReader("adsb")
    assert len(reader.feed(line + placed(), NOW_MS)) == 1
    assert reader.account.refused == {code: 1}
    assert reader.aircraft_known == 1
    assert reader.account.recent[0].hint


def test_a_refusal_gives_both_numbers() -> None:
    reader = SbsReader("adsb")
    reader.feed(placed(alt="150001"), NOW_MS)
    assert reader.account.recent[0].reason == "altitude 150001 ft, believed from -2000 to 150000"


def test_heartbeats_and_other_records_are_not_faults() -> None:
    reader = SbsReader("adsb")
    other = b"\r\nSTA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,2008/11/28,14:58:51.153,RM\r\n"
    other += b"ID ,,64,522,4006B3,1509068,2009/06/19,07:12:42.992,2009/06/19,07:12:42.992,BAW4J\r\n"
    assert reader.feed(other, NOW_MS) == []
    assert not reader.account.refused


def test_a_callsign_the_receiver_could_not_read_is_not_used() -> None:
    reader = SbsReader("adsb")
    reader.feed(msg(1, callsign="DL?8JW"), NOW_MS)
    assert one(reader, placed()).flight == "40621d"
    assert not reader.account.refused


def test_one_address_more_than_the_limit_forgets_the_one_silent_longest() -> None:
    reader = SbsReader("adsb", max_aircraft=2)
    reader.feed(msg(1, "000001", callsign="ONE") + msg(1, "000002", callsign="TWO"), NOW_MS)
    assert one(reader, placed(address="000001")).flight == "ONE"
    reader.feed(msg(1, "000003", callsign="THREE"), NOW_MS)
    assert reader.aircraft_known == 2
    assert one(reader, placed(address="000001")).flight == "ONE"
    assert one(reader, placed(address="000002")).flight == "000002"


FIELD = st.one_of(
    st.sampled_from(["", "3", "0", "-1", "38000", "52.26578", "-180", "nan", "2026/11/22", "17:09:54.098", "H", "~"]),
    st.text(st.characters(codec="latin-1", exclude_characters="\n,"), max_size=8),
)
ODD_LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.lists(FIELD, min_size=20, max_size=20).map(lambda fields: ",".join(["MSG", "3", *fields]).encode("latin-1")),
        st.lists(FIELD, min_size=9, max_size=9).map(
            lambda f: msg(3, stamps=(f[0], f[1], f[2], f[3]), alt=f[4], speed=f[5], track=f[6], lat="1", lon="2")[:-2]
        ),
    ),
    max_size=8,
)


@given(ODD_LINES, st.integers(0, 2**53), st.integers(1, 50))
def test_whatever_comes_nothing_is_raised_and_little_is_kept(lines: list[bytes], received_ms: int, step: int) -> None:
    reader = SbsReader("adsb", max_aircraft=3)
    data = b"\n".join([*lines, placed()])
    found = [p for start in range(0, len(data), step) for p in reader.feed(data[start : start + step], received_ms)]
    assert all(abs(p.lat_e7) <= 900_000_000 and abs(p.lon_e7) <= 1_800_000_000 for p in found)
    assert all(p.at_ms <= received_ms and p.alt_err_cm >= 0 for p in found)
    assert reader.aircraft_known <= 3
    assert len(reader.account.recent) <= MAX_RECENT
