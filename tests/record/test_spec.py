"""The examples in the specification are the vectors, byte for byte: a page cannot drift from the wire."""

import json
import re
from hashlib import sha256
from typing import Any

import pytest
from spec.make_vectors import VECTORS

from keepclear.accord import canonical
from keepclear.record import entry, tree

SPEC = VECTORS.parent


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def blocks(page: str, kind: str) -> list[str]:
    """The fenced blocks of a page that are of a kind."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", (SPEC / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == kind]


def as_pattern(block: str) -> re.Pattern[str]:
    """The hex of a block without its comments; three points stand for what is left out."""
    bare = "".join(line.split("#")[0] for line in block.splitlines())
    return re.compile("".join(bare.split()).replace("...", "[0-9a-f]+"))


def entry_example() -> entry.Entry:
    [case] = [case for case in vectors("entry")["valid"] if case["name"].startswith("FLASH")]
    return entry.read(bytes.fromhex(case["entry"]), canonical.MAX_BYTES)


def genesis_example() -> list[bytes]:
    document = bytes.fromhex(vectors("genesis")["valid"][1]["document"])
    return [document, canonical.decode(document)[0]]


@pytest.mark.parametrize("page", ["genesis", "entry"])
def test_the_bytes_shown_are_the_vectors(page: str) -> None:
    one = entry_example()
    real = genesis_example() if page == "genesis" else [one.raw, one.header_bytes, one.body]
    shown = blocks(page, "hex")
    assert len(shown) == len(real)
    for block, data in zip(shown, real, strict=True):
        assert as_pattern(block).fullmatch(data.hex())


def test_what_follows_from_the_example_is_reckoned_anew() -> None:
    one = entry_example()
    salts = entry.salts(one.seed, 16)
    leaves = [tree.leaf_hash(salts[i] + leaf) for i, leaf in ((6, canonical.encode("Later")), (15, b""))]
    values = [one.leaf, one.header.body_root, salts[0], salts[6], *leaves]
    [block] = [block for block in blocks("entry", "") if "salt of body leaf" in block]
    assert [line.split()[-1] for line in block.splitlines()] == [value.hex() for value in values]
    body = genesis_example()[1]
    assert f"`{sha256(b'keepclear/genesis/1' + bytes(1) + body).hexdigest()}`" in (SPEC / "genesis.md").read_text()


def test_the_record_shown_is_the_vector() -> None:
    note, items, books = blocks("record", "")
    file = vectors("record")
    assert note == vectors("note")["valid"][0]["note"]
    starts = [0, *(int(at) for at in re.findall(r"# byte (\d+):", items))]
    assert starts[1:] == [19, *file["cut_at"][:-1]]
    for at, line in zip(starts, items.splitlines(), strict=True):
        assert file["record"].startswith(as_pattern(line).pattern.removesuffix("[0-9a-f]+"), 2 * at)
    assert books.splitlines()[-1] == file["joint"]
    rows = [line[1:-1].split(", ") for line in books.splitlines()[:-1]]
    assert [[int(a), int(b), c, int(d), e] for a, b, c, d, e, _ in rows] == file["logbooks"]


def test_the_evidence_shown_is_the_vector() -> None:
    [shown] = blocks("evidence", "")
    file = vectors("evidence")["valid"][0]["file"]
    starts = [0, *(int(at) for at in re.findall(r"# byte (\d+):", shown))]
    for at, line in zip(starts, shown.splitlines(), strict=True):
        assert file.startswith(as_pattern(line).pattern.removesuffix("[0-9a-f]+"), 2 * at), line


def test_the_bundle_shown_is_the_vector() -> None:
    items, part = blocks("bundle", "")
    file = vectors("bundle")
    starts = [0, *(int(at) for at in re.findall(r"# byte (\d+):", items))]
    assert starts[-1] == len(file["bundle"]) // 2 - 64
    for at, line in zip(starts, items.splitlines(), strict=True):
        assert file["bundle"].startswith(as_pattern(line).pattern.removesuffix("[0-9a-f]+"), 2 * at)
    assert as_pattern(part).fullmatch(file["parts"][1])
    assert len(file["parts"]) == 3
