"""The tally: counted from entries alone, the same at both ends, and what is undecidable stays so."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accord.tell import OBSERVER, PARTIES, A, B, Teller, notice, volume, z

from keepclear.accord.said import Said
from keepclear.accord.shape import UNKNOWN_VOLUME
from keepclear.accord.statement import Acknowledgement, Activity, Amend, Cancel, Hazard, Kind, Notice, Receipt, Step
from keepclear.accord.tally import NO_CLASS, Row, Tally, tally
from keepclear.accord.understanding import TwoSeats

MONTH = "2018-09"


def rows(found: Tally) -> dict[tuple[int, int], Row]:
    return {(row.party, row.activity): row for row in found.rows}


def story() -> Teller:
    """A gives one notice in good time and one late, vague and unanswered; B acknowledges the first within 10 s."""
    teller = Teller()
    teller.agree()
    good = teller.say(A, "10:00:00", notice("11:00:00", "12:00:00"))
    teller.receive(B, "10:00:01", good, shown="10:00:01")
    teller.acknowledge(B, "10:00:11", good)
    bad = teller.say(A, "18:39:23", notice("18:40:00", volumes=(UNKNOWN_VOLUME,), text="north of Syria"))
    teller.receive(B, "18:39:24", bad, shown="18:39:24")
    teller.say(B, "18:59:00", notice("20:00:00", "21:00:00"))
    return teller


def test_a_month_of_two_parties() -> None:
    found = rows(tally(story().said, PARTIES))
    assert found[A, Activity.HAZARDOUS] == Row(
        A, Activity.HAZARDOUS, MONTH, given=2, late=1, vague=1, unacknowledged=1, met=3, not_met=3, undecidable=1
    )
    # Met: notice, volume, window of the first. Not met: the same of the second. Undecidable: A's acknowledgement of
    # B's notice, which no receipt of A's shows.
    assert found[B, Activity.HAZARDOUS] == Row(
        B, Activity.HAZARDOUS, MONTH, given=1, received=2, unacknowledged=1, met=4, not_met=1
    )
    # Met: B's own three and its first acknowledgement; not met: nothing said to the second, for 1 176 s.


def test_both_ends_count_the_same_from_whatever_sequence_they_hold() -> None:
    said = story().said
    expected = tally(said, PARTIES)
    for seed in range(5):
        shuffled = said * 2
        random.Random(seed).shuffle(shuffled)
        assert tally(shuffled, PARTIES) == expected
    assert len(expected.digest) == 32


def test_every_entry_that_counts_changes_the_digest() -> None:
    said = story().said
    digests = {tally(said[:size], PARTIES).digest for size in range(2, len(said) + 1)}
    assert len(digests) == len(said) - 1


def test_without_an_understanding_nothing_is_late_and_nothing_judged() -> None:
    teller = Teller()
    teller.say(A, "18:39:23", notice("18:40:00", volumes=()))
    (row,) = tally(teller.said, PARTIES).rows
    assert row == Row(A, Activity.HAZARDOUS, MONTH, given=1, vague=1, unacknowledged=1)


def test_observers_are_not_counted_and_their_receipts_count_for_nobody() -> None:
    teller = Teller()
    warning = teller.say(A, "10:00:00", notice("11:00:00"))
    teller.receive(OBSERVER, "10:00:01", warning, shown="10:00:01")
    teller.acknowledge(OBSERVER, "10:00:02", warning)
    teller.say(OBSERVER, "10:00:03", notice("11:00:00"))
    (row,) = tally(teller.said, PARTIES).rows
    assert row == Row(A, Activity.HAZARDOUS, MONTH, given=1, unacknowledged=1)


def amend(start: str, end: str) -> Amend:
    return Amend(activity=Activity.HAZARDOUS, volumes=(volume(),), start_ms=z(start), end_ms=z(end))


def test_cancelled_through_its_amendments_but_not_by_another_party() -> None:
    teller = Teller()
    first = teller.say(A, "10:00:00", notice("11:00:00"))
    second = teller.say(A, "10:10:00", amend("11:10:00", "12:00:00"), replaces=first.leaf)
    teller.say(B, "10:20:00", Cancel(), replaces=second.leaf)
    teller.say(A, "10:21:00", Cancel(), replaces=bytes(32))
    assert rows(tally(teller.said, PARTIES))[A, Activity.HAZARDOUS].cancelled == 0
    teller.say(A, "10:30:00", Cancel(), replaces=second.leaf)
    row = rows(tally(teller.said, PARTIES))[A, Activity.HAZARDOUS]
    assert (row.given, row.amended, row.cancelled) == (1, 1, 1)


def test_who_acknowledges_the_amendment_need_not_answer_the_outdated_reading() -> None:
    teller = Teller()
    first = teller.say(A, "10:00:00", notice("11:00:00"))
    second = teller.say(A, "10:00:05", amend("11:10:00", "12:00:00"), replaces=first.leaf)
    assert rows(tally(teller.said, PARTIES))[A, Activity.HAZARDOUS].unacknowledged == 2
    teller.acknowledge(B, "10:00:20", second)
    assert rows(tally(teller.said, PARTIES))[A, Activity.HAZARDOUS].unacknowledged == 0


def test_the_first_acknowledgement_counts() -> None:
    teller = story()
    again = teller.acknowledge(B, "10:30:00", teller.said[2])
    expected = [row for row in tally(teller.said, PARTIES).rows if row.party == B]
    assert expected == [
        row for row in tally([s for s in teller.said if s is not again], PARTIES).rows if row.party == B
    ]


def test_a_hazard_is_judged_for_its_acknowledgement_in_a_class_of_its_own() -> None:
    teller = Teller()
    teller.agree()
    hazard = teller.say(A, "18:51:00", Hazard(hazard=1, source=1, volumes=(volume(),), since_ms=z("18:51:00")))
    teller.receive(B, "18:51:01", hazard, shown="18:51:01")
    teller.acknowledge(B, "18:51:20", hazard)
    assert tally(teller.said, PARTIES).rows == (Row(B, NO_CLASS, MONTH, met=1),)


def test_months_are_those_of_the_saying_in_utc() -> None:
    teller = Teller()
    last_of_september = z("00:00:00") + 14 * 86_400_000 - 1
    teller.say(A, last_of_september, notice(None))
    teller.say(A, last_of_september + 1, notice(None))
    assert [row.month for row in tally(teller.said, PARTIES).rows] == ["2018-09", "2018-10"]


def test_two_entries_in_one_slot_both_count() -> None:
    teller = Teller()
    first = teller.say(A, "10:00:00", notice("11:00:00"))
    teller.seqs[A] = first.seq
    teller.say(A, "10:00:00", notice("12:00:00"), leaf=b"\x01" * 32)
    assert tally(teller.said, PARTIES).rows[0].given == 2


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    """Entries that cite one another at random: earlier and later ones, other parties', none, and themselves."""
    teller = Teller()
    if draw(st.booleans()):
        teller.agree()
    leaves = [bytes([n]) * 32 for n in range(6)]
    cite, small = st.sampled_from([*leaves, b"\xff" * 32]), st.integers(-1, 9)
    receipts = st.builds(
        Receipt,
        party=st.sampled_from([A, B]),
        incarnation=st.sampled_from([bytes(8), b"\x01" * 8]),
        size=st.just(0),
        root=st.just(bytes(32)),
        ranges=st.lists(
            st.tuples(st.integers(-1, 9), st.integers(-1, 9), st.integers(0, 10), st.none() | st.integers(0, 10)),
            max_size=2,
        ).map(tuple),
        beyond=st.lists(st.tuples(small, cite, small), max_size=2).map(tuple),
    )
    notices = st.builds(
        Notice,
        activity=st.integers(3, 5),
        volumes=st.sampled_from([(), (UNKNOWN_VOLUME,), (volume(),)]),
        start_ms=st.none() | st.integers(z("18:00:00"), z("19:00:00")),
        end_ms=st.none() | st.integers(z("18:00:00"), z("19:00:00")),
    )
    amends = notices.map(lambda n: Amend(activity=n.activity, volumes=n.volumes, start_ms=n.start_ms, end_ms=n.end_ms))
    bodies = st.one_of(notices, amends, st.just(Cancel()), st.just(Acknowledgement(step=Step.READ)), receipts)
    for leaf in leaves:
        teller.say(
            draw(st.sampled_from([A, B, OBSERVER])),
            draw(st.integers(z("17:30:00"), z("19:00:00"))),
            draw(bodies),
            leaf=leaf,
            err_ms=draw(st.integers(0, 10**6)),
            replaces=draw(st.none() | cite),
            refs=tuple(draw(st.lists(cite, max_size=2))),
        )
    return teller.said


