"""How a member changes its keys: the next ones made, a list drafted, the roots' signatures, the signed list.

The law: as at the founding: no key is made but in its owner's directory, no private half leaves it, no file is written
over another, and what a root signs is described in full first. Keys that a list will name wait in `list-N/` beside the
genesis, N its number; those that it leaves as they were stay where they are.

    list-1/node.key  list-1/seats/duty.key    made in advance
    list-1/NORTH-1.draft                      to each root
    list-1/NORTH-1-0.signature                from each root
    list-1/NORTH-1.keylist                    to be announced; from then on the node starts under it
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.host import keys, letter
from keepclear.host.ceremony import CeremonyError
from keepclear.host.identity import LISTS, book_in, load_identity, read_genesis
from keepclear.node.own_keys import ENTRY_ROOM_BYTES
from keepclear.record import key_list
from keepclear.record.genesis import Genesis, Key
from keepclear.record.key_book import KeyBook
from keepclear.record.key_list import BadList, Ending, KeyList, ListBody, RootMark

SIGNATURE_MAGIC: Final = "keepclear/key-list-root-signatures/1"
NODE: Final = "node"

Upto = tuple[tuple[bytes, int | None], ...]


class Owner(msgspec.Struct, frozen=True):
    """Whose keys are changed: the line, the member, and the lists of its that are in its directory."""

    genesis: Genesis
    member: int
    book: KeyBook


def owner(directory: Path, name: str = "") -> Owner:
    """Whose directory it is, by its keys; or by its name, where no key of the member's is left in it.

    Raises CeremonyError, IdentityError, KeyFileError or LetterError.
    """
    if not name:
        identity = load_identity(directory)
        return Owner(identity.genesis, identity.member, identity.lists())
    genesis = read_genesis(directory / "genesis")
    if name not in genesis.names:
        raise CeremonyError(f"{name!r} is no member of this line: give one of {', '.join(genesis.names)}")
    return Owner(genesis, genesis.names.index(name), book_in(directory, genesis))


def make_next(
    directory: Path, whose: Owner, seats: Sequence[str], *, node: bool = True, passphrase: bytes | None = None
) -> Path:
    """Makes keys in advance, in the directory of the first list that has none yet; answers that directory.

    Raises CeremonyError or KeyFileError.
    """
    number = _newest(whose) + 1
    while (home := directory / f"{LISTS}{number}").exists():
        number += 1
    if not node and not seats:
        raise CeremonyError("neither a node key nor a seat's: give --seat, or leave out --seats-only")
    keys.private_directory(home)
    if node:
        keys.create_node_keys(home / "node.key", passphrase)
    if seats:
        keys.private_directory(home / "seats")
    for seat in seats:
        keys.create_key(home / "seats" / f"{seat}.key", passphrase)
    return home


def draft(directory: Path, whose: Owner, ends: Mapping[str, Upto]) -> Path:
    """Writes the draft of the next list: the keys made for it, the others as they are, and those that it ends.

    `ends` says of the node ("node") or a seat how far its present key was good. Raises CeremonyError or LetterError.
    """
    number = _newest(whose) + 1
    home = directory / f"{LISTS}{number}"
    now = _present(whose)
    new = _made(home)
    if strange := [name for name in ends if name not in now]:
        raise CeremonyError(f"{strange[0]}: is neither node nor a seat: give one of {', '.join(now)}")
    if not new and not ends:
        raise CeremonyError(f"{home}: holds no key, and none is to end: do keepclear keys next first")
    if kept := [name for name in ends if name not in new]:
        raise CeremonyError(f"{home}: holds no new key of {kept[0]}, whose key is to end: do keepclear keys next first")
    listed = tuple((now | new).values())
    after = _made(directory / f"{LISTS}{number + 1}").get(NODE)
    ended = sorted((Ending(now[name].ed25519, upto) for name, upto in ends.items()), key=lambda end: end.key)
    promised = key_list.commitment(after) if after else b""
    body = ListBody(key_list.MAGIC, whose.genesis.line, whose.member, number, listed, promised, tuple(ended))
    document = key_list.document(canonical.encode(body))
    _read(document, whose.genesis, home)
    keys.private_directory(home)
    out = home / f"{whose.genesis.names[whose.member]}-{number}.draft"
    letter.write(out, "key-list-draft", document)
    return out


def describe(directory: Path, path: Path) -> str:
    """All that a root signs, in lines for a person. Raises CeremonyError, IdentityError or LetterError."""
    genesis = read_genesis(directory / "genesis")
    body, data, _ = _read(letter.read(path, "key-list-draft"), genesis, path)
    name = genesis.names[body.member]
    before = {key.ed25519 for key in genesis.body.members[body.member].keys}
    lines = [
        f"key list  {body.number} of {name}, line {keys.grouped(genesis.line[:8])}",
        f"id        {keys.grouped(key_list.list_id(data)[: keys.FINGERPRINT_BYTES])}",
        f"          {keys.as_words(key_list.list_id(data)[: keys.FINGERPRINT_BYTES])}",
    ]
    for key in body.keys:
        what = f"seat    {keys.fingerprint(key.ed25519)}  {key.seat}"
        if not key.seat:
            what = f"node    {keys.fingerprint(key.ed25519 + key.mldsa)}"
        lines.append(f"  {what}{'' if key.ed25519 in before else '  (not of the genesis)'}")
    if body.next:
        lines.append(f"  next    {keys.grouped(body.next[: keys.FINGERPRINT_BYTES])}  the node key that is to come")
    for ending in body.ends:
        lines.append(f"ends      the key {ending.key.hex()[:16]}; good in these starts, and in none other:")
        lines += [f"  start   {inc.hex()}  {_good(size)}" for inc, size in ending.upto]
    return "\n".join(lines)


def sign(directory: Path, path: Path, passphrase: bytes | None = None) -> Path:
    """Signs a draft with the root keys in `directory`/roots; answers the signature file beside the draft.

    Show `describe` first. Raises CeremonyError, KeyFileError, IdentityError or LetterError.
    """
    genesis = read_genesis(directory / "genesis")
    body, data, _ = _read(letter.read(path, "key-list-draft"), genesis, path)
    member, message = genesis.body.members[body.member], key_list.signing_message(data)
    marks = []
    for file in sorted((directory / "roots").glob("*.key")):
        key = keys.read_key(file, passphrase)
        if key.public not in member.roots:
            raise CeremonyError(f"{file}: is no root of {member.name}: take it out of {file.parent}")
        marks.append(RootMark(member.roots.index(key.public), key.sign(message)))
    if not marks:
        raise CeremonyError(f"{directory}/roots: holds no root key: bring the medium that it is kept on")
    marks.sort(key=lambda mark: mark.root)
    roots = "-".join(str(mark.root) for mark in marks)
    out = path.with_name(f"{path.stem}-{roots}.signature")
    letter.write(out, "key-list-signature", canonical.encode([SIGNATURE_MAGIC, key_list.list_id(data), marks]))
    return out


def join(directory: Path, path: Path, signatures: Sequence[Path]) -> Path:
    """Puts a draft and its roots' signatures together; answers the signed list, to be announced.

    Raises CeremonyError unless enough roots have signed.
    """
    genesis = read_genesis(directory / "genesis")
    body, data, _ = _read(letter.read(path, "key-list-draft"), genesis, path)
    marks: dict[int, RootMark] = {}
    for file in signatures:
        for mark in _signatures(file, key_list.list_id(data)):
            marks.setdefault(mark.root, mark)
    document = key_list.document(data, tuple(marks.values()))
    try:
        key_list.read(document, genesis)
    except BadList as error:
        raise CeremonyError(f"{path}: no key list yet: {error}: ask for what is missing") from error
    if len(document) + ENTRY_ROOM_BYTES > (most := genesis.body.limits.entry_bytes):
        raise CeremonyError(
            f"{path}: {len(document)} bytes signed, an entry of this line has at most {most}: draft it again with fewer"
            " keys, or fewer starts"
        )
    home = directory / f"{LISTS}{body.number}"
    keys.private_directory(home)
    out = home / f"{path.stem}.keylist"
    letter.write(out, "signed-key-list", document)
    return out


def signed(path: Path, genesis: Genesis) -> KeyList:
    """The signed list in a file. Raises CeremonyError or LetterError."""
    try:
        return key_list.read(letter.read(path, "signed-key-list"), genesis)
    except BadList as error:
        raise CeremonyError(f"{path}: {error}: ask its owner for it again") from error


def _newest(whose: Owner) -> int:
    newest = whose.book.newest(whose.member)
    return newest.body.number if newest else 0


def _present(whose: Owner) -> dict[str, Key]:
    """Our keys as they are listed now, by seat; "node" for the node's."""
    newest = whose.book.newest(whose.member)
    listed = newest.body.keys if newest else whose.genesis.body.members[whose.member].keys
    return {key.seat or NODE: key for key in listed}


