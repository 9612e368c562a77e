"""The plain line beside ours: two processes, TCP, SQLite, Ed25519, signed receipts, and nothing else.

The law: what anybody would write in an afternoon, with the same promises as far as they go: signed by the author,
synced to the disk on both sides before anything is said of it (WAL, synchronous=FULL, groups of what has come), then a
signed receipt for each group, verified by the author. No logbook, no tree, no chain, no rules, no words rendered, no
seat's release, no session keys, no loss, no second path, no restart. The signatures are by the library that ours uses.
"""

import multiprocessing
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

SEEDS: Final = (bytes(31) + b"a", bytes(31) + b"b")
BODY: Final = bytes(600)  # an entry with one released notice
GROUP: Final = 100
AHEAD: Final = 400  # statements on their way at once


def paced(folder: Path, rate: int, seconds: int) -> list[float]:
    """For each statement the ms from when it was due until the other process had it on its disk."""
    begin = time.perf_counter() + 2
    times, _ = _run(folder, [begin + i / rate for i in range(rate * seconds)])
    return times


def flood(folder: Path, count: int) -> tuple[float, float, float]:
    """Statements a second until all are receipted, and the processor time of both ends for one, in us."""
    begin = time.perf_counter()
    _, (seconds, own_s, other_s) = _run(folder, [begin] * count)
    return count / seconds, 1e6 * own_s / count, 1e6 * other_s / count


def _run(folder: Path, due: list[float]) -> tuple[list[float], tuple[float, float, float]]:
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        context = multiprocessing.get_context("spawn")
        answers = context.SimpleQueue()
        other = context.Process(target=_other, args=(server.getsockname(), folder / "other", len(due), answers))
        other.start()
        line, _ = server.accept()
    began, spent = time.perf_counter(), time.process_time()
    seconds = _author(line, folder / "author", due) - max(began, due[0])
    spent = time.process_time() - spent
    times, other_s = answers.get()
    other.join()
    return [1_000 * (shown - at) for shown, at in zip(times, due, strict=True)], (seconds, spent, other_s)


def _author(line: socket.socket, path: Path, due: list[float]) -> float:
    """Says all that is due as its time comes; when the last receipt had been verified."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    disk, (_, secret), (receiver, _) = open_disk(path), *map(crypto_sign_seed_keypair, SEEDS)
    room, ended = threading.Semaphore(AHEAD), []

    def take_receipts() -> None:
        receipted = 0
        for signed in Messages(line):
            upto = int.from_bytes(crypto_sign_open(signed, receiver), "big")
            room.release(upto - receipted)
            receipted = upto
            if upto == len(due):
                ended.append(time.perf_counter())
                return

    taking = threading.Thread(target=take_receipts)
    taking.start()
    at = 0
    while at < len(due):
        time.sleep(max(0, due[at] - time.perf_counter()))
        group: list[bytes] = []
        while at < len(due) and len(group) < GROUP and due[at] <= time.perf_counter() and room.acquire(not group):
            group.append(crypto_sign(at.to_bytes(8, "big") + BODY, secret))
            at += 1
        keep(disk, group)
        line.sendall(b"".join(len(signed).to_bytes(4, "big") + signed for signed in group))
    taking.join()
    line.close()
    return ended[0]


def _other(address: tuple[str, int], path: Path, count: int, answers: Any) -> None:
    """Takes all in, group by group, with a receipt for each; answers when each was on the disk."""
    line = socket.create_connection(address)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    disk, (author, _), (_, secret) = open_disk(path), *map(crypto_sign_seed_keypair, SEEDS)
    times: list[float] = []
    spent = time.process_time()
    group: list[bytes] = []
    messages = Messages(line)
    while len(times) < count:
        signed = next(messages)
        crypto_sign_open(signed, author)
        group.append(signed)
        if len(group) == GROUP or not messages.waiting():
            keep(disk, group)
            times += [time.perf_counter()] * len(group)
            receipt = crypto_sign(len(times).to_bytes(8, "big"), secret)
            line.sendall(len(receipt).to_bytes(4, "big") + receipt)
            group = []
    answers.put((times, time.process_time() - spent))


class Messages(Iterator[bytes]):
    """The messages of a stream, each after its length."""

    def __init__(self, line: socket.socket) -> None:
        self._line, self._data = line, b""

    def waiting(self) -> bool:
        """Whether a whole message has been read already."""
        return len(self._data) >= 4 and len(self._data) >= 4 + int.from_bytes(self._data[:4], "big")

    def __next__(self) -> bytes:
        while not self.waiting():
            self._data += self._line.recv(65_536)
        end = 4 + int.from_bytes(self._data[:4], "big")
        message, self._data = self._data[4:end], self._data[end:]
        return message


def open_disk(path: Path) -> sqlite3.Connection:
    """A database that is synced at each commit."""
    disk = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    disk.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE said (n INTEGER PRIMARY KEY, m)")
    return disk


def keep(disk: sqlite3.Connection, group: list[bytes]) -> None:
    """Writes a group, and returns when it is on the disk."""
    disk.execute("BEGIN IMMEDIATE")
    disk.executemany("INSERT INTO said (m) VALUES (?)", [(signed,) for signed in group])
    disk.execute("COMMIT")
