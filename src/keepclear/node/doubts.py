"""What is doubted of own tracks: each report held against the ones before it, in whole numbers first.

The law: a doubt is said beside a track and never drops it, nor what is advised by it. A track whose place has leapt is
reckoned with at both places, the one it left and the one it says, until the doubt has passed. The exact verdict is
geo/hygiene.py's; here only those reports are picked that may fail it, so that ten thousand in a second cost little.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from keepclear.accord.statement import Precedence
from keepclear.geo import hygiene
from keepclear.geo.hygiene import Doubt
from keepclear.interop.position import Position
from keepclear.node.core import Core
from keepclear.node.snapshot import row, tracks
from keepclear.node.state import Doubted

DOUBT_MS: Final = 60_000  # without another fault a track is believed again: what stays wrong shows again within it
MAX_NAMED: Final = 5  # doubted flights named one by one for one batch
LEAPS: Final = Doubt.SPEED | Doubt.TWO_PLACES
_BASE_MS: Final = int(1_000 * hygiene.BASE_S)
_AHEAD: Final = hygiene.AHEAD_MS
_SLOW_CMPS: Final = int(100 * hygiene.SLOW_MPS)
_HIGH_CM: Final = int(100 * hygiene.HIGH_M)
_TAXI_CMPS: Final = int(100 * hygiene.TAXI_MPS)
# A metre is 89.8 units of 1e-7 degree at least, of both coordinates together, so this is less than MAX_SPEED_MPS.
_UNITS_PER_MS: Final = int(hygiene.MAX_SPEED_MPS * 89 / 1_000)
_CMPS_PER_MS: Final = int(hygiene.MAX_ACCELERATION_MPS2 * 100 / 1_000)

Suspect = tuple[Position, Position, Doubt]


def suspect(core: Core, known: Position, position: Position) -> Iterator[Suspect]:
    """What of a new report is to be looked at exactly: (the report before it, itself, which doubts)."""
    bases = core.state.advice.bases
    base = bases.get(position.flight, known)
    same = position.lat_e7 == base.lat_e7 and position.lon_e7 == base.lon_e7
    if position.at_ms - base.at_ms >= _BASE_MS:
        yield base, position, Doubt.FROZEN if same else Doubt.VELOCITY
    if position.at_ms - base.at_ms >= _BASE_MS and not same:
        bases[position.flight] = position
    elif position.flight not in bases:
        bases[position.flight] = known
    resting = known.lat_e7 == base.lat_e7 and known.lon_e7 == base.lon_e7
    before = base if resting else known  # a place that is repeated is as old as its first report
    held_ms = position.at_ms - before.at_ms + 1_000
    way = abs(position.lat_e7 - before.lat_e7) + abs(position.lon_e7 - before.lon_e7)
    if way > _UNITS_PER_MS * held_ms:
        yield before, position, LEAPS
    if _is_uneven(known, position):
        yield known, position, Doubt.ACCELERATION | Doubt.CLIMB | Doubt.HEIGHT


def _is_uneven(known: Position, position: Position) -> bool:
    """Whether speed or height may have changed by more than they can, or than the vertical rates say."""
    gap_ms = position.at_ms - known.at_ms
    one, other = known.speed_cmps, position.speed_cmps
    if one is not None and other is not None and abs(other - one) > _CMPS_PER_MS * (gap_ms + 1_000):
        return True
    if known.alt_cm is None or position.alt_cm is None:
        return False
    climbed = abs(position.alt_cm - known.alt_cm)
    error = known.alt_err_cm + position.alt_err_cm
    rates = (known.climb_cmps or 0) + (position.climb_cmps or 0)
    return climbed > error and abs(position.alt_cm - known.alt_cm - rates * gap_ms // 2_000) > error


def of_itself(core: Core, p: Position) -> int:
    """The doubts that a report bears alone."""
    found = 0
    if p.speed_cmps is not None:
        if p.speed_cmps < _SLOW_CMPS and p.alt_cm is not None and p.alt_cm > _HIGH_CM:
            found |= Doubt.SLOW
        if p.on_ground and p.speed_cmps > _TAXI_CMPS:
            found |= Doubt.GROUND
    if p.at_ms > core.wall_ms + _AHEAD:
        found |= Doubt.TIME_AHEAD
    return int(found)


def judge(core: Core, suspects: list[Suspect], found: dict[str, int]) -> None:
    """Holds suspects to the exact verdict, adds it to what was `found` by flight, and says what is new."""
    before: dict[str, Position] = {}
    if suspects:
        earlier = tracks(b"".join([row(one) for one, _, _ in suspects]))
        later = tracks(b"".join([row(other) for _, other, _ in suspects]))
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
    at = tracks(b"".join([row(p) for p in leapt]))
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


def readings(core: Core) -> Iterator[Position]:
    """Every own position, and of a flight whose place has leapt the one that it leapt from; doubts grow old."""
    own, limit_ms = core.state.advice, core.state.settings.track_lost_ms
    for flight, doubted in list(own.doubts.items()):
        if core.wall_ms - doubted.found_ms >= DOUBT_MS:
            del own.doubts[flight]
    yield from own.positions.values()
    for flight, doubted in own.doubts.items():
        before = doubted.before
        if before is not None and flight in own.positions and core.wall_ms - before.at_ms <= limit_ms:
            yield before


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
