"""What a peer might send that wants to do harm, or does not know better: bytes, frames, items, entries it signs itself.

The law: everything is drawn from the generator handed in. The peer holds its own node key and signs anything with it;
it has no other key.
"""

from random import Random
from typing import Any, Final

import msgspec

from keepclear.accord.statement import BY_RULE, Kind, Precedence
from keepclear.record import checkpoint, suite, tree
from keepclear.record import entry as entries
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import NO_PREV, Header, Release, Seen
from keepclear.record.genesis import Genesis
from keepclear.record.note import KeyType
from sim.world import Keys

BIG: Final = (0, 1, -1, 2**31, 2**48, 2**53 - 1, -(2**53) + 1)
TOO_BIG: Final = (2**53, 2**63 - 1, 2**64 - 1, -(2**63))
WARNINGS: Final = (Kind.NOTICE, Kind.HAZARD, Kind.CEASE_NOW, Kind.DISTRESS)
ENCODE: Final = msgspec.msgpack.Encoder().encode


class Villain:
    """One such peer: it keeps its chains, so that what it sends is in sequence when it likes."""

    def __init__(self, draw: Random, genesis: Genesis, index: int, keys: Keys, wall_ms: int) -> None:
        self.draw, self.genesis, self.index, self.keys = draw, genesis, index, keys
        self.wall_ms = wall_ms
        self.chain: list[bytes] = []
        self.incarnation = draw.randbytes(8)
        self.said: list[bytes] = []
        self.heard: list[bytes] = []
        self.books: list[tuple[int, bytes]] = []

    # -- frames ------------------------------------------------------------------------------------------------------

    def frame(self, mono_ms: int, echo_ms: int | None) -> bytes:
        """A frame's plaintext: mostly well formed, with anything in it."""
        draw = self.draw
        way = draw.random()
        if way < 0.05:
            return draw.randbytes(draw.choice((0, 1, 35, 1_100)))
        items = [self.item() for _ in range(draw.choice((0, 1, 1, 1, 2, 5)))]
        if way < 0.06:
            items *= 2_000
        times: list[Any] = [mono_ms, self.wall_ms, echo_ms, 0]
        if way < 0.12:
            times = [draw.choice((*BIG, *TOO_BIG, None, "x", 1.5)) for _ in times]
        data = ENCODE(["udp", *times, items])
        if way < 0.17:
            data = self._spoilt(data)
        return data

    def item(self) -> Any:
        """One item of a frame."""
        draw = self.draw
        match draw.choice("eeeeeeevhanujx"):
            case "v":
                return [4, self._nonce(), [self._book() for _ in range(draw.choice((0, 1, 3, 1_200)))]]
            case "h":
                beyond = [draw.choice((3, *BIG)) for _ in range(draw.choice((0, 2, 200)))]
                return [2, *self._place(), draw.choice((0, 5, *BIG)), beyond]
            case "a":
                return [3, self._nonce()]
            case "n":
                return [5, self.note()]
            case "u":
                return [draw.choice((0, 6, 255, -1, "e", None)), draw.choice((b"x", [], 5))]
            case "j":
                return draw.choice((None, 5, "x", b"", [], [1], [1, 2], [2, 0], [[]], [4, b"", [[]]]))
            case "x":
                return [1, draw.choice(self.said or [b""]), "and more"]
        raw, _ = self.entry()
        return [1, self._spoilt(raw) if draw.random() < 0.1 else raw]

    # -- entries -----------------------------------------------------------------------------------------------------

    def entry(self) -> tuple[bytes, bool]:
        """An entry's bytes, and whether it is a warning that this peer has validly signed."""
        draw = self.draw
        if self.said and draw.random() < 0.1:
            return draw.choice(self.said), False
        kind = draw.choice((*WARNINGS, *WARNINGS, *Kind, 0, 99, 2**40))
        body, seed = self._body(kind), draw.randbytes(32)
        try:
            root = entries.body_root(seed, body)
        except entries.BadEntry:
            root = suite.sha(body)
        header, sound = self._header(kind, root)
        data = ENCODE(header)
        releases: tuple[Release, ...] = ()
        if draw.random() < 0.03:
            releases, sound = (Release(draw.choice((0, 1, 2, 500, -1)), draw.randbytes(64)),), False
        signature = self.keys.sign(entries.signing_message(data))
        if draw.random() < 0.05:
            signature, sound = draw.choice((b"", draw.randbytes(64), signature[:63])), False
        raw = ENCODE([data, signature, releases, seed, body])
        if sound:
            try:
                entry = entries.read(raw, self.genesis.body.limits.entry_bytes)
                entries.check(entry, self.genesis)
            except entries.BadEntry:
                sound = False
        if sound:
            self.said = [*self.said[-50:], raw]
            self.heard = [*self.heard[-50:], tree.leaf_hash(data)]
            if header.incarnation == self.incarnation and header.seq == len(self.chain):
                self.chain.append(tree.leaf_hash(data))
            if draw.random() < 0.02:
                self.incarnation, self.chain = draw.randbytes(8), []
        return raw, sound and kind in WARNINGS

    def _header(self, kind: int, root: bytes) -> tuple[Header, bool]:
        draw, genesis = self.draw, self.genesis
        others = len(genesis.names) - 1
        seq, prev = len(self.chain), self.chain[-1] if self.chain else NO_PREV
        incarnation, start = self.incarnation, 0
        match draw.choice("ssssssssssgfpin"):
            case "g":  # past a gap
                seq, prev = seq + draw.choice((2, 3, 50, 5_000)), draw.randbytes(32)
            case "f":  # another entry in a slot, or one that does not join
                seq, prev = draw.randrange(seq + 1), draw.randbytes(32)
                prev = NO_PREV if seq == 0 else prev
            case "p":  # an absurd number
                seq, prev = draw.choice((2**47, 2**48, 2**53 - 1, -1, -(2**40))), draw.randbytes(32)
            case "i":  # another incarnation, from its middle
                incarnation, seq, prev = draw.randbytes(8), draw.choice((0, 0, 7, 9_000)), draw.randbytes(32)
                prev = NO_PREV if seq == 0 else prev
            case "n":
                start = draw.choice(BIG)
        odd = draw.random() < 0.1
        refs = tuple(draw.choice(self.heard or [draw.randbytes(32)]) for _ in range(draw.choice((0, 0, 1, 2))))
        header = Header(
            suite=suite.SUITE, line=genesis.line, epoch=draw.choice((0, 0, *BIG)) if odd else 0, party=self.index,
            incarnation=incarnation, start=start, seq=seq, prev=prev,
            seen=tuple(draw.choice((None, Seen(draw.randbytes(8), 2**53 - 1, 2**53 - 1))) for _ in range(others)),
            wall_ms=draw.choice((self.wall_ms, *BIG)) if odd else self.wall_ms,
            wall_err_ms=draw.choice((50, 2**53 - 1)),
            precedence=draw.choice((*Precedence, 0, 9)) if odd else draw.choice(list(Precedence)), kind=kind,
            replaces=draw.choice((*self.heard, draw.randbytes(32))) if draw.random() < 0.3 else None, refs=refs,
            to=genesis.everyone if not odd else draw.choice((genesis.everyone, 1, 2**40)),
            seat=draw.choice(("", "duty", "ответ", "x" * 40)) if odd else "duty",
            valid_from_ms=draw.choice(BIG), expiry_ms=draw.choice((None, *BIG)), body_root=root, releases_hash=None,
            key=genesis.node_key(self.index) if not odd else draw.choice((0, genesis.node_key(self.index), 99, -1)),
        )  # fmt: skip
        return header, True

    # -- bodies ------------------------------------------------------------------------------------------------------

    def _body(self, kind: int) -> bytes:
        """A body of the kind, with anything in its fields."""
        draw = self.draw
        if kind in BY_RULE and draw.random() < 0.7:
            return ENCODE(self._by_rule(kind))
        way = draw.random()
        if way < 0.05:
            return draw.randbytes(draw.choice((0, 1, 50)))
        if way < 0.08:
            return ENCODE(draw.choice((None, {}, {"a": 1}, 1.5, "text", [1.5], [[[[[[[[[[1]]]]]]]]]], [None] * 40)))
        leaves: list[Any] = [None, draw.choice((None, None, [1, "x"]))]
        leaves += [self._leaf() for _ in range(draw.choice((0, 2, 4, 5, 5, 6, 6, 6, 7, 20)))]
        if kind in WARNINGS and draw.random() < 0.6:
            leaves = self._warning(kind)
        return ENCODE(leaves)

    def _warning(self, kind: int) -> list[Any]:
        draw = self.draw
        time = draw.choice((None, self.wall_ms, *BIG))
        text = draw.choice(("", "x" * 1_000, "\u202eback to front", "é" * 60, "line\u2028line"))
        volumes = [self._volume() for _ in range(draw.choice((0, 1, 1, 2, 40)))]
        match kind:
            case Kind.NOTICE:
                return [None, None, draw.choice((1, 3, *BIG)), volumes, time, draw.choice((None, *BIG)), text, "me", 5]
            case Kind.HAZARD:
                return [None, None, draw.choice((1, *BIG)), draw.choice((0, *BIG)), volumes, time, text]
            case Kind.CEASE_NOW:
                return [None, None, volumes, time or 0, text]
        return [None, None, volumes, time, draw.choice((None, *BIG)), text]

    def _volume(self) -> list[Any]:
        draw = self.draw
        points = draw.choice((1, 2, 4, 8, 8, 9, 300))
        if draw.random() < 0.01:
            points = 10_000
        way = draw.random()
        if way < 0.6:
            numbers = [draw.randint(-30_000_000, 30_000_000) for _ in range(2 * points)]  # crosses itself as a rule
            area = [draw.choice((1, 1, 3)), *numbers]
        elif way < 0.8:
            area = [draw.choice((0, 1, 2, 3, 4, *BIG)), *(draw.choice(BIG) for _ in range(draw.choice((0, 3, 4, 7))))]
        else:
            area = [2, draw.choice((354_000_000, *BIG)), draw.choice((339_000_000, *BIG)), draw.choice((100_000, *BIG))]
        limits = [draw.choice((None, [draw.choice(BIG), draw.choice((1, 4, 9, -1)), draw.choice(BIG)])) for _ in "lu"]
        return [area, draw.choice((0, *BIG)), *limits]

    def _by_rule(self, kind: int) -> list[Any]:
        draw = self.draw
        many = draw.choice((0, 1, 3, 2_000))
        if kind == Kind.RECEIPT:
            ranges = [[draw.choice(BIG), draw.choice(BIG), 5, draw.choice((None, 5))] for _ in range(many)]
            leaves = (*self.heard, b"", draw.randbytes(32))
            beyond = [[draw.choice(BIG), draw.choice(leaves), 0] for _ in range(draw.choice((0, 9)))]
            return [None, None, *self._place(), draw.choice(BIG), draw.randbytes(32), ranges, beyond]
        old = [[draw.randbytes(8), 2**53 - 1, 2**53 - 1, b"", [[1, b""]], [[0, 2**53 - 1]]] for _ in range(many % 500)]
        return [None, None, draw.choice(BIG), old]

    def _leaf(self) -> Any:
        draw = self.draw
        match draw.choice("vrapnnnnnnnn"):
            case "v":
                return [self._volume()]
            case "a":
                return [
                    ["A", "within_area", [self._volume()], ""],
                    ["B"],
                    [1, 2, 3, 4],
                    ["M", "reaction", [1, 2, 3], ""],
                ]
            case "r":
                return [["N1", "min_notice", [[1, 2]], "t"]]
            case "p":
                return draw.choice((None, True, "text", b"bytes", [], [[]], [1, 2, 3]))
        return draw.choice(BIG)

    # -- other items -------------------------------------------------------------------------------------------------

    def note(self) -> bytes:
        """A checkpoint note, signed by this peer as if the world were as it says."""
        draw = self.draw
        if draw.random() < 0.2:
            return draw.choice((b"", b"\n\n", draw.randbytes(200), b"x" * 70_000, "keepclear/é\n1\n\n— a b\n".encode()))
        incarnation = draw.choice((self.incarnation, draw.randbytes(8)))
        at = Checkpoint(self.index, incarnation, draw.choice((0, 1, 2, len(self.chain), 2**40)), draw.randbytes(32))
        if draw.random() < 0.3:
            size = draw.randrange(len(self.chain) + 1)
            at = Checkpoint(self.index, self.incarnation, size, tree.root_of(self.chain[:size]))
        key = checkpoint.key(self.genesis, self.index, KeyType.ED25519)
        line = checkpoint.line(key, 0, self.keys.sign(checkpoint.message(self.genesis, at, key, 0)))
        raw = checkpoint.put_together(self.genesis, at, [line])
        return self._spoilt(raw) if draw.random() < 0.2 else raw

    def _book(self) -> list[Any]:
        draw = self.draw
        beyond = [[draw.choice(BIG), draw.randbytes(32)] for _ in range(draw.choice((0, 0, 3, 70)))]
        return [*self._place(), draw.choice(BIG), draw.choice((0, 3, *BIG)), draw.randbytes(32), beyond]

    def _place(self) -> list[Any]:
        draw = self.draw
        if self.books and draw.random() < 0.6:
            return list(draw.choice(self.books))
        fresh = draw.randbytes(8)
        return [draw.choice((0, 1, 2, 3, 255, 256, -1)), draw.choice((fresh, fresh, b"", b"x" * 9))]

    def _nonce(self) -> bytes:
        return self.draw.choice((bytes(16), b"", self.draw.randbytes(16)))

    def _spoilt(self, data: bytes) -> bytes:
        if not data:
            return b"\xc1"
        draw, raw = self.draw, bytearray(data)
        match draw.choice("fcai"):
            case "f":
                raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
            case "c":
                del raw[draw.randrange(len(raw)) :]
            case "a":
                raw += draw.randbytes(3)
            case "i":
                at = draw.randrange(len(raw))
                raw[at:at] = draw.randbytes(2)
        return bytes(raw)
