"""A disk that loses what was not synced: that it does, that the journal lives with it, and a sample of the campaign."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalDamaged
from sim import power
from sim.power import Change, Power, after_cut

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="NOT TESTED: power cuts need gcc to make the disk")


def test_of_what_was_not_synced_each_sector_comes_or_does_not() -> None:
    now = b"A" * 512 + b"B" * 512 + b"C" * 100
    changes = [Change("W", 0, 1_024, b"a" * 1_024, 1_024), Change("W", 1_024, 100, b"", 1_024)]
    assert after_cut(now, changes, Random(0), 0.0) == (b"a" * 1_024, 3)
    assert after_cut(now, changes, Random(0), 1.0) == (now, 0)
    seen = {after_cut(now, changes, Random(seed), 0.5)[0] for seed in range(200)}
    assert len(seen) == 8
    assert b"a" * 512 + b"B" * 512 in seen


def test_a_file_that_was_cut_short_may_be_long_again() -> None:
    changes = [Change("T", 10, 0, b"rest", 14), Change("W", 10, 2, b"", 10)]
    assert after_cut(b"0123456789xy", changes, Random(0), 0.0) == (b"0123456789rest", 1)
    assert after_cut(b"0123456789xy", changes, Random(0), 1.0) == (b"0123456789xy", 0)


PROGRAM = """
import os, sys
from pathlib import Path
from keepclear.host.journal import Journal
from keepclear.host.journal_records import Row, Snapshot
journal = Journal.open(Path(sys.argv[1]) / "journal.db")
journal._db.execute("PRAGMA synchronous = " + sys.argv[2])
journal.append([], 0, snapshot=Snapshot(0, "1", b""))
for n in range(1, 10_000):
    journal.append([Row(n, b"input %d" % n * 200, bytes(16))], n)
    os.write(1, b"%d\\n" % n)
"""


def told_and_kept(at: Path, synchronous: str, seed: int) -> tuple[int, int]:
    """How many inputs a process was told are on the disk when the power went, and how many are."""
    home = at / f"{synchronous}-{seed}"
    home.mkdir(mode=0o700)
    environment = {**os.environ, **power.environment(power.build(at), home, at / "disk")}
    command = [sys.executable, "-c", PROGRAM, str(home), synchronous]
    told = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            told = int(line) if line.endswith("\n") else told
            if told == 40:
                process.send_signal(signal.SIGKILL)
    power.cut(at / "disk", Random(seed))
    journal = Journal.open(home / "journal.db")
    kept = len(list(journal.read(1)))
    journal.close()
    return told, kept


@needs_gcc
def test_what_was_told_to_be_on_the_disk_is_there_after_the_power_went(tmp_path: Path) -> None:
    for seed in range(4):
        told, kept = told_and_kept(tmp_path, "FULL", seed)
        assert told <= kept <= told + 1
    with suppress(JournalDamaged):  # the same without syncing each group: SQLite's NORMAL, which many take
        told, kept = told_and_kept(tmp_path, "NORMAL", 0)
        assert kept < told, "a disk that loses nothing tests nothing"


@needs_gcc
def test_nothing_confirmed_is_lost_or_doubled_when_the_power_goes(tmp_path: Path) -> None:
    run = Power(tmp_path, 0)
    outcome = run.go(3)
    assert outcome.faults == []
    assert (outcome.kills, outcome.lost, outcome.doubled) == (3, 0, 0)
    assert outcome.confirmed > 0
