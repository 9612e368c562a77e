//! When a leg is inside areas, height and clock apart: the exact verdict of `keepclear/geo/crossing.py`.
//!
//! Law: the same pieces, the same cuts and the same judgement of each part by its middle as there; only what lies near
//! a volume is laid. A leg's pieces are laid once for all its volumes.

use crate::geodesy::{arc_to_chord_m, dot, minus, sin_cos_deg, wrap_deg, Vec3, E2, EQUATOR_M, MEAN_M};
use crate::leg::{padded_m, Course, Leg, MAX_PIECE_M, SAG_M};
use crate::sieve::Pair;
use crate::volumes::{Kind, Volumes, CHORD_M, METRES_PER_DEGREE};

const MIN_PIECE_M: f64 = 50.0;
const MAX_PIECES: f64 = 65_536.0;
const NODE_SLACK: f64 = 1e-6;
const CUT_SLACK_M: f64 = 5.0;
const TOUCH_S: f64 = 1e-6;
const LEAST_ROUNDS: usize = 10;
const ROOT_ROUNDS: usize = 40;
const STILL_MPS2: f64 = 1e-12;
const SETTLED_S: f64 = 1e-4;
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

/// A piece of a leg as a segment in degrees, and the box that holds it and its error.
#[derive(Clone, Copy)]
struct Piece {
    ends: [f64; 4],
    pad_m: f64,
    low: [f64; 2],
    high: [f64; 2],
}

/// A leg laid in pieces as they are asked for, and room to work in.
pub struct Laid<'a> {
    volumes: &'a Volumes<'a>,
    leg: &'a Leg,
    pub course: Course,
    count: usize,
    pieces: Vec<Option<Piece>>,
    cuts: Vec<f64>,
    pub sure: Vec<Span>,
    pub perhaps: Vec<Span>,
}

