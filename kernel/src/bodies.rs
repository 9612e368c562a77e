//! Areas, and whether two of them have something in common, exactly: the twin of `keepclear/geo/bodies.py`.
//!
//! Law: two areas meet if their interiors do. Corners are counted in units of 1e-7 degree; a turn of 360 degrees is a
//! whole number of them. Every side of a line is told by an exact predicate. Accuracy of circles: as said there.
//!
//! Theory: rings run with their inside on the left. Two areas bounded by rings meet if and only if
//! - two edges cross, each with its ends on both sides of the other; or
//! - where a corner of one lies on the border of the other, the sectors that both have inside there overlap; or
//! - a ring that nowhere touches the other area's border lies inside that area.
//!
//! For take a part of the common inside and a piece of its border without corners, on the border of A, say. It is
//! inside B or on B's border. Follow A's ring from there: it comes to the border of B (a crossing, or a touch where
//! the sectors overlap, since next to it both were inside) or never does (the third).

use crate::geodesy::{dot, inverse, minus, to_ecef, Vec3, EQUATOR_M, MOST_CURVED_M, POLAR_M};
use robust::{orient2d, Coord};

pub const UNITS: f64 = 1e7;
pub const TURN: f64 = 360.0 * UNITS;
const TOUCH_M: f64 = 1e-3;
const LEAST_CURVED_M: f64 = EQUATOR_M * EQUATOR_M / POLAR_M;
const SAG_M: f64 = 1e-4;
const MAX_HALVINGS: u32 = 60;
/// More than the distance of any point of the ellipsoid from the centre, and than any of its radii of curvature.
const FARTHEST_M: f64 = 6_400_000.0;
/// How much longer than its plane arc's a geodesic's chord can be, for its torsion.
const CHORD_SHARE: f64 = 1e-6;
/// Beyond this many pairs of edges, those of one area are looked at in groups first.
const MANY_PAIRS: usize = 2048;
const GROUP: usize = 16;
/// Where the rounding of a determinant may have its sign (Shewchuk 1997, orient2d's first bound).
const SIGN_SURE: f64 = 3.330_669_073_875_471_6e-16;

pub type Point = [f64; 2];
/// West, south, east, north.
pub type Box4 = [f64; 4];

#[derive(Clone, Copy, Debug)]
pub struct Circle {
    pub lat_deg: f64,
    pub lon_deg: f64,
    pub radius_m: f64,
    centre: Vec3,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Everywhere,
    Round(Circle),
    /// Rings from the first to before the second number.
    Rings(usize, usize),
}

struct Ring {
    first: usize,
    end: usize,
    bounds: Box4,
}

/// Areas, their rings' corners in units.
pub struct Bodies {
    shapes: Vec<Shape>,
    /// Of areas with rings the box in units, of circles that in degrees.
    boxes: Vec<Box4>,
    rings: Vec<Ring>,
    corners: Vec<Point>,
}

/// Room for the edges of two areas, used again for the next two.
#[derive(Default)]
pub struct Scratch {
    one: Vec<Edge>,
    two: Vec<Edge>,
    groups: Vec<Box4>,
    touched: [Vec<bool>; 2],
}

#[derive(Clone, Copy)]
struct Edge {
    a: Point,
    b: Point,
    ring: u32,
    corner: u32,
}

