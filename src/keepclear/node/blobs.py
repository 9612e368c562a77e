"""Attached files: which are wanted, and what the hands say has become of them.

The law: a statement is shown, judged and receipted without what is attached to it; nothing here waits and nothing
depends on it. The node says what is wanted; fetching, and knowing right bytes from wrong ones, is the hands' business.
What one party names beyond its share of the disk is fetched only when an officer asks for it.
"""

from typing import Final

from keepclear.accord import attached, phrases
from keepclear.accord.said import Said
from keepclear.node.core import Core
from keepclear.node.effects import Want
from keepclear.node.inputs import BlobSeen
from keepclear.node.named import Named, Whereabouts
from keepclear.node.situation import said_of

MAX_SHARE_BYTES: Final = 256 * 1_024 * 1_024  # of one party, fetched unasked: 32 files of the largest size
MAX_SHARE: Final = 2_000  # files of one party


def named(core: Core, said: Said) -> None:
    """Takes down what a statement names, and wants it."""
    found = attached.attached(said.body)
    files, shares = core.state.blobs.files, core.state.blobs.shares
    known = files.get(key(found.digest, found.size)) if found else None
    if found is None or (known is not None and not known.over):
        return
    number, size = shares.get(said.party, (0, 0))
    over = number >= MAX_SHARE or size + found.size > MAX_SHARE_BYTES
    if over and known is not None:
        return
    one = files[key(found.digest, found.size)] = Named(found.size, said.leaf, said.party, said.precedence, over=over)
    if over:
        text = f"{_of(core, one, found)} is not fetched unasked: {core.name(said.party)} has named its share"
        core.show("attached", text, said.leaf)
    else:
        shares[said.party] = number + 1, size + found.size
        _want(core, found.digest, one)


def begin(core: Core) -> None:
    """A start: the hands look for all that has been named, and fetch what is not there."""
    for name, one in core.state.blobs.files.items():
        if not one.over or one.where == Whereabouts.HERE:
            _want(core, name[: attached.HASH_BYTES], one)


def seen(core: Core, data: BlobSeen) -> None:
    """Takes down what the hands say of a file, and tells the officer when that is new."""
    one = core.state.blobs.files.get(key(data.digest, data.size))
    if one is None or one.where == data.where:
        return
    before, one.where = one.where, data.where
    entry = core.books.by_leaf.get(one.leaf)
    found = attached.attached(said_of(entry).body) if entry is not None else None
    if found is None:
        return
    words = {
        Whereabouts.HERE: "is here",
        Whereabouts.NOWHERE: "cannot be had from anybody who is on the line; it is asked for again",
        Whereabouts.AWAY: "IS NOT HERE ANY MORE: it is asked for again" if before == Whereabouts.HERE else "",
    }[Whereabouts(data.where)]
    if words and not (one.party == core.me and data.where == Whereabouts.HERE):
        core.show("attached", f"{_of(core, one, found)} {words}", one.leaf, facts=(data.digest, data.where))


def key(digest: bytes, size: int) -> bytes:
    """A file as one byte string, for use in state: whoever names a wrong size names another file."""
    return digest + size.to_bytes(4, "big")


def _want(core: Core, digest: bytes, one: Named) -> None:
    core.emit(Want(digest, one.size, one.precedence, one.where == Whereabouts.HERE))


def _of(core: Core, one: Named, found: attached.Attached) -> str:
    label = phrases.label(said_of(core.books.by_leaf[one.leaf]), core.genesis.names)
    return f"{attached.words(found)}, attached to {label},"
