"""Parts: a bundle's bytes cut to what a radio, a row of codes or a diode takes, and put together again.

The law: a part is `KCB1`, the first 8 bytes of the line id, the first 16 of the hash of the whole, its number and how
many there are (2 bytes each, big-endian), the first 4 bytes of the hash of all the rest of the part, then its share.
Parts come in any sequence and any number of times. What is missing is named, so that it alone is brought again. The
hashes find accidents; who made what is in the parts is proved by the signatures in it.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from keepclear.record import suite
from keepclear.record.bundle import AGAIN, MAX_BYTES, BadBundle

MAGIC: Final = b"KCB1"
DOMAIN: Final = b"keepclear/bundle-parts/1\x00"
LINE_BYTES: Final = 8
NAME_BYTES: Final = 16
HEAD_BYTES: Final = len(MAGIC) + LINE_BYTES + NAME_BYTES + 2 + 2
CHECK_BYTES: Final = 4
OVERHEAD_BYTES: Final = HEAD_BYTES + CHECK_BYTES
LEAST_BYTES: Final = 64  # a part that is smaller would be more head than share
MOST_PARTS: Final = 65_535
MAX_WHOLE: Final = MAX_BYTES + 4_096  # a bundle with its seal
NAMED: Final = 20  # missing parts that are named


class Part(msgspec.Struct, frozen=True):
    """One part: line (its first 8 bytes), name of the whole, which one from 0 of how many, and its share."""

    line: bytes
    name: bytes
    nth: int
    of: int
    share: bytes


def name(whole: bytes) -> bytes:
    """What names all parts of one whole."""
    return suite.sha(DOMAIN, whole)[:NAME_BYTES]


def cut(whole: bytes, line: bytes, part_bytes: int | None = None) -> list[bytes]:
    """The parts of a whole, each at most `part_bytes` long; one part if that is None. Raises BadBundle."""
    if len(whole) > MAX_WHOLE:
        raise BadBundle(f"{len(whole)} bytes, at most {MAX_WHOLE}", "export less at a time")
    share = max(1, len(whole)) if part_bytes is None else part_bytes - OVERHEAD_BYTES
    if part_bytes is not None and part_bytes < LEAST_BYTES:
        raise BadBundle(f"parts of {part_bytes} bytes, at least {LEAST_BYTES}", "give a larger --part-bytes")
    shares = [whole[at : at + share] for at in range(0, max(1, len(whole)), share)]
    if len(shares) > MOST_PARTS:
        raise BadBundle(f"{len(shares)} parts, at most {MOST_PARTS}", "give larger parts, or export less")
    named = name(whole)
    return [_part(Part(line[:LINE_BYTES], named, nth, len(shares), one)) for nth, one in enumerate(shares)]


def read(data: bytes) -> Part:
    """The part in the bytes. Raises BadBundle for what is none, or is damaged or cut short."""
    if not data.startswith(MAGIC) or len(data) < OVERHEAD_BYTES:
        raise BadBundle("no part of a bundle", "name the files that keepclear bundle export has written")
    at = len(MAGIC) + LINE_BYTES
    named = data[at : at + NAME_BYTES]
    nth, of = (int.from_bytes(data[at : at + 2], "big") for at in (HEAD_BYTES - 4, HEAD_BYTES - 2))
    head, check, share = data[:HEAD_BYTES], data[HEAD_BYTES:OVERHEAD_BYTES], data[OVERHEAD_BYTES:]
    if _check(head, share) != check or not nth < of:
        raise BadBundle("a part that is damaged or cut short", "have this part brought again")
    return Part(data[len(MAGIC) : at], named, nth, of, share)


def join(parts: Iterable[Part]) -> bytes:
    """The whole that the parts of one name make. Raises BadBundle, naming the parts that are missing."""
    found = {part.nth: part for part in parts}
    first = next(iter(found.values()))
    missing = [nth for nth in range(first.of) if nth not in found]
    if missing:
        words = ", ".join(str(nth + 1) for nth in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise BadBundle(
            f"{len(missing)} of {first.of} parts of bundle {first.name.hex()[:8]} are missing: {words}{more}",
            "have these parts brought, and import all again",
        )
    whole = b"".join(found[nth].share for nth in range(first.of))
    if len(found) != first.of or name(whole) != first.name:
        raise BadBundle(f"the parts of bundle {first.name.hex()[:8]} do not make the whole that they name", AGAIN)
    return whole


def _part(part: Part) -> bytes:
    head = MAGIC + part.line + part.name + part.nth.to_bytes(2, "big") + part.of.to_bytes(2, "big")
    return head + _check(head, part.share) + part.share


def _check(head: bytes, share: bytes) -> bytes:
    return suite.sha(DOMAIN, head, share)[:CHECK_BYTES]
