"""How large the state of a node may be, whatever is sent to it: of every collection, how many and how many at most.

The law: a bound is a constant of the node, or the number of entries that it holds; the record is kept for ever.
"""

from collections.abc import Collection, Iterable, Iterator

from keepclear.line import frame as frames
from keepclear.line import peer as peers
from keepclear.line.peer import Peer
from keepclear.node import (
    copies,
    denials,
    duties,
    flights,
    folding,
    ladder,
    lost,
    matters,
    quotas,
    situation,
    staffed,
    state,
    witness,
)
from keepclear.node.node import Node
from keepclear.record import logbook

Bound = tuple[str, int, int]


def bounds(node: Node) -> Iterator[Bound]:
    """Name, number, and the most that there may be, of everything that the state collects."""
    s, books, entries = node.state, len(node.books.books), len(node.books.by_leaf)
    sit, members = s.situation, len(s.peers) + 1
    yield "kinds of noise", len(s.noise), state.MAX_NOISE_KINDS
    yield "disputes", len(s.disputes), state.MAX_DISPUTES
    yield "statements outside the record", len(s.outside), situation.MAX_OUTSIDE
    yield "checkpoint notes", len(s.checkpointing.notes), books
    yield "checkpoint notes waiting", len(s.checkpointing.waiting), witness.MAX_WAITING
    yield "old logbooks wanted", len(s.reconciling.wanted), frames.MAX_BOOKS
    yield "statements waiting", _all(sit.waiting.values()), folding.MAX_WAITING * members
    yield "logbooks with receipts waiting", len(sit.unmatched), ladder.MAX_BOOKS
    yield "receipts waiting", _most(sit.unmatched.values()), ladder.MAX_UNMATCHED
    yield "agreements", len(sit.agreements), folding.MAX_AGREEMENTS * members
    yield "matters", len(sit.matters), entries
    yield "newest bundles", len(s.bundles.starts), members
    yield "timers", len(sit.timers), duties.MAX_TIMERS + entries
    yield "words on a matter", _most(m.words for m in sit.matters.values()), matters.MAX_WORDS
    yield "successors", _most(m.successors for m in sit.matters.values()), matters.MAX_SUCCESSORS
    yield "positions", len(s.advice.fleet) + len(s.advice.lost), flights.MAX_POSITIONS
    yield "doubts", len(s.advice.doubts), flights.MAX_POSITIONS
    yield "silent sources", len(s.advice.silent), lost.MAX_SOURCES
    yield "plans", len(s.advice.plans), flights.MAX_PLANS
    yield "line tests", len(s.facts.tests), staffed.MAX_TESTS * members
    yield "words on the channel", len(s.facts.channel), folding.MAX_CHANNEL * members
    watched = s.watched
    yield "quotas", len(watched.quotas), members * members
    yield "entries that wait at peers", _most(quota.waiting for quota in watched.quotas.values()), quotas.MAX_WAITING
    yield "gaps", len(watched.gaps), members
    yield "copies compared", len(watched.copies), copies.MAX_COPIES
    yield "starts with receipts", len(watched.receipts), denials.MAX_STARTS
    yield "logbooks receipted", _most(watched.receipts.values()), denials.MAX_RECEIPTED
    yield "lists of what is in force", len(s.facts.lists), members
    yield "entries not on disk", len(s.undurable), entries
    yield "receipts owed", _all(owed.arrivals for owed in s.owed.values()), entries
    for peer in s.peers.values():
        yield from _peer_bounds(peer, books, entries)


def _peer_bounds(peer: Peer, books: int, entries: int) -> Iterator[Bound]:
    who = f"of peer {peer.index}"
    yield f"logbooks {who}", len(peer.holds), peers.MAX_STRANGE_BOOKS + books
    yield f"slots past a gap {who}", _most(h.beyond for h in peer.holds.values()), logbook.MAX_HELD_URGENT
    yield f"entries on their way {who}", len(peer.flight), entries
    yield f"entries queued {who}", len(peer.queue), 2 * entries
    yield f"entries to relay {who}", len(peer.later), 2 * entries
    yield f"logbooks to tell {who}", len(peer.tell), books


def _most(found: Iterable[Collection[object]]) -> int:
    return max(map(len, found), default=0)


def _all(found: Iterable[Collection[object]]) -> int:
    return sum(map(len, found))
