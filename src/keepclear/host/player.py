"""Playing a scenario: three nodes as processes, one clock, the story told, the records verified, a summary written.

The law: the player speaks to the nodes as their officers and track sources do, and judges only by what the nodes
showed and by the records they wrote. Whatever is not as it must be makes it end with a fault.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from keepclear.accord import statement
from keepclear.accord.statement import Activity, Precedence
from keepclear.host import acceptance, acceptance_times, nominal, officer, recorded, scenario, spread
from keepclear.host.scenario import Day, Event, Play, Scenario
from keepclear.host.shown import Outcome, Shown
from keepclear.host.stage import Actor, Stage
from keepclear.host.story import Story

RECORDED_STEP_MS: Final = 10_000  # the recorded day's own grid
JUST_AFTER_A_MINUTE_MS: Final = 60_500  # when the nodes' timers of a minute have run out
SETUP_BEFORE_MS: Final = 300_000
PARTY_SEAT: Final = ("duty",)


class Player:
    """One run of one scenario."""

    def __init__(self, data: Scenario, stage: Stage, story: Story, speed: float | None) -> None:
        self.data, self.stage, self.story, self.speed = data, stage, story, speed
        self.shown: list[Shown] = []
        self.said: dict[tuple[int, str], bytes] = {}
        self._told: dict[str, int] = {}
        self._now_ms = 0
        self._recorded = _recorded() if data.scenario.recorded else {}

    def agree(self, from_ms: int) -> None:
        """Before the first play: A proposes the rules of this exercise, the other parties accept."""
        proposer, *others = self.data.scenario.parties
        self.story.heading("before the first play: what the parties of this exercise agree on")
        self._jump(from_ms - SETUP_BEFORE_MS)
        self.stage.settle()
        body = scenario.rules_of(self.data.understanding, from_ms - SETUP_BEFORE_MS)
        leaf = self._say(proposer, body, Precedence.PRIORITY)
        self.stage.settle()
        for other in others:
            self._say(other, statement.Accept(), Precedence.PRIORITY, refs=(leaf,))
        self.stage.settle()
        self._tell(0, "")

    def play(self, number: int, play: Play) -> None:
        """Plays one play from its beginning to its end."""
        day = Day(self.data.scenario.date, number)
        events = list(play.event)
        plans = [plan for plan in self.data.plan if play.layer in plan.layers]
        for at_ms in self._instants(play, day):
            self._jump(at_ms)
            while plans and day.ms(plans[0].z) <= at_ms:
                self.stage.actors[plans[0].owner].feed([nominal.plan_line(plans.pop(0), day)])
            self._feed(play, day, at_ms)
            while events and day.ms(events[0].z) <= at_ms:
                self._do(number, day, events.pop(0))
            self.stage.settle()
            self._tell(number, play.layer)

    def _instants(self, play: Play, day: Day) -> Iterator[int]:
        at_ms, end_ms = day.ms(play.from_z), day.ms(play.until_z)
        said = {day.ms(event.z) for event in play.event}
        stops = sorted(said | {ms + JUST_AFTER_A_MINUTE_MS for ms in said} | {at_ms, end_ms})
        while stops:
            yield at_ms
            stops = [stop for stop in stops if at_ms < stop <= end_ms]
            if stops:
                at_ms = min(stops[0], at_ms + self.data.scenario.step_s * 1_000)

    def _jump(self, to_ms: int) -> None:
        if self.speed is not None and self._now_ms and to_ms > self._now_ms:
            time.sleep(max(0.0, min((to_ms - self._now_ms) / 1_000, 60) / self.speed))
        self.stage.set_clock(to_ms)
        self._now_ms = to_ms

    def _feed(self, play: Play, day: Day, at_ms: int) -> None:
        for owner, lines in self._tracks(play, day, at_ms).items():
            if lines:
                self.stage.actors[owner].feed(lines)

    def _tracks(self, play: Play, day: Day, at_ms: int) -> dict[str, list[dict[str, Any]]]:
        out: dict[str, list[dict[str, Any]]] = {}
        if self.data.scenario.recorded:
            out[self.data.scenario.recorded] = self._recorded.get(at_ms // RECORDED_STEP_MS, [])
        for track in nominal.tracks_of(self.data, play.layer):
            at = nominal.fix(track, day, at_ms)
            if at is not None:
                out.setdefault(track.owner, []).append(nominal.line_of(at))
        return out

    def _do(self, number: int, day: Day, event: Event) -> None:
        actor = self.stage.actors[event.who]
        refs = tuple(self.said[number, name] for name in event.refs)
        replaces = self.said[number, event.replaces] if event.replaces else None
        doubts, expected = 0, None
        if event.say == "CLARIFY":
            doubts = self._drafted(actor, refs[0])
        if event.say == "READ_BACK":
            expected = tuple(actor.client.ask("entry", leaf=refs[0].hex())["expected"])
        body = scenario.body_of(event, day, doubts, expected)
        mark = "[invented] " if event.invented else ""
        self.story.words(f"{event.z}Z  {event.who}: {event.say.replace('_', ' ')}. {mark}{event.why}")
        if event.source:
            self.story.words(f"          source: {event.source}")
        leaf = self._say(event.who, body, scenario.precedence_of(event), refs=refs, replaces=replaces)
        self.said[number, event.id or f"{event.say}@{event.z}"] = leaf

    def _drafted(self, actor: Actor, leaf: bytes) -> int:
        """What the actor's own node has drafted to ask about an entry."""
        drafts = [e for e in actor.events if e.get("what") == "draft" and e.get("leaf") == leaf.hex()]
        return int(drafts[-1]["facts"][0]) if drafts else int(statement.Doubt.AREA)

    def _say(
        self,
        who: str,
        body: statement.Body,
        precedence: int,
        refs: tuple[bytes, ...] = (),
        replaces: bytes | None = None,
    ) -> bytes:
        actor = self.stage.actors[who]
        said_ns = time.monotonic_ns()
        said = officer.say(
            actor.client, actor.identity, PARTY_SEAT, body, precedence, refs=refs, replaces=replaces, as_is=True
        )
        self.shown.append(Shown(-1, "", who, "said by", said.leaf, self._now_ms, said_ns, "", ()))
        self.stage.settle()
        return said.leaf

    def _tell(self, number: int, layer: str) -> None:
        """Tells what the nodes have shown since the last time, in the sequence of their clocks."""
        fresh = []
        for name, actor in self.stage.actors.items():
            events = actor.events[self._told.get(name, 0) :]
            self._told[name] = self._told.get(name, 0) + len(events)
            fresh += [event for event in events if "at_ms" in event]
        for event in sorted(fresh, key=lambda e: (e["at_ms"], e["node"])):
            self.shown.append(acceptance.shown_of(number, layer, event))
            if self._is_news(event):
                self.story.event(event)

    def _is_news(self, event: dict[str, Any]) -> bool:
        """Alarms that only repeat what is shown, one's own words, and what the observer sees too are left out."""
        if event["node"] == self.data.scenario.observer:
            return bool(event["what"] == "disputed")
        if event["event"] == "alarm":
            return event["what"] not in ("advisory", "unclear", "not acknowledged")
        if event["what"] == "statement":
            return bool(event["facts"][0] != self.stage.actors[event["node"]].identity.member)
        if event["what"] == "ladder":
            return event["precedence"] == Precedence.FLASH and "not displayed" not in event["text"]
        return True


