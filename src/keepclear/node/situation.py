"""What the record says now: every statement is folded into the matters that are in force, as it comes.

The law: a warning is shown at once, whatever is wrong with it, with its marks. Nothing ends by itself: a notice
stays until its author says ENDED or CANCEL, a hazard until the one who declared it says ALL-CLEAR. A statement
whose referent has not come yet waits for it, and is shown all the same. Two successors of one entry are both in force.
In the end all that is read here follows from the set of statements, whatever the sequence in which they came.
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
from keepclear.node import clones, ladder, matters, staffed
from keepclear.node.core import Core
from keepclear.node.state import Matter, Timer
from keepclear.record import entry as entries
from keepclear.record.entry import Entry

COMPARE_AFTER_MS: Final = 10_000  # what was on its way when a list was made has come by then
IN_FORCE, ACTIVE = matters.IN_FORCE, matters.ACTIVE
MAX_WAITING: Final = 4_000  # of one member's statements for what they refer to
MAX_OUTSIDE: Final = 1_000  # statements outside the record that are remembered as shown
MAX_CHANNEL: Final = 64  # words of one party on the state of the channel; the newest are kept
MAX_AGREEMENTS: Final = 500  # proposals and acceptances of one party: one a day for a year


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
    waits = core.state.situation.waits
    for leaf in core.state.situation.waiting.pop(said.leaf, []):
        waiting = said_of(core.books.by_leaf[leaf])
        waits[waiting.party] -= 1
        _relate_to(core, waiting, said.leaf)
    if said.party == core.me:
        _match_receipts(core, said)
    if said.kind not in BY_RULE:
        show(core, entry, said)


def _match_receipts(core: Core, said: Said) -> None:
    waiting = core.state.situation.unmatched.get(peers.book_key(said.party, said.incarnation))
    if waiting:
        receipts = [said_of(core.books.by_leaf[leaf]) for leaf in waiting]
        ladder.turned_up(core, said, receipts)
        ladder.forget_matched(core, core.books.books[said.party, said.incarnation], receipts)


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


def _apply(core: Core, said: Said) -> None:
    if said.kind == Kind.RECEIPT:
        ladder.receipt(core, said)
    elif said.kind == Kind.LINK:
        clones.link(core, said)
    elif said.kind in (Kind.UNDERSTANDING, Kind.ACCEPT):
        _agree(core, said)
    elif said.kind == Kind.LINE_TEST:
        staffed.tested(core, said, bool(core.books.by_leaf[said.leaf].releases))
    elif said.kind == Kind.CHANNEL_STATE:
        _set_channel(core, said)
    elif said.kind == Kind.IN_FORCE_LIST:
        _note_list(core, said)
    elif said.kind in matters.OPENING:
        _judge(core, matters.begin(core, said), said)
        core.state.advice.dirty = True
    _relate(core, said)


def _set_channel(core: Core, said: Said) -> None:
    """Takes in a party's word on the channel, and says so when that changes who has suspended it."""
    if said.party not in core.genesis.parties():
        return
    before = channel.suspended_by(channel_words(core))
    core.state.facts.channel.append(said.leaf)
    own = [one for one in channel_words(core) if one.party == said.party]
    if len(own) > MAX_CHANNEL:
        core.state.facts.channel.remove(min(own, key=lambda one: (one.wall_ms, one.place)).leaf)
    for matter in core.state.situation.matters.values():
        if matter.wall_ms >= said.wall_ms:
            _judge_anew(core, matter)
    now = channel.suspended_by(channel_words(core))
    if now != before:
        names = " and ".join(core.name(party) for party in now)
        text = f"the channel is suspended by {names}: what is said is marked, nothing is held back" if now else ""
        core.show("channel", text or "no party suspends the channel any more", said.leaf, said.precedence, now)
        if said.party != core.me:
            core.alarm("channel", text or f"{core.name(said.party)} uses the channel again")


def _note_list(core: Core, said: Said) -> None:
    """Remembers each party's newest list of what it holds to be in force, to be held against ours in a while."""
    facts = core.state.facts
    if _is_newer(core, said, facts.lists.get(said.party)):
        facts.lists[said.party] = said.leaf
        if said.party != core.me:
            facts.compare_ms[said.party] = core.mono_ms + COMPARE_AFTER_MS


def _judge(core: Core, matter: Matter, said: Said) -> bool:
    """Takes down what the rules read on a matter; whether that is new."""
    findings, marks = judge(core, said)
    before = matter.marks, matter.findings
    matter.marks = [str(mark) for mark in marks]
    matter.findings = [(f.rule, f.kind, str(f.outcome), f.evidence) for f in findings]
    return before != (matter.marks, matter.findings)


def _judge_anew(core: Core, matter: Matter) -> None:
    """What the rules read depends on what came later than the statement: says so when it does."""
    said = said_of(core.books.by_leaf[matter.leaf])
    if _judge(core, matter, said):
        text = f"{phrases.label(said, core.genesis.names)}, judged anew: {', '.join(matter.marks) or 'no marks'}"
        core.show("judged anew", text, said.leaf, said.precedence, tuple(matter.marks))


def _relate(core: Core, said: Said) -> None:
    """Applies what a statement does to those that it cites; waits where they have not come."""
    for leaf in dict.fromkeys((*said.refs, *([said.replaces] if said.replaces else []))):
        if leaf in core.books.by_leaf:
            _relate_to(core, said, leaf)
        else:
            _wait(core, leaf, said)


def _wait(core: Core, cited: bytes, by: Said) -> None:
    situation = core.state.situation
    waits = situation.waits.get(by.party, 0)
    if waits >= MAX_WAITING:
        core.count_noise("statement on what never came, beyond the limit")
        return
    situation.waits[by.party] = waits + 1
    situation.waiting.setdefault(cited, []).append(by.leaf)


