"""NASA DAIDALUS as an independent authority: its published scenario H1 and what it printed for each second.

Two head-on on neighbouring meridians near 34 N, 200 and 600 kt, 17 000 ft. DAIDALUS (github.com/nasa/daidalus, commit
e043925, Scenarios/H1.daa and Regression/gold/DaidalusqAlerting-no_sum.csv; NASA Open Source Agreement, copyright
United States Government as represented by the Administrator of NASA) reckons on a sphere on which a minute of arc is a
nautical mile, at its surface, in the ownship's tangent plane: of the straight line from one place to the other, and of
the intruder's velocity, it takes the parts east and north of the ownship. So done here, separations and closest
approaches come out to the last digit printed, and times to half a millisecond.

Our chain is on the ellipsoid, and its differences are the two radii. At 34.1 N a minute of the meridian of WGS-84 is
1848.7 m, 0.18 % less than DAIDALUS has it: separations and times, which lie north and south, come out 0.18 % shorter.
A minute of a great circle east and west is 1857.3 m, 0.28 % more: the closest approach, which lies east and west, comes
out 0.28 % wider.

The rows below are a dozen of its numbers. The rest is read from the folder that KEEPCLEAR_DAIDALUS names.
"""

import csv
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from keepclear.geo import geodesy
from keepclear.geo.conflict import closest_approach
from keepclear.geo.track import Tracks
from keepclear.geo.units import knots_to_mps

SPHERE_M = 1852 * 60 * 180 / np.pi
OWN_LON, INTRUDER_LON = -117.0, -117.00284125
# second, latitude of ownship and intruder; horizontal separation (NM), projected TCPA (s) and DCPA (NM)
CITED = [
    (0, 33.814939600000002, 34.557536610000000, 44.554796, 200.507739, 0.141336),
    (20, 33.833491183749331, 34.501886535817526, 40.10306, 180.47148, 0.141334),
    (40, 33.852042713947732, 34.446235945904860, 35.651234, 160.435465, 0.141333),
    (60, 33.870594190588008, 34.390584840706190, 31.19933, 140.399653, 0.141332),
    (80, 33.889145613660382, 34.334933220666812, 26.747359, 120.364001, 0.141331),
    (100, 33.907696983164307, 34.279281086234967, 22.295337, 100.328467, 0.141331),
    (120, 33.926248299087533, 34.223628437860391, 17.843287, 80.29301, 0.14133),
    (140, 33.944799561424091, 34.167975275993342, 13.391254, 60.257588, 0.14133),
    (160, 33.963350770167388, 34.112321601086869, 8.939356, 40.222159, 0.141329),
    (180, 33.981901925310531, 34.056667413595299, 4.488153, 20.18668, 0.141329),
    (195, 33.995815256488946, 34.014926436867306, 1.155347, 5.160014, 0.141329),
    (200, 34.000453026847076, 34.001012713974916, 0.145264, 0.151111, 0.141329),
]
HALF_OF_THE_LAST_DIGIT = 5.1e-7


def cited():
    _, own_lat, lat, *gold = np.array(CITED).T
    level = np.zeros(len(own_lat))
    own = np.stack([own_lat, level + OWN_LON, level + 17_000, level, level + 200])
    intruder = np.stack([lat, level + INTRUDER_LON, level + 17_000, level, level - 600])
    return own, intruder, np.stack(gold)


def published():
    """Ownship and intruder as rows lat, lon, ft, kt east, kt north, and separation, TCPA, DCPA, before the approach."""
    folder = os.environ.get("KEEPCLEAR_DAIDALUS")
    if not folder:
        said = (
            "KEEPCLEAR_DAIDALUS is unset: of DAIDALUS' published numbers only the dozen cited in this file are checked"
        )
        warnings.warn(said, stacklevel=1)
        pytest.skip(said)
    header, _, *rows = _rows(Path(folder) / "H1_alerting_gold.csv")
    wanted = [header.index(name) for name in ("Horizontal Separation", "Projected TCPA", "Projected DCPA")]
    gold = np.array([[float(row[column]) for column in wanted] for row in rows]).T
    states = _rows(Path(folder) / "H1.daa")[2:]
    own, intruder = (
        np.array([[float(cell) for cell in row[1:6]] for row in states if row[0] == name]).T[:, : gold.shape[1]]
        for name in ("Ownship", "Intruder")
    )
    before = gold[1] > 0
    assert before.sum() == 201
    return own[:, before], intruder[:, before], gold[:, before]


