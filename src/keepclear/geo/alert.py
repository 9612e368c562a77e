"""Alert: the life of a warning about two tracks, or a track and a volume, from picture to picture.

Law: raised at once, by the first picture that finds it; a debounce of the onset may be asked for and then touches only
what is farther off than URGENT_MS. What stands is held by wider limits than those that raise, and clears when not even
they have found it for a while. A finding that is dropped and comes back after that is another episode, and episodes are
counted: an alert that flickers is one that nobody believes. Whole milliseconds in and out; a value is stepped into
another value, so that it may be kept in a journal.

The defaults were chosen on the recorded day over Switzerland (6 120 pictures, each 10 s, 5 NM and 1000 ft less 10 ft,
120 s ahead; 462 pairs alerted), in episodes a pair:

    held for              0 s    10 s    20 s    30 s    60 s
    the same limits      1.78    1.54    1.33    1.22    1.06
    limits times 1.1     1.13    1.04    1.00    1.00    1.00
    limits times 1.2     1.03    1.00    1.00    1.00    1.00

A longer look-ahead for what stands made no difference to pairs (0 to 2 episodes of 822); it is for volumes, half an
hour ahead, where 1 % of speed is 18 s.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

import numpy as np

from keepclear.geo.conflict import FIVE_NM_M, THOUSAND_FT_M, Conflicts, conflicts
from keepclear.geo.kernel import LOADED, Kernel
from keepclear.geo.track import Tracks

URGENT_MS: Final = 60_000
"""A loss no farther off than this is warned of by the first picture that finds it, whatever debounce is asked for."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """How long and by how much wider limits an alert that stands is held; how long a distant onset is waited for."""

    hold_ms: int = 15_000
    wider: float = 1.1
    longer_ms: int = 30_000
    confirm_ms: int = 0


USUAL: Final = Hysteresis()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a loss of separation is, and how far ahead it is looked for."""

    horizontal_m: float = FIVE_NM_M
    vertical_m: float = THOUSAND_FT_M
    look_ahead_ms: int = 120_000

    def wider(self, by: Hysteresis) -> "Limits":
        """The limits that hold an alert that stands."""
        return Limits(self.horizontal_m * by.wider, self.vertical_m * by.wider, self.look_ahead_ms + by.longer_ms)


@dataclass(frozen=True, slots=True)
class Found:
    """What a picture says of one pair: the loss begins in to_loss_ms (0: it is on); by limits that raise, or hold."""

    to_loss_ms: int
    raises: bool = True


@dataclass(frozen=True, slots=True)
class Life:
    """An alert that stands, or waits to be confirmed (raised_ms None).

    seen_ms: the first picture that found it. found_ms: the newest. least_ms: the least time to a loss found by limits
    that raise. later_ms: the same in pictures after the first one. Times in epoch ms, the least ones from the picture.
    """

    seen_ms: int
    raised_ms: int | None
    found_ms: int
    least_ms: int
    later_ms: int | None = None

    @classmethod
    def begin(cls, now_ms: int, found: Found, rule: Hysteresis = USUAL) -> "Life | None":
        """The life of what one picture is the first to find; None if it was found by holding limits alone."""
        if not found.raises:
            return None
        at_once = found.to_loss_ms <= URGENT_MS or rule.confirm_ms <= 0
        return cls(now_ms, now_ms if at_once else None, now_ms, found.to_loss_ms)

    def step(self, now_ms: int, found: Found | None, rule: Hysteresis = USUAL) -> "Life | None":
        """The life after one more picture; None when it is over. One that was never raised ends when not found."""
        if found is None or (self.raised_ms is None and not found.raises):
            over = self.raised_ms is None or now_ms - self.found_ms >= rule.hold_ms
            return None if over else self
        if not found.raises:
            return replace(self, found_ms=now_ms)
        later_ms = found.to_loss_ms if self.later_ms is None else min(self.later_ms, found.to_loss_ms)
        urgent = found.to_loss_ms <= URGENT_MS or now_ms - self.seen_ms >= rule.confirm_ms
        raised_ms = now_ms if self.raised_ms is None and urgent else self.raised_ms
        return Life(self.seen_ms, raised_ms, now_ms, min(self.least_ms, found.to_loss_ms), later_ms)


