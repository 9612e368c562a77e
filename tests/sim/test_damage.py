"""A sample of damaged disks, one of each kind of harm, and that the watch over them sees what it is there to see."""

from pathlib import Path
from random import Random

import pytest

from keepclear.host import journal, salvage
from keepclear.record import entry as entries
from sim import damage
from sim.damage import HARMS, Damage
from sim.invariants import Broken

SEEDS = range(200)


def first_of(kind: str) -> int:
    """The first seed whose disk comes to this harm."""
    return next(seed for seed in SEEDS if harm_of(seed) == kind)


def harm_of(seed: int) -> str:
    draw = Random(f"damage {seed}")
    draw.choice((1.0, 3.0, 8.0))
    draw.random()
    draw.randrange(2)
    draw.choice((0.0, 0.01, 0.1))
    return draw.choice(sorted(HARMS))


@pytest.mark.parametrize("kind", ["one bit", "many bits", "cut", "a page of noise", "stale", "no file", "torn"])
def test_nothing_that_a_peer_holds_is_lost_and_nothing_is_doubled_or_made_up(kind: str) -> None:
    result = damage.one(first_of(kind))
    assert (result.kind, result.fault) == (kind, "")
    assert result.entries > 0


def a_signature(path: Path, _: Path, _draw: Random) -> None:
    """One bit of what an author signed with, wherever it stands in the file and its log."""
    whole = salvage.read(path).entries
    signature = entries.read(whole[min(whole)][1], 65_536).signature
    for at in (path, path.with_name(f"{path.name}-wal")):
        if at.exists():
            at.write_bytes(at.read_bytes().replace(signature, bytes([signature[0] ^ 1]) + signature[1:]))


class Fitting(bytes):
    """A check that fits whatever it is held against."""

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def a_run_with_a_changed_signature(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Damage:
    monkeypatch.setitem(HARMS, "one bit", a_signature)
    run = Damage(first_of("one bit"), folder)
    run.world.snapshot_chance = 0.1
    return run


def test_a_changed_signature_is_never_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run_with_a_changed_signature(tmp_path, monkeypatch)
    run.go()
    assert run.victim.told or run.found
    run.victim.journal.close()


def test_a_journal_that_trusted_its_disk_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run_with_a_changed_signature(tmp_path, monkeypatch)

    def and_from_then_on(path: Path, older: Path, draw: Random) -> None:
        a_signature(path, older, draw)
        monkeypatch.setattr(journal, "check", lambda *_: Fitting())

    monkeypatch.setitem(HARMS, "one bit", and_from_then_on)
    with pytest.raises(Broken, match="two entries in slot"):
        run.go()
    run.victim.journal.close()
