"""NATS JetStream beside ours: one broker that keeps the messages in files, an author, a receiver, signed receipts.

The law: the same statements as on the plain line, signed by their author, verified by the receiver, answered with
signed receipts that the author verifies; each published to a stream with file storage and acknowledged by the broker
before it counts, many on their way at once. One server, the system's own (2.9: its `sync_interval` cannot be set; it
acknowledges before it syncs), so one disk and not two, and nothing of seats, rules, words, chains or a dead line. The
client is here, a few verbs of the protocol on a socket: a library would cost more, and it is not what is measured.
"""

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from bench.plain_line import AHEAD, BODY, GROUP, SEEDS
from sim.processes import free_ports

SERVER: Final = "nats-server"
STREAMS: Final = ("SAID", "RECEIPTS")
DELIVERED: Final = "delivered"
START_S: Final = 10.0
CONFIG: Final = """
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{folder}", max_memory_store: 67108864, max_file_store: 1073741824 }}
"""


def server() -> str | None:
    """The server's version, or None where there is none: `apt-get install nats-server`."""
    if shutil.which(SERVER) is None:
        return None
    return subprocess.run([SERVER, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def paced(folder: Path, rate: int, seconds: int) -> list[float]:
    """For each statement the ms from when it was due until the receiver had verified it."""
    begin = time.perf_counter() + 2
    return _run(folder, [begin + i / rate for i in range(rate * seconds)])[0]


def flood(folder: Path, count: int) -> tuple[float, float, float, float]:
    """Statements a second until all are receipted; processor time for one of author, receiver and broker, in us."""
    begin = time.perf_counter()
    _, seconds, spent_s = _run(folder, [begin] * count)
    own_s, other_s, broker_s = spent_s
    return count / seconds, 1e6 * own_s / count, 1e6 * other_s / count, 1e6 * broker_s / count


def _run(folder: Path, due: list[float]) -> tuple[list[float], float, tuple[float, float, float]]:
    folder.mkdir()
    [port] = free_ports(1)
    config = folder / "nats.conf"
    config.write_text(CONFIG.format(port=port, folder=(folder / "store").resolve()))
    with (folder / "output.txt").open("wb") as output:
        broker = subprocess.Popen([SERVER, "-c", str(config)], stdout=output, stderr=output)
    try:
        author = Client(port)
        for name in STREAMS:
            author.ask(f"$JS.API.STREAM.CREATE.{name}", name=name, subjects=[name.lower()], storage="file")
        context = multiprocessing.get_context("spawn")
        answers = context.SimpleQueue()
        other = context.Process(target=_receiver, args=(port, len(due), answers))
        other.start()
        assert answers.get() == "ready"
        began, spent = time.perf_counter(), time.process_time()
        ended = _author(author, due)
        spent = time.process_time() - spent
        times, other_s = answers.get()
        other.join()
        broker_s = sum(map(int, Path(f"/proc/{broker.pid}/stat").read_text().rpartition(") ")[2].split()[11:13]))
        spent_s = spent, other_s, broker_s / os.sysconf("SC_CLK_TCK")
        return [1_000 * (at - then) for at, then in zip(times, due, strict=True)], ended - max(began, due[0]), spent_s
    finally:
        broker.terminate()
        broker.wait()


def _author(client: "Client", due: list[float]) -> float:
    """Publishes all that is due as its time comes; when the last receipt had been verified."""
    (_, secret), (receiver, _) = map(crypto_sign_seed_keypair, SEEDS)
    client.send(f"SUB receipts 1\r\nSUB {client.inbox}.* 2\r\n".encode())
    room, ended = threading.Semaphore(AHEAD), []

    def hear() -> None:
        kept = receipted = 0
        for sid, _, data in client.messages():
            if sid == 2:  # the broker has stored it
                assert b'"error"' not in data, data
                kept += 1
                room.release()
            else:
                receipted = int.from_bytes(crypto_sign_open(data, receiver), "big")
            if kept == receipted == len(due):
                ended.append(time.perf_counter())
                return

    hearing = threading.Thread(target=hear)
    hearing.start()
    at = 0
    while at < len(due):
        time.sleep(max(0, due[at] - time.perf_counter()))
        group: list[bytes] = []
        while at < len(due) and len(group) < GROUP and due[at] <= time.perf_counter() and room.acquire(not group):
            group.append(client.published("said", crypto_sign(at.to_bytes(8, "big") + BODY, secret)))
            at += 1
        client.send(b"".join(group))
    hearing.join()
    return ended[0]


def _receiver(port: int, count: int, answers: Any) -> None:
    """Takes all in, group by group, with a signed receipt for each; answers when each had been verified."""
    client, (author, _), (_, secret) = Client(port), *map(crypto_sign_seed_keypair, SEEDS)
    config = {"durable_name": "B", "deliver_subject": DELIVERED, "ack_policy": "all", "max_ack_pending": 1_000}
    client.send(f"SUB {DELIVERED} 1\r\n".encode())
    client.ask("$JS.API.CONSUMER.DURABLE.CREATE.SAID.B", stream_name="SAID", config=config)
    answers.put("ready")
    times: list[float] = []
    spent, waiting = time.process_time(), 0
    for _, reply, data in client.messages():
        crypto_sign_open(data, author)
        waiting += 1
        if waiting == GROUP or not client.has_more():
            times += [time.perf_counter()] * waiting
            waiting = 0
            receipt = client.published("receipts", crypto_sign(len(times).to_bytes(8, "big"), secret))
            client.send(receipt + f"PUB {reply} 4\r\n+ACK\r\n".encode())
        if len(times) == count:
            break
    answers.put((times, time.process_time() - spent))


class Client:
    """A connection to the broker."""

    def __init__(self, port: int) -> None:
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.05)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data, self._asked, self._sending = b"", 0, threading.Lock()
        self.inbox = f"_INBOX.{os.getpid()}"
        self.send(b'CONNECT {"verbose":false,"pedantic":false,"headers":false}\r\n')

    def send(self, data: bytes) -> None:
        """Hands on verbs of the protocol."""
        with self._sending:
            self._socket.sendall(data)

    def published(self, subject: str, data: bytes) -> bytes:
        """The verb that publishes to a stream; the broker's word on it comes to the inbox."""
        self._asked += 1
        return f"PUB {subject} {self.inbox}.{self._asked} {len(data)}\r\n".encode() + data + b"\r\n"

    def ask(self, subject: str, **request: Any) -> None:
        """One request to the broker; asserts that it was done."""
        data = json.dumps(request).encode()
        self.send(f"SUB {self.inbox}.ask 9\r\nUNSUB 9 1\r\nPUB {subject} {self.inbox}.ask {len(data)}\r\n".encode())
        self.send(data + b"\r\n")
        answer = next(data for sid, _, data in self.messages() if sid == 9)
        assert b'"error"' not in answer, answer

    def has_more(self) -> bool:
        """Whether a whole line has been read already."""
        return b"\r\n" in self._data

    def messages(self) -> Any:
        """Each message as it comes: subscription, where to answer, data."""
        while True:
            verb, *words = self._line().split(b" ")
            if verb == b"MSG":
                size = int(words[-1])
                data = self._bytes(size + 2)[:size]
                yield int(words[1]), words[2].decode() if len(words) == 4 else "", data
            elif verb == b"PING":
                self.send(b"PONG\r\n")
            else:
                assert verb in (b"INFO", b"PONG", b"+OK"), (verb, words)

    def _line(self) -> bytes:
        while not self.has_more():
            self._read()
        line, _, self._data = self._data.partition(b"\r\n")
        return line

    def _bytes(self, count: int) -> bytes:
        while len(self._data) < count:
            self._read()
        data, self._data = self._data[:count], self._data[count:]
        return data

    def _read(self) -> None:
        more = self._socket.recv(65_536)
        if not more:
            raise ConnectionError("the broker has gone away")
        self._data += more
