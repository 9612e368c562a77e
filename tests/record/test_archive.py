"""The record file: the same bytes from everybody, read in pieces of any size, refused at the first byte that is not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.record.build import notice, small_line

from keepclear.record import archive, note
from keepclear.record.archive import Item, ItemKind, Unreadable
from keepclear.record.note import BadNote, Note, Signature

LINE = small_line()
RECORD = LINE.record()


def read(data: bytes) -> list[Item]:
    return list(archive.read([data]))


def test_genesis_entries_and_notes_stand_in_their_sequence() -> None:
    items = read(RECORD)
    assert [item.kind for item in items] == [ItemKind.GENESIS] + [ItemKind.ENTRY] * 4 + [ItemKind.NOTE] * 2
    assert items[0].data == LINE.genesis.document
    assert {item.data for item in items[1:5]} == {e.raw for e in LINE.entries(0)}
    assert {item.data for item in items[5:]} == {one.raw for one in LINE.notes.values()}
    assert items[0].at == len(archive.MAGIC)


def test_the_same_bytes_whatever_order_things_were_held_in() -> None:
    entries, notes = LINE.entries(1), [one.raw for one in LINE.notes.values()]
    for seed in range(5):
        random.Random(seed).shuffle(entries)
        assert b"".join(archive.write(LINE.genesis, entries * 2, notes[:: 1 if seed % 2 else -1])) == RECORD


def test_what_is_held_past_a_gap_is_in_the_record() -> None:
    line = small_line()
    line.say(0, notice("Lost on the way"), heard_by=())
    late = line.say(0, notice("Got through"), heard_by=(1,))
    assert [item.data for item in read(line.record(1)) if item.kind == ItemKind.ENTRY].count(late.raw) == 1


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30))
def test_pieces_of_any_size_make_the_same_items(sizes: list[int]) -> None:
    pieces, at = [], 0
    while at < len(RECORD):
        for size in sizes:
            pieces.append(RECORD[at : at + size])
            at += size
    assert list(archive.read(pieces)) == read(RECORD)


def test_a_cut_between_items_reads_and_any_other_does_not() -> None:
    starts = {item.at for item in read(RECORD)} | {len(RECORD)}
    for at in range(len(archive.MAGIC), len(RECORD) + 1, 7):
        for cut in {at, min(starts, key=lambda start: abs(start - at))}:
            if cut in starts:
                assert all(item.at < cut for item in read(RECORD[:cut]))
            else:
                with pytest.raises(Unreadable, match="ends inside an item"):
                    read(RECORD[:cut])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "begins with"),
        (b"keepclear-record/", "begins with"),
        (b"keepclear-record/2\n", "begins with"),
        (archive.MAGIC + b"\xff\xff\xff\xff", "4294967295 bytes, at most"),
        (archive.MAGIC + b"\x00\x00\x00\x03\x92\x07\x80", "not an item"),
        (archive.MAGIC + b"\x00\x00\x00\x04\x92\x03\xc4\x00", "type 3"),
        (archive.MAGIC + b"\x00\x00\x00\x05\x92\x01\xc4\x00\x00", "after the value"),
        (archive.MAGIC + b"\x00\x00\x00\x03\x92\x01\xa0", "not an item"),
        (archive.MAGIC + b"\x00\x00\x00\x05\x93\x01\xc4\x00\x00", "not an item"),
        (archive.MAGIC + b"\x00\x00\x00\x00", "not an item"),
    ],
)
def test_each_rule_refuses_its_own_breach(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(data)


@pytest.mark.parametrize("size", ["", "x", "-1", "٣", "1" * 17])
def test_a_note_that_is_no_checkpoint_is_not_written(size: str) -> None:
    signature = Signature("example.com/x", bytes(4), bytes(64))
    raw = note.format_note(Note(f"origin\n{size}\nroot\n", (signature,)))
    with pytest.raises(BadNote, match="second line"):
        list(archive.write(LINE.genesis, [], [raw]))


def test_the_largest_size_has_its_place() -> None:
    raw = note.format_note(Note(f"origin\n{2**53 - 1}\nroot\n", (Signature("x", bytes(4), bytes(64)),)))
    assert archive.note_place(raw)[:2] == ("origin", 2**53 - 1)
