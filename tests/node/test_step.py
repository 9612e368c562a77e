"""A node takes in whatever comes: it raises nothing, counts what it drops, shows every warning, keeps its bounds."""

from typing import Any

import msgspec
import pytest
from tests.node.solo import ALFA, BRAVO, GENESIS, KEYS, WALL_MS, WITNESS, Solo

from keepclear.accord import statement
from keepclear.accord.shape import UNKNOWN_VOLUME
from keepclear.accord.statement import Body, Precedence
from keepclear.interop.position import Position
from keepclear.line import frame as frames
from keepclear.line import peer as peers
from keepclear.line.frame import Ailing, Ask, Book, Disk, EntryItem, Have, Note, Vector
from keepclear.node import flights
from keepclear.node.effects import Assess, Send, Sign
from keepclear.node.inputs import AnyInput, Assessed, DiskFailed, DiskHangs, Receive, Say, Stamp, Tick, Tracks
from keepclear.node.node import Node
from keepclear.record import checkpoint, tree
from keepclear.record import entry as entries
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import NO_PREV, Draft, Header
from keepclear.record.logbook import MAX_HELD_URGENT
from keepclear.record.note import KeyType

HAZARD = statement.Hazard(hazard=1, source=1, volumes=(UNKNOWN_VOLUME,), since_ms=None)
FLASH_HAZARD = Draft(
    statement.Kind.HAZARD, 1, None, (), GENESIS.everyone, "duty", WALL_MS, None, statement.to_bytes(HAZARD)
)


def signed(body: Body = HAZARD, author: int = BRAVO, **changes: Any) -> bytes:
    """An entry that its author has validly signed, whatever stands in its header."""
    data = statement.to_bytes(body)
    fields: dict[str, Any] = {
        "suite": 1, "line": GENESIS.line, "epoch": 0, "party": author, "incarnation": b"fresh" + bytes(3), "start": 0,
        "seq": 0, "prev": NO_PREV, "seen": (None, None), "wall_ms": WALL_MS, "wall_err_ms": 50,
        "precedence": Precedence.FLASH, "kind": body.kind, "replaces": None, "refs": (), "to": GENESIS.everyone,
        "seat": "duty", "valid_from_ms": WALL_MS, "expiry_ms": None, "body_root": entries.body_root(bytes(32), data),
        "releases_hash": None, "key": GENESIS.node_key(author),
    }  # fmt: skip
    header = msgspec.msgpack.encode(Header(**{**fields, **changes}))
    signature = KEYS[author].sign(entries.signing_message(header))
    return msgspec.msgpack.encode([header, signature, (), bytes(32), data])


def leaf(raw: bytes) -> bytes:
    return tree.leaf_hash(msgspec.msgpack.decode(raw)[0])


# -- warnings are shown ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seq": 3, "prev": b"p" * 32},  # past a gap
        {"seq": 2**53 - 1, "prev": b"p" * 32},  # where nothing can be held
        {"wall_ms": -(2**53) + 1, "wall_err_ms": 2**53 - 1},
        {"refs": (bytes(32), bytes(32)), "replaces": bytes(32)},
        {"start": 2**53 - 1, "epoch": 2**53 - 1},
    ],
)
def test_a_validly_signed_warning_is_shown_whatever_stands_in_its_header(changes: dict[str, Any]) -> None:
    solo = Solo().start()
    raw = signed(**changes)
    solo.hear_entry(BRAVO, raw)
    assert [shown.leaf for shown in solo.shows()] == [leaf(raw)]
    assert "flash" in solo.alarms()


def test_both_of_two_warnings_in_one_slot_are_shown_and_the_line_is_disputed() -> None:
    solo = Solo().start()
    one, other = signed(), signed(wall_ms=WALL_MS + 1)
    for raw in (one, other, one, other):
        solo.hear_entry(BRAVO, raw)
    assert [shown.leaf for shown in solo.shows()] == [leaf(one), leaf(other)]
    assert "NOT IN THE RECORD" in solo.shows()[1].facts[3][0]
    assert [(d.party, d.one, d.other) for d in solo.node.state.disputes] == [(BRAVO, one, other)]


