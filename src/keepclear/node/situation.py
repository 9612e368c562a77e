"""What the record says now: what is in force and by which rules, what these read on a statement, how it is shown.

The law: a warning is shown at once, whatever is wrong with it, with its marks. Nothing ends by itself: a notice
stays until its author says ENDED or CANCEL, a hazard until the one who declared it says ALL-CLEAR.
"""

from functools import lru_cache
from typing import Final

from keepclear.accord import channel, check, geometry, line_test, phrases, shape, statement, understanding
from keepclear.accord.outcome import Finding, Mark
from keepclear.accord.said import Said
from keepclear.accord.shape import Volume
from keepclear.accord.statement import BY_RULE, Doubt, Kind, Precedence
from keepclear.accord.understanding import AckWithin, AnyRule, InForce
from keepclear.line import peer as peers
from keepclear.node import matters, staffed
from keepclear.node.core import Core
from keepclear.node.state import Matter, Timer
from keepclear.record import entry as entries
from keepclear.record.entry import Entry

IN_FORCE, ACTIVE = matters.IN_FORCE, matters.ACTIVE
MAX_OUTSIDE: Final = 1_000  # statements outside the record that are remembered as shown

Judged = tuple[tuple[Finding, ...], tuple[Mark, ...]]  # what the rules read, and the marks to be shown


def said_of(entry: Entry) -> Said:
    """An entry as accord's rules and phrases take it."""
    h = entry.header
    try:
        body = entries.read_body(h.kind, entry.body)
    except statement.Unreadable:
        body = None
    return Said(
        leaf=entry.leaf, party=h.party, start=h.start, incarnation=h.incarnation, seq=h.seq, wall_ms=h.wall_ms,
        wall_err_ms=h.wall_err_ms, precedence=h.precedence, kind=h.kind, replaces=h.replaces, refs=h.refs,
        seat=h.seat, releases=len(entry.releases), body=body,
    )  # fmt: skip


def show_outside(core: Core, entry: Entry, why: str) -> None:
    """Shows, once, a validly signed statement that cannot be taken into the record: it may be a warning."""
    outside = core.state.outside
    if entry.header.kind in BY_RULE or entry.leaf in outside:
        return
    outside.append(entry.leaf)
    del outside[:-MAX_OUTSIDE]
    said, h = said_of(entry), entry.header
    notes = (f"NOT IN THE RECORD: {why}",)
    core.show("statement", words(core, said), said.leaf, h.precedence, (h.party, h.kind, h.seq, notes))
    if h.precedence == Precedence.FLASH:
        core.alarm("flash", f"FLASH from {core.name(h.party)}: {phrases.label(said, core.genesis.names)}, {notes[0]}")


def agreed(core: Core) -> tuple[InForce, ...]:
    """The understandings that came into force on the line, by time; reckoned anew after another word on them."""
    of, found = core.agreed
    leaves = tuple(core.state.situation.agreements)
    if leaves != of:
        said = [said_of(core.books.by_leaf[leaf]) for leaf in leaves]
        found = understanding.in_force(said, frozenset(core.genesis.parties()))
        core.agreed = leaves, found
    return found


def rules_for(core: Core, said: Said) -> tuple[AnyRule, ...]:
    """The rules that a statement is judged by."""
    return understanding.rules_for(agreed(core), said) if core.state.situation.agreements else ()


def rules_now(core: Core) -> tuple[AnyRule, ...]:
    """The rules in force by our wall clock; the standard ones while nothing has been agreed."""
    in_force = [one for one in agreed(core) if one.since_ms <= core.wall_ms]
    return in_force[-1].rules if in_force else understanding.standard_rules()


def ack_limit_ms(core: Core, precedence: int) -> int | None:
    """How soon the rules in force ask for an acknowledgement of a statement; None if they do not."""
    limits = next((rule.limits_ms for rule in rules_now(core) if isinstance(rule, AckWithin)), ())
    return dict(limits).get(precedence)


def agreed_now(core: Core) -> tuple[AnyRule, ...]:
    """The rules in force by our wall clock that all parties have signed; none while nothing has been agreed."""
    in_force = [one for one in agreed(core) if one.since_ms <= core.wall_ms] if core.state.situation.agreements else []
    return in_force[-1].rules if in_force else ()


def channel_words(core: Core) -> list[Said]:
    """What the parties have said of the channel."""
    return [said_of(core.books.by_leaf[leaf]) for leaf in core.state.facts.channel]


def in_force_here(core: Core) -> list[bytes]:
    """The hashes of all matters in force."""
    return [leaf for leaf, matter in core.state.situation.matters.items() if matter.status in IN_FORCE]


def volumes_of(said: Said) -> tuple[Volume, ...]:
    """The volumes of a statement that has any."""
    body = said.body
    if isinstance(body, statement.Notice | statement.Hazard | statement.CeaseNow | statement.Distress):
        return body.volumes
    return ()


def anything_in_force(core: Core) -> bool:
    """Whether any matter is in force."""
    return any(matter.status in IN_FORCE for matter in core.state.situation.matters.values())


