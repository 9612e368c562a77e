//! The compiled twin of `keepclear.geo`: the same functions on the same arrays with the same answers.
//!
//! Law: pure functions of their arguments; a length that does not fit is a ValueError and nothing panics; the
//! interpreter is let go while they work. Without this module everything works, by numpy.

// `!(a < b)` also says no when one is not a number, as numpy's masks do.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

pub mod altitude;
mod bodies;
mod crossing;
mod encounter;
pub mod geodesy;
mod leg;
pub mod motion;
mod overlap;
mod sieve;
mod sweep;
mod tracks;
mod tree;
mod volumes;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Three columns of floats, as numpy takes them over.
type Columns<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// A column as a slice; the error names it.
pub fn column<'a, T: numpy::Element>(
    array: &'a PyReadonlyArray1<'_, T>,
    name: &str,
    length: usize,
) -> PyResult<&'a [T]> {
    let slice = array.as_slice().map_err(|_| {
        PyValueError::new_err(format!("{name} does not lie in one piece; pass np.ascontiguousarray of it"))
    })?;
    if slice.len() == length {
        Ok(slice)
    } else {
        let told =
            format!("{name} has {} elements and the first column {length}; all must have one length", slice.len());
        Err(PyValueError::new_err(told))
    }
}

/// Latitude, longitude and azimuth (degrees) after `distance_m` along geodesics from (lat, lon) on azimuths.
#[pyfunction]
fn direct<'py>(
    py: Python<'py>,
    lat_deg: PyReadonlyArray1<'py, f64>,
    lon_deg: PyReadonlyArray1<'py, f64>,
    azimuth_deg: PyReadonlyArray1<'py, f64>,
    distance_m: PyReadonlyArray1<'py, f64>,
) -> PyResult<Columns<'py>> {
    let count = lat_deg.len()?;
    let lat = column(&lat_deg, "lat_deg", count)?;
    let lon = column(&lon_deg, "lon_deg", count)?;
    let azimuth = column(&azimuth_deg, "azimuth_deg", count)?;
    let distance = column(&distance_m, "distance_m", count)?;
    let found: Vec<(f64, f64, f64)> = py.allow_threads(|| {
        (0..count).map(|k| geodesy::Line::of(lat[k], lon[k], azimuth[k]).position(distance[k])).collect()
    });
    let part = |pick: fn(&(f64, f64, f64)) -> f64| found.iter().map(pick).collect::<Vec<f64>>().into_pyarray(py);
    Ok((part(|row| row.0), part(|row| row.1), part(|row| row.2)))
}

#[pymodule]
fn keepclear_kernel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(direct, module)?)?;
    encounter::register(module)?;
    overlap::register(module)?;
    tracks::register(module)?;
    Ok(())
}
