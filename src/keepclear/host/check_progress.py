"""How far a check has come: a bar on standard error, on a terminal and nowhere else.

Law: standard output stays as it is: rich would take it over while a bar is shown. Where findings go to the same
terminal as they come, there is no bar between them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Begin = Callable[[str, int], Callable[[int], None]]


@contextmanager
def progress(speaking: bool) -> Iterator[Begin]:
    """Gives a function that begins a bar of a name and a length, and gives the function that moves it on.

    `speaking`: standard output is written to meanwhile.
    """
    if not sys.stderr.isatty() or (speaking and sys.stdout.isatty()):
        yield lambda _name, _length: lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 - 0.1 s, and only a terminal shows it
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bars:

        def begin(name: str, length: int) -> Callable[[int], None]:
            bar = bars.add_task(name, total=max(length, 1))
            return lambda done: bars.advance(bar, done)

        yield begin
