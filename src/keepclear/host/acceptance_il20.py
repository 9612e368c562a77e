"""The requirements of the il20 reconstruction: what the mechanism lacked, and what the nodes must do with the facts."""

from collections import Counter
from typing import Any

from keepclear.accord.said import Said
from keepclear.accord.times import span, to_second, zulu
from keepclear.host.acceptance_times import hour_flags, say_times
from keepclear.host.scenario import Day, Scenario
from keepclear.host.shown import Outcome, Shown, first

FLIGHT = "IL20"
Saids = dict[tuple[int, str], bytes]


def judge(
    data: Scenario, shown: list[Shown], said: dict[tuple[int, str], bytes], statements: list[Said], outcome: Outcome
) -> None:
    """Looks at A1 to A8 and at the storyboard."""
    layers = {play.layer: number for number, play in enumerate(data.play)}
    days = {layer: Day(data.scenario.date, number) for layer, number in layers.items()}
    notices = {notice["layer"]: notice for notice in outcome.summary["notices"]}
    when = {one.leaf: one.wall_ms for one in statements}
    _a1(outcome, shown, said, layers, notices, when)
    for layer in ("RU", "IL"):
        _a2_a3(outcome, shown, said, layer, layers[layer], days[layer], when)
        _a4_a5(outcome, shown, said, layer, layers[layer], days[layer])
        _a6(outcome, shown, said, layer, layers[layer], when)
    _a7(outcome, data, [notices[layer] for layer in ("RU", "IL")])
    _a8(outcome)
    _storyboard(outcome, shown, said, layers["STORYBOARD"], days["STORYBOARD"], notices["STORYBOARD"])
    say_times(data, outcome, shown, said, layers, days)


def _a1(
    outcome: Outcome,
    shown: list[Shown],
    said: Saids,
    layers: dict[str, int],
    notices: dict[str, dict[str, Any]],
    when: dict[bytes, int],
) -> None:
    leaf = said[layers["RU"], "notice"]
    one = first(shown, layers["RU"], "B", "statement", leaf)
    took_ms = one.at_ms - when[leaf] if one else None
    marks = notices["RU"]["marks"]
    good = took_ms is not None and took_ms <= 2_000 and {"LATE", "VAGUE"} <= set(marks)
    outcome.add("A1 RU", good, f"shown to B {took_ms} ms after it was said, marked {', '.join(marks)}")
    rule, marks = notices["IL"]["rules"]["min_notice"], notices["IL"]["marks"]
    good = rule == "undecidable" and "LATE" not in marks
    outcome.add("A1 IL", good, f"start not stated: minimum notice {rule}, marked {', '.join(marks)}")


def _a2_a3(
    outcome: Outcome,
    shown: list[Shown],
    said: Saids,
    layer: str,
    play: int,
    day: Day,
    when: dict[bytes, int],
) -> None:
    leaf = said[play, "notice"]
    draft = first(shown, play, "B", "draft", leaf)
    banner = first(shown, play, "B", "unclear", leaf)
    drafted_ms = draft.at_ms - when[leaf] if draft else None
    waited_ms = banner.at_ms - when[leaf] if banner else None
    good = drafted_ms is not None and drafted_ms <= 5_000 and waited_ms is not None and 60_000 <= waited_ms <= 75_000
    good = good and "AREA UNKNOWN: treat the whole understanding area as affected" in (banner.text if banner else "")
    outcome.add(
        f"A2 {layer}", good, f"CLARIFY drafted after {drafted_ms} ms; unanswered, the banner after {waited_ms} ms"
    )
    until = day.ms("18:51")
    advised = [s for s in shown if s.play == play and s.node == "B" and s.what == "advisory" and s.at_ms < until]
    own = {s.facts[1] for s in advised}
    texts = {s.text for s in advised}
    no_side = all("no safe side derivable" in text for text in texts)
    good = FLIGHT in own and no_side and not any(" south" in text or " west" in text for text in texts)
    outcome.add(
        f"A3 {layer}", good, f"own traffic in the widest reading: {', '.join(sorted(own))}; no safe side derivable"
    )