def _relate_to(core: Core, said: Said, leaf: bytes) -> None:
    if said.kind == Kind.TEST_REPLY:
        staffed.answered(core, said, leaf, bool(core.books.by_leaf[said.leaf].releases))
        return
    if said.kind in (Kind.AMEND, Kind.CANCEL):
        if said.body is not None:  # what cannot be read takes nothing readable out of force
            _replace(core, said)
        return
    about = _asked_about(core, leaf) if said.kind == Kind.ANSWER else leaf
    if about not in core.books.by_leaf:
        _wait(core, about, said)
        return
    matter = core.state.situation.matters.get(about)
    if matter is None:
        return
    own = matter.party == said.party
    if said.kind == Kind.CLARIFY:
        matter.clarified = True
    elif said.kind == Kind.ANSWER and own:
        _answer(core, matter, said)
    elif said.kind == Kind.ACKNOWLEDGEMENT and not own:
        ladder.acknowledge(matter, said, said_of(core.books.by_leaf[leaf]).body)
    elif own:
        matters.tell(core, matter, said)
    core.state.advice.dirty = True


def _replace(core: Core, said: Said) -> None:
    """Applies an AMEND or CANCEL to what it replaces, as far as that is here, and judges the new reading by it."""
    for leaf in dict.fromkeys((*said.refs, *([said.replaces] if said.replaces else []))):
        matter = core.state.situation.matters.get(leaf)
        if matter is not None and matter.party == said.party and (said.replaces == leaf or _joins(core, said, leaf)):
            matters.succeed(core, matter, said)
    successor = core.state.situation.matters.get(said.leaf)
    if successor is not None:
        _judge_anew(core, successor)
    core.state.advice.dirty = True


def _joins(core: Core, said: Said, leaf: bytes) -> bool:
    """Whether what replaces one of two successors of an entry cites this other one: then it replaces both."""
    other = core.books.by_leaf.get(said.replaces) if said.replaces else None
    origin = core.books.by_leaf[leaf].header.replaces
    return origin is not None and other is not None and other.header.replaces == origin


def _asked_about(core: Core, leaf: bytes) -> bytes:
    """What an answer is about: the statement that it cites, or what the question that it cites was about."""
    header = core.books.by_leaf[leaf].header
    return header.refs[0] if header.kind == Kind.CLARIFY and header.refs else leaf


def _answer(core: Core, matter: Matter, said: Said) -> None:
    """The newest answer counts."""
    if _is_newer(core, said, matter.answer):
        matter.answer = said.leaf
        core.said_of(matter.leaf)


def _is_newer(core: Core, said: Said, than: bytes | None) -> bool:
    """Whether a statement is the newer word of one author, by its own clock and then by its place; than none it is."""
    before = None if than is None else said_of(core.books.by_leaf[than])
    return before is None or (before.wall_ms, before.place) < (said.wall_ms, said.place)


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


def _agree(core: Core, said: Said) -> None:
    situation = core.state.situation
    by = sum(core.books.by_leaf[leaf].header.party == said.party for leaf in situation.agreements)
    if by >= MAX_AGREEMENTS:
        core.count_noise("word on an understanding beyond the limit")
        return
    before = agreed(core)
    situation.agreements.append(said.leaf)
    now = agreed(core)
    if now == before:
        return
    if len(now) > situation.epoch:
        core.show(
            "understanding", f"all parties have accepted; the line is in epoch {len(now)}", said.leaf, said.precedence
        )
    situation.epoch = len(now)
    for matter in situation.matters.values():
        if matter.kind in (Kind.NOTICE, Kind.AMEND):
            _judge_anew(core, matter)


def judge(core: Core, said: Said) -> tuple[tuple[Finding, ...], tuple[Mark, ...]]:
    """What the rules in force read on a statement, and the marks that it is shown with."""
    replaced = core.books.by_leaf.get(said.replaces) if said.replaces else None
    if replaced is not None and replaced.header.party != said.party:
        replaced = None  # nobody amends another's notice
    suspended = (Mark.SUSPENDED,) if channel.is_marked(said, channel_words(core)) else ()
    if said.body is None and said.kind in matters.OPENING:
        return (), (Mark.VAGUE, *suspended)  # a warning that cannot be read is one of unknown area
    findings = check.check(said, rules_for(core, said), said_of(replaced) if replaced else None)
    return findings, (*check.marks(said, findings, _unusable(volumes_of(said))), *suspended)


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


def show(core: Core, entry: Entry, said: Said) -> None:
    """Shows a statement with its marks, calls for a FLASH, and starts its timers."""
    h = entry.header
    findings, marks = judge(core, said)
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
        core.state.situation.timers.append(_timer(core, staffed.TEST, said.leaf, rule.reply_ms))


def _start_timers(core: Core, said: Said) -> None:
    timers = core.state.situation.timers
    limits = next((dict(rule.limits_ms) for rule in rules_now(core) if isinstance(rule, AckWithin)), {})
    if said.precedence in limits:
        timers.append(_timer(core, "acknowledge", said.leaf, limits[said.precedence]))
    if check.doubts(said) and said.party != core.me and core.is_party:
        timers.append(_timer(core, "clarify", said.leaf, core.state.settings.clarify_ms))
        doubts = check.doubts(said)
        words = ", ".join(doubt.name.lower() for doubt in Doubt if doubts & doubt and doubt.name)
        core.show("draft", f"CLARIFY ({words}) is ready to be released", said.leaf, said.precedence, (doubts,))


def _timer(core: Core, what: str, leaf: bytes, wait_ms: int) -> Timer:
    return Timer(core.mono_ms + wait_ms, what, leaf, core.wall_ms, wait_ms)
