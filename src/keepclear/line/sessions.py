"""All sessions of one member on one line: which peer a datagram belongs to is said by the datagram itself.

The law: addresses are only where to send. A FRAME goes to the session that knows its id, a HELLO or KEY to the peer it
is addressed from; all else is dropped by its clear header. Noise is counted by its reason and never raised.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from keepclear.line import part, tag
from keepclear.line.offer import Ends
from keepclear.line.pace import Pace
from keepclear.line.session import Event, Noise, Reason, Session


class Sessions:
    """A session with every peer; `keys` are the peers' Ed25519 node keys by index of the member, `tag_key` that of the
    line's tags, `paces` those of peers that have one of their own.
    """

    def __init__(
        self,
        line: bytes,
        own: int,
        keys: Mapping[int, bytes],
        tag_key: bytes,
        sign: Callable[[bytes], bytes],
        fresh: Callable[[int], bytes],
        paces: Mapping[int, Pace] | None = None,
    ) -> None:
        by_peer = paces or {}
        self.by_peer = {
            peer: Session(Ends(line, own, peer, key, tag_key), sign, fresh, by_peer.get(peer))
            for peer, key in sorted(keys.items())
        }
        self._ends = {tag.ends(peer, own): peer for peer in self.by_peer}
        self.noise: Counter[Reason] = Counter()

    def hello(self, now_ms: int) -> dict[int, list[bytes]]:
        """The datagrams that begin a session with every peer, by peer."""
        return {peer: session.hello(now_ms) for peer, session in self.by_peer.items()}

    def tick(self, now_ms: int) -> dict[int, list[bytes]]:
        """What has to be said again by now, by peer; only peers with something to be told."""
        said = {peer: session.tick(now_ms) for peer, session in self.by_peer.items()}
        return {peer: datagrams for peer, datagrams in said.items() if datagrams}

    def seal(self, peer: int, frame: bytes, now_ms: int = 0, flash: bool = False) -> list[bytes]:
        """The datagrams of a frame to a peer; none while no session with it is up."""
        return self.by_peer[peer].seal(frame, now_ms, flash)

    def receive(self, datagram: bytes, now_ms: int, source: str = "") -> tuple[int | None, list[Event]]:
        """Which peer's session a datagram belongs to, None if to none, and what it means there."""
        header = part.read(datagram)
        peer = self._peer(header) if header else None
        if peer is None:
            reason = _why_nobody(header)
            self.noise[reason] += 1
            return None, [Noise(reason)]
        events = self.by_peer[peer].receive(datagram, now_ms, source)
        self.noise.update(event.reason for event in events if isinstance(event, Noise))
        return peer, events

    def _peer(self, header: part.Header) -> int | None:
        if header.kind in part.CLEAR:
            return self._ends.get(tag.ends_of(header))
        return next((peer for peer, session in self.by_peer.items() if session.hears(header.session)), None)


def _why_nobody(header: part.Header | None) -> Reason:
    if header is None:
        return Reason.SHAPE
    return Reason.ADDRESS if header.kind in part.CLEAR else Reason.UNKNOWN