@settings(max_examples=200, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_any_sequence_gives_the_same_tally(history: list[Said], rnd: random.Random) -> None:
    expected = tally(history, PARTIES)
    shuffled = list(history)
    rnd.shuffle(shuffled)
    assert tally(iter(shuffled), PARTIES) == expected
    assert sum(row.given for row in expected.rows) == sum(
        said.party in PARTIES and type(said.body) is Notice for said in history
    )
    for row in expected.rows:
        assert row.late + row.vague <= 2 * (row.given + row.amended)
        assert row.cancelled <= row.given


def test_a_long_chain_of_amendments_is_followed_as_far_as_is_reasonable() -> None:
    """An acknowledgement reaches back 64 readings; an activity amended more often has long had another answer."""
    teller = Teller()
    readings = [teller.say(A, "10:00:00", notice("11:00:00"))]
    for _ in range(70):
        readings.append(teller.say(A, "10:00:01", amend("11:10:00", "12:00:00"), replaces=readings[-1].leaf))
    teller.acknowledge(B, "10:00:20", readings[-1])
    row = rows(tally(teller.said, PARTIES))[A, Activity.HAZARDOUS]
    assert (row.given, row.amended, row.unacknowledged) == (1, 70, 71 - 65)


def test_four_eyes_are_counted_for_their_author() -> None:
    teller = Teller()
    teller.agree(rules=(TwoSeats("F1", "", ((Kind.CANCEL, 4),)),))
    for seats in (1, 1, 2):
        said = teller.say(A, "10:00:00", notice("11:00:00", "12:00:00"))
        teller.say(A, "10:30:00", Cancel(), replaces=said.leaf, releases=seats)
    row = rows(tally(teller.said, PARTIES))[A, NO_CLASS]
    assert (row.met, row.not_met) == (1, 2)
