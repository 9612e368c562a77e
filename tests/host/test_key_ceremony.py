"""Changing keys: what is made, drafted, shown, signed by k roots and joined; and what each step refuses."""

import shutil
from pathlib import Path

import pytest

from keepclear.host import ceremony, key_ceremony, keys, letter
from keepclear.host.ceremony import CeremonyError
from keepclear.host.identity import IdentityError, load_identity
from keepclear.record import key_list
from keepclear.record.genesis import Mode, Role

STARTS = ((b"first  .", 7), (b"second .", None))


@pytest.fixture
def north(tmp_path: Path) -> Path:
    """The directory of a party whose list two of three roots sign; the roots are on a medium of their own."""
    offers = [
        ceremony.make_identity(tmp_path / name, name, Role.PARTY, ("duty", "chief"), roots=3, threshold=2)
        for name in ("NORTH", "SOUTH")
    ]
    proposal = ceremony.propose(offers, "river", Mode.LIVE, 1_767_268_800_000, tmp_path / "river.proposal")
    signatures = [ceremony.sign(tmp_path / name, proposal) for name in ("NORTH", "SOUTH")]
    for name in ("NORTH", "SOUTH"):
        ceremony.join(tmp_path / name, proposal, signatures)
    for number in range(3):
        medium = tmp_path / f"medium-{number}"
        keys.private_directory(medium / "roots")
        shutil.copy(tmp_path / "NORTH" / "genesis", medium)
        shutil.move(tmp_path / "NORTH" / "roots" / f"root-{number}.key", medium / "roots")
    return tmp_path / "NORTH"


def drafted(north: Path, **ends: key_ceremony.Upto) -> Path:
    key_ceremony.make_next(north, key_ceremony.owner(north), ["duty"])
    return key_ceremony.draft(north, key_ceremony.owner(north), ends or {"node": STARTS})


def signed(north: Path, draft: Path, *roots: int) -> list[Path]:
    return [key_ceremony.sign(north.parent / f"medium-{number}", draft) for number in roots]


def test_two_of_three_roots_change_the_keys_of_a_node_and_a_seat(north: Path) -> None:
    before = load_identity(north)
    draft = drafted(north)
    assert load_identity(north).node.public == before.node.public, "keys made in advance speak for nobody"
    text = key_ceremony.describe(north, draft)
    assert "good in these starts, and in none other" in text
    assert f"start   {b'second .'.hex()}  up to the entry that carries this list" in text
    out = key_ceremony.join(north, draft, signed(north, draft, 0, 2))
    after = load_identity(north)
    assert after.node.public == keys.read_node_keys(north / "list-1" / "node.key").public != before.node.public
    assert after.seats["duty"].public != before.seats["duty"].public
    assert after.seats["chief"].public == before.seats["chief"].public
    one = key_ceremony.signed(out, after.genesis)
    assert [(ending.key, ending.upto) for ending in one.body.ends] == [(before.node.public, STARTS)]
    index, signature = after.release(1, "duty", b"said")
    assert one.body.keys[index].ed25519 == after.seats["duty"].public
    assert after.seats["duty"].sign(b"said") == signature
    assert before.release(0, "duty", b"said")[0] == before.genesis.seat_key(0, "duty")


def test_one_root_of_the_two_is_no_list_and_the_node_goes_on_as_it_was(north: Path) -> None:
    draft = drafted(north)
    with pytest.raises(CeremonyError, match="1 root signatures, 2 needed: ask for what is missing"):
        key_ceremony.join(north, draft, signed(north, draft, 1))
    assert load_identity(north).documents == ()


def test_the_next_node_key_is_committed_to_and_its_owner_may_take_it_away(north: Path) -> None:
    key_ceremony.make_next(north, key_ceremony.owner(north), [])
    after = key_ceremony.make_next(north, key_ceremony.owner(north), [])
    assert after.name == "list-2"
    pair = keys.read_node_keys(after / "node.key")
    draft = key_ceremony.draft(north, key_ceremony.owner(north), {})
    shutil.move(after, north.parent / "safe")
    out = key_ceremony.join(north, draft, signed(north, draft, 0, 1))
    body = key_ceremony.signed(out, load_identity(north).genesis).body
    assert body.next == key_list.commitment(key_list.Key("", pair.public, pair.public_mldsa))
    shutil.move(north.parent / "safe", after)
    assert load_identity(north).node.public == keys.read_node_keys(north / "list-1" / "node.key").public


def test_a_key_that_ends_needs_another_in_its_place(north: Path) -> None:
    key_ceremony.make_next(north, key_ceremony.owner(north), ["duty"], node=False)
    with pytest.raises(CeremonyError, match="holds no new key of node, whose key is to end"):
        key_ceremony.draft(north, key_ceremony.owner(north), {"node": STARTS})
    with pytest.raises(CeremonyError, match="deputy: is neither node nor a seat"):
        key_ceremony.draft(north, key_ceremony.owner(north), {"deputy": STARTS})


def test_a_root_of_another_member_and_the_signature_of_another_draft_are_refused(north: Path) -> None:
    draft = drafted(north)
    with pytest.raises(CeremonyError, match="is no root of NORTH"):
        key_ceremony.sign(north.parent / "SOUTH", draft)
    other = draft.with_name("other.draft")
    body, _, _ = key_list.read_unsigned(letter.read(draft, "key-list-draft"), load_identity(north).genesis)
    data = key_ceremony.canonical.encode(key_ceremony.msgspec.structs.replace(body, number=2))
    letter.write(other, "key-list-draft", key_list.document(data))
    with pytest.raises(CeremonyError, match="signs another list"):
        key_ceremony.join(north, draft, signed(north, other, 0, 1))


def test_without_its_signed_list_a_new_key_alone_does_not_start(north: Path) -> None:
    draft = drafted(north)
    out = key_ceremony.join(north, draft, signed(north, draft, 0, 1))
    (north / "node.key").unlink()
    assert load_identity(north).node.public
    out.unlink()
    with pytest.raises(IdentityError, match="is no member's in this genesis"):
        load_identity(north)


def test_a_member_that_has_lost_every_key_but_its_roots_begins_again(north: Path, tmp_path: Path) -> None:
    new = tmp_path / "another disk"
    keys.private_directory(new)
    shutil.copy(north / "genesis", new)
    with pytest.raises(IdentityError, match="is not there"):
        key_ceremony.owner(new)
    with pytest.raises(CeremonyError, match="EAST' is no member of this line"):
        key_ceremony.owner(new, "EAST")
    key_ceremony.make_next(new, key_ceremony.owner(new, "NORTH"), ["duty"])
    draft = key_ceremony.draft(new, key_ceremony.owner(new, "NORTH"), {})
    key_ceremony.join(new, draft, signed(north, draft, 0, 1))
    found = load_identity(new)
    assert (found.genesis.names[found.member], sorted(found.seats)) == ("NORTH", ["duty"])


def test_words_and_digits_say_the_same_bytes() -> None:
    assert keys.spoken(b"key").split()[0] == keys.WORDS[int(keys.fingerprint(b"key")[:2], 16)]
    assert len(keys.spoken(b"key").split()) == len(keys.fingerprint(b"key").replace(" ", "")) // 2