impl Bodies {
    /// Areas from their columns: corners of ring r are ring[r] to ring[r + 1], rings of area k first_ring[k] to the
    /// next; circles have a radius, others NaN; boxes are in degrees.
    pub fn of(
        corners: &[Point],
        ring: &[usize],
        first_ring: &[usize],
        circles: impl Iterator<Item = (f64, f64, f64)>,
        boxes: &[Box4],
    ) -> Bodies {
        let mut bodies = Bodies {
            shapes: Vec::new(),
            boxes: boxes.to_vec(),
            rings: Vec::new(),
            corners: Vec::with_capacity(corners.len()),
        };
        for (k, (lat_deg, lon_deg, radius_m)) in circles.enumerate() {
            let (first, end) = (first_ring[k], first_ring[k + 1]);
            let shape = if first < end {
                let held = bodies.rings.len();
                for r in first..end {
                    bodies.add_ring(&corners[ring[r]..ring[r + 1]]);
                }
                bodies.turn_left(held);
                bodies.boxes[k] = bodies.rings[held..]
                    .iter()
                    .fold([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY], |all, ring| {
                        hull(all, ring.bounds)
                    });
                Shape::Rings(held, bodies.rings.len())
            } else if radius_m.is_nan() {
                Shape::Everywhere
            } else {
                Shape::Round(Circle { lat_deg, lon_deg, radius_m, centre: to_ecef(lat_deg, lon_deg) })
            };
            bodies.shapes.push(shape);
        }
        bodies
    }

    fn add_ring(&mut self, corners: &[Point]) {
        let first = self.corners.len();
        // Two corners nanometres apart may have come to the same whole unit.
        for &corner in corners {
            if self.corners.len() == first || self.corners[self.corners.len() - 1] != corner {
                self.corners.push(corner);
            }
        }
        while self.corners.len() > first + 1 && self.corners[first] == self.corners[self.corners.len() - 1] {
            self.corners.pop();
        }
        let bounds = self.corners[first..]
            .iter()
            .fold([f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY], |all, p| {
                hull(all, [p[0], p[1], p[0], p[1]])
            });
        self.rings.push(Ring { first, end: self.corners.len(), bounds });
    }

    /// Makes the rings from `held` on, those of one area, run with the area's inside on their left.
    fn turn_left(&mut self, held: usize) {
        for r in held..self.rings.len() {
            let is_hole =
                (held..self.rings.len()).filter(|&other| other != r && self.nested(r, other)).count() % 2 == 1;
            let ring = &self.rings[r];
            let corners = &mut self.corners[ring.first..ring.end];
            if !corners.is_empty() && runs_left(corners) == is_hole {
                corners.reverse();
            }
        }
    }

    /// Whether a ring lies inside another of the same area; they may touch, but do not cross.
    fn nested(&self, ring: usize, other: usize) -> bool {
        let outer = &self.rings[other];
        let inner = &self.rings[ring];
        self.corners[inner.first..inner.end].iter().find_map(|&p| self.side_of(outer, p)).unwrap_or(false)
    }

    /// Whether a point is inside one ring; None on its border.
    fn side_of(&self, ring: &Ring, p: Point) -> Option<bool> {
        let corners = &self.corners[ring.first..ring.end];
        let mut inside = false;
        let mut a = *corners.last()?;
        for &b in corners {
            if (a[1] <= p[1]) != (b[1] <= p[1]) {
                let side = orient(a, b, p);
                if side == 0.0 {
                    return None;
                }
                inside ^= (side > 0.0) == (b[1] > a[1]);
            } else if a[1] == p[1] && b[1] == p[1] && (a[0] <= p[0]) != (b[0] < p[0]) {
                return None;
            }
            if b == p {
                return None;
            }
            a = b;
        }
        Some(inside)
    }

    /// Whether areas i of these and j of the others meet.
    pub fn meet(&self, i: usize, others: &Bodies, j: usize, scratch: &mut Scratch) -> bool {
        match (self.shapes[i], others.shapes[j]) {
            (Shape::Everywhere, _) | (_, Shape::Everywhere) => true,
            (Shape::Round(a), Shape::Round(b)) => circles_meet(&a, &b),
            (Shape::Rings(first, end), Shape::Round(circle)) => {
                self.meets_circle(i, first, end, &circle, &others.boxes[j])
            }
            (Shape::Round(circle), Shape::Rings(first, end)) => {
                others.meets_circle(j, first, end, &circle, &self.boxes[i])
            }
            (Shape::Rings(..), Shape::Rings(..)) => {
                [0.0, -TURN, TURN].iter().any(|&turn| self.rings_meet(i, others, j, turn, scratch))
            }
        }
    }

