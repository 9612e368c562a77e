"""The path process of the mailbox: the loop round its client, and the pair to the node.

The law: that of host/path_porter.py. What a box brings is sorted as datagrams are, each box being a source of its own,
so that one that is filled with garbage does not keep the others from the node.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from keepclear.host.config import MailboxAt
from keepclear.host.mailbox_path import MailboxPath
from keepclear.host.path_porter import Porter, begin
from keepclear.host.path_wire import End, Given, Gone


def carry_boxes(end: End, given: Given) -> None:
    """Carries between the mailbox and the node until the node is gone. Raises Gone."""
    asyncio.run(_Carrier(end, given).run())


class _Carrier:
    def __init__(self, end: End, given: Given) -> None:
        assert given.boxes is not None
        self._end, self._boxes = end, given.boxes
        self._porter = Porter(end, given)

    async def run(self) -> None:
        boxes, loop = self._boxes, asyncio.get_running_loop()
        self._loop, self._waits = loop, False
        self._gone: asyncio.Future[None] = loop.create_future()
        numbers = {str(number): box for number, box in enumerate(boxes.out, 1)}
        at = MailboxAt(boxes.url, Path(boxes.ca) if boxes.ca else None, boxes.name, ())
        self._path = MailboxPath(self._heard, at, numbers, {str(n): box for n, box in enumerate(boxes.into, 1)})
        loop.add_reader(self._end, self._obey)
        works = [loop.create_task(work()) for work in self._path.works()]
        try:
            await asyncio.wait([self._gone, *works], return_when=asyncio.FIRST_COMPLETED)
            for work in works:
                if work.done():
                    work.result()  # a fault of ours ends the process, and the node starts another
        finally:
            for work in works:
                work.cancel()
            await self._path.close()

    def _heard(self, datagram: bytes, source: str) -> None:
        self._porter.sorter.take(datagram, int(source), source, int(self._loop.time() * 1_000))
        self._give()

    def _obey(self) -> None:
        try:
            for number, datagram, urgent in self._porter.orders():
                self._path.send(str(number), [datagram], urgent)
        except Gone:
            self._end_soon()
        else:
            self._give()

    def _give(self) -> None:
        try:
            self._porter.give({"error": self._path.error, **vars(self._path.counts)})
        except Gone:
            self._end_soon()
            return
        if self._porter.waits != self._waits:
            self._waits = not self._waits
            if self._waits:
                self._loop.add_writer(self._end, self._give)
            else:
                self._loop.remove_writer(self._end)

    def _end_soon(self) -> None:
        self._loop.remove_reader(self._end)
        if not self._gone.done():
            self._gone.set_result(None)


def main(parent: int, link: int) -> None:
    """The process, by its node's and its end of the pair."""
    with suppress(Gone):
        carry_boxes(*begin(parent, link))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
