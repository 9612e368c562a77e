"""Giving attached files to peers that ask: one file a peer in memory, so many pieces a second, from whole files alone.

The law: what is given has been read whole and fits its hash. A peer is given only what a statement of the line names;
whatever it asks for costs a bounded number of looks at the disk and of datagrams, and none while entries wait for it.
"""

from collections.abc import Callable
from typing import Any, Final

from keepclear.host.blobs import BlobError, Blobs
from keepclear.line import blob
from keepclear.line.blob import Ask, Lacking, Piece
from keepclear.line.bucket import Bucket

PIECES_PER_SECOND: Final = 320  # 2.6 Mbit/s: a little more than a peer asks for
PIECES_BURST: Final = 128
LOADS_PER_SECOND: Final = 1  # each reads up to 8 MiB
LOADS_BURST: Final = 8
IDLE_MS: Final = 30_000

Work = Callable[[Callable[[], Any], Callable[[Any], None]], None]


class Shelf:
    """What one peer is being given. `work(do, done)` does in a thread, and has the outcome or the BlobError done."""

    def __init__(
        self, blobs: Blobs, send: Callable[[bytes], None], is_named: Callable[[bytes, int], bool], work: Work
    ) -> None:
        self._blobs, self._send, self._is_named, self._work = blobs, send, is_named, work
        self._pieces = Bucket(PIECES_PER_SECOND, PIECES_BURST)
        self._loads = Bucket(LOADS_PER_SECOND, LOADS_BURST)
        self._digest = b""
        self._data: bytes | None = None
        self._loading = False
        self._used_ms = 0

    def asked(self, ask: Ask, now_ms: int) -> None:
        """Gives what is asked for, or says that it is not here. What is too much is left out, and asked for again."""
        self._used_ms = now_ms
        if self._data is not None and ask.digest == self._digest:
            self._give(ask, self._data, now_ms)
        elif not self._loading and self._loads.take(now_ms):
            self._loading = True
            self._work(lambda: self._blobs.read(ask.digest), lambda found: self._loaded(ask, found, now_ms))

    def tidy(self, now_ms: int) -> None:
        """Lets go of a file that has not been asked for in a while."""
        if now_ms - self._used_ms >= IDLE_MS:
            self._data = None

    def _loaded(self, ask: Ask, found: bytes | BlobError | None, now_ms: int) -> None:
        self._loading = False
        if isinstance(found, BlobError):
            return  # the disk may work again; the peer asks again
        if found is None or not self._is_named(ask.digest, len(found)):
            self._send(blob.to_bytes(Lacking(ask.digest)))
            return
        self._digest, self._data = ask.digest, found
        self._give(ask, found, now_ms)

    def _give(self, ask: Ask, data: bytes, now_ms: int) -> None:
        for place in ask.places:
            if place >= len(data):
                self._send(blob.to_bytes(Lacking(ask.digest)))
                return
            if self._pieces.take(now_ms):
                self._send(blob.to_bytes(Piece(ask.digest, place, data[place : place + ask.length])))
