"""What went wrong, in the command line's two lines: what it was, and what to do about it.

The law: an error that the product knows is told in its own words, beginning small and without a full stop; one that it
does not know is a fault of ours and is not dressed up. Some errors carry their hint, others end with it behind their
last colon; then it is found by its first word, which is a verb.
"""

from typing import Final

import click

FAULT: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it

WITH_HINT: Final = frozenset(
    {
        "keepclear.host.config.ConfigError", "keepclear.host.ceremony.CeremonyError",
        "keepclear.host.keys.KeyFileError", "keepclear.host.letter.LetterError",
        "keepclear.host.identity.IdentityError", "keepclear.host.journal_file.JournalError",
        "keepclear.host.datagram.BadAddress",
    }
)  # fmt: skip
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
        return _failure(error.format_message().replace("\n", " "), f"see {command} --help")
    if isinstance(error, click.ClickException):
        return _failure(error.format_message(), USUAL_HINT)
    if isinstance(hint := getattr(error, "hint", None), str):
        return _failure(str(getattr(error, "reason", error)), hint)
    if _names(error) & WITH_HINT:
        return _failure(*_parted(str(error)))
    return None


def _failure(text: str, hint: str) -> Failure:
    text = text.rstrip(".")
    if text[:1].isupper() and not text[1:2].isupper():  # not NOTICE, which is a name
        text = text[0].lower() + text[1:]
    return Failure(text, hint.rstrip(".") or USUAL_HINT)


def _parted(text: str) -> tuple[str, str]:
    what, _, last = text.rpartition(": ")
    if what and last.partition(" ")[0] in VERBS:
        return what, last
    return text, USUAL_HINT


def _names(error: Exception) -> set[str]:
    """The error's classes by name: asking for the classes themselves would import what no command here has needed."""
    return {f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__}
