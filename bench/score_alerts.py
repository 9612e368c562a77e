"""The engine on a recording, and what its alerts were worth.

The law: the engine sees pictures in order and nothing else. What it finds is kept once for the longest look-ahead; a
shorter one is the part of it that begins sooner, so that all settings are scored on the same findings. An alert warned
of a loss if it stood when the loss began; its lead is from its raising. A loss of a pair that had not been in sight
together for a minute could not be warned of a minute before, and is told apart. An alert without a loss is valid if
later pictures, flown straight on, still led to one within a minute, so that somebody must have acted; else it was a
nuisance.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median
from time import perf_counter
from typing import Final

from bench.score_losses import Loss, Pair, Separation, predicted
from bench.score_pictures import STEP_MS, Picture
from keepclear.geo.alert import Alerts, Episode, Found, Hysteresis, Limits, findings_of, flicker, graded
from keepclear.geo.conflict import conflicts
from keepclear.geo.kernel import LOADED, Kernel

MINUTE_MS: Final = 60_000
LONGEST_MS: Final = 300_000

Findings = Mapping[Pair, Found]


@dataclass(frozen=True)
class Setting:
    """How the alerts are made."""

    look_ahead_ms: int
    rule: Hysteresis


@dataclass(frozen=True)
class Seen:
    """What one picture holds: how far off the loss of each pair is, by the limits and by wider ones."""

    now_ms: int
    near: Mapping[Pair, int]
    wide: Mapping[Pair, int]

    def findings(self, setting: Setting) -> dict[Pair, Found]:
        """What a look-ahead finds: by the limits themselves it raises, by the wider ones it holds."""
        held = setting.look_ahead_ms + setting.rule.longer_ms
        found = {pair: Found(to_ms, raises=False) for pair, to_ms in self.wide.items() if to_ms < held}
        raising = {pair: Found(to_ms) for pair, to_ms in self.near.items() if to_ms < setting.look_ahead_ms}
        return found | raising


def look(pictures: Iterable[Picture], kept: Separation, wider: float) -> list[Seen]:
    """What the engine finds in each picture."""
    found = []
    for picture in pictures:
        near = _to_losses(picture, kept, 1.0, LONGEST_MS)
        found.append(Seen(picture.now_ms, near, _to_losses(picture, kept, wider, 2 * LONGEST_MS)))
    return found


def _to_losses(picture: Picture, kept: Separation, wider: float, ahead_ms: int) -> dict[Pair, int]:
    if len(picture.flight) < 2:
        return {}
    found = conflicts(picture.tracks, kept.horizontal_m * wider, kept.vertical_m * wider, ahead_ms, picture.now_ms)
    one, other = picture.flight[found.i].tolist(), picture.flight[found.j].tolist()
    return dict(zip(zip(one, other, strict=True), (found.t_in_ms - picture.now_ms).tolist(), strict=True))


def episodes(seen: Sequence[Seen], setting: Setting) -> list[Episode[Pair]]:
    """Every alert of a recording, by the time it was raised."""
    alerts: Alerts[Pair] = Alerts()
    ended = []
    for one in seen:
        alerts, over = alerts.step(one.now_ms, one.findings(setting), setting.rule)
        ended.append(over)
    return _by_time(chain(*ended, alerts.end()))


def _by_time(found: Iterable[Episode[Pair]]) -> list[Episode[Pair]]:
    return sorted(found, key=lambda episode: (episode.raised_ms, episode.key))


@dataclass(frozen=True)
class Score:
    """What the alerts of one setting were worth.

    lead_ms: of each loss that could be warned of a minute before, how long before; below 0: only while it was on, None:
    never. surprises: losses of pairs in sight together for less than a minute; surprises_warned: how many of those were
    warned of at all.
    foreseen: losses that the brute-force predictor flags on the picture 60 s before; late_foreseen: those of them not
    warned of 60 s before.
    """

    lead_ms: Sequence[int | None]
    surprises: int
    surprises_warned: int
    foreseen: int
    late_foreseen: Sequence[Loss]
    alerts: int
    with_loss: int
    valid: int
    nuisance: int
    flicker: float
    flight_hours: float

    def warned(self, at_least_ms: int) -> int:
        """Losses warned of so long before."""
        return sum(lead is not None and lead >= at_least_ms for lead in self.lead_ms)

    @property
    def missed(self) -> int:
        """Losses that no alert stood for when they began, nor was raised by that picture."""
        return len(self.lead_ms) - self.warned(0)

    @property
    def never(self) -> int:
        """Losses that no alert was raised for at all."""
        return sum(lead is None for lead in self.lead_ms)

    @property
    def median_ms(self) -> float:
        """The median lead, what was missed counted as none."""
        return median(max(lead or 0, 0) for lead in self.lead_ms) if self.lead_ms else float("nan")


def score(found: Sequence[Episode[Pair]], lost: Sequence[Loss], flagged: frozenset[Loss], flight_hours: float) -> Score:
    """The worth of alerts, given the losses and which of them could be foreseen a minute before."""
    of_pair: defaultdict[Pair, list[Episode[Pair]]] = defaultdict(list)
    for episode in found:
        of_pair[episode.key].append(episode)
    lead = {loss: _lead_ms(of_pair[loss.pair], loss) for loss in lost}
    in_sight = [loss for loss in lost if loss.begin_ms - loss.seen_ms >= MINUTE_MS]
    surprises = [loss for loss in lost if loss.begin_ms - loss.seen_ms < MINUTE_MS]
    losing = {(pair, raised) for pair, raised in _with_loss(of_pair, lost)}
    other = [episode for episode in found if (episode.key, episode.raised_ms) not in losing]
    return Score(
        lead_ms=[lead[loss] for loss in in_sight],
        surprises=len(surprises),
        surprises_warned=sum(lead_ms is not None and lead_ms >= 0 for lead_ms in map(lead.get, surprises)),
        foreseen=len(flagged),
        late_foreseen=sorted((x for x in flagged if (lead[x] or 0) < MINUTE_MS), key=lambda x: (x.begin_ms, x.pair)),
        alerts=len(found),
        with_loss=len(losing),
        valid=sum(episode.valid for episode in other),
        nuisance=sum(not episode.valid for episode in other),
        flicker=flicker(found),
        flight_hours=flight_hours,
    )


def _lead_ms(episodes_of_pair: Sequence[Episode[Pair]], loss: Loss) -> int | None:
    """How long before a loss the first alert was raised that stood when it began, or came while it was on."""
    about = [e.raised_ms for e in episodes_of_pair if e.raised_ms <= loss.end_ms and loss.begin_ms < _end_ms(e)]
    return loss.begin_ms - min(about) if about else None


def _end_ms(episode: Episode[Pair]) -> float:
    return float("inf") if episode.cleared_ms is None else episode.cleared_ms


def _with_loss(of_pair: Mapping[Pair, list[Episode[Pair]]], lost: Iterable[Loss]) -> Iterable[tuple[Pair, int]]:
    for loss in lost:
        for episode in of_pair[loss.pair]:
            if episode.raised_ms <= loss.end_ms and loss.begin_ms < _end_ms(episode):
                yield episode.key, episode.raised_ms


def foreseen(lost: Iterable[Loss], pictures: Mapping[int, Picture], kept: Separation, ahead_ms: int) -> frozenset[Loss]:
    """The losses that the brute-force predictor flags, within a look-ahead, on the picture 60 s before."""
    before = ((loss, pictures.get((loss.begin_ms - MINUTE_MS) // STEP_MS * STEP_MS)) for loss in lost)
    return frozenset(
        loss for loss, picture in before if picture is not None and predicted(picture, loss.pair, kept, ahead_ms)
    )


@dataclass(frozen=True)
class Pace:
    """The whole recording through the engine as it runs: what each picture cost, and the alerts it gave."""

    picture_ms: Sequence[float]
    recorded_ms: int
    episodes: Sequence[Episode[Pair]]

    @property
    def times_real(self) -> float:
        """How much faster than the traffic flew."""
        return self.recorded_ms / sum(self.picture_ms)


def run(
    pictures: Sequence[Picture],
    names: Sequence[str],
    kept: Separation,
    setting: Setting,
    kernel: Kernel | None = LOADED,
) -> Pace:
    """Every picture through detection and the life of alerts, timed: from tracks to what is shown."""
    limits = Limits(kept.horizontal_m, kept.vertical_m, setting.look_ahead_ms)
    number = {name: at for at, name in enumerate(names)}
    alerts: Alerts[tuple[str, str]] = Alerts()
    ended, times = [], []
    for picture in pictures:
        of = [names[flight] for flight in picture.flight.tolist()]
        began = perf_counter()
        found, held = graded(picture.tracks, picture.now_ms, limits, setting.rule, kernel)
        alerts, over = alerts.step(picture.now_ms, findings_of(of, picture.now_ms, found, held), setting.rule)
        times.append(1000 * (perf_counter() - began))
        ended.append(over)
    by_number = [
        Episode((min(a, b), max(a, b)), episode.raised_ms, episode.cleared_ms, episode.least_ms, episode.later_ms)
        for episode in chain(*ended, alerts.end())
        for a, b in [(number[episode.key[0]], number[episode.key[1]])]
    ]
    return Pace(times, pictures[-1].now_ms - pictures[0].now_ms + STEP_MS, _by_time(by_number))
