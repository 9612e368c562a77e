"""Joining the incarnation of this start to the earlier ones, and learning what every peer holds.

The law: a session begins with a question under a fresh nonce; only the answer to it decides what the peer is sent.
Every entry with our own signature that a peer still holds is adopted (it comes as any entry does); then a LINK names
each earlier incarnation, and again as more members answer. Nothing ever makes this process sign in an earlier one.
"""

from typing import Final

from keepclear.accord.statement import Link, Precedence
from keepclear.line import frame as frames
from keepclear.line import peer as peers
from keepclear.line.frame import Ask, Book, Vector
from keepclear.line.peer import Peer
from keepclear.node import author, courier
from keepclear.node.core import Core
from keepclear.node.inputs import Session

LINK_WAIT_MS: Final = 3_000  # how long a LINK waits for entries that a peer says it holds
MAX_OLD: Final = 200  # incarnations that one LINK names: the newest; older ones were named by the LINKs before


def begin(core: Core, data: Session) -> None:
    """Starts a peer afresh on a new session, and asks what it holds."""
    peer = core.state.peers[data.peer]
    core.state.peers[data.peer] = peers.begin(peer, data.session, data.nonce)
    ask(core, core.state.peers[data.peer])


def ask(core: Core, peer: Peer) -> None:
    """Asks the peer for its durable vector, until it has answered."""
    if peer.session and not peer.answered:
        due = peer.asked_ms is None or core.mono_ms - peer.asked_ms >= peers.ASK_AGAIN_MS
        if due:
            peer.asked_ms = core.mono_ms
            courier.send_items(core, peer, [Ask(peer.ask)])


def answer(core: Core, peer: Peer, question: Ask) -> None:
    """Tells the peer everything that is durably held here."""
    books = []
    for book in core.books.all()[-frames.MAX_BOOKS :]:
        size, beyond = core.durable(book)
        held = tuple((seq, entry.leaf) for seq in beyond[: frames.MAX_BEYOND] if (entry := book.get(seq)))
        books.append(Book(book.party, book.incarnation, book.start, size, book.root(size), held))
    courier.send_items(core, peer, [Vector(question.nonce, tuple(books))])


def learn(core: Core, peer: Peer, vector: Vector) -> None:
    """Takes the peer's answer: what it holds, and so what it lacks and what it has of us that we lack."""
    if peer.answered or vector.nonce != peer.ask:
        return
    peer.answered = True
    state = core.state.reconciling
    for book in vector.books:
        key = peers.book_key(book.party, book.incarnation)
        peers.hold(peer, key, book.size, [seq for seq, _ in book.beyond])
        if book.party == core.me and book.incarnation != core.state.author.incarnation:
            state.wanted[key] = max(state.wanted.get(key, 0), book.size)
    courier.offer_all(core, peer)
    if not state.answered & (1 << peer.index):
        state.answered |= 1 << peer.index
        note_change(core)


def note_change(core: Core) -> None:
    """Something that a LINK tells has changed: another member answered, or an old entry of ours turned up."""
    state = core.state.reconciling
    if not state.due:
        state.due, state.since_ms = True, core.mono_ms


def say_due(core: Core) -> None:
    """Says a LINK when one is due and the entries that peers hold of us are here, or have been waited for."""
    state = core.state.reconciling
    if not state.due or not state.answered or core.state.disk_failed:
        return
    missing = any(_held(core, key) < size for key, size in state.wanted.items())
    if missing and core.mono_ms - state.since_ms < LINK_WAIT_MS:
        return
    if missing and state.linked == state.answered:
        return  # it has been said with its holes; again only when they are filled or somebody else answers
    state.due = False
    state.linked = state.answered
    old = [book for book in core.books.of(core.me) if book.incarnation != core.state.author.incarnation]
    body = Link(
        answered=state.answered,
        old=tuple(
            (
                book.incarnation, book.start, book.size, book.root(book.size),
                tuple((seq, book.held[seq].leaf) for seq in book.beyond()[:8]), tuple(book.holes()[:8]),
            )
            for book in old[-MAX_OLD:]
        ),
    )  # fmt: skip
    author.say_by_rule(core, body, Precedence.ROUTINE)
    core.show("reconciled", f"joined to {len(old)} earlier starts; answered by {_names(core, state.answered)}")


def _held(core: Core, key: bytes) -> int:
    book = core.books.books.get((key[0], key[1:]))
    return book.size if book else 0


def _names(core: Core, mask: int) -> str:
    return ", ".join(name for i, name in enumerate(core.genesis.names) if mask >> i & 1)
