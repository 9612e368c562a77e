"""The path process of the datagrams: the loop round the UDP socket and the pair to the node.

The law: that of host/path_porter.py. What the node wants sent goes before what has come, and a flood is read a little
at a time, so that neither waits.
"""

import select
import socket
import sys
import time
from contextlib import suppress
from typing import Final

from keepclear.host.datagram import DatagramPath
from keepclear.host.path_porter import Porter, begin
from keepclear.host.path_wire import End, Given, Gone

READS_AT_ONCE: Final = 256  # 1 ms of a flood


def carry(end: End, given: Given, made: socket.socket) -> None:
    """Carries between a UDP socket and the node until the node is gone. Raises Gone."""
    porter = Porter(end, given)
    path = DatagramPath(made, given.addresses, given.datagrams_per_second)
    take, poll, wanted = porter.sorter.take, select.poll(), 0
    poll.register(path, select.POLLIN)
    while True:
        wants = select.POLLIN | (select.POLLOUT if porter.waits else 0)
        if wants != wanted:
            poll.register(end, wants)
            wanted = wants
        poll.poll()
        now_ms = time.monotonic_ns() // 1_000_000
        orders = porter.orders()
        if porter.sessions_changed():
            path.let_pass(porter.sorter.sessions, porter.sorter.ends)
        for number, datagram, flash in orders:
            path.send(number, datagram, flash, now_ms)
        for datagram, number, host in path.read(READS_AT_ONCE):
            take(datagram, number, host, now_ms)
        porter.give({**vars(path.counts), "unread": path.unread()} if porter.asked else {})


def main(parent: int, link: int, udp: int) -> None:
    """The process, by its node's, its end of the pair and the UDP socket."""
    with suppress(Gone):
        carry(*begin(parent, link), socket.socket(fileno=udp))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
