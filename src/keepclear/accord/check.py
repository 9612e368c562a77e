"""Check: each agreed rule on one statement, by integer arithmetic on what stands in entries.

The law: met and not met are certain, whatever the declared clock and position errors hide; all else is undecidable.
A time that was not stated is undecidable, never late. A finding says whose act it was and gives both numbers. It
changes nothing: the statement is sent and shown all the same, with its marks.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from keepclear.accord import fixed, shape
from keepclear.accord.outcome import Finding, Mark, Outcome
from keepclear.accord.said import Held, Said
from keepclear.accord.shape import Altitude, Volume
from keepclear.accord.statement import (
    CeaseNow,
    Distress,
    Doubt,
    Hazard,
    Kind,
    Notice,
)
from keepclear.accord.times import span
from keepclear.accord.understanding import (
    AckWithin,
    AnyRule,
    MinNotice,
    TwoSeats,
    Unread,
    VolumeGiven,
    WindowGiven,
    WithinArea,
    kind_of,
)

ACK_OWED: Final = frozenset(
    {
        Kind.NOTICE, Kind.AMEND, Kind.CANCEL, Kind.ACTIVATED, Kind.ENDED, Kind.HAZARD, Kind.ALL_CLEAR, Kind.CEASE_NOW,
        Kind.DISTRESS, Kind.CHANNEL_STATE,
    }
)  # fmt: skip


SEATS_AGREED: Final = 2


def check(said: Said, rules: Iterable[AnyRule], earlier: Said | None = None) -> tuple[Finding, ...]:
    """Every rule on a statement that binds its author, in the rules' sequence; none for what no rule speaks of.

    `earlier` is the statement that an AMEND replaces. An AMEND that stays within it is judged by the earlier saying:
    telling the others that one will do less must never cost a mark.
    """
    findings = []
    for rule in rules:
        judged = _two_seats(rule, said) if isinstance(rule, TwoSeats) else _on_notice(rule, said, earlier)
        if judged is not None:
            findings.append(Finding(rule.id, kind_of(rule), said.party, *judged))
    return tuple(findings)


def check_acknowledged(
    said: Said, rules: Iterable[AnyRule], by: int, held: Held | None, ack: Said | None, newest_ms: int | None
) -> tuple[Finding, ...]:
    """The rules on how soon party `by` acknowledges a statement; none if it owes no acknowledgement or no rule asks.

    The time runs from the display at the receiver, by the receiver's clock at both ends: a dead line is not its doing.
    `held` is what its receipts say, `ack` its first ACKNOWLEDGEMENT of the statement, `newest_ms` the earliest moment
    at which its newest entry can have been said: silence counts only up to there.
    """
    findings = []
    for rule in rules:
        if not isinstance(rule, AckWithin) or said.kind not in ACK_OWED:
            continue
        limit_ms = dict(rule.limits_ms).get(said.precedence)
        if limit_ms is not None:
            judged = _ack_within(limit_ms, held, ack, newest_ms)
            findings.append(Finding(rule.id, kind_of(rule), by, *judged))
    return tuple(findings)


def marks(said: Said, findings: Iterable[Finding] = (), unusable: bool = False) -> tuple[Mark, ...]:
    """What is shown beside a statement. LATE is a minimum notice not met; undecidable is never LATE.

    `unusable` is whether geometry.geometry_faults found a part that cannot be used.
    """
    found = tuple(findings)
    missing = any(f.kind == TwoSeats.__struct_config__.tag and f.outcome is Outcome.NOT_MET for f in found)
    return (*_marks(said, found, unusable), *((Mark.ONE_SEAT,) if missing else ()))


def _marks(said: Said, findings: Sequence[Finding], unusable: bool) -> tuple[Mark, ...]:
    volumes = _volumes(said)
    if volumes is None:
        return ()
    late = any(f.kind == MinNotice.__struct_config__.tag and f.outcome is Outcome.NOT_MET for f in findings)
    asked = doubts(said)
    found = [
        (Mark.LATE, late),
        (Mark.VAGUE, bool(asked & Doubt.AREA)),
        (Mark.INCOMPLETE, bool(asked & ~Doubt.AREA)),
        (Mark.UNUSABLE_GEOMETRY, unusable),
    ]
    return tuple(mark for mark, holds in found if holds)


def doubts(said: Said) -> int:
    """What a CLARIFY should ask about a statement, a sum of Doubt; 0 if it says all that its kind can say."""
    volumes = _volumes(said)
    if volumes is None:
        return 0
    body = said.body
    asked = 0 if shape.is_known(volumes) else Doubt.AREA
    if any(volume.lower is None or volume.upper is None for volume in volumes) or not volumes:
        asked |= Doubt.ALTITUDE
    if isinstance(body, Notice):
        asked |= (Doubt.START if body.start_ms is None else 0) | (Doubt.END if body.end_ms is None else 0)
    elif isinstance(body, Hazard):
        asked |= Doubt.START if body.since_ms is None else 0
    else:  # CEASE NOW and DISTRESS: only where matters; nobody in distress is asked for altitudes
        asked &= Doubt.AREA
    return int(asked)


def effective_notice_ms(said: Said, held: Held | None) -> int | None:
    """How long before its start the receiver had a notice displayed, at the least favourable end of its clock error.

    Negative when it came after the start; None while the start is not stated or no receipt says when it was shown.
    """
    if not isinstance(said.body, Notice) or said.body.start_ms is None or held is None:
        return None
    shown_ms = held.shown_latest_ms
    return None if shown_ms is None else said.body.start_ms - shown_ms


Judged = tuple[Outcome, str]


def _on_notice(rule: AnyRule, said: Said, earlier: Said | None) -> Judged | None:
    """A rule that speaks of notices, on one; None on anything else."""
    body = said.body
    if not isinstance(body, Notice):
        return None
    match rule:
        case MinNotice():
            return _min_notice(rule, said, body, earlier)
        case VolumeGiven():
            return _volume_given(body)
        case WindowGiven():
            return _window_given(body)
        case WithinArea():
            return _within_area(rule.volume, body.volumes)
        case Unread():
            return Outcome.UNDECIDABLE, rule.why
    return None


def _two_seats(rule: TwoSeats, said: Said) -> Judged | None:
    """Four eyes. A release is verified with the entry; whether its key was good for it is said beside, by a mark."""
    least = dict(rule.kinds).get(said.kind)
    if least is None or said.precedence > least:
        return None
    outcome = Outcome.MET if said.releases >= SEATS_AGREED else Outcome.NOT_MET
    seats = "1 seat" if said.releases == 1 else f"{said.releases} seats"
    return outcome, f"released by {seats}, agreed {SEATS_AGREED}"


def _volumes(said: Said) -> tuple[Volume, ...] | None:
    body = said.body
    return body.volumes if isinstance(body, Notice | Hazard | CeaseNow | Distress) else None


def _min_notice(rule: MinNotice, said: Said, body: Notice, earlier: Said | None) -> Judged | None:
    floor_ms = dict(rule.floors_ms).get(body.activity)
    if floor_ms is None:
        return None
    agreed = f"agreed minimum {span(floor_ms)}"
    if body.start_ms is None:
        return Outcome.UNDECIDABLE, f"the start is not stated, {agreed}"
    given = earlier if earlier is not None and _stays_within(body, earlier.body) else said
    counted = "" if given is said else " (counted from the notice that it stays within)"
    notice_ms, err_ms = body.start_ms - given.wall_ms, abs(given.wall_err_ms)
    error = f" (clock error {span(err_ms)})" if err_ms else ""
    evidence = f"notice given {_before(notice_ms)}{error}, {agreed}{counted}"
    return _compared(notice_ms, err_ms, floor_ms), evidence


def _compared(value: int, err: int, least: int) -> Outcome:
    """Whether a value known to within an error is certainly at least, or certainly less than, what was agreed."""
    if value - err >= least:
        return Outcome.MET
    return Outcome.NOT_MET if value + err < least else Outcome.UNDECIDABLE


def _before(ms: int) -> str:
    return f"{span(ms)} before the activity" if ms >= 0 else f"{span(-ms)} after its start"


def _stays_within(body: Notice, earlier: object) -> bool:
    """Whether a new reading keeps class and volumes and does not leave the earlier one's window."""
    if not isinstance(earlier, Notice) or body.start_ms is None or earlier.start_ms is None:
        return False
    ends_inside = earlier.end_ms is None or (body.end_ms is not None and body.end_ms <= earlier.end_ms)
    same = (body.activity, body.volumes) == (earlier.activity, earlier.volumes)
    return same and earlier.start_ms <= body.start_ms and ends_inside


