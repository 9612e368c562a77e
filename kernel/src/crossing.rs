//! When a leg is inside areas, height and clock apart: the exact verdict of `keepclear/geo/crossing.py`.
//!
//! Law: the same pieces, the same cuts and the same judgement of each part by its middle as there; only what lies near
//! a volume is laid.

use crate::geodesy::{arc_to_chord_m, dot, minus, sin_cos_deg, E2, EQUATOR_M, MEAN_M};
use crate::leg::{padded_m, wrapped, Course, Leg, MAX_PIECE_M, SAG_M};
use crate::motion::{root, SETTLED_S};
use crate::sieve::Pair;
use crate::volumes::{Area, Edge, Kind, Volumes, CHORD_M, METRES_PER_DEGREE};

const MIN_PIECE_M: f64 = 50.0;
const MAX_PIECES: f64 = 65_536.0;
const NODE_SLACK: f64 = 1e-6;
const CUT_SLACK_M: f64 = 5.0;
const SLACK_DEG: f64 = CUT_SLACK_M / METRES_PER_DEGREE;
const TOUCH_S: f64 = 1e-6;
const LEAST_ROUNDS: usize = 10;
const NEAREST_ROUNDS: usize = 4;
/// A chord with one mean radius of the earth is up to 0.03 % off.
const WIDER: f64 = 1.0006;
const STILL_MPS2: f64 = 1e-12;
const SAME_GAP_M2: f64 = 1e-6;

/// A half-open span of time; `crossed` whether it begins through a border.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub begin: f64,
    pub end: f64,
    pub crossed: bool,
}

impl Span {
    pub fn within(self, begin: f64, end: f64) -> Option<Span> {
        let (first, last) = (self.begin.max(begin), self.end.min(end));
        let crossed = self.crossed && first == self.begin;
        (first < last).then_some(Span { begin: first, end: last, crossed })
    }
}

/// Spans that overlap, touch or are less than gap apart made one, in order.
pub fn merge(spans: &mut Vec<Span>, gap: f64) {
    if spans.len() < 2 {
        return;
    }
    spans.sort_by(|a, b| a.begin.total_cmp(&b.begin));
    let mut kept = 0;
    for k in 1..spans.len() {
        if spans[k].begin > spans[kept].end + gap {
            kept += 1;
            spans[kept] = spans[k];
        } else {
            spans[kept].end = spans[kept].end.max(spans[k].end);
        }
    }
    spans.truncate(kept + 1);
}

/// A leg, and room to work in for all its volumes.
pub struct Crossing<'a> {
    volumes: &'a Volumes<'a>,
    leg: &'a Leg,
    course: Course<'a>,
    pieces: f64,
    /// Degrees of longitude at the leg's highest latitude for one of latitude, or more.
    widest: f64,
    room: &'a mut Room,
}

/// What is found, and room to find it in.
#[derive(Default)]
pub struct Room {
    cuts: Vec<f64>,
    sure: Vec<Span>,
    perhaps: Vec<Span>,
}

/// A piece of a leg as a segment in degrees.
struct Piece {
    begin_s: f64,
    length_s: f64,
    ends: [f64; 4],
    bulge: [f64; 2],
    /// 5 m in parts of the piece, and the error of the place with that of a flat chart.
    slack: f64,
    pad_m: f64,
}

