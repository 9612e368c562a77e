"""A damaged journal: what is whole of it is kept, what is not is never used, and nothing is lost by mending it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from keepclear.host import journal_place, salvage, wal
from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalBusy, JournalDamaged
from keepclear.host.journal_place import Place, held
from keepclear.host.journal_records import Note, Row, Snapshot
from keepclear.host.mend import open_node
from keepclear.node.inputs import Tick
from sim.run import GENESIS, KEYS, SETTINGS
from sim.world import Member, World


def a_node_that_lived(seconds: int = 13) -> Member:
    """A member that has talked with two others for some seconds."""
    world = World(1, GENESIS, KEYS, SETTINGS)
    world.snapshot_chance = 0.0
    world.start_all()
    world.run(seconds * 1_000)
    world.members[0].flush()
    return world.members[0]


def as_file(member: Member, path: Path) -> None:
    """The member's journal as a file that was closed in good time."""
    Journal.open(path).close()
    path.write_bytes(member.image())
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")


@pytest.fixture
def lived(tmp_path: Path) -> tuple[Member, Path]:
    member, path = a_node_that_lived(), tmp_path / "node" / "journal.db"
    as_file(member, path)
    return member, path


def test_an_entry_is_had_again_from_the_inputs_that_brought_it(lived: tuple[Member, Path]) -> None:
    """Which a start from the newest snapshot would not step: it goes back to the one before."""
    member, path = lived
    assert member.hands is not None
    member.hands.take(Tick(member.stamp()))
    member.hands.commit(snapshot=True)
    as_file(member, path)
    whole = dict(member.journal.entries())
    with closing(sqlite3.connect(path)) as db:  # in its own place; the frame that brought it holds the same bytes
        db.execute("UPDATE entries SET raw = x'00' || substr(raw, 2) WHERE i = 3")
        db.commit()
    opened = open_node(path, GENESIS, 0, 0)
    assert dict(opened.journal.entries()) == whole
    assert opened.node.state.n == member.node.state.n
    assert "record 3 of entries is not as it was written" in opened.told[0]
    assert f"{len(whole)} entries are whole" in opened.told[0]
    assert salvage.read(path.parent / "journal.damaged-1" / path.name).entries.keys() == {*range(1, len(whole) + 1)} - {
        3
    }
    opened.journal.close()


def test_a_damaged_input_ends_the_replay_and_the_record_goes_on(lived: tuple[Member, Path]) -> None:
    member, path = lived
    rows = list(member.journal.read(1))
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"UPDATE rows SET effects_digest = x'00' WHERE n = {len(rows) // 2 + 1}")
        db.commit()
    opened = open_node(path, GENESIS, 0, 0)
    assert set(opened.node.books.by_leaf) == set(member.node.books.by_leaf)
    assert f"as after input {len(rows) // 2} of {len(rows)}" in opened.told[0]
    assert (opened.node.state.n, opened.journal.newest_n) == (len(rows), len(rows))
    assert not opened.node.state.author.incarnation, "nothing is signed in the incarnation of an earlier start"
    opened.journal.close()


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def noise(path: Path) -> None:
    path.write_bytes(b"Dear sir, " * 1_000)


def root_page(path: Path) -> None:
    """The page where the table of entries begins, and the one that says where."""
    data = path.read_bytes()
    path.write_bytes(bytes(4_096) + data[4_096:])


@pytest.mark.parametrize(("harm", "kept"), [(nothing, False), (noise, False), (root_page, True)])
def test_whatever_lies_there_the_node_starts(
    lived: tuple[Member, Path], harm: Callable[[Path], None], kept: bool
) -> None:
    member, path = lived
    harm(path)
    opened = open_node(path, GENESIS, 0, 0)
    assert set(opened.node.books.by_leaf) == (set(member.node.books.by_leaf) if kept else set())
    assert opened.told
    opened.journal.close()
    again = open_node(path, GENESIS, 0, 0)
    assert again.told == ()
    again.journal.close()


