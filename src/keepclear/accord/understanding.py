"""Understanding: the rules that all parties of a line have signed, read from the statement that carries them.

The law: a rule on the wire is (id, kind, parameters, text). Its kind is a short word, so that a kind unknown here can
still be named; such a rule, or one whose parameters are unreadable, is kept and reads undecidable: a party's rule is
never dropped because this version is old. An understanding is in force once every party has accepted it (proposing
it is accepting it); it replaces the one before. The rules inform; none of them stops a statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from typing import Any, Final

import msgspec

from keepclear.accord import fixed, shape
from keepclear.accord.said import Said, in_sequence
from keepclear.accord.shape import Volume
from keepclear.accord.statement import PRECEDENCES, Accept, Activity, Precedence, Understanding

MAX_RULES: Final = 64
MAX_RULE_BYTES: Final = 300
MAX_AGREED_VERTICES: Final = 100  # of an agreed area: each notice's edges are tried against each of these
MAX_RULE_MS: Final = 366 * 86_400_000
MIN_TEST_EVERY_MS: Final = 600_000  # who tests oftener tires the people that he wants to hear
MIN_DEAD_LINE_MS: Final = 10_000  # both ends have told the line dead by then
REACTION_STEPS: Final = ("acknowledge", "relay", "act")


class DeadLineAction(IntEnum):
    """What a side does on its own while the line is dead. Nothing that has to be said; nothing is done by a machine."""

    KEEP_CLEAR = 1  # what was in force when the line died is kept clear of, whatever its end time said
    BEGIN_NOTHING = 2  # what has been announced and has not begun is not begun
    NO_NEW_NOTICE = 3  # what is not announced is not done
    OTHER_WAY = 4  # the other side is called by the way that the rule's text names


DEAD_LINE_ACTIONS: Final = frozenset(DeadLineAction)

Pairs = tuple[tuple[int, int], ...]


class Rule(msgspec.Struct, frozen=True):
    """What every rule has: an id to cite it by, and its text for people."""

    id: str
    text: str


class MinNotice(Rule, frozen=True, tag_field="kind", tag="min_notice"):
    """Notice of an activity is given so long before its start: pairs of (activity class, milliseconds)."""

    floors_ms: Pairs


class VolumeGiven(Rule, frozen=True, tag_field="kind", tag="volume_given"):
    """A notice says where, in a form that is an area."""


class WindowGiven(Rule, frozen=True, tag_field="kind", tag="window_given"):
    """A notice says from when until when."""


class AckWithin(Rule, frozen=True, tag_field="kind", tag="ack_within"):
    """A seat acknowledges so soon after the display: pairs of (precedence, milliseconds)."""

    limits_ms: Pairs


class WithinArea(Rule, frozen=True, tag_field="kind", tag="within_area"):
    """Activities stay within a volume; its window, if people want one, is a matter of its text."""

    volume: Volume


class Reaction(Rule, frozen=True, tag_field="kind", tag="reaction"):
    """Not a promise but a number that margins are reckoned with: time to acknowledge, to relay, for the crew to act."""

    acknowledge_ms: int
    relay_ms: int
    crew_ms: int


class LineTesting(Rule, frozen=True, tag_field="kind", tag="line_test"):
    """A person tests the line so often, from alternating sides, and a person answers so soon after."""

    every_ms: int
    reply_ms: int


class DeadLine(Rule, frozen=True, tag_field="kind", tag="dead_line"):
    """What each side does by itself, with no message possible, once the line has been dead so long."""

    after_ms: int
    action: int


class TwoSeats(Rule, frozen=True, tag_field="kind", tag="two_seats"):
    """Four eyes: a second seat releases it too; pairs of (kind of statement, the least urgent precedence meant)."""

    kinds: Pairs


class Unread(Rule, frozen=True, tag_field="kind", tag="unread"):
    """A rule that this version cannot judge, and why."""

    said_kind: str
    why: str


AnyRule = (
    MinNotice
    | VolumeGiven
    | WindowGiven
    | AckWithin
    | WithinArea
    | Reaction
    | LineTesting
    | DeadLine
    | TwoSeats
    | Unread
)


class InForce(msgspec.Struct, frozen=True):
    """An understanding that all have accepted: its entry's hash, since when, and its rules."""

    leaf: bytes
    name: str
    version: int
    since_ms: int
    rules: tuple[AnyRule, ...]


def kind_of(rule: AnyRule) -> str:
    """The kind of a rule as it stands on the wire."""
    return rule.said_kind if isinstance(rule, Unread) else str(rule.__struct_config__.tag)


def read_rules(body: Understanding) -> tuple[AnyRule, ...]:
    """The rules of an understanding, all of them, in their sequence. Never raises: what is unreadable is an Unread."""
    return tuple(_read_rule(number, raw) for number, raw in enumerate(body.rules, 1))


