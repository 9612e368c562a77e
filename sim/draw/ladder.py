"""The ladder of one statement, as its author sees it rise, and by what each rung is shown.

The law: the real nodes of two parties; a rung is drawn when the author's node has it, with the statement of the other
party that brought it. What a rung does not show is prose, and stands in docs/concepts.md too.
"""

from dataclasses import dataclass
from typing import Final

from tests.story.line import MINUTE, A, B, Line, notice

from keepclear.accord import readback, statement
from keepclear.accord.statement import BY_RULE, Kind, Step
from keepclear.node import situation
from keepclear.node.state import Ladder
from sim.draw.paper import Paper

READ_AFTER_MS: Final = 14_000
BACK_AFTER_MS: Final = 21_000
STEP_PX: Final = (152, 44)
NOT_SHOWN: Final = {
    "delivered": ["not that anybody", "was there to see it"],
    "displayed": ["not that it was read;", "a screen is a screen"],
    "read": ["not that it was", "understood"],
    "read back": ["not that a unit knows,", "nor that it consents"],
}
NOT_HERE: Final = "relayed, loaded"


@dataclass(frozen=True)
class Rung:
    """One rung: its name, when the author's node had it (ms since the statement), and what brought it."""

    name: str
    at_ms: int
    brought_by: str
    released_by: str


def story() -> list[Rung]:
    """A notice that is delivered, displayed, read and read back."""
    line = Line()
    body = notice(line.wall_ms + 30 * MINUTE, line.wall_ms + 60 * MINUTE)
    leaf, said_ms = line.say(A, body), line.world.now
    rungs: list[Rung] = []
    for at_ms in range(1, BACK_AFTER_MS + 1_000):
        line.world.run(said_ms + at_ms)
        if at_ms == READ_AFTER_MS:
            line.say(B, statement.Acknowledgement(step=Step.READ), refs=(leaf,))
        if at_ms == BACK_AFTER_MS:
            end_ms, upper_cm, area = readback.expected(body)
            back = statement.Acknowledgement(step=Step.READ_BACK, end_ms=end_ms, upper_cm=upper_cm, area=area)
            line.say(B, back, refs=(leaf,))
        known = {rung.name for rung in rungs}
        for name in _names(line.matter(A, leaf).ladder.get(B, Ladder())):
            if name not in known:
                rungs.append(_brought(line, name, at_ms))
    return rungs


def _names(ladder: Ladder) -> list[str]:
    has = {
        "delivered": ladder.durable_ms is not None, "displayed": ladder.shown_ms is not None,
        "read": ladder.read_ms is not None, "read back": bool(ladder.read_back),
    }  # fmt: skip
    return [name for name, is_so in has.items() if is_so]


def _brought(line: Line, name: str, at_ms: int) -> Rung:
    newest = max(line.member(A).node.books.of(B)[-1].entries, key=lambda entry: entry.header.seq)
    said = situation.said_of(newest)
    by = "by rule" if said.kind in BY_RULE else f"a seat: {said.seat}"
    return Rung(name, at_ms, Kind(said.kind).name, by)


def draw() -> Paper:
    """The picture."""
    paper = Paper(820, 420, "The ladder of a statement")
    paper.text((24, 34), "A notice of ALFA, as ALFA’s node sees it rise at BRAVO", bold=True)
    paper.text((24, 54), "Different facts. One does not follow from another, and none is a promise.", "soft", size=12)
    rungs = story()
    wide, high = STEP_PX
    for nth, rung in enumerate(rungs):
        left, top = 24 + nth * (wide + 4), 268 - nth * 48
        paper.box((left, top), STEP_PX, "open", full=True)
        paper.text((left + wide / 2, top + 18), rung.name, "open", "middle", bold=True)
        paper.text((left + wide / 2, top + 35), _after(rung.at_ms), "ink", "middle", 12)
        paper.lines((left + 8, top + high + 20), [rung.brought_by, rung.released_by], "ink", size=11)
        paper.lines((left + 8, top + high + 58), NOT_SHOWN[rung.name], "soft", size=12)
    left, top = 24 + len(rungs) * (wide + 4), 268 - len(rungs) * 48
    paper.box((left, top), (wide, high), "rule")
    paper.text((left + wide / 2, top + 18), NOT_HERE, "soft", "middle")
    paper.text((left + wide / 2, top + 35), "not in this version", "soft", "middle", 12)
    return paper


def _after(at_ms: int) -> str:
    return f"after {at_ms} ms" if at_ms < 1_000 else f"after {at_ms / 1_000:.1f} s"
