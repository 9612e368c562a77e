"""Filling frames: heartbeats, questions, what is held, entries in the sequence of their precedence, notes.

The law: an entry leaves only after it is on disk. A FLASH is queued at once, in a frame of its own that tells the hands
to wait for the disk, and marked when the disk takes nothing; all else is queued when it is on disk, so that what was
written together is sent together. Small items are bundled into one datagram's worth.
"""

from typing import Final

from keepclear.accord.statement import Precedence
from keepclear.line import frame as frames
from keepclear.line import liveness, paths
from keepclear.line import peer as peers
from keepclear.line.frame import Ailing, Disk, EntryItem, Frame, Have, Item
from keepclear.line.liveness import Liveness
from keepclear.line.peer import Peer, SlotKey
from keepclear.node.core import Core
from keepclear.node.effects import Send, Wake
from keepclear.record.entry import Entry

ITEM_OVERHEAD_BYTES: Final = 6
DOUBTED_BEAT_MS: Final = 60  # sixteen in the second that is left until the line would be told suspect
TOLD_AT_ONCE: Final = 25  # HAVEs in one frame; forty bytes each, and more past a gap


def offer_entry(core: Core, entry: Entry) -> None:
    """Queues a FLASH as soon as it is known; all else waits for `offer_durable`."""
    if entry.header.precedence == Precedence.FLASH:
        _offer(core, entry)


def offer_durable(core: Core, slot: SlotKey) -> None:
    """Queues an entry that is now on disk."""
    entry = core.entry_in(slot)
    if entry is not None and entry.header.precedence != Precedence.FLASH:
        _offer(core, entry)


def _offer(core: Core, entry: Entry) -> None:
    """Queues an entry for every peer: our own at once, another's later, if by then the peer has not said it has it."""
    core.state.arrivals += 1
    slot = peers.slot_key(*entry.slot)
    for peer in core.state.peers.values():
        urgent = entry.header.precedence == Precedence.FLASH and paths.is_slow(peer.paths)
        if not peer.answered and not urgent:  # by radio an answer may take ten seconds
            continue  # it is offered all that it lacks when it has said what it holds
        if entry.header.party == core.me:
            peers.offer(peer, slot, entry.header.precedence, core.state.arrivals)
        else:  # to its author, too: it may be of another start, of which the present one does not know
            peers.offer_later(peer, slot, core.mono_ms)


def offer_all(core: Core, peer: Peer) -> None:
    """Queues all that the peer lacks, by its own word: ours and its own at once, others' later."""
    for book in core.books.all():
        holding = peer.holds.get(peers.book_key(book.party, book.incarnation))
        seqs = [*range(holding.size if holding else 0, book.size), *book.beyond()]
        for seq in seqs:
            entry = book.get(seq)
            slot = peers.slot_key(book.party, book.incarnation, seq)
            if entry is None or peers.has(peer, slot):
                continue
            if _is_wet(core, slot) and entry.header.precedence != Precedence.FLASH:
                continue  # it is queued when it is on disk
            if book.party in (core.me, peer.index):
                core.state.arrivals += 1
                peers.offer(peer, slot, entry.header.precedence, core.state.arrivals)
            else:
                peers.offer_later(peer, slot, core.mono_ms)


def send_items(core: Core, peer: Peer, items: list[Item], durable: bool = False, flash: bool = False) -> None:
    """Sends one frame with the given items, over every path."""
    core.emit(Send(peer.index, _frame(core, paths.name_of(peer.paths), peer.live, items), durable, flash))
    peer.sent_ms = core.mono_ms


def _frame(core: Core, path: str, live: Liveness, items: list[Item]) -> bytes:
    """A frame that names the path it goes by, and echoes what came by it; it tells when our disk takes nothing."""
    echo_ms, hold_ms = liveness.echo(live, core.mono_ms)
    ails = [] if core.state.ailing is Ailing.NOTHING else [Disk(core.state.ailing)]
    return frames.to_bytes(Frame(path, core.mono_ms, core.wall_ms, echo_ms, hold_ms, (*items, *ails)))


def flush(core: Core) -> None:
    """Sends whatever is due to every peer in session: holdings to tell, then entries; asks to be woken for the rest."""
    wake: int | None = None
    for peer in core.state.peers.values():
        if not peer.session:
            continue
        tell = _holdings(core, peer)
        if peer.queue or peer.flight or peer.later:
            _send_entries(core, peer, tell)
            due = peers.next_resend_ms(peer)
            wake = due if wake is None else wake if due is None else min(wake, due)
        elif tell:
            for at in range(0, len(tell), TOLD_AT_ONCE):
                send_items(core, peer, tell[at : at + TOLD_AT_ONCE])
    if wake is not None and wake < core.mono_ms + core.state.settings.heartbeat_ms:
        core.emit(Wake(wake))