def play(
    name: str, out: Path, speed: float | None = 60.0, exit_: bool = True, spread_runs: int = 0,
    console: Console | None = None,
) -> int:  # fmt: skip
    """Plays a scenario; 0 if everything is as it must be, else 1. With `exit_` false, waits for Enter at the end."""
    data = scenario.load(name)
    story = Story(console or Console())
    _introduce(data, story)
    out.mkdir(parents=True, exist_ok=True)
    settings = {"vertical_cm": 30_175} if data.scenario.recorded else {}
    stage = Stage(_fresh(out / "nodes"), data.scenario.parties, data.scenario.observer, settings)
    try:
        player = Player(data, stage, story, speed)
        first = Day(data.scenario.date, 0)
        player.agree(first.ms(data.play[0].from_z))
        for number, one in enumerate(data.play):
            story.mark = "(did not happen) " if one.act == 3 and name == "il20" else ""
            story.heading(f"act {one.act}, {one.layer}: {one.title}")
            player.play(number, one)
        story.mark = ""
        return _finish(player, out, spread_runs)
    finally:
        if not exit_:
            story.words("press Enter to end the three nodes")
            input()
        stage.stop()


def _recorded() -> dict[int, list[dict[str, Any]]]:
    """The recorded day's positions as lines, by tens of seconds; fetched if they are not here."""
    recorded.fetch()
    out: dict[int, list[dict[str, Any]]] = {}
    for position in recorded.positions():
        out.setdefault(position.at_ms // RECORDED_STEP_MS, []).append(recorded.line_of(position))
    return out


def _introduce(data: Scenario, story: Story) -> None:
    story.heading(f"{data.scenario.name}: {data.scenario.title}")
    for note in data.scenario.note:
        story.words(note)
    if not data.told:
        return
    story.heading("act 1: as told, two accounts, neither chosen")
    for row in data.told:
        story.told(row.z, row.account, row.text, row.source)
    for text in acceptance_times.hour_flags(data):
        story.words(text)


def _finish(player: Player, out: Path, spread_runs: int) -> int:
    story, stage = player.story, player.stage
    for actor in stage.actors.values():
        actor.client.ask("checkpoint")
    stage.settle()
    stage.settle()
    tallies = {}
    for name, actor in stage.actors.items():
        path = out / ("observer.record" if name == player.data.scenario.observer else f"{name}.record")
        actor.client.ask("record", path=str(path.resolve()))
        tallies[name] = actor.client.ask("tally")
    story.heading("the records")
    outcome = acceptance.judge(player.data, player.shown, player.said, out, tallies)
    for check in outcome.checks:
        story.check(*check)
    if spread_runs:
        outcome.summary["spread"] = spread.ranges(player.data, spread_runs)
        story.table(
            "the doubt of the reconstruction", ["what", "least", "middle", "most"], spread.rows(outcome.summary)
        )
    _count(story, outcome.summary["tally"])
    _side_by_side(story, outcome)
    (out / "summary.json").write_text(json.dumps(outcome.summary, indent=1) + "\n")
    story.words(f"records and summary: {out}")
    return 0 if all(holds for _, holds, _ in outcome.checks) else 1


def _count(story: Story, rows: list[dict[str, Any]]) -> None:
    """What each side gave and received, as every node has counted it from its own copy: a column a party and class."""
    shown = ("given", "received", "late", "vague", "unacknowledged", "met", "not_met", "undecidable")
    story.table(
        "counted from the record, by each node alike",
        ["", *(f"{row['party']} {_class_name(row['activity'])} {row['month']}" for row in rows)],
        [[name.replace("_", " "), *(str(row[name]) for row in rows)] for name in shown],
    )


def _class_name(activity: int) -> str:
    return Activity(activity).name.lower() if activity in list(Activity) else "other"


def _side_by_side(story: Story, outcome: Outcome) -> None:
    story.table("the times side by side", ["what", *outcome.columns], outcome.rows)
    if outcome.closing:
        story.words(outcome.closing)


def _fresh(path: Path) -> Path:
    """A directory for the nodes that holds nothing of an earlier run: keys and journals are made anew."""
    if path.exists():
        aside = path.with_name(f"{path.name}-{time.time_ns()}")
        path.rename(aside)
    return path
