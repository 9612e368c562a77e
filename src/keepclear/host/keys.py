"""Key files, and the private files and directories around them.

The law: a private file is written whole or not at all, under mode 0600, and never over another; it is read only when
nobody but its owner can read it. A key file holds PKCS8 in PEM, in plain text unless a passphrase is given. The
passphrase is stretched here first, because the PKCS8 encryption that OpenSSL offers does 2 048 rounds and no more.
Roots, nodes and seats sign with Ed25519; a node also with ML-DSA-44.
"""

import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from hashlib import scrypt, sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from keepclear.accord.words import WORDS

MAX_FILE_BYTES: Final = 16_384  # two keys in PEM are under 1 000 bytes
FINGERPRINT_BYTES: Final = 16  # eight groups of four hex digits, read aloud in twenty seconds; 2^128 to forge
PASSPHRASE_HEADER: Final = "keepclear passphrase scrypt-16-8-1 "  # beside it the salt, in hex
SCRYPT: Final = {"n": 1 << 16, "r": 8, "p": 1, "maxmem": 96 << 20}  # 64 MiB and 0.2 s a guess, and a file at each start
PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----\n.*?-----END [A-Z ]+-----\n", re.DOTALL)

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey


class KeyFileError(Exception):
    """A private file cannot be written or trusted; the text names the file and says what to do."""


class SigningKey:
    """An Ed25519 key in memory: a root's, or the base of a seat's and a node's."""

    def __init__(self, seed: bytes) -> None:
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of a message."""
        return crypto_sign(message, self._secret)[:64]


class SeatKey(SigningKey):
    """The key by which the officer in a seat releases what is said."""

    def __init__(self, seat: str, seed: bytes) -> None:
        super().__init__(seed)
        self.seat = seat


class NodeKeys(SigningKey):
    """The node's own pair: `sign` for entries, frames and checkpoints, `sign_mldsa` for checkpoints each minute."""

    def __init__(self, seed: bytes, mldsa: MLDSA44PrivateKey) -> None:
        super().__init__(seed)
        self._mldsa = mldsa
        self.public_mldsa = mldsa.public_key().public_bytes_raw()

    def sign_mldsa(self, message: bytes) -> bytes:
        """The 2 420-byte ML-DSA-44 signature (FIPS 204, empty context, randomised) of a message."""
        return self._mldsa.sign(message)


def fingerprint(public: bytes) -> str:
    """What people compare by voice: the first 16 bytes of the SHA-256, in groups of four hex digits."""
    return grouped(sha256(public).digest()[:FINGERPRINT_BYTES])


def spoken(public: bytes) -> str:
    """The same bytes as `fingerprint`, as words to be read aloud: one a byte, of the list that officers know."""
    return as_words(sha256(public).digest()[:FINGERPRINT_BYTES])


def as_words(data: bytes) -> str:
    """Bytes as words."""
    return " ".join(WORDS[byte] for byte in data)


def grouped(data: bytes) -> str:
    """Bytes as they are read aloud: groups of four hex digits."""
    return data.hex(" ", -2)


def create_key(path: Path, passphrase: bytes | None = None) -> SigningKey:
    """Makes an Ed25519 key and its file. Raises KeyFileError when the file is already there."""
    key = Ed25519PrivateKey.generate()
    write_private(path, _armour([key], passphrase))
    return SigningKey(key.private_bytes_raw())


def create_node_keys(path: Path, passphrase: bytes | None = None) -> NodeKeys:
    """Makes a node's two keys and the one file that holds them. Raises KeyFileError when it is already there."""
    key, mldsa = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
    write_private(path, _armour([key, mldsa], passphrase))
    return NodeKeys(key.private_bytes_raw(), mldsa)


def read_key(path: Path, passphrase: bytes | None = None) -> SigningKey:
    """The Ed25519 key in a file. Raises KeyFileError."""
    return SigningKey(_ed25519(path, passphrase))


