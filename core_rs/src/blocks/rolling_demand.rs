//! Rolling demand: mean power over the last window, at every instant, from an energy register.

use std::collections::VecDeque;

use super::energy_register::{EnergyRegister, Flow, Reading, RegisterSpec};
use super::{between, hours, not_negative, positive, window_ns};
use crate::clock::seconds_to_ns;
use crate::error::Result;

const CAPACITY: usize = 512;

/// Mean power of `(t - window_s, t]` with `t` the time of the last reading. Energy in Wh, power in W, times in monotonic
/// nanoseconds. Between readings (and of readings closer together than a 512th of the window, of which every so many is
/// kept) the power counts as even. Wraps, resets and unusable readings as in [`super::DemandWindow`]; a reset makes the
/// window incomplete until it has passed through.
#[derive(Clone, Debug)]
pub struct RollingDemand {
    window_ns: i64,
    register: EnergyRegister,
    knots: VecDeque<(i64, f64)>,
    complete_from_ns: i64,
    last_w: f64,
    valid: bool,
}

impl RollingDemand {
    /// Arguments as of [`super::DemandWindow`].
    pub fn new(window_s: f64, register: RegisterSpec) -> Result<Self> {
        Ok(Self {
            window_ns: window_ns(window_s)?,
            register: EnergyRegister::new(register)?,
            knots: super::touched(CAPACITY + 4, (0, 0.0)),
            complete_from_ns: 0,
            last_w: 0.0,
            valid: false,
        })
    }

    /// Whether the last reading could be used.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// The whole window was seen, with no reset of the register.
    pub fn complete(&self) -> bool {
        self.register.newest().is_some_and(|(newest_ns, _)| newest_ns - self.window_ns >= self.complete_from_ns)
    }

    /// The demand; before a whole window was seen the mean of what was. 0 before the second reading.
    pub fn mean_w(&self) -> f64 {
        match (self.knots.front(), self.knots.back()) {
            (Some(&(oldest_ns, _)), Some(&(newest_ns, newest_wh))) if newest_ns > oldest_ns => {
                let begin_ns = oldest_ns.max(newest_ns - self.window_ns);
                (newest_wh - self.energy_at(begin_ns)) / hours(newest_ns - begin_ns)
            }
            _ => 0.0,
        }
    }

    /// Takes a reading; gives the demand.
    pub fn step(&mut self, time_ns: i64, register_wh: f64) -> f64 {
        let reading = self.register.read(time_ns, register_wh, self.last_w);
        self.valid = reading != Reading::Nonsense;
        match reading {
            Reading::First => {
                self.complete_from_ns = time_ns;
                self.knots.push_back((time_ns, register_wh));
            }
            Reading::Flowed(flow) => self.flowed(&flow),
            Reading::Nonsense | Reading::Old => {}
        }
        self.mean_w()
    }

    /// Mean power that may flow for the next `horizon_s` seconds for the window that ends then to stand at `target_w`,
    /// within +-`maximum_power_w`; below 0 the target is lost then. What flowed before the first reading counts as
    /// `target_w`. None before the first reading. Beyond the window's length the horizon is the window.
    pub fn allowed_w(&self, target_w: f64, horizon_s: f64) -> Result<Option<f64>> {
        let horizon_s = positive("horizon_s", horizon_s)?;
        let target_w = not_negative("target_w", target_w)?;
        let Some((&(oldest_ns, _), &(newest_ns, newest_wh))) = self.knots.front().zip(self.knots.back()) else {
            return Ok(None);
        };
        let horizon_ns = seconds_to_ns(horizon_s).clamp(1, self.window_ns);
        let begin_ns = newest_ns - (self.window_ns - horizon_ns);
        let unseen_h = hours((oldest_ns - begin_ns).max(0));
        let drawn_wh = target_w * unseen_h + newest_wh - self.energy_at(begin_ns);
        let most_w = self.register.spec().maximum_power_w;
        let allowed_w = (target_w * hours(self.window_ns) - drawn_wh) / hours(horizon_ns);
        Ok(Some(allowed_w.clamp(-most_w, most_w)))
    }

    /// Forgets everything but the settings.
    pub fn reset(&mut self) {
        self.register.reset();
        self.knots.clear();
        (self.complete_from_ns, self.last_w, self.valid) = (0, 0.0, false);
    }

    fn flowed(&mut self, flow: &Flow) {
        self.last_w = flow.mean_w();
        if !flow.known {
            self.complete_from_ns = flow.to_ns;
        }
        let spacing_ns = self.window_ns / CAPACITY as i64;
        if self.newest_gap_ns().is_some_and(|gap_ns| gap_ns < spacing_ns) {
            self.knots.pop_back();
        }
        self.knots.push_back((flow.to_ns, flow.to_wh));
        while self.knots.get(1).is_some_and(|&(next_ns, _)| next_ns <= flow.to_ns - self.window_ns) {
            self.knots.pop_front();
        }
    }

    // Between the two newest knots.
    fn newest_gap_ns(&self) -> Option<i64> {
        let before = self.knots.len().checked_sub(2).and_then(|index| self.knots.get(index))?;
        self.knots.back().map(|newest| newest.0 - before.0)
    }

    fn energy_at(&self, time_ns: i64) -> f64 {
        let after = self.knots.partition_point(|&(knot_ns, _)| knot_ns <= time_ns);
        let left = after.checked_sub(1).and_then(|index| self.knots.get(index));
        match (left, self.knots.get(after)) {
            (Some(&from), Some(&to)) => between(from.1, to.1, hours(time_ns - from.0) / hours(to.0 - from.0)),
            (Some(&(_, energy_wh)), None) | (None, Some(&(_, energy_wh))) => energy_wh,
            (None, None) => 0.0,
        }
    }
}

#[cfg(test)]
#[path = "rolling_demand_tests.rs"]
mod tests;
