"""Signed notes: the example that C2SP prints, the forms, and what a verifier makes of known and unknown keys."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.record.build import signing_key

from keepclear.record import note
from keepclear.record.note import BadNote, Key, KeyType, Note, Signature

# From c2sp.org/tlog-cosignature: a checkpoint, its author's signature, a witness's cosignature.
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 - printed so
TEXT = "keepclear\n"
names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z"), exclude_characters="+"), min_size=1, max_size=20)
signatures = st.builds(Signature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
texts = st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20), min_size=1, max_size=5)


def key_of(name: str) -> Key:
    return Key(name, KeyType.ED25519, bytes(signing_key(name).verify_key), 0)


def signed_by(name: str, text: str = TEXT) -> Signature:
    return Signature(name, key_of(name).id, signing_key(name).sign(text.encode()).signature)


def text_of(_: Key, time_s: int) -> bytes:
    assert time_s == 0
    return TEXT.encode()


def test_the_printed_example() -> None:
    parsed = note.parse(EXAMPLE.encode())
    assert parsed.text == EXAMPLE[: EXAMPLE.index("\n\n") + 1]
    assert [one.name for one in parsed.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert int.from_bytes(parsed.signatures[1].value[:8], "big") == 1_679_315_147
    assert note.format_note(parsed) == EXAMPLE.encode()


@given(texts, st.lists(signatures, min_size=1, max_size=16))
def test_every_note_comes_back_from_its_bytes(lines: list[str], signed: list[Signature]) -> None:
    made = Note("\n".join(lines) + "\n", tuple(signed))
    assert note.parse(note.format_note(made)) == made


@given(texts, st.lists(signatures, min_size=1, max_size=3), st.data())
def test_a_changed_bit_is_refused_or_is_another_note(
    lines: list[str], signed: list[Signature], data: st.DataObject
) -> None:
    made = Note("\n".join(lines) + "\n", tuple(signed))
    raw = bytearray(note.format_note(made))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other = note.parse(bytes(raw))
    except BadNote:
        return
    assert other != made
    assert note.format_note(other) == bytes(raw)


def test_a_strangers_signature_is_left_out_and_a_known_keys_bad_one_spoils_the_note() -> None:
    made = Note(TEXT, (signed_by("ALFA"), signed_by("stranger")))
    assert [one.key.name for one in note.verify(made, [key_of("ALFA")], text_of)] == ["ALFA"]
    with pytest.raises(BadNote, match="no known key"):
        note.verify(made, [key_of("BRAVO")], text_of)
    spoilt = Note(TEXT, (signed_by("ALFA"), signed_by("BRAVO", "another text\n")))
    with pytest.raises(BadNote, match="BRAVO: the signature"):
        note.verify(spoilt, [key_of("ALFA"), key_of("BRAVO")], text_of)


def test_the_same_name_with_another_key_is_a_stranger() -> None:
    other = Signature("ALFA", b"\x00\x00\x00\x00", signed_by("ALFA").value)
    assert len(note.verify(Note(TEXT, (signed_by("ALFA"), other)), [key_of("ALFA")], text_of)) == 1


def test_sizes_are_bounded_before_anything_is_read() -> None:
    with pytest.raises(BadNote, match="65537 bytes, at most 65536"):
        note.parse(b"\xff" * 65_537)
    line = "— a " + base64.b64encode(bytes(100)).decode() + "\n"
    assert len(note.parse((TEXT + "\n" + line * 16).encode()).signatures) == 16
    with pytest.raises(BadNote, match="17 signatures, at most 16"):
        note.parse((TEXT + "\n" + line * 17).encode())


def test_a_time_has_to_fit() -> None:
    assert note.timed(2**63 - 1, b"s")[:8] == b"\x7f" + b"\xff" * 7
    for time_s in (-1, 2**63):
        with pytest.raises(BadNote, match="between 0 and"):
            note.timed(time_s, b"")
