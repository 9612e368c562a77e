"""Taking in a frame that a session opened: times first, then each item by its kind.

The law: nothing in a frame can make this raise. What is malformed is counted and dropped; what is validly signed is
taken into the record whatever it says; what contradicts its author's earlier word becomes a dispute.
"""

import re
from hashlib import blake2b
from typing import Final

from keepclear.accord.statement import Precedence
from keepclear.accord.times import zulu
from keepclear.line import frame as frames
from keepclear.line import liveness
from keepclear.line import peer as peers
from keepclear.line.frame import Ask, EntryItem, Have, Item, Note, Vector
from keepclear.line.peer import Peer
from keepclear.node import author, clocks, disk, disputes, keys, ledger, quotas, reconcile, resumed, situation, witness
from keepclear.node.core import Core
from keepclear.node.inputs import Brought, Receive
from keepclear.node.state import Bundles
from keepclear.record import entry as entries
from keepclear.record.entry import INCARNATION_BYTES, BadEntry, Entry, Unlisted
from keepclear.record.logbook import Contradiction, Verdict

RAW_TEXT_CHARS: Final = 400  # the last ones: what was said stands behind the signatures
WORDS: Final = re.compile(r"[^\W_][\w ,.:;()/+-]{3,}")


def receive(core: Core, data: Receive) -> None:
    """Takes in one frame from a peer."""
    peer = core.state.peers.get(data.peer)
    if peer is None or peer.session != data.session:
        core.count_noise("frame of an ended session")
        return
    try:
        frame, items, strange = frames.read(data.frame)
    except frames.BadFrame:
        core.count_noise("malformed frame")
        return
    if strange:
        core.count_noise("unknown item", strange)
    resumed.echoed(core, peer, frame.echo_ms)
    now = core.mono_ms, core.wall_ms
    bounds = liveness.hear(peer.live, frame.mono_ms, frame.wall_ms, frame.echo_ms, frame.hold_ms, now=now)
    if bounds is not None:
        clocks.measured(core, peer.index, *bounds)
    path = peer.paths.get(frame.path) if frame.path == data.path else None
    if path is not None:
        liveness.hear(path.live, frame.mono_ms, frame.wall_ms, frame.echo_ms, frame.hold_ms, now=now)
    disk.hear(core, peer, frame.mono_ms, items)
    for item in items:
        _take_item(core, peer, item)


def bring(core: Core, data: Brought) -> None:
    """Takes in entries that came by bundle. It says nothing of the line, which stays as dead or alive as it is."""
    sender = core.name(data.sender) if 0 <= data.sender < len(core.genesis.names) else "nobody of this line"
    core.by_bundle = True
    starts = core.state.bundles.starts
    if 0 <= data.sender < len(core.genesis.names) and starts.get(data.sender, (data.made_ms,))[0] <= data.made_ms:
        starts[data.sender] = data.made_ms, data.incarnation
    core.state.bundles = Bundles(core.mono_ms, core.wall_ms, data.sender, data.made_ms, starts=starts)
    if data.nth == 0:
        text = f"a bundle of {sender} is being taken in, made {zulu(data.made_ms)} by its clock"
        core.show("bundle", text, facts=(data.sender, data.made_ms))
    verdicts = [_take_entry(core, None, raw) for raw in data.entries]
    new = sum(verdict in (Verdict.APPENDED, Verdict.HELD) for verdict in verdicts)
    known = verdicts.count(Verdict.KNOWN)
    text = f"{new} entries new, {known} known, {len(verdicts) - new - known} not taken"
    core.show("brought", text, facts=(data.token, new, known, len(verdicts) - new - known))


def _take_have(core: Core, peer: Peer, have: Have) -> None:
    if not _is_book(core, have.party, have.incarnation) or have.size < 0:
        core.count_noise("word on no logbook")
        return
    book = peers.book_key(have.party, have.incarnation)
    strange = book not in peer.holds and (have.party, have.incarnation) not in core.books.books
    if strange and len(peer.holds) >= peers.MAX_STRANGE_BOOKS:
        core.count_noise("word on more logbooks than are kept in mind")
        return
    size, beyond = reconcile.believed(core, peer, book, have.size, list(have.beyond[: frames.MAX_BEYOND]))
    peers.hold(peer, book, size, beyond, core.mono_ms)


