"""What the officer is told about own flights: raised at once, updated when it matters, ended with hysteresis.

The law: own positions and plans go nowhere else. A finding under another digest than the one asked
for is stale and dropped; none by the deadline is shown as "not assessed". A flight that is no longer heard of does
not vanish: its advisories stand, with "lost", until it is let go. One whose track is doubted is advised all the same,
and its doubt said. An end says what is no longer found, never that a flight is safe.
Where the area is unknown, no safe side is derived. Whatever makes it worse than what was last told is alarmed.
"""

from hashlib import blake2b
from typing import Any, Final

import msgspec
import numpy as np

from keepclear.accord import statement
from keepclear.accord.statement import Precedence
from keepclear.accord.times import span, to_second, zulu
from keepclear.geo.alert import Found, Hysteresis, Life
from keepclear.node import doubts, lost, picture, rows, situation
from keepclear.node.assessment import NEAR, PAIR, PLANNED_FLIGHT, Finding
from keepclear.node.core import Core
from keepclear.node.effects import Assess
from keepclear.node.inputs import Assessed
from keepclear.node.state import Advisory, Matter

REASSESS_MS: Final = 5_000  # the picture moves although nothing new comes in
TELL_AGAIN_MS: Final = 60_000  # an entry, or a margin's end, that has moved by as much since it was told is told anew


def begin(core: Core) -> None:
    """After a start nothing is being worked out; positions and advisories stand until they are refreshed."""
    advice = core.state.advice
    advice.asked, advice.asked_ms, advice.dirty = b"", None, True
    # The monotonic times of an earlier boot say nothing: what is held is as old as its own time says.
    fleet = advice.fleet
    fleet.heard_ms()[:] = core.mono_ms - np.maximum(0, core.wall_ms - fleet.reports()[:, rows.AT])
    for flight, last in advice.lost.items():
        heard_ms = core.mono_ms - max(0, core.wall_ms - last.report.at_ms)
        advice.lost[flight] = msgspec.structs.replace(last, heard_ms=heard_ms)


def assess_if_due(core: Core) -> None:
    """Has the present picture worked out, when something changed or time has passed, one at a time."""
    advice, settings = core.state.advice, core.state.settings
    if advice.asked or not (advice.fleet or advice.plans or advice.advisories or advice.lost):
        return
    waited = None if advice.asked_ms is None else core.mono_ms - advice.asked_ms
    every = settings.assess_every_ms if advice.dirty else REASSESS_MS
    if waited is not None and waited < every:
        return
    for flight in lost.watch(core):
        _let_go(core, flight, f"{span(settings.track_kept_ms)} after it was last heard")
    forget_flown(core)
    readings = picture.snapshot(core, *doubts.other_readings(core))
    snapshot = msgspec.msgpack.encode(readings)
    digest = blake2b(snapshot, digest_size=16).digest()
    advice.asked, advice.asked_ms, advice.dirty = digest, core.mono_ms, False
    core.emit(Assess(digest, snapshot, settings.assess_deadline_ms))


def take_findings(core: Core, data: Assessed) -> None:
    """Turns findings into advisories; drops what is stale."""
    advice = core.state.advice
    if data.digest != advice.asked or not advice.asked:
        core.count_noise("stale findings")
        return
    advice.asked = b""
    findings = _read(core, data.findings)
    if findings is None:
        advice.missed += 1
        core.show("not assessed", "the picture could not be worked out in time", precedence=Precedence.IMMEDIATE)
        core.alarm("not assessed", "NOT ASSESSED: advisories may be out of date")
        return
    rule = Hysteresis(hold_ms=core.state.settings.alert_hold_ms)
    for finding in findings:
        _advise(core, finding, rule)
    found = {_key(finding) for finding in findings}
    for key, advisory in list(advice.advisories.items()):
        if key in found or (lost.is_lost(core, advisory) and not _is_by_plan(key) and not _is_over(core, advisory)):
            continue
        life = advisory.life.step(core.wall_ms, None, rule)
        if life is None:
            _clear(core, key, advisory, _why_over(core, advisory))


def let_go(core: Core, flights: tuple[str, ...]) -> None:
    """An officer lets tracks go that are lost; one that is not lost stays."""
    for flight in flights:
        if flight in core.state.advice.lost:
            _let_go(core, flight, "by an officer")


