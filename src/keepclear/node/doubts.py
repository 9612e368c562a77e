"""What is doubted of own tracks: each report held against the ones before it, in whole numbers first.

The law: a doubt is said beside a track and never drops it, nor what is advised by it. A track whose place has leapt is
reckoned with at both places, the one it left and the one it says, until the doubt has passed. The exact verdict is
geo/hygiene.py's; here only those reports are picked that may fail it, so that ten thousand in a second cost little.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from keepclear.accord.statement import Precedence
from keepclear.geo import hygiene
from keepclear.geo.hygiene import Doubt
from keepclear.geo.units import BoolArray, IntArray
from keepclear.interop.position import Position
from keepclear.node.core import Core
from keepclear.node.rows import ALT, ALT_ERR, AT, CLIMB, LAT, LON, NOT_KNOWN, SPEED, table_of, tracks_of
from keepclear.node.state import Doubted

DOUBT_MS: Final = 60_000  # without another fault a track is believed again: what stays wrong shows again within it
MAX_NAMED: Final = 5  # doubted flights named one by one for one batch
LEAPS: Final = Doubt.SPEED | Doubt.TWO_PLACES
_BASE_MS: Final = int(1_000 * hygiene.BASE_S)
_LONGEST_MS: Final = 10**12  # so that no product is too large
# A metre is 89.8 units of 1e-7 degree at least, of both coordinates together, so this is less than MAX_SPEED_MPS.
_UNITS_PER_MS: Final = int(hygiene.MAX_SPEED_MPS * 89 / 1_000)
_CMPS_PER_MS: Final = int(hygiene.MAX_ACCELERATION_MPS2 * 100 / 1_000)

Suspect = tuple[Position, Position, Doubt]


def suspects(
    core: Core, before: Sequence[Position], after: Sequence[Position], known: IntArray, new: IntArray
) -> list[Suspect]:
    """What of new reports is to be looked at exactly: (the report before it, itself, which doubts), report by report.

    `before` and `after` are reports of as many flights, `known` and `new` their columns.
    """
    bases = core.state.advice.bases
    base_of = [bases.get(p.flight, one) for p, one in zip(after, before, strict=True)]
    base = core.picture.bases.of(base_of).T
    same = (new[LAT] == base[LAT]) & (new[LON] == base[LON])
    old = new[AT] - base[AT] >= _BASE_MS
    _keep_bases(bases, before, after, old & ~same)
    resting = (known[LAT] == base[LAT]) & (known[LON] == base[LON])
    at_ms = np.where(resting, base[AT], known[AT])  # a place that is repeated is as old as its first report
    way = np.abs(new[LAT] - known[LAT]) + np.abs(new[LON] - known[LON])
    far = way > _UNITS_PER_MS * (new[AT] - at_ms + 1_000)
    uneven = _is_uneven(known, new)
    found: list[Suspect] = []
    for k in np.nonzero(old | far | uneven)[0].tolist():
        if old[k]:
            found.append((base_of[k], after[k], Doubt.FROZEN if same[k] else Doubt.VELOCITY))
        if far[k]:
            found.append((base_of[k] if resting[k] else before[k], after[k], LEAPS))
        if uneven[k]:
            found.append((before[k], after[k], Doubt.ACCELERATION | Doubt.CLIMB | Doubt.HEIGHT))
    return found


def _keep_bases(
    bases: dict[str, Position], before: Sequence[Position], after: Sequence[Position], moved: BoolArray
) -> None:
    """Each flight's base is its first report, and then the first that is old enough and elsewhere."""
    for one, p in zip(before, after, strict=True):
        bases.setdefault(p.flight, one)
    bases |= {after[k].flight: after[k] for k in np.nonzero(moved)[0].tolist()}


