"""A disk that fails, an author that contradicts itself, input that crashes the node: warnings go on throughout."""

from hashlib import blake2b

import msgspec
import pytest
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord import canonical, statement
from keepclear.accord.statement import Kind, Precedence
from keepclear.line import frame as frames
from keepclear.line.frame import Ailing, EntryItem, Frame
from keepclear.node.inputs import Aside, DiskHangs, Receive
from keepclear.record import entry as entries
from sim import founding
from sim.world import Weather


def forged(line: Line, leaf: bytes, text: str) -> bytes:
    """A second entry in the slot of the first, validly signed by A's own key."""
    one = line.member(A).node.books.by_leaf[leaf]
    body = statement.to_bytes(notice(None, text=text))
    header = msgspec.structs.replace(one.header, body_root=entries.body_root(one.seed, body), releases_hash=None)
    data = msgspec.msgpack.encode(header)
    signature = founding.signing_key("ALFA", "node").sign(entries.signing_message(data)).signature
    return entries.assemble(data, signature, (), one.seed, body)


def give(line: Line, who: int, sender: int, raw: bytes) -> None:
    member = line.member(who)
    peer = member.node.state.peers[sender]
    frame = frames.to_bytes(Frame("udp", 10**9, line.wall_ms, None, 0, (EntryItem(raw),)))
    member.take(Receive(member.stamp(), sender, peer.session, frame))


def test_two_entries_in_one_slot_are_a_dispute_with_evidence() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    give(line, B, A, forged(line, leaf, "another story"))
    [dispute] = line.member(B).node.state.disputes
    assert dispute.reason == "two entries in one slot"
    for raw in (dispute.one, dispute.other):
        entries.check(entries.read(raw, 65_536), line.world.genesis)  # anybody can verify both
    assert line.alarms(B, "disputed")
    more = line.say(A, notice(line.wall_ms + 40 * MINUTE, text="goes on"))
    line.run(1_000)
    assert line.shown(B, "statement", more), "warnings are shown on a disputed line"


def test_an_entry_in_our_own_incarnation_that_we_did_not_sign_is_not_taken() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    one = line.member(A).node.books.by_leaf[leaf]
    ahead = msgspec.structs.replace(one.header, seq=99, prev=leaf, releases_hash=None)
    data = msgspec.msgpack.encode(ahead)
    signature = founding.signing_key("ALFA", "node").sign(entries.signing_message(data)).signature
    give(line, A, B, entries.assemble(data, signature, (), one.seed, one.body))
    assert line.member(A).node.state.disputes[0].reason == "signed in our incarnation, not by us"
    assert line.alarms(A, "signed elsewhere")
    size = line.member(A).node.books.of(A)[-1].size
    with pytest.raises(AssertionError, match="nothing more is signed by this process; start the node anew"):
        line.say(A, notice(line.wall_ms + 31 * MINUTE))
    line.say(B, notice(line.wall_ms + 32 * MINUTE))
    line.run(2_000)
    assert line.member(A).node.books.of(A)[-1].size == size, "not even a receipt"
    line.member(A).crash()
    line.member(A).start()
    line.run(10_000)
    line.say(A, notice(line.wall_ms + 31 * MINUTE))
    line.run(2_000)
    assert len(line.joint()) == 1


def test_an_amendment_that_cannot_be_read_takes_nothing_out_of_force() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE, line.wall_ms + 60 * MINUTE))
    line.run(1_000)
    book = line.member(A).node.books.of(A)[-1]
    one, body = book.entries[-1], canonical.encode([None, None, "?", []])
    header = msgspec.structs.replace(
        one.header, kind=Kind.AMEND, seq=book.size, prev=book.last, replaces=leaf, refs=(), releases_hash=None,
        body_root=entries.body_root(one.seed, body),
    )  # fmt: skip
    data = msgspec.msgpack.encode(header)
    signature = founding.signing_key("ALFA", "node").sign(entries.signing_message(data)).signature
    give(line, B, A, entries.assemble(data, signature, (), one.seed, body))
    assert line.matter(B, leaf).status == "planned"
    [matter] = [m for m in line.member(B).node.state.situation.matters.values() if m.kind == Kind.AMEND]
    assert matter.marks == ["VAGUE"]
    assert line.shown(B, "statement", matter.leaf)
    line.see(B, "RFR714", 50.0, 35.5, 200.0, 90.0)
    line.run(2_000)
    [advisory] = line.shown(B, "advisory", matter.leaf)
    assert "no safe side derivable" in advisory.text, "what cannot be read may be anywhere"


