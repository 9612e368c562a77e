"""A channel: the two traffic keys between one HELLO of ours and one of the peer's, and what was counted under them.

The law: each datagram is sealed with ChaCha20-Poly1305 under a counter that is never used twice and never set back;
the clear header is authenticated with it. A counter is opened once: what is repeated, or older than the window
reaches, is refused. A channel ends before 2^48 datagrams.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keepclear.line import part
from keepclear.record import suite

ID_BYTES: Final = 8
MAX_COUNTER: Final = 2**48
RENEW_COUNTER: Final = 2**47  # a new session is begun here: at 20 000 datagrams a second, after 223 years
# Two paths share the counters and a mailbox may come seconds after a datagram: 65 536 is 3 s at 20 000 a second, and
# costs 8 KiB a channel.
WINDOW: Final = 65_536


def pair_id(lower: bytes, higher: bytes, direction: bytes = b"") -> bytes:
    """The 8-byte session id of two HELLO hashes, the lower member's first.

    `direction` is sender and receiver as a byte each; without it, the name of the session that both ends show.
    """
    return suite.sha(b"keepclear/session/1\x00", lower, higher, direction)[:ID_BYTES]


def traffic_key(secret: bytes, chooser: bytes, other: bytes, direction: bytes) -> bytes:
    """The key from the member who chose the secret to the other: HKDF-SHA256 salted by both HELLO hashes."""
    info = b"keepclear/traffic/1\x00" + direction
    return HKDF(algorithm=SHA256(), length=32, salt=chooser + other, info=info).derive(secret)


class Window:
    """Which of the last WINDOW counters up to `top`, the newest, have been opened."""

    def __init__(self) -> None:
        self.top = -1
        self._bits = bytearray(WINDOW // 8)

    def is_fresh(self, counter: int) -> bool:
        """Whether the counter has not been opened and is not older than the window reaches."""
        if counter > self.top:
            return True
        return self.top - counter < WINDOW and not self._bits[counter % WINDOW // 8] >> counter % 8 & 1

    def mark(self, counter: int) -> None:
        """Notes that the counter has been opened; call it only after the seal was found good."""
        if counter - self.top >= WINDOW:
            self._bits = bytearray(WINDOW // 8)
        else:
            for passed in range(self.top + 1, counter + 1):
                self._bits[passed % WINDOW // 8] &= ~(1 << passed % 8)
        self.top = max(self.top, counter)
        self._bits[counter % WINDOW // 8] |= 1 << counter % 8


class Sealer:
    """The sending half: a key, a session id and the next counter; datagrams are at most `datagram_bytes` long.

    A frame that would be more pieces than there may be is cut into longer ones.
    """

    def __init__(self, key: bytes, session: bytes, datagram_bytes: int = part.MAX_DATAGRAM) -> None:
        self.session = session
        self._room = datagram_bytes - part.HEADER_BYTES - part.TAG_BYTES
        self.counter = 0
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, frame: bytes) -> list[bytes]:
        """The datagrams of a frame; an empty frame is the proof that we hold the key. Raises ValueError if too long."""
        longer = min(part.SEALED_ROOM, -(-len(frame) // part.MAX_PARTS))
        pieces = part.cut(frame, max(self._room, longer))
        if self.counter + len(pieces) > MAX_COUNTER:
            raise ValueError(f"datagram {self.counter} of this session, at most {MAX_COUNTER}: begin a new one")
        return [self._seal(part.FRAME, piece, nth, len(pieces)) for nth, piece in enumerate(pieces)]

    def seal_word(self, word: bytes) -> list[bytes]:
        """The datagram that names to the peer the pieces of its frames that are here."""
        return [self._seal(part.HELD, word, 0, 1)]

    def seal_blob(self, message: bytes) -> list[bytes]:
        """The datagram of a message about what is attached to statements. Raises ValueError if it is too long."""
        if len(message) > self._room:
            raise ValueError(f"{len(message)} bytes of a blob's message, at most {self._room} fit one datagram")
        return [self._seal(part.BLOB, message, 0, 1)]

    def _seal(self, kind: int, piece: bytes, nth: int, total: int) -> bytes:
        header = part.Header(kind, self.session, self.counter, nth, total).encode()
        sealed = self._cipher.encrypt(_nonce(self.counter), piece, header)
        self.counter += 1
        return header + sealed


class Unsealer:
    """The receiving half: a key, a session id, the window of counters, and frames of which parts are missing."""

    def __init__(self, key: bytes, session: bytes, age_ms: int = part.MAX_AGE_MS) -> None:
        self.session = session
        self._cipher = ChaCha20Poly1305(key)
        self._window = Window()
        self._joiner = part.Joiner(age_ms)

    @property
    def newest(self) -> int:
        """The highest counter opened, -1 before the first."""
        return self._window.top

    def is_fresh(self, counter: int) -> bool:
        """Whether a datagram with this counter may still be opened."""
        return counter < MAX_COUNTER and self._window.is_fresh(counter)

    def unseal(self, header: part.Header, datagram: bytes) -> bytes | None:
        """What was sealed, or None if the seal is not good. Nothing changes unless it is."""
        piece = self._open(header, datagram)
        if piece is not None:
            self._window.mark(header.counter)
        return piece

    def is_again(self, header: part.Header, datagram: bytes) -> bool:
        """Whether this is a datagram of the peer's that was opened before, or one too old to be opened."""
        return self._open(header, datagram) is not None

    def _open(self, header: part.Header, datagram: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(
                _nonce(header.counter), datagram[part.HEADER_BYTES :], datagram[: part.HEADER_BYTES]
            )
        except InvalidTag:
            return None

    def join(self, header: part.Header, piece: bytes, now_ms: int) -> bytes | None:
        """The whole frame if this opened piece completes it, else None."""
        if header.total == 1:
            return piece
        first = header.counter - header.nth
        frame = self._joiner.add(first, header.nth, header.total, piece, now_ms)
        if frame is not None:
            self._joiner.forget(first, header.total)
        return frame


def _nonce(counter: int) -> bytes:
    return counter.to_bytes(12, "big")
