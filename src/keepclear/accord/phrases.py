"""Phrases: every statement in plain English, the same words at every node.

The law: pure and total; a statement from outside always has a rendering, whatever its numbers. Times are Zulu, with
their date when it is not that of the saying; heights in feet or flight levels and metres. Nothing is concluded: what
was not stated is said to be not stated, and no side is called safe. No phrase gives or takes a permission, and none
lays blame. What a person typed stands in its own line, quoted, without characters that change how the rest is read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from keepclear.accord import attached, line_test
from keepclear.accord.figures import clean, metres, volume
from keepclear.accord.outcome import Finding, Mark
from keepclear.accord.said import Said
from keepclear.accord.statement import (
    KINDS,
    PRECEDENCES,
    Accept,
    Acknowledgement,
    Activated,
    Activity,
    AllClear,
    Answer,
    Body,
    Cancel,
    CeaseNow,
    Channel,
    ChannelState,
    Clarify,
    Distress,
    Doubt,
    Ended,
    Hazard,
    HazardKind,
    HazardSource,
    InForceList,
    KeyList,
    Kind,
    LineReply,
    LineTest,
    Link,
    Notice,
    Precedence,
    Receipt,
    Step,
    Understanding,
)
from keepclear.accord.times import span, zulu
from keepclear.accord.understanding import (
    REACTION_STEPS,
    AckWithin,
    AnyRule,
    DeadLine,
    DeadLineAction,
    LineTesting,
    MinNotice,
    Reaction,
    TwoSeats,
    Unread,
    VolumeGiven,
    WindowGiven,
    WithinArea,
    read_rules,
)

FOOTER: Final = "This gives no permission."
UNREAD: Final = "Attached: something that cannot be read here; call to ask what it is."

_ACTIVITIES: Final = {
    Activity.FLIGHT: "flight activity",
    Activity.EXERCISE: "an exercise",
    Activity.LIVE_FIRE: "live firing",
    Activity.HAZARDOUS: "hazardous activity",
    Activity.UNCREWED: "uncrewed aircraft activity",
    Activity.HUMANITARIAN: "a humanitarian movement",
    Activity.SEARCH_AND_RESCUE: "search and rescue",
    Activity.WORKS: "works",
}
_HAZARDS: Final = {
    HazardKind.AIR_DEFENCE_ACTIVITY: "air defence activity",
    HazardKind.JAMMING: "jamming",
    HazardKind.DEBRIS: "debris",
    HazardKind.UNCREWED_AIRCRAFT: "uncrewed aircraft",
    HazardKind.FIRE: "fire",
    HazardKind.LASER: "laser",
    HazardKind.OTHER: "another hazard",
}
_SOURCES: Final = {
    HazardSource.OWN: "its own",
    HazardSource.THIRD_PARTY: "of a third party",
    HazardSource.UNKNOWN: "of unknown source",
}
_DOUBTS: Final = {
    Doubt.AREA: "the area",
    Doubt.START: "the start",
    Doubt.END: "the end",
    Doubt.ALTITUDE: "the altitudes",
}
DEAD_LINE_WORDS: Final = {
    DeadLineAction.KEEP_CLEAR: "keep clear of all that was in force when the line died, whatever its end time said",
    DeadLineAction.BEGIN_NOTHING: "begin nothing that was announced and has not begun",
    DeadLineAction.NO_NEW_NOTICE: "do nothing that was not announced",
    DeadLineAction.OTHER_WAY: "call the other side by the way that the rule names",
}


def render(
    said: Said,
    names: Sequence[str],
    cited: Mapping[bytes, Said] | None = None,
    marks: Iterable[Mark] = (),
    findings: Iterable[Finding] = (),
) -> str:
    """A statement as lines of English: who said what and when, its marks with their evidence, and the fixed footer.

    `names` are the members' by number, `cited` the entries held here by their hash, so that a reference has a name.
    """
    cited = cited or {}
    writer = _Writer(said, names, cited)
    lines = [f"{label(said, names)} {_precedence(said.precedence)}, {zulu(said.wall_ms)}: {writer.sentence()}"]
    lines += writer.details()
    lines += [f"{mark}." for mark in marks]
    lines += [f"Rule {clean(one.rule)} {one.outcome}: {clean(one.evidence)}." for one in findings]
    return "\n".join([*lines, FOOTER])


def label(said: Said, names: Sequence[str]) -> str:
    """How an entry is called on the telephone: its author, its number, and its kind."""
    return f"{party(said.party, names)} {said.start}/{said.seq} {kind(said.kind)}"


def kind(number: int) -> str:
    """The kind of a statement in words; one that this version does not know by its number."""
    return Kind(number).name.replace("_", " ") if number in KINDS else f"UNKNOWN KIND {number}"


def party(number: int, names: Sequence[str]) -> str:
    """A member's name."""
    return clean(names[number]) if 0 <= number < len(names) else f"member {number}"


