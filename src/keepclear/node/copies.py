"""Whether the others hold the same of a third member's logbook as we do: their receipts for it say so.

The law: a receipt names a root, so two holders find within a second that an author has told them different things. Who
is wrong cannot be told from a receipt: each shows the other its own copy of what differs, and then both hold what the
author signed. What is brought so is shown, in the record or outside it.
"""

from typing import Final

from keepclear.accord.said import Said
from keepclear.accord.statement import Precedence, Receipt
from keepclear.line.frame import EntryItem
from keepclear.node import courier
from keepclear.node.core import Core
from keepclear.node.watched import Copy
from keepclear.record.entry import INCARNATION_BYTES, Entry
from keepclear.record.logbook import Incarnation

MAX_COPIES: Final = 2_000
SHOWN_AT_ONCE: Final = 8  # entries of ours that are shown to whoever holds others
SHOW_AGAIN_MS: Final = 2_000
MAX_TRIES: Final = 10


def receipt(core: Core, said: Said) -> None:
    """Takes down what another member has signed that it holds of a third one's logbook."""
    body = said.body
    if not isinstance(body, Receipt) or core.me in (said.party, body.party) or said.party not in core.state.peers:
        return
    if len(body.incarnation) != INCARNATION_BYTES or body.size < 0 or not 0 <= body.party < len(core.genesis.names):
        return
    copies, key = core.state.watched.copies, bytes((said.party, body.party)) + body.incarnation
    known = copies.get(key)
    if known is None:
        if len(copies) >= MAX_COPIES:
            return
        known = copies[key] = Copy(said.leaf, body.size, body.root)
    elif known.due_ms is not None or body.size < known.size:
        return  # what differs is looked into first
    else:
        known.leaf, known.size, known.root = said.leaf, body.size, body.root
    _compare(core, key, known)


def look(core: Core) -> None:
    """Compares what could not be compared yet, and shows again what differs."""
    for key, copy in core.state.watched.copies.items():
        if copy.due_ms is not None and core.mono_ms >= copy.due_ms:
            _show_ours(core, key, copy)
        elif copy.due_ms is None and copy.alike < copy.size:
            _compare(core, key, copy)


def begin(core: Core) -> None:
    """After a start all is compared anew as receipts come."""
    core.state.watched.copies = {}


def _compare(core: Core, key: bytes, copy: Copy) -> None:
    book = core.books.books.get((key[1], key[2:]))
    if book is None or book.size < copy.size or copy.tries:
        return
    if book.root(copy.size) == copy.root:
        copy.alike = copy.size
        return
    holder, author = core.name(key[0]), core.name(key[1])
    text = f"{holder} has receipted other entries of {author} than are here, after number {copy.alike - 1}"
    core.show("unlike", text, copy.leaf, Precedence.IMMEDIATE, (key[0], key[1], copy.alike))
    core.alarm("unlike", f"{text}: {author} has said different things to the two of us, or {holder} signs what is not")
    copy.due_ms = core.mono_ms
    _show_ours(core, key, copy)


def _show_ours(core: Core, key: bytes, copy: Copy) -> None:
    """Sends our entries from where the two agreed, a few at a time, until they have been shown often enough."""
    book, peer = core.books.books[key[1], key[2:]], core.state.peers[key[0]]
    for entry in _differing(book, copy):
        courier.send_items(core, peer, [EntryItem(entry.raw)], durable=True)
    copy.tries += 1
    copy.due_ms = core.mono_ms + SHOW_AGAIN_MS if copy.tries < MAX_TRIES else None


def _differing(book: Incarnation, copy: Copy) -> list[Entry]:
    """The entries after the last place at which both were alike: the first of them, and in turn the others."""
    span = max(1, copy.size - copy.alike)
    first = copy.alike + (copy.tries // 2 * SHOWN_AT_ONCE) % span
    return book.entries[first : min(first + SHOWN_AT_ONCE, copy.size)]
