"""Checkpoints: making our own, cosigning those of others, passing on what has been signed.

The law: a member cosigns only what it durably holds and has found to have the very root that the author claims;
another root is a contradiction, kept with the note as evidence. What a cosignature attests is bytes and a time.
"""

from functools import lru_cache
from typing import Final

from keepclear.line import paths
from keepclear.line.frame import Note
from keepclear.line.peer import Peer
from keepclear.node import courier, disputes, keys
from keepclear.node.core import Core
from keepclear.node.effects import ED25519, MLDSA, KeepNote, Sign
from keepclear.node.inputs import Signed
from keepclear.node.state import Checkpointing, Signing
from keepclear.record import checkpoint
from keepclear.record.checkpoint import Checkpoint, Verified
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import Contradiction
from keepclear.record.note import BadNote, KeyType

OFFER_AGAIN_MS: Final = 2_000
SLOW_OFFER_AGAIN_MS: Final = 60_000
MAX_WAITING: Final = 64


def begin(core: Core) -> None:
    """A new incarnation has no checkpoint yet; the notes of earlier ones stay."""
    old = core.state.checkpointing
    core.state.checkpointing = Checkpointing(0, core.mono_ms, core.mono_ms, old.notes, {})


def make_due(core: Core) -> None:
    """Makes a checkpoint when the time or the number of entries has come; cosigns what was waited for; offers again."""
    state, settings = core.state.checkpointing, core.state.settings
    size = _own_size(core)
    grown, waited = size - state.size, core.mono_ms - state.made_ms
    if grown >= settings.checkpoint_every_entries or (grown and waited >= settings.checkpoint_every_ms):
        make(core)
    for origin, (party, incarnation, needed, raw) in list(state.waiting.items()):
        if _durable_size(core, party, incarnation) >= needed:
            _weigh(core, _verified(core, raw), origin)
    if core.mono_ms - state.offered_ms >= OFFER_AGAIN_MS:
        state.offered_ms = core.mono_ms
        _offer_own(core)


def make(core: Core) -> None:
    """Signs a checkpoint of our own logbook at its durable size, if it has grown since the last one."""
    state, author = core.state.checkpointing, core.state.author
    size = _own_size(core)
    if size <= state.size or core.state.disk_failed:
        return
    state.size, state.made_ms = size, core.mono_ms
    book = core.books.books[core.me, author.incarnation]
    _ask_signatures(core, Checkpoint(core.me, author.incarnation, size, book.root(size)), KeyType.ED25519)


def take_note(core: Core, peer: Peer, raw: bytes) -> None:
    """Takes in a checkpoint that a peer sent: ours with its cosignature, its own, or a third member's."""
    if raw in core.state.checkpointing.notes.values():
        return
    try:
        verified = _verified(core, raw)
    except BadNote:
        core.count_noise("malformed checkpoint")
        return
    origin = verified.text.split("\n", 1)[0]
    if _weigh(core, verified, origin) and core.state.checkpointing.notes[origin] != verified.raw:
        courier.send_items(core, peer, [Note(core.state.checkpointing.notes[origin])])


def signed(core: Core, data: Signed) -> None:
    """Puts a signature that was asked for on its checkpoint, keeps the note, and sends it when it is complete."""
    author = core.state.author
    if not author.signing or author.signing[0].token != data.token:
        return
    one = author.signing.pop(0)
    at = Checkpoint(one.party, one.incarnation, one.size, one.root)
    key = checkpoint.key(core.genesis, core.me, KeyType(one.key_type), core.keys.node_place(core.me, one.epoch)[1])
    origin = checkpoint.origin(core.genesis, one.party, one.incarnation)
    known = core.state.checkpointing.notes.get(origin)
    lines = [checkpoint.line(key, one.time_s, data.signature)]
    if known is not None:
        before = _verified(core, known)
        if before.checkpoint.size > one.size:
            return  # a newer one has come while the key was at work
        lines += (one.signature for one in before.signers if before.text == checkpoint.text(core.genesis, at))
    _keep(core, origin, at.size, checkpoint.put_together(core.genesis, at, lines))
    if not any((s.party, s.incarnation, s.size) == (one.party, one.incarnation, one.size) for s in author.signing):
        _send_to_all(core, origin)


def _verified(core: Core, raw: bytes) -> Verified:
    return _verified_by(core.keys, core.keys.version, raw)