@dataclass(frozen=True)
class Episode(Generic[K]):
    """An alert from its raising to its clearing (None: it still stood at the end).

    lost: the loss came. valid: the loss came, or later pictures, flown on in straight lines, still led to it with
    URGENT_MS or less to go, so that somebody had to act. What is not valid went away of itself: a nuisance.
    """

    key: K
    raised_ms: int
    cleared_ms: int | None
    least_ms: int
    later_ms: int | None

    @property
    def lost(self) -> bool:
        """Whether the loss was on in any picture."""
        return self.least_ms <= 0

    @property
    def valid(self) -> bool:
        """Whether it was worth the officer's time."""
        return self.lost or (self.later_ms is not None and self.later_ms <= URGENT_MS)


@dataclass(frozen=True)
class Alerts(Generic[K]):
    """All alerts of one picture, those that wait to be confirmed among them."""

    lives: Mapping[K, Life] = field(default_factory=dict)

    @property
    def standing(self) -> dict[K, Life]:
        """Those that have been raised."""
        return {key: life for key, life in self.lives.items() if life.raised_ms is not None}

    def step(
        self, now_ms: int, findings: Mapping[K, Found], rule: Hysteresis = USUAL
    ) -> "tuple[Alerts[K], tuple[Episode[K], ...]]":
        """The alerts after one more picture, and the episodes that ended with it."""
        lives: dict[K, Life] = {}
        ended = []
        for key, life in self.lives.items():
            following = life.step(now_ms, findings.get(key), rule)
            if following is not None:
                lives[key] = following
            elif life.raised_ms is not None:
                ended.append(_episode(key, life, now_ms))
        for key, found in findings.items():
            if key not in self.lives and (life_ := Life.begin(now_ms, found, rule)) is not None:
                lives[key] = life_
        return Alerts(lives), tuple(ended)

    def end(self) -> tuple[Episode[K], ...]:
        """The episodes that stand when there are no more pictures."""
        return tuple(_episode(key, life, None) for key, life in self.standing.items())


def _episode(key: K, life: Life, cleared_ms: int | None) -> Episode[K]:
    assert life.raised_ms is not None
    return Episode(key, life.raised_ms, cleared_ms, life.least_ms, life.later_ms)


def flicker(episodes: Iterable[Episode[K]]) -> float:
    """Episodes a pair: 1.0 when each pair was raised once; NaN without episodes."""
    keys = [episode.key for episode in episodes]
    return len(keys) / len(set(keys)) if keys else float("nan")


def graded(
    tracks: Tracks, now_ms: int, limits: Limits, rule: Hysteresis = USUAL, kernel: Kernel | None = LOADED
) -> tuple[Conflicts, Conflicts]:
    """The conflicts that raise an alert, and those that only hold one: found by the wider limits alone.

    The limits themselves are asked only of the tracks that the wider ones have found, which costs next to nothing.
    """
    wide = limits.wider(rule)
    held = conflicts(tracks, wide.horizontal_m, wide.vertical_m, wide.look_ahead_ms, now_ms, kernel)
    some = np.unique(np.concatenate([held.i, held.j]))
    few = tracks.take(some)
    found = conflicts(few, limits.horizontal_m, limits.vertical_m, limits.look_ahead_ms, now_ms, kernel)
    found = replace(found, i=some[found.i], j=some[found.j])
    alone = ~np.isin(held.i * len(tracks) + held.j, found.i * len(tracks) + found.j)
    return found, Conflicts(**{name: getattr(held, name)[alone] for name in Conflicts.__slots__})


def findings_of(names: Sequence[str], now_ms: int, found: Conflicts, held: Conflicts) -> dict[tuple[str, str], Found]:
    """What `graded` found, by the names of the two tracks, sorted; two tracks of one name are no pair."""
    findings: dict[tuple[str, str], Found] = {}
    for rows, raises in ((held, False), (found, True)):
        for i, j, t_in_ms in zip(rows.i.tolist(), rows.j.tolist(), rows.t_in_ms.tolist(), strict=True):
            one, other = sorted((names[i], names[j]))
            known = findings.get((one, other))
            to_loss_ms = max(0, t_in_ms - now_ms)
            if one != other and (known is None or not known.raises or to_loss_ms < known.to_loss_ms):
                findings[one, other] = Found(to_loss_ms, raises)
    return findings
