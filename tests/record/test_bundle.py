"""A bundle is taken whole or refused whole, for a reason that says what to do; its parts come in any sequence."""

from random import Random

import pytest
from tests.record.build import Line, make_genesis, small_line
from tests.record.carry import bundle_of, signed

from keepclear.record import bundle, parts
from keepclear.record.bundle import BadBundle, Header
from keepclear.record.genesis import Genesis

LINE = small_line()
DATA = bundle_of(LINE)


def refused(data: bytes, genesis: Genesis = LINE.genesis) -> str:
    with pytest.raises(BadBundle) as found:
        bundle.read(data, genesis)
    assert found.value.hint
    return str(found.value)


def test_all_that_went_in_comes_out_in_the_sequence_of_the_record() -> None:
    found = bundle.read(DATA, LINE.genesis)
    assert (found.header.sender, found.header.count, found.header.wall_ms) == (0, 4, LINE.clock_ms)
    assert {one.raw for one in found.entries} == {one.raw for one in LINE.entries(0)}
    assert [one.slot for one in found.entries] == sorted(one.slot for one in found.entries)


def test_an_empty_bundle_is_one() -> None:
    assert bundle.read(bundle_of(LINE, entries=()), LINE.genesis).entries == ()


def test_no_changed_bit_and_no_cut_gives_an_entry() -> None:
    random = Random(5)
    for at in {*range(0, len(DATA), 97), *random.sample(range(len(DATA)), 60)}:
        refused(DATA[:at] + bytes((DATA[at] ^ 1 << random.randrange(8),)) + DATA[at + 1 :])
        refused(DATA[:at])
    refused(DATA + b"\0")


def test_another_lines_bundle_is_refused_with_both_lines_named() -> None:
    other = Line(make_genesis(("ALFA", "BRAVO"), observers=()))
    for data in (DATA, bundle_of(LINE, entries=())):  # the same members with the same keys found both
        text = refused(data, other.genesis)
        assert LINE.genesis.line.hex()[:16] in text
        assert other.genesis.line.hex()[:16] in text


def test_who_made_it_is_proved_and_not_said() -> None:
    """BRAVO signs what it says that ALFA made; and a bundle signed by nobody."""
    unsigned = DATA[:-64]
    assert "of ALFA, whose signature" in refused(signed(LINE, 1, unsigned))
    assert "of ALFA, whose signature" in refused(unsigned + bytes(64))


def test_a_header_that_says_otherwise_than_the_bundle_is_refused() -> None:
    assert "4 entries, 5 stand in its header" in refused(bundle_of(LINE, count=5))
    assert "member 3 of 3" in refused(signed(LINE, 0, bundle.body(Header(LINE.genesis.line, 3, bytes(8), 0, 0, 0), [])))


def test_one_bad_entry_refuses_all_of_them() -> None:
    """The sender's own signature does not make another's entry good."""
    raws = [one.raw for one in bundle.in_sequence(LINE.entries(0))]
    bad = bytearray(raws[2])
    bad[-1] ^= 1
    header = Header(LINE.genesis.line, 0, bytes(8), LINE.clock_ms, 50, 4)
    text = refused(signed(LINE, 0, bundle.body(header, [*raws[:2], bytes(bad), raws[3]])))
    assert text.startswith("entry 3 of the bundle")


@pytest.mark.parametrize("part_bytes", [None, 64, 200, 1_200])
def test_parts_in_any_sequence_and_twice_make_the_whole(part_bytes: int | None) -> None:
    pieces = parts.cut(DATA, LINE.genesis.line, part_bytes)
    assert all(len(piece) <= (part_bytes or len(DATA) + parts.OVERHEAD_BYTES) for piece in pieces)
    found = [parts.read(piece) for piece in (*pieces, *pieces)]
    Random(1).shuffle(found)
    assert parts.join(found) == DATA


def test_missing_parts_are_named_as_people_count() -> None:
    found = [parts.read(piece) for piece in parts.cut(DATA, LINE.genesis.line, 200)]
    with pytest.raises(BadBundle, match=rf"2 of {len(found)} parts of bundle [0-9a-f]{{8}} are missing: 1, 4") as error:
        parts.join([*found[1:3], *found[4:]])
    assert "these parts" in error.value.hint


def test_a_damaged_part_is_found_by_itself() -> None:
    piece = parts.cut(DATA, LINE.genesis.line, 300)[2]
    for at in range(len(piece)):
        with pytest.raises(BadBundle):
            parts.read(piece[:at] + bytes((piece[at] ^ 0x10,)) + piece[at + 1 :])
        with pytest.raises(BadBundle):
            parts.read(piece[:at])


def test_parts_that_were_made_up_do_not_make_the_whole() -> None:
    """Each with a right check of its own: the hashes find accidents, and here the name of the whole finds it."""
    pieces = parts.cut(DATA, LINE.genesis.line, 500)
    other = parts.cut(bytes(len(DATA)), LINE.genesis.line, 500)
    name = slice(len(parts.MAGIC) + parts.LINE_BYTES, parts.HEAD_BYTES - 4)
    fake = bytearray(other[1])
    fake[name] = pieces[1][name]
    fake[parts.HEAD_BYTES : parts.OVERHEAD_BYTES] = parts._check(
        bytes(fake[: parts.HEAD_BYTES]), bytes(fake[parts.OVERHEAD_BYTES :])
    )
    with pytest.raises(BadBundle, match="do not make the whole"):
        parts.join([parts.read(piece) for piece in (pieces[0], bytes(fake), *pieces[2:])])


def test_sizes_are_bounded_before_anything_is_done() -> None:
    with pytest.raises(BadBundle, match="at least 64"):
        parts.cut(DATA, LINE.genesis.line, 63)
    with pytest.raises(BadBundle, match="at most 65535"):
        parts.cut(bytes(2_000_000), LINE.genesis.line, 64)
    assert "at most" in refused(DATA + bytes(bundle.MAX_BYTES))
