"""Key book: all key lists known on a line, and how far each key was good.

The law: what it answers follows from the set of lists, of entries that carry them and of cosigned checkpoints that it
was given, never from their sequence. A key is good until a list ends it. An end is never before the newest checkpoint
of that incarnation that another member has cosigned: nobody takes back what others have attested. Of two lists with
one number both are read, and every end in either counts; that there are two is a contradiction of the member's roots.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from keepclear.record import key_list
from keepclear.record.entry import Entry, Keys, carried_by, owners
from keepclear.record.genesis import Genesis, Key
from keepclear.record.key_list import KeyList

SESSION_KEYS: Final = 2  # node keys that may begin a session: not everybody knows the newest list yet

MAX_CARRIERS: Final = 8  # entries with one list that are kept in mind: each of five members may say it

Start = tuple[int, bytes]  # party, incarnation


class Beyond(msgspec.Struct, frozen=True):
    """A signature past the end of its key: the seat ("" for the node), the list that ends it, how far it was good."""

    seat: str
    number: int
    good: int

    @property
    def text(self) -> str:
        """In words."""
        whose = f"the key of seat {self.seat}" if self.seat else "its key"
        return f"{whose} was good for {self.good} entries of this start (key list {self.number})"


class KeyBook:
    """The key lists of all members of a line. `version` is raised by whatever may change an answer."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.version = 0
        self._lists: dict[int, dict[int, list[KeyList]]] = {}
        self._carried: dict[tuple[bytes, bytes], int] = {}
        self._carriers: dict[bytes, list[bytes]] = {}
        self._cosigned: dict[Start, int] = {}
        self._every: tuple[int, tuple[tuple[Key, ...], ...]] = -1, ()

    # -- what is put in ----------------------------------------------------------------------------------------------

    def take(self, entry: Entry) -> KeyList | None:
        """The key list that an entry of the record carries, now known; None when it carries none."""
        found = carried_by(entry, self.genesis)
        if found is None:
            return None
        self.add(found)
        party, incarnation, seq = entry.slot
        if party == found.body.member and seq < self._carried.get((found.id, incarnation), seq + 1):
            self._carried[found.id, incarnation] = seq
            self.version += 1
        carriers = self._carriers.setdefault(found.id, [])
        if entry.leaf not in carriers and len(carriers) < MAX_CARRIERS:
            carriers.append(entry.leaf)
        return found

    def add(self, one: KeyList) -> bool:
        """Takes a list in, however it came; whether it is new."""
        same = self._lists.setdefault(one.body.member, {}).setdefault(one.body.number, [])
        if any(one.id == other.id for other in same):
            return False
        same.append(one)
        same.sort(key=lambda other: other.id)
        self.version += 1
        return True

    def cosigned(self, party: int, incarnation: bytes, size: int) -> bool:
        """Another member has cosigned a checkpoint of that size; whether that can move an end."""
        if size <= self._cosigned.get((party, incarnation), 0):
            return False
        self._cosigned[party, incarnation] = size
        ends = any(one.body.ends for one in self.lists(party))
        self.version += ends
        return ends

    # -- what is known -----------------------------------------------------------------------------------------------

    def lists(self, member: int) -> list[KeyList]:
        """A member's lists, by number."""
        by_number = self._lists.get(member, {})
        return [one for number in sorted(by_number) for one in by_number[number]]

    def newest(self, member: int) -> KeyList | None:
        """A member's list with the highest number; None while that is the genesis."""
        return next(reversed(self.lists(member)), None)

    def twins(self, one: KeyList) -> list[KeyList]:
        """Other lists of the same member and number: a contradiction of its roots."""
        return [other for other in self._lists[one.body.member][one.body.number] if other.id != one.id]

    def carriers(self, one: KeyList) -> list[bytes]:
        """The leaves of the entries that carry a list."""
        return self._carriers.get(one.id, [])

    def at(self, party: int, epoch: int) -> list[Keys]:
        """The keys that a header of this party and epoch may name by index: one list, or each of several twins."""
        if epoch == 0:
            return [self.genesis.keys]
        return [owners(one) for one in self._lists.get(party, {}).get(epoch, [])]

    def node_keys(self, member: int) -> list[Key]:
        """Every node key that the member ever had, each once, by list."""
        keys = [self.genesis.keys[self.genesis.node_key(member)].key, *(one.node_key for one in self.lists(member))]
        return list({key.ed25519: key for key in keys}.values())

    def every_node_key(self) -> tuple[tuple[Key, ...], ...]:
        """Every node key of every member, by its index."""
        if self._every[0] != self.version:
            members = range(len(self.genesis.names))
            self._every = self.version, tuple(tuple(self.node_keys(member)) for member in members)
        return self._every[1]

    def node_place(self, member: int, epoch: int) -> tuple[int, Key]:
        """The member's node key in its list of this number, and at which index; of twins in the first one."""
        [keys, *_] = self.at(member, epoch)
        return next((i, one.key) for i, one in enumerate(keys) if one.member == member and not one.key.seat)

    def seat_place(self, member: int, epoch: int, seat: str) -> int | None:
        """The index of the member's seat in its list of this number; None if it has no such seat there."""
        [keys, *_] = self.at(member, epoch)
        return next((i for i, one in enumerate(keys) if one.member == member and one.key.seat == seat), None)

    def session_keys(self, member: int) -> tuple[bytes, ...]:
        """The node keys by which the member may begin a session: newest first, without those that have ended."""
        keys = [key.ed25519 for key in self.node_keys(member)[-SESSION_KEYS:]]
        good = [key for key in reversed(keys) if not self._endings(member, key)]
        return tuple(good or keys[-1:])

    def was_committed(self, one: KeyList) -> bool | None:
        """Whether its node key is the one that the list before committed to; None when it is unchanged or none was."""
        earlier = [other for other in self.lists(one.body.member) if other.body.number < one.body.number]
        before = earlier[-1].node_key if earlier else self.node_place(one.body.member, 0)[1]
        promised = earlier[-1].body.next if earlier else self.genesis.body.members[one.body.member].next
        if before == one.node_key or not promised:
            return None
        return promised == key_list.commitment(one.node_key)

    # -- how far keys were good --------------------------------------------------------------------------------------

    def good_for(self, member: int, key: bytes, incarnation: bytes) -> tuple[int, int] | None:
        """How many entries of an incarnation a key was good for, and by which list; None while none ends it there."""
        ends = []
        for number, upto in self._endings(member, key):
            size = upto.get(incarnation, 0)
            if size is None:
                size = self._carried_at(member, number, incarnation)
            if size is not None:
                ends.append((max(size, self._cosigned.get((member, incarnation), 0)), number))
        return min(ends, default=None)

    def raised(self, one: KeyList) -> list[tuple[bytes, int, int]]:
        """Where a list says less than another member has cosigned: (incarnation, what it says, what is read)."""
        member = one.body.member
        said = {inc: size for ending in one.body.ends for inc, size in ending.upto if size is not None}
        floors = [(inc, said.get(inc, 0), size) for (party, inc), size in self._cosigned.items() if party == member]
        unsaid = {inc for ending in one.body.ends for inc, size in ending.upto if size is None}
        return sorted((inc, few, size) for inc, few, size in floors if few < size and inc not in unsaid)

    def beyond(self, entry: Entry) -> tuple[Beyond, ...]:
        """The signatures on an entry that are past the end of their key; none for nearly all entries."""
        h = entry.header
        if not any(one.body.ends for one in self._all(h.party)):
            return ()
        found = {}
        for keys in self.at(h.party, h.epoch):
            for index in (h.key, *(release.key for release in entry.releases)):
                key = keys[index].key if 0 <= index < len(keys) else None
                end = self.good_for(h.party, key.ed25519, h.incarnation) if key else None
                if key and end is not None and h.seq >= end[0]:
                    found[key.seat] = Beyond(key.seat, end[1], end[0])
        return tuple(found[seat] for seat in sorted(found))

    def _all(self, member: int) -> Iterable[KeyList]:
        return (one for same in self._lists.get(member, {}).values() for one in same)

    def _endings(self, member: int, key: bytes) -> list[tuple[int, dict[bytes, int | None]]]:
        return [
            (one.body.number, dict(ending.upto)) for one in self.lists(member) for ending in one.body.ends
            if ending.key == key
        ]  # fmt: skip

    def _carried_at(self, member: int, number: int, incarnation: bytes) -> int | None:
        """How many entries an incarnation has up to the one that carries a list; None when it has none that does."""
        found = (self._carried.get((one.id, incarnation)) for one in self._lists[member][number])
        return min((seq + 1 for seq in found if seq is not None), default=None)
