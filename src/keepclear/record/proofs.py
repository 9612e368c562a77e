"""Finding in a record what can be proved of its members, and putting each proof together.

The law: nothing is offered that the judge has not found proven, and of two ways to prove it the one that gives less
away is taken: headers alone, then the RECEIPT or LINK itself, then the chain of headers from the newest checkpoint
before it. A body that an officer has said never goes in.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from keepclear.accord.statement import Kind, Link, Receipt, Unreadable
from keepclear.record import checkpoint, tree
from keepclear.record import entry as entries
from keepclear.record import evidence as files
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import BadEntry, Entry, Header
from keepclear.record.evidence import BadEvidence, Chain, Evidence, Listed, Noted, Path, Piece, Signed, Stated
from keepclear.record.genesis import Genesis
from keepclear.record.judge import Proven, Rule, judge
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import BookId, Incarnation, Logbooks
from keepclear.record.note import BadNote
from keepclear.record.sequence import others

MAX_PROOFS: Final = 100  # that one search answers; the first of each kind and start are enough
WHOLE: Final = (Kind.RECEIPT, Kind.LINK)

Pair = Sequence[bytes]


class Proof(msgspec.Struct, frozen=True):
    """One file of evidence, and what it proves."""

    evidence: Evidence
    proven: tuple[Proven, ...]


def search(genesis: Genesis, books: Logbooks, notes: Iterable[bytes], pairs: Iterable[Pair] = ()) -> list[Proof]:
    """What can be proved of any member, from a record and from pairs of signed things that contradicted each other
    when they came (b"" for one that is not there).
    """
    gathered = _Gathered(genesis, books, notes)
    out = gathered.lists_twice()
    found: set[tuple[Proven, ...]] = set()
    for pair in [*pairs, *_suspects(books, len(genesis.names))]:
        proof = gathered.prove([raw for raw in pair if raw])
        if proof is not None and proof.proven not in found:
            found.add(proof.proven)
            out.append(proof)
        if len(out) >= MAX_PROOFS:
            break
    forked = {
        one.party for proof in out for one in proof.proven if one.of is None and one.rule in (Rule.SLOT, Rule.ROOT)
    }
    return [proof for proof in out if not all(one.of in forked for one in proof.proven)]


def had(genesis: Genesis, books: Logbooks, said: Entry, by: int) -> Proof | None:
    """The proof that a member has signed that it had an entry of another's, by its first receipt for it; or None."""
    best: tuple[int, tuple[Piece, ...]] | None = None
    gathered, book = _Gathered(genesis, books, ()), books.books[said.slot[:2]]
    for one in books.of(by):
        for entry in (*one.entries, *one.held.values()):
            body = _body(entry)
            if not isinstance(body, Receipt) or (body.party, body.incarnation) != book.id:
                continue
            pieces = _covering(book, said, entry, body)
            if pieces is not None and (best is None or entry.header.wall_ms < best[0]):
                best = entry.header.wall_ms, (files.signed(said), *pieces)
    return None if best is None else _judged(gathered.evidence(best[1]), (Rule.HAD,))


def _covering(book: Incarnation, said: Entry, receipt: Entry, body: Receipt) -> tuple[Piece, ...] | None:
    seq = said.header.seq
    if any((at, leaf) == (seq, said.leaf) for at, leaf, _ in body.beyond):
        return (files.stated(receipt),)
    if not any(first <= seq < first + count for first, count, _, _ in body.ranges):
        return None  # an earlier receipt has its time
    if not seq < body.size <= book.size or book.root(body.size) != body.root:
        return None
    hashes = tree.path_of([entry.leaf for entry in book.entries[: body.size]], seq)
    return files.stated(receipt), Path(said.leaf, seq, body.size, tuple(hashes))


def _judged(evidence: Evidence, rules: Sequence[Rule] = ()) -> Proof | None:
    """The proof that the evidence is, if it is one and fits a file."""
    try:
        files.to_bytes(evidence)
        proven = judge(evidence).proven
    except BadEvidence:
        return None
    wanted = tuple(one for one in proven if (one.rule in rules if rules else one.rule is not Rule.HAD))
    return Proof(evidence, wanted) if wanted else None


