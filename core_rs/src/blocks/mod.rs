//! Blocks that controllers and guards share. Enters: numbers with their time. Leaves: numbers. Never here: a clock,
//! an image, an allocation after construction.

mod extremes;
mod hysteresis;
mod ramp;
mod site_power;

pub use hysteresis::Hysteresis;
pub use ramp::RampLimiter;
pub use site_power::{DelayBounds, SitePowerEstimate};
