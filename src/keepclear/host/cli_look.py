"""`keepclear status`, `show`, `tally` and `record`: what a running node knows, for people and as JSON.

The law: reading only. Delivered, displayed, read and read back are different facts and never look alike; what has not
happened is said to have not. What was said stands in the node's own words.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from keepclear.accord.figures import clean
from keepclear.accord.statement import Activity, Precedence
from keepclear.accord.tally import NO_CLASS, Row
from keepclear.accord.times import span, to_second, zulu
from keepclear.host.cli_draft import word
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import node_option
from keepclear.host.client import Client
from keepclear.host.terminal import UNTOLD, line, short, table

View = dict[str, Any]

READ_BACK: Final = {
    "": "not read back",
    "met": "READ BACK, agrees",
    "not met": "READ BACK, DIFFERS",
    "undecidable": "READ BACK, not decidable",
}
UNREAD: Final = {"delivered_ms": None, "displayed_ms": None, "read_ms": None, "read_back": ""}


def _json(value: object) -> None:
    click.echo(msgspec.json.encode(value).decode())


@click.command()
@node_option
@click.option("--let-go", "flights", multiple=True, metavar="FLIGHT", help="Let a lost track go; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def status(directory: Path, flights: tuple[str, ...], as_json: bool) -> None:
    """Show the lines, the record, how much is in force, and what was dropped.

    \b
    Example:
      keepclear status --node north
    """
    with Client(directory) as client:
        if flights:
            client.ask("let-go", flights=list(flights))
        found = client.ask("status")
    if as_json:
        _json(found)
        return
    for name, value in _status_rows(found):
        click.echo(f"{name:<12}  {value}")
    columns = ("peer", "line", "paths", "heard", "heard us", "round trip", "clock ahead of ours", "waiting")
    table("", columns, [_peer(peer) for peer in found["peers"]])
    table("", ("member", "link", "staffed", "authentic", "political", "in force"), map(_four, found["peers"]))


def _status_rows(found: View) -> list[tuple[str, str]]:
    clones = [("CLONE", clean(words)) for words in found["clones"]]
    disputed = [("DISPUTED", f"{clean(party)}: {reason}") for party, reason in found["disputes"]]
    return [
        ("member", f"{clean(found['member'])}, mode {found['mode']}, {found['time']}"),
        ("line", found["line"]),
        ("record", f"{found['entries']} entries, joint checkpoint {found['joint_checkpoint']}"),
        ("in force", f"{found['in_force']} matters, {found['understandings']} understandings"),
        *([("own keys", f"of key list {found['key_list']}")] if found["key_list"] else []),
        ("own picture", f"{found['tracks']} tracks, {found['plans']} plans, {len(found['advisories'])} advisories"),
        *_channel(found),
        *_worth(found),
        *_paths(found),
        *([("bundle", _bundle(*found["bundle"]))] if found["bundle"] else []),
        *_watchdog(found["watchdog"]),
        *_disks(found),
        ("dropped", ", ".join(f"{number} {what}" for what, number in found["noise"].items()) or "nothing"),
        *[("QUOTA", clean(words)) for words in found["quotas"]],
        *([("counted", f"{found['counted']} statements that keepclear show lists")] if found["counted"] else []),
        *disputed,
        *clones,
    ]


def _channel(found: View) -> list[tuple[str, str]]:
    """The channel if it is suspended, the test that is due next, and the rules that hold on a dead line."""
    by, due = found["suspended_by"], found["next_test"]
    rows = [("CHANNEL", f"suspended by {' and '.join(map(clean, by))}: what is said is marked")] if by else []
    if due is not None:
        rows.append(("next test", f"{_of_day(due['due_ms'])}, {clean(due['by'])}'s turn"))
    dead = [(clean(peer["name"]), ", ".join(map(clean, peer["dead_line"]))) for peer in found["peers"]]
    return rows + [("DEAD LINE", f"to {name}: {rules} of the understanding applies") for name, rules in dead if rules]


def _disks(found: View) -> list[tuple[str, str]]:
    """Our disk, and those of peers that take nothing."""
    own = f"FAILED: {found['disk_failed']}" if found["disk_failed"] else "works"
    ailing = [(clean(peer["name"]), peer["disk"]) for peer in found["peers"] if peer["disk"] != "nothing"]
    said = [("DISK", f"of {name} {ails.upper()}: nothing is recorded or receipted there") for name, ails in ailing]
    return [("disk", "HANGS: only FLASH goes out" if found["disk_hangs"] else own), *said]


def _four(peer: View) -> list[str]:
    """The four facts of a member beside each other, and whether it holds the same in force."""
    facts, held = peer["facts"], peer["in_force"]
    seen = f", {clean(facts['seat'])} {_of_day(facts['person_ms'])}" if facts["person_ms"] is not None else ""
    since = f" since {_of_day(facts['political_ms'])}" if facts["political_ms"] is not None else ""
    if held is None:
        same = "no list yet"
    elif held["theirs"] or held["ours"] or held["more"]:
        only = ", ".join(short(leaf) for leaf in (*held["theirs"], *held["ours"]))
        same = f"DIFFERS from its list of {_of_day(held['said_ms'])}: {only or 'beyond what it could list'}"
    else:
        same = f"as its list of {_of_day(held['said_ms'])}"
    link, political = facts["link"].upper(), facts["political"] + since
    return [clean(peer["name"]), link, facts["staffed"].upper() + seen, facts["authentic"], political, same]


def _paths(found: View) -> list[tuple[str, str]]:
    """Each path's process, and what it has dropped before the node saw it."""
    udp, box = found["datagrams"], found["mailbox"]
    rows = []
    if udp is not None:
        counts = (
            f"{udp.get('sent', 0)} sent, {udp.get('received', 0)} received, {udp.get('given', 0)} given to the node"
        )
        rows += [("datagrams", f"{_process(udp, '')}, {counts}"), *_sorted_out(udp)]
    if box is not None:
        counts = f"{box.get('put', 0)} datagrams put, {box.get('fetched', 0)} fetched"
        rows += [("mailbox", f"{_process(box, box['error'])}, {counts}"), *_sorted_out(box)]
    return rows


