"""The name of a box: the same at both ends, another in each direction, and nothing that a stranger can make."""

from itertools import permutations
from pathlib import Path

from keepclear.line import box

SPEC = Path(__file__).resolve().parents[2] / "spec" / "mailbox.md"
LINE, KEYS = bytes(range(32)), [bytes([i]) * 32 for i in range(1, 4)]


def test_a_box_is_named_by_line_sender_and_receiver() -> None:
    pairs = list(permutations(KEYS, 2))
    names = {box.name(line, sender, receiver) for line in (LINE, bytes(32)) for sender, receiver in pairs}
    assert len(names) == 2 * len(pairs)
    assert {len(name) for name in names} == {box.NAME_BYTES}


def test_the_name_in_the_specification() -> None:
    assert f"\n    {box.name(LINE, KEYS[0], KEYS[1]).hex()}\n" in SPEC.read_text(encoding="utf-8")
