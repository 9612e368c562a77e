"""Commands that need no running node: founding a line, verifying records, replaying a journal."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host.transcripts import told
from tests.record import build

from keepclear.accord.statement import Precedence
from keepclear.accord.times import parse_time
from keepclear.host import ceremony
from keepclear.host.config import read_config
from keepclear.host.hands import to_journal
from keepclear.host.identity import load_identity
from keepclear.host.journal import Journal
from keepclear.host.journal_records import Row, Snapshot
from keepclear.node import effects as fx
from keepclear.node.inputs import AnyInput, DiskFailed, Settings, Stamp, Start, Tick
from keepclear.node.node import VERSION, Node
from keepclear.record.genesis import Role

BEGIN_MS = parse_time("2018-09-17T18:39:00Z")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    os.chmod(tmp_path, 0o700)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- founding ----------------------------------------------------------------------------------------------------------


def test_three_members_found_a_line_step_by_step() -> None:
    told.play("founding")
    found = read_config(Path("north/node.toml"))
    assert (found.member, found.seats) == ("NORTH", ("deputy", "duty"))
    assert found.peers == {"SOUTH": ("192.0.2.7", 47_001)}


def test_nothing_is_signed_by_who_says_no() -> None:
    told.called("keepclear init identity north --name NORTH --seat duty")
    told.called("keepclear init identity south --name SOUTH --seat duty")
    told.called("keepclear init propose p --line river --mode test north/NORTH.offer south/SOUTH.offer")
    code, output = told.called("keepclear init sign north p", typed="n\n")
    assert code == 2
    assert "TEST: what is said on it is not meant" in output
    assert "keepclear: not signed, nothing was written\nhint: sign once the ids agree" in output
    assert not list(Path("north").glob("*.signature"))


def test_an_exercise_gives_each_member_ports_of_its_own_that_the_others_know() -> None:
    base = free_ports()
    code, output = told.called(
        f"keepclear init exercise river --party NORTH --party SOUTH --observer MISSION --port-base {base}"
    )
    assert code == 0, output
    assert "NORTH: start it with: keepclear run river/NORTH/node.toml" in output
    found = {name: read_config(Path("river") / name / "node.toml") for name in ("NORTH", "SOUTH", "MISSION")}
    for name, config in found.items():
        assert config.peers == {other: found[other].listen for other in found if other != name}
    assert len({address for config in found.values() for address in (config.listen, config.tracks)}) == 6
    assert [config.seats for config in found.values()] == [("duty",), ("duty",), ()]


def test_a_port_that_is_taken_is_told_before_a_key_is_made() -> None:
    base = free_ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", base + 1))
        code, output = told.called(f"keepclear init exercise river --party A --party B --port-base {base}")
    assert code == 2
    assert output.startswith(f"keepclear: port {base + 1} of this machine is not free: ")
    assert not Path("river").exists()


def free_ports() -> int:
    """The first of three ports, and three a hundred above, that nobody has."""
    for base in range(29_000 + os.getpid() % 500, 31_900, 7):
        try:
            for port in (*range(base, base + 3), *range(base + 100, base + 103)):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as one:
                        one.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports")


# -- verify ------------------------------------------------------------------------------------------------------------


def write(name: str, data: bytes) -> None:
    Path(name).write_bytes(data)


def test_a_sound_record_and_its_copy_are_one() -> None:
    line = build.small_line()
    write("a.record", line.record())
    write("b.record", line.record(1))
    told.play("verify")


def test_a_record_of_which_somebody_lacks_the_end_is_no_contradiction() -> None:
    line = build.small_line()
    write("all.record", line.record())
    line.say(0, build.notice("a second one"), precedence=Precedence.PRIORITY, heard_by=())
    write("more.record", line.record())
    code, output = told.called("keepclear verify all.record more.record")
    assert code == 0
    assert output.splitlines()[-1] == "NO CONTRADICTION: in every logbook one record is a prefix of the other"
    assert "in all.record, 2 entries in more.record" in output


def test_two_things_signed_in_one_place_are_shown_with_both() -> None:
    line = build.small_line()
    write("one.record", line.record())
    other = build.Line()
    other.say(0, build.notice("something else"), precedence=Precedence.PRIORITY)
    write("other.record", other.record())
    code, output = told.called("keepclear verify one.record other.record")
    assert code == 1
    assert "between records: chain: two entries in one slot\n  evidence: " in output
    assert output.splitlines()[-1] == "FAULT OR CONTRADICTION"
    code, output = told.called("keepclear verify one.record other.record --json")
    found = json.loads(output)
    assert (code, found["verdict"]) == (1, "contradiction")
    evidence = found["contradictions"][0]["evidence"]
    assert evidence == [line.entries(0)[0].raw.hex(), other.entries(0)[0].raw.hex()], "whole, for anybody to verify"


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (lambda data: data[:-1], 2, "ends inside an item"),
        (lambda data: b"something else" + data, 2, "a record file begins with"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), 1, "FAULT "),
    ],
    ids=["cut", "another file", "changed"],
)
def test_a_damaged_record_is_told_with_its_place(damage: Callable[[bytes], bytes], code: int, words: str) -> None:
    write("a.record", damage(build.small_line().record()))
    found, output = told.called("keepclear verify a.record")
    assert found == code
    assert words in output
    assert "byte " in output
    assert output.splitlines()[-1] == {1: "FAULT OR CONTRADICTION", 2: "UNREADABLE"}[code]


def test_records_of_two_lines_are_not_held_against_each_other() -> None:
    write("a.record", build.small_line().record())
    write("b.record", build.small_line(names=("NORTH", "SOUTH"), observers=()).record())
    code, output = told.called("keepclear verify a.record b.record")
    assert code == 2
    assert output.splitlines()[-1] == "DIFFERENT LINES: these records have nothing to do with each other"


# -- replay ------------------------------------------------------------------------------------------------------------


def at(seconds: int) -> Stamp:
    return Stamp(seconds * 1_000, BEGIN_MS + seconds * 1_000, 100)


INPUTS: list[AnyInput] = [
    Start(at(0), "boot", bytes(8), bytes(32), "test", Settings()),
    DiskFailed(at(10), "full"),
    Tick(at(20)),
    DiskFailed(at(30), "gone"),
]


def journal(parent: Path, lie_at: int = 0, snapshot_after: int = 0, state: bytes | None = None) -> Path:
    """The directory of a node that took INPUTS in; with a lie about the effects of one, or a second segment."""
    directory = ceremony.make_exercise_line(
        parent / "river", [("A", Role.PARTY, ["duty"]), ("B", Role.PARTY, ["duty"])], BEGIN_MS
    )[0]
    identity = load_identity(directory)
    node = Node(identity.genesis, identity.member)
    kept = Journal.open(directory / "journal.db")
    kept.append([], BEGIN_MS, snapshot=Snapshot(0, VERSION, node.snapshot()))
    for n, data in enumerate(INPUTS, 1):
        digest = fx.digest(node.step(data))
        row = Row(n, to_journal(data)[0], bytes(16) if n == lie_at else digest)
        snapshot = Snapshot(n, VERSION, state or node.snapshot()) if n == snapshot_after else None
        kept.append([row], data.stamp.wall_ms, snapshot=snapshot)
    kept.close()
    return directory


def test_what_was_told_is_told_again_at_its_time(here: Path) -> None:
    journal(here, snapshot_after=2)
    told.play("replay")


def test_the_first_effect_that_differs_is_named(here: Path) -> None:
    journal(here, lie_at=4)
    code, output = told.called("keepclear replay river/A")
    assert code == 1
    assert output.splitlines()[-2:] == [
        "DIFFERS after 3 identical inputs from 1 on: input 4 (diskfailed) has other effects than the journal says",
        f"the journal was written by version {VERSION} of the fold, this is version {VERSION}",
    ]
    code, output = told.called("keepclear replay river/A --json")
    end = json.loads(output.splitlines()[-1])
    assert (code, end["identical"], end["inputs"]) == (1, False, 3)


def test_a_snapshot_that_is_not_the_state_reached_is_a_difference(here: Path) -> None:
    identity = load_identity(journal(here / "other"))
    journal(here, snapshot_after=2, state=Node(identity.genesis, identity.member).snapshot())
    code, output = told.called("keepclear replay river/A")
    assert code == 1
    assert "the state after input 2 is not the one of the journal's snapshot" in output


def test_a_damaged_journal_is_told_and_left_alone(here: Path) -> None:
    path = journal(here) / "journal.db"
    data = path.read_bytes()
    path.write_bytes(b"not a journal" + data[13:])
    code, output = told.called("keepclear replay river/A")
    assert code == 2
    first, second = output.splitlines()
    assert first.startswith("keepclear: river/A/journal.db: damaged: ")
    assert second.startswith("hint: move the file and its -wal aside and keep them")


# -- run, before it runs -----------------------------------------------------------------------------------------------


def test_a_node_does_not_start_under_another_members_name(here: Path) -> None:
    code, output = told.called(f"keepclear init exercise river --party A --party B --port-base {free_ports()}")
    assert code == 0, output
    path = here / "river/A/node.toml"
    path.write_text(path.read_text().replace('member = "A"', 'member = "C"'))
    code, output = told.called("keepclear run river/A")
    assert code == 2
    assert (
        output.splitlines()[0]
        == "keepclear: river/A/node.toml: node.member is 'C', the keys in river/A are those of 'A'"
    )


def test_a_node_whose_port_is_taken_says_so(here: Path) -> None:
    base = free_ports()
    told.called(f"keepclear init exercise river --party A --party B --port-base {base}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", base))
        code, output = told.called("keepclear run river/A")
    assert code == 2
    assert output.splitlines()[0] == "keepclear: river/A: cannot listen: Address already in use"
