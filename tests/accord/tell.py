"""Statements as the tests tell them: who said what when, with the header facts filled in."""

import hashlib
from typing import Any

from keepclear.accord.people import parse_altitude, parse_area
from keepclear.accord.said import Said
from keepclear.accord.shape import Volume
from keepclear.accord.statement import (
    Accept,
    Acknowledgement,
    Activity,
    Body,
    Notice,
    Precedence,
    Receipt,
    Step,
    Understanding,
)
from keepclear.accord.times import parse_time
from keepclear.accord.understanding import AnyRule, standard_rules, to_wire

A, B, OBSERVER = 0, 1, 2
NAMES = ("Alpha", "Bravo", "Witness")
PARTIES = frozenset({A, B})


def z(clock: str) -> int:
    """A time on 17 September 2018, the day of the replayed scenario."""
    return parse_time(f"2018-09-17T{clock}Z")


def volume(area: str = "circle 35.4,35.9 20nm", lower: str = "GND", upper: str = "FL100", **more: Any) -> Volume:
    return Volume(parse_area(area), lower=parse_altitude(lower), upper=parse_altitude(upper), **more)


def notice(start: str | None, end: str | None = None, activity: int = Activity.HAZARDOUS, **more: Any) -> Notice:
    return Notice(
        activity=activity,
        volumes=more.pop("volumes", (volume(),)),
        start_ms=z(start) if start else None,
        end_ms=z(end) if end else None,
        **more,
    )


class Teller:
    """Says things for the members of one line, each in a logbook of its own."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.seqs: dict[int, int] = {}

    def say(self, party: int, clock: str | int, body: Body | None, **header: Any) -> Said:
        seq = self.seqs.get(party, 0)
        self.seqs[party] = seq + 1
        incarnation = bytes([party]) * 8
        said = Said(
            leaf=header.pop("leaf", hashlib.sha256(incarnation + seq.to_bytes(8, "big")).digest()),
            party=party,
            start=1,
            incarnation=incarnation,
            seq=seq,
            wall_ms=z(clock) if isinstance(clock, str) else clock,
            wall_err_ms=header.pop("err_ms", 0),
            precedence=header.pop("precedence", Precedence.FLASH),
            kind=header.pop("kind", None) or (body.kind if body else 99),
            body=body,
            **header,
        )
        self.said.append(said)
        return said

    def agree(self, clock: str = "00:00:00", rules: tuple[AnyRule, ...] | None = None) -> Said:
        """A proposes, B accepts at once."""
        wire = to_wire(standard_rules() if rules is None else rules)
        proposal = self.say(A, clock, Understanding(name="test", version=1, effective_ms=z(clock), rules=wire))
        self.say(B, clock, Accept(), refs=(proposal.leaf,))
        return proposal

    def receive(self, party: int, clock: str, of: Said, shown: str | None = None, err_ms: int = 0) -> Said:
        """The receipt of one entry, displayed at a time."""
        ranges = ((of.seq, 1, z(clock), z(shown) if shown else None),)
        body = Receipt(party=of.party, incarnation=of.incarnation, size=of.seq + 1, root=bytes(32), ranges=ranges)
        return self.say(party, clock, body, err_ms=err_ms)

    def acknowledge(self, party: int, clock: str, of: Said, **header: Any) -> Said:
        return self.say(party, clock, Acknowledgement(step=Step.READ), refs=(of.leaf,), seat="duty", **header)
