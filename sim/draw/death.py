"""A line that dies and comes back: what both ends tell, and when, with something in force and without.

The law: the real nodes of two parties and an observer, in the simulator's world, whose path is cut and mended. What
they told and when is read from what their officers were shown and called for.
"""

from dataclasses import dataclass
from typing import Final

from tests.story.line import A, B, Line, notice

from keepclear.accord import statement
from keepclear.accord.statement import Precedence
from keepclear.accord.understanding import DeadLine, DeadLineAction, to_wire
from keepclear.node.inputs import Settings
from sim.draw.paper import Paper

RULE: Final = DeadLine("D1", "Nothing has ended.", 60_000, DeadLineAction.KEEP_CLEAR)
SETTLE_MS: Final = 10_000
CUT_FOR_MS: Final = 80_000
BACK_FOR_MS: Final = 3_000

LEFT: Final = 96
STRETCHED_MS: Final = 6_000
"""So long after the cut time is drawn wide; then narrower."""
BAR_PX: Final = 26
LANE_PX: Final = 54
NAMES: Final = {A: "ALFA", B: "BRAVO"}
WORDS: Final = {"horn": "horn", "rule": "the rule"}


@dataclass(frozen=True)
class Told:
    """What one end told, `at_ms` after the cut: a state of the line, the horn, or a rule."""

    at_ms: int
    what: str
    state: str = ""


def story(in_force: bool) -> dict[int, list[Told]]:
    """What each of the two parties told from the cut on."""
    line = Line()
    body = statement.Understanding(name="line", version=1, effective_ms=line.wall_ms, rules=to_wire((RULE,)))
    leaf = line.say(A, body, Precedence.PRIORITY)
    line.run(SETTLE_MS)
    line.say(B, statement.Accept(), Precedence.PRIORITY, refs=(leaf,))
    if in_force:
        line.say(A, notice(line.wall_ms + 60_000))
    line.run(SETTLE_MS)
    cut_ms = line.world.now
    line.world.cut = {(A, B)}
    line.run(CUT_FOR_MS)
    line.world.cut = set()
    line.run(BACK_FOR_MS)
    return {who: _told(line, who, cut_ms) for who in (A, B)}


def _told(line: Line, who: int, cut_ms: int) -> list[Told]:
    log = line.member(who).log
    told = [Told(at - cut_ms, "line", str(one.facts[1])) for at, one in log.shown if at > cut_ms and one.what == "line"]
    told += [Told(at - cut_ms, "horn") for at, one in log.alarms if at > cut_ms and one.what == "line dead"]
    told += [Told(at - cut_ms, "rule") for at, one in log.alarms if at > cut_ms and one.what == "dead line"]
    return sorted(told, key=lambda one: one.at_ms)


def draw() -> Paper:
    """The picture."""
    paper = Paper(820, 470, "The death of a line, as both ends tell it")
    paper.text(
        (24, 34), f"The path between ALFA and BRAVO is cut at 0 s and mended at {CUT_FOR_MS // 1_000} s", bold=True
    )
    words = ["Each end by its own clock, without a message:", *_clocks()]
    paper.lines((24, 56), words, "soft", size=12)
    for nth, (in_force, head) in enumerate(((True, "A notice is in force"), (False, "Nothing is in force"))):
        top = 150 + 156 * nth
        paper.text((24, top), head, bold=True)
        for lane, (who, told) in enumerate(story(in_force).items()):
            _lane(paper, top + 12 + LANE_PX * lane, NAMES[who], told)
        for ms in (0, CUT_FOR_MS):
            paper.line([(_x(ms), top + 8), (_x(ms), top + 12 + 2 * LANE_PX)], "soft", dashed=True, thick=1)
    bottom = 150 + 156 + 28 + 2 * LANE_PX
    paper.text((_x(0), bottom), "cut", "soft", "middle", 12)
    paper.text((_x(CUT_FOR_MS), bottom), "mended", "soft", "middle", 12)
    between_x = (_x(STRETCHED_MS) + _x(CUT_FOR_MS)) / 2
    paper.text((between_x, bottom), f"from {STRETCHED_MS // 1_000} s on drawn narrower", "soft", "middle", 12)
    return paper


def _clocks() -> list[str]:
    settings = Settings()
    dead_s, horn_s, rule_s = (ms // 1_000 for ms in (settings.dead_after_ms, settings.horn_after_ms, RULE.after_ms))
    return [
        f"1.  dead is told when no newer time of our own has come back for {dead_s} s and a round trip",
        f"2.  the horn sounds at once if anything is in force, else {horn_s} s later",
        f"3.  the rule agreed for a line dead for {rule_s} s is told, such as to keep clear of all that was in force",
    ]


def _x(ms: int) -> float:
    return LEFT + 0.042 * min(ms, STRETCHED_MS) + 0.0056 * max(0, ms - STRETCHED_MS)


def _lane(paper: Paper, top: float, name: str, told: list[Told]) -> None:
    paper.text((24, top + 18), name, "soft", size=12)
    states = [(0, "open"), *((one.at_ms, one.state) for one in told if one.state)]
    ends = [at for at, _ in states[1:]] + [CUT_FOR_MS + BACK_FOR_MS]
    for (at_ms, state), end_ms in zip(states, ends, strict=True):
        left, right = _x(at_ms), _x(end_ms)
        paper.box((left, top), (right - left - 1, BAR_PX), state, full=True, round_px=3)
        if right - left > 60:
            paper.text(((left + right) / 2, top + 18), state, state, "middle", 12, bold=True)
    labels: dict[int, list[str]] = {}
    for one in told:
        word = WORDS.get(one.state or one.what)
        labels.setdefault(one.at_ms, []).extend([word] if word else [])
    for at_ms, words in labels.items():
        paper.line([(_x(at_ms), top + BAR_PX), (_x(at_ms), top + BAR_PX + 5)], "soft")
        label = ", ".join([f"{at_ms / 1_000:.1f} s", *words])
        paper.text((_x(at_ms) + 3, top + BAR_PX + 17), label, "ink", "start", 11)
