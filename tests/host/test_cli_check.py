"""`keepclear check`: two on the equator, told by hand; and files with everything wrong in them."""

import gzip
import json
import os
import pty
import re
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from keepclear.geo.altitude import AltRef
from keepclear.geo.conflict import conflicts
from keepclear.geo.track import Tracks
from keepclear.geo.units import NEVER_MS
from keepclear.host import check_sort, recorded
from keepclear.host.check_episodes import Episodes
from keepclear.host.check_plot import Trails
from keepclear.host.check_run import Picture
from keepclear.host.check_sort import Sorter
from keepclear.host.cli import main
from keepclear.host.cli_errors import Failure
from keepclear.interop.findings import instant
from keepclear.interop.json_reports import json_reader
from keepclear.interop.reports import REPORT, Reports
from keepclear.interop.tally import Doubt, Tally

HEADER = "timestamp,icao24,callsign,latitude,longitude,altitude,groundspeed,track,vertical_rate"
AT = "2018-08-01T05:00:00Z"
EAST = f"{AT},aaa001,EAST,0,0,30000,360,90,0"
WEST = f"{AT},bbb002,WEST,0,1,30000,360,270,0"
DEGREE_M = 111_319.49079327358  # of the equator: pi / 180 of 6 378 137 m
SVG = "{http://www.w3.org/2000/svg}"
CLOSING_MPS = 2 * 185.2


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def csv(*lines: str, name: str = "day.csv") -> None:
    Path(name).write_text("\n".join([HEADER, *lines, ""]))


def called(*arguments: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(main, ["check", *arguments])


def found(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """What is on standard output, each line of it JSON."""
    result = called(*arguments, "--jsonl")
    assert result.exit_code == code, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


# -- tracks against tracks ---------------------------------------------------------------------------------------------


def test_two_head_on_along_the_equator() -> None:
    csv(EAST, WEST)
    (loss,) = found("tracks", "day.csv", "--look-ahead", "400s")
    assert list(loss) == ["at", "a", "b", "t_in_s", "t_out_s", "t_cpa_s", "h_min_m", "v_min_ft"]
    assert (loss["at"], loss["a"], loss["b"], loss["h_min_m"], loss["v_min_ft"]) == (AT, "aaa001", "bbb002", 0, 0)
    assert loss["t_in_s"] == pytest.approx((DEGREE_M - 9260) / CLOSING_MPS, abs=0.002)
    assert loss["t_cpa_s"] == pytest.approx(DEGREE_M / CLOSING_MPS, abs=0.002)
    assert loss["t_out_s"] == pytest.approx((DEGREE_M + 9260) / CLOSING_MPS, abs=0.002)


def test_what_does_not_end_within_the_look_ahead_has_no_end() -> None:
    csv(EAST, WEST)
    (loss,) = found("tracks", "day.csv")
    assert (loss["t_cpa_s"], loss["t_out_s"]) == (300, None)
    assert loss["h_min_m"] == pytest.approx(DEGREE_M - 300 * CLOSING_MPS, abs=0.1)
    assert found("tracks", "day.csv", "--look-ahead", "4.5min") == []


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ([], 0),
        (["--vertical", "1001ft"], 1),
        (["--vertical", "304.8m"], 0),
        (["--vertical", "304.81m"], 1),
        (["--vertical", "FL11"], 1),
    ],
)
def test_exactly_1000_feet_is_separated(options: list[str], number: int) -> None:
    csv(EAST, WEST.replace("30000", "31000"))
    assert len(found("tracks", "day.csv", *options)) == number


def test_an_unknown_altitude_is_near_everything_and_an_unknown_velocity_stands_still() -> None:
    csv(EAST.replace("30000", ""), WEST.replace("360,270", ","))
    result = called("tracks", "day.csv", "--jsonl", "--look-ahead", "600s")
    (loss,) = (json.loads(line) for line in result.stdout.splitlines())
    assert loss["v_min_ft"] is None
    assert loss["t_in_s"] == pytest.approx((DEGREE_M - 9260) / 185.2, abs=0.002)
    assert result.stderr.splitlines()[1:] == [
        "keepclear: day.csv: 1 in doubt: no altitude: taken as any altitude, near everything (line 2)",
        "keepclear: day.csv: 1 in doubt: no groundspeed or no track: taken as standing still (line 3)",
    ]


