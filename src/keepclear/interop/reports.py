"""Reports: rows with the columns of the `traffic` package, cleaned into one array; cells in, reports out.

Law: a row without a time, a place or a name is refused; anything else that is missing or impossible is taken in the
reading that misses nothing, and counted (tally.py). Columns: timestamp (RFC 3339, or a number of s, ms, us or ns since
1970: the four do not overlap from 2000 to 2100), latitude and longitude (degrees), altitude (ft), groundspeed (kt),
track (degrees), vertical_rate (ft/min), and a name: track_id, else icao24, else callsign. Times are cut to the
millisecond.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from keepclear.accord.times import EARLIEST_MS, LATEST_MS
from keepclear.geo.altitude import AltRef
from keepclear.geo.track import Tracks
from keepclear.geo.units import BoolArray, FloatArray, IntArray, fpm_to_mps, knots_to_mps
from keepclear.interop.lines import Refused
from keepclear.interop.tally import Doubt, Fault, Tally

NEEDED: Final = ("timestamp", "latitude", "longitude")
NAMES: Final = ("track_id", "icao24", "callsign")
COLUMNS: Final = (*NEEDED, *NAMES, "altitude", "groundspeed", "track", "vertical_rate")
MAX_NAME_BYTES: Final = 64  # a UUID has 36, the `traffic` package's flight_id about 20
METRES_PER_FOOT: Final = 0.3048
MAX_SPEED_KT: Final = 5_000  # twice the fastest aircraft; in an hour less than the 10 000 km that conflicts can tell

REPORT: Final = np.dtype(
    [
        ("at_ms", "<i8"), ("lat_deg", "<f8"), ("lon_deg", "<f8"), ("alt_m", "<f8"), ("speed_mps", "<f8"),
        ("track_deg", "<f8"), ("rate_mps", "<f8"), ("place", "<i8"), ("name", f"S{MAX_NAME_BYTES}"),
    ]
)  # fmt: skip
"""One report; NaN is not known. `place` is the line or row it stands in, `name` is UTF-8."""

Reports = npt.NDArray[Any]
NONE: Final[Reports] = np.empty(0, dtype=REPORT)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column in which few things are said often: what is said, and for each row which of them."""

    values: Sequence[Any]
    codes: IntArray

    @classmethod
    def of(cls, column: Any) -> Self:
        """Of an array of pyarrow's."""
        coded = column.dictionary_encode("encode")
        return cls(coded.dictionary.to_pylist(), np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64))


Cells = Sequence[Any] | npt.NDArray[Any] | Coded
"""One column: bytes, text, numbers, None; or an array of floats, or of whole ms for timestamp."""

_MISSING: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "nat", "<na>"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NO_TIME: Final = -1


def check_columns(found: Sequence[str]) -> None:
    """Raises Refused if a file with these columns cannot be read at all."""
    missing = [name for name in NEEDED if name not in found]
    if not any(name in found for name in NAMES):
        missing.append("track_id, icao24 or callsign")
    if missing:
        shown = ", ".join(repr(name[:40]) for name in found[:12])
        reason = f"there is no column {' and none '.join(missing)}; found {shown or 'none'}"
        raise Refused("columns", reason, f"name the columns {', '.join(COLUMNS)}, separated by commas")


