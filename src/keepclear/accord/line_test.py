"""Line tests: a person asks, a person answers, in turn; what was due, said and answered, by whom and how soon.

The law: everything follows from the understanding and from entries alone, so both ends come to the same turn, the same
misses and the same history. A node never answers: what was asked for is typed by whoever reads it, and released by a
seat's key, which the node does not hold. That a person typed it is a matter of trust, like everything a seat signs.

Tests are due at whole multiples of their interval since 1970 (hourly: on the hour, UTC), from each party in turn. A
test belongs to the due time that it is nearest to, by its author's clock.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from keepclear.accord.said import Said, holdings, in_sequence
from keepclear.accord.statement import LineReply, LineTest
from keepclear.accord.understanding import AnyRule, LineTesting
from keepclear.accord.words import WORDS

TEST_DOMAIN: Final = b"keepclear/test/1\x00"
WORDS_ASKED: Final = 3
HOURLY: Final = LineTesting("standard", "", 3_600_000, 120_000)  # what is usual where nothing else was agreed
LEEWAY: Final = 12  # the twelfth part of the interval: so long before a test is due its side is reminded, and after
MAX_DUES: Final = 200  # due times that one history goes back


class Staffed(StrEnum):
    """What the tests show of a person at a member."""

    STAFFED = "staffed"
    UNANSWERED = "unanswered"
    STALE = "not shown lately"
    UNTESTED = "not tested"


class Answered(msgspec.Struct, frozen=True):
    """One member's answer to a test: its seat, whether the words are those asked for, and how long it took.

    From the test to the answer by both clocks, give or take `err_ms`; from its display there by that member's clock
    alone, None while no receipt says when that was.
    """

    party: int
    seat: str
    agrees: bool
    wall_ms: int
    took_ms: int
    err_ms: int
    after_display_ms: int | None


class Trial(msgspec.Struct, frozen=True):
    """A due time, or a test that was said beside those due. `leaf` None: it was due and has not been said."""

    party: int
    due_ms: int | None
    leaf: bytes | None = None
    wall_ms: int | None = None
    seat: str = ""
    asked: str = ""
    answers: tuple[Answered, ...] = ()


def words(nonce: bytes) -> str:
    """The three words that a test asks for, as a person types them."""
    digest = hashlib.sha256(TEST_DOMAIN + nonce).digest()
    return " ".join(WORDS[digest[at]] for at in range(WORDS_ASKED))


def agrees(reply: LineReply, test: LineTest) -> bool:
    """Whether the words typed are those asked for; spaces and capitals make no difference."""
    return reply.words.lower().split() == words(test.nonce).split()


def cadence(rules: Iterable[AnyRule], live: bool) -> LineTesting | None:
    """How often the line is tested: as agreed; else hourly on a LIVE line, and not at all on others."""
    agreed = [rule for rule in rules if isinstance(rule, LineTesting)]
    return agreed[0] if agreed else HOURLY if live else None


def slot(wall_ms: int, every_ms: int) -> int:
    """The number of the due time nearest to a moment."""
    return (wall_ms + every_ms // 2) // every_ms


def turn(number: int, parties: Sequence[int]) -> int:
    """The party whose test is due at a due time, by its number."""
    return parties[number % len(parties)]


def leeway_ms(every_ms: int) -> int:
    """How long before a due time its side is reminded, and how long after it the test is missed."""
    return every_ms // LEEWAY


def missed_by(wall_ms: int, every_ms: int) -> int:
    """The number of the newest due time after which a test that has not come is missed, at a moment."""
    return (wall_ms - leeway_ms(every_ms)) // every_ms


def history(
    record: Iterable[Said], parties: Sequence[int], rule: LineTesting | None, since_ms: int, now_ms: int
) -> tuple[Trial, ...]:
    """All tests, and the due times between two moments at which none came, oldest first, by due or saying time."""
    statements = in_sequence(record)
    tests = [said for said in statements if isinstance(said.body, LineTest)]
    held = holdings(tests, statements)
    by_leaf = {said.leaf: said for said in tests}
    answers: dict[bytes, list[Answered]] = {}
    for said in statements:
        test = by_leaf.get(said.refs[0]) if isinstance(said.body, LineReply) and said.refs else None
        if test is not None and test.party != said.party:
            shown = held.get((test.leaf, said.party))
            answers.setdefault(test.leaf, []).append(_answered(said, test, shown.shown_ms if shown else None))
    trials = [_trial(said, parties, rule, answers.get(said.leaf, [])) for said in tests]
    if rule is not None:
        trials += _missed(trials, parties, rule, since_ms, now_ms)
    return tuple(sorted(trials, key=lambda one: (one.wall_ms or one.due_ms or 0, one.party, one.leaf or b"")))


def _answered(said: Said, test: Said, shown_ms: int | None) -> Answered:
    asked, typed = test.body, said.body
    right = isinstance(asked, LineTest) and isinstance(typed, LineReply) and agrees(typed, asked)
    err_ms = abs(said.wall_err_ms) + abs(test.wall_err_ms)
    after_ms = None if shown_ms is None else said.wall_ms - shown_ms
    return Answered(said.party, said.seat, right, said.wall_ms, said.wall_ms - test.wall_ms, err_ms, after_ms)


def _trial(said: Said, parties: Sequence[int], rule: LineTesting | None, answers: list[Answered]) -> Trial:
    due_ms = None
    if rule is not None:
        number = slot(said.wall_ms, rule.every_ms)
        if turn(number, parties) == said.party:
            due_ms = number * rule.every_ms
    asked = words(said.body.nonce) if isinstance(said.body, LineTest) else ""
    return Trial(said.party, due_ms, said.leaf, said.wall_ms, said.seat, asked, tuple(answers))


def _missed(
    trials: Sequence[Trial], parties: Sequence[int], rule: LineTesting, since_ms: int, now_ms: int
) -> list[Trial]:
    said = {(one.due_ms, one.party) for one in trials}
    last = missed_by(now_ms, rule.every_ms)
    first = max(-(-since_ms // rule.every_ms), last - MAX_DUES + 1)
    due = [Trial(turn(number, parties), number * rule.every_ms) for number in range(first, last + 1)]
    return [one for one in due if (one.due_ms, one.party) not in said]
