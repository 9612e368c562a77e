"""Sealing and opening: counters go up only, each is opened once, and the window agrees with a plain set."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepclear.line import channel, part
from keepclear.line.channel import WINDOW, Sealer, Unsealer, Window

KEY = bytes(32)
NAME = b"sessions"


def test_a_counter_is_never_used_twice_and_the_last_one_is_refused() -> None:
    sealer = Sealer(bytes(32), b"sessions")
    headers = [part.read(d) for frame in (b"a", bytes(3_000), b"b") for d in sealer.seal(frame)]
    assert [header.counter for header in headers if header] == [0, 1, 2, 3, 4]
    sealer.counter = channel.MAX_COUNTER - 1
    with pytest.raises(ValueError, match="begin a new one"):
        sealer.seal(bytes(3_000))
    assert len(sealer.seal(b"last")) == 1
    with pytest.raises(ValueError, match=f"datagram {2**48} of this session, at most {2**48}"):
        sealer.seal(b"one more")


def test_a_datagram_is_chacha20_poly1305_over_header_and_piece() -> None:
    [datagram] = Sealer(KEY, NAME).seal(b"in force")
    assert datagram.hex() == ("0373657373696f6e7300000000000000000001f669c7d83a235b1f4a8db220d801fae68e078f8c66116da9")
    header = part.read(datagram)
    assert header
    assert Unsealer(KEY, NAME).unseal(header, datagram) == b"in force"


@settings(max_examples=200)
@given(st.lists(st.integers(0, 40) | st.integers(0, 3 * WINDOW) | st.just(2**47), max_size=60), st.integers(0, 2**20))
def test_the_window_opens_each_counter_once_and_none_that_is_too_old(steps: list[int], base: int) -> None:
    window, opened, top = Window(), set(), -1
    for step in steps:
        counter = base + step
        fresh = counter not in opened and counter > top - WINDOW
        assert window.is_fresh(counter) == fresh
        if fresh:
            window.mark(counter)
            opened.add(counter)
            top = max(top, counter)
        assert not window.is_fresh(counter)


def test_every_counter_in_reach_opens_in_any_sequence_and_only_once() -> None:
    window, counters = Window(), list(range(2 * WINDOW - 5_000, 2 * WINDOW + 5_000))
    random.Random(1).shuffle(counters)
    for counter in counters:
        assert window.is_fresh(counter)
        window.mark(counter)
    assert not any(window.is_fresh(counter) for counter in counters)
    assert window.is_fresh(max(counters) - WINDOW + 1)
    assert not window.is_fresh(max(counters) - WINDOW)


def test_a_place_in_the_window_is_free_again_when_the_window_has_moved_on() -> None:
    window = Window()
    for counter in (5, WINDOW // 2, WINDOW + 10):
        window.mark(counter)
    assert window.is_fresh(WINDOW + 5), "it shares its place with 5"
    assert not window.is_fresh(WINDOW + 10)


def test_what_does_not_open_leaves_no_trace() -> None:
    [datagram] = Sealer(KEY, NAME).seal(b"in force")
    header = part.read(datagram)
    assert header
    unsealer = Unsealer(bytes([1]) * 32, NAME)
    assert unsealer.unseal(header, datagram) is None
    assert unsealer.is_fresh(0)
    assert unsealer.newest == -1


def test_the_traffic_key_depends_on_everything_and_the_name_is_the_same_at_both_ends() -> None:
    a, b, secret = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
    keys = {
        channel.traffic_key(secret, a, b, b"\0\1"),
        channel.traffic_key(secret, b, a, b"\0\1"),
        channel.traffic_key(secret, a, b, b"\1\0"),
        channel.traffic_key(a, a, b, b"\0\1"),
    }
    names = {channel.pair_id(a, b), channel.pair_id(a, b, b"\0\1"), channel.pair_id(a, b, b"\1\0")}
    assert (len(keys), len(names)) == (4, 3)
