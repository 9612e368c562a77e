"""A sealed bundle is for one reader; a member's card is the member's own."""

import pytest
from tests.record.build import Line, make_genesis, signing_key, small_line

from keepclear.accord import canonical
from keepclear.line import sealing
from keepclear.record.bundle import BadBundle
from keepclear.record.genesis import Genesis

LINE = small_line()
GENESIS = LINE.genesis
KEY, OTHER = (sealing.reader_key(bytes((n,)) * sealing.SEED_BYTES) for n in (1, 2))
SECRET = bytes(range(32))


def sign(message: bytes) -> bytes:
    return signing_key("BRAVO", "node").sign(message).signature


def refused_card(data: bytes, genesis: Genesis = GENESIS) -> str:
    with pytest.raises(BadBundle) as found:
        sealing.read_card(data, genesis)
    return str(found.value)


def test_only_its_reader_opens_it_and_nothing_of_it_shows() -> None:
    data = b"keep clear of the river" * 9
    sealed = sealing.seal(data, GENESIS.line, KEY.public, SECRET)
    assert sealing.is_sealed(sealed)
    assert b"river" not in sealed
    assert sealing.open_sealed(sealed, GENESIS.line, KEY) == data
    for key in (OTHER, None):
        with pytest.raises(BadBundle, match="not the one here"):
            sealing.open_sealed(sealed, GENESIS.line, key)


def test_what_was_changed_cut_or_is_of_another_line_does_not_open() -> None:
    sealed = sealing.seal(b"x" * 40, GENESIS.line, KEY.public, SECRET)
    for at in range(0, len(sealed), 11):
        for data in (sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :], sealed[:at]):
            with pytest.raises(BadBundle):
                sealing.open_sealed(data, GENESIS.line, KEY)
    with pytest.raises(BadBundle):
        sealing.open_sealed(sealed, bytes(32), KEY)


def test_the_same_seed_is_the_same_reader() -> None:
    again = sealing.reader_key(bytes((1,)) * sealing.SEED_BYTES)
    assert again.public == KEY.public != OTHER.public


def test_a_members_card_is_signed_by_its_node_and_a_watchs_by_nobody() -> None:
    card = sealing.read_card(sealing.card(GENESIS, 1, "BRAVO", KEY.public, sign), GENESIS)
    assert (card.member, card.name, card.kem) == (1, "BRAVO", KEY.public)
    watch = sealing.read_card(sealing.card(GENESIS, None, "watch", KEY.public, None), GENESIS)
    assert watch.member is None


def test_a_card_with_another_key_put_in_is_refused() -> None:
    """A courier that swaps the key would read all that is sealed to it."""
    body, signature = canonical.decode(sealing.card(GENESIS, 1, "BRAVO", KEY.public, sign))
    swapped = canonical.decode(body)
    swapped[4] = OTHER.public
    assert "whose signature" in refused_card(canonical.encode([canonical.encode(swapped), signature]))
    assert "whose signature" in refused_card(sealing.card(GENESIS, 0, "ALFA", KEY.public, sign))
    assert "not on this line" in refused_card(sealing.card(GENESIS, 0, "BRAVO", KEY.public, sign))
    assert "not on this line" in refused_card(sealing.card(GENESIS, 7, "BRAVO", KEY.public, sign))


def test_another_lines_card_and_what_is_none_are_refused() -> None:
    other = Line(make_genesis(("ALFA", "BRAVO"), observers=())).genesis
    assert "of line" in refused_card(sealing.card(GENESIS, 1, "BRAVO", KEY.public, sign), other)
    for data in (b"", b"card", bytes(3_000), canonical.encode([b"", b""])):
        assert "no reader's card" in refused_card(data)
    assert "no reader's card" in refused_card(sealing.card(GENESIS, None, "watch", KEY.public[:-1], None))
