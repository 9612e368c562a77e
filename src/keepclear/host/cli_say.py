"""`keepclear say`: an officer's statement, from words to a released entry.

The law: the statement is put together, looked at and released here, by the seat's key; the node numbers, dates and
signs it. Nothing is refused for being late, vague or incomplete: it is said, and carries its marks. With --dry-run
nothing leaves this process.
"""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from keepclear.accord import line_test as testing
from keepclear.accord import people, phrases, statement
from keepclear.accord.statement import (
    Accept,
    Activated,
    Activity,
    AllClear,
    Amend,
    Answer,
    Body,
    Cancel,
    CeaseNow,
    Channel,
    ChannelState,
    Clarify,
    Distress,
    Doubt,
    Ended,
    Hazard,
    HazardKind,
    HazardSource,
    LineReply,
    LineTest,
    Notice,
    Precedence,
)
from keepclear.host import cli_draft, officer
from keepclear.host.cli_draft import word
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import Desk
from keepclear.host.cli_options import (
    AREA,
    COMMON,
    CONTACT,
    DRY_RUN,
    FROM_UNTIL,
    REPLACES,
    SEAT,
    Given,
    Option,
    at_option,
    choice_option,
    option,
)
from keepclear.host.terminal import short

Make = Callable[[Desk, Given], Body]


@click.group(invoke_without_command=True)
@click.option("--draft", metavar="HASH", help="Release the question that the node has drafted about this entry.")
@click.option("--node", "directory", envvar="KEEPCLEAR_NODE", metavar="DIR", help="With --draft: the running node.")
@SEAT
@DRY_RUN
@click.pass_context
def say(ctx: click.Context, /, draft: str | None, directory: str | None, **given: Any) -> None:
    """Say a statement on the line.

    Late, vague or incomplete: it goes out and is shown, with its marks. What is said stays said; amend or cancel it.

    \b
    Examples:
      keepclear say notice --node north --activity live-fire --from +20m --until +80m \\
          --area "circle 35.4,35.9 10nm" --lower GND --upper FL100
      keepclear say --draft 7c31a9f0 --node north
    """
    if ctx.invoked_subcommand is not None:
        if draft:
            raise click.UsageError("--draft stands alone, without a kind", ctx)
        return
    if draft is None:
        click.echo(ctx.get_help())
        return
    if directory is None:
        raise click.UsageError("missing option '--node'", ctx)
    usual = {"precedence": None, "text": "", "as_is": False, "doubts": ()}
    ctx.invoke(say.commands["clarify"], directory=Path(directory), refs=(draft,), **usual, **given)


def _kind(*options: Option) -> Callable[[Make], Make]:
    """Makes a command of a function that puts a body together; the function's docstring is the command's help."""

    def register(make: Make) -> Make:
        def command(**given: Any) -> None:
            _release(given, make)

        for add in reversed((*COMMON, *options)):
            command = add(command)
        say.command(make.__name__.replace("_", "-"), help=make.__doc__)(command)
        return make

    return register


def _release(given: Given, make: Make) -> None:
    desk = Desk(given["directory"], given["seats"])
    body = make(desk, given)
    name = given["precedence"]
    precedence = Precedence[name] if name else cli_draft.usual_precedence(body, desk.now_ms)
    if precedence is Precedence.FLASH:
        body, coarser = cli_draft.fitted(body)
        for words in coarser:
            click.echo(words)
    replaces = bytes.fromhex(desk.entry(given["replaces"]).leaf) if given.get("replaces") else None
    refs = tuple(bytes.fromhex(desk.entry(ref).leaf) for ref in given["refs"])
    if given["dry_run"]:
        from keepclear.host.cli_dry import preview  # noqa: PLC0415 - numpy, which saying it does not need

        click.echo(preview(desk, body, precedence, replaces, refs, as_is=given["as_is"]))
        return
    said = officer.say(
        desk.client, desk.identity, desk.seats, body, precedence, replaces=replaces, refs=refs, as_is=given["as_is"]
    )
    kind = phrases.kind(body.kind)
    for text in cli_draft.channel_warnings(desk, body):
        click.echo(text)
    click.echo(f"said {kind} {short(said.leaf.hex())}, {precedence.name}, released by {' and '.join(desk.seats)}")
    matters = desk.client.ask("matters", all=True)["matters"]
    for matter in matters:
        if matter["leaf"] == said.leaf.hex():
            click.echo(matter["text"])


