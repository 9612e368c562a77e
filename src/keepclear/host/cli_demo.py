"""`keepclear demo`: a scenario played by real nodes on this machine.

The law: a demo is an EXERCISE line; what it says is not meant, and what is invented in it says so.
"""

import tempfile
from importlib import import_module
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
@click.option("--speed", type=Speed(), default="60", show_default=True, metavar="N|max", help="Times real time.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep everything there; else a new one.")
@click.option("--exit", "exit_", is_flag=True, help="End after the play, instead of leaving the nodes up.")
@click.option("--spread", type=click.IntRange(1), default=1, show_default=True, help="How many plays, varied.")
def demo(scenario: str, speed: float | None, out: Path | None, exit_: bool, spread: int) -> int:
    """Play a scenario with real nodes on this machine, and check at the end what was to be shown.

    \b
    Examples:
      keepclear demo --scenario il20 --speed 60
      keepclear demo --scenario il20 --speed max --exit
    """
    directory = out or Path(tempfile.mkdtemp(prefix="keepclear-demo-"))
    player = import_module("keepclear.host.player")  # heavy, and of no use to any other command
    code: int = player.play(scenario, directory, speed, exit_, spread)
    return code
