//! A tree of boxes in longitude, latitude, height and time: the twin of `keepclear/geo/tree.py`.
//!
//! Law: an answer is every box that meets the one asked for, and some that are near it: sides are kept as single
//! floats from an origin, rounded outward. Boxes are halved, again and again, across the dimension in which they lie
//! farthest apart for their size, and packed by eight; every node is eight boxes side by side.

pub const DIMS: usize = 4;
const FAN: usize = 8;
/// Below this many boxes a second thread costs more than it saves.
const PARALLEL: usize = 8192;
const MAX_LEVELS: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub low: [f64; DIMS],
    pub high: [f64; DIMS],
}

/// A box as the tree compares it: single floats from the tree's origin, rounded outward.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    low: [f32; DIMS],
    high: [f32; DIMS],
}

#[derive(Clone)]
struct Pack {
    low: [[f32; FAN]; DIMS],
    high: [[f32; FAN]; DIMS],
}

const NOTHING: Pack = Pack { low: [[f32::INFINITY; FAN]; DIMS], high: [[f32::NEG_INFINITY; FAN]; DIMS] };

pub struct Tree {
    /// The caller's number of each box, in packed order.
    pub order: Vec<u32>,
    origin: [f64; DIMS],
    /// Boxes by eight, those of the callers first, the root last.
    levels: Vec<Vec<Pack>>,
    root: Option<Bounds>,
}

#[derive(Clone, Copy)]
struct Item {
    middle: [f32; DIMS],
    size: [f32; DIMS],
    number: u32,
}

impl Tree {
    pub fn of(boxes: &[Bounds]) -> Tree {
        let (least, most) = finite_span(boxes);
        let mut items: Vec<Item> =
            boxes.iter().enumerate().map(|(number, bounds)| item(bounds, number, &least, &most)).collect();
        let span: [f32; DIMS] = std::array::from_fn(|d| (most[d] - least[d]) as f32);
        pack(&mut items, &span);
        let order: Vec<u32> = items.iter().map(|item| item.number).collect();
        let mut tree = Tree { order, origin: least, levels: Vec::new(), root: hull(boxes) };
        let mut below: Vec<Asked> = tree.order.iter().map(|&number| tree.asked(&boxes[number as usize])).collect();
        while !below.is_empty() {
            let packs: Vec<Pack> = below.chunks(FAN).map(packed).collect();
            below = if packs.len() > 1 { packs.iter().map(Pack::hull).collect() } else { Vec::new() };
            tree.levels.push(packs);
        }
        tree
    }

    /// The box that holds them all; None if there are none.
    pub fn root(&self) -> Option<&Bounds> {
        self.root.as_ref()
    }

    pub fn asked(&self, bounds: &Bounds) -> Asked {
        Asked {
            low: std::array::from_fn(|d| down(bounds.low[d] - self.origin[d])),
            high: std::array::from_fn(|d| -down(self.origin[d] - bounds.high[d])),
        }
    }

    /// Whether the box at a place meets in longitude alone, as `meeting` compares it.
    pub fn beside(&self, asked: &Asked, place: usize) -> bool {
        let (pack, lane) = (&self.levels[0][place / FAN], place % FAN);
        pack.low[0][lane] <= asked.high[0] && asked.low[0] <= pack.high[0][lane]
    }

    /// Tells every place in the packed order, from `begin` on, whose box meets.
    pub fn meeting(&self, asked: &Asked, begin: usize, mut tell: impl FnMut(usize)) {
        let top = match self.levels.len().checked_sub(1) {
            Some(top) => top,
            None => return,
        };
        let mut masks = [0u8; MAX_LEVELS];
        let mut packs = [0usize; MAX_LEVELS];
        let mut level = top;
        masks[top] = self.levels[top][0].meet(asked);
        loop {
            if masks[level] == 0 {
                if level == top {
                    return;
                }
                level += 1;
                continue;
            }
            let lane = masks[level].trailing_zeros() as usize;
            masks[level] &= masks[level] - 1;
            let child = packs[level] * FAN + lane;
            // The child's last place is before (child + 1) * 8^level.
            if (child + 1) << (3 * level) <= begin {
                continue;
            }
            if level == 0 {
                tell(child);
            } else {
                level -= 1;
                packs[level] = child;
                masks[level] = self.levels[level][child].meet(asked);
            }
        }
    }
}

