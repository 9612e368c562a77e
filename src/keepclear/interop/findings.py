"""Findings of a check: what is written for each loss of separation, each way into a volume, each two volumes that meet.

Law: ids are text, as they were given; of a pair the one that sorts first is `a`. `at` is the time of the picture
(RFC 3339, Zulu); other times are seconds from it, lengths metres, heights feet, each named with its unit; what is not
known or does not come within the look-ahead is None.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from keepclear.accord.times import zulu
from keepclear.geo.conflict import Conflicts
from keepclear.geo.encounter import Encounters
from keepclear.geo.overlap import Overlaps
from keepclear.geo.units import NEVER_MS, IntArray
from keepclear.interop.geojson import NamedVolumes

_METRES_PER_FOOT = 0.3048


class Loss(msgspec.Struct, frozen=True, gc=False):
    """Two tracks that come too near each other. The loss begins at t_in_s (0: it is on) and ends at t_out_s."""

    at: str
    a: str
    b: str
    t_in_s: float
    t_out_s: float | None
    t_cpa_s: float
    h_min_m: float
    v_min_ft: float | None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A track that is inside a volume from t_enter_s (0: it is inside) to t_clear_s."""

    at: str
    track: str
    volume: str
    t_enter_s: float | None
    t_clear_s: float | None


class Meeting(msgspec.Struct, frozen=True, gc=False):
    """Two volumes that meet."""

    a: str
    b: str


def instant(at_ms: int) -> str:
    """RFC 3339 in Zulu, with thousandths if there are any."""
    return zulu(at_ms).replace(" ", "T")


def losses(at_ms: int, names: Sequence[str], found: Conflicts) -> list[Loss]:
    """The losses found in one picture, one for each two names: of a name at two places the one that begins first."""
    at = instant(at_ms)
    columns = (found.i, found.j, found.t_in_ms, found.t_out_ms, found.t_cpa_ms, found.h_min_m, found.v_min_m)
    result: dict[tuple[str, str], Loss] = {}
    for i, j, in_ms, out_ms, cpa_ms, h_m, v_m in zip(*(column.tolist() for column in columns), strict=True):
        a, b = sorted((names[i], names[j]))
        in_s, cpa_s = (in_ms - at_ms) / 1000, (cpa_ms - at_ms) / 1000
        if a != b and ((a, b) not in result or in_s < result[a, b].t_in_s):
            v_ft = None if v_m != v_m else round(v_m / _METRES_PER_FOOT, 3)  # noqa: PLR0124 - NaN is not known
            result[a, b] = Loss(at, a, b, in_s, _after(out_ms, at_ms), cpa_s, round(h_m, 3), v_ft)
    return list(result.values())


def entries(
    at_ms: int, names: Sequence[str], volumes: Sequence[str], owner: IntArray, found: Encounters
) -> list[Entry]:
    """The ways into volumes found in one picture; of two parts of one volume, each."""
    at = instant(at_ms)
    columns = (found.track, owner[found.volume], found.enter_ms, found.clear_ms)
    return [
        Entry(at, names[track], volumes[volume], _after(enter_ms, at_ms), _after(clear_ms, at_ms))
        for track, volume, enter_ms, clear_ms in zip(*(column.tolist() for column in columns), strict=True)
    ]


def meetings(named: NamedVolumes, found: Overlaps) -> dict[Meeting, bool]:
    """The volumes that meet, each two once, in the sequence of the file; and whether only perhaps (Overlaps)."""
    owner = np.array(named.owner, dtype=np.int64)
    one, two = owner[found.i], owner[found.j]
    apart = np.nonzero(one != two)[0]
    first, second = np.minimum(one, two)[apart], np.maximum(one, two)[apart]
    result: dict[tuple[int, int], bool] = {}
    for place in np.lexsort((second, first)):
        pair = int(first[place]), int(second[place])
        result[pair] = result.get(pair, True) and bool(found.undecidable[apart[place]])
    return {Meeting(named.names[a], named.names[b]): perhaps for (a, b), perhaps in result.items()}


def _after(time_ms: int, at_ms: int) -> float | None:
    return None if time_ms == NEVER_MS else (time_ms - at_ms) / 1000
