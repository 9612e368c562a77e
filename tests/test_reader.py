"""A second reader in another language, from the specification alone, gives the program's verdicts.

`tests/reader/reader.mjs` is held against the vectors, against a line written here byte by byte, and against the records
of a played scenario; where the program can be asked as well, both have to agree.
"""

import base64
import hashlib
import hmac
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).resolve().parent
READER = HERE / "reader" / "reader.mjs"
VECTORS = HERE.parent / "spec" / "vectors"
MAGIC = b"keepclear-record/1\n"
encode = msgspec.msgpack.encode  # shortest forms: canonical for what is used here


def node(*arguments: str | Path, stdin: str = "") -> tuple[int, str]:
    found = shutil.which("node")
    if found is None:
        pytest.fail("node is not installed: the second reader needs Node.js 20 or later on the PATH")
    done = subprocess.run(
        [found, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=300, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def reading(*files: Path) -> tuple[int, list[dict[str, Any]]]:
    code, lines = node(READER, *files)
    return code, [json.loads(line) for line in lines.splitlines()]


def program(*files: Path) -> list[dict[str, Any]]:
    """What `keepclear verify --json` says of each file."""
    command: list[str | Path] = [Path(sys.executable).parent / "keepclear", "verify", "--json", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)["records"]
    return found


def vector(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


# -- the vectors ------------------------------------------------------------------------------------------------------

JUDGE = """
import * as reader from "%s";
import { readFileSync } from "node:fs";
const hex = (s) => Buffer.from(s, "hex");
const refused = (e) => { if (e.constructor.name !== "Wrong") throw e; return null; };
const verdict = (act) => { try { return act(); } catch (e) { return refused(e); } };
const shown = (v) => Array.isArray(v) ? v.map(shown) : Buffer.isBuffer(v) ? ["bytes", v.toString("hex")] : v;
const { genesis, canonical, ed25519, documents, entries, lists, notes } = JSON.parse(readFileSync(0));
const lines = Object.fromEntries(Object.entries(genesis).map(([name, d]) => [name, reader.readGenesis(hex(d))]));
console.log(JSON.stringify({
  canonical: canonical.map((b) => verdict(() => ({ value: shown(reader.decode(hex(b))) }))),
  encoded: canonical.map((b) => verdict(() => reader.encode(reader.decode(hex(b))).toString("hex"))),
  ed25519: ed25519.map((c) => reader.valid(hex(c.key), hex(c.message), hex(c.signature))),
  documents: documents.map((d) => verdict(() => reader.readGenesis(hex(d)).id.toString("hex"))),
  entries: entries.map((e) => verdict(() => reader.readEntry(lines.entry, hex(e)).leaf.toString("hex"))),
  lists: lists.map((d) => verdict(() => reader.readList(lines.keys, hex(d)).id)),
  notes: notes.map((n) => verdict(() => reader.readNote(lines.note, Buffer.from(n))))
    .map((n) => n && [n.size, n.oneForm]),
}));
"""


def forged(name: str, key: int) -> dict[str, Any]:
    """Made without a private key, for a `key` that is a form of the neutral point A: with R = S B the equation holds.

    R is sound, so that nothing but the key can be the reason to refuse it.
    """
    scalar = bytearray(hashlib.sha512(bytes(32)).digest()[:32])
    scalar[0], scalar[31] = scalar[0] & 248, scalar[31] & 127 | 64
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(scalar, "little") % order
    signature = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw() + s.to_bytes(
        32, "little"
    )
    signed = {"key": key.to_bytes(32, "little").hex(), "message": "6b", "signature": signature.hex()}
    return {"name": name, "valid": False} | signed


FORGED = [
    forged("the neutral point as key", 1),
    forged("the same with a sign", 2**255 + 1),
    forged("the same in its second form", 2**255 - 18),
    forged("the same in its second form with a sign", 2**256 - 18),
]


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[Any]]:
    """The reader's verdict on each case of each vector file, in one run; null for what it refuses."""
    every = {name: vector(name) for name in ("canonical", "ed25519", "genesis", "entry", "note", "keys")}

    def cases(name: str, item: str) -> list[str]:
        return [case[item] for kind in ("valid", "invalid") for case in every[name][kind]]

    asked = {
        "genesis": {name: every[name]["genesis"] for name in ("entry", "note", "keys")},
        "canonical": cases("canonical", "bytes"),
        "ed25519": every["ed25519"]["cases"] + FORGED,
        "documents": cases("genesis", "document"),
        "entries": cases("entry", "entry"),
        "notes": cases("note", "note"),
        "lists": cases("keys", "document"),
    }
    code, said = node("--input-type=module", "--eval", JUDGE % READER.as_uri(), stdin=json.dumps(asked))
    assert code == 0
    found: dict[str, list[Any]] = json.loads(said)
    return found


@pytest.mark.parametrize(
    ("part", "name", "answer"),
    [
        ("canonical", "canonical", lambda case: {"value": case["value"]}),
        ("encoded", "canonical", lambda case: case["bytes"]),
        ("documents", "genesis", lambda case: case["line"]),
        ("entries", "entry", lambda case: case["leaf"]),
        ("notes", "note", lambda case: [case["size"], case["one_form"]]),
        ("lists", "keys", lambda case: case["id"]),
    ],
)
def test_every_vector_is_judged_as_it_says(verdicts: dict[str, list[Any]], part: str, name: str, answer: Any) -> None:
    cases = vector(name)
    wanted = [(case, answer(case)) for case in cases["valid"]] + [(case, None) for case in cases["invalid"]]
    assert len(verdicts[part]) == len(wanted) > 10
    for (case, expected), found in zip(wanted, verdicts[part], strict=True):
        assert found == expected, case.get("name") or case.get("why") or case


def test_every_signature_has_its_verdict(verdicts: dict[str, list[Any]]) -> None:
    for case, found in zip(vector("ed25519")["cases"] + FORGED, verdicts["ed25519"], strict=True):
        assert found == case["valid"], case["name"]


def test_the_record_of_a_theft_is_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.record").write_bytes(bytes.fromhex(vector("keys")["record"]))
    code, [said] = reading(tmp_path / "a.record")
    assert (code, said["faults"], said["joint"]) == (0, [], vector("keys")["joint"])
    assert said["past"] == vector("keys")["past"]


def items_of(record: bytes) -> list[bytes]:
    """The items of a record, each with its length before it."""
    found, at = [], len(MAGIC)
    while at < len(record):
        end = at + 4 + int.from_bytes(record[at : at + 4], "big")
        found.append(record[at:end])
        at = end
    return found


def test_the_records_joint_checkpoint_whole_and_cut_short(tmp_path: Path) -> None:
    case = vector("record")
    whole = bytes.fromhex(case["record"])
    files = []
    for at in case["cut_at"]:
        files.append(tmp_path / f"{at}.record")
        files[-1].write_bytes(whole[:at])
    code, said = reading(*files)
    assert code == 0
    assert [record.get("joint") for record in said[:-1]] == case["cut_joint"]
    assert said[-2]["joint"] == case["joint"]
    assert [list(book.values()) for book in said[-2]["books"]] == [
        [party, incarnation, size, root] for party, _, incarnation, size, root in case["logbooks"]
    ]
    assert said[-1] == {"identical": False}
    assert reading(files[-1], files[-1])[1][-1] == {"identical": True}


def test_a_flipped_bit_in_any_item_is_found(tmp_path: Path) -> None:
    whole = bytes.fromhex(vector("record")["record"])
    places, start = list(range(len(MAGIC))), len(MAGIC)
    for item in items_of(whole):  # its length, its type, its last byte, and every 23rd between
        places += [*range(start, start + 12), *range(start + 12, start + len(item), 23), start + len(item) - 1]
        start += len(item)
    files = []
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        files.append(tmp_path / f"{place}.record")
        files[-1].write_bytes(changed)
    code, said = reading(*files)
    assert code == 2  # some of them cannot be read at all
    missed = [
        file.name
        for file, record in zip(files, said, strict=False)
        if not record["faults"] and not record["unreadable"]
    ]
    assert not missed


# -- a line written here ----------------------------------------------------------------------------------------------


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root_of(leaves[:half]), root_of(leaves[half:]))


@dataclass(frozen=True)
class Entry:
    """An entry's bytes, where it stands in a record, and its leaf."""

    data: bytes
    place: tuple[int, int, bytes, int, bytes]
    leaf: bytes


class Line:
    """NORTH and SOUTH, their keys made of their names: a writer for records that no honest node writes."""

    NAMES = ("NORTH", "SOUTH")
    SEED = bytes(range(32))

    def __init__(self, **changes: Any) -> None:
        self.keys = [self.key(name) for name in self.NAMES]
        roots = [self.key(name + " root") for name in self.NAMES]
        members = [
            [name, 0, 1, [self.public(root)], [["", self.public(key), bytes([i]) * 1312]]]
            for i, (name, root, key) in enumerate(zip(self.NAMES, roots, self.keys, strict=True))
        ]
        fields = {"created": 0, "limits": [262144], "members": members} | changes
        body = encode(
            [
                "keepclear/genesis/1",
                1,
                2,
                "Written here",
                fields["created"],
                bytes(16),
                fields["limits"],
                fields["members"],
            ]
        )
        self.id = sha256(b"keepclear/genesis/1\0", body)
        signed = b"keepclear/genesis-signature/1\0" + self.id
        self.genesis = encode([body, [[i, 0, root.sign(signed)] for i, root in enumerate(roots)]])

    @staticmethod
    def key(name: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()))

    @staticmethod
    def public(key: Ed25519PrivateKey) -> bytes:
        return key.public_key().public_bytes_raw()

    def entry(
        self,
        party: int,
        seq: int,
        prev: bytes = bytes(32),
        items: Iterable[Any] = (None, None),
        kind: int = 99,
        incarnation: bytes = bytes(8),
        start: int = 0,
        seen: Any = None,
        more: Iterable[Any] = (),
        precedence: int = 4,
    ) -> Entry:
        leaves = [encode(item) for item in items]
        leaves += [b""] * ((32 if len(leaves) > 16 else 16) - len(leaves))
        salts = [hmac.digest(self.SEED, struct.pack(">I", i), "sha256") for i in range(len(leaves))]
        root = root_of([sha256(b"\0", salt, leaf) for salt, leaf in zip(salts, leaves, strict=True)])
        before = [1, self.id, 0, party, incarnation, start, seq, prev, [seen], 1_800_000_000_000, 50, precedence, kind]
        header = encode([*before, None, [], 3, "", 1_800_000_000_000, None, root, None, party, *more])
        signature = self.keys[party].sign(b"keepclear/entry/1\0" + header)
        leaf = sha256(b"\0", header)
        data = encode([header, signature, [], self.SEED, encode(list(items))])
        return Entry(data, (party, start, incarnation, seq, leaf), leaf)

    def note(self, party: int, size: int, root: bytes, line: bytes = b"", cosigned_s: int | None = None) -> bytes:
        """A checkpoint signed by its author, and by the other member at `cosigned_s` when that is given."""
        head = f"keepclear/{(line or self.id).hex()}/{self.NAMES[party]}/{bytes(8).hex()}\n{size}\n"
        text = head.encode() + base64.b64encode(root) + b"\n"
        rows = [self.signature_line(party, b"\1", b"", text)]
        if cosigned_s is not None:
            said = f"cosignature/v1\ntime {cosigned_s}\n".encode() + text
            rows.append(self.signature_line(1 - party, b"\4", cosigned_s.to_bytes(8, "big"), said))
        return text + b"\n" + b"".join(sorted(rows))

    def signature_line(self, member: int, kind: bytes, time: bytes, said: bytes) -> bytes:
        name = f"keepclear/{self.id.hex()[:16]}/{self.NAMES[member]}".encode()
        key_id = sha256(name, b"\n", kind, self.public(self.keys[member]))[:4]
        signed = base64.b64encode(key_id + time + self.keys[member].sign(said))
        return b"\xe2\x80\x94 " + name + b" " + signed + b"\n"

    def record(self, *entries: Entry, notes: Iterable[bytes] = (), as_given: bool = False) -> bytes:
        ordered = entries if as_given else sorted(entries, key=lambda entry: entry.place)
        items = [(0, self.genesis), *((1, entry.data) for entry in ordered), *((2, note) for note in notes)]
        packed = [encode([kind, data]) for kind, data in items]
        return MAGIC + b"".join(struct.pack(">I", len(item)) + item for item in packed)


