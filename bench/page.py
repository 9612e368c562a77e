"""Sections of docs/benchmarks.md that a run writes itself, between two marks of its own.

The law: what stands outside the marks is never touched, and only a whole run writes.
"""

from os import cpu_count, getloadavg
from pathlib import Path
from platform import machine, python_version
from typing import Final

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
PAGE: Final = DOCS / "benchmarks.md"


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Put a text between the marks `<!-- name: begin -->` and `<!-- name: end -->`. Raises ValueError without them."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    whole = page.read_text()
    head, one, rest = whole.partition(begin)
    _, two, tail = rest.partition(end)
    if not one or not two:
        raise ValueError(f"{page.name} has no place for {name}: it needs the lines {begin.strip()} and {end}")
    page.write_text(f"{head}{begin}\n{text.strip()}\n\n{end}{tail}")


def where_seen() -> str:
    """The machine of this run, and how busy it was when asked."""
    return (
        f"{cpu_count()} cores, {machine()}, Python {python_version()}, "
        f"load average {getloadavg()[0]:.1f} at the end of the run"
    )
