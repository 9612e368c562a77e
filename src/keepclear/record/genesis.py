"""Genesis: the document that makes a line, signed by the roots of all its members; the line's id is its hash.

The law: who is a member, with which root keys and how many of them must sign, the first list of node and seat keys,
the suite, the limits and the mode are fixed here. A line in mode EXERCISE or TEST is another line than a LIVE one.
"""

from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import msgspec

from keepclear.accord import canonical
from keepclear.record import suite

MAGIC: Final = "keepclear/genesis/1"
MAX_MEMBERS: Final = 5  # a FLASH header names what its author has seen of each other member, in one datagram
MAX_NAME_BYTES: Final = 16
MAX_KEYS: Final = 128  # the key's index is one byte in the header
MAX_GENESIS_BYTES: Final = 262_144
COMMITMENT_BYTES: Final = 32

# Member names stand in the key names of signed notes: no plus, no slash, and none of Unicode's spaces.
_NOT_IN_NAMES: Final = frozenset("+/ \u00a0\u1680\u2028\u2029\u202f\u205f\u3000") | set(map(chr, range(0x2000, 0x200B)))


class Mode(IntEnum):
    """Whether what is said on the line is meant."""

    LIVE = 0
    EXERCISE = 1
    TEST = 2


class Role(IntEnum):
    """A party answers for aircraft; an observer holds, cosigns and relays the record."""

    PARTY = 0
    OBSERVER = 1


class Key(msgspec.Struct, frozen=True, array_like=True):
    """A key in the epoch's list. `seat` is "" for the node's own key; only node keys have an ML-DSA half."""

    seat: str
    ed25519: bytes
    mldsa: bytes = b""


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A member of the line: name, role, root keys of which `threshold` must sign, and its keys.

    `next` is the commitment to the node key of its first key list (key_list.commitment), b"" for none.
    """

    name: str
    role: int
    threshold: int
    roots: tuple[bytes, ...]
    keys: tuple[Key, ...]
    next: bytes = b""


class Limits(msgspec.Struct, frozen=True, array_like=True):
    """Sizes that every member keeps to."""

    entry_bytes: int = 65_536


class GenesisBody(msgspec.Struct, frozen=True, array_like=True):
    """What the roots sign."""

    magic: str
    suite: int
    mode: int
    name: str
    created_ms: int
    salt: bytes
    limits: Limits
    members: tuple[Member, ...]


class RootSignature(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One root key's signature: index of the member, index among its roots, signature."""

    member: int
    root: int
    signature: bytes


class Owner(msgspec.Struct, frozen=True):
    """Whose key an index in the list names."""

    member: int
    key: Key


class BadGenesis(ValueError):
    """The document makes no line; the text says why."""


class Genesis:
    """A genesis whose signatures have been checked: the trust that a verifier starts from."""

    def __init__(self, body: GenesisBody, document: bytes, line: bytes) -> None:
        self.body = body
        self.document = document
        self.line = line

    @classmethod
    def read(cls, document: bytes) -> "Genesis":
        """The genesis in a document. Raises BadGenesis unless every member's roots have signed it."""
        try:
            canonical.check(document, MAX_GENESIS_BYTES)
            data, signatures = msgspec.msgpack.decode(document, type=tuple[bytes, tuple[RootSignature, ...]])
            canonical.decode(data, MAX_GENESIS_BYTES)  # untyped first: a typed reading skips what it does not know
            body = msgspec.msgpack.decode(data, type=GenesisBody)
        except (canonical.NotCanonical, msgspec.ValidationError) as error:
            raise BadGenesis(f"not a genesis document: {error}") from error
        _check_body(body)
        _check_signatures(body, signing_message(data), signatures)
        return cls(body, document, line_id(data))

    @cached_property
    def keys(self) -> tuple[Owner, ...]:
        """The epoch's list of keys: members in sequence, each member's keys in sequence."""
        return tuple(Owner(i, key) for i, member in enumerate(self.body.members) for key in member.keys)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The members' names by index."""
        return tuple(member.name for member in self.body.members)

    @cached_property
    def tag_key(self) -> bytes:
        """The key of the line's tags (line/tag.py): a hash of the body, which others than its holders cannot make."""
        body, _ = msgspec.msgpack.decode(self.document, type=tuple[bytes, Any])
        return suite.sha(b"keepclear/tag/1\x00", body)

    @property
    def mode(self) -> Mode:
        """Whether what is said on the line is meant."""
        return Mode(self.body.mode)

    @property
    def everyone(self) -> int:
        """The bit mask of all members."""
        return (1 << len(self.body.members)) - 1

    def parties(self) -> list[int]:
        """Indices of the members that answer for aircraft."""
        return [i for i, member in enumerate(self.body.members) if member.role == Role.PARTY]

    def node_key(self, member: int) -> int:
        """The index in the key list of the member's node key."""
        return next(i for i, owner in enumerate(self.keys) if owner.member == member and not owner.key.seat)

    def seat_key(self, member: int, seat: str) -> int | None:
        """The index in the key list of the member's seat, or None if it has no such seat."""
        found = (i for i, owner in enumerate(self.keys) if owner.member == member and owner.key.seat == seat)
        return next(found, None)


