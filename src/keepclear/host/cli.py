"""The command line: `keepclear COMMAND`, one file a command, imported when it is called.

The law: a command asks a running node, or reads files; it decides nothing by itself. What is wrong is said as one line
`keepclear: ...` and one line `hint: ...`; exit 2 is a refusal or a usage error, exit 1 a fault found in what was looked
at, exit 0 neither. `keepclear --help` imports no command, so that it answers at once.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any, Final

import click

from keepclear.host.cli_errors import INTERRUPTED, explained

COMMANDS: Final = {
    "init": ("keepclear.host.cli_init:init", "Make keys, found a line, join one; or all of it for an exercise."),
    "run": ("keepclear.host.cli_run:run", "Run a node in the foreground and show what it tells its officer."),
    "watchdog": ("keepclear.host.cli_watchdog:watchdog", "Watch a node and sound; or quieten its own watchdog."),
    "mailbox": ("keepclear.host.cli_mailbox:mailbox", "Hold sealed datagrams for others: a second path."),
    "watch": ("keepclear.host.cli_watch:watch", "Run a watch: told by bundles, with own tracks; it sends nothing."),
    "say": ("keepclear.host.cli_say:say", "Say a statement: a notice, a hazard, an answer, ..."),
    "ack": ("keepclear.host.cli_ack:ack", "Acknowledge a statement: read it, or read it back."),
    "status": ("keepclear.host.cli_look:status", "Lines, record, what is in force, what was dropped."),
    "show": ("keepclear.host.cli_look:show", "The matters in force, how far each has come, and the advisories."),
    "bundle": ("keepclear.host.cli_bundle:bundle", "Carry the record by stick, radio or courier: export, import."),
    "blob": ("keepclear.host.cli_blob:blob", "Have files that go with statements: list, get, fetch, put."),
    "tests": ("keepclear.host.cli_tests:tests", "The history of the line tests: due, said, answered, missed."),
    "record": ("keepclear.host.cli_look:record", "Write the record to a file that anybody can verify."),
    "tally": ("keepclear.host.cli_look:tally", "How many of what was said, late, vague, met: from entries alone."),
    "keys": ("keepclear.host.cli_keys:keys_group", "Change a member's keys on a line in use; see everybody's."),
    "verify": ("keepclear.host.cli_verify:verify", "Verify record files, and hold several against each other."),
    "evidence": ("keepclear.host.cli_evidence:evidence", "What can be proved to others: list, export, verify it."),
    "replay": ("keepclear.host.cli_replay:replay", "Replay what a node took in and showed, from its journal."),
    "check": ("keepclear.host.cli_check:check", "Check a recorded or planned picture, offline: tracks, volumes."),
    "demo": ("keepclear.host.cli_demo:demo", "Play a scenario with real nodes on this machine."),
}


class Program(click.Group):
    """The group of all commands: it imports a command when it is called, and tells errors in two lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the sequence in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, from its own file."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in the help text, which imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command line and ends with its exit code; if not standalone, as click does it."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # a warning in another script must not fail on a plain terminal
        try:
            found = super().main(args, prog_name or "keepclear", complete_var, False, **extra)
            code = found if isinstance(found, int) else 0
        except click.Abort:
            click.echo("keepclear: interrupted", err=True)
            code = INTERRUPTED
        except Exception as error:
            failure = explained(error)
            if failure is None:
                raise
            click.echo(f"keepclear: {failure.text}\nhint: {failure.hint}", err=True)
            code = failure.code
        sys.exit(code)


@click.group(
    "keepclear", cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="keepclear", message="keepclear %(version)s")
def main() -> None:
    """A deconfliction line between parties that share airspace but no command and little trust.

    It warns; it gives no permission. Each party runs its own node; what is said is signed, numbered and held
    identically by all.

    \b
    Try it, all on one machine:
      keepclear demo --scenario il20
    Found an exercise line of your own and run a node of it:
      keepclear init exercise river --party NORTH --party SOUTH --observer MISSION
      keepclear run river/NORTH/node.toml
    Say something, from another terminal:
      keepclear say notice --node river/NORTH --activity live-fire --from +20m --until +80m \\
          --area "circle 35.4,35.9 10nm" --lower GND --upper FL100
    """
