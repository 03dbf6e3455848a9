//! Newton's method on a level's dual, with an exact line search.

use super::lanes::{LANES, add, add_slope, dot, take};
use super::{Dual, FREE, Moving};
use crate::arbitrate::split::Slot;
use crate::arbitrate::split::line::Bend;

const ACCURATE: f64 = 1e-12;
const ROUNDING: f64 = 4e-15;
const STEPS_EACH: u32 = 40;
/// Work of a step beside its line search, in looks at the line.
pub(in crate::arbitrate::split) const STEP: u32 = 8;
const FIRM: f64 = 1e-6;
const PATIENCE: u32 = 8;

#[allow(clippy::indexing_slicing, reason = "rows run below `rows` <= `room`, units below `units`: checked in `add`")]
impl Dual {
    /// Starts a level from where the parts stand. `elastic`: of the rows.
    pub(in crate::arbitrate::split) fn begin(&mut self, slots: &[Slot], elastic: f64) {
        self.elastic = elastic;
        self.y.fill(0.0);
        self.anchor.fill(0.0);
        for lane in 0..self.width() / LANES {
            let of = |wanted: bool| slots.iter().filter(move |slot| slot.fixed == wanted);
            let values = |wanted: bool| of(wanted).map(|slot| (slot.part.unit, slot.value));
            let (fixed, moving) = (self.lane_sums(lane, values(true)), self.lane_sums(lane, values(false)));
            for (row, (fixed, moving)) in (lane * LANES..self.rows).zip(fixed.into_iter().zip(moving)) {
                self.fixed[row] = fixed;
                self.centre[row] = (fixed + moving).max(self.lower[row]).min(self.upper[row]);
            }
        }
    }

    /// The next proximal point: rows about where they stand; `anchored`: their multipliers too.
    pub(in crate::arbitrate::split) fn again(&mut self, anchored: bool) {
        for row in 0..self.rows {
            self.centre[row] = self.row_value(row, self.y[row]);
        }
        if anchored {
            self.anchor.copy_from_slice(&self.y);
        }
    }

    fn row_value(&self, row: usize, y: f64) -> f64 {
        (self.centre[row] - FREE * y).max(self.lower[row]).min(self.upper[row])
    }

    /// Parts with the same coefficients are worked on together: sites have few kinds (phases, clusters) of many units.
    pub(in crate::arbitrate::split) fn group(&mut self, slots: &[Slot]) {
        for unit in 0..self.units {
            let alike = (0..unit).find(|&other| self.alike[other] == other && self.of(other) == self.of(unit));
            self.alike[unit] = alike.unwrap_or(unit);
        }
        self.order.clear();
        self.order.extend(0..slots.len());
        let alike = &self.alike;
        self.order.sort_unstable_by_key(|&slot| (alike[slots[slot].part.unit], slot));
    }

    fn pack(&mut self, slots: &[Slot]) {
        self.moving.clear();
        self.packed.clear();
        let mut kind = usize::MAX;
        for &slot in &self.order {
            let moves = &slots[slot];
            if moves.fixed {
                continue;
            }
            let (centre, weight, lower, upper) = (moves.centre, moves.weight, moves.part.lower, moves.part.upper);
            let again = self.alike[moves.part.unit] == kind;
            self.moving.push(Moving { slot, again, centre, weight, lower, upper, wish: centre });
            if !again {
                kind = self.alike[moves.part.unit];
                let place = kind * self.room;
                self.packed.extend_from_slice(&self.coefficients[place..place + self.width()]);
            }
        }
    }

    /// Newton's method from the `y` that stands; false when the work left ran out. Parts get their values.
    pub(in crate::arbitrate::split) fn solve(&mut self, slots: &mut [Slot], size: f64, left: &mut u32) -> bool {
        self.pack(slots);
        let (mut best, mut patience) = (f64::INFINITY, PATIENCE);
        for _ in 0..STEPS_EACH {
            let worst = self.evaluate();
            let accuracy = ACCURATE * size + ROUNDING * FREE * self.strongest();
            patience = if worst < 0.5 * best { PATIENCE } else { patience.saturating_sub(1) };
            best = best.min(worst);
            self.astray = worst > FIRM * size;
            if worst <= accuracy || (patience == 0 && !self.astray) || self.hopeless(size) {
                break;
            }
            if *left == 0 {
                return false;
            }
            self.direction();
            self.search();
            *left = left.saturating_sub(STEP + self.line.looks);
        }
        for moving in &self.moving {
            slots[moving.slot].value = moving.wish.clamp(moving.lower, moving.upper);
        }
        true
    }

    /// Farkas' lemma: proof that the rows cannot all be kept.
    pub(in crate::arbitrate::split) fn hopeless(&self, size: f64) -> bool {
        self.elastic < 1.0 && self.reach < -FIRM * size * self.weight()
    }

