"""The same sealed datagrams over two paths, one of them seconds slower: each frame is opened once, whoever lost it."""

import random

from tests.line.talk import up

from keepclear.line import part
from keepclear.line.session import Noise, Opened, Reason, Reply

LATE_MS = 8_000


def test_a_copy_that_is_seconds_late_opens_what_the_faster_path_has_lost_and_nothing_else() -> None:
    talk = up()
    alfa, bravo = talk.ends
    chance, start_ms = random.Random(1), talk.now_ms
    sent = [(start_ms + n // 2, alfa.seal(b"frame %d" % n)[0]) for n in range(20_000)]  # 2 000 a second
    lost = {datagram for _, datagram in sent if chance.random() < 0.3}
    arrivals = [(at_ms, datagram) for at_ms, datagram in sent if datagram not in lost]
    arrivals += [(at_ms + LATE_MS, datagram) for at_ms, datagram in sent]
    opened, again = 0, 0
    for now_ms, datagram in sorted(arrivals, key=lambda arrival: arrival[0]):
        [event] = bravo.receive(datagram, now_ms)
        assert isinstance(event, Opened) or event == Noise(Reason.REPLAY)
        opened += isinstance(event, Opened)
        again += isinstance(event, Noise)
    assert (opened, again) == (20_000, 20_000 - len(lost))


def test_a_long_frame_is_whole_when_the_slower_path_brings_the_part_that_was_lost() -> None:
    talk = up()
    alfa, bravo = talk.ends
    frame = random.Random(2).randbytes(5 * part.SEALED_ROOM)
    pieces = alfa.seal(frame)
    for nth, piece in enumerate(pieces):
        if nth not in (1, 3):
            assert bravo.receive(piece, talk.now_ms) == []
    late_ms = talk.now_ms + LATE_MS
    events = [bravo.receive(piece, late_ms) for piece in pieces]
    assert [event for each in events for event in each if isinstance(event, Opened)] == [Opened(frame)]
    assert sum(each == [Noise(Reason.REPLAY)] for each in events) == 3


def test_handshakes_that_come_late_by_the_other_path_do_not_disturb_the_session_they_have_made() -> None:
    talk = up()
    session, late = talk.ends[0].up, list(talk.everything)
    for ms in range(0, LATE_MS, 100):  # the line lives meanwhile
        for own in (0, 1):
            [datagram] = talk.ends[own].seal(b"beat")
            assert talk.ends[1 - own].receive(datagram, talk.now_ms + ms)
    for to, datagram in late:
        events = talk.ends[to].receive(datagram, talk.now_ms + LATE_MS)
        assert all(isinstance(event, Noise | Reply) for event in events)
    assert talk.ends[0].up == talk.ends[1].up == session
    assert not talk.ends[0].tick(talk.now_ms + LATE_MS + 200), "nobody begins anew"