def _words(given: Given, name: str = "text") -> str:
    return people.parse_text(given[name])


def _moment(desk: Desk, given: Given) -> int:
    at_ms = desk.moment(given["at"])
    if at_ms is None:
        raise Failure("this needs a time", "give --at, or leave it out for now")
    return at_ms


@_kind(*choice_option("--activity", Activity, "Its effect on others.", required=True), *FROM_UNTIL, *AREA, *CONTACT)
def notice(desk: Desk, given: Given) -> Body:
    """Announce an activity: what, where, from when until when.

    \b
    Example:
      keepclear say notice --node north --activity live-fire --from +20m --until +80m \\
          --area "polygon 35.3,35.7 35.3,36.1 35.6,36.1 35.6,35.7" --lower GND --upper FL100
    """
    activity = Activity[given["activity"].upper().replace("-", "_")]
    start_ms, end_ms = cli_draft.window(desk, given)
    return Notice(
        activity=activity,
        volumes=cli_draft.volumes(given),
        start_ms=start_ms,
        end_ms=end_ms,
        text=_words(given),
        contact=_words(given, "contact"),
    )


@_kind(*REPLACES, *choice_option("--activity", Activity, "Its effect on others."), *FROM_UNTIL, *AREA, *CONTACT)
def amend(desk: Desk, given: Given) -> Body:
    """Give a new full reading of a notice. What is not given stays as it was; none takes a value back.

    \b
    Example:
      keepclear say amend --node north --replaces 7c31a9f0 --until +120m
    """
    before = cli_draft.notice_before(desk.entry(given["replaces"]))
    activity = Activity[given["activity"].upper().replace("-", "_")] if given["activity"] else before.activity
    start_ms, end_ms = cli_draft.window(desk, given, before)
    return Amend(
        activity=activity,
        volumes=cli_draft.volumes(given, before.volumes),
        start_ms=start_ms,
        end_ms=end_ms,
        text=_words(given) or before.text,
        contact=_words(given, "contact") or before.contact,
    )


@_kind(*REPLACES)
def cancel(_: Desk, given: Given) -> Body:
    """Say that an announced activity will not take place.

    \b
    Example:
      keepclear say cancel --node north --replaces 7c31a9f0
    """
    return Cancel(text=_words(given))


@_kind(*at_option("--at", "Since when."))
def activated(desk: Desk, given: Given) -> Body:
    """Say that an announced activity has begun.

    \b
    Example:
      keepclear say activated --node north --ref 7c31a9f0
    """
    return Activated(at_ms=_moment(desk, given), text=_words(given))


@_kind(*at_option("--at", "Since when."), option("residual", "--residual", is_flag=True, help="A hazard remains."))
def ended(desk: Desk, given: Given) -> Body:
    """Say that an activity is over. Nothing ends by itself.

    \b
    Example:
      keepclear say ended --node north --ref 7c31a9f0
    """
    at_ms = _moment(desk, given)
    return Ended(at_ms=at_ms, residual=given["residual"], text=_words(given))


@_kind(
    *choice_option("--hazard", HazardKind, "What is unsafe.", required=True),
    *choice_option("--source", HazardSource, "Whose it is.", required=True),
    *at_option("--since", "Since when; none if not known."),
    *AREA,
    *CONTACT,
)
def hazard(desk: Desk, given: Given) -> Body:
    """Warn of a volume that is unsafe for others, own or a third party's, until an explicit all-clear.

    \b
    Example:
      keepclear say hazard --node north --hazard air-defence-activity --source third-party \\
          --area "polygon 34.6,34.9 34.6,36.9 36.0,36.9 36.0,34.9" --lower GND --upper UNL
    """
    kind = HazardKind[given["hazard"].upper().replace("-", "_")]
    source = HazardSource[given["source"].upper().replace("-", "_")]
    since_ms = desk.moment(given["at"])
    return Hazard(
        hazard=kind,
        source=source,
        volumes=cli_draft.volumes(given),
        since_ms=since_ms,
        text=_words(given),
        contact=_words(given, "contact"),
    )