def test_a_warning_in_our_own_name_that_is_not_ours_is_shown_and_disputed() -> None:
    solo = Solo().start()
    raw = signed(author=ALFA, incarnation=solo.node.state.author.incarnation, seq=7, prev=b"p" * 32)
    solo.hear_entry(WITNESS, raw)
    assert [shown.leaf for shown in solo.shows()] == [leaf(raw)]
    assert [d.party for d in solo.node.state.disputes] == [ALFA]


def test_a_statement_of_an_unknown_kind_is_kept_shown_and_receipted() -> None:
    solo = Solo().start()
    solo.hear_entry(BRAVO, signed(kind=99))
    assert len(solo.shows()) == 1
    kinds = [e.header.kind for e in solo.node.books.by_leaf.values()]
    assert kinds == [99, statement.Kind.RECEIPT]


# -- what is wrong is dropped and counted ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "noise"),
    [
        ({"seq": -1}, "wrongly signed entry"),
        ({"seq": 2**48, "to": 1}, "wrongly signed entry"),
        ({"party": 200}, "wrongly signed entry"),
        ({"line": bytes(32)}, "wrongly signed entry"),
        ({"precedence": 0}, "wrongly signed entry"),
        ({"seat": "x" * 17}, "wrongly signed entry"),
        ({"seq": "x"}, "malformed entry"),
        ({"wall_ms": 2**53}, "malformed entry"),
    ],
)
def test_an_entry_that_is_none_is_counted(changes: dict[str, Any], noise: str) -> None:
    solo = Solo().start()
    solo.hear_entry(BRAVO, signed(**changes))
    assert solo.noise == {noise: 1}
    assert not solo.node.books.by_leaf


def test_an_entry_signed_by_another_is_counted() -> None:
    solo = Solo().start()
    solo.hear_entry(BRAVO, signed(author=BRAVO, party=WITNESS, key=GENESIS.node_key(WITNESS)))
    assert solo.noise == {"wrongly signed entry": 1}


NO_FRAMES = (b"", b"\xc1", b"\x90", b"\x95\xa3udp\xff\x00\xc0\x00", b"\x96\xa3udp\xff\x00\xc0\x00\x90")


@pytest.mark.parametrize("data", NO_FRAMES)
def test_a_frame_that_is_none_is_counted_and_is_no_sign_of_life(data: bytes) -> None:
    solo = Solo().start()
    solo.take(Receive(solo.stamp(), BRAVO, bytes((BRAVO,)) * 8, data))
    assert solo.noise == {"malformed frame": 1}
    assert solo.node.state.peers[BRAVO].live.heard_ms is None


def test_items_beyond_a_frames_thousand_are_counted_unread() -> None:
    solo = Solo().start()
    solo.hear(BRAVO, *[Have(BRAVO, b"x" * 8, 1)] * 1_500)
    assert solo.noise == {"unknown item": 500}


# -- what a peer says is bounded -------------------------------------------------------------------------------------


def test_a_first_entry_too_far_ahead_opens_no_logbook_and_a_second_start_number_is_none() -> None:
    solo = Solo().start()
    solo.hear_entry(BRAVO, signed(seq=5_000, prev=b"p" * 32))
    solo.hear_entry(BRAVO, signed(seq=6_000, prev=b"p" * 32, start=1))
    assert not solo.node.books.books
    restored = Node(GENESIS, ALFA)
    restored.restore(solo.node.snapshot(), lambda kept: solo.kept[:kept])
    assert restored.snapshot() == solo.node.snapshot()


def test_logbooks_that_only_the_peer_has_named_are_kept_in_mind_up_to_a_limit() -> None:
    solo = Solo().start()
    for part in range(3):
        names = [(part * 1_000 + i).to_bytes(8, "big") for i in range(1_000)]
        solo.hear(BRAVO, *[Have(BRAVO, name, 2**53 - 1, (2**53 - 1,)) for name in names])
    assert len(solo.node.state.peers[BRAVO].holds) == peers.MAX_STRANGE_BOOKS
    assert solo.noise == {"word on more logbooks than are kept in mind": 1_000}


