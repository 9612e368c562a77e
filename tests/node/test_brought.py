"""What comes by bundle is taken as from the line, marked, and says nothing of the line; and what goes into one."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.node.solo import ALFA, BRAVO, GENESIS, WALL_MS, WITNESS, Solo
from tests.node.test_step import HAZARD, leaf, signed

from keepclear.accord import statement
from keepclear.accord.statement import Kind
from keepclear.node import lacking
from keepclear.node.effects import Effect, Send, Sign
from keepclear.node.inputs import Brought, Displayed, Durable, Receive, Say, Settings, Start, Tick
from keepclear.record import entry as entries
from keepclear.record.entry import Draft

TOKEN = bytes(16)
WATCH = len(GENESIS.names)


def alone(me: int = ALFA) -> Solo:
    """A node that has started and has never heard of anybody."""
    solo = Solo(me)
    fresh = bytes((me, 9)) * 4
    solo.take(Start(solo.stamp(), "boot", fresh, fresh * 4, "test", Settings()))
    return solo


def watching(**changes: int) -> Solo:
    solo = Solo(WATCH)
    solo.take(Start(solo.stamp(), "boot", b"", b"", "test", Settings(**changes)))
    return solo


def bring(solo: Solo, *raws: bytes, sender: int = BRAVO, start: bytes = bytes(8)) -> list[int]:
    """What is told of the entries of a bundle: new, known, not taken."""
    solo.take(Brought(solo.stamp(), TOKEN, sender, start, WALL_MS - 60_000, 0, 1, raws))
    return [*solo.shows("brought")[-1].facts[1:]]


def own(solo: Solo) -> list[entries.Entry]:
    return [e for book in solo.node.books.of(solo.me) for e in book.entries]


def chain(count: int, author: int = BRAVO, **changes: Any) -> list[bytes]:
    """Entries of one start that follow each other."""
    raws: list[bytes] = []
    for seq in range(count):
        prev = leaf(raws[-1]) if raws else entries.NO_PREV
        raws.append(signed(author=author, seq=seq, prev=prev, **changes))
    return raws


# -- taking in -------------------------------------------------------------------------------------------------------


def test_a_warning_is_shown_marked_and_receipted_without_any_line() -> None:
    solo = alone()
    raw = signed()
    assert bring(solo, raw) == [1, 0, 0]
    [shown] = solo.shows()
    assert "BY BUNDLE" in shown.facts[3]
    assert "flash" in solo.alarms()
    matter = solo.node.state.situation.matters[leaf(raw)]
    assert matter.by_bundle
    assert matter.came_ms == WALL_MS + 1_000
    solo.take(Displayed(solo.stamp(), (leaf(raw),)))
    solo.mono_ms += 2_000
    solo.take(Tick(solo.stamp()))
    said = [statement.read(e.header.kind, e.body) for e in own(solo) if e.header.kind == Kind.RECEIPT]
    assert isinstance(said[-1], statement.Receipt)
    assert said[-1].ranges == ((0, 1, WALL_MS + 1_000, WALL_MS + 1_000),)
    assert not any(isinstance(one, Send) for one in solo.done)


def test_what_comes_over_the_line_later_is_known_and_not_marked_anew() -> None:
    solo = Solo().start()
    raw = signed()
    solo.hear_entry(BRAVO, raw)
    assert bring(solo, raw) == [0, 1, 0]
    assert len(solo.shows()) == 1
    bring(solo, signed(author=WITNESS))
    solo.hear_entry(BRAVO, signed(seq=1, prev=leaf(raw)))
    assert ["BY BUNDLE" in one.facts[3] for one in solo.shows()] == [False, True, False]
    assert not solo.node.state.situation.matters[leaf(raw)].by_bundle


def test_twice_is_once() -> None:
    solo = alone()
    raws = chain(5)
    assert bring(solo, *raws) == [5, 0, 0]
    kept = list(solo.kept)
    assert bring(solo, *reversed(raws)) == [0, 5, 0]
    assert solo.kept[len(kept) :] == []


def test_a_bundle_tells_nothing_of_the_line() -> None:
    """No session begins, nobody was heard, and what a peer holds is not taken from it."""
    solo = alone()
    before = repr(solo.node.state.peers)
    bring(solo, *chain(3))
    assert repr(solo.node.state.peers) == before


def test_what_is_no_entry_is_counted_and_the_others_are_taken() -> None:
    solo = alone()
    bad = bytearray(signed(seq=0, author=WITNESS))
    bad[-1] ^= 1
    assert bring(solo, b"", bytes(bad), signed()) == [1, 0, 2]
    assert sum(solo.noise.values()) == 2


def test_our_own_signature_on_what_this_start_did_not_say_ends_it() -> None:
    solo = alone()
    present = solo.node.state.author.incarnation
    bring(solo, signed(author=ALFA, incarnation=present), sender=ALFA)
    assert "signed elsewhere" in solo.alarms()
    assert solo.node.state.author.ended


def test_what_an_earlier_start_of_ours_had_said_comes_home() -> None:
    solo = alone()
    assert bring(solo, *chain(2, author=ALFA, start=0)) == [2, 0, 0]
    assert len(own(solo)) == 2


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-(2**53), 2**53), st.integers(-(2**53), 2**53), st.integers(-5, 5),
    st.lists(st.binary(max_size=60) | st.just(signed()), max_size=4),
)  # fmt: skip
def test_no_bundle_raises(sender: int, made_ms: int, nth: int, raws: list[bytes]) -> None:
    for solo in (SOLO, MUTE):
        solo.take(Brought(solo.stamp(), TOKEN, sender, b"any", made_ms, nth, 1, tuple(raws)))
        solo.take(Tick(solo.stamp()))


# -- what goes into one ----------------------------------------------------------------------------------------------


def seqs(solo: Solo, member: int | None) -> dict[int, list[int]]:
    """By party, what the member lacks."""
    return {book.party: found for book, found in lacking.lacking(solo.node.core, member)}


def receipted(solo: Solo, size: int, root: bytes | None = None, **changes: Any) -> bytes:
    """WITNESS's receipt for so much of BRAVO's logbook."""
    book = next(book for book in solo.node.books.all() if book.party == BRAVO)
    body = statement.Receipt(
        party=BRAVO, incarnation=book.incarnation, size=size, root=root or book.root(size), ranges=((0, size, 0, None),)
    )
    return signed(body, author=WITNESS, **changes)


def test_a_member_that_has_said_nothing_lacks_everything() -> None:
    solo = alone()
    bring(solo, *chain(4))
    assert seqs(solo, WITNESS)[BRAVO] == [0, 1, 2, 3]
    assert seqs(solo, None)[BRAVO] == [0, 1, 2, 3]


def test_what_a_members_own_receipt_names_is_left_out_and_no_more() -> None:
    solo = alone()
    bring(solo, *chain(4))
    bring(solo, receipted(solo, 3))
    assert seqs(solo, WITNESS)[BRAVO] == [3]
    assert WITNESS not in seqs(solo, WITNESS), "what it has said itself it has"
    assert seqs(solo, None)[BRAVO] == [0, 1, 2, 3]


def test_a_receipt_that_is_not_of_these_entries_leaves_nothing_out() -> None:
    solo = alone()
    bring(solo, *chain(4))
    bring(solo, receipted(solo, 3, root=bytes(32)))
    assert seqs(solo, WITNESS)[BRAVO] == [0, 1, 2, 3]


def test_a_newer_start_has_to_say_anew_what_it_holds() -> None:
    """A restored disk has forgotten what its earlier start had receipted."""
    solo = alone()
    bring(solo, *chain(4))
    bring(solo, receipted(solo, 4))
    assert BRAVO not in seqs(solo, WITNESS)
    bring(solo, signed(author=WITNESS, incarnation=b"restored", start=1))
    assert seqs(solo, WITNESS)[BRAVO] == [0, 1, 2, 3]


def test_a_restored_disk_starts_with_a_lower_number_and_is_asked_all_the_same() -> None:
    solo = alone()
    bring(solo, *chain(4))
    bring(solo, receipted(solo, 4, start=5))
    bring(solo, signed(author=WITNESS, incarnation=b"restored", start=2, wall_ms=WALL_MS + 1))
    assert seqs(solo, WITNESS)[BRAVO] == [0, 1, 2, 3]


def test_a_start_that_has_said_nothing_is_known_by_the_bundle_that_it_made() -> None:
    solo = alone()
    bring(solo, *chain(4))
    bring(solo, receipted(solo, 4), sender=WITNESS, start=b"fresh" + bytes(3))
    assert BRAVO not in seqs(solo, WITNESS)
    bring(solo, sender=WITNESS, start=b"restored")
    assert seqs(solo, WITNESS)[BRAVO] == [0, 1, 2, 3]
    solo.take(Brought(solo.stamp(), TOKEN, WITNESS, b"fresh" + bytes(3), WALL_MS - 90_000, 0, 1, ()))
    assert seqs(solo, WITNESS)[BRAVO] == [0, 1, 2, 3], "a bundle that was longer on its way"


def test_what_is_not_on_disk_is_not_carried() -> None:
    solo = Solo(durable=False)
    fresh = bytes((ALFA, 9)) * 4
    solo.take(Start(solo.stamp(), "boot", fresh, fresh * 4, "test", Settings()))
    raws = chain(2)
    bring(solo, *raws)
    assert seqs(solo, None) == {}
    assert lacking.slot(solo.node.core, BRAVO, b"fresh" + bytes(3), 0) is None
    solo.take(Durable(solo.stamp(), solo.node.state.n))
    assert seqs(solo, None) == {BRAVO: [0, 1]}
    assert lacking.slot(solo.node.core, BRAVO, b"fresh" + bytes(3), 0) == raws[0]


# -- the watch -------------------------------------------------------------------------------------------------------


def outward(effects: list[Effect]) -> list[Effect]:
    return [one for one in effects if isinstance(one, Send | Sign)]


def test_a_watch_takes_in_what_all_members_said_and_says_nothing() -> None:
    solo = watching(clarify_ms=1_000)
    for member in (ALFA, BRAVO, WITNESS):
        assert bring(solo, *chain(2, author=member), sender=member) == [2, 0, 0]
    assert solo.alarms().count("flash") == 6, "every member's FLASH calls, there is none that is its own"
    solo.take(Displayed(solo.stamp(), tuple(solo.node.books.by_leaf)))
    draft = Draft(HAZARD.kind, 1, None, (), GENESIS.everyone, "duty", WALL_MS, None, statement.to_bytes(HAZARD))
    solo.take(Say(solo.stamp(), draft, 0, bytes(32), ()))
    assert solo.shows("refused")
    solo.take(Receive(solo.stamp(), BRAVO, bytes(8), b"frame"))
    for _ in range(400):
        solo.mono_ms += 60_000
        solo.take(Tick(solo.stamp()))
    assert outward(solo.done) == []
    assert not {"owed", "not acknowledged", "line dead"} & set(solo.alarms()), "it can do nothing about them"
    assert not solo.shows("draft")


def test_a_watch_calls_once_when_the_next_bundle_does_not_come() -> None:
    solo = watching(bundle_within_ms=60_000)

    def wait(ms: int) -> None:
        solo.mono_ms += ms
        solo.take(Tick(solo.stamp()))

    wait(0)
    wait(59_000)
    assert "silent" not in solo.alarms()
    wait(1_000)
    wait(600_000)
    assert solo.alarms().count("silent") == 1
    bring(solo)
    wait(59_000)
    wait(1_000)
    assert solo.alarms().count("silent") == 2


SOLO, MUTE = alone(), watching()
