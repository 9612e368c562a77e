"""Checkpoints: who signs what, how notes over one text become one, and when two records are one."""

from itertools import permutations

import pytest
from tests.record.build import Line, notice, small_line

from keepclear.record import checkpoint, note
from keepclear.record.checkpoint import Verified
from keepclear.record.note import BadNote, KeyType, Note


def who(verified: Verified) -> list[tuple[int, int, int | None]]:
    return [(one.key.member, one.key.type, one.time_s) for one in verified.signers]


def with_lines(line: Line, verified: Verified, *signed: tuple[int, KeyType, int]) -> bytes:
    """The author's note with more signatures, by (member, type, time)."""
    keys = [(checkpoint.key(line.genesis, member, kind), time_s) for member, kind, time_s in signed]
    lines = [line.note_line(verified.checkpoint, key, time_s) for key, time_s in keys]
    author = next(one.signature for one in verified.signers if one.key.type == KeyType.ED25519)
    return checkpoint.put_together(line.genesis, verified.checkpoint, [author, *lines])


def test_author_and_cosigners_are_told_apart_with_their_times() -> None:
    line = small_line()
    line.clock_ms += 60_000
    verified = line.sign_checkpoint(0, cosigners=(1, 2), mldsa=True)
    at = line.clock_ms // 1_000
    assert sorted(who(verified), key=lambda one: one[:2]) == [(0, 1, None), (0, 6, at), (1, 4, at), (2, 4, at)]
    assert checkpoint.verify(line.genesis, verified.raw) == verified
    assert checkpoint.read(line.genesis, verified.text) == verified.checkpoint


def test_the_messages_are_what_c2sp_says() -> None:
    line = small_line()
    value = line.notes[0, line.incarnation(0), 1].checkpoint
    text = checkpoint.text(line.genesis, value)
    cosigner = checkpoint.key(line.genesis, 1, KeyType.COSIGNATURE)
    assert checkpoint.message(line.genesis, value, cosigner, 7) == b"cosignature/v1\ntime 7\n" + text.encode()
    second = checkpoint.key(line.genesis, 1, KeyType.MLDSA44)
    name, origin = f"keepclear/{line.genesis.line.hex()[:16]}/BRAVO", text.split("\n")[0]
    assert checkpoint.message(line.genesis, value, second, 7) == (
        b"subtree/v1\n\x00" + bytes([len(name)]) + name.encode() + (7).to_bytes(8, "big")
        + bytes([len(origin)]) + origin.encode() + bytes(8) + (1).to_bytes(8, "big") + value.root
    )  # fmt: skip


def test_an_authors_signature_counts_only_on_its_own_checkpoint() -> None:
    """BRAVO's plain signature on ALFA's checkpoint is no cosignature: it would say nothing about when."""
    line = small_line()
    verified = line.notes[0, line.incarnation(0), 1]
    key = checkpoint.key(line.genesis, 1, KeyType.ED25519)
    stray = checkpoint.put_together(
        line.genesis, verified.checkpoint, [line.note_line(verified.checkpoint, key), verified.signers[0].signature]
    )
    assert who(checkpoint.verify(line.genesis, stray)) == [(0, 1, None)]


def test_notes_over_one_text_merge_the_same_in_every_order() -> None:
    line = small_line()
    base = line.notes[0, line.incarnation(0), 1]
    notes = [
        checkpoint.verify(line.genesis, with_lines(line, base, *signed))
        for signed in (
            ((1, KeyType.COSIGNATURE, 100),),
            ((1, KeyType.COSIGNATURE, 90), (2, KeyType.MLDSA44, 95)),
            ((2, KeyType.COSIGNATURE, 80), (1, KeyType.COSIGNATURE, 110)),
        )
    ]
    merged = {checkpoint.merge(checkpoint.merge(a, b), c).raw for a, b, c in permutations(notes)}
    assert len(merged) == 1
    one = checkpoint.verify(line.genesis, merged.pop())
    assert sorted(who(one), key=lambda one: one[:2]) == [(0, 1, None), (1, 4, 90), (2, 4, 80), (2, 6, 95)]
    assert checkpoint.merge(one, one) == one
    with pytest.raises(ValueError, match="same text"):
        checkpoint.merge(one, line.notes[1, line.incarnation(1), 2])


def test_a_note_of_another_line_is_refused() -> None:
    line, other = small_line(), small_line(seats=("duty",))
    raw = other.sign_checkpoint(0).raw
    with pytest.raises(BadNote, match="not of this line"):
        checkpoint.verify(line.genesis, raw)


def test_a_cosignature_without_its_author_is_no_checkpoint() -> None:
    line = small_line()
    verified = line.notes[0, line.incarnation(0), 1]
    alone = tuple(one.signature for one in verified.signers if one.key.type != KeyType.ED25519)
    with pytest.raises(BadNote, match="author ALFA has not signed"):
        checkpoint.verify(line.genesis, note.format_note(Note(verified.text, alone)))


def test_the_joint_checkpoint_is_equal_exactly_when_the_headers_held_are() -> None:
    line = Line()
    joints = lambda: [checkpoint.joint(line.genesis.line, view.all()) for view in line.views]  # noqa: E731
    assert len(set(joints())) == 1
    first = line.say(0, notice(), heard_by=())
    assert joints()[0] != joints()[1] == joints()[2]
    second = line.say(0, notice("More"), heard_by=())
    line.hear(1, second)  # past a gap: held, so no longer what the observer holds
    assert len(set(joints())) == 3
    line.hear(1, first)
    assert joints()[0] == joints()[1] != joints()[2]
    line.hear(2, first)
    line.hear(2, second)
    assert len(set(joints())) == 1
    assert checkpoint.joint(bytes(32), line.views[0].all()) != joints()[0]
