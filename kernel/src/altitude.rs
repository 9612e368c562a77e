//! Altitude: how far apart one point can read on two references; `keepclear/geo/altitude.py` says why.

const GEOID_M: f64 = 110.0;
const PRESSURE_M: f64 = 750.0;
const PRESSURE_SHARE: f64 = 0.12;
/// Altitudes that differ by a limit to within a micrometre differ by it exactly.
pub const ALTITUDE_EPSILON_M: f64 = 1e-6;

pub const REFERENCES: usize = 4;
const AGL: usize = 2;
const STD: usize = 3;

/// How far apart (m) one point can read on two references near `height_m`: 0 if the same, inf if undecidable.
pub fn reference_bound_m(a: usize, b: usize, height_m: f64) -> f64 {
    if a == b {
        return 0.0;
    }
    if a == AGL || b == AGL {
        return f64::INFINITY;
    }
    let height = if height_m.is_finite() { height_m.abs() } else { 0.0 };
    if a == STD || b == STD {
        let geoid = if a + b == STD { GEOID_M } else { 0.0 };
        return PRESSURE_M + geoid + PRESSURE_SHARE * height;
    }
    GEOID_M
}

/// At least what `reference_bound_m` can be for heights up to `height_m`, whatever the references but AGL.
pub fn widest_bound_m(height_m: f64) -> f64 {
    PRESSURE_M + GEOID_M + PRESSURE_SHARE * height_m
}

/// Whether a reference can be compared with others at all.
pub fn is_comparable(reference: usize) -> bool {
    reference != AGL
}
