//! What a battery's sensors said at one instant.

/// Readings of one instant; NaN where there is none. `dt_s` is the time since the sample before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Discharge > 0.
    pub current_a: f64,
    /// At the terminals.
    pub voltage_v: f64,
    /// Of the cells.
    pub temperature_degc: f64,
    /// 0 at the first sample.
    pub dt_s: f64,
}
