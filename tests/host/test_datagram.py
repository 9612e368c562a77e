"""Two sockets on loopback: what is sent arrives with its source's number; errors and floods are counted, not raised."""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from keepclear.host.datagram import BURST, DATAGRAMS_PER_SECOND, BadAddress, DatagramPath, bound, reached
from keepclear.line import part
from keepclear.line.sorter import STRANGERS

WAIT_S = 20  # only how long a failing test takes to say so
HERE = "127.0.0.1"


@contextmanager
def pair(per_second: int = DATAGRAMS_PER_SECOND, burst: int = BURST) -> Iterator[tuple[DatagramPath, DatagramPath]]:
    """Two paths, each the other's first peer; the first has a second one, whose port is closed."""
    made, gone = [bound(), bound()], bound()
    closed = gone.getsockname()
    gone.close()
    one = DatagramPath(made[0], [made[1].getsockname(), closed, ("255.255.255.255", 9)], per_second, burst)
    yield one, DatagramPath(made[1], [made[0].getsockname()])
    for each in made:
        each.close()


def say(path: DatagramPath, datagrams: list[bytes], number: int = 1, flash: bool = False) -> int:
    return sum(path.send(number, datagram, flash, 0) for datagram in datagrams)


def come(path: DatagramPath, count: int) -> list[tuple[bytes, int, str]]:
    """The next so many datagrams, as soon as they are there."""
    found: list[tuple[bytes, int, str]] = []
    while len(found) < count:
        assert select.select([path], [], [], WAIT_S)[0], f"{len(found)} of {count} came"
        found += path.read(count - len(found))
    return found


def test_datagrams_go_both_ways_with_the_number_of_their_source() -> None:
    with pair() as (a, b):
        largest = bytes(part.MAX_DATAGRAM)
        assert say(a, [b"one", largest]) == 2
        assert come(b, 2) == [(b"one", 1, HERE), (largest, 1, HERE)]
        assert say(b, [b"two"]) == 1
        assert come(a, 1) == [(b"two", 1, HERE)]
        assert (a.counts.sent, a.counts.received, b.counts.sent, b.counts.received) == (2, 1, 1, 2)


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    with bound() as made:
        assert made.getsockname()[0] == HERE


def test_a_stranger_is_heard_without_a_number_and_never_answered() -> None:
    with pair() as (a, b), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HERE, 0))
        stranger.setblocking(False)
        stranger.sendto(b"x" * 2_000, stranger_reaches(b))
        [(datagram, number, host)] = come(b, 1)
        assert (number, host, b.counts.from_elsewhere) == (STRANGERS, HERE, 1)
        assert part.read(datagram) is None, "what was too long for a datagram is still too long"
        say(b, [b"to alfa"])
        come(a, 1)
        with pytest.raises(BlockingIOError):
            stranger.recv(1)


def stranger_reaches(path: DatagramPath) -> tuple[str, int]:
    with socket.socket(fileno=os.dup(path.fileno())) as same:
        host, port = same.getsockname()
        return host, port


def test_a_closed_port_and_a_missing_route_are_counted_and_the_path_goes_on() -> None:
    with pair() as (a, b):
        for _ in range(50):
            say(a, [b"anybody there"], 2)
        assert say(a, [b"anybody there"], 3) == 0, "refused by the system without leave to broadcast"
        assert a.counts.errors >= 1
        say(b, [b"still here"])
        assert come(a, 1) == [(b"still here", 1, HERE)]


def test_what_is_over_the_rate_is_dropped_and_counted_but_flash_goes() -> None:
    with pair(per_second=1, burst=10) as (a, b):
        assert say(a, [b"routine"] * 100) == 10
        assert a.counts.over_rate == 90
        assert say(a, [b"flash"] * 20, flash=True) == 20
        assert [datagram for datagram, _, _ in come(b, 30)] == [b"routine"] * 10 + [b"flash"] * 20


def test_no_more_is_read_at_once_than_is_asked_for() -> None:
    with pair() as (a, b):
        say(a, [b"x"] * 100)
        assert select.select([b], [], [], WAIT_S)[0]
        assert len(list(b.read(8))) == 8


def test_ipv6_where_the_machine_has_it() -> None:
    try:
        made = [bound(("::1", 0)), bound(("::1", 0))]
    except OSError:
        pytest.skip("no IPv6 on this machine")
    addresses = [reached(one, {"other": other.getsockname()[:2]}) for one, other in zip(made, made[::-1], strict=True)]
    a, b = (DatagramPath(one, known) for one, known in zip(made, addresses, strict=True))
    say(a, [b"six"])
    assert come(b, 1) == [(b"six", 1, "::1")]
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        (("bravo.example", 7_000), "names are not looked up"),
        (("::1", 7_000), "use two paths"),
        (("127.0.0.1", 0), "1 to 65535"),
        (("127.0.0.1", 70_000), "1 to 65535"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_the_start(address: tuple[str, int], hint: str) -> None:
    with bound() as made, pytest.raises(BadAddress, match=f"bravo: .*{hint}"):
        reached(made, {"bravo": address})