def to_wire(rules: Iterable[AnyRule]) -> tuple[tuple[Any, ...], ...]:
    """Rules as they stand in the statement; what `read_rules` undoes. An Unread has lost its parameters."""
    return tuple((rule.id, kind_of(rule), _parameters(rule), rule.text) for rule in rules)


def rule_faults(body: Understanding) -> list[str]:
    """What its author should mend in an understanding before it is sent; an empty list if nothing."""
    rules = read_rules(body)
    faults = [f"rule {rule.id}: {rule.why}" for rule in rules if isinstance(rule, Unread)]
    ids = [rule.id for rule in rules]
    faults += [f"rule {one}: {ids.count(one)} rules have this id" for one in sorted(set(ids)) if ids.count(one) > 1]
    faults += [
        f"rule {rule.id}: {len(rule.text.encode())} bytes of text, at most {MAX_RULE_BYTES}"
        for rule in rules
        if len(rule.text.encode()) > MAX_RULE_BYTES
    ]
    if not 1 <= len(rules) <= MAX_RULES:
        faults.append(f"{len(rules)} rules, from 1 to {MAX_RULES} can be agreed")
    return faults


def in_force(history: Iterable[Said], parties: frozenset[int]) -> tuple[InForce, ...]:
    """The understandings that came into force, by time. Observers are no parties: theirs is not asked for.

    Since when: its own effective time, or the latest moment at which the last party can have accepted, if that is
    later. Independent of the sequence of arrival.
    """
    statements = in_sequence(history)
    accepted: dict[bytes, dict[int, int]] = {}
    for said in statements:
        if said.party not in parties:
            continue
        if isinstance(said.body, Understanding):
            cited: tuple[bytes, ...] = (said.leaf,)
        elif isinstance(said.body, Accept):
            cited = said.refs
        else:
            continue
        for leaf in cited:
            times = accepted.setdefault(leaf, {})
            times[said.party] = min(said.latest_ms, times.get(said.party, said.latest_ms))
    found = [
        InForce(
            said.leaf,
            said.body.name,
            said.body.version,
            max(said.body.effective_ms, *accepted[said.leaf].values()),
            read_rules(said.body),
        )
        for said in statements
        if isinstance(said.body, Understanding) and said.party in parties and accepted[said.leaf].keys() == parties
    ]
    return tuple(sorted(found, key=lambda one: (one.since_ms, one.version, one.leaf)))


def rules_for(agreed: Sequence[InForce], said: Said) -> tuple[AnyRule, ...]:
    """The rules that a statement is judged by: of the last understanding in force when it was said, by its own clock.

    Not by the earliest that it can have been said: whoever declares a wide clock error would step out of the rules.
    """
    rules: tuple[AnyRule, ...] = ()
    for one in agreed:
        if one.since_ms <= said.wall_ms:
            rules = one.rules
    return rules


@cache
def standard_rules() -> tuple[AnyRule, ...]:
    """An understanding to start from. Its numbers are defaults to be argued over, not law."""
    minute, hour = 60_000, 3_600_000
    floors = {
        Activity.FLIGHT: 15 * minute,
        Activity.EXERCISE: 72 * hour,
        Activity.LIVE_FIRE: 15 * minute,
        Activity.HAZARDOUS: 15 * minute,
        Activity.UNCREWED: 15 * minute,
        Activity.HUMANITARIAN: 24 * hour,
        Activity.WORKS: 48 * hour,
    }
    limits = {
        Precedence.FLASH: 30_000,
        Precedence.IMMEDIATE: 2 * minute,
        Precedence.PRIORITY: 15 * minute,
        Precedence.ROUTINE: 12 * hour,
    }
    return (
        MinNotice("N1", "Notice is given at least so long before the activity.", _pairs_of(floors)),
        VolumeGiven("N2", "A notice says where: an area and its altitude limits."),
        WindowGiven("N3", "A notice says from when until when, in UTC."),
        AckWithin("A1", "A seat acknowledges within so long of the display.", _pairs_of(limits)),
        Reaction("M1", "Margins are reckoned with these times.", 30_000, 60_000, 60_000),
        LineTesting("T1", "A person tests the line in turn, and a person answers.", hour, 2 * minute),
        DeadLine("D1", "While the line is dead nothing has ended.", minute, int(DeadLineAction.KEEP_CLEAR)),
    )


def _pairs_of(numbers: Mapping[Activity, int] | Mapping[Precedence, int]) -> Pairs:
    return tuple((int(key), value) for key, value in numbers.items())


