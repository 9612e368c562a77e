"""Verifying a record: no byte is spare, each rule finds its own breach, and what is missing is said and not blamed."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from tests.record.build import START_MS, Line, notice, small_line

from keepclear.accord import statement
from keepclear.record import archive, checkpoint, tree, verify
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import Entry, Seen
from keepclear.record.note import KeyType
from keepclear.record.verify import Finding, Report

LINE = small_line()
RECORD = LINE.record()
ITEMS = list(archive.read([RECORD]))


def of(line: Line, entries: Iterable[Entry] | None = None, notes: Iterable[bytes] | None = None) -> Report:
    """The report on a record of these entries and notes."""
    entries = line.entries(0) if entries is None else entries
    notes = [one.raw for one in line.notes.values()] if notes is None else notes
    return verify.verify(archive.write(line.genesis, entries, notes))


def the_only(findings: list[Finding], rule: str, words: str) -> Finding:
    [finding] = findings
    assert finding.rule == rule
    assert words in finding.text
    return finding


def framed(*items: tuple[int, bytes]) -> bytes:
    bodies = [msgspec.msgpack.encode(item) for item in items]
    return archive.MAGIC + b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def all_of(line: Line) -> list[Entry]:
    """What all members hold together."""
    return list({e.leaf: e for member in range(3) for e in line.entries(member)}.values())


# -- the whole -------------------------------------------------------------------------------------------------------


def test_a_whole_record_is_sound_and_counted() -> None:
    report = verify.verify([RECORD])
    assert report.sound
    assert (report.entries, report.notes, report.signatures) == (4, 2, 10)
    assert (report.remarks, report.missing, report.open_claims) == ([], [], [])
    assert report.genesis is not None
    assert report.genesis.line == LINE.genesis.line
    assert report.joint() == checkpoint.joint(LINE.genesis.line, LINE.views[0].all())


def test_a_bit_changed_anywhere_is_found() -> None:
    """Every byte, the eight bits in turn. The bytes of the genesis are looked at without what follows them."""
    record = small_line(names=("ALFA", "BRAVO"), seats=("duty",)).record()
    after_genesis = list(archive.read([record]))[1].at
    for at in range(len(record)):
        changed = bytearray(record if at >= after_genesis else record[:after_genesis])
        changed[at] ^= 1 << at % 8
        assert not verify.verify([bytes(changed)]).sound, f"byte {at}"


def test_a_record_cut_between_items_is_no_fault_and_names_what_it_lacks() -> None:
    for item in ITEMS[1:]:
        assert verify.verify([RECORD[: item.at]]).sound
    report = verify.verify(
        [RECORD[: ITEMS[3].at]]
    )  # BRAVO's receipt is here, its acknowledgement and the notes are not
    assert report.missing == []
    entries = [e for e in LINE.entries(0) if e.header.party != 0]
    [missing] = of(LINE, entries).missing
    assert (missing.book, missing.here, missing.named) == ((0, LINE.incarnation(0)), 0, 1)
    assert missing.by.startswith("BRAVO")


def test_a_record_cut_inside_an_item_is_unreadable_there() -> None:
    report = verify.verify([RECORD[:-1]])
    assert report.unreadable is not None
    assert report.unreadable.at == ITEMS[-1].at
    assert report.entries == 4


@pytest.mark.parametrize(
    "data",
    [
        framed(),
        framed((1, LINE.entries(0)[0].raw)),
        framed((0, LINE.genesis.document[:-1])),
        framed((0, LINE.genesis.document), (0, LINE.genesis.document)),
    ],
    ids=["no item", "no genesis", "half a genesis", "two"],
)
def test_without_one_genesis_in_front_it_is_unreadable(data: bytes) -> None:
    assert verify.verify([data]).unreadable is not None


def test_items_out_of_sequence_or_twice_are_faults() -> None:
    genesis, *rest = [(int(item.kind), item.data) for item in ITEMS]
    swapped = verify.verify([framed(genesis, rest[1], rest[0], *rest[2:])])
    assert {finding.rule for finding in swapped.faults} == {"sequence"}
    twice = verify.verify([framed(genesis, rest[0], *rest)])
    assert the_only(twice.faults, "sequence", "out of the sequence").at == len(framed(genesis, rest[0]))
    notes_first = verify.verify([framed(genesis, rest[-1], *rest[:-1])])
    assert not notes_first.sound


# -- entries ---------------------------------------------------------------------------------------------------------


def test_an_entry_that_is_not_its_authors_is_a_fault_with_its_bytes() -> None:
    said = LINE.entries(0)[0]
    changed = said.raw[:-1] + bytes((said.raw[-1] ^ 1,))
    report = verify.verify([framed((0, LINE.genesis.document), (1, changed))])
    finding = the_only(report.faults, "entry", "the body is not the one")
    assert finding.evidence == (changed,)
    assert finding.at == ITEMS[1].at


def test_two_entries_in_one_slot_are_a_contradiction_that_anybody_can_check() -> None:
    line = small_line()
    first = line.book(0).entries[0]
    other = line.sign(0, line.draft(notice("Not what was said")), headers={"seq": 0, "prev": bytes(32)})
    report = of(line, [*line.entries(0), other])
    finding = the_only([f for f in report.contradictions if f.rule == "chain"], "chain", "two entries in one slot")
    assert set(finding.evidence) == {first.raw, other.raw}


def test_a_chain_that_does_not_join_is_a_contradiction() -> None:
    line = Line()
    line.say(0, notice())
    torn = line.sign(0, line.draft(notice()), headers={"prev": bytes(31) + b"\x01"})
    report = of(line, [*line.entries(0), torn])
    the_only(report.contradictions, "chain", "does not join")
    assert report.faults == []


def test_an_entry_past_a_gap_is_in_the_record_and_the_gap_is_named() -> None:
    line = Line()
    line.say(0, notice("Lost"), heard_by=())
    line.say(0, notice("Got through"), heard_by=(1,))
    line.receipt(1, 0)
    report = of(line, line.entries(1))
    assert report.sound
    assert report.logbooks.books[0, line.incarnation(0)].holes() == [(0, 1)]
    bare = of(line, [e for e in line.entries(1) if e.header.party == 1])
    assert bare.sound
    [missing] = bare.missing
    assert (missing.named, missing.here) == (2, 0)


@pytest.mark.parametrize(("kind", "found_in"), [(statement.Kind.NOTICE, "remarks"), (statement.Kind.RECEIPT, "faults")])
def test_a_statement_that_cannot_be_read_is_a_remark_but_not_one_made_by_rule(
    kind: statement.Kind, found_in: str
) -> None:
    line = Line()
    said = line.say(0, statement.Cancel(text="no body of that kind"), kind=kind)
    report = of(line)
    assert the_only(getattr(report, found_in), "statement", kind.name).evidence == (said.raw,)
    assert report.sound == (found_in == "remarks")


def test_an_unknown_kind_is_no_fault() -> None:
    line = Line()
    line.say(0, notice(), kind=99)
    assert of(line).sound


def test_a_ref_to_what_is_not_here_is_a_remark() -> None:
    line = Line()
    line.say(1, statement.Acknowledgement(step=1), refs=(bytes(32),))
    report = of(line)
    assert report.sound
    the_only(report.remarks, "missing", "refers to 0000")


def test_entries_that_heard_each_other_first_are_a_fault_with_both() -> None:
    line = Line()
    one = line.say(0, notice(), headers={"seen": (Seen(line.incarnation(1), 1, START_MS), None)}, heard_by=())
    other = line.say(1, notice(), headers={"seen": (Seen(line.incarnation(0), 1, START_MS), None)}, heard_by=())
    report = of(line, all_of(line))
    finding = the_only(
        report.faults, "seen", "2 entries each name the next as heard before, so none can have been first"
    )
    assert set(finding.evidence) == {one.raw, other.raw}


def test_an_author_that_names_more_than_is_here_is_told_once_with_the_most() -> None:
    line = Line()
    for size in (3, 7, 5):
        line.say(0, notice(), headers={"seen": (Seen(line.incarnation(1), size, START_MS), None)})
    report = of(line)
    [missing] = report.missing
    assert (missing.book, missing.here, missing.named) == ((1, line.incarnation(1)), 0, 7)
    assert missing.by.endswith("entry 1")


# -- receipts and links ----------------------------------------------------------------------------------------------


def receipt(line: Line, **changes: Any) -> statement.Receipt:
    book = line.book(0, 1)
    fields: dict[str, Any] = {
        "party": 0, "incarnation": book.incarnation, "size": book.size, "root": book.frontier.root(),
        "ranges": ((0, book.size, START_MS, None),),
    }  # fmt: skip
    return statement.Receipt(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": bytes(32)}, "root at size 2"),
        ({"party": 1}, "names another member"),
        ({"party": 3}, "names another member"),
        ({"size": -1, "ranges": ()}, "size is not negative"),
        ({"incarnation": bytes(7)}, "an incarnation has 8 bytes"),
        ({"ranges": ((1, 2, START_MS, None),)}, "times for 2 entries from 1 on, held are 2"),
        ({"ranges": ((-1, 1, START_MS, None),)}, "times for 1 entries from -1"),
        ({"ranges": ((0, 0, START_MS, None),)}, "times for 0 entries"),
        ({"beyond": ((1, bytes(32), START_MS),)}, "held past a gap are [1], yet 2"),
    ],
)
def test_a_receipt_that_cannot_be_is_a_fault(changes: dict[str, Any], words: str) -> None:
    line = Line()
    line.say(0, notice())
    line.say(0, notice())
    said = line.say(1, receipt(line, **changes))
    finding = the_only(of(line).faults, "receipt", words)
    assert finding.evidence[0] == said.raw
    assert (finding.party, finding.seq) == (1, 0)


@pytest.mark.parametrize("right", [True, False])
def test_a_leaf_named_past_a_gap_is_held_against_the_entry(right: bool) -> None:
    line = Line()
    line.say(0, notice(), heard_by=())
    late = line.say(0, notice(), heard_by=(1,))
    leaf = late.leaf if right else bytes(32)
    root = line.book(0, 1).frontier.root()
    said = line.say(1, receipt(line, size=0, root=root, ranges=(), beyond=((1, leaf, START_MS),)))
    report = of(line)
    assert report.sound == right
    if not right:
        assert the_only(report.faults, "receipt", "a leaf at 1 of ALFA").evidence == (said.raw, late.raw)


def test_a_link_is_held_against_its_authors_earlier_starts() -> None:
    for wrong in (False, True):
        line = Line()
        line.say(0, notice())
        old = line.book(0)
        line.restart(0)
        root = bytes(32) if wrong else old.frontier.root()
        body = statement.Link(answered=0b111, old=((old.incarnation, 0, 1, root, (), ()),))
        link = line.say(0, body)
        report = of(line)
        assert report.faults == []
        if wrong:
            finding = the_only(report.contradictions, "link", "a root at size 1 of ALFA")
            assert finding.evidence == (link.raw, old.entries[0].raw)
        else:
            assert report.sound


def test_a_link_names_what_its_author_holds_past_a_gap_of_an_earlier_start() -> None:
    line = Line()
    first, lost, late = (line.say(0, notice(f"Number {n}"), heard_by=()) for n in range(3))
    old, root = line.incarnation(0), tree.root_of([first.leaf])
    line.restart(0)
    line.say(0, statement.Link(answered=0b011, old=((old, 0, 1, root, ((2, late.leaf),), ((1, 1),)),)))
    assert of(line).sound
    assert of(line, [e for e in line.entries(0) if e.leaf != lost.leaf]).sound


def test_a_link_may_name_a_clone_that_started_later() -> None:
    line = Line()
    line.starts[0] = 2
    line.say(0, notice("By the clone"))
    clone = line.book(0)
    line.starts[0] = 1
    line.say(0, statement.Link(answered=0b111, old=((clone.incarnation, 2, 1, clone.frontier.root(), (), ()),)))
    assert of(line).sound


@pytest.mark.parametrize(
    ("answered", "old", "words"),
    [
        (8, (), "answered by 0x8"),
        (7, ((0, -1, 1, bytes(32), (), ()),), "numbered from 0, not -1"),
        (7, ((0, 0, 2, bytes(32), (), ((1, 1),)),), "below the size 2"),
        (7, ((0, 0, 2, bytes(31), (), ()),), "a root 32"),
    ],
)
def test_a_link_that_cannot_be_is_a_fault(answered: int, old: tuple[Any, ...], words: str) -> None:
    line = Line()
    before = line.incarnation(0)
    line.restart(0)
    line.say(0, statement.Link(answered=answered, old=tuple((before, *one[1:]) for one in old)))
    the_only(of(line).faults, "link", words)


# -- checkpoints -----------------------------------------------------------------------------------------------------


def signed_note(line: Line, value: Checkpoint, *others: tuple[int, KeyType]) -> bytes:
    keys = [checkpoint.key(line.genesis, value.party, KeyType.ED25519)]
    keys += [checkpoint.key(line.genesis, member, kind) for member, kind in others]
    return checkpoint.put_together(line.genesis, value, [line.note_line(value, key) for key in keys])


def test_a_checkpoint_that_its_entries_belie_is_its_authors_contradiction() -> None:
    line = small_line()
    note = signed_note(line, Checkpoint(0, line.incarnation(0), 1, bytes(32)))
    finding = the_only(of(line, notes=[note]).contradictions, "checkpoint", "a root at size 1 of ALFA")
    assert finding.evidence == (note, line.book(0).entries[0].raw)


def test_two_roots_at_a_size_that_is_not_here_contradict_each_other() -> None:
    line = small_line()
    notes = [signed_note(line, Checkpoint(0, line.incarnation(0), 9, bytes([n]) * 32)) for n in (1, 2)]
    report = of(line, notes=notes)
    assert set(the_only(report.contradictions, "checkpoint", "two roots at size 9").evidence) == set(notes)
    [missing] = report.missing
    assert (missing.named, missing.here) == (9, 1)
    assert missing.by.startswith("checkpoint of ALFA")


@pytest.mark.parametrize("what", ["stranger", "repeated", "sequence", "not a cosigner"])
def test_a_note_in_a_record_holds_no_line_that_says_nothing(what: str) -> None:
    """C2SP has a reader ignore unknown signatures; in a record they would be bytes that nobody accounts for."""
    line = small_line()
    verified = next(iter(line.notes.values()))
    author, *others = verified.raw[len(verified.text) + 1 :].splitlines(keepends=True)
    lines = {
        "stranger": [author, *others, "— example.com/x AAAAAAAA\n".encode()],
        "repeated": [author, author, *others],
        "sequence": [*others, author],
        "not a cosigner": signed_note(line, verified.checkpoint, (1, KeyType.ED25519)).splitlines(keepends=True)[4:],
    }[what]
    note = verified.text.encode() + b"\n" + b"".join(lines)
    checkpoint.verify(line.genesis, note)
    the_only(of(line, notes=[note]).faults, "checkpoint", "not of a known key, or repeated, or out of sequence")


def test_an_empty_logbook_can_have_a_checkpoint() -> None:
    line = Line()
    line.sign_checkpoint(2, cosigners=(0,))
    report = of(line)
    assert report.sound
    assert report.missing == []


def test_mldsa_signatures_are_verified_too() -> None:
    line = small_line()
    verified = line.sign_checkpoint(0, cosigners=(1,), mldsa=True)
    assert of(line, notes=[verified.raw]).sound
    second = next(one.signature for one in verified.signers if one.key.type == KeyType.MLDSA44)
    spoilt = msgspec.structs.replace(second, value=second.value[:-1] + bytes((second.value[-1] ^ 1,)))
    lines = [spoilt if one.signature is second else one.signature for one in verified.signers]
    note = checkpoint.put_together(line.genesis, verified.checkpoint, lines)
    the_only(of(line, notes=[note]).faults, "checkpoint", "type 0x06 is not valid")


# -- clocks ----------------------------------------------------------------------------------------------------------


def test_clocks_that_cannot_both_be_right_are_told_and_are_no_fault() -> None:
    line = Line()
    line.say(0, notice())
    line.clock_ms -= 10_000
    line.receipt(1, 0)
    line.say(0, notice())
    report = of(line)
    assert report.sound
    assert sorted(finding.text for finding in report.remarks) == [
        "BRAVO received 9900 ms before ALFA says that it spoke: their clocks disagree",
        "the clock of ALFA went back by 9900 ms more than its stated error",
    ]


def test_clocks_within_their_stated_errors_are_not_told() -> None:
    line = Line()
    line.say(0, notice())
    line.clock_ms -= 100
    line.receipt(1, 0)
    line.say(0, notice())
    assert of(line).remarks == []


def test_many_faults_are_counted_and_a_thousand_kept() -> None:
    entry = LINE.entries(0)[0].raw
    changed = entry[:-1] + bytes((entry[-1] ^ 1,))
    report = verify.verify([framed((0, LINE.genesis.document), *[(1, changed)] * 1_005)])
    assert (len(report.faults), report.not_kept) == (1_000, 5)
