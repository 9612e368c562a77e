"""A sheet for pictures of words, boxes and arrows, as SVG that is readable on light and on dark pages.

The law: no script, no font of its own, no colour that carries meaning alone. Whoever writes over another word, or
over the edge, is refused: how wide a word is at most is reckoned by the widest of the usual fonts.
"""

from dataclasses import dataclass
from html import escape
from itertools import combinations, product
from math import atan2, ceil, cos, radians, sin
from typing import Final

SIZE: Final = 13
_NARROW: Final = frozenset("iljtfrI.,:;!|'()[]/ ·")
_WIDE: Final = frozenset("mwMW@%→←—…")
EDGE: Final = 8
_HEAD: Final = 7.0

Point = tuple[float, float]
Extent = tuple[float, float, float, float]

_LIGHT: Final = {
    "paper": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "rule": "#c4cbd3", "open": "#1a7f37",
    "degraded": "#8a6100", "suspect": "#bc4c00", "dead": "#cf222e", "a": "#0969da", "b": "#8250df",
}  # fmt: skip
_DARK: Final = {
    "paper": "#0d1117", "ink": "#e6edf3", "soft": "#9198a1", "rule": "#3d444d", "open": "#3fb950",
    "degraded": "#d29922", "suspect": "#f0883e", "dead": "#ff7b72", "a": "#58a6ff", "b": "#bc8cff",
}  # fmt: skip


class Overlap(Exception):
    """Two words of a picture cover each other, or one leaves the sheet."""


@dataclass(frozen=True)
class _Word:
    text: str
    extents: list[Extent]


class Paper:
    """One picture in the making. Kinds are names of colours: ink, soft, rule, open, degraded, suspect, dead, a, b."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._shapes: list[str] = []
        self._words: list[_Word] = []
        self._texts: list[str] = []

    def text(
        self, at: Point, text: str, kind: str = "ink", anchor: str = "start", size: int = SIZE, bold: bool = False,
        turn_deg: float = 0.0,
    ) -> None:  # fmt: skip
        """A line of words; `anchor` is start, middle or end. Words that are turned are turned about their place."""
        x, y = at
        wide = width(text, size) * (1.07 if bold else 1)
        left = -{"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        self._words.append(_Word(text, _extents(at, left, wide, size, radians(turn_deg))))
        more = ' font-weight="bold"' if bold else ""
        more += f' transform="rotate({turn_deg:.1f} {x:.1f} {y:.1f})"' if turn_deg else ""
        self._texts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>'
            f"{escape(text)}</text>"
        )

    def lines(self, at: Point, texts: list[str], kind: str = "ink", anchor: str = "start", size: int = SIZE) -> None:
        """Several lines of words below each other."""
        for nth, text in enumerate(texts):
            self.text((at[0], at[1] + nth * size * 1.3), text, kind, anchor, size)

    def box(self, at: Point, size: Point, kind: str = "rule", full: bool = False, round_px: int = 6) -> None:
        """A box by its upper left corner; `full` is tinted with its colour."""
        fill = f' fill-opacity="0.14" class="{kind} s-{kind}"' if full else f' class="none s-{kind}"'
        (x, y), (wide, high) = at, size
        self._on_the_sheet("a box", (x, y, x + wide, y + high))
        place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{round_px}"'
        self._shapes.append(f"<rect {place}{fill}/>")

    def line(self, points: list[Point], kind: str = "rule", dashed: bool = False, thick: float = 1.5) -> None:
        """A line through points."""
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._shapes.append(f'<path d="M{way}" class="none s-{kind}" stroke-width="{thick:g}"{dash}/>')

    def arrow(self, points: list[Point], kind: str = "soft", dashed: bool = False, lost: bool = False) -> None:
        """A line with a head at its end; one that is `lost` ends in a cross."""
        self.line(points, kind, dashed)
        (x0, y0), (x, y) = points[-2:]
        if lost:
            self.line([(x - 5, y - 5), (x + 5, y + 5)], kind, thick=2)
            self.line([(x - 5, y + 5), (x + 5, y - 5)], kind, thick=2)
            return
        way = atan2(y - y0, x - x0)
        sides = [(x - _HEAD * cos(way + turn), y - _HEAD * sin(way + turn)) for turn in (0.42, -0.42)]
        head = "L".join(f"{px:.1f} {py:.1f}" for px, py in ((x, y), *sides))
        self._shapes.append(f'<path d="M{head}Z" class="{kind}"/>')

    def svg(self) -> str:
        """The whole picture. Raises Overlap."""
        self._check()
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                'font-family="Verdana, DejaVu Sans, sans-serif" role="img">',
                f"<title>{escape(self.title)}</title>",
                f"<style>{_style(_LIGHT)}@media (prefers-color-scheme: dark){{{_style(_DARK)}}}</style>",
                f'<rect class="paper" width="{self.width}" height="{self.height}" rx="8"/>',
                *self._shapes,
                *self._texts,
                "</svg>",
                "",
            ]
        )

    def _on_the_sheet(self, what: str, extent: Extent) -> None:
        left, top, right, bottom = extent
        if left < EDGE or top < EDGE or right > self.width - EDGE or bottom > self.height - EDGE:
            raise Overlap(f"{self.title}: “{what}” leaves the sheet")

    def _check(self) -> None:
        for word in self._words:
            for extent in word.extents:
                self._on_the_sheet(word.text, extent)
        for one, other in combinations(self._words, 2):
            if any(_meet(*pair) for pair in product(one.extents, other.extents)):
                raise Overlap(f"{self.title}: “{one.text}” and “{other.text}” cover each other")


def width(text: str, size: int = SIZE) -> float:
    """How wide a line of words is at most."""
    shares = (0.36 if c in _NARROW else 0.98 if c in _WIDE else 0.74 if c.isupper() else 0.62 for c in text)
    return sum(shares) * size


def _extents(at: Point, left: float, wide: float, size: int, turn: float) -> list[Extent]:
    """Boxes that words cover: one, or for words that are turned one for each piece as long as a letter is high."""
    x, y = at
    if not turn:
        return [(x + left, y - 0.78 * size, x + left + wide, y + 0.24 * size)]
    out = []
    for nth in range(ceil(wide / size)):
        along = left + (nth + 0.5) * size
        middle = x + along * cos(turn) + 0.27 * size * sin(turn), y + along * sin(turn) - 0.27 * size * cos(turn)
        half = 0.55 * size
        out.append((middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half))
    return out


def _meet(one: Extent, other: Extent) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _style(colours: dict[str, str]) -> str:
    rules = [f".{kind}{{fill:{colour}}}.s-{kind}{{stroke:{colour}}}" for kind, colour in colours.items()]
    return "".join([*rules, ".none{fill:none}"])
