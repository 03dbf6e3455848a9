//! The extended Kalman filter of one cell.
//!
//! States: SOC (0..1); voltages of the two RC pairs in V; hysteresis (-1 discharged .. +1 charged); offset of the current
//! sensor in A; relative error of current gain over capacity; slow error of the model in V; a lasting error of OCV table and
//! model, in standard deviations. The last and the gain are *considered* but never estimated (Schmidt): on a flat OCV no run
//! of readings, however long, may make the filter surer than its table is, and under load an error of the model looks like
//! one of the gain. Terminal voltage:
//!
//! `v = ocv(surface) + hysteresis * gap(soc) + error + lasting - u1 - u2 - r0 * bend * asinh((i - offset) / bend)`
//!
//! where the surface's SOC is behind the mean by diffusion ([`crate::estimate::lag`]). The OCV is averaged over what the
//! SOC may be (three Gauss-Hermite points) instead of differentiated at one point: a flat stretch with a steep end, as of
//! LFP, would mislead a derivative.

use crate::estimate::cell::HYSTERESIS_RATES;
use crate::estimate::change::Change;
use crate::estimate::lag::{Surface, decay};
use crate::estimate::matrix::{
    CONSIDERED, ERROR, HYSTERESIS, Matrix, N, OFFSET, SCALE, SOC, U1, U2, Vector, add_outer, diagonal, dot, joseph,
    symmetric, times, transposed,
};
use crate::estimate::memory::Memory;
use crate::estimate::model::{CellModel, Circuit};

/// Variance of a SOC of which nothing is known (uniform over 0..1).
const UNKNOWN_SOC: f64 = 1.0 / 12.0;
/// Standard deviation of a hysteresis that may be anything (uniform over -1..+1).
const HYSTERESIS_UNKNOWN: f64 = 0.577;
/// Over this time it is learned how large mean currents are, in s.
const MEANS_S: f64 = 4.0 * 3600.0;
/// Standard deviation of the hysteresis state where the model has settled.
const HYSTERESIS_SIGMA: f64 = 0.3;
/// Before the first sample a current of this share of capacity per hour may have flowed.
const BEFORE_C_RATE: f64 = 0.2;
/// White error of the series resistance between two samples, as a share.
const R0_SHARE: f64 = 0.03;
/// The OCV's slope over what the SOC may be is known to this share: a wide belief narrows in steps, not at once.
const SLOPE_SHARE: f64 = 0.2;
/// So close to empty and full the OCV is too steep to stand for a wide belief.
const END: f64 = 0.02;
/// Before the first sample the surface may be behind by this share of what the current before can make of it.
const LAG_SHARE_UNKNOWN: f64 = 1.0;
/// How wrong the lag of the surface is, as a share of it.
const LAG_ERROR: f64 = 0.2;
/// What no model follows and no run of readings averages out (one standard deviation): this share of the hysteresis' gap,
/// and of the OCV's axis of SOC, beside `model_v`.
const LASTING_GAP: f64 = 0.1;
const LASTING_SOC: f64 = 0.005;
/// The error of a filter that knows much is larger than it believes, for the model's error has a shape: sigma is told with
/// this much more variance,
const UNTOLD: f64 = 3.0;
/// but of no more than this standard deviation of SOC (0..1).
const UNTOLD_SIGMA: f64 = 0.03;
/// The square of how many standard deviations an innovation may be off.
const GATE: f64 = 25.0;
/// No current sensor over capacity is further off than this share.
const LARGEST_SCALE: f64 = 0.3;
/// How fast offset and scale may wander: their first standard deviation in this time.
const WANDER_S: f64 = 30.0 * 86_400.0;

/// Offset and spread of one voltage reading against the filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Innovation {
    /// Reading minus expectation in V.
    pub voltage_v: f64,
    /// Its expected variance in V^2.
    pub variance_v2: f64,
    /// Whether the gate let it through.
    pub accepted: bool,
}

/// What the filter believes.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    x: Vector,
    p: Matrix,
    /// Each -1..+1; what they add up to is where the hysteresis goes, its state in `x` is where it is believed to be.
    elements: [f64; ELEMENTS],
    surface: Surface,
    mean_square_a2: f64,
    /// Of the last minutes in A, and how far such means are from 0 (over hours, in A^2).
    mean_a: f64,
    mean_square_of_mean_a2: f64,
}

const ELEMENTS: usize = HYSTERESIS_RATES.len();

/// The voltage that a state stands for, linearised.
struct Expected {
    voltage_v: f64,
    /// Lost in the series resistance.
    series_v: f64,
    h: Vector,
    variance_v2: f64,
}

