"""What a second of own traffic costs a node: 10 000 tracks, all of them new each second, against 10 000 areas.

The law: a real node, which has received each area as a signed NOTICE, steps the inputs that its hands would give it:
a batch of positions, a tick, the findings of the worker, which has one core of its own and here is timed apart. A cost
is the processor's time, in all threads; the journal's writing and the reading of lines off the port are not in it.
"""

from collections.abc import Iterator
from statistics import median
from time import process_time
from typing import Any, Final

import msgspec
import numpy as np
from tests.node.solo import BRAVO, GENESIS, KEYS, WALL_MS, Solo

from bench import Table, figure
from bench.detection_inputs import BOX, areas, picture
from keepclear.accord import canonical, shape, statement
from keepclear.accord.shape import Altitude, AltRef, Volume
from keepclear.accord.statement import Activity, Kind, Precedence
from keepclear.geo import geodesy
from keepclear.geo.kernel import LOADED
from keepclear.host.recorded import line_of
from keepclear.interop.position import DEFAULT_ALT_ERR_CM, DEFAULT_POS_ERR_CM, Position
from keepclear.interop.track_lines import TrackLineReader
from keepclear.node import assessment
from keepclear.node.effects import Assess
from keepclear.node.inputs import Assessed, Tick, Tracks
from keepclear.record import entry as entries
from keepclear.record import tree
from keepclear.record.entry import NO_PREV, Draft, Header, Release
from sim import founding

COUNTS: Final = ((1_000, 1_000), (10_000, 1_000), (10_000, 10_000))
SECONDS: Final = 12
SETTLED: Final = 4
"""The first seconds meet the areas for the first time and raise what stands; they do not count."""
INCARNATION: Final = b"bench" + bytes(3)
SEAT: Final = "duty"


def tables() -> Iterator[Table]:
    """Milliseconds of processor a second, by what they are for."""
    engine = "the kernel" if LOADED else "numpy"
    yield Table(
        f"a second of own traffic, all of it new, against areas in force, by {engine}; processor milliseconds a second",
        ["tracks", "areas", "node", "worker", "together", "% of a core", "advisories", "reading the lines"],
        [_row(tracks, count) for tracks, count in COUNTS],
    )


def _row(count: int, standing: int) -> list[str]:
    solo = Solo().start()
    for raw in _notices(standing):
        solo.hear_entry(BRAVO, raw)
    traffic = _Traffic(count)
    seconds = [_second(solo, traffic, at) for at in range(SECONDS)][SETTLED:]
    node, worker = (median(second[part] for second in seconds) for part in (0, 1))
    both = node + worker
    advisories = len(solo.node.state.advice.advisories)
    lines = median(_lines(traffic, at) for at in range(3))
    costs = [figure(cost) for cost in (node, worker, both, both / 10)]
    return [f"{count:,}", f"{standing:,}", *costs, f"{advisories:,}", figure(lines)]


def _second(solo: Solo, traffic: "_Traffic", at: int) -> tuple[float, float]:
    """The node's cost and the worker's of one second."""
    solo.mono_ms += 1_000
    solo.done.clear()
    batch = msgspec.msgpack.encode(traffic.reports(at, solo.stamp().wall_ms))
    began = process_time()
    solo.take(Tracks(solo.stamp(), batch))
    solo.take(Tick(solo.stamp()))
    asked = process_time()
    wanted = [effect for effect in solo.done if isinstance(effect, Assess)]
    if len(wanted) != 1:
        raise RuntimeError("the node did not ask for the picture once a second")
    findings = assessment.assess(wanted[0].snapshot)
    worked = process_time()
    solo.take(Assessed(solo.stamp(), wanted[0].digest, tuple(findings)))
    ended = process_time()
    return 1000 * (asked - began + ended - worked), 1000 * (worked - asked)


