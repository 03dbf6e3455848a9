//! The decision on one actuator.

use crate::arbitrate::{Limits, Mover, Outcome, Row};

/// What an actuator may do and does by itself.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Its rating.
    pub rating: Limits,
    /// What protection leaves of it in this cycle (inside the rating): only headroom is measured against it.
    pub usable: Limits,
    /// Its value when nobody wants any.
    pub fallback: f64,
}

impl Range {
    /// A rating of which nothing is taken.
    pub fn whole(rating: Limits, fallback: f64) -> Self {
        Self { rating, usable: rating, fallback }
    }
}

/// What the rows seen so far leave: bounds for everything, and inside them the room where a base may lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    bounds: Limits,
    pub(crate) room: Limits,
    usable: Limits,
    up: f64,
    down: f64,
}

impl Standing {
    pub(crate) fn new(range: &Range) -> Self {
        Self { bounds: range.rating, room: range.rating, usable: range.usable, up: 0.0, down: 0.0 }
    }

    pub(crate) fn admit(&mut self, source: usize, row: &Row) {
        let (by, collapsed) = (Mover::Source(source), Mover::Collapsed(source));
        for limits in [&mut self.bounds, &mut self.room, &mut self.usable] {
            limits.narrow(row.lower, row.upper, by, collapsed);
        }
        if row.reserves() {
            (self.up, self.down) = (self.up + row.reserve_up, self.down + row.reserve_down);
            let (lower, upper) = held_back(&self.usable, self.down, self.up);
            self.room.narrow(lower, upper, by, collapsed);
        }
    }
}

// A reserve holds a base back, down to 0 where the range holds it: it never drives an actuator to the other side.
// Reserves that do not fit together get their shares of the range.
fn held_back(range: &Limits, down: f64, up: f64) -> (f64, f64) {
    let lower = if range.lower <= 0.0 { (range.lower + down).min(0.0) } else { range.lower + down };
    let upper = if range.upper >= 0.0 { (range.upper - up).max(0.0) } else { range.upper - up };
    if lower <= upper {
        return (lower, upper);
    }
    let share = down / (down + up);
    let share = if share.is_nan() { 0.5 } else { share };
    let middle = range.limit(range.lower + (range.upper - range.lower) * share);
    (middle, middle)
}

/// Decides one actuator. `rows`: (source, row) in strict order.
pub fn arbitrate<'a, I>(range: &Range, rows: I) -> Outcome
where
    I: Iterator<Item = (usize, &'a Row)> + Clone,
{
    let outcome = base(range, rows.clone());
    shifted(range, outcome, rows)
}

/// The base: the first preferred value inside the room down to its own row, else the fallback inside the whole room.
fn base<'a>(range: &Range, rows: impl Iterator<Item = (usize, &'a Row)>) -> Outcome {
    let mut standing = Standing::new(range);
    for (source, row) in rows {
        standing.admit(source, row);
        if let Some(preferred) = row.preferred {
            let (value, bound) = standing.room.apply(preferred);
            return Outcome { value, source: Some(source), bound };
        }
    }
    let (value, bound) = standing.room.apply(range.fallback);
    Outcome { value, source: None, bound }
}

/// The base with every offset, each inside the bounds down to its own row.
pub(crate) fn shifted<'a>(
    range: &Range,
    mut outcome: Outcome,
    rows: impl Iterator<Item = (usize, &'a Row)>,
) -> Outcome {
    let mut standing = Standing::new(range);
    for (source, row) in rows {
        standing.admit(source, row);
        let (value, moved) = standing.bounds.shift(outcome.value, row.offset);
        outcome = Outcome { value, bound: moved.or(outcome.bound), ..outcome };
    }
    outcome
}
