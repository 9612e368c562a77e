"""Tracks and own plans as JSON lines, in people's units: bytes in, positions and plans out.

The law: one JSON object a line, UTF-8. Strict: an unknown key, a missing one, a number outside what is believed, an
altitude without its reference or a time without its zone refuses the line, with the reason and what to do; the lines
after it are read. Nothing is raised and memory is bounded. Repeated keys: the last one counts, as in most JSON readers.

    {"type": "position", "flight": "RFR714", "lat": 35.516, "lon": 34.797, "alt_ft": 20000, "alt_ref": "STD",
     "gs_kt": 310, "track": 87.5, "vs_fpm": -500, "at": "2018-09-17T18:40:00Z"}
    {"plan": {"flight": "RFR714", "tolerance_m": 1852, "tolerance_s": 120, "waypoints": [
     {"lat": 35.5, "lon": 34.8, "alt_m": 6000, "alt_ref": "AMSL", "at": 1537209600000}]}}

(each on one line). docs/operate/tracks.md is the reader's page.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from keepclear.accord.shape import AltRef
from keepclear.geo.units import degrees_to_e7
from keepclear.interop import measures
from keepclear.interop.lines import Account, LineSplitter, Refused
from keepclear.interop.position import (
    DEFAULT_ALT_ERR_CM,
    DEFAULT_POS_ERR_CM,
    UNKNOWN_ALT_REF,
    Plan,
    Position,
    Waypoint,
)

MAX_POSITION_BYTES: Final = 4_096  # ten times a position with every key
MAX_PLAN_BYTES: Final = 65_536  # 500 waypoints at 130 bytes
AHEAD_MAX_MS: Final = 5_000  # more than this and the source's clock, or ours, is wrong
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01: a smaller number is seconds, or a clock never set
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/~-]{0,31}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"^~?[0-9A-Fa-f]{6}\Z")]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Feet = Annotated[float, msgspec.Meta(ge=-2_000, le=400_000)]
Metres = Annotated[float, msgspec.Meta(ge=-610, le=122_000)]
ErrorFeet = Annotated[float, msgspec.Meta(ge=0, le=100_000)]
ErrorMetres = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Direction = Annotated[float, msgspec.Meta(ge=0, le=360)]
Knots = Annotated[float, msgspec.Meta(ge=0, le=20_000)]
KilometresAnHour = Annotated[float, msgspec.Meta(ge=0, le=40_000)]
FeetAMinute = Annotated[float, msgspec.Meta(ge=-200_000, le=200_000)]
MetresASecond = Annotated[float, msgspec.Meta(ge=-1_000, le=1_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)] | int
Reference = Literal["WGS84", "AMSL", "AGL", "STD"]


class _Altitude(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    alt_ft: Feet | None = None
    alt_m: Metres | None = None
    alt_ref: Reference | None = None


class _PositionLine(_Altitude, forbid_unknown_fields=True, kw_only=True, gc=False):
    type: Literal["position"]
    at: Instant
    lat: Latitude
    lon: Longitude
    flight: Name | None = None
    icao24: Address | None = None
    source: Name | None = None
    alt_err_ft: ErrorFeet | None = None
    alt_err_m: ErrorMetres | None = None
    pos_err_m: ErrorMetres | None = None
    gs_kt: Knots | None = None
    gs_kmh: KilometresAnHour | None = None
    track: Direction | None = None
    vs_fpm: FeetAMinute | None = None
    vs_mps: MetresASecond | None = None
    on_ground: bool = False


class _WaypointItem(_Altitude, forbid_unknown_fields=True, kw_only=True, gc=False):
    at: Instant
    lat: Latitude
    lon: Longitude


class _PlanBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    flight: Name
    waypoints: Annotated[list[_WaypointItem], msgspec.Meta(max_length=512)]
    tolerance_m: ErrorMetres
    tolerance_s: Seconds


class _PlanLine(msgspec.Struct, forbid_unknown_fields=True):
    plan: _PlanBody


_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_POSITION: Final = msgspec.json.Decoder(_PositionLine)
_PLAN: Final = msgspec.json.Decoder(_PlanLine)
T = TypeVar("T")
Spelling = tuple[str, float | None, Callable[[float], int]]  # a key, what stands there, and its conversion


class TrackLineReader:
    """One connection's lines; `account` tells what was refused and why.

    `source` names positions whose line names no source; the errors stand in where a line states none.
    """

    def __init__(
        self, source: str, *, pos_err_cm: int = DEFAULT_POS_ERR_CM, alt_err_cm: int = DEFAULT_ALT_ERR_CM
    ) -> None:
        self.account = Account()
        self._source = source
        self._pos_err_cm = pos_err_cm
        self._alt_err_cm = alt_err_cm
        self._splitter = LineSplitter(MAX_PLAN_BYTES)

    def feed(self, data: bytes, received_ms: int) -> list[Position | Plan]:
        """The positions and plans of the lines ended in `data`, as they came.

        `received_ms` is the node's wall time, ms since 1970 UTC; a position dated more than 5 s after it is refused.
        Bad lines are counted in `account` under: line_too_long, not_json, schema, altitude, velocity, identity,
        time, plan_times.
        """
        lines, overlong = self._splitter.feed(data)
        for _ in range(overlong):
            hint = "end every object with a newline, and put one object on a line"
            self.account.enter(Refused("line_too_long", f"a line is over {MAX_PLAN_BYTES} bytes", hint))
        values = []
        for line in lines:
            if not line.strip():
                continue
            try:
                values.append(self._value(line, received_ms))
            except Refused as fault:
                self.account.enter(fault, line)
        return values

    def _value(self, line: bytes, received_ms: int) -> Position | Plan:
        if b"plan" in line and "plan" in _keys(line):
            return _plan(line)
        if len(line) > MAX_POSITION_BYTES:
            reason = f"a position line of {len(line)} bytes, at most {MAX_POSITION_BYTES}"
            raise Refused("line_too_long", reason, "only a plan may be longer")
        return self._position(line, received_ms)

    def _position(self, line: bytes, received_ms: int) -> Position:
        said = _decode(line, _POSITION)
        icao24 = (said.icao24 or "").lower()
        flight = (said.flight or icao24).strip()
        if not flight:
            raise Refused("identity", "a position names no flight", "give flight (the callsign), icao24, or both")
        at_ms = _instant_ms(said.at)
        if at_ms > received_ms + AHEAD_MAX_MS:
            reason = f"a position is dated {at_ms - received_ms} ms ahead of this node's clock, at most {AHEAD_MAX_MS}"
            raise Refused("time", reason, "set both clocks by NTP or GNSS")
        speed_cmps, track_cdeg = _velocity(said)
        alt_cm, alt_ref = _altitude(said)
        alt_err_cm = _alt_error_cm(said)
        return Position(
            source=said.source or self._source,
            flight=flight,
            icao24=icao24,
            lat_e7=degrees_to_e7(said.lat),
            lon_e7=degrees_to_e7(said.lon),
            alt_cm=alt_cm,
            alt_ref=alt_ref,
            alt_err_cm=self._alt_err_cm if alt_err_cm is None else alt_err_cm,
            pos_err_cm=self._pos_err_cm if said.pos_err_m is None else measures.cm_from_m(said.pos_err_m),
            speed_cmps=speed_cmps,
            track_cdeg=track_cdeg,
            climb_cmps=_climb_cmps(said),
            at_ms=at_ms,
            velocity_age_ms=None if speed_cmps is None else 0,
            on_ground=said.on_ground,
        )


def _keys(line: bytes) -> dict[str, msgspec.Raw]:
    return _decode(line, _OBJECT)


def _decode(line: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        hint = "docs/operate/tracks.md lists the keys, their units and their ranges"
        raise Refused("schema", str(error), hint) from None
    except (ValueError, RecursionError) as error:
        raise Refused("not_json", f"not JSON: {error}", "one JSON object in UTF-8 on each line") from None


def _plan(line: bytes) -> Plan:
    body = _decode(line, _PLAN).plan
    waypoints = tuple(_waypoint(item) for item in body.waypoints)
    for number, (one, next_one) in enumerate(pairwise(waypoints), start=2):
        if next_one.at_ms <= one.at_ms:
            reason = f"waypoint {number} of {body.flight} is at {next_one.at_ms}, the one before it at {one.at_ms}"
            raise Refused("plan_times", reason, "list waypoints as they are flown, each later than the one before")
    return Plan(
        flight=body.flight.strip(),
        waypoints=waypoints,
        tolerance_cm=measures.cm_from_m(body.tolerance_m),
        tolerance_ms=round(body.tolerance_s * 1_000),
    )


def _waypoint(item: _WaypointItem) -> Waypoint:
    alt_cm, alt_ref = _altitude(item)
    return Waypoint(
        lat_e7=degrees_to_e7(item.lat),
        lon_e7=degrees_to_e7(item.lon),
        alt_cm=alt_cm,
        alt_ref=alt_ref,
        at_ms=_instant_ms(item.at),
    )


def _altitude(said: _Altitude) -> tuple[int | None, int]:
    alt_cm = _one_of(
        "altitude", ("alt_ft", said.alt_ft, measures.cm_from_ft), ("alt_m", said.alt_m, measures.cm_from_m)
    )
    if alt_cm is None and said.alt_ref is None:
        return None, UNKNOWN_ALT_REF
    if said.alt_ref is None:
        hint = "add alt_ref: STD for a flight level, AMSL for QNH, WGS84 for GNSS height, AGL above ground"
        raise Refused("altitude", "an altitude without its reference", hint)
    if alt_cm is None:
        raise Refused("altitude", "alt_ref without an altitude", "add alt_ft or alt_m, or leave alt_ref out")
    return alt_cm, int(AltRef[said.alt_ref])


def _alt_error_cm(said: _PositionLine) -> int | None:
    in_ft = ("alt_err_ft", said.alt_err_ft, measures.cm_from_ft)
    return _one_of("altitude", in_ft, ("alt_err_m", said.alt_err_m, measures.cm_from_m))


def _velocity(said: _PositionLine) -> tuple[int | None, int | None]:
    in_kt = ("gs_kt", said.gs_kt, measures.cmps_from_kt)
    speed_cmps = _one_of("velocity", in_kt, ("gs_kmh", said.gs_kmh, measures.cmps_from_kmh))
    if (speed_cmps is None) != (said.track is None):
        missing = "a ground speed (gs_kt or gs_kmh)" if speed_cmps is None else "a track"
        raise Refused(
            "velocity", f"a velocity lacks {missing}", "give both, or neither when the source has no velocity"
        )
    return speed_cmps, None if said.track is None else measures.cdeg(said.track)


def _climb_cmps(said: _PositionLine) -> int | None:
    in_fpm = ("vs_fpm", said.vs_fpm, measures.cmps_from_fpm)
    return _one_of("velocity", in_fpm, ("vs_mps", said.vs_mps, measures.cmps_from_mps))


def _one_of(code: str, one: Spelling, other: Spelling) -> int | None:
    """The one of two spellings that is given, in the wire's unit; None when neither is."""
    (one_key, one_value, one_convert), (other_key, other_value, other_convert) = one, other
    if one_value is not None and other_value is not None:
        reason = f"both {one_key} {one_value:g} and {other_key} {other_value:g}"
        raise Refused(code, reason, "give the one your source measures")
    if one_value is not None:
        return one_convert(one_value)
    return None if other_value is None else other_convert(other_value)


def _instant_ms(at: datetime | int) -> int:
    at_ms = at if isinstance(at, int) else (at - EPOCH) // timedelta(milliseconds=1)
    if not EARLIEST_MS <= at_ms <= LATEST_MS:
        reason = f"at is {at_ms} ms since 1970, believed from {EARLIEST_MS} to {LATEST_MS} (2000 to 2100)"
        raise Refused("time", reason, "give milliseconds, not seconds; or a date and time with its zone")
    return at_ms
