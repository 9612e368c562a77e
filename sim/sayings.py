"""What careless officers, broken track sources and a confused worker hand to their own node.

The law: drawn from the generator handed in; as far as the types allow, and anything within them.
"""

from random import Random
from typing import Any, Final

import msgspec

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Precedence
from keepclear.node.inputs import Plans, Say, Stamp, Tracks
from keepclear.node.node import Node
from keepclear.record.entry import Draft, Release
from sim import officers

ODD: Final = (0, 1, -1, 7, 2**31, 2**53 - 1, 2**53, 2**63 - 1, -(2**63))
ENCODE: Final = msgspec.msgpack.Encoder().encode


def anything(draw: Random, node: Node, stamp: Stamp) -> Say:
    """A Say with one or more things wrong."""
    everyone = node.core.genesis.everyone
    known = [*list(node.books.by_leaf)[:20], draw.randbytes(32), b"", draw.randbytes(31)]
    bodies = (
        b"", b"\xc1", b"\x90", ENCODE({}), ENCODE([None, None]), ENCODE([None] * 40), ENCODE([1.5]), draw.randbytes(40),
        statement.to_bytes(statement.Accept()), ENCODE([None, None, 1, [], None, None, "x" * 70_000, ""]),
        ENCODE([None, None, 1, [[[1, *([7] * 20_000)], 0, None, None]], 5, 6, "", ""]),
    )  # fmt: skip
    refs = tuple(draw.choice(known) for _ in range(draw.choice((0, 0, 1, 2, 3))))
    draft = Draft(
        kind=draw.choice((*Kind, 0, 99, *ODD)), precedence=draw.choice((*Precedence, 0, *ODD)),
        replaces=draw.choice((None, *known)), refs=refs,
        to=draw.choice((everyone, everyone, 0, *ODD)), seat=draw.choice(("duty", "", "x" * 17, "\n", "\u202e")),
        valid_from_ms=draw.choice((stamp.wall_ms, *ODD)), expiry_ms=draw.choice((None, *ODD)), body=draw.choice(bodies),
    )  # fmt: skip
    releases = tuple(
        Release(draw.choice((1, 2, *ODD)), draw.choice((b"", draw.randbytes(64))))
        for _ in range(draw.choice((0, 0, 1, 3)))
    )
    return Say(stamp, draft, draw.choice((0, 0, *ODD)), draw.choice((draw.randbytes(32), b"", b"x")), releases)


def any_batch(draw: Random, stamp: Stamp) -> Tracks | Plans:
    """A batch of positions or plans: right, wrong in its numbers, or no batch at all."""
    way = draw.random()
    if way < 0.3:
        return officers.tracks(draw, stamp, 3)
    if way < 0.4:
        return officers.plans(draw, stamp)
    if way < 0.5:
        return draw.choice((Tracks, Plans))(
            stamp, draw.choice((b"", b"\xc1", draw.randbytes(30), ENCODE([[1]]), b"\x91" * 5_000))
        )
    numbers = (*ODD, stamp.wall_ms, stamp.wall_ms, 339_000_000, 354_000_000, None)
    if way < 0.8:
        row = [
            "sim",
            draw.choice(("OWN1", "", "x" * 500)),
            "",
            *(draw.choice(numbers) for _ in range(11)),
            draw.choice((True, False)),
        ]
        return Tracks(stamp, ENCODE([row] * draw.choice((1, 1, 50))))
    points = [[draw.choice(numbers) for _ in range(5)] for _ in range(draw.choice((0, 1, 2, 2, 1_500)))]
    return Plans(stamp, ENCODE([[f"OWN{draw.randint(0, 5)}", points, draw.choice(numbers), draw.choice(numbers)]]))


def any_findings(draw: Random, node: Node) -> tuple[Any, ...] | None:
    """What no worker of this version would bring back."""
    leaves = [*list(node.state.situation.matters)[:5], b"", draw.randbytes(32)]
    numbers = (None, *ODD)
    row = [
        draw.choice(("area", "plan", "pair", "what")), "OWN1", draw.choice(("", "OWN2")), draw.choice(leaves),
        draw.choice((True, False)), draw.choice((True, False)), draw.choice(("active, flight inside", "", "x")),
        *(draw.choice(numbers) for _ in range(8)), "reason",
    ]  # fmt: skip
    return draw.choice((None, (), (row,), (row, row), (5,), ("x", None), ([],), (row[:4],)))
