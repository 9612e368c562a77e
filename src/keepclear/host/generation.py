"""The machine's word that its memory was put back to an earlier state, or that it is a copy of a running one.

The law: a virtual machine cannot see this in its own memory. Its hypervisor tells the kernel (VM generation id), which
tells everybody by a device event; only an event of the kernel's own counts. What a process signs between its resumption
and the event, some milliseconds, is not prevented; a machine without such a device never says anything.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

UEVENTS: Final = 15  # NETLINK_KOBJECT_UEVENT
KERNEL_GROUP: Final = 1
KERNEL: Final = 0  # the port that the kernel itself sends from
MARK: Final = b"NEW_VMGENID=1"  # Linux 6.10 and later
MAX_BYTES: Final = 16_384


def is_put_back(event: bytes, sender: int) -> bool:
    """Whether an event says that the machine's memory was put back or copied."""
    return sender == KERNEL and MARK in event.split(b"\0")


def listen(tell: Callable[[], None]) -> socket.socket | None:
    """Has `tell` called when the machine says so, until the socket is let go; None where nothing can be heard."""
    try:
        heard = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, UEVENTS)
        heard.bind((0, KERNEL_GROUP))
    except (OSError, AttributeError):
        return None

    def read() -> None:
        try:
            event, (sender, _) = heard.recvfrom(MAX_BYTES)
        except OSError:  # more events than the system keeps: which they were is not known
            return
        if is_put_back(event, sender):
            tell()

    asyncio.get_running_loop().add_reader(heard, read)
    return heard


def let_go(heard: socket.socket | None) -> None:
    """Listens no more."""
    if heard is not None:
        asyncio.get_running_loop().remove_reader(heard)
        heard.close()