def test_each_timestamp_is_a_picture_of_its_own() -> None:
    later = "2018-08-01T05:00:10.5Z"
    csv(EAST, WEST.replace(AT, later), EAST.replace(AT, later))
    result = called("tracks", "day.csv", "--jsonl")
    assert [json.loads(line)["at"] for line in result.stdout.splitlines()] == ["2018-08-01T05:00:10.500Z"]
    assert "1 picture of one track only, which is near no other: rows of different times are not" in result.stderr


def test_a_file_of_which_no_row_can_be_read_is_a_failure() -> None:
    csv("noon,x,x,1,1,1,1,1,1")
    result = called("tracks", "day.csv", "--jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "1 refused: no timestamp" in result.stderr
    assert "keepclear: day.csv: of 1 row none could be read\nhint: look at the reasons above" in result.stderr


def test_rows_in_any_sequence_give_the_same_and_that_they_were_sorted_is_told() -> None:
    later = "2018-08-01T05:01:00Z"
    rows = [EAST, WEST, EAST.replace(AT, later), WEST.replace(AT, later)]
    csv(*rows)
    forward = found("tracks", "day.csv")
    csv(*rows[::-1])
    assert found("tracks", "day.csv") == forward
    assert [loss["at"] for loss in forward] == [AT, later]
    assert "2 noted: earlier than a row before it: sorted by time (lines 4, 5)" in called("tracks", "day.csv").stderr


def test_one_id_at_two_places_is_checked_at_both_and_not_against_itself() -> None:
    csv(EAST, EAST, EAST.replace("0,0,", "0,0.05,"), WEST)
    result = called("tracks", "day.csv", "--jsonl")
    (loss,) = map(json.loads, result.stdout.splitlines())
    assert loss["t_in_s"] == pytest.approx((0.95 * DEGREE_M - 9260) / CLOSING_MPS, abs=0.002), "the earlier of the two"
    assert "1 noted: the same id twice in one picture, all the same: taken once (line 3)" in result.stderr
    assert "1 in doubt: the same id twice in one picture, not the same: both taken" in result.stderr


def test_bad_rows_are_counted_with_reason_and_place_and_the_rest_is_checked() -> None:
    csv(EAST, "", "noon,x,x,1,1,1,1,1,1", "1,2,3", WEST.replace(",1,30000", ",181,30000"), f'"{WEST}', WEST)
    result = called("tracks", "day.csv", "--jsonl")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.splitlines() == [
        "keepclear: day.csv: 6 rows, 4 refused; 1 picture from 2018-08-01 05:00:00Z to 05:00:00Z; 1 finding",
        "keepclear: day.csv: 2 refused: not as many fields as the header has, or no object (lines 5, 7)",
        "keepclear: day.csv: 1 refused: no timestamp, or one that is no time from 2000 to 2100 (line 4)",
        "keepclear: day.csv: 1 refused: latitude is not within -90..90, or longitude not within -180..180 (line 6)",
    ]


@pytest.mark.parametrize("flag", [[], ["--fail-on-loss"]])
def test_a_loss_is_a_failure_only_if_that_is_asked_for(flag: list[str]) -> None:
    csv(EAST, WEST)
    assert called("tracks", "day.csv", *flag).exit_code == bool(flag)
    csv(EAST)
    assert called("tracks", "day.csv", *flag).exit_code == 0


# -- forms of files ----------------------------------------------------------------------------------------------------


def rows_of(*lines: str) -> list[dict[str, Any]]:
    rows = []
    for line in lines:
        row: dict[str, Any] = dict(zip(HEADER.split(","), line.split(","), strict=True))
        for name in HEADER.split(",")[3:]:
            row[name] = float(row[name])
        rows.append(row)
    return rows


def written(name: str, rows: Sequence[dict[str, Any]]) -> None:
    if name.endswith(".parquet"):
        moments = [datetime.fromisoformat(row["timestamp"]) for row in rows]
        columns = {key: [row[key] for row in rows] for key in HEADER.split(",")}
        parquet.write_table(pa.table(columns | {"timestamp": pa.array(moments, pa.timestamp("ns", "UTC"))}), name)
        return
    if ".csv" in name:
        text = "\n".join([HEADER, *(",".join(str(row[key]) for key in HEADER.split(",")) for row in rows)])
    elif ".jsonl" in name:
        text = "\n".join(json.dumps(row) for row in rows)
    else:
        text = json.dumps(rows)
    data = text.encode()
    Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


FORMS = ["d.csv", "d.csv.gz", "d.parquet", "d.json", "d.json.gz", "d.jsonl", "d.JSONL.GZ".lower()]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_file_gives_the_same(name: str) -> None:
    csv(EAST, WEST)
    written(name, rows_of(EAST, WEST))
    assert found("tracks", name) == found("tracks", "day.csv")


@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.timestamp("us"), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_may_hold_time_and_names_in_many_types(kind: Any) -> None:
    csv(EAST, WEST)
    rows = rows_of(EAST, WEST)
    at: list[Any] = [row["timestamp"] for row in rows]
    if pa.types.is_int64(kind):
        at = [1_533_099_600] * 2
    elif pa.types.is_timestamp(kind):
        at = [datetime(2018, 8, 1, 5, tzinfo=UTC).replace(tzinfo=None)] * 2
    table = pa.table(
        {key: [row[key] for row in rows] for key in HEADER.split(",")}
        | {"timestamp": pa.array(at, kind), "icao24": pa.array(["aaa001", "bbb002"]).dictionary_encode()}
    )
    parquet.write_table(table, "d.parquet")
    assert found("tracks", "d.parquet") == found("tracks", "day.csv")


def test_numbers_as_ids_and_nulls_in_parquet() -> None:
    table = pa.table(
        {
            "timestamp": pa.array([1_533_099_600_000, 1_533_099_600_000, None], pa.timestamp("ms")),
            "track_id": [7, 12, 3], "latitude": [0.0, 0.0, 0.0], "longitude": [0.0, 0.05, None],
            "altitude": [30_000, None, 30_000],
        }
    )  # fmt: skip
    parquet.write_table(table, "d.parquet")
    (loss,) = found("tracks", "d.parquet")
    assert (loss["a"], loss["b"], loss["t_in_s"], loss["v_min_ft"]) == ("12", "7", 0, None)
    assert "1 refused: no timestamp" in called("tracks", "d.parquet").stderr


def test_many_lines_at_once_give_what_line_by_line_gives() -> None:
    rows = [line.replace(AT, f"2018-08-01T05:{n // 60:02d}:{n % 60:02d}Z") for n in range(200) for line in (EAST, WEST)]
    csv(*rows)
    fast = found("tracks", "day.csv")
    csv(*rows, '"')  # a quote that does not end has it read line by line
    result = called("tracks", "day.csv", "--jsonl")
    assert [json.loads(line) for line in result.stdout.splitlines()] == fast
    assert len(fast) == 200
    assert "1 refused: not as many fields" in result.stderr


def test_a_gzip_file_cut_short_is_read_up_to_there_and_that_is_told() -> None:
    rng = np.random.default_rng(1)
    csv(EAST, WEST, *(f"{AT},{name:06x},,0,{lon:.7f},0,0,0,0" for name, lon in enumerate(rng.uniform(20, 170, 200))))
    whole = gzip.compress(Path("day.csv").read_bytes())
    Path("cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    result = called("tracks", "cut.csv.gz", "--jsonl")
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[0])["b"] == "bbb002"
    assert "1 in doubt: the file ends inside a row: read up to there (line " in result.stderr


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("gone.csv", None, "gone.csv: cannot be read: No such file or directory"),
        (".", None, "of no form that is known"),
        ("d.txt", b"x", "d.txt: of no form that is known"),
        ("d.csv", b"", "the file has no line"),
        ("d.csv", b"a,b\n1,2\n", "there is no column timestamp and none latitude"),
        ("d.csv", b"timestamp,timestamp,icao24,latitude,longitude\n", "there are two columns timestamp"),
        ("d.json", b"", "no JSON: it is empty"),
        ("d.json", b"PK", "no JSON: it begins with 'PK'"),
        ("d.json", b'{"timestamp": {"0": 1', "not an object of columns"),
        ("d.parquet", b"PAR1 not whole", "d.parquet: cannot be read: "),
    ],
)
def test_what_cannot_be_read_at_all_is_told_in_two_lines(name: str, data: bytes | None, words: str) -> None:
    if data is not None:
        Path(name).write_bytes(data)
    result = called("tracks", name, "--jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert re.fullmatch(r"keepclear: .*\nhint: .*\n", result.stderr)


@pytest.mark.parametrize(
    ("option", "typed", "words"),
    [
        ("--horizontal", "5", "'5' is no distance; write it as 20nm"),
        ("--horizontal", "0nm", "'0nm' is 0 m; give more than 0 and at most 1e+06 m"),
        ("--vertical", "1000kg", "'1000kg' is no distance"),
        ("--look-ahead", "300", "'300' is no length of time; write it as 300s, 5min or 0.5h"),
        ("--look-ahead", "2h", "'2h' is 7200000 ms; look ahead at most 3600000 ms, an hour"),
    ],
)
def test_a_limit_without_its_unit_is_refused(option: str, typed: str, words: str) -> None:
    result = called("tracks", "day.csv", option, typed)
    assert result.exit_code == 2
    assert f"keepclear: invalid value for '{option}': {words}" in result.stderr


# -- volumes -----------------------------------------------------------------------------------------------------------


def volumes(*features: dict[str, Any], name: str = "areas.geojson") -> None:
    Path(name).write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def circle(name: str, lon: float, **more: Any) -> dict[str, Any]:
    said = {"id": name, "lower": 25000, "upper": 35000, "unit": "ft", "lower_ref": "STD", "upper_ref": "STD"}
    return {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, 0]},
        "properties": said | {"radius_m": 9260} | more,
    }  # fmt: skip


