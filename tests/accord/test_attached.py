"""What a statement names beside itself: read leniently, said strictly, and never in the way of the warning."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.accord import attached, form, phrases, shape, statement
from keepclear.accord.attached import MAX_BYTES, Attached
from keepclear.accord.outcome import Refused
from keepclear.accord.said import Said
from keepclear.accord.statement import Activity, Kind, Notice, Precedence

DIGEST = attached.digest(b"a map")
MAP = Attached(DIGEST, 12_000, "image/png")


def notice(blob: object, text: str = "") -> Notice:
    return Notice(
        activity=Activity.EXERCISE, volumes=(), start_ms=1_537_207_200_000, end_ms=None, text=text,
        blob=blob,  # type: ignore[arg-type]
    )  # fmt: skip


def rendered(body: Notice) -> str:
    said = Said(
        leaf=bytes(32), party=0, start=0, incarnation=bytes(8), seq=1, wall_ms=1_537_207_200_000, wall_err_ms=50,
        precedence=Precedence.PRIORITY, kind=Kind.NOTICE, body=body,
    )  # fmt: skip
    return phrases.render(said, ("ALFA", "BRAVO"))


def test_a_statement_says_what_goes_with_it() -> None:
    body = notice(MAP.leaf())
    form.check_form(body, Precedence.PRIORITY, seat="duty")
    again = statement.read(Kind.NOTICE, statement.to_bytes(body))
    assert attached.attached(again) == MAP
    assert f"Attached: 12 KB image/png, SHA-256 {DIGEST.hex()[:8]}." in rendered(body).splitlines()
    assert "Attached" not in rendered(notice(None))


@pytest.mark.parametrize(
    "leaf",
    [
        (), (DIGEST,), (DIGEST, 0, "a/b"), (DIGEST, MAX_BYTES + 1, "a/b"), (DIGEST[:31], 5, "a/b"),
        (DIGEST, True, "a/b"), (DIGEST, 5, ""), (DIGEST, 5, "x" * 41), (DIGEST, "5", "a/b"), ("no", 5, "a/b"),
    ],
)  # fmt: skip
def test_a_name_that_names_no_file_is_not_said_and_if_it_comes_the_warning_is_shown(leaf: tuple[object, ...]) -> None:
    with pytest.raises(Refused, match="attachment"):
        form.check_form(notice(leaf), Precedence.PRIORITY, seat="duty")
    assert attached.attached(notice(leaf)) is None
    assert "announces an exercise" in rendered(notice(leaf))
    assert phrases.UNREAD in rendered(notice(leaf))


def test_of_a_later_version_more_may_stand_in_the_name() -> None:
    assert attached.attached(notice((*MAP.leaf(), "map.png"))) == MAP


@given(st.integers(1, MAX_BYTES))
def test_an_amount_is_never_told_smaller_than_it_is(size: int) -> None:
    number, unit = attached.amount(size).split()
    assert int(number) * {"bytes": 1, "KB": 1_000}[unit] >= size


def test_a_type_cannot_write_on_the_officers_terminal() -> None:
    assert "\x1b" not in attached.words(Attached(DIGEST, 5, "a/\x1b[2J"))


def test_a_flash_that_names_a_file_has_so_much_less_room_for_words() -> None:
    form.check_form(notice(MAP.leaf(), "x" * 150), Precedence.FLASH, seat="duty")
    area = [(-1_790_000_000 + 400_000_000 * i, (-1) ** i * 800_000_000) for i in range(8)]
    full = msgspec.structs.replace(notice(None, "x" * 150), volumes=(shape.Volume(shape.polygon(area)),))
    form.check_form(full, Precedence.FLASH, seat="duty", as_is=True)
    with pytest.raises(Refused, match="at most 336 fit one datagram") as told:
        form.check_form(
            msgspec.structs.replace(full, blob=(DIGEST, MAX_BYTES, "x" * 40)), Precedence.FLASH, seat="duty", as_is=True
        )
    assert told.value.hint.startswith("attach nothing")
