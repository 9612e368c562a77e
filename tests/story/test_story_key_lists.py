"""A node key is changed while the line is in use, and another is stolen: what everybody reads, on a simulated line."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord import statement
from keepclear.accord.statement import Precedence
from keepclear.node.inputs import Brought
from keepclear.node.node import Node
from keepclear.record import archive, key_list
from keepclear.record import entry as entries
from keepclear.record.entry import Entry, Header
from keepclear.record.genesis import Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.key_list import Ending
from keepclear.record.verify import verify
from sim import founding
from sim.world import Keys, Member, Weather

OLD, NEW = founding.node_key("ALFA").ed25519, founding.node_key("ALFA", "node.2").ed25519


def activity(line: Line, minutes: int) -> statement.Notice:
    """A NOTICE that says all, for so many minutes from now."""
    return notice(line.wall_ms + minutes * MINUTE, line.wall_ms + (minutes + 30) * MINUTE)


def both() -> dict[bytes, Keys]:
    return {OLD: founding.node_keys("ALFA"), NEW: founding.node_keys("ALFA", "node.2")}


def starts(line: Line) -> tuple[tuple[bytes, int | None], ...]:
    """How far ALFA's old key was good: its earlier starts as far as they go, the present one up to the list."""
    core = line.member(A).node.core
    present = core.state.author.incarnation
    return tuple(sorted((b.incarnation, None if b.incarnation == present else b.size) for b in core.books.of(A)))


def rotate(line: Line, *, keep: bool = True) -> bytes:
    """ALFA's roots give it a new node key and end the old one; the list's document."""
    document = founding.key_list(line.world.genesis, A, 1, node="node.2", ends=(Ending(OLD, starts(line)),))
    held = both() if keep else {NEW: both()[NEW]}
    line.member(A).hold(held, (document,))
    return document


def marked(member: Member) -> set[bytes]:
    """The entries that a member reads as past the end of their key."""
    core = member.node.core
    return {leaf for leaf, entry in core.books.by_leaf.items() if core.keys.beyond(entry)}


def record(member: Member) -> bytes:
    """The record file as a member would write it."""
    core = member.node.core
    notes = list(core.state.checkpointing.notes.values())
    return b"".join(archive.write(core.genesis, list(core.books.by_leaf.values()), notes))


def forged(line: Line, incarnation: bytes, count: int, start: int = 900) -> list[bytes]:
    """Entries that a thief signs with ALFA's old key, in a start of their own."""
    core = line.member(B).node.core
    like = next(e for e in core.books.by_leaf.values() if e.header.party == A and e.header.kind == 1)
    out, prev = [], entries.NO_PREV
    for seq in range(count):
        fields = {name: getattr(like.header, name) for name in Header.__struct_fields__}
        fields |= {
            "incarnation": incarnation,
            "start": start,
            "seq": seq,
            "prev": prev,
            "releases_hash": None,
            "epoch": 0,
        }
        header = entries.canonical.encode(Header(**fields))
        signature = founding.signing_key("ALFA", "node").sign(entries.signing_message(header)).signature
        out.append(entries.assemble(header, signature, (), like.seed, like.body))
        prev = entries.read(out[-1], 65_536).leaf
    return out


def test_a_node_key_is_changed_while_the_line_is_in_use() -> None:
    line = Line()
    before = line.say(A, activity(line, 60))
    line.run(1_000)
    rotate(line)
    during = line.say(A, activity(line, 61))
    line.run(3_000)
    after = line.say(A, activity(line, 62))
    line.run(3_000)
    for who in (B, OBSERVER):
        assert [line.matter(who, leaf).marks for leaf in (before, during, after)] == [[], [], []]
        assert any("key list 1 of ALFA is known; new keys: node" in shown.text for shown in line.shown(who, "keys"))
        assert line.alarms(who, "keys"), "a key that ends is something for an officer"
        assert not [shown.text for shown in line.shown(who, "line") if "open" not in shown.text], "it never broke"
    epochs = [line.member(B).node.books.by_leaf[leaf].header.epoch for leaf in (before, during, after)]
    assert epochs == [0, 1, 1]
    assert all(peer.live.state == "open" for m in line.world.members for peer in m.node.state.peers.values())
    assert len(line.joint()) == 1
    assert not marked(line.member(B))


