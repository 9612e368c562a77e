"""What the record says now: every statement is folded into the matters that are in force, as it comes.

The law: a warning is shown at once, whatever is wrong with it, with its marks. Nothing ends by itself: a notice
stays until its author says ENDED or CANCEL, a hazard until the one who declared it says ALL-CLEAR. A statement
whose referent has not come yet waits for it, and is shown all the same. Two successors of one entry are both in force.
"""

from typing import Final

from keepclear.accord import check, geometry, phrases, readback, statement, understanding
from keepclear.accord.outcome import Finding, Mark
from keepclear.accord.said import Said
from keepclear.accord.shape import Volume
from keepclear.accord.statement import BY_RULE, Doubt, Kind, Precedence, Step
from keepclear.accord.understanding import AckWithin, AnyRule, InForce
from keepclear.line import peer as peers
from keepclear.node.core import Core
from keepclear.node.state import Ladder, Matter, Timer
from keepclear.record import entry as entries
from keepclear.record.entry import Entry
from keepclear.record.genesis import Role

MAX_WAITING: Final = 10_000
MATTERS: Final = frozenset({Kind.NOTICE, Kind.AMEND, Kind.HAZARD, Kind.CEASE_NOW, Kind.DISTRESS})
PLANNED, ACTIVE, ENDED, CANCELLED, SUPERSEDED = "planned", "active", "ended", "cancelled", "superseded"
IN_FORCE: Final = frozenset({PLANNED, ACTIVE})
CHANGES: Final = {Kind.ENDED: ENDED, Kind.ALL_CLEAR: ENDED, Kind.ACTIVATED: ACTIVE}


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
        seat=h.seat, body=body,
    )  # fmt: skip


def fold(core: Core, entry: Entry) -> None:
    """Takes a new entry's statement in, shows it, and applies those that waited for it."""
    said = said_of(entry)
    _apply(core, said)
    for leaf in core.state.situation.waiting.pop(said.leaf, []):
        waiting = core.books.by_leaf.get(leaf)
        if waiting is not None:
            _relate(core, said_of(waiting))
    if said.kind not in BY_RULE:
        _show(core, entry, said)


def agreed(core: Core) -> tuple[InForce, ...]:
    """The understandings that came into force on the line, by time."""
    said = [said_of(core.books.by_leaf[leaf]) for leaf in core.state.situation.agreements]
    return understanding.in_force(said, frozenset(core.genesis.parties()))


def rules_for(core: Core, said: Said) -> tuple[AnyRule, ...]:
    """The rules that a statement is judged by."""
    return understanding.rules_for(agreed(core), said) if core.state.situation.agreements else ()


def rules_now(core: Core) -> tuple[AnyRule, ...]:
    """The rules in force by our wall clock; the standard ones while nothing has been agreed."""
    in_force = [one for one in agreed(core) if one.since_ms <= core.wall_ms]
    return in_force[-1].rules if in_force else understanding.standard_rules()


def volumes_of(said: Said) -> tuple[Volume, ...]:
    """The volumes of a statement that has any."""
    body = said.body
    if isinstance(body, statement.Notice | statement.Hazard | statement.CeaseNow | statement.Distress):
        return body.volumes
    return ()


def anything_in_force(core: Core) -> bool:
    """Whether any matter is in force."""
    return any(matter.status in IN_FORCE for matter in core.state.situation.matters.values())


def _apply(core: Core, said: Said) -> None:
    if said.kind == Kind.RECEIPT:
        _receipt(core, said)
    elif said.kind == Kind.LINK:
        core.state.situation.linked[peers.book_key(said.party, said.incarnation)] = True
    elif said.kind in (Kind.UNDERSTANDING, Kind.ACCEPT):
        _agree(core, said)
    elif said.kind in MATTERS:
        _open(core, said)
    _relate(core, said)