def _rows(path):
    with path.open(newline="") as lines:
        return [[cell.strip() for cell in row] for row in csv.reader(lines)]


@pytest.fixture(params=[cited, published])
def scenario(request):
    return request.param()


def axes(lat_deg, lon_deg):
    """East, north and up at places of a sphere."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), 0 * lat])
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    return east, north, np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def in_the_ownships_plane(own, intruder):
    """Place (NM) and velocity (kt) of the intruder relative to the ownship, east and north."""
    east, north, up = axes(own[0], own[1])
    their_east, their_north, their_up = axes(intruder[0], intruder[1])
    apart = (their_up - up) * SPHERE_M / 1852
    velocity = intruder[3] * their_east + intruder[4] * their_north
    plane = np.stack([east, north])
    return (plane * apart).sum(axis=1), (plane * velocity).sum(axis=1) - own[3:5]


def test_projected_as_daidalus_does_its_numbers_come_out(scenario):
    own, intruder, (separation, tcpa, dcpa) = scenario
    apart, closing = in_the_ownships_plane(own, intruder)
    time_h = -(apart * closing).sum(axis=0) / (closing**2).sum(axis=0)
    assert np.abs(np.hypot(*apart) - separation).max() < HALF_OF_THE_LAST_DIGIT
    assert np.abs(3600 * time_h - tcpa).max() < 0.0006  # s; 0.05 is asked
    assert np.abs(np.hypot(*(apart + closing * time_h)) - dcpa).max() < 2 * HALF_OF_THE_LAST_DIGIT  # NM; 0.002 is asked


def tracks(states):
    lat, lon, feet, east, north = states
    return Tracks.of(
        lat_deg=lat,
        lon_deg=lon,
        alt_m=feet * 0.3048,
        ground_speed_mps=knots_to_mps(np.hypot(east, north)),
        track_deg=np.degrees(np.arctan2(east, north)),
    )


def test_our_chain_on_the_ellipsoid_differs_by_the_two_radii_of_curvature_and_no_more(scenario):
    own, intruder, (separation, tcpa, dcpa) = scenario
    found = closest_approach(tracks(own), tracks(intruder), now_ms=0, look_ahead_ms=600_000)
    apart = geodesy.distance_m(own[0], own[1], intruder[0], intruder[1]) / 1852
    within = {"separation": apart / separation, "DCPA": found.h_min_m / 1852 / dcpa}
    long = tcpa > 2  # s; after that the millisecond of the answer is more than the share
    within["TCPA"] = (found.t_cpa_ms / 1000)[long] / tcpa[long]
    for what, ratio in within.items():
        assert np.abs(ratio - 1).max() < 0.003, what
    assert np.abs(found.t_cpa_ms / 1000 - tcpa)[~long].max() < 0.005
    # Radii of WGS-84 at 34.1 N by their formula, against the sphere.
    bend = 1 - (2 - 1 / 298.257223563) / 298.257223563 * np.sin(np.radians(34.1)) ** 2
    meridian, prime = 6_335_439.327 / bend**1.5 / SPHERE_M, 6_378_137 / bend**0.5 / SPHERE_M
    far = separation > 10  # NM; nearer, the part east and west begins to tell
    assert within["separation"][far] == pytest.approx(meridian, abs=5e-5)
    assert within["TCPA"][tcpa[long] > 60] == pytest.approx(meridian, abs=1e-4)
    assert within["DCPA"] == pytest.approx(prime, abs=1e-4)