def reports_of(cells: Mapping[str, Cells], places: IntArray, tally: Tally) -> Reports:
    """The reports in columns of cells, all as long as `places`; a column that is not there is missing in each row."""
    tally.rows += len(places)
    nothing: Cells = np.full(len(places), np.nan)
    lat, lat_wrong = _numbers(cells.get("latitude", nothing))
    lon, lon_wrong = _numbers(cells.get("longitude", nothing))
    result = np.zeros(len(places), dtype=REPORT)
    result["place"], result["lat_deg"], result["lon_deg"] = places, lat, lon
    result["at_ms"] = _times(cells["timestamp"], places, tally)
    result["name"], unnamed = _names([cells[name] for name in NAMES if name in cells], len(places))
    untimed = result["at_ms"] == _NO_TIME
    unplaced = ~untimed & (lat_wrong | lon_wrong | np.isnan(lat) | np.isnan(lon))
    with np.errstate(invalid="ignore"):
        off_earth = ~untimed & ~unplaced & ~((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
    nameless = ~untimed & ~unplaced & ~off_earth & unnamed
    tally.enter_where(Fault.TIME, untimed, places)
    tally.enter_where(Fault.NO_POSITION, unplaced, places)
    tally.enter_where(Fault.OFF_EARTH, off_earth, places)
    tally.enter_where(Fault.IDENTITY, nameless, places)
    kept = ~(untimed | unplaced | off_earth | nameless)
    result["alt_m"], absent, wrong = _within(cells.get("altitude", nothing), -2_000, 400_000, METRES_PER_FOOT)
    tally.enter_where(Doubt.NO_ALTITUDE, absent & kept, places)
    tally.enter_where(Doubt.ALTITUDE, wrong & kept, places)
    _enter_velocity(result, cells, nothing, kept, tally)
    result["rate_mps"], absent, wrong = _within(cells.get("vertical_rate", nothing), -200_000, 200_000, fpm_to_mps(1.0))
    tally.enter_where(Doubt.NO_CLIMB, absent & kept, places)
    tally.enter_where(Doubt.CLIMB, wrong & kept, places)
    usable: Reports = result[kept]
    return usable


def _enter_velocity(result: Reports, cells: Mapping[str, Cells], nothing: Cells, kept: BoolArray, tally: Tally) -> None:
    speed, no_speed, bad_speed = _within(cells.get("groundspeed", nothing), 0, MAX_SPEED_KT, knots_to_mps(1.0))
    track, no_track, bad_track = _within(cells.get("track", nothing), -360, 360, 1.0)
    bad = bad_speed | bad_track
    unknown = bad | no_speed | no_track
    result["speed_mps"], result["track_deg"] = np.where(unknown, np.nan, speed), np.where(unknown, np.nan, track)
    tally.enter_where(Doubt.NO_VELOCITY, unknown & ~bad & kept, result["place"])
    tally.enter_where(Doubt.VELOCITY, bad & kept, result["place"])


def tracks_of(picture: Reports, alt_ref: AltRef) -> Tracks:
    """The reports of one picture as tracks, their altitudes on that reference."""
    zero = np.zeros(len(picture))
    return Tracks(
        lat_deg=picture["lat_deg"].copy(),
        lon_deg=picture["lon_deg"].copy(),
        alt_m=picture["alt_m"].copy(),
        alt_ref=np.full(len(picture), int(alt_ref), dtype=np.int64),
        alt_err_m=zero,
        pos_err_m=zero,
        ground_speed_mps=picture["speed_mps"].copy(),
        track_deg=picture["track_deg"].copy(),
        vertical_rate_mps=picture["rate_mps"].copy(),
        at_ms=picture["at_ms"].copy(),
    )


def names_of(picture: Reports) -> list[str]:
    """The names of reports, as they were given."""
    return [name.decode("utf-8", "replace") for name in picture["name"].tolist()]


def distinct(picture: Reports, tally: Tally) -> Reports:
    """The picture with each report once: of one name said twice alike the first, said differently both; all counted."""
    _, first, inverse = np.unique(picture["name"], return_index=True, return_inverse=True)
    if len(first) == len(picture):
        return picture
    again = np.ones(len(picture), dtype=bool)
    again[first] = False
    same = again.copy()
    for field in ("lat_deg", "lon_deg", "alt_m", "speed_mps", "track_deg", "rate_mps"):
        here, there = picture[field], picture[field][first][inverse]
        same &= (here == there) | (np.isnan(here) & np.isnan(there))
    tally.enter_where(Doubt.REPEATED, same, picture["place"])
    tally.enter_where(Doubt.AMBIGUOUS, again & ~same, picture["place"])
    return picture[~same]


def _within(cells: Cells, least: float, most: float, factor: float) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Numbers times a factor, NaN where they are missing or not within limits; which are missing; which are not."""
    value, wrong = _numbers(cells)
    absent = np.isnan(value) & ~wrong
    with np.errstate(invalid="ignore"):
        wrong = wrong | (~absent & ~((value >= least) & (value <= most)))
    return np.where(wrong, np.nan, value * factor), absent, wrong


def _numbers(cells: Cells) -> tuple[FloatArray, BoolArray]:
    """Cells as floats, NaN where there is none; and which are neither a number nor missing."""
    if isinstance(cells, Coded):
        value, wrong = _numbers(cells.values)
        return value[cells.codes], wrong[cells.codes]
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64), np.zeros(len(cells), dtype=bool)
    kinds = set(map(type, cells))
    try:
        if kinds <= {float, int, type(None)}:
            return np.array(cells, dtype=np.float64), np.zeros(len(cells), dtype=bool)
        if kinds == {bytes}:
            return np.array([float(cell or b"nan") for cell in cells]), np.zeros(len(cells), dtype=bool)
    except (ValueError, OverflowError):
        pass  # one at a time, then
    read = [_number(cell) for cell in cells]
    wrong = np.array([value is None for value in read], dtype=bool)
    return np.array([np.nan if value is None else value for value in read], dtype=np.float64), wrong


def _number(cell: object) -> float | None:
    """A cell as a float: NaN if it is missing, None if it is something else."""
    if cell is None:
        return float("nan")
    if isinstance(cell, bool):
        return None
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, str) and cell.strip().lower() in _MISSING:
        return float("nan")
    try:
        return float(cell) if isinstance(cell, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _times(cells: Cells, places: IntArray, tally: Tally) -> IntArray:
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "i":
        return np.where((cells >= EARLIEST_MS) & (cells <= LATEST_MS), cells, _NO_TIME).astype(np.int64)
    values = [None if isinstance(cell, list | dict) else cell for cell in _values(cells)]
    known: dict[object, tuple[int, bool]] = {}
    for cell in values:
        if cell not in known:
            known[cell] = _time(cell)
    at_ms = _spread(cells, np.array([known[cell][0] for cell in values], dtype=np.int64))
    tally.enter_where(Doubt.NO_ZONE, _spread(cells, np.array([known[cell][1] for cell in values], dtype=bool)), places)
    return at_ms


def _values(cells: Cells) -> Sequence[Any] | npt.NDArray[Any]:
    return cells.values if isinstance(cells, Coded) else cells


def _spread(cells: Cells, read: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What was read of the values of a column, for each row."""
    return read[cells.codes] if isinstance(cells, Coded) else read


def _time(cell: object) -> tuple[int, bool]:
    """A cell as ms since 1970, and whether it says no zone; _NO_TIME if it is no time from 2000 to 2100."""
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, str):
        cell = cell.strip()
        if not _NUMBER.fullmatch(cell):
            return _moment(cell)
        cell = float(cell) if re.search(r"[.eE]", cell) else int(cell[:40])
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return _NO_TIME, False
    for per_ms in (0.001, 1, 1_000, 1_000_000):
        if EARLIEST_MS * per_ms <= cell <= LATEST_MS * per_ms:
            # Through whole microseconds, so that 0.525 s of a float is 525 ms.
            return (round(cell * 1_000_000) // 1_000 if per_ms < 1 else int(cell // per_ms)), False
    return _NO_TIME, False


def _moment(text: str) -> tuple[int, bool]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _NO_TIME, False
    bare = moment.tzinfo is None
    at_ms = ((moment.replace(tzinfo=UTC) if bare else moment) - _EPOCH) // _MICROSECOND // 1_000
    return (at_ms, bare) if EARLIEST_MS <= at_ms <= LATEST_MS else (_NO_TIME, False)


def _names(columns: Sequence[Cells], length: int) -> tuple[npt.NDArray[np.bytes_], BoolArray]:
    """The first name of each row that is one, as UTF-8; and which rows have none that fits."""
    result = np.zeros(length, dtype=f"S{MAX_NAME_BYTES}")
    missing, too_long = np.ones(length, dtype=bool), np.zeros(length, dtype=bool)
    for column in columns:
        read = [_name(cell) for cell in _values(column)]
        said = _spread(column, np.array([bool(name) for name in read], dtype=bool)) & missing
        names = _spread(column, np.array(read, dtype=result.dtype))
        longs = _spread(column, np.array([len(name) > MAX_NAME_BYTES for name in read], dtype=bool))
        result[said], too_long[said] = names[said], longs[said]
        missing &= ~said
        if not missing.any():
            break
    return result, missing | too_long


def _name(cell: object) -> bytes:
    if isinstance(cell, bytes):
        text = cell.strip()
        return b"" if len(text) < 5 and text.decode("latin-1").lower() in _MISSING else text
    if cell is None or isinstance(cell, bool) or cell != cell:  # noqa: PLR0124 - NaN, of any type
        return b""
    said = str(cell).strip()
    return b"" if said.lower() in _MISSING else said.encode("utf-8", "surrogatepass")
