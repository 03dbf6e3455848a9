//! What is known of one cell: the content of CELL.yaml, checked.

use crate::error::{Error, Result, finite};

const SMALLEST: f64 = 1e-12;
const LARGEST: f64 = 1e12;

/// Open-circuit voltage over SOC.
#[derive(Clone, Debug, PartialEq)]
pub struct Ocv {
    /// SOC in percent, strictly rising from 0 to 100.
    pub soc_pct: Vec<f64>,
    /// Mean of both branches in V, never falling.
    pub ocv_v: Vec<f64>,
    /// Half the gap between charge and discharge branch in V, 0 or more; as long as `soc_pct`, or empty for none.
    pub hysteresis_v: Vec<f64>,
    /// How fast a branch is reached: share of the way per unit of SOC moved is `1 - exp(-rate)`.
    pub hysteresis_rate: f64,
    /// Small turns are remembered shorter than large ones: elements of their own rate, [`HYSTERESIS_RATES`], each with its
    /// share of the gap, 0 or more; empty for one of `hysteresis_rate`.
    pub hysteresis_shares: Vec<f64>,
}

/// A turn of the SOC by 10, 3 or 1 % is remembered: a fixed series, so that shares are found by least squares.
pub const HYSTERESIS_RATES: [f64; 3] = [10.0, 33.0, 100.0];

/// Elements of the equivalent circuit over SOC and temperature; tables are row-major, one row per temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Elements {
    /// Strictly rising, within 0..100.
    pub soc_pct: Vec<f64>,
    /// Strictly rising.
    pub temperature_degc: Vec<f64>,
    /// Series resistance at small currents in ohm.
    pub r0_ohm: Vec<f64>,
    /// Current in A above which the series drop bends (charge transfer), one per temperature: the drop is
    /// `r0 * bend * asinh(i / bend)`. A huge value means a straight line.
    pub r0_bend_a: Vec<f64>,
    /// Resistance of the fast pair in ohm.
    pub r1_ohm: Vec<f64>,
    /// Capacitance of the fast pair in F.
    pub c1_f: Vec<f64>,
    /// Resistance of the slow pair in ohm.
    pub r2_ohm: Vec<f64>,
    /// Capacitance of the slow pair in F.
    pub c2_f: Vec<f64>,
    /// How far the surface of the particles, which makes the voltage, is behind the SOC after a long time at 1C, as a
    /// share of the SOC; one per temperature, 0 or more, or empty for none.
    pub lag_share: Vec<f64>,
    /// Time constant of its slowest mode in s; one per temperature, or empty.
    pub lag_time_s: Vec<f64>,
}

/// How far sensors and model may be wrong (standard deviations).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// White noise of the voltage sensor in V.
    pub voltage_v: f64,
    /// Constant offset of the current sensor in A.
    pub current_offset_a: f64,
    /// Relative error of current gain over capacity.
    pub current_scale: f64,
    /// Slow error of the model at rest in V.
    pub model_v: f64,
    /// Slow error of the model under load as a share of the voltage lost in the cell.
    pub model_share: f64,
    /// How long such an error lasts in s.
    pub model_time_s: f64,
}

/// What a reading can be; anything else is a broken reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Lowest believable voltage in V.
    pub minimum_voltage_v: f64,
    /// Highest believable voltage in V.
    pub maximum_voltage_v: f64,
    /// Highest believable current, either direction, in A.
    pub maximum_current_a: f64,
    /// Longest time between samples that is no gap, in s.
    pub longest_step_s: f64,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Charge between empty and full in Ah.
    pub capacity_ah: f64,
    /// Voltage at rest.
    pub ocv: Ocv,
    /// Voltage under load.
    pub elements: Elements,
    /// What the filter assumes of errors.
    pub noise: Noise,
    /// What a reading can be.
    pub limits: Limits,
}

impl Cell {
    /// Refuses what no cell can be, naming the field.
    pub fn check(&self) -> Result<()> {
        above("capacity_ah", self.capacity_ah, 0.0)?;
        self.ocv.check()?;
        self.elements.check()?;
        self.noise.check()?;
        self.limits.check()
    }
}

impl Ocv {
    fn check(&self) -> Result<()> {
        rising("ocv.soc_pct", &self.soc_pct)?;
        if self.soc_pct.first() != Some(&0.0) || self.soc_pct.last() != Some(&100.0) || self.soc_pct.len() < 2 {
            return Err(Error::invalid("ocv.soc_pct must go from 0 to 100"));
        }
        table("ocv.ocv_v", &self.ocv_v, self.soc_pct.len(), 0.0)?;
        if self.ocv_v.is_sorted() && self.ocv_v.first() < self.ocv_v.last() {
            self.check_hysteresis()
        } else {
            Err(Error::invalid("ocv.ocv_v must not fall with SOC, and must rise somewhere"))
        }
    }

