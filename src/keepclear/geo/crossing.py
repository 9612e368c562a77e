"""Crossing: when legs are inside areas, height and clock apart.

Law: the exact verdict. A leg is cut wherever it may cross a border and each part is judged by its middle, on the true
geodesic: a cut too many does no harm, and the border's corners need no special case. Legs are laid in pieces so short
that a piece and a straight line in (longitude, latitude) differ by 1 m at most (50 m within 1 km of a pole); each cut
is then moved onto the geodesic. So an interval may be missed only if it nowhere reaches 1 m into the area.

"Perhaps inside" is inside or nearer to the border than the error of the position. It is reckoned in a flat chart
about each piece and widened by the chart's own error, so that it is never too short: 1 % and 2 m too long usually,
more near a pole.
"""

from dataclasses import dataclass

import numpy as np

from keepclear.geo import geodesy
from keepclear.geo.earth import E2, EQUATOR_M, MEAN_M, arc_to_chord_m, dot, sin_cos_deg, wrap_deg
from keepclear.geo.interval import Spans, merged, together
from keepclear.geo.motion import Legs, Relative, time_of_least, times_within
from keepclear.geo.units import BoolArray, FloatArray, IntArray
from keepclear.geo.volumes import CHORD_M, Volumes, expand

SAG_M = 1.0
_MIN_PIECE_M, _MAX_PIECE_M, _MAX_PIECES = 50.0, 20_000.0, 65_536
_METRES_PER_DEGREE = 110_500.0
"""Less than the shortest degree of latitude on WGS-84, so that a pad in degrees is never too small."""
_CUT_SLACK_M = 5.0
TOUCH_S = 1e-6


@dataclass(frozen=True, slots=True)
class Pairs:
    """Legs against volumes, one pair an element."""

    leg: IntArray
    volume: IntArray

    def __len__(self) -> int:
        return len(self.leg)

    def take(self, index: IntArray | BoolArray) -> "Pairs":
        """The pairs at an index array or mask."""
        return Pairs(self.leg[index], self.volume[index])


def candidates(legs: Legs, volumes: Volumes) -> Pairs:
    """The pairs of a leg's tangent, as thick as it bends, and a volume's ball: all that can meet, some that do not."""
    place, velocity, bend_m = legs.tangents
    velocity = velocity[:, :, None]
    apart = volumes.centre[:, None, :] - place[:, :, None]
    half_s = legs.length_s[:, None] / 2
    time = np.clip(dot(apart, velocity) / np.maximum(dot(velocity, velocity), 1e-12), -half_s, half_s)
    apart = apart - velocity * time
    reach = (bend_m + legs.pos_err_m + 10)[:, None] + volumes.reach_m
    return Pairs(*np.nonzero(dot(apart, apart) <= reach**2))


def spans_inside(legs: Legs, volumes: Volumes, pairs: Pairs) -> tuple[Spans, Spans]:
    """When each pair's leg is inside, and when it is perhaps inside; keyed by the pair's number, merged."""
    number = np.arange(len(pairs))
    edged, round_ = volumes.has_edges[pairs.volume], volumes.is_round[pairs.volume]
    sure, perhaps = _everywhere(legs, pairs, number[~edged & ~round_])
    for part, spans_of in ((number[edged], _through_edges), (number[round_], _through_circles)):
        if part.size:
            more_sure, more_perhaps = spans_of(legs, volumes, pairs, part)
            sure, perhaps = together(sure, more_sure), together(perhaps, more_perhaps)
    sure = merged(sure, TOUCH_S)
    return sure, merged(together(perhaps, sure), TOUCH_S)


def _everywhere(legs: Legs, pairs: Pairs, number: IntArray) -> tuple[Spans, Spans]:
    leg = pairs.leg[number]
    zero = np.zeros(len(number))
    spans = Spans(number, zero, legs.length_s[leg], leg, zero > 0)
    return spans, spans


