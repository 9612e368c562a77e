"""The duty of testing the line: whose turn it is, reminded before it is due, told when it is missed.

The law: the turn follows from the clock and the understanding alone, at both ends alike; nothing is said by rule, for a
test that a machine says or answers shows a machine.
"""

from typing import Final

from keepclear.accord import line_test
from keepclear.accord.statement import Precedence
from keepclear.accord.times import span, to_second, zulu
from keepclear.accord.understanding import LineTesting
from keepclear.node import situation, staffed
from keepclear.node.core import Core
from keepclear.node.state import Timer
from keepclear.record.genesis import Mode

LOOK_EVERY_MS: Final = 1_000
OLD_MS: Final = 3_600_000  # a test that came so late, or was found at a start, calls nobody any more


def rule_now(core: Core) -> LineTesting | None:
    """How often the line is tested by what is in force now; None if not at all."""
    return line_test.cadence(situation.agreed_now(core), core.genesis.mode is Mode.LIVE)


def begin(core: Core) -> None:
    """After a start what was missed while the node was down is not told: nobody was there to test."""
    core.state.facts.judged = core.state.facts.reminded = None
    core.state.facts.looked_ms = core.mono_ms


def remind(core: Core) -> None:
    """Looks, once a second, whether our test is due soon, or one has been missed."""
    facts = core.state.facts
    if core.mono_ms - facts.looked_ms < LOOK_EVERY_MS:
        return
    facts.looked_ms = core.mono_ms
    rule = rule_now(core)
    if rule is None or not core.is_party:
        facts.judged = None
        return
    _remind_soon(core, rule)
    number = line_test.missed_by(core.wall_ms, rule.every_ms)
    if facts.judged is not None and number == facts.judged + 1:
        _judge(core, rule, number)
        facts.judged = number
    elif facts.judged is None or not 0 <= facts.judged - number <= 1:
        facts.judged = core.wall_ms // rule.every_ms  # what was due before we looked, or in a leap of the clock, is not


def look(core: Core, timer: Timer) -> None:
    """The time to answer a test is over: tells who has not."""
    test = core.state.facts.tests.get(timer.leaf)
    if test is None or core.wall_ms - test.wall_ms > OLD_MS:
        return
    parties = core.genesis.parties()
    if test.party != core.me:
        if core.is_party and core.me not in test.answers:
            text = f"{core.name(test.party)}'s line test is not answered by us"
            core.show("owed", text, timer.leaf, Precedence.IMMEDIATE)
            core.alarm("owed", text)
        return
    for member in parties:
        if member != core.me and member not in test.answers:
            of, within = zulu(to_second(test.wall_ms)), span(timer.wait_ms)
            what = f"{core.name(member)} has not answered our test of {of} within {within}"
            staffed.missed(core, member, what, core.wall_ms)


def next_due(core: Core, rule: LineTesting) -> tuple[int, int]:
    """When the next test is due, by our clock, and from which party."""
    number = core.wall_ms // rule.every_ms + 1
    return number * rule.every_ms, line_test.turn(number, core.genesis.parties())


def _remind_soon(core: Core, rule: LineTesting) -> None:
    due_ms, party = next_due(core, rule)
    number, facts = due_ms // rule.every_ms, core.state.facts
    soon = due_ms - core.wall_ms <= line_test.leeway_ms(rule.every_ms)
    if not soon or facts.reminded == number or party != core.me or _is_said(core, rule, number, party):
        return
    facts.reminded = number
    text = f"our line test is due at {zulu(to_second(due_ms))}"
    core.show(staffed.TEST, text, None, Precedence.IMMEDIATE, (core.me, True))


def _judge(core: Core, rule: LineTesting, number: int) -> None:
    party = line_test.turn(number, core.genesis.parties())
    if _is_said(core, rule, number, party):
        return
    due = zulu(to_second(number * rule.every_ms))
    if party == core.me:
        text = f"our line test of {due} has not been said: whether a person is reached is not known; say one now"
        core.show(staffed.TEST, text, None, Precedence.IMMEDIATE, (core.me, False))
        core.alarm(staffed.TEST, text)
    else:
        staffed.missed(core, party, f"{core.name(party)}'s test of {due} has not come", core.wall_ms)


def _is_said(core: Core, rule: LineTesting, number: int, party: int) -> bool:
    tests = core.state.facts.tests.values()
    return any(one.party == party and line_test.slot(one.wall_ms, rule.every_ms) == number for one in tests)
