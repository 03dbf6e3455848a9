//! What the site draws without its batteries, from a meter whose delay nobody knows exactly.
//!
//! The meter's value that arrives at `t` was true at `t - d`, `d` anywhere in `[0, delay_max_s]`. Site power is
//! `S = grid(t - d) + ess(t - d)`, so `S` lies in the interval `grid + [min ess, max ess]` over that window, with
//! the setpoints that the battery may be on its way to. The estimate moves only as far as the interval forces it
//! (a set-membership filter). For every delay up to `delay_max_s`, every battery speed and every update interval:
//!
//! - the battery at rest makes the interval a point, so a new load is seen in full with the first sample;
//! - our own battery's movement never looks like a change of load: with constant load the error never grows, so a
//!   loop on the estimate cannot oscillate.
//!
//! Beside the point stands a range for who must be cautious (a limit): the worse end of it is safe to act on. With
//! constant load its ends move inwards only, but where the samples force them out, and that sum is bounded: no loop.
//!
//! Not promised: while the battery moves, a further change of load may hide behind that movement (by no more than its
//! extent) until the battery has rested for `delay_max_s`. A meter later than `delay_max_s`, or a battery whose
//! reading is wrong, breaks the premise.

use crate::blocks::extremes::Extremes;
use crate::clock::SECOND_NS;
use crate::error::{Error, Result, finite};

const ARRIVED_W: f64 = 100.0;
const ARRIVED_SHARE: f64 = 0.02;
const LONGEST_S: f64 = 3600.0;
// Bounded by what the samples prove, so that noise and ramps never open the range to its full width: a loop on its far
// end overshoots to the safe side by at most this multiple of a proven change, and cannot wind itself up.
const CAUTION: f64 = 2.0;

/// What is known of the delays, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DelayBounds {
    /// A meter's reading may be this old when it arrives.
    pub delay_max_s: f64,
    /// An unchanged reading counts as the meter's old one for so long (registers slower than the poll).
    pub repeat_max_s: f64,
    /// For so long after a new setpoint the battery may stand anywhere on its way to it.
    pub settle_s: f64,
}

impl DelayBounds {
    /// For meters up to 4 s late and batteries up to 5 s slow.
    pub const DEFAULT: Self = Self { delay_max_s: 4.0, repeat_max_s: 6.0, settle_s: 8.0 };

    /// Refuses what is no duration.
    pub fn validate(&self) -> Result<()> {
        let all = [("delay_max_s", self.delay_max_s), ("repeat_max_s", self.repeat_max_s), ("settle_s", self.settle_s)];
        match all.iter().find(|(_, value)| !(0.0..=LONGEST_S).contains(value)) {
            Some((name, value)) => Err(Error::invalid(format!("{name} must be 0 to {LONGEST_S}, not {value}"))),
            None => Ok(()),
        }
    }
}

/// An interval of powers that holds a point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Belief {
    value_w: f64,
    low_w: f64,
    high_w: f64,
}

impl Belief {
    // What a new interval leaves of it. The point moves as far as it must. So does the range; but where nothing is left,
    // the load has changed, by at least the gap: CAUTION times the gap more of the interval counts as possible too.
    fn told(self, low_w: f64, high_w: f64) -> Self {
        let value_w = self.value_w.max(low_w).min(high_w);
        if low_w > self.high_w {
            Self { value_w, low_w, high_w: high_w.min(low_w + CAUTION * (low_w - self.high_w)) }
        } else if high_w < self.low_w {
            Self { value_w, low_w: low_w.max(high_w - CAUTION * (self.low_w - high_w)), high_w }
        } else {
            Self { value_w, low_w: self.low_w.max(low_w), high_w: self.high_w.min(high_w) }
        }
    }
}

