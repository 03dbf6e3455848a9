//! Judges readings before the filter sees them: not a number, outside what can be, stuck.

use crate::estimate::cell::Limits;
use crate::estimate::sample::Sample;

/// Readings equal to the last bit for as many samples are suspicious.
const EQUAL_SAMPLES: u32 = 5;
/// A change that must show: as many standard deviations of the voltage sensor.
const MUST_SHOW: f64 = 8.0;
/// Over a longer time the voltage may move so far by itself, in s.
const JUMP_S: f64 = 5.0;
const COLDEST_DEGC: f64 = -50.0;
const HOTTEST_DEGC: f64 = 120.0;
const FIRST_TEMPERATURE_DEGC: f64 = 25.0;

/// What is left of a sample: `None` where a reading must not be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judged {
    pub current_a: Option<f64>,
    pub voltage_v: Option<f64>,
    pub temperature_degc: f64,
    /// The temperature is an older one.
    pub old_temperature: bool,
    /// The voltage repeats itself under load: no news.
    pub held: bool,
    pub stuck: bool,
}

/// What readings must show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expect {
    /// What a change of current does to the voltage.
    pub r0_ohm: f64,
    /// Of the voltage sensor.
    pub noise_v: f64,
    /// What charge does to the voltage, in V per As.
    pub volts_per_as: f64,
    /// Below this a current is none.
    pub rest_a: f64,
}

/// Memory of the last readings of one cell.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    voltage_v: f64,
    equal_voltages: u32,
    lowest_a: f64,
    highest_a: f64,
    drawn_as: f64,
    current_a: f64,
    equal_currents: u32,
    current_stuck: bool,
    temperature_degc: Option<f64>,
}

impl Judge {
    pub(super) fn new() -> Self {
        Self {
            voltage_v: f64::NAN,
            equal_voltages: 0,
            lowest_a: 0.0,
            highest_a: 0.0,
            drawn_as: 0.0,
            current_a: f64::NAN,
            equal_currents: 0,
            current_stuck: false,
            temperature_degc: None,
        }
    }

    /// This temperature when it is one, else the last good one.
    pub(super) fn temperature_or(&self, temperature_degc: f64) -> f64 {
        let good = within(temperature_degc, COLDEST_DEGC, HOTTEST_DEGC);
        good.or(self.temperature_degc).unwrap_or(FIRST_TEMPERATURE_DEGC)
    }

    pub(super) fn judge(&mut self, sample: &Sample, limits: &Limits, expect: &Expect) -> Judged {
        let current = within(sample.current_a, -limits.maximum_current_a, limits.maximum_current_a);
        let voltage = within(sample.voltage_v, limits.minimum_voltage_v, limits.maximum_voltage_v);
        let must_show_v = MUST_SHOW * expect.noise_v;
        if current.is_none() || voltage.is_none() || sample.dt_s > JUMP_S {
            // Whatever follows is compared with itself only.
            (self.equal_currents, self.current_stuck, self.voltage_v) = (0, false, f64::NAN);
        }
        let current_stuck = current.zip(voltage).is_some_and(|(i, v)| self.current_is_stuck(i, v, must_show_v));
        let repeated = voltage.is_some_and(|v| self.voltage_is_repeated(v, current, sample.dt_s));
        let moved_a = self.highest_a - self.lowest_a;
        let voltage_stuck = repeated && (moved_a * expect.r0_ohm > must_show_v || self.hidden_v(expect) > must_show_v);
        let temperature = within(sample.temperature_degc, COLDEST_DEGC, HOTTEST_DEGC);
        self.temperature_degc = temperature.or(self.temperature_degc);
        let held = repeated && self.loaded(expect);
        Judged {
            current_a: current.filter(|_| !current_stuck),
            voltage_v: voltage.filter(|_| !voltage_stuck && !held),
            temperature_degc: self.temperature_degc.unwrap_or(FIRST_TEMPERATURE_DEGC),
            old_temperature: temperature.is_none(),
            held,
            stuck: current_stuck || voltage_stuck,
        }
    }

    /// A current alone: the voltage's memory goes on with what flows meanwhile.
    pub(super) fn judge_current(&mut self, sample: &Sample, limits: &Limits) -> Judged {
        let current = within(sample.current_a, -limits.maximum_current_a, limits.maximum_current_a);
        let temperature = within(sample.temperature_degc, COLDEST_DEGC, HOTTEST_DEGC);
        self.temperature_degc = temperature.or(self.temperature_degc);
        if let Some(current) = current {
            self.remember_current(current, sample.dt_s);
        }
        Judged {
            current_a: current.filter(|_| !self.current_stuck),
            voltage_v: None,
            temperature_degc: self.temperature_degc.unwrap_or(FIRST_TEMPERATURE_DEGC),
            old_temperature: temperature.is_none(),
            held: false,
            stuck: self.current_stuck,
        }
    }

    /// The very same voltage again and again. Remembers what the current did meanwhile.
    fn voltage_is_repeated(&mut self, voltage_v: f64, current_a: Option<f64>, dt_s: f64) -> bool {
        if voltage_v.to_bits() != self.voltage_v.to_bits() {
            let current = current_a.unwrap_or(0.0);
            (self.voltage_v, self.equal_voltages) = (voltage_v, 0);
            (self.lowest_a, self.highest_a, self.drawn_as) = (current, current, 0.0);
            return false;
        }
        self.equal_voltages = self.equal_voltages.saturating_add(1);
        if let Some(current) = current_a {
            self.remember_current(current, dt_s);
        }
        self.equal_voltages > EQUAL_SAMPLES
    }

    fn remember_current(&mut self, current_a: f64, dt_s: f64) {
        (self.lowest_a, self.highest_a) = (self.lowest_a.min(current_a), self.highest_a.max(current_a));
        let drawn_as = current_a * dt_s;
        self.drawn_as += if drawn_as.is_finite() { drawn_as } else { 0.0 };
    }

    /// Whether a current flowed since the voltage last moved.
    fn loaded(&self, expect: &Expect) -> bool {
        self.highest_a.max(-self.lowest_a) > expect.rest_a
    }

    /// What the OCV must have moved since the voltage last did.
    fn hidden_v(&self, expect: &Expect) -> f64 {
        self.drawn_as.abs() * expect.volts_per_as
    }

    /// The very same current while the voltage jumped; stays so until the current changes. A voltage that
    /// does not move itself, or comes back from that, tells nothing of the current. Comes before the voltage's memory is renewed.
    fn current_is_stuck(&mut self, current_a: f64, voltage_v: f64, must_show_v: f64) -> bool {
        if current_a.to_bits() != self.current_a.to_bits() {
            (self.current_a, self.equal_currents, self.current_stuck) = (current_a, 0, false);
        }
        self.equal_currents = self.equal_currents.saturating_add(1);
        let moves = self.equal_voltages <= EQUAL_SAMPLES;
        let jumped = moves && (voltage_v - self.voltage_v).abs() > must_show_v;
        self.current_stuck = moves && (self.current_stuck || (jumped && self.equal_currents > EQUAL_SAMPLES));
        self.current_stuck
    }
}

fn within(value: f64, low: f64, high: f64) -> Option<f64> {
    (value >= low && value <= high).then_some(value)
}
