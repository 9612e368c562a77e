"""Plain English for every statement: the words themselves, and none that gives a permission or lays blame."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accord.tell import NAMES, A, B, Teller, notice, volume, z

from keepclear.accord import check, figures, shape
from keepclear.accord.outcome import Finding, Mark, Outcome
from keepclear.accord.phrases import FOOTER, render, rule_words
from keepclear.accord.said import Said
from keepclear.accord.shape import Altitude, AltRef, Volume
from keepclear.accord.statement import (
    BODIES,
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
    LineReply,
    LineTest,
    Link,
    Notice,
    Receipt,
    Step,
    Understanding,
)
from keepclear.accord.understanding import Unread, WithinArea, standard_rules, to_wire

FORBIDDEN = re.compile(
    r"approv|authori|permi|clearance|cleared|allow|grant|consent|may (now )?(fly|proceed|enter)|safe|"
    r"violat|breach|guilt|blame|fault|fail|illegal|aggress|attack|liar|false|refus|"
    r"\bfeed|\blog\b|logging|\border|target|threat|hostile|weapon|enemy",
    re.IGNORECASE,
)


def told(body: Body | None, clock: str = "18:39:23", party: int = B, **header: Any) -> Said:
    return Teller().say(party, clock, body, **header)


def test_a_notice_word_for_word() -> None:
    warning = told(
        notice(
            "18:40:00", "19:00:00", volumes=(volume("circle 35.4,35.9 20nm", "1500m", pos_err_cm=5_000),), text="a test"
        ),
        seat="duty",
    )
    assert render(warning, NAMES) == (
        "Bravo 1/0 NOTICE FLASH, 2018-09-17 18:39:23Z: Bravo (duty) announces hazardous activity "
        "from 18:40:00Z until 19:00:00Z.\n"
        "Where: within 20 NM (37.04 km) of 35.40N 035.90E, give or take 50 m; "
        "from 4921 ft (1500 m) above mean sea level up to FL100 (3048 m on standard pressure).\n"
        "Text: “a test”\n"
        "This gives no permission."
    )


def test_a_vague_late_warning_says_what_it_does_not_say() -> None:
    warning = told(notice("18:40:00", volumes=(shape.UNKNOWN_VOLUME,), text="north of Syria"))
    found = check.check(warning, standard_rules()[:1])
    assert render(warning, NAMES, marks=check.marks(warning, found), findings=found).splitlines()[1:] == [
        "Where: area not stated; altitudes not stated.",
        "Text: “north of Syria”",
        "LATE.",
        "VAGUE.",
        "INCOMPLETE.",
        "Rule N1 not met: notice given 37 s before the activity, agreed minimum 900 s.",
        "This gives no permission.",
    ]


SENTENCES: list[tuple[Body, str]] = [
    (notice(None, volumes=()), "Bravo announces hazardous activity, start and end not stated."),
    (notice("18:40:00"), "from 18:40:00Z until further notice, end not stated."),
    (Notice(activity=99, volumes=(), start_ms=None, end_ms=None), "announces activity class 99, unknown here,"),
    (
        Amend(activity=1, volumes=(), start_ms=None, end_ms=z("19:00:00")),
        "gives a new full reading of Alpha 1/0 NOTICE: ",
    ),
    (Cancel(), "cancels Alpha 1/0 NOTICE: it will not take place."),
    (Activated(at_ms=z("18:40:00")), "says that Alpha 1/0 NOTICE has been active since 18:40:00Z."),
    (Ended(at_ms=z("19:00:00"), residual=True), "ended at 19:00:00Z. A hazard remains until an all-clear."),
    (Ended(at_ms=z("19:00:00")), "No remaining hazard is reported."),
    (
        Hazard(hazard=1, source=1, volumes=(), since_ms=z("18:51:00")),
        "warns of air defence activity, of a third party, since 18:51:00Z, until an explicit all-clear.",
    ),
    (AllClear(at_ms=z("20:00:00")), "says that Alpha 1/0 NOTICE has been over since 20:00:00Z."),
    (Clarify(doubts=5), "asks about Alpha 1/0 NOTICE: please state the area, the end."),
    (Answer(end_ms=z("19:00:00")), "answers Alpha 1/0 NOTICE: end 19:00:00Z."),
    (Acknowledgement(step=Step.READ), "has read Alpha 1/0 NOTICE."),
    (
        Acknowledgement(step=Step.READ_BACK, end_ms=z("19:00:00"), upper_cm=304_800, area="acorn"),
        "has read back Alpha 1/0 NOTICE: end 19:00:00Z, upper limit 3048 m, area “acorn”.",
    ),
    (
        CeaseNow(volumes=(), at_ms=z("18:55:00")),
        "cease now, uninvolved, protected or own people are being hit here",
    ),
    (Distress(volumes=(), last_fix_ms=None), "an aircraft in distress, number aboard not stated, last seen a time not"),
    (Distress(volumes=(), last_fix_ms=z("19:07:00"), aboard=15), "15 aboard, last seen 19:07:00Z."),
    (
        Receipt(party=A, incarnation=bytes(8), size=7, root=bytes(32), ranges=((0, 7, 1, 2),)),
        "the node of Bravo holds 7 entries of Alpha in sequence; 1 of 1 ranges displayed, 0 entries held beyond a gap.",
    ),
    (Link(answered=1), "the node of Bravo has started anew and names 0 earlier runs of its logbook."),
    (LineTest(nonce=bytes(8)), "tests the line: a person answers with the words “coconut juniper violet”."),
    (LineReply(words="acorn"), "answers Alpha 1/0 NOTICE: “acorn”, the test is not held here."),
    (
        ChannelState(state=2),
        "suspends the channel until further word. Tests, hazards, distress and cease-now stay open.",
    ),
    (ChannelState(state=2, until_ms=z("20:00:00")), "suspends the channel until 20:00:00Z or further word."),
    (ChannelState(state=1), "uses the channel."),
    (ChannelState(state=7), "gives the channel a state unknown here, 7;"),
    (InForceList(count=3, digest=bytes(32)), "the node of Bravo holds 3 matters in force, digest 0000000000000000."),
]


@pytest.mark.parametrize(("body", "words"), SENTENCES)
def test_every_kind_has_its_sentence(body: Body, words: str) -> None:
    teller = Teller()
    cited = teller.say(A, "18:30:00", notice("18:40:00"))
    said = teller.say(B, "18:39:23", body, replaces=cited.leaf, refs=(cited.leaf,))
    text = render(said, NAMES, {cited.leaf: cited})
    assert words in text
    assert text.endswith(FOOTER)


def test_an_understanding_shows_what_will_be_checked_beside_what_it_says() -> None:
    rules = (
        *standard_rules(),
        WithinArea("G1", "Stay there.", volume(upper="UNL")),
        Unread("X", "?", "new", "not known"),
    )
    text = render(told(Understanding(name="test", version=2, effective_ms=z("20:00:00"), rules=to_wire(rules))), NAMES)
    assert "proposes the understanding “test”, version 2, effective 20:00:00Z, 9 rules." in text
    assert "Checked: least notice: flight activity 900 s, an exercise 72 h, live firing 900 s," in text
    assert (
        "Checked: acknowledged after display within: FLASH 30 s, IMMEDIATE 120 s, PRIORITY 900 s, ROUTINE 12 h." in text
    )
    assert "Checked: time to acknowledge 30 s, to relay 60 s, to act 60 s." in text
    assert "Checked: a person tests the line every 3600 s, answered within 120 s." in text
    assert "Checked: dead for 60 s: keep clear of all that was in force when the line died," in text
    assert (
        "Rule G1: “Stay there.” Checked: within: within 20 NM (37.04 km) of 35.40N 035.90E; "
        "from the ground up to unlimited." in text
    )
    assert rule_words(rules[-1]) == "Rule X: “?” Checked: undecidable: not known."


def test_what_is_cited_but_not_held_here_is_said_to_be_so() -> None:
    assert "entry abababab (not held here)" in render(told(Cancel(), replaces=b"\xab" * 32), NAMES)
    assert "cancels no entry" in render(told(Cancel()), NAMES)


def test_an_unknown_kind_is_shown_with_its_precedence() -> None:
    text = render(told(None, kind=77, precedence=1, party=9), NAMES)
    assert text.startswith("member 9 1/0 UNKNOWN KIND 77 FLASH, 2018-09-17 18:39:23Z: member 9 says something")


def test_typed_text_cannot_change_how_the_rest_is_read() -> None:
    text = render(told(notice(None, text="a\u202eb\u2066c\u200fd\x1b[31m", contact="e\u2067"), seat="\u202ex"), NAMES)
    assert not set(text) & figures.BIDI
    assert "a\ufffdb\ufffdc\ufffdd\ufffd[31m" in text
    assert figures.clean("نمی\u200cخواهم") == "نمی\u200cخواهم"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (None, "not stated"),
        (shape.GROUND, "the ground"),
        (shape.UNLIMITED, "unlimited"),
        (Altitude(304_800, AltRef.STD), "FL100 (3048 m on standard pressure)"),
        (Altitude(15_240, AltRef.STD), "FL005 (152.4 m on standard pressure)"),
        (Altitude(304_801, AltRef.STD), "10000 ft (3048.01 m) on standard pressure"),
        (Altitude(30_480, AltRef.AMSL), "1000 ft (304.8 m) above mean sea level"),
        (Altitude(300_000, AltRef.WGS84, 3_000), "9843 ft (3000 m) above the WGS-84 ellipsoid, give or take 30 m"),
        (Altitude(-40_000, AltRef.AMSL), "-1312 ft (-400 m) above mean sea level"),
        (Altitude(100, 9), "3 ft (1 m) on unknown reference 9"),
    ],
)
def test_altitudes(limit: Altitude | None, words: str) -> None:
    assert figures.altitude(limit) == words


@pytest.mark.parametrize(
    ("lon", "lat", "words"),
    [
        (359_000_000, 354_000_000, "35.40N 035.90E"),
        (-1_800_000_000, -900_000_000, "90.00S 180.00W"),
        (1, -1, "00.0000001S 000.0000001E"),
        (0, 0, "00.00N 000.00E"),
    ],
)
def test_positions_are_exact(lon: int, lat: int, words: str) -> None:
    assert figures.position(lon, lat) == words


def test_a_fine_outline_is_cut_short_and_boxed() -> None:
    text = figures.area(shape.polygon([(n * 1_000_000, n * n * 100_000) for n in range(20)]))
    assert "a polygon with 20 corners: 00.00N 000.00E, " in text
    assert text.endswith(" and 8 more, all between 00.00N 000.00E and 03.61N 001.90E")
    assert figures.area((3, 740_800, 0, 0, 5, 5)).startswith("a corridor 4 NM (7.408 km) wide along 00.00N")
    assert figures.area((9, 1)) == "an area of unknown kind 9"
    assert figures.area((2, 1)) == "an area of unknown kind 2"


def all_words() -> str:
    """All that the product itself can say: every sentence, mark and finding, without what people typed."""
    teller = Teller()
    texts = [render(teller.say(B, "18:39:23", body), NAMES) for body, _ in SENTENCES]
    rules = to_wire((*standard_rules(), WithinArea("G1", "", volume())))
    texts.append(
        render(teller.say(A, "10:00:00", Understanding(name="", version=1, effective_ms=0, rules=rules)), NAMES)
    )
    findings = [Finding("R", "k", A, outcome, "evidence") for outcome in Outcome]
    texts += [render(teller.say(A, "10:00:00", notice(None, activity=n)), NAMES, {}, Mark, findings) for n in range(9)]
    for n in range(9):
        texts.append(render(told(Hazard(hazard=n, source=n % 4, volumes=(), since_ms=None)), NAMES))
    return "\n".join(text.replace(FOOTER, "") for text in texts)


def test_no_word_gives_a_permission_lays_blame_or_is_one_that_the_field_reads_otherwise() -> None:
    assert FOOTER == "This gives no permission."
    assert not FORBIDDEN.findall(all_words())


wire = st.integers(-(2**53) + 1, 2**53 - 1)
volumes = st.builds(
    Volume,
    area=st.lists(st.integers(0, 4) | wire, max_size=7).map(tuple),
    pos_err_cm=wire,
    lower=st.none() | st.builds(Altitude, wire, st.integers(0, 6), wire),
    upper=st.none() | st.builds(Altitude, wire, st.integers(0, 6), wire),
)
words = st.text(max_size=9)
filled: dict[str, st.SearchStrategy[Any]] = {
    "volumes": st.lists(volumes, max_size=3).map(tuple), "text": words, "contact": words, "name": words,
    "area": st.none() | words, "residual": st.booleans(), "rules": st.just(to_wire(standard_rules())),
    "ext": st.none(), "blob": st.none(), "root": st.just(bytes(32)), "incarnation": st.just(bytes(8)),
    "ranges": st.just(((0, 1, 2, None),)), "beyond": st.just(()), "old": st.just(()),
    "nonce": st.binary(max_size=9), "digest": st.binary(max_size=9), "words": words, "leaves": st.just(()),
}  # fmt: skip


@settings(max_examples=300)
@given(st.data(), st.sampled_from(sorted(BODIES)), wire)
def test_whatever_is_sent_has_a_rendering(data: st.DataObject, kind: int, wall_ms: int) -> None:
    fields = msgspec.structs.fields(BODIES[kind])
    body = BODIES[kind](**{field.name: data.draw(filled.get(field.name, wire)) for field in fields})
    text = render(Teller().say(A, wall_ms, body, seat=data.draw(st.text(max_size=5))), NAMES)
    assert text.splitlines()[-1] == FOOTER
    assert not set(text) & figures.BIDI
