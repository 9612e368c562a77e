"""Held: the volumes of the matters in force, as the worker keeps them from one picture to the next.

The law: what is kept is named by the bytes it was made of, so that whoever starts anew comes to the same. A notice of
unknown area is read as widely as the understanding reaches, else as everywhere. A hazard keeps to no understanding, and
a faulty shape says nothing of where: both are everywhere. Nothing ends by itself: a window that is over lasts until its
author says ENDED.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec
import numpy as np

from keepclear.accord import geometry
from keepclear.accord.shape import UNKNOWN_VOLUME, AreaKind, Volume
from keepclear.geo.units import NEVER_MS, BoolArray, IntArray
from keepclear.geo.volumes import Volumes
from keepclear.node.snapshot import Matters, Watched

_KEPT_SHAPES = 1 << 15  # more than are in force at once, so that one new matter costs one shape


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Volumes, one an element: whose it is (an index of `watched`), and whether it stands for an area not known.

    err_cm: the largest error that any volume declares for its points. over_ms: when windows end, in order.
    """

    watched: tuple[Watched, ...]
    owner: IntArray
    unknown: BoolArray
    volumes: Volumes
    err_cm: int
    over_ms: IntArray

    def over(self, now_ms: int) -> int:
        """How many windows are over: what two times have in common for which the volumes are the same."""
        return int(np.searchsorted(self.over_ms, now_ms, side="right"))

    def at(self, now_ms: int) -> Volumes:
        """The volumes as they are at a time."""
        return _at(self, self.over(now_ms))


@lru_cache(maxsize=2)
def held(matters: bytes) -> Held:
    """All volumes of a snapshot's matters as geo takes them."""
    said = msgspec.msgpack.decode(matters, type=Matters)
    volumes, owner, unknown = [], [], []
    for number, watched in enumerate(said.watched):
        begun = watched.active and watched.agreed  # ACTIVATED, whenever it was announced for
        for volume, lost in _readings(said, watched):
            volumes.append(geometry.to_geo(volume, None if begun else watched.start_ms, watched.end_ms))
            owner.append(number)
            unknown.append(lost)
    made = Volumes.of(volumes)
    errors = [volume.pos_err_cm for watched in said.watched for volume in watched.volumes]
    err_cm = max(map(abs, (*errors, *(volume.pos_err_cm for volume in said.areas))), default=0)
    ends = np.sort(made.end_ms[made.end_ms < NEVER_MS])
    return Held(said.watched, np.array(owner, dtype=np.int64), np.array(unknown, dtype=bool), made, err_cm, ends)


@lru_cache(maxsize=2)
def _at(kept: Held, over: int) -> Volumes:
    if not over:
        return kept.volumes
    ends = kept.volumes.end_ms
    return replace(kept.volumes, end_ms=np.where(ends <= kept.over_ms[over - 1], NEVER_MS, ends))


def _readings(said: Matters, watched: Watched) -> Iterator[tuple[Volume, bool]]:
    """What a matter's volumes are read as, each with whether it stands for an area that is not known."""
    for volume in watched.volumes or (UNKNOWN_VOLUME,):
        unsaid = volume.area[:1] in ((), (AreaKind.UNKNOWN,))
        if not unsaid and not _is_faulty(volume):
            yield volume, False
            continue
        agreed = unsaid and watched.agreed and not any(_is_faulty(area) for area in said.areas)
        yield from [(area, True) for area in said.areas if agreed] or [(UNKNOWN_VOLUME, True)]


@lru_cache(maxsize=_KEPT_SHAPES)
def _is_faulty(volume: Volume) -> bool:
    return any(fault.widens == "area" for fault in geometry.geometry_faults((volume,)))
