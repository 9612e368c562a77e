"""The rotation drill, with real processes: new keys on a line in use, then a theft; all read the same, for ever."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from tests.test_reader import reading

from keepclear.accord import canonical
from keepclear.accord.statement import Precedence
from keepclear.host.cli import main
from keepclear.host.identity import load_identity
from keepclear.record import bundle, entry, parts
from keepclear.record.bundle import Header as BundleHeader
from keepclear.record.entry import Header
from keepclear.record.genesis import Role
from keepclear.record.verify import verify
from sim import processes
from sim.processes import Node

MARK = "PAST THE END OF ITS KEY"


def do(*arguments: object) -> str:
    """A command as its officer types it; what it prints."""
    done = CliRunner().invoke(main, [str(one) for one in arguments], standalone_mode=False)
    assert done.exception is None, (arguments, done.exception, done.output)
    return done.output


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Node]]:
    """Two parties and an observer, whose lines are open."""
    found = processes.found(tmp_path / "line", {"ALFA": Role.PARTY, "BRAVO": Role.PARTY, "WITNESS": Role.OBSERVER})
    try:
        for one in found:
            one.start()
        processes.come_to_rest(found)
        yield found
    finally:
        for one in found:
            one.kill()


def say(node: Node, text: str) -> str:
    """A notice, released by the duty seat; its leaf."""
    with node.client() as client:
        [request] = processes.say_requests(node, client.ask("facts"), [text], Precedence.FLASH)
        return str(client.ask(**request)["leaf"])


def change(node: Node, *more: str) -> list[str]:
    """The whole ceremony for a new node key and a new duty seat, and the announcement; what each step printed."""
    home = node.home
    number = len(list(home.glob("list-*"))) + 1
    draft = home / f"list-{number}" / f"ALFA-{number}.draft"
    out = [do("keys", "next", home, "--seat", "duty")]
    out.append(do("keys", "draft", home, "--end", "node", "--end", "duty", *more))
    out.append(do("keys", "sign", home, draft, "--yes"))
    out.append(do("keys", "join", home, draft, draft.with_name(f"ALFA-{number}-0.signature")))
    out.append(do("keys", "announce", draft.with_suffix(".keylist"), "--node", home))
    return out


def marks(node: Node) -> dict[str, list[str]]:
    """What a node shows beside each matter, by the hash of its entry."""
    with node.client() as client:
        return {one["leaf"]: one["marks"] for one in client.ask("matters", all=True)["matters"]}


def records(nodes: list[Node], into: Path) -> list[Path]:
    """Every node's record file."""
    out = [into / f"{node.name}.record" for node in nodes]
    for node, path in zip(nodes, out, strict=True):
        path.unlink(missing_ok=True)
        do("record", "--node", node.home, path)
    return out


