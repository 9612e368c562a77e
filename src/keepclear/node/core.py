"""What the parts of a node share while one input is worked on: who it is, its state, its record, its effects.

The law: parts change `state` and `books` and add to `effects`; nothing else outlives the step, but for `picture` and
`agreed`, which follow from the state and spare making the same again.
"""

from typing import Final

from keepclear.accord.understanding import InForce
from keepclear.line import peer as peers
from keepclear.line.peer import SlotKey
from keepclear.node.effects import Alarm, Effect, Show
from keepclear.node.snapshot import Kept
from keepclear.node.state import MAX_NOISE_KINDS, State
from keepclear.record.entry import Entry
from keepclear.record.genesis import Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import Incarnation, Logbooks

WATCH: Final = "watch"


class Core:
    """A node at work on one input."""

    def __init__(self, genesis: Genesis, me: int, state: State, books: Logbooks) -> None:
        self.genesis = genesis
        self.me = me
        self.state = state
        self.books = books
        self.keys = KeyBook(genesis)
        self.effects: list[Effect] = []
        self.picture = Kept()
        self.agreed: tuple[tuple[bytes, ...], tuple[InForce, ...]] = ((), ())  # words on understandings, what they make
        self.at_work = b""
        self.on_no_disk = False
        self.by_bundle = False

    @property
    def watches(self) -> bool:
        """Whether this is a watch: none of the members, with no key of the line; it takes in and says nothing."""
        return self.me >= len(self.genesis.names)

    @property
    def is_party(self) -> bool:
        """Whether this is the node of a party, which has to acknowledge and may ask."""
        return self.me in self.genesis.parties()

    @property
    def mono_ms(self) -> int:
        """Our monotonic time."""
        return self.state.now.mono_ms

    @property
    def wall_ms(self) -> int:
        """Our wall clock."""
        return self.state.now.wall_ms

    def emit(self, effect: Effect) -> None:
        """Wants something done."""
        self.effects.append(effect)

    def show(self, what: str, text: str, leaf: bytes | None = None, precedence: int = 4, facts: tuple = ()) -> None:  # type: ignore[type-arg]
        """Puts something before the officer."""
        self.effects.append(Show(what, leaf, precedence, text, facts))

    def alarm(self, what: str, text: str) -> None:
        """Calls the officer."""
        self.effects.append(Alarm(what, text))

    def count_noise(self, kind: str, number: int = 1) -> None:
        """Counts what was dropped."""
        noise = self.state.noise
        if kind in noise or len(noise) < MAX_NOISE_KINDS:
            noise[kind] = noise.get(kind, 0) + number

    def said_of(self, leaf: bytes) -> None:
        """Something has been said of a matter: the picture reads it anew."""
        if self.picture.changed is not None:
            self.picture.changed[leaf] = None

    def entry_in(self, slot: SlotKey) -> Entry | None:
        """The entry in a slot of the record."""
        party, incarnation, seq = peers.split_slot(slot)
        book = self.books.books.get((party, incarnation))
        return book.get(seq) if book else None

    def durable_size(self, book: Incarnation) -> int:
        """How much of a logbook is on disk without a gap."""
        return _dry_size(book, self._wet(book))

    def durable(self, book: Incarnation) -> tuple[int, list[int]]:
        """How much of a logbook is on disk: size without a gap, and slots beyond it."""
        wet = self._wet(book)
        if not wet:
            return book.size, book.beyond()
        size = _dry_size(book, wet)
        seqs = (*range(size, book.size), *book.beyond())
        return size, [s for s in seqs if peers.slot_key(book.party, book.incarnation, s) not in wet]

    def _wet(self, book: Incarnation) -> set[SlotKey]:
        """The slots of a logbook that are not on disk yet."""
        key = peers.book_key(book.party, book.incarnation)
        return {slot for slot in self.state.undurable if slot.startswith(key)}

    def name(self, member: int) -> str:
        """A member's name; that of the watch, if this is one."""
        return WATCH if member >= len(self.genesis.names) else self.genesis.names[member]


def _dry_size(book: Incarnation, wet: set[SlotKey]) -> int:
    # Slots of one logbook are in the sequence of their bytes.
    return min(book.size, peers.split_slot(min(wet))[2]) if wet else book.size
