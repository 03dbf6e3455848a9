//! One battery: judges its samples, bridges gaps, runs the filter, says what may be relied on.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::estimate::filter::{Filter, Innovation};
use crate::estimate::memory::Memory;
use crate::estimate::model::{CellModel, Circuit};
use crate::estimate::rivals::Rivals;
use crate::estimate::sample::Sample;
use crate::estimate::sensor::{Expect, Judge};
use crate::estimate::start::{GAP_C_RATE, KNOWING_NOTHING, Pack, Start};

/// As many refused voltages in a row, and the filter doubts itself.
const REFUSED_IN_A_ROW: u32 = 30;
/// A SOC known no better than this (0..1) is not valid.
const VALID_SIGMA: f64 = 0.25;
/// Standard deviation of a SOC that was looked up in the OCV table under unknown load.
const LOOKED_UP_SIGMA: f64 = 0.2;
/// Below this share of capacity per hour a cell rests.
const REST_C_RATE: f64 = 0.01;
/// Nothing older than this can matter, in s: keeps sums finite.
const LONGEST_GAP_S: f64 = 1e9;

/// Why an estimate is, or is not, valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// It is valid.
    Good,
    /// No good voltage was ever seen.
    NotStarted,
    /// A reading is missing, not a number or outside what can be.
    Missing,
    /// A reading does not move although it must.
    Stuck,
    /// The time between samples is a gap, or no time at all.
    Time,
    /// The voltage contradicts the model again and again.
    Contradicted,
    /// Too little is known.
    Unsure,
}

/// The answer to a sample; always finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// 0..100.
    pub soc_pct: f64,
    /// Its standard deviation.
    pub sigma_pct: f64,
    /// Why it is (not) valid.
    pub reason: Reason,
    /// Voltage of one cell minus what was expected, in V; NaN-free: 0 when no voltage was used.
    pub innovation_v: f64,
    /// Its expected variance in V^2; 0 when no voltage was used.
    pub innovation_variance_v2: f64,
}

impl Estimate {
    /// Whether it may be relied on within its sigma.
    #[must_use]
    pub fn valid(&self) -> bool {
        self.reason == Reason::Good
    }
}

/// What a sample brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Both,
    Current,
    Voltage,
}

/// The estimator of one battery.
#[derive(Clone, Debug)]
pub struct Estimator {
    model: Arc<CellModel>,
    pack: Pack,
    start: Start,
    filter: Option<Filter>,
    /// What the filter was split into while it knows little.
    rivals: Rivals,
    judge: Judge,
    last_current_a: f64,
    waiting_s: f64,
    refused: u32,
    seen: bool,
}

impl Estimator {
    /// Refuses a pack without cells or a start that is no SOC.
    pub fn new(model: Arc<CellModel>, pack: Pack, start: Start) -> Result<Self> {
        if pack.series == 0 || pack.parallel == 0 {
            return Err(Error::invalid("series and parallel must be 1 or more"));
        }
        start.check()?;
        let (filter, rivals, judge) = (None, Rivals::none(), Judge::new());
        let mut made = Self {
            model,
            pack,
            start,
            filter,
            rivals,
            judge,
            last_current_a: 0.0,
            waiting_s: 0.0,
            refused: 0,
            seen: false,
        };
        made.reset();
        Ok(made)
    }

    /// Back to the start.
    pub fn reset(&mut self) {
        self.filter = None;
        self.rivals.clear();
        (self.judge, self.last_current_a, self.waiting_s) = (Judge::new(), 0.0, 0.0);
        (self.refused, self.seen) = (0, false);
    }

    /// The cell behind it.
    pub fn model(&self) -> &Arc<CellModel> {
        &self.model
    }

    /// Takes one sample. Allocates nothing; whatever comes in, finite numbers go out.
    pub fn step(&mut self, sample: &Sample) -> Estimate {
        self.take(sample, News::Both)
    }

    /// Counts the charge up to now; there is no voltage to compare with, and none is missed.
    pub fn count(&mut self, sample: &Sample) -> Estimate {
        self.take(sample, News::Current)
    }

    /// Compares a voltage at the instant of the last step: no time passes.
    pub fn observe(&mut self, sample: &Sample) -> Estimate {
        self.take(&Sample { dt_s: 0.0, ..*sample }, News::Voltage)
    }

