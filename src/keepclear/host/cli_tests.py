"""`keepclear tests`: which line tests were due, said, answered and missed, and how long each answer took.

The law: reading only, from the record alone, so that both ends read the same. An answer that did not come shows nothing
but that: nobody was there, or the line did not reach a person.
"""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from keepclear.accord.figures import clean
from keepclear.accord.times import span, to_second, zulu
from keepclear.host.cli_node import node_option
from keepclear.host.client import Client
from keepclear.host.terminal import short, table

MISSED: Final = "MISSED: nobody there, or the line reached nobody"


@click.command()
@node_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def tests(directory: Path, as_json: bool) -> None:
    """Show the history of the line tests: due, said, answered by whom and how soon, missed.

    \b
    Example:
      keepclear tests --node north
    """
    with Client(directory) as client:
        found = client.ask("tests")
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    if found["tests"]:
        rows = [_row(one, found["parties"]) for one in found["tests"]]
        table("", ("due", "from", "said", "hash", "asks for", "answered"), rows)
    else:
        click.echo("no line test has been said")
    due = found["next"]
    if due is None:
        click.echo("no test is due: this line is not LIVE, and no understanding asks for any")
        return
    every, reply = span(due["every_ms"]), span(due["reply_ms"])
    click.echo(f"next: {zulu(due['due_ms'])}, {clean(due['by'])}'s turn; every {every}, answered within {reply}")


def _row(one: dict[str, Any], parties: list[str]) -> list[str]:
    due = "beside" if one["due_ms"] is None else zulu(one["due_ms"])
    who = clean(one["by"])
    if one["leaf"] is None:
        return [due, who, MISSED, "", "", ""]
    answers = [_answer(answer) for answer in one["answers"]]
    silent = set(parties) - {answer["from"] for answer in one["answers"]} - {one["by"]}
    words = [*answers, *(f"{clean(name)}: NOT ANSWERED" for name in sorted(silent))]
    said = zulu(to_second(one["said_ms"]))[-9:]
    return [due, f"{who} ({clean(one['seat'])})", said, short(one["leaf"]), one["asked"], "; ".join(words)]


def _answer(answer: dict[str, Any]) -> str:
    after_ms = answer["after_display_ms"]
    took = f"after {span(answer['took_ms'])} (give or take {span(answer['err_ms'])})"
    shown = "" if after_ms is None else f", {span(after_ms)} after display"
    words = "" if answer["agrees"] else ", WRONG WORDS"
    return f"{clean(answer['from'])} ({clean(answer['seat'])}) {took}{shown}{words}"
