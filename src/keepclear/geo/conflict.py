"""Conflict: when two tracks are too near each other.

Law: a loss of separation is nearer than H and nearer than V at one instant, strictly.
"""

from dataclasses import dataclass

from keepclear.geo.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Losses of separation, one a pair of tracks i < j; times in epoch ms.

    t_in_ms, t_out_ms: the loss begins and ends (t_in is now if it is on, t_out the end of the look-ahead if it lasts).
    t_cpa_ms: the least horizontal distance within the loss, h_min_m; v_min_m: the least vertical distance within it,
    NaN if an altitude is not known. h_err_m: both position errors together. v_bound_m: the widening of the vertical
    minimum because of different altitude references (inf: undecidable).
    """

    i: IntArray
    j: IntArray
    t_in_ms: IntArray
    t_out_ms: IntArray
    t_cpa_ms: IntArray
    h_min_m: FloatArray
    v_min_m: FloatArray
    h_err_m: FloatArray
    v_bound_m: FloatArray

    def __len__(self) -> int:
        return len(self.i)
