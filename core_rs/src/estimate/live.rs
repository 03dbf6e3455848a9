//! An estimator inside the cycle: between latch and wake, so that the snapshot it reads is the one it is seen in.
//!
//! Enters: the latched current, voltage and temperature of one battery. Leaves: SOC, its standard deviation and whether
//! they may be relied on, every cycle. It steps once per *new* sample, with `dt` from the samples' own times; current
//! and voltage may come at different rates and times: charge is counted sample by sample, and a voltage is compared with
//! the current at its own instant.
//!
//! Missing, stale, not a number, absurd or stuck: a reading that is no reading is not used. Without voltage the charge is
//! counted on, without current the SOC stands still; sigma grows with what may have flowed, and after [`ALONE_S`]
//! (voltage), [`BLIND_S`] (current) or [`COLD_S`] (temperature) the estimate is not valid. A sample older than the last
//! is left out, a pause counts as a gap. Nothing is allocated, at most two filter steps are made a cycle.

use std::sync::Arc;

use crate::clock::SECOND_NS;
use crate::error::{Error, Result, finite};
use crate::estimate::estimator::{Estimate, Estimator, Reason};
use crate::estimate::memory::MemoryBoard;
use crate::estimate::model::CellModel;
use crate::estimate::sample::Sample;
use crate::estimate::start::{Pack, Start};
use crate::image::{self, Image, Quality, Reader};

/// So long charge may be counted without any voltage.
const ALONE_S: f64 = 600.0;
/// So long the SOC may stand without any current.
const BLIND_S: f64 = 30.0;
/// So long the last temperature may serve.
const COLD_S: f64 = 600.0;
/// A voltage so much older than the newest current is still compared, with the current of its own instant.
const LATE_NS: i64 = 2 * SECOND_NS;

/// Addresses of what a live estimator reads and writes, and the battery they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSpec {
    /// Of the whole battery, discharge > 0.
    pub current: String,
    /// Over all cells in series.
    pub voltage: String,
    /// Their mean is taken; those not valid are left out. One or more, unless a temperature is assumed.
    pub temperatures: Vec<String>,
    /// When no temperature is valid.
    pub assumed_degc: Option<f64>,
    /// How cells are connected.
    pub pack: Pack,
    /// Where to begin.
    pub start: Start,
    /// Written: SOC in percent.
    pub soc: String,
    /// Written: its standard deviation.
    pub sigma: String,
    /// Written: 1 or 0.
    pub valid: String,
}

/// Image handles of the same.
#[derive(Debug)]
struct Handles {
    current: usize,
    voltage: usize,
    temperatures: Box<[usize]>,
    soc: usize,
    sigma: usize,
    valid: usize,
}

/// When something was last there, in ns of the cycle's clock; None: never.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    current_ns: Option<i64>,
    voltage_ns: Option<i64>,
    /// The voltage changed the estimate.
    used_ns: Option<i64>,
    temperature_ns: Option<i64>,
    /// The filter stands at this instant.
    step_ns: Option<i64>,
}

/// One battery's estimator, owned by the cycle.
#[derive(Debug)]
pub struct LiveEstimator {
    image: Arc<Image>,
    handles: Handles,
    assumed_degc: Option<f64>,
    estimator: Estimator,
    seen: Seen,
    temperature_degc: f64,
    reason: Reason,
    board: Arc<MemoryBoard>,
}

/// What goes into the snapshot.
pub type Outputs = [(usize, image::Sample); 3];

impl LiveEstimator {
    /// The estimator and the board on which it leaves its memory. Refuses unknown addresses and a start that cannot be.
    pub fn build(image: &Arc<Image>, model: Arc<CellModel>, spec: &LiveSpec) -> Result<(Self, Arc<MemoryBoard>)> {
        if spec.temperatures.is_empty() && spec.assumed_degc.is_none() {
            return Err(Error::invalid("a live estimator needs a temperature channel or an assumed temperature"));
        }
        spec.assumed_degc.map_or(Ok(0.0), |degc| finite("assumed_degc", degc))?;
        let board = Arc::new(MemoryBoard::empty());
        let made = Self {
            handles: Handles::resolve(image, spec)?,
            image: Arc::clone(image),
            assumed_degc: spec.assumed_degc,
            estimator: Estimator::new(model, spec.pack, spec.start)?,
            seen: Seen::default(),
            temperature_degc: f64::NAN,
            reason: Reason::NotStarted,
            board: Arc::clone(&board),
        };
        Ok((made, board))
    }

    /// The image it was built for.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Takes what is new in this latch and tells what it knows now.
    pub fn step(&mut self, reader: &Reader<'_>) -> Outputs {
        self.feel(reader);
        let (current, voltage) = (self.new_current(reader), self.new_voltage(reader));
        let first = voltage.filter(|(_, at_ns)| current.is_some_and(|(_, current_ns)| *at_ns < current_ns));
        if let Some(voltage) = first {
            self.compare(reader, voltage);
        }
        match (current, voltage.filter(|_| first.is_none())) {
            (Some((amps, at_ns)), Some((volts, volts_ns))) if at_ns == volts_ns => self.take(amps, volts, at_ns),
            (current, voltage) => {
                current.into_iter().for_each(|(amps, at_ns)| self.count(amps, at_ns));
                voltage.into_iter().for_each(|voltage| self.compare(reader, voltage));
            }
        }
        self.outputs(reader.time_ns())
    }

