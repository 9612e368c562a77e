"""The picture as it is asked for: what has not changed is the same bytes, and the worker keeps what it made of them."""

import msgspec
import numpy as np
from tests.story.line import MINUTE, A, B, Line, hazard, notice

from keepclear.accord import statement
from keepclear.accord.shape import AltRef
from keepclear.geo.altitude import AltRef as GeoRef
from keepclear.interop.position import Position
from keepclear.node import held, picture, rows, snapshot
from keepclear.node.assessment import assess
from keepclear.node.snapshot import Matters, Snapshot, Watched


def position(**changes: object) -> Position:
    known = Position(
        source="radar", flight="OWN1", icao24="", lat_e7=-340_000_001, lon_e7=1_799_999_999, alt_cm=594_360,
        alt_ref=int(AltRef.STD), alt_err_cm=3_810, pos_err_cm=18_520, speed_cmps=23_000, track_cdeg=35_999,
        climb_cmps=-508, at_ms=1_700_000_000_000,
    )  # fmt: skip
    return msgspec.structs.replace(known, **changes)


def test_positions_come_out_of_their_rows_as_they_went_in() -> None:
    unknown = {"alt_cm": None, "speed_cmps": None, "track_cdeg": None, "climb_cmps": None, "alt_ref": 200}
    tracks = rows.tracks_of(rows.read(rows.to_bytes(rows.table_of([position(), position(**unknown)]))))
    assert (tracks.lat_deg[0], tracks.lon_deg[0], tracks.alt_m[0], tracks.at_ms[0]) == (
        -34.0000001, 179.9999999, 5_943.6, 1_700_000_000_000,
    )  # fmt: skip
    assert (tracks.ground_speed_mps[0], tracks.track_deg[0], tracks.vertical_rate_mps[0]) == (230.0, 359.99, -5.08)
    assert tracks.alt_ref.tolist() == [GeoRef.STD, GeoRef.AGL], "a reference that is not known meets everything"
    lacking = (tracks.alt_m, tracks.ground_speed_mps, tracks.track_deg, tracks.vertical_rate_mps)
    assert all(np.isnan(column[1]) for column in lacking)
    assert len(rows.tracks_of(rows.table_of([]))) == 0


def test_a_row_gives_back_the_position_that_it_was_made_of() -> None:
    unknown = {"alt_cm": None, "speed_cmps": None, "track_cdeg": None, "climb_cmps": None, "velocity_age_ms": 40}
    for one in (position(), position(**unknown, on_ground=True)):
        assert rows.position_of(rows.table_of([one])[0], "OWN1", "radar", "") == one


def test_time_alone_changes_nothing_of_the_matters_and_a_word_changes_them() -> None:
    line = Line()
    leaf = line.say(A, notice(line.wall_ms + MINUTE, line.wall_ms + 2 * MINUTE))
    line.run(1_000)
    core = line.member(B).node.core
    first = picture.snapshot(core).matters
    line.run(3 * MINUTE)
    assert picture.snapshot(core).matters is first
    line.say(A, statement.Activated(at_ms=line.wall_ms), refs=(leaf,))
    line.say(A, hazard(line.wall_ms))
    line.run(1_000)
    second = msgspec.msgpack.decode(picture.snapshot(core).matters, type=Matters)
    assert [watched.active for watched in second.watched] == [True, True]
    core.picture = snapshot.Kept()
    assert msgspec.msgpack.decode(picture.snapshot(core).matters, type=Matters) == second


def test_a_window_that_is_over_lasts_until_its_author_says_so() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms - 2 * MINUTE, line.wall_ms + MINUTE))
    line.run(1_000)
    kept = held.held(picture.snapshot(line.member(B).node.core, ()).matters)
    end_ms = int(kept.volumes.end_ms[0])
    assert kept.at(end_ms - 1) is kept.volumes
    assert kept.at(end_ms).end_ms[0] > end_ms
    assert kept.at(end_ms) is kept.at(end_ms + MINUTE)


def test_findings_do_not_depend_on_what_the_worker_has_kept() -> None:
    volumes = notice(0).volumes
    own = position(lat_e7=340_000_000, lon_e7=347_000_000, track_cdeg=9_000, alt_cm=600_000, climb_cmps=0)

    def asked(*watched: Watched) -> bytes:
        now_ms = own.at_ms + 1_000
        return msgspec.msgpack.encode(
            Snapshot(
                now_ms, 1_800_000, 120_000, 926_000, 30_480, (0, 0, 0), snapshot.part(Matters(watched, ())), ("OWN1",),
                rows.to_bytes(rows.table_of([own])), snapshot.part(()),
            )
        )  # fmt: skip

    one, other = (Watched(bytes([n]) * 32, True, 0, None, volumes, agreed=True) for n in (1, 2))
    many = [asked(one), asked(one, other), asked(other), asked(one)]
    kept = [assess(data) for data in many]
    for data, findings in zip(many, kept, strict=True):
        held.held.cache_clear()
        assert assess(data) == findings
    assert [len(findings) for findings in kept] == [1, 2, 1, 1]