impl<'a> Crossing<'a> {
    pub fn of(volumes: &'a Volumes<'a>, leg: &'a Leg, course: Course<'a>, room: &'a mut Room) -> Crossing<'a> {
        let way_m = leg.speed_mps.abs() * leg.length_s;
        let (lat, _) = course.at(leg.length_s / 2.0);
        let top = (lat.abs() + way_m / 2.0 / METRES_PER_DEGREE).clamp(1e-6, 89.99).to_radians();
        let (sin, cos) = top.sin_cos();
        let step_m = (8.0 * MEAN_M * SAG_M / (sin / cos)).sqrt().clamp(MIN_PIECE_M, MAX_PIECE_M);
        let pieces = (way_m / step_m).ceil().clamp(1.0, MAX_PIECES);
        Crossing { volumes, leg, course, pieces, widest: 1.0 / cos, room }
    }

    /// Fills the room: when in its time in band and window the leg is inside, and perhaps inside; merged.
    pub fn cross(&mut self, pair: &Pair, area: &Area, edges: &[Edge]) {
        self.room.sure.clear();
        self.room.perhaps.clear();
        match area.kind {
            Kind::Everywhere => {
                let span = Span { begin: pair.first_perhaps, end: pair.last_perhaps, crossed: false };
                self.room.sure.push(span);
            }
            Kind::Round => self.through_circle(area),
            Kind::Edged => self.through_edges(pair, area, edges),
        }
        merge(&mut self.room.sure, TOUCH_S);
        if self.is_unsure() {
            self.room.perhaps.extend(&self.room.sure);
            merge(&mut self.room.perhaps, TOUCH_S);
        }
    }

    /// What `cross` found last.
    pub fn sure(&self) -> &[Span] {
        &self.room.sure
    }

    /// What it found with the error of the position, where that is.
    pub fn perhaps(&self) -> &[Span] {
        &self.room.perhaps
    }

    /// Whether perhaps inside is more than inside.
    pub fn is_unsure(&self) -> bool {
        self.leg.pos_err_m > 0.0 || self.leg.alt_err_m != 0.0
    }

    /// How far the border is from where the leg is at a time.
    pub fn way_out_m(&self, area: &Area, time_s: f64) -> f64 {
        let (lat, lon) = self.course.at(time_s);
        self.volumes.to_border_m(area.volume, lat, lon)
    }

    fn through_edges(&mut self, pair: &Pair, area: &Area, edges: &[Edge]) {
        let a_second = self.pieces / self.leg.length_s;
        let begin = (pair.near_from * a_second - NODE_SLACK).floor().clamp(0.0, self.pieces - 1.0);
        let end = (pair.near_until * a_second + NODE_SLACK).ceil().clamp(begin + 1.0, self.pieces);
        self.room.cuts.clear();
        self.room.cuts.push(pair.first_perhaps);
        let (mut number, mut from) = (begin, self.node(begin));
        while number < end {
            let (middle, to) = (self.node(number + 0.5), self.node(number + 1.0));
            self.meet_edges(pair, area, edges, number, [from, middle, to]);
            (number, from) = (number + 1.0, to);
        }
        self.room.cuts.push(pair.last_perhaps);
        self.judge(pair, area, edges);
    }

    fn node(&self, number: f64) -> (f64, f64) {
        self.course.at(self.leg.length_s * number / self.pieces)
    }

    /// Cuts, and grazes if the position is not sure, of one piece with the edges near it.
    fn meet_edges(&mut self, pair: &Pair, area: &Area, edges: &[Edge], number: f64, nodes: [(f64, f64); 3]) {
        let [(lat0, lon0), (middle_lat, middle_lon), (lat1, lon1)] = nodes;
        let (half, onward) = (wrapped(middle_lon - lon0), wrapped(lon1 - lon0));
        let bulge = [4.0 * half - 2.0 * onward, 4.0 * middle_lat - 2.0 * (lat0 + lat1)];
        let lon0 = lon0 + area.turn(lon0 + onward / 2.0);
        let ends = [lon0, lat0, lon0 + onward, lat1];
        let pad_m = padded_m(self.leg.pos_err_m, lat0.abs().max(lat1.abs()));
        let pad_lat = (pad_m + CUT_SLACK_M) / METRES_PER_DEGREE;
        let pad_lon = self.pad_lon(lat0.abs().max(lat1.abs()), pad_lat) + bulge[0].abs() / 4.0;
        let pad_lat = pad_lat + bulge[1].abs() / 4.0;
        let [west, east] = [ends[0].min(ends[2]) - pad_lon, ends[0].max(ends[2]) + pad_lon];
        let [south, north] = [lat0.min(lat1) - pad_lat, lat0.max(lat1) + pad_lat];
        if south > area.bounds[3] || north < area.bounds[1] || west > area.bounds[2] || east < area.bounds[0] {
            return;
        }
        let along = (onward * onward + (lat1 - lat0) * (lat1 - lat0)).sqrt();
        let slack = SLACK_DEG / along.max(1e-12);
        let (begin_s, length_s) = (self.leg.length_s * number / self.pieces, self.leg.length_s / self.pieces);
        let piece = Piece { begin_s, length_s, ends, bulge, slack, pad_m };
        for edge in edges {
            let [ax, ay, bx, by] = *edge;
            if south > ay.max(by) || north < ay.min(by) || west > ax.max(bx) || east < ax.min(bx) {
                continue;
            }
            for cut_s in piece.cuts(edge) {
                self.room.cuts.extend(cut_s.map(|time| time.clamp(pair.first_perhaps, pair.last_perhaps)));
            }
            if pad_m > 0.0 {
                self.room.perhaps.extend(piece.graze(edge));
            }
        }
    }

    /// Degrees of longitude about a piece that hold as many metres as `pad_lat` of latitude, or more.
    fn pad_lon(&self, steepest_deg: f64, pad_lat: f64) -> f64 {
        if self.leg.pos_err_m > 0.0 {
            let top = (steepest_deg + pad_lat).min(90.0);
            return (pad_lat / top.to_radians().cos().max(1e-9)).min(360.0);
        }
        // Without an error the pad is 5 m; twice as much holds what the latitude adds to it.
        (2.0 * pad_lat * self.widest).min(360.0)
    }

    /// The parts between cuts whose middle is inside.
    fn judge(&mut self, pair: &Pair, area: &Area, edges: &[Edge]) {
        self.room.cuts.sort_unstable_by(f64::total_cmp);
        for part in self.room.cuts.windows(2) {
            let (begin, end) = (part[0], part[1]);
            if begin < end {
                let (lat, lon) = self.course.at((begin + end) / 2.0);
                if area.is_within(edges, lat, lon) {
                    self.room.sure.push(Span { begin, end, crossed: begin > pair.first_perhaps });
                }
            }
        }
    }

    fn through_circle(&mut self, area: &Area) {
        let circle = Circle { volumes: self.volumes, leg: self.leg, course: &self.course, area };
        let least_s = circle.time_of_least();
        let sure = circle.within(area.radius_m, least_s);
        let error_m = self.leg.pos_err_m;
        let perhaps = if error_m > 0.0 { circle.within(area.radius_m + error_m + SAG_M, least_s) } else { None };
        self.room.sure.extend(sure);
        self.room.perhaps.extend(perhaps);
    }
}

impl Piece {
    /// Times at which it crosses an edge (a few metres beyond their ends too).
    fn cuts(&self, corners: &Edge) -> [Option<f64>; 2] {
        let (ends, bulge) = (&self.ends, &self.bulge);
        let (dx, dy, ex, ey) = (ends[2] - ends[0], ends[3] - ends[1], corners[2] - corners[0], corners[3] - corners[1]);
        let (ox, oy) = (ends[0] - corners[0], ends[1] - corners[1]);
        // How far beside the edge's line it is at u: off + slope u - bend u^2, with two roots, one or none.
        let (off, bend) = (ox * ey - oy * ex, bulge[0] * ey - bulge[1] * ex);
        let slope = dx * ey - dy * ex + bend;
        let q = (slope + (slope * slope + 4.0 * bend * off).sqrt().copysign(slope)) / 2.0;
        let at = |u: f64| {
            if !((u - 0.5).abs() <= 0.5 + self.slack) {
                return None;
            }
            let x = ox + u * (dx + (1.0 - u) * bulge[0]);
            let y = oy + u * (dy + (1.0 - u) * bulge[1]);
            let long2 = ex * ex + ey * ey;
            let w = (x * ex + y * ey) / long2;
            let slack = SLACK_DEG / long2.sqrt().max(1e-12);
            ((w - 0.5).abs() <= 0.5 + slack).then_some(self.begin_s + u * self.length_s)
        };
        [at(-off / q), at(q / bend)]
    }

