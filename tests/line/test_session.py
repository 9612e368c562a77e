"""Two sessions and all that can happen to datagrams between them: loss, restarts, and everything said before."""

import random
from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.line.talk import Talk, heartbeat, member, up

from keepclear.line import channel, part
from keepclear.line.session import Noise, Opened, Reason, Up

# Coming up and carrying.


def test_two_round_trips_after_the_first_hello_a_session_is_up_with_one_name() -> None:
    talk = Talk()
    talk.send(1, talk.ends[0].hello(0))
    assert [session.seal(b"too early") for session in talk.ends] == [[], []]
    talk.run(100)
    assert talk.is_up
    assert talk.ups[0] == talk.ups[1] == [talk.ends[0].up]
    assert talk.noise == [Counter(), Counter()]
    assert talk.opened == [[], []], "the proof of a key is no frame"
    talk.run(4_900)
    assert not talk.ends[0].tick(talk.now_ms), "a session that is up has nothing to say of itself"


def test_a_frame_costs_35_bytes_and_a_long_one_comes_whole_in_any_sequence() -> None:
    talk = up()
    assert [len(d) for d in talk.ends[0].seal(b"x" * 1_090)] == [1_090 + 35]
    assert [len(d) for d in talk.ends[0].seal(b"x" * 1_165)] == [1_200]
    long = random.Random(7).randbytes(65_536 + 2_000)
    datagrams = talk.ends[0].seal(long)
    assert len(datagrams) == 58
    random.Random(8).shuffle(datagrams)
    for datagram in datagrams:
        assert talk.opened[1] == []
        talk.deliver(1, datagram)
    assert talk.opened[1] == [long]


def test_what_cannot_be_sealed_is_refused_with_both_numbers() -> None:
    talk = up()
    with pytest.raises(ValueError, match="0 bytes to send, at least 1"):
        talk.ends[0].seal(b"")
    with pytest.raises(ValueError, match="149121 bytes to send, at most 149120"):
        talk.ends[0].seal(bytes(part.MAX_FRAME + 1))


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@given(
    st.integers(0, 2**32),
    st.floats(0, 0.3),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.floats(0, 0.1),
    st.sampled_from([0, 1, 2]),
)
def test_over_a_bad_path_a_session_comes_up_and_what_is_opened_was_sealed_and_is_opened_once(
    seed: int, loss: float, twice: float, late: float, spoilt: float, restarts: int
) -> None:
    talk = Talk(seed, loss, twice, late, spoilt).start()
    said: list[set[bytes]] = [set(), set()]

    def says(own: int, now_ms: int) -> bytes | None:
        if now_ms % 250:
            return None
        frame = b"%d at %d " % (own, now_ms) + bytes(now_ms % 4_000)
        said[own].add(frame)
        return frame

    for start in range(restarts + 1):
        talk.run(talk.now_ms + 20_000, says)
        assert talk.is_up, f"up {talk.ups} after start {start}"
        if start < restarts:
            talk.restart(start % 2, seed + start + 1)
    for to, datagram in list(talk.everything):  # what was lost or is under way may still be of use, once
        talk.deliver(to, datagram)
    opened = [list(frames) for frames in talk.opened]
    for own in (0, 1):
        heard = opened[1 - own]
        assert heard
        assert len(heard) == len(set(heard)), "no frame is opened twice"
        assert set(heard) <= said[own]
    for to, datagram in talk.everything:
        talk.deliver(to, datagram)
    assert talk.opened == opened, "nothing said before is of use again"


@pytest.mark.parametrize("delay_ms", [20, 300, 2_000])
def test_when_both_are_up_no_answer_is_answered_however_long_the_way(delay_ms: int) -> None:
    talk = Talk()
    talk.delay_ms = delay_ms
    talk.start()
    talk.run(12 * delay_ms, heartbeat)
    assert talk.is_up
    before = len(talk.everything)
    talk.run(talk.now_ms + 20_000, heartbeat)
    assert {datagram[0] for _, datagram in talk.everything[before:]} == {part.FRAME}
    assert {len(datagram) for _, datagram in talk.everything[before:]} != {35}
    assert sum(len(datagram) == 35 for _, datagram in talk.everything[before:]) == 0, "nor a proof"


