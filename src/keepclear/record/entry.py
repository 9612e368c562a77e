"""An entry: a statement numbered, chained, timed and signed by its author's node, and released by a seat.

The law: the header is what is signed and what the tree holds; it commits to the body by a salted root, so that a
field can be shown alone, and to the releases by their hash. The exact bytes received are kept, relayed and verified;
nothing is encoded again. Its keys are those of its author's key list with the header's epoch as its number; 0 is the
genesis. An entry that carries that very list needs no other.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from keepclear.accord import canonical, statement
from keepclear.accord.canonical import Int, Text
from keepclear.accord.statement import Kind
from keepclear.record import key_list, suite, tree
from keepclear.record.genesis import Genesis, Owner
from keepclear.record.key_list import BadList, KeyList

ENTRY_DOMAIN: Final = b"keepclear/entry/1\x00"
RELEASE_DOMAIN: Final = b"keepclear/release/1\x00"
RELEASES_DOMAIN: Final = b"keepclear/releases/1\x00"
NO_PREV: Final = bytes(32)
SEED_BYTES: Final = 32
INCARNATION_BYTES: Final = 8
MAX_RELEASES: Final = 2
MAX_REFS: Final = 2
MAX_LEAVES: Final = 32
FIRST_LEAVES: Final = 16
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))  # the two pads of RFC 2104


Keys = tuple[Owner, ...]


class Lists(Protocol):
    """Where key lists are known: record.key_book."""

    def at(self, party: int, epoch: int) -> Sequence[Keys]:
        """The keys that a header of this party and epoch may name by index; none while the list is not known."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What the author held of another member when it spoke: incarnation, size of it, newest wall time heard."""

    incarnation: bytes
    size: Int
    heard_ms: Int


class Header(msgspec.Struct, frozen=True, array_like=True):
    """The signed part of an entry. `seen` has one place for every other member, in the genesis' sequence."""

    suite: Int
    line: bytes
    epoch: Int
    party: Int
    incarnation: bytes
    start: Int
    seq: Int
    prev: bytes
    seen: tuple[Seen | None, ...]
    wall_ms: Int
    wall_err_ms: Int
    precedence: Int
    kind: Int
    replaces: bytes | None
    refs: tuple[bytes, ...]
    to: Int
    seat: Text
    valid_from_ms: Int
    expiry_ms: Int | None
    body_root: bytes
    releases_hash: bytes | None
    key: Int