LINE = Line()
N0 = LINE.entry(0, 0)
N1 = LINE.entry(0, 1, N0.leaf)
S0 = LINE.entry(1, 0, seen=[bytes(8), 2, 0])
N0_OTHER = LINE.entry(0, 0, items=(None, None, 7))
N3 = LINE.entry(0, 3, b"\1" * 32)
BOTH = root_of([N0.leaf, N1.leaf])
HELD = (N0, N1, S0)
NOW = 1_800_000_000_000


def receipt(
    party: int = 0, size: int = 2, root: bytes = BOTH, ranges: Any = (), beyond: Any = (), ext: Any = None
) -> Entry:
    items = [ext, None, party, bytes(8), size, root, list(ranges), list(beyond)]
    return LINE.entry(1, 1, S0.leaf, items=items, kind=15)


def of(*entries: Entry, notes: Iterable[bytes] = (), as_given: bool = False) -> bytes:
    return LINE.record(*entries, notes=notes, as_given=as_given)


def nils(count: int) -> Entry:
    """An entry whose body has four values more than this."""
    return LINE.entry(0, 0, items=[None, None, [None] * count])


SOUND = {
    "no entry": of(),
    "two logbooks": of(*HELD),
    "an entry past a gap": of(*HELD, N3),
    "a header item that is not known yet": of(LINE.entry(0, 0, more=[5])),
    "a time heard before 1970": of(LINE.entry(0, 0, seen=[bytes(8), 1, -5])),
    "4096 past the size": of(N0, LINE.entry(0, 4097, b"\1" * 32)),
    "a FLASH far past the size": of(N0, LINE.entry(0, 9_000, b"\1" * 32, precedence=1)),
    "65 536 values": of(nils(65_532)),
    "a checkpoint": of(*HELD, notes=[LINE.note(0, 1, N0.leaf), LINE.note(0, 2, BOTH)]),
    "a checkpoint of more than is here": of(*HELD, notes=[LINE.note(0, 3, BOTH)]),
    "a cosigned checkpoint": of(*HELD, notes=[LINE.note(0, 2, BOTH, cosigned_s=2**63 - 1)]),
    "a checkpoint of nothing": of(*HELD, notes=[LINE.note(0, 0, sha256())]),
    "a receipt": of(*HELD, receipt(ranges=[[0, 2, NOW, None]])),
    "a receipt past a gap": of(*HELD, N3, receipt(ranges=[[3, 1, NOW, NOW]], beyond=[[3, N3.leaf, NOW]])),
    "a receipt of more than is here": of(*HELD, receipt(size=3)),
    "a receipt without its last field": of(
        *HELD, LINE.entry(1, 1, S0.leaf, items=[None, None, 0, bytes(8), 2, BOTH, []], kind=15)
    ),
}
FAULTY = {
    "two entries in one slot": of(N0, N0_OTHER),
    "an entry after another than the one before": of(N0, LINE.entry(0, 1, b"\1" * 32)),
    "two starts of one incarnation": of(N0, LINE.entry(0, 1, N0.leaf, start=1)),
    "4097 past the size": of(N0, LINE.entry(0, 4098, b"\1" * 32)),
    "a FLASH in slot 2^48": of(N0, LINE.entry(0, 2**48, b"\1" * 32, precedence=1)),
    "65 537 values": of(nils(65_533)),
    "entries out of sequence": of(N1, N0, as_given=True),
    "an entry twice": of(N0, N0, as_given=True),
    "a root that is not the entries'": of(*HELD, notes=[LINE.note(0, 1, BOTH)]),
    "two roots of one size": of(*HELD, notes=sorted([LINE.note(0, 3, BOTH), LINE.note(0, 3, N0.leaf)])),
    "a checkpoint of another line": of(
        *HELD, notes=[LINE.note(0, 2, BOTH, line=LINE.id[:31] + bytes([LINE.id[31] ^ 1]))]
    ),
    "a time of a cosignature past 2^63": of(*HELD, notes=[LINE.note(0, 2, BOTH, cosigned_s=2**63)]),
    "checkpoints out of sequence": of(*HELD, notes=[LINE.note(0, 2, BOTH), LINE.note(0, 1, N0.leaf)]),
    "a receipt's root at another size": of(*HELD, receipt(size=1)),
    "a receipt of its own author": of(*HELD, receipt(party=1, size=1, root=S0.leaf)),
    "a receipt of nobody": of(*HELD, receipt(party=2)),
    "a receipt's range past its size": of(*HELD, receipt(ranges=[[1, 2, NOW, None]])),
    "a receipt's leaf": of(*HELD, N3, receipt(beyond=[[3, bytes(32), NOW]])),
    "a receipt past a gap below its size": of(*HELD, receipt(beyond=[[1, N1.leaf, NOW]])),
    "a receipt that cannot be read": of(*HELD, receipt(ext=1)),
    "an item of no type": of(N0) + b"\0\0\0\4\x92\3\xc4\0",
    "an end inside an item": of(N0)[:-1],
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Of each record written here: what the reader says, and what the program says."""
    folder = tmp_path_factory.mktemp("written")
    files = [folder / f"{i}.record" for i in range(len(SOUND) + len(FAULTY))]
    for file, record in zip(files, [*SOUND.values(), *FAULTY.values()], strict=True):
        file.write_bytes(record)
    pairs = zip(reading(*files)[1], program(*files), strict=False)
    return dict(zip([*SOUND, *FAULTY], pairs, strict=True))


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_record_is_sound_to_both_and_the_same(written: Any, name: str) -> None:
    reader, program = written[name]
    assert (reader["faults"], reader["unreadable"]) == ([], None)
    assert program["sound"] is True
    assert reader["joint"] == program["joint_checkpoint"]
    assert (reader["entries"], reader["notes"]) == (program["entries"], program["notes"])


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_one_to_both(written: Any, name: str) -> None:
    reader, program = written[name]
    assert program["sound"] is False
    assert bool(reader["unreadable"]) == bool(program["unreadable"])
    assert reader["unreadable"] or reader["faults"]
    contradicted = any(fault.startswith("contradiction: ") for fault in reader["faults"])
    assert contradicted == bool(program["contradictions"])


def test_a_record_of_another_line_is_another_record(tmp_path: Path) -> None:
    here, there = tmp_path / "here.record", tmp_path / "there.record"
    here.write_bytes(LINE.record())
    there.write_bytes(Line(created=1).record())
    code, said = reading(here, there)
    assert (code, said[-1]) == (0, {"identical": False})
    assert said[0]["line"] != said[1]["line"]


# -- a played scenario ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def il20_files(il20_records: Path) -> list[Path]:
    return [il20_records / f"{name}.record" for name in ("A", "B", "observer")]


def test_the_records_of_a_played_scenario_are_sound_and_identical(il20_files: list[Path]) -> None:
    code, said = reading(*il20_files)
    assert (code, said[-1]) == (0, {"identical": True})
    for reader, theirs in zip(said[:-1], program(*il20_files), strict=True):
        assert reader["faults"] == []
        assert reader["entries"] > 50
        assert reader["notes"] > 10
        assert (reader["line"], reader["joint"]) == (theirs["line"], theirs["joint_checkpoint"])
        assert (reader["entries"], reader["notes"]) == (theirs["entries"], theirs["notes"])
        wanted = [[book[key] for key in ("party", "incarnation", "size", "root")] for book in theirs["logbooks"]]
        assert [list(book.values()) for book in reader["books"]] == wanted


def test_a_flip_or_a_swap_in_a_played_record_is_found(il20_files: list[Path], tmp_path: Path) -> None:
    whole = il20_files[0].read_bytes()
    items = items_of(whole)
    changes = {f"swap {i}": [*items[:i], items[i + 1], items[i], *items[i + 2 :]] for i in (0, 1, len(items) // 2)}
    for i in range(0, len(items), 9):  # in an entry's header, in the first line of a note
        flipped = bytearray(items[i])
        flipped[60] ^= 4
        changes[f"flip {i}"] = [*items[:i], bytes(flipped), *items[i + 1 :]]
    files = []
    for name, changed in changes.items():
        files.append(tmp_path / f"{name}.record")
        files[-1].write_bytes(MAGIC + b"".join(changed))
    said = reading(*files)[1]
    assert not [
        name for name, record in zip(changes, said, strict=False) if not record["faults"] and not record["unreadable"]
    ]
    assert len(changes) > 10
