"""Who a node is on its line: the genesis and the keys in its directory, held against each other at every start.

The law: a node starts only with a genesis that all members' roots have signed, and with keys that it, or a later key
list of the member's roots beside it, names for one member. Keys made in advance wait in a directory of the list that
will name them. A key file that was damaged or swapped is found now, not by the peers.
"""

from pathlib import Path
from typing import Final

import msgspec

from keepclear.host import keys, letter
from keepclear.host.keys import NodeKeys, SeatKey
from keepclear.record import genesis as founding
from keepclear.record import key_list
from keepclear.record.genesis import BadGenesis, Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.key_list import BadList

LISTS: Final = "list-"  # directories of a member's later key lists: list-1, list-2, ...


class IdentityError(Exception):
    """Keys and genesis do not belong together; the text says which and what to do."""


class Identity(msgspec.Struct, frozen=True):
    """Who a node is on its line: the genesis, its own index among the members, its keys and those of its seats.

    `node` and `seats` are those of the newest list whose node key is here; `pairs` and `releasing` are all that are
    here, by their Ed25519 half; `documents` are the signed key lists in the directory, by number.
    """

    genesis: Genesis
    member: int
    node: NodeKeys
    seats: dict[str, SeatKey]
    pairs: dict[bytes, NodeKeys] = {}
    releasing: dict[bytes, SeatKey] = {}
    documents: tuple[bytes, ...] = ()

    def release(self, epoch: int, seat: str, message: bytes) -> tuple[int, bytes]:
        """A seat's signature under our key list of this number, and the key's index there. Raises KeyError."""
        keys_then = self.lists().at(self.member, epoch)
        for index, owner in enumerate(keys_then[0] if keys_then else ()):
            key = self.releasing.get(owner.key.ed25519)
            if owner.member == self.member and owner.key.seat == seat and key is not None:
                return index, key.sign(message)
        raise KeyError(seat)

    def lists(self) -> KeyBook:
        """The key lists in the directory."""
        return _book(self.genesis, self.documents)


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
    """Our place in a genesis. Seats whose key is kept elsewhere are left out; a key that is in no list is refused,
    unless it is one made in advance.

    Raises IdentityError or KeyFileError.
    """
    documents = _documents(directory, genesis)
    book = _book(genesis, documents)
    pairs = {path: keys.read_node_keys(path, passphrase) for path in node_files(directory)}
    if not pairs:
        raise IdentityError(f"{directory}/node.key: is not there: use the directory that the keys were made in")
    held = {pair.public: pair for pair in pairs.values()}
    index = _index(directory, book, pairs)
    own = [key for key in book.node_keys(index) if key.ed25519 in held]
    newest = book.newest(index)
    releasing = _seat_keys(directory, book, index, passphrase)
    current = newest.body.keys if newest else genesis.body.members[index].keys
    listed = sorted(current, key=lambda key: key.seat)
    seats = {key.seat: releasing[key.ed25519] for key in listed if key.ed25519 in releasing}
    known = {key.ed25519: held[key.ed25519] for key in own}
    return Identity(genesis, index, held[own[-1].ed25519], seats, known, releasing, documents)


def node_files(directory: Path) -> list[Path]:
    """The files of node keys in a member's directory: the first, and those of later key lists."""
    first = directory / "node.key"
    return [*([first] if first.exists() else []), *sorted(directory.glob(f"{LISTS}*/node.key"))]


def read_document(path: Path, genesis: Genesis) -> bytes:
    """The signed key list in a letter. Raises IdentityError or LetterError."""
    document = letter.read(path, "signed-key-list")
    try:
        key_list.read(document, genesis)
    except BadList as error:
        raise IdentityError(f"{path}: {error}: join it again from its draft and signatures") from error
    return document


def number_of(path: Path) -> int:
    """The number of the key list that a file in a member's directory belongs to; 0 is the genesis."""
    names = [part.removeprefix(LISTS) for part in path.parts if part.startswith(LISTS)]
    return int(names[-1]) if names and names[-1].isdecimal() else 0


def book_in(directory: Path, genesis: Genesis) -> KeyBook:
    """The signed key lists in a directory. Raises IdentityError or LetterError."""
    return _book(genesis, _documents(directory, genesis))


def _documents(directory: Path, genesis: Genesis) -> tuple[bytes, ...]:
    return tuple(read_document(path, genesis) for path in sorted(directory.glob(f"{LISTS}*/*.keylist")))


def _book(genesis: Genesis, documents: tuple[bytes, ...]) -> KeyBook:
    book = KeyBook(genesis)
    for document in documents:
        book.add(key_list.read(document, genesis))
    return book


def _index(directory: Path, book: KeyBook, pairs: dict[Path, NodeKeys]) -> int:
    """Whose node keys these are: of one member, and each in one of its lists, but for one made in advance."""
    found = {
        path: next((i for i in range(len(book.genesis.names)) if _listed(pair) in book.node_keys(i)), None)
        for path, pair in pairs.items()
    }
    members = {index for index in found.values() if index is not None}
    if len(members) != 1:
        raise IdentityError(
            f"{directory}/node.key: is no member's in this genesis: use the directory that its keys were made in"
        )
    [member] = members
    newest = book.newest(member)
    last = newest.body.number if newest else 0
    for path, index in found.items():
        if index is None and number_of(path) <= last:
            raise IdentityError(
                f"{path}: is no node key of {book.genesis.names[member]} in its key lists: put back the right one"
            )
    return member


def _listed(pair: NodeKeys) -> founding.Key:
    return founding.Key("", pair.public, pair.public_mldsa)


def _seat_keys(directory: Path, book: KeyBook, member: int, passphrase: bytes | None) -> dict[bytes, SeatKey]:
    """All seats' keys in a directory, by their public half."""
    lists = (book.genesis.body.members[member].keys, *(one.body.keys for one in book.lists(member)))
    every = {key for one in lists for key in one}
    newest = book.newest(member)
    last = newest.body.number if newest else 0
    out = {}
    for path in (*sorted((directory / "seats").glob("*.key")), *sorted(directory.glob(f"{LISTS}*/seats/*.key"))):
        seat = keys.read_seat_key(path, passphrase)
        if founding.Key(seat.seat, seat.public) in every:
            out[seat.public] = seat
        elif number_of(path) <= last:
            name = book.genesis.names[member]
            raise IdentityError(
                f"{path}: is not the key of seat {seat.seat} of {name} in the genesis: put back that one"
            )
    return out
