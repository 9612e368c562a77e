"""What an officer says of the line itself: its rules, whether a person is there, whether our side uses it.

The law: these are kinds of `keepclear say` like all others.
"""

import secrets
import sys
from pathlib import Path
from typing import Final

import click

from keepclear.accord import line_test as testing
from keepclear.accord import people, statement
from keepclear.accord.statement import Accept, Body, Channel, ChannelState, LineReply, LineTest
from keepclear.host import cli_draft
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import Desk
from keepclear.host.cli_options import CONTACT, Given, at_option, choice_option, option
from keepclear.host.cli_release import kind, words


@kind(
    option("file", "--file", type=click.Path(path_type=Path), help="Its rules, as JSON."),
    option("standard", "--standard", is_flag=True, help="The usual rules, to start from."),
    option("name", "--name", default="understanding", show_default=True, help="What it is called."),
    option("version", "--version", default=1, show_default=True, help="Which edition of it."),
    option("effective", "--effective", default="now", show_default=True, metavar="TIME", help="From when it holds."),
    option("replaces", "--replaces", metavar="HASH", help="A proposal of ours that it stands for."),
)
def understanding(desk: Desk, given: Given) -> Body:
    """Propose rules. They are in force once every party has accepted them; proposing is accepting.

    \b
    Example:
      keepclear say understanding --node north --standard --name river
    """
    return cli_draft.understood(desk, given)


@kind()
def accept(_: Desk, given: Given) -> Body:
    """Accept the understanding that --ref names.

    \b
    Example:
      keepclear say accept --node south --ref 5e0b66c1
    """
    return Accept(text=words(given))


@kind()
def line_test(_: Desk, given: Given) -> Body:
    """Test the line: a person at the other end is asked for three words that its node shows.

    \b
    Example:
      keepclear say line-test --node north
    """
    return LineTest(nonce=secrets.token_bytes(statement.NONCE_BYTES), text=words(given))


@kind(option("words", "--words", help="The three words, as they are shown; left out, they are asked for."))
def test_reply(desk: Desk, given: Given) -> Body:
    """Answer the line test that --ref names, with the three words that the node has shown.

    \b
    Example:
      keepclear say test-reply --node south --ref 7c31a9f0 --words "coconut juniper violet"
    """
    if len(given["refs"]) != 1:
        raise Failure("an answer to no test", "give --ref with the test's hash; keepclear tests lists them")
    asked = statement.read(*desk.content(given["refs"][0]))
    if not isinstance(asked, LineTest):
        raise Failure("that entry is no line test", "keepclear tests lists them")
    reply = LineReply(words=people.parse_text(given["words"] or _asked_words()), text=words(given))
    if not testing.agrees(reply, asked):
        raise Failure("those are not the words that the test asks for", "type them as they are shown")
    return reply


@kind(
    *choice_option("--state", Channel, "Whether our side uses the channel.", required=True),
    *at_option("--until", "What is said of its end; nothing ends by itself.", "none"),
    *CONTACT,
)
def channel_state(desk: Desk, given: Given) -> Body:
    """Say that our side suspends the channel, or uses it again. Tests, hazards, distress and cease-now stay open.

    \b
    Example:
      keepclear say channel-state --node north --state suspended --until none --contact "+41 22 555 0199"
    """
    state = Channel[given["state"].upper()]
    return ChannelState(
        state=state, until_ms=desk.moment(given["at"]), text=words(given), contact=words(given, "contact")
    )


def _asked_words() -> str:
    if not sys.stdin.isatty():
        raise Failure("an answer without words", "give --words, or call it from a terminal")
    return str(click.prompt("the three words that the node has shown"))


KINDS: Final = (understanding, accept, line_test, test_reply, channel_state)
