//! Motion: a point that goes at constant speed along a geodesic, and two of them relative to each other.
//!
//! Law: as `keepclear/geo/motion.py`, whose searches these are, step by step: times are seconds from the beginning of a
//! window, and near is by the straight chord.
//!
//! Theory: on the ellipsoid P.AP = a^2, A = diag(1, 1, g), g = (a/b)^2, a geodesic has P'' = -m AP. By Joachimsthal
//! (P'.AP')(AP.AP) is constant along it, so that m = C / (AP.AP)^2, where AP.AP = a^2 + g (g - 1) z^2: a power series in
//! time follows by recurrence, without a sine. Seven terms leave out s^7 / (5040 R^6), 4e-8 m after 200 km; whatever goes
//! farther from its report, or from the middle of its window, is asked of the exact `Line`.

use crate::geodesy::{ahead, dot, minus, sin_cos_deg, Line, Vec3, E2, EQUATOR_M, FLATTENING, MOST_CURVED_M};

const TERMS: usize = 7;
const SERIES_M: f64 = 200_000.0;
const G: f64 = 1.0 / ((1.0 - FLATTENING) * (1.0 - FLATTENING));
const ROUNDS: usize = 40;
/// Steps of Newton this small leave an error that is the square of it, far below the millisecond of the answer.
pub const SETTLED_S: f64 = 1e-4;
/// Distances this nearly equal are a formation: its nearest time is the first.
const SAME_M: f64 = 1e-4;
const STILL_MPS2: f64 = 1e-12;

/// Terms of a power series in time: place, velocity, ...
pub type Series = [Vec3; TERMS];

/// The series of the geodesic through a place with a velocity.
pub fn series(place: Vec3, velocity: Vec3) -> Series {
    let normal = [place[0], place[1], G * place[2]];
    let whole = dot(normal, normal);
    let mut terms = [[0.0; 3]; TERMS];
    (terms[0], terms[1]) = (place, velocity);
    let (mut shape, mut pull) = ([0.0; TERMS - 2], [0.0; TERMS - 2]);
    pull[0] = dot(velocity, [velocity[0], velocity[1], G * velocity[2]]) / whole;
    next::<0>(&mut terms, &mut shape, &mut pull, 1.0 / whole);
    next::<1>(&mut terms, &mut shape, &mut pull, 1.0 / whole);
    next::<2>(&mut terms, &mut shape, &mut pull, 1.0 / whole);
    next::<3>(&mut terms, &mut shape, &mut pull, 1.0 / whole);
    next::<4>(&mut terms, &mut shape, &mut pull, 1.0 / whole);
    terms
}

/// Term K + 2 from those before it. With K known the loops are laid out flat, which is four times as fast.
#[inline(always)]
fn next<const K: usize>(terms: &mut Series, shape: &mut [f64; TERMS - 2], pull: &mut [f64; TERMS - 2], share: f64) {
    if K > 0 {
        let mut sum = 0.0;
        for i in 0..=K {
            sum += terms[i][2] * terms[K - i][2];
        }
        shape[K] = G * (G - 1.0) * sum;
        let mut sum = 0.0;
        for i in 1..=K {
            sum -= (i + K) as f64 * shape[i] * pull[K - i];
        }
        pull[K] = sum / K as f64 * share;
    }
    let mut sum = [0.0; 3];
    for i in 0..=K {
        sum = ahead(sum, terms[K - i], pull[i]);
    }
    let share = -1.0 / ((K + 1) * (K + 2)) as f64;
    terms[K + 2] = [share * sum[0], share * sum[1], G * share * sum[2]];
}

/// Place and velocity of a series at a time.
pub fn at(terms: &Series, time: f64) -> (Vec3, Vec3) {
    let (mut place, mut rate) = (terms[TERMS - 1], [0.0; 3]);
    for term in terms[..TERMS - 1].iter().rev() {
        rate = ahead(place, rate, time);
        place = ahead(*term, place, time);
    }
    (place, rate)
}

/// Where a point of the ellipsoid at a place with a velocity is drawn to: its acceleration along the geodesic.
pub fn pull(place: Vec3, velocity: Vec3) -> Vec3 {
    let normal = [place[0], place[1], G * place[2]];
    let share = -dot(velocity, [velocity[0], velocity[1], G * velocity[2]]) / dot(normal, normal);
    [share * normal[0], share * normal[1], share * normal[2]]
}