impl Filter {
    /// With this SOC 0..1 and its standard deviation; what flowed before is unknown.
    pub(super) fn new(model: &CellModel, circuit: &Circuit, soc: f64, sigma: f64) -> Self {
        let noise = &model.noise;
        let before_a = BEFORE_C_RATE * model.capacity_ah();
        let (u1, u2) = (before_a * circuit.r1_ohm, before_a * circuit.r2_ohm);
        let lag = LAG_SHARE_UNKNOWN * circuit.lag_share * BEFORE_C_RATE * model.slope(soc);
        let error = noise.model_v.hypot(noise.model_share * circuit.total_ohm() * before_a).hypot(lag);
        let sigmas = [sigma, u1, u2, HYSTERESIS_UNKNOWN, noise.current_offset_a, noise.current_scale, error, 1.0];
        let x = [soc.clamp(0.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        Self {
            x,
            p: diagonal(&sigmas.map(|sigma| sigma * sigma)),
            elements: [0.0; ELEMENTS],
            surface: Surface::default(),
            mean_square_a2: before_a * before_a,
            mean_a: 0.0,
            mean_square_of_mean_a2: before_a * before_a,
        }
    }

    /// Takes over what was known of the current sensor.
    pub(super) fn remember(&mut self, memory: &Memory) {
        self.x[OFFSET] = memory.offset_a;
        self.x[SCALE] = memory.scale.clamp(-LARGEST_SCALE, LARGEST_SCALE);
        self.p[OFFSET][OFFSET] = memory.offset_sigma_a * memory.offset_sigma_a;
        self.p[SCALE][SCALE] = memory.scale_sigma * memory.scale_sigma;
    }

    /// What is worth remembering.
    pub(super) fn memory(&self) -> Memory {
        let sigma = |variance: f64| variance.max(f64::MIN_POSITIVE).sqrt();
        Memory {
            soc_pct: 100.0 * self.soc(),
            soc_sigma_pct: 100.0 * self.soc_sigma().max(f64::MIN_POSITIVE),
            offset_a: self.x[OFFSET],
            offset_sigma_a: sigma(self.p[OFFSET][OFFSET]),
            scale: self.x[SCALE],
            scale_sigma: sigma(self.p[SCALE][SCALE]),
        }
    }

    /// The same belief, given that the SOC is this one to within `sigma`.
    pub(super) fn narrowed(&self, soc: f64, sigma: f64) -> Self {
        let variance = self.p[SOC][SOC].max(f64::MIN_POSITIVE);
        let along = self.p[SOC].map(|value| value / variance);
        let mut narrowed = self.clone();
        let by = soc - self.x[SOC];
        narrowed.x.iter_mut().zip(&along).for_each(|(state, share)| *state += share * by);
        add_outer(&mut narrowed.p, sigma * sigma - variance, &along, &along);
        narrowed.bound();
        narrowed
    }

    /// Mean and covariance of several beliefs by their shares; what has no covariance is that of `self`.
    pub(super) fn mixed<'a>(&self, shares: impl Iterator<Item = (f64, &'a Self)> + Clone) -> Self {
        let mut mixed = Self { x: [0.0; N], p: [[0.0; N]; N], ..self.clone() };
        for (share, filter) in shares.clone() {
            mixed.x.iter_mut().zip(&filter.x).for_each(|(state, value)| *state += share * value);
        }
        for (share, filter) in shares {
            let mut off = filter.x;
            off.iter_mut().zip(&mixed.x).for_each(|(value, mean)| *value -= mean);
            for (row, own) in mixed.p.iter_mut().zip(&filter.p) {
                row.iter_mut().zip(own).for_each(|(value, own)| *value += share * own);
            }
            add_outer(&mut mixed.p, share, &off, &off);
        }
        mixed.bound_states();
        mixed
    }

    /// SOC 0..1.
    #[inline]
    pub(super) fn soc(&self) -> f64 {
        self.x[SOC]
    }

    /// Standard deviation of SOC, at most that of knowing nothing.
    #[inline]
    pub(super) fn soc_sigma(&self) -> f64 {
        self.p[SOC][SOC].clamp(0.0, UNKNOWN_SOC).sqrt()
    }

    /// Standard deviation of SOC as it is told: with what the filter does not know of its own error.
    #[inline]
    pub(super) fn told_sigma(&self) -> f64 {
        let sigma = self.soc_sigma();
        sigma.hypot(UNTOLD.sqrt() * sigma.min(UNTOLD_SIGMA))
    }