def heartbeat(core: Core, peer: Peer) -> None:
    """Sends an empty frame if nothing has gone to the peer for a heartbeat's time; where there are several paths, one
    on each of them, whatever else has gone out: what goes by all proves nothing of one. Where nothing has come back for
    a second they go faster, so that on a line that loses some frames it is not told in vain.
    """
    if not peer.session:
        return
    if len(peer.paths) < 2:
        if _is_due(core, paths.name_of(peer.paths), peer.live, peer.sent_ms):
            send_items(core, peer, [])
        return
    for name, path in peer.paths.items():
        if _is_due(core, name, path.live, path.sent_ms):
            core.emit(Send(peer.index, _frame(core, name, path.live, []), durable=False, flash=False, path=name))
            path.sent_ms = core.mono_ms


def _is_due(core: Core, path: str, live: Liveness, sent_ms: int) -> bool:
    """Whether a heartbeat is due. On IP it is up to a quarter early, so that a frame between two ticks does not make
    the next gap longer than a beat, and the beats come back to the ticks; it asks to be woken where no tick fits.
    """
    now_ms, beat_ms = core.mono_ms, _beat_ms(core, path, live)
    if path != paths.UDP:
        return now_ms - sent_ms >= beat_ms
    due_ms = sent_ms + beat_ms - beat_ms // 4
    if now_ms < due_ms:
        core.emit(Wake(due_ms))
    elif beat_ms < core.state.settings.heartbeat_ms:
        core.emit(Wake(now_ms + beat_ms))
    return now_ms >= due_ms


def _beat_ms(core: Core, path: str, live: Liveness) -> int:
    settings = core.state.settings
    limits = settings.suspect_after_ms, settings.dead_after_ms
    if path == paths.UDP and liveness.doubt(live, core.mono_ms, *limits):
        return min(DOUBTED_BEAT_MS, settings.heartbeat_ms)
    beats = {paths.BOX: settings.box_heartbeat_ms, paths.RADIO: settings.radio_heartbeat_ms}
    return beats.get(path, settings.heartbeat_ms)


def _holdings(core: Core, peer: Peer) -> list[Item]:
    """Word on each logbook that the peer is to be told of: its size, and of what is past a gap just what is new.

    What is past a gap can be more than fits a word, and the peer stops sending only what it has been told of.
    """
    out: list[Item] = []
    for key, seqs in peer.tell.items():
        book = core.books.books.get((key[0], key[1:]))
        if book is None:
            continue
        size = core.durable_size(book)
        slots = {seq: peers.slot_key(book.party, book.incarnation, seq) for seq in sorted(seqs) if seq >= size}
        beyond = [seq for seq, slot in slots.items() if not _is_wet(core, slot)]
        for at in range(0, max(1, len(beyond)), frames.MAX_BEYOND):
            told = tuple(beyond[at : at + frames.MAX_BEYOND])
            out.append(Have(book.party, book.incarnation, size, told))
    peer.tell = {}
    return out


def _send_entries(core: Core, peer: Peer, first: list[Item]) -> None:
    for slot in peers.due_relays(peer, core.mono_ms):
        entry = core.entry_in(slot)
        if entry is not None:
            core.state.arrivals += 1
            peers.offer(peer, slot, entry.header.precedence, core.state.arrivals)
    for at in range(0, len(first) - TOLD_AT_ONCE, TOLD_AT_ONCE):
        send_items(core, peer, first[at : at + TOLD_AT_ONCE])
    bundle: list[Item] = first[(len(first) - 1) // TOLD_AT_ONCE * TOLD_AT_ONCE :] if first else []
    room = frames.DATAGRAM_BYTES - 40 * len(bundle)
    wet = False
    for slot in peers.to_send(peer, core.mono_ms):
        entry = core.entry_in(slot)
        if entry is None:
            continue
        item, size = _item(core, slot, entry), len(entry.raw) + ITEM_OVERHEAD_BYTES
        if entry.header.precedence == Precedence.FLASH:
            send_items(core, peer, [item], _is_wet(core, slot), True)
            continue
        if bundle and size > room:
            send_items(core, peer, bundle, wet)
            bundle, room, wet = [], frames.DATAGRAM_BYTES, False
        bundle.append(item)
        room -= size
        wet = wet or _is_wet(core, slot)
    if bundle:
        send_items(core, peer, bundle, wet)


def send_wet_flash(core: Core) -> None:
    """When the disk takes nothing any more: sends the FLASH that wait for it, which now go without, marked so."""
    for peer in core.state.peers.values():
        for slot, flight in peer.flight.items():
            entry = core.entry_in(slot)
            if flight.precedence == Precedence.FLASH and entry is not None and _is_wet(core, slot):
                send_items(core, peer, [_item(core, slot, entry)], True, True)


def _item(core: Core, slot: SlotKey, entry: Entry) -> EntryItem:
    return EntryItem(entry.raw, core.state.ailing is not Ailing.NOTHING and _is_wet(core, slot))


def _is_wet(core: Core, slot: SlotKey) -> bool:
    return slot in core.state.undurable
