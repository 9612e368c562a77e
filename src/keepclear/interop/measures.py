"""People's units to the wire's integers.

The law: a whole number of feet is exact (1 ft is 30.48 cm, so 1000 ft is 30 480 cm); everything else is the nearest
integer, half to even. The caller has checked the range: a number that is not finite never comes here.
"""


def e7(degrees: float) -> int:
    """Degrees to 1e-7 degree (11 mm on the ground)."""
    return round(degrees * 10_000_000)


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
