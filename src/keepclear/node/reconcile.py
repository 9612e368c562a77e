"""Joining the incarnation of this start to the earlier ones, and learning what every peer holds.

The law: a session begins with a question under a fresh nonce; only the answer to it decides what the peer is sent.
Every entry with our own signature that a peer still holds is adopted (it comes as any entry does); then a LINK names
each earlier incarnation, and again as more members answer. Nothing ever makes this process sign in an earlier one.
"""

from typing import Final

from keepclear.accord.statement import Link, Precedence
from keepclear.line import frame as frames
from keepclear.line import paths
from keepclear.line import peer as peers
from keepclear.line.frame import Ask, Book, Vector
from keepclear.line.peer import Peer
from keepclear.node import author, courier, keys
from keepclear.node.core import Core
from keepclear.node.inputs import Session
from keepclear.record.logbook import Incarnation

Old = tuple[bytes, int, int, bytes, tuple[tuple[int, bytes], ...], tuple[tuple[int, int], ...]]

LINK_WAIT_MS: Final = 3_000  # how long a LINK waits for entries that a peer says it holds; twice as long each time
LINK_WAIT_MOST_MS: Final = 60_000
MAX_OLD: Final = 200  # incarnations that one LINK names: the newest; older ones were named by the LINKs before
ENTRY_ROOM_BYTES: Final = 1_500  # for header and signatures round a body
BOOK_BYTES: Final = 64  # one logbook in a VECTOR or LINK without what is held past a gap
HELD_BYTES: Final = 44  # one slot and its hash
SHORT_VECTOR: Final = 3  # logbooks; by radio a piece has 265 bytes
MAX_TOLD: Final = 8  # slots past a gap, and gaps, that a LINK tells of one incarnation


def begin(core: Core, data: Session) -> None:
    """Starts a peer afresh on a new session, and asks what it holds."""
    peer = core.state.peers[data.peer]
    core.state.peers[data.peer] = peers.begin(peer, data.session, data.nonce)
    ask(core, core.state.peers[data.peer])


def ask(core: Core, peer: Peer) -> None:
    """Asks the peer for its durable vector, until it has answered."""
    if peer.session and not peer.answered:
        again_ms = peers.SLOW_ASK_AGAIN_MS if paths.is_slow(peer.paths) else peers.ASK_AGAIN_MS
        due = peer.asked_ms is None or core.mono_ms - peer.asked_ms >= again_ms
        if due:
            peer.asked_ms = core.mono_ms
            courier.send_items(core, peer, [Ask(peer.ask)])


def answer(core: Core, peer: Peer, question: Ask) -> None:
    """Tells the peer everything that is durably held here: its own logbooks first, then the newest, as many as fit."""
    long = paths.is_slow(peer.paths) and len(core.books.books) > SHORT_VECTOR
    again_ms = peers.SLOW_TELL_AGAIN_MS if long else peers.TELL_AGAIN_MS
    if peer.told_ms is not None and core.mono_ms - peer.told_ms < again_ms:
        return
    peer.told_ms = core.mono_ms
    books: list[Book] = []
    room = frames.MAX_VECTOR_BYTES
    newest = sorted(core.books.all(), key=lambda book: (book.party != peer.index, -book.start, book.id))
    for book in newest[: frames.MAX_BOOKS]:
        size, beyond = core.durable(book)
        held = tuple((seq, entry.leaf) for seq in beyond[: frames.MAX_BEYOND] if (entry := book.get(seq)))
        room -= BOOK_BYTES + HELD_BYTES * len(held)
        if room < 0:
            break
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
        peers.hold(peer, key, *believed(core, peer, key, book.size, [seq for seq, _ in book.beyond]))
        wanted = key in state.wanted or len(state.wanted) < frames.MAX_BOOKS
        if book.party == core.me and book.incarnation != core.state.author.incarnation and wanted:
            state.wanted[key] = max(state.wanted.get(key, 0), book.size)
    courier.offer_all(core, peer)
    keys.offer_cosigned(core, peer)
    if not state.answered & (1 << peer.index):
        state.answered |= 1 << peer.index
        note_change(core)


def believed(core: Core, peer: Peer, key: peers.BookKey, size: int, beyond: list[int]) -> tuple[int, list[int]]:
    """What a peer says that it holds, as far as it can be: of the present start nobody holds more than we have said.

    More than that would keep us from sending what we say next; the first time, the officer is told.
    """
    if key != peers.book_key(core.me, core.state.author.incarnation):
        return size, beyond
    said = _held(core, key)
    if not peer.ahead and max(size, *(seq + 1 for seq in beyond), 0) > said:
        peer.ahead = True
        claim = max(size, *(seq + 1 for seq in beyond), 0)
        text = (
            f"{core.name(peer.index)} holds more of us than we have said: {claim} entries, said since our start {said}"
        )
        core.show("ahead", text, facts=(peer.index, claim, said))
        core.alarm("ahead", f"{text}; it is sent everything all the same: look whether another copy of this node runs")
    return min(size, said), [seq for seq in beyond if seq < said]


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
    wait_ms = min(LINK_WAIT_MOST_MS, LINK_WAIT_MS << min(state.links, 10))
    if missing and core.mono_ms - state.since_ms < wait_ms:
        return
    state.due = False
    state.linked = state.answered
    state.links += 1
    old = [book for book in core.books.of(core.me) if book.incarnation != core.state.author.incarnation]
    author.say_by_rule(core, Link(answered=state.answered, old=_told(core, old)), Precedence.ROUTINE)
    core.show("reconciled", f"joined to {len(old)} earlier starts; answered by {_names(core, state.answered)}")


def _told(core: Core, old: list[Incarnation]) -> tuple[Old, ...]:
    """What a LINK says of the newest of our earlier incarnations, as many as an entry has room for."""
    room = core.genesis.body.limits.entry_bytes - ENTRY_ROOM_BYTES
    out: list[Old] = []
    for book in reversed(old[-MAX_OLD:]):
        beyond = tuple((seq, book.held[seq].leaf) for seq in book.beyond()[:MAX_TOLD])
        room -= BOOK_BYTES + HELD_BYTES * 2 * len(beyond)
        if room < 0:
            break
        one = (book.incarnation, book.start, book.size, book.root(book.size), beyond, tuple(book.holes()[:MAX_TOLD]))
        out.append(one)
    return tuple(reversed(out))


def _held(core: Core, key: bytes) -> int:
    book = core.books.books.get((key[0], key[1:]))
    return book.size if book else 0


def _names(core: Core, mask: int) -> str:
    return ", ".join(name for i, name in enumerate(core.genesis.names) if mask >> i & 1)
