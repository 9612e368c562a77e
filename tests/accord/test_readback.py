"""Read-back: the same three areas at both ends, and a mismatch that names what was read and what was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accord.tell import notice, volume, z

from keepclear.accord import fixed
from keepclear.accord.outcome import Outcome
from keepclear.accord.people import parse_altitude
from keepclear.accord.readback import ReadBack, area_word, expected, readback_choices, readback_matches
from keepclear.accord.shape import UNKNOWN_VOLUME, Volume
from keepclear.accord.statement import Acknowledgement, Distress, Hazard, Notice, Step
from keepclear.accord.words import WORDS

MET, NOT_MET, UNDECIDABLE = Outcome.MET, Outcome.NOT_MET, Outcome.UNDECIDABLE
WARNING = notice("18:40:00", "19:00:00", volumes=(volume(), volume("circle 35.6,35.9 5nm", upper="FL050")))


def ack(**changed: object) -> Acknowledgement:
    values = {"end_ms": z("19:00:00"), "upper_cm": 304_800, "area": area_word(WARNING.volumes)} | changed
    return Acknowledgement(step=Step.READ_BACK, **values)


def one_letter_apart(a: str, b: str) -> bool:
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    short, long = sorted((a, b), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def test_the_words_cannot_be_taken_for_one_another() -> None:
    assert len(set(WORDS)) == 256
    assert list(WORDS) == sorted(WORDS)
    assert all(word.isascii() and word.isalpha() and word.islower() and len(word) <= 9 for word in WORDS)
    for a in WORDS:
        assert not [b for b in WORDS if b != a and (b.startswith(a) or one_letter_apart(a, b))]


def test_three_areas_alike_of_which_one_is_right() -> None:
    choices = readback_choices(WARNING)
    assert len({choice.word for choice in choices}) == 3
    assert [choice.volumes for choice in choices].count(WARNING.volumes) == 1
    for choice in choices:
        assert choice.word == area_word(choice.volumes)
        assert [v.area[3] for v in choice.volumes] == [v.area[3] for v in WARNING.volumes]


def test_the_right_one_is_not_always_in_the_same_place() -> None:
    places = set()
    for east in range(20):
        body = notice(None, volumes=(volume(f"circle 35.4,{east} 20nm"),))
        places.add([choice.volumes for choice in readback_choices(body)].index(body.volumes))
    assert places == {0, 1, 2}


@pytest.mark.parametrize("volumes", [(), (UNKNOWN_VOLUME,), (volume(), UNKNOWN_VOLUME), (Volume((2, 5)),)])
def test_an_area_of_no_use_has_nothing_to_pick_from(volumes: tuple[Volume, ...]) -> None:
    assert readback_choices(notice(None, volumes=volumes)) == ()


@pytest.mark.parametrize(
    "area",
    [
        "corridor 4nm 35.4,35.9 36.0,35.9",
        "polygon 10,179.9 10,-179.9 10.2,-179.9",
        "circle 84.9,0 5nm",
        "polygon -84.9,0 -84.9,1 -84.8,1",
    ],
)
def test_decoys_of_every_shape_are_areas_too(area: str) -> None:
    choices = readback_choices(notice(None, volumes=(volume(area),)))
    assert len(choices) == 3
    assert all(fixed.extent(v.area) for choice in choices for v in choice.volumes)


def test_a_right_read_back_matches() -> None:
    assert readback_matches(ack(), WARNING) == ReadBack(MET, ())
    assert readback_matches(ack(upper_cm=304_800 + 30), WARNING).outcome is MET  # the nearest foot


@pytest.mark.parametrize(
    ("changed", "outcome", "reason"),
    [
        (
            {"end_ms": z("20:00:00")},
            NOT_MET,
            "the end time was read back as 2018-09-17 20:00:00Z, said was 2018-09-17 19:00:00Z",
        ),
        ({"upper_cm": 335_280}, NOT_MET, "the upper limit was read back as 3352 m, said was 3048 m"),
        ({"area": "nowhere"}, NOT_MET, "the area was read back as nowhere, said was"),
        ({"end_ms": None}, UNDECIDABLE, "the end time 2018-09-17 19:00:00Z was not read back"),
        ({"upper_cm": None}, UNDECIDABLE, "the upper limit 3048 m was not read back"),
        ({"area": None}, UNDECIDABLE, "was not read back"),
    ],
)
def test_what_differs_is_named_with_both_values(changed: dict[str, object], outcome: Outcome, reason: str) -> None:
    found = readback_matches(ack(**changed), WARNING)
    assert found.outcome is outcome
    assert len(found.reasons) == 1
    assert reason in found.reasons[0]


def test_reading_is_not_reading_back() -> None:
    assert readback_matches(Acknowledgement(step=Step.READ), WARNING).outcome is UNDECIDABLE
    assert "it is no read-back" in readback_matches(Acknowledgement(step=Step.READ), WARNING).reasons


def test_what_was_not_stated_cannot_be_matched_and_one_cannot_invent_it() -> None:
    """A hazard has no end; its read-back says none."""
    hazard = Hazard(hazard=1, source=1, volumes=(volume(upper="UNL"),), since_ms=None)
    right = Acknowledgement(step=Step.READ_BACK, upper_cm=parse_altitude("UNL").cm, area=area_word(hazard.volumes))
    assert readback_matches(right, hazard) == ReadBack(UNDECIDABLE, ("the end time was not stated",))
    invented = readback_matches(ack(area=area_word(hazard.volumes)), hazard)
    assert invented.outcome is NOT_MET
    assert "said was none" in invented.reasons[0]
    assert "said was unlimited" in invented.reasons[1]


def test_one_volume_without_an_upper_limit_leaves_all_without() -> None:
    assert expected(notice(None, volumes=(volume(), Volume(volume().area))))[1] is None
    assert expected(Distress(volumes=(), last_fix_ms=None)) == (None, None, None)


areas = st.lists(st.lists(st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(0, 3), max_size=8), max_size=3)


@given(areas)
def test_whatever_is_sent_can_be_read_back(numbers: list[list[int]]) -> None:
    body = Notice(
        activity=4, volumes=tuple(Volume(tuple(area)) for area in numbers), start_ms=None, end_ms=z("19:00:00")
    )
    choices = readback_choices(body)
    assert choices == () or body.volumes in [choice.volumes for choice in choices]
    end_ms, upper_cm, area = expected(body)
    answer = Acknowledgement(step=Step.READ_BACK, end_ms=end_ms, upper_cm=upper_cm, area=area)
    assert readback_matches(answer, body).outcome is UNDECIDABLE
