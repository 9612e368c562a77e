"""Whether one peer hears us and is heard: decided by our own time coming back, never by what a peer claims.

The law: the line to a peer is open only while a recent time of our own is echoed. Later than the base round trip
plus 2 s it is suspect, plus 4 s dead; the base is the smallest round trip measured. A new session takes over how
long ago that was and what has been told, so that no silence is lost between two sessions; a peer that has never
echoed is dead as long after we began to wait for it. Times are this node's monotonic milliseconds.
"""

from enum import StrEnum
from typing import Final

import msgspec

FIRST_ROUND_TRIP_MS: Final = 500  # assumed until one has been measured


class LineState(StrEnum):
    """The state of the line to one peer."""

    OPEN = "open"
    DEGRADED = "degraded"
    SUSPECT = "suspect"
    DEAD = "dead"


class Liveness(msgspec.Struct, array_like=True):
    """What is known of one peer's hearing. None until it has happened.

    `told` is the state that was last told of, `told_ms` when, `lost` the paths that were dead then; `horned` whether
    the horn has sounded for this death.
    """

    state: LineState = LineState.DEAD
    heard_ms: int | None = None  # newest monotonic time of the peer that reached us
    heard_at_ms: int = 0  # when it did
    echo_ms: int | None = None  # newest monotonic time of ours that came back
    base_ms: int | None = None  # smallest round trip
    smooth_ms: int | None = None  # smoothed round trip, for resending
    since_ms: int = 0  # when we began to wait for its first echo
    told: LineState | None = None
    told_ms: int = 0
    horned: bool = False
    lost: list[str] = []
    doubted_ms: int | None = None  # when it was last late


def renew(live: Liveness) -> Liveness:
    """What a new session takes over: how long we have not been heard and what was told. The peer's clock is another."""
    return Liveness(
        state=live.state, echo_ms=live.echo_ms, base_ms=live.base_ms, since_ms=live.since_ms, told=live.told,
        told_ms=live.told_ms, horned=live.horned, lost=live.lost,
    )  # fmt: skip


def hear(
    live: Liveness, mono_ms: int, wall_ms: int, echo_ms: int | None, hold_ms: int, now: tuple[int, int]
) -> tuple[int, int] | None:
    """Takes the times of a frame that opened; `now` is our (monotonic, wall) time.

    The bounds of the peer's wall clock less ours, if a newer time of ours came back with it.
    """
    now_mono, now_wall = now
    if live.heard_ms is None or mono_ms > live.heard_ms:
        live.heard_ms, live.heard_at_ms = mono_ms, now_mono
    if echo_ms is None or echo_ms > now_mono or (live.echo_ms is not None and echo_ms <= live.echo_ms):
        return None
    live.echo_ms = echo_ms
    trip = max(0, now_mono - echo_ms - hold_ms)
    live.base_ms = trip if live.base_ms is None else min(live.base_ms, trip)
    live.smooth_ms = trip if live.smooth_ms is None else (7 * live.smooth_ms + trip) // 8
    # The frame left between our echoed time and now, so the peer's clock then read wall_ms.
    return wall_ms - now_wall, wall_ms - (now_wall - trip)


def judge(live: Liveness, now_ms: int, suspect_after_ms: int = 2_000, dead_after_ms: int = 4_000) -> bool:
    """Sets the state at a time; True if it is to be told: it is another than was told last.

    Slow classes of path are given more time. Before the first echo nothing is told until it is overdue.
    """
    live.state = reckon(live, now_ms, suspect_after_ms, dead_after_ms)
    if is_awaited(live, now_ms, dead_after_ms) and live.told is None:
        return False
    return tell(live, live.state, now_ms)


def reckon(live: Liveness, now_ms: int, suspect_after_ms: int, dead_after_ms: int) -> LineState:
    """Open, suspect or dead, by the age of the newest own time that came back."""
    if live.echo_ms is None:
        return LineState.DEAD
    silent = now_ms - live.echo_ms - (live.base_ms or 0)
    if silent < suspect_after_ms:
        return LineState.OPEN
    return LineState.SUSPECT if silent < dead_after_ms else LineState.DEAD


def doubt(live: Liveness, now_ms: int, suspect_after_ms: int, dead_after_ms: int) -> bool:
    """Whether the newest own time that came back is half as old as would be told and not yet given up, or was so as
    little as that ago: who hears again has to be heard as well, before it is told.
    """
    if live.echo_ms is None:
        return False
    if suspect_after_ms // 2 <= now_ms - live.echo_ms - (live.base_ms or 0) < dead_after_ms:
        live.doubted_ms = now_ms
    return live.doubted_ms is not None and now_ms - live.doubted_ms < suspect_after_ms // 2


def is_awaited(live: Liveness, now_ms: int, dead_after_ms: int) -> bool:
    """Whether nothing has come back yet, and is not overdue."""
    return live.echo_ms is None and now_ms - live.since_ms < dead_after_ms


def tell(live: Liveness, state: LineState, now_ms: int, lost: list[str] | None = None) -> bool:
    """Sets the state; True if it is to be told: it is another than was told last, or other paths are lost."""
    live.state, lost = state, lost or []
    if state == live.told and (lost == live.lost or state is not LineState.DEGRADED):
        return False
    lives = state in (LineState.OPEN, LineState.DEGRADED)
    live.told, live.told_ms, live.horned, live.lost = state, now_ms, live.horned and not lives, lost
    return True


def owes_horn(live: Liveness) -> bool:
    """Whether the line has been told dead and the horn has not sounded for it: once per death."""
    return live.told is LineState.DEAD and not live.horned


def echo(live: Liveness, now_ms: int) -> tuple[int | None, int]:
    """What a frame to the peer echoes: the newest time heard from it, and how long ago that was."""
    return live.heard_ms, 0 if live.heard_ms is None else now_ms - live.heard_at_ms


def patience_ms(live: Liveness) -> int:
    """How long to wait for a word on something sent once: twice the round trip, at least 80 ms."""
    trip = FIRST_ROUND_TRIP_MS if live.smooth_ms is None else live.smooth_ms
    return max(80, 2 * trip + 20)