def test_the_new_key_begins_the_next_session_and_the_old_one_none() -> None:
    line = Line()
    document = rotate(line)
    line.run(2_000)
    line.member(A).crash()
    line.member(A).hold({NEW: both()[NEW]}, (document,))
    line.member(A).start()
    line.run(10_000)
    said = line.say(A, activity(line, 60))
    line.run(3_000)
    assert line.matter(B, said).marks == []
    line.member(A).crash()
    line.member(A).hold({OLD: both()[OLD]}, ())
    line.member(A).start()
    line.run(20_000)
    live = [line.member(who).node.state.peers[A].live.state for who in (B, OBSERVER)]
    assert live == ["dead", "dead"], "whoever has only the key that has ended begins no session"


def test_who_was_away_learns_of_the_new_key_by_a_session_under_the_old_one() -> None:
    line = Line()
    line.member(B).crash()
    rotate(line)
    line.run(10_000)
    line.member(B).start()
    line.run(20_000)
    said = line.say(A, activity(line, 60))
    line.run(3_000)
    assert line.matter(B, said).marks == []
    assert line.member(B).node.core.keys.newest(A) is not None


def test_a_start_under_a_new_key_says_its_list_first_and_a_flash_before_it_is_shown_as_not_verified() -> None:
    line = Line()
    line.say(A, activity(line, 60))
    line.run(1_000)
    document = founding.key_list(line.world.genesis, A, 1, node="node.2", ends=(Ending(OLD, starts(line)),))
    line.member(A).crash()
    line.member(A).hold({NEW: both()[NEW]}, (document,))
    line.member(A).start()
    line.run(8_000)
    flash = line.say(A, activity(line, 61))
    line.run(2_000)
    assert not any(flash == leaf for leaf in line.member(B).node.books.by_leaf), "nobody knows the new key"
    first, *_, last = sorted(
        (e for e in line.member(A).node.books.by_leaf.values() if e.header.epoch == 1), key=lambda e: e.header.seq
    )
    assert (first.header.seq, first.header.kind) == (0, 21)

    observer = line.member(OBSERVER)  # brings what it was given by hand to BRAVO; here: as a bundle would
    bravo = line.member(B)
    bravo.take(Brought(bravo.stamp(), b"t", A, first.header.incarnation, line.wall_ms, 0, 1, (last.raw,)))
    notes = [shown.facts[3] for shown in line.shown(B, "statement", last.leaf)]
    assert notes == [("NOT IN THE RECORD: NOT VERIFIED: it names key list 1 of ALFA, which has not come",)]
    bravo.hold({founding.node_key("BRAVO").ed25519: founding.node_keys("BRAVO")}, (document,))
    assert last.leaf in bravo.node.books.by_leaf, "a list that was brought by hand lets in what had waited"
    line.run(8_000)
    assert line.matter(B, flash).marks == []
    assert flash in observer.node.books.by_leaf
    assert len(line.joint()) == 1


