"""An offer and its candidates: our HELLO that is not yet used, and a channel to each HELLO of the peer that met it.

The law: an offer serves one session only. Its private key lives in memory, is written nowhere, and is let go when the
offer is; a candidate holds nothing that the peer has sent but hashes and keys. What is said again is the same bytes:
a HELLO or a KEY is signed once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keepclear.accord import canonical
from keepclear.line import channel, handshake, part, tag
from keepclear.record import suite

ANSWER_MS: Final = 100  # the same answer is not given more often: what is repeated to us must not make us a sender


@dataclass(frozen=True)
class Ends:
    """Whose session it is: line id, own and peer's index among the members, the peer's Ed25519 node key, the key of the
    line's tags; how long its datagrams are at most, and for how long pieces are kept that make no whole yet.
    """

    line: bytes
    own: int
    peer: int
    peer_key: bytes
    tag_key: bytes
    datagram_bytes: int = part.MAX_DATAGRAM
    age_ms: int = part.MAX_AGE_MS

    @property
    def outward(self) -> bytes:
        """The direction from us to the peer: sender, receiver."""
        return bytes((self.own, self.peer))

    @property
    def inward(self) -> bytes:
        """The direction from the peer to us."""
        return bytes((self.peer, self.own))


class Offer:
    """Our HELLO, its private key, and when it is to be said again."""

    def __init__(self, ends: Ends, fresh: Callable[[int], bytes], sign: Callable[[bytes], bytes]) -> None:
        self.kem = handshake.KemKey(fresh)
        nonce = fresh(handshake.NONCE_BYTES)
        line = handshake.veiled(ends.line, nonce)
        hello = handshake.Hello(handshake.HELLO_MAGIC, line, ends.own, ends.peer, nonce, self.kem.public)
        body = canonical.encode(hello)
        self.digest = handshake.digest(body)
        signature = sign(handshake.hello_signing_message(body))
        self._datagrams = datagrams(part.HELLO, ends, handshake.message(body, signature))
        self._sent_ms: int | None = None
        self._wait_ms = 0
        self.due_ms = 0

    def say(self, now_ms: int, wait_ms: int) -> list[bytes]:
        """The HELLO's datagrams; it is due again after `wait_ms`."""
        self._sent_ms = now_ms
        self.wait(now_ms, wait_ms)
        return list(self._datagrams)

    def say_again(self, now_ms: int, longest_ms: int) -> list[bytes]:
        """The HELLO's datagrams; it is due again after twice the wait before, at most `longest_ms`."""
        return self.say(now_ms, min(2 * self._wait_ms, longest_ms))

    def wait(self, now_ms: int, wait_ms: int) -> None:
        """The handshake is due again `wait_ms` from now."""
        self._wait_ms, self.due_ms = wait_ms, now_ms + wait_ms

    def was_just_said(self, now_ms: int) -> bool:
        """Whether saying it now would be saying it twice."""
        return self._sent_ms is not None and now_ms - self._sent_ms < ANSWER_MS


class Candidate:
    """A channel between our offer and one HELLO of the peer, named by their hashes; it opens once a KEY is heard.

    Raises BadHandshake when the peer's KEM key is not sound.
    """

    def __init__(
        self, ends: Ends, own: bytes, peer: bytes, kem: bytes, secret: bytes, sign: Callable[[bytes], bytes]
    ) -> None:
        self._ends = ends
        self.own = own
        self.peer = peer
        sealed = handshake.seal_secret(secret, kem, own, peer)
        body = canonical.encode(handshake.Key(handshake.KEY_MAGIC, own, peer, sealed))
        signature = sign(handshake.key_signing_message(body))
        self.key_datagrams = datagrams(part.KEY, ends, handshake.message(body, signature))
        traffic = channel.traffic_key(secret, own, peer, ends.outward)
        self.sealer = channel.Sealer(traffic, self.name(ends.outward), ends.datagram_bytes)
        self.unsealer: channel.Unsealer | None = None
        self.key_heard = b""
        self.signed_by = b""
        self.heard_ms = 0
        self._answered_ms: int | None = None

    def name(self, direction: bytes = b"") -> bytes:
        """The session id in a direction; without one, the id that both ends show."""
        lower, higher = (self.own, self.peer) if self._ends.own < self._ends.peer else (self.peer, self.own)
        return channel.pair_id(lower, higher, direction)

    def hear_key(self, whole: bytes, secret: bytes) -> None:
        """Takes the peer's secret. A second KEY replaces the first: the peer may have had to forget us before."""
        traffic = channel.traffic_key(secret, self.peer, self.own, self._ends.inward)
        self.unsealer = channel.Unsealer(traffic, self.name(self._ends.inward), self._ends.age_ms)
        self.key_heard = whole

    def proof(self) -> list[bytes]:
        """An empty sealed frame, once the peer can be told that we hold both keys."""
        return self.sealer.seal(b"") if self.unsealer else []

    def answer(self, now_ms: int, again: bool = False) -> list[bytes]:
        """KEY and proof, for the peer that asks and for the one that is silent; a proof alone for a KEY heard `again`.

        Whoever sends what was taken has had ours, and two that answer a KEY by a KEY would never end.
        """
        self._answered_ms = now_ms
        return self.proof() if again else self.key_datagrams + self.proof()

    def may_answer(self, now_ms: int) -> bool:
        """Whether the last answer is long enough ago."""
        return self._answered_ms is None or now_ms - self._answered_ms >= ANSWER_MS


def datagrams(kind: int, ends: Ends, data: bytes) -> list[bytes]:
    """A handshake message cut into datagrams, named by its hash."""
    name = suite.sha(data)[: channel.ID_BYTES]
    where = tag.ends(ends.own, ends.peer)
    pieces = part.cut(data, ends.datagram_bytes - part.HEADER_BYTES)
    return [
        tag.tagged(ends.tag_key, part.Header(kind, name, where, nth, len(pieces)), piece)
        for nth, piece in enumerate(pieces)
    ]
