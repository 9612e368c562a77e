"""Altitude: four references, and how far apart two of them can be.

Law: an altitude without its reference is no altitude. Two of the same reference are compared as they stand. Two of
different references are compared after widening by the bound below, so that "apart" is certain and "meets" is the
widest reading. Height above ground against anything else is undecidable here (no terrain is held): the bound is
infinite and the two always meet. An unknown altitude or limit is NaN or None and meets everything.

The bounds:
- WGS-84 against AMSL: the geoid lies between -107 m and +86 m of the ellipsoid (EGM96, EGM2008); declared 110 m.
- Standard pressure against AMSL: sea-level pressure 940 to 1060 hPa at 8.5 m a hPa is 620 m, and a column 25 K off
  the standard atmosphere is 10 % of the height (4 % for 10 K); solved for the height on the other scale and rounded
  up: 750 m + 12 % of the height. A sea-level pressure below 940 hPa (the eye of a hurricane) is outside it.
- Standard pressure against WGS-84: the two together.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from keepclear.geo.units import FloatArray

GEOID_M = 110.0
PRESSURE_M = 750.0
PRESSURE_SHARE = 0.12
ALTITUDE_EPSILON_M = 1e-6
"""Altitudes that differ by a limit to within a micrometre differ by it exactly: floats of whole centimetres up to
100 km are off by 1e-10 m at most, and the next smaller difference of centimetres is 1 cm."""


class AltRef(IntEnum):
    """What an altitude is measured from."""

    WGS84 = 0
    AMSL = 1
    AGL = 2
    STD = 3


_FIXED_M = np.array(
    [
        [0.0, GEOID_M, np.inf, PRESSURE_M + GEOID_M],
        [GEOID_M, 0.0, np.inf, PRESSURE_M],
        [np.inf, np.inf, 0.0, np.inf],
        [PRESSURE_M + GEOID_M, PRESSURE_M, np.inf, 0.0],
    ]
)
_SHARE = np.zeros((4, 4))
_SHARE[AltRef.STD, [AltRef.WGS84, AltRef.AMSL]] = PRESSURE_SHARE
_SHARE[[AltRef.WGS84, AltRef.AMSL], AltRef.STD] = PRESSURE_SHARE


def reference_bound_m(ref_a: npt.ArrayLike, ref_b: npt.ArrayLike, height_m: npt.ArrayLike) -> FloatArray:
    """How far apart (m) one point can read on two references near height_m: 0 if the same, inf if undecidable.

    References are AltRef codes; all three broadcast; a NaN height gives the fixed part alone.
    """
    a, b = np.asarray(ref_a, dtype=np.intp), np.asarray(ref_b, dtype=np.intp)
    height = np.nan_to_num(np.abs(np.asarray(height_m, dtype=np.float64)), posinf=0.0)
    return np.asarray(_FIXED_M[a, b] + _SHARE[a, b] * height, dtype=np.float64)
