//! Level after level: which must move, by how much, and what that leaves to those after it.

use super::dual::{FREE, STEP, STIFF};
use super::{Slot, Solved, Split, TINY};

const PASSES: u32 = 6;
/// A pull below this share of the strongest is none; larger where the multipliers are not anchored.
const SLIGHT: f64 = 1e-7;
const PULLED: f64 = 1e-3;

/// One attempt to keep the rows with the levels from some place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Kept,
    Missed,
    /// Missed, and the multipliers prove that it must be.
    Hopeless,
    Unfinished,
}

#[allow(clippy::indexing_slicing, reason = "places run below the number of levels")]
impl Split {
    pub(super) fn by_levels(&mut self, left: &mut u32) -> Solved {
        let size = self.slots.iter().fold(self.dual.size(), |size, slot| slot.part.desired.abs().max(size));
        let (mut solved, mut place) = (Solved::Kept, 0);
        while place < self.levels.len() {
            match self.last_that_keeps(place, size, left) {
                Ok(Some(found)) => {
                    self.settle(found);
                    place = found + 1;
                }
                Ok(None) if solved == Solved::Kept && self.least_violation(size, left) => {
                    solved = Solved::Violated;
                }
                _ => return Solved::Unfinished,
            }
        }
        solved
    }

    // The last level from which on movement keeps the rows, solved; Ok(None): none does; Err: no work left.
    fn last_that_keeps(&mut self, first: usize, size: f64, left: &mut u32) -> Result<Option<usize>, ()> {
        let Some(mut place) = self.last_that_could(first, size) else {
            return Ok(None);
        };
        let (mut good, mut bad) = (None, place + 1);
        loop {
            let mut next = None;
            match self.attempt(place, size, left) {
                Attempt::Unfinished => return Err(()),
                Attempt::Kept => good = Some(place),
                Attempt::Missed => bad = place,
                Attempt::Hopeless => {
                    next = self.last_within_reach(first, place, size);
                    bad = next.map_or(first, |next| next + 1);
                }
            }
            let from = good.map_or(first, |good| good + 1);
            if from >= bad {
                break;
            }
            place = next.unwrap_or(from + (bad - from - 1) / 2).max(from);
        }
        match good {
            Some(good) if good != place && self.attempt(good, size, left) != Attempt::Kept => Err(()),
            good => Ok(good),
        }
    }

    // As above, by each row alone: necessary, and cheap.
    fn last_that_could(&mut self, first: usize, size: f64) -> Option<usize> {
        self.slots.iter_mut().filter(|slot| !slot.fixed).for_each(|slot| slot.value = slot.part.desired);
        self.dual.stand(&self.slots);
        (first..self.levels.len()).rev().find(|&place| {
            let moving = self.slots.iter().filter(|slot| !slot.fixed && slot.part.level == self.levels[place]);
            moving.for_each(|slot| self.dual.let_move(slot));
            self.dual.could_hold(TINY * size)
        })
    }

    // As above, by the combination of rows that proved it in vain for `place`.
    fn last_within_reach(&mut self, first: usize, place: usize, size: f64) -> Option<usize> {
        self.slots.iter_mut().filter(|slot| !slot.fixed).for_each(|slot| slot.value = slot.part.desired);
        let margin = TINY * size * self.dual.weight();
        let brought = |moves: &dyn Fn(u32) -> bool| -> f64 {
            let moving = self.slots.iter().filter(|slot| !slot.fixed && moves(slot.part.level));
            moving.map(|slot| self.dual.brings(slot)).sum()
        };
        let tried = self.levels[place];
        let mut lacking = self.dual.lacking(&self.slots) - brought(&|level| level >= tried);
        (first..place).rev().find(|&place| {
            lacking -= brought(&|level| level == self.levels[place]);
            lacking <= margin
        })
    }

    // Minimises one level's movement with the levels before it at their desired values and those after it free.
    fn attempt(&mut self, place: usize, size: f64, left: &mut u32) -> Attempt {
        let Some(&level) = self.levels.get(place) else {
            return Attempt::Missed;
        };
        if *left == 0 {
            return Attempt::Unfinished;
        }
        // What an attempt takes beside its steps is about as much as one.
        *left = left.saturating_sub(STEP);
        self.prepare(level);
        self.dual.begin(&self.slots, STIFF);
        let attempt = self.passes(level, size, left);
        self.slots.iter_mut().for_each(Slot::release);
        attempt
    }

