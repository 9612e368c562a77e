"""The attached files of a running node: its directory of them, one thread for that, and who on the line has what.

The law: the loop never waits for the disk, and what waits for this thread is never the journal's. A file that cannot be
had, or a disk that hangs here, changes nothing of what is said, shown and receipted.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

from keepclear.host.blobs import BlobError, Blobs
from keepclear.host.fetcher import Fetcher, Way
from keepclear.line.liveness import LineState
from keepclear.line.paths import RADIO
from keepclear.line.sessions import Sessions
from keepclear.node.blobs import key
from keepclear.node.effects import Want
from keepclear.node.inputs import AnyInput, BlobSeen, Stamp
from keepclear.node.named import Whereabouts
from keepclear.node.node import Node

TICK_S: Final = 0.1


class Host(Protocol):
    """What is needed of the service that this is a part of."""

    sessions: Sessions
    ended: "asyncio.Future[None]"

    @property
    def node(self) -> Node:
        """The node."""

    def post(self, peer: int, message: bytes, path: str) -> None:
        """Seals and sends a message, by one path."""

    def guarded(self, data: AnyInput) -> None:
        """Feeds an input."""

    def stamp(self) -> Stamp:
        """The time now."""

    def end(self, error: BaseException) -> None:
        """Ends the process because of an error that is ours."""


class Attachments:
    """What a service does about attached files."""

    def __init__(self, service: Host, directory: Path) -> None:
        self._service = service
        self._thread = ThreadPoolExecutor(1, "attached")
        members = frozenset(service.node.state.peers)
        self.files = Fetcher(Blobs(directory), members, self._send, self._ways, self._told, self._is_named, self._work)

    def want(self, wanted: Want) -> None:
        """Does what the node asks for."""
        self.files.want(wanted.digest, wanted.size, wanted.precedence, wanted.here)

    def heard(self, peer: int, message: bytes) -> None:
        """A peer has sent a message about attached files."""
        self.files.hear(peer, message, self._now_ms())

    async def tick(self) -> None:
        """Asks for what is due, for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            self.files.tick(self._now_ms())

    def close(self) -> None:
        """Has written what came, and lets go of the thread."""
        self.files.end()
        self._thread.shutdown()

    def _send(self, peer: int, message: bytes) -> None:
        paths = self._service.node.state.peers[peer].paths
        alive = [name for name, path in paths.items() if path.live.state is not LineState.DEAD]
        self._service.post(peer, message, next(iter([*alive, *paths])))

    def _ways(self) -> dict[int, Way]:
        sessions = self._service.sessions.by_peer
        peers = self._service.node.state.peers
        return {
            i: Way(session, bool(peer.queue), RADIO in peer.paths)
            for i, peer in peers.items()
            if (session := sessions[i].up) is not None and peer.session == session
        }

    def _told(self, digest: bytes, size: int, where: Whereabouts) -> None:
        self._service.guarded(BlobSeen(self._service.stamp(), digest, size, where))

    def _is_named(self, digest: bytes, size: int) -> bool:
        return key(digest, size) in self._service.node.state.blobs.files

    def _work(self, do: Callable[[], Any], done: Callable[[Any], None]) -> None:
        future = asyncio.get_running_loop().run_in_executor(self._thread, _tried, do)
        future.add_done_callback(lambda came: self._came(came, done))

    def _came(self, came: "asyncio.Future[Any]", done: Callable[[Any], None]) -> None:
        if came.cancelled() or self._service.ended.done():
            return
        if error := came.exception():
            self._service.end(error)
        else:
            done(came.result())

    @staticmethod
    def _now_ms() -> int:
        return int(asyncio.get_running_loop().time() * 1_000)


def _tried(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except BlobError as error:
        return error
