"""Raw Mode S goes into dump1090-mutability, its SBS lines go into our reader: somebody else's decoder, real bytes."""

import os
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.interop import mode_s

from keepclear.accord.shape import AltRef
from keepclear.interop.position import Position
from keepclear.interop.sbs import SbsReader

PROGRAM = shutil.which("dump1090-mutability")
DEADLINE_S = 30
RECEIVED_MS = 1_800_000_000_000
CPR_E7 = 400  # half a step of the transmitted position at these latitudes, and SBS's five decimals
KT_CMPS = 52  # dump1090 writes whole knots
HALF_DEGREE_CDEG = 100  # and whole degrees


@pytest.fixture(autouse=True)
def _program() -> None:
    if PROGRAM is None:
        missing = "dump1090-mutability is missing; install it with: apt-get install dump1090-mutability"
        if os.environ.get("CI"):
            pytest.fail(missing)
        warnings.warn(missing, stacklevel=1)  # in the summary also when skips are not listed
        pytest.skip(missing)


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


def connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket | None:
    """A connection once the program listens; None when it ended, as when somebody took its port."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        except ConnectionRefusedError:
            try:
                process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            return None
    pytest.fail(f"dump1090 did not listen within {DEADLINE_S} s")


@contextmanager
def running(raw_port: int, sbs_port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    assert PROGRAM
    ports = ["--net-ri-port", str(raw_port), "--net-sbs-port", str(sbs_port)]
    unused = [word for name in ("ro", "bi", "bo") for word in (f"--net-{name}-port", "0")]
    command = [PROGRAM, "--net-only", "--quiet", "--net-bind-address", "127.0.0.1", *ports, *unused, *options]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def heard(frames: list[str], until: str, *options: str) -> tuple[dict[str, Position], SbsReader]:
    """The last position of each aircraft, once `until` has one: its frames come last."""
    for _ in range(3):
        raw_port, sbs_port = free_ports(2)
        with running(raw_port, sbs_port, *options) as process:
            out = connected(sbs_port, process)
            into = connected(raw_port, process) if out else None
            if out is None or into is None:
                continue
            with out, into:
                into.sendall("".join(f"{frame}\n" for frame in frames).encode())
                return last_positions(out, until)
    pytest.fail("dump1090 ended three times, each on ports just found free")


def last_positions(out: socket.socket, until: str) -> tuple[dict[str, Position], SbsReader]:
    reader = SbsReader("adsb")
    last: dict[str, Position] = {}
    while until not in last:
        data = out.recv(65_536)  # raises TimeoutError after DEADLINE_S
        assert data, "dump1090 closed its SBS port"
        last.update((position.icao24, position) for position in reader.feed(data, RECEIVED_MS))
    return last, reader


def transmissions(address: int, lat: float, lon: float, alt_ft: int | None) -> list[str]:
    """Even and odd, twice: dump1090 waits for a second message of an aircraft before it believes in it."""
    pair = [mode_s.airborne_position(address, lat, lon, alt_ft, odd=odd) for odd in (False, True)]
    return pair * 2


def assert_at(position: Position, lat: float, lon: float) -> None:
    assert abs(position.lat_e7 - lat * 1e7) <= CPR_E7
    assert abs(position.lon_e7 - lon * 1e7) <= CPR_E7


LAST = transmissions(0xABCDEF, 47.0, 8.0, 1_000)
LAST_ADDRESS = "abcdef"


def test_published_frames_give_the_published_position() -> None:
    # The worked example of "The 1090 Megahertz Riddle": even then odd, 38 000 ft, 52.2658 N 3.9389 E.
    frames = ["*8D40621D58C382D690C8AC2863A7;", "*8D40621D58C386435CC412692AD6;"]
    last, reader = heard(frames + LAST, LAST_ADDRESS)
    klm = last["40621d"]
    assert (klm.lat_e7, klm.lon_e7) == (522_657_800, 39_389_100)
    assert (klm.alt_cm, klm.alt_ref) == (1_158_240, AltRef.STD)
    assert (klm.flight, klm.speed_cmps, klm.velocity_age_ms) == ("40621d", None, None)
    assert not reader.account.refused


def test_our_transmitter_makes_the_published_frames() -> None:
    assert mode_s.identification(0x4840D6, "KLM1023") == "*8D4840D6202CC371C32CE0576098;"
    assert mode_s.airborne_position(0x40621D, 52.25720, 3.91937, 38_000, odd=False) == "*8D40621D58C382D690C8AC2863A7;"


def test_callsign_velocity_and_altitude_come_together_in_one_position() -> None:
    address = 0x4B1A2B
    frames = [mode_s.identification(address, "SWR7XY")] * 2
    frames += [mode_s.velocity(address, east_kt=300, north_kt=-400, climb_fpm=-1_536)]
    frames += transmissions(address, 46.95, 7.44, 20_025)
    last, reader = heard(frames + LAST, LAST_ADDRESS)
    swiss = last["4b1a2b"]
    assert_at(swiss, 46.95, 7.44)
    assert (swiss.source, swiss.flight, swiss.on_ground) == ("adsb", "SWR7XY", False)
    assert (swiss.alt_cm, swiss.alt_ref) == (801 * 762, AltRef.STD)
    assert swiss.speed_cmps is not None
    assert swiss.track_cdeg is not None
    assert abs(swiss.speed_cmps - 25_722) <= KT_CMPS  # 500 kt
    assert abs(swiss.track_cdeg - 14_313) <= HALF_DEGREE_CDEG  # 300 east, 400 south
    assert swiss.climb_cmps == round(-1_536 * 0.508)
    assert swiss.velocity_age_ms is not None
    assert not reader.account.refused
    assert reader.undated == 0


def test_southern_and_western_hemisphere_below_sea_level_and_without_altitude() -> None:
    frames = transmissions(0xE00001, -33.45, -70.66, -975) + transmissions(0xE00002, -0.5, -179.5, None)
    last, _ = heard(frames + LAST, LAST_ADDRESS)
    low, unknown = last["e00001"], last["e00002"]
    assert_at(low, -33.45, -70.66)
    assert low.alt_cm == -39 * 762
    assert_at(unknown, -0.5, -179.5)
    assert unknown.alt_cm is None


def test_a_corrupted_frame_makes_no_aircraft() -> None:
    good = transmissions(0x4B0001, 47.0, 8.1, 10_000)
    corrupted = [f"{frame[:20]}{int(frame[20], 16) ^ 3:X}{frame[21:]}" for frame in good]
    last, _ = heard(corrupted + LAST, LAST_ADDRESS)
    assert set(last) == {LAST_ADDRESS}


def test_gnss_heights_and_ground_positions_are_told_apart() -> None:
    high, ground = 0x4B0002, 0x4B0003
    frames = [mode_s.velocity(high, 200, 0, 0, gnss_above_baro_ft=250)] * 2 + transmissions(high, 47.0, 8.1, 30_000)
    frames += [mode_s.surface_position(ground, 47.46, 8.55, 90, odd=odd) for odd in (False, True)] * 2
    last, reader = heard(frames + LAST, LAST_ADDRESS, "--gnss", "--lat", "47.45", "--lon", "8.56")
    assert (last["4b0002"].alt_cm, last["4b0002"].alt_ref) == (1_210 * 762, AltRef.WGS84)
    taxiing = last["4b0003"]
    assert_at(taxiing, 47.46, 8.55)
    assert (taxiing.on_ground, taxiing.alt_cm) == (True, None)
    assert not reader.account.refused