/// A point that moves, as it was reported: at (lat, lon) on a course, `lead_m` before its window of `length_s` begins.
#[derive(Clone, Copy)]
pub struct Mover {
    pub lat_deg: f64,
    pub lon_deg: f64,
    pub course_deg: f64,
    pub lead_m: f64,
    pub speed_mps: f64,
    pub length_s: f64,
}

impl Mover {
    /// Place and velocity in the middle of the window.
    pub fn middle(&self) -> (Vec3, Vec3) {
        let way_m = self.lead_m + self.speed_mps * self.length_s / 2.0;
        let (place, along) = if way_m.abs() <= SERIES_M {
            let (place, along) = start(self.lat_deg, self.lon_deg, self.course_deg);
            at(&series(place, along), way_m)
        } else {
            Line::of(self.lat_deg, self.lon_deg, self.course_deg).ecef(way_m)
        };
        (place, ahead([0.0; 3], along, self.speed_mps))
    }

    /// How far (m) it may bend away from the straight line through the middle of its window.
    pub fn bend_m(&self) -> f64 {
        let half_m = self.speed_mps * self.length_s / 2.0;
        half_m * half_m / (2.0 * MOST_CURVED_M)
    }

    /// Whether the series about the middle of its window holds it all.
    pub fn is_short(&self) -> bool {
        (self.speed_mps * self.length_s / 2.0).abs() <= SERIES_M
    }

    fn exact(&self) -> Exact {
        let line = Line::of(self.lat_deg, self.lon_deg, self.course_deg);
        Exact { line, lead_m: self.lead_m, speed_mps: self.speed_mps }
    }
}

/// The place of a report on the ellipsoid, and the unit vector of its course.
fn start(lat_deg: f64, lon_deg: f64, course_deg: f64) -> (Vec3, Vec3) {
    let (sin_lat, cos_lat) = sin_cos_deg(lat_deg);
    let (sin_lon, cos_lon) = lon_deg.to_radians().sin_cos();
    let (east, north) = sin_cos_deg(course_deg);
    let prime = EQUATOR_M / (1.0 - E2 * sin_lat * sin_lat).sqrt();
    let inward = north * sin_lat;
    (
        [prime * cos_lat * cos_lon, prime * cos_lat * sin_lon, prime * (1.0 - E2) * sin_lat],
        [-east * sin_lon - inward * cos_lon, east * cos_lon - inward * sin_lon, north * cos_lat],
    )
}

struct Exact {
    line: Line,
    lead_m: f64,
    speed_mps: f64,
}

impl Exact {
    fn at(&self, time: f64) -> (Vec3, Vec3) {
        let (place, along) = self.line.ecef(self.lead_m + self.speed_mps * time);
        (place, ahead([0.0; 3], along, self.speed_mps))
    }
}

/// One mover as seen from another: a series about the middle of the window, or two exact geodesics.
pub struct Relative {
    way: Way,
}

enum Way {
    Short { terms: Series, half_s: f64 },
    Long(Box<(Exact, Exact)>),
}

impl Relative {
    /// One mover as seen from another, each by its place and velocity in the middle of their one window; both short.
    pub fn short(one: (Vec3, Vec3), other: (Vec3, Vec3), length_s: f64) -> Relative {
        let (mut terms, others) = (series(one.0, one.1), series(other.0, other.1));
        for (term, other) in terms.iter_mut().zip(others) {
            *term = minus(*term, other);
        }
        Relative { way: Way::Short { terms, half_s: length_s / 2.0 } }
    }

    /// The same for any two movers.
    pub fn long(one: &Mover, other: &Mover) -> Relative {
        Relative { way: Way::Long(Box::new((one.exact(), other.exact()))) }
    }

    /// The chord vector and its rate of change.
    pub fn at(&self, time: f64) -> (Vec3, Vec3) {
        match &self.way {
            Way::Short { terms, half_s } => at(terms, time - half_s),
            Way::Long(pair) => {
                let ((place, velocity), (other_place, other_velocity)) = (pair.0.at(time), pair.1.at(time));
                (minus(place, other_place), minus(velocity, other_velocity))
            }
        }
    }

    /// The chord's length at a time.
    pub fn gap_m(&self, time: f64) -> f64 {
        let (chord, _) = self.at(time);
        dot(chord, chord).sqrt()
    }

