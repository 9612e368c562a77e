//! Which volumes a leg may come near, before anything exact is asked: `keepclear/geo/sieve.py` says how.
//!
//! Law: what is sifted out cannot meet; what is left may. The sets need steps times volumes in bits, whatever the
//! number of legs.

use crate::altitude::{reference_bound_m, ALTITUDE_EPSILON_M, REFERENCES};
use crate::geodesy::{dot, minus};
use crate::leg::{Envelope, Leg};
use crate::volumes::{Area, Edge, Volumes};

const LEVEL_MPS: f64 = 1e-9;
const STILL_MPS2: f64 = 1e-12;
const STEPS: usize = 256;

/// A leg and a volume that may meet, with the times of `keepclear.geo.sieve.Pairs`.
#[derive(Clone, Copy)]
pub struct Pair {
    /// Of the open volumes.
    pub number: usize,
    pub first: f64,
    pub last: f64,
    pub first_perhaps: f64,
    pub last_perhaps: f64,
    pub near_from: f64,
    pub near_until: f64,
}

/// Even steps from the least finite end of the volumes to the greatest, and the sets of those begun and ending there.
struct Axis {
    least: f64,
    a_unit: f64,
    words: usize,
    begun: Vec<u64>,
    ending: Vec<u64>,
}

impl Axis {
    /// Of one or more lists of (low, high) of the same volumes, their sets one after the other.
    fn of(lists: &[Vec<(f64, f64)>]) -> Axis {
        let ends = || lists.iter().flatten().flat_map(|&(low, high)| [low, high]).filter(|end| end.is_finite());
        let least = ends().fold(f64::INFINITY, f64::min);
        let greatest = ends().fold(f64::NEG_INFINITY, f64::max);
        let least = if least.is_finite() { least } else { 0.0 };
        let words = (lists[0].len() + 63) / 64;
        let mut axis = Axis {
            least,
            a_unit: (STEPS - 2) as f64 / (greatest - least).max(1.0),
            words,
            begun: vec![0; lists.len() * STEPS * words],
            ending: vec![0; lists.len() * STEPS * words],
        };
        for (number, list) in lists.iter().enumerate() {
            for (k, &(low, high)) in list.iter().enumerate() {
                let (begin, end) = (axis.row(axis.step(low), number), axis.row(axis.step(high), number));
                axis.begun[begin + k / 64] |= 1 << (k % 64);
                axis.ending[end + k / 64] |= 1 << (k % 64);
            }
            let whole = number * STEPS * words..(number + 1) * STEPS * words;
            gather(&mut axis.begun[whole.clone()], words, 1..STEPS, |step| step - 1);
            gather(&mut axis.ending[whole], words, (0..STEPS - 1).rev(), |step| step + 1);
        }
        axis
    }

    /// The step of a value: never less for a greater one.
    fn step(&self, value: f64) -> usize {
        ((value - self.least) * self.a_unit + 1.0).min((STEPS - 1) as f64).max(0.0) as usize
    }

    fn row(&self, step: usize, list: usize) -> usize {
        (list * STEPS + step) * self.words
    }

    fn begun_by(&self, value: f64, list: usize) -> &[u64] {
        let row = self.row(self.step(value), list);
        &self.begun[row..row + self.words]
    }

    fn ending_since(&self, value: f64, list: usize) -> &[u64] {
        let row = self.row(self.step(value), list);
        &self.ending[row..row + self.words]
    }
}

/// Each step's set takes in that of the step before it, in the order given.
fn gather(sets: &mut [u64], words: usize, steps: impl Iterator<Item = usize>, before: impl Fn(usize) -> usize) {
    for step in steps {
        for word in 0..words {
            sets[step * words + word] |= sets[before(step) * words + word];
        }
    }
}

struct Open {
    area: Area,
    reach_m: f64,
    opens_s: f64,
    closes_s: f64,
}

/// The volumes open at some time of the look-ahead, held so that a leg finds those near it.
pub struct Sieve {
    open: Vec<Open>,
    edges: Vec<Edge>,
    bands: Vec<Vec<(f64, f64)>>,
    space: [Axis; 3],
    height: Axis,
}

