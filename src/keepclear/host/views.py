"""What a running node answers when it is asked: its state in people's words and plain values, for JSON.

The law: reading only; what is asked for in one answer is bounded; own tracks are counted here, not told.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keepclear.accord import channel, line_test, readback, statement
from keepclear.accord import tally as counting
from keepclear.accord.statement import Kind, Precedence
from keepclear.accord.times import zulu
from keepclear.host import view_attached
from keepclear.host.journal_error import JournalError
from keepclear.host.path_link import PathLink
from keepclear.host.paths import Paths
from keepclear.node import (
    authentic,
    clocks,
    clones,
    line_tests,
    listing,
    own_keys,
    quotas,
    receipts,
    situation,
    staffed,
)
from keepclear.node.core import WATCH, Core
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Stamp
from keepclear.node.keys import count_past_end
from keepclear.node.state import Matter
from keepclear.record import archive, checkpoint

if TYPE_CHECKING:
    from keepclear.host.service import Service

MAX_MATTERS: Final = 1_000
PAGE_MATTERS: Final = 100  # a page takes some 30 ms of the node's time
View = dict[str, Any]


class Unanswerable(Exception):
    """The node cannot do what is asked; the text says why, the hint what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


def event(service: "Service", told: Show | Alarm, stamp: Stamp) -> View:
    """Something shown or alarmed, as a line for those who follow."""
    base: View = {"at_ms": stamp.wall_ms, "node": service.node.core.name(service.node.core.me), "what": told.what}
    if service.counted:
        base["counted"] = True
    if isinstance(told, Alarm):
        return {"event": "alarm", **base, "text": told.text}
    return {
        "event": "show", **base, "text": told.text, "precedence": told.precedence,
        "leaf": told.leaf.hex() if told.leaf else None, "facts": plain(told.facts),
    }  # fmt: skip


def facts(service: "Service") -> View:
    """What a client needs to draft a statement."""
    core = service.node.core
    names = [*core.genesis.names, *([WATCH] if core.watches else [])]
    return {
        "line": core.genesis.line.hex(), "me": core.me, "names": names, "watches": core.watches,
        "incarnation": core.state.author.incarnation.hex(),
        "everyone": core.genesis.everyone, "mode": core.genesis.mode.name, "epoch": core.state.keys.epoch,
        "wall_ms": service.stamp().wall_ms, "wall_err_ms": service.stamp().wall_err_ms,
    }  # fmt: skip


def is_busy(service: "Service") -> bool:
    """Whether the node has something left to do that it can do now: entries to send, a picture to work out."""
    state, advice = service.node.state, service.node.state.advice
    flying = any(peer.flight or peer.queue for peer in state.peers.values())
    sees = bool(advice.fleet or advice.plans)
    return flying or bool(advice.asked) or (advice.dirty and sees) or bool(state.undurable)


def status(service: "Service") -> View:
    """The lines, the record, what is open, what was dropped."""
    node = service.node
    core, state = node.core, node.state
    return {
        "line": core.genesis.line.hex(), "mode": core.genesis.mode.name, "member": core.name(core.me),
        "time": zulu(service.stamp().wall_ms), "inputs": state.n,
        "understandings": state.situation.understandings, "key_list": state.keys.epoch,
        "joint_checkpoint": checkpoint.joint(core.genesis.line, core.books.all()).hex(),
        "entries": len(core.books.by_leaf), "disk_failed": state.disk_failed, "disk_hangs": state.disk_hangs,
        "peers": [_peer(service, i) for i in sorted(state.peers)],
        "in_force": sum(m.status in situation.IN_FORCE for m in state.situation.matters.values()),
        "tracks": len(state.advice.fleet), "plans": len(state.advice.plans), "stale": len(state.advice.stale),
        "lost": list(state.advice.lost)[:MAX_MATTERS], "lost_count": len(state.advice.lost),
        "silent": list(state.advice.silent), "doubted": len(state.advice.doubts),
        "advisories": [[a.flight, a.other, a.text] for a in state.advice.advisories.values()][:MAX_MATTERS],
        "suspended_by": [core.name(party) for party in channel.suspended_by(situation.channel_words(core))],
        "next_test": _next_test(service),
        "disputes": [[core.name(d.party), d.reason] for d in state.disputes], "noise": dict(state.noise),
        **_paths(service.paths),
        "bundle": _bundle(core), "watchdog": service.watchdogs.view(),
        "quotas": quotas.words(core), "counted": len(service.gathering.unlisted),
        "clones": [clones.words(core, twins) for twins in state.twins],
    }  # fmt: skip