def _padded(pos_err_m: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """The position error with the error of a flat chart that is as wide as it and a piece."""
    steep = np.tan(np.radians(np.minimum(np.abs(lat_deg), 89.9)))
    piece_m = np.minimum(np.sqrt(8 * MEAN_M * SAG_M / np.maximum(steep, 1e-6)), _MAX_PIECE_M)
    share = 0.005 + (pos_err_m + piece_m) * (steep + 0.1) / MEAN_M
    padded: FloatArray = np.where(pos_err_m > 0, pos_err_m * (1 + share) + SAG_M, 0.0)
    return padded


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
    leg, volume = leg[twice], volume[twice]
    within, enter, leave = times_within(relative.take(twice), least[twice], legs.length_s[leg], arc_to_chord_m(radius))
    wide = np.nonzero(radius[within] > CHORD_M)[0]
    if wide.size:
        some = leg[within[wide]], volume[within[wide]], radius[within[wide]]
        enter[wide] = _onto_circle(legs, volumes, *some, enter[wide])
        leave[wide] = _onto_circle(legs, volumes, *some, leave[wide])
    spans = Spans(number[twice[within]], enter, leave, leg[within], enter > 0)
    sure = within < len(number)
    return spans.take(sure & (enter < leave)), spans.take(~sure & (enter < leave))


def _onto_circle(
    legs: Legs, volumes: Volumes, leg: IntArray, volume: IntArray, radius: FloatArray, time: FloatArray
) -> FloatArray:
    """One step of Newton with the true geodesic distance: the chord of a wide circle is up to 0.03 % off."""
    lat, lon, azimuth = legs.line.take(leg).position(legs.lead_m[leg] + legs.speed_mps[leg] * time)
    away, _, outward = geodesy.inverse(volumes.lat_deg[volume], volumes.lon_deg[volume], lat, lon)
    opening = legs.speed_mps[leg] * np.cos(np.radians(azimuth - outward))
    inner = (time > 0) & (time < legs.length_s[leg]) & (np.abs(opening) > 1)
    step = np.where(inner, (radius - away) / np.where(inner, opening, 1.0), 0.0)
    limit = (10 + 0.001 * radius) / np.maximum(legs.speed_mps[leg], 1.0) * 10
    moved: FloatArray = np.clip(time + np.clip(step, -limit, limit), 0.0, legs.length_s[leg])
    return moved


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Pieces of legs as segments in degrees, longitudes running on within a leg's piece."""

    first: IntArray
    leg: IntArray
    begin_s: FloatArray
    length_s: FloatArray
    ends: FloatArray

    @property
    def middle(self) -> FloatArray:
        """The longitude half way."""
        middle: FloatArray = (self.ends[0] + self.ends[2]) / 2
        return middle


def _laid(legs: Legs, wanted: IntArray) -> _Pieces:
    """The legs of a sorted list in pieces; `first` has one element more than the list."""
    way = legs.speed_mps[wanted] * legs.length_s[wanted]
    lat, _ = legs.position(wanted, legs.length_s[wanted] / 2)
    top = np.radians(np.minimum(np.abs(lat) + way / 2 / _METRES_PER_DEGREE, 89.99))
    step = np.clip(np.sqrt(8 * MEAN_M * SAG_M / np.tan(np.maximum(top, 1e-6))), _MIN_PIECE_M, _MAX_PIECE_M)
    count = np.clip(np.ceil(way / step), 1, _MAX_PIECES).astype(np.int64)
    which, node = expand(np.zeros_like(count), count + 1)
    leg = wanted[which]
    time = legs.length_s[leg] * node / count[which]
    node_lat, node_lon = legs.position(leg, time)
    start = np.nonzero(node < count[which])[0]
    turn = wrap_deg(node_lon[start + 1] - node_lon[start])
    ends = np.stack([node_lon[start], node_lat[start], node_lon[start] + turn, node_lat[start + 1]])
    return _Pieces(np.cumsum([0, *count]), leg[start], time[start], time[start + 1] - time[start], ends)


def _through_edges(legs: Legs, volumes: Volumes, pairs: Pairs, number: IntArray) -> tuple[Spans, Spans]:
    wanted, place = np.unique(pairs.leg[number], return_inverse=True)
    pieces = _laid(legs, wanted)
    pad_m = _padded(legs.pos_err_m[pieces.leg], np.maximum(np.abs(pieces.ends[1]), np.abs(pieces.ends[3])))
    low, high = _padded_boxes(pieces.ends, pad_m)
    row, piece = expand(pieces.first[place], pieces.first[place + 1])
    volume = pairs.volume[number[row]]
    turn = volumes.near_volume(volume, pieces.middle[piece]) - pieces.middle[piece]
    near = _boxes_meet(low, high, piece, turn, volumes.box, volume)
    row, piece, turn, volume = row[near], piece[near], turn[near], volume[near]
    part, edge = expand(volumes.first[volume], volumes.first[volume + 1])
    close = _boxes_meet(low, high, piece[part], turn[part], volumes.edge_box, edge)
    part, corners = part[close], volumes.edges[:, edge[close]]
    ends = pieces.ends[:, piece]
    ends = np.stack([ends[0] + turn, ends[1], ends[2] + turn, ends[3]])
    pair, piece, ends = number[row[part]], piece[part], ends[:, part]
    cut_pair, cut_s = _cuts(legs, pieces, pair, piece, ends, corners)
    sure = _judged(legs, volumes, pairs, number, cut_pair, cut_s)
    unsure = pad_m[piece] > 0
    perhaps = _grazes(pieces, pair[unsure], piece[unsure], ends[:, unsure], corners[:, unsure], pad_m[piece[unsure]])
    return sure, perhaps


def _padded_boxes(ends: FloatArray, pad_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Low and high corners (lon, lat) of the boxes that hold pieces and pad_m about them."""
    pad_lat = (pad_m + _CUT_SLACK_M) / _METRES_PER_DEGREE
    top = np.minimum(np.maximum(np.abs(ends[1]), np.abs(ends[3])) + pad_lat, 90.0)
    pad = np.stack([np.minimum(pad_lat / np.maximum(np.cos(np.radians(top)), 1e-9), 360.0), pad_lat])
    return np.minimum(ends[:2], ends[2:]) - pad, np.maximum(ends[:2], ends[2:]) + pad


def _boxes_meet(
    low: FloatArray, high: FloatArray, piece: IntArray, turn: FloatArray, boxes: FloatArray, box: IntArray
) -> IntArray:
    """Of (piece turned by degrees of longitude, box) pairs, which have boxes that meet; latitude first, as cheaper."""
    near = np.nonzero((low[1][piece] <= boxes[3][box]) & (high[1][piece] >= boxes[1][box]))[0]
    piece, box, turn = piece[near], box[near], turn[near]
    meet: IntArray = near[(low[0][piece] + turn <= boxes[2][box]) & (high[0][piece] + turn >= boxes[0][box])]
    return meet


def _cuts(
    legs: Legs, pieces: _Pieces, pair: IntArray, piece: IntArray, ends: FloatArray, corners: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Times at which pieces cross edges (a few metres beyond their ends too), each moved onto the true geodesic."""
    dx, dy, ex, ey = ends[2] - ends[0], ends[3] - ends[1], corners[2] - corners[0], corners[3] - corners[1]
    ox, oy = corners[0] - ends[0], corners[1] - ends[1]
    cross = dx * ey - dy * ex
    with np.errstate(divide="ignore", invalid="ignore"):
        u, w = (ox * ey - oy * ex) / cross, (ox * dy - oy * dx) / cross
    slack_deg = _CUT_SLACK_M / _METRES_PER_DEGREE
    slack_u, slack_w = slack_deg / np.maximum(np.hypot(dx, dy), 1e-12), slack_deg / np.maximum(np.hypot(ex, ey), 1e-12)
    hit = np.isfinite(u) & (np.abs(u - 0.5) <= 0.5 + slack_u) & (np.abs(w - 0.5) <= 0.5 + slack_w)
    pair, piece, u, corners = pair[hit], piece[hit], u[hit], corners[:, hit]
    leg, length = pieces.leg[piece], pieces.length_s[piece]
    time = pieces.begin_s[piece] + u * length
    lat, lon = legs.position(leg, time)
    middle = (ends[0, hit] + ends[2, hit]) / 2
    lon = lon + 360 * np.round((middle - lon) / 360)
    off = (corners[0] - lon) * ey[hit] - (corners[1] - lat) * ex[hit]
    step = np.clip(off / cross[hit], -0.2, 0.2)
    return pair, np.clip(time + step * length, 0.0, legs.length_s[leg])


def _judged(
    legs: Legs, volumes: Volumes, pairs: Pairs, number: IntArray, cut_pair: IntArray, cut_s: FloatArray
) -> Spans:
    """The parts between cuts whose middle is inside."""
    key = np.concatenate([cut_pair, number, number])
    time = np.concatenate([cut_s, np.zeros(len(number)), legs.length_s[pairs.leg[number]]])
    order = np.lexsort((time, key))
    key, time = key[order], time[order]
    part = np.nonzero((key[1:] == key[:-1]) & (time[1:] > time[:-1]))[0]
    key, begin, end = key[part], time[part], time[part + 1]
    leg = pairs.leg[key]
    lat, lon = legs.position(leg, (begin + end) / 2)
    inside = volumes.contain(pairs.volume[key], lat, lon)
    return Spans(key, begin, end, leg, begin > 0).take(inside)


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
