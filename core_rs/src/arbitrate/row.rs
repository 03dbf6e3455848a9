//! What one source wants of one actuator.

/// Numbers in the actuator's unit, finite but for the bounds' infinities.
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

    pub(super) fn reserves(&self) -> bool {
        self.reserve_up > 0.0 || self.reserve_down > 0.0
    }
}
