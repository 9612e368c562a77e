"""A sample of the fuzzing: what a peer may send as bytes, and short chunks of everything."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.node.solo import BRAVO, Solo

from keepclear.node.inputs import Receive
from sim import fuzz
from sim.bounds import bounds

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.binary(max_size=40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=30,
)
SOLO = Solo().start()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    before = sum(SOLO.noise.values())
    SOLO.take(Receive(SOLO.stamp(), BRAVO, bytes((BRAVO,)) * 8, data))
    assert sum(SOLO.noise.values()) == before + 1


@settings(max_examples=300, deadline=None)
@given(st.lists(st.builds(lambda tag, rest: [tag, *rest], st.integers(0, 6), st.lists(VALUES, max_size=6)), max_size=4))
def test_no_items_raise_and_none_outgrow_their_bounds(items: list[list[object]]) -> None:
    SOLO.hear(BRAVO, *items)
    assert all(number <= most for _, number, most in bounds(SOLO.node))


@settings(max_examples=4, deadline=None)
@given(st.integers(10_000, 1_000_000))
def test_a_short_chunk_of_everything(chunk: int) -> None:
    fault, calls, tried = fuzz.run(chunk, 150)
    assert fault == ""
    assert calls < fuzz.MAX_CALLS
    assert tried["warning"] + tried["entry"] + tried["frame"] > 50