impl Sieve {
    pub fn of(volumes: &Volumes<'_>, now_ms: i64, look_ahead_ms: i64) -> Sieve {
        let until_ms = now_ms.saturating_add(look_ahead_ms.max(1));
        let seconds = |ms: i64| ms.saturating_sub(now_ms) as f64 / 1000.0;
        let mut edges = vec![];
        let open: Vec<Open> = (0..volumes.len())
            .filter(|&v| volumes.start_ms[v] <= until_ms && volumes.end_ms[v] >= now_ms)
            .map(|v| Open {
                area: volumes.area(v, &mut edges),
                reach_m: volumes.reach_m[v],
                opens_s: seconds(volumes.start_ms[v]),
                closes_s: seconds(volumes.end_ms[v]),
            })
            .collect();
        let bands: Vec<Vec<(f64, f64)>> = (0..REFERENCES)
            .map(|reference| open.iter().map(|one| band(volumes, one.area.volume, reference)).collect())
            .collect();
        let along = |axis: usize| {
            Axis::of(&[open
                .iter()
                .map(|o| (o.area.centre[axis] - o.reach_m, o.area.centre[axis] + o.reach_m))
                .collect()])
        };
        let space = [along(0), along(1), along(2)];
        let height = Axis::of(&bands);
        Sieve { open, edges, bands, space, height }
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The area of an open volume, and its edges.
    pub fn area(&self, number: usize) -> (&Area, &[Edge]) {
        let area = &self.open[number].area;
        (area, &self.edges[area.edges.clone()])
    }

    /// Appends the pairs of a leg that can meet, and some that do not, in order of their volumes.
    pub fn sift(&self, leg: &Leg, envelope: &Envelope, pairs: &mut Vec<Pair>) {
        let (low, high) = leg.heights();
        let half_s = leg.length_s / 2.0;
        let half_m = |axis: usize| envelope.velocity[axis].abs() * half_s + envelope.thick_m;
        let begun = |axis: usize| self.space[axis].begun_by(envelope.place[axis] + half_m(axis), 0);
        let ending = |axis: usize| self.space[axis].ending_since(envelope.place[axis] - half_m(axis), 0);
        let sets = [
            self.height.begun_by(high, leg.alt_ref),
            self.height.ending_since(low, leg.alt_ref),
            begun(0),
            ending(0),
            begun(1),
            ending(1),
            begun(2),
            ending(2),
        ];
        let [a, b, c, d, e, f, g, h] = sets.map(|set| &set[..self.height.words]);
        for word in 0..self.height.words {
            let mut left = a[word] & b[word] & c[word] & d[word] & e[word] & f[word] & g[word] & h[word];
            while left != 0 {
                let number = 64 * word + left.trailing_zeros() as usize;
                left &= left - 1;
                pairs.extend(self.timed(leg, envelope, number));
            }
        }
    }

    /// The pair if it is at some time in band, in window and in the ball together.
    fn timed(&self, leg: &Leg, envelope: &Envelope, number: usize) -> Option<Pair> {
        let one = &self.open[number];
        let (first_perhaps, last_perhaps) = self.held(leg, number, leg.alt_err_m);
        if !(first_perhaps < last_perhaps) {
            return None;
        }
        let apart = minus(one.area.centre, envelope.place);
        let speed2 = dot(envelope.velocity, envelope.velocity);
        let moves = speed2 > STILL_MPS2;
        let nearest = if moves { dot(apart, envelope.velocity) / speed2 } else { 0.0 };
        let off = crate::geodesy::ahead(apart, envelope.velocity, -nearest);
        let reach = envelope.thick_m + one.reach_m;
        let short2 = reach * reach - dot(off, off);
        if !(short2 >= 0.0) {
            return None;
        }
        let half = if moves { (short2 / speed2).sqrt() } else { f64::INFINITY };
        let middle = leg.length_s / 2.0 + nearest;
        let (near_from, near_until) = ((middle - half).max(first_perhaps), (middle + half).min(last_perhaps));
        if !(near_from <= near_until) {
            return None;
        }
        let (first, last) =
            if leg.alt_err_m == 0.0 { (first_perhaps, last_perhaps) } else { self.held(leg, number, 0.0) };
        Some(Pair { number, first, last, first_perhaps, last_perhaps, near_from, near_until })
    }

    /// From when until when height and clock are in band and window; upside down if never.
    fn held(&self, leg: &Leg, number: usize, error_m: f64) -> (f64, f64) {
        let (lower, upper) = self.bands[leg.alt_ref][number];
        let (lower, upper) = (lower - error_m, upper + error_m);
        let (alt, rate) = (leg.alt_m, leg.rate_mps);
        let level = rate.abs() < LEVEL_MPS;
        let (first, last) = if alt.is_nan() || (level && alt >= lower && alt < upper) {
            (f64::NEG_INFINITY, f64::INFINITY)
        } else if level {
            (f64::INFINITY, f64::NEG_INFINITY)
        } else {
            let (to_lower, to_upper) = ((lower - alt) / rate, (upper - alt) / rate);
            (to_lower.min(to_upper), to_lower.max(to_upper))
        };
        let one = &self.open[number];
        (first.max(one.opens_s).max(0.0), last.min(one.closes_s).min(leg.length_s))
    }
}

/// A volume's limits as read on a reference, wider by what the two may be apart.
fn band(volumes: &Volumes<'_>, volume: usize, reference: usize) -> (f64, f64) {
    let (lower, upper) = (volumes.lower_m[volume], volumes.upper_m[volume]);
    let below = reference_bound_m(volumes.lower_ref[volume] as usize, reference, lower);
    let above = reference_bound_m(volumes.upper_ref[volume] as usize, reference, upper);
    (lower - below - ALTITUDE_EPSILON_M, upper + above - ALTITUDE_EPSILON_M)
}
