"""What an officer is told when more comes than can be read: the first whole, the rest as a number.

The law: nothing is lost: `keepclear show` lists all that was counted, and what was only counted does not count as
displayed until then. A FLASH is never counted: each has its own line with its area and its times; only its bell is. One
member's flood is gathered by itself, so that it hides nothing of another's.
"""

from typing import Final

import msgspec

from keepclear.accord.statement import Kind, Precedence
from keepclear.node.effects import Alarm, Show

WINDOW_MS: Final = 10_000
WHOLE: Final = 10  # of one sort in a window: one line a second is as fast as people read
MAX_UNLISTED: Final = 100_000  # statements that were only counted, and have not been listed yet; the newest
GATHERED: Final = frozenset({"statement", "changed", "ladder", "judged anew", "draft", "unclear", "owed"})
RUNG: Final = frozenset({"flash", "owed", "unclear"})  # alarms that are about one statement each, which has its line

Sort = tuple[str, int, int, int]  # what, member, precedence, kind


class Window(msgspec.Struct):
    """What has come of one sort since a time."""

    since_ms: int
    count: int = 0


class Gathering:
    """What has been told lately, by sort. `unlisted` are the entries that were only counted, by their hashes."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._windows: dict[Sort, Window] = {}
        self.unlisted: dict[bytes, None] = {}

    def counts(self, told: Show | Alarm, now_ms: int) -> bool:
        """Whether this one is only counted; else it is to be shown whole. `now_ms` never steps back."""
        sort = _sort(told)
        if sort is None:
            return False
        window = self._windows.setdefault(sort, Window(now_ms))
        window.count += 1
        if window.count <= WHOLE:
            return False
        if isinstance(told, Show) and told.what == "statement" and told.leaf is not None:
            self.unlisted[told.leaf] = None
            if len(self.unlisted) > MAX_UNLISTED:
                del self.unlisted[next(iter(self.unlisted))]
        return True

    @property
    def counting(self) -> bool:
        """Whether anything has been counted that has not been told yet."""
        return any(window.count > WHOLE for window in self._windows.values())

    def due(self, now_ms: int) -> list[Show]:
        """The numbers of the windows that have ended, in words."""
        ended = [(sort, one.count) for sort, one in self._windows.items() if now_ms - one.since_ms >= WINDOW_MS]
        for sort, _ in ended:
            del self._windows[sort]
        return [self._words(*sort, count - WHOLE) for sort, count in ended if count > WHOLE]

    def listed(self, leaves: list[bytes]) -> tuple[bytes, ...]:
        """Those of these entries that had only been counted: now they have been put before an officer."""
        found = tuple(leaf for leaf in leaves if leaf in self.unlisted)
        for leaf in found:
            del self.unlisted[leaf]
        return found

    def _words(self, what: str, member: int, precedence: int, kind: int, more: int) -> Show:
        whose = f" of {self._names[member]}'s" if 0 <= member < len(self._names) else ""
        urgency = Precedence(precedence).name if precedence in list(Precedence) else str(precedence)
        if what == "statement":
            name = Kind(kind).name.replace("_", "-") if kind in list(Kind) else f"kind {kind}"
            text = f"and {more} more{whose} {urgency} {name} statements in {WINDOW_MS // 1_000} s"
            text += ": keepclear show lists them; until then they are not displayed"
        else:
            text = f"and {more} more{whose} '{what}' in {WINDOW_MS // 1_000} s"
        return Show("gathered", None, precedence, text, (member, more))


def _sort(told: Show | Alarm) -> Sort | None:
    if isinstance(told, Alarm):
        return ("alarm " + told.what, -1, Precedence.FLASH, 0) if told.what in RUNG else None
    if told.what not in GATHERED or told.precedence == Precedence.FLASH:
        return None
    facts = told.facts if told.what in ("statement", "ladder") else ()
    member = facts[0] if facts else -1
    return told.what, member, told.precedence, facts[1] if told.what == "statement" else 0