def _volume_given(body: Notice) -> Judged:
    if not body.volumes:
        return Outcome.NOT_MET, "no volume given, at least 1 agreed"
    bad = sum(fixed.extent(volume.area) is None for volume in body.volumes)
    if bad:
        return Outcome.NOT_MET, f"{bad} of {len(body.volumes)} volumes give no area"
    return Outcome.MET, f"all {len(body.volumes)} volumes give an area"


def _window_given(body: Notice) -> Judged:
    missing = [name for name, ms in (("start", body.start_ms), ("end", body.end_ms)) if ms is None]
    if body.start_ms is None or body.end_ms is None:
        return Outcome.NOT_MET, f"{' and '.join(missing)} not stated"
    length_ms = body.end_ms - body.start_ms
    if length_ms <= 0:
        return Outcome.NOT_MET, f"the end is {span(-length_ms)} before the start"
    return Outcome.MET, f"start and end stated, {span(length_ms)} apart"


def _ack_within(limit_ms: int, held: Held | None, ack: Said | None, newest_ms: int | None) -> Judged:
    agreed = f"agreed maximum {span(limit_ms)}"
    if held is None or held.shown_ms is None:
        return Outcome.UNDECIDABLE, f"no receipt says when it was displayed, {agreed}"
    shown_ms, err_ms = held.shown_ms, held.err_ms
    if ack is None:
        silent_ms = None if newest_ms is None else newest_ms - shown_ms - err_ms
        if silent_ms is not None and silent_ms > limit_ms:
            return Outcome.NOT_MET, f"not acknowledged {span(silent_ms)} after display, {agreed}"
        return Outcome.UNDECIDABLE, f"not acknowledged so far, {agreed}"
    taken_ms, err_ms = ack.wall_ms - shown_ms, err_ms + abs(ack.wall_err_ms)
    error = f" (clock error {span(err_ms)})" if err_ms else ""
    evidence = f"acknowledged {span(taken_ms)} after display{error}, {agreed}"
    return _compared(-taken_ms, err_ms, -limit_ms), evidence


