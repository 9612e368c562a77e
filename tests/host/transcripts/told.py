"""Transcripts: what is typed and what comes back, as files that people can read.

# a comment
$ keepclear COMMAND ...          is called, with {name} for what was caught before
output, line by line             <hash> <time> <id> <n> <any> stand for what differs; <hash:name> catches it
...                              any number of lines
[exit 1]                         if it is not 0
% keepclear COMMAND ~ words      is called until its output has the words
"""

import re
import shlex
import time
from pathlib import Path

from click.testing import CliRunner

from keepclear.host.cli import main

HERE = Path(__file__).parent
DEADLINE_S = 60.0  # two busy cores; nothing is asserted about how long it takes
PATTERNS = {
    "hash": r"[0-9a-f]{8}",
    "time": r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?:\.\d{3})?Z",
    "id": r"[0-9a-f]{16,64}",
    "n": r"-?\d+",
    "any": r".*?",
}
PLACE = re.compile(r"<(hash|time|id|n|any)(?::(\w+))?>|\{(\w+)\}")


def called(command: str, typed: str | None = None) -> tuple[int, str]:
    """The exit code and all that a command line prints, without blanks at the ends of lines."""
    _, *arguments = shlex.split(command)
    result = CliRunner(catch_exceptions=False).invoke(main, arguments, input=typed)
    return result.exit_code, "\n".join(line.rstrip() for line in result.output.splitlines()).strip("\n")


def play(name: str) -> None:
    """Plays the transcript of that name and holds what comes back against it."""
    caught: dict[str, str] = {}
    for command, expected, code in _scenes((HERE / f"{name}.txt").read_text(encoding="utf-8")):
        asked = command[2:].format(**caught)
        if command.startswith("%"):
            asked, _, words = asked.partition(" ~ ")
            until(asked, words)
            continue
        found_code, output = called(asked)
        match = re.fullmatch(_pattern(expected, caught), output + "\n")
        assert match, f"{asked}\nexpected:\n{expected}\ncame:\n{output}"
        assert found_code == code, f"{asked}: exit {found_code}, expected {code}:\n{output}"
        caught |= match.groupdict()


def until(command: str, words: str) -> None:
    """Calls a command until its output has the words."""
    deadline = time.monotonic() + DEADLINE_S
    while words not in (output := called(command)[1]):
        assert time.monotonic() < deadline, f"{command} does not come to {words!r}:\n{output}"
        time.sleep(0.05)


def _scenes(text: str) -> list[tuple[str, str, int]]:
    scenes: list[tuple[str, list[str], int]] = []
    for line in text.splitlines():
        if line.startswith(("$ ", "% ")):
            scenes.append((line, [], 0))
        elif match := re.fullmatch(r"\[exit (\d+)\]", line):
            scenes[-1] = (*scenes[-1][:2], int(match[1]))
        elif not line.startswith("# ") and scenes:
            scenes[-1][1].append(line)
    return [(command, "\n".join(lines).strip("\n"), code) for command, lines, code in scenes]


def _pattern(expected: str, caught: dict[str, str]) -> str:
    """The expected output as a regular expression; a line of three points is any number of lines."""
    out = []
    for line in expected.split("\n"):
        out.append(r"(?:.*\n)*" if line == "..." else _of_line(line, caught) + r"\n")
    return "".join(out)


def _of_line(line: str, caught: dict[str, str]) -> str:
    out, at = "", 0
    for place in PLACE.finditer(line):
        kind, name, again = place.groups()
        out += re.escape(line[at : place.start()])
        if again:
            out += re.escape(caught[again]) if again in caught else f"(?P={again})"
        else:
            out += f"(?P<{name}>{PATTERNS[kind]})" if name else f"(?:{PATTERNS[kind]})"
        at = place.end()
    return out + re.escape(line[at:])
