"""Who comes through a mailbox's door: connections counted by address, and ended when they only stand in it.

The law: one address has a share and never all places; a connection that has asked nothing by its time is cut off, for
a request that comes a byte at a time holds a place like any other. What asks is left to whoever answers.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from keepclear.host.mailbox_store import address_of

CONNECTIONS: Final = 1_024
OF_ADDRESS: Final = 128
ASKS_WITHIN_S: Final = 10.0


class Door:
    """All connections of one mailbox; `answers` makes whoever answers the next one."""

    def __init__(self, answers: Callable[[], asyncio.Protocol]) -> None:
        self._answers = answers
        self.within: Counter[str] = Counter()
        self.refused = 0
        self._asked: dict[object, asyncio.TimerHandle] = {}

    def __call__(self) -> asyncio.Protocol:
        """The next connection."""
        return Connection(self, self._answers())

    def asked(self, who: object) -> None:
        """Whoever answers has been asked something: its connection may stay."""
        if timer := self._asked.pop(who, None):
            timer.cancel()

    def enter(self, transport: asyncio.BaseTransport, who: object) -> str | None:
        """The address of a connection that is let in; None for one too many, which is cut off."""
        peer = transport.get_extra_info("peername") or ("",)
        address = address_of(str(peer[0]))
        if self.within.total() >= CONNECTIONS or self.within[address] >= OF_ADDRESS:
            self.refused += 1
            transport.close()
            return None
        self.within[address] += 1
        self._asked[who] = asyncio.get_running_loop().call_later(ASKS_WITHIN_S, transport.close)
        return address

    def leave(self, address: str, who: object) -> None:
        """A connection that was let in has ended."""
        self.within -= Counter({address: 1})
        self.asked(who)


class Connection(asyncio.Protocol):
    """One connection: let in or not, then left to whoever answers."""

    def __init__(self, door: Door, answers: asyncio.Protocol) -> None:
        self._door, self._answers = door, answers
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts it in."""
        self._address = self._door.enter(transport, self._answers)
        if self._address is not None:
            self._answers.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts it out."""
        if self._address is not None:
            self._door.leave(self._address, self._answers)
            self._answers.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hands it on."""
        if self._address is not None:
            self._answers.data_received(data)

    def eof_received(self) -> bool | None:
        """Hands it on."""
        return self._answers.eof_received() if self._address is not None else None

    def pause_writing(self) -> None:
        """Hands it on."""
        self._answers.pause_writing()

    def resume_writing(self) -> None:
        """Hands it on."""
        self._answers.resume_writing()