    /// Root mean square of the recent current in A.
    #[inline]
    pub(super) fn recent_current_a(&self) -> f64 {
        self.mean_square_a2.sqrt()
    }

    /// (mean, its standard deviation) in A of a current that nobody measured: that of the last minutes, as unknown as
    /// such means are large.
    pub(super) fn unmeasured_a(&self) -> (f64, f64) {
        (self.mean_a, self.mean_square_of_mean_a2.sqrt())
    }

    /// Moves on by `dt_s` under a measured current whose mean over that time is known to `sigma_a`.
    #[inline]
    pub(super) fn predict(&mut self, model: &CellModel, circuit: &Circuit, current_a: f64, sigma_a: f64, dt_s: f64) {
        let noise = &model.noise;
        let current = current_a - self.x[OFFSET];
        let per_amp = -dt_s / model.capacity_as;
        let moved = per_amp * (1.0 + self.x[SCALE]) * current;
        let keep1 = decay(dt_s * circuit.rate1_per_s);
        let keep2 = decay(dt_s * circuit.rate2_per_s);
        let (drop1, drop2) = (circuit.r1_ohm * (1.0 - keep1), circuit.r2_ohm * (1.0 - keep2));
        let keep_h = decay(model.hysteresis_rate * moved.abs());
        let keep_e = decay(dt_s / noise.model_time_s);
        self.surface.predict(circuit.lag_share, circuit.lag_rate_per_s, current / model.capacity_ah(), dt_s);
        self.x[SOC] += moved;
        self.x[U1] = keep1 * self.x[U1] + drop1 * current;
        self.x[U2] = keep2 * self.x[U2] + drop2 * current;
        let (before, after) = self.move_hysteresis(model, moved);
        self.x[HYSTERESIS] = after + keep_h * (self.x[HYSTERESIS] - before);
        self.x[ERROR] *= keep_e;
        let change = Change { keep1, keep2, keep_h, keep_e, drop1, drop2, per_amp, current };
        self.p = change.apply(&transposed(&change.apply(&self.p)));
        add_outer(&mut self.p, sigma_a * sigma_a, &change.input(), &change.input());
        self.mean_square_a2 = keep_e * self.mean_square_a2 + (1.0 - keep_e) * current * current;
        self.mean_a = keep_e * self.mean_a + (1.0 - keep_e) * current;
        let keep_m = decay(dt_s / MEANS_S);
        let square = self.mean_a * self.mean_a;
        self.mean_square_of_mean_a2 = keep_m * self.mean_square_of_mean_a2 + (1.0 - keep_m) * square;
        self.blur_hysteresis(model, sigma_a * per_amp);
        self.add_process_noise(model, circuit, &change, dt_s);
        self.bound();
    }

    /// A movement that is known only so well leaves the hysteresis as unknown as it can have turned it.
    fn blur_hysteresis(&mut self, model: &CellModel, sigma_moved: f64) {
        let keep = decay(model.hysteresis_rate * sigma_moved.abs());
        self.p[HYSTERESIS][HYSTERESIS] += (1.0 - keep * keep) * HYSTERESIS_UNKNOWN * HYSTERESIS_UNKNOWN;
    }

    /// What the elements add up to, before and after.
    fn move_hysteresis(&mut self, model: &CellModel, moved: f64) -> (f64, f64) {
        let (mut before, mut after) = (0.0, 0.0);
        for (state, &(rate, share)) in self.elements.iter_mut().zip(&model.hysteresis) {
            before += share * *state;
            let keep = decay(rate * moved.abs());
            *state = keep * *state + (1.0 - keep) * moved.signum();
            after += share * *state;
        }
        (before, after)
    }

    fn add_process_noise(&mut self, model: &CellModel, circuit: &Circuit, change: &Change, dt_s: f64) {
        let noise = &model.noise;
        let lost = noise.model_share * circuit.total_ohm();
        let lag = LAG_ERROR * circuit.lag_share / model.capacity_ah() * model.slope(self.x[SOC]);
        let error = noise.model_v * noise.model_v + (lost * lost + lag * lag) * self.mean_square_a2;
        let wander = dt_s / WANDER_S;
        self.p[HYSTERESIS][HYSTERESIS] += (1.0 - change.keep_h * change.keep_h) * HYSTERESIS_SIGMA * HYSTERESIS_SIGMA;
        self.p[OFFSET][OFFSET] += wander * noise.current_offset_a * noise.current_offset_a;
        self.p[SCALE][SCALE] += wander * noise.current_scale * noise.current_scale;
        self.p[ERROR][ERROR] += (1.0 - change.keep_e * change.keep_e) * error;
    }

