"""Comparing records: identical, one ahead of the other, or somebody has said two things."""

import pytest
from tests.record.build import Line, notice, small_line

from keepclear.record import archive, checkpoint, verify
from keepclear.record.compare import Comparison, Sameness, compare
from keepclear.record.verify import Report

NAMES = ("alfa.record", "bravo.record")


def reports(line: Line, *holders: int) -> list[Report]:
    return [verify.verify([line.record(holder)]) for holder in holders]


def compared(*pair: Report) -> Comparison:
    return compare(pair, NAMES)


def without_notes(line: Line, holder: int) -> Report:
    return verify.verify(archive.write(line.genesis, line.entries(holder), []))


def test_the_same_headers_are_one_record_whatever_notes_lie_beside_them() -> None:
    line = small_line()
    assert compared(*reports(line, 0, 1)) == Comparison(Sameness.IDENTICAL, (), ())
    assert compared(without_notes(line, 0), reports(line, 1)[0]).sameness == Sameness.IDENTICAL


def test_one_may_be_ahead_here_and_the_other_there() -> None:
    line = small_line()
    line.say(0, notice("Not heard"), heard_by=())
    line.say(1, notice("Nor this"), heard_by=())
    found = compared(*reports(line, 0, 1))
    assert found.sameness == Sameness.PREFIX
    assert found.differences == (
        f"ALFA {line.incarnation(0).hex()}: 2 entries in alfa.record, 1 entry in bravo.record",
        f"BRAVO {line.incarnation(1).hex()}: 2 entries in alfa.record, 3 entries in bravo.record",
    )


def test_what_is_held_past_a_gap_makes_a_difference() -> None:
    line = small_line()
    line.say(0, notice("Lost"), heard_by=())
    line.say(0, notice("Got through"), heard_by=(1,))
    line.views[2].add(line.book(0).entries[1])
    found = compare(reports(line, 1, 2), NAMES)
    assert found.sameness == Sameness.PREFIX
    assert "1 entry and 1 past a gap in alfa.record, 2 entries in bravo.record" in found.differences[0]


def test_a_fork_is_found_between_two_records_that_are_sound_by_themselves() -> None:
    one, other = small_line(), small_line()
    here, there = one.say(0, notice("To one")), other.say(0, notice("To another"))
    pair = reports(one, 0)[0], reports(other, 1)[0]
    assert pair[0].sound
    assert pair[1].sound
    found = compared(*pair)
    assert found.sameness == Sameness.CONTRADICTION
    assert [set(one.evidence) for one in found.contradictions] == [{here.raw, there.raw}]


@pytest.mark.parametrize("past_a_gap", [True, False])
def test_a_fork_past_a_gap_is_found_too(past_a_gap: bool) -> None:
    line = small_line()
    first = line.say(0, notice("Lost"), heard_by=())
    real = line.say(0, notice("Said to BRAVO"), heard_by=(1,))
    forged = line.sign(
        0, line.draft(notice("Said to the observer")), headers={"seq": real.header.seq, "prev": first.leaf}
    )
    line.hear(2, forged)
    holder = 1 if past_a_gap else 0
    found = compare(reports(line, holder, 2), NAMES)
    assert found.sameness == Sameness.CONTRADICTION
    assert set(found.contradictions[0].evidence) == {real.raw, forged.raw}


def test_a_checkpoint_beyond_ones_own_entries_is_held_against_the_others() -> None:
    one, other = small_line(), small_line()
    one.say(0, notice("To one"))
    note = one.sign_checkpoint(0, cosigners=(2,)).raw
    there = other.say(0, notice("To another"))
    short = verify.verify(archive.write(one.genesis, small_line().entries(0), [note]))
    assert short.sound
    assert [claim.count for claim in short.open_claims] == [2]
    found = compared(short, reports(other, 1)[0])
    assert found.sameness == Sameness.CONTRADICTION
    assert found.contradictions[0].evidence == (note, there.raw)


def test_three_records_are_compared_two_by_two() -> None:
    line = small_line()
    line.say(0, notice("BRAVO missed this"), heard_by=(2,))
    found = compare(reports(line, 0, 1, 2), ("a", "b", "c"))
    assert found.sameness == Sameness.PREFIX
    assert len(found.differences) == 2


def test_faults_and_unreadable_records_come_first() -> None:
    line = small_line()
    good, record = reports(line, 0)[0], line.record()
    unreadable = verify.verify([record[:-1]])
    assert compared(good, unreadable).sameness == Sameness.UNREADABLE
    assert compared(good, unreadable).differences == ("bravo.record is unreadable",)
    note = next(iter(line.notes.values()))
    stray = note.raw + "— example.com/x AAAAAAAA\n".encode()
    faulty = verify.verify(archive.write(line.genesis, line.entries(0), [stray]))
    assert compared(good, faulty).sameness == Sameness.CONTRADICTION
    other = reports(small_line(seats=("duty",)), 0)[0]
    assert compared(good, other).sameness == Sameness.UNREADABLE
    assert good.joint() == checkpoint.joint(line.genesis.line, line.views[1].all())
