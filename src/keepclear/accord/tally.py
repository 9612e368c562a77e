"""Tally: what each party gave, received and kept to, counted from the entries of a record alone.

The law: integers, and nothing from a node's own clock, journal or configuration; the same entries give the same
tally and the same digest at every node, in whatever sequence they came. It counts, with the counted defined here; it
does not add up, weigh or rank, and what cannot be decided stays undecidable. The month is that of the saying, by its
author's clock, in UTC.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from keepclear.accord import canonical
from keepclear.accord.check import ACK_OWED, check, check_acknowledged, marks
from keepclear.accord.outcome import Finding, Mark, Outcome
from keepclear.accord.said import Held, Said, holdings, in_sequence
from keepclear.accord.statement import Acknowledgement, Cancel, Kind, Notice
from keepclear.accord.times import month_of
from keepclear.accord.understanding import InForce, in_force, rules_for

DIGEST_DOMAIN: Final = b"keepclear/tally/1\x00"
MAX_READINGS: Final = 64  # of one activity, followed back; a chain of thousands would cost the square of its length
NO_CLASS: Final = 0  # the class of statements that have none, such as a HAZARD


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One party, one class of activity, one month.

    given, amended: NOTICEs and AMENDs of the party. received: those of others that its receipts show. late, vague:
    of those given and amended. unacknowledged: of those, not acknowledged by every other party. cancelled: NOTICEs it
    cancelled, directly or after amending. met, not_met, undecidable: outcomes of rules that bind the party, on its own
    statements and, for acknowledgements, on those of others (in their class and month).
    """

    party: int
    activity: int
    month: str
    given: int = 0
    amended: int = 0
    received: int = 0
    late: int = 0
    vague: int = 0
    unacknowledged: int = 0
    cancelled: int = 0
    met: int = 0
    not_met: int = 0
    undecidable: int = 0


class Tally(msgspec.Struct, frozen=True):
    """The rows by party, class and month, and a digest by which two nodes compare theirs in one string."""

    rows: tuple[Row, ...]
    digest: bytes


def tally(history: Iterable[Said], parties: frozenset[int]) -> Tally:
    """The tally of a record. `parties` are the members that answer for aircraft; observers are not counted.

    Each statement is judged by the understanding in force when it was said, or by none. Of two entries in one slot
    both count: each was said.
    """
    counts: dict[tuple[int, int, str], Counter[str]] = defaultdict(Counter)
    record = _Record(in_sequence(history), parties)
    for said in record.statements:
        if said.party in parties:
            record.count(said, counts)
    full = sorted(key for key, numbers in counts.items() if any(numbers.values()))
    rows = tuple(msgspec.structs.replace(Row(*key), **counts[key]) for key in full)
    return Tally(rows, hashlib.sha256(DIGEST_DOMAIN + canonical.encode(list(rows))).digest())


class _Record:
    """The entries of one record, indexed by what the tally asks for."""

    def __init__(self, history: Sequence[Said], parties: frozenset[int]) -> None:
        self.parties = parties
        self.agreed: tuple[InForce, ...] = in_force(history, parties)
        self.by_leaf = {said.leaf: said for said in history}
        self.statements = [said for said in history if said.kind in ACK_OWED]
        self.held: Mapping[tuple[bytes, int], Held] = holdings(self.statements, history)
        self.acks = self._first_acks(history)
        self.newest_ms: dict[int, int] = {}
        for said in history:
            self.newest_ms[said.party] = max(said.earliest_ms, self.newest_ms.get(said.party, said.earliest_ms))
        self.cancelled = {root for said in history if (root := self._cancels(said)) is not None}

    def count(self, said: Said, counts: dict[tuple[int, int, str], Counter[str]]) -> None:
        """Enter one statement into its author's row and into those of the parties that received it."""
        rules = rules_for(self.agreed, said)
        month = month_of(said.wall_ms)
        activity = said.body.activity if isinstance(said.body, Notice) else NO_CLASS
        own = counts[said.party, activity, month]
        others = sorted(self.parties - {said.party})
        findings = check(said, rules, self.by_leaf.get(said.replaces or b""))
        _count_outcomes(findings, own)
        if isinstance(said.body, Notice):
            self._count_notice(said, own)
            found = marks(said, findings)
            own["late"] += Mark.LATE in found
            own["vague"] += Mark.VAGUE in found
            own["unacknowledged"] += any((said.leaf, other) not in self.acks for other in others)
        for other in others:
            row = counts[other, activity, month]
            held, ack = self.held.get((said.leaf, other)), self.acks.get((said.leaf, other))
            row["received"] += isinstance(said.body, Notice) and held is not None
            _count_outcomes(check_acknowledged(said, rules, other, held, ack, self.newest_ms.get(other)), row)

    def _count_notice(self, said: Said, own: Counter[str]) -> None:
        if said.kind == Kind.NOTICE:
            own["given"] += 1
            own["cancelled"] += said.leaf in self.cancelled
        else:
            own["amended"] += 1

    def _cancels(self, said: Said) -> bytes | None:
        """The NOTICE that a CANCEL ends, through the AMENDs in between; None for anything else."""
        if not isinstance(said.body, Cancel):
            return None
        readings = [self.by_leaf[leaf] for leaf in self._replaced(said)]
        return readings[-1].leaf if readings and readings[-1].kind == Kind.NOTICE else None

    def _replaced(self, said: Said) -> list[bytes]:
        """What a statement stands for: the author's own notices before it, back to the first that is held."""
        found: list[bytes] = []
        leaf = said.replaces
        while leaf is not None and len(found) < MAX_READINGS:
            replaced = self.by_leaf.get(leaf)
            if replaced is None or replaced.party != said.party or not isinstance(replaced.body, Notice):
                break
            found.append(leaf)
            leaf = replaced.replaces
        return found

    def _first_acks(self, history: Iterable[Said]) -> Mapping[tuple[bytes, int], Said]:
        """Per (leaf, acknowledging party) the acknowledgement said first, by its own clock.

        Who acknowledges an AMEND or CANCEL acknowledges what it replaces: nobody has to answer the outdated reading.
        """
        found: dict[tuple[bytes, int], Said] = {}
        for said in history:
            if not isinstance(said.body, Acknowledgement):
                continue
            cited = [self.by_leaf[leaf] for leaf in said.refs if leaf in self.by_leaf]
            for leaf in [leaf for one in cited for leaf in (one.leaf, *self._replaced(one))]:
                first = found.get((leaf, said.party))
                if first is None or (said.wall_ms, said.place) < (first.wall_ms, first.place):
                    found[leaf, said.party] = said
        return found


def _count_outcomes(findings: Iterable[Finding], row: Counter[str]) -> None:
    names = {Outcome.MET: "met", Outcome.NOT_MET: "not_met", Outcome.UNDECIDABLE: "undecidable"}
    for finding in findings:
        row[names[finding.outcome]] += 1
