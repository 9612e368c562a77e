"""Receipts: what they name is on disk, all of it, with times that are never earlier than the true ones."""

import msgspec
from tests.node.solo import BRAVO, GENESIS, KEYS, WALL_MS, Solo

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Precedence, Receipt
from keepclear.line import peer as peers
from keepclear.line.frame import EntryItem, Have, Vector
from keepclear.node.inputs import Displayed, Durable, Tick
from keepclear.node.state import Arrival, Owed
from keepclear.record import entry as entries
from keepclear.record import tree
from keepclear.record.entry import NO_PREV, Header

BODY = statement.to_bytes(statement.Distress(volumes=(), last_fix_ms=None))
INCARNATION = b"fresh" + bytes(3)


def chain(count: int, flash: tuple[int, ...] = ()) -> list[bytes]:
    """The first entries of BRAVO's logbook, some of them FLASH."""
    raws, prev = [], NO_PREV
    for seq in range(count):
        header = Header(
            suite=1, line=GENESIS.line, epoch=0, party=BRAVO, incarnation=INCARNATION, start=0, seq=seq, prev=prev,
            seen=(None, None), wall_ms=WALL_MS, wall_err_ms=50,
            precedence=Precedence.FLASH if seq in flash else Precedence.ROUTINE, kind=Kind.DISTRESS,
            replaces=None, refs=(), to=GENESIS.everyone, seat="", valid_from_ms=WALL_MS, expiry_ms=None,
            body_root=entries.body_root(bytes(32), BODY), releases_hash=None, key=GENESIS.node_key(BRAVO),
        )  # fmt: skip
        data = msgspec.msgpack.encode(header)
        signature = KEYS[BRAVO].sign(entries.signing_message(data))
        raws.append(entries.assemble(data, signature, (), bytes(32), BODY))
        prev = tree.leaf_hash(data)
    return raws


def receipts(solo: Solo) -> list[Receipt]:
    """All receipts that the node has said, in their sequence."""
    bodies = [entries.read_body(e.header.kind, e.body) for book in solo.node.books.of(solo.me) for e in book.entries]
    return [body for body in bodies if isinstance(body, Receipt)]


def told(found: list[Receipt]) -> dict[int, tuple[int, int | None]]:
    """What the receipts say of each entry; a later one says more."""
    return {
        seq: (durable_ms, shown_ms)
        for receipt in found
        for first, count, durable_ms, shown_ms in receipt.ranges
        for seq in range(first, first + count)
    }


def test_one_receipt_has_room_for_all_of_a_second_however_many_times_there_are() -> None:
    solo = Solo().start()
    durable_ms = {}
    for seq, raw in enumerate(chain(150)):
        solo.mono_ms += 7
        durable_ms[seq] = solo.stamp().wall_ms
        solo.hear_entry(BRAVO, raw)
    solo.mono_ms += 1_000
    solo.take(Tick(solo.stamp()))
    found = receipts(solo)
    assert len(found) <= 3, "at most one a second, in 2.1 s"
    assert told(found).keys() == durable_ms.keys()
    late_ms = [told(found)[seq][0] - true_ms for seq, true_ms in durable_ms.items()]
    assert min(late_ms) >= 0
    assert max(late_ms) <= 64, "the least joining that fits"
    assert all(len(receipt.ranges) <= 32 for receipt in found)


def test_few_times_are_told_to_the_millisecond() -> None:
    solo = Solo().start()
    durable_ms = {}
    for seq, raw in enumerate(chain(20)):
        solo.mono_ms += 7
        durable_ms[seq] = solo.stamp().wall_ms
        solo.hear_entry(BRAVO, raw)
    solo.mono_ms += 1_000
    solo.take(Tick(solo.stamp()))
    assert {seq: durable for seq, (durable, _) in told(receipts(solo)).items()} == durable_ms


