"""`keepclear replay`: the journal of a node that is not running, stepped again from the oldest input that it keeps.

The law: replay is the node itself, fed what it took in; its effects have to be those that the journal has a digest of,
to the last one. What was shown is shown again, with the time at which it was. Nothing is signed, sent or written.
"""

import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from keepclear.accord.times import parse_time, zulu
from keepclear.host.bundle import is_node
from keepclear.host.cli_errors import FAULT, Failure
from keepclear.host.hands import Diverged, load
from keepclear.host.hands import replay as step_again
from keepclear.host.identity import Identity, load_identity
from keepclear.host.journal import Journal
from keepclear.host.journal_records import Segment
from keepclear.host.terminal import UNTOLD, happening, line
from keepclear.host.watch import watch_identity
from keepclear.node.effects import Alarm, Effect, Show
from keepclear.node.inputs import AnyInput
from keepclear.node.node import VERSION, Node

BAR_FROM_INPUTS: Final = 5_000  # about a second of work
BAR_EVERY: Final = 500


class Until(Exception):
    """The wanted time has been reached."""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--until", metavar="TIME", help="Stop after this time (RFC 3339, in Zulu).")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one object a line.")
def replay(directory: Path, until: str | None, as_json: bool) -> int:
    """Replay what the node in DIRECTORY took in and showed, and compare every effect with what the journal says.

    Exit 0 when all are the same, 1 at the first difference. The node must not be running.

    \b
    Example:
      keepclear replay north --until 2018-09-17T19:05:00Z
    """
    until_ms = None if until is None else parse_time(until)
    identity = load_identity(directory) if is_node(directory) else watch_identity(directory)
    path = directory / "journal.db"
    if not path.exists():
        raise Failure(f"{path}: is not there", "name the directory of a node that has run")
    journal = Journal.open(path)
    try:
        run = _Replay(identity, journal, until_ms, as_json)
        return run.go()
    finally:
        journal.close()


class _Replay:
    """One replay: the node, what has been told, how far it is."""

    def __init__(self, identity: Identity, journal: Journal, until_ms: int | None, as_json: bool) -> None:
        self.node = Node(identity.genesis, identity.member)
        self.journal, self.until_ms, self.as_json = journal, until_ms, as_json
        self.names = identity.genesis.names
        self.own = self.node.core.name(identity.member)
        self.inputs = self.shown = 0
        self.version = ""
        self.bar: Any = None

    def go(self) -> int:
        segments = self.journal.segments()
        total = sum(segment.last_n - segment.after_n for segment in segments)
        if not total:
            raise Failure("the journal holds no inputs", "name the directory of a node that has run")
        difference = ""
        if total >= BAR_FROM_INPUTS and sys.stderr.isatty() and not sys.stdout.isatty():
            self.bar = click.progressbar(length=total, label="replaying", file=sys.stderr)
        try:
            for segment in segments:
                self._segment(segment)
        except Until:
            pass
        except Diverged as error:
            difference = str(error)
        except msgspec.DecodeError as error:
            raise Failure(
                f"after {self.inputs} identical inputs: what follows cannot be read by version {VERSION}: {error}",
                f"replay with version {' or '.join(sorted({s.version for s in segments} - {VERSION})) or VERSION}",
            ) from error
        except LookupError as error:
            raise Failure(f"after {self.inputs} identical inputs: {error}", "replay a younger time") from error
        finally:
            if self.bar is not None:
                self.bar.render_finish()
        return self._conclude(difference, segments)

    def _segment(self, segment: Segment) -> None:
        """Steps one segment; where it goes on from the one before, its snapshot has to be the state reached."""
        snapshot = self.journal.snapshot(segment.after_n)
        goes_on = self.inputs and self.node.state.n == segment.after_n and snapshot.version == self.version
        self.version = snapshot.version  # where the version changes, the new one has begun from the record alone
        if not goes_on:
            if self.inputs and self.node.state.n < segment.after_n and not self.as_json:
                click.echo(f"inputs {self.node.state.n + 1} to {segment.after_n} are no longer kept")
            load(self.node, self.journal, snapshot)
        elif snapshot.state != self.node.snapshot():
            raise Diverged(f"the state after input {segment.after_n} is not the one of the journal's snapshot")
        step_again(self.node, self.journal, self.journal.read(segment.after_n + 1, segment.last_n), self._each)

    def _each(self, data: AnyInput, effects: list[Effect]) -> None:
        if self.until_ms is not None and data.stamp.wall_ms > self.until_ms:
            raise Until
        self.inputs += 1
        if self.bar is not None and self.inputs % BAR_EVERY == 0:
            self.bar.update(BAR_EVERY)
        for effect in effects:
            if isinstance(effect, Show | Alarm) and effect.what not in UNTOLD:
                self.shown += 1
                told = happening(effect, data.stamp)
                if self.as_json:
                    click.echo(msgspec.json.encode(told).decode())
                else:
                    text = line(told, self.names, self.own, sys.stdout.isatty())
                    click.echo(text.replace("\a", ""))  # an alarm of then calls nobody now

    def _conclude(self, difference: str, segments: list[Segment]) -> int:
        first = segments[0].after_n + 1
        if self.as_json:
            end = {"identical": not difference, "first": first, "inputs": self.inputs, "told": self.shown}
            click.echo(msgspec.json.encode({**end, "difference": difference}).decode())
            return FAULT if difference else 0
        until = f" up to {zulu(self.until_ms)}" if self.until_ms is not None else ""
        if difference:
            click.echo(f"DIFFERS after {self.inputs} identical inputs from {first} on: {difference}")
            click.echo(f"the journal was written by version {self.version} of the fold, this is version {VERSION}")
            return FAULT
        click.echo(
            f"IDENTICAL: {self.inputs} inputs from {first} on{until}, {self.shown} things told, all effects the same"
        )
        return 0
