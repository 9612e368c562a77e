"""A letter: a public thing as a few lines of text, which people can mail, print and carry.

    keepclear offer 1
    lbFrZWVwY2xlYXIvb2ZmZXIvMZWlbm9ydGgAAZHEIA...
    fingerprint 9c1d 5a7e 0b8a 4f0e 2f07 6f1d 7b1c 8e55

The law: reading passes over everything before the first line and after the last (a mail's own words), and takes the
letter only whole, of the kind that was asked for, and when the fingerprint fits. The fingerprint finds accidents; only
what is signed, or compared by voice, holds against malice.
"""

import os
from base64 import b64decode, b64encode
from pathlib import Path
from textwrap import wrap
from typing import Final

from keepclear.host import keys

MAX_BYTES: Final = 262_144  # the largest genesis; an offer has about 2 000
MAX_TEXT_BYTES: Final = 1_048_576  # a letter with the mail that it came in
LAST_LINE: Final = "fingerprint "


class LetterError(Exception):
    """The file is not the letter that is needed; the text says why and what to ask for."""


def write(path: Path, kind: str, data: bytes) -> None:
    """Writes a letter, durable on return. Raises LetterError; an older file of that name is not replaced."""
    lines = [f"keepclear {kind} 1", *wrap(b64encode(data).decode(), 64), LAST_LINE + keys.fingerprint(data)]
    try:
        with path.open("x", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        keys.sync_directory(path.parent)
    except FileExistsError as error:
        raise LetterError(f"{path}: is already there and is not overwritten: move it away or name another") from error
    except OSError as error:
        raise LetterError(f"{path}: not written: {error.strerror}") from error


def read(path: Path, kind: str) -> bytes:
    """What the letter in a file holds. Raises LetterError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise LetterError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > MAX_TEXT_BYTES:
        raise LetterError(f"{path}: more than {MAX_TEXT_BYTES} bytes, this is no letter")
    lines = [line.strip() for line in text.decode("ascii", "replace").splitlines()]
    return _opened(path, kind, lines)


def _opened(path: Path, kind: str, lines: list[str]) -> bytes:
    first = next((i for i, line in enumerate(lines) if line.startswith("keepclear ")), None)
    if first is None:
        raise LetterError(f"{path}: no line 'keepclear {kind} 1' in it: ask for the {kind} file")
    if lines[first] != f"keepclear {kind} 1":
        found = "".join(c if c.isprintable() else "?" for c in lines[first][:40])
        raise LetterError(f"{path}: is '{found}', 'keepclear {kind} 1' expected: ask for the {kind} file")
    last = next((i for i, line in enumerate(lines) if i > first and line.startswith(LAST_LINE)), None)
    if last is None:
        raise LetterError(f"{path}: ends before its fingerprint: ask for it again")
    try:
        data = b64decode("".join(lines[first + 1 : last]), validate=True)
    except ValueError as error:
        raise LetterError(f"{path}: damaged on its way: {error}: ask for it again") from error
    if keys.fingerprint(data) != lines[last].removeprefix(LAST_LINE):
        raise LetterError(f"{path}: damaged on its way, its fingerprint does not fit: ask for it again")
    if len(data) > MAX_BYTES:
        raise LetterError(f"{path}: holds {len(data)} bytes, at most {MAX_BYTES}")
    return data
