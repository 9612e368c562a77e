//! Volumes as `keepclear/geo/volumes.py` holds them, read where they lie: inside, and how far to the border.
//!
//! Law: the arithmetic is that of numpy, line by line; inside is the interior, and the border belongs to nobody.

use std::ops::Range;

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::geodesy::{self, chord_to_arc_m, dot, minus, to_ecef, Vec3};

/// Up to here a distance is told from its chord; beyond, by the geodesic itself.
pub const CHORD_M: f64 = 300_000.0;
/// Less than the shortest degree of latitude on WGS-84.
pub const METRES_PER_DEGREE: f64 = 110_500.0;
const REFERENCES: i64 = 4;

/// The columns of `keepclear.geo.volumes.Volumes`, by their names.
#[derive(FromPyObject)]
pub struct Columns<'py> {
    lower_m: PyReadonlyArray1<'py, f64>,
    upper_m: PyReadonlyArray1<'py, f64>,
    lower_ref: PyReadonlyArray1<'py, i64>,
    upper_ref: PyReadonlyArray1<'py, i64>,
    start_ms: PyReadonlyArray1<'py, i64>,
    end_ms: PyReadonlyArray1<'py, i64>,
    centre: PyReadonlyArray2<'py, f64>,
    reach_m: PyReadonlyArray1<'py, f64>,
    lat_deg: PyReadonlyArray1<'py, f64>,
    lon_deg: PyReadonlyArray1<'py, f64>,
    radius_m: PyReadonlyArray1<'py, f64>,
    r#box: PyReadonlyArray2<'py, f64>,
    edges: PyReadonlyArray2<'py, f64>,
    first: PyReadonlyArray1<'py, i64>,
    pieces: PyReadonlyArray2<'py, f64>,
    first_piece: PyReadonlyArray1<'py, i64>,
}

/// The same as slices of their right lengths, so that no index below can be out of them.
pub struct Volumes<'a> {
    pub lower_m: &'a [f64],
    pub upper_m: &'a [f64],
    pub lower_ref: &'a [i64],
    pub upper_ref: &'a [i64],
    pub start_ms: &'a [i64],
    pub end_ms: &'a [i64],
    pub centre: [&'a [f64]; 3],
    pub reach_m: &'a [f64],
    lat_deg: &'a [f64],
    lon_deg: &'a [f64],
    pub radius_m: &'a [f64],
    pub boxes: [&'a [f64]; 4],
    pub edges: [&'a [f64]; 4],
    first: &'a [i64],
    pieces: [&'a [f64]; 4],
    first_piece: &'a [i64],
}

fn rows<'a, const N: usize>(
    array: &'a PyReadonlyArray2<'_, f64>,
    name: &str,
    length: usize,
) -> PyResult<[&'a [f64]; N]> {
    let told = || PyValueError::new_err(format!("{name} is not {N} rows of {length} in one piece"));
    let slice = array.as_slice().map_err(|_| told())?;
    if slice.len() != N * length {
        return Err(told());
    }
    let mut parts = [&slice[..0]; N];
    for (k, part) in parts.iter_mut().enumerate() {
        *part = &slice[k * length..(k + 1) * length];
    }
    Ok(parts)
}

/// Checks that the ranges are one for each volume, in order, and returns how many elements they are of.
fn ranges<'a>(array: &'a PyReadonlyArray1<'_, i64>, name: &str, count: usize) -> PyResult<(&'a [i64], usize)> {
    let first = crate::column(array, name, count + 1)?;
    if first[0] != 0 || first.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err(PyValueError::new_err(format!("{name} does not rise from 0")));
    }
    Ok((first, first[count] as usize))
}

fn references<'a>(array: &'a PyReadonlyArray1<'_, i64>, name: &str, count: usize) -> PyResult<&'a [i64]> {
    let slice = crate::column(array, name, count)?;
    match slice.iter().find(|&&code| !(0..REFERENCES).contains(&code)) {
        Some(code) => Err(PyValueError::new_err(format!("{name} has {code}, which is no altitude reference"))),
        None => Ok(slice),
    }
}

