"""The picture of a check: where the tracks were, the volumes, and where something was found.

Law: memory is bounded. Trails are thinned as a file goes on: when MAX_POINTS are held, every second is left out from
then on. What is not drawn is told in the picture.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.outline import outline_of
from keepclear.geo.track import advance
from keepclear.geo.volume import Circle, Corridor, LonLat, Polygon, Volume, widest_reading
from keepclear.host.check_episodes import Episode
from keepclear.host.check_run import Found, Picture
from keepclear.host.cli_errors import Failure
from keepclear.interop.geojson import NamedVolumes
from keepclear.interop.svg_map import Area, Map, Mark

MAX_POINTS: Final = 40_000
MAX_AREAS: Final = 3_000
MAX_MARKS: Final = 2_000
MAX_NAMED: Final = 60  # more names would cover the map
BREAK_MS: Final = 600_000  # a longer silence is another flight
CIRCLE_SIDES: Final = 72


class Trails:
    """Where tracks were, thinned, and where those of a single picture go on to. A sink."""

    def __init__(self, look_ahead_ms: int, most: int = MAX_POINTS) -> None:
        self._look_ahead_ms = look_ahead_ms
        self._most = most
        self._trails: dict[str, list[tuple[int, float, float]]] = {}
        self._count = 0
        self._stride = 1
        self._pictures = 0
        self._only: Picture | None = None

    @property
    def held(self) -> int:
        """How many points are held."""
        return self._count

    def take(self, picture: Picture, found: Found) -> None:  # noqa: ARG002 - a sink's
        """Takes one picture's places in."""
        self._only = picture if self._pictures == 0 else None
        if self._pictures % self._stride == 0:
            tracks = picture.tracks
            for name, lon, lat in zip(picture.names, tracks.lon_deg.tolist(), tracks.lat_deg.tolist(), strict=True):
                self._trails.setdefault(name, []).append((picture.at_ms, lon, lat))
            self._count += len(picture.names)
        self._pictures += 1
        while self._count > self._most and len(self._trails) < self._count:
            self._thin()

    def _thin(self) -> None:
        self._stride *= 2
        self._trails = {name: trail[::2] for name, trail in self._trails.items()}
        self._count = sum(map(len, self._trails.values()))

    def draw(self, on: Map) -> None:
        """Puts the trails on a map."""
        for trail in self._trails.values():
            begin = 0
            for at in range(1, len(trail) + 1):
                if at == len(trail) or trail[at][0] - trail[at - 1][0] > BREAK_MS:
                    line = [(lon, lat) for _, lon, lat in trail[begin:at]]
                    if len(line) > 1:
                        on.trails.append(line)
                    else:
                        on.spots += line
                    begin = at
        if len(self._trails) <= MAX_NAMED:
            on.labels += [(name, trail[-1][1:]) for name, trail in self._trails.items()]
        on.legend.append(("trail" if len(on.trails) > MAX_NAMED else "bold", "track"))
        if self._only is not None:
            on.ahead += self._ahead(self._only)
            on.legend[-1] = ("ahead", f"course ahead, {self._look_ahead_ms / 1000:g} s")

    def _ahead(self, picture: Picture) -> Iterable[list[LonLat]]:
        then = advance(picture.tracks, picture.at_ms + self._look_ahead_ms)
        places = zip(picture.tracks.lon_deg, picture.tracks.lat_deg, then.lon_deg, then.lat_deg, strict=True)
        return ([(float(a), float(b)), (float(c), float(d))] for a, b, c, d in places)


def draw_areas(on: Map, named: NamedVolumes, hot: frozenset[str]) -> None:
    """Puts volumes on a map; those that something was found about are drawn so."""
    rings = [rings_of(volume) for volume in named.volumes]
    drawn = [at for at in range(len(rings)) if rings[at]][:MAX_AREAS]
    label = len(drawn) <= MAX_NAMED
    for at in drawn:
        name = named.names[named.owner[at]]
        on.areas.append(Area(name if label else "", rings[at], name in hot))
    on.legend.append(("area", "volume"))
    if hot:
        on.legend.append(("hot", "volume with a finding"))
    left_out = len(rings) - len(drawn)
    if left_out:
        on.subtitle += f"; {left_out} volumes are everywhere or too many, and not drawn"


def draw_marks(on: Map, episodes: Sequence[Episode], words: str) -> None:
    """Puts findings on a map, numbered as in the table."""
    marked = [(number, one) for number, one in enumerate(episodes, 1) if one.places]
    label = len(marked) <= MAX_NAMED
    on.marks += [Mark(str(number) if label else "", one.places) for number, one in marked[:MAX_MARKS]]
    if marked:
        on.legend.append(("mark", words))
    if len(marked) > MAX_MARKS:
        on.subtitle += f"; {len(marked) - MAX_MARKS} findings more"


def rings_of(volume: Volume) -> list[list[LonLat]]:
    """The border of a volume as it is read; none if it is everywhere."""
    shape = widest_reading(volume).shape
    match shape:
        case Polygon():
            return [list(shape.ring)]
        case Circle():
            course = np.linspace(0, 360, CIRCLE_SIDES, endpoint=False, dtype=np.float64)
            centre = np.full((2, CIRCLE_SIDES), [[shape.lat_deg], [shape.lon_deg]])
            lat, lon, _ = geodesy.direct(centre[0], centre[1], course, np.full(CIRCLE_SIDES, shape.radius_m))
            return [list(zip(lon.tolist(), lat.tolist(), strict=True))]
        case Corridor():
            edges = outline_of(shape).edges
            breaks = np.nonzero(np.any(edges[2:, :-1] != edges[:2, 1:], axis=0))[0] + 1
            return [[(float(x), float(y)) for x, y in part.T] for part in np.split(edges[:2], breaks, axis=1)]
        case _:
            return []


def write(path: Path, drawn: Map) -> None:
    """Writes a map. Raises Failure."""
    try:
        path.write_bytes(drawn.svg())
    except OSError as error:
        raise Failure(f"{path}: cannot be written: {error.strerror}", "give --plot a path that can be") from error
