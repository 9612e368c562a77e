"""How far a check has come: a bar on standard error, on a terminal and nowhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Begin = Callable[[str, int], Callable[[int], None]]


@contextmanager
def progress() -> Iterator[Begin]:
    """Gives a function that begins a bar of a name and a length, and gives the function that moves it on."""
    if not sys.stderr.isatty():
        yield lambda _name, _length: lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 - 0.1 s, and only a terminal shows it
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def begin(name: str, length: int) -> Callable[[int], None]:
            bar = bars.add_task(name, total=max(length, 1))
            return lambda done: bars.advance(bar, done)

        yield begin
