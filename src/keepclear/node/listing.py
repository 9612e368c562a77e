"""The lists of what is in force: said at each reconnect and once a day, held against what we hold.

The law: two that hold the same record hold the same to be in force; a list that differs says that they do not. What its
author cannot have had yet when it was made is no difference. A difference is told at both ends, with the matters.
"""

from typing import Final

from keepclear.accord import in_force, phrases
from keepclear.accord.in_force import Difference
from keepclear.accord.statement import InForceList, Precedence
from keepclear.accord.times import DAY_MS
from keepclear.line.liveness import LineState
from keepclear.node import author, folding, situation
from keepclear.node.core import Core
from keepclear.node.reconcile import ENTRY_ROOM_BYTES
from keepclear.record.entry import Header

SETTLE_MS: Final = 5_000  # after a reconnect, so that what was missed has come first
SETTLE_MOST_MS: Final = 60_000
APART_MS: Final = 60_000  # least time between two lists, however often the line comes back
ON_ITS_WAY_MS: Final = 60_000  # for so long before a list was made, what its author had not seen is no difference
TOLD: Final = 8  # matters that are named


def begin(core: Core) -> None:
    """A start is a reconnect, unless nothing has ever been said on the line."""
    facts = core.state.facts
    facts.list_due_ms = facts.listed_ms = None
    facts.listed_wall_ms = facts.listed_wall_ms or core.wall_ms
    facts.compare_ms = dict.fromkeys(facts.compare_ms, core.mono_ms + folding.COMPARE_AFTER_MS)
    facts.dead = {member: [] for member in core.genesis.parties() if member != core.me and core.books.by_leaf}


def reconnected(core: Core) -> None:
    """A line to a party has come back: a list is due, soon."""
    facts = core.state.facts
    if facts.list_due_ms is None:
        after_ms = 0 if facts.listed_ms is None else facts.listed_ms + APART_MS
        facts.list_due_ms = max(core.mono_ms + SETTLE_MS, after_ms)
        facts.list_by_ms = facts.list_due_ms + SETTLE_MOST_MS


def keep(core: Core) -> None:
    """Says our list when it is due, and looks at the others' when they have settled."""
    facts = core.state.facts
    daily = core.wall_ms - facts.listed_wall_ms >= DAY_MS
    if daily or _is_due(core):
        _say(core)
    for party in [party for party, at_ms in facts.compare_ms.items() if at_ms <= core.mono_ms]:
        del facts.compare_ms[party]
        _tell(core, party)


def difference(core: Core, party: int) -> Difference | None:
    """What differs between a party's newest list and what we hold, as far as its author knew; None without a list."""
    leaf = core.state.facts.lists.get(party)
    if leaf is None:
        return None
    entry = core.books.by_leaf[leaf]
    body = situation.said_of(entry).body
    if not isinstance(body, InForceList):
        return None
    found = in_force.compare(body, situation.in_force_here(core))
    theirs = tuple(one for one in found.theirs if not _is_news(core, entry.header, one))
    ours = tuple(one for one in found.ours if not _is_news(core, entry.header, one))
    return Difference(theirs, ours, found.more)


def _is_due(core: Core) -> bool:
    facts = core.state.facts
    if facts.list_due_ms is None or core.mono_ms < facts.list_due_ms:
        return False
    peers = [core.state.peers[party] for party in core.genesis.parties() if party != core.me]
    alive = [peer for peer in peers if peer.live.state in (LineState.OPEN, LineState.DEGRADED)]
    settled = all(peer.answered and not peer.queue and not peer.flight for peer in alive)
    return bool(alive) and (settled or core.mono_ms >= facts.list_by_ms)


def _say(core: Core) -> None:
    facts = core.state.facts
    facts.list_due_ms, facts.listed_ms, facts.listed_wall_ms = None, core.mono_ms, core.wall_ms
    if not core.is_party or core.state.disk_failed or not core.state.author.incarnation:
        return
    room = core.genesis.body.limits.entry_bytes - ENTRY_ROOM_BYTES
    author.say_by_rule(core, in_force.make(situation.in_force_here(core), room), Precedence.ROUTINE)


def _tell(core: Core, party: int) -> None:
    found = difference(core, party)
    if found is None or not (found.theirs or found.ours or found.more):
        return
    theirs = f"{core.name(party)} holds in force and we do not: {_names(core, found.theirs)}" if found.theirs else ""
    ours = f"we hold in force and {core.name(party)} does not: {_names(core, found.ours)}" if found.ours else ""
    more = "more may differ than its list had room for" if found.more else ""
    text = "WHAT IS IN FORCE DIFFERS: " + "; ".join(part for part in (theirs, ours, more) if part)
    core.show(
        "in force", text, core.state.facts.lists[party], Precedence.IMMEDIATE, (party, *found.theirs, *found.ours)
    )
    core.alarm("in force", text)


def _names(core: Core, leaves: tuple[bytes, ...]) -> str:
    names = [_name(core, leaf) for leaf in leaves[:TOLD]]
    return ", ".join(names) + (f" and {len(leaves) - TOLD} more" if len(leaves) > TOLD else "")


def _name(core: Core, leaf: bytes) -> str:
    entry = core.books.by_leaf.get(leaf)
    return (
        f"{leaf.hex()[:8]} (not held here)"
        if entry is None
        else phrases.label(situation.said_of(entry), core.genesis.names)
    )


def _is_news(core: Core, header: Header, leaf: bytes) -> bool:
    """Whether a matter, or a word on it, is one that the list's author cannot have had when it made the list."""
    matter = core.state.situation.matters.get(leaf)
    if matter is None:
        return False
    words = [
        (matter.party, word.incarnation, word.start, word.seq, word.wall_ms) for word in (matter.born, *matter.words)
    ]
    later = [core.books.by_leaf[one].header for one in matter.successors]
    words += [(one.party, one.incarnation, one.start, one.seq, one.wall_ms) for one in later]
    return any(
        wall_ms > header.wall_ms - ON_ITS_WAY_MS and not _had(core, header, party, incarnation, start, seq)
        for party, incarnation, start, seq, wall_ms in words
    )


def _had(core: Core, header: Header, party: int, incarnation: bytes, start: int, seq: int) -> bool:
    """Whether an entry's author had another one when it spoke, by its own chain and by what it says it had seen."""
    if party == header.party:
        return seq < header.seq if incarnation == header.incarnation else start < header.start
    seen = header.seen[party if party < header.party else party - 1]
    if seen is None:
        return False
    if seen.incarnation == incarnation:
        return seq < seen.size
    book = core.books.books.get((party, seen.incarnation))
    return book is not None and start < book.start
