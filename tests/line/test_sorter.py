"""What a flood leaves of a line: what goes on, in which sequence, and that no source takes from another by flooding."""

import random
from collections import Counter

import pytest
from tests.line.talk import LINE, TAG_KEY, member

from keepclear.line import part, tag
from keepclear.line import sorter as limits
from keepclear.line.sorter import STRANGERS, Drop, Sorter

ALFA, BRAVO = 1, 2  # the sources that are configured
SESSION, OTHER = b"session1", b"session2"
HERE = "192.0.2.1"


def sorter() -> Sorter:
    """That of member 0 with two peers, each with a session in use."""
    made = Sorter(TAG_KEY, 0, (1, 2), 2)
    made.use({SESSION: 100_000, OTHER: -1})
    return made


def frame(counter: int, session: bytes = SESSION, body: bytes = bytes(16), total: int = 1) -> bytes:
    return part.Header(part.FRAME, session, counter, 0, total).encode() + body


def hello(name: int, sender: int = 1, receiver: int = 0, key: bytes = TAG_KEY, nth: int = 0) -> bytes:
    header = part.Header(part.HELLO, name.to_bytes(8, "big"), tag.ends(sender, receiver), nth, 2)
    return tag.tagged(key, header, bytes(1_000))


def given(made: Sorter) -> list[tuple[int, bytes]]:
    return made.give(1_000_000)


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", Drop.SHAPE),
        (frame(100_001)[:18], Drop.SHAPE),
        (frame(100_001, body=bytes(1_182)), Drop.SHAPE),
        (b"\x09" + frame(100_001)[1:], Drop.SHAPE),
        (part.Header(part.FRAME, SESSION, 100_001, 1, 1).encode(), Drop.SHAPE),
        (frame(100_001, b"unknown!"), Drop.UNKNOWN),
        (frame(100_000 - limits.WINDOW), Drop.OLD),
        (hello(1, sender=3), Drop.ADDRESS),
        (hello(1, receiver=1), Drop.ADDRESS),
        (hello(1, key=bytes(32)), Drop.STRANGER),
        (hello(1)[:-1] + b"\x01", Drop.STRANGER),
        (hello(1)[:17] + b"\x01\x02" + hello(1)[19:], Drop.STRANGER),
    ],
)
def test_what_cannot_be_of_this_line_is_dropped_by_its_reason(datagram: bytes, why: Drop) -> None:
    made = sorter()
    assert made.take(datagram, ALFA, HERE, 0) is why
    assert given(made) == []
    assert made.dropped == {why: 1}


def test_what_may_be_of_this_line_goes_on_with_its_source() -> None:
    made = sorter()
    one, two, three = frame(100_001), frame(100_001 - limits.WINDOW), hello(1)
    assert [made.take(datagram, ALFA, HERE, 0) for datagram in (three, one, two)] == [None] * 3
    assert given(made) == [(ALFA, one), (ALFA, two), (ALFA, three)], "sessions in use before handshakes"
    assert not made.waits
    assert not made.dropped


def test_a_true_session_passes_whole() -> None:
    """Every datagram of two members who come to talk, by sorters on both sides."""
    sessions, sorters = [member(0), member(1)], [Sorter(TAG_KEY, 0, (1,), 1), Sorter(TAG_KEY, 1, (0,), 1)]
    said = [(1, d) for d in sessions[0].hello(0)]
    while said:
        to, datagram = said.pop(0)
        assert sorters[to].take(datagram, 1, HERE, 0) is None
        for _, passed in given(sorters[to]):
            events = sessions[to].receive(passed, 0)
            sorters[to].use(sessions[to].inbound())
            said += [(1 - to, d) for event in events for d in getattr(event, "datagrams", [])]
    assert sessions[0].up
    assert sessions[0].up == sessions[1].up
    assert LINE not in b"".join(sessions[0].hello(1)[0][:19] for _ in range(1)), "nothing of the line in the clear"


def test_a_copy_goes_on_once_and_a_forgery_that_is_quicker_does_not_hold_it_up() -> None:
    made = sorter()
    true = frame(100_001, body=bytes(100) + b"the seal of it.!")
    forged = frame(100_001, body=b"x" * 100 + b"the seal of it.!")
    assert made.take(forged, STRANGERS, HERE, 0) is None
    assert made.take(true, ALFA, HERE, 0) is None
    assert [made.take(true, source, HERE, 0) for source in (ALFA, BRAVO, STRANGERS)] == [Drop.COPY] * 3
    assert len(given(made)) == 2


def test_what_had_no_room_is_no_copy_when_it_comes_again() -> None:
    made = sorter()
    for counter in range(limits.QUEUE_FRAMES):
        assert made.take(frame(200_000 + counter), ALFA, HERE, 0) is None
    assert made.take(frame(1_000_000), ALFA, HERE, 0) is Drop.FULL
    assert made.take(frame(1_000_000), BRAVO, HERE, 0) is None, "another source has its own room"
    given(made)
    assert made.take(frame(1_000_001), ALFA, HERE, 1_000) is None


def test_a_slow_path_hears_copies_because_it_answers_them() -> None:
    made = sorter()
    made.use({SESSION: 0}, [SESSION])
    assert [made.take(frame(1), ALFA, HERE, 0) for _ in range(2)] == [None, None]


