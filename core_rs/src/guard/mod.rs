//! Guards: hard limits that nothing can cross, evaluated each cycle from good data only, applied last.
//!
//! Precedence: protection (stop, rating, device limits, SOC, apparent power) > connection (grid, phases, caps, dimming) > ramp.
//! Missing data closes a protection guard to 0 in the direction it protects; a connection that nobody sees holds
//! storage and loads at 0 and generation at what may be exported without any load.

mod circle;
mod connection;
mod culprit;
mod dimming;
mod external;
mod joint;
mod outside;
mod plain;
mod protection;
mod rated;
mod resolve;
mod spec;
mod turns;
mod window;

pub use external::Failsafe;
pub use outside::{ContactSpec, DimmingSpec, ExternalSpec, OutsideLimit};
pub use rated::{Rated, Role};
pub use spec::{Apparent, GuardSpec, Other};
pub use window::Edge;

use crate::arbitrate::{Limits, Mover, Outcome};
use crate::image::Reader;
use circle::Circle;
use connection::Connection;
use joint::{Cap, Joint};
use outside::Shown;
use protection::Protection;
use turns::Turns;

/// All guards of a cycle, with handles.
#[derive(Debug)]
pub struct Guards {
    pub(crate) rated: Vec<Rated>,
    /// Class of each source; sources that are not listed are of the highest.
    classes: Vec<u32>,
    /// How willingly each gives way among its equals; None: in the order listed.
    weights: Vec<Option<f64>>,
    /// (guard number, actuator, guard)
    protections: Vec<(usize, usize, Protection)>,
    circles: Vec<Circle>,
    connections: Vec<Connection>,
    caps: Vec<Cap>,
    turns: Turns,
    joint: Joint,
    shown: Shown,
    /// What protection leaves of each actuator in this cycle.
    limits: Vec<Limits>,
}

/// Limits one movement by a ramp.
fn ramped(requested: f64, previous: f64, rate_per_s: f64, dt_s: f64) -> (f64, Option<Mover>) {
    let step = rate_per_s * dt_s.max(0.0);
    let limits =
        Limits { lower: previous - step, upper: previous + step, lower_by: Mover::Ramp, upper_by: Mover::Ramp };
    limits.apply(requested)
}

impl Guards {
    /// Who is of which class, by source number: where not all can have their way, the lower class gives way first.
    pub(crate) fn rank(&mut self, classes: Vec<u32>) {
        self.classes = classes;
    }

    /// How willingly an actuator gives way among those of its class.
    pub(crate) fn weigh(&mut self, actuator: usize, weight: f64) {
        if let Some(known) = self.weights.get_mut(actuator) {
            *known = Some(weight);
            self.joint.share();
        }
    }

    /// How often shared limits could not be weighed to the end in one cycle.
    pub(crate) fn unfinished(&self) -> u64 {
        self.joint.unfinished()
    }

    /// An actuator's smallest value other than 0.
    pub(crate) fn smallest(&self, actuator: usize) -> f64 {
        self.turns.minimum(actuator)
    }

    /// Whether it was shed and must still rest.
    pub(crate) fn rests(&self, actuator: usize, now_ns: i64) -> bool {
        self.turns.rests(actuator, now_ns)
    }

    /// Who has the first turn: smaller is sooner.
    pub(crate) fn turn(&self, actuator: usize, now_ns: i64) -> (u8, i64) {
        self.turns.rank(actuator, now_ns)
    }

    /// What protection leaves of each actuator, from this cycle's snapshot.
    pub(crate) fn look(&mut self, reader: &Reader<'_>) {
        for (limits, rated) in self.limits.iter_mut().zip(&self.rated) {
            *limits = Limits::rating(rated.minimum, rated.maximum);
        }
        for (number, actuator, protection) in &mut self.protections {
            if let Some(limits) = self.limits.get_mut(*actuator) {
                let (lower, upper) = protection.range(reader);
                limits.narrow(lower, upper, Mover::Guard(*number), Mover::Guard(*number));
            }
        }
        for circle in &self.circles {
            circle.narrow(reader, &mut self.limits);
        }
    }

    /// What [`Guards::look`] found for an actuator.
    pub(crate) fn usable(&self, actuator: usize, rating: Limits) -> Limits {
        self.limits.get(actuator).copied().unwrap_or(rating)
    }

    /// Moves what arbitration decided to where every guard holds. `previous`: the setpoints before.
    pub fn apply(&mut self, reader: &Reader<'_>, outcomes: &mut [Outcome], previous: &[f64], dt_s: f64) {
        self.ramp(outcomes, previous, dt_s);
        self.protect(reader, outcomes);
        for circle in &self.circles {
            circle.wishes(reader, outcomes, |outcome| self.class(outcome));
        }
        self.join(reader, outcomes, previous);
        whole(outcomes, &self.rated);
        finish(outcomes, &self.limits);
        for circle in &self.circles {
            circle.finish(reader, outcomes);
        }
        for connection in &mut self.connections {
            connection.command(reader, outcomes);
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
        self.look(reader);
        for (outcome, limits) in outcomes.iter_mut().zip(&self.limits) {
            let (value, moved) = limits.apply(outcome.value);
            *outcome = Outcome { value, bound: moved.or(outcome.bound), ..*outcome };
        }
    }
}

// A contact is open or closed, never half.
fn whole(outcomes: &mut [Outcome], rated: &[Rated]) {
    for (outcome, _) in outcomes.iter_mut().zip(rated).filter(|(_, rated)| rated.role.is_whole()) {
        outcome.value = outcome.value.round();
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
mod outside_tests;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod swing_tests;
#[cfg(test)]
mod tests;
