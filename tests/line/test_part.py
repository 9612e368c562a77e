"""The clear header, cutting and joining: parts come in any sequence, and what is kept stays within its bounds."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line import part
from keepclear.line.part import Header, Joiner

SESSION = b"sessions"


def test_the_header_is_19_bytes_in_this_sequence() -> None:
    data = Header(part.FRAME, SESSION, 258, 1, 2).encode()
    assert data.hex(" ") == "03 73 65 73 73 69 6f 6e 73 00 00 00 00 00 00 01 02 01 02"
    assert len(data) == part.HEADER_BYTES
    assert part.read(data + b"body") == Header(part.FRAME, SESSION, 258, 1, 2)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        Header(part.FRAME, SESSION, 0, 0, 1).encode()[:-1],
        Header(part.FRAME, SESSION, 0, 0, 1).encode() + bytes(part.CLEAR_ROOM + 1),
        Header(0, SESSION, 0, 0, 1).encode(),
        Header(7, SESSION, 0, 0, 1).encode(),
        Header(part.FRAME, SESSION, 0, 0, 0).encode(),
        Header(part.FRAME, SESSION, 0, 1, 1).encode(),
        Header(part.FRAME, SESSION, 0, 0, part.MAX_PARTS + 1).encode(),
    ],
)
def test_what_is_no_datagram_of_ours_has_no_header(datagram: bytes) -> None:
    assert part.read(datagram) is None


@given(st.binary(max_size=2_000))
def test_no_bytes_make_the_header_raise(datagram: bytes) -> None:
    header = part.read(datagram)
    assert header is None or header.encode() == datagram[: part.HEADER_BYTES]


def test_64_kib_fit_57_parts_and_the_limit_is_said_with_both_numbers() -> None:
    assert len(part.cut(bytes(65_536), part.SEALED_ROOM)) == 57
    assert len(part.cut(bytes(part.MAX_FRAME), part.SEALED_ROOM)) == part.MAX_PARTS
    with pytest.raises(ValueError, match="149121 bytes to send, at most 149120"):
        part.cut(bytes(part.MAX_FRAME + 1), part.SEALED_ROOM)


@given(st.binary(max_size=500), st.integers(10, 60), st.randoms(use_true_random=False))
def test_parts_in_any_sequence_and_repeated_make_the_whole_once(body: bytes, room: int, chance: random.Random) -> None:
    pieces = list(enumerate(part.cut(body, room)))
    sent = pieces + chance.choices(pieces, k=len(pieces))
    chance.shuffle(sent)
    joiner = Joiner()
    complete = 0
    arrived = set()
    for nth, piece in sent:
        whole = joiner.add("m", nth, len(pieces), piece, 0)
        arrived.add(nth)
        assert (whole is not None) == (len(arrived) == len(pieces))
        if whole is not None:
            assert whole == body
            complete += 1
            joiner.forget("m", len(pieces))
            break
    assert complete == 1
    assert len(joiner) == 0


def test_a_forged_part_is_replaced_by_the_true_one_when_it_comes_again() -> None:
    joiner = Joiner()
    assert joiner.add("m", 0, 2, b"true ", 0) is None
    assert joiner.add("m", 1, 2, b"forged", 1) == b"true forged"
    assert joiner.add("m", 1, 2, b"words", 2) == b"true words"


def test_another_number_of_parts_is_another_message() -> None:
    joiner = Joiner()
    assert joiner.add("m", 0, 2, b"true ", 0) is None
    assert joiner.add("m", 2, 3, b"forged", 0) is None
    assert joiner.add("m", 1, 2, b"words", 0) == b"true words"


def test_the_oldest_gives_way_and_the_old_is_dropped() -> None:
    joiner = Joiner()
    for name in range(100_000):
        assert joiner.add(name, 0, 2, b"garbage", name // 1_000) is None
        assert len(joiner) <= part.MAX_UNFINISHED
    newest = 99_999
    assert joiner.add(newest - part.MAX_UNFINISHED + 2, 1, 2, b"", 99) == b"garbage"
    assert joiner.add(newest, 1, 2, b"", 99 + part.MAX_AGE_MS) == b"garbage", "10 s old is not yet too old"
    assert joiner.add(newest, 1, 2, b"", 100 + part.MAX_AGE_MS) is None, "a millisecond later it is"
    assert len(joiner) == 1
