"""What a peer is sent: what it lacks by its own word, the urgent first, again until it says that it holds it."""

from hypothesis import given
from hypothesis import strategies as st

from keepclear.line import paths
from keepclear.line import peer as peers
from keepclear.line.peer import WINDOW, WINDOW_FIRST, Peer

INCARNATION = b"12345678"
BOOK = peers.book_key(0, INCARNATION)


def slot(seq: int) -> bytes:
    return peers.slot_key(0, INCARNATION, seq)


def test_a_slot_key_reads_back() -> None:
    assert peers.split_slot(slot(2**40)) == (0, INCARNATION, 2**40)
    assert slot(7)[:9] == BOOK


def test_flash_overtakes_ten_thousand_queued_entries() -> None:
    peer = Peer(index=1)
    for seq in range(10_000):
        peers.offer(peer, slot(seq), 4, seq)
    assert len(peers.to_send(peer, 0)) == WINDOW_FIRST
    peers.offer(peer, slot(10_000), 1, 10_000)
    assert peers.to_send(peer, 0) == [slot(10_000)], "the window is full, and it goes all the same"


def test_an_entry_goes_again_until_the_peer_says_that_it_has_it() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 40
    peers.offer(peer, slot(0), 3, 0)
    assert peers.to_send(peer, 0) == [slot(0)]
    assert peers.to_send(peer, 99) == []
    assert peers.next_resend_ms(peer) == 100
    assert peers.to_send(peer, 100) == [slot(0)]
    peers.hold(peer, BOOK, 1, [])
    assert peers.to_send(peer, 10_000) == []
    assert peers.next_resend_ms(peer) is None


def test_resending_waits_longer_each_time_up_to_five_seconds() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 40
    peers.offer(peer, slot(0), 3, 0)
    peers.to_send(peer, 0)
    waits, now = [], 0
    for _ in range(120):
        due = peers.next_resend_ms(peer)
        assert due is not None
        waits.append(due - now)
        now = due
        assert peers.to_send(peer, now) == [slot(0)]
    assert waits[0] == 100
    assert waits == sorted(waits)
    assert waits[-1] == 5_000


def test_what_a_peer_holds_is_not_offered() -> None:
    peer = Peer(index=1)
    peers.hold(peer, BOOK, 3, [5])
    for seq in range(7):
        peers.offer(peer, slot(seq), 3, seq)
    assert peers.to_send(peer, 0) == [slot(3), slot(4), slot(6)]


def test_a_relay_waits_for_the_author_and_is_dropped_if_it_came() -> None:
    peer = Peer(index=1)
    peers.offer_later(peer, slot(0), 0)
    peers.offer_later(peer, slot(1), 0)
    assert peers.due_relays(peer, 999) == []
    peers.hold(peer, BOOK, 1, [])
    assert peers.due_relays(peer, 1_000) == [slot(1)]
    assert peers.due_relays(peer, 2_000) == []


def test_a_slot_that_is_named_twice_arrives_once() -> None:
    peer = Peer(index=1)
    for seq in range(3):
        peers.offer(peer, slot(seq), 3, seq)
    peers.to_send(peer, 0)
    peers.hold(peer, BOOK, 0, [2, 2], now_ms=50)
    assert list(peer.flight) == [slot(0), slot(1)]


def test_a_new_session_begins_with_nothing() -> None:
    peer = Peer(index=1, strange=3)
    peers.hold(peer, BOOK, 9, [])
    peers.offer(peer, slot(9), 1, 1)
    fresh = peers.begin(peer, b"session", b"nonce")
    assert (fresh.holds, fresh.queue, fresh.flight, fresh.answered, fresh.strange) == ({}, [], {}, False, 3)


@given(st.lists(st.tuples(st.integers(0, 30), st.lists(st.integers(0, 40), max_size=5)), max_size=12))
def test_what_a_peer_holds_never_shrinks(words: list[tuple[int, list[int]]]) -> None:
    peer, known = Peer(index=1), set[int]()
    for size, beyond in words:
        peers.hold(peer, BOOK, size, beyond)
        known |= {*range(size), *beyond}
        assert {seq for seq in range(50) if peers.has(peer, slot(seq))} == known


