//! The grid connection's limit: bounds the sum of several actuators.

use crate::arbitrate::{Limits, Mover, Outcome};
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
}

impl Connection {
    pub(crate) fn apply(&self, reader: &Reader<'_>, limits: &[Limits], outcomes: &mut [Outcome]) {
        let Some(net_w) = self.net_w(reader) else {
            return self.each(outcomes, limits, |_, limits| limits.limit(0.0));
        };
        let sum_w = self.sum_w(outcomes);
        let target_w = sum_w.max(net_w - self.import_limit_w).min(net_w + self.export_limit_w);
        self.shift(target_w - sum_w, limits, outcomes);
    }

    // What grid and actuators took together at the meter's own instant; None when any of it is not known.
    fn net_w(&self, reader: &Reader<'_>) -> Option<f64> {
        let time_ns = reader.time_of(self.grid);
        let own_w: f64 = self.measured.iter().map(|&handle| reader.value_at(handle, time_ns)).sum();
        let net_w = reader.value(self.grid) + own_w;
        net_w.is_finite().then_some(net_w)
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
