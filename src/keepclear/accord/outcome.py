"""What a look at a statement can say: three flaws, seven marks, three outcomes of a rule.

The law: only what cannot be represented is refused, and before anything is written. A shape that cannot be used is
refused once, with a hint, unless its author insists; then it is sent, and shown as an unusable warning. What comes
late, vague or incomplete is sent and shown like any other, with its marks. A rule that cannot be decided from the
entries reads undecidable; nothing is ever counted against a party on a guess.
"""

from enum import StrEnum

import msgspec


class Flaw(StrEnum):
    """The three things that can be wrong with a statement, named here and nowhere else."""

    MALFORMED = "malformed"  # cannot be represented: Refused, nothing is written
    UNUSABLE_GEOMETRY = "unusable geometry"  # Refused unless the author insists; received: shown, read at its widest
    MARKED = "late, vague or incomplete"  # sent and shown, with marks


class Mark(StrEnum):
    """What is shown beside a statement, at its author's and at its readers' alike."""

    LATE = "LATE"
    VAGUE = "VAGUE"
    INCOMPLETE = "INCOMPLETE"
    UNUSABLE_GEOMETRY = "UNUSABLE GEOMETRY"
    SUSPENDED = "CHANNEL SUSPENDED"
    ONE_SEAT = "SECOND SEAT MISSING"
    PAST_ITS_KEY = "PAST THE END OF ITS KEY"


class Outcome(StrEnum):
    """What a rule reads on a statement."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDABLE = "undecidable"


class Finding(msgspec.Struct, frozen=True):
    """One rule on one statement: which rule, whose act it was, the outcome, and the evidence with both numbers."""

    rule: str
    kind: str
    party: int
    outcome: Outcome
    evidence: str


class Refused(ValueError):
    """Not taken, and nothing was written: the reason, what to do instead, and which flaw it is."""

    def __init__(self, reason: str, hint: str, flaw: Flaw = Flaw.MALFORMED) -> None:
        super().__init__(f"{reason}; {hint}")
        self.reason, self.hint, self.flaw = reason, hint, flaw