def keys(service: "Service") -> View:
    """The key lists that are known, who carries them and who has them; and our own starts, for a list to name."""
    core = service.node.core
    lists = [one for member in range(len(core.genesis.names)) for one in core.keys.lists(member)]
    carriers = [entry for one in lists for leaf in core.keys.carriers(one) if (entry := core.books.by_leaf.get(leaf))]
    return {
        "epoch": core.state.keys.epoch, "waiting": len(core.state.keys.unlisted),
        "present": core.state.author.incarnation.hex(),
        "documents": [one.document.hex() for one in lists],
        "carriers": [entry.raw.hex() for entry in carriers],
        "known_to": [own_keys.known_to(core, one) for one in lists],
        "starts": [[b.incarnation.hex(), b.start, b.size] for b in core.books.of(core.me)],
        "past": [count_past_end(core, member) for member in range(len(core.genesis.names))],
    }  # fmt: skip


def pulse(service: "Service") -> View:
    """What a watchdog is told twice a second: what there is to sound for, beside no answer at all."""
    core = service.node.core
    state = core.state
    return {
        "n": state.n, "in_force": situation.anything_in_force(core), "horn_s": state.settings.horn_after_ms / 1_000,
        "lines": [[core.name(i), str(peer.live.told or "")] for i, peer in state.peers.items()],
        "disk": state.disk_failed, "disk_s": service.watchdogs.disk_s(),
    }  # fmt: skip


def matters(service: "Service", every: bool, first: int | None = None) -> View:
    """The matters in force (or all), newest last, with marks, rules and ladder: the newest MAX_MATTERS; or a page of
    them from number `first` on, and the number of the next page, None after the last.
    """
    core = service.node.core
    found = [m for m in core.state.situation.matters.values() if every or m.status in situation.IN_FORCE]
    if first is None:
        return {"matters": [_matter(service, matter) for matter in found[-MAX_MATTERS:]]}
    page = found[max(0, first) : max(0, first) + PAGE_MATTERS]
    following = first + PAGE_MATTERS
    return {
        "matters": [_matter(service, matter) for matter in page], "next": following if following < len(found) else None,
    }  # fmt: skip


def entry(service: "Service", leaf: str) -> View:
    """One entry by its hash, or the beginning of it: what an officer needs in order to answer it."""
    core = service.node.core
    found = [e for e in core.books.by_leaf.values() if e.leaf.hex().startswith(leaf)] if len(leaf) >= 4 else []
    if len(found) != 1:
        raise Unanswerable(
            f"{len(found)} entries begin with {leaf!r}", "give more of the hash; keepclear show lists them"
        )
    one = found[0]
    said = situation.said_of(one)
    view: View = {
        "leaf": one.leaf.hex(), "party": one.header.party, "kind": one.header.kind, "seq": one.header.seq,
        "precedence": one.header.precedence, "body": one.body.hex(),
    }  # fmt: skip
    if isinstance(said.body, readback.Readable):
        end_ms, upper_cm, word = readback.expected(said.body)
        view["expected"] = [end_ms, upper_cm, word]
        view["choices"] = [choice.word for choice in readback.readback_choices(said.body)]
    return view


