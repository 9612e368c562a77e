//! One track's leg over the look-ahead, where it is at a time, and the box it stays in.
//!
//! Law: the arithmetic of `keepclear/geo/track.py` (legs_of) and `course.py`. The envelope is reckoned without the
//! geodesic, which costs ten times as much: the leg as a parabola, as thick as it may stray from it. The geodesic is
//! the power series of `motion.rs` from the report as far as that goes, and from there on the `Line`.

use crate::geodesy::{sin_cos_deg, wrap_deg, Line, Vec3, E2, EQUATOR_M, MEAN_M, MOST_CURVED_M};
use crate::motion::{self, Series};
use crate::volumes::METRES_PER_DEGREE;

const FRESH_MS: i64 = 15_000;
/// Half a leg may be this share of its least distance to a pole to be a polynomial.
const SHARE_OF_POLE: f64 = 0.11;
/// As far as the series of `motion.rs` is good to 4e-8 m.
const SERIES_M: f64 = 200_000.0;
/// Tangents below this go by the series of the arc tangent, which is exact to the last bit or two then.
const SMALL: f64 = 0.25;
const SMALL_TERMS: i32 = 12;
const NODES: [f64; 4] = [-1.0, -1.0 / 3.0, 1.0 / 3.0, 1.0];
const W0: f64 = 1.0 / 9.0;
const WIDE: f64 = 8.0 / 9.0;
/// How far a piece of a leg may bend from a straight line in (longitude, latitude).
pub const SAG_M: f64 = 1.0;
pub const MAX_PIECE_M: f64 = 20_000.0;
/// Further than every error of a place or of a cut in metres.
const NEAR_M: f64 = 10.0;
/// The third derivative of a geodesic is its curvature squared, and a fiftieth for how the curvature changes.
const THIRD: f64 = 1.05 / (MOST_CURVED_M * MOST_CURVED_M);

/// One row of `keepclear.geo.track.Tracks`.
#[derive(Clone, Copy)]
pub struct Report {
    pub lat_deg: f64,
    pub lon_deg: f64,
    pub alt_m: f64,
    pub alt_ref: usize,
    pub alt_err_m: f64,
    pub pos_err_m: f64,
    pub ground_speed_mps: f64,
    pub track_deg: f64,
    pub vertical_rate_mps: f64,
    pub at_ms: i64,
}

/// A track that goes on as it does from now on; times in it are seconds from now.
#[derive(Clone, Copy)]
pub struct Leg {
    lat_deg: f64,
    lon_deg: f64,
    course_deg: f64,
    pub length_s: f64,
    pub lead_m: f64,
    pub speed_mps: f64,
    pub alt_m: f64,
    pub rate_mps: f64,
    pub alt_ref: usize,
    pub alt_err_m: f64,
    pub pos_err_m: f64,
}

/// A leg as a straight line about its middle, and how far from it anything of the leg and its error may be; and where
/// it was reported.
pub struct Envelope {
    start: Vec3,
    along: Vec3,
    lat: (f64, f64),
    lon: (f64, f64),
    pub place: Vec3,
    pub velocity: Vec3,
    pub thick_m: f64,
}

/// As numpy's: nothing for NaN, and the greatest number for infinity.
fn number(value: f64) -> f64 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(-f64::MAX, f64::MAX)
    }
}

/// The position error with the error of a flat chart that is as wide as it and a piece.
pub fn padded_m(pos_err_m: f64, lat_deg: f64) -> f64 {
    if !(pos_err_m > 0.0) {
        return 0.0;
    }
    let steep = lat_deg.abs().min(89.9).to_radians().tan();
    let piece_m = (8.0 * MEAN_M * SAG_M / steep.max(1e-6)).sqrt().min(MAX_PIECE_M);
    let share = 0.005 + (pos_err_m + piece_m) * (steep + 0.1) / MEAN_M;
    pos_err_m * (1.0 + share) + SAG_M
}

impl Leg {
    /// The leg of a report in [now, now + look-ahead), 1 ms at least; None for a track without a position.
    pub fn of(report: &Report, now_ms: i64, look_ahead_ms: i64) -> Option<Leg> {
        if !report.lon_deg.is_finite() || !(report.lat_deg.abs() <= 90.0) {
            return None;
        }
        let age_ms = now_ms.saturating_sub(report.at_ms);
        let age_s = age_ms as f64 / 1000.0;
        let stale_s = age_ms.saturating_sub(FRESH_MS).max(0) as f64 / 1000.0;
        let speed_mps = if report.track_deg.is_finite() { number(report.ground_speed_mps) } else { 0.0 };
        let rate_mps = number(report.vertical_rate_mps);
        Some(Leg {
            lat_deg: report.lat_deg,
            lon_deg: report.lon_deg,
            course_deg: number(report.track_deg),
            length_s: look_ahead_ms.max(1) as f64 / 1000.0,
            lead_m: speed_mps * age_s,
            speed_mps,
            alt_m: report.alt_m + rate_mps * age_s,
            rate_mps,
            alt_ref: report.alt_ref,
            alt_err_m: number(report.alt_err_m),
            pos_err_m: number(report.pos_err_m + stale_s * speed_mps),
        })
    }