def _open(core: Core, said: Said) -> None:
    situation = core.state.situation
    status = PLANNED if said.kind in (Kind.NOTICE, Kind.AMEND) else ACTIVE
    place = (said.start, said.seq)
    matter = Matter(said.leaf, said.party, said.kind, said.precedence, said.wall_ms, status, place, core.wall_ms)
    findings, marks = judge(core, said)
    matter.marks = [str(mark) for mark in marks]
    matter.findings = [(f.rule, f.kind, str(f.outcome), f.evidence) for f in findings]
    situation.matters[said.leaf] = matter
    core.state.advice.dirty = True


def _relate(core: Core, said: Said) -> None:
    """Applies what a statement does to those that it cites; waits where they have not come."""
    cited = [*said.refs, *([said.replaces] if said.replaces else [])]
    for leaf in cited:
        if leaf not in core.books.by_leaf:
            _wait(core, leaf, said.leaf)
            continue
        _relate_to(core, said, leaf)


def _wait(core: Core, cited: bytes, by: bytes) -> None:
    waiting = core.state.situation.waiting
    if sum(map(len, waiting.values())) < MAX_WAITING and by not in waiting.get(cited, []):
        waiting.setdefault(cited, []).append(by)


def _relate_to(core: Core, said: Said, leaf: bytes) -> None:
    matter = core.state.situation.matters.get(leaf)
    if matter is None:
        return
    own = matter.party == said.party
    if said.kind in CHANGES and own:
        _change(core, matter, CHANGES[Kind(said.kind)], (said.start, said.seq))
    elif said.kind in (Kind.AMEND, Kind.CANCEL) and own and said.replaces == leaf:
        _succeed(core, matter, said)
    elif said.kind == Kind.CLARIFY:
        matter.clarified = True
    elif said.kind == Kind.ANSWER and own:
        matter.answer = said.leaf
    elif said.kind == Kind.ACKNOWLEDGEMENT and not own:
        _acknowledge(core, matter, said)
    core.state.advice.dirty = True


def _change(core: Core, matter: Matter, status: str, place: tuple[int, int]) -> None:
    """Sets a status, and that of what has replaced the matter before; the author's later word wins, however it came."""
    todo, seen = [matter], {matter.leaf}
    while todo:
        one = todo.pop()
        if one.status != SUPERSEDED and place > one.changed:
            one.status, one.changed = status, place
        for leaf in one.successors:
            successor = core.state.situation.matters.get(leaf)
            if successor is not None and leaf not in seen and _place(core, leaf) < place:
                seen.add(leaf)
                todo.append(successor)


def _succeed(core: Core, matter: Matter, said: Said) -> None:
    if said.leaf in matter.successors:
        return
    matter.successors.append(said.leaf)
    successor = core.state.situation.matters.get(said.leaf)
    if successor is None:
        _change(core, matter, CANCELLED, (said.start, said.seq))
        return
    later = matter.changed > (said.start, said.seq)
    if later or matter.status == ACTIVE:
        successor.status, successor.changed = matter.status, matter.changed
    matter.status = SUPERSEDED
    if len(matter.successors) > 1:
        core.show(
            "two successors", f"{core.name(matter.party)} has replaced one statement twice: both readings are in force",
            matter.leaf, matter.precedence,
        )  # fmt: skip


def _place(core: Core, leaf: bytes) -> tuple[int, int]:
    header = core.books.by_leaf[leaf].header
    return header.start, header.seq


def _agree(core: Core, said: Said) -> None:
    situation = core.state.situation
    situation.agreements.append(said.leaf)
    epoch = len(agreed(core))
    if epoch > situation.epoch:
        core.show(
            "understanding", f"all parties have accepted; the line is in epoch {epoch}", said.leaf, said.precedence
        )
    situation.epoch = epoch


def _receipt(core: Core, said: Said) -> None:
    body = said.body
    if not isinstance(body, statement.Receipt) or body.party != core.me:
        return
    book = core.books.books.get((body.party, body.incarnation))
    if book is None:
        return
    for first, count, durable_ms, shown_ms in body.ranges:
        for seq in range(max(0, first), min(first + count, book.size)):
            _rung(core, book.entries[seq].leaf, said.party, durable_ms, shown_ms)
    for _, leaf, durable_ms in body.beyond:
        _rung(core, leaf, said.party, durable_ms, None)


