"""Bundles at the desk: made of what a running node holds, written in parts, found again among files, opened, brought.

The law: this is the officer's own process, not the node's. A file from outside is read, opened and checked here, whole,
before the node is given an entry of it; and the node checks each entry again. A file is written whole, 0600, and never
over another.
"""

import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from keepclear.host import keys
from keepclear.host.client import Client
from keepclear.host.config import Address
from keepclear.host.identity import Identity, node_files
from keepclear.line import handshake, sealing
from keepclear.line.handshake import KemKey
from keepclear.line.sealing import Card
from keepclear.record import bundle, entry, parts
from keepclear.record.bundle import BadBundle, Bundle, Header
from keepclear.record.entry import Entry
from keepclear.record.genesis import Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.key_list import read as read_list
from keepclear.record.parts import Part

READER_KEY: Final = "reader.key"
SHARE_ENTRIES: Final = 50  # of one request: the node is held up by some 30 ms, a fraction of a heartbeat
SHARE_BYTES: Final = 262_144
DATAGRAM_BYTES: Final = 1_200  # what every path takes whole

View = dict[str, Any]
_Found = TypeVar("_Found", Part, Card)


def reader_key(directory: Path, make: bool = False) -> KemKey | None:
    """The key by which bundles are read here; None when there is none, unless it is to be made. Raises KeyFileError."""
    path = directory / READER_KEY
    if not path.exists():
        if not make:
            return None
        keys.write_private(path, secrets.token_hex(sealing.SEED_BYTES).encode() + b"\n")
    try:
        return sealing.reader_key(bytes.fromhex(keys.read_private(path).decode("ascii")))
    except ValueError as error:
        raise keys.KeyFileError(
            f"{path}: is no reader's key: restore the file from its copy, or move it away and give out a new card"
        ) from error


def key_book(client: Client, genesis: Genesis) -> KeyBook:
    """The key lists that the running node knows."""
    book = KeyBook(genesis)
    for document in client.ask("keys")["documents"]:
        book.add(read_list(bytes.fromhex(document), genesis))
    return book


# -- making ----------------------------------------------------------------------------------------------------------


class Wanted(msgspec.Struct, frozen=True):
    """Which entries go into a bundle: what a member lacks (None: all), of one party, from a seq, said since a time."""

    member: int | None = None
    party: int | None = None
    first_seq: int = 0
    since_ms: int | None = None


def gather(client: Client, genesis: Genesis, wanted: Wanted) -> list[Entry]:
    """The wanted entries that the running node has on its disk, in the sequence of a bundle."""
    books = client.ask("lacking", member=wanted.member)["books"]
    found: list[Entry] = []
    for party, incarnation, ranges in books:
        if wanted.party not in (None, party):
            continue
        for first, count in ranges:
            at, end = max(first, wanted.first_seq), first + count
            while at < end:
                asked = min(SHARE_ENTRIES, end - at)
                answer = client.ask("entries", party=party, incarnation=incarnation, first=at, count=asked)
                at = answer["next"]
                found += (entry.read(bytes.fromhex(raw), genesis.body.limits.entry_bytes) for raw in answer["entries"])
    since = wanted.since_ms
    kept = [one for one in found if since is None or one.header.wall_ms >= since]
    here = {one.leaf for one in kept}
    for raw in client.ask("keys")["carriers"]:  # a bundle is read by the genesis and what it carries itself
        one = entry.read(bytes.fromhex(raw), genesis.body.limits.entry_bytes)
        if one.leaf not in here:
            kept.append(one)
    return bundle.in_sequence(kept)


def make(identity: Identity, entries: Iterable[Entry], facts: View) -> bytes:
    """A bundle of these entries, signed by our node; its clock and its start are in `facts`. Raises BadBundle."""
    raws = [one.raw for one in entries]
    start, wall_ms, wall_err_ms = bytes.fromhex(facts["incarnation"]), facts["wall_ms"], facts["wall_err_ms"]
    header = Header(identity.genesis.line, identity.member, start, wall_ms, wall_err_ms, len(raws))
    unsigned = bundle.body(header, raws)
    made = unsigned + identity.node.sign(bundle.signing_message(unsigned))
    if len(made) > bundle.MAX_BYTES:
        raise BadBundle(
            f"{len(raws)} entries in {len(made)} bytes, at most {bundle.MAX_BYTES}",
            "export less at a time, with --party and --seq or --since",
        )
    return made


def seal(data: bytes, genesis: Genesis, card: Card) -> bytes:
    """A bundle that only the reader of the card can open."""
    return sealing.seal(data, genesis.line, card.kem, secrets.token_bytes(handshake.SECRET_BYTES))


