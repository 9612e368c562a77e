"""The one encoding of everything signed: a subset of MessagePack in which each value has exactly one form.

The law: nil, booleans, integers with |n| < 2^53, UTF-8 strings without control characters, byte strings and
arrays, each in its shortest form; no maps, no floats, no extensions. `encode(decode(data)) == data` for all that
`decode` accepts.

The law is applied as it is written: decode, look at the values, encode again, compare. msgspec reserves nothing for a
length before the bytes are there, so a length field costs no memory; size is limited before, depth by its own recursion
limit and then by ours. `explain` reads the raw bytes instead, says which rule is broken and where, and has the last
word; it is ten times slower, and the tests hold the two against each other.
"""

import re
from itertools import chain
from types import NoneType
from typing import Annotated, Any, Final, TypeVar

import msgspec

MAX_INT: Final = 2**53 - 1
MAX_DEPTH: Final = 8  # the deepest schema, a LINK with held ranges, nests five arrays
MAX_ITEMS: Final = 65_536  # a 10 000-vertex ring has 20 000 numbers
MAX_BYTES: Final = 262_144

Int = Annotated[int, msgspec.Meta(ge=-MAX_INT, le=MAX_INT)]
Text = Annotated[str, msgspec.Meta(pattern="^[^\x00-\x1f\x7f-\x9f]*\\Z")]
"""Of such fields is a structure that `decode_as` reads at once."""
Shape = TypeVar("Shape")

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]")
_CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f]")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()
_NOTHING = object()

# Leading byte -> (bytes of the length or number that follows, smallest value that needs this form).
_UINT = {0xCC: (1, 0x80), 0xCD: (2, 0x100), 0xCE: (4, 0x1_0000), 0xCF: (8, 0x1_0000_0000)}
_INT = {0xD0: (1, -0x20), 0xD1: (2, -0x80), 0xD2: (4, -0x8000), 0xD3: (8, -0x8000_0000)}
_STR = {0xD9: (1, 0x20), 0xDA: (2, 0x100), 0xDB: (4, 0x1_0000)}
_BIN = {0xC4: (1, 0), 0xC5: (2, 0x100), 0xC6: (4, 0x1_0000)}
_ARRAY = {0xDC: (2, 0x10), 0xDD: (4, 0x1_0000)}


class NotCanonical(ValueError):
    """The bytes are not the canonical encoding of anything; the text says which rule and where."""


def encode(value: Any) -> bytes:
    """Canonical bytes of a value made of None, bool, int, str, bytes, lists and positional structs.

    Raises NotCanonical when the value holds something that has no canonical form (a float, a map, a wide integer,
    a control character): that is the caller's mistake and is found before anything is signed.
    """
    try:
        data = _encoder.encode(value)
    except UnicodeEncodeError as error:
        raise NotCanonical(f"a string is not valid Unicode: {error.reason}") from error
    check(data)
    return data


def pack(value: Any) -> bytes:
    """Canonical bytes of a value of which all parts are known to have such a form; nothing is looked at again."""
    return _encoder.encode(value)


def decode_as(data: bytes, decoder: "msgspec.msgpack.Decoder[Shape]", max_bytes: int = MAX_BYTES) -> Shape:
    """The structure in canonical bytes, whose fields are of Int, Text, bytes, None, arrays and structures of these.

    What such a structure holds has a canonical form; if it is encoded to the very bytes, that is what they are. All
    else (a newer version's further fields, say) is read untyped first. Raises NotCanonical, msgspec.ValidationError.
    """
    if len(data) <= min(max_bytes, MAX_ITEMS):
        try:
            value = decoder.decode(data)
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
            pass
        else:
            if _encoder.encode(value) == data:
                return value
    check(data, max_bytes)
    return decoder.decode(data)


