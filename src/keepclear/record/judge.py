"""What pieces of evidence prove, from the public keys in the genesis alone.

The law: two words of one member on one thing that differ are a contradiction, whatever its reason. What an honest node
can come to by a crash, a restored disk or a copied one is no contradiction here. Where two members are in it, both
readings are told.
"""

from collections import defaultdict
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from keepclear.accord.statement import Receipt
from keepclear.accord.times import span, zulu
from keepclear.record import claims
from keepclear.record.checkpoint import Verified
from keepclear.record.claims import Place
from keepclear.record.court import Court
from keepclear.record.entry import BadEntry, Header
from keepclear.record.evidence import BadEvidence, Evidence, Path
from keepclear.record.genesis import BadGenesis, Genesis
from keepclear.record.key_list import BadList
from keepclear.record.logbook import BookId
from keepclear.record.note import BadNote, KeyType
from keepclear.record.sequence import others


class Rule(StrEnum):
    """What can be proved."""

    SLOT = "two entries in one place"
    START = "two start numbers in one start"
    ROOT = "two roots of one logbook"
    CLONE = "two copies at work"
    LESS = "holds less than it had said"
    LISTS = "two key lists of one number"
    RECEIPT = "receipt for what was not said"
    TIMES = "times that cannot both be"
    HAD = "had it"


class Proven(msgspec.Struct, frozen=True):
    """One thing that the pieces prove: by which rule, of which member, in words.

    `of` is the other member that it may be instead, where the pieces leave that open.
    """

    rule: Rule
    party: int
    text: str
    of: int | None = None


class Judgement(msgspec.Struct, frozen=True):
    """Of which line the pieces are, what they prove, and how many signatures were verified for that."""

    genesis: Genesis
    proven: tuple[Proven, ...]
    signatures: int


def judge(evidence: Evidence) -> Judgement:
    """What the evidence proves; nothing, if `proven` is empty. Raises BadEvidence."""
    try:
        court = Court(Genesis.read(evidence.genesis))
        for piece in evidence.pieces:
            court.know(piece)
        for piece in evidence.pieces:
            court.take(piece)
        for piece in evidence.pieces:
            court.derive(piece)
    except (BadGenesis, BadEntry, BadList, BadNote) as error:
        raise BadEvidence(str(error)) from error
    return Judgement(court.genesis, tuple(one for rule in RULES for one in rule(court)), court.signatures)


def _slots(court: Court) -> list[Proven]:
    out = []
    for (party, incarnation, seq), words in sorted(court.leaves.items()):
        if len(words) > 1:
            text = f"{court.name(party)} has signed {len(words)} entries in one place, number {seq} of its start"
            out.append(Proven(Rule.SLOT, party, f"{text} {incarnation.hex()}: {_told(words)}"))
    return out


def _starts(court: Court) -> list[Proven]:
    return [
        Proven(
            Rule.START, party,
            f"{court.name(party)} has given its start {incarnation.hex()} the numbers {sorted(numbers)}",
        )
        for (party, incarnation), numbers in sorted(court.starts.items())
        if len(numbers) > 1
    ]  # fmt: skip


def _roots(court: Court) -> list[Proven]:
    out = []
    for ((party, incarnation), size), words in sorted(court.roots.items()):
        if len(words) > 1:
            text = f"{court.name(party)} has signed {len(words)} roots over the first {size} entries of its start"
            out.append(Proven(Rule.ROOT, party, f"{text} {incarnation.hex()}: {_told(words)}"))
    return out


def _told(words: dict[bytes, str]) -> str:
    """Hashes that cannot all be, each with what says it."""
    return ", ".join(f"{hash_.hex()[:16]} ({word})" for hash_, word in sorted(words.items()))


def _clones(court: Court) -> list[Proven]:
    named = {(h.party, h.incarnation, old[0]) for h, body in court.links for old in body.old}
    pairs = {(party, min(one, other), max(one, other)) for party, one, other in named if (party, other, one) in named}
    return [
        Proven(
            Rule.CLONE, party,
            f"{court.name(party)} had two processes at work at the same time: starts {one.hex()} and {other.hex()}"
            " have each named the other",
        )
        for party, one, other in sorted(pairs)
        if one != other
    ]  # fmt: skip


