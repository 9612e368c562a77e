"""Judging a run from the records that its nodes hold at the end, and from nothing else.

The law: what was acknowledged is what a signed thing says so. A receipt says that its author holds an entry durably;
an officer's statement says, in its own words, which of the officer's earlier ones had got no answer from his node, and
by that, that all others had been confirmed to him. Each of these must be in every record, once; and all records must
be identical and without fault or contradiction.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from keepclear.accord import statement
from keepclear.accord.statement import Notice
from keepclear.record import compare, timeline, verify
from keepclear.record.compare import Sameness
from keepclear.record.entry import Entry, read_body
from keepclear.record.verify import Report

WORDS: Final = re.compile(r"(?P<officer>.+) number (?P<n>\d+)(?:, no answer to (?P<doubtful>[\d ]+))?")
MAX_TOLD: Final = 20


class Verdict(msgspec.Struct):
    """What the records show. `faults` is empty when nothing was lost, doubled or altered."""

    entries: int = 0
    statements: int = 0
    confirmed: int = 0
    receipted: int = 0
    in_doubt: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = []


def words(officer: str, n: int, doubtful: list[int]) -> str:
    """What an officer says: his name, a number, and which of his numbers since the last answer got none."""
    return f"{officer} number {n}" + (f", no answer to {' '.join(map(str, doubtful))}" if doubtful else "")


def judge(records: Mapping[str, bytes]) -> Verdict:
    """Holds the records of all members of one line against each other and against what is signed in them."""
    reports = {name: verify.verify([data]) for name, data in records.items()}
    verdict = Verdict(entries=max(report.entries for report in reports.values()))
    found = compare.compare(list(reports.values()), list(reports))
    if found.sameness != Sameness.IDENTICAL:
        verdict.faults.append(f"the records are {found.sameness.value}: {'; '.join(found.differences[:MAX_TOLD])}")
    for name, report in reports.items():
        wrong = [report.unreadable, *report.faults, *report.contradictions]
        verdict.faults += [f"{name}'s record: {one.text}" for one in wrong if one is not None][:MAX_TOLD]
    _officers(reports, verdict)
    _receipts(reports, verdict)
    return verdict


def _officers(reports: Mapping[str, Report], verdict: Verdict) -> None:
    """What officers had been confirmed, by all that they say in all records together."""
    said = {name: _said(report) for name, report in reports.items()}
    numbers: dict[str, set[int]] = {}
    doubtful: dict[str, set[int]] = {}
    for texts in said.values():
        for text in texts:
            if one := WORDS.fullmatch(text):
                numbers.setdefault(one["officer"], set()).add(int(one["n"]))
                doubtful.setdefault(one["officer"], set()).update(map(int, (one["doubtful"] or "").split()))
    for officer, found in numbers.items():
        # Who says number n has been answered, or given no answer, for all before it; of the last one nothing is said.
        confirmed = set(range(max(found))) - doubtful[officer]
        verdict.statements += len(found)
        verdict.confirmed += len(confirmed)
        verdict.in_doubt += len(doubtful[officer])
        for name, texts in said.items():
            here = {int(one["n"]) for text in texts if (one := WORDS.fullmatch(text)) and one["officer"] == officer}
            lost = sorted(confirmed - here)
            verdict.lost = max(verdict.lost, len(lost))
            verdict.faults += [f"{name}'s record: confirmed and lost: {officer} number {n}" for n in lost[:MAX_TOLD]]
    for name, texts in said.items():
        twice = [text for text, entries in texts.items() if len(entries) > 1]
        verdict.doubled = max(verdict.doubled, len(twice))
        verdict.faults += [f"{name}'s record: said twice: {text}" for text in twice[:MAX_TOLD]]


def _receipts(reports: Mapping[str, Report], verdict: Verdict) -> None:
    """What one member's signed receipt says that it holds, is in every record."""
    slots = {name: {entry.slot for entry in report.logbooks.by_leaf.values()} for name, report in reports.items()}
    leaves = {name: set(report.logbooks.by_leaf) for name, report in reports.items()}
    covered: set[tuple[int, bytes, int]] = set()
    named: set[bytes] = set()
    for report in reports.values():
        for _, body in timeline.receipts(report.logbooks.by_leaf.values()):
            for first, count, _, _ in body.ranges:
                covered.update((body.party, body.incarnation, seq) for seq in range(first, first + count))
            named.update(leaf for _, leaf, _ in body.beyond)
    verdict.receipted = len(covered)
    for name in reports:
        lost = sorted(covered - slots[name])
        verdict.lost = max(verdict.lost, len(lost) + len(named - leaves[name]))
        texts = [f"entry {seq} of member {party}, {incarnation.hex()}" for party, incarnation, seq in lost[:MAX_TOLD]]
        texts += [f"entry {leaf.hex()}" for leaf in sorted(named - leaves[name])[:MAX_TOLD]]
        verdict.faults += [f"{name}'s record: receipted and lost: {text}" for text in texts]


def _said(report: Report) -> dict[str, list[Entry]]:
    out: dict[str, list[Entry]] = {}
    for entry in report.logbooks.by_leaf.values():
        try:
            body = read_body(entry.header.kind, entry.body)
        except statement.Unreadable:
            continue
        if isinstance(body, Notice):
            out.setdefault(body.text, []).append(entry)
    return out
