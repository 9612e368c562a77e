"""spec/statements.md is what the program does: fields, links, examples, limits and words are compared, not retold."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.accord.examples import EXAMPLES

from keepclear.accord import canonical, form, understanding
from keepclear.accord.form import check_form
from keepclear.accord.phrases import kind
from keepclear.accord.statement import ALWAYS_FLASH, BODIES, BY_NODE, Body, Precedence, Understanding, read, to_bytes
from keepclear.accord.words import WORDS

SPEC = (Path(__file__).resolve().parents[2] / "spec" / "statements.md").read_text()
SECTIONS = dict(re.findall(r"^### (\d+ [A-Z ]+)\n(.*?)(?=^##)", SPEC, re.MULTILINE | re.DOTALL))


def shown(value: Any) -> str:
    """A value as the examples of the spec write it."""
    if value is None or isinstance(value, bool):
        return "nil" if value is None else str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    return "[" + ", ".join(map(shown, value)) + "]" if isinstance(value, list) else str(value)


def test_there_is_one_section_and_one_example_for_every_kind() -> None:
    assert list(SECTIONS) == [f"{int(number)} {kind(number)}" for number in BODIES]
    assert [body.kind for body in EXAMPLES] == list(BODIES)


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body.kind.name)
def test_a_kind_is_as_the_spec_has_it(body: Body) -> None:
    section = SECTIONS[f"{int(body.kind)} {kind(body.kind)}"]
    fields = [(str(at), field.name) for at, field in enumerate(msgspec.structs.fields(type(body)))]
    assert re.findall(r"^\| (\d+) \| (\w+) \|", section, re.MULTILINE) == fields

    raw = to_bytes(body)
    hexes, reading = re.search(r"```\n(.*?)\n\n(.*?)\n```", section, re.DOTALL).groups()
    assert hexes.replace("\n", "") == raw.hex(), f"spec/statements.md should have {raw.hex()}"
    assert re.sub(r"\s", "", reading) == re.sub(r"\s", "", shown(canonical.decode(raw)))
    assert read(body.kind, raw) == body or isinstance(body, Understanding)


def test_the_example_on_the_first_screen_is_that_of_the_notice() -> None:
    first = re.search(r"## Example\n.*?```\n(\w+)\n", SPEC, re.DOTALL)
    assert first
    assert first[1] == to_bytes(EXAMPLES[0]).hex()
    assert f"a NOTICE, {len(first[1]) // 2} bytes" in SPEC


@pytest.mark.parametrize(
    "body", [body for body in EXAMPLES if body.kind not in BY_NODE], ids=lambda body: body.kind.name
)
def test_what_people_say_may_be_said_with_what_the_spec_lets_it_cite(body: Body) -> None:
    links = form.LINKS[body.kind]
    cites = re.search(r"Cites: (.*)\.\n", SECTIONS[f"{int(body.kind)} {kind(body.kind)}"])
    assert cites
    between = "or" if links.most == links.fewest + 1 else "to"
    count = f"{links.fewest}" if links.fewest == links.most else f"{links.fewest} {between} {links.most}"
    replaces = {True: "`replaces`; ", False: "", None: "`replaces` or not; "}[links.replaces]
    assert cites[1] == f"{replaces}{count} ref{'s' if links.most > 1 else ''}"
    precedence = Precedence.FLASH if body.kind in ALWAYS_FLASH else Precedence.PRIORITY
    check_form(body, precedence, replaces=bytes(32) if links.replaces else None, refs=(bytes(32),) * links.fewest)


def test_the_words_and_the_limits() -> None:
    listed = re.search(r"The list, from 0:\n\n(.*?)\n\n", SPEC, re.DOTALL)
    assert listed
    assert tuple(listed[1].split()) == WORDS
    for number in (
        form.MAX_FLASH_BODY_BYTES, form.MAX_ALTITUDE_CM, form.MIN_ALTITUDE_CM, form.MAX_ERROR_CM, form.MAX_RADIUS_CM,
        understanding.MAX_RULE_MS, understanding.MAX_RULE_BYTES, understanding.MAX_AGREED_VERTICES,
    ):  # fmt: skip
        assert f"{number:,}".replace(",", " ") in SPEC


def test_every_kind_of_rule_is_in_the_table() -> None:
    table = SPEC[SPEC.index("## Rules of") :]
    tags = [rule.__struct_config__.tag for rule in understanding.AnyRule.__args__ if rule is not understanding.Unread]
    assert sorted(re.findall(r"^\| (\w+_\w+|reaction) \|", table, re.MULTILINE)) == sorted(tags)
