"""Each rule on one statement: met and not met are certain, the rest undecidable, and the words carry both numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accord.tell import A, B, Teller, notice, volume, z

from keepclear.accord.check import check, check_acknowledged, doubts, effective_notice_ms, marks
from keepclear.accord.outcome import Finding, Mark, Outcome
from keepclear.accord.said import Held, Said, holdings
from keepclear.accord.shape import GROUND, UNKNOWN_VOLUME, Altitude, AltRef, Volume
from keepclear.accord.statement import (
    Activity,
    Amend,
    Body,
    Cancel,
    CeaseNow,
    Distress,
    Doubt,
    Hazard,
    Kind,
    Precedence,
    Receipt,
)
from keepclear.accord.understanding import (
    AckWithin,
    MinNotice,
    TwoSeats,
    Unread,
    VolumeGiven,
    WindowGiven,
    WithinArea,
    standard_rules,
)

TEN_MINUTES = MinNotice("N1", "", ((Activity.HAZARDOUS, 600_000),))
MET, NOT_MET, UNDECIDABLE = Outcome.MET, Outcome.NOT_MET, Outcome.UNDECIDABLE


def said(clock: str, body: Body, err_ms: int = 0, **header: object) -> Said:
    return Teller().say(B, clock, body, err_ms=err_ms, **header)


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1
    return findings[0]


def test_the_warning_of_37_seconds() -> None:
    """The words of the design, and whose act it was."""
    finding = one(check(said("18:39:23", notice("18:40:00")), [TEN_MINUTES]))
    assert finding == Finding(
        "N1", "min_notice", B, NOT_MET, "notice given 37 s before the activity, agreed minimum 600 s"
    )


def test_one_account_of_the_warning_is_late_and_vague_the_other_undecidable() -> None:
    """17 September 2018, both layers: a start in one minute by one account, no start stated by the other."""
    vague = (UNKNOWN_VOLUME,)
    first = said("18:39:00", notice("18:40:00", volumes=vague, text="north of Syria"))
    found = check(first, standard_rules())
    assert marks(first, found) == (Mark.LATE, Mark.VAGUE, Mark.INCOMPLETE)
    assert doubts(first) == Doubt.AREA | Doubt.END | Doubt.ALTITUDE

    second = said("18:39:00", notice(None, volumes=vague, text="north of Syria"))
    found = check(second, standard_rules())
    assert [f.outcome for f in found if f.kind == "min_notice"] == [UNDECIDABLE]
    assert "the start is not stated" in found[0].evidence
    assert marks(second, found) == (Mark.VAGUE, Mark.INCOMPLETE)
    assert doubts(second) == 15


@pytest.mark.parametrize(
    ("clock", "err_ms", "outcome"),
    [
        ("18:30:00", 0, MET),
        ("18:30:00.001", 0, NOT_MET),
        ("18:29:58", 2_000, MET),
        ("18:29:58.001", 2_000, UNDECIDABLE),
        ("18:30:02", 2_000, UNDECIDABLE),
        ("18:30:02.001", 2_000, NOT_MET),
        ("18:30:02", -2_000, UNDECIDABLE),
    ],
)
def test_the_clock_error_is_never_held_against_anybody(clock: str, err_ms: int, outcome: Outcome) -> None:
    assert one(check(said(clock, notice("18:40:00"), err_ms), [TEN_MINUTES])).outcome is outcome


@given(st.integers(-(10**7), 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_met_and_not_met_hold_at_both_ends_of_the_error(early_ms: int, err_ms: int, floor_ms: int) -> None:
    statement = Teller().say(A, z("18:40:00") - early_ms, notice("18:40:00"), err_ms=err_ms)
    finding = one(check(statement, [MinNotice("N", "", ((Activity.HAZARDOUS, floor_ms),))]))
    ends = {early_ms - err_ms >= floor_ms, early_ms + err_ms >= floor_ms}
    assert finding.outcome is (UNDECIDABLE if len(ends) == 2 else MET if ends == {True} else NOT_MET)


def test_a_notice_after_the_start_and_a_class_without_a_minimum() -> None:
    after = one(check(said("18:40:20", notice("18:40:00")), [TEN_MINUTES]))
    assert after.evidence == "notice given 20 s after its start, agreed minimum 600 s"
    assert check(said("18:39:00", notice("18:40:00", activity=Activity.SEARCH_AND_RESCUE)), [TEN_MINUTES]) == ()
    assert "(clock error 2 s)" in one(check(said("18:30:00", notice("18:40:00"), 2_000), [TEN_MINUTES])).evidence


def amend(start: str, end: str, area: str = "circle 35.4,35.9 20nm") -> Amend:
    return Amend(activity=Activity.HAZARDOUS, volumes=(volume(area),), start_ms=z(start), end_ms=z(end))


def test_saying_that_one_will_do_less_costs_no_mark() -> None:
    first = said("18:00:00", notice("18:40:00", "19:00:00"))
    for clock, reading, outcome in (
        ("18:38:00", amend("18:45:00", "19:00:00"), MET),
        ("18:38:00", amend("18:40:00", "18:50:00"), MET),
        ("18:38:00", amend("18:39:00", "19:00:00"), NOT_MET),
        ("18:38:00", amend("18:40:00", "19:00:01"), NOT_MET),
        ("18:38:00", amend("18:40:00", "19:00:00", "circle 35.4,35.9 30nm"), NOT_MET),
        ("18:20:00", amend("18:30:00", "19:00:00"), MET),
    ):
        finding = one(check(said(clock, reading), [TEN_MINUTES], first))
        assert finding.outcome is outcome
    assert "counted from the notice" in one(
        check(said("18:38:00", amend("18:45:00", "19:00:00")), [TEN_MINUTES], first)
    ).evidence  # fmt: skip
    assert one(check(said("18:38:00", amend("18:45:00", "19:00:00")), [TEN_MINUTES])).outcome is NOT_MET


@pytest.mark.parametrize(
    ("volumes", "outcome", "words"),
    [
        ((), NOT_MET, "no volume given, at least 1"),
        ((UNKNOWN_VOLUME,), NOT_MET, "1 of 1 volumes"),
        ((volume(), UNKNOWN_VOLUME), NOT_MET, "1 of 2 volumes"),
        ((Volume((2, 5)),), NOT_MET, "1 of 1 volumes"),
        ((volume(), volume()), MET, "all 2 volumes"),
    ],
)
def test_volume_given(volumes: tuple[Volume, ...], outcome: Outcome, words: str) -> None:
    finding = one(check(said("18:00:00", notice("18:40:00", volumes=volumes)), [VolumeGiven("N2", "")]))
    assert finding.outcome is outcome
    assert words in finding.evidence


@pytest.mark.parametrize(
    ("start", "end", "outcome", "words"),
    [
        ("18:40:00", "19:00:00", MET, "1200 s apart"),
        ("18:40:00", None, NOT_MET, "end not stated"),
        (None, None, NOT_MET, "start and end not stated"),
        ("19:00:00", "18:40:00", NOT_MET, "the end is 1200 s before the start"),
    ],
)
def test_window_given(start: str | None, end: str | None, outcome: Outcome, words: str) -> None:
    finding = one(check(said("18:00:00", notice(start, end)), [WindowGiven("N3", "")]))
    assert finding.outcome is outcome
    assert words in finding.evidence


AGREED = Volume(volume("circle 35.4,35.9 55km").area, upper=Altitude(609_600, AltRef.STD))


@pytest.mark.parametrize(
    ("volumes", "outcome"),
    [
        ((volume("circle 35.4,35.9 20nm", upper="FL200"),), MET),
        ((volume("circle 35.4,35.9 20nm", upper="FL201"),), NOT_MET),
        ((volume("circle 35.4,35.9 20nm"), volume("circle 36.4,35.9 20nm")), NOT_MET),
        ((volume("circle 35.4,35.9 55km", pos_err_cm=1),), UNDECIDABLE),
        ((volume("circle 35.4,35.9 20nm", upper="3000m AMSL"),), MET),
        ((volume("circle 35.4,35.9 20nm", upper="6000m AMSL"),), UNDECIDABLE),
        ((volume("circle 35.4,35.9 20nm", upper="9000m AMSL"),), NOT_MET),
        ((volume("circle 35.4,35.9 20nm", upper="500ft AGL"),), UNDECIDABLE),
        ((Volume(volume().area),), UNDECIDABLE),
        ((volume(), UNKNOWN_VOLUME), UNDECIDABLE),
        ((), UNDECIDABLE),
        ((Volume((1, 5)),), UNDECIDABLE),
    ],
)
def test_within_area(volumes: tuple[Volume, ...], outcome: Outcome) -> None:
    finding = one(check(said("18:00:00", notice("18:40:00", volumes=volumes)), [WithinArea("G1", "", AGREED)]))
    assert finding.outcome is outcome


def test_errors_of_the_statement_and_of_the_agreed_volume_both_count() -> None:
    """A circle a kilometre inside, a limit 100 m below: met without error, undecidable once either error is larger."""
    for err_cm, outcome in ((0, MET), (49_000, MET), (51_000, UNDECIDABLE)):
        agreed = Volume(volume("circle 35.4,35.9 55km").area, err_cm)
        said_volume = Volume(volume("circle 35.4,35.9 54km").area, err_cm, GROUND, Altitude(300_000, AltRef.STD))
        found = check(said("18:00:00", notice("18:40:00", volumes=(said_volume,))), [WithinArea("G1", "", agreed)])
        assert one(found).outcome is outcome
    for err_cm, outcome in ((0, MET), (4_900, MET), (5_100, UNDECIDABLE)):
        agreed = Volume(AGREED.area, upper=Altitude(300_000, AltRef.STD, err_cm))
        said_volume = Volume(volume().area, 0, GROUND, Altitude(290_000, AltRef.STD, err_cm))
        found = check(said("18:00:00", notice("18:40:00", volumes=(said_volume,))), [WithinArea("G1", "", agreed)])
        assert one(found).outcome is outcome


def test_a_rule_unknown_here_is_undecidable_and_says_so() -> None:
    finding = one(check(said("18:00:00", notice("18:40:00")), [Unread("X", "", "no_overflight", "not known")]))
    assert finding == Finding("X", "no_overflight", B, UNDECIDABLE, "not known")


WITHIN_30_S = AckWithin("A1", "", ((Precedence.FLASH, 30_000),))


@pytest.mark.parametrize(
    ("shown", "ack", "err_ms", "newest", "outcome", "words"),
    [
        ("18:39:01", "18:39:31", 0, None, MET, "acknowledged 30 s after display, agreed maximum 30 s"),
        ("18:39:01", "18:39:31.001", 0, None, NOT_MET, "acknowledged 30.001 s after display"),
        ("18:39:01", "18:39:30", 1_000, None, UNDECIDABLE, "clock error 2 s"),
        ("18:39:01", "18:39:29", 1_000, None, MET, "acknowledged 28 s"),
        ("18:39:01", "18:39:34", 1_000, None, NOT_MET, "acknowledged 33 s"),
        (None, "18:39:31", 0, None, UNDECIDABLE, "no receipt says"),
        ("18:39:01", None, 0, None, UNDECIDABLE, "not acknowledged so far"),
        ("18:39:01", None, 0, "18:39:31", UNDECIDABLE, "not acknowledged so far"),
        ("18:39:01", None, 0, "18:40:01", NOT_MET, "not acknowledged 60 s after display, agreed maximum 30 s"),
        ("18:39:01", None, 40_000, "18:40:01", UNDECIDABLE, "not acknowledged so far"),
    ],
)
def test_acknowledged_in_time(
    shown: str | None, ack: str | None, err_ms: int, newest: str | None, outcome: Outcome, words: str
) -> None:
    teller = Teller()
    warning = teller.say(A, "18:39:00", notice("18:40:00"))
    held = Held(z("18:39:01"), z(shown) if shown else None, err_ms)
    reply = teller.acknowledge(B, ack, warning, err_ms=err_ms) if ack else None
    finding = one(check_acknowledged(warning, [WITHIN_30_S], B, held, reply, z(newest) if newest else None))
    assert (finding.outcome, finding.party) == (outcome, B)
    assert words in finding.evidence


def test_what_nobody_owes_an_acknowledgement_for() -> None:
    teller = Teller()
    warning = teller.say(A, "18:39:00", notice("18:40:00"), precedence=Precedence.ROUTINE)
    reply = teller.acknowledge(B, "18:39:10", warning)
    assert check_acknowledged(warning, [WITHIN_30_S], B, None, None, None) == ()
    assert check_acknowledged(reply, [WITHIN_30_S], A, None, None, None) == ()


def test_only_an_area_is_asked_of_people_in_distress() -> None:
    assert doubts(said("19:03:00", Distress(volumes=(), last_fix_ms=None))) == Doubt.AREA
    assert marks(said("19:03:00", CeaseNow(volumes=(volume(),), at_ms=0))) == ()


def test_marks_of_a_hazard_and_of_what_has_no_volumes() -> None:
    hazard = said("18:51:00", Hazard(hazard=1, source=1, volumes=(Volume(volume().area, lower=GROUND),), since_ms=None))
    assert doubts(hazard) == Doubt.START | Doubt.ALTITUDE
    assert marks(hazard, unusable=True) == (Mark.INCOMPLETE, Mark.UNUSABLE_GEOMETRY)
    assert marks(said("18:51:00", Cancel()), unusable=True) == ()
    assert doubts(said("18:51:00", Cancel())) == 0


def test_an_upper_limit_said_to_be_none_is_not_incomplete() -> None:
    full = said("18:00:00", notice("18:40:00", "19:00:00", volumes=(volume(upper="UNL"),)))
    assert marks(full, check(full, standard_rules())) == ()


def test_effective_notice_is_from_the_display_at_the_least_favourable_end() -> None:
    teller = Teller()
    warning = teller.say(A, "18:30:00", notice("18:40:00"))
    assert effective_notice_ms(warning, None) is None
    teller.receive(B, "18:31:00", warning)
    held = holdings([warning], teller.said)
    assert effective_notice_ms(warning, held[warning.leaf, B]) is None
    teller.receive(B, "18:32:00", warning, shown="18:32:00", err_ms=1_500)
    held = holdings([warning], teller.said)
    assert held[warning.leaf, B] == Held(z("18:31:00"), z("18:32:00"), 1_500)
    assert effective_notice_ms(warning, held[warning.leaf, B]) == 478_500
    assert effective_notice_ms(said("18:30:00", notice(None)), held[warning.leaf, B]) is None


def test_receipts_of_an_entry_beyond_a_gap_and_of_ones_own() -> None:
    teller = Teller()
    lost, warning = teller.say(A, "18:29:00", Cancel()), teller.say(A, "18:30:00", notice("18:40:00"))
    beyond = ((warning.seq, warning.leaf, z("18:30:05")), (lost.seq, bytes(32), z("18:30:05")))
    receipt = Receipt(party=A, incarnation=warning.incarnation, size=0, root=bytes(32), ranges=(), beyond=beyond)
    for party in (A, B):
        teller.say(party, "18:30:05", receipt)
    assert holdings([lost, warning], teller.said) == {(warning.leaf, B): Held(z("18:30:05"), None, 0)}


FOUR_EYES = TwoSeats("F1", "", ((Kind.CANCEL, Precedence.ROUTINE), (Kind.NOTICE, Precedence.IMMEDIATE)))


@pytest.mark.parametrize(
    ("body", "precedence", "seats", "outcome"),
    [
        (Cancel(), Precedence.ROUTINE, 1, NOT_MET),
        (Cancel(), Precedence.FLASH, 0, NOT_MET),
        (Cancel(), Precedence.ROUTINE, 2, MET),
        (notice("18:40:00"), Precedence.IMMEDIATE, 1, NOT_MET),
        (notice("18:40:00"), Precedence.FLASH, 2, MET),
    ],
)
def test_a_second_seat_is_met_or_not(body: Body, precedence: Precedence, seats: int, outcome: Outcome) -> None:
    statement = said("18:00:00", body, precedence=precedence, releases=seats)
    finding = one(check(statement, [FOUR_EYES]))
    assert finding.outcome is outcome
    assert finding.evidence.endswith("agreed 2")
    assert (Mark.ONE_SEAT in marks(statement, [finding])) == (outcome is NOT_MET)


def test_a_second_seat_is_asked_only_where_it_is_agreed() -> None:
    for body, precedence in ((notice("18:40:00"), Precedence.PRIORITY), (Distress(volumes=(), last_fix_ms=None), 1)):
        assert check(said("18:00:00", body, precedence=precedence), [FOUR_EYES]) == ()
