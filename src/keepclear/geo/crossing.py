"""Crossing: when legs are inside areas, height and clock apart.

Law: the exact verdict. A leg is cut wherever it may cross a border and each part is judged by its middle, on the true
geodesic: a cut too many does no harm, and the border's corners need no special case. Legs are laid in pieces so short
that a piece and a straight line in (longitude, latitude) differ by 1 m at most; a parabola through its ends and its
middle follows it to a few millimetres (1 m within 1 km of a pole, 50 m within 100 m), and where that crosses an edge's
line, at whatever angle, is a root of a quadratic. So an interval may be missed only if it nowhere reaches 1 cm into the
area.

"Perhaps inside" is inside or nearer to the border than the error of the position. It is reckoned in a flat chart
about each piece and widened by the chart's own error, so that it is never too short: 1 % and 2 m too long usually,
more near a pole.
"""

from dataclasses import dataclass

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.course import METRES_PER_DEGREE, Courses
from keepclear.geo.earth import E2, EQUATOR_M, MEAN_M, arc_to_chord_m, sin_cos_deg, wrap_deg
from keepclear.geo.interval import Spans, merged, together
from keepclear.geo.motion import Legs, Relative, time_of_least, times_within
from keepclear.geo.sieve import MAX_PIECE_M, SAG_M, Pairs, padded_m, top_deg
from keepclear.geo.units import FloatArray, IntArray
from keepclear.geo.volumes import CHORD_M, Volumes, expand

_MIN_PIECE_M, _MAX_PIECES = 50.0, 65_536
_NODE_SLACK = 1e-6
"""A part of a piece: a time on the seam of two pieces is in both."""
_CUT_SLACK_M = 5.0
_SLACK_DEG = _CUT_SLACK_M / METRES_PER_DEGREE
TOUCH_S = 1e-6
_WIDER = 1.0006
_NEAREST_ROUNDS, _ROOT_ROUNDS = 4, 40
_SETTLED_S = 1e-4


def spans_inside(legs: Legs, volumes: Volumes, pairs: Pairs) -> tuple[Spans, Spans]:
    """When in its time in band and window each pair's leg is inside, and perhaps inside; by the pair's number, merged.

    Spans are whole within first_perhaps and last_perhaps of their pair; what they are beyond is not said.
    """
    number = np.arange(len(pairs))
    edged, round_ = volumes.has_edges[pairs.volume], volumes.is_round[pairs.volume]
    sure, perhaps = _everywhere(pairs, number[~edged & ~round_])
    for part, spans_of in ((number[edged], _through_edges), (number[round_], _through_circles)):
        if part.size:
            more_sure, more_perhaps = spans_of(legs, volumes, pairs, part)
            sure, perhaps = together(sure, more_sure), together(perhaps, more_perhaps)
    sure = merged(sure, TOUCH_S)
    return sure, merged(together(perhaps, sure), TOUCH_S)


def _everywhere(pairs: Pairs, number: IntArray) -> tuple[Spans, Spans]:
    leg = pairs.leg[number]
    spans = Spans(number, pairs.first_perhaps[number], pairs.last_perhaps[number], leg, np.zeros(len(leg), dtype=bool))
    return spans, spans


def _through_circles(legs: Legs, volumes: Volumes, pairs: Pairs, number: IntArray) -> tuple[Spans, Spans]:
    leg, volume = pairs.leg[number], pairs.volume[number]
    relative = Relative(legs.movers(leg), volumes.centre[:, volume])
    least = time_of_least(relative, legs.length_s[leg])
    # The circle and the circle made wider by the error, asked in one go.
    twice = np.tile(np.arange(len(number)), 2)
    error = legs.pos_err_m[leg]
    radius = np.concatenate(
        [volumes.radius_m[volume], volumes.radius_m[volume] + np.where(error > 0, error + SAG_M, 0.0)]
    )
    leg, volume, least = leg[twice], volume[twice], least[twice]
    wide = radius > CHORD_M
    chord = arc_to_chord_m(radius * np.where(wide, _WIDER, 1.0))
    within, enter, leave = times_within(relative.take(twice), least, legs.length_s[leg], chord)
    far = np.nonzero(wide[within])[0]
    if far.size:
        asked = within[far]
        circles = _WideCircles(legs, volumes, leg[asked], volume[asked], radius[asked])
        enter[far], leave[far] = circles.times(least[asked], enter[far], leave[far])
    spans = Spans(number[twice[within]], enter, leave, leg[within], enter > 0)
    sure = within < len(number)
    return spans.take(sure & (enter < leave)), spans.take(~sure & (enter < leave))