def decode(data: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """The untyped value of canonical bytes. Raises NotCanonical for all else, in bounded time and memory."""
    if len(data) <= max_bytes:
        try:
            value = _decoder.decode(data)
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
            value = _NOTHING
        if value is not _NOTHING and _is_plain([value]) and _encoder.encode(value) == data:
            return value
    explain(data, max_bytes)
    raise NotCanonical("not valid UTF-8")


def check(data: bytes, max_bytes: int = MAX_BYTES) -> None:
    """Raises NotCanonical unless the bytes are one value in canonical form, whole, within the limits."""
    decode(data, max_bytes)


def _is_plain(values: list[Any]) -> bool:
    """Whether there is nothing in the values that has no canonical form, no more than may be, and not too deep."""
    items, depth, level = len(values), 0, values
    while level:
        inner: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is int:
                if not -MAX_INT <= value <= MAX_INT:
                    return False
            elif kind is list:
                inner.append(value)
            elif kind is str:
                if _CONTROL_CHARACTER.search(value):
                    return False
            elif kind is not bytes and kind is not NoneType and kind is not bool:
                return False
        depth += 1
        level = list(chain.from_iterable(inner))
        items += len(level)
        if items > MAX_ITEMS or (inner and depth > MAX_DEPTH):
            return False
    return True


def explain(data: bytes, max_bytes: int = MAX_BYTES) -> None:  # noqa: PLR0912 - one loop over the wire forms
    """Raises NotCanonical with the rule that the bytes break, and where; of strings only what a control breaks."""
    size = len(data)
    if size > max_bytes:
        raise NotCanonical(f"{size} bytes, at most {max_bytes}")
    at, items, open_arrays = 0, 0, [1]
    while open_arrays:
        if open_arrays[-1] == 0:
            open_arrays.pop()
            continue
        open_arrays[-1] -= 1
        items += 1
        if items > MAX_ITEMS:
            raise NotCanonical(f"more than {MAX_ITEMS} items")
        if at >= size:
            raise NotCanonical(f"ends at byte {at}, inside a value")
        lead = data[at]
        at += 1
        if lead <= 0x7F or lead >= 0xE0 or lead in (0xC0, 0xC2, 0xC3):
            continue
        if 0x90 <= lead <= 0x9F:
            length = lead - 0x90
        elif lead in _ARRAY:
            length, at = _length(data, at, _ARRAY[lead])
        elif 0xA0 <= lead <= 0xBF:
            at = _text(data, at, lead - 0xA0)
            continue
        elif lead in _STR:
            length, at = _length(data, at, _STR[lead])
            at = _text(data, at, length)
            continue
        elif lead in _BIN:
            length, at = _length(data, at, _BIN[lead])
            at = _skip(data, at, length)
            continue
        else:
            at = _number(data, at, lead)
            continue
        if length > size - at:
            raise NotCanonical(f"array of {length} items at byte {at} does not fit")
        if len(open_arrays) > MAX_DEPTH:
            raise NotCanonical(f"nested deeper than {MAX_DEPTH}")
        open_arrays.append(length)
    if at != size:
        raise NotCanonical(f"{size - at} bytes after the value")


def _skip(data: bytes, at: int, length: int) -> int:
    if length > len(data) - at:
        raise NotCanonical(f"{length} bytes announced at byte {at}, {len(data) - at} there")
    return at + length


def _length(data: bytes, at: int, form: tuple[int, int]) -> tuple[int, int]:
    width, smallest = form
    end = _skip(data, at, width)
    length = int.from_bytes(data[at:end], "big")
    if length < smallest:
        raise NotCanonical(f"length {length} at byte {at} is not in its shortest form")
    return length, end


def _text(data: bytes, at: int, length: int) -> int:
    end = _skip(data, at, length)
    if found := _CONTROL.search(data, at, end):
        raise NotCanonical(f"control character in a string at byte {found.start()}")
    return end


def _number(data: bytes, at: int, lead: int) -> int:
    if lead in _UINT:
        width, smallest = _UINT[lead]
        end = _skip(data, at, width)
        value = int.from_bytes(data[at:end], "big")
        shortest = value >= smallest
    elif lead in _INT:
        width, largest = _INT[lead]
        end = _skip(data, at, width)
        value = int.from_bytes(data[at:end], "big", signed=True)
        shortest = value < largest
    else:
        raise NotCanonical(f"byte {lead:#04x} at {at - 1}: maps, floats and extensions are not used")
    if not shortest:
        raise NotCanonical(f"integer {value} at byte {at - 1} is not in its shortest form")
    if abs(value) > MAX_INT:
        raise NotCanonical(f"integer {value} at byte {at - 1} is beyond 2^53")
    return end
