"""The requirements of the swiss-day scenario: real flights are advised, real pairs are alerted and cleared."""

from keepclear.accord.said import Said
from keepclear.host.scenario import Scenario
from keepclear.host.shown import Outcome, Shown


def judge(
    data: Scenario, shown: list[Shown], said: dict[tuple[int, str], bytes], statements: list[Said], outcome: Outcome
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
    told = {party for one in statements if one.kind for party in (one.party,)}
    outcome.add(
        "private",
        not any(f in one.text for one in shown if one.node == "A" for f in flights),
        "no flight of B is named at A",
    )
    outcome.columns, outcome.rows = (
        ["value"],
        [["members that spoke", str(len(told))], ["pairs alerted", str(len(pairs))]],
    )