def rule_words(rule: AnyRule) -> str:
    """A rule in words: its text, and what the check will go by, which is its parameters and not its text."""
    match rule:
        case MinNotice():
            pairs = [f"{_named(key, _ACTIVITIES, 'activity class')} {span(ms)}" for key, ms in rule.floors_ms]
            checked = f"least notice: {', '.join(pairs)}"
        case AckWithin():
            pairs = [f"{_precedence(key)} {span(ms)}" for key, ms in rule.limits_ms]
            checked = f"acknowledged after display within: {', '.join(pairs)}"
        case WithinArea():
            checked = f"within: {volume(rule.volume)}"
        case Reaction():
            times = zip(REACTION_STEPS, (rule.acknowledge_ms, rule.relay_ms, rule.crew_ms), strict=True)
            checked = f"time to {', to '.join(f'{step} {span(ms)}' for step, ms in times)}"
        case LineTesting():
            checked = f"a person tests the line every {span(rule.every_ms)}, answered within {span(rule.reply_ms)}"
        case DeadLine():
            checked = f"dead for {span(rule.after_ms)}: {DEAD_LINE_WORDS[DeadLineAction(rule.action)]}"
        case TwoSeats():
            pairs = [
                kind(key) + ("" if least == Precedence.ROUTINE else f" from {_precedence(least)} on")
                for key, least in rule.kinds
            ]
            checked = f"released by a second seat: {', '.join(pairs)}"
        case VolumeGiven():
            checked = "an area is given"
        case WindowGiven():
            checked = "start and end are given"
        case Unread():
            checked = f"undecidable: {clean(rule.why)}"
    return f"Rule {clean(rule.id)}: “{clean(rule.text)}” Checked: {checked}."


def _precedence(number: int) -> str:
    return Precedence(number).name if number in PRECEDENCES else f"precedence {number}"


def _named(number: int, words: Mapping[Any, str], what: str) -> str:
    return words.get(number, f"{what} {number}, unknown here")


