"""What a track source or a planner tells this node: where a flight is, and where it means to be.

The law: integers only, in the units of the wire (1e-7 degree, centimetres, centimetres a second, centidegrees,
milliseconds since 1970 UTC), so that a value can go into the journal as it is. What is not known is None, never a
guess; what is known carries its error. What the earth and its aircraft do not allow does not decode. These values are
private to the party: they never leave the node.
"""

from typing import Annotated, Final

import msgspec

from keepclear.accord.shape import AltRef

# Used where a source does not state its error. 0.1 NM is what a transponder's navigation accuracy category 7 says
# (95 %), one step worse than the 0.05 NM that ADS-B mandates ask for (EU 1207/2011, 14 CFR 91.227).
DEFAULT_POS_ERR_CM: Final = 18_520
# 125 ft: the agreement that 14 CFR 91.217 asks between a reported pressure altitude and the altimeter.
DEFAULT_ALT_ERR_CM: Final = 3_810


MAX_NAME_CHARS: Final = 64  # of a flight; a callsign has seven, a flight of an exercise may be called by a sentence
MAX_ALT_CM: Final = 10_000_000  # 100 km, in either direction
MAX_ERR_CM: Final = 100_000_000  # 1 000 km: a position that says so says nothing
MAX_SPEED_CMPS: Final = 1_200_000  # 12 km/s: faster than anything that stays
MAX_WAYPOINTS: Final = 1_000
MAX_TIME_MS: Final = 2**53

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARS)]
Latitude = Annotated[int, msgspec.Meta(ge=-900_000_000, le=900_000_000)]
Longitude = Annotated[int, msgspec.Meta(ge=-1_800_000_000, le=1_800_000_000)]
Height = Annotated[int, msgspec.Meta(ge=-MAX_ALT_CM, le=MAX_ALT_CM)]
Error = Annotated[int, msgspec.Meta(ge=0, le=MAX_ERR_CM)]
Speed = Annotated[int, msgspec.Meta(ge=0, le=MAX_SPEED_CMPS)]
Climb = Annotated[int, msgspec.Meta(ge=-MAX_SPEED_CMPS, le=MAX_SPEED_CMPS)]
Direction = Annotated[int, msgspec.Meta(ge=0, le=36_000)]
Small = Annotated[int, msgspec.Meta(ge=0, le=255)]
Instant = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_MS)]


class Position(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One report of one flight by one track source.

    `flight` is what an officer reads out: the callsign, or the 24-bit address while no callsign is known. `alt_cm` is
    None when the source does not say; `alt_ref` (an AltRef number) then says nothing. Speed and track are known
    together or not at all. `velocity_age_ms` is how much older than the position the velocity is (never negative),
    None without one.
    """

    source: Name
    flight: Name
    icao24: Name
    lat_e7: Latitude
    lon_e7: Longitude
    alt_cm: Height | None
    alt_ref: Small
    alt_err_cm: Error
    pos_err_cm: Error
    speed_cmps: Speed | None
    track_cdeg: Direction | None
    climb_cmps: Climb | None
    at_ms: Instant
    velocity_age_ms: Instant | None = None
    on_ground: bool = False


class Waypoint(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A point of a plan: over this place, at this altitude (None: not said), at this time."""

    lat_e7: Latitude
    lon_e7: Longitude
    alt_cm: Height | None
    alt_ref: Small
    at_ms: Instant


class Plan(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An own flight's intention, replacing any earlier one of the same `flight`; without waypoints it is withdrawn.

    The times of the waypoints rise strictly. `tolerance_cm` is sideways, `tolerance_ms` early or late.
    """

    flight: Name
    waypoints: Annotated[tuple[Waypoint, ...], msgspec.Meta(max_length=MAX_WAYPOINTS)]
    tolerance_cm: Error
    tolerance_ms: Instant


UNKNOWN_ALT_REF: Final = int(AltRef.STD)  # stands where alt_cm is None and nothing may be read from it
