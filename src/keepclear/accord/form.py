"""Form: what an author may put on the wire, judged before anything is written or signed.

The law: refused is only what cannot be represented or would not arrive: numbers out of range, text too long for its
precedence, a reference that the kind cannot do without. Each refusal says what to do instead. A notice that is late,
vague or incomplete is no concern of this file: it goes out. The line's mode makes no difference to any rule here.
"""

import unicodedata
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from keepclear.accord import attached, canonical, geometry, shape, statement, understanding
from keepclear.accord.figures import BIDI
from keepclear.accord.outcome import Flaw, Refused
from keepclear.accord.shape import Altitude, AltRef, AreaKind, Volume
from keepclear.accord.statement import (
    Acknowledgement,
    Activity,
    Answer,
    Body,
    CeaseNow,
    Channel,
    ChannelState,
    Clarify,
    Distress,
    Doubt,
    Hazard,
    HazardKind,
    HazardSource,
    Kind,
    LineReply,
    LineTest,
    Notice,
    Precedence,
    Step,
    Understanding,
)
from keepclear.accord.times import EARLIEST_MS, LATEST_MS, zulu

MAX_FLASH_BODY_BYTES: Final = 336  # a NOTICE of 8 corners, full text and contact is 335; more fits no datagram
MAX_ALTITUDE_CM: Final = 10_000_000  # 100 km
MIN_ALTITUDE_CM: Final = -100_000  # below every shore
MAX_ERROR_CM: Final = 20_000_000  # 200 km: whoever knows less should say that the area is unknown
MAX_RADIUS_CM: Final = 500_000_000  # 5 000 km
MAX_ABOARD: Final = 10_000
MAX_AREA_WORD_BYTES: Final = 16
HASH_BYTES: Final = 32


class Links(NamedTuple):
    """What the header of a kind that people say must and may cite: whether it replaces an entry, and how many refs."""

    replaces: bool | None  # None: it may
    fewest: int
    most: int


LINKS: Final = {
    Kind.NOTICE: Links(False, 0, 2),
    Kind.AMEND: Links(True, 0, 2),
    Kind.CANCEL: Links(True, 0, 2),
    Kind.ACTIVATED: Links(False, 1, 2),
    Kind.ENDED: Links(False, 1, 2),
    Kind.HAZARD: Links(False, 0, 2),
    Kind.ALL_CLEAR: Links(False, 1, 2),
    Kind.CLARIFY: Links(False, 1, 1),
    Kind.ANSWER: Links(False, 1, 2),
    Kind.ACKNOWLEDGEMENT: Links(False, 1, 1),
    Kind.CEASE_NOW: Links(False, 0, 2),
    Kind.DISTRESS: Links(False, 0, 2),
    Kind.UNDERSTANDING: Links(None, 0, 1),
    Kind.ACCEPT: Links(False, 1, 1),
    Kind.LINE_TEST: Links(False, 0, 1),
    Kind.TEST_REPLY: Links(False, 1, 1),
    Kind.CHANNEL_STATE: Links(False, 0, 1),
}


def check_form(
    body: Body,
    precedence: int,
    replaces: bytes | None = None,
    refs: tuple[bytes, ...] = (),
    seat: str = "",
    valid_from_ms: int | None = None,
    expiry_ms: int | None = None,
    as_is: bool = False,
) -> None:
    """Raises Refused, with a hint, for a statement that cannot be represented; else it can be signed and sent.

    A shape that cannot be used is refused too (its flaw is UNUSABLE_GEOMETRY) unless `as_is` says that the author
    insists: then it goes out and is shown as an unusable warning.
    """
    _check_header(body, precedence, replaces, refs, seat, valid_from_ms, expiry_ms)
    flash = precedence == Precedence.FLASH
    short = precedence in (Precedence.FLASH, Precedence.IMMEDIATE)
    most_text = statement.MAX_FLASH_TEXT_BYTES if short else statement.MAX_TEXT_BYTES
    _check_text("text", getattr(body, "text", ""), most_text)
    _check_text("contact", getattr(body, "contact", ""), statement.MAX_CONTACT_BYTES)
    _check_times(body)
    _check_numbers(body)
    if body.blob is not None and attached.attached(body) is None:
        reason = f"an attachment of 0 bytes, of more than {attached.MAX_BYTES}, or of no type"
        raise Refused(reason, "attach a smaller file, or send it by other means and say so in the text")
    volumes = _volumes(body)
    _check_volumes(volumes, flash)
    if flash and len(data := _encode(body)) > MAX_FLASH_BODY_BYTES:
        reason = f"a FLASH statement of {len(data)} bytes, at most {MAX_FLASH_BODY_BYTES} fit one datagram"
        less = "attach nothing, or " if body.blob is not None else ""
        raise Refused(reason, f"{less}give one circle that holds all of it, or less text")
    _encode(body)
    if not as_is:
        _check_geometry(body, volumes)


