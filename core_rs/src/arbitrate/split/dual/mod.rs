//! The dual of one level: `F(y) = A x(y) - r(y) + e (y - y0) = 0`, monotone and piecewise linear in one unknown a row.
//!
//! `x_p(y) = clip(c_p + W_p a_p'y, l_p, u_p)` and the rows' values `r_g(y) = clip(c_g - W y_g, lo_g, hi_g)` minimise the
//! Lagrangian; `e` is the elasticity of the rows.

mod lanes;
mod newton;

use lanes::LANES;
pub(super) use newton::STEP;

use super::Slot;
use super::line::Line;

/// Weight of what costs nothing at a level.
pub(super) const FREE: f64 = 1e4;
/// Elasticity of rows that are to be kept.
pub(super) const STIFF: f64 = 1e-7;

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
