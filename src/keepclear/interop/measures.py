"""People's units to the wire's integers.

The law: to the nearest integer, half to even, so that multiples of 25 ft (762 cm), as transponders report them, are
exact. Unlike geo.units these take what people write, fractions too, and give the integers of a Position. Latitude and
longitude are geo.units' business. The caller has checked the range: a number that is not finite never comes here.
"""


def cm_from_ft(feet: float) -> int:
    """Feet to centimetres."""
    return round(feet * 30.48)


def cm_from_m(metres: float) -> int:
    """Metres to centimetres."""
    return round(metres * 100)


def cmps_from_kt(knots: float) -> int:
    """Knots to centimetres a second; 1 kt is 1852 m an hour."""
    return round(knots * 463 / 9)


def cmps_from_kmh(kilometres_an_hour: float) -> int:
    """Kilometres an hour to centimetres a second."""
    return round(kilometres_an_hour * 250 / 9)


def cmps_from_fpm(feet_a_minute: float) -> int:
    """Feet a minute to centimetres a second."""
    return round(feet_a_minute * 0.508)


def cmps_from_mps(metres_a_second: float) -> int:
    """Metres a second to centimetres a second."""
    return round(metres_a_second * 100)


def cdeg(degrees: float) -> int:
    """A direction in degrees to centidegrees, 0 to 35 999: 360 is 0."""
    return round(degrees * 100) % 36_000
