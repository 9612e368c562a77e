"""Entries: what an author and its seats sign, what a reader refuses, and what it keeps although it does not know it."""

import hmac

import pytest
from tests.record.build import Line, notice

from keepclear.accord import canonical, statement
from keepclear.record import entry, suite, tree
from keepclear.record.entry import BadEntry


def test_an_entry_says_what_was_drafted() -> None:
    line = Line()
    draft = line.draft(notice("Live firing, range 4"), precedence=statement.Precedence.FLASH)
    said = line.sign(0, draft, ("duty", "chief"))
    entry.check(said, line.genesis)
    assert entry.draft_of_header(said.header, said.body) == draft
    assert entry.read_body(said.header.kind, said.body) == notice("Live firing, range 4")
    assert said.slot == (0, line.incarnation(0), 0)
    assert said.leaf == tree.leaf_hash(said.header_bytes)


def test_a_release_covers_all_that_the_officer_saw() -> None:
    """Each field of the draft, changed after the release, makes the entry bad; the node alone cannot alter it."""
    line = Line()
    draft = line.draft(notice())
    released = line.sign(0, draft, ("duty",))
    changes = {"precedence": 1, "replaces": bytes(32), "refs": (bytes(32),), "seat": "chief", "valid_from_ms": 0,
               "expiry_ms": 0, "kind": 2}  # fmt: skip
    for field, value in changes.items():
        altered = line.sign(0, draft, headers={field: value, "releases_hash": released.header.releases_hash})
        raw = entry.assemble(altered.header_bytes, altered.signature, released.releases, altered.seed, altered.body)
        with pytest.raises(BadEntry, match="release of seat duty is not valid"):
            entry.check(entry.read(raw, canonical.MAX_BYTES), line.genesis)


def test_one_leaf_can_be_shown_and_the_rest_withheld() -> None:
    """A disclosure gives one leaf, its salt and the path; the seed, and with it the other leaves, stays behind."""
    line = Line()
    said = line.sign(0, line.draft(notice("Live firing")))
    leaves = [canonical.encode(leaf) for leaf in canonical.decode(said.body)]
    leaves += [b""] * (16 - len(leaves))
    salts = entry.salts(said.seed, 16)
    level = [tree.leaf_hash(salt + leaf) for salt, leaf in zip(salts, leaves, strict=True)]
    shown, at, path = 6, 6, []  # the text
    while len(level) > 1:
        path.append(level[at ^ 1])
        level = [tree.node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        at //= 2
    node, at = tree.leaf_hash(salts[shown] + canonical.encode("Live firing")), shown
    for sibling in path:
        node = tree.node_hash(sibling, node) if at & 1 else tree.node_hash(node, sibling)
        at //= 2
    assert node == said.header.body_root


def test_a_salt_is_the_hmac_of_its_number() -> None:
    """Our own HMAC against the library's; a key longer than a block of the hash is hashed first."""
    for seed in (bytes(32), bytes(range(64)), bytes(range(65))):
        assert entry.salts(seed, 40) == [hmac.digest(seed, i.to_bytes(4, "big"), "sha256") for i in range(40)]


def test_the_signature_is_over_a_string_that_nothing_else_begins_with() -> None:
    line = Line()
    said = line.say(0, notice())
    key = line.genesis.keys[said.header.key].key.ed25519
    assert suite.verify_ed25519(key, b"keepclear/entry/1\x00" + said.header_bytes, said.signature)
    assert not suite.verify_ed25519(key, said.header_bytes, said.signature)


def test_an_author_cannot_root_what_has_no_form() -> None:
    for body, rule in ((b"\x81\x01\x02", "not canonical"), (b"\x07", "an array"), (b"\xdc\x00\x21" + bytes(33), "33")):
        with pytest.raises(BadEntry, match=rule):
            entry.body_root(bytes(32), body)
