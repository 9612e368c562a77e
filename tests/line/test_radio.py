"""Two sessions over 9 600 bit/s with three datagrams in ten lost: they come up, and what is long arrives whole."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.line.talk import Talk

from keepclear.line import part
from keepclear.line.air import IP_BYTES, word
from keepclear.line.channel import Sealer
from keepclear.line.offer import address
from keepclear.line.pace import RADIO_DATAGRAM, radio

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
    where = address(bytes.fromhex(session_vector()["line"]), 0, 1)
    assert part.read(pieces) == (part.PIECES, bytes.fromhex(vector["pieces_name"]), where, 0, 1)
    assert pieces[part.HEADER_BYTES :] == bytes((vector["pieces_mask"],))


def session_vector() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (Path(__file__).parents[2] / "spec" / "vectors" / "line" / "session.json").read_text()
    )
    return found