# Beginning anew.


def test_a_peer_that_begins_anew_is_heard_again_and_the_old_session_works_until_then() -> None:
    talk = up()
    talk.run(2_000, heartbeat)
    first = talk.ends[0].up
    talk.ends[1] = member(1, seed=1)
    talk.run(3_000, lambda own, now_ms: heartbeat(own, now_ms) if own == 0 else None)
    assert talk.noise[1][Reason.UNKNOWN] == 4, "alfa does not know yet and goes on in the session it has"
    talk.send(0, talk.ends[1].hello(talk.now_ms))
    talk.run(3_050, heartbeat)
    assert talk.ends[0].up == first, "a HELLO alone ends nothing"
    talk.run(3_200, heartbeat)
    assert talk.is_up
    assert talk.ends[0].up != first


def test_a_restart_in_less_than_a_heartbeat_is_heard_when_the_old_session_falls_silent() -> None:
    talk = up()
    talk.run(2_000, heartbeat)
    talk.restart(1, seed=1)
    talk.run(2_500, heartbeat)
    assert not talk.is_up
    talk.run(3_500, heartbeat)
    assert talk.is_up


def test_the_peer_falls_silent_and_comes_back_without_a_word_of_its_own() -> None:
    talk = up()
    talk.run(1_000, heartbeat)
    talk.ends[1] = member(1, seed=1)  # it has begun anew and its HELLOs were lost
    talk.run(1_000 + 5_000 + 100, heartbeat)
    assert talk.is_up
    assert len(talk.ups[0]) == 2


def test_a_proof_lost_for_seconds_is_given_again_to_the_key_that_asks_for_it() -> None:
    talk = Talk().start()
    talk.run(45)
    talk.deaf = {0}
    talk.run(4_000)
    assert talk.ends[1].up
    assert talk.ends[0].up is None
    talk.deaf = set()
    talk.run(4_000 + 2_000 + 100)
    assert talk.is_up
    assert len(talk.ups[0]) == len(talk.ups[1]) == 1


def test_both_begin_anew_at_once_as_often_as_they_like() -> None:
    talk = up()
    for start in range(1, 20):
        talk.restart(0, start)
        talk.restart(1, start)
        talk.run(talk.now_ms + 30 * start, heartbeat)
    talk.run(talk.now_ms + 500, heartbeat)
    assert talk.is_up


def test_the_handshake_is_said_again_at_200_400_800_ms_and_then_each_2_s() -> None:
    alfa = member(0)
    alfa.hello(0)
    said = [now_ms for now_ms in range(0, 10_000, 10) if alfa.tick(now_ms)]
    assert said == [200, 600, 1_400, 3_000, 5_000, 7_000, 9_000]


def test_a_worn_session_is_renewed_by_both_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "RENEW_COUNTER", 50)
    talk = up()
    first = talk.ends[0].up
    talk.run(5_000, lambda own, now_ms: b"many" if own == 0 and now_ms % 20 == 0 else heartbeat(own, now_ms))
    assert talk.is_up
    assert talk.ends[0].up != first
    lost = 5_000 // 20 - talk.opened[1].count(b"many")
    renewed = len(talk.ups[1]) - 1
    assert renewed >= 4
    assert lost <= 3 * renewed, f"{lost} frames lost while the session was renewed {renewed} times"


# What is repeated, forged or spoilt.


def test_every_repetition_is_refused_by_its_counter() -> None:
    talk = up()
    datagrams = [d for i in range(200) for d in talk.ends[0].seal(b"frame %d" % i)]
    random.Random(1).shuffle(datagrams)
    for datagram in datagrams:
        assert isinstance(talk.deliver(1, datagram)[0], Opened)
        assert talk.deliver(1, datagram) == [Noise(Reason.REPLAY)]
    for datagram in datagrams:
        assert talk.deliver(1, datagram) == [Noise(Reason.REPLAY)]


