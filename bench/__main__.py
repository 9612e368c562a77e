"""`python -m bench [NAME]`: run all measurements, or one, and print tables; detection has its own, bench.detection."""

import argparse
import platform
import sys
from collections.abc import Callable, Iterator
from os import cpu_count
from typing import Final

from bench import Table, flood, fsync, line, picture, stages, verify, watchdog

PARTS: Final[dict[str, Callable[[], Iterator[Table]]]] = {
    "flood": flood.tables,
    "fsync": fsync.tables,
    "line": line.tables,
    "picture": picture.tables,
    "stages": stages.tables,
    "verify": verify.tables,
    "watchdog": watchdog.tables,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What is measured, and against whom.")
    parser.add_argument("name", nargs="?", choices=PARTS, help="one part; all if left out")
    given = parser.parse_args(arguments)
    print(f"{cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    for name in [given.name] if given.name else PARTS:
        for table in PARTS[name]():
            print(f"{table}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
