"""The picture of own flights and of what they are held against, as it is asked to be worked out.

The law: a matter is read anew only when something has been said of it; all else is taken as it was made the last time.
What is kept so follows from the state, and is not a part of it.
"""

from collections.abc import Sequence
from itertools import compress
from typing import Final

import numpy as np

from keepclear.accord import shape, statement
from keepclear.accord.shape import Volume
from keepclear.accord.understanding import AnyRule, Reaction, WithinArea
from keepclear.geo.units import IntArray
from keepclear.node import rows, situation
from keepclear.node.core import Core
from keepclear.node.snapshot import Kept, Matters, Snapshot, Watched, part
from keepclear.node.state import Matter

UNREAD_WARNINGS: Final = frozenset({statement.Kind.NOTICE, statement.Kind.AMEND, statement.Kind.HAZARD})
USUAL_REACTION_MS: Final = (30_000, 60_000, 60_000)
NO_ROWS: Final = rows.view(b"")


def snapshot(core: Core, others: Sequence[str] = (), other_rows: IntArray = NO_ROWS) -> Snapshot:
    """The present picture of own flights, and other readings of some of them: which, and their rows."""
    rules = situation.rules_now(core)
    agreed = next((rule for rule in rules if isinstance(rule, Reaction)), None)
    settings, fleet = core.state.settings, core.state.advice.fleet
    table = np.concatenate([fleet.reports(), other_rows])
    flying = rows.is_flying(table)
    kept = _kept(core, rules)
    return Snapshot(
        now_ms=core.wall_ms,
        look_ahead_ms=settings.look_ahead_ms,
        alert_ahead_ms=settings.alert_ahead_ms,
        horizontal_cm=settings.horizontal_cm,
        vertical_cm=settings.vertical_cm,
        reaction=(agreed.acknowledge_ms, agreed.relay_ms, agreed.crew_ms) if agreed else USUAL_REACTION_MS,
        matters=kept.matters,
        flights=tuple(compress((*fleet.places, *others), flying)),
        rows=rows.to_bytes(table[flying]),
        plans=kept.plans,
    )


def _kept(core: Core, rules: tuple[AnyRule, ...]) -> Kept:
    """The parts that seldom change, made anew where what they were made of is another."""
    kept, matters = core.picture, core.state.situation.matters
    changed = matters if kept.changed is None else kept.changed
    found = {leaf: _watch(core, matters[leaf]) for leaf in changed}
    areas = tuple(rule.volume for rule in rules if isinstance(rule, WithinArea))
    is_news = not kept.matters or any(found[leaf] != kept.watched.get(leaf) for leaf in found)
    kept.watched |= found
    if is_news or areas != kept.areas:
        kept.areas = areas
        kept.matters = part(Matters(tuple([w for w in kept.watched.values() if w is not None]), areas))
    kept.changed = {}
    plans = list(core.state.advice.plans.values())
    if plans != kept.plans_of or not kept.plans:
        kept.plans_of, kept.plans = plans, part(plans)
    return kept


def _watch(core: Core, matter: Matter) -> Watched | None:
    """A matter as flights are held against it: notices of others, hazards of anybody, while in force."""
    if matter.status not in situation.IN_FORCE:
        return None
    body = situation.said_of(core.books.by_leaf[matter.leaf]).body
    if isinstance(body, statement.Hazard):
        return Watched(matter.leaf, True, body.since_ms, None, body.volumes)
    if body is None and matter.kind in UNREAD_WARNINGS and matter.party != core.me:
        return Watched(matter.leaf, False, None, None, ())  # it cannot be read: nobody knows where, or from when
    if not isinstance(body, statement.Notice) or matter.party == core.me:
        return None
    volumes, start_ms, end_ms = _answered(core, matter, body)
    begun = matter.status == situation.ACTIVE
    return Watched(
        matter.leaf, begun, start_ms, None if _leaves_a_hazard(core, matter) else end_ms, volumes, agreed=True
    )


def _leaves_a_hazard(core: Core, matter: Matter) -> bool:
    """Whether its author has said ENDED and that a hazard remains: the announced end is then no end."""
    for word in matter.words:
        book = core.books.books.get((matter.party, word.incarnation))
        entry = book.get(word.seq) if book else None
        body = situation.said_of(entry).body if entry else None
        if isinstance(body, statement.Ended) and body.residual:
            return True
    return False


def _answered(core: Core, matter: Matter, body: statement.Notice) -> tuple[tuple[Volume, ...], int | None, int | None]:
    """A notice's volumes and window, with what its author's ANSWER added where it had said nothing."""
    answer = situation.said_of(core.books.by_leaf[matter.answer]).body if matter.answer else None
    if not isinstance(answer, statement.Answer):
        return body.volumes, body.start_ms, body.end_ms
    known = shape.is_known(body.volumes)
    volumes = body.volumes if known or answer.volumes is None else answer.volumes
    start_ms = answer.start_ms if body.start_ms is None else body.start_ms
    return volumes, start_ms, answer.end_ms if body.end_ms is None else body.end_ms
