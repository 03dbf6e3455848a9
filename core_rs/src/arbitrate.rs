//! Arbitration of one actuator: strict order of sources, bounds narrow, preferred values fit, offsets add.
//!
//! Pure: rows in strict order in, value and reason out. Bounds of a higher source narrow what lower ones may
//! do; a disjoint lower one collapses to the nearest point of what stands. The first preferred value, limited
//! by the bounds down to its own source, is the base; bounds below it do not move it. Offsets of all sources
//! are summed on the base; each moves it only inside the bounds down to its own source. Guards come after.

/// What one source wants of one actuator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The value it would like.
    pub preferred: Option<f64>,
    /// Not below this (negative infinity: no bound).
    pub lower: f64,
    /// Not above this (infinity: no bound).
    pub upper: f64,
    /// Added to the base.
    pub offset: f64,
    /// Headroom above the base that its offset may need (0 or more).
    pub reserve_up: f64,
    /// Headroom below the base that its offset may need (0 or more).
    pub reserve_down: f64,
}

impl Row {
    /// Wants nothing.
    pub const NONE: Self = Self {
        preferred: None,
        lower: f64::NEG_INFINITY,
        upper: f64::INFINITY,
        offset: 0.0,
        reserve_up: 0.0,
        reserve_down: 0.0,
    };
}

/// What moved a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mover {
    /// The actuator's ramp.
    Ramp,
    /// The actuator's rating.
    Rating,
    /// A fault, or a state, that blocks a direction.
    Fault,
    /// Guard by number.
    Guard(usize),
    /// Bounds of a source.
    Source(usize),
    /// Bounds of a source that did not fit into what stood, at their nearest point.
    Collapsed(usize),
}

/// A value with its reason.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// In the actuator's unit.
    pub value: f64,
    /// Source of the base; None: the fallback.
    pub source: Option<usize>,
    /// What moved it last.
    pub bound: Option<Mover>,
}

/// Limits with the reason of each end; lower <= upper always.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Who set the lower end.
    pub lower_by: Mover,
    /// Who set the upper end.
    pub upper_by: Mover,
}

impl Limits {
    /// An actuator's rating.
    pub fn rating(minimum: f64, maximum: f64) -> Self {
        Self { lower: minimum, upper: maximum, lower_by: Mover::Rating, upper_by: Mover::Rating }
    }

    /// Narrows to what also lies in `lower..=upper`, or to the nearest point of what stands.
    pub fn narrow(&mut self, lower: f64, upper: f64, by: Mover, collapsed: Mover) {
        let mover = if lower > self.upper || upper < self.lower { collapsed } else { by };
        let (low, high) = (self.limit(lower), self.limit(upper));
        if low > self.lower {
            (self.lower, self.lower_by) = (low, mover);
        }
        if high < self.upper {
            (self.upper, self.upper_by) = (high, mover);
        }
    }

    /// The nearest value inside.
    pub fn limit(&self, value: f64) -> f64 {
        value.max(self.lower).min(self.upper)
    }

    /// The nearest value inside, and who moved it.
    pub fn apply(&self, value: f64) -> (f64, Option<Mover>) {
        if value < self.lower {
            (self.lower, Some(self.lower_by))
        } else if value > self.upper {
            (self.upper, Some(self.upper_by))
        } else {
            (value, None)
        }
    }

    fn admit(&mut self, source: usize, row: &Row) {
        self.narrow(row.lower, row.upper, Mover::Source(source), Mover::Collapsed(source));
    }

    // Moves by an offset, never further outside, never back from where the base stands.
    fn shift(&self, value: f64, offset: f64) -> (f64, Option<Mover>) {
        let target = value + offset;
        if target > self.upper && offset > 0.0 {
            (self.upper.max(value), Some(self.upper_by))
        } else if target < self.lower && offset < 0.0 {
            (self.lower.min(value), Some(self.lower_by))
        } else {
            (target, None)
        }
    }
}