def _process(path: View, error: str) -> str:
    wrong = f"its process {path['fault']}" if path["fault"] else clean(error)
    again = f", started anew {path['starts'] - 1} times" if path["starts"] > 1 else ""
    return (f"NOT WORKING: {wrong}" if wrong else "works") + again


def _sorted_out(path: View) -> list[tuple[str, str]]:
    unread = {"at first sight or for want of room, by the system": path["unread"]} if path.get("unread") else {}
    dropped = ", ".join(f"{number} {why}" for why, number in (unread | path["sorted_out"]).items())
    return [("  dropped", dropped)] if dropped else []


def _bundle(sender: str, made_ms: int, came_ms: int) -> str:
    return f"the last was made by {clean(sender)} {zulu(made_ms)} and came {zulu(came_ms)}"


def _watchdog(dog: View | None) -> list[tuple[str, str]]:
    if dog is None:
        return [("watchdog", "NONE: nothing sounds if this node stops")]
    hands = f"{dog['by_hand']} by hand" if dog["by_hand"] else ""
    paged = f"may be paged out ({dog['paged']})" if dog["paged"] else "held in memory"
    state = (f"NOT WORKING: {dog['error']}" if dog["error"] else f"works, {paged}") if dog["own"] else ""
    return [("watchdog", ", ".join(filter(None, (state, hands))))]


def _worth(found: View) -> list[tuple[str, str]]:
    """What own tracks are worth, where some of them are worth less."""
    counts = [f"{found['stale']} stale"] * bool(found["stale"]) + [f"{found['doubted']} doubted"] * bool(
        found["doubted"]
    )
    rows = [("tracks", ", ".join(counts))] if counts else []
    if found["lost"]:
        more = found["lost_count"] - len(found["lost"])
        names = ", ".join(map(clean, found["lost"])) + (f" and {more} more" if more else "")
        rows.append(("lost", f"{found['lost_count']} tracks, still counted: {names}"))
    return rows + [("SILENT", f"track source {clean(source)}") for source in found["silent"]]


def _peer(peer: View) -> list[str]:
    low_ms, high_ms = peer["clock_offset_ms"]
    offset = "not known" if low_ms is None or high_ms is None else f"{low_ms} to {high_ms} ms"
    trip = "not known" if peer["round_trip_ms"] is None else f"{peer['round_trip_ms']} ms"
    heard, echoed = (_ago(peer[name]) for name in ("heard_ms_ago", "heard_us_ms_ago"))
    ways = ", ".join(f"{name} {path['state']}" for name, path in peer["paths"].items())
    return [clean(peer["name"]), peer["state"].upper(), ways, heard, echoed, trip, offset, f"{peer['waiting']} frames"]


def _ago(ms: int | None) -> str:
    return "never" if ms is None else f"{ms / 1_000:.1f} s ago"


@click.command()
@node_option
@click.option("--follow", is_flag=True, help="Then go on with what the node tells. It counts as seen by you.")
@click.option("--all", "every", is_flag=True, help="Also what has ended, was cancelled or replaced.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, one object a line.")
def show(directory: Path, follow: bool, every: bool, as_json: bool) -> None:
    """Show the matters in force with their marks and rules, how far each has come, and the advisories.

    Four steps, four different facts: delivered (on the member's disk), DISPLAYED (put before its officer), READ (the
    officer says so), READ BACK (the officer has repeated it). None of them is an agreement.

    \b
    Example:
      keepclear show --node north --follow
    """
    with Client(directory) as client:
        if not follow:
            _picture(client, every, as_json)
            return
        happenings = client.follow()
        next(happenings)  # from here on nothing is missed
        with Client(directory) as other:
            names, own = _picture(other, every, as_json)
        for told in happenings:
            if as_json:
                _json(told)
            elif told["what"] not in UNTOLD and not told.get("counted"):
                click.echo(line(told, names, own, sys.stdout.isatty()))
    raise Failure("the node has ended", "look why in its own terminal; start it with: keepclear run DIR/node.toml")


