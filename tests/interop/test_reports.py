"""Rows of any form become the same reports, and every row is either a report or counted."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepclear.geo.altitude import AltRef
from keepclear.interop.csv_reports import CsvReader
from keepclear.interop.json_reports import JsonLinesReader, Reader, json_reader
from keepclear.interop.lines import Refused
from keepclear.interop.numbered import MAX_LINE_BYTES
from keepclear.interop.reports import REPORT, Reports, distinct, names_of, tracks_of
from keepclear.interop.tally import Doubt, Fault, Tally

HEADER = "timestamp,icao24,callsign,latitude,longitude,altitude,groundspeed,track,vertical_rate"
GOOD = "2018-08-01T05:00:00Z,3003ae,DLH8JW,45.5,9.25,35000,360,90,-600"
AT_MS = 1_533_099_600_000


def read(reader: Reader, data: bytes, sizes: list[int] | None = None) -> Reports:
    """All reports of `data`, fed in pieces of those sizes and then the rest."""
    cuts = [0, *np.minimum(np.cumsum(sizes or []), len(data)).tolist(), len(data)]
    return np.concatenate([*(reader.feed(data[a:b]) for a, b in pairwise(cuts)), reader.close()])


def csv(*lines: str, header: str = HEADER) -> tuple[Reports, Tally]:
    tally = Tally()
    return read(CsvReader(tally), "\n".join([header, *lines, ""]).encode()), tally


def told(tally: Tally) -> dict[Any, tuple[int, list[int]]]:
    return {sort: (count.number, count.first) for sort, count in tally.counts.items()}


def test_a_row_becomes_a_report_in_metres_and_seconds() -> None:
    reports, tally = csv(GOOD)
    assert (tally.rows, tally.refused, told(tally)) == (1, 0, {})
    (one,) = reports
    assert (one["at_ms"], one["lat_deg"], one["lon_deg"], one["place"]) == (AT_MS, 45.5, 9.25, 2)
    assert one["alt_m"] == 35_000 * 0.3048
    assert one["speed_mps"] == pytest.approx(185.2)
    assert (one["track_deg"], one["rate_mps"]) == (90, pytest.approx(-3.048))
    tracks = tracks_of(reports, AltRef.STD)
    assert (tracks.alt_ref.tolist(), tracks.at_ms.tolist(), names_of(reports)) == ([AltRef.STD], [AT_MS], ["3003ae"])


@pytest.mark.parametrize(
    "spelt",
    [
        "2018-08-01T05:00:00Z", "2018-08-01 05:00:00+00:00", "2018-08-01T07:00:00.000+02:00", "1533099600",
        "1533099600.0", "1533099600000", "1533099600000000", "1533099600000000000", "1.5330996e9",
        "2018-08-01 05:00:00.000999",
    ],
)  # fmt: skip
def test_a_time_may_be_spelt_in_many_ways(spelt: str) -> None:
    reports, tally = csv(GOOD.replace("2018-08-01T05:00:00Z", spelt))
    assert reports["at_ms"].tolist() == [AT_MS]
    assert told(tally) == ({Doubt.NO_ZONE: (1, [2])} if spelt.endswith("999") else {})


@pytest.mark.parametrize(
    "spelt", ["", "NaN", "noon", "0", "-1", "1e40", "20180801", "1999-12-31T23:59:59Z", "9" * 5000]
)
def test_what_is_no_time_is_refused(spelt: str) -> None:
    reports, tally = csv(GOOD, GOOD.replace("2018-08-01T05:00:00Z", spelt))
    assert (len(reports), told(tally)) == (1, {Fault.TIME: (1, [3])})


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("45.5", "", Fault.NO_POSITION),
        ("45.5", "nan", Fault.NO_POSITION),
        ("9.25", "east", Fault.NO_POSITION),
        ("45.5", "90.1", Fault.OFF_EARTH),
        ("9.25", "-180.5", Fault.OFF_EARTH),
        ("9.25", "inf", Fault.OFF_EARTH),
        ("3003ae,DLH8JW", ",", Fault.IDENTITY),
        ("3003ae", "x" * 65, Fault.IDENTITY),
        ("-600", "-600,9", Fault.FIELDS),
        (",-600", "", Fault.FIELDS),
        ("3003ae", '"3003ae', Fault.FIELDS),
    ],
)
def test_a_row_without_place_name_or_fields_is_refused_and_the_next_is_read(
    field: str, value: str, fault: Fault
) -> None:
    reports, tally = csv(GOOD.replace(field, value), GOOD)
    assert (tally.rows, tally.refused, told(tally)) == (2, 1, {fault: (1, [2])})
    assert reports["place"].tolist() == [3]


@pytest.mark.parametrize(
    ("field", "value", "doubt", "unknown"),
    [
        ("35000", "", Doubt.NO_ALTITUDE, "alt_m"),
        ("35000", "ground", Doubt.ALTITUDE, "alt_m"),
        ("35000", "400001", Doubt.ALTITUDE, "alt_m"),
        ("35000", "-inf", Doubt.ALTITUDE, "alt_m"),
        (",360,", ",,", Doubt.NO_VELOCITY, "speed_mps"),
        (",90,", ",null,", Doubt.NO_VELOCITY, "track_deg"),
        (",360,", ",-1,", Doubt.VELOCITY, "speed_mps"),
        (",360,", ",5001,", Doubt.VELOCITY, "speed_mps"),
        (",90,", ",361,", Doubt.VELOCITY, "track_deg"),
        ("-600", "", Doubt.NO_CLIMB, "rate_mps"),
        ("-600", "up", Doubt.CLIMB, "rate_mps"),
    ],
)
def test_a_row_with_a_place_is_kept_whatever_else_is_wrong(field: str, value: str, doubt: Doubt, unknown: str) -> None:
    reports, tally = csv(GOOD, GOOD.replace(field, value))
    assert (tally.refused, told(tally)) == (0, {doubt: (1, [3])})
    assert np.isnan(reports[unknown]).tolist() == [False, True]


def test_only_the_first_three_places_are_told_with_the_number_of_all() -> None:
    _, tally = csv(*[GOOD.replace("35000", "")] * 5)
    (line,) = tally.told()
    assert line == "5 in doubt: no altitude: taken as any altitude, near everything (lines 2, 3, 4, ...)"


def test_names_are_kept_as_given_and_track_id_comes_first() -> None:
    header = "track_id," + HEADER
    reports, _ = csv(f"007,{GOOD}", f",{GOOD}", f",{GOOD.replace('3003ae', '')}", f"Ü-9,{GOOD}", header=header)
    assert names_of(reports) == ["007", "3003ae", "DLH8JW", "Ü-9"]


def test_quotes_blank_lines_carriage_returns_and_a_byte_order_mark_are_no_matter() -> None:
    tally = Tally()
    text = f"\ufeff{HEADER}\r\n\r\n{GOOD.replace('DLH8JW', chr(34) + 'DLH, 8' + chr(34))}\r\n{GOOD}"
    reports = read(CsvReader(tally), text.encode())
    assert (reports["place"].tolist(), tally.refused) == ([3, 4], 0)


def test_a_line_without_an_end_is_refused_and_what_follows_is_read() -> None:
    tally = Tally()
    data = f"{HEADER}\n".encode() + b"x" * (3 * MAX_LINE_BYTES) + f"\n{GOOD}\n".encode()
    reports = read(CsvReader(tally), data, [MAX_LINE_BYTES] * 4)
    assert (reports["place"].tolist(), told(tally)) == ([3], {Fault.TOO_LONG: (1, [2])})


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("timestamp,icao24,latitude", "there is no column longitude; found 'timestamp', 'icao24', 'latitude'"),
        ("timestamp;icao24;latitude;longitude", "found 'timestamp;icao24;latitude;longitude'"),
        ("timestamp,latitude,longitude", "track_id, icao24 or callsign"),
        ("", "the file has no line"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_is_missing(header: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(CsvReader(Tally()), header.encode())
    assert words in refused.value.reason
    assert "timestamp" in refused.value.hint


ROW = {
    "timestamp": AT_MS, "icao24": "3003ae", "callsign": "DLH8JW", "latitude": 45.5, "longitude": 9.25,
    "altitude": 35000.0, "groundspeed": 360.0, "track": 90.0, "vertical_rate": -600.0,
}  # fmt: skip
FORMS = {
    "list": lambda rows: json.dumps(rows).encode(),
    "pretty": lambda rows: json.dumps(rows, indent=2).encode(),
    "lines": lambda rows: "\n".join(json.dumps(row) for row in rows).encode(),
    "columns": lambda rows: json.dumps(
        {key: {str(at): row.get(key) for at, row in enumerate(rows)} for key in ROW}
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_each_json_form_gives_what_csv_gives(form: str, size: int) -> None:
    rows = [ROW | {"timestamp": AT_MS + 1000 * at, "altitude": None if at == 3 else 35_000.0} for at in range(9)]
    data, tally = FORMS[form](rows), Tally()
    found = read(json_reader(data[:100], tally), data, [size] * (len(data) // size))
    lines = [GOOD.replace("2018-08-01T05:00:00Z", str(row["timestamp"])) for row in rows]
    lines[3] = lines[3].replace("35000", "")
    expected, _ = csv(*lines)
    for name in REPORT.names or ():
        if name != "place":
            np.testing.assert_array_equal(found[name], expected[name])
    assert (tally.rows, tally.refused, tally.counts[Doubt.NO_ALTITUDE].number) == (9, 0, 1)


@pytest.mark.parametrize("form", ["list", "lines"])
@pytest.mark.parametrize(
    "bad", ["17", "null", '"}, {"', "[1, 2]", '{"timestamp": [1], "latitude": {}}', '{"latitude": true}']
)
def test_what_is_no_row_is_refused_and_the_others_are_read(form: str, bad: str) -> None:
    good = json.dumps(ROW)
    data = (f"[{good}, {bad}, {good}]" if form == "list" else f"{good}\n{bad}\n{good}\n").encode()
    tally = Tally()
    found = read(json_reader(data, tally), data)
    assert found["place"].tolist() == [1, 3]
    assert (tally.rows, tally.refused) == (3, 1)


@pytest.mark.parametrize("form", ["list", "lines"])
def test_a_json_file_cut_short_is_read_up_to_there_and_that_is_told(form: str) -> None:
    data, tally = FORMS[form]([ROW, ROW, ROW])[:-40], Tally()
    found = read(json_reader(data, tally), data)
    assert found["place"].tolist() == [1, 2]
    assert told(tally) == ({Doubt.CUT: (1, [3])} if form == "list" else {Fault.FIELDS: (1, [3])})


def test_what_is_no_json_is_said_to_be_none() -> None:
    with pytest.raises(Refused, match="it begins with 'timestamp,icao24'"):
        json_reader(b"timestamp,icao24", Tally())
    with pytest.raises(Refused, match="it is empty"):
        json_reader(b" \n", Tally())


def test_a_name_said_twice_is_taken_once_if_alike_and_twice_if_not() -> None:
    other = GOOD.replace("45.5", "45.6")
    reports, tally = csv(GOOD, GOOD, other, GOOD.replace("3003ae", "4b0001"))
    assert distinct(reports, tally)["place"].tolist() == [2, 4, 5]
    assert told(tally) == {Doubt.REPEATED: (1, [3]), Doubt.AMBIGUOUS: (1, [4])}


CELL = st.one_of(
    st.sampled_from(["", "nan", "45.5", "9.25", "35000", "2018-08-01T05:00:00Z", "1533099600", '"', "-0", "1e999"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.floats().map(str),
)
LINE = st.one_of(st.lists(CELL, min_size=9, max_size=9).map(",".join), st.just(GOOD), st.text(max_size=20))


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(LINE, max_size=12), sizes=st.lists(st.integers(1, 60), max_size=20))
def test_whatever_comes_every_row_is_a_report_or_counted(lines: list[str], sizes: list[int]) -> None:
    tally = Tally()
    data = "\n".join([HEADER, *lines]).encode("utf-8", "replace")
    reports = read(CsvReader(tally), data, sizes)
    assert len(reports) + tally.refused == tally.rows
    assert len(reports) >= sum(line == GOOD for line in lines)
    assert np.all(np.abs(reports["lat_deg"]) <= 90)
    assert not np.isinf([reports[name] for name in ("alt_m", "speed_mps", "track_deg", "rate_mps")]).any()


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(list(ROW)), ANY_JSON) | ANY_JSON, max_size=8),
    sizes=st.lists(st.integers(1, 60), max_size=20),
)
def test_whatever_json_comes_every_row_is_a_report_or_counted(rows: list[Any], sizes: list[int]) -> None:
    tally = Tally()
    data = "\n".join(json.dumps(row) for row in [*rows, ROW]).encode()
    reports = read(JsonLinesReader(tally), data, sizes)
    assert len(reports) + tally.refused == tally.rows == len(rows) + 1
    assert names_of(reports)[-1] == "3003ae"