    fn passes(&mut self, level: u32, size: f64, left: &mut u32) -> Attempt {
        let mut before = f64::INFINITY;
        for _ in 0..PASSES {
            if !self.dual.solve(&mut self.slots, size, left) {
                return Attempt::Unfinished;
            }
            let (missed, moved) = (self.missed(), self.recentre(Some(level)));
            if self.dual.hopeless(size) {
                return Attempt::Hopeless;
            }
            if missed > TINY * size && missed > 0.5 * before {
                return Attempt::Missed;
            }
            if missed <= 0.01 * TINY * size && moved <= 0.1 * TINY * size {
                return self.kept();
            }
            before = missed;
            self.dual.again(true);
        }
        if self.missed() <= TINY * size { self.kept() } else { Attempt::Missed }
    }

    // The rows are kept; whether by the least movement is not known where the solution went astray.
    fn kept(&self) -> Attempt {
        if self.dual.astray { Attempt::Unfinished } else { Attempt::Kept }
    }

    fn prepare(&mut self, level: u32) {
        let own = self.slots.iter().filter(|slot| !slot.fixed && slot.part.level == level);
        let heaviest = own.map(|slot| slot.part.weight).fold(f64::MIN_POSITIVE, f64::max);
        for slot in self.slots.iter_mut().filter(|slot| !slot.fixed) {
            slot.value = slot.part.desired;
            slot.before = f64::INFINITY;
            slot.centre = slot.value;
            slot.held = slot.part.level < level;
            slot.fixed = slot.held;
            slot.weight = if slot.part.level == level { slot.part.weight / heaviest } else { FREE };
        }
    }

    // Parts that are free: about where they stand. How far those of the level (None: all) moved since the pass before.
    fn recentre(&mut self, level: Option<u32>) -> f64 {
        let mut moved = 0.0_f64;
        for slot in self.slots.iter_mut().filter(|slot| !slot.fixed) {
            let own = level == Some(slot.part.level);
            if own || level.is_none() {
                moved = moved.max((slot.value - slot.before).abs());
                slot.before = slot.value;
            }
            if !own {
                slot.centre = slot.value;
            }
        }
        moved
    }

    // Where the rows cannot be kept they give way, by as little as possible, and are kept from there on.
    fn least_violation(&mut self, size: f64, left: &mut u32) -> bool {
        for slot in self.slots.iter_mut().filter(|slot| !slot.fixed) {
            slot.value = slot.part.desired;
            (slot.centre, slot.before, slot.weight) = (slot.value, f64::INFINITY, FREE);
        }
        self.dual.begin(&self.slots, 1.0);
        let mut settled = false;
        for _ in 0..PASSES {
            if !self.dual.solve(&mut self.slots, size, left) || self.dual.astray {
                return false;
            }
            settled = self.recentre(None) <= 0.1 * TINY * size;
            if settled {
                break;
            }
            self.dual.again(false);
        }
        self.dual.widen(&self.slots);
        self.slots.iter_mut().for_each(|slot| slot.least = slot.value);
        self.missing_least = true;
        self.fix_pulled(PULLED);
        // Rows that conflict and are nearly one another: this is close to the least, and not said to be it.
        settled
    }

    // What was found for this level and those before it is kept.
    fn settle(&mut self, found: usize) {
        let level = self.levels.get(found).copied().unwrap_or(u32::MAX);
        self.slots.iter_mut().filter(|slot| slot.part.level <= level).for_each(|slot| slot.fixed = true);
        self.fix_pulled(SLIGHT);
    }

    // A part that the rows pull against its end stands there in every optimum.
    fn fix_pulled(&mut self, share: f64) {
        let slight = share * self.dual.strongest();
        for slot in self.slots.iter_mut().filter(|slot| !slot.fixed) {
            let pull = self.dual.pull(slot.part.unit);
            let up = pull > slight && slot.value >= slot.part.upper;
            slot.fixed = up || (pull < -slight && slot.value <= slot.part.lower);
        }
    }

    fn missed(&self) -> f64 {
        self.dual.violation(self.slots.iter().map(|slot| (slot.part.unit, slot.value)))
    }
}

impl Slot {
    fn release(&mut self) {
        if self.held {
            (self.fixed, self.held) = (false, false);
        }
    }
}
