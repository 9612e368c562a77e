"""SBS (BaseStation) lines, as ADS-B receivers write them on port 30003: bytes in, positions out.

The law:
- A position message (MSG,3 in the air, MSG,2 on the ground) with latitude and longitude makes a Position; every MSG
  line, of whatever type, contributes the callsign, velocity and altitude in it to its aircraft.
- The stamps on a line are the receiver's local time without a zone, and the receiver's clock is nobody's promise: they
  are never read as a time. The two on a line come from one clock, so their difference, logged less generated, is how
  long the line was held back, and a position is dated `received_ms` less that. Some programs hold lines back for five
  minutes. If the difference makes no sense, the position is dated `received_ms` and counted in `undated`.
- Altitude is pressure altitude (STD) in feet; with the letter H behind it (dump1090 --gnss) it is above the WGS-84
  ellipsoid. A position without one takes an altitude heard at most 5 s away, its error widened by 6000 ft/min; an
  older one is not used and the altitude is None.
- Nothing is raised and memory is bounded: lines by length, aircraft by number (the one silent longest is forgotten).

Format: 22 fields, comma-separated; BaseStation's "socket data" as its users wrote it down. Real lines:
    MSG,3,1,1,40621D,1,2026/11/22,17:09:54.098,2026/11/22,17:09:54.098,,38000,,,52.26578,3.93891,,,,,,0
    MSG,4,1,1,485020,1,2026/11/22,17:09:54.399,2026/11/22,17:09:54.499,,,159,184,,,-832,,,,,0
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keepclear.accord.shape import AltRef
from keepclear.geo.units import degrees_to_e7
from keepclear.interop import measures
from keepclear.interop.lines import Account, LineSplitter, Refused
from keepclear.interop.position import DEFAULT_ALT_ERR_CM, DEFAULT_POS_ERR_CM, UNKNOWN_ALT_REF, Position

MAX_LINE_BYTES: Final = 512  # a full MSG line is about 150
MAX_AIRCRAFT: Final = 4_096  # ten times what the busiest receiver hears at once
VELOCITY_KEPT_MS: Final = 60_000  # an older velocity says nothing of the present one: a turn takes less
ALTITUDE_KEPT_MS: Final = 5_000
ALTITUDE_DRIFT_CMPS: Final = 3_048  # 6000 ft/min, beyond what airliners climb or sink
SILENCE_ENDS_FLIGHT_MS: Final = 600_000  # after it an aircraft is new: its callsign may be another one
HELD_BACK_MAX_MS: Final = 900_000  # the known hold-back is 300 s; quarter hours are a clock that changed zone

STAMPED_EARLY_MAX_MS: Final = 1_000  # receivers stamp the radio's time and their own from two counters, 40 ms apart

FIELDS: Final = 22
# Records about the receiver and its operator, not about where an aircraft is.
OTHER_RECORDS: Final = frozenset({"SEL", "ID", "AIR", "STA", "CLK"})
POSITION_TYPES: Final = frozenset({"2", "3"})
ON_GROUND_TYPE: Final = "2"
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,7}(\.[0-9]{0,12})?")
ADDRESS: Final = re.compile(r"~?[0-9A-Fa-f]{6}")  # ~: not an ICAO address (TIS-B, anonymous)
CALLSIGN: Final = re.compile(r"[A-Z0-9]{1,8}")
STAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,6}")

CALLSIGN_AT, ALTITUDE_AT, SPEED_AT, TRACK_AT, LAT_AT, LON_AT, CLIMB_AT, GROUND_AT = 10, 11, 12, 13, 14, 15, 16, 21


@dataclass
class _Aircraft:
    """What the lines so far said of one aircraft; times are the node's."""

    heard_ms: int
    callsign: str = ""
    alt_cm: int | None = None
    alt_ref: int = UNKNOWN_ALT_REF
    alt_at_ms: int = 0
    speed_cmps: int | None = None
    track_cdeg: int | None = None
    climb_cmps: int | None = None
    velocity_at_ms: int = 0
    climb_at_ms: int = 0


