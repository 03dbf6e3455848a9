//! What the circuit must explain: OCV (with hysteresis) minus measured voltage, over the SOC counted through a test.

use crate::error::{Error, Result};
use crate::estimate::identify::PulseTest;
use crate::estimate::model::CellModel;

/// Below this share of capacity per hour the cell rests.
const REST_C_RATE: f64 = 0.005;
/// SOC within a test is known to this.
const SOC_ERROR: f64 = 0.002;
/// And the OCV to this.
const VOLTAGE_ERROR_V: f64 = 0.002;
/// What is still to relax falls off in about this time.
const SETTLING_S: f64 = 3600.0;
/// After so long a rest the voltage tells the SOC.
const LONG_REST_S: f64 = 600.0;

/// A pulse test as the fit sees it, one value a sample.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    pub dt_s: Vec<f64>,
    pub current_a: Vec<f64>,
    /// 0..1.
    pub soc: Vec<f64>,
    /// Voltage lost in the cell.
    pub lost_v: Vec<f64>,
    /// How much a sample counts: less where a small error of SOC is a large one of voltage.
    pub weight: Vec<f64>,
    /// How long the cell has rested.
    pub resting_s: Vec<f64>,
}

impl Lost {
    pub(super) fn of(test: &PulseTest, model: &CellModel, hysteresis_rate: f64) -> Result<Self> {
        let dt_s: Vec<f64> = std::iter::once(0.0).chain(test.time_s.windows(2).map(span)).collect();
        let drawn = drawn(&test.current_a, &dt_s, model.capacity_ah() * 3600.0);
        let resting_s = resting(&test.current_a, &dt_s, REST_C_RATE * model.capacity_ah());
        let start = first_soc(test, &drawn, &resting_s, model)?;
        let soc: Vec<f64> = drawn.iter().map(|drawn| start - drawn).collect();
        let hysteresis = hysteresis(&soc, hysteresis_rate);
        let lost = |((&soc, &state), &measured): ((&f64, &f64), &f64)| {
            let (ocv, gap) = model.ocv(soc);
            ocv + gap * state - measured
        };
        let lost_v = soc.iter().zip(&hysteresis).zip(&test.voltage_v).map(lost).collect();
        let weight =
            soc.iter().map(|&soc| 1.0 / (1.0 + (model.slope(soc) * SOC_ERROR / VOLTAGE_ERROR_V).powi(2))).collect();
        Ok(Self { weight, dt_s, current_a: test.current_a.clone(), soc, lost_v, resting_s })
    }
}

fn span(pair: &[f64]) -> f64 {
    match pair {
        [before, after] => after - before,
        _ => 0.0,
    }
}

/// Charge drawn since the first sample as a share of capacity (trapezoid).
fn drawn(current_a: &[f64], dt_s: &[f64], capacity_as: f64) -> Vec<f64> {
    let (mut sum, mut before) = (0.0, current_a.first().copied().unwrap_or(0.0));
    let step = |(&amps, &dt): (&f64, &f64)| {
        sum += 0.5 * (amps + before) * dt / capacity_as;
        before = amps;
        sum
    };
    current_a.iter().zip(dt_s).map(step).collect()
}

/// SOC of the first sample, from the voltage at the end of every rest, each weighed by how steep the OCV is there.
fn first_soc(test: &PulseTest, drawn: &[f64], resting_s: &[f64], model: &CellModel) -> Result<f64> {
    let (mut sum, mut weight, mut before, mut side) = (0.0, 0.0, 0.0, 0.0);
    let next_s = resting_s.iter().skip(1).chain([&0.0]);
    let samples = test.voltage_v.iter().zip(drawn).zip(resting_s.iter().zip(next_s)).enumerate();
    for (number, ((&volts, &drawn), (&rested_s, &next_s))) in samples {
        if drawn != before {
            (side, before) = (-(drawn - before).signum(), drawn);
        }
        let rest_ends = next_s == 0.0 && (rested_s >= LONG_REST_S || (rested_s > 0.0 && side == 0.0));
        let at_once = number == 0 && test.current_a.first() == Some(&0.0) && next_s == 0.0;
        if rest_ends || at_once {
            let (soc, steep) = weighed(model, volts, side);
            let steep = steep * settled(rested_s, side);
            (sum, weight) = (sum + steep * (soc + drawn), weight + steep);
        }
    }
    if weight > 0.0 {
        return Ok((sum / weight).clamp(0.0, 1.0));
    }
    Err(Error::invalid("a pulse test must begin at rest, or hold a rest of 10 minutes or more"))
}

/// How much a rest tells: all before any current, else the more the longer it was.
fn settled(rested_s: f64, side: f64) -> f64 {
    if side == 0.0 { 1.0 } else { (rested_s / (rested_s + SETTLING_S)).powi(2) }
}

/// (SOC, weight) of a rested voltage; `side`: on which branch the cell rests.
fn weighed(model: &CellModel, voltage_v: f64, side: f64) -> (f64, f64) {
    let near = model.soc_at(voltage_v);
    let soc = model.soc_at(voltage_v - side * model.ocv(near).1);
    (soc, model.slope(soc).powi(2) + 1e-9)
}

/// The hysteresis state along a test; begins on the charge branch in the upper half, as after a charge.
fn hysteresis(soc: &[f64], rate: f64) -> Vec<f64> {
    let mut before = soc.first().copied().unwrap_or(0.0);
    let mut state = if before > 0.5 { 1.0 } else { -1.0 };
    let step = |&now: &f64| {
        let keep = (-rate * (now - before).abs()).exp();
        state = keep * state + (1.0 - keep) * (now - before).signum();
        before = now;
        state
    };
    soc.iter().map(step).collect()
}

fn resting(current_a: &[f64], dt_s: &[f64], rest_a: f64) -> Vec<f64> {
    let mut since = 0.0;
    let step = |(amps, dt): (&f64, &f64)| {
        since = if amps.abs() <= rest_a { since + dt } else { 0.0 };
        since
    };
    current_a.iter().zip(dt_s).map(step).collect()
}