def doubts_left(core: Core, matter: Matter) -> int:
    """What a CLARIFY would still have to ask about a matter, its newest answer taken into account: a sum of Doubt."""
    said = said_of(core.books.by_leaf[matter.leaf])
    doubts = check.doubts(said) if said.body is not None else int(Doubt.AREA)
    answer = said_of(core.books.by_leaf[matter.answer]).body if matter.answer else None
    if not isinstance(answer, statement.Answer):
        return doubts
    if answer.volumes is not None and shape.is_known(answer.volumes):
        doubts &= ~Doubt.AREA
        if all(volume.lower is not None and volume.upper is not None for volume in answer.volumes):
            doubts &= ~Doubt.ALTITUDE
    doubts &= ~(Doubt.START if answer.start_ms is not None else 0)
    return doubts & ~(Doubt.END if answer.end_ms is not None else 0)


def judge(core: Core, said: Said) -> Judged:
    """What the rules in force read on a statement, and the marks that it is shown with."""
    replaced = core.books.by_leaf.get(said.replaces) if said.replaces else None
    if replaced is not None and replaced.header.party != said.party:
        replaced = None  # nobody amends another's notice
    beside: tuple[Mark, ...] = (Mark.SUSPENDED,) if channel.is_marked(said, channel_words(core)) else ()
    entry = core.books.by_leaf.get(said.leaf)
    if entry is not None and core.keys.beyond(entry):
        beside += (Mark.PAST_ITS_KEY,)
    if said.body is None and said.kind in matters.OPENING:
        return (), (Mark.VAGUE, *beside)  # a warning that cannot be read is one of unknown area
    findings = check.check(said, rules_for(core, said), said_of(replaced) if replaced else None)
    return findings, (*check.marks(said, findings, _unusable(volumes_of(said))), *beside)


@lru_cache(maxsize=64)
def _unusable(volumes: tuple[Volume, ...]) -> bool:
    """Remembered: a statement is judged when it comes, when it is shown, and when what it cites comes."""
    return geometry.unusable(geometry.geometry_faults(volumes))


def words(core: Core, said: Said) -> str:
    """A statement in English, with its marks and their evidence."""
    return _rendered(core, said, *judge(core, said))


def _rendered(core: Core, said: Said, findings: tuple[Finding, ...], marks: tuple[Mark, ...]) -> str:
    cited = {leaf: said_of(e) for leaf in (*said.refs, said.replaces) if leaf and (e := core.books.by_leaf.get(leaf))}
    return phrases.render(said, core.genesis.names, cited, marks, findings)


def show(core: Core, entry: Entry, said: Said, findings: tuple[Finding, ...], marks: tuple[Mark, ...]) -> None:
    """Shows a statement with its marks, calls for a FLASH, and starts its timers."""
    h = entry.header
    notes = [str(mark) for mark in marks]
    if h.seq >= core.books.books[entry.slot[:2]].size:
        notes.append("OUT OF SEQUENCE")
    if h.party != core.me and peers.book_key(*entry.slot[:2]) not in core.state.situation.linked:
        notes.append("AUTHOR NOT YET RECONCILED")
    if core.on_no_disk:
        notes.append("ON NO DISK OF ITS SENDER")
    if core.by_bundle:
        notes.append("BY BUNDLE")
    if core.state.disk_failed:
        notes.append("NOT RECORDED HERE")
    text = _rendered(core, said, findings, marks)
    core.show("statement", text, said.leaf, h.precedence, (h.party, h.kind, h.seq, tuple(notes)))
    if h.party != core.me and said.precedence == Precedence.FLASH and said.kind != Kind.ACKNOWLEDGEMENT:
        core.alarm("flash", f"FLASH from {core.name(h.party)}: {phrases.label(said, core.genesis.names)}")
    if said.leaf in core.state.situation.matters:
        _start_timers(core, said)
    elif said.kind == Kind.LINE_TEST:
        rule = line_test.cadence(agreed_now(core), live=True) or line_test.HOURLY
        set_timer(core, staffed.TEST, said.leaf, rule.reply_ms)


def _start_timers(core: Core, said: Said) -> None:
    limit_ms = ack_limit_ms(core, said.precedence)
    if limit_ms is not None:
        set_timer(core, "acknowledge", said.leaf, limit_ms)
    doubts = check.doubts(said) if said.party != core.me and core.is_party else 0
    if doubts:
        set_timer(core, "clarify", said.leaf, core.state.settings.clarify_ms)
        words = ", ".join(doubt.name.lower() for doubt in Doubt if doubts & doubt and doubt.name)
        core.show("draft", f"CLARIFY ({words}) is ready to be released", said.leaf, said.precedence, (doubts,))


def set_timer(core: Core, what: str, leaf: bytes, wait_ms: int) -> None:
    """Has something looked at again after that time."""
    situation, due_ms = core.state.situation, core.mono_ms + wait_ms
    situation.timers.append(Timer(due_ms, what, leaf, core.wall_ms, wait_ms))
    situation.due_ms = due_ms if situation.due_ms is None else min(situation.due_ms, due_ms)
