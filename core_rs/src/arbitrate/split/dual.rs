//! The dual of one level: `F(y) = A x(y) - r(y) + e (y - y0) = 0`, monotone and piecewise linear in one unknown a row.
//!
//! `x_p(y) = clip(c_p + W_p a_p'y, l_p, u_p)` and the rows' values `r_g(y) = clip(c_g - W y_g, lo_g, hi_g)` minimise the
//! Lagrangian; `e` is the elasticity of the rows.

use super::Slot;

/// Weight of what costs nothing at a level.
pub(super) const FREE: f64 = 1e4;
/// Elasticity of rows that are to be kept.
pub(super) const STIFF: f64 = 1e-7;
const ACCURATE: f64 = 1e-12;
const ROUNDING: f64 = 4e-15;
const STEPS_EACH: u32 = 40;
const TRIALS: u32 = 60;

/// Rows, and one Newton iteration's storage.
#[derive(Debug)]
pub(super) struct Dual {
    units: usize,
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
    line: Vec<Bend>,
    elastic: f64,
}

#[allow(clippy::indexing_slicing, reason = "rows run below `rows` <= `room`, units below `units`: checked in `add`")]
impl Dual {
    pub(super) fn new(units: usize, parts: usize, room: usize) -> Self {
        let zeros = |count: usize| vec![0.0; count].into_boxed_slice();
        Self {
            units,
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
            line: Vec::with_capacity(room + parts),
            elastic: STIFF,
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows = 0;
        self.coefficients.fill(0.0);
    }

    pub(super) fn add(&mut self, coefficients: impl Iterator<Item = (usize, f64)>, lower: f64, upper: f64) -> bool {
        if self.rows >= self.room {
            return false;
        }
        for (unit, a) in coefficients.filter(|&(unit, _)| unit < self.units) {
            self.coefficients[unit * self.room + self.rows] += a;
        }
        (self.lower[self.rows], self.upper[self.rows]) = (lower, upper);
        self.rows += 1;
        true
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
        (0..self.rows).fold(0.0, |worst, row| {
            let sum = self.sum(row, values.clone());
            worst.max(sum - self.upper[row]).max(self.lower[row] - sum)
        })
    }

    fn sum(&self, row: usize, values: impl Iterator<Item = (usize, f64)>) -> f64 {
        values.map(|(unit, value)| self.coefficients[unit * self.room + row] * value).sum()
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
        for row in 0..self.rows {
            let of = |wanted: bool| slots.iter().filter(move |slot| slot.fixed == wanted);
            let values = |wanted: bool| of(wanted).map(|slot| (slot.part.unit, slot.value));
            self.fixed[row] = self.sum(row, values(true));
            self.centre[row] = self.fixed[row] + self.sum(row, values(false));
            self.centre[row] = self.centre[row].max(self.lower[row]).min(self.upper[row]);
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

    /// Newton's method from the `y` that stands; false when the steps left ran out. Parts get their values.
    pub(super) fn solve(&mut self, slots: &mut [Slot], size: f64, left: &mut u32) -> bool {
        for _ in 0..STEPS_EACH {
            self.evaluate(slots);
            let accuracy = ACCURATE * size + ROUNDING * FREE * self.strongest();
            if self.force[..self.rows].iter().all(|force| force.abs() <= accuracy) {
                break;
            }
            if *left == 0 {
                return false;
            }
            *left -= 1;
            self.direction();
            self.search(slots);
        }
        for slot in slots.iter_mut().filter(|slot| !slot.fixed) {
            let (a, y) = (&self.coefficients[slot.part.unit * self.room..], &self.y[..self.rows]);
            slot.value = moved(slot, a, y).clamp(slot.part.lower, slot.part.upper);
        }
        true
    }

    // F into `force`, its Jacobian (lower half) into `matrix`.
    fn evaluate(&mut self, slots: &[Slot]) {
        let (rows, room) = (self.rows, self.room);
        for row in 0..rows {
            let value = self.row_value(row, self.y[row]);
            self.force[row] = self.fixed[row] - value + self.elastic * (self.y[row] - self.anchor[row]);
            let inside = value > self.lower[row] && value < self.upper[row];
            self.matrix[row * room..row * room + row].fill(0.0);
            self.matrix[row * room + row] = self.elastic + if inside { FREE } else { 0.0 };
        }
        for slot in slots.iter().filter(|slot| !slot.fixed) {
            let a = &self.coefficients[slot.part.unit * room..slot.part.unit * room + rows];
            let wish = moved(slot, a, &self.y[..rows]);
            let value = wish.clamp(slot.part.lower, slot.part.upper);
            for (force, a) in self.force.iter_mut().zip(a) {
                *force += a * value;
            }
            if wish > slot.part.lower && wish < slot.part.upper {
                add_slope(&mut self.matrix, room, a, slot.weight);
            }
        }
    }

    // Solves J step = -F by Cholesky's factors; a pivot lost to rounding is held up.
    fn direction(&mut self) {
        let (rows, room) = (self.rows, self.room);
        for row in 0..rows {
            let diagonal = self.matrix[row * room + row];
            for column in 0..=row {
                let mut sum = self.matrix[row * room + column];
                for inner in 0..column {
                    sum -= self.matrix[row * room + inner] * self.matrix[column * room + inner];
                }
                self.matrix[row * room + column] = match column == row {
                    true => sum.max(diagonal * 1e-15).max(self.elastic * 1e-3).sqrt(),
                    false => sum / self.matrix[column * room + column],
                };
            }
        }
        for row in 0..rows {
            let known: f64 = (0..row).map(|inner| self.matrix[row * room + inner] * self.step[inner]).sum();
            self.step[row] = (-self.force[row] - known) / self.matrix[row * room + row];
        }
        for row in (0..rows).rev() {
            let known: f64 = (row + 1..rows).map(|inner| self.matrix[inner * room + row] * self.step[inner]).sum();
            self.step[row] = (self.step[row] - known) / self.matrix[row * room + row];
        }
    }

    // Moves along `step` to where the potential is least: F's component along it, rising and piecewise linear, is 0.
    fn search(&mut self, slots: &[Slot]) {
        self.line.clear();
        let (mut at_rest, mut slope) = (0.0, 0.0);
        for row in 0..self.rows {
            let (y, step) = (self.y[row], self.step[row]);
            at_rest += step * (self.fixed[row] + self.elastic * (y - self.anchor[row]));
            slope += self.elastic * step * step;
            let (base, rate) = (self.centre[row] - FREE * y, -FREE * step);
            self.line.push(Bend { gain: -step, base, rate, lower: self.lower[row], upper: self.upper[row] });
        }
        for slot in slots.iter().filter(|slot| !slot.fixed) {
            let a = &self.coefficients[slot.part.unit * self.room..slot.part.unit * self.room + self.rows];
            let gain: f64 = a.iter().zip(&self.step).map(|(a, step)| a * step).sum();
            let (base, rate) = (moved(slot, a, &self.y[..self.rows]), slot.weight * gain);
            self.line.push(Bend { gain, base, rate, lower: slot.part.lower, upper: slot.part.upper });
        }
        let share = root(&self.line, at_rest, slope);
        for row in 0..self.rows {
            self.y[row] += share * self.step[row];
        }
    }
}

/// `gain * clip(base + rate t, lower, upper)`: one part, or one row, along a direction.
#[derive(Clone, Copy, Debug)]
struct Bend {
    gain: f64,
    base: f64,
    rate: f64,
    lower: f64,
    upper: f64,
}

// Where `at_rest + slope t + bends` is 0: Newton's method, kept inside a bracket that shrinks at least by half.
fn root(bends: &[Bend], at_rest: f64, slope: f64) -> f64 {
    let value = |t: f64| {
        bends.iter().fold((at_rest + slope * t, slope), |(sum, slope), bend| {
            let wish = bend.base + bend.rate * t;
            let inside = wish > bend.lower && wish < bend.upper;
            let clipped = wish.max(bend.lower).min(bend.upper);
            (sum + bend.gain * clipped, slope + if inside { bend.gain * bend.rate } else { 0.0 })
        })
    };
    let (start, _) = value(0.0);
    let (mut low, mut high, mut t) = (0.0_f64, f64::INFINITY, 1.0_f64);
    for _ in 0..TRIALS {
        let (sum, slope) = value(t);
        if sum.abs() <= 1e-9 * start.abs() {
            break;
        }
        if sum < 0.0 {
            low = t
        } else {
            high = t
        }
        let newton = t - sum / slope;
        t = if newton > low && newton < high {
            newton
        } else if high.is_finite() {
            0.5 * (low + high)
        } else {
            4.0 * t
        };
    }
    t
}

fn moved(slot: &Slot, a: &[f64], y: &[f64]) -> f64 {
    let pull: f64 = a.iter().zip(y).map(|(a, y)| a * y).sum();
    slot.centre + slot.weight * pull
}

#[allow(clippy::indexing_slicing, reason = "`a` holds at most `room` values")]
fn add_slope(matrix: &mut [f64], room: usize, a: &[f64], weight: f64) {
    for (row, outer) in a.iter().enumerate().filter(|(_, outer)| **outer != 0.0) {
        let factor = weight * outer;
        for (cell, inner) in matrix[row * room..=row * room + row].iter_mut().zip(a) {
            *cell += factor * inner;
        }
    }
}
