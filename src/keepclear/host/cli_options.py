"""The options of `keepclear say`: what every kind takes, and what goes with areas, windows, contacts and times.

The law: a word that means the same is spelt the same in every command. Nothing is judged here; a value is read where
its statement is put together, with the node's clock.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from keepclear.accord.statement import Precedence
from keepclear.host.cli_draft import word
from keepclear.host.cli_node import node_option

Given = dict[str, Any]
Option = Callable[[Any], Any]

PRECEDENCES: Final = [one.name for one in Precedence]


def option(name: str, flag: str, **more: Any) -> Option:
    """A click option of that flag, whose value goes by that name."""
    return click.option(flag, name, **more)


SEAT: Final = option("seats", "--seat", multiple=True, help="Who releases it; a second one for four eyes.")
DRY_RUN: Final = option("dry_run", "--dry-run", is_flag=True, help="Show what it would say and give away; say nothing.")
COMMON: Final = (
    node_option,
    SEAT,
    option(
        "precedence", "--precedence", type=click.Choice(PRECEDENCES, case_sensitive=False),
        help="Left out: FLASH for hazard, cease-now, distress, and a notice starting in under 30 min; else PRIORITY.",
    ),
    option("text", "--text", default="", help="Plain words beside it; at most 150 bytes in FLASH and IMMEDIATE."),
    option("refs", "--ref", multiple=True, metavar="HASH", help="The entry it refers to; the first digits will do."),
    option("attach", "--attach", type=click.Path(path_type=Path), help="A file that goes with it, at most 8 MiB."),
    option("as_is", "--as-is", is_flag=True, help="Say it although its shape cannot be used; it is shown as unusable."),
    DRY_RUN,
)  # fmt: skip
AREA: Final = (
    option(
        "areas", "--area", multiple=True, help="`circle 35.4,35.9 20nm`, `polygon ...`, `corridor 4nm ...`. Repeat."
    ),
    option("lower", "--lower", help="FL100, 3000ft, 1500m AMSL, GND; none if not known."),
    option("upper", "--upper", help="As --lower; UNL for no limit."),
    option("error", "--error", metavar="DISTANCE", help="How far off every position may be."),
)
CONTACT: Final = (option("contact", "--contact", default="", help="Where to call, at most 32 bytes."),)
FROM_UNTIL: Final = (
    option("start", "--from", metavar="TIME", help="2018-09-17T18:39:00Z, 18:39Z, or +15m from now."),
    option("end", "--until", metavar="TIME", help="As --from; +80m too is from now."),
)
REPLACES: Final = (option("replaces", "--replaces", required=True, metavar="HASH", help="The entry it stands for."),)


def at_option(flag: str, help_: str, default: str | None = "now") -> tuple[Option]:
    """The option for the one time that a kind has."""
    return (option("at", flag, default=default, show_default=True, metavar="TIME", help=help_),)


def choice_option(flag: str, members: Any, help_: str, **more: Any) -> tuple[Option]:
    """An option that takes one of accord's words, in small letters with hyphens."""
    choice = click.Choice([word(member) for member in members], case_sensitive=False)
    return (option(flag.lstrip("-"), flag, type=choice, help=help_, **more),)
