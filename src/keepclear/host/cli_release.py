"""Releasing a statement: from the options of a command to an entry that the node has signed.

The law: the statement is put together, looked at and released here, by the seat's key; the node numbers, dates and
signs it. Nothing is refused for being late, vague or incomplete: it is said, and carries its marks. With --dry-run
nothing leaves this process.
"""

from collections.abc import Callable
from typing import Any

import click

from keepclear.accord import people, phrases
from keepclear.accord.statement import Body, Precedence
from keepclear.host import cli_attach, cli_draft, officer
from keepclear.host.blobs import Blobs
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import Desk
from keepclear.host.cli_options import COMMON, Given, Option
from keepclear.host.terminal import short

Make = Callable[[Desk, Given], Body]


def kind(*options: Option) -> Callable[[Make], click.Command]:
    """Makes a command of a function that puts a body together; the function's docstring is the command's help."""

    def made(make: Make) -> click.Command:
        def command(**given: Any) -> None:
            _release(given, make)

        for add in reversed((*COMMON, *options)):
            command = add(command)
        return click.command(make.__name__.replace("_", "-"), help=make.__doc__)(command)

    return made


def _release(given: Given, make: Make) -> None:
    desk = Desk(given["directory"], given["seats"])
    exact = body = make(desk, given)
    losses: list[str] = []
    name = given["precedence"]
    precedence = Precedence[name] if name else cli_draft.usual_precedence(body, desk.now_ms)
    if precedence is Precedence.FLASH:
        body, losses = cli_draft.fitted(body)
    enclosure = cli_attach.chosen(given["attach"], exact if losses else None)
    body, enclosure, told = cli_attach.with_name(body, enclosure, precedence)
    for line in (*losses, *told):
        click.echo(line)
    replaces = bytes.fromhex(desk.entry(given["replaces"]).leaf) if given.get("replaces") else None
    refs = tuple(bytes.fromhex(desk.entry(ref).leaf) for ref in given["refs"])
    if given["dry_run"]:
        from keepclear.host.cli_dry import preview  # noqa: PLC0415 - numpy, which saying it does not need

        click.echo(preview(desk, body, precedence, replaces, refs, as_is=given["as_is"]))
        return
    if enclosure is not None:
        Blobs(desk.directory).add(enclosure.data)
    said = officer.say(
        desk.client, desk.identity, desk.seats, body, precedence, replaces=replaces, refs=refs, as_is=given["as_is"]
    )
    for text in cli_draft.channel_warnings(desk, body):
        click.echo(text)
    seats = " and ".join(desk.seats)
    click.echo(f"said {phrases.kind(body.kind)} {short(said.leaf.hex())}, {precedence.name}, released by {seats}")
    matters = desk.client.ask("matters", all=True)["matters"]
    for matter in matters:
        if matter["leaf"] == said.leaf.hex():
            click.echo(matter["text"])


def words(given: Given, name: str = "text") -> str:
    """The officer's plain words in an option. Raises Refused for what cannot be said."""
    return people.parse_text(given[name])


def moment(desk: Desk, given: Given) -> int:
    """The time in `--at`, which this kind cannot do without. Raises Failure."""
    at_ms = desk.moment(given["at"])
    if at_ms is None:
        raise Failure("this needs a time", "give --at, or leave it out for now")
    return at_ms