class SbsReader:
    """One connection's lines. `account` tells what was refused, `undated` how many positions bore no usable stamps."""

    def __init__(
        self,
        source: str,
        *,
        pos_err_cm: int = DEFAULT_POS_ERR_CM,
        alt_err_cm: int = DEFAULT_ALT_ERR_CM,
        max_aircraft: int = MAX_AIRCRAFT,
    ) -> None:
        self.account = Account()
        self.undated = 0
        self._source = source
        self._pos_err_cm = pos_err_cm
        self._alt_err_cm = alt_err_cm
        self._max_aircraft = max_aircraft
        self._splitter = LineSplitter(MAX_LINE_BYTES)
        self._aircraft: OrderedDict[str, _Aircraft] = OrderedDict()

    @property
    def aircraft_known(self) -> int:
        """How many aircraft are remembered, at most `max_aircraft`."""
        return len(self._aircraft)

    def feed(self, data: bytes, received_ms: int) -> list[Position]:
        """The positions that the lines ended in `data` give, as they came.

        `received_ms` is the node's wall time, ms since 1970 UTC, when `data` was read. Bad lines are counted in
        `account` under: line_too_long, not_text, not_sbs, field_count, address, number, range.
        """
        lines, overlong = self._splitter.feed(data)
        for _ in range(overlong):
            hint = "is this port fed by an SBS (BaseStation) output, and not by Beast or raw?"
            self.account.enter(Refused("line_too_long", f"a line is over {MAX_LINE_BYTES} bytes", hint))
        positions = []
        for line in lines:
            try:
                position = self._line(line, received_ms)
            except Refused as fault:
                self.account.enter(fault, line)
                continue
            if position is not None:
                positions.append(position)
        return positions

    def _line(self, line: bytes, received_ms: int) -> Position | None:
        fields = _fields(line)
        if not fields:
            return None
        address = fields[4].strip().lower()
        if not ADDRESS.fullmatch(address):
            raise Refused("address", f"{fields[4]!r} is no 24-bit address", "six hexadecimal digits, as 40621D")
        said = _read(fields)
        held_ms = _held_back_ms(fields)
        at_ms = received_ms - (held_ms or 0)
        aircraft = self._known(address, received_ms)
        _learn(aircraft, said, at_ms)
        if fields[1].strip() not in POSITION_TYPES or said.lat_e7 is None or said.lon_e7 is None:
            return None
        self.undated += held_ms is None
        return self._position(address, aircraft, said, at_ms)

    def _known(self, address: str, received_ms: int) -> _Aircraft:
        aircraft = self._aircraft.get(address)
        if aircraft is None or received_ms - aircraft.heard_ms > SILENCE_ENDS_FLIGHT_MS:
            aircraft = self._aircraft[address] = _Aircraft(received_ms)
        aircraft.heard_ms = received_ms
        self._aircraft.move_to_end(address)
        if len(self._aircraft) > self._max_aircraft:
            self._aircraft.popitem(last=False)
        return aircraft

    def _position(self, address: str, aircraft: _Aircraft, said: "_Said", at_ms: int) -> Position:
        assert said.lat_e7 is not None
        assert said.lon_e7 is not None
        alt_age_ms = abs(at_ms - aircraft.alt_at_ms)  # later than a position held back, it may be as wrong
        alt_known = aircraft.alt_cm is not None and alt_age_ms <= ALTITUDE_KEPT_MS
        velocity_age_ms = max(0, at_ms - aircraft.velocity_at_ms)
        velocity_known = aircraft.speed_cmps is not None and velocity_age_ms <= VELOCITY_KEPT_MS
        climb_known = at_ms - aircraft.climb_at_ms <= VELOCITY_KEPT_MS
        return Position(
            source=self._source,
            flight=aircraft.callsign or address,
            icao24=address,
            lat_e7=said.lat_e7,
            lon_e7=said.lon_e7,
            alt_cm=aircraft.alt_cm if alt_known else None,
            alt_ref=aircraft.alt_ref if alt_known else UNKNOWN_ALT_REF,
            alt_err_cm=self._alt_err_cm + (alt_age_ms * ALTITUDE_DRIFT_CMPS // 1_000 if alt_known else 0),
            pos_err_cm=self._pos_err_cm,
            speed_cmps=aircraft.speed_cmps if velocity_known else None,
            track_cdeg=aircraft.track_cdeg if velocity_known else None,
            climb_cmps=aircraft.climb_cmps if climb_known else None,
            at_ms=at_ms,
            velocity_age_ms=velocity_age_ms if velocity_known else None,
            on_ground=said.on_ground,
        )


@dataclass(frozen=True)
class _Said:
    """What one line says, in the wire's units; None where it is silent."""

    callsign: str
    alt_cm: int | None
    alt_ref: int
    speed_cmps: int | None
    track_cdeg: int | None
    lat_e7: int | None
    lon_e7: int | None
    climb_cmps: int | None
    on_ground: bool


def _fields(line: bytes) -> list[str]:
    """The fields of a MSG line; none for a line that is rightly not one (empty: a heartbeat; STA and its like)."""
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("not_text", "a line holds bytes that are not ASCII", "set the receiver to SBS output") from None
    fields = text.split(",")
    record = fields[0].strip()
    if not text.strip() or record in OTHER_RECORDS:
        return []
    if record != "MSG":
        raise Refused("not_sbs", f"a line begins with {record[:16]!r}, not MSG", "set the receiver to SBS output")
    if len(fields) != FIELDS:
        hint = "a line cut or glued in transit, or a program that leaves fields out"
        raise Refused("field_count", f"{len(fields)} fields, an SBS line has {FIELDS}", hint)
    return fields


def _read(fields: list[str]) -> _Said:
    callsign = fields[CALLSIGN_AT].strip()
    altitude = fields[ALTITUDE_AT].strip()
    alt_ref = AltRef.WGS84 if altitude.endswith("H") else AltRef.STD
    alt_ft = _number(altitude.removesuffix("H"), "altitude", -2_000, 150_000, "ft")
    speed_kt = _number(fields[SPEED_AT], "ground speed", 0, 3_000, "kt")
    track_deg = _number(fields[TRACK_AT], "track", 0, 360, "degrees")
    lat_deg = _number(fields[LAT_AT], "latitude", -90, 90, "degrees")
    lon_deg = _number(fields[LON_AT], "longitude", -180, 180, "degrees")
    climb_fpm = _number(fields[CLIMB_AT], "vertical rate", -60_000, 60_000, "ft/min")
    return _Said(
        # Receivers write ? for characters they could not read; half a callsign is worse than the address.
        callsign=callsign if CALLSIGN.fullmatch(callsign) else "",
        alt_cm=None if alt_ft is None else measures.cm_from_ft(alt_ft),
        alt_ref=int(alt_ref),
        speed_cmps=None if speed_kt is None else measures.cmps_from_kt(speed_kt),
        track_cdeg=None if track_deg is None else measures.cdeg(track_deg),
        lat_e7=None if lat_deg is None else degrees_to_e7(lat_deg),
        lon_e7=None if lon_deg is None else degrees_to_e7(lon_deg),
        climb_cmps=None if climb_fpm is None else measures.cmps_from_fpm(climb_fpm),
        on_ground=fields[1].strip() == ON_GROUND_TYPE or fields[GROUND_AT].strip() in {"1", "-1"},
    )


def _number(field: str, what: str, low: int, high: int, unit: str) -> float | None:
    text = field.strip()
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise Refused("number", f"{what} {text[:16]!r} is no number", f"a decimal number of {unit}")
    value = float(text)
    if not low <= value <= high:
        raise Refused("range", f"{what} {text} {unit}, believed from {low} to {high}", "a corrupted message, usually")
    return value


def _learn(aircraft: _Aircraft, said: _Said, at_ms: int) -> None:
    if said.callsign:
        aircraft.callsign = said.callsign
    if said.alt_cm is not None:
        aircraft.alt_cm, aircraft.alt_ref, aircraft.alt_at_ms = said.alt_cm, said.alt_ref, at_ms
    if said.speed_cmps is not None and said.track_cdeg is not None:
        aircraft.speed_cmps, aircraft.track_cdeg, aircraft.velocity_at_ms = said.speed_cmps, said.track_cdeg, at_ms
    if said.climb_cmps is not None:
        aircraft.climb_cmps, aircraft.climb_at_ms = said.climb_cmps, at_ms


def _held_back_ms(fields: list[str]) -> int | None:
    """How long the receiver held the line back, by its own clock; None when the stamps cannot both be true."""
    generated, logged = _stamp(fields[6], fields[7]), _stamp(fields[8], fields[9])
    if generated is None or logged is None:
        return None
    held_ms = (logged - generated) // timedelta(milliseconds=1)
    return max(0, held_ms) if -STAMPED_EARLY_MAX_MS <= held_ms <= HELD_BACK_MAX_MS else None


def _stamp(day: str, time: str) -> datetime | None:
    text = f"{day.strip().replace('/', '-')}T{time.strip()}"
    try:
        return datetime.fromisoformat(text) if STAMP.fullmatch(text) else None
    except ValueError:
        return None