    /// (SOC, its standard deviation) in percent `waiting_s` after the last sample; None before it has begun.
    pub fn held(&self, waiting_s: f64) -> Option<(f64, f64)> {
        let filter = self.filter.as_ref()?;
        let unknown = waiting_sigma(&self.model, filter, self.waiting_s + waiting_s);
        Some((100.0 * filter.soc(), 100.0 * filter.told_sigma().hypot(unknown).min(KNOWING_NOTHING)))
    }

    /// What a restart needs; None before it has begun.
    pub fn memory(&self) -> Option<Memory> {
        self.filter.as_ref().map(Filter::memory)
    }

    /// A SOC known no better is not valid, in percent.
    pub fn valid_sigma_pct(&self) -> f64 {
        100.0 * VALID_SIGMA
    }

    fn take(&mut self, sample: &Sample, news: News) -> Estimate {
        let model = Arc::clone(&self.model);
        let cell = Sample {
            current_a: sample.current_a / f64::from(self.pack.parallel),
            voltage_v: sample.voltage_v / f64::from(self.pack.series),
            ..*sample
        };
        self.step_cell(&model, &cell, news)
    }

    fn step_cell(&mut self, model: &CellModel, sample: &Sample, news: News) -> Estimate {
        let soc = self.filter.as_ref().map_or_else(|| self.first_soc(sample.voltage_v), Filter::soc);
        let last_degc = self.judge.temperature_or(sample.temperature_degc);
        let circuit = model.circuit(soc, last_degc);
        let expect = expect(model, soc, circuit.r0_ohm);
        let judged = match news {
            News::Current => self.judge.judge_current(sample, &model.limits),
            _ => self.judge.judge(sample, &model.limits, &expect),
        };
        let moves = sample.dt_s > 0.0 || !self.seen || news == News::Voltage;
        let in_time = moves && sample.dt_s >= 0.0 && sample.dt_s <= model.limits.longest_step_s;
        self.seen = true;
        self.waiting_s = (self.waiting_s + sample.dt_s.max(0.0)).min(LONGEST_GAP_S);
        let current_a = judged.current_a.filter(|_| moves);
        let degc = last_degc;
        let innovation =
            current_a.and_then(|current_a| self.advance(model, &circuit, degc, current_a, judged.voltage_v));
        self.after(model, innovation, last_degc);
        let no_voltage = judged.voltage_v.is_none() && !judged.held && news != News::Current;
        let missing = judged.current_a.is_none() || no_voltage || judged.old_temperature;
        self.estimate(model, self.reason(in_time, judged.stuck, missing), innovation)
    }

    /// Runs the filter up to now.
    fn advance(
        &mut self,
        model: &CellModel,
        circuit: &Circuit,
        degc: f64,
        current_a: f64,
        voltage_v: Option<f64>,
    ) -> Option<Innovation> {
        self.begin(model, circuit, current_a, voltage_v);
        let filter = self.filter.as_mut()?;
        if self.waiting_s > 0.0 {
            let gap = self.waiting_s > model.limits.longest_step_s;
            let (mean_a, sigma_a) = over_gap(model, filter, self.last_current_a, current_a, gap);
            filter.predict(model, circuit, mean_a, sigma_a, self.waiting_s);
            self.rivals.predict(model, degc, mean_a, sigma_a, self.waiting_s);
            if gap {
                self.rivals.split(filter);
            }
        }
        (self.last_current_a, self.waiting_s) = (current_a, 0.0);
        let voltage_v = voltage_v?;
        if self.rivals.is_empty() {
            return Some(filter.update(model, circuit, current_a, voltage_v));
        }
        let innovation = self.rivals.update(model, degc, current_a, voltage_v);
        if let Some(together) = self.rivals.together() {
            *filter = together;
        }
        innovation
    }