def _rung(core: Core, leaf: bytes, member: int, durable_ms: int, shown_ms: int | None) -> None:
    matter = core.state.situation.matters.get(leaf)
    if matter is None:
        return
    ladder = matter.ladder.setdefault(member, Ladder())
    first = ladder.durable_ms is None or (ladder.shown_ms is None and shown_ms is not None)
    ladder.durable_ms = durable_ms if ladder.durable_ms is None else min(ladder.durable_ms, durable_ms)
    if shown_ms is not None:
        ladder.shown_ms = shown_ms if ladder.shown_ms is None else min(ladder.shown_ms, shown_ms)
    if first:
        how = "displayed" if ladder.shown_ms is not None else "delivered, not displayed"
        core.show("ladder", f"{core.name(member)}: {how}", leaf, matter.precedence, (member, how))


def _acknowledge(core: Core, matter: Matter, said: Said) -> None:
    body = said.body
    if not isinstance(body, statement.Acknowledgement):
        return
    ladder = matter.ladder.setdefault(said.party, Ladder())
    ladder.read_ms = said.wall_ms if ladder.read_ms is None else ladder.read_ms
    if body.step == Step.READ_BACK:
        about = said_of(core.books.by_leaf[matter.leaf]).body
        if isinstance(about, readback.Readable):
            ladder.read_back = str(readback.readback_matches(body, about).outcome)


def judge(core: Core, said: Said) -> tuple[tuple[Finding, ...], tuple[Mark, ...]]:
    """What the rules in force read on a statement, and the marks that it is shown with."""
    replaced = core.books.by_leaf.get(said.replaces) if said.replaces else None
    findings = check.check(said, rules_for(core, said), said_of(replaced) if replaced else None)
    unusable = geometry.unusable(geometry.geometry_faults(volumes_of(said)))
    return findings, check.marks(said, findings, unusable)


def words(core: Core, said: Said) -> str:
    """A statement in English, with its marks and their evidence."""
    findings, marks = judge(core, said)
    cited = {leaf: said_of(e) for leaf in (*said.refs, said.replaces) if leaf and (e := core.books.by_leaf.get(leaf))}
    return phrases.render(said, core.genesis.names, cited, marks, findings)


def _show(core: Core, entry: Entry, said: Said) -> None:
    h = entry.header
    _, marks = judge(core, said)
    notes = [str(mark) for mark in marks]
    if h.seq >= core.books.books[entry.slot[:2]].size:
        notes.append("OUT OF SEQUENCE")
    if h.party != core.me and peers.book_key(*entry.slot[:2]) not in core.state.situation.linked:
        notes.append("AUTHOR NOT YET RECONCILED")
    core.show("statement", words(core, said), said.leaf, h.precedence, (h.party, h.kind, h.seq, tuple(notes)))
    if h.party != core.me and said.precedence == Precedence.FLASH:
        core.alarm("flash", f"FLASH from {core.name(h.party)}: {phrases.label(said, core.genesis.names)}")
    if said.leaf in core.state.situation.matters:
        _start_timers(core, said)


def _start_timers(core: Core, said: Said) -> None:
    timers = core.state.situation.timers
    limits = next((dict(rule.limits_ms) for rule in rules_now(core) if isinstance(rule, AckWithin)), {})
    if said.precedence in limits:
        timers.append(Timer(core.mono_ms + limits[said.precedence], "acknowledge", said.leaf))
    if check.doubts(said) and said.party != core.me and core.genesis.body.members[core.me].role == Role.PARTY:
        timers.append(Timer(core.mono_ms + core.state.settings.clarify_ms, "clarify", said.leaf))
        doubts = check.doubts(said)
        words = ", ".join(doubt.name.lower() for doubt in Doubt if doubts & doubt and doubt.name)
        core.show("draft", f"CLARIFY ({words}) is ready to be released", said.leaf, said.precedence, (doubts,))
