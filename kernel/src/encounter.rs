//! When tracks are inside volumes: the rows of `keepclear/geo/encounter.py`, the same ones in the same order.
//!
//! Law: rows, whole milliseconds and metres are numpy's; sines and arc tangents are the platform's, so that a time
//! may fall on the other side of a millisecond. Memory is the input, the sets of bits of the open volumes and the rows.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::crossing::{self, merge, Crossing, Span};
use crate::leg::{Course, Leg, Report};
use crate::sieve::{Pair, Sieve};
use crate::volumes::{Columns, Volumes};

const NEVER_MS: i64 = (1 << 53) - 1;
const TOUCH_MS: f64 = 1e-3;
/// Tracks that one thread takes at a time; fewer than two of these are not worth waking another.
const CHUNK: usize = 128;

/// The columns of `keepclear.geo.track.Tracks`, by their names.
#[derive(FromPyObject)]
struct TrackColumns<'py> {
    lat_deg: PyReadonlyArray1<'py, f64>,
    lon_deg: PyReadonlyArray1<'py, f64>,
    alt_m: PyReadonlyArray1<'py, f64>,
    alt_ref: PyReadonlyArray1<'py, i64>,
    alt_err_m: PyReadonlyArray1<'py, f64>,
    pos_err_m: PyReadonlyArray1<'py, f64>,
    ground_speed_mps: PyReadonlyArray1<'py, f64>,
    track_deg: PyReadonlyArray1<'py, f64>,
    vertical_rate_mps: PyReadonlyArray1<'py, f64>,
    at_ms: PyReadonlyArray1<'py, i64>,
}

impl TrackColumns<'_> {
    fn read(&self) -> PyResult<Vec<Report>> {
        let count = self.lat_deg.len()?;
        let lat = crate::column(&self.lat_deg, "lat_deg", count)?;
        let lon = crate::column(&self.lon_deg, "lon_deg", count)?;
        let alt = crate::column(&self.alt_m, "alt_m", count)?;
        let reference = crate::column(&self.alt_ref, "alt_ref", count)?;
        let alt_err = crate::column(&self.alt_err_m, "alt_err_m", count)?;
        let pos_err = crate::column(&self.pos_err_m, "pos_err_m", count)?;
        let speed = crate::column(&self.ground_speed_mps, "ground_speed_mps", count)?;
        let course = crate::column(&self.track_deg, "track_deg", count)?;
        let rate = crate::column(&self.vertical_rate_mps, "vertical_rate_mps", count)?;
        let at = crate::column(&self.at_ms, "at_ms", count)?;
        if let Some(code) = reference.iter().find(|&&code| !(0..4).contains(&code)) {
            return Err(PyValueError::new_err(format!("alt_ref has {code}, which is no altitude reference")));
        }
        let report = |k: usize| Report {
            lat_deg: lat[k],
            lon_deg: lon[k],
            alt_m: alt[k],
            alt_ref: reference[k] as usize,
            alt_err_m: alt_err[k],
            pos_err_m: pos_err[k],
            ground_speed_mps: speed[k],
            track_deg: course[k],
            vertical_rate_mps: rate[k],
            at_ms: at[k],
        };
        Ok((0..count).map(report).collect())
    }
}

/// A row of `Encounters`, its times in ms from now.
#[derive(Clone, Copy)]
struct Row {
    track: usize,
    volume: usize,
    enter: f64,
    clear: f64,
    earliest: f64,
    latest: f64,
    distance_out_m: f64,
}

/// Room for one thread to work in.
#[derive(Default)]
struct Room {
    pairs: Vec<Pair>,
    crossing: crossing::Room,
    perhaps: Vec<Span>,
    sure: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Asked {
    now_ms: i64,
    look_ahead_ms: i64,
}

/// All that is asked about one of many tracks.
struct Picture<'a> {
    volumes: &'a Volumes<'a>,
    sieve: Sieve,
    asked: Asked,
}

impl Picture<'_> {
    /// Appends the rows of one track, in order of volume and time.
    fn rows(&self, track: usize, report: &Report, room: &mut Room, rows: &mut Vec<Row>) {
        let leg = match Leg::of(report, self.asked.now_ms, self.asked.look_ahead_ms) {
            Some(leg) => leg,
            None => return,
        };
        let envelope = leg.envelope();
        room.pairs.clear();
        self.sieve.sift(&leg, &envelope, &mut room.pairs);
        if room.pairs.is_empty() {
            return;
        }
        let mut crossing = Crossing::of(self.volumes, &leg, Course::of(&leg, &envelope), &mut room.crossing);
        for pair in &room.pairs {
            let (area, edges) = self.sieve.area(pair.number);
            let volume = area.volume;
            crossing.cross(pair, area, edges);
            let window = |span: Span| in_window(span, self.volumes, volume, self.asked.now_ms);
            room.sure.clear();
            let sure = crossing.sure().iter().filter_map(|s| s.within(pair.first, pair.last));
            room.sure.extend(sure.filter_map(window));
            merge(&mut room.sure, TOUCH_MS);
            let begin = rows.len();
            for span in &room.sure {
                let distance_out_m = if span.crossed { 0.0 } else { crossing.way_out_m(area, span.begin / 1000.0) };
                let (enter, clear) = (span.begin, span.end);
                rows.push(Row { track, volume, enter, clear, earliest: enter, latest: clear, distance_out_m });
            }
            if crossing.is_unsure() {
                room.perhaps.clear();
                let perhaps = crossing.perhaps().iter();
                let held = perhaps.filter_map(|s| s.within(pair.first_perhaps, pair.last_perhaps));
                room.perhaps.extend(held.filter_map(window));
                merge(&mut room.perhaps, TOUCH_MS);
                widen(rows, begin, &room.perhaps, (track, volume));
            }
        }
    }
}

