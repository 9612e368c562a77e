"""What a machine can say of the repository as a whole: it speaks of the product alone, and its pages are true of it."""

import re
import shutil
import subprocess
import tomllib
from enum import Enum
from pathlib import Path

import pytest

from keepclear.accord.line_test import Staffed
from keepclear.accord.outcome import Mark, Outcome
from keepclear.accord.shape import AltRef
from keepclear.accord.statement import Doubt, Kind, Precedence, Step
from keepclear.geo.margin import Case
from keepclear.line.liveness import LineState
from keepclear.node.authentic import Authentic
from keepclear.record.genesis import Mode, Role

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "keepclear"
THIS = Path(__file__).resolve()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

ALIEN = {
    "a path of one machine": re.compile(r"(?<![\w.~])/(?:root|work|Users|home/\w+)/"),
    "a registry's host": re.compile(
        r"\b(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|npmmirror\.com)\b"
    ),
    "the number of an issue": re.compile(r"(?i)\b(?:issues?|pull requests?|PR|GH)[ -]?#?\d+\b|(?<![\w&/#])#\d+\b(?!;)"),
    "how it was made": re.compile(r"(?i)\b(?:sub-?agents?|language models?|another helper|this session of)\b"),
}
WORDS = [Kind, Precedence, Step, Doubt, Mark, Outcome, Case, LineState, Staffed, Authentic, Mode, Role, AltRef]
COLOURS = {".css", ".svelte", ".html", ".svg", ".ts"}  # where #123 is a colour


def tracked() -> list[Path]:
    git = shutil.which("git")
    assert git, "git is needed to know which files are the repository's"
    done = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()
PAGES = [path for path in FILES if path.suffix == ".md"]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def normal(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_no_file_speaks_of_anything_but_the_product() -> None:
    found = []
    for path in FILES:
        data = path.read_bytes()
        if path == THIS or b"\0" in data[:8_000]:
            continue
        for what, pattern in ALIEN.items():
            if path.suffix in COLOURS and "issue" in what:
                continue
            found += [f"{name(path)}: {what}: {hit[0]}" for hit in pattern.finditer(data.decode())]
    assert not found


def test_make_help_tells_of_every_target() -> None:
    make = shutil.which("make")
    assert make, "make is needed"
    done = subprocess.run([make, "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    told = set(re.findall(r"^  ([a-z-]+)  +\S", done.stdout, re.MULTILINE))
    assert targets() <= told


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_names_only_what_there_is(path: Path) -> None:
    text = path.read_text()
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    gone = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not gone, "links that lead nowhere"
    made = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^ {4}make ([a-z-]+)", text, re.MULTILINE))
    assert made <= targets(), "make targets that are not there"


def test_the_tour_names_functions_where_they_stand() -> None:
    tour = (ROOT / "docs" / "tour.md").read_text()
    modules = set(re.findall(r"`(\w+/\w+\.py)`", tour))
    assert len(modules) > 20
    bases = (SOURCE, ROOT)
    assert not [module for module in modules if not any((base / module).exists() for base in bases)]
    named = re.findall(r"`(\w+/\w+\.py)`\s+`(?:\w+\.)?(\w+)\(\)`", tour)
    assert len(named) > 20
    gone = [(module, function) for module, function in named if f"def {function}(" not in (SOURCE / module).read_text()]
    assert not gone


@pytest.mark.parametrize("words", WORDS)
def test_the_glossary_has_every_word_that_an_officer_meets(words: type[Enum]) -> None:
    concepts = (ROOT / "docs" / "concepts.md").read_text()
    shown = [word.value if isinstance(word.value, str) else word.name for word in words]
    missing = [
        word for word in shown if not re.search(rf"(?i)\b{re.sub('[-_ ]', '[-_ ]', word)}\b", concepts)
    ]  # fmt: skip
    assert not missing


def test_the_change_log_begins_with_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (\S+)(.*)$", changes, re.MULTILINE)
    assert versions[0][0] == PROJECT["version"]
    released = "unreleased" not in versions[0][1]
    unfilled = [name(path) for path in PAGES if "<!-- fill:" in path.read_text()]
    assert not (released and unfilled), "a released version has no gaps in its pages"


def test_every_dependency_is_pinned_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w.-]+)==[^\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", lock, re.MULTILINE)
    wanted = [*PROJECT["dependencies"], *(r for extra in PROJECT["optional-dependencies"].values() for r in extra)]
    assert {normal(one) for one in wanted} <= {normal(pin) for pin, _ in pins}
    assert len(pins) == len(re.findall(r"^[\w.-]+==", lock, re.MULTILINE)), "a pin without a hash"


def test_decisions_are_numbered_once_each() -> None:
    decisions = [path.name for path in FILES if path.parent == ROOT / "docs" / "decisions"]
    numbers = [re.match(r"(\d{4})-[a-z0-9-]+\.md$", decision) for decision in decisions]
    assert all(numbers), "NNNN-short-name.md"
    assert len({found[1] for found in numbers if found}) == len(decisions)
