"""What must not be forgotten: acknowledgements, clarifications, ends that do not come.

The law: a timer that runs out says what it means in words an officer can act on; it changes nothing by itself.
"""

from typing import Final

from keepclear.accord.statement import Doubt, Precedence
from keepclear.node import matters, situation
from keepclear.node.core import Core
from keepclear.node.state import Matter, Timer
from keepclear.record.genesis import Role

MAX_TIMERS: Final = 10_000  # matters under watch at once; the oldest are dropped first, and that is counted


def begin(core: Core) -> None:
    """After a start the monotonic clock may be another: what is left of each wait is reckoned by the wall clock.

    Never more than the whole wait, should that clock have been put back.
    """
    for timer in core.state.situation.timers:
        left_ms = timer.set_ms + timer.wait_ms - core.wall_ms
        timer.due_ms = core.mono_ms + min(max(0, left_ms), timer.wait_ms)


def remind(core: Core) -> None:
    """Looks at the timers that have run out."""
    sit = core.state.situation
    if len(sit.timers) > MAX_TIMERS:
        core.count_noise("timer dropped", len(sit.timers) - MAX_TIMERS)
        sit.timers = sit.timers[-MAX_TIMERS:]
    due = [timer for timer in sit.timers if timer.due_ms <= core.mono_ms]
    if due:
        sit.timers = [timer for timer in sit.timers if timer.due_ms > core.mono_ms]
    for timer in due:
        matter = sit.matters.get(timer.leaf)
        if matter is not None and matter.status in matters.IN_FORCE:
            _look(core, timer, matter)


def _look(core: Core, timer: Timer, matter: Matter) -> None:
    if timer.what == "acknowledge":
        _acknowledgement(core, matter)
    elif timer.what == "clarify" and (doubts := situation.doubts_left(core, matter)):
        vague = doubts & Doubt.AREA
        what = "AREA UNKNOWN: treat the whole understanding area as affected" if vague else "STILL NOT CLEAR"
        core.show("unclear", f"{what}; not answered by {core.name(matter.party)}", matter.leaf, Precedence.FLASH)
        core.alarm("unclear", what)


def _acknowledgement(core: Core, matter: Matter) -> None:
    if matter.party != core.me:
        ladder = matter.ladder.get(core.me)
        if (ladder is None or ladder.read_ms is None) and core.genesis.body.members[core.me].role == Role.PARTY:
            core.show("owed", "we have not acknowledged this in the agreed time", matter.leaf, matter.precedence)
            core.alarm("owed", f"not acknowledged by us: {core.name(matter.party)}'s statement")
        return
    for member in core.genesis.parties():
        ladder = matter.ladder.get(member)
        if member != core.me and (ladder is None or ladder.read_ms is None):
            text = f"NOT ACKNOWLEDGED by {core.name(member)}: treat as not notified"
            core.show("not acknowledged", text, matter.leaf, matter.precedence, (member,))
            core.alarm("not acknowledged", text)
