"""What is doubted of own tracks: each report held against the ones before it, in whole numbers first.

The law: a doubt is said beside a track and never drops it, nor what is advised by it. A track whose place has leapt is
reckoned with at both places, the one it left and the one it says, until the doubt has passed. The exact verdict is
geo/hygiene.py's; here only those reports are picked that may fail it, so that ten thousand in a second cost little.
"""

from collections.abc import Sequence
from itertools import compress
from typing import Final, NamedTuple

import numpy as np

from keepclear.accord.statement import Precedence
from keepclear.geo import hygiene
from keepclear.geo.hygiene import Doubt
from keepclear.geo.units import BoolArray, IntArray
from keepclear.node.core import Core
from keepclear.node.rows import ALT, ALT_ERR, AT, CLIMB, LAT, LON, NOT_KNOWN, SPEED, tracks_of, view
from keepclear.node.state import Doubted

DOUBT_MS: Final = 60_000  # without another fault a track is believed again: what stays wrong shows again within it
MAX_NAMED: Final = 5  # doubted flights named one by one for one batch
LEAPS: Final = Doubt.SPEED | Doubt.TWO_PLACES
_UNEVEN: Final = Doubt.ACCELERATION | Doubt.CLIMB | Doubt.HEIGHT
_BASE_MS: Final = int(1_000 * hygiene.BASE_S)
_LONGEST_MS: Final = 10**12  # so that no product is too large
# A metre is 89.8 units of 1e-7 degree at least, of both coordinates together, so this is less than MAX_SPEED_MPS.
_UNITS_PER_MS: Final = int(hygiene.MAX_SPEED_MPS * 89 / 1_000)
_CMPS_PER_MS: Final = int(hygiene.MAX_ACCELERATION_MPS2 * 100 / 1_000)


class Suspects(NamedTuple):
    """Reports to be looked at exactly: whose (rows of the fleet), the report before it, itself, which doubts."""

    at: IntArray
    before: IntArray
    after: IntArray
    only: IntArray


def suspects(core: Core, at: IntArray, after: IntArray) -> Suspects:
    """What of new reports (n, 12), of as many flights that are held (their rows), may be doubted, report by report."""
    fleet = core.state.advice.fleet
    before, based = fleet.reports()[at], fleet.bases()[at]
    known, base, new = before.T, based.T, after.T
    same = (new[LAT] == base[LAT]) & (new[LON] == base[LON])
    old = new[AT] - base[AT] >= _BASE_MS
    moved = old & ~same  # the base is the first report, and then the first that is old enough and elsewhere
    fleet.bases()[at[moved]] = after[moved]
    resting = (known[LAT] == base[LAT]) & (known[LON] == base[LON])
    at_ms = np.where(resting, base[AT], known[AT])  # a place that is repeated is as old as its first report
    way = np.abs(new[LAT] - known[LAT]) + np.abs(new[LON] - known[LON])
    far = way > _UNITS_PER_MS * (new[AT] - at_ms + 1_000)
    uneven = _is_uneven(known, new)
    which = [np.nonzero(one)[0] for one in (old, far, uneven)]
    earlier = [based[which[0]], np.where(resting[:, None], based, before)[which[1]], before[which[2]]]
    aged = np.where(same, int(Doubt.FROZEN), int(Doubt.VELOCITY))[which[0]]
    only = [aged, *(np.full(len(k), int(doubt)) for k, doubt in zip(which[1:], (LEAPS, _UNEVEN), strict=True))]
    report = np.concatenate(which)
    rank = np.argsort(report, kind="stable")
    report = report[rank]
    return Suspects(at[report], np.concatenate(earlier)[rank], after[report], np.concatenate(only)[rank])


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


def judge(core: Core, suspects: Sequence[Suspects], found: dict[str, int]) -> None:
    """Holds suspects to the exact verdict, adds it to what was `found` by flight, and says what is new."""
    flights = list(core.state.advice.fleet.places)
    before: dict[str, bytes] = {}
    for some in suspects:
        doubts = hygiene.between(tracks_of(some.before), tracks_of(some.after)) & some.only
        for k in np.nonzero(doubts)[0].tolist():
            flight = flights[some.at[k]]
            found[flight] = found.get(flight, 0) | int(doubts[k])
            if doubts[k] & LEAPS:
                before[flight] = some.before[k].tobytes()
    if before:
        _at_one_point(core, found)
    if found:
        _take(core, found, before)


def _at_one_point(core: Core, found: dict[str, int]) -> None:
    """Flights that have leapt to one point."""
    own = core.state.advice
    doubted = {flight: each.doubts for flight, each in own.doubts.items() if flight in own.fleet} | found
    names = [flight for flight, doubts in doubted.items() if doubts & LEAPS]
    at = tracks_of(own.fleet.reports()[own.fleet.find(names)])
    doubts = hygiene.among(at, names, [own.fleet.source(flight) for flight in names], [int(LEAPS)] * len(names))
    for k in np.nonzero(doubts & int(Doubt.ONE_POINT))[0].tolist():
        found[names[k]] = found.get(names[k], 0) | int(Doubt.ONE_POINT)


def _take(core: Core, found: dict[str, int], before: dict[str, bytes]) -> None:
    own, news = core.state.advice, {}
    for flight, doubts in found.items():
        known = own.doubts.get(flight)
        if known is None:
            known = own.doubts[flight] = Doubted(0, core.wall_ms, core.wall_ms)
        if doubts & ~known.doubts:
            news[flight] = doubts & ~known.doubts
        known.doubts, known.found_ms = known.doubts | doubts, core.wall_ms
        known.before = known.before or before.get(flight, b"")
    for flight in list(news)[:MAX_NAMED]:
        text = f"the track of {flight} from {own.fleet.source(flight)!r} is doubted: {_said(news[flight])}"
        core.show("doubt", text, precedence=Precedence.PRIORITY, facts=(flight, news[flight]))
    if len(news) > MAX_NAMED:
        text = f"and {len(news) - MAX_NAMED} more tracks are doubted"
        core.show("doubt", text, precedence=Precedence.PRIORITY, facts=("", len(news)))


def other_readings(core: Core) -> tuple[list[str], IntArray]:
    """The flights whose place has leapt, and the reports (n, 12) that they leapt from; doubts grow old."""
    own, limit_ms = core.state.advice, core.state.settings.track_lost_ms
    for flight, doubted in list(own.doubts.items()):
        if core.wall_ms - doubted.found_ms >= DOUBT_MS:
            del own.doubts[flight]
    before = {flight: doubted.before for flight, doubted in own.doubts.items() if doubted.before}
    flights = [flight for flight in before if flight in own.fleet]
    table = view(b"".join([before[flight] for flight in flights]))
    known = core.wall_ms - table[:, AT] <= limit_ms
    return list(compress(flights, known)), table[known]


def doubt_words(core: Core, *flights: str) -> str:
    """What an advisory says of the tracks it rests on: "; position of RFR714 doubted: impossible speed"."""
    own = core.state.advice
    said = [f"; track of {f} doubted: {_said(own.doubts[f].doubts)}" for f in flights if f in own.doubts]
    addresses = {own.fleet.address(f) for f in flights if f in own.fleet}
    if len(flights) > 1 and len(addresses) == 1 and addresses != {""}:
        said.append(f"; both have the address {addresses.pop()}: they may be one aircraft")
    return "".join(said)


def _said(doubts: int) -> str:
    return ", ".join(hygiene.words(doubts))
