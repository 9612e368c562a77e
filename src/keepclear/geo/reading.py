"""Reading: what a value with a bound says of a limit: met, not met, or undecidable.

Law: met and not met are certain with every error against them; all else is undecidable. NaN decides nothing.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from keepclear.geo.units import BoolArray, FloatArray, IntArray


class Reading(IntEnum):
    """What is read on a report."""

    NOT_MET = -1
    UNDECIDABLE = 0
    MET = 1


def read(met: BoolArray, not_met: BoolArray) -> IntArray:
    """Readings of what is certain: MET, NOT_MET, else UNDECIDABLE."""
    return np.where(met, Reading.MET, np.where(not_met, Reading.NOT_MET, Reading.UNDECIDABLE))


def at_most(value: FloatArray, limit: npt.ArrayLike, error: npt.ArrayLike) -> IntArray:
    """Whether value <= limit, the value being off by error at most; elementwise."""
    limits, errors = np.asarray(limit, dtype=np.float64), np.asarray(error, dtype=np.float64)
    return read(value + errors <= limits, value - errors > limits)


def at_least(value: FloatArray, limit: npt.ArrayLike, error: npt.ArrayLike) -> IntArray:
    """Whether value >= limit, the value being off by error at most; elementwise."""
    return at_most(-value, -np.asarray(limit, dtype=np.float64), error)


def all_of(*readings: IntArray) -> IntArray:
    """MET if all are, NOT_MET if one is, else UNDECIDABLE; elementwise."""
    least: IntArray = np.min(np.stack(readings), axis=0)
    return least
