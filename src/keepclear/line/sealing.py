"""Sealing a bundle for one reader, and the card by which a reader says to which key.

The law: the same HPKE suite as a session's (X25519 with ML-KEM-768) carries one fresh secret, and ChaCha20-Poly1305
under that secret, used once, carries the bundle. A card of a member is signed by its node key; a card of a watch,
which has no key of the line, is signed by nobody and has to be compared by voice. The private key stays as long as its
file does: whoever takes it reads every bundle that was ever sealed to it.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keepclear.accord import canonical
from keepclear.line import handshake
from keepclear.line.handshake import BadHandshake, KemKey
from keepclear.record import bundle, suite
from keepclear.record.bundle import BadBundle
from keepclear.record.genesis import MAX_NAME_BYTES, Genesis
from keepclear.record.key_book import KeyBook

MAGIC: Final = b"keepclear-sealed/1\n"
CARD_MAGIC: Final = "keepclear/reader/1"
READER_BYTES: Final = 16
SEED_BYTES: Final = 96  # of a reader's private key: 64 for ML-KEM-768, 32 for X25519
MAX_CARD_BYTES: Final = 2_048
NONCE: Final = bytes(12)  # of a key that is used once


class Card(msgspec.Struct, frozen=True, array_like=True):
    """A reader of bundles: the line, which member it is (None: a watch), its name, its public KEM key."""

    magic: str
    line: bytes
    member: int | None
    name: str
    kem: bytes


def reader_key(seed: bytes) -> KemKey:
    """The private key that 96 fresh bytes make."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a seed of {len(seed)} bytes, {SEED_BYTES} expected")
    shares = iter((seed[:64], seed[64:]))
    return KemKey(lambda _: next(shares))


def card(genesis: Genesis, member: int | None, name: str, kem: bytes, sign: Callable[[bytes], bytes] | None) -> bytes:
    """The card of a reader; `sign` is the node key's when it is a member's."""
    body = canonical.encode(Card(CARD_MAGIC, genesis.line, member, name, kem))
    return canonical.encode([body, sign(_signing_message(body)) if sign else b""])


def read_card(data: bytes, genesis: Genesis, lists: KeyBook | None = None) -> Card:
    """The card in the bytes. Raises BadBundle unless it is of this line and, if a member's, signed by its node, with
    a key of the genesis or of `lists` that has not ended.
    """
    again = "ask the reader for its card: keepclear bundle card"
    try:
        body, signature = msgspec.convert(canonical.decode(data, MAX_CARD_BYTES), tuple[bytes, bytes])
        found = msgspec.convert(canonical.decode(body, MAX_CARD_BYTES), Card)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadBundle(f"no reader's card: {error}", again) from error
    if found.magic != CARD_MAGIC or len(found.kem) != handshake.KEM_PUBLIC_BYTES:
        raise BadBundle("no reader's card of this version", again)
    if not 1 <= len(found.name.encode()) <= MAX_NAME_BYTES:
        raise BadBundle(f"a card's name is 1 to {MAX_NAME_BYTES} bytes", again)
    if found.line != genesis.line:
        raise BadBundle(f"a card of line {found.line.hex()[:16]}, this line is {genesis.line.hex()[:16]}", again)
    if found.member is None:
        return found
    if not 0 <= found.member < len(genesis.names) or found.name != genesis.names[found.member]:
        raise BadBundle("a card of a member that is not on this line", again)
    good = (lists or KeyBook(genesis)).session_keys(found.member)
    if not any(suite.verify_ed25519(key, _signing_message(body), signature) for key in good):
        raise BadBundle(f"a card that says it is of {found.name}, whose signature it does not bear", again)
    return found


def reader_id(kem: bytes) -> bytes:
    """What names a reader's key on a sealed bundle."""
    return suite.sha(CARD_MAGIC.encode(), b"\x00", kem)[:READER_BYTES]


def seal(data: bytes, line: bytes, kem: bytes, secret: bytes) -> bytes:
    """A bundle that only the holder of the KEM key reads. `secret` is 32 fresh bytes, of no other use.

    Raises BadBundle when the key is not sound.
    """
    reader = reader_id(kem)
    try:
        sealed = handshake.seal_secret(secret, kem, *_purpose(line, reader))
    except BadHandshake as error:
        raise BadBundle(f"the key on the card is not sound: {error}", "ask the reader for a new card") from error
    head = MAGIC + reader + sealed
    return head + ChaCha20Poly1305(secret).encrypt(NONCE, data, head)


def is_sealed(data: bytes) -> bool:
    """Whether these bytes are a sealed bundle."""
    return data.startswith(MAGIC)


def open_sealed(data: bytes, line: bytes, key: KemKey | None) -> bytes:
    """The bundle in sealed bytes. Raises BadBundle when it is sealed to another key, or changed on the way."""
    reader = data[len(MAGIC) : len(MAGIC) + READER_BYTES]
    if key is None or reader != reader_id(key.public):
        raise BadBundle(
            f"sealed to the key {reader.hex()[:8]}, which is not the one here",
            "give the sender the card that keepclear bundle card writes here, and have it exported anew",
        )
    at = len(MAGIC) + READER_BYTES + handshake.SEALED_SECRET_BYTES
    head, sealed = data[:at], data[len(MAGIC) + READER_BYTES : at]
    try:
        secret = key.unseal(sealed, *_purpose(line, reader))
        return ChaCha20Poly1305(secret).decrypt(NONCE, data[at:], head)
    except (BadHandshake, InvalidTag) as error:
        raise BadBundle("sealed to us, but of another line, damaged or cut short", bundle.AGAIN) from error


def _purpose(line: bytes, reader: bytes) -> tuple[bytes, bytes]:
    """What the sealed secret is bound to, in the places where a session has its two HELLOs."""
    return suite.sha(CARD_MAGIC.encode(), b"\x00", line), suite.sha(MAGIC, reader)


def _signing_message(body: bytes) -> bytes:
    return b"keepclear/reader-signature/1\x00" + suite.sha(body)
