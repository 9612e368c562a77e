"""Real traffic: one day of aircraft over Switzerland as recorded by ADS-B receivers, as party B's own track source.

The law: recorded positions only, nothing invented; the same wheel gives the same positions, sorted. The data
are the `switzerland` sample in the PyPI package `traffic` (2018-08-01, from the OpenSky Network), which its makers put
on a 10 s grid and cut to the upper airspace (all of it above 30 000 ft). They are fetched with pip at set-up, kept in
.cache/, and neither committed nor redistributed. The package itself is not installed: the sample is gzipped JSON in the
wheel, and the standard library reads it.

    python -m keepclear.host.recorded fetch      exit 0: the sample is here; 3: it could not be had
    python -m keepclear.host.recorded summary    what is in it
"""

import argparse
import gzip
import hashlib
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from keepclear.accord.shape import AltRef
from keepclear.geo.units import degrees_to_e7
from keepclear.interop import measures
from keepclear.interop.position import DEFAULT_ALT_ERR_CM, DEFAULT_POS_ERR_CM, Position

CACHE: Final = Path(".cache") / "traffic"  # of the directory that set-up and demo run in
WHEEL: Final = CACHE / "traffic-2.13-py3-none-any.whl"
WHEEL_SHA256: Final = "5e0cd61d931d03103294361542188f08f959a55e862d5cba80ab61291021e66c"
SAMPLE: Final = "traffic/data/samples/collections/switzerland.json.gz"
SOURCE: Final = "adsb"
GAP_MS: Final = 600_000  # a longer silence is another flight
NOT_FETCHED: Final = 3  # exit code


class Row(msgspec.Struct, frozen=True):
    """A row of a sample: ms since 1970, ft on standard pressure, kt, degrees, ft/min."""

    timestamp: int
    icao24: str
    callsign: str
    latitude: float
    longitude: float
    altitude: float
    groundspeed: float
    track: float
    vertical_rate: float


@dataclass(frozen=True)
class Flight:
    """One flight of the recording: an airframe under a callsign, without a silence of over 10 minutes."""

    callsign: str
    icao24: str
    positions: tuple[Position, ...]

    @property
    def first_ms(self) -> int:
        """When it was first heard."""
        return self.positions[0].at_ms

    @property
    def last_ms(self) -> int:
        """When it was last heard."""
        return self.positions[-1].at_ms


class NotFetched(Exception):
    """The sample is not in the cache, or is not the one expected."""


def read(sample: str, wheel: Path = WHEEL) -> list[Row]:
    """The rows of a sample, named by its path in the wheel. Raises NotFetched."""
    if not wheel.exists():
        raise NotFetched(f"{wheel.name} has not been fetched")
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(sample))
    return msgspec.json.decode(text, type=list[Row])


def positions(wheel: Path = WHEEL) -> list[Position]:
    """Every recorded position, by time, then address, then callsign.

    Altitudes are pressure altitudes (STD). The recording states no errors, so the defaults for ADS-B stand.
    """
    return sorted(
        map(_position, read(SAMPLE, wheel)), key=lambda position: (position.at_ms, position.icao24, position.flight)
    )


def _position(row: Row) -> Position:
    return Position(
        source=SOURCE,
        flight=row.callsign.strip() or row.icao24,
        icao24=row.icao24,
        lat_e7=degrees_to_e7(row.latitude),
        lon_e7=degrees_to_e7(row.longitude),
        alt_cm=measures.cm_from_ft(row.altitude),
        alt_ref=int(AltRef.STD),
        alt_err_cm=DEFAULT_ALT_ERR_CM,
        pos_err_cm=DEFAULT_POS_ERR_CM,
        speed_cmps=measures.cmps_from_kt(row.groundspeed),
        track_cdeg=measures.cdeg(row.track),
        climb_cmps=measures.cmps_from_fpm(row.vertical_rate),
        at_ms=row.timestamp,
        velocity_age_ms=0,
    )


