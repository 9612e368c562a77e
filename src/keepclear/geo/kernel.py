"""Kernel: the compiled twin of some functions of this room, where it is installed.

Law: whoever has a twin takes `kernel: Kernel | None = LOADED` as its last parameter and answers the same with it and
without it (None: numpy); the tests ask both. Arrays go in as they lie in one piece, columns come out.
`make kernel` builds and installs it; its source is the folder `kernel` of the repository.
"""

from typing import Protocol

from keepclear.geo.units import FloatArray


class Kernel(Protocol):
    """What the compiled module offers; each function says its columns in kernel/src."""

    def direct(
        self, lat_deg: FloatArray, lon_deg: FloatArray, azimuth_deg: FloatArray, distance_m: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`geodesy.direct` for columns."""


def _loaded() -> Kernel | None:
    try:
        import keepclear_kernel  # noqa: PLC0415  it need not be there
    except ImportError:
        return None
    kernel: Kernel = keepclear_kernel
    return kernel


LOADED = _loaded()
