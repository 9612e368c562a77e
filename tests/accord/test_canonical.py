"""Each value has one form: what the raw-byte check accepts is exactly what encodes back to itself."""

import tracemalloc

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keepclear.accord import canonical
from keepclear.accord.canonical import MAX_DEPTH, MAX_INT, NotCanonical

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INT, MAX_INT)
    | st.binary(max_size=300)
    | st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80),
    lambda inner: st.lists(inner, max_size=20),
    max_leaves=40,
)


def depth(value: object) -> int:
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(values)
def test_every_value_comes_back_from_its_bytes(value: object) -> None:
    assume(depth(value) <= MAX_DEPTH)
    data = canonical.encode(value)
    assert canonical.decode(data) == value
    assert canonical.encode(canonical.decode(data)) == data


def same_by_library(data: bytes) -> bool:
    """DESIGN's rule in the library's own words: the bytes equal the encoding of their untyped parse."""
    try:
        return msgspec.msgpack.encode(msgspec.msgpack.decode(data)) == data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, TypeError):
        return False


@settings(max_examples=2000)
@given(st.binary(max_size=24))
def test_what_is_accepted_is_its_own_encoding(data: bytes) -> None:
    try:
        canonical.decode(data)
    except NotCanonical:
        return
    assert same_by_library(data)


def read_slowly(data: bytes) -> bool:
    try:
        canonical.explain(data)
        msgspec.msgpack.decode(data)
    except (NotCanonical, UnicodeDecodeError, msgspec.DecodeError):
        return False
    return True


def is_decoded(data: bytes) -> bool:
    try:
        canonical.decode(data)
    except NotCanonical:
        return False
    return True


LEADS = st.sampled_from([bytes([lead]) for lead in (*range(0x80, 0xE1), 0, 1, 0x20, 0x7F, 0xFF)])


@settings(max_examples=3000)
@given(st.lists(LEADS | st.binary(max_size=3), max_size=14).map(b"".join) | values.map(msgspec.msgpack.encode))
def test_the_raw_bytes_say_the_same_as_the_values(data: bytes) -> None:
    assert is_decoded(data) == read_slowly(data)
    for at in range(min(len(data), 4)):
        for bit in (1, 0x10, 0x80):
            changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            assert is_decoded(changed) == read_slowly(changed)


@pytest.mark.parametrize("lead", [b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\xc9", b"\xdc", b"\xde"])
def test_a_length_field_reserves_no_memory(lead: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(NotCanonical):
        canonical.decode((lead + b"\x7f\xff\xff\xff")[: 3 if lead in b"\xdc\xde" else 5] * 20)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


@given(values, st.data())
def test_a_changed_byte_is_refused_or_is_another_value(value: object, data: st.DataObject) -> None:
    try:
        raw = bytearray(canonical.encode(value))
    except NotCanonical:
        return
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = canonical.decode(bytes(raw))
    except NotCanonical:
        return
    assert canonical.encode(other) == bytes(raw)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "ends at byte 0"),
        (b"\xcc\x05", "shortest"),
        (b"\xd0\x05", "shortest"),
        (b"\xd1\xff\xff", "shortest"),
        (b"\xd9\x01a", "shortest"),
        (b"\xc5\x00\x01a", "shortest"),
        (b"\xdc\x00\x01\x00", "shortest"),
        (b"\xdd\xff\xff\xff\xff", "does not fit"),
        (b"\xc6\xff\xff\xff\xff", "announced"),
        (b"\x81\x01\x02", "maps"),
        (b"\xcb" + bytes(8), "maps, floats"),
        (b"\xcf\x00\x20\x00\x00\x00\x00\x00\x00", "2\\^53"),
        (b"\xa1\n", "control"),
        (b"\xa2\xc2\x85", "control"),
        (b"\xa1\xff", "UTF-8"),
        (b"\xa3\xed\xa0\x80", "UTF-8"),
        (b"\x90\x00", "after the value"),
        (b"\x91" * 9 + b"\x00", "nested deeper"),
        (b"\xdc\xff\xff" + b"\x00" * 65535 + b"\x00", "after the value|items"),
    ],
)
def test_each_rule_refuses_its_own_breach(data: bytes, rule: str) -> None:
    with pytest.raises(NotCanonical, match=rule):
        canonical.decode(data)


def test_what_has_no_form_is_not_encoded() -> None:
    for value in (1.5, {"a": 1}, MAX_INT + 1, -MAX_INT - 1, "a\nb", ["\x7f"], "\ud800"):
        with pytest.raises(NotCanonical):
            canonical.encode(value)


class Wide(msgspec.Struct, array_like=True):
    """As this version knows it: a later one may have further fields."""

    number: canonical.Int
    words: canonical.Text
    inner: tuple[tuple[canonical.Int, bytes], ...] = ()


WIDE = msgspec.msgpack.Decoder(Wide)
loose = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=3) | st.text(max_size=3)
    | st.floats(width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 3), inner, max_size=1),
    max_leaves=6,
)  # fmt: skip
near = st.tuples(
    st.integers(-(2**54), 2**54), st.text(max_size=3), st.lists(st.tuples(st.integers(-(2**54), 2**54), st.binary()))
).map(list)


def verdict(read: object, *given: object) -> object:
    try:
        return read(*given)  # type: ignore[operator]
    except (NotCanonical, msgspec.ValidationError) as error:
        return type(error)


@settings(max_examples=1000)
@given(st.lists(loose, max_size=5) | near | near.map(lambda fields: [*fields, "later"]), st.binary(max_size=2))
def test_what_is_read_at_once_has_the_verdict_of_reading_it_untyped_first(value: list[object], rest: bytes) -> None:
    def slowly(data: bytes) -> Wide:
        canonical.decode(data)
        return msgspec.msgpack.decode(data, type=Wide)

    for data in (msgspec.msgpack.encode(value), msgspec.msgpack.encode(value) + rest):
        assert verdict(canonical.decode_as, data, WIDE) == verdict(slowly, data)


def test_no_longer_form_and_no_control_character_is_read_at_once() -> None:
    good = canonical.encode([1, "a", [[2, b"x"]]])
    assert canonical.decode_as(good, WIDE) == Wide(1, "a", ((2, b"x"),))
    longer = [good[:1] + b"\xcc\x01" + good[2:], b"\xdc\x00\x03" + good[1:], good.replace(b"\xa1a", b"\xd9\x01a")]
    floats = [good.replace(b"\x01\xa1", b"\xca\x3f\x80\x00\x00\xa1")]
    texts = [canonical.pack([1, text, []]) for text in ("a\n", "\x85", "\x7f")]
    wide = [canonical.pack([number, "a", []]) for number in (2**53, -(2**53))]
    for bad in (*longer, *floats, *texts, *wide, good + b"\xc0", good[:-1]):
        with pytest.raises(NotCanonical):
            canonical.decode_as(bad, WIDE)
    with pytest.raises(NotCanonical, match="at most 3"):
        canonical.decode_as(good, WIDE, 3)
