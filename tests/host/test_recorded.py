import gzip
import json
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from keepclear.accord.shape import AltRef
from keepclear.host import recorded as traffic_sample
from keepclear.interop.position import Position

ROOT = Path(__file__).resolve().parents[2]
FIRST_MS = 1_533_099_600_000  # 2018-08-01T05:00:00Z


def row(seconds: int, icao24: str = "3003ae", callsign: str = "DLH8JW") -> dict[str, Any]:
    return {
        "timestamp": FIRST_MS + seconds * 1_000,
        "altitude": 34975.0,
        "callsign": callsign,
        "groundspeed": 443.4869334744,
        "icao24": icao24,
        "latitude": 45.8189849854,
        "longitude": 9.2295455933,
        "track": 324.2670817753,
        "vertical_rate": 960.0,
    }


def wheel(path: Path, rows: list[dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path / "sample.whl", "w") as archive:
        archive.writestr(traffic_sample.SAMPLE, gzip.compress(json.dumps(rows).encode()))
    return path / "sample.whl"


def test_a_row_becomes_a_position(tmp_path: Path) -> None:
    (position,) = traffic_sample.positions(wheel(tmp_path, [row(0)]))
    assert position == Position(
        source="adsb",
        flight="DLH8JW",
        icao24="3003ae",
        lat_e7=458_189_850,
        lon_e7=92_295_456,
        alt_cm=1_066_038,
        alt_ref=AltRef.STD,
        alt_err_cm=3_810,
        pos_err_cm=18_520,
        speed_cmps=22_815,
        track_cdeg=32_427,
        climb_cmps=488,
        at_ms=FIRST_MS,
        velocity_age_ms=0,
    )


def test_flights_are_cut_after_ten_minutes_of_silence_and_at_another_callsign(tmp_path: Path) -> None:
    rows = [row(1_210), row(0), row(600), row(1_201), row(30, callsign="DLH9"), row(30, icao24="4b0001")]
    recorded = traffic_sample.positions(wheel(tmp_path, rows))
    found = [
        (flight.icao24, flight.callsign, flight.first_ms - FIRST_MS, flight.last_ms - FIRST_MS)
        for flight in traffic_sample.flights(recorded)
    ]
    assert found == [
        ("3003ae", "DLH8JW", 0, 600_000),
        ("3003ae", "DLH9", 30_000, 30_000),
        ("4b0001", "DLH8JW", 30_000, 30_000),
        ("3003ae", "DLH8JW", 1_201_000, 1_210_000),
    ]


def test_batches_are_by_second_and_do_not_depend_on_the_files_sequence(tmp_path: Path) -> None:
    rows = [row(10, "4b0002"), row(0), row(10, "4b0001"), row(10, "4b0001", "AAA1")]
    forward = list(traffic_sample.batches(traffic_sample.positions(wheel(tmp_path, rows))))
    backward = list(traffic_sample.batches(traffic_sample.positions(wheel(tmp_path, rows[::-1]))))
    assert forward == backward
    heard = [(start_ms - FIRST_MS, [(p.icao24, p.flight) for p in batch]) for start_ms, batch in forward]
    assert heard == [
        (0, [("3003ae", "DLH8JW")]),
        (10_000, [("4b0001", "AAA1"), ("4b0001", "DLH8JW"), ("4b0002", "DLH8JW")]),
    ]


def run(verb: str, cache: Path, index: Path) -> subprocess.CompletedProcess[str]:
    """The command, with a folder for pip's only package index."""
    only = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    command = [sys.executable, "-m", "keepclear.host.recorded", verb, "--cache", str(cache)]
    return subprocess.run(command, env=only, capture_output=True, text=True, check=False)


def test_without_a_package_index_fetch_says_so_and_exits_3(tmp_path: Path) -> None:
    done = run("fetch", tmp_path / "cache", tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "keepclear: pip could not download traffic 2.13; its own message is above\nhint: " in done.stderr


def test_another_file_under_the_expected_name_is_not_taken(tmp_path: Path) -> None:
    name = traffic_sample.WHEEL.name
    index, cache = tmp_path / "index", tmp_path / "cache"
    index.mkdir()
    cache.mkdir()
    with zipfile.ZipFile(index / name, "w") as archive:
        archive.writestr("traffic-2.13.dist-info/METADATA", "Metadata-Version: 2.1\nName: traffic\nVersion: 2.13\n")
        archive.writestr("traffic-2.13.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    (cache / name).write_bytes(b"left by somebody else")
    done = run("fetch", cache, index)
    assert done.returncode == 3
    assert f"keepclear: {name} is not the file this scenario was written for (SHA-256 differs)" in done.stderr


def test_summary(tmp_path: Path) -> None:
    missing = run("summary", tmp_path, tmp_path)
    assert (missing.returncode, missing.stdout) == (3, "")
    made = wheel(tmp_path, [row(0), row(3_600), row(3_960), row(3_960, "4b0001")])
    made.rename(tmp_path / traffic_sample.WHEEL.name)
    done = run("summary", tmp_path, tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "4 positions from 2018-08-01 05:00:00 to 06:06:00 UTC",
        "3 flights of 2 airframes, 0.1 flight-hours",
        "3 seconds with positions, at most 2 flights in one",
    ]


def test_the_recorded_day() -> None:
    if not traffic_sample.WHEEL.exists():
        missing = "the recorded day is missing; fetch it with: python -m keepclear.host.recorded fetch"
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)
    recorded = traffic_sample.positions()
    flights = traffic_sample.flights(recorded)
    assert (len(recorded), len(flights), len({flight.icao24 for flight in flights})) == (139_098, 1_244, 842)
    assert sum(len(flight.positions) for flight in flights) == len(recorded)
    assert recorded == sorted(recorded, key=lambda p: (p.at_ms, p.icao24, p.flight))
    assert (recorded[0].at_ms, recorded[-1].at_ms) == (FIRST_MS, FIRST_MS + 61_190_000)
    assert max(len(batch) for _, batch in traffic_sample.batches(recorded)) == 47
    assert all(p.alt_cm is not None and p.alt_cm > 914_400 for p in recorded)
    assert all(455_000_000 < p.lat_e7 < 481_000_000 and 56_000_000 < p.lon_e7 < 108_000_000 for p in recorded)
