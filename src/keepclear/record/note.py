"""Signed notes (C2SP signed-note): a text, a blank line, and lines of signatures over the text.

The law: a note is UTF-8 without controls but newline; its signatures stand after its last empty line, one a line:
em dash, space, key name, space, base64 of a 4-byte key id and the signature. Every field has one form here (base64
is refused when its unused bits are set). Signatures of unknown keys are ignored; one bad signature of a known key
spoils the note. What each type of key signs is checkpoint.py's business.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final

import msgspec

from keepclear.record import suite

MAX_SIGNATURES: Final = 16  # C2SP's floor; five members with two keys each need ten
MAX_NOTE_BYTES: Final = 65_536  # sixteen lines of ML-DSA-44 are 53 kB
MAX_TIME_S: Final = 2**63 - 1
_DASH: Final = "— "
_TIME_BYTES: Final = 8


class KeyType(IntEnum):
    """C2SP's signature types, of which this version knows three."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    MLDSA44 = 0x06


_SIGNATURE_BYTES: Final = {
    KeyType.ED25519: suite.ED25519_SIGNATURE_BYTES,
    KeyType.COSIGNATURE: _TIME_BYTES + suite.ED25519_SIGNATURE_BYTES,
    KeyType.MLDSA44: _TIME_BYTES + suite.MLDSA_SIGNATURE_BYTES,
}


class Signature(msgspec.Struct, frozen=True, order=True):
    """One signature line: the key's name, its 4-byte id, and what follows the id."""

    name: str
    key_id: bytes
    value: bytes


class Note(msgspec.Struct, frozen=True):
    """A text, with its final newline, and the signatures under it in their sequence."""

    text: str
    signatures: tuple[Signature, ...]


class Key(msgspec.Struct, frozen=True):
    """A key that a verifier knows: the name in its lines, the type, the public key's bytes, and whose it is."""

    name: str
    type: KeyType
    public: bytes
    member: int

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || public key)."""
        return suite.sha(self.name.encode(), b"\n", bytes((self.type,)), self.public)[:4]


class Signed(msgspec.Struct, frozen=True):
    """A signature that has been verified: which line, by which key, and the time it states (None for type 0x01)."""

    signature: Signature
    key: Key
    time_s: int | None


class BadNote(ValueError):
    """The bytes are no note, or a signature on it is not what it claims; the text says which."""


def parse(raw: bytes) -> Note:
    """The note in the bytes, no signature checked. Raises BadNote."""
    if len(raw) > MAX_NOTE_BYTES:
        raise BadNote(f"a note of {len(raw)} bytes, at most {MAX_NOTE_BYTES}")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote(f"not UTF-8 at byte {error.start}") from error
    if any(char < " " and char != "\n" for char in whole):
        raise BadNote("a control character other than newline")
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n") or at + 2 == len(whole):
        raise BadNote("no empty line between a text and its signatures")
    lines = whole[at + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote(f"{len(lines)} signatures, at most {MAX_SIGNATURES}")
    return Note(whole[: at + 1], tuple(_line(line) for line in lines))


def format_note(note: Note) -> bytes:
    """The bytes of a note; `parse` gives it back."""
    lines = (
        f"{_DASH}{one.name} {base64.b64encode(one.key_id + one.value).decode()}\n" for one in note.signatures
    )  # fmt: skip
    return (note.text + "\n" + "".join(lines)).encode()


def verify(note: Note, keys: Iterable[Key], message: Callable[[Key, int], bytes]) -> tuple[Signed, ...]:
    """The signatures by known keys, every one of them valid; those by unknown keys are left out.

    `message` answers what a key signs, given the time in the signature (0 for type 0x01, which has none). Raises
    BadNote when a known key's signature is not valid, and when no known key has signed.
    """
    known = {(key.name, key.id): key for key in keys}
    out = []
    for one in note.signatures:
        key = known.get((one.name, one.key_id))
        if key is not None:
            out.append(Signed(one, key, _verify_one(one, key, message)))
    if not out:
        raise BadNote("no known key has signed the note")
    return tuple(out)


def timed(time_s: int, signature: bytes) -> bytes:
    """What follows the key id in a line of type 0x04 or 0x06. Raises BadNote for a time that has no form."""
    if not 0 <= time_s <= MAX_TIME_S:
        raise BadNote(f"time {time_s} s, between 0 and 2^63-1")
    return time_s.to_bytes(_TIME_BYTES, "big") + signature


def _line(line: str) -> Signature:
    dash, name, coded, *rest = [line[: len(_DASH)], *line[len(_DASH) :].split(" "), ""][:4]
    if dash != _DASH or any(rest) or not name or "+" in name or any(char.isspace() for char in name):
        raise BadNote(f"a signature line is em dash, key name, base64, one space between: {line[:60]!r}")
    try:
        value = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"{name}: base64: {error}") from error
    if len(value) <= 4 or base64.b64encode(value).decode() != coded:
        raise BadNote(f"{name}: base64 in its one form, of more than four bytes")
    return Signature(name, value[:4], value[4:])


def _verify_one(one: Signature, key: Key, message: Callable[[Key, int], bytes]) -> int | None:
    if len(one.value) != _SIGNATURE_BYTES[key.type]:
        raise BadNote(f"{one.name}: {len(one.value)} bytes, type {key.type:#04x} has {_SIGNATURE_BYTES[key.type]}")
    time_s = None if key.type == KeyType.ED25519 else int.from_bytes(one.value[:_TIME_BYTES], "big")
    if time_s is not None and time_s > MAX_TIME_S:
        raise BadNote(f"{one.name}: a time beyond 2^63-1")
    signature = one.value if time_s is None else one.value[_TIME_BYTES:]
    check = suite.verify_mldsa if key.type == KeyType.MLDSA44 else suite.verify_ed25519
    if not check(key.public, message(key, time_s or 0), signature):
        raise BadNote(f"{one.name}: the signature of type {key.type:#04x} is not valid")
    return time_s