def test_a_busy_peer_is_given_the_time_that_its_word_takes_but_not_beyond_a_second() -> None:
    peer, now_ms = Peer(index=1), 0
    peer.live.smooth_ms = 10
    for seq in range(300):
        peers.offer(peer, slot(seq), 3, seq)
        peers.to_send(peer, now_ms)
        took_ms = 20 if seq == 0 else 200
        peers.hold(peer, BOOK, seq + 1, [], now_ms + took_ms)
        now_ms += 1_000
    assert peer.word_ms is not None
    assert 180 < peer.word_ms <= 200, "slowly up to what it takes"
    peers.offer(peer, slot(300), 3, 300)
    peers.to_send(peer, now_ms)
    assert peers.next_resend_ms(peer) == now_ms + peer.word_ms * 3 // 2
    peers.hold(peer, BOOK, 301, [], now_ms + 30)
    assert peer.word_ms == 30, "at once down"
    peer.word_ms = 60_000
    peers.offer(peer, slot(301), 3, 301)
    peers.to_send(peer, now_ms)
    assert peers.next_resend_ms(peer) == now_ms + 1_000


def test_the_pace_is_not_learnt_from_what_was_sent_twice() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 10
    peers.offer(peer, slot(0), 3, 0)
    peers.to_send(peer, 0)
    assert peers.to_send(peer, 100) == [slot(0)]
    peers.hold(peer, BOOK, 1, [], 120)
    assert peer.word_ms is None


def test_what_was_sent_last_is_last_in_flight_so_that_the_oldest_is_due_first() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 40
    for seq, at_ms in ((0, 0), (1, 60)):
        peers.offer(peer, slot(seq), 3, seq)
        peers.to_send(peer, at_ms)
    assert peers.to_send(peer, 100) == [slot(0)]
    assert list(peer.flight) == [slot(1), slot(0)]
    assert peers.next_resend_ms(peer) == 160
    assert peers.to_send(peer, 160) == [slot(1)]


def test_no_more_is_sent_past_a_gap_than_the_peer_can_hold_there_but_for_flash() -> None:
    peer = Peer(index=1)
    for seq in range(1, peers.AHEAD + 500):
        peers.offer(peer, slot(seq), 3, seq)
    peers.offer(peer, slot(9_000), 1, 9_000)
    peers.offer(peer, slot(0), 4, 9_001)
    sent, now_ms = [], 0
    while new := peers.to_send(peer, now_ms):
        sent += new
        peers.hold(peer, BOOK, 0, [peers.split_slot(one)[2] for one in new if one != slot(0)])
    assert sent == [slot(9_000), *(slot(seq) for seq in range(1, peers.AHEAD)), slot(0)], "the gap has its turn"
    peers.hold(peer, BOOK, peers.AHEAD, [])
    assert peers.to_send(peer, now_ms) == [slot(seq) for seq in range(peers.AHEAD, peers.AHEAD + WINDOW_FIRST)]


def test_a_flash_is_sent_again_each_second_however_often_it_was() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 40
    peers.offer(peer, slot(0), 1, 0)
    peers.to_send(peer, 0)
    now_ms = 0
    for _ in range(100):
        due_ms = peers.next_resend_ms(peer)
        assert due_ms is not None
        assert due_ms - now_ms <= 1_000
        now_ms = due_ms
        assert peers.to_send(peer, now_ms) == [slot(0)]


def test_a_word_on_slots_that_no_entry_can_have_is_no_word() -> None:
    peer = Peer(index=1)
    peers.hold(peer, BOOK, 2, [1, -1, 2**48, 2**53 - 1, 5])
    assert (peer.holds[BOOK].size, list(peer.holds[BOOK].beyond)) == (2, [5])


def full(peer: Peer, count: int = 2_000) -> None:
    for seq in range(count):
        peers.offer(peer, slot(seq), 4, seq)


def served(peer: Peer, queue_ms: int, rounds: int) -> None:
    """Lets the peer take what it is sent at one entry in so many ms, behind 40 ms of path."""
    now_ms, size, peer.live.base_ms, peer.live.smooth_ms = 0, 0, 40, 40
    for _ in range(rounds):
        size += len(peers.to_send(peer, now_ms))
        trip_ms = 40 + queue_ms * peer.routine
        peer.live.smooth_ms = trip_ms
        now_ms += trip_ms
        peers.hold(peer, BOOK, size, [], now_ms)


