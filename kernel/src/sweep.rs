//! Sweep: which boxes overlap, among many that lie on the earth at some height.
//!
//! Law: every pair of boxes that overlap on all four axes is looked at, once, and no other. Boxes are rounded outwards by
//! whoever makes them. Memory is linear in the number of boxes, whatever their sizes.
//!
//! Theory: boxes are laid in slabs across one axis, as wide as a box is on average, so that there are two slabs a box on
//! average; each slab is sorted along another axis and swept; a pair is looked at in the first slab that has both.

use rayon::prelude::*;

pub const UNBOUNDED: f32 = f32::MAX;
const MOST_SLABS: f64 = 4096.0;
/// Fewer boxes than this are not worth a second thread.
pub const PARALLEL: usize = 1_500;

/// A box on the axis of the sweep, the axis of the slabs, a third one and in height. All are finite: `UNBOUNDED` is
/// farther than anything.
#[derive(Clone, Copy)]
pub struct Reach {
    pub low: [f32; 4],
    pub high: [f32; 4],
}

impl Reach {
    /// Whether two boxes overlap or touch: no difference has its sign bit set. Without a branch, so that the four axes
    /// are compared at once.
    fn meets(&self, other: &Reach) -> bool {
        let sign =
            |axis: usize| (other.high[axis] - self.low[axis]).to_bits() | (self.high[axis] - other.low[axis]).to_bits();
        (sign(0) | sign(1) | sign(2) | sign(3)) >> 31 == 0
    }
}

/// Slabs of equal width, and which boxes each of them has.
struct Slabs {
    low_m: f32,
    width_m: f32,
    first: Vec<usize>,
    members: Vec<u32>,
}

impl Slabs {
    fn of(reaches: &[Reach]) -> Slabs {
        let (mut low, mut high, mut sum) = (f32::INFINITY, f32::NEG_INFINITY, 0.0);
        for reach in reaches {
            low = low.min(reach.low[1]);
            high = high.max(reach.low[1]);
            sum += f64::from(reach.high[1] - reach.low[1]);
        }
        let wide = f64::from(high - low);
        let width = (sum / reaches.len() as f64).max(wide / MOST_SLABS).max(1.0);
        let count = (wide / width) as usize + 1;
        let mut slabs = Slabs { low_m: low, width_m: width as f32, first: vec![0; count + 1], members: Vec::new() };
        slabs.fill(reaches);
        slabs
    }

    fn fill(&mut self, reaches: &[Reach]) {
        let mut next = vec![0; self.first.len()];
        for reach in reaches {
            next[self.slab(reach.low[1]) + 1..=self.slab(reach.high[1]) + 1].iter_mut().for_each(|count| *count += 1);
        }
        for slab in 1..next.len() {
            next[slab] += next[slab - 1];
        }
        self.first.copy_from_slice(&next);
        self.members = vec![0; next[next.len() - 1]];
        for (number, reach) in reaches.iter().enumerate() {
            for place in &mut next[self.slab(reach.low[1])..=self.slab(reach.high[1])] {
                self.members[*place] = number as u32;
                *place += 1;
            }
        }
    }

    /// The slab that a place is in: never falls as the place rises, which is all that finding needs.
    fn slab(&self, place_m: f32) -> usize {
        (((place_m - self.low_m) / self.width_m) as usize).min(self.first.len() - 2)
    }
}

/// One box of a slab: whether it begins there, and whose it is.
struct Member<T> {
    reach: Reach,
    begins: bool,
    whose: T,
}

/// What `look` finds in the pairs of boxes that overlap, in any order; `whose` has one element a box.
pub fn found<T, F>(reaches: &[Reach], whose: &[T], look: impl Fn(&T, &T) -> Option<F> + Sync) -> Vec<F>
where
    T: Copy + Sync,
    F: Send,
{
    if reaches.len() < 2 {
        return Vec::new();
    }
    let slabs = Slabs::of(reaches);
    let in_slab = |slab: usize| {
        let members = sorted(&slabs, slab, reaches, whose);
        let mut found = Vec::new();
        for (place, one) in members.iter().enumerate() {
            for two in &members[place + 1..] {
                if two.reach.low[0] > one.reach.high[0] {
                    break;
                }
                if one.reach.meets(&two.reach) && (one.begins || two.begins) {
                    found.extend(look(&one.whose, &two.whose));
                }
            }
        }
        found
    };
    let count = slabs.first.len() - 1;
    let parts: Vec<Vec<F>> = if reaches.len() < PARALLEL {
        (0..count).map(in_slab).collect()
    } else {
        (0..count).into_par_iter().with_max_len(1).map(in_slab).collect()
    };
    parts.into_iter().flatten().collect()
}

/// The boxes of a slab along the axis of the sweep, side by side in memory with what they are of.
fn sorted<T: Copy>(slabs: &Slabs, slab: usize, reaches: &[Reach], whose: &[T]) -> Vec<Member<T>> {
    let numbers = &slabs.members[slabs.first[slab]..slabs.first[slab + 1]];
    let key = |&number: &u32| u64::from(rising(reaches[number as usize].low[0])) << 32 | u64::from(number);
    let mut keys: Vec<u64> = numbers.iter().map(key).collect();
    keys.sort_unstable();
    let member = |key: &u64| {
        let number = *key as u32 as usize;
        let (reach, whose) = (reaches[number], whose[number]);
        Member { reach, begins: slabs.slab(reach.low[1]) == slab, whose }
    };
    keys.iter().map(member).collect()
}

/// A whole number that rises with a float that is not NaN.
fn rising(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}
