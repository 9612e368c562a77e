"""The stage of a scenario: a line made for it, its nodes as operating-system processes, and one clock for all.

The law: the processes are those that anybody runs (`keepclear run`), spoken to through the doors that anybody uses:
control socket and track port. The clock runs at real rate and jumps ahead between events, all nodes together.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Thread
from typing import Any, Final

from keepclear.host import ceremony, config_example
from keepclear.host.client import Client, NodeError
from keepclear.host.identity import Identity, load_identity
from keepclear.record.genesis import Role

START_TIMEOUT_S: Final = 60.0
SETTLE_TIMEOUT_S: Final = 30.0
SETTLE_STEP_S: Final = 0.004
SEATS: Final = ("duty", "chief")
# Between events the scenario's clock jumps; a line that is alive must not look dead for that.
SETTINGS: Final = {
    "heartbeat_ms": 10_000, "suspect_after_ms": 60_000, "dead_after_ms": 120_000, "assess_deadline_ms": 120_000,
    "assess_every_ms": 0, "checkpoint_every_ms": 600_000, "track_lost_ms": 90_000, "track_stale_ms": 60_000,
}  # fmt: skip

Event = dict[str, Any]


class StageError(Exception):
    """The stage could not be set; the text says what to look at."""


class Actor:
    """One node of the stage: its process, its doors, and all that it has shown."""

    def __init__(self, name: str, directory: Path, process: "subprocess.Popen[bytes]", tracks: tuple[str, int]) -> None:
        self.name, self.directory, self._process = name, directory, process
        self.client = self._connect()
        self.identity: Identity = load_identity(directory)
        self.events: list[Event] = []
        self._tracks = tracks
        self._track_socket: socket.socket | None = None
        self._follower = Client(directory)
        Thread(target=self._follow, daemon=True).start()

    def feed(self, lines: Iterable[dict[str, Any]]) -> None:
        """Sends lines to the track port."""
        if self._track_socket is None:
            self._track_socket = socket.create_connection(self._tracks)
        self._track_socket.sendall("".join(json.dumps(line) + "\n" for line in lines).encode())

    def stop(self) -> None:
        """Ends the process in good time."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _connect(self) -> Client:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                return Client(self.directory)
            except NodeError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise StageError(f"{self.name} does not start: see {self.directory}/output.txt") from error
                time.sleep(0.05)

    def _follow(self) -> None:
        for event in self._follower.follow():
            event["real_ns"] = time.monotonic_ns()
            self.events.append(event)


class Stage:
    """All actors and their clock."""

    def __init__(self, directory: Path, parties: Iterable[str], observer: str, settings: dict[str, int]) -> None:
        members = [(name, Role.PARTY, SEATS) for name in parties] + [(observer, Role.OBSERVER, SEATS)]
        directories = ceremony.make_exercise_line(directory, members, int(time.time() * 1_000))
        names = [name for name, _, _ in members]
        listen = dict(zip(names, _free_ports(socket.SOCK_DGRAM, len(names)), strict=True))
        tracks = dict(zip(names, _free_ports(socket.SOCK_STREAM, len(names)), strict=True))
        started = []
        for name, home in zip(names, directories, strict=True):
            peers = {other: f"127.0.0.1:{port}" for other, port in listen.items() if other != name}
            text = config_example.example_config(
                name, ".", peers, seats=SEATS, listen=f"127.0.0.1:{listen[name]}", tracks=f"127.0.0.1:{tracks[name]}"
            )
            (home / "node.toml").write_text(text)
            (home / "settings.json").write_text(json.dumps({**SETTINGS, **settings}))
            started.append((name, home, _start(home)))
        self.actors: dict[str, Actor] = {}
        try:
            for name, home, process in started:
                self.actors[name] = Actor(name, home, process, ("127.0.0.1", tracks[name]))
        except BaseException:
            for _, _, process in started:
                process.kill()
            raise

    def set_clock(self, wall_ms: int) -> None:
        """All nodes' clocks read this now, and go on at real rate."""
        anchor_ns = time.monotonic_ns()
        for actor in self.actors.values():
            actor.client.ask("clock", anchor_ns=anchor_ns, wall_ms=wall_ms)

    def settle(self) -> None:
        """Waits until no node has anything left to do: everything sent has arrived, every picture is worked out."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        calm = 0
        while calm < 2:
            answers = [actor.client.ask("settle") for actor in self.actors.values()]
            calm = 0 if any(answer["busy"] for answer in answers) else calm + 1
            if time.monotonic() > deadline:
                raise StageError(f"the nodes do not come to rest: {answers}")
            time.sleep(SETTLE_STEP_S)

    def stop(self) -> None:
        """Ends all processes."""
        for actor in self.actors.values():
            actor.stop()


def _start(home: Path) -> "subprocess.Popen[bytes]":
    output = (home / "output.txt").open("wb")
    return subprocess.Popen(
        [sys.executable, "-m", "keepclear", "run", "--quiet", "--no-watchdog", str(home / "node.toml")],
        stdout=output,
        stderr=output,
    )


def _free_ports(kind: int, count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
