"""The watchdog: a small process that asks a node twice a second whether it lives, and sounds when it does not.

The law: it rests on nothing that it watches. It imports nothing of the node, reads and writes no disk after its start,
and never waits: not for the node, not for what makes the noise (watchdog_voice). It sounds when the node has not
answered for 3 s, answers without taking anything in, has ended out of order, when its disk takes nothing, and when a
line is dead. What has been acknowledged is quiet until something new happens; what is over is said, and can begin anew.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from keepclear.host.watchdog_voice import Voice, by_command, hold_in_memory, on_terminal

ASK_S: Final = 0.5
SILENT_S: Final = 3.0
REPEAT_S: Final = 10.0  # what nobody has acknowledged is said again, after twice as long each time
REPEAT_MOST_S: Final = 60.0
LOOK_S: Final = 0.1
OVERSLEPT_S: Final = 1.0  # that this process itself was kept from looking: then the wait begins anew
MAX_BYTES: Final = 65_536
DOOR: Final = "watchdog.sock"

Causes = dict[str, str]


@dataclass
class Judge:
    """What there is to sound for, by what the node has answered and when; seconds of this process's own clock."""

    began_s: float
    heard_s: float | None = None
    stepped_s: float = 0.0
    back_s: float = 0.0  # since when it has answered without a break
    gone: bool = False
    pulse: dict[str, Any] = field(default_factory=dict)
    dead: dict[str, float] = field(default_factory=dict)

    def hear(self, pulse: dict[str, Any], now_s: float) -> None:
        """Takes in an answer."""
        if self.heard_s is None or self.gone or now_s - self.heard_s > OVERSLEPT_S:
            self.back_s = now_s
        if self.back_s == now_s or pulse["n"] != self.pulse.get("n"):
            self.stepped_s = now_s
        self.pulse, self.heard_s, self.gone = pulse, now_s, False
        dead = [name for name, state in pulse["lines"] if state == "dead"]
        self.dead = {name: self.dead.get(name, now_s) for name in dead}

    def excuse(self, now_s: float) -> None:
        """This process was kept from looking until now: what it has not heard meanwhile says nothing of the node."""
        self.began_s = now_s
        if self.heard_s is not None:
            self.heard_s = self.stepped_s = now_s

    def causes(self, now_s: float) -> Causes:
        """What is wrong now, by a name for each, in words."""
        meanwhile = " while something is in force" if self.pulse.get("in_force") else ""
        if self.gone:
            text = f"the node has ended{meanwhile}, and not in good order: nothing warns here until it is started anew"
            return {"ended": text}
        heard_s = self.began_s if self.heard_s is None else self.heard_s
        if now_s - heard_s >= SILENT_S:
            text = f"the node has given no sign of life for {now_s - heard_s:.1f} s{meanwhile}"
            return {"silent": f"{text}: nothing warns here now, use other means"}
        out: Causes = {}
        if self.heard_s is not None and now_s - self.stepped_s >= SILENT_S:
            text = f"the node answers, and has taken in nothing for {now_s - self.stepped_s:.1f} s{meanwhile}"
            out["stuck"] = f"{text}: nothing warns here now, use other means"
        if reason := self.pulse.get("disk", ""):
            out["disk"] = f"the disk has failed ({reason}): warnings go on, only FLASH goes out"
        elif min(self.pulse.get("disk_s", 0.0), now_s - self.back_s) >= SILENT_S:  # what was stopped wrote nothing
            text = f"the disk has taken nothing for {self.pulse['disk_s']:.1f} s"
            out["disk"] = f"{text}: warnings go on, say what is urgent as FLASH and by other means"
        wait_s = 0.0 if meanwhile else self.pulse.get("horn_s", 0.0)
        for name, since_s in self.dead.items():
            if now_s - since_s >= wait_s:
                out[f"line {name}"] = f"the line to {name} is dead{meanwhile}: use another way to reach it"
        return out


@dataclass
class Watch:
    """What is sounded when: at once what is new, again what nobody has acknowledged."""

    quiet: set[str] = field(default_factory=set)
    present: Causes = field(default_factory=dict)
    said_s: float = 0.0
    wait_s: float = REPEAT_S

    def look(self, causes: Causes, now_s: float) -> tuple[list[str], list[str]]:
        """What is to be sounded, and what is only to be said, because it is over."""
        over = [f"over: {text.partition(':')[0]}" for key, text in self.present.items() if key not in causes]
        new = [text for key, text in causes.items() if key not in self.present]
        self.quiet &= set(causes)
        self.present = causes
        left = [text for key, text in causes.items() if key not in self.quiet]
        if not new and (not left or now_s - self.said_s < self.wait_s):
            return [], over
        self.said_s, self.wait_s = now_s, REPEAT_S if new else min(REPEAT_MOST_S, 2 * self.wait_s)
        return left, over

    def acknowledge(self) -> list[str]:
        """Somebody has heard: what is wrong now is quiet from here on."""
        self.quiet |= set(self.present)
        return list(self.present.values())