def _picture(client: Client, every: bool, as_json: bool) -> tuple[list[str], str]:
    """Shows what there is now; answers the members' names and our own."""
    facts = client.ask("facts")
    names, own = facts["names"], facts["names"][facts["me"]]
    matters = _all_matters(client, every, displayed=not as_json)
    advisories = client.ask("status")["advisories"]
    if as_json:
        _json({"matters": matters, "advisories": advisories})
        return names, own
    for _, _, text in advisories:
        click.secho(f"ADVISORY  {clean(text)}", fg="red", bold=True)
    if not matters:
        click.echo("nothing is in force" if not every else "nothing has been said that others have to act upon")
    for matter in matters:
        _matter(matter, None if facts["watches"] else own)
    return names, own


def _all_matters(client: Client, every: bool, displayed: bool) -> list[View]:
    """All of them, page by page; `displayed` when an officer is about to read them."""
    out: list[View] = []
    first: int | None = 0
    while first is not None:
        page = client.ask("matters", all=every, first=first, displayed=displayed)
        out += page["matters"]
        first = page["next"]
    return out


def _matter(matter: View, own: str | None) -> None:
    """Shows one matter; `own` is whose node this is, None for a watch, which has no part in who has read what."""
    status_ = matter["status"].upper()
    marks = f" [{', '.join(matter['marks'])}]" if matter["marks"] else ""
    title = f"{short(matter['leaf'])}  {status_}{marks}, on {matter['holders']} members' disks"
    click.secho(title, bold=matter["precedence"] == Precedence.FLASH.name)
    for text in matter["text"].splitlines():
        click.echo(f"  {text}")
    if (found := matter["attached"]) is not None:
        click.echo(f"  attached: {clean(found['what'])}, {clean(found['where'])}")
    if matter["by_bundle"]:
        click.echo(f"  BY BUNDLE, brought here {_of_day(matter['came_ms'])}")
    if own is not None and matter["from"] == own:
        for name, rung in matter["ladder"].items():
            click.echo(f"  {clean(name)}: {', '.join(_steps(rung))}")
    elif own is not None:
        steps = _steps(matter["ladder"].get(own, UNREAD))
        click.echo(f"  we: {', '.join(steps[2:])}")  # that it is here and shown, the reader sees
        if (least_ms := matter["least_notice_ms"]) is not None:
            least = f"{span(to_second(least_ms))} or more before" if least_ms >= 0 else "not surely before"
            click.echo(f"  here {least} its start, by the clocks as measured")
    click.echo()


def _steps(rung: View) -> list[str]:
    """The four facts in four different words and weights; those that have not happened said so."""
    looks: tuple[tuple[str, str, dict[str, bool]], ...] = (
        ("delivered", "delivered", {"dim": True}),
        ("displayed", "DISPLAYED", {}),
        ("read", "READ", {"bold": True}),
    )
    out = []
    for name, happened, look in looks:
        at_ms = rung[f"{name}_ms"]
        out.append(f"not {name}" if at_ms is None else click.style(f"{happened} {_of_day(at_ms)}", **look))
    words = READ_BACK.get(rung["read_back"], "READ BACK, not decidable")
    colour = {"met": "green", "not met": "red"}.get(rung["read_back"])
    return [*out, click.style(words, fg=colour, underline=True) if rung["read_back"] else words]


def _of_day(ms: int) -> str:
    """The Zulu time of day to the second, in which it happened."""
    return zulu(to_second(ms))[-9:]


@click.command()
@node_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def tally(directory: Path, as_json: bool) -> None:
    """Count what was given, received, late, vague, acknowledged, met: from entries alone, so the same at both ends.

    \b
    Example:
      keepclear tally --node north
    """
    with Client(directory) as client:
        found, names = client.ask("tally"), client.ask("facts")["names"]
    if as_json:
        _json(found)
        return
    rows = [msgspec.convert(row, Row) for row in found["rows"]]
    columns = [name.replace("_", " ") for name in Row.__struct_fields__]
    table("", ["party", "class", *columns[2:]], [_tally_row(row, names) for row in rows])
    click.echo(f"digest {found['digest']}: who has the same entries has the same digest")


def _tally_row(row: Row, names: Sequence[str]) -> list[str]:
    party, activity, *rest = msgspec.structs.astuple(row)
    known = word(Activity(activity)) if activity in list(Activity) else f"class {activity}"
    return [clean(names[party]), "none" if activity == NO_CLASS else known, *map(str, rest)]


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@node_option
def record(out: Path, directory: Path) -> None:
    """Write the record to the file OUT: all that somebody needs who verifies it without this node.

    \b
    Example:
      keepclear record north.record --node north
      keepclear verify north.record south.record
    """
    path = out.resolve()  # the node has another directory than we
    if path.exists():
        raise Failure(f"{out}: is already there and is not overwritten", "name another file, or move that one away")
    with Client(directory) as client:
        found = client.ask("record", path=str(path))
    click.echo(f"{out}: {found['entries']} entries, {found['notes']} checkpoint notes")
    click.echo(f"joint checkpoint {found['joint_checkpoint']}")
