"""Frames: the literal bytes of the specification, and reading that never raises anything but BadFrame."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.accord import canonical
from keepclear.line import frame as frames
from keepclear.line.frame import Ask, BadFrame, Book, EntryItem, Frame, Have, Item, Note, Vector

SPEC = Path(__file__).resolve().parents[2] / "spec" / "frame.md"
INCARNATION = bytes.fromhex("a1b2c3d4e5f60718")
NONCE = bytes(range(16))
EXAMPLES: dict[str, Frame] = {
    "heartbeat": Frame("udp", 61_250, 1_537_209_540_011, 60_990, 12),
    "have-ask": Frame("udp", 61_250, 1_537_209_540_011, None, 0, (Have(0, INCARNATION, 3, (5,)), Ask(NONCE))),
    "vector": Frame(
        "udp", 61_250, 1_537_209_540_011, 60_990, 12,
        (Vector(NONCE, (Book(0, INCARNATION, 0, 1, b"\x11" * 32, ((2, b"\x22" * 32),)),)),),
    ),
}  # fmt: skip


def written(name: str) -> bytes:
    """The example's bytes as the specification writes them: pairs of hex digits up to where words begin."""
    block = SPEC.read_text().split(f"<!-- frame:{name} -->\n```\n", 1)[1].split("```", 1)[0]
    pieces = [
        re.match(r"\s*((?:[0-9a-f]{2})+(?:\s(?:[0-9a-f]{2})+)*)(?:\s{2,}|\s*$)", line) for line in block.split("\n")
    ]
    return bytes.fromhex("".join(piece[1] for piece in pieces if piece))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_specification_has_the_bytes_that_are_sent(name: str) -> None:
    assert frames.to_bytes(EXAMPLES[name]) == written(name)
    frame, items, strange = frames.read(written(name))
    assert (frame.mono_ms, frame.echo_ms, strange) == (61_250, EXAMPLES[name].echo_ms, 0)
    assert tuple(items) == EXAMPLES[name].items


def test_an_item_that_is_not_known_is_skipped_and_counted() -> None:
    data = canonical.encode(["udp", 1, 2, None, 0, [[99, "later"], [1, b"entry"], [2, "no"], 7, [5, b"note"]]])
    _, items, strange = frames.read(data)
    assert items == [EntryItem(b"entry"), Note(b"note")]
    assert strange == 3


@pytest.mark.parametrize(
    "frame",
    [
        ["longer", 1, 2, None, 0, []],
        ["udp", -1, 2, None, 0, []],
        ["udp", 1, 2, None, -1, []],
        ["udp", 1, 2, None],
        "udp",
    ],
)
def test_what_is_no_frame_is_refused(frame: object) -> None:
    with pytest.raises(BadFrame):
        frames.read(canonical.encode(frame))


def test_a_frame_beyond_the_limit_is_refused() -> None:
    with pytest.raises(BadFrame, match="131072"):
        frames.read(frames.to_bytes(Frame("udp", 1, 2, None, 0, (EntryItem(bytes(frames.MAX_FRAME_BYTES)),))))


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        frames.read(data)
    except BadFrame:
        return


items = st.one_of(
    st.builds(EntryItem, st.binary(max_size=99)),
    st.builds(
        Have, st.integers(0, 4), st.binary(min_size=8, max_size=8), st.integers(0, 2**40), st.tuples(st.integers(0, 9))
    ),
    st.builds(Ask, st.binary(min_size=16, max_size=16)),
)


@given(st.lists(items, max_size=5), st.integers(0, 2**50), st.none() | st.integers(0, 2**50))
def test_what_is_written_is_read(said: list[Item], mono_ms: int, echo_ms: int | None) -> None:
    frame, found, strange = frames.read(frames.to_bytes(Frame("udp", mono_ms, 5, echo_ms, 0, tuple(said))))
    assert (frame.mono_ms, frame.echo_ms, found, strange) == (mono_ms, echo_ms, said, 0)
