"""Clocks that cannot all be right, as the entries show them.

The law: a clock that goes wrong is no fault of a record and changes nothing in it; it is said, with the worst case,
because every bracket and every effective notice time rests on the clocks' stated errors.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from keepclear.record.entry import Entry
from keepclear.record.logbook import BookId, Logbooks
from keepclear.record.timeline import receipts

Worst = tuple[int, Entry]
K = TypeVar("K")


def disagreements(entries: Sequence[Entry], logbooks: Logbooks, names: Sequence[str]) -> list[tuple[Entry, str]]:
    """Each kind of disagreement once, at the entry where it is worst, in words: an author's clock that went back, a
    receiver that held an entry before its author says that it spoke. `entries` are in the sequence of their logbooks.
    """
    out = []
    for party, (ms, entry) in sorted(_backwards(entries).items()):
        out.append((entry, f"the clock of {names[party]} went back by {ms} ms more than its stated error"))
    for (by, of), (ms, entry) in sorted(_early(entries, logbooks).items()):
        text = f"{names[by]} received {ms} ms before {names[of]} says that it spoke: their clocks disagree"
        out.append((entry, text))
    return out


def _backwards(entries: Iterable[Entry]) -> dict[int, Worst]:
    worst: dict[int, Worst] = {}
    last: dict[BookId, Entry] = {}
    for entry in entries:
        before = last.get(entry.slot[:2])
        if before is not None:
            _worse(
                worst, entry.header.party, _earliest_ms(before) - entry.header.wall_ms - entry.header.wall_err_ms, entry
            )
        last[entry.slot[:2]] = entry
    return worst


def _early(entries: Iterable[Entry], logbooks: Logbooks) -> dict[tuple[int, int], Worst]:
    worst: dict[tuple[int, int], Worst] = {}
    for entry, body in receipts(entries):
        held = logbooks.books.get((body.party, body.incarnation))
        for first, count, durable_ms, _ in body.ranges:
            said = held.get(first + count - 1) if held else None  # the last of a range is the latest said
            if said is not None:
                ms = _earliest_ms(said) - durable_ms - entry.header.wall_err_ms
                _worse(worst, (entry.header.party, body.party), ms, entry)
    return worst


def _earliest_ms(entry: Entry) -> int:
    return entry.header.wall_ms - entry.header.wall_err_ms


def _worse(worst: dict[K, Worst], key: K, ms: int, entry: Entry) -> None:
    if ms > (worst[key][0] if key in worst else 0):
        worst[key] = ms, entry