def _let_go(core: Core, flight: str, why: str) -> None:
    lost.let_go(core, flight)
    for key, advisory in list(core.state.advice.advisories.items()):
        if flight in (advisory.flight, advisory.other) and not _is_by_plan(key):
            _clear(core, key, advisory, f"track of {flight} let go {why}, not known to be clear")


def withdraw(core: Core, flight: str, why: str) -> None:
    """Forgets a flight's plan, and ends at once what was advised by it."""
    core.state.advice.plans.pop(flight, None)
    for key, advisory in list(core.state.advice.advisories.items()):
        if advisory.flight == flight and _is_by_plan(key):
            _clear(core, key, advisory, why)


def forget_flown(core: Core) -> None:
    """Forgets the plans that are over even for a flight as late as its plan allows."""
    plans = core.state.advice.plans
    for plan in [p for p in plans.values() if p.waypoints[-1].at_ms + p.tolerance_ms < core.wall_ms]:
        withdraw(core, plan.flight, "its plan has ended")


def _read(core: Core, findings: tuple[Any, ...] | None) -> list[Finding] | None:
    """The worker's findings; None when there are none, or when they are not of this version's making."""
    try:
        read = None if findings is None else [msgspec.convert(f, Finding, from_attributes=True) for f in findings]
    except (msgspec.ValidationError, ValueError):
        core.count_noise("malformed findings")
        return None
    return read and [f for f in read if _is_still_about(core, f)]


def _is_still_about(core: Core, f: Finding) -> bool:
    """Whether the flights found are held still: they may have gone while the picture was being worked out."""
    advice = core.state.advice
    if f.what == PAIR:
        return f.flight in advice.fleet and f.other in advice.fleet
    held = advice.plans if f.what == PLANNED_FLIGHT else advice.fleet
    return f.flight in held and f.leaf in core.state.situation.matters


def _is_by_plan(key: str) -> bool:
    return key.startswith(f"{PLANNED_FLIGHT}:")


def _key(f: Finding) -> str:
    return f"{f.what}:{f.flight}:{f.other}:{f.leaf.hex()}"


def _advise(core: Core, f: Finding, rule: Hysteresis) -> None:
    """Raises, updates or holds the advisory of a finding; what only holds says nothing new."""
    key, now_ms = _key(f), core.wall_ms
    known = core.state.advice.advisories.get(key)
    found = Found(0 if f.inside or f.enter_ms is None else max(0, f.enter_ms - now_ms), f.raises)
    life = known.life.step(now_ms, found, rule) if known else Life.begin(now_ms, found, rule)
    if life is None:
        return
    if known is not None and (not f.raises or not _is_news(core, known, f)):
        known.life, known.text = life, _text(core, f) if f.raises else known.text
        return
    text, urgent = _text(core, f), _urgent(f)
    core.state.advice.advisories[key] = Advisory(
        key, f.flight, f.other, f.leaf, f.case, f.enter_ms, f.clear_ms, f.margin_ms, f.margin_low_ms, text, life,
        now_ms, urgent,
    )  # fmt: skip
    core.show("advisory", text, f.leaf or None, Precedence.FLASH, _facts(core, f))
    if set(urgent) - set(known.urgent if known else ()):
        core.alarm("advisory", text)


def _urgent(f: Finding) -> tuple[str, ...]:
    """Why a finding cannot wait to be read; each reason that was not there when it was last told is alarmed."""
    reasons = (
        ("inside", f.inside),
        ("pair", f.what == PAIR and f.case == NEAR),
        ("margin unknown", f.what != PAIR and f.margin_ms is None),
        ("margin negative", f.margin_ms is not None and f.margin_ms < 0),
    )
    return tuple(reason for reason, holds in reasons if holds)


def _is_news(core: Core, known: Advisory, f: Finding) -> bool:
    """Whether a finding differs from what was last told by so much that it is told anew."""
    if known.case != f.case or known.urgent != _urgent(f) or (known.enter_ms is None) != (f.enter_ms is None):
        return True
    if f.inside:
        return False  # it entered when it was first seen inside, whatever the newest picture takes as the entry
    return _has_moved(known.enter_ms, f.enter_ms) or _has_moved(
        None if known.margin_ms is None else known.told_ms + known.margin_ms,
        None if f.margin_ms is None else core.wall_ms + f.margin_ms,
    )


