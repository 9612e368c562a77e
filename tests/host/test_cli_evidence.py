"""`keepclear evidence` on a running node whose peer contradicts itself, and to a stranger who has the file alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from tests.host.transcripts import told
from tests.host.villain import Villain

from keepclear.accord import statement
from keepclear.accord.statement import Kind, Precedence
from keepclear.host.gathering import WHOLE
from keepclear.line.frame import EntryItem
from keepclear.record import tree
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import Node, notice

NORTH, SOUTH = 0, 1


@pytest.fixture
def line(tmp_path: Path) -> Iterator[tuple[Node, Villain]]:
    """NORTH, a real node, and a villain in SOUTH's place with a session up."""
    names = {"NORTH": Role.PARTY, "SOUTH": Role.PARTY}
    places = processes.on_this_machine(list(names))
    north, south = processes.found(tmp_path / "river", names, places=places)
    north.start()
    villain = Villain(south.identity, NORTH, places.listen["SOUTH"], places.listen["NORTH"])
    try:
        villain.until(lambda: villain.is_up)
        yield north, villain
    finally:
        villain.close()
        north.kill()


def good(command: str) -> str:
    code, output = told.called(command)
    assert code == 0, output
    return output


def test_two_entries_in_one_place_are_listed_exported_and_verified(line: tuple[Node, Villain], tmp_path: Path) -> None:
    north, villain = line
    first = villain.say(notice("keep clear"))
    villain.until(lambda: villain.holds == 1)
    assert "nothing that could be proved" in good(f"keepclear evidence list --node {north.home}")
    other = villain.sign(notice("of no concern"), None, Kind.NOTICE)
    villain.send(EntryItem(other.raw))
    villain.until(lambda: bool(north.status()["disputes"]))
    listed = good(f"keepclear evidence list --node {north.home}")
    assert "  1  two entries in one place: SOUTH has signed 2 entries in one place, number 0" in listed
    file = tmp_path / "river.kce"
    code, output = told.called(f"keepclear evidence export 1 {file} --node {north.home}", typed="n\n")
    assert code == 2, output
    assert "gives away: the line's genesis (members' names, seats, public keys) and 2 headers" in output
    assert not file.exists()
    good(f"keepclear evidence export 1 {file} --node {north.home} --yes")
    assert b"keep clear" not in file.read_bytes()
    id_ = villain.genesis.line.hex()
    told_ = good(f"keepclear evidence verify {file} --line {id_[:8]}")
    assert "PROVEN    two entries in one place: SOUTH has signed 2 entries" in told_
    [one] = json.loads(good(f"keepclear evidence verify {file} --json"))["proven"]
    assert (one["rule"], one["member"]) == ("slot", "SOUTH")
    assert {first.leaf.hex()[:16], other.leaf.hex()[:16]} <= set(one["text"].replace(",", " ").split())
    for bad, words in (("--line 00000000", "of line"), ("", "the node's signature is not valid")):
        if not bad:
            data = bytearray(file.read_bytes())
            data[-1] ^= 1
            file.write_bytes(data)
        code, output = told.called(f"keepclear evidence verify {file} {bad}")
        assert code == 2, output
        assert words in output


def test_a_peer_that_denies_is_shown_its_own_receipt(line: tuple[Node, Villain], tmp_path: Path) -> None:
    north, villain = line
    with north.client() as client:
        requests = processes.say_requests(north, client.ask("facts"), ["over the river"], Precedence.FLASH)
        [said] = client.ask_all(requests)
    villain.until(lambda: bool(villain.own_kind(Kind.NOTICE)))
    [heard] = villain.own_kind(Kind.NOTICE)
    code, output = told.called(f"keepclear evidence had {heard.leaf.hex()[:8]} {tmp_path / 'had.kce'} --by SOUTH"
                               f" --node {north.home} --yes")  # fmt: skip
    assert code == 1, output
    assert "SOUTH has signed no receipt here" in output
    held = [e for e in villain.heard.values() if e.slot[:2] == heard.slot[:2]]
    held.sort(key=lambda entry: entry.header.seq)
    assert [entry.header.seq for entry in held] == list(range(len(held)))
    villain.say(
        statement.Receipt(
            party=NORTH, incarnation=heard.header.incarnation, size=len(held),
            root=tree.root_of([entry.leaf for entry in held]),
            ranges=((0, len(held), heard.header.wall_ms + 40, heard.header.wall_ms + 900),),
        )
    )  # fmt: skip
    villain.until(lambda: villain.holds == 1)
    file = tmp_path / "had.kce"
    good(f"keepclear evidence had {said['leaf'][:8]} {file} --by SOUTH --node {north.home} --yes")
    words = good(f"keepclear evidence verify {file}")
    assert "PROVEN    had it: SOUTH has signed that entry" in words
    assert "had been displayed to an officer at" in words


def test_a_flood_is_a_number_on_the_screen_and_whole_in_the_list(line: tuple[Node, Villain]) -> None:
    north, villain = line
    count = 130  # more than a page of the list
    command = [sys.executable, "-m", "keepclear", "show", "--node", str(north.home), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        timer = Timer(told.DEADLINE_S, follower.kill)
        timer.start()
        try:
            assert follower.stdout is not None
            assert follower.stdout.readline()
            for number in range(count):
                villain.say(notice(f"number {number}."))
            villain.say(notice("the one that matters"), Precedence.FLASH)
            villain.until(lambda: villain.holds == count + 1)
            lines = []
            for line_ in follower.stdout:
                lines.append(line_)
                if "gathered" in line_:
                    break
        finally:
            timer.cancel()
            follower.kill()
    statements = [line_ for line_ in lines if " statement " in line_]
    assert len([line_ for line_ in statements if "number" in line_]) == WHOLE
    assert len([line_ for line_ in statements if "the one that matters" in line_]) == 1
    assert f"and {count - WHOLE} more of SOUTH's ROUTINE NOTICE statements in 10 s" in lines[-1]
    assert f"counted       {count - WHOLE} statements" in good(f"keepclear status --node {north.home}")
    listed = good(f"keepclear show --node {north.home}")
    assert all(f"number {number}." in listed for number in range(count))
    assert "counted  " not in good(f"keepclear status --node {north.home}")
    displayed = {seq for receipt in _receipts(villain) for seq in receipt}
    assert len(displayed) < count + 1
    villain.until(lambda: {seq for receipt in _receipts(villain) for seq in receipt} == set(range(count + 1)))


def _receipts(villain: Villain) -> list[set[int]]:
    """Which of the villain's entries each receipt says to have been displayed."""
    out = []
    for entry in villain.own_kind(Kind.RECEIPT):
        body = statement.read(entry.header.kind, entry.body)
        assert isinstance(body, statement.Receipt)
        out.append({seq for first, count, _, shown in body.ranges if shown for seq in range(first, first + count)})
    return out