    fn edges(&self, first: usize, end: usize) -> impl Iterator<Item = Edge> + '_ {
        self.rings[first..end].iter().enumerate().flat_map(move |(number, ring)| {
            let corners = &self.corners[ring.first..ring.end];
            (0..corners.len()).map(move |k| Edge {
                a: corners[k],
                b: corners[if k + 1 < corners.len() { k + 1 } else { 0 }],
                ring: number as u32,
                corner: k as u32,
            })
        })
    }

    /// The corner before and the corner after, and the corner itself.
    fn around(&self, area: usize, edge: &Edge, at_end: bool, turn: f64) -> [Point; 3] {
        let ring = match self.shapes[area] {
            Shape::Rings(first, _) => &self.rings[first + edge.ring as usize],
            _ => unreachable!("an edge belongs to a ring"),
        };
        let corners = &self.corners[ring.first..ring.end];
        let count = corners.len();
        let k = (edge.corner as usize + usize::from(at_end)) % count;
        [corners[(k + count - 1) % count], corners[k], corners[(k + 1) % count]].map(|p| [p[0] + turn, p[1]])
    }

    /// Whether the rings of area i meet those of the others' area j, turned by some longitude.
    fn rings_meet(&self, i: usize, others: &Bodies, j: usize, turn: f64, scratch: &mut Scratch) -> bool {
        let (a, b) = (self.boxes[i], others.boxes[j]);
        let window = [a[0].max(b[0] + turn), a[1].max(b[1]), a[2].min(b[2] + turn), a[3].min(b[3])];
        if window[0] >= window[2] || window[1] >= window[3] {
            return false;
        }
        let (rings_a, rings_b) = (self.rings_of(i), others.rings_of(j));
        scratch.one.clear();
        scratch.one.extend(self.edges(rings_a.0, rings_a.1).filter(|edge| in_window(edge, &window)));
        scratch.two.clear();
        scratch.two.extend(
            others
                .edges(rings_b.0, rings_b.1)
                .map(|edge| Edge { a: [edge.a[0] + turn, edge.a[1]], b: [edge.b[0] + turn, edge.b[1]], ..edge })
                .filter(|edge| in_window(edge, &window)),
        );
        for (touched, rings) in scratch.touched.iter_mut().zip([rings_a, rings_b]) {
            touched.clear();
            touched.resize(rings.1 - rings.0, false);
        }
        let Scratch { one, two, groups, touched } = scratch;
        let touched_ref = &mut *touched;
        let mut met = |p: &Edge, q: &Edge| match contact(p, q) {
            Contact::None => false,
            Contact::Crossing => true,
            Contact::Touch => {
                touched_ref[0][p.ring as usize] = true;
                touched_ref[1][q.ring as usize] = true;
                touch_overlaps(self, i, p, others, j, q, turn)
            }
        };
        if any_pair(one, two, groups, &mut met) {
            return true;
        }
        let lies_in = |from: &Bodies, r: usize, shift: f64, to: &Bodies, area: usize| {
            let ring = &from.rings[r];
            let within = to.boxes[area];
            let corner = from.corners[ring.first];
            within[0] < ring.bounds[0] + shift
                && ring.bounds[2] + shift < within[2]
                && within[1] < ring.bounds[1]
                && ring.bounds[3] < within[3]
                && to.holds(area, [corner[0] + shift, corner[1]])
        };
        (rings_a.0..rings_a.1).any(|r| !touched[0][r - rings_a.0] && lies_in(self, r, -turn, others, j))
            || (rings_b.0..rings_b.1).any(|r| !touched[1][r - rings_b.0] && lies_in(others, r, turn, self, i))
    }

    fn rings_of(&self, area: usize) -> (usize, usize) {
        match self.shapes[area] {
            Shape::Rings(first, end) => (first, end),
            _ => (0, 0),
        }
    }

    /// Whether a point that is not on the border is inside the rings of an area.
    fn holds(&self, area: usize, p: Point) -> bool {
        let (first, end) = self.rings_of(area);
        self.rings[first..end].iter().filter(|ring| self.side_of(ring, p) == Some(true)).count() % 2 == 1
    }

    fn meets_circle(&self, area: usize, first: usize, end: usize, circle: &Circle, box_deg: &Box4) -> bool {
        let middle = (self.boxes[area][0] + self.boxes[area][2]) / 2.0 / UNITS;
        let lon = circle.lon_deg + 360.0 * ((middle - circle.lon_deg) / 360.0).round();
        if self.holds(area, [lon * UNITS, circle.lat_deg * UNITS]) {
            return true;
        }
        let limit = nearer_than(circle.radius_m, circle.radius_m);
        let (low, high) = chord_bounds(limit);
        self.edges(first, end).filter(|edge| in_reach(edge, box_deg)).any(|edge| {
            edge_in_reach(circle, edge.a.map(|v| v / UNITS), edge.b.map(|v| v / UNITS), limit, low, high, 0)
        })
    }
}

