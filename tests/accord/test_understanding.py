"""Rules as data: read back as they were written, kept when unknown, in force when all have accepted."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accord.tell import OBSERVER, PARTIES, A, B, Teller, notice, volume, z

from keepclear.accord import shape, statement
from keepclear.accord.said import Said
from keepclear.accord.shape import Volume
from keepclear.accord.statement import Accept, Kind, Understanding
from keepclear.accord.understanding import (
    MAX_AGREED_VERTICES,
    AnyRule,
    Reaction,
    Unread,
    WithinArea,
    in_force,
    kind_of,
    read_rules,
    rule_faults,
    rules_for,
    standard_rules,
    to_wire,
)

WITHIN = WithinArea("G1", "Activities stay in the agreed area.", volume("circle 33.5,38.7 55km", "GND", "UNL"))


def proposal(rules: Any, effective: str = "00:00:00", version: int = 1) -> Understanding:
    return Understanding(name="test", version=version, effective_ms=z(effective), rules=rules)


def over_the_wire(rules: Any) -> tuple[AnyRule, ...]:
    read = statement.read(Kind.UNDERSTANDING, statement.to_bytes(proposal(rules)))
    assert isinstance(read, Understanding)
    return read_rules(read)


def test_rules_come_back_from_the_wire_as_they_were() -> None:
    rules = (*standard_rules(), WITHIN)
    assert over_the_wire(to_wire(rules)) == rules
    assert rule_faults(proposal(to_wire(rules))) == []


def test_the_standard_rules_say_what_the_defaults_are() -> None:
    rules = {rule.id: rule for rule in standard_rules()}
    assert dict(rules["N1"].floors_ms)[4] == 15 * 60_000
    assert dict(rules["A1"].limits_ms) == {1: 30_000, 2: 120_000, 3: 900_000, 4: 43_200_000}
    assert rules["M1"] == Reaction("M1", rules["M1"].text, 30_000, 60_000, 60_000)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (["X", "no_overflight", [1, "two"], "text"], "does not know the kind 'no_overflight'"),
        (["X", "min_notice", [[4]], "text"], "pairs"),
        (["X", "min_notice", [], "text"], "pairs"),
        (["X", "min_notice", [[4, -1]], "text"], "pairs"),
        (["X", "min_notice", [[4, 5], [4, 6]], "text"], "pairs"),
        (["X", "ack_within", [[True, 5]], "text"], "pairs"),
        (["X", "ack_within", [[1, 2**50]], "text"], "pairs"),
        (["X", "reaction", [1, 2], "text"], "times"),
        (["X", "within_area", [], "text"], "one parameter is a volume"),
        (["X", "within_area", [["no"]], "text"], "one parameter is a volume"),
        (["X", "within_area", [[[0]]], "text"], "cannot be used"),
        (["X", "within_area", [[[1, 0, 0, 5, 5, 0, -5, -5, 5]]], "text"], "cannot be used"),
        (["X", "within_area", [[[1, 0, 0, *[1, 1] * MAX_AGREED_VERTICES]]], "text"], "101 points, at most 100"),
        (["X", "volume_given", 5, "text"], "no list"),
        (["X", "volume_given"], "a rule is an id"),
        ([5, "volume_given", [], "text"], "a rule is an id"),
        ([], "a rule is an id"),
    ],
)
def test_a_rule_that_cannot_be_judged_is_kept_and_says_why(raw: list[Any], why: str) -> None:
    (rule,) = over_the_wire((raw,))
    assert isinstance(rule, Unread)
    assert why in rule.why
    assert rule_faults(proposal((raw,)))
    if rule.said_kind:
        assert kind_of(rule) == raw[1]


def test_an_author_hears_of_too_many_rules_too_long_texts_and_ids_used_twice() -> None:
    rule = ("N", "volume_given", (), "x" * 301)
    assert rule_faults(proposal(())) == ["0 rules, from 1 to 64 can be agreed"]
    faults = rule_faults(proposal((rule,) * 65))
    assert "rule N: 65 rules have this id" in faults
    assert "rule N: 301 bytes of text, at most 300" in faults
    assert "65 rules, from 1 to 64 can be agreed" in faults


atoms = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text("abcXYZ", max_size=5)
values = st.recursive(atoms | st.binary(max_size=5), lambda inner: st.lists(inner, max_size=4), max_leaves=12)
kinds = st.sampled_from(["min_notice", "volume_given", "window_given", "ack_within", "within_area", "reaction", "new"])


@given(
    st.lists(
        st.lists(values, max_size=5) | st.tuples(st.text("ab", max_size=2), kinds, values, st.just("t")), max_size=5
    )
)
def test_whatever_is_proposed_is_read_rule_by_rule(raw: list[Any]) -> None:
    body = proposal(tuple(tuple(rule) for rule in raw))
    rules = read_rules(body)
    assert len(rules) == len(raw)
    readable = tuple(rule for rule in rules if not isinstance(rule, Unread))
    assert read_rules(proposal(to_wire(readable))) == readable


def test_an_understanding_is_in_force_once_every_party_has_accepted() -> None:
    teller = Teller()
    proposed = teller.say(A, "10:00:00", proposal(to_wire(standard_rules()), "09:00:00"))
    assert in_force(teller.said, PARTIES) == ()
    teller.say(OBSERVER, "10:01:00", Accept(), refs=(proposed.leaf,))
    assert in_force(teller.said, PARTIES) == ()
    teller.say(B, "10:02:00", Accept(), refs=(proposed.leaf,), err_ms=500)
    teller.say(B, "10:03:00", Accept(), refs=(proposed.leaf,))
    (agreed,) = in_force(teller.said, PARTIES)
    assert agreed.since_ms == z("10:02:00.500")
    assert agreed.rules == standard_rules()


def test_it_is_in_force_from_its_own_effective_time_if_that_is_later() -> None:
    teller = Teller()
    proposed = teller.say(A, "10:00:00", proposal((), "12:00:00"))
    teller.say(B, "10:02:00", Accept(), refs=(proposed.leaf,))
    assert in_force(teller.said, PARTIES)[0].since_ms == z("12:00:00")


def test_a_statement_is_judged_by_what_was_in_force_when_it_was_said() -> None:
    teller = Teller()
    first = teller.agree("08:00:00", (WITHIN,))
    teller.agree("12:00:00", standard_rules())
    agreed = in_force(teller.said, PARTIES)
    assert agreed[0].leaf == first.leaf

    def said_at(clock: str, err_ms: int = 0) -> Said:
        return Teller().say(A, clock, notice("18:40:00"), err_ms=err_ms)

    assert rules_for(agreed, said_at("07:59:59")) == ()
    assert rules_for(agreed, said_at("08:00:00")) == (WITHIN,)
    assert rules_for(agreed, said_at("12:00:00")) == standard_rules()
    assert rules_for(agreed, said_at("12:00:00", err_ms=10**9)) == standard_rules()


def test_arrival_makes_no_difference_and_an_observers_proposal_is_none() -> None:
    teller = Teller()
    teller.agree("08:00:00", (WITHIN,))
    teller.agree("12:00:00")
    other = teller.say(OBSERVER, "13:00:00", proposal(to_wire(standard_rules())))
    for party in (A, B):
        teller.say(party, "13:01:00", Accept(), refs=(other.leaf, bytes(32)))
    expected = in_force(teller.said, PARTIES)
    assert len(expected) == 2
    random.Random(1).shuffle(teller.said)
    assert in_force([*teller.said, *teller.said], PARTIES) == expected


def test_an_agreed_area_can_be_any_shape_that_is_one() -> None:
    for area in (shape.circle(0, 0, 5), shape.corridor([(0, 0), (5, 5)], 10), shape.polygon([(0, 0), (5, 0), (0, 5)])):
        assert over_the_wire(to_wire((WithinArea("G", "", Volume(area)),))) == (WithinArea("G", "", Volume(area)),)
