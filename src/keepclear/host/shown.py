"""What a scenario's nodes have shown, and what is made of it: plain values between player and judges."""

from typing import Any

import msgspec


class Shown(msgspec.Struct, frozen=True):
    """One thing shown at one node: in which play, what, when by the scenario's clock and by the machine's."""

    play: int
    layer: str
    node: str
    what: str
    leaf: bytes | None
    at_ms: int
    real_ns: int
    text: str
    facts: tuple[Any, ...]


class Outcome(msgspec.Struct):
    """The judgement: (name, whether it holds, in words) each, the summary, and a table of times side by side."""

    checks: list[tuple[str, bool, str]] = []
    summary: dict[str, Any] = {}
    columns: list[str] = []
    rows: list[list[str]] = []
    closing: str = ""

    def add(self, name: str, holds: bool, text: str) -> None:
        """Adds one requirement."""
        self.checks.append((name, holds, text))


def first(
    shown: list[Shown], play: int, node: str, what: str, leaf: bytes | None = None, after_ms: int = 0
) -> Shown | None:
    """The first thing of a kind shown at a node in a play, about an entry if one is named."""
    found = (
        one
        for one in shown
        if (one.play, one.node, one.what) == (play, node, what)
        and (leaf is None or one.leaf == leaf)
        and one.at_ms >= after_ms
    )
    return next(found, None)