def test_a_flood_of_copies_is_dropped_whatever_its_age_and_memory_does_not_grow() -> None:
    made, recorded = sorter(), [frame(100_001 + n) for n in range(3 * limits.MEMORY)]
    for now_ms, datagram in enumerate(recorded):
        assert made.take(datagram, ALFA, HERE, now_ms) is None
        given(made)
    made.use({SESSION: 100_000 + len(recorded)})
    again = Counter(made.take(datagram, ALFA, HERE, len(recorded)) for datagram in recorded)
    assert again == {Drop.COPY: 2 * limits.MEMORY, Drop.OLD: limits.MEMORY}, "nothing is between the two"
    assert len(made._seen) + len(made._seen_before) <= 2 * limits.MEMORY  # the bound itself is what is tested


def test_a_peer_whose_address_floods_takes_from_itself_alone() -> None:
    made, chance = sorter(), random.Random(1)
    for n in range(50_000):
        made.take(frame(200_000 + n, body=chance.randbytes(20)), ALFA, HERE, n // 50)
        if n % 1_000 == 0:
            assert made.take(frame(n, OTHER), BRAVO, HERE, n // 50) is None
            assert (BRAVO, frame(n, OTHER)) in made.give(4), "its turn comes at once"
    assert made.dropped[Drop.FULL] + made.dropped[Drop.RATE] > 45_000


def test_strangers_share_what_strangers_have_and_one_of_them_cannot_have_it_all() -> None:
    made = sorter()
    loud = sum(made.take(frame(200_000 + n), STRANGERS, "192.0.2.7", n) is None for n in range(1_000))
    assert loud == 1_000, "a thousand a second is what one may say"
    assert made.take(frame(500_000), STRANGERS, "192.0.2.7", 1_000) is None
    given(made)
    burst = [made.take(frame(600_000 + n), STRANGERS, "192.0.2.7", 5_000) for n in range(1_000)]
    assert burst.count(None) == limits.PLACE_FRAMES_BURST
    others = {f"198.51.100.{n}" for n in range(256)}
    quiet = [made.take(frame(700_000 + n), STRANGERS, host, 5_000) for n, host in enumerate(sorted(others))]
    assert quiet.count(None) >= 240, "two addresses may share a place, and all strangers have a bound together"
    many = [made.take(frame(800_000 + n), STRANGERS, f"203.0.113.{n % 256}", 5_000) for n in range(10_000)]
    assert many.count(None) <= limits.STRANGE_FRAMES_BURST


def test_handshakes_by_one_with_the_genesis_from_anywhere_leave_a_peers_own_address_its_share() -> None:
    made, chance, genuine = sorter(), random.Random(2), 0
    for n in range(100_000):  # ten seconds
        made.take(hello(chance.getrandbits(63)), STRANGERS, f"10.0.{n % 200}.{n % 7}", n // 10)
        if n % 2_000 == 0:
            genuine += made.take(hello(2**63 + n), ALFA, HERE, n // 10) is None
        given(made)
    assert genuine == 50
    passed = made.given - genuine
    assert passed <= 10 * limits.HANDSHAKES_PER_SECOND + limits.HANDSHAKES_BURST
    assert made.dropped[Drop.RATE] > 95_000


def test_one_stranger_cannot_have_all_handshakes_and_no_hash_is_made_when_none_may_go_on() -> None:
    made = sorter()
    loud = [made.take(hello(n), STRANGERS, "192.0.2.7", n) for n in range(1_000)]
    assert loud.count(None) <= limits.PLACE_HANDSHAKES_BURST + limits.PLACE_HANDSHAKES_PER_SECOND
    assert made.take(hello(2_000), STRANGERS, "198.51.100.1", 1_000) is None
    given(made)
    for n in range(3_000, 4_000):
        made.take(hello(n), STRANGERS, f"203.0.113.{n % 256}", 1_000)
    assert made.take(hello(5_000, key=bytes(32)), STRANGERS, "203.0.113.9", 1_000) is Drop.RATE
    assert made.take(hello(5_000, key=bytes(32)), ALFA, HERE, 1_000) is Drop.STRANGER


def test_handshakes_go_on_even_while_frames_wait_and_do_not_hold_them_up() -> None:
    made = sorter()
    for n in range(64):
        made.take(frame(200_000 + n), ALFA, HERE, 0)
        made.take(hello(n), BRAVO, HERE, 0)
    kinds = [datagram[0] for _, datagram in made.give(64)]
    assert kinds.count(part.HELLO) == 64 // limits.HANDSHAKE_TURN
    assert [datagram[0] for _, datagram in given(made)].count(part.HELLO) == 60


def test_a_handshake_that_is_said_again_goes_on_again_and_an_old_one_repeated_hardly() -> None:
    made = sorter()
    genuine = [made.take(hello(1), ALFA, HERE, now_ms) for now_ms in range(0, 2_000, 200)]
    assert genuine == [None] * 10
    repeated = [made.take(hello(2), ALFA, HERE, now_ms) for now_ms in range(60_000)]
    assert repeated.count(None) <= limits.OFTEN + 60


def test_handshakes_recorded_without_number_leave_room_for_a_new_one() -> None:
    """Whoever has seen a thousand handshakes go by repeats them from the peer's own address, ten thousand a second."""
    made, old = sorter(), [hello(n) for n in range(1_000)]
    came = 0
    for n in range(300_000):  # thirty seconds
        made.take(old[n % 1_000], ALFA, HERE, n // 10)
        if n % 5_000 == 0:  # the peer begins anew and says so twice a second
            came += made.take(hello(10_000 + n), ALFA, HERE, n // 10) is None
        given(made)
    assert came >= 3, "its two parts come in seconds, not never"
    assert len(made._said) <= limits.MESSAGES  # the bound itself is what is tested
