//! The circuit of a cell from pulse tests.
//!
//! With time constants given, the voltage lost in the cell is linear in the resistances, if these are piecewise linear
//! in SOC: each RC pair filters `phi_j(soc) * i`, where `phi_j` is the hat function of the j-th SOC. So an outer search
//! over two time constants (and the pace of the hysteresis) holds a linear least-squares problem with resistances above
//! 0 inside. All samples of a test take part: pulses, relaxations and the slow steps between.

mod least_squares;
mod overpotential;
mod search;

use crate::error::{Error, Result, finite};
use crate::estimate::cell::{Cell, Elements, HYSTERESIS_RATES, Limits, Noise, Ocv};
use crate::estimate::identify::overpotential::Lost;
use crate::estimate::identify::search::{Fit, Looked, best_fit, best_lag, without_lag};
use crate::estimate::lag::Lag;
use crate::estimate::model::CellModel;

/// SOC in percent at which resistances are found; held beyond: at the very ends the OCV is too steep to tell them from
/// a small error of SOC.
pub const SOC_POINTS_PCT: [f64; 12] = [5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 97.5];
const PACE_WITHOUT_HYSTERESIS: f64 = 30.0;
/// A lag must leave so much less.
const LAG_PAYS: f64 = 0.9;
/// The model's error in use is larger than in the test that it was fitted to.
const SAFETY: f64 = 2.0;

/// One pulse test, at one temperature: the cell rests, then pulses and rests alternate.
#[derive(Clone, Debug, PartialEq)]
pub struct PulseTest {
    /// Strictly rising.
    pub time_s: Vec<f64>,
    /// Discharge > 0.
    pub current_a: Vec<f64>,
    /// At the terminals.
    pub voltage_v: Vec<f64>,
    /// Of the cell; its mean is taken.
    pub temperature_degc: Vec<f64>,
}

/// How well one test was fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct FitReport {
    /// Mean of the test.
    pub temperature_degc: f64,
    /// Fast and slow time constant.
    pub time_constants_s: [f64; 2],
    /// Root mean square of what is left, over all samples.
    pub rmse_v: f64,
    /// SOC at the test's first and last sample.
    pub soc_pct: [f64; 2],
    /// Voltage of the fitted circuit at each sample.
    pub fitted_v: Vec<f64>,
}

/// A cell and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Identified {
    /// Ready to be written.
    pub cell: Cell,
    /// One per test, coldest first.
    pub reports: Vec<FitReport>,
}

impl PulseTest {
    fn check(&self) -> Result<()> {
        let count = self.time_s.len();
        let columns = [&self.current_a, &self.voltage_v, &self.temperature_degc];
        if count < 10 || columns.iter().any(|column| column.len() != count) {
            return Err(Error::invalid("a pulse test needs 10 samples or more, with all columns of one length"));
        }
        let all = columns.into_iter().chain([&self.time_s]).flatten();
        all.into_iter().try_for_each(|&value| finite("a pulse test's value", value).map(|_| ()))?;
        if !self.time_s.is_sorted_by(|a, b| a < b) {
            return Err(Error::invalid("the time of a pulse test must rise from sample to sample"));
        }
        if self.current_a.iter().all(|&amps| amps == 0.0) {
            return Err(Error::invalid("a pulse test without current shows nothing"));
        }
        Ok(())
    }

    fn mean_degc(&self) -> f64 {
        self.temperature_degc.iter().sum::<f64>() / self.temperature_degc.len() as f64
    }
}