def _encode(body: Body) -> bytes:
    try:
        return canonical.encode(body)
    except canonical.NotCanonical as error:
        raise Refused(f"it has no form on the wire: {error}", "leave out what is named") from error


def _check_header(
    body: Body,
    precedence: int,
    replaces: bytes | None,
    refs: tuple[bytes, ...],
    seat: str,
    valid_from_ms: int | None,
    expiry_ms: int | None,
) -> None:
    name = body.kind.name
    if body.kind not in LINKS:
        raise Refused(f"{name} is made by rule", "the node says it by itself")
    links = LINKS[body.kind]
    if precedence not in statement.PRECEDENCES:
        raise Refused(f"precedence {precedence}", "choose 1 FLASH, 2 IMMEDIATE, 3 PRIORITY or 4 ROUTINE")
    if body.kind in statement.ALWAYS_FLASH and precedence != Precedence.FLASH:
        raise Refused(f"{name} with precedence {Precedence(precedence).name}", f"a {name} is always FLASH")
    if links.replaces is not None and links.replaces != (replaces is not None):
        hint = "name the entry that it stands for" if links.replaces else "use AMEND or CANCEL to replace an entry"
        raise Refused(f"{name} {'without' if links.replaces else 'with'} an entry that it replaces", hint)
    if not links.fewest <= len(refs) <= links.most:
        expected = f"{links.fewest}" if links.fewest == links.most else f"{links.fewest} to {links.most}"
        raise Refused(f"{name} refers to {len(refs)} entries", f"it refers to {expected}")
    if any(len(leaf) != HASH_BYTES for leaf in (*refs, *filter(None, (replaces,)))):
        raise Refused("an entry is referred to by its 32-byte hash", "copy the whole hash")
    _check_text("seat", seat, statement.MAX_SEAT_BYTES)
    for what, ms in (("valid from", valid_from_ms), ("expiry", expiry_ms)):
        _check_time(what, ms)
    if valid_from_ms is not None and expiry_ms is not None and expiry_ms <= valid_from_ms:
        raise Refused(f"it expires {zulu(expiry_ms)}, before it is valid, {zulu(valid_from_ms)}", "swap the two times")


