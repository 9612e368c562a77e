"""The evidence file: a few signed pieces of a line's record, to be shown to somebody who has none of it.

The law: it claims nothing. It holds the genesis and pieces, each in one form and bounded; what they prove is found by
judge.py from the keys in the genesis, by everybody alike. Headers stand without their bodies wherever the rule does
not need the body: who shows evidence shows who spoke, when and of which kind, and not what was said.
"""

from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.record.entry import Entry

MAGIC: Final = b"keepclear-evidence/1\n"
MAX_EVIDENCE_BYTES: Final = 4_194_304  # a chain of some ten thousand headers
MAX_PIECES: Final = 64


class Signed(msgspec.Struct, frozen=True, array_like=True, tag=1, forbid_unknown_fields=True):
    """An entry's header and its author's signature; the body is not shown."""

    header: bytes
    signature: bytes


class Stated(msgspec.Struct, frozen=True, array_like=True, tag=2, forbid_unknown_fields=True):
    """A RECEIPT or LINK whole: header, signature, seed, body."""

    header: bytes
    signature: bytes
    seed: bytes
    body: bytes


class Noted(msgspec.Struct, frozen=True, array_like=True, tag=3, forbid_unknown_fields=True):
    """A checkpoint note."""

    note: bytes


class Chain(msgspec.Struct, frozen=True, array_like=True, tag=4, forbid_unknown_fields=True):
    """Headers of one logbook in their sequence, from entry `first` on; the last stands in a signed piece as well.

    Each names the one before it by hash, so that the last one's signature is for all. `peaks` are the perfect subtrees
    of the tree over the `first` entries before them, the largest first.
    """

    first: int
    peaks: tuple[bytes, ...]
    headers: tuple[bytes, ...]


class Path(msgspec.Struct, frozen=True, array_like=True, tag=5, forbid_unknown_fields=True):
    """How the leaf in a slot leads to the root of a logbook's tree of some size (RFC 6962 section 2.1.1)."""

    leaf: bytes
    seq: int
    size: int
    hashes: tuple[bytes, ...]


class Listed(msgspec.Struct, frozen=True, array_like=True, tag=6, forbid_unknown_fields=True):
    """A key list's document, under which other pieces are signed; its roots' signatures are checked by the genesis."""

    document: bytes


Piece = Signed | Stated | Noted | Chain | Path | Listed


class Evidence(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The genesis of the line, as its document, and the pieces."""

    genesis: bytes
    pieces: tuple[Piece, ...]


class BadEvidence(ValueError):
    """The bytes are no evidence file, or a piece in it is not what it has to be; the text says which."""


def to_bytes(evidence: Evidence) -> bytes:
    """The file. Raises BadEvidence for more than a file holds."""
    data = MAGIC + msgspec.msgpack.encode(evidence)
    if len(data) > MAX_EVIDENCE_BYTES or len(evidence.pieces) > MAX_PIECES:
        raise BadEvidence(
            f"{len(data)} bytes in {len(evidence.pieces)} pieces, at most {MAX_EVIDENCE_BYTES} in {MAX_PIECES}"
        )
    return data


def read(data: bytes) -> Evidence:
    """The evidence in a file, no signature looked at yet. Raises BadEvidence."""
    if not data.startswith(MAGIC):
        raise BadEvidence(f"a file of evidence begins with {MAGIC.decode().strip()!r}")
    if len(data) > MAX_EVIDENCE_BYTES:
        raise BadEvidence(f"{len(data)} bytes, at most {MAX_EVIDENCE_BYTES}")
    body = data[len(MAGIC) :]
    try:
        canonical.check(body, MAX_EVIDENCE_BYTES)
        found = msgspec.msgpack.decode(body, type=Evidence)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadEvidence(f"not evidence: {error}") from error
    if len(found.pieces) > MAX_PIECES:
        raise BadEvidence(f"{len(found.pieces)} pieces, at most {MAX_PIECES}")
    return found


def signed(entry: Entry) -> Signed:
    """An entry without its body."""
    return Signed(entry.header_bytes, entry.signature)


def stated(entry: Entry) -> Stated:
    """An entry that a rule has made, whole."""
    return Stated(entry.header_bytes, entry.signature, entry.seed, entry.body)