def write_record(service: "Service", path: Path) -> View:
    """Writes the record as one file, all that a verifier needs."""
    core = service.node.core
    held = [e for book in core.books.all() for e in (*book.entries, *book.held.values())]
    try:
        notes = [note.text.encode() for note in service.journal.notes()]
    except JournalError as error:
        raise Unanswerable(
            str(error), "ask again when the disk alarm is over; the record is in memory meanwhile"
        ) from error
    try:
        with path.open("wb") as file:
            file.writelines(archive.write(core.genesis, held, notes))
    except OSError as error:
        raise Unanswerable(f"{path}: not written: {error.strerror}", "choose another place") from error
    joint = checkpoint.joint(core.genesis.line, core.books.all()).hex()
    return {"path": str(path), "entries": len(held), "notes": len(notes), "joint_checkpoint": joint}


def tally(service: "Service") -> View:
    """How many of this and that, counted from the entries here."""
    core = service.node.core
    said = [situation.said_of(e) for book in core.books.all() for e in book.entries]
    counted = counting.tally(said, frozenset(core.genesis.parties()))
    return {"digest": counted.digest.hex(), "rows": [msgspec.to_builtins(row) for row in counted.rows]}


def tests(service: "Service") -> View:
    """The history of the line tests, from the record, oldest first, and what is next."""
    core = service.node.core
    said = [situation.said_of(e) for book in core.books.all() for e in (*book.entries, *book.held.values())]
    first_ms = min((one.wall_ms for one in said), default=core.wall_ms)
    parties, rule = core.genesis.parties(), line_tests.rule_now(core)
    agreed_ms = [one.since_ms for one in situation.agreed(core) if one.since_ms <= core.wall_ms]
    found = line_test.history(said, parties, rule, max([first_ms, *agreed_ms[-1:]]), service.stamp().wall_ms)
    trials = [_trial(core.genesis.names, one) for one in found[-MAX_MATTERS:]]
    return {"tests": trials, "next": _next_test(service), "parties": [core.name(party) for party in parties]}


def dispute(service: "Service", number: int) -> View:
    """The two signed things of a dispute, by its number from 0 on, as hex ("" for one that is not there); or None."""
    disputes = service.node.state.disputes
    if not 0 <= number < len(disputes):
        return {"pair": None}
    return {"pair": [disputes[number].one.hex(), disputes[number].other.hex()]}


def _trial(names: Sequence[str], one: line_test.Trial) -> View:
    return {
        "by": names[one.party], "due_ms": one.due_ms, "leaf": one.leaf.hex() if one.leaf else None,
        "asked": one.asked, "said_ms": one.wall_ms, "seat": one.seat,
        "answers": [
            {
                "from": names[answer.party], "seat": answer.seat, "agrees": answer.agrees, "took_ms": answer.took_ms,
                "err_ms": answer.err_ms, "after_display_ms": answer.after_display_ms,
            }
            for answer in one.answers
        ],
    }  # fmt: skip


