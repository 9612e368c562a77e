"""Two sessions over 9 600 bit/s with three datagrams in ten lost: they come up, and what is long arrives whole."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.line.talk import Talk, member

from keepclear.line import part, tag
from keepclear.line.air import IP_BYTES, word
from keepclear.line.channel import Sealer
from keepclear.line.pace import RADIO_DATAGRAM, radio
from keepclear.line.session import Noise, Opened, Reason, Reply, Session

PACE = radio(9_600)


def talk(seed: int, loss: float) -> Talk:
    return Talk(seed, loss, pace=PACE).start()


def beat(own: int, now_ms: int) -> bytes | None:
    return b"%d beats at %d" % (own, now_ms) if now_ms % 1_000 == 0 else None


@pytest.mark.parametrize("seed", range(5))
def test_a_session_comes_up_in_seconds_by_short_datagrams_within_the_rate(seed: int) -> None:
    bad = talk(seed, 0.3)
    while not bad.is_up:
        bad.run(bad.now_ms + 100, beat)
        assert bad.now_ms < 30_000
    assert max(len(datagram) for _, datagram in bad.everything) <= RADIO_DATAGRAM
    for own in (0, 1):
        sent = sum(len(datagram) + IP_BYTES for to, datagram in bad.everything if to != own)
        assert sent * 8_000 // 9_600 <= bad.now_ms + 600


def test_without_loss_each_piece_of_the_handshake_goes_about_once() -> None:
    good = talk(1, 0)
    good.run(10_000, beat)
    assert good.is_up
    pieces = [header for _, d in good.everything if (header := part.read(d)) and header.kind in (part.HELLO, part.KEY)]
    assert len(pieces) <= 32, "twice two messages of five pieces, and what was on its way when the word came"


def test_the_largest_entry_arrives_over_thirty_percent_loss_and_is_opened_once() -> None:
    bad = talk(3, 0.3)
    bad.run(30_000, beat)
    assert bad.is_up
    long = random.Random(7).randbytes(65_536 + 2_000)
    before = len(bad.everything)
    bad.send(1, bad.ends[0].seal(long, bad.now_ms))
    while long not in bad.opened[1]:
        bad.run(bad.now_ms + 1_000, beat)
        assert bad.now_ms < 180_000
    bad.run(bad.now_ms + 20_000, beat)
    assert bad.opened[1].count(long) == 1
    pieces = [1 for to, d in bad.everything[before:] if to == 1 and d[0] == part.FRAME and len(d) > RADIO_DATAGRAM]
    assert len(pieces) < 2 * part.MAX_PARTS, "three in ten are lost: 1.4 sendings each, and some more for lost words"


def test_a_peer_that_begins_anew_is_heard_again() -> None:
    bad = talk(4, 0.3)
    bad.run(30_000, beat)
    assert bad.is_up
    first = bad.ends[0].up
    bad.restart(1, 9, PACE)
    bad.run(bad.now_ms + 30_000, beat)
    assert bad.is_up
    assert bad.ends[0].up != first


def test_the_vector_has_the_bytes_that_are_sent() -> None:
    vector = json.loads((Path(__file__).parents[2] / "spec" / "vectors" / "line" / "radio.json").read_text())
    sealer = Sealer(bytes.fromhex(vector["traffic_key"]), bytes.fromhex(vector["session"]), vector["datagram_bytes"])
    sealer.counter = vector["first_counter"]
    assert [d.hex() for d in sealer.seal(bytes.fromhex(vector["frame"]))] == vector["frame_datagrams"]
    told = [(first, total, mask) for first, total, mask in vector["told"]]
    assert word(told).hex() == vector["held"]
    assert [d.hex() for d in sealer.seal_word(word(told))] == [vector["held_datagram"]]
    pieces = bytes.fromhex(vector["pieces_datagram"])
    header = part.Header(part.PIECES, bytes.fromhex(vector["pieces_name"]), tag.ends(0, 1), 0, 1)
    mask = bytes((vector["pieces_mask"],))
    assert pieces == tag.tagged(bytes.fromhex(session_vector()["tag_key"]), header, mask)


def session_vector() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (Path(__file__).parents[2] / "spec" / "vectors" / "line" / "session.json").read_text()
    )
    return found


def masks(datagrams: list[bytes]) -> list[int]:
    """What a session says in the clear of the pieces that are here."""
    return [d[part.HEADER_BYTES] for d in datagrams if d[0] == part.PIECES]


def replied(session: Session, datagram: bytes, now_ms: int) -> list[bytes]:
    return [d for event in session.receive(datagram, now_ms) if isinstance(event, Reply) for d in event.datagrams]


def ticks(session: Session, from_ms: int, to_ms: int) -> list[bytes]:
    return [datagram for now_ms in range(from_ms, to_ms, 100) for datagram in session.tick(now_ms)]


def hello(own: int, seed: int) -> list[bytes]:
    """All pieces of a HELLO."""
    session = member(own, seed, pace=PACE)
    said = session.hello(0) + ticks(session, 0, 1_500)
    pieces = {d for d in said if d[0] == part.HELLO}
    return sorted(pieces, key=lambda d: d[part.HEADER_BYTES - 2])


def test_pieces_that_have_come_are_named_and_a_message_that_was_taken_begins_anew() -> None:
    bravo, pieces = member(1, pace=PACE), hello(0, 0)
    for piece in (pieces[0], pieces[2]):
        bravo.receive(piece, 0)
    assert masks(ticks(bravo, 0, 1_000)) == [0b101]
    said = [d for piece in (pieces[1], *pieces[3:]) for d in replied(bravo, piece, 2_000)]
    assert masks(said + ticks(bravo, 2_000, 3_000)) == [0b11111]
    bravo.receive(pieces[0], 8_000)
    assert masks(ticks(bravo, 8_000, 9_000)) == [0b00001], "the others are not kept: to name them would keep them away"


def test_a_hello_that_comes_too_soon_is_not_named_as_here() -> None:
    good = talk(1, 0)
    good.run(10_000, beat)
    pieces = hello(1, 7)
    events = [event for piece in pieces for event in good.ends[0].receive(piece, good.now_ms)]
    assert Noise(Reason.OLD) in events
    said = [datagram for event in events if isinstance(event, Reply) for datagram in event.datagrams]
    assert masks(said + ticks(good.ends[0], good.now_ms, good.now_ms + 1_000)) == [0]


def test_a_piece_that_comes_again_is_answered_again_and_is_neither_noise_nor_a_sign_of_life() -> None:
    good = talk(1, 0)
    good.run(10_000, beat)
    now_ms = good.now_ms
    pieces = good.ends[0].seal(bytes(500), now_ms) + ticks(good.ends[0], now_ms, now_ms + 1_000)
    pieces = [d for d in pieces if len(d) > 200]
    first = [event for piece in pieces for event in good.ends[1].receive(piece, now_ms)]
    first += [Reply(ticks(good.ends[1], now_ms, now_ms + 1_000))]
    held = [d for event in first if isinstance(event, Reply) for d in event.datagrams if d[0] == part.HELD]
    assert len(held) == 1
    again = good.ends[1].receive(pieces[0], now_ms + 15_000)
    assert [d[0] for event in again if isinstance(event, Reply) for d in event.datagrams] == [part.HELD]
    assert not any(isinstance(event, Noise | Opened) for event in again)
    forged = bytearray(pieces[0])
    forged[-1] ^= 1
    assert good.ends[1].receive(bytes(forged), now_ms + 16_000) == [Noise(Reason.REPLAY)]
    assert part.HELLO in {d[0] for d in ticks(good.ends[1], now_ms + 20_000, now_ms + 22_000)}, "silent for 20 s"