    /// Starts with the first good current; without a SOC, with the first good voltage and the OCV table.
    fn begin(&mut self, model: &CellModel, circuit: &Circuit, current_a: f64, voltage_v: Option<f64>) {
        if self.filter.is_some() {
            return;
        }
        let looked_up = |volts: f64| (model.soc_at(volts + circuit.series(current_a).0), LOOKED_UP_SIGMA);
        let soc = self.start.known().or(voltage_v.map(looked_up));
        self.filter = soc.map(|(soc, sigma)| Filter::new(model, circuit, soc, sigma));
        if let (Some(filter), Start::Remembered { memory, .. }) = (&mut self.filter, self.start) {
            filter.remember(&memory);
        }
        if let Some(filter) = &self.filter {
            self.rivals.split(filter);
        }
        (self.last_current_a, self.waiting_s) = (current_a, 0.0);
    }

    /// Counts refused voltages; a long run of them means that the filter, not the sensor, is wrong.
    fn after(&mut self, model: &CellModel, innovation: Option<Innovation>, temperature_degc: f64) {
        match innovation {
            Some(Innovation { accepted: true, .. }) => self.refused = self.refused.saturating_sub(3),
            Some(_) => self.refused = self.refused.saturating_add(1),
            None => {}
        }
        let Some(filter) = &mut self.filter else { return };
        if self.refused > REFUSED_IN_A_ROW {
            filter.doubt(model, &model.circuit(filter.soc(), temperature_degc));
            self.rivals.split(filter);
            self.refused = REFUSED_IN_A_ROW;
        }
        if !filter.is_finite() {
            self.filter = None;
            self.rivals.clear();
        }
    }

    /// The SOC at which the circuit is read before the filter has one.
    fn first_soc(&self, voltage_v: f64) -> f64 {
        self.start.known().map_or_else(|| self.model.soc_at(voltage_v), |(soc, _)| soc)
    }

    fn first_sigma(&self) -> f64 {
        self.start.known().map_or(KNOWING_NOTHING, |(_, sigma)| sigma)
    }

    fn reason(&self, in_time: bool, stuck: bool, missing: bool) -> Reason {
        match &self.filter {
            None => Reason::NotStarted,
            _ if !in_time => Reason::Time,
            _ if stuck => Reason::Stuck,
            _ if missing => Reason::Missing,
            _ if self.refused >= 3 => Reason::Contradicted,
            Some(filter) if filter.told_sigma() > VALID_SIGMA => Reason::Unsure,
            Some(_) => Reason::Good,
        }
    }

    fn estimate(&self, model: &CellModel, reason: Reason, innovation: Option<Innovation>) -> Estimate {
        let unknown = (self.first_soc(f64::NAN), self.first_sigma());
        let (soc, sigma) = self.filter.as_ref().map_or(unknown, |filter| {
            let unknown = waiting_sigma(model, filter, self.waiting_s);
            (filter.soc(), filter.told_sigma().hypot(unknown))
        });
        Estimate {
            soc_pct: 100.0 * soc,
            sigma_pct: 100.0 * sigma.min(KNOWING_NOTHING),
            reason,
            innovation_v: innovation.map_or(0.0, |innovation| innovation.voltage_v),
            innovation_variance_v2: innovation.map_or(0.0, |innovation| innovation.variance_v2),
        }
    }
}

fn expect(model: &CellModel, soc: f64, r0_ohm: f64) -> Expect {
    Expect {
        r0_ohm,
        noise_v: model.noise.voltage_v,
        volts_per_as: model.slope(soc) / model.capacity_as,
        rest_a: REST_C_RATE * model.capacity_ah(),
    }
}

/// Mean current since the last good sample, and how unknown it is.
fn over_gap(model: &CellModel, filter: &Filter, last_a: f64, now_a: f64, gap: bool) -> (f64, f64) {
    if gap {
        return (filter.unmeasured_a().0, unknown_current_a(model, filter));
    }
    // A step may lie anywhere between the samples: uniform.
    (0.5 * (last_a + now_a), (now_a - last_a).abs() / 12.0_f64.sqrt())
}

fn unknown_current_a(model: &CellModel, filter: &Filter) -> f64 {
    filter.unmeasured_a().1.max(GAP_C_RATE * model.capacity_ah())
}

/// Standard deviation of SOC that the time since the last good current adds.
fn waiting_sigma(model: &CellModel, filter: &Filter, waiting_s: f64) -> f64 {
    unknown_current_a(model, filter) * waiting_s / model.capacity_as
}
