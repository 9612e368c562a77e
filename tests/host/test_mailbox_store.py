"""What a mailbox holds: given out from a place on, taken out by nobody, bounded in number, size, age and rate."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.host.mailbox_store import MAX_BODY, MAX_ITEMS, Bounds, Store, address_of

RUN = b"this run"
ONE, TWO = bytes(32), b"\1" * 32
HOME = "192.0.2.1"


def sealed(number: int, size: int = 40) -> bytes:
    return number.to_bytes(8, "big") * (size // 8)


def store(**bounds: int) -> Store:
    return Store(RUN, replace(Bounds(), **bounds))


def numbers(found: list[bytes]) -> list[int]:
    return [int.from_bytes(datagram[:8], "big") for datagram in found]


def read(held: Store, place: bytes, now_ms: int = 0, box: bytes = ONE) -> tuple[bytes, list[int]]:
    [found] = held.fetch([(box, place)], HOME, now_ms)
    return found.place, numbers(found.datagrams)


def test_who_comes_new_gets_what_comes_after_and_who_goes_on_misses_nothing() -> None:
    held = store()
    held.put([(ONE, sealed(1))], HOME, 0)
    place, found = read(held, b"")
    assert found == []
    held.put([(ONE, sealed(2)), (TWO, sealed(9)), (ONE, sealed(3))], HOME, 1)
    after, found = read(held, place)
    assert found == [2, 3]
    assert read(held, place) == (after, [2, 3]), "reading takes nothing out"
    assert read(held, after) == (after, [])
    held.put([(ONE, sealed(4))], HOME, 2)
    assert read(held, after)[1] == [4]


def test_a_place_of_an_earlier_run_is_the_beginning_of_this_one() -> None:
    before = Store(b"earlier!")
    place, _ = read(before, b"")
    before.put([(ONE, sealed(n)) for n in range(7)], HOME, 0)
    place, _ = read(before, place)
    now = store()
    now.put([(ONE, sealed(8)), (ONE, sealed(9))], HOME, 0)
    assert read(now, place)[1] == [8, 9]
    for absurd in (b"x", RUN + b"\xff" * 8, RUN + b"\xff" * 50):
        assert read(now, absurd)[1] == [8, 9]


def test_one_answer_is_bounded_and_the_next_goes_on() -> None:
    held = store()
    place, _ = read(held, b"")
    held.put([(ONE, sealed(n, 1_200)) for n in range(300)], HOME, 0)
    seen: list[int] = []
    while True:
        [found] = held.fetch([(ONE, place)], HOME, 0)
        if not found.datagrams:
            break
        assert sum(map(len, found.datagrams)) <= MAX_BODY
        assert len(found.datagrams) <= MAX_ITEMS
        seen, place = seen + numbers(found.datagrams), found.place
    assert seen == list(range(300))


@pytest.mark.parametrize(("bounds", "left"), [({"datagrams_in_box": 10}, 10), ({"bytes_in_box": 400}, 10)])
def test_in_a_full_box_the_oldest_gives_way(bounds: dict[str, int], left: int) -> None:
    held = store(**bounds)
    place, _ = read(held, b"")
    held.put([(ONE, sealed(n)) for n in range(100)], HOME, 0)
    assert read(held, place)[1] == list(range(100 - left, 100))
    assert held.size == left * 40


def test_what_is_a_minute_old_goes_and_a_box_that_nobody_uses_goes() -> None:
    held = store()
    place, _ = read(held, b"")
    held.put([(ONE, sealed(1))], HOME, 0)
    assert read(held, place, 60_000)[1] == [1]
    assert read(held, place, 60_001)[1] == []
    assert held.size == 0
    held.sweep(60_001 + 600_000)
    assert len(held) == 1
    held.sweep(60_001 + 600_001)
    assert len(held) == 0


def test_one_box_over_its_rate_does_not_slow_another() -> None:
    held = store(datagrams_per_s=10)
    taken = held.put([(ONE, sealed(n)) for n in range(200)], HOME, 0)
    assert len(taken) == 20
    assert held.counts["datagrams over the rate"] == 180
    assert len(held.put([(TWO, sealed(1))], HOME, 0)) == 1


def test_a_stranger_who_makes_boxes_leaves_room_for_others() -> None:
    held = store(boxes=100, boxes_of_address=10)
    for n in range(1_000):
        held.put([(n.to_bytes(32, "big"), sealed(n))], "203.0.113.66", 0)
    assert len(held) == 10
    assert held.put([(ONE[:31] + b"\xff", sealed(1))], HOME, 0)
    held.sweep(600_001)
    assert held.put([(TWO, sealed(1))], "203.0.113.66", 600_001), "what has gone no longer counts"


def test_the_whole_is_bounded() -> None:
    held = store(bytes_in_all=1_000)
    for n in range(100):
        held.put([(n.to_bytes(32, "big"), sealed(n))], f"192.0.2.{n}", 0)
    assert held.size == 1_000
    assert held.counts["datagrams without room"] == 75


def test_an_address_over_its_rate_is_refused_and_only_so_many_are_remembered() -> None:
    held = store(requests_per_s=5, addresses=3)
    assert [held.may_ask(HOME, 0) for _ in range(12)].count(True) == 10
    assert held.may_ask("192.0.2.2", 0)
    assert held.may_ask(HOME, 1_000)
    for n in range(50):
        assert held.may_ask(f"203.0.113.{n}", 0)
    assert len(held._addresses) == 3


def test_what_is_no_datagram_or_no_name_is_not_taken() -> None:
    held = store()
    assert held.put([(ONE, b""), (ONE, bytes(18)), (ONE, bytes(1_201)), (b"short", sealed(1))], HOME, 0) == []
    assert len(held.put([(ONE, bytes(19)), (ONE, bytes(1_200))], HOME, 0)) == 2


def test_an_allowance_belongs_to_a_number_or_to_64_bits_of_one() -> None:
    assert address_of("192.0.2.1") == address_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert address_of("2001:db8::1") == address_of("2001:db8::ffff:2%eth0") != address_of("2001:db8:0:1::1")
    assert address_of("") == ""


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 30_000)), max_size=60))
def test_every_bound_holds_and_who_keeps_up_sees_each_datagram_once_in_sequence(
    steps: list[tuple[int, int, int]],
) -> None:
    held = store(datagrams_in_box=8, bytes_in_box=400, bytes_in_all=700, age_ms=60_000)
    boxes = [bytes([n]) * 32 for n in range(4)]
    places = {box: read(held, b"", 0, box)[0] for box in boxes}
    seen: dict[bytes, list[int]] = {box: [] for box in boxes}
    now_ms = number = 0
    for which, many, wait_ms in steps:
        now_ms += wait_ms
        items = [(boxes[which], sealed(number + n)) for n in range(many)]
        number += many
        held.put(items, HOME, now_ms)
        assert held.size <= 700
        assert held.size == sum(box.size for box in held._boxes.values())
        for box in boxes[:2]:
            places[box], found = read(held, places[box], now_ms, box)
            seen[box] += found
    assert all(found == sorted(set(found)) for found in seen.values())
