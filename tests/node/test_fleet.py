"""Own flights as rows: whatever comes and goes, each flight's columns are its own, and come back from a snapshot."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.node.test_picture import position

from keepclear.interop.position import Position
from keepclear.node import rows
from keepclear.node.fleet import Fleet

FLIGHTS = st.sampled_from("ABCDEF")
STEPS = st.lists(st.tuples(st.sampled_from(["report", "gone"]), st.lists(FLIGHTS, unique=True), st.integers(0, 9)))


@given(steps=STEPS)
def test_what_is_held_is_what_was_last_reported_of_each_flight_in_the_sequence_they_came(
    steps: list[tuple[str, list[str], int]],
) -> None:
    fleet, newest, first, heard = Fleet(), {}, {}, {}  # type: ignore[var-annotated]
    for ms, (what, flights, source) in enumerate(steps):
        if what == "gone":
            gone = [flight for flight in flights if flight in newest]
            fleet.let_go(gone)
            for flight in gone:
                del newest[flight], first[flight], heard[flight]
            continue
        reports = [position(flight=flight, at_ms=ms, source=f"radar{source}", icao24=flight * 6) for flight in flights]
        _take(fleet, reports, ms)
        for one in reports:
            newest[one.flight], heard[one.flight] = one, ms
            first.setdefault(one.flight, one)
    fleet = msgspec.msgpack.decode(msgspec.msgpack.encode(fleet), type=Fleet)
    assert [fleet.report(flight) for flight in fleet.places] == list(newest.values())
    assert fleet.bases().tolist() == rows.table_of([first[flight] for flight in newest]).tolist()
    assert fleet.heard_ms().tolist() == [heard[flight] for flight in newest]
    assert fleet.find("ABCDEF").tolist() == [list(newest).index(f) if f in newest else -1 for f in "ABCDEF"]


def _take(fleet: Fleet, reports: list[Position], ms: int) -> None:
    table, at = rows.table_of(reports), fleet.find([one.flight for one in reports])
    known, new = np.nonzero(at >= 0)[0], np.nonzero(at < 0)[0]
    fleet.renew(at[known], [reports[k] for k in known], table[known], ms)
    fleet.hold([reports[k] for k in new], table[new], ms)
