//! Volumes against volumes: the twin of `keepclear/geo/overlap.py`, which has the law.
//!
//! Candidates come from a tree of boxes, with heights in the reference that is said most often and others widened to
//! it; windows and bands are then compared as they were said, and areas exactly.

use crate::altitude::{reference_bound_m, ALTITUDE_EPSILON_M, REFERENCES};
use crate::bodies::{Bodies, Box4, Point, Scratch};
use crate::column;
use crate::tree::{Bounds, Tree};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

const NEVER_MS: i64 = (1 << 53) - 1;
/// Areas that one task asks for; fewer than two tasks' worth are asked for in turn.
const TASK: usize = 1024;

/// A limit of height and what it is measured from.
#[derive(Clone, Copy)]
struct Limit {
    height_m: f64,
    reference: usize,
}

#[derive(Clone, Copy)]
struct Extent {
    lower: Limit,
    upper: Limit,
    start_ms: i64,
    end_ms: i64,
}

/// A pair that meets, as places in the callers' columns, and whether only perhaps.
type Pair = (u32, u32, bool);
type Columns<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<bool>>);

/// Volumes made ready to be asked which meet.
#[pyclass(frozen)]
pub struct OverlapIndex {
    bodies: Bodies,
    boxes: Vec<Box4>,
    extents: Vec<Extent>,
    reference: usize,
    tree: Tree,
}

#[pymethods]
impl OverlapIndex {
    /// All pairs i < j that meet, in order, and whether each is undecidable.
    fn pairs<'py>(&self, py: Python<'py>) -> Columns<'py> {
        let found = py.allow_threads(|| self.own_pairs());
        columns(py, found)
    }

    /// All i of these and j of the others that meet, in order, and whether each pair is undecidable.
    fn pairs_with<'py>(&self, py: Python<'py>, others: PyRef<'py, OverlapIndex>) -> Columns<'py> {
        let others = &*others;
        let found = py.allow_threads(|| self.common_pairs(others));
        columns(py, found)
    }
}

/// The index of a `keepclear.geo.areas.Areas`, its columns read by their names.
#[pyfunction]
fn overlap_index(py: Python<'_>, areas: &Bound<'_, PyAny>) -> PyResult<OverlapIndex> {
    let floats = |name: &str| -> PyResult<PyReadonlyArray1<'_, f64>> { areas.getattr(name)?.extract() };
    let whole = |name: &str| -> PyResult<PyReadonlyArray1<'_, i64>> { areas.getattr(name)?.extract() };
    let (lower, upper) = (floats("lower_m")?, floats("upper_m")?);
    let (lower_ref, upper_ref) = (whole("lower_ref")?, whole("upper_ref")?);
    let (start, end) = (whole("start_ms")?, whole("end_ms")?);
    let (lat, lon, radius) = (floats("lat_deg")?, floats("lon_deg")?, floats("radius_m")?);
    let (x, y, ring, first_ring) = (floats("x")?, floats("y")?, whole("ring")?, whole("first_ring")?);
    let sides: PyReadonlyArray2<'_, f64> = areas.getattr("box")?.extract()?;
    let (count, corner_count) = (lower.len()?, x.len()?);
    let (lower, upper) = (column(&lower, "lower_m", count)?, column(&upper, "upper_m", count)?);
    let (lower_ref, upper_ref) = (column(&lower_ref, "lower_ref", count)?, column(&upper_ref, "upper_ref", count)?);
    let (start, end) = (column(&start, "start_ms", count)?, column(&end, "end_ms", count)?);
    let (lat, lon) = (column(&lat, "lat_deg", count)?, column(&lon, "lon_deg", count)?);
    let radius = column(&radius, "radius_m", count)?;
    let (x, y) = (column(&x, "x", corner_count)?, column(&y, "y", corner_count)?);
    let ring = bounds(column(&ring, "ring", ring.len()?)?, corner_count, "ring")?;
    let first_ring = bounds(column(&first_ring, "first_ring", count + 1)?, ring.len() - 1, "first_ring")?;
    let sides = sides.as_slice().map_err(|_| PyValueError::new_err("box does not lie in one piece"))?;
    if sides.len() != 4 * count {
        let told = format!("box has {} elements and there are {count} areas; each has four sides", sides.len());
        return Err(PyValueError::new_err(told));
    }
    py.allow_threads(|| {
        let boxes: Vec<Box4> = (0..count).map(|k| std::array::from_fn(|side| sides[side * count + k])).collect();
        let corners: Vec<Point> = x.iter().zip(y).map(|(&x, &y)| [x, y]).collect();
        let circles = (0..count).map(|k| (lat[k], lon[k], radius[k]));
        let extents = (0..count)
            .map(|k| {
                Ok(Extent {
                    lower: Limit { height_m: lower[k], reference: known(lower_ref[k])? },
                    upper: Limit { height_m: upper[k], reference: known(upper_ref[k])? },
                    start_ms: start[k],
                    end_ms: end[k],
                })
            })
            .collect::<PyResult<Vec<Extent>>>()?;
        let reference = most_frequent(&extents);
        let bounds: Vec<Bounds> = boxes.iter().zip(&extents).map(|(b, e)| bounds_of(b, e, reference)).collect();
        let (bodies, tree) =
            rayon::join(|| Bodies::of(&corners, &ring, &first_ring, circles, &boxes), || Tree::of(&bounds));
        Ok(OverlapIndex { bodies, boxes, extents, reference, tree })
    })
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(overlap_index, module)?)
}

