//! Rate of change of frequency.

use std::collections::VecDeque;

use super::{Deadband, LowPass, sane_time, seconds, window_ns};
use crate::error::Result;

const CAPACITY: usize = 256;
const FEWEST: usize = 3;

/// Slope of the least-squares line through the frequency samples of the last `window_s` seconds, then a low-pass
/// (`filter_s`), then a deadband (continuous), in Hz/s. Times are the samples' own, in monotonic nanoseconds.
///
/// A frequency on a straight line gives its slope exactly at any spacing; the answer to a ramp is complete one window
/// (and the filter) after its begin. White noise of sigma Hz on n evenly spaced samples gives a slope of standard
/// deviation `sigma * sqrt(12 / (n T^2))` for large n (unfiltered): [`Rocof::noise_gain_per_s`] says the exact factor.
/// Valid from three samples over half a window. A sample no newer than the last is a repetition and changes nothing; of
/// samples closer together than a 256th of the window some are left out. A sample that is not finite is ignored; after a
/// gap longer than the window the estimate starts afresh (invalid, the last output held).
#[derive(Clone, Debug)]
pub struct Rocof {
    window_ns: i64,
    samples: VecDeque<(i64, f64)>,
    filter: LowPass,
    deadband: Deadband,
    fitted_ns: Option<i64>,
    noise_gain_per_s: Option<f64>,
    valid: bool,
}

struct Line {
    slope: f64,
    spread_s2: f64,
}

impl Rocof {
    /// `window_s` 0.001 s or more, `filter_s` and `deadband_hz_per_s` 0 or more.
    pub fn new(window_s: f64, filter_s: f64, deadband_hz_per_s: f64) -> Result<Self> {
        Ok(Self {
            window_ns: window_ns(window_s)?,
            samples: super::touched(CAPACITY + 2, (0, 0.0)),
            filter: LowPass::new(filter_s, None)?,
            deadband: Deadband::new(deadband_hz_per_s, 0.0, false)?,
            fitted_ns: None,
            noise_gain_per_s: None,
            valid: false,
        })
    }

    /// The estimate in Hz/s; 0 before the first.
    pub fn value(&self) -> f64 {
        self.deadband.value()
    }

    /// Whether it stands on the last sample.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// Standard deviation of the unfiltered slope (Hz/s) per Hz of white noise on the samples; None before the first fit.
    /// A resolution of q Hz counts as noise of q / sqrt(12).
    pub fn noise_gain_per_s(&self) -> Option<f64> {
        self.noise_gain_per_s
    }

    /// Takes a sample.
    pub fn step(&mut self, time_ns: i64, frequency_hz: f64) -> f64 {
        if !frequency_hz.is_finite() || !sane_time(time_ns) {
            self.valid = false;
        } else if self.push(time_ns, frequency_hz) {
            self.valid = self.line().is_some_and(|line| self.take(time_ns, &line));
        }
        self.value()
    }

    /// As new.
    pub fn reset(&mut self) {
        self.samples.clear();
        self.forget_fit();
        self.deadband.reset();
        self.valid = false;
    }

    fn push(&mut self, time_ns: i64, frequency_hz: f64) -> bool {
        let spacing_ns = self.window_ns / CAPACITY as i64;
        if self.samples.back().is_some_and(|&(newest_ns, _)| time_ns - newest_ns < spacing_ns.max(1)) {
            return false;
        }
        while self.samples.front().is_some_and(|&(oldest_ns, _)| oldest_ns < time_ns - self.window_ns) {
            self.samples.pop_front();
        }
        if self.samples.is_empty() {
            self.forget_fit();
        }
        self.samples.push_back((time_ns, frequency_hz));
        true
    }

    fn line(&self) -> Option<Line> {
        let (&(oldest_ns, _), &(newest_ns, newest_hz)) = (self.samples.front()?, self.samples.back()?);
        if self.samples.len() < FEWEST || newest_ns - oldest_ns < self.window_ns / 2 {
            return None;
        }
        // Relative to the newest sample: the sums stay small and exact enough.
        let points = || self.samples.iter().map(|&(time_ns, hz)| (seconds(time_ns - newest_ns), hz - newest_hz));
        let count = self.samples.len() as f64;
        let (time_s, hz) = points().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        let (time_s, hz) = (time_s / count, hz / count);
        let spread_s2: f64 = points().map(|point| (point.0 - time_s).powi(2)).sum();
        let common: f64 = points().map(|point| (point.0 - time_s) * (point.1 - hz)).sum();
        Some(Line { slope: common / spread_s2, spread_s2 })
    }

