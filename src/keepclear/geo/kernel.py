"""Kernel: the compiled twin of some functions of this room, where it is installed.

Law: whoever has a twin takes `kernel: Kernel | None = LOADED` as its last parameter and answers the same with it and
without it (None: numpy); the tests ask both. Arrays go in as they lie in one piece, columns come out.
`make kernel` builds and installs it; its source is the folder `kernel` of the repository.
"""

from typing import Protocol, Self

from keepclear.geo.units import BoolArray, FloatArray, IntArray


class OverlapIndex(Protocol):
    """Areas made ready to be asked: which of them meet one another, and which meet those of another index."""

    def pairs(self) -> tuple[IntArray, IntArray, BoolArray]:
        """All i < j that meet, in order, and whether each pair is undecidable."""

    def pairs_with(self, others: Self) -> tuple[IntArray, IntArray, BoolArray]:
        """All i of these and j of the others that meet, in order, and whether each pair is undecidable."""


class Kernel(Protocol):
    """What the compiled module offers; each function says its columns in kernel/src."""

    def direct(
        self, lat_deg: FloatArray, lon_deg: FloatArray, azimuth_deg: FloatArray, distance_m: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`geodesy.direct` for columns."""

    def conflicts(
        self, tracks: object, horizontal_m: float, vertical_m: float, look_ahead_ms: int, now_ms: int
    ) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
        """The columns of `conflict.conflicts` but h_err_m for a `Tracks`, read by the names of its."""

    def encounters(
        self, tracks: object, volumes: object, now_ms: int, look_ahead_ms: int
    ) -> tuple[IntArray, IntArray, BoolArray, IntArray, IntArray, IntArray, IntArray, FloatArray]:
        """The columns of `encounter.encounters` for a `Tracks` and a `Volumes`, read by the names of theirs."""

    def overlap_index(self, areas: object) -> OverlapIndex:
        """What `overlap.PlainIndex.of` makes of `Areas`, read by the names of its columns."""


def _loaded() -> Kernel | None:
    try:
        import keepclear_kernel  # noqa: PLC0415  it need not be there
    except ImportError:
        return None
    kernel: Kernel = keepclear_kernel
    return kernel


LOADED = _loaded()
