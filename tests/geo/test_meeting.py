"""Two volumes meet if their interiors do, in area, height and time at once: one pair at a time, by both engines."""

import numpy as np
import pytest
from tests.geo import oracle

from keepclear.geo import geodesy
from keepclear.geo.altitude import AltRef
from keepclear.geo.overlap import overlaps
from keepclear.geo.volume import Circle, Corridor, Polygon, Volume

HOUR = 3_600_000
SQUARE = Polygon(((35.0, 34.0), (35.1, 34.0), (35.1, 34.1), (35.0, 34.1)))


def box(west, south, east, north):
    return Polygon(((west, south), (east, south), (east, north), (west, north)))


@pytest.fixture
def volumes_meet(kernel):
    return lambda a, b: len(overlaps([a], [b], kernel=kernel)) > 0


def test_volumes_meet_in_area_height_and_time_at_once(volumes_meet):
    here = Volume(SQUARE, 1000, 2000, start_ms=0, end_ms=HOUR)
    assert volumes_meet(here, here)
    assert volumes_meet(here, Volume())
    assert not volumes_meet(here, Volume(box(35.1, 34.0, 35.2, 34.1)))
    assert volumes_meet(here, Volume(box(35.0999999, 34.0, 35.2, 34.1)))
    assert not volumes_meet(here, Volume(SQUARE, 2000, 3000))
    assert volumes_meet(here, Volume(SQUARE, 1999.99, 3000))
    assert not volumes_meet(here, Volume(SQUARE, start_ms=HOUR))
    assert volumes_meet(here, Volume(SQUARE, start_ms=HOUR - 1))
    assert volumes_meet(here, Volume(SQUARE, 2105, 3000, AltRef.WGS84, AltRef.WGS84))
    assert not volumes_meet(here, Volume(SQUARE, 2111, 3000, AltRef.WGS84, AltRef.WGS84))
    assert volumes_meet(here, Volume(SQUARE, 9000, 9100, AltRef.AGL, AltRef.AGL))


def test_one_inside_the_other_and_both_sides_of_the_antimeridian(volumes_meet):
    wide, small = Volume(box(179, -1, -179, 1)), Volume(box(-179.9, 0, -179.8, 0.1))
    assert volumes_meet(wide, small)
    assert volumes_meet(small, wide)
    assert volumes_meet(wide, Volume(Circle(-179.95, 0, 10)))
    assert not volumes_meet(Volume(box(178, 0, 179.9, 1)), small)
    assert volumes_meet(Volume(Corridor(((179.9, 0.05), (-179.85, 0.05)), 1000)), small)


def test_circles_touch_at_the_sum_of_their_radii_and_hold_the_pole(volumes_meet):
    lat, lon, _ = geodesy.direct(34, 35, 70, 30_000)
    one = Volume(Circle(35, 34, 10_000))
    assert not volumes_meet(one, Volume(Circle(float(lon), float(lat), 20_000)))
    assert volumes_meet(one, Volume(Circle(float(lon), float(lat), 20_000.01)))
    pole = Volume(Circle(0, 90, 200_000))
    assert volumes_meet(pole, Volume(box(100, 88.3, 101, 88.5)))
    assert not volumes_meet(pole, Volume(box(100, 88.0, 101, 88.1)))


def test_all_pairs_are_the_pairs_one_by_one(kernel, volumes_meet):
    rng = np.random.default_rng(9)
    volumes = [oracle.random_volume(rng, 0, 179.9) for _ in range(24)] + [Volume()]
    rows = overlaps(volumes, volumes, kernel=kernel)
    found = set(zip(rows.i.tolist(), rows.j.tolist(), strict=True))
    assert found == {(p, q) for p in range(25) for q in range(25) if volumes_meet(volumes[p], volumes[q])}
    assert 100 < len(found) < 600
    assert found == {(q, p) for p, q in found}
    assert len(overlaps([], volumes, kernel=kernel)) == 0