def _made(home: Path) -> dict[str, Key]:
    """The public halves of the keys that wait in the directory of a list. Raises KeyFileError."""
    found = {}
    if (home / "node.key").exists():
        pair = keys.read_node_keys(home / "node.key")
        found[NODE] = Key("", pair.public, pair.public_mldsa)
    for path in sorted((home / "seats").glob("*.key")):
        seat = keys.read_seat_key(path)
        found[seat.seat] = Key(seat.seat, seat.public)
    return found


def _read(document: bytes, genesis: Genesis, source: Path) -> tuple[ListBody, bytes, tuple[RootMark, ...]]:
    try:
        found = key_list.read_unsigned(document, genesis)
    except BadList as error:
        raise CeremonyError(f"{source}: no key list can be made of this: {error}") from error
    if canonical.encode(found[0]) != found[1]:
        raise CeremonyError(f"{source}: holds more than this version can show: sign nothing, ask which version made it")
    return found


def _signatures(path: Path, of: bytes) -> tuple[RootMark, ...]:
    try:
        magic, named, marks = msgspec.convert(
            canonical.decode(letter.read(path, "key-list-signature")), tuple[str, bytes, tuple[RootMark, ...]]
        )
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise CeremonyError(f"{path}: not a signature file: {error}: ask for it again") from error
    if magic != SIGNATURE_MAGIC or named != of:
        raise CeremonyError(f"{path}: signs another list: ask for the signature of this draft")
    return marks


def _good(size: int | None) -> str:
    return "up to the entry that carries this list" if size is None else f"{size} entries"