/// Powers in W (grid import > 0, battery discharge > 0), times in monotonic nanoseconds. Allocates only when made.
#[derive(Clone, Debug)]
pub struct SitePowerEstimate {
    repeat_ns: i64,
    readings: Extremes,
    commands: Extremes,
    power_w: Option<f64>,
    setpoint_w: Option<f64>,
    reading: Option<(i64, f64)>,
    belief: Option<Belief>,
}

impl SitePowerEstimate {
    /// Each bound 0 or more.
    pub fn new(bounds: DelayBounds) -> Result<Self> {
        bounds.validate()?;
        let ns = |seconds: f64| (seconds * SECOND_NS as f64).round() as i64;
        Ok(Self {
            repeat_ns: ns(bounds.repeat_max_s),
            readings: Extremes::new(ns(bounds.delay_max_s)),
            commands: Extremes::new(ns(bounds.settle_s)),
            power_w: None,
            setpoint_w: None,
            reading: None,
            belief: None,
        })
    }

    /// The best single answer; None before the first sample of meter and battery, and when their sum is no number.
    pub fn value_w(&self) -> Option<f64> {
        self.belief.map(|belief| belief.value_w).filter(|value_w| value_w.is_finite())
    }

    /// (lowest, highest) for who must be cautious: what explains every sample since the last change of load, and of a
    /// change that shows while the battery moves also twice what is proven of it. A point once the battery rests.
    pub fn range_w(&self) -> Option<(f64, f64)> {
        self.belief.map(|belief| (belief.low_w, belief.high_w))
    }

    /// Forgets everything: the next sample starts afresh.
    pub fn reset(&mut self) {
        self.readings.clear();
        self.commands.clear();
        (self.power_w, self.setpoint_w) = (None, None);
        self.restart();
    }

    /// Forgets what the meter said. What the battery did stays true: the first sample after may be older than it.
    pub fn restart(&mut self) {
        (self.reading, self.belief) = (None, None);
    }

    /// A new reading of the battery. Once it has arrived at its setpoint, the way there is over.
    pub fn battery(&mut self, time_ns: i64, power_w: f64) -> Result<()> {
        let power_w = finite("power_w", power_w)?;
        if self.setpoint_w.is_some_and(|setpoint_w| arrived(power_w, setpoint_w)) {
            self.commands.clear();
        }
        self.power_w = Some(power_w);
        self.readings.push(time_ns, power_w);
        self.forget(time_ns);
        Ok(())
    }

    /// The setpoint that stands: from its change on, the battery may already be there.
    pub fn command(&mut self, time_ns: i64, setpoint_w: f64) -> Result<()> {
        let setpoint_w = finite("setpoint_w", setpoint_w)?;
        if self.setpoint_w != Some(setpoint_w) {
            self.setpoint_w = Some(setpoint_w);
            self.commands.push(time_ns, setpoint_w);
            self.commands.forget_past(time_ns);
        }
        Ok(())
    }

    /// A new reading of the meter; false when it tells nothing (an old one repeated, or the battery is not known).
    pub fn meter(&mut self, time_ns: i64, grid_w: f64) -> Result<bool> {
        let grid_w = finite("grid_w", grid_w)?;
        let Some(power_w) = self.power_w.filter(|_| !self.repeats(time_ns, grid_w)) else {
            return Ok(false);
        };
        self.reading = Some((time_ns, grid_w));
        self.forget(time_ns);
        let (low_w, high_w) = self.battery_range();
        let (low_w, high_w) = (grid_w + low_w, grid_w + high_w);
        let first = Belief { value_w: grid_w + power_w, low_w, high_w };
        self.belief = Some(self.belief.unwrap_or(first).told(low_w, high_w));
        Ok(true)
    }

    fn battery_range(&self) -> (f64, f64) {
        let (readings, commands) = (self.readings.range(), self.commands.range());
        (readings.0.min(commands.0), readings.1.max(commands.1))
    }

