//! Tracks: losses of separation among tracks, the twin of `keepclear/geo/conflict.py`.
//!
//! Law: no pair that may be lost is left out, wherever it is: the index only drops what cannot meet, and each bound says
//! why. The verdict is the exact one of `motion.rs`, with the roundings of the numpy twin.
//!
//! Theory of the index. All is in the earth-centred frame, which has no antimeridian and no poles. What moves on the
//! ellipsoid at speed v is drawn inwards by at most v^2 / R, R the least radius of curvature; so it is never farther than
//! `bend_m` = (v half)^2 / 2R from the straight line through the middle of its window. A chord is shorter than its arc, so
//! that two tracks nearer than H are in boxes about those lines, each grown by its bend and H / 2, that overlap on every
//! axis; and so do their bands of altitude, each grown by V / 2. `sweep.rs` finds the boxes that overlap. What they leave
//! is looked at as two straight lines with their thickness, while the altitudes are near; what that leaves is exact.

use crate::altitude::{is_comparable, reference_bound_m, widest_bound_m, ALTITUDE_EPSILON_M, REFERENCES};
use crate::column;
use crate::geodesy::{ahead, arc_to_chord_m, chord_to_arc_m, dot, minus, Vec3};
use crate::motion::{Mover, Relative};
use crate::sweep::{self, Reach, PARALLEL, UNBOUNDED};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

const NEVER_MS: i64 = (1 << 53) - 1;
const LEVEL_MPS: f64 = 1e-9;
/// Separations this much less than the minimum are the minimum.
const DISTANCE_EPSILON_M: f64 = 1e-3;
/// More than what is lost by keeping coordinates of the earth in 32 bits (0.25 m) and by all rounding before.
const SLACK_M: f64 = 1.0;

/// One track over the look-ahead: place and velocity in its middle, altitude and its rate at its beginning.
#[derive(Clone, Copy)]
struct Flight {
    place: Vec3,
    velocity: Vec3,
    thick_m: f64,
    alt_m: f64,
    rate_mps: f64,
    number: u32,
    reference: u8,
    is_short: bool,
}

/// What is asked of every pair.
struct Question {
    horizontal_m: f64,
    vertical_m: f64,
    chord_m: f64,
    length_s: f64,
    now_ms: i64,
}

/// One loss of separation, as a row of `Conflicts`.
#[derive(Clone, Copy)]
struct Loss {
    i: i64,
    j: i64,
    t_in_ms: i64,
    t_out_ms: i64,
    t_cpa_ms: i64,
    h_min_m: f64,
    v_min_m: f64,
    v_bound_m: f64,
}