    /// Takes a measured voltage; one that the gate refuses changes nothing.
    #[inline]
    pub(super) fn update(
        &mut self,
        model: &CellModel,
        circuit: &Circuit,
        current_a: f64,
        voltage_v: f64,
    ) -> Innovation {
        let expected = self.expected(model, circuit, current_a);
        let projected = times(&self.p, &expected.h);
        let off = R0_SHARE * expected.series_v;
        let r = model.noise.voltage_v * model.noise.voltage_v + expected.variance_v2 + off * off;
        let variance_v2 = dot(&projected, &expected.h).max(0.0) + r;
        let innovation_v = voltage_v - expected.voltage_v;
        let accepted = innovation_v * innovation_v <= GATE * variance_v2;
        if accepted {
            let mut gain = projected.map(|value| value / variance_v2);
            gain[CONSIDERED] = 0.0;
            gain[SCALE] = 0.0;
            for (state, share) in self.x.iter_mut().zip(&gain) {
                *state += share * innovation_v;
            }
            self.p = joseph(&self.p, &gain, &expected.h, r);
            self.bound();
        }
        Innovation { voltage_v: innovation_v, variance_v2, accepted }
    }

    fn expected(&self, model: &CellModel, circuit: &Circuit, current_a: f64) -> Expected {
        let spread = (3.0_f64.sqrt() * self.soc_sigma().max(1e-4)).min(0.5 - END);
        let margin = END.min(0.3 * spread);
        // Close to empty or full the points move inwards: beyond the ends there is no OCV.
        let surface = self.surface.soc(self.x[SOC]);
        let centre = surface.clamp(spread + margin, 1.0 - spread - margin);
        let (low, high) = (model.ocv(centre - spread).0, model.ocv(centre + spread).0);
        let (middle, gap) = (model.ocv(centre).0, model.ocv(self.x[SOC]).1);
        let mean = (4.0 * middle + low + high) / 6.0;
        let slope = (high - low) / (2.0 * spread);
        let square = (4.0 * middle * middle + low * low + high * high) / 6.0;
        let linear = slope * spread / 3.0_f64.sqrt();
        let (series_v, series_ohm) = circuit.series(current_a - self.x[OFFSET]);
        let drop = self.x[U1] + self.x[U2] + series_v;
        let lasting = model.noise.model_v.hypot(LASTING_GAP * model.typical_gap_v()).hypot(slope * LASTING_SOC);
        Expected {
            series_v,
            voltage_v: mean + slope * (surface - centre) + gap * self.x[HYSTERESIS] + self.x[ERROR] - drop,
            h: [slope, -1.0, -1.0, gap, series_ohm, 0.0, 1.0, lasting],
            variance_v2: (square - mean * mean - linear * linear).max(0.0) + (SLOPE_SHARE * linear).powi(2),
        }
    }

    /// Says that more is unknown than believed: after a run of refused readings.
    pub(super) fn doubt(&mut self, model: &CellModel, circuit: &Circuit) {
        let u = 0.5 * (circuit.r1_ohm + circuit.r2_ohm) * self.recent_current_a();
        let error = 4.0 * model.noise.model_v;
        for (state, sigma) in [(SOC, 0.2), (U1, u), (U2, u), (HYSTERESIS, 0.8), (ERROR, error)] {
            if let Some(value) = self.p.get_mut(state).and_then(|row| row.get_mut(state)) {
                *value += sigma * sigma;
            }
        }
    }

    /// Keeps states where they can be and the SOC's variance below that of knowing nothing.
    #[inline]
    fn bound(&mut self) {
        self.bound_states();
        if self.p[SOC][SOC] > UNKNOWN_SOC {
            self.shrink_soc((UNKNOWN_SOC / self.p[SOC][SOC]).sqrt());
        }
    }

    #[inline]
    fn bound_states(&mut self) {
        self.x[SOC] = self.x[SOC].clamp(0.0, 1.0);
        self.x[HYSTERESIS] = self.x[HYSTERESIS].clamp(-1.0, 1.0);
        self.x[SCALE] = self.x[SCALE].clamp(-LARGEST_SCALE, LARGEST_SCALE);
    }

    #[cold]
    fn shrink_soc(&mut self, factor: f64) {
        self.p[SOC] = self.p[SOC].map(|value| factor * value);
        for row in &mut self.p {
            row[SOC] *= factor;
        }
        self.p = symmetric(&self.p);
    }

    /// Whether every number in here is finite.
    pub(super) fn is_finite(&self) -> bool {
        self.x.iter().chain(self.p.iter().flatten()).all(|value| value.is_finite())
    }
}
