"""Readings: many volumes read together are what each is by itself, the good, the bad and the doubtful."""

from dataclasses import replace

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import outline
from keepclear.geo.altitude import AltRef
from keepclear.geo.readings import readings
from keepclear.geo.volume import Circle, Corridor, Everywhere, Polygon, Volume

BOX = ((0.5, -0.2), (1.0, -0.2), (1.0, 0.2), (0.5, 0.2))
SAID = [
    Volume(Polygon(BOX)),
    Volume(Polygon((*BOX, BOX[0]))),
    Volume(Polygon((BOX[0], *BOX))),
    Volume(Polygon(tuple(reversed(BOX)))),
    Volume(Polygon(BOX, holes=(((0.6, 0.0), (0.7, 0.0), (0.7, 0.1)),))),
    Volume(Polygon(((0, 0), (1, 1), (1, 0), (0, 1)))),
    Volume(Polygon(((0, 0), (1, 1)))),
    Volume(Polygon(())),
    Volume(Polygon(((0, 0), (1e-8, 0), (0, 1e-8)))),
    Volume(Polygon(((0, 0), (0.5, 0), (1, 0)))),
    Volume(Polygon(((179.5, 1), (-179.5, 1), (-179.5, 2), (179.5, 2)))),
    Volume(Polygon(((-179.5, 1), (-179.5, 2), (179.5, 2), (179.5, 1)))),
    Volume(Polygon(((0, 80), (90, 80), (180, 80), (-90, 80)))),
    Volume(Polygon(((0, 0), (100, 0), (-160, 0), (-160, 5), (100, 5), (0, 5)))),
    Volume(Polygon(((-140, 0), (-20, 0), (100, 0), (150, 0), (150, 5), (100, 5), (-20, 5), (-140, 5)))),
    Volume(Polygon(((0, 0), (180, 0), (90, 5)))),
    Volume(Polygon(((0, 0), (181, 0), (90, 5)))),
    Volume(Polygon(((0, 0), (np.nan, 0), (1, 5)))),
    Volume(Polygon(((0, 0), (1, 91), (1, 5)))),
    Volume(Polygon(((0, -9), (61, -9), (61, 9), (0, 9)))),
    Volume(Polygon(BOX), lower_m=200, upper_m=100),
    Volume(Polygon(BOX), lower_m=np.nan),
    Volume(Polygon(BOX), lower_m=1000, upper_m=900, lower_ref=AltRef.STD),
    Volume(Polygon(BOX), upper_m=2e6),
    Volume(Polygon(BOX), start_ms=5, end_ms=5),
    Volume(Circle(3, 4, 500)),
    Volume(Circle(3, 4, -1)),
    Volume(Corridor(((0, 0), (0.2, 0.1)), 400)),
    Volume(Everywhere(), 100, 200),
]


def assert_as_one_by_one(volumes):
    for volume, (reading, found) in zip(volumes, readings(volumes), strict=True):
        alone, own = outline.read(volume)
        assert repr(reading) == repr(alone)
        assert (found.edges == own.edges).all()
        assert (found.pieces == own.pieces).all()
        assert found.centre == pytest.approx(own.centre, abs=1e-6)
        assert found.reach_m == pytest.approx(own.reach_m, abs=1e-6)
        assert (found.lat_deg, found.radius_m) == pytest.approx((own.lat_deg, own.radius_m), nan_ok=True)


def test_the_good_the_bad_and_the_doubtful():
    assert_as_one_by_one(SAID)
    assert_as_one_by_one([volume for volume in SAID if isinstance(volume.shape, Everywhere)])
    assert readings([]) == []


def test_random_ones_and_ones_said_twice():
    rng = np.random.default_rng(7)
    volumes = [
        oracle.random_volume(rng, lat, lon) for lat, lon in [(47, 8), (0, 179.9), (-88.5, 180)] for _ in range(60)
    ]
    again = [replace(volume) for volume in volumes[:10]]
    assert_as_one_by_one([*volumes, *volumes[5:15], *again])
