"""One line on the rig: its networks, its nodes, and somebody who looks on at each.

The law: what was started here is ended here, whatever happens. Times are those of the machine's monotonic clock in
seconds, when the onlooker had it; all processes are on one machine, so that one clock holds for all.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from keepclear.host.client import Client, NodeError
from keepclear.line.liveness import LineState
from keepclear.record.genesis import Role
from sim import power, processes
from sim.processes import Node
from sim.rig.net import Net, in_namespaces, on_loopback
from sim.rig.way import Weather

PAIR: Final = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY}
CALM: Final = Weather(delay_ms=5)
OPEN_WITHIN_S: Final = 60.0
DISK: Final = "disk"


class Onlooker:
    """Takes in all that one node shows, as a console does, and keeps when word came of receipts and of the line.

    By statement, `shown` is when it was put before an officer here, `receipted` when its first receipt was told of;
    `told` is each state of a line, and each disk that takes nothing, as it was told. Follows again when the node has
    died.
    """

    def __init__(self, node: Node) -> None:
        self.shown: dict[str, float] = {}
        self.receipted: dict[str, float] = {}
        self.told: list[tuple[float, str]] = []
        self._node = node
        self._news = threading.Condition()
        self._over = False
        threading.Thread(target=self._follow, daemon=True).start()

    def wait_receipt(self, leaf: str, until_s: float) -> float | None:
        """When a receipt for the statement was told of; None if by that time it was not."""
        return self._wait(lambda: self.receipted.get(leaf), until_s)

    def wait_shown(self, leaf: str, until_s: float) -> float | None:
        """When the statement was put before an officer here; None if by that time it was not."""
        return self._wait(lambda: self.shown.get(leaf), until_s)

    def wait_told(self, state: str, since_s: float, until_s: float) -> float | None:
        """When a line was first told to be in this state, or a disk to take nothing (DISK), since a time; None if by
        the other time it was not.
        """
        return self._wait(
            lambda: next((at_s for at_s, told in self.told if at_s >= since_s and told == state), None), until_s
        )

    def count(self, state: str, since_s: float = 0.0) -> int:
        """How often a line was told to be in this state."""
        return sum(told == state and at_s >= since_s for at_s, told in list(self.told))

    def close(self) -> None:
        """Looks on no more, as soon as the node has ended."""
        self._over = True

    def _wait(self, found: Callable[[], float | None], until_s: float) -> float | None:
        with self._news:
            self._news.wait_for(lambda: found() is not None, max(0.0, until_s - time.monotonic()))
            return found()

    def _follow(self) -> None:
        while not self._over:
            with suppress(NodeError), Client(self._node.home) as client:
                for event in client.follow():
                    self._take(event, time.monotonic())
            time.sleep(processes.POLL_S)

    def _take(self, event: dict[str, Any], now_s: float) -> None:
        what = event.get("what")
        with self._news:
            if what == "ladder":
                self.receipted.setdefault(event["leaf"], now_s)
            elif what == "statement":
                self.shown.setdefault(event["leaf"], now_s)
            elif what == "line":
                self.told.append((now_s, event["facts"][1]))
            elif what == "disk" and "nothing" in event["text"]:
                self.told.append((now_s, DISK))
            else:
                return
            self._news.notify_all()


class Line:
    """A line that is up."""

    def __init__(self, net: Net, nodes: list[Node]) -> None:
        self.net, self.nodes = net, nodes
        self.by_name = {node.name: node for node in nodes}
        self.onlookers: dict[str, Onlooker] = {}

    def start(self) -> None:
        """Starts every node, and somebody who looks on at it."""
        for node in self.nodes:
            node.prefix = self.net.prefixes[node.name]
            node.start()
            self.onlookers[node.name] = Onlooker(node)

    def wait_open(self, within_s: float = OPEN_WITHIN_S) -> None:
        """Waits until every node says of every line that it is open. Raises TimeoutError."""
        deadline_s = time.monotonic() + within_s
        while not self.is_open():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"no open line after {within_s:.0f} s")
            time.sleep(processes.POLL_S)

    def is_open(self) -> bool:
        """Whether every node says of every line that it is open."""
        try:
            return all(peer["state"] == LineState.OPEN for node in self.nodes for peer in node.status()["peers"])
        except NodeError:
            return False

    def pause(self, name: str) -> None:
        """SIGSTOP."""
        self._signal(name, signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        """SIGCONT; and its disk takes what it is given."""
        self._signal(name, signal.SIGCONT)
        (self.by_name[name].home / DISK / "hang").unlink(missing_ok=True)

    def hang(self, name: str) -> None:
        """A node's disk takes nothing until it goes on."""
        (self.by_name[name].home / DISK / "hang").touch()

    def records(self, folder: Path) -> dict[str, bytes]:
        """What every node holds, as its record file."""
        out = {}
        for node in self.nodes:
            path = folder / f"{node.name}.record"
            with node.client() as client:
                client.ask("record", path=str(path.resolve()))
            out[node.name] = path.read_bytes()
        return out

    def printed(self) -> list[str]:
        """What the processes have printed: nothing, when all is well."""
        return [f"{node.name} printed: {node.output()[-2_000:]}" for node in self.nodes if node.output()]

    def close(self) -> None:
        """Ends everything."""
        for onlooker in self.onlookers.values():
            onlooker.close()
        for node in self.nodes:
            node.kill()  # also who is stopped
        self.net.close()

    def _signal(self, name: str, what: signal.Signals) -> None:
        process = self.by_name[name].process
        if process is not None and process.poll() is None:
            process.send_signal(what)


@contextmanager
def line(
    folder: Path,
    seed: str,
    weather: Weather = CALM,
    members: Mapping[str, Role] = PAIR,
    settings: dict[str, int] | None = None,
    relay: bool = False,
    radio_bps: int = 0,
    disks: bool = False,
) -> Iterator[Line]:
    """A line whose nodes have been started, in namespaces or, with `relay`, on loopback; with `disks`, each on a disk
    that can be hung. Raises NoNamespaces; as `power.build`.
    """
    net = (on_loopback if relay else in_namespaces)(list(members), seed, weather)
    try:
        nodes = processes.found(folder, dict(members), settings, net.places, radio_bps)
    except BaseException:
        net.close()
        raise
    for node in nodes if disks else ():
        node.environment = power.environment(power.build(node.home), node.home, node.home / DISK)
    found = Line(net, nodes)
    try:
        found.start()
        yield found
    finally:
        found.close()
