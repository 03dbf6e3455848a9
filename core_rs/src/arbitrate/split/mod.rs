//! The split: several actuators behind common limits, decided in bounded time.
//!
//! **Definition.** Parts `x_p` in `[l_p, u_p]` (hard) with desired values `d_p` in that range, weights `w_p > 0` and
//! levels; each part belongs to a unit (an actuator), whose value is the sum of its parts. Rows `g` ask
//! `lo_g <= sum_p a_gp x_p <= hi_g`, where `a_gp` is the coefficient of the part's unit. In this order:
//!
//! 1. the rows' violations are least: `min sum_g v_g^2`, `v_g` being the distance of row `g` from its range; 0 whenever
//!    the rows can be kept (so rows are to be given in one unit, here W);
//! 2. for each level from the first to the last: `min sum (x_p - d_p)^2 / w_p` over the parts of that level, with what
//!    was found for the levels before kept, and those after it moving freely inside their ranges.
//!
//! So the first level is moved least, and only when all later ones cannot help any more; inside a level the movement
//! is the weighted least-squares projection. Each level's optimum is unique, hence so is the result.
//!
//! **Solution.** The dual of a level has one unknown per row and is convex and piecewise quadratic; a Newton method
//! with an exact line search finds its minimum ([`dual`]). Parts of later levels and the rows' slack cost nothing at
//! that level: they enter with a vanishing weight about the point last found (proximal points, both primal and dual
//! [1]), which converges to the exact result. Reduced costs show which later parts every optimum holds at an end:
//! these are fixed there. How few of the last levels need to move is found by bisection.
//!
//! **Bounds.** All storage is made once; the work in one cycle, counted, is bounded ([`Split::budget`]). When that bound
//! is met, a simpler split keeps the parts in their ranges and every row that can be kept by moving towards 0
//! ([`simple`]). Numbers beyond [`LARGEST`] count as infinite.
//!
//! [1] R. T. Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex
//! programming", Mathematics of Operations Research 1(2), 1976.

mod dual;
mod levels;
mod line;
#[cfg(test)]
pub(crate) mod reference;
mod simple;
#[cfg(test)]
pub(crate) mod tests;

use dual::Dual;

/// Work on the largest problems in one cycle ([`Split::budget`]), counted in looks at the line of a line search.
pub const WORK: u32 = 1_100;
/// Parts times rows that [`WORK`] is made for.
const LARGE: usize = 64 * 10;
/// Larger numbers count as infinite.
pub const LARGEST: f64 = 1e12;
/// Violations and movements below this share of the problem's own size are none.
const TINY: f64 = 1e-8;

/// A share of a unit's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Its actuator.
    pub unit: usize,
    /// Not below this.
    pub lower: f64,
    /// Not above this.
    pub upper: f64,
    /// Where it would like to stand.
    pub desired: f64,
    /// How willingly it moves, among those of its level.
    pub weight: f64,
    /// Lower levels are moved less.
    pub level: u32,
}

/// How a problem was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solved {
    /// Every row holds.
    Kept,
    /// The rows cannot all be kept: their violation is the least possible.
    Violated,
    /// The bound on work was met, or rounding was: the rows are kept or missed least where that was found out, else
    /// by the simpler split; not by levels.
    Unfinished,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    part: Part,
    value: f64,
    /// Does not move any more.
    fixed: bool,
    /// Fixed for one attempt.
    held: bool,
    /// At the pass before.
    before: f64,
    /// Where the rows were missed least.
    least: f64,
    centre: f64,
    weight: f64,
}

/// Storage for problems of a size; see the module.
#[derive(Debug)]
pub struct Split {
    capacity: usize,
    slots: Vec<Slot>,
    scale: Box<[f64]>,
    levels: Vec<u32>,
    /// Slots in the order in which the simpler split lets them give way: the last level first, then the last added.
    giving: Vec<usize>,
    /// The rows cannot all be kept, and where they are missed least is known.
    missing_least: bool,
    dual: Dual,
}