/// From when until when |apart + climb t| < limit; unbounded for heights not known, upside down if never.
fn near_in_height(apart: f64, climb: f64, limit: f64) -> (f64, f64) {
    let level = climb.abs() < LEVEL_MPS;
    if apart.is_nan() || limit.is_infinite() || (level && apart.abs() < limit) {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    if level {
        return (f64::INFINITY, f64::NEG_INFINITY);
    }
    let (one, two) = ((-limit - apart) / climb, (limit - apart) / climb);
    (one.min(two), one.max(two))
}

/// The least size of a height that goes evenly from one value to the other.
fn least_height(begin_m: f64, end_m: f64) -> f64 {
    if begin_m * end_m < 0.0 {
        0.0
    } else if begin_m.is_nan() || end_m.is_nan() {
        f64::NAN
    } else {
        begin_m.abs().min(end_m.abs())
    }
}

impl Question {
    /// The loss of one pair, if there is one.
    fn loss(&self, input: &Input<'_>, a: &Flight, b: &Flight) -> Option<Loss> {
        if !self.lines_meet(a, b, 0.0, self.length_s) {
            return None;
        }
        let (a, b) = if a.number < b.number { (a, b) } else { (b, a) };
        let (apart, climb) = (or_nan(a.alt_m - b.alt_m), a.rate_mps - b.rate_mps);
        let highest = self.highest_m(a).max(self.highest_m(b));
        let bound = reference_bound_m(a.reference.into(), b.reference.into(), highest);
        let (first, last) = near_in_height(apart, climb, self.vertical_m + bound - ALTITUDE_EPSILON_M);
        let (first, last) = (first.max(0.0), last.min(self.length_s));
        if !(first < last && self.lines_meet(a, b, first, last)) {
            return None;
        }
        let relative = if a.is_short && b.is_short {
            Relative::short((a.place, a.velocity), (b.place, b.velocity), self.length_s)
        } else {
            Relative::long(&input.mover(a.number as usize, self), &input.mover(b.number as usize, self))
        };
        let (least, enter, leave) = relative.times_within(self.length_s, self.chord_m)?;
        let (enter, leave) = (enter.max(first), leave.min(last));
        if !(enter < leave) {
            return None;
        }
        let nearest = least.max(enter).min(leave);
        let out_ms = self.now_ms + (1000.0 * leave).ceil() as i64;
        Some(Loss {
            i: i64::from(a.number),
            j: i64::from(b.number),
            t_in_ms: self.now_ms + (1000.0 * enter).floor() as i64,
            t_out_ms: if leave >= self.length_s { NEVER_MS } else { out_ms },
            t_cpa_ms: self.now_ms + (1000.0 * nearest).round() as i64,
            h_min_m: chord_to_arc_m(relative.gap_m(nearest)),
            v_min_m: least_height(apart + climb * enter, apart + climb * leave),
            v_bound_m: bound,
        })
    }

    /// The greatest size that a flight's altitude has; NaN if it is not known.
    fn highest_m(&self, flight: &Flight) -> f64 {
        flight.alt_m.abs().max((flight.alt_m + flight.rate_mps * self.length_s).abs())
    }

    /// Whether two straight lines, each with its thickness about it, come together from first until last.
    fn lines_meet(&self, a: &Flight, b: &Flight, first: f64, last: f64) -> bool {
        let half = self.length_s / 2.0;
        let apart = minus(a.place, b.place);
        let closing = minus(a.velocity, b.velocity);
        let time = -dot(apart, closing) / dot(closing, closing).max(1e-12);
        let gap = ahead(apart, closing, time.max(first - half).min(last - half));
        let thick = a.thick_m + b.thick_m;
        dot(gap, gap) <= thick * thick
    }
}

/// Columns of `Tracks` and how they become flights.
struct Input<'a> {
    lat_deg: &'a [f64],
    lon_deg: &'a [f64],
    alt_m: &'a [f64],
    alt_ref: &'a [i64],
    speed_mps: &'a [f64],
    track_deg: &'a [f64],
    rate_mps: &'a [f64],
    at_ms: &'a [i64],
}

fn or_nan(value: f64) -> f64 {
    if value.is_finite() {
        value
    } else {
        f64::NAN
    }
}

fn or_zero(value: f64) -> f64 {
    if value.is_finite() {
        value
    } else {
        0.0
    }
}

impl Input<'_> {
    fn age_s(&self, number: usize, question: &Question) -> f64 {
        (question.now_ms - self.at_ms[number]) as f64 / 1000.0
    }

    fn mover(&self, number: usize, question: &Question) -> Mover {
        let course = self.track_deg[number];
        let speed_mps = if course.is_finite() { or_zero(self.speed_mps[number]) } else { 0.0 };
        Mover {
            lat_deg: self.lat_deg[number],
            lon_deg: self.lon_deg[number],
            course_deg: or_zero(course),
            lead_m: speed_mps * self.age_s(number, question),
            speed_mps,
            length_s: question.length_s,
        }
    }

    /// The track of a number over the look-ahead; None if it has no position.
    fn flight(&self, number: usize, question: &Question) -> Option<Flight> {
        if !(self.lon_deg[number].is_finite() && self.lat_deg[number].abs() <= 90.0) {
            return None;
        }
        let mover = self.mover(number, question);
        let (place, velocity) = mover.middle();
        let rate_mps = or_zero(self.rate_mps[number]);
        Some(Flight {
            place,
            velocity,
            thick_m: mover.bend_m() + question.horizontal_m / 2.0 + SLACK_M,
            alt_m: self.alt_m[number] + rate_mps * self.age_s(number, question),
            rate_mps,
            number: number as u32,
            reference: self.alt_ref[number] as u8,
            is_short: mover.is_short(),
        })
        .filter(|flight| (flight.place[0] + flight.thick_m).is_finite())
    }
}