def _less(court: Court) -> list[Proven]:
    """Within one start what a member holds of another's logbook only grows."""
    said: defaultdict[tuple[int, bytes, BookId], list[tuple[int, int, bool]]] = defaultdict(list)
    for header in court.headers.values():
        for member, seen in zip(others(header.party, len(court.genesis.names)), header.seen, strict=True):
            if seen is not None:
                said[header.party, header.incarnation, (member, seen.incarnation)].append(
                    (header.seq, seen.size, False)
                )
    for header, body in court.receipts:
        if not 0 <= body.party < len(court.genesis.names):
            continue  # it is for nobody, which is a finding of its own
        book = body.party, body.incarnation
        said[header.party, header.incarnation, book].append((header.seq, body.size, True))
    out = []
    for (party, _, (of, _)), words in sorted(said.items()):
        fallen = _fallen(sorted(words))
        if fallen is not None:
            (seq, size), (later, less) = fallen
            text = f"{court.name(party)} said in entry {seq} that it held {size} entries of {court.name(of)}"
            out.append(Proven(Rule.LESS, party, f"{text}, and in entry {later} of the same start {less}"))
    return out


def _lists(court: Court) -> list[Proven]:
    out = []
    for member, name in enumerate(court.genesis.names):
        numbers = [one.body.number for one in court.lists.lists(member)]
        for number in sorted({number for number in numbers if numbers.count(number) > 1}):
            text = f"the roots of {name} have signed {numbers.count(number)} key lists with the number {number}"
            out.append(Proven(Rule.LISTS, member, text))
    return out


def _receipts(court: Court) -> list[Proven]:
    out = []
    for header, body in court.receipts:
        by, place = court.name(header.party), Place(0, header.party, header.incarnation, header.seq, b"")
        _, faults = claims.of_receipt(body, place, court.genesis)
        if faults:
            out.append(Proven(Rule.RECEIPT, header.party, f"{by}'s receipt cannot be: {'; '.join(faults)}"))
            continue
        book, of = (body.party, body.incarnation), court.name(body.party)
        words = court.roots.get((book, body.size), {}) if body.size else {}
        wrong = bool(words) and body.root not in words
        wrong = wrong or any(
            (known := court.leaves.get((*book, seq))) and leaf not in known for seq, leaf, _ in body.beyond
        )
        if wrong:
            text = f"{by}'s receipt is not for the entries that {of} signed here, up to {body.size}"
            both = f"either {by} signed for what it does not hold, or {of} signed others, which {by} can show"
            out.append(Proven(Rule.RECEIPT, header.party, f"{text}: {both}", body.party))
    out += _two_receipts(court)
    return out


def _two_receipts(court: Court) -> list[Proven]:
    """Two receipts of one start for one size, with different roots: a process holds one logbook, not two."""
    roots: defaultdict[tuple[int, bytes, BookId, int], set[bytes]] = defaultdict(set)
    for header, body in court.receipts:
        roots[header.party, header.incarnation, (body.party, body.incarnation), body.size].add(body.root)
    return [
        Proven(
            Rule.RECEIPT, party,
            f"{court.name(party)} has signed {len(found)} receipts with different roots for the same {size}"
            f" entries of {court.name(of)}",
        )
        for (party, _, (of, _), size), found in sorted(roots.items())
        if len(found) > 1
    ]  # fmt: skip