    // F into `force`, its Jacobian (upper half) into `matrix`; how large F is.
    fn evaluate(&mut self) -> f64 {
        let (rows, room) = (self.rows, self.room);
        let width = self.width();
        self.force[rows..width].fill(0.0);
        self.reach = 0.0;
        for row in 0..rows {
            let value = self.row_value(row, self.y[row]);
            self.force[row] = self.fixed[row] - value + self.elastic * (self.y[row] - self.anchor[row]);
            self.reach += if self.y[row] == 0.0 { 0.0 } else { self.y[row] * (self.fixed[row] - self.least(row)) };
            let inside = value > self.lower[row] && value < self.upper[row];
            self.matrix[row * room..row * room + width].fill(0.0);
            self.matrix[row * room + row] = self.elastic + if inside { FREE } else { 0.0 };
        }
        let (packed, mut moving) = (self.packed.chunks_exact(self.width()), self.moving.as_mut_slice());
        for a in packed {
            let (alike, rest) = moving.split_at_mut(run(moving));
            moving = rest;
            let pull = dot(a, &self.y);
            let (mut value, mut slope) = (0.0, 0.0);
            for part in alike {
                self.reach += pull * if pull > 0.0 { part.upper } else { part.lower };
                part.wish = part.centre + part.weight * pull;
                value += part.wish.clamp(part.lower, part.upper);
                slope += if part.wish > part.lower && part.wish < part.upper { part.weight } else { 0.0 };
            }
            add(&mut self.force, a, value);
            if slope > 0.0 {
                add_slope(&mut self.matrix, room, a, slope);
            }
        }
        self.force[..rows].iter().fold(0.0, |worst, force| force.abs().max(worst))
    }

    // Solves J step = -F by Cholesky's factors (the upper one, in place); a pivot lost to rounding is held up.
    fn direction(&mut self) {
        let (rows, lanes) = (self.rows, self.width() / LANES);
        let matrix = self.matrix.as_chunks_mut::<LANES>().0;
        let (step, force) = (self.step.as_chunks_mut::<LANES>().0, self.force.as_chunks::<LANES>().0);
        let apart = self.room / LANES;
        step.iter_mut().zip(force).for_each(|(step, force)| *step = force.map(|force| -force));
        for (row, least) in self.least_pivots[..rows].iter_mut().enumerate() {
            *least = (matrix[row * apart + row / LANES][row % LANES] * 1e-15).max(self.elastic * 1e-3);
        }
        for row in 0..rows {
            let (above, below) = matrix.split_at_mut((row + 1) * apart);
            let own = &mut above[row * apart..row * apart + lanes];
            let inverse = own[row / LANES][row % LANES].max(self.least_pivots[row]).sqrt().recip();
            own[row / LANES..].iter_mut().flatten().for_each(|value| *value *= inverse);
            self.inverses[row] = inverse;
            let known = step[row / LANES][row % LANES] * inverse;
            step[row / LANES][row % LANES] = known;
            for other in row + 1..rows {
                let factor = own[other / LANES][other % LANES];
                if factor != 0.0 {
                    let first = (other - row - 1) * apart;
                    take(&mut below[first + other / LANES..first + lanes], &own[other / LANES..], factor);
                    step[other / LANES][other % LANES] -= factor * known;
                }
            }
        }
        for row in (0..rows).rev() {
            let own = &matrix[row * apart..row * apart + lanes];
            let known: f64 = (row + 1..rows)
                .map(|other| own[other / LANES][other % LANES] * step[other / LANES][other % LANES])
                .sum();
            step[row / LANES][row % LANES] = (step[row / LANES][row % LANES] - known) * self.inverses[row];
        }
    }

    // Moves along `step` to where the potential is least: F's component along it, rising and piecewise linear, is 0.
    fn search(&mut self) {
        self.line.clear();
        let (mut at_rest, mut slope) = (0.0, 0.0);
        for row in 0..self.rows {
            let (y, step) = (self.y[row], self.step[row]);
            at_rest += step * (self.fixed[row] + self.elastic * (y - self.anchor[row]));
            slope += self.elastic * step * step;
            let (base, rate) = (self.centre[row] - FREE * y, -FREE * step);
            self.line.push(Bend { gain: -step, base, rate, lower: self.lower[row], upper: self.upper[row] });
        }
        let (mut packed, mut gain) = (self.packed.chunks_exact(self.width()), 0.0);
        for part in &self.moving {
            if !part.again {
                gain = packed.next().map_or(0.0, |a| dot(a, &self.step));
            }
            if gain != 0.0 {
                let (base, rate) = (part.wish, part.weight * gain);
                self.line.push(Bend { gain, base, rate, lower: part.lower, upper: part.upper });
            }
        }
        let share = self.line.root(at_rest, slope);
        for row in 0..self.rows {
            self.y[row] += share * self.step[row];
        }
    }
}

// How many parts with the same coefficients come first.
fn run(moving: &[Moving]) -> usize {
    1 + moving.iter().skip(1).take_while(|part| part.again).count()
}
