"""What is put together from what an officer types, and what it gives away; and that the pages tell the truth."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from geographiclib.geodesic import Geodesic
from tests.host.transcripts import told

from keepclear.accord import people, shape, understanding
from keepclear.accord.shape import UNKNOWN_VOLUME, UNLIMITED, Volume
from keepclear.accord.statement import Activity, Body, CeaseNow, Distress, Hazard, Notice, Precedence, Understanding
from keepclear.host import cli_draft
from keepclear.host.cli_dry import area_km2
from keepclear.host.cli_errors import Failure

PAGES = Path(__file__).resolve().parents[2] / "docs" / "operate"
NOW_MS = 1_537_209_540_000
MINUTE_MS = 60_000


def given(*areas: str, **limits: str) -> dict[str, object]:
    return {"areas": areas, "lower": None, "upper": None, "error": None, **limits}


def test_an_area_takes_the_limits_and_what_is_not_given_is_not_stated() -> None:
    found = cli_draft.volumes(given("circle 35.4,35.9 10nm", "unknown", lower="GND", upper="none", error="500m"))
    assert [volume.area[0] for volume in found] == [shape.AreaKind.CIRCLE, shape.AreaKind.UNKNOWN]
    assert {(volume.lower, volume.upper, volume.pos_err_cm) for volume in found} == {(shape.GROUND, None, 50_000)}
    assert cli_draft.volumes(given()) == ()
    assert cli_draft.volumes(given(upper="UNL")) == (Volume(UNKNOWN_VOLUME.area, 0, None, UNLIMITED),)


def test_an_outline_too_fine_for_a_flash_is_said_as_one_that_holds_it() -> None:
    ring = (
        " ".join(f"{35 + i % 5 / 10:.1f},{35 + i / 20:.2f}" for i in range(5))
        + " 36.0,35.2 36.2,35.1 36.1,35.05 36.0,35.0"
    )
    fine = Notice(activity=3, volumes=cli_draft.volumes(given(f"polygon {ring}")), start_ms=None, end_ms=None)
    said, words = cli_draft.fitted(fine)
    assert isinstance(said, Notice)
    assert words == ["a FLASH has room for 8 corners: an outline that holds all 9 is said"]
    outline, points = shape.points(said.volumes[0].area), shape.points(fine.volumes[0].area)
    assert len(outline) <= shape.MAX_VERTICES
    for axis in (0, 1):
        assert min(p[axis] for p in outline) <= min(p[axis] for p in points)
        assert max(p[axis] for p in outline) >= max(p[axis] for p in points)
    coarse = Notice(activity=3, volumes=cli_draft.volumes(given("circle 35.4,35.9 10nm")), start_ms=None, end_ms=None)
    assert cli_draft.fitted(coarse) == (coarse, [])


def test_a_new_reading_keeps_the_areas_and_takes_the_limits_that_are_given() -> None:
    before = cli_draft.volumes(given("circle 35.4,35.9 10nm", lower="GND", upper="FL100"))
    after = cli_draft.volumes(given(upper="FL120"), before)
    assert after == (msgspec.structs.replace(before[0], upper=people.parse_altitude("FL120")),)
    assert cli_draft.volumes(given(), before) == before


@pytest.mark.parametrize(
    ("body", "precedence"),
    [
        (Hazard(hazard=3, source=0, volumes=(), since_ms=None), Precedence.FLASH),
        (CeaseNow(volumes=(), at_ms=NOW_MS), Precedence.FLASH),
        (Distress(volumes=(), last_fix_ms=None), Precedence.FLASH),
        (Notice(activity=1, volumes=(), start_ms=NOW_MS + 30 * MINUTE_MS - 1, end_ms=None), Precedence.FLASH),
        (Notice(activity=1, volumes=(), start_ms=NOW_MS + 30 * MINUTE_MS, end_ms=None), Precedence.PRIORITY),
        (Notice(activity=1, volumes=(), start_ms=NOW_MS - MINUTE_MS, end_ms=None), Precedence.FLASH),
        (Notice(activity=1, volumes=(), start_ms=None, end_ms=None), Precedence.PRIORITY),
    ],
)
def test_what_is_soon_or_a_warning_is_flash(body: Body, precedence: Precedence) -> None:
    assert cli_draft.usual_precedence(body, NOW_MS) is precedence


@pytest.mark.parametrize(
    ("area", "south", "west", "north", "east"),
    [
        ("polygon 35.3,35.7 35.3,36.1 35.6,36.1 35.6,35.7", 35.3, 35.7, 35.6, 36.1),
        ("polygon -2,179 -2,-179 3,-179 3,179", -2.0, 179.0, 3.0, 181.0),
        ("polygon 69,10 69,25 75,25 75,10", 69.0, 10.0, 75.0, 25.0),
    ],
)
def test_the_square_kilometres_are_those_of_geographiclib(
    area: str, south: float, west: float, north: float, east: float
) -> None:
    ring = Geodesic.WGS84.Polygon()
    steps = 2_000  # GeographicLib's edges are geodesics: cut so finely they follow the parallels
    for k in range(steps + 1):
        ring.AddPoint(south, west + (east - west) * k / steps)
    for k in range(steps + 1):
        ring.AddPoint(north, east - (east - west) * k / steps)
    expected = abs(ring.Compute(False, True)[2]) / 1e6
    found = area_km2(Volume(people.parse_area(area)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_circles_and_corridors_have_the_area_of_their_kind_and_the_unknown_has_none() -> None:
    assert area_km2(Volume(people.parse_area("circle 35.4,35.9 10km"))) == pytest.approx(314.16, rel=1e-3)
    leg_km = Geodesic.WGS84.Inverse(35.0, 35.0, 36.0, 35.0)["s12"] / 1_000
    corridor = area_km2(Volume(people.parse_area("corridor 4km 35,35 36,35")))
    assert corridor == pytest.approx(4 * leg_km + 3.1416 * 4, rel=0.01)
    assert area_km2(UNKNOWN_VOLUME) is None


def test_the_rules_on_the_page_can_be_read_and_mean_what_it_says(tmp_path: Path) -> None:
    page = (PAGES / "officer.md").read_text(encoding="utf-8")
    path = tmp_path / "rules.json"
    path.write_text(page.partition("```json\n")[2].partition("```")[0])
    body = Understanding(name="river", version=1, effective_ms=NOW_MS, rules=cli_draft.rules(path))
    assert understanding.rule_faults(body) == []
    read = understanding.read_rules(body)
    assert understanding.MinNotice("N1", "Fifteen minutes for live firing.", ((Activity.LIVE_FIRE, 900_000),)) in read
    assert [type(rule).__name__ for rule in read] == [
        "MinNotice", "VolumeGiven", "AckWithin", "WithinArea", "Reaction",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not a list of rules"), ('[{"id": "N1"}]', "a rule without 'kind'"), ("[1]", "not a list of rules")],
)
def test_a_file_that_is_no_list_of_rules_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(text)
    with pytest.raises(Failure, match=words):
        cli_draft.rules(path)
    path.write_text(json.dumps([{"id": "N1", "kind": "volume_given", "text": "where", "colour": "red"}]))
    with pytest.raises(ValueError, match="a rule with 'colour'"):
        cli_draft.rules(path)


def examples() -> list[str]:
    """The command lines on the operators' pages: after a prompt, in backticks, and in the table of what to say."""
    found = []
    for page in ("run.md", "officer.md"):
        text = (PAGES / page).read_text(encoding="utf-8").replace("\\\n", " ")
        found += re.findall(r"^\$ (keepclear .*)$", text, re.MULTILINE)
        found += re.findall(r"`(keepclear \w+ [^`]*)`", text)
        for row in re.findall(r"^\| .* \| (`.*) \|$", text, re.MULTILINE):
            found += [f"keepclear say {part} --node x" for part in re.findall(r"`([^`]+)`", row)]
    return found


@pytest.mark.parametrize("command", sorted(set(examples())))
def test_every_command_on_the_pages_is_one_that_there_is(command: str) -> None:
    code, output = told.called(f"{command} --help")  # unknown commands and options are refused before help is given
    assert code == 0, output
    assert output.startswith("Usage: keepclear ")
