"""All sessions of a member: each datagram finds its peer, a flood finds nothing, and real sockets carry it."""

import os
import random
import select
import tracemalloc

from tests.line.talk import LINE, PUBLIC, TAG_KEY, member, signer

from keepclear.host.datagram import DatagramPath, bound
from keepclear.line import offer, part, tag
from keepclear.line.bucket import Bucket
from keepclear.line.offer import Ends
from keepclear.line.session import (
    CHECKS_BURST,
    CHECKS_PER_SECOND,
    MAX_CANDIDATES,
    Event,
    Noise,
    Opened,
    Reason,
    Reply,
    Session,
    Up,
)
from keepclear.line.sessions import Sessions

WAIT_S = 20  # only how long a failing test takes to say so


def members(count: int) -> list[Sessions]:
    keys = dict(enumerate(PUBLIC[:count]))
    return [
        Sessions(
            LINE,
            own,
            {peer: key for peer, key in keys.items() if peer != own},
            TAG_KEY,
            signer(own),
            random.Random(own).randbytes,
        )
        for own in range(count)
    ]


def settle(all_of_them: list[Sessions], said: list[tuple[int, int, bytes]], now_ms: int) -> list[tuple[int, Event]]:
    """Delivers (from, to, datagram) and all answers; what came of it, by receiver."""
    events: list[tuple[int, Event]] = []
    while said:
        source, to, datagram = said.pop(0)
        peer, found = all_of_them[to].receive(datagram, now_ms)
        assert peer == source
        events += [(to, event) for event in found]
        said += [(to, source, d) for event in found if isinstance(event, Reply) for d in event.datagrams]
    return events


def test_three_members_have_three_sessions_and_each_datagram_finds_its_own() -> None:
    line = members(3)
    events = settle(line, [(own, to, d) for own in range(3) for to, ds in line[own].hello(0).items() for d in ds], 0)
    assert sum(isinstance(event, Up) for _, event in events) == 6
    names = {frozenset((own, peer)): s.up for own in range(3) for peer, s in line[own].by_peer.items()}
    assert len(set(names.values())) == 3
    for own in range(3):
        for peer in line[own].by_peer:
            frame = b"%d to %d" % (own, peer)
            assert settle(line, [(own, peer, d) for d in line[own].seal(peer, frame)], 0) == [(peer, Opened(frame))]
    [datagram] = line[0].seal(1, b"for bravo")
    assert line[2].receive(datagram, 0) == (None, [Noise(Reason.UNKNOWN)])
    assert line[2].noise == {Reason.UNKNOWN: 1}
    assert line[0].tick(100) == {}


def tagged(header: part.Header, body: bytes) -> bytes:
    return tag.tagged(TAG_KEY, header, body)


