"""Verifying a record: what one file shows by itself, to somebody who trusts nobody in it.

The law: every byte is accounted for. A **fault** is what a right record never has, and stands with its place, in
words, with the bytes. A **contradiction** is two things that one author signed and that cannot both be: anybody can
verify it from the evidence alone. A **remark** is no fault of the record: what is named and not here, clocks that
disagree, a statement that cannot be read, a signature past the end of its key. A record cut short is no fault; what it
lacks is named as missing. The first item makes the line: the reader compares its id with the one that he knows.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from keepclear.accord import statement
from keepclear.accord.statement import BY_RULE, Kind, Link, Receipt
from keepclear.record import archive, checkpoint, claims, clocks, key_remarks
from keepclear.record.archive import Item, ItemKind
from keepclear.record.checkpoint import Verified
from keepclear.record.claims import Claim, Place
from keepclear.record.entry import BadEntry, Entry, Unlisted, check, read, read_body
from keepclear.record.genesis import BadGenesis, Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import BookId, Logbooks, Verdict
from keepclear.record.note import BadNote
from keepclear.record.sequence import merge, others

MAX_FINDINGS: Final = 1_000  # of one sort; more are counted, not kept
MAX_NAMED: Final = 5  # entries of a circle that the words name; one of each member is the longest that is likely


class Finding(msgspec.Struct, frozen=True):
    """What was found: which rule, where, in words, and the bytes that show it."""

    rule: str
    text: str
    at: int
    party: int | None = None
    incarnation: bytes = b""
    seq: int | None = None
    evidence: tuple[bytes, ...] = ()


class Missing(msgspec.Struct, frozen=True):
    """A logbook of which more is named than is here, and where the most of it is named."""

    book: BookId
    here: int
    named: int
    by: str


class Report(msgspec.Struct):
    """What a record is and what is wrong with it. `genesis` is None when it is unreadable from the start."""

    genesis: Genesis | None = None
    logbooks: Logbooks = msgspec.field(default_factory=Logbooks)
    keys: KeyBook | None = None
    entries: int = 0
    notes: int = 0
    signatures: int = 0
    unreadable: Finding | None = None
    faults: list[Finding] = []
    contradictions: list[Finding] = []
    remarks: list[Finding] = []
    missing: list[Missing] = []
    open_claims: list[Claim] = []
    not_kept: int = 0

    @property
    def sound(self) -> bool:
        """Whether the record is whole as far as it goes: readable, without fault or contradiction."""
        return self.unreadable is None and not self.faults and not self.contradictions

    def joint(self) -> bytes:
        """The joint checkpoint of all logbooks in the record. Raises ValueError when there is no genesis."""
        if self.genesis is None:
            raise ValueError("a record without a genesis has no joint checkpoint")
        return checkpoint.joint(self.genesis.line, self.logbooks.all())


def verify(chunks: Iterable[bytes]) -> Report:
    """Everything that the bytes of a record file show. Never raises for what is in them."""
    reader = _Reader()
    try:
        for item in archive.read(chunks):
            reader.take(item)
        if reader.report.genesis is None:
            raise archive.Unreadable(len(archive.MAGIC), "a record has a genesis")
    except archive.Unreadable as error:
        reader.report.unreadable = Finding("file", str(error), error.at)
    if reader.report.genesis is not None:
        reader.conclude(reader.report.genesis)
    return reader.report


class _Reader:
    """Takes the items of one record in turn, then looks at the whole."""

    def __init__(self) -> None:
        self.report = Report()
        self.last_place: tuple[object, ...] = ()
        self.positions: dict[bytes, int] = {}
        self.claims: list[Claim] = []
        self.named: dict[BookId, tuple[int, str]] = {}
        self.unlisted: list[tuple[Item, Entry]] = []  # whose key list has not come yet
        self.checked: list[Verified] = []

    # -- item by item ------------------------------------------------------------------------------------------------

    def take(self, item: Item) -> None:
        genesis = self.report.genesis
        if genesis is None or item.kind == ItemKind.GENESIS:
            self._genesis(item)
        elif item.kind == ItemKind.ENTRY:
            self._entry(item, genesis)
        else:
            self._note(item, genesis)

    def _genesis(self, item: Item) -> None:
        if item.kind != ItemKind.GENESIS or self.report.genesis is not None:
            raise archive.Unreadable(item.at, "a record has one genesis, and it stands first")
        try:
            self.report.genesis = Genesis.read(item.data)
            self.report.keys = KeyBook(self.report.genesis)
        except BadGenesis as error:
            raise archive.Unreadable(item.at, f"genesis: {error}") from error

    def _entry(self, item: Item, genesis: Genesis) -> None:
        self.report.entries += 1
        try:
            entry = read(item.data, genesis.body.limits.entry_bytes)
            check(entry, genesis, self.report.keys)
        except Unlisted:
            self._in_place(item, archive.entry_place(entry))
            self.unlisted.append((item, entry))
            return
        except BadEntry as error:
            self._keep(self.report.faults, Finding("entry", str(error), item.at, evidence=(item.data,)))
            return
        self._in_place(item, archive.entry_place(entry))
        self._take(entry, item, genesis)

    def _take(self, entry: Entry, item: Item, genesis: Genesis) -> None:
        """Takes in an entry that has been checked, and what had waited for the key list that it carries."""
        self.report.signatures += 1 + len(entry.releases)
        verdict, contradiction = self.report.logbooks.add(entry)
        if contradiction:
            evidence = contradiction.one, contradiction.other
            self._keep(self.report.contradictions, self._at(entry, item.at, "chain", contradiction.reason, evidence))
        if verdict == Verdict.FULL:
            self._keep(self.report.faults, self._at(entry, item.at, "chain", verdict.value, (item.data,)))
        elif verdict in (Verdict.APPENDED, Verdict.HELD):
            self.positions[entry.leaf] = item.at
            self._body(entry, item, genesis)
            if self.report.keys and self.report.keys.take(entry) and self.unlisted:
                self._retry(genesis)

    def _retry(self, genesis: Genesis) -> None:
        waiting, self.unlisted = self.unlisted, []
        for item, entry in waiting:
            try:
                check(entry, genesis, self.report.keys)
            except Unlisted:
                self.unlisted.append((item, entry))
            except BadEntry as error:
                self._keep(self.report.faults, self._at(entry, item.at, "entry", str(error), (item.data,)))
            else:
                self._take(entry, item, genesis)

    def _body(self, entry: Entry, item: Item, genesis: Genesis) -> None:
        """Keeps what the statement claims of logbooks."""
        header = entry.header
        place = Place(item.at, header.party, header.incarnation, header.seq, item.data)
        try:
            body = read_body(header.kind, entry.body)
        except statement.Unreadable as error:
            kept = self.report.faults if header.kind in BY_RULE else self.report.remarks
            self._keep(kept, self._at(entry, item.at, "statement", str(error), (item.data,)))
            return
        made, wrong = list[Claim](), list[str]()
        if isinstance(body, Receipt):
            made, wrong = claims.of_receipt(body, place, genesis)
        elif isinstance(body, Link):
            made, wrong = claims.of_link(body, place, genesis)
        self.claims += made
        for text in wrong:
            self._keep(self.report.faults, self._at(entry, item.at, Kind(header.kind).name.lower(), text, (item.data,)))

    def _note(self, item: Item, genesis: Genesis) -> None:
        self.report.notes += 1
        try:
            verified = checkpoint.verify(genesis, item.data, self.report.keys)
        except BadNote as error:
            self._keep(self.report.faults, Finding("checkpoint", str(error), item.at, evidence=(item.data,)))
            return
        found = verified.checkpoint
        self.checked.append(verified)
        if verified.raw != item.data:
            text = "a signature that is not of a known key, or repeated, or out of sequence; a record holds none"
            self._keep(
                self.report.faults,
                Finding("checkpoint", text, item.at, found.party, found.incarnation, evidence=(item.data,)),
            )
        self.report.signatures += len(verified.signers)
        self._in_place(item, archive.note_place(item.data))
        self.claims.append(claims.of_checkpoint(found, Place(item.at, found.party, found.incarnation, None, item.data)))

    def _in_place(self, item: Item, place: tuple[object, ...]) -> None:
        here = (item.kind, *place)
        if here <= self.last_place:
            text = "out of the sequence of a record: entries by party, start, incarnation, seq; notes by origin, size"
            self._keep(self.report.faults, Finding("sequence", text, item.at, evidence=(item.data,)))
        self.last_place = here

    # -- the whole ---------------------------------------------------------------------------------------------------

    def conclude(self, genesis: Genesis) -> None:
        """Everything that needs all of the record. What still waits for a key list cannot be verified by it."""
        for item, entry in self.unlisted:
            text = (
                f"signed under key list {entry.header.epoch} of {genesis.names[entry.header.party]}, not in this record"
            )
            self._keep(self.report.faults, self._at(entry, item.at, "key list", text, (item.data,)))
        merged = merge(self.report.logbooks.books.values())
        for circle in merged.circles:
            names = ", ".join(self._name(*entry.slot) for entry in circle[:MAX_NAMED])
            evidence = tuple(entry.raw for entry in circle)
            text = f"{len(circle)} entries each name the next as heard before, so none can have been first: {names}"
            self._keep(self.report.faults, self._at(circle[0], self.positions[circle[0].leaf], "seen", text, evidence))
        self._seen(merged.entries, genesis)
        self._claims()
        self._notes_against_each_other()
        self._clocks(merged.entries, genesis)
        if self.report.keys:
            self._ends(self.report.keys, merged.entries)
        for book, (named, by) in sorted(self.named.items()):
            held = self.report.logbooks.books.get(book)
            here = held.size if held else 0
            if named > here:
                self.report.missing.append(Missing(book, here, named, by))

    def _seen(self, entries: Iterable[Entry], genesis: Genesis) -> None:
        """What authors name as heard, and what they refer to."""
        for entry in entries:
            header = entry.header
            for member, seen in zip(others(header.party, len(genesis.names)), header.seen, strict=True):
                if seen is not None:
                    self._name_size((member, seen.incarnation), seen.size, entry)
            for leaf in (*header.refs, *((header.replaces,) if header.replaces else ())):
                if leaf not in self.positions:
                    text = f"refers to {leaf.hex()}, which is not here"
                    self._keep(self.report.remarks, self._at(entry, self.positions[entry.leaf], "missing", text, ()))

    def _ends(self, keys: KeyBook, entries: Iterable[Entry]) -> None:
        """What the key lists say of each other and of the entries."""
        key_remarks.attest(keys, self.checked, self.report.logbooks)
        for one in key_remarks.of(keys, self.report.logbooks, entries):
            kept = self.report.contradictions if one.evidence else self.report.remarks
            self._keep(kept, self._at(one.entry, self.positions[one.entry.leaf], one.rule, one.text, one.evidence))

    def _name_size(self, book: BookId, size: int, by: Entry) -> None:
        if size > self.named.get(book, (0, ""))[0]:
            self.named[book] = size, self._name(*by.slot)

    def _claims(self) -> None:
        wrong, self.report.open_claims = claims.settle(self.claims, self.report.logbooks)
        for one in wrong:
            claim = one.claim
            kept = self.report.contradictions if claim.own else self.report.faults
            self._keep(kept, _finding(claim, one.entry, self._name(*claim.book, None)))
        for claim in self.report.open_claims:
            if claim.needs > self.named.get(claim.book, (0, ""))[0]:
                by = self._name(claim.place.party, claim.place.incarnation, claim.place.seq)
                self.named[claim.book] = claim.needs, f"{claim.rule} of {by}"

    def _notes_against_each_other(self) -> None:
        """Two roots of one size, of which one can be open because its entries are not here."""
        first: dict[tuple[BookId, int], Claim] = {}
        for claim in self.report.open_claims:
            if claim.rule == "checkpoint":
                other = first.setdefault((claim.book, claim.count), claim)
                if other.hash != claim.hash:
                    text = f"two roots at size {claim.count}"
                    evidence = other.place.raw, claim.place.raw
                    self._keep(
                        self.report.contradictions,
                        Finding("checkpoint", text, claim.place.at, *claim.book, evidence=evidence),
                    )

    def _clocks(self, entries: list[Entry], genesis: Genesis) -> None:
        for entry, text in clocks.disagreements(entries, self.report.logbooks, genesis.names):
            self._keep(self.report.remarks, self._at(entry, self.positions[entry.leaf], "clock", text, ()))

    # -- words -------------------------------------------------------------------------------------------------------

    def _keep(self, kept: list[Finding], finding: Finding) -> None:
        if len(kept) < MAX_FINDINGS:
            kept.append(finding)
        else:
            self.report.not_kept += 1

    def _at(self, entry: Entry, at: int, rule: str, text: str, evidence: tuple[bytes, ...]) -> Finding:
        return Finding(rule, text, at, *entry.slot, evidence=evidence)

    def _name(self, party: int, incarnation: bytes, seq: int | None) -> str:
        names = self.report.genesis.names if self.report.genesis else ()
        return f"{names[party]} {incarnation.hex()}" + ("" if seq is None else f" entry {seq}")


def _finding(claim: Claim, entry: Entry | None, name: str) -> Finding:
    what = f"a root at size {claim.count}" if claim.of_root else f"a leaf at {claim.count}"
    evidence = (claim.place.raw, entry.raw) if entry else (claim.place.raw,)
    text = f"{claim.rule}: names {what} of {name} that its entries do not have"
    return Finding(
        claim.rule, text, claim.place.at, claim.place.party, claim.place.incarnation, claim.place.seq, evidence
    )
