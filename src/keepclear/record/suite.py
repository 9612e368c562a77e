"""Suite 1: SHA-256, Ed25519 and ML-DSA-44, with one rule for the verdict on a signature.

The law: an Ed25519 signature is valid only if key and R are canonical encodings of points that are not of small
order, and the cofactorless equation holds. Libraries differ on the first part, so it is checked here before any of
them is asked; then every verifier gives the same verdict. No algorithm is negotiated.
"""

from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

SUITE: Final = 1
ED25519_KEY_BYTES: Final = 32
ED25519_SIGNATURE_BYTES: Final = 64
MLDSA_KEY_BYTES: Final = 1_312
MLDSA_SIGNATURE_BYTES: Final = 2_420

_P = 2**255 - 19
_SMALL_ORDER_Y = frozenset(
    (
        0,
        1,
        _P - 1,
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    )
)


def sha(*parts: bytes) -> bytes:
    """SHA-256 of the parts put together."""
    return sha256(b"".join(parts)).digest()


def is_sound_point(encoded: bytes) -> bool:
    """Whether 32 bytes are a canonical encoding of a y that belongs to no point of small order."""
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    return len(encoded) == ED25519_KEY_BYTES and y < _P and y not in _SMALL_ORDER_Y


def verify_ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is valid under suite 1's rule; False, never an error, for anything else."""
    if len(signature) != ED25519_SIGNATURE_BYTES or not is_sound_point(key) or not is_sound_point(signature[:32]):
        return False
    try:
        crypto_sign_open(signature + message, key)
    except BadSignatureError:
        return False
    return True


def verify_mldsa(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the ML-DSA-44 signature (FIPS 204, empty context) is valid; False for anything else."""
    if len(key) != MLDSA_KEY_BYTES or len(signature) != MLDSA_SIGNATURE_BYTES:
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