def test_a_bit_flipped_anywhere_in_a_sealed_datagram_is_noise_and_the_true_one_still_opens() -> None:
    talk = up()
    [datagram] = talk.ends[0].seal(b"in force from 1200")
    for at in range(len(datagram)):
        for bit in range(8):
            spoilt = bytearray(datagram)
            spoilt[at] ^= 1 << bit
            [event] = talk.ends[1].receive(bytes(spoilt), talk.now_ms)
            assert isinstance(event, Noise)
    for size in range(len(datagram)):
        [event] = talk.ends[1].receive(datagram[:size], talk.now_ms)
        assert isinstance(event, Noise)
    assert talk.ends[1].receive(datagram, talk.now_ms) == [Opened(b"in force from 1200")]


def test_our_own_datagrams_sent_back_to_us_are_noise() -> None:
    talk = up()
    talk.run(1_000, heartbeat)
    for to, datagram in talk.everything:
        [event] = talk.ends[1 - to].receive(datagram, talk.now_ms)
        assert event in (Noise(Reason.ADDRESS), Noise(Reason.UNKNOWN))


@pytest.mark.parametrize("at_start", [True, False], ids=["at our start", "in a session"])
def test_an_old_hello_and_an_old_key_with_all_the_frames_after_them_do_no_harm(at_start: bool) -> None:
    """Everything bravo ever said is repeated to alfa: from an earlier start of alfa, and from this one."""
    talk = Talk() if at_start else up()
    past = up(seed=50)
    past.run(3_000, heartbeat)
    past.restart(1, seed=1)
    past.run(6_000, heartbeat)
    old = [datagram for to, datagram in past.everything if to == 0]
    talk.ends[0] = member(0, seed=9) if at_start else talk.ends[0]
    talk.now_ms += 10_000  # long enough that alfa has given up on the session it has, if any
    talk.send(1, talk.ends[0].tick(talk.now_ms))
    before = talk.ends[0].up
    for datagram in old:
        talk.now_ms += 20
        events = talk.deliver(0, datagram)
        assert not any(isinstance(event, Opened | Up) for event in events)
    assert talk.ends[0].up == before
    if not at_start:
        [datagram] = talk.ends[1].seal(b"still here")
        assert talk.deliver(0, datagram) == [Opened(b"still here")]
    talk.restart(1, seed=5)
    talk.run(talk.now_ms + 3_000, heartbeat)
    assert talk.is_up


def test_the_session_in_use_cannot_be_repeated_into_a_new_one_with_an_empty_window() -> None:
    talk = Talk().start()
    talk.run(2_000, heartbeat)
    first = [datagram for to, datagram in talk.everything if to == 0]
    talk.restart(1, seed=1)
    talk.run(4_000, heartbeat)
    assert talk.is_up
    second = talk.ends[0].up
    talk.opened[0].clear()
    for datagram in first * 2:
        talk.deliver(0, datagram)
        talk.run(talk.now_ms + 10, heartbeat)
    assert talk.ends[0].up == second
    assert all(frame.startswith(b"1 beats") and int(frame.split()[-1]) > 3_900 for frame in talk.opened[0])


def test_the_hello_of_the_session_in_use_begins_nothing_even_in_a_silence() -> None:
    talk = up()
    talk.run(3_000)
    for to, datagram in list(talk.everything):
        if to == 0 and datagram[0] == part.HELLO:
            talk.deliver(0, datagram)
    assert talk.noise[0] == {Reason.OLD: 1}
    assert talk.ends[0].tick(talk.now_ms) == []


def test_while_the_peer_is_heard_an_old_hello_is_not_even_checked() -> None:
    past = [datagram for to, datagram in up().everything if to == 0]
    talk = Talk(seed=3).start()
    talk.run(1_000, heartbeat)
    sent = len(talk.everything)
    for datagram in past:
        for event in talk.deliver(0, datagram):
            assert event in (Noise(Reason.OLD), Noise(Reason.UNKNOWN))
    assert len(talk.everything) == sent
