"""Track: from the wire, forward in time, and what age costs."""

import numpy as np
import pytest

from keepclear.geo import geodesy
from keepclear.geo.altitude import AltRef
from keepclear.geo.track import FRESH_MS, Tracks, advance, legs_of, position_error_m

WIRE = {
    "lat_e7": [354_008_000, -900_000_000], "lon_e7": [359_486_000, -1_800_000_000], "alt_cm": [594_360, None],
    "alt_ref": [3, 1], "alt_err_cm": [3_000, None], "pos_err_cm": [20_000, None], "ground_speed_cmps": [14_000, None],
    "track_e7": [900_000_000, None], "vertical_rate_cmps": [-500, None], "at_ms": [1_000, 2_000],
}  # fmt: skip


def test_the_wires_integers_come_in_and_none_is_not_known():
    tracks = Tracks.from_wire(**WIRE)
    assert len(tracks) == 2
    assert (tracks.lat_deg[0], tracks.lon_deg[0], tracks.alt_m[0]) == (35.4008, 35.9486, 5943.6)
    assert (tracks.alt_err_m.tolist(), tracks.pos_err_m.tolist()) == ([30, 0], [200, 0])
    assert (tracks.vertical_rate_mps[0], tracks.track_deg[0], tracks.ground_speed_mps[0]) == (-5, 90, 140)
    assert tracks.alt_ref.tolist() == [AltRef.STD, AltRef.AMSL]
    assert np.isnan([tracks.alt_m[1], tracks.ground_speed_mps[1], tracks.track_deg[1]]).all()
    assert len(Tracks.from_wire(**{name: [] for name in WIRE})) == 0


def test_advance_keeps_to_the_geodesic_there_and_back():
    tracks = Tracks.of(
        lat_deg=[0, 60, 89.9], lon_deg=[179.9, -10, 5], alt_m=9000, ground_speed_mps=250, track_deg=[90, 300, 10],
        vertical_rate_mps=-10, at_ms=5_000,
    )  # fmt: skip
    later = advance(tracks, 305_000)
    lat, lon, _ = geodesy.direct(tracks.lat_deg, tracks.lon_deg, tracks.track_deg, 75_000)
    assert (later.lat_deg == lat).all()
    assert (later.lon_deg == lon).all()
    assert later.lon_deg[0] < -179
    assert (later.alt_m == 6000).all()
    assert (later.at_ms == 305_000).all()
    back = advance(later, 5_000)
    assert geodesy.distance_m(back.lat_deg, back.lon_deg, tracks.lat_deg, tracks.lon_deg).max() < 1e-4
    assert back.alt_m == pytest.approx([9000] * 3)


def test_what_does_not_move_or_does_not_say_how_stays():
    tracks = Tracks.of(
        lat_deg=34, lon_deg=35, alt_m=[100, np.nan, 100], ground_speed_mps=[0, 200, np.nan], track_deg=[90, np.nan, 90],
        vertical_rate_mps=[np.nan, 5, 5],
    )  # fmt: skip
    later = advance(tracks, 60_000)
    assert geodesy.distance_m(later.lat_deg, later.lon_deg, 34, 35).max() < 1e-6
    assert later.alt_m[0] == 100
    assert np.isnan(later.alt_m[1])
    assert later.alt_m[2] == 400


def test_a_stale_track_may_be_anywhere_its_speed_allows():
    tracks = Tracks.of(lat_deg=34, lon_deg=35, ground_speed_mps=[0, 200], track_deg=90, pos_err_m=50, at_ms=1_000)
    assert position_error_m(tracks, 1_000 + FRESH_MS).tolist() == [50, 50]
    assert position_error_m(tracks, 1_000 + FRESH_MS + 60_000).tolist() == [50, 12_050]
    assert position_error_m(tracks, 0).tolist() == [50, 50]


def test_only_tracks_with_a_position_fly():
    tracks = Tracks.of(lat_deg=[np.nan, 34, 95], lon_deg=35, at_ms=0)
    assert legs_of(tracks, 0, 1_000).owner.tolist() == [1]
    assert legs_of(tracks, 0, 0).length_s.tolist() == [0.001]
