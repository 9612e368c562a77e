"""The command line by itself: help that teaches, errors in two lines, times as people type them."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.host.transcripts import told

from keepclear.accord.outcome import Refused
from keepclear.accord.times import parse_time
from keepclear.host.cli import COMMANDS, main
from keepclear.host.cli_errors import FAULT, REFUSED, Failure, explained
from keepclear.host.cli_node import moment
from keepclear.host.config import ConfigError
from keepclear.host.keys import KeyFileError

NOON_MS = parse_time("2018-09-17T12:00:00Z")
MINUTE_MS = 60_000


def commands() -> list[tuple[str, ...]]:
    """The names of all commands that do something, with those of their groups before them."""
    found: list[tuple[str, ...]] = []
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        below = sorted(command.commands) if isinstance(command, click.Group) else []
        found += [(name, one) for one in below] or [(name,)]
    return found


@pytest.mark.parametrize("names", commands(), ids=" ".join)
def test_each_help_teaches_with_an_example_of_that_command(names: tuple[str, ...]) -> None:
    code, output = told.called(f"keepclear {' '.join(names)} --help")
    assert code == 0
    assert "Example" in output
    assert f"keepclear {' '.join(names)} " in output.partition("Example")[2]


def test_help_of_all_imports_no_command() -> None:
    script = (
        "import sys; from keepclear.host.cli import main; main(['--help'], standalone_mode=False);"
        "print([m for m in sys.modules if m.startswith(('keepclear.host.', 'numpy', 'rich', 'cryptography'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['keepclear.host.cli_errors', 'keepclear.host.cli']"
    assert "  verify    Verify record files" in done.stdout


def test_an_installed_program_ends_with_its_exit_code_and_tells_errors_on_stderr() -> None:
    command = [sys.executable, "-m", "keepclear", "verify", "nothing.record"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == REFUSED
    assert done.stdout == ""
    assert done.stderr == (
        "keepclear: nothing.record: cannot be read: No such file or directory\n"
        "hint: name a file that keepclear record has written\n"
    )


@pytest.mark.parametrize(
    ("command", "text", "hint"),
    [
        ("keepclear fly", "no such command 'fly'", "see keepclear --help"),
        ("keepclear say fly --node x", "no such command 'fly'", "see keepclear say --help"),
        ("keepclear status --node x --jsn", "no such option", "see keepclear status --help"),
        ("keepclear say --draft 7c31", "missing option '--node'", "see keepclear say --help"),
        ("keepclear say --draft 7c31 notice --node x --activity works", "--draft stands alone, without a kind", "see"),
        (
            "keepclear status --node x",
            "no node answers in x: No such file or directory",
            "start it with: keepclear run",
        ),
        ("keepclear run x.toml", "x.toml: cannot be read: No such file or directory", "docs/operate/config.md"),
        ("keepclear replay x", "x/genesis: not there yet", "join a line first"),
        ("keepclear demo --speed fast", "invalid value for '--speed': 'fast' is no speed", "see keepclear demo --help"),
    ],
)
def test_an_error_is_two_lines_and_exit_2(
    command: str, text: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KEEPCLEAR_NODE", raising=False)
    code, output = told.called(command)
    first, second = output.splitlines()
    assert (code, first[: len("keepclear: " + text)]) == (REFUSED, "keepclear: " + text)
    assert second.startswith("hint: " + hint)


@pytest.mark.parametrize(
    ("error", "text", "hint"),
    [
        (Refused("'x' is no area.", "write `circle`."), "'x' is no area", "write `circle`"),
        (KeyFileError("k: mode 0644: run chmod 600 k"), "k: mode 0644", "run chmod 600 k"),
        (ConfigError("n.toml: not TOML: Bad"), "n.toml: not TOML: Bad", "docs/operate/config.md explains each key"),
        (Failure("differs", "call", FAULT), "differs", "call"),
    ],
)
def test_hints_come_from_the_error_that_has_them(error: Exception, text: str, hint: str) -> None:
    found = explained(error)
    assert found is not None
    assert (found.text, found.hint) == (text, hint)


def test_a_fault_of_ours_is_not_dressed_up_as_somebody_elses() -> None:
    assert explained(ZeroDivisionError("ours")) is None


@pytest.mark.parametrize(
    ("typed", "ms"),
    [
        ("now", NOON_MS),
        ("none", None),
        ("+15m", NOON_MS + 15 * MINUTE_MS),
        ("90 min", NOON_MS + 90 * MINUTE_MS),
        ("-30s", NOON_MS - 30_000),
        ("+2h", NOON_MS + 120 * MINUTE_MS),
        ("12:05Z", NOON_MS + 5 * MINUTE_MS),
        ("11:59:30Z", NOON_MS - 30_000),
        ("23:59Z", NOON_MS + 719 * MINUTE_MS),
        ("00:00Z", NOON_MS + 720 * MINUTE_MS),
        ("2018-09-17T18:39:00Z", NOON_MS + 399 * MINUTE_MS),
    ],
)
def test_times_as_people_type_them(typed: str, ms: int | None) -> None:
    assert moment(typed, NOON_MS) == ms


def test_nobody_who_types_minutes_means_thousandths() -> None:
    assert moment("+15m", NOON_MS + 387) == NOON_MS + 15 * MINUTE_MS
    assert moment("now", NOON_MS + 387) == NOON_MS + 387


@pytest.mark.parametrize(
    "typed", ["", "15", "soon", "25:00Z", "18:39", "18:39+02:00", "2018-09-17T18:39:00+02:00", "1e3m"]
)
def test_a_time_that_could_be_read_in_two_ways_is_refused_with_the_forms(typed: str) -> None:
    with pytest.raises(Refused) as caught:
        moment(typed, NOON_MS)
    assert "18:39Z" in caught.value.hint
