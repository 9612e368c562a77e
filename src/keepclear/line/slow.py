"""What a session by a slow path has beside its keys: the air, and what the peer is told of the pieces that have come.

The law: nothing goes out but through the air. Of a frame or a handshake of several pieces both ends tell which have
come, so that only the others go again: of frames under seal, of a HELLO or KEY in clear, since there is no key yet.
"""

from keepclear.line import part, tag
from keepclear.line.air import Air, Heard, word
from keepclear.line.channel import Sealer
from keepclear.line.offer import Ends
from keepclear.line.part import Header


class Slow:
    """The slow half of a session with one peer, by a path of `rate_bps` bits a second."""

    def __init__(self, ends: Ends, rate_bps: int) -> None:
        self._ends = ends
        self._air = Air(rate_bps)
        self._frames = Heard[int]()
        self._handshakes = Heard[bytes]()

    @property
    def is_busy(self) -> bool:
        """Whether something of the session's own has not gone out yet: then nothing is to be said again."""
        return self._air.control_waits

    def renew(self) -> None:
        """Another session is in use: of the frames of the one before nothing is sent or told any more."""
        self._frames = Heard()
        self._air.renew()

    def send(self, datagrams: list[bytes], flash: bool, now_ms: int) -> list[bytes]:
        """Takes the pieces of a frame, and gives what is to go out now."""
        self._air.put(datagrams, flash, now_ms)
        return self._air.due(now_ms)

    def send_last(self, datagrams: list[bytes], now_ms: int) -> list[bytes]:
        """Takes what is to go when there is nothing else, and gives what is to go out now."""
        self._air.put_last(datagrams)
        return self._air.due(now_ms)

    def due(self, own: list[bytes], sealer: Sealer | None, now_ms: int) -> list[bytes]:
        """What is to go out now, of what waits and of what the session has to say: `own`, and words on pieces."""
        self._air.put_control(own)
        for name, total, mask in self._handshakes.due(now_ms):
            if mask == (1 << total) - 1:
                self._handshakes.forget(name)
            header = Header(part.PIECES, name, tag.ends(self._ends.own, self._ends.peer), 0, 1)
            self._air.put_control([tag.tagged(self._ends.tag_key, header, bytes((mask,)))])
        if sealer is not None and (told := self._frames.due(now_ms)):
            self._air.put_control(sealer.seal_word(word(told)))
        return self._air.due(now_ms)

    def note_handshake(self, header: Header, now_ms: int) -> None:
        """A piece of a HELLO or KEY of the peer has come."""
        self._handshakes.note(header.session, header, now_ms)

    def spoil_handshake(self, name: bytes) -> None:
        """What has come of a HELLO or KEY is of no use."""
        self._handshakes.spoil(name)

    def note_frame(self, header: Header, now_ms: int) -> None:
        """A piece of a frame has come, for the first time or again: then our word on it was lost."""
        if header.total > 1:
            self._frames.note(header.counter - header.nth, header, now_ms)

    def hear(self, word: bytes, now_ms: int) -> None:
        """Takes the peer's word on pieces of frames."""
        self._air.hear(word, now_ms)

    def hear_clear(self, header: Header, datagram: bytes, now_ms: int) -> None:
        """Takes somebody's word on pieces of a HELLO or KEY of ours."""
        self._air.hear_pieces(header.session, int.from_bytes(datagram[part.HEADER_BYTES :][:1], "big"), now_ms)
