"""The plain line of bench/plain_line.py over the same link, statement by statement: what TCP makes of a bad line.

The law: signed, on both disks, receipted by a signature, and nothing else; the kernel's TCP as it comes, NODELAY. Both
ends run in the namespaces of the rig. `python -m sim.rig.plain hear|say ADDRESS FOLDER TRIALS BUDGET_S SEED`.
"""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Final

from bench.plain_line import BODY, SEEDS, Messages, keep, open_disk
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from sim.rig.figures import Times
from sim.rig.line import PAIR
from sim.rig.net import in_namespaces
from sim.rig.way import Weather

PORT: Final = 47_200
NUMBER_BYTES: Final = 8
PAUSE_S: Final = (0.1, 0.4)
START_S: Final = 30.0  # for two processes and, over a bad link, three packets of a handshake


def one_by_one(folder: Path, seed: str, weather: Weather, trials: int, budget_s: float) -> Times:
    """Each statement's time from when it was due until its receipt was verified, one after the other."""
    folder.mkdir(parents=True)
    net = in_namespaces(list(PAIR), seed, weather)
    author, other = PAIR
    address = net.places.listen[other].partition(":")[0]
    told = [address, str(folder), str(trials), str(budget_s), seed]
    commands = [
        [*net.prefixes[name], sys.executable, "-m", "sim.rig.plain", do, *told]
        for name, do in ((other, "hear"), (author, "say"))
    ]
    hearing = subprocess.Popen(commands[0])
    try:
        said = subprocess.run(commands[1], stdout=subprocess.PIPE, check=True)
    finally:
        hearing.kill()
        hearing.wait()
        net.close()
    return Times(**json.loads(said.stdout))


def hear(address: str, folder: Path) -> None:
    """Takes in what comes, and receipts each when it is on the disk; until it is killed."""
    disk = open_disk(folder / "other")
    (author, _), (_, secret) = map(crypto_sign_seed_keypair, SEEDS)
    with socket.create_server((address, PORT)) as server:
        line, _ = server.accept()
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for signed in Messages(line):
        number = crypto_sign_open(signed, author)[:NUMBER_BYTES]
        keep(disk, [signed])
        _send(line, crypto_sign(number, secret))


def say(address: str, folder: Path, trials: int, budget_s: float, seed: str) -> Times:
    """Says one, waits for its receipt, pauses, says the next, as long as there is time."""
    disk, (_, secret), (receiver, _) = open_disk(folder / "author"), *map(crypto_sign_seed_keypair, SEEDS)
    draw, times, line = Random(f"plain {seed}"), Times([]), _connected(address)
    messages, until_s = Messages(line), time.monotonic() + budget_s
    while times.count < trials and (left_s := until_s - time.monotonic()) > 0:
        due_s = time.monotonic()
        signed = crypto_sign(times.count.to_bytes(NUMBER_BYTES, "big") + BODY, secret)
        keep(disk, [signed])
        line.settimeout(left_s)
        try:
            _send(line, signed)
            crypto_sign_open(next(messages), receiver)
        except TimeoutError:
            times.missed += 1
            break
        times.found.append(time.monotonic() - due_s)
        time.sleep(draw.uniform(*PAUSE_S))
    return times


def _connected(address: str) -> socket.socket:
    until_s = time.monotonic() + START_S
    while True:
        try:
            line = socket.create_connection((address, PORT), until_s - time.monotonic())
        except ConnectionRefusedError:  # it is not up yet
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)
        else:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line


def _send(line: socket.socket, message: bytes) -> None:
    line.sendall(len(message).to_bytes(4, "big") + message)


def _main(do: str, address: str, folder: str, trials: str, budget_s: str, seed: str) -> None:
    if do == "hear":
        hear(address, Path(folder))
    else:
        times = say(address, Path(folder), int(trials), float(budget_s), seed)
        print(json.dumps({"found": times.found, "missed": times.missed}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
