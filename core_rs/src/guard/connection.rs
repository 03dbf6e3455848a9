//! The grid connection's limit: bounds the sum of several actuators.
//!
//! The meter may be late by an unknown time, so what the site takes without its actuators is estimated as a range
//! ([`SitePowerEstimate`]), from the actuators' summed readings and the summed setpoints on their way. The import limit
//! is held for the highest power of that range, the export limit for the lowest; where both cannot be held, the middle
//! makes the larger excess smallest.
//!
//! Promised, for meters up to `delay_max_s` late: with constant load the setpoints settle and never swing; a change of
//! load with the actuators at rest is answered in full in the first cycle that sees it. Not promised: a change of load
//! while they move may hide behind that movement, by no more than its extent, until they have rested for `delay_max_s`;
//! and before the first sample that sees a change, nobody knows of it.

use crate::arbitrate::{Limits, Mover, Outcome};
use crate::blocks::SitePowerEstimate;
use crate::image::Reader;

/// Import positive. Sources are positive, so the site takes `grid + sum(measured)` without its actuators.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    pub(crate) actuators: Vec<usize>,
    pub(crate) grid: usize,
    pub(crate) measured: Vec<usize>,
    pub(crate) import_limit_w: f64,
    pub(crate) export_limit_w: f64,
    pub(crate) site: Site,
}

/// What the estimate was told last, so that it is told each sample once.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    estimate: SitePowerEstimate,
    meter: Option<(i64, f64)>,
    battery: Option<(i64, f64)>,
    memory_ns: i64,
}

impl Site {
    /// `memory_ns`: after a silence longer than this, older readings of the actuators say nothing any more.
    pub(crate) fn new(estimate: SitePowerEstimate, memory_ns: i64) -> Self {
        Self { estimate, meter: None, battery: None, memory_ns }
    }

    // The meter is not known: what it said before is forgotten.
    fn restart(&mut self) {
        self.estimate.restart();
        self.meter = None;
    }

    fn battery(&mut self, time_ns: i64, power_w: f64) {
        if self.battery.is_some_and(|(last_ns, _)| time_ns.saturating_sub(last_ns) > self.memory_ns) {
            self.estimate.reset();
            self.meter = None;
        }
        if self.battery != Some((time_ns, power_w)) && self.estimate.battery(time_ns, power_w).is_ok() {
            self.battery = Some((time_ns, power_w));
        }
    }

    // A sample is new when its time or its value is.
    fn meter(&mut self, time_ns: i64, grid_w: f64) {
        if self.meter != Some((time_ns, grid_w)) && self.estimate.meter(time_ns, grid_w).is_ok() {
            self.meter = Some((time_ns, grid_w));
        }
    }

    fn range_w(&self) -> Option<(f64, f64)> {
        self.estimate.range_w().filter(|(low_w, high_w)| low_w.is_finite() && high_w.is_finite())
    }
}

impl Connection {
    pub(crate) fn apply(&mut self, reader: &Reader<'_>, limits: &[Limits], outcomes: &mut [Outcome]) {
        let Some((low_w, high_w)) = self.site_w(reader) else {
            return self.each(outcomes, limits, |_, limits| limits.limit(0.0));
        };
        let (least_w, most_w) = (high_w - self.import_limit_w, low_w + self.export_limit_w);
        let sum_w = self.sum_w(outcomes);
        let target_w = if least_w <= most_w { sum_w.max(least_w).min(most_w) } else { least_w / 2.0 + most_w / 2.0 };
        self.shift(target_w - sum_w, limits, outcomes);
    }

    /// The setpoints that stand after this cycle.
    pub(crate) fn command(&mut self, time_ns: i64, outcomes: &[Outcome]) {
        let sum_w = self.sum_w(outcomes);
        if !sum_w.is_finite() || self.site.estimate.command(time_ns, sum_w).is_err() {
            self.site.restart();
        }
    }

    // What the site takes without the actuators, lowest and highest; None when meter or actuators are not known.
    fn site_w(&mut self, reader: &Reader<'_>) -> Option<(f64, f64)> {
        let own_w: f64 = self.measured.iter().map(|&handle| reader.value(handle)).sum();
        if own_w.is_finite() {
            let time_ns = self.measured.iter().map(|&handle| reader.time_of(handle)).max()?;
            self.site.battery(time_ns, own_w);
        }
        let grid_w = reader.value(self.grid);
        if !(grid_w.is_finite() && own_w.is_finite()) {
            self.site.restart();
            return None;
        }
        self.site.meter(reader.time_of(self.grid), grid_w);
        self.site.range_w()
    }

    fn sum_w(&self, outcomes: &[Outcome]) -> f64 {
        self.actuators.iter().filter_map(|&actuator| outcomes.get(actuator)).map(|outcome| outcome.value).sum()
    }

    // Last-listed give way first: all of them up to 0 before any is driven to the other side.
    fn shift(&self, by_w: f64, limits: &[Limits], outcomes: &mut [Outcome]) {
        let mut left_w = by_w;
        for to_zero in [true, false] {
            for &actuator in self.actuators.iter().rev() {
                let Some((outcome, limits)) = outcomes.get_mut(actuator).zip(limits.get(actuator)) else {
                    continue;
                };
                left_w -= self.give(outcome, limits, left_w, to_zero);
            }
        }
    }

    fn give(&self, outcome: &mut Outcome, limits: &Limits, wanted_w: f64, to_zero: bool) -> f64 {
        let before_w = outcome.value;
        let mut target_w = limits.limit(before_w + wanted_w);
        if to_zero {
            let gives_way = (before_w > 0.0 && wanted_w < 0.0) || (before_w < 0.0 && wanted_w > 0.0);
            target_w = match gives_way {
                true if before_w > 0.0 => target_w.max(0.0),
                true => target_w.min(0.0),
                false => before_w,
            };
        }
        self.set(outcome, target_w);
        target_w - before_w
    }

    fn each(&self, outcomes: &mut [Outcome], limits: &[Limits], to: impl Fn(f64, &Limits) -> f64) {
        for &actuator in &self.actuators {
            if let Some((outcome, limits)) = outcomes.get_mut(actuator).zip(limits.get(actuator)) {
                self.set(outcome, to(outcome.value, limits));
            }
        }
    }

    fn set(&self, outcome: &mut Outcome, value: f64) {
        if value != outcome.value {
            *outcome = Outcome { value, bound: Some(Mover::Guard(self.number)), ..*outcome };
        }
    }
}
