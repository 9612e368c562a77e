"""The political fact: whether each party says that it uses the channel, beside whether the line works.

The law: a suspension holds until its author says OPEN; the time that it names ends nothing. While any party has
suspended it, what is said is sent and shown all the same. Tests, hazards, distress and cease-now stay open; the rest
is marked.
"""

from collections.abc import Iterable
from typing import Final

from keepclear.accord.said import Said
from keepclear.accord.statement import BY_NODE, Channel, ChannelState, Kind

STAYS_OPEN: Final = BY_NODE | {
    Kind.LINE_TEST, Kind.TEST_REPLY, Kind.HAZARD, Kind.ALL_CLEAR, Kind.DISTRESS, Kind.CEASE_NOW, Kind.ACKNOWLEDGEMENT,
    Kind.CHANNEL_STATE,
}  # fmt: skip


def newest(history: Iterable[Said], at_ms: int | None = None) -> dict[int, Said]:
    """By party its newest word on the channel, up to a moment by its own clock; those of unknown states count."""
    found: dict[int, Said] = {}
    for said in history:
        if not isinstance(said.body, ChannelState) or (at_ms is not None and said.wall_ms > at_ms):
            continue
        known = found.get(said.party)
        if known is None or (known.wall_ms, known.place) < (said.wall_ms, said.place):
            found[said.party] = said
    return found


def suspended_by(history: Iterable[Said], at_ms: int | None = None) -> tuple[int, ...]:
    """The parties whose newest word up to a moment is that they have suspended the channel."""
    words = newest(history, at_ms)
    return tuple(
        party
        for party, said in sorted(words.items())
        if isinstance(said.body, ChannelState) and said.body.state == Channel.SUSPENDED
    )


def is_marked(said: Said, history: Iterable[Said]) -> bool:
    """Whether a statement was said, of a kind that does not stay open, while a party had suspended the channel."""
    return said.kind not in STAYS_OPEN and bool(suspended_by(history, said.wall_ms))
