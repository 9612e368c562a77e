"""A FLASH's way from one officer to the other and its receipt's way back, with the first sending lost.

The law: two real nodes in the simulator's world, over a path of DELAY_MS each way and disks of DISK_MS. What went when
is what they sent; what the officers saw is what they were shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.story.line import MINUTE, A, B, Line, notice

from keepclear.accord.statement import Kind
from keepclear.line import frame as frames
from keepclear.line.frame import EntryItem, Have, Item
from keepclear.record import entry as entries
from sim.draw.paper import Paper
from sim.draw.sequence import Lane, Sequence
from sim.world import START_WALL_MS, Member, Weather

DELAY_MS: Final = 25
DISK_MS: Final = 3
UNTIL_MS: Final = 195
OFFICER_A, NODE_A, NODE_B, OFFICER_B = 96.0, 280.0, 540.0, 724.0
X: Final = {A: NODE_A, B: NODE_B}


@dataclass
class Way:
    """What was seen of one FLASH, in ms since it was said: (when, by whom, what); and what its author was shown."""

    sent: list[tuple[int, int, str]] = field(default_factory=list)
    shown_ms: int = 0
    told_ms: int = 0
    delivered_ms: int = 0
    displayed_ms: int = 0


def story() -> Way:
    """One FLASH of ALFA, whose first datagram is lost."""
    line, way = Line(weather=Weather(delay_ms=(DELAY_MS, DELAY_MS), disk_ms=(DISK_MS, DISK_MS))), Way()
    line.run(3_000)
    said_ms, limit = line.world.now, line.member(A).node.core.genesis.body.limits.entry_bytes
    for who in (A, B):
        _listen(line.member(who), 1 - who, lambda who, item: _note(way, line.world.now - said_ms, who, item, limit))
    line.world.cut = {(A, B)}
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    while not way.told_ms:
        line.run(1)
        if any(what == "NOTICE" for _, _, what in way.sent):
            line.world.cut = set()
        rung = line.matter(A, leaf).ladder.get(B)
        if rung is not None and rung.durable_ms is not None and rung.shown_ms is not None:
            way.told_ms = line.world.now - said_ms
            way.delivered_ms, way.displayed_ms = (
                ms - START_WALL_MS - said_ms for ms in (rung.durable_ms, rung.shown_ms)
            )
    line.run(DELAY_MS)
    [way.shown_ms] = {at - said_ms for at, one in line.member(B).log.shown if one.leaf == leaf}
    return way


def _listen(member: Member, peer: int, heard: Callable[[int, Item], None]) -> None:
    """Has every item heard that a member sends to a peer."""
    send = member.send

    def listened(to: int, frame: bytes, flash: bool, path: str) -> None:
        if to == peer:
            for item in frames.read(frame)[1]:
                heard(member.index, item)
        send(to, frame, flash, path)

    member.send = listened  # type: ignore[method-assign]


def _note(way: Way, at_ms: int, who: int, item: Item, limit: int) -> None:
    if isinstance(item, EntryItem):
        way.sent.append((at_ms, who, Kind(entries.read(item.raw, limit).header.kind).name))
    elif isinstance(item, Have) and item.party == 1 - who:
        way.sent.append((at_ms, who, "HAVE"))


def draw() -> Paper:
    """The picture."""
    way = story()
    paper = Paper(820, 580, "A FLASH’s way, and its receipt’s")
    paper.text(
        (24, 34), f"A FLASH whose first sending is lost; {DELAY_MS} ms each way, disks of {DISK_MS} ms", bold=True
    )
    lanes = [
        Lane(OFFICER_A, "officer"),
        Lane(NODE_A, "ALFA", "a"),
        Lane(NODE_B, "BRAVO", "b"),
        Lane(OFFICER_B, "officer"),
    ]
    sheet = Sequence(paper, 108, 2.3, UNTIL_MS, lanes)
    sheet.tell((OFFICER_A, 0), (NODE_A, 0), "says a NOTICE", "ink")
    sendings = 0
    for at_ms, who, what in way.sent:
        sendings += what == "NOTICE"
        lost = what == "NOTICE" and sendings == 1
        sheet.tell((X[who], at_ms), (X[1 - who], at_ms + DELAY_MS), what, "ab"[who], lost, below=what == "RECEIPT")
    first, again = (at_ms for at_ms, _, what in way.sent if what == "NOTICE")
    [(receipted, _, _)] = [one for one in way.sent if one[2] == "RECEIPT"]
    sheet.note(NODE_A, first + 6, [f"{first} ms: signed, on its disk"], "end")
    sheet.note(NODE_A, again, [f"{again} ms: no word in the", "round trip and a bit: again"], "end")
    sheet.tell((NODE_B, way.shown_ms), (OFFICER_B, way.shown_ms), f"{way.shown_ms} ms: displayed", "ink")
    sheet.note(NODE_B, way.delivered_ms, [f"{way.delivered_ms} ms: on its disk", f"{receipted} ms: so is its receipt"])
    sheet.tell((NODE_A, way.told_ms), (OFFICER_A, way.told_ms), f"{way.told_ms} ms: the ladder", "ink")
    words = ["BRAVO: delivered,", "displayed"]
    sheet.note(OFFICER_A, way.told_ms + 8, words)
    return paper
