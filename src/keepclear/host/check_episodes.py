"""Episodes: the findings of one pair in picture after picture, as one line for people.

Law: findings of a pair that are at most GAP_MS apart are one episode, so that a pair which blinks does not look like
two. Memory is bounded: beyond MAX_KEPT finished episodes only their number is kept, and that is told.
"""

from dataclasses import dataclass, field
from typing import Final

GAP_MS: Final = 60_000
MAX_KEPT: Final = 10_000
PRUNED_EVERY: Final = 256


@dataclass(slots=True)
class Episode:
    """One pair from its first finding to its last; times in epoch ms.

    begin_ms is when the loss or the stay begins, as foretold at first; on_ms when it was first seen to be on (None:
    never). least_h_m and least_v_ft are the least of those foretold, None if not known.
    """

    pair: tuple[str, str]
    first_ms: int
    last_ms: int
    begin_ms: int | None
    on_ms: int | None = None
    pictures: int = 0
    least_h_m: float | None = None
    least_v_ft: float | None = None
    places: list[tuple[float, float]] = field(default_factory=list)


class Episodes:
    """Takes findings by time, gives back episodes."""

    def __init__(self) -> None:
        self.kept: list[Episode] = []
        self.uncounted = 0
        self._open: dict[tuple[str, str], Episode] = {}
        self._pictures = 0

    def __len__(self) -> int:
        return len(self.kept) + self.uncounted + len(self._open)

    @property
    def open(self) -> int:
        """How many may still go on."""
        return len(self._open)

    def enter(
        self,
        pair: tuple[str, str],
        at_ms: int,
        begin_ms: int | None,
        h_m: float | None = None,
        v_ft: float | None = None,
    ) -> Episode:
        """Takes a finding in; the episode it belongs to."""
        episode = self._open.get(pair)
        if episode is None or at_ms - episode.last_ms > GAP_MS:
            if episode is not None:
                self._keep(episode)
            episode = self._open[pair] = Episode(pair, at_ms, at_ms, begin_ms, least_h_m=h_m, least_v_ft=v_ft)
        if episode.last_ms != at_ms or not episode.pictures:
            episode.pictures += 1
        episode.last_ms = at_ms
        if begin_ms is not None and begin_ms <= at_ms and episode.on_ms is None:
            episode.on_ms = at_ms
        episode.least_h_m = _least(episode.least_h_m, h_m)
        episode.least_v_ft = _least(episode.least_v_ft, v_ft)
        return episode

    def picture(self, at_ms: int) -> None:
        """Says that a picture has been looked at; what has long been silent is laid aside now and then."""
        self._pictures += 1
        if self._pictures % PRUNED_EVERY == 0:
            for pair in [pair for pair, episode in self._open.items() if at_ms - episode.last_ms > GAP_MS]:
                self._keep(self._open.pop(pair))

    def all(self) -> list[Episode]:
        """The episodes kept, by the time of their first finding."""
        return sorted([*self.kept, *self._open.values()], key=lambda episode: (episode.first_ms, episode.pair))

    def _keep(self, episode: Episode) -> None:
        if len(self.kept) < MAX_KEPT:
            self.kept.append(episode)
        else:
            self.uncounted += 1


def _least(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return min(known) if known else None