/// Finds the cell. The shares of the hysteresis' elements are found as well when the OCV has two branches.
pub fn identify(tests: &[PulseTest], ocv: &Ocv, capacity_ah: f64) -> Result<Identified> {
    tests.iter().try_for_each(PulseTest::check)?;
    let mut order: Vec<&PulseTest> = tests.iter().collect();
    order.sort_by(|a, b| a.mean_degc().total_cmp(&b.mean_degc()));
    if order.is_empty() || order.windows(2).any(|pair| matches!(pair, [a, b] if b.mean_degc() - a.mean_degc() < 1.0)) {
        return Err(Error::invalid("give one pulse test per temperature, at least 1 degC apart"));
    }
    let mut ocv = Ocv { hysteresis_rate: PACE_WITHOUT_HYSTERESIS, hysteresis_shares: vec![], ..ocv.clone() };
    let bare = CellModel::new(&blank(&ocv, capacity_ah, &order)?)?;
    let mut lost = order.iter().map(|test| Lost::of(test, &bare)).collect::<Result<Vec<_>>>()?;
    let looked = trusted_lags(&mut lost, &bare);
    let lags: Vec<Lag> = looked.iter().map(|looked| looked.lag).collect();
    if ocv.hysteresis_v.iter().any(|&gap| gap > 0.0) {
        ocv.hysteresis_shares = mean_shares(&looked);
        ocv.hysteresis_rate = typical_rate(&ocv.hysteresis_shares);
    }
    for (lost, &lag) in lost.iter_mut().zip(&lags) {
        lost.look(&bare, lag, &ocv.hysteresis_shares);
    }
    let fits: Vec<Fit> = lost.iter_mut().map(|lost| trusted_fit(lost, capacity_ah)).collect();
    let elements = elements(&fits, &lags, &order);
    let reports = fits.iter().zip(&order).zip(&lost).map(|((fit, test), lost)| report(fit, test, lost)).collect();
    let noise = noise(&fits, &lost, capacity_ah);
    let cell = Cell { capacity_ah, limits: limits(&ocv, capacity_ah), ocv, elements, noise };
    cell.check()?;
    Ok(Identified { cell, reports })
}

/// Lags (and shares of the hysteresis), one per test, that what no circuit explains does not spoil; none at all where
/// resistances explain as much (on a straight OCV a lag is a resistance).
fn trusted_lags(lost: &mut [Lost], model: &CellModel) -> Vec<Looked> {
    let none: Vec<Looked> = lost.iter_mut().map(|lost| without_lag(lost, model)).collect();
    let lags: Vec<Looked> = lost.iter_mut().zip(&none).map(|(lost, none)| best_lag(lost, model, none)).collect();
    let without: f64 = lost.iter_mut().zip(&none).map(|(lost, none)| remaining(lost, model, none).cost).sum();
    let fits: Vec<Fit> = lost.iter_mut().zip(&lags).map(|(lost, lag)| remaining(lost, model, lag)).collect();
    let pays = fits.iter().map(|fit| fit.cost).sum::<f64>() < LAG_PAYS * without;
    let trusted = |(lost, (fit, lag)): (&mut Lost, (&Fit, &Looked))| {
        lost.doubt(&fit.left_over(lost));
        if pays { best_lag(lost, model, lag) } else { without_lag(lost, model) }
    };
    lost.iter_mut().zip(fits.iter().zip(&lags)).map(trusted).collect()
}

/// What resistances make of it.
fn remaining(lost: &mut Lost, model: &CellModel, looked: &Looked) -> Fit {
    lost.look(model, looked.lag, &looked.shares);
    best_fit(lost, model.capacity_ah())
}

/// The same of a fit.
fn trusted_fit(lost: &mut Lost, capacity_ah: f64) -> Fit {
    lost.doubt(&best_fit(lost, capacity_ah).left_over(lost));
    best_fit(lost, capacity_ah)
}

/// Shares of the hysteresis' elements are those of the cell: the mean of all tests.
fn mean_shares(looked: &[Looked]) -> Vec<f64> {
    let mut mean = vec![0.0; HYSTERESIS_RATES.len()];
    for found in looked {
        mean.iter_mut().zip(&found.shares).for_each(|(sum, share)| *sum += share / looked.len() as f64);
    }
    mean
}

/// The SOC over which a mixture of elements forgets, as one rate.
fn typical_rate(shares: &[f64]) -> f64 {
    let all: f64 = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let memory: f64 = shares.iter().zip(HYSTERESIS_RATES).map(|(share, rate)| share / rate).sum();
    (all / memory.max(f64::MIN_POSITIVE)).clamp(1.0, 1000.0)
}

