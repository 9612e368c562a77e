"""A member that harms, told fourteen ways: who notices, what is shown, what can be proved, and that warnings go on."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import pytest
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.accord import canonical, statement
from keepclear.accord.statement import Kind, Precedence
from keepclear.line import handshake, part
from keepclear.line.frame import EntryItem, Have, Note
from keepclear.line.liveness import LineState
from keepclear.line.offer import Ends, datagrams
from keepclear.node import quotas
from keepclear.node.inputs import Tick
from keepclear.record import entry as entries
from keepclear.record import evidence, proofs
from keepclear.record import genesis as geneses
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.genesis import BadGenesis, Genesis
from keepclear.record.judge import Proven, Rule, judge
from sim import founding, hostile
from sim.hostile import Hostile
from sim.world import Member


def line_with(kind: type[Hostile], fooled: set[int], who: int = A, **more: Any) -> tuple[Line, Any]:
    line = Line(hostile={who: kind}, **more)
    member = line.member(who)
    assert isinstance(member, Hostile)
    member.fooled = fooled
    member.since_seq = len(member.own())
    return line, member


def proved(line: Line, holder: int) -> list[Proven]:
    """What a stranger finds in the files that a member exports: each goes through its bytes."""
    node = line.member(holder).node
    notes = list(node.state.checkpointing.notes.values())
    pairs = [(dispute.one, dispute.other) for dispute in node.state.disputes]
    found = proofs.search(line.world.genesis, node.books, notes, pairs)
    return [one for proof in found for one in judge(evidence.read(evidence.to_bytes(proof.evidence))).proven]


def rules(line: Line, holder: int) -> set[tuple[Rule, int]]:
    return {(one.rule, one.party) for one in proved(line, holder)}


def warnings_go_on(line: Line, honest: Mapping[int, set[int]] | None = None) -> None:
    """Each says a FLASH, and all the others display it within a second."""
    for who, hearing in (honest or {A: {B, OBSERVER}, B: {A, OBSERVER}}).items():
        leaf = line.say(who, notice(line.wall_ms + 30 * MINUTE, text=f"a warning of {who}"))
        line.run(1_000)
        for other in hearing:
            texts = [shown.text for shown in line.shown(other, "statement") if f"a warning of {who}" in shown.text]
            assert texts or line.shown(other, "statement", leaf), f"{other} has not shown the warning of {who}"


def test_equivocation_is_found_by_those_who_were_told_different_things() -> None:
    line, villain = line_with(hostile.Equivocating, {B})
    said = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="keep clear"))
    other = villain.told(villain.node.books.by_leaf[said]).leaf
    line.run(4_000)
    assert line.shown(B, "statement", other)
    for who in (B, OBSERVER):
        assert line.alarms(who, "unlike"), "their receipts differ"
        assert line.alarms(who, "disputed")
        assert (Rule.SLOT, A) in rules(line, who)
        assert {party for _, party in rules(line, who)} == {A}, "nobody else is accused"
        texts = [shown.text for shown in line.shown(who, "statement")]
        assert any("another story" in text for text in texts), "either text is shown to both"
        assert any("keep clear" in text for text in texts), "either text is shown to both"
    warnings_go_on(line, {A: {OBSERVER}, B: {A, OBSERVER}})


def test_equivocation_is_found_by_a_cosigned_checkpoint_when_no_receipt_arrives() -> None:
    line, villain = line_with(hostile.Equivocating, {B})
    line.world.cut |= {(B, OBSERVER), (OBSERVER, B)}
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(2_000)
    size = len(villain.own())
    true = Checkpoint(A, villain.own()[0].header.incarnation, size, villain.node.books.of(A)[-1].root(size))
    villain.inject(B, Note(villain.sign_note(true)))
    line.run(3_000)
    assert "its checkpoint is not of its entries" in {d.reason for d in line.member(B).node.state.disputes}
    assert (Rule.ROOT, A) in rules(line, B)


def test_omission_shows_as_a_gap_and_proves_nothing() -> None:
    line, villain = line_with(hostile.Omitting, {B, OBSERVER})
    villain.withheld = {len(villain.own())}
    kept_back = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="kept back"))
    later = line.say(A, notice(line.wall_ms + 40 * MINUTE, text="said"))
    line.run(10_000)
    [shown] = line.shown(B, "statement", later)
    assert "OUT OF SEQUENCE" in shown.facts[3]
    assert not line.alarms(B, "gap")
    line.run(10_000)
    [text] = line.alarms(B, "gap")
    assert text.startswith(f"entry {villain.node.books.by_leaf[kept_back].header.seq} of ALFA did not come for 15 s")
    assert proved(line, B) == [], "silence proves nothing"
    warnings_go_on(line)
    villain.withheld = set()
    line.run(15_000)
    assert line.shown(B, "statement", kept_back)
    assert line.shown(B, "gap")[-1].text == "what was missing of ALFA has come"


def test_what_is_left_out_to_one_is_relayed_by_the_others() -> None:
    line, villain = line_with(hostile.Omitting, {B})
    villain.withheld = {len(villain.own())}
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(4_000)
    assert line.shown(B, "statement", leaf), "by the observer"


def test_denial_contradicts_what_was_signed_before() -> None:
    line, villain = line_with(hostile.Denying, set(), who=B)
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    villain.since_seq, villain.fooled = len(villain.own()), {A, OBSERVER}
    line.say(B, notice(line.wall_ms + 50 * MINUTE, text="nobody told us"))
    line.run(3_000)
    for who in (A, OBSERVER):
        assert "it says that it holds less than it had said" in {d.reason for d in line.member(who).node.state.disputes}
        assert (Rule.LESS, B) in rules(line, who)
    node = line.member(A).node
    had = proofs.had(line.world.genesis, node.books, node.books.by_leaf[leaf], B)
    assert had is not None, "and its receipt shows that it had the very notice"
    [one] = judge(evidence.read(evidence.to_bytes(had.evidence))).proven
    assert "displayed to an officer" in one.text
    warnings_go_on(line, {A: {B, OBSERVER}, B: {A, OBSERVER}})


def test_replay_brings_nothing_and_keeps_no_dead_line_alive() -> None:
    line = Line()
    taken: list[tuple[int, int, bytes]] = []
    transmit = line.world.transmit

    def tap(sender: int, receiver: int, datagram: bytes, path: str = "udp") -> None:
        taken.append((sender, receiver, datagram))
        transmit(sender, receiver, datagram, path)

    line.world.transmit = tap  # type: ignore[method-assign]
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(3_000)
    line.world.cut |= {(A, B), (B, A), (A, OBSERVER), (OBSERVER, A)}
    line.member(B).crash()
    line.member(B).start()
    to_b = [datagram for sender, receiver, datagram in taken if (sender, receiver) == (A, B)]
    for datagram in 3 * to_b:
        line.member(B).receive(A, datagram)
        line.run(20)
    line.run(2_000)
    assert line.member(B).node.state.peers[A].live.state is LineState.DEAD
    noise = line.member(B).node.state.noise
    assert noise["datagram that no session opens"] >= len(to_b)
    assert len(line.shown(B, "statement", leaf)) == 1
    line.world.cut.clear()
    line.run(8_000)
    assert proved(line, B) == []
    warnings_go_on(line)


def test_an_entry_brought_again_is_known() -> None:
    line, villain = line_with(Hostile, set())
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(2_000)
    size = len(line.member(B).node.books.by_leaf)
    for _ in range(50):
        villain.inject(B, EntryItem(villain.node.books.by_leaf[leaf].raw))
    line.run(300)
    assert len(line.member(B).node.books.by_leaf) == size
    assert len(line.shown(B, "statement", leaf)) == 1


def test_back_dating_contradicts_what_stands_before_it() -> None:
    line, _ = line_with(hostile.BackDating, {B, OBSERVER})
    line.say(A, notice(line.wall_ms + 5 * MINUTE, text="ten minutes ago, it says"))
    line.run(3_000)
    assert "it had said what stands before it by" in line.shown(B, "clock")[0].text
    assert (Rule.TIMES, A) in rules(line, B)
    warnings_go_on(line, {B: {A, OBSERVER}})


def test_a_clone_is_proved_by_the_links_of_both_copies() -> None:
    line = Line(hostile={A: Hostile})
    line.world.double(A)
    line.world.hear_double(A, True)
    line.run(8_000)
    line.world.hear_double(A, False)
    line.run(8_000)
    assert line.alarms(B, "clone")
    assert rules(line, B) == {(Rule.CLONE, A)}
    warnings_go_on(line)


def test_a_restored_disk_that_signs_on_in_its_old_start_has_signed_twice() -> None:
    line, villain = line_with(hostile.Resuming, set())
    image = villain.image()
    line.say(A, notice(line.wall_ms + 30 * MINUTE, text="before the restore"))
    line.run(2_000)
    start = villain.node.state.author
    villain.before = (start.incarnation, start.start)
    villain.restore(image)
    villain.start()
    again = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="as if nothing had been said"))
    line.run(4_000)  # a session, by which it is also given back what it had said
    villain.inject(B, EntryItem(villain.node.books.by_leaf[again].raw))  # its place is taken there
    line.run(2_000)
    assert line.alarms(B, "disputed")
    assert (Rule.SLOT, A) in rules(line, B)
    texts = [shown.text for shown in line.shown(B, "statement")]
    assert any("as if nothing had been said" in text for text in texts), "shown outside the record"
    warnings_go_on(line, {B: {OBSERVER}})


def test_a_receipt_for_what_was_not_said_moves_nothing_and_is_proved_once_it_has_been() -> None:
    line, villain = line_with(hostile.Receipting, {A, OBSERVER}, who=B)
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(2_000)
    assert B not in line.matter(A, leaf).ladder, "no rung is moved"
    reasons = {d.reason for d in line.member(A).node.state.disputes}
    assert any("have been said" in reason for reason in reasons)
    for number in range(villain.more):
        line.say(A, notice(line.wall_ms + 30 * MINUTE, text=f"more {number}"))
    line.run(2_000)
    assert (Rule.RECEIPT, B) in rules(line, A)
    warnings_go_on(line, {A: {B, OBSERVER}, B: {A, OBSERVER}})


def test_what_is_too_large_is_dropped_and_counted() -> None:
    line, villain = line_with(Hostile, set())
    like = villain.own()[-1]
    body = canonical.encode([None, None, 1, "x" * 70_000])
    large = villain.next_entry(like, like, Kind.CLARIFY, Precedence.FLASH, body)
    before = line.member(B).node.snapshot()
    villain.inject(B, EntryItem(large.raw))
    villain.inject(B, Note(b"x" * 70_000))
    villain.inject(B, *[Have(A, like.header.incarnation, 1)] * 1_500)
    line.run(300)
    noise = line.member(B).node.state.noise
    assert (noise["malformed entry"], noise["malformed checkpoint"], noise["unknown item"]) == (1, 1, 500)
    assert len(line.member(B).node.snapshot()) < len(before) + 2_000
    with pytest.raises(ValueError, match="at most"):
        villain.sessions[B].seal(bytes(part.MAX_FRAME + 1), line.world.now)
    warnings_go_on(line)


def test_a_flood_waits_at_its_author_and_is_told_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quotas.ALLOWED, quotas.OTHERS, (20, 100))
    line, villain = line_with(Hostile, set())
    said = hostile.flood(villain, 512)
    hostile.pour(villain, B, said)
    line.run(500)
    held = line.member(B).node.books.of(A)[-1]
    taken = len(held.entries) + len(held.held)
    assert taken < 130, "what is beyond the allowance is not taken yet"
    [told] = line.shown(B, "quota")
    assert told.text.startswith("quota: ALFA 1200 other statements a minute; 1 other statements wait there")
    warning = hostile.flood(villain, 520, Kind.CLARIFY)[-1]
    flash = villain.next_entry(warning, warning, Kind.HAZARD, Precedence.FLASH, canonical.encode([None, None]))
    villain.inject(B, EntryItem(flash.raw))
    line.run(100)
    assert line.shown(B, "statement", flash.leaf), "a FLASH has an allowance of its own"
    for _ in range(30):  # an author that brings what waits again, as a node does
        hostile.pour(villain, B, (entry for entry in said if not _has(line, B, entry)))
        line.run(1_000)
    assert all(_has(line, B, entry) for entry in said), "nothing was dropped for good"
    line.run(1_000)
    assert line.shown(B, "quota")[-1].text == "all that waited at ALFA has come"


def _has(line: Line, who: int, entry: entries.Entry) -> bool:
    return entry.leaf in line.member(who).node.books.by_leaf


def test_a_flood_of_one_delays_no_flash_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quotas.ALLOWED, quotas.OTHERS, (20, 100))
    shown_after = []
    for flooding in (False, True):
        line, villain = line_with(Hostile, set())
        if flooding:
            for at, entry in enumerate(hostile.flood(villain, 1_000)):
                line.world.after(at, partial(villain.inject, B, EntryItem(entry.raw)))
        line.run(500)
        begun, leaf = line.world.now, line.say(OBSERVER, notice(line.wall_ms + 30 * MINUTE))
        line.run(500)
        shown_after.append(next(at for at, s in line.member(B).log.shown if s.leaf == leaf) - begun)
    assert max(shown_after) <= 30, "what the path takes, and nothing more"
    assert shown_after[1] <= shown_after[0] + 20


def test_a_flood_of_new_logbooks_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quotas.ALLOWED, quotas.STARTS, (1, 20))
    line, villain = line_with(Hostile, set())
    like, body = villain.own()[-1], canonical.encode([None, None, 1, "what?"])
    for number in range(60):
        header = msgspec.structs.replace(like.header, incarnation=bytes((1, number)) * 4, start=number)
        fresh = msgspec.structs.replace(like, header=header)
        villain.inject(B, EntryItem(villain.next_entry(None, fresh, Kind.CLARIFY, Precedence.ROUTINE, body).raw))
    line.run(500)
    assert len(line.member(B).node.books.of(A)) <= 22
    assert "wait there" in line.shown(B, "quota")[0].text
    warnings_go_on(line)


def test_the_allowances_are_far_above_what_people_say() -> None:
    for sort in (quotas.FLASH, quotas.NOTICES):
        per_second, burst = quotas.ALLOWED[sort]
        assert per_second >= 20, "twenty officers, each a statement a second"
        assert burst >= 10_000


def test_garbage_in_anothers_name_uses_up_its_bringers_allowance_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quotas.ALLOWED, quotas.OTHERS, (1, 10))
    line, villain = line_with(Hostile, set())
    like = line.member(OBSERVER).node.books.of(OBSERVER)[-1].entries[0]
    body = canonical.encode([None, None, 1, "what?"])
    for seq in range(1, 40):
        header = msgspec.structs.replace(like.header, seq=seq, prev=bytes(31) + b"1", kind=Kind.CLARIFY, precedence=4)
        villain.inject(B, EntryItem(villain.sign_entry(header, like.seed, body).raw))
    line.run(500)
    assert line.member(B).node.state.noise["wrongly signed entry"] <= 11, "no more signatures are verified for it"
    leaf = line.say(OBSERVER, statement.Clarify(doubts=1, text="of the observer"), Precedence.ROUTINE)
    line.run(1_000)
    assert line.shown(B, "statement", leaf)


def test_a_half_open_peer_is_told_dead_and_still_heard() -> None:
    line, _ = line_with(hostile.HalfOpen, {B})
    line.run(8_000)
    assert line.member(B).node.state.peers[A].live.state is LineState.DEAD
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    assert line.shown(B, "statement", leaf), "what it says is displayed all the same"
    warnings_go_on(line)


def test_a_slow_peer_is_told_and_holds_up_nobody_else() -> None:
    line, villain = line_with(hostile.Slow, {B})
    line.run(8_000)
    assert line.member(B).node.state.peers[A].live.state in (LineState.SUSPECT, LineState.DEAD)
    begun = line.world.now
    for number in range(300):
        line.say(B, notice(line.wall_ms + 30 * MINUTE, text=str(number)), Precedence.ROUTINE)
    line.run(3_000)
    assert len(line.member(B).node.state.peers[A].flight) <= 256
    leaf = line.say(OBSERVER, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    shown = next(at for at, s in line.member(B).log.shown if s.leaf == leaf)
    assert shown - (begun + 3_000) <= 40
    own = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="late by three seconds"))
    line.run(villain.by_ms + 1_000)
    assert line.shown(B, "statement", own)


def test_a_peer_that_claims_to_be_ahead_of_us_is_sent_everything() -> None:
    line, villain = line_with(Hostile, set(), who=B)
    incarnation = line.member(A).node.state.author.incarnation
    villain.inject(A, Have(A, incarnation, 5_000, (6_000, 2**40)))
    line.run(500)
    [text] = line.alarms(A, "ahead")
    assert "BRAVO holds more of us than we have said: " in text
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(1_000)
    assert line.shown(B, "statement", leaf)
    assert proved(line, A) == [], "a word in a frame is nobody's signature"
    warnings_go_on(line)


def test_keys_and_signatures_of_small_order_are_nobodys() -> None:
    line, villain = line_with(Hostile, set())
    like = villain.own()[-1]
    for small in (bytes(32), b"\x01" + bytes(31)):
        raw = entries.assemble(like.header_bytes, small + bytes(32), (), like.seed, like.body)
        villain.inject(B, EntryItem(raw))
    line.run(300)
    assert line.member(B).node.state.noise["wrongly signed entry"] == 2
    document = msgspec.msgpack.decode(line.world.genesis.document)
    body = document[0].replace(bytes(founding.signing_key("ALFA", "node").verify_key), b"\x01" + bytes(31))
    signatures = [
        geneses.RootSignature(i, 0, founding.signing_key(name, "root").sign(geneses.signing_message(body)).signature)
        for i, name in enumerate(founding.NAMES)
    ]
    with pytest.raises(BadGenesis, match="not a sound Ed25519 key"):
        Genesis.read(geneses.document(body, signatures))
    with pytest.raises(evidence.BadEvidence, match="not a sound Ed25519 key"):
        judge(evidence.Evidence(geneses.document(body, signatures), ()))


def test_a_hello_with_a_key_of_small_order_makes_no_session() -> None:
    line, villain = line_with(Hostile, set())
    line.world.cut |= {(A, B)}
    line.run(1_000)  # as long as the peer is heard no HELLO of its is looked at
    before = line.member(B).sessions[A].receive
    ends, nonce = Ends(line.world.genesis.line, A, B, b"", line.world.genesis.tag_key), line.world.fresh(16)
    kem = handshake.KemKey(line.world.fresh).public[: handshake.MLKEM_PUBLIC_BYTES] + bytes(32)
    body = canonical.encode(
        handshake.Hello(handshake.HELLO_MAGIC, handshake.veiled(ends.line, nonce), A, B, nonce, kem)
    )
    said = handshake.message(body, villain.keys.sign(handshake.hello_signing_message(body)))
    events = [event for one in datagrams(part.HELLO, ends, said) for event in before(one, line.world.now, "0")]
    assert [str(getattr(event, "reason", "")) for event in events][-1].startswith("no HELLO or KEY of this version")
    line.world.cut.clear()
    line.run(4_000)
    warnings_go_on(line)


def test_what_was_found_is_still_known_after_a_start() -> None:
    line, villain = line_with(hostile.Equivocating, {B})
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    hostile.pour(villain, B, hostile.flood(villain, 60))
    line.run(4_000)
    member: Member = line.member(B)
    member.take(Tick(member.stamp()))
    member.flush()
    disputed, known = list(member.node.state.disputes), rules(line, B)
    assert disputed
    member.crash()
    member.start()
    assert member.node.state.disputes == disputed, "what was disputed is remembered over a start"
    assert rules(line, B) == known