def test_what_a_thief_signs_past_the_end_is_marked_everywhere_and_never_taken_away() -> None:
    line = Line()
    real = line.say(A, activity(line, 60))
    line.run(1_000)
    false = forged(line, b"thiefthi", 2)
    bravo = line.member(B)
    bravo.take(Brought(bravo.stamp(), b"t", A, b"thiefthi", line.wall_ms, 0, 1, tuple(false[:1])))
    line.run(2_000)
    leaves = [entries.read(raw, 65_536).leaf for raw in false]
    assert line.matter(OBSERVER, leaves[0]).marks == [], "nobody knows yet"
    good = tuple(one for one in starts(line) if one[0] != b"thiefthi")
    document = founding.key_list(line.world.genesis, A, 1, node="node.2", ends=(Ending(OLD, good),))
    line.member(A).hold(both(), (document,))
    line.run(2_000)
    bravo.take(Brought(bravo.stamp(), b"u", A, b"thiefthi", line.wall_ms, 0, 1, tuple(false[1:])))
    line.run(3_000)
    for who in (A, B, OBSERVER):
        assert marked(line.member(who)) == set(leaves)
        assert line.matter(who, leaves[0]).marks == ["PAST THE END OF ITS KEY"]
        assert line.matter(who, real).marks == []
    assert any("past the end of its key" in text for text in line.alarms(B, "keys"))
    assert len(line.joint()) == 1
    bravo.crash()
    bravo.start()
    assert marked(bravo) == set(leaves), "a start reads the same, from its journal"
    twin = Node(line.world.genesis, B)
    kept = list(bravo.node.books.by_leaf.values())
    twin.restore(bravo.node.snapshot(), lambda count: [entry.raw for entry in kept[:count]])
    assert {leaf for leaf, entry in twin.books.by_leaf.items() if twin.core.keys.beyond(entry)} == set(leaves)
    report = verify([record(line.member(OBSERVER))])
    assert report.sound, report.faults
    assert [(f.party, f.incarnation, f.seq) for f in report.remarks if f.rule == "key"] == [
        (A, b"thiefthi", 0),
        (A, b"thiefthi", 1),
    ]


def test_an_end_is_never_before_what_another_member_has_cosigned() -> None:
    line = Line()
    said = [line.say(A, activity(line, (60 + i))) for i in range(3)]
    line.run(70_000)  # a checkpoint, cosigned
    core = line.member(A).node.core
    size = core.books.of(A)[0].size
    short = tuple((inc, 1) for inc, _ in starts(line))
    document = founding.key_list(line.world.genesis, A, 1, node="node.2", ends=(Ending(OLD, short),))
    line.member(A).hold(both(), (document,))
    line.run(3_000)
    for who in (A, B, OBSERVER):
        keys = line.member(who).node.core.keys
        end = keys.good_for(A, OLD, short[0][0])
        assert end is not None
        assert 3 <= end[0] <= size
        assert [line.matter(who, leaf).marks for leaf in said] == [[], [], []]
    told = [shown.text for shown in line.shown(B, "keys")]
    assert any("it says 1 entries" in text and "are cosigned" in text for text in told)


def test_two_lists_of_one_number_are_a_contradiction_of_the_roots() -> None:
    line = Line()
    genesis = line.world.genesis
    one = founding.key_list(genesis, A, 1, node="node.2")
    other = founding.key_list(genesis, A, 1, node="node.3")
    line.member(A).hold(both(), (one,))
    line.run(1_000)
    line.member(OBSERVER).hold({founding.node_key("WITNESS").ed25519: founding.node_keys("WITNESS")}, (other,))
    line.run(2_000)
    for who in (A, B, OBSERVER):
        [dispute] = line.member(who).node.state.disputes
        assert (dispute.party, dispute.reason) == (A, "its roots have signed two key lists 1")
    report = verify([record(line.member(B))])
    assert [finding.rule for finding in report.contradictions] == ["key list"]


def test_another_key_than_the_one_committed_to_is_told() -> None:
    line = Line()
    genesis = line.world.genesis
    promised = key_list.commitment(founding.node_key("ALFA", "node.2"))
    line.member(A).hold(both(), (founding.key_list(genesis, A, 1, promised=promised),))
    line.run(1_000)
    line.member(A).hold(both(), (founding.key_list(genesis, A, 2, node="node.2"),))
    line.run(1_000)
    assert any("as committed to before" in shown.text for shown in line.shown(B, "keys"))
    line.member(A).hold(both(), (founding.key_list(genesis, A, 3, node="node.3", promised=promised),))
    line.run(1_000)
    assert line.member(A).node.core.keys.was_committed(line.member(A).node.core.keys.lists(A)[2]) is None
    line.member(A).hold(both(), (founding.key_list(genesis, A, 4, node="node.4"),))
    line.run(1_000)
    assert any("NOT THE ONE COMMITTED TO" in shown.text for shown in line.shown(B, "keys"))


