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
    per_m: f32,
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
        let mut slabs = Slabs { low_m: low, per_m: 1.0 / width as f32, first: vec![0; count + 1], members: Vec::new() };
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
        (((place_m - self.low_m) * self.per_m) as usize).min(self.first.len() - 2)
    }
}

/// The boxes of one slab along the axis of the sweep: each with whether it begins there, and whose it is. They lie apart,
/// since the sweep reads little but the boxes.
struct Members<T> {
    reaches: Vec<Reach>,
    begins: Vec<bool>,
    whose: Vec<T>,
}

impl<T: Copy> Members<T> {
    fn of(slabs: &Slabs, slab: usize, reaches: &[Reach], whose: &[T]) -> Members<T> {
        let numbers = &slabs.members[slabs.first[slab]..slabs.first[slab + 1]];
        let key = |&number: &u32| u64::from(rising(reaches[number as usize].low[0])) << 32 | u64::from(number);
        let mut keys: Vec<u64> = numbers.iter().map(key).collect();
        keys.sort_unstable();
        let in_order = || keys.iter().map(|key| *key as u32 as usize);
        Members {
            reaches: in_order().map(|number| reaches[number]).collect(),
            begins: in_order().map(|number| slabs.slab(reaches[number].low[1]) == slab).collect(),
            whose: in_order().map(|number| whose[number]).collect(),
        }
    }

    /// How many of those after `place` overlap it; they are the first of `near`. Each is written and then kept or not,
    /// because whether it overlaps is what a processor cannot guess.
    fn overlapping(&self, place: usize, near: &mut [u32]) -> usize {
        let one = &self.reaches[place];
        let mut count = 0;
        for (two, reach) in self.reaches.iter().enumerate().skip(place + 1) {
            if reach.low[0] > one.high[0] {
                break;
            }
            near[count] = two as u32;
            count += usize::from(one.meets(reach));
        }
        count
    }
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
        let members = Members::of(&slabs, slab, reaches, whose);
        let mut near = vec![0; members.reaches.len()];
        let mut found = Vec::new();
        for one in 0..members.reaches.len() {
            let count = members.overlapping(one, &mut near);
            for two in near[..count].iter().map(|&two| two as usize) {
                if members.begins[one] || members.begins[two] {
                    found.extend(look(&members.whose[one], &members.whose[two]));
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

/// A whole number that rises with a float that is not NaN.
fn rising(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}
