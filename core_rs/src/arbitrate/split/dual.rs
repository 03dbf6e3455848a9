//! The dual of one level: `F(y) = A x(y) - r(y) + e (y - y0) = 0`, monotone and piecewise linear in one unknown a row.
//!
//! `x_p(y) = clip(c_p + W_p a_p'y, l_p, u_p)` and the rows' values `r_g(y) = clip(c_g - W y_g, lo_g, hi_g)` minimise the
//! Lagrangian; `e` is the elasticity of the rows.

use super::Slot;
use super::line::{Bend, Line};

/// Weight of what costs nothing at a level.
pub(super) const FREE: f64 = 1e4;
/// Elasticity of rows that are to be kept.
pub(super) const STIFF: f64 = 1e-7;
const ACCURATE: f64 = 1e-12;
const ROUNDING: f64 = 4e-15;
const STEPS_EACH: u32 = 40;
/// Work of a step beside its line search, in looks at the line.
pub(super) const STEP: u32 = 8;
const FIRM: f64 = 1e-6;
/// Numbers that are worked on at a time.
const LANES: usize = 4;
const PATIENCE: u32 = 8;

/// Rows, and one Newton iteration's storage.
#[derive(Debug)]
pub(super) struct Dual {
    units: usize,
    most: usize,
    /// Rows that storage is made for, in whole lanes.
    room: usize,
    rows: usize,
    /// By unit, then row.
    coefficients: Box<[f64]>,
    lower: Box<[f64]>,
    upper: Box<[f64]>,
    centre: Box<[f64]>,
    pub(super) y: Box<[f64]>,
    anchor: Box<[f64]>,
    fixed: Box<[f64]>,
    force: Box<[f64]>,
    step: Box<[f64]>,
    matrix: Box<[f64]>,
    least_pivots: Box<[f64]>,
    inverses: Box<[f64]>,
    /// Between which each row could come.
    low: Box<[f64]>,
    high: Box<[f64]>,
    /// Of each unit the first with the same coefficients.
    alike: Box<[usize]>,
    /// Slots, those with the same coefficients together.
    order: Vec<usize>,
    /// Parts that move, with their coefficients packed row by row beside them.
    moving: Vec<Moving>,
    packed: Vec<f64>,
    line: Line,
    elastic: f64,
    /// The last solution ended, in circles, far from the solution: nothing is to be concluded from it.
    pub(super) astray: bool,
    /// How far the rows, weighted by `y`, can be brought into their ranges; below 0: not all of them can be kept.
    reach: f64,
}

