"""A line for tests: members with keys from their names, who say, hear, give receipts and sign checkpoints.

Every byte follows from the arguments but ML-DSA signatures, which are randomised; so checkpoints carry one only
when asked. Each member holds its own logbooks: what one says the others hear, unless the test says who does.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.signing import SigningKey

from keepclear.accord import canonical, shape, statement
from keepclear.accord.statement import Body, Precedence
from keepclear.record import archive, checkpoint, entry, genesis
from keepclear.record.entry import Draft, Entry, Header, Release, Seen
from keepclear.record.genesis import Genesis, GenesisBody, Limits, Member, Mode, Role, RootSignature
from keepclear.record.logbook import Incarnation, Logbooks
from keepclear.record.note import Key, KeyType

START_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
NAMES = ("ALFA", "BRAVO", "WITNESS", "DELTA", "ECHO")
SEATS = ("duty", "chief")


def draw(*label: object) -> bytes:
    """32 bytes that stand for a fresh draw, the same for the same label."""
    return sha256("/".join(map(str, label)).encode()).digest()


def signing_key(*label: object) -> SigningKey:
    return SigningKey(draw("key", *label))


def mldsa_key(*label: object) -> MLDSA44PrivateKey:
    return MLDSA44PrivateKey.from_seed_bytes(draw("mldsa", *label))


def genesis_body(
    names: Sequence[str] = NAMES[:3],
    *,
    observers: Sequence[str] = ("WITNESS",),
    seats: Sequence[str] = SEATS,
    roots: int = 1,
    threshold: int = 1,
    mode: Mode = Mode.EXERCISE,
    entry_bytes: int = 65_536,
) -> GenesisBody:
    """What the roots of a line's members sign."""
    members = tuple(
        Member(
            name=name,
            role=Role.OBSERVER if name in observers else Role.PARTY,
            threshold=threshold,
            roots=tuple(bytes(signing_key(name, "root", i).verify_key) for i in range(roots)),
            keys=(
                genesis.Key(
                    "", bytes(signing_key(name, "node").verify_key), mldsa_key(name).public_key().public_bytes_raw()
                ),
                *(genesis.Key(seat, bytes(signing_key(name, seat).verify_key)) for seat in seats),
            ),
        )
        for name in names
    )
    return GenesisBody(genesis.MAGIC, 1, mode, "Test line", START_MS, draw("salt")[:16], Limits(entry_bytes), members)


def root_signatures(body: bytes, names: Sequence[str], threshold: int = 1) -> list[RootSignature]:
    """The signatures of the first `threshold` roots of each member over a genesis body's bytes."""
    message = genesis.signing_message(body)
    return [
        RootSignature(i, root, signing_key(name, "root", root).sign(message).signature)
        for i, name in enumerate(names)
        for root in range(threshold)
    ]


def make_genesis(names: Sequence[str] = NAMES[:3], *, threshold: int = 1, **changes: Any) -> bytes:
    """The genesis document of a line, signed by the first `threshold` roots of each member."""
    body = genesis.to_bytes(genesis_body(names, threshold=threshold, **changes))
    return genesis.document(body, root_signatures(body, names, threshold))


def notice(text: str = "Live firing", **changes: Any) -> statement.Notice:
    """A NOTICE of a circle of 5 NM, from one to two hours after START_MS."""
    volume = shape.Volume(
        shape.circle(354_000_000, 339_000_000, 926_000),
        10_000,
        shape.Altitude(0, shape.AltRef.AGL),
        shape.Altitude(304_800, shape.AltRef.AMSL, 3_000),
    )
    fields: dict[str, Any] = {
        "activity": statement.Activity.LIVE_FIRE,
        "volumes": (volume,),
        "start_ms": START_MS + 3_600_000,
        "end_ms": START_MS + 7_200_000,
        "text": text,
        "contact": "duty 1",
    }
    return statement.Notice(**{**fields, **changes})


