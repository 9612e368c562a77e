"""The four facts of a member, each with every word that it can have.

The law: the words are those of the program's own enumerations. What shows a fact is prose.
"""

from typing import Final

from keepclear.accord.line_test import Staffed
from keepclear.accord.statement import Channel
from keepclear.line.liveness import LineState
from keepclear.node.authentic import Authentic
from sim.draw.paper import Paper

FACTS: Final = {
    "link": (["does it carry?", "our own time, coming back"], [one.value for one in LineState]),
    "staffed": (["is a person there?", "line tests, by a seat’s key"], [one.value for one in Staffed]),
    "authentic": (["is it of one piece?", "signatures and LINKs"], [one.value for one in reversed(Authentic)]),
    "political": (["is it to be used?", "the party’s own word"], [one.name.lower() for one in Channel]),
}
GOOD: Final = {LineState.OPEN.value, Staffed.STAFFED.value, Authentic.AUTHENTIC.value, Channel.OPEN.name.lower()}
WORST: Final = {
    LineState.DEAD.value,
    Authentic.DISPUTED.value,
    Staffed.UNANSWERED.value,
    Channel.SUSPENDED.name.lower(),
}
WIDE: Final = 186


def draw() -> Paper:
    """The picture."""
    paper = Paper(820, 330, "Four facts of a member")
    paper.text((24, 34), "Four facts of a member, beside each other: none follows from another", bold=True)
    for nth, (name, (shown_by, values)) in enumerate(FACTS.items()):
        left = 24 + nth * (WIDE + 10)
        paper.text((left + WIDE / 2, 70), name, "ink", "middle", bold=True)
        paper.lines((left + WIDE / 2, 90), shown_by, "soft", "middle", 11)
        for row, value in enumerate(values):
            kind = "open" if value in GOOD else "dead" if value in WORST else "suspect"
            paper.box((left, 120 + 42 * row), (WIDE, 34), kind, full=True)
            paper.text((left + WIDE / 2, 142 + 42 * row), value, kind, "middle", 12)
    paper.text(
        (24, 310), "“disputed” and “suspended” stop nothing: what is said is shown, with its mark.", "soft", size=12
    )
    return paper