/// A cell with the OCV only: what is needed to know what the circuit must explain.
fn blank(ocv: &Ocv, capacity_ah: f64, order: &[&PulseTest]) -> Result<Cell> {
    let one = || vec![1.0];
    let elements = Elements {
        soc_pct: vec![50.0],
        temperature_degc: vec![order.first().map_or(25.0, |test| test.mean_degc())],
        r0_ohm: one(),
        r0_bend_a: one(),
        r1_ohm: one(),
        c1_f: one(),
        r2_ohm: one(),
        c2_f: one(),
        lag_share: vec![],
        lag_time_s: vec![],
    };
    let noise = noise(&[], &[], finite("capacity_ah", capacity_ah)?);
    Ok(Cell { capacity_ah, ocv: ocv.clone(), elements, noise, limits: limits(ocv, capacity_ah) })
}

fn elements(fits: &[Fit], lags: &[Lag], order: &[&PulseTest]) -> Elements {
    let all = |part: usize| -> Vec<f64> { fits.iter().flat_map(|fit| fit.part(part).to_vec()).collect() };
    let capacitance = |part: usize, pair: usize| -> Vec<f64> {
        let of = |fit: &Fit| fit.part(part).iter().map(|ohm| fit.time_constant_s(pair) / ohm).collect::<Vec<_>>();
        fits.iter().flat_map(of).collect()
    };
    Elements {
        soc_pct: SOC_POINTS_PCT.to_vec(),
        temperature_degc: order.iter().map(|test| test.mean_degc()).collect(),
        r0_ohm: all(0),
        r0_bend_a: fits.iter().map(|fit| fit.bend_a).collect(),
        r1_ohm: all(1),
        c1_f: capacitance(1, 0),
        r2_ohm: all(2),
        c2_f: capacitance(2, 1),
        lag_share: lags.iter().map(|lag| lag.share).collect(),
        lag_time_s: lags.iter().map(|lag| lag.time_s).collect(),
    }
}

fn report(fit: &Fit, test: &PulseTest, lost: &Lost) -> FitReport {
    let end = |soc: Option<&f64>| 100.0 * soc.copied().unwrap_or(0.0);
    let left = fit.left_over(lost);
    FitReport {
        temperature_degc: test.mean_degc(),
        time_constants_s: fit.time_constants_s,
        rmse_v: (left.iter().map(|volts| volts * volts).sum::<f64>() / left.len() as f64).sqrt(),
        soc_pct: [end(lost.soc.first()), end(lost.soc.last())],
        fitted_v: test.voltage_v.iter().zip(&left).map(|(measured, left)| measured + left).collect(),
    }
}

/// What the field is assumed to be like: a 5 mV voltage sensor, a current sensor with an offset of 0.5 % of 1C and, with
/// the capacity, 3 % of scale; the model's error from what the tests left over.
fn noise(fits: &[Fit], lost: &[Lost], capacity_ah: f64) -> Noise {
    let (mut rest, mut load, mut squares) = ((0.0, 0.0_f64), 0.0, 0.0);
    for (fit, lost) in fits.iter().zip(lost) {
        let (left, drop) = (fit.left_over(lost), fit.static_drop(lost));
        for ((left, drop), (weight, resting_s)) in left.iter().zip(&drop).zip(lost.weight.iter().zip(&lost.resting_s)) {
            if *resting_s > 1800.0 {
                rest = (rest.0 + weight * left * left, rest.1 + weight);
            } else {
                (load, squares) = (load + weight * left * left, squares + weight * drop * drop);
            }
        }
    }
    let model_v = SAFETY * (rest.0 / f64::max(rest.1, f64::MIN_POSITIVE)).sqrt();
    let share = SAFETY * (load / f64::max(squares, f64::MIN_POSITIVE)).sqrt();
    Noise {
        voltage_v: 0.005,
        current_offset_a: 0.005 * capacity_ah,
        current_scale: 0.03,
        model_v: model_v.clamp(0.002, 0.02),
        model_share: share.clamp(0.1, 0.5),
        model_time_s: 600.0,
    }
}

fn limits(ocv: &Ocv, capacity_ah: f64) -> Limits {
    let (low, high) = (ocv.ocv_v.first().copied().unwrap_or(0.0), ocv.ocv_v.last().copied().unwrap_or(0.0));
    Limits {
        minimum_voltage_v: 0.6 * low,
        maximum_voltage_v: 1.25 * high,
        maximum_current_a: 20.0 * capacity_ah,
        longest_step_s: 120.0,
    }
}
