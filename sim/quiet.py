"""False alarms: `python -m sim.quiet --hours 24`, or `make quiet`. Two nodes on a line that is bad and works.

A trial is an hour of the seeded world, in one of two weathers, with statements now and then; the seeds are the hours.

The law: frames get through, all the time, both ways. So once the line has been open at both ends nobody is told that
it is anything else, no horn sounds, and nothing else is alarmed. In the end both hold the same record.
"""

import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import click

from keepclear.accord import shape, statement
from keepclear.accord.statement import Precedence, Step
from keepclear.line.liveness import LineState
from keepclear.node.inputs import Say, Settings
from keepclear.record.entry import Draft
from sim import founding, officers, trials
from sim.invariants import Broken
from sim.trials import Campaign
from sim.world import START_WALL_MS, Member, Weather, World

NAMES: Final = ("ALFA", "BRAVO")
GENESIS: Final = founding.found(NAMES)
KEYS: Final = [founding.node_keys(name) for name in NAMES]
HOUR_MS: Final = 3_600_000
WEATHERS: Final = {
    "near": Weather(loss=0.1, delay_ms=(20, 320)),  # 300 ms of jitter
    "far": Weather(loss=0.1, delay_ms=(2_000, 2_050)),
}
OPEN_MS: Final = 60_000  # by then the line has to have been open
ACKNOWLEDGED_MS: Final = 15_000
SAID_AN_HOUR: Final = 20
FLASH: Final = 0.2  # of what is said
IDLE_COMMIT_AFTER_MS: Final = 10_000  # of heartbeats alone; what they would lose in a crash is of no account here
SNAPSHOT_CHANCE: Final = 0.001


@dataclass(frozen=True)
class Result:
    """What came of an hour: `told` are words that the line is not open, `alarms` are alarms."""

    seed: int
    told: int
    alarms: int
    statements: int
    steps: int
    fault: str


class Hour:
    """An hour in one weather."""

    def __init__(self, seed: int, weather: str) -> None:
        self.seed, self.draw = seed, Random(f"quiet {weather} {seed}")
        self.world = World(seed, GENESIS, KEYS, Settings())
        self.world.weather = WEATHERS[weather]
        self.world.idle_commit_after_ms, self.world.snapshot_chance = IDLE_COMMIT_AFTER_MS, SNAPSHOT_CHANCE

    def go(self, until_ms: int) -> None:
        """Lives the hour. Raises Broken when the line does not open, or the records differ."""
        world = self.world
        world.start_all()
        for _ in range(SAID_AN_HOUR * until_ms // HOUR_MS):
            world.after(self.draw.randrange(OPEN_MS, until_ms - OPEN_MS), self._notify)
        world.run(until_ms)
        for member in world.members:
            if self._opened_ms(member) > OPEN_MS:
                raise Broken(f"seed {self.seed}: the line of {NAMES[member.index]} was not open after {OPEN_MS} ms")
        world.watch.at_rest()

    def _notify(self) -> None:
        """An officer gives notice; the other acknowledges it in good time."""
        member, other = self.draw.sample(self.world.members, 2)
        start_ms = START_WALL_MS + self.world.now + HOUR_MS
        area = shape.circle(officers.LON_E7, officers.LAT_E7, self.draw.randint(100_000, 2_000_000))
        volumes = (shape.Volume(area, 10_000, shape.GROUND, shape.Altitude(304_800, shape.AltRef.AMSL)),)
        precedence = Precedence.FLASH if self.draw.random() < FLASH else Precedence.PRIORITY
        self._say(
            member,
            statement.Notice(activity=3, volumes=volumes, start_ms=start_ms, end_ms=start_ms + HOUR_MS),
            precedence,
        )
        acknowledged = statement.Acknowledgement(step=Step.READ)
        leaf = member.node.books.of(member.index)[-1].entries[-1].leaf
        self.world.after(ACKNOWLEDGED_MS, lambda: self._say(other, acknowledged, precedence, (leaf,)))

    def _say(self, member: Member, body: statement.Body, precedence: Precedence, refs: tuple[bytes, ...] = ()) -> None:
        stamp, everyone = member.stamp(), member.node.core.genesis.everyone
        data = statement.to_bytes(body)
        draft = Draft(body.kind, precedence, None, refs, everyone, "duty", stamp.wall_ms, None, data)
        member.take(Say(stamp, draft, 0, self.world.fresh(32), ()))

    def _opened_ms(self, member: Member) -> int:
        return next(
            (at for at, shown in member.log.shown if _state(shown.what, shown.facts) == LineState.OPEN), HOUR_MS
        )

    def told(self) -> Iterator[str]:
        """Each word, at either end, that the line is not open."""
        for member in self.world.members:
            for at, shown in member.log.shown:
                state = _state(shown.what, shown.facts)
                if at > self._opened_ms(member) and state not in (None, LineState.OPEN):
                    yield f"{at} ms, {NAMES[member.index]}: {shown.text}"

    def alarms(self) -> Iterator[str]:
        """Each alarm at either end, but that a FLASH has come."""
        for member in self.world.members:
            for at, alarm in member.log.alarms:
                if alarm.what == "flash":
                    continue
                yield f"{at} ms, {NAMES[member.index]}: {alarm.what}: {alarm.text}"


def _state(what: str, facts: tuple[object, ...]) -> object:
    return facts[1] if what == "line" else None


def one(seed: int, weather: str, until_ms: int = HOUR_MS) -> Result:
    """Lives one hour."""
    hour, wrong = Hour(seed, weather), list[str]()
    try:
        hour.go(until_ms)
    except Exception as error:  # whatever a node or the world raises is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        wrong.append(f"{error!r} [{last.name}, {last.filename.rsplit('/', 1)[-1]}:{last.lineno}]")
    told, alarms = list(hour.told()), list(hour.alarms())
    wrong += [*told, *alarms]
    fault = f"seed {seed}, {weather}: {len(told)} told, {len(alarms)} alarms: {wrong[0]}" if wrong else ""
    statements = len(hour.world.members[0].node.state.situation.matters)
    return Result(seed, len(told), len(alarms), statements, hour.world.steps, fault)


def campaign(weather: str) -> Campaign[Result]:
    """The hours of one weather."""
    again = f"python -m sim.quiet --weather {weather} --only"
    return Campaign(
        "quiet", Result, partial(one, weather=weather), lambda seed: f"{again} {seed}", {"weather": weather}
    )


@click.command()
@click.option("--hours", default=24, show_default=True, help="Simulated hours in each weather.")
@click.option("--weather", type=click.Choice(list(WEATHERS)), help="This weather alone.")
@trials.options
def main(hours: int, weather: str | None, first: int, jobs: int, only: int | None, results: Path | None) -> None:
    """Lives hours on a line that loses and delays, and works, and counts what is told and alarmed in vain."""
    faults = 0
    for name in [weather] if weather else WEATHERS:
        done = campaign(name).run(range(first, first + hours), jobs, only, results)
        faults += done.faults
        least_ms, most_ms = WEATHERS[name].delay_ms
        click.echo(
            f"{name}, {WEATHERS[name].loss:.0%} loss, {least_ms} to {most_ms} ms one way, {len(done.results)} hours:"
            f" {done.total('told')} times told not open, {done.total('alarms')} alarms, {done.total('statements')}"
            f" statements, {done.total('steps')} steps; {done.faults} faults; {done.ending()}"
        )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