/// Decides one actuator. `rows`: (source, row) in strict order, all numbers finite but the bounds' infinities.
pub fn arbitrate<'a, I>(rating: Limits, fallback: f64, rows: I) -> Outcome
where
    I: Iterator<Item = (usize, &'a Row)> + Clone,
{
    let mut outcome = base(rating, fallback, rows.clone());
    let mut standing = rating;
    for (source, row) in rows {
        standing.admit(source, row);
        let (value, moved) = standing.shift(outcome.value, row.offset);
        outcome = Outcome { value, bound: moved.or(outcome.bound), ..outcome };
    }
    outcome
}

fn base<'a>(rating: Limits, fallback: f64, rows: impl Iterator<Item = (usize, &'a Row)>) -> Outcome {
    let mut standing = rating;
    for (source, row) in rows {
        standing.admit(source, row);
        if let Some(preferred) = row.preferred {
            let (value, bound) = standing.apply(preferred);
            return Outcome { value, source: Some(source), bound };
        }
    }
    let (value, bound) = standing.apply(fallback);
    Outcome { value, source: None, bound }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATING: (f64, f64) = (-100.0, 100.0);

    fn want(preferred: f64) -> Row {
        Row { preferred: Some(preferred), ..Row::NONE }
    }

    fn bounds(lower: f64, upper: f64) -> Row {
        Row { lower, upper, ..Row::NONE }
    }

    fn offset(offset: f64) -> Row {
        Row { offset, ..Row::NONE }
    }

    fn decide(rows: &[Row]) -> Outcome {
        arbitrate(Limits::rating(RATING.0, RATING.1), 0.0, rows.iter().enumerate())
    }

    fn outcome(value: f64, source: Option<usize>, bound: Option<Mover>) -> Outcome {
        Outcome { value, source, bound }
    }

    #[test]
    fn table_of_decisions() {
        use Mover::{Collapsed, Rating, Source};
        let table = [
            (vec![], outcome(0.0, None, None)),
            (vec![want(5.0), want(9.0)], outcome(5.0, Some(0), None)),
            (vec![bounds(-1.0, 3.0), want(9.0)], outcome(3.0, Some(1), Some(Source(0)))),
            (vec![want(9.0), bounds(-1.0, 3.0)], outcome(9.0, Some(0), None)),
            (vec![bounds(2.0, 3.0)], outcome(2.0, None, Some(Source(0)))),
            (vec![bounds(0.0, 10.0), bounds(20.0, 30.0), want(5.0)], outcome(10.0, Some(2), Some(Collapsed(1)))),
            (vec![bounds(0.0, 10.0), bounds(20.0, 30.0), want(50.0)], outcome(10.0, Some(2), Some(Source(0)))),
            (vec![want(500.0)], outcome(100.0, Some(0), Some(Rating))),
            (vec![bounds(200.0, 300.0)], outcome(100.0, None, Some(Collapsed(0)))),
            (vec![want(5.0), offset(2.0), offset(-4.0)], outcome(3.0, Some(0), None)),
            (vec![offset(2.0)], outcome(2.0, None, None)),
            (vec![bounds(0.0, 6.0), want(5.0), offset(9.0)], outcome(6.0, Some(1), Some(Source(0)))),
            (vec![want(5.0), bounds(0.0, 3.0), offset(9.0)], outcome(5.0, Some(0), Some(Source(1)))),
            (vec![want(99.0), offset(9.0)], outcome(100.0, Some(0), Some(Rating))),
        ];
        for (rows, expected) in table {
            assert_eq!(decide(&rows), expected, "{rows:?}");
        }
    }

    fn any_row() -> impl Strategy<Value = Row> {
        let number = || prop_oneof![-150.0..150.0_f64, Just(1e308), Just(-1e308)];
        (proptest::option::of(number()), number(), number(), prop_oneof![Just(0.0), number()]).prop_map(
            |(preferred, a, b, offset)| Row { preferred, lower: a.min(b), upper: a.max(b), offset, ..Row::NONE },
        )
    }

    proptest! {
        #[test]
        fn never_outside_the_rating(rows in proptest::collection::vec(any_row(), 0..6)) {
            let value = decide(&rows).value;
            prop_assert!((RATING.0..=RATING.1).contains(&value));
        }

        #[test]
        fn the_highest_source_gets_its_own_way(rows in proptest::collection::vec(any_row(), 1..6)) {
            let rows: Vec<Row> = rows.into_iter().map(|row| Row { offset: 0.0, ..row }).collect();
            let first = rows[0];
            if let Some(preferred) = first.preferred {
                let wanted = preferred.max(first.lower).min(first.upper).max(RATING.0).min(RATING.1);
                prop_assert_eq!(decide(&rows).value, wanted);
            }
        }

        #[test]
        fn what_stands_below_a_base_never_moves_it(rows in proptest::collection::vec(any_row(), 1..6), below in any_row()) {
            let below = Row { offset: 0.0, ..below };
            let mut longer = rows.clone();
            longer.push(below);
            if decide(&rows).source.is_some() {
                prop_assert_eq!(decide(&rows), decide(&longer));
            }
        }
    }
}
