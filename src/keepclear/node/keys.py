"""Keys on a live line: what a key list that comes changes, what is past the end of a key, what waits for a list.

The law: a list is believed because its roots have signed it, whoever brings it. What is past the end of its key is
marked, alarmed and shown, and never taken away. What comes before its list waits for it; a FLASH is shown at once, as
not verified.
"""

from typing import Final

from keepclear.accord.statement import Kind, Precedence
from keepclear.line import peer as peers
from keepclear.line.frame import Note
from keepclear.line.peer import Peer
from keepclear.node import courier, disputes, folding, situation
from keepclear.node.core import Core
from keepclear.node.state import Unlisted
from keepclear.record import checkpoint, key_list
from keepclear.record.checkpoint import Verified
from keepclear.record.entry import Entry
from keepclear.record.key_list import KeyList
from keepclear.record.logbook import Contradiction

MAX_UNLISTED: Final = 256  # entries of one party that wait for its list; what has no place is sent again by its holder
MAX_UNLISTED_BYTES: Final = 1 << 18  # of one party
MAX_ALARMED: Final = 64  # starts of which it was told that they sign past the end of a key


def newest_held(core: Core) -> int:
    """The number of our newest list whose node key the hands hold; 0 is the genesis."""
    held = core.state.keys.held
    for one in reversed(core.keys.lists(core.me)):
        if one.node_key.ed25519 in held:
            return one.body.number
    return 0


def restore(core: Core) -> None:
    """Puts together what is known of keys from the record and the state, as it was."""
    for entry in core.books.by_leaf.values():
        if entry.header.kind == Kind.KEY_LIST:
            core.keys.take(entry)
    for document in core.state.keys.given:
        core.keys.add(key_list.read(document, core.genesis))
    for book, size in core.state.keys.cosigned.items():
        core.keys.cosigned(book[0], book[1:], size)


def listed(core: Core, entry: Entry) -> None:
    """Takes in the list that an entry of the record carries."""
    before = core.keys.version
    known = {other.id for member in range(len(core.genesis.names)) for other in core.keys.lists(member)}
    one = core.keys.take(entry)
    if one is None:
        core.show("keys", f"{core.name(entry.header.party)} carries a key list that is none of this line", entry.leaf)
        return
    for other in core.keys.twins(one):
        for leaf in core.keys.carriers(other)[:1]:
            reason = f"its roots have signed two key lists {one.body.number}"
            evidence = Contradiction(reason, core.books.by_leaf[leaf].raw, entry.raw)
            disputes.dispute(core, one.body.member, evidence)
    if one.id not in known:
        tell(core, one)
    if core.keys.version != before:
        _judge_anew(core, one.body.member)
        _pass_on(core, one)
    if one.body.member == core.me and core.state.author.incarnation:
        core.state.keys.epoch = max(core.state.keys.epoch, newest_held(core))


def tell(core: Core, one: KeyList) -> None:
    """Says what a list changes."""
    core.show(
        "keys", text := words(core, one), precedence=Precedence.IMMEDIATE, facts=(one.body.member, one.body.number)
    )
    if one.body.member != core.me and (one.body.ends or core.keys.was_committed(one) is False):
        core.alarm("keys", f"{text}; compare the fingerprint by voice: keepclear keys show")


def words(core: Core, one: KeyList) -> str:
    """A key list in words: what is new, whether it was committed to, what it ends."""
    body = one.body
    parts = [f"key list {body.number} of {core.name(body.member)} is known"]
    earlier = [other for other in core.keys.lists(body.member) if other.body.number < body.number]
    before = earlier[-1].body.keys if earlier else core.genesis.body.members[body.member].keys
    new = [key.seat or "node" for key in body.keys if key not in before]
    gone = sorted({key.seat for key in before} - {key.seat for key in body.keys})
    parts += [f"new keys: {', '.join(new)}"] * bool(new) + [f"no longer there: {', '.join(gone)}"] * bool(gone)
    committed = core.keys.was_committed(one)
    if committed is not None:
        promise = "as committed to before" if committed else "NOT THE ONE COMMITTED TO"
        parts.append(f"its node key is {promise}")
    every = {key.ed25519: key.seat or "node" for other in earlier for key in other.body.keys}
    every |= {key.ed25519: key.seat or "node" for key in core.genesis.body.members[body.member].keys}
    ended = [every.get(ending.key, ending.key.hex()[:8]) for ending in body.ends]
    parts += [f"it ends the key of {', '.join(ended)}"] * bool(ended)
    for incarnation, said, size in core.keys.raised(one):
        parts.append(f"of start {incarnation.hex()[:8]} it says {said} entries, {size} are cosigned: {size} is read")
    return "; ".join(parts)


