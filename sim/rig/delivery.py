"""How soon a FLASH is receipted on bad links, and what waits; each beside its goal.

The law: nothing here passes or fails; what misses its goal says so with its figure. A statement's time is from when
it was due at A's officer until A's onlooker was told of B's signed receipt. Who got none in time counts as late.
Each measure has a line of its own, founded anew, with the usual settings where nothing else is said.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Final

from keepclear.accord.statement import Precedence
from keepclear.host import officer
from keepclear.host.client import Client, NodeError
from keepclear.line.liveness import LineState
from sim import processes
from sim.processes import SEATS, notice
from sim.rig import plain, silence
from sim.rig.figures import Row, Times
from sim.rig.line import Line, line
from sim.rig.way import Weather

LOSSY: Final = Weather(delay_ms=50, loss=0.3)
FAR: Final = Weather(delay_ms=2_000, loss=0.1)
PLAIN: Final = Weather(delay_ms=50)
NEAR: Final = Weather(delay_ms=20)
RADIO: Final = Weather(delay_ms=300, loss=0.3, rate_bps=9_600, queue_ms=10_000)

MANY: Final = 10_000
FLASHES_FIRST: Final = 5  # said in the outage after all the others
RADIO_GOAL_S: Final = 20.0
PLAIN_S: Final = 45.0  # TCP may wait minutes after some losses
EVERY_S: Final = 0.1
PATIENCE_S: Final = 90.0
QUIET_S: Final = 10.0


def flash_lossy(folder: Path, seed: str, trials: int) -> list[Row]:
    """FLASH by FLASH at 30 % loss each way and 50 ms."""
    with line(folder, seed, LOSSY) as up:
        up.wait_open()
        times = _one_by_one(up, seed, trials, PATIENCE_S, pause_s=(0.1, 0.4))
    met = times.at(0.5) <= 0.4 and times.at(0.99) <= 1.5
    goal = "p50 <= 0.4 s, p99 <= 1.5 s"
    what, beside = "FLASH receipt, 30 % loss each way, 50 ms", _plain(folder, seed, LOSSY, trials)
    return [Row(what, goal, str(times), f"{times.count}", met), beside]


def radio(folder: Path, seed: str, trials: int) -> list[Row]:
    """FLASH by FLASH over 9 600 bit/s, 300 ms and 30 % loss."""
    what, goal = "FLASH receipt, 9 600 bit/s, 300 ms, 30 % loss", "all, p99 <= 20 s"
    with line(folder, seed, RADIO, radio_bps=RADIO.rate_bps) as up:
        began_s = time.monotonic()
        try:
            up.wait_open(PATIENCE_S)
        except TimeoutError:
            return [Row(what, goal, f"the line has not opened in {PATIENCE_S:.0f} s", "0", False)]
        open_s = time.monotonic()
        opened = Row("start to open line, by that radio", "", f"{open_s - began_s:.1f} s", "1", None)
        times = _one_by_one(up, seed, trials, trials * RADIO_GOAL_S, pause_s=(0.5, 2.0))
        dead = sum(one.count(LineState.DEAD, open_s) for one in up.onlookers.values())
        ways = up.net.counts().values()
        used_bps = sum(way["octets"] for way in ways) * 8 / len(ways) / (time.monotonic() - began_s)
    met = not times.missed and times.at(0.99) <= RADIO_GOAL_S
    seen = f"{times}; told dead {dead} times; {used_bps:.0f} bit/s each way"
    return [opened, Row(what, goal, seen, f"{times.count}", met)]


def far(folder: Path, seed: str, trials: int) -> list[Row]:
    """FLASH at 2 s each way and 10 % loss, beside the same on a good line: times, datagrams, false alarms."""
    with line(folder / "far", seed, FAR) as up:
        up.wait_open()
        began_s = time.monotonic()
        datagrams, times = _counted(up, seed, trials)
        alarms = silence.false_alarms(up, "2 s one way, 10 % loss", began_s)
    with line(folder / "good", seed, PLAIN) as up:
        up.wait_open()
        fewest, _ = _counted(up, seed, trials)
    ratio = datagrams / fewest
    seen = f"{times}; {datagrams} datagrams with entries, {fewest} at 50 ms without loss: {ratio:.1f} times"
    met = times.at(0.99) <= 12.0 and ratio <= 3.0
    goal = "p99 <= 12 s, <= 3 times the datagrams"
    beside = _plain(folder, seed, FAR, trials)
    return [Row("FLASH receipt, 2 s one way, 10 % loss", goal, seen, f"{times.count}", met), beside, alarms]


def outage(folder: Path, seed: str, outage_s: float) -> list[Row]:
    """10 000 routine entries and a few FLASH said during a cut; then the cut ends, and FLASH is said all the while."""
    with line(folder, seed, NEAR) as up:
        up.wait_open()
        up.net.cut_all()
        cut_s = time.monotonic()
        routine = _say_many(up)
        with up.by_name["ALFA"].client() as client:
            first = [_say(client, up, f"flash {i}") for i in range(FLASHES_FIRST)]
        time.sleep(max(0.0, cut_s + outage_s - time.monotonic()))
        down_s, mended_s = time.monotonic() - cut_s, time.monotonic()
        up.net.cut_all(False)
        shown = Times([at_s - mended_s for leaf in first if (at_s := _shown(up, leaf)) is not None])
        with ThreadPoolExecutor(1) as pool:
            stop, said = threading.Event(), dict[str, float]()
            speaking = pool.submit(_flash_on, up, stop, said)
            all_s = _times(up, dict.fromkeys(routine, mended_s)).worst
            stop.set()
            refused = speaking.result()
        flash_s = _times(up, dict.fromkeys(first, mended_s)).worst
        times = _times(up, said)
        displayed = Times([at_s - due_s for leaf, due_s in said.items() if (at_s := _shown(up, leaf)) is not None])
    what, goal = f"{MANY:,} entries after an outage of {down_s:.0f} s", "all in 15 s, FLASH first in 2 s"
    seen = f"all in {all_s:.1f} s; {FLASHES_FIRST} FLASH shown in {shown.worst:.1f} s, receipted in {flash_s:.1f} s"
    waiting, met = f"FLASH receipt while {MANY:,} routine entries wait", times.at(0.99) <= 1.0 and not refused
    told = f"{times}; shown p99 {displayed.at(0.99):.2f} s"
    return [
        Row(what, goal, seen, "1", all_s <= 15.0 and flash_s <= 2.0),
        Row(waiting, "p99 <= 1 s", "; ".join([told, *refused]), f"{times.count}", met),
    ]


def _plain(folder: Path, seed: str, weather: Weather, trials: int) -> Row:
    """The plain line over TCP, on the same link."""
    times = plain.one_by_one(folder / "plain", seed, weather, trials, PLAIN_S)
    return Row("plain line over TCP, the same", "", str(times), f"{times.count} in {PLAIN_S:.0f} s", None)


def _say(client: Client, up: Line, text: str) -> str:
    return officer.say(client, up.by_name["ALFA"].identity, SEATS, notice(text), Precedence.FLASH).leaf.hex()


def _say_many(up: Line) -> list[str]:
    one = up.by_name["ALFA"]
    with one.client() as client:
        texts = (f"routine {i}" for i in range(MANY))
        requests = processes.say_requests(one, client.ask("facts"), texts, Precedence.ROUTINE)
        return [answer["leaf"] for answer in client.ask_all(requests)]


def _one_by_one(up: Line, seed: str, trials: int, budget_s: float, pause_s: tuple[float, float]) -> Times:
    """Says a FLASH, waits for its receipt, pauses, says the next, as long as there is time for it."""
    draw, times, until_s = Random(f"one by one {seed}"), Times([]), time.monotonic() + budget_s
    with up.by_name["ALFA"].client() as client:
        while times.count < trials and time.monotonic() < until_s:
            due_s = time.monotonic()
            at_s = up.onlookers["ALFA"].wait_receipt(_say(client, up, f"flash {times.count}"), until_s)
            if at_s is None:
                times.missed += 1
            else:
                times.found.append(at_s - due_s)
            time.sleep(draw.uniform(*pause_s))
    return times


def _counted(up: Line, seed: str, trials: int) -> tuple[int, Times]:
    """How many datagrams with entries some FLASH took, receipts and all; and their times."""
    time.sleep(QUIET_S)
    began = _large(up)
    draw, said = Random(f"counted {seed}"), dict[str, float]()
    with up.by_name["ALFA"].client() as client:
        for i in range(trials):
            due_s = time.monotonic()
            said[_say(client, up, f"flash {i}")] = due_s
            time.sleep(draw.uniform(0.2, 0.8))
    times = _times(up, said)
    time.sleep(QUIET_S)  # the last words on the last receipts
    return _large(up) - began, times


def _large(up: Line) -> int:
    return sum(way["large"] for way in up.net.counts().values())


def _flash_on(up: Line, stop: threading.Event, said: dict[str, float]) -> list[str]:
    """Says a FLASH each 0.1 s; what the node has refused, in its words."""
    refused = []
    with up.by_name["ALFA"].client() as client:
        while not stop.wait(EVERY_S):
            due_s = time.monotonic()
            try:
                said[_say(client, up, f"while they wait {len(said)}")] = due_s
            except NodeError as error:
                refused.append(f"refused: {error}")
    return refused


def _shown(up: Line, leaf: str) -> float | None:
    return up.onlookers["BRAVO"].wait_shown(leaf, time.monotonic() + PATIENCE_S)


def _times(up: Line, said: dict[str, float]) -> Times:
    """From when each was due until its receipt, waiting for those that are not here yet."""
    until_s = time.monotonic() + PATIENCE_S
    arrived = {leaf: up.onlookers["ALFA"].wait_receipt(leaf, until_s) for leaf in said}
    found = [at_s - said[leaf] for leaf, at_s in arrived.items() if at_s is not None]
    return Times(found, len(said) - len(found))
