"""What must be true of a scenario that has been played: judged from what the nodes showed and the records they wrote.

The law: the records are verified first, by the verifier that anybody uses; rules, lead and notice times are counted
from the entries in them, not from what the player believes it did.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from keepclear.accord import check, geometry, understanding
from keepclear.accord import said as saying
from keepclear.accord.said import Said
from keepclear.accord.statement import Kind, Notice
from keepclear.accord.tally import Row
from keepclear.accord.times import zulu
from keepclear.host import acceptance_il20, acceptance_swiss
from keepclear.host.scenario import DAY_MS, Day, Scenario
from keepclear.host.shown import Outcome, Shown
from keepclear.node.situation import said_of
from keepclear.record import compare, timeline, verify
from keepclear.record.compare import Sameness
from keepclear.record.verify import Report

CHUNK_BYTES: Final = 1_048_576


def judge(
    data: Scenario,
    shown: list[Shown],
    said: dict[tuple[int, str], bytes],
    out: Path,
    tallies: dict[str, dict[str, Any]],
) -> Outcome:
    """Verifies and reads the records, builds the summary, and looks at every requirement of the scenario."""
    paths = sorted(out.glob("*.record"))
    reports = [verify.verify(_chunks(path)) for path in paths]
    outcome = Outcome()
    _judge_records(outcome, paths, reports)
    statements = [said_of(entry) for book in reports[0].logbooks.all() for entry in book.entries]
    notices = _notices(data, statements, reports[0])
    outcome.summary |= {
        "notices": notices,
        "advisories": [advisory for one in shown if (advisory := _advisory(data, one)) is not None],
        **_delivery(shown),
    }
    _judge_tallies(outcome, tallies)
    specific = acceptance_il20.judge if data.told else acceptance_swiss.judge
    specific(data, shown, said, statements, outcome)
    return outcome


def shown_of(number: int, layer: str, event: dict[str, Any]) -> Shown:
    """An event of a node's stream."""
    leaf = bytes.fromhex(event["leaf"]) if event.get("leaf") else None
    return Shown(
        number, layer, event["node"], ("alarm " if event["event"] == "alarm" else "") + event["what"], leaf,
        event["at_ms"], event["real_ns"], event["text"], tuple(event.get("facts", ())),
    )  # fmt: skip


def _judge_records(outcome: Outcome, paths: list[Path], reports: list[Report]) -> None:
    for path, report in zip(paths, reports, strict=True):
        faults = [finding.text for finding in (*report.faults, *report.contradictions)]
        if report.unreadable is not None:
            faults.append(report.unreadable.text)
        text = f"{report.entries} entries, {report.notes} checkpoints, {report.signatures} signatures valid"
        outcome.add(path.name, report.sound, text if report.sound else "; ".join(faults)[:300])
    found = compare.compare(reports, [path.name for path in paths])
    identical = found.sameness is Sameness.IDENTICAL
    outcome.summary["identical"] = identical
    outcome.add("identical", identical, found.sameness.value + "".join(f"; {d}" for d in found.differences)[:300])
    tables = [timeline.rows(report.logbooks, report.keys) for report in reports]
    lines = [tuple((row.entry.leaf, row.arrivals, row.past) for row in table) for table in tables]
    outcome.add("timeline", len(set(lines)) == 1, f"the same signed timeline of {len(lines[0])} lines from each record")


def _judge_tallies(outcome: Outcome, tallies: dict[str, dict[str, Any]]) -> None:
    digests = sorted({answer["digest"] for answer in tallies.values()})
    words = f"each node counted the notices from its own copy: {', '.join(digests)[:16]}"
    outcome.add("tally", len(digests) == 1, words)
    names = list(tallies)
    rows = [dict(zip(Row.__struct_fields__, row, strict=True)) for row in tallies[names[0]]["rows"]]
    outcome.summary["tally"] = [row | {"party": names[row["party"]]} for row in rows]


