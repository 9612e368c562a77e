"""Bodies: volumes against volumes, every pair of a scene by brute force.

The law: of two rings shapely is asked, and where their boxes touch, exact.py; the exact answer holds, and how often
shapely said otherwise is told. Circles are judged by PROJ: the distance of centres, and of a centre to a ring. Heights
are whole centimetres, times whole milliseconds. Rings lie on a grid of 1/64 degree, where touching is the rule and
every sum is exact, or anywhere.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import shapely

from keepclear.geo.altitude import AltRef
from keepclear.geo.overlap import Overlaps
from keepclear.geo.volume import Circle, Polygon, Volume, validate
from sim.detect import exact
from sim.detect.areas import Ring
from sim.detect.cases import LEVEL_CM, Rng
from sim.detect.compare import Tally
from sim.detect.flights import Floats, inverse

VOLUMES = 46
"""A scene of so many has 1035 pairs."""
_DECLARED_M = 0.35
_GRID = 64


@dataclass(frozen=True)
class Body:
    """One volume, with its ring as the judge holds it (None: a circle), and its band and window as whole numbers."""

    volume: Volume
    ring: Ring | None
    band_cm: tuple[int, int]
    window_ms: tuple[int, int]


def scene(rng: Rng) -> list[Body]:
    """Volumes about one place: some on the grid, some anywhere, some circles, some across the antimeridian."""
    lat, lon = int(rng.integers(-80, 81)), int(rng.choice([-180, 179, 180, 0, int(rng.integers(-180, 180))]))
    on_grid = rng.random() < 0.6
    bodies: list[Body] = []
    while len(bodies) < VOLUMES:
        kind = rng.random()
        earlier = [body.ring for body in bodies if body.ring is not None]
        if kind < 0.1:
            shape: Circle | Polygon = _circle(rng, lat, lon)
            reading = None
        else:
            points = _again(rng, earlier) if kind < 0.25 and earlier else _points(rng, lat, lon, on_grid)
            shape = Polygon(tuple((float(x), float(y)) for x, y in points))
            reading = Ring.of(np.concatenate([points, points[:1]]))
        if any(fault.widens for fault in validate(Volume(shape))):
            continue
        # Few heights and times, so that limits touch often.
        lower, upper = np.sort(rng.choice(6, 2, replace=False)) * 10 * LEVEL_CM
        start, end = np.sort(rng.choice(6, 2, replace=False)) * 600_000
        if rng.random() < 0.5:
            lower, upper, start, end = 0, 50 * LEVEL_CM, 0, 3_000_000
        refs = {"lower_ref": AltRef.STD, "upper_ref": AltRef.STD}
        volume = Volume(shape, lower / 100, upper / 100, **refs, start_ms=int(start), end_ms=int(end))
        bodies.append(Body(volume, reading, (int(lower), int(upper)), (int(start), int(end))))
    return bodies


def _circle(rng: Rng, lat: int, lon: int) -> Circle:
    radius = float(rng.choice([2_000.0, 10_000.0, 10 ** rng.uniform(0, 4.7)]))
    x = lon + rng.integers(-40, 41) / _GRID
    return Circle(float(np.mod(x + 180, 360) - 180), float(lat + rng.integers(-40, 41) / _GRID), radius)


def _points(rng: Rng, lat: int, lon: int, on_grid: bool) -> Floats:
    """A ring about a place: a star, a box, or a sliver."""
    centre = rng.integers(-32, 33, 2).astype(np.float64)
    corners = int(rng.integers(3, 11))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    size = rng.choice([2.0, 8.0, 20.0])
    far = size * rng.uniform(0.2, 1, corners)
    offset = np.stack([far * np.cos(angle), far * np.sin(angle)], axis=1)
    kind = rng.random()
    if kind < 0.3:
        wide, high = rng.integers(1, 20, 2)
        offset = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], dtype=np.float64)
    elif kind < 0.4:
        thin = rng.choice([1e-6, 1e-4, 1e-2]) if not on_grid else 1
        offset = np.array([[-30, 0], [30, 0], [30, thin], [-30, thin]])
        offset = offset[:, ::-1] if rng.random() < 0.5 else offset
    points = centre + (np.round(offset) if on_grid else offset)
    points = points / _GRID + [lon, lat]
    return np.stack([np.mod(points[:, 0] + 180, 360) - 180, points[:, 1]], axis=1)


def _again(rng: Rng, earlier: list[Ring]) -> Floats:
    """A ring of the scene once more: from another corner, the other way round, or with one corner moved."""
    points = shapely.get_coordinates(earlier[int(rng.integers(len(earlier)))].polygon)[:-1]
    points = np.roll(points, int(rng.integers(len(points))), axis=0)
    if rng.random() < 0.5:
        points = points[::-1]
    if rng.random() < 0.5:
        points = points.copy()
        points[0] += rng.choice([-1, 0, 1], 2) / _GRID
    return np.stack([np.mod(points[:, 0] + 180, 360) - 180, points[:, 1]], axis=1)


def compare(bodies: list[Body], answers: dict[str, Overlaps]) -> dict[str, Tally]:
    """The tally of each engine's answer."""
    tallies = {name: Tally() for name in answers}
    told = {name: set(zip(found.i.tolist(), found.j.tolist(), strict=True)) for name, found in answers.items()}
    for name, found in answers.items():
        if found.undecidable.any():
            tallies[name].faults.append("undecidable, though all heights are of one reference")
    for i, j in combinations(range(len(bodies)), 2):
        meet, beside_m, otherwise = _meet(bodies[i], bodies[j])
        for name, tally in tallies.items():
            tally.count("pairs", 1)
            tally.count("meeting", int(meet))
            tally.count("of which shapely says otherwise", int(otherwise))
            if ((i, j) in told[name]) != meet:
                tally.count("missed" if meet else "spurious", 1)
                tally.error("wrong, m from touching", np.array([beside_m]))
                if beside_m > _DECLARED_M:
                    what = "missed" if meet else "spurious"
                    tally.faults.append(f"{what}, {beside_m} m from touching: {bodies[i].volume} {bodies[j].volume}")
    return tallies