class Line:
    """The members of a line, by index, in one world with one clock that a test sets at will."""

    def __init__(self, document: bytes | None = None, **genesis_changes: Any) -> None:
        self.genesis = Genesis.read(document or make_genesis(**genesis_changes))
        self.clock_ms = START_MS
        count = len(self.genesis.names)
        self.views = [Logbooks() for _ in range(count)]
        self.heard_ms: list[dict[bytes, int]] = [{} for _ in range(count)]
        self.starts = [0] * count
        self.notes: dict[tuple[int, bytes, int], checkpoint.Verified] = {}

    # -- identity ----------------------------------------------------------------------------------------------------

    def incarnation(self, member: int) -> bytes:
        """The 8 bytes that the member drew at its present start."""
        return draw("incarnation", self.genesis.names[member], self.starts[member])[:8]

    def book(self, member: int, holder: int | None = None) -> Incarnation:
        """The member's present incarnation as `holder` (by default itself) has it."""
        view = self.views[member if holder is None else holder]
        key = member, self.incarnation(member)
        return view.books.get(key) or Incarnation(*key, self.starts[member])

    def restart(self, member: int) -> None:
        """The member's process starts anew: what it says from now on stands in a new incarnation."""
        self.starts[member] += 1

    # -- saying ------------------------------------------------------------------------------------------------------

    def draft(self, body: Body, **changes: Any) -> Draft:
        """The draft of a statement by seat `duty`, to all, valid from now."""
        fields: dict[str, Any] = {
            "kind": body.kind,
            "precedence": Precedence.ROUTINE,
            "replaces": None,
            "refs": (),
            "to": self.genesis.everyone,
            "seat": "" if body.kind in statement.BY_RULE else "duty",
            "valid_from_ms": self.clock_ms,
            "expiry_ms": None,
        }
        return Draft(**{**fields, **changes}, body=statement.to_bytes(body))

    def sign(
        self, author: int, draft: Draft, releasing: Iterable[str] = (), headers: dict[str, Any] | None = None
    ) -> Entry:
        """The entry that the author makes of a draft, not yet heard by anybody. `headers` are set as they stand."""
        name, book = self.genesis.names[author], self.book(author)
        seed = draw("seed", name, self.starts[author], book.size)
        root = entry.body_root(seed, draft.body)
        message = entry.release_message(self.genesis.line, 0, author, draft, root)
        releases = tuple(
            Release(self.genesis.seat_key(author, seat) or 0, signing_key(name, seat).sign(message).signature)
            for seat in releasing
        )
        fields: dict[str, Any] = {
            "suite": 1,
            "line": self.genesis.line,
            "epoch": 0,
            "party": author,
            "incarnation": book.incarnation,
            "start": book.start,
            "seq": book.size,
            "prev": book.last,
            "seen": self.seen(author),
            "wall_ms": self.clock_ms,
            "wall_err_ms": 50,
            "precedence": draft.precedence,
            "kind": draft.kind,
            "replaces": draft.replaces,
            "refs": draft.refs,
            "to": draft.to,
            "seat": draft.seat,
            "valid_from_ms": draft.valid_from_ms,
            "expiry_ms": draft.expiry_ms,
            "body_root": root,
            "releases_hash": entry.releases_hash(releases),
            "key": self.genesis.node_key(author),
        }
        header = canonical.encode(Header(**{**fields, **(headers or {})}))
        signature = signing_key(name, "node").sign(entry.signing_message(header)).signature
        return entry.read(entry.assemble(header, signature, releases, seed, draft.body), canonical.MAX_BYTES)

    def say(
        self, author: int, body: Body, *, releasing: Iterable[str] = (), heard_by: Iterable[int] | None = None,
        headers: dict[str, Any] | None = None, **changes: Any,
    ) -> Entry:  # fmt: skip
        """The author says a statement and enters it in its logbook; all others, or `heard_by`, hear it."""
        said = self.sign(author, self.draft(body, **changes), releasing, headers)
        hearing = range(len(self.views)) if heard_by is None else heard_by
        for member in {author, *hearing}:
            self.hear(member, said)
        return said

    def hear(self, member: int, said: Entry) -> None:
        """The member checks an entry and takes it into its logbooks."""
        entry.check(said, self.genesis)
        self.views[member].add(said)
        heard = self.heard_ms[member]
        heard[said.header.incarnation] = max(said.header.wall_ms, heard.get(said.header.incarnation, 0))

    def seen(self, author: int) -> tuple[Seen | None, ...]:
        """What the author holds of each other member: its newest incarnation."""
        out: list[Seen | None] = []
        for member in range(len(self.views)):
            books = [book for book in self.views[author].of(member) if book.size]
            if member != author:
                new = books[-1] if books else None
                out.append(Seen(new.incarnation, new.size, self.heard_ms[author][new.incarnation]) if new else None)
        return tuple(out)

    def receipt(self, by: int, of: int, *, shown: bool = True, **changes: Any) -> Entry:
        """A receipt for all that `by` holds of `of`'s present incarnation, durable now and shown a second later."""
        book = self.book(of, by)
        body = statement.Receipt(
            party=of,
            incarnation=book.incarnation,
            size=book.size,
            root=book.frontier.root(),
            ranges=((0, book.size, self.clock_ms, self.clock_ms + 1_000 if shown else None),) if book.size else (),
            beyond=tuple((seq, book.held[seq].leaf, self.clock_ms) for seq in book.beyond()[:8]),
        )
        return self.say(by, body, **changes)

    # -- checkpoints and records -------------------------------------------------------------------------------------

    def sign_checkpoint(
        self, author: int, cosigners: Iterable[int] = (), *, mldsa: bool = False
    ) -> checkpoint.Verified:
        """The author's checkpoint of its present incarnation, cosigned now, kept for the record."""
        book = self.book(author)
        value = checkpoint.Checkpoint(author, book.incarnation, book.size, book.frontier.root())
        keys = [checkpoint.key(self.genesis, author, KeyType.ED25519)]
        keys += [checkpoint.key(self.genesis, member, KeyType.COSIGNATURE) for member in cosigners]
        keys += [checkpoint.key(self.genesis, author, KeyType.MLDSA44)] if mldsa else []
        raw = checkpoint.put_together(self.genesis, value, [self.note_line(value, key) for key in keys])
        verified = checkpoint.verify(self.genesis, raw)
        self.notes[author, book.incarnation, book.size] = verified
        return verified

    def cosign_start(self, author: int, book: Incarnation, size: int, cosigners: Iterable[int]) -> None:
        """A checkpoint of any start of the author, by its first key, cosigned now and kept for the record."""
        value = checkpoint.Checkpoint(author, book.incarnation, size, book.root(size))
        keys = [checkpoint.key(self.genesis, author, KeyType.ED25519)]
        keys += [checkpoint.key(self.genesis, member, KeyType.COSIGNATURE) for member in cosigners]
        raw = checkpoint.put_together(self.genesis, value, [self.note_line(value, key) for key in keys])
        self.notes[author, book.incarnation, size] = checkpoint.verify(self.genesis, raw)

    def note_line(self, value: checkpoint.Checkpoint, key: Key, time_s: int | None = None) -> checkpoint.Signature:
        """One member's signature line over a checkpoint."""
        time_s = self.clock_ms // 1_000 if time_s is None else time_s
        message = checkpoint.message(self.genesis, value, key, time_s)
        name = self.genesis.names[key.member]
        if key.type == KeyType.MLDSA44:
            return checkpoint.line(key, time_s, mldsa_key(name).sign(message))
        return checkpoint.line(key, time_s, signing_key(name, "node").sign(message).signature)

    def entries(self, holder: int) -> list[Entry]:
        """All entries that a member holds."""
        return [e for book in self.views[holder].all() for e in (*book.entries, *book.held.values())]

    def record(self, holder: int = 0) -> bytes:
        """The record file as a member would write it."""
        notes = [verified.raw for verified in self.notes.values()]
        return b"".join(archive.write(self.genesis, self.entries(holder), notes))


def small_line(**genesis_changes: Any) -> Line:
    """A notice, its receipts and acknowledgement, two cosigned checkpoints: twelve seconds of a line of three."""
    line = Line(**genesis_changes)
    others = range(1, len(line.views))
    said = line.say(0, notice(), precedence=Precedence.PRIORITY, releasing=("duty",))
    for member in others:
        line.clock_ms += 1_000
        line.receipt(member, 0)
    line.clock_ms += 10_000
    line.say(1, statement.Acknowledgement(step=1), refs=(said.leaf,))
    line.sign_checkpoint(0, cosigners=others)
    line.sign_checkpoint(1, cosigners=(0,))
    return line