def _within_area(agreed: Volume, volumes: Sequence[Volume]) -> Judged:
    if not shape.is_known(tuple(volumes)):
        return Outcome.UNDECIDABLE, "the area is not stated"
    outcomes = [_one_within(agreed, volume) for volume in volumes]
    for outcome, words in (
        (Outcome.NOT_MET, "reach outside the agreed volume"),
        (Outcome.UNDECIDABLE, "lie too near its border, or are not said well enough, to decide"),
        (Outcome.MET, "lie within the agreed volume"),
    ):
        if count := outcomes.count(outcome):
            return outcome, f"{count} of {len(volumes)} volumes {words}"
    raise AssertionError("an outcome is one of three")


def _one_within(agreed: Volume, volume: Volume) -> Outcome:
    inner, outer = fixed.extent(volume.area), fixed.extent(agreed.area)
    if inner is None or outer is None:
        return Outcome.UNDECIDABLE
    err_cm = abs(volume.pos_err_cm) + abs(agreed.pos_err_cm)
    outcomes = {
        fixed.within(inner, outer, err_cm),
        _limit_within(volume.lower, agreed.lower, above=True),
        _limit_within(volume.upper, agreed.upper, above=False),
    }
    for outcome in (Outcome.NOT_MET, Outcome.UNDECIDABLE):
        if outcome in outcomes:
            return outcome
    return Outcome.MET


def _limit_within(limit: Altitude | None, agreed: Altitude | None, above: bool) -> Outcome:
    """Whether a limit stays above (or below) an agreed one, references widened by their declared bound."""
    if agreed is None:
        return Outcome.MET
    if limit is None:
        return Outcome.UNDECIDABLE
    bound_cm = fixed.reference_bound_cm(limit.ref, agreed.ref, max(abs(limit.cm), abs(agreed.cm)))
    if bound_cm is None:
        return Outcome.UNDECIDABLE
    err_cm = bound_cm + abs(limit.err_cm) + abs(agreed.err_cm)
    room_cm = limit.cm - agreed.cm if above else agreed.cm - limit.cm
    return _compared(room_cm, err_cm, 0)