@_kind(*at_option("--at", "Since when."))
def all_clear(desk: Desk, given: Given) -> Body:
    """Say that a hazard that we declared is over.

    \b
    Example:
      keepclear say all-clear --node north --ref 93ab04de
    """
    return AllClear(at_ms=_moment(desk, given), text=_words(given))


@_kind(
    option(
        "doubts", "--doubt", multiple=True, type=click.Choice([word(one) for one in Doubt], case_sensitive=False),
        help="What is not clear; left out: all that the entry does not state. Repeat.",
    )
)  # fmt: skip
def clarify(desk: Desk, given: Given) -> Body:
    """Ask about a statement. The question is drafted from what the statement does not say.

    \b
    Example:
      keepclear say clarify --node south --ref 7c31a9f0
    """
    asked = sum({int(Doubt[name.upper()]) for name in given["doubts"]})
    if not asked and given["refs"]:
        asked = cli_draft.doubts(desk.entry(given["refs"][0]))
    if not asked and given["refs"]:
        raise Failure("that entry states all that its kind can state", "say with --doubt what is not clear")
    return Clarify(doubts=asked, text=_words(given))


@_kind(*FROM_UNTIL, *AREA)
def answer(desk: Desk, given: Given) -> Body:
    """Add to a statement of ours what it did not say: --ref names the statement, a second --ref the question.

    \b
    Example:
      keepclear say answer --node north --ref 7c31a9f0 --ref 60d2f4b7 --area "circle 35.4,35.9 10nm" --until +80m
    """
    volumes = cli_draft.volumes(given) or None
    start_ms, end_ms = cli_draft.window(desk, given)
    return Answer(volumes=volumes, start_ms=start_ms, end_ms=end_ms, text=_words(given))


@_kind(*at_option("--at", "When it is so."), *AREA, *CONTACT)
def cease_now(desk: Desk, given: Given) -> Body:
    """Say to any staffed seat: stop, somebody uninvolved, protected or own is being hit here.

    \b
    Example:
      keepclear say cease-now --node south --area "circle 36.54,37.21 2nm" --text hospital
    """
    return CeaseNow(
        volumes=cli_draft.volumes(given),
        at_ms=_moment(desk, given),
        text=_words(given),
        contact=_words(given, "contact"),
    )


@_kind(
    *at_option("--last-fix", "When it was last seen.", None),
    option("aboard", "--aboard", type=int, help="How many people are aboard, if known."),
    *AREA,
    *CONTACT,
)
def distress(desk: Desk, given: Given) -> Body:
    """Report an aircraft in distress or lost: where last seen, when, how many aboard, what is needed.

    \b
    Example:
      keepclear say distress --node south --area "circle 35.5,35.7 5nm" --last-fix 19:03Z --aboard 15
    """
    last_fix_ms = None if given["at"] is None else desk.moment(given["at"])
    return Distress(
        volumes=cli_draft.volumes(given),
        last_fix_ms=last_fix_ms,
        aboard=given["aboard"],
        text=_words(given),
        contact=_words(given, "contact"),
    )


@_kind(
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


@_kind()
def accept(_: Desk, given: Given) -> Body:
    """Accept the understanding that --ref names.

    \b
    Example:
      keepclear say accept --node south --ref 5e0b66c1
    """
    return Accept(text=_words(given))


@_kind()
def line_test(_: Desk, given: Given) -> Body:
    """Test the line: a person at the other end is asked for three words that its node shows.

    \b
    Example:
      keepclear say line-test --node north
    """
    return LineTest(nonce=secrets.token_bytes(statement.NONCE_BYTES), text=_words(given))


@_kind(option("words", "--words", help="The three words, as they are shown; left out, they are asked for."))
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
    reply = LineReply(words=people.parse_text(given["words"] or _asked_words()), text=_words(given))
    if not testing.agrees(reply, asked):
        raise Failure("those are not the words that the test asks for", "type them as they are shown")
    return reply


@_kind(
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
        state=state, until_ms=desk.moment(given["at"]), text=_words(given), contact=_words(given, "contact")
    )


def _asked_words() -> str:
    if not sys.stdin.isatty():
        raise Failure("an answer without words", "give --words, or call it from a terminal")
    return str(click.prompt("the three words that the node has shown"))
