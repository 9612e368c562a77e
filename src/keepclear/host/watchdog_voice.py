"""The watchdog's voices: the terminal and a command of the operator's, each in a process of its own.

The law: a voice is forked when the watchdog starts and waits for nothing but its pipe; the watchdog never waits for a
voice. So a terminal that stands still, or a command that hangs with the disk it lies on, silences one voice and neither
the other nor the watch. Every voice says back how it went, and what does not come back is told.
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

STILL_S: Final = 12.0  # that a voice has not come back: longer than a command may take
COMMAND_S: Final = 10.0
MAX_TEXT_BYTES: Final = 4_096
MAX_FD: Final = 256
MCL_CURRENT: Final = 1
LOUD: Final = b"!"
SOFT: Final = b"."
WORDS: Final = "KEEPCLEAR_ALARM"  # the environment variable in which a command finds what it sounds for


class Voice:
    """One voice. `say` is done in its own process and answers what went wrong, or ""."""

    def __init__(self, name: str, say: Callable[[str, bool], str]) -> None:
        self.name = name
        self.trouble = ""
        self._since_s: float | None = None
        self._pipe, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            _speak(theirs, say)
        theirs.close()
        self._pipe.setblocking(False)

    def put(self, text: str, now_s: float, loud: bool = True) -> None:
        """Has it said, loudly or by the way; what a voice that stands still cannot take is not said by it."""
        try:
            self._pipe.send((LOUD if loud else SOFT) + text.encode("utf-8", "replace")[:MAX_TEXT_BYTES])
        except (BlockingIOError, OSError):
            self.trouble = self.trouble or f"the {self.name} takes nothing more"
            return
        self._since_s = now_s if self._since_s is None else self._since_s

    def look(self, now_s: float) -> None:
        """Takes in how it went."""
        while select.select([self._pipe], [], [], 0)[0]:
            data = self._pipe.recv(MAX_TEXT_BYTES)
            if not data:
                self.trouble, self._since_s = f"the {self.name}'s process has ended", None
                return
            told: dict[str, str] = json.loads(data)
            self.trouble, self._since_s = told["trouble"], None
        if self._since_s is not None and now_s - self._since_s > STILL_S:
            self.trouble = f"the {self.name} stands still"

    def close(self) -> None:
        """Lets it end, when it has said what it has been given."""
        self._pipe.close()


def on_terminal(text: str, loud: bool) -> str:
    """Writes a line to standard error; a loud one with the bell and in red where that is a terminal."""
    line = f"\a\x1b[1;31m{text}\x1b[0m\n" if loud and os.isatty(2) else f"{text}\n"
    try:
        os.write(2, line.encode())
    except OSError as error:
        return f"the terminal is gone: {error.strerror}"
    return ""


def by_command(command: Sequence[str]) -> Callable[[str, bool], str]:
    """Runs a command, as it stands and without a shell, for each alarm; the words are in its environment."""

    def run(text: str, _loud: bool) -> str:
        try:
            done = subprocess.run(
                list(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=COMMAND_S, env={**os.environ, WORDS: text}, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"the command {command[0]} was not done after {COMMAND_S:.0f} s"
        except OSError as error:
            return f"the command {command[0]} cannot be run: {error.strerror}"
        return f"the command {command[0]} ended with {done.returncode}" if done.returncode else ""

    return run


def hold_in_memory() -> str:
    """Keeps what this process has now from being paged out. What kept it from that, or ""."""
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        if ctypes.CDLL(None, use_errno=True).mlockall(MCL_CURRENT) == 0:
            return ""
        return os.strerror(ctypes.get_errno())
    except (OSError, ValueError, AttributeError) as error:
        return str(error)


def _speak(pipe: socket.socket, say: Callable[[str, bool], str]) -> NoReturn:
    """The voice's process: it ends when its watchdog has."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for fd in range(3, MAX_FD):
            if fd != pipe.fileno():
                try:
                    os.close(fd)
                except OSError:
                    continue
        hold_in_memory()
        while data := pipe.recv(MAX_TEXT_BYTES + 1):
            trouble = say(data[1:].decode("utf-8", "replace"), data[:1] == LOUD)
            pipe.send(json.dumps({"trouble": trouble}).encode())
    except (OSError, KeyboardInterrupt):
        pass
    finally:
        os._exit(0)