class Thief:
    """Somebody with a copy of ALFA's directory, who speaks as ALFA in a start of their own, and deals in bundles."""

    def __init__(self, node: Node, to: Path) -> None:
        shutil.copytree(node.home, to, ignore=shutil.ignore_patterns("journal*", "*.sock", "control*", "*.txt"))
        self.identity = load_identity(to)
        self.raws: list[bytes] = []
        self.prev = entry.NO_PREV
        with node.client() as client:
            self.facts: dict[str, Any] = client.ask("facts")
            self.lists = [bytes.fromhex(raw) for raw in client.ask("keys")["carriers"]]

    def sign(self, text: str) -> str:
        """One more false notice; its leaf."""
        who, seed, seq = self.identity, bytes([len(self.raws)]) * 32, len(self.raws)
        body = msgspec.msgpack.encode(processes.notice(text))
        index, _ = who.lists().node_place(who.member, self.facts["epoch"])
        header = Header(
            suite=1, line=who.genesis.line, epoch=self.facts["epoch"], party=who.member, incarnation=b"thiefthi",
            start=7, seq=seq, prev=self.prev, seen=(None, None), wall_ms=self.facts["wall_ms"], wall_err_ms=50,
            precedence=Precedence.FLASH, kind=1, replaces=None, refs=(), to=who.genesis.everyone, seat="duty",
            valid_from_ms=self.facts["wall_ms"], expiry_ms=None, body_root=entry.body_root(seed, body),
            releases_hash=None, key=index,
        )  # fmt: skip
        data = canonical.encode(header)
        self.raws.append(entry.assemble(data, who.node.sign(entry.signing_message(data)), (), seed, body))
        self.prev = entry.read(self.raws[-1], 65_536).leaf
        return self.prev.hex()

    def give(self, to: Node, path: Path) -> str:
        """A bundle of all of it, signed with the stolen key, brought to a node by its unsuspecting officer."""
        every = bundle.in_sequence(entry.read(raw, 65_536) for raw in (*self.lists, *self.raws))
        who = self.identity
        header = BundleHeader(who.genesis.line, who.member, b"thiefthi", self.facts["wall_ms"], 50, len(every))
        unsigned = bundle.body(header, [one.raw for one in every])
        whole = unsigned + who.node.sign(bundle.signing_message(unsigned))
        [piece] = parts.cut(whole, who.genesis.line, None)
        path.write_bytes(piece)
        return do("bundle", "import", path, "--node", to.home)


def test_keys_are_changed_on_a_live_line_and_a_theft_is_marked_everywhere(nodes: list[Node], tmp_path: Path) -> None:
    alfa, bravo, _ = nodes
    before = say(alfa, "before")
    printed = change(alfa)
    during = say(alfa, "at once, under the new keys")
    assert "good in these starts, and in none other" in printed[1]
    assert "ALFA: keys of key list 1" in printed[-1]
    states = processes.come_to_rest(nodes)
    assert len({state["joint_checkpoint"] for state in states}) == 1
    assert states[0]["key_list"] == 1
    assert not any(state["disputes"] for state in states)
    assert all(marks(node) == {before: [], during: []} for node in nodes)

    for gone in (alfa.home / "node.key", alfa.home / "seats" / "duty.key"):
        gone.unlink()  # as the drill has it: the old ones are destroyed
    alfa.kill()
    alfa.start()
    processes.come_to_rest(nodes)
    after = say(alfa, "after a start with the new keys alone")
    processes.come_to_rest(nodes)
    assert marks(bravo)[after] == []

    thief = Thief(alfa, tmp_path / "stolen")
    false = [thief.sign("false, believed for now")]
    assert "1 entries new, 1 known" in thief.give(bravo, tmp_path / "one")
    processes.come_to_rest(nodes)
    assert all(marks(node)[false[0]] == [] for node in nodes), "nobody knows yet"
    change(alfa, "--not-start", b"thiefthi".hex())
    false.append(thief.sign("false, after the list has come"))
    thief.give(bravo, tmp_path / "two")
    last = say(alfa, "true")
    processes.come_to_rest(nodes)
    for node in nodes:
        found = marks(node)
        assert [found[leaf] for leaf in false] == [[MARK], [MARK]]
        assert [found[leaf] for leaf in (before, during, after, last)] == [[], [], [], []]
        told = do("keys", "show", "--node", node.home)
        assert "ALFA: keys of key list 2; 2 ENTRIES PAST THE END OF THEIR KEY" in told

    files = records(nodes, tmp_path)
    reports = [verify([path.read_bytes()]) for path in files]
    past = [(0, b"thiefthi", 0), (0, b"thiefthi", 1)]
    for report in reports:
        assert report.sound, (report.faults, report.contradictions)
        assert [(f.party, f.incarnation, f.seq) for f in report.remarks if f.rule == "key"] == past
    assert "IDENTICAL: all 3 records are one record" in do("verify", *files)
    code, said = reading(*files)
    assert (code, said[-1]) == (0, {"identical": True})
    assert all(one["past"] == [[0, b"thiefthi".hex(), seq] for seq in (0, 1)] for one in said[:-1])
