"""Comparing the records of several holders: is it one record?

The law: records are identical when they hold the same headers; one holder may know less, and then each logbook of
one is a prefix of the other's. Anything else is a fault of a record or a contradiction of an author, with the two
signed things that show it. What one record only claims (a checkpoint beyond its own entries) is held against the
entries of the others.
"""

from collections.abc import Sequence
from enum import Enum
from itertools import combinations

import msgspec

from keepclear.record import claims
from keepclear.record.entry import Entry
from keepclear.record.logbook import Incarnation
from keepclear.record.verify import Finding, Report


class Sameness(Enum):
    """What records are to each other."""

    IDENTICAL = "identical"
    PREFIX = "one record, of which not everybody has all"
    CONTRADICTION = "a fault or a contradiction"
    UNREADABLE = "unreadable, or records of different lines"


class Comparison(msgspec.Struct, frozen=True):
    """The answer, what each lacks of the others in words, and the contradictions between them with evidence."""

    sameness: Sameness
    differences: tuple[str, ...]
    contradictions: tuple[Finding, ...]


def compare(reports: Sequence[Report], names: Sequence[str]) -> Comparison:
    """What verified records are to each other; `names` are what the words call them."""
    lines = [report.genesis.line.hex() if report.genesis else "" for report in reports]
    unreadable = [f"{name} is unreadable" for name, one in zip(names, reports, strict=True) if one.unreadable]
    if unreadable or len(set(lines)) > 1:
        others = [] if unreadable else [f"{name} is of line {line}" for name, line in zip(names, lines, strict=True)]
        return Comparison(Sameness.UNREADABLE, (*unreadable, *others), ())
    differences = [
        f"{name} has a fault or a contradiction" for name, one in zip(names, reports, strict=True) if not one.sound
    ]
    failed = bool(differences)
    contradictions: list[Finding] = []
    for (one, one_name), (other, other_name) in combinations(list(zip(reports, names, strict=True)), 2):
        differences += _differences(one, other, one_name, other_name)
        contradictions += _contradictions(one, other)
    if failed or contradictions:
        return Comparison(Sameness.CONTRADICTION, tuple(differences), tuple(contradictions))
    sameness = Sameness.PREFIX if differences else Sameness.IDENTICAL
    return Comparison(sameness, tuple(differences), ())


def _differences(one: Report, other: Report, one_name: str, other_name: str) -> list[str]:
    """Logbook by logbook, where one holds more than the other."""
    out = []
    members = one.genesis.names if one.genesis else ()
    for book in sorted({*one.logbooks.books, *other.logbooks.books}):
        here, there = one.logbooks.books.get(book), other.logbooks.books.get(book)
        if _extent(here) != _extent(there):
            name = f"{members[book[0]]} {book[1].hex()}"
            out.append(f"{name}: {_words(here)} in {one_name}, {_words(there)} in {other_name}")
    return out


def _extent(book: Incarnation | None) -> tuple[int, list[int]]:
    return (book.size, book.beyond()) if book else (0, [])


def _words(book: Incarnation | None) -> str:
    size, beyond = _extent(book)
    return f"{size} entr{'y' if size == 1 else 'ies'}" + (f" and {len(beyond)} past a gap" if beyond else "")


def _contradictions(one: Report, other: Report) -> list[Finding]:
    out = []
    for book in sorted({*one.logbooks.books} & {*other.logbooks.books}):
        pair = _first_difference(one.logbooks.books[book], other.logbooks.books[book])
        if pair:
            evidence = pair[0].raw, pair[1].raw
            out.append(Finding("chain", "two entries in one slot", 0, *pair[0].slot, evidence=evidence))
    if out:
        return out  # what is claimed of logbooks that differ differs too
    return [*_belied(one, other), *_belied(other, one)]


def _first_difference(one: Incarnation, other: Incarnation) -> tuple[Entry, Entry] | None:
    slots = [*range(min(one.size, other.size)), *one.beyond(), *other.beyond()]
    for seq in slots:
        here, there = one.get(seq), other.get(seq)
        if here and there and here.leaf != there.leaf:
            return here, there
    return None


def _belied(one: Report, other: Report) -> list[Finding]:
    """What one record claims beyond its own entries, and the other's entries belie."""
    out = []
    for wrong in claims.settle(one.open_claims, other.logbooks)[0]:
        claim, place = wrong.claim, wrong.claim.place
        evidence = (place.raw, wrong.entry.raw) if wrong.entry else (place.raw,)
        text = f"a {claim.rule} that the entries in another record belie"
        out.append(Finding(claim.rule, text, place.at, place.party, place.incarnation, place.seq, evidence))
    return out
