"""The clocks of the others: how far each is from ours, whether one has jumped, when a statement can have been said.

The law: this is what our own node has measured. It is shown to our officer and said to nobody, and no rule is judged by
it: the other end cannot hold the same. A jump counts when an exchange CONFIRM_MS later says the same; whose clock it
was cannot be told from two. Nothing that a clock does keeps a statement from being shown.
"""

from typing import Final

from keepclear.accord.statement import BY_RULE, Notice, Precedence
from keepclear.accord.times import span, zulu
from keepclear.line.offset import Offset, jump_ms, narrowed, whole_hours
from keepclear.node import situation
from keepclear.node.core import Core
from keepclear.node.state import Matter, PeerClock
from keepclear.record.entry import Entry

CONFIRM_MS: Final = 2_000
APART_MS: Final = 1_000  # more than both declared errors by as much: a second is what officers read out
TELL_AGAIN_MS: Final = 60_000  # claims that cannot be so, of one party


def begin(core: Core) -> None:
    """After a start our monotonic clock may be another: what was measured by the last one is void."""
    core.state.clocks = {party: PeerClock() for party in core.state.peers}


def measured(core: Core, party: int, low_ms: int, high_ms: int) -> None:
    """Takes the bounds that one exchange has put on a peer's clock."""
    clock, new = core.state.clocks.setdefault(party, PeerClock()), Offset(low_ms, high_ms, core.mono_ms)
    if clock.offset is None or not jump_ms(clock.offset, new):
        clock.offset, clock.other = narrowed(clock.offset, new), None
    elif clock.other is None or jump_ms(clock.other, new):
        clock.other = new
    elif new.at_ms - clock.other.at_ms >= CONFIRM_MS:
        _say_jump(core, party, jump_ms(clock.offset, new))
        clock.offset, clock.other = narrowed(clock.other, new), None
    if clock.other is None:
        _say_apart(core, party, clock)


def heard(core: Core, entry: Entry) -> None:
    """Holds an entry's own time against when it can have been said, and keeps these bounds with its matter."""
    header = entry.header
    if header.party == core.me or header.kind in BY_RULE:
        return
    earliest_ms, latest_ms = bracket = _bracket(core, entry)
    matter = core.state.situation.matters.get(entry.leaf)
    if matter is not None:
        matter.bracket = bracket
    error_ms = abs(header.wall_err_ms)
    said = f"{core.name(header.party)} says that it said this at {zulu(header.wall_ms, core.wall_ms)}"
    if latest_ms is not None and header.wall_ms - error_ms > latest_ms:
        _say_claim(core, entry, f"{said}; when it came, its clock was not beyond {zulu(latest_ms, core.wall_ms)}")
    elif earliest_ms is not None and header.wall_ms + error_ms < earliest_ms:
        _say_claim(core, entry, f"{said}; it had said what stands before it by {zulu(earliest_ms, core.wall_ms)}")


def least_notice_ms(core: Core, matter: Matter) -> int | None:
    """How long before its start, at least, a peer's notice was here: the start by its author's clock as we have it.

    None while its start, or its author's clock, is not known.
    """
    body, clock = situation.said_of(core.books.by_leaf[matter.leaf]).body, core.state.clocks.get(matter.party)
    if not isinstance(body, Notice) or body.start_ms is None or clock is None or clock.offset is None:
        return None
    return body.start_ms - clock.offset.at(core.mono_ms)[1] - matter.came_ms


def _bracket(core: Core, entry: Entry) -> tuple[int | None, int | None]:
    """By its author's clock: no earlier than what stands before it, no later than now."""
    header, clock = entry.header, core.state.clocks.get(entry.header.party)
    before = core.books.books[entry.slot[:2]].get(header.seq - 1)
    earliest_ms = None if before is None else before.header.wall_ms - abs(before.header.wall_err_ms)
    if clock is None or clock.offset is None:
        return earliest_ms, None
    return earliest_ms, core.wall_ms + clock.offset.at(core.mono_ms)[1]


def _say_claim(core: Core, entry: Entry, text: str) -> None:
    clock = core.state.clocks.setdefault(entry.header.party, PeerClock())
    if clock.claim_ms is not None and core.mono_ms - clock.claim_ms < TELL_AGAIN_MS:
        core.count_noise("time of a statement outside its bounds")
        return
    clock.claim_ms = core.mono_ms
    core.show("clock", text, entry.leaf, Precedence.PRIORITY, (entry.header.party,))


def _say_jump(core: Core, party: int, by_ms: int) -> None:
    way = "ahead" if by_ms > 0 else "back"
    name = core.name(party)
    text = f"{name}'s clock against ours has jumped {way} by {span(abs(by_ms))} or more: which of the two, look at both"
    core.show("clock", text, precedence=Precedence.IMMEDIATE, facts=(party, by_ms))
    core.alarm("clock", text)


def _say_apart(core: Core, party: int, clock: PeerClock) -> None:
    """Says once that two clocks differ by more than both declare, and once that they do not any more."""
    assert clock.offset is not None
    low_ms, high_ms = clock.offset.at(core.mono_ms)
    least_ms = max(0, low_ms) or min(0, high_ms)
    is_apart = abs(least_ms) > core.state.now.wall_err_ms + _declared_ms(core, party) + APART_MS
    if is_apart == clock.apart:
        return
    clock.apart, name = is_apart, core.name(party)
    if not is_apart:
        core.show("clock", f"{name}'s clock and ours agree again", precedence=Precedence.PRIORITY, facts=(party, 0))
        return
    hours = whole_hours(low_ms, high_ms)
    text = f"{name}'s clock is {span(abs(least_ms))} or more {'ahead of' if least_ms > 0 else 'behind'} ours"
    text += f", {abs(hours)} h: a time of another zone at one end?" if hours else ", more than both declare"
    core.show("clock", text, precedence=Precedence.IMMEDIATE, facts=(party, least_ms, hours))
    core.alarm("clock", text)


def _declared_ms(core: Core, party: int) -> int:
    """The clock error that a member's newest entry declares."""
    book = core.books.books.get((party, core.state.newest.get(party, b"")))
    return abs(book.entries[-1].header.wall_err_ms) if book is not None and book.entries else 0
