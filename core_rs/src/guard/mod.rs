//! Guards: hard limits that nothing can cross, evaluated each cycle from good data only, applied last.
//!
//! Precedence: protection (stop, rating, device limits, SOC) > connection (grid) > ramp. Missing data closes
//! a protection guard to 0 in the direction it protects, and the grid guard to 0.

mod connection;
mod protection;
mod resolve;

pub use resolve::{GuardSpec, Guards};

use crate::arbitrate::{Limits, Mover, Outcome};
use crate::image::Reader;
use connection::{Connection, Site};
use protection::Protection;

/// What the guards know of an actuator.
#[derive(Clone, Copy, Debug)]
pub struct Rated {
    /// Lower end of its rating.
    pub minimum: f64,
    /// Upper end of its rating.
    pub maximum: f64,
    /// Fastest change of its setpoint.
    pub ramp_per_s: Option<f64>,
}

/// Limits one movement by a ramp.
fn ramped(requested: f64, previous: f64, rate_per_s: f64, dt_s: f64) -> (f64, Option<Mover>) {
    let step = rate_per_s * dt_s.max(0.0);
    let limits =
        Limits { lower: previous - step, upper: previous + step, lower_by: Mover::Ramp, upper_by: Mover::Ramp };
    limits.apply(requested)
}

impl Guards {
    /// Moves what arbitration decided to where every guard holds. `previous`: the setpoints before.
    pub fn apply(&mut self, reader: &Reader<'_>, outcomes: &mut [Outcome], previous: &[f64], dt_s: f64) {
        self.ramp(outcomes, previous, dt_s);
        self.protect(reader, outcomes);
        for connection in &mut self.connections {
            connection.apply(reader, &self.limits, outcomes);
        }
        finish(outcomes, &self.limits);
        for connection in &mut self.connections {
            connection.command(reader.time_ns(), outcomes);
        }
    }

    // Going to the fallback is never delayed.
    fn ramp(&self, outcomes: &mut [Outcome], previous: &[f64], dt_s: f64) {
        for ((outcome, rated), &before) in outcomes.iter_mut().zip(&self.rated).zip(previous) {
            if let Some(rate_per_s) = rated.ramp_per_s.filter(|_| outcome.source.is_some()) {
                let (value, moved) = ramped(outcome.value, before, rate_per_s, dt_s);
                *outcome = Outcome { value, bound: moved.or(outcome.bound), ..*outcome };
            }
        }
    }

    fn protect(&mut self, reader: &Reader<'_>, outcomes: &mut [Outcome]) {
        for (limits, rated) in self.limits.iter_mut().zip(&self.rated) {
            *limits = Limits::rating(rated.minimum, rated.maximum);
        }
        for (number, actuator, protection) in &mut self.protections {
            if let Some(limits) = self.limits.get_mut(*actuator) {
                let (lower, upper) = protection.range(reader);
                limits.narrow(lower, upper, Mover::Guard(*number), Mover::Guard(*number));
            }
        }
        for (outcome, limits) in outcomes.iter_mut().zip(&self.limits) {
            let (value, moved) = limits.apply(outcome.value);
            *outcome = Outcome { value, bound: moved.or(outcome.bound), ..*outcome };
        }
    }
}

// The last door: protection holds whatever came before, and only finite numbers pass.
fn finish(outcomes: &mut [Outcome], limits: &[Limits]) {
    for (outcome, limits) in outcomes.iter_mut().zip(limits) {
        let (value, moved) = if outcome.value.is_finite() {
            limits.apply(outcome.value)
        } else {
            (limits.limit(0.0), Some(Mover::Rating))
        };
        *outcome = Outcome { value, bound: moved.or(outcome.bound), ..*outcome };
    }
}

#[cfg(test)]
mod swing_tests;
#[cfg(test)]
mod tests;
