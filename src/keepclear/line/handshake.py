"""HELLO and KEY: the two signed messages by which two members come to share fresh keys.

The law: a HELLO is "here I am now, with this key to seal a secret to"; a KEY is "to this HELLO of yours, from this
HELLO of mine, here is my secret". Both are signed by the node's key over the hash of the exact bytes. A HELLO alone
proves nothing about now: it may be an old one repeated. A KEY names the hash of a HELLO with a fresh nonce in it and
so proves that its sender answers us, not somebody before us.

The secrets are sealed by HPKE (RFC 9180, base mode) with KEM MLKEM768-X25519, HKDF-SHA256 and ChaCha20-Poly1305. KEM
keys are made from bytes that come in as an argument; the sealing draws its own randomness inside the library, which is
the one place where it can be neither forgotten nor repeated. It decides no state: another draw, the same session.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from keepclear.accord import canonical
from keepclear.record import suite

HELLO_MAGIC: Final = "keepclear/hello/1"
KEY_MAGIC: Final = "keepclear/key/1"
NONCE_BYTES: Final = 16
SECRET_BYTES: Final = 32
MLKEM_PUBLIC_BYTES: Final = 1_184
KEM_PUBLIC_BYTES: Final = MLKEM_PUBLIC_BYTES + 32
SEALED_SECRET_BYTES: Final = 1_120 + SECRET_BYTES + 16
MAX_MESSAGE_BYTES: Final = 2_048  # a HELLO is 1 391 to 1 393 bytes, a KEY 1 333

_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_MLKEM_SEED_BYTES = 64


class BadHandshake(ValueError):
    """The bytes are no handshake message that can be used; the text says why."""


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """Here I am: the line, veiled by the nonce; sender and receiver (indices of members), a fresh nonce, a KEM key."""

    magic: str
    line: bytes
    sender: int
    receiver: int
    nonce: bytes
    kem: bytes


class Key(msgspec.Struct, frozen=True, array_like=True):
    """My secret for you: the hash of my HELLO, the hash of yours, the secret sealed to the KEM key in yours."""

    magic: str
    own: bytes
    peer: bytes
    sealed: bytes


class KemKey:
    """A private KEM key, made from fresh bytes, never written anywhere."""

    def __init__(self, fresh: Callable[[int], bytes]) -> None:
        mlkem = MLKEM768PrivateKey.from_seed_bytes(fresh(_MLKEM_SEED_BYTES))
        x25519 = X25519PrivateKey.from_private_bytes(fresh(32))
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    def unseal(self, sealed: bytes, chooser: bytes, other: bytes) -> bytes:
        """The secret that the chooser sealed to this key. Raises BadHandshake if it was not sealed so."""
        try:
            secret = _HPKE.decrypt(sealed, self._private, info=_info(chooser, other))
        except (InvalidTag, ValueError) as error:
            raise BadHandshake("the sealed secret is not for this pair of HELLOs") from error
        if len(secret) != SECRET_BYTES:
            raise BadHandshake(f"a secret of {len(secret)} bytes, agreed {SECRET_BYTES}")
        return secret


def seal_secret(secret: bytes, kem: bytes, chooser: bytes, other: bytes) -> bytes:
    """A secret sealed to the KEM key in the other's HELLO. Raises BadHandshake if that key is not sound."""
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(kem[:MLKEM_PUBLIC_BYTES])
        x25519 = X25519PublicKey.from_public_bytes(kem[MLKEM_PUBLIC_BYTES:])
        return _HPKE.encrypt(secret, MLKEM768X25519PublicKey(mlkem, x25519), info=_info(chooser, other))
    except ValueError as error:
        raise BadHandshake(f"the KEM key in the HELLO is not sound: {error}") from error


def veiled(line: bytes, nonce: bytes) -> bytes:
    """A line's id as a HELLO names it: who does not know the id learns nothing of it, nor whether two are the same."""
    return suite.sha(b"keepclear/hello-line/1\x00", line, nonce)


def digest(body: bytes) -> bytes:
    """The hash that names a HELLO: over the exact bytes of its body."""
    return suite.sha(HELLO_MAGIC.encode(), b"\x00", body)


def hello_signing_message(body: bytes) -> bytes:
    """What the node key signs for a HELLO."""
    return b"keepclear/hello-signature/1\x00" + digest(body)


def key_signing_message(body: bytes) -> bytes:
    """What the node key signs for a KEY."""
    return b"keepclear/key-signature/1\x00" + suite.sha(KEY_MAGIC.encode(), b"\x00", body)


def message(body: bytes, signature: bytes) -> bytes:
    """The message on the wire: the body with its signature beside it."""
    return canonical.encode([body, signature])


def split(data: bytes) -> tuple[bytes, bytes]:
    """Body and signature of a message. Raises BadHandshake if it is not one."""
    return _convert(data, tuple[bytes, bytes])


def read_hello(body: bytes) -> Hello:
    """The HELLO in a body whose sizes are right. Raises BadHandshake for all else."""
    hello = _convert(body, Hello)
    if hello.magic != HELLO_MAGIC or len(hello.nonce) != NONCE_BYTES or len(hello.kem) != KEM_PUBLIC_BYTES:
        raise BadHandshake("not a HELLO of this version")
    return hello


def read_key(body: bytes) -> Key:
    """The KEY in a body whose sizes are right. Raises BadHandshake for all else."""
    key = _convert(body, Key)
    if key.magic != KEY_MAGIC or len(key.sealed) != SEALED_SECRET_BYTES:
        raise BadHandshake("not a KEY of this version")
    return key


_T = TypeVar("_T")


def _convert(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(canonical.decode(data, MAX_MESSAGE_BYTES), kind)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadHandshake(f"not a handshake message: {error}") from error


def _info(chooser: bytes, other: bytes) -> bytes:
    # The chooser's HELLO comes first, so the info, like the salt of the traffic key, says the direction.
    return KEY_MAGIC.encode() + b"\x00" + chooser + other
