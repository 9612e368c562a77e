"""What became of each matter: planned, active, ended, cancelled, superseded.

The law: the status follows from the set of its author's words on it and on what it replaces, never from the sequence
in which they came; so all who hold the same record read the same. Within one incarnation the later number is the
later word, across incarnations the later time by the author's clock (start numbers are a hint only, and run backward
after a restore). Where that leaves a doubt the matter stays in force. Nothing but ALL-CLEAR ends a hazard.
"""

from typing import Final

from keepclear.accord.said import Said
from keepclear.accord.statement import Ended, Kind
from keepclear.node.core import Core
from keepclear.node.state import Matter, Word

PLANNED, ACTIVE, ENDED, CANCELLED, SUPERSEDED = "planned", "active", "ended", "cancelled", "superseded"
IN_FORCE: Final = frozenset({PLANNED, ACTIVE})
OVER: Final = frozenset({ENDED, CANCELLED})
OPENING: Final = frozenset({Kind.NOTICE, Kind.AMEND, Kind.HAZARD, Kind.CEASE_NOW, Kind.DISTRESS})
MAX_WORDS: Final = 64  # on one matter; the newest are kept
MAX_SUCCESSORS: Final = 64  # of one statement; two are already a mistake
MAX_SUCCESSION: Final = 1_000  # readings after readings that one word is carried on to


def begin(core: Core, said: Said) -> Matter:
    """Opens the matter of a statement that others have to act upon."""
    status = _at_first(said.kind)
    born = _word(said, status, said.leaf)
    matter = Matter(said.leaf, said.party, said.kind, said.precedence, said.wall_ms, status, born, core.wall_ms)
    matter.by_bundle = core.by_bundle
    core.state.situation.matters[said.leaf] = matter
    core.said_of(said.leaf)
    return matter


def tell(core: Core, matter: Matter, said: Said) -> None:
    """Applies its author's word on a matter's status, and carries it on to what has replaced the matter."""
    status = _said_status(matter, said)
    if status is not None:
        _spread(core, matter, [_word(said, status, matter.leaf)])


def succeed(core: Core, matter: Matter, said: Said) -> None:
    """Applies an AMEND or CANCEL of the matter's author. A hazard has no successors: it ends by ALL-CLEAR alone."""
    if matter.kind == Kind.HAZARD or said.leaf in matter.successors:
        return
    if len(matter.successors) >= MAX_SUCCESSORS:
        core.count_noise("successor beyond the limit")
        return
    matter.successors.append(said.leaf)
    successor = core.state.situation.matters.get(said.leaf)
    if successor is None:
        _spread(core, matter, [_word(said, CANCELLED, matter.leaf)])
    else:
        matter.superseded = True
        _settle(core, matter)
        _spread(core, successor, matter.words)
    if len(matter.successors) > 1:
        core.show(
            "two successors", f"{core.name(matter.party)} has replaced one statement twice: both readings are in force",
            matter.leaf, matter.precedence,
        )  # fmt: skip


def _said_status(matter: Matter, said: Said) -> str | None:
    """The status that a statement gives to a matter that it cites; None if it gives none, or cannot be read."""
    if said.body is None:
        return None
    if said.kind == Kind.ALL_CLEAR:
        return ENDED
    if matter.kind == Kind.HAZARD:
        return None
    if isinstance(said.body, Ended):
        return ACTIVE if said.body.residual else ENDED  # what remains is a hazard until an ALL-CLEAR
    return ACTIVE if said.kind == Kind.ACTIVATED else None


def _spread(core: Core, matter: Matter, words: list[Word]) -> None:
    todo, seen = [matter], {matter.leaf}
    while todo:
        one = todo.pop()
        _add(core, one, words)
        for leaf in one.successors:
            successor = core.state.situation.matters.get(leaf)
            if successor is None or leaf in seen:
                continue
            if len(seen) >= MAX_SUCCESSION:
                core.count_noise("succession beyond the limit")
                return
            seen.add(leaf)
            todo.append(successor)


def _add(core: Core, matter: Matter, words: list[Word]) -> None:
    new = [word for word in words if word not in matter.words]
    if not new:
        return
    merged = sorted([*matter.words, *new])
    if len(merged) > MAX_WORDS:
        core.count_noise("word on one matter beyond the limit", len(merged) - MAX_WORDS)
    matter.words = merged[-MAX_WORDS:]
    core.said_of(matter.leaf)
    _settle(core, matter)


def _settle(core: Core, matter: Matter) -> None:
    status = _status(matter)
    if status != matter.status:
        matter.status = status
        core.said_of(matter.leaf)
        text = f"{core.name(matter.party)}'s {Kind(matter.kind).name.replace('_', ' ')} is now {status}"
        core.show("changed", text, matter.leaf, matter.precedence, (matter.party, matter.kind, status))


def _status(matter: Matter) -> str:
    if matter.superseded:
        return SUPERSEDED
    active = [word for word in matter.words if word.status == ACTIVE]
    over = [word for word in matter.words if word.status in OVER]
    final = [
        word
        for word in over
        if (word.about == matter.leaf or _is_after(word, matter.born)) and all(_is_after(word, one) for one in active)
    ]
    if final:
        return final[-1].status
    begun = any(not any(_is_after(end, one) for end in over) for one in active)
    return ACTIVE if begun else _at_first(matter.kind)


def _is_after(one: Word, other: Word) -> bool:
    if one.incarnation == other.incarnation:
        return one.seq > other.seq
    return one.wall_ms > other.wall_ms


def _at_first(kind: int) -> str:
    return PLANNED if kind in (Kind.NOTICE, Kind.AMEND) else ACTIVE


def _word(said: Said, status: str, about: bytes) -> Word:
    return Word(said.wall_ms, said.start, said.incarnation, said.seq, status, about)
