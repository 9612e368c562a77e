"""Two sockets on loopback: what is sent arrives with its source's name; errors and floods are counted, not raised."""

import asyncio
import socket
from collections.abc import Callable, Coroutine

import pytest

from keepclear.host.datagram import BURST, DATAGRAMS_PER_SECOND, BadAddress, DatagramPath
from keepclear.line import part

WAIT_S = 20  # only how long a failing test takes to say so


class Ear:
    """Keeps what was heard, and lets a test wait for a number of datagrams."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str]] = []
        self._more = asyncio.Event()

    def __call__(self, datagram: bytes, source: str) -> None:
        self.heard.append((datagram, source))
        self._more.set()

    async def wait_for(self, enough: Callable[[list[tuple[bytes, str]]], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not enough(self.heard):
                self._more.clear()
                await self._more.wait()


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


def pair(per_second: int = DATAGRAMS_PER_SECOND, burst: int = BURST) -> tuple[DatagramPath, Ear, DatagramPath, Ear]:
    ear_a, ear_b = Ear(), Ear()
    a = DatagramPath(ear_a, {}, datagrams_per_second=per_second, burst=burst)
    b = DatagramPath(ear_b, {"alfa": a.address})
    a.configure("bravo", b.address)
    return a, ear_a, b, ear_b


def test_datagrams_go_both_ways_with_the_name_of_their_source() -> None:
    async def story() -> None:
        a, ear_a, b, ear_b = pair()
        largest = bytes(part.MAX_DATAGRAM)
        assert a.send("bravo", [b"one", largest]) == 2
        await ear_b.wait_for(lambda heard: len(heard) == 2)
        assert ear_b.heard == [(b"one", "alfa"), (largest, "alfa")]
        assert b.send("alfa", [b"two"]) == 1
        await ear_a.wait_for(lambda heard: len(heard) == 1)
        assert ear_a.heard == [(b"two", "bravo")]
        assert (a.counts.sent, a.counts.received, b.counts.sent, b.counts.received) == (2, 1, 1, 2)
        a.close()
        a.close()
        b.close()

    run(story())


def test_it_listens_on_loopback_unless_told_otherwise() -> None:
    async def story() -> None:
        path = DatagramPath(Ear(), {})
        assert path.address[0] == "127.0.0.1"
        path.close()

    run(story())


def test_a_stranger_is_heard_without_a_name_and_never_answered() -> None:
    async def story() -> None:
        a, ear_a, b, _ = pair()
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.bind(("127.0.0.1", 0))
        stranger.setblocking(False)
        stranger.sendto(b"x" * 2_000, a.address)
        await ear_a.wait_for(lambda heard: len(heard) == 1)
        datagram, source = ear_a.heard[0]
        assert source == ""
        assert a.counts.from_elsewhere == 1
        assert part.read(datagram) is None, "what was too long for a datagram is still too long"
        a.send("bravo", [b"to bravo"])
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
        stranger.close()
        a.close()
        b.close()

    run(story())


def test_a_closed_port_and_a_missing_route_are_counted_and_the_path_goes_on() -> None:
    async def story() -> None:
        a, ear_a, b, _ = pair()
        gone = DatagramPath(Ear(), {})
        a.configure("gone", gone.address)
        gone.close()
        a.configure("everybody", ("255.255.255.255", 9))  # refused by the system without leave to broadcast
        for _ in range(50):
            a.send("gone", [b"anybody there"])
        assert a.send("everybody", [b"anybody there"]) == 0
        assert a.counts.errors >= 1
        b.send("alfa", [b"still here"])
        await ear_a.wait_for(lambda heard: len(heard) == 1)
        assert ear_a.heard == [(b"still here", "bravo")]
        a.close()
        b.close()

    run(story())


def test_what_is_over_the_rate_is_dropped_and_counted_but_flash_goes() -> None:
    async def story() -> None:
        a, _, b, ear_b = pair(per_second=1, burst=10)
        assert a.send("bravo", [b"routine"] * 100) <= 11
        assert a.counts.over_rate >= 89
        assert a.send("bravo", [b"flash"] * 20, flash=True) == 20
        await ear_b.wait_for(lambda heard: sum(datagram == b"flash" for datagram, _ in heard) == 20)
        a.close()
        b.close()

    run(story())


def test_a_flood_does_not_keep_the_loop_from_its_other_work() -> None:
    async def story() -> None:
        a, ear_a, b, _ = pair()
        b.send("alfa", [b"x"] * 1_000)
        turns = 0
        async with asyncio.timeout(WAIT_S):
            while len(ear_a.heard) < 200:
                await asyncio.sleep(0)
                turns += 1
        assert turns >= 3, "64 datagrams at most are read before others have their turn"
        a.close()
        b.close()

    run(story())


def test_an_ear_that_closes_the_path_is_not_called_again() -> None:
    async def story() -> None:
        ear = Ear()
        paths: list[DatagramPath] = []

        def heard(datagram: bytes, source: str) -> None:
            ear(datagram, source)
            paths[0].close()

        paths.append(DatagramPath(heard, {}))
        sender = DatagramPath(Ear(), {"ear": paths[0].address})
        sender.send("ear", [b"one", b"two", b"three"])
        await ear.wait_for(lambda heard: len(heard) == 1)
        await asyncio.sleep(0)
        assert [datagram for datagram, _ in ear.heard] == [b"one"]
        sender.close()

    run(story())


def test_ipv6_where_the_machine_has_it() -> None:
    async def story() -> None:
        ear = Ear()
        try:
            a = DatagramPath(ear, {}, ("::1", 0))
        except OSError:
            pytest.skip("no IPv6 on this machine")
        b = DatagramPath(Ear(), {"alfa": a.address}, ("::1", 0))
        a.configure("bravo", b.address)
        b.send("alfa", [b"six"])
        await ear.wait_for(lambda heard: len(heard) == 1)
        assert ear.heard == [(b"six", "bravo")]
        a.close()
        b.close()

    run(story())


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
    async def story() -> None:
        with pytest.raises(BadAddress, match=f"bravo: .*{hint}"):
            DatagramPath(Ear(), {"bravo": address})

    run(story())
