"""What goes out by a slow radio: how fast, in which sequence, and which pieces go again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line import part
from keepclear.line.air import AHEAD_MS, IP_BYTES, KEPT_MS, PIECES_MS, Air, Heard, read_word, word
from keepclear.line.channel import Sealer

RATE = 9_600
PIECE = 300
AIR_MS = 8_000 * (PIECE + IP_BYTES) // RATE


def frame(sealer: Sealer, pieces: int) -> list[bytes]:
    return sealer.seal(bytes(pieces * (PIECE - 35)))


def sealer() -> Sealer:
    return Sealer(bytes(32), b"sessions", PIECE)


def first(datagrams: list[bytes]) -> int:
    header = part.read(datagrams[0])
    assert header is not None
    return header.counter


def drain(air: Air, from_ms: int, to_ms: int) -> list[tuple[int, bytes]]:
    return [(now_ms, datagram) for now_ms in range(from_ms, to_ms, 50) for datagram in air.due(now_ms)]


def test_the_modem_is_given_what_the_rate_takes_and_never_much_more_at_once() -> None:
    air, seals = Air(RATE), sealer()
    for _ in range(20):
        air.put(frame(seals, 3), False, 0)
    given_bytes = 0
    for now_ms, datagram in drain(air, 0, 10_000):
        given_bytes += len(datagram) + IP_BYTES
        assert given_bytes * 8_000 // RATE <= now_ms + AHEAD_MS + AIR_MS
    assert given_bytes * 8_000 // RATE > 9_000, "nor is the air left idle"


def test_a_flash_overtakes_and_short_frames_go_before_long_ones() -> None:
    air, seals = Air(RATE), sealer()
    long, short, flash = frame(seals, 10), frame(seals, 2), frame(seals, 2)
    air.put(long, False, 0)
    begun = air.due(0)
    air.put(short, False, 100)
    air.put(flash, True, 100)
    after = [datagram for _, datagram in drain(air, 100, 1_500)]
    assert begun == long[: len(begun)]
    assert len(begun) < 3
    assert after[:4] == [*flash, *short]


def test_only_the_pieces_that_the_peer_has_not_named_go_again_and_in_the_same_bytes() -> None:
    air, seals = Air(RATE), sealer()
    long = frame(seals, 5)
    air.put(long, False, 0)
    assert [datagram for _, datagram in drain(air, 0, 1_400)] == long
    air.hear(word([(first(long), 5, 0b10111)]), 2_500)
    assert [datagram for _, datagram in drain(air, 2_500, 3_000)] == [long[3]]
    air.hear(word([(first(long), 5, 0b11111)]), 4_000)
    assert not drain(air, 4_000, 100_000)


def test_a_word_that_was_on_its_way_before_a_piece_was_does_not_bring_it_again() -> None:
    air, seals = Air(RATE), sealer()
    long = frame(seals, 5)
    air.put(long, False, 0)
    drain(air, 0, 1_400)
    air.hear(word([(first(long), 5, 0b00111)]), 1_900)  # its last piece has just gone out
    assert air.due(1_900) == [long[3]]


def test_a_piece_that_is_named_while_it_waits_does_not_keep_the_others_from_going_again() -> None:
    air, seals = Air(RATE), sealer()
    long = frame(seals, 3)
    air.put(long, False, 0)
    drain(air, 0, 1_000)
    flash = frame(seals, 9)
    air.put(flash, True, 2_500)
    air.due(2_500)  # all three wait again, behind the FLASH
    air.hear(word([(first(long), 3, 0b001)]), 2_600)
    air.hear(word([(first(flash), 9, 0b111111111)]), 5_500)
    sent = [datagram for _, datagram in drain(air, 5_500, 12_000)]
    assert long[0] not in sent
    assert sent.count(long[1]) > 2


def test_without_any_word_all_goes_again_and_is_given_up_after_a_minute() -> None:
    air, seals = Air(RATE), sealer()
    long = frame(seals, 2)
    air.put(long, False, 0)
    sent = drain(air, 0, 3 * KEPT_MS)
    assert {datagram for _, datagram in sent} == set(long)
    assert sent[-1][0] < KEPT_MS + 2_000
    assert 20 < len(sent) < 100


def test_a_flash_goes_twice_when_there_is_air_and_once_when_there_is_none() -> None:
    air, seals = Air(RATE), sealer()
    flash = frame(seals, 2)
    air.put(flash, True, 0)
    assert [datagram for _, datagram in drain(air, 0, 1_200)] == flash * 2
    busy, rest = Air(RATE), frame(seals, 9)
    busy.put(flash, True, 0)
    busy.put(rest, False, 0)
    assert [datagram for _, datagram in drain(busy, 0, 1_200)] == [*flash, *rest[:4]]


def test_what_would_wait_too_long_is_dropped_and_counted_but_a_flash_is_not() -> None:
    air, seals = Air(RATE), sealer()
    for _ in range(100):
        air.put(frame(seals, 1), False, 0)
    assert air.dropped == 100 - 55
    flash = frame(seals, 1)
    air.put(flash, True, 0)
    assert flash[0] in [datagram for _, datagram in drain(air, 0, 500)]


def test_a_long_frame_said_again_while_it_is_under_way_is_not_sent_twice() -> None:
    air, seals = Air(RATE), sealer()
    air.put(frame(seals, 40), False, 0)
    drain(air, 0, 9_000)
    air.put(frame(seals, 40), False, 9_000)
    assert len(drain(air, 9_000, 11_900)) < 12


def test_a_forged_word_on_our_hello_delays_it_for_seconds_and_no_more() -> None:
    air = Air(RATE)
    hello = [part.Header(part.HELLO, b"ourhello", 7, nth, 2).encode() + bytes(200) for nth in range(2)]
    air.hear_pieces(b"ourhello", 0b01, 0)
    air.put_control(hello)
    assert [datagram for _, datagram in drain(air, 0, 1_000)] == hello[1:]
    air.put_control(hello)
    assert [datagram for _, datagram in drain(air, PIECES_MS, PIECES_MS + 1_000)] == hello


def test_what_the_session_has_to_say_waits_once() -> None:
    air = Air(RATE)
    hello = [part.Header(part.HELLO, b"ourhello", 7, nth, 6).encode() + bytes(281) for nth in range(6)]
    for _ in range(50):
        air.put_control(hello)
    assert [datagram for _, datagram in drain(air, 0, 9_000)] == hello
    assert not air.control_waits


@given(st.lists(st.tuples(st.integers(0, 2**48), st.integers(1, 128), st.integers(0, 2**128 - 1)), max_size=5))
def test_a_word_is_read_as_it_was_said_and_cut_short_names_only_what_is_whole(told: list[tuple[int, int, int]]) -> None:
    told = [(counter, total, mask % (1 << total)) for counter, total, mask in told]
    said = word(told)
    assert list(read_word(said)) == told
    for end in range(len(said)):
        assert list(read_word(said[:end])) == told[: len(list(read_word(said[:end])))]


@pytest.mark.parametrize(("nths", "due_ms"), [((0,), 600), ((0, 2), 0), ((0, 0), 0), ((0, 1, 2), 0)])
def test_the_peer_is_told_at_the_last_piece_at_a_repeated_one_and_when_it_falls_silent(
    nths: tuple[int, ...], due_ms: int
) -> None:
    heard = Heard[int]()
    for nth in nths:
        heard.note(40, part.Header(part.FRAME, b"sessions", 40 + nth, nth, 3), 0)
    mask = sum(1 << nth for nth in set(nths))
    if due_ms:
        assert heard.due(due_ms - 1) == []
    assert heard.due(due_ms) == [(40, 3, mask)]
    assert heard.due(due_ms + 10_000) == [], "once"
