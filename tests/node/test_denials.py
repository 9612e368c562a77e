"""What a member says that it holds only grows within one start: by its headers, its receipts, in any sequence."""

from itertools import permutations

import msgspec
import pytest
from tests.node.solo import BRAVO, GENESIS, KEYS, WALL_MS, WITNESS, Solo

from keepclear.accord import canonical, statement
from keepclear.accord.statement import Kind
from keepclear.node.denials import WHY
from keepclear.record import entry as entries
from keepclear.record import tree
from keepclear.record.entry import NO_PREV, Entry, Header, Seen

START, OTHER = b"bravo1..", b"witness1"
EMPTY = canonical.encode([None, None, 1, "?"])


def chain(*said: tuple[int, statement.Receipt | None]) -> list[Entry]:
    """Entries of BRAVO: what each has seen of WITNESS's logbook, and the receipt that it is, if it is one."""
    out: list[Entry] = []
    for seq, (size, receipt) in enumerate(said):
        body, kind = (EMPTY, Kind.CLARIFY) if receipt is None else (statement.to_bytes(receipt), Kind.RECEIPT)
        seed = bytes((seq,)) * 32
        header = Header(
            suite=1, line=GENESIS.line, epoch=0, party=BRAVO, incarnation=START, start=0, seq=seq,
            prev=out[-1].leaf if out else NO_PREV, seen=(None, Seen(OTHER, size, WALL_MS)), wall_ms=WALL_MS + seq,
            wall_err_ms=50, precedence=4, kind=kind, replaces=None, refs=(), to=GENESIS.everyone, seat="",
            valid_from_ms=WALL_MS, expiry_ms=None, body_root=entries.body_root(seed, body), releases_hash=None,
            key=GENESIS.node_key(BRAVO),
        )  # fmt: skip
        data = canonical.encode(header)
        signature = KEYS[BRAVO].sign(entries.signing_message(data))
        out.append(entries.read(entries.assemble(data, signature, (), seed, body), canonical.MAX_BYTES))
    return out


def receipt(size: int, root: bytes = bytes(32)) -> statement.Receipt:
    return statement.Receipt(party=WITNESS, incarnation=OTHER, size=size, root=root or tree.EMPTY_ROOT, ranges=())


def reasons(said: list[Entry], turn: tuple[int, ...]) -> set[str]:
    solo = Solo().start()
    for nth in turn:
        solo.hear_entry(BRAVO, said[nth].raw)
    return {dispute.reason for dispute in solo.node.state.disputes if dispute.party == BRAVO}


@pytest.mark.parametrize("turn", list(permutations(range(3))))
def test_headers_that_have_seen_less_are_found_in_whatever_sequence_they_come(turn: tuple[int, ...]) -> None:
    assert reasons(chain((5, None), (6, None), (5, None)), turn) == {WHY}
    assert reasons(chain((5, None), (5, None), (6, None)), turn) == set()


@pytest.mark.parametrize("turn", list(permutations(range(3))))
def test_receipts_for_less_are_found_too(turn: tuple[int, ...]) -> None:
    assert reasons(chain((9, receipt(5)), (9, None), (9, receipt(4))), turn) == {WHY}
    assert reasons(chain((9, receipt(4)), (9, None), (9, receipt(5))), turn) == set()


def test_a_header_that_has_seen_less_than_was_receipted_before() -> None:
    assert reasons(chain((0, receipt(5)), (0, None)), (0, 1)) == {WHY}


def test_two_receipts_for_one_size_and_different_entries() -> None:
    found = reasons(chain((9, receipt(5)), (9, receipt(5, b"\x01" * 32))), (0, 1))
    assert found == {"it has receipted two different logbooks of one size"}


def test_another_start_may_hold_less() -> None:
    solo = Solo().start()
    for start, size in ((b"bravo1..", 5), (b"bravo2..", 3)):
        [one] = chain((size, None))
        header = msgspec.structs.replace(one.header, incarnation=start)
        data = canonical.encode(header)
        signature = KEYS[BRAVO].sign(entries.signing_message(data))
        solo.hear_entry(BRAVO, entries.assemble(data, signature, (), one.seed, one.body))
    assert solo.node.state.disputes == []