def test_100_000_garbage_datagrams_grow_nothing_and_the_sessions_still_come_up() -> None:
    line, chance = members(2), random.Random(3)
    where = tag.ends(1, 0)
    shapes = [
        lambda: chance.randbytes(chance.randrange(0, 1_300)),
        lambda: part.Header(part.FRAME, chance.randbytes(8), chance.getrandbits(64), 0, 128).encode() + bytes(1_181),
        lambda: tagged(part.Header(part.HELLO, chance.randbytes(8), where, 0, 2), chance.randbytes(1_181)),
        lambda: tagged(part.Header(part.KEY, chance.randbytes(8), where, chance.randrange(2), 2), bytes(1_181)),
        lambda: tagged(part.Header(part.HELLO, chance.randbytes(8), where, 0, 1), bytes(100)),
    ]
    try:
        for nth in range(100_000):
            if nth == 90_000:  # counting is slow, and by now whatever grows is growing
                tracemalloc.start()
                before, _ = tracemalloc.get_traced_memory()
            peer, events = line[0].receive(shapes[nth % 5](), nth // 20, "anywhere")
            assert peer in (None, 1)
            assert all(isinstance(event, Noise) for event in events)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000, "32 messages of 1 200 bytes and some counters"
    assert sum(line[0].noise.values()) >= 60_000
    assert line[0].tick(5_000) == {}
    came = settle(line, [(0, 1, d) for d in line[0].hello(5_000)[1]], 5_000)
    assert sum(isinstance(event, Up) for _, event in came) == 2


def unsigned_hello(nth: int) -> list[bytes]:
    return offer.datagrams(part.HELLO, Ends(LINE, 1, 0, b"", TAG_KEY), b"\x92\xc4\x02%c%c\xc4\x00" % divmod(nth, 256))


def test_signatures_are_checked_so_often_and_no_oftener_for_each_source() -> None:
    alfa = member(0)
    reasons = [e for nth in range(1_000) for d in unsigned_hello(nth) for e in alfa.receive(d, 0, "somewhere")]
    assert reasons == [Noise(Reason.SIGNATURE)] * CHECKS_BURST + [Noise(Reason.RATE)] * (1_000 - CHECKS_BURST)
    replies = [e for d in member(1).hello(0) for e in alfa.receive(d, 0, "bravo's address")]
    assert [type(event) for event in replies] == [Reply], "the flood took nothing from another source's allowance"
    later = [e for nth in range(1_000) for d in unsigned_hello(nth) for e in alfa.receive(d, 1_000, "somewhere")]
    assert later.count(Noise(Reason.SIGNATURE)) == CHECKS_PER_SECOND


def test_fifty_forged_hellos_a_second_from_the_peers_address_do_not_keep_it_out() -> None:
    alfa, bravo = member(0), member(1)
    for now_ms in range(0, 10_000, 20):
        for datagram in unsigned_hello(now_ms):
            assert alfa.receive(datagram, now_ms, "bravo's address") == [Noise(Reason.SIGNATURE)]
    [answer] = [e for d in bravo.hello(10_000) for e in alfa.receive(d, 10_000, "bravo's address")]
    assert isinstance(answer, Reply)


def test_sources_without_number_share_one_allowance() -> None:
    alfa = member(0)
    reasons = [e for n in range(1_000) for d in unsigned_hello(n) for e in alfa.receive(d, 0, f"address {n}")]
    assert reasons.count(Noise(Reason.SIGNATURE)) == 4 + CHECKS_BURST


def test_repeated_hellos_are_answered_ten_times_a_second_at_most() -> None:
    alfa, hello = member(0), member(1).hello(0)
    answers = [e for now_ms in range(1_000) for d in hello for e in alfa.receive(d, now_ms)]
    assert len(answers) == 10


def test_old_hellos_without_number_do_not_push_out_a_peer_that_has_answered() -> None:
    alfa, bravo = member(0), member(1)
    first = alfa.hello(0)
    now_ms = 0
    answer = [e for d in first for e in bravo.receive(d, 0)]
    assert isinstance(answer[0], Reply)
    proof = [e for d in answer[0].datagrams for e in alfa.receive(d, 0)]
    for seed in range(1, 4 * MAX_CANDIDATES):
        now_ms += 100
        for datagram in member(1, seed).hello(0):
            alfa.receive(datagram, now_ms)
    assert len(alfa._candidates) == MAX_CANDIDATES  # the bound itself is what is tested
    key = [d for e in proof if isinstance(e, Reply) for d in e.datagrams]
    done = [e for d in key for e in bravo.receive(d, now_ms)]
    back = [d for e in done if isinstance(e, Reply) for d in e.datagrams]
    assert any(isinstance(e, Up) for d in back for e in alfa.receive(d, now_ms))


def test_a_bucket_loses_no_fraction_and_a_clock_that_steps_back_gives_nothing() -> None:
    bucket = Bucket(per_second=3, burst=2)
    assert [bucket.take(0), bucket.take(0), bucket.take(0)] == [True, True, False]
    assert [now_ms for now_ms in range(1_001) if bucket.take(now_ms)] == [334, 667, 1_000]
    assert not bucket.take(0)
    assert not bucket.take(1_000)
    assert not bucket.take(1_333)
    assert bucket.take(1_334)
    assert [bucket.take(10_000) for _ in range(3)] == [True, True, False]


def test_two_members_talk_over_real_sockets() -> None:
    names, long = ["alfa", "bravo"], os.urandom(65_536)
    made = [bound(), bound()]
    paths = [DatagramPath(made[own], [made[1 - own].getsockname()]) for own in range(2)]
    sessions = [Session(Ends(LINE, i, 1 - i, PUBLIC[1 - i], TAG_KEY), signer(i), os.urandom) for i in range(2)]
    opened: list[bytes] = []

    def say(own: int, datagrams: list[bytes]) -> None:
        assert all(paths[own].send(1, datagram, False, 0) for datagram in datagrams)

    say(0, sessions[0].hello(0))
    while not opened:
        ready, _, _ = select.select(paths, [], [], WAIT_S)
        assert ready, "nothing came"
        for path in ready:
            own = paths.index(path)
            for event in [e for d, _, _ in path.read(100) for e in sessions[own].receive(d, 0, names[1 - own])]:
                if isinstance(event, Reply):
                    say(own, event.datagrams)
                elif isinstance(event, Up) and own == 0:
                    say(own, sessions[own].seal(long))
                elif isinstance(event, Opened):
                    opened.append(event.frame)
    assert opened == [long]
    assert [path.counts.from_elsewhere for path in paths] == [0, 0]
    for one in made:
        one.close()
