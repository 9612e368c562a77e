"""Founding a line between people who do not trust each other, by files that they mail."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepclear.accord import canonical
from keepclear.host import keys, letter
from keepclear.host.ceremony import (
    CeremonyError,
    describe,
    join,
    make_exercise_line,
    make_identity,
    propose,
    sign,
)
from keepclear.host.identity import IdentityError, load_identity
from keepclear.host.keys import KeyFileError
from keepclear.host.letter import LetterError
from keepclear.record import suite
from keepclear.record.genesis import Genesis, Member, Mode, Role, line_id

CREATED_MS = 1_767_323_045_000  # 2026-01-02 03:04:05 UTC


def three(at: Path) -> list[Path]:
    """Identities of two parties, one with two of three roots, and an observer; answers the offers."""
    return [
        make_identity(at / "north", "north", Role.PARTY, ["duty", "deputy"], roots=3, threshold=2),
        make_identity(at / "south", "south", Role.PARTY, ["дежурный"]),
        make_identity(at / "mission", "mission", Role.OBSERVER, []),
    ]


def two(at: Path, mode: Mode = Mode.LIVE) -> tuple[Path, Path, Path]:
    """Directories of two parties and the proposal of their line."""
    north, south = at / "north", at / "south"
    offers = [make_identity(path, path.name, Role.PARTY, ["duty"]) for path in (north, south)]
    return north, south, propose(offers, "river", mode, CREATED_MS, at / "river.proposal")


def test_three_members_found_a_line(tmp_path: Path) -> None:
    offers = three(tmp_path)
    proposal = propose(offers, "river", Mode.LIVE, CREATED_MS, tmp_path / "river.proposal")
    directories = [offer.parent for offer in offers]

    # Two of north's three roots are on a medium each; the third is not needed.
    (tmp_path / "north" / "roots" / "root-1.key").unlink()
    one_medium = tmp_path / "root-2.key"
    (tmp_path / "north" / "roots" / "root-2.key").rename(one_medium)
    signatures = [sign(directory, proposal) for directory in directories]
    with pytest.raises(CeremonyError, match="north: 1 root signatures, 2 needed: ask for what is missing"):
        join(directories[1], proposal, signatures)
    one_medium.rename(tmp_path / "north" / "roots" / "root-2.key")
    (tmp_path / "north" / "roots" / "root-0.key").unlink()
    signatures.append(sign(directories[0], proposal))
    documents = {join(directory, proposal, signatures).read_bytes() for directory in directories}

    assert len(documents) == 1
    genesis = Genesis.read(documents.pop())
    assert genesis.names == ("north", "south", "mission")
    assert (genesis.mode, genesis.body.name, genesis.parties()) == (Mode.LIVE, "river", [0, 1])
    for index, directory in enumerate(directories):
        identity = load_identity(directory)
        assert (identity.member, identity.genesis.line) == (index, genesis.line)
        listed = genesis.keys[genesis.node_key(index)].key
        assert suite.verify_ed25519(listed.ed25519, b"entry", identity.node.sign(b"entry"))
        assert suite.verify_mldsa(listed.mldsa, b"note", identity.node.sign_mldsa(b"note"))
        for seat, key in identity.seats.items():
            at = genesis.seat_key(index, seat)
            assert at is not None
            assert suite.verify_ed25519(genesis.keys[at].key.ed25519, b"release", key.sign(b"release"))
    assert [sorted(load_identity(directory).seats) for directory in directories] == [
        ["deputy", "duty"],
        ["дежурный"],
        [],
    ]


def test_what_is_signed_is_described_in_full(tmp_path: Path) -> None:
    proposal = propose(three(tmp_path), "river", Mode.EXERCISE, CREATED_MS, tmp_path / "river.proposal")
    id_ = line_id(letter.read(proposal, "proposal")).hex()[:32]
    shown = describe(proposal).splitlines()
    assert re.sub("[0-9a-f]{4}( [0-9a-f]{4}){7}", "*", "\n".join(shown)) == (
        "line      river\n"
        "mode      EXERCISE: what is said on it is not meant\n"
        "created   2026-01-02 03:04:05 UTC\n"
        "id        *\n"
        "entries   at most 65536 bytes\n"
        "member    north: party, 2 of 3 roots sign for it\n"
        "  root    *\n"
        "  root    *\n"
        "  root    *\n"
        "  node    *\n"
        "  seat    *  duty\n"
        "  seat    *  deputy\n"
        "member    south: party, 1 of 1 roots sign for it\n"
        "  root    *\n"
        "  node    *\n"
        "  seat    *  дежурный\n"
        "member    mission: observer, 1 of 1 roots sign for it\n"
        "  root    *\n"
        "  node    *"
    )
    assert shown[3].removeprefix("id        ").replace(" ", "") == id_
    duty = keys.read_key(tmp_path / "north" / "seats" / "duty.key").public
    assert f"  seat    {keys.fingerprint(duty)}  duty" in shown


def test_a_live_line_is_not_made_on_one_machine(tmp_path: Path) -> None:
    members = [("north", Role.PARTY, ["duty"]), ("south", Role.PARTY, ["duty"])]
    with pytest.raises(CeremonyError, match="a LIVE line is not made on one machine"):
        make_exercise_line(tmp_path / "demo", members, CREATED_MS, Mode.LIVE)
    assert not (tmp_path / "demo").exists()
    directories = make_exercise_line(tmp_path / "demo", members, CREATED_MS)
    assert [load_identity(directory).genesis.mode for directory in directories] == [Mode.EXERCISE] * 2
    assert [load_identity(directory).member for directory in directories] == [0, 1]


def test_private_halves_stay_private_and_public_files_hold_none(tmp_path: Path) -> None:
    north, south, proposal = two(tmp_path)
    join(north, proposal, [sign(north, proposal), sign(south, proposal)])
    for directory in (north, north / "roots", north / "seats"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    secret = [path for path in north.rglob("*.key") if path.is_file()]
    assert sorted(path.name for path in secret) == ["duty.key", "node.key", "root-0.key"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secret)
    for path in (*north.glob("*.offer"), *north.glob("*.signature"), proposal):
        assert b"PRIVATE" not in path.read_bytes()


def test_a_passphrase_covers_every_key_of_a_member(tmp_path: Path) -> None:
    offer = make_identity(tmp_path / "north", "north", Role.PARTY, [], passphrase=b"river")
    other = make_identity(tmp_path / "south", "south", Role.PARTY, [])
    proposal = propose([offer, other], "river", Mode.LIVE, CREATED_MS, tmp_path / "p")
    with pytest.raises(KeyFileError, match=r"root-0\.key: is kept under a passphrase, none was given"):
        sign(tmp_path / "north", proposal)
    signatures = [sign(tmp_path / "north", proposal, b"river"), sign(tmp_path / "south", proposal)]
    join(tmp_path / "north", proposal, signatures, b"river")
    with pytest.raises(KeyFileError, match=r"node\.key: is kept under a passphrase, none was given"):
        load_identity(tmp_path / "north")
    assert load_identity(tmp_path / "north", b"river").member == 0


def test_nothing_is_ever_made_twice_in_one_directory(tmp_path: Path) -> None:
    north, south, proposal = two(tmp_path)
    with pytest.raises(CeremonyError, match="north: is not empty, and keys are never replaced"):
        make_identity(north, "north", Role.PARTY, ["duty"])
    signatures = [sign(north, proposal), sign(south, proposal)]
    assert sign(north, proposal) == signatures[0]
    assert join(north, proposal, signatures) == join(north, proposal, signatures)
    offers = [north / "north.offer", south / "south.offer"]
    with pytest.raises(LetterError, match=r"river\.proposal: is already there and is not overwritten"):
        propose(offers, "river", Mode.LIVE, CREATED_MS, proposal)
    again = propose(offers, "river", Mode.LIVE, CREATED_MS, tmp_path / "again.proposal")
    before = (north / "genesis").read_bytes()
    with pytest.raises(CeremonyError, match="genesis: is of another line: a directory is for one line"):
        join(north, again, [sign(north, again), sign(south, again)])
    assert (north / "genesis").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "seats", "words"),
    [
        ("", [], "name ''"),
        ("n" * 17, [], "1 to 16 printable bytes"),
        ("north/..", [], "no space, plus or slash"),
        ("..", [], "not beginning with a point"),
        ("nor\u202eth", [], "printable"),
        ("north", ["duty officer"], "name 'duty officer'"),
        ("north", ["duty", "duty"], "seats duty, duty: all different"),
    ],
)
def test_names_that_could_mislead_are_refused_before_a_key_is_made(
    tmp_path: Path, name: str, seats: list[str], words: str
) -> None:
    with pytest.raises(CeremonyError, match=words):
        make_identity(tmp_path / "new", name, Role.PARTY, seats)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("roots", "threshold"), [(0, 0), (1, 2), (2, 0), (17, 1)])
def test_a_threshold_that_cannot_be_met_is_refused(tmp_path: Path, roots: int, threshold: int) -> None:
    with pytest.raises(CeremonyError, match=f"{threshold} of {roots} roots cannot be"):
        make_identity(tmp_path / "new", "north", Role.PARTY, [], roots=roots, threshold=threshold)


def test_the_proposer_needs_two_members_and_different_ones(tmp_path: Path) -> None:
    offers = three(tmp_path)
    for chosen, line, words in (
        (offers[:1], "river", "1 members, a line has 2 to 5"),
        ([offers[0], offers[0]], "river", "two members have the same name"),
        (offers, "", "line name ''"),
        (offers, "ri\x9bver", "control character"),
        (offers, "ri\u202ever", "line name"),
    ):
        with pytest.raises((CeremonyError, canonical.NotCanonical), match=words):
            propose(chosen, line, Mode.LIVE, CREATED_MS, tmp_path / "out")
    with pytest.raises(CeremonyError, match="created at -1 ms"):
        propose(offers, "river", Mode.LIVE, -1, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def forged(proposal: Path, out: Path, change: Callable[[list[Any]], object]) -> Path:
    """The proposal as a proposer who cheats would send it; the change is made to the untyped body."""
    body = canonical.decode(letter.read(proposal, "proposal"))
    change(body)
    letter.write(out, "proposal", canonical.encode(body))
    return out


def test_nobody_signs_a_proposal_with_other_keys_under_their_own_name(tmp_path: Path) -> None:
    north, _, proposal = two(tmp_path)
    make_identity(tmp_path / "false" / "north", "north", Role.PARTY, ["duty"])
    false = canonical.decode(letter.read(tmp_path / "false" / "north" / "north.offer", "offer"))[1]

    def swap_the_node_key(body: list[Any]) -> None:
        body[7][0][4][0] = false[4][0]

    def swap_a_seat(body: list[Any]) -> None:
        body[7][0][4][1] = false[4][1]

    def add_a_root(body: list[Any]) -> None:
        body[7][0][3].append(false[3][0])

    def make_it_an_observer(body: list[Any]) -> None:
        body[7][0][1] = Role.OBSERVER

    for number, change in enumerate((swap_the_node_key, swap_a_seat, add_a_root, make_it_an_observer)):
        bad = forged(proposal, tmp_path / f"{number}.proposal", change)
        with pytest.raises(CeremonyError, match=r"north stands in it otherwise than in .*do not sign, and tell"):
            sign(north, bad)
    renamed = forged(proposal, tmp_path / "renamed.proposal", lambda body: body[7][0].__setitem__(0, "west"))
    with pytest.raises(CeremonyError, match=r"north is not a member in it: send .* to the proposer"):
        sign(north, renamed)
    assert not list(north.glob("*.signature"))


def test_a_proposal_that_hides_something_is_not_described_or_signed(tmp_path: Path) -> None:
    north, _, proposal = two(tmp_path)
    for number, (change, words) in enumerate(
        (
            (lambda body: body.append("a clause"), "holds more than this version can show: sign nothing"),
            (lambda body: body[7][1].extend((bytes(32), "a clause")), "holds more than this version can show"),
            (lambda body: body.__setitem__(2, 7), "mode 7 is none of LIVE, EXERCISE, TEST"),
            (lambda body: body.__setitem__(4, 2**52), "created at 4503599627370496 ms"),
            (lambda body: body[7][1].__setitem__(0, "south\u202e"), "printable"),
            (lambda body: body[7][1][4][1].__setitem__(1, body[7][0][4][0][1]), "one Ed25519 key stands in two places"),
            (lambda body: body[7][1][3].__setitem__(0, body[7][1][4][0][1]), "one Ed25519 key stands in two places"),
        )
    ):
        bad = forged(proposal, tmp_path / f"{number}.proposal", change)
        for act in (describe, lambda path: sign(north, path), lambda path: join(north, path, [])):
            with pytest.raises(CeremonyError, match=words):
                act(bad)


def test_joining_says_what_is_missing_or_wrong(tmp_path: Path) -> None:
    north, south, proposal = two(tmp_path)
    ours, theirs = sign(north, proposal), sign(south, proposal)
    with pytest.raises(CeremonyError, match="no line yet: south: 0 root signatures, 1 needed"):
        join(north, proposal, [ours, ours])
    _, stranger, other = two(tmp_path / "elsewhere")
    with pytest.raises(CeremonyError, match=r"signs line .* this is .*: ask for the signature of this proposal"):
        join(north, proposal, [ours, sign(stranger, other)])

    magic, line, signatures = canonical.decode(letter.read(theirs, "signature"))
    signatures[0][2] = bytes(64)
    letter.write(tmp_path / "bad.signature", "signature", canonical.encode([magic, line, signatures]))
    with pytest.raises(CeremonyError, match="no line yet: south: the signature of root 0 is not valid"):
        join(north, proposal, [ours, tmp_path / "bad.signature"])
    signatures[0][:2] = [9, 0]
    letter.write(tmp_path / "worse.signature", "signature", canonical.encode([magic, line, signatures]))
    with pytest.raises(CeremonyError, match="names root 0 of member 9, who is not there"):
        join(north, proposal, [ours, tmp_path / "worse.signature"])
    assert not (north / "genesis").exists()
    with pytest.raises(IdentityError, match="genesis: not there yet: join a line first"):
        load_identity(north)
    join(north, proposal, [ours, theirs])
    assert load_identity(north).member == 0


def test_a_stranger_with_all_the_papers_does_not_join(tmp_path: Path) -> None:
    north, south, proposal = two(tmp_path)
    signatures = [sign(north, proposal), sign(south, proposal)]
    make_identity(tmp_path / "stranger", "north", Role.PARTY, ["duty"])
    with pytest.raises(IdentityError, match=r"node\.key: is no member's in this genesis"):
        join(tmp_path / "stranger", proposal, signatures)


def test_a_start_with_swapped_keys_or_a_changed_genesis_is_refused(tmp_path: Path) -> None:
    north, south = make_exercise_line(
        tmp_path / "demo", [("north", Role.PARTY, ["duty"]), ("south", Role.PARTY, ["duty"])], CREATED_MS
    )
    os.replace(south / "seats" / "duty.key", north / "seats" / "duty.key")
    with pytest.raises(IdentityError, match=r"duty\.key: is not the key of seat duty of north in the genesis"):
        load_identity(north)
    (north / "seats" / "duty.key").unlink()  # kept elsewhere, say on the officer's card
    assert load_identity(north).seats == {}
    document = bytearray((north / "genesis").read_bytes())
    document[200] ^= 1
    (north / "genesis").write_bytes(document)
    with pytest.raises(IdentityError, match="join the line again from its proposal and signatures"):
        load_identity(north)


def test_one_kind_of_letter_is_not_taken_for_another(tmp_path: Path) -> None:
    north, _, proposal = two(tmp_path)
    offer = north / "north.offer"
    with pytest.raises(LetterError, match="is 'keepclear proposal 1', 'keepclear offer 1' expected: ask for the offer"):
        propose([offer, proposal], "river", Mode.LIVE, CREATED_MS, tmp_path / "out")
    with pytest.raises(LetterError, match="is 'keepclear offer 1', 'keepclear proposal 1' expected"):
        sign(north, offer)
    letter.write(tmp_path / "hollow.offer", "offer", canonical.encode(["keepclear/offer/1", 1]))
    with pytest.raises(CeremonyError, match=r"hollow\.offer: not an offer: .*ask for it again"):
        propose([offer, tmp_path / "hollow.offer"], "river", Mode.LIVE, CREATED_MS, tmp_path / "out")
    member = canonical.decode(letter.read(offer, "offer"))[1]
    letter.write(tmp_path / "later.offer", "offer", canonical.encode(["keepclear/offer/2", member]))
    with pytest.raises(CeremonyError, match="not an offer: 'keepclear/offer/2', 'keepclear/offer/1' expected"):
        propose([offer, tmp_path / "later.offer"], "river", Mode.LIVE, CREATED_MS, tmp_path / "out")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=500), at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_letter_survives_mail_and_no_damage_passes_for_its_contents(
    tmp_path: Path, data: bytes, at: float, flip: int
) -> None:
    path = tmp_path / "letter"
    path.unlink(missing_ok=True)
    letter.write(path, "offer", data)
    text = path.read_bytes()
    path.write_bytes(b"Dear colleague,\r\n\r\n  " + text.replace(b"\n", b"  \r\n  ") + b"\r\n--\r\nregards\r\n")
    assert letter.read(path, "offer") == data
    changed = bytearray(text)
    changed[int(at * len(text))] ^= flip
    path.write_bytes(changed)
    try:
        assert letter.read(path, "offer") == data
    except LetterError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017 - damage in a blank may pass, elsewhere not


def test_a_letter_that_is_no_letter_says_what_to_ask_for(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    letter.write(path, "offer", b"x" * 300)
    text = path.read_text()
    for harmed, words in (
        ("", "no line 'keepclear offer 1' in it: ask for the offer file"),
        (text.partition("fingerprint")[0], "ends before its fingerprint: ask for it again"),
        (text.replace("eHh4", "eHh5", 1), "its fingerprint does not fit: ask for it again"),
        (text.replace("eHh4", "e!h4", 1), "damaged on its way: .*ask for it again"),
        ("keepclear offer 2\n\x1b[2J", "is 'keepclear offer 2', 'keepclear offer 1' expected"),
        ("x" * 1_048_577, "more than 1048576 bytes"),
    ):
        path.write_text(harmed)
        with pytest.raises(LetterError, match=words):
            letter.read(path, "offer")
    with pytest.raises(LetterError, match="cannot be read: No such file"):
        letter.read(tmp_path / "none", "offer")
    with pytest.raises(LetterError, match="not written: No such file"):
        letter.write(tmp_path / "none" / "letter", "offer", b"")
    letter.write(tmp_path / "large", "offer", bytes(262_145))
    with pytest.raises(LetterError, match="holds 262145 bytes, at most 262144"):
        letter.read(tmp_path / "large", "offer")


def test_an_offer_is_its_member_and_nothing_else(tmp_path: Path) -> None:
    offer = make_identity(tmp_path / "north", "north", Role.PARTY, ["duty"])
    magic, member = msgspec.convert(canonical.decode(letter.read(offer, "offer")), tuple[str, Member])
    assert magic == "keepclear/offer/1"
    assert member.roots == (keys.read_key(tmp_path / "north" / "roots" / "root-0.key").public,)
    assert [key.seat for key in member.keys] == ["", "duty"]