def test_when_a_track_enters_and_clears_a_circle() -> None:
    csv(EAST)
    volumes(circle("MID", 0.5), circle("ABOVE", 0.5, lower=30001), circle("OVER", 0.5, end="2018-08-01T05:04:00Z"))
    (entry,) = found("tracks", "day.csv", "--against", "areas.geojson", "--look-ahead", "400s")
    assert list(entry) == ["at", "track", "volume", "t_enter_s", "t_clear_s"]
    assert (entry["at"], entry["track"], entry["volume"]) == (AT, "aaa001", "MID")
    assert entry["t_enter_s"] == pytest.approx((DEGREE_M / 2 - 9260) / 185.2, abs=0.01)
    assert entry["t_clear_s"] == pytest.approx((DEGREE_M / 2 + 9260) / 185.2, abs=0.01)
    (entry,) = found("tracks", "day.csv", "--against", "areas.geojson")
    assert entry["t_clear_s"] is None


def test_the_window_of_a_volume_holds() -> None:
    csv(EAST)
    volumes(circle("SHORT", 0, start="2018-08-01T05:00:10Z", end="2018-08-01T05:00:20.5Z"))
    (entry,) = found("tracks", "day.csv", "--against", "areas.geojson")
    assert (entry["t_enter_s"], entry["t_clear_s"]) == (10, 20.5)


