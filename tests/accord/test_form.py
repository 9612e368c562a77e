"""What is refused is what cannot be represented, each with a hint; whatever can be represented is not refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accord.tell import notice, volume, z

from keepclear.accord import canonical, shape, statement
from keepclear.accord.form import LINKS, MAX_FLASH_BODY_BYTES, check_form
from keepclear.accord.outcome import Flaw, Refused
from keepclear.accord.shape import Altitude, AltRef, Volume
from keepclear.accord.statement import (
    ALWAYS_FLASH,
    BODIES,
    BY_NODE,
    Accept,
    Acknowledgement,
    Activated,
    AllClear,
    Amend,
    Answer,
    Body,
    Cancel,
    CeaseNow,
    ChannelState,
    Clarify,
    Distress,
    Ended,
    Hazard,
    InForceList,
    Kind,
    LineReply,
    LineTest,
    Link,
    Notice,
    Precedence,
    Receipt,
    Understanding,
)
from keepclear.accord.understanding import standard_rules, to_wire

HASH = bytes(32)
T = z("18:40:00")
EVERY_KIND: dict[Kind, Body] = {
    body.kind: body
    for body in (
        notice("18:40:00", "19:00:00"),
        Amend(activity=4, volumes=(volume(),), start_ms=T, end_ms=T + 1),
        Cancel(),
        Activated(at_ms=T),
        Ended(at_ms=T, residual=True),
        Hazard(hazard=1, source=1, volumes=(volume(),), since_ms=T),
        AllClear(at_ms=T),
        Clarify(doubts=15),
        Answer(volumes=(volume(),), start_ms=T, end_ms=T + 1),
        Acknowledgement(step=2, end_ms=T, upper_cm=304_800, area="acorn"),
        CeaseNow(volumes=(), at_ms=T),
        Distress(volumes=(), last_fix_ms=T, aboard=15),
        Understanding(name="x", version=1, effective_ms=T, rules=to_wire(standard_rules())),
        Accept(),
        LineTest(nonce=bytes(8)),
        LineReply(words="coconut juniper violet"),
        ChannelState(state=2, until_ms=T, contact="130.0"),
    )
}


def linked(kind: Kind) -> dict[str, Any]:
    links = LINKS[kind]
    return {"replaces": HASH if links.replaces else None, "refs": (HASH,) * links.fewest}


def precedence_of(kind: Kind) -> Precedence:
    return Precedence.FLASH if kind in ALWAYS_FLASH else Precedence.PRIORITY


def refusal(body: Body, precedence: int = Precedence.PRIORITY, **header: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        check_form(body, precedence, **header)
    assert refused.value.hint
    return refused.value


def test_every_kind_that_people_say_can_be_said() -> None:
    assert EVERY_KIND.keys() == LINKS.keys() == BODIES.keys() - BY_NODE
    for kind, body in EVERY_KIND.items():
        check_form(body, precedence_of(kind), **linked(kind))


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_kind_is_refused_without_what_it_must_cite_and_with_what_it_may_not(kind: Kind) -> None:
    body, links, good = EVERY_KIND[kind], LINKS[kind], linked(kind)
    if links.replaces is not None:
        refusal(body, precedence_of(kind), **good | {"replaces": None if links.replaces else HASH})
    if links.fewest:
        assert "refers to 0" in refusal(body, precedence_of(kind), **good | {"refs": ()}).reason
    refusal(body, precedence_of(kind), **good | {"refs": (HASH,) * (links.most + 1)})


def test_what_the_node_says_by_rule_is_not_for_people_to_say() -> None:
    receipt = Receipt(party=0, incarnation=bytes(8), size=0, root=HASH, ranges=())
    for body in (receipt, Link(answered=0), InForceList(count=0, digest=HASH)):
        assert "made by rule" in refusal(body).reason


@pytest.mark.parametrize("kind", sorted(ALWAYS_FLASH))
def test_what_is_urgent_by_its_nature_is_flash(kind: Kind) -> None:
    assert "always FLASH" in refusal(EVERY_KIND[kind], Precedence.IMMEDIATE).hint


@pytest.mark.parametrize(
    "body",
    [
        notice(None),
        notice("18:40:00"),
        notice(None, volumes=()),
        notice(None, volumes=(shape.UNKNOWN_VOLUME,), text="north of Syria"),
        notice("18:40:00", volumes=(volume(upper="UNL"), shape.UNKNOWN_VOLUME)),
        notice("18:40:00", volumes=(Volume(volume().area),)),
    ],
)
def test_late_vague_and_incomplete_goes_out(body: Notice) -> None:
    check_form(body, Precedence.FLASH)


def a(area: tuple[int, ...], **more: Any) -> Notice:
    return notice(None, volumes=(Volume(area, **more),))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (notice("18:40:00", "18:40:00"), "not after it starts"),
        (Notice(activity=4, volumes=(), start_ms=1_537_209_540, end_ms=None), "1970-01-18"),
        (Notice(activity=9, volumes=(), start_ms=None, end_ms=None), "activity class 9 is not known"),
        (a((1, 5)), "no meaning"),
        (a(()), "no meaning"),
        (a((9, 1)), "no meaning"),
        (a((0, 1)), "no meaning"),
        (a((2, 0, 0, 0)), "no meaning"),
        (a((2, 0, 900_000_001, 5)), "not on earth"),
        (a((1, 1_800_000_000, 0, 1, 0, 0, 5)), "not on earth"),
        (a((2, 0, 0, 5), pos_err_cm=-1), "position error"),
        (a((2, 0, 0, 5), upper=Altitude(10_000_001, AltRef.STD)), "altitude in cm is 10000001"),
        (a((2, 0, 0, 5), upper=Altitude(0, 7)), "altitude reference 7"),
        (a((2, 0, 0, 5), upper=Altitude(0, 1, -1)), "altitude error"),
        (notice(None, volumes=(volume(),) * 9), "9 volumes, at most 8"),
        (notice(None, text="x" * 1_001), "1001 bytes, at most 1000"),
        (notice(None, contact="x" * 33), "33 bytes, at most 32"),
        (notice(None, text="abc\u202edef"), "U\\+202E as character 4"),
        (notice(None, text="abc\u2066def"), "U\\+2066"),
        (notice(None, text="line\nline"), "U\\+000A"),
        (notice(None, text="cafe\u0301"), "composed form"),
        (notice(None, text="\ud800"), "not valid Unicode"),
        (notice(None, ext=(1.5,)), "no form on the wire"),
    ],
)
def test_what_cannot_be_represented_is_refused(body: Notice, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        check_form(body, Precedence.PRIORITY)
    assert refused.value.flaw is Flaw.MALFORMED


def test_the_numbers_of_the_other_kinds() -> None:
    assert "16" in refusal(Clarify(doubts=16), refs=(HASH,)).reason
    assert "step 3" in refusal(Acknowledgement(step=3), refs=(HASH,)).reason
    assert "upper limit" in refusal(Acknowledgement(step=2, upper_cm=2**40), refs=(HASH,)).reason
    assert "aboard" in refusal(Distress(volumes=(), last_fix_ms=T, aboard=-1), Precedence.FLASH).reason
    assert "hazard 0" in refusal(Hazard(hazard=0, source=0, volumes=(), since_ms=T), Precedence.FLASH).reason
    rules = to_wire(standard_rules())
    assert "2 rules have this id" in refusal(
        Understanding(name="x", version=1, effective_ms=T, rules=(*rules, rules[0]))
    ).reason  # fmt: skip


def test_the_header() -> None:
    assert "17 bytes, at most 16" in refusal(notice(None), seat="x" * 17).reason
    assert "precedence 5" in refusal(notice(None), precedence=5).reason
    assert "32-byte" in refusal(notice(None), refs=(b"short",)).reason
    assert "expires" in refusal(notice(None), valid_from_ms=T, expiry_ms=T).reason
    assert "valid from" in refusal(notice(None), valid_from_ms=5).reason


def test_text_is_shorter_when_it_has_to_arrive_at_once() -> None:
    for precedence, most in ((1, 150), (2, 150), (3, 1_000), (4, 1_000)):
        check_form(notice(None, text="é" * (most // 2)), precedence)
        assert f"at most {most}" in refusal(notice(None, text="é" * (most // 2) + "x"), precedence).reason


def test_a_flash_statement_has_eight_corners_in_all_and_fits_its_datagram() -> None:
    eight = shape.polygon([(lon * 10**7, lat * 10**7) for lon, lat in OCTAGON])
    worst = Volume(eight, 20_000_000, Altitude(-100_000, 4, 20_000_000), Altitude(10_000_000, 4, 20_000_000))
    full = {"start_ms": 4 * 10**12, "end_ms": 4 * 10**12 + 1, "text": "x" * 150, "contact": "x" * 32}
    longest = Amend(activity=8, volumes=(worst,), **full)
    assert len(canonical.encode(longest)) <= MAX_FLASH_BODY_BYTES
    check_form(longest, Precedence.FLASH, replaces=HASH)
    assert "9 corners in all, at most 8" in refusal(notice(None, volumes=(worst, volume())), Precedence.FLASH).reason
    two = Notice(activity=8, volumes=(volume(pos_err_cm=10**7),) * 5, **full)
    assert f"at most {MAX_FLASH_BODY_BYTES}" in refusal(two, Precedence.FLASH).reason
    check_form(two, Precedence.IMMEDIATE)


OCTAGON = [(-170, -80), (-80, -85), (-100, -80), (-80, 0), (-100, 80), (-140, 85), (-170, 80), (-179, 0)]
"""Steps of more than 6.7 degrees take the longest integers."""


def test_a_shape_that_cannot_be_used_goes_out_only_if_its_author_insists() -> None:
    bow_tie = notice("18:40:00", volumes=(volume("polygon 35,35 35.1,35.1 35,35.1 35.1,35"),))
    refused = refusal(bow_tie, Precedence.FLASH)
    assert refused.flaw is Flaw.UNUSABLE_GEOMETRY
    assert "or send it as it is" in refused.hint
    check_form(bow_tie, Precedence.FLASH, as_is=True)


def test_long_edges_are_no_reason_to_refuse() -> None:
    check_form(notice(None, volumes=(volume("polygon 34,35 34,37 36,37 36,35"),)), Precedence.FLASH)


@given(st.text(max_size=40))
def test_what_passes_can_be_signed_and_read_again(text: str) -> None:
    body = notice(None, text=text)
    try:
        check_form(body, Precedence.PRIORITY)
    except Refused:
        return
    assert statement.read(Kind.NOTICE, statement.to_bytes(body)) == body
