"""Checkpoints: what an author says its logbook is, what the others have seen it to be (C2SP tlog-checkpoint).

The law: a checkpoint is three lines: origin `keepclear/<line id>/<member>/<incarnation>`, size, root. Its author
signs the text (Ed25519, type 0x01); others cosign it with the time at which they held that much and no more
(Ed25519, type 0x04); author and cosigners may add ML-DSA-44 (type 0x06). No other signature has a meaning here. Each
may sign with any node key that it ever had by the key lists known; the id beside its name says which.
The joint checkpoint is one hash over all logbooks: equal for two parties exactly when they hold the same headers, as
long as neither holds a contradiction, which is reported beside it.
"""

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.record import note
from keepclear.record.genesis import Genesis
from keepclear.record.genesis import Key as NodeKey
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import Incarnation
from keepclear.record.note import BadNote, Key, KeyType, Note, Signature, Signed

ORIGIN_PREFIX: Final = "keepclear"
JOINT_DOMAIN: Final = b"keepclear/joint/1\x00"


class Checkpoint(msgspec.Struct, frozen=True, order=True):
    """What is signed: a party's incarnation had `size` entries, with this root."""

    party: int
    incarnation: bytes
    size: int
    root: bytes


class Verified(msgspec.Struct, frozen=True):
    """A checkpoint with the signatures on it that are known and valid, one a key, by name and key id."""

    checkpoint: Checkpoint
    text: str
    signers: tuple[Signed, ...]

    @property
    def raw(self) -> bytes:
        """The note's bytes in their one form: what is stored, sent and put into a record."""
        return note.format_note(Note(self.text, tuple(one.signature for one in self.signers)))

    @property
    def is_cosigned(self) -> bool:
        """Whether a member other than its author has signed it."""
        return any(one.key.member != self.checkpoint.party for one in self.signers)


def origin(genesis: Genesis, party: int, incarnation: bytes) -> str:
    """The first line of a checkpoint: which logbook it is of."""
    return f"{ORIGIN_PREFIX}/{genesis.line.hex()}/{genesis.names[party]}/{incarnation.hex()}"


def text(genesis: Genesis, checkpoint: Checkpoint) -> str:
    """The note text of a checkpoint: three lines."""
    first = origin(genesis, checkpoint.party, checkpoint.incarnation)
    return f"{first}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def read(genesis: Genesis, body: str) -> Checkpoint:
    """The checkpoint in a note text. Raises BadNote unless the text is the one form of a checkpoint of this line."""
    lines = body.split("\n")
    parts = lines[0].split("/")
    if len(lines) != 4 or len(parts) != 4 or parts[2] not in genesis.names:
        raise BadNote("a checkpoint is origin, size and root, and its origin keepclear/line/member/incarnation")
    try:
        found = Checkpoint(
            genesis.names.index(parts[2]),
            bytes.fromhex(parts[3]),
            int(lines[1]),
            base64.b64decode(lines[2], validate=True),
        )
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"not a checkpoint: {error}") from error
    if len(found.incarnation) != 8 or len(found.root) != 32 or not 0 <= found.size <= canonical.MAX_INT:
        raise BadNote("an incarnation has 8 bytes, a root 32, and a size is below 2^53")
    if text(genesis, found) != body:
        raise BadNote("not of this line, or a number in it is not in its one form")
    return found


def key_name(genesis: Genesis, member: int) -> str:
    """The name under which a member's node signs notes on this line."""
    return f"{ORIGIN_PREFIX}/{genesis.line.hex()[:16]}/{genesis.names[member]}"


def key(genesis: Genesis, member: int, of_type: KeyType, pair: NodeKey | None = None) -> Key:
    """A member's node key (that of the genesis, or a later one) in its role as a signer of notes."""
    pair = pair or genesis.keys[genesis.node_key(member)].key
    public = pair.mldsa if of_type == KeyType.MLDSA44 else pair.ed25519
    return Key(key_name(genesis, member), of_type, public, member)