/// Bounds of ranges: from 0, never back, to the end.
fn bounds(column: &[i64], end: usize, name: &str) -> PyResult<Vec<usize>> {
    let ordered = column.windows(2).all(|pair| pair[0] <= pair[1]);
    if column.first() == Some(&0) && column.last() == Some(&(end as i64)) && ordered {
        Ok(column.iter().map(|&at| at as usize).collect())
    } else {
        Err(PyValueError::new_err(format!("{name} does not run from 0 to {end}")))
    }
}

fn known(reference: i64) -> PyResult<usize> {
    if (0..REFERENCES as i64).contains(&reference) {
        Ok(reference as usize)
    } else {
        Err(PyValueError::new_err(format!("altitude reference {reference} is not known; give 0 to {}", REFERENCES - 1)))
    }
}

fn columns(py: Python<'_>, found: Vec<Pair>) -> Columns<'_> {
    let i: Vec<i64> = found.iter().map(|pair| i64::from(pair.0)).collect();
    let j: Vec<i64> = found.iter().map(|pair| i64::from(pair.1)).collect();
    let undecidable: Vec<bool> = found.iter().map(|pair| pair.2).collect();
    (i.into_pyarray(py), j.into_pyarray(py), undecidable.into_pyarray(py))
}

impl OverlapIndex {
    fn own_pairs(&self) -> Vec<Pair> {
        let order = &self.tree.order;
        self.gathered(order.len(), |place, scratch, found| {
            let number = order[place] as usize;
            let bounds = bounds_of(&self.boxes[number], &self.extents[number], self.reference);
            self.near(&bounds, place + 1, &mut |other| {
                let (i, j) = (number.min(other), number.max(other));
                found.extend(self.met(i, self, j, scratch));
            });
        })
    }

    fn common_pairs(&self, others: &OverlapIndex) -> Vec<Pair> {
        let order = &others.tree.order;
        self.gathered(order.len(), |place, scratch, found| {
            let j = order[place] as usize;
            let bounds = bounds_of(&others.boxes[j], &others.extents[j], self.reference);
            self.near(&bounds, 0, &mut |i| found.extend(self.met(i, others, j, scratch)));
        })
    }

    /// What `ask` finds for each place, in order; with threads if there are many.
    fn gathered(&self, count: usize, ask: impl Fn(usize, &mut Scratch, &mut Vec<Pair>) + Sync) -> Vec<Pair> {
        let task = |begin: usize| {
            let (mut scratch, mut found) = (Scratch::default(), Vec::new());
            for place in begin..(begin + TASK).min(count) {
                ask(place, &mut scratch, &mut found);
            }
            found
        };
        if count <= TASK {
            let mut found = task(0);
            found.sort_unstable();
            return found;
        }
        let parts: Vec<Vec<Pair>> = (0..(count + TASK - 1) / TASK).into_par_iter().map(|k| task(k * TASK)).collect();
        let mut found = parts.concat();
        found.par_sort_unstable();
        found
    }

    /// Tells every volume from a place in the tree on whose box meets, as it is or turned by 360 degrees, once.
    fn near(&self, bounds: &Bounds, begin: usize, tell: &mut impl FnMut(usize)) {
        let root = match self.tree.root() {
            Some(root) => *root,
            None => return,
        };
        let order = &self.tree.order;
        self.tree.meeting(&self.tree.asked(bounds), begin, |place| tell(order[place] as usize));
        for turn in [-360.0, 360.0] {
            let (west, east) = (bounds.low[0] + turn, bounds.high[0] + turn);
            if west < root.high[0] && root.low[0] < east {
                let mut turned = *bounds;
                turned.low[0] = west;
                turned.high[0] = east;
                // What is near as it is has been told; the tree's own comparison says which that is.
                let asked = self.tree.asked(bounds);
                self.tree.meeting(&self.tree.asked(&turned), begin, |place| {
                    if !self.tree.beside(&asked, place) {
                        tell(order[place] as usize);
                    }
                });
            }
        }
    }

    fn met(&self, i: usize, others: &OverlapIndex, j: usize, scratch: &mut Scratch) -> Option<Pair> {
        let (a, b) = (&self.extents[i], &others.extents[j]);
        if a.start_ms >= b.end_ms || b.start_ms >= a.end_ms {
            return None;
        }
        let (one, two) = (below(a.lower, b.upper), below(b.lower, a.upper));
        if !(one.0 && two.0 && self.bodies.meet(i, &others.bodies, j, scratch)) {
            return None;
        }
        Some((i as u32, j as u32, !(one.1 && two.1)))
    }
}

/// Whether a lower limit is perhaps, and is surely, below an upper one; an open limit is surely.
fn below(lower: Limit, upper: Limit) -> (bool, bool) {
    if lower.height_m.is_infinite() || upper.height_m.is_infinite() {
        return (true, true);
    }
    let bound = reference_bound_m(lower.reference, upper.reference, lower.height_m.abs().max(upper.height_m.abs()));
    let top = upper.height_m - ALTITUDE_EPSILON_M;
    (lower.height_m - bound < top, lower.height_m + bound < top)
}

fn most_frequent(extents: &[Extent]) -> usize {
    let mut counts = [0usize; REFERENCES];
    for extent in extents {
        counts[extent.lower.reference] += 1;
        counts[extent.upper.reference] += 1;
    }
    (1..REFERENCES).fold(0, |best, k| if counts[k] > counts[best] { k } else { best })
}

/// The box with height: twice the bound away where another reference is meant, since a limit moved by a share of its
/// height has a bound with a share of what it is then.
fn bounds_of(sides: &Box4, extent: &Extent, reference: usize) -> Bounds {
    let moved = |limit: Limit, sign: f64| {
        if limit.height_m.is_infinite() {
            return limit.height_m;
        }
        limit.height_m + sign * 2.0 * reference_bound_m(limit.reference, reference, limit.height_m)
    };
    let start = if extent.start_ms <= -NEVER_MS { f64::NEG_INFINITY } else { extent.start_ms as f64 };
    let end = if extent.end_ms >= NEVER_MS { f64::INFINITY } else { extent.end_ms as f64 };
    Bounds {
        low: [sides[0], sides[1], moved(extent.lower, -1.0), start],
        high: [sides[2], sides[3], moved(extent.upper, 1.0), end],
    }
}
