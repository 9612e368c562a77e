"""The system's own filter of a socket passes what the sorter would not drop at first sight, byte for byte no more."""

import random
import select
import socket

import pytest

from keepclear.host import socket_filter
from keepclear.host.datagram import bound
from keepclear.line import part, tag
from keepclear.line.sorter import Drop, Sorter

AT_FIRST_SIGHT = {Drop.SHAPE, Drop.UNKNOWN, Drop.ADDRESS}
SESSIONS = [b"session1", b"session2", b"session\xff", bytes(8)]
WAIT_S = 20  # only how long a failing test takes to say so


def datagrams(draw: random.Random) -> list[bytes]:
    """True ones, nearly true ones and garbage; each another."""
    found: list[bytes] = []
    for nth in range(3_000):
        kind = draw.choice([0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 255])
        name = draw.choice([*SESSIONS, b"session3", b"sessiox1", draw.randbytes(8)])
        counter = draw.choice([tag.ends(1, 0), tag.ends(0, 1), tag.ends(2, 0), tag.ends(4, 0), nth])
        header = part.Header(kind, name, nth << 16 | counter, draw.randrange(3), draw.randrange(3))
        length = draw.choice([0, 1, 16, 300, 1_181, 1_182, 1_300])
        found += [header.encode() + draw.randbytes(length), header.encode()[: draw.randrange(20)] + bytes([nth % 256])]
    return found


@pytest.fixture
def listener() -> socket.socket:
    return bound()


def arrived(listener: socket.socket, sent: list[bytes]) -> list[bytes]:
    """What of it comes to be read; the last one always does."""
    found: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for at in range(0, len(sent), 100):
            for one in [*sent[at : at + 100], LAST]:
                sender.sendto(one, listener.getsockname())
            while not found or found[-1] != LAST:
                assert select.select([listener], [], [], WAIT_S)[0]
                found.append(listener.recv(2_000))
            found.pop()
    return found


LAST = part.Header(part.FRAME, SESSIONS[0], 1, 0, 1).encode() + b"the last of them"


def test_it_passes_what_the_sorter_does_not_drop_at_first_sight(listener: socket.socket) -> None:
    sorter = Sorter(bytes(32), 0, (1, 2, 3), 1)
    sorter.use(dict.fromkeys(SESSIONS, -1))
    socket_filter.attach(listener, socket_filter.program(sorter.sessions, sorter.ends))
    sent = datagrams(random.Random(7))
    passes = [one for one in sent if sorter.take(one, 1, "", 0) not in AT_FIRST_SIGHT]
    assert 200 < len(passes) < len(sent) / 2
    assert arrived(listener, sent) == passes
    assert socket_filter.dropped(listener) == len(sent) - len(passes)
    listener.close()


def test_another_program_takes_the_place_of_the_one_before(listener: socket.socket) -> None:
    one, other = (part.Header(part.FRAME, name, 0, 0, 1).encode() for name in SESSIONS[1:3])
    socket_filter.attach(listener, socket_filter.program([SESSIONS[0], SESSIONS[1]], []))
    assert arrived(listener, [one, other]) == [one]
    socket_filter.attach(listener, socket_filter.program([SESSIONS[0], SESSIONS[2]], []))
    assert arrived(listener, [one, other]) == [other]
    listener.close()


def test_more_sessions_than_fit_pass_unseen(listener: socket.socket) -> None:
    many = [nth.to_bytes(8, "big") for nth in range(socket_filter.MAX_SESSIONS + 1)]
    strange = part.Header(part.FRAME, b"strange!", 0, 0, 1).encode()
    socket_filter.attach(listener, socket_filter.program(many, [tag.ends(1, 0)]))
    assert arrived(listener, [strange, b"garbage"]) == [strange]
    socket_filter.attach(listener, socket_filter.program([*many[:-2], SESSIONS[0]], [tag.ends(1, 0)]))
    assert arrived(listener, [strange]) == [], "a program of the greatest length is taken"
    listener.close()