    /// When it is nearer to an edge than the error, in the flat chart about its middle.
    fn graze(&self, corners: &Edge) -> Option<Span> {
        let (ends, error_m) = (&self.ends, self.pad_m);
        let (sin_lat, cos_lat) = sin_cos_deg((ends[1] + ends[3]) / 2.0);
        let bend = 1.0 - E2 * sin_lat * sin_lat;
        let north = (EQUATOR_M * (1.0 - E2) / (bend * bend.sqrt())).to_radians();
        let east = (EQUATOR_M * cos_lat / bend.sqrt()).to_radians();
        let (px, py) = ((ends[0] - corners[0]) * east, (ends[1] - corners[1]) * north);
        let (dx, dy) = ((ends[2] - ends[0]) * east, (ends[3] - ends[1]) * north);
        let (ex, ey) = ((corners[2] - corners[0]) * east, (corners[3] - corners[1]) * north);
        let long = ex.hypot(ey).max(1e-9);
        let (ex, ey) = (ex / long, ey / long);
        let beside = between(px * ey - py * ex, dx * ey - dy * ex, -error_m, error_m);
        let along = between(px * ex + py * ey, dx * ex + dy * ey, 0.0, long);
        let slab = (beside.0.max(along.0), beside.1.min(along.1));
        let one = near_point(px, py, dx, dy, error_m);
        let other = near_point(px - long * ex, py - long * ey, dx, dy, error_m);
        let (mut begin, mut end) = (f64::INFINITY, f64::NEG_INFINITY);
        for (first, last) in [slab, one, other] {
            if first < last {
                begin = begin.min(first);
                end = end.max(last);
            }
        }
        let (first, last) = (self.begin_s + begin * self.length_s, self.begin_s + end * self.length_s);
        (begin < end).then_some(Span { begin: first, end: last, crossed: first > 0.0 })
    }
}

/// The part of [0, 1] in which low <= value + slope u <= high; upside down if none.
fn between(value: f64, slope: f64, low: f64, high: f64) -> (f64, f64) {
    if slope.abs() < 1e-9 {
        return (0.0, if value >= low && value <= high { 1.0 } else { -1.0 });
    }
    let (one, two) = ((low - value) / slope, (high - value) / slope);
    (one.min(two).max(0.0), one.max(two).min(1.0))
}

/// The part of [0, 1] in which (px, py) + u (dx, dy) is nearer than `error_m` to the origin; upside down if none.
fn near_point(px: f64, py: f64, dx: f64, dy: f64, error_m: f64) -> (f64, f64) {
    let speed2 = dx * dx + dy * dy;
    let still = speed2 < 1e-9;
    let off = px * dy - py * dx;
    let short2 = error_m * error_m - if still { px * px + py * py } else { off * off / speed2 };
    if short2 <= 0.0 {
        return (1.0, 0.0);
    }
    if still {
        return (0.0, 1.0);
    }
    let (middle, half) = (-(px * dx + py * dy) / speed2, (short2 / speed2).sqrt());
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// A leg and the centre of a circle, compared by the chord between them: see `keepclear/geo/motion.py`.
struct Circle<'a> {
    volumes: &'a Volumes<'a>,
    leg: &'a Leg,
    course: &'a Course<'a>,
    area: &'a Area,
}

impl Circle<'_> {
    /// The chord's square, half of its change, and the square of the speed, at a time.
    fn chord(&self, time_s: f64) -> (f64, f64, f64) {
        let (place, along) = self.course.ecef_at(time_s);
        let (apart, speed) = (minus(place, self.area.centre), self.leg.speed_mps);
        (dot(apart, apart), speed * dot(apart, along), speed * speed * dot(along, along))
    }

