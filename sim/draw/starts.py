"""Starts of one node: a disk put back to an older copy, a new incarnation, what is taken back, what a LINK says.

The law: the real nodes of two parties and an observer in the simulator's world; what each disk and each node held is
read from them at the time.
"""

from dataclasses import dataclass
from typing import Final

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord.statement import Kind, Link
from keepclear.node import situation
from keepclear.record.entry import Entry
from sim.draw.paper import Paper

SETTLE_MS: Final = 2_000
AFTER_MS: Final = 4_000
LEFT: Final = 190
PITCH: Final = 78
BOX_PX: Final = (72, 30)
SHOWN: Final = (Kind.LINK, Kind.NOTICE)  # the rest are said by rule as on any day

Starts = list[list[Entry]]


@dataclass
class Story:
    """What was held of ALFA's logbook, start by start."""

    before: Starts
    elsewhere: Starts
    put_back: Starts
    after: Starts
    names: tuple[str, ...]


def story() -> Story:
    """ALFA says four notices, the last over a cut line; its disk is put back; it starts, and says a fifth."""
    line = Line()

    def say(ms: int = SETTLE_MS) -> None:
        line.say(A, notice(line.wall_ms + 30 * MINUTE))
        line.run(ms)

    def held(who: int) -> Starts:
        return [list(book.entries) for book in line.member(who).node.books.of(A)]

    line.run(SETTLE_MS)
    say()
    older = line.member(A).image()
    say()
    say()
    line.world.cut = {(A, B), (A, OBSERVER)}
    say()
    before, elsewhere = held(A), held(B)
    line.member(A).restore(older)
    line.world.cut = set()
    line.member(A).start()
    put_back = held(A)
    line.run(AFTER_MS)
    say()
    assert held(A) == held(B) == held(OBSERVER)
    return Story(before, elsewhere, put_back, held(A), line.world.genesis.names)


def draw() -> Paper:
    """The picture."""
    found = story()
    paper = Paper(820, 470, "A disk put back, and what a start makes of it")
    paper.text((24, 34), "ALFA’s disk is put back to an older copy, and its node starts again", bold=True)
    words = ["It signs only in the incarnation of this start, so nothing can be signed a second time in a taken place."]
    paper.lines((24, 54), words, "soft", size=12)
    [before], [elsewhere], [put_back] = found.before, found.elsewhere, found.put_back
    _row(paper, 90, ["before:", "on ALFA’s disk"], before, dict.fromkeys(range(len(elsewhere), len(before)), "dead"))
    paper.text((LEFT + PITCH * len(before) + 8, 109), "said while the line was cut", "soft", size=12)
    _row(paper, 146, ["before: on the disks", "of BRAVO and WITNESS"], elsewhere, {})
    _row(paper, 202, ["put back:", "on ALFA’s disk"], put_back, {})
    first, second = found.after
    _row(
        paper,
        282,
        ["after, on all disks:", "the earlier start"],
        first,
        dict.fromkeys(range(len(put_back), len(first)), "b"),
    )
    back_x = LEFT + PITCH * (len(put_back) + len(first)) / 2 - 3
    paper.text((back_x, 330), "taken back from those who hold them: ALFA’s own signature", "b", "middle", 12)
    gone_x = LEFT + PITCH * len(first)
    paper.box((gone_x, 282), BOX_PX, "dead")
    paper.text((gone_x + BOX_PX[0] / 2, 301), "gone", "dead", "middle", 12)
    paper.text((gone_x + PITCH + 4, 301), "nobody else held it", "soft", size=12)
    shown = [one for one in second if one.header.kind in SHOWN]
    _row(paper, 362, ["after, on all disks:", "this start"], shown, dict.fromkeys(range(len(shown)), "open"))
    for nth, link in enumerate(one for one in shown if one.header.kind == Kind.LINK):
        y = 412 + 20 * nth
        paper.line(
            [(LEFT + PITCH * nth + 20, 392), (LEFT + PITCH * nth + 20, y - 4), (LEFT + 2 * PITCH - 12, y - 4)], "soft"
        )
        paper.text((LEFT + 2 * PITCH - 6, y), _link(link, found.names), "soft", size=12)
    return paper


def _row(paper: Paper, top: float, names: list[str], entries: list[Entry], kinds: dict[int, str]) -> None:
    paper.lines((24, top + 12), names, "ink", size=12)
    for nth, entry in enumerate(entries):
        left, kind = LEFT + PITCH * nth, kinds.get(nth, "a")
        paper.box((left, top), BOX_PX, kind, full=True)
        paper.text((left + BOX_PX[0] / 2, top + 19), Kind(entry.header.kind).name, kind, "middle", 12)


def _link(entry: Entry, names: tuple[str, ...]) -> str:
    """What a LINK says, in words."""
    body = situation.said_of(entry).body
    assert isinstance(body, Link)
    [(_, start, size, *_)] = body.old
    who = " and ".join(name for nth, name in enumerate(names) if body.answered >> nth & 1)
    return f"LINK: start {start} has {size} entries, answered by {who}"