impl<'py> Columns<'py> {
    /// Slices of all columns; an error names the first that does not fit.
    pub fn read(&self) -> PyResult<Volumes<'_>> {
        let count = self.lower_m.len()?;
        let (first, edges) = ranges(&self.first, "first", count)?;
        let (first_piece, pieces) = ranges(&self.first_piece, "first_piece", count)?;
        Ok(Volumes {
            lower_m: crate::column(&self.lower_m, "lower_m", count)?,
            upper_m: crate::column(&self.upper_m, "upper_m", count)?,
            lower_ref: references(&self.lower_ref, "lower_ref", count)?,
            upper_ref: references(&self.upper_ref, "upper_ref", count)?,
            start_ms: crate::column(&self.start_ms, "start_ms", count)?,
            end_ms: crate::column(&self.end_ms, "end_ms", count)?,
            centre: rows(&self.centre, "centre", count)?,
            reach_m: crate::column(&self.reach_m, "reach_m", count)?,
            lat_deg: crate::column(&self.lat_deg, "lat_deg", count)?,
            lon_deg: crate::column(&self.lon_deg, "lon_deg", count)?,
            radius_m: crate::column(&self.radius_m, "radius_m", count)?,
            boxes: rows(&self.r#box, "box", count)?,
            edges: rows(&self.edges, "edges", edges)?,
            first,
            pieces: rows(&self.pieces, "pieces", pieces)?,
            first_piece,
        })
    }
}

/// What a volume's area is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Edged,
    Round,
    Everywhere,
}

/// From (ax, ay) to (bx, by), longitude first, in degrees.
pub type Edge = [f64; 4];

/// The area of one volume. `bounds` are west, south, east, north.
pub struct Area {
    pub volume: usize,
    pub kind: Kind,
    pub edges: Range<usize>,
    pub bounds: [f64; 4],
    pub centre: Vec3,
    pub radius_m: f64,
}

impl Area {
    /// By how many degrees a longitude is turned to be within half a turn of the middle of the bounds.
    pub fn turn(&self, lon_deg: f64) -> f64 {
        let away = (self.bounds[0] + self.bounds[2]) / 2.0 - lon_deg;
        if away.abs() < 180.0 {
            0.0
        } else {
            360.0 * (away / 360.0).round()
        }
    }

    /// Whether a point is inside the edges, which are those of this area.
    pub fn is_within(&self, edges: &[Edge], lat: f64, lon: f64) -> bool {
        let lon = lon + self.turn(lon);
        let mut odd = false;
        for [ax, ay, bx, by] in edges {
            if (*ay <= lat) != (*by <= lat) {
                odd ^= lon < ax + (lat - ay) / (by - ay) * (bx - ax);
            }
        }
        odd
    }
}

