"""Track: where aircraft were reported, and where they are if they go on as they did.

Law: an aircraft keeps its ground speed along the geodesic it is on, and its vertical rate; nothing guesses a turn.
NaN is "not known": an unknown altitude meets every band, an unknown vertical rate is level flight, an unknown speed
or course stands still (whoever sends such a track widens its position error). A track without a position is no
track and takes part in nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from keepclear.geo.altitude import AltRef
from keepclear.geo.geodesy import Line
from keepclear.geo.motion import Legs
from keepclear.geo.units import E7_PER_DEGREE, BoolArray, FloatArray, IntArray

FRESH_MS = 15_000
"""A report this old is still as good as its stated error (a long-range radar turns in 12 s); an older one loses its
ground speed in metres for every second beyond, since nothing has shown that the aircraft kept its course."""

IntOrNone = int | None


@dataclass(frozen=True, slots=True)
class Tracks:
    """Position reports, one an element; all arrays have one length. `of` and `from_wire` build it."""

    lat_deg: FloatArray
    lon_deg: FloatArray
    alt_m: FloatArray
    alt_ref: IntArray
    alt_err_m: FloatArray
    pos_err_m: FloatArray
    ground_speed_mps: FloatArray
    track_deg: FloatArray
    vertical_rate_mps: FloatArray
    at_ms: IntArray

    def __len__(self) -> int:
        return len(self.lat_deg)

    @classmethod
    def of(
        cls,
        *,
        lat_deg: npt.ArrayLike,
        lon_deg: npt.ArrayLike,
        alt_m: npt.ArrayLike = np.nan,
        ground_speed_mps: npt.ArrayLike = 0.0,
        track_deg: npt.ArrayLike = 0.0,
        vertical_rate_mps: npt.ArrayLike = 0.0,
        at_ms: npt.ArrayLike = 0,
        alt_ref: npt.ArrayLike = AltRef.STD,
        alt_err_m: npt.ArrayLike = 0.0,
        pos_err_m: npt.ArrayLike = 0.0,
    ) -> Self:
        """Tracks from anything that broadcasts to one dimension."""
        floats = (lat_deg, lon_deg, alt_m, alt_err_m, pos_err_m, ground_speed_mps, track_deg, vertical_rate_mps)
        values = [np.asarray(value, dtype=np.float64) for value in floats]
        values += [np.asarray(alt_ref, dtype=np.int64), np.asarray(at_ms, dtype=np.int64)]
        shaped = [np.array(value) for value in np.broadcast_arrays(np.empty(1), *values)[1:]]
        lat, lon, alt, alt_err, pos_err, speed, course, rate, ref, at = shaped
        return cls(lat, lon, alt, ref, alt_err, pos_err, speed, course, rate, at)

    @classmethod
    def from_wire(
        cls,
        *,
        lat_e7: Sequence[int],
        lon_e7: Sequence[int],
        alt_cm: Sequence[IntOrNone],
        alt_ref: Sequence[int],
        alt_err_cm: Sequence[IntOrNone],
        pos_err_cm: Sequence[IntOrNone],
        ground_speed_cmps: Sequence[IntOrNone],
        track_e7: Sequence[IntOrNone],
        vertical_rate_cmps: Sequence[IntOrNone],
        at_ms: Sequence[int],
    ) -> Self:
        """Tracks from the wire's integers, one list a column; None is "not known", an unknown error counts as 0."""
        return cls(
            lat_deg=np.array(lat_e7, dtype=np.float64) / E7_PER_DEGREE,
            lon_deg=np.array(lon_e7, dtype=np.float64) / E7_PER_DEGREE,
            alt_m=_hundredths(alt_cm),
            alt_ref=np.array(alt_ref, dtype=np.int64),
            alt_err_m=np.nan_to_num(_hundredths(alt_err_cm)),
            pos_err_m=np.nan_to_num(_hundredths(pos_err_cm)),
            ground_speed_mps=_hundredths(ground_speed_cmps),
            track_deg=np.array(track_e7, dtype=np.float64) / E7_PER_DEGREE,
            vertical_rate_mps=_hundredths(vertical_rate_cmps),
            at_ms=np.array(at_ms, dtype=np.int64),
        )

    @property
    def placed(self) -> BoolArray:
        """Which have a position."""
        return np.isfinite(self.lon_deg) & (np.abs(self.lat_deg) <= 90)

    def take(self, index: npt.ArrayLike) -> Self:
        """The tracks at an index array or mask, in its order."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def _hundredths(values: Sequence[IntOrNone]) -> FloatArray:
    return np.array(values, dtype=np.float64) / 100


def position_error_m(tracks: Tracks, now_ms: int) -> FloatArray:
    """How far each aircraft may be from where `advance` puts it: its stated error, and the loss of age (FRESH_MS)."""
    stale_s = np.maximum(now_ms - tracks.at_ms - FRESH_MS, 0) / 1000
    return tracks.pos_err_m + stale_s * _moving(tracks)


def advance(tracks: Tracks, to_ms: int) -> Tracks:
    """The same tracks at to_ms: moved along their geodesics, their course and altitude as they are there.

    The stated errors stay as they were; `position_error_m` has what age adds.
    """
    ahead_s = (to_ms - tracks.at_ms) / 1000
    lat, lon, course = _line(tracks).position(_moving(tracks) * ahead_s)
    return replace(
        tracks,
        lat_deg=lat,
        lon_deg=lon,
        alt_m=tracks.alt_m + _or_zero(tracks.vertical_rate_mps) * ahead_s,
        track_deg=np.mod(course, 360),
        at_ms=np.full(len(tracks), to_ms, dtype=np.int64),
    )


def legs_of(tracks: Tracks, now_ms: int, look_ahead_ms: int) -> Legs:
    """The legs of all tracks that have a position, in [now, now + look-ahead) or 1 ms at least; each its own owner."""
    placed = np.nonzero(tracks.placed)[0]
    tracks = tracks.take(placed)
    age_s = (now_ms - tracks.at_ms) / 1000
    rate = _or_zero(tracks.vertical_rate_mps)
    return Legs(
        owner=placed,
        track=placed,
        begin_ms=np.full(len(tracks), now_ms, dtype=np.int64),
        length_s=np.full(len(tracks), max(look_ahead_ms, 1) / 1000),
        line=_line(tracks),
        lead_m=_moving(tracks) * age_s,
        speed_mps=_moving(tracks),
        alt_m=tracks.alt_m + rate * age_s,
        rate_mps=rate,
        alt_ref=tracks.alt_ref,
        # An error that is not known counts as 0, as on the wire; it hides no track.
        alt_err_m=np.nan_to_num(tracks.alt_err_m),
        pos_err_m=np.nan_to_num(position_error_m(tracks, now_ms)),
        slack_ms=np.zeros(len(tracks), dtype=np.int64),
    )


def _moving(tracks: Tracks) -> FloatArray:
    return np.where(np.isfinite(tracks.track_deg), _or_zero(tracks.ground_speed_mps), 0.0)


def _or_zero(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, 0.0)


def _line(tracks: Tracks) -> Line:
    return Line.of(tracks.lat_deg, tracks.lon_deg, _or_zero(tracks.track_deg))
