"""What the system itself drops of a UDP socket before it takes room there: what cannot be of this line by its header.

The law: it drops nothing that line/sorter.py would let pass, and is only cheaper: garbage then neither fills the
buffer nor wakes the reader. The program is of classic BPF, for Linux; where the system does not take it, all is as it
was. What is dropped so is counted by the system in one number, together with what found no room.
"""

import ctypes
import socket
import struct
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from keepclear.line import part, tag

SO_ATTACH_FILTER: Final = 26
SO_MEMINFO: Final = 55
MEMINFO_DROPS: Final = 8
UDP_BYTES: Final = 8  # the header of UDP comes before what was sent
MAX_SESSIONS: Final = 400  # five instructions each, of 4 096 that a program may have

LOAD_WORD, LOAD_HALF, LOAD_BYTE, LOAD_LENGTH = 0x20, 0x28, 0x30, 0x80
TO_INDEX, IF_EQUAL, IF_MORE, IF_AS_MUCH, IF_MORE_THAN_INDEX, ANSWER = 0x07, 0x15, 0x25, 0x35, 0x2D, 0x06
PASS, DROP = (ANSWER, 0, 0, 0xFFFF), (ANSWER, 0, 0, 0)

Step = tuple[int, int, int, int]  # code, steps to leave out if so, if not so, operand


def program(sessions: Collection[bytes], ends: Collection[int]) -> list[Step]:
    """Lets pass what is in one of these sessions, or begins one between members named as `tag.ends` does."""
    heads = _frames(sessions)
    clear = [step for one in ends for step in ((IF_EQUAL, 0, 1, one), PASS)]
    return [
        (LOAD_LENGTH, 0, 0, 0),
        (IF_AS_MUCH, 1, 0, UDP_BYTES + part.HEADER_BYTES), DROP,
        (IF_MORE, 0, 1, UDP_BYTES + part.MAX_DATAGRAM), DROP,
        (LOAD_BYTE, 0, 0, UDP_BYTES + 17), (TO_INDEX, 0, 0, 0),
        (LOAD_BYTE, 0, 0, UDP_BYTES + 18), (IF_MORE_THAN_INDEX, 1, 0, 0), DROP,
        (LOAD_BYTE, 0, 0, UDP_BYTES),
        (IF_EQUAL, 5, 0, part.HELLO), (IF_EQUAL, 4, 0, part.KEY), (IF_EQUAL, 3, 0, part.PIECES),
        (IF_EQUAL, len(clear) + 4, 0, part.FRAME), (IF_EQUAL, len(clear) + 3, 0, part.HELD),
        (IF_EQUAL, len(clear) + 2, len(clear) + 1, part.BLOB),
        (LOAD_HALF, 0, 0, UDP_BYTES + tag.ENDS_AT), *clear, DROP,
        *heads, DROP,
    ]  # fmt: skip


def attach(made: socket.socket, steps: Iterable[Step]) -> None:
    """Has the system run the program on all that comes from now on; without a word if it does not."""
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(code, len(code))
    with suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(code) // 8, ctypes.addressof(held)))


def dropped(made: socket.socket) -> int:
    """How many datagrams the system has dropped of a socket so far; 0 where it does not say."""
    try:
        told = made.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 64)
    except OSError:
        return 0
    numbers = struct.unpack(f"{len(told) // 4}I", told)
    return numbers[MEMINFO_DROPS] if len(numbers) > MEMINFO_DROPS else 0


def _frames(sessions: Collection[bytes]) -> list[Step]:
    if len(sessions) > MAX_SESSIONS:
        return [PASS]
    out: list[Step] = []
    for one in sessions:
        first, second = struct.unpack(">II", one)
        out += [
            (LOAD_WORD, 0, 0, UDP_BYTES + 1), (IF_EQUAL, 0, 3, first),
            (LOAD_WORD, 0, 0, UDP_BYTES + 5), (IF_EQUAL, 0, 1, second), PASS,
        ]  # fmt: skip
    return out