@dataclass(frozen=True, slots=True)
class _WideCircles:
    """Legs against circles so wide that a chord with one mean radius of the earth is up to 0.03 % off."""

    legs: Legs
    volumes: Volumes
    leg: IntArray
    volume: IntArray
    radius_m: FloatArray

    def times(self, least: FloatArray, enter: FloatArray, leave: FloatArray) -> tuple[FloatArray, FloatArray]:
        """From when until when legs are inside, by the true distance, from guesses; upside down if never."""
        length, speed = self.legs.length_s[self.leg], self.legs.speed_mps[self.leg]
        for _ in range(_NEAREST_ROUNDS):
            away, opening = self._excess(least)
            # On a sphere the distance d grows by the square of the speed across, over R tan (d / R).
            across2 = speed**2 - opening**2
            growth = across2 / (MEAN_M * np.tan(np.clip((away + self.radius_m) / MEAN_M, 1e-3, 1.5)))
            step = np.where(growth > 1e-9, opening / np.maximum(growth, 1e-9), 0.0)
            least = np.clip(least - step, 0.0, length)
        inside = self._excess(least)[0] < 0
        enter = self._root(np.zeros_like(length), least, enter)
        leave = self._root(length, least, leave)
        return np.where(inside, enter, 0.0), np.where(inside, leave, 0.0)

    def _excess(self, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How far outside of the circle at a time (m), and how fast that grows (m/s)."""
        legs, leg = self.legs, self.leg
        lat, lon, azimuth = legs.line.take(leg).position(legs.lead_m[leg] + legs.speed_mps[leg] * time)
        away, _, outward = geodesy.inverse(
            self.volumes.lat_deg[self.volume], self.volumes.lon_deg[self.volume], lat, lon
        )
        return away - self.radius_m, legs.speed_mps[leg] * np.cos(np.radians(azimuth - outward))

    def _root(self, far: FloatArray, near: FloatArray, guess: FloatArray) -> FloatArray:
        """Between far times and near ones that are inside, where the border is; the far time if that is inside."""
        ends = self._excess(far)[0] < 0
        outer, inner = far, near
        time = np.clip(guess, np.minimum(far, near), np.maximum(far, near))
        for _ in range(_ROOT_ROUNDS):
            away, opening = self._excess(time)
            outer, inner = np.where(away >= 0, time, outer), np.where(away < 0, time, inner)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                newton = time - away / opening
            safe = (newton >= np.minimum(outer, inner)) & (newton <= np.maximum(outer, inner))
            following = np.where(safe, newton, (outer + inner) / 2)
            settled = np.all(ends | (np.abs(following - time) <= _SETTLED_S))
            time = following
            if settled:
                break
        return np.where(ends, far, time)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Pieces of courses in degrees, from ends[:2] to ends[2:], longitudes running on: ends + bulge u (1 - u) at u."""

    first: IntArray
    leg: IntArray
    begin_s: FloatArray
    length_s: FloatArray
    ends: FloatArray
    bulge: FloatArray

    @property
    def middle(self) -> FloatArray:
        """The longitude half way."""
        middle: FloatArray = (self.ends[0] + self.ends[2]) / 2
        return middle


def _laid(courses: Courses) -> _Pieces:
    """Courses in pieces; `first` has one element more than there are courses."""
    legs, leg = courses.legs, courses.leg
    way = np.abs(legs.speed_mps[leg]) * legs.length_s[leg]
    top = np.radians(np.maximum(top_deg(legs, leg), 1e-6))
    step = np.clip(np.sqrt(8 * MEAN_M * SAG_M / np.tan(top)), _MIN_PIECE_M, MAX_PIECE_M)
    count = np.clip(np.ceil(way / step), 1, _MAX_PIECES).astype(np.int64)
    which, node = expand(np.zeros_like(count), 2 * count + 1)
    time = legs.length_s[leg[which]] * node / (2 * count[which])
    lat, lon = courses.at(which, time)
    start = np.nonzero((node < 2 * count[which]) & (node % 2 == 0))[0]
    half, whole = wrap_deg(lon[start + 1] - lon[start]), wrap_deg(lon[start + 2] - lon[start])
    ends = np.stack([lon[start], lat[start], lon[start] + whole, lat[start + 2]])
    bulge = np.stack([4 * half - 2 * whole, 4 * lat[start + 1] - 2 * (lat[start] + lat[start + 2])])
    return _Pieces(np.cumsum([0, *count]), leg[which[start]], time[start], time[start + 2] - time[start], ends, bulge)


def _near_pieces(legs: Legs, pairs: Pairs, pieces: _Pieces, course: IntArray) -> tuple[IntArray, IntArray]:
    """For each pair the pieces of its course within the time it is near, with the pair's place in front."""
    first, count = pieces.first[course], np.diff(pieces.first)[course]
    a_second = count / legs.length_s[pairs.leg]
    begin = np.clip(np.floor(pairs.near_from * a_second - _NODE_SLACK), 0, count - 1).astype(np.int64)
    end = np.clip(np.ceil(pairs.near_until * a_second + _NODE_SLACK), begin + 1, count).astype(np.int64)
    return expand(first + begin, first + end)


def _through_edges(legs: Legs, volumes: Volumes, pairs: Pairs, number: IntArray) -> tuple[Spans, Spans]:
    wanted, course = np.unique(pairs.leg[number], return_inverse=True)
    courses = Courses.of(legs, wanted)
    pieces = _laid(courses)
    pad_m = padded_m(legs.pos_err_m[pieces.leg], np.maximum(np.abs(pieces.ends[1]), np.abs(pieces.ends[3])))
    low, high = _padded_boxes(pieces, pad_m)
    row, piece = _near_pieces(legs, pairs.take(number), pieces, course)
    volume = pairs.volume[number[row]]
    turn = volumes.near_volume(volume, pieces.middle[piece]) - pieces.middle[piece]
    near = _boxes_meet(low, high, piece, turn, volumes.box, volume)
    row, piece, turn, volume = row[near], piece[near], turn[near], volume[near]
    part, edge = expand(volumes.first[volume], volumes.first[volume + 1])
    close = _boxes_meet(low, high, piece[part], turn[part], volumes.edge_box, edge)
    part, corners = part[close], volumes.edges[:, edge[close]]
    ends = pieces.ends[:, piece]
    ends = np.stack([ends[0] + turn, ends[1], ends[2] + turn, ends[3]])
    row, piece, ends = row[part], piece[part], ends[:, part]
    sure = _judged(courses, volumes, pairs, number, course, _cuts(pieces, row, piece, ends, corners))
    unsure = pad_m[piece] > 0
    pair, piece = number[row[unsure]], piece[unsure]
    perhaps = _grazes(pieces, pair, piece, ends[:, unsure], corners[:, unsure], pad_m[piece])
    return sure, perhaps


def _padded_boxes(pieces: _Pieces, pad_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Low and high corners (lon, lat) of the boxes that hold pieces and pad_m about them."""
    ends, bent = pieces.ends, np.abs(pieces.bulge) / 4
    pad_lat = (pad_m + _CUT_SLACK_M) / METRES_PER_DEGREE
    top = np.minimum(np.maximum(np.abs(ends[1]), np.abs(ends[3])) + pad_lat, 90.0)
    pad = np.stack([np.minimum(pad_lat / np.maximum(np.cos(np.radians(top)), 1e-9), 360.0), pad_lat])
    return np.minimum(ends[:2], ends[2:]) - pad - bent, np.maximum(ends[:2], ends[2:]) + pad + bent


def _boxes_meet(
    low: FloatArray, high: FloatArray, piece: IntArray, turn: FloatArray, boxes: FloatArray, box: IntArray
) -> IntArray:
    """Of (piece turned by degrees of longitude, box) pairs, which have boxes that meet; latitude first, as cheaper."""
    near = np.nonzero((low[1][piece] <= boxes[3][box]) & (high[1][piece] >= boxes[1][box]))[0]
    piece, box, turn = piece[near], box[near], turn[near]
    meet: IntArray = near[(low[0][piece] + turn <= boxes[2][box]) & (high[0][piece] + turn >= boxes[0][box])]
    return meet


def _cuts(
    pieces: _Pieces, row: IntArray, piece: IntArray, ends: FloatArray, corners: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Times at which pieces cross edges (a few metres beyond their ends too), with the pairs' places in front."""
    bulge = pieces.bulge[:, piece]
    dx, dy, ex, ey = ends[2] - ends[0], ends[3] - ends[1], corners[2] - corners[0], corners[3] - corners[1]
    ox, oy = ends[0] - corners[0], ends[1] - corners[1]
    # How far beside the edge's line the piece is at u: off + slope u - bend u**2, with two roots, one or none.
    off, bend = ox * ey - oy * ex, bulge[0] * ey - bulge[1] * ex
    slope = dx * ey - dy * ex + bend
    slack_u, slack_w = (_SLACK_DEG / np.maximum(np.hypot(x, y), 1e-12) for x, y in ((dx, dy), (ex, ey)))
    hits, times = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        q = (slope + np.copysign(np.sqrt(slope**2 + 4 * bend * off), slope)) / 2
        for u in (-off / q, q / bend):
            x, y = (o + u * (d + (1 - u) * b) for o, d, b in ((ox, dx, bulge[0]), (oy, dy, bulge[1])))
            w = (x * ex + y * ey) / (ex * ex + ey * ey)
            hit = np.nonzero((np.abs(u - 0.5) <= 0.5 + slack_u) & (np.abs(w - 0.5) <= 0.5 + slack_w))[0]
            hits.append(row[hit])
            times.append(pieces.begin_s[piece[hit]] + u[hit] * pieces.length_s[piece[hit]])
    return np.concatenate(hits), np.concatenate(times)


def _judged(
    courses: Courses,
    volumes: Volumes,
    pairs: Pairs,
    number: IntArray,
    course: IntArray,
    cuts: tuple[IntArray, FloatArray],
) -> Spans:
    """The parts between cuts, in the time in band and window, whose middle is inside."""
    from_s, until_s = pairs.first_perhaps[number], pairs.last_perhaps[number]
    every = np.arange(len(number))
    row = np.concatenate([cuts[0], every, every])
    time = np.concatenate([np.clip(cuts[1], from_s[cuts[0]], until_s[cuts[0]]), from_s, until_s])
    order = np.lexsort((time, row))
    row, time = row[order], time[order]
    part = np.nonzero((row[1:] == row[:-1]) & (time[1:] > time[:-1]))[0]
    row, begin, end = row[part], time[part], time[part + 1]
    lat, lon = courses.at(course[row], (begin + end) / 2)
    pair = number[row]
    inside = volumes.contain(pairs.volume[pair], lat, lon)
    return Spans(pair, begin, end, pairs.leg[pair], begin > from_s[row]).take(inside)


def _grazes(
    pieces: _Pieces, pair: IntArray, piece: IntArray, ends: FloatArray, corners: FloatArray, error_m: FloatArray
) -> Spans:
    """When pieces are nearer than error_m to edges, in the flat chart about the middle of each piece."""
    middle = (ends[1] + ends[3]) / 2
    sin_lat, cos_lat = sin_cos_deg(middle)
    bend = 1 - E2 * sin_lat**2
    north = np.radians(EQUATOR_M * (1 - E2) / bend**1.5)
    east = np.radians(EQUATOR_M * cos_lat / np.sqrt(bend))
    px, py = (ends[0] - corners[0]) * east, (ends[1] - corners[1]) * north
    dx, dy = (ends[2] - ends[0]) * east, (ends[3] - ends[1]) * north
    ex, ey = (corners[2] - corners[0]) * east, (corners[3] - corners[1]) * north
    long = np.maximum(np.hypot(ex, ey), 1e-9)
    ex, ey = ex / long, ey / long
    beside = _between(px * ey - py * ex, dx * ey - dy * ex, -error_m, error_m)
    along = _between(px * ex + py * ey, dx * ex + dy * ey, np.zeros_like(long), long)
    slab = np.maximum(beside[0], along[0]), np.minimum(beside[1], along[1])
    ends_of_edge = _near_point(px, py, dx, dy, error_m), _near_point(px - long * ex, py - long * ey, dx, dy, error_m)
    begin, end = np.full_like(long, np.inf), np.full_like(long, -np.inf)
    for first, last in (slab, *ends_of_edge):
        real = first < last
        begin, end = np.where(real, np.minimum(begin, first), begin), np.where(real, np.maximum(end, last), end)
    hit = begin < end
    piece = piece[hit]
    start, length = pieces.begin_s[piece], pieces.length_s[piece]
    begin, end = start + begin[hit] * length, start + end[hit] * length
    return Spans(pair[hit], begin, end, pieces.leg[piece], begin > 0)


def _between(value: FloatArray, slope: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The part of [0, 1] in which low <= value + slope u <= high; upside down if none."""
    level = np.abs(slope) < 1e-9
    safe = np.where(level, 1.0, slope)
    one, two = (low - value) / safe, (high - value) / safe
    first, last = np.maximum(np.minimum(one, two), 0.0), np.minimum(np.maximum(one, two), 1.0)
    held = (value >= low) & (value <= high)
    return np.where(level, 0.0, first), np.where(level, np.where(held, 1.0, -1.0), last)


def _near_point(
    px: FloatArray, py: FloatArray, dx: FloatArray, dy: FloatArray, error_m: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The part of [0, 1] in which (px, py) + u (dx, dy) is nearer than error_m to the origin; upside down if none."""
    speed2 = dx**2 + dy**2
    still = speed2 < 1e-9
    safe = np.where(still, 1.0, speed2)
    middle = -(px * dx + py * dy) / safe
    short2 = error_m**2 - np.where(still, px**2 + py**2, (px * dy - py * dx) ** 2 / safe)
    half = np.sqrt(np.maximum(short2, 0) / safe)
    first, last = np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
    none = short2 <= 0
    first, last = np.where(still, 0.0, first), np.where(still, 1.0, last)
    return np.where(none, 1.0, first), np.where(none, 0.0, last)
