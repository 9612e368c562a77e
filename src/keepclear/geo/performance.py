"""Performance: what every aircraft of a class can be relied on to do, for the time that it needs to be clear.

Law: the figures are of an ordinary aircraft of the class on an ordinary day, taken down to what is certain; what is not
known of a class is taken as the least of all. They are no limits of any single aircraft.
"""

from dataclasses import dataclass, fields
from enum import IntEnum


class FlightClass(IntEnum):
    """What kind of aircraft a flight is, as far as its manoeuvres go."""

    UNKNOWN = 0
    LIGHT = 1
    AIRLINER = 2
    FAST_JET = 3
    HELICOPTER = 4
    GLIDER = 5
    SMALL_DRONE = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """What every aircraft of a class can be relied on to do, not what the best of them can.

    slowest_mps 0: it may stop in the air. response_s: until the new path is flown, beyond the crew's own reaction.
    """

    bank_deg: float
    turn_dps: float
    response_s: float
    slowest_mps: float
    fastest_mps: float
    faster_mps2: float
    climb_mps: float
    descent_mps: float
    ceiling_m: float


# Turns: 3 degrees a second or 25 degrees of bank, whichever is the lesser turn (ICAO Doc 8168, holding). Responses,
# accelerations and the banks of jets, helicopters, gliders and drones are our own careful figures, without a source.
#
# Light: Cessna 172 as published by its maker: climb 721 ft/min at sea level (half of it here), cruise 122 kt at most,
#   stall 47 kt (30 % above it here), 13 500 ft; the descent is the usual 500 ft/min.
# Airliner: J. Sun and others, WRAP, Transportation Research C 98 (2019), A320: the low ends of climb and descent at
#   constant Mach (3.8 and 2.3 m/s), cruise at Mach 0.78 and 117 m/s at least, 11.1 km.
# Fast jet: a Hawk trainer climbs 9000 ft/min at first (well under half of it here); the rest is our own.
# Helicopter: R44 training guide: cruise 90-110 kt; the climb and descent of 500 ft/min and the ceiling are our own.
# Glider: ASK 21: manoeuvring speed 180 km/h, stall 62 km/h (30 % above it here), least sink 0.65 m/s; it cannot climb.
# Small drone: DJI Matrice 30: 23 m/s, 5000 m; DJI's developer kit allows 6 m/s up and down; two thirds or less here.
LIMITS: dict[FlightClass, Limits] = {
    FlightClass.LIGHT: Limits(25.0, 3.0, 5.0, 32.0, 60.0, 0.5, 1.8, 2.5, 4_100.0),
    FlightClass.AIRLINER: Limits(25.0, 3.0, 10.0, 117.0, 230.0, 0.3, 3.8, 2.3, 11_100.0),
    FlightClass.FAST_JET: Limits(45.0, 6.0, 5.0, 120.0, 270.0, 1.0, 20.0, 20.0, 12_000.0),
    FlightClass.HELICOPTER: Limits(20.0, 3.0, 5.0, 0.0, 55.0, 0.5, 2.5, 2.5, 3_000.0),
    FlightClass.GLIDER: Limits(30.0, 6.0, 5.0, 22.0, 50.0, 0.3, 0.0, 0.65, 0.0),
    FlightClass.SMALL_DRONE: Limits(20.0, 20.0, 3.0, 0.0, 15.0, 1.0, 2.0, 2.0, 5_000.0),
}
LIMITS[FlightClass.UNKNOWN] = Limits(
    **{
        name: (max if name in ("response_s", "slowest_mps") else min)(getattr(known, name) for known in LIMITS.values())
        for name in (field.name for field in fields(Limits))
    }
)