/// Gives the rows from `begin` on their ranges, and each range without a row one of its own.
fn widen(rows: &mut Vec<Row>, begin: usize, perhaps: &[Span], (track, volume): (usize, usize)) {
    let mut held = vec![false; perhaps.len()];
    for row in &mut rows[begin..] {
        if let Some(about) = perhaps.iter().rposition(|span| span.begin <= row.enter) {
            held[about] = true;
            (row.earliest, row.latest) = (perhaps[about].begin, perhaps[about].end);
        }
    }
    let (enter, clear) = (f64::INFINITY, f64::INFINITY);
    let lonely = perhaps.iter().zip(held).filter(|(_, held)| !held);
    rows.extend(lonely.map(|(span, _)| Row {
        track,
        volume,
        enter,
        clear,
        earliest: span.begin,
        latest: span.end,
        distance_out_m: 0.0,
    }));
    rows[begin..].sort_by(|a, b| a.begin().total_cmp(&b.begin()));
}

impl Row {
    /// The time it is ordered by: of coming in, or of perhaps coming in where it never surely does.
    fn begin(&self) -> f64 {
        if self.enter.is_finite() {
            self.enter
        } else {
            self.earliest
        }
    }
}

/// A span in ms from now, within the volume's window to the millisecond, whatever seconds have made of it.
fn in_window(span: Span, volumes: &Volumes<'_>, volume: usize, now_ms: i64) -> Option<Span> {
    let span = Span { begin: 1000.0 * span.begin, end: 1000.0 * span.end, crossed: span.crossed };
    let after_ms = |ms: i64| ms.saturating_sub(now_ms) as f64;
    span.within(after_ms(volumes.start_ms[volume]), after_ms(volumes.end_ms[volume]))
}

fn found(reports: &[Report], volumes: &Volumes<'_>, asked: Asked) -> Vec<Row> {
    let picture = Picture { volumes, sieve: Sieve::of(volumes, asked.now_ms, asked.look_ahead_ms), asked };
    if picture.sieve.is_empty() {
        return vec![];
    }
    let chunk = |(number, part): (usize, &[Report])| {
        let (mut rows, mut room) = (vec![], Room::default());
        for (k, report) in part.iter().enumerate() {
            picture.rows(number * CHUNK + k, report, &mut room, &mut rows);
        }
        rows
    };
    if reports.len() < 2 * CHUNK {
        return reports.chunks(CHUNK).enumerate().flat_map(chunk).collect();
    }
    let parts: Vec<Vec<Row>> = reports.par_chunks(CHUNK).enumerate().map(chunk).collect();
    parts.concat()
}

type Rows<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
);

/// The columns of `Encounters` for `Tracks` and `Volumes`, read by the names of their columns.
#[pyfunction]
fn encounters<'py>(
    py: Python<'py>,
    tracks: TrackColumns<'py>,
    volumes: Columns<'py>,
    now_ms: i64,
    look_ahead_ms: i64,
) -> PyResult<Rows<'py>> {
    let reports = tracks.read()?;
    let held = volumes.read()?;
    let asked = Asked { now_ms, look_ahead_ms };
    let rows = py.allow_threads(|| found(&reports, &held, asked));
    let whole = |pick: fn(&Row) -> f64, never_from: f64| {
        let time = |row: &Row| if pick(row) < never_from { now_ms + pick(row) as i64 } else { NEVER_MS };
        rows.iter().map(time).collect::<Vec<i64>>().into_pyarray(py)
    };
    let horizon = look_ahead_ms as f64;
    Ok((
        rows.iter().map(|row| row.track as i64).collect::<Vec<i64>>().into_pyarray(py),
        rows.iter().map(|row| row.volume as i64).collect::<Vec<i64>>().into_pyarray(py),
        rows.iter().map(|row| row.enter <= 0.0).collect::<Vec<bool>>().into_pyarray(py),
        whole(|row| row.enter.floor(), f64::INFINITY),
        whole(|row| row.clear.ceil(), horizon),
        whole(|row| row.earliest.floor(), f64::INFINITY),
        whole(|row| row.latest.ceil(), horizon),
        rows.iter().map(|row| row.distance_out_m).collect::<Vec<f64>>().into_pyarray(py),
    ))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(encounters, module)?)
}