def _notices(data: Scenario, statements: list[Said], report: Report) -> list[dict[str, Any]]:
    assert report.genesis is not None
    parties = frozenset(report.genesis.parties())
    agreed = understanding.in_force(statements, parties)
    by_leaf = {one.leaf: one for one in statements}
    held = saying.holdings(statements, statements)
    out = []
    for one in statements:
        if one.kind not in (Kind.NOTICE, Kind.AMEND) or not isinstance(one.body, Notice):
            continue
        receiver = next(party for party in sorted(parties) if party != one.party)
        rules = understanding.rules_for(agreed, one)
        earlier = by_leaf.get(one.replaces) if one.replaces else None
        receipt = held.get((one.leaf, receiver))
        findings = [
            *check.check(one, rules, earlier),
            *check.check_acknowledged(
                one, rules, receiver, receipt, _ack(statements, one, receiver), _newest(statements, receiver)
            ),
        ]
        unusable = geometry.unusable(geometry.geometry_faults(one.body.volumes))
        effective = check.effective_notice_ms(one, receipt)
        lead = None if one.body.start_ms is None else one.body.start_ms - one.wall_ms
        act, layer = play_at(data, one.wall_ms)
        out.append(
            {
                "act": act, "layer": layer, "kind": Kind(one.kind).name, "said_at": zulu(one.wall_ms),
                "lead_s": _s(lead), "effective_notice_s": _s(effective),
                "rules": {finding.kind: str(finding.outcome) for finding in findings},
                "evidence": {finding.kind: finding.evidence for finding in findings},
                "marks": [str(mark) for mark in check.marks(one, findings, unusable)],
            }
        )  # fmt: skip
    return sorted(out, key=lambda notice: str(notice["said_at"]))


def play_at(data: Scenario, wall_ms: int) -> tuple[int, str]:
    """Act and layer of the play that a wall time belongs to: each has a day of its own."""
    number = (wall_ms - Day(data.scenario.date, 0).midnight_ms) // DAY_MS
    play = data.play[min(max(number, 0), len(data.play) - 1)]
    return play.act, play.layer


def _ack(statements: Iterable[Said], of: Said, by: int) -> Said | None:
    found = (s for s in statements if s.kind == Kind.ACKNOWLEDGEMENT and s.party == by and of.leaf in s.refs)
    return min(found, key=lambda s: (s.start, s.seq), default=None)


def _newest(statements: Iterable[Said], party: int) -> int | None:
    return max((s.earliest_ms for s in statements if s.party == party), default=None)


def _advisory(data: Scenario, one: Shown) -> dict[str, Any] | None:
    if one.what != "advisory":
        return None
    what, flight, other, to_enter, to_clear, margin, case, low, high = one.facts
    act, layer = play_at(data, one.at_ms)
    return {
        "act": act, "layer": layer, "node": one.node, "what": what, "flight": f"{flight}/{other}" if other else flight,
        "at": zulu(one.at_ms), "time_to_enter_s": _s(to_enter), "time_to_clear_s": _s(to_clear), "margin_s": _s(margin),
        "margin_low_s": _s(low), "margin_high_s": _s(high), "case": case,
    }  # fmt: skip


def _delivery(shown: list[Shown]) -> dict[str, Any]:
    """Real milliseconds from the officer's `say` to the statement shown at the other party's."""
    said = {one.leaf: (one.node, one.real_ns) for one in shown if one.what == "said by"}
    times = sorted(
        (one.real_ns - said[one.leaf][1]) / 1e6
        for one in shown
        if one.what == "statement" and one.leaf in said and one.node not in (said[one.leaf][0], "OBSERVER")
    )
    middle = round(times[len(times) // 2], 1) if times else None
    return {"delivery_ms": middle, "delivery_ms_max": round(times[-1], 1) if times else None, "delivered": len(times)}


def _s(ms: int | None) -> float | None:
    return None if ms is None else ms / 1_000


def _chunks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
