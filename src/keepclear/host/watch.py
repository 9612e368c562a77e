"""A watch at work: a node's hands without a line. It is told by bundles, from a folder or a one-way link of datagrams.

The law: it sends nothing. No socket is opened that anything is ever written to but those of its own house (own tracks,
the control socket); the folder is read and never written, because a mark in it would be an answer. It has no key of
the line: what would sign or send is a fault of ours and ends the process.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from keepclear.accord.statement import Precedence
from keepclear.host import bundle as bundles
from keepclear.host import identity as identities
from keepclear.host.clock import Clock, boot_id
from keepclear.host.config import Address, Config
from keepclear.host.identity import Identity
from keepclear.host.inbox import Folder, Inbox, OneWay
from keepclear.host.keys import NodeKeys
from keepclear.host.service import VERSION, Service
from keepclear.line.sessions import Sessions
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Aside, Brought, Settings, Start
from keepclear.record.bundle import BadBundle, Bundle
from keepclear.record.parts import Part

POLL_S: Final = 1.0
TELL_AGAIN_S: Final = 60.0
TOKEN: Final = b""  # nobody waits for an answer


class Mute(RuntimeError):
    """A watch was about to sign or to send: a fault of ours."""


class NoKeys(NodeKeys):
    """In the place of a node's keys: it signs nothing."""

    def __init__(self) -> None:
        self.public = self.public_mldsa = b""

    def sign(self, message: bytes) -> bytes:  # noqa: ARG002 - the signature of a signer
        """Raises Mute."""
        raise Mute("a watch has no key")

    def sign_mldsa(self, message: bytes) -> bytes:  # noqa: ARG002
        """Raises Mute."""
        raise Mute("a watch has no key")


def watch_identity(directory: Path) -> Identity:
    """Who a watch is: none of the members of the line whose genesis is in its directory. Raises IdentityError."""
    genesis = identities.read_genesis(directory / "genesis")
    return Identity(genesis, len(genesis.names), NoKeys(), {})


class Watch(Service):
    """A watch: the service of a node without sessions and paths, and with an inbox of bundles."""

    def __init__(self, config: Config, settings: Settings, folder: Path | None, one_way: Address | None) -> None:
        super().__init__(config, watch_identity(config.dir), Clock(), settings)
        self._key = bundles.reader_key(config.dir)
        self._opener = ThreadPoolExecutor(1, "opener")
        self._inbox = Inbox(self.identity.genesis.line)
        self._untold = 0
        self._told_s: float | None = None
        self._folder = None if folder is None else Folder(folder)
        self._one_way = None if one_way is None else OneWay(one_way)

    def start(self) -> None:
        """Steps the start and begins to look for bundles."""
        genesis = self.identity.genesis
        self.sessions = Sessions(genesis.line, self.identity.member, {}, b"", self.identity.node.sign, os.urandom)
        for digest in self.crashes.repeated():
            self.take(Aside(self.stamp(), digest))
        self.take(Start(self.stamp(), boot_id(), b"", b"", VERSION, self.settings))
        for work in (self._write, self._tick_node, self._prune, self._look):
            self._tasks.append(asyncio.get_running_loop().create_task(self._guard(work)))
        if self._one_way is not None:
            self._one_way.listen(self._heard_part)

    def close(self) -> None:
        """Lets go of all that it has open."""
        if self._one_way is not None:
            self._one_way.close()
        self._opener.shutdown(cancel_futures=True)
        super().close()

    def send(self, peer: int, frame: bytes, flash: bool, path: str) -> None:  # noqa: ARG002 - the signature of a port
        """Raises Mute."""
        raise Mute("a watch sends nothing")

    def _heard_part(self, datagram: bytes) -> None:
        self._inbox.hear(datagram, asyncio.get_running_loop().time())

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self._folder is not None:
                for part in await loop.run_in_executor(self._opener, self._folder.look):
                    self._inbox.add(part, loop.time())
                self._tell(self._folder.faults())
            for pieces in self._inbox.whole():
                await self._bring(pieces)
            self._tell(self._inbox.overdue(loop.time()))
            await asyncio.sleep(POLL_S)

    async def _bring(self, pieces: list[Part]) -> None:
        """Opens a bundle beside the loop, and hands its entries to the node a little at a time."""
        loop, genesis = asyncio.get_running_loop(), self.identity.genesis
        try:
            found: Bundle = await loop.run_in_executor(self._opener, bundles.opened, pieces, genesis, self._key)
        except BadBundle as error:
            self._tell([f"a bundle was refused: {error}; {error.hint}"])
            return
        lots = list(bundles.shares(found))
        for nth, share in enumerate(lots):
            header = found.header
            self.take(
                Brought(self.stamp(), TOKEN, header.sender, header.incarnation, header.wall_ms, nth, len(lots), share)
            )
            await asyncio.sleep(0)  # tracks and officers have their turn

    def _tell(self, faults: list[str]) -> None:
        """Tells the officer what came and is no bundle, at most so often: nobody knows who sent it."""
        self._untold += len(faults)
        now_s = asyncio.get_running_loop().time()
        if not faults or (self._told_s is not None and now_s - self._told_s < TELL_AGAIN_S):
            return
        more = f" (and {self._untold - 1} more)" if self._untold > 1 else ""
        self._told_s, self._untold = now_s, 0
        self.show(Show("refused bundle", None, Precedence.PRIORITY, faults[0] + more))
        self.alarm(Alarm("refused bundle", faults[0] + more))


def maker(settings: Settings, folder: Path | None, one_way: Address | None) -> Callable[[Config], Service]:
    """What makes the watch of a configuration."""
    return lambda config: Watch(config, settings, folder, one_way)
