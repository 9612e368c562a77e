"""A line for the simulator: its genesis, and every member's keys, all drawn from the names.

The law: the same names give the same bytes; nothing here is secret, so the line is of mode TEST.
"""

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.signing import SigningKey

from keepclear.accord import canonical
from keepclear.record import genesis
from keepclear.record import key_list as key_list_room
from keepclear.record.genesis import Genesis, GenesisBody, Key, Limits, Mode, Role, RootSignature
from keepclear.record.key_list import Ending
from sim.world import Keys

NAMES: Final = ("ALFA", "BRAVO", "WITNESS")
OBSERVERS: Final = frozenset({"WITNESS"})
SEATS: Final = ("duty", "chief")
CREATED_MS: Final = 1_537_100_000_000


def draw(*label: object) -> bytes:
    """32 bytes, the same for the same label."""
    return sha256("/".join(map(str, label)).encode()).digest()


def signing_key(name: str, role: str) -> SigningKey:
    """A member's Ed25519 key: role is `root`, `node` or a seat."""
    return SigningKey(draw("sim", name, role))


def node_keys(name: str, role: str = "node") -> Keys:
    """What a member's node signs with: the key of the genesis, or one of another role."""
    return Keys(signing_key(name, role), _mldsa(name, role))


def node_key(name: str, role: str = "node") -> Key:
    """The public halves of what a member's node signs with."""
    return Key("", bytes(signing_key(name, role).verify_key), _mldsa(name, role).public_key().public_bytes_raw())


def key_list(
    genesis: Genesis,
    member: int,
    number: int,
    node: str = "node",
    seats: tuple[str, ...] = SEATS,
    ends: tuple[Ending, ...] = (),
    promised: bytes = b"",
) -> bytes:
    """A key list that a member's root has signed: the roles of its node key and seats, the seat's name before a dot."""
    name = genesis.names[member]
    own = (node_key(name, node), *(Key(s.split(".")[0], bytes(signing_key(name, s).verify_key)) for s in seats))
    body = key_list_room.ListBody(
        key_list_room.MAGIC, genesis.line, member, number, own, promised, tuple(sorted(ends, key=lambda end: end.key))
    )
    data = canonical.encode(body)
    mark = signing_key(name, "root").sign(key_list_room.signing_message(data)).signature
    return key_list_room.document(data, (key_list_room.RootMark(0, mark),))


def _mldsa(name: str, role: str) -> MLDSA44PrivateKey:
    return MLDSA44PrivateKey.from_seed_bytes(draw("sim", name, "mldsa", *([] if role == "node" else [role])))


def found(names: tuple[str, ...] = NAMES, entry_bytes: int = 65_536) -> Genesis:
    """The genesis of a line of these members, signed by all."""
    members = tuple(_member(name) for name in names)
    body = genesis.to_bytes(
        GenesisBody(genesis.MAGIC, 1, Mode.TEST, "SIM", CREATED_MS, draw("salt")[:16], Limits(entry_bytes), members)
    )
    message = genesis.signing_message(body)
    signatures = [
        RootSignature(i, 0, signing_key(name, "root").sign(message).signature) for i, name in enumerate(names)
    ]
    return Genesis.read(genesis.document(body, signatures))


def _member(name: str) -> genesis.Member:
    keys = (
        node_key(name),
        *(Key(seat, bytes(signing_key(name, seat).verify_key)) for seat in SEATS),
    )
    role = Role.OBSERVER if name in OBSERVERS else Role.PARTY
    return genesis.Member(name, role, 1, (bytes(signing_key(name, "root").verify_key),), keys)
