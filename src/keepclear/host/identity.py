"""Who a node is on its line: the genesis and the keys in its directory, held against each other at every start.

The law: a node starts only with a genesis that all members' roots have signed and that names, for one member, exactly
the node key and the seat keys found here. A key file that was damaged or swapped is found now, not by the peers.
"""

from pathlib import Path

import msgspec

from keepclear.host import keys
from keepclear.host.keys import NodeKeys, SeatKey
from keepclear.record import genesis as founding
from keepclear.record.genesis import BadGenesis, Genesis


class IdentityError(Exception):
    """Keys and genesis do not belong together; the text says which and what to do."""


class Identity(msgspec.Struct, frozen=True):
    """Who a node is on its line: the genesis, its own index among the members, its keys and those of its seats."""

    genesis: Genesis
    member: int
    node: NodeKeys
    seats: dict[str, SeatKey]


def load_identity(directory: Path, passphrase: bytes | None = None) -> Identity:
    """Who the node in a directory is. Raises IdentityError when keys and genesis do not belong together."""
    return seated(directory, read_genesis(directory / "genesis"), passphrase)


def read_genesis(path: Path) -> Genesis:
    """The genesis in a file. Raises IdentityError."""
    try:
        with path.open("rb") as file:
            return Genesis.read(file.read(founding.MAX_GENESIS_BYTES + 1))
    except FileNotFoundError as error:
        raise IdentityError(f"{path}: not there yet: join a line first") from error
    except (OSError, BadGenesis) as error:
        raise IdentityError(f"{path}: {error}: join the line again from its proposal and signatures") from error


def seated(directory: Path, genesis: Genesis, passphrase: bytes | None) -> Identity:
    """Our place in a genesis. Seats whose key is kept elsewhere are left out; a key that is not in it is refused.

    Raises IdentityError or KeyFileError.
    """
    node = keys.read_node_keys(directory / "node.key", passphrase)
    listed = founding.Key("", node.public, node.public_mldsa)
    index = next((i for i, member in enumerate(genesis.body.members) if listed in member.keys), None)
    if index is None:
        raise IdentityError(
            f"{directory}/node.key: is no member's in this genesis: use the directory that its keys were made in"
        )
    seats = {}
    for path in sorted((directory / "seats").glob("*.key")):
        seat = keys.read_seat_key(path, passphrase)
        if founding.Key(seat.seat, seat.public) not in genesis.body.members[index].keys:
            name = genesis.names[index]
            raise IdentityError(
                f"{path}: is not the key of seat {seat.seat} of {name} in the genesis: put back that one"
            )
        seats[seat.seat] = seat
    return Identity(genesis, index, node, seats)