    /// When the chord is shortest; the first such time for one that keeps its distance.
    fn time_of_least(&self) -> f64 {
        let length = self.leg.length_s;
        let mut time = length / 2.0;
        for _ in 0..LEAST_ROUNDS {
            let (_, slope, speed2) = self.chord(time);
            let step = if speed2 > STILL_MPS2 { -slope / speed2 } else { 0.0 };
            let following = (time + step).clamp(0.0, length);
            let settled = (following - time).abs() <= SETTLED_S;
            time = following;
            if settled {
                break;
            }
        }
        let tries = [0.0, time, length];
        let gaps = [self.chord(0.0).0, self.chord(time).0, self.chord(length).0];
        let least = gaps[0].min(gaps[1]).min(gaps[2]) + SAME_GAP_M2;
        (0..3).find(|&k| gaps[k] <= least).map_or(time, |k| tries[k])
    }

    /// From when until when the leg is nearer to the centre than a radius.
    fn within(&self, radius_m: f64, least_s: f64) -> Option<Span> {
        let wide = radius_m > CHORD_M;
        let chord_m = arc_to_chord_m(if wide { radius_m * WIDER } else { radius_m });
        let length = self.leg.length_s;
        let (gap2, _, speed2) = self.chord(least_s);
        let short2 = chord_m * chord_m - gap2;
        if !(short2 > 0.0) {
            return None;
        }
        let half = (short2 / speed2.max(STILL_MPS2)).sqrt();
        let outside = |time: f64| {
            let (gap2, half_slope, _) = self.chord(time);
            (gap2 - chord_m * chord_m, 2.0 * half_slope)
        };
        let begin = border(outside, 0.0, least_s, (least_s - half).max(0.0));
        let end = border(outside, length, least_s, (least_s + half).min(length));
        let (begin, end) = if wide { self.truly_within(radius_m, least_s, begin, end)? } else { (begin, end) };
        (begin < end).then_some(Span { begin, end, crossed: begin > 0.0 })
    }

