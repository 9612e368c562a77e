"""`keepclear demo`: a scenario played by real nodes on this machine.

The law: a demo is an EXERCISE line; what it says is not meant, and what is invented in it says so.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

import click

FASTEST: Final = "max"


class Speed(click.ParamType[float | None]):
    """How many scenario seconds pass in a second; max is as fast as the nodes can."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """The number, or None for max."""
        if value == FASTEST:
            return None
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed <= 100_000:
            self.fail(f"{value!r} is no speed: a number such as 60, or max", param, ctx)
        return speed


@click.command()
@click.option("--scenario", type=click.Choice(["il20", "swiss-day"]), default="il20", show_default=True)
@click.option("--speed", type=Speed(), default="120", show_default=True, metavar="N|max", help="Times real time.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep everything there; else a new one.")
@click.option("--exit", "exit_", is_flag=True, help="End after the play, instead of leaving the nodes up.")
@click.option(
    "--spread", type=click.IntRange(0, 100_000), default=0, metavar="N", help="Also vary it N times in doubt."
)
def demo(scenario: str, speed: float | None, out: Path | None, exit_: bool, spread: int) -> int:
    """Play a scenario with real nodes on this machine, and check at the end what was to be shown.

    \b
    Examples:
      keepclear demo --scenario il20 --speed 60
      keepclear demo --scenario il20 --speed max --exit
    """
    from keepclear.host.player import play  # noqa: PLC0415 - heavy, and its help text does not need it

    directory = out or Path(tempfile.mkdtemp(prefix="keepclear-demo-"))
    return play(scenario, directory, speed, exit_ or not sys.stdin.isatty(), spread)
