"""Members that harm: real nodes with real keys, whose words are changed on the way out.

The law: nothing is mocked. The node behind each is the product's own; what it sends to those that it fools is written
anew and signed with its own keys, chained as a careful author would, so that only the rules find it out. A hostile
member has no key but its own, and is held to no invariant; all others are.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from keepclear.accord import canonical, statement
from keepclear.accord.statement import BY_RULE, Kind, Precedence
from keepclear.line import frame as frames
from keepclear.line.frame import EntryItem, Frame, Have, Item, Note
from keepclear.node.inputs import AnyInput, Start
from keepclear.record import checkpoint, suite, tree
from keepclear.record import entry as entries
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import NO_PREV, Entry, Header
from keepclear.record.note import KeyType
from sim.world import Member


class Hostile(Member):
    """A member that may change what it says. `fooled` are those that are told the changed words."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.fooled: set[int] = set()
        self.since_seq = 1  # of its present start: its LINK is left as it is
        self._told: dict[bytes, Entry] = {}

    # -- what a kind of malice changes -------------------------------------------------------------------------------

    def change(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        """An own entry as it is told to the fooled; number, chain and root follow by themselves."""
        return header, body

    def items(self, peer: int, items: list[Item]) -> list[Item]:
        """What goes into a frame to a peer in place of these items."""
        return [self._changed(item) for item in items] if peer in self.fooled else items

    def frame(self, peer: int, frame: Frame) -> Frame:  # noqa: ARG002 - a half-open peer asks which
        """The frame itself, its times for example."""
        return frame

    # -- how it goes out ---------------------------------------------------------------------------------------------

    def send(self, peer: int, frame: bytes, flash: bool, path: str) -> None:
        parsed, found, _ = frames.read(frame)
        parsed = self.frame(peer, msgspec.structs.replace(parsed, items=tuple(self.items(peer, found))))
        super().send(peer, frames.to_bytes(parsed), flash, path)

    def inject(self, peer: int, *items: Item) -> None:
        """Sends a frame with these items, over the session that there is."""
        now = self.stamp()
        echo_ms = self.node.state.peers[peer].live.heard_ms
        frame = frames.to_bytes(Frame("udp", now.mono_ms, now.wall_ms, echo_ms, 0, tuple(items)))
        self._transmit(peer, self.sessions[peer].seal(frame, self.world.now))

    def sign_entry(self, header: Header, seed: bytes, body: bytes) -> Entry:
        """An entry with this header and body, as validly signed as any."""
        header = msgspec.structs.replace(header, body_root=_root(seed, body), releases_hash=None)
        data = canonical.encode(header)
        raw = entries.assemble(data, self.keys.sign(entries.signing_message(data)), (), seed, body)
        return entries.read(raw, canonical.MAX_BYTES)

    def next_entry(self, after: Entry | None, like: Entry, kind: int, precedence: int, body: bytes) -> Entry:
        """The entry that follows another one, or is the first of a start; all else as in `like`."""
        seq, prev = (0, NO_PREV) if after is None else (after.header.seq + 1, after.leaf)
        header = msgspec.structs.replace(
            like.header, seq=seq, prev=prev, kind=kind, precedence=precedence, replaces=None, refs=(),
            wall_ms=self.stamp().wall_ms,
        )  # fmt: skip
        return self.sign_entry(header, self.world.fresh(32), body)

    def own(self) -> list[Entry]:
        """Its present logbook, as its own node has it."""
        return self.node.books.books[self.index, self.node.state.author.incarnation].entries

    def _changed(self, item: Item) -> Item:
        if isinstance(item, EntryItem):
            entry = entries.read(item.raw, canonical.MAX_BYTES)
            return EntryItem(self.told(entry).raw) if self._is_own(entry) else item
        if isinstance(item, Note):
            return self._note(item)
        return item

    def _is_own(self, entry: Entry) -> bool:
        return entry.slot[:2] == (self.index, self.node.state.author.incarnation)

    def told(self, entry: Entry) -> Entry:
        """What the fooled are told in the place of an own entry."""
        if entry.header.seq < self.since_seq:
            return entry
        if entry.leaf not in self._told:
            before = self.told(self.own()[entry.header.seq - 1])
            header, body = self.change(entry.header, entry.body)
            header = msgspec.structs.replace(header, prev=before.leaf)
            unchanged = (header, body) == (entry.header, entry.body)
            self._told[entry.leaf] = entry if unchanged else self.sign_entry(header, entry.seed, body)
        return self._told[entry.leaf]

    def _note(self, note: Note) -> Note:
        """Its own checkpoint, over what the fooled hold."""
        at = checkpoint.verify(self.world.genesis, note.raw).checkpoint
        if (at.party, at.incarnation) != (self.index, self.node.state.author.incarnation):
            return note
        root = tree.root_of([self.told(entry).leaf for entry in self.own()[: at.size]])
        return Note(self.sign_note(Checkpoint(at.party, at.incarnation, at.size, root)))

    def sign_note(self, at: Checkpoint) -> bytes:
        """A checkpoint with its signature alone."""
        key = checkpoint.key(self.world.genesis, self.index, KeyType.ED25519)
        signature = self.keys.sign(checkpoint.message(self.world.genesis, at, key, 0))
        return checkpoint.put_together(self.world.genesis, at, [checkpoint.line(key, 0, signature)])


class Equivocating(Hostile):
    """Tells the fooled another text than the others."""

    def change(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        if header.kind != Kind.NOTICE:
            return header, body
        notice = statement.read(header.kind, body)
        assert isinstance(notice, statement.Notice)
        return header, statement.to_bytes(msgspec.structs.replace(notice, text="another story"))


class Omitting(Hostile):
    """Leaves entries out, whoever asks for them; the fooled never get them from it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.withheld: set[int] = set()

    def items(self, peer: int, items: list[Item]) -> list[Item]:
        return [item for item in items if not (peer in self.fooled and self._is_withheld(item))]

    def _is_withheld(self, item: Item) -> bool:
        if not isinstance(item, EntryItem):
            return False
        entry = entries.read(item.raw, canonical.MAX_BYTES)
        return self._is_own(entry) and entry.header.seq in self.withheld


class Denying(Hostile):
    """From some entry on says that it has seen next to nothing of the others."""

    def change(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        seen = tuple(None if one is None else msgspec.structs.replace(one, size=1) for one in header.seen)
        return msgspec.structs.replace(header, seen=seen), body


class BackDating(Hostile):
    """Says of its notices that it said them ten minutes ago."""

    by_ms = 600_000

    def change(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        if header.kind in BY_RULE:
            return header, body
        return msgspec.structs.replace(header, wall_ms=header.wall_ms - self.by_ms), body


class Receipting(Hostile):
    """Signs receipts for entries that it does not hold: more than were said, under a root that it makes up."""

    more = 3

    def change(self, header: Header, body: bytes) -> tuple[Header, bytes]:
        if header.kind != Kind.RECEIPT:
            return header, body
        receipt = statement.read(header.kind, body)
        assert isinstance(receipt, statement.Receipt)
        false = msgspec.structs.replace(receipt, size=receipt.size + self.more, root=suite.sha(receipt.root))
        return header, statement.to_bytes(false)


class Resuming(Hostile):
    """After a restore goes on signing in the start before, as if nothing had happened since."""

    before: tuple[bytes, int] | None = None

    def take(self, data: AnyInput) -> None:
        if isinstance(data, Start) and self.before is not None:
            data = msgspec.structs.replace(data, fresh=self.before[0])
        super().take(data)
        if isinstance(data, Start) and self.before is not None:
            author = self.node.state.author
            book = self.node.books.books[self.index, self.before[0]]
            author.next_seq, author.last, author.start = book.size, book.last, self.before[1]


class HalfOpen(Hostile):
    """Sends its frames, and never says that it heard any."""

    def frame(self, peer: int, frame: Frame) -> Frame:
        return msgspec.structs.replace(frame, echo_ms=None) if peer in self.fooled else frame


class Slow(Hostile):
    """Is late with every datagram, and never says that it holds anything."""

    by_ms = 3_000

    def items(self, peer: int, items: list[Item]) -> list[Item]:
        return [item for item in items if not (peer in self.fooled and isinstance(item, Have))]

    def _transmit(self, peer: int, datagrams: list[bytes], path: str = "") -> None:
        delay_ms = self.by_ms if peer in self.fooled else 0
        self.world.after(delay_ms, lambda: Member._transmit(self, peer, datagrams, path))


def flood(who: Hostile, count: int, kind: Kind = Kind.CLARIFY, precedence: int = Precedence.ROUTINE) -> list[Entry]:
    """So many entries of a kind, one after the other in the present start: validly signed, and of no use."""
    own, out = who.own(), list[Entry]()
    after, body = own[-1], canonical.encode([None, None, 1, "what?"])
    for _ in range(count):
        after = who.next_entry(after, own[-1], kind, precedence, body)
        out.append(after)
    return out


def pour(who: Hostile, peer: int, said: Iterable[Entry], at_once: int = 2) -> None:
    """Sends entries in as many frames as it takes."""
    batch: list[Item] = []
    for entry in said:
        batch.append(EntryItem(entry.raw))
        if len(batch) == at_once:
            who.inject(peer, *batch)
            batch = []
    if batch:
        who.inject(peer, *batch)


def _root(seed: bytes, body: bytes) -> bytes:
    return entries.body_root(seed, body)