    fn take(&mut self, time_ns: i64, line: &Line) -> bool {
        let dt_s = self.fitted_ns.map_or(0.0, |fitted_ns| seconds(time_ns - fitted_ns));
        let Ok(filtered) = self.filter.step(line.slope, dt_s) else {
            return false;
        };
        if self.filter.valid() {
            (self.fitted_ns, self.noise_gain_per_s) = (Some(time_ns), Some(line.spread_s2.sqrt().recip()));
            self.deadband.step(filtered);
        }
        self.filter.valid()
    }

    fn forget_fit(&mut self) {
        (self.fitted_ns, self.noise_gain_per_s) = (None, None);
        // No value to refuse.
        let _ = self.filter.reset(None);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::SECOND_NS;

    const MS: i64 = 1_000_000;

    #[test]
    fn three_samples_by_hand() {
        let mut rocof = Rocof::new(0.2, 0.0, 0.0).unwrap();
        rocof.step(0, 50.0);
        rocof.step(100 * MS, 50.1);
        assert_eq!((rocof.value(), rocof.valid()), (0.0, false));
        assert!((rocof.step(200 * MS, 49.9) + 0.5).abs() < 1e-9, "(49.9 - 50.0) / 0.2: the middle one has no lever");
        assert!((rocof.noise_gain_per_s().unwrap() - 1.0 / 0.02_f64.sqrt()).abs() < 1e-9, "spread 2 x 0.1^2");
        assert_eq!((rocof.step(200 * MS, 55.0), rocof.valid()), (rocof.value(), true), "a repetition");
        let held = rocof.value();
        assert_eq!((rocof.step(300 * MS, f64::NAN), rocof.valid()), (held, false));
        assert_eq!((rocof.step(501 * MS, 50.0), rocof.valid()), (held, false), "after a gap: afresh");
        rocof.reset();
        assert_eq!(rocof.value(), 0.0);
        assert!(Rocof::new(0.0, 0.0, 0.0).is_err() && Rocof::new(1.0, -1.0, 0.0).is_err());
    }

    #[test]
    fn filter_and_deadband_follow() {
        let mut rocof = Rocof::new(0.5, 1.0, 0.1).unwrap();
        let slope = |time_ns: i64| if time_ns < SECOND_NS { 0.0 } else { seconds(time_ns - SECOND_NS) };
        for time_ns in (0..=100).map(|turn| turn * 100 * MS) {
            rocof.step(time_ns, 50.0 - slope(time_ns));
        }
        assert!((rocof.value() + 0.9).abs() < 1e-3, "-1 Hz/s less the deadband: {}", rocof.value());
    }

    // Noise of a uniform generator (xorshift): sigma = 1 / sqrt(12).
    fn noise(state: &mut u64) -> f64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    #[test]
    fn noise_goes_through_with_the_factor_it_says() {
        let (mut rocof, mut state, mut slopes) =
            (Rocof::new(0.5, 0.0, 0.0).unwrap(), 88_172_645_463_325_252, Vec::new());
        for turn in 0..104_000 {
            let value = rocof.step(turn * 10 * MS, 50.0 + 0.01 * noise(&mut state));
            if rocof.valid() && turn % 52 == 0 {
                slopes.push(value);
            }
        }
        let sigma = (slopes.iter().map(|slope| slope * slope).sum::<f64>() / slopes.len() as f64).sqrt();
        let expected = 0.01 / 12.0_f64.sqrt() * rocof.noise_gain_per_s().unwrap();
        assert!((sigma / expected - 1.0).abs() < 0.1, "{sigma} {expected} of {} windows apart", slopes.len());
        let rule = 0.01 / 12.0_f64.sqrt() * (12.0 / (51.0 * 0.25_f64)).sqrt();
        assert!((expected / rule - 1.0).abs() < 0.05, "{expected} {rule}");
    }

    proptest! {
        #[test]
        fn a_straight_line_gives_its_slope_at_any_spacing(
            slope in -5.0..5.0_f64, waits in proptest::collection::vec(1_i64..120, 20..400),
        ) {
            let (mut rocof, mut time_ns) = (Rocof::new(1.0, 0.3, 0.0).unwrap(), 0);
            let memory = rocof.samples.capacity();
            for wait in waits {
                time_ns += wait * MS;
                rocof.step(time_ns, 50.0 + slope * seconds(time_ns));
                prop_assert!(!rocof.valid() || (rocof.value() - slope).abs() < 1e-6);
            }
            prop_assert_eq!(rocof.samples.capacity(), memory);
        }

        #[test]
        fn no_input_makes_nan(samples in proptest::collection::vec((any::<i64>(), any::<f64>()), 1..60)) {
            let mut rocof = Rocof::new(1e6, 1.0, 0.1).unwrap();
            for (time_ns, hz) in samples {
                prop_assert!(rocof.step(time_ns, hz).is_finite());
                prop_assert!(rocof.step(time_ns.wrapping_add(400_000 * SECOND_NS), hz).is_finite());
            }
        }
    }
}