fn hull(a: Box4, b: Box4) -> Box4 {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// The sign (and no more) of twice the area of the triangle a, b, c: above 0 if c is to the left of a to b.
fn orient(a: Point, b: Point, c: Point) -> f64 {
    let left = (a[0] - c[0]) * (b[1] - c[1]);
    let right = (a[1] - c[1]) * (b[0] - c[0]);
    let twice = left - right;
    if twice.abs() > SIGN_SURE * (left.abs() + right.abs()) {
        return twice;
    }
    let coord = |p: Point| Coord { x: p[0], y: p[1] };
    orient2d(coord(a), coord(b), coord(c))
}

/// Whether a ring runs with its inside on the left: told at its lowest corner, where it cannot be reflex.
fn runs_left(corners: &[Point]) -> bool {
    let count = corners.len();
    let lowest = (1..count).fold(0, |best, k| {
        let (p, q) = (corners[k], corners[best]);
        if (p[1], p[0]) < (q[1], q[0]) {
            k
        } else {
            best
        }
    });
    orient(corners[(lowest + count - 1) % count], corners[lowest], corners[(lowest + 1) % count]) > 0.0
}

fn in_window(edge: &Edge, window: &Box4) -> bool {
    edge.a[0].min(edge.b[0]) <= window[2]
        && edge.a[0].max(edge.b[0]) >= window[0]
        && edge.a[1].min(edge.b[1]) <= window[3]
        && edge.a[1].max(edge.b[1]) >= window[1]
}

fn bounds_of(edge: &Edge) -> Box4 {
    [edge.a[0].min(edge.b[0]), edge.a[1].min(edge.b[1]), edge.a[0].max(edge.b[0]), edge.a[1].max(edge.b[1])]
}

/// Asks of every pair of edges whose boxes meet, until one says yes.
fn any_pair(one: &[Edge], two: &[Edge], groups: &mut Vec<Box4>, met: &mut impl FnMut(&Edge, &Edge) -> bool) -> bool {
    if one.len() * two.len() <= MANY_PAIRS {
        return one.iter().any(|p| {
            let window = bounds_of(p);
            two.iter().any(|q| in_window(q, &window) && met(p, q))
        });
    }
    groups.clear();
    groups.extend(two.chunks(GROUP).map(|part| part.iter().map(bounds_of).fold(bounds_of(&part[0]), hull)));
    one.iter().any(|p| {
        let window = bounds_of(p);
        groups.iter().zip(two.chunks(GROUP)).any(|(group, part)| {
            group[0] <= window[2]
                && group[2] >= window[0]
                && group[1] <= window[3]
                && group[3] >= window[1]
                && part.iter().any(|q| in_window(q, &window) && met(p, q))
        })
    })
}

enum Contact {
    None,
    Crossing,
    Touch,
}

/// What two edges whose boxes meet have in common.
fn contact(p: &Edge, q: &Edge) -> Contact {
    let (a, b) = (orient(q.a, q.b, p.a), orient(q.a, q.b, p.b));
    if (a > 0.0 && b > 0.0) || (a < 0.0 && b < 0.0) {
        return Contact::None;
    }
    let (c, d) = (orient(p.a, p.b, q.a), orient(p.a, p.b, q.b));
    if (c > 0.0 && d > 0.0) || (c < 0.0 && d < 0.0) {
        return Contact::None;
    }
    if a != 0.0 && b != 0.0 && c != 0.0 && d != 0.0 {
        return Contact::Crossing;
    }
    let touch = (a == 0.0 && on_edge(q, p.a)) || (b == 0.0 && on_edge(q, p.b));
    if touch || (c == 0.0 && on_edge(p, q.a)) || (d == 0.0 && on_edge(p, q.b)) {
        Contact::Touch
    } else {
        Contact::None
    }
}

/// Whether a point in line with an edge is on it.
fn on_edge(edge: &Edge, p: Point) -> bool {
    let b = bounds_of(edge);
    b[0] <= p[0] && p[0] <= b[2] && b[1] <= p[1] && p[1] <= b[3]
}

/// Of two edges that touch: whether the insides of their areas overlap at a corner where they do.
fn touch_overlaps(a: &Bodies, i: usize, p: &Edge, b: &Bodies, j: usize, q: &Edge, turn: f64) -> bool {
    [false, true].iter().any(|&end| {
        let of_p = if end { p.b } else { p.a };
        let of_q = if end { q.b } else { q.a };
        (on_line(q, of_p) && sectors_overlap(a.around(i, p, end, 0.0), sector_at(b, j, q, of_p, turn)))
            || (on_line(p, of_q) && sectors_overlap(b.around(j, q, end, turn), sector_at(a, i, p, of_q, 0.0)))
    })
}

fn on_line(edge: &Edge, p: Point) -> bool {
    on_edge(edge, p) && orient(edge.a, edge.b, p) == 0.0
}

/// What an area has inside at a point of an edge: the corner's sector, or the half plane to the left.
fn sector_at(bodies: &Bodies, area: usize, edge: &Edge, p: Point, turn: f64) -> [Point; 3] {
    if p == edge.a {
        bodies.around(area, edge, false, turn)
    } else if p == edge.b {
        bodies.around(area, edge, true, turn)
    } else {
        [edge.a, p, edge.b]
    }
}

/// Whether two open sectors at one point overlap: each goes leftward from its way out to its way in.
fn sectors_overlap(one: [Point; 3], two: [Point; 3]) -> bool {
    let at = one[1];
    begins_in(at, two[2], one[2], one[0]) || begins_in(at, one[2], two[2], two[0])
}

/// Whether a direction is that of `from`, or lies leftward of it before that of `to`, all as seen from a point.
fn begins_in(at: Point, towards: Point, from: Point, to: Point) -> bool {
    let turned = orient(at, from, towards);
    if turned == 0.0 && same_way(at, from, towards) {
        return true;
    }
    let opening = orient(at, from, to);
    if opening > 0.0 {
        turned > 0.0 && orient(at, towards, to) > 0.0
    } else if opening < 0.0 {
        !(orient(at, to, towards) >= 0.0 && turned <= 0.0)
    } else if same_way(at, from, to) {
        true // a spike: taken as all round, the widest reading
    } else {
        turned > 0.0
    }
}

/// Of two points in line with a third: whether both are on the same side of it.
fn same_way(at: Point, p: Point, q: Point) -> bool {
    let ahead = |k: usize| (p[k] > at[k] && q[k] > at[k]) || (p[k] < at[k] && q[k] < at[k]);
    ahead(0) || ahead(1)
}

fn nearer_than(radius_m: f64, smaller_m: f64) -> f64 {
    radius_m - TOUCH_M.min(smaller_m / 2.0)
}

/// The shortest and the longest chord of a geodesic, up to 10 000 km; a micrometre to spare.
fn chord_bounds(arc_m: f64) -> (f64, f64) {
    let low = 2.0 * MOST_CURVED_M * (arc_m / (2.0 * MOST_CURVED_M)).sin();
    let high = 2.0 * LEAST_CURVED_M * (arc_m / (2.0 * LEAST_CURVED_M)).sin();
    (low - 1e-6, high * (1.0 + CHORD_SHARE) + 1e-6)
}

fn circles_meet(a: &Circle, b: &Circle) -> bool {
    let limit = nearer_than(a.radius_m + b.radius_m, a.radius_m.min(b.radius_m));
    let apart = minus(a.centre, b.centre);
    let chord = dot(apart, apart).sqrt();
    let (low, high) = chord_bounds(limit);
    chord < low || (chord <= high && within(a, b.lat_deg, b.lon_deg, limit))
}

/// Whether the geodesic from a circle's centre is shorter than a limit; none near the antipode is.
fn within(circle: &Circle, lat_deg: f64, lon_deg: f64, limit_m: f64) -> bool {
    inverse(circle.lat_deg, circle.lon_deg, lat_deg, lon_deg).map_or(false, |found| found.distance_m < limit_m)
}

/// Whether an edge (units) is not outside the box (degrees) of a circle.
fn in_reach(edge: &Edge, box_deg: &Box4) -> bool {
    let b = bounds_of(edge).map(|v| v / UNITS);
    let between = (b[0] + b[2] - box_deg[0] - box_deg[2]) / 2.0;
    let reach = (b[2] - b[0] + box_deg[2] - box_deg[0]) / 2.0;
    b[1] <= box_deg[3] && b[3] >= box_deg[1] && (between - 360.0 * (between / 360.0).round()).abs() <= reach
}

/// Whether an edge (lon, lat) has a point nearer than limit_m to a circle's centre; low and high are the bounds of
/// the limit's chord.
fn edge_in_reach(circle: &Circle, a: Point, b: Point, limit_m: f64, low: f64, high: f64, depth: u32) -> bool {
    let start = to_ecef(a[1], a[0]);
    let (along, off) = (minus(to_ecef(b[1], b[0]), start), minus(circle.centre, start));
    let u = (dot(off, along) / dot(along, along).max(1e-12)).clamp(0.0, 1.0);
    let off = [off[0] - u * along[0], off[1] - u * along[1], off[2] - u * along[2]];
    let away = dot(off, off).sqrt();
    let sag = sag_m(a, b);
    if away + sag < low {
        return true;
    }
    if away - sag > high {
        return false;
    }
    if sag < SAG_M || depth > MAX_HALVINGS {
        return within(circle, a[1] + u * (b[1] - a[1]), a[0] + u * (b[0] - a[0]), limit_m);
    }
    let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
    edge_in_reach(circle, a, middle, limit_m, low, high, depth + 1)
        || edge_in_reach(circle, middle, b, limit_m, low, high, depth + 1)
}

/// How far an edge is from its chord at most: an eighth of its greatest second derivative.
fn sag_m(a: Point, b: Point) -> f64 {
    let (turn, climb) = ((b[0] - a[0]).abs().to_radians(), (b[1] - a[1]).abs().to_radians());
    // The cosine of the latitude nearest the equator, and 1 for the sine.
    let nearest = if a[1] * b[1] < 0.0 { 0.0 } else { a[1].abs().min(b[1].abs()) };
    let bend = climb * climb + 2.0 * turn * climb + turn * turn * nearest.to_radians().cos();
    1.02 * FARTHEST_M * bend / 8.0
}
