"""The journal keeps what it said it has, says so when it cannot, and loses nothing in silence.

Stories run on a file and in memory alike. Faults are real where the system lets a test make them: a file that may not
grow, a process killed in mid-write, an fsync that fails, bytes changed on the disk.
"""

import inspect
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepclear.host import retention
from keepclear.host.journal import Journal, MemoryJournal
from keepclear.host.journal_error import JournalBusy, JournalDamaged, JournalError, JournalFailed
from keepclear.host.journal_records import Note, Row, Segment, Snapshot

HOUR = 3_600_000
START = Snapshot(0, "1.0", b"nothing yet")
Reopen = Callable[[Journal], Journal]


def rows(first: int, last: int, size: int = 20) -> list[Row]:
    return [Row(n, n.to_bytes(4, "big") * (size // 4), n.to_bytes(16, "big")) for n in range(first, last + 1)]


def whole(journal: Journal) -> tuple[object, ...]:
    """All that can be seen from outside."""
    kept = [row for s in journal.segments() for row in journal.read(s.after_n + 1, s.last_n)]
    return journal.last_n, kept, list(journal.entries()), list(journal.notes()), journal.latest_snapshot()


@pytest.fixture(params=["file", "memory"])
def journal_and_reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Journal, Reopen]]:
    """An empty journal, and what a crash and a new start do to it."""
    path = tmp_path / "private" / "journal"
    opened: list[Journal] = []

    def reopen(journal: Journal | None) -> Journal:
        if request.param == "memory":
            opened.append(MemoryJournal(journal.image() if isinstance(journal, MemoryJournal) else None))
        else:
            if journal:
                journal.close()
            opened.append(Journal.open(path))
        return opened[-1]

    yield reopen(None), reopen
    opened[-1].close()


@pytest.mark.parametrize("count", [1, 3, 64, 65, 149])
def test_a_group_of_any_size_is_kept_whole_and_in_its_sequence(
    journal_and_reopen: tuple[Journal, Reopen], count: int
) -> None:
    journal, reopen = journal_and_reopen
    entries = [(bytes([i]) * 32, b"entry %d" % i) for i in range(count)]
    journal.append([], 0, snapshot=START)
    journal.append(rows(1, count), 1, entries=entries)
    journal.append(rows(count + 1, count + 1), 2, entries=[*entries[:1], (b"new" * 11, b"new")])
    journal = reopen(journal)
    assert list(journal.read(1)) == rows(1, count + 1)
    assert list(journal.entries()) == [*entries, (b"new" * 11, b"new")]


def test_what_was_appended_is_there_after_a_new_start(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, reopen = journal_and_reopen
    assert whole(journal) == (0, [], [], [], None)
    journal.append([], 5, snapshot=START)
    journal.append(rows(1, 3), 6, entries=[(b"leaf two", b"raw two"), (b"leaf one", b"raw one")])
    note = Note("line/north/0", 2, "a note\n")
    journal.append(rows(4, 4), 7, entries=[(b"leaf one", b"other")], batches=[(b"digest", b"tracks")], notes=[note])
    journal.append([], 8, notes=[Note("line/north/0", 2, "a note\ncosigned\n")])
    expected = (
        4, rows(1, 4), [(b"leaf two", b"raw two"), (b"leaf one", b"raw one")],
        [Note("line/north/0", 2, "a note\ncosigned\n")], START,
    )  # fmt: skip
    assert whole(journal) == expected
    journal = reopen(journal)
    assert whole(journal) == expected
    assert (journal.batch(b"digest"), journal.batch(b"none")) == (b"tracks", None)
    assert journal.segments() == [Segment(0, 4, "1.0")]
    assert list(journal.read(3)) == rows(3, 4)
    assert list(journal.read(5)) == []


def test_reading_goes_on_over_many_pages(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, _ = journal_and_reopen
    journal.append([], 0, snapshot=START)
    journal.append(
        rows(1, 1000), 0,
        entries=[(n.to_bytes(4, "little"), b"raw") for n in range(1000)],
        notes=[Note("line", n, "text") for n in range(1000)],
    )  # fmt: skip
    assert list(journal.read(1)) == rows(1, 1000)
    assert [leaf for leaf, _ in journal.entries()] == [n.to_bytes(4, "little") for n in range(1000)]
    assert [note.size for note in journal.notes()] == list(range(1000))


@pytest.mark.parametrize(
    ("group", "snapshot", "words"),
    [
        (rows(4, 4), None, r"inputs \[4\] do not continue from 2"),
        (rows(2, 3), None, r"inputs \[2, 3\] do not continue from 2"),
        (rows(3, 4)[::-1], None, r"inputs \[4, 3\] do not continue"),
        ([Row(3, b"", b"short")], None, "a digest of effects is 16 bytes"),
        (rows(3, 3), Snapshot(2, "1.0", b""), "a snapshot at input 2 in a group that ends with 3"),
    ],
)
def test_a_caller_that_misnumbers_is_told_and_nothing_is_written(
    journal_and_reopen: tuple[Journal, Reopen], group: list[Row], snapshot: Snapshot | None, words: str
) -> None:
    journal, reopen = journal_and_reopen
    with pytest.raises(ValueError, match="the first thing in a journal is a snapshot"):
        journal.append(rows(1, 2), 0)
    journal.append([], 0, snapshot=START)
    journal.append(rows(1, 2), 0)
    before = whole(journal)
    with pytest.raises(ValueError, match=words):
        journal.append(group, 0, snapshot=snapshot)
    assert not journal.failed
    assert whole(journal) == whole(reopen(journal)) == before


def test_each_segment_can_be_read_from_its_snapshot(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, reopen = journal_and_reopen
    journal.append([], 0, snapshot=START)
    journal.append(rows(1, 5), 0, snapshot=Snapshot(5, "1.0", b"five"))
    journal.append([], 0, snapshot=Snapshot(5, "1.1", b"five, as 1.1 has it"))  # started anew with other code
    journal.append(rows(6, 7), 0)
    journal = reopen(journal)
    assert journal.segments() == [Segment(0, 5, "1.0"), Segment(5, 7, "1.1")]
    assert [journal.snapshot(s.after_n).state for s in journal.segments()] == [b"nothing yet", b"five, as 1.1 has it"]
    with pytest.raises(LookupError, match="no snapshot at input 6"):
        journal.snapshot(6)


def a_day_of_segments(journal: Journal) -> None:
    """Inputs 1 to 6, one every 12 hours, each with a batch; a segment ends with every second."""
    journal.append([], 0, snapshot=START)
    for n in range(1, 7):
        snapshot = None if n % 2 else Snapshot(n, "1.0", b"%d" % n)
        journal.append(
            rows(n, n), n * 12 * HOUR, entries=[(b"leaf %d" % n, b"raw")], batches=[(b"batch %d" % n, b"tracks")],
            snapshot=snapshot,
        )  # fmt: skip


def batches(journal: Journal) -> list[int]:
    return [n for n in range(1, 7) if journal.batch(b"batch %d" % n)]


def test_old_segments_go_whole_and_the_record_stays(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, reopen = journal_and_reopen
    a_day_of_segments(journal)
    assert journal.prune(48 * HOUR) == 0  # the first segment ended at 24 h: it is 24 h old, not older
    assert journal.prune(48 * HOUR + 1) == 2
    assert journal.prune(48 * HOUR + 1) == 0
    journal = reopen(journal)
    assert journal.segments() == [Segment(2, 4, "1.0"), Segment(4, 6, "1.0"), Segment(6, 6, "1.0")]
    assert batches(journal) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(LookupError, match="of inputs 2 to 6, 2 is not kept"):
        list(journal.read(2))
    assert list(journal.read(3)) == rows(3, 6)
    assert journal.prune(1_000 * HOUR) == 4 + 6
    assert journal.segments() == [Segment(6, 6, "1.0")]
    assert batches(journal) == []
    assert [leaf for leaf, _ in journal.entries()] == [b"leaf %d" % n for n in range(1, 7)]
    assert (journal.last_n, journal.latest_snapshot()) == (6, Snapshot(6, "1.0", b"6"))
    journal.append(rows(7, 7), 1_000 * HOUR)
    assert list(reopen(journal).read(7)) == rows(7, 7)


def test_an_incident_keeps_its_window_until_it_is_given_another(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, reopen = journal_and_reopen
    a_day_of_segments(journal)
    journal.pin("near miss", 36 * HOUR, 40 * HOUR)
    assert journal.prune(1_000 * HOUR) == 4 + 5
    journal = reopen(journal)
    assert journal.segments() == [Segment(2, 4, "1.0"), Segment(6, 6, "1.0")]
    assert list(journal.read(3, 4)) == rows(3, 4)
    assert batches(journal) == [3]
    with pytest.raises(LookupError, match="of inputs 3 to 6, 5 is not kept"):
        list(journal.read(3))
    journal.pin("near miss", 0, 0)
    assert journal.prune(1_000 * HOUR) == 3
    assert journal.segments() == [Segment(6, 6, "1.0")]
    with pytest.raises(ValueError, match="to a later time"):
        journal.pin("near miss", 1, 0)


def test_a_batch_that_comes_again_is_as_young_as_its_last_coming(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, _ = journal_and_reopen
    journal.append([], 0, snapshot=START, batches=[(b"once", b"a"), (b"again", b"b")])
    journal.append([], 10 * HOUR, batches=[(b"again", b"b")])
    assert journal.prune(73 * HOUR) == 1
    assert (journal.batch(b"once"), journal.batch(b"again")) == (None, b"b")


def test_removing_goes_in_bites(journal_and_reopen: tuple[Journal, Reopen]) -> None:
    journal, _ = journal_and_reopen
    most = retention.MAX_REMOVED
    journal.append([], 0, snapshot=START)
    journal.append(rows(1, most), 0, snapshot=Snapshot(most, "1.0", b""))
    journal.append(rows(most + 1, 2 * most + 1), 0, snapshot=Snapshot(2 * most + 1, "1.0", b""))
    assert [journal.prune(25 * HOUR) for _ in range(4)] == [most, most, 1, 0]
    assert journal.segments() == [Segment(2 * most + 1, 2 * most + 1, "1.0")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["append", "snapshot", "prune", "pin", "crash", "kept", "lost", "restore"])), st.data())
def test_any_life_in_memory_keeps_an_unbroken_record(life: list[str], data: st.DataObject) -> None:
    """After every step: each kept segment reads whole, inputs are as numbered, no entry is lost but by a restore."""
    journal = MemoryJournal()
    journal.append([], 0, snapshot=START)
    images = [(journal.image(), 0)]
    now = 0
    for act in life:
        now += data.draw(st.integers(0, 30)) * HOUR
        known = journal.last_n
        group = rows(known + 1, known + data.draw(st.integers(1, 3)))
        leaves = [(row.effects_digest, b"raw") for row in group]
        if act == "append":
            journal.append(group, now, entries=leaves)
        elif act == "snapshot":
            journal.append(group, now, entries=leaves, snapshot=Snapshot(group[-1].n, "1.0", b"state"))
        elif act == "prune":
            journal.prune(now)
        elif act == "pin":
            journal.pin("incident", now - HOUR, now)
        elif act == "restore":
            journal = MemoryJournal(data.draw(st.sampled_from(images))[0])
        else:
            if act != "crash":
                journal.fail_next(kept=act == "kept")
                with pytest.raises(JournalFailed):
                    journal.append(group, now, entries=leaves)
                with pytest.raises(JournalFailed, match="takes nothing more"):
                    journal.append(group, now)
            journal = MemoryJournal(journal.image())
            assert journal.last_n == (group[-1].n if act == "kept" else known)
        images.append((journal.image(), journal.last_n))
        segments = journal.segments()
        assert segments[-1].last_n == journal.last_n
        for segment in segments:
            inside = list(journal.read(segment.after_n + 1, segment.last_n))
            assert inside == rows(segment.after_n + 1, segment.last_n)
        assert [leaf for leaf, _ in journal.entries()] == [row.effects_digest for row in rows(1, journal.last_n)]


def test_the_file_and_what_is_beside_it_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal.open(tmp_path / "north" / "journal")
        journal.append([], 0, snapshot=START)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "north").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "north").iterdir()}
    assert modes == {"journal": 0o600, "journal-held": 0o600, "journal-wal": 0o600}
    journal.close()
    (tmp_path / "north" / "journal").chmod(0o640)
    with pytest.raises(JournalError, match="mode 0640 lets others read it, 0600 expected: run chmod 600"):
        Journal.open(tmp_path / "north" / "journal")
    (tmp_path / "north").chmod(0o755)
    with pytest.raises(JournalError, match="mode 0755 lets others in"):
        Journal.open(tmp_path / "north" / "journal")


PROGRAM_HEAD = f"""
import os, sys
from pathlib import Path
from keepclear.host.journal import Journal
from keepclear.host.journal_records import Row, Snapshot
from keepclear.host.journal_error import JournalBusy, JournalFailed
START = {START!r}
{inspect.getsource(rows)}
"""


def program_for(path: Path, body: str) -> list[str]:
    """The command that runs a program which is given the journal's path and has this file's START and rows."""
    return [sys.executable, "-c", PROGRAM_HEAD + textwrap.dedent(body), str(path)]


def test_two_cannot_have_one_journal_open(tmp_path: Path) -> None:
    path = tmp_path / "north" / "journal"
    journal = Journal.open(path)
    program = """
        try:
            Journal.open(Path(sys.argv[1]))
        except JournalBusy as error:
            print(error)
    """
    said = subprocess.run(program_for(path, program), capture_output=True, text=True, check=True).stdout
    assert said == f"{path}: another process has it open: end that one first, or give each its own directory\n"
    with pytest.raises(JournalBusy):
        Journal.open(path)
    with closing(sqlite3.connect(path, timeout=0)) as tool, pytest.raises(sqlite3.OperationalError, match="locked"):
        tool.execute("SELECT count(*) FROM rows")
    journal.append([], 0, snapshot=START)
    journal.close()
    Journal.open(path).close()


def test_a_killed_process_loses_nothing_it_was_told_is_there(tmp_path: Path) -> None:
    path = tmp_path / "north" / "journal"
    program = """
        journal = Journal.open(Path(sys.argv[1]))
        journal.append([], 0, snapshot=START)
        n = 0
        while True:
            journal.append(rows(n + 1, n + 3, 4000), 0, entries=[(n.to_bytes(4, "big"), b"raw")])
            n += 3
            os.write(1, b"%d\\n" % n)
            if n >= 60:
                os.write(1, b"now\\n")
    """
    with subprocess.Popen(program_for(path, program), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = 0
        for line in process.stdout:
            if line == "now\n":
                process.send_signal(signal.SIGKILL)
            elif line.endswith("\n"):
                told = int(line)
    journal = Journal.open(path)
    assert journal.last_n in (told, told + 3)  # told + 3: on the disk, killed before it could say so
    assert list(journal.read(1)) == rows(1, journal.last_n, 4000)
    assert len(list(journal.entries())) == journal.last_n // 3
    journal.close()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk on which no file of this process grows beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_stops_appending_and_not_reading(tmp_path: Path) -> None:
    path = tmp_path / "north" / "journal"
    journal = Journal.open(path)
    journal.append([], 0, snapshot=START)
    journal.append(rows(1, 10), 0)
    with files_of_at_most(100_000), pytest.raises(JournalFailed, match=r"not written: .*look at the disk"):
        journal.append(rows(11, 20, 40_000), 0)
    assert journal.failed
    with pytest.raises(JournalFailed, match="takes nothing more since the disk failed: end and start anew"):
        journal.append(rows(11, 11), 0)  # the disk would take it now; what it took before is in doubt
    with pytest.raises(JournalFailed, match="takes nothing more"):
        journal.prune(0)
    assert list(journal.read(1)) == rows(1, 10)
    journal.close()
    journal = Journal.open(path)
    assert whole(journal) == (10, rows(1, 10), [], [], START)
    journal.append(rows(11, 20, 40_000), 0)
    journal.close()


def test_a_full_disk_is_called_full(tmp_path: Path) -> None:
    path = tmp_path / "north" / "journal"
    journal = Journal.open(path)
    journal.append([], 0, snapshot=START)
    journal._db.execute("PRAGMA max_page_count = 20")  # SQLite's own way to a full disk: SQLITE_FULL, from its pager
    with pytest.raises(JournalFailed, match="not written: the disk is full: free some of it, then start anew"):
        journal.append(rows(1, 10, 40_000), 0)
    journal.close()
    assert Journal.open(path).last_n == 0


def test_on_a_full_disk_no_half_journal_is_made(tmp_path: Path) -> None:
    path = tmp_path / "north" / "journal"
    with files_of_at_most(5_000), pytest.raises(JournalError, match="cannot be used"):
        Journal.open(path)
    assert not path.exists()
    Journal.open(path).close()
    assert sorted(os.listdir(path.parent)) == ["journal", "journal-held"]


FSYNC_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
int failing(void) { const char *flag = getenv("DISK_FAILS"); return flag && flag[0] == '1'; }
int fsync(int fd) {
    if (failing()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    if (failing()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""


@pytest.mark.skipif(not shutil.which("cc") or not sys.platform.startswith("linux"), reason="needs cc and LD_PRELOAD")
def test_after_one_failed_fsync_nothing_more_is_taken_though_the_next_would_pass(tmp_path: Path) -> None:
    (tmp_path / "shim.c").write_text(FSYNC_SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c", "-ldl"], check=True)
    program = """
        journal = Journal.open(Path(sys.argv[1]))
        journal.append([], 0, snapshot=START)
        journal.append(rows(1, 2), 0)
        for flag in "10":
            os.environ["DISK_FAILS"] = flag
            try:
                journal.append(rows(3, 4), 0)
                print("taken")
            except JournalFailed as error:
                print(str(error).partition(": ")[2])
        print([row.n for row in journal.read(1)])
    """
    done = subprocess.run(
        program_for(tmp_path / "north" / "journal", program),
        env={**os.environ, "LD_PRELOAD": str(shim)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "not written: disk I/O error (SQLITE_IOERR_FSYNC): look at the disk, then start anew",
        "takes nothing more since the disk failed: end and start anew",
        "[1, 2]",
    ]
    assert Journal.open(tmp_path / "north" / "journal").last_n in (2, 4)


def a_closed_journal(path: Path) -> bytes:
    """The bytes of a journal with every kind of record in it."""
    journal = Journal.open(path)
    journal.append([], 0, snapshot=START)
    journal.append(
        rows(1, 40, 2_000), 0, entries=[(b"leaf", b"E" * 500)], batches=[(b"digest", b"B" * 500)],
        notes=[Note("line", 1, "N" * 500)], snapshot=Snapshot(40, "1.0", b"S" * 500),
    )  # fmt: skip
    journal.close()
    return path.read_bytes()


def read_all(path: Path) -> None:
    journal = Journal.open(path)
    try:
        whole(journal)
        journal.batch(b"digest")
        for segment in journal.segments():
            journal.snapshot(segment.after_n)
    finally:
        journal.close()


@pytest.mark.parametrize("mark", [b"E" * 50, b"B" * 50, b"N" * 50, b"S" * 50, (7).to_bytes(4, "big") * 20])
def test_a_changed_byte_in_any_kind_of_record_is_noticed_when_it_is_read(tmp_path: Path, mark: bytes) -> None:
    path = tmp_path / "north" / "journal"
    data = a_closed_journal(path)
    at = data.index(mark) + 20
    path.write_bytes(data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :])
    with pytest.raises(
        JournalDamaged, match=r"damaged: record \d+ of \w+ is not as it was written: .*move the file and its -wal"
    ):
        read_all(path)


@pytest.mark.parametrize("keep", [0, 10, 100, 4_096, 20_000, 60_000])
def test_a_cut_file_is_damaged_and_never_a_new_journal(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "north" / "journal"
    path.write_bytes(a_closed_journal(path)[:keep])
    with pytest.raises(JournalDamaged, match="move the file and its -wal aside and keep them"):
        read_all(path)


def alter(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql)


def test_other_files_are_not_taken_for_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "north" / "journal"
    a_closed_journal(path)
    alter(path, "PRAGMA user_version = 1")
    with pytest.raises(JournalError, match="is of format 1, this version reads 2: use that version"):
        Journal.open(path)
    alter(path, "PRAGMA application_id = 1")
    with pytest.raises(JournalDamaged, match="no journal of keepclear"):
        Journal.open(path)
    path.write_bytes(b"Dear sir, " * 1_000)
    with pytest.raises(JournalDamaged, match="file is not a database"):
        Journal.open(path)
    path.unlink()
    path.with_name("journal-wal").touch()
    with pytest.raises(JournalDamaged, match="it is gone and its -wal is there"):
        Journal.open(path)


@pytest.mark.parametrize(
    ("missing", "words"), [(3, "input 3 is missing, 4 is there"), (5, "input 5 is missing, the last is 6")]
)
def test_a_missing_input_is_noticed(tmp_path: Path, missing: int, words: str) -> None:
    path = tmp_path / "north" / "journal"
    journal = Journal.open(path)
    journal.append([], 0, snapshot=START)
    journal.append(rows(1, 6), 0, snapshot=Snapshot(6, "1.0", b""))
    journal.close()
    alter(path, f"DELETE FROM rows WHERE n = {missing} OR n >= {5 if missing == 5 else 100}")
    with pytest.raises(JournalDamaged, match=words):
        read_all(path)


def test_threads_take_turns(tmp_path: Path) -> None:
    """One thread appends, as the run loop's executor does, while others read."""
    journal = Journal.open(tmp_path / "north" / "journal")
    journal.append([], 0, snapshot=START)

    def write() -> None:
        for n in range(1, 41):
            journal.append(rows(n, n), 0, entries=[(b"leaf %d" % n, b"raw")])

    def read(_: int) -> bool:
        last_n = journal.last_n
        return list(journal.read(1, last_n)) == rows(1, last_n) and len(list(journal.entries())) >= last_n

    with ThreadPoolExecutor(3) as pool:
        writer = pool.submit(write)
        assert all(pool.map(read, range(60)))
        writer.result()
    assert list(journal.read(1)) == rows(1, 40)
    journal.close()