    /// The same by the true distance, from guesses: of a wide circle the chord is up to 0.03 % off.
    fn truly_within(&self, radius_m: f64, mut least_s: f64, begin: f64, end: f64) -> Option<(f64, f64)> {
        let (length, speed) = (self.leg.length_s, self.leg.speed_mps);
        let excess = |time: f64| {
            let (lat, lon, azimuth) = self.course.exact_at(time);
            let found = self.volumes.centre_to(self.area.volume, lat, lon);
            found.map_or((f64::INFINITY, 0.0), |found| {
                (found.distance_m - radius_m, speed * (azimuth - found.azimuth2_deg).to_radians().cos())
            })
        };
        for _ in 0..NEAREST_ROUNDS {
            let (away, opening) = excess(least_s);
            // On a sphere the distance d grows by the square of the speed across, over R tan (d / R).
            let across2 = speed * speed - opening * opening;
            let growth = across2 / (MEAN_M * ((away + radius_m) / MEAN_M).clamp(1e-3, 1.5).tan());
            let step = if growth > 1e-9 { opening / growth } else { 0.0 };
            least_s = (least_s - step).clamp(0.0, length);
        }
        let limit =
            |guess: f64, far: f64| border(excess, far, least_s, guess.clamp(far.min(least_s), far.max(least_s)));
        (excess(least_s).0 < 0.0).then(|| (limit(begin, 0.0), limit(end, length)))
    }
}

/// Between a far time and a near one, which is inside, where `outside` is nothing; the far time if that is inside.
/// `outside` answers how far outside and how fast that grows.
fn border(outside: impl Fn(f64) -> (f64, f64), far: f64, near: f64, guess: f64) -> f64 {
    if far == near || outside(far).0 < 0.0 {
        return far;
    }
    root(outside, far, near, guess)
}