impl<'a> Laid<'a> {
    pub fn of(volumes: &'a Volumes<'a>, leg: &'a Leg) -> Laid<'a> {
        let course = Course::of(leg);
        Laid { volumes, leg, course, count: 0, pieces: vec![], cuts: vec![], sure: vec![], perhaps: vec![] }
    }

    /// Fills `sure` and `perhaps`: when in its time in band and window the leg is inside, and perhaps inside; merged.
    pub fn cross(&mut self, pair: &Pair) {
        self.sure.clear();
        self.perhaps.clear();
        match self.volumes.kind(pair.volume) {
            Kind::Everywhere => {
                self.sure.push(Span { begin: pair.first_perhaps, end: pair.last_perhaps, crossed: false })
            }
            Kind::Round => self.through_circle(pair.volume),
            Kind::Edged => self.through_edges(pair),
        }
        merge(&mut self.sure, TOUCH_S);
        self.perhaps.extend(&self.sure);
        merge(&mut self.perhaps, TOUCH_S);
    }

    fn through_edges(&mut self, pair: &Pair) {
        self.count_pieces();
        let count = self.count as f64;
        let a_second = count / self.leg.length_s;
        let begin = (pair.near_from * a_second - NODE_SLACK).floor().clamp(0.0, count - 1.0);
        let end = (pair.near_until * a_second + NODE_SLACK).ceil().clamp(begin + 1.0, count);
        self.cuts.clear();
        self.cuts.extend([pair.first_perhaps, pair.last_perhaps]);
        for number in begin as usize..end as usize {
            self.meet_edges(pair, number);
        }
        self.judge(pair);
    }

    fn count_pieces(&mut self) {
        if self.count > 0 {
            return;
        }
        let way_m = self.leg.speed_mps * self.leg.length_s;
        let (lat, _) = self.course.at(self.leg.length_s / 2.0);
        let top = (lat.abs() + way_m / 2.0 / METRES_PER_DEGREE).clamp(1e-6, 89.99).to_radians();
        let step_m = (8.0 * MEAN_M * SAG_M / top.tan()).sqrt().clamp(MIN_PIECE_M, MAX_PIECE_M);
        self.count = (way_m / step_m).ceil().clamp(1.0, MAX_PIECES) as usize;
        self.pieces = vec![None; self.count];
    }

    fn piece(&mut self, number: usize) -> Piece {
        if let Some(piece) = self.pieces[number] {
            return piece;
        }
        let node = |k: usize| self.course.at(self.leg.length_s * k as f64 / self.count as f64);
        let ((lat0, lon0), (lat1, lon1)) = (node(number), node(number + 1));
        let ends = [lon0, lat0, lon0 + wrap_deg(lon1 - lon0), lat1];
        let steepest = ends[1].abs().max(ends[3].abs());
        let pad_m = padded_m(self.leg.pos_err_m, steepest);
        let pad_lat = (pad_m + CUT_SLACK_M) / METRES_PER_DEGREE;
        let top = (steepest + pad_lat).min(90.0);
        let pad = [(pad_lat / top.to_radians().cos().max(1e-9)).min(360.0), pad_lat];
        let piece = Piece {
            ends,
            pad_m,
            low: [ends[0].min(ends[2]) - pad[0], ends[1].min(ends[3]) - pad[1]],
            high: [ends[0].max(ends[2]) + pad[0], ends[1].max(ends[3]) + pad[1]],
        };
        self.pieces[number] = Some(piece);
        piece
    }

    /// Cuts, and grazes if the position is not sure, of one piece with the edges near it.
    fn meet_edges(&mut self, pair: &Pair, number: usize) {
        let piece = self.piece(number);
        let volumes = self.volumes;
        let turn = volumes.turn(pair.volume, (piece.ends[0] + piece.ends[2]) / 2.0);
        let (low, high) = ([piece.low[0] + turn, piece.low[1]], [piece.high[0] + turn, piece.high[1]]);
        let meets = |[west, south, east, north]: [&[f64]; 4], k: usize| {
            low[1] <= north[k] && high[1] >= south[k] && low[0] <= east[k] && high[0] >= west[k]
        };
        if !meets(volumes.boxes, pair.volume) {
            return;
        }
        let ends = [piece.ends[0] + turn, piece.ends[1], piece.ends[2] + turn, piece.ends[3]];
        let range = volumes.edges_of(pair.volume);
        for edge in range {
            if !meets(volumes.edge_box, edge) {
                continue;
            }
            let [ax, ay, bx, by] = volumes.edges;
            let corners = [ax[edge], ay[edge], bx[edge], by[edge]];
            let length_s = self.leg.length_s / self.count as f64;
            let begin_s = self.leg.length_s * number as f64 / self.count as f64;
            if let Some(cut_s) = cut(&self.course, ends, corners, begin_s, length_s) {
                self.cuts.push(cut_s.clamp(pair.first_perhaps, pair.last_perhaps));
            }
            if piece.pad_m > 0.0 {
                if let Some((begin, end)) = graze(ends, corners, piece.pad_m) {
                    let (begin, end) = (begin_s + begin * length_s, begin_s + end * length_s);
                    self.perhaps.push(Span { begin, end, crossed: begin > 0.0 });
                }
            }
        }
    }

    /// The parts between cuts whose middle is inside.
    fn judge(&mut self, pair: &Pair) {
        self.cuts.sort_by(f64::total_cmp);
        for part in self.cuts.windows(2) {
            let (begin, end) = (part[0], part[1]);
            if begin < end {
                let (lat, lon) = self.course.at((begin + end) / 2.0);
                if self.volumes.within_edges(pair.volume, lat, lon) {
                    self.sure.push(Span { begin, end, crossed: begin > pair.first_perhaps });
                }
            }
        }
    }

    fn through_circle(&mut self, volume: usize) {
        let circle = Circle { laid: self, volume, centre: self.volumes.centre_of(volume) };
        let radius_m = self.volumes.radius_m[volume];
        let least_s = circle.time_of_least();
        let sure = circle.within(radius_m, least_s);
        let error_m = self.leg.pos_err_m;
        let perhaps = if error_m > 0.0 { circle.within(radius_m + error_m + SAG_M, least_s) } else { None };
        self.sure.extend(sure);
        self.perhaps.extend(perhaps);
    }
}

/// The time at which a piece crosses an edge (a few metres beyond their ends too), moved onto the true geodesic.
fn cut(course: &Course, ends: [f64; 4], corners: [f64; 4], begin_s: f64, length_s: f64) -> Option<f64> {
    let (dx, dy, ex, ey) = (ends[2] - ends[0], ends[3] - ends[1], corners[2] - corners[0], corners[3] - corners[1]);
    let (ox, oy) = (corners[0] - ends[0], corners[1] - ends[1]);
    let cross = dx * ey - dy * ex;
    let (u, w) = ((ox * ey - oy * ex) / cross, (ox * dy - oy * dx) / cross);
    let slack_deg = CUT_SLACK_M / METRES_PER_DEGREE;
    let (slack_u, slack_w) = (slack_deg / dx.hypot(dy).max(1e-12), slack_deg / ex.hypot(ey).max(1e-12));
    if !(u.is_finite() && (u - 0.5).abs() <= 0.5 + slack_u && (w - 0.5).abs() <= 0.5 + slack_w) {
        return None;
    }
    let time = begin_s + u * length_s;
    let (lat, lon) = course.at(time);
    let middle = (ends[0] + ends[2]) / 2.0;
    let lon = lon + 360.0 * ((middle - lon) / 360.0).round();
    let off = (corners[0] - lon) * ey - (corners[1] - lat) * ex;
    Some(time + (off / cross).clamp(-0.2, 0.2) * length_s)
}

/// The part of a piece that is nearer than `error_m` to an edge, in the flat chart about the piece's middle.
fn graze(ends: [f64; 4], corners: [f64; 4], error_m: f64) -> Option<(f64, f64)> {
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
    (begin < end).then_some((begin, end))
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
struct Circle<'a, 'b> {
    laid: &'b Laid<'a>,
    volume: usize,
    centre: Vec3,
}

impl Circle<'_, '_> {
    /// The chord's square, half of its change, and the square of the speed, at a time.
    fn chord(&self, time_s: f64) -> (f64, f64, f64) {
        let course = &self.laid.course;
        let (place, along) = course.line.ecef(course.lead_m + course.speed_mps * time_s);
        let apart = minus(place, self.centre);
        (
            dot(apart, apart),
            course.speed_mps * dot(apart, along),
            course.speed_mps * course.speed_mps * dot(along, along),
        )
    }

    /// When the chord is shortest; the first such time for one that keeps its distance.
    fn time_of_least(&self) -> f64 {
        let length = self.laid.leg.length_s;
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
        let chord_m = arc_to_chord_m(radius_m);
        let length = self.laid.leg.length_s;
        let (gap2, _, speed2) = self.chord(least_s);
        let short2 = chord_m * chord_m - gap2;
        if !(short2 > 0.0) {
            return None;
        }
        let half = (short2 / speed2.max(STILL_MPS2)).sqrt();
        let mut begin = self.root(0.0, least_s, (least_s - half).max(0.0), chord_m);
        let mut end = self.root(length, least_s, (least_s + half).min(length), chord_m);
        if radius_m > CHORD_M {
            begin = self.onto(radius_m, begin);
            end = self.onto(radius_m, end);
        }
        (begin < end).then_some(Span { begin, end, crossed: begin > 0.0 })
    }

    /// Between a far time and a near one, where the chord is `chord_m`; the far time if it is shorter even there.
    fn root(&self, far: f64, near: f64, guess: f64, chord_m: f64) -> f64 {
        let limit2 = chord_m * chord_m;
        if far == near || self.chord(far).0 < limit2 {
            return far;
        }
        let (mut outer, mut inner, mut time) = (far, near, guess);
        for _ in 0..ROOT_ROUNDS {
            let (gap2, half_slope, _) = self.chord(time);
            let excess = gap2 - limit2;
            if excess >= 0.0 {
                outer = time;
            } else {
                inner = time;
            }
            let newton = time - excess / (2.0 * half_slope);
            let safe = newton >= outer.min(inner) && newton <= outer.max(inner);
            let following = if safe { newton } else { (outer + inner) / 2.0 };
            let settled = (following - time).abs() <= SETTLED_S;
            time = following;
            if settled {
                break;
            }
        }
        time
    }

    /// One step of Newton with the true geodesic distance: the chord of a wide circle is up to 0.03 % off.
    fn onto(&self, radius_m: f64, time: f64) -> f64 {
        let course = &self.laid.course;
        let length = self.laid.leg.length_s;
        let (lat, lon, azimuth) = course.line.position(course.lead_m + course.speed_mps * time);
        let found = match self.laid.volumes.centre_to(self.volume, lat, lon) {
            Some(found) => found,
            None => return time,
        };
        let opening = course.speed_mps * (azimuth - found.azimuth2_deg).to_radians().cos();
        if !(time > 0.0 && time < length && opening.abs() > 1.0) {
            return time;
        }
        let limit = (10.0 + 0.001 * radius_m) / course.speed_mps.max(1.0) * 10.0;
        (time + ((radius_m - found.distance_m) / opening).clamp(-limit, limit)).clamp(0.0, length)
    }
}