def plain(value: Any) -> Any:
    """A value for JSON: byte strings as hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _bundle(core: Core) -> list[Any] | None:
    """Who made the last bundle that came, when, and when it came; None before there is one."""
    last = core.state.bundles
    return None if last.wall_ms is None else [core.name(last.sender), last.made_ms, last.wall_ms]


def _peer(service: "Service", index: int) -> View:
    core = service.node.core
    peer = core.state.peers[index]
    live, now_ms, clock = peer.live, service.stamp().mono_ms, core.state.clocks[index]
    return {
        "name": core.name(index), "state": str(live.state), "round_trip_ms": live.smooth_ms,
        "heard_ms_ago": None if live.heard_ms is None else now_ms - live.heard_at_ms,
        "heard_us_ms_ago": None if live.echo_ms is None else now_ms - live.echo_ms,
        "paths": {
            name: {
                "state": str(path.live.state), "round_trip_ms": path.live.smooth_ms,
                "heard_us_ms_ago": None if path.live.echo_ms is None else now_ms - path.live.echo_ms,
            }
            for name, path in peer.paths.items()
        },
        "waiting": len(peer.queue) + len(peer.flight), "disk": peer.ailing.name.lower(),
        "clock_offset_ms": (None, None) if clock.offset is None else clock.offset.at(now_ms),
        "facts": _facts_of(service, index), "in_force": _held_alike(service, index),
        "dead_line": list(core.state.facts.dead.get(index, [])),
    }  # fmt: skip


def _facts_of(service: "Service", index: int) -> View:
    """The four facts of a member, each by itself: none follows from another."""
    core = service.node.core
    rule = line_tests.rule_now(core) or line_test.HOURLY
    person = core.state.facts.persons.get(index)
    word = channel.newest(situation.channel_words(core)).get(index)
    suspended = index in channel.suspended_by(situation.channel_words(core))
    is_party = index in core.genesis.parties()
    return {
        "link": str(core.state.peers[index].live.state),
        "staffed": str(staffed.state(core, index, rule.every_ms)) if is_party else "not asked of an observer",
        "person_ms": person[0] if person else None, "seat": person[1] if person else "",
        "authentic": str(authentic.state(core, index)),
        "political": "SUSPENDED" if suspended else "open" if word else "open, nothing said",
        "political_ms": word.wall_ms if word else None,
    }  # fmt: skip


def _held_alike(service: "Service", index: int) -> View | None:
    """How a member's newest list of what is in force compares with ours; None if it has said none."""
    core = service.node.core
    found, leaf = listing.difference(core, index), core.state.facts.lists.get(index)
    if found is None or leaf is None:
        return None
    return {
        "said_ms": core.books.by_leaf[leaf].header.wall_ms, "theirs": [one.hex() for one in found.theirs],
        "ours": [one.hex() for one in found.ours], "more": found.more,
    }  # fmt: skip


def _next_test(service: "Service") -> View | None:
    core = service.node.core
    rule = line_tests.rule_now(core)
    if rule is None:
        return None
    due_ms, party = line_tests.next_due(core, rule)
    return {"due_ms": due_ms, "by": core.name(party), "every_ms": rule.every_ms, "reply_ms": rule.reply_ms}


def _paths(paths: Paths | None) -> View:
    """Each path's process; a watch has none."""
    return {"datagrams": _path(paths.udp if paths else None), "mailbox": _path(paths.box if paths else None)}


def _path(link: PathLink | None) -> View | None:
    """What a path process has counted since its start, and how it is; None if there is no such path."""
    if link is None:
        return None
    how = {"pid": link.pid, "starts": link.starts, "fault": link.fault, "unsent": link.unsent}
    return {"error": "" if link.counts else "it has not answered yet", "sorted_out": {}, **link.counts, **how}


def _matter(service: "Service", matter: Matter) -> View:
    core = service.node.core
    one = core.books.by_leaf[matter.leaf]
    said = situation.said_of(one)
    return {
        "leaf": matter.leaf.hex(), "from": core.name(matter.party), "kind": Kind(matter.kind).name,
        "precedence": Precedence(matter.precedence).name, "status": matter.status, "said": zulu(matter.wall_ms),
        "marks": list(matter.marks), "rules": [list(finding) for finding in matter.findings],
        "text": situation.words(core, said), "start_ms": _start_ms(said.body),
        "said_between_ms": list(matter.bracket), "least_notice_ms": clocks.least_notice_ms(core, matter),
        "attached": view_attached.of(service, said), "came_ms": matter.came_ms, "by_bundle": matter.by_bundle,
        "holders": bin(receipts.holders(core, core.books.books[one.slot[:2]], one.header.seq)).count("1"),
        "ladder": {
            core.name(i): {
                "delivered_ms": rung.durable_ms, "displayed_ms": rung.shown_ms, "read_ms": rung.read_ms,
                "read_back": rung.read_back,
            }
            for i, rung in sorted(matter.ladder.items())
        },
    }  # fmt: skip


def _start_ms(body: object) -> int | None:
    if isinstance(body, statement.Notice):
        return body.start_ms
    return body.since_ms if isinstance(body, statement.Hazard) else None
