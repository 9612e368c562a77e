"""A way of the link does what it is told, and the same again for the same seed."""

from itertools import pairwise

import pytest

from sim.rig.way import Way, Weather

MANY = 20_000


def put(weather: Weather, many: int = MANY, seed: str = "0", every_ms: float = 1.0) -> list[list[float]]:
    way = Way("ALFA>BRAVO", seed, weather)
    return [[at - i * every_ms for at in way.put(i * every_ms, 500)] for i in range(many)]


def test_the_seed_and_the_number_decide_what_becomes_of_a_datagram() -> None:
    bad = Weather(delay_ms=20, jitter_ms=30, loss=0.3, duplicate=0.1, reorder=0.1)
    assert put(bad, 200) == put(bad, 200)
    assert put(bad, 200) != put(bad, 200, seed="1")
    way = Way("ALFA>BRAVO", "0", Weather(cut=True))
    assert [way.put(i, 500) for i in range(100)] == [[]] * 100
    way.weather = bad  # the luck of the next does not hang on the weather of those before
    assert [[at - i for at in way.put(i, 500)] for i in range(100, 200)] == put(bad, 200)[100:]


def test_the_shares_are_those_asked_for() -> None:
    came = put(Weather(delay_ms=50, jitter_ms=100, loss=0.3, duplicate=0.1))
    assert sum(not times for times in came) / MANY == pytest.approx(0.3, abs=0.02)
    assert sum(len(times) == 2 for times in came) / MANY == pytest.approx(0.07, abs=0.01)
    delays = [at for times in came for at in times]
    assert 50 <= min(delays) < 51
    assert 149 < max(delays) <= 150.01


def test_what_is_put_out_of_sequence_is_overtaken() -> None:
    way = Way("ALFA>BRAVO", "0", Weather(delay_ms=50, reorder=0.2))
    times = [way.put(i, 500)[0] for i in range(1_000)]
    overtaken = sum(one > other for one, other in pairwise(times))
    assert 100 < overtaken < 300
    assert max(at - i for i, at in enumerate(times)) <= 150


def test_a_rate_makes_datagrams_wait_and_a_full_queue_drops_them() -> None:
    way = Way("ALFA>BRAVO", "0", Weather(delay_ms=300, rate_bps=9_600, queue_ms=1_000))
    came = [way.put(0, 120) for _ in range(20)]  # 100 ms each
    assert [times[0] for times in came if times] == pytest.approx([300 + 100 * (i + 1) for i in range(11)])
    assert came[11:] == [[]] * 9
    assert (way.counts.dropped, way.counts.lost) == (9, 0)
    assert way.put(1_100, 120) == pytest.approx([1_500])


def test_what_is_lost_has_used_the_rate() -> None:
    way = Way("ALFA>BRAVO", "0", Weather(loss=1.0, rate_bps=9_600))
    assert [way.put(0, 120) for _ in range(5)] == [[]] * 5
    way.weather = Weather(rate_bps=9_600)
    assert way.put(0, 120) == pytest.approx([600])
