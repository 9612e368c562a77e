"""What a running node answers about attached files: which are named, and where their bytes are."""

from typing import TYPE_CHECKING, Any, Final

from keepclear.accord import attached
from keepclear.accord.said import Said
from keepclear.node import blobs, situation
from keepclear.node.named import Named, Whereabouts

if TYPE_CHECKING:
    from keepclear.host.service import Service

MAX_FILES: Final = 1_000
View = dict[str, Any]


def listed(service: "Service", digest: str = "") -> View:
    """The files that statements name whose hash begins so, the newest last; what was fetched and refused since the
    start.
    """
    files = service.node.state.blobs.files
    found = [item for item in files.items() if item[0].hex().startswith(digest)]
    return {
        "files": [_file(service, name[: attached.HASH_BYTES], one) for name, one in found[-MAX_FILES:]],
        **vars(service.attachments.files.counts),
    }


def of(service: "Service", said: Said) -> View | None:
    """What a statement has attached, in words, and where its bytes are; None if nothing."""
    found = attached.attached(said.body)
    one = service.node.state.blobs.files.get(blobs.key(found.digest, found.size)) if found else None
    if found is None or one is None:
        return None
    return {"sha256": found.digest.hex(), "what": attached.words(found), "where": where(service, found.digest, one)}


def where(service: "Service", digest: bytes, one: Named) -> str:
    """Where the bytes of a file are, in words."""
    if one.where == Whereabouts.HERE:
        return "here"
    if one.where == Whereabouts.NOWHERE:
        return "cannot be had from anybody"
    got, keeps = service.attachments.files.progress(digest, one.size)
    if one.over and not got:
        keeps = keeps or "beyond its author's share, fetched only when asked for"
    amount = f"{attached.amount(got)} of {attached.amount(one.size)}"
    return f"not here yet ({amount})" + (f": {keeps}" if keeps else "")


def _file(service: "Service", digest: bytes, one: Named) -> View:
    core = service.node.core
    found = attached.attached(situation.said_of(core.books.by_leaf[one.leaf]).body)
    return {
        "sha256": digest.hex(), "size": one.size, "media": found.media if found else "", "leaf": one.leaf.hex(),
        "from": core.name(one.party), "state": Whereabouts(one.where).name, "where": where(service, digest, one),
    }  # fmt: skip
