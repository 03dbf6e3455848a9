//! Counting charge, and correcting the count at rest from the OCV table: simple, and a yardstick for the filter.

use std::sync::Arc;

use crate::error::{Error, Result, finite};
use crate::estimate::model::CellModel;

/// When the voltage may correct the count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestCorrection {
    /// Rest begins below this current, as a share of capacity per hour.
    pub below_c_rate: f64,
    /// And has lasted so long, in s.
    pub after_s: f64,
    /// And the OCV is at least so steep there, in V per unit of SOC.
    pub steeper_than_v: f64,
}

impl Default for RestCorrection {
    /// C/50 for half an hour, where 1 % of SOC is 3 mV or more.
    fn default() -> Self {
        Self { below_c_rate: 0.02, after_s: 1800.0, steeper_than_v: 0.3 }
    }
}

/// Integrates current; with a [`RestCorrection`], takes the table's SOC after a long rest.
#[derive(Clone, Debug)]
pub struct CoulombCounter {
    model: Arc<CellModel>,
    correction: Option<RestCorrection>,
    soc: f64,
    last_a: f64,
    rest_s: f64,
}

impl CoulombCounter {
    /// From this SOC.
    pub fn new(model: Arc<CellModel>, soc_pct: f64, correction: Option<RestCorrection>) -> Result<Self> {
        if !(0.0..=100.0).contains(&finite("initial_soc_pct", soc_pct)?) {
            return Err(Error::invalid(format!("initial_soc_pct must be in 0..100, not {soc_pct}")));
        }
        Ok(Self { model, correction, soc: soc_pct / 100.0, last_a: f64::NAN, rest_s: 0.0 })
    }

    /// SOC in percent, 0..100.
    pub fn soc_pct(&self) -> f64 {
        100.0 * self.soc
    }

    /// Counts `dt_s` seconds (trapezoid); readings that are not finite leave the count as it is. Of one cell.
    pub fn step(&mut self, current_a: f64, voltage_v: f64, dt_s: f64) -> f64 {
        let amps = 0.5 * (current_a + if self.last_a.is_finite() { self.last_a } else { current_a });
        let moved = amps * dt_s / self.model.capacity_as;
        if moved.is_finite() && dt_s >= 0.0 {
            self.soc = (self.soc - moved).clamp(0.0, 1.0);
            self.rest(current_a, voltage_v, dt_s);
        }
        self.last_a = current_a;
        self.soc_pct()
    }

    fn rest(&mut self, current_a: f64, voltage_v: f64, dt_s: f64) {
        let Some(correction) = self.correction else { return };
        let resting = current_a.abs() <= correction.below_c_rate * self.model.capacity_ah();
        self.rest_s = if resting { self.rest_s + dt_s } else { 0.0 };
        let at = self.model.soc_at(voltage_v);
        if self.rest_s >= correction.after_s
            && voltage_v.is_finite()
            && self.model.slope(at) >= correction.steeper_than_v
        {
            self.soc = at.clamp(0.0, 1.0);
        }
    }
}