impl Pack {
    fn meet(&self, asked: &Asked) -> u8 {
        let mut meet = [true; FAN];
        for d in 0..DIMS {
            for (lane, meet) in meet.iter_mut().enumerate() {
                *meet &= (self.low[d][lane] <= asked.high[d]) & (asked.low[d] <= self.high[d][lane]);
            }
        }
        meet.iter().enumerate().fold(0, |mask, (lane, &bit)| mask | (bit as u8) << lane)
    }

    fn hull(&self) -> Asked {
        Asked {
            low: std::array::from_fn(|d| self.low[d].iter().copied().fold(f32::INFINITY, f32::min)),
            high: std::array::from_fn(|d| self.high[d].iter().copied().fold(f32::NEG_INFINITY, f32::max)),
        }
    }
}

fn packed(boxes: &[Asked]) -> Pack {
    let mut pack = NOTHING;
    for (lane, one) in boxes.iter().enumerate() {
        for d in 0..DIMS {
            pack.low[d][lane] = one.low[d];
            pack.high[d][lane] = one.high[d];
        }
    }
    pack
}

/// The largest single float that is not above a value.
fn down(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) <= value {
        return near;
    }
    let bits = near.to_bits();
    match (near == 0.0, near > 0.0) {
        (true, _) => -f32::from_bits(1),
        (_, true) => f32::from_bits(bits - 1),
        _ => f32::from_bits(bits + 1),
    }
}

/// What the finite sides span, for the order alone.
fn finite_span(boxes: &[Bounds]) -> ([f64; DIMS], [f64; DIMS]) {
    let (mut least, mut most) = ([f64::INFINITY; DIMS], [f64::NEG_INFINITY; DIMS]);
    for bounds in boxes {
        for d in 0..DIMS {
            for side in [bounds.low[d], bounds.high[d]] {
                if side.is_finite() {
                    least[d] = least[d].min(side);
                    most[d] = most[d].max(side);
                }
            }
        }
    }
    for d in 0..DIMS {
        if least[d] > most[d] {
            least[d] = 0.0;
            most[d] = 0.0;
        }
    }
    (least, most)
}

fn item(bounds: &Bounds, number: usize, least: &[f64; DIMS], most: &[f64; DIMS]) -> Item {
    let cut = |value: f64, d: usize| (value.max(least[d]).min(most[d]) - least[d]) as f32;
    let low: [f32; DIMS] = std::array::from_fn(|d| cut(bounds.low[d], d));
    let high: [f32; DIMS] = std::array::from_fn(|d| cut(bounds.high[d], d));
    Item {
        middle: std::array::from_fn(|d| (low[d] + high[d]) / 2.0),
        size: std::array::from_fn(|d| high[d] - low[d]),
        number: number as u32,
    }
}

fn hull(boxes: &[Bounds]) -> Option<Bounds> {
    let mut all = *boxes.first()?;
    for bounds in boxes {
        for d in 0..DIMS {
            all.low[d] = all.low[d].min(bounds.low[d]);
            all.high[d] = all.high[d].max(bounds.high[d]);
        }
    }
    Some(all)
}

fn pack(items: &mut [Item], span: &[f32; DIMS]) {
    let packs = (items.len() + FAN - 1) / FAN;
    if packs < 2 {
        return;
    }
    // The larger half is a whole power of two of full packs, so that eights of eights stay together.
    let left = FAN * (packs.next_power_of_two() / 2);
    let axis = widest(items, span);
    items.select_nth_unstable_by(left, |a, b| a.middle[axis].total_cmp(&b.middle[axis]));
    let (one, two) = items.split_at_mut(left);
    if one.len() > PARALLEL {
        rayon::join(|| pack(one, span), || pack(two, span));
    } else {
        pack(one, span);
        pack(two, span);
    }
}

/// The dimension in which boxes lie farthest apart for their size.
fn widest(items: &[Item], span: &[f32; DIMS]) -> usize {
    let (mut least, mut most, mut size) = ([f32::INFINITY; DIMS], [f32::NEG_INFINITY; DIMS], [0.0f32; DIMS]);
    for item in items {
        for d in 0..DIMS {
            least[d] = least[d].min(item.middle[d]);
            most[d] = most[d].max(item.middle[d]);
            size[d] += item.size[d];
        }
    }
    let score = |d: usize| (most[d] - least[d]) / (size[d] / items.len() as f32 + 1e-9 * span[d] + f32::MIN_POSITIVE);
    (1..DIMS).fold(0, |best, d| if score(d) > score(best) { d } else { best })
}