def _suspects(books: Logbooks, members: int) -> Iterator[Pair]:
    """Pairs of a record's entries that may contradict each other: the judge says whether they do."""
    links: dict[tuple[int, bytes, bytes], Entry] = {}
    for book in books.all():
        before: dict[BookId, tuple[Entry, int]] = {}
        yield from _worst_times(book)
        for entry in (*book.entries, *(book.held[seq] for seq in book.beyond())):
            body = _body(entry)
            if isinstance(body, Receipt):
                yield from _receipt(books, before, entry, body)
            elif isinstance(body, Link):
                for old in body.old:
                    links[book.party, book.incarnation, old[0]] = entry
                    yield (entry.raw,)
            yield from _seen(before, entry, members)
    for (party, one, other), entry in links.items():
        back = links.get((party, other, one))
        if back is not None and one < other:
            yield entry.raw, back.raw


def _receipt(books: Logbooks, before: dict[BookId, tuple[Entry, int]], entry: Entry, body: Receipt) -> Iterator[Pair]:
    of = books.books.get((body.party, body.incarnation))
    if of is None or not 0 <= body.size <= of.size or of.root(body.size) != body.root:
        yield (entry.raw,)
    known = before.get((body.party, body.incarnation))
    if known is not None and body.size < known[1]:
        yield known[0].raw, entry.raw
    elif known is None or body.size > known[1]:
        before[body.party, body.incarnation] = entry, body.size


def _seen(before: dict[BookId, tuple[Entry, int]], entry: Entry, members: int) -> Iterator[Pair]:
    """A header that has seen less of a logbook than one before it, or than a receipt before it was for."""
    for member, seen in zip(others(entry.header.party, members), entry.header.seen, strict=True):
        if seen is None:
            continue
        known = before.get((member, seen.incarnation))
        if known is not None and seen.size < known[1]:
            yield known[0].raw, entry.raw
        elif known is None or seen.size > known[1]:
            before[member, seen.incarnation] = entry, seen.size


def _worst_times(book: Incarnation) -> Iterator[Pair]:
    """The two neighbours of a logbook of which the later one says most that it is the earlier."""
    worst_ms, pair = 0, None
    for before, after in pairwise(book.entries):
        one, other = before.header, after.header
        early_ms = one.wall_ms - abs(one.wall_err_ms) - other.wall_ms - abs(other.wall_err_ms)
        if early_ms > worst_ms:
            worst_ms, pair = early_ms, (before.raw, after.raw)
    if pair is not None:
        yield pair


def _body(entry: Entry) -> Receipt | Link | None:
    if entry.header.kind not in WHOLE:
        return None
    try:
        body = entries.read_body(entry.header.kind, entry.body)
    except Unreadable:
        return None
    return body if isinstance(body, Receipt | Link) else None


