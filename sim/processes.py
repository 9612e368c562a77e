"""Real nodes as processes of this machine, as anybody runs them: founded with fresh keys, started, killed, asked.

The law: the processes are `keepclear run` and are spoken to over their control sockets. Only processes that were
started here are ever ended here.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from keepclear.accord import shape
from keepclear.accord.statement import Activity, Notice
from keepclear.host import ceremony, config
from keepclear.host.client import Client, NodeError
from keepclear.host.identity import Identity, load_identity
from keepclear.record.genesis import Role

SEATS: Final = ("duty",)
START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.02
HOUR_MS: Final = 3_600_000
PORTS: Final = range(20_000, 32_000)  # below those that the system hands out: free again after each restart


class Node:
    """One node: its directory, and the process that runs it now."""

    def __init__(self, name: str, home: Path) -> None:
        self.name, self.home = name, home
        self.identity: Identity = load_identity(home)
        self.started_s = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}  # beside our own

    def start(self, command: Sequence[str] = ("-m", "keepclear")) -> None:
        """Starts the process; `command` is what Python is given before `run`."""
        with (self.home / "output.txt").open("ab") as output:
            self.started_s = time.monotonic()
            self.process = subprocess.Popen(
                [sys.executable, *command, "run", "--quiet", str(self.home / "node.toml")],
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
            )

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Ends the process in good time. Raises subprocess.TimeoutExpired when it does not end."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(STOP_TIMEOUT_S)

    def client(self) -> Client:
        """A connection to the node, as soon as it answers. Raises NodeError when it has ended or does not answer."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                return Client(self.home)
            except NodeError:
                if self.process is None or self.process.poll() is not None or time.monotonic() > deadline_s:
                    raise
                time.sleep(POLL_S)

    def status(self) -> dict[str, Any]:
        """What the node says of itself. Raises NodeError."""
        with self.client() as client:
            return client.ask("status")

    def output(self) -> str:
        """What the processes have printed: nothing, when all is well."""
        return (self.home / "output.txt").read_text("utf-8", "replace")


def found(directory: Path, members: dict[str, Role], settings: dict[str, int] | None = None) -> list[Node]:
    """Nodes of a new line of mode TEST, each with a configuration that knows the others; none is started."""
    listed = [(name, role, SEATS) for name, role in members.items()]
    homes = ceremony.make_exercise_line(directory, listed, int(time.time() * 1_000))
    ports = _free_ports(2 * len(homes))
    listen = dict(zip(members, ports[: len(homes)], strict=True))
    for home, tracks in zip(homes, ports[len(homes) :], strict=True):
        peers = {name: f"127.0.0.1:{port}" for name, port in listen.items() if name != home.name}
        text = config.example_config(
            home.name, ".", peers, seats=SEATS, listen=f"127.0.0.1:{listen[home.name]}", tracks=f"127.0.0.1:{tracks}"
        )
        (home / "node.toml").write_text(text, encoding="utf-8")
        if settings:
            (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return [Node(home.name, home) for home in homes]


def notice(text: str) -> Notice:
    """Something to say: a circle of 5 NM, from one to two hours from now."""
    now_ms = int(time.time() * 1_000)
    area = shape.circle(354_000_000, 339_000_000, 926_000)
    volume = shape.Volume(area, 10_000, shape.GROUND, shape.Altitude(304_800, shape.AltRef.AMSL))
    return Notice(
        activity=Activity.EXERCISE, volumes=(volume,), start_ms=now_ms + HOUR_MS, end_ms=now_ms + 2 * HOUR_MS, text=text
    )


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"{len(found)} of {count} ports are free between {PORTS.start} and {PORTS.stop}")
