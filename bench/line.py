"""How fast a statement is at the other party, and how many a second two nodes take, beside a plain signed line.

The law: two real nodes on loopback, made as anybody makes them, each statement released by a seat and said over the
control socket. A statement counts when the other party's receipt for it has come to its author's node: signed, on both
disks, shown to somebody who follows. Times are the officer's: from the moment at which the statement was due, so that
a node that falls behind does not look fast. The plain line is in bench/plain_line.py, NATS JetStream in
bench/jetstream.py. The tool and the onlooker share the cores with the nodes, and do no more than they must.

`python -m bench.line` tells instead where the time of a statement goes, by cProfile in both nodes.
"""

import os
import pstats
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from bench import Table, figure, jetstream, plain_line
from bench.fsync import fsync_ms
from keepclear.accord import statement
from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.client import SOCKET, short
from keepclear.record import archive, entry
from keepclear.record.entry import Entry
from keepclear.record.genesis import Role
from sim import processes
from sim.processes import SEATS, Node, notice

OUT: Final = Path("out")
MEMBERS: Final = {"ALFA": Role.PARTY, "BRAVO": Role.PARTY}
RATE: Final = 50
SECONDS: Final = 60
OFFICERS: Final = 4
MANY: Final = 20_000
RUNS: Final = 3
NO_BROKER: Final = "JetStream LEFT OUT: no nats-server here, apt-get install nats-server"
PATIENCE_S: Final = 300.0
POLL_S: Final = 0.2
RECEIPT_S: Final = 1.5  # a receipt is said once a second


def tables() -> Iterator[Table]:
    """Times at 50 statements a second, then how many a second at most."""
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=OUT) as name:
        yield _times(Path(name))
    with TemporaryDirectory(dir=OUT) as name:
        yield _most(Path(name))


def _times(folder: Path) -> Table:
    columns = ["", "statements", "fsync ms", "p50 ms", "p99 ms", "max ms"]
    title = f"{RATE} statements a second for {SECONDS} s: due at A's officer, until shown to B's"
    ours = sorted(paced(folder / "line", RATE, SECONDS))
    plain = sorted(plain_line.paced(folder / "plain", RATE, SECONDS))
    rows = [["keepclear", *_spread(ours, folder)], ["plain line", *_spread(plain, folder)]]
    if jetstream.server():
        broker = sorted(jetstream.paced(folder / "jetstream", RATE, SECONDS))
        rows.append([f"JetStream {jetstream.server()}, synced later", *_spread(broker, folder)])
    else:
        rows.append([NO_BROKER, *[""] * (len(columns) - 1)])
    return Table(title, columns, rows)


