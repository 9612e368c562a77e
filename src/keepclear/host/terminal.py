"""What a node tells its officer, as lines on a terminal.

The law: one happening is one line, with its Zulu time, how urgent it is, who, and what, in words that need no colour.
Alarms are red and ring, on a terminal. A terminal that stands still never holds the node up: lines are written by a
thread of their own, and while it does not come on, nothing counts as seen.
"""

import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Final

import click

from keepclear.accord.figures import clean
from keepclear.accord.statement import Precedence
from keepclear.accord.times import to_second, zulu
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Stamp

HASH_DIGITS: Final = 8  # of an entry's hash, as people type them back
MAX_BEHIND: Final = 10_000  # lines that wait for a terminal; more are not shown there, and that is told
SEEN_WITHIN_S: Final = 1.0
FLUSH_S: Final = 2.0
WIDE: Final = 200  # columns of a table that no terminal bounds
ABOUT_MEMBER: Final = frozenset(  # facts[0] says which
    {
        "statement",
        "changed",
        "ladder",
        "line",
        "not acknowledged",
        "clone",
        "line test",
        "dead line",
        "in force",
        "quota",
        "gap",
        "unlike",
        "gathered",
    }
)
UNTOLD: Final = frozenset({"said", "brought"})  # answers to whoever said or brought it: the statements are shown

Happening = Mapping[str, Any]


def happening(told: Show | Alarm, stamp: Stamp) -> dict[str, Any]:
    """A show or an alarm in the form in which a running node's followers get it."""
    if isinstance(told, Alarm):
        return {"event": "alarm", "at_ms": stamp.wall_ms, "what": told.what, "text": told.text}
    leaf = told.leaf.hex() if told.leaf else None
    facts = [fact.hex() if isinstance(fact, bytes) else fact for fact in told.facts]
    return {
        "event": "show", "at_ms": stamp.wall_ms, "what": told.what, "text": told.text, "precedence": told.precedence,
        "leaf": leaf, "facts": facts,
    }  # fmt: skip


def line(told: Happening, names: Sequence[str], own: str, styled: bool = False) -> str:
    """One happening in one line: time, ALARM or the precedence, who, what with the entry's hash and marks, the words.

    `names` are the members', `own` is whose node this is. With `styled`, alarms are red and ring, FLASH is bold.
    """
    at = zulu(to_second(told["at_ms"]))[-9:]
    alarm = told["event"] == "alarm"
    urgency = "ALARM" if alarm else _precedence(told["precedence"])
    words = " ".join(clean(part) for part in told["text"].splitlines())
    text = f"{at}  {urgency:<9}  {_who(told, names, own)}  {_what(told)}: {words}"
    if not styled:
        return text
    if alarm:
        return "\a" + click.style(text, fg="red", bold=True)
    return click.style(text, bold=True) if told["precedence"] == Precedence.FLASH else text


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table where people look; as wide as it needs to be when the output is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - 0.1 s, and most commands print no table
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    console.print(made)


def short(leaf: str) -> str:
    """An entry's hash as people see it."""
    return leaf[:HASH_DIGITS]


def _precedence(number: int) -> str:
    return Precedence(number).name if number in list(Precedence) else str(number)


def _who(told: Happening, names: Sequence[str], own: str) -> str:
    facts = told.get("facts") or [None]
    if told["what"] in ABOUT_MEMBER and isinstance(facts[0], int) and 0 <= facts[0] < len(names):
        return clean(names[facts[0]])
    return clean(own)


def _what(told: Happening) -> str:
    parts = [told["what"]]
    if leaf := told.get("leaf"):
        parts.append(short(leaf))
    if told["what"] == "statement" and (marks := told["facts"][3]):
        parts.append(f"[{', '.join(marks)}]")
    return " ".join(parts)


class Printer:
    """Writes lines to a stream from a thread of its own. `put` says whether the stream is taking them."""

    def __init__(self, stream: IO[str]) -> None:
        self.styled = stream.isatty()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_BEHIND)
        self._dropped = 0
        self._gone = False
        self._writing_since: float | None = None
        self._thread = threading.Thread(target=self._write, name="printer", daemon=True)
        self._thread.start()

    def put(self, text: str) -> bool:
        """Has a line written; False when the stream is gone, full, or has not taken a line for a second."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._dropped += 1
            return False
        since = self._writing_since
        return not self._gone and (since is None or time.monotonic() - since < SEEN_WITHIN_S)

    def close(self) -> None:
        """Waits a moment for what is still to be written."""
        try:
            self._lines.put(None, timeout=FLUSH_S)
        except queue.Full:
            return
        self._thread.join(FLUSH_S)

    def _write(self) -> None:
        while (text := self._lines.get()) is not None and not self._gone:
            self._writing_since = time.monotonic()
            dropped, self._dropped = self._dropped, 0
            if dropped:
                text += f"\n{dropped} lines were not shown here: keepclear show has what is in force"
            try:
                self._stream.write(text + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # the terminal was closed
                self._gone = True
            self._writing_since = None
