"""What must hold after every step, whatever the weather: looked at from outside, over all members at once.

- A slot that anybody signed holds one entry, for ever; every copy of it is byte-equal to the original.
- A copy is a prefix of the original and entries held past a gap.
- What has been receipted by a member is on that member's disk.
- What is on a disk that was never put back is never lost.
"""

from typing import TYPE_CHECKING

from keepclear.accord.statement import Kind, Receipt
from keepclear.host.hands import Group
from keepclear.record import entry as entries
from keepclear.record.entry import Entry

if TYPE_CHECKING:
    from sim.world import Member, World


class Broken(AssertionError):
    """An invariant does not hold; the text says which, where and in which seed."""


class Watch:
    """Follows every copy of every logbook."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.originals: dict[tuple[int, bytes, int], bytes] = {}
        self.on_disk: list[dict[bytes, bool]] = [{} for _ in world.genesis.names]
        self.receipted: dict[bytes, set[int]] = {}
        self.lost: set[bytes] = set()
        self._seen: dict[tuple[int, int, int, bytes], tuple[int, int]] = {}

    def after_step(self, member: "Member") -> None:
        """Looks at what is new in a member's copies."""
        if member.hands is None:
            return
        for book in member.node.books.books.values():
            key = (member.index, member.starts, book.party, book.incarnation)
            known = self._seen.get(key, (0, -1))
            now = (book.size, len(book.held))
            if now == known:
                continue
            for entry in [*book.entries[known[0] :], *book.held.values()]:
                self._check(member, entry)
            if any(seq < book.size for seq in book.held):
                raise self._broken(f"{member.index} holds past the gap what is below it, in {book.party}")
            self._seen[key] = now

    def kept(self, member: "Member", group: Group) -> None:
        """A group is on the member's disk."""
        for leaf, _ in group.entries:
            self.on_disk[member.index][leaf] = True

    def restored(self, member: "Member") -> None:
        """The member's disk was put back: what is there now is what it holds."""
        self.on_disk[member.index] = {leaf: True for leaf, _ in member.journal.entries()}
        for leaf in self.receipted:
            if not any(leaf in disk for disk in self.on_disk):
                self.lost.add(leaf)

    def _check(self, member: "Member", entry: Entry) -> None:
        original = self.originals.setdefault(entry.slot, entry.raw)
        if original != entry.raw:
            raise self._broken(f"two entries in slot {entry.slot}, one at {member.index}")
        if entry.header.kind == Kind.RECEIPT and entry.header.party == member.index:
            self._check_receipt(member, entry)

    def _check_receipt(self, member: "Member", entry: Entry) -> None:
        body = entries.read_body(entry.header.kind, entry.body)
        assert isinstance(body, Receipt)
        book = member.node.books.books[body.party, body.incarnation]
        if book.root(body.size) != body.root:
            raise self._broken(f"{member.index} receipts a root that it does not hold")
        for first, count, _, _ in body.ranges:
            for seq in range(first, first + count):
                self._receipt(member, book.entries[seq].leaf)
        for _, leaf, _ in body.beyond:
            self._receipt(member, leaf)

    def _receipt(self, member: "Member", leaf: bytes) -> None:
        if leaf not in self.on_disk[member.index]:
            raise self._broken(f"{member.index} receipts what is not on its disk")
        self.receipted.setdefault(leaf, set()).add(member.index)

    def at_rest(self) -> None:
        """Once quiet: all copies equal, nothing receipted lost while a disk held it."""
        copies = [
            {book.id: [entry.raw for entry in book.entries] for book in member.node.books.all() if book.size}
            for member in self._world.members
        ]
        for index, copy in enumerate(copies[1:], 1):
            if copy != copies[0]:
                raise self._broken(f"the copies of 0 and {index} differ: {self._difference(copies[0], copy)}")
        held = {entry.leaf for book in self._world.members[0].node.books.all() for entry in book.entries}
        missing = [leaf for leaf in self.receipted if leaf not in held and leaf not in self.lost]
        if missing:
            raise self._broken(f"{len(missing)} receipted entries are lost although a disk held them")
        for member in self._world.members:
            if member.node.state.disputes:
                raise self._broken(f"{member.index} has a dispute: {member.node.state.disputes[0].reason}")

    def _difference(self, one: dict, other: dict) -> str:  # type: ignore[type-arg]
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                return f"logbook {key[0]}/{key[1].hex()}: {len(one.get(key, []))} and {len(other.get(key, []))} entries"
        return "no difference"

    def _broken(self, what: str) -> Broken:
        return Broken(f"seed {self._world.seed}, {self._world.now} ms: {what}")
