"""Said: a statement together with the few facts of its header on which rules, phrases and the tally rest.

The law: every value here stands in an entry, so both ends hold the same. Times are wall clocks as their owners gave
them, each with its own error: a saying time is the author's, a shown time the receiver's.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from keepclear.accord.statement import Body, Kind, Receipt

Place = tuple[int, int, bytes, int, bytes]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one entry said. `leaf` is its hash; `body` is None for a kind unknown here or a body that is unreadable.

    `releases` is how many seats have signed it.
    """

    leaf: bytes
    party: int
    start: int
    incarnation: bytes
    seq: int
    wall_ms: int
    wall_err_ms: int
    precedence: int
    kind: int
    replaces: bytes | None = None
    refs: tuple[bytes, ...] = ()
    seat: str = ""
    releases: int = 0
    body: Body | None = None

    @property
    def place(self) -> Place:
        """The canonical sequence of a record: party, start, incarnation, seq; the hash parts two in one slot."""
        return self.party, self.start, self.incarnation, self.seq, self.leaf

    @property
    def earliest_ms(self) -> int:
        """The earliest moment at which it can have been said, by the author's clock and declared error."""
        return self.wall_ms - abs(self.wall_err_ms)

    @property
    def latest_ms(self) -> int:
        """The latest moment at which it can have been said."""
        return self.wall_ms + abs(self.wall_err_ms)


class Held(msgspec.Struct, frozen=True):
    """What one party's receipts say of one entry: durable and displayed since when, by its clock, give or take."""

    durable_ms: int
    shown_ms: int | None
    err_ms: int

    @property
    def shown_latest_ms(self) -> int | None:
        """The latest moment at which it was displayed: the least favourable end; None if no receipt says so."""
        return None if self.shown_ms is None else self.shown_ms + self.err_ms


def in_sequence(history: Iterable[Said]) -> list[Said]:
    """The statements of a record in their canonical sequence, each once, whatever sequence they arrived in."""
    return sorted({said.leaf: said for said in history}.values(), key=lambda said: said.place)


def holdings(statements: Sequence[Said], receipts: Iterable[Said]) -> Mapping[tuple[bytes, int], Held]:
    """Per (leaf, receiving party) the first durable and first displayed time that the party's receipts give.

    Receipts are entries of kind RECEIPT; others are passed over. Of several that cover an entry the earliest counts.
    """
    slots: dict[tuple[int, bytes], list[tuple[int, bytes]]] = defaultdict(list)
    for said in statements:
        slots[said.party, said.incarnation].append((said.seq, said.leaf))
    for entries in slots.values():
        entries.sort()
    found: dict[tuple[bytes, int], Held] = {}
    for receipt in receipts:
        body = receipt.body
        if receipt.kind != Kind.RECEIPT or not isinstance(body, Receipt) or receipt.party == body.party:
            continue
        entries = slots.get((body.party, body.incarnation), [])
        err_ms = abs(receipt.wall_err_ms)
        for first, count, durable_ms, shown_ms in body.ranges:
            for at in range(bisect_left(entries, (first,)), bisect_left(entries, (first + count,))):
                _keep(found, (entries[at][1], receipt.party), Held(durable_ms, shown_ms, err_ms))
        for seq, leaf, durable_ms in body.beyond:
            at = bisect_left(entries, (seq, leaf))
            if entries[at : at + 1] == [(seq, leaf)]:
                _keep(found, (leaf, receipt.party), Held(durable_ms, None, err_ms))
    return found


def _keep(found: dict[tuple[bytes, int], Held], key: tuple[bytes, int], new: Held) -> None:
    """Merge so that the sequence of receipts does not matter: each time is the earliest given, the error the widest."""
    old = found.get(key)
    if old is None:
        found[key] = new
        return
    shown = [ms for ms in (old.shown_ms, new.shown_ms) if ms is not None]
    found[key] = Held(min(old.durable_ms, new.durable_ms), min(shown, default=None), max(old.err_ms, new.err_ms))