def test_altitudes_may_have_another_reference() -> None:
    csv(EAST)
    volumes(circle("AMSL", 0, lower=30100, upper=40000, lower_ref="AMSL", upper_ref="AMSL"))
    asked = ["tracks", "day.csv", "--against", "areas.geojson"]
    assert len(found(*asked)) == 1, "within what pressure and height may differ"
    assert len(found(*asked, "--altitude-ref", "AMSL")) == 0


def test_two_volumes_meet_if_area_altitude_and_time_do_and_touching_is_not_meeting() -> None:
    day = {"start": "2018-08-01T05:00:00Z", "end": "2018-08-01T06:00:00Z"}
    parts = {"type": "MultiPolygon", "coordinates": [[[[0.3, 0.2], [0.5, 0.2], [0.4, 0.3], [0.3, 0.2]]]] * 2}
    volumes(
        circle("A", 0, **day), circle("B", 0.1, **day), circle("UNDER", 0.1, lower=1000, upper=25000),
        circle("AFTER", 0.1, **(day | {"start": "2018-08-01T06:00:00Z", "end": None})), circle("FAR", 0.4),
        circle("PARTS", 0) | {"geometry": parts},
    )  # fmt: skip
    assert found("volumes", "areas.geojson") == [{"a": "A", "b": "B"}]
    assert called("volumes", "areas.geojson", "--fail-on-loss").exit_code == 1


def test_volumes_that_meet_only_for_their_references_are_told_so() -> None:
    volumes(circle("A", 0), circle("B", 0, lower=35100, upper=40000, lower_ref="AMSL", upper_ref="AMSL"))
    assert found("volumes", "areas.geojson") == [{"a": "A", "b": "B"}]
    assert "perhaps: their altitude references differ" in called("volumes", "areas.geojson").stdout


