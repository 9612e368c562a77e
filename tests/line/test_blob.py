"""Messages about attached files, and fetching one: what is asked for, what is lost, what was never asked for."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.line.talk import Talk, up

from keepclear.accord import canonical
from keepclear.line import blob, part
from keepclear.line.air import MAX_LAST
from keepclear.line.blob import Ask, Lacking, Message, Piece
from keepclear.line.fetch import MAX_AHEAD, MAX_WINDOW, Fetch
from keepclear.line.pace import radio
from keepclear.line.session import Noise, Opened, Posted, Reason

HASH = bytes(range(32))
DATA = random.Random(7).randbytes(100_000)


@pytest.mark.parametrize(
    "message",
    [Ask(HASH, 1_024, (0, 1_024, 8_388_607)), Piece(HASH, 5, b"x"), Piece(HASH, 0, bytes(1_024)), Lacking(HASH)],
)
def test_a_message_is_read_as_it_was_said(message: Message) -> None:
    assert blob.read(blob.to_bytes(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        [1, HASH, 1_025, [0]], [1, HASH, 0, [0]], [1, HASH, 9, []], [1, HASH, 9, [0] * 17], [1, HASH, 9, [-1]],
        [1, HASH, 9, [8_388_608]], [1, HASH[:31], 9, [0]], [2, HASH, 0, b""], [2, HASH, 0, bytes(1_025)],
        [2, HASH, -1, b"x"], [3], [4, HASH], [], 7, "ask",
    ],
)  # fmt: skip
def test_what_is_no_message_of_this_version_is_skipped(message: object) -> None:
    assert blob.read(canonical.encode(message)) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reading_raise(data: bytes) -> None:
    blob.read(data)


def test_a_piece_fits_a_datagram_on_ip_and_on_a_radio() -> None:
    assert len(blob.to_bytes(Piece(HASH, 8_388_607, bytes(blob.PIECE_BYTES)))) <= part.SEALED_ROOM
    assert len(blob.to_bytes(Piece(HASH, 8_388_607, bytes(blob.RADIO_PIECE_BYTES)))) <= 300 - 35
    assert len(blob.to_bytes(Ask(HASH, 1_024, (8_388_607,) * blob.MAX_ASKED))) <= 300 - 35


def carry(fetch: Fetch, loss: float, seed: int = 0, until_ms: int = 600_000, trip_ms: int = 100) -> bytes:
    """Fetches over a path that loses so much each way; the bytes that came, in sequence."""
    chance, came = random.Random(seed), bytearray(DATA[: fetch.got])
    under_way: list[tuple[int, int]] = []
    for now_ms in range(0, until_ms, 10):
        for _, place in [item for item in under_way if item[0] <= now_ms]:
            came += fetch.hear(place, DATA[place : min(fetch.size, place + fetch.piece_bytes)], now_ms)
        under_way = [item for item in under_way if item[0] > now_ms]
        for place in fetch.due(now_ms, 16):
            if chance.random() >= loss and chance.random() >= loss:  # there, and back
                under_way.append((now_ms + trip_ms, place))
        assert len(fetch._asked) <= MAX_WINDOW
        assert len(fetch._early) <= MAX_AHEAD
        if fetch.is_whole:
            break
    return bytes(came)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
def test_all_bytes_come_in_sequence_whatever_is_lost(loss: float, seed: int) -> None:
    assert carry(Fetch(len(DATA), 0, blob.PIECE_BYTES), loss, seed) == DATA


def test_it_goes_on_with_what_is_there() -> None:
    fetch = Fetch(len(DATA), 60_001, blob.PIECE_BYTES)
    assert fetch.due(0, 1) == [60_001]
    assert carry(Fetch(len(DATA), 60_001, blob.PIECE_BYTES), 0.1) == DATA


def test_what_was_not_asked_for_or_is_too_long_is_dropped() -> None:
    fetch = Fetch(len(DATA), 0, blob.PIECE_BYTES)
    assert fetch.hear(0, DATA[:1_024], 0) == b""
    fetch.due(0, 1)
    assert fetch.hear(0, DATA[:1_025], 10) == b""
    assert fetch.hear(0, DATA[:1_024], 20) == DATA[:1_024]
    assert fetch.hear(0, DATA[:1_024], 30) == b"", "and a second time"


def test_a_holder_that_says_nothing_is_asked_ever_more_seldom() -> None:
    fetch = Fetch(len(DATA), 0, blob.PIECE_BYTES)
    asked = [now_ms for now_ms in range(0, 60_000, 100) for _ in fetch.due(now_ms, 16)]
    assert len(asked) < 20
    assert max(asked) > 40_000, "and is never given up here"


def test_a_path_that_we_fill_is_given_less() -> None:
    """A link that after 2 s leaves us ten pieces a second: the round trip grows, and we have less on its way."""
    fetch, free_ms, under_way, widest = Fetch(8_000_000, 0, 1_000), 0, [], 0
    for now_ms in range(0, 60_000, 10):
        for place in fetch.due(now_ms, 16):
            free_ms = max(free_ms, now_ms) + (100 if now_ms > 2_000 else 1)
            under_way.append((free_ms + 50, place))
        for item in [item for item in under_way if item[0] <= now_ms]:
            under_way.remove(item)
            fetch.hear(item[1], bytes(1_000), now_ms)
        if now_ms > 20_000:
            widest = max(widest, len(under_way))
    assert widest <= 12
    assert fetch.got > 700_000, "and most of the link is used"


def test_a_message_is_sealed_as_a_frame_is_and_is_none() -> None:
    talk = up()
    message = blob.to_bytes(Lacking(HASH))
    (datagram,) = talk.ends[0].seal_blob(message, talk.now_ms)
    assert talk.deliver(1, datagram) == [Posted(message)]
    assert talk.deliver(1, datagram) == [Noise(Reason.REPLAY)]
    assert not any(isinstance(event, Opened) for event in talk.deliver(1, datagram))
    changed = bytes((part.FRAME,)) + talk.ends[0].seal_blob(message, talk.now_ms)[0][1:]
    assert talk.deliver(1, changed) == [Noise(Reason.SEAL)], "one does not pass for the other"


def test_before_a_session_is_up_nothing_is_sealed_and_what_fits_no_datagram_is_refused() -> None:
    talk = Talk()
    assert talk.ends[0].seal_blob(b"x", 0) == []
    talk.start()
    talk.run(500)
    with pytest.raises(ValueError, match="at most 1165"):
        talk.ends[0].seal_blob(bytes(1_166), talk.now_ms)


def test_by_a_slow_radio_it_goes_when_nothing_else_is_to_be_said_and_little_waits() -> None:
    talk = Talk(pace=radio(9_600))
    talk.start()
    talk.run(20_000)
    for _ in range(3 * MAX_LAST):
        talk.send(1, talk.ends[0].seal_blob(blob.to_bytes(Piece(HASH, 0, bytes(192))), talk.now_ms))
    talk.send(1, talk.ends[0].seal(b"flash" * 40, talk.now_ms, flash=True))
    before = len(talk.everything)
    talk.run(talk.now_ms + 20_000)
    kinds = [datagram[0] for to, datagram in talk.everything[before:] if to == 1]
    assert kinds.index(part.FRAME) < kinds.index(part.BLOB)
    assert kinds.count(part.BLOB) <= MAX_LAST
