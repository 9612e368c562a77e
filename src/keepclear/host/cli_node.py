"""What commands that speak to a running node share: which node, whose seat, times and hashes as people type them.

The law: a time that is not absolute is reckoned from the node's clock, never from this process's: on an exercise line
the two may be years apart. An entry is named by the beginning of its hash, and the node says which one is meant.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from keepclear.accord.outcome import Refused
from keepclear.accord.times import DAY_MS, HOUR_MS, parse_time, to_second
from keepclear.host.cli_errors import Failure
from keepclear.host.client import Client
from keepclear.host.identity import Identity, load_identity

F = TypeVar("F", bound=Callable[..., Any])

UNITS_MS: Final = {"s": 1_000, "m": 60_000, "min": 60_000, "h": HOUR_MS}
TIME_HINT: Final = "write it as 2018-09-17T18:39:00Z, 18:39Z (the nearest), +15m, -30s or now; none if it is not known"
_RELATIVE = re.compile(r"([+-]?)(\d{1,5})\s*(s|min|m|h)", re.ASCII)
_OF_DAY = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?Z", re.ASCII)


def node_option(command: F) -> F:
    """The option that says which running node is meant, by its directory."""
    return click.option(
        "--node", "directory", envvar="KEEPCLEAR_NODE", required=True, metavar="DIR",
        type=click.Path(path_type=Path), help="The running node's directory (or KEEPCLEAR_NODE in the environment).",
    )(command)  # fmt: skip


class Desk:
    """An officer's place at a running node: the connection, the seats that release, and the node's clock."""

    def __init__(self, directory: Path, seats: Sequence[str] = ()) -> None:
        """Raises NodeError, IdentityError, or Failure when the seat is not clear or not here."""
        self.client = Client(directory)
        self.directory = directory
        self.facts = self.client.ask("facts")
        if self.facts["watches"]:
            raise Failure(f"{directory}: is a watch, which says nothing", "say it at a member's node")
        self.identity = load_identity(directory)
        self.now_ms: int = self.facts["wall_ms"]
        self.names: list[str] = self.facts["names"]
        self.seats = _chosen(self.identity, seats, directory)

    def moment(self, text: str) -> int | None:
        """A time as typed, by the node's clock; None for none."""
        return moment(text, self.now_ms)

    def entry(self, prefix: str) -> "Held":
        """The entry whose hash begins so, as the node holds it."""
        return msgspec.convert(self.client.ask("entry", leaf=prefix.lower()), Held)

    def content(self, prefix: str) -> tuple[int, bytes]:
        """Kind and body of the entry whose hash begins so."""
        held = self.entry(prefix)
        return held.kind, bytes.fromhex(held.body)


class Held(msgspec.Struct, frozen=True):
    """An entry that the node holds, as it tells it."""

    leaf: str
    party: int
    kind: int
    seq: int
    precedence: int
    body: str


def moment(text: str, now_ms: int) -> int | None:
    """Milliseconds of a time typed as RFC 3339 in Zulu, as a time of day (the nearest such), relative to now; or none.

    Raises Refused.
    """
    plain = text.strip()
    if plain.lower() == "none":
        return None
    if plain.lower() == "now":
        return now_ms
    if match := _RELATIVE.fullmatch(plain):
        span_ms = int(match[2]) * UNITS_MS[match[3]]
        from_ms = to_second(now_ms)  # nobody who types +15m means its thousandths
        return from_ms - span_ms if match[1] == "-" else from_ms + span_ms
    if match := _OF_DAY.fullmatch(plain):
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour > 23 or minute > 59 or second > 59:
            raise Refused(f"{plain!r} is no time of day", TIME_HINT)
        of_day_ms = ((hour * 60 + minute) * 60 + second) * 1_000
        ahead_ms = (of_day_ms - now_ms) % DAY_MS
        return now_ms + ahead_ms - (DAY_MS if ahead_ms > DAY_MS // 2 else 0)
    try:
        return parse_time(plain)
    except Refused as error:
        raise Refused(error.reason, TIME_HINT) from error


def _chosen(identity: Identity, seats: Sequence[str], directory: Path) -> tuple[str, ...]:
    here = list(identity.seats)
    if not seats:
        if len(here) == 1:
            return tuple(here)
        if not here:
            raise Failure(
                f"{directory / 'seats'}: holds no seat's key", "an officer's key is needed to release anything"
            )
        raise Failure(f"{len(here)} seats are here, none was chosen", f"give --seat with one of {', '.join(here)}")
    for seat in seats:
        if seat not in here:
            raise Failure(f"no key of seat {seat!r} in {directory / 'seats'}", f"here are {', '.join(here) or 'none'}")
    return tuple(dict.fromkeys(seats))
