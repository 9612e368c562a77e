"""The states of the link to one peer: by the age of what came back, by two paths, and what leads from one to another.

The law: paths are put into every state, and the line is asked what it is. A change of the line is whatever one change
of one path leads to: its own time comes back, or is overdue by the one threshold or the other.
"""

from itertools import product
from typing import Final

from keepclear.accord.times import span
from keepclear.line import liveness, paths
from keepclear.line.liveness import LineState, Liveness
from keepclear.line.paths import BOX, UDP, Path
from keepclear.node.inputs import Settings
from sim.draw.paper import Paper, Point

OPEN, DEGRADED, SUSPECT, DEAD = LineState.OPEN, LineState.DEGRADED, LineState.SUSPECT, LineState.DEAD
OF_A_PATH: Final = (OPEN, SUSPECT, DEAD)
NOW_MS: Final = 100_000
SETTINGS: Final = Settings()
ON_IP: Final = SETTINGS.suspect_after_ms, SETTINGS.dead_after_ms
BY_RADIO: Final = SETTINGS.radio_suspect_after_ms, SETTINGS.radio_dead_after_ms
BOX_PX: Final = (116, 44)
PLACES: Final[dict[LineState, Point]] = {OPEN: (44, 84), DEGRADED: (344, 84), SUSPECT: (194, 220), DEAD: (194, 334)}

Change = tuple[LineState, LineState]
Way = tuple[list[Point], Point, str]  # through which points, where its words stand, and how
WAYS: Final[dict[Change, Way]] = {
    (OPEN, DEGRADED): ([(160, 98), (344, 98)], (252, 90), "middle"),
    (DEGRADED, OPEN): ([(344, 116), (160, 116)], (252, 134), "middle"),
    (OPEN, SUSPECT): ([(92, 128), (200, 220)], (138, 188), "end"),
    (SUSPECT, OPEN): ([(226, 220), (118, 128)], (170, 158), "start"),
    (DEGRADED, SUSPECT): ([(412, 128), (304, 220)], (366, 188), "start"),
    (SUSPECT, DEGRADED): ([(278, 220), (386, 128)], (310, 178), "end"),
    (SUSPECT, DEAD): ([(252, 264), (252, 334)], (260, 304), "start"),
    (DEAD, OPEN): ([(194, 356), (22, 356), (22, 106), (44, 106)], (32, 348), "start"),
    (DEAD, DEGRADED): ([(310, 356), (482, 356), (482, 106), (460, 106)], (472, 348), "end"),
}


def draw() -> Paper:
    """The picture."""
    paper = Paper(820, 560, "The link to one peer: its states, and what leads from one to another")
    paper.text((24, 34), "What leads from one state of the link to another", bold=True)
    paper.text((24, 54), "“back”: a recent time of our own comes back, sealed by the peer", "soft", size=12)
    for state, (x, y) in PLACES.items():
        _state(paper, (x, y), BOX_PX, state)
    for change, words in changes().items():
        points, at, anchor = WAYS[change]
        paper.arrow(points)
        paper.text(at, words, "soft", anchor, 12)
    _matrix(paper, (520, 34))
    _ages(paper, (24, 424))
    return paper


def line_of(*states: LineState) -> LineState:
    """The state of the line while its paths are in these."""
    silent = {OPEN: 0, SUSPECT: ON_IP[0], DEAD: ON_IP[1]}
    lives = [Liveness(echo_ms=NOW_MS - silent[state], base_ms=0) for state in states]
    line = Liveness(echo_ms=max(live.echo_ms or 0 for live in lives), base_ms=0)
    paths.judge(line, {name: Path(live) for name, live in zip((UDP, BOX), lives, strict=False)}, NOW_MS, *ON_IP)
    return line.state