#[allow(clippy::indexing_slicing, reason = "rows run below `rows` <= `room`, units below `units`: checked in `add`")]
impl Dual {
    pub(super) fn new(units: usize, parts: usize, rows: usize) -> Self {
        let room = rows.next_multiple_of(LANES);
        let zeros = |count: usize| vec![0.0; count].into_boxed_slice();
        Self {
            units,
            most: rows,
            room,
            rows: 0,
            coefficients: zeros(units * room),
            lower: zeros(room),
            upper: zeros(room),
            centre: zeros(room),
            y: zeros(room),
            anchor: zeros(room),
            fixed: zeros(room),
            force: zeros(room),
            step: zeros(room),
            matrix: zeros(room * room),
            least_pivots: zeros(room),
            inverses: zeros(room),
            low: zeros(room),
            high: zeros(room),
            alike: (0..units).collect(),
            order: Vec::with_capacity(parts),
            moving: Vec::with_capacity(parts),
            packed: Vec::with_capacity(parts * room),
            line: Line::new(rows + parts),
            elastic: STIFF,
            astray: false,
            reach: 0.0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows = 0;
        self.coefficients.fill(0.0);
    }

    pub(super) fn add(&mut self, coefficients: impl Iterator<Item = (usize, f64)>, lower: f64, upper: f64) -> bool {
        if self.rows >= self.most {
            return false;
        }
        for (unit, a) in coefficients.filter(|&(unit, _)| unit < self.units) {
            self.coefficients[unit * self.room + self.rows] += a;
        }
        (self.lower[self.rows], self.upper[self.rows]) = (lower, upper);
        self.rows += 1;
        true
    }

    // Rows in use, in whole lanes: those beyond are 0 throughout.
    fn width(&self) -> usize {
        self.rows.next_multiple_of(LANES).max(LANES)
    }

    fn of(&self, unit: usize) -> &[f64] {
        &self.coefficients[unit * self.room..unit * self.room + self.rows]
    }

    pub(super) fn largest(&self, unit: usize) -> f64 {
        self.of(unit).iter().fold(0.0, |largest, a| a.abs().max(largest))
    }

    pub(super) fn scale(&mut self, scale: &[f64], inside: bool) {
        for (unit, factor) in scale.iter().enumerate() {
            let factor = if inside { 1.0 / factor } else { *factor };
            let place = unit * self.room;
            self.coefficients[place..place + self.rows].iter_mut().for_each(|a| *a *= factor);
        }
    }

    /// How strongly the rows pull at a unit.
    pub(super) fn pull(&self, unit: usize) -> f64 {
        self.of(unit).iter().zip(&self.y).map(|(a, y)| a * y).sum()
    }

    pub(super) fn strongest(&self) -> f64 {
        self.y[..self.rows].iter().fold(0.0, |most, y| y.abs().max(most))
    }

    /// The largest distance of a row from its range.
    pub(super) fn violation(&self, values: impl Iterator<Item = (usize, f64)> + Clone) -> f64 {
        let mut worst = 0.0_f64;
        for lane in 0..self.width() / LANES {
            let sums = self.lane_sums(lane, values.clone());
            for (row, sum) in (lane * LANES..self.rows).zip(sums) {
                worst = worst.max(sum - self.upper[row]).max(self.lower[row] - sum);
            }
        }
        worst
    }

    // The sums of neighbouring rows.
    fn lane_sums(&self, lane: usize, values: impl Iterator<Item = (usize, f64)>) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (unit, value) in values {
            let place = unit * self.room + lane * LANES;
            let of = &self.coefficients[place..place + LANES];
            sums.iter_mut().zip(of).for_each(|(sum, a)| *sum += a * value);
        }
        sums
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn coefficient(&self, unit: usize, row: usize) -> f64 {
        self.coefficients[unit * self.room + row]
    }

    /// By how much a row's sum must rise (below 0: fall) to be in its range.
    pub(super) fn missing(&self, row: usize, values: impl Iterator<Item = (usize, f64)>) -> f64 {
        let sum = self.sum(row, values);
        if sum < self.lower[row] { self.lower[row] - sum } else { (self.upper[row] - sum).min(0.0) }
    }

    pub(super) fn sum(&self, row: usize, values: impl Iterator<Item = (usize, f64)>) -> f64 {
        values.map(|(unit, value)| self.coefficients[unit * self.room + row] * value).sum()
    }

    /// Every part stands at its value: what rows could reach is looked at from here ([`Dual::let_move`]).
    pub(super) fn stand(&mut self, slots: &[Slot]) {
        for lane in 0..self.width() / LANES {
            let sums = self.lane_sums(lane, slots.iter().map(|slot| (slot.part.unit, slot.value)));
            self.low[lane * LANES..(lane + 1) * LANES].copy_from_slice(&sums);
            self.high[lane * LANES..(lane + 1) * LANES].copy_from_slice(&sums);
        }
    }

    /// One more part may move.
    pub(super) fn let_move(&mut self, slot: &Slot) {
        let (down, up) = (slot.part.lower - slot.value, slot.part.upper - slot.value);
        let place = slot.part.unit * self.room;
        let of = &self.coefficients[place..place + self.rows];
        for (a, (low, high)) in of.iter().zip(self.low.iter_mut().zip(self.high.iter_mut())) {
            *low += (a * down).min(a * up);
            *high += (a * down).max(a * up);
        }
    }

    /// Whether each row by itself could be kept by those that may move.
    pub(super) fn could_hold(&self, margin: f64) -> bool {
        (0..self.rows)
            .all(|row| self.high[row] >= self.lower[row] - margin && self.low[row] <= self.upper[row] + margin)
    }

    /// What the combination of rows that proved an attempt hopeless lacks while every part stands at its value.
    pub(super) fn lacking(&self, slots: &[Slot]) -> f64 {
        let needed: f64 =
            (0..self.rows).filter(|&row| self.y[row] != 0.0).map(|row| self.y[row] * self.least(row)).sum();
        needed - slots.iter().map(|slot| self.pull(slot.part.unit) * slot.value).sum::<f64>()
    }

    /// How much of that a part brings when it may move.
    pub(super) fn brings(&self, slot: &Slot) -> f64 {
        let pull = self.pull(slot.part.unit);
        pull * (if pull > 0.0 { slot.part.upper } else { slot.part.lower } - slot.value)
    }

    /// The multipliers' size.
    pub(super) fn weight(&self) -> f64 {
        self.y[..self.rows].iter().map(|y| y.abs()).sum()
    }

    // The end of a row's range that its multiplier pulls at.
    fn least(&self, row: usize) -> f64 {
        if self.y[row] > 0.0 { self.lower[row] } else { self.upper[row] }
    }

    /// The size of numbers that a problem deals with.
    pub(super) fn size(&self) -> f64 {
        let bounds = self.lower[..self.rows].iter().chain(&self.upper[..self.rows]);
        bounds.filter(|bound| bound.is_finite()).fold(1.0, |size, bound| bound.abs().max(size))
    }

    /// Rows give way to where they stand, where they cannot be kept.
    pub(super) fn widen(&mut self, slots: &[Slot]) {
        for row in 0..self.rows {
            let sum = self.sum(row, slots.iter().map(|slot| (slot.part.unit, slot.value)));
            self.lower[row] = self.lower[row].min(sum);
            self.upper[row] = self.upper[row].max(sum);
        }
    }

    /// Starts a level from where the parts stand. `elastic`: of the rows.
    pub(super) fn begin(&mut self, slots: &[Slot], elastic: f64) {
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
    pub(super) fn again(&mut self, anchored: bool) {
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
    pub(super) fn group(&mut self, slots: &[Slot]) {
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
    pub(super) fn solve(&mut self, slots: &mut [Slot], size: f64, left: &mut u32) -> bool {
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
    pub(super) fn hopeless(&self, size: f64) -> bool {
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

/// A part that moves at this level.
#[derive(Clone, Copy, Debug)]
struct Moving {
    slot: usize,
    /// With the same coefficients as the one before.
    again: bool,
    centre: f64,
    weight: f64,
    lower: f64,
    upper: f64,
    wish: f64,
}

// How many parts with the same coefficients come first.
fn run(moving: &[Moving]) -> usize {
    1 + moving.iter().skip(1).take_while(|part| part.again).count()
}

// Both in whole lanes.
#[inline]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

#[inline]
fn add(sum: &mut [f64], a: &[f64], factor: f64) {
    for (sum, a) in sum.as_chunks_mut::<LANES>().0.iter_mut().zip(a.as_chunks::<LANES>().0) {
        sum.iter_mut().zip(a).for_each(|(sum, a)| *sum += a * factor);
    }
}

#[inline]
fn take(from: &mut [[f64; LANES]], what: &[[f64; LANES]], factor: f64) {
    for (from, what) in from.iter_mut().zip(what) {
        from.iter_mut().zip(what).for_each(|(from, what)| *from -= what * factor);
    }
}

#[allow(clippy::indexing_slicing, reason = "`a` holds at most `room` values")]
fn add_slope(matrix: &mut [f64], room: usize, a: &[f64], weight: f64) {
    for (row, outer) in a.iter().enumerate().filter(|(_, outer)| **outer != 0.0) {
        // Whole lanes: what is added below the diagonal is never read.
        let first = row - row % LANES;
        add(&mut matrix[row * room + first..row * room + a.len()], &a[first..], weight * outer);
    }
}
