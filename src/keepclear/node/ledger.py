"""Taking an entry into the record: the one door for our own, a peer's, and an adopted one.

The law: what goes in has been checked; it is kept with the input that brought it, queued for those who lack it, and
its statement is folded into the situation at once, in or out of sequence.
"""

from keepclear.accord.statement import BY_RULE, Kind, Precedence
from keepclear.line import peer as peers
from keepclear.node import courier, denials, disputes, folding, gaps, keys
from keepclear.node.core import Core
from keepclear.node.effects import Keep, Mark
from keepclear.node.state import Arrival, Owed
from keepclear.record.entry import Entry
from keepclear.record.logbook import MAX_HELD, Verdict


def take(core: Core, entry: Entry, by: int, max_held: int = MAX_HELD) -> Verdict:
    """Adds a checked entry that `by` brought: a peer, or ourselves (said here, or come by bundle)."""
    party, incarnation, seq = entry.slot
    if seq > max_held and (party, incarnation) not in core.books.books:
        return Verdict.FULL  # a logbook of which nothing is held is none
    verdict, contradiction = core.books.add(entry, max_held)
    if contradiction is not None:
        disputes.dispute(core, party, contradiction)
    if verdict in (Verdict.APPENDED, Verdict.HELD):
        _keep(core, entry)
        if entry.header.kind == Kind.KEY_LIST:
            keys.listed(core, entry)
        folding.fold(core, entry)
        if party != core.me:
            denials.heard(core, entry)
        keys.past_end(core, entry)
        courier.offer_entry(core, entry)
    if verdict is Verdict.HELD:
        gaps.opened(core, core.books.books[party, incarnation])
    if verdict not in (Verdict.CONTRADICTION, Verdict.FULL) and by != core.me:
        peer, book = core.state.peers[by], peers.book_key(party, incarnation)
        peers.hold(peer, book, 0, [seq])
        if verdict is Verdict.KNOWN:
            peer.tell.setdefault(book, []).append(seq)  # our word on it was lost on the way, or is about to be said
            if party == by and entry.header.precedence == Precedence.FLASH:
                peer.repeated = True
    return verdict


def _keep(core: Core, entry: Entry) -> None:
    party, incarnation, seq = entry.slot
    state = core.state
    state.undurable[peers.slot_key(party, incarnation, seq)] = state.n
    state.kept += 1
    core.emit(Keep(entry.leaf, entry.raw))
    core.emit(Mark())
    state.heard[party] = max(state.heard.get(party, 0), entry.header.wall_ms)
    newest = core.books.books.get((party, state.newest.get(party, b"")))
    book = core.books.books[party, incarnation]
    if newest is None or (book.start, book.incarnation) > (newest.start, newest.incarnation):
        state.newest[party] = incarnation
    if party != core.me and not core.watches and entry.header.kind not in BY_RULE:
        owed = state.owed.setdefault(peers.book_key(party, incarnation), Owed())
        owed.arrivals[seq] = Arrival(seq, entry.leaf, entry.header.precedence)
