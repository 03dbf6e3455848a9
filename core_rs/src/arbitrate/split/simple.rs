//! The simpler split, for when the exact one meets its bound on steps: keeps every part in its range, and every row
//! that can be kept by moving towards 0.
//!
//! Row after row, the first one last, the parts give way in the order of their levels, the last level first, each as
//! far as the row asks. If rows are still missed though all parts at 0 would keep them, all parts go towards 0 by the
//! smallest common share that keeps the rows.

use super::{Slot, Split, TINY};

const SWEEPS: u32 = 3;

impl Split {
    pub(super) fn simply(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.value = slot.part.desired);
        // Equal levels: the last added first.
        for _ in 0..SWEEPS {
            for row in (0..self.dual.rows()).rev() {
                self.sweep(row);
            }
        }
        self.shrink();
    }

    fn sweep(&mut self, row: usize) {
        for level in (0..self.levels.len()).rev().filter_map(|place| self.levels.get(place).copied()) {
            let mut missing = self.dual.missing(row, self.slots.iter().map(|slot| (slot.part.unit, slot.value)));
            if missing == 0.0 {
                return;
            }
            for slot in self.slots.iter_mut().rev().filter(|slot| slot.part.level == level) {
                let a = self.dual.coefficient(slot.part.unit, row);
                if a != 0.0 {
                    let before = slot.value;
                    slot.value = (before + missing / a).clamp(slot.part.lower, slot.part.upper);
                    missing -= a * (slot.value - before);
                }
            }
        }
    }

    fn shrink(&mut self) {
        let at = |share: f64, slots: &[Slot]| -> f64 {
            let values =
                slots.iter().map(|slot| (slot.part.unit, (share * slot.value).clamp(slot.part.lower, slot.part.upper)));
            self.dual.violation(values)
        };
        let margin = TINY * self.dual.size();
        if at(1.0, &self.slots) <= margin || at(0.0, &self.slots) > 0.0 {
            return;
        }
        let (mut kept, mut missed) = (0.0, 1.0);
        for _ in 0..40 {
            let middle = 0.5 * (kept + missed);
            if at(middle, &self.slots) <= 0.0 { kept = middle } else { missed = middle }
        }
        for slot in &mut self.slots {
            slot.value = (kept * slot.value).clamp(slot.part.lower, slot.part.upper);
        }
    }
}