def test_what_was_told_as_durable_is_told_again_when_it_has_been_shown() -> None:
    solo = Solo().start()
    raws = chain(3)
    for raw in raws:
        solo.hear_entry(BRAVO, raw)
    solo.mono_ms += 1_000
    solo.take(Tick(solo.stamp()))
    owed = solo.node.state.owed[peers.book_key(BRAVO, INCARNATION)]
    assert (sorted(owed.arrivals), sorted(owed.unshown)) == ([], [0, 1, 2]), "nothing is looked through in vain"
    assert {shown for _, shown in told(receipts(solo)).values()} == {None}

    solo.mono_ms += 60_000
    shown_ms = solo.stamp().wall_ms
    solo.take(Displayed(solo.stamp(), (tree.leaf_hash(msgspec.msgpack.decode(raws[1])[0]),)))
    solo.take(Tick(solo.stamp()))
    assert {seq: shown for seq, (_, shown) in told(receipts(solo)).items()} == {0: None, 1: shown_ms, 2: None}
    assert (sorted(owed.arrivals), sorted(owed.unshown)) == ([], [0, 2])


def test_the_author_is_told_of_each_entry_past_a_gap_and_not_of_the_same_few_again() -> None:
    solo = Solo().start()
    told_of: set[int] = set()
    for raw in chain(200)[1:]:
        solo.done.clear()
        solo.hear_entry(BRAVO, raw)
        told_of |= {seq for item in solo.sent() if isinstance(item, Have) for seq in item.beyond}
    assert told_of == set(range(1, 200))
    solo.done.clear()
    solo.hear_entry(BRAVO, chain(151)[150])
    again = [item for item in solo.sent() if isinstance(item, Have)]
    assert [(have.size, have.beyond) for have in again] == [(0, (150,))], "its word was lost on the way"


def beyond(solo: Solo) -> set[int]:
    return {seq for receipt in receipts(solo) for seq, _, _ in receipt.beyond}


def test_a_flash_far_past_a_gap_is_receipted_at_once() -> None:
    solo, raws = Solo().start(), chain(4_200, flash=(4_199,))
    solo.hear_entry(BRAVO, raws[0])
    solo.hear_entry(BRAVO, raws[4_199])
    assert beyond(solo) == {4_199}
    assert len(solo.shows()) == 2
    assert solo.noise == {}


def test_a_flash_past_a_gap_is_told_before_what_came_before_it() -> None:
    solo, raws = Solo(durable=False).start(), chain(60, flash=(50,))
    for raw in raws[1:]:
        solo.hear_entry(BRAVO, raw)
    solo.take(Durable(solo.stamp(), solo.node.state.n))
    assert [50 in {seq for seq, _, _ in receipt.beyond} for receipt in receipts(solo)] == [True]


def test_a_flash_is_told_at_once_however_many_times_are_told_with_it() -> None:
    solo, raws = Solo().start(), chain(41, flash=(40,))
    owed_before = 40
    for raw in raws[:owed_before]:
        solo.mono_ms += 5_000
        solo.hear_entry(BRAVO, raw)
    solo.node.state.owed[peers.book_key(BRAVO, INCARNATION)] = owed = Owed(said_ms=solo.mono_ms)
    for seq, raw in enumerate(raws[:owed_before]):
        owed.arrivals[seq] = Arrival(seq, tree.leaf_hash(msgspec.msgpack.decode(raw)[0]), 4, 5_000 * seq)
    solo.hear_entry(BRAVO, raws[40])
    last = receipts(solo)[-1]
    assert len(last.ranges) == 32
    assert last.ranges[-1][:2] == (40, 1)
    assert sorted(owed.arrivals) == list(range(31, 40)), "the rest has its turn"


def test_a_flash_that_comes_again_brings_its_receipt_again() -> None:
    solo, (raw,) = Solo().start(), chain(1, flash=(0,))
    vectored(solo)
    solo.hear_entry(BRAVO, raw)
    assert said_receipts(solo) == 1
    solo.done.clear()
    solo.mono_ms += 400
    solo.hear_entry(BRAVO, raw)
    assert said_receipts(solo) == 1, "before its own time has come"
    solo.done.clear()
    solo.hear_entry(BRAVO, raw)
    assert said_receipts(solo) == 0, "not twice in one moment"


def vectored(solo: Solo) -> None:
    """BRAVO has said that it holds nothing."""
    solo.node.state.peers[BRAVO].live.smooth_ms = 600
    solo.hear(BRAVO, Vector(solo.node.state.peers[BRAVO].ask, ()))


def said_receipts(solo: Solo) -> int:
    entered = [entries.read(item.raw, 65_536) for item in solo.sent() if isinstance(item, EntryItem)]
    return sum(entry.header.kind == Kind.RECEIPT for entry in entered)