def changes() -> dict[Change, str]:
    """All that one change of one path, of one or of two, makes of the line; in words."""
    suspect, dead = (span(ms) for ms in ON_IP)
    becomes = {OPEN: ((SUSPECT, suspect),), SUSPECT: ((DEAD, dead), (OPEN, "back")), DEAD: ((OPEN, "back"),)}
    found: dict[Change, set[tuple[str, int]]] = {}
    for count in (1, 2):
        for before in product(OF_A_PATH, repeat=count):
            for nth, state in enumerate(before):
                for after, why in becomes[state]:
                    change = line_of(*before), line_of(*before[:nth], after, *before[nth + 1 :])
                    if change[0] != change[1]:
                        found.setdefault(change, set()).add((why, count))
    return {change: _words(change[1], whys) for change, whys in found.items()}


def _words(after: LineState, whys: set[tuple[str, int]]) -> str:
    [why] = {why for why, _ in whys}
    counts = {count for _, count in whys}
    if why == "back":
        by = "one of two" if after is DEGRADED else "both" if counts == {2} else "the only path"
        return "back" if len(counts) > 1 else f"back by {by}"
    return f"one of two, {why} overdue" if after is DEGRADED else f"all, {why} overdue"


def boundaries(suspect_after_ms: int, dead_after_ms: int) -> list[tuple[int, LineState]]:
    """From which age on, in whole ms beyond the round trip, the link is in which state."""
    out: list[tuple[int, LineState]] = []
    for age_ms in range(dead_after_ms + 1_000):
        live = Liveness(echo_ms=NOW_MS - age_ms, base_ms=0)
        state = liveness.reckon(live, NOW_MS, suspect_after_ms, dead_after_ms)
        if not out or out[-1][1] != state:
            out.append((age_ms, state))
    return out


def _state(paper: Paper, at: Point, size: Point, state: LineState) -> None:
    paper.box(at, size, state.value, full=True)
    paper.text((at[0] + size[0] / 2, at[1] + size[1] / 2 + 5), state.value.upper(), state.value, "middle", bold=True)


def _matrix(paper: Paper, at: Point) -> None:
    x, y = at
    paper.text((x, y), "Two paths: what they make of the line", bold=True)
    paper.text((x, y + 20), "across: the datagrams; down: the mailbox", "soft", size=12)
    for column, state in enumerate(OF_A_PATH):
        paper.text((x + 88 + 78 * column, y + 54), state.value, state.value, "middle", 12)
    for row, by_box in enumerate(OF_A_PATH):
        top = y + 64 + 52 * row
        paper.text((x + 46, top + 27), by_box.value, by_box.value, "end", 12)
        for column, by_udp in enumerate(OF_A_PATH):
            left = x + 52 + 78 * column
            state = line_of(by_udp, by_box)
            paper.box((left, top), (72, 46), state.value, full=True)
            paper.text((left + 36, top + 28), state.value, state.value, "middle", 12, bold=True)
    words = [
        "What is said goes over all paths at once, so",
        "degraded loses nothing. The horn sounds only",
        "when the line is dead.",
    ]
    paper.lines((x, y + 250), words, "soft", size=12)


def _ages(paper: Paper, at: Point) -> None:
    x, y = at
    paper.text((x, y), "How long, beyond the round trip, no newer time of our own has come back", bold=True)
    rows = (("datagrams, mailbox", boundaries(*ON_IP)), ("slow radio", boundaries(*BY_RADIO)))
    scale = 24.0
    for ms in sorted({ms for _, found in rows for ms, _ in found}):
        left = x + 139 + ms / 1_000 * scale
        paper.line([(left, y + 98), (left, y + 104)], "soft")
        paper.text((left, y + 118), span(ms), "soft", "middle", 12)
    for row, (name, found) in enumerate(rows):
        top = y + 16 + 48 * row
        paper.text((x, top + 22), name, "soft", size=12)
        for nth, (from_ms, state) in enumerate(found):
            last = nth + 1 == len(found)
            to_ms = 26_500 if last else found[nth + 1][0]
            left, right = (x + 140 + ms / 1_000 * scale for ms in (from_ms, to_ms))
            paper.box((left, top), (right - left - 2, 32), state.value, full=True, round_px=3)
            paper.text(((left + right) / 2 - 1, top + 20), state.value, state.value, "middle", 10, bold=True)
