"""Where the processor time of a statement goes: each stage by itself, on one NOTICE released by a seat.

The law: each stage is the product's own function, alone and with all caches of the processor warm, the least of many
runs: a floor, not what it costs between all else. How often a statement needs it at its author's node and at the
other's stands beside; what is not here (the loop, sockets, the fold into what is in force) is the rest of the figure
in the table of the line.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from tests.record.build import Line, notice

from bench import Table, figure
from keepclear.accord import check, phrases
from keepclear.host.journal import Journal
from keepclear.host.journal_records import Row, Snapshot
from keepclear.host.keys import SigningKey
from keepclear.line import channel, part
from keepclear.line import frame as frames
from keepclear.line.frame import EntryItem, Frame
from keepclear.node import situation
from keepclear.record import entry, suite

OUT: Final = Path("out")
RUNS: Final = 300
AT_ONCE: Final = 20
GROUP: Final = 64
DIGEST: Final = bytes(16)


def tables() -> Iterator[Table]:
    """The stages, with the sum at each end."""
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=OUT) as name:
        rows = list(_stages(Path(name)))
    cells = [[what, figure(us), figure(at_a), figure(at_b)] for what, us, at_a, at_b in rows]
    sums = [sum(us * times[i] for _, us, *times in rows) for i in range(2)]
    columns = ["", "us", "times at A", "times at B"]
    yield Table("stages of a statement", columns, [*cells, ["together", "", *map(figure, sums)]])


def _stages(folder: Path) -> Iterator[tuple[str, float, float, float]]:
    line = Line()
    one = line.say(0, notice("Live firing, range 4"), releasing=("duty",))
    key, said = line.genesis.keys[one.header.key].key.ed25519, situation.said_of(one)
    signing = SigningKey(bytes(32))
    message = entry.signing_message(one.header_bytes)
    frame = frames.to_bytes(Frame("udp", 1, 2, 3, 4, (EntryItem(one.raw), EntryItem(one.raw))))
    sealer = channel.Sealer(bytes(32), bytes(8))
    [datagram] = sealer.seal(frame)
    header = part.read(datagram)
    assert header is not None

    def words() -> object:
        return phrases.render(said, line.genesis.names, {}, check.marks(said, ()), ())

    yield "one Ed25519 check", _us(lambda: suite.verify_ed25519(key, message, one.signature)), 1, 2
    yield "one Ed25519 signature", _us(lambda: signing.sign(message)), 1, 0
    yield "root of the body, salted", _us(lambda: entry.body_root.__wrapped__(one.seed, one.body)), 1, 1
    yield "entry read from its bytes", _us(lambda: entry.read(one.raw, 65_536)), 0, 1
    yield "frame of two entries read", _us(lambda: frames.read(frame)), 0, 0.5
    yield "datagram of two entries sealed", _us(lambda: sealer.seal(frame)), 0.5, 0
    unsealer = channel.Unsealer(bytes(32), bytes(8))
    yield "the same opened", _us(lambda: unsealer.unseal(header, datagram)), 0, 0.5
    yield "words and marks", _us(words), 1, 1
    yield from _journal(folder, one)


def _journal(folder: Path, one: entry.Entry) -> Iterator[tuple[str, float, float, float]]:
    journal = Journal.open(folder / "private" / "journal")
    journal.append([], 0, snapshot=Snapshot(0, "bench", b""))
    n = 0

    def group() -> None:
        nonlocal n
        rows = [Row(n + i + 1, one.raw, DIGEST) for i in range(2 * GROUP)]
        leaves = [(n + i).to_bytes(32, "big") for i in range(GROUP)]
        n += 2 * GROUP
        journal.append(rows, 0, entries=[(leaf, one.raw) for leaf in leaves])

    yield f"journal: two inputs and an entry, synced in groups of {GROUP}", _us(group, 1) / GROUP, 1, 1
    journal.close()


def _us(work: Callable[[], object], at_once: int = AT_ONCE) -> float:
    """The least time that a piece of work takes, in us."""
    least = float("inf")
    for _ in range(RUNS):
        began = perf_counter()
        for _ in range(at_once):
            work()
        least = min(least, perf_counter() - began)
    return 1e6 * least / at_once