def _is_uneven(known: IntArray, new: IntArray) -> BoolArray:
    """Whether speed or height may have changed by more than they can, or than the vertical rates say."""
    gap_ms = np.minimum(new[AT] - known[AT], _LONGEST_MS)
    known_speeds = (known[SPEED] != NOT_KNOWN) & (new[SPEED] != NOT_KNOWN)
    jumps = known_speeds & (np.abs(new[SPEED] - known[SPEED]) > _CMPS_PER_MS * (gap_ms + 1_000))
    known_heights = (known[ALT] != NOT_KNOWN) & (new[ALT] != NOT_KNOWN)
    climbed = np.where(known_heights, new[ALT] - known[ALT], 0)
    error = known[ALT_ERR] + new[ALT_ERR]
    rates = sum(np.where(one[CLIMB] == NOT_KNOWN, 0, one[CLIMB]) for one in (known, new))
    uneven: BoolArray = jumps | ((np.abs(climbed) > error) & (np.abs(climbed - rates * gap_ms // 2_000) > error))
    return uneven


def judge(core: Core, suspects: list[Suspect], found: dict[str, int]) -> None:
    """Holds suspects to the exact verdict, adds it to what was `found` by flight, and says what is new."""
    before: dict[str, Position] = {}
    if suspects:
        earlier = tracks_of(table_of([one for one, _, _ in suspects]))
        later = tracks_of(table_of([other for _, other, _ in suspects]))
        for (one, other, only), doubts in zip(suspects, hygiene.between(earlier, later).tolist(), strict=True):
            if doubts & only:
                found[other.flight] = found.get(other.flight, 0) | doubts & int(only)
            if doubts & only & LEAPS:
                before[other.flight] = one
    if before:
        _at_one_point(core, found)
    _take(core, found, before)


def _at_one_point(core: Core, found: dict[str, int]) -> None:
    """Flights that have leapt to one point."""
    own = core.state.advice
    doubted = {flight: each.doubts for flight, each in own.doubts.items() if flight in own.positions} | found
    leapt = [own.positions[flight] for flight, doubts in doubted.items() if doubts & LEAPS]
    names = [p.flight for p in leapt]
    at = tracks_of(table_of(leapt))
    doubts = hygiene.among(at, names, [p.source for p in leapt], [int(LEAPS)] * len(leapt))
    for k in np.nonzero(doubts & int(Doubt.ONE_POINT))[0].tolist():
        found[names[k]] = found.get(names[k], 0) | int(Doubt.ONE_POINT)


def _take(core: Core, found: dict[str, int], before: dict[str, Position]) -> None:
    own, news = core.state.advice, {}
    for flight, doubts in found.items():
        known = own.doubts.get(flight)
        if known is None:
            known = own.doubts[flight] = Doubted(0, core.wall_ms, core.wall_ms)
        if doubts & ~known.doubts:
            news[flight] = doubts & ~known.doubts
        known.doubts, known.found_ms = known.doubts | doubts, core.wall_ms
        known.before = known.before or before.get(flight)
    for flight in list(news)[:MAX_NAMED]:
        text = f"the track of {flight} from {own.positions[flight].source!r} is doubted: {_said(news[flight])}"
        core.show("doubt", text, precedence=Precedence.PRIORITY, facts=(flight, news[flight]))
    if len(news) > MAX_NAMED:
        text = f"and {len(news) - MAX_NAMED} more tracks are doubted"
        core.show("doubt", text, precedence=Precedence.PRIORITY, facts=("", len(news)))


def other_readings(core: Core) -> list[Position]:
    """Of each flight whose place has leapt the position that it leapt from; doubts grow old."""
    own, limit_ms = core.state.advice, core.state.settings.track_lost_ms
    for flight, doubted in list(own.doubts.items()):
        if core.wall_ms - doubted.found_ms >= DOUBT_MS:
            del own.doubts[flight]
    before = [doubted.before for flight, doubted in own.doubts.items() if flight in own.positions]
    return [one for one in before if one is not None and core.wall_ms - one.at_ms <= limit_ms]


def doubt_words(core: Core, *flights: str) -> str:
    """What an advisory says of the tracks it rests on: "; position of RFR714 doubted: impossible speed"."""
    own = core.state.advice
    said = [f"; track of {f} doubted: {_said(own.doubts[f].doubts)}" for f in flights if f in own.doubts]
    addresses = {own.positions[f].icao24 for f in flights if f in own.positions}
    if len(flights) > 1 and len(addresses) == 1 and addresses != {""}:
        said.append(f"; both have the address {addresses.pop()}: they may be one aircraft")
    return "".join(said)


def _said(doubts: int) -> str:
    return ", ".join(hygiene.words(doubts))
