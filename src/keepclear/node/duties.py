"""What must not be forgotten: acknowledgements, clarifications, ends that do not come.

The law: a timer that runs out says what it means in words an officer can act on; it changes nothing by itself.
"""

from typing import Final

from keepclear.accord import check
from keepclear.accord.statement import Doubt, Kind, Precedence
from keepclear.node import copies, dead_line, gaps, line_tests, listing, matters, quotas, situation, staffed
from keepclear.node.core import Core
from keepclear.node.effects import Show
from keepclear.node.state import Matter, Situation, Timer

MAX_TIMERS: Final = 10_000  # statements under watch at once; the oldest are dropped first, and that is counted


def begin(core: Core) -> None:
    """After a start the monotonic clock may be another: what is left of each wait is reckoned by the wall clock.

    Never more than the whole wait, should that clock have been put back.
    """
    for timer in core.state.situation.timers:
        left_ms = timer.set_ms + timer.wait_ms - core.wall_ms
        timer.due_ms = core.mono_ms + min(max(0, left_ms), timer.wait_ms)
    _note_due(core.state.situation)
    line_tests.begin(core)
    listing.begin(core)
    quotas.begin(core)
    gaps.begin(core)
    copies.begin(core)


def remind(core: Core) -> None:
    """Looks at the timers that have run out, at line tests, lists of what is in force, dead lines, and the others."""
    dead_line.follow(core)
    listing.keep(core)
    line_tests.remind(core)
    quotas.follow(core)
    gaps.look(core)
    copies.look(core)
    _look_at_timers(core)


def _look_at_timers(core: Core) -> None:
    sit = core.state.situation
    if len(sit.timers) > MAX_TIMERS:
        core.count_noise("timer dropped", len(sit.timers) - MAX_TIMERS)
        sit.timers = sit.timers[-MAX_TIMERS:]
    now_ms = core.mono_ms
    if sit.due_ms is None or sit.due_ms > now_ms:
        return
    due = [timer for timer in sit.timers if timer.due_ms <= now_ms]
    sit.timers = [timer for timer in sit.timers if timer.due_ms > now_ms]
    _note_due(sit)
    words = {timer.leaf for timer in due if timer.leaf not in sit.matters}
    read = _who_has_read(core, words) if words else set()
    for timer in due:
        if timer.what == staffed.TEST:
            line_tests.look(core, timer)
            continue
        matter = sit.matters.get(timer.leaf)
        if matter is None:
            entry = core.books.by_leaf[timer.leaf]
            readers = {member for member, leaf in read if leaf == timer.leaf}
            _acknowledgement(core, timer.leaf, entry.header.party, entry.header.precedence, readers)
        elif matter.status in matters.IN_FORCE:
            _look(core, timer, matter)


def _note_due(sit: Situation) -> None:
    sit.due_ms = min((timer.due_ms for timer in sit.timers), default=None)


def watch(core: Core) -> None:
    """Starts a timer for each word on a matter that was just shown and is itself to be acknowledged: ENDED, say."""
    for effect in core.effects:
        if type(effect) is not Show or effect.what != "statement" or effect.leaf in core.state.situation.matters:
            continue
        entry = core.books.by_leaf.get(effect.leaf or b"")
        if entry is None or entry.header.kind not in check.ACK_OWED:
            continue
        wait_ms = situation.ack_limit_ms(core, entry.header.precedence)
        if wait_ms is not None:
            situation.set_timer(core, "acknowledge", entry.leaf, wait_ms)


def _who_has_read(core: Core, leaves: set[bytes]) -> set[tuple[int, bytes]]:
    """Which members have acknowledged which of these statements, in one pass over the record."""
    headers = (entry.header for entry in core.books.by_leaf.values())
    acks = (header for header in headers if header.kind == Kind.ACKNOWLEDGEMENT)
    return {(ack.party, leaf) for ack in acks for leaf in ack.refs if leaf in leaves}


def _look(core: Core, timer: Timer, matter: Matter) -> None:
    if timer.what == "acknowledge":
        readers = {member for member, ladder in matter.ladder.items() if ladder.read_ms is not None}
        _acknowledgement(core, matter.leaf, matter.party, matter.precedence, readers)
    elif timer.what == "clarify" and (doubts := situation.doubts_left(core, matter)):
        vague = doubts & Doubt.AREA
        what = "AREA UNKNOWN: treat the whole understanding area as affected" if vague else "STILL NOT CLEAR"
        core.show("unclear", f"{what}; not answered by {core.name(matter.party)}", matter.leaf, Precedence.FLASH)
        core.alarm("unclear", what)


def _acknowledgement(core: Core, leaf: bytes, party: int, precedence: int, readers: set[int]) -> None:
    if party != core.me:
        if core.me not in readers and core.is_party:
            core.show("owed", "we have not acknowledged this in the agreed time", leaf, precedence)
            core.alarm("owed", f"not acknowledged by us: {core.name(party)}'s statement")
        return
    for member in core.genesis.parties():
        if member != core.me and member not in readers:
            text = f"NOT ACKNOWLEDGED by {core.name(member)}: treat as not notified"
            core.show("not acknowledged", text, leaf, precedence, (member,))
            core.alarm("not acknowledged", text)