def batches(recorded: Iterable[Position]) -> Iterator[tuple[int, list[Position]]]:
    """The positions of each second that has any, with its start in ms since 1970; `recorded` is by time."""
    for second, group in groupby(recorded, key=lambda position: position.at_ms // 1_000):
        yield second * 1_000, list(group)


def flights(recorded: Iterable[Position]) -> list[Flight]:
    """The flights that the positions (by time) belong to, by first time, then address, then callsign."""
    airframes: defaultdict[tuple[str, str], list[Position]] = defaultdict(list)
    for position in recorded:
        airframes[position.icao24, position.flight].append(position)
    found = [
        Flight(callsign, icao24, leg) for (icao24, callsign), heard in airframes.items() for leg in _cut_at_gaps(heard)
    ]
    return sorted(found, key=lambda flight: (flight.first_ms, flight.icao24, flight.callsign))


def _cut_at_gaps(heard: list[Position]) -> Iterator[tuple[Position, ...]]:
    cuts = [i for i, (one, following) in enumerate(pairwise(heard), 1) if following.at_ms - one.at_ms > GAP_MS]
    for start, end in pairwise([0, *cuts, len(heard)]):
        yield tuple(heard[start:end])


def fetch(cache: Path = CACHE) -> None:
    """Have pip download the wheel into `cache`, by pip's own configuration, unless it is there. Raises NotFetched."""
    wheel = cache / WHEEL.name
    if not _is_expected(wheel):
        _say("fetching the package traffic 2.13 (28 MB) through pip")
        wheel.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--retries", "2"]
        command += ["--dest", str(cache), "traffic==2.13"]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
            raise NotFetched("pip could not download traffic 2.13; its own message is above")
        if not _is_expected(wheel):
            raise NotFetched(f"{wheel.name} is not the file this scenario was written for (SHA-256 differs)")
    _say("the switzerland sample is here")


def _is_expected(wheel: Path) -> bool:
    return wheel.exists() and hashlib.sha256(wheel.read_bytes()).hexdigest() == WHEEL_SHA256


def line_of(position: Position) -> dict[str, Any]:
    """A recorded position as a JSON line of the track port."""
    line: dict[str, Any] = {
        "type": "position", "flight": position.flight, "icao24": position.icao24, "lat": position.lat_e7 / 10**7,
        "lon": position.lon_e7 / 10**7, "at": position.at_ms,
    }  # fmt: skip
    if position.alt_cm is not None:
        line |= {"alt_ft": round(position.alt_cm / 30.48), "alt_ref": AltRef(position.alt_ref).name}
    if position.speed_cmps is not None and position.track_cdeg is not None:
        line |= {"gs_kt": position.speed_cmps * 3.6 / 185.2, "track": position.track_cdeg / 100}
    if position.climb_cmps is not None:
        line |= {"vs_fpm": round(position.climb_cmps / 0.508)}
    return line


def summary(recorded: list[Position]) -> str:
    """What is in the recording, for a person."""
    found = flights(recorded)
    counts = [len(batch) for _, batch in batches(recorded)]
    first, last = (datetime.fromtimestamp(recorded[i].at_ms / 1_000, UTC) for i in (0, -1))
    airframes = len({position.icao24 for position in recorded})
    hours = sum(flight.last_ms - flight.first_ms for flight in found) / 3_600_000
    return (
        f"{len(recorded)} positions from {first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC\n"
        f"{len(found)} flights of {airframes} airframes, {hours:.1f} flight-hours\n"
        f"{len(counts)} seconds with positions, at most {max(counts)} flights in one"
    )


def _say(text: str) -> None:
    print(f"keepclear: {text}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m keepclear.host.recorded", description=__doc__.partition("\n")[0])
    parser.add_argument("verb", choices=["fetch", "summary"])
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the wheel is kept")
    given = parser.parse_args(arguments)
    try:
        if given.verb == "fetch":
            fetch(given.cache)
        else:
            print(summary(positions(given.cache / WHEEL.name)))
    except NotFetched as fault:
        _say(str(fault))
        print("hint: python -m keepclear.host.recorded fetch, with a package index in pip's reach", file=sys.stderr)
        return NOT_FETCHED
    return 0


if __name__ == "__main__":
    sys.exit(main())
