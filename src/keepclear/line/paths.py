"""The paths to one peer: which of them live, and what that makes of the line.

The law: what is said goes over every path at once, in the same sealed datagrams, and whichever copy comes first is
taken. So such a frame proves nothing of one path; that is proved by heartbeats of its own, sealed with the path's name
and sent on it alone, which count only when they come in by it and bring back a time of our own that went out the same
way. With one path every frame is its proof. The line is open only while all paths live, degraded while some do, and
suspect or dead by the best of them.
"""

from typing import Final

import msgspec

from keepclear.line import liveness
from keepclear.line.liveness import LineState, Liveness

UDP: Final = "udp"
BOX: Final = "box"
RADIO: Final = "rad"  # datagrams by a slow radio; whoever is reached by it is reached by nothing else
ALL: Final = "all"  # a frame that goes over every path
NAMES: Final = {UDP: "the datagrams", BOX: "the mailbox", RADIO: "the radio"}


class Path(msgspec.Struct, array_like=True):
    """One way to a peer: what came back by it, and when its last heartbeat went out."""

    live: Liveness = msgspec.field(default_factory=Liveness)
    sent_ms: int = 0


def begin(names: tuple[str, ...], since_ms: int) -> dict[str, Path]:
    """The paths at a start, none of which has brought anything back yet."""
    return {name: Path(Liveness(since_ms=since_ms)) for name in names}


def renew(paths: dict[str, Path]) -> dict[str, Path]:
    """What a new session takes over."""
    return {name: Path(liveness.renew(path.live), path.sent_ms) for name, path in paths.items()}


def name_of(paths: dict[str, Path]) -> str:
    """What a frame is called that goes over every path there is."""
    return ALL if len(paths) > 1 else next(iter(paths), UDP)


def is_slow(paths: dict[str, Path]) -> bool:
    """Whether a datagram takes a quarter of a second of air: then nothing is said again that may still arrive."""
    return RADIO in paths


def judge(live: Liveness, paths: dict[str, Path], now_ms: int, suspect_after_ms: int, dead_after_ms: int) -> bool:
    """Sets the state of each path, and of the line; True if that of the line is to be told.

    Nothing is told at a start while a path has still time to bring its first echo.
    """
    each = [path.live for path in paths.values()]
    for path in each:
        path.state = liveness.reckon(path, now_ms, suspect_after_ms, dead_after_ms)
    if len(each) < 2:
        return liveness.judge(live, now_ms, suspect_after_ms, dead_after_ms)
    live.state = _together([path.state for path in each])
    if live.told is None and any(liveness.is_awaited(path, now_ms, dead_after_ms) for path in each):
        return False
    return liveness.tell(live, live.state, now_ms, lost(paths))


def lost(paths: dict[str, Path]) -> list[str]:
    """The names of the paths by which nothing comes back."""
    return [name for name, path in paths.items() if path.live.state is LineState.DEAD]


def _together(states: list[LineState]) -> LineState:
    if LineState.OPEN in states:
        return LineState.DEGRADED if LineState.DEAD in states else LineState.OPEN
    return LineState.SUSPECT if LineState.SUSPECT in states else LineState.DEAD