def _spread(times_ms: list[float], folder: Path) -> list[str]:
    found = [times_ms[len(times_ms) // 2], times_ms[len(times_ms) * 99 // 100], times_ms[-1]]
    return [f"{len(times_ms):,}", figure(fsync_ms(folder)), *map(figure, found)]


def _most(folder: Path) -> Table:
    columns = ["", "fsync ms", "statements/s", "A's processor us", "B's processor us", "broker's us", "it / ours"]
    with_broker = jetstream.server() is not None
    ours, plain, broker = [], [], [(0.0, 0.0, 0.0, 0.0)]
    for i in range(RUNS):
        ours.append(flood(folder / f"line{i}", MANY))
        plain.append(plain_line.flood(folder / f"plain{i}", MANY))
        if with_broker:
            broker.append(jetstream.flood(folder / f"jetstream{i}", MANY))
    disk = figure(fsync_ms(folder))
    rows = [
        ["keepclear", disk, *map(figure, max(ours)), "", ""],
        ["plain line", disk, *map(figure, max(plain)), "", figure(max(plain)[0] / max(ours)[0])],
    ]
    if with_broker:
        title = f"JetStream {jetstream.server()}, synced later"
        rows.append([title, disk, *map(figure, max(broker)), figure(max(broker)[0] / max(ours)[0])])
    else:
        rows.append([NO_BROKER, *[""] * (len(columns) - 1)])
    return Table(f"{MANY:,} statements as fast as they are taken, best of {RUNS} runs", columns, rows)


def paced(folder: Path, rate: int, seconds: int) -> list[float]:
    """For each statement the ms from when it was due until B's onlooker had it."""
    one, other = _started(folder)
    shown: dict[bytes, float] = {}
    due: dict[bytes, float] = {}
    threading.Thread(target=_look_on, args=(other, shown), daemon=True).start()
    begin = time.perf_counter() + 1
    count = rate * seconds

    def speak(first: int) -> None:
        with one.client() as client:
            for i in range(first, count, OFFICERS):
                at = begin + i / rate
                time.sleep(max(0, at - time.perf_counter()))
                due[officer.say(client, one.identity, SEATS, notice(f"number {i}"), Precedence.PRIORITY).leaf] = at

    speaking = [threading.Thread(target=speak, args=(first,)) for first in range(OFFICERS)]
    for thread in speaking:
        thread.start()
    for thread in speaking:
        thread.join()
    _wait(lambda: len(shown.keys() & due.keys()) == count, "shown")
    _stop(one, other)
    return [1_000 * (shown[leaf] - at) for leaf, at in due.items()]


def flood(folder: Path, count: int, profile: bool = False) -> tuple[float, float, float]:
    """Statements a second until all are receipted, and the processor time of A and B for one, in us.

    With `profile`, both nodes leave a cProfile in their directories; the figures are then too low.
    """
    one, other = _started(folder, profile)
    threading.Thread(target=_look_on, args=(other, None), daemon=True).start()
    with one.client() as client:
        texts = [f"number {i}" for i in range(count)]
        requests = processes.say_requests(one, client.ask("facts"), texts, Precedence.PRIORITY)
        before = _processor_s(one), _processor_s(other)
        began_ms = time.time() * 1_000
        for _ in client.ask_all(requests):
            pass
    record = folder / "record"

    def receipted_ms() -> int | None:
        with one.client() as client:
            client.ask("record", path=str(record.resolve()))
        return _receipted_ms(record, one.identity.member, count)

    _wait(lambda: not _is_busy(one), "at the other's disk")
    time.sleep(RECEIPT_S)
    spent = [1e6 * (_processor_s(node) - then) / count for node, then in zip((one, other), before, strict=True)]
    ended_ms = _wait(receipted_ms, "receipted")
    _stop(one, other)
    return 1_000 * count / (ended_ms - began_ms), spent[0], spent[1]


def _started(folder: Path, profile: bool = False) -> tuple[Node, Node]:
    one, other = processes.found(folder, MEMBERS)
    for node in (one, other):
        command = ("-m", "cProfile", "-o", str(node.home / "profile")) if profile else ()
        node.start((*command, "-m", "keepclear"))
    for node in (one, other):
        _wait(lambda node=node: node.status()["peers"][0]["state"] == "open", "open")
    return one, other


def _stop(*nodes: Node) -> None:
    for node in nodes:
        node.stop()
        assert not node.output(), node.output()


def _is_busy(node: Node) -> bool:
    with node.client() as client:
        return bool(client.ask("settle")["busy"])


def _look_on(node: Node, shown: dict[bytes, float] | None) -> None:
    """Takes in all that a node shows, as a console does, and notes when each statement came if that is asked."""
    with socket.socket(socket.AF_UNIX) as follower:
        follower.connect(short(node.home / SOCKET))
        follower.sendall(b'{"do": "follow"}\n')
        while shown is None:
            if not follower.recv(65_536):
                return
        for line in follower.makefile("rb"):
            now = time.perf_counter()
            if b'"what":"statement"' in line:
                shown[bytes.fromhex(msgspec.json.decode(line)["leaf"])] = now


def _receipted_ms(record: Path, author: int, count: int) -> int | None:
    """When, by its own clock, another member said the receipt by which all of the author's statements are covered."""
    entries = [read for item in archive.read([record.read_bytes()]) if (read := _entry(item)) is not None]
    mine = [e for e in entries if e.header.party == author and e.header.kind == statement.Kind.NOTICE]
    last = mine[-1].header.seq if len(mine) == count else None
    for one in entries:
        body = entry.read_body(one.header.kind, one.body) if one.header.kind == statement.Kind.RECEIPT else None
        ranges = body.ranges if isinstance(body, statement.Receipt) and body.party == author else ()
        if last is not None and any(first <= last < first + length for first, length, _, _ in ranges):
            return one.header.wall_ms
    return None


def _entry(item: archive.Item) -> Entry | None:
    return entry.read(item.data, 65_536) if item.kind == archive.ItemKind.ENTRY else None


def _processor_s(node: Node) -> float:
    """Processor time of a node and of its paths' processes so far, in seconds, as Linux has it."""
    assert node.process is not None
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            after_name = path.read_text().rpartition(") ")[2].split()
            if node.process.pid in (int(path.parent.name), int(after_name[1])):
                ticks += sum(map(int, after_name[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait(holds: Any, what: str) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"not {what} after {PATIENCE_S:.0f} s")
        time.sleep(POLL_S)
    return found


def _profile(count: int = 3_000, lines: int = 15) -> None:
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=OUT) as name:
        flood(Path(name) / "line", count, profile=True)
        for member in MEMBERS:
            print(f"{member}, {count:,} statements")
            pstats.Stats(str(Path(name) / "line" / member / "profile")).sort_stats("tottime").print_stats(lines)


if __name__ == "__main__":
    _profile()
