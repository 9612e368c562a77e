"""A node's talk with a real path process: both ways, when it is flooded, stopped, killed, and when the node ends."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.line.talk import TAG_KEY

from keepclear.host import datagram, path_link, path_wire
from keepclear.host.path_link import PathLink
from keepclear.host.path_wire import Given
from keepclear.line import part
from keepclear.line.sorter import Drop

WAIT_S = 60  # only how long a failing test takes to say so
SESSION = b"session1"


def frame(counter: int, session: bytes = SESSION, size: int = 50) -> bytes:
    return part.Header(part.FRAME, session, counter, 0, 1).encode() + bytes(size)


class Scene:
    """A path process with one peer, which is a socket of the test."""

    def __init__(self, link: PathLink, peer: socket.socket, address: tuple[str, int]) -> None:
        self.link, self.peer, self.address = link, peer, address
        self.heard: list[tuple[bytes, int]] = []
        self.told: list[tuple[bool, str]] = []

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not so():
                await asyncio.sleep(0.005)

    async def received(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await asyncio.get_running_loop().sock_recv(self.peer, 2_000)

    def arrive(self, datagrams: list[bytes]) -> None:
        for one in datagrams:
            self.peer.sendto(one, self.address)


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_194_304)
        peer.setblocking(False)
        udp = datagram.bound()
        address = udp.getsockname()
        given = Given(TAG_KEY, 0, (1,), (peer.getsockname(),), 1_000_000)
        held: list[Scene] = []
        link = PathLink(
            "the datagrams", given, lambda data, number: held[0].heard.append((data, number)),
            lambda works, text: held[0].told.append((works, text)), udp,
        )  # fmt: skip
        held.append(Scene(link, peer, address))
        link.start()
        link.use({SESSION: 0}, [])
        looking = asyncio.create_task(link.look())
        await held[0].until(lambda: bool(link.counts))  # it has its filter
        try:
            yield held[0]
        finally:
            looking.cancel()
            await link.end()
            assert not os.path.exists(f"/proc/{link.pid}"), "it has ended with its node"


def test_datagrams_go_both_ways_and_the_answer_tells_what_became_of_them() -> None:
    async def story() -> None:
        async with scene() as at:
            at.link.send(1, [b"one", bytes(part.MAX_DATAGRAM)], urgent=False)
            assert await at.received() == b"one"
            assert await at.received() == bytes(part.MAX_DATAGRAM)
            at.arrive([frame(1), b"garbage", frame(2, b"no such!"), frame(1), frame(3)])
            await at.until(lambda: len(at.heard) == 2)
            assert at.heard == [(frame(1), 1), (frame(3), 1)]
            await at.until(lambda: at.link.counts["received"] == 3)
            assert at.link.counts["sorted_out"] == {Drop.COPY: 1}
            assert at.link.counts["unread"] == 2, "the garbage, and what is of no session, the system dropped"
            assert (at.link.counts["given"], at.link.counts["sent"]) == (2, 2)
            at.link.use({b"no such!": 0}, [])
            at.link.send(1, [b"after that"], urgent=False)
            assert await at.received() == b"after that"
            at.arrive([frame(4), frame(5, b"no such!")])
            await at.until(lambda: len(at.heard) == 3)
            assert at.heard[2:] == [(frame(5, b"no such!"), 1)]
            assert at.told == []

    asyncio.run(story())


def test_a_flood_of_what_may_be_true_does_not_keep_the_loop_from_its_other_work() -> None:
    async def story() -> None:
        async with scene() as at:
            assert at.link.pid is not None
            os.kill(at.link.pid, signal.SIGSTOP)  # so that it gives on much at once
            at.arrive([frame(n) for n in range(400)])
            os.kill(at.link.pid, signal.SIGCONT)
            most, before = 0, 0
            async with asyncio.timeout(WAIT_S):
                while len(at.heard) < 400:
                    await asyncio.sleep(0)
                    most, before = max(most, len(at.heard) - before), len(at.heard)
            assert 0 < most <= 2 * path_link.TAKEN_AT_ONCE, "others have their turn between"

    asyncio.run(story())


def test_nobody_waits_for_a_path_that_is_stopped_and_flash_overtakes_what_waits() -> None:
    async def story() -> None:
        async with scene() as at:
            assert at.link.pid is not None
            os.kill(at.link.pid, signal.SIGSTOP)
            for n in range(2 * path_link.MAX_QUEUE):
                at.link.send(1, [b"%d" % n + bytes(1_000)], urgent=False)
                if n % 50 == 0:
                    await asyncio.sleep(0)  # the end of a turn, when it is handed over
            assert at.link.unsent > 0, "the queue has a bound"
            at.link.send(1, [b"flash"], urgent=True)
            os.kill(at.link.pid, signal.SIGCONT)
            came: list[bytes] = []
            while not came or came[-1] != b"flash":
                came.append(await at.received())
            assert len(came) < path_link.MAX_QUEUE, "it was before all that had not been handed over"

    asyncio.run(story())


def test_a_path_process_that_is_killed_is_told_and_another_goes_on() -> None:
    async def story() -> None:
        async with scene() as at:
            first = at.link.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            await at.until(lambda: len(at.told) == 2)
            (works, text), again = at.told
            assert not works
            assert text.startswith("the process of the datagrams has ended (-9): it is started anew")
            assert again == (True, "the process of the datagrams works again")
            assert at.link.pid != first
            at.arrive([frame(1)])
            await at.until(lambda: at.heard == [(frame(1), 1)])
            assert at.link.fault == ""

    asyncio.run(story())


def test_a_path_process_that_hangs_is_told_and_another_takes_its_place() -> None:
    async def story() -> None:
        async with scene() as at:
            first = at.link.pid
            assert first is not None
            os.kill(first, signal.SIGSTOP)
            await at.until(lambda: len(at.told) == 2)
            assert at.told[0][1].startswith("the process of the datagrams has not answered for 3.")
            assert at.told[1][0]
            at.link.send(1, [b"by another"], urgent=False)
            assert await at.received() == b"by another"

    asyncio.run(story())


def test_one_that_is_stopped_ends_with_a_node_that_is_killed() -> None:
    """Else it would keep the port, and the node could not be started anew."""
    ours, theirs = socket.socketpair()
    node = os.fork()
    if node == 0:  # the node: starts a path process, stops it, says so, and waits to be killed

        async def begin() -> None:
            async with scene() as at:
                assert at.link.pid is not None
                os.kill(at.link.pid, signal.SIGSTOP)
                theirs.send(f"{at.link.pid} {at.address[1]}".encode())
                await asyncio.sleep(WAIT_S)

        try:
            asyncio.run(begin())
        finally:
            os._exit(1)
    ours.settimeout(WAIT_S)
    path, port = map(int, ours.recv(100).split())
    os.kill(node, signal.SIGKILL)
    os.waitpid(node, 0)

    async def free() -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    datagram.bound(("127.0.0.1", port)).close()
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    return

    asyncio.run(free())
    assert path > 0
    ours.close()
    theirs.close()


def test_messages_hold_as_many_datagrams_as_there_is_room_for_and_come_apart_again() -> None:
    longest = [(n % 250, bytes([n % 251]) * part.MAX_DATAGRAM) for n in range(path_wire.MOST)]
    message, count = path_wire.packed(path_wire.SEND, longest)
    assert count == path_wire.MOST
    assert list(path_wire.unpacked(message)) == longest
    message, count = path_wire.packed(path_wire.SEND, longest * 2)
    assert count == path_wire.MOST
    assert len(message) <= path_wire.MESSAGE_BYTES + 1