/// How altitude bands are grown so that those of two flights that may be near overlap.
struct Bands {
    half_m: f64,
    usual: u8,
    other_m: f64,
    length_s: f64,
}

impl Bands {
    /// Flights of the reference that most have are grown by V / 2. One of another is grown by all that a bound can come to
    /// with the highest altitude there is, so that it meets everybody's band if it may be near. What has no bound against
    /// that reference meets every band.
    fn of(flights: &[Flight], question: &Question) -> Bands {
        let mut count = [0; REFERENCES];
        let mut highest: f64 = 0.0;
        for flight in flights {
            count[usize::from(flight.reference)] += 1;
            highest = highest.max(or_zero(question.highest_m(flight)));
        }
        let usual = (0..REFERENCES).max_by_key(|&reference| count[reference]).unwrap_or(0);
        let half_m = question.vertical_m / 2.0;
        Bands { half_m, usual: usual as u8, other_m: half_m + widest_bound_m(highest), length_s: question.length_s }
    }

    fn of_flight(&self, flight: &Flight) -> (f64, f64) {
        let comparable = is_comparable(flight.reference.into()) == is_comparable(self.usual.into());
        let end_m = flight.alt_m + flight.rate_mps * self.length_s;
        if !(comparable && flight.alt_m.is_finite() && end_m.is_finite()) {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        let grown_m = SLACK_M + if flight.reference == self.usual { self.half_m } else { self.other_m };
        (flight.alt_m.min(end_m) - grown_m, flight.alt_m.max(end_m) + grown_m)
    }
}

/// The axes of the earth-centred frame: that on which flights are spread most is swept, the second is cut in slabs.
fn axes(flights: &[Flight]) -> [usize; 3] {
    let (mut least, mut most) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for flight in flights {
        for axis in 0..3 {
            least[axis] = least[axis].min(flight.place[axis]);
            most[axis] = most[axis].max(flight.place[axis]);
        }
    }
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| (most[b] - least[b]).total_cmp(&(most[a] - least[a])));
    order
}

fn bounded(value: f64) -> f32 {
    (value as f32).clamp(-UNBOUNDED, UNBOUNDED)
}

fn reach_of(flight: &Flight, axes: &[usize; 3], bands: &Bands) -> Reach {
    let (mut low, mut high) = ([0.0; 4], [0.0; 4]);
    for (k, &axis) in axes.iter().enumerate() {
        let grown = flight.velocity[axis].abs() * bands.length_s / 2.0 + flight.thick_m;
        low[k] = bounded(flight.place[axis] - grown);
        high[k] = bounded(flight.place[axis] + grown);
    }
    let (lower, upper) = bands.of_flight(flight);
    (low[3], high[3]) = (bounded(lower), bounded(upper));
    Reach { low, high }
}

/// What `of` makes of 0 to count - 1, in order; by all threads if it is worth their while.
fn collected<T: Send>(count: usize, of: impl Fn(usize) -> Option<T> + Send + Sync) -> Vec<T> {
    if count < PARALLEL {
        (0..count).filter_map(of).collect()
    } else {
        (0..count).into_par_iter().with_min_len(512).filter_map(of).collect()
    }
}

