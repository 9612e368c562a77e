"""From what an officer types to a statement's body: areas and limits, windows, classes, rules.

The law: nothing is made up. What is not given is not stated, and the statement says so; in a new reading of a notice
what is not given stays as it was. Words for numbers are accord's own, in small letters with hyphens.
"""

from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from keepclear.accord import check, hull, people, shape, statement, understanding
from keepclear.accord.channel import STAYS_OPEN
from keepclear.accord.outcome import Refused
from keepclear.accord.said import Said
from keepclear.accord.shape import Altitude, AreaKind, Volume
from keepclear.accord.statement import (
    Body,
    CeaseNow,
    ChannelState,
    Distress,
    Hazard,
    LineReply,
    LineTest,
    Notice,
    Precedence,
    Understanding,
)
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import Desk, Held

SHORT_NOTICE_MS: Final = 30 * 60_000
NOT_GIVEN: Final = "none"
RULES_HINT: Final = "docs/operate/officer.md shows one; --standard --dry-run shows the usual rules"


def word(member: IntEnum) -> str:
    """A member of one of accord's lists as it is typed: LIVE_FIRE as live-fire."""
    return member.name.lower().replace("_", "-")


def volumes(given: dict[str, Any], before: tuple[Volume, ...] = ()) -> tuple[Volume, ...]:
    """The volumes typed with --area, --lower, --upper and --error; without an area those of `before`, if any."""
    limits = {name: _limit(given[name]) for name in ("lower", "upper") if given[name] is not None}
    error = {} if given["error"] is None else {"pos_err_cm": people.parse_distance(given["error"])}
    if given["areas"]:
        found = tuple(Volume(people.parse_area(area)) for area in given["areas"])
    else:
        found = before or ((shape.UNKNOWN_VOLUME,) if limits or error else ())
    return tuple(msgspec.structs.replace(volume, **limits, **error) for volume in found)


def window(desk: Desk, given: dict[str, Any], before: Notice | None = None) -> tuple[int | None, int | None]:
    """Start and end typed with --from and --until; what is not given is not stated, or as it was before."""
    start_ms, end_ms = (before.start_ms, before.end_ms) if before else (None, None)
    if given["start"] is not None:
        start_ms = desk.moment(given["start"])
    if given["end"] is not None:
        end_ms = desk.moment(given["end"])
    return start_ms, end_ms


def notice_before(held: Held) -> Notice:
    """The notice that an entry holds. Raises Failure for an entry of another kind."""
    body = statement.read(held.kind, bytes.fromhex(held.body))
    if not isinstance(body, Notice):
        raise Failure(
            f"entry {held.leaf[:8]} is of kind {held.kind}, which has no new reading",
            "name the notice, or its newest amendment; a hazard is ended by all-clear and said anew",
        )
    return body


def doubts(held: Held) -> int:
    """What a question about an entry should ask, a sum of Doubt; 0 if it states all that its kind can state."""
    body = statement.read(held.kind, bytes.fromhex(held.body))
    said = Said(
        leaf=bytes.fromhex(held.leaf), party=held.party, start=0, incarnation=b"", seq=held.seq, wall_ms=0,
        wall_err_ms=0, precedence=held.precedence, kind=held.kind, body=body,
    )  # fmt: skip
    return check.doubts(said)


def rules(path: Path) -> tuple[tuple[Any, ...], ...]:
    """The rules of a JSON file: a list of {id, kind, text} with parameters, or area, lower and upper for within_area.

    Raises Failure or Refused.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
        return tuple(_rule(one) for one in found)
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}", RULES_HINT) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path}: not a list of rules: {error}", RULES_HINT) from error
    except KeyError as error:
        raise Failure(f"{path}: a rule without {error}", RULES_HINT) from error


def standard_rules() -> tuple[tuple[Any, ...], ...]:
    """The rules to start from, as they stand in a statement."""
    return understanding.to_wire(understanding.standard_rules())


def usual_precedence(body: statement.Body, now_ms: int) -> Precedence:
    """FLASH for hazard, cease-now, distress and a notice that starts in under 30 minutes; else PRIORITY.

    IMMEDIATE for a line test, its answer, and the state of the channel.
    """
    if isinstance(body, Hazard | CeaseNow | Distress):
        return Precedence.FLASH
    if isinstance(body, LineTest | LineReply | ChannelState):
        return Precedence.IMMEDIATE
    soon = isinstance(body, Notice) and body.start_ms is not None and body.start_ms - now_ms < SHORT_NOTICE_MS
    return Precedence.FLASH if soon else Precedence.PRIORITY


def channel_warnings(desk: Desk, body: Body) -> list[str]:
    """What is to be known of the channel by whoever says something on it."""
    by = [] if body.kind in STAYS_OPEN else desk.client.ask("status")["suspended_by"]
    return [f"the channel is suspended by {' and '.join(by)}: it is said all the same, and marked"] if by else []


def understood(desk: Desk, given: dict[str, Any]) -> Understanding:
    """The understanding that --file or --standard gives."""
    if (given["file"] is None) == (not given["standard"]):
        raise Failure("an understanding needs its rules", "give --file RULES.json, or --standard")
    found = standard_rules() if given["file"] is None else rules(given["file"])
    effective_ms = desk.moment(given["effective"])
    if effective_ms is None:
        raise Failure("an understanding needs a time from which it holds", "give --effective, or leave it out for now")
    return Understanding(
        name=people.parse_text(given["name"]),
        version=given["version"],
        effective_ms=effective_ms,
        rules=found,
        text=people.parse_text(given["text"]),
    )


def _limit(text: str) -> Altitude | None:
    return None if text.strip().lower() == NOT_GIVEN else people.parse_altitude(text)


def _rule(one: dict[str, Any]) -> tuple[Any, ...]:
    known = {"id", "kind", "text", "parameters", "area", "lower", "upper"}
    if strange := sorted(one.keys() - known):
        raise Refused(f"a rule with {strange[0]!r}", f"known are {', '.join(sorted(known))}")
    parameters = one.get("parameters", [])
    if "area" in one:
        limits = [_limit(one[name]) if name in one else None for name in ("lower", "upper")]
        parameters = [Volume(people.parse_area(one["area"]), 0, *limits)]
    return one["id"], one["kind"], parameters, people.parse_text(one["text"])


def fitted(body: Body) -> tuple[Body, list[str]]:
    """A statement whose polygons fit a FLASH, and in words what was made coarser: the outline said holds the given."""
    volumes: tuple[Volume, ...] = getattr(body, "volumes", None) or ()
    said: list[Volume] = []
    words: list[str] = []
    for given in volumes:
        volume, corners = given, len(shape.points(given.area))
        if given.area[:1] == (AreaKind.POLYGON,) and corners > shape.MAX_VERTICES:
            volume = msgspec.structs.replace(given, area=hull.containing_octagon(given.area))
            words.append(
                f"a FLASH has room for {shape.MAX_VERTICES} corners: an outline that holds all {corners} is said"
            )
        said.append(volume)
    return (msgspec.structs.replace(body, volumes=tuple(said)) if words else body), words
