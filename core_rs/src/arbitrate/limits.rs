//! Limits, what set them, and the outcome of a decision.

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
    /// Cluster by number: its split, or its smallest power.
    Cluster(usize),
    /// Bounds, or reserves, of a source.
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

    /// Moves by an offset, never further outside, never back from where the base stands.
    pub(super) fn shift(&self, value: f64, offset: f64) -> (f64, Option<Mover>) {
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
