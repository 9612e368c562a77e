"""What a track source or a planner tells this node: where a flight is, and where it means to be.

The law: integers only, in the units of the wire (1e-7 degree, centimetres, centimetres a second, centidegrees,
milliseconds since 1970 UTC), so that a value can go into the journal as it is. What is not known is None, never a
guess; what is known carries its error. These values are private to the party: they never leave the node.
"""

from typing import Final

import msgspec

from keepclear.accord.shape import AltRef

# Used where a source does not state its error. 0.1 NM is what a transponder's navigation accuracy category 7 says
# (95 %), one step worse than the 0.05 NM that ADS-B mandates ask for (EU 1207/2011, 14 CFR 91.227).
DEFAULT_POS_ERR_CM: Final = 18_520
# 125 ft: the agreement that 14 CFR 91.217 asks between a reported pressure altitude and the altimeter.
DEFAULT_ALT_ERR_CM: Final = 3_810


class Position(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One report of one flight by one track source.

    `flight` is what an officer reads out: the callsign, or the 24-bit address while no callsign is known. `alt_cm` is
    None when the source does not say; `alt_ref` (an AltRef number) then says nothing. Speed and track are known
    together or not at all. `velocity_age_ms` is how much older than the position the velocity is (never negative),
    None without one.
    """

    source: str
    flight: str
    icao24: str
    lat_e7: int
    lon_e7: int
    alt_cm: int | None
    alt_ref: int
    alt_err_cm: int
    pos_err_cm: int
    speed_cmps: int | None
    track_cdeg: int | None
    climb_cmps: int | None
    at_ms: int
    velocity_age_ms: int | None = None
    on_ground: bool = False


class Waypoint(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A point of a plan: over this place, at this altitude (None: not said), at this time."""

    lat_e7: int
    lon_e7: int
    alt_cm: int | None
    alt_ref: int
    at_ms: int


class Plan(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """An own flight's intention, replacing any earlier one of the same `flight`; without waypoints it is withdrawn.

    The times of the waypoints rise strictly. `tolerance_cm` is sideways, `tolerance_ms` early or late.
    """

    flight: str
    waypoints: tuple[Waypoint, ...]
    tolerance_cm: int
    tolerance_ms: int


UNKNOWN_ALT_REF: Final = int(AltRef.STD)  # stands where alt_cm is None and nothing may be read from it
