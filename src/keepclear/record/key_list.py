"""Key list: which keys speak for one member from now on, signed by its roots; the genesis holds the first, number 0.

The law: a list is verified by the genesis alone, whoever carries it: k of the member's roots sign its exact bytes, in
which line, member and number stand, so that it is good nowhere else and never again. It names all keys of the member;
it may commit to the next node key; and where it ends a key, it says for each incarnation how far that key was good,
and for none other. It never says that what was signed is to be forgotten.
"""

from itertools import pairwise
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.record import suite
from keepclear.record.genesis import COMMITMENT_BYTES, MAX_KEYS, Genesis, Key, check_keys

MAGIC: Final = "keepclear/key-list/1"
MAX_NUMBER: Final = 65_535  # one a week for a thousand years; the epoch of a header takes three bytes
MAX_ENDINGS: Final = 16
MAX_STARTS: Final = 4_000  # incarnations that one list names; what they take fits an entry
MAX_DOCUMENT_BYTES: Final = 65_536
INCARNATION_BYTES: Final = 8


class Ending(msgspec.Struct, frozen=True, array_like=True):
    """A key (its Ed25519 half) that is no longer good, and how far it was, by incarnation; in none other.

    A size is how many entries of the incarnation it may have signed; None: up to the one that carries this list there.
    """

    key: bytes
    upto: tuple[tuple[bytes, int | None], ...] = ()


class ListBody(msgspec.Struct, frozen=True, array_like=True):
    """What the roots sign. `next` is the commitment to the next node key, b"" for none."""

    magic: str
    line: bytes
    member: int
    number: int
    keys: tuple[Key, ...]
    next: bytes = b""
    ends: tuple[Ending, ...] = ()


class RootMark(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One root's signature: its index among the member's roots, the signature."""

    root: int
    signature: bytes


class KeyList(msgspec.Struct, frozen=True):
    """A list whose roots have been checked; `id` is the hash of what they signed."""

    body: ListBody
    document: bytes
    id: bytes

    @property
    def node_key(self) -> Key:
        """The member's node key."""
        return next(key for key in self.body.keys if not key.seat)


class BadList(ValueError):
    """The bytes are no key list of this line; the text says why."""


def read(document: bytes, genesis: Genesis) -> KeyList:
    """The key list in a document. Raises BadList unless enough of its member's roots have signed it."""
    body, data, marks = read_unsigned(document, genesis)
    member = genesis.body.members[body.member]
    if any(one.root >= other.root for one, other in pairwise(marks)):
        raise BadList("the signatures stand by root, each once")
    for mark in marks:
        if not 0 <= mark.root < len(member.roots):
            raise BadList(f"a signature of root {mark.root} of {member.name}, which has {len(member.roots)}")
        if not suite.verify_ed25519(member.roots[mark.root], signing_message(data), mark.signature):
            raise BadList(f"{member.name}: the signature of root {mark.root} is not valid")
    if len(marks) < member.threshold:
        raise BadList(f"{member.name}: {len(marks)} root signatures, {member.threshold} needed")
    return KeyList(body, document, list_id(data))


def read_unsigned(document: bytes, genesis: Genesis) -> tuple[ListBody, bytes, tuple[RootMark, ...]]:
    """The list in a document, its exact bytes and the signatures, unchecked. Raises BadList."""
    try:
        canonical.check(document, MAX_DOCUMENT_BYTES)
        data, marks = msgspec.msgpack.decode(document, type=tuple[bytes, tuple[RootMark, ...]])
        canonical.decode(data, MAX_DOCUMENT_BYTES)  # untyped first: a typed reading skips what it does not know
        body = msgspec.msgpack.decode(data, type=ListBody)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadList(f"not a key list: {error}") from error
    _check_body(body, genesis)
    return body, data, marks


def signing_message(data: bytes) -> bytes:
    """What a root signs for a list."""
    return b"keepclear/key-list-signature/1\x00" + list_id(data)


def list_id(data: bytes) -> bytes:
    """The hash that names a list."""
    return suite.sha(MAGIC.encode(), b"\x00", data)


def document(data: bytes, marks: tuple[RootMark, ...] = ()) -> bytes:
    """The document that puts a list and its roots' signatures together."""
    return canonical.encode([data, sorted(marks, key=lambda mark: mark.root)])


def commitment(key: Key) -> bytes:
    """What a list or genesis says of the node key that comes next, before anybody has seen it."""
    return suite.sha(b"keepclear/next-key/1\x00", key.ed25519, key.mldsa)


def _check_body(body: ListBody, genesis: Genesis) -> None:
    if body.magic != MAGIC:
        raise BadList(f"magic {body.magic!r}, this version reads {MAGIC!r}")
    if body.line != genesis.line:
        raise BadList(f"of line {body.line.hex()[:16]}, this line is {genesis.line.hex()[:16]}")
    if not 0 <= body.member < len(genesis.names):
        raise BadList(f"of member {body.member} of {len(genesis.names)}")
    if not 1 <= body.number <= MAX_NUMBER:
        raise BadList(f"number {body.number}, 1 to {MAX_NUMBER} expected; 0 is the genesis")
    if not 1 <= len(body.keys) <= MAX_KEYS or len(body.next) not in (0, COMMITMENT_BYTES):
        raise BadList(f"{len(body.keys)} keys, 1 to {MAX_KEYS} expected; the next one's hash is 32 bytes or none")
    if fault := check_keys(genesis.names[body.member], body.keys):
        raise BadList(fault)
    members = enumerate(genesis.body.members)
    taken = {k for i, m in members for k in (*m.roots, *(key.ed25519 for key in m.keys if i != body.member))}
    own = [key.ed25519 for key in body.keys]
    if len(set(own)) != len(own) or taken & set(own):
        raise BadList("one Ed25519 key stands in two places; each root, node and seat needs its own")
    _check_ends(body.ends)


def _check_ends(ends: tuple[Ending, ...]) -> None:
    if len(ends) > MAX_ENDINGS or sum(len(ending.upto) for ending in ends) > MAX_STARTS:
        raise BadList(f"at most {MAX_ENDINGS} keys and {MAX_STARTS} incarnations are named in what ends")
    if any(one.key >= other.key for one, other in pairwise(ends)):
        raise BadList("the keys that end stand in sequence, each once")
    for ending in ends:
        if any(one[0] >= other[0] for one, other in pairwise(ending.upto)):
            raise BadList("the incarnations of a key that ends stand in sequence, each once")
        starts = [len(incarnation) for incarnation, _ in ending.upto]
        sizes = [size for _, size in ending.upto if size is not None]
        if len(ending.key) != 32 or {*starts, INCARNATION_BYTES} != {INCARNATION_BYTES} or min(sizes, default=0) < 0:
            raise BadList("what ends is a key of 32 bytes with (8-byte incarnation, size) each")