def write(out: Path, pieces: list[bytes]) -> list[Path]:
    """Writes parts beside each other: OUT, or OUT.001 and so on when there are several. Raises KeyFileError."""
    if len(pieces) == 1:
        paths = [out]
    else:
        width = max(3, len(str(len(pieces))))
        paths = [out.with_name(f"{out.name}.{nth:0{width}d}") for nth in range(1, len(pieces) + 1)]
    for path in paths:  # before anything is written
        if path.exists():
            raise keys.KeyFileError(f"{path}: is already there and is not overwritten: choose another name")
    for path, piece in zip(paths, pieces, strict=True):
        keys.write_private(path, piece)
    return paths


def datagrams(paths: Iterable[Path]) -> list[bytes]:
    """The parts in the files, each small enough for one datagram. Raises BadBundle."""
    out = []
    for path in files(paths):
        read_part(path)  # only parts leave
        data = path.read_bytes()
        if len(data) > DATAGRAM_BYTES:
            raise BadBundle(
                f"{path}: {len(data)} bytes, at most {DATAGRAM_BYTES} in a datagram",
                f"export it again with --part-bytes {DATAGRAM_BYTES}",
            )
        out.append(data)
    return out


def send(pieces: list[bytes], address: Address, times: int, per_s: int) -> None:
    """Sends parts as datagrams, so many a second, all of them several times."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        for piece in pieces * times:
            out.sendto(piece, address)
            time.sleep(1 / per_s)


# -- taking in ---------------------------------------------------------------------------------------------------------


def files(paths: Iterable[Path]) -> list[Path]:
    """The files that are meant: a directory stands for those in it."""
    out: list[Path] = []
    for path in paths:
        found = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        out += [one for one in found if not one.name.startswith(".")]
    return out


def read_part(path: Path) -> Part:
    """The part in a file. Raises BadBundle, naming the file."""
    return _read(path, parts.MAX_WHOLE + parts.OVERHEAD_BYTES, parts.read, "look at the medium")


def grouped(found: Iterable[Part], genesis: Genesis) -> list[list[Part]]:
    """The parts of each bundle. Raises BadBundle for a part of another line."""
    groups: dict[bytes, list[Part]] = {}
    for part in found:
        if part.line != genesis.line[: parts.LINE_BYTES]:
            raise BadBundle(
                f"of line {part.line.hex()}, this line is {genesis.line.hex()[:16]}",
                "nothing of it was taken; bring it to a node of its own line",
            )
        groups.setdefault(part.name, []).append(part)
    return list(groups.values())


def opened(pieces: Iterable[Part], genesis: Genesis, key: KemKey | None) -> Bundle:
    """The bundle that the parts make, opened and checked whole. Raises BadBundle; then nothing of it is taken."""
    whole = parts.join(pieces)
    if sealing.is_sealed(whole):
        whole = sealing.open_sealed(whole, genesis.line, key)
    return bundle.read(whole, genesis)


def shares(found: Bundle) -> Iterator[tuple[bytes, ...]]:
    """A bundle's entries as the node is given them, a little at a time; one empty share for an empty bundle."""
    share: list[bytes] = []
    size = 0
    for one in found.entries:
        if share and (len(share) >= SHARE_ENTRIES or size + len(one.raw) > SHARE_BYTES):
            yield tuple(share)
            share, size = [], 0
        share.append(one.raw)
        size += len(one.raw)
    yield tuple(share)


def bring(client: Client, found: Bundle) -> tuple[int, int, int]:
    """Gives a running node the entries of a bundle: new, known, not taken. What is answered is on the node's disk."""
    lots = list(shares(found))
    counts = [0, 0, 0]
    for nth, share in enumerate(lots):
        answer = client.ask(
            "bring", sender=found.header.sender, incarnation=found.header.incarnation.hex(),
            made_ms=found.header.wall_ms, nth=nth, of=len(lots), entries=[raw.hex() for raw in share],
        )  # fmt: skip
        counts = [had + answer[name] for had, name in zip(counts, ("new", "known", "refused"), strict=True)]
    return counts[0], counts[1], counts[2]


def card_of(path: Path, genesis: Genesis, lists: KeyBook) -> Card:
    """The reader's card in a file, signed by a key in one of these lists. Raises BadBundle."""
    hint = "ask the reader for its card"
    return _read(path, sealing.MAX_CARD_BYTES, lambda data: sealing.read_card(data, genesis, lists), hint)


def _read(path: Path, most_bytes: int, parse: Callable[[bytes], _Found], hint: str) -> _Found:
    """What a file from outside holds; of a longer one than there can be a byte more is read, and found too long."""
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise BadBundle(f"{path}: cannot be read: {error.strerror}", hint) from error
    try:
        return parse(data)
    except BadBundle as error:
        raise BadBundle(f"{path}: {error}", error.hint) from error


def is_node(directory: Path) -> bool:
    """Whether a member's node lives there, rather than a watch."""
    return bool(node_files(directory))
