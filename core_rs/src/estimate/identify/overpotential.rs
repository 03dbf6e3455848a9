//! What the circuit must explain: OCV (with hysteresis) minus measured voltage, over the SOC counted through a test.

use crate::error::{Error, Result};
use crate::estimate::cell::HYSTERESIS_RATES;
use crate::estimate::identify::PulseTest;
use crate::estimate::lag::{Lag, Surface};
use crate::estimate::model::CellModel;

/// Of the hysteresis.
pub(super) const ELEMENTS: usize = HYSTERESIS_RATES.len();
/// A sample that the circuit misses by this many typical misses counts half.
const MISSED: f64 = 3.0;
const LEAST_MISS_V: f64 = 1e-4;
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
    pub measured_v: Vec<f64>,
    /// 0..1.
    pub soc: Vec<f64>,
    /// Voltage lost in the cell.
    pub lost_v: Vec<f64>,
    /// Voltage to which each element of the hysteresis would pull the OCV with the whole gap.
    pub hysteresis: Vec<[f64; ELEMENTS]>,
    /// How much a sample counts: less where a small error of SOC is a large one of voltage, and where it is doubted.
    pub weight: Vec<f64>,
    /// The first of these two alone.
    steepness: Vec<f64>,
    /// How long the cell has rested.
    pub resting_s: Vec<f64>,
}

impl Lost {
    /// Without hysteresis and lag; [`Lost::look`] takes them into account.
    pub(super) fn of(test: &PulseTest, model: &CellModel) -> Result<Self> {
        let dt_s: Vec<f64> = std::iter::once(0.0).chain(test.time_s.windows(2).map(span)).collect();
        let drawn = drawn(&test.current_a, &dt_s, model.capacity_ah() * 3600.0);
        let resting_s = resting(&test.current_a, &dt_s, REST_C_RATE * model.capacity_ah());
        let start = first_soc(test, &drawn, &resting_s, model)?;
        let soc: Vec<f64> = drawn.iter().map(|drawn| start - drawn).collect();
        let hysteresis = hysteresis(&soc, model);
        let weight: Vec<f64> =
            soc.iter().map(|&soc| 1.0 / (1.0 + (model.slope(soc) * SOC_ERROR / VOLTAGE_ERROR_V).powi(2))).collect();
        let (current_a, measured_v) = (test.current_a.clone(), test.voltage_v.clone());
        let steepness = weight.clone();
        let lost_v = vec![];
        let mut made = Self { weight, steepness, dt_s, current_a, measured_v, soc, lost_v, hysteresis, resting_s };
        made.look(model, Lag::NONE, &[]);
        Ok(made)
    }

    /// What is lost beside a lag and a hysteresis of these shares; without shares the hysteresis is left in it.
    pub(super) fn look(&mut self, model: &CellModel, lag: Lag, shares: &[f64]) {
        let (mut surface, mut before_a) = (Surface::default(), self.current_a.first().copied().unwrap_or(0.0));
        let mut lost_v = Vec::with_capacity(self.soc.len());
        let currents = self.current_a.iter().zip(&self.dt_s);
        let samples = currents.zip(&self.soc).zip(self.hysteresis.iter().zip(&self.measured_v));
        for (((&amps, &dt_s), &soc), (pulls, &measured)) in samples {
            surface.predict(lag.share, 1.0 / lag.time_s, 0.5 * (amps + before_a) / model.capacity_ah(), dt_s);
            before_a = amps;
            let pull: f64 = pulls.iter().zip(shares).map(|(pull, share)| pull * share).sum();
            lost_v.push(model.ocv(surface.soc(soc)).0 + pull - measured);
        }
        self.lost_v = lost_v;
    }
}

impl Lost {
    /// From equal trust, makes samples count less that no circuit of this kind explains (near empty, mostly): Cauchy's weights.
    pub(super) fn doubt(&mut self, left_over: &[f64]) {
        let mut sizes: Vec<f64> = left_over.iter().map(|left| left.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let typical = sizes.get(sizes.len() / 2).copied().unwrap_or(0.0).max(LEAST_MISS_V);
        self.weight.clone_from(&self.steepness);
        for (weight, left) in self.weight.iter_mut().zip(left_over) {
            *weight /= 1.0 + (left / (MISSED * typical)).powi(2);
        }
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

/// The pull of the hysteresis along a test; it begins on the charge branch in the upper half, as after a charge.
fn hysteresis(soc: &[f64], model: &CellModel) -> Vec<[f64; ELEMENTS]> {
    let mut before = soc.first().copied().unwrap_or(0.0);
    let mut states = [if before > 0.5 { 1.0 } else { -1.0 }; ELEMENTS];
    let step = |&now: &f64| {
        for (state, rate) in states.iter_mut().zip(HYSTERESIS_RATES) {
            let keep = (-rate * (now - before).abs()).exp();
            *state = keep * *state + (1.0 - keep) * (now - before).signum();
        }
        before = now;
        states.map(|state| state * model.ocv(now).1)
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