def test_slots_past_a_gap_are_kept_in_mind_up_to_a_limit() -> None:
    solo = Solo().start()
    for part in range(MAX_HELD_URGENT // 64 + 20):
        solo.hear(BRAVO, Have(BRAVO, b"x" * 8, 0, tuple(range(part * 64 + 1, part * 64 + 65))))
    assert len(solo.node.state.peers[BRAVO].holds[peers.book_key(BRAVO, b"x" * 8)].beyond) == MAX_HELD_URGENT


def test_a_vector_of_absurd_numbers_makes_one_link_and_no_sending() -> None:
    solo = Solo().start()
    names = [bytes((i % 256, i // 256)) * 4 for i in range(300)]
    books = [Book(party, name, 2**53 - 1, 2**53 - 1, bytes(32)) for party in (0, 1, 2) for name in names]
    solo.hear(BRAVO, Vector(bytes(16), tuple(books)))
    for _ in range(20):
        solo.mono_ms += 1_000
        solo.take(Tick(solo.stamp()))
    assert [e.header.kind for e in solo.node.books.by_leaf.values()] == [statement.Kind.LINK]
    assert len(solo.node.state.reconciling.wanted) <= frames.MAX_BOOKS


def test_questions_in_a_row_are_answered_once() -> None:
    solo = Solo().start()
    solo.done.clear()
    solo.hear(BRAVO, *[Ask(bytes(16))] * 500)
    assert len([item for item in solo.sent() if isinstance(item, Vector)]) == 1
    solo.mono_ms += peers.ASK_AGAIN_MS
    solo.hear(BRAVO, Ask(bytes(16)))
    assert len([item for item in solo.sent() if isinstance(item, Vector)]) == 2


def test_checkpoints_of_nothing_are_not_kept() -> None:
    solo = Solo().start()
    key = checkpoint.key(GENESIS, BRAVO, KeyType.ED25519)
    for number in range(20):
        at = Checkpoint(BRAVO, number.to_bytes(8, "big"), 0, tree.EMPTY_ROOT)
        line = checkpoint.line(key, 0, KEYS[BRAVO].sign(checkpoint.message(GENESIS, at, key, 0)))
        solo.hear(BRAVO, Note(checkpoint.put_together(GENESIS, at, [line])))
    assert solo.noise == {"checkpoint of nothing": 20}
    assert not solo.node.state.checkpointing.notes
    assert not solo.node.state.author.signing


def test_a_peer_that_has_not_answered_is_not_queued_for() -> None:
    solo = Solo().start()
    solo.hear_entry(BRAVO, signed())
    assert not solo.node.state.peers[WITNESS].later
    solo.hear(WITNESS, Vector(bytes(16), ()))
    assert [slot[0] for _, slot in solo.node.state.peers[WITNESS].later] == [BRAVO]


def test_an_entry_of_an_authors_other_start_is_brought_to_its_author() -> None:
    """Two computers with one disk and one key: what the one said to the witness alone, the other has to hear of."""
    solo = Solo().start()
    for peer in (BRAVO, WITNESS):
        solo.hear(peer, Vector(bytes(16), ()))
    raw = signed()
    solo.hear_entry(WITNESS, raw)
    solo.done.clear()
    solo.mono_ms += peers.RELAY_AFTER_MS
    solo.take(Tick(solo.stamp()))
    sent = [one for one in solo.done if isinstance(one, Send) and EntryItem(raw) in frames.read(one.frame)[1]]
    assert [one.peer for one in sent] == [BRAVO]


# -- own side --------------------------------------------------------------------------------------------------------


def position(**changes: Any) -> Position:
    fields: dict[str, Any] = {
        "source": "sim", "flight": "OWN1", "icao24": "", "lat_e7": 0, "lon_e7": 0, "alt_cm": None, "alt_ref": 4,
        "alt_err_cm": 0, "pos_err_cm": 0, "speed_cmps": None, "track_cdeg": None, "climb_cmps": None, "at_ms": WALL_MS,
    }  # fmt: skip
    return Position(**{**fields, **changes})


def held(solo: Solo) -> dict[str, Position]:
    fleet = solo.node.state.advice.fleet
    return {flight: fleet.report(flight) for flight in fleet.places}


@pytest.mark.parametrize(
    "changes",
    [{"lat_e7": 900_000_001}, {"lon_e7": -(2**53)}, {"alt_cm": 2**60}, {"pos_err_cm": -1}, {"speed_cmps": -1},
     {"track_cdeg": 36_001}, {"flight": "x" * 65}, {"at_ms": WALL_MS + 10**9}],
)  # fmt: skip
def test_a_position_that_cannot_be_is_counted_and_the_one_before_it_stands(changes: dict[str, Any]) -> None:
    solo = Solo().start()
    for one in (position(), position(**{"at_ms": WALL_MS + 500, **changes})):
        solo.take(Tracks(solo.stamp(), msgspec.msgpack.encode([one])))
    assert held(solo) == {"OWN1": position()}
    assert solo.noise == {"position out of range or from the future": 1}


def test_of_a_batch_the_newest_report_of_each_flight_stands_and_the_rest_of_it_is_read() -> None:
    solo = Solo().start()
    at = [position(flight=name, at_ms=WALL_MS + ms) for name, ms in (("A", 0), ("B", 5), ("A", 9), ("A", 7), ("B", 2))]
    wrong = msgspec.structs.replace(at[0], flight="C", track_cdeg=36_001)
    solo.take(Tracks(solo.stamp(), msgspec.msgpack.encode([*at[:2], wrong, 7, *at[2:]])))
    assert held(solo) == {"A": at[2], "B": at[1]}
    assert solo.noise == {"position out of range or from the future": 2}
    solo.take(Tracks(solo.stamp(), b"\xc1"))
    assert solo.noise["malformed track batch"] == 1


def test_more_flights_than_there_is_place_for_are_counted_even_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "MAX_POSITIONS", 3)
    solo = Solo().start()
    solo.take(Tracks(solo.stamp(), msgspec.msgpack.encode([position(flight=f"OWN{n}") for n in range(5)])))
    assert list(held(solo)) == ["OWN0", "OWN1", "OWN2"]
    assert solo.noise == {"flight beyond the limit": 2}


@pytest.mark.parametrize("findings", [(5,), ("x",), ([],), (None, None)])
def test_findings_that_are_none_read_not_assessed(findings: tuple[Any, ...]) -> None:
    solo = Solo().start()
    found = solo.take(Tracks(solo.stamp(), msgspec.msgpack.encode([position()])))
    [asked] = [effect for effect in found if isinstance(effect, Assess)]
    solo.take(Assessed(solo.stamp(), b"", findings))
    assert solo.noise == {"stale findings": 1}
    solo.take(Assessed(solo.stamp(), asked.digest, findings))
    assert solo.alarms() == ["not assessed"]
    assert not solo.node.state.advice.asked


def test_what_cannot_be_represented_is_refused_and_nothing_is_signed() -> None:
    solo = Solo().start()
    said = Draft(statement.Kind.ACTIVATED, 4, None, (), GENESIS.everyone, "duty", WALL_MS, None, b"\x93\xc0\xc0\x00")
    for changes in ({"body": b"\xc1"}, {"body": b"\x90"}, {"to": 1}, {"precedence": 0}, {"valid_from_ms": 2**53}):
        draft = msgspec.structs.replace(said, **changes)
        found = solo.take(Say(solo.stamp(), draft, 0, bytes(32), ()))
        assert not [effect for effect in found if isinstance(effect, Sign)]
    assert len(solo.shows("refused")) == 5
    assert [effect for effect in solo.take(Say(solo.stamp(), said, 0, bytes(32), ())) if isinstance(effect, Sign)]


def test_after_a_failed_disk_warnings_are_shown_and_nothing_is_receipted() -> None:
    solo = Solo(durable=False).start()
    solo.take(DiskFailed(solo.stamp(), "full"))
    solo.hear_entry(BRAVO, signed())
    solo.mono_ms += 5_000
    solo.take(Tick(solo.stamp()))
    assert len(solo.shows()) == 1
    assert not [e for e in solo.node.books.by_leaf.values() if e.header.kind == statement.Kind.RECEIPT]
    told = [item for item in solo.sent() if isinstance(item, Have)]
    assert all(have.size == 0 and not have.beyond for have in told)


def test_an_entry_leaves_only_behind_its_disk() -> None:
    solo = Solo(durable=False).start()
    solo.hear(BRAVO, Vector(bytes(16), ()))
    solo.take(Say(solo.stamp(), FLASH_HAZARD, 0, bytes(32), ()))
    sends = [one for one in solo.done if isinstance(one, Send)]
    carrying = [one for one in sends if any(isinstance(item, EntryItem) for item in frames.read(one.frame)[1])]
    assert [(one.durable, one.flash) for one in carrying] == [(True, True)]


@pytest.mark.parametrize("ails", [DiskHangs(Stamp(0, 0, 0), 2_000), DiskFailed(Stamp(0, 0, 0), "full")])
def test_a_flash_that_is_on_no_disk_is_marked_so_also_if_it_waited_for_the_disk(ails: AnyInput) -> None:
    solo = Solo(durable=False).start()
    solo.hear(BRAVO, Vector(bytes(16), ()))
    solo.take(Say(solo.stamp(), FLASH_HAZARD, 0, bytes(32), ()))
    solo.done.clear()
    solo.take(msgspec.structs.replace(ails, stamp=solo.stamp()))
    solo.take(Say(solo.stamp(), FLASH_HAZARD, 0, bytes(31) + b"2", ()))
    entries_sent = [item for item in solo.sent() if isinstance(item, EntryItem)]
    assert [item.undurable for item in entries_sent] == [True, True]
    assert len({item.raw for item in entries_sent}) == 2


def test_what_is_on_disk_is_not_marked_when_the_disk_hangs_later_nor_what_comes_after() -> None:
    solo = Solo().start()
    solo.hear(BRAVO, Vector(bytes(16), ()))
    solo.take(Say(solo.stamp(), FLASH_HAZARD, 0, bytes(32), ()))
    solo.take(DiskHangs(solo.stamp(), 2_000))
    solo.take(DiskHangs(solo.stamp(), 0))
    solo.take(Say(solo.stamp(), FLASH_HAZARD, 0, bytes(31) + b"2", ()))
    assert [item.undurable for item in solo.sent() if isinstance(item, EntryItem)] == [False, False]


@pytest.mark.parametrize(("boot_ms", "left_ms"), [(0, 25_000), (10**9, 25_000)])
def test_a_start_does_not_call_what_is_owed_overdue(boot_ms: int, left_ms: int) -> None:
    """Five seconds of thirty have gone by when the node starts anew, its machine's clock at another number."""
    solo = Solo().start()
    solo.hear_entry(BRAVO, signed())
    wall_ms = solo.stamp().wall_ms
    solo.mono_ms += 5_000
    offset = boot_ms - solo.mono_ms
    solo.stamp = lambda: Stamp(solo.mono_ms + offset, WALL_MS + solo.mono_ms, 50)  # type: ignore[method-assign]
    solo.start()
    for part_ms in (left_ms - 1_000, 2_000):
        assert "owed" not in solo.alarms()
        solo.mono_ms += part_ms
        solo.take(Tick(solo.stamp()))
    assert "owed" in solo.alarms()
    assert solo.stamp().wall_ms - wall_ms == 31_000


def test_an_older_frame_takes_back_no_word_on_a_peers_disk() -> None:
    solo = Solo().start()
    for mono_ms, items, ails in (
        (500, (Disk(Ailing.HANGS),), "HANGS"), (400, (), "HANGS"), (600, (Disk(Ailing.FAILED),), "FAILED"),
        (700, ([6, 9],), "NOTHING"), (650, (Disk(Ailing.HANGS),), "NOTHING"),
    ):  # fmt: skip
        solo.hear(BRAVO, *items, mono_ms=mono_ms)
        assert solo.node.state.peers[BRAVO].ailing.name == ails
    assert len(solo.shows("disk")) == 3
    assert solo.alarms() == ["disk", "disk"]
    assert solo.noise == {"unknown item": 1}
