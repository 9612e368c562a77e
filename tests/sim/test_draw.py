"""The pictures of docs/line.md are of this program, and can be read."""

import re
from pathlib import Path

import pytest

from sim.draw.paper import Overlap, Paper
from sim.draw.pictures import PICTURES

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_program_does_now(name: str) -> None:
    drawn = PICTURES[name]().svg()
    assert drawn == (DOCS / f"{name}.svg").read_text(), f"docs/{name}.svg is out of date: make pictures, and look at it"


def test_the_page_shows_every_picture_and_no_other() -> None:
    page = (DOCS / "line.md").read_text()
    assert re.findall(r"!\[[^\]]+\]\((line-[a-z]+)\.svg\)", page) == list(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_every_colour_has_another_on_a_dark_page(name: str) -> None:
    light, dark = re.search(r"<style>(.*)@media[^{]*\{(.*)\}</style>", (DOCS / f"{name}.svg").read_text()).groups()  # type: ignore[union-attr]
    kinds = [set(re.findall(r"\.([\w-]+)\{(?:fill|stroke):#", style)) for style in (light, dark)]
    assert kinds[0] == kinds[1]
    used = set(re.findall(r'class="([^"]+)"', (DOCS / f"{name}.svg").read_text()))
    assert {one for names in used for one in names.split()} <= kinds[0] | {"none"}


def test_words_that_cover_each_other_or_leave_the_sheet_are_refused() -> None:
    paper = Paper(200, 80, "a picture")
    paper.text((20, 30), "one thing")
    paper.text((20, 60), "another")
    assert "another" in paper.svg()
    paper.text((50, 34), "a third")
    with pytest.raises(Overlap, match="“one thing” and “a third” cover each other"):
        paper.svg()
    for at in ((190, 30), (20, 79)):
        wide = Paper(200, 80, "a picture")
        wide.text(at, "too far out")
        with pytest.raises(Overlap, match="leaves the sheet"):
            wide.svg()


def test_words_along_an_arrow_cover_what_is_there_and_not_what_is_beside_them() -> None:
    paper = Paper(300, 300, "a slope")
    paper.text((150, 150), "along the slope", anchor="middle", turn_deg=45)
    paper.text((190, 130), "beside")
    assert paper.svg()
    paper.text((172, 172), "on it", anchor="middle")
    with pytest.raises(Overlap):
        paper.svg()