    fn check_hysteresis(&self) -> Result<()> {
        if !self.hysteresis_v.is_empty() {
            table("ocv.hysteresis_v", &self.hysteresis_v, self.soc_pct.len(), -f64::MIN_POSITIVE)?;
        }
        if !self.hysteresis_shares.is_empty() {
            table("ocv.hysteresis_shares", &self.hysteresis_shares, HYSTERESIS_RATES.len(), -f64::MIN_POSITIVE)?;
        }
        above("ocv.hysteresis_rate", self.hysteresis_rate, 0.0)
    }
}

impl Elements {
    fn check(&self) -> Result<()> {
        rising("elements.soc_pct", &self.soc_pct)?;
        rising("elements.temperature_degc", &self.temperature_degc)?;
        let count = self.soc_pct.len() * self.temperature_degc.len();
        table("elements.r0_bend_a", &self.r0_bend_a, self.temperature_degc.len(), 0.0)?;
        if !(self.lag_share.is_empty() && self.lag_time_s.is_empty()) {
            let rows = self.temperature_degc.len();
            table("elements.lag_share", &self.lag_share, rows, -f64::MIN_POSITIVE)?;
            table("elements.lag_time_s", &self.lag_time_s, rows, 0.0)?;
        }
        let tables = [
            ("elements.r0_ohm", &self.r0_ohm),
            ("elements.r1_ohm", &self.r1_ohm),
            ("elements.c1_f", &self.c1_f),
            ("elements.r2_ohm", &self.r2_ohm),
            ("elements.c2_f", &self.c2_f),
        ];
        tables.iter().try_for_each(|(name, values)| table(name, values, count, 0.0))
    }
}

impl Noise {
    fn check(&self) -> Result<()> {
        above("noise.voltage_v", self.voltage_v, 0.0)?;
        above("noise.current_offset_a", self.current_offset_a, -f64::MIN_POSITIVE)?;
        above("noise.current_scale", self.current_scale, -f64::MIN_POSITIVE)?;
        above("noise.model_v", self.model_v, 0.0)?;
        above("noise.model_share", self.model_share, -f64::MIN_POSITIVE)?;
        above("noise.model_time_s", self.model_time_s, 0.0)
    }
}

impl Limits {
    fn check(&self) -> Result<()> {
        let (low, high) = (self.minimum_voltage_v, self.maximum_voltage_v);
        conceivable("limits.minimum_voltage_v", finite("limits.minimum_voltage_v", low)?)?;
        conceivable("limits.maximum_voltage_v", finite("limits.maximum_voltage_v", high)?)?;
        if finite("limits.minimum_voltage_v", low)? >= finite("limits.maximum_voltage_v", high)? {
            return Err(Error::invalid("limits.minimum_voltage_v must be below limits.maximum_voltage_v"));
        }
        above("limits.maximum_current_a", self.maximum_current_a, 0.0)?;
        above("limits.longest_step_s", self.longest_step_s, 0.0)
    }
}

fn above(name: &str, value: f64, least: f64) -> Result<()> {
    if finite(name, value)? > least {
        return conceivable(name, value);
    }
    let words = if least < 0.0 { "0 or more" } else { "above 0" };
    Err(Error::invalid(format!("{name} must be {words}, not {value}")))
}

// Far outside what any cell has in any unit, and still far from where squares and quotients overflow.
fn conceivable(name: &str, value: f64) -> Result<()> {
    if value == 0.0 || (SMALLEST..=LARGEST).contains(&value.abs()) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} must be {SMALLEST:e} to {LARGEST:e}, not {value:e}")))
}

fn rising(name: &str, values: &[f64]) -> Result<()> {
    values.iter().try_for_each(|&value| conceivable(name, finite(name, value)?))?;
    if values.is_empty() || !values.is_sorted_by(|a, b| a < b) {
        return Err(Error::invalid(format!("{name} must be strictly rising and not empty")));
    }
    Ok(())
}

fn table(name: &str, values: &[f64], count: usize, least: f64) -> Result<()> {
    if values.len() != count {
        return Err(Error::invalid(format!("{name} must have {count} values, not {}", values.len())));
    }
    values.iter().try_for_each(|&value| above(name, value, least))
}
