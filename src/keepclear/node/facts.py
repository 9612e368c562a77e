"""What is known beside the link: whether a person is there, who has suspended the channel, whether lists agree.

The law: as all state: no float, no set, small. What is folded here follows from entries; what is timed is our own.
"""

import msgspec


class Asked(msgspec.Struct, array_like=True):
    """A line test: whose, when by its author's clock, its nonce; by member when and by which seat it was answered."""

    leaf: bytes
    party: int
    wall_ms: int
    nonce: bytes
    answers: dict[int, tuple[int, str]] = {}


class Facts(msgspec.Struct, array_like=True):
    """`tests` are the newest, by hash; `persons` by member the newest sign of a person, (wall clock there, seat).

    `unanswered` by member: when, by our clock, a test that it owed or was to answer was missed. `judged` and `reminded`
    are numbers of due times, `looked_ms` when they were last looked at. `channel` are words on the channel's state,
    `lists` the newest in-force list of each party, `compare_ms` when to hold it against ours. `listed_ms` (monotonic),
    `listed_wall_ms`: our own newest list; `list_due_ms`: when the next is due after a reconnect, `list_by_ms` at the
    latest. `dead` are members whose line has been told dead, with the rules that were told of it.
    """

    tests: dict[bytes, Asked] = {}
    persons: dict[int, tuple[int, str]] = {}
    unanswered: dict[int, int] = {}
    judged: int | None = None
    reminded: int | None = None
    looked_ms: int = 0
    channel: list[bytes] = []
    lists: dict[int, bytes] = {}
    compare_ms: dict[int, int] = {}
    listed_ms: int | None = None
    listed_wall_ms: int = 0
    list_due_ms: int | None = None
    list_by_ms: int = 0
    dead: dict[int, list[str]] = {}