#[allow(clippy::indexing_slicing, reason = "units and rows were checked when they were added")]
impl Split {
    /// For so many units, parts and rows.
    pub fn new(units: usize, parts: usize, rows: usize) -> Self {
        Self {
            capacity: parts,
            slots: Vec::with_capacity(parts),
            scale: vec![1.0; units].into_boxed_slice(),
            levels: Vec::with_capacity(parts),
            giving: Vec::with_capacity(parts),
            missing_least: false,
            dual: Dual::new(units, parts, rows),
        }
    }

    /// Work in one cycle: at least [`WORK`], more where each look is cheaper.
    pub fn budget(&self) -> u32 {
        let each = (self.capacity * self.dual.most()).max(1);
        u32::try_from(WORK as usize * LARGE / each).unwrap_or(u32::MAX).clamp(WORK, 20 * WORK)
    }

    /// Forgets the problem before.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.levels.clear();
        self.missing_least = false;
        self.dual.clear();
    }

    /// Adds a row: coefficients by unit, and its range. One that bounds nothing, or for which there is no room, is
    /// left out. False: no room.
    pub fn row(&mut self, coefficients: impl Iterator<Item = (usize, f64)> + Clone, lower: f64, upper: f64) -> bool {
        let largest = coefficients.clone().map(|(_, a)| a.abs()).fold(0.0, f64::max);
        if !(largest > 0.0 && largest.is_finite()) || (lower == f64::NEG_INFINITY && upper == f64::INFINITY) {
            return true;
        }
        self.dual.add(coefficients, lower, upper)
    }

    /// Adds a part; false when there is no room for it or it makes no sense.
    pub fn part(&mut self, part: Part) -> bool {
        let sensible = part.lower <= part.upper && part.weight > 0.0 && part.desired.is_finite();
        if !sensible || part.unit >= self.scale.len() || self.slots.len() >= self.capacity {
            return false;
        }
        let (lower, upper) = (part.lower.clamp(-LARGEST, LARGEST), part.upper.clamp(-LARGEST, LARGEST));
        let part = Part { lower, upper, desired: part.desired.clamp(lower, upper), ..part };
        let value = part.desired;
        self.slots.push(Slot {
            part,
            value,
            fixed: false,
            held: false,
            before: value,
            least: value,
            centre: value,
            weight: 0.0,
        });
        true
    }

    /// Solves what was added with at most so much work, which is taken off.
    pub fn solve(&mut self, work: &mut u32) -> Solved {
        self.order();
        if self.holds() {
            return Solved::Kept;
        }
        self.scale_units(true);
        self.dual.group(&self.slots);
        let solved = self.by_levels(work);
        match solved {
            Solved::Unfinished if self.missing_least => self.slots.iter_mut().for_each(|slot| slot.value = slot.least),
            Solved::Unfinished => self.simply(),
            Solved::Kept | Solved::Violated => {}
        }
        self.scale_units(false);
        solved
    }

    /// A unit's value: the sum of its parts.
    pub fn value(&self, unit: usize) -> f64 {
        self.slots.iter().filter(|slot| slot.part.unit == unit).map(|slot| slot.value).sum()
    }

    fn order(&mut self) {
        self.levels.extend(self.slots.iter().map(|slot| slot.part.level));
        self.levels.sort_unstable();
        self.levels.dedup();
    }

    fn holds(&self) -> bool {
        let values = || self.slots.iter().map(|slot| (slot.part.unit, slot.value));
        self.dual.violation(values()) <= 0.0
    }

    // Inside, each unit is measured so that its largest coefficient is 1.
    fn scale_units(&mut self, inside: bool) {
        if inside {
            for (unit, scale) in self.scale.iter_mut().enumerate() {
                let largest = self.dual.largest(unit);
                *scale = if largest > 0.0 { largest } else { 1.0 };
            }
        }
        self.dual.scale(&self.scale, inside);
        for slot in &mut self.slots {
            let scale = self.scale[slot.part.unit];
            let factor = if inside { scale } else { 1.0 / scale };
            let part = &mut slot.part;
            for value in [&mut part.lower, &mut part.upper, &mut part.desired, &mut slot.value] {
                *value *= factor;
            }
            part.weight *= factor * factor;
            slot.value = slot.value.clamp(part.lower, part.upper);
        }
    }
}