/// All losses of separation, in order of i, then j.
fn losses(input: &Input<'_>, question: &Question) -> Vec<Loss> {
    let flights = collected(input.lat_deg.len(), |number| input.flight(number, question));
    let (axes, bands) = (axes(&flights), Bands::of(&flights, question));
    let reaches = collected(flights.len(), |place| Some(reach_of(&flights[place], &axes, &bands)));
    let found = sweep::found(&reaches, &flights, |one, two| question.loss(input, one, two));
    let key = |(place, loss): (usize, &Loss)| ((loss.i as u64) << 32 | loss.j as u64, place as u32);
    let mut order: Vec<(u64, u32)> = found.iter().enumerate().map(key).collect();
    if order.len() < PARALLEL {
        order.sort_unstable();
    } else {
        order.par_sort_unstable();
    }
    order.iter().map(|&(_, place)| found[place as usize]).collect()
}

type Rows<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Losses of separation among a `keepclear.geo.track.Tracks`, read by the names of its columns: columns i, j, t_in_ms, t_out_ms, t_cpa_ms, h_min_m, v_min_m, v_bound_m of `Conflicts`.
#[pyfunction]
fn conflicts<'py>(
    py: Python<'py>,
    tracks: &Bound<'py, PyAny>,
    horizontal_m: f64,
    vertical_m: f64,
    look_ahead_ms: i64,
    now_ms: i64,
) -> PyResult<Rows<'py>> {
    let real = |name: &str| -> PyResult<PyReadonlyArray1<'py, f64>> { tracks.getattr(name)?.extract() };
    let whole = |name: &str| -> PyResult<PyReadonlyArray1<'py, i64>> { tracks.getattr(name)?.extract() };
    let (lat, lon, alt, alt_ref) = (real("lat_deg")?, real("lon_deg")?, real("alt_m")?, whole("alt_ref")?);
    let (speed, course) = (real("ground_speed_mps")?, real("track_deg")?);
    let (rate, at) = (real("vertical_rate_mps")?, whole("at_ms")?);
    let count = lat.len()?;
    let input = Input {
        lat_deg: column(&lat, "lat_deg", count)?,
        lon_deg: column(&lon, "lon_deg", count)?,
        alt_m: column(&alt, "alt_m", count)?,
        alt_ref: column(&alt_ref, "alt_ref", count)?,
        speed_mps: column(&speed, "ground_speed_mps", count)?,
        track_deg: column(&course, "track_deg", count)?,
        rate_mps: column(&rate, "vertical_rate_mps", count)?,
        at_ms: column(&at, "at_ms", count)?,
    };
    if let Some(code) = input.alt_ref.iter().find(|&&code| !(0..REFERENCES as i64).contains(&code)) {
        return Err(PyValueError::new_err(format!("alt_ref {code} is no altitude reference; they are 0 to 3")));
    }
    let question = Question {
        horizontal_m,
        vertical_m,
        chord_m: arc_to_chord_m(horizontal_m - DISTANCE_EPSILON_M),
        length_s: look_ahead_ms.max(1) as f64 / 1000.0,
        now_ms,
    };
    let all = py.allow_threads(|| losses(&input, &question));
    let whole = |of: fn(&Loss) -> i64| all.iter().map(of).collect::<Vec<i64>>().into_pyarray(py);
    let real = |of: fn(&Loss) -> f64| all.iter().map(of).collect::<Vec<f64>>().into_pyarray(py);
    Ok((
        whole(|loss| loss.i),
        whole(|loss| loss.j),
        whole(|loss| loss.t_in_ms),
        whole(|loss| loss.t_out_ms),
        whole(|loss| loss.t_cpa_ms),
        real(|loss| loss.h_min_m),
        real(|loss| loss.v_min_m),
        real(|loss| loss.v_bound_m),
    ))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(conflicts, module)?)
}
