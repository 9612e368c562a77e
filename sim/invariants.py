"""What must hold after every step, whatever the weather: looked at from outside, over all members at once.

- A slot is signed once, even if what was signed is never sent; every copy of an entry is byte-equal to the original.
- A copy is a prefix of the original and entries held past a gap.
- What a member sends, says that it holds, or receipts is on that member's disk.
- A statement that has come in has been shown.
- What is on a disk is never lost while the disk stands, and in the end all copies say the same.
- Two copies of a member are told of only where there have been two; copies of a logbook that differ, never.
- What a member keeps of its picture is what it would make of its state anew.

A hostile member is held to none of this; all others are, while it does its worst.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from keepclear.accord.said import holdings
from keepclear.accord.statement import BY_RULE, Kind, Receipt
from keepclear.host.hands import Group, Hands
from keepclear.host.journal import Journal
from keepclear.line import frame as frames
from keepclear.line.frame import Book, EntryItem, Have, Vector
from keepclear.node import picture, situation
from keepclear.node.node import Node
from keepclear.node.snapshot import Kept
from keepclear.node.state import Ladder, State
from keepclear.record import entry as entries
from keepclear.record import tree
from keepclear.record.entry import ENTRY_DOMAIN, Entry, Header
from keepclear.record.logbook import BookId

BARE_FRAME_BYTES: Final = 40  # a frame without items is shorter


class Broken(AssertionError):
    """An invariant does not hold; the text says which, where and in which seed."""


class Copy(Protocol):
    """What is looked at of a member: one disk and whoever runs on it."""

    @property
    def index(self) -> int: ...

    @property
    def starts(self) -> int: ...

    @property
    def hands(self) -> Hands | None: ...

    @property
    def node(self) -> Node: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def shown(self) -> set[bytes]: ...


class Whole(Protocol):
    """What is looked at of the world."""

    @property
    def seed(self) -> int: ...

    @property
    def now(self) -> int: ...

    @property
    def members(self) -> Sequence[Copy]: ...

    @property
    def hostile(self) -> frozenset[int]: ...


class Watch:
    """Follows every copy of every logbook, every signature, and what every member sends."""

    def __init__(self, world: Whole) -> None:
        self._world = world
        self.signatures: dict[tuple[int, bytes, int], bytes] = {}
        self.originals: dict[tuple[int, bytes, int], bytes] = {}
        self.leaves: dict[bytes, bytes] = {}
        self.on_disk: dict[Copy, set[bytes]] = {}
        self.receipted: set[bytes] = set()
        self.lost: set[bytes] = set()
        self.doubled: set[int] = set()
        self._seen: dict[tuple[Copy, int, BookId], tuple[int, int]] = {}
        self._told: dict[tuple[Copy, int, BookId], int] = {}

    # -- as it happens -----------------------------------------------------------------------------------------------

    def signed(self, message: bytes) -> None:
        """A node key signs a message."""
        if not message.startswith(ENTRY_DOMAIN):
            return
        data = message[len(ENTRY_DOMAIN) :]
        header = msgspec.msgpack.decode(data, type=Header)
        slot = header.party, header.incarnation, header.seq
        if self.signatures.setdefault(slot, data) != data:
            raise self._broken(f"{header.party} signs a second entry in its slot {header.seq}")

    def after_step(self, member: Copy) -> None:
        """Looks at what is new in a member's copies."""
        if member.hands is None or member.index in self._world.hostile:
            return
        for book in member.node.books.books.values():
            key = (member, member.starts, book.id)
            known = self._seen.get(key, (0, -1))
            now = (len(book.entries), len(book.held))
            if now == known:
                continue
            for entry in [*book.entries[known[0] :], *book.held.values()]:
                self._check(member, entry)
            if any(seq < book.size for seq in book.held):
                raise self._broken(f"{member.index} holds past the gap what is below it, in {book.party}")
            self._seen[key] = now

    def sent(self, member: Copy, frame: bytes, flash: bool) -> None:
        """A member sends a frame."""
        if len(frame) < BARE_FRAME_BYTES or member.index in self._world.hostile:
            return
        excused = flash and member.hands is not None and member.hands.disk_failed
        for item in frames.read(frame)[1]:
            match item:
                case EntryItem(raw):
                    leaf = self.leaves.get(raw)
                    if leaf is None:
                        raise self._broken(f"{member.index} sends an entry that nobody has taken in")
                    if leaf not in self._disk(member) and not excused:
                        raise self._broken(f"{member.index} sends what is not on its disk")
                case Have():
                    self._says_it_holds(member, item, list(item.beyond))
                case Vector(_, books):
                    for book in books:
                        self._says_it_holds(member, book, [seq for seq, _ in book.beyond])

    def kept(self, member: Copy, group: Group) -> None:
        """A group is on the member's disk."""
        self._disk(member).update(leaf for leaf, _ in group.entries)

    def put_back(self, member: Copy) -> None:
        """The member's disk is now another state of it: what is there is what it holds."""
        self._now_holds(member, {leaf for leaf, _ in member.journal.entries()})

    def gone(self, member: Copy) -> None:
        """The member's disk is no more."""
        self._now_holds(member, set())
        del self.on_disk[member]

    # -- at the end --------------------------------------------------------------------------------------------------

    def at_rest(self) -> None:
        """Once quiet: all copies equal, all read the same from them, nothing lost that a disk held."""
        copies = [
            {
                book.id: {e.header.seq: e.raw for e in (*book.entries, *book.held.values())}
                for book in m.node.books.all()
            }
            for m in self._world.members
        ]
        readings = [reading(member.node.state) for member in self._world.members]
        for index in range(1, len(copies)):
            if copies[index] != copies[0]:
                raise self._broken(f"the copies of 0 and {index} differ: {_difference(copies[0], copies[index])}")
            if readings[index] != readings[0]:
                raise self._broken(f"0 and {index} read differently: {_difference(readings[0], readings[index])}")
        held = {entry.leaf for book in self._world.members[0].node.books.all() for entry in book.entries}
        held |= {entry.leaf for book in self._world.members[0].node.books.all() for entry in book.held.values()}
        if missing := set().union(*self.on_disk.values()) - held:
            raise self._broken(f"{len(missing)} entries are on a disk and not in the copies")
        if missing := self.receipted - held - self.lost:
            raise self._broken(f"{len(missing)} receipted entries are lost although no disk was put back")
        for member in self._world.members:
            self._check_ladders(member)
            self._check_picture(member)
            if alone := {twins.party for twins in member.node.state.twins} - self.doubled:
                raise self._broken(f"{member.index} tells of two copies of {sorted(alone)}, of which there was one")
            if any(copy.tries for copy in member.node.state.watched.copies.values()):
                raise self._broken(f"{member.index} tells of copies of a logbook that differ")
            if member.node.state.disputes:
                raise self._broken(f"{member.index} has a dispute: {member.node.state.disputes[0].reason}")

    # -- parts -------------------------------------------------------------------------------------------------------

    def _disk(self, member: Copy) -> set[bytes]:
        return self.on_disk.setdefault(member, set())

    def _now_holds(self, member: Copy, leaves: set[bytes]) -> None:
        gone = self._disk(member) - leaves
        self.on_disk[member] = leaves
        self.lost |= gone - set().union(*self.on_disk.values())
        self._told = {key: size for key, size in self._told.items() if key[0] is not member}

    def _check(self, member: Copy, entry: Entry) -> None:
        is_honest = entry.header.party not in self._world.hostile
        if is_honest and self.originals.setdefault(entry.slot, entry.raw) != entry.raw:
            raise self._broken(f"two entries in slot {entry.slot}, one at {member.index}")
        if entry.raw not in self.leaves:
            self.leaves[entry.raw] = tree.leaf_hash(entry.header_bytes)
        kind = entry.header.kind
        if kind not in BY_RULE and entry.leaf not in member.shown:
            raise self._broken(f"{member.index} has not shown entry {entry.slot}")
        if kind == Kind.RECEIPT and entry.header.party == member.index:
            self._check_receipt(member, entry)

    def _check_receipt(self, member: Copy, entry: Entry) -> None:
        """A receipt of ours; if it comes back to us after a restore, it is of an earlier state of the disk."""
        body = entries.read_body(entry.header.kind, entry.body)
        assert isinstance(body, Receipt)
        if entry.header.incarnation != member.node.state.author.incarnation:
            return
        book = member.node.books.books[body.party, body.incarnation]
        if book.root(body.size) != body.root:
            raise self._broken(f"{member.index} receipts a root that it does not hold")
        leaves = [e.leaf for e in book.entries[: body.size]]
        for leaf in (*leaves, *(leaf for _, leaf, _ in body.beyond)):
            if leaf not in self._disk(member):
                raise self._broken(f"{member.index} receipts what is not on its disk")
            self.receipted.add(leaf)

    def _check_ladders(self, member: Copy) -> None:
        """What an author shows of its statements' delivery is what the receipts in the record say, taken together."""
        said = [situation.said_of(entry) for entry in member.node.books.by_leaf.values()]
        found = holdings(said, [one for one in said if one.kind == Kind.RECEIPT])
        for leaf, matter in member.node.state.situation.matters.items():
            if matter.party != member.index:
                continue
            for other in range(len(self._world.members)):
                held, rung = found.get((leaf, other)), matter.ladder.get(other) or Ladder()
                told = (held.durable_ms, held.shown_ms) if held else (None, None)
                if other != member.index and told != (rung.durable_ms, rung.shown_ms):
                    raise self._broken(f"{member.index} shows {rung} of {other}, the receipts say {told}")

    def _check_picture(self, member: Copy) -> None:
        core = member.node.core
        kept, kept_picture = picture.snapshot(core), core.picture
        core.picture = Kept()
        anew, core.picture = picture.snapshot(core), kept_picture
        if kept != anew:
            raise self._broken(f"{member.index} keeps a picture that is not that of its state")

    def _says_it_holds(self, member: Copy, item: Have | Book, beyond: list[int]) -> None:
        book = member.node.books.books[item.party, item.incarnation]
        key = (member, member.starts, book.id)
        told = self._told.get(key, 0)
        disk = self._disk(member)
        new = [*book.entries[told : item.size], *(e for seq in beyond if (e := book.get(seq)))]
        if item.size > book.size or any(entry.leaf not in disk for entry in new):
            raise self._broken(
                f"{member.index} says that it holds {item.size} of {item.party}, which its disk does not"
            )
        self._told[key] = max(told, item.size)

    def _broken(self, what: str) -> Broken:
        return Broken(f"seed {self._world.seed}, {self._world.now} ms: {what}")


def reading(state: State) -> dict[bytes, Any]:
    """What a node makes of the record, as far as every node must make the same of it."""
    situation = state.situation
    read: dict[bytes, Any] = {
        leaf: (
            m.party,
            m.kind,
            m.status,
            m.words,
            sorted(m.successors),
            m.answer,
            m.clarified,
            m.marks,
            m.findings,
            sorted((i, rung.read_ms, rung.read_back) for i, rung in m.ladder.items() if rung.read_ms is not None),
        )
        for leaf, m in situation.matters.items()
    }
    return {**read, b"understandings": situation.understandings, b"linked": sorted(situation.linked)}


def _difference(one: dict[Any, Any], other: dict[Any, Any]) -> str:
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            return f"{key!r}: {_brief(one.get(key))} and {_brief(other.get(key))}"
    return "in the sequence only"


def _brief(value: Any) -> str:
    return f"entries {sorted(value)[-5:]} of {len(value)}" if isinstance(value, dict) else repr(value)