def test_a_volume_that_cannot_be_read_refuses_the_file_and_one_that_cannot_be_used_is_everywhere() -> None:
    csv(EAST)
    volumes(circle("A", 0), circle("B", 0, unit=None))
    result = called("tracks", "day.csv", "--against", "areas.geojson", "--jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("keepclear: feature 2 (B): properties.unit: there is none for lower and upper")
    volumes(circle("FLAT", 50, radius_m=0))
    result = called("tracks", "day.csv", "--against", "areas.geojson", "--jsonl")
    assert json.loads(result.stdout)["volume"] == "FLAT"
    assert "feature 1 (FLAT): the radius is 0.0 m; it is taken to be everywhere" in result.stderr


# -- tables and pictures -----------------------------------------------------------------------------------------------


def test_people_get_one_line_for_a_pair_and_the_account_beside_it() -> None:
    rows = []
    for second in range(0, 300, 10):
        at, there = f"2018-08-01T05:{second // 60:02d}:{second % 60:02d}Z", 185.2 * second / DEGREE_M
        rows += [
            EAST.replace(AT, at).replace("0,0,", f"0,{there},"),
            WEST.replace(AT, at).replace(",1,", f",{1 - there},"),
        ]
    csv(*rows)
    result = called("tracks", "day.csv")
    header, line = result.stdout.strip().splitlines()
    assert re.split("  +", header) == [
        "no", "a", "b", "warned from", "until", "pictures", "loss", "least NM", "least ft"
    ]  # fmt: skip
    assert re.split("  +", line.strip()) == [
        "1", "aaa001", "bbb002", "2018-08-01 05:00:00Z", "05:04:50Z", "30", "on at 05:04:40Z", "0.00", "0"
    ]  # fmt: skip
    assert result.stderr.startswith("keepclear: day.csv: 60 rows, 0 refused; 30 pictures from 2018-08-01 05:00:00Z to ")


def test_a_plot_shows_tracks_volumes_and_where_something_is_found() -> None:
    csv(EAST.replace("aaa001", "<a&b>"), WEST)
    volumes(circle("MID", 0.5), circle("OFF", 0.5, lower=40000, upper=41000))
    called("tracks", "day.csv", "--plot", "losses.svg")
    called("tracks", "day.csv", "--against", "areas.geojson", "--jsonl", "--plot", "entries.svg")
    called("volumes", "areas.geojson", "--plot", "areas.svg")
    kinds = {}
    for name in ("losses", "entries", "areas"):
        root = ElementTree.parse(f"{name}.svg").getroot()
        kinds[name] = [part.get("class") for group in root.iter(f"{SVG}g") for part in group.iter()]
        words = " ".join(part.text or "" for part in root.iter(f"{SVG}text"))
        assert " NM, " in words
        assert "N" in words.split()
    assert [kinds["losses"].count(kind) for kind in ("ahead", "spot", "mark", "number")] == [2, 2, 3, 1]
    assert [kinds["entries"].count(kind) for kind in ("area", "hot", "name", "mark")] == [1, 1, 2, 2]
    assert [kinds["areas"].count(kind) for kind in ("area", "hot")] == [2, 0]


def test_a_plot_that_cannot_be_written_is_told() -> None:
    csv(EAST)
    result = called("tracks", "day.csv", "--plot", "no/such/folder.svg")
    assert result.exit_code == 2
    assert "keepclear: no/such/folder.svg: cannot be written: No such file or directory\nhint: " in result.stderr


def test_help_teaches_with_an_example() -> None:
    assert "keepclear check tracks day.csv --horizontal 5nm --vertical 1000ft" in called("tracks", "--help").output
    assert "keepclear check volumes areas.geojson" in called("volumes", "--help").output


# -- terminals and pipes -----------------------------------------------------------------------------------------------


def crowd(number: int = 80) -> None:
    csv(*(f"{AT},{name:06x},,0,{name / 1e4},30000,360,90,0" for name in range(number)))


COMMAND = [sys.executable, "-m", "keepclear", "check", "tracks", "day.csv", "--jsonl"]


def test_a_bar_on_the_terminal_leaves_standard_output_alone() -> None:
    crowd()
    ours, theirs = pty.openpty()
    done = subprocess.run(COMMAND, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 80 * 79 / 2
    assert "reading day.csv" in shown


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    crowd()
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["at"] == AT
        process.stdout.close()
        told = process.stderr.read()
    assert [line.partition(":")[0] for line in told.splitlines()] in ([], ["keepclear"])
    assert process.returncode == 0


# -- bounds ------------------------------------------------------------------------------------------------------------


def reports(times: Sequence[int]) -> Reports:
    made = np.zeros(len(times), dtype=REPORT)
    made["at_ms"], made["place"] = times, np.arange(len(times))
    return made


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.integers(0, 12), max_size=60), cut=st.integers(1, 20), run=st.integers(1, 9),
    share=st.integers(1, 5),
)  # fmt: skip
def test_reports_come_out_by_time_whatever_their_sequence_and_the_size_of_runs(
    times: list[int], cut: int, run: int, share: int
) -> None:
    tally = Tally()
    sorter = Sorter(tally, run, share)
    made = reports(times)
    for begin in range(0, len(times), cut):
        sorter.add(made[begin : begin + cut])
    assert len(sorter) == len(times)
    pictures = [(at_ms, part["place"].tolist()) for at_ms, part in sorter.pictures()]
    by_time = sorted(enumerate(times), key=lambda item: item[1])
    assert pictures == [(at, [place for place, _ in group]) for at, group in groupby(by_time, key=lambda item: item[1])]
    late = sum(at < max(times[:place], default=at) for place, at in enumerate(times))
    assert (tally.counts[Doubt.UNSORTED].number if late else 0) == late