def _times(court: Court) -> list[Proven]:
    """What was said later in one start, or cites another's entry, and says that it is earlier than that."""
    out = []
    by_book: defaultdict[BookId, list[Header]] = defaultdict(list)
    for header in court.headers.values():
        by_book[header.party, header.incarnation].append(header)
    for (party, _), found in sorted(by_book.items()):
        for before, after in pairwise(sorted(found, key=lambda header: header.seq)):
            if before.seq < after.seq and (early_ms := _earlier_ms(before, after)) > 0:
                text = f"{court.name(party)} says that entry {after.seq} was said {span(early_ms)} or more before"
                out.append(Proven(Rule.TIMES, party, f"{text} entry {before.seq}, which stands before it"))
    for header in court.headers.values():
        for leaf in (*header.refs, *((header.replaces,) if header.replaces else ())):
            cited = court.headers.get(leaf)
            if cited is not None and cited.party != header.party and (early_ms := _earlier_ms(cited, header)) > 0:
                text = f"{court.name(header.party)} says that entry {header.seq} was said {span(early_ms)} or more"
                text += f" before what it cites, entry {cited.seq} of {court.name(cited.party)}: one of the two"
                out.append(Proven(Rule.TIMES, header.party, f"{text} clocks is further off than declared"))
    return out


def _had(court: Court) -> list[Proven]:
    """That a member has signed that it had another's entry."""
    out = []
    for path, root in court.paths:
        for header, body in court.receipts:
            if (body.size, body.root) == (path.size, root):
                out += _had_by(court, header.party, path.leaf, path.seq, (body.party, body.incarnation), body)
        for verified in court.notes:
            at = verified.checkpoint
            if (at.size, at.root) == (path.size, root):
                out += _cosigned(court, verified, path)
    for header, body in court.receipts:
        for seq, leaf, durable_ms in body.beyond:
            out += _had_at(court, header.party, leaf, seq, (body.party, body.incarnation), (durable_ms, None))
    return out


def _had_by(court: Court, by: int, leaf: bytes, seq: int, book: BookId, body: Receipt) -> list[Proven]:
    times = next(((d, s) for first, count, d, s in body.ranges if first <= seq < first + count), (None, None))
    return _had_at(court, by, leaf, seq, book, times)


def _had_at(
    court: Court, by: int, leaf: bytes, seq: int, book: BookId, times: tuple[int | None, int | None]
) -> list[Proven]:
    said = court.headers.get(leaf)
    if said is None or (said.party, said.incarnation, said.seq) != (*book, seq) or by == said.party:
        return []
    durable_ms, shown_ms = times
    text = f"{court.name(by)} has signed that entry {seq} of {court.name(said.party)} ({leaf.hex()[:16]}) was on"
    text += " its disk" + ("" if durable_ms is None else f" at {zulu(durable_ms)}")
    text += "" if shown_ms is None else f" and had been displayed to an officer at {zulu(shown_ms)}"
    return [Proven(Rule.HAD, by, f"{text}, by its own clock")]


def _cosigned(court: Court, verified: Verified, path: Path) -> list[Proven]:
    at = verified.checkpoint
    said = court.headers.get(path.leaf)
    if said is None or (said.party, said.incarnation, said.seq) != (at.party, at.incarnation, path.seq):
        return []
    return [
        Proven(
            Rule.HAD, one.key.member,
            f"{court.name(one.key.member)} has cosigned a checkpoint with entry {path.seq} of"
            f" {court.name(at.party)} ({path.leaf.hex()[:16]}) in it at {zulu(one.time_s * 1_000)}, by its own clock",
        )
        for one in verified.signers
        if one.time_s is not None and one.key.type is KeyType.COSIGNATURE
    ]  # fmt: skip


def _earlier_ms(before: Header, after: Header) -> int:
    """By how much `after` says that it is the earlier one, beyond what both declare; not positive if it does not."""
    return before.wall_ms - abs(before.wall_err_ms) - after.wall_ms - abs(after.wall_err_ms)


def _fallen(words: list[tuple[int, int, bool]]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Where a size falls: (seq, size) before and after. A receipt is of what is on disk, so it may be less than what
    a header before it has seen, never less than another receipt.
    """
    seen, receipted = (-1, 0), (-1, 0)
    for seq, size, is_receipt in words:
        before = receipted if is_receipt else max(seen, receipted, key=lambda word: word[1])
        if size < before[1]:
            return before, (seq, size)
        if is_receipt:
            receipted = max(receipted, (seq, size), key=lambda word: word[1])
        else:
            seen = max(seen, (seq, size), key=lambda word: word[1])
    return None


RULES: Final = (_slots, _starts, _roots, _clones, _less, _lists, _receipts, _times, _had)