class Release(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A seat's signature over all that its officer saw."""

    key: int
    signature: bytes


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """What an officer releases, before the node numbers it: all of the header that is the officer's to say."""

    kind: int
    precedence: int
    replaces: bytes | None
    refs: tuple[bytes, ...]
    to: int
    seat: str
    valid_from_ms: int
    expiry_ms: int | None
    body: bytes


class Entry(msgspec.Struct, frozen=True):
    """An entry as read from its bytes: `leaf` is its hash in the tree, by which others refer to it."""

    raw: bytes
    header: Header
    header_bytes: bytes
    signature: bytes
    releases: tuple[Release, ...]
    seed: bytes
    body: bytes
    leaf: bytes

    @property
    def slot(self) -> tuple[int, bytes, int]:
        """The place that this entry alone may take: party, incarnation, seq."""
        return self.header.party, self.header.incarnation, self.header.seq


class Wire(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The outermost structure of an entry: five items and no more, for what stands here is signed only in parts."""

    header: bytes
    signature: bytes
    releases: tuple[Release, ...]
    seed: bytes
    body: bytes


_WIRE: Final = msgspec.msgpack.Decoder(Wire)
_HEADER: Final = msgspec.msgpack.Decoder(Header)


class BadEntry(ValueError):
    """The bytes are no entry of this line; the text says which rule is broken."""


class Unlisted(BadEntry):
    """The entry may be its author's: the key list that it names is not here."""


def salts(seed: bytes, count: int) -> list[bytes]:
    """The salts of the leaves of a body, in sequence: HMAC-SHA-256 of each one's number under the seed.

    HMAC as RFC 2104 writes it: the library's object costs four times the hashing, and there are sixteen an entry.
    """
    key, out = (sha256(seed).digest() if len(seed) > 64 else seed).ljust(64, b"\0"), []
    keyed_inner, keyed_outer = sha256(key.translate(_INNER)), sha256(key.translate(_OUTER))
    for index in range(count):
        inner, outer = keyed_inner.copy(), keyed_outer.copy()
        inner.update(index.to_bytes(4, "big"))
        outer.update(inner.digest())
        out.append(outer.digest())
    return out


@lru_cache(maxsize=64)
def body_root(seed: bytes, body: bytes) -> bytes:
    """The root over a body's salted leaves, padded with empty ones to 16 or 32; remembered for who says or reads it.

    Raises BadEntry for a body that is not canonical, no array, or of more leaves.
    """
    try:
        value = canonical.decode(body)
    except canonical.NotCanonical as error:
        raise BadEntry(f"the body is not canonical: {error}") from error
    if not isinstance(value, list):
        raise BadEntry("a body is an array")
    leaves = [canonical.pack(leaf) for leaf in value]  # parts of what is canonical are canonical too
    if len(leaves) > MAX_LEAVES:
        raise BadEntry(f"body of {len(leaves)} leaves, at most {MAX_LEAVES}")
    leaves += [b""] * ((FIRST_LEAVES if len(leaves) <= FIRST_LEAVES else MAX_LEAVES) - len(leaves))
    salted = zip(salts(seed, len(leaves)), leaves, strict=True)
    return tree.root_of([sha256(b"\0" + salt + leaf).digest() for salt, leaf in salted])  # leaf_hash, without the calls


def release_message(line: bytes, epoch: int, party: int, draft: Draft, root: bytes) -> bytes:
    """What a seat signs: everything that its officer saw, but nothing that the node adds later.

    Raises canonical.NotCanonical for a draft that has no such form.
    """
    message = _release_message(line, epoch, party, draft, root)
    canonical.check(message[len(RELEASE_DOMAIN) :])
    return message


def _release_message(line: bytes, epoch: int, party: int, draft: Draft | Header, root: bytes) -> bytes:
    return RELEASE_DOMAIN + canonical.pack(
        (
            line, epoch, party, draft.kind, draft.replaces, draft.refs, draft.to, draft.precedence, draft.seat,
            draft.valid_from_ms, draft.expiry_ms, root,
        )
    )  # fmt: skip


def releases_hash(releases: tuple[Release, ...]) -> bytes | None:
    """The header's commitment to the releases; None when there are none."""
    return suite.sha(RELEASES_DOMAIN, canonical.pack(releases)) if releases else None


def signing_message(header: bytes) -> bytes:
    """What the author's node signs."""
    return ENTRY_DOMAIN + header


def assemble(header: bytes, signature: bytes, releases: tuple[Release, ...], seed: bytes, body: bytes) -> bytes:
    """The bytes of an entry."""
    return canonical.pack(Wire(header, signature, releases, seed, body))


def read(raw: bytes, max_bytes: int) -> Entry:
    """The entry that the bytes hold: wire and header are well formed, body and signatures not yet looked at.

    Raises BadEntry.
    """
    try:
        wire = canonical.decode_as(raw, _WIRE, max_bytes)
        header = canonical.decode_as(wire.header, _HEADER)
        if any(abs(release.key) > canonical.MAX_INT for release in wire.releases):
            canonical.check(raw, max_bytes)  # an officer's tool may have given any number, so its type says nothing
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadEntry(f"not an entry: {error}") from error
    leaf = tree.leaf_hash(wire.header)
    return Entry(raw, header, wire.header, wire.signature, wire.releases, wire.seed, wire.body, leaf)


def check(entry: Entry, genesis: Genesis, lists: Lists | None = None) -> None:
    """Raises BadEntry unless the entry is its named author's own, whole and unchanged; Unlisted while its key list is
    not known. Without `lists` the genesis and what the entry carries itself are all that is known.
    """
    h = entry.header
    _check_header(h, genesis)
    _check_body(entry)
    known = list(lists.at(h.party, h.epoch)) if lists is not None else [genesis.keys] * (h.epoch == 0)
    if not known and (own := carried_by(entry, genesis)) and (own.body.member, own.body.number) == (h.party, h.epoch):
        known = [owners(own)]
    if not known:
        raise Unlisted(f"signed under key list {h.epoch} of {genesis.names[h.party]}, which is not here")
    faults = [_signature_fault(entry, keys) for keys in known]  # two only where the roots have contradicted themselves
    if all(faults):
        raise BadEntry(faults[0])


def owners(one: KeyList) -> Keys:
    """The keys of a list, as a header of its epoch names them by index."""
    return tuple(Owner(one.body.member, key) for key in one.body.keys)


def carried_by(entry: Entry, genesis: Genesis) -> KeyList | None:
    """The key list that an entry carries, its roots checked; None when it carries none that is one."""
    if entry.header.kind != Kind.KEY_LIST:
        return None
    try:
        body = read_body(Kind.KEY_LIST, entry.body)
        return key_list.read(body.document, genesis) if isinstance(body, statement.KeyList) else None
    except (statement.Unreadable, BadList):
        return None


def read_signed(data: bytes, signature: bytes, genesis: Genesis, lists: Lists) -> Header:
    """A header that is shown without its body, signed by its named author's node. Raises BadEntry."""
    try:
        canonical.decode(data)
        header = msgspec.msgpack.decode(data, type=Header)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadEntry(f"not a header: {error}") from error
    _check_header(header, genesis)
    known = list(lists.at(header.party, header.epoch))
    if not known:
        raise Unlisted(f"signed under key list {header.epoch} of {genesis.names[header.party]}, which is not here")
    faults = [_node_fault(header, data, signature, keys) for keys in known]
    if all(faults):
        raise BadEntry(faults[0])
    return header


@lru_cache(maxsize=256)
def read_body(kind: int, body: bytes) -> statement.Body | None:
    """The statement in a body, as statement.read, remembered: the same bytes are asked for by several rooms."""
    return statement.read(kind, body)


def _check_header(header: Header, genesis: Genesis) -> None:
    if header.suite != suite.SUITE:
        raise BadEntry(f"suite {header.suite}, this version reads suite {suite.SUITE}")
    if header.line != genesis.line:
        raise BadEntry(f"of line {header.line.hex()[:16]}, this line is {genesis.line.hex()[:16]}")
    members = len(genesis.body.members)
    if not 0 <= header.party < members or len(header.seen) != members - 1:
        raise BadEntry(f"party {header.party} with {len(header.seen)} others seen, on a line of {members}")
    counts = (header.seq, header.start, header.epoch, header.kind, header.wall_err_ms)
    if len(header.incarnation) != INCARNATION_BYTES or min(counts) < 0:
        raise BadEntry("incarnation is 8 bytes; seq, start, epoch, kind and clock error are not negative")
    if header.to != genesis.everyone:
        raise BadEntry(f"to {header.to:#x}: this version reads what is said to all, {genesis.everyone:#x}")
    hashes = [header.prev, header.body_root, header.replaces, header.releases_hash, *header.refs]
    if any(h is not None and len(h) != 32 for h in hashes) or len(header.refs) > MAX_REFS:
        raise BadEntry(f"hashes are 32 bytes, and at most {MAX_REFS} refs")
    if (header.seq == 0) != (header.prev == NO_PREV):
        raise BadEntry("the first entry, and only it, has no entry before it")
    if len(header.seat.encode()) > statement.MAX_SEAT_BYTES or not 1 <= header.precedence <= 4:
        raise BadEntry(f"seat of {len(header.seat.encode())} bytes, precedence {header.precedence}")
    for seen in filter(None, header.seen):
        if len(seen.incarnation) != INCARNATION_BYTES or seen.size < 0:
            raise BadEntry("what was seen is (8-byte incarnation, size, time)")


def _check_body(entry: Entry) -> None:
    if len(entry.seed) != SEED_BYTES:
        raise BadEntry(f"seed of {len(entry.seed)} bytes, {SEED_BYTES} expected")
    if body_root(entry.seed, entry.body) != entry.header.body_root:
        raise BadEntry("the body is not the one that the header commits to")


def _signature_fault(entry: Entry, keys: Keys) -> str:
    """What is wrong with the signatures on an entry if these are its author's keys, "" if nothing."""
    return _node_fault(entry.header, entry.header_bytes, entry.signature, keys) or _release_fault(entry, keys)


def _node_fault(header: Header, data: bytes, signature: bytes, keys: Keys) -> str:
    if not 0 <= header.key < len(keys):
        return f"key {header.key} of {len(keys)}"
    owner = keys[header.key]
    if owner.member != header.party or owner.key.seat:
        return f"key {header.key} is not the node key of party {header.party}"
    if not suite.verify_ed25519(owner.key.ed25519, signing_message(data), signature):
        return "the node's signature is not valid"
    return ""


def _release_fault(entry: Entry, keys: Keys) -> str:
    header = entry.header
    if len(entry.releases) > MAX_RELEASES or releases_hash(entry.releases) != header.releases_hash:
        return "the releases are not those that the header commits to"
    message = _release_message(header.line, header.epoch, header.party, header, header.body_root)
    for release in entry.releases:
        if not 0 <= release.key < len(keys):
            return f"released by key {release.key} of {len(keys)}"
        owner = keys[release.key]
        if owner.member != header.party or not owner.key.seat:
            return f"released by key {release.key}, which is no seat of party {header.party}"
        if not suite.verify_ed25519(owner.key.ed25519, message, release.signature):
            return f"the release of seat {owner.key.seat} is not valid"
    if len({release.key for release in entry.releases}) != len(entry.releases):
        return "released twice by one seat"
    return ""


def draft_of_header(h: Header, body: bytes) -> Draft:
    """The draft that a header and its body came from."""
    return Draft(h.kind, h.precedence, h.replaces, h.refs, h.to, h.seat, h.valid_from_ms, h.expiry_ms, body)
