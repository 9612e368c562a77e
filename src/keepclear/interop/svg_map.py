"""A map as SVG: lines, areas and marks on longitude and latitude; values in, bytes out.

Law: a picture for people, not for measuring. Longitude is drawn by the cosine of the middle latitude, so that the scale
bar is right there; longitudes run on across the antimeridian from the first one given. No script, no font and no image
is loaded from anywhere; text that came from outside is escaped.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from keepclear.accord.figures import clean
from keepclear.geo.volume import LonLat

WIDTH: Final = 1_000.0
MARGIN: Final = 48.0
HEAD: Final = 64.0
FOOT: Final = 74.0
LEAST_HEIGHT: Final = 360.0
MOST_HEIGHT: Final = 1_400.0
MARK_R: Final = 4.5
MANY_MARKS: Final = 100
FEW: Final = 60  # so many lines are drawn boldly
LEAST_DEG: Final = 0.05  # a single point still has a map about it
NM_PER_DEGREE: Final = 60.04
STYLE: Final = """
text { font: 12px 'DejaVu Sans', Verdana, sans-serif; fill: #1c2733; }
.title { font-size: 16px; font-weight: bold; }
.small { font-size: 10px; fill: #51606f; }
.frame { fill: #fbfcfd; stroke: #7b8794; }
.grid { stroke: #dde3e9; stroke-width: 1; }
.trail { fill: none; stroke: #5b7fa6; stroke-width: 0.9; stroke-opacity: 0.5; }
.bold { fill: none; stroke: #3f6792; stroke-width: 1.8; }
.ahead { fill: none; stroke: #5b7fa6; stroke-width: 1; stroke-dasharray: 5 3; }
.spot { fill: #2f5578; }
.area { fill: #e0a030; fill-opacity: 0.22; stroke: #a86f10; stroke-width: 1; fill-rule: evenodd; }
.hot { fill: #d0342c; fill-opacity: 0.22; stroke: #a3170f; stroke-width: 1.2; fill-rule: evenodd; }
.mark { fill: none; stroke: #c21807; stroke-width: 1.8; }
.number { fill: #8d0f04; font-size: 11px; font-weight: bold; stroke: #ffffff; stroke-width: 2.5; paint-order: stroke; }
.label { fill: #2f5578; font-size: 10px; stroke: #ffffff; stroke-width: 2; paint-order: stroke; }
.name { fill: #6d4708; font-size: 11px; stroke: #ffffff; stroke-width: 2.5; paint-order: stroke; text-anchor: middle; }
"""


@dataclass(frozen=True, slots=True)
class Area:
    """A volume's rings, its name and whether something was found about it."""

    name: str
    rings: Sequence[Sequence[LonLat]]
    hot: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding: where its one or two aircraft are then, and what is written beside it ("" for nothing)."""

    text: str
    places: Sequence[LonLat]


@dataclass(slots=True)
class Map:
    """What is drawn. `trails` are where tracks were, `ahead` where they go on to, `spots` where they are,
    `labels` their names there."""

    title: str
    subtitle: str = ""
    trails: list[list[LonLat]] = field(default_factory=list)
    ahead: list[list[LonLat]] = field(default_factory=list)
    spots: list[LonLat] = field(default_factory=list)
    labels: list[tuple[str, LonLat]] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    def svg(self) -> bytes:
        """The map as an SVG document."""
        frame = _Frame(list(self._points()), len(self.marks))
        body = [
            *frame.grid(),
            *(f'<path class="{"hot" if area.hot else "area"}" d="{frame.rings(area.rings)}"/>' for area in self.areas),
            *(
                f'<polyline class="{"trail" if len(self.trails) > FEW else "bold"}" points="{frame.line(trail)}"/>'
                for trail in self.trails
            ),
            *(f'<polyline class="ahead" points="{frame.line(line)}"/>' for line in self.ahead),
            *(f'<circle class="spot" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>' for x, y in map(frame.xy, self.spots)),
            *(frame.label(words, place) for words, place in self.labels),
            *(frame.name(area) for area in self.areas if area.name),
            *(part for mark in self.marks for part in frame.mark(mark)),
        ]
        height = frame.bottom + FOOT
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img">',
            f"<title>{_text(self.title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            f'<text class="title" x="{MARGIN}" y="26">{_text(self.title)}</text>',
            f'<text class="small" x="{MARGIN}" y="44">{_text(self.subtitle)}</text>',
            f'<clipPath id="map"><rect {frame.box}/></clipPath>',
            f'<rect class="frame" {frame.box}/>',
            '<g clip-path="url(#map)">',
        ]
        tail = ["</g>", *frame.labels(), *frame.north(), *frame.scale(), *_legend(self.legend, frame.bottom), "</svg>"]
        return "\n".join([*head, *body, *tail, ""]).encode()

    def _points(self) -> Iterable[LonLat]:
        for line in (*self.trails, *self.ahead):
            yield from line
        yield from self.spots
        for area in self.areas:
            for ring in area.rings:
                yield from ring
        for mark in self.marks:
            yield from mark.places


class _Frame:
    """The part of the earth that is shown, and where it comes on the page."""

    def __init__(self, points: Sequence[LonLat], marks: int) -> None:
        points = points or [(0.0, 0.0)]
        self._lon0 = points[0][0]
        lons = [self._near(lon) for lon, _ in points]
        lats = [lat for _, lat in points]
        west, east, south, north = min(lons), max(lons), min(lats), max(lats)
        middle = (south + north) / 2
        self._squeeze = max(math.cos(math.radians(middle)), 0.02)
        across, up = max((east - west) * self._squeeze, LEAST_DEG), max(north - south, LEAST_DEG)
        self._width = WIDTH - 2 * MARGIN
        self._height = min(max(self._width * up / across, LEAST_HEIGHT), MOST_HEIGHT)
        self._per_degree = 0.94 * min(self._width / across, self._height / up)
        self._centre = ((west + east) / 2, middle)
        self.bottom = HEAD + self._height
        self.mark_r = MARK_R if marks <= MANY_MARKS else MARK_R / 2

    @property
    def box(self) -> str:
        """The frame's rectangle as attributes."""
        return f'x="{MARGIN}" y="{HEAD}" width="{self._width}" height="{self._height:.1f}"'

    def xy(self, place: LonLat) -> tuple[float, float]:
        """Where a place comes on the page."""
        lon, lat = place
        x = MARGIN + self._width / 2 + (self._near(lon) - self._centre[0]) * self._squeeze * self._per_degree
        return x, HEAD + self._height / 2 - (lat - self._centre[1]) * self._per_degree

    def line(self, places: Sequence[LonLat]) -> str:
        """Places as the points of a polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.xy, places))

    def rings(self, rings: Sequence[Sequence[LonLat]]) -> str:
        """Rings as a path."""
        return " ".join(f"M{self.line(ring).replace(' ', ' L')} Z" for ring in rings if ring)

    def name(self, area: Area) -> str:
        """An area's name in the middle of its box."""
        ends = [self.xy(place) for ring in area.rings for place in ring]
        x = (min(x for x, _ in ends) + max(x for x, _ in ends)) / 2
        y = (min(y for _, y in ends) + max(y for _, y in ends)) / 2
        return f'<text class="name" x="{x:.1f}" y="{y + 4:.1f}">{_text(area.name)}</text>'

    def label(self, words: str, place: LonLat) -> str:
        """A track's name beside its newest place."""
        x, y = self.xy(place)
        return f'<text class="label" x="{x + 5:.1f}" y="{y + 12:.1f}">{_text(words)}</text>'

    def mark(self, mark: Mark) -> Iterable[str]:
        """A finding: a ring about each aircraft, a line between two, and the text."""
        ends = [self.xy(place) for place in mark.places]
        yield from (f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="{self.mark_r}"/>' for x, y in ends)
        if len(ends) > 1:
            yield f'<polyline class="mark" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in ends)}"/>'
        if mark.text:
            yield f'<text class="number" x="{ends[0][0] + 7:.1f}" y="{ends[0][1] - 6:.1f}">{_text(mark.text)}</text>'

    def grid(self) -> list[str]:
        """Meridians and parallels."""
        lines = [((x, HEAD), (x, self.bottom)) for _, x in self._meridians()]
        lines += [((MARGIN, y), (WIDTH - MARGIN, y)) for _, y in self._parallels()]
        return [f'<line class="grid" x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}"/>' for (a, b), (c, d) in lines]

    def labels(self) -> list[str]:
        """The degrees at the frame."""
        at_edge = [(x, self.bottom + 14, "middle", _degrees(lon, "EW")) for lon, x in self._meridians()]
        at_edge += [(MARGIN - 4, y + 3, "end", _degrees(lat, "NS")) for lat, y in self._parallels()]
        return [
            f'<text class="small" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
            for x, y, anchor, words in at_edge
        ]

    def north(self) -> list[str]:
        """An arrow to the north; up is north everywhere on this map."""
        x, y = WIDTH - MARGIN - 10, 20
        return [
            f'<path d="M{x},{y - 10} L{x + 6},{y + 14} L{x},{y + 8} L{x - 6},{y + 14} Z" fill="#1c2733"/>',
            f'<text x="{x - 12}" y="{y + 8}" text-anchor="end">N</text>',
        ]

    def scale(self) -> list[str]:
        """A bar of a round number of nautical miles, with its kilometres."""
        miles = _round_below(0.25 * self._width / self._per_degree * NM_PER_DEGREE)
        length = miles / NM_PER_DEGREE * self._per_degree
        x, y = WIDTH - MARGIN - length, self.bottom + 36
        bar = f"M{x:.1f},{y - 5:.1f} V{y:.1f} H{x + length:.1f} V{y - 5:.1f}"
        words = f"{miles:g} NM, {miles * 1.852:.3g} km"
        return [
            f'<path d="{bar}" fill="none" stroke="#1c2733" stroke-width="1.5"/>',
            f'<text x="{x + length:.1f}" y="{y + 16:.1f}" text-anchor="end">{words}</text>',
        ]

    def _near(self, lon: float) -> float:
        return lon + 360 * round((self._lon0 - lon) / 360)

    def _meridians(self) -> list[tuple[float, float]]:
        half = self._width / 2 / self._per_degree / self._squeeze
        lons = _round_between(self._centre[0] - half, self._centre[0] + half)
        return [
            (lon, self._width / 2 + MARGIN + (lon - self._centre[0]) * self._squeeze * self._per_degree) for lon in lons
        ]

    def _parallels(self) -> list[tuple[float, float]]:
        half = self._height / 2 / self._per_degree
        lats = _round_between(self._centre[1] - half, self._centre[1] + half)
        return [(lat, self.xy((self._lon0, lat))[1]) for lat in lats if abs(lat) <= 90]


def _legend(items: Sequence[tuple[str, str]], bottom: float) -> Iterable[str]:
    """Samples of each class drawn, with its words, in one row below the map."""
    x, y = MARGIN, bottom + 42
    for kind, words in items:
        if kind in ("area", "hot"):
            yield f'<rect class="{kind}" x="{x:.0f}" y="{y - 10:.0f}" width="22" height="12"/>'
        elif kind in ("mark", "spot"):
            yield f'<circle class="{kind}" cx="{x + 11:.0f}" cy="{y - 4:.0f}" r="{MARK_R if kind == "mark" else 2.2}"/>'
        else:
            yield f'<polyline class="{kind}" points="{x:.0f},{y - 4:.0f} {x + 22:.0f},{y - 4:.0f}"/>'
        yield f'<text x="{x + 28:.0f}" y="{y:.0f}">{_text(words)}</text>'
        x += 52 + 6.9 * len(words)


def _round_below(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return power * max(factor for factor in (1, 2, 5) if factor * power <= value * (1 + 1e-9))


def _round_between(low: float, high: float) -> list[float]:
    """Round numbers, four to ten of them."""
    step = _round_below((high - low) / 4)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _degrees(value: float, letters: str) -> str:
    value = math.remainder(value, 360) if letters == "EW" else value
    return f"{abs(round(value, 6)):g}°{'' if abs(value) < 1e-9 else letters[0] if value > 0 else letters[1]}"


def _text(words: str) -> str:
    return escape(clean(words))