    /// How the chord is drawn to bend at a time: the difference of the two accelerations.
    fn bend(&self, time: f64) -> Vec3 {
        match &self.way {
            Way::Short { terms, half_s } => {
                let mut bend = [0.0; 3];
                for (k, term) in terms.iter().enumerate().skip(2).rev() {
                    let share = (k * (k - 1)) as f64;
                    bend = ahead([share * term[0], share * term[1], share * term[2]], bend, time - half_s);
                }
                bend
            }
            Way::Long(pair) => {
                let ((place, velocity), (other_place, other_velocity)) = (pair.0.at(time), pair.1.at(time));
                minus(pull(place, velocity), pull(other_place, other_velocity))
            }
        }
    }

    /// When in [0, length] the chord is shortest (the first such time for movers that keep their distance), and from when
    /// until when it is shorter than `chord_m`; None if it never is.
    pub fn times_within(&self, length_s: f64, chord_m: f64) -> Option<(f64, f64, f64)> {
        let ends = [self.at(0.0), self.at(length_s)];
        let turn = self.turn(&ends, length_s);
        let turned = self.at(turn);
        let gaps2 = [dot(ends[0].0, ends[0].0), dot(turned.0, turned.0), dot(ends[1].0, ends[1].0)];
        let most = gaps2[0].min(gaps2[1]).min(gaps2[2]).sqrt() + SAME_M;
        let first = (0..3).find(|&k| gaps2[k].sqrt() <= most)?;
        let least = [0.0, turn, length_s][first];
        let (gap, rate) = [ends[0], turned, ends[1]][first];
        let limit2 = chord_m * chord_m;
        let short2 = limit2 - dot(gap, gap);
        if !(short2 > 0.0) {
            return None;
        }
        let half = (short2 / dot(rate, rate).max(STILL_MPS2)).sqrt();
        let begin = if gaps2[0] < limit2 { 0.0 } else { self.root(0.0, least, (least - half).max(0.0), limit2) };
        let end =
            if gaps2[2] < limit2 { length_s } else { self.root(length_s, least, (least + half).min(length_s), limit2) };
        Some((least, begin, end))
    }

    /// A time in [0, length] at which the chord stops shrinking and grows; half the length if there is none.
    fn turn(&self, ends: &[(Vec3, Vec3); 2], length_s: f64) -> f64 {
        let growth = |(chord, rate): (Vec3, Vec3)| dot(chord, rate);
        let mut time = length_s / 2.0;
        let (mut chord, mut rate) = self.at(time);
        let (first, middle, last) = (growth(ends[0]), dot(chord, rate), growth(ends[1]));
        let (mut low, mut high) = if first < 0.0 && middle >= 0.0 {
            (0.0, time)
        } else if middle < 0.0 && last > 0.0 {
            (time, length_s)
        } else {
            return time;
        };
        for _ in 0..ROUNDS {
            let growth = dot(chord, rate);
            if growth < 0.0 {
                low = time;
            } else {
                high = time;
            }
            let newton = time - growth / (dot(rate, rate) + dot(chord, self.bend(time)));
            let following = if newton >= low && newton <= high { newton } else { (low + high) / 2.0 };
            let settled = (following - time).abs() <= SETTLED_S;
            time = following;
            if settled {
                break;
            }
            (chord, rate) = self.at(time);
        }
        time
    }

    /// Between a far time and a near one, where the squared chord is `limit2`.
    fn root(&self, far: f64, near: f64, guess: f64, limit2: f64) -> f64 {
        let excess = |time: f64| {
            let (gap, rate) = self.at(time);
            (dot(gap, gap) - limit2, 2.0 * dot(gap, rate))
        };
        root(excess, far, near, guess)
    }
}

/// Between a far time and a near one where `outside` is nothing: Newton's steps, or halves where they would leave what is
/// between. `outside` answers how far outside, below nothing at the near time, and how fast that grows.
pub fn root(outside: impl Fn(f64) -> (f64, f64), far: f64, near: f64, guess: f64) -> f64 {
    let (mut outer, mut inner, mut time) = (far, near, guess);
    for _ in 0..ROUNDS {
        let (excess, slope) = outside(time);
        if excess >= 0.0 {
            outer = time;
        } else {
            inner = time;
        }
        let newton = time - excess / slope;
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
