"""Two copies of one member at work at the same time: seen in what they sign.

The law: a process signs in one incarnation, that of its start, so each start stands for a process. Two starts of a
member that have each named the other in a LINK were both at work after both had begun. That cannot come about by ending
one and starting another, whatever was restored, lost or late, and the two LINKs prove it to anybody. It is told once
for each pair, at whoever sees it, the copies themselves among them, and changes nothing else: what either says is taken
in and shown.
"""

from typing import Final

from keepclear.accord import statement
from keepclear.accord.said import Said
from keepclear.accord.statement import Link, Precedence
from keepclear.line import peer as peers
from keepclear.line.peer import BookKey
from keepclear.node.core import Core
from keepclear.node.state import Twins

MAX_TWINS: Final = 100  # pairs that are remembered as told; the oldest are forgotten first
NAMED_DIGITS: Final = 8  # of an incarnation, as people compare them


def link(core: Core, said: Said) -> None:
    """A start of a member has named its earlier ones: is one of them at work beside it?"""
    linked, key = core.state.situation.linked, peers.book_key(said.party, said.incarnation)
    before = core.books.by_leaf.get(linked.get(key, b""))
    if before is None or before.header.seq < said.seq:
        linked[key] = said.leaf  # a later LINK names all that an earlier one does
    for other in _named(said.body):
        if said.incarnation in _named(_newest_link(core, peers.book_key(said.party, other))):
            _tell(core, said.party, said.incarnation, other)


def _newest_link(core: Core, book: BookKey) -> statement.Body | None:
    entry = core.books.by_leaf.get(core.state.situation.linked.get(book, b""))
    if entry is None:
        return None
    try:
        return statement.read(entry.header.kind, entry.body)
    except statement.Unreadable:
        return None


def _named(body: statement.Body | None) -> list[bytes]:
    return [old[0] for old in body.old] if isinstance(body, Link) else []


def _tell(core: Core, party: int, one: bytes, other: bytes) -> None:
    first, second = sorted((one, other))
    twins = Twins(party, first, second)
    if twins in core.state.twins:
        return
    core.state.twins.append(twins)
    del core.state.twins[:-MAX_TWINS]
    core.show("clone", words(core, twins), precedence=Precedence.IMMEDIATE, facts=(party, first, second))
    what = "end one of them" if party == core.me else f"tell {core.name(party)} by another way"
    core.alarm("clone", f"{words(core, twins)}; what either says is shown; {what}")


def words(core: Core, twins: Twins) -> str:
    """Two starts that were at work at the same time, in words."""
    present = core.state.author.incarnation
    if twins.party == core.me and present in (twins.one, twins.other):
        other = twins.other if twins.one == present else twins.one
        return f"a second copy of this node is at work: {_start(core, twins.party, other)}; this is {_own(core)}"
    starts = " and ".join(sorted(_start(core, twins.party, one) for one in (twins.one, twins.other)))
    return f"two copies of {core.name(twins.party)} have been at work at the same time: {starts}"


def _own(core: Core) -> str:
    return _start(core, core.me, core.state.author.incarnation)


def _start(core: Core, party: int, incarnation: bytes) -> str:
    book = core.books.books.get((party, incarnation))
    return f"start {book.start if book else 'not known'} ({incarnation.hex()[:NAMED_DIGITS]})"
