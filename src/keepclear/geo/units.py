"""Units: where people's feet, knots and flight levels become the wire's integers, and back.

Law: lengths are whole centimetres, angles whole 1e-7 degrees, times whole milliseconds. The international foot
is 30.48 cm and the nautical mile 185 200 cm by definition, so a flight level is 3 048 cm, 1000 ft are 30 480 cm
and 5 NM are 926 000 cm exactly; no float touches these. Where a conversion does not come out even, it is rounded
to the nearest, ties to the even number, and the function says so. Whoever needs the careful side of a rounding
adds it himself: a rounding is at most half a unit.
"""

import math
from typing import overload

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

CM_PER_NM = 185_200
CM_PER_FLIGHT_LEVEL = 3_048
E7_PER_DEGREE = 10_000_000
NEVER_MS = 2**53 - 1
"""A time that does not come within the look-ahead: later than every time, and the last number the wire can carry."""


def divide_nearest(numerator: int, denominator: int) -> int:
    """Quotient of two integers rounded to the nearest, ties to even; denominator > 0."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient % 2):
        return quotient + 1
    return quotient


def feet_to_cm(feet: int) -> int:
    """Whole feet in centimetres: exact for multiples of 25 ft (25 ft = 762 cm), else to the nearest."""
    return divide_nearest(feet * 3_048, 100)


def cm_to_feet(cm: int) -> int:
    """Centimetres in feet, to the nearest; `cm_to_feet(feet_to_cm(n)) == n` for every n."""
    return divide_nearest(cm * 100, 3_048)


def flight_level_to_cm(level: int) -> int:
    """Flight level (hundreds of feet on standard pressure) in centimetres, exactly."""
    return level * CM_PER_FLIGHT_LEVEL


def cm_to_flight_level(cm: int) -> int:
    """Centimetres on standard pressure as a flight level, to the nearest."""
    return divide_nearest(cm, CM_PER_FLIGHT_LEVEL)


def nm_to_cm(miles: int) -> int:
    """Whole nautical miles in centimetres, exactly."""
    return miles * CM_PER_NM


def cm_to_nm(cm: float) -> float:
    """Centimetres in nautical miles, a float for display."""
    return cm / CM_PER_NM


@overload
def knots_to_mps(knots: float) -> float: ...
@overload
def knots_to_mps(knots: FloatArray) -> FloatArray: ...
def knots_to_mps(knots: float | FloatArray) -> float | FloatArray:
    """Knots in metres a second (1 kt = 1852 m / 3600 s), elementwise."""
    return knots * 1852 / 3600


@overload
def mps_to_knots(mps: float) -> float: ...
@overload
def mps_to_knots(mps: FloatArray) -> FloatArray: ...
def mps_to_knots(mps: float | FloatArray) -> float | FloatArray:
    """Metres a second in knots, elementwise."""
    return mps * 3600 / 1852


@overload
def fpm_to_mps(feet_a_minute: float) -> float: ...
@overload
def fpm_to_mps(feet_a_minute: FloatArray) -> FloatArray: ...
def fpm_to_mps(feet_a_minute: float | FloatArray) -> float | FloatArray:
    """Feet a minute in metres a second (1 ft/min = 0.3048 m / 60 s), elementwise."""
    return feet_a_minute * 0.3048 / 60


@overload
def mps_to_fpm(mps: float) -> float: ...
@overload
def mps_to_fpm(mps: FloatArray) -> FloatArray: ...
def mps_to_fpm(mps: float | FloatArray) -> float | FloatArray:
    """Metres a second in feet a minute, elementwise."""
    return mps * 60 / 0.3048


def degrees_to_e7(degrees: float) -> int:
    """Degrees in whole 1e-7 degrees (1.1 cm on the ground), to the nearest, ties to even.

    Raises ValueError for NaN and infinity: what is unknown is None on the wire, never a number.
    """
    if not math.isfinite(degrees):
        raise ValueError(f"{degrees} degrees is not a place; an unknown angle is None, not a number")
    return round(degrees * E7_PER_DEGREE)


@overload
def e7_to_degrees(e7: int) -> float: ...
@overload
def e7_to_degrees(e7: IntArray) -> FloatArray: ...
def e7_to_degrees(e7: int | IntArray) -> float | FloatArray:
    """Whole 1e-7 degrees in degrees, the nearest float, elementwise; `degrees_to_e7` undoes it exactly."""
    return e7 / E7_PER_DEGREE