def test_a_slow_peer_has_little_before_a_flash_and_a_quick_one_a_full_window() -> None:
    quick, slow = Peer(index=1), Peer(index=1)
    full(quick, 10_000)
    full(slow)
    served(quick, 0, 20)
    assert quick.window == WINDOW
    served(slow, 10, 20)
    assert slow.window * 10 <= 2 * peers.QUEUED_MS, "of 10 ms each"


def test_loss_alone_takes_nothing_off_the_window() -> None:
    peer, now_ms = Peer(index=1), 0
    peer.live.smooth_ms = 100
    full(peer)
    for _ in range(40):
        sent = peers.to_send(peer, now_ms)
        now_ms += 100
        peers.hold(peer, BOOK, 0, [peers.split_slot(one)[2] for one in sent[::2]])
    assert peer.window == WINDOW


def test_what_flash_is_on_its_way_takes_no_room_from_the_others() -> None:
    peer = Peer(index=1)
    for seq in range(10_000, 10_000 + WINDOW):
        peers.offer(peer, slot(seq), 1, seq)
    assert len(peers.to_send(peer, 0)) == WINDOW
    full(peer)
    assert len(peers.to_send(peer, 0)) == WINDOW_FIRST, "the gap is filled, whatever FLASH is not held past it"
    peers.hold(peer, BOOK, WINDOW_FIRST, [])
    assert (peer.routine, len(peers.to_send(peer, 0))) == (0, WINDOW_FIRST)


def test_on_a_far_link_a_flash_goes_after_one_round_trip_and_then_twice_in_each() -> None:
    peer, now_ms, times = Peer(index=1), 0, []
    peer.live.smooth_ms = 4_000
    peers.offer(peer, slot(0), 1, 0)
    while now_ms <= 8_000:
        if peers.to_send(peer, now_ms):
            times.append(now_ms)
        due_ms = peers.next_resend_ms(peer)
        assert due_ms is not None
        now_ms = due_ms
    assert times[0] == 0
    assert 4_000 < times[1] < 5_000, "one round trip without a word, and not before"
    assert times[2] + 4_000 < 12_000, "two lost in a row"
    assert len(times) == 3


def test_a_flash_that_comes_again_has_those_sent_long_ago_go_again_and_no_other() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 4_000
    for seq, precedence, at_ms in ((0, 1, 0), (1, 4, 0), (2, 1, 1_000)):
        peers.offer(peer, slot(seq), precedence, seq)
        peers.to_send(peer, at_ms)
    assert peers.to_send(peer, 2_100) == []
    peer.repeated = True
    assert peers.to_send(peer, 2_100) == [slot(0)]
    assert peers.to_send(peer, 2_200) == [], "once for each time"


def test_a_pace_that_falls_brings_forward_what_waits() -> None:
    peer = Peer(index=1)
    peer.live.smooth_ms = 2_000
    peers.offer(peer, slot(0), 3, 0)
    peers.to_send(peer, 0)
    peer.live.smooth_ms = 40
    assert peers.to_send(peer, 200) == [slot(0)]


def test_a_jitter_that_came_later_does_not_keep_the_window_small() -> None:
    peer = Peer(index=1)
    full(peer, 8_000)
    served(peer, 0, 5)
    size, now_ms = peer.holds[BOOK].size, 10_000
    for _ in range(40):
        size += len(peers.to_send(peer, now_ms))
        peer.live.smooth_ms, now_ms = 400, now_ms + 400
        peers.hold(peer, BOOK, size, [], now_ms)
    assert peer.window == WINDOW


def test_by_radio_little_is_on_its_way_and_nothing_goes_again_within_ten_seconds() -> None:
    peer = Peer(index=1, paths=paths.begin((paths.RADIO,), 0))
    peer.live.smooth_ms = 900
    for seq in range(100):
        peers.offer(peer, slot(seq), 4, seq)
    peers.offer(peer, slot(100), 1, 100)
    sent = peers.to_send(peer, 0)
    assert sent[0] == slot(100)
    assert len(sent) == peers.SLOW_WINDOW + 1, "FLASH aside"
    assert peers.to_send(peer, 9_999) == []
    assert sorted(peers.to_send(peer, 10_000)) == sorted(sent)
    peers.offer_later(peer, slot(500), 0)
    assert peers.due_relays(peer, 29_999) == []
    assert peers.due_relays(peer, 30_000) == [slot(500)]