def _parameters(rule: AnyRule) -> list[Any]:
    match rule:
        case MinNotice():
            return [list(pair) for pair in rule.floors_ms]
        case AckWithin():
            return [list(pair) for pair in rule.limits_ms]
        case TwoSeats():
            return [[int(kind), int(least)] for kind, least in rule.kinds]
        case WithinArea():
            return [rule.volume]
        case Reaction():
            return [rule.acknowledge_ms, rule.relay_ms, rule.crew_ms]
        case LineTesting():
            return [rule.every_ms, rule.reply_ms]
        case DeadLine():
            return [rule.after_ms, int(rule.action)]
        case _:
            return []


def _read_rule(number: int, raw: Sequence[Any]) -> AnyRule:
    if len(raw) < 4 or not (isinstance(raw[0], str) and isinstance(raw[1], str) and isinstance(raw[3], str)):
        return Unread(f"#{number}", "", "", "a rule is an id, a kind, parameters and a text")
    name, kind, parameters, text = raw[:4]
    if not isinstance(parameters, list | tuple):
        return Unread(name, text, kind, "its parameters are no list")
    return _read_kind(name, kind, parameters, text)


def _read_kind(name: str, kind: str, parameters: Sequence[Any], text: str) -> AnyRule:
    match kind:
        case "min_notice" | "ack_within":
            pairs = _read_pairs(parameters)
            if pairs is None:
                return Unread(name, text, kind, f"its parameters are pairs (number, ms), ms from 0 to {MAX_RULE_MS}")
            return MinNotice(name, text, pairs) if kind == "min_notice" else AckWithin(name, text, pairs)
        case "volume_given":
            return VolumeGiven(name, text)
        case "window_given":
            return WindowGiven(name, text)
        case "within_area":
            return _read_area(name, parameters, text)
        case "reaction":
            times = list(parameters)
            if len(times) != len(REACTION_STEPS) or not all(_is_span(ms) for ms in times):
                return Unread(name, text, kind, f"its parameters are the times to {', '.join(REACTION_STEPS)}, in ms")
            return Reaction(name, text, *times)
        case "line_test":
            return _read_testing(name, parameters, text)
        case "dead_line":
            return _read_dead_line(name, parameters, text)
        case "two_seats":
            pairs = _read_pairs(parameters)
            if pairs is None or not all(kind > 0 and least in PRECEDENCES for kind, least in pairs):
                why = "its parameters are pairs (kind of statement, the least urgent precedence meant, 1 to 4)"
                return Unread(name, text, kind, why)
            return TwoSeats(name, text, pairs)
    return Unread(name, text, kind, f"this version does not know the kind {kind!r}")


def _read_testing(name: str, parameters: Sequence[Any], text: str) -> AnyRule:
    times = list(parameters)
    if len(times) == 2 and all(_is_span(ms) for ms in times) and times[0] >= MIN_TEST_EVERY_MS and times[1] > 0:
        return LineTesting(name, text, *times)
    why = f"its parameters are how often, at least {MIN_TEST_EVERY_MS} ms, and how soon a person answers, in ms"
    return Unread(name, text, "line_test", why)


def _read_dead_line(name: str, parameters: Sequence[Any], text: str) -> AnyRule:
    values = list(parameters)
    known = len(values) == 2 and _is_span(values[0]) and type(values[1]) is int and values[1] in DEAD_LINE_ACTIONS
    if known and values[0] >= MIN_DEAD_LINE_MS:
        return DeadLine(name, text, *values)
    actions = ", ".join(f"{one.value} {one.name}" for one in DeadLineAction)
    why = f"its parameters are how long the line is dead, at least {MIN_DEAD_LINE_MS} ms, and one of {actions}"
    return Unread(name, text, "dead_line", why)


def _is_span(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_RULE_MS


def _read_pairs(parameters: Sequence[Any]) -> Pairs | None:
    pairs = []
    for pair in parameters:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or type(pair[0]) is not int or not _is_span(pair[1]):
            return None
        pairs.append((pair[0], pair[1]))
    return tuple(pairs) if pairs and len({key for key, _ in pairs}) == len(pairs) else None


def _read_area(name: str, parameters: Sequence[Any], text: str) -> AnyRule:
    kind = "within_area"
    try:
        volume = msgspec.convert(parameters[0] if len(parameters) == 1 else None, Volume, from_attributes=True)
    except msgspec.ValidationError:
        return Unread(name, text, kind, "its one parameter is a volume")
    corners = shape.points(volume.area)
    if len(corners) > MAX_AGREED_VERTICES:
        return Unread(name, text, kind, f"its area has {len(corners)} points, at most {MAX_AGREED_VERTICES}")
    extent = fixed.extent(volume.area)
    if extent is None or (extent.ring and fixed.crosses_itself(extent.points)):
        return Unread(name, text, kind, "its area cannot be used; give a ring that does not cross itself, or a circle")
    return WithinArea(name, text, volume)
