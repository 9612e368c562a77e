"""Real nodes as processes of this machine, as anybody runs them: founded with fresh keys, started, killed, asked.

The law: the processes are `keepclear run` and are spoken to over their control sockets. Only processes that were
started here are ever ended here.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

import msgspec

from keepclear.accord import shape, statement
from keepclear.accord.statement import Activity, Kind, Notice
from keepclear.host import ceremony, config_example
from keepclear.host.client import Client, NodeError
from keepclear.host.identity import Identity, load_identity
from keepclear.line.liveness import LineState
from keepclear.record import entry
from keepclear.record.entry import SEED_BYTES, Draft
from keepclear.record.genesis import Role

SEATS: Final = ("duty",)
START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.02
REST_TIMEOUT_S: Final = 180.0
REST_POLLS: Final = 4  # alike and calm for so long, which is longer than any receipt is held back
REST_POLL_S: Final = 0.5
HOUR_MS: Final = 3_600_000
PORTS: Final = range(20_000, 32_000)  # below those that the system hands out: free again after each restart


@dataclass(frozen=True)
class Places:
    """Where the nodes listen, and where each sends what is for another: that need not be where the other listens."""

    listen: dict[str, str]
    tracks: dict[str, str]
    peers: dict[str, dict[str, str]]


class Node:
    """One node: its directory, and the process that runs it now. `prefix` is a command to start it by."""

    def __init__(self, name: str, home: Path, prefix: tuple[str, ...] = ()) -> None:
        self.name, self.home, self.prefix = name, home, prefix
        self.identity: Identity = load_identity(home)
        self.started_s = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}  # beside our own

    def start(self, command: Sequence[str] = ("-m", "keepclear")) -> None:
        """Starts the process; `command` is what Python is given before `run`."""
        with (self.home / "output.txt").open("ab") as output:
            self.started_s = time.monotonic()
            self.process = subprocess.Popen(
                [
                    *self.prefix,
                    sys.executable,
                    *command,
                    "run",
                    "--quiet",
                    "--no-watchdog",
                    str(self.home / "node.toml"),
                ],
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

    def is_running(self) -> bool:
        """Whether the process that was started last has not ended."""
        return self.process is not None and self.process.poll() is None

    def worked_s(self) -> float:
        """The processor time that the process has had; 0 where the system does not say, or it is gone."""
        try:
            stat = Path(f"/proc/{self.process.pid if self.process else 0}/stat").read_text()
        except OSError:
            return 0.0
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def lines(self) -> str:
        """The states of its lines as it says them now, or why it does not."""
        try:
            return ", ".join(f"{peer['name']} {peer['state']}" for peer in self.status()["peers"])
        except NodeError as error:
            return str(error)

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


def found(
    directory: Path,
    members: dict[str, Role],
    settings: dict[str, int] | None = None,
    places: Places | None = None,
    radio_bps: int = 0,
) -> list[Node]:
    """Nodes of a new line of mode TEST, each with a configuration that knows the others; none is started."""
    listed = [(name, role, SEATS) for name, role in members.items()]
    homes = ceremony.make_exercise_line(directory, listed, int(time.time() * 1_000))
    places = places or on_this_machine(list(members))
    for home in homes:
        name = home.name
        text = config_example.example_config(
            name,
            ".",
            places.peers[name],
            seats=SEATS,
            listen=places.listen[name],
            tracks=places.tracks[name],
            radio_bps=radio_bps,
        )
        (home / "node.toml").write_text(text, encoding="utf-8")
        if settings:
            (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    return [Node(home.name, home) for home in homes]


def on_this_machine(members: Sequence[str]) -> Places:
    """Ports of loopback that are free."""
    ports = [f"127.0.0.1:{port}" for port in free_ports(2 * len(members))]
    listen = dict(zip(members, ports[: len(members)], strict=True))
    tracks = dict(zip(members, ports[len(members) :], strict=True))
    peers = {name: {other: listen[other] for other in members if other != name} for name in members}
    return Places(listen, tracks, peers)


def notice(text: str, nth: int = 0) -> Notice:
    """Something to say: a circle of 5 NM, from one to two hours from now; each `nth` somewhere else."""
    now_ms = int(time.time() * 1_000)
    area = shape.circle(354_000_000 + 1_001 * nth, 339_000_000 - 1_003 * nth, 926_000)
    volume = shape.Volume(area, 10_000, shape.GROUND, shape.Altitude(304_800, shape.AltRef.AMSL))
    return Notice(
        activity=Activity.EXERCISE, volumes=(volume,), start_ms=now_ms + HOUR_MS, end_ms=now_ms + 2 * HOUR_MS, text=text
    )


def say_requests(node: Node, facts: dict[str, Any], texts: Iterable[str], precedence: int) -> list[dict[str, Any]]:
    """Notices as an officer's tool hands them in, body fixed and released by a seat, for `Client.ask_all`."""
    identity = load_identity(node.home)
    genesis, member = identity.genesis, identity.member
    out = []
    for nth, text in enumerate(texts):
        body = statement.to_bytes(notice(text, nth))
        seed = secrets.token_bytes(SEED_BYTES)
        draft = Draft(Kind.NOTICE, precedence, None, (), facts["everyone"], SEATS[0], facts["wall_ms"], None, body)
        message = entry.release_message(genesis.line, facts["epoch"], member, draft, entry.body_root(seed, body))
        key, signature = identity.release(facts["epoch"], SEATS[0], message)
        released = [[key, signature.hex()]]
        encoded = msgspec.msgpack.encode(draft).hex()
        out.append({"do": "say", "draft": encoded, "epoch": facts["epoch"], "seed": seed.hex(), "releases": released})
    return out


def come_to_rest(nodes: Iterable[Node], timeout_s: float = REST_TIMEOUT_S) -> list[dict[str, Any]]:
    """What the nodes say of themselves when all lines are open, nothing is on its way, and all have been alike a while.

    Raises TimeoutError with the lines as they are then.
    """
    deadline_s, alike, last = time.monotonic() + timeout_s, 0, ""
    while True:
        states = [node.status() for node in nodes]
        joints = {state["joint_checkpoint"] for state in states}
        peers = [peer for state in states for peer in state["peers"]]
        calm = all(peer["state"] == LineState.OPEN and not peer["waiting"] for peer in peers)
        alike = alike + 1 if calm and joints == {last} else 0
        last = states[0]["joint_checkpoint"]
        if alike >= REST_POLLS:
            return states
        if time.monotonic() > deadline_s:
            lines = [f"{p['name']} {p['state']}, {p['waiting']} waiting" for p in peers]
            raise TimeoutError(f"not at rest after {timeout_s:.0f} s: {len(joints)} records; {lines}")
        time.sleep(REST_POLL_S)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that neither UDP nor TCP uses now."""
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