def test_what_takes_the_place_of_a_damaged_journal_does_so_whole_however_often_it_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "node" / "journal.db"
    for name, text in ((path, b"damaged"), (path.with_name("journal.db-wal"), b"its log")):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        name.write_bytes(text)
    left, real = [0], journal_place.os.replace

    def cut_off(one: Path, other: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5, "the power went")
        real(one, other)

    monkeypatch.setattr(journal_place.os, "replace", cut_off)
    mended = tmp_path / "node" / "new"
    mended.write_bytes(b"mended")
    for allowed in range(5):
        left[0] = allowed
        try:
            with held(path) as place:
                if mended.exists():
                    place.set_aside(mended)
        except OSError:
            continue
    aside = tmp_path / "node" / "journal.damaged-1"
    assert {one.name: one.read_bytes() for one in aside.iterdir()} == {
        "journal.db": b"damaged", "journal.db-wal": b"its log",
    }  # fmt: skip
    assert path.read_bytes() == b"mended"


def test_a_place_is_held_by_one_and_what_lies_there_is_not_looked_at_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "node" / "journal.db"
    journal = Journal.open(path)
    journal.append([], 0, snapshot=Snapshot(0, "1", b""))
    with pytest.raises(JournalBusy, match="another process has it open"):
        open_node(path, GENESIS, 0, 0)
    assert not list(path.parent.glob("journal.damaged-*"))
    journal.close()


def killed_with_a_log(path: Path, groups: int) -> bytes:
    """A journal whose process was killed: everything is in the log. Answers the log."""
    journal = Journal.open(path)
    journal.append([], 0, snapshot=Snapshot(0, "1", b""))
    for n in range(1, groups + 1):
        journal.append([Row(n, b"input %d" % n * 50, bytes(16))], n, notes=[Note("o", n, "note")])
    files = {name: path.with_name(path.name + name).read_bytes() for name in ("", "-wal", "-held")}
    journal.close()
    for name, data in files.items():
        path.with_name(path.name + name).write_bytes(data)
    path.with_name(path.name + "-wal").chmod(0o600)
    return files["-wal"]


def test_a_log_that_is_damaged_before_its_end_is_not_forgotten_from_there(tmp_path: Path) -> None:
    """SQLite itself takes it up to the damage and says nothing."""
    path = tmp_path / "node" / "journal.db"
    log = killed_with_a_log(path, 20)
    at = path.with_name("journal.db-wal")
    assert wal.look(at) == wal.Look()
    middle = len(log) // 2
    at.write_bytes(log[:middle] + bytes([log[middle] ^ 1]) + log[middle + 1 :])
    with pytest.raises(JournalDamaged, match="does not fit, and whole transactions follow it"):
        Journal.open(path)
    found = salvage.read(path, salvage.Kept(0, 0, "1", b""))
    assert len(found.rows) >= 19
    assert found.last_n == 20


def test_a_log_that_ends_in_half_a_transaction_is_what_a_power_cut_leaves(tmp_path: Path) -> None:
    path = tmp_path / "node" / "journal.db"
    log = killed_with_a_log(path, 20)
    at = path.with_name("journal.db-wal")
    at.write_bytes(log[:-20] + bytes([log[-20] ^ 1]) + log[-19:])
    journal = Journal.open(path)
    assert (journal.last_n, journal.doubts) == (19, (wal.TORN,))
    journal.close()


def test_a_log_or_a_journal_that_is_gone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "node" / "journal.db"
    killed_with_a_log(path, 3)
    path.with_name("journal.db-wal").unlink()
    journal = Journal.open(path)
    assert journal.doubts == (wal.LOST,)
    journal.close()
    path.unlink()
    journal = Journal.open(path)
    assert journal.doubts == (journal_place.GONE,)
    journal.close()
    journal = Journal.open(path)
    assert journal.doubts == ()
    journal.close()


def test_at_most_so_many_damaged_ones_are_kept_and_none_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    tmp_path.chmod(0o700)
    for i in range(journal_place.MAX_ASIDE):
        (tmp_path / f"journal.damaged-{i + 1}").mkdir()
        (tmp_path / f"journal.damaged-{i + 1}" / "journal.db").touch()
    path.write_bytes(b"damaged")
    path.chmod(0o600)
    with pytest.raises(JournalDamaged, match="9 damaged ones lie beside it: look at the disk, replace it"):
        open_node(path, GENESIS, 0, 0)
    place = Place(path)
    place.close()
    assert path.read_bytes() == b"damaged"
