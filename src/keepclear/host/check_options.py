"""The options of `keepclear check`: minima and look-ahead, each typed with its unit."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from keepclear.accord import people
from keepclear.accord.outcome import Refused
from keepclear.geo.altitude import AltRef

MAX_HORIZONTAL_M: Final = 1_000_000.0
MAX_VERTICAL_M: Final = 100_000.0
MAX_LOOK_AHEAD_MS: Final = 3_600_000
_MS: Final = {"s": 1_000, "min": 60_000, "h": 3_600_000}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(s|min|h)", re.ASCII)
_LEVELS = re.compile(r"FL\s*(\d{1,4})", re.IGNORECASE | re.ASCII)


def length_m(text: str, most_m: float) -> float:
    """Metres of a length typed as 5nm, 9.3km, 300m, 1000ft or FL10 (ten flight levels). Raises Refused."""
    levels = _LEVELS.fullmatch(text.strip())
    metres = (int(levels[1]) * 3_048 if levels else people.parse_distance(text)) / 100
    if not 0 < metres <= most_m:
        raise Refused(f"{text[:40]!r} is {metres:g} m", f"give more than 0 and at most {most_m:g} m")
    return metres


def span_ms(text: str) -> int:
    """Milliseconds of a time typed as 300s, 5min or 0.5h. Raises Refused."""
    match = _SPAN.fullmatch(text.strip())
    if not match:
        raise Refused(f"{text[:40]!r} is no length of time", "write it as 300s, 5min or 0.5h")
    found = round(float(match[1]) * _MS[match[2]])
    if found > MAX_LOOK_AHEAD_MS:
        raise Refused(f"{text[:40]!r} is {found} ms", f"look ahead at most {MAX_LOOK_AHEAD_MS} ms, an hour")
    return found


def _typed(read: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str], Any]:
    """A click callback that reads a value; a Refused becomes a usage error that names the option."""

    def called(ctx: click.Context, param: click.Parameter, value: str) -> Any:
        try:
            return read(value)
        except Refused as refused:
            raise click.BadParameter(f"{refused.reason}; {refused.hint}", ctx, param) from None

    return called


HORIZONTAL: Final = click.option(
    "horizontal_m", "--horizontal", default="5nm", show_default=True, metavar="LENGTH",
    callback=_typed(lambda text: length_m(text, MAX_HORIZONTAL_M)),
    help="Nearer than this, and ...  As 5nm, 9.3km, 9260m.",
)  # fmt: skip
VERTICAL: Final = click.option(
    "vertical_m", "--vertical", default="1000ft", show_default=True, metavar="LENGTH",
    callback=_typed(lambda text: length_m(text, MAX_VERTICAL_M)),
    help="... nearer than this, at one instant, is a loss. As 1000ft, 300m, FL10.",
)  # fmt: skip
LOOK_AHEAD: Final = click.option(
    "look_ahead_ms", "--look-ahead", default="300s", show_default=True, metavar="TIME", callback=_typed(span_ms),
    help="How far each picture is carried on. As 300s, 5min.",
)  # fmt: skip
ALTITUDE_REF: Final = click.option(
    "alt_ref", "--altitude-ref", default="STD", show_default=True,
    type=click.Choice([ref.name for ref in AltRef], case_sensitive=False), callback=lambda _c, _p, name: AltRef[name],
    help="What altitudes are measured from: STD is what transponders report.",
)  # fmt: skip
AGAINST: Final = click.option(
    "--against", type=click.Path(path_type=Path), metavar="VOLUMES", help="Check the tracks against these volumes."
)
JSONL: Final = click.option("--jsonl", is_flag=True, help="JSON lines on standard output, and nothing else there.")
PLOT: Final = click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw what was read and what was found."
)
FAIL: Final = click.option("--fail-on-loss", is_flag=True, help="Exit 1 if anything was found.")
