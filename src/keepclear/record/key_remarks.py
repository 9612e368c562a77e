"""What the key lists of a record say of each other and of its entries, in words, for `verify`.

The law: two lists of one member and number are a contradiction, shown by the two entries that carry them. All else is a
remark: a list that says less than was cosigned, a node key that is not the one committed to, and every entry with a
signature past the end of its key.
"""

from collections.abc import Iterable, Iterator

import msgspec

from keepclear.record.checkpoint import Verified
from keepclear.record.entry import Entry
from keepclear.record.key_book import KeyBook
from keepclear.record.key_list import KeyList
from keepclear.record.logbook import Logbooks


class KeyRemark(msgspec.Struct, frozen=True):
    """What was found, and of which entry. `evidence` are the entries of a contradiction; none for a remark."""

    entry: Entry
    rule: str
    text: str
    evidence: tuple[bytes, ...] = ()


def attest(keys: KeyBook, notes: Iterable[Verified], logbooks: Logbooks) -> None:
    """Tells a key book which sizes other members have cosigned, as far as the entries here have those roots."""
    for one in notes:
        at = one.checkpoint
        book = logbooks.books.get((at.party, at.incarnation))
        if one.is_cosigned and book and at.size <= book.size and book.root(at.size) == at.root:
            keys.cosigned(at.party, at.incarnation, at.size)


def of(keys: KeyBook, logbooks: Logbooks, entries: Iterable[Entry]) -> Iterator[KeyRemark]:
    """All that is to be said of the key lists, by member and number, and then of the entries, in their sequence."""
    for member in range(len(keys.genesis.names)):
        for one in keys.lists(member):
            yield from _of_list(keys, logbooks, one)
    for entry in entries:
        for end in keys.beyond(entry):
            yield KeyRemark(entry, "key", end.text)


def _of_list(keys: KeyBook, logbooks: Logbooks, one: KeyList) -> Iterator[KeyRemark]:
    entry = _carrier(keys, logbooks, one)
    name = f"key list {one.body.number} of {keys.genesis.names[one.body.member]}"
    for other in keys.twins(one):
        if one.id < other.id:
            evidence = entry.raw, _carrier(keys, logbooks, other).raw
            yield KeyRemark(entry, "key list", f"there are two with the number of {name}, both signed", evidence)
    for incarnation, said, size in keys.raised(one):
        text = f"{name} says {said} entries of {incarnation.hex()}, another member has cosigned {size}: {size} is read"
        yield KeyRemark(entry, "key list", text)
    if keys.was_committed(one) is False:
        yield KeyRemark(entry, "key list", f"{name} names another node key than was committed to")


def _carrier(keys: KeyBook, logbooks: Logbooks, one: KeyList) -> Entry:
    return logbooks.by_leaf[min(keys.carriers(one))]