def _meet(one: Body, other: Body) -> tuple[bool, float, bool]:
    """Whether two meet; by how many metres it is decided where that is not exact (inf: exact); shapely's dissent."""
    for a, b in ((one.band_cm, other.band_cm), (one.window_ms, other.window_ms)):
        if max(a[0], b[0]) >= min(a[1], b[1]):
            return False, np.inf, False
    if one.ring is not None and other.ring is not None:
        return _rings_meet(one.ring, other.ring)
    if one.ring is None and other.ring is None:
        apart = inverse(*_centre(one), *_centre(other))[0][0] - _radius(one) - _radius(other)
        return bool(apart < 0), abs(float(apart)), False
    body, disc = (one, other) if one.ring is not None else (other, one)
    ring = body.ring
    assert ring is not None
    lat, lon = _centre(disc)
    apart = 0.0 if ring.inside(lat, lon)[0] else float(ring.to_border_m(lat, lon)[0])
    # An answer by the nearest place on the border is right to a share of the distance.
    return apart < _radius(disc), abs(apart - _radius(disc)) - 3e-5 * apart, False


def _rings_meet(one: Ring, other: Ring) -> tuple[bool, float, bool]:
    corners = shapely.get_coordinates(one.polygon)[:-1], shapely.get_coordinates(other.polygon)[:-1]
    turn = 360.0 * round((one.middle - other.middle) / 360)
    turned = corners[1] + [turn, 0]
    (ax, ay), (bx, by) = corners[0].T, turned.T
    if ax.max() < bx.min() or bx.max() < ax.min() or ay.max() < by.min() or by.max() < ay.min():
        return False, np.inf, False
    meet = exact.interiors_meet(exact.ring(corners[0].tolist()), exact.ring(turned.tolist()))
    said = shapely.relate_pattern(one.polygon, shapely.Polygon(turned), "T********")
    return meet, np.inf, bool(said) != meet


def _circle_of(body: Body) -> Circle:
    assert isinstance(body.volume.shape, Circle)
    return body.volume.shape


def _centre(body: Body) -> tuple[Floats, Floats]:
    circle = _circle_of(body)
    return np.array([circle.lat_deg]), np.array([circle.lon_deg])


def _radius(body: Body) -> float:
    return _circle_of(body).radius_m
