"""What a member lacks by its own signed word: what goes into a bundle for it while no session can ask it.

The law: only what the member's newest start has said counts, its receipts and its LINKs, because an earlier start may
have been rolled back; and only as far as it is of the entries here. Which start is the newest is never certain. What is
not known to be held is carried again: an entry that comes twice costs bytes, one that does not come is a warning lost.
What is not on disk here is not carried.
"""

from itertools import islice
from typing import Final

from keepclear.accord.statement import Kind, Link, Receipt
from keepclear.line import peer as peers
from keepclear.node import situation
from keepclear.node.core import Core
from keepclear.record.logbook import BookId, Incarnation

LOOK_BACK: Final = 4_000  # of a member's newest entries: what older receipts alone speak of is carried again

Word = dict[BookId, tuple[int, set[int]]]  # of each logbook: how much without a gap, and slots beyond


def lacking(core: Core, member: int | None) -> list[tuple[Incarnation, list[int]]]:
    """Of each logbook the seqs that the member is not known to hold, all of them for None; sorted."""
    word = {} if member is None else _word(core, member)
    out = []
    for book in core.books.all():
        size, beyond = word.get(book.id, (0, set[int]()))
        here, held = core.durable(book)
        seqs = [seq for seq in (*range(min(size, here), here), *held) if seq not in beyond]
        if seqs:
            out.append((book, seqs))
    return out


def _word(core: Core, member: int) -> Word:
    """What a member holds by the word of each start of it that may be the newest."""
    words = [_word_of(core, member, incarnation) for incarnation in _newest(core, member)]
    held = words[0] if words else {}
    for word in words[1:]:
        both = {book: (held[book], word[book]) for book in held if book in word}
        held = {book: (min(one[0], other[0]), _slots(one) & _slots(other)) for book, (one, other) in both.items()}
    return held


def _slots(word: tuple[int, set[int]]) -> set[int]:
    return word[1] | set(range(word[0]))


def _newest(core: Core, member: int) -> list[bytes]:
    """The starts of a member that may be its newest: by number, by clock, and the one that made its newest bundle.

    After a disk was put back numbers run backward, and a clock may: what the three do not agree on is not believed.
    """
    starts = [book for book in core.books.of(member) if book.size]
    found = {book.incarnation: None for book in starts[-1:]}
    by_clock = max(starts, key=lambda book: book.entries[-1].header.wall_ms, default=None)
    if by_clock is not None:
        found[by_clock.incarnation] = None
    told = core.state.bundles.starts.get(member)
    return [*found, *([told[1]] if told is not None and told[1] not in found else [])]


def _word_of(core: Core, member: int, incarnation: bytes) -> Word:
    """What one start of a member has said that it holds."""
    said = core.books.books.get((member, incarnation))
    if said is None:
        return {}
    word: Word = {said.id: (said.size, set(said.beyond()))}  # these it has said itself, since that start
    for one in islice(reversed(said.entries), LOOK_BACK):
        if one.header.kind == Kind.RECEIPT:
            body = situation.said_of(one).body
            if isinstance(body, Receipt):
                _receipt(core, word, body)
        elif one.header.kind == Kind.LINK:
            link = situation.said_of(one).body
            if isinstance(link, Link):
                for old, _, size, root, beyond, _ in link.old:
                    _hold(core, word, (member, old), size, root, beyond)
    return word


def _receipt(core: Core, word: Word, body: Receipt) -> None:
    beyond = tuple((seq, leaf) for seq, leaf, _ in body.beyond)
    _hold(core, word, (body.party, body.incarnation), body.size, body.root, beyond)


def _hold(core: Core, word: Word, book: BookId, size: int, root: bytes, beyond: tuple[tuple[int, bytes], ...]) -> None:
    """Believes what is said of a logbook as far as it is of the entries here."""
    here = core.books.books.get(book)
    if here is None or not 0 <= size <= here.size or here.root(size) != root:
        return
    slots = {seq for seq, leaf in beyond if (one := here.get(seq)) is not None and one.leaf == leaf}
    known, more = word.get(book, (0, set[int]()))
    word[book] = max(size, known), more | slots


def slot(core: Core, party: int, incarnation: bytes, seq: int) -> bytes | None:
    """The bytes of the entry in a slot, if it is here and on disk."""
    key = peers.slot_key(party, incarnation, seq)
    entry = core.entry_in(key)
    return None if entry is None or key in core.state.undurable else entry.raw