class _Gathered:
    """A record at hand, to put proofs together from."""

    def __init__(self, genesis: Genesis, books: Logbooks, notes: Iterable[bytes]) -> None:
        self.genesis, self.books = genesis, books
        self.lists = KeyBook(genesis)
        for entry in books.by_leaf.values():
            self.lists.take(entry)
        self.notes: dict[BookId, list[tuple[Checkpoint, bytes]]] = {}
        for raw in notes:
            try:
                at = checkpoint.verify(genesis, raw, self.lists).checkpoint
            except BadNote:
                continue
            self.notes.setdefault((at.party, at.incarnation), []).append((at, raw))

    def prove(self, raws: Sequence[bytes]) -> Proof | None:
        """The proof that signed things contradict each other, or the record; the one that gives least away."""
        said, noted = [], []
        for raw in raws:
            try:
                said.append(entries.read(raw, self.genesis.body.limits.entry_bytes))
            except BadEntry:
                noted.append(raw)
        headers: list[Piece] = [*map(files.signed, said), *map(Noted, noted)]
        whole: list[Piece] = [files.stated(e) if e.header.kind in WHOLE else files.signed(e) for e in said]
        whole += map(Noted, noted)
        proof = self._proof(headers) or (self._proof(whole) if whole != headers else None)
        for book, sizes in self._named(said, noted) if proof is None else ():
            for size in sizes:
                chain = self._chain(book, size)
                proof = self._proof([*whole, *chain]) if chain and proof is None else proof
        return proof

    def _proof(self, pieces: Sequence[Piece]) -> Proof | None:
        return _judged(self.evidence(pieces))

    def evidence(self, pieces: Sequence[Piece]) -> Evidence:
        """The pieces, each once, behind the key lists under which they are signed."""
        lists = (Listed(document) for document in self._listed(pieces))
        return Evidence(self.genesis.document, tuple(dict.fromkeys((*lists, *pieces))))

    def _listed(self, pieces: Sequence[Piece]) -> Iterator[bytes]:
        """The documents of the lists that headers name, and of those whose node key has signed a note."""
        for piece in pieces:
            if isinstance(piece, Signed | Stated):
                header = msgspec.msgpack.decode(piece.header, type=Header)
                named = {(header.party, header.epoch)}
            elif isinstance(piece, Noted):
                signers = checkpoint.verify(self.genesis, piece.note, self.lists).signers
                keys = {one.key.public for one in signers}
                named = {
                    (one.body.member, one.body.number)
                    for member in range(len(self.genesis.names)) for one in self.lists.lists(member)
                    if keys & {one.node_key.ed25519, one.node_key.mldsa}
                }  # fmt: skip
            else:
                continue
            for member, number in sorted(named):
                yield from (one.document for one in self.lists.lists(member) if one.body.number == number)

    def lists_twice(self) -> list[Proof]:
        """Two key lists of one member with one number."""
        out = []
        for member in range(len(self.genesis.names)):
            for one in self.lists.lists(member):
                twins = [other for other in self.lists.twins(one) if one.id < other.id]
                pieces = tuple(Listed(other.document) for other in (one, *twins))
                proof = _judged(Evidence(self.genesis.document, pieces), (Rule.LISTS,)) if twins else None
                out += [proof] if proof else []
        return out

    def _named(self, said: Sequence[Entry], noted: Sequence[bytes]) -> Iterator[tuple[BookId, list[int]]]:
        """The logbooks that words are about, with the sizes that they name."""
        for raw in noted:
            try:
                at = checkpoint.verify(self.genesis, raw, self.lists).checkpoint
            except BadNote:
                continue
            yield (at.party, at.incarnation), [at.size]
        for entry in said:
            body = _body(entry)
            if isinstance(body, Receipt):
                yield (body.party, body.incarnation), [body.size, *(seq + 1 for seq, _, _ in body.beyond)]
            elif isinstance(body, Link):
                for incarnation, _, size, _, beyond, _ in body.old:
                    yield (entry.header.party, incarnation), [size, *(seq + 1 for seq, _ in beyond)]

    def _chain(self, id_: BookId, size: int) -> list[Piece]:
        """The headers of a logbook up to a size, from the newest checkpoint before it that is of its entries."""
        book = self.books.books.get(id_)
        if book is None or not 0 < size <= book.size:
            return []
        bases = [(at, raw) for at, raw in self.notes.get(id_, []) if at.size < size and book.root(at.size) == at.root]
        at, raw = max(bases, key=lambda base: base[0].size, default=(None, b""))
        first, peaks, base = 0, tree.Frontier(0, []), list[Piece]()
        if at is not None:
            first, base = at.size, [Noted(raw)]
            for entry in book.entries[:first]:
                peaks.append(entry.leaf)
        headers = tuple(entry.header_bytes for entry in book.entries[first:size])
        return [*base, Chain(first, tuple(peaks.peaks), headers), files.signed(book.entries[size - 1])]
