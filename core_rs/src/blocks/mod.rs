//! Blocks that controllers and guards share. Enters: numbers with their time. Leaves: numbers. Never here: a clock,
//! an allocation after construction, NaN in an output. Only [`ChannelSum`] reads a snapshot.
//!
//! Settings are checked when given (an error names them). A sample that is no finite number is ignored: the last output
//! holds and `valid()` is false until the next good one. Behaviour is in seconds: a block does the same at every cycle
//! time, within what its own words say.

mod channel_sum;
mod curve;
mod deadband;
mod demand;
mod droop;
mod energy_register;
mod extremes;
mod hysteresis;
mod low_pass;
mod pid;
mod ramp;
mod rate_counter;
mod ring;
mod rocof;
mod rolling_demand;
mod site_power;

pub use channel_sum::ChannelSum;
pub use curve::Curve;
pub use deadband::Deadband;
pub use demand::{Demand, DemandWindow, RunningDemand};
pub use droop::Droop;
pub use energy_register::RegisterSpec;
pub use hysteresis::Hysteresis;
pub use low_pass::LowPass;
pub use pid::{Gains, Limits, Pid};
pub use ramp::RampLimiter;
pub use rate_counter::RateCounter;
pub use rocof::Rocof;
pub use rolling_demand::RollingDemand;
pub use site_power::{DelayBounds, SitePowerEstimate};

pub(crate) use ring::touched;

use crate::clock::{SECOND_NS, seconds_to_ns};
use crate::error::{Error, Result, finite};

/// Longest window that a block keeps, a leap year.
const LONGEST_S: f64 = 366.0 * 86_400.0;
/// Times beyond this (73 years from the origin, both ways) are taken for nonsense: no sum of two overflows.
const FARTHEST_NS: i64 = i64::MAX / 4;

/// Checks a number that must not be negative.
fn not_negative(name: &str, value: f64) -> Result<f64> {
    if finite(name, value)? < 0.0 {
        return Err(Error::invalid(format!("{name} must be 0 or more, not {value}")));
    }
    Ok(value)
}

/// Checks a number that must be above 0.
fn positive(name: &str, value: f64) -> Result<f64> {
    if finite(name, value)? <= 0.0 {
        return Err(Error::invalid(format!("{name} must be above 0, not {value}")));
    }
    Ok(value)
}

/// Checks the length of a window, in seconds.
fn window_ns(value: f64) -> Result<i64> {
    if !(1e-3..=LONGEST_S).contains(&value) {
        return Err(Error::invalid(format!("window_s must be 0.001 to {LONGEST_S}, not {value}")));
    }
    Ok(seconds_to_ns(value))
}

fn sane_time(time_ns: i64) -> bool {
    (-FARTHEST_NS..=FARTHEST_NS).contains(&time_ns)
}

fn seconds(span_ns: i64) -> f64 {
    span_ns as f64 / SECOND_NS as f64
}

fn hours(span_ns: i64) -> f64 {
    seconds(span_ns) / 3600.0
}

/// Between two finite numbers, `share` (0..1) of the way: never outside them, never NaN, monotone in `share`.
fn between(from: f64, to: f64, share: f64) -> f64 {
    let moved = from + share * (to - from);
    let inside = if moved.is_finite() { moved } else { from * (1.0 - share) + to * share };
    inside.clamp(from.min(to), from.max(to))
}
