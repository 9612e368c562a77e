"""`keepclear ack`: an officer has read a statement, or reads it back.

The law: what is read back is entered again by hand and the area is picked among three; what would be right is never
shown before it has been said. A read-back that differs is said as it is: the author has to know. It shows
understanding and nothing else: no duty and no agreement follows.
"""

import sys
from pathlib import Path
from typing import Final

import click

from keepclear.accord import figures, people, readback, statement
from keepclear.accord.outcome import Outcome
from keepclear.accord.readback import Readable
from keepclear.accord.statement import Acknowledgement, Precedence, Step
from keepclear.host import officer
from keepclear.host.cli_errors import FAULT, Failure
from keepclear.host.cli_node import Desk, node_option
from keepclear.host.terminal import short

UNSTATED: Final = "none"


@click.command()
@click.argument("leaf", metavar="HASH")
@node_option
@click.option("--seat", "seats", multiple=True, help="Who has read it.")
@click.option("--read-back", is_flag=True, help="Say what was understood, so that the author can compare.")
@click.option("--end", metavar="TIME", help="Read-back: when it ends; none if that was not stated.")
@click.option("--upper", metavar="ALT", help="Read-back: the upper limit; none if that was not stated.")
@click.option("--area", metavar="WORD", help="Read-back: the check word of the area; none if that was not stated.")
@click.option("--text", default="", help="Plain words beside it.")
def ack(
    leaf: str,
    directory: Path,
    seats: tuple[str, ...],
    read_back: bool,
    end: str | None,
    upper: str | None,
    area: str | None,
    text: str,
) -> int:
    """Acknowledge the statement whose hash begins with HASH: read, or with --read-back what was understood.

    Without the three values they are asked for, one after another, and the area among three that look alike. Exit 1
    when the read-back differs from what was said: clear it up by voice.

    \b
    Examples:
      keepclear ack 7c31a9f0 --node south
      keepclear ack 7c31a9f0 --node south --read-back --end 19:59Z --upper FL100 --area marble
    """
    desk = Desk(directory, seats)
    held = desk.entry(leaf)
    if held.party == desk.identity.member:
        raise Failure(
            "that is our own statement", "the other members acknowledge it; keepclear show says how far it is"
        )
    typed = people.parse_text(text)
    if not read_back:
        body = Acknowledgement(step=Step.READ, text=typed)
        _say(desk, body, held.leaf, held.precedence)
        click.echo(f"said that {short(held.leaf)} has been read")
        return 0
    about = statement.read(held.kind, bytes.fromhex(held.body))
    if not isinstance(about, Readable):
        raise Failure("that kind of statement is not read back", "leave --read-back out: then it says that it was read")
    body = _read_back(desk, about, (end, upper, area), typed)
    _say(desk, body, held.leaf, held.precedence)
    return _told(readback.readback_matches(body, about), held.leaf)


def _read_back(
    desk: Desk, about: Readable, given: tuple[str | None, str | None, str | None], text: str
) -> Acknowledgement:
    end, upper, area = given
    if None in given and not sys.stdin.isatty():
        missing = [name for name, value in zip(("--end", "--upper", "--area"), given, strict=True) if value is None]
        raise Failure(f"a read-back without {', '.join(missing)}", "give all three, or call it from a terminal")
    end = end or click.prompt("when does it end (none if not stated)")
    upper = upper or click.prompt("what is its upper limit (none if not stated)")
    area = area or _asked_area(about)
    words = [choice.word for choice in readback.readback_choices(about)]
    if not _unstated(area) and words and area.strip().lower() not in words:
        raise Failure(f"{area!r} is none of the words to choose from", f"choose {', '.join(words)}, or none")
    limit = None if _unstated(upper) else people.parse_altitude(upper)
    return Acknowledgement(
        step=Step.READ_BACK,
        end_ms=desk.moment(end),
        upper_cm=limit.cm if limit else None,
        area=None if _unstated(area) else area.strip().lower(),
        text=text,
    )


def _asked_area(about: Readable) -> str:
    choices = readback.readback_choices(about)
    if not choices:
        return UNSTATED
    click.echo("which area is it?")
    for choice in choices:
        where = "; ".join(figures.area(volume.area) for volume in choice.volumes)
        click.echo(f"  {choice.word:<10}  {where}")
    words = click.Choice([choice.word for choice in choices], case_sensitive=False)
    return str(click.prompt("its word", type=words, show_choices=False))


def _unstated(text: str) -> bool:
    return text.strip().lower() == UNSTATED


def _say(desk: Desk, body: Acknowledgement, leaf: str, precedence: int) -> None:
    """As urgent as the statement, but at most IMMEDIATE: FLASH calls an officer, and this is no warning."""
    known = precedence if precedence in list(Precedence) else Precedence.PRIORITY
    urgency = max(known, Precedence.IMMEDIATE)
    officer.say(desk.client, desk.identity, desk.seats, body, urgency, refs=(bytes.fromhex(leaf),))


def _told(found: readback.ReadBack, leaf: str) -> int:
    if found.outcome is Outcome.MET:
        click.echo(f"read back {short(leaf)}: end, upper limit and area agree with what was said")
        return 0
    click.echo(f"read back {short(leaf)}: {found.outcome}")
    for reason in found.reasons:
        click.echo(f"  {reason}")
    if found.outcome is Outcome.NOT_MET:
        click.echo("  it was said as you read it; call the author, then read back again")
    return FAULT if found.outcome is Outcome.NOT_MET else 0