class _Writer:
    """The sentence and the details of one statement."""

    def __init__(self, said: Said, names: Sequence[str], cited: Mapping[bytes, Said]) -> None:
        self.said, self.names, self.cited = said, names, cited
        self.who = party(said.party, names)
        if said.seat:
            self.who += f" ({clean(said.seat)})"

    def sentence(self) -> str:
        body = self.said.body
        for kind_of_body, write in _SENTENCES.items():
            if isinstance(body, kind_of_body):
                return write(self, body)
        return f"{self.who} says something of a kind that cannot be read here; call to ask what it is."

    def details(self) -> list[str]:
        body = self.said.body
        lines: list[str] = []
        if isinstance(body, Notice | Hazard | CeaseNow | Distress | Answer) and body.volumes is not None:
            lines += [f"Where: {volume(one)}." for one in body.volumes] or ["Where: area not stated."]
        if isinstance(body, Understanding):
            lines += [rule_words(rule) for rule in read_rules(body)]
        for name in ("text", "contact"):
            if typed := getattr(body, name, ""):
                lines.append(f"{name.capitalize()}: “{clean(typed)}”")
        if body is not None and body.blob is not None:
            found = attached.attached(body)
            lines.append(f"Attached: {attached.words(found)}, SHA-256 {found.digest.hex()[:8]}." if found else UNREAD)
        return lines

    def time(self, ms: int | None) -> str:
        return "a time not stated" if ms is None else zulu(ms, self.said.wall_ms)

    def entry(self, leaf: bytes | None) -> str:
        if leaf is None:
            return "no entry"
        known = self.cited.get(leaf)
        return label(known, self.names) if known else f"entry {leaf.hex()[:8]} (not held here)"

    def refs(self) -> str:
        return " and ".join(self.entry(leaf) for leaf in self.said.refs) or "no entry"

    def notice(self, body: Notice) -> str:
        opening = f"{self.who} announces "
        if self.said.kind == Kind.AMEND:
            opening = f"{self.who} gives a new full reading of {self.entry(self.said.replaces)}: "
        what = _named(body.activity, _ACTIVITIES, "activity class")
        if body.start_ms is None and body.end_ms is None:
            return f"{opening}{what}, start and end not stated."
        end = "until further notice, end not stated" if body.end_ms is None else f"until {self.time(body.end_ms)}"
        return f"{opening}{what} from {self.time(body.start_ms)} {end}."

    def cancel(self, _: Cancel) -> str:
        return f"{self.who} cancels {self.entry(self.said.replaces)}: it will not take place."

    def activated(self, body: Activated) -> str:
        return f"{self.who} says that {self.refs()} has been active since {self.time(body.at_ms)}."

    def ended(self, body: Ended) -> str:
        rest = "A hazard remains until an all-clear." if body.residual else "No remaining hazard is reported."
        return f"{self.who} says that {self.refs()} ended at {self.time(body.at_ms)}. {rest}"

    def hazard(self, body: Hazard) -> str:
        what = _named(body.hazard, _HAZARDS, "kind of hazard")
        whose = _named(body.source, _SOURCES, "source")
        return f"{self.who} warns of {what}, {whose}, since {self.time(body.since_ms)}, until an explicit all-clear."

    def all_clear(self, body: AllClear) -> str:
        return f"{self.who} says that {self.refs()} has been over since {self.time(body.at_ms)}."

    def clarify(self, body: Clarify) -> str:
        asked = [words for doubt, words in _DOUBTS.items() if body.doubts & doubt]
        return f"{self.who} asks about {self.refs()}: please state {', '.join(asked) or 'what is meant'}."

    def answer(self, body: Answer) -> str:
        times = [
            f"{name} {self.time(ms)}" for name, ms in (("start", body.start_ms), ("end", body.end_ms)) if ms is not None
        ]
        return f"{self.who} answers {self.refs()}{': ' + ', '.join(times) if times else ''}."

    def acknowledgement(self, body: Acknowledgement) -> str:
        if body.step != Step.READ_BACK:
            return f"{self.who} has read {self.refs()}."
        upper = "upper limit not stated" if body.upper_cm is None else f"upper limit {metres(body.upper_cm)}"
        word = f"area “{clean(body.area)}”" if body.area else "area not stated"
        return f"{self.who} has read back {self.refs()}: end {self.time(body.end_ms)}, {upper}, {word}."

    def cease_now(self, body: CeaseNow) -> str:
        why = "uninvolved, protected or own people are being hit here"
        return f"{self.who} says: cease now, {why}, {self.time(body.at_ms)}."

    def distress(self, body: Distress) -> str:
        aboard = "number aboard not stated" if body.aboard is None else f"{body.aboard} aboard"
        return f"{self.who} reports an aircraft in distress, {aboard}, last seen {self.time(body.last_fix_ms)}."

    def understanding(self, body: Understanding) -> str:
        since = f"effective {self.time(body.effective_ms)}"
        count = f"{len(body.rules)} rules"
        return f"{self.who} proposes the understanding “{clean(body.name)}”, version {body.version}, {since}, {count}."

    def accept(self, _: Accept) -> str:
        return f"{self.who} accepts {self.refs()}."

    def receipt(self, body: Receipt) -> str:
        whose = party(body.party, self.names)
        shown = sum(1 for one in body.ranges if one[3] is not None)
        return (
            f"the node of {self.who} holds {body.size} entries of {whose} in sequence; "
            f"{shown} of {len(body.ranges)} ranges displayed, {len(body.beyond)} entries held beyond a gap."
        )

    def link(self, body: Link) -> str:
        return f"the node of {self.who} has started anew and names {len(body.old)} earlier runs of its logbook."

    def line_test(self, body: LineTest) -> str:
        asked = line_test.words(body.nonce)
        return f"{self.who} tests the line: a person answers with the words “{asked}”."

    def test_reply(self, body: LineReply) -> str:
        known = self.cited.get(self.said.refs[0]) if self.said.refs else None
        asked = known.body if known else None
        agrees = line_test.agrees(body, asked) if isinstance(asked, LineTest) else None
        words = {True: "the words asked for", False: "NOT the words asked for", None: "the test is not held here"}
        return f"{self.who} answers {self.refs()}: “{clean(body.words)}”, {words[agrees]}."

    def channel_state(self, body: ChannelState) -> str:
        if body.state == Channel.OPEN:
            return f"{self.who} uses the channel."
        if body.state != Channel.SUSPENDED:
            return f"{self.who} gives the channel a state unknown here, {body.state}; call to ask what it is."
        until = "until further word" if body.until_ms is None else f"until {self.time(body.until_ms)} or further word"
        return f"{self.who} suspends the channel {until}. Tests, hazards, distress and cease-now stay open."

    def key_list(self, _: KeyList) -> str:
        return f"the node of {self.who} carries a key list: which keys speak for a member from now on."

    def in_force_list(self, body: InForceList) -> str:
        return f"the node of {self.who} holds {body.count} matters in force, digest {body.digest.hex()[:16]}."


_SENTENCES: Final[dict[type[Body], Callable[[_Writer, Any], str]]] = {
    Notice: _Writer.notice,
    Cancel: _Writer.cancel,
    Activated: _Writer.activated,
    Ended: _Writer.ended,
    Hazard: _Writer.hazard,
    AllClear: _Writer.all_clear,
    Clarify: _Writer.clarify,
    Answer: _Writer.answer,
    Acknowledgement: _Writer.acknowledgement,
    CeaseNow: _Writer.cease_now,
    Distress: _Writer.distress,
    Understanding: _Writer.understanding,
    Accept: _Writer.accept,
    Receipt: _Writer.receipt,
    Link: _Writer.link,
    LineTest: _Writer.line_test,
    LineReply: _Writer.test_reply,
    ChannelState: _Writer.channel_state,
    InForceList: _Writer.in_force_list,
    KeyList: _Writer.key_list,
}