def _a4_a5(outcome: Outcome, shown: list[Shown], said: Saids, layer: str, play: int, day: Day) -> None:
    leaf, declared = said[play, "hazard"], day.ms("18:51")
    about = [s for s in shown if s.play == play and s.node == "B" and s.leaf == leaf]
    advice = next((s for s in about if s.what == "advisory" and s.facts[1] == FLIGHT), None)
    cleared = [s for s in about if s.what == "cleared" and s.at_ms < day.ms("19:03")]
    good = advice is not None and advice.at_ms - declared <= 10_000 and not cleared
    before = day.ms("19:03") - advice.at_ms if advice else 0
    good = good and before >= 11 * 60_000
    took = advice.at_ms - declared if advice else "?"
    words = f"advised {took} ms after the report, {span(to_second(before))} before 19:03Z"
    outcome.add(f"A4 {layer}", good, f"{words}: {advice.text if advice else 'no advisory'}")
    notice = said[play, "notice"]
    ended = first(shown, play, "B", "changed", notice)
    standing = ended is not None and ended.at_ms >= day.ms("19:54") and "ended" in ended.text
    words = "nobody said ENDED: in force until the exercise's own closing message"
    outcome.add(f"A5 {layer}", standing, f"{words} at {zulu(ended.at_ms, ended.at_ms) if ended else '?'}")


def _a6(outcome: Outcome, shown: list[Shown], said: Saids, layer: str, play: int, when: dict[bytes, int]) -> None:
    leaf = said[play, "distress"]
    one = first(shown, play, "A", "statement", leaf)
    alarm = first(shown, play, "A", "alarm flash", None, when[leaf])
    took_ms = alarm.at_ms - when[leaf] if alarm else None
    good = one is not None and took_ms is not None and took_ms <= 2_000
    outcome.add(f"A6 {layer}", good, f"DISTRESS: A's alarm {took_ms} ms after; per RU the call came at 19:29Z")


def _a7(outcome: Outcome, data: Scenario, notices: list[dict[str, Any]]) -> None:
    """Two accounts of the lead are one number where a receipt fixes when the notice came in."""
    same = all(holds for name, holds, _ in outcome.checks if name in ("timeline", "identical"))
    ru, il = (notice["effective_notice_s"] for notice in notices)
    flags = hour_flags(data)
    numbers = f"RU {ru} s from B's signed receipt, IL {'not decidable' if il is None else il}: no start was stated"
    words = f"one signed timeline at all nodes; effective notice {numbers}; {'; '.join(flags) or 'no hour is flagged'}"
    outcome.add("A7", same and ru is not None and il is None and len(flags) == 1, words)


def _a8(outcome: Outcome) -> None:
    sums: dict[str, Counter[str]] = {}
    for row in outcome.summary["tally"]:
        sums.setdefault(row["party"], Counter()).update(
            {name: row[name] for name in ("given", "received", "late", "vague")}
        )
    months = {row["month"] for row in outcome.summary["tally"]}
    a, b = sums.get("A", Counter()), sums.get("B", Counter())
    good = months == {"2018-09"} and a["given"] == b["received"] == 3 and (a["late"], a["vague"]) == (1, 2)
    words = "; ".join(
        f"{party} gave {one['given']} notices ({one['late']} late, {one['vague']} vague), received {one['received']}"
        for party, one in sorted(sums.items())
    )
    outcome.add("A8", good, f"{', '.join(sorted(months))}: {words}")


def _storyboard(
    outcome: Outcome,
    shown: list[Shown],
    said: Saids,
    play: int,
    day: Day,
    notice: dict[str, Any],
) -> None:
    leaf = said[play, "notice"]
    about = [s for s in shown if s.play == play and s.node == "B" and s.leaf == leaf]
    advice = [s for s in about if s.what == "advisory" and s.facts[1] == FLIGHT]
    margin_ms = advice[0].facts[5] if advice else None
    cleared = next((s for s in about if s.what == "cleared"), None)
    ready = notice["rules"].get("min_notice") == "met" and not notice["marks"]
    good = ready and margin_ms is not None and margin_ms > 0
    outcome.add(
        "act 3 margin", good, f"the notice meets the rules; B's margin is {span(margin_ms) if margin_ms else margin_ms}"
    )
    still = [s for s in about if s.what == "advisory" and s.at_ms >= day.ms("18:40")]
    hazard = [
        s for s in shown if s.play == play and s.node == "B" and s.what == "advisory" and s.at_ms >= day.ms("18:51")
    ]
    good = cleared is not None and cleared.at_ms < day.ms("18:40") and not still and not hazard
    at = zulu(to_second(cleared.at_ms), cleared.at_ms) if cleared else "never"
    words = (
        f"by its new plan IL20 stays out, the advisory ended at {at}; no flight of B is inside at 18:40Z or at 18:51Z"
    )
    outcome.add("act 3 clear", good, words)