def test_noise_is_counted_and_a_changed_bit_is_not_taken() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(500)
    raw = bytearray(line.member(A).node.books.by_leaf[leaf].raw)
    raw[40] ^= 1
    before = dict(line.member(B).node.state.noise)
    give(line, B, A, bytes(raw))
    give(line, B, A, b"\x00nonsense")
    after = line.member(B).node.state.noise
    assert sum(after.values()) == sum(before.values()) + 2
    assert not line.member(B).node.state.disputes


def test_a_flash_whose_own_write_fails_goes_out_marked() -> None:
    line = Line()
    line.run(1_000)
    line.member(B).journal.fail_next(kept=False)
    warning = line.say(B, notice(line.wall_ms + 10 * MINUTE))
    line.run(3_000)
    [shown] = line.shown(A, "statement", warning)
    assert "ON NO DISK OF ITS SENDER" in shown.facts[3]


def test_after_a_failed_write_nothing_is_receipted_and_flash_goes_on() -> None:
    line = Line()
    line.run(1_000)
    member = line.member(B)
    member.journal.fail_next(kept=False)
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    assert line.shown(B, "statement", leaf), "shown before and without the disk"
    assert member.node.state.disk_failed
    assert line.alarms(B, "disk")
    assert B not in line.matter(A, leaf).ladder, "no receipt for what is not durable"
    warning = line.say(B, notice(line.wall_ms + 10 * MINUTE, text="from B with a dead disk"))
    line.run(3_000)
    [shown] = line.shown(A, "statement", warning)
    assert "ON NO DISK OF ITS SENDER" in shown.facts[3], "FLASH goes out all the same, marked for what it is"
    routine = line.say(B, notice(line.wall_ms + 10 * MINUTE, text="not urgent"), Precedence.ROUTINE)
    line.run(3_000)
    assert not line.shown(A, "statement", routine)


def test_what_crashed_the_node_twice_is_kept_out_and_shown_raw() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="the poisoned one"))
    raw = line.member(A).node.books.by_leaf[leaf].raw
    member = line.member(B)
    member.take(Aside(member.stamp(), blake2b(raw, digest_size=16).digest()))
    line.run(1_000)
    assert line.alarms(B, "set aside")
    assert leaf not in member.node.books.by_leaf
    assert any("the poisoned one" in s.text for s in line.shown(B, "raw"))


def test_a_disk_that_takes_nothing_is_told_at_every_end_until_it_does_again_whatever_is_lost_or_late() -> None:
    line = Line()
    member = line.member(A)
    line.world.weather = Weather(loss=0.3, delay_ms=(1, 600))
    for waited_ms, ails in ((2_000, Ailing.HANGS), (0, Ailing.NOTHING), (2_000, Ailing.HANGS)):
        member.take(DiskHangs(member.stamp(), waited_ms))
        line.run(5_000)
        for other in (B, OBSERVER):
            assert line.member(other).node.state.peers[A].ailing is ails
    assert [text.split(":")[0] for text in line.alarms(B, "disk")] == ["the disk of ALFA takes nothing"] * 2
    member.crash()
    member.start()
    line.run(10_000)
    assert line.member(B).node.state.peers[A].ailing is Ailing.NOTHING, "a start finds the disk as it is"
    assert line.shown(B, "disk")[-1].text.startswith("the disk of ALFA takes what it is given again")
