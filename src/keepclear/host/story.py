"""Telling a scenario in the terminal as it happens: Zulu time, who, what, why it matters.

The law: the words of the nodes are theirs; the story adds why. What did not happen says so on every line. Nothing is
claimed about lives.
"""

from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keepclear.accord.times import to_second, zulu

COLOURS: Final = {"A": "cyan", "B": "green"}
WHY: Final = {
    "draft": "the question is ready: one click sends it",
    "unclear": "nobody has said where: the node does not guess, and shows it",
    "not acknowledged": "whoever has not acknowledged may not know",
    "cleared": "it says what is no longer found, never that a flight is safe",
    "disputed": "an author contradicts itself: both signed entries are evidence",
    "not assessed": "silence of the detector is said, not hidden",
    "understanding": "what is agreed is in the record, signed by both",
}
QUIET: Final = frozenset({"said", "line", "reconciled", "following"})


class Story:
    """A scenario's teller. `mark` stands before each line of a play that did not happen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.mark = ""

    def heading(self, text: str) -> None:
        """A new act or layer."""
        self._console.rule(f"[bold]{escape(text)}[/bold]")

    def words(self, text: str) -> None:
        """A sentence of the teller's own."""
        self._console.print(f"  {self.mark}[italic]{escape(text)}[/italic]")

    def told(self, z: str, account: str, text: str, source: str) -> None:
        """A sentence of one account."""
        self._console.print(f"  {z}:00Z  [bold]{account}[/bold] says: {escape(text)}  [dim]({escape(source)})[/dim]")

    def event(self, event: dict[str, Any], why: str = "") -> None:
        """Something that a node has shown or alarmed."""
        if event["what"] in QUIET:
            return
        alarm = event["event"] == "alarm"
        first, *rest = str(event["text"]).split("\n")
        why = why or WHY.get(event["what"], "")
        colour = COLOURS.get(event["node"], "magenta")
        head = f"{self.mark}{zulu(to_second(event['at_ms']), event['at_ms'])}"
        what = f"[bold red]ALARM[/bold red] {escape(first)}" if alarm else escape(first)
        self._console.print(f"  {head}  [{colour}]at {event['node']}[/{colour}]  {what}")
        for line in rest:
            self._console.print(f"      {self.mark}[dim]{escape(line)}[/dim]")
        if why:
            self._console.print(f"      {self.mark}[yellow]why it matters:[/yellow] {escape(why)}")

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        """Values side by side."""
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def check(self, name: str, holds: bool, text: str) -> None:
        """Whether something is as it must be."""
        word = "[green]holds[/green]" if holds else "[bold red]DOES NOT HOLD[/bold red]"
        self._console.print(f"  {name}: {word}  {escape(text)}")
