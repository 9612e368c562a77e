"""Standing: volumes that stand while others come and go, made ready to be asked which of them a new one meets.

Law: a value; adding and removing give another and leave the old one as it was. Each volume has a key, a whole number
of the caller's. An answer is that of `overlap.overlaps` on those that stand.

Theory: the volumes lie in blocks, each with an index of its own. What is added makes a new block, and a block that is
more than a sixteenth of the one before it is made one with that: 100 000 volumes are at most five blocks, and each is
made anew some sixty times while they come one by one. What is removed is marked so until half its block is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from keepclear.geo.areas import Areas, together
from keepclear.geo.kernel import LOADED, Kernel, OverlapIndex
from keepclear.geo.overlap import Overlaps, areas_of, index_of
from keepclear.geo.units import BoolArray, IntArray
from keepclear.geo.volume import Volume
from keepclear.geo.volumes import Volumes

_SHARE = 16


@dataclass(frozen=True, slots=True)
class _Block:
    """Areas in the order of their keys, with their index; those removed are not alive."""

    key: IntArray
    alive: BoolArray
    areas: Areas
    index: OverlapIndex

    @classmethod
    def of(cls, key: IntArray, areas: Areas, kernel: Kernel | None) -> Self:
        order = np.argsort(key, kind="stable")
        areas = areas.take(order)
        return cls(key[order], np.ones(len(key), dtype=bool), areas, index_of(areas, kernel))

    def without(self, keys: IntArray, kernel: Kernel | None) -> "_Block":
        place = np.searchsorted(self.key, keys)
        place = place[place < len(self.key)]
        place = place[np.isin(self.key[place], keys)]
        if not self.alive[place].any():
            return self
        alive = self.alive.copy()
        alive[place] = False
        block = replace(self, alive=alive)
        return block if 2 * np.count_nonzero(alive) >= len(alive) else _Block.of(*block.living(), kernel)

    def living(self) -> tuple[IntArray, Areas]:
        if self.alive.all():
            return self.key, self.areas
        return self.key[self.alive], self.areas.take(np.nonzero(self.alive)[0])

    def with_more(self, key: IntArray, areas: Areas, kernel: Kernel | None) -> "_Block":
        own, own_areas = self.living()
        return _Block.of(np.concatenate([own, key]), together([own_areas, areas]), kernel)


@dataclass(frozen=True, slots=True)
class Standing:
    """Volumes by key, in blocks; `of` builds it."""

    blocks: tuple[_Block, ...]
    kernel: Kernel | None

    @classmethod
    def of(
        cls,
        volumes: Sequence[Volume] | Volumes,
        keys: npt.ArrayLike | None = None,
        kernel: Kernel | None = LOADED,
    ) -> Self:
        """Volumes and their keys, one each and all different; without keys, their places 0, 1, 2 ..."""
        return cls((), kernel).adding(np.arange(len(volumes)) if keys is None else keys, volumes)

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(block.alive)) for block in self.blocks)

    def adding(self, keys: npt.ArrayLike, volumes: Sequence[Volume] | Volumes) -> Self:
        """With volumes added, each in place of the one with its key; ValueError if keys and volumes do not match."""
        key = np.asarray(keys, dtype=np.int64).reshape(-1)
        if len(key) != len(volumes) or len(np.unique(key)) != len(key):
            raise ValueError(
                f"{len(volumes)} volumes were given with {len(np.unique(key))} different keys; give each its own"
            )
        if not len(key):
            return self
        older, areas = list(self.without(key).blocks), areas_of(volumes)
        block = _Block.of(key, areas, self.kernel)
        while older and len(block.key) * _SHARE > len(older[-1].key):
            block = older.pop().with_more(*block.living(), self.kernel)
        return replace(self, blocks=(*older, block))

    def without(self, keys: npt.ArrayLike) -> Self:
        """Without the volumes of keys; a key that does not stand is no error."""
        key = np.asarray(keys, dtype=np.int64).reshape(-1)
        blocks = (block.without(key, self.kernel) for block in self.blocks)
        return replace(self, blocks=tuple(block for block in blocks if len(block.key)))


def against(standing: Standing, volumes: Volume | Sequence[Volume] | Volumes) -> Overlaps:
    """Which of the standing volumes a new one meets, or each of several: i is the key, j the place in those given."""
    asked = index_of(areas_of([volumes] if isinstance(volumes, Volume) else volumes), standing.kernel)
    none = np.zeros(0, dtype=np.int64)
    found = [(none, none, none > 0)]
    for block in standing.blocks:
        i, j, undecidable = block.index.pairs_with(asked)
        alive = block.alive[i]
        found.append((block.key[i[alive]], j[alive], undecidable[alive]))
    key, place, undecidable = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((place, key))
    return Overlaps(key[order], place[order], undecidable[order])
