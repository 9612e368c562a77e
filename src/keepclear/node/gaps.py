"""Entries that do not come while later ones are here: lost on the way, waiting at the peer, or held back.

The law: which of these it is cannot be told, and all are said. What has come past the gap was shown as it came.
"""

from typing import Final

from keepclear.accord.statement import Precedence
from keepclear.accord.times import span, to_second
from keepclear.line import paths
from keepclear.line import peer as peers
from keepclear.node.core import Core
from keepclear.node.watched import Gap
from keepclear.record.logbook import Incarnation

TELL_AFTER_MS: Final = 15_000  # three times what the longest pause between two sendings is
SLOW_TELL_AFTER_MS: Final = 600_000  # by radio a backlog takes that long


def opened(core: Core, book: Incarnation) -> None:
    """An entry past a gap has come. Gaps of earlier starts are declared in LINKs, and are not waited for."""
    if core.state.newest.get(book.party) != book.incarnation or book.party == core.me:
        return
    gaps, key = core.state.watched.gaps, peers.book_key(*book.id)
    if key not in gaps:
        for old in [other for other in gaps if other[0] == book.party]:
            del gaps[old]
        gaps[key] = Gap(book.size, core.mono_ms)


def begin(core: Core) -> None:
    """After a start the monotonic clock may be another."""
    for gap in core.state.watched.gaps.values():
        gap.since_ms = core.mono_ms


def look(core: Core) -> None:
    """Tells once of each gap that has not moved for a while, and once when it has closed."""
    gaps = core.state.watched.gaps
    for key, gap in list(gaps.items()):
        book = core.books.books[key[0], key[1:]]
        if not book.held:
            del gaps[key]
            if gap.told:
                text = f"what was missing of {core.name(book.party)} has come"
                core.show("gap", text, precedence=Precedence.PRIORITY, facts=(book.party, book.size, 0))
        elif book.size != gap.size:
            gaps[key] = Gap(book.size, core.mono_ms, gap.told)
        elif not gap.told and core.mono_ms - gap.since_ms >= _patience_ms(core, book.party):
            gap.told = True
            _tell(core, book, core.mono_ms - gap.since_ms)


def _patience_ms(core: Core, party: int) -> int:
    peer = core.state.peers.get(party)
    slow = peer is not None and paths.is_slow(peer.paths)
    return SLOW_TELL_AFTER_MS if slow else TELL_AFTER_MS


def _tell(core: Core, book: Incarnation, waited_ms: int) -> None:
    name, (first, count) = core.name(book.party), book.holes()[0]
    which = f"entry {first}" if count == 1 else f"entries {first} to {first + count - 1}"
    waits = any(key[1] == book.party and quota.waiting for key, quota in core.state.watched.quotas.items())
    why = "they wait beyond the allowance" if waits else "held back by it, or lost on every path"
    text = f"{which} of {name} did not come for {span(to_second(waited_ms))}, later ones did: {why}"
    core.show("gap", text, precedence=Precedence.IMMEDIATE, facts=(book.party, first, count))
    if not waits:
        core.alarm("gap", f"{text}; ask {name} by another way what it said")