def _has_moved(told_ms: int | None, found_ms: int | None) -> bool:
    return told_ms is not None and found_ms is not None and abs(told_ms - found_ms) >= TELL_AGAIN_MS


def _is_over(core: Core, advisory: Advisory) -> bool:
    matter = core.state.situation.matters.get(advisory.leaf)
    return matter is not None and matter.status not in situation.IN_FORCE


def _why_over(core: Core, advisory: Advisory) -> str:
    """Why nothing is found any more, as far as it is known; that a flight is safe is not."""
    matter = core.state.situation.matters.get(advisory.leaf)
    if matter is None:
        return "no longer found near each other"
    of = _whose(core, matter)
    return f"no longer found near {of}" if matter.status in situation.IN_FORCE else f"{of} is {matter.status}"


def _whose(core: Core, matter: Matter) -> str:
    return f"{core.name(matter.party)}'s {statement.Kind(matter.kind).name.replace('_', '-')}"


def _clear(core: Core, key: str, advisory: Advisory, why: str) -> None:
    del core.state.advice.advisories[key]
    who = f"{advisory.flight} and {advisory.other}" if advisory.other else advisory.flight
    core.show("cleared", f"{who}: {why}", advisory.leaf or None, Precedence.PRIORITY, (advisory.flight, advisory.other))


def _facts(core: Core, f: Finding) -> tuple[Any, ...]:
    to_enter = None if f.enter_ms is None else max(0, f.enter_ms - core.wall_ms)
    to_clear = None if f.clear_ms is None else max(0, f.clear_ms - core.wall_ms)
    return (f.what, f.flight, f.other, to_enter, to_clear, f.margin_ms, f.case, f.margin_low_ms, f.margin_high_ms)


def _text(core: Core, f: Finding) -> str:
    """A finding in words, with what is to be said of the tracks it rests on."""
    if f.what == PLANNED_FLIGHT:
        return _words(core, f)
    flights = (f.flight, f.other) if f.other else (f.flight,)
    return _words(core, f) + lost.age_words(core, *flights) + doubts.doubt_words(core, *flights)


def _words(core: Core, f: Finding) -> str:
    if f.what == PAIR:
        return _pair_words(core, f)
    of = _whose(core, core.state.situation.matters[f.leaf])
    if f.unknown_area:
        return f"{f.flight} is in the widest reading of {of}: area not known, no safe side derivable"
    if f.case == "active, flight inside":
        leaves = (
            "does not leave on its present course"
            if f.clear_ms is None
            else f"leaves at {zulu(to_second(f.clear_ms), core.wall_ms)}"
        )
        out = "" if f.way_out_ms is None else f"; shortest way out {span(to_second(f.way_out_ms))}"
        return f"{f.flight} is INSIDE {of}; {leaves}{out}"
    when = (
        "only if its error is against it" if f.enter_ms is None else f"at {zulu(to_second(f.enter_ms), core.wall_ms)}"
    )
    plan = "by its plan " if f.what == PLANNED_FLIGHT else ""
    if f.margin_ms is None:
        return f"{f.flight} {plan}enters {of} {when}; margin not known: {f.reason}"
    return (
        f"{f.flight} {plan}enters {of} {when}; margin {'+' if f.margin_ms >= 0 else ''}{span(to_second(f.margin_ms))}"
    )


def _pair_words(core: Core, f: Finding) -> str:
    near = "" if f.h_min_cm is None else f"{f.h_min_cm // 100} m apart"
    high = "" if f.v_min_cm is None else f", {f.v_min_cm // 100} m vertically"
    if f.case != NEAR:
        return f"{f.flight} and {f.other} may come too near, as far as their places are known: least {near}{high}"
    begins = (
        "have lost separation"
        if f.inside or f.enter_ms is None
        else f"lose separation at {zulu(to_second(f.enter_ms), core.wall_ms)}"
    )
    return f"{f.flight} and {f.other} {begins}: least {near}{high}"