def read_seat_key(path: Path, passphrase: bytes | None = None) -> SeatKey:
    """The key of the seat that the file is named after. Raises KeyFileError."""
    return SeatKey(path.stem, _ed25519(path, passphrase))


def read_node_keys(path: Path, passphrase: bytes | None = None) -> NodeKeys:
    """A node's two keys. Raises KeyFileError."""
    match _unarmour(path, passphrase):
        case [Ed25519PrivateKey() as key, MLDSA44PrivateKey() as mldsa]:
            return NodeKeys(key.private_bytes_raw(), mldsa)
    raise KeyFileError(f"{path}: a node's file holds an Ed25519 key and an ML-DSA-44 key, in this sequence")


def private_directory(path: Path) -> None:
    """Makes a directory that only its owner can enter, or finds it so. Raises KeyFileError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be made a private directory: {error.strerror}") from error
    if mode & 0o077:
        raise KeyFileError(f"{path}: mode {mode:04o} lets others in, 0700 expected: run chmod 700 {path}")


def write_private(path: Path, data: bytes) -> None:
    """Writes a new file of mode 0600, whole and durable on return. Raises KeyFileError; never replaces a file."""
    if path.exists():
        raise KeyFileError(f"{path}: is already there and is not overwritten: choose an empty directory")
    temporary = None
    try:
        fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 whatever the umask
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
        sync_directory(path.parent)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise KeyFileError(f"{path}: not written: {error.strerror}: free the disk or choose another") from error


def read_private(path: Path) -> bytes:
    """The bytes of a file that nobody but its owner, who is this user, can read. Raises KeyFileError."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise KeyFileError(f"{path}: mode {mode:04o} lets others read it, 0600 expected: run chmod 600 {path}")
    if status.st_uid != os.geteuid():
        raise KeyFileError(f"{path}: belongs to user {status.st_uid}, this is user {os.geteuid()}: give it to them")
    if len(data) > MAX_FILE_BYTES:
        raise KeyFileError(f"{path}: more than {MAX_FILE_BYTES} bytes, this is no key file")
    return data


def sync_directory(path: Path) -> None:
    """Makes the names in a directory durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _ed25519(path: Path, passphrase: bytes | None) -> bytes:
    match _unarmour(path, passphrase):
        case [Ed25519PrivateKey() as key]:
            return key.private_bytes_raw()
    raise KeyFileError(f"{path}: one Ed25519 key expected")


def _armour(keys: list[PrivateKey], passphrase: bytes | None) -> bytes:
    header = b""
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        if not passphrase:
            raise KeyFileError("an empty passphrase protects nothing: give one, or none at all")
        salt = secrets.token_bytes(16)
        header = f"{PASSPHRASE_HEADER}{salt.hex()}\n".encode()
        encryption = BestAvailableEncryption(_stretched(passphrase, salt))
    return header + b"".join(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) for key in keys)


def _unarmour(path: Path, passphrase: bytes | None) -> list[object]:
    text = read_private(path).decode("ascii", "replace")
    password = None
    if text.startswith(PASSPHRASE_HEADER):
        if not passphrase:
            raise KeyFileError(f"{path}: is kept under a passphrase, none was given")
        line, _, text = text.partition("\n")
        try:
            password = _stretched(passphrase, bytes.fromhex(line.removeprefix(PASSPHRASE_HEADER)))
        except ValueError as error:
            raise KeyFileError(f"{path}: the first line is damaged: restore the file from its copy") from error
    try:
        return [load_pem_private_key(block.encode(), password) for block in PEM.findall(text)]
    except (ValueError, TypeError) as error:
        cause = "the passphrase is wrong or the file is damaged" if password else "the file is damaged"
        raise KeyFileError(f"{path}: {cause}: try again, or restore the file from its copy") from error


def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    """The passphrase as it is given to PKCS8 (which takes at most 1 023 bytes, without zeros): 64 hex digits."""
    return scrypt(passphrase, salt=salt, dklen=32, **SCRYPT).hex().encode()