def to_bytes(body: GenesisBody) -> bytes:
    """The bytes of a body: a member that commits to no next key has no item for it."""
    return canonical.encode([*msgspec.structs.astuple(body)[:-1], [member_row(member) for member in body.members]])


def member_row(member: Member) -> tuple[object, ...]:
    """A member as it is written."""
    return msgspec.structs.astuple(member)[: None if member.next else -1]


def line_id(body: bytes) -> bytes:
    """The id of the line that a genesis body makes."""
    return suite.sha(MAGIC.encode(), b"\x00", body)


def signing_message(body: bytes) -> bytes:
    """What a root key signs."""
    return b"keepclear/genesis-signature/1\x00" + line_id(body)


def document(body: bytes, signatures: list[RootSignature]) -> bytes:
    """The document that puts a body and its signatures together."""
    return canonical.encode([body, sorted(signatures, key=lambda s: (s.member, s.root))])


def _check_body(body: GenesisBody) -> None:
    if body.magic != MAGIC or body.suite != suite.SUITE:
        raise BadGenesis(f"magic {body.magic!r} suite {body.suite}, this version reads {MAGIC!r} suite {suite.SUITE}")
    if body.mode not in tuple(Mode):
        raise BadGenesis(f"mode {body.mode} is none of LIVE, EXERCISE, TEST")
    if not 2 <= len(body.members) <= MAX_MEMBERS:
        raise BadGenesis(f"{len(body.members)} members, a line has 2 to {MAX_MEMBERS}")
    if len({member.name for member in body.members}) != len(body.members):
        raise BadGenesis("two members have the same name")
    if len(body.salt) != 16 or not 2_048 <= body.limits.entry_bytes <= canonical.MAX_BYTES:
        raise BadGenesis("the salt is 16 bytes and the largest entry 2 048 to 262 144")
    if sum(len(member.keys) for member in body.members) > MAX_KEYS:
        raise BadGenesis(f"more than {MAX_KEYS} keys")
    keys = [k for member in body.members for k in (*member.roots, *(key.ed25519 for key in member.keys))]
    if len(set(keys)) != len(keys):  # a cosignature names its signer by key alone; four eyes need two keys
        raise BadGenesis("one Ed25519 key stands in two places; each root, node and seat needs its own")
    for member in body.members:
        _check_member(member)


def _check_member(member: Member) -> None:
    if not 1 <= len(member.name.encode()) <= MAX_NAME_BYTES or _NOT_IN_NAMES & set(member.name):
        raise BadGenesis(f"member name {member.name!r}: 1 to {MAX_NAME_BYTES} bytes, no space, plus or slash")
    if member.role not in tuple(Role):
        raise BadGenesis(f"{member.name}: role {member.role} is neither party nor observer")
    if not 1 <= member.threshold <= len(member.roots) or len(set(member.roots)) != len(member.roots):
        raise BadGenesis(f"{member.name}: {member.threshold} of {len(member.roots)} roots, all different, cannot be")
    if len(member.next) not in (0, COMMITMENT_BYTES):
        raise BadGenesis(f"{member.name}: the next key's hash is {COMMITMENT_BYTES} bytes or none")
    for key in member.roots:
        if not suite.is_sound_point(key):
            raise BadGenesis(f"{member.name}: {key.hex()} is not a sound Ed25519 key")
    if fault := check_keys(member.name, member.keys):
        raise BadGenesis(fault)


def check_keys(name: str, keys: tuple[Key, ...]) -> str:
    """What is wrong with a member's node and seat keys, "" if nothing."""
    if [key.seat for key in keys].count("") != 1 or len({key.seat for key in keys}) != len(keys):
        return f"{name}: one node key and differently named seats are needed"
    if any(len(key.seat.encode()) > MAX_NAME_BYTES for key in keys):
        return f"{name}: a seat's name is at most {MAX_NAME_BYTES} bytes"
    for key in keys:
        if not suite.is_sound_point(key.ed25519):
            return f"{name}: {key.ed25519.hex()} is not a sound Ed25519 key"
    if any(len(key.mldsa) != (suite.MLDSA_KEY_BYTES if not key.seat else 0) for key in keys):
        return f"{name}: the node key, and only it, has an ML-DSA-44 half"
    return ""


def _check_signatures(body: GenesisBody, message: bytes, signatures: tuple[RootSignature, ...]) -> None:
    places = [(s.member, s.root) for s in signatures]
    if any(one >= other for one, other in pairwise(places)):
        raise BadGenesis("the signatures stand by member and root, each once")
    signed: dict[int, set[int]] = {}
    for s in signatures:
        if not (0 <= s.member < len(body.members) and 0 <= s.root < len(body.members[s.member].roots)):
            raise BadGenesis(f"a signature names root {s.root} of member {s.member}, who is not there")
        if not suite.verify_ed25519(body.members[s.member].roots[s.root], message, s.signature):
            raise BadGenesis(f"{body.members[s.member].name}: the signature of root {s.root} is not valid")
        signed.setdefault(s.member, set()).add(s.root)
    for i, member in enumerate(body.members):
        if len(signed.get(i, ())) < member.threshold:
            raise BadGenesis(f"{member.name}: {len(signed.get(i, ()))} root signatures, {member.threshold} needed")
