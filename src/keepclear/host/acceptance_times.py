"""The times of the il20 reconstruction: where two accounts are an hour apart, and all layers side by side.

The law: the last screen says when what was said, shown and advised, and nothing about lives.
"""

from typing import Final

from keepclear.accord.times import hours_apart, span, to_second
from keepclear.host.scenario import Day, Scenario
from keepclear.host.shown import Outcome, Shown, first

HOUR_TOLERANCE_MS: Final = 600_000  # two accounts of one minute may differ by a few before the hour is what differs


def hour_flags(data: Scenario) -> list[str]:
    """Accounts of one thing that differ by whole hours, which is more often a time zone than a time."""
    day, out = Day(data.scenario.date, 0), []
    rows = [row for row in data.told if row.about]
    for i, one in enumerate(rows):
        for other in rows[i + 1 :]:
            hours = hours_apart(day.ms(one.z), day.ms(other.z), HOUR_TOLERANCE_MS)
            if one.about == other.about and hours is not None:
                out.append(
                    f"flagged: {one.about} is told as {one.local} and as {other.local}, about {abs(hours)} h apart: "
                    "one time in two zones, or two times?"
                )
    return out


def say_times(
    data: Scenario,
    outcome: Outcome,
    shown: list[Shown],
    said: dict[tuple[int, str], bytes],
    layers: dict[str, int],
    days: dict[str, Day],
) -> None:
    """Fills the table: for each layer, when what was said, shown and advised, in time of day and in minutes."""
    outcome.columns = [f"{layer} (act {data.play[number].act})" for layer, number in layers.items()]
    notices = {notice["layer"]: notice for notice in outcome.summary["notices"]}
    lead = [_span(notices[layer]["lead_s"]) for layer in layers]
    effective = [_span(notices[layer]["effective_notice_s"]) for layer in layers]
    hazard, advised, before = [], [], []
    for layer, number in layers.items():
        one = first(shown, number, "B", "statement", said[number, "hazard"])
        advice = next(
            (s for s in shown if s.play == number and s.node == "B" and s.what == "advisory" and s.facts[1] == "IL20"),
            None,
        )
        hit = days[layer].ms("19:03")
        hazard.append(_of_day(one.at_ms if one else None, days[layer]))
        advised.append(_of_day(advice.at_ms if advice else None, days[layer]))
        before.append(span(to_second(hit - advice.at_ms)) if advice else "none")
    outcome.closing = "What the people at the line would have done with more minutes, nobody can know."
    margins = [_margin(outcome, layer) for layer in layers]
    outcome.rows = [
        ["notice before the activity (lead)", *lead],
        ["notice as displayed at B (effective)", *effective],
        ["first advisory for IL20 at B", *advised],
        ["that is before 19:03:00Z by", *before],
        ["hazard displayed at B", *hazard],
        ["margin of IL20 against the activity", *margins],
    ]


def _margin(outcome: Outcome, layer: str) -> str:
    found = [a for a in outcome.summary["advisories"] if (a["layer"], a["node"], a["flight"]) == (layer, "B", "IL20")]
    if not found:
        return "no advisory"
    return "none can be reckoned" if found[0]["margin_s"] is None else _span(found[0]["margin_s"])


def _span(seconds: float | None) -> str:
    return "not decidable" if seconds is None else span(int(seconds) * 1_000)


def _of_day(at_ms: int | None, day: Day) -> str:
    if at_ms is None:
        return "never"
    seconds = (at_ms - day.midnight_ms) // 1_000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"