def _lines(traffic: "_Traffic", at: int) -> float:
    """What reading a second of reports as JSON lines costs."""
    data = b"".join(msgspec.json.encode(line_of(one)) + b"\n" for one in traffic.reports(at, WALL_MS))
    reader = TrackLineReader("bench")
    began = process_time()
    found = len(reader.feed(data, WALL_MS))
    ended = process_time()
    if found != traffic.count:
        raise RuntimeError(f"{traffic.count - found} of the lines were refused")
    return 1000 * (ended - began)


class _Traffic:
    """Aircraft that fly straight on, reported by one source each second."""

    def __init__(self, count: int) -> None:
        self.count, self.made = count, picture(count)

    def reports(self, at: int, wall_ms: int) -> tuple[Position, ...]:
        """All of them, `at` seconds after the first."""
        made = self.made
        lat, lon, course = geodesy.direct(
            made["lat_deg"], made["lon_deg"], made["course_deg"], made["speed_mps"] * at
        )  # fmt: skip
        rows = zip(
            *(np.rint(column).astype(np.int64).tolist() for column in (
                lat * 1e7, lon * 1e7, 100 * (made["alt_m"] + made["climb_mps"] * at), 100 * made["speed_mps"],
                100 * (course % 360), 100 * made["climb_mps"],
            )), strict=True,
        )  # fmt: skip
        return tuple(
            Position(
                source="radar", flight=f"OWN{number}", icao24=f"{number:06x}", lat_e7=y, lon_e7=x, alt_cm=z,
                alt_ref=int(AltRef.STD), alt_err_cm=DEFAULT_ALT_ERR_CM, pos_err_cm=DEFAULT_POS_ERR_CM,
                speed_cmps=speed, track_cdeg=track, climb_cmps=climb, at_ms=wall_ms, velocity_age_ms=0,
            )
            for number, (y, x, z, speed, track, climb) in enumerate(rows)
        )  # fmt: skip


def _notices(count: int) -> Iterator[bytes]:
    """The entries of a peer's logbook, a NOTICE of one area each, windows spread over the day that begins."""
    made, prev, name = areas(count, within=BOX), NO_PREV, GENESIS.names[BRAVO]
    key = GENESIS.seat_key(BRAVO, SEAT)
    assert key is not None
    for seq in range(count):
        body, seed = statement.to_bytes(_notice(made, seq)), bytes(32)
        draft = Draft(Kind.NOTICE, Precedence.PRIORITY, None, (), GENESIS.everyone, SEAT, WALL_MS, None, body)
        root = entries.body_root(seed, body)
        message = entries.release_message(GENESIS.line, 0, BRAVO, draft, root)
        releases = (Release(key, founding.signing_key(name, SEAT).sign(message).signature),)
        header = Header(
            suite=1, line=GENESIS.line, epoch=0, party=BRAVO, incarnation=INCARNATION, start=0, seq=seq, prev=prev,
            seen=(None, None), wall_ms=WALL_MS, wall_err_ms=50, precedence=draft.precedence, kind=draft.kind,
            replaces=None, refs=(), to=draft.to, seat=SEAT, valid_from_ms=WALL_MS, expiry_ms=None, body_root=root,
            releases_hash=entries.releases_hash(releases), key=GENESIS.node_key(BRAVO),
        )  # fmt: skip
        data = canonical.encode(header)
        signature = KEYS[BRAVO].sign(entries.signing_message(data))
        yield entries.assemble(data, signature, releases, seed, body)
        prev = tree.leaf_hash(data)


def _notice(made: dict[str, Any], number: int) -> statement.Notice:
    ring = made["points"][made["first"][number] : made["first"][number + 1]]
    corners = [(round(lon * 1e7), round(lat * 1e7)) for lon, lat in ring.tolist()]
    lower, upper = (Altitude(round(100 * made[side][number]), AltRef.STD) for side in ("lower_m", "upper_m"))
    start_ms, end_ms = (WALL_MS + int(made[side][number]) for side in ("start_ms", "end_ms"))
    volume = Volume(shape.polygon(corners), 10_000, lower, upper)
    return statement.Notice(
        activity=Activity.LIVE_FIRE, volumes=(volume,), start_ms=start_ms, end_ms=end_ms, text="Live firing"
    )
