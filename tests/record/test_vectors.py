"""The vectors that a second reader is tested with are what this reader does, and say what they say they say."""

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from spec import ed25519_cases, make_vectors

from keepclear.accord import canonical
from keepclear.line import sealing
from keepclear.record import bundle, checkpoint, entry, evidence, key_list, parts, suite, verify
from keepclear.record.bundle import BadBundle
from keepclear.record.genesis import BadGenesis, Genesis
from keepclear.record.judge import judge
from keepclear.record.key_list import BadList
from keepclear.record.note import BadNote


def vectors(name: str) -> Any:
    return json.loads((make_vectors.VECTORS / f"{name}.json").read_text())


def genesis_of(file: Any) -> Genesis:
    return Genesis.read(bytes.fromhex(file["genesis"]))


def cases(name: str, key: str = "invalid") -> Any:
    return pytest.mark.parametrize("case", vectors(name)[key], ids=lambda case: case.get("why") or case.get("name"))


@pytest.mark.parametrize("name", make_vectors.FILES)
def test_the_stored_vectors_are_what_is_made_now(name: str) -> None:
    path = make_vectors.VECTORS / f"{name}.json"
    assert path.read_text() == make_vectors.to_text(make_vectors.FILES[name]())


@cases("evidence", "valid")
def test_evidence_proves_what_it_proves(case: Any) -> None:
    found = judge(evidence.read(bytes.fromhex(case["file"])))
    assert [[one.rule.name.lower(), one.party] for one in found.proven] == case["proven"]
    assert bool(case["proven"]) is not case["name"].startswith("nothing")
    assert found.genesis.line.hex() == vectors("evidence")["line"]


@cases("evidence")
def test_bad_evidence_is_refused(case: Any) -> None:
    with pytest.raises(evidence.BadEvidence):
        judge(evidence.read(bytes.fromhex(case["file"])))


def test_there_is_no_vector_file_that_nobody_makes() -> None:
    assert sorted(path.stem for path in make_vectors.VECTORS.glob("*.json")) == sorted(make_vectors.FILES)


@cases("canonical")
def test_what_is_not_canonical_is_refused(case: Any) -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.decode(bytes.fromhex(case["bytes"]))


@cases("genesis")
def test_a_bad_genesis_is_refused(case: Any) -> None:
    with pytest.raises(BadGenesis):
        Genesis.read(bytes.fromhex(case["document"]))


@cases("entry")
def test_a_bad_entry_is_refused(case: Any) -> None:
    genesis = genesis_of(vectors("entry"))
    with pytest.raises(entry.BadEntry):
        entry.check(entry.read(bytes.fromhex(case["entry"]), genesis.body.limits.entry_bytes), genesis)


@cases("entry", "valid")
def test_a_good_entry_is_its_authors(case: Any) -> None:
    file = vectors("entry")
    genesis = genesis_of(file)
    one = entry.read(bytes.fromhex(case["entry"]), genesis.body.limits.entry_bytes)
    entry.check(one, genesis)
    assert one.leaf.hex() == case["leaf"]


@cases("note")
def test_a_bad_note_is_refused(case: Any) -> None:
    with pytest.raises(BadNote):
        checkpoint.verify(genesis_of(vectors("note")), case["note"].encode())


@cases("keys")
def test_a_bad_key_list_is_refused(case: Any) -> None:
    with pytest.raises(BadList):
        key_list.read(bytes.fromhex(case["document"]), genesis_of(vectors("keys")))


def test_in_the_record_of_a_theft_what_is_past_the_end_is_marked_and_nothing_else() -> None:
    file = vectors("keys")
    report = verify.verify([bytes.fromhex(file["record"])])
    assert report.sound
    past = [[f.party, f.incarnation.hex(), f.seq] for f in report.remarks if f.rule == "key"]
    assert past == file["past"]
    assert report.joint().hex() == file["joint"]


def test_the_record_is_sound_at_every_cut_and_each_cut_is_another_record() -> None:
    file = vectors("record")
    record = bytes.fromhex(file["record"])
    reports = [verify.verify([record[:at]]) for at in file["cut_at"]]
    assert all(report.sound for report in reports)
    assert [report.joint().hex() for report in reports] == file["cut_joint"]
    assert file["cut_joint"][-1] == file["joint"]
    assert len(set(file["cut_joint"])) == 5  # no entry, then one to four; notes add nothing to what is held


@cases("bundle")
def test_a_bad_bundle_is_refused(case: Any) -> None:
    with pytest.raises(BadBundle):
        bundle.read(bytes.fromhex(case["bundle"]), genesis_of(vectors("bundle")))


@cases("bundle", "invalid_parts")
def test_a_bad_part_is_refused(case: Any) -> None:
    with pytest.raises(BadBundle):
        parts.read(bytes.fromhex(case["part"]))


def test_the_parts_and_the_sealed_one_are_the_bundle() -> None:
    file = vectors("bundle")
    genesis, data = genesis_of(file), bytes.fromhex(file["bundle"])
    found = bundle.read(data, genesis)
    assert [one.leaf.hex() for one in found.entries] == file["leaves"]
    assert parts.join(parts.read(bytes.fromhex(part)) for part in file["parts"]) == data
    key = sealing.reader_key(bytes.fromhex(file["seed"]))
    card = sealing.read_card(bytes.fromhex(file["card"]), genesis)
    assert (card.member, card.kem) == (1, key.public)
    assert sealing.open_sealed(bytes.fromhex(file["sealed"]), genesis.line, key) == data


def openssl_says(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("case", vectors("ed25519")["cases"], ids=lambda case: case["name"])
def test_two_libraries_give_one_verdict(case: Any) -> None:
    key, message, signature = (bytes.fromhex(case[part]) for part in ("key", "message", "signature"))
    assert suite.verify_ed25519(key, message, signature) == case["valid"]
    small = {bytes.fromhex(one.hex()) for one in ed25519_cases.small_order_encodings()}
    sound = key not in small and signature[:32] not in small
    assert (sound and openssl_says(key, message, signature)) == case["valid"]


def test_our_own_check_is_needed() -> None:
    """Without it, one of the libraries takes a signature that nobody made."""
    assert any(
        openssl_says(*(bytes.fromhex(case[part]) for part in ("key", "message", "signature")))
        for case in vectors("ed25519")["cases"]
        if not case["valid"]
    )


def test_mldsa_takes_its_vector_and_no_changed_bit() -> None:
    file = vectors("mldsa")
    key, message, signature = (bytes.fromhex(file[part]) for part in ("key", "message", "signature"))
    assert suite.verify_mldsa(key, message, signature)
    for at in range(0, len(signature), 97):
        changed = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        assert not suite.verify_mldsa(key, message, changed)
    assert not suite.verify_mldsa(key, message + b".", signature)
    assert not suite.verify_mldsa(key[:-1], message, signature)
