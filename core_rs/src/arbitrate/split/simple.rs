//! The simpler split, for when the exact one meets its bound on work: keeps every part in its range, and every row
//! that can be kept by moving towards 0.
//!
//! Row after row, the first one last, the parts give way in the order of their levels, the last level first, each as
//! far as the row asks. If rows are still missed though all parts at 0 would keep them, all parts go towards 0 by the
//! smallest common share that keeps the rows.

use std::cmp::Reverse;

use super::{Split, TINY};

const SWEEPS: u32 = 3;

#[allow(clippy::indexing_slicing, reason = "the order names slots")]
impl Split {
    pub(super) fn simply(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.value = slot.part.desired);
        self.giving.clear();
        self.giving.extend(0..self.slots.len());
        self.giving.sort_unstable_by_key(|&slot| Reverse((self.slots[slot].part.level, slot)));
        for _ in 0..SWEEPS {
            for row in (0..self.dual.rows()).rev() {
                self.sweep(row);
            }
        }
        self.shrink();
    }

    fn sweep(&mut self, row: usize) {
        let mut missing = self.dual.missing(row, self.slots.iter().map(|slot| (slot.part.unit, slot.value)));
        for &place in &self.giving {
            let slot = &mut self.slots[place];
            let a = self.dual.coefficient(slot.part.unit, row);
            if missing != 0.0 && a != 0.0 {
                let before = slot.value;
                slot.value = (before + missing / a).clamp(slot.part.lower, slot.part.upper);
                missing -= a * (slot.value - before);
            }
        }
    }

    fn shrink(&mut self) {
        let values = || self.slots.iter().map(|slot| (slot.part.unit, slot.value));
        let at_rest = || self.slots.iter().map(|slot| (slot.part.unit, 0.0));
        let margin = TINY * self.dual.size();
        if self.dual.violation(values()) <= margin || self.dual.violation(at_rest()) > 0.0 {
            return;
        }
        // Every row holds 0, so each asks for a share of the way there: the least one keeps all.
        let kept = (0..self.dual.rows()).fold(1.0_f64, |kept, row| {
            let missing = self.dual.missing(row, values());
            let sum = self.dual.sum(row, values());
            if missing == 0.0 { kept } else { kept.min((sum + missing) / sum) }
        });
        for slot in &mut self.slots {
            slot.value = (kept * slot.value).clamp(slot.part.lower, slot.part.upper);
        }
    }
}
