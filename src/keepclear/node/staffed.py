"""Whether a person is there: line tests and their answers, as they come.

The law: only what a seat has released shows a person; a node by itself shows none. A wrong answer shows none either. It
says what was asked and what came back; why nothing came back it cannot know.
"""

from typing import Final

from keepclear.accord import line_test
from keepclear.accord.line_test import Staffed
from keepclear.accord.said import Said
from keepclear.accord.statement import LineReply, LineTest, Precedence
from keepclear.accord.times import span, to_second, zulu
from keepclear.node.core import Core
from keepclear.node.facts import Asked

TEST: Final = "line test"
MAX_TESTS: Final = 64  # of one member that are remembered, the newest; the record has all
TOLD: Final = 8  # tests that a missed one is told with


def tested(core: Core, said: Said, released: bool) -> None:
    """Takes in a line test, and calls the officer who is to answer it."""
    body, facts = said.body, core.state.facts
    if not isinstance(body, LineTest):
        return
    facts.tests[said.leaf] = Asked(said.leaf, said.party, said.wall_ms, body.nonce)
    own = [one for one in facts.tests.values() if one.party == said.party]
    if len(own) > MAX_TESTS:
        del facts.tests[min(own, key=lambda one: (one.wall_ms, one.leaf)).leaf]
    if released:
        _seen(core, said)
    if said.party != core.me and core.is_party:
        asked = line_test.words(body.nonce)
        core.alarm(TEST, f"{core.name(said.party)} asks whether a person is there: answer with the words “{asked}”")


def answered(core: Core, said: Said, leaf: bytes, released: bool) -> None:
    """Takes in an answer to a test. Of a party's own test, without a seat, or in other words it shows nobody."""
    test, body = core.state.facts.tests.get(leaf), said.body
    if test is None or not isinstance(body, LineReply) or said.party == test.party:
        return
    right = released and line_test.agrees(body, LineTest(nonce=test.nonce))
    if right:
        first = test.answers.get(said.party)
        test.answers[said.party] = min((said.wall_ms, said.seat), first) if first else (said.wall_ms, said.seat)
        _seen(core, said)
    if test.party == core.me:
        words = "in the words asked for" if right else "NOT in the words asked for: nobody is shown to be there"
        took = span(max(0, said.wall_ms - test.wall_ms))
        text = f"{core.name(said.party)} ({said.seat}) answers our line test after {took}, {words}"
        core.show(TEST, text, said.leaf, Precedence.IMMEDIATE, (said.party, right))


def state(core: Core, member: int, every_ms: int) -> Staffed:
    """What the tests show of a person at a member; `every_ms` is how often the line is tested."""
    facts = core.state.facts
    person, missed_ms = facts.persons.get(member), facts.unanswered.get(member)
    if missed_ms is not None and (person is None or person[0] < missed_ms):
        return Staffed.UNANSWERED
    if person is None:
        return Staffed.UNTESTED
    since_ms = core.wall_ms - person[0]  # by two clocks; one that is far ahead shows nothing of now
    fresh = -line_test.leeway_ms(every_ms) <= since_ms <= every_ms * 3 // 2
    return Staffed.STAFFED if fresh else Staffed.STALE


def missed(core: Core, member: int, what: str, since_ms: int) -> None:
    """Tells that a test was missed, with both readings of it and what the tests before it showed."""
    core.state.facts.unanswered[member] = since_ms
    link = core.state.peers[member].live.state if member in core.state.peers else "not known"
    text = (
        f"LINE TEST MISSED: {what}. Either nobody is there, or the line does not reach a person. "
        f"The link is {link}; {so_far(core, member)}. Try another way"
    )
    core.show(TEST, text, None, Precedence.IMMEDIATE, (member, False))
    core.alarm(TEST, text)


def so_far(core: Core, member: int) -> str:
    """The history of the tests between us and a member in a few words."""
    facts = core.state.facts
    newest = sorted(facts.tests.values(), key=lambda one: (one.wall_ms, one.leaf))
    ours = [one for one in newest if one.party == core.me][-TOLD:]
    count = sum(member in one.answers for one in ours)
    person = facts.persons.get(member)
    last = (
        f"a person was last shown there at {zulu(to_second(person[0]))}" if person else "no person was ever shown there"
    )
    theirs = sum(one.party == member for one in newest)
    asked = f"{count} of our last {len(ours)} tests were answered" if ours else "we have said no test"
    return f"{asked}, {theirs} came from there, {last}"


def _seen(core: Core, said: Said) -> None:
    known = core.state.facts.persons.get(said.party)
    new = (said.wall_ms, said.seat)
    core.state.facts.persons[said.party] = new if known is None else max(known, new)
