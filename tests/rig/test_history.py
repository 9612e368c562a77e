"""The judge finds what was lost or doubled from the signed records alone."""

from collections.abc import Callable

from tests.record.build import Line, notice

from keepclear.record import archive
from keepclear.record.entry import Entry
from sim.rig.history import judge, words

OFFICER = "ALFA 0"


def told(*numbers: tuple[int, list[int]]) -> Line:
    """A line on which an officer has said these numbers, each with those that got no answer, and all receipted it."""
    line = Line()
    for n, doubtful in numbers:
        line.clock_ms += 1_000
        line.say(0, notice(words(OFFICER, n, doubtful)))
    for member in range(1, len(line.views)):
        line.receipt(member, 0)
    return line


def records(line: Line, without: Callable[[Entry], bool] = lambda _entry: False, holder: int = 1) -> dict[str, bytes]:
    """The records of all, that of `holder` without some entries."""
    out = {name: line.record(i) for i, name in enumerate(line.genesis.names)}
    left = [entry for entry in line.entries(holder) if not without(entry)]
    return {**out, line.genesis.names[holder]: b"".join(archive.write(line.genesis, left, []))}


def test_whole_records_have_no_fault() -> None:
    verdict = judge(records(told((0, []), (1, []), (2, []))))
    assert verdict.faults == []
    assert (verdict.statements, verdict.confirmed, verdict.receipted) == (3, 2, 3)


def test_what_was_confirmed_and_is_nowhere_is_found_by_what_its_officer_said_later() -> None:
    verdict = judge(records(told((0, []), (2, []))))  # number 1 was answered, or number 2 would say otherwise
    assert verdict.lost == 1
    assert verdict.faults[0] == "ALFA's record: confirmed and lost: ALFA 0 number 1"


def test_what_got_no_answer_may_be_there_or_not() -> None:
    assert judge(records(told((0, []), (2, [1])))).faults == []
    assert judge(records(told((0, []), (1, []), (2, [1])))).faults == []


def test_what_was_said_twice_is_found() -> None:
    verdict = judge(records(told((0, []), (1, []), (1, []))))
    assert verdict.doubled == 1
    assert "ALFA's record: said twice: ALFA 0 number 1" in verdict.faults


def test_what_one_member_receipted_and_does_not_hold_is_found() -> None:
    line = told((0, []), (1, []))
    last = line.entries(0)[1].leaf
    verdict = judge(records(line, lambda entry: entry.leaf == last))
    assert verdict.lost == 1
    assert any(fault.startswith("BRAVO's record: receipted and lost: entry 1 of member 0") for fault in verdict.faults)
    assert any("the records are" in fault for fault in verdict.faults)


def test_a_changed_byte_is_found() -> None:
    found = records(told((0, []), (1, [])))
    at = found["BRAVO"].index(b"number 1")
    found["BRAVO"] = found["BRAVO"][: at + 7] + b"7" + found["BRAVO"][at + 8 :]
    assert judge(found).faults
