"""Folding: each statement into the situation as it comes, and with it those that have waited for it.

The law: a statement whose referent has not come yet waits for it, and is shown all the same. Two successors of one
entry are both in force. In the end all that is read here follows from the set of statements, whatever the sequence in
which they came; what a later one changes in the reading of an earlier one is said.
"""

from typing import Final

from keepclear.accord import channel, phrases
from keepclear.accord.outcome import Finding, Mark
from keepclear.accord.said import Said
from keepclear.accord.statement import BY_RULE, Kind
from keepclear.line import peer as peers
from keepclear.node import blobs, clones, copies, denials, ladder, matters, situation, staffed
from keepclear.node.core import Core
from keepclear.node.situation import Judged, said_of
from keepclear.node.state import Matter
from keepclear.record.entry import Entry

COMPARE_AFTER_MS: Final = 10_000  # what was on its way when a list was made has come by then
MAX_WAITING: Final = 4_000  # of one member's statements for what they refer to
MAX_CHANNEL: Final = 64  # words of one party on the state of the channel; the newest are kept
MAX_AGREEMENTS: Final = 500  # proposals and acceptances of one party: one a day for a year


def fold(core: Core, entry: Entry) -> None:
    """Takes a new entry's statement in, shows it, and applies those that waited for it."""
    said = said_of(entry)
    judged = _apply(core, said)
    blobs.named(core, said)
    waits = core.state.situation.waits
    for leaf in core.state.situation.waiting.pop(said.leaf, []):
        waiting = said_of(core.books.by_leaf[leaf])
        waits[waiting.party] -= 1
        _relate_to(core, waiting, said.leaf)
    if said.party == core.me:
        _match_receipts(core, said)
    if said.kind not in BY_RULE:
        situation.show(core, entry, said, *(judged or situation.judge(core, said)))


def _match_receipts(core: Core, said: Said) -> None:
    waiting = core.state.situation.unmatched.get(peers.book_key(said.party, said.incarnation))
    if waiting:
        receipts = [said_of(core.books.by_leaf[leaf]) for leaf in waiting]
        ladder.turned_up(core, said, receipts)
        ladder.forget_matched(core, core.books.books[said.party, said.incarnation], receipts)


def _apply(core: Core, said: Said) -> Judged | None:
    """Does what its kind asks for; what the rules read on it, where that was asked."""
    judged = None
    if said.kind == Kind.RECEIPT:
        ladder.receipt(core, said)
        denials.receipt(core, said)
        copies.receipt(core, said)
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
        judged = situation.judge(core, said)
        _take_down(matters.begin(core, said), *judged)
        core.state.advice.dirty = True
    _relate(core, said)
    return judged


def _set_channel(core: Core, said: Said) -> None:
    """Takes in a party's word on the channel, and says so when that changes who has suspended it."""
    if said.party not in core.genesis.parties():
        return
    before = channel.suspended_by(situation.channel_words(core))
    core.state.facts.channel.append(said.leaf)
    own = [one for one in situation.channel_words(core) if one.party == said.party]
    if len(own) > MAX_CHANNEL:
        core.state.facts.channel.remove(min(own, key=lambda one: (one.wall_ms, one.place)).leaf)
    for matter in core.state.situation.matters.values():
        if matter.wall_ms >= said.wall_ms:
            _judge_anew(core, matter)
    now = channel.suspended_by(situation.channel_words(core))
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


def _take_down(matter: Matter, findings: tuple[Finding, ...], marks: tuple[Mark, ...]) -> bool:
    """Takes down what the rules read on a matter; whether that is new."""
    before = matter.marks, matter.findings
    matter.marks = [str(mark) for mark in marks]
    matter.findings = [(f.rule, f.kind, str(f.outcome), f.evidence) for f in findings]
    return before != (matter.marks, matter.findings)


def _judge_anew(core: Core, matter: Matter) -> None:
    """What the rules read depends on what came later than the statement: says so when it does."""
    said = said_of(core.books.by_leaf[matter.leaf])
    if _take_down(matter, *situation.judge(core, said)):
        text = f"{phrases.label(said, core.genesis.names)}, judged anew: {', '.join(matter.marks) or 'no marks'}"
        core.show("judged anew", text, said.leaf, said.precedence, tuple(matter.marks))


def judge_party(core: Core, party: int) -> None:
    """Judges anew all matters of a party."""
    for matter in core.state.situation.matters.values():
        if matter.party == party:
            _judge_anew(core, matter)


def _relate(core: Core, said: Said) -> None:
    """Applies what a statement does to those that it cites; waits where they have not come."""
    for leaf in dict.fromkeys((*said.refs, *([said.replaces] if said.replaces else []))):
        if leaf in core.books.by_leaf:
            _relate_to(core, said, leaf)
        else:
            _wait(core, leaf, said)


def _wait(core: Core, cited: bytes, by: Said) -> None:
    state = core.state.situation
    waits = state.waits.get(by.party, 0)
    if waits >= MAX_WAITING:
        core.count_noise("statement on what never came, beyond the limit")
        return
    state.waits[by.party] = waits + 1
    state.waiting.setdefault(cited, []).append(by.leaf)


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


def _agree(core: Core, said: Said) -> None:
    state = core.state.situation
    by = sum(core.books.by_leaf[leaf].header.party == said.party for leaf in state.agreements)
    if by >= MAX_AGREEMENTS:
        core.count_noise("word on an understanding beyond the limit")
        return
    before = situation.agreed(core)
    state.agreements.append(said.leaf)
    now = situation.agreed(core)
    if now == before:
        return
    if len(now) > state.understandings:
        text = f"all parties have accepted; {len(now)} understandings have come into force on this line"
        core.show("understanding", text, said.leaf, said.precedence)
    state.understandings = len(now)
    for matter in state.matters.values():
        if matter.kind in (Kind.NOTICE, Kind.AMEND):
            _judge_anew(core, matter)