@pytest.mark.parametrize("run", [3, 1_000])
def test_a_picture_that_cannot_be_one_is_refused(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    monkeypatch.setattr(check_sort, "MAX_PICTURE", 10)
    sorter = Sorter(Tally(), run, 4)
    sorter.add(reports([5] * 11))
    with pytest.raises(Failure, match="at most 10 are checked"):
        list(sorter.pictures())


def test_trails_and_episodes_do_not_grow_with_the_file() -> None:
    trails, episodes = Trails(0, most=100), Episodes()
    tracks = Tracks.of(lat_deg=np.zeros(4), lon_deg=np.arange(4))
    for second in range(1_000):
        trails.take(Picture(second * 1_000, list("abcd"), tracks), [])
        episodes.enter(("a", str(second)), second * 1_000, None)
        episodes.picture(second * 1_000)
        assert trails.held <= 100
    assert len(episodes) == 1_000
    assert episodes.open <= 60 + 256


# -- a recorded day ----------------------------------------------------------------------------------------------------


def test_a_quarter_of_an_hour_of_the_recorded_day_gives_what_geo_gives(here: Path) -> None:
    wheel = Path(__file__).resolve().parents[2] / recorded.WHEEL
    if not wheel.exists():
        missing = "the recorded day is missing; fetch it with: python -m keepclear.host.recorded fetch"
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)
    with zipfile.ZipFile(wheel) as archive:
        data = gzip.decompress(archive.read(recorded.SAMPLE))
    day = np.concatenate([(reader := json_reader(data[:100], Tally())).feed(data), reader.close()])
    begin_ms = int(day["at_ms"].min()) + 2 * 3_600_000
    some = day[(day["at_ms"] >= begin_ms) & (day["at_ms"] < begin_ms + 900_000)]
    rows = [row for row in json.loads(data) if begin_ms <= row["timestamp"] < begin_ms + 900_000]
    (here / "some.json.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    told = {(one["at"], one["a"], one["b"]): one for one in found("tracks", "some.json.gz")}
    expected = {}
    for at_ms in np.unique(some["at_ms"]).tolist():
        picture = some[some["at_ms"] == at_ms]
        tracks = Tracks.of(
            lat_deg=picture["lat_deg"], lon_deg=picture["lon_deg"], alt_m=picture["alt_m"], alt_ref=AltRef.STD,
            ground_speed_mps=picture["speed_mps"], track_deg=picture["track_deg"],
            vertical_rate_mps=picture["rate_mps"], at_ms=picture["at_ms"],
        )  # fmt: skip
        losses = conflicts(tracks, now_ms=at_ms)
        for i, j, in_ms, out_ms in zip(losses.i, losses.j, losses.t_in_ms, losses.t_out_ms, strict=True):
            a, b = sorted(picture["name"][[i, j]].astype(str))
            out_s = None if out_ms == NEVER_MS else (int(out_ms) - at_ms) / 1000
            expected[instant(at_ms), a, b] = ((int(in_ms) - at_ms) / 1000, out_s)
    assert {key: (one["t_in_s"], one["t_out_s"]) for key, one in told.items()} == expected
    assert len(told) > 50