    fn repeats(&self, time_ns: i64, grid_w: f64) -> bool {
        self.reading
            .is_some_and(|(since_ns, last_w)| grid_w == last_w && time_ns.saturating_sub(since_ns) < self.repeat_ns)
    }

    fn forget(&mut self, now_ns: i64) {
        self.readings.forget_replaced(now_ns);
        self.commands.forget_past(now_ns);
    }
}

fn arrived(power_w: f64, setpoint_w: f64) -> bool {
    (power_w - setpoint_w).abs() <= ARRIVED_W + ARRIVED_SHARE * setpoint_w.abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn estimate() -> SitePowerEstimate {
        SitePowerEstimate::new(DelayBounds::DEFAULT).unwrap()
    }

    #[test]
    fn after_a_lost_meter_the_first_sample_may_be_older_than_what_the_battery_did_meanwhile() {
        let mut site = estimate();
        site.battery(0, 30e3).unwrap();
        assert!(site.meter(0, 60e3).unwrap());
        site.restart();
        assert_eq!((site.value_w(), site.range_w()), (None, None));
        site.battery(SECOND_NS, 0.0).unwrap();
        assert!(site.meter(SECOND_NS, 60e3).unwrap());
        assert_eq!(site.range_w(), Some((60e3, 90e3)));
        site.meter(2 * SECOND_NS, 90e3).unwrap();
        assert_eq!(site.range_w(), Some((90e3, 90e3)), "one more sample, and only 90 kW explains both");
        site.reset();
        assert!(!site.meter(3 * SECOND_NS, 1.0).unwrap());
    }

    #[test]
    fn readings_whose_sum_is_no_number_give_no_answer() {
        let mut site = estimate();
        site.battery(0, f64::MAX).unwrap();
        assert!(site.meter(0, f64::MAX).unwrap());
        assert_eq!(site.value_w(), None);
    }

    #[test]
    fn a_setpoint_on_its_way_widens_until_the_battery_arrives() {
        let mut site = estimate();
        site.battery(0, 0.0).unwrap();
        site.meter(0, 90e3).unwrap();
        site.command(0, 30e3).unwrap();
        site.meter(SECOND_NS, 60e3).unwrap();
        assert_eq!(site.value_w(), Some(90e3), "the battery is faster than its reading");
        site.battery(5 * SECOND_NS, 29.5e3).unwrap();
        site.battery(9 * SECOND_NS, 29.5e3).unwrap();
        site.meter(9 * SECOND_NS, 60.1e3).unwrap();
        assert_eq!(site.value_w(), Some(89.6e3));
    }

    #[test]
    fn what_is_no_number_changes_nothing() {
        let mut site = estimate();
        assert!(site.battery(0, f64::NAN).is_err() && site.command(0, f64::INFINITY).is_err());
        site.battery(0, 1.0).unwrap();
        assert!(site.meter(0, f64::NAN).is_err());
        assert_eq!(site.value_w(), None);
        let wrong = DelayBounds { settle_s: f64::NAN, ..DelayBounds::DEFAULT };
        assert!(SitePowerEstimate::new(wrong).unwrap_err().to_string().contains("settle_s must be 0 to 3600"));
    }

    proptest! {
        #[test]
        fn the_point_lies_in_the_range(
            turns in proptest::collection::vec((0_i64..3_000, -1e5..1e5_f64, -6e4..6e4_f64, -6e4..6e4_f64), 1..60),
        ) {
            let (mut site, mut now_ns) = (estimate(), 0);
            for (wait_ms, grid_w, power_w, setpoint_w) in turns {
                now_ns += wait_ms * 1_000_000;
                site.battery(now_ns, power_w).unwrap();
                site.meter(now_ns, grid_w).unwrap();
                site.command(now_ns, setpoint_w).unwrap();
                let (value_w, (low_w, high_w)) = (site.value_w().unwrap(), site.range_w().unwrap());
                prop_assert!(low_w <= value_w && value_w <= high_w);
            }
        }
    }
}
