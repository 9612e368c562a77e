"""`keepclear say`: the kinds of statements on activities, hazards and distress, each from its options.

The law: a kind puts a body together and does nothing else. Nothing is refused for being late, vague or incomplete; how
it is looked at and released is cli_release's, the kinds that are about the line itself are cli_say_line's.
"""

from pathlib import Path
from typing import Any

import click

from keepclear.accord.statement import (
    Activated,
    Activity,
    AllClear,
    Amend,
    Answer,
    Body,
    Cancel,
    CeaseNow,
    Clarify,
    Distress,
    Doubt,
    Ended,
    Hazard,
    HazardKind,
    HazardSource,
    Notice,
)
from keepclear.host import cli_draft, cli_say_line
from keepclear.host.cli_draft import word
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import Desk
from keepclear.host.cli_options import (
    AREA,
    CONTACT,
    DRY_RUN,
    FROM_UNTIL,
    REPLACES,
    SEAT,
    Given,
    at_option,
    choice_option,
    option,
)
from keepclear.host.cli_release import kind, moment, words


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
    usual = {"precedence": None, "text": "", "attach": None, "as_is": False, "doubts": ()}
    ctx.invoke(say.commands["clarify"], directory=Path(directory), refs=(draft,), **usual, **given)


@kind(*choice_option("--activity", Activity, "Its effect on others.", required=True), *FROM_UNTIL, *AREA, *CONTACT)
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
        text=words(given),
        contact=words(given, "contact"),
    )


@kind(*REPLACES, *choice_option("--activity", Activity, "Its effect on others."), *FROM_UNTIL, *AREA, *CONTACT)
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
        text=words(given) or before.text,
        contact=words(given, "contact") or before.contact,
        blob=None if given["areas"] else before.blob,  # it may be the outline of another area
    )


@kind(*REPLACES)
def cancel(_: Desk, given: Given) -> Body:
    """Say that an announced activity will not take place.

    \b
    Example:
      keepclear say cancel --node north --replaces 7c31a9f0
    """
    return Cancel(text=words(given))


@kind(*at_option("--at", "Since when."))
def activated(desk: Desk, given: Given) -> Body:
    """Say that an announced activity has begun.

    \b
    Example:
      keepclear say activated --node north --ref 7c31a9f0
    """
    return Activated(at_ms=moment(desk, given), text=words(given))


@kind(*at_option("--at", "Since when."), option("residual", "--residual", is_flag=True, help="A hazard remains."))
def ended(desk: Desk, given: Given) -> Body:
    """Say that an activity is over. Nothing ends by itself.

    \b
    Example:
      keepclear say ended --node north --ref 7c31a9f0
    """
    at_ms = moment(desk, given)
    return Ended(at_ms=at_ms, residual=given["residual"], text=words(given))


@kind(
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
        text=words(given),
        contact=words(given, "contact"),
    )


@kind(*at_option("--at", "Since when."))
def all_clear(desk: Desk, given: Given) -> Body:
    """Say that a hazard that we declared is over.

    \b
    Example:
      keepclear say all-clear --node north --ref 93ab04de
    """
    return AllClear(at_ms=moment(desk, given), text=words(given))


@kind(
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
    return Clarify(doubts=asked, text=words(given))


@kind(*FROM_UNTIL, *AREA)
def answer(desk: Desk, given: Given) -> Body:
    """Add to a statement of ours what it did not say: --ref names the statement, a second --ref the question.

    \b
    Example:
      keepclear say answer --node north --ref 7c31a9f0 --ref 60d2f4b7 --area "circle 35.4,35.9 10nm" --until +80m
    """
    volumes = cli_draft.volumes(given) or None
    start_ms, end_ms = cli_draft.window(desk, given)
    return Answer(volumes=volumes, start_ms=start_ms, end_ms=end_ms, text=words(given))


@kind(*at_option("--at", "When it is so."), *AREA, *CONTACT)
def cease_now(desk: Desk, given: Given) -> Body:
    """Say to any staffed seat: stop, somebody uninvolved, protected or own is being hit here.

    \b
    Example:
      keepclear say cease-now --node south --area "circle 36.54,37.21 2nm" --text hospital
    """
    return CeaseNow(
        volumes=cli_draft.volumes(given),
        at_ms=moment(desk, given),
        text=words(given),
        contact=words(given, "contact"),
    )


@kind(
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
        text=words(given),
        contact=words(given, "contact"),
    )


for command in (
    notice, amend, cancel, activated, ended, hazard, all_clear, clarify, answer, cease_now, distress,
    *cli_say_line.KINDS,
):  # fmt: skip
    say.add_command(command)