    /// The heights it and its error stay between; unbounded where its altitude is not known.
    pub fn heights(&self) -> (f64, f64) {
        if self.alt_m.is_nan() {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        let climb_m = self.rate_mps * self.length_s;
        (self.alt_m + climb_m.min(0.0) - self.alt_err_m - 1.0, self.alt_m + climb_m.max(0.0) + self.alt_err_m + 1.0)
    }

    /// The line and its thickness, by the leg's place, course and curvature where it was reported.
    pub fn envelope(&self) -> Envelope {
        let (sin_lat, cos_lat) = sin_cos_deg(self.lat_deg);
        let (sin_lon, cos_lon) = sin_cos_deg(self.lon_deg);
        let (sin_a, cos_a) = sin_cos_deg(self.course_deg);
        let bend = 1.0 - E2 * sin_lat * sin_lat;
        let prime = EQUATOR_M / bend.sqrt();
        let curved = (cos_a * cos_a * bend / (1.0 - E2) + sin_a * sin_a) / prime;
        let start = [prime * cos_lat * cos_lon, prime * cos_lat * sin_lon, prime * (1.0 - E2) * sin_lat];
        let up = [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat];
        let inward = cos_a * sin_lat;
        let along = [-sin_a * sin_lon - inward * cos_lon, sin_a * cos_lon - inward * sin_lon, cos_a * cos_lat];
        let half_m = (self.speed_mps * self.length_s / 2.0).abs();
        let way_m = self.lead_m + self.speed_mps * self.length_s / 2.0;
        let (mut place, mut velocity) = (start, along);
        for k in 0..3 {
            place[k] += along[k] * way_m - up[k] * (curved * way_m * way_m / 2.0);
            velocity[k] = self.speed_mps * (along[k] - up[k] * (curved * way_m));
        }
        let far_m = way_m.abs();
        let strayed_m = THIRD * far_m * far_m * (far_m / 6.0 + half_m / 2.0);
        let top_deg = (self.lat_deg.abs() + (far_m + half_m) / METRES_PER_DEGREE).min(89.99);
        let bent_m = half_m * half_m / (2.0 * MOST_CURVED_M);
        let thick_m = bent_m + strayed_m + padded_m(self.pos_err_m, top_deg) + NEAR_M;
        Envelope { start, along, lat: (sin_lat, cos_lat), lon: (sin_lon, cos_lon), place, velocity, thick_m }
    }

    fn line(&self) -> Line {
        Line::of(self.lat_deg, self.lon_deg, self.course_deg)
    }

    /// How far (m) from the report it is after a time.
    fn way_m(&self, time_s: f64) -> f64 {
        self.lead_m + self.speed_mps * time_s
    }
}

/// A leg's geodesic, and the polynomial in latitude and longitude that follows it to within 1 mm where there is one.
pub struct Course<'a> {
    leg: &'a Leg,
    terms: Series,
    /// Where the series does not reach.
    line: Option<Line>,
    follows: bool,
    lat: [f64; 8],
    lon: [f64; 8],
}

/// A node of the polynomial: latitude, longitude, and how they change by u (degrees).
type Node = (f64, f64, f64, f64);

