"""Read-back: showing that what was sent is what was understood, in end time, upper limit and area.

The law: end time and upper limit are entered again by hand; the area is picked among three that look alike, drawn or
read out, each with its check word. All follows from the statement's bytes alone, so both ends see the same three in
the same places. A matching read-back shows understanding, nothing else: no duty and no agreement follows from it.
"""

import hashlib
from typing import Final

import msgspec

from keepclear.accord import canonical, fixed, shape
from keepclear.accord.outcome import Outcome
from keepclear.accord.shape import UNLIMITED, AreaKind, Volume
from keepclear.accord.statement import Acknowledgement, CeaseNow, Distress, Hazard, Notice, Step
from keepclear.accord.times import zulu
from keepclear.accord.words import WORDS

AREA_DOMAIN: Final = b"keepclear/area/1\x00"
FOOT_CM: Final = 31  # a limit shown in feet and entered again may be off by one
LEAST_SHIFT_E7: Final = 1_000_000  # about 11 km: a decoy that nobody takes for the same place
MOST_LAT_E7: Final = 850_000_000

Readable = Notice | Hazard | CeaseNow | Distress


class Choice(msgspec.Struct, frozen=True):
    """One of the areas to pick from: what to draw, and the check word that the acknowledgement carries for it."""

    word: str
    volumes: tuple[Volume, ...]


class ReadBack(msgspec.Struct, frozen=True):
    """How a read-back compares: MET if all agrees, NOT_MET if anything differs, UNDECIDABLE if something is missing."""

    outcome: Outcome
    reasons: tuple[str, ...]


def area_word(volumes: tuple[Volume, ...]) -> str:
    """The check word of an area: one byte of the hash of its volumes. Two areas share a word by chance 1 in 256."""
    return WORDS[_digest(volumes)[0]]


def expected(body: Readable) -> tuple[int | None, int | None, str | None]:
    """What a right read-back says: end time, highest upper limit in cm, check word; None for what was not stated."""
    end_ms = body.end_ms if isinstance(body, Notice) else None
    limits = [volume.upper for volume in body.volumes]
    upper_cm = max((limit.cm for limit in limits if limit), default=None) if all(limits) else None
    return end_ms, upper_cm, area_word(body.volumes) if shape.is_known(body.volumes) else None


def readback_choices(body: Readable) -> tuple[Choice, ...]:
    """Three areas to pick from, the right one among two decoys of its shape nearby; none for an area of no use.

    Their places and the decoys follow from the area's hash: the same at every node, not the same for every area.
    An area as wide as the earth leaves room for fewer decoys.
    """
    if not body.volumes or any(fixed.extent(volume.area) is None for volume in body.volumes):
        return ()
    seed = _digest(body.volumes)
    choices = [Choice(area_word(body.volumes), body.volumes)]
    for steps_lon, steps_lat in ((1, 0), (0, 1), (-1, 0), (0, -1), (2, 0), (-2, 0), (3, 0), (-3, 0)):
        decoy = _shifted(body.volumes, steps_lon * (1 - 2 * (seed[1] & 1)), steps_lat * (1 - 2 * (seed[1] >> 1 & 1)))
        if decoy is not None and area_word(decoy) not in {choice.word for choice in choices}:
            choices.append(Choice(area_word(decoy), decoy))
        if len(choices) == 3:
            break
    place = seed[2] % len(choices)
    return tuple(choices[place:] + choices[:place])


def readback_matches(ack: Acknowledgement, body: Readable) -> ReadBack:
    """Whether a read-back says what the statement said, with a reason for each value that differs or is missing."""
    end_ms, upper_cm, word = expected(body)
    differs: list[str] = []
    missing: list[str] = [] if ack.step == Step.READ_BACK else ["it is no read-back"]
    _compare("end time", ack.end_ms == end_ms, _time(ack.end_ms), _time(end_ms), differs, missing)
    same = upper_cm == ack.upper_cm or (
        upper_cm is not None and ack.upper_cm is not None and abs(upper_cm - ack.upper_cm) < FOOT_CM
    )
    _compare("upper limit", same, _height(ack.upper_cm), _height(upper_cm), differs, missing)
    _compare("area", ack.area == word, ack.area, word, differs, missing)
    if differs:
        return ReadBack(Outcome.NOT_MET, tuple(differs + missing))
    return ReadBack(Outcome.UNDECIDABLE if missing else Outcome.MET, tuple(missing))


def _compare(what: str, same: bool, read: str | None, said: str | None, differs: list[str], missing: list[str]) -> None:
    """A value that was said and not read back is missing; one read back that was never said differs."""
    if same and said is None:
        missing.append(f"the {what} was not stated")
    elif not same and read is None:
        missing.append(f"the {what} {said} was not read back")
    elif not same:
        differs.append(f"the {what} was read back as {read}, said was {said or 'none'}")


def _digest(volumes: tuple[Volume, ...]) -> bytes:
    return hashlib.sha256(AREA_DOMAIN + canonical.encode([volume.area for volume in volumes])).digest()


def _shifted(volumes: tuple[Volume, ...], steps_lon: int, steps_lat: int) -> tuple[Volume, ...] | None:
    """The same shapes moved by steps of their own size; None if that leaves the map."""
    points = [point for volume in volumes for point in shape.points(volume.area)]
    high, low = max(lat for _, lat in points), min(lat for _, lat in points)
    radii = [volume.area[3] for volume in volumes if volume.area[0] == AreaKind.CIRCLE]
    step = max(high - low, max(radii, default=0), LEAST_SHIFT_E7)  # 1 cm is about 1e-7 degree
    if not -MOST_LAT_E7 <= low + steps_lat * step <= high + steps_lat * step <= MOST_LAT_E7:
        return None
    return tuple(
        msgspec.structs.replace(volume, area=_moved(volume.area, steps_lon * step, steps_lat * step))
        for volume in volumes
    )


def _moved(area: tuple[int, ...], lon_e7: int, lat_e7: int) -> tuple[int, ...]:
    points = [
        ((lon + lon_e7 + fixed.CIRCLE_E7 // 2) % fixed.CIRCLE_E7 - fixed.CIRCLE_E7 // 2, lat + lat_e7)
        for lon, lat in shape.points(area)
    ]
    if area[0] == AreaKind.CIRCLE:
        return shape.circle(*points[0], area[3])
    if area[0] == AreaKind.CORRIDOR:
        return shape.corridor(points, area[1])
    return shape.polygon(points)


def _time(ms: int | None) -> str | None:
    return None if ms is None else zulu(ms)


def _height(cm: int | None) -> str | None:
    if cm is None:
        return None
    return "unlimited" if cm == UNLIMITED.cm else f"{cm // 100} m"
