"""The requirements of the swiss-day scenario: real flights are advised, real pairs are alerted and cleared."""

from typing import Final

from keepclear.accord.said import Said
from keepclear.accord.times import span, to_second, zulu
from keepclear.host.scenario import Scenario
from keepclear.host.shown import Outcome, Shown

MAX_ROWS: Final = 12


def judge(
    data: Scenario, shown: list[Shown], said: dict[tuple[int, str], bytes], _statements: list[Said], outcome: Outcome
) -> None:
    """Looks at advisories against the notice and the hazard, at pairs, and that all of them end."""
    party = data.scenario.recorded
    advised = [s for s in shown if s.node == party and s.what == "advisory"]
    areas = [s for s in advised if s.facts[0] == "area"]
    pairs = {(s.facts[1], s.facts[2]) for s in advised if s.facts[0] == "pair"}
    cleared = {tuple(s.facts) for s in shown if s.node == party and s.what == "cleared"}
    timed = [s for s in areas if s.facts[3] is not None]
    with_margin = [s for s in areas if s.facts[5] is not None]
    flights = sorted({s.facts[1] for s in areas})
    good = len(timed) > 0 and len(with_margin) > 0
    outcome.add(
        "flights",
        good,
        f"{len(flights)} real flights advised, {len(with_margin)} times with a margin: {', '.join(flights[:6])} ...",
    )
    hazard = said[0, "hazard"]
    good = any(s.leaf == hazard for s in areas)
    outcome.add(
        "hazard",
        good,
        f"{len({s.facts[1] for s in areas if s.leaf == hazard})} flights advised of the hazard outside the area",
    )
    both = sorted(pairs & cleared)
    outcome.add(
        "pairs",
        bool(both),
        f"{len(pairs)} pairs alerted, {len(both)} cleared: {', '.join('/'.join(p) for p in both[:3])}",
    )
    named = [one.text for one in shown if one.node == "A" and any(flight in one.text for flight in flights)]
    outcome.add("private", not named, "no flight of B's is named at A")
    _say_first_advisories(outcome, areas)


def _say_first_advisories(outcome: Outcome, areas: list[Shown]) -> None:
    """Fills the table: the first flights that were advised, when, of what, and how long they had."""
    outcome.columns = ["advised at", "enters in", "clear in", "margin"]
    for one in list({s.facts[1]: s for s in reversed(areas)}.values())[::-1][:MAX_ROWS]:
        _, flight, _, to_enter, to_clear, margin, *_ = one.facts
        times = ("none" if ms is None else span(to_second(ms)) for ms in (to_enter, to_clear, margin))
        outcome.rows.append([flight, zulu(to_second(one.at_ms), one.at_ms), *times])