def small_record() -> tuple[Genesis, list[Entry], list[tuple[bytes, int]]]:
    """A record with a change of keys, a theft, and cosigned sizes: what a verdict follows from."""
    line = Line()
    for i in range(2):
        line.say(A, activity(line, (60 + i)))
    line.run(2_000)
    good = tuple((inc, 1) for inc, _ in starts(line))
    rotated = founding.key_list(line.world.genesis, A, 1, node="node.2", ends=(Ending(OLD, good),))
    line.member(A).hold(both(), (rotated,))
    line.say(A, activity(line, 63))
    line.run(1_000)
    more = founding.key_list(
        line.world.genesis, A, 2, node="node.2", ends=(Ending(NEW, ((good[0][0], None),)), Ending(OLD, good))
    )
    line.member(A).hold(both(), (more,))
    line.say(A, activity(line, 64))
    line.run(2_000)
    stolen = [entries.read(raw, 65_536) for raw in forged(line, b"thiefthi", 3)]
    own = [e for e in line.member(B).node.books.by_leaf.values() if e.header.party == A]
    return line.world.genesis, [*own, *stolen], [(good[0][0], 2), (b"thiefthi", 1)]


GENESIS, ENTRIES, COSIGNED = small_record()


def verdict(genesis: Genesis, items: list[Entry | tuple[bytes, int]]) -> set[bytes]:
    """What a member that takes these in, in this sequence, reads as past its key; entries wait for their lists."""
    book, taken, waiting = KeyBook(genesis), [], list[Entry]()
    for item in items:
        if isinstance(item, tuple):
            book.cosigned(A, *item)
            continue
        waiting.append(item)
        while ready := [e for e in waiting if _verifies(e, genesis, book)]:
            for entry in ready:
                waiting.remove(entry)
                taken.append(entry)
                book.take(entry)
    assert not waiting
    return {entry.leaf for entry in taken if book.beyond(entry)}


def _verifies(entry: Entry, genesis: Genesis, book: KeyBook) -> bool:
    try:
        entries.check(entry, genesis, book)
    except entries.Unlisted:
        return False
    return True


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.permutations([*ENTRIES, *COSIGNED]))
def test_the_verdict_is_the_same_in_whatever_sequence_all_of_it_comes(items: list[Entry | tuple[bytes, int]]) -> None:
    found = verdict(GENESIS, items)
    assert found == verdict(GENESIS, [*ENTRIES, *COSIGNED])
    past = {(entry.header.incarnation, entry.header.seq) for entry in ENTRIES if entry.leaf in found}
    assert (b"thiefthi", 0) not in past
    assert {(b"thiefthi", 1), (b"thiefthi", 2)} <= past
    assert len(past) >= 3, "and something of the start that was ended is past it too"


@pytest.mark.parametrize("seed", range(3))
def test_a_change_of_keys_under_loss_and_crashes_leaves_one_record(seed: int) -> None:
    line = Line(seed=seed, weather=Weather(loss=0.2, duplicate=0.1, delay_ms=(20, 200)))
    line.run(8_000)
    document = rotate(line)
    line.say(A, activity(line, 60), Precedence.ROUTINE)
    line.run(500)
    line.member(A).crash()
    line.member(B).crash()
    line.member(A).documents = (document,)
    line.member(B).start()
    line.member(A).start()
    line.run(20_000)
    line.say(A, activity(line, 61))
    line.run(20_000)
    assert len(line.joint()) == 1
    assert [marked(member) for member in line.world.members] == [set()] * 3, "all that the old key signed was in time"
    assert all(member.node.state.keys.unlisted == [] for member in line.world.members)
