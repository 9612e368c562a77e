"""How a line is founded: offers, a proposal made of them, everybody's signatures, and the genesis.

The law: no key is made but in its owner's directory, and no private half leaves it. Nobody signs a proposal in which
their own name stands with other keys than those of their own offer. A line whose keys were all made on one machine is
never LIVE. What a member signs is described in full first, and its id compared by voice.

A member's directory: `roots/*.key` (to be taken away once the genesis is there), `node.key`, `seats/SEAT.key`,
`NAME.offer`, `genesis`.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.host import keys, letter
from keepclear.host.identity import read_genesis, seated
from keepclear.record import genesis as founding
from keepclear.record import suite
from keepclear.record.genesis import BadGenesis, Genesis, GenesisBody, Limits, Member, Mode, Role, RootSignature

OFFER_MAGIC: Final = "keepclear/offer/1"
SIGNATURE_MAGIC: Final = "keepclear/root-signatures/1"
MAX_LINE_NAME_BYTES: Final = 64
MAX_ROOTS: Final = 16  # more people than can be brought together to sign
YEAR_10000_MS: Final = 253_402_300_800_000
MEANT: Final = {
    Mode.LIVE: "what is said on it is meant",
    Mode.EXERCISE: "what is said on it is not meant",
    Mode.TEST: "what is said on it is not meant",
}


class CeremonyError(Exception):
    """A step cannot be taken; the text says whose act it was and what to do."""


def make_identity(
    directory: Path,
    name: str,
    role: Role,
    seats: Sequence[str],
    *,
    roots: int = 1,
    threshold: int = 1,
    passphrase: bytes | None = None,
) -> Path:
    """Makes a member's keys in an empty private directory; answers its offer, which is to be given to the proposer.

    `threshold` of the `roots` have to sign a genesis. Raises CeremonyError, KeyFileError or LetterError.
    """
    _check_names([name, *seats])
    if not 1 <= threshold <= roots <= MAX_ROOTS:
        raise CeremonyError(f"{threshold} of {roots} roots cannot be: at least 1 of at most {MAX_ROOTS}")
    if len(set(seats)) != len(seats) or len(seats) >= founding.MAX_KEYS:
        raise CeremonyError(f"seats {', '.join(seats)}: all different and fewer than {founding.MAX_KEYS} expected")
    keys.private_directory(directory)
    if any(directory.iterdir()):
        raise CeremonyError(f"{directory}: is not empty, and keys are never replaced: choose an empty directory")
    keys.private_directory(directory / "roots")
    keys.private_directory(directory / "seats")
    root_keys = [keys.create_key(directory / "roots" / f"root-{i}.key", passphrase) for i in range(roots)]
    node = keys.create_node_keys(directory / "node.key", passphrase)
    seat_keys = [keys.create_key(directory / "seats" / f"{seat}.key", passphrase).public for seat in seats]
    listed = [founding.Key("", node.public, node.public_mldsa), *map(founding.Key, seats, seat_keys)]
    member = Member(name, role, threshold, tuple(key.public for key in root_keys), tuple(listed))
    offer = directory / f"{name}.offer"
    letter.write(offer, "offer", canonical.encode([OFFER_MAGIC, founding.member_row(member)]))
    return offer


def propose(offers: Sequence[Path], line: str, mode: Mode, created_ms: int, out: Path) -> Path:
    """Writes the proposal of a line between the members whose offers these are, in this sequence.

    Raises CeremonyError when no line can be made of them, or LetterError.
    """
    members = tuple(_read_offer(path) for path in offers)
    body = GenesisBody(founding.MAGIC, suite.SUITE, mode, line, created_ms, secrets.token_bytes(16), Limits(), members)
    data = founding.to_bytes(body)
    _check_body(data, "these offers")
    letter.write(out, "proposal", data)
    return out


def describe(proposal: Path) -> str:
    """All that a root signs, in lines for a person to read and compare. Raises CeremonyError or LetterError."""
    data = letter.read(proposal, "proposal")
    body = _check_body(data, str(proposal))
    mode = Mode(body.mode)
    created = datetime.fromtimestamp(body.created_ms // 1_000, UTC)
    lines = [
        f"line      {body.name}",
        f"mode      {mode.name}: {MEANT[mode]}",
        f"created   {created:%Y-%m-%d %H:%M:%S} UTC",
        f"id        {keys.grouped(founding.line_id(data)[: keys.FINGERPRINT_BYTES])}",
        f"entries   at most {body.limits.entry_bytes} bytes",
    ]
    for member in body.members:
        lines += _described(member)
    return "\n".join(lines)


def sign(directory: Path, proposal: Path, passphrase: bytes | None = None) -> Path:
    """Signs a proposal with the root keys in `directory`/roots; answers the signature file, to be given to all.

    Show `describe` first. Raises CeremonyError when the proposal is not of our own offer, KeyFileError, LetterError.
    """
    data = letter.read(proposal, "proposal")
    body = _check_body(data, str(proposal))
    index = _own_index(directory, body, proposal)
    own, message = body.members[index], founding.signing_message(data)
    signatures = []
    for path in sorted((directory / "roots").glob("*.key")):
        key = keys.read_key(path, passphrase)
        if key.public not in own.roots:
            raise CeremonyError(f"{path}: is no root of {own.name} in {proposal}: take it out of {path.parent}")
        signatures.append(RootSignature(index, own.roots.index(key.public), key.sign(message)))
    if not signatures:
        raise CeremonyError(f"{directory}/roots: holds no root key: bring the medium that it is kept on")
    line = founding.line_id(data)
    number = "-".join(str(s.root) for s in sorted(signatures, key=lambda s: s.root))
    out = directory / f"{own.name}-{line.hex()[:8]}-{number}.signature"
    signed = canonical.encode([SIGNATURE_MAGIC, line, signatures])
    if not out.exists() or letter.read(out, "signature") != signed:
        letter.write(out, "signature", signed)
    return out


def join(directory: Path, proposal: Path, signatures: Sequence[Path], passphrase: bytes | None = None) -> Path:
    """Puts proposal and signatures together into `directory`/genesis and answers it.

    Raises CeremonyError unless all members' roots have signed and our own keys are those in it. Doing it twice with
    the same is harmless; another genesis is never replaced.
    """
    data = letter.read(proposal, "proposal")
    _check_body(data, str(proposal))
    found: dict[tuple[int, int], RootSignature] = {}
    for path in signatures:
        for signature in _read_signatures(path, founding.line_id(data)):
            found.setdefault((signature.member, signature.root), signature)
    document = founding.document(data, list(found.values()))
    try:
        genesis = Genesis.read(document)
    except BadGenesis as error:
        raise CeremonyError(f"{proposal}: no line yet: {error}: ask for what is missing") from error
    seated(directory, genesis, passphrase)
    out = directory / "genesis"
    if out.exists():
        if read_genesis(out).line != genesis.line:
            raise CeremonyError(f"{out}: is of another line: a directory is for one line, choose another")
        return out
    keys.write_private(out, document)
    return out


def make_exercise_line(
    parent: Path, members: Sequence[tuple[str, Role, Sequence[str]]], created_ms: int, mode: Mode = Mode.EXERCISE
) -> list[Path]:
    """Does all of it on one machine, for members given as (name, role, seats); answers their directories.

    Raises CeremonyError for LIVE: whoever has made all the keys of a line can speak for all its members.
    """
    if mode == Mode.LIVE:
        raise CeremonyError("a LIVE line is not made on one machine: each member makes an identity and signs")
    keys.private_directory(parent)
    directories = [parent / name for name, _, _ in members]
    offers = [make_identity(parent / name, name, role, seats) for name, role, seats in members]
    proposal = propose(offers, mode.name.lower(), mode, created_ms, parent / "line.proposal")
    signatures = [sign(directory, proposal) for directory in directories]
    for directory in directories:
        join(directory, proposal, signatures)
    return directories


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        size = len(name.encode())
        if (
            not 1 <= size <= founding.MAX_NAME_BYTES
            or not name.isprintable()
            or set(name) & set(" +/")
            or name[0] == "."
        ):
            raise CeremonyError(
                f"name {_plain(name)!r}: 1 to {founding.MAX_NAME_BYTES} printable bytes expected, no space, plus or"
                " slash, not beginning with a point"
            )


def _check_body(data: bytes, source: str) -> GenesisBody:
    """The body of a genesis that nobody needs to have signed yet, all of which `describe` can show."""
    try:
        body = msgspec.convert(canonical.decode(data, founding.MAX_GENESIS_BYTES), GenesisBody)
        founding._check_body(body)
    except (canonical.NotCanonical, msgspec.ValidationError, BadGenesis) as error:
        raise CeremonyError(f"{source}: no line can be made of this: {error}") from error
    if founding.to_bytes(body) != data:
        raise CeremonyError(f"{source}: holds more than this version can show: sign nothing, ask which version made it")
    if not 0 <= body.created_ms < YEAR_10000_MS:
        raise CeremonyError(f"{source}: created at {body.created_ms} ms, a time from 1970 to 9999 expected")
    if not 1 <= len(body.name.encode()) <= MAX_LINE_NAME_BYTES or not body.name.isprintable():
        raise CeremonyError(f"line name {_plain(body.name)!r}: 1 to {MAX_LINE_NAME_BYTES} printable bytes expected")
    _check_names([name for member in body.members for name in (member.name, *(k.seat for k in member.keys if k.seat))])
    return body


def _read_offer(path: Path) -> Member:
    try:
        magic, member = msgspec.convert(canonical.decode(letter.read(path, "offer")), tuple[str, Member])
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise CeremonyError(f"{path}: not an offer: {error}: ask for it again") from error
    if magic != OFFER_MAGIC:
        raise CeremonyError(f"{path}: not an offer: {_plain(magic)!r}, {OFFER_MAGIC!r} expected")
    return member


def _read_signatures(path: Path, line: bytes) -> tuple[RootSignature, ...]:
    try:
        magic, signed, signatures = msgspec.convert(
            canonical.decode(letter.read(path, "signature")), tuple[str, bytes, tuple[RootSignature, ...]]
        )
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise CeremonyError(f"{path}: not a signature file: {error}: ask for it again") from error
    if magic != SIGNATURE_MAGIC or signed != line:
        raise CeremonyError(
            f"{path}: signs line {keys.grouped(signed[:4])}, this is {keys.grouped(line[:4])}: ask for the signature"
            " of this proposal"
        )
    return signatures


def _own_index(directory: Path, body: GenesisBody, proposal: Path) -> int:
    offers = sorted(directory.glob("*.offer"))
    if len(offers) != 1:
        raise CeremonyError(
            f"{directory}: holds {len(offers)} offers, one's own expected: put back the one made with the keys"
        )
    own = _read_offer(offers[0])
    for index, member in enumerate(body.members):
        if member == own:
            return index
        if member.name == own.name:
            raise CeremonyError(
                f"{proposal}: {own.name} stands in it otherwise than in {offers[0]} (keys, roots or role): do not"
                " sign, and tell the proposer by voice"
            )
    raise CeremonyError(f"{proposal}: {own.name} is not a member in it: send {offers[0]} to the proposer")


def _described(member: Member) -> list[str]:
    role = Role(member.role).name.lower()
    lines = [f"member    {member.name}: {role}, {member.threshold} of {len(member.roots)} roots sign for it"]
    lines += [f"  root    {keys.fingerprint(root)}" for root in member.roots]
    for key in member.keys:
        what = f"  seat    {keys.fingerprint(key.ed25519)}  {key.seat}"
        lines.append(what if key.seat else f"  node    {keys.fingerprint(key.ed25519 + key.mldsa)}")
    return lines


def _plain(text: str) -> str:
    """Text from elsewhere, fit for a terminal: what could hide or turn round other text is replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