def message(genesis: Genesis, checkpoint: Checkpoint, signer: Key, time_s: int) -> bytes:
    """The bytes that a key signs for a checkpoint; `time_s` is POSIX seconds, unused for type 0x01."""
    body = text(genesis, checkpoint)
    if signer.type == KeyType.ED25519:
        return body.encode()
    if signer.type == KeyType.COSIGNATURE:
        return f"cosignature/v1\ntime {time_s}\n{body}".encode()
    name = signer.name.encode()
    first = origin(genesis, checkpoint.party, checkpoint.incarnation).encode()
    return b"".join(
        (
            b"subtree/v1\n\x00",
            bytes((len(name),)),
            name,
            time_s.to_bytes(8, "big"),
            bytes((len(first),)),
            first,
            bytes(8),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def line(signer: Key, time_s: int, signature: bytes) -> Signature:
    """The signature line for what a key has signed."""
    return Signature(
        signer.name, signer.id, signature if signer.type == KeyType.ED25519 else note.timed(time_s, signature)
    )


def put_together(genesis: Genesis, checkpoint: Checkpoint, lines: Iterable[Signature]) -> bytes:
    """The bytes of the note that carries these signatures, not yet verified."""
    return note.format_note(Note(text(genesis, checkpoint), tuple(sorted(lines))))


def verify(genesis: Genesis, raw: bytes, lists: KeyBook | None = None) -> Verified:
    """The checkpoint in a note and who has signed it, by the keys of the genesis and of `lists`. Unknown signatures
    are dropped.

    Raises BadNote unless the text is a checkpoint of this line, the author has signed it (0x01), and every
    signature by a key that may sign it is valid.
    """
    parsed = note.parse(raw)
    found = read(genesis, parsed.text)
    keys = _keys(genesis, found.party, lists.every_node_key() if lists is not None else _first_keys(genesis))
    signers = note.verify(parsed, keys, lambda signer, time_s: message(genesis, found, signer, time_s))
    if not any(one.key.type == KeyType.ED25519 for one in signers):
        raise BadNote(f"the author {genesis.names[found.party]} has not signed its checkpoint")
    return Verified(found, parsed.text, _one_a_key(signers))


def merge(one: Verified, other: Verified) -> Verified:
    """The checkpoint with the signatures of both notes; of two by one key the earlier. Order and repeats are alike.

    Raises ValueError for notes of two texts.
    """
    if one.text != other.text:
        raise ValueError("only notes over the same text can be merged")
    return Verified(one.checkpoint, one.text, _one_a_key((*one.signers, *other.signers)))


def joint(of_line: bytes, books: Iterable[Incarnation]) -> bytes:
    """The joint checkpoint: SHA-256 over the line and, by party, start and incarnation, every logbook's state.

    The state is [party, start, incarnation, size, root, [[seq, leaf], ...] held past the first gap]. Logbooks in
    which nothing stands do not exist.
    """
    digest = sha256(JOINT_DOMAIN + of_line)
    for book in sorted(books, key=lambda book: (book.party, book.start, book.incarnation)):
        beyond = [[seq, book.held[seq].leaf] for seq in book.beyond()]
        if book.size or beyond:
            row = [book.party, book.start, book.incarnation, book.size, book.frontier.root(), beyond]
            digest.update(canonical.encode(row))
    return digest.digest()


@lru_cache(maxsize=64)
def _keys(genesis: Genesis, author: int, pairs: tuple[tuple[NodeKey, ...], ...]) -> tuple[Key, ...]:
    """The keys whose signatures mean something on a checkpoint of this author, of each member's `pairs`."""
    each = [(member, pair) for member, own in enumerate(pairs) for pair in own]
    first = {member: KeyType.ED25519 if member == author else KeyType.COSIGNATURE for member, _ in each}
    seconds = (key(genesis, member, KeyType.MLDSA44, pair) for member, pair in each)
    return (*(key(genesis, member, first[member], pair) for member, pair in each), *seconds)


@lru_cache(maxsize=64)
def _first_keys(genesis: Genesis) -> tuple[tuple[NodeKey, ...], ...]:
    return tuple((genesis.keys[genesis.node_key(member)].key,) for member in range(len(genesis.names)))


def _one_a_key(signers: Iterable[Signed]) -> tuple[Signed, ...]:
    best: dict[tuple[str, bytes], Signed] = {}
    for one in sorted(signers, key=lambda one: one.signature):  # by name, key id, then time, which leads the value
        best.setdefault((one.signature.name, one.signature.key_id), one)
    return tuple(best.values())