class Watchdog:
    """The process at work. `dial` finds the node again when it was started by hand; None: this node only."""

    def __init__(
        self,
        name: str,
        node: socket.socket | None,
        voices: Sequence[Voice],
        own: bool,
        dial: Callable[[], socket.socket | None] | None = None,
        door: socket.socket | None = None,
    ) -> None:
        self._name, self._node, self._voices, self._own, self._dial, self._door = name, node, voices, own, dial, door
        self._keys = None if own or not sys.stdin.isatty() else sys.stdin.fileno()
        self._judge = Judge(time.monotonic())
        self._watch = Watch()
        self._paged = hold_in_memory()
        self._asked_s, self._answered = 0.0, True
        self._buffer = b""
        self._trouble = ""
        self._over = False

    def run(self) -> None:
        """Watches until the node says that it ends, another watchdog takes over, or a signal ends this one."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_over", True))
        before_s = time.monotonic()
        while not self._over:
            self._wait()
            now_s = time.monotonic()
            if now_s - before_s > OVERSLEPT_S:
                self._judge.excuse(now_s)
            before_s = now_s
            self._look(now_s)

    def _wait(self) -> None:
        watched = [one for one in (self._node, self._door, self._keys) if one is not None]
        ready = select.select(watched, [], [], LOOK_S)[0]
        if self._node in ready:
            self._read()
        if self._door in ready:
            self._answer_door()
        if self._keys in ready:
            if not os.read(0, MAX_BYTES):
                self._keys = None
            self._say([f"quiet now: {text}" for text in self._acknowledge()])

    def _look(self, now_s: float) -> None:
        if self._node is None and self._dial is not None and now_s - self._asked_s >= ASK_S:
            self._asked_s, self._answered = now_s, True
            self._node = self._dial()
        if self._node is not None and self._answered and now_s - self._asked_s >= ASK_S:
            self._ask(now_s)
        for voice in self._voices:
            voice.look(now_s)
        troubles = [voice.trouble for voice in self._voices if voice.trouble]
        trouble, before = "; ".join(troubles), self._trouble
        self._trouble = trouble
        sounded, over = self._watch.look(self._judge.causes(now_s), now_s)
        self._say(over)
        if trouble and trouble != before:
            self._say([f"this watchdog cannot sound as it should: {trouble}"])
        for text in sounded:
            for voice in self._voices:
                voice.put(self._line(text), now_s)

    def _ask(self, now_s: float) -> None:
        ask = {"do": "pulse", "pid": os.getpid(), "own": self._own, "paged": self._paged, "trouble": self._trouble}
        self._asked_s, self._answered = now_s, False
        try:
            assert self._node is not None
            self._node.send(json.dumps(ask).encode() + b"\n")
        except OSError:
            self._lose()

    def _read(self) -> None:
        assert self._node is not None
        try:
            data = self._node.recv(MAX_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if told.get("bye"):
                self._over = True
            elif told.get("ok"):
                self._answered = True
                self._judge.hear(told, time.monotonic())

    def _lose(self) -> None:
        """The node's end is closed, and it did not say that it would be."""
        if self._node is not None:
            self._node.close()
        self._node, self._buffer, self._judge.gone = None, b"", True

    def _answer_door(self) -> None:
        """One who asks at the door: to acknowledge, to try the sound, or to take over."""
        assert self._door is not None
        caller, _ = self._door.accept()
        with caller:
            caller.settimeout(LOOK_S)
            try:
                word = caller.recv(64)
                if word == b"acknowledge":
                    caller.send(json.dumps(self._acknowledge()).encode()[:MAX_BYTES])
                elif word == b"try":
                    for voice in self._voices:
                        voice.put(self._line("this is how the watchdog sounds; nothing is wrong"), time.monotonic())
                    caller.send(b'["it sounds now: did you hear it?"]')
                elif word == b"relieve":
                    self._over = True
                    caller.send(b"[]")
            except OSError:
                return

    def _acknowledge(self) -> list[str]:
        self._over = self._over or (self._own and self._judge.gone)  # heard, and there is nothing left to watch
        return self._watch.acknowledge()

    def _say(self, texts: list[str]) -> None:
        """What needs no noise: on the terminal alone."""
        for text in texts:
            self._voices[0].put(self._line(text, "IMMEDIATE"), time.monotonic(), loud=False)

    def _line(self, text: str, urgency: str = "ALARM") -> str:
        return f"{time.strftime('%H:%M:%SZ', time.gmtime())}  {urgency:<9}  {self._name}  watchdog: {text}"


def voices(command: Sequence[str]) -> list[Voice]:
    """The terminal, and the configured command if there is one."""
    made = [Voice("terminal", on_terminal)]
    return [*made, Voice("command", by_command(command))] if command else made


def ask_door(path: str, word: str) -> list[str]:
    """Says a word at a watchdog's door, and what it answers. Raises OSError when there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(5.0)
        caller.connect(path)
        caller.sendall(word.encode())
        told: list[str] = json.loads(caller.recv(MAX_BYTES) or b"[]")
        return told


def main(argument: str) -> None:
    """The watchdog that a node has started, by what it was given as JSON: its end of the pair, door, name, command."""
    given = json.loads(argument)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    made = voices(given["sound"])
    os.chdir(given["dir"])  # a socket's name is short
    with suppress(OSError):  # nobody is there
        ask_door(DOOR, "relieve")
    Path(DOOR).unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(DOOR)
    os.chmod(DOOR, 0o600)
    door.listen(4)
    os.chdir("/")
    node = socket.socket(fileno=given["fd"])
    node.setblocking(False)
    Watchdog(given["name"], node, made, own=True, door=door).run()


if __name__ == "__main__":
    main(sys.argv[1])
