"""What is on the disk is looked at while the node runs: found, told once, mended where it can be, never served."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.host.test_mend import a_node_that_lived, as_file

from keepclear.host import scrub as scrubbing
from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalDamaged, JournalFailed
from keepclear.host.journal_records import CHECKED
from keepclear.host.scrub import Finding, Scrub, remedy
from sim.world import Member

Lived = tuple[Member, Path]


@pytest.fixture(scope="module")
def member() -> Member:
    """With a snapshot at its beginning, one in the middle and one at its end."""
    lived = a_node_that_lived()
    assert lived.hands is not None
    for seconds in (14, 15):
        lived.hands.commit(snapshot=True)
        lived.world.run(seconds * 1_000)
        lived.flush()
    return lived


@pytest.fixture
def lived(member: Member, tmp_path: Path) -> Lived:
    path = tmp_path / "node" / "journal.db"
    as_file(member, path)
    return member, path


def harmed(path: Path, sql: str) -> Journal:
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql)
        db.commit()
    return Journal.open(path)


def one_round(journal: Journal) -> Iterator[Finding]:
    scrub = Scrub(journal)
    while not scrub.rounds:
        yield from scrub.bite()


def test_a_whole_journal_has_nothing_to_tell(lived: Lived) -> None:
    journal = Journal.open(lived[1])
    assert list(one_round(journal)) == []
    journal.close()


# A number out of its place is a gap, and a record that does not fit where it is: told elsewhere.
COLUMNS = [
    (table, name)
    for table in ("rows", "snapshots", "entries", "notes")
    for name in (*CHECKED[table], "chk")
    if name != "n"
]


@pytest.mark.parametrize(("table", "name"), COLUMNS)
def test_any_column_of_any_record_that_is_not_as_it_was_written_is_found(lived: Lived, table: str, name: str) -> None:
    journal = harmed(lived[1], f"UPDATE {table} SET {name} = x'0102' WHERE rowid = (SELECT min(rowid) FROM {table})")
    assert [one.table for one in one_round(journal)] == [table]
    journal.close()


def test_a_finding_is_told_once_and_an_entry_is_written_anew_from_memory(lived: Lived) -> None:
    member, path = lived
    whole = list(member.journal.entries())
    journal = harmed(path, "DELETE FROM entries WHERE i = 2")
    with closing(sqlite3.connect(":memory:")):
        scrub = Scrub(journal)
    found = [one for _ in range(20) for one in scrub.bite()]
    assert found == [Finding("entries", 2)]
    assert scrub.rounds > 1
    cure = remedy(found, member.node, journal.newest_n)
    assert "written anew from memory" in cure.words[0]
    with pytest.raises(JournalDamaged, match="entry 2 of those kept is missing"):
        list(journal.entries())
    cure.apply(journal, 0)
    assert list(journal.entries()) == whole
    assert list(one_round(journal)) == []
    journal.close()


def test_what_a_start_would_need_is_made_needless(lived: Lived) -> None:
    member, path = lived
    journal = harmed(path, f"UPDATE rows SET input = x'00' WHERE n = {member.node.state.n}")
    cure = remedy(list(one_round(journal)), member.node, journal.newest_n)
    assert cure.snapshot
    assert "a snapshot is made" in cure.words[0]
    assert not remedy([Finding("rows", 5)], member.node, latest_n=9).snapshot
    journal.close()


def test_a_note_is_taken_away_and_the_newest_put_back(lived: Lived) -> None:
    member, path = lived
    newest = {origin: raw.decode() for origin, raw in member.node.state.checkpointing.notes.items()}
    journal = harmed(path, "UPDATE notes SET text = text || 'x'")
    cure = remedy(list(one_round(journal)), member.node, journal.newest_n)
    cure.apply(journal, 0)
    assert {note.origin: note.text for note in journal.notes()} == newest
    assert newest
    journal.close()


def test_tables_that_do_not_fit_end_the_journal_and_the_next_opening_mends(lived: Lived) -> None:
    member, path = lived
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entries'").fetchone()[0]
    journal = Journal.open(path)
    with path.open("r+b") as file:  # under the open journal, as a disk does it
        file.seek((root - 1) * 4_096)
        file.write(b"\xff" * 4_096)
    with pytest.raises(JournalDamaged, match="malformed") as raised:
        list(one_round(journal))
    assert "end the node and start it" in scrubbing.structure(raised.value)
    journal.spoil()
    with pytest.raises(JournalFailed):
        journal.append([], 0)
    journal.close()
    with pytest.raises(JournalDamaged, match="its tables do not fit each other"):
        Journal.open(path)
    with pytest.raises(JournalDamaged, match="there is an entry"):
        remedy([Finding("entries", 10**6)], member.node, 0)