    fn feel(&mut self, reader: &Reader<'_>) {
        let (mut sum, mut count) = (0.0, 0.0);
        for value in self.handles.temperatures.iter().map(|&handle| reader.value(handle)) {
            if value.is_finite() {
                (sum, count) = (sum + value, count + 1.0);
            }
        }
        let measured = (count > 0.0).then(|| sum / count);
        if let Some(degc) = measured.or(self.assumed_degc) {
            (self.temperature_degc, self.seen.temperature_ns) = (degc, Some(reader.time_ns()));
        }
    }

    fn new_current(&mut self, reader: &Reader<'_>) -> Option<(f64, i64)> {
        let found = fresh(reader, self.handles.current, self.seen.current_ns)?;
        self.seen.current_ns = Some(found.1);
        self.seen.step_ns.is_none_or(|step_ns| found.1 > step_ns).then_some(found)
    }

    fn new_voltage(&mut self, reader: &Reader<'_>) -> Option<(f64, i64)> {
        let found = fresh(reader, self.handles.voltage, self.seen.voltage_ns)?;
        self.seen.voltage_ns = Some(found.1);
        self.seen.step_ns.is_none_or(|step_ns| found.1 >= step_ns.saturating_sub(LATE_NS)).then_some(found)
    }

    /// A voltage whose current has another time: with the current of the voltage's instant.
    fn compare(&mut self, reader: &Reader<'_>, (volts, at_ns): (f64, i64)) {
        let amps = reader.value_at(self.handles.current, at_ns);
        if amps.is_finite() {
            self.take(amps, volts, at_ns);
        }
    }

    fn take(&mut self, current_a: f64, voltage_v: f64, at_ns: i64) {
        let dt_s = self.dt_s(at_ns);
        let sample = Sample { current_a, voltage_v, temperature_degc: self.temperature_degc, dt_s };
        let first = self.seen.step_ns.is_none();
        let estimate = if dt_s > 0.0 || first { self.estimator.step(&sample) } else { self.estimator.observe(&sample) };
        self.after(&estimate, at_ns);
    }

    fn count(&mut self, current_a: f64, at_ns: i64) {
        let dt_s = self.dt_s(at_ns);
        let sample = Sample { current_a, voltage_v: f64::NAN, temperature_degc: self.temperature_degc, dt_s };
        let estimate = self.estimator.count(&sample);
        self.after(&estimate, at_ns);
    }

    /// Since the last step; 0 for the first and for a late voltage.
    fn dt_s(&self, at_ns: i64) -> f64 {
        let since_ns = self.seen.step_ns.map_or(0, |step_ns| at_ns.saturating_sub(step_ns).max(0));
        since_ns as f64 / SECOND_NS as f64
    }

    fn after(&mut self, estimate: &Estimate, at_ns: i64) {
        self.seen.step_ns = Some(self.seen.step_ns.map_or(at_ns, |step_ns| step_ns.max(at_ns)));
        self.reason = estimate.reason;
        if estimate.innovation_variance_v2 > 0.0 {
            self.seen.used_ns = Some(at_ns);
        }
        if let Some(memory) = self.estimator.memory() {
            self.board.write(at_ns, &memory);
        }
    }

    fn outputs(&self, now_ns: i64) -> Outputs {
        let waiting_s = age_s(self.seen.step_ns, now_ns);
        let held = self.estimator.held(if waiting_s.is_finite() { waiting_s } else { 0.0 });
        let (soc_pct, sigma_pct) = held.unwrap_or((f64::NAN, f64::NAN));
        let valid = held.is_some() && self.relied_on(now_ns) && sigma_pct <= self.estimator.valid_sigma_pct();
        let sample = |value: f64| image::Sample {
            value,
            time_ns: now_ns,
            quality: if value.is_finite() { Quality::Good } else { Quality::Bad },
        };
        let Handles { soc, sigma, valid: flag, .. } = self.handles;
        [(soc, sample(soc_pct)), (sigma, sample(sigma_pct)), (flag, sample(f64::from(u8::from(valid))))]
    }

    fn relied_on(&self, now_ns: i64) -> bool {
        let consistent = matches!(self.reason, Reason::Good | Reason::Missing | Reason::Stuck);
        let current_there = age_s(self.seen.step_ns, now_ns) <= BLIND_S;
        let voltage_there = age_s(self.seen.used_ns, now_ns) <= ALONE_S;
        consistent && current_there && voltage_there && age_s(self.seen.temperature_ns, now_ns) <= COLD_S
    }
}

impl Handles {
    fn resolve(image: &Image, spec: &LiveSpec) -> Result<Self> {
        Ok(Self {
            current: image.handle(&spec.current)?,
            voltage: image.handle(&spec.voltage)?,
            temperatures: spec.temperatures.iter().map(|address| image.handle(address)).collect::<Result<_>>()?,
            soc: image.handle(&spec.soc)?,
            sigma: image.handle(&spec.sigma)?,
            valid: image.handle(&spec.valid)?,
        })
    }
}

/// A valid sample that is newer than the last one.
fn fresh(reader: &Reader<'_>, handle: usize, last_ns: Option<i64>) -> Option<(f64, i64)> {
    let (value, at_ns) = (reader.value(handle), reader.time_of(handle));
    (value.is_finite() && last_ns.is_none_or(|last_ns| at_ns > last_ns)).then_some((value, at_ns))
}

/// Infinite for what never was.
fn age_s(seen_ns: Option<i64>, now_ns: i64) -> f64 {
    seen_ns.map_or(f64::INFINITY, |seen_ns| now_ns.saturating_sub(seen_ns).max(0) as f64 / SECOND_NS as f64)
}