@lru_cache(maxsize=64)
def _verified_by(lists: KeyBook, _version: int, raw: bytes) -> Verified:
    """As checkpoint.verify, remembered: a note comes again with every repetition and every cosignature."""
    return checkpoint.verify(lists.genesis, raw, lists)


def _own_size(core: Core) -> int:
    return _durable_size(core, core.me, core.state.author.incarnation)


def _durable_size(core: Core, party: int, incarnation: bytes) -> int:
    book = core.books.books.get((party, incarnation))
    return core.durable_size(book) if book else 0


def _weigh(core: Core, verified: Verified, origin: str) -> bool:
    """Holds a checkpoint against our own copy; True if it is of the newest size known here and agrees."""
    at, state = verified.checkpoint, core.state.checkpointing
    if at.size == 0:
        core.count_noise("checkpoint of nothing")
        return False
    if _durable_size(core, at.party, at.incarnation) < at.size:
        if origin in state.waiting or len(state.waiting) < MAX_WAITING:
            state.waiting[origin] = (at.party, at.incarnation, at.size, verified.raw)
        return False
    state.waiting.pop(origin, None)
    book = core.books.books.get((at.party, at.incarnation))
    if book is not None and book.root(at.size) != at.root:
        evidence = Contradiction("its checkpoint is not of its entries", book.entries[at.size - 1].raw, verified.raw)
        disputes.dispute(core, at.party, evidence)
        return False
    return _adopt(core, verified, origin)


def _adopt(core: Core, verified: Verified, origin: str) -> bool:
    known = core.state.checkpointing.notes.get(origin)
    before = _verified(core, known) if known is not None else None
    if before is not None and before.checkpoint.size > verified.checkpoint.size:
        return False
    if before is not None and before.text == verified.text:
        verified = checkpoint.merge(before, verified)
    if known != verified.raw:
        _keep(core, origin, verified.checkpoint.size, verified.raw)
    keys.cosigned(core, verified)
    mine = any(one.key.member == core.me for one in verified.signers) or not keys.may_cosign(core, verified)
    if not mine and verified.checkpoint.party != core.me and not core.state.disk_failed:
        _ask_signatures(core, verified.checkpoint, KeyType.COSIGNATURE)
    return True


def _ask_signatures(core: Core, at: Checkpoint, first: KeyType) -> None:
    author = core.state.author
    if any((s.party, s.incarnation, s.size) == (at.party, at.incarnation, at.size) for s in author.signing):
        return
    time_s = max(0, core.wall_ms // 1_000)
    for key_type in (first, KeyType.MLDSA44):
        author.tokens += 1
        epoch = core.state.keys.epoch
        author.signing.append(
            Signing(author.tokens, key_type, at.party, at.incarnation, at.size, at.root, time_s, epoch)
        )
        pair = core.keys.node_place(core.me, epoch)[1]
        key = checkpoint.key(core.genesis, core.me, key_type, pair)
        message = checkpoint.message(core.genesis, at, key, time_s)
        core.emit(Sign(author.tokens, MLDSA if key_type is KeyType.MLDSA44 else ED25519, message, pair.ed25519))


def _keep(core: Core, origin: str, size: int, raw: bytes) -> None:
    core.state.checkpointing.notes[origin] = raw
    core.emit(KeepNote(origin, size, raw))


def _offer_own(core: Core) -> None:
    """Offers our newest checkpoint again to those whose cosignature is not on it."""
    origin = checkpoint.origin(core.genesis, core.me, core.state.author.incarnation)
    raw = core.state.checkpointing.notes.get(origin)
    if raw is None:
        return
    names = {one.signature.name for one in _verified(core, raw).signers}
    for peer in core.state.peers.values():
        if peer.session and checkpoint.key_name(core.genesis, peer.index) not in names and _may_offer(core, peer):
            courier.send_items(core, peer, [Note(raw)])


def _may_offer(core: Core, peer: Peer) -> bool:
    """A note is three seconds of air by radio: there it is offered again after a minute and not sooner."""
    if not paths.is_slow(peer.paths):
        return True
    if peer.noted_ms is not None and core.mono_ms - peer.noted_ms < SLOW_OFFER_AGAIN_MS:
        return False
    peer.noted_ms = core.mono_ms
    return True


def _send_to_all(core: Core, origin: str) -> None:
    for peer in core.state.peers.values():
        if peer.session:
            peer.noted_ms = core.mono_ms
            courier.send_items(core, peer, [Note(core.state.checkpointing.notes[origin])], durable=True)
