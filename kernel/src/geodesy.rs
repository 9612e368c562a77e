//! Geodesics on WGS-84, one at a time: the arithmetic of `keepclear/geo/geodesy.py` and `earth.py`, line by line.
//!
//! Law: distances, courses and positions are those of the geodesic on the WGS-84 ellipsoid at height zero; no seam at
//! the antimeridian, no hole at the poles; NaN in, NaN out; nothing panics. Angles are degrees and lengths metres.
//!
//! Theory: C. F. F. Karney, "Algorithms for geodesics", J. Geodesy 87 (2013) 43-55, equations 15-25, to the fourth
//! order in epsilon, as there. Sines and arc tangents are the platform's here and numpy's there, so that the two agree
//! to a few nanometres and not to the bit.

use std::f64::consts::PI;

pub const EQUATOR_M: f64 = 6_378_137.0;
pub const FLATTENING: f64 = 1.0 / 298.257223563;
pub const POLAR_M: f64 = EQUATOR_M * (1.0 - FLATTENING);
pub const MEAN_M: f64 = 6_371_008.8;
/// The least radius of curvature: of the meridian, at the equator.
pub const MOST_CURVED_M: f64 = POLAR_M * POLAR_M / EQUATOR_M;
pub const E2: f64 = FLATTENING * (2.0 - FLATTENING);
const EP2: f64 = E2 / (1.0 - E2);
const N: f64 = FLATTENING / (2.0 - FLATTENING);
const TINY: f64 = 1e-300;
const SETTLED_RAD: f64 = 1e-14;
const ROUNDS: usize = 20;

pub type Vec3 = [f64; 3];

pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn minus(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `a + b t`.
pub fn ahead(a: Vec3, b: Vec3, t: f64) -> Vec3 {
    [a[0] + b[0] * t, a[1] + b[1] * t, a[2] + b[2] * t]
}

/// Sine and cosine of degrees; a quarter turn is exact, so that a pole is at the pole.
pub fn sin_cos_deg(angle_deg: f64) -> (f64, f64) {
    // Adding and taking away 1.5 * 2^52 leaves the nearest whole number, without a call.
    let quarter = (angle_deg / 90.0 + 6_755_399_441_055_744.0) - 6_755_399_441_055_744.0;
    let (sin, cos) = (angle_deg - 90.0 * quarter).to_radians().sin_cos();
    match quarter as i64 & 3 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// The same longitude in [-180, 180).
pub fn wrap_deg(lon_deg: f64) -> f64 {
    (lon_deg + 180.0).rem_euclid(360.0) - 180.0
}

/// A point of the ellipsoid, earth-centred.
pub fn to_ecef(lat_deg: f64, lon_deg: f64) -> Vec3 {
    let (sin_lat, cos_lat) = lat_deg.to_radians().sin_cos();
    let (sin_lon, cos_lon) = lon_deg.to_radians().sin_cos();
    let prime = EQUATOR_M / (1.0 - E2 * sin_lat * sin_lat).sqrt();
    [prime * cos_lat * cos_lon, prime * cos_lat * sin_lon, prime * (1.0 - E2) * sin_lat]
}

/// Geodesic metres between points a straight chord apart, for chords up to 1000 km (12 m long there, 0.01 mm at 5 NM).
pub fn chord_to_arc_m(chord_m: f64) -> f64 {
    2.0 * MEAN_M * (chord_m / (2.0 * MEAN_M)).min(1.0).asin()
}

/// The chord of a geodesic: what `chord_to_arc_m` undoes.
pub fn arc_to_chord_m(arc_m: f64) -> f64 {
    2.0 * MEAN_M * (arc_m / (2.0 * MEAN_M)).min(PI / 2.0).sin()
}

fn unit(y: f64, x: f64) -> (f64, f64) {
    let length = y.hypot(x);
    (y / length, x / length)
}

/// C1, C3, A3 and C1' of epsilon.
fn series(e: f64) -> ([f64; 4], [f64; 4], f64, [f64; 4]) {
    let (e2, e3, e4) = (e * e, e * e * e, e * e * e * e);
    let c1 = [-e / 2.0 + 3.0 / 16.0 * e3, -e2 / 16.0 + e4 / 32.0, -e3 / 48.0, -5.0 / 512.0 * e4];
    let c3 = [
        (0.25 - N / 4.0) * e + (1.0 / 8.0 - N * N / 8.0) * e2 + (3.0 / 64.0 + 3.0 * N / 64.0) * e3 + 5.0 / 128.0 * e4,
        (1.0 / 16.0 - 3.0 * N / 32.0 + N * N / 32.0) * e2
            + (3.0 / 64.0 - N / 32.0 - 3.0 * N * N / 64.0) * e3
            + 3.0 / 128.0 * e4,
        (5.0 / 192.0 - 3.0 * N / 64.0 + 5.0 * N * N / 192.0) * e3 + 3.0 / 128.0 * e4,
        7.0 / 512.0 * e4,
    ];
    let a3 = 1.0
        - (0.5 - N / 2.0) * e
        - (0.25 + N / 8.0 - 3.0 * N * N / 8.0) * e2
        - (1.0 / 16.0 + 3.0 * N / 16.0) * e3
        - 3.0 / 64.0 * e4;
    let c1p = [e / 2.0 - 9.0 / 32.0 * e3, 5.0 / 16.0 * e2 - 37.0 / 96.0 * e4, 29.0 / 96.0 * e3, 539.0 / 1536.0 * e4];
    (c1, c3, a3, c1p)
}

/// Sum of c[l] sin(2 l x), l = 1..4, by Clenshaw.
fn sine_sum(c: &[f64; 4], sin_x: f64, cos_x: f64) -> f64 {
    let two_cos = 2.0 * (cos_x - sin_x) * (cos_x + sin_x);
    let b3 = c[2] + two_cos * c[3];
    let b2 = c[1] + two_cos * b3 - c[3];
    let b1 = c[0] + two_cos * b2 - b3;
    2.0 * sin_x * cos_x * b1
}

fn epsilon(cos_alpha0: f64) -> f64 {
    let k2 = EP2 * cos_alpha0 * cos_alpha0;
    k2 / (2.0 * (1.0 + (1.0 + k2).sqrt()) + k2)
}

/// Metres of arc for a radian of sigma: b A1.
fn distance_scale(e: f64) -> f64 {
    let e2 = e * e;
    POLAR_M * (1.0 + e2 / 4.0 + e2 * e2 / 64.0) / (1.0 - e)
}

/// Sine and cosine of the reduced latitude; at a pole it keeps a hair of cosine, so that a course picks a meridian.
fn reduced(lat_deg: f64) -> (f64, f64) {
    let (sin_lat, cos_lat) = sin_cos_deg(lat_deg);
    unit((1.0 - FLATTENING) * sin_lat, cos_lat.abs().max(TINY))
}

/// A geodesic from a point on a course: constants from which any point of it follows without iteration.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    lon_deg: f64,
    sin_alpha0: f64,
    cos_alpha0: f64,
    omega1: f64,
    scale: f64,
    tau1: f64,
    c1p: [f64; 4],
    c3: [f64; 4],
    lon_scale: f64,
    i3_1: f64,
}

impl Line {
    /// The geodesic from (lat, lon) on an azimuth clockwise from north, all in degrees.
    pub fn of(lat_deg: f64, lon_deg: f64, azimuth_deg: f64) -> Line {
        let (sin_a, cos_a) = sin_cos_deg(azimuth_deg);
        let (sin_b, cos_b) = reduced(lat_deg);
        let sin_alpha0 = sin_a * cos_b;
        let cos_alpha0 = cos_a.hypot(sin_a * sin_b);
        let start = if sin_b == 0.0 && cos_a == 0.0 { 1.0 } else { cos_b * cos_a };
        let (sin_s, cos_s) = unit(sin_b, start);
        let e = epsilon(cos_alpha0);
        let (c1, c3, a3, c1p) = series(e);
        let sigma1 = sin_s.atan2(cos_s);
        Line {
            lon_deg,
            sin_alpha0,
            cos_alpha0,
            omega1: (sin_alpha0 * sin_s).atan2(cos_s),
            scale: distance_scale(e),
            tau1: sigma1 + sine_sum(&c1, sin_s, cos_s),
            c1p,
            c3,
            lon_scale: -FLATTENING * sin_alpha0 * a3,
            i3_1: sigma1 + sine_sum(&c3, sin_s, cos_s),
        }
    }

    /// Latitude, longitude in [-180, 180) and azimuth there (degrees) after `distance_m`; negative goes back.
    pub fn position(&self, distance_m: f64) -> (f64, f64, f64) {
        let (sin_s, cos_s, lon) = self.arc(distance_m);
        let sin_beta = self.cos_alpha0 * sin_s;
        let cos_beta = self.sin_alpha0.hypot(self.cos_alpha0 * cos_s);
        let lat = sin_beta.atan2((1.0 - FLATTENING) * cos_beta).to_degrees();
        let azimuth = self.sin_alpha0.atan2(self.cos_alpha0 * cos_s).to_degrees();
        (lat, wrap_deg(self.lon_deg + lon.to_degrees()), azimuth)
    }

    /// The same point earth-centred (m), and the unit vector along the geodesic there.
    pub fn ecef(&self, distance_m: f64) -> (Vec3, Vec3) {
        let (sin_s, cos_s, lon) = self.arc(distance_m);
        let sin_beta = self.cos_alpha0 * sin_s;
        let cos_beta = self.sin_alpha0.hypot(self.cos_alpha0 * cos_s).max(TINY);
        let (sin_lat, cos_lat) = unit(sin_beta, (1.0 - FLATTENING) * cos_beta);
        let (east, north) = (self.sin_alpha0 / cos_beta, self.cos_alpha0 * cos_s / cos_beta);
        let (sin_lon, cos_lon) = (self.lon_deg.to_radians() + lon).sin_cos();
        let inward = north * sin_lat;
        (
            [EQUATOR_M * cos_beta * cos_lon, EQUATOR_M * cos_beta * sin_lon, POLAR_M * sin_beta],
            [-east * sin_lon - inward * cos_lon, east * cos_lon - inward * sin_lon, north * cos_lat],
        )
    }

    /// Sine and cosine of sigma after `distance_m`, and the longitude gone by in radians.
    fn arc(&self, distance_m: f64) -> (f64, f64, f64) {
        // tau = sigma + B1(sigma); the reverted series gives sigma of tau (eqs 7, 20, 21).
        let tau = distance_m / self.scale + self.tau1;
        let (sin_tau, cos_tau) = tau.sin_cos();
        let sigma = tau + sine_sum(&self.c1p, sin_tau, cos_tau);
        let (sin_s, cos_s) = sigma.sin_cos();
        let omega = (self.sin_alpha0 * sin_s).atan2(cos_s);
        let i3 = sigma + sine_sum(&self.c3, sin_s, cos_s);
        (sin_s, cos_s, omega - self.omega1 + self.lon_scale * (i3 - self.i3_1))
    }
}

/// A shortest geodesic: its length (m) and its azimuths at both ends (degrees).
#[derive(Clone, Copy, Debug)]
pub struct Inverse {
    pub distance_m: f64,
    pub azimuth1_deg: f64,
    pub azimuth2_deg: f64,
}

/// The shortest geodesic between two points; None within about half a degree of the antipode, where the iteration
/// does not settle (numpy's twin asks GeographicLib there). NaN in, NaN out.
pub fn inverse(lat1_deg: f64, lon1_deg: f64, lat2_deg: f64, lon2_deg: f64) -> Option<Inverse> {
    let (one, two) = (reduced(lat1_deg), reduced(lat2_deg));
    let lon12 = wrap_deg(lon2_deg - lon1_deg).to_radians();
    let mut omega = lon12;
    for _ in 0..ROUNDS {
        let following = lon12 - sphere(one, two, omega).0;
        let settled = (following - omega).abs() < SETTLED_RAD;
        omega = following;
        if settled || omega.is_nan() {
            // A longitude driven past half a turn is another geodesic than the shortest.
            return (omega.is_nan() || omega.abs() <= PI).then(|| sphere(one, two, omega).1);
        }
    }
    None
}

/// The triangle on the auxiliary sphere for a longitude difference omega, and what it means on the ellipsoid.
fn sphere(one: (f64, f64), two: (f64, f64), omega: f64) -> (f64, Inverse) {
    let ((sin_b1, cos_b1), (sin_b2, cos_b2)) = (one, two);
    let (sin_o, cos_o) = omega.sin_cos();
    // cos_b1 sin_b2 - sin_b1 cos_b2 cos_o without the cancellation for near points.
    let half = (omega / 2.0).sin();
    let versed = 2.0 * half * half;
    let across = sin_b2 * cos_b1 - cos_b2 * sin_b1;
    let (y1, x1) = (cos_b2 * sin_o, across + sin_b1 * cos_b2 * versed);
    let (y2, x2) = (cos_b1 * sin_o, across - cos_b1 * sin_b2 * versed);
    let sin_s12 = y1.hypot(x1);
    let cos_s12 = sin_b1 * sin_b2 + cos_b1 * cos_b2 * cos_o;
    let same = sin_s12 == 0.0;
    // Two equal points: any course will do; north keeps the numbers finite.
    let (sin_a1, cos_a1) = if same { (0.0, 1.0) } else { unit(y1, x1) };
    let sin_alpha0 = sin_a1 * cos_b1;
    let cos_alpha0 = cos_a1.hypot(sin_a1 * sin_b1);
    let start = if sin_b1 == 0.0 && cos_a1 == 0.0 { 1.0 } else { cos_b1 * cos_a1 };
    let (sin_s1, cos_s1) = unit(sin_b1, start);
    let s12 = sin_s12.atan2(cos_s12);
    let sin_s2 = sin_s1 * cos_s12 + cos_s1 * sin_s12;
    let cos_s2 = cos_s1 * cos_s12 - sin_s1 * sin_s12;
    let e = epsilon(cos_alpha0);
    let (c1, c3, a3, _) = series(e);
    let b1 = sine_sum(&c1, sin_s2, cos_s2) - sine_sum(&c1, sin_s1, cos_s1);
    let b3 = sine_sum(&c3, sin_s2, cos_s2) - sine_sum(&c3, sin_s1, cos_s1);
    let found = Inverse {
        distance_m: distance_scale(e) * (s12 + b1),
        azimuth1_deg: sin_a1.atan2(cos_a1).to_degrees(),
        azimuth2_deg: if same { 0.0 } else { y2.atan2(x2).to_degrees() },
    };
    (-FLATTENING * sin_alpha0 * a3 * (s12 + b3), found)
}