impl<'a> Course<'a> {
    pub fn of(leg: &'a Leg, envelope: &Envelope) -> Course<'a> {
        let half_s = leg.length_s / 2.0;
        let half_m = leg.speed_mps * half_s;
        let farthest_m = leg.lead_m.abs().max(leg.way_m(leg.length_s).abs());
        let mut course = Course {
            leg,
            terms: motion::series(envelope.start, envelope.along),
            line: None,
            follows: false,
            lat: [0.0; 8],
            lon: [0.0; 8],
        };
        if farthest_m > SERIES_M {
            course.line = Some(leg.line());
        }
        let mut nodes: [Node; 4] = [(0.0, 0.0, 0.0, 0.0); 4];
        for (node, u) in nodes.iter_mut().zip(NODES) {
            *node = course.node(envelope, leg.way_m(half_s * (1.0 + u)), half_m);
        }
        let most = nodes.iter().fold(0.0_f64, |most, node| most.max(node.0.abs()));
        let top_deg = most + half_m.abs() / METRES_PER_DEGREE;
        course.follows = half_m.abs() / MEAN_M < SHARE_OF_POLE * (90.0 - top_deg).to_radians();
        if course.follows {
            course.lat = coefficients([nodes[0].0, nodes[1].0, nodes[2].0, nodes[3].0], nodes.map(|node| node.2));
            let beside = |k: usize| nodes[0].1 + wrapped(nodes[k].1 - nodes[0].1);
            course.lon = coefficients([nodes[0].1, beside(1), beside(2), beside(3)], nodes.map(|node| node.3));
        } else if course.line.is_none() {
            course.line = Some(leg.line());
        }
        course
    }

    fn node(&self, envelope: &Envelope, way_m: f64, half_m: f64) -> Node {
        let (place, along) = self.ecef(way_m);
        let (x, y, z) = (place[0], place[1], place[2] / (1.0 - E2));
        let wide2 = x * x + y * y;
        let wide = wide2.sqrt();
        // The turns from the report, which are small, rather than the angles themselves.
        let ((sin_lat, cos_lat), (sin_lon, cos_lon)) = (envelope.lat, envelope.lon);
        let lat = self.leg.lat_deg + small_angle_deg(z * cos_lat - wide * sin_lat, wide * cos_lat + z * sin_lat);
        let lon = self.leg.lon_deg + small_angle_deg(y * cos_lon - x * sin_lon, x * cos_lon + y * sin_lon);
        // The point's normal is (x, y, z / (1 - e2)) over the prime radius; the meridian's radius follows from it.
        let prime = (wide2 + z * z).sqrt();
        let bend = 1.0 - E2 * (z / prime) * (z / prime);
        let meridian = EQUATOR_M * (1.0 - E2) / (bend * bend.sqrt());
        let north = along[2] * prime / (wide * meridian);
        let east = (x * along[1] - y * along[0]) / wide2;
        (lat, lon, (half_m * north).to_degrees(), (half_m * east).to_degrees())
    }

    /// Place and unit vector of the course, earth-centred, `way_m` from the report.
    fn ecef(&self, way_m: f64) -> (Vec3, Vec3) {
        match &self.line {
            Some(line) => line.ecef(way_m),
            None => motion::at(&self.terms, way_m),
        }
    }

    /// Place and unit vector of the course, earth-centred, after a time.
    pub fn ecef_at(&self, time_s: f64) -> (Vec3, Vec3) {
        self.ecef(self.leg.way_m(time_s))
    }

    /// Latitude, longitude and azimuth by the geodesic itself, whatever it costs.
    pub fn exact_at(&self, time_s: f64) -> (f64, f64, f64) {
        self.line.unwrap_or_else(|| self.leg.line()).position(self.leg.way_m(time_s))
    }

    /// Latitude and longitude (degrees) after a time; longitudes run on within a leg that is a polynomial.
    pub fn at(&self, time_s: f64) -> (f64, f64) {
        if !self.follows {
            let (lat, lon, _) = self.exact_at(time_s);
            return (lat, lon);
        }
        let u = 2.0 * time_s / self.leg.length_s - 1.0;
        let x = (u * u - W0) / WIDE;
        (value(&self.lat, u, x), value(&self.lon, u, x))
    }
}

/// A small turn in longitude the short way, as it stands where it is short already.
pub fn wrapped(turn_deg: f64) -> f64 {
    if turn_deg.abs() < 180.0 {
        turn_deg
    } else {
        wrap_deg(turn_deg)
    }
}

/// The angle (degrees) whose tangent is sine / cosine; a series where it is small.
fn small_angle_deg(sine: f64, cosine: f64) -> f64 {
    let t = sine / cosine;
    if !(cosine > 0.0 && t.abs() < SMALL) {
        return sine.atan2(cosine).to_degrees();
    }
    let t2 = -t * t;
    let mut sum = 0.0;
    for term in (0..SMALL_TERMS).rev() {
        sum = sum * t2 + 1.0 / (2 * term + 1) as f64;
    }
    (t * sum).to_degrees()
}

/// Of values and slopes by u at the four nodes: the cubics E and P of the value E + u P, even and odd.
fn coefficients(value: [f64; 4], slope: [f64; 4]) -> [f64; 8] {
    let even = [(value[3] + value[0]) / 2.0, (value[2] + value[1]) / 2.0];
    let odd = [(value[3] - value[0]) / 2.0, (value[2] - value[1]) / 2.0];
    let d_even = [(slope[3] - slope[0]) / 2.0, (slope[2] - slope[1]) / 2.0];
    let d_odd = [(slope[3] + slope[0]) / 2.0, (slope[2] + slope[1]) / 2.0];
    let e = cubic(even[1], even[0], d_even[1] * 1.5, d_even[0] / 2.0);
    let p = cubic(3.0 * odd[1], odd[0], (d_odd[1] - 3.0 * odd[1]) * 4.5, (d_odd[0] - odd[0]) / 2.0);
    [e[0], e[1], e[2], e[3], p[0], p[1], p[2], p[3]]
}

fn cubic(begin: f64, end: f64, slope_begin: f64, slope_end: f64) -> [f64; 4] {
    let (rise, m0, m1) = (end - begin, slope_begin * WIDE, slope_end * WIDE);
    [begin, m0, 3.0 * rise - 2.0 * m0 - m1, m0 + m1 - 2.0 * rise]
}

fn value(c: &[f64; 8], u: f64, x: f64) -> f64 {
    c[0] + x * (c[1] + x * (c[2] + x * c[3])) + u * (c[4] + x * (c[5] + x * (c[6] + x * c[7])))
}
