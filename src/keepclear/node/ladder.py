"""How far each of our statements has come with each member: delivered, displayed, read, read back; never drawn alike.

The law: it follows from the receipts and acknowledgements in the record, whatever the sequence in which they came. A
receipt for an entry that we no longer hold waits until the entry has come back from those who do.
"""

from typing import Final

from keepclear.accord import readback, statement
from keepclear.accord.said import Said
from keepclear.accord.statement import Receipt, Step
from keepclear.line import peer as peers
from keepclear.node import disputes
from keepclear.node.core import Core
from keepclear.node.state import Ladder, Matter
from keepclear.record.entry import INCARNATION_BYTES
from keepclear.record.logbook import Contradiction, Incarnation

MAX_RANGES: Final = 256  # of one receipt that are looked at; a node of this version says 32
MAX_BOOKS: Final = 1_000  # logbooks of ours that others have receipted and that are not here
MAX_UNMATCHED: Final = 2_000  # receipts for one logbook that wait for its entries; the newest are kept


def receipt(core: Core, said: Said) -> None:
    """Takes in another member's receipt for a logbook of ours."""
    body = said.body
    if not isinstance(body, Receipt) or body.party != core.me or said.party == core.me:
        return
    book = core.books.books.get((body.party, body.incarnation))
    if book is not None and _is_of(core, said, body, book):
        _apply(core, said, body, book)
    present = core.state.author.incarnation  # of which nobody holds more than we do
    if body.incarnation != present and len(body.incarnation) == INCARNATION_BYTES and not _is_whole(body, book):
        _remember(core, peers.book_key(body.party, body.incarnation), said.leaf)


def turned_up(core: Core, said: Said, receipts: list[Said]) -> None:
    """An entry of ours from an earlier start has come back: what the waiting receipts for its logbook say of it."""
    for one in receipts:
        body = one.body
        book = core.books.books[said.party, said.incarnation]
        if not isinstance(body, Receipt) or not _is_of(core, one, body, book):
            continue
        for first, count, durable_ms, shown_ms in body.ranges[:MAX_RANGES]:
            if first <= said.seq < first + count:
                _rung(core, said.leaf, one.party, durable_ms, shown_ms)
        for seq, leaf, durable_ms in body.beyond:
            if (seq, leaf) == (said.seq, said.leaf):
                _rung(core, leaf, one.party, durable_ms, None)


def forget_matched(core: Core, book: Incarnation, receipts: list[Said]) -> None:
    """Receipts all of whose entries are here wait no longer."""
    unmatched = core.state.situation.unmatched
    key = peers.book_key(*book.id)
    left = [one.leaf for one in receipts if isinstance(one.body, Receipt) and not _is_whole(one.body, book)]
    if left:
        unmatched[key] = left
    else:
        del unmatched[key]


def acknowledge(matter: Matter, said: Said, about: statement.Body | None) -> None:
    """Takes in a member's acknowledgement of a matter: the first reading counts, and the newest read-back."""
    body = said.body
    if not isinstance(body, statement.Acknowledgement):
        return
    ladder = matter.ladder.setdefault(said.party, Ladder())
    ladder.read_ms = said.wall_ms if ladder.read_ms is None else min(ladder.read_ms, said.wall_ms)
    if body.step == Step.READ_BACK and isinstance(about, readback.Readable):
        outcome = str(readback.readback_matches(body, about).outcome)
        newest = max((ladder.read_back_ms, ladder.read_back), (said.wall_ms, outcome))
        ladder.read_back_ms, ladder.read_back = newest


def _is_of(core: Core, said: Said, body: Receipt, book: Incarnation) -> bool:
    """Whether a receipt is of our entries, as far as they are here. One that is not moves nothing: it is a dispute."""
    last = max((first + count for first, count, _, _ in body.ranges[:MAX_RANGES]), default=0)
    why = ""
    if last > body.size:
        why = f"its receipt names entries up to {last} of {body.size}"
    elif body.size > book.size and book.incarnation == core.state.author.incarnation:
        why = f"its receipt is for {body.size} entries of ours, {book.size} have been said"
    elif body.size <= book.size and book.root(body.size) != body.root:
        why = f"its receipt for {body.size} entries is not of those that we said"
    if why:
        disputes.dispute(core, said.party, Contradiction(why, b"", core.books.by_leaf[said.leaf].raw))
    return not why


def _remember(core: Core, book: peers.BookKey, leaf: bytes) -> None:
    unmatched = core.state.situation.unmatched
    if book not in unmatched and len(unmatched) >= MAX_BOOKS:
        core.count_noise("receipts for more logbooks than are kept in mind")
        return
    waiting = unmatched.setdefault(book, [])
    waiting.append(leaf)
    del waiting[:-MAX_UNMATCHED]


def _is_whole(body: Receipt, book: Incarnation | None) -> bool:
    """Whether all that a receipt names is here."""
    last = max((first + count for first, count, _, _ in body.ranges[:MAX_RANGES]), default=0)
    return book is not None and last <= book.size and all(book.get(seq) is not None for seq, _, _ in body.beyond)


def _apply(core: Core, said: Said, body: Receipt, book: Incarnation) -> None:
    at, held = 0, book.beyond()
    for first, count, durable_ms, shown_ms in body.ranges[:MAX_RANGES]:
        # Ranges rise and do not overlap; one that does is not looked at twice, so that a long list costs no more.
        at, end = max(at, first), first + count
        found = [*book.entries[at:end], *(book.held[seq] for seq in held if at <= seq < end)] if at < end else []
        for entry in found:
            _rung(core, entry.leaf, said.party, durable_ms, shown_ms)
        at = max(at, end)
    for _, leaf, durable_ms in body.beyond:
        _rung(core, leaf, said.party, durable_ms, None)


def _rung(core: Core, leaf: bytes, member: int, durable_ms: int, shown_ms: int | None) -> None:
    matter = core.state.situation.matters.get(leaf)
    if matter is None or matter.party != core.me:
        return
    ladder = matter.ladder.setdefault(member, Ladder())
    first = ladder.durable_ms is None or (ladder.shown_ms is None and shown_ms is not None)
    ladder.durable_ms = durable_ms if ladder.durable_ms is None else min(ladder.durable_ms, durable_ms)
    if shown_ms is not None:
        ladder.shown_ms = shown_ms if ladder.shown_ms is None else min(ladder.shown_ms, shown_ms)
    if first:
        how = "displayed" if ladder.shown_ms is not None else "delivered, not displayed"
        core.show("ladder", f"{core.name(member)}: {how}", leaf, matter.precedence, (member, how))