impl Volumes<'_> {
    pub fn len(&self) -> usize {
        self.lower_m.len()
    }

    /// What one volume's area is, its edges in one piece with those of others: they are appended.
    pub fn area(&self, volume: usize, edges: &mut Vec<Edge>) -> Area {
        let begin = edges.len();
        let [ax, ay, bx, by] = self.edges;
        edges.extend(self.edges_of(volume).map(|k| [ax[k], ay[k], bx[k], by[k]]));
        let bounds = [0, 1, 2, 3].map(|side| self.boxes[side][volume]);
        let centre = [0, 1, 2].map(|axis| self.centre[axis][volume]);
        let radius_m = self.radius_m[volume];
        Area { volume, kind: self.kind(volume), edges: begin..edges.len(), bounds, centre, radius_m }
    }

    fn kind(&self, volume: usize) -> Kind {
        if self.first[volume] < self.first[volume + 1] {
            Kind::Edged
        } else if self.radius_m[volume].is_finite() {
            Kind::Round
        } else {
            Kind::Everywhere
        }
    }

    fn edges_of(&self, volume: usize) -> Range<usize> {
        self.first[volume] as usize..self.first[volume + 1] as usize
    }

    /// Geodesic metres and azimuth there from the centre of a circle to a point; None near the antipode.
    pub fn centre_to(&self, volume: usize, lat: f64, lon: f64) -> Option<geodesy::Inverse> {
        geodesy::inverse(self.lat_deg[volume], self.lon_deg[volume], lat, lon)
    }

    /// Metres to the nearest point of the border, from within or without; NaN if there is none.
    pub fn to_border_m(&self, volume: usize, lat: f64, lon: f64) -> f64 {
        match self.kind(volume) {
            Kind::Everywhere => f64::NAN,
            Kind::Round => {
                (distance_m(self.lat_deg[volume], self.lon_deg[volume], lat, lon) - self.radius_m[volume]).abs()
            }
            Kind::Edged => self.to_edges_m(volume, lat, lon),
        }
    }

    fn to_edges_m(&self, volume: usize, lat: f64, lon: f64) -> f64 {
        let point = to_ecef(lat, lon);
        let [ax, ay, bx, by] = self.pieces;
        let (mut least, mut nearest, mut along_it) = (f64::INFINITY, None, 0.0);
        for k in self.first_piece[volume] as usize..self.first_piece[volume + 1] as usize {
            // No point of a piece is further than half of it from an end, and those lie between their parallels.
            let apart_m = (ay[k].min(by[k]) - lat).max(lat - ay[k].max(by[k])) * CHORD_A_DEGREE_M - HALF_PIECE_M;
            if apart_m > 0.0 && apart_m * apart_m > least {
                continue;
            }
            let a = to_ecef(ay[k], ax[k]);
            let along = minus(to_ecef(by[k], bx[k]), a);
            let off = minus(point, a);
            let u = (dot(off, along) / dot(along, along).max(1e-12)).clamp(0.0, 1.0);
            let off = geodesy::ahead(off, along, -u);
            let gap2 = dot(off, off);
            if gap2 < least {
                least = gap2;
                nearest = Some(k);
                along_it = u;
            }
        }
        nearest.map_or(f64::NAN, |k| refined(point, (lat, lon), [ax[k], ay[k], bx[k], by[k]], along_it))
    }
}

/// No chord between parallels is shorter than this for each degree between them: 2 / 180 of the least radius.
const CHORD_A_DEGREE_M: f64 = 70_000.0;
const HALF_PIECE_M: f64 = 2_500.0;

/// Distance to a piece of border straight in (longitude, latitude), from the place u along it as a first guess.
fn refined(point: Vec3, (lat, lon): (f64, f64), [ax, ay, bx, by]: [f64; 4], mut u: f64) -> f64 {
    let at = |u: f64| to_ecef(ay + u * (by - ay), ax + u * (bx - ax));
    for _ in 0..2 {
        let (here, beyond) = ((u - 1e-3).max(0.0), (u + 1e-3).min(1.0));
        let rise = minus(at(beyond), at(here));
        let tangent = [rise[0] / (beyond - here), rise[1] / (beyond - here), rise[2] / (beyond - here)];
        let off = minus(point, at(u));
        u = (u + dot(off, tangent) / dot(tangent, tangent).max(1e-12)).clamp(0.0, 1.0);
    }
    distance_m(lat, lon, ay + u * (by - ay), ax + u * (bx - ax))
}

/// Geodesic metres, by the chord where it is short enough to tell.
fn distance_m(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
    let apart = minus(to_ecef(lat1, lon1), to_ecef(lat2, lon2));
    let chord = dot(apart, apart).sqrt();
    let far = if chord > CHORD_M { geodesy::inverse(lat1, lon1, lat2, lon2) } else { None };
    far.map_or_else(|| chord_to_arc_m(chord), |found| found.distance_m)
}
