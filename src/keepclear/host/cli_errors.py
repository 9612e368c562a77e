"""What went wrong, in the command line's two lines: what it was, and what to do about it.

The law: an error that the product knows is told in its own words, beginning small and without a full stop; one that it
does not know is a fault of ours and is not dressed up. Some errors carry their hint, others end with it behind a colon;
then it is found by its first word, which is a verb.
"""

from typing import Final

import click

FAULT: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it

HINTS: Final = {  # by class, for a text that ends with no hint of its own
    "keepclear.host.config.ConfigError": "docs/operate/config.md explains each key",
    "keepclear.host.ceremony.CeremonyError": "docs/operate/keys.md explains the steps",
    "keepclear.host.keys.KeyFileError": "docs/operate/keys.md says which key belongs where",
    "keepclear.host.letter.LetterError": "docs/operate/keys.md explains the steps",
    "keepclear.host.identity.IdentityError": "docs/operate/keys.md explains the steps",
    "keepclear.host.journal_error.JournalError": "look at the disk; keep the file and its -wal whatever you do",
    "keepclear.host.datagram.BadAddress": "docs/operate/config.md says how addresses are written",
    "keepclear.host.stage.StageError": "look at what the nodes have written into output.txt in the --out directory",
    "keepclear.host.recorded.NotFetched": "make data fetches the recording; il20 needs none",
}
VERBS: Final = frozenset(
    (
        "ask", "bring", "choose", "do", "end", "free", "give", "join", "listen", "look", "move", "put", "restore",
        "run", "send", "sign", "start", "take", "try", "use", "write",
    )
)  # fmt: skip
USUAL_HINT: Final = "keepclear --help lists the commands; add --help to one to see what it takes"


class Failure(Exception):
    """Not done: the text says why, the hint what to do, the code is the process's exit code."""

    def __init__(self, text: str, hint: str, code: int = REFUSED) -> None:
        super().__init__(text)
        self.text, self.hint, self.code = text, hint, code


def explained(error: Exception) -> Failure | None:
    """The two lines and the exit code for an error; None for one that the product does not know."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "keepclear"
        return _failure(" ".join(error.format_message().split()), f"see {command} --help")
    if isinstance(error, click.ClickException):
        return _failure(error.format_message(), USUAL_HINT)
    if isinstance(hint := getattr(error, "hint", None), str):
        return _failure(str(getattr(error, "reason", error)), hint)
    for name in _names(error):
        if name in HINTS:
            return _failure(*_parted(str(error), HINTS[name]))
    return None


def _failure(text: str, hint: str) -> Failure:
    text = text.rstrip(".")
    if text[:1].isupper() and not text[1:2].isupper():  # not NOTICE, which is a name
        text = text[0].lower() + text[1:]
    return Failure(text, hint.rstrip(".") or USUAL_HINT)


def _parted(text: str, usual: str) -> tuple[str, str]:
    """What went wrong, and from the first colon with a verb behind it what to do."""
    parts = text.split(": ")
    for number, part in enumerate(parts[1:], 1):
        if part.partition(" ")[0] in VERBS:
            return ": ".join(parts[:number]), ": ".join(parts[number:])
    return text, usual


def _names(error: Exception) -> list[str]:
    """The error's classes by name: asking for the classes themselves would import what no command here has needed."""
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__]
