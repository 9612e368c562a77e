"""A session: one member's sealed talk with one peer, from HELLO to frames, as bytes and times in, events out.

The law: authenticate before you judge. The state is an *offer* (a HELLO of ours not yet used), *candidates* (channels
between the offer and each HELLO heard from the peer) and the *current* channel. Signed is not fresh: a HELLO may be an
old one repeated, so it only ever adds a candidate. A candidate becomes current when a datagram sealed under its keys
opens; then the offer is spent, its private key is let go, and the other candidates with it. Until then the channel
before it goes on working. Because an offer serves one session only, an old HELLO, an old KEY and all frames sealed
under them meet an offer that they do not name: nothing that was ever sent can be of use again.
While a member changes its node key, not everybody knows the new one yet: it tries its keys in turn, newest first.

      start, or 5 s nothing opened, or a HELLO from a peer that begins anew
        | -> HELLO
      offered --- HELLO heard: -> KEY (and HELLO) ---> candidate, one for each HELLO
                  KEY heard:   -> proof ------------>  keyed
                  anything of its opens: -> proof -->  current; offer and other candidates are forgotten

A proof is an empty sealed frame: it makes a session come up without waiting for somebody to have something to say.
By a slow path, all that is said goes through line/slow.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from keepclear.line import channel, handshake, part, tag
from keepclear.line.bucket import Bucket
from keepclear.line.offer import Candidate, Ends, Offer
from keepclear.line.pace import Pace
from keepclear.line.slow import Slow
from keepclear.record import suite

MAX_CANDIDATES: Final = 8
MAX_SOURCES: Final = 4  # a peer has two paths; what comes from elsewhere shares one allowance
# A handshake needs two checks of 0.14 ms; an answer to a true HELLO takes 0.5 ms. Fewer would let a trickle of forged
# HELLOs from a peer's address keep that peer out; with every source of four peers flooded this is a quarter of a core.
CHECKS_PER_SECOND: Final = 100
CHECKS_BURST: Final = 100


class Reason(StrEnum):
    """Why a datagram is noise."""

    SHAPE = "no datagram of this line by its size or header"
    ADDRESS = "a handshake between other members"
    STRANGER = "a handshake by somebody without the genesis of this line"
    UNKNOWN = "a session that is not in use"
    REPLAY = "a counter opened before or older than the window"
    SEAL = "the seal is not good"
    SIGNATURE = "not signed by the peer's node key"
    MALFORMED = "no HELLO or KEY of this version, or parts that do not belong together"
    OLD = "a HELLO or KEY for a session that is over or was never offered"
    RATE = "more handshakes than are checked in a second"


@dataclass(frozen=True)
class Opened:
    """A frame that the peer sealed, whole and as it was."""

    frame: bytes


@dataclass(frozen=True)
class Posted:
    """A message that the peer sealed about what is attached to statements: no frame, and no part of the record."""

    message: bytes


@dataclass(frozen=True)
class Up:
    """A new session is in use; the id is the same at both ends."""

    session: bytes


@dataclass(frozen=True)
class Reply:
    """Datagrams to send to the peer now."""

    datagrams: list[bytes]


@dataclass(frozen=True)
class Noise:
    """A datagram that was dropped: count it, and do not take it for a sign of life."""

    reason: Reason


Event = Opened | Posted | Up | Reply | Noise
Sign = Callable[[bytes], bytes]


class TooMany(Exception):
    """The allowance of signature checks is used up."""


class Session:
    """The talk with one peer. `sign` is the node key's Ed25519, `fresh(n)` n bytes nobody has seen before."""

    def __init__(self, ends: Ends, sign: Sign, fresh: Callable[[int], bytes], pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._ends = replace(ends, datagram_bytes=self._pace.datagram_bytes, age_ms=self._pace.age_ms)
        self._signs: tuple[Sign, ...] = (sign,)
        self._turn = 0
        self._turned_ms = 0
        self._peer_keys: tuple[bytes, ...] = (ends.peer_key,)
        self._fresh = fresh
        self._slow = Slow(ends, self._pace.rate_bps) if self._pace.rate_bps else None
        self._most_parts = -(-handshake.MAX_MESSAGE_BYTES // (self._pace.datagram_bytes - part.HEADER_BYTES))
        self._offer: Offer | None = None
        self._candidates: dict[bytes, Candidate] = {}
        self._current: Candidate | None = None
        self._opened_ms = 0
        self._handshakes = part.Joiner(self._pace.age_ms)
        self._checks: dict[str, Bucket] = {}

    @property
    def up(self) -> bytes | None:
        """The id of the session in use, the same at both ends, or None."""
        return self._current.name() if self._current else None

    def use_keys(self, *peer_keys: bytes) -> None:
        """The peer's node keys from now on, when a key list has changed them; the session in use goes on."""
        self._peer_keys = peer_keys

    def sign_with(self, *signs: Sign) -> None:
        """Our node keys' Ed25519 from now on, newest first; the session in use goes on."""
        self._signs, self._turn = signs, 0

    def _sign(self, message: bytes) -> bytes:
        return self._signs[self._turn % len(self._signs)](message)

    def hello(self, now_ms: int) -> list[bytes]:
        """The datagrams that begin a new session; the one in use goes on until the new one is proved."""
        return self._paced(self._hello(now_ms), now_ms)

    def _hello(self, now_ms: int) -> list[bytes]:
        if self._offer is None:
            self._offer = Offer(self._ends, self._fresh, self._sign)
            self._turned_ms = now_ms
        return self._offer.say(now_ms, self._pace.resend_ms)

    def seal(self, frame: bytes, now_ms: int = 0, flash: bool = False) -> list[bytes]:
        """The datagrams of a frame, each of its bytes plus 35 overhead; none while no session is up.

        By a slow path, what is to go out now; the rest comes with `tick`.
        Raises ValueError for an empty frame or one longer than part.MAX_FRAME.
        """
        if not frame:
            raise ValueError("0 bytes to send, at least 1: an empty frame is the proof that a session is up")
        if self._current is None:
            return []
        datagrams = self._current.sealer.seal(frame)
        return datagrams if self._slow is None else self._slow.send(datagrams, flash, now_ms)

    def seal_blob(self, message: bytes, now_ms: int) -> list[bytes]:
        """The datagram of a message about what is attached; none while no session is up. By a slow path, what is to go
        out now: such a message goes after all else.
        """
        if self._current is None:
            return []
        datagrams = self._current.sealer.seal_blob(message)
        return datagrams if self._slow is None else self._slow.send_last(datagrams, now_ms)

    def tick(self, now_ms: int) -> list[bytes]:
        """What has to be said, or said again, by now. Call it at least each 100 ms."""
        waits = self._slow is not None and self._slow.is_busy
        return self._paced([] if waits else self._again(now_ms), now_ms)

    def _paced(self, own: list[bytes], now_ms: int) -> list[bytes]:
        """What goes out now, when the session itself has `own` to say: just that, or by a slow path what is due."""
        if self._slow is None:
            return own
        return self._slow.due(own, self._current.sealer if self._current else None, now_ms)

    def _again(self, now_ms: int) -> list[bytes]:
        if self._offer is None:
            return self._hello(now_ms) if self._current and self._wants_new(self._current, now_ms) else []
        if now_ms < self._offer.due_ms:
            return []
        if len(self._signs) > 1 and now_ms - self._turned_ms >= self._pace.silent_ms:
            self._turn += 1
            self._offer, self._candidates = None, {}
            return self._hello(now_ms)
        # A peer that was just heard is there: then it is loss that is in the way, and waiting longer does not help.
        heard = [c for c in self._candidates.values() if now_ms - c.heard_ms <= self._pace.resend_max_ms]
        longest_ms = self._pace.resend_ms if heard else self._pace.resend_max_ms
        said = self._offer.say_again(now_ms, longest_ms)
        if self._slow is not None and any(c.unsealer for c in self._candidates.values()):
            said = []  # whose KEY is here has our HELLO, and it takes a second of air
        for candidate in self._candidates.values():
            if candidate.unsealer or candidate in heard:
                said += candidate.answer(now_ms)
        return said

    def hears(self, session: bytes) -> bool:
        """Whether a FRAME datagram with this session id is one that could be opened here."""
        return self._find(session) is not None

    def inbound(self) -> dict[bytes, int]:
        """The ids under which the peer may seal to us, each with the newest counter opened, -1 before the first."""
        found = (self._current, *self._candidates.values())
        return {c.name(self._ends.inward): c.unsealer.newest if c.unsealer else -1 for c in found if c}

    def receive(self, datagram: bytes, now_ms: int, source: str = "") -> list[Event]:
        """What a datagram means. `source` is the hands' word for where it came from: it gets its own allowance."""
        events = self._receive(datagram, now_ms, source)
        if self._slow is None:
            return events
        replies = [said for event in events if isinstance(event, Reply) for said in event.datagrams]
        now = self._paced(replies, now_ms)
        return [*(e for e in events if not isinstance(e, Reply)), *([Reply(now)] if now else [])]

    def _receive(self, datagram: bytes, now_ms: int, source: str) -> list[Event]:
        header = part.read(datagram)
        if header is None:
            return [Noise(Reason.SHAPE)]
        if header.kind in part.SEALED:
            return self._receive_frame(header, datagram, now_ms)
        if foreign := self._foreign(header, datagram):
            return [Noise(foreign)]
        if header.kind == part.PIECES:
            if self._slow is not None:
                self._slow.hear_clear(header, datagram, now_ms)
            return []
        if self._slow is not None:
            self._slow.note_handshake(header, now_ms)
        name = (header.kind, header.session)
        whole = self._handshakes.add(name, header.nth, header.total, datagram[part.HEADER_BYTES :], now_ms)
        if whole is None:
            return []
        if suite.sha(whole)[: channel.ID_BYTES] != header.session:
            self._spoil(header.session)
            return [Noise(Reason.MALFORMED)]  # the parts are kept: one that comes again may replace the forged one
        self._handshakes.forget(name, header.total)
        handle = self._receive_hello if header.kind == part.HELLO else self._receive_key
        try:
            events = handle(whole, now_ms, source)
            if events == [Noise(Reason.OLD)]:  # it may be of use in seconds, when we have heard nothing for long enough
                self._spoil(header.session)
            return events
        except handshake.BadHandshake:
            return [Noise(Reason.MALFORMED)]
        except TooMany:
            return [Noise(Reason.RATE)]

    def _foreign(self, header: part.Header, datagram: bytes) -> Reason | None:
        """Why a datagram of a handshake is none between these members; None if it may be one."""
        if tag.ends_of(header) != tag.ends(self._ends.peer, self._ends.own):
            return Reason.ADDRESS
        if not tag.is_tagged(self._ends.tag_key, datagram):
            return Reason.STRANGER
        return Reason.SHAPE if header.total > self._most_parts else None

    def _spoil(self, name: bytes) -> None:
        if self._slow is not None:
            self._slow.spoil_handshake(name)

    def _receive_frame(self, header: part.Header, datagram: bytes, now_ms: int) -> list[Event]:
        found = self._find(header.session)
        if found is None or found.unsealer is None:
            return [Noise(Reason.UNKNOWN)]
        if not found.unsealer.is_fresh(header.counter):
            if self._slow is None or header.total == 1 or not found.unsealer.is_again(header, datagram):
                return [Noise(Reason.REPLAY)]
            self._slow.note_frame(header, now_ms)
            return []
        piece = found.unsealer.unseal(header, datagram)
        if piece is None:
            return [Noise(Reason.SEAL)]
        self._opened_ms = now_ms
        events: list[Event] = [] if found is self._current else self._take_into_use(found)
        if header.kind == part.HELD:
            if self._slow is not None:
                self._slow.hear(piece, now_ms)
            return events
        if header.kind == part.BLOB:
            return [*events, Posted(piece)] if header.total == 1 else events
        if self._slow is not None:
            self._slow.note_frame(header, now_ms)
        frame = found.unsealer.join(header, piece, now_ms)
        return [*events, Opened(frame)] if frame else events

    def _take_into_use(self, candidate: Candidate) -> list[Event]:
        self._current, self._offer, self._candidates = candidate, None, {}
        self._turn = 0
        if self._slow is not None:
            self._slow.renew()
        return [Up(candidate.name()), Reply(candidate.proof())]

    def _receive_hello(self, whole: bytes, now_ms: int, source: str) -> list[Event]:
        body, signature = handshake.split(whole)
        digest = handshake.digest(body)
        candidate = self._candidates.get(digest)
        if candidate is None:
            if self._current and not self._may_begin(self._current, digest, now_ms):
                return [Noise(Reason.OLD)]
            if not self._signed_by(handshake.hello_signing_message(body), signature, now_ms, source):
                return [Noise(Reason.SIGNATURE)]
            candidate = self._add_candidate(digest, handshake.read_hello(body))
        candidate.heard_ms = now_ms
        if not candidate.may_answer(now_ms):
            return []
        hello = self._offer is not None and candidate.unsealer is None and not self._offer.was_just_said(now_ms)
        return [Reply((self._hello(now_ms) if hello else []) + candidate.answer(now_ms))]

    def _receive_key(self, whole: bytes, now_ms: int, source: str) -> list[Event]:
        body, signature = handshake.split(whole)
        key = handshake.read_key(body)
        current = self._current
        if current and (key.peer, key.own) == (current.own, current.peer):
            # The peer has not opened anything of ours yet, or this is a repetition; the answer serves either.
            again = whole == current.key_heard
            return [Reply(current.answer(now_ms, again))] if current.may_answer(now_ms) else []
        candidate = self._candidates.get(key.own)
        if self._offer is None or candidate is None or key.peer != self._offer.digest:
            return [Noise(Reason.OLD)]
        candidate.heard_ms = now_ms
        if candidate.key_heard == whole:
            return [Reply(candidate.answer(now_ms))] if candidate.may_answer(now_ms) else []
        signer = self._signed_by(handshake.key_signing_message(body), signature, now_ms, source)
        if not signer:
            return [Noise(Reason.SIGNATURE)]
        candidate.signed_by = signer
        candidate.hear_key(whole, self._offer.kem.unseal(key.sealed, key.own, key.peer))
        self._offer.wait(now_ms, self._pace.resend_ms)
        return [Reply(candidate.proof())]

    def _add_candidate(self, digest: bytes, hello: handshake.Hello) -> Candidate:
        line = handshake.veiled(self._ends.line, hello.nonce)
        if (hello.line, hello.sender, hello.receiver) != (line, self._ends.peer, self._ends.own):
            raise handshake.BadHandshake("a HELLO for another line or between other members")
        offer = self._offer or Offer(self._ends, self._fresh, self._sign)
        secret = self._fresh(handshake.SECRET_BYTES)
        candidate = Candidate(self._ends, offer.digest, digest, hello.kem, secret, self._sign)
        if len(self._candidates) >= MAX_CANDIDATES:
            # One without a KEY may be an old HELLO repeated; one with a KEY has answered this very offer.
            unproved = (peer for peer, other in self._candidates.items() if other.unsealer is None)
            del self._candidates[next(unproved, next(iter(self._candidates)))]
        self._offer = offer
        self._candidates[digest] = candidate
        return candidate

    def _may_begin(self, current: Candidate, digest: bytes, now_ms: int) -> bool:
        # A peer that begins anew has lost its keys and fallen silent. While its frames open, a HELLO is an old one
        # repeated, or comes again when they do not.
        # But for who holds a session by a key that has ended since: the rightful one must be able to begin.
        if digest == current.peer and self._offer is None:
            return False
        if current.signed_by not in self._peer_keys:
            return True
        return now_ms - self._opened_ms >= self._pace.alive_ms or self._is_worn(current)

    def _wants_new(self, current: Candidate, now_ms: int) -> bool:
        return now_ms - self._opened_ms >= self._pace.silent_ms or self._is_worn(current)

    def _is_worn(self, current: Candidate) -> bool:
        heard = current.unsealer.newest if current.unsealer else 0
        return max(current.sealer.counter, heard) >= channel.RENEW_COUNTER

    def _signed_by(self, message: bytes, signature: bytes, now_ms: int, source: str) -> bytes:
        """The peer's key that has signed this; b"" if none has."""
        name = source if source in self._checks or len(self._checks) < MAX_SOURCES else ""
        allowance = self._checks.setdefault(name, Bucket(CHECKS_PER_SECOND, CHECKS_BURST))
        if not allowance.take(now_ms):
            raise TooMany
        return next((key for key in self._peer_keys if suite.verify_ed25519(key, message, signature)), b"")

    def _find(self, session: bytes) -> Candidate | None:
        current = self._current
        if current and current.unsealer and current.unsealer.session == session:
            return current
        return next((c for c in self._candidates.values() if c.unsealer and c.unsealer.session == session), None)