def _take_item(core: Core, peer: Peer, item: Item) -> None:
    match item:
        case EntryItem(raw, undurable):
            core.on_no_disk = undurable
            _take_entry(core, peer, raw)
        case Have():
            _take_have(core, peer, item)
        case Ask():
            reconcile.answer(core, peer, item)
        case Vector():
            sound = tuple(b for b in item.books if _is_book(core, b.party, b.incarnation) and b.size >= 0)
            reconcile.learn(core, peer, Vector(item.nonce, sound[: frames.MAX_BOOKS]))
        case Note() if quotas.admits_note(core, peer):
            witness.take_note(core, peer, item.raw)


def _is_book(core: Core, party: int, incarnation: bytes) -> bool:
    return 0 <= party < len(core.genesis.names) and len(incarnation) == INCARNATION_BYTES


def _take_entry(core: Core, peer: Peer | None, raw: bytes) -> Verdict | None:
    """What became of an entry from a peer, or from a bundle; None for one that was not taken."""
    core.at_work = raw
    if core.state.aside and blake2b(raw, digest_size=16).digest() in core.state.aside:
        _show_raw(core, raw)
        return None
    try:
        entry = entries.read(raw, core.genesis.body.limits.entry_bytes)
        book = core.books.books.get(entry.slot[:2])
        known = book.get(entry.header.seq) if book is not None else None
        if known is None or known.raw != raw:
            if peer is not None and not quotas.admits(core, peer, entry):
                return None
            entries.check(entry, core.genesis, core.keys)
    except Unlisted:
        keys.wait(core, peer, entry, raw)
        return None
    except BadEntry as error:
        core.count_noise("malformed entry" if "not an entry" in str(error) else "wrongly signed entry")
        return None
    if entry.header.party == core.me and known is None and _is_present(core, entry):
        _not_ours(core, entry)
        situation.show_outside(core, entry, "signed with our key in this start, and not by us")
        return None
    verdict = ledger.take(core, entry, core.me if peer is None else peer.index)
    if verdict is Verdict.FULL:
        core.count_noise("too far ahead to hold")
        situation.show_outside(core, entry, "too far ahead of what is here to be held")
    elif verdict is Verdict.CONTRADICTION:
        situation.show_outside(core, entry, "contradicts what its author signed before")
    elif verdict in (Verdict.APPENDED, Verdict.HELD) and entry.header.party == core.me:
        reconcile.note_change(core)
    elif verdict in (Verdict.APPENDED, Verdict.HELD):
        clocks.heard(core, entry)
    return verdict


def take_listed(core: Core) -> None:
    """Takes in the entries that had waited for a key list that is known now."""
    own = core.state.keys
    while ready := [one for one in own.unlisted if _is_listed(core, one.raw)]:
        own.unlisted = [one for one in own.unlisted if one not in ready]
        for one in ready:
            _take_entry(core, None if one.peer is None else core.state.peers[one.peer], one.raw)


def _is_listed(core: Core, raw: bytes) -> bool:
    header = entries.read(raw, core.genesis.body.limits.entry_bytes).header
    return bool(core.keys.at(header.party, header.epoch))


def _show_raw(core: Core, raw: bytes) -> None:
    """Shows the words in an item that was set aside, as far as any can be read: it may be a warning."""
    words = " ".join(WORDS.findall(raw.decode("utf-8", "replace")))
    core.show("raw", f"not understood, shown as it came: {words[-RAW_TEXT_CHARS:]}", precedence=Precedence.FLASH)


def _is_present(core: Core, entry: Entry) -> bool:
    return entry.header.incarnation == core.state.author.incarnation


def _not_ours(core: Core, entry: Entry) -> None:
    """Our own signature on what this process did not say: another copy of it is running, or has been."""
    disputes.dispute(core, core.me, Contradiction("signed in our incarnation, not by us", b"", entry.raw))
    author.end(core, "our key has signed in this start what this process did not say: another copy of it runs")


def set_aside(core: Core, digest: bytes) -> None:
    """Keeps an item out, by digest, that has crashed the node twice, and says so."""
    if digest not in core.state.aside:
        core.state.aside.append(digest)
    core.alarm("set aside", f"an item was set aside because it crashed this node twice: {digest.hex()}")