def past_end(core: Core, entry: Entry) -> None:
    """Alarms, once a start, an entry that was signed past the end of its key."""
    ends = core.keys.beyond(entry)
    if not ends:
        return
    own, h = core.state.keys, entry.header
    book = peers.book_key(h.party, h.incarnation)
    if book not in own.alarmed:
        own.alarmed.append(book)
        del own.alarmed[:-MAX_ALARMED]
        name = core.name(h.party)
        core.alarm("keys", f"{name} entry {h.seq} is past the end of its key: {ends[0].text}; ask {name} by voice")


def count_past_end(core: Core, member: int) -> int:
    """How many of a member's entries are signed past the end of their key."""
    entries = (entry for book in core.books.of(member) for entry in (*book.entries, *book.held.values()))
    return sum(bool(core.keys.beyond(entry)) for entry in entries)


def wait(core: Core, peer: Peer | None, entry: Entry, raw: bytes) -> None:
    """Has an entry wait for the key list that it names; a FLASH is shown at once."""
    own, h = core.state.keys, entry.header
    if h.precedence == Precedence.FLASH:
        why = f"NOT VERIFIED: it names key list {h.epoch} of {core.name(h.party)}, which has not come"
        situation.show_outside(core, entry, why)
    of_party = [one.raw for one in own.unlisted if one.party == h.party]
    room = len(of_party) < MAX_UNLISTED and sum(map(len, of_party)) + len(raw) <= MAX_UNLISTED_BYTES
    if raw not in of_party and room:
        own.unlisted.append(Unlisted(h.party, None if peer is None else peer.index, raw))
    elif raw not in of_party:
        core.count_noise("entry under a key list that has not come, beyond the limit")


def cosigned(core: Core, verified: Verified) -> None:
    """Another member has cosigned what a key signed: no end of that key is before it."""
    at = verified.checkpoint
    book = peers.book_key(at.party, at.incarnation)
    if not verified.is_cosigned or at.size <= core.state.keys.cosigned.get(book, 0):
        return
    core.state.keys.cosigned[book] = at.size
    if core.keys.cosigned(at.party, at.incarnation, at.size):
        _judge_anew(core, at.party)
        for peer in core.state.peers.values():
            if peer.session:
                courier.send_items(core, peer, [Note(verified.raw)])


def may_cosign(core: Core, verified: Verified) -> bool:
    """Whether the key that made a checkpoint is good for as much; what is past its end is not attested any more."""
    at = verified.checkpoint
    made = [one.key.public for one in verified.signers if one.key.member == at.party]
    ends = [end for key in made if (end := core.keys.good_for(at.party, key, at.incarnation))]
    return not any(size < at.size for size, _ in ends)


def offer_cosigned(core: Core, peer: Peer) -> None:
    """Gives a peer the cosigned checkpoints that move the end of a key, so that both read the same."""
    for member in range(len(core.genesis.names)):
        for one in core.keys.lists(member):
            if one.body.ends:
                _send_cosigned(core, one, [peer])


def _pass_on(core: Core, one: KeyList) -> None:
    if one.body.ends:
        _send_cosigned(core, one, [peer for peer in core.state.peers.values() if peer.session])


def _send_cosigned(core: Core, one: KeyList, to: list[Peer]) -> None:
    notes = core.state.checkpointing.notes
    for incarnation, _, _ in core.keys.raised(one):
        raw = notes.get(checkpoint.origin(core.genesis, one.body.member, incarnation))
        if raw is not None:
            for peer in to:
                courier.send_items(core, peer, [Note(raw)])


def _judge_anew(core: Core, member: int) -> None:
    """An end has moved: what is shown of the member's matters follows, and how many entries are past it is told."""
    folding.judge_party(core, member)
    past = count_past_end(core, member)
    if past:
        text = f"{past} entries of {core.name(member)} are past the end of their key and marked, none is taken away"
        core.show("keys", text, precedence=Precedence.IMMEDIATE, facts=(member, past))