def _check_text(what: str, text: str, most_bytes: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Refused(f"the {what} is not valid Unicode", "type it again") from None
    if size > most_bytes:
        raise Refused(f"the {what} has {size} bytes, at most {most_bytes}", f"shorten it by {size - most_bytes} bytes")
    for at, character in enumerate(text):
        if character in BIDI or unicodedata.category(character) == "Cc":
            reason = f"the {what} has the invisible control U+{ord(character):04X} as character {at + 1}"
            raise Refused(reason, "take it out: it changes how the rest is read")
    if not unicodedata.is_normalized("NFC", text):
        raise Refused(f"the {what} is not in Unicode's composed form", "normalise it (NFC) before it is signed")


def _check_times(body: Body) -> None:
    for what in ("start_ms", "end_ms", "since_ms", "at_ms", "last_fix_ms", "effective_ms", "until_ms"):
        _check_time(what.removesuffix("_ms").replace("_", " "), getattr(body, what, None))
    start_ms, end_ms = getattr(body, "start_ms", None), getattr(body, "end_ms", None)
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        raise Refused(f"it ends {zulu(end_ms)}, not after it starts, {zulu(start_ms)}", "give the start, then the end")


def _check_time(what: str, ms: int | None) -> None:
    if ms is not None and not EARLIEST_MS <= ms < LATEST_MS:
        reason = f"the {what} is {ms} ms, {zulu(ms)}; times are from {zulu(EARLIEST_MS)} to {zulu(LATEST_MS)}"
        raise Refused(reason, "give milliseconds since 1970, in UTC")


def _check_numbers(body: Body) -> None:
    match body:
        case Notice():
            _check_member("activity class", body.activity, Activity)
        case Hazard():
            _check_member("kind of hazard", body.hazard, HazardKind)
            _check_member("source of the hazard", body.source, HazardSource)
        case Clarify():
            _check_range("sum of doubts", body.doubts, 1, sum(Doubt))
        case Acknowledgement():
            _check_member("step", body.step, Step)
            _check_text("check word", body.area or "", MAX_AREA_WORD_BYTES)
            if body.upper_cm is not None:
                _check_range("upper limit in cm", body.upper_cm, MIN_ALTITUDE_CM, MAX_ALTITUDE_CM)
        case Distress() if body.aboard is not None:
            _check_range("number aboard", body.aboard, 0, MAX_ABOARD)
        case Understanding():
            _check_text("name", body.name, statement.MAX_CONTACT_BYTES)
            _check_range("version", body.version, 0, canonical.MAX_INT)
            if faults := understanding.rule_faults(body):
                raise Refused(f"{len(faults)} faults in the rules: {'; '.join(faults[:3])}", "mend the rules named")
        case LineTest() if len(body.nonce) != statement.NONCE_BYTES:
            reason = f"a nonce of {len(body.nonce)} bytes"
            raise Refused(reason, f"draw {statement.NONCE_BYTES} random bytes for each test")
        case LineReply():
            _check_text("answer", body.words, statement.MAX_WORDS_BYTES)
        case ChannelState():
            _check_member("state of the channel", body.state, Channel)
        case _:
            pass


def _check_member(what: str, value: int, values: Any) -> None:
    if value not in list(values):
        known = ", ".join(f"{member.value} {member.name}" for member in values)
        raise Refused(f"{what} {value} is not known", f"choose of {known}")


def _check_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Refused(f"the {what} is {value}, from {low} to {high} can be said", "give a number in that range")


def _volumes(body: Body) -> tuple[Volume, ...]:
    if isinstance(body, Notice | Hazard | CeaseNow | Distress | Answer):
        return body.volumes or ()
    return ()


def _check_volumes(volumes: tuple[Volume, ...], flash: bool) -> None:
    if len(volumes) > shape.MAX_VOLUMES:
        raise Refused(f"{len(volumes)} volumes, at most {shape.MAX_VOLUMES}", "say the others in a second statement")
    corners = sum(len(shape.points(volume.area)) for volume in volumes)
    most = shape.MAX_VERTICES if flash else shape.MAX_VERTICES_ROUTINE
    if corners > most:
        hint = "give a coarser outline that holds all of it, as containing_octagon does, or a circle"
        raise Refused(f"{corners} corners in all, at most {most}{' in a FLASH statement' if flash else ''}", hint)
    for volume in volumes:
        _check_area(volume)
        _check_range("position error in cm", volume.pos_err_cm, 0, MAX_ERROR_CM)
        for limit in filter(None, (volume.lower, volume.upper)):
            _check_altitude(limit)


def _check_area(volume: Volume) -> None:
    area = volume.area
    kind = area[0] if area else None
    well_formed: dict[int | None, Callable[[], bool]] = {
        AreaKind.UNKNOWN: lambda: len(area) == 1,
        AreaKind.POLYGON: lambda: len(area) % 2 == 1 and len(area) >= 3,
        AreaKind.CIRCLE: lambda: len(area) == 4 and 0 < area[3] <= MAX_RADIUS_CM,
        AreaKind.CORRIDOR: lambda: len(area) % 2 == 0 and len(area) >= 4 and 0 < area[1] <= 2 * MAX_RADIUS_CM,
    }
    if kind not in well_formed or not well_formed[kind]():
        reason = f"an area of {len(area)} numbers of kind {kind} has no meaning"
        raise Refused(reason, "give a polygon, a circle or a corridor, or say that the area is unknown")
    for lon, lat in shape.points(area):
        if abs(lon) > 1_800_000_000 or abs(lat) > 900_000_000:
            reason = f"the point ({lat}, {lon}) in 1e-7 degree is not on earth"
            raise Refused(reason, "give latitude within 90 and longitude within 180 degrees")


def _check_altitude(limit: Altitude) -> None:
    _check_member("altitude reference", limit.ref, AltRef)
    _check_range("altitude in cm", limit.cm, MIN_ALTITUDE_CM, MAX_ALTITUDE_CM)
    _check_range("altitude error in cm", limit.err_cm, 0, MAX_ERROR_CM)


def _check_geometry(body: Body, volumes: tuple[Volume, ...]) -> None:
    found = geometry.geometry_faults(volumes, getattr(body, "start_ms", None), getattr(body, "end_ms", None))
    for fault in found:
        if fault.widens:
            raise Refused(fault.reason, f"{fault.hint}; or send it as it is", Flaw.UNUSABLE_GEOMETRY)
