"""A chart as SVG: lines over two axes, each linear or logarithmic, named at their ends.

The law: plain SVG with no script, no font of its own and no colour that carries meaning alone: each line has a mark of
its own and its name beside its last point. Enough for the pages of this repository, and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10
from typing import Final

WIDTH: Final = 820
HEIGHT: Final = 520
LEFT: Final = 78
RIGHT: Final = 190
TOP: Final = 48
BOTTOM: Final = 62
COLOURS: Final = ("#0b6e4f", "#08415c", "#c1292e", "#b8860b", "#6a4c93", "#4a4e69", "#8d5524")
LINE_PX: Final = 15

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: what it shows, from where to where, and whether a step is a factor."""

    title: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        """Powers of ten, or five to ten round numbers."""
        if self.log:
            return [10.0**power for power in range(ceil(log10(self.low)), floor(log10(self.high)) + 1)]
        rough = (self.high - self.low) / 6
        unit = 10.0 ** floor(log10(rough))
        step = next(unit * by for by in (1, 2, 5, 10) if unit * by >= rough)
        first = ceil(self.low / step - 1e-9)
        return [step * k for k in range(first, floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Curve:
    """A named line through points, with `labels` beside them; `left` has its name on the left of its last point."""

    name: str
    points: Sequence[Point]
    left: bool = False
    labels: Sequence[str] = ()
    dashed: bool = False


@dataclass
class Chart:
    """Curves over two axes."""

    title: str
    x: Axis
    y: Axis
    curves: list[Curve] = field(default_factory=list)

    def svg(self) -> str:
        """The whole picture."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="13" role="img">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            _text(LEFT, 26, self.title, 'font-size="15" font-weight="bold"'),
            *self._grid(),
        ]
        spots = self._names()
        for at, (curve, spot) in enumerate(zip(self.curves, spots, strict=True)):
            parts += self._curve(curve, COLOURS[at % len(COLOURS)], at, spot)
        return "\n".join([*parts, "</svg>", ""])

    def _place(self, point: Point) -> Point:
        return (
            LEFT + self.x.share(point[0]) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - self.y.share(point[1]) * (HEIGHT - TOP - BOTTOM),
        )

    def _grid(self) -> list[str]:
        parts = []
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        for tick in self.x.ticks:
            x, _ = self._place((tick, self.y.low))
            parts.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#dddddd"/>')
            parts.append(_text(x, bottom + 19, _number(tick), 'text-anchor="middle"'))
        for tick in self.y.ticks:
            _, y = self._place((self.x.low, tick))
            parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dddddd"/>')
            parts.append(_text(LEFT - 8, y + 4, _number(tick), 'text-anchor="end"'))
        parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="dimgray"/>')
        parts.append(_text((LEFT + right) / 2, HEIGHT - 18, self.x.title, 'text-anchor="middle"'))
        middle = (TOP + bottom) / 2
        turn = f'text-anchor="middle" transform="rotate(-90 18 {middle:.0f})"'
        return [*parts, _text(18, middle, self.y.title, turn)]

    def _names(self) -> list[float]:
        """How high each name stands: at its line's end, moved down where it would cover another."""
        ends = [self._place(curve.points[-1])[1] + 4 for curve in self.curves]
        spots = list(ends)
        order = sorted(range(len(ends)), key=lambda k: (-self.curves[k].points[-1][0], ends[k]))
        for at, k in enumerate(order):
            near = [j for j in order[:at] if abs(self._place(self.curves[j].points[-1])[0] - self._x_end(k)) < 150]
            while any(abs(spots[k] - spots[j]) < LINE_PX for j in near):
                spots[k] += 1
        return spots

    def _x_end(self, k: int) -> float:
        return self._place(self.curves[k].points[-1])[0]

    def _curve(self, curve: Curve, colour: str, at: int, name_y: float) -> list[str]:
        places = [self._place(point) for point in curve.points]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        dash = ' stroke-dasharray="6 5"' if curve.dashed else ""
        parts = [f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>']
        parts += [_mark(x, y, colour, at) for x, y in places]
        for (x, y), label in zip(places, curve.labels, strict=False):
            parts.append(_text(x - 6, y - 7, label, f'text-anchor="end" font-size="11" fill="{colour}"'))
        x, _ = places[-1]
        name_x, anchor = (x - 10, ' text-anchor="end"') if curve.left else (x + 10, "")
        return [*parts, _text(name_x, name_y, curve.name, f'fill="{colour}"{anchor}')]


def _mark(x: float, y: float, colour: str, at: int) -> str:
    match at % 4:
        case 0:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        case 1:
            return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{colour}"/>'
        case 2:
            return f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{colour}"/>'
        case _:
            return f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="{colour}"/>'


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"
